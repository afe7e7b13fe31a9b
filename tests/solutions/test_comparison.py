"""The reference of the unit ``comparison`` against other ways to compute the same, and its properties."""

from __future__ import annotations

import copy
import math
import statistics
from typing import Any

import numpy as np
import pytest

from solutions.comparison import (
    labels_to_reach,
    mean_and_spread,
    reported_error,
    summarize,
    training_cost,
)

SEEDS = range(20)


@pytest.mark.parametrize("seed", SEEDS)
def test_mean_and_spread_are_those_of_the_statistics_module(seed: int) -> None:
    values = np.random.default_rng(seed).uniform(0, 1, 2 + seed).tolist()
    mean, spread = mean_and_spread(values)
    assert mean == pytest.approx(statistics.fmean(values))
    assert spread == pytest.approx(statistics.stdev(values))
    assert type(mean) is float and type(spread) is float


def test_one_value_has_no_spread() -> None:
    mean, spread = mean_and_spread([0.25])
    assert mean == 0.25 and math.isnan(spread)


def test_the_spread_moves_with_the_scale_and_not_with_the_place() -> None:
    values = [0.1, 0.5, 0.3, 0.9]
    _, spread = mean_and_spread(values)
    assert mean_and_spread([7 + value for value in values])[1] == pytest.approx(spread)
    assert mean_and_spread([-3 * value for value in values])[1] == pytest.approx(3 * spread)


def rows_of(seed: int, n: int) -> list[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    return [
        {
            "method": str(rng.choice(["a", "b", "c"])),
            "labels": int(rng.choice([40, 400])),
            "test_error": float(rng.uniform(0, 1)),
        }
        for _ in range(n)
    ]


@pytest.mark.parametrize("seed", SEEDS)
def test_every_run_counts_once_and_the_rows_stay_as_they_are(seed: int) -> None:
    rows = rows_of(seed, 15)
    before = copy.deepcopy(rows)
    found = summarize(rows, lambda values: (sum(values), len(values)))
    assert rows == before
    assert sum(s["runs"] for s in found) == len(rows)
    assert sum(s["mean"] for s in found) == pytest.approx(sum(1 - row["test_error"] for row in rows))
    assert all(s["spread"] == s["runs"] for s in found)
    pairs = [(s["method"], s["labels"]) for s in found]
    assert pairs == list(dict.fromkeys((row["method"], row["labels"]) for row in rows))


def test_no_rows_have_no_summary() -> None:
    assert summarize([], mean_and_spread) == []


def test_the_cost_of_the_papers_steps() -> None:
    """B = 64 and μ = 7 in FixMatch, B = 64 and K = 2 in MixMatch."""
    step = {"steps": 1, "trained_images": 64, "forward_images": 0}
    assert training_cost(step) == 192
    assert training_cost(step | {"trained_images": 64 + 2 * 7 * 64}) == 15 * 192
    assert training_cost(step | {"trained_images": 64 + 2 * 64, "forward_images": 2 * 64}) == 704
    assert training_cost(step | {"steps": 2**20}) == 2**20 * 192


@pytest.mark.parametrize("key", ["steps", "trained_images", "forward_images"])
def test_an_unknown_number_makes_the_cost_unknown(key: str) -> None:
    row: dict[str, Any] = {"steps": 10, "trained_images": 4, "forward_images": 0}
    assert training_cost(row) == 120
    assert training_cost(row | {key: None}) is None


def test_what_else_is_unknown_of_a_run_leaves_its_cost() -> None:
    row = {"steps": 10, "trained_images": 4, "forward_images": 0}
    assert training_cost(row | {"seconds": None, "test_error_raw": None}) == 120


@pytest.mark.parametrize("seed", SEEDS)
def test_the_line_is_at_the_target_there_and_below_it_before(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = np.sort(rng.choice(np.arange(10, 5000), 6, replace=False)).tolist()
    accuracies = rng.uniform(0.2, 0.9, 6).tolist()
    target = float(rng.uniform(0.2, 0.95))
    found = labels_to_reach(labels, accuracies, target)
    at = np.geomspace(labels[0], labels[-1], 20_001)
    height = np.interp(np.log(at), np.log(labels), accuracies)
    there = np.flatnonzero(height >= target)
    if found is None:
        assert max(accuracies) < target and len(there) == 0
    else:
        assert labels[0] <= found <= labels[-1]
        assert (height[at < found * (1 - 1e-9)] < target).all()
        assert np.interp(np.log(found), np.log(labels), accuracies) >= target - 1e-9


def test_nothing_is_claimed_outside_of_what_was_measured() -> None:
    assert labels_to_reach([100, 1000], [0.5, 0.7], 0.1) == 100
    assert labels_to_reach([100, 1000], [0.5, 0.7], 0.71) is None
    assert labels_to_reach([100, 1000], [0.5, 0.7], 0.7) == pytest.approx(1000)
    assert labels_to_reach([100], [0.5], 0.5) == 100


@pytest.mark.parametrize("seed", SEEDS)
def test_the_reported_error_depends_on_no_order_and_on_no_early_evaluation(seed: int) -> None:
    rng = np.random.default_rng(seed)
    curve = [{"step": 10 * k, "val_error": float(rng.uniform(0.2, 0.6))} for k in range(1, 12)]
    reported = reported_error(curve, 4)
    assert reported == pytest.approx(statistics.median(c["val_error"] for c in curve[-4:]))
    assert reported_error([curve[i] for i in rng.permutation(11)], 4) == reported
    lucky = [{"step": 5, "val_error": 0.0}, *curve]
    assert reported_error(lucky, 4) == reported
    assert reported_error(curve, 14) == reported_error(curve, 100)
    assert reported_error(curve, 100) == pytest.approx(statistics.median(c["val_error"] for c in curve))


def test_a_minimum_of_noise_falls_with_the_number_of_looks_and_the_reported_error_does_not() -> None:
    rng = np.random.default_rng(0)

    def curve(n: int) -> list[dict[str, float]]:
        return [{"step": k, "val_error": w / 1000} for k, w in enumerate(rng.binomial(1000, 0.3, n))]

    best = {n: np.mean([min(c["val_error"] for c in curve(n)) for _ in range(300)]) for n in (5, 50)}
    fair = {n: np.mean([reported_error(curve(n), 20) for _ in range(300)]) for n in (5, 50)}
    assert best[50] < best[5] - 0.01 < 0.3 - 0.02
    assert all(abs(value - 0.3) < 0.002 for value in fair.values())
