"""Running hand-ins within limits, one notebook at a time and without a gradebook."""

import json
import subprocess
import sys
import textwrap
from functools import partial
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode

from autograder.classroom.sample_class import SampleClass
from autograder.files import REPOSITORY
from autograder.grading import kernel
from autograder.grading.hand_in import UNREADABLE
from autograder.grading.run import BEHIND, NOTHING, OUTCOMES, SHOWS, TRAINS, RunCells
from autograder.grading.sandbox.joining import ForkServer
from autograder.grading.sandbox.place import MIB, Limits
from autograder.grading.troubles import trouble_in
from tests.support import full_session
from tests.support.namespaces import on_small_disk, why_none


def code(source: str, **metadata: Any) -> NotebookNode:
    return nbformat.v4.new_code_cell(source, metadata=metadata)


def check(name: str, source: str) -> NotebookNode:
    facts = {"grade_id": name, "grade": True, "solution": False, "locked": True, "points": 1}
    return code(source, nbgrader=facts)


def run(
    folder: Path, *cells: NotebookNode, unit: str = "", unreadable: bool = False, **limits: Any
) -> tuple[NotebookNode, dict[str, bool]]:
    notebook = nbformat.v4.new_notebook(cells=list(cells))
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    if unreadable:
        notebook.metadata["course"] = {UNREADABLE: "yes"}
    facts = {"student": "someone", "assignment": unit}
    resources: dict[str, Any] = {"nbgrader": facts, "metadata": {"path": str(folder)}}
    # One folder for all tests, and so one fork server.
    own = str(folder.parent / "grading")
    runner = RunCells(**({"timeout": 30, "iopub_timeout": 2, "grading_folder": own} | limits))
    notebook, resources = runner.preprocess(notebook, resources)
    return notebook, resources["nbgrader"][OUTCOMES]


def shown(cell: NotebookNode) -> str:
    return "".join(out.get("text", "") + "\n".join(out.get("traceback", [])) for out in cell.outputs)


def test_the_outcome_is_whether_the_cell_ran_to_its_end(tmp_path: Path) -> None:
    _, outcomes = run(
        tmp_path,
        check("passes", "assert True"),
        check("fails", "assert False"),
        check("complains", "import sys; print('warning', file=sys.stderr)"),
        check("shows", "float('nan')"),
        check("asks", "input()"),
        check("leaves", "raise SystemExit"),
    )
    assert outcomes == {
        "passes": True,
        "fails": False,
        "complains": True,
        "shows": True,
        "asks": False,
        "leaves": False,
    }


def test_a_lost_kernel_costs_its_own_cell_alone_and_earlier_ones_run_again(tmp_path: Path) -> None:
    log = tmp_path / "log"
    notebook, outcomes = run(
        tmp_path,
        code(f"open({str(log)!r}, 'a').write('first ')\nstate = 1"),
        check("before", "assert state == 1"),
        code("state += 1\nimport os"),
        check("dies", "os._exit(1)"),
        check("after", "assert state == 2"),
        check("dies too", "os.kill(os.getpid(), 9)"),
        check("last", "assert state == 2"),
        unsafe_no_sandbox=True,
    )
    assert outcomes == {"before": True, "after": True, "last": True}
    assert log.read_text() == "first first first first first "
    assert "ended its Python process" in shown(notebook.cells[3])
    assert shown(notebook.cells[1]) == ""


@pytest.mark.parametrize(
    "farewell", ["exit()", "quit()", "import os, threading\nthreading.Timer(0.1, os._exit, [1]).start()"]
)
def test_who_ends_the_process_a_moment_later_takes_no_other_cell_along(tmp_path: Path, farewell: str) -> None:
    notebook, outcomes = run(
        tmp_path,
        code("state = 1"),
        check("before", "assert state == 1"),
        code(farewell),
        check("after", "import time; time.sleep(1); assert state == 1"),
        check("last", "assert state == 1"),
    )
    assert outcomes == {"before": True, "after": True, "last": True}
    assert "it ends the session: left out when the cells ran again" in shown(notebook.cells[2])


@pytest.mark.parametrize("way", ["builtins.{} = None", "setattr(builtins, '{}', 2)", "del builtins.{}"])
def test_functions_of_python_that_are_overwritten_end_no_session(tmp_path: Path, way: str) -> None:
    """The kernel needs them as well: it ended, or answered nothing more."""
    log = tmp_path / "log"
    changes = "\n".join(way.format(name) for name in ("print", "len", "isinstance", "__import__"))
    mocks = """
        from unittest import mock
        with mock.patch("builtins.print") as printing:
            print("nothing")
        assert printing.called and len([1]) == 1
    """
    notebook, outcomes = run(
        tmp_path,
        code(f"import builtins\nopen({str(log)!r}, 'a').write('ran ')\n{changes}"),
        check("same notebook", textwrap.dedent(mocks)),
        check("its own name", "len = 3; builtins.extra = 4; assert extra == 4 and [len] == [3]"),
        unsafe_no_sandbox=True,
    )
    assert outcomes == {"same notebook": True, "its own name": True}
    assert log.read_text() == "ran "
    assert "builtins.len keeps its value while grading" in shown(notebook.cells[0])


def test_a_loop_that_cannot_be_interrupted_costs_its_own_cell_alone(tmp_path: Path) -> None:
    loop = "while True:\n    try:\n        time.sleep(1)\n    except BaseException:\n        pass"
    notebook, outcomes = run(
        tmp_path,
        code("import time\nstate = 1"),
        check("hangs", loop),
        check("after", "assert state == 1"),
        timeout=2,
    )
    assert outcomes == {"after": True}
    assert "could not be interrupted" in shown(notebook.cells[1])


def test_an_interrupted_cell_is_not_run_again_when_a_later_one_dies(tmp_path: Path) -> None:
    log = tmp_path / "log"
    _, outcomes = run(
        tmp_path,
        check("hangs", f"open({str(log)!r}, 'a').write('x')\nwhile True: pass"),
        check("dies", "import os; os._exit(1)"),
        check("last", "assert True"),
        timeout=3,
        unsafe_no_sandbox=True,
    )
    assert outcomes == {"hangs": False, "last": True}
    assert log.read_text() == "x"


def test_the_notebook_has_a_limit_of_its_own(tmp_path: Path) -> None:
    notebook, outcomes = run(
        tmp_path,
        check("first", "assert True"),
        code("while True: pass"),
        check("too late", "assert True"),
        notebook_timeout=4,
    )
    assert outcomes == {"first": True}
    assert "took over 4 seconds" in shown(notebook.cells[2])


def test_output_is_cut_and_the_outcome_kept(tmp_path: Path) -> None:
    flood = "for _ in range(2000):\n    print('x' * 10_000)"
    notebook, outcomes = run(tmp_path, code(flood), check("after", "assert True"), max_output=100_000)
    assert outcomes == {"after": True}
    assert len(shown(notebook.cells[0])) < 110_000
    assert "output cut" in shown(notebook.cells[0])


def test_a_module_that_grading_lacks_costs_only_what_needs_it(tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("value = 2")
    source = "import left_pad as lp\nimport helper\ndef f():\n    return helper.value"
    notebook, outcomes = run(
        tmp_path,
        code(source),
        check("does without", "assert f() == 2"),
        code("import left_pad as lp\ndef g():\n    return lp.pad"),
        check("needs it", "g()"),
    )
    assert outcomes == {"does without": True, "needs it": False}
    assert notebook.cells[0].source == source
    assert "No module named 'left_pad'" in shown(notebook.cells[2])


def test_a_display_that_a_later_cell_replaces_is_found_behind_lines_that_were_sent_apart(
    tmp_path: Path,
) -> None:
    show = """
        import sys
        print("one", flush=True)
        print("aside", file=sys.stderr, flush=True)
        print("two", flush=True)
        display("first", display_id="1");
        display("second", display_id="2");
    """
    notebook, _ = run(
        tmp_path,
        code(textwrap.dedent(show)),
        code("from IPython.display import update_display\nupdate_display('replaced', display_id='1')"),
        check("last", "print('10 %\\r100 %')"),
    )
    first, last = notebook.cells[0].outputs, notebook.cells[2].outputs
    printed = {out.name: out.text for out in first if out.output_type == "stream"}
    assert printed == {"stdout": "one\ntwo\n", "stderr": "aside\n"}
    assert [out.data["text/plain"] for out in first if "data" in out] == ["'replaced'", "'second'"]
    assert [out.text for out in last] == ["100 %\n"]


def test_who_fills_the_sessions_tmp_loses_that_cell_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cells, checks and their answers have their room elsewhere."""
    small = partial(kernel.room, limits=Limits(scratch_bytes=8 * MIB))
    monkeypatch.setattr("autograder.grading.run.room", small)
    sample = SampleClass(REPOSITORY, full_session.UNIT)
    notebook = nbformat.reads(sample.perfect().content.decode(), as_version=4)
    fills = "import os\nwith open(f'{os.sep}tmp{os.sep}filler', 'wb') as file: file.write(bytes(9 * 2**20))"
    full = "with open(f'{os.sep}tmp{os.sep}letter', 'wb') as file: file.write(b'a')"
    notebook, outcomes = run(tmp_path, code(fills), code(full), *notebook.cells, unit=full_session.UNIT)
    assert [NO_ROOM in shown(cell) for cell in notebook.cells[:2]] == [True, True]
    assert list(outcomes.values()) == [True] * len(sample.names)


def test_a_disk_that_is_full_gives_no_verdict(tmp_path: Path) -> None:
    """The session cannot write its answer, and that is not the student's fault."""
    if why := why_none(tmp_path):
        pytest.skip(f"no namespaces here: {why}")
    sample = SampleClass(REPOSITORY, full_session.UNIT)
    hand_in, disk = tmp_path / "hand-in" / f"{sample.unit.notebook}.ipynb", tmp_path / "disk"
    for folder in (hand_in.parent, disk):
        folder.mkdir()
    hand_in.write_bytes(sample.perfect().content)
    release = REPOSITORY / "release" / full_session.UNIT / hand_in.name
    script = [sys.executable, "-m", "tests.support.full_session", hand_in, release, tmp_path / "own", disk]
    command = on_small_disk(disk, full_session.DISK_BYTES, script)
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    too_little, full, with_room = map(json.loads, done.stdout.splitlines())
    assert too_little.startswith(f"CourseError: {disk} has 64 MiB free, less room than a hand-in may fill")
    assert full.startswith(f"OSError: [Errno 28] {NO_ROOM}")
    assert ["TMPDIR" in str(trouble_in(said)) for said in (too_little, full)] == [True, False]
    assert list(with_room.values()) == [True] * len(sample.names)


NO_ROOM = "No space left on device"


def test_training_cells_and_cells_behind_the_last_check_do_not_run(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    notebook, outcomes = run(
        tmp_path,
        code(f"open({str(mark)!r}, 'w')", tags=["training"]),
        code(f"open({str(mark)!r}, 'w')", tags=["figure"]),
        check("only", "assert True"),
        code(f"open({str(mark)!r}, 'w')"),
        unsafe_no_sandbox=True,
    )
    assert outcomes == {"only": True}
    assert not mark.exists()
    assert [shown(cell).strip() for cell in notebook.cells] == [TRAINS, SHOWS, "", BEHIND]


def test_a_notebook_without_checks_starts_no_kernel(tmp_path: Path) -> None:
    _, outcomes = run(tmp_path, code("1 / 0"), kernel_name="no-such-kernel")
    assert outcomes == {}


def test_a_file_that_could_not_be_read_starts_no_session_and_has_its_reports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autograder.grading.run.room", None)
    cells = [code("1 / 0"), check("check-summarize", "assert True"), check("own", "assert True"), code("2")]
    notebook, outcomes = run(tmp_path, *cells, unit="comparison", unreadable=True)
    assert outcomes == {"check-summarize": False}
    assert [shown(notebook.cells[index]).strip() for index in (0, 2, 3)] == [NOTHING, NOTHING, BEHIND]
    assert "summarize: not attempted" in shown(notebook.cells[1])


def test_a_figure_that_is_handed_in_is_drawn_for_the_grader(tmp_path: Path) -> None:
    draw = """
        from matplotlib.figure import Figure
        from course import figures
        figure = Figure()
        figure.subplots().plot(values)
        figures.show(figure, "A line that rises from one to three.")
    """
    notebook, outcomes = run(
        tmp_path,
        check("defines", "values = [1, 2, 3]"),
        code("values = None"),
        code(textwrap.dedent(draw), tags=["handed-in"]),
        code("1 / 0", tags=["handed-in"]),
        code("raise SystemExit", tags=["handed-in", "training"]),
        timeout=60,
    )
    assert outcomes == {"defines": True}
    assert shown(notebook.cells[1]).strip() == BEHIND
    (picture,) = notebook.cells[2].outputs
    assert 'alt="A line that rises' in picture["data"]["text/html"]
    assert "ZeroDivisionError" in shown(notebook.cells[3])
    assert shown(notebook.cells[4]).strip() == TRAINS


def test_sessions_compute_on_the_cpu_and_are_not_told_that_they_grade(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    monkeypatch.setenv("JAX_PLATFORMS", "cuda")
    monkeypatch.setenv("A_TOKEN", "of the instructor's")
    environment = kernel.session_environment(tmp_path, tmp_path)
    assert not {"NBGRADER_EXECUTION", "A_TOKEN"} & environment.keys()
    assert environment["JAX_PLATFORMS"] == "cpu"
    assert environment["CUDA_VISIBLE_DEVICES"] == ""
    assert environment["SSL_COURSE_MODE"] == "cpu"
    assert environment["IPYTHONDIR"] == str(tmp_path)


def test_what_the_course_keeps_of_a_student_is_neither_read_nor_changed(tmp_path: Path) -> None:
    handed_in = tmp_path / "ssl-course-work" / "fixmatch" / "progress.json"
    handed_in.parent.mkdir(parents=True)
    handed_in.write_text("{}")
    begin = """
        import pathlib
        from course.notebook.setup import setup
        from course import begin, predict
        assert not pathlib.Path("ssl-course-work").exists()
        env = setup()
        begin("fixmatch", env)
        predict("mask_rate", 0.5)
        assert pathlib.Path("ssl-course-work/fixmatch/progress.json").is_file()
    """
    _, outcomes = run(tmp_path, check("begins", textwrap.dedent(begin)), timeout=60)
    assert outcomes == {"begins": True}
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [handed_in]


def test_students_code_finds_the_course_and_not_the_answers(tmp_path: Path) -> None:
    _, outcomes = run(
        tmp_path,
        check("course", "import course.catalog"),
        check("solutions", "import solutions.fixmatch"),
        check("autograder", "import autograder"),
    )
    assert outcomes == {"course": True, "solutions": False, "autograder": False}


def test_where_no_fork_gets_in_the_session_starts_by_a_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dead(programs: Path, modules: tuple[str, ...]) -> ForkServer:
        server = ForkServer((), {})
        server.close()
        return server

    monkeypatch.setattr("autograder.grading.run.fork_server", dead)
    _, outcomes = run(tmp_path, check("passes", "import sys; assert 'jax' not in sys.modules"))
    assert outcomes == {"passes": True}


def test_a_fork_has_imported_what_hand_ins_import(tmp_path: Path) -> None:
    _, outcomes = run(
        tmp_path,
        check("passes", "import sys; assert {'jax', 'torch'} <= sys.modules.keys()"),
        unit="fixmatch",
    )
    assert outcomes == {"passes": True}


def test_a_fork_server_starts_no_backend(tmp_path: Path) -> None:
    """Threads do not survive a fork: JAX has to start its own in the session."""
    asks = "from jax._src import xla_bridge; assert not xla_bridge.backends_are_initialized()"
    _, outcomes = run(
        tmp_path,
        check("none", asks),
        check("works", "import jax; assert jax.jit(abs)(-1) == 1"),
        unit="fixmatch",
    )
    assert outcomes == {"none": True, "works": True}


def test_compiled_programs_cannot_be_listed_and_not_be_changed(tmp_path: Path) -> None:
    where = "import os, pathlib; place = pathlib.Path(os.environ['JAX_COMPILATION_CACHE_DIR']); "
    _, outcomes = run(
        tmp_path,
        check("there", f"{where}assert place.is_dir()"),
        check("listed", f"{where}list(place.iterdir())"),
        check("written", f"{where}(place / 'mine').write_text('')"),
        check("opened up", f"{where}place.chmod(0o777)"),
    )
    assert outcomes == {"there": True, "listed": False, "written": False, "opened up": False}


@pytest.mark.parametrize("after", ["", "; import time; time.sleep(60)"])
def test_who_breaks_the_sockets_holds_nobody_up(tmp_path: Path, after: str) -> None:
    """What is written there ends the connections, and no answer ever comes."""
    breaks = f"""
import os
for number in range(3, 100):
    try:
        if os.readlink(f"/proc/self/fd/{{number}}").startswith("socket:"):
            os.write(number, b"nonsense" * 1000)
    except OSError:
        pass
{after.lstrip("; ")}"""
    _, outcomes = run(
        tmp_path,
        check("before", "x = 1"),
        code(breaks),
        check("behind", "assert x"),
        timeout=5,
        notebook_timeout=60,
    )
    assert outcomes["before"] and len(outcomes) <= 2


def test_a_huge_message_is_not_received(tmp_path: Path) -> None:
    notebook, _ = run(
        tmp_path,
        code("from IPython.display import display; display({'text/plain': 'x' * 200_000_000}, raw=True)"),
        check("behind", "assert True"),
        timeout=20,
    )
    assert len(json.dumps(notebook)) < 5_000_000


def test_messages_that_make_no_sense_cost_nothing(tmp_path: Path) -> None:
    send = """
        from IPython.display import update_display
        kernel = get_ipython().kernel
        parent = kernel.get_parent("shell")
        for kind, content in (
            ("display_data", {}),
            ("display_data", {"data": 3}),
            ("stream", {"name": "stdout"}),
            ("stream", {"name": "stdout", "text": 3}),
            ("stream", {"name": ["stdout"], "text": "x"}),
            ("error", {}),
            ("nonsense", {}),
            ("update_display_data", {"data": {}, "transient": {"display_id": "one"}}),
            ("comm_open", {}),
        ):
            kernel.session.send(kernel.iopub_socket, kind, content, parent=parent)
    """
    show = "display('x', display_id='one')"
    _, outcomes = run(
        tmp_path,
        code(show),
        code(textwrap.dedent(send)),
        check("one", textwrap.dedent(send)),
        check("two", "1"),
    )
    assert outcomes == {"one": True, "two": True}
