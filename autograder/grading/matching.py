"""Putting a hand-in back into the shape of its release, without touching the student's work.

Pure functions on notebooks: no gradebook, no files.
"""

from __future__ import annotations

import ast
from copy import deepcopy
from dataclasses import dataclass, field

import nbformat
from nbformat import NotebookNode

from course.notebook.cells import grade_id, tree_of

# Tags of cells that are not run while grading: those that train, and those that only show something. They
# mean nothing on a student's own cells, and nothing on a cell of the release whose text was changed.
TRAINING, FIGURE = "training", "figure"
SKIPPING_TAGS = {TRAINING, FIGURE, "skip-execution"}
# Tag of a released cell whose output belongs to a written answer: it runs wherever it stands, for the person
# who grades that. On a student's own cells it means nothing either.
HANDED_IN = "handed-in"


@dataclass
class Repairs:
    """What was done to a hand-in, by the released cells' grade ids.

    Attributes:
        stripped: not one cell carried the release's metadata.
        missing: cells that were gone and have been put back as released.
        duplicated: cells that were there more than once.
        changed: read-only cells whose text was changed; it is the release's again.
        moved: checks that stood before the exercise that they check.
        retagged: cells whose tags were changed.
        lost: cells with a figure to hand in that were not found.
    """

    stripped: bool = False
    missing: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    moved: list[str] = field(default_factory=list)
    retagged: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def describe(self) -> list[str]:
        """One line for each kind of repair, for the log and for the student."""
        lines = []
        if self.stripped:
            lines.append("All nbgrader metadata was missing; cells were recognized by their text.")
        for names, what in (
            (self.missing, "missing, put back as released"),
            (self.duplicated, "duplicated, one kept"),
            (self.changed, "read-only and changed, restored"),
            (self.moved, "placed before its exercise, moved back"),
            (self.retagged, "tagged differently, restored"),
            (self.lost, "not found, so its figure is not shown here"),
        ):
            if names:
                lines.append(f"{what.capitalize()}: {', '.join(names)}.")
        return lines


def repair(submitted: NotebookNode, released: NotebookNode) -> tuple[NotebookNode, Repairs]:
    """A hand-in with every released cell present once, in a runnable order, with the release's metadata.

    A cell is recognized by its grade id, else by its cell id, else (read-only cells) by its text, else
    (exercises) by the functions that it defines, else (written answers, figures to hand in) by standing below
    what precedes it in the release.

    Args:
        submitted: a valid notebook.
        released: what students received.

    Returns:
        a new notebook, and what was repaired. Exercises and answers keep the student's text, read-only cells
        get the release's, and the student's own cells stay where they were.
    """
    submitted = deepcopy(submitted)
    repairs = Repairs(stripped=not any(grade_id(cell) for cell in submitted.cells))
    owners = _match(submitted.cells, released.cells)
    slots = _without_duplicates(submitted.cells, owners, released.cells, repairs)
    for slot in slots:
        if slot.owner is not None:
            _restore(slot.cell, released.cells[slot.owner], repairs)
        if slot.owner is None:
            _drop_tags(slot.cell, SKIPPING_TAGS | {HANDED_IN})
            slot.cell.metadata.pop("nbgrader", None)
        elif _content(slot.cell) != _content(released.cells[slot.owner]):
            _drop_tags(slot.cell, SKIPPING_TAGS)
    found = {slot.owner for slot in slots}
    repairs.lost = [
        cell.id for r, cell in enumerate(released.cells) if _is_handed_in(cell) and r not in found
    ]
    _insert_missing(slots, released.cells, repairs)
    _move_checks_down(slots, released.cells, repairs)
    _make_ids_unique(slots)
    submitted.cells = [slot.cell for slot in slots]
    return submitted, repairs


@dataclass
class _Slot:
    """A cell of the hand-in and the index of the released cell that it is, or None for a student's own."""

    cell: NotebookNode
    owner: int | None


def _match(cells: list[NotebookNode], released: list[NotebookNode]) -> list[int | None]:
    """For each submitted cell the index of its released cell; several may have the same one."""
    owners: list[int | None] = [None] * len(cells)
    indices = range(len(released))
    by_grade_id = {grade_id(released[r]): r for r in indices if grade_id(released[r])}
    for i, cell in enumerate(cells):
        owners[i] = by_grade_id.get(grade_id(cell))

    by_cell_id = {released[r].id: r for r in indices if r not in owners}
    for i in _unowned(owners):
        owners[i] = by_cell_id.get(cells[i].id)

    # Copies of a read-only cell are its duplicates even without its metadata: a training cell's would train.
    by_text = {_content(released[r]): r for r in indices if _is_read_only(released[r])}
    for i in _unowned(owners):
        owners[i] = by_text.get(_content(cells[i]))

    for r in indices:
        if r in owners or _is_read_only(released[r]):
            continue
        found = _find(cells, owners, released, r)
        if found is not None:
            owners[found] = r
    return owners


def _find(
    cells: list[NotebookNode], owners: list[int | None], released: list[NotebookNode], r: int
) -> int | None:
    """The submitted cell that is released cell r, an editable one, by what it defines or where it stands."""
    free = _unowned(owners)
    target = released[r]
    below = owners.index(r - 1) + 1 if r - 1 in owners else None
    if _is_handed_in(target) and below in free and cells[below].cell_type == "code":
        return below
    if not grade_id(target):
        return next((i for i in free if _content(cells[i]) == _content(target)), None)
    if target.cell_type == "code":
        wanted = _defined_names(target.source)
        code = [i for i in free if cells[i].cell_type == "code"]
        defining = [i for i in code if wanted and wanted <= _defined_names(cells[i].source)]
        return defining[-1] if defining else None
    return below if below in free and cells[below].cell_type == "markdown" else None


def _without_duplicates(
    cells: list[NotebookNode], owners: list[int | None], released: list[NotebookNode], repairs: Repairs
) -> list[_Slot]:
    """The hand-in's cells with one for each released cell.

    Spare copies of read-only cells and of untouched exercises go; a second attempt stays as a cell of the
    student's own, and runs where it stands.
    """
    slots = [_Slot(cell, owner) for cell, owner in zip(cells, owners, strict=True)]
    dropped: list[_Slot] = []
    for r, target in enumerate(released):
        copies = [slot for slot in slots if slot.owner == r]
        if len(copies) < 2:
            continue
        repairs.duplicated.append(target.id)
        edited = [] if _is_read_only(target) else [s for s in copies if _content(s.cell) != _content(target)]
        keep = (edited or copies)[0]
        for slot in copies:
            if slot is keep:
                continue
            if slot in edited:
                slot.owner = None
            else:
                dropped.append(slot)
    return [slot for slot in slots if not any(slot is other for other in dropped)]


def _restore(cell: NotebookNode, target: NotebookNode, repairs: Repairs) -> None:
    """Give a recognized cell the release's type, id and metadata and, where it is read-only, text."""
    if _is_read_only(target):
        if _content(cell) != _content(target):
            repairs.changed.append(target.id)
        cell.source = target.source
    retagged = set(cell.metadata.get("tags", [])) != set(target.metadata.get("tags", []))
    if retagged and grade_id(target) and not repairs.stripped:
        repairs.retagged.append(target.id)
    if cell.cell_type != target.cell_type:
        _change_type(cell, target.cell_type)
    cell["id"] = target.id
    cell["metadata"] = deepcopy(target.metadata)


def _change_type(cell: NotebookNode, cell_type: str) -> None:
    cell["cell_type"] = cell_type
    for key in ("attachments", "outputs", "execution_count"):
        cell.pop(key, None)
    if cell_type == "code":
        cell.update(outputs=[], execution_count=None)


def _insert_missing(slots: list[_Slot], released: list[NotebookNode], repairs: Repairs) -> None:
    """Put back graded and read-only cells that are gone.

    A check goes behind the student's cells that follow its exercise, since these may be its helpers; all
    others go right behind what precedes them in the release, since what follows may need them.
    """
    for r, target in enumerate(released):
        if not grade_id(target) or _position(slots, r) is not None:
            continue
        before = [p for p in (_position(slots, k) for k in range(r - 1, -1, -1)) if p is not None]
        position = before[0] + 1 if before else 0
        if _is_check(target):
            after = (_position(slots, k) for k in range(r + 1, len(released)))
            position = next((p for p in after if p is not None and p >= position), len(slots))
        slots.insert(position, _Slot(deepcopy(target), r))
        repairs.missing.append(target.id)


def _move_checks_down(slots: list[_Slot], released: list[NotebookNode], repairs: Repairs) -> None:
    """A check above its exercise can only fail; put it right below."""
    exercise = None
    for r, target in enumerate(released):
        if target.cell_type == "code" and _facts(target).get("solution"):
            exercise = r
        if not _is_check(target) or exercise is None:
            continue
        check_position, exercise_position = _position(slots, r), _position(slots, exercise)
        assert check_position is not None and exercise_position is not None  # _insert_missing saw to both
        if check_position < exercise_position:
            slots.insert(exercise_position, slots.pop(check_position))
            repairs.moved.append(target.id)


def _make_ids_unique(slots: list[_Slot]) -> None:
    """Cell ids must differ; released cells keep theirs."""
    seen = {slot.cell.id for slot in slots if slot.owner is not None}
    for slot in slots:
        if slot.owner is None:
            while slot.cell.id in seen:
                slot.cell["id"] = nbformat.v4.new_code_cell().id
            seen.add(slot.cell.id)


def _position(slots: list[_Slot], r: int) -> int | None:
    return next((p for p, slot in enumerate(slots) if slot.owner == r), None)


def _unowned(owners: list[int | None]) -> list[int]:
    return [i for i, owner in enumerate(owners) if owner is None]


def _facts(cell: NotebookNode) -> NotebookNode:
    return cell.metadata.get("nbgrader", NotebookNode())


def _is_read_only(cell: NotebookNode) -> bool:
    return bool(grade_id(cell)) and not _facts(cell).get("solution")


def _is_check(cell: NotebookNode) -> bool:
    return bool(_facts(cell).get("grade")) and not _facts(cell).get("solution")


def _content(cell: NotebookNode) -> tuple[str, str]:
    """Type and text, without the white space that editors add or remove."""
    return cell.cell_type, "\n".join(line.rstrip() for line in cell.source.strip().splitlines())


def _defined_names(source: str) -> set[str]:
    """The functions and classes that a code cell defines at its top level."""
    return {node.name for node in tree_of(source).body if isinstance(node, ast.FunctionDef | ast.ClassDef)}


def _is_handed_in(cell: NotebookNode) -> bool:
    return HANDED_IN in cell.metadata.get("tags", [])


def _drop_tags(cell: NotebookNode, unwanted: set[str]) -> None:
    tags = [tag for tag in cell.metadata.get("tags", []) if tag not in unwanted]
    cell.metadata.pop("tags", None)
    if tags:
        cell.metadata["tags"] = tags
