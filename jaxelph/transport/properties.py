"""A normal metal's currents as experiments see them: K, meV, µΩ cm, eV, W/(K m).

Curves over the temperature, of `resistivity_rate` and `heat_rate`, and over the frequency of light
at a few temperatures, of `optical_rate`, `extended_drude` and `reflectivity`.
"""

import csv
import dataclasses
from pathlib import Path
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Real

from ..numerics.checks import checked, refuse
from ..presentation.files import as_text, plain
from ..presentation.notebook import html_table
from ..presentation.plotting import evenly
from ..presentation.result import Result
from ..spectra.curve import curve
from ..spectra.moments import coupling_constant, log_frequency, maximum_frequency, rms_frequency
from ..spectra.resolution import at_temperature
from ..spectra.source import source_of, warnings_of
from ..spectra.spectrum import EinsteinModes, EliashbergFunction, Scalar
from ..units import DRUDE, HBAR, KELVIN, LORENZ, check_kelvin, temperature_list
from .optics import extended_drude, permittivity, reflected
from .rates import Temperatures, optical_rate, resistivity_rate
from .thermal import heat_rate

#: J5(∞) = 5! ζ(5) of Bloch and Grüneisen's T⁵ law.
J5 = 124.43133061720438

# Curves of light reach so many times the top of the spectrum, at so many temperatures.
_REACH, _SHOWN = 5.0, 3
_LIGHT = 241


def bloch_grueneisen_rate(
    coupling: Scalar, debye: Scalar, temperature: Temperatures
) -> Float[Array, "*shape"]:
    r"""Bloch and Grüneisen's rate, that of $\alpha^2_{tr}F = 2\lambda(\omega/\Theta)^4$:

    $$\frac1\tau = 8\pi\lambda T\Bigl(\frac T\Theta\Bigr)^4J_5(\Theta/T), \qquad
      J_5(y) = \int_0^y\frac{z^5dz}{(e^z-1)(1-e^{-z})}, \quad J_5(\infty) = 124.4313.$$

    Args:
        coupling (scalar): λ_tr.
        debye (scalar, energy): Θ.
        temperature (array of any shape, energy): T ≥ 0; digits are lost below Θ/500.

    Returns:
        1/τ (array of that shape, energy).

    Example:
        >>> found = bloch_grueneisen_rate(1.0, 100.0, 1.0) / (8 * np.pi * 100**-4)
        >>> print(f"{found:.4f}")
        124.4313
    """
    node, weight = np.polynomial.legendre.leggauss(160)
    x, dx = (node + 1) / 2, weight / 2
    modes = EinsteinModes(jnp.asarray(debye) * x, jnp.asarray(coupling) * (4 * x**3 * dx))
    return resistivity_rate(modes, temperature)


@dataclasses.dataclass(frozen=True, eq=False)
class TransportProperties(Result):
    """What `transport_properties` found. Temperatures in K, energies in meV.

    Args:
        name: of the metal.
        source: where the spectrum came from, a line.
        quantity: "α²_trF", or "α²F" in its place.
        warnings: what a person should know, a sentence each.
        coupling: λ_tr.
        omega_log (meV): ω_log of it.
        bloch (meV): Θ of Bloch and Grüneisen's curve with the same λ_tr and ⟨ω²⟩.
        plasma (eV): ħω_p, NaN where it was not given.
        residual (µΩ cm): ρ0.
        saturation (µΩ cm): ρ_sat, inf without.
        background: ε_∞.
        temperatures (array of shape (temperature,), K): ascending.
        rate (array of shape (temperature,), meV): ħ/τ of `resistivity_rate`.
        exponent (array of shape (temperature,)): n = d ln(1/τ)/d ln T.
        bloch_rate, linear_rate, fifth_rate (arrays of shape (temperature,), meV): Bloch and
            Grüneisen's, and its laws at high and low T, 2πλT and T⁵.
        resistivity (array of shape (temperature,), µΩ cm): ρ, with ρ0 and ρ_sat; without ω_p
            ρ·(ħω_p)² in µΩ cm eV².
        lorenz (array of shape (temperature,)): L/L0, of phonons alone.
        heat (array of shape (temperature,), W/(K m)): κ of electrons, NaN without ω_p.
        shown (array of shape (shown,), K): temperatures of the next.
        light (array of shape (light,), meV): ħΩ.
        optical (array of shape (shown, light), meV): ħ/τ(Ω) of `optical_rate`, plus impurities.
        drude (array of shape (shown, light), meV): ħ/τ(Ω) of the extended Drude model.
        mass (array of shape (shown, light)): m*/m of it.
        reflectivity (array of shape (shown, light)): R, NaN without ω_p.
        discrete: whether the spectrum is made of δ modes.
        frequencies (array of shape (frequency,), meV): ω of the next.
        a2f (array of shape (frequency,)): α²_tr F, or for δ modes their areas in meV.

    Example:
        >>> from jaxelph import example
        >>> found = transport_properties(example("lead"), [10.0, 300.0], plasma=8.3)
        >>> print(found.resistivity.shape, found.mass.shape)
        (2,) (2, 241)
    """

    files: ClassVar[str] = "transport"

    name: str
    source: str
    quantity: str
    warnings: tuple[str, ...]
    coupling: float
    omega_log: float
    bloch: float
    plasma: float
    residual: float
    saturation: float
    background: float
    temperatures: np.ndarray
    rate: np.ndarray
    exponent: np.ndarray
    bloch_rate: np.ndarray
    linear_rate: np.ndarray
    fifth_rate: np.ndarray
    resistivity: np.ndarray
    lorenz: np.ndarray
    heat: np.ndarray
    shown: np.ndarray
    light: np.ndarray
    optical: np.ndarray
    drude: np.ndarray
    mass: np.ndarray
    reflectivity: np.ndarray
    discrete: bool
    frequencies: np.ndarray
    a2f: np.ndarray

    @property
    def unit(self) -> str:
        """Of `resistivity`."""
        return "µΩ cm" if np.isfinite(self.plasma) else "µΩ cm eV²"

    def _repr_html_(self) -> str:
        rows = [(told, value) for told, value, _ in self.numbers()]
        return html_table(f"Transport {self.name}".strip(), rows)

    def numbers(self) -> tuple[tuple[str, float, str], ...]:
        """Each number with its name and its unit, "1" where it has none."""
        return (
            ("λ_tr", self.coupling, "1"),
            ("ω_log", self.omega_log / KELVIN, "K"),
            ("Θ_BG", self.bloch / KELVIN, "K"),
            ("ħω_p", self.plasma, "eV"),
            ("ρ0", self.residual, "µΩ cm"),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings; what is infinite or undefined is None."""
        steady = zip(*(values for _, values in self._columns()), strict=True)
        names = [name for name, _ in self._columns()]
        curves = ("optical", "drude", "mass", "reflectivity")
        keys = ("rate_meV", "extended_drude_rate_meV", "mass", "reflectivity")
        return plain(
            {
                "name": self.name,
                "source": self.source,
                "quantity": self.quantity,
                "lambda_tr": self.coupling,
                "omega_log_K": self.omega_log / KELVIN,
                "bloch_grueneisen_temperature_K": self.bloch / KELVIN,
                "plasma_energy_eV": self.plasma,
                "residual_microohm_cm": self.residual,
                "saturation_microohm_cm": self.saturation,
                "epsilon_infinity": self.background,
                "resistivity_unit": self.unit,
                "temperatures": [dict(zip(names, row, strict=True)) for row in steady],
                "light_meV": self.light,
                "optics": [
                    {"T_K": t}
                    | {key: getattr(self, c)[k] for key, c in zip(keys, curves, strict=True)}
                    for k, t in enumerate(self.shown)
                ],
                "warnings": list(self.warnings),
            }
        )

    def _columns(self) -> tuple[tuple[str, np.ndarray], ...]:
        resistivity = "resistivity_microohm_cm" + ("" if np.isfinite(self.plasma) else "_eV2")
        return (
            ("T_K", self.temperatures),
            ("rate_meV", self.rate),
            (resistivity, self.resistivity),
            ("exponent", self.exponent),
            ("bloch_grueneisen_rate_meV", self.bloch_rate),
            ("linear_rate_meV", self.linear_rate),
            ("T5_rate_meV", self.fifth_rate),
            ("lorenz_ratio", self.lorenz),
            ("thermal_conductivity_W_per_K_m", self.heat),
        )

    def to_xarray(self):
        """Numbers and curves as a labelled `xarray.Dataset`."""
        from .dataset import transport_dataset

        return transport_dataset(self)

    def plot(self, ax=None):
        """The figure, a `matplotlib.figure.Figure` that no global state knows of.

        On `ax` if given, see `jaxelph.plot`.
        """
        from .figure import transport_figure

        return transport_figure(self.to_xarray(), ax)

    def _more_writers(self):
        return {"transport.csv": self._write_csv}

    def _write_csv(self, path: Path) -> None:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow([name for name, _ in self._columns()])
            rows = zip(*(values for _, values in self._columns()), strict=True)
            writer.writerows([f"{value:.10g}" for value in row] for row in rows)


@checked
def transport_properties(
    spectrum: EliashbergFunction,
    temperatures: Real[ArrayLike, " temperature"] | None = None,
    *,
    plasma: float | None = None,
    residual: float = 0.0,
    saturation: float | None = None,
    background: float = 1.0,
    name: str = "",
) -> TransportProperties:
    """Resistivity, heat current and optics of a normal metal.

    Args:
        spectrum: α²_tr F in meV, from `read_a2f`, say, or α²F in its place.
        temperatures (array of shape (temperature,), K): sorted, duplicates dropped; by default
            from 1/100 of the top of the spectrum to 300 K or half the top. Light is shown at the
            first, the last and one between.
        plasma (eV): ħω_p. Without it resistivities are ρ·(ħω_p)², and there is no reflectivity.
        residual (µΩ cm): ρ0, which needs `plasma`; impurities scatter light as much.
        saturation (µΩ cm): ρ_sat of a parallel resistor, which needs `plasma`.
        background: ε_∞.
        name: of the metal, for figures.

    Returns:
        TransportProperties: with `.to_xarray()`, `.to_json()`, `.plot()` and `.save(folder)`.

    Raises:
        ValueError: no coupling, or an argument out of range.

    Example:
        >>> from jaxelph import example
        >>> found = transport_properties(example("lead"), [295.0], plasma=8.3)
        >>> print(f"{found.resistivity[0]:.1f} µΩ cm")
        26.6 µΩ cm
    """
    refuse("residual", residual, not_negative=True)
    refuse("background", background, positive=True)
    for key, value in (("plasma", plasma), ("saturation", saturation)):
        refuse(key, value, positive=True)
    if plasma is None and (residual > 0 or saturation is not None):
        given = "residual" if residual > 0 else "saturation"
        raise ValueError(f"{given} needs plasma: a resistivity in µΩ cm takes ħω_p, in eV.")
    rows = spectrum.rows()
    coupling, omega_log = float(coupling_constant(rows)), float(log_frequency(rows))
    if not (np.isfinite(coupling) and coupling > 0):
        raise ValueError(f"spectrum: its coupling λ must be positive, got {coupling:g}.")
    top = float(maximum_frequency(spectrum))
    if temperatures is None:
        hottest = max(300.0, 0.5 * top / KELVIN)
        kelvins = np.geomspace(min(top / KELVIN / 100, 0.1 * hottest), hottest, 61)
    else:
        kelvins = temperature_list(temperatures)
        for t in kelvins:
            check_kelvin(t, "temperatures")
    energy = KELVIN * kelvins
    rate, exponent, heated = _steady(at_temperature(spectrum, energy[0]), energy)
    per_rate = DRUDE / (1.0 if plasma is None else plasma**2)
    resistivity = residual + per_rate * rate
    if saturation is not None:
        resistivity = resistivity * saturation / (resistivity + saturation)
    thermal = np.full(kelvins.shape, np.nan)
    if plasma is not None:
        thermal = LORENZ * kelvins / (1e-8 * (residual + per_rate * heated))

    bloch = float(np.sqrt(1.5) * rms_frequency(rows))  # ⟨ω²⟩ = 2Θ²/3
    light = np.linspace(0, _REACH * top, _LIGHT)
    shown = kelvins[evenly(kelvins.size, _SHOWN)]
    impurity = residual / per_rate
    optics = [_optics(spectrum, KELVIN * t, light, plasma, impurity, background) for t in shown]
    optical, drude, mass, mirror = (np.stack(values) for values in zip(*optics, strict=True))
    discrete, frequencies, a2f = curve(spectrum, top)
    provenance = getattr(spectrum, "provenance", None)
    return TransportProperties(
        name=as_text(name),
        source=source_of(spectrum, coupling),
        quantity="α²F" if provenance is None else provenance.quantity,
        warnings=warnings_of(spectrum, coupling, transport=True),
        coupling=coupling,
        omega_log=omega_log,
        bloch=bloch,
        plasma=np.nan if plasma is None else float(plasma),
        residual=float(residual),
        saturation=np.inf if saturation is None else float(saturation),
        background=float(background),
        temperatures=kelvins,
        rate=rate,
        exponent=exponent,
        bloch_rate=np.asarray(bloch_grueneisen_rate(coupling, bloch, energy)),
        linear_rate=2 * np.pi * coupling * energy,
        fifth_rate=8 * np.pi * coupling * J5 * energy * (energy / bloch) ** 4,
        resistivity=resistivity,
        lorenz=np.divide(rate, heated, out=np.full(rate.shape, np.nan), where=heated > 0),
        heat=thermal,
        shown=shown,
        light=light,
        optical=optical,
        drude=drude,
        mass=mass,
        reflectivity=mirror,
        discrete=discrete,
        frequencies=frequencies,
        a2f=a2f,
    )


def _steady(spectrum, energy):
    """1/τ, its exponent and 1/τ_κ at each temperature."""

    def both(t):
        return resistivity_rate(spectrum, t), heat_rate(spectrum, t)

    (rate, heat), (slope, _) = jax.jit(lambda t: jax.jvp(both, (t,), (jnp.ones_like(t),)))(energy)
    rate, slope = np.asarray(rate), np.asarray(slope)
    exponent = np.divide(energy * slope, rate, out=np.full(rate.shape, np.nan), where=rate > 0)
    return rate, exponent, np.asarray(heat)


def _optics(spectrum, temperature, light, plasma, impurity, background):
    optical = impurity + np.asarray(optical_rate(spectrum, temperature, light))
    drude, mass = extended_drude(spectrum, temperature, light, impurity=impurity)
    mirror = np.full(light.shape, np.nan)
    if plasma is not None:
        # From σ of the same numbers; at Ω = 0 nothing is absorbed.
        lit = light > 0
        response = 1e6 * plasma**2 / (4 * np.pi) / (drude - 1j * light * mass)
        mirror = np.ones(light.shape)
        mirror[lit] = reflected(permittivity(response[lit], light[lit], background))
    return optical, np.asarray(drude), np.asarray(mass), np.asarray(mirror)


def per_picosecond(rate: np.ndarray) -> np.ndarray:
    """1/τ in 1/ps of ħ/τ in meV.

    Example:
        >>> print(f"{per_picosecond(np.array([1.0]))[0]:.4f}")
        1.5193
    """
    return rate / HBAR
