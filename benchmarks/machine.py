"""On what the figures were measured."""

from __future__ import annotations

from importlib.metadata import version

from solutions.experiments import machine


def describe() -> dict[str, str]:
    """Hardware and versions, by name."""
    return {**machine.describe(), "nbgrader": version("nbgrader")}
