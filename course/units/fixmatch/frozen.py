"""Features of a network that no longer learns, and a linear layer on them, for the last experiment."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from course.augment import image_to_numpy
from course.data.dataset import ImageDataset
from course.data.loaders import get_validation_generator
from course.models.resnet import resnet18

if TYPE_CHECKING:
    from course.training import Checkpoint

BATCH = (
    250  # images at a time; of the notebook's data sets few leave a smaller last one, which is compiled too
)
STEPS, RATE, DECAY = 300, 0.05, 1e-3


def frozen_features(checkpoint: Checkpoint, dataset: ImageDataset, width: int) -> np.ndarray:
    """What the last layer of a ResNet18 is given, for each image.

    The last layer is replaced by one that hands its input on, so that this works with any ResNet18 of the
    course. BatchNorm normalizes by its stored statistics.

    Args:
        checkpoint: the network.
        dataset: the images; their views are left out.
        width: channels of the network's first stage.

    Returns:
        float32 (n, 8 · width).
    """
    import jax

    params = dict(checkpoint.variables["params"])
    last = max(params, key=lambda name: int(name.rpartition("_")[2]))
    n_features = len(params[last]["kernel"])
    params[last] = {
        "kernel": np.eye(n_features, dtype=np.float32),
        "bias": np.zeros(n_features, np.float32),
    }
    variables = {"params": params, "batch_stats": checkpoint.variables["batch_stats"]}
    network = resnet18(n_features, checkpoint.manifest["normalization"], width)
    forward = jax.jit(network.apply)
    batches = get_validation_generator(dataset.with_transform(image_to_numpy), BATCH)
    return np.concatenate([np.asarray(forward(variables, x)) for x, _ in batches])


def fit_linear(
    features: np.ndarray, labels: np.ndarray, counts: np.ndarray
) -> Callable[[np.ndarray], np.ndarray]:
    """Train a linear layer with a softmax from scratch, on all images at once (Adam, some L2 penalty).

    Features are first brought to mean 0 and spread 1, whether their images count or not.

    Args:
        features: float (n, F).
        labels: int (n,), a class each; read only where the image counts. All classes occur.
        counts: bool (n,).

    Returns:
        The trained layer, features (m, F) → probabilities (m, classes).
    """
    center, scale = features.mean(axis=0), features.std(axis=0) + 1e-6
    kernel, bias = map(
        np.asarray,
        _fitting(int(labels[counts].max()) + 1)(
            (features - center) / scale, labels, counts.astype(np.float32)
        ),
    )

    def probabilities(of: np.ndarray) -> np.ndarray:
        logits = (of - center) / scale @ kernel + bias
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares: np.ndarray = powers / powers.sum(axis=1, keepdims=True)
        return shares

    return probabilities


@cache
def _fitting(n_classes: int) -> Callable[..., Any]:
    """(features, labels, weights of the images) → (kernel, bias), compiled once for each shape."""
    import jax
    import jax.numpy as jnp
    import optax

    optimizer = optax.adam(RATE)

    def loss(layer: Any, features: Any, labels: Any, weights: Any) -> Any:
        kernel, bias = layer
        each = optax.softmax_cross_entropy_with_integer_labels(features @ kernel + bias, labels)
        return jnp.sum(weights * each) / jnp.sum(weights) + DECAY * jnp.sum(kernel**2)

    @jax.jit
    def fitted(features: Any, labels: Any, weights: Any) -> Any:
        def step(carried: Any, _: None) -> Any:
            layer, state = carried
            updates, state = optimizer.update(jax.grad(loss)(layer, features, labels, weights), state)
            return (optax.apply_updates(layer, updates), state), None

        layer = (jnp.zeros((features.shape[1], n_classes)), jnp.zeros(n_classes))
        (layer, _), _ = jax.lax.scan(step, (layer, optimizer.init(layer)), length=STEPS)
        return layer

    return fitted
