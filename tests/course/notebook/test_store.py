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
from course.notebook.store import FORMAT, MOST_BYTES, DamagedFile, LastCheck, Progress, Store, parse


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
        {"a": LastCheck(State.INCORRECT, "3", "2"), "b": LastCheck(State.NOT_ATTEMPTED)}, {"rate": 0.25}
    )
    assert [p.name for p in path.parent.iterdir()] == ["progress.json"]


def test_two_notebooks_on_one_folder_lose_nothing(path: Path) -> None:
    one, other = Store(path), Store(path)
    one.read(), other.read()
    one.note_check("a", State.CORRECT, "1")
    other.note_check("b", State.CORRECT, "2")
    one.note_guess("rate", 1.0)
    assert set(Store(path).read().exercises) == {"a", "b"}
    assert other.read().guesses == {"rate": 1.0}


BEFORE = b'{"format": 1, "guesses": {}, "exercises": {"a": '
DAMAGED = {
    "empty": b"",
    "cut": b'{"format": 1, "exer',
    "binary": bytes(range(256)),
    "deep": b"[" * 100_000,
    "long": b" " * (MOST_BYTES + 1),
    "no object": b"[]",
    "another format": b'{"format": 2, "exercises": {}, "guesses": {}}',
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
    assert store.read() == Progress({"a": LastCheck(State.CORRECT, "1", "1")}, {"rate": 0.5})


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
    }
)


@given(
    st.binary(max_size=200)
    | json_values.map(lambda value: json.dumps(value).encode())
    | st.fixed_dictionaries(
        {
            "format": st.just(FORMAT),
            "exercises": st.dictionaries(st.text(max_size=5), checked | json_values, max_size=2),
            "guesses": st.dictionaries(st.text(max_size=5), json_values, max_size=2),
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
    assert all(isinstance(guess, float) and guess == guess for guess in record.guesses.values())


@given(
    st.dictionaries(
        st.text(max_size=8),
        st.builds(LastCheck, st.sampled_from(State), st.text(max_size=4), st.none() | st.text(max_size=4)),
        max_size=3,
    ),
    st.dictionaries(st.text(max_size=8), st.floats(-1e9, 1e9), max_size=3),
)
def test_every_record_comes_back(exercises: Any, guesses: Any) -> None:
    record = Progress(exercises, guesses)
    content = {"format": FORMAT, **dataclasses.asdict(record)}
    assert parse(json.dumps(content).encode()) == record
