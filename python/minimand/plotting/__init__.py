"""Pictures of results, one module per domain; they need matplotlib (`minimand[plot]`).

Every function draws on the axes that it is given (`ax`, or `axes` for several), or on those of a
new figure, and returns them. matplotlib is imported when a picture is drawn, not before.
"""

from minimand.plotting import (
    derivatives,
    ellipsoid,
    global_search,
    gradient_descent,
    inpainting,
    least_squares,
    linear_models,
    neural_network,
    pca,
    rendezvous,
    sgd,
    tsp,
)

__all__ = [
    "derivatives",
    "ellipsoid",
    "global_search",
    "gradient_descent",
    "inpainting",
    "least_squares",
    "linear_models",
    "neural_network",
    "pca",
    "rendezvous",
    "sgd",
    "tsp",
]
