"""Command-line options made from dataclasses of hyperparameters, so that each is written once."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, fields
from typing import Annotated, Any, get_type_hints

import typer

from course.errors import CourseError
from course.training.hparams import Settings
from course.training.torch.hparams import TorchHparams

SET_ELSEWHERE = ("logdir", "n_labeled")  # --out, also --logdir; --labels, also --n-labeled
FROM_DATA = ("num_classes", "n_classes")  # not given, they come from the data set

# What JAX's dataclasses and PyTorch's call the same thing, and PyTorch's value for 1 of JAX's (PyTorch's
# weight decay has the paper's ½).
SAME: tuple[tuple[str, str, float | None], ...] = (
    ("num_classes", "n_classes", None),
    ("labeled_batch_size", "batch_size", None),
    ("lambda_coef", "lambda_u", None),
    ("confidence_threshold", "threshold", None),
    ("beta", "momentum", None),
    ("alpha", "decay_fraction", None),
    ("w_decay", "weight_decay", 2.0),
    ("epoch_steps", "num_iter", None),
    ("validate_every_steps", "eval_step", None),
)


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def translated(name: str, value: Any, kind: type[Settings]) -> tuple[str, Any] | None:
    """A setting under the name that a dataclass has for it, or None where it has none."""
    names = {spec.name for spec in fields(kind)}
    if name in names:
        return name, value
    for jax_name, torch_name, factor in SAME:
        if name == jax_name and torch_name in names:
            return torch_name, value if factor is None else value * factor
        if name == torch_name and jax_name in names:
            return jax_name, value if factor is None else value / factor
    return None


@dataclass(frozen=True)
class Given:
    """The hyperparameters that a command line names, and those that its command sets itself."""

    values: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)

    def maker(self, kind: type[Settings], preset: Mapping[str, Any], what: str) -> Callable[..., Any]:
        """A function that makes ``kind`` from what is given, the preset, and its own keyword arguments.

        What the command line names wins, then come the function's arguments, then the preset. Names of the
        other framework are translated.

        Args:
            kind: the dataclass.
            preset: settings under ``kind``'s own names.
            what: "fixmatch in jax", for the message.

        Raises:
            CourseError: a given option does not exist for ``kind``, or is given under two names.
        """
        chosen: dict[str, Any] = {}
        for name, value in self.values.items():
            found = translated(name, value, kind)
            if found is None:
                raise CourseError(f"{_flag(name)} is not an option of {what}: leave it out, or see --help")
            if found[0] in chosen:
                raise CourseError(f"{_flag(name)} is given twice, under two names: give one")
            chosen[found[0]] = found[1]
        base = {**self.defaults, **preset}
        if "epochs" in chosen:
            if "steps" in chosen:
                raise CourseError("--epochs and --steps exclude each other: give one")
            if "total_steps" in chosen and issubclass(kind, TorchHparams):
                raise CourseError(
                    "--epochs and --total-steps exclude each other: give --steps, or one of them"
                )
            base.pop("steps", None)  # a preset's or a command's own must not win

        def make(**more: Any) -> Any:
            known = dict(found for n, v in more.items() if (found := translated(n, v, kind)) is not None)
            return kind(**{**base, **known, **chosen})

        return make


def with_hparams(
    kinds: Mapping[str, type[Settings]], *, only: Collection[str] | None = None, **defaults: Any
) -> Callable[[Any], Any]:
    """Give a command one option per hyperparameter, under its own name (``--w_decay``, also ``--w-decay``).

    The command receives a `Given` as its first argument.

    Args:
        kinds: framework → the method's dataclass there; each field's ``help`` becomes the option's.
        only: the hyperparameters; None means all.
        **defaults: other defaults than the dataclasses'.
    """
    found: dict[str, dict[str, Any]] = {}
    types: dict[str, Any] = {}
    for framework, kind in kinds.items():
        types = {**get_type_hints(kind), **types}
        for spec in fields(kind):
            if spec.name not in SET_ELSEWHERE and (only is None or spec.name in only):
                found.setdefault(spec.name, {})[framework] = spec

    def option(name: str, specs: Mapping[str, Any]) -> Any:
        texts = {f: s.metadata["help"] for f, s in specs.items()}
        help_text = next(iter(texts.values()))
        if len(set(texts.values())) > 1:
            help_text = "; ".join(f"in {framework}: {text}" for framework, text in texts.items())
        if help_text[0].isascii():  # a τ stays one
            help_text = help_text[0].upper() + help_text[1:]
        values = {f: defaults.get(name, s.default) for f, s in specs.items()}
        shown = ""
        if name in FROM_DATA:
            help_text = f"{help_text}; not given, the data set's"
        elif len(set(values.values())) == 1:
            shown = "" if values[next(iter(values))] is None else str(values[next(iter(values))])
        else:
            shown = ", ".join(f"{value} in {framework}" for framework, value in values.items())
        flags = [f"--{name}"] if "_" not in name else [_flag(name), f"--{name}"]
        if types[name] is bool:
            flags[0] += f"/--no-{name.replace('_', '-')}"
        alone = len(kinds) > 1 and len(specs) == 1
        return typer.Option(
            *flags,
            help=f"{help_text}. Default: {shown}." if shown else f"{help_text}.",
            show_default=False,  # Typer would put it into parentheses
            rich_help_panel=f"Hyperparameters in {next(iter(specs))}" if alone else "Hyperparameters",
        )

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(command)
        def wrapper(**words: Any) -> Any:
            values = {name: words.pop(name) for name in found}
            given = {name: value for name, value in values.items() if value is not None}
            return command(Given(given, defaults), **words)

        own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]
        added = [
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=None,
                annotation=Annotated[types[name] | None, option(name, specs)],
            )
            for name, specs in found.items()
        ]
        parameters = [*(p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own), *added]
        wrapper.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        wrapper.__annotations__ = {p.name: p.annotation for p in parameters}
        return wrapper

    return decorate


def shared_hparams(kinds: Collection[type[Settings]]) -> list[str]:
    """The hyperparameters that all of some methods have, with the same default, in the first one's order."""
    first, *others = ({spec.name: spec.default for spec in fields(kind)} for kind in kinds)
    return [name for name, value in first.items() if all(o.get(name, ...) == value for o in others)]
