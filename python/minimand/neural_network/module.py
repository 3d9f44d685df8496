"""What all modules are."""

from __future__ import annotations

from dataclasses import fields

import numpy as np


class Module:
    """Base of all modules."""

    __slots__ = ()

    def __str__(self) -> str:
        texts = []
        for entry in fields(self):  # type: ignore[arg-type]
            value = getattr(self, entry.name)
            default = entry.default
            if entry.name == "stride" and default is None:  # of pools
                default = getattr(self, "kernel_size", None)
            text = _text(value)
            if not entry.kw_only:
                texts.append(text)
            elif text != _text(default):
                texts.append(f"{entry.name}={text}")
        return f"{type(self).__name__}({', '.join(texts)})"


def _text(value: object) -> str:
    if isinstance(value, np.ndarray):
        return "<array>"
    if isinstance(value, tuple):
        if value and all(isinstance(part, Module) for part in value):
            return ", ".join(str(part) for part in value)
        return str(value[0]) if value and value == value[:1] * len(value) else str(value)
    return str(value)
