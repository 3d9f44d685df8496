"""What certificates are made of; the solver and the verification fill it in on their own."""

from __future__ import annotations

from dataclasses import dataclass

from minimand._common.result import Certificate

MEETING = 1e-10
DYNAMICS = 1e-11
ENERGY_GAP = 1e-9
NO_INFLUENCE = 1e-10
NOISE = 1e-13
LEAST_GAP = 1e-12  # below that a gap is what another order of adding up makes of it
COARSEST = 1e-6  # of the resolution of a gap: beyond that it says nothing


@dataclass(frozen=True, slots=True)
class Found:
    """What is shown of a plan.

    Attributes
    ----------
    meeting : float
        Largest |E x[T] - E z[T]|, each row relative to the largest values on the way.
    dynamics : float
        Largest |x[t+1] - A x[t] - B u[t]|, each relative to its terms.
    value, lower : float
        Energy or bound on the thrust, and the lower bound, in the solver's units.
    rounding : float
        What rounding leaves of `lower`.
    thrust : float or None
        Largest length of an input in units of its bound.
    """

    meeting: float
    dynamics: float
    value: float
    lower: float
    rounding: float
    thrust: float | None = None

    @property
    def gap(self) -> float:
        """Return (value - lower) / value."""
        return (self.value - self.lower) / self.value if self.value > 0 else 0.0

    @property
    def resolution(self) -> float:
        """Return what rounding leaves of the gap."""
        return self.rounding / self.value if self.value > 0 else 0.0


def plan_certificates(found: Found, tol: float) -> tuple[Certificate, ...]:
    """Put what was found of a plan into words; `tol` is the gap to reach."""
    listed = [
        Certificate(
            "meeting",
            found.meeting,
            MEETING,
            "E x[T] - E z[T], relative to the largest values on the way",
            NOISE,
        ),
        Certificate(
            "dynamics",
            found.dynamics,
            DYNAMICS,
            "x[t+1] - A x[t] - B u[t], relative to its terms",
            NOISE,
        ),
    ]
    if found.thrust is not None:
        text = "the longest input, in units of its bound"
        listed.append(Certificate("thrust", found.thrust, 1.0, text))
    text = "excess over the lower bound, relative to it; below 0 the miss saves some"
    resolution = min(found.resolution + LEAST_GAP, COARSEST)
    listed.append(Certificate("duality gap", abs(found.gap), tol + resolution, text, resolution))
    return tuple(listed)


def impossible(separation: float, influence: float | None) -> tuple[Certificate, ...]:
    """Put a proof that no meeting is possible into words.

    `separation` is how far all inputs together can move along the direction, in units of the
    distance. `influence` of free inputs on the direction has to be 0.
    """
    text = "how far inputs reach along the direction, in units of the distance"
    listed = [Certificate("out of reach", separation, 1.0 - 1e-12, text, 1e-9)]
    if influence is not None:
        text = "effect of free inputs on the direction, relative to its terms"
        listed.append(Certificate("no influence", influence, NO_INFLUENCE, text, NOISE))
    return tuple(listed)


def curve_certificates(
    error: float, rounding: float, influence: float | None
) -> tuple[Certificate, ...]:
    """Put what was found of a curve of energies into words.

    `error` is how far energies are from their dual values, and plans from meeting, relatively.
    """
    text = "energies against their dual values, and plans against the meeting, relatively"
    rounding = min(rounding, COARSEST)
    listed = [Certificate("energies", error, ENERGY_GAP + rounding, text, rounding)]
    if influence is not None:
        text = "effect of inputs where no meeting is possible, relative to its terms"
        listed.append(Certificate("no influence", influence, NO_INFLUENCE, text, NOISE))
    return tuple(listed)
