r"""A superconductor as experiments see it: temperatures in K, energies in meV, fields in tesla.

What `transition_temperature`, `gap_ratio`, `specific_heat_jump` and their like say of one metal,
and curves over T. The numbers that theorists compare metals by:

    2Δ0/T_c,   ΔC/γ0T_c,   γ0T_c²/8π|F(0)| = γ0T_c²/H_c(0)²,   h_c(0) = H_c(0)/(T_c|dH_c/dT|),

in weak coupling 3.528, 1.426, 0.1682 and 0.576; γ0 = (2π²/3)ν0(1+λ). The jump that is measured is
over the normal metal's own specific heat at T_c, which is γ0T_c only if T_c ≪ ω.
"""

import dataclasses
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Real

from ..numerics.checks import checked
from ..presentation.files import as_text, plain
from ..presentation.notebook import html_table
from ..presentation.result import Result
from ..spectra.curve import curve
from ..spectra.moments import coupling_constant, log_frequency, maximum_frequency, phonon_edge
from ..spectra.resolution import at_temperature
from ..spectra.source import source_of, warnings_of
from ..spectra.spectrum import EliashbergFunction
from ..thermodynamics.specific_heat import specific_heat_ratio
from ..units import KELVIN, check_kelvin, temperature_list
from .edge import edge_at, gap_ratio
from .field import at_zero, deviation, field_of, reduced_field, tesla
from .free_energy import entropy_and_heat, free_energy, jump_of
from .gap import leading_gap, prepared, solution
from .isotope import isotope_coefficient, isotope_weight
from .real_axis import density_of_states, least_broadening
from .transition import check_repulsion, transition_temperature

#: Temperatures over T_c at which the density of states is shown.
SHOWN = (0.1, 0.9)

#: Temperatures over T_c of the curves by default.
REDUCED = np.concatenate([np.arange(0.04, 0.981, 0.02), [0.99, 0.995], np.arange(1.02, 1.21, 0.02)])


@dataclasses.dataclass(frozen=True, eq=False)
class Superconductor(Result):
    """What `superconductor` found. Temperatures in K, energies in meV.

    Without superconductivity T_c, the gap and the curves of it are 0 and the ratios NaN.

    Args:
        name: of the metal.
        source: where the spectrum came from, a line.
        warnings: what a person should know, a sentence each.
        coupling: λ.
        omega_log (meV): ω_log.
        mu_star: μ*.
        omega_ph (meV): the frequency that μ* refers to.
        cutoff (meV): ω_c of the Coulomb repulsion, inf for the limit.
        mu_star_at: "omega-ph" or "cutoff", see `transition_temperature`.
        tc (K): T_c.
        gap (meV): the gap's edge Δ0 at T_c/10.
        gap_ratio: 2Δ0/T_c.
        jump: ΔC/γ0T_c with γ0 = (2π²/3)ν0(1+λ).
        jump_over_normal: ΔC/C_N(T_c), with the normal metal's own specific heat.
        energy (meV²): condensation energy over ν0.
        field_ratio: γ0T_c²/H_c(0)².
        field_slope: h_c(0) = H_c(0)/(T_c |dH_c/dT|).
        field (T): H_c(0), NaN where ν0 is not given.
        isotope: β = -d ln T_c/d ln M.
        temperatures (array of shape (temperature,), K): ascending.
        leading_gap (array of shape (temperature,), meV): Δ(iπT).
        edge (array of shape (temperature,), meV): Δ0(T), see `gap_edge`; NaN above T_c/2.
        heat (array of shape (temperature,)): C_S/γ0T_c.
        normal_heat (array of shape (temperature,)): C_N/γ0T_c.
        reduced_field (array of shape (temperature,)): H_c(T)/H_c(0).
        deviation (array of shape (temperature,)): D = H_c(T)/H_c(0) - 1 + (T/T_c)².
        discrete: whether the spectrum is made of δ modes.
        frequencies (array of shape (frequency,), meV): ω of the next two.
        a2f (array of shape (frequency,)): α²F, or for δ modes their areas λ_kω_k/2 in meV.
        isotope_weight (array of shape (frequency,), 1/meV): R(ω) with β = ∫α²F R dω.
        energies (array of shape (energy,), meV): E of the density of states.
        shown (array of shape (shown,), K): its temperatures; none without superconductivity, with
            a cutoff, which the real axis has not, if it was not asked for, or if T_c is too low
            for the broadening that δ modes need.
        density (array of shape (shown, energy)): N(E)/ν0.
        broadening (meV): η of it, for δ modes; else 0.

    Example:
        >>> from jaxelph import example
        >>> found = superconductor(example("table1"), [10.0, 30.0], real_axis=False)
        >>> print(f"{found.tc:.2f} K {found.gap:.3f} meV", found.heat.shape)
        41.83 K 7.085 meV (2,)
    """

    files: ClassVar[str] = "gap"

    name: str
    source: str
    warnings: tuple[str, ...]
    coupling: float
    omega_log: float
    mu_star: float
    omega_ph: float
    cutoff: float
    mu_star_at: str
    tc: float
    gap: float
    gap_ratio: float
    jump: float
    jump_over_normal: float
    energy: float
    field_ratio: float
    field_slope: float
    field: float
    isotope: float
    temperatures: np.ndarray
    leading_gap: np.ndarray
    edge: np.ndarray
    heat: np.ndarray
    normal_heat: np.ndarray
    reduced_field: np.ndarray
    deviation: np.ndarray
    discrete: bool
    frequencies: np.ndarray
    a2f: np.ndarray
    isotope_weight: np.ndarray
    energies: np.ndarray
    shown: np.ndarray
    density: np.ndarray
    broadening: float

    def _repr_html_(self) -> str:
        rows = [(told, value) for told, value, _ in self.numbers()]
        return html_table(f"Superconductor {self.name}".strip(), rows)

    def numbers(self) -> tuple[tuple[str, float, str], ...]:
        """Each number with its name and its unit, "1" where it has none."""
        return (
            ("λ", self.coupling, "1"),
            ("ω_log", self.omega_log / KELVIN, "K"),
            ("Tc", self.tc, "K"),
            ("Δ0", self.gap, "meV"),
            ("2Δ0/Tc", self.gap_ratio, "1"),
            ("ΔC/γ0Tc", self.jump, "1"),
            ("ΔC/C_N(Tc)", self.jump_over_normal, "1"),
            ("γ0Tc²/Hc(0)²", self.field_ratio, "1"),
            ("h_c(0)", self.field_slope, "1"),
            ("Hc(0)", self.field, "T"),
            ("(E_N - E_S)/ν0", self.energy, "meV²"),
            ("β", self.isotope, "1"),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings; what is infinite or undefined is None."""
        curves = zip(
            self.temperatures,
            self.leading_gap,
            self.edge,
            self.heat,
            self.normal_heat,
            self.reduced_field,
            self.deviation,
            strict=True,
        )
        names = (
            "T_K",
            "gap_at_first_frequency_meV",
            "gap_edge_meV",
            "C_S_over_gamma0_Tc",
            "C_N_over_gamma0_Tc",
            "reduced_field",
            "deviation",
        )
        return plain(
            {
                "name": self.name,
                "source": self.source,
                "lambda": self.coupling,
                "omega_log_K": self.omega_log / KELVIN,
                "mu_star": {
                    "value": self.mu_star,
                    "omega_ph_meV": self.omega_ph,
                    "cutoff_meV": self.cutoff,
                    "quoted_at": self.mu_star_at,
                },
                "Tc_K": self.tc,
                "gap_meV": self.gap,
                "gap_ratio": self.gap_ratio,
                "jump": {
                    "over_gamma0_Tc": self.jump,
                    "over_normal_heat": self.jump_over_normal,
                    "gamma0": "(2π²/3)ν0(1+λ)",
                },
                "critical_field": {
                    "gamma0_Tc2_over_H2": self.field_ratio,
                    "over_Tc_slope": self.field_slope,
                    "tesla": self.field,
                },
                "condensation_energy_over_dos_meV2": self.energy,
                "isotope_coefficient": self.isotope,
                "frequency_meV": self.frequencies,
                "isotope_weight_per_meV": self.isotope_weight,
                "density_of_states": {
                    "energy_meV": self.energies,
                    "broadening_meV": self.broadening,
                    "curves": [
                        {"T_K": t, "N_over_normal": row}
                        for t, row in zip(self.shown, self.density, strict=True)
                    ],
                },
                "temperatures": [dict(zip(names, row, strict=True)) for row in curves],
                "warnings": list(self.warnings),
            }
        )

    def to_xarray(self):
        """Numbers and curves as a labelled `xarray.Dataset`."""
        from .dataset import superconductor_dataset

        return superconductor_dataset(self)

    def plot(self, ax=None):
        """The figure, a `matplotlib.figure.Figure` that no global state knows of.

        On `ax` if given, see `jaxelph.plot`.
        """
        from .figure import superconductor_figure

        return superconductor_figure(self.to_xarray(), ax)


@checked
def superconductor(
    spectrum: EliashbergFunction,
    temperatures: Real[ArrayLike, " temperature"] | None = None,
    *,
    mu_star: float = 0.1,
    omega_ph: float | None = None,
    cutoff: float | None = None,
    mu_star_at: str = "omega-ph",
    dos: float | None = None,
    real_axis: bool = True,
    name: str = "",
    progress: Callable[[int, int], object] | None = None,
) -> Superconductor:
    """What lies below T_c: the gap, the specific heat and the critical field.

    Args:
        spectrum: an Eliashberg function in meV, from `read_a2f`, say.
        temperatures (array of shape (temperature,), K): of the curves; sorted, duplicates
            dropped; by default from T_c/25 to 1.2 T_c.
        mu_star: Coulomb pseudopotential μ*.
        omega_ph, cutoff, mu_star_at: what μ* refers to, in meV, see `transition_temperature`.
        dos: ν0 per volume, in states per meV, spin and Å³, for fields in tesla.
        real_axis: whether to continue to real energies for N(E), which takes longest.
        name: of the metal, for figures.
        progress: called with (temperatures done, temperatures in all).

    Returns:
        Superconductor: with `.to_xarray()`, `.to_json()`, `.plot()` and `.save(folder)`. Without
        a T_c it is the normal metal, at temperatures up to a tenth of ω_log by default.

    Raises:
        ValueError: no coupling, a temperature or density of states that is not positive, a T_c
            below what the Matsubara basis resolves, or an option of T_c that cannot be meant.

    Example:
        >>> from jaxelph import example
        >>> found = superconductor(example("table1"), [10.0, 30.0], real_axis=False)
        >>> print(f"{found.gap_ratio:.3f} {found.jump:.3f} {found.isotope:.3f}")
        3.931 2.081 0.473
    """
    check_repulsion(spectrum, mu_star, cutoff, omega_ph, mu_star_at)
    if dos is not None and not 0 < dos < np.inf:
        raise ValueError(f"dos must be positive, in states per meV, spin and Å³, got {dos:g}.")
    # What is compiled serves tables of all lengths.
    nodes, rows = spectrum.sampled(), spectrum.rows()
    coupling, omega_log = float(coupling_constant(rows)), float(log_frequency(rows))
    if not (np.isfinite(coupling) and coupling > 0):
        raise ValueError(f"spectrum: its coupling λ must be positive, got {coupling:g}.")
    reference = float(phonon_edge(spectrum)) if omega_ph is None else float(omega_ph)
    options: dict[str, Any] = {
        "mu_star": mu_star,
        "omega_ph": reference,
        "cutoff": cutoff,
        "mu_star_at": mu_star_at,
    }
    tc = float(transition_temperature(nodes, **options))
    exists = tc > 0
    if temperatures is None:
        kelvins = REDUCED * tc / KELVIN if exists else omega_log / KELVIN * np.linspace(0.01, 0.1)
    else:
        kelvins = temperature_list(temperatures)
        for t in kelvins:
            check_kelvin(t, "temperatures")

    # The coldest is what the basis may not resolve.
    energy = KELVIN * kelvins
    problem = prepared(nodes, energy[0], **options, basis=None)
    modes = problem.omega, problem.area, problem.repulsion, problem.basis, coupling
    with ThreadPoolExecutor(1) as pool:  # compiled beside the rest
        later = pool.submit(lambda: (jump_of(*modes), isotope_coefficient(nodes, **options)))
        ratio = float(gap_ratio(nodes, **options))
        zero = float(at_zero(*modes)[0])
        normal = np.asarray(_normal(nodes, np.append(energy, tc if exists else 1.0)))
        solved = []
        for t in energy:
            solved.append(solution(problem._replace(temperature=jnp.asarray(t))))
            if progress is not None:
                progress(len(solved), len(kelvins))
        jump, isotope = (float(x) for x in later.result())

    top = float(maximum_frequency(spectrum))
    edge = ratio * tc / 2
    near = np.linspace(0, 5 * edge, 241)[1:]
    energies = np.union1d(near, np.linspace(0, edge + 1.5 * top, 401)[1:])
    shown = tc * np.array(SHOWN if exists and real_axis and cutoff is None else ())
    shown, density, eta = _density(spectrum, shown, energies, top, mu_star, reference)
    discrete, frequencies, a2f = curve(spectrum, top)
    weight = isotope_weight(nodes, jnp.asarray(frequencies), **options)
    found = _curves(
        problem._replace(temperature=jnp.asarray(energy)), jnp.asarray(np.stack(solved)), zero, tc
    )
    curves = {key: np.asarray(value) + 0.0 for key, value in found.items()}  # 0, not -0
    # In units of γ0T_c; without a T_c of γ0T at ω_log/10.
    scale = 2 / 3 * np.pi**2 * (1 + coupling) * (tc if exists else omega_log / 10)
    bare = 2 / 3 * np.pi**2 * KELVIN * kelvins
    heat = bare * normal[:-1]
    over_normal = (1 + coupling) / normal[-1] if exists else np.nan
    field_ratio = scale * tc / (8 * np.pi * zero) if exists else np.nan
    # (dH_c/dT)² = 4π ΔC/T_c at T_c.
    slope = np.sqrt(2 * zero / (jump * scale * tc)) if exists else np.nan
    return Superconductor(
        name=as_text(name),
        source=source_of(spectrum, coupling),
        warnings=warnings_of(spectrum, coupling),
        coupling=coupling,
        omega_log=omega_log,
        mu_star=float(mu_star),
        omega_ph=reference,
        cutoff=np.inf if cutoff is None else float(cutoff),
        mu_star_at=mu_star_at,
        tc=tc / KELVIN,
        gap=edge,
        gap_ratio=ratio if exists else np.nan,
        jump=jump if exists else np.nan,
        jump_over_normal=jump * over_normal,
        energy=zero,
        field_ratio=field_ratio,
        field_slope=slope,
        field=float(field_of(jnp.asarray(zero)) * tesla(np.nan if dos is None else dos, "meV")),
        isotope=isotope if exists else np.nan,
        temperatures=kelvins,
        leading_gap=curves["gap"],
        # Padé's continuation is not to be trusted nearer to T_c.
        edge=np.where(kelvins * KELVIN <= tc / 2, curves["edge"], np.nan),
        heat=(heat + curves["heat"]) / scale,
        normal_heat=heat / scale,
        reduced_field=curves["field"],
        deviation=curves["deviation"],
        discrete=discrete,
        frequencies=frequencies,
        a2f=a2f,
        isotope_weight=np.asarray(weight),
        energies=energies,
        shown=shown / KELVIN,
        density=density,
        broadening=eta,
    )


def _density(spectrum, shown, energies, top, mu_star, omega_ph):
    """The temperatures of `shown` that can be, N(E)/ν0 at them, and η."""
    # N(E) of δ modes is singular; with η > 0 the continuation goes up to πT/2.
    eta = 0.0 if spectrum.smooth else 1.02 * least_broadening(top)
    shown = shown[np.pi * shown / 2 > eta]
    if shown.size:  # one set of nodes, compiled for once
        spectrum = at_temperature(spectrum, shown[0])
    rows = [
        density_of_states(spectrum, t, energies, mu_star=mu_star, omega_ph=omega_ph, broadening=eta)
        for t in shown
    ]
    return shown, np.reshape(np.asarray(rows), (len(shown), len(energies))), float(eta)


@jax.jit
def _normal(spectrum, temperatures):
    return jax.vmap(lambda t: specific_heat_ratio(spectrum, t))(temperatures)


@eqx.filter_jit
def _curves(problem, solved, zero, critical):
    def one(temperature, solved):
        at = problem._replace(temperature=temperature)
        energy = -free_energy(at, solved)
        return {
            "gap": leading_gap(at, solved),
            "edge": edge_at(at, solved),
            "heat": entropy_and_heat(at, solved)[1],
            "field": reduced_field(energy, zero),
            "deviation": deviation(energy, zero, temperature, critical),
        }

    return jax.vmap(one)(problem.temperature, solved)
