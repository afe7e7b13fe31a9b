"""Mutants of the unit ``comparison``."""

from __future__ import annotations

from autograder.units.mutant import Mutant, with_bodies, with_edits

_STANDARD_DEVIATION = "np.sqrt(np.sum((values - mean) ** 2) / (len(values) - 1))"

_SPREAD = with_edits(
    "mean_and_spread",
    {
        "population": (("(len(values) - 1)", "len(values)"),),
        "variance": ((_STANDARD_DEVIATION, "np.sum((values - mean) ** 2) / (len(values) - 1)"),),
        "standard error": (("(len(values) - 1))", "(len(values) - 1) / len(values))"),),
        "root first": (("np.sum((values - mean) ** 2) /", "np.sum((values - mean) ** 2)) / ("),),
        "absolute deviations": ((_STANDARD_DEVIATION, "np.mean(np.abs(values - mean))"),),
        "around the median": (("(values - mean)", "(values - np.median(values))"),),
        "relative": (("(len(values) - 1))", "(len(values) - 1)) / mean"),),
        "rounded": ((_STANDARD_DEVIATION, f"round({_STANDARD_DEVIATION}, 2)"),),
        "zero for one value": (("np.nan", "0.0"),),
        "None for one value": (("np.nan", "None"),),
        "difference of squares": (
            ("np.sum((values - mean) ** 2)", "(np.sum(values**2) - len(values) * mean**2)"),
        ),
    },
) + with_bodies(
    "mean_and_spread",
    {
        "range": "spread = values.max() - values.min() if len(values) > 1 else np.nan",
        "half range": "spread = (values.max() - values.min()) / 2 if len(values) > 1 else np.nan",
        "quartiles": """
            upper, lower = np.percentile(values, [75, 25])
            spread = upper - lower if len(values) > 1 else np.nan
            """,
        "no answer for one value": """
            squares = sum((float(value) - float(mean)) ** 2 for value in values)
            spread = (squares / (len(values) - 1)) ** 0.5
            """,
    },
)

_APPEND = '.append(1 - row["test_error"])'
_KEY = '(row["method"], row["labels"])'
_COMPUTE = "mean, spread = statistic(accuracies)"

_SUMMARIZE = with_edits(
    "summarize",
    {
        "error": (('1 - row["test_error"]', 'row["test_error"]'),),
        "statistic of the errors": (
            ('1 - row["test_error"]', 'row["test_error"]'),
            (_COMPUTE, "mean, spread = statistic(accuracies)\n        mean = 1 - mean"),
        ),
        "percent": (('1 - row["test_error"]', '100 * (1 - row["test_error"])'),),
        "raw weights": (('row["test_error"]', 'row["test_error_raw"]'),),
        "by method alone": (
            (_KEY, 'row["method"]'),
            (
                "for (method, labels), accuracies in groups.items():",
                "for method, accuracies in groups.items():\n"
                '        labels = next(row["labels"] for row in rows if row["method"] == method)',
            ),
        ),
        "by labels alone": (
            (_KEY, 'row["labels"]'),
            (
                "for (method, labels), accuracies in groups.items():",
                "for labels, accuracies in groups.items():\n"
                '        method = next(row["method"] for row in rows if row["labels"] == labels)',
            ),
        ),
        "last run only": (
            (f"groups.setdefault({_KEY}, []){_APPEND}", f'groups[{_KEY}] = [1 - row["test_error"]]'),
        ),
        "first run only": (
            (
                f"groups.setdefault({_KEY}, []){_APPEND}",
                f'groups.setdefault({_KEY}, [1 - row["test_error"]])',
            ),
        ),
        "sorted": (("in groups.items()", "in sorted(groups.items())"),),
        "backwards": (
            (
                f"groups.setdefault({_KEY}, []){_APPEND}",
                f'groups[{_KEY}] = [*groups.pop({_KEY}, []), 1 - row["test_error"]]',
            ),
        ),
        "distinct results": (
            (_COMPUTE, "accuracies = sorted(set(accuracies))\n        mean, spread = statistic(accuracies)"),
        ),
        "all runs counted": (("len(accuracies)", "len(rows)"),),
        "exchanged": (("mean, spread = statistic", "spread, mean = statistic"),),
        "own statistic": (
            (
                _COMPUTE,
                "mean = sum(accuracies) / len(accuracies)\n"
                "        spread = float(np.std(accuracies, ddof=1)) if len(accuracies) > 1 else float('nan')",
            ),
        ),
        "statistic of each run": (
            (
                _COMPUTE,
                "mean, spread = (float(x) for x in np.mean([statistic([a]) for a in accuracies], axis=0))",
            ),
        ),
        "dictionary of summaries": (
            ("return summaries", "return {f\"{s['method']}-{s['labels']}\": s for s in summaries}"),
        ),
        "writes into the rows": ((_APPEND, '.append(row.setdefault("accuracy", 1 - row["test_error"]))'),),
        "kept for later": (("groups: dict = {}", 'groups = globals().setdefault("all_groups", {})'),),
    },
) + with_bodies(
    "summarize",
    {
        "neighbors only": """
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
    },
)

_PASSES = '(3 * row["trained_images"] + row["forward_images"])'
_KNOWN = '    if None in (row["steps"], row["trained_images"], row["forward_images"]):\n        return None\n'

_COST = with_edits(
    "training_cost",
    {
        "backward not counted": (("3 * row", "row"),),
        "backward as one pass": (("3 * row", "2 * row"),),
        "four passes": (("3 * row", "4 * row"),),
        "backward for all": ((_PASSES, '3 * (row["trained_images"] + row["forward_images"])'),),
        "forward images left out": ((_PASSES, '3 * row["trained_images"]'),),
        "exchanged": ((_PASSES, '(row["trained_images"] + 3 * row["forward_images"])'),),
        "one step": (('return row["steps"] *', "return"),),
        "forward images once": ((_PASSES, '3 * row["trained_images"] + row["forward_images"]'),),
        "labels": (('return row["steps"]', 'return row["labels"]'),),
        "seconds": ((f'return row["steps"] * {_PASSES}', 'return row["seconds"]'),),
        "in millions": ((_PASSES, f"{_PASSES} / 1e6"),),
        "unknown as NaN": (("return None", 'return float("nan")'),),
        "no answer where unknown": ((_KNOWN, ""),),
        "looks at the steps alone": (
            ('None in (row["steps"], row["trained_images"], row["forward_images"])', 'row["steps"] is None'),
        ),
        "None anywhere": (
            ('None in (row["steps"], row["trained_images"], row["forward_images"])', "None in row.values()"),
        ),
        "zero as unknown": (
            (
                'None in (row["steps"], row["trained_images"], row["forward_images"])',
                'not (row["steps"] and row["trained_images"] and row["forward_images"])',
            ),
        ),
    },
) + with_bodies(
    "training_cost",
    {
        "unknown as zero": """
            steps, trained, forward = (row[key] or 0 for key in ("steps", "trained_images", "forward_images"))
            return steps * (3 * trained + forward)
            """,
    },
)

_START = "start, end = np.log(labels[i - 1]), np.log(labels[i])"
_ANSWER = "return float(np.exp(start + share * (end - start)))"
_FROM_THE_START = "if accuracies[0] >= target:\n        return float(labels[0])\n"
_LOG_INTERP = "np.exp(np.interp(target, accuracies, np.log(labels)))"

_LABELS = (
    *with_edits(
        "labels_to_reach",
        {
            "plain axis": (
                (_START, "start, end = labels[i - 1], labels[i]"),
                (_ANSWER, "return float(start + share * (end - start))"),
            ),
            "logarithm returned": ((_ANSWER, "return float(start + share * (end - start))"),),
            "two bases": ((_START, "start, end = np.log10(labels[i - 1]), np.log10(labels[i])"),),
            "accuracies on a logarithmic axis": (
                (
                    "(target - accuracies[i - 1]) / (accuracies[i] - accuracies[i - 1])",
                    "np.log(target / accuracies[i - 1]) / np.log(accuracies[i] / accuracies[i - 1])",
                ),
            ),
            "next measured": ((_ANSWER, "return float(labels[i])"),),
            "last below": ((_ANSWER, "return float(labels[i - 1])"),),
            "share upside down": (("(target - accuracies[i - 1]) /", "(accuracies[i] - target) /"),),
            "whole number": ((_ANSWER, "return round(np.exp(start + share * (end - start)))"),),
            "last crossing": (
                ("for i in range(1, len(labels)):", "for i in reversed(range(1, len(labels))):"),
                ("if accuracies[i] >= target:", "if accuracies[i] >= target > accuracies[i - 1]:"),
            ),
            "sorted accuracies": (
                (_FROM_THE_START, f"accuracies = sorted(accuracies)\n    {_FROM_THE_START}"),
            ),
            "extrapolated to fewer": (
                (
                    "return float(labels[0])",
                    "if len(labels) == 1:\n            return float(labels[0])\n"
                    "        slope = np.log(labels[1] / labels[0]) / (accuracies[1] - accuracies[0])\n"
                    "        return float(np.exp(np.log(labels[0]) + slope * (target - accuracies[0])))",
                ),
            ),
            "extrapolated to more": (
                (
                    "    return None",
                    "    if len(labels) == 1:\n        return None\n"
                    "    slope = np.log(labels[-1] / labels[-2]) / (accuracies[-1] - accuracies[-2])\n"
                    "    return float(np.exp(np.log(labels[-1]) + slope * (target - accuracies[-1])))",
                ),
            ),
            "clamped": (("    return None", "    return float(labels[-1])"),),
            "infinite": (("    return None", '    return float("inf")'),),
            "None from the start": (("return float(labels[0])", "return None"),),
            "strictly above": (
                ("if accuracies[0] >= target:", "if accuracies[0] > target:"),
                ("if accuracies[i] >= target:", "if accuracies[i] > target:"),
            ),
        },
    ),
    # What NumPy's interpolation makes of a curve that goes down, or ends before the target.
    Mutant(
        "labels_to_reach",
        "clamped",
        body=f"return float({_LOG_INTERP})",
        name="np.interp by itself",
    ),
)

_MEDIAN = 'float(np.median([evaluation["val_error"] for evaluation in in_order[-last:]]))'
_IN_ORDER = 'in_order = sorted(curve, key=lambda evaluation: evaluation["step"])'

_REPORTED = with_edits(
    "reported_error",
    {
        "best": ((_MEDIAN, 'min(evaluation["val_error"] for evaluation in curve)'),),
        "best of the last": (("np.median(", "np.min("),),
        "worst": ((_MEDIAN, 'max(evaluation["val_error"] for evaluation in curve)'),),
        "mean of the last": (("np.median(", "np.mean("),),
        "last alone": ((_MEDIAN, 'in_order[-1]["val_error"]'),),
        "all of them": (("in_order[-last:]", "in_order"),),
        "the first ones": (("in_order[-last:]", "in_order[:last]"),),
        "as they stand": ((_IN_ORDER, "in_order = curve"),),
        "ordered by error": (('evaluation["step"])', 'evaluation["val_error"])'),),
        "one too many": (("[-last:]", "[-last - 1 :]"),),
        "always 20": (("[-last:]", "[-20:]"),),
        "steps for evaluations": (
            ("in_order[-last:]", 'in_order if evaluation["step"] > in_order[-1]["step"] - last'),
        ),
        "upper of the middle two": (
            (
                f"return {_MEDIAN}",
                'errors = sorted(evaluation["val_error"] for evaluation in in_order[-last:])\n'
                "    return errors[len(errors) // 2]",
            ),
        ),
        "nothing for a short run": (
            ("return float", 'if len(curve) < last:\n        return float("nan")\n    return float'),
        ),
        "a short run cut shorter": (("in_order[-last:]", "in_order[len(in_order) - last :]"),),
        "accuracy": (("return float", "return 1 - float"),),
        "sorts the list it is given": (
            (_IN_ORDER, 'curve.sort(key=lambda evaluation: evaluation["step"])\n    in_order = curve'),
        ),
        "kept for later": (
            (
                _IN_ORDER,
                'seen = globals().setdefault("seen", [])\n    seen += curve\n'
                '    in_order = sorted(seen, key=lambda evaluation: evaluation["step"])',
            ),
        ),
    },
)

MUTANTS = _SPREAD + _SUMMARIZE + _COST + _LABELS + _REPORTED
