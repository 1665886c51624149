"""The numbers of the page are those of the API, states go through links, steps keep the bound."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxelph as jx
from jaxelph.explorer import follow
from jaxelph.explorer.explore import start_of
from jaxelph.explorer.nodes import couplings_of, padded, peak_quadrature
from jaxelph.explorer.numbers import Model
from jaxelph.explorer.state import (
    MOST,
    Peak,
    State,
    peak_of_height,
    spectrum_of,
    state_of,
    stretched,
)
from jaxelph.explorer.words import rows
from jaxelph.presentation.terminal import number
from jaxelph.stability.critical import CRITERIA
from jaxelph.units import KELVIN

LEAD = State(12.0, 0.1, (Peak(4.2, 0.7, 1.14), Peak(8.3, 0.5, 0.41)))


def table():
    omega = np.linspace(0.4, 12.0, 59)
    return jx.TabulatedSpectrum(omega, 0.9 * np.exp(-(((omega - 7) / 2.5) ** 2)))


METALS = {
    "peaks": (jx.example("lead"), LEAD.with_peak(2, Peak(6.3, 1.1, 0.2))),
    "table": (table(), State(14.0, 0.12, factor=1.7, stretch=1.13)),
    "modes": (
        jx.EinsteinModes([5.0, 6.0, 9.0], [0.5, 0.3, 0.4]),
        State(20.0, 0.08, factor=1.3, stretch=0.9),
    ),
    "Debye": (jx.DebyeSpectrum(14.0, 0.8), State(18.0, 0.1, factor=1.2, stretch=1.1)),
}


@pytest.fixture(scope="module", params=METALS)
def found(request):
    base, state = METALS[request.param]
    model = Model(base)
    return model, model.numbers(state)


@pytest.mark.slow
def test_numbers_are_those_of_a_report(found):
    """To the last digit printed, and beyond it: both are converged."""
    model, page = found
    state = page.state
    report = jx.report(model.spectrum(state), [state.temperature], mu_star=state.mu_star)
    told = {key: value for key, (_, value, _) in rows(page).items()}
    assert told["coupling"] == f"{report.coupling:.4f}"
    assert told["omega-log"] == f"{report.omega_log / KELVIN:.2f}"
    assert told["tc"] == f"{report.tc['eliashberg']:.4g}"
    assert told["tc-allen-dynes"] == f"{report.tc['allen_dynes']:.4g}"
    assert told["gap-ratio"] == f"{report.gap_ratio:.4f}"
    assert told["margin"] == f"{report.margin[0]:.4f}"
    assert told["weight"] == f"{report.weight_minimum[0]:.4f}"
    assert told["heat"] == f"{report.specific_heat[0]:.4f}"
    for name in CRITERIA:
        assert told[f"lambda-c-{name}"] == number(report.critical[name][0])
    # The grids aim at 1e-9.
    assert page.margins["kinetic"] == pytest.approx(report.margin[0], abs=1e-7)
    assert page.tc["eliashberg"] == pytest.approx(report.tc["eliashberg"], rel=1e-9)
    assert page.gap_ratio == pytest.approx(report.gap_ratio, rel=1e-6)
    assert page.omega_ph == pytest.approx(report.omega_ph, rel=1e-9)


@pytest.mark.slow
def test_curves_and_derivatives_are_those_of_the_api(found):
    model, page = found
    spectrum, at = model.spectrum(page.state), KELVIN * page.state.temperature
    some = slice(3, None, 17)
    weight = jx.inverse_quasiparticle_weight(spectrum, at, page.energies[some])
    # Beyond the end of the grid's own range the oversampled curve has fewer digits.
    inside = page.energies[some] < 0.9 * page.energies[-1]
    np.testing.assert_allclose(page.inverse_weight[some][inside], weight[inside], atol=1e-6)
    heat = [jx.specific_heat_ratio(spectrum, KELVIN * t) for t in page.temperatures[some]]
    np.testing.assert_allclose(page.specific_heat[some], heat, rtol=1e-8)
    slopes = jx.sensitivities(
        spectrum, at, ["tc", "margin"], mu_star=page.state.mu_star, omega=page.frequencies[some]
    )
    for name, mine, unit in (("tc", page.by_tc, KELVIN), ("margin", page.by_margin, 1.0)):
        theirs = slopes[name].functional / unit
        # Where a margin is right to 1e-9 its mode is to the root of that, and so are derivatives.
        np.testing.assert_allclose(mine[some], theirs, atol=1e-4 * np.max(np.abs(theirs)))


def test_peaks_have_their_coupling_on_the_common_nodes():
    """λ and ω_log of peaks from nodes that are not theirs, against their own quadrature."""
    for peaks in (LEAD.peaks, (Peak(3.0, 1.5, 0.5), Peak(20.0, 0.4, 0.2))):
        state = State(8.0, 0.1, peaks)
        omega, weight, top, *_ = peak_quadrature(state, KELVIN * 8.0)
        coupling = np.asarray(couplings_of(padded(peaks), omega, weight))
        exact = spectrum_of(state, LEAD)
        assert np.sum(coupling) == pytest.approx(float(jx.coupling_constant(exact)), rel=1e-8)
        mean = np.exp(coupling @ np.log(omega) / np.sum(coupling))
        assert mean == pytest.approx(float(jx.log_frequency(exact)), rel=1e-7)
        assert top >= float(jx.maximum_frequency(exact))


def test_a_peak_is_taken_hold_of_at_its_height():
    one = peak_of_height(13.0, 2.0, 0.8)
    spectrum = jx.GaussianPeaks([13.0], [2.0], [one.coupling])
    assert float(spectrum.a2f(jnp.array([13.0]))[0]) == pytest.approx(0.8, rel=1e-12)
    assert peak_of_height(13.0, 2.0, -1.0).coupling == 0


def test_links():
    states = (
        (LEAD, 15.0),
        (dataclasses.replace(LEAD, mu_star=0.123456, least=0.05), 15.0),
        (State(31.4159, 0.0, factor=1.25, stretch=0.8), 15.0),
    )
    for state, top in states:
        blank = State(1.0, 0.1, None if state.peaks is None else (Peak(1.0, 0.1, 1.0),))
        assert blank.of_query(f"?{state.query()}", top) == state
    for query, phrase in (
        ("T=cold", "T = 'cold'"),
        ("mu_star=2", "from 0 to 0.999"),
        ("peaks=1:2", "--peaks"),
        ("peaks=" + ",".join(["5:1:0.1"] * (MOST + 1)), f"{MOST} are the limit"),
    ):
        with pytest.raises(ValueError, match=phrase):
            LEAD.of_query(query, 15.0)
    # Peaks of a link are kept on the axis.
    assert LEAD.of_query("peaks=99:1:0.1", 15.0).peaks == (Peak(15.0, 1.0, 0.1),)


def test_stretching():
    """α²F(ω/x) has the same λ, and frequencies that are x times as high."""
    for spectrum in (table(), jx.example("lead"), jx.DebyeSpectrum(3.0, 1.0), METALS["modes"][0]):
        new = stretched(spectrum, 1.5)
        np.testing.assert_allclose(jx.coupling_constant(new), jx.coupling_constant(spectrum))
        np.testing.assert_allclose(jx.log_frequency(new), 1.5 * jx.log_frequency(spectrum))
    state = state_of(table(), 10.0, 0.1)
    assert spectrum_of(state, base := table()) is base


def test_steps_keep_the_bound():
    """On a model with slopes in closed form: ln Tc = ln λ₁ + 2 ln λ₂, margin = 2 - λ₁ - λ₂."""
    state = State(1.0, 0.1, (Peak(10.0, 1.0, 0.2), Peak(12.0, 1.0, 0.3)))

    def numbers(state):
        a, b = (peak.coupling for peak in state.peaks)
        zero = np.zeros(2)
        slopes = (
            np.stack([zero, zero, np.array([1 / a, 2 / b])], axis=1),
            np.stack([zero, zero, np.array([-1.0, -1.0])], axis=1),
        )
        return FakeNumbers(state, {"kinetic": 2 - a - b}, slopes)

    for _ in range(400):
        new = follow.step(numbers(state), "tc", 20.0)
        if new is None:
            break
        state = new
        assert numbers(state).margins["kinetic"] > -1e-9
    else:
        pytest.fail("the way has no end")
    # Lagrange: λ₂ = 2 λ₁ on λ₁ + λ₂ = 2.
    assert [peak.coupling for peak in state.peaks] == pytest.approx([2 / 3, 4 / 3], rel=1e-2)

    state = State(1.0, 0.1, (Peak(10.0, 1.0, 2.0), Peak(12.0, 1.0, 1.0)), least=0.5)
    for _ in range(100):
        new = follow.step(numbers(state), "stable", 20.0)
        if new is None:
            break
        state = new
    assert 0.5 <= numbers(state).margins["kinetic"] < 0.51


@dataclasses.dataclass
class FakeNumbers:
    state: State
    margins: dict
    slopes: tuple


def test_nothing_is_compiled_while_a_peak_is_moved():
    model = Model(jx.example("lead"))
    model.numbers(LEAD)
    with jax.log_compiles(), pytest.MonkeyPatch.context() as patch:
        compiled = []
        patch.setattr("jax._src.interpreters.pxla.logger.log", lambda *a: compiled.append(a))
        for omega in np.linspace(3.6, 5.0, 6):
            model.numbers(LEAD.with_peak(0, Peak(float(omega), 0.7, 1.0 + 0.1 * omega)))
    assert compiled == []


def test_the_start():
    assert start_of(jx.example("lead"), 5.0, 0.12) == state_of(jx.example("lead"), 5.0, 0.12)
    many = jx.GaussianPeaks(np.arange(1.0, 12.0), np.full(11, 0.3), np.full(11, 0.1))
    assert start_of(many, 5.0).peaks is None
    for spectrum, temperature, phrase in (
        (jx.EinsteinModes([1.0], [0.0]), 5.0, "no coupling"),
        (jx.example("lead"), -1.0, "temperature"),
    ):
        with pytest.raises(ValueError, match=phrase):
            start_of(spectrum, temperature)
