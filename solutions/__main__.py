"""``python -m solutions``: train the reference solutions and report what they reach."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from course.errors import CourseError
from course.training import FixMatchHparams, SupervisedHparams
from course.training.loop import IfExists
from solutions.options import with_hparams

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__, pretty_exceptions_enable=False)
train_app = typer.Typer(no_args_is_help=True, help="Train one method and test it once, at the end.")
app.add_typer(train_app, name="train")

INTERRUPTED = 130

Data = Annotated[
    str, typer.Option(help="shapes, cifar10, or a .npz file with x_train, y_train, x_test, y_test.")
]
Start = Annotated[str, typer.Option(help="Weights to start from: provided, none, or a .safetensors file.")]
Labels = Annotated[
    int | None,
    typer.Option(min=1, help="Labeled images in all; instead of --num-labeled-training-samples-per-class."),
]
Out = Annotated[
    Path,
    typer.Option(
        "--out", "--logdir", help="Folder for metrics, events, curves, checkpoint and configuration."
    ),
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on from the checkpoint in --out, if there is one.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the run in --out.")]
Augmentation = Annotated[str, typer.Option(help="course, or practical: the practical's own, for comparison.")]
Note = Annotated[str, typer.Option(help="Anything a reader of the results should know, e.g. about the data.")]


def _if_exists(resume: bool, overwrite: bool) -> IfExists:
    if resume and overwrite:
        raise CourseError("--resume and --overwrite exclude each other: give one")
    return "resume" if resume else "overwrite" if overwrite else "error"


def _train(method: str, make_hparams: Callable[..., SupervisedHparams], options: dict[str, Any]) -> None:
    from solutions.experiment import run

    summary = run(method, make_hparams, **options)
    if summary is None:
        raise typer.Exit(INTERRUPTED)
    for name in ("test error (EMA)", "test error (raw)"):
        typer.echo(f"{name} {summary[name]:.4f} on {summary['data']}")
    typer.echo(
        f"{options['out']} holds metrics.jsonl, curves.png, TensorBoard events, config.json and checkpoint"
    )


@train_app.command("fixmatch")
@with_hparams(FixMatchHparams)
def train_fixmatch_command(
    hparams: Callable[..., FixMatchHparams],
    data: Data = "shapes",
    checkpoint: Start = "none",
    labels: Labels = None,
    out: Out = Path("runs/fixmatch"),
    resume: Resume = False,
    overwrite: Overwrite = False,
    augmentation: Augmentation = "course",
    note: Note = "",
) -> None:
    """FixMatch: labeled images, and the model's own confident labels on the rest."""
    options = {"data": data, "checkpoint": checkpoint, "labels": labels, "out": out, "note": note}
    _train(
        "fixmatch",
        hparams,
        {**options, "augmentation": augmentation, "if_exists": _if_exists(resume, overwrite)},
    )


@train_app.command("supervised")
@with_hparams(SupervisedHparams)
def train_supervised_command(
    hparams: Callable[..., SupervisedHparams],
    data: Data = "shapes",
    checkpoint: Start = "none",
    labels: Labels = None,
    out: Out = Path("runs/supervised"),
    resume: Resume = False,
    overwrite: Overwrite = False,
    augmentation: Augmentation = "course",
    note: Note = "",
) -> None:
    """The labeled images alone, with the same loop, schedule and optimizer."""
    options = {"data": data, "checkpoint": checkpoint, "labels": labels, "out": out, "note": note}
    _train(
        "supervised",
        hparams,
        {**options, "augmentation": augmentation, "if_exists": _if_exists(resume, overwrite)},
    )


@app.command()
@with_hparams(SupervisedHparams, steps=5000, alpha=0.0, validate_every_steps=1000, write_checkpoint_every=500)
def pretrain(
    hparams: Callable[..., SupervisedHparams],
    data: Data = "cifar10",
    labels: Labels = None,
    out: Out = Path("runs/pretrain"),
    export: Annotated[
        Path, typer.Option(help="Checkpoint to write, *.safetensors, with its manifest.")
    ] = Path("course/checkpoints/resnet18-cifar10-400.safetensors"),
    resume: Resume = False,
    overwrite: Overwrite = False,
    note: Note = "",
) -> None:
    """Make the provided checkpoint: a ResNet18 on labeled images only, at a constant learning rate."""
    from solutions.pretrain import check_export, export_checkpoint

    check_export(export)
    options = {"data": data, "checkpoint": "none", "labels": labels, "out": out, "note": note}
    _train("supervised", hparams, {**options, "if_exists": _if_exists(resume, overwrite)})
    error = export_checkpoint(out, export, data)
    typer.echo(
        f"{export} and {export.with_suffix('.json').name} written, test error {error:.4f} in half precision"
    )


@app.command()
def results(
    runs: Annotated[list[Path], typer.Argument(help="Folders of finished runs.")],
    out: Annotated[Path, typer.Option(help="Folder for table.md, results.json and curves.png.")] = Path(
        "solutions/results"
    ),
) -> None:
    """Compare finished runs: mean and spread over seeds, a table, a plot."""
    from solutions.results import write_results

    typer.echo(write_results(runs, out))


def main() -> None:
    """Run the command line; bad input is one line on stderr and exit code 2."""
    try:
        app()
    except CourseError as error:
        sys.exit(_complain(error))


def _complain(error: CourseError) -> int:
    typer.echo(f"error: {error}", err=True)
    return 2


if __name__ == "__main__":
    main()
