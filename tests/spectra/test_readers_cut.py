"""Files that were cut, edited or damaged: whatever it does to λ or ω_log is told."""

import warnings

import fixtures_a2f as write
import numpy as np
import pytest

from jaxelph.numerics.quadrature import trapezoid_weights
from jaxelph.spectra.readers import SpectrumFileError, SpectrumWarning, read_a2f

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


# Samples of it that run at once ----------------------------------------------------------


def cut_at_line(path, keep):
    """Keep the lines up to the first for which `keep` is false."""
    lines = path.read_text().split("\n")
    kept = lines[: next(i for i, line in enumerate(lines) if not keep(i, line))]
    path.write_text("\n".join(kept) + "\n")


def refused(path, match, **options):
    with pytest.raises(SpectrumFileError, match=match):
        read_a2f(path, **options)


def test_the_count_of_rows_that_a_header_states(tmp_path):
    path = write.anaddb(tmp_path)
    path.write_text("\n".join(path.read_text().split("\n")[:208]) + "\n\n")
    refused(path, r"200 rows, where its header states 400")
    path = write.eph(tmp_path)
    cut_at_line(path, lambda i, line: i < 300)
    refused(path, r"\d+ rows, where its header states 400", convention="abinit")
    path = write.anaddb_qgrid(tmp_path)
    cut_at_line(path, lambda i, line: i < 300)
    refused(path, r"\d+ rows, where its header states 400", column=3)


def test_a_lost_spin(tmp_path):
    path = write.anaddb(tmp_path, spins=2)
    lines = path.read_text().split("\n")
    second = next(i for i, line in enumerate(lines) if "for spin    2" in line)
    path.write_text("\n".join(lines[: second + 2]) + "\n\n")
    refused(path, "2 spins are announced, but 1 block of rows")
    path.write_text("\n".join(lines[: second - 1]) + "\n")
    refused(path, "blank line that ends a block of rows is missing")
    path = write.anaddb_qgrid(tmp_path, spins=2)
    lines = path.read_text().split("\n")
    second = next(i for i, line in enumerate(lines) if "isppol =     2" in line)
    path.write_text("\n".join(lines[:second]) + "\n")
    refused(path, "states λ of 10 columns, but 5 are there", column=1)


def test_a_lost_mode(tmp_path):
    path = write.eph(tmp_path, modes=3)
    lines = path.read_text().split("\n")
    last = next(i for i, line in enumerate(lines) if "Phonon mode 3" in line)
    path.write_text("\n".join(lines[:last]) + "\n")
    refused(path, "2 phonon modes, where there are three to an atom", convention="abinit")


@pytest.mark.parametrize("name", ["omega_min", "step"])
def test_the_grid_that_a_header_states(tmp_path, name):
    path = write.eph(tmp_path)
    text = path.read_text()
    at = text.index(name)
    digit = text.index("0.", at) + 2
    path.write_text(text[:digit] + str((int(text[digit]) + 3) % 10) + text[digit + 1 :])
    refused(path, f"{name} of the rows is .* where its header states", convention="abinit")


@pytest.mark.parametrize("name", [name for name in LAYOUTS if name != "abinit-nc"])
def test_a_missing_row(tmp_path, name):
    """A row that is lost in the middle of a uniform grid, or one frequency changed."""
    writer, options = LAYOUTS[name]
    path = writer(tmp_path)
    lines = path.read_text().split("\n")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SpectrumWarning)
        where = len(lines) // 2
        width = len(lines[where].split())
        block = 1 if all(len(s.split()) == width for s in lines[where : where + 4]) else 4
    if block == 1:
        path.write_text("\n".join([*lines[:where], *lines[where + 1 :]]))
        with pytest.raises((SpectrumFileError, SpectrumWarning)):
            with warnings.catch_warnings():
                warnings.simplefilter("error", SpectrumWarning)
                read_a2f(path, **options)


def test_a_table_cut_within_a_peak(tmp_path):
    path = write.columns(tmp_path)
    cut_at_line(path, lambda i, line: i < 121)
    with pytest.warns(SpectrumWarning, match="does not fall to zero: the table may be cut short"):
        read_a2f(path)


def test_one_digit(tmp_path):
    path = write.columns(tmp_path)
    lines = path.read_text().split("\n")
    omega, value = lines[125].split()
    lines[125] = f"{omega} {10 * float(value):.10e}"
    path.write_text("\n".join(lines))
    with pytest.warns(SpectrumWarning, match="One row stands out of its neighbours, line 126,"):
        read_a2f(path)


ONSETS = {
    "peak": lambda w: 0.5 * np.exp(-(((w - 15) / 5) ** 2)),
    "constant": lambda w: np.full_like(w, 0.5),
    "Debye": lambda w: 0.5 * (w / 20) ** 2 * (w < 20),
    "band": lambda w: 0.5 * (w > 8) * (w < 22),
}


@pytest.mark.parametrize("shape", ONSETS)
@pytest.mark.parametrize("zeros", [0, 1, 3])
def test_where_a2f_begins_and_ends_no_row_stands_out(tmp_path, shape, zeros):
    """Rows of zeros at the start, and edges at which α²F jumps, are no damage."""
    omega = np.arange(1.0, 31.0)
    a2f = ONSETS[shape](omega)
    a2f[:zeros] = a2f[-1] = 0.0
    assert not [said for said in spectrum_of(tmp_path, omega, a2f)[1] if "stands out" in said]


@pytest.mark.parametrize(("row", "factor"), [(0, 10), (8, 10), (14, 0), (14, 0.1), (15, 10)])
def test_a_damaged_row_stands_out_anywhere(tmp_path, row, factor):
    omega = np.arange(1.0, 31.0)
    a2f = 0.5 * np.exp(-(((omega - 15) / 8) ** 2))
    a2f[-1], a2f[row] = 0.0, factor * a2f[row]
    said = [said for said in spectrum_of(tmp_path, omega, a2f)[1] if "stands out" in said]
    assert len(said) == 1 and f"line {row + 2}," in said[0]
    assert ("with an α²F of 0: " in said[0]) == (factor == 0)


# Where λ comes from ----------------------------------------------------------------------


def spectrum_of(folder, omega, a2f):
    path = folder / "a2f.dat"
    np.savetxt(path, np.stack([omega, a2f], axis=1), header="omega [meV]   a2F")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        spectrum = read_a2f(path)
    return spectrum, [str(w.message) for w in caught]


def test_a_smeared_acoustic_tail(tmp_path):
    omega = np.linspace(0.01, 40, 4000)
    tail = 0.08 * np.exp(-0.5 * ((omega - 0.5) / 0.3) ** 2)
    spectrum, said = spectrum_of(tmp_path, omega, write.model(omega) + tail)
    share = 2 * np.asarray(spectrum.a2f) / omega * trapezoid_weights(omega)
    top = omega[np.flatnonzero(spectrum.a2f)[-1]]
    low = np.sum(share[omega < top / 20]) / np.sum(share)
    assert low > 1 / 3
    assert any(f"{low:.0%} of λ lies below" in text for text in said)
    _, said = spectrum_of(tmp_path, omega, write.model(omega))
    assert said == []


@pytest.mark.parametrize(
    "factor, match", [(60, "larger than that of any metal"), (1e-4, "smaller")]
)
def test_a_coupling_that_no_metal_has(tmp_path, factor, match):
    omega = np.linspace(0.1, 40, 400)
    _, said = spectrum_of(tmp_path, omega, factor * write.model(omega))
    assert len(said) == 1 and match in said[0]


def test_dropped_rows_with_weight_make_one_warning(tmp_path):
    """In the code's own λ rows with ω < 0 count, too; what is said does not contradict itself."""
    path = write.anaddb(tmp_path, low=-8.0)
    lines = path.read_text().split("\n")
    for i, line in enumerate(lines):
        if line.strip() and not line.startswith("#") and float(line.split()[0]) < 0:
            w = float(line.split()[0]) * write.HA
            lines[i] = write.listed(w / write.HA, 0.2 * np.exp(-0.5 * ((w + 4) / 0.5) ** 2))
    path.write_text("\n".join(lines))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        spectrum = read_a2f(path)
    said = [str(w.message) for w in caught]
    assert len(said) == 1
    coupling = write.moments()[0]
    assert "imaginary phonon modes carry coupling" in said[0]
    np.testing.assert_allclose(numbers(spectrum)[0], coupling, rtol=1e-5)
    assert f"λ = {numbers(spectrum)[0]:.6g}" in said[0]


def test_a_sum_far_from_the_trapezoid_is_told(tmp_path):
    """A list of modes, say, is not a function: the code's own sum and the integral differ."""
    path = tmp_path / "a2f_s3.csv"
    rows = [f"{w},{a},{a},0,0\n" for w, a in ((1, 0.5), (2, 0), (5, 0.7), (5.1, 0), (9, 0.4))]
    names = '"freqs, THz","a2f (lambda), THz","a2f (gamma), THz",lambda (lambda),lambda (gamma)\n'
    path.write_text(names + "".join(rows))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        read_a2f(path)
    assert any("own sum gives λ = " in str(w.message) for w in caught)
