"""Units against values of CODATA 2018 that were typed in, not taken from SciPy."""

import math

import pytest

from jaxelph import units

EV = 1.602176634e-19  # J, exact
H = 6.62607015e-34  # J s, exact
C = 299792458.0  # m/s, exact
K_B = 1.380649e-23  # J/K, exact


@pytest.mark.parametrize(
    ("unit", "mev", "rel"),
    [
        ("meV", 1.0, 0),
        ("eV", 1000.0, 0),
        ("K", K_B / EV * 1e3, 1e-15),
        ("THz", H * 1e12 / EV * 1e3, 1e-15),
        ("rad/ps", H * 1e12 / (2 * math.pi) / EV * 1e3, 1e-15),
        ("cm-1", H * C * 100 / EV * 1e3, 1e-15),
        ("Ry", 13605.693123, 1e-9),
        ("Ha", 27211.386246, 1e-9),
    ],
)
def test_one_of_each_unit(unit, mev, rel):
    assert units.to_mev(2.0, unit) == pytest.approx(2 * mev, rel=rel)


@pytest.mark.parametrize(
    ("spelling", "unit"),
    [(" MEV ", "meV"), ("rydberg", "Ry"), ("Hartree", "Ha"), ("cm^-1", "cm-1"), ("cm⁻¹", "cm-1")],
)
def test_spellings(spelling, unit):
    assert units.frequency_unit(spelling) == unit


def test_unknown_unit_names_those_there_are():
    with pytest.raises(ValueError, match="'parsec' is not known; use one of meV, eV, Ha, Ry, K"):
        units.to_mev(1.0, "parsec")


def test_temperatures_and_rates():
    assert units.mev_to_kelvin(units.kelvin_to_mev(9.25)) == pytest.approx(9.25, rel=1e-15)
    assert units.kelvin_to_mev(300.0) == pytest.approx(300 * K_B / EV * 1e3, rel=1e-14)
    # γ/ħ in 1/ps, with the π of the rescaled time t → πt.
    assert units.mev_to_per_ps(1.0) == pytest.approx(
        math.pi * 1e-3 * EV / (H / (2 * math.pi)) * 1e-12, rel=1e-14
    )


@pytest.mark.parametrize(
    ("temperature", "text"),
    [(0.00041, "0.00041 K"), (9.2549, "9.25 K"), (12.345, "12.35 K"), (1234.5, "1234 K")],
)
def test_temperatures_as_a_person_gives_them(temperature, text):
    assert units.kelvin(temperature) == text
