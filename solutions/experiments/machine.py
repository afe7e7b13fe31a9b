"""On what something was measured: processor, cores, versions."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("jax", "jaxlib", "flax", "optax", "jax-resnet", "numpy", "torch", "torchvision", "pillow")


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processor() -> str:
    """The processor's name and the cores that this process may use."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
        names = [line.split(":", 1)[1].strip() for line in lines if "model name" in line]
        model = names[0] if names else model
    return f"{model}, {cores()} of {os.cpu_count()} cores"


def jax_hardware() -> str:
    """What JAX runs on."""
    import jax  # worker processes import this module before they know how many cores JAX may use

    device = jax.devices()[0]
    if device.platform != "cpu":
        return f"{device.device_kind}, {jax.device_count()} device(s)"
    return processor()


def versions() -> dict[str, str]:
    """Of everything that can change a number."""
    return {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}


def describe() -> dict[str, str]:
    """Hardware and versions, by name, for what JAX computes."""
    return {"hardware": jax_hardware(), **versions()}
