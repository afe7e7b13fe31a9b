"""What instructors have of ``ema_update``."""

from __future__ import annotations

from autograder.units import InstructorExercise
from autograder.units.draws import number, size
from autograder.units.equivalent import Equivalent
from autograder.units.hidden import Hidden
from autograder.units.mixmatch.common import Sizes
from autograder.units.mutant import Mutant
from autograder.units.shared import OTHER_DTYPE, leaves_behind
from course.checks.case import Inputs
from course.checks.functions import Draw
from course.checks.left_behind import DTYPE, HOOK, PRECISION, SETTING
from course.units.mixmatch.checks import average
from course.units.mixmatch.checks.common import Rng

_AVERAGED = "average.mul_(keep).add_(weight, alpha=1 - keep)"
_KEEP = "min(decay, (1 + step) / (10 + step))"
_COPIED = "buffer.copy_(current)"

_MUTANTS = (
    Mutant(
        "keep on the new weight",
        "keep and 1 − keep are swapped: the new weight gets the large share.",
        "keep multiplies the average.",
        edits=((_AVERAGED, "average.mul_(1 - keep).add_(weight, alpha=keep)"),),
    ),
    Mutant(
        "larger of the two",
        "keep is the larger of decay and (1 + step)/(10 + step).",
        "Take the smaller one.",
        edits=((_KEEP, _KEEP.replace("min", "max")),),
    ),
    Mutant(
        "warm-up alone",
        "keep is (1 + step)/(10 + step) no matter how late: in the end nothing new enters the average.",
        "keep is never larger than decay.",
        edits=((_KEEP, "(1 + step) / (10 + step)"),),
    ),
    Mutant(
        "without the ones",
        "keep is step/(10 + step).",
        "It is (1 + step)/(10 + step).",
        edits=((_KEEP, "min(decay, step / (10 + step))"),),
    ),
    Mutant(
        "buffers averaged",
        "BatchNorm's statistics are averaged like weights, but they already are running averages.",
        "Average the parameters, and copy the buffers.",
        edits=(
            (
                _COPIED,
                "if buffer.is_floating_point():\n"
                "            buffer.mul_(keep).add_(current, alpha=1 - keep)\n"
                "        else:\n"
                "            buffer.copy_(current)",
            ),
        ),
        common="Averaging BatchNorm's statistics once more, so that they lag behind the weights they belong "
        "to. Or forgetting them, so that the averaged network is evaluated with those of an untrained one.",
    ),
    Mutant(
        "buffers forgotten",
        "BatchNorm's buffers stay as they were, and the averaged model is evaluated with them.",
        "Copy the buffers as well.",
        edits=((_COPIED, "pass"),),
    ),
    Mutant(
        "all entries averaged",
        "Every entry of the state is averaged, even the integer that counts batches.",
        "Average the parameters, and copy the buffers.",
        body="""
            keep = min(decay, (1 + step) / (10 + step))
            for average, entry in zip(ema_model.state_dict().values(), model.state_dict().values()):
                average.mul_(keep).add_(entry, alpha=1 - keep)
            """,
    ),
    Mutant(
        "float entries averaged",
        "Every floating-point entry of the state is averaged, BatchNorm's running statistics among them.",
        "Average the parameters, and copy all buffers.",
        body="""
            keep = min(decay, (1 + step) / (10 + step))
            for average, entry in zip(ema_model.state_dict().values(), model.state_dict().values()):
                if average.is_floating_point():
                    average.mul_(keep).add_(entry, alpha=1 - keep)
            """,
    ),
    Mutant(
        "copied",
        "The averaged model becomes a copy of the trained one.",
        "Weights are averaged, and only the buffers copied; with // the share that is kept would be 0.",
        edits=((_AVERAGED, "average.copy_(weight)"),),
    ),
    Mutant(
        "not in place",
        "The averaged weights do not change: the new values do not reach the model.",
        "Write into every weight, with a method whose name ends in an underscore, even without a gradient.",
        edits=((_AVERAGED, "average = keep * average + (1 - keep) * weight"),),
        common="Assigning the new value to a name instead of writing it into the tensor. The averaged "
        "network then never moves.",
    ),
    Mutant(
        "not in place",
        name="weights without a gradient are left out",
        edits=((_AVERAGED, f"if average.requires_grad:\n            {_AVERAGED}"),),
    ),
    Mutant(
        "copied",
        name="a whole number to keep",
        edits=((_KEEP, "min(decay, (1 + step) // (10 + step))"),),
    ),
    Mutant(
        "a copy at first",
        "At step 0 the averaged model becomes a copy of the trained one.",
        "At step 0 a tenth of the average is kept, as the formula says.",
        edits=((_KEEP, f"(0 if step == 0 else {_KEEP})"),),
    ),
    Mutant(
        "power of the decay",
        "keep is the decay to the power of the step.",
        "keep is the smaller of decay and (1 + step)/(10 + step).",
        edits=((_KEEP, "decay**step"),),
    ),
    Mutant(
        "not shrunk",
        "The new weight is added, but the average is not multiplied by keep first.",
        "Both shares count: keep of the average, 1 − keep of the weight.",
        edits=((_AVERAGED, "average.add_(weight, alpha=1 - keep)"),),
    ),
    Mutant(
        "no warm-up",
        "keep is the decay from the start: the first weights stay in the average for thousands of steps.",
        "keep is the smaller of decay and (1 + step)/(10 + step).",
        edits=((_KEEP, "decay"),),
        common="Starting at 0.999. A short run is then evaluated with weights from its own beginning.",
    ),
    Mutant(
        "model averaged too",
        "The trained model is changed as well; it has to keep its own weights.",
        "Change only ema_model.",
        edits=((_AVERAGED, f"{_AVERAGED}\n        weight.copy_(average)"),),
    ),
    Mutant(
        "model shrinks",
        "The trained model's weights shrink. That is the optimizer's job, and for kernels only.",
        "Change only ema_model.",
        edits=((_AVERAGED, f"{_AVERAGED}\n        weight.mul_(1 - 0.02 * 0.002)"),),
    ),
    Mutant(
        "wrong direction",
        "The trained model moves toward the average, and the average stays put.",
        "Change only ema_model.",
        edits=((_AVERAGED, "weight.mul_(1 - keep).add_(average, alpha=keep)"),),
    ),
    Mutant(
        "shared buffers",
        "The averaged model shares the trained model's tensors: training one changes both.",
        "Copy the numbers, with copy_.",
        edits=((_COPIED, "buffer.set_(current)"),),
    ),
    Mutant(
        "gradient recorded",
        "The update is recorded for a backward pass that never comes, and memory grows with every step.",
        "Update under torch.no_grad(), and leave requires_grad as it was.",
        edits=((_AVERAGED, f"with torch.enable_grad():\n            {_AVERAGED}"),),
    ),
    Mutant(
        "fixed decay",
        "0.999 is hard-coded.",
        "Use the argument decay.",
        edits=((_KEEP, _KEEP.replace("decay", "0.999")),),
    ),
    Mutant(
        "kernels alone",
        "Only tensors with two axes or more are averaged; biases and BatchNorm's scales are left out.",
        "All parameters are averaged.",
        edits=((_AVERAGED, f"if weight.ndim > 1:\n            {_AVERAGED}"),),
    ),
    Mutant(
        "no warm-up",
        name="warm-up upside down",
        edits=((_KEEP, "min(decay, (10 + step) / (1 + step))"),),
    ),
    Mutant(
        "gradient recorded",
        name="averages that ask for a gradient",
        edits=((_AVERAGED, f"{_AVERAGED}\n        average.requires_grad_(True)"),),
    ),
    Mutant(
        "gradient recorded",
        name="new parameters in place of the old",
        body="""
            keep = min(decay, (1 + step) / (10 + step))
            for ours, theirs in zip(ema_model.modules(), model.modules()):
                for name, weight in theirs.named_parameters(recurse=False):
                    average = keep * getattr(ours, name) + (1 - keep) * weight
                    setattr(ours, name, torch.nn.Parameter(average))
                for name, buffer in theirs.named_buffers(recurse=False):
                    getattr(ours, name).copy_(buffer)
            """,
    ),
    Mutant(
        "one step ahead",
        "The step is counted one too far: keep is (2 + step)/(11 + step).",
        "step is the number of updates before this one.",
        edits=((_KEEP, "min(decay, (2 + step) / (11 + step))"),),
    ),
    Mutant(
        "decay times warm-up",
        "keep is the product of decay and (1 + step)/(10 + step).",
        "It is the smaller one of the two.",
        edits=((_KEEP, "decay * (1 + step) / (10 + step)"),),
    ),
    Mutant(
        "one minus decay",
        "keep is bounded by 1 − decay.",
        "It is bounded by decay, which is near 1.",
        edits=((_KEEP, _KEEP.replace("decay", "1 - decay")),),
    ),
    Mutant(
        "half and half",
        "Average and weight count half each.",
        "Their shares are keep and 1 − keep.",
        edits=((_AVERAGED, "average.add_(weight).mul_(0.5)"),),
    ),
    Mutant(
        "shares do not sum to 1",
        "The weight is added whole, so the shares do not sum to 1.",
        "The weight's share is 1 − keep.",
        edits=((_AVERAGED, "average.mul_(keep).add_(weight)"),),
    ),
    Mutant(
        "nothing kept at first",
        "In the first ten steps nothing of the average is kept.",
        "keep begins at a tenth and rises.",
        edits=((_KEEP, "min(decay, (1 + step) / (10 + step)) if step > 10 else 0.0"),),
    ),
    Mutant(
        "warm-up in percent of the decay",
        "keep is decay · step/10 until step 10.",
        "keep is the smaller one of decay and (1 + step)/(10 + step).",
        edits=((_KEEP, "decay * min(1.0, step / 10)"),),
    ),
    Mutant(
        "vectors copied",
        "Biases and BatchNorm's scale and shift are copied, not averaged.",
        "All parameters are averaged.",
        edits=(
            (
                _AVERAGED,
                f"if weight.ndim > 1:\n            {_AVERAGED}\n"
                "        else:\n            average.copy_(weight)",
            ),
        ),
    ),
    Mutant(
        "first layer alone",
        "Only the first layer is averaged.",
        "parameters() of the whole model gives all of them.",
        edits=(
            (
                "zip(ema_model.parameters(), model.parameters(), strict=True)",
                "zip(list(ema_model.parameters())[:2], model.parameters())",
            ),
        ),
    ),
    Mutant(
        "count forgotten",
        "The number of batches that BatchNorm has counted is not copied.",
        "All buffers are copied, the whole numbers too.",
        edits=((_COPIED, "if buffer.is_floating_point():\n            buffer.copy_(current)"),),
    ),
    Mutant(
        "count alone",
        "Of the buffers only the number of batches is copied.",
        "Running means and variances are buffers too.",
        edits=((_COPIED, "if not buffer.is_floating_point():\n            buffer.copy_(current)"),),
    ),
    Mutant(
        "count averaged",
        "All buffers are averaged, even the number of batches, which is cut to a whole number.",
        "Average the parameters, and copy the buffers.",
        edits=((_COPIED, "buffer.copy_(keep * buffer + (1 - keep) * current)"),),
    ),
    Mutant(
        "count averaged",
        name="the whole state averaged and loaded",
        body="""
            keep = min(decay, (1 + step) / (10 + step))
            new = model.state_dict()
            old = ema_model.state_dict()
            ema_model.load_state_dict({k: keep * old[k] + (1 - keep) * new[k] for k in old})
            """,
    ),
    Mutant(
        "buffers added up",
        "BatchNorm's buffers are added to those of the average.",
        "They are copied.",
        edits=((_COPIED, "buffer.add_(current)"),),
    ),
    Mutant(
        "buffers the other way",
        "The trained model's buffers are overwritten with those of the average.",
        "Copy into ema_model.",
        edits=((_COPIED, "current.copy_(buffer)"),),
    ),
    Mutant(
        "shared weights",
        "The averaged model takes over the trained model's weights: training one changes both.",
        "Compute with the numbers, and leave each model its own tensors.",
        edits=((_AVERAGED, "average.data = weight.data"),),
    ),
    Mutant(
        "a copy is updated",
        "A copy of the averaged model is changed, and then forgotten.",
        "Change ema_model itself: an assignment to its name reaches nobody.",
        edits=(
            (
                f"keep = {_KEEP}",
                f"import copy\n\n    ema_model = copy.deepcopy(ema_model)\n    keep = {_KEEP}",
            ),
        ),
    ),
    Mutant(
        "average of the average",
        "The update is done twice.",
        "Once for each step.",
        edits=((_AVERAGED, f"{_AVERAGED}\n        {_AVERAGED}"),),
    ),
    Mutant(
        "weights alone",
        "Parameters named weight are averaged; those named bias stay as they were.",
        "All parameters are averaged.",
        body="""
            keep = min(decay, (1 + step) / (10 + step))
            weights = dict(model.named_parameters())
            for name, average in ema_model.named_parameters():
                if name.endswith("weight"):
                    average.mul_(keep).add_(weights[name], alpha=1 - keep)
            for buffer, current in zip(ema_model.buffers(), model.buffers(), strict=True):
                buffer.copy_(current)
            """,
    ),
    Mutant(
        "keep on the new weight",
        name="lerp with the wrong share",
        edits=((_AVERAGED, "average.lerp_(weight, keep)"),),
    ),
    Mutant(
        "shared buffers",
        name="data of the buffers taken over",
        edits=((_COPIED, "buffer.data = current.data"),),
    ),
    Mutant(
        "buffers forgotten",
        name="parameters in another way, and no buffers",
        body="""
            keep = min(decay, (1 + step) / (10 + step))
            for average, weight in zip(ema_model.parameters(), model.parameters(), strict=True):
                average.copy_(keep * average + (1 - keep) * weight)
            """,
    ),
    Mutant(
        "leaves the trained model in evaluation mode",
        "The trained model is in evaluation mode afterwards.",
        "Leave its mode alone: it is trained on.",
        edits=((f"keep = {_KEEP}", f"model.eval()\n    keep = {_KEEP}"),),
    ),
    Mutant(
        "leaves the trained model frozen",
        "The trained model's weights need no gradient afterwards, so they learn no more.",
        "Only the averages need none, and these have been made so.",
        edits=((_AVERAGED, f"weight.requires_grad_(False)\n        {_AVERAGED}"),),
    ),
    leaves_behind(
        SETTING,
        edits=(
            (
                f"keep = {_KEEP}",
                f'for module in model.modules():\n        if hasattr(module, "momentum"):\n'
                f"            module.momentum = 0.0\n    keep = {_KEEP}",
            ),
        ),
    ),
    leaves_behind(
        DTYPE,
        edits=((f"keep = {_KEEP}", f"torch.set_default_dtype(torch.float16)\n    keep = {_KEEP}"),),
    ),
    leaves_behind(
        HOOK,
        edits=((_AVERAGED, f"{_AVERAGED}\n        weight.register_hook(lambda gradient: gradient)"),),
    ),
    leaves_behind(
        PRECISION,
        edits=(
            (
                f"keep = {_KEEP}",
                f"x = next(ema_model.parameters())\n    ema_model.to({OTHER_DTYPE})\n    keep = {_KEEP}",
            ),
        ),
    ),
)

_ALTERNATIVES = {
    "lerp": """
@torch.no_grad()
def ema_update(ema_model, model, step, decay):
    keep = min(decay, (1 + step) / (10 + step))
    for a, w in zip(ema_model.parameters(), model.parameters()):
        a.lerp_(w, 1 - keep)
    for b, c in zip(ema_model.buffers(), model.buffers()):
        b.copy_(c)
""",
    "state dict": """
@torch.no_grad()
def ema_update(ema_model, model, step, decay):
    keep = min(decay, (1 + step) / (10 + step))
    new = dict(model.state_dict())
    for name, weight in model.named_parameters():
        new[name] = keep * ema_model.state_dict()[name] + (1 - keep) * weight
    ema_model.load_state_dict(new)
""",
    "names": """
@torch.no_grad()
def ema_update(ema_model, model, step, decay):
    keep = (1 + step) / (10 + step)
    if keep > decay:
        keep = decay
    weights, buffers = dict(model.named_parameters()), dict(model.named_buffers())
    for name, average in ema_model.named_parameters():
        average.copy_(keep * average + (1 - keep) * weights[name])
    for name, buffer in ema_model.named_buffers():
        buffer.copy_(buffers[name])
""",
    "data": """
def ema_update(ema_model, model, step, decay):
    keep = min(decay, (1 + step) / (10 + step))
    for average, weight in zip(ema_model.parameters(), model.parameters()):
        average.data = average.data * keep + weight.data * (1 - keep)
    for average, current in zip(ema_model.buffers(), model.buffers()):
        average.data = current.data.clone()
""",
    "difference added": """
@torch.no_grad()
def ema_update(ema_model, model, step, decay):
    share = max(1 - decay, 9 / (10 + step))
    for average, weight in zip(ema_model.parameters(), model.parameters(), strict=True):
        average += share * (weight - average)
    for buffer, current in zip(ema_model.buffers(), model.buffers(), strict=True):
        buffer[...] = current
    return ema_model
""",
    "module by module": """
@torch.no_grad()
def ema_update(ema_model, model, step, decay):
    keep = min(decay, (1 + step) / (10 + step))
    for ours, theirs in zip(ema_model.modules(), model.modules()):
        for name, weight in theirs.named_parameters(recurse=False):
            getattr(ours, name).mul_(keep).add_((1 - keep) * weight)
        for name, buffer in theirs.named_buffers(recurse=False):
            getattr(ours, name).copy_(buffer)
""",
    "foreach": """
@torch.no_grad()
def ema_update(ema_model, model, step, decay):
    keep = min(decay, (1 + step) / (10 + step))
    averages, weights = list(ema_model.parameters()), list(model.parameters())
    torch._foreach_mul_(averages, keep)
    torch._foreach_add_(averages, weights, alpha=1 - keep)
    for buffer, current in zip(ema_model.buffers(), model.buffers()):
        buffer.fill_(0).add_(current)
""",
    "numbers through NumPy": """
def ema_update(ema_model, model, step, decay):
    keep = float(np.minimum(decay, (1 + step) / (10 + step)))
    with torch.no_grad():
        for a, w in zip(ema_model.parameters(), model.parameters()):
            a.copy_(torch.as_tensor(keep * a.numpy() + (1 - keep) * w.detach().numpy()))
        for a, b in zip(ema_model.buffers(), model.buffers()):
            a.copy_(b)
""",
    "detached weights, without a decorator": """
def ema_update(ema_model, model, step, decay):
    ramp = (1.0 + step) / (10.0 + step)
    keep = decay if decay < ramp else ramp
    for a, w in zip(ema_model.parameters(), model.parameters()):
        a.sub_((1 - keep) * (a - w.detach()))
    for a, b in zip(ema_model.buffers(), model.buffers()):
        a.data.copy_(b.data)
""",
    "loaded, buffers first": """
@torch.no_grad()
def ema_update(ema_model, model, step, decay):
    keep = min(decay, (1 + step) / (10 + step))
    averages = {n: a.clone() for n, a in ema_model.named_parameters()}
    ema_model.load_state_dict(model.state_dict())
    for n, a in ema_model.named_parameters():
        a.mul_(1 - keep).add_(averages[n], alpha=keep)
""",
}

_EQUIVALENTS = (
    Equivalent(
        "shares swapped along with their factors",
        "The sum has two terms, and it does not matter which is written first.",
        edits=(
            (
                "average.mul_(keep).add_(weight, alpha=1 - keep)",
                "average.copy_((1 - keep) * weight + keep * average)",
            ),
        ),
    ),
)


def _nets(step: Sizes, decay: tuple[float, float], *, norm: bool = True) -> Draw:
    def draw(rng: Rng) -> Inputs:
        share = number(rng, *decay, 4)
        return average.two_nets(size(rng, *step), share, norm=norm, classes=size(rng, 3, 6))(rng)

    return draw


_HIDDEN = {
    "by hand": Hidden("a small network at step 0", _nets((0, 0), (0.99, 0.999), norm=False)),
    "warm-up": Hidden("a step of the warm-up", _nets((4, 40), (0.99, 0.999))),
    "late": Hidden("a step at which the decay is the smaller one", _nets((20_000, 90_000), (0.95, 0.99))),
    "another decay": Hidden("another decay", _nets((60, 90), (0.5, 0.8))),
    "without BatchNorm": Hidden("a network that has no buffers", _nets((1, 9), (0.99, 0.999), norm=False)),
    "two updates": Hidden("two updates, with training in between", _nets((3, 9), (0.85, 0.95))),
}

EMA_UPDATE = InstructorExercise(
    "ema_update",
    mutants=_MUTANTS,
    alternatives=_ALTERNATIVES,
    equivalents=_EQUIVALENTS,
    hidden=_HIDDEN,
)

EXERCISES = (EMA_UPDATE,)
