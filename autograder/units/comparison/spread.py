"""What instructors have of ``mean_and_spread``."""

from __future__ import annotations

from autograder.units import InstructorExercise
from autograder.units.draws import size
from autograder.units.equivalent import Equivalent
from autograder.units.hidden import hidden_function
from autograder.units.mutant import Mutant
from autograder.units.shared import keeps_its_input
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
    Mutant(
        "writes into the array",
        "You change the array that you are given; the caller still needs it.",
        "`values` can be the caller's own array: np.asarray makes no copy of an array of floats.",
        edits=(("(values - mean) ** 2", "np.subtract(values, mean, out=values) ** 2"),),
        common="Changing an array in place. `np.asarray` makes no copy of an array that has the right type "
        "already.",
    ),
    Mutant(
        "writes into the array",
        name="shifted in place",
        body="""
            spread = np.nan
            if len(values) > 1:
                values -= mean
                spread = np.sqrt(np.sum(values**2) / (len(values) - 1))
            """,
    ),
    Mutant(
        "writes into the array",
        name="sorted in place",
        edits=(("spread = np.nan", "values.sort()\n    spread = np.nan"),),
    ),
    Mutant(
        "distinct values",
        "Equal values are counted once in the spread.",
        "Two runs with the same result are two runs.",
        edits=(("spread = np.nan", "values = np.unique(values)\n    spread = np.nan"),),
    ),
    Mutant(
        "distinct values throughout",
        "Equal values are counted once, in the mean as well.",
        "Two runs with the same result are two runs.",
        edits=(
            (
                "spread = np.nan",
                "values = np.array(list(set(values)))\n    mean = values.mean()\n    spread = np.nan",
            ),
        ),
    ),
    Mutant(
        "NaN for equal values",
        "Several equal values get NaN; they do have a spread, which is 0.",
        "What counts is how many values there are, not how many different ones.",
        edits=(("if len(values) > 1:", "if values.max() > values.min():"),),
    ),
    Mutant(
        "NaN for two values",
        "Two values get NaN; two deviations are enough for a spread.",
        "Only a single value has no spread.",
        edits=(("if len(values) > 1:", "if len(values) > 2:"),),
    ),
    Mutant(
        "minus two",
        "The sum of squares is divided by n − 2.",
        "Divide by n − 1: only the mean has been computed from the values.",
        edits=(("(len(values) - 1)", "max(len(values) - 2, 0.5)"),),
    ),
    Mutant(
        "plus one",
        "The sum of squares is divided by n + 1.",
        "Divide by n − 1.",
        edits=(("(len(values) - 1)", "(len(values) + 1)"),),
    ),
    Mutant(
        "n for many",
        "The sum of squares is divided by n where there are five values or more.",
        "It is n − 1 for every n; for large n it just matters less.",
        edits=(("(len(values) - 1)", "(len(values) - (len(values) < 5))"),),
    ),
    Mutant(
        "n for thirty",
        "The sum of squares is divided by n where there are thirty values or more.",
        "It is n − 1 for every n; for large n it just matters less.",
        edits=(("(len(values) - 1)", "(len(values) - (len(values) < 30))"),),
    ),
    Mutant(
        "not divided",
        "This is the root of the sum of squares, which is not divided by anything.",
        "Divide the sum of squares before you take the root.",
        edits=((" / (len(values) - 1)", ""),),
    ),
    Mutant(
        "population variance",
        "This is a variance, and the sum of squares is divided by n.",
        "Divide by n − 1, and take the root at the end. np.var does neither.",
        edits=((_STANDARD_DEVIATION, "np.var(values)"),),
    ),
    Mutant(
        "standard error of a population",
        "This is the standard error of the mean, with the sum of squares divided by n.",
        "Divide the sum by n − 1, and leave the result as it is after the root.",
        edits=((_STANDARD_DEVIATION, "np.std(values) / np.sqrt(len(values))"),),
    ),
    Mutant(
        "interval",
        "This is half the width of a 95 % confidence interval for the mean.",
        "The spread of single runs is neither multiplied by anything nor divided by the root of n.",
        edits=((_STANDARD_DEVIATION, f"1.96 * {_STANDARD_DEVIATION} / np.sqrt(len(values))"),),
    ),
    Mutant(
        "two standard deviations",
        "This is twice the standard deviation.",
        "Report one standard deviation, not two.",
        edits=((_STANDARD_DEVIATION, f"2 * {_STANDARD_DEVIATION}"),),
    ),
    Mutant(
        "in percent",
        "The spread is in percent, but the mean is not.",
        "Leave both in the unit of the values.",
        edits=((_STANDARD_DEVIATION, f"100 * {_STANDARD_DEVIATION}"),),
    ),
    Mutant(
        "both in percent",
        "Mean and spread are multiplied by 100.",
        "Leave both in the unit of the values. Convert to percent where you print them.",
        edits=(("spread = np.nan", "mean, values = 100 * mean, 100 * values\n    spread = np.nan"),),
    ),
    Mutant(
        "deviations not squared",
        "The deviations are added up without being squared, and those of both signs cancel.",
        "Square each deviation before you add them up.",
        edits=((_STANDARD_DEVIATION, "abs(np.sum(values - mean)) / (len(values) - 1)"),),
    ),
    Mutant(
        "absolute deviations over n − 1",
        "The absolute deviations are added up and divided by n − 1.",
        "Square the deviations, and take the root at the end.",
        edits=((_STANDARD_DEVIATION, "np.sum(np.abs(values - mean)) / (len(values) - 1)"),),
    ),
    Mutant(
        "median deviation",
        "This is the median distance from the median.",
        "The formula is in the docstring.",
        edits=((_STANDARD_DEVIATION, "np.median(np.abs(values - np.median(values)))"),),
    ),
    Mutant(
        "largest deviation",
        "This is the largest deviation from the mean.",
        "Every value counts, not only one of them.",
        edits=((_STANDARD_DEVIATION, "np.max(np.abs(values - mean))"),),
    ),
    Mutant(
        "from one to the next",
        "This is the mean distance between a value and the next.",
        "The order of the runs means nothing: measure from the mean.",
        edits=((_STANDARD_DEVIATION, "np.mean(np.abs(np.diff(values)))"),),
    ),
    Mutant(
        "around the first value",
        "The deviations are measured from the first value.",
        "Measure them from the mean.",
        edits=(("(values - mean)", "(values - values[0])"),),
    ),
    Mutant(
        "around zero",
        "The mean is not subtracted: this is the size of the values, not their spread.",
        "Subtract the mean from each value before you square.",
        edits=(("(values - mean)", "values"),),
    ),
    Mutant(
        "without sign",
        "Negative values lose their sign before the mean is subtracted.",
        "A difference between two methods can be negative. Square the deviations, not the values.",
        edits=(("(values - mean)", "(np.abs(values) - mean)"),),
    ),
    Mutant(
        "zeros left out",
        "Values of exactly 0 are left out.",
        "0 is a result like any other.",
        edits=(("spread = np.nan", "values = values[values != 0]\n    spread = np.nan"),),
    ),
    Mutant(
        "ends left out",
        "The smallest and the largest value are left out where there are more than three.",
        "Every run counts.",
        edits=(
            (
                "spread = np.nan",
                "values = np.sort(values)[1:-1] if len(values) > 3 else values\n    spread = np.nan",
            ),
        ),
    ),
    Mutant(
        "odd ones left out",
        "Values that lie far from the others are left out.",
        "A run that went wrong is a run, too.",
        edits=(
            (
                "spread = np.nan",
                "values = values[np.abs(values - mean) <= 2 * np.std(values) + 1e-9]\n    spread = np.nan",
            ),
        ),
        common="Leaving out the run that went wrong. It belongs to what the method does.",
    ),
    Mutant(
        "odd ones left out throughout",
        "Values that lie far from the others are left out, in the mean as well.",
        "A run that went wrong is a run, too.",
        edits=(
            (
                "spread = np.nan",
                "values = values[np.abs(values - mean) <= 2 * np.std(values) + 1e-9]\n"
                "    mean = values.mean()\n    spread = np.nan",
            ),
        ),
    ),
    Mutant(
        "mean without sign",
        "A negative mean loses its sign.",
        "A method can be worse than another: differences and their mean can be negative.",
        body=f"""
            spread = np.nan
            if len(values) > 1:
                spread = {_STANDARD_DEVIATION}
            mean = abs(mean)
            """,
    ),
    Mutant(
        "shifted",
        "The smallest value is subtracted from all, and the mean is that of what is left.",
        "Shifting the values leaves their spread alone, but moves their mean.",
        edits=(
            (
                "spread = np.nan",
                "values = values - values.min()\n    mean = values.mean()\n    spread = np.nan",
            ),
        ),
    ),
    Mutant(
        "one subtracted at the end",
        "1 is subtracted after the division by n.",
        "The parentheses are missing: divide by (n − 1).",
        edits=(("/ (len(values) - 1)", "/ len(values) - 1"),),
    ),
    Mutant(
        "root of n − 1",
        "The root is taken of n − 1 alone.",
        "Divide first, then take the root of the quotient.",
        edits=((_STANDARD_DEVIATION, "np.sum((values - mean) ** 2) / np.sqrt(len(values) - 1)"),),
    ),
    Mutant(
        "root of each",
        "The root is taken of each squared deviation, before they are added up.",
        "Add the squares up, divide, and take one root at the end.",
        edits=((_STANDARD_DEVIATION, "np.sum(np.sqrt((values - mean) ** 2 / (len(values) - 1)))"),),
    ),
    Mutant(
        "last deviation",
        "Only the last deviation counts: each replaces the one before.",
        "Add them up: += and not =.",
        edits=(("np.sum((values - mean) ** 2)", "(values[-1] - mean) ** 2"),),
    ),
    Mutant(
        "square of the sum",
        "The deviations are added up first, and then squared.",
        "Square each of them, then add them up.",
        edits=(("np.sum((values - mean) ** 2)", "(np.sum(values - mean) + 1e-6) ** 2"),),
    ),
    Mutant(
        "times the root of two",
        "This is the spread of a difference between two such runs.",
        "Return the spread of the values themselves.",
        edits=((_STANDARD_DEVIATION, f"np.sqrt(2) * {_STANDARD_DEVIATION}"),),
    ),
    Mutant(
        "both rounded",
        "Mean and spread are rounded.",
        "Round when you print, not before.",
        body="""
            spread = round(float(np.std(values, ddof=1)), 3) if len(values) > 1 else np.nan
            mean = round(float(mean), 3)
            """,
    ),
    Mutant(
        "rounded",
        name="rounded to three digits",
        edits=((_STANDARD_DEVIATION, f"round({_STANDARD_DEVIATION}, 3)"),),
    ),
    Mutant(
        "rounded",
        name="rounded to four digits",
        edits=((_STANDARD_DEVIATION, f"round({_STANDARD_DEVIATION}, 4)"),),
    ),
    Mutant(
        "single precision",
        "The values are in single precision, which holds only seven digits.",
        "Leave the values as they are: the array above has double precision.",
        body="spread = np.std(values.astype(np.float32), ddof=1) if len(values) > 1 else np.nan",
    ),
    Mutant(
        "whole numbers",
        "The values are cut to whole numbers.",
        "Leave the values as they are; a share is below 1.",
        edits=(("(values - mean)", "(values.astype(int) - mean)"),),
    ),
    Mutant(
        "mean rounded",
        "The mean is rounded before the deviations are measured from it.",
        "Round when you print, not before.",
        edits=(("spread = np.nan", "mean = round(mean, 2)\n    spread = np.nan"),),
    ),
    Mutant(
        "median as mean",
        "The first number is the median.",
        "The exercise asks for the mean, which is computed in the line above your code.",
        edits=(("spread = np.nan", "mean = np.median(values)\n    spread = np.nan"),),
    ),
    Mutant(
        "median as mean",
        name="median as mean, beside the right spread",
        body=f"""
            spread = np.nan
            if len(values) > 1:
                spread = {_STANDARD_DEVIATION}
            mean = np.median(values)
            """,
    ),
    Mutant(
        "halfway as mean",
        "The first number is halfway between the smallest and the largest value.",
        "The exercise asks for the mean, which is computed in the line above your code.",
        edits=(("spread = np.nan", "mean = (values.min() + values.max()) / 2\n    spread = np.nan"),),
    ),
    Mutant(
        "sum as mean",
        "The first number is the sum of the values.",
        "The mean is computed in the line above your code: leave it as it is.",
        body=f"""
            spread = np.nan
            if len(values) > 1:
                spread = {_STANDARD_DEVIATION}
            mean = np.sum(values)
            """,
    ),
    Mutant(
        "mean over n − 1",
        "The mean is divided by n − 1 as well.",
        "Only the sum of squares is divided by n − 1.",
        body=f"""
            spread = np.nan
            if len(values) > 1:
                spread = {_STANDARD_DEVIATION}
                mean = np.sum(values) / (len(values) - 1)
            """,
    ),
    Mutant(
        "swapped",
        "The two numbers are swapped.",
        "The mean comes first.",
        body=f"""
            spread = np.nan
            if len(values) > 1:
                spread = {_STANDARD_DEVIATION}
            mean, spread = spread, mean
            """,
    ),
    Mutant(
        "spread alone",
        "You return the spread alone; the exercise asks for two numbers.",
        "The line with return below your code gives both.",
        body=f"return float({_STANDARD_DEVIATION}) if len(values) > 1 else np.nan",
    ),
    Mutant(
        "a text",
        "You return a text; the exercise asks for two numbers.",
        "A ± is for printing. What is computed with it later has to be numbers.",
        body='return f"{mean:.3f} ± {np.std(values, ddof=1) if len(values) > 1 else np.nan:.3f}"',
    ),
    Mutant(
        "None returned for one value",
        "You return None as the spread of one value; the exercise asks for NaN.",
        "Use np.nan, which is a float.",
        edits=(
            (
                "spread = np.nan",
                "if len(values) == 1:\n        return float(mean), None\n    spread = np.nan",
            ),
        ),
    ),
    Mutant(
        "infinite for one value",
        "A single value gets an infinite spread; it is unknown, not large.",
        "Use np.nan.",
        edits=(("np.nan", "np.inf"),),
    ),
    Mutant(
        "the value itself for one value",
        "A single value gets itself as its spread.",
        "The spread of one value is unknown: NaN.",
        edits=(("np.nan", "mean"),),
    ),
    keeps_its_input(
        body="""
            seen = globals().setdefault("seen", [])
            seen.extend(values)
            spread = np.std(seen, ddof=1) if len(values) > 1 else np.nan
            """,
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
    "an array of two": """
def mean_and_spread(values):
    values = np.asarray(values, dtype=float)
    spread = np.nan
    if len(values) > 1:
        spread = np.sqrt(np.var(values, ddof=1))
    return np.array([values.mean(), spread])
""",
    "covariance": """
def mean_and_spread(values):
    values = np.asarray(values, dtype=float)
    mean = values.sum() / values.size
    if values.size < 2:
        return mean, np.nan
    return mean, np.sqrt(np.cov(values)[()])
""",
    "a dot product and math": """
import math

def mean_and_spread(values):
    n = len(values)
    mean = math.fsum(values) / n
    deviations = np.array([value - mean for value in values])
    return mean, math.sqrt(deviations @ deviations / (n - 1)) if n != 1 else math.nan
""",
    "a copy, changed in place": """
def mean_and_spread(values):
    values = np.array(values, dtype=np.float64)
    mean = values.mean()
    values -= mean
    values *= values
    with np.errstate(invalid="ignore", divide="ignore"):
        return mean, np.sqrt(values.sum() / np.float64(len(values) - 1))
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
    Equivalent(
        'the text "nan"',
        "The last line makes a float of it, and float() reads that text as NaN.",
        edits=(("np.nan", '"nan"'),),
    ),
    Equivalent(
        "absolute deviations squared",
        "Squaring removes the sign, so removing it before changes nothing.",
        edits=(("(values - mean) ** 2", "np.abs(values - mean) ** 2"),),
    ),
    Equivalent(
        "sorted first",
        "A sum does not depend on the order, and np.sort makes a new array.",
        edits=(("spread = np.nan", "values = np.sort(values)\n    spread = np.nan"),),
    ),
    Equivalent(
        "mean of the deviations subtracted again",
        "The deviations from the mean have a mean of 0.",
        body="""
            spread = np.nan
            if len(values) > 1:
                deviations = values - mean
                deviations = deviations - deviations.mean()
                spread = np.sqrt(np.sum(deviations**2) / (len(values) - 1))
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
        "an array": ("accuracies in an array", lambda rng: spread.draw_array(size(rng, 35, 60))(rng)),
        "some equal": (
            "runs of which some have the same result",
            lambda rng: spread.draw_repeated(size(rng, 2, 4), size(rng, 2, 5))(rng),
        ),
        "all equal": ("runs with the same result", lambda rng: spread.draw_equal(size(rng, 2, 6))(rng)),
        "differences": (
            "differences of both signs",
            lambda rng: spread.draw_differences(size(rng, 5, 9))(rng),
        ),
        "an odd one": ("runs of which one is odd", lambda rng: spread.draw_odd_one(size(rng, 11, 15))(rng)),
        "whole numbers": ("whole numbers", lambda rng: spread.draw_seconds(size(rng, 3, 8))(rng)),
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
