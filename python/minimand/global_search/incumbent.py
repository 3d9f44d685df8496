"""The best point so far, and descent from it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from minimand._common.arrays import Floats
from minimand.global_search.samples import Samples

_STEPS = 50


@dataclass(slots=True)
class Incumbent:
    """The least value of all points that were asked, and where it is."""

    x: Floats = field(default_factory=lambda: np.empty(0))
    fun: float = math.inf

    def offer(self, points: Floats, values: Floats) -> bool:
        """Take the best of these points if it is better; return whether it is."""
        i = int(values.argmin())
        if not values[i] < self.fun:
            return False
        self.x, self.fun = points[i].copy(), float(values[i])
        return True

    def descend(self, samples: Samples, limit: int) -> None:
        """Go down from here inside the box, by quasi-Newton steps, with `limit` calls at most."""
        import scipy

        def ask(x: Floats) -> tuple[float, Floats]:
            # Rounding may carry a step out of the box by an ulp.
            point = np.clip(x, low, high)[np.newaxis]
            value = samples.values(point)
            self.offer(point, value)
            slope = samples.slopes(point)
            return float(value[0]), (slope[0] if slope is not None else central(point[0]))

        def central(x: Floats) -> Floats:
            h = 1e-6 * np.where(high > low, high - low, 1.0)
            up, down = np.minimum(x + h, high), np.maximum(x - h, low)
            stencil = np.tile(x, (2, n, 1))
            stencil[0, axis, axis], stencil[1, axis, axis] = up, down
            value = samples.values(stencil.reshape(-1, n)).reshape(2, n)
            self.offer(stencil.reshape(-1, n), value.reshape(-1))
            d = up - down
            slope: Floats = np.divide(value[0] - value[1], d, out=np.zeros(n), where=d > 0.0)
            return slope

        low, high = samples.box.T
        n = len(low)
        axis = np.arange(n)
        calls = limit if samples.slopes(self.x[np.newaxis]) is not None else limit // (2 * n + 1)
        if calls < 2:
            return
        options = {"maxfun": min(calls - 1, 20 * _STEPS), "maxiter": _STEPS, "maxls": 10}
        scipy.optimize.minimize(
            ask, self.x, jac=True, method="L-BFGS-B", bounds=samples.box, options=options
        )
