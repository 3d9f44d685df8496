"""What a search tries: combinations of options, and which of them belong to network or training."""

from __future__ import annotations

import inspect
import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from minimand._common.conversion import wrong_type
from minimand._common.random import Key
from minimand.neural_network.many import TRAINING_OPTIONS
from minimand.neural_network.network import Network
from minimand.neural_network.streams import SEARCH, stream

Options = dict[str, Any]
Builder = Callable[..., Network]

_MOST = 100_000  # trials of a grid


def grid_options(grid: object) -> list[Options]:
    """Return every combination, the last option changing fastest; or those that are listed."""
    if isinstance(grid, Mapping):
        values = {_name("grid", name): _choices("grid", name, v) for name, v in grid.items()}
        count = math.prod(len(v) for v in values.values())
        if count > _MOST:
            raise ValueError(
                f"grid has {count} combinations, more than {_MOST}; take random_search"
            )
        return [dict(zip(values, c, strict=True)) for c in itertools.product(*values.values())]
    if isinstance(grid, (str, bytes)) or not isinstance(grid, Iterable):
        raise wrong_type("grid", grid, "a mapping from names to values, or mappings of options")
    listed = list(grid)
    for k, options in enumerate(listed):
        if not isinstance(options, Mapping):
            raise wrong_type(f"grid[{k}]", options, "a mapping of options")
    if not listed:
        raise ValueError("grid is empty, expected one combination of options at least")
    return [{_name("grid", name): value for name, value in o.items()} for o in listed]


def random_options(space: object, trials: int, key: Key) -> list[Options]:
    """Return drawn combinations; trial t is the same however many there are."""
    if not isinstance(space, Mapping):
        raise wrong_type("space", space, "a mapping from names to values or distributions")
    if not space:
        raise ValueError("space is empty, expected one option at least")
    sources = {
        _name("space", name): v if hasattr(v, "rvs") else _choices("space", name, v)
        for name, v in space.items()
    }
    words = stream(key, SEARCH)
    drawn = []
    for trial in range(trials):
        generator = np.random.Generator(np.random.Philox(key=words, counter=[0, 1, trial, 0]))
        drawn.append({name: _drawn(source, generator) for name, source in sources.items()})
    return drawn


def _drawn(source: Any, generator: np.random.Generator) -> Any:
    if isinstance(source, list):
        return source[int(generator.integers(len(source)))]
    value = source.rvs(random_state=generator)
    return value.item() if isinstance(value, (np.generic, np.ndarray)) else value


def _name(argument: str, name: object) -> str:
    if not isinstance(name, str):
        raise wrong_type(f"a name in {argument}", name, "a string")
    return name


def _choices(argument: str, name: object, values: object) -> list[Any]:
    where = f"{argument}[{name!r}]"
    if isinstance(values, (str, bytes)) or not isinstance(values, (Sequence, np.ndarray)):
        raise wrong_type(where, values, "a sequence of values")
    chosen = values.tolist() if isinstance(values, np.ndarray) else list(values)
    if not chosen:
        raise ValueError(f"{where} is empty, expected one value at least")
    return chosen


def shared_out(build: object, options: Options) -> tuple[Network, Options]:
    """Return the network that `build` makes of its part of the options, and the other part."""
    if isinstance(build, Network):
        own: Options = {}
        names: set[str] = set()
    elif callable(build):
        own, names = _of_build(build, options)
    else:
        raise wrong_type("build", build, "a function that returns a Network, or a Network")
    rest = {name: value for name, value in options.items() if name not in own}
    for name in rest:
        if name not in TRAINING_OPTIONS:
            known = ", ".join([*sorted(names), *TRAINING_OPTIONS])
            raise ValueError(f"{name!r} is no option of build or train, expected one of {known}")
    if isinstance(build, Network):
        return build, rest
    try:
        network = build(**own)
    except Exception as error:
        error.add_note(f"from build with the options {own}")
        raise
    if not isinstance(network, Network):
        raise wrong_type("what build returns", network, "a Network")
    return network, rest


def _of_build(build: Builder, options: Options) -> tuple[Options, set[str]]:
    """Return which options go to `build`: those it names, or what is left if it takes all."""
    parameters = inspect.signature(build).parameters.values()
    takes_all = any(p.kind is p.VAR_KEYWORD for p in parameters)
    names = {p.name for p in parameters if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)}
    own = {
        name: value
        for name, value in options.items()
        if name in names or (takes_all and name not in TRAINING_OPTIONS)
    }
    return own, names
