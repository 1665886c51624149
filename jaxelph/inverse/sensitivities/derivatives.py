r"""Derivatives of everything by the spectrum, as functions of frequency and as pytrees.

A quantity Q[α²F] changes for α²F → α²F + η δ(· - ω) by η δQ/δα²F(ω). Such a probe is a mode of
coupling 2η/ω, so that at η = 0 it costs one reverse pass through Q for all ω together, and is
exact: roots and eigenvectors on the way are differentiated implicitly.

Known forms which these derivatives must reproduce:

    δλ/δα²F = 2/ω,    δ(λ⟨ω²⟩)/δα²F = 2ω,    δ(C_el ratio)/δα²F = -(2/ω) g(ω/2πT),
    ∫ α²F (δλ_c/δα²F) dω = 0,    ∫ α²F (δmargin/δα²F) dω = margin - 1 (weight, heat, kinetic).
"""

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ...grids.energies import EnergyGrid, size_for, thermal_extent
from ...grids.refined import RefinedGrid
from ...numerics.checks import refuse
from ...numerics.precision import check_precision
from ...spectra.moments import coupling_constant, log_frequency, maximum_frequency, phonon_edge
from ...spectra.resolution import at_temperature
from ...spectra.spectrum import EliashbergFunction, Scalar
from ...stability.critical import critical_coupling, margin
from ...stability.modes import slowest_rate
from ...stability.rates import two_temperature_rate
from ...superconductivity.edge import gap_ratio
from ...superconductivity.field import condensation_energy
from ...superconductivity.formulas import allen_dynes
from ...superconductivity.free_energy import specific_heat_jump
from ...superconductivity.isotope import isotope_coefficient
from ...superconductivity.transition import check_repulsion, transition_temperature
from ...thermodynamics.specific_heat import (
    maximum_stability_parameter,
    specific_heat_ratio,
    stability_parameter,
)
from ...units import KELVIN
from .result import Sensitivities, Sensitivity

# Dense matrices are differentiated through.
_LARGEST_GRID = 3000

Functional = Callable[[EliashbergFunction], Float[Array, ""]]


class Setting(eqx.Module):
    """What a quantity depends on beside the spectrum."""

    temperature: Float[Array, ""]
    mu_star: Float[Array, ""]
    grid: EnergyGrid
    margin_grid: EnergyGrid | RefinedGrid  # where the margin is computed: refined if α²F is smooth
    omega_ph: Float[Array, ""] | None = None  # what μ* refers to; None for `phonon_edge`
    cutoff: Float[Array, ""] | None = None  # of Tc, see `transition_temperature`
    mu_star_at: str = eqx.field(static=True, default="omega-ph")


class Quantity(NamedTuple):
    """A scalar with its label, the power of energy in its unit, and how to compute it."""

    label: str
    energy_power: int
    compute: Callable[[EliashbergFunction, Setting], Float[Array, ""]]


def coupling_moment(spectrum: EliashbergFunction, power: int = 2) -> Float[Array, ""]:
    r"""$\lambda\langle\omega^n\rangle = 2\int\alpha^2F\,\omega^{n-1}d\omega$ (energyⁿ).

    Args:
        spectrum: an Eliashberg function.
        power: n.

    Returns:
        λ⟨ωⁿ⟩ (scalar, energyⁿ).

    Example:
        >>> from jaxelph import EinsteinModes
        >>> print(f"{coupling_moment(EinsteinModes([3.0], [0.5])):.1f}")
        4.5
    """
    omega, coupling = spectrum.moment_modes()
    return jnp.sum(coupling * omega**power)


def _criterion(function, name):
    return lambda spectrum, s: function(spectrum, s.temperature, criterion=name, grid=s.margin_grid)


def _paired(function):
    return lambda spectrum, s: function(
        spectrum,
        mu_star=s.mu_star,
        cutoff=s.cutoff,
        omega_ph=s.omega_ph,
        mu_star_at=s.mu_star_at,
    )


def _gap(spectrum, **options):
    return gap_ratio(spectrum, **options) * transition_temperature(spectrum, **options) / 2


def _edge(spectrum, s):
    return phonon_edge(spectrum) if s.omega_ph is None else s.omega_ph


#: The scalars that `sensitivities` knows by name.
QUANTITIES: dict[str, Quantity] = {
    "lambda": Quantity("λ", 0, lambda spectrum, s: coupling_constant(spectrum)),
    "omega-log": Quantity("ω_log", 1, lambda spectrum, s: log_frequency(spectrum)),
    "lambda-omega2": Quantity("λ⟨ω²⟩", 2, lambda spectrum, s: coupling_moment(spectrum)),
    "tc": Quantity("Tc", 1, _paired(transition_temperature)),
    "gap": Quantity("Δ0", 1, _paired(_gap)),
    "gap-ratio": Quantity("2Δ0/Tc", 0, _paired(gap_ratio)),
    "jump": Quantity("ΔC/γ0Tc", 0, _paired(specific_heat_jump)),
    "isotope": Quantity("β (isotope)", 0, _paired(isotope_coefficient)),
    "condensation": Quantity("(E_N - E_S)/ν0", 2, _paired(condensation_energy)),
    "omega-ph": Quantity("ω_ph of μ*", 1, _edge),
    "tc-allen-dynes": Quantity(
        "Tc (Allen-Dynes)", 1, lambda spectrum, s: allen_dynes(spectrum, s.mu_star)
    ),
    "heat": Quantity(
        "C_el ratio", 0, lambda spectrum, s: specific_heat_ratio(spectrum, s.temperature)
    ),
    "xi": Quantity("ξ(T)", 0, lambda spectrum, s: stability_parameter(spectrum, s.temperature)),
    "xi-max": Quantity("max ξ", 0, lambda spectrum, s: maximum_stability_parameter(spectrum)[0]),
    "weight": Quantity("min Z₀⁻¹", 0, _criterion(margin, "weight")),
    "margin": Quantity("margin (kinetic)", 0, _criterion(margin, "kinetic")),
    "lambda-c-weight": Quantity("λ_c (weight)", 0, _criterion(critical_coupling, "weight")),
    "lambda-c-heat": Quantity("λ_c (heat)", 0, _criterion(critical_coupling, "heat")),
    "lambda-c-kinetic": Quantity("λ_c (kinetic)", 0, _criterion(critical_coupling, "kinetic")),
    "gamma-1": Quantity("γ₁", 1, lambda spectrum, s: slowest_rate(spectrum, s.temperature, s.grid)),
    "gamma-t": Quantity(
        "γ_T", 1, lambda spectrum, s: two_temperature_rate(spectrum, s.temperature)
    ),
    "tau-1": Quantity(
        "τ₁", -1, lambda spectrum, s: 1 / slowest_rate(spectrum, s.temperature, s.grid)
    ),
    "tau-t": Quantity(
        "τ_T", -1, lambda spectrum, s: 1 / two_temperature_rate(spectrum, s.temperature)
    ),
}

#: Those that μ* at ω_ph comes into.
PAIRED = ("tc", "gap", "gap-ratio", "jump", "isotope", "condensation")


#: Names that stand for several quantities.
GROUPS = {"lambda-c": ("lambda-c-weight", "lambda-c-heat", "lambda-c-kinetic")}


def quantity_names(asked: Iterable[str]) -> list[str]:
    """Names as `QUANTITIES` has them; `lambda_c` stands for its three criteria.

    Raises:
        ValueError: a name is not known; the message lists those that are.

    Example:
        >>> quantity_names(["tc", "lambda_c"])
        ['tc', 'lambda-c-weight', 'lambda-c-heat', 'lambda-c-kinetic']
    """
    found: list[str] = []
    for text in asked:
        name = text.strip().lower().replace("_", "-")
        if name not in QUANTITIES and name not in GROUPS:
            known = ", ".join((*QUANTITIES, *GROUPS))
            raise ValueError(f"quantity {text.strip()!r} is not known; use one of {known}.")
        found += [q for q in GROUPS.get(name, (name,)) if q not in found]
    if not found:
        raise ValueError("no quantity: name at least one, tc for example.")
    return found


def check_spectrum(function: str, spectrum) -> None:
    """Refuse what is not an Eliashberg function, by one sentence."""
    if not isinstance(spectrum, EliashbergFunction):
        raise ValueError(
            f"{function}: the spectrum is of type {type(spectrum).__name__}; give an Eliashberg "
            "function, TabulatedSpectrum(omega, a2f) for example."
        )


def _check_scalar(function: str, quantity: Functional, spectrum) -> None:
    """Refuse a quantity that is not one number of a spectrum."""
    if not callable(quantity):
        raise ValueError(
            f"{function}: the quantity is of type {type(quantity).__name__}; give a function of a "
            "spectrum, coupling_constant for example."
        )
    found = eqx.filter_eval_shape(quantity, spectrum)
    if getattr(found, "shape", None) != ():
        raise ValueError(
            f"{function}: the quantity gives {found} and not one number; differentiate each of its "
            "numbers by itself."
        )


class _Probed(EliashbergFunction):
    """A spectrum and probes, see `with_probes`, of which each rule of quadrature keeps its own."""

    smooth: ClassVar[bool] = False

    base: EliashbergFunction
    omega: Float[Array, " frequency"]
    area: Float[Array, " frequency"]

    def _beside(self, nodes, strength):
        return jnp.append(nodes[0], self.omega), jnp.append(nodes[1], strength)

    def modes(self):
        return self._beside(self.base.modes(), 2 * self.area / self.omega)

    def coarse_modes(self):
        return self._beside(self.base.coarse_modes(), 2 * self.area / self.omega)

    def moment_modes(self):
        return self._beside(self.base.moment_modes(), 2 * self.area / self.omega)

    def carriers(self):
        return self._beside(self.base.carriers(), self.area)

    def area_quantile(self, share):
        # What μ* refers to, which a probe is not to move.
        return self.base.lengthened().area_quantile(share)

    def scaled(self, factor):
        return _Probed(self.base.scaled(factor), self.omega, self.area * factor)


def with_probes(
    spectrum: EliashbergFunction,
    omega: Float[Array, " frequency"],
    area: Float[Array, " frequency"],
) -> EliashbergFunction:
    r"""The spectrum with $\sum_j \eta_j\,\delta(\omega-\omega_j)$ added to α²F.

    Args:
        spectrum: an Eliashberg function.
        omega (array of shape (frequency,), energy): ω_j > 0.
        area (array of shape (frequency,), energy): η_j.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> s = with_probes(EinsteinModes([3.0], [0.5]), np.array([4.0]), np.array([0.2]))
        >>> print(f"{coupling_constant(s):.2f}")
        0.60
    """
    return _Probed(spectrum, jnp.asarray(omega, dtype=jnp.result_type(float)), jnp.asarray(area))


def functional_derivative(
    quantity: Functional, spectrum: EliashbergFunction, omega: Float[Array, " frequency"]
) -> Float[Array, " frequency"]:
    r"""$\delta Q/\delta\alpha^2F(\omega)$ of any scalar Q of the spectrum, in one reverse pass.

    Args:
        quantity: spectrum → scalar; it has to take any kind.
        spectrum: the Eliashberg function at which to differentiate.
        omega (array of shape (frequency,), energy): where.

    Returns:
        δQ/δα²F (array of shape (frequency,), unit of Q over energy).

    Raises:
        ValueError: the spectrum is none, or the quantity is no function of it with one number.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> s = EinsteinModes([3.0, 5.0], [0.5, 0.4])
        >>> print(functional_derivative(coupling_constant, s, np.array([1.0, 4.0])))
        [2.  0.5]
    """
    check_spectrum("functional_derivative", spectrum)
    omega = jnp.asarray(omega, dtype=jnp.result_type(float))
    _check_scalar("functional_derivative", quantity, spectrum)
    return jax.grad(lambda area: quantity(with_probes(spectrum, omega, area)))(
        jnp.zeros_like(omega)
    )


@eqx.filter_jit
def _evaluate(compute, spectrum, setting, omega):
    value, (gradient, by_setting) = eqx.filter_value_and_grad(lambda both: compute(*both))(
        (spectrum, setting)
    )
    functional = functional_derivative(lambda s: compute(s, setting), spectrum, omega)
    return value, gradient, by_setting, functional


def sensitivities(
    spectrum: EliashbergFunction,
    temperature: float,
    quantities: Sequence[str] = ("tc", "lambda-c-kinetic", "lambda-c-heat", "heat", "gamma-1"),
    *,
    mu_star: float = 0.1,
    omega_ph: float | None = None,
    cutoff: float | None = None,
    mu_star_at: str = "omega-ph",
    grid: EnergyGrid | None = None,
    omega: Float[Array, " frequency"] | None = None,
    progress: Callable[[str], None] | None = None,
) -> Sensitivities:
    """Values and all first derivatives of named quantities.

    Args:
        spectrum: an Eliashberg function.
        temperature (scalar, energy): T > 0.
        quantities: names from `QUANTITIES`, lambda_c standing for all three criteria.
        mu_star (scalar): μ* of Tc.
        omega_ph, cutoff, mu_star_at: of Tc, see `transition_temperature`. By default ω_ph
            follows the spectrum where one of its numbers is varied; δTc/δα²F(ω) is at fixed
            ω_ph, like `tc_functional_derivative`.
        grid: for the kinetic criterion and the rates; by default that of `margin` for the
            one, `EnergyGrid.suggest` for the others. It is kept fixed where T is varied, and
            hence its derivative is exact.
        omega (array of shape (frequency,), energy): where to give δQ/δα²F, by default 200
            frequencies up to 1.2 times the top of the spectrum.
        progress: called with the name of each quantity before it is computed.

    Raises:
        ValueError: a name is not known, the temperature is not positive or so low that its energy
            grid would be too large, or an option of Tc cannot be meant.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> s = EinsteinModes([1.0], [1.0])
        >>> found = sensitivities(s, 0.3, ["heat"], omega=np.array([1.0]))
        >>> print(f"{found['heat'].value:.5f} {found['heat'].spectrum.coupling[0]:.5f}")
        1.02857 0.02857
    """
    check_precision()
    check_spectrum("sensitivities", spectrum)
    quantities = quantity_names(quantities)
    refuse("temperature", temperature, positive=True)
    check_repulsion(spectrum, mu_star, cutoff, omega_ph, mu_star_at)
    spectrum = at_temperature(spectrum, temperature, everywhere=True)
    margin_grid: EnergyGrid | RefinedGrid
    if grid is None:
        check_size(spectrum, temperature)
        grid = EnergyGrid.suggest(spectrum, temperature)
        margin_grid = RefinedGrid.if_smooth(spectrum, temperature, grid)
    else:
        margin_grid = grid
    if omega is None:
        omega = 1.2 * maximum_frequency(spectrum) * jnp.arange(1, 201) / 200
    omega = jnp.asarray(omega, dtype=jnp.result_type(float))
    setting = Setting(
        jnp.asarray(float(temperature)),
        jnp.asarray(float(mu_star)),
        grid,
        margin_grid,
        None if omega_ph is None else jnp.asarray(float(omega_ph)),
        None if cutoff is None else jnp.asarray(float(cutoff)),
        mu_star_at,
    )
    items = []
    for name in quantities:
        if progress is not None:
            progress(name)
        label, power, compute = QUANTITIES[name]
        value, gradient, by_setting, functional = _evaluate(compute, spectrum, setting, omega)
        items.append(
            Sensitivity(
                name,
                label,
                power,
                float(value),
                gradient,
                float(by_setting.temperature),
                float(by_setting.mu_star),
                np.asarray(functional),
            )
        )
    return Sensitivities(
        spectrum,
        float(temperature),
        float(mu_star),
        grid,
        np.asarray(omega),
        tuple(items),
        omega_ph=float(phonon_edge(spectrum) if omega_ph is None else omega_ph),
        cutoff=np.inf if cutoff is None else float(cutoff),
        mu_star_at=mu_star_at,
    )


def check_size(spectrum: EliashbergFunction, temperature: Scalar, *, kelvin: bool = False) -> None:
    """Refuse a temperature whose energy grid would be too large.

    Args:
        spectrum: an Eliashberg function.
        temperature (scalar, energy): T > 0.
        kelvin: tell temperatures in K, energies being in meV.

    Raises:
        ValueError: it would; the message says what is possible.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> check_size(EinsteinModes([1.0], [1.0]), 0.1)
    """
    top, factor = float(maximum_frequency(spectrum)), 1 / KELVIN if kelvin else 1.0
    size = size_for(top, *thermal_extent(top, float(np.asarray(temperature))))
    if size > _LARGEST_GRID:
        of_energy, of_temperature = (" meV", " K") if kelvin else ("", "")
        asked, lowest = (factor * temperature * x for x in (1.0, size / _LARGEST_GRID))
        raise ValueError(
            f"temperature {asked:.4g}{of_temperature} is too low for a spectrum that reaches "
            f"{top:.4g}{of_energy}: it would take {size:.0f} energies, and {_LARGEST_GRID} are the "
            f"limit; the lowest that is possible is about {lowest:.2g}{of_temperature}."
        )


def scaling_derivative(quantity: Functional, spectrum: EliashbergFunction) -> Float[Array, ""]:
    r"""$\partial Q/\partial\ln s$ at s = 1 for α²F → s α²F, which is ∫ α²F (δQ/δα²F) dω.

    Args:
        quantity: spectrum → scalar.
        spectrum: the Eliashberg function at which to differentiate.

    Returns:
        ∂Q/∂ln s (scalar, unit of Q).

    Raises:
        ValueError: the spectrum is none, or the quantity is no function of it with one number.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> s = EinsteinModes([3.0, 5.0], [0.5, 0.4])
        >>> print(f"{scaling_derivative(coupling_constant, s):.1f}")
        0.9
    """

    check_spectrum("scaling_derivative", spectrum)
    _check_scalar("scaling_derivative", quantity, spectrum)

    def scaled(factor: Scalar):
        return quantity(spectrum.scaled(factor))

    return jax.grad(scaled)(1.0)
