"""The course's own ResNet18, for machines on which jax-resnet cannot be imported.

Layers, initialization, names of parameters and results are those of jax-resnet 0.0.4, so that a checkpoint of
one loads into the other. References: He et al., "Deep residual learning for image recognition" (2016).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jax.numpy as jnp
from flax import linen as nn
from flax.traverse_util import unflatten_dict
from jax import Array

from course.models.resnet import WIDTH

STAGES, BLOCKS = 4, 2  # and blocks per stage (He et al., Table 1)


class ConvBlock(nn.Module):
    """Convolution without bias, BatchNorm and, unless ``plain``, ReLU (He et al., Section 3.4).

    Attributes:
        features: channels of the result.
        kernel: side of the kernel.
        stride: step along both axes.
        conv_cls: the convolution's layer.
        norm_cls: the normalization's layer. It computes the batch's statistics if ``batch_stats`` may change.
        plain: leave the ReLU to whoever adds the result to something.
        scale_init: of the normalization's scale.
    """

    features: int
    kernel: int
    stride: int
    conv_cls: Callable[..., Any]
    norm_cls: Callable[..., Any]
    plain: bool = False
    scale_init: Any = nn.initializers.ones

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """Float (n, H, W, channels) → float (n, ⌈H / stride⌉, ⌈W / stride⌉, features)."""
        side = self.kernel // 2
        x = self.conv_cls(
            self.features,
            (self.kernel, self.kernel),
            (self.stride, self.stride),
            padding=((side, side), (side, side)),
            use_bias=False,
            kernel_init=nn.initializers.kaiming_normal(),
        )(x)
        training = self.is_mutable_collection("batch_stats")
        x = self.norm_cls(use_running_average=not training, scale_init=self.scale_init)(x)
        return x if self.plain else nn.relu(x)


class ResNetSkipConnection(nn.Module):
    """The shortcut: the input itself or, where shapes differ, its projection (He et al., Eq. 2)."""

    block: Callable[..., Any]

    @nn.compact
    def __call__(self, x: Array, features: int, stride: int) -> Array:
        """Float (n, H, W, channels) → float (n, ⌈H / stride⌉, ⌈W / stride⌉, features)."""
        if stride == 1 and x.shape[-1] == features:
            return x
        projected: Array = self.block(features, 1, stride, plain=True)(x)
        return projected


class ResNetBlock(nn.Module):
    """Two 3×3 convolutions with a shortcut around them (He et al., Section 3.2 and Figure 5, left)."""

    features: int
    stride: int
    block: Callable[..., Any]

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """Float (n, H, W, channels) → float (n, ⌈H / stride⌉, ⌈W / stride⌉, features)."""
        y = self.block(self.features, 3, self.stride)(x)
        # Scale 0: a new block passes its shortcut on (Goyal et al. 2017, Section 5.1).
        y = self.block(self.features, 3, 1, plain=True, scale_init=nn.initializers.zeros)(y)
        return nn.relu(y + ResNetSkipConnection(self.block)(x, self.features, self.stride))


class ResNetStem(nn.Module):
    """A ``ConvBlock``, one level down in the tree of parameters."""

    block: Callable[..., Any]

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """Float (n, H, W, 3) → float (n, ⌈H / 2⌉, ⌈W / 2⌉, 64)."""
        stem: Array = self.block(WIDTH, 7, 2)(x)
        return stem


class ResNet18(nn.Module):
    """The 18-layer network of He et al., Section 3.3 and Table 1.

    Attributes:
        n_classes: width of the last layer.
        width: channels of the stem and the first stage; each later stage has twice as many as the one before.
        conv_cls: the convolutions' layer.
        norm_cls: the normalizations' layer.
    """

    n_classes: int
    width: int
    conv_cls: Callable[..., Any]
    norm_cls: Callable[..., Any]

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """Logits, float (n, n_classes), of normalized images, float (n, H, W, 3)."""
        block = partial(ConvBlock, conv_cls=self.conv_cls, norm_cls=self.norm_cls)
        layer = "layers_{}".format  # a layer's name is its position; pooling and mean count as well
        if self.width == WIDTH:
            x = ResNetStem(block, name=layer(0))(x)
        else:  # jax-resnet's stem has 64 channels, and `resnet18` puts a block in its place
            x = block(self.width, 7, 2, name=layer(0))(x)
        x = nn.max_pool(x, (3, 3), (2, 2), ((1, 1), (1, 1)))
        for i in range(STAGES * BLOCKS):
            stage, position = divmod(i, BLOCKS)
            stride = 2 if stage > 0 and position == 0 else 1
            x = ResNetBlock(self.width * 2**stage, stride, block, name=layer(2 + i))(x)
        return nn.Dense(self.n_classes, name=layer(3 + STAGES * BLOCKS))(jnp.mean(x, axis=(1, 2)))


def variables_from_torchvision(state_dict: Mapping[str, Any]) -> dict[str, Any]:
    """The weights of torchvision's resnet18 under the names of `ResNet18`.

    Args:
        state_dict: of ``torchvision.models.resnet18``; entries of other names are not looked at.

    Returns:
        ``{"params", "batch_stats"}`` of NumPy arrays.

    Raises:
        KeyError: an entry is missing.
    """
    flat: dict[tuple[str, ...], Any] = {}

    def take(place: tuple[str, ...], conv: str, norm: str) -> None:
        kernel = state_dict[f"{conv}.weight"].numpy()  # (c_out, c_in, height, width)
        flat["params", *place, "Conv_0", "kernel"] = kernel.transpose(2, 3, 1, 0)
        place = (*place, "BatchNorm_0")
        flat["params", *place, "scale"] = state_dict[f"{norm}.weight"].numpy()
        flat["params", *place, "bias"] = state_dict[f"{norm}.bias"].numpy()
        flat["batch_stats", *place, "mean"] = state_dict[f"{norm}.running_mean"].numpy()
        flat["batch_stats", *place, "var"] = state_dict[f"{norm}.running_var"].numpy()

    take(("layers_0", "ConvBlock_0"), "conv1", "bn1")
    for i in range(STAGES * BLOCKS):
        layer, block = f"layers_{2 + i}", f"layer{1 + i // BLOCKS}.{i % BLOCKS}"
        take((layer, "ConvBlock_0"), f"{block}.conv1", f"{block}.bn1")
        take((layer, "ConvBlock_1"), f"{block}.conv2", f"{block}.bn2")
        if f"{block}.downsample.0.weight" in state_dict:
            skip = (layer, "ResNetSkipConnection_0", "ConvBlock_0")
            take(skip, f"{block}.downsample.0", f"{block}.downsample.1")
    last = f"layers_{3 + STAGES * BLOCKS}"
    flat["params", last, "kernel"] = state_dict["fc.weight"].numpy().T
    flat["params", last, "bias"] = state_dict["fc.bias"].numpy()
    tree: dict[str, Any] = unflatten_dict(flat)
    return tree
