"""A class of attackers and one honest student, graded; and what became of each attack."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import sys
import textwrap
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from autograder.classroom.attacks.corpus import Attack
from autograder.classroom.classroom import Classroom
from autograder.classroom.sample_class import STUB, SampleClass
from autograder.files import REPOSITORY
from autograder.grading.batch import ClassGrader, Line
from autograder.grading.secret import FILE, FOLDER
from solutions.experiments.sweep.processes import processes_here

UNIT = "comparison"  # the one that is graded in the shortest time
VICTIM = "victim"
WAS_HERE = "was here"
# A cell and a case of an honest hand-in take far less; an attack that does not end takes all of it.
LIMITS = {"timeout": 20, "iopub_timeout": 3, "case_timeout": 6, "check_timeout": 20, "notebook_timeout": 120}


@dataclass
class Trial:
    """What a class of attackers came to.

    Attributes:
        lines: student → what the grader says.
        honest: the line of the honest student.
        shown: student → the graded notebook.
        canaries: what none of them may have seen: name → text.
        changed: files of the course and the repository that are not what they were.
        connections: how often a listener of this machine was reached.
        left: command lines of processes that outlived the grading.
    """

    lines: Mapping[str, Line]
    honest: Line
    shown: Mapping[str, NotebookNode]
    canaries: Mapping[str, str]
    changed: Sequence[str]
    connections: int
    left: Sequence[str]


def try_attacks(attacks: Sequence[Attack], folder: Path, jobs: int) -> Trial:
    """Grade a class of attackers, with an honest student among them.

    Args:
        attacks: one hand-in each.
        folder: for the course; empty.
        jobs: processes.
    """
    sample = SampleClass(REPOSITORY, UNIT)
    classroom = Classroom(folder, UNIT)
    classroom.copy_sources()
    classroom.release()
    marker = f"marker-{os.getpid()}-{folder.name}"
    with _listeners(marker) as (port, connections):
        facts = {
            "folder": str(classroom.folder),
            "repository": str(REPOSITORY),
            "unit": UNIT,
            "notebook": sample.unit.notebook,
            "marker": marker,
            "port": str(port),
        }
        for attack in attacks:
            path = classroom.hand_in(attack.id, sample.unit.notebook, attacker(attack, sample, facts))
            if attack.link:
                (path.parent / attack.link).symlink_to(classroom.folder / FOLDER / FILE)
        classroom.hand_in(VICTIM, sample.unit.notebook, _victim(sample))
        os.environ["GRADERS_TOKEN"] = f"token of {marker}"
        grader = ClassGrader(classroom.folder, UNIT, sample.unit.notebook, options=LIMITS)
        before = _digests(classroom.folder)
        with processes_here(jobs) as client:
            lines = {
                line.student: line for line in grader.grade_all(grader.to_grade(grader.students()), client)
            }
        changed = _differences(before, _digests(classroom.folder))
        reached = len(connections)
    return Trial(
        lines={attack.id: lines[attack.id] for attack in attacks},
        honest=lines[VICTIM],
        shown=_shown(classroom.folder, sample.unit.notebook, [attack.id for attack in attacks]),
        canaries={
            "secret": (classroom.folder / FOLDER / FILE).read_text().strip(),
            "another's work": _words_of(VICTIM),
            "the instructor's variables": os.environ.pop("GRADERS_TOKEN"),
        },
        changed=changed,
        connections=reached,
        left=_processes_with(marker),
    )


def attacker(attack: Attack, sample: SampleClass, facts: Mapping[str, str]) -> bytes:
    """The notebook that an attacker hands in."""
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


def _victim(sample: SampleClass) -> bytes:
    return sample.perfect().content.replace(b"My answer, in my own words.", _words_of(VICTIM).encode())


def _words_of(student: str) -> str:
    return f"What only {student} has written."


def _shown(folder: Path, notebook: str, students: Sequence[str]) -> dict[str, NotebookNode]:
    paths = {student: folder / "autograded" / student / UNIT / f"{notebook}.ipynb" for student in students}
    return {student: nbformat.read(path, 4) for student, path in paths.items() if path.is_file()}


def _digests(folder: Path) -> dict[str, str]:
    """Digests of what grading must not change: hand-ins, release, the course's and the grader's code."""
    roots = [folder / "submitted", folder / "release", folder / "source_notebooks"]
    roots += [REPOSITORY / name for name in ("course", "autograder", "solutions", "nbgrader_config.py")]
    roots += [Path(path) for path in sys.path if path.endswith("site-packages")]
    found = {}
    for root in roots:
        for path in [root] if root.is_file() else sorted(root.rglob("*")):
            deep = "site-packages" in path.parts and path.suffix != ".pth"  # thousands: the names will do
            if path.is_file() and not path.is_symlink() and "__pycache__" not in path.parts:
                content = b"" if deep else path.read_bytes()
                found[str(path)] = hashlib.sha256(content).hexdigest()
    return found


def _differences(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    return sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))


def _processes_with(marker: str) -> list[str]:
    """Command lines that hold the marker."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode(errors="replace").split("\0")
        except OSError:  # it has ended meanwhile
            continue
        if marker in words:
            found.append(" ".join(words))
    return found


@contextmanager
def _listeners(marker: str) -> Iterator[tuple[int, list[Any]]]:
    """Listeners for TCP, UDP and an abstract socket; yields the port, and what has reached them."""
    reached: list[Any] = []
    tcp, udp, unix = (
        socket.create_server(("127.0.0.1", 0)),
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
        socket.socket(socket.AF_UNIX),
    )
    udp.bind(tcp.getsockname())
    unix.bind(f"\0{marker}")
    unix.listen()

    def accept(listener: socket.socket) -> None:
        while True:
            try:
                reached.append(listener.accept() if listener is not udp else listener.recvfrom(100))
            except OSError:  # it is closed
                return

    threads = [threading.Thread(target=accept, args=(one,), daemon=True) for one in (tcp, udp, unix)]
    for thread in threads:
        thread.start()
    try:
        yield tcp.getsockname()[1], reached
    finally:
        for one in (tcp, udp, unix):
            one.close()
