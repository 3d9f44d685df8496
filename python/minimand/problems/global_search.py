"""Functions with many valleys, their constants over a box, and their least values.

`univariate()` are SciPy's test problems of one variable, `multivariate()` classics of two and three
variables, `tanh_network()` a small trained network. Constants are upper bounds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from minimand.problems import functions
from minimand.problems.functions.function import Array, SmoothFunction, box

PI = float(np.pi)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GlobalProblem:
    """f on a box.

    Attributes
    ----------
    name
        Name of the problem.
    f, grad
        The function of numbers (m,) or of points (m, n), and its gradient if that is at hand.
    bounds
        (2,) or (n, 2), as `minimand.minimize_lipschitz` takes them.
    lipschitz, gradient_lipschitz
        M with |f(x) - f(y)| <= M ||x - y||, and the same for the gradient.
    minimum, minimizers
        The least value, and points (k, n) or (k,) that have it.
    """

    name: str
    f: Callable[[Any], Any]
    grad: Callable[[Any], Any] | None = None
    bounds: Array
    lipschitz: float
    gradient_lipschitz: float
    minimum: float
    minimizers: Array

    def __call__(self, x: Any) -> Any:
        """Return f(x)."""
        return self.f(x)


def pracma_waves(x: Any) -> Any:
    """Return sin 1.2x + sin 3.5x; on [-3, 8] SciPy's shgo stops at 0.0966, the least is -1.6239."""
    return np.sin(1.2 * x) + np.sin(3.5 * x)


def _shubert(wave: Callable[[Any], Any]) -> Callable[[Any], Any]:
    # SciPy's text says that k goes to 6; its code and the stated minima are for k to 5.
    return lambda x: -sum(k * wave((k + 1) * x + k) for k in range(1, 6))


def _problem18(x: Any) -> Any:
    return np.where(x <= 3.0, (x - 2.0) ** 2, 2.0 * np.log(np.maximum(x, 2.5) - 2.0) + 1.0)


def _waves(x: Any) -> Any:
    return np.sin(x) + np.sin(10.0 / 3.0 * x)


# Name, f, ends, M, K, least value, where.
_UNIVARIATE: list[tuple[str, Callable[[Any], Any], tuple[float, float], float, float, Any, Any]] = [
    ("Problem02", _waves, (2.7, 7.5), 4.29, 12.13, -1.899599349152113, 5.145735),
    ("Problem03", _shubert(np.sin), (-10, 10), 68.49, 351.7, -12.031249442167137, -0.491391),
    (
        "Problem04",
        lambda x: -(16 * x**2 - 24 * x + 5) * np.exp(-x),
        *((1.9, 3.9), 2.941, 3.71, -3.85045070880022, 2.868034),
    ),
    (
        "Problem05",
        lambda x: -(1.4 - 3 * x) * np.sin(18 * x),
        *((0, 1.2), 35.5, 670.0, -1.48907253868960, 0.966086),
    ),
    (
        "Problem06",
        lambda x: -(x + np.sin(x)) * np.exp(-(x**2)),
        *((-10, 10), 2.002, 4.11, -0.8242393984760768, 0.679579),
    ),
    (
        "Problem07",
        lambda x: _waves(x) + np.log(x) - 0.84 * x + 3,
        *((2.7, 7.5), 4.778, 12.09, -1.6013075464943949, 5.199778),
    ),
    ("Problem08", _shubert(np.cos), (-10, 10), 69.55, 348.0, -14.508007927195031, -0.800321),
    (
        "Problem09",
        lambda x: np.sin(x) + np.sin(2 / 3 * x),
        *((3.1, 20.4), 1.669, 1.41, -1.9059611187157852, 17.039199),
    ),
    ("Problem10", lambda x: -x * np.sin(x), (0, 10), 9.64, 8.4, -7.916727371587782, 7.978666),
    (
        "Problem11",
        lambda x: 2 * np.cos(x) + np.cos(2 * x),
        *((-PI / 2, 2 * PI), 3.53, 6.01, -1.5, 2 * PI / 3),
    ),
    (
        "Problem12",
        lambda x: np.sin(x) ** 3 + np.cos(x) ** 3,
        *((0, 2 * PI), 2.124, 3.77, -1.0, PI),
    ),
    (
        "Problem13",
        # The second derivative is largest at the left end, 2/9 x^(-4/3).
        lambda x: -(x ** (2 / 3)) - (1 - x**2) ** (1 / 3),
        *((0.001, 0.99), 8.327, 2226.0, -1.5874010519681994, 0.707107),
    ),
    (
        "Problem14",
        lambda x: -np.exp(-x) * np.sin(2 * PI * x),
        *((0, 4), 6.284, 33.8, -0.7886853874086724, 0.224880),
    ),
    (
        "Problem15",
        lambda x: (x**2 - 5 * x + 6) / (x**2 + 1),
        *((-5, 5), 6.379, 13.22, (7 - 5 * np.sqrt(2)) / 2, 1 + np.sqrt(2)),
    ),
    ("Problem18", _problem18, (0, 6), 4.004, 2.02, 0.0, 2.0),
    (
        "Problem20",
        lambda x: -(x - np.sin(x)) * np.exp(-(x**2)),
        *((-10, 10), 0.0965, 0.278, -0.0634905289364399, 1.195137),
    ),
    (
        "Problem21",
        lambda x: x * np.sin(x) + x * np.cos(2 * x),
        *((0, 10), 26.82, 40.2, -9.508350440633096, 4.795409),
    ),
    (
        "Problem22",
        lambda x: np.exp(-3 * x) - np.sin(x) ** 3,
        *((0, 20), 3.001, 9.01, np.exp(-27 * PI / 2) - 1, 9 * PI / 2),
    ),
]


def univariate() -> dict[str, GlobalProblem]:
    """Return SciPy's univariate test problems, by name.

    From scipy/benchmarks, go_benchmark_functions/go_funcs_univariate.py, after infinity77.net. The
    constants are largest slopes and curvatures, rounded up.

    Examples
    --------
    >>> from minimand.problems.global_search import univariate
    >>> problem = univariate()["Problem02"]
    >>> round(float(problem(5.145735)), 6), problem.minimum
    (-1.899599, -1.899599349152113)
    """
    return {
        name: GlobalProblem(
            name=name,
            f=f,
            bounds=np.array(ends, dtype=np.float64),
            lipschitz=M,
            gradient_lipschitz=K,
            minimum=float(least),
            minimizers=np.array([float(where)]),
        )
        for name, f, ends, M, K, least, where in _UNIVARIATE
    }


def from_function(problem: SmoothFunction) -> GlobalProblem:
    """Return a smooth function with its constants as a problem of points (m, n)."""
    return GlobalProblem(
        name=problem.name,
        f=problem.f,
        grad=problem.grad,
        bounds=problem.bounds,
        lipschitz=problem.lipschitz,
        gradient_lipschitz=problem.gradient_lipschitz,
        minimum=problem.minimum,
        minimizers=problem.minimizers,
    )


def multivariate() -> dict[str, GlobalProblem]:
    """Return classics of two and three variables, with gradients, by name."""
    plane = (functions.six_hump_camel(), functions.branin(), functions.himmelblau())
    more = (functions.rastrigin(2), functions.rosenbrock(2), functions.mccormick())
    problems = [*(from_function(p) for p in (*plane, *more, functions.rastrigin(3))), hartmann_3()]
    return {problem.name: problem for problem in problems}


_ALPHA = np.array([1.0, 1.2, 3.0, 3.2])
_A = np.array([[3.0, 10, 30], [0.1, 10, 35], [3.0, 10, 30], [0.1, 10, 35]])
_P = 1e-4 * np.array(
    [[3689, 1170, 2673], [4699, 4387, 7470], [1091, 8732, 5547], [381, 5743, 8828]]
)


def hartmann_3() -> GlobalProblem:
    """Return -sum_i alpha_i exp(-sum_j A_ij (x_j - P_ij)^2) on the unit cube (Hartman 1973)."""

    def terms(x: Any) -> tuple[Array, Array]:
        d = np.asarray(x)[..., np.newaxis, :] - _P
        return d, _ALPHA * np.exp(-np.sum(_A * d * d, axis=-1))

    def grad(x: Any) -> Any:
        d, e = terms(x)
        return 2.0 * np.sum(e[..., np.newaxis] * _A * d, axis=-2)

    return GlobalProblem(
        name="Hartmann 3",
        f=lambda x: -np.sum(terms(x)[1], axis=-1),
        grad=grad,
        bounds=box(*[(0.0, 1.0)] * 3),
        lipschitz=18.6,
        gradient_lipschitz=205.0,
        minimum=-3.862779787332663,
        minimizers=np.array([[0.114614, 0.555649, 0.852547]]),
    )


# A 2-8-8-1 network, trained on sin(1.3 x) cos(1.1 y) - 0.04 x y + 0.1 y over [-3, 3]^2.
_W1 = np.array(
    [
        *([0.649, -0.511], [0.432, -0.669], [-0.687, 0.01], [-0.639, -0.525]),
        *([-0.345, 0.662], [0.259, -0.054], [-0.464, -0.734], [-0.326, -0.66]),
    ]
)
_B1 = np.array([0.244, 1.014, 0.389, -0.244, 0.794, -0.72, -1.121, 0.712])
_W2 = np.array(
    [
        [0.517, -0.676, 0.316, -0.614, -0.033, 0.544, 0.696, -0.071],
        [0.009, -0.107, -0.011, -0.146, 0.108, 0.102, -0.029, 0.057],
        [0.403, 0.003, -0.064, -0.037, -0.079, 0.184, 0.263, 0.161],
        [0.317, -0.454, 0.175, -0.578, 0.094, 0.372, 0.433, 0.039],
        [0.056, -0.165, 0.015, -0.13, 0.093, 0.137, 0.024, 0.079],
        [-0.395, -0.887, 0.885, 0.381, -0.129, -0.165, 0.873, -0.092],
        [-1.191, 0.572, -1.039, 0.879, -1.25, -0.833, -0.237, -1.192],
        [0.326, -0.166, -0.462, -0.251, -0.401, 0.075, 0.02, -0.504],
    ]
)
_B2 = np.array([0.429, -0.156, -0.636, 0.139, 0.321, -0.843, 0.013, 0.533])
_V, _C = np.array([1.308, 0.225, 0.424, 0.9, 0.271, 0.924, -2.412, 0.772]), 0.396


def tanh_network() -> GlobalProblem:
    """Return a trained network v'tanh(W2 tanh(W1 x + b1) + b2) + c, constants by its weights.

    M = ||v|| ||W2|| ||W1||, and with |tanh''| <= t = 4/(3 sqrt 3)

        K = t ||W1||^2 (max_k |v_k| ||W2||^2 + max_i sum_k |v_k| |W2_ki|),

    since the Hessian is a sum of products of weights and of tanh' or tanh''.
    """

    def layers(x: Any) -> tuple[Array, Array]:
        first = np.tanh(np.asarray(x) @ _W1.T + _B1)
        return first, np.tanh(first @ _W2.T + _B2)

    def grad(x: Any) -> Any:
        first, second = layers(x)
        return ((_V * (1.0 - second**2)) @ _W2 * (1.0 - first**2)) @ _W1

    norm1, norm2 = (float(np.linalg.norm(W, 2)) for W in (_W1, _W2))
    bend = float(np.abs(_V).max()) * norm2**2 + float((np.abs(_V) @ np.abs(_W2)).max())
    return GlobalProblem(
        name="tanh network",
        f=lambda x: layers(x)[1] @ _V + _C,
        grad=grad,
        bounds=box((-3.0, 3.0), (-3.0, 3.0)),
        lipschitz=float(np.linalg.norm(_V)) * norm2 * norm1 * (1.0 + 1e-12),
        gradient_lipschitz=4.0 / (3.0 * np.sqrt(3.0)) * norm1**2 * bend * (1.0 + 1e-12),
        minimum=-1.252798181813311,
        minimizers=np.array([[-3.0, -3.0]]),
    )
