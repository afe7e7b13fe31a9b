"""The student's side of the semi-supervised learning course.

`import course` is light on purpose: PyTorch, torchvision, jax-resnet and matplotlib are
imported by the functions that need them.

What the notebooks call most is here under one name, ``course.check`` or ``course.predict``: a student may use
every other name, such as ``check`` or ``predict``, without breaking a cell that cannot be edited.
"""

from typing import TYPE_CHECKING

from course.lazy import lazy_names

if TYPE_CHECKING:
    from course.checks import check, practical_check
    from course.notebook.board import show_tensorboard
    from course.notebook.hints import hint
    from course.notebook.logbook import delete_logbook
    from course.notebook.personal import bug, my_bug, my_trace, trace
    from course.notebook.predictions import predict, reveal
    from course.notebook.progress import progress
    from course.notebook.questions import recall
    from course.notebook.ready import ready_to_hand_in
    from course.notebook.session import begin

__version__ = "0.2.0"

__all__ = [
    "begin",
    "bug",
    "check",
    "delete_logbook",
    "hint",
    "my_bug",
    "my_trace",
    "practical_check",
    "predict",
    "progress",
    "ready_to_hand_in",
    "recall",
    "reveal",
    "show_tensorboard",
    "trace",
]

__getattr__ = lazy_names(
    __name__,
    {
        "course.checks": ("check", "practical_check"),
        "course.notebook.board": ("show_tensorboard",),
        "course.notebook.hints": ("hint",),
        "course.notebook.logbook": ("delete_logbook",),
        "course.notebook.personal": ("bug", "my_bug", "my_trace", "trace"),
        "course.notebook.predictions": ("predict", "reveal"),
        "course.notebook.progress": ("progress",),
        "course.notebook.questions": ("recall",),
        "course.notebook.ready": ("ready_to_hand_in",),
        "course.notebook.session": ("begin",),
    },
)


def __dir__() -> list[str]:
    """What completion offers."""
    return sorted({*globals(), *__all__})
