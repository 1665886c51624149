"""jaxelph: differentiable physics of electrons and phonons in metals.

Importing the package turns on JAX's 64-bit mode, without which none of the digits
promised here exist; set the environment variable `JAXELPH_X64=0` to be left alone.
"""

import os as _os

from . import surroundings as _surroundings

if _surroundings.is_program():  # before JAX starts
    _surroundings.prepare()

import jax as _jax

if _os.environ.get("JAXELPH_X64", "1") != "0" or _surroundings.is_program():
    _jax.config.update("jax_enable_x64", True)

from .collisions import ElectronCollisions as ElectronCollisions
from .collisions import PhononCollisions as PhononCollisions
from .collisions import disordered_kernel as disordered_kernel
from .critical import CRITERIA as CRITERIA
from .critical import critical_coupling as critical_coupling
from .critical import critical_coupling_scaled as critical_coupling_scaled
from .critical import grid_error as grid_error
from .critical import margin as margin
from .equilibrium import bose as bose
from .equilibrium import fermi as fermi
from .equilibrium import inverse_quasiparticle_weight as inverse_quasiparticle_weight
from .equilibrium import minimum_weight as minimum_weight
from .equilibrium import scattering_rate as scattering_rate
from .equilibrium import self_energy as self_energy
from .equilibrium import spectral_function as spectral_function
from .equilibrium import thermal_window as thermal_window
from .evolution import RESULTS as RESULTS
from .evolution import Evolution as Evolution
from .evolution import Relaxation as Relaxation
from .evolution import evolve as evolve
from .evolution import relax as relax
from .examples import EXAMPLES as EXAMPLES
from .examples import example as example
from .figures import plot as plot
from .grid import EnergyGrid as EnergyGrid
from .inverse import fit_spectrum as fit_spectrum
from .inverse import functional_derivative as functional_derivative
from .inverse import sensitivities as sensitivities
from .kinetics import KineticEquation as KineticEquation
from .modes import NormalModes as NormalModes
from .modes import extreme_rates as extreme_rates
from .modes import normal_modes as normal_modes
from .modes import pencil_modes as pencil_modes
from .modes import slowest_rate as slowest_rate
from .readers import SpectrumFileError as SpectrumFileError
from .readers import SpectrumWarning as SpectrumWarning
from .readers import read_a2f as read_a2f
from .refined import RefinedGrid as RefinedGrid
from .reports import Report as Report
from .reports import report as report
from .spectrum import DebyeSpectrum as DebyeSpectrum
from .spectrum import EinsteinModes as EinsteinModes
from .spectrum import EliashbergFunction as EliashbergFunction
from .spectrum import GaussianPeaks as GaussianPeaks
from .spectrum import Provenance as Provenance
from .spectrum import TabulatedSpectrum as TabulatedSpectrum
from .spectrum import coupling_constant as coupling_constant
from .spectrum import cumulative_coupling as cumulative_coupling
from .spectrum import log_frequency as log_frequency
from .spectrum import maximum_frequency as maximum_frequency
from .spectrum import moment as moment
from .spectrum import phonon_edge as phonon_edge
from .spectrum import rms_frequency as rms_frequency
from .spectrum import spectral_area as spectral_area
from .stability import StabilityPencil as StabilityPencil
from .stability import allen_rate as allen_rate
from .stability import continuum_rate as continuum_rate
from .stability import search_softest_mode as search_softest_mode
from .stability import softest_mode as softest_mode
from .stability import stability_margin as stability_margin
from .stability import stability_pencil as stability_pencil
from .stability import two_temperature_rate as two_temperature_rate
from .superconductivity import allen_dynes as allen_dynes
from .superconductivity import gap_function as gap_function
from .superconductivity import mcmillan as mcmillan
from .superconductivity import pairing_eigenvalue as pairing_eigenvalue
from .superconductivity import tc_functional_derivative as tc_functional_derivative
from .superconductivity import transition_temperature as transition_temperature
from .sweeps import sweep as sweep
from .thermodynamics import maximum_stability_parameter as maximum_stability_parameter
from .thermodynamics import phonon_heat_debye as phonon_heat_debye
from .thermodynamics import phonon_heat_einstein as phonon_heat_einstein
from .thermodynamics import specific_heat_double_integral as specific_heat_double_integral
from .thermodynamics import specific_heat_ratio as specific_heat_ratio
from .thermodynamics import stability_parameter as stability_parameter

__version__ = "0.1.0"
