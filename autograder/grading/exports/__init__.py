"""Tables of a class's grades, as plugins of ``nbgrader export``."""

from autograder.grading.exports.canvas import Canvas
from autograder.grading.exports.moodle import Moodle
from autograder.grading.exports.per_exercise import PerExercise

__all__ = ["Canvas", "Moodle", "PerExercise"]
