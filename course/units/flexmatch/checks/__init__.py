"""The checks of the unit ``flexmatch``, one module for each group of exercises."""

from course.units.flexmatch.checks import fixmatch, flexmatch, freematch, labels, thresholds

CHECKS = (*fixmatch.CHECKS, *thresholds.CHECKS, *labels.CHECKS, *flexmatch.CHECKS, *freematch.CHECKS)
