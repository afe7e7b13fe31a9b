"""What instructors have of ``remember_labels``."""

from __future__ import annotations

import numpy as np

from autograder.units import InstructorExercise
from autograder.units.draws import number, size, until
from autograder.units.equivalent import Equivalent
from autograder.units.hidden import hidden_function
from autograder.units.mutant import Mutant
from autograder.units.shared import made_on_the_cpu, not_a_tensor
from autograder.units.torch_hidden import also_on_a_gpu, handed_on
from course.checks.case import Inputs
from course.checks.functions import Draw
from course.units.flexmatch.checks import labels

Rng = np.random.RandomState

_MUTANTS = (
    Mutant(
        "every label",
        "Unsure images are remembered too.",
        "A label enters û only where its probability reaches τ.",
        body="""
            updated = latest.clone()
            updated[index] = pseudo_labels
            return updated
            """,
    ),
    Mutant(
        "unsure images",
        "Only the unsure images are remembered.",
        "Turn the comparison around.",
        body="""
            updated = latest.clone()
            updated[index] = torch.where(confidence < threshold, pseudo_labels, latest[index])
            return updated
            """,
    ),
    Mutant(
        "strictly above",
        "A probability equal to τ is left out: you use > where ≥ is meant.",
        "An image is confident when its probability reaches τ.",
        body="""
            updated = latest.clone()
            updated[index] = torch.where(confidence > threshold, pseudo_labels, latest[index])
            return updated
            """,
    ),
    Mutant(
        "a little below",
        "Probabilities that are a little below τ count as well.",
        "Look for a rounding and for a small number beside τ: neither belongs there.",
        body="""
            updated = latest.clone()
            updated[index] = torch.where(confidence >= threshold - 0.001, pseudo_labels, latest[index])
            return updated
            """,
    ),
    Mutant(
        "a little below",
        name="rounded",
        body="""
            updated = latest.clone()
            sure = confidence.round(decimals=2) >= threshold
            updated[index] = torch.where(sure, pseudo_labels, latest[index])
            return updated
            """,
    ),
    Mutant(
        "all others forgotten",
        "Images outside of the batch lose their labels.",
        "Start from what latest holds.",
        body="""
            updated = torch.full_like(latest, -1)
            updated[index] = torch.where(confidence >= threshold, pseudo_labels, latest[index])
            return updated
            """,
    ),
    Mutant(
        "everything else forgotten",
        "All labels but the new ones are lost, in the batch and outside of it.",
        "Start from what latest holds.",
        body="""
            updated = torch.full_like(latest, -1)
            sure = confidence >= threshold
            updated[index[sure]] = pseudo_labels[sure]
            return updated
            """,
    ),
    Mutant(
        "first labels of the batch",
        "As many labels as there are confident images are taken from the front of the batch.",
        "Select positions and labels with the same mask.",
        body="""
            updated = latest.clone()
            sure = confidence >= threshold
            updated[index[sure]] = pseudo_labels[: int(sure.sum())]
            return updated
            """,
    ),
    Mutant(
        "stops at an unsure image",
        "The loop ends at the first image that is not confident.",
        "Go on with the next image: look for break and return.",
        body="""
            updated = latest.clone()
            for i, p, c in zip(index, confidence, pseudo_labels):
                if p < threshold:
                    break
                updated[i] = c
            return updated
            """,
    ),
    Mutant(
        "probabilities written",
        "The probability is written into û in place of the label; as a whole number it is 0 or 1.",
        "û holds class numbers: write pseudo_labels.",
        body="""
            updated = latest.clone()
            sure = confidence >= threshold
            updated[index[sure]] = confidence[sure].to(latest.dtype)
            return updated
            """,
    ),
    Mutant(
        "first label only",
        "An image that has a label keeps it, even when the network has changed its mind.",
        "û is the latest label, not the first.",
        body="""
            updated = latest.clone()
            new = (confidence >= threshold) & (latest[index] < 0)
            updated[index] = torch.where(new, pseudo_labels, latest[index])
            return updated
            """,
    ),
    Mutant(
        "first positions",
        "The labels go to the first entries of û; index is not used.",
        "Image i of the batch is at position index[i] of û.",
        body="""
            updated = latest.clone()
            n = len(index)
            updated[:n] = torch.where(confidence >= threshold, pseudo_labels, latest[:n])
            return updated
            """,
    ),
    Mutant(
        "old labels of other images",
        "Unsure images get the old labels of the first images of û.",
        "Their own old labels are at latest[index].",
        body="""
            updated = latest.clone()
            updated[index] = torch.where(confidence >= threshold, pseudo_labels, latest[: len(index)])
            return updated
            """,
    ),
    Mutant(
        "changed in place",
        "û is changed in place, so the caller's tensor changes too.",
        "Write into a copy: clone().",
        body="""
            latest[index] = torch.where(confidence >= threshold, pseudo_labels, latest[index])
            return latest
            """,
        common="Changing the tensor that came in. The caller's state changes with it, and a step that is "
        "repeated sees its own future.",
    ),
    Mutant(
        "written into a copy",
        "Nothing changes: with two indices in a row, the assignment goes into a temporary copy.",
        "Assign with one index, to the tensor itself.",
        body="""
            updated = latest.clone()
            confident = confidence >= threshold
            updated[index][confident] = pseudo_labels[confident]
            return updated
            """,
        common="Using two indices in a row. The first one makes a copy, and the second writes into that "
        "copy.",
    ),
    Mutant(
        "unsure images forgotten",
        "Images that are not confident in this step lose the label that they had.",
        "û is the latest confident label: it stays until there is a new one.",
        body="""
            updated = latest.clone()
            updated[index] = torch.where(confidence >= threshold, pseudo_labels, -1)
            return updated
            """,
        common="Writing −1 for images that are not confident now. They were once.",
    ),
    Mutant(
        "batch alone",
        "Only the batch's labels are returned.",
        "Return û of all N images.",
        body="return torch.where(confidence >= threshold, pseudo_labels, latest[index])",
    ),
    Mutant(
        "fixed τ",
        "0.95 is hard-coded; τ is an argument.",
        "Replace the number with threshold.",
        body="""
            updated = latest.clone()
            updated[index] = torch.where(confidence >= 0.95, pseudo_labels, latest[index])
            return updated
            """,
    ),
    Mutant(
        "mask instead of labels",
        "You write 1 where the image is confident, instead of its label.",
        "Write pseudo_labels.",
        body="""
            updated = latest.clone()
            updated[index] = torch.where(confidence >= threshold, 1, latest[index])
            return updated
            """,
    ),
    Mutant(
        "labels multiplied by the mask",
        "Unsure images get class 0.",
        "They keep what they had.",
        body="""
            updated = latest.clone()
            updated[index] = (confidence >= threshold) * pseudo_labels
            return updated
            """,
    ),
    Mutant(
        "classes as positions",
        "The pseudo-labels are used as positions in û.",
        "The positions are in index; the pseudo-labels are what is written.",
        body="""
            updated = latest.clone()
            confident = confidence >= threshold
            updated[pseudo_labels[confident]] = index[confident]
            return updated
            """,
    ),
    not_a_tensor(
        body="""
            updated = latest.numpy().copy()
            updated[index] = torch.where(confidence >= threshold, pseudo_labels, latest[index])
            return updated
            """,
    ),
    Mutant(
        "no whole numbers",
        "û does not hold whole numbers (int64) any more, so the next step cannot count its labels.",
        "Keep the dtype of latest: leave out .float(), and make new tensors with clone() or torch.full_like.",
        body="""
            updated = latest.float()
            updated[index] = torch.where(confidence >= threshold, pseudo_labels, latest[index]).float()
            return updated
            """,
    ),
    made_on_the_cpu(
        body="""
            updated = torch.empty(len(latest), dtype=latest.dtype)
            updated[:] = latest
            updated[index] = torch.where(confidence >= threshold, pseudo_labels, latest[index])
            return updated
            """,
    ),
    Mutant(
        "no whole numbers",
        name="a new tensor of floating-point numbers",
        body="""
            updated = torch.zeros(len(latest))
            updated[:] = latest
            new = torch.where(confidence >= threshold, pseudo_labels, latest[index])
            updated[index] = new.to(updated.dtype)
            return updated
            """,
    ),
    Mutant(
        "first of the batch",
        "The confident labels go to the positions of the batch's first images.",
        "The same mask has to pick positions and labels.",
        body="""
            updated = latest.clone()
            labels = pseudo_labels[confidence >= threshold]
            updated[index[: len(labels)]] = labels
            return updated
            """,
    ),
    Mutant(
        "sorted positions",
        "The positions are sorted, the labels are not.",
        "Image i of the batch is at position index[i] of û.",
        body="""
            updated = latest.clone()
            where = index.sort().values
            updated[where] = torch.where(confidence >= threshold, pseudo_labels, latest[where])
            return updated
            """,
    ),
    Mutant(
        "all or none",
        "The mean probability decides for the whole batch.",
        "Each image is judged by its own probability.",
        body="""
            updated = latest.clone()
            if confidence.mean() >= threshold:
                updated[index] = pseudo_labels
            return updated
            """,
    ),
    Mutant(
        "larger class wins",
        "The larger of the old and the new label is kept.",
        "The new one replaces the old one.",
        body="""
            updated = latest.clone()
            new = torch.maximum(pseudo_labels, latest[index])
            updated[index] = torch.where(confidence >= threshold, new, latest[index])
            return updated
            """,
    ),
    Mutant(
        "added up",
        "The new label is added to the old one.",
        "The new one replaces the old one.",
        body="""
            updated = latest.clone()
            new = latest[index] + pseudo_labels
            updated[index] = torch.where(confidence >= threshold, new, latest[index])
            return updated
            """,
    ),
    Mutant(
        "labeled images alone",
        "Only images that have a label already get a new one, so û stays empty.",
        "A confident image gets its label whatever it had.",
        body="""
            updated = latest.clone()
            new = (confidence >= threshold) & (latest[index] >= 0)
            updated[index] = torch.where(new, pseudo_labels, latest[index])
            return updated
            """,
    ),
    Mutant(
        "another τ for labels that change",
        "An image that has a label loses it, unless the network is sure of the same label again.",
        "A confident image gets its new label, and an unsure one keeps its old one.",
        body="""
            updated = latest.clone()
            same = (latest[index] < 0) | (latest[index] == pseudo_labels)
            updated[index] = torch.where((confidence >= threshold) & same, pseudo_labels, -1)
            return updated
            """,
    ),
    Mutant(
        "positions from 1",
        "The positions are taken to begin at 1.",
        "index counts from 0.",
        body="""
            updated = latest.clone()
            where = index - 1
            updated[where] = torch.where(confidence >= threshold, pseudo_labels, latest[where])
            return updated
            """,
    ),
    Mutant(
        "written into a copy",
        name="û returned as it came",
        body="return latest.clone()",
    ),
    Mutant(
        "positions that are sure",
        "The probability at position index[i] is looked up, but confidence is in the batch's order.",
        "confidence has an entry for each image of the batch.",
        body="""
            updated = latest.clone()
            sure = confidence[index % len(confidence)] >= threshold
            updated[index] = torch.where(sure, pseudo_labels, latest[index])
            return updated
            """,
    ),
    Mutant(
        "changed in place",
        name="by a method with an underscore",
        body="""
            keep = confidence >= threshold
            return latest.index_put_((index[keep],), pseudo_labels[keep])
            """,
    ),
    Mutant(
        "no whole numbers",
        name="whole numbers of another width",
        body="""
            updated = latest.int()
            updated[index] = torch.where(confidence >= threshold, pseudo_labels, latest[index]).int()
            return updated.int()
            """,
    ),
)

_ALTERNATIVES = {
    "only the confident positions": """
def remember_labels(latest, index, confidence, pseudo_labels, threshold):
    confident = confidence >= threshold
    updated = latest.clone()
    updated[index[confident]] = pseudo_labels[confident]
    return updated
""",
    "index_copy": """
def remember_labels(latest, index, confidence, pseudo_labels, threshold):
    new = torch.where(confidence >= threshold, pseudo_labels, latest[index])
    return latest.index_copy(0, index, new)
""",
    "scatter": """
def remember_labels(latest, index, confidence, pseudo_labels, threshold):
    keep = ~(confidence < threshold)
    return latest.scatter(0, index[keep], pseudo_labels[keep])
""",
    "index_put": """
def remember_labels(latest, index, confidence, pseudo_labels, threshold):
    keep = confidence.ge(threshold).nonzero().flatten()
    return latest.index_put((index[keep],), pseudo_labels[keep])
""",
    "image by image": """
def remember_labels(latest, index, confidence, pseudo_labels, threshold):
    updated = latest.detach().clone()
    for i, p, c in zip(index.tolist(), confidence.tolist(), pseudo_labels.tolist()):
        if p >= threshold:
            updated[i] = c
    return updated
""",
    "a column of like device": """
def remember_labels(latest, index, confidence, pseudo_labels, threshold):
    updated = latest.new_empty(len(latest))
    updated[:] = latest
    confident = confidence >= torch.tensor(threshold)
    updated[index] = torch.where(confident, pseudo_labels, latest[index])
    return updated
""",
    "arithmetic": """
def remember_labels(latest, index, confidence, pseudo_labels, threshold):
    confident = (confidence >= threshold).long()
    updated = latest + 0
    updated[index] = confident * pseudo_labels + (1 - confident) * latest[index]
    return updated
""",
    "masked_scatter on a copy": """
def remember_labels(latest, index, confidence, pseudo_labels, threshold):
    old = latest[index]
    old[confidence >= threshold] = pseudo_labels[confidence >= threshold]
    copy = torch.empty_like(latest).copy_(latest)
    copy[index] = old
    return copy
""",
    "a whole mask over û": """
def remember_labels(latest, index, confidence, pseudo_labels, threshold):
    new, sure = latest.clone(), torch.zeros_like(latest, dtype=torch.bool)
    new[index] = pseudo_labels
    sure[index] = confidence >= threshold
    return torch.where(sure, new, latest)
""",
    "compared with every position": """
def remember_labels(latest, index, confidence, pseudo_labels, threshold):
    sure = confidence >= threshold
    hits = (torch.arange(len(latest), device=latest.device)[:, None] == index) & sure
    return torch.where(hits.any(dim=1), (hits * pseudo_labels).sum(dim=1), latest)
""",
    "select_scatter of one row after the other": """
def remember_labels(latest, index, confidence, pseudo_labels, threshold):
    for where, sure, label in zip(index, confidence >= threshold, pseudo_labels):
        latest = torch.where(
            (torch.arange(len(latest), device=latest.device) == where) & sure, label, latest
        )
    return latest
""",
}

_EQUIVALENTS = (
    Equivalent(
        "written twice",
        "The second assignment writes the same labels to the same positions.",
        edits=(
            ("return updated", "updated[index[confident]] = pseudo_labels[confident]\n    return updated"),
        ),
    ),
)


def _batch_of_labels(images: tuple[int, int], batch: tuple[int, int]) -> Draw:
    return lambda rng: labels.draw_labels(
        rng, size(rng, *images), size(rng, *batch), size(rng, 3, 8), number(rng, 0.6, 0.93)
    )


def _telling(inputs: Inputs) -> bool:
    """Confident images have had no label, a smaller one and a larger one, and an unsure image has had one."""
    old, new = inputs["latest"][inputs["index"]], inputs["pseudo_labels"]
    sure = inputs["confidence"] >= inputs["threshold"]
    kinds = (sure & (old < 0), sure & (old >= 0) & (old < new), sure & (old > new), ~sure & (old >= 0))
    return all(bool(np.any(kind)) for kind in kinds)


def _exactly(rng: Rng) -> Inputs:
    """Every second probability is τ itself, a number of eighths."""
    inputs = labels.draw_labels(rng, size(rng, 12, 20), size(rng, 5, 9), 5, 0.75)
    confidence = np.where(inputs["confidence"] >= 0.75, 0.75, inputs["confidence"])
    return inputs | {"confidence": confidence}


_HIDDEN = hidden_function(
    {
        "some confident": (
            "a batch of which some images are confident",
            until(_batch_of_labels((12, 20), (6, 10)), _telling),
        ),
        "at the threshold": ("probabilities that are exactly τ", _exactly),
        "near the threshold": (
            "probabilities just below and just above τ",
            lambda rng: labels.near_the_threshold(rng, size(rng, 12, 20), size(rng, 5, 9)),
        ),
        "none confident": ("a batch in which no image is confident", labels.none_confident),
        "one image": ("a batch of one image", _batch_of_labels((4, 9), (1, 1))),
        "drawn": ("more images", _batch_of_labels((30, 60), (12, 20))),
    },
    compiled=False,
)

REMEMBER_LABELS = InstructorExercise(
    "remember_labels",
    mutants=_MUTANTS,
    alternatives=_ALTERNATIVES,
    equivalents=_EQUIVALENTS,
    hidden=handed_on(also_on_a_gpu(_HIDDEN)),
)

EXERCISES = (REMEMBER_LABELS,)
