"""Two controlled bodies that have to meet: least energy, least thrust, and the best time."""

from minimand.rendezvous.energies import rendezvous_energy
from minimand.rendezvous.plan import rendezvous
from minimand.rendezvous.result import RendezvousEnergies, RendezvousResult, ThrustResult
from minimand.rendezvous.thrust import min_rendezvous_thrust

__all__ = [
    "RendezvousEnergies",
    "RendezvousResult",
    "ThrustResult",
    "min_rendezvous_thrust",
    "rendezvous",
    "rendezvous_energy",
]
