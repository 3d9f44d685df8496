"""What `verify` must notice: every number that was changed, and every bound that is not proved."""

from __future__ import annotations

import dataclasses
import pickle

import numpy as np
import pytest

from minimand import CertificateError, ConvergenceWarning, minimize_lipschitz
from minimand.global_search import Quadratic
from minimand.problems import functions
from minimand.problems import global_search as problems

BRANIN = functions.branin()
HIMMELBLAU = functions.himmelblau()
QUADRATIC = Quadratic([[2.0, 1.0], [1.0, -3.0]], [0.5, 0.25])
BOX = [(-1.0, 2.0), (-1.0, 1.0)]

CASES = {
    "sawtooth": (problems.pracma_waves, (-3, 8), {"lipschitz": 5.0}),
    "curvature": (problems.pracma_waves, (-3, 8), {"gradient_lipschitz": 13.69}),
    "boxes": (
        BRANIN.f,
        BRANIN.bounds,
        {"gradient_lipschitz": 29.3, "lipschitz": 114.0, "grad": BRANIN.grad},
    ),
    "differences": (BRANIN.f, BRANIN.bounds, {"gradient_lipschitz": 29.3}),
    "Hessians": (
        HIMMELBLAU.f,
        HIMMELBLAU.bounds,
        {"grad": HIMMELBLAU.grad, "hessian": HIMMELBLAU.hess, "hessian_lipschitz": 121.0},
    ),
    "quadratic": (QUADRATIC, BOX, {}),
    "direct": (BRANIN.f, BRANIN.bounds, {}),
}
cases = pytest.mark.parametrize("case", CASES)


def solve(case, **options):
    f, bounds, constants = CASES[case]
    return minimize_lipschitz(f, bounds, tol=1e-2, **constants, **options)


def verify(found, case):
    f, bounds, constants = CASES[case]
    return found.verify(f, bounds, **constants)


@cases
def test_results_verify_also_when_pickled(case, backend):
    found = pickle.loads(pickle.dumps(solve(case, backend=backend)))
    names = [certificate.name for certificate in verify(found, case)]
    bounds = ["excess of the lower bound", "gap"] if case != "direct" else []
    assert names == ["value at x", *bounds]


@cases
@pytest.mark.parametrize("name", ["points", "values", "actions", "minimizer_boxes", "x"])
@pytest.mark.parametrize("where", [0, 1, -1])
def test_every_array_counts(case, name, where):
    found = solve(case)
    array = np.array(getattr(found, name), dtype=float if name != "actions" else np.int64)
    if not array.size:
        return
    flat = array.reshape(-1)
    flat[where % len(flat)] += 1 if name == "actions" else 0.01
    changed = float(array) if array.ndim == 0 else array
    with pytest.raises(CertificateError):
        verify(dataclasses.replace(found, **{name: changed}), case)


@cases
@pytest.mark.parametrize("name", ["points", "values", "actions", "minimizer_boxes"])
def test_no_entry_may_be_missing(case, name):
    found = solve(case)
    array = getattr(found, name)
    if not array.size:
        return
    with pytest.raises(CertificateError):
        verify(dataclasses.replace(found, **{name: array[1:]}), case)


@cases
def test_numbers_count(case):
    found = solve(case)
    changes = [
        {"fun": found.fun - 0.1},
        {"fun": found.fun + 0.1},
        {"certified": not found.certified},
    ]
    if case == "direct":
        changes.append({"certified_up_to": 1.1 * found.certified_up_to})
    else:
        higher = found.lower_bound + 0.02
        changes.append({"lower_bound": higher, "gap": found.fun - higher})
    for change in changes:
        with pytest.raises(CertificateError):
            verify(dataclasses.replace(found, **change), case)


@cases
def test_another_function_does_not_verify(case):
    f, bounds, constants = CASES[case]
    found = solve(case)
    other = Quadratic(f.Q, f.p + 0.1) if isinstance(f, Quadratic) else lambda x: 1.01 * f(x) + 0.1
    with pytest.raises(CertificateError):
        found.verify(other, bounds, **constants)


def test_cells_are_left_out_for_a_reason_only():
    found = solve("boxes")
    left_out = np.flatnonzero((found.actions > 0) & ((found.actions - 1) % 4 == 3))
    assert len(left_out)
    leaves = np.flatnonzero(found.actions == 0)
    actions = found.actions.copy()
    actions[leaves[np.argmin(found.values[leaves])]] = 4
    with pytest.raises(CertificateError, match="a minimiser may be in what cell"):
        verify(dataclasses.replace(found, actions=actions), "boxes")
    with pytest.raises(CertificateError, match="left out without gradients"):
        found.verify(BRANIN.f, BRANIN.bounds, lipschitz=114.0)


def test_larger_constants_prove_less():
    found = solve("Hessians")
    constants = CASES["Hessians"][2] | {"hessian_lipschitz": 1210.0}
    with pytest.raises(CertificateError):
        found.verify(HIMMELBLAU.f, HIMMELBLAU.bounds, **constants)


def test_a_witness_that_shows_nothing():
    with pytest.warns(ConvergenceWarning, match="witness"):
        found = minimize_lipschitz(problems.pracma_waves, (-3, 8), lipschitz=2)
    found.verify(problems.pracma_waves, (-3, 8), lipschitz=2)
    with pytest.raises(CertificateError, match="witness does not refute"):
        found.verify(problems.pracma_waves, (-3, 8), lipschitz=5)
    moved = dataclasses.replace(found, witness=np.array([[0.0], [5.0]]))
    with pytest.raises(CertificateError, match="witness does not refute"):
        moved.verify(problems.pracma_waves, (-3, 8), lipschitz=2)
