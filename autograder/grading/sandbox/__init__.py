"""Where students' code runs: a process of its own that reaches nothing but what it is given.

    sandbox, limits = find_sandbox(), Limits()
    place = Place(readable=(), writable=(folder,), folder=folder, environment=environment(folder))
    with sandbox.cell(place, limits) as cell:
        process = subprocess.Popen(cell.command([sys.executable, "-c", code]))
        ...
        overuse([process.pid], place, limits)  # now and then: what all of its processes use together
        process.kill()  # and everything that it has started
        process.wait()

Whether a level keeps its promises on this machine is tried and not assumed (``probe``); where none does,
``find_sandbox`` refuses.
"""

from autograder.grading.sandbox.choice import Examined, examine, find_sandbox
from autograder.grading.sandbox.interface import Cell, Sandbox
from autograder.grading.sandbox.place import Limits, Place, environment
from autograder.grading.sandbox.probe import Finding
from autograder.grading.sandbox.usage import overuse

__all__ = [
    "Cell",
    "Examined",
    "Finding",
    "Limits",
    "Place",
    "Sandbox",
    "environment",
    "examine",
    "find_sandbox",
    "overuse",
]
