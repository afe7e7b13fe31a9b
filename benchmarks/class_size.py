"""Grading classes of several sizes: time should grow with them, and memory should not.

``python -m benchmarks.class_size 10 100 1000`` measures other sizes, and ``--unit fixmatch`` another unit.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from autograder.classroom.classroom import Classroom
from autograder.classroom.sample_class import SampleClass
from autograder.files import REPOSITORY
from benchmarks.measure import Line, Side
from course.catalog import load_course

UNIT = "comparison"  # unless another is named. NumPy alone: what is measured is the grader and not JAX
SIZES = (10, 40)
KINDS = 16  # hand-ins that differ; they are repeated under other names
LARGEST_RATIO = 1.25
_LOOK_SECONDS = 1.0
_MB = 1_000_000


@dataclass
class Peaks:
    """The most memory that was seen in use, in bytes.

    Attributes:
        together: of all processes of the command; what they share is counted once.
        command: resident, of its first process, which writes the gradebook.
        largest: resident, of any other one.
    """

    together: int = 0
    command: int = 0
    largest: int = 0

    def look(self, command: psutil.Process) -> None:
        """Look at a command's processes."""
        together = largest = 0
        for process in (command, *command.children(recursive=True)):
            with contextlib.suppress(psutil.Error, OSError):  # it has ended, or is another user's
                memory = process.memory_full_info()
                together += memory.pss
                if process.pid == command.pid:
                    self.command = max(self.command, memory.rss)
                else:
                    largest = max(largest, memory.rss)
        self.together, self.largest = max(self.together, together), max(self.largest, largest)


@dataclass(frozen=True)
class Graded:
    """What grading a class took.

    Attributes:
        size: hand-ins.
        seconds: of the command, with what a class needs once.
        again: of the same command afterwards, which finds nothing to do.
        gradebook: its bytes.
        peaks: of memory.
    """

    size: int
    seconds: float
    again: float
    gradebook: int
    peaks: Peaks = field(default_factory=Peaks)

    @property
    def name(self) -> str:
        """The figures that are no times, in words."""
        peaks = self.peaks
        return (
            f"{self.size} hand-ins, {peaks.together / _MB:.0f} MB of memory (the command "
            f"{peaks.command / _MB:.0f}, its largest process {peaks.largest / _MB:.0f}), "
            f"gradebook {self.gradebook / _MB:.1f} MB"
        )


@contextlib.contextmanager
def watched(process: subprocess.Popen[str]) -> Iterator[Peaks]:
    """The peaks of a command's memory, looked at now and then."""
    peaks, over = Peaks(), threading.Event()

    def watch() -> None:
        command = psutil.Process(process.pid)
        while not over.wait(_LOOK_SECONDS):
            with contextlib.suppress(psutil.NoSuchProcess):
                peaks.look(command)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peaks
    finally:
        over.set()
        thread.join()


def grade(size: int, unit: str = UNIT) -> Graded:
    """Grade a class of a size.

    Raises:
        RuntimeError: a hand-in was not graded as it deserves.
    """
    sample = SampleClass(REPOSITORY, unit)
    kinds, notebook = sample.variety(KINDS), sample.unit.notebook
    with tempfile.TemporaryDirectory() as name:
        classroom = Classroom(Path(name, "course"), unit)
        classroom.copy_sources()
        classroom.release()
        deserved = {f"student{number:04}": kinds[number % KINDS].solved for number in range(size)}
        for number, student in enumerate(deserved):
            classroom.hand_in(student, notebook, kinds[number % KINDS].content)
        command = [sys.executable, "-m", "autograder", "grade", unit, f"--course={classroom.folder}"]
        began = time.perf_counter()
        with (
            subprocess.Popen(
                command,
                cwd=REPOSITORY,
                env=os.environ | {"JAX_PLATFORMS": "cpu"},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            ) as process,
            watched(process) as peaks,
        ):
            _, errors = process.communicate()
        seconds = time.perf_counter() - began
        if process.returncode != 0:
            raise RuntimeError(f"not graded: {errors}")
        began = time.perf_counter()
        classroom.grade()
        again = time.perf_counter() - began
        for student, grades in classroom.points().items():
            solved = {exercise for exercise in sample.names if grades[f"check-{exercise}"]}
            if solved != deserved.pop(student):
                raise RuntimeError(f"{student} was not graded as it deserves")
        if deserved:
            raise RuntimeError(f"not graded: {', '.join(deserved)}")
        gradebook = (classroom.folder / "gradebook.db").stat().st_size
    return Graded(size, seconds, again, gradebook, peaks)


def compare(sizes: Sequence[int], unit: str = UNIT) -> list[Line]:
    """Seconds a hand-in in larger classes, against the smallest one.

    Args:
        sizes: at least two, the smallest first.
        unit: whose hand-ins are graded.
    """
    small, *larger = (grade(size, unit) for size in sizes)
    lines = []
    for large in larger:
        ours, baseline = (Side(one.name, (one.seconds / one.size,)) for one in (large, small))
        lines.append(Line(f"grading {large.size}, a hand-in", ours, baseline, largest_ratio=LARGEST_RATIO))
        ours, baseline = (Side(f"{one.size} hand-ins", (one.again / one.size,)) for one in (large, small))
        lines.append(Line(f"finding nothing to grade of {large.size}, a hand-in", ours, baseline))
    return lines


def measure(rounds: int) -> list[Line]:
    """Once, whatever the rounds: it takes minutes."""
    return compare(SIZES)


def main() -> None:
    """Print the table for some sizes."""
    from rich.console import Console

    from benchmarks import report

    parser = argparse.ArgumentParser(prog="python -m benchmarks.class_size", description=__doc__)
    parser.add_argument("sizes", type=int, nargs="+", help="hand-ins, the smallest class first")
    parser.add_argument("--unit", default=UNIT, help="whose hand-ins are graded (default %(default)s)")
    options = parser.parse_args()
    if len(options.sizes) < 2 or options.sizes[0] < 1 or sorted(set(options.sizes)) != options.sizes:
        parser.error("give two sizes or more, the smallest first: it is what the others are compared with")
    known = [unit.name for unit in load_course().units]
    if options.unit not in known:
        parser.error(f"there is no unit {options.unit!r}: use {', '.join(known)}")
    Console().print(report.table(compare(options.sizes, options.unit)))


if __name__ == "__main__":
    main()
