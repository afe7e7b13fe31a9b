"""The file behind the progress table: whole or as it was, and damage is set aside and named."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course.checks import State
from course.errors import CourseError
from course.notebook.store import FORMAT, MOST_BYTES, DamagedFile, Guess, LastCheck, Progress, Store, parse


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "work" / "fixmatch" / "progress.json"


def test_nothing_is_written_before_there_is_something_to_keep(path: Path) -> None:
    assert Store(path).read() == Progress()
    assert not path.parent.exists()


def test_what_is_kept_survives_the_process(path: Path) -> None:
    store = Store(path)
    store.note_check("a", State.INCORRECT, "1")
    store.note_check("a", State.CORRECT, "2")
    store.note_check("a", State.INCORRECT, "3")
    store.note_check("b", State.NOT_ATTEMPTED, "")
    store.note_guess("rate", 0.25)
    assert Store(path).read() == Progress(
        {"a": LastCheck(State.INCORRECT, "3", "2", 2), "b": LastCheck(State.NOT_ATTEMPTED)},
        {"rate": Guess(0.25, before=True)},
    )
    assert [p.name for p in path.parent.iterdir()] == ["progress.json"]


def test_two_notebooks_on_one_folder_lose_nothing(path: Path) -> None:
    one, other = Store(path), Store(path)
    one.read(), other.read()
    one.note_check("a", State.CORRECT, "1")
    other.note_check("b", State.CORRECT, "2")
    one.note_guess("rate", 1.0)
    assert set(Store(path).read().exercises) == {"a", "b"}
    assert other.read().guesses == {"rate": Guess(1.0, before=True)}


def test_versions_count_up_to_the_first_that_passes(path: Path) -> None:
    store = Store(path)
    for state, function in (
        (State.NOT_ATTEMPTED, "0"),
        (State.INCORRECT, "0"),  # the digest of a stub may be any
        (State.INCORRECT, "1"),
        (State.INCORRECT, "1"),  # checked again, as before handing in
        (State.CORRECT, "2"),
        (State.INCORRECT, "3"),
        (State.CORRECT, "4"),
    ):
        store.note_check("a", state, function)
    assert store.read().exercises["a"].versions == 3


def test_a_guess_counts_as_one_only_before_its_result(path: Path) -> None:
    store = Store(path)
    store.note_guess("a", 1)
    store.note_result("a", 3)
    store.note_guess("a", 1)  # the notebook runs again from the top
    assert store.read().guesses["a"] == Guess(1, 3, before=True)
    store.note_guess("a", 3)
    assert store.read().guesses["a"] == Guess(3, 3, before=False)
    store.note_result("b", 5)
    store.note_guess("b", 5)
    assert store.read().guesses["b"] == Guess(5, 5, before=False)


def test_the_highest_hint_is_kept_until_the_check_passes(path: Path) -> None:
    store = Store(path)
    for number in (1, 2, 1):
        store.note_hint("a", number)
    store.note_check("a", State.CORRECT, "1")
    store.note_hint("a", 3)
    assert Store(path).read().hints == {"a": 2}


def test_a_deleted_logbook_stays_deleted_and_costs_no_state(path: Path) -> None:
    store = Store(path)
    store.note_check("a", State.CORRECT, "1")
    store.note_guess("rate", 0.5)
    store.note_hint("b", 1)
    store.delete_logbook()
    assert b"rate" not in path.read_bytes() and b'"b"' not in path.read_bytes()
    store.note_check("b", State.CORRECT, "2")
    kept = Store(path).read()
    assert not kept.logbook and not kept.guesses and not kept.hints
    assert kept.exercises["a"] == LastCheck(State.CORRECT, "1", "1", 0)


def test_a_file_of_the_first_format_is_read_and_kept_in_the_new_one(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(
        b'{"format": 1, "exercises": {"a": {"state": "correct", "function": "1", "passed": "1"}}, '
        b'"guesses": {"rate": 0.5}}'
    )
    store = Store(path)
    old = Progress({"a": LastCheck(State.CORRECT, "1", "1")}, {"rate": Guess(0.5, before=True)})
    assert store.read() == old and not store.remarks
    store.note_hint("b", 1)
    assert json.loads(path.read_bytes())["format"] == FORMAT
    assert Store(path).read() == dataclasses.replace(old, hints={"b": 1})


BEFORE = b'{"format": 1, "guesses": {}, "exercises": {"a": '
NEW = b'{"format": 2, "exercises": {}, "hints": {}, "logbook": true, "guesses": {"a": '
DAMAGED = {
    "empty": b"",
    "cut": b'{"format": 1, "exer',
    "binary": bytes(range(256)),
    "deep": b"[" * 100_000,
    "long": b" " * (MOST_BYTES + 1),
    "no object": b"[]",
    "another format": b'{"format": 3, "exercises": {}, "guesses": {}, "hints": {}, "logbook": true}',
    "no hints": b'{"format": 2, "exercises": {}, "guesses": {}, "logbook": true}',
    "hint": b'{"format": 2, "exercises": {}, "guesses": {}, "hints": {"a": -1}, "logbook": true}',
    "result": NEW + b'{"guess": 1, "result": "<script>", "before": true}}}',
    "infinite result": NEW + b'{"guess": 1, "result": Infinity, "before": true}}}',
    "half a guess": NEW + b'{"guess": 1}}}',
    "no parts": b'{"format": 1}',
    "exercise": b'{"format": 1, "exercises": {"a": 1}, "guesses": {}}',
    "state": BEFORE + b'{"state": "ok", "function": "", "passed": ""}}}',
    "list": BEFORE + b'{"state": [], "function": "", "passed": ""}}}',
    "guess": b'{"format": 1, "exercises": {}, "guesses": {"a": "b"}}',
    "nan": b'{"format": 1, "exercises": {}, "guesses": {"a": NaN}}',
    "infinite": b'{"format": 1, "exercises": {}, "guesses": {"a": -Infinity}}',
    "huge": b'{"format": 1, "exercises": {}, "guesses": {"a": 1' + b"0" * 4000 + b"}}",
    "bool": b'{"format": 1, "exercises": {}, "guesses": {"a": true}}',
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_set_aside_named_and_replaced(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    store = Store(path)
    assert store.read() == Progress()
    aside = path.with_name("progress.damaged.json")
    assert aside.read_bytes() == content and not path.exists()
    (remark,) = store.remarks
    assert "progress.json is damaged (" in remark and "progress.damaged.json" in remark
    store.note_check("a", State.CORRECT, "1")
    assert Store(path).read().exercises["a"].state is State.CORRECT


def test_a_second_damage_does_not_overwrite_the_first(path: Path) -> None:
    path.parent.mkdir(parents=True)
    store = Store(path)
    for content in (b"one", b"two", b"three"):
        path.write_bytes(content)
        store.read()
    kept = sorted((p.name, p.read_bytes()) for p in path.parent.iterdir())
    assert kept == [
        ("progress.damaged-2.json", b"two"),
        ("progress.damaged-3.json", b"three"),
        ("progress.damaged.json", b"one"),
    ]


def test_a_crash_while_writing_leaves_the_old_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Store(path).note_guess("rate", 0.5)
    before = path.read_bytes()

    def crash(self: Path, target: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr(Path, "replace", crash)
        with pytest.raises(KeyboardInterrupt):
            Store(path).note_guess("rate", 0.75)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == ["progress.json"]


def test_without_a_folder_the_record_lives_on_in_memory(path: Path) -> None:
    path.parent.parent.mkdir(parents=True)
    path.parent.write_text("a file")
    store = Store(path)
    with pytest.raises(CourseError, match=r"progress\.json cannot be written"):
        store.note_check("a", State.CORRECT, "1")
    with pytest.raises(CourseError):
        store.note_guess("rate", 0.5)
    assert store.read() == Progress(
        {"a": LastCheck(State.CORRECT, "1", "1", 1)}, {"rate": Guess(0.5, before=True)}
    )


def test_a_folder_in_the_place_of_the_file_is_named(path: Path) -> None:
    path.mkdir(parents=True)
    store = Store(path)
    assert store.read() == Progress()
    store.read()
    (remark,) = store.remarks
    assert "cannot be read" in remark


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
checked = st.fixed_dictionaries(
    {
        "state": st.sampled_from([*State, "other"]) | json_values,
        "function": json_values,
        "passed": json_values,
        "versions": json_values,
    }
)
guessed = st.fixed_dictionaries(
    {"guess": json_values, "result": json_values, "before": st.booleans() | json_values}
)


@given(
    st.binary(max_size=200)
    | json_values.map(lambda value: json.dumps(value).encode())
    | st.fixed_dictionaries(
        {
            "format": st.sampled_from([1, FORMAT]),
            "exercises": st.dictionaries(st.text(max_size=5), checked | json_values, max_size=2),
            "guesses": st.dictionaries(st.text(max_size=5), guessed | json_values, max_size=2),
            "hints": st.dictionaries(st.text(max_size=5), json_values, max_size=2),
            "logbook": st.booleans() | json_values,
        }
    ).map(lambda value: json.dumps(value).encode())
)
def test_whatever_the_file_holds_it_is_a_record_or_damaged(content: bytes) -> None:
    try:
        record = parse(content)
    except DamagedFile as damage:
        assert 0 < len(str(damage)) < 80
        return
    assert all(isinstance(one, LastCheck) for one in record.exercises.values())
    numbers = [number for one in record.guesses.values() for number in (one.guess, one.result)]
    assert all(number is None or abs(number) < 1e300 for number in numbers)
    assert all(isinstance(number, int) and number >= 0 for number in record.hints.values())


@given(
    st.dictionaries(
        st.text(max_size=8),
        st.builds(LastCheck, st.sampled_from(State), st.text(max_size=4), st.none() | st.text(max_size=4)),
        max_size=3,
    ),
    st.dictionaries(
        st.text(max_size=8),
        st.builds(Guess, *[st.none() | st.floats(-1e9, 1e9)] * 2, st.booleans()),
        max_size=3,
    ),
    st.dictionaries(st.text(max_size=8), st.integers(0, 9), max_size=3),
    st.booleans(),
)
def test_every_record_comes_back(exercises: Any, guesses: Any, hints: Any, logbook: bool) -> None:
    record = Progress(exercises, guesses, hints, logbook)
    content = {"format": FORMAT, **dataclasses.asdict(record)}
    assert parse(json.dumps(content).encode()) == record
