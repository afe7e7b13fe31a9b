"""What a sweep is asked for, and the runs that follow from it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course.errors import CourseError, unknown_name
from solutions.experiments.cost import forward_equivalents, images_per_step
from solutions.experiments.methods import METHODS
from solutions.experiments.spec import Given, RunSpec
from solutions.experiments.tidy import Key

if TYPE_CHECKING:
    from course.data.dataset import Splits


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
class SweepSpec:
    """The runs that a command line asks for.

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

    def runs(self) -> list[RunSpec]:
        """Those of the first seed first, each in a folder of its own."""
        data = str(Path(self.data).absolute()) if Path(self.data).suffix else self.data
        return [
            RunSpec(
                method,
                self.out.absolute() / "runs" / f"{method}-{labels}-{seed}",
                framework=self.framework,
                model=self.model,
                preset=self.preset,
                data=data,
                labels=labels,
                note=self.note,
                given=Given({"seed": seed, **self.given}),
            )
            for seed in range(self.seeds)
            for labels in self.labels
            for method in self.methods
        ]


EXAMPLES = {"--methods": " ".join(METHODS), "--labels": "40 100 400"}


@dataclass(frozen=True)
class Cell:
    """One run of a sweep.

    Attributes:
        spec: what a worker needs to know.
        config: what its config.json holds.
        cost: of a step, in forward passes of an image.
        steps: of the whole run.
    """

    spec: RunSpec
    config: Mapping[str, Any]
    cost: int
    steps: int

    @property
    def folder(self) -> Path:
        """The run's."""
        return self.spec.out

    @property
    def name(self) -> str:
        """Of its folder."""
        return self.folder.name

    @property
    def seed(self) -> int:
        """The run's."""
        return int(self.config["hparams"]["seed"])

    @property
    def key(self) -> Key:
        """Which row of the tidy files is its."""
        return self.spec.method, self.spec.labels or 0, self.seed


def _command(spec: RunSpec) -> str:
    """The command that makes the same run."""
    line = ["python", "-m", "solutions", "train", spec.method, "--framework", str(spec.framework)]
    line += _chosen(spec.preset, spec.model)
    line += ["--data", Path(spec.data).name, "--labels", str(spec.labels), *_options(spec.given.values)]
    line += ["--note", spec.note] if spec.note else []
    return shlex.join([*line, "--out", f"runs/{spec.out.name}"])


def _cell(spec: RunSpec, splits: Splits) -> Cell:
    from course.training import RunFolder
    from solutions.experiments.experiment import begun_config, check_same_config, plan

    planned = plan(spec, splits)
    folder, config = RunFolder(spec.out), planned.config
    if folder.result.is_file() or folder.holds_run():
        # A note changes no number: the run keeps its own.
        note = begun_config(folder).get("note", "")
        spec, config = replace(spec, note=note), {**config, "note": note}
        check_same_config(folder, config)
    cost = forward_equivalents(1, *images_per_step(spec.method, config["hparams"]))
    return Cell(replace(spec, command=_command(spec)), config, cost, planned.hparams.steps)


def make_cells(sweep: SweepSpec) -> list[Cell]:
    """All runs, those of the first seed first, so that an unfinished table is balanced.

    Raises:
        CourseError: any of the runs cannot be.
    """
    from course.data import load_dataset
    from solutions.experiments.experiment import resolve

    sweep.check()
    specs = sweep.runs()
    resolve(specs[0])  # a wrong word is found out before data are fetched
    splits = load_dataset(specs[0].data)
    return [_cell(spec, splits) for spec in specs]
