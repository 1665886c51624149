"""The Eliashberg function α²F(ω) in the forms a metal's spectrum is known in.

Every kind is a pytree that yields its quadrature nodes: modes (ω_q, λ_q) such that

    α²F(ω) = Σ_q (λ_q ω_q / 2) δ(ω - ω_q),        λ = ∫ 2 α²F(ω)/ω dω = Σ_q λ_q,

which is exact for Einstein modes and a quadrature rule for smooth spectra. All of the
physics is a sum over these nodes, hence differentiable in every parameter of the spectrum.
Energies are in any one unit, the caller's.
"""

import abc
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float, Real
from jaxtyping import ArrayLike as _ArrayLike

from ..numerics.checks import refuse
from .description import counted, describe, line

Scalar = Real[_ArrayLike, ""]


def as_float(x) -> Array:
    return jnp.asarray(x, dtype=jnp.result_type(float))


def as_vector(x) -> Array:
    if any(isinstance(part, Tracer) for part in jax.tree.leaves(x)):
        x = as_float(x)
    else:
        # Frequencies that are known stay so in a function that is being traced: nodes are counted
        # by them.
        with jax.ensure_compile_time_eval():
            x = as_float(x)
    # By reshape, and only where need be: each length would be compiled for.
    return x.reshape(1) if x.ndim == 0 else x


def concrete_vector(x) -> np.ndarray:
    """By NumPy, for `description`; NaN of nothing, which a filtered tree has in its place."""
    return np.asarray(x, dtype=float)


class EliashbergFunction(eqx.Module):
    r"""An Eliashberg function α²F(ω), abstract: see the concrete kinds in this module.

    Every kind is a pytree that yields modes, $\alpha^2F(\omega) = \sum_q\tfrac12\lambda_q
    \omega_q\,\delta(\omega-\omega_q)$. Its `repr` says λ, ω_log and the range of ω. Of its
    methods `spacing` (scalar, energy) is how far apart quadrature nodes may be, `factor` (scalar)
    multiplies α²F, `share` (scalar) is one of ∫α²F dω, `omega` (array of shape (frequency,),
    energy) are frequencies.

    Example:
        >>> s = EinsteinModes([5.0, 8.0], [0.7, 0.4])
        >>> print(s, *s.scaled(2.0).modes()[1])
        EinsteinModes(λ = 1.1, ω_log = 5.932, ω from 5 to 8, 2 modes) 1.4 0.8
    """

    # Whether `modes` is a quadrature rule for a function rather than the spectrum itself.
    smooth: ClassVar[bool] = True

    @abc.abstractmethod
    def modes(self) -> tuple[Float[Array, " mode"], Float[Array, " mode"]]:
        """Quadrature nodes: frequencies ω_q > 0 and couplings λ_q, Σ λ_q = λ."""

    def __repr__(self):
        return describe(self)

    def _in_numbers(self) -> str | None:
        """One line with λ, ω_log and the range, by NumPy; None where there is none."""
        return None

    @abc.abstractmethod
    def scaled(self, factor: Scalar) -> "EliashbergFunction":
        """The same spectrum with α²F multiplied by `factor`."""

    def resolved(self, spacing: float) -> "EliashbergFunction":
        """The same spectrum with quadrature nodes no further apart than about `spacing`.

        A smooth α²F may be replaced by δ modes only if thermal smearing, and the step of the
        energy grid, cover their spacing: see `at_temperature`, which chooses it. Spectra that
        are made of modes return themselves.
        """
        del spacing
        return self

    def area_quantile(self, share: float) -> Float[Array, ""]:
        """The frequency below which `share` of ∫α²F dω lies, 0 where there is no α²F.

        For δ modes it is the frequency of the mode with which the share is reached.
        """
        omega, coupling = self.modes()
        order = jnp.argsort(jax.lax.stop_gradient(omega))
        below = jnp.cumsum((coupling * omega)[order])
        reached = jnp.argmax(below >= share * below[-1])
        return jnp.where(below[-1] > 0, omega[order][reached], 0.0)

    def coarse_modes(self) -> tuple[Float[Array, " mode"], Float[Array, " mode"]]:
        """Nodes for functions of ω that are singular on the imaginary axis only.

        Powers, logarithms, Bose functions, Matsubara sums and the specific heat are: no
        temperature needs more nodes than these. Those of `modes`, unless fewer do. A table has
        them whatever its rows, so that Tc, C_el and what electron energies come into are all
        integrals of one and the same density.
        """
        return self.modes()

    def carriers(self) -> tuple[Float[Array, " mode"], Float[Array, " mode"]]:
        """Frequencies, and what is zero where none of the coupling is: rows of a table."""
        return self.modes()

    def moment_modes(self) -> tuple[Float[Array, " mode"], Float[Array, " mode"]]:
        """Nodes for λ and the moments: of a table its rows, whatever its quadrature nodes.

        The trapezoidal rule over the rows is how the codes that write tables sum them, and what
        their λ and ω_log are compared with.
        """
        return self.modes()

    def rows(self) -> "EliashbergFunction":
        """Of a table `moment_modes`, in one of few numbers of them; any other spectrum itself."""
        return self

    def lengthened(self) -> "EliashbergFunction":
        """Of a table itself in one of few lengths, its last row repeated without α²F.

        Integrals over the rows are the same; any other spectrum is returned as it is.
        """
        return self

    def cumulative(self, omega: Float[Array, " frequency"]) -> Float[Array, " frequency"]:
        """See `cumulative_coupling`."""
        node, coupling = self.modes()
        return jnp.heaviside(omega[:, None] - node[None, :], 0.5) @ coupling

    def ramp_integral(self, omega: Float[Array, " frequency"]) -> Float[Array, " frequency"]:
        """∫_0^Ω (Ω - x) α²F(x) dx (energy²) up to each Ω of `omega`: T = 0 has no nodes."""
        node, coupling = self.modes()
        return jnp.maximum(omega[:, None] - node[None, :], 0.0) @ (coupling * node / 2)

    def sampled(self, spacing: float | None = None) -> "EliashbergFunction":
        """Of a table its nodes alone, in one of few numbers of them; any other spectrum itself.

        What is compiled for them serves tables of every length.

        Args:
            spacing (scalar, energy): see `resolved`; without it those of `coarse_modes`.
        """
        return self if spacing is None else self.resolved(spacing)


class EinsteinModes(EliashbergFunction):
    r"""δ modes: $\alpha^2F(\omega) = \sum_k \tfrac12 \lambda_k\omega_k\,\delta(\omega-\omega_k)$.

    Args:
        omega (array of shape (mode,), energy): mode frequencies ω_k > 0.
        coupling (array of shape (mode,)): couplings λ_k.

    Raises:
        ValueError: shapes differ, a frequency is not positive or a number not finite.

    Example:
        >>> from jaxelph import coupling_constant
        >>> s = EinsteinModes([5.0, 8.0], [0.7, 0.4])
        >>> print(f"{coupling_constant(s):.4f}")
        1.1000
    """

    smooth: ClassVar[bool] = False

    omega: Float[Array, " mode"] = eqx.field(converter=as_vector)
    coupling: Float[Array, " mode"] = eqx.field(converter=as_vector)

    def __check_init__(self):
        check_shapes("EinsteinModes", omega=self.omega, coupling=self.coupling)
        refuse("EinsteinModes: omega", self.omega, positive=True)
        refuse("EinsteinModes: coupling", self.coupling)

    def modes(self):
        return self.omega, self.coupling

    def scaled(self, factor):
        return EinsteinModes(self.omega, self.coupling * factor)

    def _in_numbers(self):
        nodes = concrete_vector(self.omega), concrete_vector(self.coupling)
        return line("EinsteinModes", nodes, "", counted(nodes[0].size, "mode"))


#: Nodes of one Gauss-Legendre panel at most: what NumPy's own are exact to.
MOST_GAUSS = 256


class DebyeSpectrum(EliashbergFunction):
    r"""Debye-like spectrum $\alpha^2F(\omega) = \lambda\,(\omega/\omega_D)^2$ for ω < ω_D.

    Args:
        cutoff (scalar, energy): ω_D.
        coupling (scalar): λ.
        order: Gauss-Legendre nodes on (0, ω_D), a few more where they are many.

    Raises:
        ValueError: ω_D is not positive or a number not finite.

    Example:
        >>> from jaxelph import log_frequency
        >>> print(f"{log_frequency(DebyeSpectrum(10.0, 0.5)):.5f}")  # ω_D / √e
        6.06531
    """

    cutoff: Float[Array, ""] = eqx.field(converter=as_float)
    coupling: Float[Array, ""] = eqx.field(converter=as_float)
    order: int = eqx.field(static=True, default=64)

    def __check_init__(self):
        refuse("DebyeSpectrum: cutoff", self.cutoff, positive=True)
        refuse("DebyeSpectrum: coupling", self.coupling)

    def modes(self):
        # Panels of many nodes: to find Gauss's takes time as order³.
        panels = -(-self.order // MOST_GAUSS)
        node, weight = np.polynomial.legendre.leggauss(-(-self.order // panels))
        x = ((node + 1) / 2 + np.arange(panels)[:, None]).ravel() / panels
        dx = np.tile(weight / 2, panels) / panels
        return self.cutoff * x, self.coupling * (2 * x * dx)

    def scaled(self, factor):
        return DebyeSpectrum(self.cutoff, self.coupling * factor, self.order)

    def _in_numbers(self):
        cutoff, coupling = concrete_vector(self.cutoff), concrete_vector(self.coupling)
        if cutoff.ndim or coupling.ndim or not np.isfinite(coupling) or not 0 < cutoff < np.inf:
            return None
        return (
            f"DebyeSpectrum(λ = {coupling:.4g}, ω_log = {cutoff / np.sqrt(np.e):.4g}, "
            f"ω from 0 to {cutoff:.4g})"
        )

    def resolved(self, spacing):
        # Gauss nodes are π/2 times wider apart in the middle than on average.
        order = max(self.order, int(np.ceil(np.pi / 2 * float(self.cutoff) / spacing)))
        return DebyeSpectrum(self.cutoff, self.coupling, order)

    def area_quantile(self, share):
        return jnp.where(self.coupling > 0, self.cutoff * share ** (1 / 3), 0.0)

    def ramp_integral(self, omega):
        end = jnp.clip(omega, 0.0, self.cutoff)
        return self.coupling / self.cutoff**2 * end**3 * (omega / 3 - end / 4)


def check_shapes(kind: str, **fields: Array) -> None:
    shapes = {name: value.shape for name, value in fields.items() if hasattr(value, "shape")}
    if len(set(shapes.values())) > 1 or any(len(shape) != 1 for shape in shapes.values()):
        told = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ValueError(f"{kind}: its arrays must be vectors of one length, got {told}.")
