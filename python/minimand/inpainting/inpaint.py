"""The public in-painting function."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable

import numpy as np

from minimand._common.arrays import boolean, one_of, positive_float, positive_int
from minimand._common.backend import Backend, kernels
from minimand._common.conversion import wrong_type
from minimand._common.errors import ConvergenceWarning
from minimand._common.iterate import Outcome
from minimand._common.result import Status
from minimand._common.threads import resolve_threads
from minimand.inpainting.arguments import as_image, as_known, as_tolerance, check_known_finite
from minimand.inpainting.result import InpaintingProgress, InpaintingResult, certificates
from minimand.inpainting.solve import Run, solve_line
from minimand.inpainting.variation import COUPLINGS

METHODS = ("auto", "newton", "pdhg")
RESOLUTION = 1e-14  # what rounding leaves of a relative gap


def inpaint(
    image: object,
    known: object,
    *,
    coupling: str = "separate",
    method: str = "auto",
    tol: float = 1e-6,
    max_iterations: int | None = None,
    time_limit: float | None = None,
    callback: Callable[[InpaintingProgress], object] | None = None,
    progress: bool = False,
    threads: int | None = None,
    backend: Backend = "cpp",
) -> InpaintingResult:
    """Fill the unknown pixels of an image with the least total variation, and certify the answer.

    Minimises over u

        TV(u) = sum_{i<m-1, j<n-1} ||(u[i+1,j] - u[i,j], u[i,j+1] - u[i,j])||
        subject to u = image where known

    Parameters
    ----------
    image : array_like (m, n) or (m, n, C)
        Gray or any number of channels, of any real type and any range of values. What stands in
        unknown pixels does not matter; NaN is fine there.
    known : array_like of bool (m, n)
        True where the pixel is given and has to stay.
    coupling : {"separate", "joint"}
        "separate": the sum of the channels' total variations. "joint": one norm over the
        differences of all channels in each term, which aligns their edges.
    method : {"auto", "newton", "pdhg"}
        "newton": primal-dual Newton steps, few and accurate, on each connected region of unknown
        pixels. "pdhg": primal-dual hybrid gradient steps, many and cheap, with memory
        in proportion to the image. "auto" takes what a model of their costs says, and lets Newton
        take over from a PDHG that slows down.
    tol : float
        The relative gap (objective - lower bound)/objective to certify, at least 1e-12.
    max_iterations : int, optional
        Limit on the iterations, of all channels and regions together.
    time_limit : float, optional
        Seconds.
    callback : callable, optional
        Called with an `InpaintingProgress` every now and then; StopIteration from it ends the run.
    progress : bool
        Whether to show a progress bar (needs tqdm).
    threads : int, optional
        At most so many threads; the result has the same bits for any number.
    backend : {"cpp", "numpy"}
        The compiled kernels, or their NumPy mirror (for small images).

    Returns
    -------
    InpaintingResult
        The image in float64 and in the units of the input, with the known pixels bit by bit, its
        objective, a lower bound for every image that agrees with the known pixels, and the dual
        field that proves it; `result.verify(image, known)` checks all of it in plain NumPy. When a
        limit, the callback or Ctrl-C ends the run, it holds the best image so far and its gap.

    Raises
    ------
    ValueError, TypeError
        Bad arguments; the message names the argument and the first bad position.

    Notes
    -----
    The minimiser is not unique in general, its objective is. Sources: Chan, Golub, Mulet, SIAM J.
    Sci. Comput. 20 (1999) 1964; Chambolle, Pock, J. Math. Imaging Vis. 40 (2011) 120; Pock,
    Chambolle, ICCV (2011); George, SIAM J. Numer. Anal. 10 (1973) 345.

    Examples
    --------
    >>> import numpy as np
    >>> import minimand
    >>> image = np.arange(16.0).reshape(4, 4)
    >>> known = np.ones((4, 4), dtype=bool)
    >>> known[1:3, 1:3] = False
    >>> filled = minimand.inpaint(image, known)
    >>> filled.image[1:3, 1:3].round(2).tolist()
    [[5.0, 6.0], [9.0, 10.0]]
    >>> filled.gap <= 1e-6
    True
    """
    # Check
    start = time.perf_counter()
    one_of("coupling", coupling, COUPLINGS)
    one_of("method", method, METHODS)
    tol = as_tolerance("tol", tol)
    limit = None if max_iterations is None else positive_int("max_iterations", max_iterations)
    seconds = None if time_limit is None else positive_float("time_limit", time_limit)
    if callback is not None and not callable(callback):
        raise wrong_type("callback", callback, "a function or None")
    progress = boolean("progress", progress)
    compiled = kernels("inpainting", backend)
    workers = resolve_threads(threads)

    # Convert
    pixels = as_image("image", image)
    mask = as_known(known, pixels.shape)
    check_known_finite("image", pixels, mask)

    # Drive
    joint = coupling == "joint"
    if min(mask.shape) == 1:
        answer = solve_line(pixels, mask, joint=joint)
        outcome = Outcome(Status.CONVERGED, 0, (), 0.0)
    else:
        run = Run(pixels, mask, joint=joint, kernels=compiled, threads=workers)
        outcome = run.solve(
            method,
            tol,
            max_iterations=limit,
            time_limit=seconds,
            callback=callback,
            progress=progress,
            start=start,
        )
        answer = run.answer()

    # Certify and return
    bounds = answer.bounds
    status = Status.CONVERGED if bounds.gap <= tol else outcome.status
    if status is Status.CONVERGED and not bounds.gap <= tol:  # by the last evaluation
        status = Status.NOT_CERTIFIED
    result = InpaintingResult(
        status=status,
        iterations=outcome.iterations,
        history=outcome.history,
        seconds=time.perf_counter() - start,
        backend=backend,
        certificates=certificates(0, bounds.gap, tol, RESOLUTION),
        image=pixels.as_given(answer.planar),
        **bounds._asdict(),
        dual=answer.dual,
        coupling=coupling,
        method=answer.method,
        n_unknown=int(mask.size - np.count_nonzero(mask)),
        n_components=answer.components,
        n_undetermined=int(not mask[-1, -1] and min(mask.shape) > 1),
        tol=tol,
    )
    if not status.ok:
        warnings.warn(_advice(result), ConvergenceWarning, stacklevel=2)
    return result


def _advice(result: InpaintingResult) -> str:
    """Say what was reached, why no more, and which knob to turn."""
    knobs = {
        Status.MAX_ITERATIONS: "raise max_iterations, or ask for a larger tol",
        Status.TIME_LIMIT: "raise time_limit, or ask for a larger tol",
        Status.NOT_CERTIFIED: "this is as far as float64 goes here, ask for a larger tol",
    }
    knob = knobs.get(result.status)
    text = f"the gap is {result.gap:.1e}, above tol = {result.tol:.1e}: {result.status.value}"
    return f"{text} To get further, {knob}." if knob else text
