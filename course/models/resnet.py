"""jax-resnet's ResNet18 with explicit input normalization; the course's own where that cannot be imported."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from course.errors import CourseError
from course.models.small_maps import conv_general_dilated

# Per channel, of images in [0, 1]: (mean, standard deviation).
NORMALIZATIONS: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "cifar10": ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "none": ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
}


# Compared by identity: the modules hold lists, and a static argument of a jitted function must have a hash.
@dataclass(frozen=True, eq=False)
class NormalizedModel:
    """A flax module that is given images in [0, 1] and normalizes them first.

    jax-resnet's first layer is a plain convolution with BatchNorm: it does not know what mean and
    spread its input should have, and pretrained weights expect those they were trained with.

    Attributes:
        net: the flax module; its parameter tree is the model's.
        normalization: a key of `NORMALIZATIONS`.
    """

    net: Any
    normalization: str

    def _normalize(self, x: Array) -> Array:
        mean, std = NORMALIZATIONS[self.normalization]
        return (x - jnp.asarray(mean)) / jnp.asarray(std)

    def init(self, key: Array, x: Array) -> dict[str, Any]:
        """Fresh ``{"params", "batch_stats"}``. ``x``: float32 (n, 32, 32, 3), looked at for its shape."""
        return jax.jit(self.net.init)(key, self._normalize(x))

    def apply(self, variables: Mapping[str, Any], x: Array, **options: Any) -> Any:
        """Logits (n, classes) of float32 images (n, H, W, 3) in [0, 1].

        With ``mutable=["batch_stats"]`` in training mode, and then also the updated collections.
        """
        return self.net.apply(variables, self._normalize(x), **options)


WIDTH = 64  # channels of the first stage of He et al.'s ResNet18


def architecture(width: int = WIDTH) -> str:
    """What a checkpoint's manifest calls a ResNet18 of that width: "resnet18", or "resnet18-w16"."""
    return "resnet18" if width == WIDTH else f"resnet18-w{width}"


def resnet18(
    num_classes: int,
    normalization: str = "cifar10",
    width: int = WIDTH,
    *,
    fast_small_maps: bool | None = None,
) -> NormalizedModel:
    """ResNet18 with the ImageNet stem (He et al. 2016), 11.2 million parameters at ten classes.

    Args:
        num_classes: width of the last layer.
        normalization: a key of `NORMALIZATIONS`.
        width: channels of the stem and the first stage; each later stage has twice as many as the one before.
            With 16 the network has 0.7 million parameters, small enough for a computer without a GPU.
        fast_small_maps: write convolutions on small maps as matrix products. Parameters and results are
            those of the stock layer. None does it on a CPU and leaves a GPU to cuDNN.

    Raises:
        CourseError: unknown normalization.
    """
    from flax import linen as nn

    if normalization not in NORMALIZATIONS:
        raise CourseError(
            f"normalization '{normalization}' is unknown: choose from {', '.join(NORMALIZATIONS)}"
        )
    if fast_small_maps is None:
        fast_small_maps = jax.default_backend() == "cpu"
    conv = partial(nn.Conv, conv_general_dilated=conv_general_dilated) if fast_small_maps else nn.Conv
    # jax-resnet's 0.9 forgets within ten steps; evaluation with averaged weights wants steadier statistics.
    norm = partial(nn.BatchNorm, momentum=0.99)
    return NormalizedModel(_network(num_classes, width, conv, norm), normalization)


def _network(num_classes: int, width: int, conv: Any, norm: Any) -> Any:
    jax_resnet = _jax_resnet()
    if jax_resnet is None:
        from course.models.linen_resnet import ResNet18

        return ResNet18(num_classes, width, conv, norm)
    options: dict[str, Any] = {}
    if width != WIDTH:
        options = {
            "hidden_sizes": tuple(width * 2**stage for stage in range(4)),
            # jax-resnet's own stem has 64 channels, whatever the stages have.
            "stem_cls": lambda conv_block_cls: conv_block_cls(
                width, kernel_size=(7, 7), strides=(2, 2), padding=[(3, 3), (3, 3)]
            ),
        }
    return jax_resnet.ResNet18(n_classes=num_classes, conv_cls=conv, norm_cls=norm, **options)


def _jax_resnet() -> ModuleType | None:
    """The package, or None where it cannot be imported."""
    try:
        import jax_resnet
    except ModuleNotFoundError:  # the set-up has said so
        return None
    except Exception as error:  # its last release is of 2021: a newer flax can break it in any way
        warnings.warn(
            f"jax-resnet cannot be imported here ({error}). The course's own ResNet18, which has the same "
            "parameters and gives the same results, takes its place.",
            stacklevel=4,
        )
        return None
    return jax_resnet


def from_torchvision(
    state_dict: Mapping[str, Any], num_classes: int, key: Array
) -> tuple[NormalizedModel, dict[str, Any]]:
    """Start from torchvision's ImageNet weights, with a new last layer.

    Args:
        state_dict: of ``torchvision.models.resnet18``.
        num_classes: width of the new last layer.
        key: draws the new last layer.

    Returns:
        ``(model, variables)``; the model normalizes with ImageNet's mean and spread.

    Raises:
        CourseError: the state dict is not a ResNet18's.
    """
    from flax import linen as nn
    from flax.core import unfreeze

    try:
        pretrained = _renamed(state_dict)
    except (KeyError, ValueError) as error:
        raise CourseError(
            f"the state dict is not that of torchvision's resnet18 ({error}): pass resnet18(...).state_dict()"
        ) from None
    model = resnet18(num_classes, "imagenet")
    expected = jax.eval_shape(model.init, key, jnp.zeros((1, 32, 32, 3)))
    variables = unfreeze(pretrained)
    last = max(expected["params"], key=lambda name: int(name.rsplit("_", 1)[1]))
    width = expected["params"][last]["kernel"].shape[0]
    variables["params"][last] = nn.Dense(num_classes).init(key, jnp.zeros((1, width)))["params"]
    same = jax.tree.map(jnp.shape, variables) == jax.tree.map(jnp.shape, expected)
    # A deeper network's state dict holds all of a ResNet18's names, and more.
    weights = [name for name in state_dict if not name.endswith("num_batches_tracked")]
    if not same or len(weights) != len(jax.tree.leaves(variables)):
        raise CourseError(
            "the state dict has another architecture than resnet18: pass resnet18(...).state_dict()"
        )
    return model, variables


def _renamed(state_dict: Mapping[str, Any]) -> Mapping[str, Any]:
    jax_resnet = _jax_resnet()
    if jax_resnet is None:
        from course.models.linen_resnet import variables_from_torchvision

        return variables_from_torchvision(state_dict)
    _, variables = jax_resnet.pretrained_resnet(18, state_dict=dict(state_dict))
    return variables
