"""What the training loop can log, and what the checks of fixmatch say of the rest."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax.core import freeze

from course.checks.call import UnfitType
from course.units.fixmatch.checks.common import require_numbers


@pytest.mark.parametrize("value", [0.5, 1, True, np.float32(0.5), np.array(2), jnp.zeros(())])
def test_single_numbers_are_logged(value: Any) -> None:
    require_numbers({"val error rate": 0.5, "another": value})
    require_numbers(freeze({"another": value}))
    assert np.isfinite(float(value)), "as the loop does it"


@pytest.mark.parametrize("value", [np.zeros(3), jnp.ones((1, 2)), [0.5, 0.5], None, "text", {"a": 1.0}])
def test_anything_else_is_refused(value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        float(value)
    with pytest.raises(UnfitType, match="not one number"):
        require_numbers({"val error rate": 0.5, "another": value})


def test_traced_numbers_are_numbers() -> None:
    jax.eval_shape(lambda x: require_numbers({"mask rate": x.mean()}), jnp.ones(3))


@pytest.mark.parametrize("returned", [None, 0.5, [np.zeros(3)]])
def test_what_is_no_dictionary_is_left_to_the_comparison(returned: Any) -> None:
    require_numbers(returned)
