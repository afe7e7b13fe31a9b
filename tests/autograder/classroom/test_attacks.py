"""No attack of the corpus wins a point, costs another one anything, or is left when the class is graded.

A few of each kind are tried in `make test`; all of them, in one class, are slow.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbgrader.api import Gradebook

from autograder.classroom.attacks.browser import Browser, find_browser
from autograder.classroom.attacks.corpus import ATTACKS, Aim, Attack
from autograder.classroom.attacks.hand_ins import UNIT, WAS_HERE
from autograder.classroom.attacks.page import PATH, Outcomes, damage, read, render
from autograder.classroom.attacks.stock import StockClass
from autograder.classroom.attacks.trial import Door, Trial, instructor, try_attacks
from autograder.files import REPOSITORY
from autograder.grading.batch import Line
from autograder.grading.sandbox import find_sandbox

QUICK = (
    "own_check",
    "patched_internals",
    "shipped_values",
    "own_worker",
    "reads_the_secret",
    "reads_the_account",
    "reads_its_memory",
    "hands_in_anothers_work",
    "hands_in_the_secret",
    "hands_in_a_dead_link",
    "writes_the_gradebook",
    "outlives_its_session",
    "connects",
    "script_in_an_answer",
    "script_in_html",
)
BY_ID = {attack.id: attack for attack in ATTACKS}


def test_each_attack_has_a_name_of_its_own_and_each_aim_some() -> None:
    assert len(BY_ID) == len(ATTACKS) >= 50
    assert {BY_ID[name].aim for name in QUICK} == set(Aim)


def test_the_quick_ones_come_to_nothing(tmp_path: Path) -> None:
    program = find_browser()
    with nullcontext() if program is None else Browser.started(program) as browser:
        come_to_nothing([BY_ID[name] for name in QUICK], tmp_path, Door.COMMAND, browser)


@pytest.mark.slow
@pytest.mark.parametrize("door", Door)
def test_all_of_them_come_to_nothing(door: Door, tmp_path: Path, chromium: Browser) -> None:
    come_to_nothing(list(ATTACKS), tmp_path, door, chromium)


def come_to_nothing(attacks: list[Attack], folder: Path, door: Door, browser: Browser | None) -> None:
    with instructor():
        trial = try_attacks(attacks, folder / "course", 2, door, browser)
    assert damage(trial) == []
    assert trial.lines.keys() == {attack.id for attack in attacks}
    assert all(line.points == 0 for line in trial.lines.values())
    assert trial.honest.most > 0


NOTHING = Trial(
    lines={"one": Line("one", 0.0, 13.0, 1.0)},
    honest=Line("victim", 13.0, 13.0, 1.0),
    shown={"one": nbformat.v4.new_notebook()},
    canaries={"the secret": "c0ffee"},
    changed=[],
    connections=0,
    left=[],
    scripts=[],
)
SHOWN = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("It is c0ffee.")])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"lines": {"one": Line("one", 2.0, 13.0, 1.0)}}, "one got 2 points"),
        ({"lines": {"one": Line("one", None, 0.0, 1.0, error="no")}}, "one was not graded: no"),
        ({"honest": Line("victim", 11.0, 13.0, 1.0)}, "the honest hand-in got 11.0 of 13 points"),
        ({"shown": {"one": SHOWN}}, "one saw the secret"),
        ({"changed": ["/a/file"]}, "/a/file was changed"),
        ({"connections": 1}, "a listener was reached 1 times"),
        ({"scripts": ["one"]}, "the feedback page of one ran a script"),
        ({"left": ["sleep 600"]}, "a process was left: sleep 600"),
    ],
)
def test_each_kind_of_damage_is_told(change: dict[str, Any], told: str) -> None:
    assert damage(NOTHING) == []
    assert damage(replace(NOTHING, **change)) == [told]


def test_the_page_is_about_these_attacks() -> None:
    page = (REPOSITORY / PATH).read_bytes()
    told = read(page.decode())
    nothing = "0 of 13 points"
    assert page == render({a.id: Outcomes(told[a.id].stock, nothing, nothing) for a in ATTACKS})


@pytest.mark.slow
def test_stock_nbgrader_gives_all_points_to_a_check_of_the_students_own_and_shows_the_secret(
    tmp_path: Path,
) -> None:
    stock = StockClass.make(tmp_path / "class")
    both = replace(
        BY_ID["own_check"], id="both", cell=BY_ID["own_check"].cell + BY_ID["reads_the_secret"].cell
    )
    assert stock.attacked(both, find_sandbox(forks=False), None) == "13 of 13 points, sees the secret"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("attack", "words"),
    [
        ("script_in_html", "0 of 13 points, runs a script in the feedback page"),
        ("kills_its_parents", "ends nbgrader"),
        ("outlives_its_session", "0 of 13 points, leaves a process"),
        ("connects", "0 of 13 points, reaches the listener"),
        ("writes_anothers_work", "0 of 13 points, 0 for the victim, changes another's work"),
    ],
)
def test_each_kind_of_damage_to_stock_nbgrader_is_told(
    attack: str, words: str, tmp_path: Path, chromium: Browser
) -> None:
    stock = StockClass.make(tmp_path / "class")
    assert stock.attacked(BY_ID[attack], find_sandbox(forks=False), chromium) == words


@pytest.mark.parametrize(
    ("body", "runs"),
    [
        ("<script>document.title = 'was here'</script>", True),
        ("<img src=x onerror=\"document.title = 'was here'\">", True),
        ("<a href=\"javascript:void(document.title = 'was here')\">look</a>", True),
        ("<p onclick=\"document.title = 'was here'\">look</p>", True),
        ("<svg><a href=\"javascript:void(document.title = 'was here')\"><text>look</text></a></svg>", True),
        ("<p>document.title = 'was here'</p>", False),
    ],
)
def test_the_browser_tells_whether_a_script_runs(
    body: str, runs: bool, tmp_path: Path, chromium: Browser
) -> None:
    page = tmp_path / "page.html"
    page.write_text(f"<!DOCTYPE html><title>a page</title>{body}", encoding="utf-8")
    assert chromium.runs_scripts(page) is runs


@pytest.mark.slow
def test_no_script_of_a_hand_in_runs_in_formgrader(tmp_path: Path, chromium: Browser) -> None:
    folder = tmp_path / "course"
    attacks = [attack for attack in ATTACKS if attack.aim is Aim.PAGES]
    with instructor():
        try_attacks(attacks, folder, 2)
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as gradebook:
        found = {s.student.id: s.notebooks[0].id for s in gradebook.assignment_submissions(UNIT)}
    with jupyter(folder) as address:
        for attack in attacks:
            page = f"{address}/formgrader/submissions/{found[attack.id]}/?index=0"
            assert chromium.title(page) == "01_comparison", attack.id


# JupyterLab draws the cells that are in sight alone, unless it is asked for all.
ALL_CELLS = ("@jupyterlab/notebook-extension/tracker.jupyterlab-settings", '{"windowingMode": "none"}')


@pytest.mark.slow
def test_no_script_of_a_hand_in_runs_in_jupyterlab(
    tmp_path: Path, chromium: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even where the graded notebook is trusted: JupyterLab runs the scripts of one that is."""
    folder, settings = tmp_path / "course", tmp_path / "settings" / ALL_CELLS[0]
    settings.parent.mkdir(parents=True)
    settings.write_text(ALL_CELLS[1])
    monkeypatch.setenv("JUPYTERLAB_SETTINGS_DIR", str(tmp_path / "settings"))
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))  # which knows what is trusted
    attacks = [attack for attack in ATTACKS if attack.aim is Aim.PAGES]
    with instructor():
        try_attacks(attacks, folder, 2)
    graded = {path.parts[-3]: path for path in sorted(folder.glob("autograded/*/*/*.ipynb"))}
    assert graded.keys() >= {attack.id for attack in attacks}
    graded["unclean"] = unclean(next(iter(graded.values())), folder)
    subprocess.run([sys.executable, "-m", "jupyter", "trust", *graded.values()], check=True)
    titles = {}
    with jupyter(folder) as address:
        for name, path in graded.items():
            n_cells = len(nbformat.read(path, as_version=4).cells)
            page = f"{address}/doc/tree/{path.relative_to(folder)}?reset"
            titles[name] = chromium.title(page, f"document.querySelectorAll('.jp-Cell').length == {n_cells}")
    assert [name for name, title in titles.items() if title == WAS_HERE] == ["unclean"]


def unclean(path: Path, folder: Path) -> Path:
    """A graded notebook with a script in the output of its last code cell."""
    notebook = nbformat.read(path, as_version=4)
    data = {"text/html": f"<script>document.title = {WAS_HERE!r}</script>"}
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    code[-1].outputs = [nbformat.v4.new_output("display_data", data=data)]
    nbformat.write(notebook, folder / "unclean.ipynb")
    return folder / "unclean.ipynb"


@contextmanager
def jupyter(folder: Path) -> Iterator[str]:
    """Jupyter's server, started in a course folder."""
    configuration = (REPOSITORY / "nbgrader_config.py").read_text(encoding="utf-8")
    configuration = configuration.replace("Path(__file__).resolve().parent", f"Path({str(REPOSITORY)!r})")
    (folder / "nbgrader_config.py").write_text(
        configuration + f"c.CourseDirectory.root = {str(folder)!r}\n", encoding="utf-8"
    )
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = [
        "--no-browser",
        "--allow-root",
        f"--port={port}",
        "--port-retries=0",
        "--IdentityProvider.token=",
    ]
    address = f"http://127.0.0.1:{port}"
    with subprocess.Popen([sys.executable, "-m", "jupyter", "server", *options], cwd=folder) as server:
        try:
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline and not answers(f"{address}/formgrader"):
                time.sleep(0.2)
            yield address
        finally:
            server.terminate()


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=30):
            return True
    except OSError:
        return False
