"""The loader: which build of the kernels it takes, and what an import must not do.

A process loads one level only, so each of these starts a fresh interpreter.
"""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from minimand import _core

RUNNABLE = [level for level in _core.built_levels if level in _core.supported_levels]


def run(code, **environment):
    """Run `code` in a fresh interpreter, MINIMAND_ISA unset unless given."""
    inherited = {name: value for name, value in os.environ.items() if name != "MINIMAND_ISA"}
    return subprocess.run(
        [sys.executable, "-c", code],
        env=inherited | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def output_of(code, **environment):
    done = run(code, **environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def import_error(**environment):
    done = run("import minimand", **environment)
    assert done.returncode != 0
    last_line = done.stderr.strip().splitlines()[-1]
    assert last_line.startswith("ImportError: ")
    return last_line


@pytest.mark.parametrize("level", RUNNABLE)
def test_each_level_factors_the_same_matrix(level):
    code = """
import json
import numpy as np
from minimand import _core
from minimand._core import least_squares
A = np.random.default_rng(7).standard_normal((61, 9))
Q, R = np.empty((61, 9)), np.empty((9, 9))
least_squares.qr_factor(A, Q, R, 1)
print(json.dumps([_core.level, _core.build_info()["level"], R.tolist()]))
"""
    loaded, compiled_for, R = json.loads(output_of(code, MINIMAND_ISA=level))
    assert loaded == compiled_for == level

    A = np.random.default_rng(7).standard_normal((61, 9))
    expected = np.linalg.qr(A, mode="r")
    expected *= np.sign(np.diag(expected))[:, np.newaxis]
    error = np.linalg.norm(R - expected) / np.linalg.norm(A)
    assert error < 30 * 9 * np.finfo(float).eps


def test_the_highest_runnable_level_is_loaded():
    expected = max(RUNNABLE, key=_core.LEVELS.index)
    assert output_of("from minimand import _core; print(_core.level)").strip() == expected
    # An empty value is how a shell says "not set".
    assert (
        output_of("from minimand import _core; print(_core.level)", MINIMAND_ISA="").strip()
        == expected
    )


def test_unknown_level_is_an_import_error_in_words():
    message = import_error(MINIMAND_ISA="avx2")
    assert (
        "MINIMAND_ISA='avx2' is not an instruction-set level (these are base, v2, v3, v4)"
        in message
    )
    assert f"This installation has {', '.join(_core.built_levels)}" in message
    assert "Unset MINIMAND_ISA" in message


@pytest.mark.skipif(
    set(_core.LEVELS)
    <= set(_core.built_levels) | (set(_core.LEVELS) - set(_core.supported_levels)),
    reason="every level that this CPU supports is built",
)
def test_unbuilt_level_is_an_import_error_in_words():
    unbuilt = next(level for level in _core.supported_levels if level not in _core.built_levels)
    message = import_error(MINIMAND_ISA=unbuilt)
    assert f"MINIMAND_ISA={unbuilt!r} is an instruction-set level that is not built" in message
    assert f"MINIMAND_ISA_LEVELS={unbuilt} pip install" in message


def test_unsupported_level_is_an_import_error_in_words():
    with pytest.raises(
        ImportError, match=r"'v4' .* this CPU does not support.*supports base, v2\."
    ):
        _core.choose_level("v4", ["v2", "v3", "v4"], ["base", "v2"])


def test_no_runnable_level_is_an_import_error_in_words():
    with pytest.raises(
        ImportError, match=r"No build of minimand runs.* has v3, v4; this CPU .* v2\."
    ):
        _core.choose_level("", ["v3", "v4"], ["base", "v2"])
    with pytest.raises(ImportError, match=r"This installation has none"):
        _core.choose_level("", [], ["base"])


@pytest.mark.parametrize(
    ("cpu", "supported"),
    [
        ("base", ("base",)),
        ("v1", ("base",)),
        ("v2", ("base", "v2")),
        ("v4", ("base", "v2", "v3", "v4")),
    ],
)
def test_levels_of_cpu(cpu, supported):
    assert _core.levels_of_cpu(cpu) == supported


@pytest.mark.parametrize("level", RUNNABLE)
def test_subnormals_survive_the_import(level):
    code = """
import numpy as np
import minimand
from minimand._core import least_squares
assert np.float64(5e-324) * 1 != 0, "flushed in NumPy"
X, none, ones = np.full((1, 1), 1e-160), np.empty((1, 0)), np.ones(1)
gram = np.zeros((1, 1))
least_squares.gram_pass(X, none, np.empty(0), np.zeros(1), ones, False, 0, 1, gram, 1)
assert 0 < gram[0, 0] < np.finfo(float).tiny, "flushed in the kernels"
"""
    output_of(code, MINIMAND_ISA=level)


def test_import_loads_no_extra():
    extras = "dask distributed matplotlib pandas PIL polars rich sklearn tqdm typer"
    code = f"import sys, minimand; print(*sorted(set({extras.split()!r}) & set(sys.modules)))"
    assert output_of(code).strip() == ""
