"""The tutorial's table of CIFAR-10, and beside each entry what this course has measured.

The tutorial is the one that the units ``mixmatch`` and ``flexmatch`` grew out of. Its numbers are in
``course/units/comparison/runs/published.csv``. An entry of ours counts if it is of the same data and network:
real CIFAR-10 and WRN-28-2, which takes a GPU.
"""

from __future__ import annotations

from collections.abc import Sequence

from course.units.comparison.results import METHODS, PUBLISHED, Row, load
from solutions.experiments.accuracy import NONE, accuracies
from solutions.experiments.results import spread

SOURCE, DATA, MODEL = "tutorial", "cifar10", "wrn-28-2"
NOT_MEASURED = "not measured"


def markdown(rows: Sequence[Row]) -> str:
    """The table.

    Args:
        rows: of this course's sweeps; those of other data or another network are left out.
    """
    published = load(PUBLISHED)
    printed = {
        (row["method"], row["labels"]): 100 * (1 - row["test_error"])
        for row in published.rows
        if row["source"] == SOURCE
    }
    ours = [row for row in rows if (row["data"], row["model"]) == (DATA, MODEL)]
    methods = [method for method in METHODS if any(known == method for known, _ in printed)]
    head = ["labels", *(cell for method in methods for cell in (method, "here"))]
    lines = [head, ["--:"] * len(head)]
    for labels in sorted({labels for _, labels in printed}):
        cells = [f"{labels:,}"]
        for method in methods:
            found = spread(accuracies(ours, method, labels), 1)
            cells += [f"{printed[method, labels]:.3f}", NOT_MEASURED if found == NONE else found]
        lines.append(cells)
    table = "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
    about = published.about["sources"][SOURCE]
    return (
        f"# The tutorial's label counts\n\n{table}\n\nTest accuracy in % on CIFAR-10. Under a method's name "
        f"stands what {about['title']} prints. {about['note']} Under *here* stands what this course has "
        f"measured on the same data with {MODEL.upper()}: mean ± sample standard deviation over seeds. These "
        "runs take a GPU.\n\nWritten by `python -m solutions tutorial`.\n"
    )
