"""Loads the compiled kernels.

They are built as whole modules, one for each x86-64 instruction-set level (`_v2`, `_v3`, `_v4`), or
as `_base` where there are no levels. The highest one that this CPU supports is loaded; the
environment variable `MINIMAND_ISA` forces one. Its submodules, one for each domain, appear here as
`minimand._core.<domain>`.
"""

import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Sequence
from types import ModuleType

from minimand._core import _cpu

LEVELS = ("base", "v2", "v3", "v4")


def levels_of_cpu(cpu: str) -> tuple[str, ...]:
    """Return the levels that run on a CPU of the given level, the slowest first."""
    return LEVELS[: LEVELS.index(cpu) + 1] if cpu in LEVELS else ("base",)


def choose_level(forced: str, built: Sequence[str], supported: Sequence[str]) -> str:
    """Return the level to load: the forced one, or the highest that is both built and supported."""
    rebuild = "pip install --force-reinstall --no-deps --no-binary minimand minimand"
    has = (
        f"This installation has {', '.join(built) or 'none'}; "
        f"this CPU supports {', '.join(supported)}."
    )
    if not forced:
        runnable = [level for level in supported if level in built]
        if not runnable:
            raise ImportError(
                f"No build of minimand runs on this CPU. {has} Build it here: {rebuild}"
            )
        return runnable[-1]
    if forced in built and forced in supported:
        return forced

    mend = "Unset MINIMAND_ISA to load the highest level that runs here"
    if forced not in LEVELS:
        problem = f"is not an instruction-set level (these are {', '.join(LEVELS)})"
    elif forced not in supported:
        problem = "is an instruction-set level that this CPU does not support"
    else:
        problem = "is an instruction-set level that is not built"
        mend += f", or build it: MINIMAND_ISA_LEVELS={forced} {rebuild}"
    raise ImportError(f"MINIMAND_ISA={forced!r} {problem}. {has} {mend}")


# Asked of the import system, not of the folder: an editable install keeps the modules elsewhere.
built_levels = tuple(name for name in LEVELS if importlib.util.find_spec(f"{__name__}._{name}"))
supported_levels = levels_of_cpu(_cpu.level())
level = choose_level(os.environ.get("MINIMAND_ISA", ""), built_levels, supported_levels)

_module = importlib.import_module(f"{__name__}._{level}")
max_threads: Callable[[], int] = _module.max_threads
build_info: Callable[[], dict[str, str]] = _module.build_info

for _name, _value in vars(_module).items():
    if isinstance(_value, ModuleType):
        globals()[_name] = sys.modules[f"{__name__}.{_name}"] = _value
