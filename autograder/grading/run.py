"""Running a hand-in within limits: whatever a cell does, it costs no other cell its points."""

from __future__ import annotations

import math
import os
import shutil
import tempfile
import time
from copy import deepcopy
from pathlib import Path
from typing import Any

import nbformat
from nbclient.client import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode
from nbgrader.preprocessors import Execute
from nbgrader.utils import is_grade, is_solution
from traitlets import Bool, Enum, Integer

from autograder.cpu_mode import CPU_MODE
from autograder.grading.matching import FIGURE, HANDED_IN, SKIPPING_TAGS

SETTLE_SECONDS = 0.3
# Where a notebook's outcomes stand in nbgrader's resources: grade id → whether the cell ran to its end.
OUTCOMES = "outcomes"
TRAINS = "Not run while grading: this cell trains, or needs a trained network."
SHOWS = "Not run while grading: this cell only shows something."
BEHIND = "Not run while grading: no check follows it."


class RunCells(Execute):
    """Runs the cells up to the last check, skips those that train, and records which checks passed.

    A cell over its time is interrupted. If it goes on regardless, or ends the process, the kernel is
    replaced, the cells before it run again, and grading continues behind it.
    """

    notebook_timeout = Integer(
        900, help="Seconds for all cells of a hand-in together; later cells are not run and get no points."
    ).tag(config=True)
    max_output = Integer(2_000_000, help="Characters of output kept of one cell.").tag(config=True)

    iopub_timeout = Integer(10, help="Seconds that an interrupted cell has to stop.").tag(config=True)
    shutdown_kernel = Enum(["graceful", "immediate"], default_value="immediate").tag(config=True)
    store_widget_state = Bool(False).tag(config=True)
    record_timing = Bool(False).tag(config=True)
    coalesce_streams = Bool(True).tag(config=True)

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict, km: None = None
    ) -> tuple[NotebookNode, ResourcesDict]:
        """Run one notebook and put its outcomes into ``resources["nbgrader"]["outcomes"]``."""
        NotebookClient.__init__(self, nb, km)
        self.reset_execution_trackers()
        self.resources = resources
        self.timeout_func = self._seconds_for
        self._deadline = time.monotonic() + self.notebook_timeout
        self._kept, self._cut = 0, False
        self._reply: dict[str, Any] = {}
        self._who = resources["nbgrader"]["student"]
        self._died_in: set[int] = set()
        self._outcomes: dict[str, bool] = {}
        resources["nbgrader"][OUTCOMES] = self._outcomes

        todo = cells_to_run(nb)
        _remark_on_others(nb, todo)
        ran: list[int] = []
        folder = tempfile.mkdtemp(prefix="ipython-")
        _remove_work(resources)  # a student's own, handed in with the notebook: no verdict depends on it
        try:
            while todo and self._has_time():
                with self.setup_kernel(env=kernel_environment(folder)):
                    self._run_in_one_kernel(ran, todo)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            _remove_work(resources)
        for index in todo:
            self._fail(nb.cells[index], f"not run: the hand-in took over {self.notebook_timeout} seconds")
        return nb, resources

    def on_cell_executed(self, **kwargs: Any) -> None:
        """nbclient's hook behind each cell: keep the kernel's verdict."""
        super().on_cell_executed(**kwargs)
        self._reply = kwargs["execute_reply"]["content"]

    def output(self, outs: list[NotebookNode], msg: dict[str, Any], display_id: Any, cell_index: int) -> Any:
        """nbclient's handler of one output: what is beyond ``max_output`` is dropped."""
        content = msg["content"]
        parts = [content.get("text", ""), *content.get("data", {}).values()]
        self._kept += sum(len(str(part)) for part in parts)
        if self._kept <= self.max_output:
            return super().output(outs, msg, display_id, cell_index)
        if not self._cut:
            self._cut = True
            outs.append(_says("\n… output cut while grading …"))
        return None

    def _run_in_one_kernel(self, ran: list[int], todo: list[int]) -> None:
        """Run cells until none is left, the time is over or the kernel is lost.

        Args:
            ran: cells to run again first, without recording anything; one that loses the kernel is removed,
                and those that succeed now are added.
            todo: cells still to run; each that was tried is removed, except one in which the kernel died for
                the first time: a cell before it may have been the cause, which running that one again shows.
        """
        for index in list(ran):
            if self._loses_kernel_again(index):
                ran.remove(index)
                return
        while todo and self._has_time():
            index = todo[0]
            cell = self.nb.cells[index]
            try:
                self._execute(index)
            except DeadKernelError:
                if index in self._died_in:
                    self._fail(cell, "the cell ended its Python process")
                    del todo[0]
                self._died_in.add(index)
                return
            except CellTimeoutError:
                self._fail(cell, f"it took more than {self._limit} seconds and could not be interrupted")
                del todo[0]
                return
            del todo[0]
            if is_grade(cell) and not is_solution(cell):
                self._outcomes[cell.metadata.nbgrader.grade_id] = self._reply["status"] == "ok"
            if self._reply.get("ename") == self.error_on_timeout["ename"]:
                self.log.warning("%s, cell %s: stopped after %s seconds", self._who, cell.id, self._limit)
            else:
                ran.append(index)

    def _execute(self, index: int) -> None:
        self._kept, self._cut = 0, False
        self.execute_cell(self.nb.cells[index], index, store_history=True)

    def _loses_kernel_again(self, index: int) -> bool:
        """Run a cell once more, with its outputs thrown away, and see whether the kernel survives it."""
        original = self.nb.cells[index]
        self.nb.cells[index] = deepcopy(original)
        try:
            self._execute(index)
            # exit() returns, and stops the kernel a moment later.
            time.sleep(SETTLE_SECONDS)
            self.wait_for_reply(self.kc.kernel_info())
        except (CellTimeoutError, DeadKernelError) as error:
            self.log.warning("%s, cell %s: left out from here on (%s)", self._who, original.id, error)
            return True
        finally:
            self.nb.cells[index] = original
        return False

    def _fail(self, cell: NotebookNode, reason: str) -> None:
        self.log.warning("%s, cell %s: %s", self._who, cell.id, reason)
        text = f"NotGraded: {reason}"
        error = nbformat.v4.new_output("error", ename="NotGraded", evalue=reason, traceback=[text])
        cell.outputs.append(error)

    def _has_time(self) -> bool:
        return time.monotonic() < self._deadline

    def _seconds_for(self, cell: NotebookNode) -> int:
        """nbclient's ``timeout_func``. Never 0, which would mean no limit."""
        self._limit = max(1, min(self.timeout, math.ceil(self._deadline - time.monotonic())))
        return self._limit


def _remove_work(resources: ResourcesDict) -> None:
    """Remove what the course keeps of a student's work beside the notebook that is being graded."""
    beside = resources.get("metadata", {}).get("path")
    if beside:
        shutil.rmtree(Path(beside) / CPU_MODE["SSL_COURSE_WORK"], ignore_errors=True)


def kernel_environment(folder: str) -> dict[str, str]:
    """The environment of a grading kernel: CPU only, and nothing of the instructor's IPython profile.

    Args:
        folder: an empty one, for IPython's own files.
    """
    environment = dict(os.environ)
    # nbgrader tells student code with this that it is being graded.
    environment.pop("NBGRADER_EXECUTION", None)
    return environment | CPU_MODE | {"IPYTHONDIR": folder}


def cells_to_run(nb: NotebookNode) -> list[int]:
    """Indices of the code cells that grading runs.

    These are the cells up to the last check that neither train nor draw, and behind it those whose output is
    handed in.
    """
    code = _code_cells(nb)
    checks = [index for index in code if is_grade(nb.cells[index])]
    last = checks[-1] if checks else -1
    wanted = [
        index for index in code if index <= last or HANDED_IN in nb.cells[index].metadata.get("tags", [])
    ]
    return [index for index in wanted if not _skipping_tags(nb.cells[index])]


def _remark_on_others(nb: NotebookNode, chosen: list[int]) -> None:
    """Say in each code cell that is not run why it is not."""
    for index in set(_code_cells(nb)) - set(chosen):
        tags = _skipping_tags(nb.cells[index])
        reason = BEHIND if not tags else SHOWS if tags == {FIGURE} else TRAINS
        nb.cells[index].outputs = [_says(reason)]


def _code_cells(nb: NotebookNode) -> list[int]:
    return [index for index, cell in enumerate(nb.cells) if cell.cell_type == "code" and cell.source.strip()]


def _skipping_tags(cell: NotebookNode) -> set[str]:
    return SKIPPING_TAGS & set(cell.metadata.get("tags", []))


def _says(text: str) -> NotebookNode:
    return nbformat.v4.new_output("stream", name="stdout", text=f"{text}\n")
