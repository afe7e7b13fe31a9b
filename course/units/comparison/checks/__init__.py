"""The checks of the unit ``comparison``, one module for each group of exercises."""

from course.units.comparison.checks import cost, curve, labels, spread, summary

CHECKS = (*spread.CHECKS, *summary.CHECKS, *cost.CHECKS, *labels.CHECKS, *curve.CHECKS)
