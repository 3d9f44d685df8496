"""Both backends offer the same kernels, with the same signatures and the same results."""

import ast
import inspect
from pathlib import Path

import numpy as np
import pytest

import minimand
from minimand._common.backend import DOMAINS, kernels

EPS = float(np.finfo(np.float64).eps)
RATIO = 30.0  # LAPACK's threshold for residuals in units of the rounding error

MODULES = (*DOMAINS, "random")


def parameters(definition):
    """Names of the parameters of an `ast.FunctionDef`, and whether it returns something."""
    arguments = definition.args
    assert not arguments.defaults, f"{definition.name}: kernels have no defaults"
    names = [argument.arg for argument in [*arguments.posonlyargs, *arguments.args]]
    return names, ast.unparse(definition.returns) != "None"


def stub_functions(domain):
    """What the stub says: name -> (parameters, returns something)."""
    stub = Path(minimand.__file__).parent / "_core" / f"{domain}.pyi"
    body = ast.parse(stub.read_text("utf-8")).body
    functions = [node for node in body if isinstance(node, ast.FunctionDef)]
    return {function.name: parameters(function) for function in functions}


def reference_functions(domain):
    """What the NumPy mirror says."""
    module = kernels(domain, "numpy")
    found = {}
    for name, function in inspect.getmembers(module, inspect.isfunction):
        if not name.startswith("_") and function.__module__.startswith(module.__name__):
            signature = inspect.signature(function)
            returns = signature.return_annotation not in (None, "None")
            found[name] = list(signature.parameters), returns
    return found


def compiled_functions(domain):
    """What pybind11 writes into the docstrings, one line for each overload."""
    module = kernels(domain, "cpp")
    found = {}
    for name, function in inspect.getmembers(module, callable):
        if name.startswith("_"):
            continue
        lines = [line.partition(f"{name}(")[2] for line in function.__doc__.splitlines()]
        signatures = [line for line in lines if line and not line.startswith("*args")]
        overloads = [
            parameters(ast.parse(f"def {name}({line}: ...").body[0]) for line in signatures
        ]
        assert overloads, f"{name} has no signature in its docstring"
        assert all(overload == overloads[0] for overload in overloads)
        found[name] = overloads[0]
    return found


@pytest.mark.parametrize("domain", MODULES)
@pytest.mark.parametrize("source", [reference_functions, compiled_functions])
def test_names_and_signatures_are_those_of_the_stub(domain, source):
    assert source(domain) == stub_functions(domain)


@pytest.mark.parametrize("domain", MODULES)
def test_both_are_called_by_name(domain):
    for backend in ("cpp", "numpy"):
        for name in stub_functions(domain):
            with pytest.raises(TypeError):
                getattr(kernels(domain, backend), name)(no_such_parameter=1)


# Least squares: the passes


def pass_arguments(m, n, k, *, weighted=False, intercept=False, dtype=np.float64, seed=0):
    rng = np.random.default_rng([m, n, k, seed])
    return {
        "X": rng.standard_normal((m, n)).astype(dtype),
        "Y": rng.standard_normal((m, k)),
        "weights": rng.uniform(0.0, 2.0, m) if weighted else np.empty(0),
        "shift": rng.standard_normal(n + k),
        "scale": rng.uniform(0.5, 2.0, n + k),
        "intercept": intercept,
    }


def on_both(name, arguments, outputs):
    """Run a kernel on both backends, by keyword, on copies; return outputs and return values."""
    results = []
    for backend in ("cpp", "numpy"):
        own = {key: np.copy(arguments[key]) for key in outputs}
        returned = getattr(kernels("least_squares", backend), name)(**{**arguments, **own})
        results.append(([own[key] for key in outputs], returned))
    (cpp, cpp_returned), (reference, reference_returned) = results
    assert cpp_returned == reference_returned
    return cpp, reference


def assert_near(cpp, reference, size, ratio=RATIO):
    """Differences of at most `ratio` rounding errors of numbers as large as `size`."""
    assert (np.abs(cpp - reference) <= ratio * EPS * np.asarray(size)).all()


def column_norms_product(gram):
    norms = np.sqrt(np.diag(gram))
    return np.outer(norms, norms)


SHAPES = [(1, 1, 0), (3, 1, 1), (40, 1, 3), (63, 4, 0), (200, 5, 2), (3000, 7, 1), (5000, 30, 3)]
VARIANTS = [
    {},
    {"weighted": True},
    {"intercept": True},
    {"weighted": True, "intercept": True},
    {"dtype": np.float32},
    {"dtype": np.float32, "weighted": True, "intercept": True},
]
variants = pytest.mark.parametrize("variant", VARIANTS, ids=str)
shapes = pytest.mark.parametrize("shape", SHAPES, ids=str)


def row_ranges(m):
    """Whole, and with odd ends."""
    return [(0, m), (m // 3, m - m // 7), (0, (m + 1) // 2), (m, m)]


@variants
@shapes
def test_gram_pass(shape, variant):
    arguments = pass_arguments(*shape, **variant)
    p = arguments["intercept"] + shape[1] + shape[2]
    for begin, end in row_ranges(shape[0]):
        full = {**arguments, "begin": begin, "end": end, "gram": np.ones((p, p)), "threads": 1}
        [cpp], [reference] = on_both("gram_pass", full, ["gram"])
        assert_near(cpp, reference, column_norms_product(reference))


@variants
@shapes
def test_tsqr_pass(shape, variant):
    arguments = pass_arguments(*shape, **variant)
    p = arguments["intercept"] + shape[1] + shape[2]
    R = np.triu(np.random.default_rng(0).uniform(0.5, 1.0, (p, p))) + 3.0 * np.eye(p)
    for begin, end in row_ranges(shape[0]):
        full = {**arguments, "begin": begin, "end": end, "R": R, "threads": 1}
        [cpp], [reference] = on_both("tsqr_pass", full, ["R"])
        size = np.linalg.norm(reference, axis=0) * np.linalg.cond(reference)
        assert_near(cpp, reference, size)


@variants
@shapes
@pytest.mark.parametrize("precision", [0, 1, 2])
def test_residual_pass(shape, variant, precision):
    m, n, k = shape
    arguments = pass_arguments(*shape, **variant)
    q = arguments["intercept"] + n
    coef = np.random.default_rng(1).standard_normal((q, k))
    outputs = {"normal": np.ones((q, k)), "normal_low": np.ones((q, k)), "squares": np.ones(k)}
    for begin, end in row_ranges(m):
        full = {
            **arguments, **outputs, "coef": coef, "coef_low": 1e-17 * coef,
            "precision": precision, "begin": begin, "end": end, "threads": 1,
        }  # fmt: skip
        cpp, reference = on_both("residual_pass", full, list(outputs))
        normal_size, squares_size = residual_sizes(arguments, coef, begin, end)
        if precision < 2:
            assert_near(cpp[0] + cpp[1], reference[0] + reference[1], normal_size)
        else:
            difference = (cpp[0] - reference[0]) + (cpp[1] - reference[1])
            assert (np.abs(difference) <= 1e-29 * normal_size).all()
        assert_near(cpp[2], reference[2], squares_size)


def residual_sizes(arguments, coef, begin, end):
    """Sums of the magnitudes of all that is added up: the scale of the rounding errors."""
    n = arguments["X"].shape[1]
    data = np.hstack([arguments["X"], arguments["Y"]])[begin:end]
    z = np.abs((data - arguments["shift"]) * arguments["scale"])
    B = np.hstack([np.ones((len(z), int(arguments["intercept"]))), z[:, :n]])
    w = arguments["weights"][begin:end, None] if arguments["weights"].size else 1.0
    r = z[:, n:] + B @ np.abs(coef)
    return B.T @ (w * r), np.sum(w * r * r, axis=0)


@variants
@shapes
def test_preconditioned_gram_pass(shape, variant):
    m, n, _ = shape
    arguments = pass_arguments(*shape, **variant)
    keep = {key: arguments[key] for key in ("X", "weights", "shift", "scale")}
    R = np.triu(np.random.default_rng(0).uniform(-1.0, 1.0, (n, n))) + (2.0 + n) * np.eye(n)
    for begin, end in row_ranges(m):
        full = {**keep, "R": R, "begin": begin, "end": end, "gram": np.ones((n, n)), "threads": 1}
        [cpp], [reference] = on_both("preconditioned_gram_pass", full, ["gram"])
        assert_near(cpp, reference, column_norms_product(reference) * np.linalg.cond(R))


# Least squares: the factorisations


def matrix(m, n, seed=0):
    return np.random.default_rng([m, n, seed]).standard_normal((m, n))


@pytest.mark.parametrize("rows", [1, 3, 8, 100])
def test_merge_r(rows):
    R = np.triu(matrix(8, 8)) + 4.0 * np.eye(8)
    [cpp], [reference] = on_both("merge_r", {"R": R, "other": matrix(rows, 8)}, ["R"])
    assert_near(cpp, reference, np.linalg.norm(reference) * np.linalg.cond(reference))


@pytest.mark.parametrize("keep_order", [False, True])
@pytest.mark.parametrize(
    "shape", [(1, 1, 0), (6, 6, 1), (9, 4, 2), (3, 6, 1), (40, 25, 3)], ids=str
)
@pytest.mark.parametrize("dependent", [False, True])
def test_pivoted_qr(shape, keep_order, dependent):
    rows, columns, k = shape
    A = matrix(rows, columns + k)
    if dependent and columns > 2:
        A[:, columns // 2] = A[:, 0] - 2.0 * A[:, 1]  # no two norms are ever equal
    arguments = {
        "A": A,
        "columns": columns,
        "floor": np.linspace(1e-12, 2e-12, columns),
        "keep_order": keep_order,
        "pivots": np.zeros(columns, dtype=np.int64),
        "tolerances": np.zeros(columns),
    }
    cpp, reference = on_both("pivoted_qr", arguments, ["A", "pivots", "tolerances"])
    # Beyond the rank there is nothing but rounding errors.
    rank = int(np.sum(np.diag(reference[0][:, :columns]) > 1e-10))
    assert np.array_equal(cpp[1][:rank], reference[1][:rank])
    assert np.array_equal(cpp[2][:rank], reference[2][:rank])
    R = reference[0][:rank, :rank]
    order = [np.flatnonzero(cpp[1] == j)[0] for j in reference[1]]
    same_columns = [*order, *range(columns, columns + k)]
    size = np.linalg.norm(A) * np.linalg.cond(R)
    assert_near(cpp[0][:rank, same_columns], reference[0][:rank], size)


@pytest.mark.parametrize("lower", [False, True])
@pytest.mark.parametrize("transpose", [False, True])
@pytest.mark.parametrize(("n", "k"), [(1, 1), (5, 0), (60, 3), (150, 70)])
def test_solve_triangular(n, k, lower, transpose):
    R = matrix(n, n) / n + 2.0 * np.eye(n)
    arguments = {"R": R, "B": matrix(n, k), "lower": lower, "transpose": transpose, "threads": 1}
    [cpp], [reference] = on_both("solve_triangular", arguments, ["B"])
    T = np.tril(R) if lower else np.triu(R)
    assert_near(cpp, reference, np.abs(reference).max(initial=0.0) * np.linalg.cond(T))


@pytest.mark.parametrize("lower", [False, True])
def test_solve_triangular_singular(lower):
    R = np.diag([1.0, 0.0, 2.0, 0.0])
    arguments = {"R": R, "B": matrix(4, 2), "lower": lower, "transpose": False, "threads": 1}
    [cpp], [reference] = on_both("solve_triangular", arguments, ["B"])
    assert np.array_equal(cpp, reference)


@pytest.mark.parametrize("n", [1, 5, 64, 150])
def test_cholesky_factor(n):
    A = matrix(2 * n, n)
    A = A.T @ A
    [cpp], [reference] = on_both("cholesky_factor", {"A": A, "threads": 1}, ["A"])
    assert_near(cpp, reference, np.linalg.norm(reference) * np.linalg.cond(A))


@pytest.mark.parametrize("order", [1, 2, 40])
def test_cholesky_factor_fails_at_the_same_minor(order):
    A = np.eye(40) + 0.01
    A[order - 1, order - 1] = -1.0
    on_both("cholesky_factor", {"A": A, "threads": 1}, ["A"])  # compares the return values


@pytest.mark.parametrize(("m", "n"), [(1, 1), (1, 4), (30, 6), (6, 30), (200, 40)])
def test_qr_factor(m, n):
    t = min(m, n)
    A = matrix(m, n)
    arguments = {"A": A, "Q": np.ones((m, t)), "R": np.ones((t, n)), "threads": 1}
    cpp, reference = on_both("qr_factor", arguments, ["Q", "R"])
    condition = np.linalg.cond(A[:, :t])
    assert_near(cpp[0], reference[0], condition)
    assert_near(cpp[1], reference[1], condition * np.linalg.norm(A))


@pytest.mark.parametrize(("m", "n"), [(1, 1), (1, 4), (30, 6), (6, 30), (60, 40)])
def test_svd(m, n):
    t = min(m, n)
    A = matrix(m, n)
    arguments = {"A": A, "U": np.ones((m, t)), "s": np.ones(t), "V": np.ones((n, t))}
    (U, s, V), (U_reference, s_reference, V_reference) = on_both("svd", arguments, ["U", "s", "V"])
    assert_near(s, s_reference, s_reference[0])
    # The signs of the vectors are free, those of their products are not.
    gaps = np.abs(s_reference[:, None] - s_reference) + np.diag(np.full(t, np.inf))
    size = s_reference[0] / np.append(gaps.min(axis=1), s_reference[-1]).min()
    signs = np.sign(np.sum(U * U_reference, axis=0))
    assert_near(U * signs, U_reference, size)
    assert_near(V * signs, V_reference, size)


@pytest.mark.parametrize(("r", "n", "k"), [(1, 1, 1), (2, 9, 0), (5, 5, 2), (8, 30, 3)])
def test_min_norm(r, n, k):
    A = matrix(r, n)
    arguments = {"A": A, "B": matrix(r, k), "X": np.ones((n, k))}
    [cpp], [reference] = on_both("min_norm", arguments, ["X"])
    assert_near(cpp, reference, np.linalg.norm(reference) * np.linalg.cond(A) ** 2)


# Least squares: any number of threads gives the same bits


def by_threads(name, arguments, outputs):
    """Assert that the compiled kernel returns the same bits with 1, 2 and 3 threads."""
    results = []
    for threads in (1, 2, 3):
        own = {key: np.copy(arguments[key]) for key in outputs}
        kernel = getattr(kernels("least_squares", "cpp"), name)
        kernel(**{**arguments, **own, "threads": threads})
        results.append([own[key].tobytes() for key in outputs])
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize(("m", "n", "k"), [(100, 3, 1), (40_003, 5, 2), (30_001, 40, 1)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
class TestThreads:
    def arguments(self, m, n, k, dtype):
        arguments = pass_arguments(m, n, k, weighted=True, intercept=True, dtype=dtype)
        return {**arguments, "begin": 1, "end": m - 1}

    def test_gram_pass(self, m, n, k, dtype):
        p = 1 + n + k
        arguments = {**self.arguments(m, n, k, dtype), "gram": np.empty((p, p))}
        by_threads("gram_pass", arguments, ["gram"])

    def test_tsqr_pass(self, m, n, k, dtype):
        p = 1 + n + k
        by_threads("tsqr_pass", {**self.arguments(m, n, k, dtype), "R": np.zeros((p, p))}, ["R"])

    @pytest.mark.parametrize("precision", [0, 1, 2])
    def test_residual_pass(self, m, n, k, dtype, precision):
        coef = matrix(1 + n, k)
        outputs = {
            "normal": np.empty_like(coef),
            "normal_low": np.empty_like(coef),
            "squares": np.empty(k),
        }
        arguments = self.arguments(m, n, k, dtype)
        arguments |= {"coef": coef, "coef_low": 1e-17 * coef, "precision": precision, **outputs}
        by_threads("residual_pass", arguments, list(outputs))

    def test_preconditioned_gram_pass(self, m, n, k, dtype):
        arguments = self.arguments(m, n, k, dtype)
        for key in ("Y", "intercept"):
            del arguments[key]
        R = np.triu(matrix(n, n)) + (2.0 + n) * np.eye(n)
        by_threads(
            "preconditioned_gram_pass", {**arguments, "R": R, "gram": np.empty((n, n))}, ["gram"]
        )


def test_threads_in_factorisations():
    R, B = matrix(300, 300) / 300 + 2.0 * np.eye(300), matrix(300, 200)
    by_threads("solve_triangular", {"R": R, "B": B, "lower": False, "transpose": False}, ["B"])
    A = matrix(600, 400)
    by_threads("cholesky_factor", {"A": A.T @ A}, ["A"])
    by_threads(
        "qr_factor", {"A": A, "Q": np.empty((600, 400)), "R": np.empty((400, 400))}, ["Q", "R"]
    )
