"""A body with its multipliers as a two-point boundary problem, one block of rows after the other.

    x[t+1] = A x[t] + S mu[t+1] + f[t],   mu[t] = A' mu[t+1],   S = B B'.

Orthogonal elimination from the start to the end: no power of A is formed, so growing and decaying
motion do no harm (S. J. Wright, SIAM J. Sci. Stat. Comput. 13 (1992) 742).
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]


def eliminate(A: Array, S: Array, f: Array, carry: Array) -> tuple[Array, Array]:
    """Return (rows that give (x, mu)[t] from (x, mu)[t+1], rows on (x, mu)[t+1] that remain).

    Columns: (x, mu)[t], (x, mu)[t+1], right-hand sides; only the first of these has f.
    """
    n, eye = len(A), np.eye(len(A))
    p = carry.shape[1] - 2 * n
    rows = np.zeros((3 * n, 4 * n + p))
    rows[:n, : 2 * n], rows[:n, 4 * n :] = carry[:, : 2 * n], carry[:, 2 * n :]
    # Of norms below 1, so that what is wrong in the last equations does not grow backwards.
    c = 1.0 / np.sqrt(np.sum(A * A) + np.sum(S * S) + n)
    e = 1.0 / np.sqrt(np.sum(A * A) + n)
    rows[n : 2 * n, :n], rows[n : 2 * n, 2 * n : 3 * n] = -c * A, c * eye
    rows[n : 2 * n, 3 * n : 4 * n], rows[n : 2 * n, 4 * n] = -c * S, c * f
    rows[2 * n :, n : 2 * n], rows[2 * n :, 3 * n : 4 * n] = e * eye, -e * A.T
    Q = np.linalg.qr(rows[:, : 2 * n], mode="complete").Q
    rows = Q.T @ rows
    left = rows[2 * n :, 2 * n :]
    # Equations may be combined; without that they shrink, at different rates, with every step.
    Q, R = np.linalg.qr(left[:, : 2 * n].T)
    return rows[: 2 * n], np.hstack([Q.T, np.linalg.solve(R.T, left[:, 2 * n :])])


def stage_elimination(A: Array, S: Array, forcing: Array, steps: int, carry: Array) -> None:
    """Carry n equations on (x, mu) over `steps` steps; ``carry`` (n, 2n + right-hand sides).

    `forcing` is f (steps, n), or has no rows where it is 0.
    """
    for t in range(steps):
        carry[...] = eliminate(A, S, forcing[t] if len(forcing) else 0.0 * A[0], carry)[1]


@np.errstate(all="ignore")
def stage_substitution(A: Array, S: Array, forcing: Array, carry: Array, path: Array) -> None:
    """Fill ``path`` from its last entry backwards; a row is a matrix (2n, right-hand sides).

    `carry` has the equations on the first entry; they are carried forward again on the way.
    """
    n, carry = len(A), carry.copy()
    entries = path.reshape(len(path), 2 * n, -1)
    solved = []
    for t in range(len(path) - 1):
        rows, carry = eliminate(A, S, forcing[t] if len(forcing) else 0.0 * A[0], carry)
        solved.append(rows)
    for t in reversed(range(len(path) - 1)):
        rows = solved[t]
        known = rows[:, 4 * n :] - rows[:, 2 * n : 4 * n] @ entries[t + 1]
        entries[t] = np.linalg.solve(rows[:, : 2 * n], known)
