"""A network as the interpreters see it: a flat list of operations on slots.

Every row of `ops` is one operation, executed in order by `forward` and in reverse by `backward`.
Its columns are CODE, IN0, IN1, OUT, PARAM, BIAS, STATE (of running averages), ACTIVATION, FLAGS and
eleven integers from INTS on. A slot is a matrix with one row for each sample; the row of `slots`
says how wide it is, what stands between two of its rows, and where activations and deltas of it lie
in the arena.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]

# Columns of `ops`
CODE, IN0, IN1, OUT, PARAM, BIAS, STATE, ACTIVATION, FLAGS, INTS = range(10)
OP_COLUMNS = INTS + 11
# Columns of `slots`; offsets count elements of one sample, a slot of r samples begins at r * offset
WIDTH, STRIDE, VALUE, DELTA, TRAINED = range(5)
SLOT_COLUMNS = 5


class Op(IntEnum):
    """What an operation does; the integers from INTS on are listed behind."""

    LINEAR = 0  # in, out
    CONV2D = 1  # C, H, W, C_out, kh, kw, sh, sw, ph, pw
    MAXPOOL = 2  # C, H, W, kh, kw, sh, sw, ph, pw, slot of the winners
    AVGPOOL = 3  # C, H, W, kh, kw, sh, sw, ph, pw
    COPY = 4
    SOFTMAX = 5
    DROPOUT = 6  # stream, p in units of 2**-16, slot of the mask; real: 1 / (1 - p)
    BATCHNORM = 7  # channels, cells of each, number, slots of x^ and 1 / sigma; epsilon, momentum
    ADD = 8
    CONCAT = 9
    SLICE = 10  # first column


class Activation(IntEnum):
    """What an operation applies to its output on the way."""

    NONE = 0
    RELU = 1
    LEAKY = 2
    SIGMOID = 3
    TANH = 4


class Flag(IntFlag):
    """Whether a gradient or delta is added to what another operation has left there."""

    ADD_GRADIENT = 1
    ADD_DELTA0 = 2
    ADD_DELTA1 = 4


class LossCode(IntEnum):
    """The losses, as the kernels know them."""

    SQUARED_ERROR = 0
    CROSS_ENTROPY = 1
    BINARY_CROSS_ENTROPY = 2
    CATEGORICAL_SOFTMAX = 3  # both terms, on the softmax of the slot
    CATEGORICAL_SIGMOID = 4


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of the flat parameter vector that is one array of the network.

    Attributes
    ----------
    name : str
        As in "0.weight": the place of the module and the name of the array.
    begin, end : int
        The run.
    shape : tuple of int
        The shape of the array.
    penalised : bool
        Whether l2 and l1 apply: True for weights, False for biases, scales and shifts.
    fans : tuple of int
        Numbers of inputs and outputs of a unit, for the initial values.
    init : object
        What the module says of the initial values.
    """

    name: str
    begin: int
    end: int
    shape: tuple[int, ...]
    penalised: bool
    fans: tuple[int, int]
    init: object


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """What `compile_program` returns.

    Attributes
    ----------
    ops, reals : ndarray (n, 20) and (n, 3)
        The operations and their real numbers: slope of the activation, two of the operation.
    slots : ndarray (k, 5)
        The slots.
    segments : tuple of Segment
        The layout of the parameters.
    n_parameters, n_state : int
        Lengths of the parameters and of the running averages of batch norms.
    input_shape, output_shape : tuple of int
        Without the samples.
    loss_code : int
        The `LossCode`, -1 without a loss.
    loss_slot, loss_ops : int
        What the loss is a function of, and how many of the operations it needs.
    output_slot : int
        Where the output of the network is.
    row_elements, scratch_elements : int
        The arena: elements for each sample, and for each run of samples that is worked on alone.
    n_batchnorm : int
        Batch norms; their sums go over all samples of a batch.
    work : int
        Multiply-adds of a forward pass for one sample.
    """

    ops: Indices
    reals: NDArray[np.float64]
    slots: Indices
    segments: tuple[Segment, ...]
    n_parameters: int
    n_state: int
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    loss_code: int
    loss_slot: int
    loss_ops: int
    output_slot: int
    row_elements: int
    scratch_elements: int
    n_batchnorm: int
    work: int

    @property
    def n_outputs(self) -> int:
        """Numbers in the output of one sample."""
        return int(np.prod(self.output_shape, dtype=np.int64))

    @property
    def n_inputs(self) -> int:
        """Numbers in the input of one sample."""
        return int(np.prod(self.input_shape, dtype=np.int64))

    @property
    def operations(self) -> tuple[str, ...]:
        """One line for each operation, to be read."""
        return tuple(_line(row) for row in self.ops)


def _line(row: Indices) -> str:
    text = f"{int(row[OUT])} = {Op(int(row[CODE])).name}({int(row[IN0])}"
    if row[IN1] >= 0:
        text += f", {int(row[IN1])}"
    text += ")"
    if row[ACTIVATION]:
        text += f" {Activation(int(row[ACTIVATION])).name}"
    return text
