"""Gaussian peaks of α²F, which vanish as ω² does at ω = 0, and their quadrature nodes."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import erf
from jaxtyping import Array, Float
from scipy.special import expit

from ..numerics.checks import refuse
from .description import counted, line
from .spectrum import EliashbergFunction, as_vector, check_shapes, concrete_vector

# Nodes of a peak for functions of ω that are singular on the imaginary axis only, whatever T:
# of the widest 64 leave 3e-8 of the specific heat, 128 nothing but rounding.
_COARSE = 128


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
            moments to rounding for any order ≥ 64. Tc and the specific heat have 128, which is
            enough at any T.

    Raises:
        ValueError: shapes differ, a centre or width is not positive or a number not finite.

    Example:
        >>> from jaxelph import coupling_constant, log_frequency
        >>> s = GaussianPeaks([50.0], [5.0], [1.5])
        >>> print(f"{coupling_constant(s):.6f} {log_frequency(s):.6f}")
        1.500000 49.230731
    """

    omega: Float[Array, " peak"] = eqx.field(converter=as_vector)
    width: Float[Array, " peak"] = eqx.field(converter=as_vector)
    coupling: Float[Array, " peak"] = eqx.field(converter=as_vector)
    order: int = eqx.field(static=True, default=128)

    def __check_init__(self):
        check_shapes("GaussianPeaks", omega=self.omega, width=self.width, coupling=self.coupling)
        refuse("GaussianPeaks: omega", self.omega, positive=True)
        refuse("GaussianPeaks: width", self.width, positive=True)
        refuse("GaussianPeaks: coupling", self.coupling)

    def _range(self):
        """Where the nodes lie, in y with ω = ½w ln(1 + e^{2y/w}): all ω > 0 are on this line."""
        return _peak_range(self.omega, self.width, jnp)

    def modes(self):
        return self._nodes(self.order)

    def coarse_modes(self):
        return self._nodes(_COARSE)

    def _nodes(self, order):
        return _peak_nodes(self.omega, self.width, self.coupling, order, jnp, jax.nn.sigmoid)

    def _in_numbers(self):
        peaks = [concrete_vector(x) for x in (self.omega, self.width, self.coupling)]
        ordinary = all(x.ndim == 1 and x.shape == peaks[0].shape for x in peaks)
        if not ordinary or not np.all(np.isfinite(peaks)) or not np.all(np.array(peaks[:2]) > 0):
            return None
        omega, width, coupling = peaks
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            nodes = _peak_nodes(omega, width, coupling, self.order, np, expit)
        return line("GaussianPeaks", nodes, "", counted(peaks[0].size, "peak"))

    def a2f(self, omega: Float[Array, " frequency"]) -> Float[Array, " frequency"]:
        """α²F at `omega` (arrays of shape (frequency,)), 0 where a tail is cut."""
        height = self._height()
        z = omega[:, None] / self.width[None, :]
        offset = z - (self.omega / self.width)[None, :]
        shape = jnp.exp(-0.5 * offset**2) * -jnp.expm1(-2 * z**2)
        return jnp.where((jnp.abs(offset) < 8) & (z > 0), shape, 0.0) @ height

    def _height(self):
        """c_p."""
        area = jnp.sum(jnp.prod(jnp.stack(self.modes()), axis=0).reshape(-1, self.order), axis=1)
        return area / 2 / (self.width * np.sqrt(np.pi / 2) * self._weight_below())

    def ramp_integral(self, omega):
        centre, light = self.omega[None, :], omega[:, None]
        both = jnp.exp(-0.4 * (centre / self.width[None, :]) ** 2)
        total = jnp.zeros((omega.shape[0], self.omega.shape[0]))
        for share, mean, root in ((1.0, centre, 1.0), (-both, centre / 5, np.sqrt(5))):
            s = self.width[None, :] / root
            first, last = mean / s, (light - mean) / s
            # ∫(Ω - x) e^{-(x-m)²/2s²} dx = (Ω - m) ∫e^{…} dx + s² [e^{…}] at both ends.
            area = np.sqrt(np.pi / 2) * s * (erf(last / np.sqrt(2)) + erf(first / np.sqrt(2)))
            ends = jnp.exp(-0.5 * last**2) - jnp.exp(-0.5 * first**2)
            total += share * ((light - mean) * area + s**2 * ends)
        # Below a width, where nothing but the difference of large numbers is left, by Gauss's rule.
        node, weight = np.polynomial.legendre.leggauss(24)
        x = jnp.minimum(light, self.width[None, :]) * 0.5
        inside = x[:, :, None] * (node + 1)[None, None, :]
        z = inside / self.width[None, :, None]
        shape = jnp.exp(-0.5 * (z - (centre / self.width[None, :])[:, :, None]) ** 2)
        value = (light[:, :, None] - inside) * shape * -jnp.expm1(-2 * z**2)
        total = jnp.where(light < self.width[None, :], x * (value @ weight), total)
        return total @ self._height()

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
