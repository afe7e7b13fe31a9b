"""The pipelines that are compared: what they do, how they are asked, and the floor below them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from matplotlib.axes import Axes

from benchmarks.throughput import Pace
from benchmarks.train import compare, floor, growth, practical
from benchmarks.train.ours import OursInJax, OursInTorch
from benchmarks.train.pipeline import WARM_UP, Clock
from benchmarks.train.plain_torch import PlainTorch
from benchmarks.train.setting import Setting, make_images
from benchmarks.train.worker import PIPELINES, Worker, answer
from course.errors import CourseError
from course.models.torch_models import make_model
from course.training import FixMatchHparams
from solutions.fixmatch import get_fixmatch_loss_fn, get_forward_fn
from tests.support.tiny_run import TinyModel, tiny_resnet18

TINY = Setting(labeled=4, mu=2, images=40, labels=20, width=8, network="cnn", workers=0)


def test_the_sizes_are_the_practical_s() -> None:
    assert (Setting().images_a_step, Setting().unlabeled, Setting().images) == (960, 448, 50_000)


def test_the_practical_s_batches_are_its_own() -> None:
    """Unlabeled images in their order with a ragged end, labeled ones drawn with replacement."""
    torch.manual_seed(0)
    labeled, unlabeled = make_images(Setting(labeled=4, mu=3, images=40, labels=10))
    views = (
        labeled.with_transform(practical.LabeledView()),
        unlabeled.with_transform(practical.UnlabeledViews()),
    )
    epoch = list(practical.training_generator(Setting(labeled=4, mu=3), *views))
    assert np.concatenate([y_u for _, (_, y_u) in epoch]).tolist() == unlabeled.targets.tolist()
    assert [len(y_u) for _, (_, y_u) in epoch] == [12, 12, 12, 4]
    assert [len(y_l) for (_, y_l), _ in epoch] == [4, 4, 4, 2]
    drawn = np.concatenate([y_l for (_, y_l), _ in epoch])[:10]  # each of the ten images has its own class
    assert len(set(drawn.tolist())) < 10
    (x_l, _), ((x_w, x_s), _) = epoch[0]
    assert x_l.shape == (4, 32, 32, 3) and x_w.shape == x_s.shape == (12, 32, 32, 3)
    assert {array.dtype.name for array in (x_l, x_w, x_s)} == {"float32"}


def test_the_practical_s_step_has_fixmatch_s_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(practical, "THRESHOLD", 0.16)
    model = TinyModel(10)
    rng = np.random.default_rng(0)
    shapes = (4, 6, 6)
    images = [rng.random((n, 32, 32, 3), np.float32) for n in shapes]
    y_l, y_u = rng.integers(0, 10, 4), rng.integers(0, 10, 6)
    variables = model.init(jax.random.PRNGKey(0), jnp.zeros((1, 32, 32, 3)))
    params, batch_stats = variables["params"], variables["batch_stats"]
    step = practical.get_train_step(model, lambda state: state, lambda step, gradients, state: gradients)
    total, stats, gradients, metrics = step(0, params, batch_stats, *images, y_l, y_u)
    hparams = FixMatchHparams(confidence_threshold=0.16, w_decay=practical.WEIGHT_DECAY)
    loss = get_fixmatch_loss_fn(get_forward_fn(model), hparams)
    reference = jax.value_and_grad(loss, has_aux=True)
    (expected, (new_stats, numbers)), expected_gradients = reference(params, batch_stats, *images, y_l, y_u)
    assert 0 < float(metrics["mask rate"]) < 1
    # The tiny model's only bias is 0, so that decay of the kernels is decay of everything.
    for got, wanted in (
        (total, expected),
        (metrics, numbers),
        (stats, new_stats),
        (gradients, expected_gradients),
    ):
        for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(wanted), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.fixture
def tiny_networks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    stock = SimpleNamespace(ResNet18=lambda n_classes, hidden_sizes: TinyModel(n_classes))
    monkeypatch.setattr(practical, "jax_resnet", stock)
    monkeypatch.setattr(
        "torchvision.models.resnet18", lambda num_classes: make_model("cnn", num_classes, seed=0)
    )
    with tiny_resnet18():
        yield
    jax.config.update("jax_debug_nans", False)


@pytest.mark.parametrize("kind", [practical.Practical, OursInJax, OursInTorch, PlainTorch])
def test_a_pipeline_is_timed_with_and_without_its_data(kind: Any, tiny_networks: None) -> None:
    pipeline = kind(TINY)
    for prepared in (False, True):
        timed = pipeline.run(2, prepared)
        assert timed.first > 0 and timed.step > 0
    assert pipeline.memory() > 100_000_000
    assert pipeline.device_memory() is None


@pytest.mark.parametrize("kind", [practical.Practical, OursInJax, OursInTorch, PlainTorch])
def test_prepared_mini_batches_are_made_once(
    kind: Any, tiny_networks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a step is given is looked at where the pipeline hands it on."""
    pipeline, seen = kind(TINY), []
    if kind in (OursInJax, OursInTorch):
        monkeypatch.setattr(Clock, "on_step", keeping(seen))
    else:
        step = pipeline._step
        monkeypatch.setattr(pipeline, "_step", lambda *batch: (seen.append(batch[-2]), step(*batch)))
    pipeline.run(2, True)
    assert all(batch is seen[0] for batch in seen[1:])
    first = len(seen)
    assert first >= 3
    pipeline.run(2, False)
    assert not any(batch is seen[0] for batch in seen[first:])


def keeping(seen: list[Any]) -> Any:
    """`Clock.on_step` that keeps the mini-batches' images."""
    stock = Clock.on_step

    def on_step(self: Clock, record: Any = None, batch: Any = None) -> None:
        seen.append(batch["x_labeled"])
        stock(self, record, batch)

    return on_step


def test_a_clock_leaves_out_the_first_steps() -> None:
    clock = Clock()
    clock.began, clock.times = 10.0, [15.0, 16.0, 16.5, 17.0, 99.0]
    assert clock.timed(2) == clock.timed(2, WARM_UP)
    assert (clock.timed(2).first, clock.timed(2).step) == (5.0, 0.5)
    assert clock.timed(2, 1).step == 0.75


class Asked:
    """In the place of a worker: it answers from a list, and keeps who was asked for what."""

    order: list[tuple[str, int, bool]]
    failing: str | None = None

    def __init__(self, name: str, setting: Setting, environment: dict[str, str]) -> None:
        self.name = name
        # The first run, two rounds, and one with a mini-batch that lies ready.
        self.seconds = iter((4.0, 4.0, 6.0, 3.0) if name == compare.PRACTICAL else (0.5,) * 4)

    def run(self, steps: int, prepared: bool = False) -> dict[str, Any]:
        Asked.order.append((self.name, steps, prepared))
        if self.name == Asked.failing:
            raise CourseError("memory ran out")
        return {"first": 20.0, "step": next(self.seconds), "memory": 10**9, "device_memory": None}

    def close(self) -> None:
        pass


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> type[Asked]:
    Asked.order, Asked.failing = [], None
    monkeypatch.setattr(compare, "Worker", Asked)
    monkeypatch.setattr(compare, "_floors", lambda names, setting: dict.fromkeys(names, 0.1))
    return Asked


def test_pipelines_are_timed_in_turn(asked: type[Asked]) -> None:
    compared = compare.compare(Setting(), rounds=2, seconds=4.0)
    names = list(PIPELINES)
    assert [name for name, _, _ in asked.order] == names * 4
    assert [prepared for _, _, prepared in asked.order] == [False] * 12 + [True] * 4
    assert [steps for name, steps, _ in asked.order if name == compare.OURS_JAX] == [2, 8, 8, 8]
    slow, jax_ours, torch_ours, plain = compared.paces
    assert slow.step == 5.0 and slow.data_share == pytest.approx(0.4) and slow.start == 14.0
    assert compared.ratio(jax_ours, compare.PRACTICAL) == 10.0 and compared.met(jax_ours) is True
    assert plain.of_floor == pytest.approx(0.2)
    assert list(compared.against) == [compare.PRACTICAL, compare.PLAIN]
    assert torch_ours.memory == 10**9


def test_a_pipeline_that_fails_is_named_and_the_others_go_on(asked: type[Asked]) -> None:
    asked.failing = compare.PLAIN
    compared = compare.compare(Setting(), rounds=1)
    assert compared.left_out == {compare.PLAIN: "memory ran out"}
    assert [pace.name for pace in compared.paces] == [compare.PRACTICAL, compare.OURS_JAX, compare.OURS_TORCH]
    assert [name for name, _, _ in asked.order].count(compare.PLAIN) == 1
    with pytest.raises(CourseError, match="plain PyTorch: memory ran out"):
        compare.compare(Setting(), (compare.PLAIN,), rounds=1)


@pytest.mark.parametrize("bfloat16", [True, False])
def test_the_goals_are_those_of_the_machine(bfloat16: bool) -> None:
    assert compare.goals(compare.OURS_JAX, bfloat16) == {compare.PRACTICAL: 6.0}
    expected = {compare.PRACTICAL: 9.0, compare.PLAIN: 1.5} if bfloat16 else {}
    assert compare.goals(compare.OURS_TORCH, bfloat16) == expected


def test_lack_of_memory_names_what_to_lower() -> None:
    class Large:
        def run(self, steps: int, prepared: bool) -> Any:
            raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(CourseError, match=r"memory ran out: lower --batch \(64\)"):
        answer(Large(), Setting(), 2, False)  # type: ignore[arg-type]


@pytest.mark.process
def test_a_process_that_cannot_begin_says_why() -> None:
    worker = Worker(compare.OURS_JAX, TINY, {"JAX_PLATFORMS": "bogus"})
    try:
        with pytest.raises(CourseError, match="JAX_PLATFORMS is bogus, which JAX cannot use here"):
            worker.run(2)
    finally:
        worker.close()
    assert worker.process.poll() is not None


def test_the_work_of_a_step_is_counted() -> None:
    """He et al.'s ResNet18 and WRN-28-2 on images of 32×32, forward and backward."""
    assert floor.work("resnet18", 960).operations == pytest.approx(0.2086e12, rel=1e-3)
    wide = floor.work("wrn-28-2", 960)
    assert wide.operations == pytest.approx(1.234e12, rel=1e-3)
    assert wide.weights == pytest.approx(1.467e6, rel=1e-2)
    # Layers read and write at least the maps between them: 25 convolutions' outputs, three times.
    assert 3e9 < wide.moved < 8e9
    assert floor.work("wrn-28-2", 480).moved == pytest.approx(wide.moved / 2, rel=0.01)


def test_the_floor_is_the_longer_of_two_times() -> None:
    amount = floor.Work(operations=10**12, moved=10**9, weights=10**6)
    assert floor.Peaks(1e12, 1e12, 4).floor(amount) == 1.0
    assert floor.Peaks(1e15, 1e9, 2).floor(amount) == pytest.approx(2.028)


def test_the_machine_s_best_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(floor, "_SECONDS", 0.01)
    best = floor.peaks(torch.device("cpu"), torch.float32)
    assert 1e9 < best.operations < 1e14 and 1e8 < best.bytes < 1e13 and best.itemsize == 4


def test_growth_is_drawn_for_every_size(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Setting] = []

    class Fixed(Asked):
        def __init__(self, name: str, setting: Setting, environment: dict[str, str]) -> None:
            super().__init__(name, setting, environment)
            made.append(setting)

    Asked.order, Asked.failing = [], compare.OURS_TORCH
    monkeypatch.setattr(growth, "Worker", Fixed)
    compared = growth.measure(5)
    sizes = 1 + sum(len(values) for values in growth.GROWING.values())
    assert len(compared.paces) == len(compared.left_out) == sizes, "one of the two pipelines failed"
    assert {setting.labels for setting in made} >= set(growth.GROWING["labels"])
    assert [pace.name for pace in compared.paces[:2]] == [
        "ours, JAX, nothing grown",
        "ours, JAX, 4 labeled images in a step",
    ]
    picture = (compared.picture or b"").decode()
    assert picture.startswith("<?xml") and picture.count('id="axes_') == 6


def test_each_line_of_growth_has_what_grows_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[tuple[list[int], list[float]]] = []
    stock = Axes.plot

    def plot(self: Axes, at: Any, values: Any, *rest: Any, **options: Any) -> Any:
        drawn.append((list(at), list(values)))
        return stock(self, at, values, *rest, **options)

    monkeypatch.setattr(Axes, "plot", plot)
    points = [
        growth.Point(compare.OURS_JAX, setting, Pace("", 10, (1 / setting.labels,), memory=10**9))
        for setting in growth.settings(growth.START).values()
    ]
    growth.draw(points, growth.START)
    lines = [line for line in drawn if line[0]]
    assert [at for at, _ in lines[::2]] == [[4, 8, 16], [2_000, 10_000, 50_000], [100, 1_000, 10_000]]
    assert lines[4][1] == pytest.approx([1e3, 1e4, 1e5]), "images a second"
    assert lines[5][1] == [1.0, 1.0, 1.0], "GB"


def test_settings_reach_another_process() -> None:
    assert Setting(**json.loads(json.dumps(TINY.plain()))) == TINY
