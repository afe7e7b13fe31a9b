"""Which notebook counts, what gets it into its place, and what is said. No file is touched."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

import pytest

from autograder.grading.preflight.found import Candidate, Kind, Moved, Place, Student
from autograder.grading.preflight.plan import (
    PLACEHOLDER_DIGEST,
    Copy,
    Move,
    Placeholder,
    Plan,
    choose,
    plan,
)

HOME = PurePosixPath("submitted/ann/toy")
PLACE = HOME / "01_toy.ipynb"
ASIDE = PurePosixPath(".grading/set-aside/toy/ann")
S, U, X, F = Kind.SOLVED, Kind.UNTOUCHED, Kind.UNREADABLE, Kind.FOREIGN


def one(name: str, kind: Kind = S, time: float = 0.0, **more: Any) -> Candidate:
    path = PurePosixPath(name) if name.startswith("submitted") else HOME / name
    return Candidate(path, kind, more.pop("digest", name), time, **more)


def planned(*candidates: Candidate, **facts: Any) -> Plan:
    return plan(Student("ann", PLACE, candidates=candidates, **facts), ASIDE)


@pytest.mark.parametrize(
    ("chosen", "candidates"),
    [
        ("a.ipynb", [one("a.ipynb", S, 0), one("01_toy.ipynb", U, 1000)]),
        ("b.ipynb", [one("a.ipynb", S, 0), one("b.ipynb", S, 1000)]),
        ("01_toy.ipynb", [one("01_toy.ipynb", U, 0), one("b.ipynb", X, 1000)]),
        ("b.ipynb", [one("01_toy.ipynb", X, 0), one("b.ipynb", X, 1000)]),
        ("01_toy.ipynb", [one("01_toy.ipynb", F, 0)]),
        # Unpacked together: the number decides, then the place.
        ("01_toy (2).ipynb", [one("01_toy (2).ipynb", S, 0), one("01_toy (1).ipynb", S, 5)]),
        (
            "01_toy (2).ipynb",
            [one("01_toy (2).ipynb", S, 0), one("01_toy.ipynb", S, 9), one("x.ipynb", S, 5)],
        ),
        ("01_toy.ipynb", [one("01_toy.ipynb", S, 0), one("b.ipynb", S, 5)]),
        # The same content twice is no reason to copy anything.
        (
            "01_toy.ipynb",
            [one("01_toy.ipynb", S, 0, digest="same"), one("01_toy (1).ipynb", S, 1000, digest="same")],
        ),
    ],
)
def test_the_newest_with_work_in_it_counts(chosen: str, candidates: list[Candidate]) -> None:
    for order in (candidates, candidates[::-1]):
        found = choose(order, PLACE)
        assert found is not None and found.path == HOME / chosen


def test_what_belongs_to_another_unit_or_lies_damaged_elsewhere_does_not_count() -> None:
    assert choose([one("02_other.ipynb", F)], PLACE) is None
    assert choose([one("submitted/ann/notes.ipynb", X, at_home=False)], PLACE) is None
    assert choose([one("submitted/ann/01_toy.ipynb", X, at_home=False)], PLACE) is not None
    assert choose([], PLACE) is None


def test_a_notebook_in_its_place_needs_nothing() -> None:
    assert planned(one("01_toy.ipynb"), state=Place.FILE) == Plan("ann", (), ())


def test_another_name_is_copied() -> None:
    found = planned(one("Copy of 01_toy.ipynb"))
    assert found.steps == (Copy(HOME / "Copy of 01_toy.ipynb", PLACE),)
    assert found.remarks == ("Handed in as Copy of 01_toy.ipynb, and graded as 01_toy.ipynb.",)
    assert not found.problem


def test_an_earlier_file_in_the_place_is_kept_and_all_are_named() -> None:
    candidates = one("01_toy.ipynb", U, 0), one("01_toy (1).ipynb", S, 1000), one("old/x.ipynb", X, why="cut")
    found = planned(*candidates, state=Place.FILE)
    earlier = HOME / "01_toy-earlier.ipynb"
    assert found.steps == (Move(PLACE, earlier), Copy(HOME / "01_toy (1).ipynb", PLACE))
    assert found.remarks == (
        "3 files were handed in as the notebook: 01_toy (1).ipynb (with work in it), 01_toy-earlier.ipynb "
        "(untouched), old/x.ipynb (unreadable: cut). The newest with work in it was graded: 01_toy "
        "(1).ipynb.",
    )
    # The next time it says the same, and does nothing.
    moved = {earlier: Moved(PLACE, "")}
    again = planned(
        one("01_toy-earlier.ipynb", U, 0),
        *candidates[1:],
        state=Place.OURS,
        place_digest="01_toy (1).ipynb",
        written={PLACE: "01_toy (1).ipynb"},
        moved=moved,
    )
    assert again.steps == () and again.remarks == found.remarks


def test_a_newer_file_takes_the_place_of_our_own_copy_alone() -> None:
    ours: Mapping[str, Any] = {"state": Place.OURS, "place_digest": "a", "written": {PLACE: "a"}}
    old, new = one("a.ipynb", S, 0, digest="a"), one("b.ipynb", S, 1000, digest="b")
    assert planned(old, **ours).steps == ()
    assert planned(old, new, **ours).steps == (Copy(HOME / "b.ipynb", PLACE),)


def test_modules_beside_the_notebook_come_along_and_nothing_is_overwritten() -> None:
    inner = HOME / "work"
    beside = {inner / name: name for name in ("helpers.py", "mine.py", "new.py", "timestamp.txt")}
    found = planned(
        one("work/01_toy.ipynb"),
        beside={inner / "01_toy.ipynb": beside},
        present={HOME / "mine.py": "another", HOME / "new.py": "before"},
        written={HOME / "new.py": "before"},
        stamps={inner / "timestamp.txt": "gestern"},
    )
    assert found.steps == (
        Copy(inner / "01_toy.ipynb", PLACE),
        Copy(inner / "helpers.py", HOME / "helpers.py"),
        Copy(inner / "new.py", HOME / "new.py"),
    )
    assert found.remarks[0] == "Handed in as work/01_toy.ipynb, and graded as 01_toy.ipynb."
    assert "'gestern'" in found.remarks[1]


def test_a_folder_in_the_place_is_renamed_and_what_is_in_it_counts() -> None:
    found = planned(one("01_toy.ipynb/nb.ipynb"), state=Place.FOLDER)
    folder = HOME / "01_toy-folder"
    assert found.steps == (
        Move(PLACE, folder, "01_toy.ipynb was a folder."),
        Copy(folder / "nb.ipynb", PLACE),
    )
    assert found.remarks == (
        "Handed in as 01_toy-folder/nb.ipynb, and graded as 01_toy.ipynb.",
        "01_toy.ipynb was a folder.",
    )


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({}, ": the folder is empty"),
        ({"others": ("report.pdf", "a.png")}, ": there is a.png, report.pdf"),
        ({"others": tuple("abcdefghijk")}, ": there is a, b, c, d, e, f, g, h and 3 more"),
        ({"apart": {PLACE: "links are not followed"}, "state": Place.LINK}, ""),
        (
            {"candidates": (one("02_other.ipynb", F, why="it is of the unit other"),)},
            ": 02_other.ipynb is not a notebook of this unit: it is of the unit other",
        ),
    ],
)
def test_without_a_notebook_an_empty_one_says_what_to_do(facts: Mapping[str, Any], why: str) -> None:
    found = plan(Student("ann", PLACE, **facts), ASIDE)
    assert found.problem == f"No notebook of this unit was handed in{why}. Hand in 01_toy.ipynb."
    assert found.steps[-1] == Placeholder(PLACE)
    ours = {"state": Place.OURS, "place_digest": PLACEHOLDER_DIGEST, "apart": {}}
    again = plan(Student("ann", PLACE, **{**facts, **ours}), ASIDE)
    assert again.steps == ()


def test_a_notebook_that_comes_later_takes_the_place_of_the_empty_one() -> None:
    found = planned(one("x.ipynb"), state=Place.OURS, place_digest=PLACEHOLDER_DIGEST)
    assert found.steps == (Copy(HOME / "x.ipynb", PLACE),) and not found.problem


def test_links_leave_the_folder() -> None:
    found = planned(
        one("01_toy.ipynb"),
        state=Place.FILE,
        apart={HOME / "data/x.csv": "links are not followed", HOME / "env": "it is a Python environment"},
    )
    assert found.steps == (
        Move(HOME / "data/x.csv", ASIDE / "data/x.csv", "data/x.csv was left out: links are not followed."),
        Move(HOME / "env", ASIDE / "env", "env was left out: it is a Python environment."),
    )
    assert found.remarks == tuple(step.remark for step in found.steps if isinstance(step, Move))


def test_a_link_in_the_place_of_the_folder_leaves_it() -> None:
    found = planned(apart={HOME: "links are not followed"})
    assert found.steps == (
        Move(HOME, ASIDE / "toy", "toy was left out: links are not followed."),
        Placeholder(PLACE),
    )


def test_a_date_that_cannot_be_read_costs_nothing_but_itself() -> None:
    stamp = HOME / "timestamp.txt"
    found = planned(one("01_toy.ipynb"), state=Place.FILE, stamps={stamp: "mardi"})
    assert found.steps == (Move(stamp, HOME / "timestamp-unread.txt", found.remarks[0]),)
    assert found.remarks[0].startswith("timestamp.txt is not a date that can be read ('mardi')")


def test_what_was_moved_is_told_until_something_better_is_there() -> None:
    moved = {ASIDE / "data.csv": Moved(HOME / "data.csv", "a link"), ASIDE / "nb": Moved(PLACE, "also")}
    before = planned(one("x.ipynb", digest="x"), state=Place.OURS, place_digest="x", moved=moved)
    assert before.remarks[1:] == ("a link", "also")
    after = planned(
        one("01_toy.ipynb"), state=Place.FILE, moved=moved, present={HOME / "data.csv": "", PLACE: ""}
    )
    assert after.remarks == ()


def test_a_folder_with_another_name_is_told() -> None:
    found = planned(one("submitted/a[b]/toy/01_toy.ipynb"), alias_of="a[b]")
    assert found.remarks == (
        "nbgrader cannot use the folder name a[b]: this is graded as ann.",
        "Handed in as a[b]/toy/01_toy.ipynb, and graded as 01_toy.ipynb.",
    )
