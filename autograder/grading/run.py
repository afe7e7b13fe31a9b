"""Running a hand-in: its cells in a sandbox, its checks from outside, and no cell at the cost of another."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from contextlib import suppress
from copy import deepcopy
from functools import cached_property
from pathlib import Path
from queue import Empty
from typing import Any

import nbformat
import zmq
from jupyter_core.utils import ensure_async, run_sync
from nbclient.client import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode
from nbgrader.preprocessors import Execute
from nbgrader.utils import is_grade, is_locked, is_solution
from traitlets import Bool, Enum, Integer, Unicode

from autograder.grading.clean import clean_outputs
from autograder.grading.hand_in import is_unreadable
from autograder.grading.imports import without_lacking
from autograder.grading.judge import judge_exercise
from autograder.grading.kernel import SandboxedKernel, fork_server, imported, room
from autograder.grading.matching import FIGURE, HANDED_IN, SKIPPING_TAGS
from autograder.grading.points import CHECK
from autograder.grading.prepare import prepare, programs_folder
from autograder.grading.remote import Remote, Session, failure
from autograder.grading.sandbox import Sandbox, find_sandbox
from autograder.grading.sandbox.joining import CannotJoin
from autograder.grading.secret import FOLDER
from autograder.grading.space import must_not_be_full
from autograder.outputs import merge_streams, overwrite_lines
from course.catalog import Unit, load_course
from course.checks.case import Failure
from course.checks.notebook import CheckFailed
from course.checks.render import render_html, render_text
from course.checks.result import Result, State
from course.checks.runner import find_check, not_attempted
from course.notebook.imports import modules_in

SETTLE_SECONDS = 0.3
# Characters that a message counts for besides its text: thousands of empty ones fill the memory too.
MESSAGE = 64
LAST_SECONDS = 30  # behind a hand-in's time, in which what runs is stopped in order
# Where a notebook's outcomes stand in nbgrader's resources: grade id → whether the cell ran to its end.
OUTCOMES = "outcomes"
REPORT_FACTS = "course"  # in a report's metadata: its exercise, state and message, for the class report
TRAINS = "Not run while grading: this cell trains, or needs a trained network."
SHOWS = "Not run while grading: this cell only shows something."
BEHIND = "Not run while grading: no check follows it."
NOTHING = "Not run while grading: the file that was handed in could not be read."


class RunCells(Execute):
    """Runs the cells up to the last check in a sandbox, skips those that train, and judges the exercises.

    Where an exercise's check stands, the cell itself is not run: the function is driven in the sandbox and
    judged out here (`judge_exercise`), with inputs drawn from the instructor's secret too. A grade cell for
    which the course has no check, an instructor's own, passes when it runs to its end.

    A cell over its time is interrupted. If it goes on regardless, or ends the process, the kernel is
    replaced, the cells before it run again, and grading continues behind it.
    """

    notebook_timeout = Integer(
        900, help="Seconds for all cells of a hand-in together; later cells are not run and get no points."
    ).tag(config=True)
    case_timeout = Integer(60, help="Seconds for one case of a check.").tag(config=True)
    check_timeout = Integer(240, help="Seconds for all cases of a check, hidden ones included.").tag(
        config=True
    )
    max_output = Integer(2_000_000, help="Characters of output kept of one cell.").tag(config=True)
    unsafe_no_sandbox = Bool(
        False, help="Run students' code in the instructor's own account where no sandbox is to be had."
    ).tag(config=True)
    grading_folder = Unicode(
        FOLDER, help="Folder of the secret that hidden inputs are drawn from, and of what is drawn."
    ).tag(config=True)

    fork_server = Unicode("", help="Address of a fork server; without one, this process has its own.")

    iopub_timeout = Integer(10, help="Seconds that an interrupted cell has to stop.").tag(config=True)
    shutdown_kernel = Enum(["graceful", "immediate"], default_value="immediate").tag(config=True)
    store_widget_state = Bool(False).tag(config=True)
    record_timing = Bool(False).tag(config=True)
    # Done once all cells have run: nbclient does it after each cell, loses the displays that later cells
    # replace, and takes minutes for a long line.
    coalesce_streams = Bool(False).tag(config=True)

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict, km: None = None
    ) -> tuple[NotebookNode, ResourcesDict]:
        """Run one notebook and put its outcomes into ``resources["nbgrader"]["outcomes"]``."""
        NotebookClient.__init__(self, nb, km)
        self.reset_execution_trackers()
        self.resources = resources
        self.timeout_func = self._seconds_for
        self._deadline = self._check_deadline = math.inf  # the clock starts with the first session
        self._kept, self._cut = 0, False
        self._reply: dict[str, Any] = {}
        self._asking = False
        self._who = resources["nbgrader"]["student"]
        unit = unit_of(resources["nbgrader"].get("assignment", ""))
        self._modules = imported(unit.framework if unit is not None else None)
        self._exercises = judged_exercises(unit)
        self._died_in: set[int] = set()
        self._outcomes: dict[str, bool] = {}
        self._results: dict[int, Result] = {}
        resources["nbgrader"][OUTCOMES] = self._outcomes

        todo = cells_to_run(nb)
        _remark_on_others(nb, todo)
        if is_unreadable(nb):
            self._leave_out(todo)
        folder = self._handed_in()
        self._beside = modules_in(folder) if folder is not None else frozenset()
        ran: list[int] = []
        while todo and self._has_time():
            try:
                with room(self._sandbox, folder, self._programs) as self._room:
                    self.km = kernel = SandboxedKernel(self._room, self._server)
                    with (
                        self.setup_kernel(cwd=str(self._room.work)),
                        kernel.watched(lambda: self._deadline + LAST_SECONDS) as self._overuse,
                    ):
                        self._deadline = min(self._deadline, time.monotonic() + self.notebook_timeout)
                        self._run_in_one_kernel(ran, todo)
            except CannotJoin as error:  # nothing has run; by a command it starts as well, if later
                self.log.info("%s: %s", self._who, error)
                self._sandbox = find_sandbox(forks=False)
        for index in todo:
            self._fail(nb.cells[index], f"not run: the hand-in took over {self.notebook_timeout} seconds")
        merge_streams(nb)
        overwrite_lines(nb)
        for cell in nb.cells:
            clean_outputs(cell)
        for index, result in self._results.items():
            nb.cells[index].outputs = _report(result)
        return nb, resources

    def _handed_in(self) -> Path | None:
        """The folder of what was handed in; nbgrader's copy of it lacks the student's modules."""
        facts = self.resources["nbgrader"]
        if self.parent is not None:
            directory = self.parent.parent.coursedir
            folder = directory.submitted_directory
            return Path(directory.format_path(folder, facts["student"], facts["assignment"]))
        path = self.resources.get("metadata", {}).get("path")
        return Path(path) if path else None

    def on_cell_executed(self, **kwargs: Any) -> None:
        """nbclient's hook behind each cell: keep the kernel's verdict."""
        super().on_cell_executed(**kwargs)
        self._reply = kwargs["execute_reply"]["content"]

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> Any:
        """nbclient's handler of one message of the kernel, which may send anything.

        While a check is asking, nothing is shown: its report is the grader's.
        """
        if self._asking and msg.get("msg_type") != "status":
            return None
        try:
            return super().process_message(msg, cell, cell_index)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            self.log.debug("%s: a message that makes no sense was dropped (%r)", self._who, error)
            return None

    def output(self, outs: list[NotebookNode], msg: dict[str, Any], display_id: Any, cell_index: int) -> Any:
        """nbclient's handler of one output: what is beyond ``max_output`` is dropped."""
        content = msg["content"]
        if msg["msg_type"] == "stream" and not _is_printed(content):
            return None
        parts = [content.get("text", ""), *content.get("data", {}).values()]
        self._kept += MESSAGE + sum(len(str(part)) for part in parts)
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
            exercise = self._exercises.get(cell.metadata.get("nbgrader", {}).get("grade_id", ""))
            try:
                if exercise is None:
                    self._execute(index)
                else:
                    self._judge(index, exercise)
            except DeadKernelError:
                if index in self._died_in:
                    why = f"it used {self._overuse[0]}" if self._overuse else ""
                    self._fail(cell, why or "the cell ended its Python process")
                    del todo[0]
                self._died_in.add(index)
                return
            except CellTimeoutError:
                self._fail(cell, f"it took more than {self._limit} seconds and could not be interrupted")
                del todo[0]
                return
            del todo[0]
            if exercise is not None:
                continue
            if is_grade(cell) and not is_solution(cell):
                self._keep(cell, self._reply["status"] == "ok")
            if self._reply.get("ename") == self.error_on_timeout["ename"]:
                self.log.warning("%s, cell %s: stopped after %s seconds", self._who, cell.id, self._limit)
            else:
                ran.append(index)

    def _leave_out(self, todo: list[int]) -> None:
        """Say below each cell that nothing is run, and of each exercise that it was not attempted."""
        while todo:
            index = todo.pop(0)
            cell = self.nb.cells[index]
            exercise = self._exercises.get(cell.metadata.get("nbgrader", {}).get("grade_id", ""))
            cell.outputs = [_says(NOTHING)]
            if exercise is not None:
                self._results[index] = not_attempted(find_check(exercise)[1])
                self._outcomes[cell.metadata.nbgrader.grade_id] = False

    def _execute(self, index: int) -> None:
        self._kept, self._cut = 0, False
        cell = self.nb.cells[index]
        source = cell.source
        if not is_locked(cell):
            cell.source = without_lacking(source, self._beside)
        try:
            self._run_cell(cell, index, store_history=True)
        finally:
            cell.source = source

    def _run_cell(self, cell: NotebookNode, index: int, *, store_history: bool) -> None:
        """nbclient's ``execute_cell``; a kernel that cannot be reached any more counts as dead."""
        try:
            self.execute_cell(cell, index, store_history=store_history)
        except zmq.ZMQError as error:
            raise DeadKernelError(f"its sockets are broken ({error})") from error

    def _judge(self, index: int, exercise: str) -> None:
        """Judge an exercise where its check stands, and keep the result.

        Raises:
            CellTimeoutError, DeadKernelError: the session is lost.
            OSError: the disk is full.
        """
        self._check_deadline = time.monotonic() + self.check_timeout
        session = Session(lambda request: self._ask(index, request), self._room.questions, self._room.answers)
        hidden = prepare(self.resources["nbgrader"]["assignment"], exercise, self._own_folder)
        result = judge_exercise(exercise, Remote(session, exercise), hidden)
        self._keep(self.nb.cells[index], result.state is State.CORRECT)
        self._results[index] = result

    def _keep(self, cell: NotebookNode, passed: bool) -> None:
        """Keep the outcome of a grade cell.

        Raises:
            OSError: it is none, for the disk is full, and the session could not write what it wanted.
        """
        if not passed:
            must_not_be_full(self._room.work)
        self._outcomes[cell.metadata.nbgrader.grade_id] = passed

    def _ask(self, index: int, request: Mapping[str, Any]) -> Failure | None:
        """Have the session serve a request of a check; see ``course.checks.worker``."""
        serve = f"__import__('course.checks.worker', fromlist=['serve']).serve({dict(request)!r})"
        self._kept, self._cut = 0, False
        self._asking, cell = True, self.nb.cells[index]
        waits, self.iopub_timeout = self.iopub_timeout, 1  # what it shows is not needed
        try:
            self._run_cell(nbformat.v4.new_code_cell(serve), index, store_history=False)
        finally:
            # nbclient puts the cell that it runs in the place of the one with that index.
            self._asking, self.nb.cells[index] = False, cell
            self.iopub_timeout = waits
        if self._reply.get("ename") == self.error_on_timeout["ename"]:
            return failure("TimeLimit", f"no answer after {self._limit} seconds")
        return None

    @cached_property
    def _own_folder(self) -> Path:
        """What the grader keeps for itself."""
        root = self.parent.parent.coursedir.root if self.parent is not None else ""
        return Path(root, self.grading_folder).resolve()

    def _server(self) -> str:
        """The address of the fork server: the one that was named, or this process's."""
        return self.fork_server or fork_server(self._programs, self._modules).address

    @cached_property
    def _programs(self) -> Path:
        return programs_folder(self._own_folder)

    @cached_property
    def _sandbox(self) -> Sandbox:
        sandbox = find_sandbox(unsafe=self.unsafe_no_sandbox)
        if self.unsafe_no_sandbox:
            self.log.warning("students' code runs without a sandbox, with all rights of this account")
        return sandbox

    def _loses_kernel_again(self, index: int) -> bool:
        """Run a cell once more, with its outputs thrown away, and see whether the kernel survives it."""
        original = self.nb.cells[index]
        self.nb.cells[index] = deepcopy(original)
        try:
            self._execute(index)
            # exit() returns, and stops the kernel a moment later.
            time.sleep(SETTLE_SECONDS)
            run_sync(self._hear_from_kernel)()
        except (CellTimeoutError, DeadKernelError, TimeoutError, zmq.ZMQError) as error:
            self._fail(original, f"it ends the session: left out when the cells ran again ({error})")
            return True
        finally:
            self.nb.cells[index] = original
        return False

    async def _hear_from_kernel(self) -> None:
        """Wait for an answer of the kernel. nbclient's own wait has no end where it lives and has no sockets.

        Raises:
            DeadKernelError: it has ended.
            TimeoutError: it lives, and does not answer.
        """
        for _ in range(self.iopub_timeout):
            await self._async_check_alive()
            with suppress(TimeoutError, Empty):
                await ensure_async(self.kc.kernel_info(reply=True, timeout=1))
                return
        raise TimeoutError("it does not answer")

    def _fail(self, cell: NotebookNode, reason: str) -> None:
        self.log.warning("%s, cell %s: %s", self._who, cell.id, reason)
        text = f"NotGraded: {reason}"
        error = nbformat.v4.new_output("error", ename="NotGraded", evalue=reason, traceback=[text])
        cell.outputs.append(error)

    def _has_time(self) -> bool:
        return time.monotonic() < self._deadline

    def _seconds_for(self, cell: NotebookNode) -> int:
        """nbclient's ``timeout_func``. Never 0, which would mean no limit."""
        most, deadline = self.timeout, self._deadline
        if self._asking:
            most, deadline = self.case_timeout, min(deadline, self._check_deadline)
        self._limit = max(1, math.ceil(min(most, deadline - time.monotonic())))
        return self._limit


def unit_of(assignment: str) -> Unit | None:
    """The unit of an assignment; None where the course does not know it."""
    return next((unit for unit in load_course().units if unit.name == assignment), None)


def judged_exercises(unit: Unit | None) -> dict[str, str]:
    """Grade id → exercise of a unit's checks."""
    return {f"{CHECK}{exercise.name}": exercise.name for exercise in (unit.exercises if unit else ())}


def _report(result: Result) -> list[NotebookNode]:
    """What stands below a check: the grader's own report, as in the student's notebook."""
    data = {"text/html": render_html(result), "text/plain": render_text(result)}
    facts = {"exercise": result.exercise, "state": result.state.value, "message": result.message}
    shown = [nbformat.v4.new_output("display_data", data=data, metadata={REPORT_FACTS: facts})]
    if result.state is not State.CORRECT:
        error = CheckFailed(result)
        lines = error._render_traceback_()
        shown.append(nbformat.v4.new_output("error", ename="CheckFailed", evalue=str(error), traceback=lines))
    return shown


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


def _is_printed(content: Mapping[str, Any]) -> bool:
    """Whether this is text on one of the two streams; a kernel may send anything in its place."""
    return content.get("name") in ("stdout", "stderr") and isinstance(content.get("text"), str)


def _says(text: str) -> NotebookNode:
    return nbformat.v4.new_output("stream", name="stdout", text=f"{text}\n")
