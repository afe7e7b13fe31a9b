"""Compiling validation: one mini-batch, or a loop over the whole data set inside jit."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.measure import Line, Side
from course.models import resnet18
from course.training import get_ema_params, momentum
from solutions.fixmatch import get_validate_fn

IMAGES, BATCH = 10_000, 128


def _unrolled(model: Any, batches: list[Any]) -> Callable[..., Any]:
    """Validation jitted around its loop: every mini-batch becomes a constant of one large program."""

    @jax.jit
    def validate(opt_state: Any, batch_stats: Any) -> Any:
        variables = {"params": get_ema_params(opt_state), "batch_stats": batch_stats}
        errors = [jnp.mean(jnp.argmax(model.apply(variables, x), axis=-1) != y) for x, y in batches]
        return {"val error rate": jnp.mean(jnp.stack(errors))}

    return validate


def _first_call_beyond_second(validate: Callable[..., Any], *arguments: Any) -> float:
    times = []
    for _ in range(2):
        began = time.perf_counter()
        jax.block_until_ready(validate(*arguments))
        times.append(time.perf_counter() - began)
    return times[0] - times[1]


def measure(rounds: int) -> list[Line]:
    """What the first call costs beyond the second, once: 10,000 images of 32×32 in batches of 128."""
    del rounds
    rng = np.random.default_rng(0)
    sizes = [min(BATCH, IMAGES - first) for first in range(0, IMAGES, BATCH)]
    batches = [(rng.random((n, 32, 32, 3), np.float32), rng.integers(0, 10, n)) for n in sizes]
    model = resnet18(10)
    variables = model.init(jax.random.PRNGKey(0), jnp.asarray(batches[0][0][:1]))
    state = momentum(lambda step: 0.03, 0.9).init(variables["params"])
    makers = {
        "one compiled mini-batch": lambda: get_validate_fn(get_ema_params, model, batches),
        "a loop jitted over the whole set": lambda: _unrolled(model, batches),
    }
    times: dict[str, list[float]] = {name: [] for name in makers}
    for name, make in makers.items():
        jax.clear_caches()
        times[name].append(_first_call_beyond_second(make(), state, variables["batch_stats"]))
    ours, unrolled = (Side(name, tuple(seconds)) for name, seconds in times.items())
    return [Line("compiling validate, 10,000 images", ours, unrolled)]
