"""Equivalents of the unit ``comparison``."""

from __future__ import annotations

from autograder.units.equivalent import Equivalent

EQUIVALENTS = (
    Equivalent(
        "mean_and_spread",
        "NumPy's std for one value too",
        "With ddof=1 it divides 0 by 0 for one value, which is NaN; the warning on the way is no result.",
        body="spread = np.std(values, ddof=1)",
    ),
    Equivalent(
        "mean_and_spread",
        "deviations with the other sign",
        "They are squared.",
        edits=(("(values - mean)", "(mean - values)"),),
    ),
    Equivalent(
        "mean_and_spread",
        "smallest value subtracted first",
        "Subtracting one number from all values moves the mean along and leaves the deviations as they are.",
        body="""
            shifted = values - values.min()
            squares = np.sum((shifted - shifted.mean()) ** 2)
            spread = np.sqrt(squares / (len(values) - 1)) if len(values) > 1 else np.nan
            """,
    ),
    Equivalent(
        "summarize",
        "labels before the method in the pair",
        "Which of the two comes first in the key decides nothing: the order is that of the rows.",
        edits=(
            ('(row["method"], row["labels"])', '(row["labels"], row["method"])'),
            ("(method, labels), accuracies", "(labels, method), accuracies"),
        ),
    ),
    Equivalent(
        "summarize",
        "accuracies in reverse",
        "The statistic of a list of results does not depend on their order.",
        edits=(("statistic(accuracies)", "statistic(accuracies[::-1])"),),
    ),
    Equivalent(
        "training_cost",
        "one forward and two backward written out",
        "It is the same sum in another order.",
        edits=(
            (
                '(3 * row["trained_images"] + row["forward_images"])',
                '(row["trained_images"] + row["forward_images"] + 2 * row["trained_images"])',
            ),
        ),
    ),
    Equivalent(
        "labels_to_reach",
        "another base of the logarithm",
        "A logarithm of another base differs by a factor, which the exponential of that base takes back.",
        edits=(
            ("np.log(labels[i - 1]), np.log(labels[i])", "np.log2(labels[i - 1]), np.log2(labels[i])"),
            ("np.exp(start", "np.exp2(start"),
        ),
    ),
    Equivalent(
        "labels_to_reach",
        "strictly above in the loop, and the last one apart",
        "Where an accuracy is exactly the target, the next line begins at that very point.",
        body="""
            if accuracies[0] >= target:
                return float(labels[0])
            for i in range(1, len(labels)):
                if accuracies[i] == target:
                    return float(labels[i])
                if accuracies[i] > target:
                    share = (target - accuracies[i - 1]) / (accuracies[i] - accuracies[i - 1])
                    return float(labels[i - 1] * (labels[i] / labels[i - 1]) ** share)
            return None
            """,
    ),
    Equivalent(
        "reported_error",
        "latest first",
        "The median of the same evaluations does not depend on their order.",
        edits=(
            ('evaluation["step"])', 'evaluation["step"], reverse=True)'),
            ("in_order[-last:]", "in_order[:last]"),
        ),
    ),
)
