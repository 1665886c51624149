r"""How long hot electrons take to cool, before a run and from one.

Before it the two-temperature model tells, with the true specific heat at every temperature on
the way: a Fermi distribution of T_e gives the phonons of T0 its energy at the rate

    -∫E I[f] dE = Σ_k λ_k ω_k³ [N_k(T_e) - N_k(T0)].

After it the run's own T_e(t) does, kept at times of the module's choosing, so that no number
read off it depends on the times that somebody wants to see.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.interpolate import make_interp_spline
from scipy.optimize import brentq

from ..electrons.occupations import bose
from ..spectra.spectrum import EliashbergFunction, Scalar
from ..thermodynamics.specific_heat import specific_heat_ratio

# A metal that is about to lose its stability has next to no specific heat; the window of a run
# must not shrink with it.
_LEAST_HEAT = 0.1
# Times of a trace between a thousandth of the time scale and the end.
_POINTS = 256


@jax.jit
def energy_loss(
    spectrum: EliashbergFunction, electron_temperature: Scalar, phonon_temperature: Scalar
) -> Float[Array, ""]:
    r"""The energy that electrons at T_e lose to phonons at T0 in unit rescaled time, per 2ν0:

    $$\sum_k\lambda_k\omega_k^3\,[N_k(T_e) - N_k(T_0)].$$

    Example:
        >>> from jaxelph import EinsteinModes
        >>> print(f"{energy_loss(EinsteinModes([1.0], [1.0]), 2.0, 1.0):.6f}")
        0.959517
    """
    omega, coupling = spectrum.modes()
    more = bose(omega, electron_temperature) - bose(omega, phonon_temperature)
    return jnp.sum(coupling * omega**3 * more)


@jax.jit
def cooling_time(
    spectrum: EliashbergFunction,
    electron_temperature: Scalar,
    phonon_temperature: Scalar,
    left: Scalar,
) -> Float[Array, ""]:
    r"""When the two-temperature model leaves the share `left` of T_e - T0 (rescaled time):

    $$t = \int_{T_0 + \mathrm{left}(T_e - T_0)}^{T_e}
      \frac{(\pi^2T/3)\,C_{el}/(2\pi^2\nu_0T/3)}{-\int E\,I[f_T]\,dE}\;dT.$$

    Infinite where nothing couples the electrons to the phonons.

    Example:
        >>> from jaxelph import EinsteinModes, two_temperature_rate
        >>> metal = EinsteinModes([1.0], [0.1])
        >>> share = cooling_time(metal, 1.001, 1.0, 0.01) * two_temperature_rate(metal, 1.0)
        >>> print(f"{share / jnp.log(100.0):.3f}")
        1.000
    """
    node, weight = np.polynomial.legendre.leggauss(24)
    span = -jnp.log(left)
    x = jnp.exp(-span * (node + 1) / 2)
    cold = jnp.asarray(phonon_temperature, dtype=float)
    temperature = cold + (jnp.asarray(electron_temperature, dtype=float) - cold) * x

    def slowness(at):
        heat = jnp.maximum(jnp.abs(specific_heat_ratio(spectrum, at)), _LEAST_HEAT)
        return jnp.pi**2 / 3 * at * heat / energy_loss(spectrum, at, cold)

    each = (temperature - cold) * jax.vmap(slowness)(temperature)
    time = span / 2 * weight @ each
    return jnp.where(jnp.isfinite(time), jnp.abs(time), jnp.inf)


class Trace(NamedTuple):
    """T_e(t) of a run from t = 0 on, at the times of `trace_times` and NaN after its end."""

    times: Float[np.ndarray, " time"]
    excess: Float[np.ndarray, " time"]  # (T_e - T0)/(T_e - T0 at t = 0)

    @property
    def fall_time(self) -> float:
        """When the excess has fallen to 1/e; NaN if it has not."""
        below = np.flatnonzero(self.excess <= np.exp(-1))
        if below.size == 0:
            return float("nan")
        k = below[0]
        near = slice(max(k - 4, 0), k + 4)
        times, excess = self.times[near], self.excess[near]
        known = np.isfinite(excess) & (excess > 0)
        logarithm = np.log(excess[known])
        if known.sum() < 2 or logarithm[-1] > -1:
            return float(self.times[k])
        series = make_interp_spline(times[known], logarithm, k=min(5, int(known.sum()) - 1))
        bracket = self.times[k - 1], self.times[k]
        return float(brentq(lambda t: series(t) + 1, *bracket, xtol=1e-300))  # pyright: ignore

    def late_rate(self, least: float) -> float:
        """The rate at which the last third of the run decays, as far as the excess is above
        `least`; NaN where that is no decay."""
        size = np.abs(self.excess)
        use = np.isfinite(size) & (size > least)
        use &= self.times >= self.times[use][-1] * 2 / 3
        if use.sum() < 3:
            return float("nan")
        slope = -np.polyfit(self.times[use], np.log(size[use]), 1)[0]
        return float(slope) if slope > 0 else float("nan")


def run_times(last: float, points: int, *, logarithmic: bool = False) -> np.ndarray:
    """0 and times up to `last`, equally spaced, or in the logarithm from 1/1000 of it on.

    Args:
        last: in any unit.
        points: how many, 2 at least.
        logarithmic: as what phonons do that move is looked at, which goes on when the electrons
            have long cooled.

    Example:
        >>> run_times(1.0, 5).tolist(), run_times(1.0, 5, logarithmic=True).round(6).tolist()
        ([0.0, 0.25, 0.5, 0.75, 1.0], [0.0, 0.001, 0.01, 0.1, 1.0])
    """
    if not logarithmic:
        return np.linspace(0, last, points)
    return np.append(0.0, np.geomspace(last, 1e-3 * last, points - 1)[::-1])


def trace_times(scale: float, last: float) -> Float[np.ndarray, " time"]:
    """0 and times up to `last`, equally spaced in the logarithm from 1/1000 of `scale` on.

    Example:
        >>> print(trace_times(1.0, 10.0)[[0, 1, -1]].tolist())
        [0.0, 0.001, 10.0]
    """
    first = min(1e-3 * scale, 1e-3 * last)
    return np.append(0.0, np.append(np.geomspace(first, last, _POINTS)[:-1], last))
