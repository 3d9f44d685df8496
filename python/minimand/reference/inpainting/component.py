"""One component of unknown pixels: its pixels, its terms, and its columns D_U of D."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import splu

from minimand.reference.inpainting.variation import Array

Indices: TypeAlias = NDArray[np.int64]

EPS = float(np.finfo(np.float64).eps)


class Component:
    """Pixels (N) and terms (E) of component c, and what lies there in stacked arrays.

    Numbers at its pixels are arrays (channels, N), at its terms (channels, 2, E), at the three
    pixels (i,j), (i+1,j), (i,j+1) of its terms (channels, 3, E).
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        channels: int,
        order: Indices,
        fronts: Indices,
        term_table: Indices,
        component_front: Indices,
        c: int,
    ) -> None:
        begin, end = fronts[component_front[[c, c + 1]]]
        self.pixels = np.sort(order[begin[0] : end[0]])
        anchors = term_table[begin[2] : end[2], 0]
        self.size = len(anchors)
        self.channels = channels
        self._corners = np.stack([anchors, anchors + shape[1], anchors + 1])
        self._terms = anchors - anchors // shape[1]  # a row of terms is one shorter
        self._D = sparse.block_diag([self._columns_of_D()] * channels, format="csr")

    def _columns_of_D(self) -> sparse.coo_array:
        """D_U of one channel: E vertical differences, then E horizontal ones."""
        rows = np.arange(2 * self.size).reshape(2, self.size)
        rows = np.concatenate([rows, rows])
        ends = self._corners[[1, 2, 0, 0]]
        signs = np.broadcast_to([[1.0], [1.0], [-1.0], [-1.0]], ends.shape)
        columns = np.searchsorted(self.pixels, ends)
        unknown = np.isin(ends, self.pixels)
        entries = signs[unknown], (rows[unknown], columns[unknown])
        return sparse.coo_array(entries, shape=(2 * self.size, self.pixels.size))

    def pixels_of(self, stacked: Array) -> Array:
        """Values at the pixels (channels, N)."""
        return stacked.reshape(self.channels, -1)[:, self.pixels]

    def put_pixels(self, stacked: Array, values: Array) -> None:
        """Write values at the pixels."""
        stacked.reshape(self.channels, -1)[:, self.pixels] = values

    def corners_of(self, stacked: Array) -> Array:
        """Values at the pixels of the terms (channels, 3, E)."""
        return stacked.reshape(self.channels, -1)[:, self._corners]

    def terms_of(self, dual: Array) -> Array:
        """Values at the terms (channels, 2, E)."""
        return dual.reshape(self.channels, 2, -1)[:, :, self._terms]

    def put_terms(self, dual: Array, values: Array) -> None:
        """Write values at the terms."""
        dual.reshape(self.channels, 2, -1)[:, :, self._terms] = values

    def spread(self, step: Array) -> Array:
        """D_U times numbers at the pixels."""
        product: Array = self._D @ step.ravel()
        return product.reshape(self.channels, 2, self.size)

    def gather(self, p: Array) -> Array:
        """D_U' times numbers at the terms."""
        product: Array = self._D.T @ p.ravel()
        return product.reshape(self.channels, -1)

    def solve(self, M: Array, weight: Array, right: Array) -> Array:
        """Solve D_U'M D_U x = right, with M (2 channels, 2 channels, E).

        The diagonal of D_U' diag(weight) D_U, times the rounding error of such a sum, is added: it
        replaces pivots that have cancelled to nothing.
        """
        blocks = [[sparse.diags_array(entries) for entries in row] for row in M]
        H = self._D.T @ sparse.block_array(blocks) @ self._D
        scale = (self._D**2).T @ np.tile(weight, 2 * self.channels)
        factor = splu(
            sparse.csc_array(H + sparse.diags_array(4.0 * EPS * scale)),
            permc_spec="MMD_AT_PLUS_A",  # H is symmetric and positive definite: no exchanges
            diag_pivot_thresh=0.0,
            options={"SymmetricMode": True},
        )
        solution: Array = factor.solve(right.ravel())
        return solution.reshape(self.channels, -1)


def differences_of_corners(values: Array) -> Array:
    """D u at the terms, from the values of u at their three pixels."""
    return values[:, 1:] - values[:, :1]
