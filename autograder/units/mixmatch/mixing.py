"""What instructors have of ``mixup`` and ``linear_rampup``."""

from __future__ import annotations

from collections.abc import Callable

from autograder.units import InstructorExercise
from autograder.units.draws import number, size
from autograder.units.equivalent import Equivalent
from autograder.units.hidden import Hidden, hidden_function
from autograder.units.mixmatch.common import Sizes
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
from course.checks.functions import Draw
from course.checks.left_behind import SWITCH
from course.units.mixmatch.checks import mixing
from course.units.mixmatch.checks.common import Rng

# --- mixup

_MIXUP_MUTANTS = (
    Mutant(
        "one λ for all",
        "The first λ is used for every sample.",
        "There are as many draws as samples: each gets its own.",
        body="""
            share = torch.maximum(lam, 1 - lam)[0]
            return share * x_a + (1 - share) * x_b, share * targets_a + (1 - share) * targets_b
            """,
        common="One λ for the whole batch. It is right on average, but every sample of a step is mixed in "
        "the same proportion.",
    ),
    Mutant(
        "no maximum",
        "λ is used as drawn, so below ½ the result is closer to b.",
        "λ′ is the larger of λ and 1 − λ.",
        body="""
            share, wide = lam[:, None], lam[:, None, None, None]
            return wide * x_a + (1 - wide) * x_b, share * targets_a + (1 - share) * targets_b
            """,
        common="Forgetting the maximum. A sample may then be mostly an unlabeled image in a place where "
        "labeled ones are expected.",
    ),
    Mutant(
        "closer to b",
        "The result is closer to b: a and b are swapped, or the smaller share is taken.",
        "λ′ = max(λ, 1 − λ) multiplies a.",
        body="""
            lam = torch.minimum(lam, 1 - lam)
            share, wide = lam[:, None], lam[:, None, None, None]
            return wide * x_a + (1 - wide) * x_b, share * targets_a + (1 - share) * targets_b
            """,
    ),
    Mutant(
        "targets not mixed",
        "The images are mixed, but their targets are those of a.",
        "Targets are mixed like the images, with the same λ′.",
        body="""
            wide = torch.maximum(lam, 1 - lam)[:, None, None, None]
            return wide * x_a + (1 - wide) * x_b, targets_a
            """,
    ),
    Mutant(
        "images not mixed",
        "The targets are mixed, but the images are those of a.",
        "Both are mixed with the same λ′.",
        body="""
            share = torch.maximum(lam, 1 - lam)[:, None]
            return x_a, share * targets_a + (1 - share) * targets_b
            """,
    ),
    Mutant(
        "targets the other way round",
        "The targets are mixed with λ′ and 1 − λ′ swapped.",
        "Images and targets of a have the same weight.",
        body="""
            lam = torch.maximum(lam, 1 - lam)
            share, wide = lam[:, None], lam[:, None, None, None]
            return wide * x_a + (1 - wide) * x_b, (1 - share) * targets_a + share * targets_b
            """,
    ),
    Mutant(
        "maximum for the images alone",
        "The images are mixed with λ′, the targets with λ itself.",
        "Take the larger of λ and 1 − λ once, for both.",
        body="""
            share, wide = lam[:, None], torch.maximum(lam, 1 - lam)[:, None, None, None]
            return wide * x_a + (1 - wide) * x_b, share * targets_a + (1 - share) * targets_b
            """,
    ),
    Mutant(
        "maximum for the targets alone",
        "The targets are mixed with λ′, the images with λ itself.",
        "Take the larger of λ and 1 − λ once, for both.",
        body="""
            share, wide = torch.maximum(lam, 1 - lam)[:, None], lam[:, None, None, None]
            return wide * x_a + (1 - wide) * x_b, share * targets_a + (1 - share) * targets_b
            """,
    ),
    Mutant(
        "half and half",
        "Every pair is mixed half and half.",
        "The share of a is λ′, which differs from sample to sample.",
        body="return (x_a + x_b) / 2, (targets_a + targets_b) / 2",
    ),
    Mutant(
        "along the columns",
        "λ is multiplied along the last axis: over columns and classes instead of samples.",
        "Give λ an axis of length 1 for each axis that follows the samples.",
        body="""
            lam = torch.maximum(lam, 1 - lam)
            return lam * x_a + (1 - lam) * x_b, lam * targets_a + (1 - lam) * targets_b
            """,
        common="Multiplying λ along the wrong axis. Where the sizes agree, PyTorch does it without an error.",
    ),
    Mutant(
        "images along the columns",
        "For the images, λ is multiplied along an axis that is not the sample axis.",
        "λ for the images has the shape (n, 1, 1, 1).",
        body="""
            lam = torch.maximum(lam, 1 - lam)[:, None]
            return lam * x_a + (1 - lam) * x_b, lam * targets_a + (1 - lam) * targets_b
            """,
    ),
    Mutant(
        "hard targets",
        "The mixed targets are turned back into one-hot rows.",
        "A mixed image has a mixed target.",
        body="""
            lam = torch.maximum(lam, 1 - lam)
            share, wide = lam[:, None], lam[:, None, None, None]
            targets = share * targets_a + (1 - share) * targets_b
            hard = F.one_hot(targets.argmax(dim=-1), targets.shape[-1]).to(targets.dtype)
            return wide * x_a + (1 - wide) * x_b, hard
            """,
    ),
    Mutant(
        "shares do not sum to 1",
        "Both parts have the weight λ′, so the shares do not sum to 1.",
        "b has the weight 1 − λ′.",
        body="""
            lam = torch.maximum(lam, 1 - lam)
            share, wide = lam[:, None], lam[:, None, None, None]
            return wide * x_a + wide * x_b, share * targets_a + share * targets_b
            """,
    ),
    Mutant(
        "exchanged results",
        "Targets are returned first, images second.",
        "Return (x, targets).",
        body="""
            lam = torch.maximum(lam, 1 - lam)
            share, wide = lam[:, None], lam[:, None, None, None]
            return share * targets_a + (1 - share) * targets_b, wide * x_a + (1 - wide) * x_b
            """,
    ),
    Mutant(
        "targets missing",
        "Only the images are returned.",
        "Return (x, targets).",
        body="""
            wide = torch.maximum(lam, 1 - lam)[:, None, None, None]
            return wide * x_a + (1 - wide) * x_b
            """,
    ),
    Mutant(
        "in place",
        "Your function overwrites the images it is given; the caller still needs them.",
        "Methods with a trailing underscore, *= and += change a tensor.",
        body="""
            lam = torch.maximum(lam, 1 - lam)
            share, wide = lam[:, None], lam[:, None, None, None]
            x_a *= wide
            x_a += (1 - wide) * x_b
            return x_a, share * targets_a + (1 - share) * targets_b
            """,
    ),
    Mutant(
        "closer to b",
        name="a and b exchanged",
        body="""
            lam = torch.maximum(lam, 1 - lam)
            share, wide = lam[:, None], lam[:, None, None, None]
            return wide * x_b + (1 - wide) * x_a, share * targets_b + (1 - share) * targets_a
            """,
    ),
    not_a_tensor(
        edits=(("(1 - lam) * x_b, targets", "(1 - lam) * x_b, targets.numpy()"),),
    ),
    made_on_the_cpu(
        body="""
            share = torch.maximum(lam, torch.ones(len(lam)) - lam)[:, None]
            wide = share[..., None, None]
            return wide * x_a + (1 - wide) * x_b, share * targets_a + (1 - share) * targets_b
            """,
    ),
    Mutant(
        "not a tensor",
        name="images that are no tensor",
        edits=(("lam * x_a + (1 - lam) * x_b", "(lam * x_a + (1 - lam) * x_b).numpy()"),),
    ),
    Mutant(
        "mean of λ",
        "The mean of all λ is used for every sample.",
        "Each sample has a λ of its own.",
        body="""
            share = torch.maximum(lam, 1 - lam).mean()
            return share * x_a + (1 - share) * x_b, share * targets_a + (1 - share) * targets_b
            """,
    ),
    Mutant(
        "largest λ of the batch",
        "One λ′ is used for every sample: the largest of the batch.",
        "The maximum is of λ and 1 − λ, for each sample by itself.",
        body="""
            share = torch.maximum(lam.max(), (1 - lam).max())
            return share * x_a + (1 - share) * x_b, share * targets_a + (1 - share) * targets_b
            """,
    ),
    Mutant(
        "not below a half",
        "A λ below ½ becomes ½.",
        "λ′ is the larger one of λ and 1 − λ.",
        edits=(("torch.maximum(lam, 1 - lam)", "lam.clamp(min=0.5)"),),
    ),
    Mutant(
        "away from the ends",
        "λ is kept away from 0 and 1.",
        "0 and 1 are as good as any other: the sample stays as it is.",
        edits=(("torch.maximum(lam, 1 - lam)", "torch.maximum(lam, 1 - lam).clamp(max=0.95)"),),
    ),
    Mutant(
        "λ of its own",
        "λ is drawn in the function, and the argument lam is not used.",
        "The draws come as an argument, so that they can be repeated.",
        edits=(
            (
                "lam = torch.maximum(lam, 1 - lam)",
                "import numpy as np\n\n    drawn = np.random.RandomState(0).beta(0.75, 0.75, len(lam))\n"
                "    lam = torch.as_tensor(drawn).to(lam)\n"
                "    lam = torch.maximum(lam, 1 - lam)",
            ),
        ),
    ),
    Mutant(
        "images the other way round",
        "The images are mixed with λ′ and 1 − λ′ swapped.",
        "Images and targets of a have the same weight.",
        edits=(("lam * x_a + (1 - lam) * x_b", "(1 - lam) * x_a + lam * x_b"),),
    ),
    Mutant(
        "targets of b",
        "The targets are those of b.",
        "Targets are mixed like the images, with the same λ′.",
        edits=(("x_b, targets", "x_b, targets_b"),),
    ),
    Mutant(
        "nothing mixed",
        "Images and targets of a are returned as they came.",
        "Both are mixed with those of b.",
        body="return x_a, targets_a",
    ),
    Mutant(
        "images cut off",
        "The mixed images are limited to numbers from 0 to 1.",
        "A mixture needs no limits: it lies between the two.",
        edits=(
            ("lam * x_a + (1 - lam) * x_b, targets", "(lam * x_a + (1 - lam) * x_b).clamp(0, 1), targets"),
        ),
    ),
    Mutant(
        "squared shares",
        "The shares are squared.",
        "a has the weight λ′, b the weight 1 − λ′.",
        edits=(("lam * x_a + (1 - lam) * x_b, targets", "lam**2 * x_a + (1 - lam) ** 2 * x_b, targets"),),
    ),
    Mutant(
        "along the channels",
        "For the images, λ is multiplied along the channels.",
        "λ for the images has the shape (n, 1, 1, 1).",
        edits=(("lam = lam[:, :, None, None]", "lam = lam.T[:, :, None, None]"),),
    ),
    Mutant(
        "partners shuffled again",
        "The partners are put into another order in the function.",
        "Sample i of a belongs to sample i of b.",
        body="""
            other = torch.arange(len(lam) - 1, -1, -1)
            lam = torch.maximum(lam, 1 - lam)[:, None]
            targets = lam * targets_a + (1 - lam) * targets_b[other]
            lam = lam[:, :, None, None]
            return lam * x_a + (1 - lam) * x_b[other], targets
            """,
    ),
    Mutant(
        "shuffled apart",
        "The images of b are put into another order, and their targets are not.",
        "Image and target i belong together.",
        edits=(("(1 - lam) * x_b, targets", "(1 - lam) * x_b.flip(0), targets"),),
    ),
    Mutant(
        "λ from the other end",
        "Each sample has the λ of another one.",
        "lam[i] belongs to sample i.",
        edits=(("torch.maximum(lam, 1 - lam)", "torch.maximum(lam, 1 - lam).sort().values"),),
    ),
    Mutant(
        "dictionary",
        "Your function returns a dictionary.",
        "Return two values, (x, targets).",
        edits=(
            (
                "return lam * x_a + (1 - lam) * x_b, targets",
                'return {"x": lam * x_a + (1 - lam) * x_b, "targets": targets}',
            ),
        ),
    ),
    Mutant(
        "targets overwritten",
        "Your function overwrites the targets it is given; the caller still needs them.",
        "Methods with a trailing underscore, *= and += change a tensor.",
        body="""
            lam = torch.maximum(lam, 1 - lam)[:, None]
            targets_a.mul_(lam).add_((1 - lam) * targets_b)
            lam = lam[:, :, None, None]
            return lam * x_a + (1 - lam) * x_b, targets_a
            """,
    ),
    Mutant(
        "λ overwritten",
        "Your function overwrites lam; the caller still needs it.",
        "An assignment to lam[…] changes the tensor that came in.",
        edits=(
            ("lam = torch.maximum(lam, 1 - lam)[:, None]", "lam[lam < 0.5] = 1 - lam[lam < 0.5]"),
            (
                "targets = lam * targets_a + (1 - lam)",
                "lam = lam[:, None]\n    targets = lam * targets_a + (1 - lam)",
            ),
        ),
    ),
    another_precision(
        edits=(
            (
                "return lam * x_a + (1 - lam) * x_b, targets",
                f"x = lam * x_a + (1 - lam) * x_b\n    return x, targets.to({OTHER_DTYPE})",
            ),
        ),
    ),
    Mutant(
        "images in another precision",
        "The mixed images are in another precision than the network's, which does not take them.",
        "Keep the dtype of x_a.",
        edits=(
            (
                "return lam * x_a + (1 - lam) * x_b, targets",
                f"x = lam * x_a + (1 - lam) * x_b\n    return x.to({OTHER_DTYPE}), targets",
            ),
        ),
    ),
    leaves_behind(
        SWITCH,
        edits=(("lam = torch.maximum", "torch.set_grad_enabled(False)\n    lam = torch.maximum"),),
    ),
    Mutant(
        "images along the columns",
        name="images without further axes",
        body="""
            lam = torch.maximum(lam, 1 - lam)
            share = lam[:, None]
            return lam * x_a + (1 - lam) * x_b, share * targets_a + (1 - share) * targets_b
            """,
    ),
    Mutant(
        "targets along the classes",
        "For the targets, λ is multiplied along the classes.",
        "λ for the targets has the shape (n, 1).",
        body="""
            lam = torch.maximum(lam, 1 - lam)
            wide = lam[:, None, None, None]
            return wide * x_a + (1 - wide) * x_b, lam * targets_a + (1 - lam) * targets_b
            """,
    ),
    Mutant(
        "share of b as drawn",
        "a has the weight λ′, but b has 1 − λ, with λ as it was drawn.",
        "Both weights come from λ′, and sum to 1.",
        body="""
            share, rest = torch.maximum(lam, 1 - lam)[:, None], (1 - lam)[:, None]
            targets = share * targets_a + rest * targets_b
            return share[..., None, None] * x_a + rest[..., None, None] * x_b, targets
            """,
    ),
    Mutant(
        "one choice for the batch",
        "Whether λ or 1 − λ is the larger one is decided once, for the whole batch.",
        "The larger one of the two is taken for each sample by itself.",
        edits=(("torch.maximum(lam, 1 - lam)", "(lam if lam.max() >= (1 - lam).max() else 1 - lam)"),),
    ),
    Mutant(
        "one choice for the batch",
        name="by the largest λ",
        edits=(("torch.maximum(lam, 1 - lam)", "(lam if lam.max() >= 0.5 else 1 - lam)"),),
    ),
    Mutant(
        "one choice for the batch",
        name="by the mean",
        edits=(("torch.maximum(lam, 1 - lam)", "(lam if lam.mean() >= 0.5 else 1 - lam)"),),
    ),
    Mutant(
        "square roots",
        "The shares of the images are square roots.",
        "a has the weight λ′, b the weight 1 − λ′.",
        edits=(
            ("lam * x_a + (1 - lam) * x_b, targets", "lam.sqrt() * x_a + (1 - lam).sqrt() * x_b, targets"),
        ),
    ),
)

_MIXUP_ALTERNATIVES = {
    "lerp": """
def mixup(x_a, x_b, targets_a, targets_b, lam):
    share = torch.maximum(lam, 1 - lam)
    x = torch.lerp(x_b, x_a, share.view(-1, 1, 1, 1))
    return x, torch.lerp(targets_b, targets_a, share.view(-1, 1))
""",
    "where": """
def mixup(x_a, x_b, targets_a, targets_b, lam):
    lam = torch.where(lam < 0.5, 1 - lam, lam)
    wide = lam.reshape(-1, 1, 1, 1)
    return x_b + wide * (x_a - x_b), targets_b + lam[:, None] * (targets_a - targets_b)
""",
    "half and a distance": """
def mixup(x_a, x_b, targets_a, targets_b, lam):
    lam = 0.5 + (lam - 0.5).abs()
    def mix(a, b):
        share = lam.view(len(a), *[1] * (a.ndim - 1))
        return share * a + (1 - share) * b
    return mix(x_a, x_b), mix(targets_a, targets_b)
""",
    "sample by sample": """
def mixup(x_a, x_b, targets_a, targets_b, lam):
    images, targets = [], []
    for i in range(len(lam)):
        share = max(lam[i], 1 - lam[i])
        images.append(share * x_a[i] + (1 - share) * x_b[i])
        targets.append(share * targets_a[i] + (1 - share) * targets_b[i])
    return torch.stack(images), torch.stack(targets)
""",
    "einsum": """
def mixup(x_a, x_b, targets_a, targets_b, lam):
    lam = torch.stack([lam, 1 - lam]).amax(dim=0)
    x = torch.einsum("n,nchw->nchw", lam, x_a) + torch.einsum("n,nchw->nchw", 1 - lam, x_b)
    return x, torch.einsum("n,nc->nc", lam, targets_a) + torch.einsum("n,nc->nc", 1 - lam, targets_b)
""",
    "in place on copies, a list": """
def mixup(x_a, x_b, targets_a, targets_b, lam):
    lam = lam.clone()
    lam[lam < 0.5] = 1 - lam[lam < 0.5]
    x = x_a.clone().mul_(lam[:, None, None, None])
    x += (1 - lam)[:, None, None, None] * x_b
    targets = lam.unsqueeze(1) * targets_a + (1 - lam).unsqueeze(1) * targets_b
    return [x, targets]
""",
    "sorted shares": """
def mixup(x_a, x_b, targets_a, targets_b, lam):
    b, a = torch.sort(torch.stack([lam, 1 - lam]), dim=0).values
    targets = torch.diag(a) @ targets_a + torch.diag(b) @ targets_b
    x = (torch.diag(a) @ x_a.flatten(1) + torch.diag(b) @ x_b.flatten(1)).view_as(x_a)
    return x, targets
""",
    "one function for both, by movedim": """
def blend(a, b, share):
    return (a.movedim(0, -1) * share + b.movedim(0, -1) * (1 - share)).movedim(-1, 0)

def mixup(x_a, x_b, targets_a, targets_b, lam):
    share = lam.maximum(1 - lam)
    return blend(x_a, x_b, share), blend(targets_a, targets_b, share)
""",
    "maximum with Python's numbers": """
def mixup(x_a, x_b, targets_a, targets_b, lam):
    larger = [max(float(one), 1 - float(one)) for one in lam]
    share = torch.tensor(larger, dtype=x_a.dtype, device=x_a.device)
    x = share[:, None, None, None] * x_a + (1 - share[:, None, None, None]) * x_b
    return x, share[:, None] * targets_a + (1 - share[:, None]) * targets_b
""",
    "vmap": """
def mixup(x_a, x_b, targets_a, targets_b, lam):
    def one(xa, xb, ta, tb, share):
        return share * xa + (1 - share) * xb, share * ta + (1 - share) * tb
    return torch.vmap(one)(x_a, x_b, targets_a, targets_b, torch.where(lam > 0.5, lam, 1 - lam))
""",
    "addcmul without gradient": """
@torch.no_grad()
def mixup(x_a, x_b, targets_a, targets_b, lam):
    lam = torch.max(lam, 1 - lam)
    a = lam.reshape((-1,) + (1,) * (x_a.dim() - 1))
    share = lam[:, None]
    return torch.addcmul((1 - a) * x_b, a, x_a), torch.addcmul((1 - share) * targets_b, share, targets_a)
""",
}

_MIXUP_EQUIVALENTS = (
    Equivalent(
        "a and b exchanged, with the smaller share",
        "1 − max(λ, 1 − λ) is min(λ, 1 − λ): exchanging the pair and its shares leaves the sum as it is.",
        body="""
            lam = torch.minimum(lam, 1 - lam)[:, None]
            targets = lam * targets_b + (1 - lam) * targets_a
            lam = lam[:, :, None, None]
            return lam * x_b + (1 - lam) * x_a, targets
            """,
    ),
)


def _pairs(n: Sizes) -> Draw:
    def draw(rng: Rng) -> Inputs:
        shape = (3, size(rng, 2, 5), size(rng, 2, 5))
        return mixing.pairs(size(rng, *n), shape, size(rng, 3, 6))(rng)

    return draw


_MIXUP_HIDDEN = hidden_function(
    {
        "by hand": ("some pairs", _pairs((3, 5))),
        "pairs": ("more pairs", _pairs((6, 9))),
        "one pair": ("a single pair", _pairs((1, 1))),
        "sizes that agree": (
            "as many pairs as rows, columns, channels and classes",
            mixing.pairs(3, (3, 3, 3), 3),
        ),
    },
    compiled=False,
)

MIXUP = InstructorExercise(
    "mixup",
    mutants=_MIXUP_MUTANTS,
    alternatives=_MIXUP_ALTERNATIVES,
    equivalents=_MIXUP_EQUIVALENTS,
    hidden=handed_on(also_on_a_gpu(_MIXUP_HIDDEN)),
)

# --- linear_rampup

_RAMP_MUTANTS = (
    Mutant(
        "length of the run",
        "The ramp takes 2**20 steps, as many as a whole run of the paper.",
        "The length is an argument: a short run has a short ramp.",
        body="return min(step / 2**20, 1.0) if length else 1.0",
        common="Using the length of the run. Then the weight reaches its full value only in the very last "
        "step.",
    ),
    Mutant(
        "beyond 1",
        "The share keeps rising beyond 1.",
        "From step `length` on it is 1.",
        body="return step / length if length else 1.0",
        common="Forgetting that the share stays at 1.",
    ),
    Mutant(
        "falling",
        "The share falls from 1 to 0.",
        "It begins at 0, and ends at 1.",
        body="return 1.0 - min(step / length, 1.0) if length else 1.0",
    ),
    Mutant(
        "no rise",
        "The share is 1 from the start.",
        "It rises from 0 at step 0.",
        body="return 1.0",
    ),
    Mutant(
        "whole division",
        "The share is rounded down: it is 0 until the ramp ends, and then jumps.",
        "Use /, not //.",
        body="return min(step // length, 1) if length else 1.0",
    ),
    Mutant(
        "upside down",
        "step and length are swapped in the fraction.",
        "Divide the step by it.",
        body="return min(length / max(step, 1), 1.0) if length else 1.0",
    ),
    Mutant(
        "one step ahead",
        "The ramp is one step ahead: it begins above 0.",
        "step counts the updates done so far, so the first one has step 0.",
        body="return min((step + 1) / length, 1.0) if length else 1.0",
    ),
    Mutant(
        "fixed length",
        "The paper's 16,384 steps are hard-coded.",
        "The length is an argument: a short run has a short ramp.",
        body="return min(step / 16_384, 1.0)",
    ),
    Mutant(
        "division by zero",
        "With a length of 0 your function divides by 0.",
        "A length of 0 means that there is no ramp: the share is 1.",
        body="return min(step / length, 1.0)",
    ),
    Mutant(
        "no ramp, no loss",
        "With a length of 0 the share is 0, so the unlabeled loss never counts.",
        "No ramp means that the full weight counts from the start.",
        body="return min(step / length, 1.0) if length else 0.0",
    ),
    Mutant(
        "sigmoid",
        "The rise is another method's, exp(−5(1 − t)²), not a straight line.",
        "The share is proportional to the step.",
        body="""
            import math

            return math.exp(-5 * (1 - min(step / length, 1.0)) ** 2) if length else 1.0
            """,
    ),
    Mutant(
        "times λ_u",
        "The share is multiplied by the paper's weight of 75.",
        "The function returns a share; the loss multiplies it by λ_u.",
        body="return 75 * min(step / length, 1.0) if length else 75.0",
    ),
    Mutant(
        "percent",
        "The share is given in percent.",
        "It lies between 0 and 1.",
        body="return 100 * min(step / length, 1.0) if length else 100.0",
    ),
    Mutant(
        "nothing at step 0",
        "At step 0 the share is 0 even where there is no ramp.",
        "A length of 0 means that the full weight counts from the first step on.",
        body="""
            if step == 0:
                return 0.0
            return min(step / length, 1.0) if length else 1.0
            """,
    ),
    Mutant(
        "nothing at step 0",
        name="a length of at least 1",
        body="return min(step / max(length, 1), 1.0)",
    ),
    Mutant(
        "nothing at step 0",
        name="a small number in the denominator",
        body="return min(step / (length + 1e-8), 1.0)",
    ),
    Mutant(
        "back to 0",
        "After the ramp's end the share is 0 again.",
        "From step `length` on it stays at 1.",
        body="""
            if not length:
                return 1.0
            return step / length if step <= length else 0.0
            """,
    ),
    Mutant(
        "over and over",
        "The ramp starts over when it has ended.",
        "From step `length` on the share stays at 1.",
        body="return step % length / length if length else 1.0",
    ),
    Mutant(
        "nothing after the ramp",
        "After the ramp's end nothing is returned.",
        "Each way through the function needs a return.",
        body="""
            if length and step < length:
                return step / length
            """,
    ),
    Mutant(
        "quadratic",
        "The share rises with the square of the step.",
        "It is proportional to the step.",
        body="return min(step / length, 1.0) ** 2 if length else 1.0",
    ),
    Mutant(
        "square root",
        "The share rises with the square root of the step.",
        "It is proportional to the step.",
        body="return min(step / length, 1.0) ** 0.5 if length else 1.0",
    ),
    Mutant(
        "half a cosine",
        "The rise is half a cosine, not a straight line.",
        "The share is proportional to the step.",
        body="""
            import math

            return 0.5 - 0.5 * math.cos(math.pi * min(step / length, 1.0)) if length else 1.0
            """,
    ),
    Mutant(
        "one step too early",
        "The ramp ends one step too early.",
        "At step `length` the share is 1, one step before it is below.",
        body="return min(step / (length - 1), 1.0) if length else 1.0",
    ),
    Mutant(
        "one step behind",
        "The ramp is one step behind.",
        "step counts the updates done so far, so the share at step 1 is above 0.",
        body="return min(max(step - 1, 0) / length, 1.0) if length else 1.0",
    ),
    Mutant(
        "rounded",
        "The share is rounded to two digits, so it rises in jumps.",
        "Return the fraction as it is.",
        body="return round(min(step / length, 1.0), 2) if length else 1.0",
    ),
    Mutant(
        "at least 1",
        "The share is never below 1: the larger one of the fraction and 1 is taken.",
        "It is at most 1.",
        body="return max(step / length, 1.0) if length else 1.0",
    ),
    Mutant(
        "whole division",
        name="a comparison",
        body="return step >= length",
    ),
    Mutant(
        "an array",
        "The share is in an array with one entry.",
        "Return a number: without the brackets.",
        body="return torch.tensor([min(step / length, 1.0) if length else 1.0])",
    ),
    Mutant(
        "the average's warm-up",
        "This is the warm-up of the averaged weights, (1 + step)/(10 + step).",
        "The share is proportional to the step.",
        body="return min(1.0, (1 + step) / (10 + step)) if length else 1.0",
    ),
    Mutant(
        "what is left",
        "The share of the steps that are left is returned as a number of steps.",
        "It is the share of the steps that are done.",
        body="return max(length - step, 0)",
    ),
    Mutant(
        "upside down",
        name="upside down, and 1 at step 0",
        body="return min(length / step, 1.0) if step else 1.0",
    ),
    Mutant(
        "upside down",
        name="upside down, without a guard",
        body="return min(length / step, 1.0)",
    ),
    Mutant(
        "one step too late",
        "The ramp ends one step too late: the step is divided by one more than the length.",
        "At step `length` the share is 1; a length of 0 needs a way of its own.",
        body="return min(step / (length + 1), 1.0)",
    ),
    Mutant(
        "one step too late",
        name="one step too late, with a way for a length of 0",
        body="return min(step / (length + 1), 1.0) if length else 1.0",
    ),
    Mutant(
        "not divided",
        "The step is returned, up to the length: it is not divided by it.",
        "The share lies between 0 and 1.",
        body="return float(min(step, length))",
    ),
    Mutant(
        "not divided",
        name="not divided, with a way for a length of 0",
        body="return float(min(step, length)) if length else 1.0",
    ),
    Mutant(
        "to a whole number",
        "The share is rounded to 0 or 1.",
        "Return the fraction as it is.",
        body="return float(round(min(step / length, 1.0))) if length else 1.0",
    ),
    Mutant(
        "beyond 1",
        name="cut off at 0 alone",
        body="return max(step / length, 0.0) if length else 1.0",
    ),
)

_RAMP_ALTERNATIVES = {
    "if": """
def linear_rampup(step, length):
    if length == 0 or step >= length:
        return 1.0
    return step / length
""",
    "clip": """
def linear_rampup(step, length):
    return float(np.clip(step / length, 0.0, 1.0)) if length > 0 else 1.0
""",
    "smaller of both counts": """
def linear_rampup(step, length):
    return min(step, length) / length if length else 1
""",
    "tensor": """
def linear_rampup(step, length):
    if length == 0:
        return torch.tensor(1.0)
    return torch.clamp(torch.tensor(step / length), max=1.0)
""",
    "interpolated": """
def linear_rampup(step, length):
    return np.interp(step, [0, length], [0.0, 1.0]) if length else 1.0
""",
    "exception": """
def linear_rampup(step, length):
    try:
        return min(1.0, step / length)
    except ZeroDivisionError:
        return 1.0
""",
    "keyword defaults and a helper": """
def clipped(share):
    return sorted([0.0, share, 1.0])[1]

def linear_rampup(step, length=16_384):
    return clipped(step / length) if length != 0 else 1.0
""",
    "clamp of a tensor's number": """
def linear_rampup(step, length):
    return 1.0 if not length else torch.tensor(step / length).clamp(0.0, 1.0).item()
""",
    "conditional expression, both ways": """
def linear_rampup(step, length):
    return step / length if step < length else 1.0
""",
    "maximum of what is left": """
def linear_rampup(step, length):
    left = max(length - step, 0)
    return 1.0 - left / max(length, 1)
""",
}

_RAMP_EQUIVALENTS = (
    Equivalent(
        "1 only after the last step of the ramp",
        "At that step the fraction is 1 as well.",
        body="return 1.0 if not length or step > length else step / length",
    ),
    Equivalent(
        "cut at 0 as well",
        "Steps are counted from 0, so the share is never negative.",
        edits=(("min(step / length, 1.0)", "max(0.0, min(step / length, 1.0))"),),
    ),
)


def _step(share: Callable[[Rng], float]) -> Draw:
    def draw(rng: Rng) -> Inputs:
        length = size(rng, 100, 5000)
        return {"step": round(share(rng) * length), "length": length}

    return draw


def _last_but_one(rng: Rng) -> Inputs:
    length = size(rng, 50, 200)  # so short that one step shows
    return {"step": length - 1, "length": length}


def _without_ramp(rng: Rng) -> Inputs:
    return {"steps": [0, size(rng, 2, 20), size(rng, 21, 5000)]}


_RAMP_HIDDEN = hidden_function(
    {
        "within": ("a step on the way", _step(lambda rng: number(rng, 0.1, 0.9))),
        "another ramp": ("a step early on the way", _step(lambda rng: number(rng, 0.02, 0.1))),
        "first step": ("step 0", _step(lambda rng: 0.0)),
        "one step before": ("the last step before the ramp ends", _last_but_one),
        "last step": ("the step at which the ramp ends", _step(lambda rng: 1.0)),
        "beyond": ("a step after the ramp's end", _step(lambda rng: number(rng, 1.5, 9.0))),
    },
    compiled=False,
) | {"no ramp": Hidden("a length of 0, at step 0 and at later ones", _without_ramp)}

LINEAR_RAMPUP = InstructorExercise(
    "linear_rampup",
    mutants=_RAMP_MUTANTS,
    alternatives=_RAMP_ALTERNATIVES,
    equivalents=_RAMP_EQUIVALENTS,
    hidden=_RAMP_HIDDEN,
)

EXERCISES = (MIXUP, LINEAR_RAMPUP)
