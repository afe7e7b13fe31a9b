"""Exercises and questions: written in a notebook's source, and read by the course from a derived file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path

from autograder.builder.source import FILLED_ABOUT, SourceCell, read_source
from course.catalog import EXERCISES, Course, Entry, Graded, Unit, graded_from, read_course
from course.records import parse_yaml, require


def read_sources(root: Path) -> Course:
    """The course as its sources describe it; no derived file is read.

    Args:
        root: the repository, or a folder laid out like it.

    Raises:
        CourseError: course.yml, a unit.yml or what a notebook's source says of an exercise or a question is
            wrong; the message names the file, and in a notebook the cell.
    """
    return read_course(root / "course", partial(graded_in, root))


def graded_in(root: Path, unit: Unit) -> Graded:
    """What the source of a unit's notebook says of its exercises and questions.

    It is YAML, in the cell ``about="NAME"`` of an exercise and in the cell ``question="NAME"`` of a question.
    The rest of the build and the course itself get it from here.

    Args:
        root: the repository, or a folder laid out like it.
        unit: the unit; of it only its name and its notebook's count.

    Raises:
        CourseError: as `read_sources`.
    """
    cells = read_source(root, unit).cells
    return graded_from(
        exercises=[_entry(cell) for cell in cells if cell.kind == "about" and cell.name not in FILLED_ABOUT],
        questions=[_entry(cell) for cell in cells if cell.kind == "question"],
    )


def exercises_path(unit: str) -> Path:
    """Where a unit's file is, within the repository."""
    return Path("course", "units", unit, EXERCISES)


def exercises_file(unit: Unit) -> bytes:
    """The file that `course.catalog` reads; equal exercises and questions give equal bytes."""
    data = asdict(Graded(unit.exercises, unit.questions))
    return f"{json.dumps(data, indent=1, ensure_ascii=False)}\n".encode()


def _entry(cell: SourceCell) -> Entry:
    data = parse_yaml(cell.node.source, cell.where)
    if isinstance(data, Mapping):
        require("name" not in data, cell.where, "unknown name: the cell's header has it")
        data = {"name": cell.name, **data}
    return cell.where, data
