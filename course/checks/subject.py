"""What a check examines: a student's function, in this process or where a grader runs it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar

from course.checks.case import Case, Check, Inputs, Outcome, attempt
from course.checks.earlier import called_names, make_stand_ins, scope_of, stand_ins
from course.checks.guard import guarded
from course.checks.plain import type_name
from course.checks.playback import Playback, Recordings

T = TypeVar("T")


@dataclass(frozen=True)
class Replaced:
    """Earlier exercises for which others stand in while a function is driven.

    Attributes:
        names: the exercises.
        recorded: the reference's calls of these, where they are what stands in.
    """

    names: tuple[str, ...] = ()
    recorded: Recordings = field(default_factory=dict)

    def functions(self, check: Check) -> dict[str, Callable[..., Any]]:
        """What stands in, by name."""
        return make_stand_ins(check.uses, self.names, self.recorded)


NOTHING_REPLACED = Replaced()


@dataclass(frozen=True)
class Kind:
    """What stands under the name of an exercise.

    Attributes:
        callable: whether it can be called.
        a_class: whether it is a class.
        type: the name of its type.
    """

    callable: bool
    a_class: bool
    type: str


Trial = tuple[Case, Inputs]


class Subject(Protocol):
    """A student's function for one exercise, wherever it is."""

    def kind(self) -> Kind:
        """What it is."""

    def look_ahead(self, trials: Iterable[Trial]) -> None:
        """Cases that will be attempted in this order, with these very inputs, unless one is the last."""

    def attempt(
        self,
        check: Check,
        case: Case,
        inputs: Inputs,
        replaced: Replaced = NOTHING_REPLACED,
        *,
        echo: bool = False,
        told: set[str] | None = None,
    ) -> Outcome:
        """Drive one case under guard, with others in the place of earlier exercises."""

    def called(self, names: Iterable[str]) -> list[str]:
        """Those of the earlier exercises that the function calls by name."""

    def earlier(self, name: str) -> Subject | None:
        """An earlier exercise of the same notebook; None where it is not defined."""

    def has_notebook(self) -> bool:
        """Whether earlier exercises can be looked up at all."""


@dataclass(frozen=True)
class Local:
    """A function of this process."""

    function: Callable[..., Any]

    def kind(self) -> Kind:
        """See `Subject`."""
        return Kind(callable(self.function), issubclass(type(self.function), type), type_name(self.function))

    def look_ahead(self, trials: Iterable[Trial]) -> None:
        """See `Subject`; here nothing is gained by it."""

    def attempt(
        self,
        check: Check,
        case: Case,
        inputs: Inputs,
        replaced: Replaced = NOTHING_REPLACED,
        *,
        echo: bool = False,
        told: set[str] | None = None,
    ) -> Outcome:
        """See `Subject`."""
        others = replaced.functions(check)
        if not others:
            return attempt(case, self.function, inputs, echo=echo, told=told)
        with stand_ins(self.function, others):
            outcome = attempt(case, self.function, inputs, echo=echo, told=told)
        refused = sum(one.refused for one in others.values() if isinstance(one, Playback))
        return replace(outcome, refused=refused)

    def called(self, names: Iterable[str]) -> list[str]:
        """See `Subject`."""
        return _look(lambda: called_names(self.function, names)) or []

    def earlier(self, name: str) -> Subject | None:
        """See `Subject`."""
        scope = self._scope()
        return Local(scope[name]) if name in scope else None

    def has_notebook(self) -> bool:
        """See `Subject`."""
        return bool(self._scope())

    def _scope(self) -> Mapping[str, Any]:
        return _look(lambda: scope_of(self.function)) or {}


def _look(look: Callable[[], T]) -> T | None:
    """What ``look`` finds out about a student's objects; None where these resist: it runs their code."""
    try:
        return guarded(look, seconds=5, echo=False).returned
    except (Exception, SystemExit):
        return None
