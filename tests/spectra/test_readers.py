"""Readers: every layout from synthetic files of a known model, every way to go wrong."""

import re
import warnings

import fixtures_a2f as write
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import jaxelph as jx
from jaxelph.spectra.readers import FORMATS, SpectrumFileError, SpectrumWarning, read_a2f, summarise
from jaxelph.units import KELVIN, MEV_PER_UNIT

HALVED = pytest.warns(SpectrumWarning, match="values are halved")


def quiet(path, **options):
    """Read a file about which nothing is to be said: warnings are errors in these tests."""
    return read_a2f(path, **options)


def loud(path, match, **options):
    with pytest.warns(SpectrumWarning, match=match):
        return read_a2f(path, **options)


def unasked(path, count):
    """Read a file whose `count` columns have λ in the ratio 1 : 2 : …, without a column=.

    There is no plateau among them, so that the middle one is read, and told.
    """
    if count == 1:
        return quiet(path)
    spectrum = loud(path, r"λ over the columns runs from .* column \d+ of \d+, .* was read, the ")
    assert spectrum.provenance.column == (1 if count == 2 else (count + 1) // 2)
    return spectrum


def assert_model(spectrum, strength=1.0, rtol=1e-5):
    """λ and ω_log are those of the model, and the table is in meV."""
    coupling, log = write.moments(strength)
    np.testing.assert_allclose(jx.coupling_constant(spectrum), coupling, rtol=rtol)
    np.testing.assert_allclose(jx.log_frequency(spectrum), log, rtol=rtol)
    peak = spectrum.omega[np.argmax(spectrum.a2f)]
    assert abs(peak - 25.0) < 0.2


def refused(path, *phrases, **options):
    """The file is refused in one sentence that names it and holds `phrases`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SpectrumWarning)
        with pytest.raises(SpectrumFileError) as caught:
            read_a2f(path, **options)
    message = str(caught.value)
    assert "\n" not in message
    for phrase in (path.name, *phrases):
        assert phrase in message
    return message


def edit(path, line, change):
    """Replace line `line` (from 1, negative from the end) of a file by `change(line)`."""
    lines = path.read_text().split("\n")
    index = line - 1 if line > 0 else len(lines) - 1 + line  # the last newline ends a line
    lines[index] = change(lines[index])
    path.write_text("\n".join(lines))
    return index + 1


# Each layout ---------------------------------------------------------------------------


@pytest.mark.parametrize("marks", [True, False])
@pytest.mark.parametrize("atoms", [1, 2, 4, 5])
@pytest.mark.parametrize("style", ["new", "two records", "wrapped"])
def test_matdyn(tmp_path, style, atoms, marks):
    spectrum = quiet(write.matdyn(tmp_path, style, atoms, marks=marks))
    assert_model(spectrum)
    p = spectrum.provenance
    assert (p.format, p.unit, p.column, p.columns) == ("qe-matdyn", "Ry", 1, 1 + 3 * atoms)
    np.testing.assert_allclose(p.coupling, p.stated_coupling, rtol=1e-5)


def test_matdyn_mode(tmp_path):
    spectrum = quiet(write.matdyn(tmp_path, atoms=2), column=4)
    assert_model(spectrum, 1 / 6)
    assert spectrum.provenance.stated_coupling is None
    assert "Column 4 of 7, mode 3," in spectrum.provenance.notes[0]


def test_matdyn_grid_is_finer_than_its_print(tmp_path):
    # F12.6 in Ry leaves 7 µeV of rounding on a frequency; Delta takes it away.
    spectrum = quiet(write.matdyn(tmp_path, "two records", rows=1000))
    expected = (np.arange(1000) + 0.5) * (write.TOP / 1000)
    np.testing.assert_allclose(spectrum.omega, expected, atol=1e-3)
    assert np.max(np.abs(np.diff(spectrum.omega) - write.TOP / 1000)) < 1e-9


def test_matdyn_companion_names_the_smearing(tmp_path):
    write.matdyn_lambda(tmp_path)
    notes = " ".join(quiet(write.matdyn(tmp_path)).provenance.notes)
    assert "smearing 0.015 Ry of 0.005, 0.01, 0.015, 0.02 Ry" in notes
    refused(tmp_path / "lambda", "a list of λ", "a2F.dosN")


def test_matdyn_without_its_last_line(tmp_path):
    path = write.matdyn(tmp_path)
    path.write_text("\n".join(path.read_text().split("\n")[:-2]) + "\n")
    assert_model(loud(path, "may be cut short"))


@pytest.mark.parametrize("count", [1, 9, 10, 11, 12, 20, 21])
def test_lambda_x(tmp_path, count):
    path = write.lambda_x(tmp_path, count)
    spectrum = quiet(path, column=count)
    assert_model(spectrum, rtol=1e-4)  # f10.5 for α²F
    p = spectrum.provenance
    assert (p.format, p.columns, len(p.smearings)) == ("qe-lambda", count, count)
    assert p.smearing_kind == "electron, Ry"
    assert p.dropped_rows == 1
    assert p.stated_coupling == pytest.approx(p.coupling, rel=1e-4)
    assert p.stated_log_frequency == pytest.approx(p.log_frequency, rel=1e-4)
    if count > 1:
        assert_model(unasked(path, count), ((count + 1) // 2) / count, rtol=1e-3)


def test_lambda_x_without_companion(tmp_path):
    path = write.lambda_x(tmp_path, companion=False)
    assert unasked(path, 3).provenance.stated_coupling is None


def test_lambda_x_disagrees_with_its_companion(tmp_path):
    path = write.lambda_x(tmp_path)
    edit(tmp_path / "lambda.dat", 2, lambda line: line.replace(line[19:31], "    1.234567"))
    loud(path, r"λ of column 1 .* lambda\.dat states 1\.23457", column=1)


def test_alpha2f_x(tmp_path):
    spectrum = quiet(write.alpha2f_x(tmp_path))
    assert_model(spectrum, rtol=1e-9)
    assert (spectrum.provenance.format, spectrum.provenance.columns) == ("qe-alpha2f", 1)


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("cumulative", [True, False])
@pytest.mark.parametrize("count", [1, 3, 10, 16, 20, 31])
def test_epw(tmp_path, count, cumulative, header):
    path = write.epw(tmp_path, count, cumulative, header)
    spectrum = quiet(path, column=count)
    assert_model(spectrum, rtol=1e-6)
    p = spectrum.provenance
    assert (p.format, p.unit, p.columns) == ("epw", "meV", count)
    assert p.smearings == pytest.approx([0.5 + 0.05 * k for k in range(count)])
    assert p.stated_coupling == pytest.approx(p.coupling, rel=1e-6)
    assert "Electron smearing 0.05 eV." in p.notes
    assert_model(unasked(path, count), ((count + 1) // 2) / count, rtol=1e-5)


@pytest.mark.parametrize("count, cumulative", [(3, True), (3, False), (1, True)])
def test_epw_without_footer(tmp_path, count, cumulative):
    path = write.epw(tmp_path, count, cumulative, footer=False)
    spectrum = loud(path, "footer that EPW writes is missing", column=1)
    assert spectrum.provenance.columns == count
    assert_model(spectrum, 1 / count, rtol=1e-5)


def test_epw_iso_and_proj(tmp_path):
    assert_model(quiet(write.epw_iso(tmp_path)), rtol=1e-6)
    path = write.epw_proj(tmp_path)
    spectrum = quiet(path)
    assert_model(spectrum, rtol=1e-6)
    p = spectrum.provenance
    assert p.columns == 4
    assert p.stated_coupling == pytest.approx(p.coupling, rel=1e-6)
    assert_model(quiet(path, column=2), 1 / 3, rtol=1e-5)


def test_epw_transport(tmp_path):
    spectrum = loud(write.epw(tmp_path, name="pb.a2f_tr.01"), "transport function", column=1)
    assert spectrum.provenance.code == "EPW, transport"
    assert spectrum.provenance.quantity == "α²_trF"
    # λ and the warning of the file are those of what it holds; the direct sum is of another.
    assert "pb.a2f_tr.01 (EPW, transport, α²_trF, meV" in summarise(spectrum.provenance)
    assert ", λ_tr of the table = " in summarise(spectrum.provenance)
    assert any("is that of α²F" in note for note in spectrum.provenance.notes)
    assert quiet(write.epw(tmp_path), column=1).provenance.quantity == "α²F"


@pytest.mark.parametrize("spins, lova", [(1, False), (2, False), (1, True)])
def test_anaddb_transport(tmp_path, spins, lova):
    path = write.anaddb_transport(tmp_path, spins, lova)
    spectrum = loud(path, "transport function")
    assert_model(spectrum, rtol=1e-5)
    p = spectrum.provenance
    assert (p.format, p.quantity, p.convention) == ("abinit-transport", "α²_trF", "2∫α²F/ω")
    assert p.columns == (1 if lova else 4)
    if not lova:
        assert_model(loud(path, "transport function", column=4), 1.5, rtol=1e-5)
    text = path.read_text()
    path.write_text(text[: text.rindex("\n", 0, -200)])
    refused(path, "cut short")
    path.write_text(text.replace("a2f_tr file", "a2f_trin file"))
    refused(path, "in- or out-scattering part of ABINIT's transport function")


@pytest.mark.parametrize("library", ["netcdf3", "hdf5"])
@pytest.mark.parametrize("spins", [1, 2])
def test_abinit_netcdf_transport(tmp_path, library, spins):
    path = write.abinit_nc(tmp_path, spins, library, transport="qintp")
    plain = quiet(path, convention="abinit", column=1)
    assert plain.provenance.quantity == "α²F"
    last = plain.provenance.columns
    spectrum = loud(path, "transport function", convention="abinit", column=last)
    assert_model(spectrum, 0.7)
    assert spectrum.provenance.label == "transport, interpolated q"
    assert spectrum.provenance.stated_coupling is None
    path = write.abinit_nc(tmp_path, spins, library, transport="qcoarse", plain=False)
    alone = loud(path, "transport function", convention="abinit")
    assert alone.provenance.quantity == "α²_trF"
    assert_model(alone, 0.7)


def test_anaddb(tmp_path):
    spectrum = quiet(write.anaddb(tmp_path))
    assert_model(spectrum)
    assert spectrum.provenance.format == "abinit-anaddb"
    assert spectrum.provenance.dropped_rows > 0


def test_anaddb_spins(tmp_path):
    path = write.anaddb(tmp_path, spins=2)
    assert_model(quiet(path), 0.75)  # the mean of 1 and 1/2
    assert_model(quiet(path, column=2))
    assert_model(quiet(path, column=3), 0.5)


@pytest.mark.parametrize("spins", [1, 2])
def test_anaddb_qgrid(tmp_path, spins):
    path = write.anaddb_qgrid(tmp_path, spins)
    for column in range(1, 5 * spins + 1):
        spectrum = quiet(path, column=column)
        strength = ((column - 1) % 5 + 1) / 5 / (1 if column <= 5 else 2)
        assert_model(spectrum, strength)
        p = spectrum.provenance
        assert (p.format, p.columns) == ("abinit-qgrid", 5 * spins)
        assert p.stated_coupling == pytest.approx(p.coupling, rel=1e-4)
        assert p.stated_log_frequency == pytest.approx(p.log_frequency, rel=1e-5)


@pytest.mark.parametrize("kind", ["text", "netcdf3", "hdf5"])
def test_eph_convention(tmp_path, kind):
    path = write.eph(tmp_path) if kind == "text" else write.abinit_nc(tmp_path, library=kind)
    with HALVED:
        spectrum = read_a2f(path, column=1)
    coupling, _ = write.moments()
    assert_model(spectrum)
    p = spectrum.provenance
    assert p.format == ("abinit-eph" if kind == "text" else "abinit-nc")
    assert p.convention == "∫α²F/ω"
    assert p.coupling == pytest.approx(coupling, rel=1e-6)
    assert p.stated_coupling == pytest.approx(coupling, rel=1e-6)
    assert_model(quiet(path, convention="abinit", column=1))
    doubled = quiet(path, convention="textbook", column=1)
    assert_model(doubled, 2.0)
    assert doubled.provenance.coupling == pytest.approx(2 * coupling, rel=1e-6)
    assert doubled.provenance.stated_coupling == pytest.approx(coupling, rel=1e-6)


def test_eph_spins(tmp_path):
    path = write.eph(tmp_path, spins=2)
    for column, strength in ((1, 1.0), (2, 0.75), (3, 0.25)):
        spectrum = quiet(path, column=column, convention="abinit")
        assert_model(spectrum, strength)
        p = spectrum.provenance
        assert p.stated_coupling == pytest.approx(p.coupling, rel=1e-6)


@pytest.mark.parametrize("spins", [1, 2])
def test_eph_modes(tmp_path, spins):
    path = write.eph(tmp_path, modes=3, spins=spins)
    for column, strength in ((1, 1.0), (2, 1 / 3), (4, 1 / 3)):
        spectrum = quiet(path, column=column, convention="abinit")
        assert_model(spectrum, strength)
        assert spectrum.provenance.columns == 4


def test_abinit_netcdf_columns(tmp_path):
    path = write.abinit_nc(tmp_path, spins=2)
    expected = (1.0, 0.75, 0.25, 0.5, 0.375, 0.125)
    for column, strength in enumerate(expected, 1):
        spectrum = quiet(path, column=column, convention="abinit")
        assert_model(spectrum, strength)
        p = spectrum.provenance
        assert p.stated_coupling == pytest.approx(p.coupling, rel=1e-6)


@pytest.mark.parametrize("greek", [True, False])
def test_elk(tmp_path, greek):
    spectrum = quiet(write.elk(tmp_path, greek=greek))
    assert_model(spectrum)
    p = spectrum.provenance
    assert (p.format, p.unit) == ("elk", "Ha")
    assert p.dropped_rows == 34
    assert p.stated_coupling == pytest.approx(p.coupling, rel=1e-6)
    assert p.stated_log_frequency == pytest.approx(p.log_frequency, rel=1e-6)


def test_elk_under_another_name_needs_a_unit(tmp_path):
    path = write.elk(tmp_path, companion=False).rename(tmp_path / "al.dat")
    refused(path, "pass unit=", "--unit", "meV, eV, Ha, Ry")
    assert_model(quiet(path, unit="hartree"))
    assert_model(quiet(path, format="elk"))


def test_a_wrong_unit_is_seen_by_omega_log(tmp_path):
    # λ is the same in any unit: only ω_log tells Ry from Ha.
    with pytest.warns(SpectrumWarning) as caught:
        spectrum = read_a2f(write.elk(tmp_path), unit="Ry")
    said = " ".join(str(w.message) for w in caught)
    assert "though Elk writes this layout in Ha" in said
    assert "ω_log in meV of column 1" in said
    coupling, log = write.moments()
    np.testing.assert_allclose(jx.coupling_constant(spectrum), coupling, rtol=1e-6)
    np.testing.assert_allclose(jx.log_frequency(spectrum), log / 2, rtol=1e-6)


@pytest.mark.parametrize("spins", [1, 2])
def test_vasp(tmp_path, spins):
    path = write.vasp(tmp_path, spins)
    with pytest.warns(SpectrumWarning) as caught:
        spectrum = read_a2f(path)
    said = [str(w.message) for w in caught]
    assert any("does not document" in text for text in said)
    assert any("column 1 of 2" in text or "column 1 of 4" in text for text in said)
    assert_model(spectrum)
    p = spectrum.provenance
    assert (p.format, p.unit, p.columns) == ("vasp", "rad/ps", 2 * spins)
    assert any("2 300 K" in note for note in p.notes)
    assert_model(loud(path, "2π·THz", column=2 * spins), 0.5)


def test_gitgreg(tmp_path):
    path = write.gitgreg(tmp_path)
    spectrum = loud(path, r"λ over the columns .* a2f \(lambda\), was read, the first")
    assert_model(spectrum, rtol=1e-5)
    p = spectrum.provenance
    assert (p.format, p.unit, p.columns) == ("gitgreg", "THz", 2)
    assert p.stated_coupling == pytest.approx(p.coupling, rel=1e-6)
    assert_model(quiet(path, column=2), 0.5, rtol=1e-5)


@pytest.mark.parametrize("unit", sorted(MEV_PER_UNIT))
def test_columns_in_every_unit(tmp_path, unit):
    assert_model(quiet(write.columns(tmp_path, unit)), rtol=1e-9)
    bare = write.columns(tmp_path, unit, header="", name="bare.dat")
    refused(bare, "pass unit=")
    assert_model(quiet(bare, unit=unit), rtol=1e-9)


def test_columns_header_and_footer(tmp_path):
    path = write.columns(tmp_path, "THz", "omega / THz, for three smearings\n---- ----", number=3)
    path.write_text(path.read_text() + "\nlambda = 1.0\n")
    spectrum = quiet(path, column=3)
    assert_model(spectrum, rtol=1e-9)
    assert spectrum.provenance.columns == 3
    assert any("after the table" in note for note in spectrum.provenance.notes)


def test_columns_header_with_two_units_is_refused(tmp_path):
    path = write.columns(tmp_path, "meV", "# w in meV, smearing 0.01 Ry")
    refused(path, "does not say the unit")
    assert_model(quiet(path, unit="meV"), rtol=1e-9)


@pytest.mark.parametrize("separator", [",", ", ", ";", "\t", " ; "])
def test_columns_separators(tmp_path, separator):
    path = write.columns(tmp_path, header="omega (meV), a2F")
    path.write_text(path.read_text().replace(" ", separator))
    assert_model(quiet(path, unit="meV"), rtol=1e-9)


@pytest.mark.parametrize("separator", [";", "\t", " "])
def test_columns_decimal_comma(tmp_path, separator):
    path = write.columns(tmp_path, header="")
    path.write_text(path.read_text().replace(" ", separator).replace(".", ","))
    assert_model(quiet(path, unit="meV"), rtol=1e-9)


def test_columns_line_ends_and_byte_order_mark(tmp_path):
    path = write.columns(tmp_path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert_model(quiet(path), rtol=1e-9)


def test_columns_in_abinits_convention(tmp_path):
    spectrum = quiet(write.columns(tmp_path), convention="abinit")
    assert_model(spectrum, 0.5, rtol=1e-9)
    assert spectrum.provenance.convention == "∫α²F/ω"


@pytest.mark.parametrize("path_type", [str, lambda path: path])
def test_path_types(tmp_path, path_type):
    path = write.columns(tmp_path)
    assert quiet(path_type(path)).provenance.path == str(path)


def test_family_names(tmp_path):
    assert quiet(write.matdyn(tmp_path), format="qe").provenance.format == "qe-matdyn"
    with HALVED:
        assert read_a2f(write.eph(tmp_path), format="abinit").provenance.format == "abinit-eph"
    refused(write.epw(tmp_path), "family 'qe'", format="qe")


def test_every_format_has_a_name():
    assert len(FORMATS) == len(set(FORMATS)) == 13


def test_fortran_numbers(tmp_path):
    path = tmp_path / "f.dat"
    path.write_text("# meV\n 0.1D+01 .5\n 2. +1.0d0\n 3.0 1.0-103\n 4 -2.5+001\n 5 100\n")
    spectrum = loud(path, "Negative")
    np.testing.assert_allclose(spectrum.omega, [1, 2, 3, 4, 5])
    np.testing.assert_allclose(spectrum.a2f, [0.5, 1.0, 1e-103, -25.0, 100.0])


def test_summary(tmp_path):
    line = summarise(quiet(write.epw(tmp_path), column=2).provenance)
    assert "pb.a2f (EPW, meV, column 2 of 3, smearing 0.55 (phonon, meV))" in line
    assert line.endswith("as stated")


@settings(max_examples=15, deadline=None)
@given(
    centre=st.floats(10.0, 30.0),
    coupling=st.floats(0.05, 5.0),
    unit=st.sampled_from(["meV", "THz", "Ry", "Ha", "cm-1"]),
    seed=st.integers(0, 2**32 - 1),
)
def test_columns_round_trip(tmp_path_factory, centre, coupling, unit, seed):
    """Any table comes back as it was written, whatever the order of its rows."""
    omega = np.linspace(0.5, 45.0, 60)
    a2f = coupling * np.exp(-0.5 * ((omega - centre) / 2) ** 2)
    order = np.random.default_rng(seed).permutation(60)
    rows = np.stack([omega / MEV_PER_UNIT[unit], a2f], axis=1)[order]
    path = tmp_path_factory.mktemp("round") / "a2f.dat"
    np.savetxt(path, rows, header=f"frequency [{unit}]   a2F")
    spectrum = loud(path, "Rows are out of order")
    np.testing.assert_allclose(spectrum.omega, omega, rtol=1e-14)
    np.testing.assert_allclose(spectrum.a2f, a2f, rtol=1e-14)


# What goes wrong -----------------------------------------------------------------------


def test_missing_file_and_folder(tmp_path):
    refused(tmp_path / "no.a2f", "no such file")
    refused(tmp_path, "folder")


@pytest.mark.parametrize(
    "data, phrase",
    [
        (b"", "empty"),
        (b" \n\n", "empty"),
        (b"\x7fELF\0\1\2", "line 1: these bytes are neither text"),
        (b"# meV\n1 2\n\xff\xd8\xfe", "line 3: byte 0xff is not UTF-8"),
        ("# meV\n1 2\n2 3\n".encode("utf-16"), "UTF-16"),
        (b"\x1f\x8b\x08abc", "gunzip"),
        (b"CDF\x05abc", "nccopy"),
        (b"CDF\x01abc", "cut short or damaged"),
        (b"\x89HDF\r\n\x1a\nabc", "cut short or damaged"),
        (b"only words\n", "no rows of numbers"),
        (b"# meV\n1\n2\n3\n", "line 2: one number to a row"),
        (b"# meV\n1 2\n", "fewer than two rows"),
        (b"# meV\n-1 2\n1 2\n", "fewer than two rows"),
        (b"# meV\n1 0\n2 0\n3 0\n", "zero in every row"),
        (b"# meV\n1 -1\n2 -3\n3 -1\n", "no metal has λ ≤ 0"),
        (b"# meV\n1 1\n2 nan\n3 1\n", "line 3: 'nan' is not a finite number"),
        (b"# meV\n1 1\nNaN 2\n3 1\n", "line 3: 'NaN' is not a finite number"),
        (b"# meV\n1 1\n2 -Infinity\n3 1\n", "line 3: '-Infinity'"),
        (b"# meV\n1 1\n2 1e999\n3 1\n", "line 3: '1e999'"),
        (b"# meV\n1 1\n2 ******\n3 1\n", "line 3: '******' is a number too large"),
        (b"# meV\n1 1\n**** 1\n3 1\n", "line 3: '****' is a number too large"),
        (b"# meV\n1 1\n2 1.5E\n3 1\n", "line 3: '1.5E' is not a number"),
        (b"# meV\n1 1\n2 1_0\n3 1\n", "line 3: '1_0'"),
        (b"# meV\n1 1\n2 0.5-10.5\n3 1\n", "line 3: '0.5-10.5' is not a number"),
        (b"# meV\n1 1\n2 1\n2.0 3\n3 1\n", "line 4: this frequency stands in two rows"),
        (b"# meV\n1 1\n2\n3 1\n4 1\n", "line 3: 1 number where this file has 2"),
        (b"# meV\n1 1\n2 3 4\n3 1\n4 1\n", "line 3: 3 numbers where this file has 2"),
        (b"# meV\n1 1\n2 2\n3\n", "line 4: 1 number where this file has 2"),
        (b"# meV\n1 1\noops\n2 2\n", "line 3: 'oops' stands within the table"),
    ],
)
def test_bad_columns(tmp_path, data, phrase):
    path = tmp_path / "bad.a2f"
    path.write_bytes(data)
    refused(path, phrase)


def test_bad_arguments(tmp_path):
    path = write.epw(tmp_path)
    refused(path, "column=4 is out of range", "has 3 α²F columns", column=4)
    refused(path, "column=0", column=0)
    refused(path, "column=-1", column=-1)
    refused(path, "unit='parsec' is not known", "meV, eV, Ha", unit="parsec")
    refused(path, "format='pwscf' is not known", "qe-matdyn", format="pwscf")
    refused(path, "convention='half' is not known", convention="half")
    refused(path, "leave convention= out", convention="abinit")
    refused(path, "leave format= out", format="vasp")
    refused(write.vasp(tmp_path), "leave format= out", format="epw")
    refused(write.matdyn(tmp_path), "begins its file with", format="qe-lambda")
    quiet(path, column=np.int64(2), convention="textbook")


@pytest.mark.skipif(hasattr(read_a2f, "__wrapped__"), reason="types are checked before")
def test_arguments_of_a_wrong_type(tmp_path):
    path = write.epw(tmp_path)
    refused(path, "column=1.5 is not a whole number", column=1.5)
    refused(path, "column='1'", column="1")
    refused(path, "unit=3 is not known", unit=3)


WRITERS = {
    "qe-matdyn": write.matdyn,
    "qe-matdyn, two records": lambda folder: write.matdyn(folder, "two records", 3),
    "qe-lambda": lambda folder: write.lambda_x(folder, 12),
    "qe-alpha2f": write.alpha2f_x,
    "epw": write.epw,
    "epw, wrapped": lambda folder: write.epw(folder, 12),
    "abinit-anaddb": write.anaddb,
    "abinit-qgrid": write.anaddb_qgrid,
    "abinit-eph": write.eph,
    "elk": write.elk,
}


@pytest.fixture(params=WRITERS)
def text_file(request, tmp_path):
    return WRITERS[request.param](tmp_path)


def middle_line(path):
    """A line in the middle of the table, from 1, at which a record begins."""
    lines = path.read_text().split("\n")
    start = len(lines) // 2
    counts = [len(line.split()) for line in lines]
    if "two records" in str(path) or len(set(counts[start : start + 6])) > 1:
        first = {2} if counts[start : start + 6].count(2) == 2 and max(counts) < 10 else None
        widest = max(counts[start : start + 6])
        while counts[start] not in (first or {widest}):
            start += 1
    return start + 1


def test_damaged_number(text_file):
    line = edit(text_file, middle_line(text_file), lambda old: old.rstrip()[:-1] + "X")
    refused(text_file, f"line {line}:", "is not a number")


def replaced(place, new):
    """A change of line: its number `place`, from 0, becomes `new` of the same width."""

    def change(old):
        start, end = [m.span() for m in re.finditer(r"\S+", old)][place]
        width = end - start
        return old[:start] + (new * width if new == "*" else new.rjust(width)) + old[end:]

    return change


@pytest.mark.parametrize("place", [0, 1])
def test_overflowed_number(text_file, place):
    line = edit(text_file, middle_line(text_file), replaced(place, "*"))
    refused(text_file, f"line {line}:", "too large for its column", column=1)


@pytest.mark.parametrize("place", [0, 1])
def test_nan(text_file, place):
    line = edit(text_file, middle_line(text_file), replaced(place, "NaN"))
    refused(text_file, f"line {line}:", "'NaN' is not a finite number", column=1)


@pytest.mark.parametrize("new", ["*", "NaN", "Infinity"])
def test_numbers_that_nobody_asked_for_block_nothing(text_file, new):
    """All columns but ω and the first α²F may hold what the code could not print."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SpectrumWarning)
        before = read_a2f(text_file, column=1)
        line = middle_line(text_file)
        if len(text_file.read_text().split("\n")[line - 1].split()) < 3:
            pytest.skip("there is no other column")
        edit(text_file, line, replaced(-1, new))
        after = read_a2f(text_file, column=1)
    np.testing.assert_array_equal(after.omega, before.omega)
    np.testing.assert_array_equal(after.a2f, before.a2f)


def test_missing_column(text_file):
    line = edit(text_file, middle_line(text_file), lambda old: " ".join(old.split()[:-1]))
    refused(text_file, f"line {line}", "where this file has")


def test_rows_out_of_order_in_a_code_written_file(text_file):
    def lower(old):
        first = old.split()[0]
        return old.replace(first, "0.000001".ljust(len(first), "0")[: len(first)], 1)

    line = edit(text_file, middle_line(text_file), lower)
    refused(text_file, f"line {line}", "falls below that of the row before")


def test_cut_off_within_a_number(text_file):
    lines = text_file.read_text().split("\n")
    cut = middle_line(text_file)
    text_file.write_text("\n".join(lines[: cut - 1]) + "\n" + lines[cut - 1].rstrip()[:-2])
    refused(text_file, f"line {cut}")


def test_edited_table_disagrees_with_the_stated_coupling(tmp_path):
    for path in (write.matdyn(tmp_path), write.epw(tmp_path, 1), write.elk(tmp_path)):
        lines = path.read_text().split("\n")
        body = [i for i, line in enumerate(lines) if len(line.split()) >= 2]
        start = body[int(len(body) * 0.63)]  # in the upper peak
        path.write_text("\n".join([*lines[:start], *lines[start + 15 :]]))
        with pytest.warns(SpectrumWarning) as caught:  # ω_log may disagree as well
            read_a2f(path)
        assert any("λ of column 1 sums to" in str(w.message) for w in caught)


def test_epw_footer_cut_off(tmp_path):
    path = write.epw(tmp_path)
    lines = path.read_text().split("\n")
    end = next(i for i, line in enumerate(lines) if "Integrated" in line)
    path.write_text("\n".join(lines[: end + 1]))
    refused(path, f"line {end + 1}", "footer breaks off")


def test_epw_footer_of_another_file(tmp_path):
    path = write.epw(tmp_path, 4)
    lines = path.read_text().split("\n")
    end = next(i for i, line in enumerate(lines) if "Integrated" in line)
    lines[end + 1] = "  #            1.0   2.0"
    path.write_text("\n".join(lines))
    refused(path, "2 values of λ in the footer do not go with 8 columns")


def test_lambda_header_of_another_file(tmp_path):
    path = write.lambda_x(tmp_path)
    edit(path, 1, lambda line: line + "     0.100")
    refused(path, "4 smearings in the header, but 3 columns")


@pytest.mark.parametrize("writer", [write.abinit_nc, write.vasp])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.95])
def test_truncated_binary(tmp_path, writer, share):
    path = writer(tmp_path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    refused(path, "cut short or damaged")


def test_binary_without_a2f(tmp_path):
    import h5py

    path = tmp_path / "vaspout.h5"
    with h5py.File(path, "w") as file:
        file["results/other"] = np.arange(3.0)
    refused(path, "a binary file without α²F")
    refused(path, "no dataset", format="vasp")
    refused(path, "no a2f_mesh", format="abinit-nc")


def test_binary_nan(tmp_path):
    import h5py

    path = write.vasp(tmp_path)
    with h5py.File(path, "a") as file:
        file["results/electron_phonon/phonons/self_energy_1/a2F"][0, 0, 7] = np.nan
    refused(path, "row 8", "not finite")


def test_blocks_of_unequal_length(tmp_path):
    path = write.eph(tmp_path, modes=3)
    lines = path.read_text().split("\n")
    path.write_text("\n".join(lines[:-20]) + "\n")
    refused(path, "not the frequencies of the first")


def test_negative_weight(tmp_path):
    path = tmp_path / "mp.dat"
    omega = np.linspace(1.0, 40.0, 400)
    a2f = write.model(omega) - 0.3 * np.exp(-0.5 * ((omega - 18.0) / 1.5) ** 2)
    np.savetxt(path, np.stack([omega, a2f], axis=1), header="meV")
    spectrum = loud(path, r"Negative α²F carries \d+\.\d% ")
    expected = np.sum(np.abs(np.minimum(a2f, 0)) / omega) / np.sum(np.abs(a2f) / omega)
    assert spectrum.provenance.negative_weight == pytest.approx(expected, rel=1e-3)
    assert np.min(spectrum.a2f) < -0.2
    sentences = spectrum.provenance.warnings
    assert len(sentences) == 1 and sentences[0].startswith("Negative")


def test_imaginary_modes(tmp_path):
    path = tmp_path / "soft.dat"
    omega = np.linspace(-5.0, 40.0, 451)
    a2f = write.model(omega) + 0.1 * np.exp(-0.5 * ((omega + 2.5) / 0.3) ** 2)
    np.savetxt(path, np.stack([omega, a2f], axis=1), header="meV")
    spectrum = loud(path, "imaginary phonon modes carry coupling")
    assert spectrum.provenance.dropped_rows == 51
    assert_model(spectrum)


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(sorted(WRITERS)),
    where=st.floats(0, 1),
    lost=st.integers(0, 300),
    put=st.sampled_from(["", " ", "\n", "-", "NaN ", "1e400", "***", "1e-320 ", "lambda =", "é"]),
)
@example(kind="qe-alpha2f", where=0.609375, lost=260, put="1e-320 ")
def test_any_damage_ends_in_one_sentence(tmp_path_factory, kind, where, lost, put):
    """Whatever is cut out or put in, the file is read or refused: nothing else is raised."""
    path = WRITERS[kind](tmp_path_factory.mktemp("damage"))
    text = path.read_text()
    at = int(where * len(text))
    path.write_text(text[:at] + put + text[at + lost :], encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SpectrumWarning)
        try:
            read_a2f(path)
        except SpectrumFileError as error:
            assert str(error).startswith(str(path)) and "\n" not in str(error)


# Real files ----------------------------------------------------------------------------


def own(spectrum):
    """λ and ω_log (K) by the rule of the code that wrote the file."""
    return spectrum.provenance.coupling, spectrum.provenance.log_frequency / KELVIN


def rounds_to(value, text):
    digits = len(text.split(".")[1]) if "." in text else 0
    assert f"{value:.{digits}f}" == text


def test_real_matdyn(shared):
    folder = shared / "a2f"
    spectrum = quiet(folder / "qe-matdyn-old__Al__a2F.dos10")
    assert spectrum.provenance.stated_coupling == pytest.approx(0.364654, abs=5e-7)
    rounds_to(own(spectrum)[0], "0.36464")
    assert any("0.05 Ry" in note for note in spectrum.provenance.notes)
    spectrum = loud(folder / "qe-matdyn-old__Al__a2F.dos1", "Negative α²F carries 26")
    assert spectrum.provenance.stated_coupling == pytest.approx(0.218929, abs=5e-7)
    rounds_to(own(spectrum)[0], "0.21893")
    refused(folder / "qe-matdyn-old__Al__lambda", "a list of λ")


def test_real_alpha2f_x(shared):
    coupling, log = own(quiet(shared / "a2f/qe-alpha2fx__Al__aluminum.a2F.dat"))
    rounds_to(coupling, "0.3963915")
    assert log == pytest.approx(307.930, abs=1e-3)


def test_real_isome(shared):
    spectrum = quiet(shared / "a2f/isome__Nb__Nb.a2F", column=15)
    coupling, log = own(spectrum)
    rounds_to(coupling, "0.9377")
    rounds_to(log, "156.70")
    rounds_to(float(jx.coupling_constant(spectrum) * jx.moment(spectrum, 2)), "238.3")
    assert spectrum.provenance.smearings[14] == 0.075
    assert spectrum.provenance.dropped_rows == 1


def test_real_epw(shared):
    path = shared / "a2f/epw-v4-a2f__Pb-t04__pb.a2f.01"
    rounds_to(own(quiet(path))[0], "0.6710699")
    assert quiet(path).provenance.stated_coupling == 0.6710700
    assert quiet(path, column=10).provenance.stated_coupling == 0.6801194
    for column in range(1, 11):
        p = quiet(path, column=column).provenance
        assert p.coupling == pytest.approx(p.stated_coupling, abs=3e-7)
    spectrum = quiet(shared / "a2f/epw-v4-eliashberg__MgB2__MgB2.a2f")
    rounds_to(own(spectrum)[0], "0.9397306")
    rounds_to(own(spectrum)[1], "722.04")


def test_real_abinit(shared):
    path = shared / "a2f/abinit__Al__al_888k_161616q_A2F.nc"
    rounds_to(own(quiet(path, convention="abinit"))[0], "0.23944")
    coarse = quiet(path, convention="abinit", column=2)
    rounds_to(own(coarse)[0], "0.21704")
    rounds_to(float(jx.coupling_constant(coarse)), "0.21704")
    rounds_to(float(jx.coupling_constant(quiet(path, convention="textbook", column=2))), "0.43409")
    path = shared / "a2f/abinit__t88__t88o_DS1_A2FW"
    spectrum = loud(path, "Negative", convention="abinit")
    rounds_to(own(spectrum)[0], "0.62389")
    assert spectrum.provenance.coupling == pytest.approx(spectrum.provenance.stated_coupling)


def test_real_mercury_is_out_of_order(shared):
    """Unsorted rows make `np.interp` give 1.61746, which is not λ of this table."""
    path = shared / "a2f/xi__Hg__a2F_Hg_0GPa.txt"
    spectrum = loud(path, "Rows are out of order, first at line 7", unit="meV")
    coupling, log = own(spectrum)
    rounds_to(coupling, "1.63705")
    rounds_to(log, "28.450")
    rounds_to(float(jx.coupling_constant(spectrum) * jx.moment(spectrum, 2)), "28.9234")

    omega, a2f = np.loadtxt(path).T
    fine = np.linspace(omega[0], omega[-1], 200001)  # the ends, if rows were in order
    density = 2 * np.interp(fine, omega, a2f) / fine
    unsorted = np.sum((density[1:] + density[:-1]) / 2) * (fine[1] - fine[0])
    rounds_to(unsorted, "1.61746")
    mean = np.sum(density * np.log(fine)) / np.sum(density)
    rounds_to(np.exp(mean) / KELVIN, "29.085")
