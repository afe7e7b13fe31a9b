"""``about.json``: what is common to all rows of a sweep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from course.errors import CourseError
from solutions.experiments.methods import METHODS
from solutions.experiments.sweep.cells import Cell
from solutions.experiments.tidy import Tidy

# hyperparameters that rows differ in
OF_A_RUN = ("seed", "n_labeled", "num_labeled_training_samples_per_class")


def check_about(tidy: Tidy, about: Mapping[str, Any]) -> None:
    """Rows that have no run's folder any more are of this sweep if their settings are.

    Raises:
        CourseError: the files in the folder are of another sweep.
    """
    before = tidy.about
    if not before:
        if tidy.rows:
            raise CourseError(
                f"{tidy.folder} holds results.csv without about.json: delete it; --resume collects the "
                "finished runs again"
            )
        return
    pairs = [(name, before.get(name), about[name]) for name in ("preset", "data", "framework")]
    for method in METHODS:
        old, new = (a.get("hparams", {}).get(method) for a in (before, about))
        if old is not None and new is not None:
            pairs += [(f"{name} of {method}", old.get(name), value) for name, value in new.items()]
            pairs += [(f"model of {method}", before["models"].get(method), about["models"][method])]
    for name, was, now in pairs:
        if was != now:
            raise CourseError(
                f"{tidy.folder} was begun with {name} {was}, not {now}: give the same options, or choose "
                "another --out"
            )


def describe(cells: Sequence[Cell], data: str, command: str) -> dict[str, Any]:
    """What a sweep's runs have in common; ``data`` is the data set's name and ``command`` makes the sweep."""
    first = cells[0].config
    hparams: dict[str, dict[str, Any]] = {}
    for cell in cells:
        own = {name: v for name, v in cell.config["hparams"].items() if name not in OF_A_RUN}
        known = hparams.setdefault(cell.spec.method, own)
        for name in [n for n in known if own[n] != known[n]]:
            del known[name]
    return {
        "preset": first["preset"],
        "data": data,
        "framework": first["framework"],
        "models": {cell.spec.method: cell.config["model"] for cell in cells},
        "methods": [m for m in METHODS if m in hparams],
        "labels": sorted({cell.spec.labels for cell in cells}),
        "seeds": sorted({cell.seed for cell in cells}),
        "note": first["note"],
        "command": command,
        "hparams": hparams,
    }


def united(before: Mapping[str, Any], about: dict[str, Any]) -> dict[str, Any]:
    """The description of a sweep that has been extended."""
    for name in ("labels", "seeds"):
        about[name] = sorted({*before.get(name, ()), *about[name]})
    for name in ("hparams", "models"):
        about[name] = {**before.get(name, {}), **about[name]}
    about["methods"] = [m for m in METHODS if m in about["hparams"]]
    # A line for each command: together they need not make every method with every number and seed.
    about["command"] = "\n".join(dict.fromkeys([*before.get("command", "").splitlines(), about["command"]]))
    for name in ("hardware", "versions"):  # of the rows that are there already
        if name in before:
            about[name] = before[name]
    return about
