"""The checks of the unit ``flexmatch``, one module for each group of exercises."""

from course.checks.flexmatch import fixmatch, flexmatch, labels, thresholds

CHECKS = (*fixmatch.CHECKS, *thresholds.CHECKS, *labels.CHECKS, *flexmatch.CHECKS)
