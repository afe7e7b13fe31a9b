"""Weight decay, Adam with shrinking kernels, frozen statistics, evaluation."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from course.augment import image_to_numpy
from course.errors import CourseError
from course.models.torch_models import make_model
from course.training import l2_penalty as jax_l2_penalty
from course.training.torch.parts import (
    ShrinkingAdam,
    evaluate,
    frozen_statistics,
    image_tensor,
    l2_penalty,
    to_tensors,
)
from tests.support import tiny_run


def network(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(16, 2))
    nn.init.normal_(model[1].weight)
    return model


X = torch.rand(8, 3, 4, 4, generator=torch.Generator().manual_seed(1))


def test_weight_decay_is_of_kernels_alone_and_has_the_papers_half() -> None:
    model = network()
    penalty = l2_penalty(model, 5e-4)
    kernels = [model[0].weight, model[3].weight]
    expected = 0.5 * 5e-4 * sum(float(w.detach().double().square().sum()) for w in kernels)
    assert float(penalty.detach()) == pytest.approx(expected, rel=1e-6)
    penalty.backward()
    for kernel in kernels:
        torch.testing.assert_close(kernel.grad, 5e-4 * kernel.detach())
    assert all(p.grad is None for p in (model[0].bias, model[1].weight, model[1].bias, model[3].bias))


def test_half_the_coefficient_in_jax_is_the_same_decay() -> None:
    model = network()
    params = {
        str(n): {"kernel" if p.ndim > 1 else "bias": p.detach().numpy()}
        for n, p in enumerate(model.parameters())
    }
    assert float(jax_l2_penalty(params, 2.5e-4)) == pytest.approx(
        float(l2_penalty(model, 5e-4).detach()), rel=1e-6
    )


def test_kernels_shrink_after_adams_step_and_nothing_else_does() -> None:
    ours, plain = network(), network()
    optimizer = ShrinkingAdam(ours.parameters(), lr=0.002, weight_decay=0.02)
    adam = torch.optim.Adam(plain.parameters(), lr=0.002)
    for rate in (0.002, 0.001):
        plain.load_state_dict(ours.state_dict())
        for model, opt in ((ours, optimizer), (plain, adam)):
            opt.param_groups[0]["lr"] = rate
            opt.zero_grad()
            model(X).square().mean().backward()
            opt.step()
        for (name, p), q in zip(ours.named_parameters(), plain.parameters(), strict=True):
            # 0.02 · 0.002 = 4e-5 in MixMatch; it follows the rate.
            expected = q * (1 - 0.02 * rate) if p.ndim > 1 else q
            torch.testing.assert_close(p, expected, rtol=1e-7, atol=0, msg=name)
        for buffer, other in zip(ours.buffers(), plain.buffers(), strict=True):
            assert torch.equal(buffer, other)


def test_frozen_statistics_normalize_by_the_batch_and_remember_nothing() -> None:
    model = network()
    before, expected = copy.deepcopy(model.state_dict()), copy.deepcopy(model)(X)
    with frozen_statistics(model):
        assert torch.equal(model(X), expected)
        model.eval()
        model.train()
    assert all(torch.equal(model.state_dict()[name], tensor) for name, tensor in before.items())
    with pytest.raises(ZeroDivisionError), frozen_statistics(model):
        raise ZeroDivisionError
    model(X)
    assert int(model[1].num_batches_tracked) == 1
    assert not torch.equal(model[1].running_mean, before["1.running_mean"])


def test_batches_become_tensors_with_channels_first() -> None:
    images = np.random.default_rng(0).random((2, 5, 4, 6, 3), np.float32)
    batch = {"views": images, "x_labeled": images[0], "labels": np.arange(5), "lam": np.ones(3, np.float32)}
    tensors = to_tensors(batch | {"x_places": np.zeros((5, 2), np.float32)})
    assert tensors["views"].shape == (2, 5, 3, 4, 6) and tensors["x_labeled"].shape == (5, 3, 4, 6)
    np.testing.assert_array_equal(tensors["views"], images.transpose(0, 1, 4, 2, 3))
    assert tensors["labels"].dtype == torch.int64 and tensors["lam"].dtype == torch.float32
    assert tensors["x_places"].shape == (5, 2), "axes tell images from the rest, not a name"
    assert tensors["views"][0].is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(image_tensor(images[0]), tensors["x_labeled"])


class ByColor(nn.Module):
    """Logits from mean colors."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.last = nn.Linear(3, classes)
        self.modes: list[bool] = []

    def forward(self, x: Any) -> Any:
        self.modes.append(self.training)
        return self.last(x.mean((2, 3)))


@pytest.mark.parametrize("classes", [4, 7])
def test_evaluation_counts_every_image_whatever_the_batches_are(classes: int) -> None:
    torch.manual_seed(4)
    model, dataset = ByColor(classes), tiny_run.images(23, 5).with_transform(image_to_numpy)
    with torch.no_grad():
        model.last.weight.mul_(20)
    x = torch.as_tensor(dataset.data / 255, dtype=torch.float32).permute(0, 3, 1, 2)
    logits, y = model(x).detach().double().numpy(), dataset.targets
    order = np.argsort(-logits, axis=1)
    log_probs = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    expected = {
        "val loss": -np.mean(log_probs[np.arange(23), y]),
        "val error rate": np.mean(order[:, 0] != y),
        "val top-1": np.mean(order[:, 0] == y),
        "val top-5": np.mean((order[:, :5] == y[:, None]).any(1)),
    }
    assert 0 < expected["val top-1"] < 1 and (expected["val top-5"] == 1) == (classes == 4)
    for batch_size in (23, 8, 1):
        got = evaluate(model, dataset, batch_size=batch_size)
        assert got == {name: pytest.approx(value, rel=1e-5) for name, value in expected.items()}
    assert model.training and not any(model.modes[1:])


def test_evaluation_is_of_a_named_phase_and_needs_images() -> None:
    dataset = tiny_run.images(4).with_transform(image_to_numpy)
    assert {name.split()[0] for name in evaluate(ByColor(4), dataset, phase="test")} == {"test"}
    with pytest.raises(CourseError, match="there are no val images: hold out"):
        evaluate(ByColor(4), dataset.subset(np.arange(0)))


def test_evaluation_leaves_a_network_as_it_was() -> None:
    model = make_model("wrn-10-1", 4, seed=0)
    before = copy.deepcopy(model.state_dict())
    evaluate(model, tiny_run.images(8).with_transform(image_to_numpy))
    assert all(torch.equal(model.state_dict()[name], tensor) for name, tensor in before.items())
