"""Networks that the course trains."""

from course.models.resnet import NORMALIZATIONS, NormalizedModel, from_torchvision, resnet18

__all__ = ["NORMALIZATIONS", "NormalizedModel", "from_torchvision", "resnet18"]
