"""How a batch is cut into lanes and panels: by its size alone, so that bits never see threads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from minimand.neural_network.program import CODE, STRIDE, Indices, Op, Program

_ONE_THREAD = 50e6  # floating-point operations of a batch that are not worth a second thread
_LANES = 8
_PANEL = 64  # samples that pass through all operations together
_SHARED_ROWS = 1024  # larger batches are cut into lanes in any case


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What the kernels need to run batches of one size.

    Attributes
    ----------
    layout : ndarray (8,)
        As in cpp/neural_network/kernels.hpp.
    lanes : int
        Parts of a batch with an arena and a gradient of their own.
    work : ndarray
        The arenas.
    parallel : bool
        Whether a second thread is worth while.
    """

    layout: Indices
    lanes: int
    work: NDArray[Any]
    parallel: bool

    def threads(self, limit: int) -> int:
        """Return how many threads to use, of the `limit` that are there."""
        return limit if self.parallel else 1


def plan(program: Program, rows: int, *, training: bool, dtype: DTypeLike) -> Plan:
    """Return the plan for batches of at most `rows` samples."""
    flops = 6.0 * program.work * rows
    codes = program.ops[:, CODE]
    together = training and bool((codes == Op.BATCHNORM).any())
    shared = program.n_parameters > rows * int(program.slots[:, STRIDE].sum())
    if flops < _ONE_THREAD and rows <= _SHARED_ROWS:
        lanes = 1
    elif shared and rows <= _SHARED_ROWS and not (codes == Op.CONV2D).any():
        lanes = 1  # every product is shared out
    else:
        lanes = min(_LANES, max(1, rows // 8))
    lane_rows = -(-rows // lanes)
    lanes = -(-rows // lane_rows)
    panel_rows = lane_rows
    if not together and not (lanes == 1 and flops >= _ONE_THREAD):
        panel_rows = min(lane_rows, _PANEL)
    layout = np.array(
        [
            program.row_elements,
            program.scratch_elements,
            program.loss_code,
            program.loss_slot,
            program.loss_ops,
            program.output_slot,
            panel_rows,
            lane_rows,
        ],
        dtype=np.int64,
    )
    size = lanes * (panel_rows * program.row_elements + program.scratch_elements)
    return Plan(layout, lanes, aligned_zeros(size, dtype), flops >= _ONE_THREAD)


def aligned_zeros(size: int, dtype: DTypeLike) -> NDArray[Any]:
    """Return a vector of zeros that begins on a cache line."""
    itemsize = np.dtype(dtype).itemsize
    raw = np.zeros(size * itemsize + 64, dtype=np.uint8)
    skip = -raw.ctypes.data % 64
    return raw[skip : skip + size * itemsize].view(dtype)
