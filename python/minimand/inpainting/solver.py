"""How one field is solved: by which methods, in which order, and when it is done."""

from __future__ import annotations

import numpy as np

from minimand._common.arrays import Floats
from minimand.inpainting.arguments import Mask
from minimand.inpainting.choose import newton_cost, pdhg_cost, pdhg_is_cheaper
from minimand.inpainting.components import Components
from minimand.inpainting.field import Field
from minimand.inpainting.newton import Newton
from minimand.inpainting.pdhg import Pdhg, coarsened, start_from_coarse

_COARSE_GAP = 1e-2  # what a coarse grid is solved to: its answer only is a start
_COARSE_STEPS = 500
_COARSE_SIDE = 32  # pixels of the shorter side below which no coarser grid pays
_COARSE_DENSITY = 0.9  # nor where more is known than this


class Solver:
    """Solves one field; `advance` is called until `done`.

    Attributes
    ----------
    methods : list of str
        The methods that were at work: "pdhg", "newton".
    """

    def __init__(self, field: Field, tol: float, method: str, planes: Floats, known: Mask) -> None:
        self.field, self.tol = field, tol
        self.methods: list[str] = []
        self._may_hand_over = method == "auto"
        self._coarse: list[tuple[Floats, Mask]] = []
        self._pdhg: Pdhg | None = None
        self._newton: Newton | None = None
        if self.done:
            return
        if method == "newton" or (method == "auto" and not pdhg_is_cheaper(field, tol)):
            self._start_newton(warm=False)
        else:
            self.methods.append("pdhg")
            self._coarse = _pyramid(planes, known)
            self._coarser: Field | None = None
            self._next_grid()

    @property
    def done(self) -> bool:
        """Whether the gap is certified, or float64 has no more to give."""
        return self.field.gap <= self.tol or self.stalled

    @property
    def stalled(self) -> bool:
        """Whether the end of float64 was reached above the tolerance."""
        return self._newton is not None and self._newton.done and self.field.gap > self.tol

    def advance(self, limit: int) -> int:
        """Do at most `limit` iterations, and return how many."""
        if self._newton is not None:
            return self._newton.advance(limit)
        assert self._pdhg is not None
        count = self._pdhg.advance(limit)
        if self._pdhg.field is not self.field:
            if self._pdhg.field.gap <= _COARSE_GAP or self._pdhg.steps >= _COARSE_STEPS:
                self._coarser = self._pdhg.field
                self._next_grid()
        elif self._may_hand_over and self._newton_would_be_first():
            self._start_newton(warm=True)
        return count

    def _next_grid(self) -> None:
        """Begin with the coarsest grid that is left, from the answer of the one before."""
        finest = not self._coarse
        if finest:
            field = self.field
        else:
            planes, known = self._coarse.pop()
            kernels, threads = self.field.kernels, self.field.threads
            field = Field(planes, Components.of(known, kernels, threads), kernels, threads)
        if self._coarser is not None:
            start_from_coarse(field, self._coarser)
            self._coarser = None
        self._pdhg = Pdhg(field)

    def _newton_would_be_first(self) -> bool:
        assert self._pdhg is not None
        to_go = self._pdhg.steps_to_go(self.tol)
        return pdhg_cost(self.field, to_go) > newton_cost(self.field, self.tol)

    def _start_newton(self, *, warm: bool) -> None:
        self.methods.append("newton")
        self._pdhg = None
        self._newton = Newton(self.field, self.tol, warm=warm)


def _pyramid(planes: Floats, known: Mask) -> list[tuple[Floats, Mask]]:
    """Return the coarser problems, the coarsest last."""
    grids: list[tuple[Floats, Mask]] = []
    exponent = int(np.frexp(np.abs(planes[:, known]).max())[1])
    planes = np.ldexp(planes, -exponent)  # sums of four must not overflow
    while min(known.shape) > 2 * _COARSE_SIDE and known.mean() < _COARSE_DENSITY:
        planes, known = coarsened(planes, known)
        grids.append((np.ldexp(planes, exponent), known))
    return grids
