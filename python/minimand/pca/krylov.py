"""Leading components by randomized block Krylov iteration, stopped by its residuals.

The basis is [Q_0, C Q_0, C^2 Q_0, ...], orthonormal, from a random start Q_0 (n x b); each step
reads the data once. Rayleigh-Ritz on it: T = Q'CQ, T z = theta z, v = Q z, and C v - theta v =
(CQ) z - theta v costs no further pass. Rokhlin, Szlam, Tygert, SIAM J. Matrix Anal. Appl. 31 (2009)
1100; Musco, Musco, NIPS 2015, arXiv:1504.05477.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from minimand._common import random
from minimand._common.arrays import Floats, check_finite
from minimand._common.iterate import Advance, drive
from minimand._common.random import Key
from minimand._common.result import Status
from minimand.least_squares.data import Frame
from minimand.least_squares.moments import UNIT
from minimand.pca.data import Product, Rows, roundoff
from minimand.pca.spectrum import Moments, Spectrum

OVERSAMPLING = 10
_MOVED = 10.0  # an origin that makes the sums larger by this factor is moved to the mean
_MOST_BLOCKS = 30
_TRIAL = 6  # blocks after which the residuals tell how many more there will be


def leading(
    data: Rows, k: int, key: Key, tol: float, most_columns: int, *, patient: bool = True
) -> Spectrum:
    """Return the k leading singular values, the residuals being at most `tol` of the first value.

    The basis has at most `most_columns` columns and 30 blocks; `converged` tells whether that
    sufficed. Not `patient`: stops when it is unlikely to suffice.
    """
    width = min(k + OVERSAMPLING, data.columns)
    run = _Iteration(data, k, _gaussian(key, data.columns, width), tol, most_columns, patient)
    outcome = drive(run.advance, max_iterations=_MOST_BLOCKS)
    return replace(
        run.spectrum(),
        converged=outcome.status is Status.CONVERGED,
        iterations=outcome.iterations,
        history=outcome.history,
    )


def _gaussian(key: Key, n: int, b: int) -> Floats:
    """Return an orthonormal basis of b random directions, by Box and Muller's formula."""
    one, two = random.uniform(key, 0, b, 2 * n).reshape(b, 2, n).swapaxes(0, 1)
    normal = np.sqrt(-2.0 * np.log1p(-one)) * np.cos(2.0 * np.pi * two)
    return np.linalg.qr(normal.T)[0]


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Ritz values, descending, their vectors (n, j), and C times these."""

    theta: Floats
    vectors: Floats
    images: Floats
    residual: Floats


class _Iteration:
    """The basis and what C does to it."""

    def __init__(
        self, data: Rows, k: int, start: Floats, tol: float, most_columns: int, patient: bool
    ) -> None:
        self.data, self.k, self.tol = data, k, tol
        self.most_columns, self.patient = most_columns, patient
        self.used = np.arange(data.columns)  # columns that vary: the basis has rows for these only
        self.block = start
        self.reached: list[float] = []
        self.basis = self.images = np.empty((data.columns, 0))
        self.frame: Frame | None = None
        self.moments: Moments | None = None
        self.energy = 0.0
        self.pairs: _Pairs | None = None

    def advance(self, count: int) -> Advance:
        """Take one block into the basis; more only after the residuals are known."""
        del count
        product = self._first() if self.frame is None else self._multiply(self.frame).product
        self.basis = np.hstack([self.basis, self.block])
        self.images = np.hstack([self.images, product])
        pairs = self.pairs = self._rayleigh_ritz()
        kept = min(self.k, pairs.theta.size)
        largest = float(pairs.theta.max(initial=0.0))
        relative = float(pairs.residual[:kept].max() / largest) if largest > 0 else 0.0
        self.reached.append(relative)
        measures = {"residual": relative, "columns": float(self.basis.shape[1])}
        if relative <= self.tol and (kept == self.k or largest == 0):
            return Advance(1, measures, Status.CONVERGED)
        self.block = self._next(product)
        if self.block.shape[1] == 0:  # an invariant subspace, which holds all that is not null
            return Advance(1, measures, Status.CONVERGED)
        full = self.basis.shape[1] + self.block.shape[1] > self.most_columns
        if full or (not self.patient and self._hopeless()):
            return Advance(1, measures, Status.MAX_ITERATIONS)
        return Advance(1, measures)

    def _hopeless(self) -> bool:
        """Whether, at the rate of the last three blocks, twice the room would not suffice.

        A flat spectrum is like that; the rate of others gets better as the basis grows.
        """
        if len(self.reached) < _TRIAL:
            return False
        rate = np.log(self.reached[-1] / self.reached[-4]) / 3
        more = np.log(self.tol / self.reached[-1]) / min(rate, -1e-3)
        most = min(_MOST_BLOCKS, self.most_columns / self.block.shape[1])
        return bool(len(self.reached) + more > 2 * most)

    def _multiply(self, frame: Frame) -> Product:
        """Return C times the block, on the columns that vary."""
        wide = self._embedded(self.block)
        found = self.data.covariance(frame, wide)
        if self.data.intercept:  # the mean is rounded, which large offsets would show
            found = found.about_mean(wide, self.data.weight)
        return Product(found.product[self.used], found.sums, found.squares)

    def _embedded(self, vectors: Floats) -> Floats:
        wide = np.zeros((self.data.columns, vectors.shape[1]))
        wide[self.used] = vectors
        return wide

    def _first(self) -> Floats:
        """Read the data about a first guess of the mean, and know the mean from then on."""
        data = self.data
        frame = data.first_frame()
        found = data.covariance(frame, self.block)
        if data.out_of_range(found.squares) or not np.isfinite(found.product).all():
            check_finite("X", data.X)
            frame = data.scaled_frame()
            found = data.covariance(frame, self.block)
        offset = found.sums / data.weight if data.intercept else np.zeros(data.columns)
        moved = data.weight * float(np.sum(offset**2))
        if data.intercept:
            found = found.about_mean(self.block, data.weight)
        scale = float(frame.scale[0])
        self.moments = Moments.of(data, frame.shift, scale, offset, found.squares)
        constant = self.moments.constant
        # Constant columns are taken out for good by a scale of zero.
        self.frame = Frame(self.moments.mean, np.where(constant, 0.0, frame.scale))
        if moved * _MOVED > float(found.squares.sum()) or constant.any():
            self.used = np.flatnonzero(~constant)
            self.block = np.linalg.qr(self.block[self.used])[0]
            self.basis = self.images = np.empty((self.used.size, 0))
            found = self._multiply(self.frame)
        self.energy = float(found.squares.sum())
        return found.product

    def _rayleigh_ritz(self) -> _Pairs:
        T = self.basis.T @ self.images
        theta, Z = np.linalg.eigh((T + T.T) / 2)
        theta, Z = theta[::-1], Z[:, ::-1]
        few = Z[:, : self.k + 1]
        vectors, images = self.basis @ few, self.images @ few
        # In units of the largest value: the squares of the numbers themselves may overflow.
        unit = float(theta.max(initial=0.0)) or 1.0
        rest = images / unit - vectors * (theta[: self.k + 1] / unit)
        residual = np.linalg.norm(rest, axis=0) * unit
        return _Pairs(theta, vectors, images, residual)

    def _next(self, product: Floats) -> Floats:
        """Return what is new in C Q, orthonormal; directions that are rounding errors go."""
        size = float(np.abs(product).max(initial=0.0))
        if size == 0:
            return np.empty((self.used.size, 0))
        new = product / size
        norm = float(np.linalg.norm(new))
        for _ in range(2):
            new = new - self.basis @ (self.basis.T @ new)
        Q, R = np.linalg.qr(new)
        U, s, _ = np.linalg.svd(R)
        floor = 100.0 * UNIT * np.sqrt(self.used.size) * norm
        room = self.used.size - self.basis.shape[1]
        Q = Q @ U[:, s > floor][:, :room]
        Q = Q - self.basis @ (self.basis.T @ Q)
        return cast("Floats", np.linalg.qr(Q)[0])

    def spectrum(self) -> Spectrum:
        """Return the leading k; more is not known."""
        pairs, moments = self.pairs, self.moments
        assert pairs is not None
        assert moments is not None
        kept = min(self.k, pairs.theta.size)
        theta = np.maximum(pairs.theta, 0.0)
        vectors, images = self._embedded(pairs.vectors).T, self._embedded(pairs.images).T
        depth = self.data.covariance_depth(self.block.shape[1] + 1)
        noise = roundoff(depth) * self.energy

        def image(V: Floats) -> Floats:  # the signs of V may be others
            same = np.einsum("kn,kn->k", V, vectors[: len(V)]) > 0
            return np.where(same[:, None], images[: len(V)], -images[: len(V)])

        def left_out(k: int) -> tuple[float, bool]:
            # No eigenvalue can be larger than what is left of their sum.
            rest = max(self.energy - float(theta[:k].sum()), 0.0) + noise
            if rest < (theta[k - 1] if k else np.inf):
                return rest, True
            following = min(k, pairs.residual.size - 1)
            return float(theta[following] + pairs.residual[following]) + noise, False

        return Spectrum(
            method="randomized",
            moments=moments,
            sigma=np.sqrt(theta[:kept]),
            energy=self.energy,
            noise=noise,
            backward_error=np.inf,
            complete=False,
            vectors=lambda k: np.ascontiguousarray(vectors[:k]),
            image=image,
            left_out=left_out,
        )
