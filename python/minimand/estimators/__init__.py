"""scikit-learn estimators: the solvers of the package in pipelines and grid searches.

They need scikit-learn: `pip install "minimand[sklearn]"`.
"""

from minimand.estimators.least_squares import LeastSquaresRegressor
from minimand.estimators.pca import PrincipalComponents

__all__ = ["LeastSquaresRegressor", "PrincipalComponents"]
