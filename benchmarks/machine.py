"""On what the figures were measured."""

from __future__ import annotations

from importlib.metadata import version

from solutions.experiment import hardware, versions


def describe() -> dict[str, str]:
    """Hardware and versions, by name."""
    return {"hardware": hardware(), **versions(), "nbgrader": version("nbgrader")}
