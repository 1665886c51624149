"""An example file of each kind of data, made by the package from a spectrum that is known.

The metal is of niobium's kind and none that exists: three peaks of α²F, λ = 1.1, T_c near 9 K. What
made each file, its noise and its seed stand in its first lines.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ...grids.energies import EnergyGrid
from ...spectra.moments import coupling_constant, log_frequency
from ...spectra.peaks import GaussianPeaks
from ...superconductivity.transition import transition_temperature
from ...units import HBAR, KELVIN
from .axis import axis_of
from .made import made_data
from .relaxation import RelaxationData
from .spectral import SpectralData

#: The spectrum that made them, and μ* of what superconducts.
METAL = GaussianPeaks([10.0, 16.0, 23.0], [2.0, 2.0, 1.2], [0.3, 0.55, 0.25])
MU_STAR = 0.12
#: ω_max for `fit`, in meV.
TOP = 30.0
_SEED = 20260


class Sample(NamedTuple):
    """A file's header, its errors in words, the options of `fit`, and what makes its rows."""

    header: str
    told: str
    options: str
    make: Callable[[], np.ndarray]


def _rows(data: SpectralData, factor: float = 1.0) -> np.ndarray:
    axis = axis_of(data)
    return np.column_stack([axis.values, factor * data.values, factor * data.error])


def _of_temperature(kind, low, high, level, **options):
    points = np.geomspace(low, high, 40) * KELVIN
    return _rows(made_data(kind, METAL, points, level, seed=_SEED, **options))


def _of_energy(kind, low, high, level, kelvin, count=40, **options):
    points, cold = np.linspace(low, high, count), kelvin * KELVIN
    return _rows(made_data(kind, METAL, points, level, temperature=cold, seed=_SEED, **options))


def _self_energy():
    made = made_data(
        "self-energy", METAL, np.linspace(1, 60, 40), 0.02, temperature=20 * KELVIN, seed=_SEED
    )
    energy = axis_of(made).values[:40]
    return np.column_stack([energy, *np.split(made.values, 2), made.error[:40]])


def _weight():
    made = made_data(
        "weight", METAL, np.linspace(0.1, 8, 20), 0.01, temperature=20 * KELVIN, seed=_SEED
    )
    return np.column_stack([axis_of(made).values, 1 / made.values, made.error / made.values**2])


def _relaxation():
    cold, hot, time = 100 * KELVIN, 130 * KELVIN, np.linspace(0.05, 2.0, 20)
    times, sigma = time * np.pi / HBAR, np.full(20, 0.3 * KELVIN)
    grid = EnergyGrid.suggest(METAL, cold, 1e-6, hottest=hot)
    blank = RelaxationData(cold, hot, times, np.full(20, cold), sigma, grid, rtol=1e-6)
    exact = np.asarray(blank.predict(METAL)) / KELVIN
    noise = 0.3 * np.random.default_rng(_SEED).normal(size=20)
    return np.column_stack([time, exact + noise, np.full(20, 0.3)])


def _critical():
    return float(transition_temperature(METAL, MU_STAR)) / KELVIN


def _gap():
    at = np.linspace(0.15, 0.5, 12) * _critical() * KELVIN
    return _rows(made_data("gap", METAL, at, 0.01, seed=_SEED, mu_star=MU_STAR))


def _total():
    lattice = {"debye": 24.0, "einstein": 18.0, "gamma": 4.6}
    at = np.geomspace(2.0, 40.0, 60) * KELVIN
    return _rows(
        made_data(
            "total heat",
            METAL,
            at,
            0.003,
            seed=_SEED,
            superconducting=True,
            mu_star=MU_STAR,
            **lattice,
        )
    )


def _tunnelling():
    return _of_energy(
        "tunnelling", 0.2, 45.0, 1e-3, 2.5, count=200, mu_star=MU_STAR, broadening=0.03, top=TOP
    )


def _resistivity():
    return _of_temperature("resistivity", 4, 300, 0.01, plasma=9.1, offset=0.8)


def _optical():
    return _of_energy("optical", 3.0, 120.0, 0.01, 30.0, offset=5.0)


def _tc():
    kelvin = _critical()
    noise = 0.02 * np.random.default_rng(_SEED).normal()
    return np.array([[kelvin + noise, 0.02]])


#: name of the file → what it is.
SAMPLES: dict[str, Sample] = {
    "heat.csv": Sample(
        "T (K),C_ratio,sigma",
        "1 % of each value",
        "--kind heat",
        lambda: _of_temperature("heat", 2, 200, 0.01),
    ),
    "self-energy.csv": Sample(
        "E (meV),Re (meV),Im (meV),sigma",
        "2 % of the largest value",
        "--kind self-energy -T 20",
        _self_energy,
    ),
    "weight.csv": Sample("E (meV),Z,sigma", "1 % of each value", "--kind weight -T 20", _weight),
    "relaxation.csv": Sample(
        "t (ps),Te (K),sigma",
        "0.3 K",
        "--kind relaxation -T 100 --initial 130",
        _relaxation,
    ),
    "resistivity.csv": Sample(
        "T (K),rho (µΩcm),sigma",
        "1 % of each value; ħω_p = 9.1 eV, ρ0 = 0.8 µΩcm",
        "--kind resistivity --plasma 9.1",
        _resistivity,
    ),
    "optical.csv": Sample(
        "Omega (meV),1/tau (meV),sigma",
        "1 % of the largest value; impurities add 5 meV",
        "--kind optical -T 30 --background",
        _optical,
    ),
    "total-heat.csv": Sample(
        "T (K),C (mJ/molK),sigma",
        "0.3 % of each value; γ of bare electrons 4.6 mJ/molK², a Debye part of Θ = 24 meV and "
        "an Einstein part of 18 meV with a share of 0.3",
        "--kind heat --gamma 4.6:0.2 --superconducting --mu-star 0.12",
        _total,
    ),
    "gap.csv": Sample(
        "T (K),Delta (meV),sigma", "1 % of the largest value", "--kind gap --mu-star 0.12", _gap
    ),
    "tc.csv": Sample("Tc (K),sigma", "0.02 K", "--kind tc --mu-star 0.12", _tc),
    "tunnelling.csv": Sample(
        "V (mV),dI/dV,sigma",
        "0.001 of the normal junction's; Dynes's Γ = 0.03 meV",
        "--kind tunnelling -T 2.5",
        _tunnelling,
    ),
}


def sample_text(name: str) -> str:
    """The text of an example file.

    Example:
        >>> print(sample_text("heat.csv").splitlines()[4])
        T (K),C_ratio,sigma
    """
    sample = SAMPLES[name]
    peaks = ", ".join(
        f"{w:g}:{b:g}:{c:g}"
        for w, b, c in zip(METAL.omega, METAL.width, METAL.coupling, strict=True)
    )
    coupling, log = float(coupling_constant(METAL)), float(log_frequency(METAL))
    lines = [
        f"# made by jaxelph, not measured: peaks {peaks} (meV), λ = {coupling:.4g}, "
        f"ω_log = {log:.4g} meV, μ* = {MU_STAR:g}",
        f"# noise: {sample.told}; seed {_SEED}",
        f"# jaxelph fit {name} {sample.options} --top {TOP:g}",
        "#",
        sample.header,
    ]
    rows = [",".join(f"{x:.8g}" for x in row) for row in sample.make()]
    return "\n".join([*lines, *rows]) + "\n"
