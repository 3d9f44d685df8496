"""What every public function takes: the table behind test_boundary.py.

A public function of minimand that is not in REGISTRY fails there. Valid arguments are whole
numbers, small enough for int8, so that every numeric type can hold them.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

import minimand

OPTIONS = ("backend", "threads")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One public function, class or method.

    name
        As in `minimand.__all__`, or "Class.method".
    valid
        Returns good arguments by name, in the order of the signature. Bad ones are made of these.
    call
        Called with those arguments and with the options `backend` and `threads` where `signature`
        has them; returns what is to be compared.
    signature
        The callable that takes the options.
    matrices, vectors, columns
        Arguments that are a matrix, a vector, either of both.
    images, masks, colors
        Arguments that are an image (m, n) or (m, n, C), a mask (m, n), a number for each channel.
    lengths
        Argument: the argument whose rows it must match.
    square, nonnegative
        Matrices that must be square; vectors without negative entries.
    positive_ints, nonnegative_ints, positive_floats, nonnegative_floats, choices, flags
        Names of the other arguments, by what they may be.
    counts
        Positive integers that belong to the data, and so may be given by position.
    float32
        Arrays for which float32 means more than the numbers, namely data of less accuracy.
    bools
        Arrays for which True and False make sense.
    sparse
        Matrices that may be SciPy's sparse ones.
    paths
        Files, and what is written to them; they have tests of their own.
    kernel
        Whether a kernel does the work, so that there is a backend to choose.
    positional
        Arguments given by position that are no arrays, like functions, or may be of any shape.
    """

    name: str
    valid: Callable[[], dict[str, Any]]
    call: Callable[..., Any]
    signature: Callable[..., Any]
    matrices: tuple[str, ...] = ()
    vectors: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    masks: tuple[str, ...] = ()
    colors: tuple[str, ...] = ()
    lengths: Mapping[str, str] = field(default_factory=dict)
    square: tuple[str, ...] = ()
    nonnegative: tuple[str, ...] = ()
    positive_ints: tuple[str, ...] = ()
    nonnegative_ints: tuple[str, ...] = ()
    positive_floats: tuple[str, ...] = ()
    nonnegative_floats: tuple[str, ...] = ()
    counts: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    float32: tuple[str, ...] = ()
    bools: tuple[str, ...] = ()
    sparse: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    kernel: bool = True
    positional: tuple[str, ...] = ()

    @property
    def arrays(self) -> tuple[str, ...]:
        flat = self.matrices + self.columns + self.vectors
        return flat + self.images + self.masks + self.colors

    @property
    def options(self) -> tuple[str, ...]:
        """Return which of `backend` and `threads` the function takes."""
        parameters = inspect.signature(self.signature).parameters
        return tuple(name for name in OPTIONS if name in parameters)


def function(name: str, valid: Callable[[], dict[str, Any]], **facts: Any) -> Entry:
    """Return the entry of a plain function, which is looked up when it is needed."""
    target = getattr(minimand, name, None) or missing(name)
    return Entry(name=name, valid=valid, call=target, signature=target, **facts)


def missing(name: str) -> Callable[..., Any]:
    """Return a stand-in, so that one missing function fails its own tests alone."""

    def fail(**_arguments: Any) -> None:
        raise AssertionError(f"minimand.{name} is registered but does not exist")

    return fail


# Whole numbers without structure


def matrix(rows: int, columns: int) -> np.ndarray:
    return np.random.default_rng(rows).integers(-9, 10, size=(rows, columns)).astype(float)


def vector(entries: int) -> np.ndarray:
    return np.random.default_rng(100 + entries).integers(1, 10, size=entries).astype(float)


# least_squares


def regression() -> dict[str, Any]:
    return {"X": matrix(9, 3), "y": vector(9), "weights": np.arange(9.0) % 3 + 1}


def triangle() -> dict[str, Any]:
    return {"R": np.triu(np.abs(matrix(5, 5)) + 1), "b": vector(5)}


def definite() -> dict[str, Any]:
    return {"A": np.full((4, 4), 2.0) + np.diag([1.0, 2.0, 3.0, 4.0])}


def update_and_solve(*, X: Any, y: Any, weights: Any, **options: Any) -> Any:
    state = minimand.LeastSquaresState(**options)
    state.update(X, y, weights)
    return state.solve()


State = getattr(minimand, "LeastSquaresState", None) or missing("LeastSquaresState")

LEAST_SQUARES = [
    function(
        "lstsq",
        regression,
        matrices=("X",),
        columns=("y",),
        vectors=("weights",),
        lengths={"y": "X", "weights": "X"},
        nonnegative=("weights",),
        nonnegative_floats=("ridge", "data_error"),
        choices=("method", "refine", "rank_deficient"),
        flags=("intercept",),
        float32=("X",),
        bools=("X", "y", "weights"),
    ),
    function(
        "solve_triangular",
        triangle,
        matrices=("R",),
        columns=("b",),
        lengths={"b": "R"},
        square=("R",),
        flags=("lower", "transpose"),
        bools=("R", "b"),
    ),
    function("cholesky", definite, matrices=("A",), square=("A",)),
    function("qr", lambda: {"X": matrix(9, 3)}, matrices=("X",), flags=("pivoting",), bools=("X",)),
    function(
        "pinv",
        lambda: {"X": matrix(9, 3)},
        matrices=("X",),
        nonnegative_floats=("data_error",),
        float32=("X",),
        bools=("X",),
    ),
    Entry(
        name="LeastSquaresState",
        valid=dict,
        call=State,
        signature=State,
        choices=("method",),
        flags=("intercept",),
    ),
    Entry(
        name="LeastSquaresState.update",
        valid=regression,
        call=update_and_solve,
        signature=State,
        matrices=("X",),
        columns=("y",),
        vectors=("weights",),
        lengths={"y": "X", "weights": "X"},
        nonnegative=("weights",),
        float32=("X",),
        bools=("y", "weights"),
    ),
]

# linear_models


def outcomes() -> dict[str, Any]:
    X = matrix(16, 2)
    return {"X": X, "y": (np.arange(16) // 2 % 2).astype(float), "weights": np.arange(16.0) % 3 + 1}


def counts() -> dict[str, Any]:
    return {"X": matrix(16, 2), "y": vector(16), "weights": np.arange(16.0) % 3 + 1} | {
        "exposure": np.arange(16.0) % 4 + 1
    }


GLM = {
    "matrices": ("X",),
    "positive_floats": ("tol",),
    "nonnegative_floats": ("ridge",),
    "positive_ints": ("max_iterations",),
    "flags": ("intercept",),
}


def uniform_noise() -> dict[str, Any]:
    return {"X": matrix(9, 3), "y": vector(9)}


LINEAR_MODELS = [
    function(
        "least_absolute_deviations",
        regression,
        matrices=("X",),
        vectors=("y", "weights"),
        lengths={"y": "X", "weights": "X"},
        nonnegative=("weights",),
        positive_ints=("max_iterations",),
        positive_floats=("quantile", "tol"),
        flags=("intercept", "vertex"),
        bools=("X", "y", "weights"),
    ),
    function(
        "logistic_regression",
        outcomes,
        vectors=("y", "weights"),
        lengths={"y": "X", "weights": "X"},
        nonnegative=("weights",),
        bools=("y", "weights"),
        **GLM,
    ),
    function(
        "poisson_regression",
        counts,
        vectors=("y", "weights", "exposure"),
        lengths={"y": "X", "weights": "X", "exposure": "X"},
        nonnegative=("weights",),
        bools=("y", "weights"),
        **GLM,
    ),
    function(
        "chebyshev_fit",
        uniform_noise,
        matrices=("X",),
        vectors=("y",),
        lengths={"y": "X"},
        positive_ints=("max_iterations",),
        positive_floats=("tol",),
        nonnegative_floats=("half_width",),
        flags=("intercept", "intervals"),
        bools=("X", "y"),
    ),
    function(
        "maximum_likelihood",
        uniform_noise,
        matrices=("X",),
        vectors=("y",),
        lengths={"y": "X"},
        choices=("noise",),
        flags=("intercept",),
        float32=("X",),
        bools=("X", "y"),
    ),
]

# pca


def observations() -> dict[str, Any]:
    return {"X": matrix(9, 3), "weights": np.arange(9.0) % 3 + 1}


def update_and_find(*, X: Any, weights: Any, **options: Any) -> Any:
    return minimand.PCAState(**options).update(X, weights).solve()


Accumulated = getattr(minimand, "PCAState", None) or missing("PCAState")

PCA = [
    function(
        "pca",
        observations,
        matrices=("X",),
        vectors=("weights",),
        lengths={"weights": "X"},
        nonnegative=("weights",),
        positive_floats=("tol",),
        choices=("method", "certify"),
        flags=("whiten", "center"),
        float32=("X",),
        bools=("X", "weights"),
        positional=("n_components",),
    ),
    Entry(
        name="PCAState",
        valid=dict,
        call=Accumulated,
        signature=Accumulated,
        choices=("method",),
        flags=("center",),
    ),
    Entry(
        name="PCAState.update",
        valid=observations,
        call=update_and_find,
        signature=Accumulated,
        matrices=("X",),
        vectors=("weights",),
        lengths={"weights": "X"},
        nonnegative=("weights",),
        float32=("X",),
        bools=("weights",),
    ),
]

# inpainting


def picture(rows: int, columns: int, channels: int) -> np.ndarray:
    return matrix(rows * columns, channels).reshape(rows, columns, channels)


def damaged() -> dict[str, Any]:
    known = np.ones((5, 6))
    known[1:4, 2:4] = known[4, 0] = 0.0
    return {"image": picture(5, 6, 2), "known": known}


def painted() -> dict[str, Any]:
    image = picture(5, 6, 2)
    return {"image": image, "color": image[2, 3].copy()}


INPAINTING = [
    function(
        "inpaint",
        damaged,
        images=("image",),
        masks=("known",),
        lengths={"known": "image"},
        positive_ints=("max_iterations",),
        positive_floats=("tol", "time_limit"),
        choices=("coupling", "method"),
        flags=("progress",),
        bools=("image", "known"),
    ),
    function(
        "total_variation",
        lambda: {"image": picture(5, 6, 2)},
        images=("image",),
        choices=("coupling",),
        bools=("image",),
    ),
    function(
        "mask_from_color",
        painted,
        images=("image",),
        colors=("color",),
        nonnegative_ints=("dilate",),
        nonnegative_floats=("tol",),
        bools=("image",),
        kernel=False,
    ),
]

# tsp


def cities() -> dict[str, Any]:
    return {"points_or_distances": matrix(16, 2)}


def cities_and_tour() -> dict[str, Any]:
    return {"points": matrix(9, 2), "tour": np.array([3.0, 1, 4, 0, 5, 8, 2, 6, 7])}


def travel(*, points_or_distances: Any, **options: Any) -> Any:
    return minimand.tsp(
        points_or_distances, **{"method": "eax", "population": 4, "rng": 1} | options
    )


TSP = [
    Entry(
        name="tsp",
        valid=cities,
        call=travel,
        signature=getattr(minimand, "tsp", None) or missing("tsp"),
        matrices=("points_or_distances",),
        positive_ints=("population", "generations", "islands"),
        positive_floats=("time_limit",),
        nonnegative_floats=("mutation_rate",),
        choices=("method", "crossover", "metric", "bound"),
        flags=("closed", "progress"),
        bools=("points_or_distances",),
    ),
    function(
        "tour_length",
        cities_and_tour,
        matrices=("points",),
        vectors=("tour",),
        lengths={"tour": "points"},
        choices=("metric",),
        flags=("closed",),
        bools=("points",),
        kernel=False,
    ),
    function(
        "tour_lower_bound",
        lambda: {"points": matrix(16, 2)},
        matrices=("points",),
        nonnegative_floats=("upper_bound",),
        positive_floats=("time_limit",),
        choices=("kind", "metric"),
        flags=("closed",),
        bools=("points",),
    ),
    function("read_tsplib", dict, paths=("path",), kernel=False),
    function("read_tour", dict, paths=("path",), kernel=False),
    function("write_tour", dict, paths=("path", "tour"), kernel=False),
]

# derivatives


def cubes(points: Any) -> Any:
    return np.sum(points**3, axis=-1)


def cubes_gradient(points: Any) -> Any:
    return 3.0 * points**2


def bowl(points: Any) -> Any:
    return np.sum((points - vector(3)) ** 2, axis=-1)


DIFFERENCES = {
    "vectors": ("x",),
    "positive_floats": ("derivative_bound",),
    "choices": ("method",),
    "flags": ("vectorized",),
    "positional": ("f",),
}

DERIVATIVES = [
    function(
        "derivative",
        lambda: {"f": np.sin, "x": 2.0},
        positive_ints=("order",),
        positive_floats=("derivative_bound", "radius"),
        choices=("method",),
        flags=("vectorized",),
        positional=("f", "x"),
    ),
    function("gradient", lambda: {"f": cubes, "x": vector(3)}, **DIFFERENCES),
    function("jacobian", lambda: {"f": cubes_gradient, "x": vector(3)}, **DIFFERENCES),
    function("hessian", lambda: {"f": cubes, "x": vector(3)}, **DIFFERENCES),
    function(
        "check_gradient",
        lambda: {"f": cubes, "grad": cubes_gradient, "x": vector(3)},
        vectors=("x",),
        positive_floats=("rtol",),
        flags=("vectorized",),
        positional=("f", "grad"),
    ),
    function(
        "classify_stationary_point",
        lambda: {"f": bowl, "x": vector(3)},
        vectors=("x",),
        nonnegative_floats=("tol",),
        flags=("vectorized",),
        positional=("f",),
    ),
    function(
        "taylor_model",
        lambda: {"f": cubes, "a": vector(3)},
        positive_ints=("order",),
        positive_floats=("radius", "circle"),
        nonnegative_floats=("lipschitz_hessian",),
        flags=("vectorized",),
        positional=("f", "a", "order"),
    ),
]

# global_search


def valley(points: Any) -> Any:
    return np.sum((points - 1.0) ** 2, axis=-1)


GLOBAL_SEARCH = [
    function(
        "minimize_lipschitz",
        lambda: {
            "f": valley,
            "bounds": np.array([[-2.0, 2.0], [-1.0, 3.0]]),
            "lipschitz": 8.0,
            "gradient_lipschitz": 2.0,
        },
        positive_ints=("max_evaluations", "batch"),
        positive_floats=("lipschitz", "gradient_lipschitz", "tol", "time_limit"),
        nonnegative_floats=("f_error", "hessian_lipschitz"),
        choices=("method",),
        flags=("polish", "progress", "vectorized"),
        positional=("f", "bounds"),
    )
]

# ellipsoid

ELLIPSOID = [
    function(
        "min_volume_ellipsoid",
        lambda: {"points": matrix(24, 3)},
        matrices=("points",),
        positive_floats=("tol",),
        choices=("on_degenerate",),
        bools=("points",),
    )
]

# rendezvous


def bodies(steps: str) -> dict[str, Any]:
    A, C = np.array([[1.0, 1.0, 0.0], [0.0, 1.0, 1.0], [0.0, 0.0, 1.0]]), np.eye(3)
    B = np.array([[0.0, 1.0], [0.0, 0.0], [1.0, 0.0]])
    return {"A": A, "B": B, "C": C, "D": matrix(3, 2), "x0": vector(3), "z0": -vector(3)} | {
        steps: 5
    }


BODIES = {
    "matrices": ("A", "B", "C", "D"),
    "vectors": ("x0", "z0"),
    "lengths": {"B": "A", "D": "C", "x0": "A", "z0": "C"},
    "square": ("A", "C"),
    "bools": ("A", "B", "x0"),
}

RENDEZVOUS = [
    function(
        "rendezvous",
        lambda: bodies("T"),
        counts=("T",),
        nonnegative_floats=("u_max", "v_max"),
        positive_ints=("max_iterations",),
        choices=("norm",),
        **BODIES,
    ),
    function("rendezvous_energy", lambda: bodies("T_max"), counts=("T_max",), **BODIES),
    function(
        "min_rendezvous_thrust",
        lambda: bodies("T"),
        counts=("T",),
        nonnegative_floats=("ratio",),
        positive_floats=("tol",),
        positive_ints=("max_iterations",),
        choices=("norm",),
        **BODIES,
    ),
]

# neural_network


def fresh_network(seed: int = 0, dtype: str = "float64") -> Any:
    nn = minimand.nn
    module = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    return nn.Network(module, nn.SquaredError(), 3, dtype, rng=seed)


def samples() -> dict[str, Any]:
    return dict(zip(("X", "y", "sample_weight"), regression().values(), strict=True))


def train_a_network(**arguments: Any) -> Any:
    """Train a network of its own; leave out of the result how fast that was."""
    options = {"epochs": 3, "batch_size": 4, "rng": 0, **arguments}
    result = minimand.nn.train(fresh_network(), **options)
    plain = dataclasses.replace(result.diagnostics, steps_per_second=0.0, threads=1)
    return dataclasses.replace(result, diagnostics=plain)


def train_a_pair(**arguments: Any) -> Any:
    nn = minimand.nn
    generator = nn.Network(nn.Linear(2, 3), nn.SquaredError(), 2, "float64", rng=0)
    judge = nn.Network(nn.Linear(3, 1), nn.BinaryCrossEntropy(), 3, "float64", rng=1)
    options = {"steps": 5, "batch_size": 4, "rng": 0, **arguments}
    return nn.train_gan(generator, judge, **options)


def search_a_grid(**arguments: Any) -> Any:
    options = {"epochs": 2, "batch_size": 4, "rng": 0, **arguments}
    X, y = options.pop("X"), options.pop("y")
    grid = {"optimizer": [minimand.nn.Adam(), minimand.nn.SGD(1e-3)]}
    found = minimand.nn.grid_search(fresh_network(), grid, X, y, **options)
    return found.trials, found.parameters, found.certificates


def split_the_loss(**arguments: Any) -> Any:
    options = {"resamples": 2, "epochs": 2, "batch_size": 4, "rng": 0, **arguments}
    return minimand.nn.bias_variance(fresh_network(), **options)


PAIRS: dict[str, Any] = {
    "matrices": ("X",),
    "columns": ("y",),
    "lengths": {"y": "X"},
    "bools": ("X", "y"),
}

SAMPLES: dict[str, Any] = {
    "matrices": ("X",),
    "columns": ("y",),
    "vectors": ("sample_weight",),
    "lengths": {"y": "X", "sample_weight": "X"},
    "nonnegative": ("sample_weight",),
    "bools": ("X", "y", "sample_weight"),
}

NEURAL_NETWORK = [
    Entry(
        name="nn.train",
        valid=samples,
        call=train_a_network,
        signature=minimand.nn.train,
        positional=("network",),
        positive_ints=("epochs", "batch_size"),
        positive_floats=("time_limit",),
        nonnegative_floats=("l2", "l1"),
        flags=("shuffle", "progress"),
        **SAMPLES,
    ),
    Entry(
        name="nn.check_gradient",
        valid=lambda: {"network": fresh_network(), **samples()},
        call=partial(minimand.nn.check_gradient, rng=0),
        signature=minimand.nn.check_gradient,
        positional=("network",),
        positive_ints=("max_parameters",),
        flags=("training",),
        **SAMPLES,
    ),
    Entry(
        name="nn.evaluate",
        valid=lambda: {"network": fresh_network(), "X": matrix(9, 3), "y": vector(9)},
        call=minimand.nn.evaluate,
        signature=minimand.nn.evaluate,
        positional=("network",),
        positive_floats=("confidence",),
        **PAIRS,
    ),
    Entry(
        name="nn.grid_search",
        valid=lambda: {"X": matrix(9, 3), "y": vector(9)},
        call=search_a_grid,
        signature=minimand.nn.grid_search,
        positional=("build", "grid"),
        positive_ints=("epochs", "batch_size"),
        nonnegative_floats=("l2", "l1"),
        choices=("criterion",),
        flags=("progress", "shuffle"),
        **PAIRS,
    ),
    Entry(
        name="nn.bias_variance",
        valid=lambda: {
            "X": matrix(9, 3),
            "y": vector(9),
            "X_test": matrix(5, 3),
            "y_test": vector(5),
        },
        call=split_the_loss,
        signature=minimand.nn.bias_variance,
        positional=("network",),
        positive_ints=("resamples", "epochs", "batch_size"),
        nonnegative_floats=("l2", "l1"),
        flags=("progress", "shuffle"),
        matrices=("X", "X_test"),
        columns=("y", "y_test"),
        lengths={"y": "X", "y_test": "X_test"},
        bools=("X", "y", "X_test", "y_test"),
    ),
    Entry(
        name="nn.lipschitz_bounds",
        valid=lambda: {"network": fresh_network()},
        call=partial(minimand.nn.lipschitz_bounds, rng=0),
        signature=minimand.nn.lipschitz_bounds,
        positional=("network", "X"),  # X may be None
    ),
    Entry(
        name="nn.train_gan",
        valid=lambda: {"X": matrix(9, 3)},
        call=train_a_pair,
        signature=minimand.nn.train_gan,
        positional=("generator", "discriminator"),
        matrices=("X",),
        positive_ints=("steps", "batch_size", "d_steps"),
        positive_floats=("time_limit",),
        choices=("loss", "latent"),
        flags=("progress",),
        bools=("X",),
    ),
]

# sgd

SGD = [
    Entry(
        name="sgd",
        valid=lambda: dict(zip(("X", "y", "sample_weight"), regression().values(), strict=True)),
        call=partial(getattr(minimand, "sgd", missing("sgd")), rng=0, epochs=3),
        signature=getattr(minimand, "sgd", missing("sgd")),
        matrices=("X",),
        vectors=("y", "sample_weight"),
        lengths={"y": "X", "sample_weight": "X"},
        nonnegative=("sample_weight",),
        positive_ints=("batch_size", "epochs"),
        positive_floats=("lr", "tol_gap", "time_limit"),
        nonnegative_floats=("l2", "l1", "momentum"),
        choices=("loss", "variance_reduction"),
        flags=("averaging", "nesterov", "fit_intercept", "shuffle", "progress"),
        float32=("X",),
        bools=("X", "y", "sample_weight"),
        sparse=("X",),
    ),
    function("compare_loops", dict, positive_ints=("n", "d", "repeats"), choices=("task",)),
]

# gradient_descent


DESCENT = {"vectors": ("x0",), "positive_floats": ("tol", "time_limit"), "positional": ("f",)}
SQUARE = np.array([[-1.0, 2.0], [0.0, 3.0], [-2.0, 2.0]])

GRADIENT_DESCENT = [
    function(
        "gradient_descent",
        lambda: {"f": bowl, "x0": -vector(3)},
        positive_ints=("max_iterations",),
        choices=("momentum", "on_violation", "method"),
        flags=("restart", "check", "path", "progress"),
        **DESCENT | {"positive_floats": ("lipschitz", "tol", "time_limit")},
    ),
    function(
        "newton",
        lambda: {"f": bowl, "x0": -vector(3)},
        positive_ints=("max_iterations",),
        flags=("self_concordant", "check"),
        **DESCENT,
    ),
    function(
        "lipschitz_constant",
        lambda: {"f": bowl, "bounds": SQUARE},
        positive_ints=("samples",),
        nonnegative_floats=("gradient_lipschitz",),
        positional=("f", "bounds"),
    ),
    function(
        "gradient_lipschitz_constant",
        lambda: {"f": bowl, "bounds": SQUARE},
        positive_ints=("samples",),
        nonnegative_floats=("hessian_lipschitz",),
        positional=("f", "bounds"),
    ),
    function(
        "convergence_rate",
        lambda: {"errors": 1.0 + np.arange(9.0)[::-1]},
        vectors=("errors",),
        nonnegative_floats=("floor",),
        kernel=False,
    ),
]

# The package itself

PACKAGE = [function("build_info", dict)]

REGISTRY = [
    *LEAST_SQUARES,
    *LINEAR_MODELS,
    *PCA,
    *INPAINTING,
    *ELLIPSOID,
    *RENDEZVOUS,
    *TSP,
    *NEURAL_NETWORK,
    *SGD,
    *DERIVATIVES,
    *GRADIENT_DESCENT,
    *GLOBAL_SEARCH,
    *PACKAGE,
]
