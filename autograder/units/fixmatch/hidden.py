"""The hidden draws of the unit ``fixmatch``: for each public case one with other sizes and values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.units.draws import MARGIN, lead, number, size, until
from autograder.units.hidden import Hidden, hidden_function
from course.checks.case import Inputs
from course.checks.functions import Draw, other, uniform
from course.units.fixmatch.checks import forward, loss, validate
from course.units.fixmatch.checks.common import numpy_dense
from course.units.fixmatch.checks.log_probs import log_of_distribution, targets_of
from course.units.fixmatch.checks.loss import FAIRLY_SURE, SURE, UNSURE, settings, views

Rng = np.random.RandomState

# --- logits_to_log_probs


def _logits(rows: tuple[int, int]) -> Draw:
    return lambda rng: {"logits": uniform(rng, (size(rng, *rows), size(rng, 4, 9)), -5.0, 5.0)}


def _large_logits(rng: Rng) -> Inputs:
    large = number(rng, 3e3, 3e4, 0)
    rows = np.array(
        [[large, 0.0, -large, 1.0], [-large, 2.0 - large, -large, -large], [large, 0.0, large, -large]]
    )
    return {"logits": rows[:, rng.permutation(4)][rng.permutation(3)]}


def _logits_and_weights(rng: Rng) -> Inputs:
    logits = _logits((4, 7))(rng)["logits"]
    return {"logits": logits, "weights": uniform(rng, logits.shape)}


def _quarters(rng: Rng) -> Inputs:
    """Quarters up to four: bfloat16 holds them exactly."""
    return {"logits": rng.randint(-16, 17, (size(rng, 3, 5), size(rng, 3, 6))) / 4.0}


def _twice(draw: Draw) -> Draw:
    return lambda rng: draw(rng) | other(draw(rng))


_LOG_PROBS = {
    "published": Hidden("some rows of logits", _logits((3, 6))),
    "batch": Hidden("more rows of logits", _logits((7, 11))),
    "one row": Hidden("a batch of a single image", _logits((1, 1))),
    "large logits": Hidden("logits of many thousands", _large_logits),
    "gradient": Hidden("the gradient under jit, as training computes it", _logits_and_weights),
    "bfloat16": Hidden("logits in bfloat16", _quarters),
    "called again": Hidden("three calls, and one inside jit", _twice(_logits((3, 6)))),
}

# --- log_softmax_cross_entropy


def _targets(rows: tuple[int, int]) -> Draw:
    def draw(rng: Rng) -> Inputs:
        n, classes = size(rng, *rows), size(rng, 4, 8)
        labels = rng.randint(0, classes, n)
        return {"log_probs": log_of_distribution(rng, n, classes), "targets": targets_of(labels, classes)}

    return draw


def _improbable_targets(rng: Rng) -> Inputs:
    large = number(rng, 3e3, 3e4, 0)
    log_probs = np.array([[0.0, -large, -3 * large, -2 * large]] * 3)
    return {"log_probs": log_probs[:, rng.permutation(4)], "targets": targets_of(rng.permutation(4)[:3], 4)}


def _targets_and_weights(rng: Rng) -> Inputs:
    inputs = _targets((4, 7))(rng)
    return inputs | {"weights": uniform(rng, inputs["targets"].shape[:1])}


_CROSS_ENTROPY = {
    "published": Hidden("some samples", _targets((4, 6))),
    "batch": Hidden("more samples, one number for each", _targets((7, 11))),
    "one sample": Hidden("a batch of a single sample", _targets((1, 1))),
    "improbable labels": Hidden("log-probabilities far below zero", _improbable_targets),
    "gradient": Hidden("the gradient under jit, as training computes it", _targets_and_weights),
    "called again": Hidden("three calls, and one inside jit", _twice(_targets((3, 6)))),
}

# --- cosine_decay_schedule


def _run(n_counts: int) -> Draw:
    """Settings of a run, and steps of it, the first and the last among them if there are more than one."""

    def draw(rng: Rng) -> Inputs:
        steps = size(rng, 300, 5000)
        inner = [int(count) for count in rng.randint(1, steps, n_counts)]
        counts = inner if n_counts == 1 else [0, *sorted(inner), steps]
        rate, alpha = number(rng, 0.02, 3.0, 3), number(rng, 0.1, 0.4, 3)
        return {"init_value": rate, "decay_steps": steps, "alpha": alpha, "counts": counts}

    return draw


def _two_runs(rng: Rng) -> Inputs:
    """The second run is the longer one: what a schedule gives beyond its last step is left open."""
    first, second = sorted((_run(2)(rng), _run(2)(rng)), key=lambda inputs: inputs["decay_steps"])
    del second["counts"]
    return first | other(second)


_SCHEDULE = {
    "published": Hidden("one step of a run", _run(1)),
    "whole run": Hidden("steps from the first to the last of a run", _run(5)),
    "other settings": Hidden("other settings", _run(3)),
    "traced": Hidden("step numbers that are arrays inside jit", _run(6)),
    "two schedules": Hidden("two schedules with their own settings, called in turn", _two_runs),
}

# --- get_forward_fn


def _plain_images(rng: Rng, labeled: int, unlabeled: int) -> Inputs:
    """Images of one brightness in each batch."""
    sizes = {"x_labeled": labeled, "x_unlabeled_weak": unlabeled, "x_unlabeled_strong": unlabeled}
    return {name: np.full((n, 8, 8, 3), number(rng, 0.1, 0.9)) for name, n in sizes.items()}


def _rows(rng: Rng) -> Inputs:
    """Inputs of ``mocks.MockModel``, whose logits say at which row an image stands."""
    images = _plain_images(rng, size(rng, 3, 4), size(rng, 5, 7))
    return {"params": -size(rng, 2, 5), "batch_stats": size(rng, 2, 5), **images}


def _joint(labeled: tuple[int, int], unlabeled: tuple[int, int]) -> Draw:
    return lambda rng: forward.draw_batches(size(rng, *labeled), size(rng, *unlabeled))(rng)


_FORWARD = {
    "published": Hidden("a model whose logits show which row of the batch an image is in", _rows),
    "other sizes": Hidden("distinct logits, and BatchNorm over all images", _joint((2, 4), (6, 9))),
    "single images": Hidden("batches of one image each", _joint((1, 1), (1, 1))),
    "large batches": Hidden("batches as large as in a long training run", _joint((66, 80), (450, 480))),
    "gradient": Hidden("the gradient for the parameters under jit", _joint((2, 4), (6, 9))),
    "called again": Hidden("three calls of one forward function", _twice(_joint((2, 4), (6, 9)))),
}

# --- get_fixmatch_loss_fn


def _equal_logits(rng: Rng) -> Inputs:
    """As the published values: both classes have equal logits, so every probability is 0.5."""
    labeled, unlabeled = size(rng, 3, 5), size(rng, 6, 8)
    return {
        "params": -size(rng, 2, 7),
        "batch_stats": size(rng, 2, 9),
        **_plain_images(rng, labeled, unlabeled),
        "y_labeled": rng.randint(0, 2, labeled),
        "y_unlabeled": rng.randint(0, 2, unlabeled),
        **settings(number(rng, 0.2, 0.45), size(rng, 2, 6), size(rng, 2, 4), 2),
    }


def _gaps(rng: Rng, n: int) -> list[float]:
    return [number(rng, 0.5, 4.0) for _ in range(n)]


def _mix(rng: Rng, n: int) -> list[float]:
    """Gaps of n weak views in random order: at least two that are sure, one fairly sure, two not sure."""
    gaps = [SURE, SURE, FAIRLY_SURE, UNSURE, UNSURE] + [SURE, UNSURE, FAIRLY_SURE] * n
    return [gaps[:n][i] for i in rng.permutation(n)]


def _confidence(inputs: Inputs) -> np.ndarray:
    """The largest probability of each weak view."""
    exponentials = np.exp(inputs["logits of x_unlabeled_weak"])
    return (exponentials / exponentials.sum(axis=1, keepdims=True)).max(axis=1)


def _no_ties(inputs: Inputs) -> bool:
    """No image has two classes that a rounding could exchange."""
    names = ("x_labeled", "x_unlabeled_weak", "x_unlabeled_strong")
    return min(lead(inputs[f"logits of {name}"]) for name in names) > MARGIN


def _clear(inputs: Inputs) -> bool:
    """No ties, and no probability near the threshold."""
    distances = np.abs(_confidence(inputs) - inputs["confidence_threshold"])
    return _no_ties(inputs) and bool(np.all(distances > 0.01))


def _telling(inputs: Inputs) -> bool:
    """Clear; some views count and some do not, and a threshold of .95 would give another mask."""
    confidence, threshold = _confidence(inputs), inputs["confidence_threshold"]
    mask = confidence >= threshold
    return _clear(inputs) and 0 < mask.sum() < mask.size and bool(np.any(mask != (confidence >= 0.95)))


def _weights(rng: Rng, threshold: float, n_classes: int = 4) -> Inputs:
    return settings(threshold, number(rng, 0.3, 3.0), number(rng, 0.002, 0.03, 3), n_classes)


def _mixed_views(rng: Rng) -> Inputs:
    labeled, unlabeled = size(rng, 3, 6), size(rng, 8, 11)
    drawn = views(rng, labeled=_gaps(rng, labeled), weak=_mix(rng, unlabeled), strong=_gaps(rng, unlabeled))
    return drawn | _weights(rng, number(rng, 0.7, 0.85))


_mixed = until(_mixed_views, _telling)


def _at_the_threshold(rng: Rng) -> Inputs:
    """Some weak views have a probability of exactly 1, because exp(−150) is 0 in float32."""
    n = size(rng, 5, 9)
    weak = [number(rng, 150.0, 250.0) if i < 3 else UNSURE for i in rng.permutation(n)]
    return views(rng, labeled=_gaps(rng, size(rng, 2, 5)), weak=weak, strong=_gaps(rng, n)) | _weights(
        rng, 1.0
    )


def _none_confident(rng: Rng) -> Inputs:
    n = size(rng, 3, 8)
    drawn = views(rng, labeled=_gaps(rng, size(rng, 2, 5)), weak=[UNSURE] * n, strong=_gaps(rng, n))
    return drawn | _weights(rng, number(rng, 0.9, 0.99))


def _small(rng: Rng) -> Inputs:
    n_classes = size(rng, 5, 8)
    drawn = views(
        rng,
        labeled=[number(rng, 0.5, 2.0)],
        weak=[(SURE, UNSURE, SURE)[i] for i in rng.permutation(3)],
        strong=_gaps(rng, 3),
        n_classes=n_classes,
    )
    return drawn | _weights(rng, number(rng, 0.8, 0.95), n_classes)


def _one_unlabeled(rng: Rng) -> Inputs:
    drawn = views(rng, labeled=_gaps(rng, size(rng, 2, 5)), weak=[SURE], strong=_gaps(rng, 1))
    return drawn | _weights(rng, number(rng, 0.7, 0.9))


def _large_views(rng: Rng) -> Inputs:
    large, n, labeled = number(rng, 3e3, 2e4, 0), size(rng, 5, 9), size(rng, 2, 5)
    weak = [large if i < 3 else UNSURE for i in rng.permutation(n)]
    drawn = views(rng, labeled=[large] * labeled, weak=weak, strong=[large] * n)
    return drawn | _weights(rng, number(rng, 0.9, 0.99))


def _two_calls(rng: Rng) -> Inputs:
    first, second = _mixed(rng), until(_none_confident, _clear)(rng)
    return first | other({name: second[name] for name in loss.ARGUMENTS})


_LOSS = {
    "published": Hidden("equal logits for both classes, so every probability is 0.5", _equal_logits),
    "distinct logits": Hidden("distinct logits, and weak views of which some are confident", _mixed),
    "at the threshold": Hidden(
        "weak views whose probability is exactly the threshold", until(_at_the_threshold, _no_ties)
    ),
    "none confident": Hidden("a batch in which no weak view is confident", until(_none_confident, _clear)),
    "small batches": Hidden("small batches, and another number of classes", until(_small, _clear)),
    "one unlabeled image": Hidden("several labeled images and one unlabeled", until(_one_unlabeled, _clear)),
    "large logits": Hidden("logits of many thousands", until(_large_views, _no_ties)),
    "gradient": Hidden("the gradient for the parameters under jit, as train_step computes it", _mixed),
    "called again": Hidden("three calls of one loss function", _two_calls),
}

# --- get_validate_fn


def _floors(n: int, scale: float) -> np.ndarray:
    """The numbers of which ``mocks.ValMockModel`` rounds down to logits, on a batch of n images."""
    return np.linspace(0.0, n, 10) * scale % 10


def _constant_answers(rng: Rng) -> Inputs:
    """Batches of images that the model all gives one class, some of which have it as label."""
    n, last, count = size(rng, 30, 60), size(rng, 5, 20), size(rng, 5, 9)
    opt_state, batch_stats = number(rng, 0.8, 2.0), number(rng, 0.5, 1.5)
    batches = []
    for rows in [n] * count + [last]:
        answer = int(np.argmax(np.floor(_floors(rows, 0.5 * opt_state * batch_stats))))
        labels = np.where(rng.uniform(size=rows) < rng.uniform(0.1, 0.6), answer, rng.randint(0, 10, rows))
        batches.append([np.zeros((rows, 1, 1, 3)), labels])
    return {"opt_state": opt_state, "batch_stats": batch_stats, "batches": batches}


def _certain(inputs: Inputs) -> bool:
    """No rounding can move a logit to the next whole number, and one class is above all others.

    It is the same one for either size of mini-batch, so that a small one may be filled up.
    """
    answers = set()
    scale = 0.5 * inputs["opt_state"] * inputs["batch_stats"]
    for rows in {len(labels) for _, labels in inputs["batches"]}:
        # The first number is exactly 0.
        numbers = _floors(rows, scale)
        if np.any(np.abs(numbers[1:] - np.round(numbers[1:])) < MARGIN) or lead(np.floor(numbers)) == 0:
            return False
        answers.add(int(np.argmax(np.floor(numbers))))
    return len(answers) == 1


def _distinct(
    states: tuple[tuple[str, str], ...] = (("opt_state", "batch_stats"),), margin: float = MARGIN
) -> Callable[[Inputs], bool]:
    """Whether in each state every image has one class that is above the others by more than ``margin``."""

    def accept(inputs: Inputs) -> bool:
        for state, stats in states:
            params: Any = inputs[state]["parameters"]
            for images, _ in inputs["batches"]:
                if lead(numpy_dense(params, images) - inputs[stats]["norm"]["mean"]) <= margin:
                    return False
        return True

    return accept


def _sizes(rng: Rng) -> tuple[int, int, int]:
    """Two mini-batches of one size, and a smaller last one."""
    n = size(rng, 7, 11)
    return n, n, size(rng, 2, 5)


_later = _distinct(
    (("opt_state", "batch_stats"), ("later opt_state", "batch_stats"), ("opt_state", "later batch_stats"))
)

_VALIDATE = {
    "published": Hidden("a model that always gives the same answer", until(_constant_answers, _certain)),
    "smaller last batch": Hidden(
        "mini-batches of which the last is smaller",
        until(lambda rng: validate.draw_batches(*_sizes(rng))(rng), _distinct()),
    ),
    "one image": Hidden("one batch of a single image", until(validate.draw_batches(1), _distinct())),
    "called again": Hidden(
        "the same validate function for a later training state",
        until(lambda rng: validate.two_states(*_sizes(rng))(rng), _later),
    ),
    "large logits": Hidden(
        "logits far below zero",
        until(
            lambda rng: validate.draw_batches(
                *_sizes(rng), level=-number(rng, 5e3, 2e4, 0), gap=number(rng, 2e3, 4e3, 0)
            )(rng),
            _distinct(margin=1.0),
        ),
    ),
    "nothing kept": Hidden(
        "one batch, while a watch is kept on traced values",
        until(lambda rng: validate.draw_batches(size(rng, 3, 9))(rng), _distinct()),
    ),
}

# --- mean_over_images


def _rates(batches: tuple[int, int], *, equal: bool = False) -> Draw:
    """Rates of mini-batches whose sizes differ unless they are to be equal."""

    def draw(rng: Rng) -> Inputs:
        n = size(rng, *batches)
        sizes = np.full(n, size(rng, 9, 60)) if equal else 5 + rng.permutation(60)[:n]
        return {"error_rates": rng.randint(1, sizes) / sizes, "batch_sizes": sizes}

    return draw


_MEAN = hidden_function(
    {
        "published": ("mini-batches of other sizes", _rates((8, 20))),
        "unequal batches": ("a few mini-batches of other sizes", _rates((3, 6))),
        "equal batches": ("mini-batches of one size", _rates((4, 8), equal=True)),
        "one batch": ("one mini-batch", _rates((1, 1))),
    }
)

HIDDEN = {
    "logits_to_log_probs": _LOG_PROBS,
    "log_softmax_cross_entropy": _CROSS_ENTROPY,
    "cosine_decay_schedule": _SCHEDULE,
    "get_forward_fn": _FORWARD,
    "get_fixmatch_loss_fn": _LOSS,
    "get_validate_fn": _VALIDATE,
    "mean_over_images": _MEAN,
}
