"""What attackers and their victim hand in."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path

import nbformat

from autograder.classroom.attacks.corpus import Attack
from autograder.classroom.sample_class import STUB, SampleClass
from autograder.grading.secret import FILE, FOLDER

UNIT = "comparison"  # the one that is graded in the shortest time
VICTIM = "zoe"  # stock nbgrader grades in the order of the names, and she is the last one
WAS_HERE = "was here"
VARIABLE, TOKEN = "GRADERS_TOKEN", "token of the instructor"


def facts_of(folder: Path, repository: Path, sample: SampleClass, marker: str, port: int) -> dict[str, str]:
    """The texts for what an attack has between ``«»``.

    Args:
        folder: of the course.
        repository: with the reference solutions.
        sample: of the unit.
        marker: for command lines of processes, and the name of an abstract socket that somebody listens on.
        port: that somebody listens on.
    """
    return {
        "folder": str(folder),
        "repository": str(repository),
        "unit": UNIT,
        "notebook": sample.unit.notebook,
        "marker": marker,
        "port": str(port),
        "victim": VICTIM,
    }


def hand_in(path: Path, attack: Attack, sample: SampleClass, facts: Mapping[str, str]) -> None:
    """Put what an attacker hands in where nbgrader collects it, with its links; see `attacker`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if attack.instead:
        path.symlink_to(_fill(attack.instead, facts))
    else:
        path.write_bytes(attacker(attack, sample, facts))
    if attack.link:
        (path.parent / attack.link).symlink_to(Path(facts["folder"], FOLDER, FILE))


def attacker(attack: Attack, sample: SampleClass, facts: Mapping[str, str]) -> bytes:
    """The notebook that an attacker hands in.

    Args:
        attack: what it does.
        sample: of the unit.
        facts: texts for what the attack has between ``«»``.
    """
    notebook = deepcopy(sample.release)
    cells = notebook.cells
    first = next(i for i, cell in enumerate(cells) if cell.id in sample.names)
    for cell in cells:
        if cell.id in sample.names:
            cell.source = _with_body(cell.source, _fill(attack.body, facts))
        elif cell.id.startswith("question-") and attack.answer:
            cell.source = attack.answer
        elif cell.metadata.get("nbgrader", {}).get("grade") and attack.metadata:
            cell.metadata.nbgrader |= {"points": 100, "locked": False, "solution": True, "checksum": "0"}
            cell.metadata["tags"] = ["training", "skip-execution"]
            cell.source = "pass"
    if attack.cell:
        cells.insert(first, nbformat.v4.new_code_cell(_fill(attack.cell, facts)))
        cells.insert(first, nbformat.v4.new_raw_cell(f"<script>{WAS_HERE!r}</script>"))
    return json.dumps(notebook, indent=1).encode()


def _fill(text: str, facts: Mapping[str, str]) -> str:
    text = textwrap.dedent(text).strip("\n")
    for name, value in facts.items():
        text = text.replace(f"«{name}»", value)
    return text


def _with_body(stub: str, body: str) -> str:
    line = next(line for line in stub.splitlines() if line.strip() == STUB)
    return stub.replace(line, textwrap.indent(body, line[: len(line) - len(line.lstrip())]))


def victim(sample: SampleClass) -> bytes:
    """The notebook of the honest student, who has solved everything."""
    return sample.perfect().content.replace(b"My answer, in my own words.", words_of(VICTIM).encode())


def words_of(student: str) -> str:
    """What a student's notebook says, and nobody else's."""
    return f"What only {student} has written."
