"""Densities of phonon states in the layouts of each code, all of one F(ω)."""

import fixtures_a2f as write
import numpy as np
import pytest
from scipy import constants

from jaxelph import MovingPhonons, SpectrumFileError, read_a2f, read_phonon_dos
from jaxelph.app.cli import run as program
from jaxelph.spectra.resolution import at_temperature
from jaxelph.units import KELVIN

TOP, ROWS = 30.0, 400
MEV = constants.electron_volt * 1e-3
RY = constants.value("Rydberg constant times hc in J") / MEV
WAVE = constants.h * constants.c * 100 / MEV
OMEGA = np.arange(1, ROWS + 1) * TOP / ROWS
# Of two atoms: 6 modes.
DENSITY = 6 * 30 * OMEGA**2 * (TOP - OMEGA) ** 2 / TOP**5


def alpha2f_x(folder):
    lines = [" # Frequency[Ry], a2F, DOS[Ry], Partial DOS(Atom 1), PDOS(Atom 2), .."]
    for w, f in zip(OMEGA, DENSITY, strict=True):
        values = (w / RY, 0.01 * f, f * RY, 0.4 * f * RY, 0.6 * f * RY)
        lines.append("".join(f"{x:25.15E}" for x in values))
    return write.save(folder, "al.a2F.dat", lines)


def matdyn_x(folder):
    lines = [" # Frequency[cm^-1] DOS PDOS"]
    # Imaginary modes are printed below zero.
    lines += [f"{-0.01:13.6E}{0.0:14.6E}"]
    lines += [f"{w / WAVE:13.6E}{f * WAVE:14.6E}" for w, f in zip(OMEGA, DENSITY, strict=True)]
    return write.save(folder, "al.phdos", lines)


def epw(folder):
    lines = [" w[meV] phdos[states/meV] for    3 smearing values"]
    for w, f in zip(OMEGA, DENSITY, strict=True):
        lines.append(f"{w:12.7f}" + "".join(f"{x:15.7f}" for x in (f, 1.1 * f, 1.2 * f)))
    return write.save(folder, "al.phdos", lines)


def abinit(folder, unit="Ha", size=2 * RY):
    lines = ["# ", "# Phonon density of states and atom type projected DOS", "# "]
    lines += [f"# Energy in {unit}, DOS in states/{unit}", "# Tetrahedron method, nqibz= 29", "# "]
    lines += ["# omega     PHDOS    INT_PHDOS   PJDOS[atom_type=1]  INT_PJDOS[atom_type=1] ...  "]
    lines += ["# "]
    for w, f in zip(OMEGA, DENSITY, strict=True):
        row = (w / size, f * size, 0.0, f * size, 0.0)
        lines.append("".join(f"{x:17.8E}" for x in row))
    return write.save(folder, "alo_PHDOS", lines)


def abinit_mev(folder):
    return abinit(folder, "meV", 1.0)


@pytest.mark.parametrize("layout", [alpha2f_x, matdyn_x, epw, abinit, abinit_mev])
def test_layouts(layout, tmp_path):
    found = read_phonon_dos(layout(tmp_path))
    np.testing.assert_allclose(found.omega, OMEGA, rtol=1e-6)
    np.testing.assert_allclose(found.density, DENSITY, rtol=1e-5, atol=1e-7)
    assert found.modes == pytest.approx(6.0, rel=1e-4)


def test_real_alpha2f_x(shared):
    """One atom of aluminium: three modes, to what its tetrahedra leave."""
    found = read_phonon_dos(shared / "a2f/qe-alpha2fx__Al__aluminum.a2F.dat")
    assert found.modes == pytest.approx(3.0, rel=5e-3)
    assert found.omega[-1] == pytest.approx(39.3, abs=1.0)


def test_moving_phonons_of_a_file(tmp_path):
    """α²F ∝ F in this file: the same numbers as by that assumption."""
    file = alpha2f_x(tmp_path)
    found = read_phonon_dos(file)
    spectrum = at_temperature(read_a2f(file), 100 * KELVIN)
    phonons = MovingPhonons.of_density(found.omega, found.density, 5e-4)
    branches = phonons.on(spectrum)
    alike = MovingPhonons.like_coupling(5e-4, found.modes).on(spectrum)
    matter = np.asarray(branches.strength) > 1e-6 * float(np.max(branches.strength))
    np.testing.assert_allclose(branches.coupling[matter], alike.coupling[matter], rtol=2e-4)


def damaged(folder, change):
    lines = change(epw(folder).read_text().splitlines())
    return write.save(folder, "bad.phdos", lines)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda lines: lines[1:], "no density of phonon states that is known"),
        (lambda lines: [*lines[:9], lines[9].split()[0]], "cut short"),
        (lambda lines: [*lines[:9], lines[3], *lines[9:]], "do not ascend"),
        (lambda lines: [s.replace("  0.0", " -0.0", 1) for s in lines[:1]], "no rows"),
        (lambda lines: [lines[0], *(s[:12] + "   -0.5" * 3 for s in lines[1:])], "negative"),
        (lambda lines: [lines[0], *(s[:12] + "    0.0" * 3 for s in lines[1:])], "zero every"),
        (lambda lines: [*lines[:9], lines[9][:12] + "  NaN" * 3, *lines[10:]], "not a number"),
    ],
)
def test_damage_is_told(change, told, tmp_path):
    with pytest.raises(SpectrumFileError, match=told):
        read_phonon_dos(damaged(tmp_path, change))


def test_no_file_and_no_text(tmp_path):
    with pytest.raises(SpectrumFileError, match="cannot be opened"):
        read_phonon_dos(tmp_path / "none")
    (tmp_path / "bytes").write_bytes(b"\x00\x01")
    with pytest.raises(SpectrumFileError, match="neither text"):
        read_phonon_dos(tmp_path / "bytes")


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--hot-phonons"], "need --atoms, the number of atoms per cell, or --phonon-dos"),
        (["--hot-phonons", "--phonon-dos", "al.phdos", "--atoms", "5"], "has 6 modes, --atoms 5"),
        (["--phonon-dos", "al.phdos"], "--phonon-dos is of phonons that move"),
        (["--hot-phonons", "--phonon-dos", "low.phdos"], "no states at frequencies with"),
    ],
)
def test_bad_options(more, told, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    epw(tmp_path)
    low = [f"{w / 3:12.7f}{f:15.7f}" for w, f in zip(OMEGA, DENSITY, strict=True)]
    write.save(tmp_path, "low.phdos", [" w[meV] phdos[states/meV] for    1 smearing values", *low])
    file = alpha2f_x(tmp_path)
    common = ["relax", str(file), "--electron-temperature", "160", "--phonon-temperature", "146"]
    states = [] if more[0] != "--hot-phonons" else ["--states", "0.5"]
    assert program([*common, *more, *states]) == 2
    assert told in " ".join(capsys.readouterr().err.split())


@pytest.mark.slow
def test_program(tmp_path, capsys):
    file = alpha2f_x(tmp_path)
    common = ["relax", str(file), "--electron-temperature", "160", "--phonon-temperature", "146"]
    common += ["--hot-phonons", "--states", "0.5", "--until", "0.2"]
    assert program([*common, "--phonon-dos", str(file)]) == 0
    assert "F(ω) of al.a2F.dat" in capsys.readouterr().out
