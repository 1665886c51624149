"""What no public function computes with: values that cannot be meant, and another precision."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxelph as jx
from jaxelph.inverse.data.heat import HeatData
from jaxelph.inverse.sensitivities.derivatives import check_size
from jaxelph.numerics.checks import refuse
from jaxelph.thermodynamics import potential

METAL = jx.EinsteinModes([15.0, 23.0], [0.7, 0.3])
GRID = jx.EnergyGrid(2.0, 64)
#: Enough to call every function below; what each does not know is left out.
ARGUMENTS = {
    "spectrum": METAL,
    "temperature": 5.0,
    "temperatures": [50.0],
    "scaled_temperature": 0.2,
    "electron_temperature": 60.0,
    "phonon_temperature": 50.0,
    "grid": GRID,
    "base": GRID,
    "omega": 3.0,
    "debye": 3.0,
    "energy": 1.0,
    "band_energy": 0.0,
    "fermi_energy": 5000.0,
    "power": 2,
    "mu_star": 0.1,
    "initial": 6.0,
    "times": [0.0, 1.0],
    "cutoff": 100.0,
    "terms": 10,
    "quantities": ["heat"],
    "quantity": jx.coupling_constant,
    "plasma": 4.0,
    "frequency": 1.0,
    "coupling": 0.7,
    "photon_energy": 1.5,
    "absorbed": 20.0,
    "duration": 0.05,
    "states": 0.75,
    "data": HeatData([5.0, 6.0], [1.0, 1.1], [0.1, 0.1]),
}
#: Rates of transport have their limit T = 0 in closed form.
FROZEN = {
    "bloch_grueneisen_rate",
    "heat_rate",
    "optical_rate",
    "resistivity",
    "resistivity_rate",
}
TEMPERATURES = ("temperature", "scaled_temperature", "electron_temperature", "phonon_temperature")


def everything():
    """Public functions, and constructors that are functions, by name."""
    found = {name: getattr(jx, name) for name in dir(jx) if not name.startswith("_")}
    inside = {name: getattr(potential, name) for name in dir(potential) if name[0] != "_"}
    found |= {n: f for n, f in inside.items() if getattr(f, "__module__", "") == potential.__name__}
    found["EnergyGrid.suggest"] = jx.EnergyGrid.suggest
    found["RefinedGrid.around"] = jx.RefinedGrid.around
    found["KineticEquation.at"] = jx.KineticEquation.at
    found["PhononCollisions.at"] = jx.PhononCollisions.at
    return {
        name: found[name]
        for name in sorted(found)
        if inspect.isroutine(found[name]) or hasattr(found[name], "__wrapped__")
    }


def call(function, **changed):
    known = inspect.signature(function).parameters
    needed = [name for name, p in known.items() if p.default is p.empty and p.kind < p.VAR_KEYWORD]
    given = {name: ARGUMENTS[name] for name in needed if name in ARGUMENTS} | changed
    if "criterion" in known:
        given["criterion"] = "heat"
    return function(**given)


FUNCTIONS = everything()
OF_SPECTRUM = [n for n, f in FUNCTIONS.items() if "spectrum" in inspect.signature(f).parameters]
OF_TEMPERATURE = [
    (name, argument)
    for name, function in FUNCTIONS.items()
    for argument in TEMPERATURES
    if argument in inspect.signature(function).parameters
]


def test_what_is_looked_at():
    assert len(OF_SPECTRUM) > 40
    assert len(OF_TEMPERATURE) > 30


@pytest.mark.parametrize("name", OF_SPECTRUM)
@pytest.mark.parametrize("instead", [np.ones(3), jnp.ones(3), None, "nb"])
def test_only_spectra_are_spectra(name, instead):
    with pytest.raises(ValueError, match=r"^[^\n]{1,250}$") as caught:
        call(FUNCTIONS[name], spectrum=instead)
    assert type(instead).__name__ in str(caught.value)


@pytest.mark.parametrize(("name", "argument"), OF_TEMPERATURE)
@pytest.mark.parametrize(
    "value", [-3, 0.0, np.float64(-1), jnp.asarray(0.0), np.nan, jnp.asarray(jnp.nan), np.inf]
)
def test_temperatures_are_positive_numbers(name, argument, value):
    if name in FROZEN and value == 0:
        assert np.isfinite(call(FUNCTIONS[name], **{argument: value}))
        return
    with pytest.raises(ValueError, match=r"^[^\n]{1,250}$") as caught:
        call(FUNCTIONS[name], **{argument: value})
    assert argument in str(caught.value)
    assert f"{float(value):g}" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "argument"),
    [("self_energy", "energy"), ("spectral_function", "band_energy"), ("fermi", "energy")],
)
def test_energies_are_finite(name, argument):
    with pytest.raises(ValueError, match=f"{argument} must be finite, got nan"):
        call(FUNCTIONS[name], **{argument: np.nan})


def test_what_is_left_out_is_not_looked_at():
    refuse("energies", None, positive=True)
    direct = jx.minimum_weight(METAL, 5.0)
    assert jx.minimum_weight(METAL, 5.0, energies=None, values=None) == direct


@pytest.mark.parametrize("scalar", [np.float64, int, jnp.asarray, float])
def test_scalars_of_every_kind_are_numbers(scalar):
    expected = 1 - jx.stability_parameter(METAL, 4.0)
    assert jx.margin(METAL, scalar(4.0), criterion="heat") == expected
    assert jx.EnergyGrid.suggest(METAL, scalar(4.0)).size == jx.EnergyGrid.suggest(METAL, 4.0).size


def test_traced_values_pass():
    """What is traced cannot be seen: NaN in, NaN out, and transformations compose."""

    def heat(temperature):
        return jx.specific_heat_ratio(METAL, temperature)

    assert np.isnan(jax.jit(heat)(np.nan))
    each = jax.vmap(heat)(jnp.asarray([4.0, jnp.nan, 6.0]))
    np.testing.assert_array_equal(np.isnan(each), [False, True, False])
    h = 1e-4
    slope = (heat(5.0 + h) - heat(5.0 - h)) / (2 * h)
    np.testing.assert_allclose(jax.grad(heat)(5.0), slope, rtol=1e-6)


@pytest.mark.parametrize(
    "metal",
    [
        METAL,
        jx.GaussianPeaks([15.0], [3.0], [0.7]),
        jx.DebyeSpectrum(20.0, 0.7),
        jx.TabulatedSpectrum([10.0, 20.0, 25.0], [0.5, 0.5, 0.0]),
    ],
    ids=["modes", "peaks", "Debye", "table"],
)
def test_nan_becomes_no_number(metal):
    names = ("coupling_constant", "log_frequency", "spectral_area", "phonon_edge")

    @jax.jit
    def numbers(factor):
        return [getattr(jx, name)(metal.scaled(factor)) for name in names]

    assert np.all(np.isnan(numbers(jnp.nan))), dict(zip(names, numbers(jnp.nan), strict=True))
    assert np.all(np.asarray(numbers(1.0)) > 0)


def test_a_list_of_temperatures_has_no_one_grid():
    with pytest.raises(ValueError, match="temperature must be one number, got shape"):
        jx.EnergyGrid.suggest(METAL, np.array([4.0, 5.0]))


HEAT = HeatData(np.array([1.0, 2.0]), np.ones(2), np.full(2, 0.1))


@pytest.mark.parametrize(
    "compute",
    [
        lambda: jx.evolve(METAL, 6.0, 5.0, GRID, [0.0, 1.0]),
        lambda: jx.relax(METAL, 60.0, 50.0),
        lambda: jx.sensitivities(METAL, 5.0, ["heat"]),
        lambda: jx.fit_spectrum(HEAT, jx.GaussianPeaks([9.0], [1.0], [0.5])),
        lambda: jx.report(METAL, [50.0]),
    ],
    ids=["evolve", "relax", "sensitivities", "fit_spectrum", "report"],
)
def test_single_precision_is_refused(compute, monkeypatch):
    monkeypatch.delenv("JAXELPH_X64", raising=False)
    jax.config.update("jax_enable_x64", False)
    try:
        with pytest.raises(ValueError, match="64-bit mode was turned off"):
            compute()
    finally:
        jax.config.update("jax_enable_x64", True)


def test_too_low_a_temperature_is_told_in_the_callers_unit():
    with pytest.raises(ValueError, match=r"temperature 0\.0001 is too low .* about 0\.\d+\.$"):
        check_size(METAL, 1e-4)
    with pytest.raises(ValueError, match=r"temperature 0\.0116 K .* 23 meV.* about 0\.\d+ K\.$"):
        check_size(METAL, 1e-6 * 1000, kelvin=True)
