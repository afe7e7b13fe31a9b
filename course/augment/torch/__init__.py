"""Views of whole mini-batches in PyTorch; `course.augment.on_device` says how they are used."""

from course.augment.torch.views import TorchViews

__all__ = ["TorchViews"]
