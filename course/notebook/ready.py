"""A look at the whole notebook before it is handed in: every check, and the cells that the grader needs."""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from course.checks import State, check
from course.checks.render import SYMBOLS
from course.errors import CourseError
from course.frontend import show_below
from course.notebook.cells import cell_id, grade_id, mapping, source_of, tree_of
from course.notebook.display import Fragment, box, bullets, paragraph, table
from course.notebook.fingerprint import notebook_names
from course.notebook.imports import modules_in, unknown_modules
from course.notebook.logbook import show_logbook
from course.notebook.notebook_file import find_notebook
from course.notebook.released import ANSWER_HERE, Kind, Release, load_release
from course.notebook.session import Session, current

STUBS = (ANSWER_HERE, "YOUR ANSWER HERE")  # the second is nbgrader's own, as in earlier releases


@dataclass(frozen=True)
class Findings:
    """What is wrong with a notebook's cells, by the ids of the release.

    Attributes:
        stripped_all: not one cell has nbgrader's metadata.
        missing: cells that are not there.
        duplicated: cells that are there more than once.
        stripped: cells that are there and have lost their metadata.
        elsewhere: exercises whose own cell still holds the stub, with the student's code in another cell.
        unanswered: questions without an answer.
        unknown: modules that answers import and that grading may lack, as "`pandas` in `summarize`".
        other_release: id of the release that the notebook is from, if it is another one; "" if not.
    """

    stripped_all: bool = False
    missing: tuple[str, ...] = ()
    duplicated: tuple[str, ...] = ()
    stripped: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()
    unanswered: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    other_release: str = ""

    @property
    def clean(self) -> bool:
        """Whether all cells are as the grader needs them."""
        return self == Findings(unanswered=self.unanswered, unknown=self.unknown)


@dataclass(frozen=True)
class Readiness:
    """What there is to know before handing in.

    Attributes:
        states: exercise → what its check says now, or None where the notebook has not defined it.
        findings: about the cells, or None where the notebook's file was not found.
        source: where the notebook was read from.
        as_saved: changes since the last saving were not seen.
    """

    states: Mapping[str, State | None]
    findings: Findings | None = None
    source: str = ""
    as_saved: bool = True

    @property
    def ready(self) -> bool:
        """Every check passes, every question has an answer, and the cells are in order."""
        passed = all(state is State.CORRECT for state in self.states.values())
        return passed and self.findings is not None and self.findings == Findings()


def ready_to_hand_in(path: Path | str | None = None) -> None:
    """Run every check on the notebook's functions, look at the cells of its saved file, and show both.

    Below stands the logbook, which is handed in with the notebook; `course.delete_logbook` deletes it.

    Args:
        path: the notebook's file, where it is not found by itself.

    Raises:
        CourseError: the notebook's imports have not been run, or ``path`` is no notebook.
    """
    session = current()
    notebook = find_notebook(session.unit.name, path)
    states = run_checks(session)
    if notebook is None:
        readiness = Readiness(states)
    else:
        beside = modules_in(Path.cwd())
        findings = inspect_cells(notebook.content, load_release(session.unit.name), beside)
        readiness = Readiness(states, findings, notebook.source, notebook.as_saved)
    show_below(describe(session, readiness))
    session.show_remarks()
    show_logbook(session)


def run_checks(session: Session) -> dict[str, State | None]:
    """The state of each exercise of the unit, checked now. The progress is kept as after any check."""
    names = notebook_names()
    states: dict[str, State | None] = {}
    for exercise in session.unit.exercises:
        if exercise.name not in names:
            states[exercise.name] = None
            continue
        state = check.run(exercise.name, names[exercise.name]).state
        states[exercise.name] = state
        try:
            session.note_check(exercise.name, state)
        except CourseError as error:
            session.store.remarks.append(f"The progress was not kept: {error}.")
    return states


@dataclass
class _Found:
    """The cells of a notebook that are one cell of the release."""

    labeled: list[Mapping[str, Any]] = field(default_factory=list)  # by nbgrader's metadata
    bare: list[Mapping[str, Any]] = field(default_factory=list)  # by cell id or definition alone


def inspect_cells(content: Mapping[str, Any], release: Release, beside: Collection[str] = ()) -> Findings:
    """Compare a notebook's cells with the release's.

    Args:
        content: a notebook as JSON data, of any quality.
        release: what students received.
        beside: modules beside the notebook.
    """
    cells = [cell for cell in content.get("cells", ()) if isinstance(cell, dict)]
    found = {cell.id: _Found() for cell in release.cells}
    exercises = {cell.id for cell in release.cells if cell.kind is Kind.EXERCISE}
    unlabeled = []
    written: set[str] = set()  # exercises that an unlabeled cell defines, and not by a stub
    for cell in cells:
        label = grade_id(cell)
        if label in found:
            found[label].labeled.append(cell)
        else:
            unlabeled.append(cell)
    for cell in unlabeled:
        written |= {name for name, stub in _definitions(cell).items() if not stub} & exercises
        defined = [name for name in _definitions(cell) if name in exercises and not found[name].labeled]
        candidates = [name for name in (cell_id(cell), *defined) if name in found]
        if candidates:
            found[candidates[0]].bare.append(cell)
    return Findings(
        stripped_all=bool(cells) and not any(one.labeled for one in found.values()),
        missing=tuple(name for name, one in found.items() if not one.labeled and not one.bare),
        duplicated=tuple(name for name, one in found.items() if len(one.labeled) > 1),
        stripped=tuple(name for name, one in found.items() if one.bare and not one.labeled),
        elsewhere=tuple(name for name in found if name in written and _all_stubs(name, found[name].labeled)),
        unanswered=_unanswered(release, found),
        unknown=tuple(
            f"`{module}` in `{name}`"
            for name in found
            if name in exercises
            for one in [*found[name].labeled, *found[name].bare][:1]
            for module in unknown_modules(source_of(one), beside)
        ),
        other_release=_other_release(content, release),
    )


def describe(session: Session, readiness: Readiness) -> Fragment:
    """The report of `ready_to_hand_in`."""
    rows = [
        [f"`{exercise.name}`", _say_state(readiness.states[exercise.name]), f"{exercise.points}"]
        for exercise in session.unit.exercises
    ]
    title = "✓ Ready to hand in." if readiness.ready else "○ Not everything is in order yet."
    return box(
        title,
        table(["exercise", "its check says", "points"], rows),
        *_say_cells(readiness, f"{session.unit.notebook}.ipynb"),
    )


def _say_state(state: State | None) -> str:
    if state is None:
        return "· not defined in this session: run the notebook from the top"
    return f"{SYMBOLS[state]} {state.value}"


def _say_cells(readiness: Readiness, notebook: str) -> list[Fragment]:
    findings = readiness.findings
    if findings is None:
        return [
            paragraph(
                "The notebook's own file was not found, so its cells were not checked. Save it, and name "
                f'the file, with its folder if it is elsewhere: `course.ready_to_hand_in("{notebook}")`.'
            )
        ]
    unsaved = (
        "Changes since you last saved are not included: save, then run this cell again."
        if readiness.as_saved
        else "Unsaved changes are included here: save before you hand in."
    )
    parts = [paragraph(f"Cells checked: {readiness.source}. {unsaved}")]
    remarks = _remarks(findings)
    if remarks:
        parts.append(bullets(remarks))
    if findings.clean:
        parts.append(paragraph("Every cell needed for grading is there exactly once, with its metadata."))
    return parts


def _remarks(findings: Findings) -> list[str]:
    remarks = []
    if findings.stripped_all:
        remarks.append(
            "*All* cells have lost the metadata that grading needs. Copy functions and answers into a "
            "fresh copy of the notebook and hand that in."
        )
    elif findings.stripped:
        remarks.append(
            f"Without the metadata that grading needs: {_listed(findings.stripped)}. It is lost when a "
            "cell's text is pasted into a new cell. Paste it into the cell of a fresh copy of the notebook."
        )
    if findings.missing:
        remarks.append(
            f"Missing: {_listed(findings.missing)}. Undo the deletion, or copy them from a fresh copy of "
            "the notebook."
        )
    if findings.duplicated:
        remarks.append(
            f"Present more than once: {_listed(findings.duplicated)}. Keep one of each and delete the others."
        )
    if findings.elsewhere:
        remarks.append(
            f"The exercise's own cell still holds the stub: {_listed(findings.elsewhere)}. Your code "
            "is in another cell, where grading can miss it (below the check, say): move it into its own."
        )
    if findings.unanswered:
        remarks.append(f"Not answered yet: {_listed(findings.unanswered)}.")
    if findings.unknown:
        remarks.append(
            f"Grading may not have what you import: {', '.join(findings.unknown)}. Without it the exercise "
            "fails there: do without the import, or ask your instructor."
        )
    if findings.other_release:
        remarks.append(
            f"This notebook is from release {findings.other_release}, the installed course from another. "
            "Ask which of the two to hand in."
        )
    return remarks


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _all_stubs(name: str, cells: Sequence[Mapping[str, Any]]) -> bool:
    """Whether there are cells, and each of them defines the function with its answer still to be written."""
    return bool(cells) and all(_definitions(cell).get(name, False) for cell in cells)


def _unanswered(release: Release, found: Mapping[str, _Found]) -> tuple[str, ...]:
    answers = [cell.id for cell in release.cells if cell.kind is Kind.ANSWER]
    return tuple(
        name
        for name in answers
        if (copies := [*found[name].labeled, *found[name].bare])
        and not any(_is_answered(source_of(cell)) for cell in copies)
    )


def _is_answered(text: str) -> bool:
    """Whether there is more than the release's stub, which may have been left in place, and white space."""
    for stub in STUBS:
        text = text.replace(stub, "")
    return bool(text.strip("> \t\r\n"))


def _other_release(content: Mapping[str, Any], release: Release) -> str:
    course = mapping(mapping(content.get("metadata")).get("course"))
    theirs = course.get("release")
    return theirs if isinstance(theirs, str) and theirs != release.release else ""


def _definitions(cell: Mapping[str, Any]) -> dict[str, bool]:
    """The functions that a code cell defines at its top level; of each, whether it is a stub."""
    if cell.get("cell_type") != "code":
        return {}
    tree = tree_of(source_of(cell))
    return {node.name: _is_stub(node) for node in tree.body if isinstance(node, ast.FunctionDef)}


def _is_stub(function: ast.FunctionDef) -> bool:
    """Whether it holds the release's ``raise NotImplementedError()``, in an inner function as well."""
    raised = [node.exc for node in ast.walk(function) if isinstance(node, ast.Raise)]
    names = [exc.func if isinstance(exc, ast.Call) else exc for exc in raised]
    return any(isinstance(name, ast.Name) and name.id == "NotImplementedError" for name in names)
