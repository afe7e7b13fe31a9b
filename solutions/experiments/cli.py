"""``python -m solutions``: train the reference solutions and report what they reach."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from course.console import plain_where_needed
from course.errors import CourseError, out_of_memory, unknown_name
from course.files import cannot_write, is_full, write_atomically
from course.training import SupervisedHparams
from course.training.engine import IfExists
from course.training.torch.launch import leads, number
from solutions.experiments.methods import METHODS, Method
from solutions.experiments.options import shared_hparams, with_hparams
from solutions.experiments.presets import PRESETS
from solutions.experiments.spec import AUTO, Given, RunSpec
from solutions.experiments.wording import command_line_words
from solutions.experiments.words import several_words, whole_numbers

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Train the reference solutions and report what they reach.",
    pretty_exceptions_enable=False,
)
train_app = typer.Typer(no_args_is_help=True, help="Train one method and test it once, at the end.")
app.add_typer(train_app, name="train")

INTERRUPTED = 130
# A sweep's options are what means the same to all methods. Seeds it counts, and its workers start no process.
SHARED = [
    name
    for name in shared_hparams(method.torch.hparams for method in METHODS.values())
    if name not in ("seed", "num_workers")
]

Data = Annotated[
    str, typer.Option(help="shapes, digits, cifar10, or a .npz file with x_train, y_train, x_test, y_test.")
]
Start = Annotated[str, typer.Option(help="Weights to start from: provided, none, or a .safetensors file.")]


def _labels_option(otherwise: str) -> Any:
    names = ("--labels", "--n-labeled", "--n_labeled")
    return typer.Option(*names, min=1, help=f"Labeled images in total; by default, {otherwise}.")


Labels = Annotated[int | None, _labels_option("the checkpoint's, the preset's or the method's")]
PretrainLabels = Annotated[int | None, _labels_option("as many of each class as below")]
Out = Annotated[
    Path,
    typer.Option(
        "--out", "--logdir", help="Folder for metrics, events, curves, checkpoint and configuration."
    ),
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Continue from the checkpoint in --out, if there is one.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the run in --out.")]
Augmentation = Annotated[
    str,
    typer.Option(
        help="course, image by image with PIL; device, the same policy for a whole mini-batch where the "
        "network is; auto, device on an accelerator and else course; or in JAX practical, the practical's "
        "own, for comparison."
    ),
]
FrameworkName = Annotated[
    str | None,
    typer.Option(
        "--framework", help="jax or torch; by default torch with --preset, else jax if it has the method."
    ),
]
Model = Annotated[
    str | None,
    typer.Option(help="resnet18, or in torch cnn, wrn-28-2 (its default) and other wrn-DEPTH-WIDTH."),
]
PresetName = Annotated[
    str | None,
    typer.Option(
        "--preset",
        help="For torch. "
        + "; ".join(f"{name} ({preset.for_whom})" for name, preset in PRESETS.items())
        + ".",
    ),
]
Note = Annotated[str, typer.Option(help="Anything a reader of the results should know, e.g. about the data.")]


def _if_exists(resume: bool, overwrite: bool) -> IfExists:
    if resume and overwrite:
        raise CourseError("--resume and --overwrite exclude each other: give one")
    return "resume" if resume else "overwrite" if overwrite else "error"


def _train(spec: RunSpec, if_exists: IfExists) -> None:
    from solutions.experiments.experiment import run

    result = run(spec, if_exists=if_exists)
    if result is None:
        raise typer.Exit(INTERRUPTED if leads() else 0)
    for weights, error in (("EMA", result.test_error), ("raw", result.test_error_raw)):
        print(f"test error ({weights}) {error:.4f} on {result.data}")
    print(f"{spec.out} has metrics.jsonl, curves.png, TensorBoard events, config.json and checkpoint")


def _add_train_command(method: Method) -> None:
    """``train METHOD``: all methods have the same options beside their hyperparameters."""

    def command(
        given: Given,
        framework: FrameworkName = None,
        model: Model = None,
        preset: PresetName = None,
        data: Data = "shapes",
        checkpoint: Start = "none",
        labels: Labels = None,
        out: Out = Path("runs") / method.torch.name,
        resume: Resume = False,
        overwrite: Overwrite = False,
        augmentation: Augmentation = AUTO,
        note: Note = "",
    ) -> None:
        spec = RunSpec(
            method.torch.name,
            out,
            framework=framework,
            model=model,
            preset=preset,
            data=data,
            checkpoint=checkpoint,
            labels=labels,
            augmentation=augmentation,
            note=note,
            given=given,
        )
        _train(spec, _if_exists(resume, overwrite))

    command.__doc__ = method.explained
    train_app.command(method.torch.name)(with_hparams(method.hparams)(command))


for known in METHODS.values():
    _add_train_command(known)


@app.command()
@with_hparams(
    {"jax": SupervisedHparams}, steps=5000, alpha=0.0, validate_every_steps=1000, write_checkpoint_every=500
)
def pretrain(
    given: Given,
    data: Data = "cifar10",
    labels: PretrainLabels = None,
    out: Out = Path("runs/pretrain"),
    export: Annotated[
        Path, typer.Option(help="Checkpoint to write, *.safetensors, with its manifest.")
    ] = Path("course/checkpoints/resnet18-cifar10-400.safetensors"),
    resume: Resume = False,
    overwrite: Overwrite = False,
    note: Note = "",
) -> None:
    """Make the provided checkpoint: a ResNet18 on labeled images only, at a constant learning rate."""
    from solutions.experiments.pretrain import check_export, export_checkpoint

    check_export(export)
    spec = RunSpec("supervised", out, framework="jax", data=data, labels=labels, note=note, given=given)
    _train(spec, _if_exists(resume, overwrite))
    error = export_checkpoint(out, export, data)
    print(
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
    from solutions.experiments.results import write_results

    print(write_results(runs, out))


@app.command(cls=several_words("--methods", "--labels"))
@with_hparams({"torch": METHODS["supervised"].torch.hparams}, only=SHARED)
def sweep(
    given: Given,
    methods: Annotated[
        list[str],
        typer.Option(
            metavar="METHOD ...",
            help=f"Of {', '.join(METHODS)}; by default, all of the framework's.",
            show_default=False,
        ),
    ] = [],  # noqa: B006 (Typer copies it)
    labels: Annotated[
        list[str], typer.Option(metavar="N ...", help="Labeled images in total, one or more numbers.")
    ] = [],  # noqa: B006
    seeds: Annotated[int, typer.Option(help="How many: 3 means seeds 0, 1 and 2.")] = 3,
    framework: Annotated[str, typer.Option(help="jax or torch, for all methods.")] = "torch",
    model: Model = None,
    preset: PresetName = None,
    data: Data = "shapes",
    out: Annotated[
        Path, typer.Option(help="Folder for results.csv, curves.csv, about.json and the runs' folders.")
    ] = Path("runs/sweep"),
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="A dask scheduler, such as tcp://host:8786, whose workers share --out and --data; by "
            "default, processes on this machine.",
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            help="Processes on this machine; by default, one a core, or one with a GPU. Each computes in one "
            "thread, so that the numbers do not depend on how many there are.",
            show_default=False,
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Continue in --out: collect finished runs, resume the others, add new ones.",
        ),
    ] = False,
    note: Note = "",
) -> None:
    """Train every method with every number of labels and every seed, several runs at a time.

    --methods and --labels take several words: --labels 500 2000 10000. Results are written as runs finish.
    """
    from solutions.experiments.frameworks import FRAMEWORKS
    from solutions.experiments.sweep import SweepSpec
    from solutions.experiments.sweep import sweep as run_sweep

    if number() > 1:
        raise CourseError("a sweep spreads its runs over processes by itself: start it without torchrun")
    if framework not in FRAMEWORKS:
        raise unknown_name("framework", framework, FRAMEWORKS)
    having = [name for name, method in METHODS.items() if framework in method.hparams]
    spec = SweepSpec(
        methods=list(dict.fromkeys(methods)) or having,
        labels=whole_numbers("--labels", labels),
        seeds=seeds,
        out=out,
        framework=framework,
        model=model,
        preset=preset,
        data=data,
        note=note,
        given=given.values,
    )
    outcome = run_sweep(spec, resume=resume, scheduler=scheduler, jobs=jobs)
    for name, text in outcome.tracebacks.items():
        print(f"{name}:\n{text}", file=sys.stderr)
    for name, why in outcome.failed.items():
        print(f"error: {name}: {why}", file=sys.stderr)
    counted = f"{outcome.finished} of {outcome.runs} runs are in {out / 'results.csv'}"
    if outcome.interrupted:
        print(f"interrupted: {counted}; continue with the same command and --resume", file=sys.stderr)
        raise typer.Exit(INTERRUPTED)
    if outcome.failed:
        print(f"{counted}; try the others again with the same command and --resume", file=sys.stderr)
        raise typer.Exit(1)
    print(f"{counted}; see them with: python -m solutions table {out}")


Tidy = Annotated[
    list[Path], typer.Argument(metavar="RESULTS...", help="Files results.csv, or folders that contain them.")
]


@app.command()
def table(
    results: Tidy,
    out: Annotated[Path | None, typer.Option(help="Markdown file to write too, such as table.md.")] = None,
) -> None:
    """Print a sweep's table: test accuracy by labels and method, mean and spread over seeds, and the cost."""
    from solutions.experiments.accuracy import print_tables, tables
    from solutions.experiments.tidy import read_results

    made = tables(read_results(results))
    if out is not None:
        write_atomically(out, "\n".join(part.markdown() for part in made).encode())
    print_tables(made)


@app.command()
def tutorial(
    results: Annotated[
        list[Path], typer.Argument(metavar="[RESULTS...]", help="Sweeps of this course to put beside it.")
    ] = [],  # noqa: B006 (Typer copies it)
    out: Annotated[Path, typer.Option(help="Markdown file to write.")] = Path("tutorial.md"),
) -> None:
    """Write the table that the units' tutorial prints, with what this course has measured beside it."""
    from solutions.experiments.tidy import read_results
    from solutions.experiments.tutorial import markdown

    write_atomically(out, markdown(read_results(results) if results else []).encode())
    print(f"wrote {out}")


@app.command()
def plot(
    results: Tidy,
    out: Annotated[Path, typer.Option(help="Picture to write, .png or .svg.")] = Path("accuracy.png"),
) -> None:
    """Draw a sweep's test accuracy against the number of labels, a line for each method."""
    from solutions.experiments.accuracy import plot_accuracy
    from solutions.experiments.tidy import read_results

    plot_accuracy(read_results(results), out)
    print(f"wrote {out}")


def main() -> None:
    """Run the command line; bad input, a full disk or too little memory is one line and exit code 2."""
    plain_where_needed()
    try:
        with command_line_words():
            app()
    except CourseError as error:
        sys.exit(_complain(error))
    except OSError as error:
        if not is_full(error):
            raise
        sys.exit(_complain(cannot_write(Path(error.filename or "a file"), error)))
    except (MemoryError, RuntimeError) as error:
        if not out_of_memory(error):
            raise
        sys.exit(_complain(CourseError("memory ran out: close other programs, or use smaller batches")))


def _complain(error: CourseError) -> int:
    print(f"error: {error}", file=sys.stderr)
    return 2
