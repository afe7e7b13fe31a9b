"""Stock nbgrader grades an attacker and then a victim: what runs in the sandbox (see `stock`).

The attacker's code has the same rights as this process, as it has with stock nbgrader: what this process
writes is for a table, and no grade.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from autograder.classroom.attacks.surroundings import differences, digests, listeners, processes_with


def main(plan: dict[str, Any], outcome: Path) -> None:
    """Grade the two, and write what became of them and of what is around them."""
    watched = [Path(path) for path in plan["watched"]]
    before = digests(watched)
    with listeners(plan["marker"], plan["port"]) as (_, reached):
        ended = _nbgrader(plan, "autograde", *plan["options"])
    found = {
        "ended": ended,
        "points": {student: _points(plan, student) for student in plan["students"]},
        "changed": differences(before, digests(watched)),
        "connections": len(reached),
        "left": processes_with(plan["marker"]),
    }
    outcome.write_text(json.dumps(found))
    for student in plan["pages"]:
        _nbgrader(plan, "generate_feedback", f"--student={student}")


def _nbgrader(plan: dict[str, Any], command: str, *options: str) -> bool:
    """Whether a command came to its end in time."""
    folder = f"--CourseDirectory.root={plan['folder']}"
    arguments = [sys.executable, "-m", "nbgrader", command, plan["unit"], folder, *options]
    log = Path(plan["folder"], f"{command}.log")
    with log.open("wb") as file:
        try:
            subprocess.run(
                arguments, cwd=plan["folder"], stdout=file, stderr=file, timeout=plan["seconds"], check=False
            )
        except subprocess.TimeoutExpired:
            return False
    return True


def _points(plan: dict[str, Any], student: str) -> float | None:
    """What the gradebook says; None where it says nothing."""
    from nbgrader.api import Gradebook, MissingEntry

    try:
        with Gradebook(f"sqlite:///{plan['folder']}/gradebook.db") as gradebook:
            return float(gradebook.find_submission(plan["unit"], student).score)
    except MissingEntry:
        return None


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]))
