"""The checks of the unit ``fixmatch``, one module for each group of exercises."""

from course.units.fixmatch.checks import forward, log_probs, loss, rates, schedule, validate

CHECKS = (*log_probs.CHECKS, *schedule.CHECKS, *forward.CHECKS, *loss.CHECKS, *validate.CHECKS, *rates.CHECKS)
