r"""Collision integrals of the kinetic equation, and what they become when linearised.

The electron distribution is particle-hole symmetric, f(-E) = 1 - f(E), and is given on
E = ε…Lε. Time is rescaled, t → πt.
"""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import scipy.special
from jaxtyping import Array, Float
from scipy.fft import next_fast_len

from ..electrons.occupations import fermi, thermal_window
from ..electrons.self_energy import scattering_rate
from ..grids.convolution import FoldedConvolution
from ..grids.energies import EnergyGrid
from ..grids.kernels import collision_kernels
from ..numerics.checks import checked
from ..numerics.typed import jit
from ..spectra.spectrum import EliashbergFunction, Scalar
from ..stability.dissipation import PhononDissipation

# Collisions between electrons are sums over all transfers up to so many energies: then what flows
# where f is exponentially small is right to the last digit of itself. Beyond it Fourier
# transforms are faster, and right to the last digit of the largest flow.
_BY_PRODUCTS = 400


class PhononCollisions(eqx.Module):
    r"""Electron-phonon collisions with phonons in equilibrium at T0, Supplement Eq. (30):

    $$I[f] = \sum_k\lambda_k\omega_k[N_k(f_++f_--2f) - f(f_+-f_-) + f_+ - f], \qquad
      f_\pm = f(E\pm\omega_k).$$

    With δ = f - f0(T0) it is I = -hM̃h⁻¹δ - δ(o*δ), exactly zero at δ = 0: the linear part is
    the pencil's `PhononDissipation`, so that no grid makes grow in time what the linear theory
    does not, and what is left is one product. Without matrices hM̃h⁻¹δ = Γδ - c*δ + (f0 - ½)(o*δ),
    where Γ is taken between the points of the grid as well, and c and o are the kernels of
    `grid.collision_kernels`.

    Made by `at`; `deviation` is δ (array of shape (energy,)).

    Args:
        rate (array of shape (energy,), energy): Γ(E).
        half (array of shape (energy,)): f0 - ½.
        even: c.
        odd: o.
        dissipation: M̃.

    Example:
        >>> from jaxelph import EinsteinModes
        >>> s, grid = EinsteinModes([2.0], [1.0]), EnergyGrid(0.5, 80)
        >>> collisions = PhononCollisions.at(s, 1.0, grid)
        >>> hot = fermi(grid.energies, 1.1) - fermi(grid.energies, 1.0)
        >>> flow = 2 * grid.step * grid.energies @ collisions.integral(hot)
        >>> print(f"{flow:.6f}")
        -0.298052
    """

    rate: Float[Array, " energy"]
    half: Float[Array, " energy"]
    even: FoldedConvolution
    odd: FoldedConvolution
    dissipation: PhononDissipation

    @staticmethod
    @checked
    def at(
        spectrum: EliashbergFunction, temperature: Scalar, grid: EnergyGrid
    ) -> "PhononCollisions":
        """The collision integral with phonons at one temperature, on a grid.

        Args:
            spectrum: an Eliashberg function.
            temperature (scalar, energy): T0 > 0 of the phonons.
            grid: see `EnergyGrid.suggest`.
        """
        even, odd = collision_kernels(spectrum, temperature, grid)
        energies = grid.energies
        return PhononCollisions(
            rate=scattering_rate(spectrum, temperature, energies),
            half=-0.5 * jnp.tanh(energies / (2 * temperature)),
            even=FoldedConvolution(even),
            odd=FoldedConvolution(odd, -1),
            dissipation=PhononDissipation.at(spectrum, temperature, grid),
        )

    @jit
    def integral(self, deviation: Float[Array, " energy"]) -> Float[Array, " energy"]:
        """I[f0 + δ] on the grid."""
        return (
            self.even.mv(deviation)
            - self.dissipation.local * deviation
            - self.dissipation.off_lattice(deviation)
            - (self.half + deviation) * self.odd.mv(deviation)
        )

    def linearised(self) -> Float[Array, "energy energy"]:
        """-∂I/∂f at equilibrium: M in the space of δf, h M̃ h⁻¹ of the pencil."""
        return self.dissipation.of_deviation_matrix()


def disordered_kernel(
    grid: EnergyGrid, strength: Scalar, dimension: int = 3
) -> Float[Array, " transfer"]:
    r"""P(ω) of a weakly disordered conductor, $P = p\,|\omega|^{d/2-2}$, on ω = ε…2Lε.

    The |ω|^{-3/2} (wire), 1/|ω| (film) and |ω|^{-1/2} (bulk) of Altshuler and Aronov. The
    singularity at ω = 0 is integrable, no energy is transferred there, but no values of P on a
    grid know it. What stands here for P(nε) is its integral against the grid's sinc function,

    $$P_n = \frac1\epsilon\int P(\omega)\,\tfrac12[\operatorname{sinc}(\omega/\epsilon - n)
      + \operatorname{sinc}(\omega/\epsilon + n)]\,d\omega
      = P(n\epsilon)\times\begin{cases} 2S(\sqrt{2n}) & d = 1 \\
      \tfrac2\pi\mathrm{Si}(\pi n) & d = 2 \\ 2C(\sqrt{2n}) & d = 3\end{cases}$$

    with Fresnel's integrals and the sine integral, all above zero. On it $\sum_nP_nu(n\epsilon)$
    is the integral of Pu to rounding for every smooth u with u(0) = 0.

    Args:
        grid: its multiples are the energies that can be exchanged.
        strength (scalar, energy^(1 - d/2)): p.
        dimension: 1, 2 or 3.

    Returns:
        P_n (array of shape (2L,), 1/energy), for `ElectronCollisions`.

    Source: Altshuler & Aronov, in Electron-Electron Interactions in Disordered Systems (1985).

    Raises:
        ValueError: another dimension.

    Example:
        >>> print(disordered_kernel(EnergyGrid(1.0, 2), 1.0, 2))
        [1.17897974 0.45141167 0.35539549 0.23748483]
    """
    if dimension not in (1, 2, 3):
        raise ValueError(f"dimension must be 1, 2 or 3, got {dimension}.")
    n = np.arange(1.0, 2 * grid.size + 1)
    sine, cosine = scipy.special.fresnel(np.sqrt(2 * n))
    integral = {1: 2 * sine, 2: 2 / np.pi * scipy.special.sici(np.pi * n)[0], 3: 2 * cosine}
    power = (grid.step * n) ** (dimension / 2 - 2)
    return jnp.asarray(strength) * power * integral[dimension]


class ElectronCollisions(eqx.Module):
    r"""Electron-electron collisions, Supplement Eqs. (25)-(26):

    $$I_{ee}[f] = \int\!d\omega\,P(\omega)\!\int\!d\tilde E\,\bigl\{
      f(E+\omega)f(\tilde E)[1-f(E)][1-f(\tilde E+\omega)]
      - f(E)f(\tilde E+\omega)[1-f(E+\omega)][1-f(\tilde E)]\bigr\},$$

    with P even. Two electrons exchange the energy ω; on the grid ω = nε and each collision
    conserves particle number and energy to the last digit, and detailed balance makes
    I_ee[f0(T)] vanish for every T. P is in units such that I_ee adds to the electron-phonon
    integral in the same rescaled time (energy⁻² × energy).

    Args:
        grid: the energy grid.
        kernel (array of shape (2L,), 1/energy): P(ω) at ω = ε, 2ε, …, 2Lε; of a P that is
            singular at ω = 0 its integrals against the grid's sinc functions over ε, as in
            `disordered_kernel`.
        elastic (scalar, 1/energy): P(0) where that is finite. It is in no collision integral,
            only in the `rate` at which states decay.
        kind: a name for P.

    Raises:
        ValueError: the kernel is not of length 2L.

    Example:
        >>> grid = EnergyGrid(0.25, 100)
        >>> collisions = ElectronCollisions(grid, disordered_kernel(grid, 0.1))
        >>> double = 0.5 * (fermi(grid.energies, 0.5) + fermi(grid.energies, 1.5))
        >>> flow = 2 * grid.step * grid.energies @ collisions.integral(double)
        >>> bool(abs(flow) < 1e-12)
        True
    """

    grid: EnergyGrid
    kernel: Float[Array, " transfer"]
    elastic: Scalar = 0.0
    kind: str = eqx.field(static=True, default="given")

    def __check_init__(self):
        if getattr(self.kernel, "shape", None) not in (None, (2 * self.grid.size,)):
            raise ValueError(
                f"ElectronCollisions: kernel must hold P at ω = ε…2Lε, {2 * self.grid.size} "
                f"values, got shape {self.kernel.shape}."
            )

    def _transfers(self):
        """P on ω = -2Lε…2Lε."""
        return jnp.concatenate([self.kernel[::-1], jnp.zeros(1), self.kernel])

    def _shifted(self, values):
        """values(i + n), rows i = -L…L and columns n = -2L…2L, zero where there is no state.

        Collisions into or out of states beyond the grid are left out, whole collisions at a
        time: that is what keeps number and energy exact at any cutoff.
        """
        size = self.grid.size
        padded = jnp.pad(values, 2 * size)
        i = jnp.arange(2 * size + 1)[:, None]
        return padded[i + jnp.arange(4 * size + 1)[None, :]]

    def _in_and_out(self, f):
        """Σ over ω of what scatters into E ≥ 0 were it empty, and out of it were it full."""
        filled = whole_axis(f)
        size, number = self.grid.size, 4 * self.grid.size + 1
        if size <= _BY_PRODUCTS:
            filled_at, empty_at = self._shifted(filled), self._shifted(filled[::-1])
            weight = self._transfers() * (filled @ empty_at) * self.grid.step**2
            return (filled_at @ weight)[size:], (empty_at @ weight[::-1])[size:]
        # Neither of the two correlations, of lags up to 2L, has an overlap in this length.
        length: int = next_fast_len(2 * number, real=True)  # pyright: ignore[reportAssignmentType]
        f_hat, e_hat = jnp.fft.rfft(filled, length), jnp.fft.rfft(filled[::-1], length)
        # ∫dẼ f(Ẽ)[1 - f(Ẽ + ω)] at ω = -2Lε…2Lε.
        pairs = jnp.fft.irfft(jnp.conj(f_hat) * e_hat, length)
        pairs = jnp.concatenate([pairs[-2 * size :], pairs[: 2 * size + 1]])
        w_hat = jnp.fft.rfft(self._transfers() * pairs * self.grid.step**2, length)
        # Σ_n f(i+n) w_n at lags i - 2L of a correlation, and Σ_n [1 - f(i+n)] w_{-n}.
        gain = jnp.fft.irfft(f_hat * jnp.conj(w_hat), length)
        loss = jnp.fft.irfft(e_hat * w_hat, length)
        gain = jnp.concatenate([gain[length - size :], gain[:1]])
        return gain, loss[3 * size : 4 * size + 1]

    @jit
    def integral(self, f: Float[Array, " energy"]) -> Float[Array, " energy"]:
        """I_ee[f] on the grid, for a distribution `f` (array of shape (energy,)) on E = ε…Lε."""
        gain, loss = self._in_and_out(f)
        return (1 - f) * gain[1:] - f * loss[1:]

    @jit(static_argnames="first")
    def rate(self, f: Float[Array, " energy"], first: int = 1) -> Float[Array, " row"]:
        r"""The rate at which a state decays, -∂I_ee/∂f of it alone, on E = first·ε…Lε,

        $$\int\!d\omega\,P(\omega)\!\int\!d\tilde E\,f(\tilde E)[1-f(\tilde E+\omega)]\,
          [f(E+\omega) + 1 - f(E-\omega)];$$

        of constant P and a Fermi function p[E² + (πT)²]/2.

        Args:
            f (array of shape (energy,)): the distribution on the grid.
            first: the first energy, in steps.
        """
        gain, loss = self._in_and_out(f)
        still = self.grid.step * (0.25 + 2 * jnp.sum(f * (1 - f)))
        return (gain + loss)[first:] + self.elastic * self.grid.step * still

    @jit
    def jacobian(self, f: Float[Array, " energy"]) -> Float[Array, "energy energy"]:
        """∂I_ee/∂f (array of shape (energy, energy)), E by E'.

        Args:
            f (array of shape (energy,)): the distribution on the grid.
        """
        size = self.grid.size
        filled = whole_axis(f)
        empty = filled[::-1]
        filled_at, empty_at = self._shifted(filled), self._shifted(empty)
        transfers = self._transfers() * self.grid.step**2
        weight = transfers * (filled @ empty_at)
        gain, loss = filled_at @ weight, empty_at @ weight[::-1]
        i = jnp.arange(1, size + 1)[:, None]
        lag = jnp.arange(-size, size + 1)[None, :] - i + 2 * size
        f_i, e_i = filled[size + 1 :, None], empty[size + 1 :, None]
        direct = e_i * weight[lag] + f_i * weight[::-1][lag]
        # What the other electron's transitions change by.
        through = e_i * filled_at[size + 1 :] - f_i * empty_at[size + 1 :, ::-1]
        partner = empty_at - filled_at[:, ::-1]
        # f odd about ½: the columns -E carry -df(E).
        partner = partner[size + 1 :] - partner[:size][::-1]
        matrix = direct[:, size + 1 :] - direct[:, :size][:, ::-1]
        matrix = matrix + (through * transfers[None, :]) @ partner.T
        return matrix - jnp.diag((gain + loss)[size + 1 :])

    @jit
    def linearised(self, temperature: Scalar) -> Float[Array, "energy energy"]:
        r"""The symmetric M̃^ee of Supplement Eq. (28), to be added to the pencil's M̃:

        $$\phi M^{ee}\phi = \frac1{4T}\!\int\! d\omega\,P\!\iint\! dE\,d\tilde E\;W\,
          [\phi(E)+\phi(\tilde E+\omega)-\phi(E+\omega)-\phi(\tilde E)]^2 \ge 0,$$

        W being the rate of a collision in equilibrium at `temperature` (scalar, energy). It has E
        among its null vectors.
        """
        size, step = self.grid.size, self.grid.step
        # On the whole axis -L…L; the odd functions are folded out at the end.
        i = jnp.arange(-size, size + 1)
        filled, empty = fermi(i * step, temperature), fermi(-i * step, temperature)
        filled_at, empty_at = self._shifted(filled), self._shifted(empty)
        p = self._transfers() * step
        pairs = filled @ empty_at * step
        out = empty * (filled_at @ (p * pairs))
        n = i[None, :] - i[:, None] + 2 * size
        shift = empty[:, None] * filled[None, :] * (p * pairs)[n]
        # Sums over ω of f0(E + ω) with f0(Ẽ' - ω) and with 1 - f0(Ẽ + ω).
        flux = step * filled_at * p[None, :]
        partner = empty[:, None] * empty[None, :] * (flux @ filled_at[:, ::-1].T)
        origin = empty[:, None] * filled[None, :] * (flux @ empty_at.T)
        matrix = jnp.diag(out) - shift + partner - origin
        h = thermal_window(i * step, temperature)
        matrix = matrix / (temperature * h[:, None] * h[None, :])
        matrix = (matrix + matrix.T) / 2  # of rounding
        # φ odd: the columns -E carry -φ(E).
        return matrix[size + 1 :, size + 1 :] - matrix[size + 1 :, :size][:, ::-1]


def whole_axis(f: Float[Array, " energy"]) -> Float[Array, " whole"]:
    """f at E = -Lε…Lε from that at E > 0, odd about ½."""
    return jnp.concatenate([1 - f[::-1], jnp.full(1, 0.5), f])
