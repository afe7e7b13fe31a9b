"""``docs/checks.md``: what the checks look at, what they reject and accept, and what the practical's do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from autograder.files import REPOSITORY
from autograder.proof.consequences import trained_exercises, trainer_of
from autograder.proof.practical import follows_practical
from autograder.proof.summary import Row, Share, rows
from autograder.proof.trials import FunctionTrial, Kind, TrialVerdict
from autograder.units.alternative import alternatives_of
from autograder.units.consequence import LEAST, SPREADS, Consequences, Ending, load_consequences, share
from autograder.units.equivalent import equivalents_of
from autograder.units.mutant import Mutant, mutants_of
from course.catalog import checks_of, load_course
from course.checks.case import Check

PATH = Path("docs", "checks.md")
ABOUT = (
    "# What the checks are worth",
    "Written by `python -m autograder mutants --write`, which tries everything that is listed here. "
    "Do not edit it.",
    "A check is as good as what it rejects and what it lets pass. So each is tried on",
    "- **mutants**: the reference with one misconception put in. Each has to be rejected, with the message "
    "that names the misconception;\n"
    "- **alternatives**: right answers that are written in another way. Each has to be accepted;\n"
    "- **equivalents**: edits that look like a mistake and change nothing that matters. They have to be "
    "accepted as well, and the reason is given.",
    "The first unit follows a practical that publishes a check of its own, a comparison of a few values. In "
    "this course's notebook it is the first that a student sees; its figures stand beside ours there.",
)
NO_NUMBERS = "not measured"


def render(trials: Mapping[str, Sequence[FunctionTrial]]) -> bytes:
    """The page.

    Args:
        trials: unit → all its trials, in any order.
    """
    course = load_course(REPOSITORY / "course")
    parts = [*ABOUT]
    for unit in course.units:
        parts += _unit(unit.name, unit.title, trials[unit.name])
    return ("\n\n".join(parts) + "\n").encode()


def _unit(unit: str, title: str, trials: Sequence[FunctionTrial]) -> list[str]:
    by_key = {(trial.kind, trial.exercise, trial.id): trial for trial in trials}
    found = load_consequences(unit)
    parts = [f"## {title}", _overview(rows(unit, trials), follows_practical(unit))]
    if found is not None:
        parts.append(_about_training(found))
    for check in checks_of(unit):
        parts += _exercise(unit, check, by_key, found)
    return parts


def _overview(found: Sequence[Row], published: bool) -> str:
    headings = ["exercise", "cases", "mutants rejected", "with their own message", "alternatives accepted"]
    if published:
        headings += ["practical's check: mutants rejected", "practical's check: alternatives accepted"]
    lines = [f"| {' | '.join(headings)} |", "|:--" + "|--:" * (len(headings) - 1) + "|"]
    for row in found:
        name = "**all**" if row is found[-1] else f"`{row.name}`"
        cells: list[Share | None] = [row.killed, row.told, row.accepted]
        cells += [row.practical_killed, row.practical_accepted] if published else []
        lines.append(f"| {name} | {row.cases} | {' | '.join(_cell(cell) for cell in cells)} |")
    return "\n".join(lines)


def _cell(cell: Share | None) -> str:
    return "none published" if cell is None else str(cell)


def _about_training(found: Consequences) -> str:
    """What the numbers of the column "in training" are."""
    error, error_spread = found.spread("error")
    run, start, trainer = found.settings["run"], found.settings["start"], trainer_of(found.unit)
    reference = f"{share(error)} ± {share(error_spread)}"
    if all(one.mask_rate is not None for one in found.reference):
        mask, mask_spread = found.spread("mask_rate")
        reference += f" and a mask rate of {share(mask)} ± {share(mask_spread)}"
    images = f"{run.get('labeled_batch_size') or run['batch_size']} labeled and "
    images += f"{run['mu']} times as many" if run["mu"] > 1 else "as many"
    sentences = (
        'The column "in training" of the tables below says what a mistake does there.',
        f"Each mutant was trained in its reference's place: a network of "
        f"{len(found.settings['network']['convolutions'])} convolutions, {run['steps']} steps of "
        f"{images} unlabeled images of `{found.settings['data']}`, of which {found.settings['labels']} have "
        f"labels. {trainer.ABOUT}",
        f"All runs begin at the same weights ({start['steps']} steps with λ_u = 0, validation "
        f"error {share(found.start)}).",
        f"The reference ends at a validation error of {reference} (mean and standard deviation of "
        f"{len(found.reference)} seeds).",
        f"A mutant has one run; its number is given where it is more than {SPREADS:g} standard deviations "
        f"away, and at least {share(LEAST)}.",
        _about_all(found),
        *_about_better(found),
        "So short a run of so small a network on such images shows which mistakes are silent, that is, whose "
        "curves look fine, and of some that they matter. It is never evidence for or against a method. In a "
        "long run on others the order may be another, and a mistake that makes no difference here may make "
        "one.",
        f"Measured on {found.machine['hardware']} with {trainer.FRAMEWORK} "
        f"{found.machine[trainer.FRAMEWORK]}.",
    )
    return " ".join(sentences)


def _about_all(found: Consequences) -> str:
    """How many mutants of those that were measured would be noticed by which sign."""
    runs = [run for of_exercise in found.mutants.values() for run in of_exercise.values()]
    ended = [run for run in runs if run.ending is Ending.TRAINS]
    alike = sum(not found.told(run) for run in ended)
    return (
        f"Of {len(runs)} mutants {len(runs) - len(ended)} crash or are stopped, {len(ended) - alike} train "
        f"to the end and differ by these numbers, and {alike} train without such a difference."
    )


def _about_better(found: Consequences) -> list[str]:
    """A warning, where mistakes end clearly below the reference's error."""
    better = [f"{', '.join(names)} (`{exercise}`)" for exercise, names in found.better().items()]
    if not better:
        return []
    winners = "; ".join(better)
    return [
        f"At this size some mistakes happen to win, by more than that: {winners}. This is no advice.",
        "It shows how little a good curve proves.",
    ]


def _exercise(
    unit: str,
    check: Check,
    trials: Mapping[tuple[Kind, str, str], FunctionTrial],
    found: Consequences | None,
) -> list[str]:
    mutants = [mutant for mutant in mutants_of(unit) if mutant.exercise == check.name]
    parts = [f"### `{check.name}`", "Its cases:", "\n".join(f"1. {case.tries}" for case in check.cases)]
    headings = ["mutant", "what the check says"]
    headings += ["practical's check"] if follows_practical(unit) else []
    headings += ["in training"] if found is not None else []
    lines = [f"| {' | '.join(headings)} |", "|:--" * len(headings) + "|"]
    for mutant in mutants:
        trial = trials[Kind.MUTANT, check.name, mutant.id]
        cells = [mutant.id, _said(trial)]
        cells += [_practical(trial)] if follows_practical(unit) else []
        cells += [_training(unit, mutant, found)] if found is not None else []
        lines.append("| " + " | ".join(_escape(cell) for cell in cells) + " |")
    parts += [f"{len(mutants)} mutants:", "\n".join(lines)]
    titles = [item.title for item in alternatives_of(unit) if item.exercise == check.name]
    parts += [
        f"{len(titles)} alternatives:",
        "\n".join(_right(title, trials[Kind.ALTERNATIVE, check.name, title]) for title in titles),
    ]
    same = [item for item in equivalents_of(unit) if item.exercise == check.name]
    if same:
        parts += [
            "Equivalents:",
            "\n".join(
                _right(f"{item.id}. {item.why}", trials[Kind.EQUIVALENT, check.name, item.id])
                for item in same
            ),
        ]
    return parts


def _said(trial: FunctionTrial) -> str:
    if trial.verdict is TrialVerdict.SURVIVED:
        return "**nothing: it survives**"
    return trial.message if trial.verdict is TrialVerdict.KILLED else f"(another message) {trial.message}"


def _right(text: str, trial: FunctionTrial) -> str:
    mark = "" if trial.verdict is TrialVerdict.ACCEPTED else "**rejected**: "
    against = " (the practical's check rejects it)" if trial.practical is False else ""
    return f"- {mark}{text}{against}"


def _practical(trial: FunctionTrial) -> str:
    return {None: "none published", True: "accepts it", False: "rejects it"}[trial.practical]


def _training(unit: str, mutant: Mutant, found: Consequences) -> str:
    if mutant.exercise not in trained_exercises(unit):
        return "not part of the training"
    if mutant.on_gpu_alone:
        return "fails on a GPU"
    run = found.of(unit, mutant)
    return NO_NUMBERS if run is None else found.words(run)


def _escape(text: str) -> str:
    return text.replace("|", "\\|")
