"""The training loop and what it is made of; methods are passed in.

What needs JAX is imported when it is first asked for: a run's log can be read without it.
"""

from typing import TYPE_CHECKING

from course.lazy import lazy_names
from course.training.batches import labeled_batches, mixed_batches, paired_batches
from course.training.engine import TrainResult
from course.training.hparams import FixMatchHparams, SupervisedHparams
from course.training.metrics import Metrics, convert_to_numpy, jnp_to_np_u8
from course.training.run_log import RunLog, read_metrics, warn_if_partial
from course.training.runfolder import RunFolder

if TYPE_CHECKING:
    from course.training.checkpoint import (
        Checkpoint,
        load_checkpoint,
        load_provided_checkpoint,
        save_checkpoint,
    )
    from course.training.jax.loop import TrainState, start, train_loop
    from course.training.jax.optimizers import Optimizer, get_ema_params, get_params, momentum
    from course.training.jax.penalty import l2_penalty
    from course.training.jax.trees import checkpoint_from_torchvision

__all__ = [
    "Checkpoint",
    "FixMatchHparams",
    "Metrics",
    "Optimizer",
    "RunFolder",
    "RunLog",
    "SupervisedHparams",
    "TrainResult",
    "TrainState",
    "checkpoint_from_torchvision",
    "convert_to_numpy",
    "get_ema_params",
    "get_params",
    "jnp_to_np_u8",
    "l2_penalty",
    "labeled_batches",
    "load_checkpoint",
    "load_provided_checkpoint",
    "mixed_batches",
    "momentum",
    "paired_batches",
    "read_metrics",
    "save_checkpoint",
    "start",
    "train_loop",
    "warn_if_partial",
]

__getattr__ = lazy_names(
    __name__,
    {
        "course.training.checkpoint": (
            "Checkpoint",
            "load_checkpoint",
            "load_provided_checkpoint",
            "save_checkpoint",
        ),
        "course.training.jax.loop": ("TrainState", "start", "train_loop"),
        "course.training.jax.optimizers": ("Optimizer", "get_ema_params", "get_params", "momentum"),
        "course.training.jax.penalty": ("l2_penalty",),
        "course.training.jax.trees": ("checkpoint_from_torchvision",),
    },
)


def __dir__() -> list[str]:
    """What completion offers."""
    return sorted({*globals(), *__all__})
