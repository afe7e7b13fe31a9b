"""A table of images a second: ratios, shares and goals."""

import pytest

from benchmarks.throughput import Comparison, Pace

SLOW = Pace("slow", 100, (4.0, 2.0, 90.0), prepared=3.0)
FAST = Pace("fast", 100, (0.5,), prepared=0.6, floor=0.1, memory=2_500_000_000, goals={"slow": 6.0})


def test_a_pace_is_the_median_of_its_rounds() -> None:
    assert SLOW.step == 4.0 and SLOW.rate == 25.0
    assert SLOW.data_share == pytest.approx(0.25)
    assert FAST.data_share == 0.0, "noise does not make it negative"
    assert FAST.of_floor == pytest.approx(0.2)
    assert SLOW.of_floor is None


@pytest.mark.parametrize(("goal", "met"), [(8.0, True), (8.1, False)])
def test_a_goal_is_a_number_of_times(goal: float, met: bool) -> None:
    fast = Pace("fast", 100, (0.5,), goals={"slow": goal})
    assert Comparison("title", [SLOW, fast]).met(fast) is met
    assert Comparison("title", [fast]).met(fast) is None, "there is nothing to judge it by"


def test_the_table_has_the_columns_that_are_filled() -> None:
    compared = Comparison("title", [SLOW, FAST], ["slow", "missing"], {"missing": "it was not there"})
    assert compared.headings() == [
        "measured",
        "images a second",
        "a step",
        "× slow",
        "goal",
        "met",
        "time in data",
        "floor / measured",
        "peak memory",
    ]
    assert compared.rows()[1] == [
        "fast",
        "200",
        "500.0 ms",
        "8.00",
        "≥ 6 × slow",
        "yes",
        "0%",
        "20%",
        "2.5 GB",
    ]
    assert "missing was left out: it was not there." in compared.markdown()
    assert compared.to_json()["paces"][0]["data share"] == pytest.approx(0.25)
