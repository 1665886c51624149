"""Writers of small α²F files in the layout of each code, from one known model.

Each takes a folder and returns the path of the file that it wrote there. Formats are the
Fortran ones of the codes' own WRITE statements, numbers in the codes' own units.
"""

import csv

import numpy as np

from jaxelph.units import KELVIN, MEV_PER_UNIT

RY, HA, THZ = (MEV_PER_UNIT[name] for name in ("Ry", "Ha", "THz"))
TOP = 40.0  # meV, above which the model vanishes to all printed digits


def model(omega, strength=1.0):
    """Two Gaussian peaks in meV, which vanish at 0 and at `TOP`."""
    low = 0.6 * np.exp(-0.5 * ((omega - 12.0) / 1.2) ** 2)
    high = 0.9 * np.exp(-0.5 * ((omega - 25.0) / 1.5) ** 2)
    return strength * (low + high)


def moments(strength=1.0):
    """λ and ω_log (meV) of the model; the sum converges geometrically."""
    omega = np.linspace(0, TOP, 4001)[1:]
    share = 2 * model(omega, strength) / omega * (omega[1] - omega[0])
    return np.sum(share), np.exp(np.sum(share * np.log(omega)) / np.sum(share))


def fortran_e(x, width, digits):
    """Fortran's Ew.d: the mantissa begins with 0."""
    if x == 0:
        return f"{'0.' + '0' * digits + 'E+00':>{width}}"
    mantissa, exponent = f"{x:.{digits - 1}E}".split("E")
    sign, mantissa = ("-", mantissa[1:]) if x < 0 else ("", mantissa)
    return f"{sign}0.{mantissa.replace('.', '')}E{int(exponent) + 1:+03d}".rjust(width)


def fortran_g(x, width, digits):
    """Fortran's Gw.d: F with four blanks behind it where the number is of common size."""
    size = abs(x)
    if size and not 0.1 <= size < 10**digits:
        return fortran_e(x, width, digits)
    before = len(str(int(size))) if size >= 1 else 0
    return f"{x:{width - 4}.{digits - before}f}    "


def fixed(values, width, digits):
    return "".join(f"{x:{width}.{digits}f}" for x in values)


def listed(*values):
    """gfortran's list-directed doubles."""
    return "".join(f"{x:26.16E}" for x in values)


def wrapped(values, first, rest, write):
    """Values in lines of `first`, then `rest` numbers each, as format reversion has it."""
    lines = [write(values[:first])]
    lines += [write(values[i : i + rest]) for i in range(first, len(values), rest)]
    return lines


def save(folder, name, lines):
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def matdyn(folder, style="new", atoms=1, rows=400, name="a2F.dos3", marks=True):
    """`a2F.dosN`; style "new" (6.3 on), "two records" (5.0 to 6.2.1), "wrapped" (to 4.3.2)."""
    mark = " # " if marks else " "
    lines = ["", mark + "Eliashberg function a2F (per both spin)"]
    lines += [mark + " frequencies in Rydberg  "]
    lines += [mark + "DOS normalized to E in Rydberg: a2F_total, a2F(mode) ", ""]
    step = TOP / RY / rows
    energy = (np.arange(rows) + 0.5) * step
    total = model(energy * RY)
    for e, a in zip(energy, total, strict=True):
        modes = [a / (3 * atoms)] * (3 * atoms)
        if style == "new":
            lines.append("   " + "".join(fortran_e(x, 16, 6) for x in (e, a, *modes)))
        elif style == "two records":
            lines.append("   " + fixed((e, a), 12, 6))
            lines += wrapped(modes, 6, 6, lambda part: fixed(part, 16, 8))
        else:
            lines += wrapped(
                (e, a, *modes), 7, 7, lambda p: "   " + fixed(p[:1], 12, 6) + fixed(p[1:], 16, 8)
            )
    stated = np.sum(2 * total / energy * step)
    lines.append(f"  lambda =  {stated:.16f}         Delta =   {step:.16E}")
    return save(folder, name, lines)


def matdyn_lambda(folder, smearings=(0.005, 0.010, 0.015, 0.020)):
    """The text file `lambda` that matdyn.x writes beside its `a2F.dosN`."""
    lines = ["", "  Electron-phonon coupling constant, lambda ", ""]
    lines += [
        f" Broadening {s:8.4f} lambda {1.0 + s:12.4f} dos(Ef){1.3392:8.4f}" for s in smearings
    ]
    return save(folder, "lambda", lines)


def lambda_x(folder, columns=3, rows=400, companion=True):
    """`alpha2F.dat`, and `lambda.dat` beside it; column k has k times the model."""
    smearings = [0.005 * (k + 1) for k in range(columns)]
    lines = ["# E(THz)" + fixed(smearings[:10], 10, 3)]
    lines += [fixed(smearings[i : i + 10], 10, 3) for i in range(10, columns, 10)]
    energy = np.arange(rows) * (TOP / THZ / (rows - 1))
    values = [model(energy * THZ, (k + 1) / columns) for k in range(columns)]
    for i, e in enumerate(energy):
        row = [column[i] for column in values]
        rest = wrapped(row, 10, 10, lambda part: fixed(part, 10, 5))
        lines += [f"{e:8.4f}" + rest[0], *rest[1:]]
    if companion:
        said = ["# degauss   lambda    int alpha2F  <log w>     N(Ef)"]
        for k, s in enumerate(smearings):
            coupling, log = moments((k + 1) / columns)
            said.append(f"{s:7.3f}" + fixed((coupling, coupling), 12, 6) + f"{log / KELVIN:10.3f}")
            said[-1] += fixed((4.2, 0.0), 12, 6)[:12]
        save(folder, "lambda.dat", said)
    return save(folder, "alpha2F.dat", lines)


def alpha2f_x(folder, rows=400):
    """`prefix.a2F.dat` of alpha2f.x, with the phonon DOS of two atoms."""
    lines = [" # Frequency[Ry], a2F, DOS[Ry], Partial DOS(Atom 1), PDOS(Atom 2), .."]
    for e in (np.arange(rows) + 1) * (TOP / RY / rows):
        a = model(e * RY)
        lines.append("".join(fortran_e(x, 25, 15) for x in (e, a, 300 * a, 200 * a, 100 * a)))
    return save(folder, "al.a2F.dat", lines)


def epw(folder, columns=3, cumulative=True, header=True, footer=True, rows=400, name="pb.a2f"):
    """`prefix.a2f`: N columns of α²F and, with `cumulative`, N of λ(ω)."""
    step = TOP / rows
    omega = (np.arange(rows) + 1) * step
    values = [model(omega, (k + 1) / columns) for k in range(columns)]
    running = [np.cumsum(2 * a / omega * step) for a in values]
    lines = []
    if header:
        words = " a2f and integrated 2*a2f/w" if cumulative else " a2f"
        lines.append(f" w[meV]{words} for {10:4d} smearing values")
    for i in range(rows):
        row = [omega[i], *(a[i] for a in values)]
        row += [a[i] for a in running] if cumulative else []
        lines += wrapped(row, 21, 21, lambda part: fixed(part, 12, 7))
    if footer:
        mark = "  #         "
        lines.append(" Integrated el-ph coupling")
        lines += wrapped([a[-1] for a in running], 15, 15, lambda p: mark + fixed(p, 12, 7))
        lines.append(" Phonon smearing (meV)")
        smearings = [0.5 + 0.05 * k for k in range(columns)]
        lines += wrapped(smearings, 15, 15, lambda p: mark + fixed(p, 12, 7))
        lines += ["Electron smearing (eV)   0.0500000", "Fermi window (eV)   0.8000000"]
        lines += ["Summed el-ph coupling    1.9853134"]
    return save(folder, name, lines)


def epw_iso(folder, rows=400):
    """`prefix.a2f_iso`: two columns and no footer."""
    omega = (np.arange(rows) + 1) * (TOP / rows)
    lines = ["w[meV] a2f", *(fixed((w, model(w)), 12, 7) for w in omega)]
    return save(folder, "pb.a2f_iso", lines)


def epw_proj(folder, rows=400, modes=3, header=True, name="pb.a2f_proj"):
    """`prefix.a2f_proj`: α²F and its mode parts, λ in the last line.

    Without the header it is `prefix.a2f_iso` of QE ≤ 6.4.
    """
    step = TOP / rows
    omega = (np.arange(rows) + 1) * step
    lines = ["w[meV] a2f a2f_modeproj"] if header else []
    lines += [fixed((w, model(w), *[model(w) / modes] * modes), 12, 7) for w in omega]
    total = np.sum(2 * model(omega) / omega * step)
    lines.append(f"lambda_int = {total:18.7f}   lambda_sum = {total * 0.99:18.7f}")
    return save(folder, name, lines)


def _abinit_grid(rows, low=0.02):
    return np.linspace(low, TOP, rows) / HA


def anaddb(folder, spins=1, rows=400, low=-3.0):
    """`*_A2F` of anaddb; the second spin has half the first one's α²F."""
    omega = _abinit_grid(rows, low)
    lines = ["#", "# ABINIT package : a2f file", "#"]
    lines += ["# a2f function integrated over the FS. omega in a.u."]
    lines += [f"#  number of energy points : {rows:10d}"]
    lines += [f"#  and the smearing width for gaussians is {fortran_e(2e-5, 16, 6)}"]
    for spin in range(spins):
        lines += [f"# The DOS at Fermi level for spin {spin + 1:4d} is {4.3:16.6E}", "#"]
        lines += [listed(w, model(w * HA, 1 / (spin + 1))) for w in omega]
        lines.append("")
    return save(folder, "o_A2F", lines)


def anaddb_transport(folder, spins=1, lova=False, rows=400, low=-3.0):
    """`*_A2F_TR` of anaddb: xx, yy, zz have 1, 2 and 3 halves of the model; by LOVA it is one."""
    omega = _abinit_grid(rows, low)
    lines = ["#", "# ABINIT package : a2f_tr file", "#"]
    lines += ["# a2f_tr function integrated over the FS. omega in a.u."]
    lines += [f"#     number of kpoints integrated over : {1000:10d}"]
    lines += [f"#     number of energy points : {rows:10d}"]
    lines += [f"#       between omega_min = {fortran_e(omega[0], 16, 6)} Ha and omega_max = "]
    lines[-1] += f"{fortran_e(omega[-1], 16, 6)} Ha"
    lines += [f"#   and the smearing width for gaussians is {fortran_e(2e-5, 16, 6)}", "#"]
    for spin in range(spins):
        lines += [f"# The DOS at Fermi level is {fortran_e(4.3, 16, 6)}"]
        for w in omega:
            value = model(w * HA, 1 + (spin - (spins - 1) / 2))
            row = [w, *(value * s for s in (0.5, 0.1, 0, 0.1, 1.0, 0, 0, 0, 1.5))]
            row = [w, value, 1.5 * value, 0.5 * value] if lova else row
            lines.append("".join(fortran_e(x, 16, 6).replace("E", "D") for x in row))
        lines.append("")
    return save(folder, "o_A2F_TR", lines)


def anaddb_qgrid(folder, spins=1, rows=400):
    """anaddb's coarse-q file: smearing s of spin p has the model times (s + 1)/(5 p)."""
    omega = _abinit_grid(rows)
    lines = ["# Eliashberg function evaluated using only the irred q-points ", "#"]
    lines += [f"# number of frequencies = {rows:5d}", f"# omega_min = {omega[0]:16.8E}", "#"]
    lines += ["# Using     5 values for the gaussian smearing ", "# starint from   0.000040 (Ha)"]
    lines += ["#      Smear(Ha) Lambda_Iso  isppol  <ln w> (K)    Tc_McMill (K) ", "#"]
    strengths = [[(s + 1) / (5 * (p + 1)) for s in range(5)] for p in range(spins)]
    for s in range(5):
        for p in range(spins):
            coupling, log = moments(strengths[p][s])
            row = fixed((4e-5 + 2e-5 * s, coupling), 10, 6) + f"{p + 1:5d}"
            lines.append(f"#      {row}  {log / KELVIN:12.7f}  {1.2:12.6f}  ")
    lines += ["#", "# Eliashberg function calculated for different gaussian smearing values", ""]
    for p in range(spins):
        lines.append(f"# smeared alpha2F for isppol = {p + 1:5d}")
        for w in omega:
            row = (w, *(model(w * HA, x) for x in strengths[p]))
            lines.append("".join(f"{x:17.12f} " for x in row))
        lines.append("")
    return save(folder, "o_A2F_QGRID", lines)


def _running(omega, a2f):
    density = a2f / omega
    step = np.diff(omega) / 2
    return np.append(0.0, np.cumsum(step * (density[1:] + density[:-1])))


def eph(folder, spins=1, modes=0, rows=400):
    """`*_A2FW`, or `*_PH_A2FW` with modes: twice the model, and λ(ω) = ∫α²F/ω."""
    omega = _abinit_grid(rows)
    lines = ["#", "# ABINIT package: a2F(w) file", "#"]
    lines += ["# a2F(w) function integrated over the FS. omega in a.u.", "# ngqpt: [16,16,16]"]
    low, high, step = (fortran_e(x, 16, 6) for x in (omega[0], omega[-1], omega[1] - omega[0]))
    lines += [f"# number of frequencies: {rows} between omega_min: {low} Ha and "]
    lines[-1] += f"omega_max: {high} Ha with step:{step}"
    lines += ["#  the smearing width for gaussians is     0.367493E-04"]
    lines += ["# Total DOS at Fermi level     0.438367E+01", "# ", "# "]
    for mode in range(modes + 1):
        a2f = 2 * model(omega * HA, 1 / modes if mode else 1.0)
        if modes:
            lines.append(f"# Phonon mode {mode}")
        lines.append("# Frequency, a2F(w), lambda(w)")
        parts = [a2f] if spins == 1 else [a2f, 0.75 * a2f, 0.25 * a2f]
        columns = [omega]
        for part in parts:
            columns += [part, _running(omega, part)]
        lines += [listed(*row) for row in zip(*columns, strict=True)]
        lines += ["", ""] if modes else []
    return save(folder, "t88o_PH_A2FW" if modes else "t88o_A2FW", lines)


def abinit_nc(
    folder, spins=1, library="netcdf3", rows=400, name="o_A2F.nc", transport="", plain=True
):
    """`*_A2F.nc`: the coarse set has half the interpolated one's α²F.

    α²_tr F of the set `transport` is 0.7 of the model, xx, yy and zz 1, 2 and 3 halves of that;
    without `plain` it is all there is.
    """
    omega = _abinit_grid(rows)
    data = {}
    for label, strength in (("qintp", 1.0), ("qcoarse", 0.5)):
        a2f = np.zeros((spins, 4, rows))
        for spin in range(spins):
            a2f[spin, 0] = 2 * model(omega * HA, strength) * (0.75, 0.25)[spin] if spins > 1 else 0
        if spins == 1:
            a2f[0, 0] = 2 * model(omega * HA, strength)
        a2f[:, 1:] = a2f[:, :1] / 3
        data[f"a2f_mesh_{label}"] = omega
        data[f"a2f_values_{label}"] = a2f
        data[f"a2f_lambdaw_{label}"] = np.apply_along_axis(lambda y: _running(omega, y), 2, a2f)
    if transport:
        parts = np.full((spins, 4), 1 / 3) * np.array([1, 0.2, 0.3, 0.5])[None, :] * 3 / spins
        tensor = parts[:, :, None, None] * np.diag([0.5, 1.0, 1.5])
        out = tensor[..., None] * (2 * model(omega * HA, 0.7 * 1.5))
        data[f"a2ftr_mesh_{transport}"] = omega
        data[f"a2ftr_out_{transport}"], data[f"a2ftr_in_{transport}"] = out, out / 3
    if not plain:
        data = {key: values for key, values in data.items() if "a2ftr" in key}
    path = folder / name
    if library == "hdf5":
        _hdf5(path, data)
        return path
    from scipy.io import netcdf_file

    with netcdf_file(path, "w") as file:
        for dimension, size in (("spin", spins), ("part", 4), ("x", 3), ("y", 3), ("nomega", rows)):
            file.createDimension(dimension, size)
        for key, values in data.items():
            every = {1: (), 3: ("spin", "part"), 5: ("spin", "part", "x", "y")}
            axes = (*every[values.ndim], "nomega")
            file.createVariable(key, "d", axes)[:] = values
    return path


def _hdf5(path, data):
    import h5py

    with h5py.File(path, "w") as file:
        for key, values in data.items():
            file[key] = values


def elk(folder, rows=400, companion=True, greek=False):
    """`ALPHA2F.OUT` and `MCMILLAN.OUT`; the grid begins a tenth of its width below 0."""
    dw = 1.2 * TOP / HA / rows
    omega = (np.arange(rows) - rows / 12) * dw
    a2f = np.where(omega > 0, model(omega * HA), 0.0)
    lines = [fortran_g(w, 18, 10) + fortran_g(a, 18, 10) for w, a in zip(omega, a2f, strict=True)]
    if companion:
        coupling, log = moments()
        name = "λ" if greek else "lambda"
        said = ["", f"Electron-phonon coupling constant, {name} : {fortran_g(coupling, 18, 10)}"]
        said += ["", f"Logarithmic average frequency : {fortran_g(log / HA, 18, 10)}", ""]
        save(folder, "MCMILLAN.OUT", said)
    return save(folder, "ALPHA2F.OUT", lines)


def vasp(folder, spins=1, temperatures=(0.0, 300.0), rows=400, name="vaspout.h5"):
    """`vaspout.h5`: α²F at the second temperature is half that at the first."""
    group = "results/electron_phonon/phonons/self_energy_1"
    omega = np.linspace(0.0, TOP, rows) / MEV_PER_UNIT["rad/ps"]
    a2f = np.array([model(np.linspace(0.0, TOP, rows), 1 / (t + 1)) for t in range(2)])
    data = {"frequency_grid": omega, "a2F": np.array([a2f] * spins), "temps": temperatures}
    path = folder / name
    _hdf5(path, {f"{group}/{key}": np.asarray(values) for key, values in data.items()})
    return path


def gitgreg(folder, rows=400):
    """The CSV of GitGreg228/a2f; the second α²F is half the first."""
    names = ["freqs, THz", "a2f (lambda), THz", "a2f (gamma), THz"]
    names += ["lambda (lambda)", "lambda (gamma)", "wlog (lambda), K", "wlog (gamma), K"]
    step = TOP / THZ / rows
    freqs = 0.001 + np.arange(rows) * step
    first = model(freqs * THZ)
    running = np.cumsum(2 * first / freqs * step)
    log = np.cumsum(2 * first / freqs * step * np.log(freqs * THZ / KELVIN))
    log = np.float16(np.exp(log / np.maximum(running, 1e-300)))
    columns = [freqs, first, first / 2, running, running / 2, log, log]
    path = folder / "a2f_s3_r1000_g5.csv"
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerow(names)
        for row in zip(*columns, strict=True):
            file.write(",".join(f"{x:.8f}" for x in row) + "\n")
    return path


def columns(folder, unit="meV", header="# w [{unit}]  a2F", rows=400, number=1, name="a2f.txt"):
    """Bare columns, with a header that names the unit or another."""
    omega = (np.arange(rows) + 1) * (TOP / rows)
    lines = [header.format(unit=unit)] if header else []
    for w in omega:
        values = [f"{model(w, (k + 1) / number):.10e}" for k in range(number)]
        lines.append(" ".join([f"{w / MEV_PER_UNIT[unit]:.12e}", *values]))
    return save(folder, name, lines)
