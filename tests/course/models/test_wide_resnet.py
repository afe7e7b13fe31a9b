"""WRN-depth-width: its size and cost counted independently, its blocks, its weights from a seed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from course.errors import CourseError
from course.models import NORMALIZATIONS
from course.models.torch_models import make_model
from course.models.wide_resnet import Block, Normalize, WideResNet


def layers(depth: int, width: int, classes: int) -> list[tuple[int, int, int, int]]:
    """(channels in, channels out, kernel's side, output's side) of every layer, from the paper's table 1."""
    found, channels, side = [(3, 16, 3, 32)], 16, 32
    for group in range(3):
        out = 16 * width * 2**group
        for block in range((depth - 4) // 6):
            if group and not block:
                side //= 2
            found.append((channels, out, 3, side))
            found.append((out, out, 3, side))
            if channels != out:
                found.append((channels, out, 1, side))
            channels = out
    return [*found, (channels, classes, 1, 1)]


def counted(depth: int, width: int, classes: int) -> tuple[int, int]:
    """Parameters and floating-point operations (a multiplication and an addition are two) of one image."""
    shapes = layers(depth, width, classes)
    weights = sum(a * b * k * k for a, b, k, _ in shapes) + classes
    # One BatchNorm before each 3×3 convolution but the first, and one at the end.
    normed = [a for a, _, k, _ in shapes[1:-1] if k == 3] + [shapes[-1][0]]
    flops = sum(2 * a * b * k * k * side * side for a, b, k, side in shapes)
    return weights + 2 * sum(normed), flops


@pytest.mark.parametrize(("depth", "width", "classes"), [(28, 2, 10), (10, 1, 4), (16, 2, 10), (28, 2, 100)])
def test_parameters_and_operations(depth: int, width: int, classes: int) -> None:
    model = make_model(f"wrn-{depth}-{width}", classes, seed=0).eval()
    parameters, flops = counted(depth, width, classes)
    assert sum(p.numel() for p in model.parameters()) == parameters
    with FlopCounterMode(display=False) as counter:
        assert model(torch.zeros(2, 3, 32, 32)).shape == (2, classes)
    assert counter.get_total_flops() == 2 * flops


def test_the_published_figures() -> None:
    parameters, flops = counted(28, 2, 10)
    assert parameters == 1_467_610
    assert flops / 1e9 == pytest.approx(0.429, abs=5e-4)
    # FixMatch: 960 images, forward and twice that backward.
    assert 3 * 960 * flops / 1e12 == pytest.approx(1.234, abs=2e-3)


def test_maps_shrink_twice_and_any_size_is_pooled() -> None:
    model = make_model("wrn-10-1", 4, seed=0).eval()
    sides = []
    for block in model.blocks:
        block.register_forward_hook(lambda module, args, out: sides.append(tuple(out.shape[1:])))
    model(torch.zeros(1, 3, 32, 32))
    assert sides == [(16, 32, 32), (32, 16, 16), (64, 8, 8)]
    assert model(torch.zeros(3, 3, 20, 20)).shape == (3, 4)


def by_definition(block: Block, x: Any, before: bool) -> Any:
    """A pre-activation block in evaluation mode, from PyTorch's functions."""

    def normed(bn: nn.BatchNorm2d, x: Any) -> Any:
        x = (x - bn.running_mean[:, None, None]) / torch.sqrt(bn.running_var[:, None, None] + bn.eps)
        x = x * bn.weight[:, None, None] + bn.bias[:, None, None]
        return torch.where(x > 0, x, 0.1 * x)

    activated = normed(block.bn1, x)
    out = F.conv2d(activated, block.conv1.weight, stride=block.conv1.stride, padding=1)
    out = F.conv2d(normed(block.bn2, out), block.conv2.weight, padding=1)
    start = activated if before else x
    if block.shortcut is not None:
        start = F.conv2d(start, block.shortcut.weight, stride=block.conv1.stride)
    return out + start


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize(("channels", "stride"), [(8, 1), (12, 2), (12, 1)])
def test_a_block_is_the_papers(channels: int, stride: int, before: bool) -> None:
    torch.manual_seed(0)
    block = Block(8, channels, stride, dropout=0.0, activate_before_residual=before, bn_momentum=0.1)
    for bn in (block.bn1, block.bn2):
        bn.running_mean.normal_()
        bn.running_var.uniform_(0.5, 2)
        nn.init.normal_(bn.weight)
    block.eval()
    x = torch.randn(2, 8, 6, 6)
    assert (block.shortcut is None) == (channels == 8)
    torch.testing.assert_close(block(x), by_definition(block, x, before), rtol=1e-4, atol=1e-5)


def test_only_the_first_block_activates_before_its_shortcut() -> None:
    blocks = list(WideResNet(10, 16, 1).blocks)
    assert [block.activate_before_residual for block in blocks] == [True] + [False] * 5
    blocks = list(WideResNet(10, 16, 1, activate_before_residual=False).blocks)
    assert not any(block.activate_before_residual for block in blocks)


def test_every_parameter_is_used() -> None:
    """The tutorial's blocks that change the number of channels skip their first BatchNorm."""
    model = make_model("wrn-16-2", 10, seed=0)
    F.cross_entropy(model(torch.rand(4, 3, 32, 32)), torch.arange(4)).backward()
    unused = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert unused == []


def test_weights_are_drawn_as_the_authors_draw_them() -> None:
    model = make_model("wrn-28-2", 10, seed=0)
    for module in model.modules():
        if isinstance(module, nn.Conv2d) and module.weight.numel() > 20_000:
            expected = math.sqrt(2 / (module.out_channels * module.kernel_size[0] ** 2))
            assert float(module.weight.std()) == pytest.approx(expected, rel=0.03)
        if isinstance(module, nn.BatchNorm2d):
            assert module.momentum == 0.01 and float(module.weight.detach().min()) == 1


@pytest.mark.parametrize("name", ["wrn-10-1", "resnet18"])
def test_the_seed_decides_the_weights_and_the_global_generator_is_left_alone(name: str) -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    first, again, other = (make_model(name, 4, seed=seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.rand(3), expected)
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert any(not torch.equal(first[key], other[key]) for key in first)


@pytest.mark.parametrize("name", NORMALIZATIONS)
def test_images_are_normalized_channel_by_channel(name: str) -> None:
    mean, std = NORMALIZATIONS[name]
    x = np.random.default_rng(0).random((2, 3, 4, 4), np.float32)
    expected = (x - np.reshape(mean, (3, 1, 1))) / np.reshape(std, (3, 1, 1))
    normalize = Normalize(name)
    np.testing.assert_allclose(normalize(torch.as_tensor(x)), expected, rtol=1e-5, atol=1e-6)
    assert normalize.state_dict() == {}


def test_dropout_works_in_training_alone() -> None:
    model = make_model("wrn-10-1", 4, seed=0, dropout=0.5)
    x = torch.rand(4, 3, 32, 32)
    assert not torch.equal(model(x), model(x))
    model.eval()
    assert torch.equal(model(x), model(x))


def test_resnet18_is_torchvisions_with_images_normalized_first() -> None:
    from torchvision.models import resnet18

    model = make_model("resnet18", 10, seed=0, bn_momentum=0.02).eval()
    assert sum(p.numel() for p in model.parameters()) == 11_181_642
    assert {m.momentum for m in model.modules() if isinstance(m, nn.BatchNorm2d)} == {0.02}
    stock = resnet18(num_classes=10).eval()
    stock.load_state_dict({name.removeprefix("net."): t for name, t in model.state_dict().items()})
    x = torch.rand(2, 3, 32, 32)
    torch.testing.assert_close(model(x), stock(Normalize("cifar10")(x)))


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("vgg", {}, "model 'vgg' is unknown"),
        ("wrn-28", {}, "model 'wrn-28' is unknown"),
        ("wrn-11-1", {}, "depth 11 does not exist"),
        ("wrn-4-1", {}, "depth 4 does not exist"),
        ("wrn-28-0", {}, "width 0 does not exist"),
        ("resnet18", {"dropout": 0.1}, "resnet18 has none"),
    ],
)
def test_networks_that_do_not_exist(name: str, options: Any, message: str) -> None:
    with pytest.raises(CourseError, match=message) as caught:
        make_model(name, 10, seed=0, **options)
    assert "\n" not in str(caught.value)


def test_an_unknown_normalization() -> None:
    with pytest.raises(CourseError, match="normalization 'mnist' is unknown"):
        WideResNet(10, 10, 1, normalization="mnist")
