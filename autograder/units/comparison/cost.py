"""What instructors have of ``training_cost``."""

from __future__ import annotations

from autograder.units import InstructorExercise
from autograder.units.equivalent import Equivalent
from autograder.units.hidden import hidden_function
from autograder.units.mutant import Mutant
from course.units.comparison.checks import cost

_PASSES = '(3 * row["trained_images"] + row["forward_images"])'
_KNOWN = '    if None in (row["steps"], row["trained_images"], row["forward_images"]):\n        return None\n'

_MUTANTS = (
    Mutant(
        "backward not counted",
        "Every image counts as one pass; the backward pass is not counted.",
        "An image that the network learns from also goes backward, which costs two more passes.",
        edits=(("3 * row", "row"),),
        common="Counting images instead of passes. A method that makes many predictions without learning "
        "from them then looks too expensive.",
    ),
    Mutant(
        "backward as one pass",
        "The backward pass counts as one forward pass.",
        "It needs two products where the forward pass needs one.",
        edits=(("3 * row", "2 * row"),),
    ),
    Mutant(
        "four passes",
        "An image that goes forward and backward counts as four passes.",
        "One is forward, and the backward pass counts as two.",
        edits=(("3 * row", "4 * row"),),
    ),
    Mutant(
        "backward for all",
        "Images that only go forward are counted as if they went backward too.",
        "Only trained_images cost three passes each.",
        edits=((_PASSES, '3 * (row["trained_images"] + row["forward_images"])'),),
    ),
    Mutant(
        "forward images left out",
        "The images that only go forward are left out.",
        "Each costs one pass.",
        edits=((_PASSES, '3 * row["trained_images"]'),),
    ),
    Mutant(
        "exchanged",
        "The two kinds of images are swapped.",
        "trained_images cost three passes each, forward_images one.",
        edits=((_PASSES, '(row["trained_images"] + 3 * row["forward_images"])'),),
    ),
    Mutant(
        "one step",
        "This is the cost of one step.",
        "Multiply by the number of steps.",
        edits=(('return row["steps"] *', "return"),),
    ),
    Mutant(
        "forward images once",
        "The images that only go forward are counted for one step, not for each.",
        "Add up the passes of a step first, then multiply. Look at the parentheses.",
        edits=((_PASSES, '3 * row["trained_images"] + row["forward_images"]'),),
    ),
    Mutant(
        "labels",
        "You use the number of labels as the number of steps.",
        "Labels cost a person's time, but no passes.",
        edits=(('return row["steps"]', 'return row["labels"]'),),
    ),
    Mutant(
        "seconds",
        "These are the seconds of the run.",
        "Count passes, which depend on no machine.",
        edits=((f'return row["steps"] * {_PASSES}', 'return row["seconds"]'),),
    ),
    Mutant(
        "in millions",
        "The passes are divided by a million.",
        "Return the number itself.",
        edits=((_PASSES, f"{_PASSES} / 1e6"),),
    ),
    Mutant(
        "unknown as zero",
        "An unknown number is treated as 0, so the run looks cheaper than it was.",
        "What is not known stays unknown: return None.",
        body="""
            steps, trained, forward = (row[key] or 0 for key in ("steps", "trained_images", "forward_images"))
            return steps * (3 * trained + forward)
            """,
        common="Treating an unknown number as zero. The run then looks like a bargain.",
    ),
    Mutant(
        "unknown as NaN",
        "You return NaN for an unknown cost; the exercise asks for None.",
        "Return None where one of the three is None.",
        edits=(("return None", 'return float("nan")'),),
    ),
    Mutant(
        "no answer where unknown",
        "None cannot be multiplied.",
        "Check whether one of the three is None before you compute.",
        edits=((_KNOWN, ""),),
    ),
    Mutant(
        "looks at the steps alone",
        "You check only the number of steps; the other two can be None as well.",
        "Check all three before you compute.",
        edits=(
            ('None in (row["steps"], row["trained_images"], row["forward_images"])', 'row["steps"] is None'),
        ),
    ),
    Mutant(
        "None anywhere",
        "You return None as soon as anything about the run is unknown, such as its seconds.",
        "The cost needs three values of the row. Check only these.",
        edits=(
            ('None in (row["steps"], row["trained_images"], row["forward_images"])', "None in row.values()"),
        ),
    ),
    Mutant(
        "zero as unknown",
        "0 is treated as unknown: a method without images that only go forward gets no cost.",
        "Check whether a value `is None`. Python treats 0 as false, too.",
        edits=(
            (
                'None in (row["steps"], row["trained_images"], row["forward_images"])',
                'not (row["steps"] and row["trained_images"] and row["forward_images"])',
            ),
        ),
        common="Checking whether a value is true instead of whether it is `None`. Zero images that only go "
        "forward is a number like any other.",
    ),
)

_ALTERNATIVES = {
    "unpacked": """
def training_cost(row):
    steps, trained, forward = row["steps"], row["trained_images"], row["forward_images"]
    if steps is None or trained is None or forward is None:
        return None
    return steps * 3 * trained + steps * forward
""",
    "any": """
def training_cost(row):
    needed = [row[key] for key in ("steps", "trained_images", "forward_images")]
    if any(value is None for value in needed):
        return None
    return needed[0] * (needed[1] + 2 * needed[1] + needed[2])
""",
    "try": """
def training_cost(row):
    try:
        return row["steps"] * (3 * row["trained_images"] + row["forward_images"])
    except TypeError:
        return None
""",
    "get": """
def training_cost(row):
    passes = {"trained_images": 3, "forward_images": 1}
    if row.get("steps") is None or any(row.get(key) is None for key in passes):
        return None
    return row.get("steps") * sum(weight * row.get(key) for key, weight in passes.items())
""",
    "float": """
def training_cost(row):
    if None in [row["steps"], row["trained_images"], row["forward_images"]]:
        return None
    return float(row["steps"]) * (3.0 * row["trained_images"] + row["forward_images"])
""",
    "dot product": """
FORWARD, BACKWARD = 1, 2

def training_cost(row):
    images = [row["trained_images"], row["forward_images"]]
    if row["steps"] is None or None in images:
        return None
    return row["steps"] * np.dot(images, [FORWARD + BACKWARD, FORWARD])
""",
    "a sum over the steps": """
def training_cost(row):
    for key in ["steps", "trained_images", "forward_images"]:
        if row[key] is None:
            return
    total = 0
    for step in range(row["steps"]):
        total += 3 * row["trained_images"] + row["forward_images"]
    return total
""",
}

_EQUIVALENTS = (
    Equivalent(
        "one forward and two backward written out",
        "It is the same sum in another order.",
        edits=(
            (
                '(3 * row["trained_images"] + row["forward_images"])',
                '(row["trained_images"] + row["forward_images"] + 2 * row["trained_images"])',
            ),
        ),
    ),
)

_HIDDEN = hidden_function(
    {
        "both kinds of images": ("a run with images of both kinds", cost.draw_run()),
        "no image only forward": ("a run in which every image is learned from", cost.draw_run(forward=False)),
        "unknown length": ("a run of unknown length", cost.draw_run(unknown=("steps",))),
        "unknown images": ("a run with unknown images", cost.draw_run(unknown=("trained_images",))),
        "unknown predictions": ("a run with unknown predictions", cost.draw_run(unknown=("forward_images",))),
        "unknown seconds": ("a run of unknown seconds", cost.draw_run(unknown=cost.BESIDE)),
    },
    compiled=False,
)

TRAINING_COST = InstructorExercise(
    "training_cost",
    mutants=_MUTANTS,
    alternatives=_ALTERNATIVES,
    equivalents=_EQUIVALENTS,
    hidden=_HIDDEN,
)

EXERCISES = (TRAINING_COST,)
