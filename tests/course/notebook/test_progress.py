"""The progress table: states and points, after a restart, and when a function has changed since it passed."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import jax
import pytest

from course import begin, progress
from course.checks import CheckFailed, State, check
from course.errors import CourseError
from course.notebook import session as session_module
from course.notebook.display import table
from course.notebook.fingerprint import fingerprint
from course.notebook.progress import describe, progress_table
from course.notebook.session import Session, current
from course.notebook.setup import Environment
from course.notebook.store import LastCheck

Define = Callable[[str], None]

RIGHT = """
import jax

def logits_to_log_probs(logits):
    return jax.nn.log_softmax(logits, axis=-1)
"""
WRONG = RIGHT.replace("axis=-1", "axis=0")
BY_HELPER = """
import jax

def stable(z):
    return z - jax.nn.logsumexp(z, axis=-1, keepdims=True)

@jax.jit
def logits_to_log_probs(logits):
    def inner():
        return stable(logits)
    return inner()
"""
NAME = "logits_to_log_probs"


def row(capsys: pytest.CaptureFixture[str], name: str = NAME) -> str:
    capsys.readouterr()
    progress()
    (line,) = [line for line in capsys.readouterr().out.splitlines() if f"`{name}`" in line]
    return " ".join(line.split())


def run_check(notebook: ModuleType) -> None:
    check(NAME, getattr(notebook, NAME))


def test_every_exercise_is_listed_with_its_points(
    session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    progress()
    out = capsys.readouterr().out
    for exercise in session.unit.exercises:
        assert f"`{exercise.name}`" in out and exercise.title in out
        assert f"0 of {exercise.points}" in out
    total = sum(exercise.points for exercise in session.unit.exercises)
    assert f"0 of {total} points for exercises so far. The 4 questions, 10 points" in out
    assert out.count("· not checked yet") == len(session.unit.exercises)


def test_the_state_follows_the_checks(
    session: Session, notebook: ModuleType, define: Define, capsys: pytest.CaptureFixture[str]
) -> None:
    define("def logits_to_log_probs(logits):\n    raise NotImplementedError()\n")
    with pytest.raises(CheckFailed):
        run_check(notebook)
    assert "0 of 2 ○ not attempted" in row(capsys)
    define(WRONG)
    with pytest.raises(CheckFailed):
        run_check(notebook)
    assert row(capsys).endswith("0 of 2 ✗ incorrect")
    define(RIGHT)
    run_check(notebook)
    assert row(capsys).endswith("2 of 2 ✓ correct")
    define(WRONG)
    with pytest.raises(CheckFailed):
        run_check(notebook)
    assert row(capsys).endswith("0 of 2 ✗ incorrect; an earlier version was correct")


def test_a_function_that_changed_since_it_passed_says_so(
    session: Session, notebook: ModuleType, define: Define, capsys: pytest.CaptureFixture[str]
) -> None:
    define(RIGHT)
    run_check(notebook)
    define(WRONG)
    assert row(capsys).endswith("0 of 2 ↻ was correct, but has changed since: run its check again")
    define("# a remark\n" + RIGHT.replace("(logits,", "(logits ,  # the last axis\n       "))
    assert row(capsys).endswith("2 of 2 ✓ correct")


def test_a_helper_in_another_cell_belongs_to_the_function(
    session: Session, notebook: ModuleType, define: Define, capsys: pytest.CaptureFixture[str]
) -> None:
    define(BY_HELPER)
    run_check(notebook)
    assert row(capsys).endswith("✓ correct")
    define("import jax\ndef stable(z):\n    return z - jax.nn.logsumexp(z)\n")
    assert "has changed since" in row(capsys)


def test_the_table_survives_a_restart_of_the_kernel(
    session: Session,
    env: Environment,
    notebook: ModuleType,
    define: Define,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    define(RIGHT)
    run_check(notebook)
    monkeypatch.setattr(session_module, "_sessions", [])
    with pytest.raises(CourseError, match="run its set-up cell"):
        progress()
    delattr(notebook, NAME)
    begin("fixmatch", env)
    assert current() is not session
    assert row(capsys).endswith("2 of 2 ✓ correct (not run yet in this session)")
    define(RIGHT)
    assert row(capsys).endswith("2 of 2 ✓ correct")
    define(WRONG)
    assert "has changed since" in row(capsys)


def test_a_damaged_file_is_named_above_the_table(
    session: Session, env: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    session.store.note_guess("mask_rate", 0.5)
    session.store.path.write_text("{")
    progress()
    out = capsys.readouterr().out
    assert out.startswith("progress.json is damaged (it is not JSON). It is now called progress.damaged.json")
    assert "Your progress" in out
    session.store.path.write_text("{")
    begin("fixmatch", env)
    assert "progress.damaged-2.json" in capsys.readouterr().out


def test_a_cell_that_changes_the_folder_loses_nothing(
    session: Session, env: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    begin("fixmatch", dataclasses.replace(env, work=Path("relative")))
    current().store.note_guess("mask_rate", 0.5)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    current().store.note_guess("finite_numbers", 1)
    assert set(current().store.read().guesses) == {"mask_rate", "finite_numbers"}
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize(
    ("checked", "now", "words", "counts"),
    [
        (None, "1", "· not checked yet", False),
        (LastCheck(State.CORRECT, "1", "1"), "1", "✓ correct", True),
        (LastCheck(State.CORRECT, "1", "1"), "", "✓ correct", True),  # the source cannot be read any more
        (LastCheck(State.CORRECT, "", ""), "1", "✓ correct", True),
        (
            LastCheck(State.INCORRECT, "2", None),
            "3",
            "✗ incorrect, and has changed since: run its check again",
            False,
        ),
        (LastCheck(State.NOT_ATTEMPTED, "2", None), "2", "○ not attempted", False),
    ],
)
def test_words(checked: LastCheck | None, now: str | None, words: str, counts: bool) -> None:
    assert describe(checked, now) == (words, counts)


def test_a_state_is_a_word_and_a_symbol_and_never_a_color(session: Session) -> None:
    html = progress_table(session).html
    assert "color:#" not in html.replace(" ", "") and "background:none" in html
    assert '<th scope="col"' in html and '<th scope="row"' in html


def test_what_cannot_be_read_has_no_fingerprint() -> None:
    names: dict[str, object] = {}
    exec("def typed():\n    return 1\n", names)
    assert fingerprint(names["typed"]) == ""  # type: ignore[arg-type]
    assert fingerprint(len) == "" and fingerprint(object()) == ""  # type: ignore[arg-type]


def test_the_fingerprint_looks_through_decorators(notebook: ModuleType, define: Define) -> None:
    define("def f(x):\n    return x + 1\n")
    plain = fingerprint(notebook.f)
    assert len(plain) == 16 and fingerprint(jax.jit(notebook.f)) == plain


def test_functions_that_call_each_other_have_a_fingerprint(notebook: ModuleType, define: Define) -> None:
    define(
        textwrap.dedent(
            """
            def even(n):
                return n == 0 or odd(n - 1)

            def odd(n):
                return n != 0 and even(n - 1)
            """
        )
    )
    assert fingerprint(notebook.even) == fingerprint(notebook.odd) != ""


def test_names_in_a_table_can_be_broken_and_nothing_else_is() -> None:
    """At 800 pixels the names of exercises left the column of states one letter."""
    fragment = table(["exercise_name", "state"], [["`log_softmax_cross_entropy`", "not_code < `a_b`"]])
    assert "<code>log_<wbr>softmax_<wbr>cross_<wbr>entropy</code>" in fragment.html
    assert "exercise_name" in fragment.html and "not_code &lt; <code>a_<wbr>b</code>" in fragment.html
    assert "`log_softmax_cross_entropy`" in fragment.text
