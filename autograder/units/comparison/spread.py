"""What instructors have of ``mean_and_spread``."""

from __future__ import annotations

from autograder.units import InstructorExercise
from autograder.units.draws import size
from autograder.units.equivalent import Equivalent
from autograder.units.hidden import hidden_function
from autograder.units.mutant import Mutant
from course.checks.functions import Draw
from course.units.comparison.checks import spread

_STANDARD_DEVIATION = "np.sqrt(np.sum((values - mean) ** 2) / (len(values) - 1))"

_MUTANTS = (
    Mutant(
        "population",
        "The sum of squares is divided by n: that is the standard deviation of a whole population.",
        "Divide by n − 1. NumPy's std divides by n unless it is told otherwise (ddof).",
        edits=(("(len(values) - 1)", "len(values)"),),
        common="Dividing by n, as `np.std` does by default. With three runs, that makes the spread 18 % too "
        "small.",
    ),
    Mutant(
        "variance",
        "This is the variance: the square root is missing.",
        "A spread has the unit of the values, so take the square root at the end.",
        edits=((_STANDARD_DEVIATION, "np.sum((values - mean) ** 2) / (len(values) - 1)"),),
    ),
    Mutant(
        "standard error",
        "This is the standard error, the uncertainty of the mean.",
        "The spread of single runs is not divided by the root of n.",
        edits=(("(len(values) - 1))", "(len(values) - 1) / len(values))"),),
        common="Reporting the standard error without saying so. It looks better, but answers a different "
        "question.",
    ),
    Mutant(
        "root first",
        "The root is taken before the division by n − 1.",
        "Divide the sum of squares first, then take the root.",
        edits=(("np.sum((values - mean) ** 2) /", "np.sum((values - mean) ** 2)) / ("),),
    ),
    Mutant(
        "range",
        "This is the largest value minus the smallest.",
        "Every value counts, not only two of them.",
        body="spread = values.max() - values.min() if len(values) > 1 else np.nan",
    ),
    Mutant(
        "half range",
        "This is half of the range.",
        "Every value counts, not only two of them.",
        body="spread = (values.max() - values.min()) / 2 if len(values) > 1 else np.nan",
    ),
    Mutant(
        "absolute deviations",
        "This is the mean absolute deviation.",
        "Square the deviations, and take the root at the end.",
        edits=((_STANDARD_DEVIATION, "np.mean(np.abs(values - mean))"),),
    ),
    Mutant(
        "around the median",
        "The deviations are measured from the median.",
        "Measure them from the mean.",
        edits=(("(values - mean)", "(values - np.median(values))"),),
    ),
    Mutant(
        "quartiles",
        "This is the distance between the quartiles.",
        "The formula is in the docstring.",
        body="""
            upper, lower = np.percentile(values, [75, 25])
            spread = upper - lower if len(values) > 1 else np.nan
            """,
    ),
    Mutant(
        "relative",
        "The spread is divided by the mean.",
        "Leave it in the unit of the values.",
        edits=(("(len(values) - 1))", "(len(values) - 1)) / mean"),),
    ),
    Mutant(
        "rounded",
        "The spread is rounded.",
        "Round when you print, not before.",
        edits=((_STANDARD_DEVIATION, f"round({_STANDARD_DEVIATION}, 2)"),),
    ),
    Mutant(
        "zero for one value",
        "A single value gets a spread of 0, which claims that every further run will be the same.",
        "The spread of one value is unknown: NaN.",
        edits=(("np.nan", "0.0"),),
        common="Reporting a spread of 0 for a single run, which claims certainty where nothing is known.",
    ),
    Mutant(
        "None for one value",
        "The spread of one value is None here, which the last line cannot turn into a float.",
        "Use np.nan.",
        edits=(("np.nan", "None"),),
    ),
    Mutant(
        "no answer for one value",
        "With one value the division by n − 1 = 0 raises an exception.",
        "Handle a single value separately: its spread is NaN.",
        body="""
            squares = sum((float(value) - float(mean)) ** 2 for value in values)
            spread = (squares / (len(values) - 1)) ** 0.5
            """,
    ),
    Mutant(
        "difference of squares",
        "Mean of squares minus squared mean loses digits when large values are close together.",
        "Subtract the mean from each value first, then square.",
        edits=(("np.sum((values - mean) ** 2)", "(np.sum(values**2) - len(values) * mean**2)"),),
    ),
)

_ALTERNATIVES = {
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

_EQUIVALENTS = (
    Equivalent(
        "NumPy's std for one value too",
        "With ddof=1 it divides 0 by 0 for one value, which is NaN; the warning on the way is no result.",
        body="spread = np.std(values, ddof=1)",
    ),
    Equivalent(
        "deviations with the other sign",
        "They are squared.",
        edits=(("(values - mean)", "(mean - values)"),),
    ),
    Equivalent(
        "smallest value subtracted first",
        "Subtracting one number from all values moves the mean along and leaves the deviations as they are.",
        body="""
            shifted = values - values.min()
            squares = np.sum((shifted - shifted.mean()) ** 2)
            spread = np.sqrt(squares / (len(values) - 1)) if len(values) > 1 else np.nan
            """,
    ),
)


def _values(low: int, high: int) -> Draw:
    return lambda rng: spread.draw_values(size(rng, low, high))(rng)


_HIDDEN = hidden_function(
    {
        "three runs": ("the accuracies of a few runs", _values(3, 4)),
        "five runs": ("the accuracies of several runs", _values(5, 12)),
        "two runs": ("the accuracies of two runs", _values(2, 2)),
        "one run": ("the accuracy of a single run", _values(1, 1)),
        "far from zero": ("large numbers that lie close together", spread.draw_far_from_zero),
    },
    compiled=False,
)

MEAN_AND_SPREAD = InstructorExercise(
    "mean_and_spread",
    mutants=_MUTANTS,
    alternatives=_ALTERNATIVES,
    equivalents=_EQUIVALENTS,
    hidden=_HIDDEN,
)

EXERCISES = (MEAN_AND_SPREAD,)
