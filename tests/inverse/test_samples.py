"""The example files of data: each is read as it stands, and says what made it."""

import shlex

import numpy as np
import pytest
from scipy.stats import chi2

from jaxelph import coupling_constant
from jaxelph.app.cli import run
from jaxelph.inverse.data.layouts import COLUMNS
from jaxelph.inverse.data.samples import METAL, MU_STAR, SAMPLES, TOP, sample_text
from jaxelph.inverse.data.table import read_data

LIGHT = ("heat.csv", "self-energy.csv", "weight.csv", "resistivity.csv", "optical.csv")
HEAVY = tuple(name for name in SAMPLES if name not in LIGHT)


def _options(name):
    words = shlex.split(SAMPLES[name].options)
    found, flags = {}, {"--background": True, "--superconducting": True}
    while words:
        word = words.pop(0)
        key = {"-T": "temperature"}.get(word, word.strip("-").replace("-", "_"))
        found[key] = flags[word] if word in flags else words.pop(0)
    for key in ("temperature", "initial", "mu_star"):
        if key in found:
            found[key] = float(found[key])
    return found


def _read(name, tmp_path):
    path = tmp_path / name
    path.write_text(sample_text(name))
    options = _options(name)
    return read_data(path, options.pop("kind"), top=TOP, **options)


def _true(item):
    """Of what would be fitted along the numbers that made the files."""
    made = {
        "mu_star": MU_STAR,
        "broadening": 0.03,
        "gamma": 4.6,
        "debye": 24.0,
        "einstein": 18.0,
        "einstein_share": 0.3,
    }
    return {one.name: made[one.name] for one in item.unknown}


def test_there_is_one_of_each_kind():
    assert {_options(name)["kind"] for name in SAMPLES} == set(COLUMNS)


@pytest.mark.parametrize("name", LIGHT)
def test_each_is_its_metal_s_within_its_errors(tmp_path, name):
    for item in _read(name, tmp_path):
        exact = np.asarray(item.predict(METAL, **_true(item)))
        columns = np.stack([*item.background.values(), 0 * exact], axis=1)
        amplitude = np.linalg.lstsq(columns, item.values - exact, rcond=None)[0]
        pull = (item.values - exact - columns @ amplitude) / item.error
        # χ² of as many data as there are, but for one in a thousand files either way.
        low, high = chi2.ppf([1e-3, 1 - 1e-3], len(pull))
        assert low < np.sum(pull**2) < high
    text = sample_text(name).splitlines()
    assert "made by jaxelph, not measured" in text[0] and "seed" in text[1]
    assert f"λ = {float(coupling_constant(METAL)):.4g}" in text[0]


@pytest.mark.slow
@pytest.mark.parametrize("name", HEAVY)
def test_the_rest_too(tmp_path, name):
    test_each_is_its_metal_s_within_its_errors(tmp_path, name)


@pytest.mark.slow
def test_they_are_written_and_fitted_as_printed(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(["examples", "--data"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(SAMPLES)
    assert {path.name for path in (tmp_path / "jaxelph-data").iterdir()} == set(SAMPLES)
    for line in lines:
        if any(name in line for name in LIGHT):
            assert run([*shlex.split(line)[1:], "--rows", "40"]) == 0
            assert "λ" in capsys.readouterr().out


def test_a_folder_without_data(capsys):
    assert run(["examples", "-o", "there"]) == 2
    assert "--output is where --data goes" in capsys.readouterr().err
