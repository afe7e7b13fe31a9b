"""Before handing in: every check is run, and damaged cells are named as the grader will name them."""

from __future__ import annotations

import copy
import json
import random
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import nbformat
import pytest

import solutions.fixmatch as reference
from autograder.grading.hand_in import read_hand_in
from autograder.grading.matching import repair
from course import ready_to_hand_in
from course.checks import State
from course.errors import CourseError
from course.notebook import notebook_file, ready
from course.notebook.notebook_file import MOST_BYTES, find_notebook, read_notebook
from course.notebook.ready import Findings, Readiness, inspect_cells
from course.notebook.released import ANSWER_HERE, Kind, load_release
from course.notebook.session import Session
from course.notebook.store import Store

ROOT = Path(__file__).parents[3]
RELEASE = ROOT / "release" / "fixmatch" / "01_fixmatch.ipynb"
CELLS = load_release("fixmatch")
Content = dict[str, Any]
ANSWERS = tuple(cell.id for cell in CELLS.cells if cell.kind is Kind.ANSWER)


@pytest.fixture
def content() -> Content:
    """The release, with the questions answered."""
    notebook = json.loads(RELEASE.read_text(encoding="utf-8"))
    for name in ANSWERS:
        cell(notebook, name)["source"] = ["Because."]
    return notebook


def cell(content: Content, name: str) -> dict[str, Any]:
    (found,) = [one for one in content["cells"] if one["id"] == name]
    return found


def test_a_whole_notebook_has_no_findings(content: Content) -> None:
    assert inspect_cells(content, CELLS) == Findings()


def test_the_list_is_that_of_the_release(content: Content) -> None:
    graded = [one["metadata"]["nbgrader"] for one in content["cells"] if "nbgrader" in one["metadata"]]
    assert [one.id for one in CELLS.cells] == [facts["grade_id"] for facts in graded]
    assert CELLS.release == content["metadata"]["course"]["release"]
    assert {one.kind for one in CELLS.cells} == set(Kind)


def test_missing_and_duplicated_cells_are_named(content: Content) -> None:
    content["cells"].remove(cell(content, "check-get_forward_fn"))
    content["cells"].remove(cell(content, "question-Q2"))
    content["cells"].append(copy.deepcopy(cell(content, "get_forward_fn")) | {"id": "a-copy"})
    findings = inspect_cells(content, CELLS)
    assert findings == Findings(
        missing=("question-Q2", "check-get_forward_fn"), duplicated=("get_forward_fn",)
    )


def test_a_cell_without_its_metadata_is_known_by_its_id_or_by_what_it_defines(content: Content) -> None:
    cell(content, "check-get_forward_fn")["metadata"] = {}
    pasted = cell(content, "get_validate_fn")
    pasted |= {"id": "pasted", "metadata": {}}
    pasted["source"] = ["%time\n", "import jax\n", "def get_validate_fn(a, b, batches=()):\n", "    return 1"]
    assert inspect_cells(content, CELLS) == Findings(stripped=("check-get_forward_fn", "get_validate_fn"))


def test_colab_keeps_a_cells_id_in_its_metadata(content: Content) -> None:
    for one in content["cells"]:
        one["metadata"]["id"] = one.pop("id")
    assert inspect_cells(content, CELLS) == Findings()
    for one in content["cells"]:
        if one["metadata"]["id"] == "loaders":
            del one["metadata"]["nbgrader"]
    assert inspect_cells(content, CELLS) == Findings(stripped=("loaders",))


OWN = "def get_forward_fn(model):\n    return 1"


def own_cell(source: str) -> dict[str, Any]:
    return {"cell_type": "code", "metadata": {}, "id": "own", "source": source}


def test_a_students_own_copy_of_a_function_is_no_finding(content: Content) -> None:
    cell(content, "get_forward_fn")["source"] = OWN
    content["cells"].insert(3, own_cell(OWN))
    assert inspect_cells(content, CELLS) == Findings()


@pytest.mark.parametrize("position", [3, None], ids=["above", "below"])
@pytest.mark.parametrize("name", [one.id for one in CELLS.cells if one.kind is Kind.EXERCISE])
def test_code_in_another_cell_than_the_stub_is_named(
    content: Content, session: Session, name: str, position: int | None
) -> None:
    own = own_cell(f"%time\ndef {name}(*args):\n    return 1")
    content["cells"].insert(len(content["cells"]) if position is None else position, own)
    findings = inspect_cells(content, CELLS)
    assert findings == Findings(elsewhere=(name,))
    assert not findings.clean and not Readiness(states_of(session), findings).ready
    text = ready.describe(session, Readiness(states_of(session), findings)).text
    assert f"own cell still holds the stub: `{name}`. Your code is in another cell" in text
    assert "below the check, say): move it into its own." in text and "Every cell needed" not in text


def test_a_copy_of_the_stub_is_no_finding(content: Content) -> None:
    content["cells"].append(own_cell("".join(cell(content, "get_forward_fn")["source"])))
    assert inspect_cells(content, CELLS) == Findings()


def test_code_beside_a_cell_that_cannot_be_read_is_no_finding(content: Content) -> None:
    cell(content, "get_forward_fn")["source"] = "def get_forward_fn(model:\n    raise NotImplementedError()"
    content["cells"].append(own_cell(OWN))
    assert inspect_cells(content, CELLS) == Findings()


def test_all_metadata_gone_is_one_finding(content: Content, session: Session) -> None:
    for one in content["cells"]:
        one["metadata"] = {}
    findings = inspect_cells(content, CELLS)
    assert findings.stripped_all and findings.missing == () and len(findings.stripped) == len(CELLS.cells)
    text = ready.describe(session, Readiness(states_of(session), findings)).text
    assert "All cells have lost the metadata" in text and "get_forward_fn`," not in text


def test_an_untouched_release_has_no_answers() -> None:
    released = json.loads(RELEASE.read_text(encoding="utf-8"))
    assert inspect_cells(released, CELLS) == Findings(unanswered=ANSWERS)
    assert {"".join(cell(released, name)["source"]) for name in ANSWERS} == {ANSWER_HERE}


@pytest.mark.parametrize("source", ["YOUR ANSWER HERE", "  \n", f"{ANSWER_HERE}\n", f"{ANSWER_HERE}\n>\n"])
def test_unanswered_questions_are_named(content: Content, source: str) -> None:
    cell(content, "question-Q1")["source"] = [source]
    cell(content, "question-Q3")["source"] = source
    assert inspect_cells(content, CELLS) == Findings(unanswered=("question-Q1", "question-Q3"))


@pytest.mark.parametrize(
    "source", [f"{ANSWER_HERE}\nBecause.", f"Because.\n{ANSWER_HERE}", "> Because.", "0"]
)
def test_an_answer_beside_the_line_that_asks_for_it_counts(content: Content, source: str) -> None:
    cell(content, "question-Q1")["source"] = source
    assert inspect_cells(content, CELLS) == Findings()


def test_an_import_that_grading_may_lack_is_named(content: Content, session: Session) -> None:
    imports = "import os, numpy as np\nimport helper, pandas\nfrom left_pad.core import pad\n"
    for name in ("get_forward_fn", "get_validate_fn"):
        cell(content, name)["source"] = [imports, *cell(content, name)["source"]]
    findings = inspect_cells(content, CELLS, {"helper"})
    assert findings == Findings(unknown=("`left_pad` in `get_forward_fn`", "`left_pad` in `get_validate_fn`"))
    assert findings.clean and not Readiness(states_of(session), findings).ready
    text = repr(ready.describe(session, Readiness(states_of(session), findings)))
    assert "Grading may not have what you import: `left_pad` in `get_forward_fn`, `left_pad`" in text


def test_another_release_is_named(content: Content, session: Session) -> None:
    content["metadata"]["course"]["release"] = "0123456789ab"
    findings = inspect_cells(content, CELLS)
    assert findings == Findings(other_release="0123456789ab")
    assert (
        "from release 0123456789ab" in ready.describe(session, Readiness(states_of(session), findings)).text
    )


@pytest.mark.parametrize("seed", range(25))
def test_the_findings_agree_with_what_the_grader_repairs(content: Content, seed: int) -> None:
    """Cells are deleted, copied and stripped at random; the grader's own matching is the judge."""
    rng = random.Random(seed)
    released = nbformat.read(RELEASE, as_version=4)
    graded = [one for one in content["cells"] if "nbgrader" in one["metadata"]]
    for one in rng.sample(graded, rng.randint(1, 6)):
        damage = rng.choice(("delete", "copy", "strip"))
        if damage == "delete":
            content["cells"].remove(one)
        elif damage == "copy":
            content["cells"].append(copy.deepcopy(one) | {"id": f"copy-{one['id'][:50]}"})
        else:
            del one["metadata"]["nbgrader"]
    findings = inspect_cells(content, CELLS)
    submitted, _ = read_hand_in(json.dumps(content).encode())
    _, repairs = repair(submitted, released)
    assert set(findings.missing) == set(repairs.missing)
    assert set(findings.duplicated) == set(repairs.duplicated)
    assert findings.clean == (not repairs.describe() and not findings.stripped)


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"cells": []},
        {"cells": [None, 3, "x", [], {}]},
        {"cells": [{"cell_type": "code", "source": 3, "metadata": None}]},
        {"cells": [{"cell_type": "code", "source": ["def f(:", 4], "metadata": {"nbgrader": []}}]},
        {"cells": [{"id": 3, "metadata": {"nbgrader": {"grade_id": ["x"]}, "id": {}}}], "metadata": []},
        {"cells": [{"cell_type": "code", "source": "(" * 5000}], "metadata": {"course": 3}},
        {"cells": [{"cell_type": "code", "source": "\0"}], "metadata": {"course": {"release": 3}}},
    ],
)
def test_whatever_a_file_holds_every_cell_is_missing(content: Content) -> None:
    findings = inspect_cells(content, CELLS)
    assert findings.missing == tuple(one.id for one in CELLS.cells)
    assert not findings.clean


# --- the report ----------------------------------------------------------------------------------


def states_of(session: Session, state: State | None = State.CORRECT) -> dict[str, State | None]:
    return {exercise.name: state for exercise in session.unit.exercises}


def test_ready_is_only_what_is_whole_right_and_answered(session: Session) -> None:
    assert Readiness(states_of(session), Findings()).ready
    assert not Readiness(states_of(session), None).ready
    assert not Readiness(states_of(session), Findings(unanswered=("question-Q1",))).ready
    assert not Readiness(states_of(session), Findings(missing=("a",))).ready
    for state in (State.INCORRECT, State.NOT_ATTEMPTED, None):
        assert not Readiness({**states_of(session), "get_forward_fn": state}, Findings()).ready


def test_the_report_names_what_is_to_be_done(session: Session) -> None:
    findings = Findings(
        missing=("train",), duplicated=("ready",), stripped=("data",), unanswered=("question-Q1",)
    )
    text = ready.describe(session, Readiness(states_of(session, None), findings, "a.ipynb")).text
    assert text.startswith("○ Not everything is in order yet.")
    assert "not defined in this session" in text
    assert "Missing: `train`. Undo the deletion" in text
    assert "more than once: `ready`. Keep one" in text
    assert "grading needs: `data`. It is lost" in text
    assert "Not answered yet: `question-Q1`." in text
    assert "a.ipynb. Changes since you last saved are not included" in text
    assert "Every cell needed" not in text


def test_every_check_is_run_and_kept(
    session: Session,
    notebook: ModuleType,
    content: Content,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for exercise in session.unit.exercises:
        setattr(notebook, exercise.name, getattr(reference, exercise.name))
    notebook.cosine_decay_schedule = lambda init_value, decay_steps, alpha: lambda count: init_value
    del notebook.get_validate_fn
    path = tmp_path / "mine.ipynb"
    path.write_text(json.dumps(content), encoding="utf-8")
    ready_to_hand_in(path)
    out = capsys.readouterr().out
    lines = {line.split()[0].strip("`"): line for line in out.splitlines() if line.startswith("  `")}
    assert "✗ incorrect" in lines["cosine_decay_schedule"]
    assert "· not defined" in lines["get_validate_fn"]
    assert sum("✓ correct" in line for line in lines.values()) == len(session.unit.exercises) - 2
    assert "mine.ipynb" in out and "Every cell needed for grading is there exactly once" in out
    assert "hint(" not in out, "the checks are silent here"
    kept = Store(session.store.path).read().exercises
    assert kept["cosine_decay_schedule"].state is State.INCORRECT and "get_validate_fn" not in kept
    assert kept["get_fixmatch_loss_fn"].state is State.CORRECT


def test_without_the_file_the_checks_are_run_all_the_same(
    session: Session,
    notebook: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    notebook.logits_to_log_probs = reference.logits_to_log_probs
    ready_to_hand_in()
    out = capsys.readouterr().out
    assert "own file was not found" in out and 'course.ready_to_hand_in("01_fixmatch.ipynb")' in out
    assert "✓ correct" in out


# --- where the notebook is -----------------------------------------------------------------------


@pytest.fixture
def saved(content: Content, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    path = tmp_path / "elsewhere" / "my copy.ipynb"
    path.parent.mkdir()
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_jupyter_tells_the_kernel(saved: Path, notebook: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_notebook("fixmatch") is None
    monkeypatch.setenv("JPY_SESSION_NAME", str(saved))
    found = find_notebook("fixmatch")
    assert found is not None and found.source == "my copy.ipynb" and found.as_saved


def test_vs_code_leaves_it_in_the_names(saved: Path, notebook: ModuleType) -> None:
    notebook.__vsc_ipynb_file__ = str(saved)  # type: ignore[attr-defined]
    found = find_notebook("fixmatch")
    assert found is not None and found.source == "my copy.ipynb"


def test_a_name_that_leads_nowhere_is_passed_over(
    saved: Path, notebook: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", str(saved.with_name("renamed.ipynb")))
    assert find_notebook("fixmatch") is None
    monkeypatch.setenv("JPY_SESSION_NAME", "0a1b2c3d")  # a console has a name that is no file
    assert find_notebook("fixmatch") is None


def test_the_one_notebook_of_the_unit_here_is_taken_and_of_two_none(
    saved: Path, notebook: ModuleType
) -> None:
    here = Path.cwd()
    (here / "other.ipynb").write_text('{"cells": [], "metadata": {"course": {"unit": "other"}}}')
    (here / "broken.ipynb").write_text("{")
    (here / "a.ipynb").write_bytes(saved.read_bytes())
    found = find_notebook("fixmatch")
    assert found is not None and found.source == "a.ipynb"
    (here / "b.ipynb").write_bytes(saved.read_bytes())
    assert find_notebook("fixmatch") is None


def with_colab(monkeypatch: pytest.MonkeyPatch, answer: Callable[..., Any]) -> None:
    class MessageError(Exception):
        pass

    message = SimpleNamespace(blocking_request=answer, MessageError=MessageError)
    monkeypatch.setattr(notebook_file, "_in_colab", lambda: True)
    monkeypatch.setitem(sys.modules, "google.colab._message", message)


def test_colab_is_asked_and_knows_what_is_not_saved(
    saved: Path, notebook: ModuleType, content: Content, monkeypatch: pytest.MonkeyPatch, session: Session
) -> None:
    asked: list[Any] = []

    def answer(*args: Any, **kwargs: Any) -> Any:
        asked.append((args, kwargs))
        return {"ipynb": content}

    with_colab(monkeypatch, answer)
    found = find_notebook("fixmatch")
    assert found is not None and found.content is content and not found.as_saved
    assert asked[0][0] == ("get_ipynb",) and asked[0][1]["timeout_sec"] > 0
    readiness = Readiness(states_of(session), Findings(), found.source, found.as_saved)
    assert "Unsaved changes are included" in ready.describe(session, readiness).text


@pytest.mark.parametrize("answer", [None, {}, {"ipynb": None}, {"ipynb": {"cells": 3}}, "error"])
def test_colab_that_does_not_answer_is_passed_over(
    saved: Path, notebook: ModuleType, monkeypatch: pytest.MonkeyPatch, answer: Any
) -> None:
    def reply(*args: Any, **kwargs: Any) -> Any:
        if answer == "error":
            raise sys.modules["google.colab._message"].MessageError("no")
        return answer

    with_colab(monkeypatch, reply)
    assert find_notebook("fixmatch") is None
    found = find_notebook("fixmatch", saved)
    assert found is not None, "a named file goes before everything else"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read"),
        (b"", "is not a notebook"),
        (b"[]", "is not a notebook"),
        (b'{"cells": {}}', "is not a notebook"),
        (b"\xff\xfe", "is not a notebook"),
        (b"[" * 100_000, "is not a notebook"),
    ],
)
def test_a_file_that_is_no_notebook_is_named(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "n.ipynb"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CourseError, match=rf"n\.ipynb {message}"):
        read_notebook(path)


def test_a_file_without_end_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "n.ipynb"
    with path.open("wb") as file:
        file.truncate(MOST_BYTES + 2)
    with pytest.raises(CourseError, match="clear its outputs"):
        read_notebook(path)
