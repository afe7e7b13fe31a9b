"""Writes down how the reference calls earlier exercises, for ``course.checks.playback``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import wraps
from typing import Any

import numpy as np

from course.checks.case import Check
from course.checks.earlier import scope_of, stand_ins
from course.checks.plain import Plain, from_json, to_json, to_plain
from course.checks.playback import Playback, RecordedCalls, Recordings, record_call

Calls = dict[str, list[dict[str, Any]]]


@contextmanager
def recording(reference: Callable[..., Any], check: Check) -> Iterator[Calls]:
    """Write the calls of earlier exercises into the yielded dict, as long as the block runs.

    Args:
        reference: the answer, whose module holds the earlier exercises.
        check: says which of them are recorded.
    """
    scope = scope_of(reference)
    uses = {name: use for name, use in check.uses.items() if isinstance(use, RecordedCalls)}
    calls: Calls = {name: [] for name in uses}
    with stand_ins(reference, {name: _recorder(scope[name], use, calls[name]) for name, use in uses.items()}):
        yield calls


def finished(check: Check, calls: Calls) -> Recordings:
    """The recordings as they are kept: each call once.

    Raises:
        ValueError: the reference does not call an exercise, or a call cannot be told from another one by what
            is looked at.
    """
    kept: Calls = {}
    for name, made in calls.items():
        lines = dict.fromkeys(json.dumps(to_json(call)) for call in made)
        read: Any = [from_json(json.loads(line)) for line in lines]
        kept[name] = read
        if not kept[name]:
            raise ValueError(f"{check.name}: the reference does not call {name}: take it out of `uses`")
        _try(check, name, kept[name])
    return kept


def _recorder(
    function: Callable[..., Any], use: RecordedCalls, calls: list[dict[str, Plain]]
) -> Callable[..., Any]:
    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        arguments = record_call(use, args, kwargs)
        returned = function(*args, **kwargs)
        calls.append({"arguments": arguments, "returned": to_plain(returned)})
        return returned

    return call


def _try(check: Check, name: str, calls: list[dict[str, Any]]) -> None:
    """Play every call back."""
    use = check.uses[name]
    assert isinstance(use, RecordedCalls)
    play = Playback(replace(use, read=to_plain, finish=lambda returned, *_: returned), calls)
    for call in calls:
        played: Any = to_plain(play(**call["arguments"]))
        expected = call["returned"]
        pairs = zip(played, expected, strict=True) if isinstance(expected, list) else [(played, expected)]
        if not all(np.allclose(one, other) for one, other in pairs):
            raise ValueError(f"{check.name}: two calls of {name} differ in nothing that is compared")
