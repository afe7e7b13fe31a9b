"""Personal tasks: what ships can be told apart, and points are for the drawn version alone."""

from __future__ import annotations

import csv
import io
from itertools import pairwise
from typing import Any

import nbformat
import numpy as np
import pytest
from nbformat import NotebookNode

from autograder.assess.personal import Marks, code_of, codes_table, marks_of, marks_table
from autograder.units.personal import bugs_of
from course.notebook.personal import load_versions
from course.units.fixmatch.personal import THRESHOLD, recorded_batches, traced_rows

UNIT, STUDENT, SECRET = "fixmatch", "ann", bytes(range(32))
CODE = code_of(UNIT, STUDENT, SECRET)
# Two images: confident and not, with another top class in the strong view.
WEAK, STRONG = np.array([[3.0, 0.0, 0.2], [0.5, 0.1, 1.0]]), np.array([[0.0, 4.0, 0.5], [1.0, 0.0, 0.3]])


def softmax(z: np.ndarray) -> np.ndarray:
    return np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)


def losses(weak: np.ndarray, strong: np.ndarray) -> dict[str, float]:
    """L_u by the right formula and with each bug, written once more with NumPy."""
    p, q = softmax(strong), softmax(weak)
    rows = np.arange(len(weak))
    each, swapped = (-np.log(a[rows, b.argmax(axis=1)]) for a, b in ((p, q), (q, p)))
    sure, strong_sure = q.max(axis=1) >= THRESHOLD, p.max(axis=1) >= THRESHOLD
    with np.errstate(invalid="ignore"):
        return {
            "": (sure * each).mean(),
            "both views confident": (sure * strong_sure * each).mean(),
            "inverted mask": (~sure * each).mean(),
            "logits compared with threshold": ((weak.max(axis=1) >= THRESHOLD) * each).mean(),
            "mask of the strong view": (strong_sure * each).mean(),
            "mask times confidence": (sure * q.max(axis=1) * each).mean(),
            "mean over the confident": (sure * each).sum() / sure.sum(),
            "no mask": each.mean(),
            "pseudo-labels of the strong view": (sure * -np.log(p.max(axis=1))).mean(),
            "soft pseudo-labels": (sure * -(q * np.log(p)).sum(axis=1)).mean(),
            "views exchanged": (strong_sure * swapped).mean(),
            "weak view learns": (sure * -np.log(q.max(axis=1))).mean(),
            "weighted by confidence": (q.max(axis=1) * each).mean(),
        }


def test_what_ships_is_what_each_bug_gives_and_no_two_bugs_give_the_same() -> None:
    versions = load_versions(UNIT)
    assert len(versions.codes) == 120 and len(versions.bugs) == 12
    for code, recorded in versions.codes.items():
        given = [losses(weak, strong) for weak, strong in zip(*recorded_batches(code), strict=True)]
        by_bug = {bug: np.array([one[bug] for one in given]) for bug in given[0]}
        bug = bugs_of(UNIT)[code]
        np.testing.assert_allclose(recorded, by_bug.pop(bug), atol=6e-5)
        assert len(by_bug) == 12  # the other bugs, and the right loss
        assert all(np.abs(np.array(recorded) - other).max() > 0.009 for other in by_bug.values())


def test_no_more_ships_than_results() -> None:
    bugs = bugs_of(UNIT)
    counts = {bug: sum(bugs[code] == bug for code in load_versions(UNIT).codes) for bug in set(bugs.values())}
    assert set(counts.values()) == {10}
    # Neither the order of codes nor their letters follow the bugs.
    ordered = [bugs[code] for code in load_versions(UNIT).codes]
    assert sum(one == other for one, other in pairwise(ordered)) < 30


def notebook(*sources: str) -> NotebookNode:
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])


def right_trace() -> dict[str, Any]:
    weak, strong = traced_rows(CODE)
    counts = [bool(one) for one in softmax(weak).max(axis=1) >= THRESHOLD]
    return {"code": CODE, "counts": counts, "loss": round(float(losses(weak, strong)[""]), 3)}


def right_bug(weak: np.ndarray = WEAK, strong: np.ndarray = STRONG) -> dict[str, Any]:
    bug = bugs_of(UNIT)[CODE]
    loss = round(float(losses(weak, strong)[bug]), 3)
    return {"code": CODE, "name": bug, "weak": weak.tolist(), "strong": strong.tolist(), "loss": loss}


def marks(trace: dict[str, Any] | None = None, bug: dict[str, Any] | None = None) -> Marks:
    cells = [
        f"course.{name}({', '.join(f'{key}={value!r}' for key, value in answer.items())})"
        for name, answer in (("my_trace", trace), ("my_bug", bug))
        if answer is not None
    ]
    return marks_of(UNIT, STUDENT, notebook(*cells), SECRET)


def test_right_answers_have_all_points() -> None:
    found = marks(right_trace(), right_bug())
    assert (found.total, found.remarks, found.code) == (5, (), CODE)


def test_each_part_has_its_own_point() -> None:
    trace, bug = right_trace(), right_bug()
    other = next(name for name in load_versions(UNIT).bugs if name != bug["name"])
    lost = {
        "images that count": marks(trace | {"counts": [not one for one in trace["counts"]]}, bug),
        "traced loss": marks(trace | {"loss": trace["loss"] + 0.002}, bug),
        "name of the bug": marks(trace, bug | {"name": other}),
        "its loss": marks(trace, bug | {"loss": bug["loss"] + 0.01}),
    }
    for name, found in lost.items():
        assert found.total == 4 and found.points[name] == 0 and len(found.remarks) == 1


def test_an_input_on_which_the_bug_does_not_show_has_no_point() -> None:
    # One image on which all versions agree to a thousandth: sure in both views, and of the same class.
    plain = np.array([[14.0, 0.0, 0.0]])
    found = marks(right_trace(), right_bug(plain, plain))
    assert found.points["an input"] == found.points["its loss"] == 0 and found.points["name of the bug"] == 1
    assert "the broken function is right" in found.remarks[0]


def test_an_input_on_which_right_answers_differ_has_no_point() -> None:
    # log(8) makes a confidence of .8 but for rounding: whether it counts depends on how the mask is written.
    found = marks(right_trace(), right_bug(np.array([[float(np.log(8)), 0.0, 0.0]]), STRONG[:1]))
    assert found.points["an input"] == 0 and "right answers differ" in found.remarks[-1]


def test_an_answer_with_another_code_or_none_has_no_points() -> None:
    other = next(code for code in load_versions(UNIT).codes if code != CODE)
    found = marks(right_trace() | {"code": other}, right_bug() | {"code": "NO"})
    assert found.total == 0 and other in found.remarks[0] and "there is no code 'NO'" in found.remarks[1]
    assert marks().total == 0 and "not attempted" in marks(right_trace() | {"code": ""}).remarks[0]


def test_nothing_of_an_answer_is_run(tmp_path: Any) -> None:
    ran = tmp_path / "ran"
    source = f"course.my_trace(code=open({str(ran)!r}, 'w').name, counts=[True] * 5, loss=0.1)"
    assert marks_of(UNIT, STUDENT, notebook(source), SECRET).total == 0 and not ran.exists()


@pytest.mark.parametrize("bad", [float("nan"), 1e30, True, "0.5", None, [0.1]])
def test_a_loss_that_is_no_number_costs_points_and_stops_nothing(bad: Any) -> None:
    assert marks(right_trace() | {"loss": bad}).total == 0


def test_tables() -> None:
    rows = list(csv.reader(io.StringIO(codes_table(UNIT, ["ann", "=bob"], SECRET))))
    assert rows[0] == ["student", "code"] and rows[1] == ["ann", CODE] and rows[2][0] == "'=bob"
    other = list(csv.reader(io.StringIO(codes_table(UNIT, ["ann"], bytes(32)))))
    assert other[1][1] != CODE
    nothing = Marks.nothing(UNIT, CODE, "none, at all")
    (head, row) = csv.reader(io.StringIO(marks_table(UNIT, {"ann": nothing})))
    assert dict(zip(head, row, strict=True)) | {"total": "0", "of": "5", "remarks": "none, at all"} == dict(
        zip(head, row, strict=True)
    )
