"""Runs of the command line on a data set of 4 classes with the network of 200 weights."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "training"))

import tiny_run


@dataclass(frozen=True)
class Answer:
    """What a command gave back."""

    code: int
    out: str
    err: str


CommandLine = Callable[..., Answer]


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> CommandLine:
    """``python -m solutions`` in this process."""
    from solutions.__main__ import main

    def run(*words: object) -> Answer:
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


@pytest.fixture
def tiny_network() -> Iterator[None]:
    """In place of ResNet18."""
    with ExitStack() as patches:
        patches.enter_context(tiny_run.tiny_resnet18())
        patches.enter_context(mock.patch("solutions.pretrain.resnet18", tiny_run.TinyModel))
        yield
