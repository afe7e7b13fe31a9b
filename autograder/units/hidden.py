"""The hidden counterparts of public cases.

`autograder.expected.hidden` makes a check of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from course.checks.functions import Draw, after


@dataclass(frozen=True)
class Hidden:
    """The hidden counterpart of a public case.

    Attributes:
        tries: what is tried, as in a ``Case``; it tells nothing of the values.
        draw: seeded generator → inputs as the public case's drive takes them. It keeps away from what a
            rounding could turn (ties, probabilities at the threshold) whatever the seed.
    """

    tries: str
    draw: Draw


def once_more(hidden: Mapping[str, Hidden], name: str, how: str, of: str = "") -> dict[str, Hidden]:
    """The counterparts, and one of a case that tries one of them once more in another way.

    Args:
        hidden: the counterparts of a check's cases.
        name: of the further case.
        how: what is different about it, to stand behind what the one tries.
        of: name of that one; the first one if empty.
    """
    one = hidden[of or next(iter(hidden))]
    return {**hidden, name: Hidden(f"{one.tries}, {how}", one.draw)}


def hidden_function(draws: Mapping[str, tuple[str, Draw]], *, compiled: bool = True) -> dict[str, Hidden]:
    """The counterparts of the cases that ``check_of_function`` makes.

    Args:
        draws: name of each of its cases, in the same order → (what is tried, the hidden draw).
        compiled: whether it is the one of ``course.checks.jax_functions``, which also tries jit, and not that
            of ``course.checks.functions``.
    """
    counterparts = {name: Hidden(tries, draw) for name, (tries, draw) in draws.items()}
    hidden = list(counterparts.values())
    first, last = hidden[0], hidden[-1]
    if compiled:
        counterparts = once_more(counterparts, "compiled", "under jit")
    again = Hidden(f"{first.tries}, after another call", after(first.draw, last.draw))
    return counterparts | {"called again": again}
