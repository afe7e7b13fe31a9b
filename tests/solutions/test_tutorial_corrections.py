"""Each correction of the tutorial's code: a property that ours has and the tutorial's way has not.

The wrong ways are written again here, as small as the fault.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import typer
from PIL import Image
from torch import nn
from torch.nn import functional as F

from course.augment import image_to_numpy
from course.augment.views import cutout_func, flip_and_crop
from course.models import NORMALIZATIONS
from course.models.torch_models import make_model
from course.training import paired_batches, read_metrics
from course.training.torch.hparams import (
    FlexMatchHparams,
    MixMatchHparams,
    TorchFixMatchHparams,
    TorchSupervisedHparams,
)
from course.training.torch.methods import TORCH_METHODS, flexmatch_state
from course.training.torch.parts import ShrinkingAdam, evaluate
from solutions.ema import ema_update
from solutions.experiments.cli import train_app
from solutions.fixmatch_torch import fixmatch_loss
from solutions.flexmatch import (
    flexible_mask,
    flexible_thresholds,
    flexmatch_loss,
    learning_status,
    remember_labels,
)
from solutions.mixmatch import linear_rampup, mixmatch_loss, mixup
from tests.support import tiny_run, tiny_torch

# --- data and augmentation ----------------------------------------------------------------------


def test_the_green_channels_deviation() -> None:
    """.2345 instead of .2435: a slip of two digits. Recomputed on a channel of that spread, ours gives 1."""
    mean, std = NORMALIZATIONS["cifar10"]
    channel = np.random.default_rng(0).normal(mean[1], 0.2435, 200_000)
    assert np.std((channel - mean[1]) / std[1]) == pytest.approx(1, abs=0.01)
    assert np.std((channel - mean[1]) / 0.2345) != pytest.approx(1, abs=0.01)


def offsets_reached(crop: Callable[[np.random.Generator], int]) -> set[int]:
    rng = np.random.default_rng(0)
    return {crop(rng) for _ in range(600)}


def test_the_crop_reaches_the_last_offset() -> None:
    picture = np.zeros((32, 32, 3), np.uint8)
    picture[:, 16] = 255  # one bright column, 16 ± 4 after the shift, mirrored or not

    def ours(rng: np.random.Generator) -> int:
        return int(np.asarray(flip_and_crop(Image.fromarray(picture), rng))[5, :, 0].argmax())

    def tutorials(rng: np.random.Generator) -> int:
        return 16 + 4 - int(rng.integers(0, 40 - 32))

    # The mirrored column 15 reaches one further than column 16.
    assert offsets_reached(ours) == set(range(11, 21))
    assert offsets_reached(tutorials) != set(range(12, 21))


def test_cutout_is_sixteen_wide_and_clipped_at_every_border() -> None:
    def ours(rng: np.random.Generator) -> np.ndarray:
        return cutout_func(np.zeros((32, 32, 3), np.float32), rng) > 0

    def tutorials(rng: np.random.Generator) -> np.ndarray:
        gray = np.zeros((32, 32, 3), bool)
        top, left = (int(max(0, center - 8)) for center in rng.uniform(0, 32, 2))
        # PIL's rectangle includes both corners, and is moved into the picture at the low edges.
        gray[top : min(32, top + 16) + 1, left : min(32, left + 16) + 1] = True
        return gray

    def sides(draw: Callable[[np.random.Generator], np.ndarray]) -> set[int]:
        rng = np.random.default_rng(0)
        return {int(draw(rng)[:, :, 0].any(0).sum()) for _ in range(300)}

    assert max(sides(ours)) == 16 and min(sides(ours)) == 8
    assert max(sides(tutorials)) == 17
    # A rectangle that is moved rather than clipped never shows fewer columns at the left border.
    rng = np.random.default_rng(0)
    left_widths = {
        int(patch[:, :, 0].any(0).sum()) for patch in (ours(rng) for _ in range(300)) if patch[:, 0].any()
    }
    assert left_widths == set(range(8, 17))


# --- settings -----------------------------------------------------------------------------------


def test_methods_are_compared_at_one_rate_and_length() -> None:
    """.002 for FixMatch beside .03 for FlexMatch compares rates, not methods."""
    rates = {kind().lr for kind in (TorchSupervisedHparams, TorchFixMatchHparams, FlexMatchHparams)}
    assert rates == {0.03}
    fitted = [kind().fitted(1).steps for kind in (TorchSupervisedHparams, MixMatchHparams, FlexMatchHparams)]
    assert len(set(fitted)) == 1


def test_mu_decides_how_many_unlabeled_images_a_step_has() -> None:
    hparams = tiny_torch.hparams("fixmatch", "unused", mu=5)
    labeled, unlabeled, _ = tiny_run.parts()
    (batch,) = paired_batches(hparams, labeled, unlabeled)(0, 1)
    assert len(batch["x_unlabeled_weak"]) == 5 * len(batch["x_labeled"]) == 20


# --- MixMatch -----------------------------------------------------------------------------------


def one_lambda(x_a: Any, x_b: Any, targets_a: Any, targets_b: Any, lam: Any) -> Any:
    share = float(torch.maximum(lam, 1 - lam)[0])
    return share * x_a + (1 - share) * x_b, share * targets_a + (1 - share) * targets_b


@pytest.mark.parametrize(("mix", "right"), [(mixup, True), (one_lambda, False)])
def test_each_sample_has_a_lambda_of_its_own(mix: Any, right: bool) -> None:
    lam = torch.tensor([0.9, 0.2, 0.5])
    x, targets = mix(torch.ones(3, 3, 2, 2), torch.zeros(3, 3, 2, 2), torch.eye(3), torch.zeros(3, 3), lam)
    mixed = np.allclose(x[:, 0, 0, 0], [0.9, 0.8, 0.5]) and np.allclose(targets.diag(), [0.9, 0.8, 0.5])
    assert mixed == right


def over_the_whole_run(step: int, length: int) -> float:
    return min(step / (20 * 1024), 1.0)


@pytest.mark.parametrize(("ramp", "right"), [(linear_rampup, True), (over_the_whole_run, False)])
def test_the_ramp_has_a_length_of_its_own(ramp: Any, right: bool) -> None:
    length = MixMatchHparams().rampup_length
    assert length == 16_384
    assert (ramp(length, length) == 1 and ramp(length // 2, length) == 0.5) == right


class Small(nn.Module):
    """One of everything that an average or a decay could touch."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.conv, self.bn, self.last = nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Linear(4, 5)
        for tensor in (self.bn.weight, self.bn.bias, self.bn.running_mean):
            nn.init.normal_(tensor)

    def forward(self, x: Any) -> Any:
        return self.last(self.bn(self.conv(x)).relu().mean((2, 3)))


def average_everything(ema_model: Any, model: Any, step: int, decay: float) -> None:
    """The tutorial's: every float entry of the state, no warm-up, and the weights shrink on the way."""
    for average, entry in zip(ema_model.state_dict().values(), model.state_dict().values(), strict=True):
        if average.dtype == torch.float32:
            average.mul_(decay).add_(entry, alpha=1 - decay)
            entry.mul_(1 - 0.02 * 0.002)


def forget_buffers(ema_model: Any, model: Any, step: int, decay: float) -> None:
    keep = min(decay, (1 + step) / (10 + step))
    with torch.no_grad():
        for average, weight in zip(ema_model.parameters(), model.parameters(), strict=True):
            average.mul_(keep).add_(weight, alpha=1 - keep)


@pytest.mark.parametrize(
    ("update", "right"), [(ema_update, True), (average_everything, False), (forget_buffers, False)]
)
def test_the_average_is_of_trainable_weights_and_leaves_the_model_alone(update: Any, right: bool) -> None:
    model, average = Small(0), Small(1)
    model(torch.rand(4, 3, 2, 2))  # the buffers, one of them an integer, move on
    before, old = copy.deepcopy(model.state_dict()), copy.deepcopy(average.state_dict())
    with torch.no_grad():
        update(average, model, 5, 0.999)
    trainable = {name for name, _ in model.named_parameters()}
    good = all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    for name, tensor in average.state_dict().items():
        expected = 0.4 * old[name] + 0.6 * before[name] if name in trainable else before[name]
        good &= torch.allclose(tensor.float(), expected.float(), atol=1e-6)
    assert good == right


def test_the_average_warms_up() -> None:
    """At 0.999 from the start, the first weights are still 90 % of the average after 100 steps."""
    start, end = Small(0), Small(1)
    for update, right in ((ema_update, True), (average_everything, False)):
        average = copy.deepcopy(start)
        with torch.no_grad():
            for step in range(100):
                update(average, copy.deepcopy(end), step, 0.999)
        with torch.no_grad():
            left = (average.last.weight - end.last.weight).norm()
            left = float(left / (start.last.weight - end.last.weight).norm())
        assert (left < 1e-3) == right
    late = copy.deepcopy(start)
    ema_update(late, end, 10**6, 0.999)
    torch.testing.assert_close(late.last.weight, 0.999 * start.last.weight + 0.001 * end.last.weight)


def test_a_run_starts_from_the_model_and_not_from_its_average() -> None:
    """The tutorial copies the (new, random) average over the model: a loaded start would be lost."""
    from course.training.torch.loop import TorchState

    model = Small(0)
    before = copy.deepcopy(model.state_dict())
    TorchState(model, torch.optim.SGD(model.parameters(), lr=1.0), {}, True)
    assert all(torch.equal(model.state_dict()[name], tensor) for name, tensor in before.items())


class ShrinkEverything(ShrinkingAdam):
    """The tutorial's decay: all float entries, statistics included."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__(model.parameters(), 0.0, 0.0)
        self.entries = [t for t in model.state_dict().values() if t.is_floating_point()]

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:
        for entry in self.entries:
            entry.mul_(1 - 4e-5)


@pytest.mark.parametrize("right", [True, False])
def test_decay_is_of_kernels_alone(right: bool) -> None:
    model = Small(0)
    optimizer = ShrinkingAdam(model.parameters(), 1e-30, 4e25) if right else ShrinkEverything(model)
    model(torch.rand(4, 3, 2, 2)).square().mean().backward()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    optimizer.step()
    changed = {n for n, tensor in model.state_dict().items() if not torch.equal(tensor, before[n])}
    kernels = {"conv.weight", "last.weight"}
    assert kernels <= changed
    assert (changed == kernels) == right
    torch.testing.assert_close(model.last.weight, before["last.weight"] * (1 - 4e-5), rtol=1e-7, atol=0)


def mixmatch_batch() -> dict[str, Any]:
    rng = torch.Generator().manual_seed(0)
    return {
        "x_labeled": torch.rand(4, 3, 2, 2, generator=rng),
        "y_labeled": torch.arange(4),
        "x_unlabeled": torch.rand(2, 4, 3, 2, 2, generator=rng),
        "y_unlabeled": torch.arange(4),
        "lam": torch.rand(12, generator=rng),
        "order": torch.randperm(12, generator=rng),
        "step": 3,
    }


def five_passes(model: Any, state: Any, batch: Any, hparams: Any) -> Any:
    """The tutorial's: two passes to guess, then one for each third of the mixed images."""
    views = batch["x_unlabeled"]
    with torch.no_grad():
        for view in views:
            model(view)
    logits = [model(part) for part in torch.cat([batch["x_labeled"], *views]).split(4)]
    return F.cross_entropy(logits[0], batch["y_labeled"]), state, {}


@pytest.mark.parametrize(("loss", "updates"), [(mixmatch_loss, 1), (five_passes, 5)])
def test_batch_norm_is_updated_once_in_a_step(loss: Any, updates: int) -> None:
    model = Small(0)
    loss(model, {}, mixmatch_batch(), SimpleNamespace(n_classes=5, T=0.5, lambda_u=75.0, rampup_length=100))
    assert int(model.bn.num_batches_tracked) == updates


# --- FixMatch -----------------------------------------------------------------------------------


class Logits(nn.Module):
    """Images are logits."""

    def __init__(self) -> None:
        super().__init__()
        self.kernel = nn.Parameter(torch.zeros(1, 1))

    def forward(self, x: Any) -> Any:
        return x


def confident_batch() -> dict[str, Any]:
    weak = torch.tensor([[4.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.5, 0.0], [0.0, 0.0, 5.0]])
    return {
        "x_labeled": torch.zeros(2, 3),
        "y_labeled": torch.zeros(2, dtype=torch.int64),
        "x_unlabeled_weak": weak,
        "x_unlabeled_strong": torch.zeros(4, 3),
        "y_unlabeled": torch.zeros(4, dtype=torch.int64),
        "index": torch.arange(4),
    }


HPARAMS = SimpleNamespace(weight_decay=0.0, lambda_u=1.0, T=1.0, threshold=0.95, n_classes=3)


def test_the_mask_rate_is_a_rate() -> None:
    """The tutorial logs the mean of the largest probabilities under the mask's name."""
    batch = confident_batch()
    _, _, metrics = fixmatch_loss(Logits(), {}, batch, HPARAMS)
    mean_probability = float(torch.softmax(batch["x_unlabeled_weak"], -1).amax(-1).mean())
    assert float(metrics["mask rate"]) == 0.5 != pytest.approx(mean_probability, abs=0.1)


def drop_last(model: Any, dataset: Any, batch_size: int) -> float:
    whole = len(dataset) // batch_size * batch_size
    return evaluate(model, dataset.subset(np.arange(whole)), batch_size=batch_size)["val top-1"]


def test_validation_counts_the_last_batch_too() -> None:
    model, dataset = make_model("wrn-10-1", 4, seed=3), tiny_run.images(19).with_transform(image_to_numpy)
    by_batch = [evaluate(model, dataset, batch_size=size)["val top-1"] for size in (19, 8, 1)]
    assert by_batch[0] == by_batch[1] == by_batch[2]
    assert drop_last(model, dataset, 8) != by_batch[0]


# --- FlexMatch ----------------------------------------------------------------------------------


def max_prob_of_class(confidence: Any, pseudo_labels: Any, thresholds: Any) -> Any:
    """The tutorial's ``max_prob[idx].ge(c_threshold[idx]) for idx in targets``."""
    return torch.stack([confidence[c] >= thresholds[c] for c in pseudo_labels])


@pytest.mark.parametrize(("mask", "right"), [(flexible_mask, True), (max_prob_of_class, False)])
def test_the_mask_asks_for_each_samples_own_probability(mask: Any, right: bool) -> None:
    confidence, labels = torch.tensor([0.9, 0.2, 0.9, 0.2]), torch.tensor([1, 1, 0, 0])
    got = mask(confidence, labels, torch.tensor([0.5, 0.5])).tolist()
    assert (got == [True, False, True, False]) == right


def test_the_wrong_mask_agrees_with_the_right_one_for_most_samples() -> None:
    """Which is why training goes on as if nothing were wrong."""
    rng = torch.Generator().manual_seed(0)
    confidence = torch.rand(448, generator=rng) ** 0.2
    labels = torch.randint(0, 10, (448,), generator=rng)
    thresholds = torch.rand(10, generator=rng) * 0.6
    same = flexible_mask(confidence, labels, thresholds) == max_prob_of_class(confidence, labels, thresholds)
    assert 0.6 < float(same.float().mean()) < 1


def count_what_passes(latest: Any, index: Any, confidence: Any, pseudo_labels: Any, mask: Any) -> Any:
    """The tutorial's: whatever the flexible mask lets through is counted."""
    updated = latest.clone()
    updated[index[mask]] = pseudo_labels[mask]
    return updated


def test_counting_uses_the_fixed_threshold() -> None:
    """At the start every image passes the flexible thresholds; only the confident ones may count."""
    batch = confident_batch()
    _, state, metrics = flexmatch_loss(Logits(), flexmatch_state(6), batch, HPARAMS)
    assert float(metrics["mask rate"]) == 1
    assert state["latest"].tolist() == [0, -1, -1, 2, -1, -1]
    confidence, labels = torch.softmax(batch["x_unlabeled_weak"], -1).max(-1)
    everything = torch.ones(4, dtype=torch.bool)
    wrong = count_what_passes(torch.full((6,), -1), batch["index"], confidence, labels, everything)
    assert wrong.tolist() != state["latest"].tolist()
    right = remember_labels(torch.full((6,), -1), batch["index"], confidence, labels, 0.95)
    assert right.tolist() == state["latest"].tolist()


def test_thresholds_start_at_zero_and_warm_up_over_all_images() -> None:
    """The tutorial starts at τ and divides by counts that begin at zero in each epoch."""
    counts, n_images = torch.tensor([3, 1, 0]), 1000
    thresholds = flexible_thresholds(counts, n_images, 0.95)
    assert float(thresholds.max()) < 0.01
    below = 5  # images of this epoch so far that were not confident
    beta = counts / max(int(counts.max()), below)
    tutorials = 0.95 * beta / (2 - beta)
    assert float(tutorials.max()) > 0.3
    assert not flexible_thresholds(torch.zeros(3, dtype=torch.int64), n_images, 0.95).any()


def test_what_was_counted_outlives_the_epoch(tmp_path: Any) -> None:
    """40 images, 8 in a step: the thresholds of epoch 2 go on from those of epoch 1."""
    result = tiny_torch.train("flexmatch", tmp_path / "run", {"steps": 12, "threshold": 0.5})
    records = read_metrics(tmp_path / "run" / "metrics.jsonl")
    known = [sum(r[f"threshold/{c}"] for c in range(4)) for r in records]
    assert records[5]["epoch"] == 1 and known[0] == 0
    assert known[5] > 0 and known[10] > 0  # an epoch's first step
    assert int((result.state.method["latest"] >= 0).sum()) > 8


def test_sigma_counts_each_image_once() -> None:
    """The tutorial adds up what steps let through: an image seen twice counts twice."""
    latest = torch.full((4,), -1)
    for _ in range(3):
        latest = remember_labels(latest, torch.tensor([2]), torch.tensor([1.0]), torch.tensor([1]), 0.95)
    assert learning_status(latest, 3).tolist() == [0, 1, 0]
    latest = remember_labels(latest, torch.tensor([2]), torch.tensor([0.99]), torch.tensor([0]), 0.95)
    assert learning_status(latest, 3).tolist() == [1, 0, 0]


# --- the run ------------------------------------------------------------------------------------


def test_steps_of_epochs_do_not_overlap(tmp_path: Any) -> None:
    """The tutorial's step is epoch · batch size + number within the epoch, of 1024 steps."""
    tiny_torch.train("supervised", tmp_path / "run", {"steps": 12})
    records = read_metrics(tmp_path / "run" / "metrics.jsonl")
    assert len({r["step"] for r in records}) == len(records) == 12
    tutorials = [r["epoch"] * 4 + (r["step"] - 1) % 5 for r in records]
    assert len(set(tutorials)) < len(records)


def test_every_method_has_a_folder_of_its_own() -> None:
    commands = typer.main.get_command(train_app).commands  # type: ignore[attr-defined]
    folders = {str(p.default) for c in commands.values() for p in c.params if p.name == "out"}
    assert folders == {f"runs/{name}" for name in TORCH_METHODS}
