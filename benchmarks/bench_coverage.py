"""How often the error bars of a fit hold: coverage of the 68 % interval over draws of the noise.

C_el(T) and Σ(E) are made from calculated α²F, noise is added, and a table of 120 rows, not that of
the file, is fitted. Temperatures and energies are those that one would choose who knows ω_max and
no more: forty T from ω_max/300, far below any phonon, to ω_max/2, evenly in ln T; Σ at
ω_max/200, forty E up to 2ω_max. Noise is in units of the bare electrons' C_el and of max|Σ|.
Without noise errors of 1e-6 are stated. Run as

    python benchmarks/bench_coverage.py FOLDER

with the folder of the α²F files named below; those that are not there are left out.
"""

import sys
import warnings
from pathlib import Path

import jax.numpy as jnp
import numpy as np
from _common import Table

from jaxelph import (
    GaussianPeaks,
    TabulatedSpectrum,
    coupling_constant,
    example,
    log_frequency,
    maximum_frequency,
    read_a2f,
)
from jaxelph.inverse import (
    coupling_moment,
    fit_entropy,
    fit_linear,
    heat_design,
    noise_draws,
    peaks_a2f,
    self_energy_design,
)

FILES = {
    "Nb": ("isome__Nb__Nb.a2F", None),
    "Hg": ("xi__Hg__a2F_Hg_0GPa.txt", "meV"),
    "Pb": ("epw-v4-a2f__Pb-t04__pb.a2f.01", None),
    "MgB2": ("epw-v4-eliashberg__MgB2__MgB2.a2f", None),
    "Al": ("qe-alpha2fx__Al__aluminum.a2F.dat", None),
}
MOMENTS = ("lambda", "omega-log", "lambda-omega2")
KINDS = {"C_el": "heat", "Σ": "sigma"}
ROWS, DRAWS, ENTROPY_DRAWS, SEED = 120, 1000, 200, 20251
OTHERS = 300  # draws for all but Nb and Hg


def metals(folder: Path):
    """Files that are there, and two spectra made of peaks: one of lead's kind, and Table I's."""
    for name, (file, unit) in FILES.items():
        if (folder / file).exists():
            yield name, read_a2f(folder / file, unit=unit)
    omega = np.linspace(0.1, 13.0, 400)
    lead = GaussianPeaks([4.4, 8.5], [0.9, 0.5], [1.0, 0.5])
    yield "peaks", TabulatedSpectrum(omega, peaks_a2f(lead, jnp.asarray(omega)))
    modes = example("table1")
    broad = GaussianPeaks(modes.omega, 0.05 * modes.omega, modes.coupling)
    top = 1.2 * float(maximum_frequency(modes))
    omega = np.linspace(top / 400, top, 400)
    yield "Table I", TabulatedSpectrum(omega, peaks_a2f(broad, jnp.asarray(omega)))


class Measurement:
    """Data without noise, and how a table of α²F predicts them."""

    def __init__(self, metal, kind):
        a2f = np.asarray(metal.a2f)
        self.top = float(np.max(np.asarray(metal.omega)[a2f > 0]))
        self.kind = kind
        self.omega = np.linspace(1.02 * self.top / ROWS, 1.02 * self.top, ROWS)
        self.exact = self.predict(metal.omega) @ a2f
        self.design = self.predict(self.omega)
        self.scale = 1.0 if kind == "heat" else float(np.max(np.abs(self.exact)))
        self.a2f = np.interp(self.omega, np.asarray(metal.omega), a2f)
        self.truth = {
            "lambda": float(coupling_constant(metal)),
            "omega-log": float(log_frequency(metal)),
            "lambda-omega2": float(coupling_moment(metal)),
        }

    def predict(self, omega):
        if self.kind == "heat":
            temperatures = jnp.geomspace(self.top / 300, self.top / 2, 40)
            return np.asarray(heat_design(jnp.asarray(omega), temperatures))
        energies = self.top * jnp.linspace(0.025, 2.0, 40)
        parts = self_energy_design(jnp.asarray(omega), self.top / 200, energies)
        return np.vstack([np.asarray(part) for part in parts])

    def noise(self, level):
        return np.full(len(self.exact), level * self.scale)

    def line(self, a2f, band, moments):
        """Of each moment coverage and relative error; rms error of α²F, what its band covers."""
        miss = a2f - self.a2f
        rms = np.sqrt(np.mean(miss**2)) / np.max(self.a2f)
        pull = np.sqrt(np.mean(miss**2) / np.mean(band**2))
        told = ""
        for name in MOMENTS:
            value, error = moments[name]
            share = np.mean(np.abs(value - self.truth[name]) < error)
            told += f" {100 * share:5.1f} ({100 * np.median(error) / self.truth[name]:5.2f})"
        return f"{told}   {100 * rms:6.1f} {100 * np.mean(np.abs(miss) < band):6.0f} {pull:8.2f}"


def heading(table, title, count):
    table.say()
    table.say(f"{title}: % of {count} draws inside ±1σ, in brackets the median σ in %")
    table.say(
        f"{'':>8} {'data':>5} {'noise':>6} {'λ':>13} {'ω_log':>13} {'λ⟨ω²⟩':>13}"
        f"   {'α²F rms':>6} {'band':>5} {'pull':>6}"
    )


def smooth(table, cases):
    heading(table, "Gaussian process", f"{DRAWS} ({OTHERS} below Hg)")
    seed = SEED
    for name, label, m in cases:
        for level in (0.01, 0.05):
            seed += 1
            drawn = noise_draws(m.omega, m.design, m.exact, m.noise(level), draws=DRAWS, seed=seed)
            line = m.line(*drawn["a2f"], drawn)
            table.say(f"{name:>8} {label:>5} {100 * level:4.0f} % {line}")


def entropy(table, cases):
    heading(table, "maximum entropy", ENTROPY_DRAWS)
    rng = np.random.default_rng(SEED)
    for name, label, m in cases:
        if name not in ("Nb", "Hg"):
            continue
        for level in (0.01, 0.05):
            noise, found, failed = m.noise(level), [], 0
            for _ in range(ENTROPY_DRAWS):
                data = m.exact + noise * rng.normal(size=len(noise))
                try:
                    found.append(fit_entropy(m.omega, m.design, data, noise))
                except ValueError:
                    failed += 1
            moments = {
                key: tuple(np.array([fit.moments[key] for fit in found]).T) for key in MOMENTS
            }
            a2f = np.array([fit.a2f for fit in found])
            line = m.line(a2f, np.array([fit.error for fit in found]), moments)
            told = f"   {failed} did not converge" if failed else ""
            table.say(f"{name:>8} {label:>5} {100 * level:4.0f} % {line}{told}")


def noiseless(table, cases):
    table.say()
    table.say("without noise, errors of 1e-6 stated: (value - truth)/σ, in brackets σ in %")
    table.say(
        f"{'':>8} {'data':>5} {'λ':>18} {'ω_log':>18} {'λ⟨ω²⟩':>18}   {'α²F rms %':>9}"
        f" {'numbers':>8}"
    )
    for name, label, m in cases:
        fit = fit_linear(m.omega, m.design, m.exact, m.noise(1e-6))
        told = ""
        for key in MOMENTS:
            value, error = fit.moments[key]
            true = m.truth[key]
            told += f" {(value - true) / error:+6.2f} ({100 * error / true:9.5f})"
        rms = 100 * np.sqrt(np.mean((fit.a2f - m.a2f) ** 2)) / np.max(m.a2f)
        table.say(f"{name:>8} {label:>5}{told}   {rms:9.2f} {fit.degrees:8.1f}")


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    warnings.simplefilter("ignore")
    table = Table("coverage")
    cases = [
        (name, label, Measurement(metal, kind))
        for name, metal in metals(folder)
        for label, kind in KINDS.items()
    ]
    table.say(
        "68.3 % is nominal; of 1000 draws it scatters by 1.5 %, of 300 by 2.7 %, of 200 by 3.3 %."
    )
    table.say(
        "α²F: rms error in % of its maximum, % of its points inside the band, rms error over band"
    )
    smooth(table, cases)
    entropy(table, cases)
    noiseless(table, cases)
    table.write()


if __name__ == "__main__":
    main()
