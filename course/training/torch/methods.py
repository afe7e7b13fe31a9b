"""The methods that PyTorch trains, one record each, but for their losses, which are exercises.

A list of the methods costs nothing: what needs PyTorch imports it when it is called.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from course.data.dataset import ImageDataset
from course.training.batches import labeled_batches, mixed_batches, paired_batches
from course.training.engine import Batches
from course.training.torch.hparams import (
    FlexMatchHparams,
    FreeMatchHparams,
    MixMatchHparams,
    TorchFixMatchHparams,
    TorchHparams,
    TorchSupervisedHparams,
)
from course.training.vocabulary import recorded

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from course.augment.on_device import ViewMaker

Views = tuple[Callable[..., Any], Callable[..., Any]]


def sgd(model: nn.Module, hparams: Any) -> torch.optim.Optimizer:
    """FixMatch's optimizer; weight decay is a term of the loss."""
    from torch.optim import SGD

    nesterov = hparams.nesterov and hparams.momentum > 0
    return SGD(model.parameters(), lr=hparams.lr, momentum=hparams.momentum, nesterov=nesterov)


def shrinking_adam(model: nn.Module, hparams: Any) -> torch.optim.Optimizer:
    """MixMatch's optimizer."""
    from course.training.torch.parts import ShrinkingAdam

    return ShrinkingAdam(model.parameters(), hparams.lr, hparams.weight_decay)


def _weak_and_strong(hparams: Any, make: ViewMaker | None = None, flip: bool = True) -> Views:
    from course.augment import LabeledDataAug, UnlabeledDataAug
    from course.augment.on_device import LabeledBatchAug, UnlabeledBatchAug

    if make is not None:
        return LabeledBatchAug(make, flip=flip), UnlabeledBatchAug(make, flip=flip)
    return LabeledDataAug(flip=flip), UnlabeledDataAug(flip=flip)


def _strong_and_strong(hparams: Any, make: ViewMaker | None = None, flip: bool = True) -> Views:
    from course.augment import StrongAugmentation
    from course.augment.on_device import StrongBatchAug

    if make is not None:
        return StrongBatchAug(make, flip=flip), StrongBatchAug(make, flip=flip)
    return StrongAugmentation(flip=flip), StrongAugmentation(flip=flip)


def _weak_alone(hparams: Any, make: ViewMaker | None = None, flip: bool = True) -> Views:
    from course.augment import NoisyWeakAugmentation, WeakViews
    from course.augment.on_device import LabeledBatchAug, WeakBatchViews

    noise, n_views = hparams.noise, hparams.n_views
    if make is not None:
        return LabeledBatchAug(make, noise, flip=flip), WeakBatchViews(make, n_views, noise, flip=flip)
    return NoisyWeakAugmentation(noise, flip=flip), WeakViews(n_views, noise, flip=flip)


def _labeled(hparams: Any, labeled: ImageDataset, unlabeled: ImageDataset) -> Batches:
    return labeled_batches(hparams, labeled)


def _mixed(hparams: Any, labeled: ImageDataset, unlabeled: ImageDataset) -> Batches:
    return mixed_batches(hparams, labeled, unlabeled, alpha=hparams.alpha)


def _nothing(n_unlabeled: int) -> dict[str, Tensor]:
    return {}


def flexmatch_state(n_unlabeled: int) -> dict[str, Tensor]:
    """What FlexMatch remembers: û, the latest label of each unlabeled image, −1 while it has none."""
    import torch

    return {"latest": torch.full((n_unlabeled,), -1, device="cpu")}


def freematch_state(n_classes: int, n_unlabeled: int) -> dict[str, Tensor]:
    """What FreeMatch remembers: two averages, 1 / C at first, as large as for the least sure network.

    Wang et al., FreeMatch, 2023 (arXiv:2205.07246), "Self-adaptive thresholding". The authors' code begins
    with ones instead.

    Args:
        n_classes: C.
        n_unlabeled: not needed, unlike for FlexMatch.
    """
    import torch

    return {
        "mean_confidence": torch.tensor(1 / n_classes, device="cpu"),
        "mean_prediction": torch.full((n_classes,), 1 / n_classes, device="cpu"),
    }


def _labeled_images(settings: Mapping[str, Any]) -> tuple[int, int]:
    return recorded(settings, "labeled_batch_size"), 0


def _mixed_images(settings: Mapping[str, Any]) -> tuple[int, int]:
    """MixMatch guesses its labels in a pass without gradient before the pass that trains."""
    labeled = recorded(settings, "labeled_batch_size")
    views = settings["n_views"] * settings["mu"] * labeled
    return labeled + views, views


def _paired_images(settings: Mapping[str, Any]) -> tuple[int, int]:
    """FixMatch and FlexMatch read their labels off the weak views in the one pass of all images."""
    labeled = recorded(settings, "labeled_batch_size")
    return labeled + 2 * settings["mu"] * labeled, 0


@dataclass(frozen=True)
class TorchMethod:
    """A method but for its loss.

    Attributes:
        name: in commands, files and code.
        title: in figures and tables.
        hparams: the dataclass of its hyperparameters.
        optimizer: (model, hparams) → optimizer.
        views: (hparams, what makes views of whole mini-batches or None, whether to mirror half of them) →
            transforms of labeled and unlabeled images.
        batches: (hparams, labeled, unlabeled) → mini-batches.
        state: number of unlabeled images → what it remembers at first.
        images: a run's settings by name, in either framework → images of a step (that go forward and
            backward, that only go forward).
    """

    name: str
    title: str
    hparams: type[TorchHparams]
    optimizer: Callable[[nn.Module, Any], torch.optim.Optimizer] = sgd
    views: Callable[..., Views] = _weak_and_strong
    batches: Callable[[Any, ImageDataset, ImageDataset], Batches] = paired_batches
    state: Callable[[int], dict[str, Tensor]] = _nothing
    images: Callable[[Mapping[str, Any]], tuple[int, int]] = _paired_images

    @property
    def remembers(self) -> bool:
        """Whether it keeps something of each unlabeled image, so that no mini-batch may hold one twice."""
        return self.state is not _nothing


# FixMatch's baseline with FixMatch's strong views: what of a gain is the augmentation's, and not the
# unlabeled images'.
STRONG_BASELINE = "supervised-strong"

# In the order of the course's units, which tables and figures keep.
TORCH_METHODS: dict[str, TorchMethod] = {
    method.name: method
    for method in (
        TorchMethod(
            "supervised", "supervised", TorchSupervisedHparams, batches=_labeled, images=_labeled_images
        ),
        TorchMethod(
            STRONG_BASELINE,
            "supervised, strong views",
            TorchSupervisedHparams,
            views=_strong_and_strong,
            batches=_labeled,
            images=_labeled_images,
        ),
        TorchMethod(
            "mixmatch", "MixMatch", MixMatchHparams, shrinking_adam, _weak_alone, _mixed, images=_mixed_images
        ),
        TorchMethod("fixmatch", "FixMatch", TorchFixMatchHparams),
        TorchMethod(
            "flexmatch",
            "FlexMatch",
            FlexMatchHparams,
            batches=partial(paired_batches, with_index=True),
            state=flexmatch_state,
        ),
    )
}


def freematch(n_classes: int) -> TorchMethod:
    """FreeMatch, the extension of the unit ``flexmatch``, which no command trains.

    Args:
        n_classes: C, on which its state depends.
    """
    return TorchMethod("freematch", "FreeMatch", FreeMatchHparams, state=partial(freematch_state, n_classes))
