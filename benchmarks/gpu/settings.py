"""What all parts are given, checked before the first one starts."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from course.data import load_dataset
from course.errors import CourseError, unknown_name
from course.files import write_atomically
from course.models.mixed_precision import precision_on
from course.precision import Precision

DEVICES = ("cuda", "cpu")
FILE = "settings.json"


@dataclass(frozen=True)
class Settings:
    """Of a whole run of ``make gpu``.

    Attributes:
        out: folder for what is found.
        data: an .npz file, or a data set's name.
        device: "cuda" or "cpu".
        precision: of PyTorch's networks: "auto", "float32" or "bfloat16".
        batch: labeled images in a step.
        tiny: sizes and lengths of a test.
    """

    out: str
    data: str
    device: str = "cuda"
    precision: str = "auto"
    batch: int = 64
    tiny: bool = False

    def check(self) -> None:
        """Refuse what no part could use.

        Raises:
            CourseError: an unknown device or precision, one that this machine does not have, a batch that is
                too small, or data that cannot be read.
        """
        if self.device not in DEVICES:
            raise unknown_name("device", self.device, DEVICES)
        if self.precision not in list(Precision):
            raise unknown_name("precision", self.precision, list(Precision))
        if self.batch < 1:
            raise CourseError(f"--batch {self.batch} makes no step: give at least 1")
        if self.device == "cuda" and not torch.cuda.is_available():
            raise CourseError(
                "PyTorch finds no GPU here: see what nvidia-smi says, or try everything out with --tiny "
                "--device cpu"
            )
        precision_on(torch.device(self.device), Precision(self.precision))
        load_dataset(self.data)

    def claim(self) -> None:
        """Make the folder this run's, or find out that it is.

        Raises:
            CourseError: it holds another run's parts, or cannot be written.
        """
        path = Path(self.out, FILE)
        own = {name: value for name, value in asdict(self).items() if name != "out"}
        own["data"] = Path(self.data).name
        if path.exists():
            try:
                begun = json.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                raise CourseError(f"{path} is damaged: choose another --out") from None
            for name, value in own.items():
                if begun.get(name) != value:
                    raise CourseError(
                        f"{self.out} was begun with {name} {begun.get(name)}, not {value}: give the same "
                        "options, or choose another --out"
                    )
        write_atomically(path, (json.dumps(own, indent=1) + "\n").encode())
