"""The hidden draws of the unit ``flexmatch``: for each public case one with other sizes and values."""

from __future__ import annotations

import numpy as np

from autograder.units.draws import MARGIN, lead, number, size, until
from autograder.units.hidden import Hidden, hidden_function
from autograder.units.torch_hidden import also_on_a_gpu, handed_on
from course.checks.case import Inputs
from course.checks.functions import Draw, other
from course.units.flexmatch.checks import fixmatch, flexmatch, labels, thresholds
from course.units.flexmatch.checks.batches import (
    BATCH,
    FAIRLY_SURE,
    SURE,
    UNSURE,
    settings,
    views,
)

Rng = np.random.RandomState


def confidence_of(inputs: Inputs) -> np.ndarray:
    """float (μB,): the probability of each weak view's most probable class."""
    logits = inputs["logits of x_unlabeled_weak"] / inputs["T"]
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (powers / powers.sum(axis=1, keepdims=True)).max(axis=1)


# --- fixmatch_loss


def _gaps(rng: Rng, n: int) -> list[float]:
    return [number(rng, 0.5, 4.0) for _ in range(n)]


def _mix(rng: Rng, n: int) -> list[float]:
    """Gaps of n weak views in random order: at least two that are sure, one fairly sure, two not sure."""
    gaps = [SURE, SURE, FAIRLY_SURE, UNSURE, UNSURE] + [SURE, UNSURE, FAIRLY_SURE] * n
    return [gaps[:n][i] for i in rng.permutation(n)]


def _no_ties(inputs: Inputs) -> bool:
    """No image has two classes that a rounding could exchange."""
    names = ("x_labeled", "x_unlabeled_weak", "x_unlabeled_strong")
    return min(lead(inputs[f"logits of {name}"]) for name in names) > MARGIN


def _clear(inputs: Inputs) -> bool:
    """No ties, and no probability near the threshold."""
    return _no_ties(inputs) and bool(np.all(np.abs(confidence_of(inputs) - inputs["threshold"]) > 0.01))


def _telling(inputs: Inputs) -> bool:
    """Clear; some views count and some do not, and a threshold of .95 would give another mask."""
    confidence = confidence_of(inputs)
    mask = confidence >= inputs["threshold"]
    return _clear(inputs) and 0 < mask.sum() < mask.size and bool(np.any(mask != (confidence >= 0.95)))


def _clear_normalized(inputs: Inputs) -> bool:
    """Clear after BatchNorm over all images of the batch."""
    names = [f"logits of {name}" for name in ("x_labeled", "x_unlabeled_weak", "x_unlabeled_strong")]
    joint = np.concatenate([inputs[name] for name in names])
    mean, deviation = joint.mean(axis=0), np.sqrt(joint.var(axis=0) + 1e-5)
    return _clear(inputs | {name: (inputs[name] - mean) / deviation for name in names})


def _settings(rng: Rng, threshold: float, T: float, n_classes: int = 4) -> Inputs:
    return settings(
        weight_decay=number(rng, 0.01, 0.06, 3),
        lambda_u=number(rng, 0.3, 3.0),
        T=T,
        threshold=threshold,
        n_classes=n_classes,
    )


def _mixed_views(rng: Rng) -> Inputs:
    labeled, unlabeled = size(rng, 3, 6), size(rng, 8, 11)
    drawn = views(rng, labeled=_gaps(rng, labeled), weak=_mix(rng, unlabeled), strong=_gaps(rng, unlabeled))
    return drawn | _settings(rng, number(rng, 0.7, 0.8), number(rng, 0.8, 1.0))


_mixed = until(_mixed_views, _telling)


def _at_the_threshold(rng: Rng) -> Inputs:
    n, labeled = size(rng, 6, 9), size(rng, 2, 5)
    sure = rng.permutation(np.arange(n) < 3)
    return fixmatch.certain(rng, _gaps(rng, labeled), sure, _gaps(rng, n)) | _settings(rng, 1.0, 1.0)


def _none_confident(rng: Rng) -> Inputs:
    n = size(rng, 3, 8)
    drawn = views(rng, labeled=_gaps(rng, size(rng, 2, 5)), weak=[UNSURE] * n, strong=_gaps(rng, n))
    return drawn | _settings(rng, number(rng, 0.9, 0.99), 1.0)


def _small(rng: Rng) -> Inputs:
    n_classes = size(rng, 5, 8)
    drawn = views(
        rng,
        labeled=[number(rng, 0.5, 2.0)],
        weak=[(SURE, UNSURE, SURE)[i] for i in rng.permutation(3)],
        strong=_gaps(rng, 3),
        n_classes=n_classes,
    )
    return drawn | _settings(rng, number(rng, 0.8, 0.95), 0.9, n_classes)


def _one_unlabeled(rng: Rng) -> Inputs:
    drawn = views(rng, labeled=_gaps(rng, size(rng, 2, 5)), weak=[SURE], strong=_gaps(rng, 1))
    return drawn | _settings(rng, number(rng, 0.7, 0.9), 0.9)


def _large_views(rng: Rng) -> Inputs:
    large, n, labeled = number(rng, 3e3, 2e4, 0), size(rng, 5, 9), size(rng, 2, 5)
    weak = [large if i < 3 else UNSURE for i in rng.permutation(n)]
    drawn = views(rng, labeled=[large] * labeled, weak=weak, strong=[large] * n)
    return drawn | _settings(rng, number(rng, 0.9, 0.99), 1.0)


def _rule_views(rng: Rng) -> Inputs:
    n = size(rng, 8, 11)
    top = rng.permutation(np.arange(n) % 4)
    weak, strong = _mix(rng, n), _gaps(rng, n)
    drawn = views(rng, labeled=_gaps(rng, size(rng, 2, 5)), weak=weak, strong=strong, top_weak=top)
    return drawn | _settings(rng, number(rng, 0.7, 0.8), number(rng, 0.6, 0.9))


def _two_calls(rng: Rng) -> Inputs:
    second = until(_none_confident, _clear)(rng)
    return _mixed(rng) | other({name: second[name] for name in BATCH})


_FIXMATCH = {
    "distinct logits": Hidden("distinct logits, and weak views of which some are confident", _mixed),
    "at the threshold": Hidden(
        "weak views whose probability is exactly the threshold", until(_at_the_threshold, _no_ties)
    ),
    "none confident": Hidden("a batch in which no weak view is confident", until(_none_confident, _clear)),
    "small batches": Hidden("small batches, and another number of classes", until(_small, _clear)),
    "one unlabeled image": Hidden("several labeled images and one unlabeled", until(_one_unlabeled, _clear)),
    "large logits": Hidden("logits of many thousands", until(_large_views, _no_ties)),
    "one forward pass": Hidden(
        "a network with BatchNorm over the whole batch", until(_mixed, _clear_normalized)
    ),
    "another rule": Hidden("a rule that is passed as select", until(_rule_views, _clear)),
    "gradient": Hidden("the gradient for the parameters, as a training step computes it", _mixed),
    "called again": Hidden("three calls, the last with the first batch", _two_calls),
}

# --- learning_status


def _latest(classes: tuple[int, int], without: tuple[int, int], missing: int = 0) -> Draw:
    """û with drawn counts; the last ``missing`` classes do not occur."""

    def draw(rng: Rng) -> Inputs:
        counts = [size(rng, 0, 6) for _ in range(size(rng, *classes))] + [size(rng, 1, 6)]
        inputs = thresholds.draw_latest(counts, size(rng, *without), len(counts) + missing)
        return thresholds.shuffled(inputs, rng)

    return draw


def _many_images(rng: Rng) -> Inputs:
    counts = [size(rng, 30, 60) for _ in range(size(rng, 3, 4))]
    return thresholds.shuffled(thresholds.draw_latest(counts, size(rng, 40, 60)), rng)


_STATUS = hidden_function(
    {
        "some labels": ("images with and without a label", _latest((4, 8), (3, 12))),
        "all labeled": ("images that all have a label", _latest((3, 6), (0, 0))),
        "last classes missing": ("labels among which some classes do not occur", _latest((3, 5), (1, 6), 3)),
        "nothing labeled": (
            "images none of which has a label",
            lambda rng: thresholds.draw_latest([0] * size(rng, 3, 7), size(rng, 5, 12)),
        ),
        "many classes": ("many classes", _latest((14, 25), (2, 9))),
    },
    compiled=False,
) | {
    "on the device": Hidden(
        "many images of a few classes, and what is done with their labels one by one",
        _many_images,
    )
}

# --- flexible_thresholds


def _counts(labeled: tuple[float, float]) -> Draw:
    """Counts of 3 to 8 classes that are a drawn share of N."""

    def draw(rng: Rng) -> Inputs:
        counts = rng.randint(1, 40, size(rng, 3, 8))
        share = rng.uniform(*labeled)
        n_unlabeled = round(counts.sum() / share)
        return {"counts": counts, "n_unlabeled": n_unlabeled, "threshold": number(rng, 0.8, 0.98)}

    return draw


def _nothing(rng: Rng) -> Inputs:
    counts = np.zeros(size(rng, 3, 8), dtype=np.int64)
    return {"counts": counts, "n_unlabeled": size(rng, 20, 90), "threshold": number(rng, 0.8, 0.98)}


_THRESHOLDS = hidden_function(
    {
        "during the warm-up": ("fewer images with a label than without", _counts((0.2, 0.45))),
        "after the warm-up": ("nearly all images with a label", _counts((0.93, 0.98))),
        "nothing labeled": ("no image has a label", _nothing),
        "all labeled": ("all images have a label", _counts((1.0, 1.0))),
        "another τ": (
            "another fixed threshold",
            lambda rng: _counts((0.5, 0.9))(rng) | {"threshold": number(rng, 0.4, 0.75)},
        ),
    },
    compiled=False,
)

# --- flexible_mask


def _eighths(rng: Rng) -> Inputs:
    """Some probabilities meet their threshold exactly; eighths have no rounding."""
    n, classes = size(rng, 5, 9), size(rng, 3, 4)
    limits = rng.permutation(np.arange(1, 7))[:classes] / 8
    labels_ = rng.permutation(np.arange(n) % classes)
    steps = rng.permutation(np.arange(n) % 3) - 1
    confidence = limits[labels_] + steps / 8
    return {"confidence": confidence, "pseudo_labels": labels_, "thresholds": limits}


def _no_threshold(rng: Rng) -> Inputs:
    inputs = thresholds.draw_mask_inputs(rng, size(rng, 5, 9), size(rng, 3, 5))
    return inputs | {"thresholds": np.zeros(len(inputs["thresholds"]))}


_MASKS = hidden_function(
    {
        "more images than classes": (
            "more images than classes",
            lambda rng: thresholds.draw_mask_inputs(rng, size(rng, 10, 16), size(rng, 3, 6)),
        ),
        "at the threshold": ("probabilities that are exactly the threshold of their class", _eighths),
        "thresholds of 0": ("all thresholds are 0", _no_threshold),
        "fewer images than classes": (
            "fewer images than classes",
            lambda rng: thresholds.draw_mask_inputs(rng, size(rng, 2, 4), size(rng, 6, 9)),
        ),
        "one image": (
            "a single image",
            lambda rng: thresholds.draw_mask_inputs(rng, 1, size(rng, 2, 5)),
        ),
        "drawn": (
            "other values",
            lambda rng: thresholds.draw_mask_inputs(rng, size(rng, 12, 20), size(rng, 3, 8)),
        ),
    },
    compiled=False,
)

# --- remember_labels


def _batch_of_labels(images: tuple[int, int], batch: tuple[int, int]) -> Draw:
    return lambda rng: labels.draw_labels(
        rng, size(rng, *images), size(rng, *batch), size(rng, 3, 8), number(rng, 0.6, 0.93)
    )


def _exactly(rng: Rng) -> Inputs:
    """Every second probability is τ itself, a number of eighths."""
    inputs = labels.draw_labels(rng, size(rng, 12, 20), size(rng, 5, 9), 5, 0.75)
    confidence = np.where(inputs["confidence"] >= 0.75, 0.75, inputs["confidence"])
    return inputs | {"confidence": confidence}


_LABELS = hidden_function(
    {
        "some confident": ("a batch of which some images are confident", _batch_of_labels((12, 20), (6, 10))),
        "at the threshold": ("probabilities that are exactly τ", _exactly),
        "none confident": ("a batch in which no image is confident", labels.none_confident),
        "one image": ("a batch of one image", _batch_of_labels((4, 9), (1, 1))),
        "drawn": ("more images", _batch_of_labels((30, 60), (12, 20))),
    },
    compiled=False,
)

# --- flexmatch_loss


def _apart(inputs: Inputs) -> bool:
    """No ties, and no probability near τ or near the flexible threshold of any class."""
    latest, tau = inputs["latest"], inputs["threshold"]
    counts = np.bincount(latest + 1, minlength=inputs["n_classes"] + 1)
    beta = counts[1:] / max(counts[1:].max(), counts[0])
    limits = np.append(tau * beta / (2 - beta), tau)
    distances = np.abs(confidence_of(inputs)[:, None] - limits)
    return _no_ties(inputs) and bool(np.all(distances > 0.005))


def _memory(rng: Rng, without: tuple[int, int], n_classes: int = 4) -> np.ndarray:
    counts = [
        int(n)
        for n in rng.permutation([size(rng, 12, 18), size(rng, 1, 3), *rng.randint(3, 12, n_classes - 2)])
    ]
    return flexmatch.latest_of(rng, counts, size(rng, *without))


def _flex(without: tuple[int, int]) -> Draw:
    def draw(rng: Rng) -> Inputs:
        n = size(rng, 10, 14)
        gaps = [UNSURE, flexmatch.MEDIUM, SURE, FAIRLY_SURE] * 4
        weak = [gaps[:n][i] for i in rng.permutation(n)]
        top = rng.permutation(np.arange(n) % 4)
        strong = _gaps(rng, n)
        drawn = views(rng, labeled=_gaps(rng, size(rng, 3, 6)), weak=weak, strong=strong, top_weak=top)
        latest = _memory(rng, without)
        index = rng.permutation(len(latest))[:n]
        chosen = _settings(rng, number(rng, 0.85, 0.93), number(rng, 0.8, 1.0))
        return {"latest": latest, "index": index} | drawn | chosen

    return until(draw, _apart)


_after = _flex((3, 8))


def _first_step(rng: Rng) -> Inputs:
    inputs = _after(rng)
    return inputs | {"latest": np.full_like(inputs["latest"], -1)}


def _few(rng: Rng) -> Inputs:
    n_classes = size(rng, 5, 8)
    weak = [(SURE, UNSURE, flexmatch.MEDIUM)[i] for i in rng.permutation(3)]
    drawn = views(rng, labeled=_gaps(rng, 2), weak=weak, strong=_gaps(rng, 3), n_classes=n_classes)
    latest = _memory(rng, (2, 6), n_classes)
    index = rng.permutation(len(latest))[:3]
    chosen = _settings(rng, number(rng, 0.6, 0.8), 0.9, n_classes)
    return {"latest": latest, "index": index} | drawn | chosen


def _steps(rng: Rng) -> Inputs:
    """Two batches of one N; what û becomes in between moves the thresholds, so that nothing may be near."""
    first = _after(rng)
    second = until(lambda rng: _after(rng) | {"latest": first["latest"], "T": first["T"]}, _apart)(rng)
    index = rng.permutation(len(first["latest"]))[: len(second["index"])]
    return first | other({name: second[name] for name in BATCH} | {"index": index})


def _memory_along(inputs: Inputs) -> bool:
    """Whether the three steps keep away from every threshold."""
    latest, tau = inputs["latest"].copy(), inputs["threshold"]
    for prefix in ("", "other ", ""):
        logits = inputs["logits of x_unlabeled_weak"]
        if prefix:
            images = inputs["other x_unlabeled_weak"]
            logits = images.reshape(len(images), -1) @ inputs["kernel"] + inputs["bias"]
        here = inputs | {"logits of x_unlabeled_weak": logits, "latest": latest}
        if not _apart(here):
            return False
        confident = confidence_of(here) >= tau
        latest = latest.copy()
        latest[inputs[f"{prefix}index"][confident]] = logits.argmax(axis=1)[confident]
    return True


_FLEXMATCH = {
    "some labels": Hidden("most images have a label, and the batch has sure and unsure ones", _after),
    "nothing labeled yet": Hidden("the first step: no image has a label", until(_first_step, _apart)),
    "during the warm-up": Hidden("more images are without a label than any class has", _flex((19, 24))),
    "all labeled": Hidden("all images have a label", _flex((0, 0))),
    "small batches": Hidden("more classes than unlabeled images in the batch", until(_few, _apart)),
    "gradient": Hidden("the gradient for the parameters, as a training step computes it", _after),
    "three steps": Hidden("three steps that hand the state on", until(_steps, _memory_along)),
}

HIDDEN = {
    "fixmatch_loss": also_on_a_gpu(_FIXMATCH),
    "learning_status": handed_on(also_on_a_gpu(_STATUS)),
    "flexible_thresholds": handed_on(also_on_a_gpu(_THRESHOLDS)),
    "flexible_mask": handed_on(also_on_a_gpu(_MASKS)),
    "remember_labels": handed_on(also_on_a_gpu(_LABELS)),
    "flexmatch_loss": also_on_a_gpu(_FLEXMATCH),
}
