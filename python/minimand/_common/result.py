"""What every solver returns: a status, the answer, and certificates that can be checked again.

A domain derives its result with the same decorator and only adds fields and `_recompute`:

    @dataclass(frozen=True, slots=True, kw_only=True)
    class LeastSquaresResult(Result):
        coef: NDArray[np.float64]

        def _recompute(self, X, y): return (Certificate(...),)

Arrays become read-only views. Nothing is copied and no flag of the solver's array changes, so a
solver that may hand back an input of the user (a start that was already optimal) copies it first.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from typing import Any

import numpy as np

from minimand._common.arrays import freeze
from minimand._common.errors import CertificateError


class Status(Enum):
    """How a run ended. The value is the sentence to show."""

    CONVERGED = "The stopping rule was met."
    COMPLETED = "All that was asked for was done; there was no stopping rule to meet."
    MAX_ITERATIONS = "The limit of iterations was reached before the stopping rule was met."
    EVALUATION_LIMIT = "The limit of evaluations was reached before the stopping rule was met."
    TIME_LIMIT = "The time limit was reached before the stopping rule was met."
    STOPPED_BY_CALLBACK = "The callback asked to stop."
    EXACT_FIT = "The model fits exactly: the likelihood is unbounded."
    INTERRUPTED = "The run was interrupted from the keyboard."
    INFEASIBLE = "No point satisfies the constraints."
    UNBOUNDED = "The objective decreases without limit."
    NOT_CERTIFIED = "The accuracy that was asked for could not be certified."
    DIVERGED = "The iterates grew beyond all bounds."
    NO_VARIANCE = "All rows are equal: there is no variance to explain."
    SEPARATED_COMPLETELY = "A plane separates all rows: the likelihood has no maximum."
    SEPARATED_QUASI = "A plane separates some rows: the likelihood has no maximum."
    UNDEFINED_NEARBY = "The function is not finite at some points next to x."
    NOT_ANALYTIC = "Complex arguments do not give what real ones do."
    NONSMOOTH = "The slopes to the left and to the right of x differ."
    NOISE_DOMINATES = "The errors are as large as the derivatives."
    UNDEFINED = "The function is not finite where the next step goes."
    CYCLING = "The iterates return to where they were before."
    CONSTANT_REFUTED = "The function changes faster than the given constant allows."

    @property
    def ok(self) -> bool:
        """Whether the answer is what was asked for."""
        return self in (Status.CONVERGED, Status.COMPLETED)


@dataclass(frozen=True, slots=True)
class Certificate:
    """A number, computed from data and answer, that proves how good the answer is.

    Attributes
    ----------
    name : str
        What is measured, for example "backward error".
    value, bound : float
        The certificate holds when `value` is finite and at most `bound`.
    meaning : str
        One sentence for the reader of a report.
    resolution : float
        The level below which `value` is rounding noise.
    """

    name: str
    value: float
    bound: float
    meaning: str
    resolution: float = 0.0

    @property
    def holds(self) -> bool:
        """Whether the value is finite and within its bound."""
        return bool(math.isfinite(self.value) and self.value <= self.bound)

    def __str__(self) -> str:
        mark, relation = ("holds", "<=") if self.holds else ("FAILS", "is not <=")
        return (
            f"{mark}  {self.name}: {self.value:.3g} {relation} {self.bound:.3g}  ({self.meaning})"
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Result:
    """Base of all results: frozen, with read-only arrays.

    Attributes
    ----------
    status : Status
        How the run ended.
    iterations : int
        Iterations done (0 for direct methods).
    history : tuple of mappings
        A bounded number of records of the run: iteration, seconds and the solver's measures.
    seconds : float
        Wall-clock time.
    backend : str
        "cpp" or "numpy".
    certificates : tuple of Certificate
        What the solver proves about its answer; `verify` computes them anew.
    """

    status: Status
    iterations: int
    history: tuple[Mapping[str, float], ...]
    seconds: float
    backend: str
    certificates: tuple[Certificate, ...]

    def __init_subclass__(cls) -> None:
        # The decorator of a subclass would write an `==` that fails on arrays and a repr of pages.
        for name in ("__eq__", "__repr__"):
            if name not in cls.__dict__:
                setattr(cls, name, getattr(Result, name))

    def __post_init__(self) -> None:
        # A subclass that extends this calls Result.__post_init__(self): slots break super().
        for name, value in self._items():
            if isinstance(value, np.ndarray):
                object.__setattr__(self, name, freeze(value))

    def __reduce__(self) -> tuple[Any, ...]:
        # Through the constructor, so that arrays are read-only again after unpickling.
        return _rebuild, (type(self), dict(self._items()))

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(
            _same(a, b) for (_, a), (_, b) in zip(self._items(), other._items(), strict=True)
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        held = sum(certificate.holds for certificate in self.certificates)
        answer = "".join(f", {name}={_summary(value)}" for name, value in self._answer())
        return (
            f"{type(self).__name__}({self.status.name}{answer}, "
            f"certificates: {held} of {len(self.certificates)} hold)"
        )

    def __str__(self) -> str:
        title = type(self).__name__
        rows = [(name, _summary(value)) for name, value in self._answer()]
        rows.append(("run", f"{self.iterations} iterations, {self.seconds:.3g} s, {self.backend}"))
        width = max(len(name) for name, _ in rows)
        lines = [title, "=" * len(title), self.status.value]
        lines += [f"  {name:<{width}}  {text}" for name, text in rows]
        if self.certificates:
            lines += ["Certificates", *(f"  {certificate}" for certificate in self.certificates)]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values: lists for arrays, None for NaN, the name of the status."""
        return {name: _plain(value) for name, value in self._items()}

    def verify(self, *args: Any, **kwargs: Any) -> tuple[Certificate, ...]:
        """Recompute every certificate from the original data, in NumPy, and return the new ones.

        Parameters
        ----------
        *args, **kwargs
            The data as they were given to the solver.

        Raises
        ------
        CertificateError
            When a recomputed certificate fails or has no recorded counterpart (or the other way
            round), or when the recorded value is understated: recomputed > 10 * recorded +
            resolution.
        """
        recorded = {certificate.name: certificate for certificate in self.certificates}
        recomputed = self._recompute(*args, **kwargs)
        missing = recorded.keys() ^ {certificate.name for certificate in recomputed}
        problems = [f"{name} is missing on one side" for name in sorted(missing)]
        for now in recomputed:
            if not now.holds:
                problems.append(f"{now.name} is {now.value:.3g}, the bound is {now.bound:.3g}")
            elif now.name in recorded:
                before = recorded[now.name].value
                if (
                    not now.value <= 10 * abs(before) + now.resolution
                ):  # `not` also catches a recorded NaN
                    problems.append(f"{now.name} is {now.value:.3g}, recorded was {before:.3g}")
        if problems:
            raise CertificateError(f"{type(self).__name__} does not verify: {'; '.join(problems)}")
        return recomputed

    def _recompute(self, *args: Any, **kwargs: Any) -> tuple[Certificate, ...]:
        raise NotImplementedError(f"{type(self).__name__} has no way to recompute its certificates")

    def _items(self) -> list[tuple[str, Any]]:
        return [(field.name, getattr(self, field.name)) for field in fields(self)]

    def _answer(self) -> list[tuple[str, Any]]:
        """Return the fields of the domain, without those that are None."""
        base = {field.name for field in fields(Result)}
        return [
            (name, value) for name, value in self._items() if name not in base and value is not None
        ]


def _rebuild(cls: type[Result], values: dict[str, Any]) -> Result:
    return cls(**values)


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        numbers = all(np.asarray(array).dtype.kind in "fc" for array in (a, b))
        return np.array_equal(a, b, equal_nan=numbers)
    if isinstance(a, (tuple, list)) and isinstance(b, (tuple, list)):
        return len(a) == len(b) and all(_same(x, y) for x, y in zip(a, b, strict=True))
    return bool(a == b) or (a != a and b != b)  # NaN equals NaN here


def _plain(value: Any) -> Any:
    """Return `value` in the types that strict JSON knows."""
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, Result):
        return value.to_dict()
    if isinstance(value, Certificate):
        certificate = {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
        return certificate | {"holds": value.holds}
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, (np.ndarray, np.generic)):
        return _plain(value.tolist())
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, (tuple, list, set, frozenset)):
        return [_plain(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)


def _summary(value: Any) -> str:
    """Return one short line for a field."""
    if isinstance(value, np.ndarray):
        if value.ndim == 1 and value.size <= 8:
            return np.array2string(value, precision=6, max_line_width=10_000, separator=", ")
        extent = ""
        if value.size and value.dtype.kind in "iuf":
            good = value[np.isfinite(value)]
            extent = f", {good.min():.6g} to {good.max():.6g}" if good.size else ", no finite entry"
        return f"{' x '.join(map(str, value.shape))} {value.dtype}{extent}"
    if isinstance(value, (float, np.floating)):
        return f"{value:.6g}"
    if isinstance(value, Enum):
        return value.name
    text = str(value)
    return text if len(text) <= 80 and "\n" not in text else f"{text.splitlines()[0][:77]}..."
