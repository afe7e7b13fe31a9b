"""Before grading: what was handed in under whatever name gets into its place, and nobody is left out."""

from autograder.grading.preflight.preflight import Checked, Preflight, preflight

__all__ = ["Checked", "Preflight", "preflight"]
