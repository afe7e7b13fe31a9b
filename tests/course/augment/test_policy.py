"""The one table of operations: PIL's and the batched ones have its names, levels and signs."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from course.augment import OPERATIONS, rand_augment
from course.augment.jax.operations import BATCHED as IN_JAX
from course.augment.policy import NAMES, NUM_OPS, POLICY, PROBABILITY
from course.augment.settings import SETTINGS, amounts, setting_of, warps
from course.augment.torch.operations import BATCHED as IN_TORCH


def test_all_three_have_the_tables_operations() -> None:
    assert [(o.name, o.amount, o.signed) for o in OPERATIONS] == [
        (r.name, r.amount, r.signed) for r in POLICY
    ]
    assert tuple(IN_JAX) == tuple(IN_TORCH) == NAMES
    defaults = inspect.signature(rand_augment).parameters
    assert (defaults["num_ops"].default, defaults["probability"].default) == (NUM_OPS, PROBABILITY)


@pytest.mark.parametrize("row", POLICY, ids=NAMES)
def test_a_setting_is_a_level_and_a_sign(row) -> None:
    table = amounts(row.name)
    assert table.shape == (SETTINGS,) == (18,)
    for level in range(1, 10):
        plus, minus = table[setting_of(np.array([level, level]), np.array([False, True]))]
        assert plus == row.amount(level)
        assert minus == (-plus if row.signed else plus)


def test_only_warps_have_a_source() -> None:
    with pytest.raises(ValueError, match="solarize"):
        warps("solarize", (32, 32))
