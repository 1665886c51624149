"""How often the error bars hold of fits to what people measure: ρ(T), 1/τ(Ω), a tunnel junction.

Data are made from calculated α²F on its own rows, noise is added, and a table of 80 rows, not that
of the file, is fitted; ρ0 and impurities are fitted along, of a junction μ* and Γ, whose priors are
drawn about the true 0.12 and T/15. Points are those that one would choose who knows ω_max and no
more, but that a junction is measured below Tc/2. Noise is a share of each ρ, of the largest 1/τ, of
the normal junction's dI/dV; without it the errors of the smallest noise are stated. Curved kinds
are linearised about the truth. Run as

    python benchmarks/bench_kinds.py FOLDER [KEPT]

with the folder of the α²F files named in bench_coverage.py; those that are not there are left out.
What was computed is kept in the folder KEPT, where a run that was ended goes on from.
"""

import json
import sys
import warnings
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from _common import Table
from bench_coverage import FILES

from jaxelph import (
    GaussianPeaks,
    TabulatedSpectrum,
    coupling_constant,
    log_frequency,
    read_a2f,
    transition_temperature,
)
from jaxelph.inverse import coupling_moment, made_data
from jaxelph.inverse.fit.coverage import coverage_draws
from jaxelph.inverse.fit.functionals import LEANING, UNCERTAIN

ROWS, DRAWS, SEED = 80, 300, 20263
MU_STAR = 0.12
KINDS = ("resistivity", "tunnelling", "optical")
# The usual noise first; 0 is what a fit to data without noise is off by.
LEVELS = (0.01, 0.001, 0.05, 0.0)
LEAST = 1e-3
NUMBERS = ("lambda", "omega-log", "lambda-omega2", "mu_star", "tc")


def metals(folder: Path):
    """Files that are there, and three spectra that the prior does not expect."""
    for name, (file, unit) in FILES.items():
        if name != "Al" and (folder / file).exists():
            yield name, read_a2f(folder / file, unit=unit)
    w = np.linspace(0.05, 30.0, 600)
    lines = GaussianPeaks([9.0, 24.0], [0.3, 0.4], [0.6, 0.4])
    yield "lines", TabulatedSpectrum(w, lines.a2f(jnp.asarray(w)))
    yield (
        "step",
        TabulatedSpectrum(w, np.where(w > 12, 0.5, 0.05) * np.minimum(w / 3, 1) ** 2 * (w < 28)),
    )
    yield "edge", TabulatedSpectrum(w, 0.6 * (w / 25) ** 2 * (w < 25))


def measured(kind, metal, top, level):
    """Data of a kind; ρ0 is a fiftieth of the largest ρ."""
    if kind == "resistivity":
        at = np.geomspace(top / 60, top, 40)
        most = float(np.max(made_data(kind, metal, at, level, plasma=9.0).values))
        return made_data(kind, metal, at, level, plasma=9.0, offset=0.02 * most)
    if kind == "optical":
        at = np.linspace(0.05, 4.0, 60) * top
        return made_data(kind, metal, at, level, temperature=top / 60, fit_background=True)
    at = np.linspace(0.02, 1.6, 100) * top
    return made_data(kind, metal, at, level, temperature=junction(metal, top), top=1.02 * top)


def junction(metal, top) -> float:
    """The temperature of a junction."""
    return min(top / 80, float(transition_temperature(metal, MU_STAR)) / 2)


def tabulated(metal, omega) -> np.ndarray:
    """α²F on even rows, each the mean under its hat, so that λ is what it was.

    Values at the rows alone miss narrow peaks: of MgB2 with 80 rows λ is 2.6 % more, of Pb 5 %
    less, and data linearised there are of another metal.
    """
    fine = np.linspace(0.0, omega[-1] + omega[0], 100 * len(omega))
    a2f = np.interp(fine, np.asarray(metal.omega), np.asarray(metal.a2f), right=0.0)
    hats = np.maximum(0.0, 1 - np.abs(fine[None, :] - omega[:, None]) / omega[0])
    return np.trapezoid(hats * a2f, fine, axis=1) / np.trapezoid(hats, fine, axis=1)


class Share(NamedTuple):
    """Of a number: inside ±1σ in this share of draws, median σ over it, share called undecided."""

    covered: float
    size: float
    undecided: float
    pull: float  # the median of (value - truth)/σ


class Case(NamedTuple):
    """Of each number its shares; of α²F the rms error over its maximum, and what the band holds."""

    shares: dict[str, Share]
    rms: float
    band: float


def case(kind, metal, level, seed, draws=DRAWS) -> Case:
    """Draws of the noise about one measurement; without draws the data as they are."""
    a2f = np.asarray(metal.a2f)
    top = float(np.max(np.asarray(metal.omega)[a2f > 1e-3 * a2f.max()]))
    omega = 1.02 * top * np.arange(1, ROWS + 1) / ROWS
    table = tabulated(metal, omega)
    truth = {
        "lambda": float(coupling_constant(metal)),
        "omega-log": float(log_frequency(metal)),
        "lambda-omega2": float(coupling_moment(metal)),
    }
    along, slopes = {}, {}
    if kind == "tunnelling":
        along = {"mu_star": MU_STAR, "broadening": junction(metal, top) / 15}

        def critical(a2f, log):
            return transition_temperature(TabulatedSpectrum(omega, a2f), jnp.exp(log))

        value, (by_a2f, by_log) = jax.value_and_grad(critical, argnums=(0, 1))(
            jnp.asarray(table), jnp.log(MU_STAR)
        )
        slopes = {"tc": (float(value), np.asarray(by_a2f), np.array([float(by_log), 0.0]))}
        truth |= {"mu_star": MU_STAR, "tc": float(transition_temperature(metal, MU_STAR))}
    data = measured(kind, metal, top, level)
    drawn = coverage_draws(
        data, metal, omega, table, truth=along, slopes=slopes, draws=draws, seed=seed
    )
    shares = {}
    for name, true in truth.items():
        value, error = drawn.numbers[name]
        shares[name] = Share(
            float(np.mean(np.abs(value - true) < error)),
            float(np.median(error)) / true,
            float(np.mean(~(error < UNCERTAIN * value) | (drawn.leaning[name] > LEANING))),
            float(np.median((value - true) / error)),
        )
    miss = drawn.a2f - table
    rms = float(np.sqrt(np.mean(miss**2)) / np.max(table))
    return Case(shares, rms, float(np.mean(np.abs(miss) < drawn.error)))


def kept(folder: Path | None, name: str, *args) -> Case:
    """The case, from the folder where it is there."""
    if folder is None:
        return case(*args)
    file = folder / f"{name}.json"
    if not file.exists():
        shares, rms, band = case(*args)
        told = {key: one._asdict() for key, one in shares.items()}
        file.write_text(json.dumps({"shares": told, "rms": rms, "band": band}))
    told = json.loads(file.read_text())
    shares = {key: Share(**one) for key, one in told["shares"].items()}
    return Case(shares, told["rms"], told["band"])


def line(found: Case, level: float) -> str:
    told = f"{100 * found.rms:7.1f} {100 * found.band:4.0f}"
    for name in NUMBERS:
        if name in found.shares:
            one = found.shares[name]
            first = f"{100 * one.covered:6.1f}" if level else f"{one.pull:+6.2f}"
            told += f"{first} ({100 * one.size:6.2f}){'*' if one.undecided > 0.5 else ' '}"
    return told


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    keep = Path(sys.argv[2]) if len(sys.argv) > 2 else None
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore")
    table = Table("kinds")
    every = dict(metals(folder))
    table.say(f"68.3 % is nominal; of {DRAWS} draws it scatters by 2.7 %.")
    table.say(f"% of {DRAWS} draws inside ±1σ, in brackets the median σ in %; * where most draws")
    table.say(f"call the number undecided (σ above {100 * UNCERTAIN:g} % of it, or the bias that")
    table.say(f"the prior expects above {LEANING:g} of the scatter by noise)")
    table.say("α²F: rms error in % of its maximum, % of its points inside the band")
    table.say(f"noise 0: (value - truth)/σ with errors of {100 * LEAST:g} % stated")
    table.say()
    heads = "".join(f"{head:>16}" for head in ("λ", "ω_log", "λ⟨ω²⟩", "μ*", "Tc"))
    table.say(f"{'':>8} {'data':>11} {'noise':>7} {'α²F rms':>8} {'band':>4}{heads}")
    cases = [(level, kind) for level in LEVELS for kind in KINDS]
    for place, (level, kind) in enumerate(cases):
        for number, (name, metal) in enumerate(every.items()):
            draws = DRAWS if level else 0
            seed = SEED + 10 * place + number
            which = f"{name}-{kind}-{level:g}"
            found = kept(keep, which, kind, metal, level or LEAST, seed, draws)
            table.say(f"{name:>8} {kind:>11} {100 * level:5.2g} % {line(found, level)}")
            table.write()


if __name__ == "__main__":
    main()
