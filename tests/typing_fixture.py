"""What a type checker knows of the public functions: `test_typing` runs pyright on this file.

It is not run. Each `assert_type` is an error where the type is another one, Unknown for example.
"""

from collections.abc import Callable
from typing import assert_type

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

import jaxelph as jx
from jaxelph.units import kelvin_to_mev, mev_to_kelvin, mev_to_per_ps, to_mev

metal = jx.EinsteinModes([5.0, 8.0], [0.7, 0.4])
grid = jx.EnergyGrid(0.5, 80)

# Units: a number stays a number, an array an array.
assert_type(kelvin_to_mev(300), float)
assert_type(kelvin_to_mev(4.2), float)
assert_type(kelvin_to_mev(jnp.ones(3)), Array)
assert_type(mev_to_kelvin(1.0), float)
assert_type(mev_to_per_ps(jnp.ones(3)), Array)
assert_type(to_mev(1.0, "THz"), float)
print(kelvin_to_mev(np.ones(3)).shape)

# Compiled, `checked` and `resolving` functions keep their signatures and results.
assert_type(jx.coupling_constant(metal), Array)
assert_type(jx.log_frequency(metal), Array)
assert_type(jx.moment(metal, 2), Array)
assert_type(jx.self_energy(metal, 1.0, 0.5), Array)
assert_type(jx.minimum_weight(metal, 1.0), tuple[Array, Array])
assert_type(jx.specific_heat_ratio(metal, 1.0), Array)
assert_type(jx.stability_pencil(metal, 1.0, grid), jx.StabilityPencil)
assert_type(jx.pencil_modes(jx.stability_pencil(metal, 1.0, grid)), jx.NormalModes)
assert_type(jx.stability_margin(metal, 1.0, grid), Array)
assert_type(jx.two_temperature_rate(metal, 1.0), Array)
assert_type(jx.transition_temperature(metal, 0.1), Array)
assert_type(jx.allen_dynes(metal, 0.1), Array)
assert_type(jx.KineticEquation.at(metal, 1.0, grid), jx.KineticEquation)
assert_type(jax.vmap(jx.coupling_constant)(metal), Array)

# A misspelt argument is one.
jx.moment(metal, powr=2)  # pyright: ignore[reportCallIssue]
jx.self_energy(metal, 1.0)  # pyright: ignore[reportCallIssue]

# `jax.grad` says of its result that it can be called, and no more; it takes what it is told.
tc: Callable[[jx.EinsteinModes, float], Array] = jx.transition_temperature
by_spectrum: Callable[[jx.EinsteinModes, float], jx.EinsteinModes] = jax.grad(tc)
by_mu_star: Callable[[jx.EinsteinModes, float], Array] = jax.grad(tc, 1)
assert_type(by_spectrum(metal, 0.1), jx.EinsteinModes)
assert_type(by_mu_star(metal, 0.1), Array)
