"""NumPy mirror of the rendezvous kernels, written to be read.

Signatures, in-out arguments and return values are those of the compiled module
``minimand._core.rendezvous``. Nothing is checked here and nothing is tuned.
"""

from minimand.reference.rendezvous.boundary import stage_elimination, stage_substitution
from minimand.reference.rendezvous.meeting import (
    energy_curve,
    match_factor,
    match_solve,
    reach_noise,
)
from minimand.reference.rendezvous.newton import correct_inputs, dual_newton_steps
from minimand.reference.rendezvous.sweeps import adjoint_sweep, input_rows, reach_factor, rollout
from minimand.reference.rendezvous.thrust import thrust_newton_steps

__all__ = [
    "adjoint_sweep",
    "correct_inputs",
    "dual_newton_steps",
    "energy_curve",
    "input_rows",
    "match_factor",
    "match_solve",
    "reach_factor",
    "reach_noise",
    "rollout",
    "stage_elimination",
    "stage_substitution",
    "thrust_newton_steps",
]
