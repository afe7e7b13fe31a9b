"""nbgrader's configuration: the stock commands, run from this folder, use this course's folders and hooks."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from autograder.grading import configure

configure(get_config())  # type: ignore[name-defined]  # noqa: F821
