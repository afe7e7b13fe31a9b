"""What instructors have of ``training_cost``."""

from __future__ import annotations

import numpy as np

from autograder.units import InstructorExercise
from autograder.units.draws import until
from autograder.units.equivalent import Equivalent
from autograder.units.hidden import hidden_function
from autograder.units.mutant import Mutant
from autograder.units.shared import keeps_its_input
from course.checks.case import Inputs
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
    Mutant(
        "backward as half a pass",
        "The backward pass counts as half of a forward pass.",
        "It costs as much as two forward passes.",
        edits=((_PASSES, '(3 * row["trained_images"] // 2 + row["forward_images"])'),),
    ),
    Mutant(
        "forward as two passes",
        "An image that only goes forward counts as two passes.",
        "Each of forward_images costs one pass.",
        edits=(('+ row["forward_images"]', '+ 2 * row["forward_images"]'),),
    ),
    Mutant(
        "forward as two passes",
        name="backward for all, added to the forward pass of some",
        edits=(
            (
                _PASSES,
                '(row["trained_images"] + 2 * (row["trained_images"] + row["forward_images"]))',
            ),
        ),
    ),
    Mutant(
        "forward images as a part",
        "forward_images are subtracted from trained_images, as if they were a part of them.",
        "No image is counted in both: add up the passes of both kinds.",
        edits=((_PASSES, '(3 * (row["trained_images"] - row["forward_images"]) + row["forward_images"])'),),
    ),
    Mutant(
        "the larger count backward",
        "The larger of the two counts is taken for the number of images that go backward.",
        "It is trained_images that go backward, however few they are.",
        edits=(
            (
                _PASSES,
                '(3 * max(row["trained_images"], row["forward_images"])'
                ' + min(row["trained_images"], row["forward_images"]))',
            ),
        ),
    ),
    Mutant(
        "kinds multiplied",
        "The two counts of images are multiplied.",
        "Add up the passes of both kinds.",
        edits=((" + row[", " * row["),),
    ),
    Mutant(
        "steps added",
        "The steps are added to the passes of one step.",
        "Every step costs the same: multiply.",
        edits=(('return row["steps"] *', 'return row["steps"] +'),),
    ),
    Mutant(
        "one step more",
        "One step too many is counted.",
        "A run of n steps has n of them.",
        edits=(('row["steps"] * (', '(row["steps"] + 1) * ('),),
    ),
    Mutant(
        "one step less",
        "One step too few is counted.",
        "A run of n steps has n of them.",
        edits=(('row["steps"] * (', '(row["steps"] - 1) * ('),),
    ),
    Mutant(
        "at least a step",
        "A run of 0 steps is counted as one of a single step.",
        "0 is a number like any other.",
        edits=(('row["steps"] * (', 'max(row["steps"], 1) * ('),),
    ),
    Mutant(
        "twice",
        "The whole cost is doubled.",
        "The backward pass costs twice the forward pass, and images that only go forward have none.",
        edits=((_PASSES, f"2 * {_PASSES}"),),
    ),
    Mutant(
        "difference",
        "The images that only go forward are subtracted.",
        "They cost passes as well: add them.",
        edits=(('+ row["forward_images"]', '- row["forward_images"]'),),
    ),
    Mutant(
        "a list",
        "You return a list; the exercise asks for a number.",
        "Return the number itself.",
        edits=((f'row["steps"] * {_PASSES}', f'[row["steps"] * {_PASSES}]'),),
    ),
    Mutant(
        "steps alone",
        "This is the number of steps.",
        "A step of one method handles more images than that of another: count passes.",
        edits=((f" * {_PASSES}", ""),),
    ),
    Mutant(
        "images of a step",
        "This is the number of images of one step.",
        "Give each kind of image its passes, and multiply by the number of steps.",
        edits=((f'row["steps"] * {_PASSES}', 'row["trained_images"] + row["forward_images"]'),),
    ),
    Mutant(
        "for each label",
        "The cost is divided by the number of labels.",
        "Return the passes of the whole run.",
        edits=((_PASSES, f'{_PASSES} / row["labels"]'),),
    ),
    Mutant(
        "for each second",
        "The cost is divided by the seconds of the run.",
        "Return the passes of the whole run; they depend on no machine.",
        edits=((_PASSES, f'{_PASSES} / (row["seconds"] or 1)'),),
    ),
    Mutant(
        "32 bits",
        "The product does not fit into a whole number of 32 bits.",
        "Python's own whole numbers have no limit: leave out the conversion.",
        edits=(
            (
                f'row["steps"] * {_PASSES}',
                f'int(np.multiply(row["steps"], {_PASSES}, dtype=np.int64).astype(np.int32))',
            ),
        ),
    ),
    Mutant(
        "single precision",
        "The cost is in single precision, which rounds large whole numbers.",
        "Python's own whole numbers are exact: leave out the conversion.",
        edits=((f'row["steps"] * {_PASSES}', f'int(np.float32(row["steps"] * {_PASSES}))'),),
    ),
    Mutant(
        "rounded",
        "The cost is rounded.",
        "Round when you print, not before.",
        edits=((f'row["steps"] * {_PASSES}', f'round(row["steps"] * {_PASSES}, -4)'),),
    ),
    Mutant(
        "a text",
        "You return a text; the exercise asks for a number.",
        "Commas between digits are for printing.",
        edits=((f'row["steps"] * {_PASSES}', f"f'{{row[\"steps\"] * {_PASSES}:,}}'"),),
    ),
    Mutant(
        "unknown forward images as none",
        "Unknown forward_images are treated as 0.",
        "What is not known stays unknown: return None.",
        edits=(
            (
                'None in (row["steps"], row["trained_images"], row["forward_images"])',
                'None in (row["steps"], row["trained_images"])',
            ),
            ('+ row["forward_images"]', '+ (row["forward_images"] or 0)'),
        ),
    ),
    Mutant(
        "unknown trained images as none",
        "Unknown trained_images are treated as 0.",
        "What is not known stays unknown: return None.",
        edits=(
            (
                'None in (row["steps"], row["trained_images"], row["forward_images"])',
                'None in (row["steps"], row["forward_images"])',
            ),
            ('3 * row["trained_images"]', '3 * (row["trained_images"] or 0)'),
        ),
    ),
    Mutant(
        "no steps as unknown",
        "A run of 0 steps gets no cost; 0 is a number like any other.",
        "Check whether a value `is None`. Python treats 0 as false, too.",
        edits=(("if None in", 'if not row["steps"] or None in'),),
    ),
    Mutant(
        "no trained images as unknown",
        "A run that learns from no image gets no cost; 0 is a number like any other.",
        "Check whether a value `is None`. Python treats 0 as false, too.",
        edits=(("if None in", 'if not row["trained_images"] or None in'),),
    ),
    Mutant(
        "no forward images as unknown",
        "A run whose forward_images are 0 gets no cost; 0 is a number like any other.",
        "Check whether a value `is None`. Python treats 0 as false, too.",
        edits=(("if None in", 'if not row["forward_images"] or None in'),),
    ),
    Mutant(
        "unknown steps as one",
        "An unknown number of steps is treated as a single step.",
        "What is not known stays unknown: return None.",
        edits=(
            (
                'None in (row["steps"], row["trained_images"], row["forward_images"])',
                'None in (row["trained_images"], row["forward_images"])',
            ),
            ('return row["steps"] *', 'return (1 if row["steps"] is None else row["steps"]) *'),
        ),
    ),
    Mutant(
        "looks at two of three",
        "You check two of the three values; forward_images can be None as well.",
        "Check all three before you compute.",
        edits=(
            (
                'None in (row["steps"], row["trained_images"], row["forward_images"])',
                'None in (row["steps"], row["trained_images"])',
            ),
        ),
    ),
    Mutant(
        "exactly one unknown",
        "You return None only where exactly one of the three is None.",
        "Of many published runs, none of the three is known.",
        edits=(
            (
                'None in (row["steps"], row["trained_images"], row["forward_images"])',
                '[row["steps"], row["trained_images"], row["forward_images"]].count(None) == 1',
            ),
        ),
    ),
    Mutant(
        "all unknown",
        "You return None only where all three are None.",
        "One of them is enough to leave the cost unknown.",
        edits=(
            (
                'None in (row["steps"], row["trained_images"], row["forward_images"])',
                '{row["steps"], row["trained_images"], row["forward_images"]} == {None}',
            ),
        ),
    ),
    Mutant(
        "all unknown",
        name="unknown as zero unless nothing is known",
        body="""
            steps, trained, forward = row["steps"], row["trained_images"], row["forward_images"]
            if steps is None and trained is None and forward is None:
                return None
            return (steps or 0) * (3 * (trained or 0) + (forward or 0))
            """,
    ),
    Mutant(
        "keys by position",
        "You take the values of the row by their order; a row can have other keys, in any order.",
        "Read each of the three by its key.",
        body="""
            steps, trained, forward = list(row.values())[:3]
            return None if None in (steps, trained, forward) else steps * (3 * trained + forward)
            """,
    ),
    Mutant(
        "no answer where unknown",
        name="compared with a text",
        edits=(("if None in", 'if "None" in'),),
    ),
    Mutant(
        "None anywhere",
        name="asks for the seconds too",
        edits=((', row["forward_images"])', ', row["forward_images"], row["seconds"])'),),
    ),
    Mutant(
        "a text where unknown",
        "You return a text for an unknown cost; the exercise asks for None.",
        "Return None where one of the three is None.",
        edits=(("return None", 'return "unknown"'),),
    ),
    Mutant(
        "minus one where unknown",
        "You return −1 for an unknown cost, which later code takes for a number.",
        "Return None where one of the three is None.",
        edits=(("return None", "return -1"),),
    ),
    Mutant(
        "zero where unknown",
        "You return 0 or False for an unknown cost, so that the run looks free.",
        "What is not known stays unknown: return None.",
        edits=(("return None", "return 0"),),
    ),
    Mutant(
        "zero where unknown",
        name="False where unknown",
        edits=(("return None", "return False"),),
    ),
    Mutant(
        "infinite where unknown",
        "You return infinity for an unknown cost, which is not known to be large.",
        "What is not known stays unknown: return None.",
        edits=(("return None", 'return float("inf")'),),
    ),
    Mutant(
        "writes into the row",
        "You change the row that you are given; the caller needs it unchanged.",
        "Put what you compute into variables of your own.",
        body="""
            if None in (row["steps"], row["trained_images"], row["forward_images"]):
                return None
            row["cost"] = row["steps"] * (3 * row["trained_images"] + row["forward_images"])
            return row["cost"]
            """,
    ),
    keeps_its_input(
        edits=(
            (
                f'return row["steps"] * {_PASSES}',
                f'kept = globals().setdefault("kept", [])\n    kept.append(row["steps"] * {_PASSES})\n'
                "    return sum(kept)",
            ),
        ),
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
    "match": """
def training_cost(row):
    match row:
        case {"steps": int(steps), "trained_images": int(trained), "forward_images": int(forward)}:
            return steps * trained * 3 + steps * forward
        case _:
            return None
""",
    "arrays of objects": """
def training_cost(row):
    numbers = np.array([row["steps"], row["trained_images"], row["forward_images"]], dtype=object)
    if (numbers == None).any():
        return None
    steps, trained, forward = numbers.astype(np.int64)
    return steps * (3 * trained + forward)
""",
    "NaN on the way": """
def training_cost(row):
    steps, trained, forward = np.array(
        [row["steps"], row["trained_images"], row["forward_images"]], dtype=float
    )
    cost = steps * (3 * trained + forward)
    return None if np.isnan(cost) else cost
""",
    "a helper for each part": """
def known(*values):
    return all(value is not None for value in values)

def forward_and_backward(images, steps):
    return 3 * images * steps

def training_cost(row):
    steps, trained, forward = row["steps"], row["trained_images"], row["forward_images"]
    return forward_and_backward(trained, steps) + forward * steps if known(steps, trained, forward) else None
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
        "a float",
        "Up to 2**53 a float holds every whole number.",
        edits=(('return row["steps"] *', 'return 1.0 * row["steps"] *'),),
    ),
    Equivalent(
        "one check after the other",
        "Three questions, each with the same answer.",
        body="""
            for key in ("steps", "trained_images", "forward_images"):
                if row[key] is None:
                    return None
            return row["steps"] * (3 * row["trained_images"] + row["forward_images"])
            """,
    ),
    Equivalent(
        "unknown keys left aside",
        "None is what get gives for a missing key as well, and no key is missing.",
        edits=(
            (
                'None in (row["steps"], row["trained_images"], row["forward_images"])',
                'None in (row.get("steps"), row.get("trained_images"), row.get("forward_images"))',
            ),
        ),
    ),
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


def _inexact(inputs: Inputs) -> bool:
    """Whether single precision cannot hold the cost."""
    row = inputs["row"]
    passes = row["steps"] * (3 * row["trained_images"] + row["forward_images"])
    return abs(float(np.float32(passes)) - passes) > 2e-8 * passes


_HIDDEN = hidden_function(
    {
        "both kinds of images": ("a run with images of both kinds", cost.draw_run()),
        "no image only forward": (
            "a run in which every image is learned from",
            cost.draw_run(none=("forward_images",)),
        ),
        "more images only forward": ("a run with more predictions than learning", cost.draw_mostly_forward),
        "a long run": ("a long run", until(cost.draw_long, _inexact)),
        "no image backward": ("a run without learning", cost.draw_run(none=("trained_images",))),
        "no step": ("a run without steps", cost.draw_run(none=("steps",))),
        "unknown length": ("a run of unknown length", cost.draw_run(unknown=("steps",))),
        "unknown images": ("a run with unknown images", cost.draw_run(unknown=("trained_images",))),
        "unknown predictions": ("a run with unknown predictions", cost.draw_run(unknown=("forward_images",))),
        "nothing known": ("a run of which nothing is known", cost.draw_run(unknown=cost.COUNTED)),
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
