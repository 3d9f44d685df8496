"""`verify` finds every change of a result, and data that are not those of the result."""

from dataclasses import fields, replace
from types import SimpleNamespace

import numpy as np
import pytest
from pca_checks import check

from minimand import CertificateError, pca
from minimand._common.result import Result
from minimand.pca.bounds import bounds
from minimand.pca.verification.bounds import false_bounds
from minimand.problems.pca import iris, longley, planted

PROBLEMS = {
    "iris": iris().X,
    "Longley": longley().X,
    "wide": planted(12, 30, [5.0, 4.0, 2.5, 1.0, 0.5], offset=3.0).X,
    "cluster": planted(60, 6, [5.0, 3.0, 3.0, 1.0, 0.5, 0.1], offset=1.0).X,
}


def results():
    for name, X in PROBLEMS.items():
        for method in ("gram", "svd", "randomized"):
            for k in (2, min(4, X.shape[1])):
                yield pytest.param(X, pca(X, k, method=method), id=f"{name}-{method}-{k}")


every_result = pytest.mark.parametrize(("X", "result"), list(results()))
ARRAYS = [
    "components", "singular_values", "explained_variance", "explained_variance_ratio", "mean",
    "residual", "eigenvalue_bound", "singular_value_bound", "gap", "angle_bound",
]  # fmt: skip


def test_all_arrays_are_listed():
    result = pca(PROBLEMS["iris"], 2)
    assert {f.name for f in fields(result) if isinstance(getattr(result, f.name), np.ndarray)} == (
        set(ARRAYS)
    )


def refused(result, X, **changes):
    with pytest.raises(CertificateError):
        replace(result, **changes).verify(X)


@every_result
@pytest.mark.parametrize("name", ARRAYS)
def test_no_entry_of_an_array_can_be_changed(X, result, name):
    array = getattr(result, name)
    for index in np.ndindex(array.shape):
        for factor in (1.001, 0.999, -1.0, np.nan):
            changed = array.copy()
            changed[index] *= factor
            if changed[index] != array[index] and abs(array[index]) > 1e-3 * np.abs(array).max():
                refused(result, X, **{name: changed})
    refused(result, X, **{name: np.zeros_like(array)})
    with pytest.raises(ValueError, match=r"does not verify|X has \d+ columns"):
        replace(result, **{name: array[:-1]}).verify(X)


@every_result
def test_a_component_turned_by_a_millionth(X, result):
    check_turn = 1e-6
    for i, j in ((0, 1), (1, 0)):
        V = result.components.copy()
        V[i] += check_turn * V[j]
        V[j] -= check_turn * result.components[i]
        if any({i, j} <= set(cluster) for cluster in result.clusters):
            continue
        if result.method == "randomized" and result.residual.max() > 1e-8:
            continue  # it does not claim more
        refused(result, X, components=V)


def test_the_smallest_component_of_longley_turned():
    """Residuals cannot see it: 1e-6 of an eigenvalue gap of 1e-10. Singular vectors can."""
    X = PROBLEMS["Longley"]
    result = pca(X)
    V = result.components.copy()
    V[4] += 1e-6 * V[5]
    V[5] -= 1e-6 * result.components[4]
    refused(result, X, components=V)
    sigma = result.singular_values.copy()
    sigma[5] *= 1 + 1e-6
    refused(result, X, singular_values=sigma)


@every_result
def test_numbers_that_are_not_so(X, result):
    for name in ("total_variance", "weight"):
        refused(result, X, **{name: getattr(result, name) * 1.001})
    refused(result, X, noise_variance=result.noise_variance + 0.1 * result.total_variance)
    refused(result, X, discarded_energy=result.discarded_energy + 0.01)
    refused(result, X, constant_columns=(0,))
    refused(result, X, rank=0)
    refused(result, X, rank=99)
    refused(result, X, certificates=())
    refused(result, X, clusters=((0, 1),) if not result.clusters else ())
    refused(result, X, centered=False)


@pytest.mark.parametrize("method", ["gram", "svd"])
def test_a_component_that_was_left_out(method):
    """Exact eigenvectors, but not the leading ones."""
    X = PROBLEMS["iris"]
    full = pca(X, method=method)
    kept = [0, 2]
    arrays = {name: getattr(full, name)[kept] for name in ARRAYS if name != "mean"}
    honest = pca(X, 2, method=method)
    refused(honest, X, **arrays, discarded_energy=1 - arrays["explained_variance_ratio"].sum())
    refused(honest, X, left_out=0.1 * honest.left_out)


def test_signs():
    X = PROBLEMS["iris"]
    result = pca(X, 2)
    refused(result, X, components=-result.components)


def test_other_data():
    X = PROBLEMS["iris"]
    result = pca(X, 2)
    for other in (X[:-1], X + 1e-6, X * 1.0001, X[:, ::-1]):
        with pytest.raises(CertificateError):
            result.verify(other)
    with pytest.raises(ValueError, match="X has 3 columns, expected 4"):
        result.verify(X[:, :3])
    with pytest.raises(ValueError, match="weights has 3 entries but X has 150 rows"):
        result.verify(X, np.ones(3))
    with pytest.raises(ValueError, match="all zero"):
        result.verify(X, np.zeros(150))
    with pytest.raises(CertificateError, match="weight"):
        result.verify(X, np.full(150, 2.0))


def test_order_of_rows_and_layout_do_not_matter():
    X = PROBLEMS["iris"]
    result = pca(X, 2)
    check(result, X[::-1])
    check(result, np.asfortranarray(X))
    check(result, X.tolist())


def test_nothing_of_the_solver_is_used(monkeypatch):
    """Kernels and their mirrors may be broken: verify does not notice."""
    from minimand._core import least_squares
    from minimand._core import pca as passes
    from minimand.reference import least_squares as mirror_sums
    from minimand.reference import pca as mirror_passes

    X = PROBLEMS["Longley"]
    result = pca(X)
    for module in (least_squares, passes, mirror_sums, mirror_passes):
        for name in dir(module):
            if callable(getattr(module, name)) and not name.startswith("_"):
                monkeypatch.setattr(module, name, None)
    assert isinstance(result, Result)
    check(result, X)


@pytest.mark.parametrize("value", [0.633541589146366, 0.9667289557425227, 0.3067177786403865])
def test_small_gaps_hang_on_the_last_bit(value):
    """For these, x**2 is not x * x: a gap of 1e-12 then differs in its fourth digit."""
    sigma = np.array([1.0, value, value * (1 - 1e-12), 0.1])
    residual = np.full(4, 1e-15)
    found = bounds(sigma, residual, 1e-16, np.inf, None)
    result = SimpleNamespace(
        components=np.eye(4), singular_values=sigma, residual=residual, roundoff=1e-16,
        backward_error=np.inf, clusters=found.clusters, gap=found.gap, angle_bound=found.angle,
        eigenvalue_bound=found.eigenvalue, singular_value_bound=found.singular_value,
    )  # fmt: skip
    assert list(false_bounds(result)) == []
