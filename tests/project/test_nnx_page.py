"""The page on flax NNX runs as it is, and what it says of the two steps and of quiet mistakes is true."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import jax
import pytest
from flax import nnx

import course.training
import solutions.fixmatch
from course.training import FixMatchHparams, l2_penalty

PAGE = Path(__file__).parents[2] / "docs" / "nnx.md"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXERCISES = ("get_forward_fn", "get_fixmatch_loss_fn", "get_train_step_fn")


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    """What the page's blocks leave, in a notebook whose exercises are solved."""
    names: dict[str, Any] = {name: getattr(solutions.fixmatch, name) for name in EXERCISES}
    # An untrained network reaches no .95: some images have to pass, and some not.
    names["hparams"] = dataclasses.replace(FixMatchHparams(), confidence_threshold=0.22, w_decay=0.01)
    names["course"] = course
    for block in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        exec(compile(block, PAGE.name, "exec"), names)
    return names


def test_both_frameworks_take_the_same_fixmatch_steps(page: dict[str, Any]) -> None:
    """The page compares loss, metrics, parameters and statistics itself; here, that they say something."""
    metrics = page["nnx_metrics"]
    assert 0 < metrics["mask rate"] < 1 and metrics["unsupervised loss"] > 0
    moved = jax.tree.map(lambda a, b: float(abs(a - b).max()), page["variables"]["params"], page["params"])
    assert min(jax.tree.leaves(moved)) > 1e-5
    linen, network = page["linen_net"], page["LikeLinen"](page["network"])
    variables = {"params": page["params"], "batch_stats": page["statistics"]}
    difference = linen.apply(variables, page["images"]) - network.apply(variables, page["images"])
    assert abs(difference).max() < 1e-5, "in evaluation mode"


def test_a_state_has_biases_that_the_penalty_does_not_recognize(page: dict[str, Any]) -> None:
    network = page["nnx_copy"]()
    state = nnx.state(network, nnx.Param)
    assert l2_penalty(state, 1.0) > l2_penalty(nnx.to_pure_dict(state), 1.0) + 1


def test_a_module_that_jit_was_not_given_is_not_changed(page: dict[str, Any]) -> None:
    network = page["nnx_copy"]()
    with pytest.raises(Exception, match="trace level"):
        jax.jit(lambda x: network(x))(page["images"])


def test_the_optimizer_wants_what_the_page_says(page: dict[str, Any]) -> None:
    network = page["nnx_copy"]()
    with pytest.raises(TypeError, match="wrt"):
        nnx.Optimizer(network, page["sgd"])
