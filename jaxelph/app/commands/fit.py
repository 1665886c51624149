"""`jaxelph fit`: α²F from measured data, with error bars."""

from pathlib import Path
from typing import Annotated

import typer

from ._inputs import Cutoff, Json, MuStar, MuStarAt, OmegaPh, check_temperature, tc_options


def command(
    files: Annotated[list[Path], typer.Argument(help="Tables; several are fitted together.")],
    kind: Annotated[
        str,
        typer.Option(
            help="heat, self-energy, weight, relaxation, gap, tc, resistivity, optical or "
            "tunnelling; of several files one for all, or one each with commas between."
        ),
    ],
    top: Annotated[
        float | None, typer.Option(help="ω_max in meV: a table of α²F up to it is fitted.")
    ] = None,
    rows: Annotated[int | None, typer.Option(help="Of the table of α²F, by default 200.")] = None,
    peaks: Annotated[
        str | None,
        typer.Option(help="Gaussian peaks to start from, in place of a table: ω:width:λ,… in meV."),
    ] = None,
    spread: Annotated[
        float | None,
        typer.Option(help="Prior on peaks: standard deviation of the ln of each number."),
    ] = None,
    prior: Annotated[
        str | None, typer.Option(help="On a table: smooth (the default), or entropy, positive.")
    ] = None,
    sigma: Annotated[
        str | None,
        typer.Option(help="Error without a column of it: 2%, a number in their unit, or scatter."),
    ] = None,
    units: Annotated[
        str | None, typer.Option(help="Of columns, before the header's: rho=Ωm,T=mK say.")
    ] = None,
    columns: Annotated[
        str | None, typer.Option(help="Names of the columns, for a file without a header.")
    ] = None,
    temperature: Annotated[
        float | None,
        typer.Option("--temperature", "-T", help="In K, where the table has no column of it."),
    ] = None,
    initial: Annotated[
        float | None, typer.Option(help="In K: of the electrons at t = 0, for relaxation.")
    ] = None,
    resolution: Annotated[
        float, typer.Option(help="Standard deviation of the energy resolution in meV, for Σ.")
    ] = 0.0,
    background: Annotated[
        bool,
        typer.Option(
            help="Fit impurities along to Im Σ, 1/τ or R; to Im Σ electron collisions, to R ε_∞."
        ),
    ] = False,
    plasma: Annotated[
        str | None,
        typer.Option(help="ħω_p in eV of resistivity or R, or with its error as 9.1:0.4."),
    ] = None,
    residual: Annotated[
        float | None, typer.Option(help="ρ0 in µΩcm, fitted along by default.")
    ] = None,
    saturation: Annotated[
        bool, typer.Option(help="Fit a resistivity along that is parallel to it.")
    ] = False,
    ratio: Annotated[
        str | None,
        typer.Option(
            help="α²_trF of resistivity and optics over α²F of other data: 0.9, or with its error, "
            "fitted along, 0.9:0.2."
        ),
    ] = None,
    ratio_bend: Annotated[
        float | None,
        typer.Option(help="Fit this ratio as a curve over ω, ln r known before to this; 0.3 say."),
    ] = None,
    gamma: Annotated[
        str | None,
        typer.Option(help="Sommerfeld coefficient of bare electrons in mJ/molK2, or 5.1:0.3."),
    ] = None,
    atoms: Annotated[
        float | None, typer.Option(help="Of a formula unit, for heat in mJ/molK; 1 by default.")
    ] = None,
    phonons: Annotated[
        Path | None,
        typer.Option(help="F(ω) of the phonons' heat, in place of a Debye and an Einstein part."),
    ] = None,
    superconducting: Annotated[
        bool, typer.Option(help="Heat in mJ/molK is that of the superconductor below Tc.")
    ] = False,
    matsubara: Annotated[
        bool, typer.Option(help="The gap is Δ(iπT), not the edge of the density of states.")
    ] = False,
    broadening: Annotated[
        float | None, typer.Option(help="Γ in meV that tunnelling starts from, T/10 by default.")
    ] = None,
    bootstrap: Annotated[
        int | None,
        typer.Option(help="Refit a table this often with fresh noise, to check its error bars."),
    ] = None,
    mu_star: MuStar = 0.1,
    mu_star_error: Annotated[
        float | None,
        typer.Option(help="Fit μ* along, known before to this; tunnelling does so by 50 %."),
    ] = None,
    omega_ph: OmegaPh = None,
    cutoff: Cutoff = None,
    mu_star_at: MuStarAt = "omega-ph",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder for fit.png, .pdf and .nc.")
    ] = None,
    json: Json = False,
) -> None:
    """Fit α²F to measured data, with error bars on it, λ, ω_log, λ⟨ω²⟩ and Tc.

    Columns by their names in the header, with the unit behind, as T (K), rho [µΩcm] or E_meV;
    commas, semicolons, tabs or spaces between; sigma is the standard deviation of each row.

    heat: T and C_ratio (C_el over that of bare electrons), or C or C/T of all in J/molK.
    self-energy: E, Re and/or Im.
    weight: E, Z.
    relaxation: t, Te, and T of the phonons and Tstart where there are several.
    gap: T, Delta.
    tc: Tc.
    resistivity: T, rho; of α²_tr F, which --ratio ties to the α²F of other kinds.
    optical: Omega, rate (1/τ) or R, and T where there are several; of α²_tr F.
    tunnelling: V, dIdV over that of the normal state, and T where there are several.
    """
    import numpy as np

    from ...inverse.data.table import parse_peaks, read_with_notes
    from ...inverse.fit.spectrum import fit_spectrum
    from ...presentation.files import check_folder, result_writers, write_all
    from ...presentation.terminal import deliver, progress_bar

    repulsion = tc_options(mu_star, omega_ph, cutoff, mu_star_at)
    for option, value in (("--temperature", temperature), ("--initial", initial)):
        if value is not None:
            check_temperature(value, option)
    if output is not None:
        check_folder(output)
    missing = []
    if top is None and peaks is None:
        missing.append("give either --top, ω_max of a table of α²F in meV, or --peaks")
    if top is not None and peaks is not None:
        raise ValueError("give either --top, ω_max of a table of α²F in meV, or --peaks.")
    if peaks is None and spread is not None:
        raise ValueError("--spread is a prior on --peaks; a table has its own.")
    if peaks is not None and rows is not None:
        raise ValueError("--rows is of a table; --peaks have none.")
    if peaks is not None and prior is not None:
        raise ValueError("--prior is of a table; for --peaks there is --spread.")
    model, highest = None, 1.0
    if peaks is not None:
        model = parse_peaks(peaks)
        highest = float(np.max(model.omega + 4 * model.width))
    elif top is not None:
        if not (np.isfinite(top) and top > 0):
            raise ValueError(f"--top must be a positive energy in meV, got {top:g}.")
        rows = 200 if rows is None else rows
        if not 10 <= rows <= 2000:
            raise ValueError(f"--rows must be from 10 to 2000, got {rows}.")
        model, highest = top * np.arange(1, rows + 1) / rows, top
    kinds = [part.strip() for part in kind.split(",")]
    if len(kinds) not in (1, len(files)):
        raise ValueError(
            f"--kind names {len(kinds)} kinds for {len(files)} files; name one for all, or one "
            "each."
        )
    options = {
        "temperature": temperature,
        "initial": initial,
        "resolution": resolution,
        "background": background,
        "plasma": plasma,
        "residual": residual,
        "saturation": saturation,
        "ratio": ratio,
        "ratio_bend": ratio_bend,
        "gamma": gamma,
        "atoms": atoms,
        "phonons": phonons,
        "superconducting": superconducting,
        "matsubara": matsubara,
        "broadening": broadening,
        "mu_star_error": mu_star_error,
    }
    shared = {"top": highest, "mu_star": mu_star, "omega_ph": omega_ph}
    reading = {
        "units": named_units(units),
        "names": None if columns is None else columns.split(","),
        "sigma": sigma,
        "missing": missing,
    }
    data, notes = [], []
    for place, one in enumerate(files):
        name = kinds[place if len(kinds) > 1 else 0]
        own = options if len(files) == 1 else taken(name, options)
        found, said = read_with_notes(one, name, **own, **shared, **reading)
        data.extend(found)
        notes.extend(said)
    assert model is not None
    if bootstrap is not None:
        if peaks is not None or prior not in (None, "smooth"):
            raise ValueError("--bootstrap is of a table under the smooth prior (--top).")
        if not 20 <= bootstrap <= 10_000:
            raise ValueError(f"--bootstrap must be from 20 to 10000 draws, got {bootstrap}.")
    file = files[0]
    with progress_bar(f"fitting {file.name}"):
        fit = fit_spectrum(
            data, model, top=top, spread=spread, prior=prior or "smooth", **repulsion
        )
        drawn = {} if bootstrap is None else fit.bootstrap(bootstrap)

    def save(folder):
        writers = result_writers("fit", fit.plot(), fit.to_xarray())
        return write_all(folder, writers).values()

    deliver(lambda: _show(fit, drawn, files, kind, notes, repulsion, json), save, output)


def named_units(text: str | None) -> dict[str, str]:
    """{column: unit} from "rho=Ωm,T=mK".

    Raises:
        ValueError: one sentence that names the option.
    """
    found = {}
    for part in (text or "").split(","):
        if not part.strip():
            continue
        name, mark, unit = part.partition("=")
        if not (mark and name.strip() and unit.strip()):
            raise ValueError(f"--units {text!r} is not a list of column=unit, rho=Ωm,T=mK say.")
        found[name.strip()] = unit.strip()
    return found


def taken(kind: str, options: dict) -> dict:
    """Of options for several kinds those that one of them takes."""
    from ...inverse.data.layouts import TAKES

    return {key: value for key, value in options.items() if key in TAKES.get(kind, "").split()}


def _show(fit, drawn, files, kind, notes, repulsion, json) -> None:
    import numpy as np
    from rich.table import Table

    from ...inverse.fit.output import MOMENTS, parameter_unit, value_with_error
    from ...presentation.files import json_text
    from ...presentation.terminal import number, print_json, print_table, results
    from ...spectra.moments import phonon_edge
    from ...spectra.peaks import GaussianPeaks
    from ...superconductivity.coulomb import describe_repulsion

    widths = fit.line_widths
    if repulsion["omega_ph"] is None:
        repulsion = repulsion | {"omega_ph": float(phonon_edge(fit.spectrum))}
    # Tc is computed with the μ* that was fitted along, if one was.
    fitted = "mu_star" in fit.parameters
    if fitted:
        repulsion = repulsion | {"mu_star": fit.parameters["mu_star"][0]}
    if json:
        told = {
            "file": str(files[0]) if len(files) == 1 else [str(one) for one in files],
            "kind": kind,
            "model": type(fit.spectrum).__name__,
            "mu_star": {
                "value": repulsion["mu_star"],
                "fitted": fitted,
                "omega_ph_meV": repulsion["omega_ph"],
                "cutoff_meV": repulsion["cutoff"],
                "quoted_at": repulsion["mu_star_at"],
            },
            "chi_square": fit.chi_square,
            "degrees_of_freedom": fit.degrees,
            "remarks": [*notes, *fit.remarks],
            "frequency_meV": fit.omega.tolist(),
            "a2f": fit.a2f.tolist(),
            "a2f_error": fit.error.tolist(),
            "moments": {
                name: {
                    "value": MOMENTS[name][1] * value,
                    "error": MOMENTS[name][1] * error,
                    "unit": MOMENTS[name][2] or "1",
                }
                for name, (value, error) in fit.moments.items()
            },
            "parameters": {
                name: {"value": value, "error": error, "unit": parameter_unit(name)[1] or "1"}
                for name, (value, error) in fit.parameters.items()
            },
        }
        if fit.transport is not None:
            told["a2f_transport"] = fit.transport.a2f.tolist()
            told["a2f_transport_error"] = fit.transport.a2f_error.tolist()
            told["transport_ratio"] = fit.transport.ratio.tolist()
            told["transport_ratio_error"] = fit.transport.ratio_error.tolist()
        for name, share in fit.parameter_share.items():
            told["parameters"][name]["prior_share_of_variance"] = share
        if fit.prior_share:
            told["prior_share_of_variance"] = fit.prior_share
            told["undecided"] = list(fit.undecided)
        if widths:
            told["sharp_lines"] = {
                "frequency_meV": list(widths),
                "width_meV": list(widths.values()),
            }
        if drawn:
            told["bootstrap"] = {
                name: {
                    "bias": MOMENTS[name][1] * one.bias,
                    "spread": MOMENTS[name][1] * one.spread,
                    "covered": one.covered,
                }
                for name, one in drawn.items()
            }
        print_json(json_text(told, indent=None))
    else:
        table = Table(box=None, pad_edge=False)
        refits = ("bias", "spread", "covered") if drawn else ()
        for head in ("quantity", "value", "unit", "share of the prior", *refits):
            table.add_column(head)
        shares = fit.prior_share
        for name, (value, error) in fit.moments.items():
            label, factor, unit = MOMENTS[name]
            share = f"{100 * shares[name]:.2g} %" if name in shares else ""
            if name in fit.undecided:
                share += ", not decided by these data"
            cells = []
            if name in drawn:
                one = drawn[name]
                cells = [number(factor * one.bias), number(factor * one.spread)]
                cells.append(f"{100 * one.covered:.0f} %")
            shown = value_with_error(factor * value, factor * error)
            table.add_row(label, shown, unit, share, *cells)
        for name, (value, error) in fit.parameters.items():
            factor, unit = parameter_unit(name)
            told = fit.parameter_share.get(name)
            share = "" if told is None else f"{100 * told:.2g} %"
            shown = value_with_error(factor * value, factor * error)
            table.add_row(name, shown, unit, share)
        console = results()
        print_table(console, table)
        rounded = repulsion | {"mu_star": float(f"{repulsion['mu_star']:.4g}")}
        whose = "fitted " if fitted else ""
        console.print(f"Tc: {whose}{describe_repulsion(**rounded)}", soft_wrap=True)
        told = f"χ² = {fit.chi_square:.4g} for {fit.degrees:.4g} degrees of freedom"
        if isinstance(fit.spectrum, GaussianPeaks):
            console.print(told)
        else:
            assert fit.posterior is not None
            decided = f"; the data decide {fit.posterior.degrees:.2g} numbers of α²F, the rest"
            console.print(f"{told}{decided} is the prior's", soft_wrap=True)
            lines = ", ".join(f"{line:.3g}" for line in widths)
            wide = ", ".join(
                f"{width:.2g}" if np.isfinite(width) else "unresolved" for width in widths.values()
            )
            console.print(
                f"sharp lines at {lines} meV would appear {wide} meV wide; finer "
                "structure of α²F is the prior's",
                soft_wrap=True,
            )
        for remark in (*notes, *fit.remarks):
            console.print(remark, soft_wrap=True)
