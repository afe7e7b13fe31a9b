"""What the numbers of failing cases have in common: true of all of them, or not said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from course.checks.facts import Pair, find_fact, sentence
from course.checks.functions import FLOAT32

X, Y = np.array([1.0, 2.0, 4.0]), np.array([3.0, 0.5])


def pair(expected: Any, got: Any, inputs: Any = None, others: Any = None) -> Pair:
    return Pair(np.asarray(expected, float), np.asarray(got, float), inputs or {}, others or {}, FLOAT32)


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        ([pair(1.0, np.nan)], "is NaN (not a number)"),
        ([pair(X, [1.0, np.nan, 4.0])], "is NaN (not a number), in places"),
        ([pair(X, [1.0, np.inf, 4.0])], "is infinite, in places"),
        ([pair(1.0, 2.0), pair(3.0, np.nan)], "is NaN (not a number) in 1 of the 2 cases that fail"),
        ([pair(1.0, np.inf), pair(3.0, np.nan)], "is infinite or NaN (not a number)"),
        ([pair(1.0, np.nan), pair(2.0, 5.0)], "is NaN (not a number) in 1 of the 2 cases that fail"),
        (
            [pair(0.0, 1.0, {"norm": True}), pair(0.5, 1.0, {"norm": True})],
            "is 1 in both cases that fail, although the arguments differ",
        ),
        (
            [pair(share, 1.0, None, {"the number of passes": np.asarray(1.0)}) for share in (0.6, 0.2)],
            "is 1 in both cases that fail, although the arguments differ",
        ),
        (
            [pair(share, 1.0) for share in (0.6, 0.7)],
            "is 1 in both cases that fail, although the arguments differ",
        ),
        ([pair(0.6, 1.0)], "is too large"),
        ([pair(0.6, 1.0), pair(0.2, 0.0)], "is the whole number next to what is expected"),
        ([pair(1.0, -1.0), pair(2.0, -2.0)], "is the negative of what the exercise asks for"),
        ([pair(X, 2 * X, {"logits": 2 * X})], "is what was given as `logits`"),
        (
            [pair(1.0, 3.0, None, {"the mask rate": np.asarray(3.0)})],
            "has the value that the mask rate should have",
        ),
        ([pair(1.0, 0.5), pair(2.0, 0.5)], "is 0.5 in both cases that fail, although the arguments differ"),
        (
            [pair(1.0, 3.0, {"x": X}), pair(2.0, 4.0, {"x": Y})],
            "is what is expected times the length of `x`",
        ),
        (
            [pair(6.0, 1.0, {"x": np.ones((2, 6))}), pair(3.0, 1.5, {"x": np.ones((5, 2))})],
            "is what is expected divided by the number of columns of `x`",
        ),
        ([pair(6.0, 3.0, {"T": 0.5}), pair(3.0, 6.0, {"T": 2})], "is what is expected times `T`"),
        ([pair(1.0, 3.0), pair(2.0, 6.0)], "is 3 times what is expected in both cases that fail"),
        ([pair(X, X / 2)], "is 0.5 times what is expected everywhere"),
        ([pair(X, X + 1)], "is 1 more than expected everywhere"),
        ([pair(1.0, 0.7), pair(3.0, 2.7)], "is 0.3 less than expected in both cases that fail"),
        ([pair(0.2, 0.8), pair(0.9, 0.1)], "is 1 minus what is expected"),
        ([pair([0.2, 0.5], [5.0, 2.0])], "is 1 divided by what is expected"),
        ([pair([0.5, 3.0], [0.25, 9.0])], "is the square of what is expected"),
        ([pair([0.5, 3.0], np.log([0.5, 3.0]))], "is the logarithm of what is expected"),
        ([pair([[1.0, 2.0], [4.0, 7.0]], [[1.0, 4.0], [2.0, 7.0]])], "has rows and columns exchanged"),
        ([pair(X, X[::-1])], "has the right numbers in reverse order"),
        ([pair(X, X[[1, 0, 2]])], "has the right numbers in another order"),
        ([pair(X, [9.0, 2.0, 4.0]), pair(Y, [0.0, 0.5])], "differs in its first entry alone"),
        ([pair(X, [1.0, 2.0, 9.0]), pair(Y, [3.0, 0.0])], "differs in its last entry alone"),
        (
            [pair(100.0, 9.6e-5, {"T": 2**20}), pair(10.0, 4.9e-6, {"T": 2**21})],
            "is too small in both cases that fail",
        ),
        ([pair(1.0, 1.5), pair(2.0, 7.0)], "is too large in both cases that fail"),
        ([pair(X, [0.5, 1.9, 3.0])], "is too small everywhere"),
    ],
    ids=lambda item: item if isinstance(item, str) else "",
)
def test_a_fact_is_true_of_all_cases(pairs: list[Pair], said: str) -> None:
    found = find_fact("the loss", pairs)
    assert found is not None and found.message == f"The loss {said}."


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        ([pair(1.0, 2.0), pair(2.0, 4.0)], "is 2 times what is expected in 2 of the 5 cases that fail"),
        ([pair(1.0, 2.0), pair(3.0, np.nan)], "is NaN (not a number) in 1 of the 5 cases that fail"),
        ([pair(X, [0.5, 1.9, 3.0])], "is too small everywhere"),
    ],
)
def test_cases_are_counted_among_all_that_fail(pairs: list[Pair], said: str) -> None:
    found = find_fact("the loss", pairs, failing=5)
    assert found is not None and found.message == f"The loss {said}."


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("the total loss", "The total loss is wrong."),
        ("the bias", "The bias is wrong."),
        ("the thresholds", "The thresholds are wrong."),
        ("the probabilities that the rule was given", "The probabilities that the rule was given are wrong."),
        ("the gradient for the weights", "The gradient for the weights is wrong."),
        ("whether there are weights", "Whether there are weights is wrong."),
    ],
)
def test_the_verb_agrees_with_the_name(name: str, said: str) -> None:
    assert sentence(name, "is wrong") == said


@pytest.mark.parametrize(
    "pairs",
    [
        [pair(1.0, -1.0), pair(2.0, 2.5)],
        [pair(X, 2 * X, {"logits": 2 * X}), pair(Y, X[:2], {"logits": Y})],
        [pair(1.0, 3.0, {"x": X}), pair(2.0, 4.1, {"x": Y})],
        [pair(1.0, 3.0), pair(2.0, 6.5)],
        [pair(X, X[::-1]), pair(Y, [0.1, 3.0])],
    ],
)
def test_what_holds_in_one_case_alone_is_not_said(pairs: list[Pair]) -> None:
    alone, together = find_fact("the loss", pairs[:1]), find_fact("the loss", pairs)
    assert together != alone
    assert together is None or together.message.startswith("The loss is too")


def test_the_name_of_the_value_begins_the_sentence() -> None:
    found = find_fact("value 2", [pair(X, X + 1)])
    assert found == ("Value 2 is 1 more than expected everywhere.", "", "more-or-less-by-a-number")


def test_a_wrong_sign_has_a_place_to_look_at() -> None:
    found = find_fact("the loss", [pair(1.0, -1.0)])
    assert found is not None and found.look.startswith("Look for a minus sign")
