"""Command-line options made from dataclasses of hyperparameters, so that each is written once."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import fields
from typing import Annotated, Any, get_type_hints

import typer

from course.training.hparams import Settings
from solutions.experiments.spec import Given, flag

SET_ELSEWHERE = ("logdir", "n_labeled")  # --out, also --logdir; --labels, also --n-labeled
FROM_DATA = ("num_classes", "n_classes")  # not given, they come from the data set


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
        flags = [f"--{name}"] if "_" not in name else [flag(name), f"--{name}"]
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


def shared_hparams(kinds: Iterable[type[Settings]]) -> list[str]:
    """The hyperparameters that all of some methods have, with the same default, in the first one's order."""
    first, *others = ({spec.name: spec.default for spec in fields(kind)} for kind in kinds)
    return [name for name, value in first.items() if all(o.get(name, ...) == value for o in others)]
