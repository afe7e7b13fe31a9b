"""What this course changes in nbgrader: hand-ins are repaired, run with limits, and scored by outcome."""

from autograder.grading.config import configure

__all__ = ["configure"]
