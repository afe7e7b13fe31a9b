"""Derived files, from their sources: notebooks, releases and the checks' expected values."""

from autograder.builder.build import Drift, derived_files, find_drift, stale_files, unit_names, write_files

__all__ = ["Drift", "derived_files", "find_drift", "stale_files", "unit_names", "write_files"]
