"""What instructors have of ``summarize``."""

from __future__ import annotations

import itertools

import numpy as np

from autograder.units import InstructorExercise
from autograder.units.draws import size, until
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
_PAIR = "(method, labels), accuracies"

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
        "by method alone",
        name="by method alone, with the labels of the first row",
        edits=((_KEY, '(row["method"], rows[0]["labels"])'),),
    ),
    Mutant(
        "by method alone",
        name="by method alone, with the labels of the last row",
        edits=((_KEY, '(row["method"], rows[-1]["labels"])'),),
    ),
    Mutant(
        "by method alone",
        name="by method alone, with all numbers of labels",
        edits=(
            (_KEY, 'row["method"]'),
            (
                "for (method, labels), accuracies in groups.items():",
                "for method, accuracies in groups.items():\n"
                '        labels = sorted({row["labels"] for row in rows if row["method"] == method})',
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
    Mutant(
        "takes the errors out of the rows",
        "You take a key out of the rows you are given; the caller needs them unchanged.",
        "pop and del change a dictionary. Reading with square brackets leaves it as it is.",
        edits=((_APPEND, '.append(1 - row.pop("test_error"))'),),
    ),
    Mutant(
        "one line for each run",
        "Each run has a line of its own.",
        "Collect the accuracies of a pair first; each pair then has one line, however many runs it has.",
        body="""
            summaries = []
            for row in rows:
                mean, spread = statistic([1 - row["test_error"]])
                summaries.append(
                    dict(method=row["method"], labels=row["labels"], runs=1, mean=mean, spread=spread)
                )
            return summaries
            """,
    ),
    Mutant(
        "last line missing",
        "The line of the last pair is missing.",
        "Look at the end of your loop: what happens to the pair that comes last?",
        edits=(("return summaries", "return summaries[:-1]"),),
    ),
    Mutant(
        "last line missing",
        name="a pair is written when the next one begins",
        body="""
            pairs = list(dict.fromkeys((row["method"], row["labels"]) for row in rows))
            summaries = []
            for pair, _ in zip(pairs, pairs[1:]):
                method, labels = pair
                own = [1 - row["test_error"] for row in rows if (row["method"], row["labels"]) == pair]
                mean, spread = statistic(own)
                summaries.append(
                    {"method": method, "labels": labels, "runs": len(own), "mean": mean, "spread": spread}
                )
            return summaries
            """,
    ),
    Mutant(
        "pairs that do not occur",
        "There is a line for each method with each number of labels, also for pairs that do not occur.",
        "Only a pair that some row has gets a line.",
        body="""
            summaries = []
            for method in dict.fromkeys(row["method"] for row in rows):
                for labels in dict.fromkeys(row["labels"] for row in rows):
                    pair = (method, labels)
                    own = [1 - row["test_error"] for row in rows if (row["method"], row["labels"]) == pair]
                    mean, spread = statistic(own) if own else (None, None)
                    summaries.append(
                        {"method": method, "labels": labels, "runs": len(own), "mean": mean, "spread": spread}
                    )
            return summaries
            """,
    ),
    keeps_its_input(
        edits=(("groups: dict = {}", 'groups = globals().setdefault("all_groups", {})'),),
    ),
    Mutant(
        "by seed as well",
        "Runs are grouped by their seed as well, so each run is a group of its own.",
        "A group is a pair: method and number of labels. Its runs differ by their seed.",
        edits=(
            (_KEY, '(row["method"], row["labels"], row["seed"])'),
            (_PAIR, "(method, labels, _), accuracies"),
        ),
    ),
    Mutant(
        "one run for each seed",
        "Runs with the same seed, or with an unknown one, are counted once.",
        "Keep a list for each pair: not every table knows its seeds.",
        edits=(
            (
                f"groups.setdefault({_KEY}, []){_APPEND}",
                f'groups.setdefault({_KEY}, {{}})[row["seed"]] = 1 - row["test_error"]',
            ),
            (
                _COMPUTE,
                "accuracies = list(accuracies.values())\n        mean, spread = statistic(accuracies)",
            ),
        ),
        common="Using the seed as a key. Published results often do not say their seeds, and all of them "
        "become one run.",
    ),
    Mutant(
        "rows with gaps left out",
        "Rows in which anything is unknown are left out.",
        "Three keys of a row are used here. Whatever else is unknown does not matter.",
        edits=(
            ("for row in rows:", "for row in rows:\n        if None in row.values():\n            continue"),
        ),
    ),
    Mutant(
        "no error as unknown",
        "Runs with an error of 0 are left out.",
        "Python treats 0 as false, too.",
        edits=(
            ("for row in rows:", 'for row in rows:\n        if not row["test_error"]:\n            continue'),
        ),
    ),
    Mutant(
        "no accuracy left out",
        "Accuracies of 0 are left out.",
        "Python treats 0 as false, too.",
        edits=(
            (
                _COMPUTE,
                "accuracies = [a for a in accuracies if a]\n        mean, spread = statistic(accuracies)",
            ),
            (
                "    summaries = []\n",
                "    summaries = []\n    groups = {k: a for k, a in groups.items() if any(a)}\n",
            ),
        ),
    ),
    Mutant(
        "rounded accuracies",
        "The accuracies are rounded before the statistic sees them.",
        "Round when you print, not before.",
        edits=((_APPEND, '.append(round(1 - row["test_error"], 2))'),),
    ),
    Mutant(
        "rounded numbers",
        "The numbers of the statistic are rounded.",
        "Round when you print, not before.",
        edits=((_COMPUTE, "mean, spread = (round(number, 2) for number in statistic(accuracies))"),),
    ),
    Mutant(
        "percent",
        name="percent in the end",
        edits=((_COMPUTE, "mean, spread = (100 * number for number in statistic(accuracies))"),),
    ),
    Mutant(
        "negative error",
        "These are the errors with a minus sign, not accuracies.",
        "An accuracy is 1 − test_error.",
        edits=((_APPEND, '.append(-row["test_error"])'),),
    ),
    Mutant(
        "both numbers from 1",
        "The statistic is called on the errors, and both of its numbers are subtracted from 1.",
        "Pass accuracies to `statistic`: you cannot know what it makes of errors.",
        edits=(
            (_APPEND, '.append(row["test_error"])'),
            (_COMPUTE, "mean, spread = (1 - number for number in statistic(accuracies))"),
        ),
    ),
    Mutant(
        "method by method",
        "All pairs of a method stand together; the exercise asks for the order in which they first occur.",
        "A dictionary keeps the order in which its keys were added. Use one dictionary, not one in another.",
        body="""
            groups = {}
            for row in rows:
                of_labels = groups.setdefault(row["method"], {})
                of_labels.setdefault(row["labels"], []).append(1 - row["test_error"])
            summaries = []
            for method, of_labels in groups.items():
                for labels, accuracies in of_labels.items():
                    mean, spread = statistic(accuracies)
                    summaries.append(
                        dict(method=method, labels=labels, runs=len(accuracies), mean=mean, spread=spread)
                    )
            return summaries
            """,
    ),
    Mutant(
        "labels by labels",
        "All pairs with the same number of labels stand together; they should come as they first occur.",
        "A dictionary keeps the order in which its keys were added. Use one dictionary, not one in another.",
        body="""
            groups = {}
            for row in rows:
                of_methods = groups.setdefault(row["labels"], {})
                of_methods.setdefault(row["method"], []).append(1 - row["test_error"])
            summaries = []
            for labels, of_methods in groups.items():
                for method, accuracies in of_methods.items():
                    mean, spread = statistic(accuracies)
                    summaries.append(
                        dict(method=method, labels=labels, runs=len(accuracies), mean=mean, spread=spread)
                    )
            return summaries
            """,
    ),
    Mutant(
        "statistic of the check",
        "The argument `statistic` is not used: what you compute is that of some of the cases.",
        "Call it with the list of accuracies.",
        edits=((_COMPUTE, "mean, spread = sum(accuracies) / len(accuracies), max(accuracies)"),),
    ),
    Mutant(
        "zero for single runs",
        "A single run gets a spread of 0, whatever the statistic says.",
        "Return what the statistic gives: it may be another one than mean_and_spread.",
        edits=((_COMPUTE, f"{_COMPUTE}\n        spread = spread if len(accuracies) > 1 else 0.0"),),
    ),
    Mutant(
        "None for single runs",
        "A single run gets None, whatever the statistic says.",
        "Return what the statistic gives: it may be another one than mean_and_spread.",
        edits=((_COMPUTE, f"{_COMPUTE}\n        spread = spread if len(accuracies) > 1 else None"),),
    ),
    Mutant(
        "pairs counted",
        "`runs` is the number of pairs.",
        "Count the runs of the pair.",
        edits=(("len(accuracies)", "len(groups)"),),
    ),
    Mutant(
        "method and labels swapped",
        "The method and the number of labels are swapped.",
        "Look at the order of the two in the key of your groups.",
        edits=(('"method": method, "labels": labels', '"method": labels, "labels": method'),),
    ),
    Mutant(
        "raw weights without an error",
        "An error of 0 is replaced by that of the raw weights.",
        "Python treats 0 as false, too. An error of 0 is a result like any other.",
        edits=((_APPEND, '.append(1 - (row["test_error"] or row["test_error_raw"] or 0))'),),
    ),
    Mutant(
        "one or the other",
        "Runs are grouped as soon as the method or the number of labels is the same.",
        "Both have to be the same.",
        body="""
            summaries = []
            for row in rows:
                for group in summaries:
                    if group["method"] == row["method"] or group["labels"] == row["labels"]:
                        break
                else:
                    group = {"method": row["method"], "labels": row["labels"], "values": []}
                    summaries.append(group)
                group["values"].append(1 - row["test_error"])
            for group in summaries:
                group["runs"] = len(group["values"])
                group["mean"], group["spread"] = statistic(group.pop("values"))
            return summaries
            """,
    ),
    Mutant(
        "sorted by method",
        "The pairs are sorted by method; the exercise asks for the order in which they first occur.",
        "A dictionary keeps the order in which its keys were added.",
        edits=(("in groups.items()", "in sorted(groups.items(), key=lambda item: item[0][0])"),),
    ),
    Mutant(
        "order of the seeds",
        "The pairs come as they occur when the rows are sorted by their seeds.",
        "Go through the rows as they are.",
        edits=(("for row in rows:", 'for row in sorted(rows, key=lambda row: row["seed"] or 0):'),),
    ),
    Mutant(
        "sorted by labels",
        "The pairs are sorted by number of labels; they should come as they first occur in rows.",
        "A dictionary keeps the order in which its keys were added.",
        edits=(("in groups.items()", "in sorted(groups.items(), key=lambda item: item[0][1])"),),
    ),
    Mutant(
        "sorted by the mean",
        "The pairs are sorted by their means.",
        "Leave them in the order in which they first occur in rows.",
        edits=(("return summaries", 'return sorted(summaries, key=lambda s: -s["mean"])'),),
    ),
    Mutant(
        "sorted by runs",
        "The pairs are sorted by how many runs they have.",
        "Leave them in the order in which they first occur in rows.",
        edits=(("return summaries", 'return sorted(summaries, key=lambda s: -s["runs"])'),),
    ),
    Mutant(
        "in reverse",
        "The pairs come in reverse order.",
        "Append each summary to the end of the list.",
        edits=(("return summaries", "return summaries[::-1]"),),
    ),
    Mutant(
        "sorted",
        name="a sorted set of pairs",
        edits=(("in groups.items()", "in [(pair, groups[pair]) for pair in sorted(set(groups))]"),),
    ),
    Mutant(
        "an order of one's own",
        "The methods are listed in an order of your own.",
        "The rows decide the order: each pair stands where it first occurs.",
        edits=(
            (
                "in groups.items()",
                "in sorted(groups.items(), key=lambda item: (-item[0][1], item[0][0]), reverse=True)",
            ),
        ),
    ),
    Mutant(
        "no runs",
        "The number of runs is missing from the summaries.",
        "The docstring lists five keys.",
        edits=((' "runs": len(accuracies),', ""),),
    ),
    Mutant(
        "n for runs",
        'The number of runs does not have the key in the docstring: "n" instead of "runs".',
        "Compare the keys letter by letter with the docstring.",
        edits=(('"runs"', '"n"'),),
    ),
    Mutant(
        "std for spread",
        'The second number does not have the key in the docstring: "std" instead of "spread".',
        "Compare the keys letter by letter with the docstring.",
        edits=(('"spread"', '"std"'),),
    ),
    Mutant(
        "tuples",
        "Each summary is a tuple; the exercise asks for a dictionary.",
        "Append a dictionary with the five keys of the docstring.",
        body="""
            groups = {}
            for row in rows:
                groups.setdefault((row["method"], row["labels"]), []).append(1 - row["test_error"])
            return [(*pair, len(own), *statistic(own)) for pair, own in groups.items()]
            """,
    ),
    Mutant(
        "one dictionary for all",
        "All entries are the same dictionary, which holds the last pair in the end.",
        "Make a new dictionary for each pair, inside the loop.",
        edits=(
            ("    summaries = []\n", "    summaries, summary = [], {}\n"),
            ("summaries.append(\n            {", "summary.update(\n            {"),
            ("}\n        )\n", "}\n        )\n        summaries.append(summary)\n"),
        ),
    ),
    Mutant(
        "first pair alone",
        "Only the first pair is returned: the return is inside the loop.",
        "Look at the indentation of the return.",
        edits=(("    return summaries", "        return summaries"),),
    ),
    Mutant(
        "last pair alone",
        "Only the last pair is in the list: the append comes after the loop.",
        "Look at the indentation of the append.",
        edits=(("return summaries", "return summaries[-1:]"),),
    ),
    Mutant(
        "statistic of all runs",
        "The statistic is called on the accuracies of all pairs together.",
        "Call it with the list of one pair.",
        edits=((_COMPUTE, 'mean, spread = statistic([1 - row["test_error"] for row in rows])'),),
    ),
    Mutant(
        "list of results",
        "`runs` is the list of results; the exercise asks for how many there are.",
        "A list has a length.",
        edits=(("len(accuracies)", "accuracies"),),
    ),
    Mutant(
        "one run too few",
        "`runs` is one less than the number of runs.",
        "Count all runs of the pair.",
        edits=(("len(accuracies)", "len(accuracies) - 1"),),
    ),
    Mutant(
        "seeds counted",
        "`runs` counts the different seeds, which are not always known.",
        "Count the accuracies that you collect.",
        edits=(
            (
                "len(accuracies)",
                'len({row["seed"] for row in rows if (row["method"], row["labels"]) == (method, labels)})',
            ),
        ),
    ),
    Mutant(
        "results counted",
        "`runs` counts the different results; two runs may have the same.",
        "Count the accuracies that you collect.",
        edits=(("len(accuracies)", "len(set(accuracies))"),),
    ),
    Mutant(
        "labels counted",
        "`runs` is the number of all runs with that many labels, whatever their method.",
        "Count the runs of the pair.",
        edits=(("len(accuracies)", 'sum(row["labels"] == labels for row in rows)'),),
    ),
    Mutant(
        "results seen before",
        "A result that another run had before is left out, even where that run is of another pair.",
        "Two runs are two runs, whatever their results.",
        edits=(
            (
                "for row in rows:",
                "seen = set()\n    for row in rows:\n"
                '        if row["test_error"] in seen:\n            continue\n'
                '        seen.add(row["test_error"])',
            ),
        ),
    ),
    Mutant(
        "labels as text",
        "The number of labels is a text; later code sorts by it and puts it on an axis.",
        "Keep the number as it is in the row.",
        edits=(('"labels": labels', '"labels": str(labels)'),),
    ),
    Mutant(
        "labels as text",
        name="a text as the key",
        edits=(
            (_KEY, "f\"{row['method']} {row['labels']}\""),
            (
                _PAIR + " in groups.items():",
                "pair, accuracies in groups.items():\n        method, labels = pair.split()",
            ),
        ),
    ),
    Mutant(
        "pair as method",
        "The method of a summary is the whole pair.",
        "A pair has two parts: give each a name of its own.",
        edits=(('"method": method', '"method": (method, labels)'),),
    ),
    Mutant(
        "sorts the rows",
        "You sort the list of rows that you are given; the caller needs its order.",
        "Nothing has to be sorted here.",
        edits=(("groups: dict = {}", 'rows.sort(key=lambda row: row["test_error"])\n    groups: dict = {}'),),
    ),
    Mutant(
        "uses up the rows",
        "You take the rows out of the list that you are given.",
        "Go through the list with for, which leaves it as it is.",
        edits=(("for row in rows:", "while rows:\n        row = rows.pop(0)"),),
    ),
    Mutant(
        "overwrites the errors",
        "You overwrite the errors in the rows with accuracies.",
        "Put the accuracy into a variable or list of your own.",
        edits=(
            (
                "for row in rows:",
                'for row in rows:\n        row["test_error"] = 1 - row["test_error"]',
            ),
            (_APPEND, '.append(row["test_error"])'),
        ),
    ),
    Mutant(
        "a generator",
        "The statistic is given a generator, which has no length and can be read only once.",
        "Pass a list, as the docstring says.",
        edits=((_COMPUTE, "mean, spread = statistic(a for a in accuracies)"),),
    ),
    Mutant(
        "both as the mean",
        "`mean` holds both numbers of the statistic.",
        "Give each of the two a name of its own.",
        edits=((_COMPUTE, "mean = statistic(accuracies)\n        spread = mean[1]"),),
    ),
    Mutant(
        "divided by the root",
        "The second number of the statistic is divided by the root of the number of runs.",
        "Return what the statistic gives.",
        edits=((_COMPUTE, f"{_COMPUTE}\n        spread = spread / len(accuracies) ** 0.5"),),
    ),
    Mutant(
        "single runs left out",
        "Pairs with a single run are left out.",
        "Every pair that occurs has its line. What the spread of a single run is, the statistic decides.",
        edits=((_COMPUTE, f"if len(accuracies) < 2:\n            continue\n        {_COMPUTE}"),),
    ),
    Mutant(
        "NaN for single runs",
        "A single run gets NaN, whatever the statistic says.",
        "Return what the statistic gives: it may be another one than mean_and_spread.",
        edits=((_COMPUTE, f'{_COMPUTE}\n        spread = spread if len(accuracies) > 1 else float("nan")'),),
    ),
    Mutant(
        "mean of one's own",
        "The first number of the statistic is replaced by a median of your own.",
        "Return what the statistic gives: it may be another one than mean_and_spread.",
        edits=((_COMPUTE, f"{_COMPUTE}\n        mean = float(np.median(accuracies))"),),
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
                "method": method, "labels": count, "runs": own.size, "mean": mean, "spread": spread,
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
    "places in a list": """
def summarize(rows, statistic):
    place, summaries, values = {}, [], []
    for row in rows:
        pair = row["method"], row["labels"]
        if pair not in place:
            place[pair] = len(summaries)
            summaries.append({"method": row["method"], "labels": row["labels"]})
            values.append([])
        values[place[pair]] += [1 - row["test_error"]]
    for own, line in zip(values, summaries):
        line.update(runs=len(own), mean=statistic(own)[0], spread=statistic(own)[1])
    return summaries
""",
    "one dictionary in another, with the first place of each": """
def summarize(rows, statistic):
    nested = {}
    for i, row in enumerate(rows):
        entry = nested.setdefault(row["method"], {}).setdefault(row["labels"], (i, []))
        entry[1].append(1 - row["test_error"])
    flat = [(i, m, n, own) for m, inner in nested.items() for n, (i, own) in inner.items()]
    return [
        {"method": m, "labels": n, "runs": len(own)} | dict(zip(("mean", "spread"), statistic(own)))
        for i, m, n, own in sorted(flat, key=lambda entry: entry[0])
    ]
""",
    "structured arrays and unique": """
def summarize(rows, statistic):
    names = np.array([f"{row['method']}/{row['labels']}" for row in rows])
    values = np.array([1 - row["test_error"] for row in rows])
    _, first, group = np.unique(names, return_index=True, return_inverse=True)
    out = []
    for g in np.argsort(first):
        own = values[group == g].tolist()
        row = rows[first[g]]
        mean, spread = statistic(own)
        out.append(dict(method=row["method"], labels=row["labels"], runs=len(own), mean=mean, spread=spread))
    return out
""",
    "a class and its objects": """
class Group:
    def __init__(self, method, labels):
        self.method, self.labels, self.values = method, labels, []

    def summary(self, statistic):
        mean, spread = statistic(self.values)
        known = {"method": self.method, "labels": self.labels, "runs": len(self.values)}
        return known | {"mean": mean, "spread": spread}

def summarize(rows, statistic):
    groups = []
    for row in rows:
        for group in groups:
            if group.method == row["method"] and group.labels == row["labels"]:
                break
        else:
            group = Group(row["method"], row["labels"])
            groups.append(group)
        group.values.append(1 - row["test_error"])
    return [group.summary(statistic) for group in groups]
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
    Equivalent(
        "accuracies sorted",
        "The statistic of a list of results does not depend on their order.",
        edits=(("statistic(accuracies)", "statistic(sorted(accuracies))"),),
    ),
    Equivalent(
        "accuracies as an array",
        "An array of numbers does for a statistic what a list of them does.",
        edits=(("statistic(accuracies)", "statistic(np.array(accuracies))"),),
    ),
    Equivalent(
        "rows copied first",
        "What is written into a copy reaches nobody else.",
        edits=(
            ("for row in rows:", "for row in [dict(row) for row in rows]:"),
            ('1 - row["test_error"]', 'row.setdefault("accuracy", 1 - row["test_error"])'),
        ),
    ),
)


def _rows(
    pairs: int,
    *,
    fewest: int = 1,
    most: int = 4,
    equal: bool = False,
    unknown: tuple[str, ...] = (),
    bounds: bool = False,
    statistic: str = summary.MEAN_AND_LARGEST,
) -> Draw:
    def draw(rng: Rng) -> Inputs:
        runs = [size(rng, fewest, most) for _ in range(pairs)]
        return summary.draw_rows(runs, equal=equal, unknown=unknown, bounds=bounds, statistic=statistic)(rng)

    return draw


def _mixed(inputs: Inputs) -> bool:
    """Whether neither methods nor numbers of labels stand together where the pairs first occur."""
    pairs = list(dict.fromkeys((row["method"], row["labels"]) for row in inputs["rows"]))
    return all(_splits([pair[part] for pair in pairs]) for part in (0, 1))


def _splits(values: list[object]) -> bool:
    """Whether a value comes again after another one."""
    changes = [one for one, other in itertools.pairwise(values) if one != other]
    return len(changes) + 1 > len(set(values))


_HIDDEN = hidden_function(
    {
        "in any order": ("runs of several pairs, in any order", until(_rows(5, fewest=2), _mixed)),
        "uneven": ("pairs with different numbers of runs", _rows(4, most=6)),
        "equal results": ("runs with the same result", _rows(3, fewest=3, equal=True)),
        "published": (
            "runs of which not everything is known",
            _rows(4, fewest=2, unknown=("seed", "test_error_raw"), statistic=summary.SMALLEST_AND_MEAN),
        ),
        "bounds": ("runs without an error, or with nothing else", _rows(4, fewest=2, bounds=True)),
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
