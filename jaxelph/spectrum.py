"""The Eliashberg function α²F(ω) in the forms a metal's spectrum is known in.

Every kind is a pytree that yields its quadrature nodes: modes (ω_q, λ_q) such that

    α²F(ω) = Σ_q (λ_q ω_q / 2) δ(ω - ω_q),        λ = ∫ 2 α²F(ω)/ω dω = Σ_q λ_q,

which is exact for Einstein modes and a quadrature rule for smooth spectra. All of the
physics is a sum over these nodes, hence differentiable in every parameter of the spectrum.
Energies are in any one unit, the caller's.
"""

import abc
import dataclasses
import functools
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.scipy.special import erf
from jaxtyping import Array, Float, Real
from jaxtyping import ArrayLike as _ArrayLike
from scipy.special import expit

from .checks import checked, refuse
from .description import counted, describe, line
from .numerics import trapezoid_weights
from .panels import (
    NODES_PER_T,
    ORDER,
    WIDTH,
    bucket,
    cumulative_integral,
    geometric_edges,
    panel_nodes,
    thermal_edges,
    widest_panel,
)
from .typed import jit

Scalar = Real[_ArrayLike, ""]
_Function = TypeVar("_Function", bound=Callable)


def _as_float(x) -> Array:
    return jnp.asarray(x, dtype=jnp.result_type(float))


def _as_vector(x) -> Array:
    # By reshape, and only where need be: each length would be compiled for.
    x = _as_float(x)
    return x.reshape(1) if x.ndim == 0 else x


def _known(x) -> np.ndarray:
    """By NumPy, for `description`; NaN of nothing, which a filtered tree has in its place."""
    return np.asarray(x, dtype=float)


@dataclasses.dataclass(frozen=True)
class Provenance:
    """Where a spectrum came from and what its file says of itself.

    It is no part of the spectrum as a pytree, see `TabulatedSpectrum`.

    Args:
        path: of the file.
        format: the layout, "qe-matdyn" or "epw", say.
        code: the program that wrote the file, for people.
        unit: of the file's frequencies, a key of `units.MEV_PER_UNIT`.
        column: which α²F column was taken, counted from 1.
        columns: how many the file has.
        smearings: one for each column (or file), as far as stated.
        smearing_kind: "electron, Ry" or "phonon, meV", say.
        convention: how λ follows from the file's own values.
        coupling (scalar): λ by the rule of the code that wrote it, see `coupling_constant`.
        stated_coupling (scalar): λ as the file states it.
        log_frequency (scalar, meV): ω_log likewise.
        stated_log_frequency (scalar, meV): as the file states it.
        dropped_rows: how many rows have ω ≤ 0.
        negative_weight (scalar): share of λ in negative α²F, |∫ min(α²F,0)/ω| / ∫ |α²F|/ω.
        warnings: what `read_a2f` warned of, a sentence each.
        notes: whatever else a person should know, a sentence each.
        label: what this column is, a smearing or a mode; empty for the only one.
        coupling_range (pair of scalars): least and largest λ over the columns.

    Example:
        >>> where = Provenance("pb.a2f", "epw", "EPW", "meV", 2, columns=10, coupling=1.2)
        >>> print(where.code, where.column, where.convention)
        EPW 2 2∫α²F/ω
    """

    path: str
    format: str
    code: str
    unit: str
    column: int
    columns: int = 1
    smearings: tuple[float, ...] = ()
    smearing_kind: str = ""
    convention: str = "2∫α²F/ω"
    coupling: float | None = None
    stated_coupling: float | None = None
    log_frequency: float | None = None
    stated_log_frequency: float | None = None
    dropped_rows: int = 0
    negative_weight: float = 0.0
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    label: str = ""
    coupling_range: tuple[float, float] | None = None


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
        temperature needs more nodes than these. Those of `modes`, unless fewer do.
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

    def few_modes(self) -> tuple[Float[Array, " mode"], Float[Array, " mode"]]:
        """Nodes for what varies with ω on the scale of ω itself: Tc, the specific heat, ξ.

        The rows of a table that has few, as for the moments; a longer one's are merged, those of
        `coarse_modes`, which its rows' sums agree with to the square of their spacing.
        """
        return self.coarse_modes()

    def rows(self) -> "EliashbergFunction":
        """Of a table `moment_modes`, in one of few numbers of them; any other spectrum itself."""
        return self

    def cumulative(self, omega: Float[Array, " frequency"]) -> Float[Array, " frequency"]:
        """See `cumulative_coupling`."""
        node, coupling = self.modes()
        return jnp.heaviside(omega[:, None] - node[None, :], 0.5) @ coupling

    def sampled(self, spacing: float | None = None) -> "EliashbergFunction":
        """Of a table its nodes alone, in one of few numbers of them; any other spectrum itself.

        What is compiled for them serves tables of every length.

        Args:
            spacing (scalar, energy): see `resolved`; without it the nodes of `few_modes`.
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
        >>> s = EinsteinModes([5.0, 8.0], [0.7, 0.4])
        >>> print(f"{coupling_constant(s):.4f}")
        1.1000
    """

    smooth: ClassVar[bool] = False

    omega: Float[Array, " mode"] = eqx.field(converter=_as_vector)
    coupling: Float[Array, " mode"] = eqx.field(converter=_as_vector)

    def __check_init__(self):
        _same_shape("EinsteinModes", omega=self.omega, coupling=self.coupling)
        refuse("EinsteinModes: omega", self.omega, positive=True)
        refuse("EinsteinModes: coupling", self.coupling)

    def modes(self):
        return self.omega, self.coupling

    def scaled(self, factor):
        return EinsteinModes(self.omega, self.coupling * factor)

    def _in_numbers(self):
        nodes = _known(self.omega), _known(self.coupling)
        return line("EinsteinModes", nodes, "", counted(nodes[0].size, "mode"))


class GaussianPeaks(EliashbergFunction):
    r"""Gaussian peaks in α²F:

    $$\alpha^2F(\omega) = \sum_p c_p\,e^{-(\omega-\omega_p)^2/2w_p^2}
        \left(1 - e^{-2\omega^2/w_p^2}\right), \quad \omega > 0,$$

    with $c_p$ such that peak p carries the coupling λ_p. The last factor makes α²F vanish as
    ω², as phonons' does: without it ∫α²F/ω dω diverges. It changes a peak by e^{-0.4 ω_p²/w_p²},
    by 10⁻¹¹ at ω_p = 8 w_p. The tail is cut eight widths from the centre.

    Args:
        omega (array of shape (peak,), energy): centres ω_p > 0.
        width (array of shape (peak,), energy): standard deviations w_p > 0.
        coupling (array of shape (peak,)): coupling λ_p of each peak.
        order: nodes a peak. They are 16 w/order apart, for wide peaks up to 23 w/order;
            properties at temperature T converge as exp(-2π² T/spacing), λ and all other
            moments to rounding for any order ≥ 64.

    Raises:
        ValueError: shapes differ, a centre or width is not positive or a number not finite.

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
        refuse("GaussianPeaks: omega", self.omega, positive=True)
        refuse("GaussianPeaks: width", self.width, positive=True)
        refuse("GaussianPeaks: coupling", self.coupling)

    def _range(self):
        """Where the nodes lie, in y with ω = ½w ln(1 + e^{2y/w}): all ω > 0 are on this line."""
        return _peak_range(self.omega, self.width, jnp)

    def modes(self):
        return _peak_nodes(self.omega, self.width, self.coupling, self.order, jnp, jax.nn.sigmoid)

    def _in_numbers(self):
        peaks = [_known(x) for x in (self.omega, self.width, self.coupling)]
        ordinary = all(x.ndim == 1 and x.shape == peaks[0].shape for x in peaks)
        if not ordinary or not np.all(np.isfinite(peaks)) or not np.all(np.array(peaks[:2]) > 0):
            return None
        omega, width, coupling = peaks
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            nodes = _peak_nodes(omega, width, coupling, self.order, np, expit)
        return line("GaussianPeaks", nodes, "", counted(peaks[0].size, "peak"))

    def a2f(self, omega: Float[Array, " frequency"]) -> Float[Array, " frequency"]:
        """α²F at `omega` (arrays of shape (frequency,)), 0 where a tail is cut."""
        area = jnp.sum(jnp.prod(jnp.stack(self.modes()), axis=0).reshape(-1, self.order), axis=1)
        height = area / 2 / (self.width * np.sqrt(np.pi / 2) * self._weight_below())
        z = omega[:, None] / self.width[None, :]
        offset = z - (self.omega / self.width)[None, :]
        shape = jnp.exp(-0.5 * offset**2) * -jnp.expm1(-2 * z**2)
        return jnp.where((jnp.abs(offset) < 8) & (z > 0), shape, 0.0) @ height

    def _weight_below(self, x=None):
        """∫α²F dω up to x, or to infinity, for c w √(π/2) = 1. Both terms of α²F are Gaussians,
        the second one about ω_p/5 with the variance w²/5."""
        a, w, s = self.omega / self.width, np.sqrt(0.5), np.sqrt(2.5)
        first, second = 1.0, 1.0
        if x is not None:
            first, second = erf((x / self.width - a) * w), erf((x / self.width - a / 5) * s)
        both = jnp.exp(-0.4 * a**2) / np.sqrt(5)
        return first + erf(a * w) - both * (second + erf(a / 5 * s))

    def scaled(self, factor):
        return GaussianPeaks(self.omega, self.width, self.coupling * factor, self.order)

    def resolved(self, spacing):
        # Also where something else is being traced: how many nodes there are must be known.
        with jax.ensure_compile_time_eval():
            low, high = self._range()
            longest = float(jnp.max(high - low))
        order = max(self.order, int(np.ceil(longest / spacing)))
        return GaussianPeaks(self.omega, self.width, self.coupling, order)

    def area_quantile(self, share):
        omega, coupling = self.modes()
        area = jnp.sum((omega * coupling).reshape(-1, self.order), axis=1)
        exists = jnp.sum(area) > 0
        area = jnp.where(exists, area, 1.0)

        whole = self._weight_below()

        def cumulated(x):
            return jnp.sum(area * self._weight_below(x) / whole) - share * jnp.sum(area)

        def halve(_, bracket):
            middle = (bracket[0] + bracket[1]) / 2
            above = cumulated(middle) > 0
            return jnp.where(above, bracket[0], middle), jnp.where(above, middle, bracket[1])

        top = jnp.max(self.omega + 8 * self.width)
        bracket = jax.lax.fori_loop(0, 40, halve, (jnp.zeros_like(top), top))
        found = jax.lax.stop_gradient(bracket[0])
        # Newton's steps make derivatives by the peaks exact, up to the seventh. Between peaks
        # far apart there is no slope, nor one frequency.
        for _ in range(3):
            value, slope = jax.value_and_grad(cumulated)(found)
            found = found - value / jnp.maximum(slope, 1e-9 * jnp.sum(area) / top)
        return jnp.where(exists, found, 0.0)


_MOST_GAUSS = 256


def _peak_range(omega, width, xp):
    lowest = (omega - 8 * width) / (width / 2)
    # ω = ln(1 + e^y) at the lower cut; from y = -14 on 10⁻¹² of the peak is lost.
    y = xp.where(lowest > 1e-6, xp.log(xp.expm1(xp.where(lowest > 1e-6, lowest, 1.0))), -14)
    # The identity where e^lowest overflows.
    low = xp.where(lowest > 30, lowest, xp.maximum(y, -14.0)) * width / 2
    return low, omega + 8 * width


def _peak_nodes(centre, width, coupling, order, xp, sigmoid):
    """Nodes of peaks, by JAX or, to be looked at, by NumPy (`xp`)."""
    # The midpoint rule converges geometrically for a function that decays at both ends: at
    # the lower one α²F/ω dω falls as ω dω = e^{4y/w} dy. Far from ω = 0 y is ω itself.
    low, high = _peak_range(centre, width, xp)
    x = (xp.arange(order) + 0.5) / order
    y = (low[:, None] + (high - low)[:, None] * x[None, :]) / (width[:, None] / 2)
    omega = xp.logaddexp(y, 0.0) * width[:, None] / 2
    offset = (omega - centre[:, None]) / width[:, None]
    vanishing = -xp.expm1(-2 * (omega / width[:, None]) ** 2)
    shape = xp.exp(-0.5 * offset**2) * vanishing / omega * sigmoid(y)
    strength = coupling[:, None] * shape / xp.sum(shape, axis=1, keepdims=True)
    return omega.ravel(), strength.ravel()


class DebyeSpectrum(EliashbergFunction):
    r"""Debye-like spectrum $\alpha^2F(\omega) = \lambda\,(\omega/\omega_D)^2$ for ω < ω_D.

    Args:
        cutoff (scalar, energy): ω_D.
        coupling (scalar): λ.
        order: Gauss-Legendre nodes on (0, ω_D), a few more where they are many.

    Raises:
        ValueError: ω_D is not positive or a number not finite.

    Example:
        >>> print(f"{log_frequency(DebyeSpectrum(10.0, 0.5)):.5f}")  # ω_D / √e
        6.06531
    """

    cutoff: Float[Array, ""] = eqx.field(converter=_as_float)
    coupling: Float[Array, ""] = eqx.field(converter=_as_float)
    order: int = eqx.field(static=True, default=64)

    def __check_init__(self):
        refuse("DebyeSpectrum: cutoff", self.cutoff, positive=True)
        refuse("DebyeSpectrum: coupling", self.coupling)

    def modes(self):
        # Panels of many nodes: to find Gauss's takes time as order³.
        panels = -(-self.order // _MOST_GAUSS)
        node, weight = np.polynomial.legendre.leggauss(-(-self.order // panels))
        x = ((node + 1) / 2 + np.arange(panels)[:, None]).ravel() / panels
        dx = np.tile(weight / 2, panels) / panels
        return self.cutoff * x, self.coupling * (2 * x * dx)

    def scaled(self, factor):
        return DebyeSpectrum(self.cutoff, self.coupling * factor, self.order)

    def _in_numbers(self):
        cutoff, coupling = _known(self.cutoff), _known(self.coupling)
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


# Rows of a table that count as few; a table that is padded for a batch is not beyond it then.
_FEW = 512


class TabulatedSpectrum(EliashbergFunction):
    r"""α²F on a table of frequencies, as electron-phonon codes print it.

    Between table points the density of coupling 2α²F(ω)/ω is linear. λ, ω_log and the moments are
    the trapezoidal sums over the table, as the codes that write tables have them; Tc by the
    Eliashberg equation and the specific heat are those of the linear density, integrated
    exactly. Where electron energies come in, the nodes are the rows unless panels are given, as
    functions do that know their temperature: see `at_temperature`. Below the first row and above
    the last α²F is taken as 0, whatever it is in these rows: nothing is continued to ω = 0.
    Where α²F does not vanish in the first row, going on as ω² would add α²F(ω₁) to λ, and as ω
    twice that; see `unresolved_coupling`.

    Args:
        omega (array of shape (row,), energy): ascending frequencies, all > 0.
        a2f (array of shape (row,)): α²F at these frequencies, dimensionless.
        panels (array of shape (edge,)): edges of the quadrature's panels as fractions of the
            range, see `resolved`; without them the rows are the nodes.
        provenance: where the table came from, set by `read_a2f`. It belongs to this object and
            is not part of the pytree: a compiled function, which is the same for all files,
            neither sees it nor hands it on.

    Raises:
        ValueError: shapes differ, frequencies that are not positive and ascending, or a number
            that is not finite.

    Example:
        >>> w = np.linspace(0.01, 10.0, 1000)
        >>> s = TabulatedSpectrum(w, 0.5 * (w / 10) ** 2)
        >>> print(f"{coupling_constant(s):.5f}")
        0.50000
    """

    omega: Float[Array, " row"] = eqx.field(converter=_as_vector)
    a2f: Float[Array, " row"] = eqx.field(converter=_as_vector)
    panels: Float[Array, " edge"] | None

    def __init__(self, omega, a2f, panels=None, provenance: Provenance | None = None):
        self.omega, self.a2f, self.panels = _as_vector(omega), _as_vector(a2f), panels
        if provenance is not None:
            # No field: those are what `jit` hands on, from the first file to all others.
            object.__setattr__(self, "_provenance", provenance)

    def __check_init__(self):
        _same_shape("TabulatedSpectrum", omega=self.omega, a2f=self.a2f)
        if self.omega.shape[0] < 2:
            raise ValueError("TabulatedSpectrum needs at least two rows.")
        refuse("TabulatedSpectrum: omega", self.omega, positive=True, ascending=True)
        refuse("TabulatedSpectrum: a2f", self.a2f)

    @property
    def provenance(self) -> Provenance | None:
        """Where the table came from; None for one that was computed."""
        return self.__dict__.get("_provenance")

    @property
    def _density(self):
        return 2 * self.a2f / self.omega

    def modes(self):
        if self.panels is None:
            return self.moment_modes()
        edges = self.omega[0] * (1 - self.panels) + self.omega[-1] * self.panels
        return _panel_nodes(self.omega, self._density, edges)

    def moment_modes(self):
        return self.omega, self._density * trapezoid_weights(self.omega)

    def few_modes(self):
        return self.moment_modes() if self.omega.shape[0] <= _FEW else self.coarse_modes()

    def rows(self):
        omega = np.asarray(self.omega)
        coupling = 2 * np.asarray(self.a2f) / omega * trapezoid_weights(omega)
        return QuadratureNodes(omega, coupling).padded(ORDER * bucket(-(-omega.size // ORDER)))

    def coarse_modes(self):
        return _panel_nodes(self.omega, self._density, geometric_edges(self.omega))

    def carriers(self):
        return self.omega, self.a2f

    def cumulative(self, omega):
        return cumulative_integral(self.omega, self._density, omega)

    def area_quantile(self, share):
        # α²F is linear between rows, so that rows put in between change nothing.
        omega, a2f = self.omega, self.a2f
        width = jnp.diff(omega)
        below = jnp.append(0.0, jnp.cumsum(width * (a2f[:-1] + a2f[1:]) / 2))
        exists = below[-1] > 0
        k = jnp.argmax(below[1:] >= share * below[-1])
        first, step = a2f[k], jnp.where(exists, width[k], 1.0)
        rest = share * below[-1] - below[k]
        # first·x + bend·x²/2 = rest, with α²F(x)² under the root.
        bend = (a2f[k + 1] - first) / step
        square = first**2 + 2 * bend * rest
        last = jnp.sqrt(jnp.where(exists & (square > 0), square, 1.0))
        x = 2 * rest / jnp.where(first + last > 0, first + last, 1.0)
        steep = (first < 0) & (bend > 0)
        x = jnp.where(steep, (last - first) / jnp.where(steep, bend, 1.0), x)
        return jnp.where(exists, omega[k] + jnp.minimum(x, step), 0.0)

    def scaled(self, factor):
        return TabulatedSpectrum(self.omega, self.a2f * factor, self.panels)

    def _in_numbers(self):
        omega, a2f = _known(self.omega), _known(self.a2f)
        if omega.ndim != 1 or omega.shape != a2f.shape:
            return None
        if not (np.all(np.isfinite(omega)) and np.all(omega > 0)):
            return None
        nodes = omega, 2 * a2f / omega * trapezoid_weights(omega)
        unit = "" if self.provenance is None else "meV"
        return line("TabulatedSpectrum", nodes, unit, counted(omega.size, "row"))

    def resolved(self, spacing, *, everywhere: bool = False):
        """The same table with panels of nodes no further apart than about `spacing`.

        Rows finer than that are merged and rows coarser resolved, both exactly: see `panels`.
        Stretches where α²F is zero get a few nodes only, unless `everywhere` is set:
        derivatives by their rows need more. ω has to be concrete; so has α²F, or it is taken
        as not zero. A table that is resolved better already returns itself.

        Args:
            spacing (scalar, energy): how far apart.
            everywhere: also where α²F is zero.

        Raises:
            ValueError: more nodes would be needed than can be worked with.
        """
        omega = np.asarray(self.omega)
        carries = self._carries(everywhere)
        if self.panels is not None and not isinstance(self.panels, Tracer):
            edges = omega[0] * (1 - (f := np.asarray(self.panels))) + omega[-1] * f
            if widest_panel(omega, carries, edges) <= 1.001 * WIDTH * spacing:
                return self
        edges = thermal_edges(omega, carries, spacing)
        fractions = (edges - omega[0]) / (omega[-1] - omega[0])
        fractions[-1] = 1.0
        padding = bucket(len(edges) - 1) - (len(edges) - 1)
        with jax.ensure_compile_time_eval():
            panels = jnp.asarray(np.append(fractions, np.ones(padding)))
        return TabulatedSpectrum(self.omega, self.a2f, panels, self.provenance)

    def _carries(self, everywhere=False):
        if everywhere or isinstance(self.a2f, Tracer):
            return np.ones(self.omega.shape[0] - 1, dtype=bool)
        carries = np.asarray(self.a2f) != 0
        return carries[1:] | carries[:-1]

    def sampled(self, spacing=None):
        if spacing is None and self.omega.shape[0] <= _FEW:
            return self.rows()
        omega, a2f = np.asarray(self.omega), np.asarray(self.a2f)
        edges = geometric_edges(omega)
        if spacing is not None:
            edges = thermal_edges(omega, self._carries(), spacing)
        node, coupling = panel_nodes(omega, 2 * a2f / omega, edges)
        carries = np.repeat(np.any(coupling.reshape(-1, ORDER) != 0, axis=1), ORDER)
        if not np.any(carries):
            carries[:ORDER] = True
        found = QuadratureNodes(node[carries], coupling[carries])
        return found.padded(ORDER * bucket(int(np.sum(carries)) // ORDER))


_panel_nodes = jax.jit(panel_nodes)


class QuadratureNodes(EliashbergFunction):
    """A smooth α²F of which only the quadrature nodes are kept; see `EliashbergFunction.sampled`.

    Args:
        omega (array of shape (node,), energy): nodes ω_q > 0.
        coupling (array of shape (node,)): their weights λ_q.
    """

    omega: Float[Array, " node"] = eqx.field(converter=_as_vector)
    coupling: Float[Array, " node"] = eqx.field(converter=_as_vector)

    def modes(self):
        return self.omega, self.coupling

    def scaled(self, factor):
        return QuadratureNodes(self.omega, self.coupling * factor)

    def _in_numbers(self):
        nodes = _known(self.omega), _known(self.coupling)
        return line("QuadratureNodes", nodes, "", counted(nodes[0].size, "node"))

    def padded(self, count: int) -> "QuadratureNodes":
        """With nodes that carry no coupling up to `count` in all."""
        more = (0, count - self.omega.shape[0])
        omega, coupling = np.asarray(self.omega), np.asarray(self.coupling)
        return QuadratureNodes(np.pad(omega, more, mode="edge"), np.pad(coupling, more))


def at_temperature(
    spectrum: EliashbergFunction, temperature: Any, *, everywhere: bool = False
) -> EliashbergFunction:
    """The spectrum with the quadrature nodes that a temperature needs.

    Every function of a spectrum and a temperature that has electron energies in it calls this.
    How many nodes there are must be known before anything is traced: where the temperature or
    the frequencies are (under `jit`, `vmap`, or `grad` by them) the spectrum is taken as the
    caller gives it. So resolve it outside, for the lowest temperature that matters.

    Args:
        spectrum: an Eliashberg function; one that is resolved better already returns itself.
        temperature (scalar or array, energy): T > 0; the lowest counts.
        everywhere: of a table also where α²F is zero, for derivatives by its rows there.

    Example:
        >>> s = at_temperature(TabulatedSpectrum([1.0, 2.0, 3.0], [0.1, 0.4, 0.2]), 0.1)
        >>> s.modes()[0].size
        192
    """
    if not spectrum.smooth:
        return spectrum
    table = isinstance(spectrum, TabulatedSpectrum)
    if any(
        isinstance(x, Tracer)
        for x in jax.tree.leaves((temperature, spectrum.omega if table else spectrum))
    ):
        return spectrum
    spacing = float(np.min(temperature)) / NODES_PER_T
    if not (np.isfinite(spacing) and spacing > 0):
        return spectrum  # to be refused where it is used
    if isinstance(spectrum, TabulatedSpectrum):
        return spectrum.resolved(spacing, everywhere=everywhere)
    # Rules of one analytic piece need fewer. In few steps: every number of them is compiled for.
    spacing *= NODES_PER_T / 3
    return spectrum.resolved(2 ** (np.floor(2 * np.log2(spacing)) / 2))


def resolving(function: _Function) -> _Function:
    """`function` of a spectrum, a temperature and more, given the nodes of `at_temperature`."""

    @functools.wraps(function)
    def resolved(spectrum, temperature, *args, **options):
        return function(at_temperature(spectrum, temperature), temperature, *args, **options)

    return resolved  # pyright: ignore[reportReturnType]


def _same_shape(kind: str, **fields: Array) -> None:
    shapes = {name: value.shape for name, value in fields.items() if hasattr(value, "shape")}
    if len(set(shapes.values())) > 1 or any(len(shape) != 1 for shape in shapes.values()):
        told = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ValueError(f"{kind}: its arrays must be vectors of one length, got {told}.")


@checked
@jit(static_argnames="power")
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
    omega, coupling = spectrum.moment_modes()
    return jnp.sum(coupling * omega**power) / jnp.sum(coupling)


@checked
@jit
def coupling_constant(spectrum: EliashbergFunction) -> Float[Array, ""]:
    r"""Electron-phonon coupling $\lambda = 2\int \alpha^2F(\omega)/\omega\,d\omega$.

    Args:
        spectrum: an Eliashberg function.

    Returns:
        λ (scalar).

    Example:
        >>> print(f"{coupling_constant(EinsteinModes([3.0, 5.0], [0.5, 0.25])):.2f}")
        0.75
    """
    return jnp.sum(spectrum.moment_modes()[1])


@checked
@jit
def log_frequency(spectrum: EliashbergFunction) -> Float[Array, ""]:
    r"""$\omega_{\log} = \exp[\lambda^{-1}\int (2\alpha^2F/\omega)\ln\omega\,d\omega]$ (energy).

    A spectrum without coupling has none: 0, as its `maximum_frequency`.

    Args:
        spectrum: an Eliashberg function.

    Returns:
        ω_log (scalar, energy).

    Example:
        >>> print(f"{log_frequency(EinsteinModes([2.0, 8.0], [0.5, 0.5])):.4f}")
        4.0000
    """
    omega, coupling = spectrum.moment_modes()
    total = jnp.sum(coupling)
    absent = total == 0
    mean = jnp.sum(coupling * jnp.log(omega)) / jnp.where(absent, 1.0, total)
    return jnp.where(absent, 0.0, jnp.exp(mean))


@checked
@jit
def rms_frequency(spectrum: EliashbergFunction) -> Float[Array, ""]:
    r"""Allen and Dynes' $\bar\omega_2 = \langle\omega^2\rangle^{1/2}$ (energy).

    Args:
        spectrum: an Eliashberg function.

    Returns:
        ω̄₂ (scalar, energy).

    Example:
        >>> print(f"{rms_frequency(EinsteinModes([3.0, 5.0], [0.5, 0.5])):.4f}")
        4.1231
    """
    return jnp.sqrt(moment(spectrum, 2))


@checked
@jit
def spectral_area(spectrum: EliashbergFunction) -> Float[Array, ""]:
    r"""The area $\int \alpha^2F(\omega)\,d\omega = \lambda\langle\omega\rangle/2$ (energy).

    Args:
        spectrum: an Eliashberg function.

    Returns:
        ∫α²F dω (scalar, energy).

    Example:
        >>> print(f"{spectral_area(EinsteinModes([4.0], [0.5])):.2f}")
        1.00
    """
    omega, coupling = spectrum.moment_modes()
    return jnp.sum(coupling * omega) / 2


@checked
@jit
def cumulative_coupling(
    spectrum: EliashbergFunction, omega: Real[_ArrayLike, " frequency"]
) -> Float[Array, " frequency"]:
    r"""Cumulative coupling $\lambda(\omega) = 2\int_0^\omega \alpha^2F(x)/x\,dx$.

    A δ mode exactly at ω counts half; the linear density of a table is integrated exactly.

    Args:
        spectrum: an Eliashberg function.
        omega (array of shape (frequency,), energy): where to evaluate it.

    Returns:
        λ(ω) (array of shape (frequency,)).

    Example:
        >>> s = EinsteinModes([3.0, 5.0], [0.5, 0.25])
        >>> print(cumulative_coupling(s, np.array([1.0, 4.0, 6.0])))
        [0.   0.5  0.75]
    """
    return spectrum.cumulative(_as_float(omega))


@checked
def maximum_frequency(spectrum: EliashbergFunction) -> Float[Array, ""]:
    r"""The top of the spectrum, $\max\{\omega: \alpha^2F(\omega) \ne 0\}$ (energy).

    For a table that is its last row with α²F ≠ 0, whatever its nodes.

    Args:
        spectrum: an Eliashberg function.

    Returns:
        the frequency (scalar, energy), 0 without coupling.

    Example:
        >>> print(f"{maximum_frequency(EinsteinModes([3.0, 5.0], [0.5, 0.25])):.1f}")
        5.0
    """
    if any(isinstance(x, Tracer) for x in jax.tree.leaves(spectrum)):
        omega, coupling = spectrum.carriers()
        return jnp.max(jnp.where(coupling != 0, omega, 0.0))
    # Known, also where something else is being traced.
    with jax.ensure_compile_time_eval():
        # By NumPy: nothing is compiled for a table's length.
        omega, coupling = (np.asarray(x) for x in spectrum.carriers())
        return jnp.asarray(np.max(np.where(coupling != 0, omega, 0.0)))


@checked
@jit
def phonon_edge(spectrum: EliashbergFunction) -> Float[Array, ""]:
    r"""ω_ph, the top of the spectrum as μ* means it (energy): 99 % of ∫α²F dω lies below it.

    Neither zeros printed after the last phonon nor a faint tail decides it. It depends
    smoothly on a table's values and on peaks; for δ modes it is one of their frequencies.

    Args:
        spectrum: an Eliashberg function.

    Returns:
        ω_ph (scalar, energy), 0 where there is no α²F.

    Example:
        >>> w = np.array([10.0, 20.0, 25.0, 100.0])
        >>> print(f"{phonon_edge(TabulatedSpectrum(w, np.array([0.5, 0.5, 0.0, 0.0]))):.3f}")
        23.882
    """
    edge = spectrum.area_quantile(0.99)
    return jnp.where(jnp.isnan(spectral_area(spectrum)), jnp.nan, edge)


def unresolved_coupling(spectrum: EliashbergFunction) -> float:
    """λ that a table leaves out below its first row, if α²F goes on to 0 as ω² there.

    Example:
        >>> unresolved_coupling(TabulatedSpectrum([1.0, 2.0], [0.25, 0.5]))
        0.25
    """
    return float(spectrum.a2f[0]) if isinstance(spectrum, TabulatedSpectrum) else 0.0
