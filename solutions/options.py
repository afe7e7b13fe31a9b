"""Command-line options made from a dataclass of hyperparameters, so that each is written once."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import fields
from typing import Any, get_type_hints

import typer

from course.errors import CourseError
from course.training import SupervisedHparams

SET_ELSEWHERE = ("logdir",)  # --out, also --logdir
FROM_DATA = ("num_classes",)  # not given, they come from the data set


def with_hparams(
    hparams: type[SupervisedHparams], **defaults: Any
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command one option per hyperparameter, under its own name (``--w_decay``, also ``--w-decay``).

    The command receives a function as its first argument: called with the settings that the data set and
    the folder decide, it makes the dataclass.

    Args:
        hparams: the dataclass; each field's ``help`` becomes the option's.
        **defaults: other defaults than the dataclass's.
    """
    types = get_type_hints(hparams)
    specs = [spec for spec in fields(hparams) if spec.name not in SET_ELSEWHERE]

    def option(name: str, help_text: str, default: Any) -> Any:
        if name in FROM_DATA:
            default, help_text = None, f"{help_text}; not given, the data set's"
        flags = [f"--{name}"] if "_" not in name else [f"--{name.replace('_', '-')}", f"--{name}"]
        if isinstance(default, bool):
            flags[0] += f"/--no-{name.replace('_', '-')}"
        return typer.Option(
            default,
            *flags,
            help=help_text[0].upper() + help_text[1:] + ".",
            rich_help_panel="Hyperparameters",
        )

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(command)
        def wrapper(context: typer.Context, **given: Any) -> Any:
            chosen = {spec.name: given.pop(spec.name) for spec in specs}
            if _is_given(context, "epochs"):
                if _is_given(context, "steps"):
                    raise CourseError("--epochs and --steps exclude each other: give one")
                chosen["steps"] = None  # a command's own default must not win
            for name in FROM_DATA:
                if chosen[name] is None:
                    del chosen[name]
            return command(lambda **more: hparams(**{**more, **chosen}), **given)

        own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]
        added = [
            inspect.Parameter(
                spec.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=option(spec.name, spec.metadata["help"], defaults.get(spec.name, spec.default)),
                annotation=types[spec.name] | None if spec.name in FROM_DATA else types[spec.name],
            )
            for spec in specs
        ]
        keyword_only = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own]
        context = inspect.Parameter(
            "context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context
        )
        parameters = [context, *keyword_only, *added]
        wrapper.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        wrapper.__annotations__ = {p.name: p.annotation for p in parameters}
        return wrapper

    return decorate


def _is_given(context: typer.Context, name: str) -> bool:
    """Whether the command line has this option, so that its value is no default."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"
