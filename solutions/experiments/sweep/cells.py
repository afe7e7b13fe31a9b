"""What a sweep is asked for, and the runs that follow from it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from course.errors import CourseError, unknown_name
from solutions.experiments.cost import forward_equivalents, images_per_step
from solutions.experiments.methods import METHODS


def _options(given: Mapping[str, Any]) -> list[str]:
    """Hyperparameters as words of a command line."""
    words = []
    for option, value in given.items():
        flag = option.replace("_", "-")
        words += (
            [f"--{'' if value else 'no-'}{flag}"] if isinstance(value, bool) else [f"--{flag}", str(value)]
        )
    return words


def _chosen(preset: str | None, model: str | None) -> list[str]:
    pairs = (("--preset", preset), ("--model", model))
    return [word for flag, value in pairs if value for word in (flag, value)]


@dataclass(frozen=True)
class Asked:
    """What a command line asks for.

    Attributes:
        methods: each once.
        labels: labeled images in all, each number once.
        seeds: 0, 1 … below this.
        given: hyperparameters for every run, by name.
    """

    methods: Sequence[str]
    labels: Sequence[int]
    seeds: int
    out: Path
    framework: str = "torch"
    model: str | None = None
    preset: str | None = None
    data: str = "shapes"
    note: str = ""
    given: Mapping[str, Any] = field(default_factory=dict)

    def check(self) -> None:
        """Refuse what can be no sweep.

        Raises:
            CourseError: an unknown method, a number that is too small, or an empty list.
        """
        for method in self.methods:
            if method not in METHODS:
                raise unknown_name("method", method, METHODS)
        for flag, values in (("--methods", self.methods), ("--labels", self.labels)):
            if not values:
                raise CourseError(f"{flag} is missing: give one or more, such as {flag} {EXAMPLES[flag]}")
        for labels in self.labels:
            if labels < 1:
                raise CourseError(f"--labels {labels} is no number of labels: give at least 1 for each class")
        if self.seeds < 1:
            raise CourseError(f"--seeds {self.seeds} makes no run: give at least 1")

    def command(self) -> str:
        """The command that makes the same sweep: without this machine's folders and number of processes."""
        line = ["python", "-m", "solutions", "sweep", "--methods", *self.methods]
        line += [
            "--labels",
            *map(str, self.labels),
            "--seeds",
            str(self.seeds),
            "--framework",
            self.framework,
        ]
        line += _chosen(self.preset, self.model)
        line += ["--data", Path(self.data).name, *_options(self.given)]
        line += ["--note", self.note] if self.note else []
        return shlex.join([*line, "--out", self.out.name if self.out.is_absolute() else str(self.out)])


EXAMPLES = {"--methods": " ".join(METHODS), "--labels": "40 100 400"}


@dataclass(frozen=True)
class Cell:
    """One run of a sweep.

    Attributes:
        name: of its folder.
        config: what its config.json holds.
        cost: of a step, in forward passes of an image.
        steps: of the whole run.
        words: what a worker needs to know, plain data.
    """

    name: str
    folder: Path
    config: Mapping[str, Any]
    cost: int
    steps: int
    words: Mapping[str, Any]

    @property
    def key(self) -> tuple[str, int, int]:
        """Which row of the tidy files is its."""
        return self.words["method"], self.words["labels"], self.words["seed"]


def _command(words: Mapping[str, Any], name: str) -> str:
    """The command that makes the same run."""
    line = ["python", "-m", "solutions", "train", words["method"], "--framework", words["framework"]]
    line += _chosen(words["preset"], words["model"])
    line += [
        "--data",
        Path(words["data"]).name,
        "--labels",
        str(words["labels"]),
        "--seed",
        str(words["seed"]),
    ]
    line += _options(words["given"])
    line += ["--note", words["note"]] if words["note"] else []
    return shlex.join([*line, "--out", f"runs/{name}"])


def make_cells(asked: Asked) -> list[Cell]:
    """All runs, those of the first seed first, so that an unfinished table is balanced.

    Raises:
        CourseError: any of the runs cannot be.
    """
    from course.data import load_dataset
    from course.training import RunFolder
    from solutions.experiments.experiment import begun_config, check_same_config, plan, resolve
    from solutions.experiments.options import Given

    asked.check()
    data = asked.data
    if Path(data).suffix:
        data = str(Path(data).absolute())
    splits = None
    cells = []
    for seed in range(asked.seeds):
        for labels in asked.labels:
            for method in asked.methods:
                words = {
                    "method": method,
                    "labels": labels,
                    "seed": seed,
                    "framework": asked.framework,
                    "model": asked.model,
                    "preset": asked.preset,
                    "data": data,
                    "note": asked.note,
                    "given": dict(asked.given),
                }
                name = f"{method}-{labels}-{seed}"
                out = asked.out.absolute() / "runs" / name
                given = Given({**asked.given, "seed": seed})
                framework, model, make_hparams = resolve(
                    method, asked.framework, asked.model, asked.preset, given
                )
                splits = splits or load_dataset(data)
                planned = plan(
                    method,
                    make_hparams,
                    out=out,
                    framework=framework,
                    model=model,
                    preset=asked.preset,
                    data=data,
                    labels=labels,
                    note=asked.note,
                    splits=splits,
                )
                folder, config = RunFolder(out), planned.config
                if folder.result.is_file() or folder.holds_run():
                    # A note changes no number: the run keeps its own.
                    words["note"] = config["note"] = begun_config(folder).get("note", "")
                    check_same_config(folder, config)
                words |= {"out": str(out), "command": _command(words, name)}
                steps = planned.hparams.steps
                cost = forward_equivalents(1, *images_per_step(method, config["hparams"]))
                cells.append(Cell(name, out, config, cost, steps, words))
    return cells
