"""The benchmarks' own arithmetic; the measurements are made by ``make bench``."""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

import benchmarks.__main__ as command
from benchmarks import augment, class_size, report, torch_step
from benchmarks.measure import Line, Side, in_turn
from benchmarks.throughput import Comparison, Pace


def line(ours: tuple[float, ...], baseline: tuple[float, ...], **goal: float) -> Line:
    return Line("work", Side("ours", ours), Side("baseline", baseline), **goal)


def test_a_line_is_a_ratio_of_medians() -> None:
    one = line((1.0, 2.0, 90.0), (4.0, 4.0, 1.0))
    assert one.ratio == pytest.approx(0.5)
    assert one.excess == pytest.approx(-2.0)
    assert one.goal == "" and one.met is None


@pytest.mark.parametrize(("ours", "met"), [(3.0, True), (3.1, False)])
def test_goals(ours: float, met: bool) -> None:
    by_ratio = line((ours,), (2.0,), largest_ratio=1.5)
    by_excess = line((ours,), (2.0,), largest_excess=1.0)
    by_seconds = line((ours,), (2.0,), largest_seconds=3.0)
    assert by_ratio.met is by_excess.met is by_seconds.met is met
    assert (by_ratio.goal, by_excess.goal, by_seconds.goal) == ("ratio ≤ 1.5", "≤ 1 s more", "≤ 3 s")


def test_alternatives_are_timed_in_turn() -> None:
    order: list[str] = []
    alternatives = {"a": lambda: order.append("a"), "b": lambda: order.append("b")}
    sides = in_turn(alternatives, rounds=3)
    assert order == ["a", "b"] * 4, "one warm-up and three rounds"
    assert [len(side.seconds) for side in sides.values()] == [3, 3]
    order.clear()
    in_turn(alternatives, rounds=1, warm_up=False)
    assert order == ["a", "b"]


def test_a_step_of_every_method_is_timed_beside_pytorch_s_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    """The losses are the same numbers, so that the same work is timed."""
    losses: list[list[float]] = []

    def once(steps: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, Side]:
        losses.append([step() for step in steps.values()])
        return {name: Side(name, (1.0,)) for name in steps}

    monkeypatch.setattr(torch_step, "in_turn", once)
    monkeypatch.setattr(torch_step, "IMAGES", 80)
    changed = {"batch_size": 4, "mu": 2}
    for name, method in torch_step.TORCH_METHODS.items():
        known = {key: value for key, value in changed.items() if key in method.hparams.__dataclass_fields__}
        small = replace(method, hparams=partial(method.hparams, **known))
        monkeypatch.setitem(torch_step.TORCH_METHODS, name, small)
    lines = torch_step.measure(1)
    assert [line.ours.name for line in lines] == ["ours", "ours in float32"] * len(torch_step.TORCH_METHODS)
    assert len(losses) == len(torch_step.TORCH_METHODS)
    for auto, float32, baseline in losses:
        assert float32 == pytest.approx(baseline, rel=1e-4)
        assert auto == pytest.approx(baseline, rel=0.02)


def test_augmentation_is_measured_with_images_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(augment, "IMAGES", 6)
    monkeypatch.setattr(augment, "DATA_SET", 20)
    monkeypatch.setattr(augment, "find_spec", lambda name: None)
    compared = augment.measure(1)
    assert [pace.name for pace in compared.paces] == ["PIL", "jnp", "torch", "v2 for a batch", "v2 for each"]
    assert {pace.images for pace in compared.paces} == {12}, "two views of each"
    assert list(compared.against) == ["PIL", "v2 for a batch", "v2 for each"]
    assert compared.below()[-1] == (
        "kornia was left out: it is not installed, and the course does without it."
    )


def test_kornia_is_measured_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(augment, "IMAGES", 6)
    monkeypatch.setattr(augment, "DATA_SET", 20)
    monkeypatch.setattr(augment, "find_spec", lambda name: name)
    monkeypatch.setattr(augment, "_kornia", lambda images, positions: lambda: images[positions])
    compared = augment.measure(1)
    assert [pace.name for pace in compared.paces][-1] == compared.against[-1] == "kornia"
    assert not compared.left_out


def test_results_are_written_with_machine_and_every_time(tmp_path: Path) -> None:
    lines = [line((0.5, 0.7), (1.0, 1.4), largest_ratio=1.5)]
    paces = [Pace("fast", 10, (0.5,)), Pace("slow", 10, (1.0,))]
    compared = Comparison("Side by side", paces, ["slow"], {"gone": "no reason"}, picture=b"<svg/>")
    report.write(lines, {"growth": compared}, {"hardware": "a processor", "jax": "0"}, 2, tmp_path)
    text = (tmp_path / "results.md").read_text(encoding="utf-8")
    assert "| work | ours: 600.0 ms | baseline: 1.20 s | 0.50 | ratio ≤ 1.5 | yes |" in text
    assert "- hardware: a processor" in text
    stored = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert stored["lines"][0]["ours"]["seconds"] == [0.5, 0.7]
    assert stored["machine"]["jax"] == "0"
    assert "| fast | 20 | 500.0 ms | 2.00 |" in text and "gone was left out: no reason." in text
    assert stored["comparisons"]["growth"]["paces"][0]["ratios"] == {"slow": 2.0}
    assert "![growth.svg](growth.svg)" in text
    assert (tmp_path / "growth.svg").read_bytes() == b"<svg/>"


def test_a_class_is_compared_with_a_smaller_one_by_the_hand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    peaks = class_size.Peaks(together=500_000_000, command=300_000_000, largest=200_000_000)
    graded = {
        10: class_size.Graded(10, seconds=20.0, again=5.0, gradebook=100_000, peaks=peaks),
        100: class_size.Graded(100, seconds=300.0, again=10.0, gradebook=600_000, peaks=peaks),
    }
    monkeypatch.setattr(class_size, "grade", lambda size, unit: graded[size])
    grading, again = class_size.compare([10, 100])
    assert grading.ratio == pytest.approx(1.5) and grading.met is False
    assert again.ratio == pytest.approx(0.2) and again.met is None
    assert grading.ours.name == (
        "100 hand-ins, 500 MB of memory (the command 300, its largest process 200), gradebook 0.6 MB"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["10"], "give two sizes or more"),
        (["100", "10"], "the smallest first"),
        (["0", "10"], "the smallest first"),
        (["10", "20", "--unit", "nothing"], "there is no unit 'nothing': use "),
    ],
)
def test_classes_that_cannot_be_compared_are_named(
    arguments: list[str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(class_size, "compare", lambda sizes, unit: pytest.fail(f"{sizes} {unit}"))
    monkeypatch.setattr(sys, "argv", ["class_size", *arguments])
    with pytest.raises(SystemExit, match="2"):
        class_size.main()
    assert said in capsys.readouterr().err


def test_classes_of_another_unit_can_be_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(class_size, "compare", lambda sizes, unit: asked.append((sizes, unit)) or [])
    for more in ([], ["--unit", "fixmatch"]):
        monkeypatch.setattr(sys, "argv", ["class_size", "10", "100", *more])
        class_size.main()
    assert asked == [([10, 100], "comparison"), ([10, 100], "fixmatch")]


def test_one_measurement_can_be_chosen(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []
    for name in command.MEASUREMENTS:
        monkeypatch.setitem(
            command.MEASUREMENTS,
            name,
            lambda rounds, name=name: asked.append((name, rounds)) or [line((1.0,), (2.0,))],
        )
    command.main(["--only", "import_time", "--rounds", "2"])
    command.main(["augment", "torch_step"])
    assert asked == [("import_time", 2), ("augment", 5), ("torch_step", 5)]
    assert "0.50" in capsys.readouterr().out


def test_a_table_of_its_own_is_printed_and_written_where_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    compared = Comparison("Side by side", [Pace("fast", 10, (0.5,))], picture=b"<svg/>")
    monkeypatch.setitem(command.MEASUREMENTS, "growth", lambda rounds: compared)
    written, drawn = tmp_path / "out.json", tmp_path / "out.svg"
    assert command.main(["growth", "--json", str(written), "--plot", str(drawn)]) == 0
    assert "Side by side" in capsys.readouterr().out
    assert json.loads(written.read_text(encoding="utf-8"))["growth"]["paces"][0]["images a second"] == 20
    assert drawn.read_bytes() == b"<svg/>"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--rounds", "0"],
        ["--only", "speed"],
        ["speed"],
        ["--write", "--only", "import_time"],
        ["augment", "--write"],
        ["augment", "--plot", "growth.svg"],
    ],
)
def test_bad_options_are_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        command.main(arguments)
    assert stopped.value.code == 2
    assert "error" in capsys.readouterr().err
