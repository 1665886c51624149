"""`jaxelph explore` in a real Chromium: load, drag, link, buttons, export; no errors."""

import importlib.util
import signal
import sys
from urllib.parse import urlsplit

import browser
import numpy as np
import pytest

import jaxelph as jx
from jaxelph.app.cli import run
from jaxelph.explorer.state import Peak, State, spectrum_of
from jaxelph.presentation.files import read_netcdf
from jaxelph.presentation.terminal import number
from jaxelph.units import KELVIN

BLANK = State(1.0, 0.1, (Peak(1.0, 0.1, 1.0),))


def agrees_with_the_api(page, address):
    """Every number of the page against the API's own function, for the state of the link."""
    state = BLANK.of_query(urlsplit(address).query, 1e3)
    spectrum, at = spectrum_of(state, None), KELVIN * state.temperature
    repulsion = {"mu_star": state.mu_star}
    tc = jx.transition_temperature(spectrum, **repulsion)
    assert page.number("coupling") == f"{jx.coupling_constant(spectrum):.4f}"
    assert page.number("omega-log") == f"{jx.log_frequency(spectrum) / KELVIN:.2f}"
    assert page.number("tc") == f"{float(tc) / KELVIN:.4g}"
    assert page.number("gap-ratio") == f"{jx.gap_ratio(spectrum, **repulsion):.4f}"
    edge = jx.gap_edge(spectrum, tc / 10, **repulsion)
    assert float(page.number("gap-ratio")) == pytest.approx(float(2 * edge / tc), abs=5.1e-5)
    assert page.number("margin") == f"{jx.margin(spectrum, at):.4f}"
    assert page.number("weight") == f"{jx.margin(spectrum, at, criterion='weight'):.4f}"
    assert page.number("heat") == f"{jx.specific_heat_ratio(spectrum, at):.4f}"
    for name in jx.CRITERIA:
        exact = float(jx.critical_coupling(spectrum, at, criterion=name))
        assert page.number(f"lambda-c-{name}") == number(exact)
    return state


@pytest.mark.slow
def test_peaks_in_a_browser(tmp_path):
    with browser.browsing() as page, browser.serving("--example", "niobium", "-T", "10") as served:
        address, process = served
        page.open(address)
        first = page.settled(address)
        begin = agrees_with_the_api(page, first)
        assert begin.peaks == (Peak(13.2, 3.0, 0.76), Peak(21.5, 1.6, 0.18))

        # A peak follows the mouse, to the pixel, and the others stay.
        before = page.where()
        page.drag(60, -40)
        second = page.settled(first)
        moved = agrees_with_the_api(page, second)
        after = page.where()
        assert after["sx"] == pytest.approx(before["sx"] + 60, abs=1)
        assert moved.peaks[0].omega == pytest.approx(after["x"], rel=1e-5)
        assert moved.peaks[0].height == pytest.approx(after["y"], rel=1e-4)
        assert moved.peaks[1] == begin.peaks[1] and moved.peaks[0].width == 3.0

        # Its width by the other handle, also when that is held before it is moved.
        page.drag(-25, 0, kind="width", held=0.6)
        third = page.settled(second)
        narrowed = agrees_with_the_api(page, third)
        assert narrowed.peaks[0].width < 2.6 and float(page.number("margin")) < 0
        assert narrowed.peaks[0].height == pytest.approx(moved.peaks[0].height, rel=1e-4)

        # What the buttons promise.
        page.page.get_by_text("make it stable").click()
        page.page.locator("#note", has_text="stable by this margin").wait_for()
        fourth = page.settled(third)
        stable = agrees_with_the_api(page, fourth)
        assert float(page.number("margin")) >= 0 and stable != narrowed
        tc = float(page.number("tc"))
        page.page.get_by_text("raise Tc").click()
        fifth = page.settled(fourth)
        agrees_with_the_api(page, fifth)
        assert float(page.number("tc")) > tc and float(page.number("margin")) >= 0

        # A link is the page again, in another window.
        told = {key: page.number(key) for key in ("coupling", "tc", "margin", "lambda-c-kinetic")}
        page.open(fifth)
        assert {key: page.number(key) for key in told} == told

        # The report's own files.
        page.page.get_by_text("report of this α²F").click()
        with page.page.expect_download() as download:
            page.page.get_by_text(".nc").click()
        download.value.save_as(tmp_path / "report.nc")
        saved = read_netcdf(tmp_path / "report.nc")
        state = BLANK.of_query(urlsplit(fifth).query, 1e3)
        exact = jx.report(
            spectrum_of(state, None), saved["temperature"].values, mu_star=state.mu_star,
            name="niobium",
        ).to_xarray()  # fmt: skip
        assert saved.attrs["label"] == exact.attrs["label"] and set(saved) == set(exact)
        for name in ("margin", "lambda_c", "Tc_eliashberg", "inverse_weight"):
            np.testing.assert_allclose(saved[name], exact[name], rtol=1e-9)
        assert page.number("margin") == f"{float(saved['margin'].sel(temperature=10.0)):.4f}"
        with page.page.expect_download() as download:
            page.page.get_by_text(".png").click()
        download.value.save_as(tmp_path / "report.png")
        assert (tmp_path / "report.png").read_bytes()[:4] == b"\x89PNG"

        assert page.faults == []
        assert [
            url for url in page.asked if urlsplit(url).hostname not in ("localhost", None)
        ] == []
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130


@pytest.mark.slow
def test_a_file_in_a_browser(tmp_path):
    omega = np.linspace(0.4, 12.0, 59)
    a2f = 0.9 * np.exp(-(((omega - 7) / 2.5) ** 2))
    a2f[-1] = 0.0
    path = tmp_path / "metal.dat"
    path.write_text("".join(f"{w:.4f} {a:.6f}\n" for w, a in zip(omega, a2f, strict=True)))
    table = jx.read_a2f(path, unit="meV")
    with browser.browsing() as page:
        with browser.serving(str(path), "--unit", "meV", "-T", "14") as (address, _):
            page.open(address)
            first = page.settled(address)
            page.drag(0, -40)
            second = page.settled(first)
            page.drag(30, 0)
            third = page.settled(second)
            state = State(1.0, 0.1).of_query(urlsplit(third).query, 1e3)
            assert state.factor > 1.05 and state.stretch > 1.02
            spectrum = spectrum_of(state, table)
            report = jx.report(spectrum, [14.0])
            assert page.number("coupling") == f"{report.coupling:.4f}"
            assert page.number("tc") == f"{report.tc['eliashberg']:.4g}"
            assert page.number("margin") == f"{report.margin[0]:.4f}"
            assert page.number("lambda-c-kinetic") == number(report.critical["kinetic"][0])
            assert page.faults == []


def refused(capsys, arguments):
    assert run(["explore", *arguments]) == 2
    out, err = capsys.readouterr()
    told = [line for line in err.splitlines() if not line.startswith("warning: ")]
    assert out == "" and len(told) == 1
    return told[0]


def test_options_that_cannot_be_meant(capsys):
    for arguments, phrase in (
        (["--example", "lead", "-T", "-1"], "-T"),
        (["--port", "-3", "-T", "5"], "--port -3"),
        (["--mu-star", "2"], "--mu-star"),
        (["no-such-file"], "no-such-file"),
        (["--example", "nobody"], "nobody"),
    ):
        told = refused(capsys, arguments)
        assert phrase in told or "temperature" in told


def test_the_extra_is_named_where_it_is_missing(capsys, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] in ("panel", "bokeh")]:
        monkeypatch.delitem(sys.modules, name)
    for name in ("jaxelph.explorer.serve", "jaxelph.explorer.page"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "panel", None)
    assert "pip install 'jaxelph[explore]'" in refused(capsys, ["-T", "10"])
    with pytest.raises(ImportError, match="pip install 'jaxelph"):
        jx.explore(jx.example("lead"), 8.0)


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("panel") is None, reason="needs the extra 'explore'")
@pytest.mark.filterwarnings("ignore")  # of other packages' imports
def test_a_widget_of_a_notebook():
    page = jx.explore(jx.example("lead"), 8.0, name="lead")
    assert page.numbers.tc["eliashberg"] == pytest.approx(
        float(jx.transition_temperature(jx.example("lead"), 0.1)) / KELVIN, rel=1e-9
    )
    page.peak_fields["coupling"].value = 1.3
    assert page.state.peaks[0].coupling == 1.3
    assert page.numbers.state is page.state
    assert float(jx.coupling_constant(page.spectrum)) == pytest.approx(1.71)
    assert page.numbers.coupling == pytest.approx(1.71)
    page._follow("tc")
    assert page.numbers.tc["eliashberg"] > 8.0
    assert page._repr_mimebundle_ is not None
