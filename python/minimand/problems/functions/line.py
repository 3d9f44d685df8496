"""Functions of one variable."""

from typing import Any

import numpy as np

from minimand.problems.functions.function import SmoothFunction, box, column

PI = float(np.pi)


def wavy_parabola() -> SmoothFunction:
    """Return x^2 + 3 sin^2 x: not convex, and yet 0 is its only stationary point."""
    return SmoothFunction(
        name="x^2 + 3 sin^2 x",
        dimension=1,
        f=lambda x: x * x + 3.0 * np.sin(x) ** 2,
        grad=lambda x: 2.0 * x + 3.0 * np.sin(2.0 * x),
        hess=lambda x: 2.0 + 6.0 * np.cos(2.0 * x),
        bounds=box((-10.0, 10.0)),
        lipschitz=22.75,
        gradient_lipschitz=8.0,
        hessian_lipschitz=12.0,
        polyak_lojasiewicz=1 / 32,
        minimum=0.0,
        minimizers=column(0.0),
        stationary_points=column(0.0),
        kinds=("minimum",),
        source="""Karimi, Nutini, Schmidt, arXiv:1608.04636. The constants of the gradient and of
        the Hessian hold everywhere; the least f'^2/2f on [-20, 20] is 0.1755.""",
    )


def x_cos() -> SmoothFunction:
    """Return x cos(pi x): a local and a global minimum, and a maximum."""
    return SmoothFunction(
        name="x cos(pi x)",
        dimension=1,
        f=lambda x: x * np.cos(PI * x),
        grad=_x_cos_grad,
        hess=_x_cos_hess,
        bounds=box((-1.0, 2.0)),
        lipschitz=5.1002,
        gradient_lipschitz=19.7393,
        hessian_lipschitz=60.06,
        polyak_lojasiewicz=0.0,
        minimum=-1.0467211246605712,
        minimizers=column(1.0904082219467213),
        stationary_points=column(-0.2738526868008509, 0.2738526868008509, 1.0904082219467213),
        kinds=("minimum", "maximum", "minimum"),
        source="The risk of a one-parameter model; the second derivative is largest at 2: 2 pi^2.",
    )


def noisy_x_cos() -> SmoothFunction:
    """Return x cos(pi x) + 0.2 cos(5 pi x): seven minima, the best one not that of `x_cos`."""
    return SmoothFunction(
        name="x cos(pi x) + 0.2 cos(5 pi x)",
        dimension=1,
        f=lambda x: x * np.cos(PI * x) + 0.2 * np.cos(5 * PI * x),
        grad=lambda x: _x_cos_grad(x) - PI * np.sin(5 * PI * x),
        hess=lambda x: _x_cos_hess(x) - 5 * PI**2 * np.cos(5 * PI * x),
        bounds=box((-1.0, 2.0)),
        lipschitz=7.8781,
        gradient_lipschitz=69.0873,
        hessian_lipschitz=821.71,
        polyak_lojasiewicz=0.0,
        minimum=-1.2084614338727626,
        minimizers=column(1.0169834031079086),
        stationary_points=column(
            -0.9740372917109443,
            -0.8470654986668815,
            -0.5584587120412174,
            -0.4214763229511923,
            -0.2080549862343783,
            0.02049030589210087,
            0.18999729312026079,
            0.38419162116461236,
            0.6516366520617567,
            0.745386933990459,
            1.0169834031079086,
            1.2435211908037005,
            1.3208019867362606,
        ),
        kinds=("minimum", "maximum") * 6 + ("minimum",),
        source="The empirical risk of a sample, beside the risk `x_cos`.",
    )


def cubic() -> SmoothFunction:
    """Return x^3: stationary at 0, which is neither a minimum nor a maximum."""
    return SmoothFunction(
        name="x^3",
        dimension=1,
        f=lambda x: x * x * x,
        grad=lambda x: 3.0 * x * x,
        hess=lambda x: 6.0 * x,
        bounds=box((-2.0, 2.0)),
        lipschitz=12.0,
        gradient_lipschitz=12.0,
        hessian_lipschitz=6.0,
        polyak_lojasiewicz=0.0,
        minimum=-8.0,
        minimizers=column(-2.0),
        stationary_points=column(0.0),
        kinds=("undetermined",),
    )


def quartic() -> SmoothFunction:
    """Return x^4: a minimum that second derivatives cannot see."""
    return SmoothFunction(
        name="x^4",
        dimension=1,
        f=lambda x: (x * x) ** 2,
        grad=lambda x: 4.0 * x * x * x,
        hess=lambda x: 12.0 * x * x,
        bounds=box((-2.0, 2.0)),
        lipschitz=32.0,
        gradient_lipschitz=48.0,
        hessian_lipschitz=48.0,
        polyak_lojasiewicz=0.0,
        minimum=0.0,
        minimizers=column(0.0),
        stationary_points=column(0.0),
        kinds=("undetermined",),
    )


def hyperbolic_tangent() -> SmoothFunction:
    """Return tanh x: no stationary point, and a gradient that vanishes far out."""
    return SmoothFunction(
        name="tanh",
        dimension=1,
        f=np.tanh,
        grad=_sech2,
        hess=lambda x: -2.0 * np.tanh(x) * _sech2(x),
        bounds=box((-5.0, 5.0)),
        lipschitz=1.0,
        gradient_lipschitz=0.7699,
        hessian_lipschitz=2.0,
        polyak_lojasiewicz=0.0,
        minimum=float(np.tanh(-5.0)),
        minimizers=column(-5.0),
        stationary_points=column(),
        source="The constants hold everywhere; that of the gradient is 4/(3 sqrt(3)).",
    )


def newton_cycle() -> SmoothFunction:
    """Return x^4/4 - x^2 + 2x: Newton without damping goes from 0 to 1 and back for ever."""
    root = -1.7692923542386314
    return SmoothFunction(
        name="x^4/4 - x^2 + 2x",
        dimension=1,
        f=lambda x: 0.25 * (x * x) ** 2 - x * x + 2.0 * x,
        grad=lambda x: x * x * x - 2.0 * x + 2.0,
        hess=lambda x: 3.0 * x * x - 2.0,
        bounds=box((-2.5, 2.5)),
        lipschitz=12.625,
        gradient_lipschitz=16.75,
        hessian_lipschitz=15.0,
        minimum=-4.219136248741586,
        minimizers=column(root),
        stationary_points=column(root),
        kinds=("minimum",),
    )


def heavy_ball_cycle() -> SmoothFunction:
    """Strongly convex, and the heavy ball with the best step of quadratics cycles from 3.3."""
    return SmoothFunction(
        name="heavy-ball cycle",
        dimension=1,
        f=lambda x: np.select(
            [x < 1, x < 2],
            [12.5 * x * x, 0.5 * x * x + 24.0 * x - 12.0],
            12.5 * x * x - 24 * x + 36,
        ),
        grad=lambda x: np.select([x < 1, x < 2], [25.0 * x, x + 24.0], 25.0 * x - 24.0),
        hess=lambda x: np.where((x < 1) | (x >= 2), 25.0, 1.0),
        bounds=box((-4.0, 4.0)),
        lipschitz=100.0,
        gradient_lipschitz=25.0,
        hessian_lipschitz=None,
        strong_convexity=1.0,
        polyak_lojasiewicz=1.0,
        minimum=0.0,
        minimizers=column(0.0),
        stationary_points=column(0.0),
        kinds=("minimum",),
        source="""Lessard, Recht, Packard, arXiv:1408.3595; alpha = 1/9, beta = 4/9. The second
        derivative jumps at 1 and 2, and comparisons make no sense of complex arguments.""",
    )


def _x_cos_grad(x: Any) -> Any:
    return np.cos(PI * x) - PI * x * np.sin(PI * x)


def _x_cos_hess(x: Any) -> Any:
    return -2 * PI * np.sin(PI * x) - PI**2 * x * np.cos(PI * x)


def _sech2(x: Any) -> Any:
    return np.cosh(x) ** -2.0
