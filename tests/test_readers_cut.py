"""Files that were cut, edited or damaged: whatever it does to λ or ω_log is told."""

import warnings

import fixtures_a2f as write
import numpy as np
import pytest

from jaxelph.numerics import trapezoid_weights
from jaxelph.readers import SpectrumFileError, SpectrumWarning, read_a2f

# Layouts that state λ, a count of rows or the end of the file; each with options for which
# the whole file is read without a word.
ABINIT = {"convention": "abinit"}
STATED = {
    "qe-matdyn": (write.matdyn, {}),
    "qe-matdyn, two records": (lambda folder: write.matdyn(folder, "two records", 2), {}),
    "qe-matdyn, wrapped": (lambda folder: write.matdyn(folder, "wrapped", 4), {}),
    "qe-lambda": (lambda folder: write.lambda_x(folder, 12), {"column": 6}),
    "epw": (write.epw, {"column": 2}),
    "epw, one column": (lambda folder: write.epw(folder, 1, cumulative=False), {}),
    "epw, no header": (lambda folder: write.epw(folder, 12, header=False), {"column": 6}),
    "epw, modes": (write.epw_proj, {}),
    "epw, modes, no header": (lambda folder: write.epw_proj(folder, header=False), {}),
    "abinit-anaddb": (write.anaddb, {}),
    "abinit-anaddb, spins": (lambda folder: write.anaddb(folder, 2), {}),
    "abinit-qgrid": (write.anaddb_qgrid, {"column": 3}),
    "abinit-eph": (write.eph, ABINIT),
    "abinit-eph, spins": (lambda folder: write.eph(folder, 2), ABINIT),
    "abinit-eph, modes": (lambda folder: write.eph(folder, modes=3), ABINIT),
    "elk": (write.elk, {}),
    "abinit-nc": (write.abinit_nc, {"convention": "abinit", "column": 1}),
}
# Those that state nothing: a table that ends between two peaks is a whole one to any reader.
UNSTATED = {
    "qe-lambda, alone": (
        lambda folder: write.lambda_x(folder, 3, companion=False),
        {"column": 2},
    ),
    "qe-alpha2f": (write.alpha2f_x, {}),
    "epw, a2f_iso": (write.epw_iso, {}),
    "elk, alone": (lambda folder: write.elk(folder, companion=False), {}),
    "gitgreg": (write.gitgreg, {"column": 1}),
    "columns": (write.columns, {}),
    "columns, csv": (lambda folder: csv(folder), {}),
}
LAYOUTS = STATED | UNSTATED
COUNT = 200


def csv(folder):
    path = write.columns(folder, header="omega_meV,a2F", name="a2f.csv")
    path.write_text(path.read_text().replace(" ", ","))
    return path


def numbers(spectrum):
    """λ and ω_log of the table, and as summed by the code's own rule."""
    omega, a2f = np.asarray(spectrum.omega), np.asarray(spectrum.a2f)
    share = 2 * a2f / omega * trapezoid_weights(omega)
    log = np.exp(np.sum(share * np.log(omega)) / np.sum(share))
    p = spectrum.provenance
    return np.array([np.sum(share), log, p.coupling, p.log_frequency])


def silent_change(path, options, before):
    """By how much λ or ω_log have changed without a word, relatively; 0 if told."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", SpectrumWarning)
        try:
            after = numbers(read_a2f(path, **options))
        except (SpectrumFileError, SpectrumWarning):
            return 0.0
    return float(np.max(np.abs(after / before - 1)))


@pytest.fixture(params=LAYOUTS)
def layout(request, tmp_path):
    """A whole file: its name, path, options, bytes and numbers."""
    writer, options = LAYOUTS[request.param]
    path = writer(tmp_path)
    return request.param, path, options, path.read_bytes(), numbers(read_a2f(path, **options))


def at_line_end(data, size):
    return data[size - 1 : size] == b"\n" or data[size : size + 1] == b"\n"


@pytest.mark.slow
def test_truncations(layout):
    """A file cut anywhere is refused or told of, unless nothing of weight was lost."""
    name, path, options, data, before = layout
    sizes = np.random.default_rng(1).integers(1, len(data), COUNT)
    ends = [i + 1 for i, byte in enumerate(data) if byte == 10][:-1]
    sizes = [*sizes, *np.random.default_rng(2).choice(ends, COUNT // 4)] if ends else sizes
    bad = []
    for size in map(int, sizes):
        path.write_bytes(data[:size])
        change = silent_change(path, options, before)
        # alpha2f.x ends at the highest phonon, where α²F need not have come down.
        if change > (5e-3 if name == "qe-alpha2f" else 1e-3):
            bad.append((size, change))
    if name in UNSTATED:
        small = 0.05 if name == "qe-alpha2f" else 0.02
        bad = [b for b in bad if not comes_down(path, data[: b[0]], options, small)]
    if name == "abinit-anaddb, spins":  # what is left is the whole file of a run without spins
        bad = [b for b in bad if not data[: b[0]].endswith(b"\n\n")]
    assert not bad


def comes_down(path, data, options, small):
    """Whether α²F has come down to a share `small` of its maximum in the table that is left."""
    path.write_bytes(data)
    a2f = np.asarray(read_a2f(path, **options).a2f)
    return a2f[-1] <= (small if a2f[-1] <= a2f[-2] else 1e-3) * np.max(a2f)


MUTATIONS = "0123456789.-+eEdD ,;#*\n\tNa"


@pytest.mark.slow
def test_mutations(layout):
    """One character replaced, put in or taken out: refused, told of, or of no weight."""
    name, path, options, data, before = layout
    if name == "abinit-nc":
        pytest.skip("no text")
    text = data.decode()
    draw = np.random.default_rng(3)
    bad = []
    for _ in range(COUNT):
        at = int(draw.integers(len(text)))
        new = MUTATIONS[draw.integers(len(MUTATIONS))]
        kind = draw.integers(3)
        changed = text[:at] + (new if kind else "") + text[at + (kind < 2) :]
        path.write_text(changed)
        change = silent_change(path, options, before)
        if change > 1e-3:
            line = text[:at].count("\n") + 1
            bad.append((line, changed.split("\n")[line - 1], change))
    assert not bad
