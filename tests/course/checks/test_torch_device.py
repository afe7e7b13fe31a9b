"""Tensors that would be on another device than the arguments are found on a machine that has one device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from autograder.units.mutant import load_edited, mutants_of, run_text
from course.checks import State, check
from course.checks.call import Call, MadeOnTheCPU
from course.checks.case import drive
from course.checks.runner import find_check
from course.checks.slips import message_pattern
from course.checks.torch_device import CPU, GPU, NAME, as_on_a_gpu

EXERCISES = (
    "guess_labels",
    "mixup",
    "mixmatch_loss",
    "fixmatch_loss",
    "learning_status",
    "flexible_thresholds",
    "flexible_mask",
    "remember_labels",
    "flexmatch_loss",
    "update_averages",
    "self_adaptive_thresholds",
)

Function = Callable[[Tensor, Tensor], Any]

# Functions of a float tensor (4,) and an int tensor (4,) that are right wherever these are.
RIGHT: dict[str, Function] = {
    "like an argument": lambda x, i: x + torch.zeros_like(x),
    "new_zeros": lambda x, i: x * x.new_zeros(4),
    "new_tensor": lambda x, i: x * x.new_tensor([1.0, 2.0, 3.0, 4.0]),
    "a device": lambda x, i: x + torch.arange(4, device=x.device),
    "a device by name": lambda x, i: x + torch.arange(4, device="cuda"),
    "moved": lambda x, i: x + torch.arange(4).to(x.device),
    "moved like another": lambda x, i: x + torch.arange(4).to(x),
    "moved by type_as": lambda x, i: x + torch.arange(4).type_as(x),
    "as_tensor of a tensor": lambda x, i: torch.as_tensor(x) + torch.as_tensor(x, dtype=torch.float64),
    "numbers": lambda x, i: 1.0 - 2 * x,
    "one number of the CPU": lambda x, i: torch.maximum(x, torch.tensor(0.5)) + torch.ones(()),
    "positions of the CPU": lambda x, i: x[torch.arange(3)] + x[[0, 1, 2]],
    "a slice from the CPU": lambda x, i: x.clone().index_fill_(0, i[:1], 2.0),
    "copied": lambda x, i: torch.empty_like(x).copy_(torch.ones(4)),
    "filled from the CPU": lambda x, i: x.clone().__setitem__(slice(0, 2), torch.ones(2)) or x,
    "one-hot": lambda x, i: nn.functional.one_hot(i, 4) @ x.long(),
    "sums": lambda x, i: torch.stack([(i == c).sum() for c in range(4)]),
    "parts": lambda x, i: torch.cat(x.split(2)[::-1]) + sum(x.unbind()),
    "the two largest": lambda x, i: x.topk(2).values + x[x.topk(2).indices],
    "apart from each other": lambda x, i: (torch.ones(4) * 2).sum() * x,
    "numbers read off": lambda x, i: x * x.max().item() if bool(x.max() > 0) else x,
    "a loop over numbers": lambda x, i: torch.tensor([2 * v for v in x.tolist()], device=x.device),
    "a mask": lambda x, i: torch.where(x > 0.2, x, 0.0)[x > 0.2],
}
# Functions that a GPU refuses.
WRONG: dict[str, Function] = {
    "sum": lambda x, i: x + torch.zeros(4),
    "sum, the other way round": lambda x, i: torch.ones(4) - x,
    "comparison": lambda x, i: i == torch.arange(4),
    "joined": lambda x, i: torch.cat([x, torch.zeros(1)]),
    "in place": lambda x, i: torch.zeros(4).add_(x),
    "through a value": lambda x, i: (torch.arange(4) * 2.0).exp() + x,
    "a keyword": lambda x, i: torch.add(x, other=torch.ones(4)),
    "indexed": lambda x, i: torch.eye(4)[i],
    "written into": lambda x, i: torch.zeros(4).__setitem__(i, 1.0),
    "written from": lambda x, i: x.clone().__setitem__(i, torch.zeros(4)),
    "scattered": lambda x, i: torch.zeros(4).scatter_add(0, i, x),
    "product": lambda x, i: torch.eye(4) @ x,
    "moved away": lambda x, i: x + x.cpu(),
    "moved away by as_tensor": lambda x, i: x + torch.as_tensor(x, device="cpu"),
    "moved away by name": lambda x, i: x + torch.ones_like(x, device="cpu"),
    "one loss": lambda x, i: nn.functional.cross_entropy(x[None], torch.zeros(1, dtype=torch.int64)),
    "a choice": lambda x, i: torch.where(x > 0.2, x, torch.zeros(4)),
}
# FakeTensorMode has no numbers, and lets a GPU's positions index a tensor of the CPU, which PyTorch refuses.
NOT_FAKED = {"numbers read off", "a loop over numbers", "a mask", "indexed", "written into"}


def values() -> tuple[Tensor, Tensor]:
    return torch.tensor([0.1, 0.2, 0.3, 0.4]), torch.tensor([3, 1, 0, 2])


@pytest.mark.parametrize("name", RIGHT)
def test_right_ones_give_what_they_give_on_the_cpu(name: str) -> None:
    expected = RIGHT[name](*values()) if "by name" not in name else values()[0] + torch.arange(4)
    torch.testing.assert_close(as_on_a_gpu(RIGHT[name])(*values()), expected)


@pytest.mark.parametrize("name", WRONG)
def test_wrong_ones_are_found(name: str) -> None:
    WRONG[name](*values())  # on a CPU nothing is wrong
    with pytest.raises(MadeOnTheCPU):
        as_on_a_gpu(WRONG[name])(*values())


@pytest.mark.parametrize("name", [name for name in (*RIGHT, *WRONG) if name not in NOT_FAKED])
def test_pytorchs_own_pretended_gpu_agrees(name: str) -> None:
    with FakeTensorMode() as mode:
        x, i = (mode.from_tensor(one).to("cuda") for one in values())
        if name in WRONG:
            with pytest.raises(Exception, match=r"(?i)devices?"):
                WRONG[name](x, i)
        else:
            assert RIGHT[name](x, i).device.type == "cuda"


@pytest.mark.parametrize(
    "returned",
    [
        lambda x, i: torch.tensor(x.tolist()),
        lambda x, i: {"state": [torch.zeros(3)]},
        lambda x, i: (x, torch.tensor([v * 2 for v in x])),
        lambda x, i: x.cpu(),
    ],
)
def test_what_is_returned_has_to_be_there_too(returned: Function) -> None:
    with pytest.raises(MadeOnTheCPU):
        as_on_a_gpu(returned)(*values())


def test_a_single_number_may_stay_behind() -> None:
    as_on_a_gpu(lambda x, i: (torch.tensor(3), {"metric": torch.zeros(())}))(*values())


def test_the_function_sees_a_gpu() -> None:
    x, i = values()

    def look(x: Tensor, i: Tensor) -> list[Any]:
        return [x.device, x.is_cuda, x.is_cpu, x.get_device(), torch.ones(2).device, x.cpu().device]

    assert as_on_a_gpu(look)(x, i) == [GPU, True, False, 0, CPU, CPU]
    assert x.device == CPU


def test_numpy_refuses_as_for_a_gpu() -> None:
    for convert in (np.asarray, lambda x: x.numpy()):
        with pytest.raises(TypeError, match="device type tensor to numpy"):
            as_on_a_gpu(lambda x, i, convert=convert: convert(x))(*values())
    assert as_on_a_gpu(lambda x, i: float(x.cpu().numpy()[0]))(*values()) == pytest.approx(0.1)


def test_a_copy_on_the_cpu_is_another_tensor() -> None:
    x, i = values()
    as_on_a_gpu(lambda x, i: x.cpu().zero_().sum())(x, i)
    assert x[0] == pytest.approx(0.1)


def test_a_network_is_where_the_arguments_are() -> None:
    model = nn.Sequential(nn.Linear(4, 2), nn.BatchNorm1d(2))
    out = as_on_a_gpu(lambda model, x: model(x[None].repeat(3, 1)))(model, values()[0])
    out.sum().backward()
    assert model[0].weight.grad is not None


def test_what_was_made_elsewhere_is_no_evidence() -> None:
    """Such as a table in a cell above, or values of vmap: nothing is known of them, so nothing is said."""
    table = torch.ones(4)
    as_on_a_gpu(lambda x, i: x + table)(*values())
    as_on_a_gpu(lambda x, i: torch.vmap(lambda one: one * x.sum())(x) + x)(*values())
    as_on_a_gpu(lambda x, i: x + torch.Tensor([1.0, 2.0, 3.0, 4.0]))(*values())


def test_the_message_names_the_line_that_made_the_tensor() -> None:
    text = "def count(latest):\n    zeros = torch.zeros(4)\n    return latest + zeros\n"
    count = run_text(text, "a cell", {"__name__": "a cell", "torch": torch})["count"]
    with pytest.raises(MadeOnTheCPU) as caught:
        as_on_a_gpu(count)(values()[1])
    message = "`zeros = torch.zeros(4)` makes a tensor on the CPU, while the arguments are on a GPU"
    assert str(caught.value) == message
    assert message_pattern(message) == message_pattern(message.replace("zeros", "others"))


@pytest.mark.parametrize("name", EXERCISES)
def test_the_exercises_whose_tasks_say_so_are_tried_there_last(name: str) -> None:
    cases = find_check(name)[1].cases
    last = [case for case in cases if case.last]
    assert list(cases[-len(last) :]) == last and NAME in [case.name for case in last]


def test_a_function_that_is_wrong_anyway_is_not_told_of_the_gpu() -> None:
    def slightly_wrong(latest: Tensor, n_classes: int) -> Tensor:
        return (latest[:, None] == torch.arange(n_classes)).sum(dim=0) * 3

    result = check.run("learning_status", slightly_wrong)
    assert (result.state, result.slip) == (State.INCORRECT, "")
    assert "CPU" not in result.message


def test_the_report_names_the_misconception_and_the_line() -> None:
    def learning_status(latest: Tensor, n_classes: int) -> Tensor:
        classes = torch.arange(n_classes)
        return (latest[:, None] == classes).sum(dim=0)

    result = check.run("learning_status", learning_status)
    assert result.slip == "made on the CPU"
    assert result.failure is not None
    assert "`classes = torch.arange(n_classes)` makes a tensor on the CPU" in result.failure.message
    assert result.failure.line == "return (latest[:, None] == classes).sum(dim=0)"


def test_a_wrong_earlier_exercise_is_replaced_there_too() -> None:
    """Recorded calls and the mock are where their arguments are."""
    wrong = next(m for m in mutants_of("flexmatch") if m.exercise == "learning_status" and m.on_gpu_alone)
    result = check.run("flexmatch_loss", load_edited("flexmatch", wrong)["flexmatch_loss"])
    assert result.state is State.CORRECT, result
    assert "learning_status" in result.note


def test_a_drive_there_calls_as_any_other() -> None:
    _, found = find_check("learning_status")
    case, call = found.cases[-1], Call()
    drive(case, lambda latest, n_classes: latest, case.inputs(), call)
    assert call.arguments[0][0] == "latest"
