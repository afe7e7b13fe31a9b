"""The figures of the unit ``mixmatch`` draw what they are given, and say so."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch

from course.augment import WeakViews
from course.data import make_shapes
from course.units.mixmatch import figures as mixing_plots
from solutions.mixmatch import mixup, sharpen
from tests.support.figures import show_into


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    collected: list[Any] = []
    show_into(monkeypatch, lambda thing, display_id=None: collected.append(thing))
    return collected


def test_labels_are_handed_on_within_a_group_and_kept_where_they_are() -> None:
    rng = np.random.default_rng(0)
    line = np.linspace(0, 10, 60)
    groups = [np.stack([line, np.full(60, height)], axis=1) for height in (0.0, 3.0)]
    points = np.concatenate(groups) + 0.01 * rng.standard_normal((120, 2))
    known = {0: 0, 119: 1}  # at opposite ends, so the nearest label is the wrong one for half of the points
    assert mixing_plots.spread_labels(points, known).tolist() == [0] * 60 + [1] * 60
    assert 0.3 < float((mixing_plots.nearest_label(points, known)[:60] != 0).mean()) < 0.7


def test_the_three_kinds_show_what_unlabeled_points_are_good_for(shown: list[Any]) -> None:
    mixing_plots.three_kinds()
    (figure,) = shown
    assert len(figure.pictures) == 3
    supervised, spread = (int(share) for share in re.findall(r"(\d+)%", figure.alt))
    assert supervised >= 10 > spread


def test_the_pipeline_names_the_classes_of_image_and_partner(shown: list[Any]) -> None:
    dataset = make_shapes(20, 10, seed=1).train
    mixing_plots.pipeline(dataset, 2, 5, WeakViews(2))
    (figure,) = shown
    for position in (2, 5):
        assert dataset.classes[int(dataset.targets[position])] in figure.alt


def test_the_pipelines_made_up_numbers_are_those_of_the_method_and_it_says_that_they_are_made_up(
    shown: list[Any],
) -> None:
    """They are literals, so that students receive no answer with the figure."""
    mean = torch.tensor(mixing_plots.PREDICTIONS).mean(dim=0)
    torch.testing.assert_close(torch.tensor(mixing_plots.MEAN), mean, rtol=0, atol=1e-6)
    guess = sharpen(mean[None], 0.5)
    torch.testing.assert_close(torch.tensor(mixing_plots.GUESS), guess[0], rtol=0, atol=1e-3)
    image, lam = torch.zeros(1, 3, 2, 2), torch.tensor([mixing_plots.PARTNER_SHARE])
    _, mixed = mixup(image, image, guess, torch.tensor([[0.0, 0.0, 1.0]]), lam)
    torch.testing.assert_close(torch.tensor(mixing_plots.MIXED_TARGET), mixed[0], rtol=0, atol=1e-3)
    assert pytest.approx(1) == mixing_plots.SHARE + mixing_plots.PARTNER_SHARE
    mixing_plots.pipeline(make_shapes(20, 10, seed=1).train, 2, 5, WeakViews(2))
    assert "made up, with three classes" in shown[0].alt


def test_temperatures_shows_what_the_function_returns(shown: list[Any]) -> None:
    rows = torch.tensor([[0.7, 0.2, 0.1]])
    mixing_plots.temperatures(lambda p, T: p.roll(1, dims=-1) / T, rows, (1.0, 2.0))
    said = [picture.alt for picture in shown[0].pictures]
    assert "T = 1: the largest of 3 is 0.70" in said[0] and "T = 2: the largest of 3 is 0.35" in said[1]


def test_mixtures_are_those_of_the_function_that_is_given(shown: list[Any]) -> None:
    calls = []

    def mix(x_a: Any, x_b: Any, targets_a: Any, targets_b: Any, lam: Any) -> tuple[Any, Any]:
        calls.append((x_a, x_b, targets_a, targets_b, lam))
        return x_a, 0.25 * targets_a + 0.75 * targets_b

    images, labels = torch.rand(4, 3, 8, 8), torch.tensor([0, 1, 2, 0])
    mixing_plots.mixtures(mix, images, labels, torch.rand(9), ["cat", "dog", "truck"], columns=3)
    ((x_a, x_b, targets_a, targets_b, lam),) = calls
    assert torch.equal(x_b, images[[1, 2, 3, 0]]) and torch.equal(x_a, images)
    assert targets_a.argmax(1).tolist() == [0, 1, 2, 3] and targets_b.argmax(1).tolist() == [1, 2, 3, 0]
    assert len(lam) == 4
    assert "0.25 cat with dog; 0.25 dog with truck; 0.25 truck with cat." in shown[0].alt


def test_two_of_one_class_have_the_share_of_the_sample_all_the_same(shown: list[Any]) -> None:
    images, labels = torch.rand(3, 3, 8, 8), torch.tensor([1, 1, 0])
    mixing_plots.mixtures(mixup, images, labels, torch.tensor([0.2, 0.9, 0.6]), ["cat", "dog"])
    assert "0.80 dog with dog; 0.90 dog with cat; 0.60 cat with dog." in shown[0].alt


def test_weights_says_how_each_ramp_ends(shown: list[Any]) -> None:
    mixing_plots.weights({"short": lambda k: min(k / 50, 1.0), "long": lambda k: k / 400}, 100)
    assert "short: mean 0.7, at the end 1.0; long: mean 0.1, at the end 0.2" in shown[0].alt
