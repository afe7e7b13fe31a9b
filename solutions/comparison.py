"""Reading results: the reference solution of the unit ``comparison``, in NumPy.

Each exercise is a function here, with the answer between nbgrader's solution markers. The notebook's cells
and the tests take their text or code from this file.

Oliver et al., Realistic Evaluation of Deep Semi-Supervised Learning Algorithms, 2018.
"""

from __future__ import annotations

import numpy as np


def mean_and_spread(values):
    """Exercise 1: the mean of a few results, and how far apart they are.

    The spread is the sample standard deviation: add up the squared deviations from the mean, divide the
    sum by n − 1, and take the square root. A single value says nothing about a spread, so its spread
    is NaN ("not a number"), not 0.

    Args:
        values: a list or array of n ≥ 1 numbers, such as the accuracies of runs that differ by their seed.

    Returns:
        (mean, spread), two floats. The spread of one value is NaN.
    """
    values = np.asarray(values, dtype=float)
    mean = values.mean()
    ### BEGIN SOLUTION
    spread = np.nan
    if len(values) > 1:
        spread = np.sqrt(np.sum((values - mean) ** 2) / (len(values) - 1))
    ### END SOLUTION
    return float(mean), float(spread)


def summarize(rows, statistic):
    """Exercise 2: one line per method and number of labels, from one row per run.

    Args:
        rows: a list of dictionaries, one per run, in any order. The keys used here are "method", "labels" and
            "test_error"; the last is the share of wrong answers on the test set, from 0 to 1.
        statistic: a function that takes a list of numbers and returns two numbers, such as mean_and_spread.

    Returns:
        a list of dictionaries, one for each pair of method and number of labels that occurs, in the order
        in which the pairs first occur in rows. Their keys are "method", "labels", "runs" (how many runs),
        "mean" and "spread" (the two numbers that statistic gives for the accuracies of these runs, which
        are 1 − test_error). The rows are left as they are.
    """
    # 1. Collect the accuracies of each (method, labels): a dictionary with pairs as keys keeps their order.
    # 2. Call statistic once for each of these lists.
    # 3. Put what it returns and the length of the list into a dictionary of its own.
    ### BEGIN SOLUTION
    groups: dict = {}
    for row in rows:
        groups.setdefault((row["method"], row["labels"]), []).append(1 - row["test_error"])
    summaries = []
    for (method, labels), accuracies in groups.items():
        mean, spread = statistic(accuracies)
        summaries.append(
            {"method": method, "labels": labels, "runs": len(accuracies), "mean": mean, "spread": spread}
        )
    return summaries
    ### END SOLUTION


def training_cost(row):
    """Exercise 3: what a run costs, counted in forward passes of one image.

    An image that the network learns from goes forward and backward, and the backward pass costs as much as
    two forward passes. An image for which only a prediction is needed goes forward once.

    Args:
        row: a dictionary with the keys "steps", "trained_images" (images that go forward and backward in
            each step) and "forward_images" (images that only go forward in each step). All three are whole
            numbers, or None if whoever published the run did not say.

    Returns:
        the number of forward passes of the whole run, or None if one of the three is None.
    """
    ### BEGIN SOLUTION
    if None in (row["steps"], row["trained_images"], row["forward_images"]):
        return None
    return row["steps"] * (3 * row["trained_images"] + row["forward_images"])
    ### END SOLUTION


def labels_to_reach(labels, accuracies, target):
    """Exercise 4: the number of labels with which a method first reaches an accuracy.

    Accuracies are known for some numbers of labels. Between two neighbors the accuracy is taken to follow a
    straight line over the *logarithm* of the number of labels. Outside the measured range, nothing is
    claimed: there is no extrapolation to fewer labels, and none to more.

    Args:
        labels: the numbers of labels, ascending, at least one.
        accuracies: the accuracy at each of them. More labels need not mean a higher accuracy.
        target: the accuracy to reach.

    Returns:
        the smallest number of labels (float, not rounded) at which the line is at target or above. If the
        first accuracy is there already, that is labels[0]. None if the target is reached nowhere.
    """
    ### BEGIN SOLUTION
    if accuracies[0] >= target:
        return float(labels[0])
    for i in range(1, len(labels)):
        if accuracies[i] >= target:
            share = (target - accuracies[i - 1]) / (accuracies[i] - accuracies[i - 1])
            start, end = np.log(labels[i - 1]), np.log(labels[i])
            return float(np.exp(start + share * (end - start)))
    return None
    ### END SOLUTION


def reported_error(curve, last):
    """Exercise 5: the error to report for a run that was evaluated many times.

    Report the median of the last evaluations, as in the FixMatch paper. It depends on when the
    evaluations were made, never on how good they happened to be.

    Args:
        curve: a list of dictionaries, one for each evaluation of one run, with the keys "step" and
            "val_error". They need not be in the order of the steps.
        last: how many of the latest evaluations count, at least 1. For a run with fewer, all of them count.

    Returns:
        the median error of these evaluations, a float. That of an even number is the mean of the middle two.
    """
    ### BEGIN SOLUTION
    in_order = sorted(curve, key=lambda evaluation: evaluation["step"])
    return float(np.median([evaluation["val_error"] for evaluation in in_order[-last:]]))
    ### END SOLUTION
