"""The main job: from α²F to a verdict on the normal metal's stability.

Here energies are in meV, temperatures in K and rates in 1/ps.
"""

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Real

from ..numerics.checks import checked
from ..numerics.kept import kept
from ..presentation.files import as_text, plain
from ..presentation.notebook import html_table
from ..presentation.result import Result
from ..spectra.curve import DRAWN, curve
from ..spectra.moments import (
    coupling_constant,
    cumulative_coupling,
    log_frequency,
    maximum_frequency,
    phonon_edge,
    rms_frequency,
)
from ..spectra.panels import cumulative_integral
from ..spectra.source import source_of, warnings_of
from ..spectra.spectrum import EliashbergFunction
from ..spectra.table import TabulatedSpectrum
from ..stability.critical import CRITERIA
from ..superconductivity.edge import gap_ratio
from ..superconductivity.transition import check_repulsion, transition_temperature
from ..thermodynamics.specific_heat import maximum_stability_parameter
from ..units import KELVIN, temperature_list
from .examination import Examination, Progress
from .findings import Findings
from .verdict import label, paragraph


@dataclasses.dataclass(frozen=True, eq=False)
class Report(Findings, Result):
    """What `report` found. Temperatures in K, energies in meV, rates in 1/ps.

    Arrays over temperature are in ascending order of temperature. `critical` is inf where no
    coupling strength would reach the threshold.

    Args:
        name: of the metal.
        source: where the spectrum came from, a line.
        spectrum: the Eliashberg function, energies in meV.
        discrete: whether it is made of δ modes.
        warnings: what a person should know, a sentence each.
        coupling: λ.
        omega_log (meV): ω_log.
        omega_2 (meV): ω̄₂.
        mu_star: μ*.
        omega_ph (meV): the frequency that μ* refers to.
        cutoff (meV): ω_c of the Coulomb repulsion, inf for the limit.
        mu_star_at: "omega-ph" or "cutoff", see `transition_temperature`.
        tc (K): T_c by "mcmillan", "allen_dynes" and "eliashberg".
        gap_ratio: 2Δ0/T_c, NaN without superconductivity.
        xi: max_T ξ(T).
        xi_temperature (K): where it is reached.
        temperatures (array of shape (temperature,), K): ascending.
        specific_heat (array of shape (temperature,)): C_el over that of bare electrons.
        weight_minimum (array of shape (temperature,)): min_E Z0⁻¹.
        weight_energy (array of shape (temperature,), meV): where it is.
        margin (array of shape (temperature,)): smallest eigenvalue of Ã.
        growing (array of shape (temperature,)): how many eigenvalues of Ã are negative.
        critical (arrays of shape (temperature,)): λ_c, by criterion.
        grid_error (array of shape (temperature,)): of λ_c(kinetic).
        slowest_rate (array of shape (temperature,), 1/ps): γ₁.
        two_temperature_rate (array of shape (temperature,), 1/ps): πγ_T.
        unstable_windows (pairs, K): of temperatures, by criterion; None stands for "from below".
        scanned (pair, K): the range in which these were looked for.
        rtol: what the energy grids aim at.
        grid_step (array of shape (temperature,), meV): ε.
        grid_size (array of shape (temperature,)): L.
        energies (array, meV): E of `inverse_weight`.
        inverse_weight (array of shape (temperature, energy)): Z0⁻¹(E).
        frequencies (array of shape (frequency,), meV): ω of the curves.
        a2f (array of shape (frequency,)): α²F, or for δ modes their areas λ_k ω_k/2 in meV.
        cumulative (array of shape (frequency,)): λ(ω).

    Example:
        >>> from jaxelph import example
        >>> found = report(example("table1"), [145.0, 290.0], mu_star=0.1)
        >>> print(found.temperatures, found.growing, f"{found.coupling:.2f} {found.xi:.4f}")
        [145. 290.] [0 0] 1.00 0.2602
    """

    files: ClassVar[str] = "report"

    @property
    def label(self) -> str:
        """The verdict in one line."""
        return label(self)

    @property
    def verdict(self) -> str:
        """The verdict in a paragraph."""
        return paragraph(self)

    def _repr_html_(self) -> str:
        unstable = [
            (f"unstable below, {name} (K)", below) for name, below in self.unstable_below.items()
        ]
        rows = [
            ("λ", self.coupling),
            ("ω_log (K)", self.omega_log / KELVIN),
            (f"Tc at μ* = {self.mu_star:g} (K)", self.tc["eliashberg"]),
            ("2Δ0/Tc", self.gap_ratio),
            ("ξ", self.xi),
            *unstable,
            ("verdict", self.label),
        ]
        return html_table(f"Report {self.name}".strip(), rows)

    def to_dict(self) -> dict:
        """The report as plain numbers and strings; what is infinite or undefined is None."""
        rows = []
        for i, temperature in enumerate(self.temperatures):
            rows.append(
                {
                    "T_K": temperature,
                    "specific_heat_ratio": self.specific_heat[i],
                    "inverse_weight_min": self.weight_minimum[i],
                    "energy_of_min_meV": self.weight_energy[i],
                    "margin": self.margin[i],
                    "growing_modes": int(self.growing[i]),
                    "lambda_c": {name: self.critical[name][i] for name in CRITERIA},
                    "lambda_c_kinetic_grid_error": self.grid_error[i],
                    "slowest_rate_per_ps": self.slowest_rate[i],
                    "two_temperature_rate_per_ps": self.two_temperature_rate[i],
                    "grid": {"step_meV": self.grid_step[i], "size": int(self.grid_size[i])},
                }
            )
        return plain(
            {
                "name": self.name,
                "source": self.source,
                "spectrum": {
                    "lambda": self.coupling,
                    "lambda_of_file": self.stated_coupling,
                    "omega_log_K": self.omega_log / KELVIN,
                    "omega_2_K": self.omega_2 / KELVIN,
                    "lambda_omega2_meV2": self.coupling * self.omega_2**2,
                },
                "mu_star": {
                    "value": self.mu_star,
                    "omega_ph_meV": self.omega_ph,
                    "cutoff_meV": self.cutoff,
                    "quoted_at": self.mu_star_at,
                },
                "Tc_K": self.tc,
                "gap_ratio": self.gap_ratio,
                "xi": {"value": self.xi, "temperature_K": self.xi_temperature},
                "temperatures": rows,
                "unstable_below_K": self.unstable_below,
                "unstable_windows_K": {
                    name: [list(window) for window in found]
                    for name, found in self.unstable_windows.items()
                },
                "scanned_K": list(self.scanned),
                "grid": {
                    "quadrature": "sinc, odd functions on E = step…size·step",
                    "rtol": self.rtol,
                    "step_over_T": self.grid_step[0] / (KELVIN * self.temperatures[0]),
                    "step_meV": self.grid_step[0],
                    "size": int(self.grid_size[0]),
                    "cutoff_meV": self.grid_step[0] * self.grid_size[0],
                    "temperature_K": self.temperatures[0],
                },
                "verdict": f"{self.label}. {self.verdict}",
                "warnings": list(self.warnings),
            }
        )

    def to_xarray(self):
        """Everything needed to draw the figure again, as a labelled `xarray.Dataset`."""
        from .dataset import report_dataset

        return report_dataset(self)

    def plot(self, ax=None):
        """The figure, a `matplotlib.figure.Figure` that no global state knows of.

        On `ax` if given, see `jaxelph.plot`.
        """
        from .figure import report_figure

        return report_figure(self.to_xarray(), ax)


@checked
def report(
    spectrum: EliashbergFunction,
    temperatures: Real[ArrayLike, " temperature"] | None = None,
    *,
    mu_star: float = 0.1,
    cutoff: float | None = None,
    omega_ph: float | None = None,
    mu_star_at: str = "omega-ph",
    rtol: float = 1e-9,
    name: str = "",
    progress: Progress | None = None,
) -> Report:
    """Is this normal metal stable, down to which temperature, and how does Tc compare?

    Args:
        spectrum: an Eliashberg function in meV, from `read_a2f`, say.
        temperatures (array of shape (temperature,), K): sorted, duplicates dropped. By
            default 24 in equal ratios from Tc to the top of the spectrum, or from 1/200 of
            the top if that is higher.
        mu_star: Coulomb pseudopotential μ*. Where it leaves no attraction Tc is 0.
        cutoff, omega_ph (scalars, meV): what μ* refers to, see `transition_temperature`; by
            default `phonon_edge`, and no cutoff.
        mu_star_at: at which of them μ* is quoted, see `transition_temperature`.
        rtol: accuracy that the energy grids aim at, see `EnergyGrid.suggest`.
        name: of the metal, for figures.
        progress: called with (steps done, steps in all) on the way.

    Returns:
        Report: with `.to_xarray()`, `.to_json()`, `.plot()` and `.save(folder)`.

    Raises:
        ValueError: no coupling, temperatures that are not positive numbers or too low for a
            dense grid, or μ* and its energies out of their range.

    Example:
        >>> from jaxelph import example
        >>> found = report(example("table1"), [145.0, 290.0], mu_star=0.1)
        >>> print(f"{found.critical['heat'][0]:.4f} {found.tc['eliashberg']:.2f} K")
        inf 41.83 K
    """
    # What is compiled serves tables of all lengths.
    nodes, rows = spectrum.sampled(), spectrum.rows()
    coupling, omega_log, omega_2 = (float(x) for x in _scalars(rows))
    top = float(maximum_frequency(spectrum))
    if not (np.isfinite(coupling) and coupling > 0):
        raise ValueError(f"spectrum: its coupling λ must be positive, got {coupling:g}.")
    check_repulsion(spectrum, mu_star, cutoff, omega_ph, mu_star_at)
    # Of the table, whose α²F is linear between rows; the nodes alone do not know it so well.
    reference = float(phonon_edge(spectrum)) if omega_ph is None else omega_ph
    if temperatures is not None:
        temperatures = _check_temperatures(temperatures)

    repulsion = {"cutoff": cutoff, "omega_ph": reference, "mu_star_at": mu_star_at}

    def transition():
        return {
            method.replace("-", "_"): float(
                transition_temperature(
                    nodes if method == "eliashberg" else rows,
                    mu_star,
                    method=method,
                    **repulsion,
                )
            )
            / KELVIN
            for method in ("mcmillan", "allen-dynes", "eliashberg")
        }

    def gap_ratio():
        tc_later.result()  # what it is over: nothing is compiled twice
        return _gap_ratio(nodes, mu_star, repulsion)

    # What takes time at first is XLA's compiler, which uses one core for each function.
    with ThreadPoolExecutor(2) as pool:
        tc_later = pool.submit(transition)
        xi_later = pool.submit(maximum_stability_parameter, nodes)
        ratio_later = pool.submit(gap_ratio)
        if temperatures is None:
            temperatures = default_temperatures(tc_later.result()["eliashberg"], top)
        found = Examination(
            spectrum,
            coupling,
            top,
            temperatures,
            rtol,
            progress,
            least_heat=lambda: float(xi_later.result()[1]),
        )
        tc, xi, ratio = tc_later.result(), xi_later.result(), ratio_later.result()

    discrete, frequencies, a2f = curve(spectrum, top)
    return Report(
        name=as_text(name),
        source=source_of(spectrum, coupling),
        spectrum=spectrum,
        discrete=discrete,
        warnings=warnings_of(spectrum, coupling),
        coupling=coupling,
        omega_log=omega_log,
        omega_2=omega_2,
        mu_star=float(mu_star),
        omega_ph=float(reference),
        cutoff=np.inf if cutoff is None else float(cutoff),
        mu_star_at=mu_star_at,
        tc=tc,
        gap_ratio=ratio if tc["eliashberg"] > 0 else np.nan,
        xi=float(xi[0]),
        xi_temperature=float(xi[1]) / KELVIN,
        temperatures=temperatures,
        **found.columns,
        unstable_windows=found.windows,
        scanned=found.scanned,
        rtol=rtol,
        frequencies=frequencies,
        a2f=a2f,
        cumulative=_cumulative(spectrum, top, frequencies),
    )


def default_temperatures(tc: float, top: float) -> np.ndarray:
    """Those of `report` where none are asked for, in K.

    Args:
        tc (K): T_c.
        top (meV): of the spectrum.

    Example:
        >>> default_temperatures(10.0, 30.0)[[0, -1]].round(1)
        array([ 10. , 348.1])
    """
    low = min(max(tc, top / KELVIN / 200), top / KELVIN / 2)
    return np.geomspace(low, top / KELVIN, 24)


def _gap_ratio(spectrum, mu_star, repulsion) -> float:
    """2Δ0/T_c, NaN where T_c is too low for it: no reason to refuse the rest of a report."""
    try:
        return float(gap_ratio(spectrum, mu_star=mu_star, **repulsion))
    except ValueError:
        return float("nan")


@kept
@jax.jit
def _scalars(spectrum):
    return (
        coupling_constant(spectrum),
        log_frequency(spectrum),
        rms_frequency(spectrum),
    )


def _cumulative(spectrum, top, frequencies):
    if isinstance(spectrum, TabulatedSpectrum):  # as `cumulative_coupling`, compiling nothing
        omega = np.asarray(spectrum.omega)
        return cumulative_integral(omega, 2 * np.asarray(spectrum.a2f) / omega, frequencies)
    # Finer than the physics needs: a sum over too few nodes would be drawn as a staircase.
    fine = spectrum.resolved(top / DRAWN)
    return np.asarray(cumulative_coupling(fine, jnp.asarray(frequencies)))


def _check_temperatures(temperatures) -> np.ndarray:
    values = temperature_list(temperatures)
    bad = values[~(np.isfinite(values) & (values > 0))]
    if bad.size:
        raise ValueError(f"temperatures: must be positive and finite, in K; got {bad[0]:g}.")
    return values
