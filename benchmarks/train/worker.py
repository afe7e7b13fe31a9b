"""A process for each pipeline, so that its memory is its own, and the process that asks them in turn."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, TextIO

from benchmarks.train.pipeline import Pipeline, naming_batch
from benchmarks.train.setting import Setting
from course.errors import CourseError

# Name → module and class, which the process of the pipeline alone imports.
PIPELINES = {
    "practical": ("benchmarks.train.practical", "Practical"),
    "ours, JAX": ("benchmarks.train.ours", "OursInJax"),
    "ours, PyTorch": ("benchmarks.train.ours", "OursInTorch"),
    "plain PyTorch": ("benchmarks.train.plain_torch", "PlainTorch"),
}
ROOT = Path(__file__).parents[2]


def make(name: str, setting: Setting) -> Pipeline:
    """A pipeline by its name."""
    module, kind = PIPELINES[name]
    return getattr(importlib.import_module(module), kind)(setting)


def answer(pipeline: Pipeline, setting: Setting, steps: int, prepared: bool) -> dict[str, Any]:
    """What comes of a run, as plain values.

    Raises:
        CourseError: memory ran out.
    """
    with naming_batch(setting.labeled):
        timed = pipeline.run(steps, prepared)
    return {**asdict(timed), "memory": pipeline.memory(), "device_memory": pipeline.device_memory()}


class Worker:
    """A pipeline in a process of its own, in this process's group, so that Ctrl-C reaches it.

    Args:
        name: of `PIPELINES`.
        setting: what it is given.
        environment: variables on top of this process's.
    """

    def __init__(self, name: str, setting: Setting, environment: dict[str, str]) -> None:
        self.name = name
        self.said = TemporaryFile("w+")  # noqa: SIM115 (closed by `close`)
        command = [sys.executable, "-m", "benchmarks.train.worker", name, json.dumps(setting.plain())]
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.said,
            text=True,
        )

    def run(self, steps: int, prepared: bool = False) -> dict[str, Any]:
        """See `answer`.

        Raises:
            CourseError: it could not be run.
        """
        assert self.process.stdin is not None and self.process.stdout is not None
        try:
            self.process.stdin.write(json.dumps({"steps": steps, "prepared": prepared}) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise CourseError(self._last_words()) from None
        line = self.process.stdout.readline()
        if not line:
            raise CourseError(self._last_words())
        content = json.loads(line)
        if "error" in content:
            raise CourseError(content["error"])
        return content

    def _last_words(self) -> str:
        self.process.wait()
        self.said.seek(0)
        lines = [line.strip() for line in self.said.read().splitlines() if line.strip()]
        return lines[-1] if lines else f"the process ended with code {self.process.returncode}"

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdout, self.said):
            stream.close()
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()


def _serve(name: str, setting: Setting, asked: TextIO, answers: IO[str]) -> None:
    pipeline = None
    for line in asked:
        question = json.loads(line)
        try:
            began = time.perf_counter()
            pipeline = pipeline or make(name, setting)
            made = time.perf_counter() - began
            content = answer(pipeline, setting, question["steps"], question["prepared"])
            content["first"] += made
        except CourseError as error:
            content = {"error": str(error)}
        answers.write(json.dumps(content) + "\n")
        answers.flush()


def main() -> None:
    """Answer, line by line, what is asked on stdin."""
    # What libraries and the loop print goes with the errors.
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)
        _serve(sys.argv[1], Setting(**json.loads(sys.argv[2])), sys.stdin, answers)


if __name__ == "__main__":
    main()
