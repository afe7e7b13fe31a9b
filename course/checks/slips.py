"""Recognizing a misconception by what it leads to: in every case that was tried, not in one alone.

One wrong number has many explanations. A misconception is named where it accounts for all that differs, and
where it changes nothing that does not differ; otherwise ``course.checks.facts`` says what the numbers show.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from course.checks.case import Case, Outcome
from course.checks.compare import WHOLE, Tolerance, alike, changed_places, places_of
from course.checks.plain import Opaque, Plain

_ERROR = "raised"  # beside the places of a result, which begin with "returned"
_MARGIN = 10.0


@dataclass(frozen=True)
class Effect:
    """What fails a case.

    Attributes:
        places: place in the result → what stands there instead; all of it as one where the structure differs.
        error: the exception's type; empty where something is returned.
        message: the exception's text as :func:`message_pattern` leaves it. The type alone would not do:
            most mistakes in a call are a TypeError.
    """

    places: Mapping[str, Plain] = field(default_factory=dict)
    error: str = ""
    message: str = ""


Way = Mapping[str, Effect]  # by the case that fails; the others pass


@dataclass(frozen=True)
class Slip:
    """A misconception that is recognized by what it leads to.

    All of it is data that the instructor's build writes (``course/units/<unit>/expected.json``): this package
    imitates no wrong answer, and no right one either.

    Attributes:
        id: unique in its check.
        message: what the student did, in one sentence.
        look: where to look.
        ways: how it shows itself, in one or several forms of code.
    """

    id: str
    message: str
    look: str
    ways: tuple[Way, ...]


@dataclass(frozen=True)
class Seen:
    """A case that was tried, and what it showed.

    Attributes:
        case: what was tried.
        expected: what the reference gives.
        effect: what failed; None where the case passed.
    """

    case: Case
    expected: Plain
    effect: Effect | None

    @cached_property
    def places(self) -> Mapping[str, np.ndarray]:
        """The numbers that are expected, by their places."""
        return places_of(self.expected)

    @cached_property
    def wide(self) -> Tolerance:
        """Wrong numbers are less well rounded than right ones, such as small differences of large sums."""
        tolerance = self.case.tolerance
        return Tolerance(_MARGIN * tolerance.rtol, _MARGIN * tolerance.atol, tolerance.reason)


def effect_of(case: Case, expected: Plain, outcome: Outcome) -> Effect | None:
    """What of an outcome fails a case; None where it passes."""
    if outcome.failure is not None:
        return Effect(error=outcome.failure.type, message=message_pattern(outcome.failure.message))
    places = changed_places(expected, outcome.returned, case.tolerance)
    return Effect({place: _without_texts(value) for place, value in places.items()}) if places else None


def _without_texts(value: Plain) -> Plain:
    """The same without the texts of objects, which hold addresses and digits of any precision."""
    if isinstance(value, dict):
        return {key: _without_texts(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_texts(item) for item in value]
    return Opaque(value.type, "") if isinstance(value, Opaque) else value


def explain(seen: Sequence[Seen], slips: Iterable[Slip]) -> tuple[Slip, ...]:
    """The slips that explain what was seen: one, two of which each explains a part, or none.

    A slip explains a part when whatever it changes, in any case that was tried, is what came there. Where
    several could explain the same, none is named. An exception in a later case may be another mistake.

    Args:
        seen: the cases that were tried, in their order; at least one failed.
        slips: the exercise's.
    """
    slips = list(slips)
    needed = {(i, key) for i, trial in enumerate(seen) for key in _needed(trial)}
    if not needed:  # all differs by so little that a rounding may be the reason
        return ()
    fitting = _fitting(seen, slips)
    first = min(i for i, _ in needed)
    no_errors = {(i, key) for i, key in needed if i == first or key != _ERROR}
    found = _alone(fitting, needed) or _pairs(fitting, needed) or _alone(fitting, no_errors)
    if not found and any(trial.effect and WHOLE in trial.effect.places for trial in seen):
        # Of something of the wrong structure, the numbers may be those of another mistake.
        found = _alone(_fitting([_outlined(trial) for trial in seen], slips, _outlined_way), needed)
    return next(iter(found.values())) if len(found) == 1 else ()


_Key = tuple[int, str]  # the number of a trial, and a place in what it returned
_Fitting = Sequence[tuple[Slip, set[_Key]]]
_Found = dict[str, tuple[Slip, ...]]  # by their names


def _fitting(seen: Sequence[Seen], slips: Iterable[Slip], look: Callable[[Way], Way] = dict) -> _Fitting:
    """Every way of every slip that contradicts nothing, with what it accounts for."""
    ways = [(slip, _explained(seen, look(way))) for slip in slips for way in slip.ways]
    return [(slip, keys) for slip, keys in ways if keys]


def _alone(fitting: _Fitting, needed: set[_Key]) -> _Found:
    return {slip.id: (slip,) for slip, keys in fitting if keys >= needed}


def _pairs(fitting: _Fitting, needed: set[_Key]) -> _Found:
    return {
        f"{one.id}, {other.id}": (one, other)
        for (one, some), (other, rest) in itertools.combinations(fitting, 2)
        if one.id != other.id and some | rest >= needed
    }


def _explained(seen: Sequence[Seen], way: Way) -> set[_Key]:
    """What a slip accounts for; nothing if it contradicts what was seen."""
    found: set[_Key] = set()
    for i, trial in enumerate(seen):
        keys = _fit(trial, way.get(trial.case.name))
        if keys is None:
            return set()
        found |= {(i, key) for key in keys}
    return found


def _needed(trial: Seen) -> set[str]:
    """What has to be explained in a trial."""
    if trial.effect is None:
        return set()
    if trial.effect.error:
        return {_ERROR}
    return {place for place, value in trial.effect.places.items() if not _is_marginal(trial, place, value)}


def _fit(trial: Seen, predicted: Effect | None) -> set[str] | None:
    """The parts of what was seen that a slip predicts; None where it predicts something else."""
    effect = trial.effect or Effect()
    if predicted is None:
        return set()
    if predicted.error:
        same = (predicted.error, predicted.message) == (effect.error, effect.message)
        return {_ERROR} if same else None
    if effect.error or (WHOLE in effect.places and WHOLE not in predicted.places):
        return set()  # nobody knows what would have come
    for place, value in predicted.places.items():
        if place in effect.places:
            if not alike(value, effect.places[place], trial.wide):
                return None
        elif not _is_marginal(trial, place, value):
            return None
    return predicted.places.keys() & effect.places.keys()


def _outlined(trial: Seen) -> Seen:
    return replace(trial, effect=_outlined_effect(trial.effect)) if trial.effect else trial


def _outlined_way(way: Way) -> Way:
    return {case: _outlined_effect(effect) for case, effect in way.items()}


def _outlined_effect(effect: Effect) -> Effect:
    """An effect in which a result of another structure has no numbers."""
    whole = effect.places.get(WHOLE)
    return replace(effect, places={WHOLE: _outline(whole)}) if isinstance(whole, list | dict) else effect


def _outline(value: Plain) -> Plain:
    """The structure of plain data: each number as 0, each array as its shape."""
    if isinstance(value, dict):
        return {key: _outline(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_outline(item) for item in value]
    if isinstance(value, np.ndarray) and value.ndim:
        return str(value.shape)
    return 0 if isinstance(value, bool | int | float | np.ndarray) else value


def _is_marginal(trial: Seen, place: str, value: Plain) -> bool:
    """Whether a value is so near to what is expected that a rounding decides whether the case passes."""
    return place in trial.places and alike(trial.places[place], value, trial.wide)


def message_pattern(message: str) -> str:
    """The text of an exception without what differs between right precisions, modes and sessions."""
    text = re.sub(r"\b(b?float|f|int|uint|i)(8|16|32|64)\b", r"\1", message)
    text = re.sub(r"\b(Half|Double|BFloat16)\b", "Float", text)  # PyTorch's names
    text = re.sub(r"`[^`\n]*`(?= makes a tensor on the CPU)", "…", text)  # the student's line
    text = re.sub(r"\b(\w*Tracer|Traced|ArrayImpl)(<[^>]*>)?", "Tracer", text)
    text = re.sub(r"(?<= with value ).*", "…", text)  # a whole result
    return re.sub(r"0x[0-9a-f]+|\d+(?=\.py)", "…", text)
