"""What a header says: names of columns, the unit of ω, and files that are not α²F at all."""

import fixtures_a2f as write
import numpy as np
import pytest

import jaxelph as jx
from jaxelph.spectra.readers import SpectrumFileError, SpectrumWarning, read_a2f
from jaxelph.units import MEV_PER_UNIT, frequency_unit

ROWS = "1 .2\n2 .4\n3 .3\n"  # λ = 0.2 + 0.4/2·… = 0.7 by the trapezoidal rule


def saved(folder, text, name="a2f.dat"):
    path = folder / name
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    "said",
    [
        "# el_ph_sigma = 0.02 Ry",
        "# E_F = 18.2 eV",
        "# EFermi = 7.8 eV",
        "# ecutwfc 90 Ry, at 4.2 [K]",
        "# Fermi energy in eV: 7.2",
        "# cutoff frequency in THz 12",
        "# smearing energy (Ry)",
        "# highest phonon energy = 30 meV",
        "# omega_max = 40 meV",
        "# omega [meV] = 40",
        "# calculation for Ha, K and Ry",
        "# DOS in states/eV",
        "# N(E_F) [1/eV] 1.3",
        "# lattice parameter 6.2 bohr, 1 THz = 4.13567 meV",
    ],
)
def test_a_unit_of_something_else_is_not_that_of_omega(tmp_path, said):
    for header in (f"{said}\n# omega a2F\n", f"{said}\n", f"# omega a2F\n{said}\n"):
        with pytest.raises(SpectrumFileError, match="does not say the unit"):
            read_a2f(saved(tmp_path, header + ROWS))


def test_the_unit_beside_omega_counts_whatever_else_is_named(tmp_path):
    for said in ("el_ph_sigma = 0.02 Ry", "E_F = 18.2 eV", "T = 4.2 [K], ecut 90 Ry"):
        for beside in ("# omega (meV)  a2F", "# w[meV] a2F", "# a2F is dimensionless\n# omega/meV"):
            spectrum = read_a2f(saved(tmp_path, f"# {said}\n{beside}\n{ROWS}"))
            assert spectrum.provenance.unit == "meV"
            np.testing.assert_allclose(jx.coupling_constant(spectrum), 0.7)


@pytest.mark.parametrize(
    "spelled, unit",
    [
        ("(1/cm)", "cm-1"),
        ("(cm$^{-1}$)", "cm-1"),
        ("[cm^-1]", "cm-1"),
        ("[cm^{-1}]", "cm-1"),
        ("[cm**-1]", "cm-1"),
        ("(cm⁻¹)", "cm-1"),
        (" in cm-1", "cm-1"),
        ("(rad/ps)", "rad/ps"),
        ("[2πTHz]", "rad/ps"),
        ("[2*pi*THz]", "rad/ps"),
        ("_THz", "THz"),
        ("_meV", "meV"),
        ("/THz", "THz"),
        (" / THz", "THz"),
        ("[K]", "K"),
        ("_K", "K"),
        (" (Hartree)", "Ha"),
        (" [Ry]", "Ry"),
        ("{meV}", "meV"),
    ],
)
@pytest.mark.parametrize("name", ["omega", "Frequency", "w", "E", "phonon energy", "ω"])
def test_spellings_of_the_unit(tmp_path, name, spelled, unit):
    factor = MEV_PER_UNIT[unit]
    rows = "".join(f"{w / factor:.12g} {a}\n" for w, a in ((1, 0.2), (2, 0.4), (3, 0.3)))
    spectrum = read_a2f(saved(tmp_path, f"# {name}{spelled}   a2F\n{rows}"))
    assert spectrum.provenance.unit == unit
    np.testing.assert_allclose(spectrum.omega, [1, 2, 3], rtol=1e-10)


def test_units_for_the_caller():
    for name in ("1/cm", "cm$^{-1}$", "cm^-1", "CM-1"):
        assert frequency_unit(name) == "cm-1"
    assert frequency_unit("2π·THz") == frequency_unit("rad / ps") == "rad/ps"


OTHER = "7 9 8"  # of a column that is not to be read


@pytest.mark.parametrize(
    "header, order",
    [
        ("omega_meV,phdos,a2F", "wxa"),
        ("# i omega[meV] a2F", "iwa"),
        ("# omega(meV) lambda(w) a2F", "wxa"),
        ("# no. freq [meV] DOS a2F", "iwxa"),
        ("# a2F omega(meV)", "aw"),
        ("a2F;omega (meV)", "aw"),
        ("# frequency [meV]  alpha^2F(omega)  cumulative lambda", "wax"),
        ("# frequency [meV]\talpha2F\tF(w)", "wax"),
        ("omega/meV | F(w) | α²F", "wxa"),
        ("# hw (meV)   Phonon DOS (1/meV)   Eliashberg a2F", "wxa"),
        ("# w[meV] error a2f", "wxa"),
        ("# E(meV) int_a2f a2f", "wxa"),
    ],
)
def test_names_decide_over_order(tmp_path, header, order):
    columns = {"w": (1, 2, 3), "a": (0.2, 0.4, 0.3), "x": (7, 9, 8), "i": (1, 2, 3)}
    mark = next((m for m in ",;|" if m in header), " ").replace("|", " ")
    rows = [mark.join(str(columns[k][i]) for k in order) for i in range(3)]
    spectrum = read_a2f(saved(tmp_path, "\n".join([header, *rows]) + "\n"))
    assert spectrum.provenance.columns == 1
    np.testing.assert_allclose(spectrum.omega, [1, 2, 3])
    np.testing.assert_allclose(spectrum.a2f, [0.2, 0.4, 0.3])


def test_a_total_among_parts_is_read(tmp_path):
    path = saved(tmp_path, "# w(meV) a2F_1 a2F_2 a2F_total\n1 .1 .1 .2\n2 .3 .1 .4\n3 .1 .2 .3\n")
    spectrum = read_a2f(path)
    assert (spectrum.provenance.column, spectrum.provenance.columns) == (3, 3)
    np.testing.assert_allclose(spectrum.a2f, [0.2, 0.4, 0.3])


def test_row_numbers_without_a_header_are_refused(tmp_path):
    rows = "".join(f"{i} {0.5 * i + 3} {np.exp(-((i - 5) ** 2))}\n" for i in range(1, 12))
    with pytest.raises(SpectrumFileError, match="numbers the rows"):
        read_a2f(saved(tmp_path, rows), unit="meV")


def test_frequencies_above_all_phonons(tmp_path):
    with pytest.warns(SpectrumWarning, match="reaches to 40.82 eV, where there are no phonons"):
        read_a2f(saved(tmp_path, "# omega (Ry) a2F\n" + ROWS))


@pytest.mark.parametrize("mark", [";", "\t", " "])
def test_decimal_commas_with_whole_numbers(tmp_path, mark):
    values = [(1, 0.1), (2, 0.25), (3, 0.5), (4, 0.64), (5, 1), (6, 0.5), (7, 0)]
    rows = [f"{w}{mark}{str(a).replace('.', ',')}" for w, a in values]
    spectrum = read_a2f(saved(tmp_path, "\n".join(rows) + "\n"), unit="meV")
    omega, a2f = np.array(values, float).T
    np.testing.assert_array_equal(spectrum.omega, omega)
    np.testing.assert_array_equal(spectrum.a2f, a2f)


# Look-alikes ---------------------------------------------------------------------------

TABLE = "".join(f"{0.1 * i:.1f} {0.3:.3f} {0.03 * i:.3f}\n" for i in range(1, 60))
LOOKALIKES = {
    "electron DOS": (
        "#  E (eV)   dos(E)     Int dos(E) EFermi =    7.812 eV\n" + TABLE,
        "electron",
    ),
    "spin DOS": ("#  E (eV)   dosup(E)   dosdw(E)   Int dos(E)\n" + TABLE, "electron"),
    "EPW DOS": ("# EFermi[eV]  7.812\n" + TABLE, "electron"),
    "gap": ("  w [eV] znorm(w) delta(w) [eV]\n" + TABLE, "gap function"),
    "phonon DOS": ("# Frequency[cm^-1] DOS PDOS\n" + TABLE, "phonon density of states"),
    "EPW phonon DOS": (" w[meV] phdos[states/meV] for 10 smearings\n" + TABLE, "phonon density"),
    "ABINIT phonon DOS": ("#\n# ABINIT package : phonon DOS file\n#\n" + TABLE, "phonon density"),
    "resistivity": ("# Temp [K]   Resistivity [micro Ohm cm]\n" + TABLE, "resistivity"),
    "table of T": ("# T(K) rho sigma\n" + TABLE, "function of temperature"),
    "dos by name": ("# omega(meV) g(w) error\n" + TABLE, "density of states"),
    "mode list": (
        '"freqs, THz","a2f (lambda), THz","a2f (gamma), THz",lambdas (lambda)\n1.1,2,3,4\n',
        "list of phonon modes",
    ),
    "lambda.x output": (
        "     lambda = 0.430378 (   0.430442 )  <log w>=  355.877 K  N(Ef)=  2.518161 at degauss="
        " 0.005\n    lambda  omega_log  T_c\n  0.31277  259.219  0.185\n  0.28774  259.350  0.2\n",
        "standard output of lambda.x",
    ),
    "a2Fq2r": ("  1.49E-002  0.6118  2.12\n           1\n 0.0 0.0 0.0\n", "a2Fq2r"),
    "a2Fmatdyn": ("  1.49E-002  0.6118  2.12\n  4  4  4\n 1 1 1 1\n 1 1 1 0.1E-3\n", "a2Fmatdyn"),
    "elph.inp_lambda": (
        "      0.0      0.0      0.0    10     3\n  0.1E-05  0.2E-05  0.3E-05\n"
        "     Gaussian Broadening:   0.005 Ry, ngauss=   0\n     lambda(    1)=  0.0112\n",
        "elph.inp_lambda",
    ),
}


@pytest.mark.parametrize("name", LOOKALIKES)
@pytest.mark.parametrize("unit", [None, "K", "meV"])
def test_lookalikes_are_refused_by_name(tmp_path, name, unit):
    text, what = LOOKALIKES[name]
    with pytest.raises(SpectrumFileError, match=what) as caught:
        read_a2f(saved(tmp_path, text), unit=unit)
    assert "give " in str(caught.value)


@pytest.mark.parametrize("name", ["a2Fq2r.51.1", "a2Fmatdyn.61", "elph.inp_lambda.3"])
def test_lookalikes_by_their_own_name(tmp_path, name):
    with pytest.raises(SpectrumFileError, match=name.split(".")[0]):
        read_a2f(saved(tmp_path, ROWS, name), unit="meV")


def test_a_header_that_names_a2f_is_no_lookalike(tmp_path):
    text = "# EFermi = 7.8 eV, Int dos(E) = 3, resistivity 2 uOhm cm, phonon DOS beside it\n"
    spectrum = read_a2f(saved(tmp_path, text + "# omega(meV) a2F\n" + ROWS))
    np.testing.assert_allclose(jx.coupling_constant(spectrum), 0.7)


def test_epw_iso_of_old_versions(tmp_path):
    """ω, total and modes without a header, λ of the total in the last line."""
    spectrum = read_a2f(write.epw_proj(tmp_path, header=False, name="ZrN.a2f_iso"))
    p = spectrum.provenance
    assert (p.format, p.column, p.columns) == ("epw", 1, 4)
    assert p.stated_coupling == pytest.approx(p.coupling, rel=1e-6)
    coupling, log = write.moments()
    np.testing.assert_allclose(jx.coupling_constant(spectrum), coupling, rtol=1e-6)
    np.testing.assert_allclose(jx.log_frequency(spectrum), log, rtol=1e-6)


@pytest.mark.parametrize("tail", ["   lambda_sum = 1.0010000", ""])
def test_epw_iso_is_summed_as_epw_does(tmp_path, tail):
    rows = "1.0 0.2 0.15 0.05\n2.0 0.4 0.3 0.1\n3.0 0.3 0.2 0.1\n"
    path = saved(tmp_path, f"{rows}lambda_int = 1.0000000{tail}\n", "ZrN.a2f_iso")
    with pytest.warns(SpectrumWarning, match="own sum gives λ = 1; the trapezoidal rule .* 0.7"):
        p = read_a2f(path).provenance
    assert p.coupling == pytest.approx(1.0, abs=1e-12)
    assert (p.stated_coupling, p.column, p.columns) == (1.0, 1, 3)


def test_epw_footer_of_lambda_alone(tmp_path):
    path = write.epw(tmp_path, 2)
    lines = path.read_text().split("\n")
    end = next(i for i, line in enumerate(lines) if "Phonon smearing" in line)
    path.write_text("\n".join(lines[:end]) + "\n")
    p = read_a2f(path, column=2).provenance
    assert p.stated_coupling == pytest.approx(p.coupling, rel=1e-6)
    assert p.smearings == ()


# Columns that are something else than α²F, and tables that are more than one ----------------


@pytest.mark.parametrize(
    "name",
    ["a2F/omega", "a2F(w)/w", "2*a2F", "2a2F", "2 a2F/w", "w*a2F", "a2F(w)*w", "a2F(ω)·1000"]
    + ["alpha2F(omega) x 100", "log10(a2F)", "ln a2F", "a2F (%)", "a2F*10^3", "a2F [arb. units]"]
    + ["normalized a2F", "a2F_norm", "sqrt(α²F)", "int_a2F", "a2F (x 1000)", "cumulative a2F"],
)
def test_functions_of_a2f_are_not_a2f(tmp_path, name):
    """λ of a column that says it is a multiple of α²F, or α²F/ω, would be another number."""
    path = saved(tmp_path, f"omega(meV)\t{name}\n{ROWS.replace(' ', chr(9))}")
    with pytest.raises(SpectrumFileError, match="none of its columns is named as α²F.* of α²F"):
        read_a2f(path)
    both = "".join(f"{w}\t{9 * a}\t{a}\n" for w, a in ((1, 0.2), (2, 0.4), (3, 0.3)))
    spectrum = read_a2f(saved(tmp_path, f"omega(meV)\t{name}\ta2F\n{both}"))
    np.testing.assert_allclose(jx.coupling_constant(spectrum), 0.7)


@pytest.mark.parametrize(
    "name",
    ["a2F", "a2F(w)", "a2F/1", "a2F(1)", "a2F (1/THz)", "alpha^2*F(w)", "alpha**2F", "α² F(ω)"]
    + [
        "a2F_interp",
        "a2F(xx)",
        "interpolated a2F",
        "a2F_sigma0.1",
        "a2F (1e-3 Ry)",
        "total a2F",
        "a2F(max)",
        "a2F(normal state)",
        "mode 2 a2F",
        "a2F [-]",
        "alpha2F at 10 K",
    ],
)
def test_spellings_of_a2f(tmp_path, name):
    path = saved(tmp_path, f"omega(meV)\t{name}\n{ROWS.replace(' ', chr(9))}")
    np.testing.assert_allclose(jx.coupling_constant(read_a2f(path)), 0.7)


def test_each_name_is_of_its_own_column_where_blanks_are_of_two_kinds(tmp_path):
    """Two blanks behind ω and one between the others: three names, not two."""
    rows = "1 .2 .02\n2 .4 .04\n3 .3 .03\n"
    with_errors = read_a2f(saved(tmp_path, f"# omega(meV)  a2F err\n{rows}"))
    assert (with_errors.provenance.columns, with_errors.provenance.warnings) == (1, ())
    for errors in ("a2F_err", "err_a2F", "error of a2F", "±a2F", "sigma"):
        named = read_a2f(saved(tmp_path, f"omega(meV)\ta2F\t{errors}\n{rows}"))
        assert (named.provenance.columns, named.provenance.warnings) == (1, ())
    smeared = read_a2f(saved(tmp_path, f"# omega(meV)  a2F_0.1 a2F_0.2\n{rows}"), column=2)
    assert smeared.provenance.label == "a2F_0.2"


def test_omega_behind_a2f_without_a_header_is_refused(tmp_path):
    omega = np.linspace(0.5, 30, 60)
    a2f = np.exp(-(((omega - 15) / 5) ** 2))
    rows = "".join(f"{a:.4f} {w:.4f}\n" for w, a in zip(omega, a2f, strict=True))
    with pytest.raises(SpectrumFileError, match="line 1: the second column rises like a freq"):
        read_a2f(saved(tmp_path, rows), unit="meV")
    spectrum = read_a2f(saved(tmp_path, f"# a2F omega[meV]\n{rows}"))
    np.testing.assert_allclose(spectrum.omega, omega)


def table(omega, factor=1.0):
    a2f = factor * np.exp(-(((np.asarray(omega) - 15) / 5) ** 2))
    return "".join(f"{w:.5f} {a:.6f}\n" for w, a in zip(omega, a2f, strict=True))


@pytest.mark.parametrize("between", ["", "\n", "\n\n", "# 300 K\n"])
@pytest.mark.parametrize("shift, stretch", [(0.1, 1.0), (0.03, 0.8), (30.6, -1.0)])
def test_two_tables_in_one_file_are_not_merged(tmp_path, between, shift, stretch):
    """Sorted into one they would give the mean of both."""
    omega = np.linspace(0.5, 30, 60)
    text = f"# omega (meV) a2F\n{table(omega)}{between}{table(shift + stretch * omega, 2.0)}"
    with pytest.raises(SpectrumFileError, match="a second table begins here"):
        read_a2f(saved(tmp_path, text))


def test_rows_in_any_other_order_are_one_table(tmp_path):
    omega = np.linspace(0.5, 30, 60)
    upper_half_first = np.roll(omega, 30)
    a_few_swapped = omega.copy()
    a_few_swapped[[7, 20, 41]] = omega[[8, 21, 42]]
    a_few_swapped[[8, 21, 42]] = omega[[7, 20, 41]]
    random = np.random.default_rng(4).permutation(omega)
    whole = read_a2f(saved(tmp_path, "# omega (meV) a2F\n" + table(omega)))
    for rows in (omega[::-1], upper_half_first, a_few_swapped, random):
        with pytest.warns(SpectrumWarning, match="Rows are out of order"):
            spectrum = read_a2f(saved(tmp_path, "# omega (meV) a2F\n" + table(rows)))
        np.testing.assert_array_equal(spectrum.a2f, whole.a2f)


@pytest.mark.parametrize(
    "rows",
    ["1,160.450;0.2\n1,276.495;0.4\n", "1.160,450;0,2\n1.276,495;0,4\n"]
    + ['"1,160.450","0.2"\n"1,276.495","0.4"\n', "1'160.45\t0.2\n1'276.49\t0.4\n"]
    + ["1,160.450 0.2\n1,276.495 0.4\n"],
)
def test_marks_between_thousands_are_no_columns(tmp_path, rows):
    """1,160.450 is one number, not ω = 1 and α²F = 160.45."""
    with pytest.raises(SpectrumFileError, match="line 2: .1.160.45.*mark between thousands"):
        read_a2f(saved(tmp_path, "# omega (K) a2F\n" + rows))


def test_three_columns_parted_by_commas_have_no_thousands(tmp_path):
    path = saved(tmp_path, "# omega (meV), a2F\n1,200.125,0.2\n2,400.125,0.4\n3,300.125,0.3\n")
    assert read_a2f(path, column=2).provenance.columns == 2


def test_a_column_without_a_name_that_rises_all_along_is_not_read(tmp_path):
    """λ(ω) or ω in another unit beside α²F, in either place."""
    omega = np.linspace(0.5, 30, 60)
    a2f = np.exp(-(((omega - 15) / 5) ** 2))
    running = np.cumsum(2 * a2f / omega)
    for columns, read in (((omega, a2f, running), 1), ((omega, 8.06 * omega, a2f), 2)):
        rows = "".join(
            " ".join(f"{x:.6f}" for x in row) + "\n" for row in zip(*columns, strict=True)
        )
        spectrum = read_a2f(saved(tmp_path, rows), unit="meV")
        assert spectrum.provenance.column == read and not spectrum.provenance.warnings
        assert any("rises all along" in note for note in spectrum.provenance.notes)
        np.testing.assert_allclose(spectrum.a2f, a2f, atol=1e-6)
