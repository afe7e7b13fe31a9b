"""The training step of ResNet18 on one FixMatch batch: ours, stock jax-resnet's and torch's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.measure import Line, in_turn
from course.models import resnet18

BATCH = 64 + 2 * 448
OURS, STOCK, TORCH = "ResNet18 of the course", "stock jax-resnet", "torchvision's ResNet18 in torch"


def _jax_step(model: Any, variables: Any, x: jax.Array, y: jax.Array) -> Callable[[], Any]:
    def loss(params: Any, batch_stats: Any) -> tuple[jax.Array, Any]:
        logits, updated = model.apply(
            {"params": params, "batch_stats": batch_stats}, x, mutable=["batch_stats"]
        )
        return -jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], axis=1).mean(), updated

    step = jax.jit(jax.value_and_grad(loss, has_aux=True))
    return lambda: jax.block_until_ready(step(variables["params"], variables["batch_stats"]))


def _torch_step(x: np.ndarray, y: np.ndarray) -> Callable[[], Any]:
    import torch
    import torchvision

    model = torchvision.models.resnet18(num_classes=10).train()
    images, labels = torch.from_numpy(x.transpose(0, 3, 1, 2).copy()), torch.from_numpy(y)

    def step() -> float:
        model.zero_grad(set_to_none=True)
        loss = torch.nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        return loss.item()

    return step


def measure(rounds: int) -> list[Line]:
    """Forward and backward pass over 960 images of 32×32, BatchNorm in training mode, float32."""
    import jax_resnet

    rng = np.random.default_rng(0)
    x, y = rng.random((BATCH, 32, 32, 3), np.float32), rng.integers(0, 10, BATCH)
    model, stock = resnet18(10, "none"), jax_resnet.ResNet18(n_classes=10)
    variables = model.init(jax.random.PRNGKey(0), jnp.asarray(x[:1]))
    steps = {
        OURS: _jax_step(model, variables, jnp.asarray(x), jnp.asarray(y)),
        STOCK: _jax_step(stock, variables, jnp.asarray(x), jnp.asarray(y)),
        TORCH: _torch_step(x, y),
    }
    (ours, _), _ = steps[OURS]()
    (theirs, _), _ = steps[STOCK]()
    np.testing.assert_allclose(
        ours, theirs, rtol=1e-4, err_msg="the two JAX networks compute different things"
    )
    sides = in_turn(steps, rounds)
    return [
        Line("training step, 960 images, against jax-resnet", sides[OURS], sides[STOCK]),
        Line("training step, 960 images, against torch", sides[OURS], sides[TORCH], largest_ratio=1.5),
    ]
