from __future__ import annotations

import copy
import json
import pickle
from dataclasses import FrozenInstanceError, dataclass, replace
from typing import Any

import numpy as np
import pytest

from minimand._common.errors import CertificateError
from minimand._common.result import Certificate, Result, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean(Result):
    """A solver's result in miniature: the minimiser of sum_i (y_i - centre)^2."""

    centre: np.ndarray
    spread: float
    rank: int = 1
    names: tuple[str, ...] | None = None

    def _recompute(self, y: np.ndarray) -> tuple[Certificate, ...]:
        return (gap(float(abs(np.sum(y - self.centre)))),)


def gap(value: float, bound: float = 1e-8, **more: Any) -> Certificate:
    return Certificate("gradient", value, bound, "the sum of the residuals", **more)


def mean(**changes: Any) -> Mean:
    values = {
        "status": Status.CONVERGED,
        "iterations": 3,
        "history": ({"iteration": 1, "seconds": 0.5, "objective": np.inf},),
        "seconds": 0.25,
        "backend": "numpy",
        "certificates": (gap(0.0),),
        "centre": np.array([2.0]),
        "spread": np.float64(0.5),
    }
    return Mean(**(values | changes))


Y = np.array([1.0, 2.0, 3.0])


# Status and certificate


def test_statuses_are_distinct_sentences():
    values = [status.value for status in Status]
    assert len(set(values)) == len(values) == len(Status.__members__)
    assert all(value[0].isupper() and value.endswith(".") for value in values)
    assert [status for status in Status if status.ok] == [Status.CONVERGED, Status.COMPLETED]


@pytest.mark.parametrize(
    ("value", "bound", "holds"),
    [
        (1.0, 1.0, True),
        (0.0, 1.0, True),
        (2.0, 1.0, False),
        (-np.inf, 1.0, False),
        (np.nan, 1.0, False),
        (np.inf, np.inf, False),
        (1.0, np.nan, False),
    ],
)
def test_a_certificate_holds_when_finite_and_within_its_bound(value, bound, holds):
    certificate = gap(value, bound)
    assert certificate.holds is holds
    assert ("holds" in str(certificate)) is holds
    assert ("FAILS" in str(certificate)) is not holds


# Frozen


def test_a_result_is_frozen():
    result = mean()
    with pytest.raises(FrozenInstanceError):
        result.spread = 0.0
    with pytest.raises((AttributeError, TypeError)):
        result.something_new = 1
    with pytest.raises(ValueError, match="read-only"):
        result.centre[0] = 0.0


def test_the_array_of_the_solver_stays_writable():
    centre = np.array([2.0])
    result = mean(centre=centre)
    assert centre.flags.writeable
    assert np.shares_memory(result.centre, centre)


def test_arguments_are_keywords():
    with pytest.raises(TypeError):
        Mean(Status.CONVERGED)


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickling_keeps_arrays_read_only(protocol):
    result = mean()
    twin = pickle.loads(pickle.dumps(result, protocol))
    assert type(twin) is Mean
    assert twin == result
    assert not twin.centre.flags.writeable


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, replace])
def test_copies_are_read_only_and_equal(duplicate):
    result = mean()
    twin = duplicate(result)
    assert twin == result
    assert not twin.centre.flags.writeable


def test_equality_compares_arrays():
    assert mean(centre=np.array([np.nan]), spread=np.nan) == mean(
        centre=np.array([np.nan]), spread=np.nan
    )
    assert mean() != mean(centre=np.array([3.0]))
    assert mean() != mean(centre=np.array([2.0, 2.0]))
    assert mean() != mean(spread=1.0)
    assert mean() != mean(certificates=())
    assert mean() != "a mean"
    with pytest.raises(TypeError, match="unhashable"):
        hash(mean())


# Reports


def test_print_is_a_brief_report():
    lines = str(mean()).splitlines()
    assert lines == [
        "Mean",
        "====",
        "The stopping rule was met.",
        "  centre  [2.]",
        "  spread  0.5",
        "  rank    1",
        "  run     3 iterations, 0.25 s, numpy",
        "Certificates",
        "  holds  gradient: 0 <= 1e-08  (the sum of the residuals)",
    ]


def test_print_stays_brief():
    result = mean(
        centre=np.linspace(0.0, 1.0, 12_000).reshape(4000, 3),
        spread=np.array([np.nan]),
        names=tuple("abcdefghijklmnopqrstuvwxyz"),
        certificates=(gap(np.nan), gap(1.0)),
    )
    text = str(result)
    assert "4000 x 3 float64, 0 to 1" in text
    assert text.count("FAILS") == 2
    assert max(map(len, text.splitlines())) < 110
    assert len(repr(result)) < 300
    assert repr(result).endswith("certificates: 0 of 2 hold)")
    assert text.isascii()  # consoles that know no more do exist


@pytest.mark.parametrize(
    "array",
    [np.empty((0, 3)), np.full((9, 2), np.nan), np.ones(20, dtype=bool), np.array(3.0), np.eye(2)],
)
def test_any_array_can_be_printed(array):
    assert str(mean(centre=array))


def test_to_dict_is_strict_json():
    result = mean(
        centre=np.array([[1.0, np.nan], [np.inf, -np.inf]]),
        spread=np.float32(np.nan),
        names=("a", ("b", np.int64(3)), np.bool_(True)),
    )
    values = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert values == {
        "status": "CONVERGED",
        "iterations": 3,
        "history": [{"iteration": 1, "seconds": 0.5, "objective": "Infinity"}],
        "seconds": 0.25,
        "backend": "numpy",
        "certificates": [
            {
                "name": "gradient",
                "value": 0.0,
                "bound": 1e-8,
                "meaning": "the sum of the residuals",
                "resolution": 0.0,
                "holds": True,
            }
        ],
        "centre": [[1.0, None], ["Infinity", "-Infinity"]],
        "spread": None,
        "rank": 1,
        "names": ["a", ["b", 3], True],
    }


# Verification


def test_verify_returns_the_new_certificates():
    assert mean().verify(Y) == (gap(0.0),)


def test_verify_fails_when_the_data_are_others():
    with pytest.raises(CertificateError, match="Mean does not verify: gradient is 3, the bound is"):
        mean().verify(Y + 1.0)


def test_verify_fails_when_the_answer_was_changed():
    with pytest.raises(CertificateError, match=r"gradient is 1\.5, the bound is 1e-08"):
        replace(mean(), centre=np.array([1.5])).verify(Y)


@pytest.mark.parametrize("recorded", [0.0, 0.99e-10, np.nan])
def test_verify_fails_when_the_record_is_understated(recorded):
    result = mean(centre=np.array([2.0 + 1e-9 / 3]), certificates=(gap(recorded),))
    with pytest.raises(CertificateError, match=r"gradient is 1e-09, recorded was"):
        result.verify(Y)


@pytest.mark.parametrize("recorded", [1.01e-10, 1e-9, 1.0, np.inf])
def test_verify_accepts_what_is_recorded_within_a_factor_of_ten(recorded):
    mean(centre=np.array([2.0 + 1e-9 / 3]), certificates=(gap(recorded),)).verify(Y)


def test_rounding_noise_is_not_understatement(monkeypatch):
    noisy = gap(1e-12, resolution=1e-12)
    monkeypatch.setattr(Mean, "_recompute", lambda _self, _y: (noisy,))
    assert mean().verify(Y) == (noisy,)


@pytest.mark.parametrize("recorded", [(), (gap(0.0), replace(gap(0.0), name="another"))])
def test_verify_fails_when_a_certificate_is_missing(recorded):
    with pytest.raises(CertificateError, match="is missing on one side"):
        mean(certificates=recorded).verify(Y)


def test_all_problems_are_named():
    with pytest.raises(CertificateError, match="another is missing on one side; gradient is 3, "):
        mean(certificates=(gap(0.0), replace(gap(0.0), name="another"))).verify(Y + 1.0)


def test_a_result_without_recomputation_says_so():
    values = {
        name: getattr(mean(), name)
        for name in ("status", "iterations", "history", "seconds", "backend", "certificates")
    }
    with pytest.raises(NotImplementedError, match="Result has no way to recompute"):
        Result(**values).verify(Y)
