"""Finds tensors that a function makes on the CPU for arguments on a GPU, on a machine that has none.

Everything is computed on the CPU, with the numbers that it always has, so an ``if`` on a value or a loop over
numbers takes its course. Next to each tensor is noted where it would be: an argument on a GPU, so what is
computed from it too; what is made without saying where, on the CPU. A GPU would refuse to compute with both
at once, apart from a single number of the CPU, and so does this. Of tensors whose making was not seen nothing
is noted, and nothing is said.
"""

from __future__ import annotations

import functools
import linecache
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakTensorKeyDictionary

from course.checks.advice import MADE_ON_THE_CPU
from course.checks.call import Call, MadeOnTheCPU, module_name
from course.checks.case import Case, Check, called_by

NAME = "on a GPU"

GPU, CPU = torch.device("cuda", 0), torch.device("cpu")
_DEVICE, _IS_CUDA, _IS_CPU = (getattr(Tensor, name).__get__ for name in ("device", "is_cuda", "is_cpu"))
_TO_NUMPY = (Tensor.numpy, Tensor.__array__)
_MOVES = (Tensor.to, Tensor.cuda, Tensor.cpu, Tensor.type_as)
# Data that are no tensor are put where the argument device says, whatever they consist of.
_OF_DATA = (torch.tensor, torch.as_tensor, torch.asarray)
_CHARACTERS = 100


def also_on_a_gpu(check: Check) -> Check:
    """A check whose first case is tried once more at its end, as if the arguments were on a GPU."""
    return replace(check, cases=(*check.cases, on_a_gpu(check.cases[0])))


def on_a_gpu(case: Case) -> Case:
    """The same case as if the arguments were on a GPU."""

    def call_there(call: Call, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return call(as_on_a_gpu(function), *args, **kwargs)

    misconception, look = MADE_ON_THE_CPU
    return replace(
        called_by(case, call_there),
        name=NAME,
        tries=f"{case.tries}, as if everything were on a GPU",
        misconception=misconception,
        look=look,
        last=True,
    )


def as_on_a_gpu(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function for arguments that are taken to be on a GPU.

    Raises:
        MadeOnTheCPU: it computes with a tensor that would be on the CPU, or returns one; not where the tensor
            has no axis.
    """

    @functools.wraps(function)
    def there(*args: Any, **kwargs: Any) -> Any:
        places = _Places(module_name(function))
        places.note((args, kwargs), GPU)
        with places:
            returned = function(*args, **kwargs)
        places.require_all_on_gpu(returned)
        return returned

    return there


class _Places(TorchFunctionMode):
    """Knows where tensors would be.

    Args:
        module: the student's, whose lines are named.
    """

    def __init__(self, module: str) -> None:
        super().__init__()
        self.module = module
        self.devices: Any = WeakTensorKeyDictionary()
        self.origins: Any = WeakTensorKeyDictionary()  # of those on the CPU: what made them

    def note(self, tree: Any, device: torch.device, origin: str = "") -> None:
        """Note where the tensors of a nested structure are."""
        for tensor in _tensors(tree):
            self.devices[tensor] = device
            if device == CPU:
                self.origins[tensor] = origin

    def require_all_on_gpu(self, tree: Any) -> None:
        """Raise MadeOnTheCPU for one that has an axis and is on the CPU."""
        for tensor in _tensors(tree):
            if self.devices.get(tensor) == CPU and tensor.dim():
                raise self._made_on_the_cpu(tensor)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func in (_DEVICE, _IS_CUDA, _IS_CPU, Tensor.get_device):
            return self._told(func, self.devices.get(args[0], CPU))
        if func in _TO_NUMPY and self.devices.get(args[0]) == GPU:
            raise TypeError("can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() first.")
        if func is torch.device:
            return func(*args, **kwargs)
        asked = self._asked(func, args, kwargs)
        self._require_together(func, args, kwargs)
        returned = func(*_on_cpu(args), **_on_cpu(kwargs))
        moved = func in _MOVES or (func in _OF_DATA and asked is not None)
        if moved and args and returned is args[0]:
            returned = returned.clone()  # what is elsewhere is a copy
        self._note_returned(func, args, kwargs, returned, asked)
        return returned

    @staticmethod
    def _told(func: Any, device: torch.device) -> Any:
        if func == _DEVICE:
            return device
        if func == Tensor.get_device:
            return 0 if device == GPU else -1
        return (device == GPU) == (func == _IS_CUDA)

    def _asked(self, func: Any, args: Any, kwargs: Mapping[str, Any]) -> torch.device | None:
        """The device that a call names."""
        if func is Tensor.cuda:
            return GPU
        if func is Tensor.cpu:
            return CPU
        named = [kwargs.get("device"), *(args[1:] if func in _MOVES else args)]
        for one in named:
            if func in _MOVES and isinstance(one, Tensor):
                return self.devices.get(one)
            if isinstance(one, torch.device) or (isinstance(one, str) and one.startswith(("cpu", "cuda"))):
                return GPU if torch.device(one).type == "cuda" else CPU
        return None

    def _require_together(self, func: Any, args: Any, kwargs: Mapping[str, Any]) -> None:
        """Raise MadeOnTheCPU where a GPU would refuse."""
        if func in _MOVES or func in _OF_DATA or func is Tensor.copy_:
            return
        tensors = list(_tensors((args, kwargs)))
        if func in (Tensor.__getitem__, Tensor.__setitem__):
            positions = [one for one in _tensors(args[1]) if one.dim()]
            if self.devices.get(args[0]) == GPU:  # positions on the CPU will do
                positions = [one for one in positions if self.devices.get(one) == GPU]
            values = list(_tensors(args[2:])) if positions else []  # otherwise they are copied
            tensors = [args[0], *positions, *values]
        elif func in (Tensor.index_put, Tensor.index_put_, torch.index_put, torch.index_put_):
            tensors = [args[0], *_tensors(args[2:])]
        if any(self.devices.get(one) == GPU for one in tensors):
            for one in tensors:
                if self.devices.get(one) == CPU and one.dim():
                    raise self._made_on_the_cpu(one)

    def _note_returned(
        self, func: Any, args: Any, kwargs: Any, returned: Any, asked: torch.device | None
    ) -> None:
        given = list(_tensors((args, kwargs)))
        if func is Tensor.__getitem__ or func in _OF_DATA:  # it is where the first one is
            given = [one for one in args[:1] if isinstance(one, Tensor)]
        new = [one for one in _tensors(returned) if all(one is not other for other in given)]
        if not new:
            return
        devices = [self.devices.get(one) for one in given]
        if asked is not None or not given:
            self.note(new, asked or CPU, self._here(func))
        elif GPU in devices:
            self.note(new, GPU)
        elif None not in devices:
            self.note(new, CPU, self.origins[given[0]])

    def _here(self, func: Any) -> str:
        """The student's line that is being executed, or what it calls."""
        frame = sys._getframe()
        while frame is not None and frame.f_globals.get("__name__") != self.module:
            frame = frame.f_back  # type: ignore[assignment]
        line = linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip() if frame else ""
        return line if 0 < len(line) <= _CHARACTERS else f"torch.{func.__name__}"

    def _made_on_the_cpu(self, tensor: Tensor) -> MadeOnTheCPU:
        return MadeOnTheCPU(
            f"`{self.origins[tensor]}` makes a tensor on the CPU, while the arguments are on a GPU"
        )


def _tensors(tree: Any) -> Iterator[Tensor]:
    """The tensors of a nested structure, those of a network among them."""
    if isinstance(tree, Tensor):
        yield tree
    elif isinstance(tree, nn.Module):
        yield from tree.parameters()
        yield from tree.buffers()
    elif isinstance(tree, Mapping):
        for value in tree.values():
            yield from _tensors(value)
    elif isinstance(tree, list | tuple):
        for value in tree:
            yield from _tensors(value)


def _on_cpu(tree: Any) -> Any:
    """The arguments of a call with the CPU for each GPU that they name."""
    if isinstance(tree, torch.device):
        return CPU if tree.type == "cuda" else tree
    if isinstance(tree, str):
        return "cpu" if tree.startswith("cuda") else tree
    if type(tree) is dict:
        return {key: _on_cpu(value) for key, value in tree.items()}
    return tuple(map(_on_cpu, tree)) if type(tree) is tuple else tree
