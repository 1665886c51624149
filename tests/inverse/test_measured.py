"""Tables as people have them: delimiters, decimal commas, units, errors, what is missing."""

import numpy as np
import pytest

from jaxelph.inverse.data.header import factor_of, plain_unit, split_unit
from jaxelph.inverse.data.layouts import COLUMNS
from jaxelph.inverse.data.measured import scatter
from jaxelph.inverse.data.table import read_columns, read_data, read_with_notes

KELVIN = np.array([10.0, 20.5, 300.0])
RHO = np.array([0.15, 0.25, 21.5])
ERROR = np.array([0.01, 0.02, 0.3])


def table(head, rows, mark, comma=False):
    lines = [head] if head else []
    for row in rows:
        cells = [f"{x:.6g}" for x in row]
        lines.append(mark.join(c.replace(".", ",") if comma else c for c in cells))
    return "\n".join(lines) + "\n"


ROWS = list(zip(KELVIN, RHO, ERROR, strict=True))
METRE = [(t, r * 1e-8, e * 1e-8) for t, r, e in ROWS]


MILLI = [(1e3 * t, 1e-3 * r, 1e-3 * e) for t, r, e in ROWS]
REMARKS = "# sample A, film 3\n# sigma by eye\n"


@pytest.mark.parametrize(
    "text",
    [
        table("T_K,rho_µΩcm,sigma", ROWS, ","),
        table("T (K);rho (µΩ cm);sigma", ROWS, ";", comma=True),
        table("T [K]\trho [muOhm cm]\terror", ROWS, "\t"),
        table("# T/K rho/uOhmcm err", ROWS, "  "),
        table("#T (K)  rho (Ωm)  sigma (Ω m)", METRE, " "),
        table("T(K) rho(Ohm m) sigma", METRE, " "),
        table(
            "# sample A, film 3\n# sigma by eye\n# T_K\trho_uOhmcm\tsigma", ROWS, "\t", comma=True
        ),
        table("T (K)   rho (µOhm cm)   sigma", ROWS, "   ", comma=True),
        table(
            "T (mK), rho (mΩ cm), sigma", [(1e3 * t, 1e-3 * r, 1e-3 * e) for t, r, e in ROWS], ", "
        ),
        table("T_K,rho_µΩcm,sigma (%)", [(t, r, 100 * e / r) for t, r, e in ROWS], ","),
        table("run,T_K,rho_µΩcm,sigma", [(7, *row) for row in ROWS], ","),
        "\ufeff" + table("T_K,rho_µΩcm,sigma", ROWS, ",").replace("\n", "\r\n"),
    ],
)
def test_one_table_in_many_forms(tmp_path, text):
    path = tmp_path / "rho.txt"
    path.write_text(text)
    found = read_columns(path, "resistivity")
    for key, exact in (("T_K", KELVIN), ("rho_µΩcm", RHO), ("sigma", ERROR)):
        np.testing.assert_allclose(found[key], exact, rtol=1e-5, err_msg=key)


def test_units_and_names_by_option(tmp_path):
    path = tmp_path / "rho.txt"
    path.write_text(table("", METRE, " "))
    found = read_columns(path, "resistivity", names=["T_K", "rho", "sigma"], units={"rho": "Ωm"})
    np.testing.assert_allclose(found["rho_µΩcm"], RHO, rtol=1e-6)
    np.testing.assert_allclose(found["sigma"], ERROR, rtol=1e-6)


def test_units_by_hand():
    """hc · 100 cm⁻¹ is 12.398 meV, h · 1 THz is 4.13567 meV, 1 Ω m is 1e8 µΩ cm."""
    assert 100 * factor_of("cm⁻¹", "energy") == pytest.approx(12.39842, rel=1e-6)
    assert factor_of("THz", "energy") == pytest.approx(4.135668, rel=1e-6)
    assert factor_of("Ω·m", "resistivity") == 1e8 and factor_of("nΩm", "resistivity") == 0.1
    assert factor_of("mJ mol^{-1} K^{-2}", "heat over T") == 1.0
    assert factor_of("J/(mol K)", "heat") == 1e3
    assert factor_of("K", "resistivity") is None
    assert factor_of("\u2126cm", "resistivity") == factor_of("\u03a9cm", "resistivity") == 1e6
    assert plain_unit("µΩ cm") == plain_unit("μOhm·cm") == plain_unit("uOhm cm")
    assert split_unit("C/T (mJ/mol K²)") == ("C/T", "mJ/mol K²")


# Of each family the units that are written with either prefix, and what 1 of it is inside.
PREFIXED = [
    ("resistivity", "Ω cm", 1e6),
    ("resistivity", "Ohm·m", 1e8),
    ("energy", "eV", 1e3),
    ("energy", "V", 1e3),
    ("temperature", "K", 1.0),
    ("heat", "J/(mol K)", 1e3),
    ("heat over T", "J mol^-1 K^-2", 1e3),
]


@pytest.mark.parametrize(("family", "unit", "one"), PREFIXED)
def test_mega_is_no_milli(family, unit, one):
    """Case tells them apart, 1e9 times; of all other letters it tells nothing."""
    assert factor_of(unit, family) == pytest.approx(one)
    for prefix, factor in (("m", 1e-3), ("M", 1e6), ("µ", 1e-6)):
        if (prefix, family) != ("µ", "temperature"):
            assert factor_of(prefix + unit, family) == pytest.approx(factor * one)
    small = "m" + unit.lower().replace("ω", "Ω")
    assert factor_of(small, family) == pytest.approx(1e-3 * one)


def test_frequencies_with_prefixes():
    """1 THz is 1000 GHz is 1e6 MHz; mHz and a wrong THZ are what they were."""
    terahertz = factor_of("THz", "energy")
    assert factor_of("MHz", "energy") == pytest.approx(1e-6 * terahertz)
    assert factor_of("GHz", "energy") == pytest.approx(1e-3 * terahertz)
    assert factor_of("THZ", "energy") == terahertz and factor_of("mHz", "energy") is None


def test_a_header_in_mega_ohm(tmp_path):
    told = "T (K), rho ({} cm), sigma"
    for unit, scale in (("MΩ", 1e-12), ("mΩ", 1e-3)):
        path = tmp_path / "rho.csv"
        rows = [(t, scale * r, scale * e) for t, r, e in ROWS]
        path.write_text(table(told.format(unit), rows, ", "))
        found = read_columns(path, "resistivity")
        np.testing.assert_allclose(found["rho_µΩcm"], RHO, rtol=1e-6)
        np.testing.assert_allclose(found["sigma"], ERROR, rtol=1e-6)


@pytest.mark.parametrize("kind", list(COLUMNS))
def test_all_that_is_missing_in_one_sentence(tmp_path, kind):
    """A header with no error and no unit: what is missing is told once, and options are enough."""
    layout = COLUMNS[kind]
    wanted = [c for c in layout.columns if c.need == "all" or c.key == layout.values[0]]
    path = tmp_path / "data.txt"
    path.write_text(
        "  ".join(c.names[0].replace(" ", "") for c in wanted) + "\n1 1\n2 2\n"
        if len(wanted) == 2
        else f"{wanted[0].names[0]}\n1\n2\n"
    )
    with pytest.raises(ValueError) as told:
        read_with_notes(path, kind, missing=["and --top"])
    text = str(told.value)
    for column in wanted:
        assert column.family == "number" or f"no unit of {column.names[0]}" in text
    assert "no column sigma" in text and text.endswith("and --top.")
    assert kind not in ("weight", "optical", "tunnelling") or "needs --temperature" in text
    assert kind != "resistivity" or "needs --plasma" in text
    assert kind != "relaxation" or "--initial" in text
    units = {c.names[0].replace(" ", ""): c.unit for c in wanted if c.family != "number"}
    options = {
        "weight": {"temperature": 10.0},
        "optical": {"temperature": 10.0},
        "tunnelling": {"temperature": 10.0},
        "self-energy": {"temperature": 10.0},
        "relaxation": {"temperature": 10.0, "initial": 20.0},
        "resistivity": {"plasma": "9"},
    }.get(kind, {})
    data, notes = read_with_notes(path, kind, sigma="2%", units=units, top=20.0, **options)
    np.testing.assert_allclose(data[0].error / np.abs(data[0].values), 0.02, rtol=1e-9)
    assert "2 %" in notes[0]


def test_errors_from_the_scatter(tmp_path):
    """Of smooth curves with noise of 0.03 it is 0.03; of a smooth curve alone it is nothing."""
    rng, t = np.random.default_rng(0), np.geomspace(2.0, 300.0, 120)
    smooth = 1e-3 * t**2 / (1 + t / 50)
    assert scatter(t, [smooth]) < 2e-4
    found = [scatter(t, [smooth + 0.03 * rng.normal(size=120)]) for _ in range(200)]
    assert np.mean(found) == pytest.approx(0.03, rel=0.03) and np.std(found) < 0.004
    path = tmp_path / "rho.csv"
    noisy = smooth + 0.03 * rng.normal(size=120)
    path.write_text(table("T_K,rho_µΩcm", zip(t, noisy, strict=True), ","))
    data, notes = read_with_notes(path, "resistivity", plasma="9", sigma="scatter")
    assert data[0].error[0] == pytest.approx(0.03, rel=0.25)
    assert "estimated from their scatter" in notes[0]


@pytest.mark.parametrize(
    ("head", "options", "phrase"),
    [
        ("T (K),rho (km),sigma", {}, "'km' is no unit of rho"),
        ("T_K,rho_µΩcm,sigma", {"units": {"R": "Ωm"}}, "--units names R, no column"),
        ("T_K,rho_µΩcm,sigma", {"sigma": "3%"}, "--sigma says nothing"),
        ("T_K,rho_µΩcm,x", {"sigma": "some"}, "--sigma 'some' is not known"),
        ("T_K,rho_µΩcm,x", {"sigma": "-1%"}, "is not known; use 2%"),
        ("T_K,rho_µΩcm,sigma (kg)", {}, "sigma is in 'kg'"),
        ("T_K,rho_µΩcm,sigma", {"plasma": "9:0.1:2"}, "--plasma '9:0.1:2' is not value"),
        ("T_K,rho_µΩcm,sigma", {"temperature": 4.0}, "--temperature says nothing of resistivity"),
        ("", {}, "no names of its 3 columns"),
    ],
)
def test_bad_headers_and_options(tmp_path, head, options, phrase):
    path = tmp_path / "rho.csv"
    path.write_text(table(head, ROWS, ","))
    with pytest.raises(ValueError, match=phrase.replace("(", r"\(").replace("?", r"\?")):
        read_data(path, "resistivity", **({"plasma": "9"} | options))


def test_heat_over_temperature_is_heat(tmp_path):
    path = tmp_path / "heat.csv"
    path.write_text(table("T (K),C/T (mJ/mol K^2),sigma", [(4.0, 5.0, 0.1), (8.0, 7.0, 0.2)], ","))
    (data,) = read_data(path, "heat", gamma="3:0.1", top=20.0)
    np.testing.assert_allclose(data.values, [20.0, 56.0])
    np.testing.assert_allclose(data.error, [0.4, 1.6])


def test_several_temperatures_are_several_sets(tmp_path):
    path = tmp_path / "optics.csv"
    rows = [(100.0, 5.0, 0.1, 10.0), (200.0, 9.0, 0.1, 10.0), (100.0, 15.0, 0.1, 100.0)]
    path.write_text(table("omega (cm-1),1/tau (meV),sigma,T (K)", rows, ","))
    cold, warm = read_data(path, "optical")
    assert len(cold.values) == 2 and len(warm.values) == 1
    assert cold.frequency[0] == pytest.approx(12.39842, rel=1e-6)


@pytest.mark.parametrize(
    "head",
    ["t (ps),Te (K),T (K),Tstart (K),sigma", "delay [ps],Te_K,temperature [K],T0 [K],sigma"]
    + ["t_ps,Te_K,T_K,Tstart_K,sigma", "t/ps,Te/K,T/K,Tstart/K,err"],
)
def test_time_and_temperature_are_told_apart(tmp_path, head):
    rows = [(0.1 * k, 900.0 - k, 300.0, 950.0, 1.0) for k in range(5)]
    path = tmp_path / "trace.csv"
    path.write_text(table(head, rows, ","))
    found = read_columns(path, "relaxation")
    np.testing.assert_allclose(found["t_ps"], [0.1 * k for k in range(5)])
    np.testing.assert_allclose(found["T_K"], 300.0)
    swapped = head.split(",")[2::-1] + head.split(",")[3:]
    path.write_text(table(",".join(swapped), [(t, e, d, s, x) for d, e, t, s, x in rows], ","))
    np.testing.assert_allclose(read_columns(path, "relaxation")["t_ps"], found["t_ps"])


def test_a_minus_before_a_name_is_a_sign(tmp_path):
    """-Im Σ is what photoemission's figures show; Im Σ itself is negative."""
    path = tmp_path / "sigma.csv"
    for head, sign in (("Im Σ (meV)", 1), ("-Im Σ (meV)", -1), ("−ImΣ [meV]", -1), ("-Im_meV", -1)):
        rows = [(e, sign * -0.5 * e, 0.1) for e in (1.0, 2.0, 3.0)]
        path.write_text(table(f"E (meV),{head},sigma", rows, ","))
        found = read_columns(path, "self-energy")
        np.testing.assert_allclose(found["Im_meV"], [-0.5, -1.0, -1.5])
        np.testing.assert_allclose(found["sigma"], 0.1)
        path.write_text(table(f"E (meV),{head}", rows, ",").replace(",0.1\n", "\n"))
        np.testing.assert_allclose(
            read_columns(path, "self-energy", sigma="2%")["sigma"], [0.01, 0.02, 0.03]
        )
