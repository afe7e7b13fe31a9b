"""``python -m autograder``: build and publish the course, grade classes, prove the checks."""

from __future__ import annotations

import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from autograder.files import REPOSITORY
from autograder.pool import cores
from course.console import plain_where_needed
from course.errors import CourseError
from course.files import is_full

if TYPE_CHECKING:
    from rich.progress import Progress

    from autograder.builder.derived import Generator
    from autograder.grading.batch import Line

DRIFTED = 1
NO_SANDBOX = 1
BAD_INPUT = 2
INTERRUPTED = 130  # as a shell says of Ctrl-C
CORES = cores()

app = typer.Typer(
    help="Build and publish the course, grade classes, and prove the checks.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
console = Console(soft_wrap=True, highlight=False)

UnitArgument = Annotated[str | None, typer.Argument(help="One unit; without it, all units of course.yml.")]
RootOption = Annotated[
    Path, typer.Option(help="The repository, or a folder laid out like it.", show_default=False)
]
JobsOption = Annotated[int, typer.Option(min=1, help="Processes; without it, one for each core.")]
StudentOption = Annotated[
    list[str] | None, typer.Option(help="Only this student's hand-in; may be repeated.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document in place of lines.")]
HandInsOption = Annotated[
    Path, typer.Option(help="The course folder, with release/ and submitted/.", show_default=False)
]
GradebookOption = Annotated[
    Path, typer.Option(help="The course folder, with the gradebook.", show_default=False)
]
CheckOption = Annotated[
    bool,
    typer.Option("--check", help="Write nothing; name what drifted, and exit with status 1 if anything did."),
]


@app.command()
def build(
    unit: UnitArgument = None,
    check: CheckOption = False,
    root: RootOption = REPOSITORY,
) -> None:
    """Make every derived file: notebooks, releases, expected values."""
    from autograder.builder.derived import (
        derived_files,
        find_drift,
        find_shared_drift,
        stale_files,
        write_files,
    )

    drifts = []
    for name in _units(unit, root):
        with console.status(f"{name}: building"):
            files = derived_files(root, name, generators(root))
        if check:
            drifts += find_drift(root, name, files, owned_files(root, name))
        else:
            written = write_files(root, files)
            for path in written:
                console.print(f"wrote {path}")
            drifts += stale_files(root, name, files, owned_files(root, name))
            console.print(f"{name}: {len(files)} derived files, {len(files) - len(written)} were up to date")
    shared = shared_derived(root)
    if check:
        drifts += find_shared_drift(root, shared)
    else:
        for path in write_files(root, shared):
            console.print(f"wrote {path}")
    for drift in drifts:
        console.print(f"{drift.path}: {drift.reason}; {drift.repair}")
    if drifts:
        raise typer.Exit(DRIFTED)
    if check:
        console.print("derived files match their sources")


@app.command()
def execute(unit: UnitArgument = None, root: RootOption = REPOSITORY) -> None:
    """Run each unit's notebook with the answers in it, and write it to solutions/notebooks/."""
    from autograder.builder.execute import execute_solution

    for name in _units(unit, root):
        with console.status(f"{name}: running the notebook (CPU mode)"):
            path, cells, seconds = execute_solution(root, name)
        console.print(f"wrote {path}: {cells} code cells in {seconds:.0f} s")


@app.command()
def bundle(
    unit: UnitArgument = None,
    out: Annotated[Path, typer.Option(help="Folder for <unit>.zip.")] = Path("dist"),
) -> None:
    """Pack what students need of a unit, without any network address, into one zip file.

    Derived files that are missing or stale are built first.
    """
    from autograder.publish.bundle import write_bundle

    names = _units(unit, REPOSITORY)
    out.mkdir(parents=True, exist_ok=True)
    derived = brought_up_to_date(REPOSITORY)
    for name in names:
        path = write_bundle(name, derived[name], out)
        console.print(f"wrote {path} ({path.stat().st_size / 1e6:.1f} MB)")


@app.command()
def publish(
    out: Annotated[
        Path | None, typer.Argument(metavar="DIR", help="Folder of the public student repository.")
    ] = None,
) -> None:
    """Fill or update a folder that can be pushed as the students' repository.

    Derived files that are missing or stale are built first.
    """
    from autograder.publish.repository import check_folder, next_step, publish_course
    from course.catalog import load_course

    if out is None:
        raise CourseError("name the folder to publish to: python -m autograder publish DIR")
    check_folder(out)
    changed = publish_course(out, brought_up_to_date(REPOSITORY))
    for path in changed.written:
        console.print(f"wrote {out / path}")
    for path in changed.removed:
        console.print(f"removed {out / path}")
    if not (changed.written or changed.removed):
        console.print(f"{out} is up to date")
    console.print(next_step(load_course(), out))


@app.command()
def grade(
    unit: Annotated[str, typer.Argument(help="The assignment.")],
    student: StudentOption = None,
    jobs: JobsOption = CORES,
    scheduler: Annotated[
        str | None, typer.Option(help="Address of a dask scheduler whose workers see the same folders.")
    ] = None,
    regrade: Annotated[
        bool,
        typer.Option(
            "--regrade",
            help="Build and release the unit again, and grade also hand-ins that have not changed.",
        ),
    ] = False,
    as_json: JsonOption = False,
    unsafe: Annotated[
        bool,
        typer.Option(
            "--unsafe-no-sandbox", help="Run students' code with all rights of this account. Not for a class."
        ),
    ] = False,
    course: HandInsOption = REPOSITORY,
) -> None:
    """Grade a class in parallel; exit with status 1 when a hand-in could not be graded.

    The preflight comes first. A command that was stopped goes on where it was. The gradebook is nbgrader's:
    formgrader, feedback and export work as usual.
    """
    from autograder.grading.batch import ClassGrader
    from autograder.grading.lines import closing_table, line_of, to_json
    from autograder.grading.lock import one_grader
    from autograder.grading.preflight import preflight
    from autograder.grading.preflight.lines import strays_of
    from autograder.grading.preflight.names import student_id
    from autograder.grading.sandbox import find_sandbox
    from course.catalog import load_course
    from solutions.experiments.sweep.processes import processes_here, reach

    (name,) = _units(unit, REPOSITORY)
    if scheduler is None:
        find_sandbox(unsafe=unsafe)  # before anything is started
    with one_grader(course):
        if regrade:
            with Console(stderr=True).status(f"{name}: building and releasing"):
                _renew(course, name)
        grader = ClassGrader(course, name, load_course().unit(name).notebook, unsafe=unsafe)
        before = preflight(grader.course, name, only=student)
        there = grader.students()
        wanted = {student_id(folder) for folder in student or there}
        missing = sorted(wanted - set(there))
        if missing:
            raise CourseError(f"nothing of {', '.join(missing)} is in {course / 'submitted'} for {name}")
        chosen = [one for one in there if one in wanted]
        todo = grader.to_grade(chosen, regrade=regrade)
        lines: list[Line] = []
        try:
            if todo:
                if scheduler is None:
                    grader.start_fork_server()
                with reach(scheduler) if scheduler else processes_here(min(jobs, len(todo))) as client:
                    with Console(stderr=True).status(f"{name}: drawing hidden cases"):
                        grader.prepare(len(todo), client)
                    for line in grader.grade_all(todo, client):
                        lines.append(line)
                        if not as_json:
                            console.print(line_of(line, len(lines), len(todo)), markup=False)
        except KeyboardInterrupt:
            print(
                f"stopped: {len(lines)} of {len(todo)} hand-ins are graded; the same command goes on there",
                file=sys.stderr,
            )
            raise typer.Exit(INTERRUPTED) from None
    if as_json:
        print(to_json(lines, len(chosen) - len(todo), before.strays))
    else:
        console.print(*strays_of(before), closing_table(lines, len(chosen) - len(todo)), sep="\n")
    if before.strays or any(line.error for line in lines):
        raise typer.Exit(DRIFTED)


def _renew(course: Path, unit: str) -> None:
    """Build a unit and release it again, so that exercises, checks and points are those of its sources.

    Args:
        course: the course folder. What is not this repository has built notebooks of its own, or releases
            alone, and they stay.
        unit: its name.

    Raises:
        CourseError: the sources do not fit together, or nbgrader refuses them.
    """
    from autograder.grading.config import course_directory
    from autograder.grading.release_again import release_again

    if course.resolve() == REPOSITORY:
        # In a process of its own: what is imported here stays what it was.
        command = [sys.executable, "-m", "autograder", "build", unit]
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines()
            raise CourseError(said[-1].removeprefix("error: ") if said else f"{unit} cannot be built")
    release_again(course_directory(course), unit)


@app.command("preflight")
def check_hand_ins(
    unit: Annotated[str, typer.Argument(help="The assignment.")],
    student: StudentOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")
    ] = False,
    as_json: JsonOption = False,
    course: HandInsOption = REPOSITORY,
) -> None:
    """Look at hand-ins before they are graded, and put right names and folders; nothing is deleted.

    Exits with status 1 when a student handed in no notebook, or a file belongs to nobody. `grade` does this
    by itself; run it before `nbgrader autograde`.
    """
    from autograder.grading.config import course_directory
    from autograder.grading.lock import one_grader
    from autograder.grading.preflight import preflight
    from autograder.grading.preflight.lines import table_of, to_json

    with nullcontext() if dry_run else one_grader(course):
        found = preflight(course_directory(course), unit, only=student, dry_run=dry_run)
    print(to_json(found)) if as_json else console.print(table_of(found))
    if not found.good:
        raise typer.Exit(DRIFTED)


@app.command()
def report(
    unit: Annotated[str, typer.Argument(help="The assignment.")],
    course: GradebookOption = REPOSITORY,
    out: Annotated[
        Path | None, typer.Option(help="The page; without it, reports/UNIT.html of the course folder.")
    ] = None,
) -> None:
    """Write a page on a graded class: points, exercises, commonest misconceptions. It names nobody."""
    from autograder.files import write_changed
    from autograder.grading.class_report import figures_of, read_class, render
    from autograder.grading.config import course_directory
    from course.catalog import load_course

    (name,) = _units(unit, REPOSITORY)
    record = load_course().unit(name)
    figures = figures_of(record, read_class(course_directory(course), record))
    path = out or course / "reports" / f"{name}.html"
    write_changed(path, render(figures))
    console.print(f"wrote {path}: {figures.students} hand-ins, median {figures.median:g} of {figures.most:g}")


@app.command()
def late(
    course: GradebookOption = REPOSITORY,
) -> None:
    """Work out all late penalties again, by the dates and points that the gradebook has now.

    Grading sets them as well, but before written answers have points, and for one unit at a time.
    """
    from autograder.grading.config import course_directory
    from autograder.grading.late import settle
    from autograder.grading.lines import line_of_late
    from autograder.grading.lock import one_grader
    from autograder.grading.troubles import opened
    from course.catalog import load_course

    policy = load_course()
    with one_grader(course), opened(course_directory(course).db_url) as gradebook:
        found = settle(gradebook, policy)
    if policy.late is None:
        console.print("course.yml has no `late`: being late costs nothing")
    for one in found:
        console.print(line_of_late(one), markup=False)
    changed = sum(one.has_changed for one in found)
    console.print(f"late hand-ins: {len(found)}; with another penalty than before: {changed}")


@app.command()
def similar(
    unit: Annotated[str, typer.Argument(help="The assignment.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="An empty folder, or one to be made.")],
    course: HandInsOption = REPOSITORY,
) -> None:
    """Write a folder for each exercise and question, for tools that look for copies, such as JPlag.

    Run `preflight` or `grade` before it. Nothing of students' code is run.
    """
    from autograder.grading.config import course_directory
    from autograder.grading.preflight.names import shown
    from autograder.grading.similar import collect
    from course.catalog import load_course

    (name,) = _units(unit, REPOSITORY)
    folders = course_directory(course)
    record = load_course().unit(name)
    release = course / folders.release_directory / name / f"{record.notebook}.ipynb"
    done = collect(course / folders.submitted_directory, release, record, out)
    for student, stem in done.renamed.items():
        console.print(f"{shown(student)}: the files are called {stem}", markup=False)
    for student, why in done.left_out.items():
        console.print(f"{shown(student)}: left out: {why}", markup=False)
    for folder, files in done.files.items():
        console.print(f"wrote {out / folder}, files: {files}", markup=False)


@app.command()
def viva(
    unit: Annotated[str, typer.Argument(help="The assignment.")],
    student: Annotated[
        str | None, typer.Argument(help="Print this student's sheet; without one, write everybody's.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the sheets; without it, viva/UNIT of the course folder.")
    ] = None,
    course: HandInsOption = REPOSITORY,
) -> None:
    """Make sheets for oral examinations: three questions on a student's own hand-in, and what to listen for.

    Where the hand-in has a logbook, a fourth is about a prediction that was off. Run `preflight` or `grade`
    before it. Nothing of students' code is run. Exits with status 1 when a student gets no sheet.
    """
    from autograder.assess.viva import sheet_for, to_markdown
    from autograder.assess.work import folders_of, students_with_work
    from autograder.files import write_changed
    from autograder.grading.secret import secret_of
    from autograder.grading.similar import file_names
    from course.catalog import load_course

    (name,) = _units(unit, REPOSITORY)
    record = load_course().unit(name)
    folders = folders_of(course, record)
    if student is not None:
        print(to_markdown(sheet_for(folders, record, student, secret_of(course))), end="")
        return
    names = file_names(students_with_work(folders, record))
    left_out = False
    for one, stem in names.items():
        try:
            sheet = sheet_for(folders, record, one, secret_of(course))
        except CourseError as error:
            left_out = True
            print(f"no sheet: {error}", file=sys.stderr)
            continue
        path = (out or course / "viva" / name) / f"{stem}.md"
        write_changed(path, to_markdown(sheet).encode())
        console.print(f"wrote {path}", markup=False)
    if left_out:
        raise typer.Exit(DRIFTED)


@app.command()
def codes(
    unit: Annotated[str, typer.Argument(help="The assignment.")],
    out: Annotated[Path | None, typer.Option(help="A file for the table; without it, it is printed.")] = None,
    course: GradebookOption = REPOSITORY,
) -> None:
    """Make a table of codes, one for each student of the gradebook: send each student their own.

    A code stands for the numbers and the bug of a student's personal tasks; `personal` grades these.
    """
    from autograder.assess.personal import codes_table
    from autograder.files import write_changed
    from autograder.grading.config import course_directory
    from autograder.grading.secret import secret_of
    from autograder.grading.troubles import opened

    (name,) = _units(unit, REPOSITORY)
    with opened(course_directory(course).db_url) as gradebook:
        students = sorted(student.id for student in gradebook.students)
    if not students:
        raise CourseError("the gradebook has no students: run `nbgrader db student import students.csv`")
    table = codes_table(name, students, secret_of(course))
    if out is None:
        print(table, end="")
        return
    write_changed(out, table.encode())
    console.print(f"wrote {out}: {len(students)} students", markup=False)


@app.command()
def personal(
    unit: Annotated[str, typer.Argument(help="The assignment.")],
    out: Annotated[
        Path | None, typer.Option(help="The table; without it, personal/UNIT.csv of the course folder.")
    ] = None,
    course: HandInsOption = REPOSITORY,
) -> None:
    """Grade the personal tasks of a class into a table of their own; `codes` says who has which.

    Run `preflight` or `grade` before it. Nothing of students' code is run. Exits with status 1 when a hand-in
    cannot be read.
    """
    from autograder.assess.personal import Marks, code_of, marks_of, marks_table
    from autograder.assess.work import folders_of, hand_in_of, students_with_work
    from autograder.files import write_changed
    from autograder.grading.exports.personal import FOLDER
    from autograder.grading.secret import secret_of
    from course.catalog import load_course

    (name,) = _units(unit, REPOSITORY)
    record, found, unread = load_course().unit(name), {}, False
    folders = folders_of(course, record)
    students = students_with_work(folders, record)
    secret = secret_of(course)
    for student in students:
        code = code_of(name, student, secret)
        try:
            found[student] = marks_of(name, student, hand_in_of(folders, record, student), secret)
        except CourseError as error:
            unread = True
            print(f"not read: {error}", file=sys.stderr)
            found[student] = Marks.nothing(name, code, str(error))
    path = out or course / FOLDER / f"{name}.csv"
    write_changed(path, marks_table(name, found).encode())
    console.print(f"wrote {path}: {len(found)} hand-ins", markup=False)
    if unread:
        raise typer.Exit(DRIFTED)


@app.command()
def mutants(
    unit: UnitArgument = None,
    jobs: JobsOption = CORES,
    write: Annotated[bool, typer.Option("--write", help="Also write docs/checks.md.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Exit with status 1 when docs/checks.md is out of date.")
    ] = False,
) -> None:
    """Try the checks on wrong and on right answers; exit with status 1 when one is judged wrongly."""
    from autograder.files import write_changed
    from autograder.proof import page
    from autograder.proof.summary import faults, table
    from autograder.proof.trials import FunctionTrial, TrialVerdict, run_trials

    if unit is not None and (write or check):
        raise CourseError("docs/checks.md is about all units: leave the unit out")
    trials: dict[str, list[FunctionTrial]] = {}
    for name in _units(unit, REPOSITORY):
        trials[name] = []
        with _progress() as progress:
            bar = progress.add_task(f"{name}: wrong and right answers", total=None)
            for total, trial in run_trials(name, jobs):
                trials[name].append(trial)
                progress.update(bar, total=total, advance=1)
        console.print(table(name, trials[name]))
        for trial in trials[name]:
            if trial.verdict is TrialVerdict.KILLED_OTHERWISE:
                console.print(f"{trial.exercise}: mutant {trial.id!r} got another message: {trial.message}")
    wrong = [trial for found in trials.values() for trial in faults(found)]
    for trial in wrong:
        console.print(f"{trial.exercise}: {trial.kind} {trial.id!r} {trial.verdict} {trial.message}".rstrip())
    drifted = False
    if write and write_changed(REPOSITORY / page.PATH, page.render(trials)):
        console.print(f"wrote {page.PATH}")
    if check:
        path = REPOSITORY / page.PATH
        drifted = not path.is_file() or path.read_bytes() != page.render(trials)
        repair = "python -m autograder mutants --write"
        console.print(
            f"{page.PATH}: " + (f"differs from its source; {repair}" if drifted else "is up to date")
        )
    if wrong or drifted:
        raise typer.Exit(DRIFTED)


@app.command()
def consequences(
    unit: Annotated[str | None, typer.Argument(help="One unit; without it, all units that train.")] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(help='An exercise, a mutant\'s id, or "exercise: id"; may be repeated.'),
    ] = None,
    stale: Annotated[
        bool, typer.Option("--stale", help="Only mutants that are new or changed since they were measured.")
    ] = False,
    jobs: JobsOption = CORES,
) -> None:
    """Train with each mutant in its reference's place, and keep what comes of it."""
    from autograder.proof.consequences import has_training, measure, select

    names = [name for name in _units(unit, REPOSITORY) if name == unit or has_training(name)]
    chosen = {name: select(name, only or [], stale) for name in names}
    with _progress() as progress:
        for name in names:
            task = progress.add_task(f"{name}: the common start", total=len(chosen[name]))
            for job, run, _ in measure(name, chosen[name], jobs):
                console.print(f"{job.label}: {run}")
                progress.update(task, description=name, advance=job.mutant is not None)


@app.command()
def doctor() -> None:
    """Say whether students' code can be run safely on this machine, and what to install where it cannot.

    Exits with status 1 where there is no sandbox.
    """
    from autograder.grading.sandbox import examine

    levels = examine()
    for level in levels:
        console.print(f"{level.sandbox.level}: {f'not usable: {level.reason}' if level.reason else 'usable'}")
        for finding in level.findings:
            console.print(
                f"  {'✗' if finding.hole else '✓'} {finding.promise}: {finding.hole or 'tried, held'}"
            )
        if level.reason:
            console.print("  What may help, as root:")
            for remedy in level.remedies:
                console.print(f"    {remedy}")
    usable = [level.sandbox.level for level in levels if not level.reason]
    if usable:
        console.print(f"Grading runs students' code in: {usable[0]}")
        return
    console.print("Grading refuses: there is no sandbox for students' code.")
    console.print("  docs/sandbox.md says more, and how to grade in a container.")
    console.print(
        "  With --unsafe-no-sandbox, grading runs their code in your account, without any protection."
    )
    raise typer.Exit(NO_SANDBOX)


def _progress() -> Progress:
    """A bar with what is done, out of how much, and how long it took."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    )


def main() -> None:
    """Run the command line; bad input is one line on stderr and exit status 2."""
    plain_where_needed()
    try:
        app()
    except CourseError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(BAD_INPUT)
    except OSError as error:
        where = error.filename or "the course folder, or temporary files"
        remedy = "free some space, and run this again" if is_full(error) else "choose another place"
        print(f"error: {where}: {error.strerror or error}; {remedy}", file=sys.stderr)
        sys.exit(BAD_INPUT)


def _units(unit: str | None, root: Path) -> list[str]:
    from autograder.builder.derived import unit_names

    names = unit_names(root)
    if unit is None:
        return names
    if unit not in names:
        raise CourseError(f"the course has no unit called {unit!r}: use one of {', '.join(names)}")
    return [unit]


def brought_up_to_date(root: Path) -> dict[str, dict[Path, bytes]]:
    """Unit → its derived files. The repository holds them afterwards: the students' wheel has every unit's.

    Args:
        root: the repository, or a folder laid out like it.

    Raises:
        CourseError: a file in a folder of derived files has no source.
    """
    from autograder.builder.derived import derived_files, stale_files, write_files

    derived = {}
    for name in _units(None, root):
        with console.status(f"{name}: building"):
            derived[name] = derived_files(root, name, generators(root))
        for path in write_files(root, derived[name]):
            console.print(f"built {path}")
        stale = stale_files(root, name, derived[name], owned_files(root, name))
        if stale:
            raise CourseError(f"{stale[0].path} {stale[0].reason}: {stale[0].repair}")
    for path in write_files(root, shared_derived(root)):
        console.print(f"built {path}")
    return derived


def generators(root: Path) -> tuple[Generator, ...]:
    """Makers of derived files that belong to this repository's own course package."""
    if root.resolve() != REPOSITORY:
        return ()
    from autograder.builder import expected, personal, sweeps
    from autograder.publish import tables as readme

    return (expected.generate, personal.generate, readme.generate, sweeps.generate)


def shared_derived(root: Path) -> dict[Path, bytes]:
    """Derived files that are about all units, made from those of each unit as they are on the disk."""
    if root.resolve() != REPOSITORY:
        return {}
    from autograder.builder.guide.page import debugging_guide

    return debugging_guide(root)


def owned_files(root: Path, unit: str) -> list[Path]:
    """What lies in folders of a unit that generators alone fill."""
    if root.resolve() != REPOSITORY:
        return []
    from autograder.builder import sweeps

    return sweeps.owned(unit)
