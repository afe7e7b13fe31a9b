"""The last hint of some exercises: the steps of an answer in words, shuffled, to be put in order.

The steps stand in a list and each has a number, so that an order can be given as in ``order="312"``: that
works everywhere. Where the page runs scripts, buttons move the steps, by keyboard too, and need no kernel.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Sequence
from html import escape

from course.errors import CourseError
from course.notebook.display import Fragment, plain, rich

_BUTTON = (
    "font:inherit;color:inherit;background:none;border:1px solid currentColor;border-radius:4px;margin:0 2px"
)

# Moves steps and counts those that stand right, from the first on. `right` has the digest of each beginning.
_SCRIPT = """
(() => {
  const list = document.currentScript.previousElementSibling.previousElementSibling;
  const said = document.currentScript.previousElementSibling;
  const right = %(right)s;
  const digest = (text) => [...text].reduce((sum, one) => (sum * 31 + one.charCodeAt(0)) %% 1000003, 7);
  const tell = () => {
    const order = [...list.children].map((one) => one.dataset.number).join("");
    let count = 0;
    const stands = (n) => digest("%(name)s" + order.slice(0, n)) === right[n - 1];
    while (count < right.length && stands(count + 1)) count += 1;
    said.textContent = count === right.length
      ? "All " + count + " steps are in order. Now write one or two lines of code for each."
      : count + " of " + right.length + " steps are in order, counted from the first.";
  };
  for (const step of list.children) {
    for (const [sign, words, way] of [["↓", "later", 1], ["↑", "earlier", -1]]) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = sign;
      button.style.cssText = "%(button)s";
      button.setAttribute("aria-label", "Step " + step.dataset.number + " " + words);
      button.onclick = () => {
        const other = way < 0 ? step.previousElementSibling : step.nextElementSibling;
        if (other) list.insertBefore(way < 0 ? step : other, way < 0 ? other : step);
        button.focus();
        tell();
      };
      step.prepend(button);
    }
  }
})();
"""


def shuffled(name: str, steps: Sequence[str]) -> tuple[int, ...]:
    """The steps' places in the right order, from 0, as they are shown: none above its next one.

    Args:
        name: of the exercise; the same name gives the same order, so that a hint can be looked at again.
        steps: at least two, in their right order.
    """
    for attempt in itertools.count():

        def drawn(place: int, attempt: int = attempt) -> bytes:
            return hashlib.sha256(f"{name} {attempt} {steps[place]}".encode()).digest()

        places = sorted(range(len(steps)), key=drawn)
        if places[0] != 0 and all(one + 1 != other for one, other in itertools.pairwise(places)):
            return tuple(places)
    raise AssertionError("the order from the last to the first is one of those that are drawn")


def numbers_in_order(name: str, steps: Sequence[str]) -> str:
    """The numbers under which the steps are shown, in the order that is right."""
    shown = shuffled(name, steps)
    return "".join(str(shown.index(place) + 1) for place in range(len(steps)))


def steps_to_order(name: str, steps: Sequence[str]) -> Fragment:
    """The shuffled steps, with buttons where scripts run.

    The page holds the order only as digests: who looks at its source does not read it by accident.

    Args:
        name: of the exercise.
        steps: in their right order.
    """
    shown = [(number, steps[place]) for number, place in enumerate(shuffled(name, steps), 1)]
    rows = "".join(
        f'<li data-number="{number}" style="margin:4px 0;list-style:none"><b>{number}</b>. {rich(text)}</li>'
        for number, text in shown
    )
    order = numbers_in_order(name, steps)
    right = [_digest(name + beginning) for beginning in itertools.accumulate(order)]
    script = _SCRIPT % {"right": json.dumps(right), "name": escape(name), "button": _BUTTON}
    html = (
        f'<ul aria-label="Steps to put in order" style="margin:4px 0;padding:0">{rows}</ul>'
        f'<p role="status" style="margin:4px 0"></p><script>{script}</script>'
    )
    return Fragment(html, "\n".join(f"{number}. {plain(text)}" for number, text in shown))


def judge_order(name: str, steps: Sequence[str], order: object) -> str:
    """A sentence on an order: how many steps stand right, counted from the first.

    Args:
        name: of the exercise.
        steps: in their right order.
        order: the steps' numbers in some order, such as "312".

    Raises:
        CourseError: it is no order of these numbers.
    """
    right = numbers_in_order(name, steps)
    given = "".join(str(order).replace(",", " ").split())
    if not isinstance(order, str | int) or sorted(given) != sorted(right):
        example = "".join(sorted(right))
        raise CourseError(f'`order` takes the numbers 1 to {len(right)}, each once, as in order="{example}"')
    count = next(
        (i for i, (one, other) in enumerate(zip(given, right, strict=True)) if one != other), len(right)
    )
    if count == len(right):
        return f"All {count} steps are in order. Now write one or two lines of code for each."
    return f"{count} of {len(right)} steps are in order, counted from the first."


def _digest(text: str) -> int:
    total = 7
    for one in text:
        total = (total * 31 + ord(one)) % 1_000_003
    return total
