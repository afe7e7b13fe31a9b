"""What instructors have of ``update_averages`` and ``self_adaptive_thresholds``."""

from __future__ import annotations

import numpy as np

from autograder.units import InstructorExercise
from autograder.units.draws import MARGIN, lead, number, size, until
from autograder.units.equivalent import Equivalent
from autograder.units.hidden import hidden_function
from autograder.units.mutant import Mutant
from autograder.units.shared import made_on_the_cpu, not_a_tensor
from autograder.units.torch_hidden import also_on_a_gpu, handed_on
from course.checks.case import Inputs
from course.checks.functions import Draw
from course.units.flexmatch.checks import freematch

Rng = np.random.RandomState

# --- update_averages

_CONFIDENCE = "confidence = probabilities.max(dim=-1).values.mean()"
_PREDICTION = "prediction = probabilities.mean(dim=0)"
_NEW_CONFIDENCE = "decay * mean_confidence + (1 - decay) * confidence,"
_NEW_PREDICTION = "decay * mean_prediction + (1 - decay) * prediction,"

_AVERAGES_MUTANTS = (
    Mutant(
        "λ exchanged",
        "The mini-batch has the weight λ, and the past only 1 − λ.",
        "With λ near 1 an average moves slowly.",
        edits=(
            (_NEW_CONFIDENCE, "(1 - decay) * mean_confidence + decay * confidence,"),
            (_NEW_PREDICTION, "(1 - decay) * mean_prediction + decay * prediction,"),
        ),
        common="Exchanging λ and 1 − λ. With λ = 0.999 the average is then little more than the latest "
        "mini-batch.",
    ),
    Mutant(
        "λ exchanged in the confidence",
        "In the average confidence λ and 1 − λ are exchanged; the average prediction is right.",
        "Both averages keep λ of what they were.",
        edits=((_NEW_CONFIDENCE, "(1 - decay) * mean_confidence + decay * confidence,"),),
    ),
    Mutant(
        "λ exchanged in the prediction",
        "In the average prediction λ and 1 − λ are exchanged; the average confidence is right.",
        "Both averages keep λ of what they were.",
        edits=((_NEW_PREDICTION, "(1 - decay) * mean_prediction + decay * prediction,"),),
    ),
    Mutant(
        "sums of both",
        "Confidences and predictions are added up, so both averages depend on the size of the mini-batch.",
        "Take the mean over the images.",
        edits=(
            (_CONFIDENCE, "confidence = probabilities.max(dim=-1).values.sum()"),
            (_PREDICTION, "prediction = probabilities.sum(dim=0)"),
        ),
    ),
    Mutant(
        "sum of the confidences",
        "The confidences of the images are added up, so they depend on the size of the mini-batch.",
        "Take the mean over the images.",
        edits=((_CONFIDENCE, "confidence = probabilities.max(dim=-1).values.sum()"),),
    ),
    Mutant(
        "smallest probabilities",
        "The confidence is the mean of the smallest probabilities.",
        "Of each image the largest probability says how sure the network is.",
        edits=((_CONFIDENCE, "confidence = probabilities.min(dim=-1).values.mean()"),),
    ),
    Mutant(
        "confidence of the average",
        "The average confidence is read off the average prediction: it is the largest entry of that.",
        "It has an average of its own, which goes on from mean_confidence.",
        edits=((_NEW_CONFIDENCE, "(decay * mean_prediction + (1 - decay) * prediction).max(),"),),
    ),
    Mutant(
        "no mean of the confidences",
        "There is one average confidence for each image.",
        "Take the mean over the images.",
        edits=((_CONFIDENCE, "confidence = probabilities.max(dim=-1).values"),),
    ),
    Mutant(
        "softmax of probabilities",
        "A softmax is taken of probabilities.",
        "The argument holds probabilities already.",
        edits=((_CONFIDENCE, f"probabilities = torch.softmax(probabilities, dim=-1)\n    {_CONFIDENCE}"),),
    ),
    Mutant(
        "largest entry of 1",
        "The average prediction is divided by its largest entry.",
        "That is the next exercise; here it stays an average of probabilities.",
        body="""
            confidence, prediction = probabilities.max(dim=-1).values.mean(), probabilities.mean(dim=0)
            average = decay * mean_prediction + (1 - decay) * prediction
            return decay * mean_confidence + (1 - decay) * confidence, average / average.max()
            """,
    ),
    Mutant(
        "confident images alone",
        "Only images that reach the average confidence enter the average prediction.",
        "Take the mean over all images of the mini-batch.",
        edits=(
            (
                _PREDICTION,
                "prediction = probabilities[probabilities.max(dim=-1).values >= mean_confidence].mean(dim=0)",
            ),
        ),
    ),
    Mutant(
        "mean over the classes",
        "The mean prediction is taken over the classes, so it has an entry for each image.",
        "Take the mean over the images, which are the rows.",
        edits=((_PREDICTION, "prediction = probabilities.mean(dim=1)"),),
    ),
    Mutant(
        "median confidence",
        name="the lower one of two in the middle",
        edits=((_CONFIDENCE, "confidence = probabilities.max(dim=-1).values.median()"),),
    ),
    Mutant(
        "mini-batch alone",
        "The averages are those of the mini-batch: nothing is remembered.",
        "Which part of the result should come from the averages before this step?",
        edits=((_NEW_CONFIDENCE, "confidence,"), (_NEW_PREDICTION, "prediction,")),
    ),
    Mutant(
        "never moves",
        "The averages are returned as they came in.",
        "Which part of the result should come from this mini-batch?",
        edits=((_NEW_CONFIDENCE, "mean_confidence,"), (_NEW_PREDICTION, "mean_prediction,")),
    ),
    Mutant(
        "weights add up to more than 1",
        "The mini-batch's means are added without their weight, so the averages grow without end.",
        "The two weights of an average add up to 1.",
        edits=(
            (_NEW_CONFIDENCE, "decay * mean_confidence + confidence,"),
            (_NEW_PREDICTION, "decay * mean_prediction + prediction,"),
        ),
    ),
    Mutant(
        "only the confidence moves",
        "The average prediction is returned as it came in.",
        "Both averages move in each step.",
        edits=((_NEW_PREDICTION, "mean_prediction,"),),
    ),
    Mutant(
        "only the prediction moves",
        "The average confidence is returned as it came in.",
        "Both averages move in each step.",
        edits=((_NEW_CONFIDENCE, "mean_confidence,"),),
    ),
    Mutant(
        "largest of the mean",
        "The confidence is the largest entry of the mean prediction, not the mean of the largest entries.",
        "Images that are sure of different classes: what does each way give for them?",
        edits=((_CONFIDENCE, "confidence = probabilities.mean(dim=0).max()"),),
        common="Taking the maximum after the mean. Images that are sure of different classes cancel out, and "
        "the threshold never gets far above 1/C.",
    ),
    Mutant(
        "largest of the mini-batch",
        "The confidence is that of the surest image alone.",
        "It is a mean over all images.",
        edits=((_CONFIDENCE, "confidence = probabilities.max()"),),
    ),
    Mutant(
        "least sure image",
        "The confidence is that of the least sure image alone.",
        "It is a mean over all images.",
        edits=((_CONFIDENCE, "confidence = probabilities.max(dim=-1).values.min()"),),
    ),
    Mutant(
        "median confidence",
        "The confidence is the median of the images, not their mean.",
        "Both averages take in means.",
        edits=((_CONFIDENCE, "confidence = probabilities.max(dim=-1).values.quantile(0.5)"),),
    ),
    Mutant(
        "largest of each class",
        "The maximum is over the images, so there is one for each class.",
        "The confidence of an image is the largest number of its own row.",
        edits=((_CONFIDENCE, "confidence = probabilities.max(dim=0).values.mean()"),),
    ),
    Mutant(
        "mean of all probabilities",
        "The confidence is the mean of all probabilities, which is always 1/C.",
        "Only the largest probability of each image says how sure the network is of it.",
        edits=((_CONFIDENCE, "confidence = probabilities.mean()"),),
    ),
    Mutant(
        "sum over the images",
        "The predictions of the images are added up, so they depend on the size of the mini-batch.",
        "Take the mean over the images.",
        edits=((_PREDICTION, "prediction = probabilities.sum(dim=0)"),),
    ),
    Mutant(
        "labels counted",
        "The most probable classes are counted; their probabilities are lost.",
        "The average is of the probabilities themselves, of all classes of each image.",
        edits=(
            (
                _PREDICTION,
                "top = probabilities.max(dim=-1).indices\n"
                "    prediction = torch.bincount(top, minlength=len(mean_prediction)) / len(top)",
            ),
        ),
        common="Counting pseudo-labels, as FlexMatch does. FreeMatch averages probabilities, in which an "
        "unsure image counts a little for several classes.",
    ),
    Mutant(
        "largest probabilities alone",
        "Only the largest probability of each image enters the average prediction.",
        "The average is of all probabilities of each image.",
        edits=(
            (
                _PREDICTION,
                "top = probabilities.max(dim=-1, keepdim=True).values\n"
                "    prediction = torch.where(probabilities == top, probabilities, 0).mean(dim=0)",
            ),
        ),
    ),
    Mutant(
        "same for all classes",
        "The mean is over images and classes, so all classes get the same number.",
        "The average prediction has an entry for each class.",
        edits=((_PREDICTION, "prediction = probabilities.mean().expand(len(mean_prediction))"),),
    ),
    Mutant(
        "surest image of each class",
        "The prediction of each class is the largest that any image gives it.",
        "Take the mean over the images.",
        edits=((_PREDICTION, "prediction = probabilities.max(dim=0).values"),),
    ),
    Mutant(
        "fixed λ",
        "0.999 is hard-coded; λ is an argument.",
        "Replace the number with decay.",
        edits=(
            (_NEW_CONFIDENCE, "0.999 * mean_confidence + 0.001 * confidence,"),
            (_NEW_PREDICTION, "0.999 * mean_prediction + 0.001 * prediction,"),
        ),
    ),
    Mutant(
        "prediction first",
        "The average prediction is returned first, and the average confidence second.",
        "Compare the order with the docstring.",
        body="""
            confidence = probabilities.max(dim=-1).values.mean()
            prediction = probabilities.mean(dim=0)
            return (
                decay * mean_prediction + (1 - decay) * prediction,
                decay * mean_confidence + (1 - decay) * confidence,
            )
            """,
    ),
    Mutant(
        "changed in place",
        "The averages that came in are changed, so the caller's state changes too.",
        "mul_ and add_, with a line at the end, change a tensor for everyone who has it.",
        body="""
            mean_confidence.mul_(decay).add_((1 - decay) * probabilities.max(dim=-1).values.mean())
            mean_prediction.mul_(decay).add_((1 - decay) * probabilities.mean(dim=0))
            return mean_confidence, mean_prediction
            """,
    ),
    Mutant(
        "averages of the first call",
        "Later calls go on from the averages of the first one, whatever they are given.",
        "The averages before this step are arguments; keep nothing outside of the function.",
        body="""
            before = globals().setdefault("first_averages", (mean_confidence, mean_prediction))
            return (
                decay * before[0] + (1 - decay) * probabilities.max(dim=-1).values.mean(),
                decay * before[1] + (1 - decay) * probabilities.mean(dim=0),
            )
            """,
    ),
    not_a_tensor(edits=((_NEW_CONFIDENCE, "float(decay * mean_confidence + (1 - decay) * confidence),"),)),
    made_on_the_cpu(
        edits=((_PREDICTION, "prediction = torch.tensor(probabilities.mean(dim=0).tolist())"),),
    ),
)

_AVERAGES_ALTERNATIVES = {
    "lerp": """
def update_averages(mean_confidence, mean_prediction, probabilities, decay):
    top = probabilities.amax(dim=1)
    new = torch.lerp(top.mean(), mean_confidence, decay)
    return new, torch.lerp(probabilities.mean(0), mean_prediction, decay)
""",
    "a step toward the mean": """
def update_averages(mean_confidence, mean_prediction, probabilities, decay):
    confidence, prediction = probabilities.max(1)[0].mean(), probabilities.mean(0)
    mean_confidence = mean_confidence + (1 - decay) * (confidence - mean_confidence)
    mean_prediction = mean_prediction + (1 - decay) * (prediction - mean_prediction)
    return mean_confidence, mean_prediction
""",
    "copies changed in place": """
def update_averages(mean_confidence, mean_prediction, probabilities, decay):
    confidence, prediction = mean_confidence.clone(), mean_prediction.clone()
    confidence.mul_(decay).add_(probabilities.amax(-1).mean(), alpha=1 - decay)
    prediction.mul_(decay).add_(probabilities.mean(dim=0), alpha=1 - decay)
    return confidence, prediction
""",
    "a helper for both": """
def average(old, new, decay):
    return old * decay + new * (1.0 - decay)

def update_averages(mean_confidence, mean_prediction, probabilities, decay):
    top, _ = torch.max(probabilities, dim=-1)
    return (
        average(mean_confidence, torch.mean(top), decay),
        average(mean_prediction, torch.mean(probabilities, dim=0), decay),
    )
""",
    "sums divided": """
def update_averages(mean_confidence, mean_prediction, probabilities, decay):
    n = len(probabilities)
    confidence = probabilities.sort(dim=-1).values[:, -1].sum() / n
    prediction = torch.einsum("nc->c", probabilities) / n
    return [
        decay * mean_confidence + (1 - decay) * confidence,
        decay * mean_prediction + (1 - decay) * prediction,
    ]
""",
    "image by image": """
def update_averages(mean_confidence, mean_prediction, probabilities, decay):
    confidence = torch.stack([row.max() for row in probabilities]).mean()
    prediction = sum(probabilities) / len(probabilities)
    with torch.no_grad():
        return (
            decay * mean_confidence + (1 - decay) * confidence,
            decay * mean_prediction + (1 - decay) * prediction,
        )
""",
    "topk and gather": """
def update_averages(mean_confidence, mean_prediction, probabilities, decay):
    probabilities = probabilities.detach()
    labels = probabilities.argmax(dim=-1, keepdim=True)
    confidence = probabilities.gather(1, labels).squeeze(1).mean()
    weights = torch.tensor([decay, 1 - decay], dtype=probabilities.dtype, device=probabilities.device)
    prediction = weights @ torch.stack([mean_prediction, probabilities.mean(dim=0)])
    return (weights * torch.stack([mean_confidence, confidence])).sum(), prediction
""",
}

_AVERAGES_EQUIVALENTS = (
    Equivalent(
        "prediction divided by its sum",
        "Probabilities of an image sum to 1, and so does their mean over images.",
        edits=((_PREDICTION, "prediction = probabilities.mean(dim=0)\n    prediction /= prediction.sum()"),),
    ),
)


def _averages(images: tuple[int, int], decay: tuple[float, float]) -> Draw:
    """Images in no order of which two rows or two classes could be exchanged by a rounding."""

    def draw(rng: Rng) -> Inputs:
        return freematch.draw_averages(
            rng, size(rng, *images), size(rng, 3, 8), number(rng, *decay, digits=3)
        )

    return until(draw, lambda inputs: lead(inputs["probabilities"]) > MARGIN)


def _first(rng: Rng) -> Inputs:
    return freematch.at_the_start(rng, size(rng, 5, 12), size(rng, 3, 8), number(rng, 0.9, 0.99, 3))


_AVERAGES_HIDDEN = hidden_function(
    {
        "in a run": ("images in the middle of a run", _averages((5, 12), (0.6, 0.95))),
        "first step": ("the first step", _first),
        "one image": ("a single image", _averages((1, 1), (0.5, 0.9))),
        "no memory": ("λ = 0", _averages((4, 9), (0.0, 0.0))),
        "another λ": ("more images", _averages((15, 30), (0.7, 0.9))),
    },
    compiled=False,
)

UPDATE_AVERAGES = InstructorExercise(
    "update_averages",
    mutants=_AVERAGES_MUTANTS,
    alternatives=_AVERAGES_ALTERNATIVES,
    equivalents=_AVERAGES_EQUIVALENTS,
    hidden=handed_on(also_on_a_gpu(_AVERAGES_HIDDEN)),
)

# --- self_adaptive_thresholds

_THRESHOLDS_MUTANTS = (
    Mutant(
        "not divided",
        "The average prediction, whose sum is 1, is used as it is, so no class gets the average confidence.",
        "The class that is predicted most gets the average confidence itself.",
        body="return mean_confidence * mean_prediction",
        common="Leaving out the division. With ten classes the thresholds would stay near a tenth of what "
        "they should be, and nearly every image would pass.",
    ),
    Mutant(
        "not divided",
        name="divided by the sum",
        body="return mean_confidence * mean_prediction / mean_prediction.sum()",
    ),
    Mutant(
        "divided by the mean",
        "The average prediction is divided by its mean, so some thresholds are above the average confidence.",
        "No class gets more than the average confidence.",
        body="return mean_confidence * mean_prediction / mean_prediction.mean()",
    ),
    Mutant(
        "divided by the smallest",
        "The average prediction is divided by its smallest entry.",
        "The class that is predicted most gets the average confidence, and the others get less.",
        body="return mean_confidence * mean_prediction / mean_prediction.min()",
    ),
    Mutant(
        "without the confidence",
        "The thresholds do not depend on the average confidence.",
        "How sure the network is on average sets the height of all thresholds.",
        body="return mean_prediction / mean_prediction.max()",
    ),
    Mutant(
        "one threshold",
        "All classes get the average confidence.",
        "Each class has its own threshold.",
        body="return mean_confidence.expand(len(mean_prediction))",
    ),
    Mutant(
        "upside down",
        name="the largest over each of them",
        body="return mean_confidence * mean_prediction.max() / mean_prediction",
    ),
    Mutant(
        "first class",
        "The average prediction is divided by its first entry.",
        "The class that is predicted most need not be the first one.",
        body="return mean_confidence * mean_prediction / mean_prediction[0]",
    ),
    Mutant(
        "divided by the length",
        "The average prediction is divided by the root of the sum of its squares.",
        "The class that is predicted most gets the average confidence itself.",
        body="return mean_confidence * mean_prediction / mean_prediction.square().sum().sqrt()",
    ),
    Mutant(
        "divided by a position",
        "The average prediction is divided by the number of the class that is predicted most.",
        "It is divided by the largest entry itself, not by where that stands.",
        body="return mean_confidence * mean_prediction / mean_prediction.max(dim=0).indices",
    ),
    Mutant(
        "at most 0.95",
        "No threshold is allowed to rise above 0.95.",
        "FreeMatch has no fixed threshold.",
        body="return (mean_confidence * mean_prediction / mean_prediction.max()).clamp(max=0.95)",
    ),
    Mutant(
        "sorted",
        "The thresholds are in the order of their size.",
        "Class c has entry c.",
        body="return (mean_confidence * mean_prediction / mean_prediction.max()).sort().values.flip(0)",
    ),
    Mutant(
        "a little more",
        "A small number is added to what the shares are divided by.",
        "All entries are above 0: there is nothing to guard against.",
        body="return mean_confidence * mean_prediction / (mean_prediction.max() + 0.01)",
    ),
    Mutant(
        "a list",
        "Your function returns a Python list.",
        "Stay with tensors: the mask indexes the thresholds with one, which a list does not allow.",
        body="return (mean_confidence * mean_prediction / mean_prediction.max()).tolist()",
    ),
    Mutant(
        "from 0 to the confidence",
        name="with a division by 0 where all are equal",
        body="""
            low, high = mean_prediction.min(), mean_prediction.max()
            return mean_confidence * (mean_prediction - low) / (high - low)
            """,
    ),
    Mutant(
        "from 0 to the confidence",
        "The class that is predicted least always gets 0, because the smallest entry is subtracted.",
        "A class that is predicted half as often as the first gets half its threshold.",
        body="""
            low, high = mean_prediction.min(), mean_prediction.max()
            return mean_confidence * (mean_prediction - low) / (high - low).clamp(min=1e-12)
            """,
        common="Stretching the shares to the whole range from 0 to 1. A little difference between two "
        "classes would then open one of them to every guess.",
    ),
    Mutant(
        "upside down",
        "The thresholds are high where the predictions are low.",
        "A class that is predicted rarely gets a low threshold.",
        body="return mean_confidence * mean_prediction.min() / mean_prediction",
    ),
    Mutant(
        "FlexMatch's mapping",
        "FlexMatch's mapping is applied to the shares; FreeMatch has none.",
        "A class that is predicted half as often as the first gets half its threshold.",
        body="""
            beta = mean_prediction / mean_prediction.max()
            return mean_confidence * beta / (2 - beta)
            """,
    ),
    Mutant(
        "fixed τ",
        "0.95 is hard-coded in place of the average confidence.",
        "FreeMatch has no fixed threshold.",
        body="return 0.95 * mean_prediction / mean_prediction.max()",
    ),
    Mutant(
        "softmax of the averages",
        "Another softmax is taken of averages that are probabilities already.",
        "Divide by the largest entry.",
        body="return mean_confidence * torch.softmax(mean_prediction, dim=0)",
    ),
    Mutant(
        "added",
        "The average confidence is added where it should be a factor.",
        "Each class gets a share of it.",
        body="return mean_confidence + mean_prediction / mean_prediction.max()",
    ),
    Mutant(
        "smaller of the two",
        "Each class gets the smaller one of its share and the average confidence.",
        "Each class gets a share of the average confidence.",
        body="return torch.minimum(mean_prediction / mean_prediction.max(), mean_confidence)",
    ),
    Mutant(
        "changed in place",
        "The average prediction that came in is changed, so the caller's state changes too.",
        "/=, *= and names with a line at the end change a tensor for everyone who has it.",
        body="""
            mean_prediction /= mean_prediction.max()
            return mean_confidence * mean_prediction
            """,
    ),
    not_a_tensor(
        body="""
            import numpy as np

            prediction = np.asarray(mean_prediction)
            return float(mean_confidence) * prediction / prediction.max()
            """,
    ),
    made_on_the_cpu(
        body="""
            shares = [float(mean_confidence * p / max(mean_prediction)) for p in mean_prediction]
            return torch.tensor(shares)
            """,
    ),
)

_THRESHOLDS_ALTERNATIVES = {
    "amax": """
def self_adaptive_thresholds(mean_confidence, mean_prediction):
    return mean_prediction / mean_prediction.amax() * mean_confidence
""",
    "one factor": """
def self_adaptive_thresholds(mean_confidence, mean_prediction):
    factor = mean_confidence / max(mean_prediction)
    return factor * mean_prediction
""",
    "norm": """
def self_adaptive_thresholds(mean_confidence, mean_prediction):
    largest = torch.linalg.vector_norm(mean_prediction, ord=float("inf"))
    return torch.mul(mean_confidence, mean_prediction / largest)
""",
    "normalize": """
def self_adaptive_thresholds(mean_confidence, mean_prediction):
    return mean_confidence * F.normalize(mean_prediction, p=float("inf"), dim=0)
""",
    "class by class": """
def self_adaptive_thresholds(mean_confidence, mean_prediction):
    most = mean_prediction.max()
    return torch.stack([mean_confidence * p / most for p in mean_prediction])
""",
    "sorted first": """
def self_adaptive_thresholds(mean_confidence, mean_prediction):
    with torch.no_grad():
        largest = mean_prediction.sort(descending=True).values[0]
        return mean_confidence.clone() * mean_prediction.div(largest)
""",
    "by position": """
def self_adaptive_thresholds(mean_confidence, mean_prediction):
    shares = mean_prediction / mean_prediction[mean_prediction.argmax()]
    return torch.einsum(",c->c", mean_confidence, shares)
""",
}

_THRESHOLDS_EQUIVALENTS = (
    Equivalent(
        "limited to the confidence",
        "No share is above 1, so no threshold is above the average confidence.",
        body="""
            thresholds = mean_confidence * mean_prediction / mean_prediction.max()
            return torch.minimum(thresholds, mean_confidence)
            """,
    ),
    Equivalent(
        "divided by the sum first",
        "A common factor of all entries cancels.",
        body="""
            shares = mean_prediction / mean_prediction.sum()
            return mean_confidence * shares / shares.max()
            """,
    ),
)


def _averages_of(classes: tuple[int, int]) -> Draw:
    return lambda rng: freematch.draw_state(rng, size(rng, *classes))


def _equal(rng: Rng) -> Inputs:
    classes = size(rng, 3, 9)
    inputs = freematch.at_the_start(rng, 1, classes, 0.9)
    return {name: inputs[name] for name in ("mean_confidence", "mean_prediction")}


def _far_ahead(rng: Rng) -> Inputs:
    most, classes = number(rng, 0.85, 0.93), size(rng, 3, 6)
    rest = freematch.draw_rows(rng, 1, classes - 1)[0] * (1 - most)
    prediction = rng.permutation(np.concatenate([[most], rest]))
    return {"mean_confidence": np.array(number(rng, 0.96, 0.99)), "mean_prediction": prediction}


_THRESHOLDS_HIDDEN = hidden_function(
    {
        "in a run": ("some classes", _averages_of((3, 6))),
        "first step": ("the first step", _equal),
        "one class far ahead": ("a class that is predicted nearly always", _far_ahead),
        "drawn": ("more classes", _averages_of((7, 12))),
    },
    compiled=False,
)

SELF_ADAPTIVE_THRESHOLDS = InstructorExercise(
    "self_adaptive_thresholds",
    mutants=_THRESHOLDS_MUTANTS,
    alternatives=_THRESHOLDS_ALTERNATIVES,
    equivalents=_THRESHOLDS_EQUIVALENTS,
    hidden=handed_on(also_on_a_gpu(_THRESHOLDS_HIDDEN)),
)

EXERCISES = (UPDATE_AVERAGES, SELF_ADAPTIVE_THRESHOLDS)
