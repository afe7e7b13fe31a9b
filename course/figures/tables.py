"""What is shown as text: the source of a function, and the settings of a run."""

from __future__ import annotations

import inspect
import textwrap
from dataclasses import fields
from typing import Any

from IPython.display import display

from course.figures.page import Code, Table


def source(*objects: Any) -> None:
    """Show the source code of functions or classes of the course."""
    display(Code("\n\n".join(textwrap.dedent(inspect.getsource(thing)).rstrip() for thing in objects)))


def settings(hparams: Any) -> None:
    """Show a table of hyperparameters: name, value and meaning, as the dataclass describes them."""
    rows = []
    # A method's own settings first: its dataclass inherits those that every training has.
    own = _own_settings(type(hparams))
    for spec in sorted(fields(hparams), key=lambda spec: spec.name not in own):
        value = getattr(hparams, spec.name)
        shown = f"{value:g}" if isinstance(value, float) else "not set" if value is None else f"{value}"
        rows.append((f"`{spec.name}`", shown, spec.metadata["help"]))
    display(Table(("name", "value", "meaning"), rows))


def _own_settings(kind: type) -> set[str]:
    """The settings that a method adds to those it inherits; FlexMatch adds none, and so has FixMatch's."""

    def names_of(one: type) -> set[str]:
        return set(getattr(one, "__dataclass_fields__", {}))

    added = (names_of(one).difference(*map(names_of, one.__bases__)) for one in kind.__mro__)
    return next(filter(None, added), set())
