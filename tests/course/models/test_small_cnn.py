"""The small network: its size and cost, its weights from a seed, and what has no place in it."""

from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from course.errors import CourseError
from course.models.torch_models import make_model


def test_parameters_and_operations() -> None:
    model = make_model("cnn", 10, seed=0).eval()
    convolutions = [(3, 16, 16), (16, 32, 8), (32, 64, 4)]  # channels in, channels out, side of the output
    weights = sum(9 * a * b + 2 * b for a, b, _ in convolutions) + 1024 * 10 + 10
    assert sum(p.numel() for p in model.parameters()) == weights == 33_946
    with FlopCounterMode(display=False) as counter:
        assert model(torch.zeros(2, 3, 32, 32)).shape == (2, 10)
    multiply_adds = sum(9 * a * b * side**2 for a, b, side in convolutions) + 1024 * 10
    assert counter.get_total_flops() == 2 * 2 * multiply_adds
    assert multiply_adds / 1e6 == pytest.approx(0.7, abs=0.05)


def test_it_is_drawn_from_its_seed_and_normalizes() -> None:
    one, same, other = (make_model("cnn", 4, seed=seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["layers.1.weight"], other["layers.1.weight"])
    model = make_model("cnn", 4, seed=1, bn_momentum=0.25)
    assert {m.momentum for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)} == {0.25}
    # Without the normalization gray would not be near 0, and the first map would not be either.
    gray = model.layers[0](torch.full((1, 3, 32, 32), 0.48))
    assert gray.abs().max() < 0.2


def test_a_name_that_is_none_and_dropout_are_refused() -> None:
    with pytest.raises(CourseError, match="model 'cnn2' is unknown: choose cnn, resnet18, wrn-28-2"):
        make_model("cnn2", 10, seed=0)
    with pytest.raises(CourseError, match="cnn has none"):
        make_model("cnn", 10, seed=0, dropout=0.1)
