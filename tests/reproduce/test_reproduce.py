"""`jaxelph reproduce`: numbers as printed, files whole, bad names in a sentence."""

import importlib.util
import json
import re

import helpers
import numpy as np
import pytest
from figure_faults import faults
from matplotlib.figure import Figure

import jaxelph as j
from jaxelph import ElectronCollisions, EnergyGrid, disordered_kernel
from jaxelph.app.cli import run
from jaxelph.app.commands.reproduce import command
from jaxelph.reproduce import NAMES, Comparison, reproduce
from jaxelph.reproduce.eigenvectors import zeros_of_weight
from jaxelph.reproduce.metal import METAL
from jaxelph.reproduce.pairing import REDUCED, ROUNDING, edges_of, heats
from jaxelph.reproduce.published_run import published_equation, published_sizes
from jaxelph.units import mev_to_kelvin


def test_agreement_is_judged_at_the_printed_digits():
    assert Comparison("", "1.16", 1.16499).agrees
    assert not Comparison("", "1.16", 1.1651).agrees
    assert not Comparison("", "0.40", 0.38983).agrees


def test_growing_modes_and_their_files(tmp_path):
    xarray = pytest.importorskip("xarray")
    assert run(["reproduce", "fig-supp-1", "--output", str(tmp_path)]) == 0
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".nc", ".pdf", ".png"]
    told = json.loads((tmp_path / "fig-supp-1.json").read_text())
    ours = [row["ours"] for row in told["comparisons"]]
    assert ours == pytest.approx([0.68686, 1.24052], abs=5e-6)
    assert [row["agrees"] for row in told["comparisons"]] == [True, True]
    with xarray.open_dataset(tmp_path / "fig-supp-1.nc", engine="h5netcdf") as data:
        assert list(data.attrs["zeros"]) == ours
        assert np.sum(data["rate"].values < 0) == 3


def test_bad_name(capsys):
    assert run(["reproduce", "table9"]) == 2
    assert "table9" in capsys.readouterr().err
    with pytest.raises(ValueError, match="is not one of the results"):
        reproduce("table9")


def test_help_names_every_result():
    text = command.__annotations__["what"].__metadata__[0].help
    assert set(re.findall(r"[a-z]+[a-z0-9-]+", text.partition(":")[2])) == set(NAMES)


def test_zeros_of_the_weight_by_mpmath():
    temperature = 0.2 * helpers.TABLE1_G * np.sqrt(5)
    coupling = np.full(21, 5 / 21)
    for zero in zeros_of_weight(METAL.scaled(5.0), temperature):
        value = helpers.inverse_weight(helpers.TABLE1_OMEGA, coupling, temperature, zero)
        assert abs(value) < 1e-9


def test_published_stability_parameter_of_mercury(shared):
    """0.140550 at 37.46 K is what `np.interp` makes of rows out of order; in order ξ is 0.14066."""
    path = shared / "a2f" / "xi__Hg__a2F_Hg_0GPa.txt"
    with pytest.warns(j.SpectrumWarning, match="out of order"):
        xi, temperature = j.maximum_stability_parameter(j.read_a2f(path, unit="meV"))
    assert xi == pytest.approx(0.140666, abs=5e-7)
    omega, a2f = np.loadtxt(path).T
    fine = np.linspace(omega[0], omega[-1], 20_001)
    unsorted = 2 * np.interp(fine, omega, a2f) / fine * (fine[1] - fine[0])
    unsorted[[0, -1]] /= 2
    metal = j.EinsteinModes(fine, unsorted)
    published, where = j.maximum_stability_parameter(metal)
    assert published == pytest.approx(0.140550, abs=1e-6)
    assert mev_to_kelvin(where) == pytest.approx(37.46, abs=5e-3)
    assert abs(mev_to_kelvin(temperature) - 37.46) < 0.05


@pytest.mark.parametrize(
    ("size", "published"),
    [(500, "1.4290"), pytest.param(800, "1.4207", marks=pytest.mark.slow)],
)
def test_published_run(size, published):
    """The last sup|f - f0| of the published data, digit for digit, by the published means."""
    pytest.importorskip("sksundae", reason="needs the extra 'bench'")
    found = published_sizes(size, 0.202, 0.2, [0.0, 20.0])
    assert Comparison("", published, 1e3 * found[-1]).agrees


def test_published_equation_is_of_first_order():
    """1 - Σ' of the published equation by mpmath's: O(ε) at fixed E, and not at all at E = ε."""
    distances = []
    for size in (200, 400, 800):
        equation = published_equation(size, 0.2)
        local, _ = equation.parts(equation.equilibrium(0.2))
        at = [0, *(size // 10 * np.array([5, 10, 20, 30]) // 10 - 1)]
        exact = [helpers.inverse_weight([1.0], [1.0], 0.2, e) for e in equation.energies[at]]
        distances.append(np.abs(local[at] - exact))
    first, fixed = np.array(distances)[:, 0], np.array(distances)[:, 1:].max(axis=1)
    assert fixed[:-1] / fixed[1:] == pytest.approx([2, 2], abs=0.1)
    assert np.all(np.diff(first) > 0) and first[0] > 0.5


def test_form_of_electron_collisions_by_its_definition():
    """(28) as a sum of squares over every collision, NumPy alone, against the closed form."""
    size, step, temperature = 7, 0.6, 0.9
    grid = EnergyGrid(step, size)
    kernel = np.asarray(disordered_kernel(grid, 0.3, 3))
    phi = np.random.default_rng(1).normal(size=size)
    whole = np.concatenate([-phi[::-1], [0.0], phi])
    f = helpers.fermi(step * np.arange(-size, size + 1), temperature)
    total = 0.0
    for n in (n for n in range(-2 * size, 2 * size + 1) if n):
        i = np.arange(max(0, -n), min(2 * size + 1, 2 * size + 1 - n))  # E and E + ω on the grid
        up = (f[i + n] * (1 - f[i]))[:, None] * (f[i] * (1 - f[i + n]))[None, :]
        jump = whole[i] - whole[i + n]
        total += kernel[abs(n) - 1] * np.sum(up * (jump[:, None] - jump[None, :]) ** 2)
    total *= step**3 / (4 * temperature)
    psi = phi * np.sqrt(helpers.minus_fermi_slope(step * np.arange(1, size + 1), temperature))
    matrix = ElectronCollisions(grid, kernel).linearised(temperature)
    assert 2 * step * psi @ matrix @ psi == pytest.approx(total, rel=1e-13)


def test_heats_beside_the_transition():
    """The curves are those of the public functions, their end at Tc the limit from below."""
    metal = METAL.scaled(6.0)
    tc = float(j.transition_temperature(metal, 0.0))
    found = heats(metal, 0.0, [0.9 * mev_to_kelvin(tc), 1.1 * mev_to_kelvin(tc)])
    assert found.tc == tc
    for ratio, both in zip((0.9, 1.1), found.at_edges, strict=True):
        normal = float(j.specific_heat_ratio(metal, ratio * tc))
        realised = float(j.superconducting_heat_ratio(metal, ratio * tc, mu_star=0.0))
        assert both == pytest.approx([normal, realised], rel=1e-9)
        assert (both[0] == both[1]) == (ratio > 1)
    step = 1e-3
    near, far = (
        float(j.superconducting_heat_ratio(metal, (1 - k * step) * tc, mu_star=0.0)) for k in (1, 2)
    )
    assert found.at_transition == pytest.approx(2 * near - far, rel=1e-4)
    # The normal specific heat is negative at Tc, that of the superconductor nowhere.
    normal, realised = found.curves.T
    assert normal[REDUCED == 1.0] < -0.4
    assert np.all(realised[REDUCED < 1] > -ROUNDING) and found.at_transition > 15


def test_edges_that_agree_are_one():
    windows = {"weight": ((None, 10.0),), "heat": ((3.0, 5.0),), "kinetic": ((None, 10.001),)}
    assert edges_of(windows) == {3.0: "heat", 5.0: "heat", 10.0: "weight, kinetic"}


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_result_is_whole(name):
    found = reproduce(name)
    figure = found.figure()
    assert figure.axes and faults(figure) == []
    # On a figure and on axes of the caller's, the same curves.
    count = sum(bool(axes.get_subplotspec()) for axes in figure.axes)
    mine = Figure(figsize=(9, 9))
    assert found.figure(ax=mine.subplots(count, 1)) is mine
    lines = [[line.get_xydata() for one in f.axes for line in one.lines] for f in (figure, mine)]
    assert len(lines[0]) == len(lines[1]) > 0
    assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(*lines, strict=True))
    for values in found.dataset.variables.values():
        assert values.attrs["long_name"]
        assert values.attrs.get("units") or values.dtype.kind not in "iuf"
    json.loads(found.to_json())
    # What the published numerics got wrong or rounded otherwise, and nothing else, differs.
    differing = {
        "fig-main-1": 0 if importlib.util.find_spec("sksundae") else 6,
        "strong-coupling": 1,
    }
    assert sum(not c.agrees for c in found.comparisons) == differing.get(name, 0)
    if name == "table1":
        # The values of an independent route, which tests/stability/test_critical.py takes.
        at = found.dataset["critical_coupling"].sel(column="kinetic")
        expected = {0.18: 1.13298734, 0.229: 2.18142295, 0.278: 3.1397836}
        for scaled, value in expected.items():
            assert float(at.sel(T0=scaled)) == pytest.approx(value, abs=6e-8)
    if name == "fig-main-1":
        assert found.dataset.attrs["reached"] == pytest.approx(6.310, abs=1e-3)
    if name == "specific-heat":
        for row in found.tables[0].rows:
            assert max(abs(row[3]), abs(row[4])) < 1e-10
    if name == "electron-electron":
        identities, rates, growing, ladders = (table.rows for table in found.tables)
        for _, derivative, asymmetry, least, next_one, null, energy, rest in identities:
            assert max(derivative, asymmetry, abs(least), null, energy, rest) < 1e-13
            assert next_one > 1e-2
        ratio = np.array(rates)[:, 1:4]
        # From the phonons' own slowest mode up to its bound, the change of temperature.
        assert np.all(np.diff(ratio, axis=0) > 0) and np.all(ratio < 1)
        assert np.all(ratio[-1] > 0.99)
        assert np.ptp([row[1] for row in growing]) == 0 < growing[0][1]
        assert ladders[0][1] > 0 == ladders[1][1]
    if name == "convergence":
        data, limit = found.dataset, found.dataset["refined"][:, -1].values
        assert limit == pytest.approx([0.92203021, 1.44097902, 3.14297326, 3.18417430], abs=1e-8)
        sinc, refined = (np.abs(data[k].sel(size=130) / limit - 1) for k in ("sinc", "refined"))
        assert np.all(refined < 1e-9) and np.all(sinc[2:] < 1e-9) and np.all(sinc[:2] > 1e-5)
        modes = found.tables[2].rows
        assert [row[1] for row in modes] == pytest.approx([3.13978, 3.13978, 3.0063], abs=1e-4)
        assert modes[1][3] < 1e-6 and modes[2][3] > 0.5
    if name == "strong-coupling":
        assert [c.agrees for c in found.comparisons] == [False, True, True]
        ours = [c.ours for c in found.comparisons]
        assert ours == pytest.approx([0.38983, 1.16060, 0.182726], abs=5e-6)
        edge = found.dataset["edge"].sel(criterion="heat").values
        assert edge[-1] == pytest.approx(found.dataset.attrs["heat_limit"], rel=2e-3)
    if name == "pairing":
        where, least, edges = (table.rows for table in found.tables)
        for metal, _, criteria, t, over, normal, realised, _ in edges:
            assert (normal == 0) == (criteria == "heat")
            assert realised == normal if over >= 1 else realised > normal
            if metal == "niobium":  # as `report` has it
                assert t == pytest.approx(9.89325, abs=1e-4)
        assert [row[3] for row in where] == ["nowhere"] * 3 + ["268.8 … 311.4", "212.9 … 482.6"]
        assert [row[:2] for row in least if row[3] < 0] == [("21 modes, λ = 6", 0.0)]
        assert all(row[4] > row[3] and row[6] == 0 for row in least)
        assert "niobium (μ* = 0.1)" in found.remarks[1]
    if name == "transport":
        static, enhanced = (table.rows for table in found.tables)
        for coupling, weight, mass, _, _, difference in static:
            assert abs(difference) < 1e-8
            assert weight > 1 + 0.9 * coupling and mass > 1 + 0.9 * coupling
        assert enhanced[0][1:] == pytest.approx([1.25, 1.5, 2.0, 3.0, 5.0], rel=1e-3)
        assert np.all(np.diff(found.dataset["enhancement"].values[:, -12:]) < 0)
    if name == "allen":
        rate = found.dataset["rate"]
        hot = rate.sel(route="two_temperature") / rate.sel(route="allen")
        # The distance falls like 1/T².
        assert hot.values[-1] == pytest.approx(1, abs=2e-4)
        np.testing.assert_allclose(
            rate.sel(route="flow"), rate.sel(route="two_temperature"), rtol=3e-4
        )


def test_all_as_json_is_one_object(monkeypatch, capsys):
    class Quick:
        def __init__(self, name, progress):
            self.name = name

        def to_dict(self):
            return {"name": self.name, "ours": float("inf")}

    monkeypatch.setattr("jaxelph.reproduce.reproduce", Quick)
    assert run(["reproduce", "all", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert list(told) == list(NAMES) and told["allen"] == {"name": "allen", "ours": None}
