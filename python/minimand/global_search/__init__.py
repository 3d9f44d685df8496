"""Global minima over boxes, with lower bounds that Lipschitz constants prove."""

from minimand.global_search.minimize import minimize_lipschitz
from minimand.global_search.quadratic import Quadratic
from minimand.global_search.result import GlobalProgress, GlobalResult

__all__ = ["GlobalProgress", "GlobalResult", "Quadratic", "minimize_lipschitz"]
