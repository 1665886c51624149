"""The superconductor at real energies: gap, renormalisation, density of states.

`continuation` solves the equations; here is what they are asked for, and what is refused.
"""

from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float

from ..numerics.checks import checked, concrete, refuse
from ..spectra.peaks import GaussianPeaks
from ..spectra.resolution import at_temperature
from ..spectra.spectrum import DebyeSpectrum, EliashbergFunction, Scalar
from ..spectra.table import TabulatedSpectrum
from .continuation import (
    Plan,
    Problem,
    condensate_of,
    continued,
    has_edge,
    panels_of,
    parts,
    retarded_root,
    step,
)
from .dataset import real_axis_dataset
from .edge import edge_of
from .gap import condensed, leading_gap, prepared, solution
from .matsubara import MatsubaraBasis

if TYPE_CHECKING:
    import xarray as xr

# Tables of up to so many rows have kinks that count; their panels end there.
_FEW_ROWS = 128
_PANELS = 28
# Of δ modes: as far as this many tops panels are as narrow as the broadening asks for, but no more
# than so many.
_REACH, _MOST_PANELS = 8.0, 400


class RealAxisState(eqx.Module):
    r"""Gap, renormalisation and density of states at energies, as `real_axis_state` has them.

    Args:
        temperature (scalar, energy): T.
        energies (array of shape (energy,), energy): E > 0.
        gap (complex array of shape (energy,), energy): Δ(E + iη).
        renormalisation (complex array of shape (energy,)): Z(E + iη).
        density_of_states (array of shape (energy,)): N(E)/ν0.
        edge (scalar, energy): Δ0 with Re Δ(Δ0) = Δ0; 0 in the normal state, NaN where there is
            none or where η > 0.
        weights (array of shape (energy,), energy): of integrals over E, if the energies are those
            of the equations.

    Example:
        >>> from jaxelph import GaussianPeaks
        >>> s, energies = GaussianPeaks([1.0], [0.1], [1.0]), np.array([0.1, 0.3, 1.3])
        >>> state = real_axis_state(s, 0.2, energies, mu_star=0.0)
        >>> print(state.edge, bool(jnp.all(state.density_of_states == 1)))  # normal
        0.0 True
    """

    temperature: Float[Array, ""]
    energies: Float[Array, " energy"]
    gap: Complex[Array, " energy"]
    renormalisation: Complex[Array, " energy"]
    density_of_states: Float[Array, " energy"]
    edge: Float[Array, ""]
    weights: Float[Array, " energy"] | None

    def to_xarray(self, **labels: Any) -> "xr.Dataset":
        """As a dataset; `labels` as `dataset.real_axis_dataset` takes them: units, μ*, a name."""
        return real_axis_dataset(self, **labels)


@checked
def real_axis_state(
    spectrum: EliashbergFunction,
    temperature: Scalar,
    energies: Float[Array | np.ndarray, " energy"] | None = None,
    *,
    mu_star: Scalar = 0.1,
    omega_ph: Scalar | None = None,
    broadening: Scalar = 0.0,
    basis: MatsubaraBasis | None = None,
) -> RealAxisState:
    r"""Gap Δ(E), renormalisation Z(E) and density of states N(E) at real energies, exactly.

    $$\frac{N(E)}{\nu_0} = \mathrm{Re}\,\frac{\omega}{\sqrt{\omega^2-\Delta^2(\omega)}},
      \qquad \omega = E + i\eta,$$

    by the continuation of the imaginary axis. Source: Marsiglio, Schossmann & Carbotte,
    PRB 37, 4965 (1988). With η > 0 N is the density of states seen by a Lorentzian of half width η.

    α²F has to be a function: of δ modes Δ(E) is itself singular at Δ0 + ω_k and its combinations,
    and they need η > 0. Differentiable in T, μ*, η and every parameter of the spectrum, in both
    modes. How many energies the equations are solved at follows from what is known of the
    spectrum when they are compiled.

    Args:
        spectrum: an Eliashberg function.
        temperature (scalar, energy): T > 0.
        energies (array of shape (energy,), energy): E > 0 wanted; by default those that the
            equations are solved at, with weights of integrals.
        mu_star, omega_ph, basis: see `superconducting_state`; the limit ω_c → ∞.
        broadening (scalar, energy): η, from 0 to πT/2.

    Returns:
        `RealAxisState`. At T ≥ T_c it is the normal metal's: Δ = 0 and N/ν0 = 1.

    Raises:
        ValueError: δ modes without a broadening or with too small a one, a broadening beyond
            πT/2, energies that are not positive; or see `superconducting_state`.

    Example:
        >>> from jaxelph import GaussianPeaks
        >>> s = GaussianPeaks([1.0], [0.1], [1.0])
        >>> state = real_axis_state(s, 0.03, np.array([0.1, 0.3, 1.3]), mu_star=0.0)
        >>> print(f"{state.edge:.6f}", np.round(state.density_of_states, 5))
        0.238754 [0.      1.68693 1.02701]
    """
    problem = prepared(spectrum, temperature, mu_star, None, omega_ph, "omega-ph", basis)
    if energies is not None:
        refuse("energies", energies, positive=True)
        energies = jnp.asarray(energies, dtype=float)
        if energies.ndim != 1:
            raise ValueError(f"energies must be a vector, got shape {energies.shape}.")
    condensate, guess, lost = _imaginary_axis(problem, solution(problem))
    plan = _plan(spectrum, temperature, guess, broadening)
    resolved = at_temperature(spectrum, temperature)
    height = jnp.asarray(broadening, dtype=float)
    found = _state(plan, resolved, problem.temperature, height, condensate, guess, energies)
    return jax.tree.map(lambda x: x + lost, found)


@checked
def density_of_states(
    spectrum: EliashbergFunction,
    temperature: Scalar,
    energies: Float[Array | np.ndarray, " energy"],
    *,
    mu_star: Scalar = 0.1,
    omega_ph: Scalar | None = None,
    broadening: Scalar = 0.0,
    basis: MatsubaraBasis | None = None,
) -> Float[Array, " energy"]:
    r"""Density of states over the normal one, $N(E)/\nu_0 = \mathrm{Re}\,E/\sqrt{E^2-\Delta^2(E)}$.

    What tunnelling sees, and a model of it that has derivatives: see `real_axis_state`, which
    also says where N(E) is from.

    Args:
        spectrum, temperature, mu_star, omega_ph, broadening, basis: see `real_axis_state`.
        energies (array of shape (energy,), energy): E > 0 from the Fermi level.

    Returns:
        N(E)/ν0 (array of shape (energy,)); 1 in the normal state.

    Raises:
        ValueError: see `real_axis_state`.

    Example:
        >>> from jaxelph import GaussianPeaks
        >>> s = GaussianPeaks([1.0], [0.1], [1.0])
        >>> energies = np.array([0.1, 0.3, 1.3])
        >>> print(np.round(density_of_states(s, 0.03, energies, mu_star=0.0), 5))
        [0.      1.68693 1.02701]
    """
    return real_axis_state(
        spectrum,
        temperature,
        energies,
        mu_star=mu_star,
        omega_ph=omega_ph,
        broadening=broadening,
        basis=basis,
    ).density_of_states


def _top(spectrum: Any):
    """Where α²F ends."""
    if isinstance(spectrum, GaussianPeaks):
        return jnp.max(spectrum.omega + 8 * spectrum.width)
    if isinstance(spectrum, DebyeSpectrum):
        return spectrum.cutoff
    if isinstance(spectrum, TabulatedSpectrum):
        return spectrum.omega[-1]
    return jnp.max(spectrum.modes()[0])


def least_broadening(top: float) -> float:
    """η (energy) that the density of states of δ modes up to `top` needs."""
    return _REACH * top / 1.7 / _MOST_PANELS


def _plan(spectrum, temperature, guess, broadening) -> Plan:
    """Panels enough for what is known of the problem.

    Raises:
        ValueError: δ modes without a broadening or with too small a one, or one beyond πT/2.
    """
    eta, t, edge = (concrete(x) for x in (broadening, temperature, guess))
    top = concrete(_top(spectrum))
    refuse("broadening", broadening)
    if eta is not None and eta < 0:
        raise ValueError(f"broadening must not be negative, got {eta:g}; use 0 for none.")
    if eta is not None and t is not None and np.any(eta > np.pi * t / 2 * (1 + 1e-12)):
        raise ValueError(
            f"broadening {np.max(eta):g} is more than πT/2 = {np.pi * np.min(t) / 2:.4g}, "
            "up to which the continuation goes; take a smaller one, or a higher temperature."
        )
    inner, outer, by_rows, reach = 2, _PANELS, False, 1.0
    if edge is not None and top is not None and np.all(np.isfinite(edge)):
        # One of few numbers, each of which is compiled for.
        needed = np.clip(7 * np.max(edge) / np.min(top), 2, 24)
        inner = min(2 ** int(np.ceil(np.log2(needed))), 24)
    if not spectrum.smooth:
        if eta is not None and np.any(eta == 0):
            raise ValueError(
                "the density of states of δ modes is singular at Δ0 + ω_k; give broadening=…, up "
                "to πT/2, or GaussianPeaks of some width in place of the modes."
            )
        reach, outer = _REACH, 180
        if eta is not None and top is not None:
            outer = int(np.ceil(np.max(_REACH * top / (1.7 * eta))))
        if outer > _MOST_PANELS:
            least = least_broadening(float(np.max(top)))  # pyright: ignore
            raise ValueError(
                f"broadening {np.min(eta):.4g} of δ modes is too small for their range; "  # pyright: ignore
                f"it has to be {least:.2g} or more, or take GaussianPeaks in their place."
            )
    elif isinstance(spectrum, TabulatedSpectrum):
        rows = spectrum.omega.shape[0]
        by_rows = rows <= _FEW_ROWS
        outer = -(-_PANELS // rows) if by_rows else int(np.clip(rows // 12, _PANELS, 40))
    elif isinstance(spectrum, GaussianPeaks):
        width = concrete(spectrum.width)
        if width is not None and top is not None:
            outer = int(np.clip(np.ceil(np.max(top) / (1.5 * np.min(width))), _PANELS, 160))
    else:
        outer = 3 * _PANELS  # a jump at the top, felt at Δ0 + ω and at Δ0 - ω
    on_axis = eta is not None and not np.any(eta)
    return Plan(
        8,
        inner,
        outer,
        by_rows,
        reach,
        on_axis,
        isinstance(spectrum, DebyeSpectrum) or not spectrum.smooth,
    )


@eqx.filter_jit
def _imaginary_axis(problem, solved):
    """What is continued, where its edge may be, and NaN if that is in the input."""
    at, unknown = condensed(problem, solved)
    basis, temperature = problem.basis, problem.temperature
    guess = edge_of(basis, at, unknown, temperature)
    # Near T_c at strong coupling the fraction may be anything.
    first = leading_gap(problem, solved)
    sound = (guess > 0.3 * first) & (guess < 3 * first)
    guess = jax.lax.stop_gradient(jnp.where(sound, guess, first))
    return condensate_of(basis, at, unknown, temperature), guess, problem.lost()


@eqx.filter_jit
def _state(plan, spectrum, temperature, height, condensate, guess, energies) -> RealAxisState:
    problem = Problem(spectrum, _top(spectrum), temperature, height, condensate, guess)
    solution = continued(plan, problem)
    total, pair, edge = solution.total, solution.pair, solution.edge
    if energies is None:
        panels = panels_of(plan, problem, edge)
        energies, weights = panels.nodes(), panels.weights()
    else:
        total, pair = step(parts(plan, problem, edge, energies), total, pair)
        weights = None
    at = energies + 1j * height
    found = jnp.where(has_edge(solution), edge, jnp.nan)
    return RealAxisState(
        temperature,
        energies,
        pair / total * at,
        total / at,
        jnp.where(guess > 0, (total / retarded_root(total, pair)).real, 1.0),
        jnp.where(guess > 0, found, 0.0),
        weights,
    )
