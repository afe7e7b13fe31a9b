"""What one run is asked to be, as plain values: a command line's words, a worker's task."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from course.errors import CourseError
from course.training.hparams import Settings
from course.training.torch.hparams import TorchHparams
from course.training.vocabulary import translated

# Who makes the views: PIL image by image, the device for whole mini-batches, or what suits the machine.
COURSE, ON_DEVICE, AUTO = "course", "device", "auto"


def flag(name: str) -> str:
    """The option of a setting."""
    return f"--{name.replace('_', '-')}"


@dataclass(frozen=True)
class Given:
    """The hyperparameters that a command line names, and those that its command sets itself."""

    values: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)

    def maker(self, kind: type[Settings], preset: Mapping[str, Any], what: str) -> Callable[..., Any]:
        """A function that makes ``kind`` from what is given, the preset, and its own keyword arguments.

        What the command line names wins, then come the function's arguments, then the preset. Names of the
        other framework are translated.

        Args:
            kind: the dataclass.
            preset: settings under ``kind``'s own names.
            what: "fixmatch in jax", for the message.

        Raises:
            CourseError: a given option does not exist for ``kind``, or is given under two names.
        """
        chosen: dict[str, Any] = {}
        for name, value in self.values.items():
            found = translated(name, value, kind)
            if found is None:
                raise CourseError(f"{flag(name)} is not an option of {what}: leave it out, or see --help")
            if found[0] in chosen:
                raise CourseError(f"{flag(name)} is given twice, under two names: give one")
            chosen[found[0]] = found[1]
        base = {**self.defaults, **preset}
        if "epochs" in chosen:
            if "steps" in chosen:
                raise CourseError("--epochs and --steps exclude each other: give one")
            if "total_steps" in chosen and issubclass(kind, TorchHparams):
                raise CourseError(
                    "--epochs and --total-steps exclude each other: give --steps, or one of them"
                )
            base.pop("steps", None)  # a preset's or a command's own must not win

        def make(**more: Any) -> Any:
            known = dict(found for n, v in more.items() if (found := translated(n, v, kind)) is not None)
            return kind(**{**base, **known, **chosen})

        return make


@dataclass(frozen=True)
class RunSpec:
    """One run.

    Attributes:
        method: of `solutions.experiments.methods.METHODS`.
        out: the folder.
        framework: "jax" or "torch"; None takes PyTorch with a preset, and else JAX where it has the method.
        model: "resnet18", or in PyTorch "cnn" or "wrn-DEPTH-WIDTH"; None takes the preset's or the
            framework's own.
        preset: settings that belong together, of `solutions.experiments.presets.PRESETS`.
        data: "shapes", "digits", "cifar10", or an .npz file.
        checkpoint: "provided", "none", or a file.
        labels: labeled images in all; None takes the checkpoint's where it is of the same data, and else the
            hyperparameters' number.
        augmentation: "course", image by image; "device", the same policy made on the device; with JAX
            "practical"; or "auto", which is "device" on an accelerator and else "course".
        note: kept with the results.
        given: hyperparameters, under either framework's names.
        command: kept with the results; None is the one that is running.
    """

    method: str
    out: Path
    framework: str | None = None
    model: str | None = None
    preset: str | None = None
    data: str = "shapes"
    checkpoint: str = "none"
    labels: int | None = None
    augmentation: str = AUTO
    note: str = ""
    given: Given = field(default_factory=Given)
    command: str | None = None

    def plain(self) -> dict[str, Any]:
        """As what JSON can hold, for another process."""
        return {**asdict(self), "out": str(self.out)}

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> RunSpec:
        """From what `plain` made."""
        return cls(**{**plain, "out": Path(plain["out"]), "given": Given(**plain["given"])})
