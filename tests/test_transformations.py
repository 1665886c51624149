"""Every numeric function of the core composes: one table, one test for all of it.

Each row is one or several functions and the point at which they are taken. For all of them

    jit(vmap) ≡ an eager loop                        in every number of the result,
    grad ≡ Richardson's differences ≡ jacfwd,
    vmap(grad) ≡ grad(vmap)                          in every parameter (frequencies,
                                                     couplings, temperature, step, …);

what is differentiated is a sum of all numbers of the result with weights of random sign. That
the numbers are right is tested beside each module.
"""

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

import jaxelph as j
from jaxelph.grids import convolution, kernels, sinc
from jaxelph.kinetics.moving import moving_equation
from jaxelph.kinetics.pump import Gaussian, SquaredSech
from jaxelph.numerics import special
from jaxelph.superconductivity import matsubara
from jaxelph.thermodynamics import potential, strong_coupling

OMEGA, COUPLING, T = jnp.array([1.0, 1.7, 2.3]), jnp.array([0.4, 0.3, 0.5]), jnp.asarray(0.6)
ENERGIES = jnp.array([0.0, 0.4, 1.3, 3.0])
STEP, SIZE = jnp.asarray(0.4), 14
GRID = j.EnergyGrid(STEP, SIZE)
# Of a distribution from equilibrium, its rate of change, and a vector on the grid.
DEVIATION = -0.02 * GRID.energies * jnp.exp(-((GRID.energies / 2) ** 2))
RATE = 0.3 * GRID.energies * jnp.exp(-((GRID.energies / 2.5) ** 2))
VECTOR = jnp.cos(GRID.energies)

KINDS = {
    "modes": j.EinsteinModes(OMEGA, COUPLING),
    "peaks": j.GaussianPeaks([2.0, 5.0], [0.3, 0.8], [1.5, 0.4], 40),
    "debye": j.DebyeSpectrum(4.0, 0.5, 20),
    "table": j.TabulatedSpectrum([0.5, 1.0, 2.0, 3.5, 4.0], [0.1, 0.2, 0.7, 0.4, 0.2]),
}

# The rows of the default run, one for each kind of rule that a derivative follows.
QUICK = {
    "moments of table",
    "cumulative_coupling, coupling_symbol, allen_rate",
    "inverse_quasiparticle_weight",
    "specific_heat_ratio, two_temperature_rate",
    "coupling_kernel, transfer_kernel, collision_kernels, slope_kernel, aligned",
    "margin, critical_coupling by heat",
    "margin, critical_coupling by kinetic",
    "mcmillan, allen_dynes",
}
ROWS = {}


def row(name, *arguments):
    """Add a function of `arguments` to the table."""

    def add(function):
        assert name not in ROWS
        marks = [] if name in QUICK else [pytest.mark.slow]
        ROWS[name] = pytest.param(function, arguments, id=name, marks=marks)
        return function

    return add


def of_metal(name, *more):
    """Add a function of a spectrum of modes, T and `more`."""

    def add(function):
        @row(name, OMEGA, COUPLING, T, *more)
        def _(omega, coupling, temperature, *rest):
            return function(j.EinsteinModes(omega, coupling), temperature, *rest)

    return add


def on_grid(name, *more):
    """Add a function of a spectrum of modes, T, a grid whose step is a parameter, and `more`."""

    def add(function):
        @of_metal(name, STEP, *more)
        def _(spectrum, temperature, step, *rest):
            return function(spectrum, temperature, j.EnergyGrid(step, SIZE), *rest)

    return add


def up_to_sign(vector):
    """An eigenvector with its largest component positive, whichever way it was computed."""
    largest = jnp.argmax(jnp.abs(jax.lax.stop_gradient(vector)), axis=0)
    return vector * jnp.sign(jnp.take_along_axis(vector, largest[None], axis=0))


# ---------------------------------------------------------------- spectra, special functions

for kind, spectrum in KINDS.items():

    @row(f"moments of {kind}", spectrum)
    def _(s):
        powers = [j.moment(s, n) for n in (-1, 1, 2)]
        moments = (j.coupling_constant, j.log_frequency, j.rms_frequency, j.spectral_area)
        return *powers, *(f(s) for f in moments), j.maximum_frequency(s), s.scaled(0.7).modes()


@of_metal("cumulative_coupling, coupling_symbol, allen_rate", ENERGIES[1:])
def _(s, t, x):
    return j.cumulative_coupling(s, x), strong_coupling.coupling_symbol(s, x), j.allen_rate(s, t)


@row("polygamma, heat_function, potential_function", jnp.array([0.3, 4.0, 12.0]))
def _(x):
    complex_ = special.polygamma(1, 0.5 + 1j * x)
    return complex_, special.heat_function(x), potential.potential_function(x)


# ---------------------------------------------------------------- equilibrium, thermodynamics


@row("fermi, thermal_window, bose, phonon_heat, phonon_potential", ENERGIES[1:], OMEGA, T)
def _(energy, omega, t):
    electrons = j.fermi(energy, t), j.thermal_window(energy, t)
    einstein = j.phonon_heat_einstein(omega, t), potential.phonon_potential_einstein(omega, t)
    debye = j.phonon_heat_debye(omega[0], t), potential.phonon_potential_debye(omega[0], t)
    return electrons, j.bose(omega, t), einstein, debye


@of_metal("self_energy, spectral_function, scattering_rate", ENERGIES, jnp.asarray(0.3))
def _(s, t, energy, xi):
    spectral = j.spectral_function(s, t, xi, energy)
    return j.self_energy(s, t, energy), spectral, j.scattering_rate(s, t, energy)


of_metal("inverse_quasiparticle_weight", ENERGIES)(j.inverse_quasiparticle_weight)


@of_metal("specific_heat_ratio, two_temperature_rate")
def _(s, t):
    return j.stability_parameter(s, t), j.specific_heat_ratio(s, t), j.two_temperature_rate(s, t)


of_metal("specific_heat_double_integral")(j.specific_heat_double_integral)
of_metal("maximum_stability_parameter")(lambda s, t: j.maximum_stability_parameter(s))


@of_metal("electron_potential, electron_entropy, specific_heat_from_potential")
def _(s, t):
    functions = (
        potential.electron_potential,
        potential.electron_entropy,
        potential.specific_heat_from_potential,
    )
    return [f(s, t) for f in functions]


@of_metal("potential_cut_at_energy, potential_cut_at_number", jnp.asarray(30.0))
def _(s, t, cutoff):
    at_energy = potential.potential_cut_at_energy(s, t, cutoff, terms=60)
    return at_energy, potential.potential_cut_at_number(s, t, terms=20)


of_metal("heat_capacity", jnp.asarray(80.0))(potential.heat_capacity)

# ---------------------------------------------------------------- quadrature, the pencil


@row("principal_value_weights, shift_weights", jnp.array([2.0, 2.4]))
def _(a):  # on the grid, between its points
    n = jnp.arange(-3.0, 8.0)
    return [f(n, x) for f in (sinc.principal_value_weights, sinc.shift_weights) for x in a]


@row("FoldedConvolution", jnp.linspace(1.0, 0.2, 2 * SIZE + 1), VECTOR)
def _(kernel, vector):
    even, odd = convolution.FoldedConvolution(kernel), convolution.FoldedConvolution(kernel, -1)
    products = [c.mv(vector, 0) for c in (even, odd)]
    products += [c.mv_even(jnp.append(0.3, vector)) for c in (even, odd)]
    return products, even.as_matrix(), even.diagonal, odd.as_even_matrix()


@on_grid("coupling_kernel, transfer_kernel, collision_kernels, slope_kernel, aligned")
def _(s, t, grid):
    exchange, slope = kernels.coupling_kernel(s, grid), kernels.slope_kernel(grid)
    scattering = kernels.transfer_kernel(s, t, grid), kernels.collision_kernels(s, t, grid)
    return exchange, slope, scattering, grid.aligned(t).energies


@on_grid("stability_pencil")
def _(s, t, grid):
    pencil = j.stability_pencil(s, t, grid)
    products = pencil.multiply_A(VECTOR), pencil.multiply_M(VECTOR)
    diagonals = pencil.diagonal_A, pencil.diagonal_M
    return pencil.A, pencil.M, products, diagonals, pencil.energy_form()


# ---------------------------------------------------------------- modes, margins, λ_c


@on_grid("softest_mode")
def _(s, t, grid):
    value, vector = j.softest_mode(j.stability_pencil(s, t, grid))
    return value, up_to_sign(vector)


@on_grid("normal_modes")
def _(s, t, grid):
    modes = j.normal_modes(s, t, grid)
    return modes.rates, modes.slowest, up_to_sign(modes.distributions(t))


on_grid("extreme_rates")(j.extreme_rates)


@on_grid("stability_margin, iterative")
def _(s, t, grid):
    return j.stability_margin(s, t, grid, method="iterative")


for criterion in j.CRITERIA:

    @on_grid(f"margin, critical_coupling by {criterion}")
    def _(s, t, grid, c=criterion):
        margin = j.margin(s, t, criterion=c, grid=grid)
        return margin, j.critical_coupling(s, t, criterion=c, grid=grid)

    @of_metal(f"critical_coupling_scaled by {criterion}")
    def _(s, t, c=criterion):
        return j.critical_coupling_scaled(s, 0.4 * t, criterion=c, grid=GRID)


of_metal("minimum_weight")(j.minimum_weight)
on_grid("grid_error")(j.grid_error)

# ---------------------------------------------------------------- superconductivity

MU_STAR = jnp.asarray(0.1)


def of_repulsion(name, *more):
    """Add a function of a spectrum of modes, μ* and `more`."""

    def add(function):
        @row(name, OMEGA, COUPLING, MU_STAR, *more)
        def _(omega, coupling, mu_star, *rest):
            return function(j.EinsteinModes(omega, coupling), mu_star, *rest)

    return add


@of_repulsion("mcmillan, allen_dynes")
def _(s, mu_star):
    return j.mcmillan(s, mu_star), j.allen_dynes(s, mu_star)


of_repulsion("transition_temperature")(j.transition_temperature)
of_repulsion("gap_function")(lambda s, mu_star: j.gap_function(s, mu_star, index=np.arange(3)))
of_repulsion("tc_functional_derivative", OMEGA + 0.1)(
    lambda s, mu_star, omega: j.tc_functional_derivative(s, omega, mu_star)
)
of_metal("pairing_eigenvalue", MU_STAR)(j.pairing_eigenvalue)


@row("pairing_kernel, top_eigenpair", OMEGA, COUPLING, T, MU_STAR, jnp.asarray(20.0))
def _(omega, area, t, mu_star, cutoff):
    basis = matsubara.matsubara_basis(1e4, 1e-3)
    found = []
    for limit in (cutoff, None):
        repulsion = matsubara.Repulsion(mu_star, limit, 0.1 * cutoff)
        kernel, tail = matsubara.pairing_kernel(basis, omega, area, t, repulsion)
        value, vector = matsubara.top_eigenpair(kernel)
        found += [kernel, tail, value, up_to_sign(vector)]
    return found


# ---------------------------------------------------------------- transport


@of_metal("resistivity_rate, optical_rate, resistivity, heat_rate, lorenz_ratio", ENERGIES)
def _(s, t, light):
    more = s.scaled(1.5)
    steady = j.resistivity_rate(s, t), j.resistivity(s, t, plasma=3.0, residual=1.0, saturation=9.0)
    heat = j.heat_rate(s, t, more), j.lorenz_ratio(s, t, more)
    bloch = j.bloch_grueneisen_rate(0.7, s.omega[2], t)
    return (
        j.optical_rate(s, t, light),
        steady,
        heat,
        bloch,
        j.thermal_conductivity(s, t, plasma=3.0),
    )


@of_metal("optical_conductivity, extended_drude, reflectivity", ENERGIES[1:], jnp.asarray(0.2))
def _(s, t, light, gamma):
    response = j.optical_conductivity(s, t, light, plasma=4.0, impurity=gamma)
    drude = j.extended_drude(s, t, light, impurity=gamma)
    mirror = j.reflectivity(s, t, light, plasma=4.0, impurity=gamma, background=2.0)
    return response, drude, j.permittivity(response, light, 2.0), mirror


@on_grid("boltzmann_rates")
def _(s, t, grid):
    return j.boltzmann_rates(s, t, grid, scattering=s.scaled(1.5))


# ---------------------------------------------------------------- below T_c

COLD = jnp.asarray(0.05)  # T_c is 0.14


@row("superconducting_state", OMEGA, COUPLING, COLD, MU_STAR)
def _(omega, coupling, t, mu_star):
    spectrum, index = j.EinsteinModes(omega, coupling), np.arange(3)
    state = j.superconducting_state(spectrum, t, mu_star=mu_star, index=index)
    return state.gap, state.renormalisation


@row("gap_edge, gap_ratio", OMEGA, COUPLING, 0.3 * COLD, MU_STAR)
def _(omega, coupling, t, mu_star):
    spectrum = j.EinsteinModes(omega, coupling)
    edge = j.gap_edge(spectrum, t, mu_star=mu_star)
    return edge, j.gap_ratio(spectrum, mu_star=mu_star)


@row("free_energy_difference, entropy, specific heat, field", OMEGA, COUPLING, COLD, MU_STAR)
def _(omega, coupling, t, mu_star):
    functions = (
        j.free_energy_difference,
        j.entropy_difference,
        j.specific_heat_difference,
        j.superconducting_heat_ratio,
        j.critical_field,
    )
    spectrum = j.EinsteinModes(omega, coupling)
    return [f(spectrum, t, mu_star=mu_star) for f in functions]


@of_repulsion("specific_heat_jump, condensation_energy, isotope_coefficient, isotope_weight", OMEGA)
def _(s, mu_star, omega):
    functions = j.specific_heat_jump, j.condensation_energy, j.isotope_coefficient
    return [f(s, mu_star=mu_star) for f in functions], j.isotope_weight(s, omega, mu_star=mu_star)


@row("deviation_function", OMEGA, COUPLING, COLD, MU_STAR)
def _(omega, coupling, t, mu_star):
    return j.deviation_function(j.EinsteinModes(omega, coupling), t, mu_star=mu_star)


@row("density_of_states", jnp.array([1.0, 0.1, 1.0]), 0.6 * COLD, MU_STAR, jnp.array([0.3, 1.2]))
def _(peak, t, mu_star, energies):
    spectrum = j.GaussianPeaks(peak[:1], peak[1:2], peak[2:])
    return j.density_of_states(spectrum, t, energies, mu_star=mu_star)


# ---------------------------------------------------------------- classical phonons

G = jnp.asarray(1.4)


@row("classical_inverse_weight, classical_heat_ratio, energy_uncertainty", G, T, ENERGIES)
def _(g, t, energy):
    weight = strong_coupling.classical_inverse_weight(g, t, energy)
    heat = strong_coupling.classical_heat_ratio(g, t)
    return weight, heat, strong_coupling.energy_uncertainty(g, t)


row("classical_weight_zeros", G, 0.5 * T)(strong_coupling.classical_weight_zeros)


@row("classical_coupling_kernel, ClassicalCollisions", G, T, STEP, DEVIATION)
def _(g, t, step, deviation):
    grid = j.EnergyGrid(step, SIZE)
    collisions = strong_coupling.ClassicalCollisions(g, t, grid)
    return strong_coupling.classical_coupling_kernel(g, grid), collisions.integral(deviation)


@row("classical_margin", G, T, STEP)
def _(g, t, step):
    return strong_coupling.classical_margin(g, t, j.EnergyGrid(step, SIZE))


# ---------------------------------------------------------------- collisions, kinetic equation


@on_grid("PhononCollisions", DEVIATION)
def _(s, t, grid, deviation):
    collisions = j.PhononCollisions.at(s, t, grid)
    return collisions.integral(deviation), collisions.linearised()


@row("ElectronCollisions", STEP, jnp.asarray(0.3), T, j.fermi(GRID.energies, 0.7) + DEVIATION)
def _(step, strength, t, f):
    grid = j.EnergyGrid(step, SIZE)
    collisions = j.ElectronCollisions(grid, j.disordered_kernel(grid, strength, 1))
    return (
        collisions.integral(f),
        collisions.linearised(t),
        collisions.jacobian(f),
        collisions.rate(f),
    )


@on_grid("KineticEquation", DEVIATION, RATE)
def _(s, t, grid, deviation, rate):
    equation = j.KineticEquation.at(s, t, grid)
    product = equation.mass_product(deviation, rate)
    return product, equation.collide(deviation), equation.energy(deviation)


@on_grid("KineticMatrices", DEVIATION, RATE)
def _(s, t, grid, deviation, rate):
    # Hot, so that √(-f') is smooth up to the cutoff.
    matrices = j.KineticEquation.at(s, 2 * t, grid).matrices()
    masses = matrices.mass(deviation), matrices.symmetric_mass(deviation)
    return *masses, matrices.jacobian(deviation, rate), matrices.heat_flow_derivative(deviation)


@on_grid("MovingPencil", jnp.array([0.3, 0.2, 0.5]), jnp.asarray(2.0))
def _(s, t, grid, coupling, lifetime):
    phonons = j.MovingPhonons(coupling, lifetime)
    pencil = j.stability_pencil(s, t, grid, phonons=phonons)
    vector = jnp.append(VECTOR, OMEGA)
    products = pencil.multiply_A(vector), pencil.multiply_M(vector)
    return pencil.A, pencil.M, products, pencil.energy_form(), pencil.energy


@row("CoulombCollisions", STEP, jnp.asarray(0.3), jnp.asarray(2.0))
def _(step, strength, energy):
    grid = j.EnergyGrid(step, SIZE)
    kinds = [j.CoulombCollisions(strength, kind) for kind in ("screened", "bulk", "film", "wire")]
    again = j.CoulombCollisions.of_lifetime(1 / kinds[0].rate(energy), energy)
    f = j.fermi(grid.energies, 0.7)
    return [(k.rate(energy), k.on(grid).integral(f + DEVIATION)) for k in kinds], again.strength


@on_grid("steady_state", jnp.asarray(1.5), jnp.asarray(0.02), jnp.asarray(2.0))
def _(s, t, grid, photon, power, lifetime):
    # On a step of .67 T the few energies that two modes connect decide the root to 1e-12 only.
    wide = j.EnergyGrid(grid.step / 2, 96)
    phonons = j.MovingPhonons(0.3, lifetime)
    state = j.steady_state(s, t, wide, photon, power, phonons=phonons, throw=False)
    return state.f[:20], state.phonons, state.temperature


@on_grid("photoemission, optical_rate_change, energy_flow", jnp.asarray(0.7), jnp.array([0.6, 2.1]))
def _(s, t, grid, resolution, light):
    wide = j.EnergyGrid(grid.step, 40)
    options = dict(rtol=1e-9, adjoint=diffrax.DirectAdjoint(), max_steps=16)
    run = j.evolve(s, 1.2 * t, t, wide, jnp.array([0.0, 0.01]), **options)
    lines = j.photoemission(run, resolution, band_energy=light, impurity=0.8)
    seen = lines[0, :, 30:50], j.photoemission(run, resolution)[0]
    return seen, j.optical_rate_change(run, light)[0], j.energy_flow(run)


@row("Pulse", jnp.asarray(7.0), jnp.asarray(2.0), jnp.asarray(0.4), jnp.asarray(1.1))
def _(energy, absorbed, duration, t):
    pulses = [j.Pulse(energy, absorbed, duration, shape=s) for s in (Gaussian(), SquaredSech())]
    return [(p.rate(t), p.brought(t), p.end) for p in pulses]


@on_grid("MovingEquation", DEVIATION, jnp.array([0.02, -0.01, 0.03]), jnp.asarray(3.0))
def _(s, t, grid, deviation, stored, photon):
    equation = j.KineticEquation.at(s, 2 * t, grid)
    branches = j.MovingPhonons(0.3, 4.0).on(s)
    pulse, reaches = j.Pulse(photon, 0.1, 1.0), (80, 80)
    moving = moving_equation(equation, branches, grid, pulse, reaches, deviation)
    state = moving.join(deviation, stored, jnp.asarray(0.1))
    return moving.rhs(2.0, state), moving.project(2.0, state)


# ---------------------------------------------------------------- the test


def test_quick_rows_exist():
    assert QUICK <= set(ROWS)


def close(got, expected, rtol, atol):
    """|got - expected| ≤ rtol |expected| + atol · (the largest at the same point)."""
    got, expected = np.asarray(got), np.asarray(expected)
    assert np.all(np.isfinite(expected))
    scale = np.max(np.abs(expected), axis=-1, keepdims=True)
    excess = np.abs(got - expected) - rtol * np.abs(expected) - atol * scale
    worst = np.unravel_index(np.argmax(excess), excess.shape)
    assert excess[worst] <= 0, (worst, got[worst], expected[worst])


@pytest.mark.parametrize(("function", "arguments"), ROWS.values())
def test_composes(function, arguments):
    arrays, static = eqx.partition(arguments, eqx.is_array)
    point, unravel = ravel_pytree(arrays)

    def numbers(p):
        leaves = jax.tree.leaves(function(*eqx.combine(unravel(p), static)))
        parts = [(x.real, x.imag) if jnp.iscomplexobj(x) else (x,) for x in leaves]
        return jnp.concatenate([jnp.ravel(x) for part in parts for x in part])

    # Two points, and about the first one four in each parameter.
    step = 2e-4 * np.maximum(np.abs(point), 0.1)
    pair = np.stack([point, 1.01 * point])
    shifts = np.concatenate([s * np.diag(step) for s in (1, -1, 0.5, -0.5)])
    values = jax.jit(jax.vmap(numbers))(np.concatenate([pair, pair[0] + shifts]))
    eager = np.stack([numbers(jnp.asarray(p)) for p in pair])
    close(values[:2], eager, 1e-12, 1e-13)

    size = np.abs(eager[0])
    weights = np.random.default_rng(0).normal(size=size.shape) / (size + 1e-2 * size.max())

    def one(p):
        return numbers(p) @ weights

    # Compiled one by one: side by side, batched LAPACK calls of JAX block each other.
    gradient = jax.jit(jax.vmap(jax.grad(one)))(pair)
    outside = jax.jit(jax.grad(lambda p: jnp.sum(jax.vmap(one)(p))))(pair)
    close(outside, gradient, 1e-9, 1e-12)
    forward = jax.jit(jax.jacfwd(one))(pair[0])
    close(forward, gradient[0], 1e-9, 1e-12)
    up, down, half_up, half_down = np.split(np.asarray(values[2:]) @ weights, 4)
    richardson = (4 * (half_up - half_down) / step - (up - down) / (2 * step)) / 3
    close(gradient[0], richardson, 1e-6, 1e-9)
