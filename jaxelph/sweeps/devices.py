"""A device for each core of the processor, so that LAPACK's work is shared out too."""

import contextlib
import os

import jax


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def one_device_per_core() -> None:
    """Let each core of the processor count as a device, as programs of many points want it.

    JAX runs a batch of LAPACK calls on one core of one device. To be called before the first
    computation: once JAX has started nothing changes, nor where the user has said how many
    devices there are, by XLA_FLAGS or JAX_NUM_CPU_DEVICES. On an accelerator, whose devices
    are then JAX's default ones, sweeps never see those of the processor.
    """
    told = jax.config.jax_num_cpu_devices >= 0  # pyright: ignore[reportAttributeAccessIssue]
    if told or "xla_force_host_platform_device_count" in os.environ.get("XLA_FLAGS", ""):
        return
    with contextlib.suppress(RuntimeError):  # it has started
        jax.config.update("jax_num_cpu_devices", cores())
