"""Answers under ``torch.compile`` are judged as they are written: no check waits for a compiler."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from course.checks import State, check
from course.checks.notebook import practical_check
from course.checks.state import kept_state
from solutions import mixmatch

compiled: list[bool] = []


@pytest.fixture(autouse=True)
def none_compiled() -> None:
    compiled.clear()


def slow(graph: Any, inputs: Any) -> Any:
    """A backend that never finishes in time, did anybody ask it."""
    compiled.append(True)
    raise AssertionError("a check compiles")


decorated = torch.compile(mixmatch.sharpen, backend=slow)


def inside(probabilities: Any, T: float) -> Any:
    return torch.compile(mixmatch.sharpen, backend=slow)(probabilities, T)


helper = torch.compile(lambda x, T: x ** (1 / T), backend=slow)


def with_a_helper(probabilities: Any, T: float) -> Any:
    powers = helper(probabilities, T)
    return powers / powers.sum(dim=-1, keepdim=True)


class Sharpen(nn.Module):
    def forward(self, probabilities: Any, T: float) -> Any:
        return mixmatch.sharpen(probabilities, T)


module = torch.compile(Sharpen(), backend=slow)


def method(probabilities: Any, T: float) -> Any:
    model = Sharpen()
    model.compile(backend=slow)
    return model(probabilities, T)


RIGHT = [decorated, inside, with_a_helper, lambda probabilities, T: module(probabilities, T), method]


@pytest.mark.parametrize(
    "function", RIGHT, ids=["decorated", "inside", "helper", "module", "the module's method"]
)
def test_a_right_answer_passes_and_compiles_nothing(function: Callable[..., Any]) -> None:
    assert check.run("sharpen", function).state is State.CORRECT
    assert compiled == []


def test_a_wrong_answer_gets_its_usual_message() -> None:
    wrong = torch.compile(lambda probabilities, T: probabilities ** (1 / T), backend=slow)
    assert check.run("sharpen", wrong).slip == "not divided by the sum"
    assert compiled == []


def test_the_visible_test_of_a_cell_compiles_nothing_either() -> None:
    with practical_check("sharpen", decorated):
        assert decorated(torch.ones(1, 2), 0.5).tolist() == [[0.5, 0.5]]
    assert compiled == []


def test_afterwards_it_compiles_as_before() -> None:
    def backend(graph: Any, inputs: Any) -> Any:
        compiled.append(True)
        return graph.forward

    function = torch.compile(lambda x: x + 1, backend=backend)
    real = torch.compile
    with kept_state():
        assert function(torch.ones(1)) == 2
        assert compiled == []
    assert function(torch.ones(1)) == 2
    assert compiled == [True]
    assert torch.compile is real


FRESH = """
import sys, torch
from course.checks.runner import run_check
from solutions.mixmatch import sharpen
def slow(graph, inputs):
    raise AssertionError("a check compiles")
def plain(probabilities, T):
    return sharpen(probabilities, T)
def inside(probabilities, T):
    return torch.compile(sharpen, backend=slow)(probabilities, T)
real = torch.compile
def show(state):
    print(state, "torch._dynamo" in sys.modules, torch.compile is real)
show(run_check("sharpen", plain, echo=False).state.value)
show(run_check("sharpen", inside, echo=False).state.value)
"""


def test_the_compiler_is_loaded_only_for_those_who_use_it() -> None:
    ran = subprocess.run([sys.executable, "-c", FRESH], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == ["correct False True", "correct True True"]
