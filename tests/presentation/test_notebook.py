"""A spectrum in one line, results as a notebook shows them."""

import html.parser
import re

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxelph as jx
from jaxelph.inverse import Design, HeatData, fit_spectrum
from jaxelph.presentation.notebook import html_table
from jaxelph.spectra.table import QuadratureNodes

KINDS = {
    "modes": jx.EinsteinModes([5.0, 8.0], [0.7, 0.4]),
    "peaks": jx.GaussianPeaks([4.2, 8.3], [0.7, 0.5], [1.14, 0.41]),
    "broad peak": jx.GaussianPeaks([3.0], [2.0], [1.0]),
    "Debye": jx.DebyeSpectrum(10.0, 0.5),
    "table": jx.TabulatedSpectrum(np.linspace(1.0, 9.0, 30), np.sin(np.linspace(0, np.pi, 30))),
    "nodes": QuadratureNodes([2.0, 8.0], [0.5, 0.5]),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_spectrum_says_its_numbers(kind):
    spectrum = KINDS[kind]
    told = str(spectrum)
    assert told == repr(spectrum) and "\n" not in told
    assert told.startswith(f"{type(spectrum).__name__}(λ = ")
    coupling, log = re.match(r".*λ = (\S+), ω_log = ([^ ,]+)", told).groups()
    assert coupling == f"{float(jx.coupling_constant(spectrum)):.4g}"
    assert log == f"{float(jx.log_frequency(spectrum)):.4g}"
    top = float(re.search(r"to ([0-9.]+)", told)[1])
    # Of Debye's the cutoff, which the last of Gauss's nodes lies just below.
    assert top == pytest.approx(float(jx.maximum_frequency(spectrum)), rel=6e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_a_spectrum_without_numbers_is_still_shown(kind):
    spectrum, name = KINDS[kind], type(KINDS[kind]).__name__
    seen = []

    @jax.jit
    def look(s):
        seen.append(str(s))
        return s.modes()[0].sum()

    look(spectrum)
    jax.grad(lambda s: look(s))(spectrum)
    jax.vmap(look)(jax.tree.map(lambda x: jnp.stack([x, x]), spectrum))
    seen += [
        str(jax.tree.map(change, spectrum))
        for change in (
            lambda x: None,
            lambda x: jnp.stack([x, x]),
            lambda x: -x,
            lambda x: 0 * x,
            lambda x: jnp.nan * x,
            lambda x: jnp.inf * x,
            lambda x: "here",
            lambda x: True,
            lambda x: object(),
            lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype),
        )
    ]
    seen += (
        [str(part) for part in eqx.partition(spectrum, lambda x: x is spectrum.coupling)]
        if hasattr(spectrum, "coupling")
        else []
    )
    assert all(text.startswith(f"{name}(") and "λ" not in text for text in seen)


@pytest.mark.parametrize("kind", KINDS)
def test_to_look_compiles_nothing(kind):
    spectrum = KINDS[kind]
    jax.block_until_ready(jax.tree.leaves(spectrum))
    compiled = []
    jax.monitoring.register_event_duration_secs_listener(
        lambda event, *_, **__: compiled.append(event)
    )
    try:
        str(spectrum)
    finally:
        jax.monitoring.clear_event_listeners()
    assert compiled == []


def test_units_of_a_file(tmp_path):
    path = tmp_path / "a2f.txt"
    path.write_text("# w[meV] a2F\n1 0\n2 .4\n3 .2\n4 0\n")
    assert str(jx.read_a2f(path)) == (
        "TabulatedSpectrum(λ = 0.5333, ω_log = 2.213 meV, ω from 2 to 3 meV, 4 rows)"
    )


class Tags(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.seen, self.text = [], [], []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.seen.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def parsed(text: str) -> Tags:
    """Well formed, short, and of the tags of a table alone."""
    tags = Tags()
    tags.feed(text)
    assert not tags.open and set(tags.seen) <= {"table", "caption", "tr", "th", "td"}
    assert len(text) < 4000
    return tags


def test_whatever_is_shown_is_escaped():
    tags = parsed(html_table("<script>a & b", [("<b>", "x" * 1000), ("y", 1.0, None)], ("<i>",)))
    assert tags.text[:3] == ["<script>a & b", "<i>", "<b>"]
    assert len(tags.text[3]) == 400


def test_results_in_a_notebook():
    metal = KINDS["modes"]
    grid = jx.EnergyGrid(0.35, 96)
    run = jx.evolve(metal, 1.1, 1.0, grid, np.array([0.0, 1.0]))
    shown = parsed(run._repr_html_()).text
    assert shown[shown.index("result") + 1] == "completed"
    assert float(shown[-1]) == pytest.approx(float(run.temperature[-1]), rel=1e-4)
    batch = jax.tree.map(lambda x: jnp.stack([x, x]), eqx.filter(run, eqx.is_array))
    assert batch._repr_html_() is None

    found = jx.sensitivities(metal, 1.0, ["heat"], omega=np.array([1.0]))
    shown = parsed(found._repr_html_()).text
    assert float(shown[shown.index("C_el ratio") + 1]) == pytest.approx(
        float(jx.specific_heat_ratio(metal, 1.0)), rel=1e-4
    )

    t = np.linspace(0.5, 6.0, 12)
    peaks = jx.GaussianPeaks([10.0], [2.0], [0.8])
    exact = HeatData(t, np.ones(12), np.full(12, 1e-3)).predict(peaks)
    fit = fit_spectrum(HeatData(t, exact, np.full(12, 1e-3)), peaks, mu_star=None)
    shown = parsed(fit._repr_html_()).text
    assert float(shown[shown.index("lambda") + 1]) == pytest.approx(0.8, rel=1e-4)

    design = Design(peaks, 1.5, None, {"largest <coupling>": 0.25}, 1e-9, 3)
    assert "price of largest <coupling>" in parsed(design._repr_html_()).text


@pytest.mark.slow
def test_reports_in_a_notebook():
    told = jx.report(jx.example("lead"), temperatures=[20.0], name="<lead>")
    shown = parsed(told._repr_html_()).text
    assert shown[0] == "Report <lead>" and float(shown[2]) == pytest.approx(1.55)
    run = jx.relax(jx.example("lead"), 22.0, 20.0, name="<lead>")
    shown = parsed(run._repr_html_()).text
    assert shown[0] == "Relaxation <lead>" and "completed" in shown
