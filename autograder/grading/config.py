"""The settings behind nbgrader_config.py."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from autograder.files import REPOSITORY
from autograder.grading.not_handed_in import NOT_HANDED_IN
from course.errors import CourseError
from course.notebook.released import ANSWER_HERE

if TYPE_CHECKING:
    from nbgrader.coursedir import CourseDirectory

CONFIGURATION = "nbgrader_config.py"
HOOKS = "autograder.grading"
# What students get in place of an answer; the checks know an untouched function by this exception.
CODE_HERE = "# YOUR CODE HERE, in place of the next line.\nraise NotImplementedError()"

# A cell of a check takes a second or two; importing jax on a busy machine can take 20.
CELL_SECONDS = 120
NOTEBOOK_SECONDS = 900

TEMPLATES = Path(__file__).with_name("templates")
TEMPLATE = "course_feedback"  # of the feedback page


# How a file is called in the archive with all hand-ins that a platform offers for download. A student's own
# folders and names follow.
LMS_NAMES = {
    # "Jane Doe_1234567_assignsubmission_file_/01_fixmatch.ipynb", or without folders; participant 1234567
    "Moodle": (
        r"(?:[^/]+/)*?(?P<name>[^/]+)_(?P<participant>\d+)_assignsubmission_(?:file|onlinetext)(?:_?/|_)"
        r"(?P<file_id>.+)"
    ),
    # "doejane_late_12345_678_01_fixmatch-2.ipynb": user 12345
    "Canvas": r"(?:[^/]+/)*?(?P<name>[^/]+?)_(?i:late_)?(?P<user>\d+)_\d+_(?P<file_id>[^/]+(?:/.+)?)",
}


def course_directory(folder: Path) -> CourseDirectory:
    """A course folder as nbgrader knows it, by its own nbgrader_config.py or, without one, the repository's.

    Raises:
        CourseError: that file fails, or names a database and no course.
    """
    from nbgrader.coursedir import CourseDirectory  # here, for the doctor needs no nbgrader

    own = [place for place in (folder, REPOSITORY) if (place / CONFIGURATION).is_file()]
    try:
        config = PyFileConfigLoader(CONFIGURATION, path=[str(place.resolve()) for place in own]).load_config()
    except Exception as error:
        raise CourseError(f"{own[0] / CONFIGURATION} fails: {type(error).__name__}: {error}") from error
    config.CourseDirectory.root = str(folder.resolve())
    found = CourseDirectory(config=config)
    # nbgrader enters assignments for the course "", and makes no such course: SQLite alone lets that pass.
    if not found.course_id and not found.db_url.startswith("sqlite:"):
        raise CourseError(
            f"the gradebook's database wants a name of the course: set c.CourseDirectory.course_id in "
            f"{own[0] / CONFIGURATION}"
        )
    return found


def configure(c: Config) -> None:
    """Fill nbgrader's configuration: folders, the release, and the steps of autograding."""
    # nbgrader makes its database with a command of this environment, which need not be activated.
    commands = str(Path(sys.executable).parent)
    if commands not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([commands, os.environ.get("PATH", os.defpath)])

    c.CourseDirectory.source_directory = "source_notebooks"
    # The notebook's .py holds the answers' names and, beside the .ipynb, would be copied into the release and
    # next to each hand-in. Students' modules must not shadow the course's either.
    c.CourseDirectory.ignore = ["*.pyc", "feedback", "*.py", "*.tmp", *NOT_HANDED_IN]
    # release/ is derived and tracked: the command always makes it again, and records it in the gradebook.
    c.GenerateAssignment.force = True
    c.ClearSolutions.code_stub = {"python": CODE_HERE}
    c.ClearSolutions.text_stub = ANSWER_HERE

    c.Autograde.pre_convert_hook = f"{HOOKS}.preflight.hook.before_autograding"
    c.Autograde.exporter_class = f"{HOOKS}.stock.StockExporter"
    c.Autograde.sanitize_preprocessors = [
        "nbgrader.preprocessors.ClearOutput",
        f"{HOOKS}.repair.RepairHandIn",
        "nbgrader.preprocessors.OverwriteKernelspec",
        "nbgrader.preprocessors.CheckCellMetadata",
    ]
    c.Autograde.autograde_preprocessors = [
        f"{HOOKS}.run.RunCells",
        "nbgrader.preprocessors.LimitOutput",
        f"{HOOKS}.score.SaveScores",
        "nbgrader.preprocessors.AssignLatePenalties",
        "nbgrader.preprocessors.CheckCellMetadata",
    ]
    c.AssignLatePenalties.plugin_class = f"{HOOKS}.late.LateDays"
    c.ZipCollectApp.extractor_plugin = f"{HOOKS}.collect.LmsArchives"
    c.ZipCollectApp.collector_plugin = f"{HOOKS}.collect.LmsFiles"
    c.LmsArchives.zip_ext = [".zip", ".ZIP", ".gz", ".tgz", ".tar"]
    c.LmsFiles.named_regexps = dict(LMS_NAMES)

    c.ExportApp.plugin_class = f"{HOOKS}.exports.PerExercise"
    c.GenerateFeedback.exporter_class = f"{HOOKS}.feedback.FeedbackExporter"
    # Not HTMLExporter's own settings: formgrader has the same.
    c.FeedbackExporter.template_name = TEMPLATE
    c.FeedbackExporter.extra_template_basedirs = [str(TEMPLATES)]
    c.GenerateFeedback.preprocessors = [f"{HOOKS}.feedback.ReadGrades", f"{HOOKS}.feedback.MakePage"]
    # ipykernel warns at each start that it talks to nbgrader over this machine's own network.
    c.RunCells.extra_arguments = ["--IPKernelApp.log_level=ERROR"]
    c.RunCells.timeout = CELL_SECONDS
    c.RunCells.error_on_timeout = {
        "ename": "TimeLimit",
        "evalue": "",
        "traceback": ["TimeLimit: this cell ran past the time limit and was stopped."],
    }
    c.RunCells.notebook_timeout = NOTEBOOK_SECONDS
