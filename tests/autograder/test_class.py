"""The unit itself: ten hand-ins of kinds that every class has, through the stock command."""

from pathlib import Path

from autograder.classroom import Classroom
from autograder.files import REPOSITORY
from autograder.sample_class import SampleClass

UNIT = "fixmatch"
# One function of the class never returns. The other cells take far less, also on a busy machine.
LIMIT = "--RunCells.timeout=30"
EXERCISES = (
    "logits_to_log_probs",
    "log_softmax_cross_entropy",
    "cosine_decay_schedule",
    "get_forward_fn",
    "get_fixmatch_loss_fn",
    "get_validate_fn",
    "mean_over_images",
)
FULL = (2, 2, 2, 4, 7, 3, 2)
# student → points of the seven checks in order, and of the four questions (None: a person grades).
GRADEBOOK = {
    "perfect": (FULL, None),
    "untouched": ((0, 0, 0, 0, 0, 0, 0), 0),
    "half": ((2, 2, 2, 0, 0, 0, 0), None),
    "wrong": ((2, 2, 2, 4, 0, 3, 2), None),
    "warning": (FULL, None),
    "duplicated": (FULL, None),
    "deleted_check": ((2, 2, 2, 4, 7, 3, 0), None),
    "weakened_check": ((2, 2, 2, 4, 7, 3, 0), None),
    "stripped": (FULL, None),
    "endless": ((2, 2, 0, 4, 7, 3, 2), None),
}


def test_the_class_gets_exactly_this_gradebook(tmp_path: Path) -> None:
    sample = SampleClass(REPOSITORY, UNIT)
    classroom = Classroom(tmp_path, UNIT, (LIMIT,))
    classroom.copy_sources()
    classroom.release()
    hand_ins = sample.ordinary()
    for hand_in in hand_ins:
        classroom.hand_in(hand_in.student, sample.unit.notebook, hand_in.content)
    log = classroom.autograde()

    expected = {
        student: dict(zip((f"check-{name}" for name in EXERCISES), checks, strict=True))
        | {f"question-Q{number}": questions for number in range(1, 5)}
        for student, (checks, questions) in GRADEBOOK.items()
    }
    assert classroom.points() == expected
    most = classroom.max_points()
    assert tuple(most[f"check-{name}"] for name in EXERCISES) == FULL
    assert sum(most.values()) == sample.unit.points

    assert "stripped, fixmatch/01_fixmatch: All nbgrader metadata was gone" in log
    assert "endless, cell check-cosine_decay_schedule: stopped after" in log
    for calm in ("perfect", "untouched", "half", "wrong", "warning"):
        assert f"{calm}, fixmatch/01_fixmatch:" not in log

    pages = {page.parts[-3]: page.read_text(encoding="utf-8") for page in classroom.feedback()}
    assert pages.keys() == expected.keys()
    assert "01_fixmatch (Score: 22.0 / 32.0)" in pages["perfect"]
    # The reports of the checks are part of the page, and an untouched stub has no traceback.
    assert pages["perfect"].count("correct") >= len(EXERCISES)
    assert pages["untouched"].count("not attempted") >= len(EXERCISES)
    assert "Traceback (most recent call last)" not in pages["untouched"]
