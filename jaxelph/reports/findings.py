"""What the examination of a metal has found, as numbers."""

import dataclasses

import numpy as np

from ..spectra.spectrum import EliashbergFunction


@dataclasses.dataclass(frozen=True, eq=False)
class Findings:
    """The numbers of a `Report`. Temperatures in K, energies in meV, rates in 1/ps.

    Arrays over temperature are in ascending order of temperature. `critical` is inf where no
    coupling strength would reach the threshold.
    """

    name: str
    source: str
    spectrum: EliashbergFunction
    discrete: bool  # made of δ modes
    warnings: tuple[str, ...]
    coupling: float
    omega_log: float
    omega_2: float
    mu_star: float
    omega_ph: float  # the frequency that μ* refers to
    cutoff: float  # ω_c of the Coulomb repulsion, inf for the limit
    mu_star_at: str  # "omega-ph" or "cutoff", see `transition_temperature`
    tc: dict[str, float]  # "mcmillan", "allen_dynes", "eliashberg"
    gap_ratio: float  # 2Δ0/Tc, NaN without superconductivity
    xi: float
    xi_temperature: float
    temperatures: np.ndarray
    specific_heat: np.ndarray
    weight_minimum: np.ndarray
    weight_energy: np.ndarray
    margin: np.ndarray  # smallest eigenvalue of Ã
    growing: np.ndarray  # how many eigenvalues of Ã are negative
    critical: dict[str, np.ndarray]  # λ_c, by criterion
    grid_error: np.ndarray  # of λ_c(kinetic)
    slowest_rate: np.ndarray
    two_temperature_rate: np.ndarray
    unstable_windows: dict[str, tuple[tuple[float | None, float], ...]]  # None: from below
    scanned: tuple[float, float]  # the range in which these were looked for
    rtol: float
    grid_step: np.ndarray
    grid_size: np.ndarray
    energies: np.ndarray
    inverse_weight: np.ndarray  # Z0⁻¹, (temperature, energy)
    frequencies: np.ndarray
    a2f: np.ndarray  # α²F at these, or for δ modes their areas λ_k ω_k/2 in meV
    cumulative: np.ndarray  # λ(ω)

    @property
    def unstable_below(self) -> dict[str, float | None]:
        """By criterion, the highest temperature of instability, None if there is none."""
        return {n: found[-1][1] if found else None for n, found in self.unstable_windows.items()}

    @property
    def stated_coupling(self) -> float | None:
        """λ as the file states it, beside `coupling`, that of its table; None if it does not."""
        return getattr(getattr(self.spectrum, "provenance", None), "stated_coupling", None)
