"""Random data of every loss for `sgd`, the objective in plain NumPy, and its minimum by L-BFGS."""

from __future__ import annotations

import numpy as np
from scipy import optimize, special

LOSSES = ("squared", "logistic", "absolute", "poisson", "softmax")


def data(loss, n=60, d=4, seed=0):
    rng = np.random.default_rng([seed, n, d])
    X = rng.standard_normal((n, d))
    eta = X @ rng.standard_normal(d) / np.sqrt(d)
    if loss == "logistic":
        return X, (rng.random(n) < special.expit(2.0 * eta)).astype(float)
    if loss == "poisson":
        return X, rng.poisson(np.exp(eta)).astype(float)
    if loss == "softmax":
        return X, np.arange(n) % 3.0
    return X, eta + rng.standard_normal(n)


def objective(loss, X, y, coef, intercept, l2=0.0, l1=0.0):
    m = X @ coef.T + intercept
    if loss == "softmax":
        phi = special.logsumexp(m, axis=1) - m[np.arange(len(y)), y.astype(int)]
    else:
        phi = {
            "squared": lambda: 0.5 * (m - y) ** 2,
            "logistic": lambda: np.logaddexp(0.0, m) - y * m,
            "absolute": lambda: np.abs(m - y),
            "poisson": lambda: np.exp(m) - y * m,
        }[loss]()
    return phi.mean() + 0.5 * l2 * (coef**2).sum() + l1 * np.abs(coef).sum()


def minimum(loss, X, y, l2, fit):
    """Return the least objective that L-BFGS finds from the answer and from 0."""
    K, d = (3 if loss == "softmax" else 1), X.shape[1]

    def value(theta):
        theta = theta.reshape(K, d + 1)
        w, b = (theta[:, :-1], theta[:, -1]) if K > 1 else (theta[0, :-1], theta[0, -1])
        return objective(loss, X, y, w, b, l2)

    start = np.column_stack([fit.coef.reshape(K, d), np.reshape(fit.intercept, (K,))]).ravel()
    return min(optimize.minimize(value, at).fun for at in (start, np.zeros_like(start)))
