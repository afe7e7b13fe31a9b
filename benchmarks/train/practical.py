"""The practical's pipeline, as its notebook has it: what the course began from. Not for use.

PIL in one process, one image after the other; a stock jax-resnet; every nested function jitted; JAX's check
for NaN after each call; and each step's metrics fetched, kept and written to TensorBoard before the next step
is prepared. Its validation is left out: ``python -m benchmarks validate_compile`` measures that one.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from functools import partial
from itertools import repeat
from typing import Any

import jax
import jax.numpy as jnp
import jax_resnet
import numpy as np
from jax.example_libraries import optimizers
from torch.utils import data
from torch.utils.tensorboard import SummaryWriter

from benchmarks.train.pipeline import Clock, Timed, jax_device_memory, peak_memory
from benchmarks.train.setting import CLASSES, Setting, make_images
from course.augment import cutout_func, image_to_numpy
from course.data.dataset import ImageDataset
from course.data.loaders import numpy_collate
from course.training.jax.devices import require_devices
from solutions.experiments.practical import CUTOUT_SIDE, PracticalLabeledAug, PracticalUnlabeledAug

LR, DECAY_STEPS, ALPHA, MASS, WEIGHT_DECAY, THRESHOLD = 0.03, 2**20, 7 / 16, 0.9, 5e-4, 0.95
_WARM_UP = 1  # nothing is prepared ahead


class LabeledView:
    """The weak view with draws from PyTorch's global generator, as the practical has it."""

    def __init__(self) -> None:
        self.transform = PracticalLabeledAug().transform

    def __call__(self, image: Any) -> np.ndarray:
        """Float32 (32, 32, 3) of a PIL image."""
        return image_to_numpy(self.transform(image))


class UnlabeledViews:
    """Weak and strong view, likewise; the cutout draws from NumPy."""

    def __init__(self) -> None:
        self.weak, self.rand_augment = LabeledView(), PracticalUnlabeledAug().rand_augment
        self.rng = np.random.default_rng()

    def __call__(self, image: Any) -> tuple[np.ndarray, np.ndarray]:
        """Both views of a PIL image, each float32 (32, 32, 3)."""
        strong = image_to_numpy(self.rand_augment(image))
        return self.weak(image), cutout_func(strong, self.rng, pad_size=CUTOUT_SIDE)


def training_generator(setting: Setting, labeled: ImageDataset, unlabeled: ImageDataset) -> Iterator[Any]:
    """An epoch of pairs of mini-batches: labeled images drawn with replacement, the others in their order."""
    oversampled = math.ceil(setting.labeled * len(unlabeled) / setting.unlabeled)
    loader = partial(data.DataLoader, num_workers=0, collate_fn=numpy_collate)
    drawn = data.RandomSampler(labeled, replacement=True, num_samples=oversampled)
    return zip(
        loader(labeled, batch_size=setting.labeled, sampler=drawn),
        loader(unlabeled, batch_size=setting.unlabeled),
        strict=False,
    )


def cosine_decay_schedule() -> Any:
    """The practical's, jitted."""
    return jax.jit(lambda count: LR * jnp.cos(jnp.pi * ALPHA * count / DECAY_STEPS))


def get_train_step(model: Any, get_params: Any, opt_update: Any) -> Any:
    """Forward pass, loss and step, each jitted, as nested functions of the notebook."""

    @jax.jit
    def forward(params: Any, batch_stats: Any, x_l: Any, x_w: Any, x_s: Any) -> Any:
        x = jnp.concatenate([x_l, x_w, x_s], axis=0)
        variables = {"params": params, "batch_stats": batch_stats}
        y, updated = model.apply(variables, x, mutable=["batch_stats"])
        parts = jnp.split(y, [len(x_l), len(x_l) + len(x_w)], axis=0)
        return *parts, updated["batch_stats"]

    @jax.jit
    def cross_entropy(log_probs: Any, targets: Any) -> Any:
        return -jnp.sum(targets * log_probs, axis=-1)

    @jax.jit
    def log_softmax(logits: Any) -> Any:
        return jax.nn.log_softmax(logits, axis=-1)

    @jax.jit
    def loss(params: Any, batch_stats: Any, x_l: Any, x_w: Any, x_s: Any, y_l: Any, y_u: Any) -> Any:
        decay = WEIGHT_DECAY * sum(jnp.sum(jnp.square(p)) for p in jax.tree.leaves(params))
        labeled, weak, strong, batch_stats = forward(params, batch_stats, x_l, x_w, x_s)
        supervised = cross_entropy(log_softmax(labeled), jax.nn.one_hot(y_l, len(CLASSES))).mean()
        weak_log_probs = jax.lax.stop_gradient(log_softmax(weak))
        pseudo_labels = jnp.argmax(weak_log_probs, axis=-1)
        mask = jnp.max(weak_log_probs, axis=-1) >= jnp.log(THRESHOLD)
        targets = jax.nn.one_hot(pseudo_labels, len(CLASSES))
        unsupervised = jnp.mean(mask * cross_entropy(log_softmax(strong), targets))
        total = supervised + unsupervised + decay
        metrics = {
            "weight decay": decay,
            "total loss": total,
            "supervised loss": supervised,
            "unsupervised loss": unsupervised,
            "mask rate": mask.mean(),
            "error rate": jnp.mean(pseudo_labels != y_u),
        }
        return total, (batch_stats, metrics)

    @jax.jit
    def train_step(
        step: Any, opt_state: Any, batch_stats: Any, x_l: Any, x_w: Any, x_s: Any, y_l: Any, y_u: Any
    ) -> Any:
        (value, (batch_stats, metrics)), gradients = jax.value_and_grad(loss, has_aux=True)(
            get_params(opt_state), batch_stats, x_l, x_w, x_s, y_l, y_u
        )
        return value, batch_stats, opt_update(step, gradients, opt_state), metrics

    return train_step


class Practical:
    """See `benchmarks.train.pipeline.Pipeline`."""

    def __init__(self, setting: Setting) -> None:
        require_devices()
        jax.config.update("jax_debug_nans", True)
        self.setting = setting
        labeled, unlabeled = make_images(setting)
        self.labeled = labeled.with_transform(LabeledView())
        self.unlabeled = unlabeled.with_transform(UnlabeledViews())
        hidden = tuple(setting.width * 2**stage for stage in range(4))
        model = jax_resnet.ResNet18(n_classes=len(CLASSES), hidden_sizes=hidden)
        variables = jax.jit(model.init)(jax.random.PRNGKey(0), jnp.zeros((1, 32, 32, 3)))
        self.schedule = cosine_decay_schedule()
        opt_init, opt_update, get_params = optimizers.momentum(step_size=self.schedule, mass=MASS)
        self.opt_state, self.batch_stats = opt_init(variables["params"]), variables["batch_stats"]
        self.train_step = get_train_step(model, get_params, opt_update)
        self.history: dict[str, list[Any]] = {}
        self.total_step = 0

    def _batches(self) -> Iterator[Any]:
        while True:
            yield from training_generator(self.setting, self.labeled, self.unlabeled)

    def run(self, steps: int, prepared: bool) -> Timed:
        """The practical's loop."""
        clock, batches = Clock(), self._batches()
        if prepared:
            batches = repeat(next(batches))
        with tempfile.TemporaryDirectory() as logdir, SummaryWriter(logdir) as writer:
            for (x_l, y_l), ((x_w, x_s), y_u) in batches:
                self._step(writer, x_l, x_w, x_s, y_l, y_u)
                clock.on_step()
                if len(clock.times) == _WARM_UP + steps:
                    break
        return clock.timed(steps, _WARM_UP)

    def _step(self, writer: Any, x_l: Any, x_w: Any, x_s: Any, y_l: Any, y_u: Any) -> None:
        _, self.batch_stats, self.opt_state, metrics = self.train_step(
            self.total_step, self.opt_state, self.batch_stats, x_l, x_w, x_s, y_l, y_u
        )
        self.total_step += 1
        metrics["lr"] = self.schedule(self.total_step)
        for name, value in metrics.items():
            self.history.setdefault(name, []).append(value)
        numbers = {name: np.array(value) for name, value in metrics.items()}
        writer.add_scalars("metrics", numbers, global_step=self.total_step)
        writer.flush()

    def memory(self) -> int:
        """It has no worker processes."""
        return peak_memory()

    def device_memory(self) -> int | None:
        """JAX's."""
        return jax_device_memory()
