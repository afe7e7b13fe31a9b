"""What to do about what a student handed in, and what to say. Pure: nothing is looked at or written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from autograder.grading.preflight.found import Candidate, Kind, Moved, Place, Student
from autograder.grading.preflight.names import free_name, is_named, shown, version

# Files that were changed within so many seconds were unpacked together, and their times say nothing.
SAME_MOMENT = 10.0
MOST_NAMED = 8
# nbgrader grades a notebook without cells as one in which nothing is solved, and makes its feedback page.
PLACEHOLDER = json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()
PLACEHOLDER_DIGEST = hashlib.sha256(PLACEHOLDER).hexdigest()
STAMP = "timestamp.txt"


@dataclass(frozen=True)
class Copy:
    """Write a file's content under another name; its time stays."""

    source: PurePosixPath
    target: PurePosixPath


@dataclass(frozen=True)
class Move:
    """Give something another name, and say why."""

    source: PurePosixPath
    target: PurePosixPath
    remark: str = ""


@dataclass(frozen=True)
class Placeholder:
    """Write a notebook without cells."""

    target: PurePosixPath


Step = Copy | Move | Placeholder


@dataclass(frozen=True)
class Plan:
    """What to do, in order, and what to say.

    Attributes:
        student: the name under which the student is graded.
        steps: what puts the notebook into its place; nothing is deleted or overwritten by them.
        remarks: a sentence each, for student and instructor.
        problem: why there is no notebook, with the remedy; "" where there is one.
    """

    student: str
    steps: tuple[Step, ...]
    remarks: tuple[str, ...]
    problem: str = ""


def plan(student: Student, aside: PurePosixPath) -> Plan:
    """How a student's notebook gets into its place.

    Args:
        student: what was found.
        aside: the folder for what must leave ``submitted/``.
    """
    place, name = student.place, student.place.name
    chosen = choose(student.candidates, place)
    moves = _moves(student, chosen, aside)
    moved_to = {move.source: move.target for move in moves}
    about_moves = {move.remark for move in moves}
    about_moves |= {moved.remark for moved in student.moved.values() if _still_holds(student, moved)}
    steps: list[Step] = [*moves]
    problem = ""
    if chosen is None:
        problem = _problem(student, name, bool(about_moves - {""}))
        if student.state is not Place.OURS or student.place_digest != PLACEHOLDER_DIGEST:
            steps.append(Placeholder(place))
    elif chosen.path != place:
        if student.state is not Place.OURS or student.place_digest != chosen.digest:
            steps.append(Copy(_after(chosen.path, moved_to), place))
        steps += _along(student, chosen, moved_to)
    remarks = [*_about_folder(student), *_about_choice(student, chosen, moved_to)]
    remarks += sorted(about_moves - {""})
    return Plan(student.id, tuple(steps), tuple(dict.fromkeys(remarks)), problem)


def choose(candidates: Iterable[Candidate], place: PurePosixPath) -> Candidate | None:
    """The notebook that counts: the newest with work in it; else the newest untouched one, or damaged one.

    Args:
        candidates: files of one student.
        place: where nbgrader looks; its name is the notebook's.
    """
    notebook = place.stem
    eligible = [one for one in candidates if _is_eligible(one, place)]
    if not eligible:
        return None
    order = list(Kind)
    best = min(order.index(one.kind) for one in eligible)
    pool = sorted((one for one in eligible if one.kind is order[best]), key=lambda one: one.time)
    latest = [pool.pop()]
    while pool and latest[-1].time - pool[-1].time < SAME_MOMENT:
        latest.append(pool.pop())
    chosen = max(
        latest, key=lambda one: (version(one.path.name, notebook), one.path == place, one.time, str(one.path))
    )
    same = [one for one in candidates if one.path == place and one.digest and one.digest == chosen.digest]
    return same[0] if same else chosen


def _is_eligible(one: Candidate, place: PurePosixPath) -> bool:
    if one.kind is Kind.FOREIGN:
        return one.path == place
    return one.kind is not Kind.UNREADABLE or one.at_home or is_named(one.path.name, place.stem)


def _still_holds(student: Student, moved: Moved) -> bool:
    """Whether what is said of something that was moved is still so: nothing better was handed in since."""
    if moved.source == student.place:
        return bool(moved.remark) and student.state in (Place.OURS, Place.NOTHING)
    return bool(moved.remark) and moved.source not in student.present


def _moves(student: Student, chosen: Candidate | None, aside: PurePosixPath) -> list[Move]:
    """What leaves its place: whatever stands in the notebook's, and what nbgrader must not meet."""
    place = student.place
    moves = []
    for path, why in sorted(student.apart.items()):
        # The folder itself may be one of them.
        below = PurePosixPath(path.name) if path == place.parent else path.relative_to(place.parent)
        moves.append(Move(path, aside / below, f"{shown(below)} was left out: {why}."))
    for path, text in sorted(student.stamps.items()):
        if path.parent == place.parent:
            moves.append(Move(path, path.with_name("timestamp-unread.txt"), _about_stamp(text)))
    in_the_way = student.state not in (Place.NOTHING, Place.OURS) and (chosen is None or chosen.path != place)
    if in_the_way and student.state is Place.FILE:
        earlier = place.with_name(f"{place.stem}-earlier.ipynb")
        moves.append(Move(place, free_name(earlier, student.present.__contains__)))
    elif in_the_way and student.state is Place.FOLDER:
        moves.append(Move(place, place.with_name(f"{place.stem}-folder"), f"{place.name} was a folder."))
    return moves


def _along(student: Student, chosen: Candidate, moved_to: dict[PurePosixPath, PurePosixPath]) -> list[Step]:
    """Own modules and data of the student come along; what is there already stays."""
    steps: list[Step] = []
    for path, digest in sorted(student.beside.get(chosen.path, {}).items()):
        target = student.place.parent / path.relative_to(chosen.path.parent)
        there = student.present.get(target)
        ours = there is not None and student.written.get(target) == there
        if path not in student.stamps and (there is None or (ours and there != digest)):
            steps.append(Copy(_after(path, moved_to), target))
    return steps


def _after(path: PurePosixPath, moved_to: dict[PurePosixPath, PurePosixPath]) -> PurePosixPath:
    """Where a file is once the moves are made."""
    for source, target in moved_to.items():
        if path == source or source in path.parents:
            return target / path.relative_to(source)
    return path


def _about_folder(student: Student) -> list[str]:
    if not student.alias_of:
        return []
    name = shown(student.alias_of)
    return [f"nbgrader cannot use the folder name {name}: this is graded as {student.id}."]


def _about_choice(
    student: Student, chosen: Candidate | None, moved_to: dict[PurePosixPath, PurePosixPath]
) -> list[str]:
    def told(path: PurePosixPath) -> str:
        path = _after(path, moved_to)
        below = path.is_relative_to(student.place.parent)
        return shown(path.relative_to(student.place.parent) if below else PurePosixPath(*path.parts[1:]))

    remarks = [
        _about_stamp(text)
        for path, text in sorted(student.stamps.items())
        if path.parent != student.place.parent and chosen is not None and path.parent == chosen.path.parent
    ]
    if chosen is None:
        return remarks
    if len(student.candidates) > 1:
        named = sorted(f"{told(one.path)} ({one.told})" for one in student.candidates)
        what = "newest with work in it" if chosen.kind is Kind.SOLVED else "newest"
        return [
            f"{len(named)} files were handed in as the notebook: {_listed(named)}. The {what} was graded: "
            f"{told(chosen.path)}.",
            *remarks,
        ]
    if chosen.path != student.place:
        remarks.insert(0, f"Handed in as {told(chosen.path)}, and graded as {student.place.name}.")
    return remarks


def _problem(student: Student, name: str, moved: bool) -> str:
    """Why there is no notebook; where something was moved, remarks say more than this."""
    found = [f"{shown(one.path.name)} is {one.told}" for one in student.candidates]
    if not found and student.others:
        found = [f"there is {_listed([shown(other) for other in sorted(student.others)])}"]
    elif not found and not moved:
        found = ["the folder is empty"]
    why = f": {'; '.join(found)}" if found else ""
    return f"No notebook of this unit was handed in{why}. Hand in {name}."


def _about_stamp(text: str) -> str:
    return (
        f"{STAMP} is not a date that can be read ({shown(text)!r}), so this counts as handed in on time. "
        "Write it as 2026-03-31 23:59:00 UTC."
    )


def _listed(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
