"""``python -m solutions.experiments.predictions``: record what the unit ``fixmatch`` asks about early on.

The unit's own run in CPU mode is trained up to a third of its steps. Then its network is shown the next two
mini-batches, in training mode as the loss sees them. Of the first one the losses of each image are kept, of
the second one 40 predictions.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from course.augment import LabeledDataAug, UnlabeledDataAug, image_to_numpy
from course.catalog import folder_of
from course.console import command_line
from course.data import load_dataset
from course.data.loaders import get_training_generator
from course.files import write_atomically
from course.training import Checkpoint, get_params, l2_penalty, load_provided_checkpoint
from course.training.jax.loop import start
from course.training.modes import DATA_SETS, fixmatch_hparams
from course.units.fixmatch.recorded import FILE, Forty, Step, plain
from solutions.experiments.experiment import cut
from solutions.experiments.machine import versions
from solutions.fixmatch import (
    get_forward_fn,
    log_softmax_cross_entropy,
    logits_to_log_probs,
    train_fixmatch,
)

KEPT = 40
STEPS = 100  # of the run's 300


def predictions(checkpoint: Checkpoint, steps: int, folder: Path) -> tuple[Forty, Step]:
    """What the network says in the middle of the unit's run.

    Args:
        checkpoint: that the run starts from, of the data set and the architecture of CPU mode.
        steps: to train before.
        folder: for the run's files.
    """
    whole = fixmatch_hparams("cpu", logdir=str(folder))
    hparams = replace(whole, steps=steps, total_steps=whole.steps)
    parts = cut(hparams, load_dataset(DATA_SETS["cpu"]), checkpoint, None)
    labeled = parts.labeled.with_transform(LabeledDataAug())
    unlabeled = parts.unlabeled.with_transform(UnlabeledDataAug())
    validation = parts.validation.with_transform(image_to_numpy)
    state = train_fixmatch(hparams, labeled, unlabeled, validation, checkpoint).state
    params = get_params(state.opt_state)
    model, _ = start(hparams, lambda params: params, checkpoint)
    forward = jax.jit(get_forward_fn(model))
    batches = get_training_generator(
        labeled,
        unlabeled,
        labeled_batch_size=hparams.labeled_batch_size,
        unlabeled_batch_size=hparams.unlabeled_batch_size,
        seed=hparams.seed,
        start_step=steps,
        total_steps=steps + 2,
    )

    def seen(x_labeled: np.ndarray, x_weak: np.ndarray, x_strong: np.ndarray) -> list[jax.Array]:
        logits = forward(params, state.batch_stats, x_labeled, x_weak, x_strong)[:3]
        return [logits_to_log_probs(each) for each in logits]

    def one_hot(labels: np.ndarray | jax.Array) -> jax.Array:
        return jax.nn.one_hot(labels, hparams.num_classes)

    ((x, y), ((weak, strong), truth)), (later, ((later_weak, later_strong), later_truth)) = batches
    of_labeled, of_weak, of_strong = seen(x, weak, strong)
    guessed = jnp.argmax(of_weak, axis=-1)
    step = Step(
        labeled=len(x),
        supervised=float(log_softmax_cross_entropy(of_labeled, one_hot(y)).mean()),
        weight_decay=float(l2_penalty(params, hparams.w_decay)),
        confidence=np.exp(np.max(of_weak, axis=-1)),
        right=np.asarray(guessed) == truth,
        cross_entropy=np.asarray(log_softmax_cross_entropy(of_strong, one_hot(guessed))),
    )
    probabilities = np.exp(seen(later[0], later_weak, later_strong)[1])[:KEPT]
    right = probabilities.argmax(axis=-1) == later_truth[:KEPT]
    return Forty(parts.labeled.classes, probabilities, right), step


@command_line
def main() -> int:
    """Write the file of the unit, and say where."""
    checkpoint = load_provided_checkpoint(DATA_SETS["cpu"])
    about = {
        "data": DATA_SETS["cpu"],
        "checkpoint": {
            name: checkpoint.manifest[name] for name in ("architecture", "labels", "steps", "test_error")
        },
        "steps": STEPS,
        "versions": versions(),
        "command": "python -m solutions.experiments.predictions",
    }
    path = Path(str(folder_of("fixmatch"))) / FILE
    with tempfile.TemporaryDirectory() as folder:
        write_atomically(path, plain(*predictions(checkpoint, STEPS, Path(folder) / "run"), about))
    print(f"wrote {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
