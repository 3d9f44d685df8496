"""Collects operations, slots and parameters, and lays out the arena."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from minimand.neural_network.program import (
    ACTIVATION,
    BIAS,
    CODE,
    DELTA,
    FLAGS,
    IN0,
    IN1,
    INTS,
    OP_COLUMNS,
    OUT,
    PARAM,
    SLOT_COLUMNS,
    STATE,
    STRIDE,
    TRAINED,
    VALUE,
    WIDTH,
    Activation,
    Flag,
    Indices,
    Op,
    Program,
    Segment,
)

_LINE = 64  # bytes of a cache line
_WINDOWED = (Op.CONV2D, Op.MAXPOOL, Op.AVGPOOL)
# Their backward does not look at their own output, so that an activation may overwrite it.
_FUSING = (Op.LINEAR, Op.CONV2D, Op.BATCHNORM, Op.ADD)


@dataclass(frozen=True, slots=True)
class Value:
    """What a module gives to the next: a slot, the shape of a sample, and who made it."""

    slot: int
    shape: tuple[int, ...]
    made_by: str

    @property
    def size(self) -> int:
        """Numbers in a sample."""
        return math.prod(self.shape)


class Builder:
    """The program while it grows."""

    def __init__(self, itemsize: int) -> None:
        self._lanes = _LINE // itemsize
        self._ops: list[list[int]] = []
        self._reals: list[tuple[float, float, float]] = []
        self._widths: list[int] = []
        self._segments: list[Segment] = []
        self._state = 0
        self._pinned: set[int] = set()
        self._scratch = 0
        self._work = 0
        self.n_batchnorm = 0
        self.n_dropout = 0

    @property
    def count(self) -> int:
        """How many operations there are."""
        return len(self._ops)

    def input(self, shape: tuple[int, ...]) -> Value:
        """Make slot 0, the data."""
        self._widths.append(math.prod(shape))
        self._pinned.add(0)
        return Value(0, shape, "the input")

    def slot(self, width: int) -> int:
        """Make a slot."""
        self._widths.append(width)
        return len(self._widths) - 1

    def pin(self, value: Value) -> None:
        """Keep what the slot holds: no activation may overwrite it."""
        self._pinned.add(value.slot)

    def parameters(
        self,
        name: str,
        shape: tuple[int, ...],
        *,
        penalised: bool,
        init: object,
        fans: tuple[int, int] = (1, 1),
    ) -> int:
        """Append an array to the parameters and return where it begins."""
        begin = self._segments[-1].end if self._segments else 0
        end = begin + math.prod(shape)
        self._segments.append(Segment(name, begin, end, shape, penalised, fans, init))
        return begin

    def running(self, channels: int) -> int:
        """Reserve a running mean and variance for each channel and return where they begin."""
        begin = self._state
        self._state += 2 * channels
        return begin

    def emit(
        self,
        code: Op,
        inputs: Sequence[int],
        width: int,
        *,
        param: int = -1,
        bias: int = -1,
        state: int = -1,
        ints: Sequence[int] = (),
        reals: tuple[float, float] = (0.0, 0.0),
        work: int = 0,
        scratch: int = 0,
    ) -> int:
        """Append an operation with a new output slot, which is returned."""
        row = [0] * OP_COLUMNS
        row[CODE], row[PARAM], row[BIAS], row[STATE] = int(code), param, bias, state
        row[IN0], row[IN1] = inputs[0], inputs[1] if len(inputs) > 1 else -1
        row[OUT] = self.slot(width)
        row[INTS : INTS + len(ints)] = ints
        self._ops.append(row)
        self._reals.append((0.0, *reals))
        self._work += work
        self._scratch = max(self._scratch, scratch)
        return row[OUT]

    def activate(self, value: Value, kind: Activation, slope: float, name: str) -> Value:
        """Apply an activation: on the way out of the operation before it where that can be."""
        last = self._ops[-1] if self._ops else None
        fits = (
            last is not None
            and last[OUT] == value.slot
            and last[CODE] in _FUSING
            and last[ACTIVATION] == Activation.NONE
            and value.slot not in self._pinned
        )
        slot = value.slot if fits else self.emit(Op.COPY, [value.slot], value.size)
        self._ops[-1][ACTIVATION] = int(kind)
        self._reals[-1] = (slope, *self._reals[-1][1:])
        return Value(slot, value.shape, name)

    def padded(self, width: int) -> int:
        """Return the elements between two rows of a slot: whole cache lines.

        An odd number of lines where there are many: powers of two would put the rows on the same
        few sets of the cache.
        """
        lines = -(-width // self._lanes)
        if lines >= 4:
            lines |= 1
        return lines * self._lanes

    def program(
        self,
        output: Value,
        *,
        input_shape: tuple[int, ...],
        loss_code: int,
        loss_slot: int,
        loss_ops: int,
    ) -> Program:
        """Return the finished program."""
        ops = np.array(self._ops, dtype=np.int64).reshape(-1, OP_COLUMNS)
        slots = self._layout(ops)
        _set_flags(ops, output.slot)
        row_elements = _place_deltas(ops, slots, output.slot)
        last = self._segments[-1].end if self._segments else 0
        return Program(
            ops=ops,
            reals=np.array(self._reals, dtype=np.float64).reshape(-1, 3),
            slots=slots,
            segments=tuple(self._segments),
            n_parameters=last,
            n_state=self._state,
            input_shape=input_shape,
            output_shape=output.shape,
            loss_code=loss_code,
            loss_slot=loss_slot,
            loss_ops=loss_ops,
            output_slot=output.slot,
            row_elements=row_elements,
            scratch_elements=self._scratch,
            n_batchnorm=self.n_batchnorm,
            work=self._work,
        )

    def _layout(self, ops: Indices) -> Indices:
        slots = np.zeros((len(self._widths), SLOT_COLUMNS), dtype=np.int64)
        slots[:, WIDTH] = self._widths
        slots[:, STRIDE] = [self.padded(width) for width in self._widths]
        slots[:, VALUE] = np.cumsum(slots[:, STRIDE]) - slots[:, STRIDE]
        for row in ops:
            sources = [row[IN0], row[IN1]] if row[IN1] >= 0 else [row[IN0]]
            slots[row[OUT], TRAINED] = row[PARAM] >= 0 or slots[sources, TRAINED].any()
        return slots


def _set_flags(ops: Indices, output: int) -> None:
    """Say where backward adds to what is there: the first to arrive overwrites."""
    params: set[int] = set()
    deltas = {output}  # has what the caller or the loss put there
    for row in ops[::-1]:
        flags = Flag(0)
        if row[PARAM] >= 0:
            if int(row[PARAM]) in params:
                flags |= Flag.ADD_GRADIENT
            params.add(int(row[PARAM]))
        for column, flag in ((IN0, Flag.ADD_DELTA0), (IN1, Flag.ADD_DELTA1)):
            if row[column] >= 0:
                if int(row[column]) in deltas:
                    flags |= flag
                deltas.add(int(row[column]))
        row[FLAGS] = int(flags)


def _place_deltas(ops: Indices, slots: Indices, output: int) -> int:
    """Give each slot's delta a place in the arena, shared where lifetimes do not meet.

    Backward runs from the last operation to the first. A delta lives from the last operation that
    reads the slot to the one that makes it. Returns the elements of a sample in the arena.
    """
    base = int(slots[:, STRIDE].sum())
    live: list[tuple[int, int, int]] = []  # begin, end, slot
    placed: set[int] = set()
    top = base

    def place(slot: int) -> None:
        nonlocal top
        if slot in placed:
            return
        placed.add(slot)
        size, begin = int(slots[slot, STRIDE]), base
        for first, last, _ in sorted(live):
            if begin + size <= first:
                break
            begin = max(begin, last)
        live.append((begin, begin + size, slot))
        slots[slot, DELTA] = begin
        top = max(top, begin + size)

    place(output)
    for row in ops[::-1]:
        place(int(row[OUT]))
        for column in (IN0, IN1):
            if row[column] >= 0:
                place(int(row[column]))
        live[:] = [entry for entry in live if entry[2] != row[OUT]]
    if not len(ops):
        place(0)
    return top
