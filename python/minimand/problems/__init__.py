"""Problems with known answers: the tests, the benchmarks, the demo and the docs use them."""

from minimand.problems import inpainting, least_squares, pca, tsp

__all__ = ["inpainting", "least_squares", "pca", "tsp"]
