"""The recorded predictions of the unit ``fixmatch``: their file, the score of a rule, the sliders."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from course.catalog import folder_of
from course.errors import CourseError
from course.units.fixmatch import figures as fixmatch_figures
from course.units.fixmatch import recorded, sliders, trust
from course.units.fixmatch.recorded import FILE, load, opened, plain, sealed

FORTY, STEP = load()


def content() -> str:
    return (Path(str(folder_of("fixmatch"))) / FILE).read_text(encoding="utf-8")


def test_the_file_holds_predictions_of_a_step() -> None:
    assert FORTY.probabilities.shape == (40, 10) and FORTY.right.shape == (40,)
    np.testing.assert_allclose(FORTY.probabilities.sum(axis=1), 1, atol=1e-3)
    assert len(STEP.confidence) == len(STEP.right) == len(STEP.cross_entropy) == 7 * STEP.labeled
    assert STEP.confidence.min() >= 0.1 and STEP.confidence.max() <= 1 and STEP.cross_entropy.min() >= 0
    # Something to decide: neither rule is perfect.
    assert 0.5 < FORTY.right.mean() < 0.95 and 0.5 < STEP.right.mean() < 0.95


def test_the_truth_does_not_stand_in_the_file() -> None:
    kept = json.loads(content())
    for part, flags in (("forty", FORTY.right), ("step", STEP.right)):
        text = kept[part]["right"]
        assert isinstance(text, str) and len(set(re.findall("..", text))) > 10
        assert np.array_equal(opened(text), flags) and sealed(flags) == text
    assert "targets" not in content() and "true" not in content()


def test_the_file_is_what_is_written() -> None:
    assert plain(FORTY, STEP, json.loads(content())["about"]) == content().encode()


def test_a_damaged_file_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(recorded, "folder_of", lambda unit: tmp_path)
    (tmp_path / FILE).write_text('{"forty": {}}')
    with pytest.raises(CourseError, match="reinstall the course's package"):
        load()


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    shown: list[str] = []
    monkeypatch.setattr(fixmatch_figures, "show", lambda figure, alt: shown.append(alt))
    return shown


def test_a_rule_is_scored_beside_the_thresholds(figures: list[str], capsys: Any) -> None:
    trust.score(lambda probabilities: probabilities.max(axis=1) >= 0.9)
    kept = FORTY.probabilities.max(axis=1) >= 0.9
    right = int(FORTY.right[kept].sum())
    assert f"keeps {kept.sum()} of 40 predictions, and {right} of these are right" in capsys.readouterr().out
    assert f"τ = 0.9: {kept.sum()} kept, {right / kept.sum():.0%} right" in figures[0]
    assert f"your rule: {kept.sum()} kept" in figures[0]
    assert fixmatch_figures.by_threshold(FORTY, 0.9) == (kept.sum(), right)
    trust.score([3, 5])
    assert f"keeps 2 of 40 predictions, and {FORTY.right[[3, 5]].sum()} of" in capsys.readouterr().out
    trust.score([])
    assert "keeps 0 of 40" in capsys.readouterr().out and "your rule" not in figures[2]


@pytest.mark.parametrize(
    ("rule", "answer"),
    [
        (lambda p: ..., "There is no rule yet"),
        (None, "There is no rule yet"),
        (lambda p: p, r"A rule returns 40 values, True or False; this one returns float64 (40, 10)."),
        (lambda p: p.max(axis=1), "returns float64 (40,)"),
        ([0, 40], "The images have the numbers 0 to 39."),
    ],
)
def test_what_is_no_rule_gets_a_sentence(rule: Any, answer: str, figures: list[str], capsys: Any) -> None:
    trust.score(rule)
    assert answer in capsys.readouterr().out and not figures


def test_a_rule_cannot_change_what_is_recorded(figures: list[str]) -> None:
    def rule(probabilities: np.ndarray) -> np.ndarray:
        probabilities[:] = 0
        return np.ones(40, bool)

    trust.score(rule)
    assert f"τ = 0.99: {fixmatch_figures.by_threshold(FORTY, 0.99)[0]} kept" in figures[0]
    assert np.array_equal(load()[0].probabilities, FORTY.probabilities)


def test_the_table_names_both_classes_of_each_image(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Any] = []
    monkeypatch.setattr(trust, "display", shown.append)
    trust.show_predictions()
    text = repr(shown[0])
    assert len(text.splitlines()) == 21
    best, second = np.argsort(-FORTY.probabilities[7])[:2]
    values = FORTY.probabilities[7][[best, second]]
    words = [f"{FORTY.classes[k]} {v:.3f}" for k, v in zip((best, second), values, strict=True)]
    assert ", ".join(words) in text


# --- the sliders --------------------------------------------------------------------------------


def test_the_losses_are_the_methods() -> None:
    passes, right, unlabeled, total = sliders.losses(STEP, 0.95, 7, 2.0)
    mask = STEP.confidence >= 0.95
    assert (passes, right) == (mask.sum(), (mask & STEP.right).sum())
    assert unlabeled == pytest.approx(STEP.cross_entropy[mask].sum() / len(mask))
    assert total == pytest.approx(STEP.supervised + 2 * unlabeled + STEP.weight_decay)
    assert sliders.losses(STEP, 0.0, 3, 1.0)[0] == 3 * STEP.labeled
    assert sliders.losses(STEP, 0.95, 7, 0.0)[3] == pytest.approx(STEP.supervised + STEP.weight_decay)


def test_without_its_script_the_page_is_a_table() -> None:
    page = sliders.Page(STEP)._repr_html_()
    static, _, script = page.partition("<script>")
    assert "<input" not in static and static.count("<tr>") == 1 + len(sliders.SETTINGS)
    for setting in sliders.SETTINGS:
        assert f"{sliders.losses(STEP, *setting)[3]:.3f}" in static
    assert "http" not in page and script.endswith("</script>")
    data = json.loads(script.split("const data = ")[1].split(";\n")[0])
    np.testing.assert_array_equal(data["confidence"], STEP.confidence)
    np.testing.assert_array_equal(np.array(data["right"], bool), STEP.right)
    assert [slider[0] for slider in data["sliders"]] == ["τ", "μ", "λ_u"]
