"""The methods of a comparison, without PyTorch, which takes seconds to import."""

from __future__ import annotations

from course.training.torch.hparams import (
    FlexMatchHparams,
    MixMatchHparams,
    TorchFixMatchHparams,
    TorchHparams,
    TorchSupervisedHparams,
)

# Those of `course.training.torch.train.TORCH_METHODS`, in its order; a test compares them.
HPARAMS: dict[str, type[TorchHparams]] = {
    "supervised": TorchSupervisedHparams,
    "mixmatch": MixMatchHparams,
    "fixmatch": TorchFixMatchHparams,
    "flexmatch": FlexMatchHparams,
}
METHODS = tuple(HPARAMS)  # the order of rows, columns and lines
