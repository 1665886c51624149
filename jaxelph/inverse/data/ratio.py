r"""What transport sees beside what everything else sees: r(ω) = α²_tr F(ω)/α²F(ω).

Resistivity and optics weigh an electron's deflection by 1 - cos of its angle, which heat, gap and
tunnelling do not. Where both are fitted together one α²F is fitted, and r(ω) with it.
"""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from ...spectra.spectrum import EinsteinModes, EliashbergFunction
from ...spectra.table import TabulatedSpectrum
from .spectral import Unknown

# Where r is a number that is fitted, and ℓ of its prior, in units of ω_max.
_KNOTS, _LENGTH = np.linspace(0.0, 1.0, 6), 0.5


def _matern(distance, numbers=np):
    """k, by NumPy or JAX: what names the unknowns is a number, whatever is traced."""
    x = np.sqrt(5.0) * numbers.abs(distance) / _LENGTH
    return (1 + x + x**2 / 3) * numbers.exp(-x)


class TransportRatio(eqx.Module):
    r"""r(ω) = α²_tr F(ω)/α²F(ω): a known number, one that is fitted along, or a smooth curve.

    Before the data ln r has the mean ln `start` and the covariance

    $$\langle\delta\ln r(\omega)\,\delta\ln r(\omega')\rangle
      = \text{spread}^2 + \text{bend}^2\,k(|\omega-\omega'|/\ell),$$

    k the Matérn kernel of order 5/2 and ℓ half of ω_max. It is fitted as its values at six
    frequencies, and between them is what this prior expects given those.

    Args:
        start (scalar): r, or where it starts from.
        spread (scalar): standard deviation of ln r, the same at all ω; None if r is known.
        bend (scalar): by how much ln r(ω) may depart from it; None for a constant r.
        top (scalar, meV): ω_max, where there is a `bend`.

    Raises:
        ValueError: numbers that are not positive, a `bend` without `top`.

    Example:
        >>> from jaxelph import EinsteinModes, coupling_constant
        >>> metal = TransportRatio(0.8).transported(EinsteinModes([4.0, 8.0], [0.9, 0.6]))
        >>> print(coupling_constant(metal).round(3))
        1.2
    """

    start: float = eqx.field(converter=float, default=1.0, static=True)
    spread: float | None = eqx.field(default=None, static=True)
    bend: float | None = eqx.field(default=None, static=True)
    top: float | None = eqx.field(default=None, static=True)

    def __check_init__(self):
        for name in ("start", "spread", "bend", "top"):
            value = getattr(self, name)
            if value is not None and not 0 < value < np.inf:
                raise ValueError(f"TransportRatio: {name} is {value:g}; it is positive and finite.")
        if self.bend is not None and self.top is None:
            raise ValueError("TransportRatio: r(ω) that bends needs top=, the highest ω in meV.")

    @property
    def unknown(self) -> tuple[Unknown, ...]:
        """What is fitted along: r, or r at each of six frequencies."""
        if self.bend is None:
            return () if self.spread is None else (Unknown("ratio", self.start, self.spread),)
        assert self.top is not None
        names = [f"ratio at {self.top * knot:.3g} meV" for knot in _KNOTS]
        among = self._covariance(_KNOTS)
        size = float(np.sqrt(among[0, 0]))
        related = among / size**2
        return tuple(
            Unknown(name, self.start, size, tuple(zip(names, map(float, row), strict=True)))
            for name, row in zip(names, related, strict=True)
        )

    def _covariance(self, place, numbers=np):
        """Of ln r at `place`, in units of ω_max, and at the knots."""
        assert self.bend is not None
        common = 0.0 if self.spread is None else self.spread**2
        return common + self.bend**2 * _matern(place[:, None] - _KNOTS[None, :], numbers)

    def weights(self, omega: Float[ArrayLike, " frequency"]) -> Float[Array, "frequency unknown"]:
        """∂ln r(ω)/∂ln of each of the `unknown`.

        Args:
            omega (array of shape (frequency,), energy): where.

        Example:
            >>> r = TransportRatio(0.8, 0.1, bend=0.3, top=30.0)
            >>> print(np.abs(r.weights([12.0])).round(9))
            [[0. 0. 1. 0. 0. 0.]]
        """
        omega = jnp.asarray(omega)
        if self.bend is None:
            return jnp.ones((*omega.shape, len(self.unknown)))
        assert self.top is not None
        return self._covariance(omega / self.top, jnp) @ np.linalg.inv(self._covariance(_KNOTS))

    def at(self, omega: Float[ArrayLike, " frequency"], values=None) -> Float[Array, " frequency"]:
        """The ratio r(ω) = α²_trF/α²F at frequencies.

        Args:
            omega (array of shape (frequency,), energy): where.
            values: of the `unknown` by their names; by default where they start.

        Example:
            >>> r = TransportRatio(0.8, 0.1, bend=0.3, top=30.0)
            >>> print(r.at([3.0, 20.0]).round(12), TransportRatio(0.8, 0.1).at([3.0], {"ratio": 2}))
            [0.8 0.8] [2.]
        """
        omega, names = jnp.asarray(omega), [one.name for one in self.unknown]
        if values is None or not names:
            return jnp.full(omega.shape, self.start)
        departed = jnp.stack([jnp.log(values[name] / self.start) for name in names])
        return self.start * jnp.exp(self.weights(omega) @ departed)

    def transported(self, spectrum: EliashbergFunction, values=None) -> EliashbergFunction:
        """α²_tr F of an α²F.

        Args:
            spectrum: α²F; of peaks the modes that stand for them come back.
            values: see `at`.
        """
        if isinstance(spectrum, TabulatedSpectrum):
            tied = self.at(spectrum.omega, values) * spectrum.a2f
            return TabulatedSpectrum(spectrum.omega, tied, spectrum.panels)
        if not self.unknown:
            return spectrum.scaled(self.start)
        omega, coupling = spectrum.modes()
        return EinsteinModes(omega, self.at(omega, values) * coupling)


def seen_by_transport(
    ratio: TransportRatio | None, spectrum: EliashbergFunction, values
) -> EliashbergFunction:
    """What data with such a field `ratio` see of an α²F; without one it is α²_tr F itself."""
    return spectrum if ratio is None else ratio.transported(spectrum, values or None)
