"""Runs of the command line on a data set of 4 classes with the network of 200 weights."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
import typer

from course.data import make_shapes
from tests.support import tiny_run


@dataclass(frozen=True)
class Answer:
    """What a command gave back."""

    code: int
    out: str
    err: str


CommandLine = Callable[..., Answer]


@functools.cache
def built(app: typer.Typer) -> Any:
    """The commands of an application. Typer makes them, three quarters of parsing a line, for each call."""
    return typer.main.get_command(app)


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> CommandLine:
    """``python -m solutions`` in this process."""
    from solutions.experiments.cli import app, main

    command = built(app)

    def run(*words: object) -> Answer:
        monkeypatch.setattr("typer.main.get_command", lambda app: command)
        monkeypatch.setattr(sys, "argv", ["solutions", *map(str, words)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
            sys.exit(0)
        code = ended.value.code
        return Answer(code if isinstance(code, int) else int(code is not None), *capfd.readouterr())

    return run


@pytest.fixture(scope="session")
def tiny_npz(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """48 training images of 4 classes, 20 test images."""
    path = tmp_path_factory.mktemp("data") / "tiny.npz"
    train, test = tiny_run.images(48, 1), tiny_run.images(20, 2)
    np.savez(path, x_train=train.data, y_train=train.targets, x_test=test.data, y_test=test.targets)
    return path


@pytest.fixture(scope="session")
def small_npz(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """400 training images of 10 classes, 40 test images."""
    path = tmp_path_factory.mktemp("data") / "small.npz"
    splits = make_shapes(n_train=400, n_test=40)
    (train, test) = splits.train, splits.test
    np.savez(path, x_train=train.data, y_train=train.targets, x_test=test.data, y_test=test.targets)
    return path


@pytest.fixture
def tiny_network() -> Iterator[None]:
    """In place of ResNet18."""
    with ExitStack() as patches:
        patches.enter_context(tiny_run.tiny_resnet18())
        patches.enter_context(mock.patch("solutions.experiments.pretrain.resnet18", tiny_run.TinyModel))
        yield


@pytest.fixture
def drawn_curves() -> None:
    """For a test whose runs draw their curves."""


@pytest.fixture(autouse=True)
def undrawn_curves(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run makes its figure and does not draw it: drawing takes as long as the rest of a tiny run."""
    if "drawn_curves" in request.fixturenames:
        return
    from solutions.experiments import curves

    stock = curves.plot_runs

    def plot_runs(*arguments: Any) -> None:
        with mock.patch("matplotlib.figure.Figure.savefig", lambda figure, file, **_: file.write(b"undrawn")):
            stock(*arguments)

    monkeypatch.setattr(curves, "plot_runs", plot_runs)


class Called(Exception):
    """The run that a command line asks for."""


@pytest.fixture
def asked(cli: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[str, Any, dict[str, Any]]]:
    """What a command line would run: (method, its hyperparameters, everything else by name)."""
    from solutions.experiments.experiment import resolve

    def run(spec: Any, **options: Any) -> Any:
        backend, model, make_hparams = resolve(spec)
        found = {"framework": backend.name, "model": model, **options}
        raise Called(spec, make_hparams(logdir=str(spec.out), num_classes=10), found)

    monkeypatch.setattr("solutions.experiments.experiment.run", run)

    def parse(*words: str) -> tuple[str, Any, dict[str, Any]]:
        with pytest.raises(Called) as caught:
            cli(*words)
        spec, hparams, found = caught.value.args
        return spec.method, hparams, {**vars(spec), **found}

    return parse


@pytest.fixture
def another() -> Callable[[Any], Any]:
    """A value of the same kind that is within every hyperparameter's bounds."""

    def of(default: Any) -> Any:
        if isinstance(default, bool):
            return not default
        if isinstance(default, StrEnum):
            return next(word for word in type(default) if word is not default)
        if isinstance(default, float):
            return 0.25
        return 13 if default is None or isinstance(default, int) else "runs/other"

    return of
