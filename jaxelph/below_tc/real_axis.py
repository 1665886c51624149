r"""Δ(ω), Z(ω) and the density of states at real energies: the exact continuation.

With the imaginary axis solved (s_m = sin θ_m, c_m = cos θ_m) the retarded functions obey

    Z(ω)ω = ω + iπT Σ_m λ(ω-iω_m) c_m + iπ ∫dE α²F(ω-E) [N(ω-E) + f(-E)] E/√(E²-Δ²(E)),
    Z(ω)Δ(ω) = πT Σ_m [λ(ω-iω_m) - μ*] s_m + iπ ∫dE α²F(ω-E) [N(ω-E) + f(-E)] Δ(E)/√(E²-Δ²(E)),

α²F odd, the root's imaginary part positive: Marsiglio, Schossmann & Carbotte, PRB 37, 4965 (1988).
The normal metal's part of the first is its self-energy, in closed form; what is left of sum and
integral converges fast. The integral is a quadrature graded at the gap's edge, where its density
has inverse square roots, and smooth elsewhere because α²F is: of δ modes Δ(ω) is itself
singular at Δ0 + ω_k and its combinations, and no grid has it. NumPy: nothing here is traced.
"""

from typing import NamedTuple

import jax
import numpy as np
import scipy.interpolate
from jaxtyping import Array, Complex, Float

from ..checks import checked
from ..equilibrium import self_energy
from ..matsubara import Scalar
from ..spectrum import (
    DebyeSpectrum,
    EliashbergFunction,
    GaussianPeaks,
    TabulatedSpectrum,
    at_temperature,
    maximum_frequency,
)
from .condensate import condensate_basis
from .edge import gap_edge
from .gap import condensed, prepared

_ORDER = 12  # Gauss-Legendre points of a panel
_PANELS = 24  # of the range of the spectrum
_REACH = 6  # how many times the spectrum's top the grid ends above the gap


class RealAxis(NamedTuple):
    """Energies E > 0 (energy) with Δ(E) (energy), Z(E) and N(E)/ν0; and the grid's weights."""

    energies: Float[np.ndarray, " energy"]
    gap: Complex[np.ndarray, " energy"]
    renormalisation: Complex[np.ndarray, " energy"]
    density: Float[np.ndarray, " energy"]
    weights: Float[np.ndarray, " energy"] | None


@checked
def real_axis(
    spectrum: EliashbergFunction,
    temperature: Scalar,
    *,
    mu_star: Scalar = 0.1,
    omega_ph: Scalar | None = None,
    energies: Float[Array | np.ndarray, " energy"] | None = None,
    tolerance: float = 1e-10,
) -> RealAxis:
    r"""Gap, renormalisation and density of states at real energies.

    $N(E)/\nu_0 = \mathrm{Re}\,E/\sqrt{E^2-\Delta^2(E)}$.

    Args:
        spectrum: a smooth Eliashberg function: peaks, a Debye spectrum or a table.
        temperature (scalar, energy): T > 0.
        mu_star, omega_ph: see `superconducting_state`.
        energies (array of shape (energy,), energy): E > 0 wanted; by default the grid of the
            equations, whose quadrature weights come along.
        tolerance: where the iteration ends, relative.

    Returns:
        `RealAxis`.

    Raises:
        ValueError: the spectrum is made of δ modes; or see `superconducting_state`.

    Example:
        >>> from jaxelph import GaussianPeaks
        >>> found = real_axis(GaussianPeaks([1.0], [0.1], [1.0]), 0.0115, mu_star=0.0)
        >>> print(f"{found.density[found.energies < 0.23].max():.0e}"[:2])
        0.
    """
    if not spectrum.smooth:
        raise ValueError(
            "real_axis needs a smooth α²F, as GaussianPeaks or a table: of δ modes Δ(ω) is "
            "singular at Δ0 + ω_k; gap_edge serves them."
        )
    problem = prepared(spectrum, temperature, mu_star, None, omega_ph, "omega-ph", None)
    if energies is not None and np.any(np.asarray(energies) <= 0):
        raise ValueError("energies must be positive: Δ(-E) is the conjugate of Δ(E).")
    equations = _Equations(spectrum, problem)
    edge = float(gap_edge(spectrum, temperature, mu_star=mu_star, omega_ph=omega_ph))
    total, pair = equations.solve(edge, tolerance)
    if energies is None:
        points, weights = equations.node, equations.weight
    else:
        points, weights = np.asarray(energies, dtype=float), None
        total, pair = equations.at(points, total, pair)
    root = retarded_root(total, pair)
    return RealAxis(points, pair * points / total, total / points, np.real(total / root), weights)


def retarded_root(total, pair):
    """√(ω²Z² - Z²Δ²) with an imaginary part that is not negative."""
    root = np.sqrt(total**2 - pair**2 + 0j)
    return np.where(root.imag < 0, -root, root)


def coupling_density(spectrum: EliashbergFunction, omega: np.ndarray) -> np.ndarray:
    """α²F(ω)/ω at any ω ≥ 0, as the spectrum has it between its rows."""
    if isinstance(spectrum, TabulatedSpectrum):
        rows = np.asarray(spectrum.omega)
        values = np.asarray(spectrum.a2f) / rows
        return np.interp(omega, rows, values, left=0.0, right=0.0)
    if isinstance(spectrum, DebyeSpectrum):
        top = float(spectrum.cutoff)
        return np.where(omega < top, float(spectrum.coupling) * omega / top**2, 0.0)
    if isinstance(spectrum, GaussianPeaks):
        safe = np.where(omega > 0, omega, 1.0)
        values = np.asarray(spectrum.a2f(jax.numpy.asarray(safe.ravel()))).reshape(safe.shape)
        return np.where(omega > 0, values / safe, 0.0)
    raise ValueError(f"α²F of a {type(spectrum).__name__} is known at its nodes only.")


class _Equations:
    """The equations on a grid: what does not change in their iteration."""

    def __init__(self, spectrum, problem):
        self.spectrum = spectrum
        temperature = self.temperature = float(problem[2])
        omega, coupling = spectrum.coarse_modes()
        repulsion, basis = problem[3:]
        at, unknown = condensed(omega, coupling * omega / 2, problem[2], repulsion, basis)
        c = condensate_basis(basis)
        self.top = float(maximum_frequency(spectrum))
        if isinstance(spectrum, GaussianPeaks):
            self.top = float(np.max(spectrum.omega + 8 * spectrum.width))
        tail = float(at.pairing.strength * unknown[-1])
        t = c.even @ np.asarray(unknown[:-1]) + tail / c.node
        root = np.sqrt(1 + t**2)
        self.matsubara = 2 * np.pi * temperature * c.node
        self.sine = c.weight * t / root
        self.versine = c.weight * t**2 / (root * (1 + root))
        self.limit = 2 * np.pi * temperature * tail  # ZΔ at ω → ∞
        self.resolved = at_temperature(spectrum, temperature)
        nodes = self.resolved.modes()
        self.mode = np.asarray(nodes[0])
        self.area = np.asarray(nodes[0] * nodes[1]) / 2

    def solve(self, edge, tolerance):
        """Zω and ZΔ on a grid graded at the edge, which is corrected until it is where it is."""
        self.node, self.weight = _grid(edge, self.top)
        total = self.node * (1 + 0j)
        pair = np.full_like(total, max(edge, 1e-3 * self.top))
        for _ in range(4):
            source, plus, minus = self.parts(self.node)
            for _ in range(400):
                new = self.step(source, plus, minus, total, pair)
                change = max(np.max(abs(a - b)) for a, b in zip(new, (total, pair), strict=True))
                total, pair = new
                if change < tolerance * np.max(abs(pair)):
                    break
            found = _edge(self.node, (pair * self.node / total).real, edge)
            if abs(found - edge) < 1e-12 * edge:
                break
            old, edge = self.node, found
            self.node, self.weight = _grid(edge, self.top)
            total, pair = (scipy.interpolate.CubicSpline(old, x)(self.node) for x in (total, pair))
        return total, pair

    def at(self, points, total, pair):
        """The equations' right-hand sides at any points, the solution under the integrals."""
        source, plus, minus = self.parts(points)
        return self.step(source, plus, minus, total, pair)

    def step(self, source, plus, minus, total, pair):
        root = retarded_root(total, pair)
        normal, anomalous = total / root - 1, pair / root
        first = plus @ normal + minus @ normal.conj()
        second = plus @ anomalous - minus @ anomalous.conj()
        return source[0] + 1j * np.pi * first, source[1] + 1j * np.pi * second

    def parts(self, points):
        """Of Zω and ZΔ what the imaginary axis gives, and the kernels of the integrals."""
        t = self.temperature
        sine, versine = self.sums(points)
        normal = points - np.asarray(self_energy(self.resolved, t, points))
        source = normal + versine, sine + self.limit
        kernels = []
        for sign in (1, -1):
            x = points[:, None] - sign * self.node[None, :]
            occupied = 1 / (1 + np.exp(-sign * np.minimum(self.node / t, 700)))
            ratio = np.clip(x / t, -700, 700)
            small = abs(ratio) < 1e-8
            bose = np.where(small, t, x / np.expm1(np.where(small, 1.0, ratio)))
            density = coupling_density(self.spectrum, abs(x))
            kernels.append(density * (bose + x * occupied) * self.weight)
        return source, *kernels

    def sums(self, points):
        """The Matsubara sums: functions of ω_k ± ω, smooth on the scale of T, in a table."""
        t = self.temperature
        reach = np.max(self.mode) + np.max(points)
        # Even in y both: y ≥ 0 is enough. Finer where T is the scale, and not beyond need.
        y = t * np.sinh(np.linspace(0, np.arcsinh(reach / t), 1200))
        poles = 1 / (y[:, None] ** 2 + self.matsubara**2)
        even = scipy.interpolate.CubicSpline(y, poles @ (self.matsubara * self.versine))
        odd = scipy.interpolate.CubicSpline(y, poles @ self.sine)
        near = abs(self.mode[None, :] - points[:, None])
        signed = self.mode[None, :] - points[:, None]
        far = self.mode[None, :] + points[:, None]
        step = 2 * np.pi * t
        versine = step * (even(far) - even(near)) @ self.area
        sine = step * (signed * odd(near) + far * odd(far)) @ self.area
        return sine, versine


def _edge(node, gap, edge):
    """Where Re Δ(ω) = ω, from the nodes about it."""
    near = np.argsort(abs(node - edge))[:8]
    near = near[np.argsort(node[near])]
    x = (node[near] - edge) / edge
    fit = np.polynomial.Polynomial.fit(x, (gap[near] - node[near]) / edge, 4)
    root = 0.0
    for _ in range(20):
        root = root - fit(root) / fit.deriv()(root)
    return edge * (1 + float(np.clip(root, -0.1, 0.1)))


def _grid(edge, top):
    """Nodes and weights on (0, edge + _REACH top): panels, quadratic towards the edge."""
    point, weight = np.polynomial.legendre.leggauss(_ORDER)
    point, weight = (point + 1) / 2, weight / 2
    width = top / _PANELS
    nodes, weights = [], []
    if edge > 0:
        inner = int(np.ceil(edge / width)) + 1
        x = np.linspace(0, 1, inner + 1)
        # ω = edge (1 - u²), u from 1 to 0: dense at the edge.
        for low, high in zip(x[:-1], x[1:], strict=True):
            u = low + (high - low) * point
            nodes.append(edge * (1 - u**2))
            weights.append(edge * 2 * u * (high - low) * weight)
    # Above: one panel quadratic, the rest even.
    outer = np.linspace(0, 1, 3)
    for low, high in zip(outer[:-1], outer[1:], strict=True):
        u = low + (high - low) * point
        nodes.append(edge + 2 * width * u**2)
        weights.append(2 * width * 2 * u * (high - low) * weight)
    for k in range(2, _REACH * _PANELS):
        nodes.append(edge + width * (k + point))
        weights.append(width * weight)
    node, weight = np.concatenate(nodes), np.concatenate(weights)
    order = np.argsort(node)
    return node[order], weight[order]
