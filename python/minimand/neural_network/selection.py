"""Which network, which options: searches by the validation loss."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from minimand._common.arrays import boolean, one_of, positive_int
from minimand._common.backend import Backend, kernels
from minimand._common.errors import ConvergenceWarning
from minimand._common.random import Key, as_key
from minimand._common.result import Status
from minimand._common.threads import resolve_threads
from minimand.neural_network.candidates import (
    Options,
    grid_options,
    random_options,
    shared_out,
)
from minimand.neural_network.evaluation import objective_of
from minimand.neural_network.folds import folds_of
from minimand.neural_network.many import Job, seed_of, train_all
from minimand.neural_network.network import Network
from minimand.neural_network.result import TrainingResult
from minimand.neural_network.search_result import SearchResult, Trial, apart_on, certificates

Criterion = Literal["loss", "error"]
Build = Callable[..., Network] | Network


def grid_search(
    build: Build,
    grid: Mapping[str, Sequence[Any]] | Iterable[Mapping[str, Any]],
    X: object,
    y: object,
    *,
    validation: object = 0.2,
    criterion: Criterion = "loss",
    rng: object = None,
    progress: bool = False,
    threads: int | None = None,
    backend: Backend = "cpp",
    **options: Any,
) -> SearchResult:
    """Train a network for every combination of options and return the best on validation samples.

    Parameters
    ----------
    build : callable or Network
        ``build(**options)`` returns a `Network`; of the options it gets those that it names. All
        others go to `train`. A Network stands for itself, when only the training is in question.
    grid : mapping or iterable of mappings
        Name of an option: values to try. Or the combinations themselves, such as scikit-learn's
        ``ParameterGrid``.
    X, y : array_like
        Samples (n, ...) and targets, without those of the test set.
    validation : float, int, (X, y) or splitter
        A fraction of the samples (of each class alike); a set of its own; a number of folds, or
        what gives them, such as scikit-learn's ``KFold``.
    criterion : {"loss", "error"}
        Whether the least validation loss is best, or the least share of samples predicted wrong.
    rng : None, int, SeedSequence, BitGenerator or Generator
        For all there is to draw: a trial depends on it and on the number of the trial alone.
    progress : bool
        Whether to show a progress bar (needs tqdm).
    threads : int, optional
        So many networks are trained at a time, each by one thread; the result has the same bits for
        any number.
    backend : {"cpp", "numpy"}
        The compiled interpreter, or the one in NumPy.
    **options
        The same for all trials: of `train` (optimizer, epochs, batch_size, l2, l1, patience,
        class_weight, shuffle, time_limit), or of `build`.

    Returns
    -------
    SearchResult
        The best network, its options, and all trials with their parameters.

    Raises
    ------
    ValueError, TypeError
        Bad arguments; those of a trial have its options in a note.
    ImportError
        For a number of folds without scikit-learn.
    KeyboardInterrupt
        After Ctrl-C, when the epochs under way are done.

    Warns
    -----
    ConvergenceWarning
        When no trial has a finite validation loss. Else, what trials would warn of is in their
        status.

    Notes
    -----
    Every run keeps its best epoch by the validation loss. Source: Hastie, Tibshirani, Friedman, The
    Elements of Statistical Learning (2009), chapter 7.

    Examples
    --------
    >>> import numpy as np
    >>> from minimand import nn
    >>> def build(hidden):
    ...     module = nn.Sequential(nn.Linear(1, hidden), nn.Tanh(), nn.Linear(hidden, 1))
    ...     return nn.Network(module, nn.SquaredError(), 1)
    >>> X = np.linspace(-3.0, 3.0, 100)[:, np.newaxis]
    >>> grid = {"hidden": [1, 8], "optimizer": [nn.Adam(1e-4), nn.Adam(0.02)]}
    >>> found = nn.grid_search(build, grid, X, np.sin(2.0 * X), epochs=60, rng=0)
    >>> found.best_options["hidden"], found.best_options["optimizer"].lr
    (8, 0.02)
    """
    candidates = grid_options(grid)
    return _search(
        build, candidates, X, y, validation, criterion, as_key(rng), progress, threads, backend,
        options,
    )  # fmt: skip


def random_search(
    build: Build,
    space: Mapping[str, Any],
    X: object,
    y: object,
    *,
    trials: int = 20,
    validation: object = 0.2,
    criterion: Criterion = "loss",
    rng: object = None,
    progress: bool = False,
    threads: int | None = None,
    backend: Backend = "cpp",
    **options: Any,
) -> SearchResult:
    """Train networks for options drawn at random and return the best on validation samples.

    Where few of the options matter, so many draws try more values of those than a grid does
    (Bergstra and Bengio 2012). Each trial is in the best share q of the space with probability q,
    so one of them is with probability 1 - (1 - q)^trials: 95 % for 5 % and 60 trials.

    Parameters
    ----------
    build : callable or Network
        As in `grid_search`.
    space : mapping
        Name of an option: values to draw from, or a distribution with a method ``rvs``, such as
        ``scipy.stats.loguniform(1e-5, 1e-1)``.
    X, y : array_like
        Samples (n, ...) and targets, without those of the test set.
    trials : int
        How many; the first ones of a longer search are those of a shorter one.
    validation, criterion, rng, progress, threads, backend, **options
        As in `grid_search`.

    Returns
    -------
    SearchResult
        The best network, its options, and all trials with their parameters.

    Raises
    ------
    ValueError, TypeError, ImportError, KeyboardInterrupt
        As `grid_search`.

    Notes
    -----
    Source: Bergstra, Bengio, JMLR 13 (2012) 281.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy import stats
    >>> from minimand import nn
    >>> X = np.random.default_rng(0).standard_normal((60, 3))
    >>> network = nn.Network(nn.Linear(3, 1), nn.SquaredError(), 3)
    >>> space = {"l2": stats.loguniform(1e-4, 10.0), "batch_size": [8, 16]}
    >>> found = nn.random_search(network, space, X, X @ [1.0, 2.0, 3.0], trials=5, rng=0)
    >>> len(found.trials), found.best_options == found.ranking[0].options
    (5, True)
    """
    key = as_key(rng)
    candidates = random_options(space, positive_int("trials", trials), key)
    return _search(
        build, candidates, X, y, validation, criterion, key, progress, threads, backend, options
    )


def _search(
    build: Build,
    candidates: list[Options],
    X: object,
    y: object,
    validation: object,
    criterion: str,
    key: Key,
    progress: bool,
    threads: int | None,
    backend: Backend,
    shared: Options,
) -> SearchResult:
    # Check
    start = time.perf_counter()
    one_of("criterion", criterion, ("loss", "error"))
    boolean("progress", progress)
    workers = resolve_threads(threads)
    compiled = kernels("neural_network", backend)
    for name in shared:
        if any(name in candidate for candidate in candidates):
            raise ValueError(f"{name} is given for all trials and searched for, expected one of it")
    models = [shared_out(build, {**shared, **candidate}) for candidate in candidates]

    # Convert
    folds = folds_of(models[0][0], X, y, validation, key, backend)
    jobs = [
        Job(
            network, *fold.training, {**options, "validation": fold.validation},
            seed_of(key, number, k),
        )
        for number, (network, options) in enumerate(models)
        for k, fold in enumerate(folds)
    ]  # fmt: skip

    # Drive
    def judge(number: int, result: TrainingResult) -> tuple[TrainingResult, float, float | None]:
        held = objective_of(result.network, *folds[number % len(folds)].validation)
        value = held.evaluate(result.parameters, result.running, compiled, 1)
        loss = value.loss if np.isfinite(value.loss) else float("inf")
        if result.best_epoch is None:
            loss = float("inf")
        return _light(result), loss, value.accuracy if held.targets.classes.size else None

    found = train_all(
        jobs, judge, threads=workers, progress=progress, backend=backend, description="search"
    )
    per = len(folds)
    tried = [
        _trial(number, options, found[per * number : per * (number + 1)])
        for number, options in enumerate(candidates)
    ]
    best = min(tried, key=lambda trial: trial.badness(criterion))
    refit = None
    if per > 1:
        refit = _refit(best, models[best.number], X, y, seed_of(key, best.number, per), backend)
    network = best.network if refit is None else refit.network

    # Certify and return
    failed = not np.isfinite(best.loss)
    result = SearchResult(
        status=Status.DIVERGED if failed else Status.COMPLETED,
        iterations=len(jobs) + (refit is not None),
        history=(),
        seconds=time.perf_counter() - start,
        backend=backend,
        certificates=(),
        best_options=best.options,
        best=best.number,
        validation_loss=best.loss,
        validation_accuracy=best.accuracy,
        criterion=criterion,
        network=network,
        trials=tuple(tried),
        refit=refit,
        parameters=network.parameters.copy(),
        running=network.running.copy(),
        rows=tuple(fold.rows for fold in folds if fold.rows is not None),
    )
    apart = apart_on(best, [fold.validation for fold in folds], some=True)
    if failed:
        warnings.warn(
            "No trial has a finite validation loss. Lower the learning rates, or scale the data.",
            ConvergenceWarning,
            stacklevel=3,
        )
    return replace(result, certificates=certificates(result, apart))


def _light(result: TrainingResult) -> TrainingResult:
    """Leave out what nobody needs of a trial: moments and parameters of the last step."""
    nothing = np.empty(0)
    state = replace(result.state, theta=nothing, running=nothing, moments=nothing, best=None)
    return replace(result, state=state)


def _trial(
    number: int, options: Options, runs: list[tuple[TrainingResult, float, float | None]]
) -> Trial:
    losses = tuple(loss for _, loss, _ in runs)
    shares = tuple(share for _, _, share in runs if share is not None)
    return Trial(
        number=number,
        options=options,
        loss=float(np.mean(losses)),
        accuracy=float(np.mean(shares)) if shares else None,
        losses=losses,
        accuracies=shares,
        epochs=tuple(run.best_epoch or 0 for run, _, _ in runs),
        status=tuple(run.status for run, _, _ in runs),
        parameters=tuple(run.parameters for run, _, _ in runs),
        running=tuple(run.running for run, _, _ in runs),
        network=runs[0][0].network,
    )


def _refit(
    best: Trial,
    model: tuple[Network, Options],
    X: object,
    y: object,
    seed: np.random.SeedSequence,
    backend: Backend,
) -> TrainingResult:
    """Train the best network on all samples, for as many epochs as the folds say."""
    network, options = model
    epochs = max(1, round(float(np.mean(best.epochs))))
    rest = {name: value for name, value in options.items() if name != "patience"}
    job = Job(network, X, y, {**rest, "epochs": epochs}, seed)
    (found,) = train_all(
        [job], lambda _, result: result, threads=1, progress=False, backend=backend, description=""
    )
    return found
