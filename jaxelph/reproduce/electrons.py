"""Collisions among electrons: Supplement Eqs. (25)-(28), and what they do to the modes."""

from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..electrons.occupations import fermi, thermal_window
from ..grids.energies import EnergyGrid
from ..kinetics.collisions import ElectronCollisions, disordered_kernel
from ..presentation.finishing import finish
from ..presentation.plotting import BLUE, GREEN, GREY, ORANGE, STYLE, canvas
from ..spectra.peaks import GaussianPeaks
from ..spectra.spectrum import EinsteinModes
from ..stability.modes import pencil_modes
from ..stability.pencil import stability_pencil
from ..stability.rates import two_temperature_rate
from .result import Reproduction, Table

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

_PEAK, _T0 = GaussianPeaks([1.0], [0.1], [1.0]), 0.25
_GRID = EnergyGrid(0.1, 90)
_CONDUCTORS = {1: "wire, |ω|^-3/2", 2: "film, |ω|^-1", 3: "bulk, |ω|^-1/2"}
#: Strengths of P, in units in which M^ee and M^ep are equal on the diagonal at E = T0.
_STRENGTHS = np.concatenate([[0.0], np.geomspace(1e-2, 1e3, 26)])
_BEYOND = 3.5  # a coupling beyond the critical one
_SHOWN = 4
_DRAWN = [0, 14, 21]  # strengths


def compute(progress) -> Reproduction:
    """M^ee in closed form and by differentiation, its conservation laws, the rates with it."""
    import xarray as xr

    kernels = {d: disordered_kernel(_GRID, 1.0, d) for d in _CONDUCTORS}
    identities = tuple((_CONDUCTORS[d], *_identities(p)) for d, p in kernels.items())
    progress(1, 3)
    pencil = stability_pencil(_PEAK, _T0, _GRID)
    at = int(np.argmin(np.abs(np.asarray(_GRID.energies) - _T0)))
    unit = {}
    for d, kernel in kernels.items():
        matrix = _linearised(kernel)
        unit[d] = matrix * float(pencil.diagonal_M[at] / matrix[at, at])
    found = {d: _modes(1.0, matrix) for d, matrix in unit.items()}
    slowest = np.stack([_slowest_first(rates) for rates, _ in found.values()])
    thermal = float(two_temperature_rate(_PEAK, _T0))
    progress(2, 3)
    shapes, overlap = _slowest_shapes(*found[3])
    unstable = _modes(_BEYOND, unit[3])[0]
    ladder = _ladders(kernels[3])
    progress(3, 3)
    data = xr.Dataset(
        {
            "rate": (
                ("dimension", "strength", "rank"),
                np.pi * slowest[:, :, :_SHOWN],
                {"long_name": "decay rates, unscaled time", "units": "omega"},
            ),
            "mode": (
                ("shown_strength", "energy"),
                shapes,
                {"long_name": "slowest mode δf, norm 1", "units": "1"},
            ),
        },
        coords={
            "dimension": list(_CONDUCTORS),
            "strength": ("strength", _STRENGTHS, {"long_name": "M^ee/M^ep at E = T0"}),
            "shown_strength": _STRENGTHS[_DRAWN],
            "energy": ("energy", np.asarray(_GRID.energies), {"units": "omega"}),
        },
        attrs={"two_temperature_rate": np.pi * thermal, "temperature": _T0, "coupling": 1.0},
    )
    few = [0, *range(1, 27, 5)]
    return Reproduction(
        name="electron-electron",
        title="Supplement Eqs. (25)-(28): collisions among the electrons of a dirty conductor",
        comparisons=(),
        tables=(
            Table(
                "M^ee at T0 = 0.25 ω, 90 energies; each number over the largest of its kind",
                (
                    "P(ω)", "closed form − autodiff", "asymmetry", "two least eigenvalues", "",
                    "M^ee·E", "∫E I_ee dE", "I_ee[f0(T)]",
                ),
                ("", ".0e", ".0e", ".0e", ".0e", ".0e", ".0e", ".0e"),
                identities,
            ),
            Table(
                "Slowest decay πγ₁/ω over that of two temperatures, λ = 1",
                ("M^ee/M^ep at T0", *_CONDUCTORS.values(), "slowest δf · E f0', bulk"),
                (".3g", ".8f", ".8f", ".8f", ".8f"),
                tuple(
                    (float(_STRENGTHS[k]), *(slowest[:, k, 0] / thermal), float(overlap[k]))
                    for k in few
                ),
            ),
            Table(
                f"Beyond the threshold, λ = {_BEYOND}: collisions stabilise nothing",
                ("M^ee/M^ep at T0", "growing modes", "slowest growth πγ/ω"),
                (".3g", "d", ".6f"),
                tuple(
                    (
                        float(_STRENGTHS[k]),
                        int(np.sum(unstable[k] < 0)),
                        float(np.pi * np.max(unstable[k][unstable[k] < 0])),
                    )
                    for k in few
                ),
            ),
            Table(
                "One Einstein mode, ω = 10 ε: modes that never decay",
                ("collisions", "πγ = 0", "slowest other πγ/ω"),
                ("", "d", ".6f"),
                ladder,
            ),
        ),
        remarks=(
            "M^ee is symmetric and positive, and E is its only null vector: electrons among "
            "themselves keep their number, which is an even function's business, and their "
            "energy, to the last digit on this grid, at any f; a Fermi function of any "
            "temperature is at rest.",
            "The stronger the collisions, the more the slowest mode is a change of temperature, "
            "and its rate rises to the closed form of two temperatures, Allen's, which is its "
            "upper bound. A is not touched: the critical coupling and the number of growing modes "
            "stay what they are.",
            "One Einstein mode keeps the particle number of every ladder E + nω, so that f does "
            "not come back to f0(T0). Collisions among electrons lift that.",
        ),
        dataset=data,
        plot=plot,
    )  # fmt: skip


@jax.jit
def _linearised(kernel):
    return ElectronCollisions(_GRID, kernel).linearised(_T0)


@jax.jit
def _derivative(kernel):
    return ElectronCollisions(_GRID, kernel).jacobian(fermi(_GRID.energies, _T0))


@jax.jit
def _collide(kernel, several):
    return jax.vmap(ElectronCollisions(_GRID, kernel).integral)(several)


def _identities(kernel):
    """How well (25)-(28) hold on the grid for one P(ω); all over the largest of the kind."""
    energies = np.asarray(_GRID.energies)
    matrix, derivative = np.asarray(_linearised(kernel)), -np.asarray(_derivative(kernel))
    h = np.asarray(thermal_window(energies, _T0))
    # In the space of δf = h ψ no division by the exponentially small h is needed.
    distance = np.abs(h[:, None] * matrix - derivative * h[None, :]).max()
    values = np.linalg.eigvalsh(matrix)
    null = matrix @ (h * energies)
    # Half the electrons cold, half hot, with a bump on top: far from any temperature.
    cold, hot = (np.asarray(fermi(energies, t)) for t in (0.1, 0.6))
    far = 0.5 * (cold + hot) + 0.05 * np.exp(-((energies - 2) ** 2))
    integral, *at_rest = np.asarray(_collide(kernel, np.stack([far, cold, hot])))
    flow = energies * integral
    return (
        distance / np.abs(derivative * h).max(),
        np.abs(matrix - matrix.T).max() / matrix.max(),
        values[0] / values[-1],
        values[1] / values[-1],
        np.abs(null).max() / np.abs(matrix @ h).max(),
        abs(flow.sum()) / np.abs(flow).sum(),
        np.abs(at_rest).max() / np.abs(integral).max(),
    )


@jax.jit
def _modes_by_strength(coupling, electrons):
    bare = stability_pencil(_PEAK.scaled(coupling), _T0, _GRID)

    def modes(strength):
        found = pencil_modes(
            eqx.tree_at(
                lambda p: p.electrons, bare, strength * electrons, is_leaf=lambda x: x is None
            )
        )
        return found.rates, found.vectors

    return jax.lax.map(modes, jnp.asarray(_STRENGTHS))


def _modes(coupling: float, electrons) -> tuple[np.ndarray, np.ndarray]:
    """All γ and ψ against the strength of M^ee."""
    rates, vectors = _modes_by_strength(jnp.asarray(coupling), electrons)
    return np.asarray(rates), np.asarray(vectors)


def _slowest_first(rates: np.ndarray) -> np.ndarray:
    return np.sort(np.where(rates > 0, rates, np.inf), axis=1)


def _slowest_shapes(rates, vectors):
    """δf of the slowest mode at three strengths, and its overlap with E f0' at all."""
    h = np.asarray(thermal_window(_GRID.energies, _T0))
    thermal = h * np.asarray(_GRID.energies)
    thermal /= np.linalg.norm(thermal)
    first = np.argmin(np.where(rates > 0, rates, np.inf), axis=1)
    psi = vectors[np.arange(len(first)), :, first]
    psi /= np.linalg.norm(psi, axis=1, keepdims=True)
    overlap = psi @ thermal
    psi *= np.sign(overlap)[:, None]
    return (h * psi)[_DRAWN], np.abs(overlap)


def _ladders(kernel):
    mode = EinsteinModes([1.0], [1.0])
    electrons = 0.1 * _linearised(kernel)
    rows = []
    for name, matrix in (("phonons", None), ("phonons and electrons", electrons)):
        rates = np.asarray(pencil_modes(stability_pencil(mode, _T0, _GRID, electrons=matrix)).rates)
        still = np.abs(rates) < 1e-9
        rows.append((name, int(still.sum()), float(np.pi * rates[~still].min())))
    return tuple(rows)


def plot(data: "xr.Dataset", ax: Any = None) -> "Figure":
    """The slowest rates against the strength of M^ee, and the slowest mode itself."""
    from matplotlib import rc_context
    from scipy.interpolate import PchipInterpolator

    with rc_context(STYLE):
        drawn = canvas(ax, 1, 2, (7.2, 3.0))
        left, right = drawn.panels
        thermal = data.attrs["two_temperature_rate"]
        strength = data["strength"].values[1:]
        # Rates are powers of the strength at both ends: splines of the logarithms.
        dense = np.geomspace(strength[0], strength[-1], 301)

        def smooth(rates):
            curve = PchipInterpolator(np.log(strength), np.log(rates / thermal))
            return np.exp(curve(np.log(dense)))

        for d, sample, colour, line in (
            (1, "wire", BLUE, "--"), (2, "film", GREEN, "-."), (3, "bulk", ORANGE, "-"),
        ):  # fmt: skip
            one = data["rate"].sel(dimension=d)[1:]
            left.plot(
                dense, smooth(one[:, 0]), line, color=colour,
                label=f"slowest, {sample}, $d = {d}$",
            )  # fmt: skip
        for rank in range(1, data.sizes["rank"]):
            left.plot(
                dense, smooth(data["rate"].sel(dimension=3)[1:, rank]), ":", color=ORANGE,
                linewidth=1, label="next modes, bulk" if rank == 1 else None,
            )  # fmt: skip
        left.axhline(1, color=GREY, linewidth=0.7)
        left.set(
            xscale="log", yscale="log", ylim=(0.03, 6), xlabel=r"$M^{ee}/M^{ep}$ at $E = T_0$",
            ylabel=r"rate / two-temperature rate, $\gamma/\gamma_T$",
        )  # fmt: skip
        left.legend()
        energies = data["energy"].values
        fine = np.linspace(0, 3, 301)
        odd = np.sinc((fine[:, None] - energies) / energies[0])
        odd -= np.sinc((fine[:, None] + energies) / energies[0])
        for k, colour, line in ((0, BLUE, "--"), (1, GREEN, "-."), (2, ORANGE, "-")):
            mode = odd @ data["mode"].values[k]
            right.plot(
                fine, mode / np.abs(mode).max(), line, color=colour,
                label=rf"$M^{{ee}}/M^{{ep}} = {float(data['shown_strength'][k]):.3g}$",
            )  # fmt: skip
        thermal_shape = fine / np.cosh(fine / (2 * data.attrs["temperature"])) ** 2
        right.plot(
            fine[::20], (thermal_shape / thermal_shape.max())[::20], "o", color=GREY,
            markerfacecolor="none", label=r"$-E\,f_0'$, a change of $T$",
        )  # fmt: skip
        right.axhline(0, color=GREY, linewidth=0.7)
        right.set(xlim=(0, 3), xlabel=r"energy $E/\omega$", ylabel=r"slowest mode $\delta f$")
        right.legend()
        finish(drawn, ("disordered metals of dimension $d$", "bulk, $d = 3$"))
    return drawn.root
