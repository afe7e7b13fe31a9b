"""No attack of the corpus wins a point, costs another one anything, or is left when the class is graded.

A few of each kind are tried in `make test`; all of them, in one class, are slow.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import pytest

from autograder.classroom.attacks.corpus import ATTACKS, Aim, Attack
from autograder.classroom.attacks.page import PATH, damage, render
from autograder.classroom.attacks.trial import Trial, try_attacks
from autograder.files import REPOSITORY
from autograder.grading.batch import Line

QUICK = (
    "own_check",
    "patched_internals",
    "shipped_values",
    "own_worker",
    "reads_the_secret",
    "reads_the_account",
    "reads_its_memory",
    "writes_the_gradebook",
    "outlives_its_session",
    "connects",
    "script_in_an_answer",
    "script_in_html",
)
BY_ID = {attack.id: attack for attack in ATTACKS}


def test_each_attack_has_a_name_of_its_own_and_each_aim_some() -> None:
    assert len(BY_ID) == len(ATTACKS) >= 50
    assert {BY_ID[name].aim for name in QUICK} == set(Aim)


def test_the_quick_ones_come_to_nothing(tmp_path: Path) -> None:
    come_to_nothing([BY_ID[name] for name in QUICK], tmp_path)


@pytest.mark.slow
def test_all_of_them_come_to_nothing(tmp_path: Path) -> None:
    come_to_nothing(list(ATTACKS), tmp_path)


def come_to_nothing(attacks: list[Attack], folder: Path) -> None:
    trial = try_attacks(attacks, folder / "course", jobs=2)
    assert damage(trial) == []
    assert trial.lines.keys() == {attack.id for attack in attacks}
    assert all(line.points == 0 for line in trial.lines.values())
    assert trial.honest.most > 0


NOTHING = Trial(
    lines={"one": Line("one", 0.0, 13.0, 1.0)},
    honest=Line("victim", 13.0, 13.0, 1.0),
    shown={"one": nbformat.v4.new_notebook()},
    canaries={"secret": "c0ffee"},
    changed=[],
    connections=0,
    left=[],
)
SHOWN = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("It is c0ffee.")])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"lines": {"one": Line("one", 2.0, 13.0, 1.0)}}, "one got 2 points"),
        ({"lines": {"one": Line("one", None, 0.0, 1.0, error="no")}}, "one was not graded: no"),
        ({"honest": Line("victim", 11.0, 13.0, 1.0)}, "the honest hand-in got 11.0 of 13 points"),
        ({"shown": {"one": SHOWN}}, "one saw secret"),
        ({"changed": ["/a/file"]}, "/a/file was changed"),
        ({"connections": 1}, "a listener was reached 1 times"),
        ({"left": ["sleep 600"]}, "a process was left: sleep 600"),
    ],
)
def test_each_kind_of_damage_is_told(change: dict[str, Any], told: str) -> None:
    assert damage(NOTHING) == []
    assert damage(replace(NOTHING, **change)) == [told]


def test_the_page_is_about_these_attacks() -> None:
    nothing = {attack.id: "0 of 13 points" for attack in ATTACKS}
    assert (REPOSITORY / PATH).read_bytes() == render(nothing)
