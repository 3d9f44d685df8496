"""Principal components that are known: published data to 20 digits, and generators.

- `iris`: Fisher's flowers, in two copies; `longley`: NIST's regressors, nearly dependent;
- `planted`: prescribed singular values and random components;
- `lauchli`: singular values that a Gram matrix in float64 cannot hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import one_of, positive_int
from minimand.problems.least_squares import nist

Array: TypeAlias = NDArray[np.float64]
Seed: TypeAlias = int | np.random.Generator

# In extended precision, from the decimal numbers of the data, rounded to 20 digits.
_IRIS = (
    "25.08986397889986313223 6.007852542506332327567 "
    "3.420535382952358253406 1.878502340103490668676",
    "0.3615896773814496475 -0.082268889892214121757 0.85657210529052791067 0.3588439262482154333",
    "0.65653988328583175769 0.72971237132649629442 "
    "-0.17576740342865443546 -0.074706470135033411788",
    "-0.58099727982761665654 0.59641808793810259306 0.072524075486962250096 0.54906091072660529616",
    "0.31725454716854048887 -0.32409435241796803014 -0.47971898732993965703 0.75112056038082159061",
)
_LONGLEY = (
    "385887.9857329574319116 4737.699663165038786151 1658.539420889789152515 "
    "1321.372662237177912672 3.656336772989329949475 0.6688875516487509331758",
    "0.00010739724253492066545 0.99758185685584448052 0.0056714365039757758707 "
    "0.0031155174797432876295 0.069199374525942307291 0.000047559550675358403396",
    "-0.000099062889199681205303 -0.05231868659036270054 0.56063621368416333353 "
    "-0.39471407626950532256 0.7260513168268092573 0.00025387921520897091785",
    "0.0006447483717870376254 -0.026035957499510421398 0.23710032020869937018 "
    "0.91878831424526783267 0.31453625166590564647 0.00036244703616461600167",
    "0.0028917866393924932068 0.037620185880579462831 0.79336747179795506856 "
    "0.0043190602506647400394 -0.60755677900371673313 0.00072102873998450580886",
    "0.99935062506146940775 -0.00020233042741047961011 -0.0023619087691373966889 "
    "-0.00063542326992469992871 0.0016126840845710220655 -0.035912450848225580017",
    "0.035910008510107335204 -0.000059154858594326956709 -0.00088597442738864974195 "
    "-0.00025905154445065915334 0.00019448369843369424704 0.99935458067054913465",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PCAProblem:
    """Data with known principal components.

    Attributes
    ----------
    name
        Name of the problem.
    X
        Data (m, n), read-only.
    singular_values
        Of the centred data (of X itself with `center` false), descending.
    components
        The right singular vectors as rows, the largest entry of each positive; rows that belong to
        equal singular values are one basis of many. None if they are not written down.
    center
        Whether the means are to be subtracted.
    names
        Names of the columns.
    labels
        A name for each row, if there are groups.
    """

    name: str
    X: Array
    singular_values: Array
    components: Array | None
    center: bool = True
    names: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for array in (self.X, self.singular_values, self.components):
            if array is not None:
                array.setflags(write=False)


def iris(copy: str = "fisher") -> PCAProblem:
    """Sepals and petals of 150 irises in cm: 50 each of three species.

    Parameters
    ----------
    copy : {"fisher", "uci"}
        As published, or with the errors in rows 34 and 37 (counted from 0) of the copy that has
        been in circulation for decades. That one's components are known to 20 digits; of the
        published data, only the singular values are written down, to 8 digits.

    Notes
    -----
    R. A. Fisher, Annals of Eugenics 7 (1936) 179, measured by E. Anderson. The errors: J. C. Bezdek
    et al., IEEE Trans. Fuzzy Systems 7 (1999) 368.

    Examples
    --------
    >>> from minimand.problems.pca import iris
    >>> iris().X.shape
    (150, 4)
    """
    one_of("copy", copy, ("fisher", "uci"))
    source = resources.files("minimand.problems").joinpath("data", "iris.csv")
    header, *lines = source.read_text(encoding="utf-8").splitlines()
    rows = [line.split(",") for line in lines]
    X = np.array([[float(entry) for entry in row[:4]] for row in rows])
    singular_values = np.sqrt(149 * np.array([4.22824171, 0.24267075, 0.0782095, 0.02383509]))
    components = None
    if copy == "uci":
        X[[34, 37]] = [4.9, 3.1, 1.5, 0.1]
        singular_values, components = _numbers(_IRIS)
    return PCAProblem(
        name=f"iris, {copy}",
        X=X,
        singular_values=singular_values,
        components=components,
        names=tuple(header.split(",")[:4]),
        labels=tuple(row[4] for row in rows),
    )


def longley() -> PCAProblem:
    """Six economic figures of 16 years (NIST's Longley): singular values from 4e5 to 0.7.

    Examples
    --------
    >>> from minimand.problems.pca import longley
    >>> longley().singular_values.round(3)[[0, -1]]
    array([3.85887986e+05, 6.69000000e-01])
    """
    singular_values, components = _numbers(_LONGLEY)
    return PCAProblem(
        name="Longley",
        X=np.ascontiguousarray(nist("Longley").X[:, 1:]),
        singular_values=singular_values,
        components=components,
        names=("deflator", "GNP", "unemployed", "forces", "population", "year"),
    )


def planted(
    m: int, n: int, singular_values: Sequence[float], *, offset: float = 0.0, rng: Seed = 0
) -> PCAProblem:
    """Random orthogonal factors: X - mean = U diag(s) V', to rounding.

    Parameters
    ----------
    m, n
        Numbers of rows and columns.
    singular_values
        At most min(m - 1, n) numbers, descending.
    offset
        What is added to all entries.
    rng
        Seed or generator.
    """
    positive_int("m", m)
    positive_int("n", n)
    s = np.asarray(singular_values, dtype=np.float64)
    if not 1 <= s.size <= min(m - 1, n):
        raise ValueError(f"singular_values has {s.size} entries, expected 1 to {min(m - 1, n)}")
    generator = np.random.default_rng(rng)
    ones = np.full((m, 1), m**-0.5)
    U = np.linalg.qr(np.hstack([ones, generator.standard_normal((m, s.size))]))[0][:, 1:]
    V = np.linalg.qr(generator.standard_normal((n, s.size)))[0]
    V *= np.where(V[np.abs(V).argmax(axis=0), np.arange(s.size)] < 0, -1.0, 1.0)
    return PCAProblem(
        name="planted",
        X=np.ascontiguousarray((U * s) @ V.T + offset),
        singular_values=s,
        components=np.ascontiguousarray(V.T),
    )


def lauchli(n: int, eps: float) -> PCAProblem:
    """Return a row of ones over eps I, not to be centred: sqrt(n + eps^2), and n - 1 times eps.

    With eps below 1e-8 the Gram matrix is singular in float64. P. Läuchli, Numer. Math. 3 (1961)
    226.
    """
    positive_int("n", n)
    singular_values = np.append(np.hypot(np.sqrt(n), eps), np.full(n - 1, eps))
    X = np.vstack([np.ones(n), eps * np.eye(n)])
    return PCAProblem(
        name="Läuchli", X=X, singular_values=singular_values, components=None, center=False
    )


def _numbers(rows: Sequence[str]) -> tuple[Array, Array]:
    table = np.array([[float(entry) for entry in row.split()] for row in rows])
    return table[0].copy(), table[1:].copy()
