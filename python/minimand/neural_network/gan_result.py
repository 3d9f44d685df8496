"""What adversarial training returns, and what it tells a callback on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minimand._common.arrays import positive_int
from minimand._common.random import as_key
from minimand._common.result import Certificate, Result
from minimand.neural_network.data import as_samples
from minimand.neural_network.game import LOOKED_AT, Draws, game_value
from minimand.neural_network.magnification import in_float64
from minimand.neural_network.network import Network

Array = NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GanProgress:
    """Where a game is; a callback gets it now and then.

    Attributes
    ----------
    iterations : int
        Steps done.
    record : mapping
        The last record of the history.
    generator, discriminator : Network
        With the parameters as they are now.
    """

    iterations: int
    record: Mapping[str, float]
    generator: Network
    discriminator: Network


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class GanResult(Result):
    """A trained pair. `iterations` counts steps; `history` has at most 200 or so records.

    A record has the losses of both networks, and the mean of D over real samples and over fakes
    ("real", "fake"); both are 1/2 where the fakes cannot be told apart.

    Attributes
    ----------
    generator, discriminator : Network
        The networks that were given.
    generator_parameters, discriminator_parameters : ndarray
        Copies of what the run ended with.
    value : float
        M(G, D) = mean log D(x) + mean log(1 - D(G(z))) over the first 1024 samples and as many
        fakes; -log 4 where D knows nothing.
    gap : float
        An estimate of max_D' M(G, D') - min_G' M(G', D) by 50 steps of each network alone on a
        copy: near 0 at an equilibrium (Grnarova et al. 2018). No bound: more steps might find more.
    latent : str
        As given.
    key : tuple of int
        Of all random numbers.
    """

    generator: Network
    discriminator: Network
    generator_parameters: Array
    discriminator_parameters: Array
    value: float
    gap: float
    latent: str
    key: tuple[int, int]

    def sample(self, count: int, *, rng: object = None) -> Array:
        """Return `count` new samples of the generator."""
        positive_int("count", count)
        width = self.generator.program.n_inputs
        draws = Draws(as_key(rng), self.latent, width, 1, self.generator.dtype, "cpp")
        return self.generator.fprop(draws.latent(0, count))

    def verify(self, X: object) -> tuple[Certificate, ...]:
        """Recompute the value of the game with the NumPy interpreter in float64.

        Parameters
        ----------
        X : array_like
            As it was given to `train_gan`.

        Raises
        ------
        CertificateError
            When it is not that of the parameters.
        """
        return Result.verify(self, X)

    def _recompute(self, X: object) -> tuple[Certificate, ...]:
        real = as_samples("X", X, self.discriminator.program, np.float64)[:LOOKED_AT]
        key = np.array(self.key, dtype=np.uint64)
        width = self.generator.program.n_inputs
        draws = Draws(key, self.latent, width, 1, self.generator.dtype, "numpy")
        G, D = in_float64(self.generator), in_float64(self.discriminator)
        G.parameters[...] = self.generator_parameters
        D.parameters[...] = self.discriminator_parameters
        fake = G.fprop(draws.for_judging(len(real)), backend="numpy").reshape(len(real), -1)
        logits = (D.fprop(x.reshape(len(x), -1), backend="numpy") for x in (real, fake))
        return gan_certificates(self.generator.dtype, abs(game_value(*logits) - self.value))


def gan_certificates(dtype: str, difference: float) -> tuple[Certificate, ...]:
    """Return the certificate of a game: how far two interpreters are apart on its value."""
    bound = 1e-10 if dtype == "float64" else 1e-4
    meaning = "difference of the two interpreters"
    return (Certificate("value", difference, bound, meaning, bound),)
