"""What running a hand-in gave, as data: the grader's processes return it, and one process writes it down."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nbformat import NotebookNode

from course.notebook.cells import grade_id


@dataclass(frozen=True)
class GradedHandIn:
    """A hand-in that has been run and judged.

    Attributes:
        digest: of the code cells that were run; see `digest_of`.
        outcomes: grade id → whether its check is passed.
        outputs: of each code cell, in order.
        warnings: what the log says about the run.
        seconds: that it took.
    """

    digest: str
    outcomes: Mapping[str, bool]
    outputs: Sequence[Sequence[Mapping[str, Any]]]
    warnings: Sequence[str]
    seconds: float

    def fits(self, nb: NotebookNode) -> bool:
        """Whether it is about this notebook's code."""
        return self.digest == digest_of(nb)

    def put_into(self, nb: NotebookNode) -> None:
        """Give the notebook's code cells their outputs."""
        for cell, outputs in zip(code_cells(nb), self.outputs, strict=True):
            cell.outputs = [NotebookNode(output) for output in json.loads(json.dumps(outputs))]


def code_cells(nb: NotebookNode) -> list[NotebookNode]:
    """The code cells of a notebook, in order."""
    return [cell for cell in nb.cells if cell.cell_type == "code"]


def digest_of(nb: NotebookNode) -> str:
    """A digest of what decides how a notebook runs: its code cells' texts, tags and grade ids, in order."""
    # nbconvert writes tags in an order of its own.
    parts = [[cell.source, grade_id(cell), sorted(cell.metadata.get("tags", []))] for cell in code_cells(nb)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
