"""What instructors have of ``learning_status``, ``flexible_thresholds`` and ``flexible_mask``."""

from __future__ import annotations

import numpy as np

from autograder.units import InstructorExercise
from autograder.units.draws import number, size
from autograder.units.equivalent import Equivalent
from autograder.units.hidden import Hidden, hidden_function
from autograder.units.mutant import Mutant
from autograder.units.shared import made_on_the_cpu, not_a_tensor
from autograder.units.torch_hidden import also_on_a_gpu, handed_on
from course.checks.case import Inputs
from course.checks.functions import Draw
from course.units.flexmatch.checks import thresholds

Rng = np.random.RandomState

# --- learning_status

_STATUS_MUTANTS = (
    Mutant(
        "images without label counted",
        "The images without a label have an entry of their own, which is one too many.",
        "The result has one entry for each class.",
        body="return torch.bincount(latest + 1, minlength=n_classes + 1)",
    ),
    Mutant(
        "shifted by one",
        "The first entry counts the images without a label, and the last class is left out.",
        "Leave out the entry of −1, not that of the last class.",
        body="return torch.bincount(latest + 1, minlength=n_classes + 1)[:-1]",
    ),
    Mutant(
        "without label as class 0",
        "The images without a label are counted as class 0.",
        "−1 is not counted.",
        body="return torch.bincount(latest.clamp(min=0), minlength=n_classes)",
    ),
    Mutant(
        "without label as last class",
        "The images without a label are counted as the last class: the index −1 is the last position.",
        "−1 is not counted.",
        body="""
            counts = torch.zeros(n_classes, dtype=torch.int64)
            return counts.index_put((latest,), torch.ones_like(latest), accumulate=True)
            """,
    ),
    Mutant(
        "without label as class 1",
        "The images without a label are counted as class 1.",
        "Look for abs(): −1 is not counted.",
        body="return torch.bincount(latest.abs(), minlength=n_classes)",
    ),
    Mutant(
        "sum of the numbers",
        "The numbers of the classes are added up, in place of the images.",
        "Every image with the label counts as 1.",
        body="""
            classes = torch.arange(n_classes, device=latest.device)
            return ((latest[:, None] == classes) * latest[:, None]).sum(dim=0)
            """,
    ),
    Mutant(
        "classes that occur",
        "Classes that no image has are missing from the result.",
        "Their entries are 0.",
        body="return torch.unique(latest[latest >= 0], return_counts=True)[1]",
    ),
    Mutant(
        "ten classes",
        "10 is hard-coded; the number of classes is an argument.",
        "Replace the number with n_classes.",
        body="return torch.bincount(latest + 1, minlength=11)[1:]",
    ),
    Mutant(
        "negative labels",
        "torch.bincount accepts no negative numbers, and û holds −1.",
        "Move all labels up by one, or leave those images out.",
        body="return torch.bincount(latest, minlength=n_classes)",
    ),
    Mutant(
        "each class once",
        "An assignment by index adds 1 to each class once, no matter how often the class occurs.",
        "Repeated positions of an index are not added up by +=.",
        body="""
            counts = torch.zeros(n_classes, dtype=torch.int64)
            counts[latest[latest >= 0]] += 1
            return counts
            """,
        common="Adding 1 with an assignment to a repeated index, which counts each class once.",
    ),
    Mutant(
        "as many as occur",
        "The result ends at the largest class that occurs.",
        "It has n_classes entries, with zeros where nothing was counted.",
        body="return torch.bincount(latest[latest >= 0])",
        common="Forgetting `minlength`. It works as long as the last class occurs.",
    ),
    Mutant(
        "shares",
        "These are shares of all images.",
        "σ(c) is a number of images.",
        body="return torch.bincount(latest + 1, minlength=n_classes + 1)[1:] / len(latest)",
    ),
    Mutant(
        "shares of the labeled",
        "These are shares of the images with a label.",
        "σ(c) is a number of images.",
        body="""
            counts = torch.bincount(latest + 1, minlength=n_classes + 1)[1:]
            return counts / counts.sum()
            """,
    ),
    Mutant(
        "summed up",
        "The counts are cumulative.",
        "Each class has its own number.",
        body="return torch.bincount(latest + 1, minlength=n_classes + 1)[1:].cumsum(dim=0)",
    ),
    Mutant(
        "total",
        "This is one number, over all classes.",
        "The exercise asks for one number per class.",
        body="return (latest >= 0).sum()",
    ),
    Mutant(
        "first images alone",
        "Only the first images are counted, as many as a mini-batch holds.",
        "σ(c) counts all N images.",
        body="return torch.bincount(latest[:8] + 1, minlength=n_classes + 1)[1:]",
        common="Counting the mini-batch. Its few images say little about all N.",
    ),
    Mutant(
        "counts of earlier calls",
        "The counts of earlier calls are added to these.",
        "Count what is in latest now, and keep nothing.",
        body="""
            counts = torch.zeros(100, dtype=torch.int64)
            counts[:n_classes] = torch.bincount(latest + 1, minlength=n_classes + 1)[1:]
            total = globals().setdefault("all_counts", torch.zeros_like(counts))
            total += counts
            return total[:n_classes].clone()
            """,
    ),
    Mutant(
        "asks for each number",
        "The counts are right, but the labels are read one by one: in a loop, a list or a NumPy array.",
        "On a GPU this waits for the device. Count with operations on the whole tensor.",
        body="""
            from collections import Counter

            counter = Counter(latest.tolist())
            return torch.tensor([counter[c] for c in range(n_classes)])
            """,
        common="Making a list of all labels first. The result is right, but on a GPU every step waits for "
        "it.",
    ),
    Mutant(
        "asks for each number",
        name="NumPy",
        body="""
            import numpy as np

            return torch.tensor(np.bincount(latest.cpu().numpy() + 1, minlength=n_classes + 1)[1:])
            """,
    ),
    Mutant(
        "asks for each number",
        name="a loop over û",
        body="""
            counts = torch.zeros(n_classes, dtype=torch.int64)
            for label in latest:
                if label >= 0:
                    counts[label] += 1
            return counts
            """,
    ),
    Mutant(
        "asks for each number",
        name="a loop over positions",
        body="""
            counts = [0] * n_classes
            for i in range(len(latest)):
                if latest[i].item() >= 0:
                    counts[int(latest[i])] += 1
            return torch.tensor(counts)
            """,
    ),
    Mutant(
        "asks for each number",
        name="an array of the labeled",
        body="""
            import numpy as np

            labels = np.asarray(latest)
            return torch.tensor([int((labels == c).sum()) for c in range(n_classes)])
            """,
    ),
    not_a_tensor(
        body="return torch.bincount(latest + 1, minlength=n_classes + 1)[1:].numpy()",
    ),
    made_on_the_cpu(
        body="return (latest[:, None] == torch.arange(n_classes)).sum(dim=0)",
    ),
    Mutant(
        "made on the CPU",
        name="counts left on the CPU",
        body="""
            counts = torch.zeros(n_classes, dtype=torch.int64)
            for c in range(n_classes):
                counts[c] = (latest == c).sum()
            return counts
            """,
        on_gpu_alone=True,
    ),
    Mutant(
        "made on the CPU",
        name="counted into a tensor on the CPU",
        body="""
            counts = torch.zeros(n_classes + 1, dtype=torch.int64)
            return counts.scatter_add(0, latest + 1, torch.ones_like(latest))[1:]
            """,
        on_gpu_alone=True,
    ),
    Mutant(
        "floating-point counts",
        "The counts are right, but they are no whole numbers.",
        "Return what bincount or sum gives, without .float() and without a division.",
        body="return torch.bincount(latest + 1, minlength=n_classes + 1)[1:].float()",
    ),
    Mutant(
        "floating-point counts",
        name="a histogram",
        body="return torch.histc(latest.float(), bins=n_classes + 1, min=-1, max=n_classes)[1:]",
    ),
    Mutant(
        "eight bits",
        "The counts are held in eight bits, which begin again at 0 after 255.",
        "Leave the dtype as torch gives it.",
        body="return torch.bincount(latest + 1, minlength=n_classes + 1)[1:].to(torch.uint8)",
    ),
    Mutant(
        "class 0 left out",
        "The images of class 0 are not counted.",
        "−1 alone is no class: the comparison is with 0, which is one.",
        body="return torch.bincount(latest * (latest > 0) + 1, minlength=n_classes + 1)[1:] * torch.bincount("
        "latest[latest > 0], minlength=n_classes).clamp(max=1)",
    ),
    Mutant(
        "sorted",
        "The counts are sorted, so that nobody knows which class has which.",
        "Entry c belongs to class c.",
        body="return torch.bincount(latest + 1, minlength=n_classes + 1)[1:].sort(descending=True).values",
    ),
    Mutant(
        "beginning at 1",
        "Every count is one too large.",
        "Begin at 0.",
        body="return torch.bincount(latest + 1, minlength=n_classes + 1)[1:] + 1",
    ),
    Mutant(
        "all others",
        "For each class you count the images that do not have it.",
        "Count where the label is c.",
        body="return len(latest) - torch.bincount(latest + 1, minlength=n_classes + 1)[1:]",
    ),
    Mutant(
        "each class once",
        name="whether a class occurs",
        body="return torch.bincount(latest + 1, minlength=n_classes + 1)[1:].clamp(max=1)",
    ),
    Mutant(
        "a list",
        "Your function returns a Python list.",
        "Stay with tensors: what comes next computes with them.",
        body="return torch.bincount(latest + 1, minlength=n_classes + 1)[1:].tolist()",
    ),
    Mutant(
        "û changed in place",
        "û is changed in place, so the caller's labels are different afterwards.",
        "latest += 1 changes the tensor that came in; latest + 1 makes a new one.",
        body="""
            latest += 1
            return torch.bincount(latest, minlength=n_classes + 1)[1:]
            """,
    ),
)

_STATUS_ALTERNATIVES = {
    "labels left out": """
def learning_status(latest, n_classes):
    return torch.bincount(latest[latest >= 0], minlength=n_classes)
""",
    "compared with every class": """
def learning_status(latest, n_classes):
    return (latest[:, None] == torch.arange(n_classes).to(latest.device)).sum(dim=0)
""",
    "scatter_add": """
def learning_status(latest, n_classes):
    counts = latest.new_zeros(n_classes + 1)
    return counts.scatter_add(0, latest + 1, torch.ones_like(latest))[1:]
""",
    "one-hot": """
def learning_status(latest, n_classes):
    return F.one_hot(latest + 1, n_classes + 1)[:, 1:].sum(0)
""",
    "one sum for each class": """
def learning_status(latest, n_classes):
    return torch.stack([(latest == c).sum() for c in range(n_classes)])
""",
    "one number for each class": """
def learning_status(latest, n_classes):
    counts = torch.zeros_like(latest[:1]).repeat(n_classes)
    for c in range(n_classes):
        if (latest == c).any():
            counts[c] = (latest == c).sum().item()
    return counts
""",
    "accumulating assignment": """
def learning_status(latest, n_classes):
    counts = torch.zeros(n_classes, dtype=torch.long, device=latest.device)
    known = latest[latest >= 0]
    return counts.index_put((known,), torch.ones_like(known), accumulate=True)
""",
    "the default device of a block": """
def learning_status(latest, n_classes):
    with torch.device(latest.device):
        return (latest[:, None] == torch.arange(n_classes)).sum(0)
""",
    "a number of the CPU": """
def learning_status(latest, n_classes):
    one = torch.tensor(1)
    return torch.bincount(latest + one, minlength=n_classes + 1)[1:]
""",
    "a histogram, made whole again": """
def learning_status(latest, n_classes):
    return torch.histc(latest.float(), bins=n_classes + 1, min=-1, max=n_classes)[1:].long()
""",
    "searchsorted": """
def learning_status(latest, n_classes):
    ordered = latest.sort().values
    edges = torch.arange(n_classes + 1, device=latest.device)
    return torch.searchsorted(ordered, edges).diff()
""",
    "index_add": """
def learning_status(latest, n_classes):
    known = latest[latest != -1]
    counts = torch.zeros(n_classes, dtype=torch.int64, device=latest.device)
    return counts.index_add(0, known, torch.ones_like(known))
""",
}

_STATUS_EQUIVALENTS = (
    Equivalent(
        "another integer type",
        "Counts of images fit into 32 bits.",
        edits=(("[1:]", "[1:].to(torch.int32)"),),
    ),
)


def _latest(classes: tuple[int, int], without: tuple[int, int], missing: int = 0) -> Draw:
    """û with drawn counts; the last ``missing`` classes do not occur."""

    def draw(rng: Rng) -> Inputs:
        counts = [size(rng, 0, 6) for _ in range(size(rng, *classes))] + [size(rng, 1, 6)]
        inputs = thresholds.draw_latest(counts, size(rng, *without), len(counts) + missing)
        return thresholds.shuffled(inputs, rng)

    return draw


def _many_images(rng: Rng) -> Inputs:
    counts = [size(rng, 260, 500) for _ in range(size(rng, 3, 4))]
    return thresholds.shuffled(thresholds.draw_latest(counts, size(rng, 140, 260)), rng)


_STATUS_HIDDEN = hidden_function(
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

LEARNING_STATUS = InstructorExercise(
    "learning_status",
    mutants=_STATUS_MUTANTS,
    alternatives=_STATUS_ALTERNATIVES,
    equivalents=_STATUS_EQUIVALENTS,
    hidden=handed_on(also_on_a_gpu(_STATUS_HIDDEN)),
)

# --- flexible_thresholds

_THRESHOLDS_MUTANTS = (
    Mutant(
        "no warm-up",
        "You divide by the largest count while more images have no label, so there is no warm-up.",
        "Take the larger of the two numbers.",
        body="""
            beta = counts / counts.max()
            return threshold * beta / (2 - beta)
            """,
        common="Leaving out the warm-up. The first class that gets a label has a threshold of τ right away, "
        "and the run starts with 0/0.",
    ),
    Mutant(
        "warm-up never ends",
        "You divide only by the number of images without a label, which becomes 0.",
        "Take the larger of that number and the largest count.",
        body="""
            beta = counts / (n_unlabeled - counts.sum())
            return threshold * beta / (2 - beta)
            """,
    ),
    Mutant(
        "share of all images",
        "β is the share of all N images, so that no class ever reaches 1.",
        "Divide by the larger of the two numbers in the docstring.",
        body="""
            beta = counts / n_unlabeled
            return threshold * beta / (2 - beta)
            """,
    ),
    Mutant(
        "share of the labeled",
        "The counts are compared with their sum, not with the largest of them.",
        "The most advanced class has β = 1 after the warm-up.",
        body="""
            beta = counts / torch.maximum(counts.sum(), n_unlabeled - counts.sum())
            return threshold * beta / (2 - beta)
            """,
        common="Dividing by the sum of the counts. With ten classes, no threshold would get far above τ/19.",
    ),
    Mutant(
        "least advanced class",
        "The counts are compared with the smallest of them.",
        "The formula has the largest count.",
        body="""
            beta = counts / torch.maximum(counts.min(), n_unlabeled - counts.sum())
            return threshold * beta / (2 - beta)
            """,
    ),
    Mutant(
        "others without label",
        "Images that have the label of another class are treated as having none.",
        "It is N minus the sum of all counts.",
        body="""
            beta = counts / torch.maximum(counts.max(), n_unlabeled - counts.max())
            return threshold * beta / (2 - beta)
            """,
    ),
    Mutant(
        "linear",
        "The threshold is τ · β, without the mapping β / (2 − β).",
        "At β = ½ the threshold has to be a third of τ.",
        body="""
            beta = counts / torch.maximum(counts.max(), n_unlabeled - counts.sum())
            return threshold * beta
            """,
    ),
    Mutant(
        "plus",
        "The mapping has 2 + β in the denominator.",
        "At β = 1 the threshold has to be τ.",
        body="""
            beta = counts / torch.maximum(counts.max(), n_unlabeled - counts.sum())
            return threshold * beta / (2 + beta)
            """,
    ),
    Mutant(
        "concave",
        "The mapping is β · (2 − β), which rises too fast.",
        "It is β / (2 − β).",
        body="""
            beta = counts / torch.maximum(counts.max(), n_unlabeled - counts.sum())
            return threshold * beta * (2 - beta)
            """,
    ),
    Mutant(
        "no τ",
        "The mapping is not multiplied by τ.",
        "At β = 1 the threshold has to be τ.",
        body="""
            beta = counts / torch.maximum(counts.max(), n_unlabeled - counts.sum())
            return beta / (2 - beta)
            """,
    ),
    Mutant(
        "fixed τ",
        "0.95 is hard-coded; τ is an argument.",
        "Replace the number with threshold.",
        body="""
            beta = counts / torch.maximum(counts.max(), n_unlabeled - counts.sum())
            return 0.95 * beta / (2 - beta)
            """,
    ),
    Mutant(
        "upside down",
        "The thresholds are high where the counts are low.",
        "A class that few images have reached gets a low threshold.",
        body="""
            beta = counts / torch.maximum(counts.max(), n_unlabeled - counts.sum())
            return threshold * (1 - beta / (2 - beta))
            """,
    ),
    Mutant(
        "starts at τ",
        "While nothing has a label the thresholds are τ. The tutorial's program starts like that.",
        "At the start all thresholds are 0, and the warm-up lets them rise.",
        body="""
            if counts.sum() == 0:
                return torch.full(counts.shape, threshold)
            beta = counts / torch.maximum(counts.max(), n_unlabeled - counts.sum())
            return threshold * beta / (2 - beta)
            """,
        common="Starting at τ, as the tutorial does. Then it is FixMatch until something is counted.",
    ),
    Mutant(
        "rounded down",
        "β is rounded down to a whole number.",
        "Use /, not //.",
        body="""
            beta = counts // torch.maximum(counts.max(), n_unlabeled - counts.sum())
            return threshold * beta / (2 - beta)
            """,
    ),
    Mutant(
        "one threshold",
        "All classes get the mean threshold.",
        "Each class has its own.",
        body="""
            beta = counts / torch.maximum(counts.max(), n_unlabeled - counts.sum())
            each = threshold * beta / (2 - beta)
            return each.mean().expand(len(each))
            """,
    ),
    Mutant(
        "β itself",
        "You return β; the exercise asks for the thresholds.",
        "Continue with τ_c.",
        body="""
            return counts / torch.maximum(counts.max(), n_unlabeled - counts.sum())
            """,
    ),
    Mutant(
        "the smaller of the two",
        "The counts are divided by the smaller one of the two numbers.",
        "Take the larger of the two.",
        body="""
            beta = counts / torch.minimum(counts.max(), n_unlabeled - counts.sum())
            return threshold * beta / (2 - beta)
            """,
    ),
    not_a_tensor(
        body="""
            import numpy as np

            sigma = np.asarray(counts)
            beta = sigma / max(sigma.max(), n_unlabeled - sigma.sum())
            return threshold * beta / (2 - beta)
            """,
    ),
    made_on_the_cpu(
        body="""
            sigma = [int(n) for n in counts]
            most = max(max(sigma), n_unlabeled - sum(sigma))
            return torch.tensor([threshold * (n / most) / (2 - n / most) for n in sigma])
            """,
    ),
    Mutant(
        "sum of both",
        "The counts are divided by the sum of the two numbers.",
        "Take the larger of the two.",
        body="""
            beta = counts / (counts.max() + n_unlabeled - counts.sum())
            return threshold * beta / (2 - beta)
            """,
    ),
    Mutant(
        "labeled images in the warm-up",
        "The counts are divided by the number of images with a label.",
        "Take the larger of the largest count and the number of images without a label.",
        body="""
            beta = counts / torch.maximum(counts.max(), counts.sum()).clamp(min=1)
            return threshold * beta / (2 - beta)
            """,
    ),
    Mutant(
        "one more",
        "One is added to the number that the counts are divided by.",
        "The larger of the two numbers is above 0 as it is.",
        body="""
            beta = counts / (torch.maximum(counts.max(), n_unlabeled - counts.sum()) + 1)
            return threshold * beta / (2 - beta)
            """,
    ),
    Mutant(
        "one more",
        name="a small number more",
        body="""
            beta = counts / (torch.maximum(counts.max(), n_unlabeled - counts.sum()) + 0.01)
            return threshold * beta / (2 - beta)
            """,
    ),
    Mutant(
        "others without label",
        name="entry by entry",
        body="""
            beta = counts / torch.maximum(counts, n_unlabeled - counts)
            return threshold * beta / (2 - beta)
            """,
    ),
    Mutant(
        "parentheses missing",
        name="parentheses around the mapping alone",
        body="""
            beta = counts / torch.maximum(counts.max(), n_unlabeled - counts.sum())
            return threshold * (beta / 2 - beta)
            """,
    ),
    Mutant(
        "classes in place of images",
        "The number of classes with a label is subtracted from N, in place of the number of images.",
        "It is N minus the sum of all counts.",
        body="""
            beta = counts / torch.maximum(counts.max(), n_unlabeled - (counts > 0).sum())
            return threshold * beta / (2 - beta)
            """,
    ),
    Mutant(
        "mean class",
        "The counts are compared with the mean of them, so some thresholds are above τ.",
        "The formula has the largest count.",
        body="""
            beta = counts / torch.maximum(counts.float().mean(), n_unlabeled - counts.sum())
            return threshold * beta / (2 - beta)
            """,
    ),
    Mutant(
        "parentheses missing",
        "Parentheses are missing: the division by 2 comes before the subtraction of β.",
        "The denominator is 2 − β.",
        body="""
            beta = counts / torch.maximum(counts.max(), n_unlabeled - counts.sum())
            return threshold * beta / 2 - beta
            """,
    ),
    Mutant(
        "one minus β",
        "The mapping has 1 − β in the denominator, which is 0 for the most advanced class.",
        "It is 2 − β.",
        body="""
            beta = counts / torch.maximum(counts.max(), n_unlabeled - counts.sum())
            return threshold * beta / (1 - beta)
            """,
    ),
    Mutant(
        "quadratic",
        "The mapping is β².",
        "It is β / (2 − β).",
        body="""
            beta = counts / torch.maximum(counts.max(), n_unlabeled - counts.sum())
            return threshold * beta**2
            """,
    ),
    Mutant(
        "inverse mapping",
        "The mapping is upside down: (2 − β) / β.",
        "It is β / (2 − β).",
        body="""
            beta = counts / torch.maximum(counts.max(), n_unlabeled - counts.sum())
            return threshold * (2 - beta) / beta
            """,
    ),
    Mutant(
        "τ within",
        "τ is multiplied in before the mapping.",
        "It multiplies what the mapping gives.",
        body="""
            beta = threshold * counts / torch.maximum(counts.max(), n_unlabeled - counts.sum())
            return beta / (2 - beta)
            """,
    ),
    Mutant(
        "mapped twice",
        "The mapping is applied twice.",
        "Once is enough.",
        body="""
            beta = counts / torch.maximum(counts.max(), n_unlabeled - counts.sum())
            beta = beta / (2 - beta)
            return threshold * beta / (2 - beta)
            """,
    ),
    Mutant(
        "never below 1/C",
        "No threshold is allowed to fall below 1/C.",
        "At the start all are 0: that is the warm-up.",
        body="""
            beta = counts / torch.maximum(counts.max(), n_unlabeled - counts.sum())
            return (threshold * beta / (2 - beta)).clamp(min=1 / len(counts))
            """,
    ),
    Mutant(
        "class without label",
        "There is one entry too many, for the images without a label.",
        "The result has an entry for each class.",
        body="""
            all_counts = torch.cat([(n_unlabeled - counts.sum())[None], counts])
            beta = all_counts / all_counts.max()
            return threshold * beta / (2 - beta)
            """,
    ),
    Mutant(
        "one more in the warm-up",
        "The number of images without a label is one too large.",
        "It is N minus the sum of all counts.",
        body="""
            beta = counts / torch.maximum(counts.max(), n_unlabeled - counts.sum() + 1)
            return threshold * beta / (2 - beta)
            """,
    ),
    Mutant(
        "counts changed in place",
        "The counts are changed in place; the caller may still need them.",
        "Methods with a trailing underscore change a tensor.",
        body="""
            most = torch.maximum(counts.max(), n_unlabeled - counts.sum())
            counts.add_(1)
            beta = (counts - 1) / most
            return threshold * beta / (2 - beta)
            """,
    ),
    Mutant(
        "a list",
        "Your function returns a Python list.",
        "Stay with tensors: the mask indexes the thresholds with one, which a list does not allow.",
        body="""
            beta = counts / torch.maximum(counts.max(), n_unlabeled - counts.sum())
            return (threshold * beta / (2 - beta)).tolist()
            """,
    ),
    Mutant(
        "share of all images",
        name="N in place of those without a label",
        body="""
            beta = counts / max(int(counts.max()), n_unlabeled)
            return threshold * beta / (2 - beta)
            """,
    ),
    Mutant(
        "no warm-up",
        name="the largest count, at least 1",
        body="""
            beta = counts / counts.max().clamp(min=1)
            return threshold * beta / (2 - beta)
            """,
    ),
    Mutant(
        "warm-up never ends",
        name="the number without a label, at least 1",
        body="""
            beta = counts / (n_unlabeled - counts.sum()).clamp(min=1)
            return threshold * beta / (2 - beta)
            """,
    ),
)

_THRESHOLDS_ALTERNATIVES = {
    "max of Python numbers": """
def flexible_thresholds(counts, n_unlabeled, threshold):
    beta = counts / max(int(counts.max()), n_unlabeled - int(counts.sum()))
    return threshold * (beta / (2 - beta))
""",
    "convex mapping in a helper": """
def convex(x):
    return x / (2.0 - x)

def flexible_thresholds(counts, n_unlabeled, threshold):
    rest = n_unlabeled - torch.sum(counts)
    return convex(counts.float() / torch.max(rest, counts.max())) * threshold
""",
    "clamp": """
def flexible_thresholds(counts, n_unlabeled, threshold):
    most = counts.max().clamp(min=n_unlabeled - counts.sum())
    beta = counts.double() / most
    return threshold * beta / (2 - beta)
""",
    "all numbers in one tensor": """
def flexible_thresholds(counts, n_unlabeled, threshold):
    everything = torch.cat([(n_unlabeled - counts.sum()).reshape(1), counts])
    beta = counts / everything.max()
    return beta.mul(threshold).div(2 - beta)
""",
    "without a fraction in a fraction": """
def flexible_thresholds(counts, n_unlabeled, threshold):
    most = torch.maximum(counts.max(), n_unlabeled - counts.sum())
    return threshold * counts / (2 * most - counts)
""",
    "class by class": """
def flexible_thresholds(counts, n_unlabeled, threshold):
    sigma = [int(n) for n in counts]
    most = max(max(sigma), n_unlabeled - sum(sigma))
    return torch.tensor([threshold * (n / most) / (2 - n / most) for n in sigma], device=counts.device)
""",
    "a tensor of τ, of like device": """
def flexible_thresholds(counts, n_unlabeled, threshold):
    tau = torch.full_like(counts, threshold, dtype=torch.get_default_dtype())
    rest = torch.tensor(n_unlabeled).to(counts) - counts.sum()
    beta = counts / torch.stack([counts.max(), rest]).max()
    return tau * beta / (2 - beta)
""",
    "amax and where": """
def flexible_thresholds(counts, n_unlabeled, threshold):
    rest = torch.as_tensor(n_unlabeled) - counts.sum()
    most = torch.where(rest > counts.amax(), rest, counts.amax())
    beta = torch.true_divide(counts, most)
    return threshold * beta / torch.sub(2, beta)
""",
    "clipped from below, in floats": """
def flexible_thresholds(counts, n_unlabeled, threshold):
    sigma = counts.to(torch.get_default_dtype())
    denominator = torch.clamp(sigma.max(), min=float(n_unlabeled - sigma.sum()))
    beta = sigma / denominator
    return threshold * beta / (2.0 - beta)
""",
    "maximum over a row of two": """
def flexible_thresholds(counts, n_unlabeled, threshold):
    without = (n_unlabeled - counts.sum()).unsqueeze(0)
    beta = counts / torch.cat([counts.amax().unsqueeze(0), without]).amax()
    return (beta / (2 - beta)) * threshold
""",
}

_THRESHOLDS_EQUIVALENTS = (
    Equivalent(
        "β limited to 1",
        "No count exceeds the largest, so β is never above 1.",
        edits=(("return threshold", "beta = beta.clamp(max=1)\n    return threshold"),),
    ),
    Equivalent(
        "limited to τ",
        "The mapping takes [0, 1] to [0, 1], so no threshold is above τ.",
        edits=(
            (
                "return threshold * beta / (2 - beta)",
                "return (threshold * beta / (2 - beta)).clamp(max=threshold)",
            ),
        ),
    ),
)


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


_THRESHOLDS_HIDDEN = hidden_function(
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

FLEXIBLE_THRESHOLDS = InstructorExercise(
    "flexible_thresholds",
    mutants=_THRESHOLDS_MUTANTS,
    alternatives=_THRESHOLDS_ALTERNATIVES,
    equivalents=_THRESHOLDS_EQUIVALENTS,
    hidden=handed_on(also_on_a_gpu(_THRESHOLDS_HIDDEN)),
)

# --- flexible_mask

_MASKS_MUTANTS = (
    Mutant(
        "probability of another image",
        "Probabilities are indexed by class: image i is judged by image number pseudo_labels[i].",
        "confidence has one entry for each image, in the order of the images.",
        body="return confidence[pseudo_labels] >= thresholds[pseudo_labels]",
        common="Indexing both by class, which is the bug.",
    ),
    Mutant(
        "threshold of the position",
        "The thresholds are taken in the order of the images, not by class.",
        "thresholds has one entry for each class.",
        body="""
            return confidence >= thresholds[torch.arange(len(confidence)) % len(thresholds)]
            """,
    ),
    Mutant(
        "strictly above",
        "A probability equal to the threshold is left out: you use > where ≥ is meant.",
        "An image counts when its probability reaches the threshold.",
        body="return confidence > thresholds[pseudo_labels]",
        common="Comparing with > where ≥ is meant. At thresholds of 0 nobody notices.",
    ),
    Mutant(
        "thresholds of no class",
        "The thresholds are compared as they are: one per class, beside one probability per image.",
        "Which of the thresholds belongs to an image? pseudo_labels says it for each of them.",
        body="return confidence >= thresholds",
    ),
    Mutant(
        "below",
        "The mask is inverted.",
        "Keep the probabilities that reach the threshold.",
        body="return confidence < thresholds[pseudo_labels]",
    ),
    Mutant(
        "below",
        name="at most the threshold",
        body="return confidence <= thresholds[pseudo_labels]",
    ),
    Mutant(
        "a little below",
        "Probabilities that are a little below their threshold count as well.",
        "Look for a rounding and for a small number beside the threshold: neither belongs there.",
        body="return confidence >= thresholds[pseudo_labels] - 0.001",
    ),
    Mutant(
        "a little below",
        name="rounded",
        body="return confidence.round(decimals=2) >= thresholds[pseudo_labels].round(decimals=2)",
    ),
    Mutant(
        "a little below",
        name="close to it",
        body="""
            own = thresholds[pseudo_labels]
            return (confidence > own) | torch.isclose(confidence, own, rtol=1e-3)
            """,
    ),
    Mutant(
        "threshold of the first image",
        "All images are compared with the threshold that belongs to the first one.",
        "Each image has the threshold of its own class.",
        body="return confidence >= thresholds[pseudo_labels[0]]",
    ),
    Mutant(
        "mean threshold",
        "All images are compared with the mean of the thresholds.",
        "Each image has the threshold of its own class.",
        body="return confidence >= thresholds.mean()",
    ),
    Mutant(
        "largest threshold",
        "All images are compared with the largest threshold.",
        "Each image has the threshold of its own class.",
        body="return confidence >= thresholds.max()",
    ),
    Mutant(
        "smallest threshold",
        "All images are compared with the smallest threshold.",
        "Each image has the threshold of its own class.",
        body="return confidence >= thresholds.min()",
    ),
    Mutant(
        "every class",
        "Each image is compared with the thresholds of all classes.",
        "The exercise asks for one answer per image.",
        body="return confidence[:, None] >= thresholds",
    ),
    Mutant(
        "class numbers compared",
        "The class numbers are compared with the thresholds.",
        "Compare the probabilities.",
        body="return pseudo_labels >= thresholds[pseudo_labels]",
    ),
    Mutant(
        "positions",
        "The positions of the images that count are returned.",
        "A mask has an entry for each image: true or false.",
        body="return (confidence >= thresholds[pseudo_labels]).nonzero().squeeze(dim=-1)",
    ),
    Mutant(
        "probabilities of those that count",
        "The probabilities are returned where the images count, and 0 elsewhere.",
        "Return true or false for each image.",
        body="""
            return torch.where(confidence >= thresholds[pseudo_labels], confidence, 0.0)
            """,
    ),
    Mutant(
        "only those that count",
        "The result has entries only for the images that count.",
        "A mask has an entry for each image.",
        body="return confidence[confidence >= thresholds[pseudo_labels]]",
    ),
    Mutant(
        "whole classes",
        "All images of a class count when one of them does.",
        "Each image is judged by its own probability.",
        body="""
            counts = confidence >= thresholds[pseudo_labels]
            same = pseudo_labels[:, None] == pseudo_labels
            return (same & counts).any(dim=-1)
            """,
    ),
    Mutant(
        "probability of another image",
        name="the tutorial's loop",
        body="""
            return torch.stack([confidence[c] >= thresholds[c] for c in pseudo_labels])
            """,
    ),
    not_a_tensor(
        body="return (confidence >= thresholds[pseudo_labels]).numpy()",
    ),
    Mutant(
        "numbers for truth values",
        "The mask holds numbers: an index or & treats 1 and 0 differently from true and false.",
        "A comparison gives truth values: return what >= gives, without .float(), .int() or .long().",
        body="return (confidence >= thresholds[pseudo_labels]).float()",
    ),
    made_on_the_cpu(
        body="return torch.tensor([bool(p >= thresholds[c]) for p, c in zip(confidence, pseudo_labels)])",
    ),
    Mutant(
        "numbers for truth values",
        name="whole numbers for truth values",
        body="return torch.where(confidence >= thresholds[pseudo_labels], 1, 0)",
    ),
    Mutant(
        "fixed threshold",
        "All images are compared with 0.95.",
        "Each image has the threshold of its own class.",
        body="return confidence >= 0.95",
    ),
    Mutant(
        "threshold of the class before",
        "Each image is compared with the threshold of the class before its own.",
        "Class c has thresholds[c].",
        body="return confidence >= thresholds[pseudo_labels - 1]",
    ),
    Mutant(
        "difference",
        "The difference between probability and threshold is returned.",
        "Compare: the answer is true or false.",
        body="return confidence - thresholds[pseudo_labels]",
    ),
    Mutant(
        "all or none",
        "The result is one answer for all images together.",
        "Each image has its own.",
        body="return (confidence >= thresholds[pseudo_labels]).all()",
    ),
    Mutant(
        "equal alone",
        "Only probabilities equal to the threshold count.",
        "An image counts when its probability reaches the threshold.",
        body="return confidence == thresholds[pseudo_labels]",
    ),
    Mutant(
        "any threshold",
        "An image counts when it reaches the threshold of any class in the batch.",
        "Each image has the threshold of its own class.",
        body="return confidence >= thresholds[pseudo_labels].min()",
    ),
    Mutant(
        "largest of the batch",
        "All images are compared with the largest threshold of the classes in the batch.",
        "Each image has the threshold of its own class.",
        body="return confidence >= thresholds[pseudo_labels].max()",
    ),
    Mutant(
        "product",
        "Probabilities are multiplied by the thresholds.",
        "Compare the two.",
        body="return confidence * thresholds[pseudo_labels] >= 0.5",
    ),
    Mutant(
        "a list",
        "Your function returns a Python list.",
        "A mask is a tensor: return what >= gives.",
        body="return (confidence >= thresholds[pseudo_labels]).tolist()",
    ),
    Mutant(
        "sorted thresholds",
        "The thresholds are sorted first, so that a class gets another one's.",
        "Class c has thresholds[c].",
        body="return confidence >= thresholds.sort().values[pseudo_labels]",
    ),
    Mutant(
        "below",
        name="exchanged sides",
        body="return thresholds[pseudo_labels] > confidence",
    ),
)

_MASKS_ALTERNATIVES = {
    "gather": """
def flexible_mask(confidence, pseudo_labels, thresholds):
    return confidence.ge(thresholds.gather(0, pseudo_labels))
""",
    "index_select": """
def flexible_mask(confidence, pseudo_labels, thresholds):
    own = torch.index_select(thresholds, dim=0, index=pseudo_labels)
    return ~(confidence < own)
""",
    "difference": """
def flexible_mask(confidence, pseudo_labels, thresholds):
    return (confidence - thresholds[pseudo_labels]) >= 0
""",
    "one-hot": """
def flexible_mask(confidence, pseudo_labels, thresholds):
    own = (F.one_hot(pseudo_labels, len(thresholds)) * thresholds).sum(dim=1)
    return torch.greater_equal(confidence, own)
""",
    "image by image": """
def flexible_mask(confidence, pseudo_labels, thresholds):
    mask = [bool(p >= thresholds[c]) for p, c in zip(confidence, pseudo_labels)]
    return torch.tensor(mask, device=confidence.device)
""",
    "filled in class by class": """
def flexible_mask(confidence, pseudo_labels, thresholds):
    mask = torch.empty(len(confidence), dtype=torch.bool, device=thresholds.device)
    for c, limit in enumerate(thresholds):
        mask[pseudo_labels == c] = confidence[pseudo_labels == c] >= limit
    return mask
""",
    "positions of the CPU": """
def flexible_mask(confidence, pseudo_labels, thresholds):
    order = torch.arange(len(confidence) - 1, -1, -1)
    return (confidence[order] >= thresholds[pseudo_labels[order]])[order]
""",
    "take": """
def flexible_mask(confidence, pseudo_labels, thresholds):
    return torch.take(thresholds, pseudo_labels) <= confidence
""",
    "embedding": """
def flexible_mask(confidence, pseudo_labels, thresholds):
    return confidence >= F.embedding(pseudo_labels, thresholds[:, None])[:, 0]
""",
    "table of all comparisons": """
def flexible_mask(confidence, pseudo_labels, thresholds):
    table = confidence.unsqueeze(1) >= thresholds.unsqueeze(0)
    return table.gather(1, pseudo_labels.unsqueeze(1)).squeeze(1)
""",
}

_MASKS_EQUIVALENTS = (
    Equivalent(
        "both sides doubled",
        "A positive factor on both sides of a comparison cancels.",
        edits=(
            ("confidence >= thresholds[pseudo_labels]", "2 * confidence >= 2 * thresholds[pseudo_labels]"),
        ),
    ),
)


def _eighths(rng: Rng) -> Inputs:
    """Some probabilities meet their threshold exactly; eighths have no rounding."""
    n, classes = size(rng, 5, 9), size(rng, 3, 4)
    limits = rng.permutation(np.arange(1, 7))[:classes] / 8
    labels_ = rng.permutation(np.arange(n) % classes)
    steps = rng.permutation(np.arange(n) % 3) - 1
    confidence = limits[labels_] + steps / 8
    return {"confidence": confidence, "pseudo_labels": labels_, "thresholds": limits}


def _near(rng: Rng) -> Inputs:
    """Probabilities that are no eighths, beside thresholds that are."""
    limits = rng.permutation(np.arange(1, 7))[: size(rng, 3, 4)] / 8
    return thresholds.near_the_thresholds(rng.permutation(np.arange(size(rng, 5, 9)) % len(limits)), limits)


def _no_threshold(rng: Rng) -> Inputs:
    inputs = thresholds.draw_mask_inputs(rng, size(rng, 5, 9), size(rng, 3, 5))
    return inputs | {"thresholds": np.zeros(len(inputs["thresholds"]))}


_MASKS_HIDDEN = hidden_function(
    {
        "more images than classes": (
            "more images than classes",
            lambda rng: thresholds.draw_mask_inputs(rng, size(rng, 10, 16), size(rng, 3, 6)),
        ),
        "at the threshold": ("probabilities that are exactly the threshold of their class", _eighths),
        "thresholds of 0": ("all thresholds are 0", _no_threshold),
        "near the threshold": ("probabilities just below and just above a threshold", _near),
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

FLEXIBLE_MASK = InstructorExercise(
    "flexible_mask",
    mutants=_MASKS_MUTANTS,
    alternatives=_MASKS_ALTERNATIVES,
    equivalents=_MASKS_EQUIVALENTS,
    hidden=handed_on(also_on_a_gpu(_MASKS_HIDDEN)),
)

EXERCISES = (LEARNING_STATUS, FLEXIBLE_THRESHOLDS, FLEXIBLE_MASK)
