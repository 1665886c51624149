r"""Δ(ω) and Z(ω) off the imaginary axis: the exact continuation, and its derivatives.

With the imaginary axis solved (s_m = sin θ_m, c_m = cos θ_m, see `condensate`) the retarded
functions obey, on every line ω = E + iη with 0 ≤ η < πT,

    Z(ω)ω = ω + iπT Σ_m λ(ω-iω_m) c_m + iπ ∫dx α²F(x) [N(x) + f(x-ω)] n(ω-x),   n = ω/√(ω²-Δ²),
    Z(ω)Δ(ω) = πT Σ_m [λ(ω-iω_m) - μ*] s_m + iπ ∫dx α²F(x) [N(x) + f(x-ω)] p(ω-x),   p = Δ/√(ω²-Δ²),

α²F odd, the root's imaginary part positive: Marsiglio, Schossmann & Carbotte, PRB 37, 4965 (1988).
The normal metal's part of the first, c_m = sgn ω_m and n = 1, is its self-energy, in closed form;
the rest of the sum converges fast.

The unknowns are Zω and ZΔ at the nodes of `real_grid`, and on the real axis the edge e that these
are graded about, Re Δ(e) = e. The equations are iterated as they stand, which converges in some
twenty steps because electrons lose energy to phonons; derivatives are implicit ones, by GMRES. They
belong to nodes that move with the edge: at those that stayed there would be none.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.sparse.linalg import gmres
from jaxtyping import Array, Complex, Float

from ..electrons.self_energy import self_energy
from ..numerics.special import polygamma
from ..spectra.spectrum import EliashbergFunction, Scalar
from ..spectra.sums import sum_over_modes
from .condensate import Metal, condensate_basis
from .line_sums import line_sums
from .matsubara import MatsubaraBasis
from .phonon_kernels import kernels, occupied
from .real_grid import Panels, graded_panels

_STEPS = 400  # of the iteration
_RTOL = 1e-13
_REGRIDS = 8
# Without an edge the grid is about this share of the spectrum's top.
_NO_EDGE = 0.05


class Plan(NamedTuple):
    """How many panels there are, which is fixed before anything is computed."""

    levels: int  # see `real_grid.graded_panels`
    inner: int
    outer: int  # panels of equal width up to `reach`, or pieces of each interval of a table's rows
    by_rows: bool
    reach: float  # in units of the top
    on_axis: bool  # whether η is known to be 0
    jump: bool  # see `real_grid.graded_panels`


class Condensate(NamedTuple):
    """sin θ and 1 - cos θ on the Matsubara axis, with the weights of sums over n ≥ 0."""

    frequency: Float[Array, " node"]
    sine: Float[Array, " node"]
    versine: Float[Array, " node"]
    limit: Float[Array, ""]  # ZΔ at ω → ∞


class Problem(NamedTuple):
    """What the continuation starts from."""

    spectrum: EliashbergFunction
    top: Float[Array, ""]  # of the spectrum
    temperature: Float[Array, ""]
    height: Float[Array, ""]  # η
    condensate: Condensate
    guess: Float[Array, ""]  # of the edge, 0 in the normal state


class Solution(NamedTuple):
    """On the nodes of a grid; `miss` is what Re Δ(e) = e lacks, relative."""

    edge: Float[Array, ""]
    total: Complex[Array, " node"]  # Zω
    pair: Complex[Array, " node"]  # ZΔ
    miss: Float[Array, ""]


def condensate_of(
    basis: MatsubaraBasis, metal: Metal, unknown: Float[Array, " unknown"], temperature: Scalar
) -> Condensate:
    """Of what `gap.condensed` finds."""
    c, step = condensate_basis(basis), 2 * jnp.pi * jnp.asarray(temperature)
    tail = metal.pairing.strength * unknown[-1]
    t = jnp.asarray(c.even) @ unknown[:-1] + tail / jnp.asarray(c.node)
    root, weight = jnp.sqrt(1 + t**2), jnp.asarray(c.weight)
    return Condensate(
        step * jnp.asarray(c.node),
        weight * t / root,
        weight * t**2 / (root * (1 + root)),
        step * tail,
    )


def panels_of(plan: Plan, problem: Problem, edge: Float[Array, ""]) -> Panels:
    """The panels of an edge."""
    if plan.by_rows:
        rows = jnp.append(0.0, problem.spectrum.omega)  # pyright: ignore
        part = jnp.asarray((np.arange(plan.outer) + 1) / plan.outer)
        offsets = (rows[:-1, None] + jnp.diff(rows)[:, None] * part[None, :]).ravel()
    else:
        offsets = plan.reach * problem.top * jnp.asarray((np.arange(plan.outer) + 1) / plan.outer)
    return graded_panels(edge, offsets, plan.levels, plan.inner, plan.jump)


class Parts(NamedTuple):
    """Of Zω and ZΔ at some energies what the imaginary axis gives, and the integrals' matrices."""

    total: Complex[Array, " output"]
    pair: Complex[Array, " output"]
    above: Complex[Array, "output node"]  # for functions at E
    below: Complex[Array, "output node"]  # for those at -E


def parts(
    plan: Plan, problem: Problem, edge: Float[Array, ""], outputs: Float[Array, " output"]
) -> Parts:
    """What does not change in the iteration.

    Args:
        plan, problem: see these.
        edge (scalar, energy): of the grid.
        outputs (array of shape (output,), energy): E of the energies E + iη.
    """
    panels, t = panels_of(plan, problem, edge), problem.temperature
    c, spectrum = problem.condensate, problem.spectrum
    total, pair = line_sums(spectrum, t, problem.height, (c.frequency, c.sine, c.versine), outputs)
    total = total + outputs + 1j * problem.height - _normal(plan, problem, outputs)
    found = kernels(spectrum, t, panels, outputs)
    f = occupied(panels.nodes(), problem.height, t)
    matrix = 1j * jnp.pi * (found.boson + found.phonon * f[:, None, :])
    return Parts(total, pair + c.limit, matrix[0], matrix[1])


def _normal(plan, problem, outputs):
    """The normal metal's Σ(E + iη)."""
    t, eta = problem.temperature, problem.height
    if plan.on_axis:
        return self_energy(problem.spectrum, t, outputs)

    def term(omega, coupling):
        def psi(x):
            return polygamma(0, 0.5 + (eta - 1j * x) / (2 * jnp.pi * t))

        phonons = 1j * jnp.pi / jnp.tanh(omega / (2 * t))
        return coupling * omega / 2 * (psi(outputs - omega) - psi(outputs + omega) - phonons)

    return sum_over_modes(term, problem.spectrum)


def retarded_root(total, pair):
    """√(Z²ω² - Z²Δ²) at Re ω > 0, where it lies in the first quadrant."""
    root = jnp.sqrt(total**2 - pair**2)
    # By its distance from both axes: rounding may put it beyond either.
    root = jnp.where(root.real + root.imag < 0, -root, root)
    return jnp.where(pair == 0, total, root)


def step(at: Parts, total, pair):
    """The equations' right-hand sides for Zω and ZΔ at the nodes."""
    root = retarded_root(total, pair)
    normal, anomalous = total / root - 1, pair / root
    return (
        at.total + at.above @ normal + at.below @ normal.conj(),
        at.pair + at.above @ anomalous - at.below @ anomalous.conj(),
    )


def _with_edge(plan, problem, edge):
    """`Parts` at the nodes and, last, at the edge."""
    return parts(plan, problem, edge, jnp.append(panels_of(plan, problem, edge).nodes(), edge))


def _at_edge(problem, edge, total, pair):
    return (pair[-1] / total[-1] * (edge + 1j * problem.height)).real


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def continued(plan: Plan, problem: Problem) -> Solution:
    """Zω and ZΔ that solve the equations, on the grid of their own edge."""
    pinned = (problem.guess == 0) | (problem.height > 0)
    edge = jnp.where(problem.guess == 0, _NO_EDGE * problem.top, problem.guess)
    nodes = panels_of(plan, problem, edge).nodes()

    def settle(at, total, pair):
        def body(state):
            total, pair, _, count = state
            new = step(at, total, pair)
            size = jnp.max(jnp.abs(jnp.stack([new[0][:-1] - total, new[1][:-1] - pair])))
            return new[0][:-1], new[1][:-1], size, count + 1

        def unfinished(state):
            return (state[2] > _RTOL * problem.top) & (state[3] < _STEPS)

        return jax.lax.while_loop(unfinished, body, (total, pair, jnp.inf, 0))

    def regrid(state):
        edge, move, total, pair, _, count = state
        edge = edge + move
        at = _with_edge(plan, problem, edge)
        total, pair, left, _ = settle(at, total, pair)
        last = step(at, total, pair)
        excess = _at_edge(problem, edge, *last) - edge
        # How Re Δ rises there: across the panels furthest from the edge.
        e = panels_of(plan, problem, edge).nodes()
        gap = (pair / total * e).real
        below = jnp.argmax(e > 0.9 * edge)
        above = jnp.argmax(e > edge * 1.02)
        slope = (gap[above] - gap[below]) / (e[above] - e[below])
        move = excess / jnp.clip(1 - slope, 0.5, 2.0)
        move = jnp.clip(move, -0.3 * edge, 0.3 * edge)
        sound = left < 1e-9 * problem.top
        total, pair = (jnp.where(sound, x, jnp.nan) for x in (total, pair))
        return edge, jnp.where(pinned, 0.0, move), total, pair, move / edge, count + 1

    def unfinished(state):
        edge, move, *_, count = state
        return (count == 0) | ((jnp.abs(move) > 1e-11 * edge) & (count < _REGRIDS))

    start = (edge, jnp.zeros_like(edge), nodes + 0j, jnp.full(nodes.shape, problem.guess + 0j))
    edge, _, total, pair, miss, _ = jax.lax.while_loop(
        unfinished, regrid, (*start, jnp.zeros_like(edge), 0)
    )
    return Solution(edge, total, pair, jnp.where(pinned, 1.0, jnp.abs(miss)))


def has_edge(solution: Solution) -> Float[Array, ""]:
    """Whether there is an energy with Re Δ(e) = e, and the grid is about it."""
    return solution.miss < 1e-8


@continued.defjvp
def _continued_jvp(plan, primals, tangents):
    (problem,) = primals
    solution = continued(plan, problem)
    edge, total, pair, _ = jax.lax.stop_gradient(solution)
    found = has_edge(solution)

    def rest(problem, edge):
        at = _with_edge(plan, problem, edge)
        return _rest(at, edge, total, pair)

    def _rest(at, edge, total, pair):
        new = step(at, total, pair)
        lack = jnp.where(
            found, _at_edge(problem, edge, *new) - edge, jax.lax.stop_gradient(edge) - edge
        )
        return packed(lack, new[0][:-1] - total, new[1][:-1] - pair)

    def packed(edge, total, pair):
        return jnp.concatenate([edge[None], total.real, total.imag, pair.real, pair.imag])

    def unpacked(x):
        a, b, c, d = jnp.split(x[1:], 4)
        return x[0], a + 1j * b, c + 1j * d

    _, change = jax.jvp(lambda p: rest(p, edge), primals, tangents)
    at = _with_edge(plan, problem, edge)
    _, column = jax.jvp(lambda e: rest(problem, e), (edge,), (jnp.ones_like(edge),))
    _, linear = jax.linearize(lambda x, y: _rest(at, edge, x, y), total, pair)

    def product(x):
        moved, one, other = unpacked(x)
        return linear(one, other) + moved * column

    def solver(matvec, right):
        return gmres(matvec, right, tol=1e-13, restart=60, maxiter=6)[0]

    answer = jax.lax.custom_linear_solve(product, -change, solver, solver)
    moved = Solution(*unpacked(answer), jnp.zeros_like(solution.miss))
    return solution, moved
