r"""Phonons that move: occupations N_k(t) beside the electrons' f, and what they are coupled by.

    ∂N_k/∂t = (2ν0/F_k) λ_kω_k [P_k - ω_kN_k] - (N_k - N_k(T0))/τ_k,    P_k = ∫f(E+ω_k)[1 - f(E)]dE

in the rescaled time. Only 2ν0/F_k enters, ν0 being the states per energy, spin and cell and F_k the
phonon modes per cell at ω_k; the total energy over 2ν0 is U[f] + Σ_k (F_k/2ν0) ω_kN_k. With that in
mind what is followed in time is x_k = (F_k/2ν0)(N_k - N_k(T0)), which stays finite for ν0 → 0.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, ArrayLike, Float, Real

from ..electrons.occupations import bose
from ..numerics.checks import refuse
from ..numerics.roots import falling_root
from ..spectra.spectrum import EliashbergFunction, Scalar, as_float
from ..spectra.table import TabulatedSpectrum


class PhononsLikeCoupling(eqx.Module):
    """2ν0/F_k for a density of phonon states F(ω) ∝ α²F(ω); see `MovingPhonons.like_coupling`."""

    states: Float[Array, ""] = eqx.field(converter=as_float)
    modes: Float[Array, ""] = eqx.field(converter=as_float)


class PhononDensity(eqx.Module):
    """ω → 2ν0/F(ω) of a table of F(ω); see `MovingPhonons.of_density`."""

    omega: Float[Array, " row"] = eqx.field(converter=as_float)
    density: Float[Array, " row"] = eqx.field(converter=as_float)
    states: Float[Array, ""] = eqx.field(converter=as_float)

    def __call__(self, omega):
        # F/ω is interpolated, as λ's 2α²F/ω is: F ∝ α²F is then so between the rows, too.
        ratio = _over(self.density, self.omega)
        ratio = ratio.at[0].set(jnp.where(self.omega[0] > 0, ratio[0], ratio[1]))
        found = omega * jnp.interp(omega, self.omega, ratio, right=0.0)
        return jnp.where(found > 0, 2 * self.states / jnp.where(found > 0, found, 1.0), 0.0)


# A number, one a mode, or what gives one for each ω.
PerMode = Any


def _per_mode(value) -> Any:
    return value if callable(value) or isinstance(value, PhononsLikeCoupling) else as_float(value)


def _maybe(value) -> Any:
    return None if value is None else _per_mode(value)


class MovingPhonons(eqx.Module):
    r"""Phonons out of equilibrium, for `evolve` and `stability_pencil`.

    Args:
        coupling (scalar, array of shape (mode,) or function, 1/energy): 2ν0/F_k ≥ 0, for the
            modes of the spectrum or its quadrature nodes. A function of ω gives it for δ modes;
            for a table, 2ν0/F(ω) with the density of phonon states F(ω), modes per energy and
            cell. Where it is 0 the phonons keep their occupation.
        lifetime (scalar, array of shape (mode,) or function of ω, 1/energy): τ_k > 0, in the
            rescaled time, of the escape to a bath at the temperature of the run; none if left
            out.
        initial (scalar, energy, or array of shape (mode,)): temperature of the phonons at t = 0,
            or their N_k; that of the bath if left out.
        mixing (scalar, 1/energy): τ_m > 0, in the rescaled time, in which phonons by collisions
            among themselves come to the temperature T_l of their energy,
            -[N_k - N_k(T_l)]/τ_m; they do not if left out.

    Raises:
        ValueError: a negative coupling, or a lifetime, temperature or mixing that is not positive.

    Example:
        >>> from jaxelph import EinsteinModes, EnergyGrid, evolve
        >>> s, phonons = EinsteinModes([2.0, 3.0], [0.4, 0.4]), MovingPhonons(0.2)
        >>> run = evolve(s, 1.2, 1.0, EnergyGrid(0.4, 80), [0.0, 1.0, 50.0], phonons=phonons)
        >>> print(run.phonons.shape, run.temperature.round(4))
        (3, 2) [1.2    1.0971 1.0653]
    """

    coupling: PerMode = eqx.field(converter=_per_mode)
    lifetime: PerMode | None = eqx.field(converter=_maybe, default=None)
    initial: Any = eqx.field(converter=_maybe, default=None)
    mixing: Any = eqx.field(converter=_maybe, default=None)

    def __check_init__(self):
        for name, value, positive in (
            ("coupling", self.coupling, False),
            ("lifetime", self.lifetime, True),
            ("initial", self.initial, False),
            ("mixing", self.mixing, True),
        ):
            if value is None or not isinstance(value, jax.Array | np.ndarray):
                continue
            refuse(f"MovingPhonons: {name}", value, positive=positive)
            # By NumPy: inside a caller's jit JAX's comparison of concrete values is traced.
            if not isinstance(value, Tracer) and np.any(np.asarray(value) < 0):
                raise ValueError(f"MovingPhonons: {name} must not be negative, got {value}.")
            if value.ndim > 1:
                raise ValueError(
                    f"MovingPhonons: {name} must be a scalar or one value a mode, got shape "
                    f"{value.shape}."
                )

        if self.mixing is not None and jnp.ndim(self.mixing):
            raise ValueError(
                f"MovingPhonons: mixing is one time, got shape {jnp.shape(self.mixing)}."
            )
        held = self.coupling
        if self.initial is None or not isinstance(held, jax.Array) or isinstance(held, Tracer):
            return
        if np.any(np.asarray(held) == 0):
            raise ValueError(
                "MovingPhonons: initial needs a coupling above 0 for every mode: a reservoir "
                "without bounds keeps the temperature of the run."
            )

    @staticmethod
    def like_coupling(
        states: Scalar, modes: Scalar, lifetime=None, initial=None, mixing=None
    ) -> "MovingPhonons":
        """Phonons whose density of states is assumed to be proportional to α²F(ω).

        Args:
            states (scalar, 1/energy): ν0 per spin and cell.
            modes (scalar): phonon modes per cell, 3 for each atom.
            lifetime, initial, mixing: see `MovingPhonons`.

        Raises:
            ValueError: a number that is not positive.

        Example:
            >>> from jaxelph import EinsteinModes
            >>> phonons = MovingPhonons.like_coupling(0.5, 3.0)
            >>> print(phonons.on(EinsteinModes([2.0, 4.0], [0.5, 0.5])).coupling)  # F = 1, 2
            [1.  0.5]
        """
        for name, value in (("states", states), ("modes", modes)):
            refuse(f"MovingPhonons.like_coupling: {name}", value, positive=True)
        return MovingPhonons(PhononsLikeCoupling(states, modes), lifetime, initial, mixing)

    @staticmethod
    def of_density(
        omega: Real[ArrayLike, " row"],
        density: Real[ArrayLike, " row"],
        states: Scalar,
        lifetime=None,
        initial=None,
        mixing=None,
    ) -> "MovingPhonons":
        """Phonons with a table of their density of states, for a spectrum that is a table.

        Args:
            omega (array of shape (row,), energy): ascending frequencies.
            density (array of shape (row,), 1/energy): F(ω) ≥ 0, modes per energy and cell.
            states (scalar, 1/energy): ν0 per spin and cell.
            lifetime, initial, mixing: see `MovingPhonons`.

        Raises:
            ValueError: frequencies that do not ascend, or a number that is not finite.

        Example:
            >>> phonons = MovingPhonons.of_density([1.0, 2.0], [0.5, 1.0], 2.0)
            >>> print(phonons.coupling(1.5).round(3))
            5.333
        """
        refuse("MovingPhonons.of_density: omega", omega, ascending=True)
        refuse("MovingPhonons.of_density: density", density)
        refuse("MovingPhonons.of_density: states", states, positive=True)
        return MovingPhonons(PhononDensity(omega, density, states), lifetime, initial, mixing)

    def on(self, spectrum: EliashbergFunction) -> "PhononBranches":
        """The numbers for each mode of `spectrum`, or each of its quadrature nodes.

        Raises:
            ValueError: another number of values than the spectrum has modes, or a function of
                ω for a smooth spectrum that is no table.
        """
        omega, coupling = spectrum.modes()
        strength = coupling * omega
        return PhononBranches(
            omega=omega,
            strength=strength,
            coupling=self._coupling(spectrum, omega, strength),
            escape=self._escape(omega),
            mixing=None if self.mixing is None else 1 / self.mixing,
        )

    def _coupling(self, spectrum, omega, strength):
        if isinstance(self.coupling, PhononsLikeCoupling):
            # F_k is its share of the modes.
            area = jnp.sum(strength)
            return 2 * self.coupling.states * _over(area, strength) / self.coupling.modes
        if not callable(self.coupling):
            return _spread("coupling", self.coupling, omega)
        values = jnp.broadcast_to(jnp.asarray(self.coupling(omega), dtype=float), omega.shape)
        if not spectrum.smooth:
            return values
        if not isinstance(spectrum, TabulatedSpectrum):
            raise ValueError(
                "MovingPhonons: coupling as a function of ω is 2ν0 over a density of states and "
                "needs δ modes or a TabulatedSpectrum; give its values at the spectrum's nodes, or "
                "use MovingPhonons.like_coupling."
            )
        a2f = 0.5 * omega * jnp.interp(omega, spectrum.omega, 2 * spectrum.a2f / spectrum.omega)
        # A node stands for α²F dω = λω/2, and so for dω = λω/2α²F.
        return values * _over(2 * a2f, strength)

    def _escape(self, omega):
        if self.lifetime is None:
            return jnp.zeros_like(omega)
        value = self.lifetime(omega) if callable(self.lifetime) else self.lifetime
        return 1 / _spread("lifetime", jnp.asarray(value, dtype=float), omega)

    def start(self, branches: "PhononBranches", temperature: Scalar) -> Float[Array, " mode"]:
        """x_k at t = 0 of `branches`, see `on`, for a bath at `temperature` (scalar, energy)."""
        if self.initial is None:
            return jnp.zeros_like(branches.omega)
        bath = bose(branches.omega, temperature)
        first = self.initial
        first = bose(branches.omega, first) if first.ndim == 0 else first
        return (_spread("initial", first, branches.omega) - bath) / branches.coupling


class PhononBranches(eqx.Module):
    """`MovingPhonons` for the modes of one spectrum."""

    omega: Float[Array, " mode"]
    strength: Float[Array, " mode"]  # λ_kω_k
    coupling: Float[Array, " mode"]  # 2ν0/F_k
    escape: Float[Array, " mode"]  # 1/τ_k
    mixing: Float[Array, ""] | None = None  # 1/τ_m

    @property
    def relaxation(self) -> Float[Array, " mode"]:
        """The rate of N_k by electrons, (2ν0/F_k) λ_kω_k² (array of shape (mode,), energy)."""
        return self.coupling * self.strength * self.omega

    @property
    def mixing_rate(self) -> Float[Array, " mode"]:
        """1/τ_m of the modes that move (array of shape (mode,), energy)."""
        none = jnp.zeros_like(self.omega)
        return none if self.mixing is None else jnp.where(self.coupling > 0, self.mixing, none)

    def shared(
        self, temperature: Scalar, stored: Float[Array, " mode"]
    ) -> tuple[Float[Array, " mode"], Float[Array, " mode"]]:
        """x_k of phonons at one temperature with the energy of x, `stored`, and how they grow
        with that energy; `temperature` (scalar, energy) is the bath's.

        The temperature is found without derivatives, and what is left of the energy is shared out
        to first order: Σω_kx_k is kept to rounding, and first derivatives are exact.
        """
        omega, capacity = self.omega, _over(jnp.where(self.coupling > 0, 1.0, 0.0), self.coupling)
        energy = jnp.sum(jnp.where(self.coupling > 0, omega * stored, 0.0))
        cold = bose(omega, temperature)

        def at(hot):
            return capacity * (bose(omega, hot) - cold)

        def missing(logarithm):
            return (fixed - omega @ at(temperature * jnp.exp(logarithm))) / scale

        fixed = jax.lax.stop_gradient(energy)
        grows = omega @ jax.jvp(at, (temperature,), (jnp.ones_like(temperature),))[1]
        scale = jax.lax.stop_gradient(temperature * jnp.where(grows > 0, grows, 1.0))
        zero = jnp.zeros(())
        logarithm = falling_root(missing, zero - 3, zero + 7, zero)
        hot = temperature * jnp.exp(jax.lax.stop_gradient(logarithm))
        values, slopes = jax.jvp(at, (hot,), (jnp.ones_like(hot),))
        slopes = _over(slopes, jnp.broadcast_to(omega @ slopes, slopes.shape))
        return values + slopes * (energy - omega @ values), slopes


def _over(numerator, denominator):
    there = denominator != 0
    return jnp.where(there, numerator / jnp.where(there, denominator, 1.0), 0.0)


def _spread(name, value, omega):
    if value.ndim and value.shape != omega.shape:
        raise ValueError(
            f"MovingPhonons: {name} has {value.shape[0]} values, the spectrum {omega.shape[0]} "
            "modes (or quadrature nodes at this temperature, see at_temperature): give one value, "
            "one a mode, or a function of ω."
        )
    return jnp.broadcast_to(value, omega.shape)


def occupations(
    branches: PhononBranches, temperature: Scalar, stored: Float[Array, "*time mode"]
) -> Float[Array, "*time mode"]:
    """N_k from x_k, `stored`."""
    bath, coupling = bose(branches.omega, temperature), branches.coupling
    return jnp.broadcast_to(bath, stored.shape) + jnp.broadcast_to(coupling, stored.shape) * stored


def effective_temperatures(
    omega: Float[Array, " mode"], occupied: Float[Array, "*time mode"]
) -> Float[Array, "*time mode"]:
    """T_k = ω_k/ln(1 + 1/N_k), that of an equilibrium with the same N_k.

    Example:
        >>> print(effective_temperatures(jnp.array([2.0]), bose(jnp.array([2.0]), 0.7)).round(9))
        [0.7]
    """
    return jnp.broadcast_to(omega, occupied.shape) / jnp.log1p(1 / occupied)
