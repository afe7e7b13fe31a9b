"""The student's side of the semi-supervised learning course.

`import course` is light on purpose: PyTorch, torchvision, jax-resnet and matplotlib are
imported by the functions that need them.

What the notebooks call most is here under one name, ``course.check`` or ``course.predict``: a student may use
every other name, such as ``check`` or ``predict``, without breaking a cell that cannot be edited.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from course.checks import check, practical_check
    from course.notebook.board import show_tensorboard
    from course.notebook.hints import hint
    from course.notebook.predictions import predict, reveal
    from course.notebook.progress import progress
    from course.notebook.questions import recall
    from course.notebook.ready import ready_to_hand_in
    from course.notebook.session import begin

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
    "course.checks": ("check", "practical_check"),
    "course.notebook.board": ("show_tensorboard",),
    "course.notebook.hints": ("hint",),
    "course.notebook.predictions": ("predict", "reveal"),
    "course.notebook.progress": ("progress",),
    "course.notebook.questions": ("recall",),
    "course.notebook.ready": ("ready_to_hand_in",),
    "course.notebook.session": ("begin",),
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
