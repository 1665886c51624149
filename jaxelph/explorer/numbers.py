r"""What a state says: the numbers of the page, by the functions that every other command calls.

Compiled functions of fixed shapes, side by side. The one is the normal metal's,

    min Z0⁻¹, C_el, the margin m and ∂m/∂λ_q,        λ_c = λ/(1 - m) by each criterion,

the other the superconductor's, T_c, ∂T_c/∂λ_q and 2Δ0/T_c. Of nodes λ_q at ω_q the derivatives
give δQ/δα²F(ω_q) = (2/ω_q) ∂Q/∂λ_q, and by the chain rule those by peaks.

What makes a move quick is that κ, Z0⁻¹ - 1 and C_el - 1 are linear in λ_q at nodes that stay where
they are: their matrices are computed once for T. And a spectrum that is only multiplied by s has
m(s) = 1 + s [m(1) - 1].
"""

import dataclasses
import functools
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..electrons.weight import inverse_quasiparticle_weight, minimum_weight
from ..grids.convolution import FoldedConvolution
from ..grids.energies import EnergyGrid
from ..grids.kernels import coupling_kernel, minimum_weight_on_grid, weight_on_grid
from ..grids.refined import RefinedGrid
from ..inverse.sensitivities.derivatives import check_size
from ..numerics.blas import one_blas_thread
from ..numerics.precision import check_precision
from ..numerics.special import heat_function
from ..spectra.moments import coupling_constant, log_frequency, phonon_edge, rms_frequency
from ..spectra.peaks import GaussianPeaks
from ..spectra.spectrum import EinsteinModes, EliashbergFunction
from ..spectra.table import QuadratureNodes
from ..stability.critical import CRITERIA
from ..stability.margin import softest_mode
from ..stability.pencil import refined_form_of, stability_pencil
from ..superconductivity.edge import gap_ratio
from ..superconductivity.transition import check_repulsion, transition_temperature
from ..thermodynamics.specific_heat import specific_heat_ratio
from ..units import KELVIN
from .nodes import (
    Nodes,
    Room,
    couplings_of,
    nodes_of_spectrum,
    padded,
    peak_quadrature,
    pulled_back,
)
from .state import State, spectrum_of, stretched

#: Temperatures of the curve C_el(T), over the top of the axis.
CURVE = np.geomspace(0.005, 1.0, 48)


@dataclasses.dataclass(frozen=True, eq=False)
class Numbers:
    """What follows from a state. Temperatures in K, energies in meV.

    Args:
        state: of which they are.
        coupling: λ.
        omega_log, omega_2 (meV): ω_log and ω̄₂.
        omega_ph (meV): what μ* refers to.
        tc (K): T_c by "eliashberg", "allen_dynes" and "mcmillan".
        gap_ratio: 2Δ0/T_c, NaN without superconductivity.
        margins: by criterion, at the state's temperature.
        critical: λ_c by criterion; inf where there is none.
        weight_energy (meV): where Z0⁻¹ is least.
        energies (array of shape (energy,), meV): E of
        inverse_weight (array of shape (energy,)): Z0⁻¹(E).
        temperatures (array of shape (temperature,), K): of
        specific_heat (array of shape (temperature,)): C_el over that of bare electrons.
        frequencies (array of shape (frequency,), meV): of
        by_tc (array of shape (frequency,), K/meV): δT_c/δα²F at fixed ω_ph.
        by_margin (array of shape (frequency,), 1/meV): δmargin/δα²F.
        slopes (arrays of shape (peak, 3)): of ln T_c and of the margin by (ω_p, w_p, λ_p); of a
            spectrum that is scaled by ln s, of shape ().
    """

    state: State
    coupling: float
    omega_log: float
    omega_2: float
    omega_ph: float
    tc: dict[str, float]
    gap_ratio: float
    margins: dict[str, float]
    critical: dict[str, float]
    weight_energy: float
    energies: np.ndarray
    inverse_weight: np.ndarray
    temperatures: np.ndarray
    specific_heat: np.ndarray
    frequencies: np.ndarray
    by_tc: np.ndarray
    by_margin: np.ndarray
    slopes: tuple[np.ndarray, np.ndarray]


class Model:
    """From states to numbers, for one spectrum and one convention of μ*.

    Args:
        base: the spectrum that is scaled, and where the page begins.
        omega_ph, cutoff (meV), mu_star_at: of T_c, see `transition_temperature`.

    Example:
        >>> from jaxelph import example
        >>> from jaxelph.explorer.state import state_of
        >>> metal = example("lead")
        >>> found = Model(metal).numbers(state_of(metal, 8.0, 0.1))
        >>> print(f"{found.coupling:.4f} {found.tc['eliashberg']:.3f} K")
        1.5500 7.353 K
    """

    def __init__(
        self,
        base: EliashbergFunction,
        *,
        omega_ph: float | None = None,
        cutoff: float | None = None,
        mu_star_at: str = "omega-ph",
    ):
        check_precision()
        self.base = base
        self.omega_ph, self.cutoff, self.mu_star_at = omega_ph, cutoff, mu_star_at
        self._rows, self._edge = base.rows(), float(phonon_edge(base))
        self._room = Room()
        self._known: set = set()  # shapes that something was computed with
        self._kept: tuple[Any, dict] = None, {}
        self._response: tuple[Any, Any] = None, None

    @property
    def options(self) -> dict:
        """Those of T_c, for functions that take a spectrum."""
        return {
            "omega_ph": self.omega_ph,
            "cutoff": self.cutoff,
            "mu_star_at": self.mu_star_at,
        }

    def spectrum(self, state: State) -> EliashbergFunction:
        """The Eliashberg function of a state, in meV."""
        return spectrum_of(state, self.base)

    def needs_compiling(self, state: State) -> bool:
        """Whether a state has a shape that nothing was computed with."""
        return self._shape(self._nodes(state)[0]) not in self._known

    @staticmethod
    def _shape(nodes: Nodes):
        return nodes.omega.size, nodes.size, nodes.smooth

    def _nodes(self, state):
        """Nodes, and for peaks ω_q's weights."""
        temperature = KELVIN * state.temperature
        if state.peaks is None:
            found = nodes_of_spectrum(self.spectrum(state), temperature, self._room)
            return found, None
        omega, weight, top, step, size = peak_quadrature(state, temperature, self._room)
        coupling = np.asarray(couplings_of(padded(state.peaks), omega, weight))
        shown = np.flatnonzero(weight > 0)
        shown = shown[:: -(-shown.size // 200)]
        return Nodes(omega, coupling, shown, True, top, step, size), weight

    def numbers(self, state: State) -> Numbers:
        """All numbers of a state.

        Raises:
            ValueError: there is no coupling, T is too low for a dense grid, or the options of T_c
                cannot be meant for this spectrum.
        """
        spectrum = self.spectrum(state)
        check_repulsion(spectrum, state.mu_star, self.cutoff, self.omega_ph, self.mu_star_at)
        check_size(spectrum, KELVIN * state.temperature, kelvin=True)
        nodes, weight = self._nodes(state)
        self._room = Room(nodes.omega.size, nodes.size)
        moments = self._moments(state)
        omega_ph = moments["omega_ph"] if self.omega_ph is None else self.omega_ph
        temperatures = CURVE * 1.2 * nodes.top
        # BLAS's threads spin while they wait, and cost more here than they save.
        with one_blas_thread(), ThreadPoolExecutor(1) as pool:  # both parts side by side
            later = pool.submit(
                _paired,
                nodes.omega,
                nodes.coupling,
                np.float64(state.mu_star),
                np.float64(omega_ph),
                None if self.cutoff is None else np.float64(self.cutoff),
                self.mu_star_at,
            )
            normal = self._normal(state, nodes, temperatures)
            paired = jax.device_get(later.result())
        self._known.add(self._shape(nodes))
        coupling = moments["coupling"]
        margins = {name: float(normal[name]) for name in CRITERIA}
        tc = {
            "eliashberg": float(paired["tc"]) / KELVIN,
            **{
                name: float(
                    transition_temperature(self._rows_of(state), state.mu_star, method=name)
                )
                / KELVIN
                for name in ("allen_dynes", "mcmillan")
            },
        }
        by_node = np.stack([paired["by_tc"] / KELVIN, normal["by_margin"]])
        at = nodes.omega[nodes.shown]
        return Numbers(
            state=state,
            coupling=coupling,
            omega_log=moments["omega_log"],
            omega_2=moments["omega_2"],
            omega_ph=float(omega_ph),
            tc=tc,
            gap_ratio=float(paired["gap_ratio"]) if tc["eliashberg"] > 0 else np.nan,
            margins=margins,
            critical={
                name: coupling / (1 - value) if value < 1 else np.inf
                for name, value in margins.items()
            },
            weight_energy=float(normal["energy"]),
            energies=normal["energies"],
            inverse_weight=normal["inverse_weight"],
            temperatures=temperatures / KELVIN,
            specific_heat=normal["curve"],
            frequencies=at,
            by_tc=2 * by_node[0][nodes.shown] / at,
            by_margin=2 * by_node[1][nodes.shown] / at,
            slopes=self._slopes(state, nodes, weight, by_node, tc["eliashberg"]),
        )

    def _normal(self, state, nodes, temperatures):
        """The normal metal's numbers; what does not depend on the factor is kept."""
        temperature, step = np.float64(KELVIN * state.temperature), np.float64(nodes.step)
        scaled = state.peaks is None
        key = (state.temperature, state.stretch, nodes.size)
        if scaled and key == self._kept[0]:
            return _strengthened(self._kept[1], state.factor)
        coupling = nodes.coupling / state.factor if scaled else nodes.coupling
        if nodes.smooth:
            at = (nodes.omega.tobytes(), nodes.step, nodes.size)
            if at != self._response[0]:
                found = _response(nodes.omega, step, temperatures, nodes.size)
                self._response = at, found
            found = _normal_smooth(
                nodes.omega, coupling, self._response[1], temperature, step, nodes.size
            )
        else:
            found = _normal_discrete(
                nodes.omega, coupling, temperature, step, temperatures, nodes.size
            )
        found = jax.device_get(found)
        if not scaled:
            return found
        self._kept = key, found
        return _strengthened(found, state.factor)

    def _rows_of(self, state):
        if state.peaks is not None:
            return GaussianPeaks(*padded(state.peaks))
        return stretched_rows(self._rows, state)

    def _moments(self, state):
        found = {k: float(x) for k, x in _moments(self._rows_of(state)).items()}
        if state.peaks is None:  # of the table itself, whose α²F is linear between rows
            found["omega_ph"] = self._edge * state.stretch
        return found

    def _slopes(self, state, nodes, weight, by_node, tc):
        """See `Numbers.slopes`."""
        by_node = by_node / np.array([[tc if tc > 0 else np.inf], [1.0]])
        if state.peaks is None:
            return by_node[0] @ nodes.coupling, by_node[1] @ nodes.coupling
        by = pulled_back(padded(state.peaks), nodes.omega, weight, by_node)
        count = len(state.peaks)
        tc, margin = (np.stack([np.asarray(x)[k, :count] for x in by], axis=1) for k in range(2))
        return tc, margin


def stretched_rows(rows: EliashbergFunction, state: State) -> EliashbergFunction:
    """The rows of a spectrum that is scaled: moments are those of the rows.

    Args:
        rows: of the spectrum itself, `EliashbergFunction.rows`.
        state: with its factor and its stretch.
    """
    if isinstance(rows, QuadratureNodes):
        return QuadratureNodes(rows.omega * state.stretch, rows.coupling * state.factor)
    return stretched(rows, state.stretch).scaled(state.factor)


def _strengthened(found: dict, factor: float) -> dict:
    """The normal metal's numbers with α²F multiplied by a factor: 1 + s·(number)."""
    linear = ("kinetic", "weight", "heat", "inverse_weight", "curve")
    return found | {name: 1 + factor * (found[name] - 1) for name in linear}


@jax.jit
def _moments(spectrum):
    return {
        "coupling": coupling_constant(spectrum),
        "omega_log": log_frequency(spectrum),
        "omega_2": rms_frequency(spectrum),
        "omega_ph": phonon_edge(spectrum),
    }


class Response(NamedTuple):
    """What nodes of λ_q = 1 do, each by itself."""

    kernel: Float[Array, "node n"]  # `coupling_kernel` on the grid,
    fine: Float[Array, "node fine"]  # on that of half the step,
    heat: Float[Array, "node temperature"]  # and ξ(T)


@functools.partial(jax.jit, static_argnames="size")
def _response(omega, step, temperatures, size):
    grid = EnergyGrid(step, size)
    fine = EnergyGrid(0.5 * step, 2 * size)  # `RefinedGrid.half_step`

    def one(omega):
        mode = EinsteinModes(omega[None], jnp.ones(1))
        heat = heat_function(omega / (2 * jnp.pi * temperatures))
        return Response(coupling_kernel(mode, grid), coupling_kernel(mode, fine), heat)

    return jax.lax.map(one, omega, batch_size=64)


@functools.partial(jax.jit, static_argnames="size")
def _normal_smooth(omega, coupling, response, temperature, step, size):
    """The normal metal at T; of a smooth α²F the margin's grid is a `RefinedGrid`."""
    base = EnergyGrid(step, size)
    spectrum = QuadratureNodes(omega, coupling)
    exchange = FoldedConvolution(coupling @ response.kernel)
    values = weight_on_grid(exchange, temperature, base)
    weight, energy = minimum_weight(spectrum, temperature, base.energies, values)
    refined = RefinedGrid.around(spectrum, temperature, base, centre=energy)

    def margin(coupling):
        kernels = coupling @ response.kernel, coupling @ response.fine
        form = refined_form_of(kernels, temperature, refined)
        return softest_mode(form)[0], (form.energies, form.weight)

    (value, curve), slopes = jax.value_and_grad(margin, has_aux=True)(coupling)
    return _told(spectrum, temperature, value, slopes, weight, energy, *curve) | {
        "curve": 1 - coupling @ response.heat,
    }


@functools.partial(jax.jit, static_argnames="size")
def _normal_discrete(omega, coupling, temperature, step, temperatures, size):
    """The normal metal at T; of δ modes the margin belongs to a grid with the least Z0⁻¹ on it."""
    spectrum, grid = EinsteinModes(omega, coupling), EnergyGrid(step, size)
    weight, energy = minimum_weight_on_grid(spectrum, temperature, grid)
    aligned = grid.aligned(energy)

    def margin(coupling):
        form = stability_pencil(EinsteinModes(omega, coupling), temperature, aligned)
        return softest_mode(form)[0], (form.energies, form.weight)

    (value, curve), slopes = jax.value_and_grad(margin, has_aux=True)(coupling)
    return _told(spectrum, temperature, value, slopes, weight, energy, *curve) | {
        "curve": jax.vmap(lambda t: specific_heat_ratio(spectrum, t))(temperatures),
    }


def _told(spectrum, temperature, value, slopes, weight, energy, energies, curve):
    first = inverse_quasiparticle_weight(spectrum, temperature, jnp.zeros(()))
    return {
        "kinetic": value,
        "by_margin": slopes,
        "weight": weight,
        "energy": energy,
        "energies": jnp.append(0.0, energies),
        "inverse_weight": jnp.append(first, curve),
        "heat": specific_heat_ratio(spectrum, temperature),
    }


@functools.partial(jax.jit, static_argnames="mu_star_at")
def _paired(omega, coupling, mu_star, omega_ph, cutoff, mu_star_at):
    options = {
        "mu_star": mu_star,
        "omega_ph": omega_ph,
        "cutoff": cutoff,
        "mu_star_at": mu_star_at,
    }

    def transition(coupling):
        return transition_temperature(QuadratureNodes(omega, coupling), **options)

    value, slopes = jax.value_and_grad(transition)(coupling)
    ratio = gap_ratio(QuadratureNodes(omega, coupling), **options)
    return {"tc": value, "by_tc": slopes, "gap_ratio": ratio}
