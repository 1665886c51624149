"""`jaxelph plan`: where to measure, before a measurement."""

from pathlib import Path
from typing import Annotated

import typer

from ._inputs import (
    Column,
    Convention,
    Example,
    File,
    Json,
    Layout,
    MuStar,
    OmegaPh,
    Unit,
    check_temperature,
    read_spectrum,
)

# Noise of a good measurement of each kind, if nothing is said.
_POINTS = 60


def command(
    kind: Annotated[
        str,
        typer.Option(
            help="heat (C_el/C_bare), self-energy, weight, gap, resistivity, optical or tunnelling."
        ),
    ],
    between: Annotated[
        str, typer.Option(help="The range: lowest:highest temperature in K, or energy in meV.")
    ],
    file: File = None,
    example: Example = None,
    target: Annotated[
        str, typer.Option(help="lambda, omega-log, lambda-omega2, tc, or a2f: all of α²F(ω).")
    ] = "lambda",
    points: Annotated[
        int, typer.Option(help="Between the ends, evenly in T or E, or in ln T over a decade.")
    ] = _POINTS,
    noise: Annotated[
        str,
        typer.Option(
            help="Error of each with equal shares of the time, in % of the value, no less than a "
            "thousandth of that of the largest; of self-energy, optical and gap of the largest, of "
            "tunnelling of 1."
        ),
    ] = "1%",
    temperature: Annotated[
        float | None,
        typer.Option("--temperature", "-T", help="In K: of self-energy, weight, optics, junction."),
    ] = None,
    plasma: Annotated[
        str | None, typer.Option(help="ħω_p in eV of resistivity, or with its error as 9.1:0.4.")
    ] = None,
    offset: Annotated[
        float, typer.Option(help="ρ0 in µΩcm or 1/τ of impurities in meV that the sample has.")
    ] = 0.0,
    mu_star: MuStar = 0.1,
    mu_star_error: Annotated[
        float | None, typer.Option(help="μ* is fitted along, known before to this.")
    ] = None,
    omega_ph: OmegaPh = None,
    unit: Unit = None,
    column: Column = None,
    layout: Layout = None,
    convention: Convention = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder for plan.png, .pdf and .nc.")
    ] = None,
    json: Json = False,
) -> None:
    """Say which temperatures or energies decide λ, ω_log or α²F(ω) best, with which noise.

    FILE is the spectrum that is expected: of a calculation, or of a metal alike.
    """
    import numpy as np

    from ...inverse.data.made import SHARE_OF, made_data
    from ...inverse.data.table import with_error
    from ...inverse.plan.optimum import plan
    from ...presentation.files import check_folder, result_writers, write_all
    from ...presentation.terminal import deliver, progress_bar
    from ...superconductivity.coulomb import check_coulomb
    from ...units import KELVIN

    check_coulomb(mu_star, omega_ph)
    by_temperature = kind in ("heat", "gap", "resistivity")
    known = [name for name in SHARE_OF if name != "total heat"]
    missing = []
    if kind not in known:
        raise ValueError(f"--kind {kind!r} cannot be planned; use one of {', '.join(known)}.")
    if not by_temperature and temperature is None:
        missing.append(f"--kind {kind} needs --temperature in K")
    if kind == "resistivity" and plasma is None:
        missing.append("--kind resistivity needs --plasma, ħω_p in eV, 9.1 or 9.1:0.4")
    if missing:
        raise ValueError("; ".join(missing) + ".")
    for option, given, kinds in (
        ("--temperature", temperature is not None, set(known) - {"heat", "gap", "resistivity"}),
        ("--plasma", plasma is not None, {"resistivity"}),
        ("--offset", offset != 0, {"resistivity", "optical"}),
        ("--mu-star-error", mu_star_error is not None, {"gap", "tunnelling"}),
    ):
        if given and kind not in kinds:
            raise ValueError(f"{option} says nothing of a plan for {kind}; leave it out.")
    low, high = _ends(between)
    if not 3 <= points <= 1000:
        raise ValueError(f"--points must be from 3 to 1000, got {points}.")
    level = _level(noise)
    if temperature is not None:
        check_temperature(temperature, "--temperature")
    if output is not None:
        check_folder(output)
    at = np.linspace(low, high, points)
    if by_temperature and high > 10 * low:
        at = np.geomspace(low, high, points)
    options: dict = {"offset": offset}
    if kind in ("gap", "tunnelling"):
        options |= {"mu_star": mu_star, "omega_ph": omega_ph}
        if mu_star_error is not None:
            options["mu_star_spread"] = mu_star_error / mu_star
    if kind == "resistivity":
        pair = with_error("--plasma", plasma)
        assert pair is not None
        options |= {"plasma": pair[0], "plasma_spread": pair[1] / pair[0] or None}
    if kind == "optical":
        options["fit_background"] = True
    name, spectrum = read_spectrum(
        file, example, unit=unit, column=column, format=layout, convention=convention
    )
    with progress_bar(f"planning for {name}"):
        cold = None if temperature is None else temperature * KELVIN
        made = made_data(
            kind,
            spectrum,
            at * KELVIN if by_temperature else at,
            level,
            temperature=cold,
            **options,
        )
        found = plan(spectrum, made, target, mu_star=mu_star, omega_ph=omega_ph, name=name)

    def save(folder):
        writers = result_writers("plan", found.plot(), found.to_xarray())
        return write_all(folder, writers).values()

    deliver(lambda: _show(found, name, level, json), save, output)


def _show(found, name, level, json) -> None:
    from rich.table import Table

    from ...inverse.fit.output import MOMENTS
    from ...presentation.files import json_text
    from ...presentation.terminal import number, print_json, print_table, results

    if json:
        errors = {"before": found.before, "equal": found.equal, "optimal": found.optimal}
        told = {
            "spectrum": name,
            "kind": found.kind,
            "target": found.target,
            "points": found.points.tolist(),
            "units": found.units,
            "share": found.share.tolist(),
            "numbers": {
                key: {
                    "unit": MOMENTS[key][2] or "1",
                    "expected": MOMENTS[key][1] * value,
                    **{when: MOMENTS[key][1] * of[key] for when, of in errors.items()},
                }
                for key, value in found.values.items()
            },
            "factor_of_errors": found.factors.tolist(),
            "target_error_equal": found.target_equal.tolist(),
            "target_error_optimal": found.target_optimal.tolist(),
            "decided_below_factor": found.decided_below,
        }
        print_json(json_text(told, indent=None))
        return
    table = Table(box=None, pad_edge=False)
    for head in ("quantity", "expected", "unit", "± before", "± equal shares", "± this plan"):
        table.add_column(head)
    for key, value in found.values.items():
        label, factor, unit = MOMENTS[key]
        errors = [factor * of[key] for of in (found.before, found.equal, found.optimal)]
        table.add_row(label, number(factor * value), unit, *map(number, errors))
    console = results()
    print_table(console, table)
    parts = [
        f"{100 * share:.0f} % at {first:.4g}" + (f"–{last:.4g}" if last > first else "")
        for first, last, share in found.clusters
    ]
    console.print(
        f"for {found.target}, of the measuring time: {', '.join(parts)} {found.units}",
        soft_wrap=True,
    )
    limit = found.decided_below
    if limit is not None:
        percent = 100 * level * limit
        if limit == 0:
            told = "these data do not decide it at any noise looked at"
        elif limit == float("inf"):
            told = f"it is decided even with errors of {100 * level * found.factors[-1]:.3g} %"
        else:
            told = f"it is decided by errors of up to {percent:.2g} % (equal shares)"
        console.print(told, soft_wrap=True)


def _ends(text: str) -> tuple[float, float]:
    import math

    try:
        low, high = (float(part) for part in text.split(":"))
    except ValueError:
        raise ValueError(f"--between {text!r} is not lowest:highest, 4:300 say.") from None
    if not 0 < low < high < math.inf:
        raise ValueError(f"--between {text!r}: 0 < lowest < highest is needed.")
    return low, high


def _level(text: str) -> float:
    import math

    try:
        level = float(text.strip().rstrip("%")) * (0.01 if "%" in text else 1.0)
    except ValueError:
        level = math.nan
    if not 0 < level < 1:
        raise ValueError(f"--noise {text!r} is not a share, 1% or 0.01 say, above 0 and below 1.")
    return level
