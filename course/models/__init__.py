"""Networks that the course trains."""

from course.models.resnet import NORMALIZATIONS, NormalizedModel, architecture, from_torchvision, resnet18

__all__ = ["NORMALIZATIONS", "NormalizedModel", "architecture", "from_torchvision", "resnet18"]
