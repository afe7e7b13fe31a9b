"""What instructors have of ``summarize``."""

from __future__ import annotations

import numpy as np

from autograder.units import InstructorExercise
from autograder.units.draws import size
from autograder.units.equivalent import Equivalent
from autograder.units.hidden import hidden_function
from autograder.units.mutant import Mutant
from autograder.units.shared import keeps_its_input
from course.checks.case import Inputs
from course.checks.functions import Draw
from course.units.comparison.checks import summary

Rng = np.random.RandomState

_APPEND = '.append(1 - row["test_error"])'
_KEY = '(row["method"], row["labels"])'
_COMPUTE = "mean, spread = statistic(accuracies)"

_MUTANTS = (
    Mutant(
        "error",
        "This summarizes errors; the exercise asks for accuracies.",
        "An accuracy is 1 − test_error.",
        edits=(('1 - row["test_error"]', 'row["test_error"]'),),
    ),
    Mutant(
        "statistic of the errors",
        "The statistic is called on the errors, and only the mean is turned into an accuracy.",
        "Pass accuracies to `statistic`: you cannot know what it makes of errors.",
        edits=(
            ('1 - row["test_error"]', 'row["test_error"]'),
            (_COMPUTE, "mean, spread = statistic(accuracies)\n        mean = 1 - mean"),
        ),
    ),
    Mutant(
        "percent",
        "The accuracies are in percent.",
        "An accuracy lies between 0 and 1.",
        edits=(('1 - row["test_error"]', '100 * (1 - row["test_error"])'),),
    ),
    Mutant(
        "raw weights",
        "This is the accuracy of the weights without averaging, test_error_raw.",
        "Read the row's test_error.",
        edits=(('row["test_error"]', 'row["test_error_raw"]'),),
    ),
    Mutant(
        "by method alone",
        "Runs with different numbers of labels are grouped together.",
        "A group is a pair: method and number of labels.",
        edits=(
            (_KEY, 'row["method"]'),
            (
                "for (method, labels), accuracies in groups.items():",
                "for method, accuracies in groups.items():\n"
                '        labels = next(row["labels"] for row in rows if row["method"] == method)',
            ),
        ),
    ),
    Mutant(
        "by labels alone",
        "Runs of different methods are grouped together.",
        "A group is a pair: method and number of labels.",
        edits=(
            (_KEY, 'row["labels"]'),
            (
                "for (method, labels), accuracies in groups.items():",
                "for labels, accuracies in groups.items():\n"
                '        method = next(row["method"] for row in rows if row["labels"] == labels)',
            ),
        ),
    ),
    Mutant(
        "neighbors only",
        "Runs are grouped only where they are next to each other, so a pair occurs several times.",
        "The rows come in any order. itertools.groupby, for one, needs sorted rows.",
        body="""
            from itertools import groupby

            summaries = []
            for (method, labels), group in groupby(rows, key=lambda row: (row["method"], row["labels"])):
                accuracies = [1 - row["test_error"] for row in group]
                mean, spread = statistic(accuracies)
                summaries.append(
                    dict(method=method, labels=labels, runs=len(accuracies), mean=mean, spread=spread)
                )
            return summaries
            """,
        common="Grouping only rows that are next to each other. It works on a sorted file, and fails the "
        "day runs finish in a different order.",
    ),
    Mutant(
        "last run only",
        "Of each pair only the last run counts: each one replaces the one before.",
        "Keep a list for each pair, and append to it.",
        edits=((f"groups.setdefault({_KEY}, []){_APPEND}", f'groups[{_KEY}] = [1 - row["test_error"]]'),),
    ),
    Mutant(
        "first run only",
        "Of each pair only the first run counts.",
        "Append every run to its pair's list.",
        edits=(
            (
                f"groups.setdefault({_KEY}, []){_APPEND}",
                f'groups.setdefault({_KEY}, [1 - row["test_error"]])',
            ),
        ),
    ),
    Mutant(
        "sorted",
        "The pairs are sorted; the exercise asks for the order in which they first occur.",
        "A dictionary keeps the order in which its keys were added.",
        edits=(("in groups.items()", "in sorted(groups.items())"),),
    ),
    Mutant(
        "backwards",
        "The pairs come in the order in which they last occur.",
        "Add a pair when you meet it for the first time, and leave its place alone after that.",
        edits=(
            (
                f"groups.setdefault({_KEY}, []){_APPEND}",
                f'groups[{_KEY}] = [*groups.pop({_KEY}, []), 1 - row["test_error"]]',
            ),
        ),
    ),
    Mutant(
        "distinct results",
        "Runs with the same result are counted once.",
        "Two runs are two runs, whatever their results. Use a list, not a set.",
        edits=(
            (_COMPUTE, "accuracies = sorted(set(accuracies))\n        mean, spread = statistic(accuracies)"),
        ),
        common="Collecting results in a set. Two runs with the same result become one.",
    ),
    Mutant(
        "all runs counted",
        "`runs` is the number of all rows.",
        "Count the runs of the pair.",
        edits=(("len(accuracies)", "len(rows)"),),
    ),
    Mutant(
        "exchanged",
        "The two numbers of the statistic are swapped.",
        "The first is the mean, the second the spread.",
        edits=(("mean, spread = statistic", "spread, mean = statistic"),),
    ),
    Mutant(
        "own statistic",
        "The argument `statistic` is not used.",
        "Call it with the list of accuracies.",
        edits=(
            (
                _COMPUTE,
                "mean = sum(accuracies) / len(accuracies)\n"
                "        spread = float(np.std(accuracies, ddof=1)) if len(accuracies) > 1 else float('nan')",
            ),
        ),
    ),
    Mutant(
        "statistic of each run",
        "The statistic is called on single runs, and the results are averaged.",
        "Call it once for each pair, with the list of all accuracies.",
        edits=(
            (
                _COMPUTE,
                "mean, spread = (float(x) for x in np.mean([statistic([a]) for a in accuracies], axis=0))",
            ),
        ),
    ),
    Mutant(
        "dictionary of summaries",
        "You return a dictionary; the exercise asks for a list.",
        "Append one dictionary for each pair to a list.",
        edits=(("return summaries", "return {f\"{s['method']}-{s['labels']}\": s for s in summaries}"),),
    ),
    Mutant(
        "writes into the rows",
        "You add a key to the rows you are given; the caller needs them unchanged.",
        "Put the accuracy into a variable or list of your own.",
        edits=((_APPEND, '.append(row.setdefault("accuracy", 1 - row["test_error"]))'),),
        common="Changing the rows along the way. Whoever reads them next finds something different.",
    ),
    keeps_its_input(
        edits=(("groups: dict = {}", 'groups = globals().setdefault("all_groups", {})'),),
    ),
)

_ALTERNATIVES = {
    "list comprehensions": """
def summarize(rows, statistic):
    pairs = list(dict.fromkeys((row["method"], row["labels"]) for row in rows))
    result = []
    for method, labels in pairs:
        own = [1 - r["test_error"] for r in rows if r["method"] == method and r["labels"] == labels]
        mean, spread = statistic(own)
        result.append(dict(method=method, labels=labels, runs=len(own), mean=mean, spread=spread))
    return result
""",
    "defaultdict": """
from collections import defaultdict

def summarize(rows, statistic):
    found = defaultdict(list)
    for row in rows:
        found[row["method"], row["labels"]].append(1.0 - row["test_error"])
    return [
        dict(zip(("method", "labels", "runs", "mean", "spread"), (*pair, len(own), *statistic(own))))
        for pair, own in found.items()
    ]
""",
    "lists beside each other": """
def summarize(rows, statistic):
    pairs, groups = [], []
    for row in rows:
        pair = [row["method"], row["labels"]]
        if pair not in pairs:
            pairs.append(pair)
            groups.append([])
        groups[pairs.index(pair)].append(1 - row["test_error"])
    out = []
    for i in range(len(pairs)):
        numbers = statistic(groups[i])
        out.append({
            "method": pairs[i][0], "labels": pairs[i][1], "runs": len(groups[i]),
            "mean": numbers[0], "spread": numbers[1],
        })
    return out
""",
    "groupby after a stable sort": """
def summarize(rows, statistic):
    key = lambda row: (row["method"], row["labels"])
    first = {}
    for place, row in enumerate(rows):
        first.setdefault(key(row), place)
    in_order = sorted(rows, key=lambda row: first[key(row)])
    out = []
    for (method, labels), group in itertools.groupby(in_order, key=key):
        own = [1 - row["test_error"] for row in group]
        mean, spread = statistic(own)
        out.append({"method": method, "labels": labels, "runs": len(own), "mean": mean, "spread": spread})
    return out
""",
    "arrays": """
def summarize(rows, statistic):
    methods = np.array([row["method"] for row in rows])
    labels = np.array([row["labels"] for row in rows])
    accuracies = 1 - np.array([row["test_error"] for row in rows])
    out, seen = [], set()
    for method, count in zip(methods, labels):
        if (method, count) not in seen:
            seen.add((method, count))
            own = accuracies[(methods == method) & (labels == count)]
            mean, spread = statistic(own)
            out.append({
                "method": str(method), "labels": int(count), "runs": own.size, "mean": mean, "spread": spread,
            })
    return out
""",
    "copies with a key of their own": """
def summarize(rows, statistic):
    rows = [dict(row, accuracy=1 - row["test_error"]) for row in rows]
    summaries = {}
    for row in rows:
        pair = row["method"], row["labels"]
        s = summaries.setdefault(pair, {"method": pair[0], "labels": pair[1], "values": []})
        s["values"].append(row["accuracy"])
    for s in summaries.values():
        values = s.pop("values")
        s["runs"] = len(values)
        s["mean"], s["spread"] = statistic(values)
    return list(summaries.values())
""",
    "more keys, and a tuple": """
def summarize(rows, statistic):
    groups = {}
    for row in rows:
        groups.setdefault((row["method"], row["labels"]), []).append(row)
    out = []
    for (method, labels), own in groups.items():
        values = [1 - row["test_error"] for row in own]
        mean, spread = statistic(values)
        out.append({
            "method": method, "labels": labels, "runs": len(own), "mean": mean, "spread": spread,
            "best": max(values), "seeds": [row["seed"] for row in own],
        })
    return tuple(out)
""",
}

_EQUIVALENTS = (
    Equivalent(
        "labels before the method in the pair",
        "Which of the two comes first in the key decides nothing: the order is that of the rows.",
        edits=(
            ('(row["method"], row["labels"])', '(row["labels"], row["method"])'),
            ("(method, labels), accuracies", "(labels, method), accuracies"),
        ),
    ),
    Equivalent(
        "accuracies in reverse",
        "The statistic of a list of results does not depend on their order.",
        edits=(("statistic(accuracies)", "statistic(accuracies[::-1])"),),
    ),
)


def _rows(pairs: int, *, most: int = 4, equal: bool = False) -> Draw:
    def draw(rng: Rng) -> Inputs:
        runs = [size(rng, 1, most) for _ in range(pairs)]
        if equal:
            runs[0] = size(rng, 2, most)
        return summary.draw_rows(runs, equal=equal)(rng)

    return draw


_HIDDEN = hidden_function(
    {
        "in any order": ("runs of several pairs, in any order", _rows(5)),
        "uneven": ("pairs with different numbers of runs", _rows(4, most=6)),
        "equal results": ("runs of one pair with the same result", _rows(3, equal=True)),
        "one run": ("a single run", summary.draw_rows((1,))),
    },
    compiled=False,
)

SUMMARIZE = InstructorExercise(
    "summarize",
    mutants=_MUTANTS,
    alternatives=_ALTERNATIVES,
    equivalents=_EQUIVALENTS,
    hidden=_HIDDEN,
)

EXERCISES = (SUMMARIZE,)
