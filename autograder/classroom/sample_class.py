"""Hand-ins of a sample class, made from a unit's release and its solutions.

Each is what a student's file may look like, right, wrong or damaged, together with the points it deserves.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from autograder.builder.functions import BEGIN, END, FunctionTexts
from autograder.grading.matching import TRAINING
from autograder.units import instructor_unit
from autograder.units.alternative import alternatives_of
from autograder.units.mutant import Mutant, apply_edits, mutants_of
from course.catalog import Unit, load_course
from course.errors import CourseError

STUB = "raise NotImplementedError()"


@dataclass(frozen=True)
class HandIn:
    """One student's file.

    Attributes:
        student: the student's id, which says what is special about the file.
        content: the bytes of the .ipynb file.
        solved: the exercises that deserve their points.
    """

    student: str
    content: bytes
    solved: frozenset[str]


class SampleClass:
    """Makes hand-ins for one unit."""

    def __init__(self, root: Path, unit_name: str, fault: Mutant | None = None) -> None:
        """Read the unit's release and solutions.

        Args:
            root: the repository, or a folder laid out like it, with the unit built.
            unit_name: the unit.
            fault: what the wrong hand-in gets wrong; by default the unit's subtle fault, and then there is a
                hand-in with its early fault as well.

        Raises:
            CourseError: the unit is unknown or not built.
        """
        self.unit: Unit = load_course(root / "course").unit(unit_name)
        release = root / "release" / unit_name / f"{self.unit.notebook}.ipynb"
        if not release.is_file():
            raise CourseError(f"{release} is missing: run `python -m autograder build {unit_name}`")
        self.release = nbformat.read(release, as_version=4)
        label = f"solutions/{unit_name}.py"
        self._functions = FunctionTexts(root / label, label)
        self.names = [item.name for item in self.unit.exercises]
        self._fault, self._early = (fault, None) if fault is not None else _own_faults(unit_name)
        used = {name for item in self.unit.exercises for name in item.prerequisites}
        # An exercise that no other one needs, so that losing it costs its own points alone.
        self.alone = next(name for name in self.names if name not in used)

    def demonstration(self) -> list[HandIn]:
        """A perfect, an untouched, a half-done and a subtly wrong hand-in."""
        return [self.perfect(), self.untouched(), self.half(), self.wrong()]

    def ordinary(self) -> list[HandIn]:
        """The demonstration's, and those with faults that happen in every class."""
        return [
            *self.demonstration(),
            self.warning(),
            self.duplicated(),
            self.deleted_check(),
            self.weakened_check(),
            self.stripped(),
            self.endless(),
            *self.early(),
        ]

    def rare(self) -> list[HandIn]:
        """Faults that are rarer, or meant."""
        return [
            self.stubborn_loop(),
            self.exits(),
            self.floods(),
            self.odd_lines(),
            self.other_release(),
            self.tagged_check(),
            self.untagged_training(),
            self.own_training(),
            self.shown_values(),
            HandIn("not_json", b"# Not a notebook", frozenset()),
            HandIn("empty_file", b"", frozenset()),
            HandIn("binary", bytes(range(256)), frozenset()),
            HandIn(
                "no_cells", b'{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}', frozenset()
            ),
            self.odd_schema(),
        ]

    def variety(self, count: int) -> list[HandIn]:
        """Hand-ins that all differ, right and wrong in turn.

        A right one has other right answers than the reference in all exercises, a wrong one a mutant in one.
        """
        unit = self.unit.name
        mutants = mutants_of(unit)
        found = []
        for number in range(count):
            if number % 2:
                mutant = mutants[number * len(mutants) // count]
                found.append(self._with_fault(f"mutant{number}", mutant))
            else:
                found.append(self._otherwise(f"alternative{number}", number // 2))
        return found

    def perfect(self) -> HandIn:
        """Everything solved, questions answered."""
        return self._hand_in("perfect", self._solved(), self.names)

    def untouched(self) -> HandIn:
        """The release as it is."""
        return self._hand_in("untouched", deepcopy(self.release), ())

    def half(self) -> HandIn:
        """The first half of the exercises."""
        names = self.names[: len(self.names) // 2]
        return self._hand_in("half", self._solved(names), names)

    def wrong(self) -> HandIn:
        """One plausible mistake."""
        return self._with_fault("wrong", self._fault)

    def early(self) -> list[HandIn]:
        """A mistake in an exercise that later ones call, in a unit that has one."""
        return [self._with_fault("early", self._early)] if self._early else []

    def warning(self) -> HandIn:
        """Right answers that write to stderr while they are checked."""
        notebook = self._solved()
        for name in self.names:
            cell = _cell(notebook, name)
            lines = 'import sys, warnings\nprint("a note", file=sys.stderr)\nwarnings.warn("a warning")\n'
            wrapper = (
                f"\n\ndef _noisy(function):\n    def call(*args, **kwargs):\n{_indent(lines, 8)}"
                f"        return function(*args, **kwargs)\n    return call\n\n{name} = _noisy({name})"
            )
            cell.source += wrapper
        return self._hand_in("warning", notebook, self.names)

    def duplicated(self) -> HandIn:
        """Two copies of a check, an untouched copy of an exercise behind its answer, an answer twice."""
        notebook = self._solved()
        first, second = self.names[:2]
        for copied in (
            _cell(notebook, f"check-{first}"),
            _cell(self.release, first),
            _cell(notebook, second),
        ):
            position = notebook.cells.index(_cell(notebook, copied.id)) + 1
            notebook.cells.insert(position, deepcopy(copied))
        return self._hand_in("duplicated", notebook, self.names)

    def deleted_check(self) -> HandIn:
        """All checks deleted; the last exercise is not solved."""
        solved = self.names[:-1]
        notebook = self._solved(solved)
        notebook.cells = [cell for cell in notebook.cells if not cell.id.startswith("check-")]
        return self._hand_in("deleted_check", notebook, solved)

    def weakened_check(self) -> HandIn:
        """The last exercise is not solved, and its check accepts anything."""
        solved = self.names[:-1]
        notebook = self._solved(solved)
        _cell(notebook, f"check-{self.names[-1]}").source = "pass"
        return self._hand_in("weakened_check", notebook, solved)

    def stripped(self) -> HandIn:
        """All solved, but an editor dropped all metadata and the cell ids."""
        notebook = self._solved()
        notebook.metadata = NotebookNode()
        notebook.nbformat_minor = 4
        for cell in notebook.cells:
            cell.metadata = NotebookNode()
            del cell["id"]
        return self._hand_in("stripped", notebook, self.names)

    def odd_lines(self) -> HandIn:
        """All solved; one answer imports a module that nobody has, and overwrites functions of Python."""
        notebook = self._solved()
        cell = _cell(notebook, self.names[0])
        cell.source = f"import left_pad\nimport builtins; builtins.len = builtins.print = 2\n{cell.source}"
        return self._hand_in("odd_lines", notebook, self.names)

    def endless(self) -> HandIn:
        """One function never returns."""
        return self._with_body("endless", "while True:\n    pass")

    def stubborn_loop(self) -> HandIn:
        """One function never returns and cannot be interrupted."""
        attempt = "    try:\n        time.sleep(1)\n    except BaseException:\n        continue"
        return self._with_body("stubborn_loop", f"import time\nwhile True:\n{attempt}")

    def exits(self) -> HandIn:
        """One function ends the process."""
        return self._with_body("exits", "import os\nos._exit(0)")

    def floods(self) -> HandIn:
        """All solved; one cell prints ten million characters."""
        notebook = self._solved()
        notebook.cells.insert(
            notebook.cells.index(_cell(notebook, self.names[0])),
            nbformat.v4.new_code_cell("for _ in range(1000):\n    print('x' * 10_000)"),
        )
        return self._hand_in("floods", notebook, self.names)

    def other_release(self) -> HandIn:
        """All solved, in the notebook of another release."""
        notebook = self._solved()
        notebook.metadata.course.release = "0123456789ab"
        return self._hand_in("other_release", notebook, self.names)

    def tagged_check(self) -> HandIn:
        """Nothing solved, and every check tagged so that it would not be run."""
        notebook = deepcopy(self.release)
        for name in self.names:
            _cell(notebook, f"check-{name}").metadata["tags"] = [TRAINING, "skip-execution"]
        return self._hand_in("tagged_check", notebook, ())

    def untagged_training(self) -> HandIn:
        """All solved; the training cells have lost their tag, and one is there twice without metadata."""
        notebook = self._solved()
        training = [cell for cell in notebook.cells if TRAINING in cell.metadata.get("tags", [])]
        for cell in training:
            cell.metadata["tags"] = []
        for cell in training[:1]:
            position = notebook.cells.index(_cell(notebook, self.names[-1]))
            notebook.cells.insert(position, nbformat.v4.new_code_cell(cell.source))
        return self._hand_in("untagged_training", notebook, self.names)

    def own_training(self) -> HandIn:
        """All solved; behind the last check the student has experiments of hours."""
        notebook = self._solved()
        notebook.cells.append(nbformat.v4.new_code_cell("import time\ntime.sleep(36_000)"))
        return self._hand_in("own_training", notebook, self.names)

    def shown_values(self) -> HandIn:
        """Nothing solved; each check is replaced by a value that nbgrader would take for points."""
        notebook = deepcopy(self.release)
        values = ["float('nan')", "-1", "'100'", "None", "1000", "[1]"]
        for name, value in zip(self.names, values * len(self.names), strict=False):
            cell = _cell(notebook, f"check-{name}")
            cell.source = value
            notebook.cells.insert(notebook.cells.index(cell) + 1, nbformat.v4.new_code_cell(value))
        return self._hand_in("shown_values", notebook, ())

    def odd_schema(self) -> HandIn:
        """All solved; the metadata is of another version of nbgrader, and partly of a wrong type."""
        notebook = self._solved()
        for cell, version in zip(notebook.cells, [1, 99, "three"] * len(notebook.cells), strict=False):
            if "nbgrader" in cell.metadata:
                cell.metadata.nbgrader["schema_version"] = version
                cell.metadata.nbgrader["points"] = "many"
        return self._hand_in("odd_schema", notebook, self.names)

    def _but(self, *lost: str) -> list[str]:
        return [name for name in self.names if name not in lost]

    def _with_body(self, student: str, body: str) -> HandIn:
        notebook = self._solved()
        cell = _cell(notebook, self.alone)
        stub = _cell(self.release, self.alone).source
        line = next(line for line in stub.splitlines() if line.strip() == STUB)
        cell.source = stub.replace(line, _indent(body, len(line) - len(line.lstrip())))
        return self._hand_in(student, notebook, self._but(self.alone))

    def _solved(self, names: Iterable[str] | None = None) -> NotebookNode:
        """The release with these exercises solved (all, if not given) and the questions answered."""
        notebook = deepcopy(self.release)
        for name in self.names if names is None else names:
            _cell(notebook, name).source = _without_markers(self._functions.exercise(name))
        for question in self.unit.questions:
            _cell(notebook, f"question-{question.name}").source = "My answer, in my own words."
        return notebook

    def _with_fault(self, student: str, fault: Mutant) -> HandIn:
        notebook = self._solved()
        mutated = apply_edits(fault, self._functions.exercise(fault.exercise))
        _cell(notebook, fault.exercise).source = _without_markers(mutated)
        return self._hand_in(student, notebook, self._but(fault.exercise))

    def _otherwise(self, student: str, number: int) -> HandIn:
        """All solved, in each exercise by the alternative of that number, counted around."""
        notebook = self._solved()
        for name in self.names:
            answers = [one for one in alternatives_of(self.unit.name) if one.exercise == name]
            _cell(notebook, name).source = answers[number % len(answers)].source
        return self._hand_in(student, notebook, self.names)

    def _hand_in(self, student: str, notebook: NotebookNode, solved: Iterable[str]) -> HandIn:
        return HandIn(student, json.dumps(notebook, indent=1).encode(), frozenset(solved))


def _own_faults(unit: str) -> tuple[Mutant, Mutant | None]:
    """The unit's subtle fault, and its early one if it has one."""
    own = instructor_unit(unit)
    return _mutant(unit, own.subtle_fault), _mutant(unit, own.early_fault) if own.early_fault else None


def _mutant(unit: str, fault: tuple[str, str]) -> Mutant:
    return next(mutant for mutant in mutants_of(unit) if (mutant.exercise, mutant.slip) == fault)


def _cell(notebook: NotebookNode, cell_id: str) -> NotebookNode:
    return next(cell for cell in notebook.cells if cell.id == cell_id)


def _without_markers(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if BEGIN not in line and END not in line)


def _indent(text: str, spaces: int) -> str:
    return "".join(" " * spaces + line for line in text.splitlines(keepends=True))
