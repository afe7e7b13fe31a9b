"""What instructors have of ``sharpen`` and ``guess_labels``."""

from __future__ import annotations

from collections.abc import Callable

from autograder.units import InstructorExercise
from autograder.units.draws import number, size
from autograder.units.equivalent import Equivalent
from autograder.units.hidden import Hidden, hidden_function
from autograder.units.mixmatch.common import Sizes, draw_temperature
from autograder.units.mutant import Mutant
from autograder.units.shared import (
    OTHER_DTYPE,
    another_precision,
    leaves_behind,
    made_on_the_cpu,
    not_a_tensor,
)
from autograder.units.torch_hidden import also_on_a_gpu, handed_on
from course.checks.case import Inputs
from course.checks.functions import Draw, after
from course.checks.left_behind import DTYPE, HOOK, NEED, PRECISION, SWITCH
from course.units.mixmatch.checks import guesses
from course.units.mixmatch.checks.common import Rng

# --- sharpen

_SHARPEN_MUTANTS = (
    Mutant(
        "not divided by the sum",
        "The powers are not divided by their sum, so the rows are not distributions.",
        "The result's rows have to sum to 1.",
        body="return probabilities ** (1 / T)",
    ),
    Mutant(
        "power of T",
        "The exponent is T. Below 1 that makes a distribution flatter.",
        "The exponent is 1/T.",
        body="""
            powers = probabilities**T
            return powers / powers.sum(dim=-1, keepdim=True)
            """,
        common="Using T as the exponent, which makes the distribution flatter. Nothing fails, and training "
        "slowly makes the network less certain.",
    ),
    Mutant(
        "divided by T",
        "Probabilities are divided by T, but only logits are divided by a temperature.",
        "Here the temperature is in the exponent.",
        body="return probabilities / T",
        common="Dividing probabilities by T, as one does with logits. The factor cancels in the "
        "normalization, so nothing happens.",
    ),
    Mutant(
        "softmax of the probabilities",
        "You apply a softmax to probabilities, but it takes logits.",
        "They are positive already: raise them to a power, then divide by the sum.",
        body="return torch.softmax(probabilities / T, dim=-1)",
    ),
    Mutant(
        "over the batch",
        "The sum is taken over the images of the batch.",
        "Every image has a distribution of its own: sum over the last axis.",
        body="""
            powers = probabilities ** (1 / T)
            return powers / powers.sum(dim=0, keepdim=True)
            """,
        common="Summing over the batch. With as many images as classes even the shape is right.",
    ),
    Mutant(
        "over everything",
        "All powers are divided by one sum over the whole batch.",
        "Sum over the last axis only, and keep it.",
        body="""
            powers = probabilities ** (1 / T)
            return powers / powers.sum()
            """,
    ),
    Mutant(
        "all to one class",
        "The most probable class gets everything, as happens when T goes to 0.",
        "Sharpening with T = 0.5 leaves some probability to the others.",
        body="""
            top = probabilities.argmax(dim=-1)
            return F.one_hot(top, probabilities.shape[-1]).to(probabilities.dtype)
            """,
    ),
    Mutant(
        "fixed temperature",
        "The square is hard-coded, as if T were always 0.5.",
        "Use T.",
        body="""
            powers = probabilities**2
            return powers / powers.sum(dim=-1, keepdim=True)
            """,
    ),
    Mutant(
        "unchanged",
        "The distribution is returned unchanged.",
        "Raise the entries to the power 1/T.",
        body="return probabilities",
    ),
    Mutant(
        "divided by the length",
        "The powers are divided by the root of the sum of their squares.",
        "The rows have to sum to 1, not their squares.",
        body="""
            powers = probabilities ** (1 / T)
            return powers / powers.norm(dim=-1, keepdim=True)
            """,
    ),
    Mutant(
        "divided by the largest",
        "The powers are divided by the largest of them.",
        "That is good for precision; divide by the sum afterwards, too.",
        body="""
            powers = probabilities ** (1 / T)
            return powers / powers.amax(dim=-1, keepdim=True)
            """,
    ),
    Mutant(
        "squeezed",
        "An axis of length 1 is dropped: a batch of one loses its axis.",
        "Look for squeeze.",
        body="""
            powers = probabilities ** (1 / T)
            return (powers / powers.sum(dim=-1, keepdim=True)).squeeze()
            """,
    ),
    Mutant(
        "in place",
        "Your function overwrites the probabilities it is given; the caller still needs them.",
        "Methods with a trailing underscore change a tensor: use those without.",
        body="""
            probabilities.pow_(1 / T)
            return probabilities / probabilities.sum(dim=-1, keepdim=True)
            """,
    ),
    not_a_tensor(
        body="""
            import numpy as np

            powers = np.asarray(probabilities) ** (1 / T)
            return powers / powers.sum(axis=-1, keepdims=True)
            """,
    ),
    Mutant(
        "negative exponent",
        "The exponent is negative: the smallest probability becomes the largest.",
        "The exponent is 1/T, above 0.",
        body="""
            powers = probabilities ** (-1 / T)
            return powers / powers.sum(dim=-1, keepdim=True)
            """,
    ),
    Mutant(
        "one minus T",
        "The exponent is 1 − T.",
        "It is 1/T.",
        body="""
            powers = probabilities ** (1 - T)
            return powers / powers.sum(dim=-1, keepdim=True)
            """,
    ),
    Mutant(
        "T squared",
        "T is used twice: the exponent is 1/T².",
        "The exponent is 1/T.",
        body="""
            powers = (probabilities ** (1 / T)) ** (1 / T)
            return powers / powers.sum(dim=-1, keepdim=True)
            """,
    ),
    Mutant(
        "softmax of the powers",
        "The powers go through a softmax; they are not divided by their sum.",
        "A softmax takes logits, and the powers are positive already.",
        body="return torch.softmax(probabilities ** (1 / T), dim=-1)",
    ),
    Mutant(
        "divided by the mean",
        "The powers are divided by their mean, so a row sums to the number of classes.",
        "A row has to sum to 1.",
        body="""
            powers = probabilities ** (1 / T)
            return powers / powers.mean(dim=-1, keepdim=True)
            """,
    ),
    Mutant(
        "sums along the wrong axis",
        "Each column is divided by the sum of a row: the axis of the sums is gone.",
        "keepdim=True keeps each sum beside its own row.",
        body="""
            powers = probabilities ** (1 / T)
            return powers / powers.sum(dim=-1)
            """,
    ),
    Mutant(
        "sum of the first row",
        "All rows are divided by the sum of the first one.",
        "Each row has a sum of its own.",
        body="""
            powers = probabilities ** (1 / T)
            return powers / powers[0].sum()
            """,
    ),
    Mutant(
        "least probability",
        "Small probabilities are raised to a least value first.",
        "A probability of 0 needs no care here: its power is 0.",
        body="""
            powers = probabilities.clamp(min=0.01) ** (1 / T)
            return powers / powers.sum(dim=-1, keepdim=True)
            """,
    ),
    Mutant(
        "added constant",
        "A number is added to every probability first.",
        "A probability of 0 needs no care here: its power is 0.",
        body="""
            powers = (probabilities + 1e-2) ** (1 / T)
            return powers / powers.sum(dim=-1, keepdim=True)
            """,
    ),
    Mutant(
        "difference of infinities",
        "Where a probability is 0 you subtract −∞ from −∞, and the result is not a number.",
        "What does your function do with the row 1, 0, 0?",
        body="""
            logs = torch.log(probabilities) / T
            powers = torch.exp(logs - logs.mean(dim=-1, keepdim=True))
            return powers / powers.sum(dim=-1, keepdim=True)
            """,
    ),
    Mutant(
        "whole exponent",
        "1/T is rounded down to a whole number.",
        "Look for int() and //.",
        body="""
            powers = probabilities ** int(1 / T)
            return powers / powers.sum(dim=-1, keepdim=True)
            """,
    ),
    Mutant(
        "never flatter",
        "A temperature above 1 is treated as if it were 1.",
        "The formula is the same for every T.",
        body="""
            powers = probabilities ** (1 / min(T, 1.0))
            return powers / powers.sum(dim=-1, keepdim=True)
            """,
    ),
    Mutant(
        "rounded",
        "The result is rounded to two digits.",
        "Return what the division gives.",
        body="""
            powers = probabilities ** (1 / T)
            return torch.round(powers / powers.sum(dim=-1, keepdim=True), decimals=2)
            """,
    ),
    Mutant(
        "transposed",
        "The result is transposed: it has a row for each class.",
        "A row belongs to an image.",
        body="""
            powers = probabilities.T ** (1 / T)
            return powers / powers.sum(dim=0)
            """,
    ),
    Mutant(
        "only the largest",
        "The largest probability alone is raised to the power.",
        "Every entry is, and then each row is divided by its sum.",
        body="""
            top = probabilities == probabilities.amax(dim=-1, keepdim=True)
            powers = torch.where(top, probabilities ** (1 / T), probabilities)
            return powers / powers.sum(dim=-1, keepdim=True)
            """,
    ),
    Mutant(
        "a list",
        "Your function returns Python lists.",
        "What comes next expects a tensor: leave out tolist().",
        body="""
            powers = probabilities ** (1 / T)
            return (powers / powers.sum(dim=-1, keepdim=True)).tolist()
            """,
    ),
    Mutant(
        "not divided by the sum",
        name="divided by the sum of the probabilities",
        body="return probabilities ** (1 / T) / probabilities.sum(dim=-1, keepdim=True)",
    ),
    Mutant(
        "not divided by the sum",
        name="divided before the power",
        body="return (probabilities / probabilities.sum(dim=-1, keepdim=True)) ** (1 / T)",
    ),
    Mutant(
        "power of T",
        name="softmax of the logarithms times T",
        body="return torch.softmax(torch.log(probabilities) * T, dim=-1)",
    ),
    Mutant(
        "in place",
        name="in place by an operator",
        body="""
            probabilities **= 1 / T
            return probabilities / probabilities.sum(dim=-1, keepdim=True)
            """,
    ),
    another_precision(
        body=f"""
            x = probabilities
            powers = x.to({OTHER_DTYPE}) ** (1 / T)
            return powers / powers.sum(dim=-1, keepdim=True)
            """,
    ),
    leaves_behind(
        SWITCH,
        body="""
            torch.set_grad_enabled(False)
            powers = probabilities ** (1 / T)
            return powers / powers.sum(dim=-1, keepdim=True)
            """,
    ),
)

_SHARPEN_ALTERNATIVES = {
    "the formula": """
def sharpen(probabilities, T):
    powers = probabilities ** (1 / T)
    return powers / powers.sum(dim=1, keepdim=True)
""",
    "softmax of the logarithms": """
def sharpen(probabilities, T):
    return torch.softmax(torch.log(probabilities) / T, dim=-1)
""",
    "normalize": """
def sharpen(probabilities, T):
    return F.normalize(torch.pow(probabilities, 1.0 / T), p=1, dim=-1)
""",
    "row by row": """
def sharpen(probabilities, T):
    rows = []
    for row in probabilities:
        powers = row.pow(1 / T)
        rows.append(powers / powers.sum())
    return torch.stack(rows)
""",
    "sum with a new axis, without gradient": """
@torch.no_grad()
def sharpen(probabilities, T):
    powers = torch.exp(torch.log(probabilities) / T)
    return powers / powers.sum(1)[:, None]
""",
    "transposed": """
def sharpen(probabilities, T):
    powers = probabilities.T ** (1 / T)
    return (powers / powers.sum(0)).T
""",
    "in place on a copy": """
def sharpen(probabilities, T):
    powers = probabilities.clone()
    powers.pow_(1 / T).div_(powers.sum(dim=-1, keepdim=True))
    return powers
""",
    "helper in another cell, and einsum": """
def normalized(rows):
    return torch.einsum("nc,n->nc", rows, 1 / torch.einsum("nc->n", rows))

def sharpen(probabilities, T):
    return normalized(probabilities ** (1 / T))
""",
    "reciprocal power, rows that broadcast": """
def sharpen(probabilities, T):
    inverse = 1.0 / T
    p = torch.pow(probabilities, inverse)
    total = torch.sum(p, dim=1).unsqueeze(1).expand_as(p)
    return torch.div(p, total)
""",
    "log_softmax and exp": """
def sharpen(probabilities, T):
    return torch.exp(F.log_softmax(probabilities.log() / T, dim=1))
""",
    "vmap": """
def sharpen(probabilities, T):
    def one(row):
        powers = row ** (1 / T)
        return powers / powers.sum()
    return torch.vmap(one)(probabilities)
""",
    "a diagonal matrix": """
def sharpen(probabilities, T):
    powers = probabilities.pow(1 / T)
    return torch.diag(1 / (powers @ torch.ones_like(powers[0]))) @ powers
""",
    "temperature as a tensor": """
def sharpen(probabilities, T):
    T = torch.as_tensor(T, dtype=probabilities.dtype, device=probabilities.device)
    powers = probabilities ** T.reciprocal()
    return powers / powers.sum(dim=-1, keepdim=True)
""",
    "in double precision and back": """
def sharpen(probabilities, T):
    powers = probabilities.double() ** (1 / T)
    return (powers / powers.sum(dim=-1, keepdim=True)).to(probabilities.dtype)
""",
}

_SHARPEN_EQUIVALENTS = (
    Equivalent(
        "without the division by the largest",
        "A factor of all entries cancels in the quotient. With ten classes and T of 0.05 or more the "
        "largest power is far from rounding to 0.",
        edits=((" / probabilities.amax(dim=-1, keepdim=True)", ""),),
    ),
    Equivalent(
        "sharpened twice, by the root of T each",
        "Powers of powers multiply their exponents, and what a normalization divides by cancels in the "
        "next one.",
        body="""
            for _ in range(2):
                powers = probabilities ** (T**-0.5)
                probabilities = powers / powers.sum(dim=-1, keepdim=True)
            return probabilities
            """,
    ),
)


def _distributions(rows: Sizes, classes: Sizes, T: Callable[[Rng], float] = draw_temperature) -> Draw:
    return lambda rng: guesses.distributions(size(rng, *rows), size(rng, *classes), T(rng))(rng)


def _square(rng: Rng) -> Inputs:
    n = size(rng, 3, 6)
    return guesses.distributions(n, n, draw_temperature(rng))(rng)


_SHARPEN_HIDDEN = hidden_function(
    {
        "by hand": ("some distributions at T = 0.5", _distributions((2, 4), (3, 5), lambda rng: 0.5)),
        "other temperature": ("distributions at another temperature", _distributions((5, 8), (3, 6))),
        "as many images as classes": ("as many distributions as classes", _square),
        "one image": ("a single distribution", _distributions((1, 1), (3, 7))),
        "T of 1": ("T = 1, which changes nothing", _distributions((3, 6), (3, 6), lambda rng: 1.0)),
        "T above 1": (
            "a temperature that makes a distribution flatter",
            _distributions((3, 6), (4, 6), lambda rng: number(rng, 1.5, 4.0)),
        ),
        "impossible classes": (
            "probabilities of 0 and of a few thousandths",
            lambda rng: guesses.impossible_classes(size(rng, 4, 7), size(rng, 3, 6), number(rng, 0.4, 0.7))(
                rng
            ),
        ),
    },
    compiled=False,
)

SHARPEN = InstructorExercise(
    "sharpen",
    mutants=_SHARPEN_MUTANTS,
    alternatives=_SHARPEN_ALTERNATIVES,
    equivalents=_SHARPEN_EQUIVALENTS,
    hidden=handed_on(_SHARPEN_HIDDEN),
)

# --- guess_labels

_UNDER = "with torch.no_grad(), frozen_statistics(model):"
_LOGITS = "logits = model(views.flatten(0, 1))"
_SOFTMAX = "torch.softmax(logits, dim=-1)"
_VIEWS = "unflatten(0, views.shape[:2])"
_MEAN = "sharpen(probabilities.mean(dim=0), T)"

_GUESS_MUTANTS = (
    Mutant(
        "sharpened before the mean",
        "Each view is sharpened before the mean, which is a different guess where views disagree.",
        "First the mean over the views, then sharpen once.",
        edits=((_MEAN, "sharpen(probabilities, T).mean(dim=0)"),),
        common="Sharpening each view before the mean. Views that disagree then do not cancel the way they "
        "should.",
    ),
    Mutant(
        "mean of the logits",
        "The mean over the views is that of the logits, or of log-probabilities.",
        "Take the mean of the probabilities.",
        edits=(
            (
                f"probabilities = {_SOFTMAX}.{_VIEWS}",
                f"probabilities = torch.softmax(logits.{_VIEWS}.mean(dim=0, keepdim=True), dim=-1)",
            ),
        ),
        common="Averaging logits. A single very confident view outweighs all the others.",
    ),
    Mutant(
        "not sharpened",
        "The mean over the views is not sharpened.",
        "Call sharpen on the mean.",
        edits=((_MEAN, "probabilities.mean(dim=0)"),),
    ),
    Mutant(
        "first view alone",
        "Only the first view counts.",
        "The guess is the mean over all K views.",
        edits=((_MEAN, "sharpen(probabilities[0], T)"),),
    ),
    Mutant(
        "largest over the views",
        "For each class you take the largest probability of any view.",
        "The guess is the mean over the views.",
        edits=((_MEAN, "sharpen(probabilities.amax(dim=0), T)"),),
    ),
    Mutant(
        "mean over the images",
        "The mean is taken over the images, so there is one guess for each view.",
        "The views are the first axis: one guess per image remains.",
        edits=((_MEAN, "sharpen(probabilities.mean(dim=1), T)"),),
    ),
    Mutant(
        "images mixed up",
        "The rows of the joint batch are assigned to views and images in the wrong order.",
        "flatten(0, 1) puts all images of the first view first, then those of the second.",
        edits=(
            (_VIEWS, "unflatten(0, views.shape[:2][::-1])"),
            (_MEAN, "sharpen(probabilities.mean(dim=1), T)"),
        ),
    ),
    Mutant(
        "one guess for each view",
        "There is one guess per view; the docstring asks for one per image.",
        "Take the mean over the views; it is the loss that repeats a guess for each of them.",
        edits=((_MEAN, "sharpen(probabilities.flatten(0, 1), T)"),),
    ),
    Mutant(
        "one guess for each view",
        name="each guess repeated for every view",
        edits=((_MEAN, f"{_MEAN}.repeat(len(views), 1)"),),
    ),
    Mutant(
        "as many views as here",
        "The batch is taken apart as if there were always two views.",
        "The first size of views is K.",
        edits=((_VIEWS, "unflatten(0, (2, views.shape[1]))"),),
    ),
    Mutant(
        "as many views as here",
        name="two views in a reshape",
        edits=((_VIEWS, "reshape(2, views.shape[1], -1)"),),
    ),
    Mutant(
        "as many views as here",
        name="cut into two parts",
        edits=((_VIEWS, "chunk(2)"), (_MEAN, "sharpen((probabilities[0] + probabilities[1]) / 2, T)")),
    ),
    Mutant(
        "no softmax",
        "Logits are averaged and sharpened as if they were probabilities.",
        "Turn logits into probabilities first.",
        edits=((_SOFTMAX, "logits"),),
    ),
    Mutant(
        "softmax over the images",
        "The softmax runs over the images.",
        "Probabilities sum to 1 over the classes, which are the last axis.",
        edits=((_SOFTMAX, "torch.softmax(logits, dim=0)"),),
    ),
    Mutant(
        "hard labels",
        "The guess is one-hot, as in FixMatch. MixMatch keeps the distribution.",
        "Return what sharpen gives.",
        edits=(
            (
                f"return {_MEAN}",
                "top = probabilities.mean(dim=0).argmax(dim=-1)\n"
                "        return F.one_hot(top, logits.shape[-1]).to(logits.dtype)",
            ),
        ),
    ),
    Mutant(
        "fixed temperature",
        "0.5 is hard-coded instead of T.",
        "Pass T on to sharpen.",
        edits=((_MEAN, "sharpen(probabilities.mean(dim=0), 0.5)"),),
    ),
    Mutant(
        "statistics counted",
        "BatchNorm's running statistics count both this pass and the training pass of the same step.",
        "Run the model under frozen_statistics(model).",
        edits=((_UNDER, "with torch.no_grad():"),),
        common="Letting BatchNorm count this pass. Training works, but validation uses statistics of a "
        "mixture of batches that no training pass ever had.",
    ),
    Mutant(
        "statistics stay frozen",
        "BatchNorm's statistics are switched off and never back on: they stay at their first values.",
        "frozen_statistics(model) belongs in a with statement: it switches them back on at the end.",
        edits=(
            (
                _UNDER,
                "for module in model.modules():\n"
                '        if hasattr(module, "track_running_stats"):\n'
                "            module.track_running_stats = False\n"
                "    with torch.no_grad():",
            ),
        ),
    ),
    Mutant(
        "gradient flows",
        "A gradient flows through the guess: the network could lower its loss by moving the target.",
        "Run the model without gradient, under torch.no_grad().",
        edits=((_UNDER, "with frozen_statistics(model):"),),
    ),
    Mutant(
        "evaluation mode",
        "The model is put into evaluation mode for the guess, so BatchNorm uses its running statistics.",
        "MixMatch guesses in training mode: leave the mode alone.",
        edits=(
            (_LOGITS, "model.eval()\n        logits = model(views.flatten(0, 1))\n        model.train()"),
        ),
    ),
    Mutant(
        "left in evaluation mode",
        "The model is put into evaluation mode and stays there, even for the training pass.",
        "Leave the mode alone: MixMatch guesses in training mode.",
        edits=((_LOGITS, f"model.eval()\n        {_LOGITS}"),),
    ),
    Mutant(
        "view by view",
        "Each view goes through the network in a separate pass, so BatchNorm sees them separately.",
        "Put the views into one batch, and call the model once.",
        edits=((_LOGITS, "logits = torch.cat([model(view) for view in views])"),),
    ),
    Mutant(
        "squeezed",
        "An axis of length 1 is dropped: a single image or view loses its axis.",
        "Look for squeeze.",
        edits=((_MEAN, "sharpen(probabilities.mean(dim=0), T).squeeze()"),),
    ),
    Mutant(
        "gradient flows",
        name="no_grad forgotten around the forward pass",
        edits=((_UNDER, "with torch.enable_grad(), frozen_statistics(model):"),),
    ),
    not_a_tensor(
        edits=(
            (
                "return sharpen(probabilities.mean(dim=0), T)",
                "return sharpen(probabilities.mean(dim=0), T).numpy()",
            ),
        ),
    ),
    made_on_the_cpu(
        edits=(
            (
                f"return {_MEAN}",
                "total = torch.zeros(probabilities.shape[1:])\n"
                "        for one in probabilities:\n"
                "            total = total + one\n"
                "        return sharpen(total / len(views), T)",
            ),
        ),
    ),
    Mutant(
        "sharpened twice",
        "The temperature acts twice: on each view, and on the mean of them.",
        "Sharpen once, after the mean.",
        edits=((_MEAN, "sharpen(sharpen(probabilities, T).mean(dim=0), T)"),),
    ),
    Mutant(
        "sharpened twice",
        name="logits divided by T as well",
        edits=((_SOFTMAX, "torch.softmax(logits / T, dim=-1)"),),
    ),
    Mutant(
        "inverse of T",
        "1/T is passed to sharpen, which takes the inverse itself.",
        "Pass T on as it is.",
        edits=((_MEAN, "sharpen(probabilities.mean(dim=0), 1 / T)"),),
    ),
    Mutant(
        "smallest over the views",
        "For each class you take the smallest probability of any view.",
        "The guess is the mean over the views.",
        edits=((_MEAN, "sharpen(probabilities.amin(dim=0), T)"),),
    ),
    Mutant(
        "median over the views",
        "For each class you take the median over the views.",
        "The guess is the mean over the views.",
        edits=((_MEAN, "sharpen(probabilities.median(dim=0).values, T)"),),
    ),
    Mutant(
        "product over the views",
        "The probabilities of the views are multiplied.",
        "The guess is their mean.",
        edits=((_MEAN, "sharpen(probabilities.prod(dim=0), T)"),),
    ),
    Mutant(
        "last view alone",
        "Only the last view counts.",
        "The guess is the mean over all K views.",
        edits=((_MEAN, "sharpen(probabilities[-1], T)"),),
    ),
    Mutant(
        "two views",
        "The mean is over the first two views, however many there are.",
        "Their number is the length of the first axis.",
        edits=((_MEAN, "sharpen((probabilities[0] + probabilities[min(1, len(views) - 1)]) / 2, T)"),),
    ),
    Mutant(
        "the surest view",
        "Of each image only the view with the largest probability counts.",
        "The guess is the mean over all views.",
        edits=(
            (
                _MEAN,
                "sharpen(probabilities[probabilities.amax(dim=-1).argmax(dim=0),"
                " torch.arange(views.shape[1], device=views.device)], T)",
            ),
        ),
    ),
    Mutant(
        "votes",
        "Each view votes for one class, and the votes are averaged.",
        "Average the probabilities themselves.",
        edits=(
            (
                _MEAN,
                "sharpen(F.one_hot(probabilities.argmax(-1), logits.shape[-1]).to(logits.dtype).mean(0), T)",
            ),
        ),
    ),
    Mutant(
        "sigmoid",
        "Each class gets a probability of its own, by a sigmoid.",
        "The classes compete: their probabilities sum to 1.",
        edits=((_SOFTMAX, "torch.sigmoid(logits)"),),
    ),
    Mutant(
        "log-probabilities",
        "Log-probabilities are averaged and sharpened as if they were probabilities.",
        "Leave out the logarithm.",
        edits=((_SOFTMAX, "torch.log_softmax(logits, dim=-1)"),),
    ),
    Mutant(
        "overflow",
        "A softmax written with exponentials overflows, and the guess is not a number.",
        "Use torch.softmax.",
        edits=((_SOFTMAX, "torch.exp(logits) / torch.exp(logits).sum(dim=-1, keepdim=True)"),),
    ),
    Mutant(
        "joined image by image",
        "The views are joined image by image, and taken apart view by view.",
        "views.flatten(0, 1) and unflatten belong together.",
        edits=((_LOGITS, "logits = model(views.transpose(0, 1).flatten(0, 1))"),),
    ),
    Mutant(
        "views averaged",
        "The views are averaged before the network sees them.",
        "The network sees every view; the mean is over its probabilities.",
        edits=(
            (_LOGITS, "logits = model(views.mean(dim=0))"),
            (f".{_VIEWS}", ""),
            (_MEAN, "sharpen(probabilities, T)"),
        ),
    ),
    Mutant(
        "mean of the logits",
        name="mean of the log-probabilities",
        edits=((_MEAN, "sharpen(torch.softmax(probabilities.log().mean(dim=0), dim=-1), T)"),),
    ),
    Mutant(
        "sharpened before the mean",
        name="logits divided by T in place of sharpening",
        edits=(
            (_SOFTMAX, "torch.softmax(logits / T, dim=-1)"),
            (_MEAN, "probabilities.mean(dim=0)"),
        ),
    ),
    Mutant(
        "evaluation mode",
        name="BatchNorm alone in evaluation mode",
        edits=(
            (
                _LOGITS,
                "norms = [m for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)]\n"
                "        for norm in norms:\n"
                "            norm.eval()\n"
                f"        {_LOGITS}\n"
                "        for norm in norms:\n"
                "            norm.train()",
            ),
        ),
    ),
    Mutant(
        "left in evaluation mode",
        name="a mode that was never there is put back",
        edits=(
            (_UNDER, f"{_UNDER}\n        before = model.eval().training"),
            (_LOGITS, f"{_LOGITS}\n        model.train(before)"),
        ),
    ),
    another_precision(
        edits=(
            (
                f"return {_MEAN}",
                f"x = {_MEAN}\n        return x.to({OTHER_DTYPE})",
            ),
        ),
    ),
    leaves_behind(
        SWITCH,
        edits=((_UNDER, "torch.set_grad_enabled(False)\n    with frozen_statistics(model):"),),
    ),
    leaves_behind(
        NEED,
        edits=((_UNDER, f"model.requires_grad_(False)\n    {_UNDER}"),),
    ),
    leaves_behind(
        HOOK,
        edits=(
            (
                _LOGITS,
                f"model.register_forward_hook(lambda module, given, returned: returned)\n        {_LOGITS}",
            ),
        ),
    ),
    leaves_behind(
        DTYPE,
        edits=((_UNDER, f"torch.set_default_dtype(torch.float16)\n    {_UNDER}"),),
    ),
    leaves_behind(
        PRECISION,
        edits=(
            (
                _LOGITS,
                f"x, kind = views, views.dtype\n        x = x.to({OTHER_DTYPE})\n"
                "        logits = model.to(x.dtype)(x.flatten(0, 1)).to(kind)",
            ),
        ),
    ),
)

_GUESS_ALTERNATIVES = {
    "reshape": """
def guess_labels(model, views, T):
    K, n = views.shape[:2]
    with frozen_statistics(model):
        with torch.no_grad():
            logits = model(views.reshape(K * n, *views.shape[2:]))
    probabilities = F.softmax(logits, dim=1).reshape(K, n, -1)
    return sharpen(probabilities.mean(0), T)
""",
    "detached at the end": """
def guess_labels(model, views, T):
    with frozen_statistics(model):
        logits = model(torch.cat(list(views)))
    predictions = torch.stack(logits.softmax(-1).split(views.shape[1]))
    return sharpen(predictions.mean(dim=0), T).detach()
""",
    "decorated": """
@torch.no_grad()
def guess_labels(model, views, T):
    with frozen_statistics(model):
        parts = model(views.flatten(end_dim=1)).chunk(len(views))
    total = sum(torch.softmax(part, dim=-1) for part in parts)
    return sharpen(total / len(views), T)
""",
    "log-probabilities, cloned": """
def guess_labels(model, views, T):
    with frozen_statistics(model), torch.no_grad():
        log_probs = F.log_softmax(model(views.flatten(0, 1)), dim=-1)
    mean = log_probs.exp().view(len(views), -1, log_probs.shape[-1]).mean(0)
    return sharpen(mean, T).clone()
""",
    "its own sharpening": """
def guess_labels(model, views, T):
    with torch.no_grad(), frozen_statistics(model):
        p = torch.softmax(model(views.flatten(0, 1)), -1).unflatten(0, (len(views), -1)).mean(0)
    return torch.softmax(p.log() / T, dim=-1)
""",
    "statistics put back by hand": """
def guess_labels(model, views, T):
    saved = {name: buffer.clone() for name, buffer in model.named_buffers()}
    with torch.no_grad():
        logits = model(views.flatten(0, 1))
        for name, buffer in model.named_buffers():
            buffer.copy_(saved[name])
        return sharpen(torch.softmax(logits, -1).unflatten(0, views.shape[:2]).mean(0), T)
""",
    "momentum of 0, and the counter put back": """
def guess_labels(model, views, T):
    norms = [m for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    before = [(norm.momentum, norm.num_batches_tracked.clone()) for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    with torch.no_grad():
        logits = model(views.flatten(0, 1))
    for norm, (momentum, count) in zip(norms, before):
        norm.momentum = momentum
        norm.num_batches_tracked.copy_(count)
    return sharpen(torch.softmax(logits, dim=-1).unflatten(0, views.shape[:2]).mean(dim=0), T)
""",
    "gradient switched off and on": """
def guess_labels(model, views, T):
    before = torch.is_grad_enabled()
    torch.set_grad_enabled(False)
    try:
        with frozen_statistics(model):
            logits = model(views.flatten(0, 1))
        rows = torch.arange(len(logits)).reshape(views.shape[:2])
        guesses = sharpen(torch.softmax(logits, dim=-1)[rows].mean(dim=0), T)
    finally:
        torch.set_grad_enabled(before)
    return guesses
""",
    "inference mode, cloned": """
def guess_labels(model, views, T):
    with torch.inference_mode(), frozen_statistics(model):
        logits = model(views.flatten(0, 1))
        mean = F.softmax(logits, dim=-1).view(*views.shape[:2], -1).mean(dim=0)
    return sharpen(mean.clone(), T).clone()
""",
    "an accumulated sum over slices": """
@torch.no_grad()
def guess_labels(model, views, T):
    K, n = len(views), views.shape[1]
    with frozen_statistics(model):
        logits = model(views.reshape(-1, *views.shape[2:]))
    q = torch.zeros_like(logits[:n])
    for k in range(K):
        q += logits[k * n : (k + 1) * n].softmax(dim=1) / K
    return sharpen(q, T)
""",
    "statistics frozen by hand": """
def guess_labels(model, views, T):
    norms = [m for m in model.modules() if isinstance(m, torch.nn.modules.batchnorm._BatchNorm)]
    for m in norms:
        m.track_running_stats = False
    try:
        with torch.no_grad():
            p = model(torch.cat(tuple(views))).softmax(-1)
    finally:
        for m in norms:
            m.track_running_stats = True
    return sharpen(p.reshape(len(views), -1, p.shape[-1]).mean(0), T)
""",
    "a momentum of 0 and the count put back": """
def guess_labels(model, views, T):
    norms = [m for m in model.modules() if hasattr(m, "momentum")]
    before = [(m.momentum, m.num_batches_tracked.clone()) for m in norms]
    for m in norms:
        m.momentum = 0.0
    with torch.no_grad():
        logits = model(views.flatten(0, 1))
    for m, (momentum, count) in zip(norms, before):
        m.momentum = momentum
        m.num_batches_tracked.copy_(count)
    return sharpen(torch.softmax(logits, 1).unflatten(0, views.shape[:2]).mean(0), T)
""",
    "a copy of the model": """
import copy

def guess_labels(model, views, T):
    with torch.no_grad():
        logits = copy.deepcopy(model)(views.flatten(0, 1))
    return sharpen(logits.softmax(-1).unflatten(0, views.shape[:2]).mean(0), T)
""",
    "einsum over the views": """
def guess_labels(model, views, T):
    with torch.no_grad(), frozen_statistics(model):
        p = torch.softmax(model(views.flatten(0, 1)), dim=-1).unflatten(0, views.shape[:2])
    return sharpen(torch.einsum("knc->nc", p) / p.shape[0], T)
""",
}

_GUESS_EQUIVALENTS = (
    Equivalent(
        "sum over the views in place of the mean",
        "Sharpening divides by a sum, in which the factor 1/K cancels.",
        edits=(("probabilities.mean(dim=0)", "probabilities.sum(dim=0)"),),
    ),
    Equivalent(
        "gradient cut at the result",
        "No gradient gets past the result, so none reaches the network: only memory is wasted.",
        body="""
            with frozen_statistics(model):
                logits = model(views.flatten(0, 1))
            probabilities = torch.softmax(logits, dim=-1).unflatten(0, views.shape[:2])
            return sharpen(probabilities.mean(dim=0), T).detach()
            """,
    ),
)


def _views(n_views: Sizes, n: Sizes, *, norm: bool, square: bool = False) -> Draw:
    def draw(rng: Rng) -> Inputs:
        k, classes = size(rng, *n_views), size(rng, 3, 6)
        images = k if square else size(rng, *n)
        return guesses.views(k, images, draw_temperature(rng), norm=norm, classes=classes)(rng)

    return draw


_GUESS_HIDDEN = {
    "two views": Hidden("two views of some images", _views((2, 2), (3, 6), norm=False)),
    "three views": Hidden("more views of more images", _views((3, 4), (5, 8), norm=False)),
    "as many views as images": Hidden(
        "as many views as images", _views((3, 5), (3, 5), norm=False, square=True)
    ),
    "one view": Hidden("a single view", _views((1, 1), (3, 6), norm=False)),
    "one image": Hidden("views of a single image", _views((2, 4), (1, 1), norm=False)),
    "BatchNorm": Hidden("a network with BatchNorm in training mode", _views((2, 3), (5, 8), norm=True)),
    "large logits": Hidden(
        "logits in the thousands",
        lambda rng: guesses.large(_views((2, 3), (3, 6), norm=False), number(rng, 2500, 4000, 0))(rng),
    ),
    "called again": Hidden(
        "some images, after a call with another network",
        after(_views((2, 3), (4, 6), norm=True), _views((2, 3), (4, 6), norm=True)),
    ),
}

GUESS_LABELS = InstructorExercise(
    "guess_labels",
    mutants=_GUESS_MUTANTS,
    alternatives=_GUESS_ALTERNATIVES,
    equivalents=_GUESS_EQUIVALENTS,
    hidden=handed_on(also_on_a_gpu(_GUESS_HIDDEN)),
)

EXERCISES = (SHARPEN, GUESS_LABELS)
