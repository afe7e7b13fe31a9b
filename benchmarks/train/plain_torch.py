"""A plain loop in PyTorch, as one writes it from torchvision's transforms and the documentation. Not for use.

PIL in as many worker processes as there are cores, float32 in PyTorch's default layout, and the loss read in
each step. torchvision's RandAugment stands for FixMatch's policy.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat
from typing import Any

import psutil
import torch
import torchvision
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils import data
from torchvision import transforms

from benchmarks.train.pipeline import WARM_UP, Clock, Timed, peak_memory, torch_device_memory
from benchmarks.train.setting import CLASSES, Setting, make_images
from course.data.dataset import ImageDataset
from course.models.resnet import NORMALIZATIONS
from solutions.experiments.machine import cores

THRESHOLD, LR, MOMENTUM, WEIGHT_DECAY, EMA = 0.95, 0.03, 0.9, 5e-4, 0.999


def _views() -> tuple[Any, Any]:
    """Transforms to a weak and to a strong view, normalized."""
    weak = [transforms.RandomHorizontalFlip(), transforms.RandomCrop(32, padding=4, padding_mode="reflect")]
    tensor = [transforms.ToTensor(), transforms.Normalize(*NORMALIZATIONS["cifar10"])]
    cutout = transforms.RandomErasing(p=1.0, scale=(0.25, 0.25), ratio=(1.0, 1.0))
    strong = [*weak, transforms.RandAugment(), *tensor, cutout]
    return transforms.Compose([*weak, *tensor]), transforms.Compose(strong)


class TwoViews:
    """Both views of an image."""

    def __init__(self) -> None:
        self.weak, self.strong = _views()

    def __call__(self, image: Any) -> tuple[torch.Tensor, torch.Tensor]:
        """Weak and strong, each float32 (3, 32, 32)."""
        return self.weak(image), self.strong(image)


class PlainTorch:
    """See `benchmarks.train.pipeline.Pipeline`."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        labeled, unlabeled = make_images(setting)
        self.labeled, self.unlabeled = (
            labeled.with_transform(_views()[0]),
            unlabeled.with_transform(TwoViews()),
        )
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.model = torchvision.models.resnet18(num_classes=len(CLASSES)).to(self.device).train()
        self.ema = AveragedModel(self.model, multi_avg_fn=get_ema_multi_avg_fn(EMA))
        self.optimizer = torch.optim.SGD(
            self.model.parameters(), lr=LR, momentum=MOMENTUM, nesterov=True, weight_decay=WEIGHT_DECAY
        )
        self.of_workers = 0  # bytes at the peak

    def _loader(self, dataset: ImageDataset, batch_size: int, workers: int) -> Any:
        on_gpu = self.device.type == "cuda"
        options = {"num_workers": workers, "pin_memory": on_gpu, "drop_last": True, "shuffle": True}
        return data.DataLoader(dataset, batch_size=batch_size, **options)

    def _batches(self) -> Iterator[Any]:
        setting = self.setting
        workers = cores() if setting.workers is None else setting.workers
        of_labeled = min(1, workers)  # which have one view in fifteen
        of_unlabeled = max(of_labeled, workers - of_labeled)
        labeled = self._loader(self.labeled, setting.labeled, of_labeled)
        unlabeled = self._loader(self.unlabeled, setting.unlabeled, of_unlabeled)
        return zip(self._forever(labeled), self._forever(unlabeled), strict=True)

    @staticmethod
    def _forever(loader: Any) -> Iterator[Any]:
        while True:
            yield from loader

    def run(self, steps: int, prepared: bool) -> Timed:
        """A loop over two loaders."""
        clock = Clock()
        batches = self._batches()
        if prepared:
            batches = repeat(next(batches))  # without its loaders, whose processes end
        for (x, y), ((weak, strong), _) in batches:
            self._step(x, y, weak, strong)
            clock.on_step()
            if len(clock.times) == WARM_UP + steps:
                break
        children = psutil.Process().children(recursive=True)
        self.of_workers = max(self.of_workers, sum(child.memory_full_info().uss for child in children))
        return clock.timed(steps)

    def _step(self, x: Any, y: Any, weak: Any, strong: Any) -> float:
        x, y, weak, strong = (t.to(self.device, non_blocking=True) for t in (x, y, weak, strong))
        logits = self.model(torch.cat([x, weak, strong]))
        labeled, of_weak, of_strong = logits.split([len(x), len(weak), len(strong)])
        confidence, pseudo_labels = torch.softmax(of_weak.detach(), dim=-1).max(dim=-1)
        per_image = F.cross_entropy(of_strong, pseudo_labels, reduction="none")
        loss = F.cross_entropy(labeled, y) + (per_image * (confidence >= THRESHOLD)).mean()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.ema.update_parameters(self.model)
        return loss.item()

    def memory(self) -> int:
        """This process's, and what its workers have for themselves."""
        return peak_memory() + self.of_workers

    def device_memory(self) -> int | None:
        """PyTorch's."""
        return torch_device_memory()
