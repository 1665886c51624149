"""The Eliashberg function α²F(ω) in the forms a metal's spectrum is known in.

Every kind is a pytree that yields its quadrature nodes: modes (ω_q, λ_q) such that

    α²F(ω) = Σ_q (λ_q ω_q / 2) δ(ω - ω_q),        λ = ∫ 2 α²F(ω)/ω dω = Σ_q λ_q,

which is exact for Einstein modes and a quadrature rule for smooth spectra. All of the
physics is a sum over these nodes, hence differentiable in every parameter of the spectrum.
Energies are in any one unit, the caller's.
"""

import abc
import dataclasses
from functools import partial
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Real
from jaxtyping import ArrayLike as _ArrayLike

from .numerics import trapezoid_weights

Scalar = Real[_ArrayLike, ""]


def _as_float(x) -> Array:
    return jnp.asarray(x, dtype=jnp.result_type(float))


def _as_vector(x) -> Array:
    return jnp.atleast_1d(_as_float(x))


@dataclasses.dataclass(frozen=True, eq=False)
class Provenance:
    """Where a spectrum came from and what its file says of itself.

    All provenances compare equal: they take no part in any computation, and a compiled
    function need not be compiled anew for every file.
    """

    path: str
    format: str  # the layout, "qe-matdyn" or "epw", say
    code: str  # the program that wrote the file, for people
    unit: str  # of the file's frequencies, a key of `units.MEV_PER_UNIT`
    column: int  # which α²F column was taken, counted from 1
    columns: int = 1  # how many the file has
    smearings: tuple[float, ...] = ()  # one for each column (or file), as far as stated
    smearing_kind: str = ""  # "electron, Ry" or "phonon, meV", say
    convention: str = "2∫α²F/ω"  # how λ follows from the file's own values
    coupling: float | None = None  # λ of the table, by the rule of the code that wrote it
    stated_coupling: float | None = None  # λ as the file states it
    log_frequency: float | None = None  # ω_log of the table, meV
    stated_log_frequency: float | None = None  # as the file states it, meV
    dropped_rows: int = 0  # rows with ω ≤ 0
    negative_weight: float = 0.0  # share of λ in negative α²F: |∫ min(α²F,0)/ω| / ∫ |α²F|/ω
    warnings: tuple[str, ...] = ()  # what `read_a2f` warned of, a sentence each
    notes: tuple[str, ...] = ()  # whatever else a person should know, a sentence each

    def __eq__(self, other):
        return isinstance(other, Provenance)

    def __hash__(self):
        return hash(Provenance)


class EliashbergFunction(eqx.Module):
    """An Eliashberg function α²F(ω), abstract: see the concrete kinds in this module."""

    # Whether `modes` is a quadrature rule for a function rather than the spectrum itself.
    smooth: ClassVar[bool] = True

    @abc.abstractmethod
    def modes(self) -> tuple[Float[Array, " mode"], Float[Array, " mode"]]:
        """Quadrature nodes: frequencies ω_q > 0 and couplings λ_q, Σ λ_q = λ."""

    @abc.abstractmethod
    def scaled(self, factor: Scalar) -> "EliashbergFunction":
        """The same spectrum with α²F multiplied by `factor`."""

    def resolved(self, spacing: float) -> "EliashbergFunction":
        """The same spectrum with quadrature nodes no further apart than about `spacing`.

        A smooth α²F may be replaced by δ modes only if thermal smearing covers their
        spacing; `spacing ≲ T` is ample. Spectra that are made of modes return themselves.
        """
        del spacing
        return self


class EinsteinModes(EliashbergFunction):
    r"""δ modes: $\alpha^2F(\omega) = \sum_k \tfrac12 \lambda_k\omega_k\,\delta(\omega-\omega_k)$.

    Args:
        omega (array of shape (mode,), energy): mode frequencies ω_k > 0.
        coupling (array of shape (mode,)): couplings λ_k.

    Example:
        >>> s = EinsteinModes([5.0, 8.0], [0.7, 0.4])
        >>> print(f"{coupling_constant(s):.4f}")
        1.1000
    """

    smooth: ClassVar[bool] = False

    omega: Float[Array, " mode"] = eqx.field(converter=_as_vector)
    coupling: Float[Array, " mode"] = eqx.field(converter=_as_vector)

    def __check_init__(self):
        _same_shape("EinsteinModes", omega=self.omega, coupling=self.coupling)

    def modes(self):
        return self.omega, self.coupling

    def scaled(self, factor):
        return EinsteinModes(self.omega, self.coupling * factor)


class GaussianPeaks(EliashbergFunction):
    r"""Gaussian peaks in α²F:

    $$\alpha^2F(\omega) = \sum_p c_p \exp[-(\omega-\omega_p)^2/2w_p^2], \quad \omega > 0,$$

    with $c_p$ such that peak p carries the coupling λ_p. The tail is cut eight widths from
    the centre, and at ω = 0.

    Args:
        omega (array of shape (peak,), energy): centres ω_p.
        width (array of shape (peak,), energy): standard deviations w_p.
        coupling (array of shape (peak,)): coupling λ_p of each peak.
        order: nodes a peak. They are spaced 16 w/order apart; properties at temperature
            T converge as exp(-2π² T/spacing).

    Example:
        >>> s = GaussianPeaks([50.0], [5.0], [1.5])
        >>> print(f"{coupling_constant(s):.6f} {log_frequency(s):.6f}")
        1.500000 49.230731
    """

    omega: Float[Array, " peak"] = eqx.field(converter=_as_vector)
    width: Float[Array, " peak"] = eqx.field(converter=_as_vector)
    coupling: Float[Array, " peak"] = eqx.field(converter=_as_vector)
    order: int = eqx.field(static=True, default=128)

    def __check_init__(self):
        _same_shape("GaussianPeaks", omega=self.omega, width=self.width, coupling=self.coupling)

    def modes(self):
        # The midpoint rule converges geometrically for a Gaussian that decays at both ends.
        low = jnp.maximum(self.omega - 8 * self.width, 0.0)
        high = self.omega + 8 * self.width
        x = (jnp.arange(self.order) + 0.5) / self.order
        omega = low[:, None] + (high - low)[:, None] * x[None, :]
        offset = (omega - self.omega[:, None]) / self.width[:, None]
        shape = jnp.exp(-0.5 * offset**2) / omega
        coupling = self.coupling[:, None] * shape / jnp.sum(shape, axis=1, keepdims=True)
        return omega.ravel(), coupling.ravel()

    def scaled(self, factor):
        return GaussianPeaks(self.omega, self.width, self.coupling * factor, self.order)

    def resolved(self, spacing):
        order = max(self.order, int(np.ceil(16 * float(jnp.max(self.width)) / spacing)))
        return GaussianPeaks(self.omega, self.width, self.coupling, order)


class DebyeSpectrum(EliashbergFunction):
    r"""Debye-like spectrum $\alpha^2F(\omega) = \lambda\,(\omega/\omega_D)^2$ for ω < ω_D.

    Args:
        cutoff (scalar, energy): ω_D.
        coupling (scalar): λ.
        order: Gauss-Legendre nodes on (0, ω_D).

    Example:
        >>> print(f"{log_frequency(DebyeSpectrum(10.0, 0.5)):.5f}")  # ω_D / √e
        6.06531
    """

    cutoff: Float[Array, ""] = eqx.field(converter=_as_float)
    coupling: Float[Array, ""] = eqx.field(converter=_as_float)
    order: int = eqx.field(static=True, default=64)

    def modes(self):
        node, weight = np.polynomial.legendre.leggauss(self.order)
        x, dx = (node + 1) / 2, weight / 2
        return self.cutoff * x, self.coupling * (2 * x * dx)

    def scaled(self, factor):
        return DebyeSpectrum(self.cutoff, self.coupling * factor, self.order)

    def resolved(self, spacing):
        # Gauss nodes are π/2 times wider apart in the middle than on average.
        order = max(self.order, int(np.ceil(np.pi / 2 * float(self.cutoff) / spacing)))
        return DebyeSpectrum(self.cutoff, self.coupling, order)


class TabulatedSpectrum(EliashbergFunction):
    r"""α²F on a table of frequencies, as electron-phonon codes print it.

    Between table points the density of coupling 2α²F(ω)/ω is linear, so that λ is the
    trapezoidal sum over the table whatever the refinement.

    Args:
        omega (array of shape (row,), energy): ascending frequencies, all > 0.
        a2f (array of shape (row,)): α²F at these frequencies, dimensionless.
        refinement: each interval is cut into this many, see `resolved`.
        provenance: where the table came from, set by `read_a2f`.

    Example:
        >>> w = np.linspace(0.01, 10.0, 1000)
        >>> s = TabulatedSpectrum(w, 0.5 * (w / 10) ** 2)
        >>> print(f"{coupling_constant(s):.5f}")
        0.50000
    """

    omega: Float[Array, " row"] = eqx.field(converter=_as_vector)
    a2f: Float[Array, " row"] = eqx.field(converter=_as_vector)
    refinement: int = eqx.field(static=True, default=1)
    provenance: "Provenance | None" = eqx.field(static=True, default=None)

    def __check_init__(self):
        _same_shape("TabulatedSpectrum", omega=self.omega, a2f=self.a2f)
        if self.omega.shape[0] < 2:
            raise ValueError("TabulatedSpectrum needs at least two rows.")

    def modes(self):
        omega, density = self.omega, 2 * self.a2f / self.omega
        if self.refinement > 1:
            x = jnp.arange(self.refinement) / self.refinement

            def refine(y):
                inner = y[:-1, None] + (y[1:] - y[:-1])[:, None] * x[None, :]
                return jnp.append(inner.ravel(), y[-1])

            omega, density = refine(omega), refine(density)
        return omega, density * trapezoid_weights(omega)

    def scaled(self, factor):
        return TabulatedSpectrum(self.omega, self.a2f * factor, self.refinement)

    def resolved(self, spacing):
        refinement = int(np.ceil(np.max(np.diff(np.asarray(self.omega))) / spacing))
        refinement = max(self.refinement, refinement)
        return TabulatedSpectrum(self.omega, self.a2f, refinement, self.provenance)


def _same_shape(kind: str, **fields: Array) -> None:
    shapes = {name: value.shape for name, value in fields.items() if hasattr(value, "shape")}
    if len(set(shapes.values())) > 1 or any(len(shape) != 1 for shape in shapes.values()):
        told = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ValueError(f"{kind}: its arrays must be vectors of one length, got {told}.")


@partial(jax.jit, static_argnames="power")
def moment(spectrum: EliashbergFunction, power: int) -> Float[Array, ""]:
    r"""Moment $\langle\omega^n\rangle = \lambda^{-1}\int 2\alpha^2F\,\omega^{n-1}d\omega$.

    Args:
        spectrum: an Eliashberg function.
        power: n.

    Returns:
        ⟨ωⁿ⟩ (scalar, energyⁿ).

    Example:
        >>> print(f"{moment(EinsteinModes([3.0, 5.0], [0.5, 0.5]), 2):.1f}")
        17.0
    """
    omega, coupling = spectrum.modes()
    return jnp.sum(coupling * omega**power) / jnp.sum(coupling)


@jax.jit
def coupling_constant(spectrum: EliashbergFunction) -> Float[Array, ""]:
    r"""Electron-phonon coupling $\lambda = 2\int \alpha^2F(\omega)/\omega\,d\omega$.

    Example:
        >>> print(f"{coupling_constant(EinsteinModes([3.0, 5.0], [0.5, 0.25])):.2f}")
        0.75
    """
    return jnp.sum(spectrum.modes()[1])


@jax.jit
def log_frequency(spectrum: EliashbergFunction) -> Float[Array, ""]:
    r"""$\omega_{\log} = \exp[\lambda^{-1}\int (2\alpha^2F/\omega)\ln\omega\,d\omega]$ (energy).

    A spectrum without coupling has none: 0, as its `maximum_frequency`.

    Example:
        >>> print(f"{log_frequency(EinsteinModes([2.0, 8.0], [0.5, 0.5])):.4f}")
        4.0000
    """
    omega, coupling = spectrum.modes()
    total = jnp.sum(coupling)
    absent = total == 0
    mean = jnp.sum(coupling * jnp.log(omega)) / jnp.where(absent, 1.0, total)
    return jnp.where(absent, 0.0, jnp.exp(mean))


@jax.jit
def rms_frequency(spectrum: EliashbergFunction) -> Float[Array, ""]:
    r"""Allen and Dynes' $\bar\omega_2 = \langle\omega^2\rangle^{1/2}$ (energy).

    Example:
        >>> print(f"{rms_frequency(EinsteinModes([3.0, 5.0], [0.5, 0.5])):.4f}")
        4.1231
    """
    return jnp.sqrt(moment(spectrum, 2))


@jax.jit
def spectral_area(spectrum: EliashbergFunction) -> Float[Array, ""]:
    r"""The area $\int \alpha^2F(\omega)\,d\omega = \lambda\langle\omega\rangle/2$ (energy).

    Example:
        >>> print(f"{spectral_area(EinsteinModes([4.0], [0.5])):.2f}")
        1.00
    """
    omega, coupling = spectrum.modes()
    return jnp.sum(coupling * omega) / 2


@jax.jit
def cumulative_coupling(
    spectrum: EliashbergFunction, omega: Real[_ArrayLike, " frequency"]
) -> Float[Array, " frequency"]:
    r"""Cumulative coupling $\lambda(\omega) = 2\int_0^\omega \alpha^2F(x)/x\,dx$.

    A node exactly at ω counts half.

    Args:
        spectrum: an Eliashberg function.
        omega (array of shape (frequency,), energy): where to evaluate it.

    Example:
        >>> s = EinsteinModes([3.0, 5.0], [0.5, 0.25])
        >>> print(cumulative_coupling(s, np.array([1.0, 4.0, 6.0])))
        [0.   0.5  0.75]
    """
    node, coupling = spectrum.modes()
    below = jnp.heaviside(jnp.asarray(omega)[:, None] - node[None, :], 0.5)
    return below @ coupling


@jax.jit
def maximum_frequency(spectrum: EliashbergFunction) -> Float[Array, ""]:
    """The top of the spectrum: the largest frequency that carries coupling (energy).

    For a table that is its last row with α²F ≠ 0.

    Example:
        >>> print(f"{maximum_frequency(EinsteinModes([3.0, 5.0], [0.5, 0.25])):.1f}")
        5.0
    """
    omega, coupling = spectrum.modes()
    return jnp.max(jnp.where(coupling != 0, omega, 0.0))
