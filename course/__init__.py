"""The student's side of the semi-supervised learning course.

`import course` is light on purpose: PyTorch, torchvision, jax-resnet and matplotlib are
imported by the functions that need them.

What the notebooks call most is here under one name, ``course.check`` or ``course.predict``: a student may use
every other name, such as ``check`` or ``predict``, without breaking a cell that cannot be edited.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from course.board import show_tensorboard
    from course.checks import check, practical_check
    from course.learn.hints import hint
    from course.learn.predictions import predict, reveal
    from course.learn.progress import progress
    from course.learn.questions import recall
    from course.learn.ready import ready_to_hand_in
    from course.learn.session import begin

__version__ = "0.2.0"

__all__ = [
    "begin",
    "check",
    "hint",
    "practical_check",
    "predict",
    "progress",
    "ready_to_hand_in",
    "recall",
    "reveal",
    "show_tensorboard",
]

_HOMES = {
    "course.board": ("show_tensorboard",),
    "course.checks": ("check", "practical_check"),
    "course.learn": ("begin", "hint", "predict", "progress", "ready_to_hand_in", "recall", "reveal"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """One of the names above, imported when it is first asked for (PEP 562)."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    """What completion offers."""
    return sorted({*globals(), *__all__})
