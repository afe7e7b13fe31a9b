"""The checks of the unit ``mixmatch``, one module for each group of exercises."""

from course.units.mixmatch.checks import average, guesses, loss, mixing

CHECKS = (*guesses.CHECKS, *mixing.CHECKS, *loss.CHECKS, *average.CHECKS)
