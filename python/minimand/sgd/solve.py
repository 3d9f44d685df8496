"""The public function `sgd`."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal

import numpy as np

from minimand._common.arrays import (
    boolean,
    nonnegative_float,
    one_of,
    positive_float,
    positive_int,
)
from minimand._common.backend import Backend, kernels
from minimand._common.conversion import wrong_type
from minimand._common.random import as_key
from minimand._common.result import Status
from minimand._common.schedules import Schedule
from minimand._common.threads import resolve_threads
from minimand.sgd.arguments import (
    as_momentum,
    as_schedule,
    as_variance_reduction,
    default_start,
    default_step,
)
from minimand.sgd.data import LOSSES, Design, as_rows, as_start, as_target, as_weights
from minimand.sgd.dual import Problem
from minimand.sgd.rates import Smoothness, plan
from minimand.sgd.report import announce, final_status, notes
from minimand.sgd.result import SGDProgress, SGDResult, certificates, split
from minimand.sgd.run import Options, Run


def sgd(
    X: object,
    y: object,
    *,
    loss: Literal["squared", "logistic", "absolute", "poisson", "softmax"] = "squared",
    batch_size: int = 32,
    lr: float | None = None,
    schedule: Schedule | None = None,
    momentum: float = 0.0,
    nesterov: bool = False,
    epochs: int = 20,
    l2: float = 0.0,
    l1: float = 0.0,
    averaging: bool | None = None,
    variance_reduction: Literal["saga", "svrg"] | None = None,
    fit_intercept: bool = True,
    sample_weight: object = None,
    w0: object = None,
    b0: object = None,
    tol_gap: float | None = None,
    shuffle: bool = True,
    rng: object = None,
    callback: Callable[[SGDProgress], object] | None = None,
    progress: bool = False,
    time_limit: float | None = None,
    threads: int | None = None,
    backend: Backend = "cpp",
) -> SGDResult:
    """Fit a linear model by minibatch stochastic gradients, and bound how far it is from the best.

    Minimises over (w, b), with c_i = sample_weight_i / sum sample_weight,

        P(w, b) = sum_i c_i phi(x_i'w + b; y_i) + l2/2 ||w||^2 + l1 ||w||_1

    Parameters
    ----------
    X : array_like or sparse array (n, d)
        float32 is read as it is, anything else as float64; sparse ones by their rows (CSR).
    y : array_like (n,)
        Numbers; labels 0 and 1 or -1 and 1 (logistic); 0, ..., K-1 (softmax); counts (poisson).
    loss : {"squared", "logistic", "absolute", "poisson", "softmax"}
        phi(m; y) = (m-y)^2/2, log(1 + exp(-ym)), |m-y|, exp(m) - ym, log sum_k exp(m_k) - m_y.
    batch_size : int
        Rows of a step; 1 is one row at a time, n and more is gradient descent.
    lr : float, optional
        The step. By default 1/(2L) with the expected smoothness L of the batches, times
        1 - momentum; 1/(3 L_max) or its like for batches for SAGA, 1/(10L) for SVRG; for absolute
        losses median |y - median y| / mean ||x||^2; for Poisson it follows the curvature.
    schedule : Schedule, optional
        How the step falls; constant by default, t^-0.6 for absolute losses.
    momentum : float
        v = momentum v + gradient, (w, b) -= lr v.
    nesterov : bool
        (w, b) -= lr (gradient + momentum v) instead.
    epochs : int
        How often all rows are read. The first call with fewer epochs gives the same iterates.
    l2, l1 : float
        Penalties of the slopes. l1 makes coefficients exactly zero.
    averaging : bool, optional
        Whether to average the iterates of the second half of the epochs (Polyak, Ruppert); by
        default for absolute losses. The better one of average and last iterate is returned.
    variance_reduction : {"saga", "svrg"}, optional
        Subtract the noise of old gradients: linear convergence at a constant step, for n K numbers.
    fit_intercept : bool
        Whether there is a constant term b, without penalty.
    sample_weight : array_like (n,), optional
        s >= 0. They scale gradients; every row is read as often as any other.
    w0, b0 : array_like, optional
        The start, of the shapes of `coef` and `intercept`; by default 0 (for Poisson losses b
        begins at the logarithm of the mean).
    tol_gap : float, optional
        Stop as soon as the duality gap is at most tol_gap max(1, |P|).
    shuffle : bool
        Whether every epoch reads the rows in a new random order.
    rng : None, int, SeedSequence, BitGenerator or Generator
        Of the orders.
    callback : callable, optional
        Called with an `SGDProgress` after every epoch; StopIteration from it ends the run.
    progress : bool
        Whether to show a progress bar (needs tqdm).
    time_limit : float, optional
        Seconds.
    threads : int, optional
        At most so many threads; the result has the same bits for any number.
    backend : {"cpp", "numpy"}
        The compiled kernels, or their NumPy mirror.

    Returns
    -------
    SGDResult
        Coefficients, the objective and a lower bound for it; `result.verify(X, y)` computes both
        again in plain NumPy.

    Raises
    ------
    ValueError, TypeError
        Bad arguments; the message names the argument and the first bad position.

    Notes
    -----
    Each batch is read once: margins, residuals and gradient while its rows are in cache, the rows
    of later batches on their way. Sources: Robbins, Monro (1951); Polyak, Juditsky, SIAM J. Control
    Optim. 30 (1992) 838; Defazio et al., arXiv:1407.0202; Johnson, Zhang, NIPS 2013; Gower et al.,
    arXiv:1901.09401. The bound is Fenchel's dual at the residuals, repaired to be feasible.

    Examples
    --------
    >>> import numpy as np
    >>> import minimand
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((1000, 2))
    >>> y = X @ [2.0, -3.4] + 4.2 + 0.01 * rng.standard_normal(1000)
    >>> fit = minimand.sgd(X, y, batch_size=10, lr=0.03, epochs=10, rng=0)
    >>> fit.coef.round(2), round(fit.intercept, 2)
    (array([ 2. , -3.4]), 4.2)
    >>> bool(fit.gap < 1e-5)
    True
    """
    # Check
    start = time.perf_counter()
    one_of("loss", loss, LOSSES)
    size, length = positive_int("batch_size", batch_size), positive_int("epochs", epochs)
    step = None if lr is None else positive_float("lr", lr)
    falling = as_schedule(schedule, loss)
    momentum = as_momentum(momentum, boolean("nesterov", nesterov))
    ridge, lasso = nonnegative_float("l2", l2), nonnegative_float("l1", l1)
    mean = loss == "absolute" if averaging is None else boolean("averaging", averaging)
    as_variance_reduction(variance_reduction, loss, momentum)
    intercept = boolean("fit_intercept", fit_intercept)
    tol = None if tol_gap is None else positive_float("tol_gap", tol_gap)
    shuffle, progress = boolean("shuffle", shuffle), boolean("progress", progress)
    seconds = None if time_limit is None else positive_float("time_limit", time_limit)
    if callback is not None and not callable(callback):
        raise wrong_type("callback", callback, "a function or None")
    workers = resolve_threads(threads)
    kernels("sgd", backend)
    key = as_key(rng)

    # Convert
    rows = as_rows(X)
    weights = as_weights(sample_weight, rows.shape[0])
    target = as_target(y, loss, rows.shape[0], weights)
    design = Design(rows, weights, intercept=intercept, backend=backend, threads=workers)
    design.check()
    theta = as_start(w0, b0, target.outputs, design.columns, intercept=intercept)
    if theta is None:
        theta = default_start(design, target, loss)

    # Drive
    problem = Problem(design, target.values, loss, ridge, lasso)
    smooth = Smoothness(design, ridge)
    size = min(size, design.rows)
    if step is None and loss != "poisson":
        step = default_step(smooth, target, loss, size, momentum, variance_reduction)
    options = Options(
        batch=size,
        rate=1.0 if step is None else step,
        adaptive=step is None,
        schedule=falling,
        momentum=momentum,
        nesterov=nesterov,
        epochs=length,
        averaging=mean,
        variance_reduction=variance_reduction,
        tol_gap=tol,
        shuffle=shuffle,
    )
    run = Run(problem, smooth, options, theta, key)
    outcome = run.solve(time_limit=seconds, callback=callback, progress=progress, start=start)

    # Certify and return
    if outcome.status is not Status.DIVERGED:
        run.keep()
    answer = run.answer()
    found, averaged = answer.bounds, answer.averaged
    exploded = answer.epoch < run.good_epoch
    status = final_status(Status.DIVERGED if exploded else outcome.status, found, tol)
    coef, b = split(answer.theta)
    expected = plan(smooth, loss, size, run.rate, variance_reduction)
    plain = falling.kind == "constant" and momentum == 0.0 and not averaged and lasso == 0.0
    noise = (design.rows - size) / (size * max(design.rows - 1, 1)) * found.noise
    factor = expected.noise_factor if plain else None
    result = SGDResult(
        status=status,
        iterations=outcome.iterations,
        history=outcome.history,
        seconds=time.perf_counter() - start,
        backend=backend,
        certificates=certificates(
            gap=found.gap,
            fun=found.objective,
            tol=tol,
            unbalanced=found.unbalanced,
            gradient=found.gradient,
            stated=0.0,
        ),
        coef=coef,
        intercept=b,
        fun=found.objective,
        dual=found.dual,
        gap=found.gap,
        gradient_norm=None if np.isnan(found.gradient) else found.gradient,
        distance_bound=float(np.sqrt(2.0 * found.gap / ridge)) if ridge > 0.0 else None,
        epochs=answer.epoch,
        rate=run.rate,
        expected_rate=expected.expected_rate if plain else None,
        noise_floor=None if factor is None else factor * noise,
        averaged=averaged,
        classes=target.classes,
        loss=loss,
        batch_size=size,
        l2=ridge,
        l1=lasso,
        fit_intercept=intercept,
        tol_gap=tol,
        notes=notes(problem, smooth, found),
    )
    announce(result, smooth)
    return result
