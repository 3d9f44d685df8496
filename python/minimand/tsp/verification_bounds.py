"""Lower bounds, recomputed from a certificate in plain NumPy: no kernel, no reference, no solver.

Distances become integers c = rint(2^e d), so all sums are exact; with real metrics the weight of a
tour of n edges may be above its length by n / 2 for the rounding and (dimension + 4) / 2 for d.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import Floats
from minimand._common.errors import CertificateError
from minimand.tsp.certificate import BoundCertificate
from minimand.tsp.instance import Instance
from minimand.tsp.verification_distances import distance_rows

Integers = NDArray[np.int64]

_FEW = 12
_FORCED = -(2**61)


def proved_bound(instance: Instance, certificate: BoundCertificate) -> tuple[float, float]:
    """Return the lower bound that the data and the certificate prove, and a level of rounding.

    A stated bound may be below the proved one by at most this level.
    """
    kind, N = certificate.kind, instance.N
    if N == 1 or (kind == "trivial" and N > 3):
        return 0.0, 0.0
    grid = _Grid(instance)
    level = 0.0 if instance.integer else math.ldexp(4.0 * grid.rounding, -grid.exponent)
    if kind == "trivial" or (kind == "dp" and N <= _FEW):
        return grid.shortest(), level
    if N > 3 and kind == "one_tree":
        return grid.bound(grid.one_tree(certificate.potentials)), level
    if N > 3 and kind == "subtour":
        return grid.bound(grid.dual(certificate)[0]), level
    if N > 3 and kind == "milp":
        return grid.program(certificate), level
    raise CertificateError(
        f"certificate has the kind {kind!r}, which proves nothing for {N} cities"
    )


class _Grid:
    """Distances as integers; a path has a vertex N, the dummy, at distance 0 from all."""

    def __init__(self, instance: Instance) -> None:
        self.instance, self.N = instance, instance.N
        self.path = not instance.closed
        self.n = self.N + self.path
        self._distances, shift = distance_rows(instance)
        longest = max(float(self._distances(i).max()) for i in range(self.N))
        size = math.frexp(longest)[1]
        real = not instance.integer and longest > 0
        base = 52 - size - shift - self.N.bit_length() if real else 0
        self._scale = base + shift  # c = rint(2^scale distance), then times 2^fine
        bits = math.frexp(math.ldexp(longest, self._scale))[1] + self.n.bit_length()
        self.fine = max(0, min(20, 55 - bits))
        self.exponent = base + self.fine
        self.largest = 2**60 // (4 * self.n)  # of a potential, so that no sum overflows
        ends = [] if instance.closed else [instance.start, instance.end]
        edges = [(int(i), int(j)) for i, j in instance.fixed]
        edges += [(self.N, city) for city in ends if city is not None]
        self.edges = edges if self.n > 3 else []
        self.partners: dict[int, list[int]] = {}
        for i, j in self.edges:
            self.partners.setdefault(i, []).append(j)
            self.partners.setdefault(j, []).append(i)

    def row(self, i: int) -> Integers:
        """Return c(i, .) of all n vertices."""
        out = np.zeros(self.n, dtype=np.int64)
        if i < self.N:
            whole = np.rint(np.ldexp(self._distances(i), self._scale)).astype(np.int64)
            out[: self.N] = whole << self.fine
        return out

    def integers(self, name: str, values: Floats, count: int) -> Integers:
        """Return potentials on the grid: any are good, so that rounding them is, too."""
        array = np.asarray(values, dtype=np.float64)
        if array.shape != (count,):
            raise CertificateError(f"{name} have shape {array.shape}, expected ({count},)")
        with np.errstate(over="ignore", invalid="ignore"):
            scaled = np.rint(np.ldexp(array, self.exponent))
        if not (np.abs(scaled) <= self.largest).all():
            raise CertificateError(f"{name} are beyond all distances, or not finite")
        return scaled.astype(np.int64)

    @property
    def rounding(self) -> int:
        """By how much the weight of a tour may be above its length."""
        if self.instance.integer:
            return 0
        units: int = (self.n + self.instance.points.shape[1] + 5) // 2
        return units << self.fine

    def bound(self, weight: int) -> float:
        """Return what a bound on all weights of tours says about their lengths."""
        if self.instance.integer:
            return max(0.0, float(-(-weight >> self.fine)))
        exact = Fraction(weight - self.rounding)
        exact = exact / 2**self.exponent if self.exponent >= 0 else exact * 2**-self.exponent
        value = max(0.0, float(exact))
        return math.nextafter(value, 0.0) if Fraction(value) > max(exact, 0) else value

    # Held and Karp

    def one_tree(self, potentials: Floats) -> int:
        """Return the weight of the minimum one-tree less twice the sum of the potentials."""
        pi = np.zeros(self.n, dtype=np.int64)
        pi[: self.N] = self.integers("potentials", potentials, self.N)
        root = self.N if self.path else 0
        first = 0 if self.path else 1
        outside = np.ones(self.n, dtype=np.bool_)
        outside[[root, first]] = False
        true = np.full(self.n, 2**61)
        key = true.copy()
        total, last = 0, first
        for _ in range(self.n - 2):
            weights = self.row(last) + pi[last] + pi
            keys = weights.copy()
            keys[[v for v in self.partners.get(last, ()) if v != root]] = _FORCED
            closer = outside & (keys < key)
            key[closer], true[closer] = keys[closer], weights[closer]
            last = int(np.argmin(np.where(outside, key, 2**62)))
            outside[last] = False
            total += int(true[last])
        weights = self.row(root) + pi[root] + pi
        forced = self.partners.get(root, [])
        free = np.delete(weights, [root, *forced])
        total += int(weights[forced].sum()) + int(np.sort(free)[: 2 - len(forced)].sum())
        return total - 2 * int(pi.sum())

    # The dual of the subtour relaxation

    def dual(self, certificate: BoundCertificate) -> tuple[int, Iterator[tuple[int, Integers]]]:
        """Return the proved weight, and the rows (i, reduced costs of j > i)."""
        y = self.integers("potentials", certificate.potentials, self.n)
        z = self.integers("multipliers", certificate.multipliers, len(certificate.subsets))
        if (z < 0).any():
            raise CertificateError("multipliers are negative, expected numbers >= 0")
        inside = np.zeros((len(z), self.n), dtype=np.bool_)
        for k, subset in enumerate(certificate.subsets):
            members = np.unique(subset)
            if not (0 < len(members) < self.n and members[0] >= 0 and members[-1] < self.n):
                raise CertificateError(f"subset {k} is no proper set of cities")
            inside[k, members] = True
        weight = 2 * sum(y.tolist()) + 2 * sum(z.tolist())
        for i, row in self._reduced(y, z, inside):
            gain = np.minimum(row, 0)
            for j in self.partners.get(i, ()):
                if j > i:
                    gain[j - i - 1] = row[j - i - 1]
            weight += sum(gain[gain != 0].tolist())
        return weight, self._reduced(y, z, inside)

    def _reduced(
        self, y: Integers, z: Integers, inside: NDArray[np.bool_]
    ) -> Iterator[tuple[int, Integers]]:
        for i in range(self.n - 1):
            cut = (z[:, None] * (inside[:, i + 1 :] != inside[:, [i]])).sum(axis=0)
            yield i, self.row(i)[i + 1 :] - y[i] - y[i + 1 :] - cut

    def program(self, certificate: BoundCertificate) -> float:
        """Return the stated bound if the dual excludes all edges that the program left out.

        That no shorter tour is among the others is the word of the integer program.
        """
        if certificate.independent:
            raise CertificateError("certificate is of kind 'milp' but claims to be independent")
        value = certificate.lower_bound
        if not math.isfinite(value) or value < 0:
            raise CertificateError(f"lower_bound is {value}, expected a finite number")
        exact = Fraction(value) * Fraction(2) ** self.exponent
        if self.instance.integer:
            exact -= 2**self.fine
        left: set[tuple[int, int]] = {
            (min(i, j), max(i, j)) for i, j in np.asarray(certificate.edges).tolist()
        }
        weight, rows = self.dual(certificate)
        slack = math.floor(exact) + self.rounding - weight
        for i, row in rows:
            for j in (np.flatnonzero(row <= slack) + i + 1).tolist():
                if (i, j) not in left:
                    raise CertificateError(f"certificate leaves out the edge {i} {j} without proof")
        return value

    # All tours

    def shortest(self) -> float:
        """Return the length of the shortest tour, by dynamic programming over sets of cities."""
        n, last = self.n, self.n - 1
        c = np.stack([self.row(i) for i in range(n)])
        far = 4 * n * (int(c.max()) + 1)
        for i, j in self.edges:
            c[i, j] -= far
            c[j, i] -= far
        # f[S][j]: the shortest path from the last vertex through all of S, which ends in j
        f = np.full((1 << last, last), 2**61)
        for j in range(last):
            f[1 << j, j] = c[last, j]
        for members in range(1, 1 << last):
            onwards = (f[members][:, None] + c[:last, :last]).min(axis=0)
            for j in range(last):
                if not members >> j & 1:
                    f[members | 1 << j, j] = onwards[j]
        weight = int((f[-1] + c[:last, last]).min())
        return self.bound(weight + far * len(self.edges))
