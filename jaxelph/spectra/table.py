"""α²F as electron-phonon codes print it: a table, and its quadrature nodes."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float

from ..numerics.checks import refuse
from ..numerics.quadrature import trapezoid_weights
from .description import counted, line
from .panels import (
    ORDER,
    WIDTH,
    bucket,
    cumulative_integral,
    geometric_edges,
    panel_nodes,
    panels_below,
    thermal_edges,
    widest_panel,
)
from .provenance import Provenance
from .spectrum import EliashbergFunction, as_vector, check_shapes, concrete_vector


class TabulatedSpectrum(EliashbergFunction):
    r"""α²F on a table of frequencies, as electron-phonon codes print it.

    Between table points the density of coupling 2α²F(ω)/ω is linear. λ, ω_log and the moments are
    the trapezoidal sums over the table, as the codes that write tables have them; Tc by the
    Eliashberg equation and the specific heat are those of the linear density, integrated
    exactly. Where electron energies come in, the nodes are the rows unless panels are given, as
    functions do that know their temperature: see `at_temperature`. Below the first row and above
    the last α²F is taken as 0, whatever it is in these rows: nothing is continued to ω = 0.
    Where α²F does not vanish in the first row, going on as ω² would add α²F(ω₁) to λ, and as ω
    twice that; see `unresolved_coupling`.

    Args:
        omega (array of shape (row,), energy): ascending frequencies, all > 0.
        a2f (array of shape (row,)): α²F at these frequencies, dimensionless.
        panels (array of shape (edge,)): edges of the quadrature's panels as fractions of the
            range, see `resolved`; without them the rows are the nodes.
        provenance: where the table came from, set by `read_a2f`. It belongs to this object and
            is not part of the pytree: a compiled function, which is the same for all files,
            neither sees it nor hands it on.

    Raises:
        ValueError: shapes differ, frequencies that are not positive and ascending, or a number
            that is not finite.

    Example:
        >>> from jaxelph import coupling_constant
        >>> w = np.linspace(0.01, 10.0, 1000)
        >>> s = TabulatedSpectrum(w, 0.5 * (w / 10) ** 2)
        >>> print(f"{coupling_constant(s):.5f}")
        0.50000
    """

    omega: Float[Array, " row"] = eqx.field(converter=as_vector)
    a2f: Float[Array, " row"] = eqx.field(converter=as_vector)
    panels: Float[Array, " edge"] | None

    def __init__(self, omega, a2f, panels=None, provenance: Provenance | None = None):
        self.omega, self.a2f, self.panels = as_vector(omega), as_vector(a2f), panels
        if provenance is not None:
            # No field: those are what `jit` hands on, from the first file to all others.
            object.__setattr__(self, "_provenance", provenance)

    def __check_init__(self):
        check_shapes("TabulatedSpectrum", omega=self.omega, a2f=self.a2f)
        if self.omega.shape[0] < 2:
            raise ValueError("TabulatedSpectrum needs at least two rows.")
        refuse("TabulatedSpectrum: omega", self.omega, positive=True, ascending=True)
        refuse("TabulatedSpectrum: a2f", self.a2f)

    @property
    def provenance(self) -> Provenance | None:
        """Where the table came from; None for one that was computed."""
        return self.__dict__.get("_provenance")

    @property
    def _density(self):
        return 2 * self.a2f / self.omega

    def modes(self):
        if self.panels is None:
            return self.moment_modes()
        edges = self.omega[0] * (1 - self.panels) + self.omega[-1] * self.panels
        return _panel_nodes(self.omega, self._density, edges)

    def moment_modes(self):
        return self.omega, self._density * trapezoid_weights(self.omega)

    def rows(self):
        omega = np.asarray(self.omega)
        coupling = 2 * np.asarray(self.a2f) / omega * trapezoid_weights(omega)
        return QuadratureNodes(omega, coupling).padded(ORDER * bucket(-(-omega.size // ORDER)))

    def lengthened(self):
        rows = self.omega.shape[0]
        more = (0, bucket(rows) - rows)
        known = not isinstance(self.omega, Tracer) and not isinstance(self.a2f, Tracer)
        xp = np if known else jnp  # NumPy compiles nothing
        omega, a2f = xp.asarray(self.omega), xp.asarray(self.a2f)
        padded = xp.pad(omega, more, mode="edge"), xp.pad(a2f, more)
        # Rows that repeat are refused in tables made by people.
        return eqx.tree_at(lambda table: (table.omega, table.a2f), self, padded)

    def coarse_modes(self):
        return _panel_nodes(self.omega, self._density, geometric_edges(self.omega))

    def carriers(self):
        return self.omega, self.a2f

    def cumulative(self, omega):
        return cumulative_integral(self.omega, self._density, omega)

    def area_quantile(self, share):
        # α²F is linear between rows, so that rows put in between change nothing.
        omega, a2f = self.omega, self.a2f
        width = jnp.diff(omega)
        below = jnp.append(0.0, jnp.cumsum(width * (a2f[:-1] + a2f[1:]) / 2))
        exists = below[-1] > 0
        k = jnp.argmax(below[1:] >= share * below[-1])
        first, step = a2f[k], jnp.where(exists, width[k], 1.0)
        rest = share * below[-1] - below[k]
        # first·x + bend·x²/2 = rest, with α²F(x)² under the root.
        bend = (a2f[k + 1] - first) / step
        square = first**2 + 2 * bend * rest
        last = jnp.sqrt(jnp.where(exists & (square > 0), square, 1.0))
        x = 2 * rest / jnp.where(first + last > 0, first + last, 1.0)
        steep = (first < 0) & (bend > 0)
        x = jnp.where(steep, (last - first) / jnp.where(steep, bend, 1.0), x)
        return jnp.where(exists, omega[k] + jnp.minimum(x, step), 0.0)

    def ramp_integral(self, omega):
        # Of what is cubic between rows two of Gauss's nodes are exact.
        ends = jnp.minimum(self.omega[None, :], omega[:, None])
        middle, half = (ends[:, 1:] + ends[:, :-1]) / 2, (ends[:, 1:] - ends[:, :-1]) / 2
        slope = (jnp.diff(self._density) / jnp.diff(self.omega))[None, :]
        total = jnp.zeros_like(omega)
        for node in (-(3**-0.5), 3**-0.5):
            x = middle + node * half
            density = self._density[None, :-1] + slope * (x - self.omega[None, :-1])
            total += jnp.sum(half * (omega[:, None] - x) * density * x / 2, axis=1)
        return total

    def scaled(self, factor):
        return TabulatedSpectrum(self.omega, self.a2f * factor, self.panels)

    def _in_numbers(self):
        omega, a2f = concrete_vector(self.omega), concrete_vector(self.a2f)
        if omega.ndim != 1 or omega.shape != a2f.shape:
            return None
        if not (np.all(np.isfinite(omega)) and np.all(omega > 0)):
            return None
        nodes = omega, 2 * a2f / omega * trapezoid_weights(omega)
        unit = "" if self.provenance is None else "meV"
        return line("TabulatedSpectrum", nodes, unit, counted(omega.size, "row"))

    def resolved(self, spacing, *, everywhere: bool = False):
        """The same table with panels of nodes no further apart than about `spacing`.

        Rows finer than that are merged and rows coarser resolved, both exactly: see `panels`.
        Stretches where α²F is zero get a few nodes only, unless `everywhere` is set:
        derivatives by their rows need more. ω has to be concrete; so has α²F, or it is taken
        as not zero. A table that is resolved better already returns itself.

        Args:
            spacing (scalar, energy): how far apart.
            everywhere: also where α²F is zero.

        Raises:
            ValueError: more nodes would be needed than can be worked with.
        """
        omega = np.asarray(self.omega)
        carries = self._carries(everywhere)
        if self.panels is not None and not isinstance(self.panels, Tracer):
            edges = omega[0] * (1 - (f := np.asarray(self.panels))) + omega[-1] * f
            if widest_panel(omega, carries, edges) <= 1.001 * WIDTH * spacing:
                return self
        edges = thermal_edges(omega, carries, spacing)
        fractions = (edges - omega[0]) / (omega[-1] - omega[0])
        fractions[-1] = 1.0
        padding = bucket(len(edges) - 1) - (len(edges) - 1)
        with jax.ensure_compile_time_eval():
            panels = jnp.asarray(np.append(fractions, np.ones(padding)))
        return TabulatedSpectrum(self.omega, self.a2f, panels, self.provenance)

    def _carries(self, everywhere=False):
        if everywhere or isinstance(self.a2f, Tracer):
            return np.ones(self.omega.shape[0] - 1, dtype=bool)
        carries = np.asarray(self.a2f) != 0
        return carries[1:] | carries[:-1]

    def sampled(self, spacing=None):
        omega, a2f, carries = np.asarray(self.omega), np.asarray(self.a2f), self._carries()
        used = np.flatnonzero(carries)
        if used.size:  # rows of zeros beside the coupling decide nothing
            first, last = used[0], used[-1]
            omega, a2f = omega[first : last + 2], a2f[first : last + 2]
            carries = carries[first : last + 1]
        edges, spare = geometric_edges(omega), 0
        if spacing is not None:
            edges, spare = thermal_edges(omega, carries, spacing), panels_below(omega)
        node, coupling = panel_nodes(omega, 2 * a2f / omega, edges)
        held = np.repeat(np.any(coupling.reshape(-1, ORDER) != 0, axis=1), ORDER)
        if not np.any(held):
            held[:ORDER] = True
        found = QuadratureNodes(node[held], coupling[held])
        return found.padded(ORDER * bucket(int(np.sum(held)) // ORDER + spare))


_panel_nodes = jax.jit(panel_nodes)


class QuadratureNodes(EliashbergFunction):
    """A smooth α²F of which only the quadrature nodes are kept; see `EliashbergFunction.sampled`.

    Args:
        omega (array of shape (node,), energy): nodes ω_q > 0.
        coupling (array of shape (node,)): their weights λ_q.
    """

    omega: Float[Array, " node"] = eqx.field(converter=as_vector)
    coupling: Float[Array, " node"] = eqx.field(converter=as_vector)

    def modes(self):
        return self.omega, self.coupling

    def scaled(self, factor):
        return QuadratureNodes(self.omega, self.coupling * factor)

    def _in_numbers(self):
        nodes = concrete_vector(self.omega), concrete_vector(self.coupling)
        return line("QuadratureNodes", nodes, "", counted(nodes[0].size, "node"))

    def padded(self, count: int) -> "QuadratureNodes":
        """With nodes that carry no coupling up to `count` in all."""
        more = (0, count - self.omega.shape[0])
        omega, coupling = np.asarray(self.omega), np.asarray(self.coupling)
        return QuadratureNodes(np.pad(omega, more, mode="edge"), np.pad(coupling, more))
