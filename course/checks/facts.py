"""What the numbers of all failing cases have in common, where no known misconception explains them.

Each sentence is computed and true of every case that failed. It says which value differs, and by what: not
why, for that would be a guess.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from course.checks.compare import Tolerance, format_number
from course.checks.guide import General, Told
from course.checks.plain import Plain


@dataclass(frozen=True)
class Pair:
    """One value in one failing case.

    Attributes:
        expected: the numbers of the reference, float64.
        got: those that came, of the same shape, float64.
        inputs: that the case has drawn, by name.
        others: the reference's other values in the same case, by their readable names.
        tolerance: of the case.
    """

    expected: np.ndarray
    got: np.ndarray
    inputs: Mapping[str, Plain]
    others: Mapping[str, np.ndarray]
    tolerance: Tolerance


# (the pairs, whether there are several) → the end of a sentence that begins with the value's name, or None.
_Fact = Callable[[Sequence[Pair]], "str | None"]


def find_fact(name: str, pairs: Sequence[Pair], failing: int | None = None) -> Told | None:
    """A sentence on a value that is wrong, and where to look; None where nothing is true of all cases.

    Args:
        name: of the value, as in "the total loss"; it begins the sentence.
        pairs: the value in each case where it is wrong; at least one.
        failing: how many cases fail in all; None where each has a pair.
    """
    for fact, code in _FACTS.items():
        if said := fact(pairs):
            counted = _of_all(said, len(pairs), failing or len(pairs))
            return Told(sentence(name, counted), _LOOK.get(fact, ""), code)
    return None


def _of_all(said: str, pairs: int, failing: int) -> str:
    """A sentence's end with the number of all cases that fail: some may compare other values than this one.

    The report lists every case that fails, and a student counts.
    """
    if pairs == failing:
        return said
    said = said.replace(f" of the {pairs} cases that fail", f" of the {failing} cases that fail")
    return re.sub(rf"\b(?:both|all {pairs}) cases", f"{pairs} of the {failing} cases", said)


def sentence(name: str, said: str) -> str:
    """What is said of a value as a sentence, whose verb agrees with the value's name.

    Args:
        name: of the value, such as "the total loss" or "the thresholds".
        said: begins with a verb in the singular.
    """
    noun = re.sub(r" (?:of|that|for|at|in|with|after) .*", "", name)
    verb, _, rest = said.partition(" ")
    # A plural ends with s; a loss, a bias and a radius do not.
    if noun.startswith("the ") and re.search(r"[^sau]s$", noun):
        verb = _PLURAL.get(verb, verb)
    return f"{name[0].upper()}{name[1:]} {verb} {rest}."


_PLURAL = {"is": "are", "has": "have", "differs": "differ"}


def _not_finite(pairs: Sequence[Pair]) -> str | None:
    wrong = [pair.got[_wrong(pair)] for pair in pairs]
    cases = {words: sum(bool(test(one).any()) for one in wrong) for words, test in _NO_NUMBERS.items()}
    words = max(cases, key=lambda words: cases[words])
    if not cases[words]:
        return None
    # The case that a report shows is the first that fails, and may be none of these.
    of_cases = f" in {cases[words]} of the {len(pairs)} cases that fail" if cases[words] < len(pairs) else ""
    in_places = "" if all(pair.got.size == 1 for pair in pairs) else ", in places"
    return f"is {words}{of_cases}{in_places}"


def _no_number(numbers: np.ndarray) -> np.ndarray:
    result: np.ndarray = np.logical_not(np.isfinite(numbers))
    return result


# In words; of two that are true of as many cases, the first is told.
_NO_NUMBERS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "NaN (not a number)": np.isnan,
    "infinite": np.isinf,
    "infinite or NaN (not a number)": _no_number,
}


def _negated(pairs: Sequence[Pair]) -> str | None:
    if _are(pairs, (-pair.expected for pair in pairs)):
        return "is the negative of what the exercise asks for"
    return None


def _an_input(pairs: Sequence[Pair]) -> str | None:
    """One of the arguments, as it was given."""
    for name in _common(pair.inputs for pair in pairs):
        given = [_numbers(pair.inputs[name]) for pair in pairs]
        if _telling(given) and _are(pairs, given):
            return f"is what was given as `{name}`"
    return None


def _another_value(pairs: Sequence[Pair]) -> str | None:
    for name in _common(pair.others for pair in pairs):
        others = [pair.others[name] for pair in pairs]
        if _telling(others) and _are(pairs, others):
            return f"has the value that {name} should have"
    return None


def _always_the_same(pairs: Sequence[Pair]) -> str | None:
    if any(pair.got.size != 1 for pair in pairs) or len({_text(pair.expected) for pair in pairs}) < 2:
        return None
    first = pairs[0].got
    if _are(pairs, (first.reshape(pair.got.shape) for pair in pairs)):
        return f"is {_text(first)}{_everywhere(pairs)}, although the arguments differ"
    return None


def _times_a_size(pairs: Sequence[Pair]) -> str | None:
    """Multiplied or divided by a length of an argument, or by an argument, that differs from case to case."""
    quantities = [dict(_quantities(pair.inputs)) for pair in pairs]
    for name in _common(quantities):
        sizes = [one[name] for one in quantities]
        if len(set(sizes)) < 2 or not all(sizes):
            continue
        if _are(pairs, (pair.expected * size for pair, size in zip(pairs, sizes, strict=True))):
            return f"is what is expected times {name}"
        # Multiplied back: divided by a large size, everything is as good as 0.
        multiplied = [replace(pair, got=pair.got * size) for pair, size in zip(pairs, sizes, strict=True)]
        if _are(multiplied, (pair.expected for pair in pairs)):
            return f"is what is expected divided by {name}"
    return None


def _times_a_number(pairs: Sequence[Pair]) -> str | None:
    factor = _constant(pair.got[_big(pair)] / pair.expected[_big(pair)] for pair in pairs)
    if factor is not None and _are(pairs, (factor * pair.expected for pair in pairs)):
        return f"is {factor:.4g} times what is expected{_everywhere(pairs)}"
    return None


def _plus_a_number(pairs: Sequence[Pair]) -> str | None:
    difference = _constant(pair.got - pair.expected for pair in pairs)
    if difference is not None and _are(pairs, (pair.expected + difference for pair in pairs)):
        more = "more" if difference > 0 else "less"
        return f"is {abs(difference):.4g} {more} than expected{_everywhere(pairs)}"
    return None


def _a_function_of_it(pairs: Sequence[Pair]) -> str | None:
    numbers = [pair.got for pair in pairs]
    if not _telling(numbers) and len(np.unique(np.concatenate([one.ravel() for one in numbers]))) < 2:
        return None
    with np.errstate(all="ignore"):
        for words, function in _FUNCTIONS:
            if _are(pairs, (function(pair.expected) for pair in pairs)):
                return f"is {words} what is expected"
    return None


_FUNCTIONS: tuple[tuple[str, Callable[[np.ndarray], np.ndarray]], ...] = (
    ("1 minus", lambda value: 1 - value),
    ("1 divided by", lambda value: 1 / value),
    ("the square of", np.square),
    ("the square root of", np.sqrt),
    ("the exponential of", np.exp),
    ("the logarithm of", np.log),
    ("the absolute value of", np.abs),
    ("the whole number below", np.floor),
    ("the whole number next to", np.round),
)


def _in_another_order(pairs: Sequence[Pair]) -> str | None:
    if all(pair.got.ndim == 2 for pair in pairs) and _are(pairs, (pair.expected.T for pair in pairs)):
        return "has rows and columns exchanged"
    if all(pair.got.ndim for pair in pairs) and _are(pairs, (pair.expected[::-1] for pair in pairs)):
        return "has the right numbers in reverse order"
    if all(pair.got.size > 2 for pair in pairs) and _are(map(_in_order, pairs), map(_sorted, pairs)):
        return "has the right numbers in another order"
    return None


def _in_some_entries(pairs: Sequence[Pair]) -> str | None:
    """Wrong at one end alone."""
    if any(pair.got.ndim == 0 or len(pair.got) < 2 for pair in pairs):
        return None
    rows = [np.atleast_1d(_wrong(pair).reshape(len(pair.got), -1).any(axis=1)) for pair in pairs]
    if all(wrong[0] and not wrong[1:].any() for wrong in rows):
        return "differs in its first entry alone"
    if all(wrong[-1] and not wrong[:-1].any() for wrong in rows):
        return "differs in its last entry alone"
    return None


def _too_large_or_small(pairs: Sequence[Pair]) -> str | None:
    signs = {float(sign) for pair in pairs for sign in np.sign((pair.got - pair.expected)[_wrong(pair)])}
    if signs == {1.0}:
        return f"is too large{_everywhere(pairs)}"
    if signs == {-1.0}:
        return f"is too small{_everywhere(pairs)}"
    return None


# In the order in which they are tried, each with its code in the debugging guide.
_FACTS: dict[_Fact, General] = {
    _not_finite: General.NOT_FINITE,
    _negated: General.NEGATED,
    _an_input: General.AN_INPUT,
    _another_value: General.ANOTHER_VALUE,
    _always_the_same: General.ALWAYS_THE_SAME,
    _times_a_size: General.TIMES_A_SIZE,
    _times_a_number: General.TIMES_A_NUMBER,
    _plus_a_number: General.PLUS_A_NUMBER,
    _a_function_of_it: General.A_FUNCTION_OF_IT,
    _in_another_order: General.ANOTHER_ORDER,
    _in_some_entries: General.SOME_ENTRIES,
    _too_large_or_small: General.TOO_LARGE_OR_SMALL,
}


_LOOK: dict[_Fact, str] = {_negated: "Look for a minus sign that is missing, and for one too many."}


def _are(pairs: Iterable[Pair], values: Iterable[np.ndarray | None]) -> bool:
    """Whether what came is, in every case, the value that stands for the case."""
    return all(
        value is not None
        and value.shape == pair.got.shape
        and bool(_close(pair.got, value, pair.tolerance).all())
        for pair, value in zip(pairs, values, strict=True)
    )


def _telling(values: Iterable[np.ndarray | None]) -> bool:
    """Whether equal numbers are no coincidence: 0 and 1 are the values of many things."""
    return any(value is not None and not np.isin(value, (0.0, 1.0)).all() for value in values)


def _close(got: np.ndarray, wanted: np.ndarray, tolerance: Tolerance) -> np.ndarray:
    close: np.ndarray = np.isclose(got, wanted, rtol=tolerance.rtol, atol=tolerance.atol, equal_nan=True)
    return close


def _wrong(pair: Pair) -> np.ndarray:
    wrong: np.ndarray = np.logical_not(_close(pair.got, pair.expected, pair.tolerance))
    return wrong


def _big(pair: Pair) -> np.ndarray:
    """Where a ratio tells something."""
    big: np.ndarray = np.asarray(np.abs(pair.expected) > 10 * pair.tolerance.atol)
    return big


def _constant(numbers: Iterable[np.ndarray]) -> float | None:
    """The number that is the same in all places of all cases; it takes two to tell."""
    found = np.concatenate([one.ravel() for one in numbers])
    if found.size < 2 or not np.isfinite(found).all():
        return None
    middle = float(np.median(found))
    return middle if np.allclose(found, middle, rtol=1e-3, atol=1e-6) else None


def _in_order(pair: Pair) -> Pair:
    return replace(pair, got=np.sort(pair.got, axis=None))


def _sorted(pair: Pair) -> np.ndarray:
    return np.sort(pair.expected, axis=None)


def _quantities(inputs: Mapping[str, Plain]) -> Iterator[tuple[str, float]]:
    """Numbers of a case that a result may have been multiplied or divided by."""
    for name, value in inputs.items():
        if isinstance(value, np.ndarray) and value.ndim:
            what = "number of rows of" if value.ndim > 1 else "length of"
            yield f"the {what} `{name}`", len(value)
            if value.ndim == 2:
                yield f"the number of columns of `{name}`", value.shape[1]
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield f"`{name}`", float(value)


def _numbers(value: Any) -> np.ndarray | None:
    """The numbers of an argument; None where it holds none. A switch is no number that came through."""
    if isinstance(value, int | float | np.ndarray) and not isinstance(value, bool):
        return np.asarray(value).astype(float)
    return None


def _common(mappings: Iterable[Mapping[str, Any]]) -> list[str]:
    first, *others = mappings
    return [name for name in first if all(name in other for other in others)]


def _text(number: np.ndarray) -> str:
    return format_number(number.reshape(-1)[0])


def _everywhere(pairs: Sequence[Pair]) -> str:
    if len(pairs) > 1:
        return f" in {'both' if len(pairs) == 2 else f'all {len(pairs)}'} cases that fail"
    return " everywhere" if pairs[0].got.size > 1 and bool(_wrong(pairs[0]).all()) else ""
