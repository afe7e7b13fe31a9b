"""What the same attacks come to with stock nbgrader, which runs hand-ins with the instructor's rights.

So that none of them reaches this machine, nbgrader itself runs in one of the grader's sandboxes, with copies
of the class, of the course's package and of the repository's solutions, which its account may change.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import autograder
from autograder import classroom as classroom_package
from autograder.classroom import attacks as attacks_package
from autograder.classroom.attacks import stock_inside, surroundings
from autograder.classroom.attacks.browser import Browser
from autograder.classroom.attacks.corpus import Aim, Attack
from autograder.classroom.attacks.hand_ins import (
    TOKEN,
    UNIT,
    VARIABLE,
    VICTIM,
    facts_of,
    hand_in,
    victim,
    words_of,
)
from autograder.classroom.classroom import Classroom
from autograder.classroom.sample_class import SampleClass
from autograder.cpu_mode import CPU_MODE
from autograder.files import REPOSITORY
from autograder.grading.sandbox import Limits, Place, Sandbox, environment
from autograder.grading.secret import FILE, FOLDER, read_secret
from solutions.experiments.sweep.processes import ONE_THREAD

MARKER, PORT = "marker-of-stock", 50_007
# nbgrader's own limit for a cell is 30 s, and it has none for a notebook.
CELL_SECONDS, CLASS_SECONDS, ALL_SECONDS = 10, 120, 200
# The driver's own modules, and the packages that they are in.
_DRIVER = (autograder, classroom_package, attacks_package, stock_inside, surroundings)


@dataclass(frozen=True)
class StockClass:
    """A class to copy for each attack: the release in its gradebook, and the victim's hand-in.

    Attributes:
        folder: of the class.
        sample: of the unit.
        most: points that all checks give.
    """

    folder: Path
    sample: SampleClass
    most: float

    @classmethod
    def make(cls, folder: Path) -> StockClass:
        """Make it in an empty folder."""
        sample = SampleClass(REPOSITORY, UNIT)
        classroom = Classroom(folder, UNIT)
        classroom.copy_sources()
        classroom.release()
        classroom.hand_in(VICTIM, sample.unit.notebook, victim(sample))
        read_secret(folder / FOLDER)
        return cls(folder, sample, sum(classroom.max_points_of_checks().values()))

    def attacked(self, attack: Attack, sandbox: Sandbox, browser: Browser | None) -> str:
        """What one attack comes to, in words.

        Args:
            attack: graded before the victim, by the same command.
            sandbox: around nbgrader.
            browser: to open the feedback page with; None where there is none.
        """
        with tempfile.TemporaryDirectory(prefix="stock-") as name:
            world = World(Path(name).resolve(), self.sample)
            world.furnish(self.folder, attack)
            found = world.grade(attack, sandbox)
            if found is None:
                return "ends nbgrader"
            words = [*self._of_points(found, attack), *world.seen(attack)]
            if found["changed"]:
                words.append("changes " + ", ".join(world.named(found["changed"])))
            if found["connections"]:
                words.append("reaches the listener")
            if found["left"]:
                words.append("leaves a process")
            if browser is not None and any(map(browser.runs_scripts, world.pages(attack))):
                words.append("runs a script in the feedback page")
        return ", ".join(words)

    def _of_points(self, found: Mapping[str, Any], attack: Attack) -> list[str]:
        won, victims = found["points"][attack.id], found["points"][VICTIM]
        words = ["not graded" if won is None else f"{won:g} of {self.most:g} points"]
        if not found["ended"]:
            words.append("grading does not end")
        elif victims is None:
            words.append("the victim is not graded")
        elif victims != self.most:
            words.append(f"{victims:g} for the victim")
        return words


@dataclass(frozen=True)
class World:
    """All that stock nbgrader has in its sandbox.

    Attributes:
        root: an empty folder, without symbolic links in its path.
        sample: of the unit.
    """

    root: Path
    sample: SampleClass

    @property
    def folder(self) -> Path:
        """The course folder."""
        return self.root / "class"

    @property
    def packages(self) -> Path:
        """Where `course` is installed."""
        return self.root / "site-packages"

    @property
    def repository(self) -> Path:
        """With the solutions and nbgrader's configuration."""
        return self.root / "repository"

    @property
    def home(self) -> Path:
        """The instructor's."""
        return self.root / "home"

    def furnish(self, template: Path, attack: Attack) -> None:
        """Put everything in place.

        Args:
            template: a class folder, with release, gradebook and the victim's hand-in.
            attack: to add.
        """
        self.root.chmod(0o711)
        shutil.copytree(template, self.folder)
        for name in ("course", "solutions"):
            ignored = shutil.ignore_patterns("__pycache__", "checkpoints", "results", "notebooks")
            target = self.packages if name == "course" else self.repository
            shutil.copytree(REPOSITORY / name, target / name, ignore=ignored)
        shutil.copy(REPOSITORY / "nbgrader_config.py", self.repository)
        for module in _DRIVER:
            source = Path(str(module.__file__))
            copy = self.packages / source.relative_to(REPOSITORY)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, copy)
        (self.home / "profile_default" / "startup").mkdir(parents=True)
        facts = facts_of(self.folder, self.repository, self.sample, MARKER, PORT)
        hand_in(self._notebook("submitted", attack), attack, self.sample, facts)

    def grade(self, attack: Attack, sandbox: Sandbox) -> dict[str, Any] | None:
        """What `stock_inside` found; None where it did not live to say it."""
        plan, outcome = self.root / "plan.json", self.home / "outcome.json"
        plan.write_text(
            json.dumps(
                {
                    "students": [attack.id, VICTIM],
                    "pages": [attack.id] if attack.aim is Aim.PAGES else [],
                    "folder": str(self.folder),
                    "unit": UNIT,
                    "watched": [str(path) for path in self._watched()],
                    "marker": MARKER,
                    "port": PORT,
                    "seconds": CLASS_SECONDS,
                    "options": [f"--ExecutePreprocessor.timeout={CELL_SECONDS}"],
                }
            )
        )
        plan.chmod(0o644)
        variables = environment(self.home) | CPU_MODE | ONE_THREAD
        variables |= {
            "PYTHONPATH": str(self.packages),
            "IPYTHONDIR": str(self.home),
            VARIABLE: TOKEN,
        }
        del variables["PYTHONNOUSERSITE"]  # the instructor's own packages
        folders = (self.folder, self.packages, self.repository, self.home)
        place = Place((plan,), folders, self.home, variables)
        script = self.packages / Path(str(stock_inside.__file__)).relative_to(REPOSITORY)
        with sandbox.cell(place, Limits()) as cell:
            command = cell.command([sys.executable, str(script), str(plan), str(outcome)])
            try:
                subprocess.run(command, capture_output=True, timeout=ALL_SECONDS, check=False)
            except subprocess.TimeoutExpired:
                return None
        try:
            found: dict[str, Any] = json.loads(outcome.read_text())
        except (OSError, ValueError):
            return None
        return found

    def seen(self, attack: Attack) -> list[str]:
        """What the graded notebook shows of what nobody may see, in words."""
        graded = self._notebook("autograded", attack)
        text = graded.read_text(errors="replace") if graded.is_file() else ""
        canaries = {
            "the secret": (self.folder / FOLDER / FILE).read_text().strip(),
            "another's work": words_of(VICTIM),
            "the instructor's variables": TOKEN,
        }
        return [f"sees {name}" for name, canary in canaries.items() if canary in text]

    def named(self, paths: list[str]) -> list[str]:
        """Kinds of the files that were changed."""
        kinds = {
            self.folder / "submitted": "another's work",
            self.folder / "release": "the release",
            self.packages: "the course",
            self.repository: "the repository",
            self.home: "what later sessions run",
        }
        found = [
            kind for folder, kind in kinds.items() if any(Path(path).is_relative_to(folder) for path in paths)
        ]
        return found or ["files"]

    def pages(self, attack: Attack) -> list[Path]:
        """The attacker's feedback pages."""
        return sorted((self.folder / "feedback" / attack.id).rglob("*.html"))

    def _watched(self) -> list[Path]:
        own = [self.folder / "submitted", self.folder / "release", self.packages / "course", self.repository]
        return [*own, self.home / ".local", self.home / "profile_default" / "startup"]

    def _notebook(self, stage: str, attack: Attack) -> Path:
        return self.folder / stage / attack.id / UNIT / f"{self.sample.unit.notebook}.ipynb"
