"""What a unit's record says of the training runs in its notebook.

``python -m benchmarks.cpu_mode`` repeats them over seeds and versions, and keeps what the notebook shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course.training.hparams import Settings
from solutions.experiments.experiment import kept_settings

# Seed, folder for the runs' folders → a run's folder name → its hyperparameters, in the order of training.
HparamsOf = Callable[[int, Path], Mapping[str, Settings]]
# (Folders of the same runs, "seed", "python", "library" and "threads" of each, what is the same in all) → the
# files to keep, by name.
Keep = Callable[[Sequence[Path], Sequence[Mapping[str, Any]], Mapping[str, Any]], Mapping[str, bytes]]


@dataclass(frozen=True)
class UnitRuns:
    """The runs of a unit's notebook in CPU mode, with the reference solutions.

    Attributes:
        titles: folder of a run → what it is called in tables. The first is compared with the second.
        settings: seed → folder of a run → hyperparameters that it must have been trained with.
        commands: (seed, folder) → command lines, without the interpreter, that make the runs.
        train: makes the runs of a seed in a folder, for ``python -m benchmarks.unit_runs``; None where the
            commands are others.
        library: what trains.
        shown: metrics whose bands are kept.
        must_win: whether the first has to have the lower error in each pair, by five points on average.
        spreads: how many sample standard deviations the mean difference must be worth.
        keep: what is kept in place of the runs and their bands.
    """

    titles: Mapping[str, str]
    settings: Callable[[int], Mapping[str, Mapping[str, Any]]]
    commands: Callable[[int, Path], Iterable[Sequence[str]]]
    train: Callable[[int, Path], None] | None = None
    library: str = "torch"
    shown: Sequence[str] = ()
    must_win: bool = True
    spreads: float = 0.0
    keep: Keep | None = None


def torch_runs(
    unit: str,
    titles: Mapping[str, str],
    hparams: HparamsOf,
    train: Callable[[int, Path], None],
    **more: Any,
) -> UnitRuns:
    """The runs of a PyTorch unit, which a function trains.

    Args:
        unit: its name.
        titles: as in `UnitRuns`.
        hparams: of the runs.
        train: makes them.
        **more: further fields of `UnitRuns`.
    """

    def settings(seed: int) -> dict[str, dict[str, Any]]:
        return {run: kept_settings(one) for run, one in hparams(seed, Path()).items()}

    def commands(seed: int, folder: Path) -> Iterable[list[str]]:
        yield ["-m", "benchmarks.unit_runs", unit, "--seed", str(seed), "--out", str(folder)]

    return UnitRuns(titles, settings, commands, train, **more)
