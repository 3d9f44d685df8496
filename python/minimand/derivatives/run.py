"""What all derivative functions share: the options, the choice of the method, the result."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import numpy as np

from minimand._common.arrays import Floats, one_of, positive_float
from minimand._common.backend import kernels
from minimand._common.result import Status
from minimand.derivatives.arguments import (
    Function,
    as_arguments,
    as_bounds,
    as_function,
    as_noise,
    as_step,
    as_vectorized,
)
from minimand.derivatives.complex_step import cauchy, complex_step
from minimand.derivatives.differences import difference
from minimand.derivatives.estimate import Estimate
from minimand.derivatives.evaluate import Evaluator
from minimand.derivatives.lines import Lines, PointLines
from minimand.derivatives.noise import estimate_noise
from minimand.derivatives.result import DerivativeResult, agreement
from minimand.derivatives.richardson import richardson

METHODS = ("central", "forward", "backward", "complex", "richardson")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Options:
    """The options of a call, checked."""

    method: str
    bounds: tuple[Floats, Floats] | None
    step: Floats | None
    improve: bool
    noise: float | str | None
    derivative_bound: float | None
    vectorized: bool | None
    args: tuple[Any, ...]
    compiled: ModuleType
    backend: str
    start: float

    def part(self, which: slice) -> Options:
        """Return the options for some of the points."""
        return self if self.step is None else replace(self, step=self.step[which])


def check_options(
    position: Floats,
    *,
    methods: tuple[str, ...],
    method: object,
    step: object,
    bounds: object,
    pairs: bool,
    noise: object,
    derivative_bound: object,
    vectorized: object,
    args: object,
    backend: object,
    start: float,
) -> Options:
    """Return the options, or raise what is wrong with them."""
    chosen = one_of("method", method, methods)
    ends = as_bounds("bounds", bounds, position, pairs=pairs)
    if chosen == "cauchy" and ends is not None:
        raise ValueError(
            "bounds has no meaning for method 'cauchy', which goes around x; use radius"
        )
    h, improve = as_step("step", step, position)
    if chosen in ("complex", "cauchy") and step is not None:
        raise ValueError(f"step is {step!r}, but method {chosen!r} has none to choose")
    if improve and chosen == "richardson":
        raise ValueError("step is 'auto', but method 'richardson' has many; give the first one")
    bound = None
    if derivative_bound is not None:
        bound = positive_float("derivative_bound", derivative_bound)
        if chosen not in ("central", "forward", "backward"):
            raise ValueError(f"derivative_bound has no meaning for method {chosen!r}")
    return Options(
        method=chosen,
        bounds=ends,
        step=h,
        improve=improve,
        noise=as_noise("noise", noise),
        derivative_bound=bound,
        vectorized=as_vectorized("vectorized", vectorized),
        args=as_arguments("args", args),
        compiled=kernels("derivatives", str(backend) if isinstance(backend, str) else backend),  # type: ignore[arg-type]
        backend=str(backend),
        start=start,
    )


def evaluator(
    name: str, f: Function, options: Options, *, scalars: bool = False, vector: bool = False
) -> Evaluator:
    """Return the user's function, ready to be called."""
    return Evaluator(name, as_function(name, f), options.args, scalars=scalars, vector=vector)


def noise_of(options: Options, lines: Lines) -> Floats:
    """Return the absolute noise of each output, 0 for rounding alone."""
    if options.noise is None:
        return np.zeros(lines.f.outputs)
    if isinstance(options.noise, float):
        return np.full(lines.f.outputs, options.noise)
    inward = np.where(lines.upper - lines.position >= lines.position - lines.lower, 1.0, -1.0)
    row = int(np.argmax(np.maximum(lines.upper - lines.position, lines.position - lines.lower)))

    def along(t: Floats) -> Floats:
        # Seven points in a row; away from a bound that is near.
        shift = np.zeros_like(t)
        room = min(lines.upper[row] - lines.position[row], lines.position[row] - lines.lower[row])
        if room < t.max():
            shift = inward[row] * (t.max() - t.min()) / 2 + shift
        return lines.at(np.full(len(t), row), t + shift)

    return estimate_noise(along, float(lines.scale[row]))


def differentiate(
    lines: Lines, options: Options, noise: Floats, *, order: int = 1, radius: float = 1.0
) -> Estimate:
    """Return the derivatives along the lines by the method that was chosen."""
    if options.method == "richardson":
        return richardson(lines, order=order, step=options.step, noise=noise)
    if options.method == "complex":
        return complex_step(lines, noise=noise)
    if options.method == "cauchy":
        assert isinstance(lines, PointLines)
        return cauchy(lines, order=order, radius=radius, noise=noise)
    return difference(
        lines,
        order=order,
        method=options.method,
        step=options.step,
        improve=options.improve,
        noise=noise,
        derivative_bound=options.derivative_bound,
    )


def consistency(value: Floats, truncation: Floats, error: Floats) -> float:
    """Return how far apart the two steps of the rule are, in units of the error."""
    if not np.isfinite(value).all():
        return np.nan
    worst = np.divide(truncation, error, out=np.zeros_like(error), where=error > 0.0)
    return float(worst.max(initial=0.0))


def make_result(
    options: Options,
    *,
    quantity: str,
    order: int,
    status: Status,
    values: dict[str, Any],
    x: Floats | float,
    noise: Floats,
    kinks: Any,
    undefined: list[Floats],
    evaluations: int,
    vectorized: bool,
    from_gradient: bool = False,
) -> DerivativeResult:
    """Return the result of a call."""
    entries = {name: np.asarray(values[name]) for name in ("value", "truncation", "error")}
    return DerivativeResult(
        status=status,
        iterations=0,
        history=(),
        seconds=time.perf_counter() - options.start,
        backend=options.backend,
        certificates=(agreement(consistency(**entries)),),
        **values,
        x=x,
        quantity=quantity,
        method=options.method,
        order=order,
        from_gradient=from_gradient,
        noise=float(noise[0]) if len(noise) == 1 else noise,
        derivative_bound=options.derivative_bound,
        kinks=np.argwhere(kinks).astype(np.int64),
        undefined=np.array(undefined, dtype=np.float64),
        evaluations=evaluations,
        vectorized=vectorized,
    )
