"""Generative adversarial networks: the public function."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable

import numpy as np

from minimand._common.arrays import boolean, one_of, positive_float, positive_int
from minimand._common.backend import Backend, kernels
from minimand._common.conversion import wrong_type
from minimand._common.errors import ConvergenceWarning
from minimand._common.iterate import drive
from minimand._common.random import as_key
from minimand._common.result import Status
from minimand._common.threads import resolve_threads
from minimand.neural_network.data import as_samples
from minimand.neural_network.game import RECORDS, Draws, Game, game_value
from minimand.neural_network.gan_result import GanProgress, GanResult, gan_certificates
from minimand.neural_network.losses import BinaryCrossEntropy
from minimand.neural_network.network import Network, check_parameters
from minimand.neural_network.optimizers import Adam, Newton, Optimizer
from minimand.neural_network.program import CODE, Op

_GAP_STEPS = 50


def train_gan(
    generator: Network,
    discriminator: Network,
    X: object,
    *,
    steps: int = 1000,
    batch_size: int = 64,
    optimizer: Optimizer | None = None,
    discriminator_optimizer: Optimizer | None = None,
    d_steps: int = 1,
    loss: str = "non_saturating",
    latent: str = "normal",
    rng: object = None,
    callback: Callable[[GanProgress], object] | None = None,
    progress: bool = False,
    threads: int | None = None,
    time_limit: float | None = None,
    backend: Backend = "cpp",
) -> GanResult:
    """Train a generator against a discriminator, both in place.

        min_G max_D  M(G, D) = E log D(x) + E log(1 - D(G(z)))

    by alternate steps: `d_steps` of the discriminator on -M, then one of the generator on
    -E log D(G(z)), which has the same fixed points as M and a gradient where D is sure of itself.

    Parameters
    ----------
    generator : Network
        From latent numbers to samples; its own loss is not used.
    discriminator : Network
        From samples to one logit, with `BinaryCrossEntropy()`.
    X : array_like (n, ...)
        Samples; batches are drawn with repetition.
    steps : int
        Steps of the generator.
    batch_size : int
        Real samples, and fakes, of a step.
    optimizer, discriminator_optimizer : Optimizer, optional
        Of the generator and of the discriminator; ``Adam(2e-4, beta1=0.5)`` without one, and the
        generator's for the discriminator. Schedules count steps.
    d_steps : int
        Steps of the discriminator for each one of the generator.
    loss : {"non_saturating", "minimax"}
        Of the generator: as above, or M itself.
    latent : {"normal", "uniform"}
        How latent numbers are distributed: normally, or evenly from -1 to 1.
    rng : None, int, SeedSequence, BitGenerator or Generator
        For latent numbers, batches and dropout.
    callback : callable, optional
        Called with a `GanProgress` every 20 to 50 ms; StopIteration from it ends the run.
    progress : bool
        Whether to show a progress bar (needs tqdm).
    threads, time_limit, backend
        As in `train`.

    Returns
    -------
    GanResult
        Status, history, value of the game, an estimate of its gap.

    Raises
    ------
    ValueError, TypeError
        Bad arguments, networks that do not fit together, or batch norms, whose averages would mix
        real samples and fakes; the message names the argument.
    KeyboardInterrupt
        After Ctrl-C; the networks have the last parameters.

    Warns
    -----
    ConvergenceWarning
        When a limit ended the run, or a loss became infinite; then the networks have parameters
        from some steps before.

    Notes
    -----
    Sources: Goodfellow et al., Generative adversarial nets, NIPS 2014; Grnarova et al., A domain
    agnostic measure for monitoring and evaluating GANs, arXiv:1811.05512.

    Examples
    --------
    >>> import numpy as np
    >>> from minimand import nn
    >>> X = 3.0 + 2.0 * np.random.default_rng(0).standard_normal((2000, 1))
    >>> generator = nn.Network(nn.Linear(1, 1), nn.SquaredError(), 1, rng=0)
    >>> judge = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))
    >>> discriminator = nn.Network(judge, nn.BinaryCrossEntropy(), 1, rng=1)
    >>> adam = nn.Adam(5e-3, beta1=0.5)
    >>> result = nn.train_gan(generator, discriminator, X, steps=1500, optimizer=adam, rng=0)
    >>> bool(abs(result.sample(4000, rng=0).mean() - 3.0) < 0.5)
    True
    """
    start = time.perf_counter()
    _check_networks(generator, discriminator)
    first = Adam(2e-4, beta1=0.5) if optimizer is None else optimizer
    second = first if discriminator_optimizer is None else discriminator_optimizer
    methods: list[tuple[str, object]] = [("optimizer", first), ("discriminator_optimizer", second)]
    for name, method in methods:
        if not isinstance(method, Optimizer) or isinstance(method, Newton):
            raise wrong_type(name, method, "an optimiser such as Adam(0.001), but not Newton")
    positive_int("steps", steps)
    positive_int("batch_size", batch_size)
    positive_int("d_steps", d_steps)
    saturating = one_of("loss", loss, ("non_saturating", "minimax")) == "minimax"
    one_of("latent", latent, ("normal", "uniform"))
    boolean("progress", progress)
    if callback is not None and not callable(callback):
        raise wrong_type("callback", callback, "a function or None")
    limit = None if time_limit is None else positive_float("time_limit", time_limit)
    compiled, workers = kernels("neural_network", backend), resolve_threads(threads)
    samples = as_samples("X", X, discriminator.program, np.dtype(discriminator.dtype).type)
    check_parameters(generator, "generator")
    check_parameters(discriminator, "discriminator")

    key = as_key(rng)
    width = generator.program.n_inputs
    draws = Draws(key, latent, width, len(samples), generator.dtype, backend)
    game = Game(
        generator, discriminator, samples, draws, optimizers=(first, second), batch=batch_size,
        d_steps=d_steps, saturating=saturating, key=key, compiled=compiled, threads=workers,
    )  # fmt: skip
    game.every = max(1, steps // RECORDS)

    def snapshot() -> GanProgress:
        record = game.history[-1] if game.history else {}
        return GanProgress(
            iterations=game.step, record=record, generator=generator, discriminator=discriminator
        )

    outcome = drive(
        game.advance, max_iterations=steps, time_limit=limit, callback=callback, snapshot=snapshot,
        progress=progress, description="train_gan", first_chunk=8,
    )  # fmt: skip
    status = outcome.status
    if status is Status.MAX_ITERATIONS:
        status = Status.COMPLETED
    seconds = time.perf_counter() - start
    value = game_value(*game.logits())
    result = GanResult(
        status=status,
        iterations=game.step,
        history=tuple(game.history),
        seconds=seconds,
        backend=backend,
        certificates=gan_certificates(generator.dtype, 0.0),
        generator=generator,
        discriminator=discriminator,
        generator_parameters=generator.parameters.copy(),
        discriminator_parameters=discriminator.parameters.copy(),
        value=value,
        gap=game.gap(_GAP_STEPS),
        latent=latent,
        key=(int(key[0]), int(key[1])),
    )
    if status is Status.DIVERGED:
        text = "A loss is not finite any more; lower the learning rates, or scale the data."
        warnings.warn(f"{status.value} {text}", ConvergenceWarning, stacklevel=2)
    elif status is Status.TIME_LIMIT:
        warnings.warn(f"{status.value} Raise time_limit.", ConvergenceWarning, stacklevel=2)
    return result


def _check_networks(generator: object, discriminator: object) -> None:
    for name, network in (("generator", generator), ("discriminator", discriminator)):
        if not isinstance(network, Network):
            raise wrong_type(name, network, "a Network")
        if (network.program.ops[:, CODE] == Op.BATCHNORM).any():
            raise ValueError(
                f"{name} has a batch norm, whose averages would mix real samples and fakes, "
                "expected a network without"
            )
    assert isinstance(generator, Network)
    assert isinstance(discriminator, Network)
    wanted, given = discriminator.program.input_shape, generator.program.output_shape
    if wanted != given:
        raise ValueError(
            f"generator gives shape {given}, but discriminator expects {wanted}; they must match"
        )
    if not isinstance(discriminator.loss, BinaryCrossEntropy) or (
        discriminator.program.n_outputs != 1
    ):
        raise ValueError(
            f"discriminator has {discriminator.program.n_outputs} outputs and "
            f"{type(discriminator.loss).__name__}, expected one logit and BinaryCrossEntropy"
        )
    if generator.dtype != discriminator.dtype:
        raise ValueError(
            f"generator is {generator.dtype} and discriminator {discriminator.dtype}, "
            "expected the same"
        )
    if np.shares_memory(generator.parameters, discriminator.parameters):
        raise ValueError("generator and discriminator share parameters, expected two networks")
