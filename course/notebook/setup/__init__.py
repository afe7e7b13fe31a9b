"""The set-up cell of every notebook, and what it calls.

`cell` holds the cell's text, which finds the course's package; `start` makes the notebook ready. Everything
is told about the machine, so that it can be tested without Colab, a GPU or a network. Importing this takes
the standard library alone, so that all that is missing can be named at once.
"""

from course.notebook.setup.cell import SET_UP_FIRST, setup_cell
from course.notebook.setup.machine import Machine
from course.notebook.setup.start import Environment, setup, start_notebook

__all__ = ["SET_UP_FIRST", "Environment", "Machine", "setup", "setup_cell", "start_notebook"]
