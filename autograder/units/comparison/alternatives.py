"""Correct solutions of the unit ``comparison`` that look different from the reference.

Each is the text of a student's cells. The names of the notebook are there, and the earlier exercises.
"""

from __future__ import annotations

from autograder.units.alternative import Alternative

# What the notebook has imported before its first exercise.
IMPORTS = """
import itertools
import numpy as np
"""

_SPREAD = {
    "NumPy's std": """
def mean_and_spread(values):
    values = np.asarray(values, dtype=float)
    if values.size == 1:
        return float(values[0]), float("nan")
    return float(np.mean(values)), float(np.std(values, ddof=1))
""",
    "NumPy's std with its warning": """
def mean_and_spread(values):
    return np.mean(values), np.std(values, ddof=1)
""",
    "the statistics module": """
import statistics

def mean_and_spread(values):
    values = [float(value) for value in values]
    spread = statistics.stdev(values) if len(values) > 1 else float("nan")
    return statistics.fmean(values), spread
""",
    "plain Python": """
def mean_and_spread(values):
    n = 0
    total = 0.0
    for value in values:
        n += 1
        total += value
    mean = total / n
    squares = 0.0
    for value in values:
        squares += (value - mean) ** 2
    if n == 1:
        return mean, float("nan")
    return mean, (squares / (n - 1)) ** 0.5
""",
    "Welford's one pass": """
def mean_and_spread(values):
    mean, squares = 0.0, 0.0
    for n, value in enumerate(values, start=1):
        change = value - mean
        mean += change / n
        squares += change * (value - mean)
    return mean, np.sqrt(squares / (n - 1)) if n > 1 else np.nan
""",
    "population times a factor": """
def mean_and_spread(values):
    values = np.array(values, dtype=float)
    n = len(values)
    factor = np.sqrt(n / (n - 1)) if n > 1 else np.nan
    return values.mean(), factor * values.std()
""",
    "all pairs": """
def mean_and_spread(values):
    values = np.asarray(values, dtype=float)
    n = len(values)
    squares = sum((a - b) ** 2 for a, b in itertools.combinations(values, 2)) / n
    return float(values.mean()), float(np.sqrt(squares / (n - 1))) if n > 1 else np.nan
""",
    "norm, returned as a list": """
def deviations(values):
    return np.asarray(values, dtype=float) - np.mean(values)

def mean_and_spread(values):
    spread = np.nan
    if len(values) > 1:
        spread = np.linalg.norm(deviations(values)) / np.sqrt(len(values) - 1)
    return [np.mean(values), spread]
""",
}

_SUMMARIZE = {
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

_COST = {
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

_LABELS = {
    "np.interp between two neighbors": """
def labels_to_reach(labels, accuracies, target):
    if accuracies[0] >= target:
        return labels[0]
    for i in range(len(labels) - 1):
        if accuracies[i] < target <= accuracies[i + 1]:
            return np.exp(np.interp(target, accuracies[i:i + 2], np.log(labels[i:i + 2])))
    return None
""",
    "powers of the ratio": """
def labels_to_reach(labels, accuracies, target):
    if accuracies[0] >= target:
        return float(labels[0])
    for (n0, a0), (n1, a1) in itertools.pairwise(zip(labels, accuracies)):
        if a1 >= target:
            return n0 * (n1 / n0) ** ((target - a0) / (a1 - a0))
""",
    "argmax": """
def labels_to_reach(labels, accuracies, target):
    labels, accuracies = np.asarray(labels, float), np.asarray(accuracies, float)
    there = accuracies >= target
    if not there.any():
        return None
    i = int(np.argmax(there))
    if i == 0:
        return labels[0]
    x = np.log10(labels)
    slope = (x[i] - x[i - 1]) / (accuracies[i] - accuracies[i - 1])
    return 10 ** (x[i - 1] + slope * (target - accuracies[i - 1]))
""",
    "an array of integers": """
def labels_to_reach(labels, accuracies, target):
    labels, accuracies = np.asarray(labels), np.asarray(accuracies)
    reached = np.flatnonzero(accuracies >= target)
    if len(reached) == 0:
        return None
    i = reached[0]
    if i == 0:
        return labels[0]
    share = (target - accuracies[i - 1]) / (accuracies[i] - accuracies[i - 1])
    return np.exp(np.log(labels[i - 1]) * (1 - share) + np.log(labels[i]) * share)
""",
    "next and a generator": """
import math

def labels_to_reach(labels, accuracies, target):
    i = next((i for i, accuracy in enumerate(accuracies) if accuracy >= target), None)
    if i is None or i == 0:
        return None if i is None else float(labels[0])
    before, after = math.log(labels[i - 1]), math.log(labels[i])
    left, right = target - accuracies[i - 1], accuracies[i] - target
    return math.exp((before * right + after * left) / (left + right))
""",
    "the highest so far": """
def labels_to_reach(labels, accuracies, target):
    best = np.maximum.accumulate(accuracies)
    i = np.searchsorted(best, target)
    if i == len(labels):
        return None
    if i == 0:
        return float(labels[0])
    low, high = accuracies[i - 1], accuracies[i]
    return float(np.exp(np.interp((target - low) / (high - low), [0, 1], np.log([labels[i - 1], labels[i]]))))
""",
    "bisection on the line": """
def line(n, labels, accuracies):
    return np.interp(np.log(n), np.log(labels), accuracies)

def labels_to_reach(labels, accuracies, target):
    if max(accuracies) < target:
        return None
    if accuracies[0] >= target:
        return float(labels[0])
    i = [a >= target for a in accuracies].index(True)
    low, high = float(labels[i - 1]), float(labels[i])
    for _ in range(100):
        middle = (low + high) / 2
        if line(middle, labels, accuracies) >= target:
            high = middle
        else:
            low = middle
    return high
""",
    "while": """
def labels_to_reach(labels, accuracies, target):
    i = 0
    while i < len(labels) and accuracies[i] < target:
        i += 1
    if i == len(labels):
        return None
    if i == 0:
        return labels[0]
    t = (target - accuracies[i - 1]) / (accuracies[i] - accuracies[i - 1])
    return np.exp((1 - t) * np.log(labels[i - 1]) + t * np.log(labels[i]))
""",
}

_REPORTED = {
    "by hand": """
def reported_error(curve, last):
    pairs = sorted((e["step"], e["val_error"]) for e in curve)
    errors = sorted(error for _, error in pairs[-last:])
    n = len(errors)
    if n % 2:
        return errors[n // 2]
    return (errors[n // 2 - 1] + errors[n // 2]) / 2
""",
    "the statistics module": """
import statistics
from operator import itemgetter

def reported_error(curve, last):
    latest = sorted(curve, key=itemgetter("step"))[-last:]
    return statistics.median(map(itemgetter("val_error"), latest))
""",
    "argsort": """
def reported_error(curve, last):
    steps = np.array([e["step"] for e in curve])
    errors = np.array([e["val_error"] for e in curve])
    return np.median(errors[np.argsort(steps)][-last:])
""",
    "heapq": """
import heapq

def reported_error(curve, last):
    latest = heapq.nlargest(last, curve, key=lambda e: e["step"])
    return np.median([e["val_error"] for e in latest])
""",
    "a threshold for the steps": """
def reported_error(curve, last):
    steps = sorted((e["step"] for e in curve), reverse=True)
    first = steps[min(last, len(steps)) - 1]
    return float(np.median([e["val_error"] for e in curve if e["step"] >= first]))
""",
    "a dictionary": """
def reported_error(curve, last):
    by_step = {e["step"]: e["val_error"] for e in curve}
    errors = [by_step[step] for step in sorted(by_step)]
    return float(np.quantile(errors[max(0, len(errors) - last):], 0.5))
""",
    "a sorted copy": """
def reported_error(curve, last):
    curve = list(curve)
    curve.sort(key=lambda e: -e["step"])
    return np.percentile([e["val_error"] for e in curve[:last]], 50)
""",
}

ALTERNATIVES = tuple(
    Alternative(exercise, title, source)
    for exercise, sources in {
        "mean_and_spread": _SPREAD,
        "summarize": _SUMMARIZE,
        "training_cost": _COST,
        "labels_to_reach": _LABELS,
        "reported_error": _REPORTED,
    }.items()
    for title, source in sources.items()
)
