"""The public training function."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from minimand._common.arrays import (
    boolean,
    nonnegative_float,
    positive_float,
    positive_int,
)
from minimand._common.backend import Backend, kernels
from minimand._common.conversion import wrong_type
from minimand._common.errors import ConvergenceWarning
from minimand._common.iterate import drive
from minimand._common.random import as_key
from minimand._common.result import Status
from minimand._common.threads import resolve_threads
from minimand.neural_network.arguments import (
    advice,
    as_objectives,
    check_batchnorm,
    state_of,
    warn_symmetry,
)
from minimand.neural_network.diagnostics import diagnose
from minimand.neural_network.full_batch import norm_with_l1
from minimand.neural_network.network import Network, check_parameters
from minimand.neural_network.newton import NewtonTrainer
from minimand.neural_network.notices import is_silent
from minimand.neural_network.optimizers import Adam, Newton, Optimizer
from minimand.neural_network.result import (
    TrainingOptions,
    TrainingProgress,
    TrainingResult,
    TrainingState,
)
from minimand.neural_network.trainer import Trainer
from minimand.neural_network.verification import on_some_samples

_SPEED = 3e10  # floating-point operations a second, for the first chunk


def train(
    network: Network,
    X: object,
    y: object,
    *,
    optimizer: Optimizer | None = None,
    epochs: int = 50,
    batch_size: int = 32,
    l2: float = 0.0,
    l1: float = 0.0,
    validation: object = None,
    patience: int | None = None,
    sample_weight: object = None,
    class_weight: str | Mapping[int, float] | None = None,
    shuffle: bool = True,
    rng: object = None,
    callback: Callable[[TrainingProgress], object] | None = None,
    progress: bool = False,
    threads: int | None = None,
    time_limit: float | None = None,
    resume: TrainingState | TrainingResult | None = None,
    backend: Backend = "cpp",
) -> TrainingResult:
    """Train a network by minibatch gradient descent, in place.

    Minimises over the parameters theta, W being the weights among them (no biases),

        J(theta) = (1/S) sum_i s_i loss(f(x_i; theta), y_i) + (l2/2) ||W||^2 + l1 ||W||_1

    with S = sum_i s_i. The penalty belongs to this mean, so it does not change with the batch size.

    Parameters
    ----------
    network : Network
        Its parameters are where the run starts, and are written to.
    X : array_like (n, ...)
        Samples: (n, features), (n, channels, height, width) or (n, steps, features).
    y : array_like
        Targets: labels (n,) or numbers (n, k), as the loss says.
    optimizer : Optimizer, optional
        `SGD`, `Adagrad`, `RMSProp`, `Adam` or `Newton`; ``Adam()`` without one.
    epochs : int
        Passes over the samples (at most, with `patience`).
    batch_size : int
        Samples of an update; more than there are means all.
    l2, l1 : float
        Penalties. With l1, weights become exactly zero.
    validation : float or (X, y), optional
        A fraction of the samples, of each class alike, or a set of its own. The parameters with
        the least validation loss are what the network has at the end, however the run ends.
    patience : int, optional
        Stop when the validation loss has not fallen for so many epochs.
    sample_weight : array_like (n,), optional
        s, scaled to mean 1.
    class_weight : "balanced" or mapping, optional
        Factors for the weights by label; "balanced": n / (classes * samples of the class).
    shuffle : bool
        Whether each epoch takes the samples in a random order of its own.
    rng : None, int, SeedSequence, BitGenerator or Generator
        For order, validation set and dropout.
    callback : callable, optional
        Called with a `TrainingProgress` after each epoch; StopIteration from it ends the run.
    progress : bool
        Whether to show a progress bar (needs tqdm).
    threads : int, optional
        At most so many threads; the result has the same bits for any number.
    time_limit : float, optional
        Seconds.
    resume : TrainingResult or TrainingState, optional
        Go on for `epochs` epochs where that run ended: bit by bit what one longer run computes.
        The other arguments must be the same; `rng` is taken from there.
    backend : {"cpp", "numpy"}
        The compiled interpreter, or the one in NumPy.

    Returns
    -------
    TrainingResult
        Status, learning curves, objective and gradient norm with certificates, diagnostics, and the
        state to resume from.

    Raises
    ------
    ValueError, TypeError
        Bad arguments; the message names the argument and the first bad position.
    KeyboardInterrupt
        After Ctrl-C; the network has the best (or last) parameters. So it has after an error of the
        callback, which passes through.

    Warns
    -----
    ConvergenceWarning
        When a limit ended the run, or the loss became infinite; then the network has the last
        parameters whose loss was finite, or the best ones.
    SymmetryWarning
        When all units of a hidden layer start equal.

    Notes
    -----
    Sources: Rumelhart, Hinton, Williams, Nature 323 (1986) 533; Prechelt, Early stopping - but
    when? (1998).

    Examples
    --------
    >>> from minimand import nn
    >>> X, y = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 1, 0]
    >>> module = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 2))
    >>> network = nn.Network(module, nn.CrossEntropy(), 2, rng=0)
    >>> result = nn.train(network, X, y, optimizer=nn.Adam(0.05), epochs=300, rng=0)
    >>> network.fprop(X).argmax(axis=1).tolist()
    [0, 1, 1, 0]
    """
    # Check
    start = time.perf_counter()
    if not isinstance(network, Network):
        raise wrong_type("network", network, "a Network")
    method = Adam() if optimizer is None else optimizer
    if not isinstance(method, Optimizer):
        raise wrong_type("optimizer", method, "an optimiser such as Adam(0.001)")
    positive_int("epochs", epochs)
    positive_int("batch_size", batch_size)
    nonnegative_float("l2", l2)
    nonnegative_float("l1", l1)
    if patience is not None:
        positive_int("patience", patience)
        if validation is None:
            raise ValueError("patience is given but validation is None, expected a validation set")
    boolean("shuffle", shuffle)
    boolean("progress", progress)
    if callback is not None and not callable(callback):
        raise wrong_type("callback", callback, "a function or None")
    limit = None if time_limit is None else positive_float("time_limit", time_limit)
    before = state_of(resume)
    compiled, workers = kernels("neural_network", backend), resolve_threads(threads)

    # Convert
    key = as_key(rng) if before is None else before.key
    data, held, fraction = as_objectives(
        network, X, y, validation, sample_weight, class_weight, l2, l1, key
    )
    if before is None:
        check_parameters(network)
    n = len(data.samples)
    notes: list[str] = []
    batch = min(batch_size, n)
    if batch < batch_size:
        notes.append(f"batch_size is {batch_size}, more than the {n} samples: full batches")
    check_batchnorm(network, n, batch)
    warn_symmetry(network)
    shared: dict[str, Any] = {
        "patience": patience, "key": key, "callback": callback, "compiled": compiled,
        "threads": workers,
    }  # fmt: skip
    trainer: Trainer | NewtonTrainer
    if isinstance(method, Newton):
        trainer = NewtonTrainer(network, data, held, optimizer=method, **shared)
    else:
        trainer = Trainer(
            network,
            data,
            held,
            optimizer=method,
            batch=batch,
            shuffle=shuffle,
            backend=backend,
            **shared,
        )
    if before is not None:
        trainer.resume(before)

    # Drive
    flops = 6.0 * network.program.work * batch + 20.0 * network.program.n_parameters
    steps = (trainer.epoch + epochs) * trainer.steps_per_epoch - trainer.step
    first_step = trainer.step
    try:
        outcome = drive(
            trainer.advance,
            max_iterations=steps,
            time_limit=limit,
            progress=progress,
            description="train",
            first_chunk=max(1, int(0.02 * _SPEED / flops)),
        )
    except BaseException:  # Ctrl-C, or an error of the callback
        trainer.restore_best()
        raise
    seconds = max(time.perf_counter() - start, 1e-9)
    state = trainer.state()
    trainer.restore_best()

    # Certify and return
    status = outcome.status
    if status is Status.MAX_ITERATIONS and patience is None:
        status = Status.COMPLETED
    value = data.gradient(network.parameters, network.running, compiled, workers)
    gradient_norm = norm_with_l1(network.program, value.gradient, network.parameters, l1)
    seed = (int(key[0]), int(key[1]))
    result = TrainingResult(
        status=status,
        iterations=trainer.step,
        history=tuple(trainer.history),
        seconds=seconds,
        backend=backend,
        certificates=on_some_samples(network, data, compiled, workers),
        network=network,
        parameters=network.parameters.copy(),
        running=network.running.copy(),
        loss=value.loss,
        objective=value.objective,
        gradient_norm=gradient_norm,
        accuracy=value.accuracy if data.targets.classes.size else None,
        validation_loss=None if trainer.best is None else trainer.best[0],
        epochs=trainer.epoch,
        best_epoch=None if trainer.best is None else trainer.best[1],
        diagnostics=diagnose(
            network.program,
            network.parameters,
            network.running,
            value.gradient,
            data.samples,
            steps_per_second=(trainer.step - first_step) / seconds,
            threads=workers,
            seed=seed,
        ),
        notes=tuple(notes),
        options=TrainingOptions(
            l2=l2, l1=l1, fraction=fraction, class_weight=class_weight, key=seed
        ),
        state=state,
    )
    wanted = advice(status, method)
    if wanted and not is_silent():
        warnings.warn(f"{status.value} {wanted}", ConvergenceWarning, stacklevel=2)
    return result
