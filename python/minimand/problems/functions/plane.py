"""Functions of two variables; constants are the largest of a fine grid, rounded up."""

from typing import Any

import numpy as np

from minimand.problems.functions.function import Array, SmoothFunction, box

PI = float(np.pi)


def saddle() -> SmoothFunction:
    """Return x^2 - y^2."""
    return SmoothFunction(
        name="x^2 - y^2",
        dimension=2,
        f=lambda p: p[..., 0] ** 2 - p[..., 1] ** 2,
        grad=lambda p: _stack(2.0 * p[..., 0], -2.0 * p[..., 1]),
        hess=lambda p: _symmetric(2.0 + 0.0 * p[..., 0], 0.0 * p[..., 0], -2.0 + 0.0 * p[..., 0]),
        bounds=box((-2.0, 2.0), (-2.0, 2.0)),
        lipschitz=5.657,
        gradient_lipschitz=2.0,
        hessian_lipschitz=0.0,
        polyak_lojasiewicz=0.0,
        minimum=-4.0,
        minimizers=np.array([[0.0, -2.0], [0.0, 2.0]]),
        stationary_points=np.zeros((1, 2)),
        kinds=("saddle",),
        source="The constants of the gradient and of the Hessian hold everywhere.",
    )


def monkey_saddle() -> SmoothFunction:
    """Return x^3 - 3 x y^2, the real part of (x + iy)^3: where it is stationary, H = 0."""
    return SmoothFunction(
        name="monkey saddle",
        dimension=2,
        f=lambda p: p[..., 0] * (p[..., 0] ** 2 - 3.0 * p[..., 1] ** 2),
        grad=lambda p: _stack(
            3.0 * (p[..., 0] ** 2 - p[..., 1] ** 2), -6.0 * p[..., 0] * p[..., 1]
        ),
        hess=lambda p: _symmetric(6.0 * p[..., 0], -6.0 * p[..., 1], -6.0 * p[..., 0]),
        bounds=box((-2.0, 2.0), (-2.0, 2.0)),
        lipschitz=24.0,
        gradient_lipschitz=16.971,
        hessian_lipschitz=6.0,
        polyak_lojasiewicz=0.0,
        minimum=-16.0,
        minimizers=np.array([[2.0, -2.0], [2.0, 2.0]]),
        stationary_points=np.zeros((1, 2)),
        kinds=("undetermined",),
    )


def himmelblau() -> SmoothFunction:
    """Return (x^2 + y - 11)^2 + (x + y^2 - 7)^2: four minima, one maximum, four saddle points."""
    points = np.array(
        [
            [3.0, 2.0],
            [3.5844283403304917, -1.8481265269644036],
            [-3.779310253377747, -3.283185991286169],
            [-2.805118086952745, 3.131312518250573],
            [3.385154183607021, 0.0738518798377493],
            [0.08667750455539636, 2.884254701174776],
            [-3.0730257507643897, -0.08135304428796752],
            [-0.1279613467306801, -1.9537149802445763],
            [-0.2708445906673476, -0.9230385564799816],
        ]
    )
    return SmoothFunction(
        name="Himmelblau",
        dimension=2,
        f=lambda p: _himmelblau_terms(p)[0] ** 2 + _himmelblau_terms(p)[1] ** 2,
        grad=_himmelblau_grad,
        hess=_himmelblau_hess,
        bounds=box((-5.0, 5.0), (-5.0, 5.0)),
        lipschitz=656.0,
        gradient_lipschitz=328.0,
        hessian_lipschitz=121.0,
        polyak_lojasiewicz=0.0,
        minimum=0.0,
        minimizers=points[:4].copy(),
        stationary_points=points,
        kinds=("minimum",) * 4 + ("saddle",) * 4 + ("maximum",),
        source="Himmelblau, Applied Nonlinear Programming (1972).",
    )


def six_hump_camel() -> SmoothFunction:
    """Return (4 - 2.1 x^2 + x^4/3) x^2 + xy + (4 y^2 - 4) y^2: six minima, two of them global."""
    half = np.array(
        [
            [0.08984201310031806, -0.7126564030207396],
            [1.703606714969981, -0.7960835686726251],
            [1.6071047529201976, 0.5686514548841313],
            [1.2302298765166526, 0.16233458445899496],
            [1.1092053368047865, -0.7682680925095399],
            [1.6380679841897787, 0.2286740690443941],
            [1.2960702671671092, 0.6050843880386585],
        ]
    )
    return SmoothFunction(
        name="six-hump camel",
        dimension=2,
        f=_camel,
        grad=_camel_grad,
        hess=lambda p: _symmetric(
            8.0 - 25.2 * p[..., 0] ** 2 + 10.0 * p[..., 0] ** 4,
            1.0 + 0.0 * p[..., 0],
            48.0 * p[..., 1] ** 2 - 8.0,
        ),
        bounds=box((-3.0, 3.0), (-2.0, 2.0)),
        lipschitz=308.0,
        gradient_lipschitz=592.0,
        hessian_lipschitz=929.0,
        polyak_lojasiewicz=0.0,
        minimum=-1.0316284534898774,
        minimizers=np.array([half[0], -half[0]]),
        stationary_points=np.concatenate([half, -half, np.zeros((1, 2))]),
        kinds=(("minimum",) * 3 + ("maximum",) + ("saddle",) * 3) * 2 + ("saddle",),
        source="Dixon, Szego, Towards Global Optimization 2 (1978). On [-2,2]x[-1,1]: 17.1, 67.4.",
    )


def branin() -> SmoothFunction:
    """Return (y - 5.1 x^2/(4 pi^2) + 5 x/pi - 6)^2 + 10 (1 - 1/(8 pi)) cos x + 10: three minima."""
    points = np.array([[-PI, 12.275], [PI, 2.275], [3 * PI, 2.475], [0.0, 6.0], [2 * PI, 1.1]])
    return SmoothFunction(
        name="Branin",
        dimension=2,
        f=lambda p: _branin_term(p)[0] ** 2 + _BRANIN_WAVE * np.cos(p[..., 0]) + 10.0,
        grad=_branin_grad,
        hess=_branin_hess,
        bounds=box((-5.0, 10.0), (0.0, 15.0)),
        lipschitz=114.0,
        gradient_lipschitz=29.3,
        hessian_lipschitz=12.739,
        polyak_lojasiewicz=0.0,
        minimum=0.39788735772973816,
        minimizers=points[:3].copy(),
        stationary_points=points,
        kinds=("minimum",) * 3 + ("saddle",) * 2,
        source="Dixon, Szego, Towards Global Optimization 2 (1978).",
    )


def mccormick() -> SmoothFunction:
    """Return sin(x + y) + (x - y)^2 - 1.5 x + 2.5 y + 1."""
    third = PI / 3
    points = np.array(
        [
            [0.5 - third, -0.5 - third],
            [0.5 + 2 * third, -0.5 + 2 * third],
            [0.5 + third, third - 0.5],
        ]
    )
    return SmoothFunction(
        name="McCormick",
        dimension=2,
        f=lambda p: (
            np.sin(p[..., 0] + p[..., 1])
            + (p[..., 0] - p[..., 1]) ** 2
            - 1.5 * p[..., 0]
            + 2.5 * p[..., 1]
            + 1.0
        ),
        grad=_mccormick_grad,
        hess=_mccormick_hess,
        bounds=box((-1.5, 4.0), (-3.0, 4.0)),
        lipschitz=18.4,
        gradient_lipschitz=4.0,
        hessian_lipschitz=2.8285,
        polyak_lojasiewicz=0.0,
        minimum=-1.9132229549810362,
        minimizers=points[:1].copy(),
        stationary_points=points,
        kinds=("minimum", "minimum", "saddle"),
        source="McCormick, Math. Programming 10 (1976) 147. L = 4, M_H = 2 sqrt(2) everywhere.",
    )


def _himmelblau_terms(p: Any) -> tuple[Any, Any]:
    x, y = p[..., 0], p[..., 1]
    return x * x + y - 11.0, x + y * y - 7.0


def _himmelblau_grad(p: Any) -> Any:
    a, b = _himmelblau_terms(p)
    return _stack(4.0 * p[..., 0] * a + 2.0 * b, 2.0 * a + 4.0 * p[..., 1] * b)


def _himmelblau_hess(p: Any) -> Any:
    x, y = p[..., 0], p[..., 1]
    a, b = _himmelblau_terms(p)
    return _symmetric(4.0 * a + 8.0 * x * x + 2.0, 4.0 * (x + y), 2.0 + 4.0 * b + 8.0 * y * y)


def _camel(p: Any) -> Any:
    x, y = p[..., 0] ** 2, p[..., 1] ** 2
    return (4.0 - 2.1 * x + x * x / 3.0) * x + p[..., 0] * p[..., 1] + (4.0 * y - 4.0) * y


def _camel_grad(p: Any) -> Any:
    x, y = p[..., 0], p[..., 1]
    return _stack(x * (8.0 - 8.4 * x**2 + 2.0 * x**4) + y, x + y * (16.0 * y**2 - 8.0))


_BRANIN_WAVE = 10.0 * (1.0 - 1.0 / (8.0 * PI))
_BRANIN_B, _BRANIN_C = 5.1 / (4.0 * PI**2), 5.0 / PI


def _branin_term(p: Any) -> tuple[Any, Any]:
    """Return the square's root and its derivative by x."""
    x, y = p[..., 0], p[..., 1]
    return y - _BRANIN_B * x * x + _BRANIN_C * x - 6.0, _BRANIN_C - 2.0 * _BRANIN_B * x


def _branin_grad(p: Any) -> Any:
    t, dt = _branin_term(p)
    return _stack(2.0 * t * dt - _BRANIN_WAVE * np.sin(p[..., 0]), 2.0 * t)


def _branin_hess(p: Any) -> Any:
    t, dt = _branin_term(p)
    xx = 2.0 * dt * dt - 4.0 * _BRANIN_B * t - _BRANIN_WAVE * np.cos(p[..., 0])
    return _symmetric(xx, 2.0 * dt, 2.0 + 0.0 * t)


def _mccormick_grad(p: Any) -> Any:
    x, y = p[..., 0], p[..., 1]
    c = np.cos(x + y)
    return _stack(c + 2.0 * (x - y) - 1.5, c - 2.0 * (x - y) + 2.5)


def _mccormick_hess(p: Any) -> Any:
    s = -np.sin(p[..., 0] + p[..., 1])
    return _symmetric(s + 2.0, s - 2.0, s + 2.0)


def _stack(x: Any, y: Any) -> Any:
    return np.stack([x, y], axis=-1)


def _symmetric(xx: Any, xy: Any, yy: Any) -> Array:
    H: Array = np.stack([np.stack([xx, xy], axis=-1), np.stack([xy, yy], axis=-1)], axis=-2)
    return H
