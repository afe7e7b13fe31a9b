"""Mutants of the unit ``mixmatch``. The faults of the tutorial that the unit comes from are among them."""

from __future__ import annotations

from autograder.units.mutant import Mutant, with_bodies, with_edits

_SHARPEN = with_bodies(
    "sharpen",
    {
        "not divided by the sum": "return probabilities ** (1 / T)",
        "power of T": """
            powers = probabilities**T
            return powers / powers.sum(dim=-1, keepdim=True)
            """,
        "divided by T": "return probabilities / T",
        "softmax of the probabilities": "return torch.softmax(probabilities / T, dim=-1)",
        "over the batch": """
            powers = probabilities ** (1 / T)
            return powers / powers.sum(dim=0, keepdim=True)
            """,
        "over everything": """
            powers = probabilities ** (1 / T)
            return powers / powers.sum()
            """,
        "all to one class": """
            top = probabilities.argmax(dim=-1)
            return F.one_hot(top, probabilities.shape[-1]).to(probabilities.dtype)
            """,
        "fixed temperature": """
            powers = probabilities**2
            return powers / powers.sum(dim=-1, keepdim=True)
            """,
        "unchanged": "return probabilities",
        "divided by the length": """
            powers = probabilities ** (1 / T)
            return powers / powers.norm(dim=-1, keepdim=True)
            """,
        "divided by the largest": """
            powers = probabilities ** (1 / T)
            return powers / powers.amax(dim=-1, keepdim=True)
            """,
        "squeezed": """
            powers = probabilities ** (1 / T)
            return (powers / powers.sum(dim=-1, keepdim=True)).squeeze()
            """,
        "in place": """
            probabilities.pow_(1 / T)
            return probabilities / probabilities.sum(dim=-1, keepdim=True)
            """,
    },
)

_UNDER = "with torch.no_grad(), frozen_statistics(model):"
_LOGITS = "logits = model(views.flatten(0, 1))"
_SOFTMAX = "torch.softmax(logits, dim=-1)"
_VIEWS = "unflatten(0, views.shape[:2])"
_MEAN = "sharpen(probabilities.mean(dim=0), T)"

_GUESS = (
    *with_edits(
        "guess_labels",
        {
            "mean of the logits": (
                (
                    f"probabilities = {_SOFTMAX}.{_VIEWS}",
                    f"probabilities = torch.softmax(logits.{_VIEWS}.mean(dim=0, keepdim=True), dim=-1)",
                ),
            ),
            "sharpened before the mean": ((_MEAN, "sharpen(probabilities, T).mean(dim=0)"),),
            "not sharpened": ((_MEAN, "probabilities.mean(dim=0)"),),
            "first view alone": ((_MEAN, "sharpen(probabilities[0], T)"),),
            "largest over the views": ((_MEAN, "sharpen(probabilities.amax(dim=0), T)"),),
            "mean over the images": ((_MEAN, "sharpen(probabilities.mean(dim=1), T)"),),
            "images mixed up": (
                (_VIEWS, "unflatten(0, views.shape[:2][::-1])"),
                (_MEAN, "sharpen(probabilities.mean(dim=1), T)"),
            ),
            "one guess for each view": ((_MEAN, "sharpen(probabilities.flatten(0, 1), T)"),),
            "no softmax": ((_SOFTMAX, "logits"),),
            "softmax over the images": ((_SOFTMAX, "torch.softmax(logits, dim=0)"),),
            "hard labels": (
                (
                    f"return {_MEAN}",
                    "top = probabilities.mean(dim=0).argmax(dim=-1)\n"
                    "        return F.one_hot(top, logits.shape[-1]).to(logits.dtype)",
                ),
            ),
            "fixed temperature": ((_MEAN, "sharpen(probabilities.mean(dim=0), 0.5)"),),
            "statistics counted": ((_UNDER, "with torch.no_grad():"),),
            "statistics stay frozen": (
                (
                    _UNDER,
                    "for module in model.modules():\n"
                    '        if hasattr(module, "track_running_stats"):\n'
                    "            module.track_running_stats = False\n"
                    "    with torch.no_grad():",
                ),
            ),
            "gradient flows": ((_UNDER, "with frozen_statistics(model):"),),
            "evaluation mode": (
                (_LOGITS, "model.eval()\n        logits = model(views.flatten(0, 1))\n        model.train()"),
            ),
            "left in evaluation mode": ((_LOGITS, f"model.eval()\n        {_LOGITS}"),),
            "view by view": ((_LOGITS, "logits = torch.cat([model(view) for view in views])"),),
            "squeezed": ((_MEAN, "sharpen(probabilities.mean(dim=0), T).squeeze()"),),
        },
    ),
    Mutant(
        "guess_labels",
        "gradient flows",
        edits=((_UNDER, "with torch.enable_grad(), frozen_statistics(model):"),),
        name="no_grad forgotten around the forward pass",
    ),
)

_MIXUP = (
    *with_bodies(
        "mixup",
        {
            "one λ for all": """
            share = torch.maximum(lam, 1 - lam)[0]
            return share * x_a + (1 - share) * x_b, share * targets_a + (1 - share) * targets_b
            """,
            "no maximum": """
            share, wide = lam[:, None], lam[:, None, None, None]
            return wide * x_a + (1 - wide) * x_b, share * targets_a + (1 - share) * targets_b
            """,
            "closer to b": """
            lam = torch.minimum(lam, 1 - lam)
            share, wide = lam[:, None], lam[:, None, None, None]
            return wide * x_a + (1 - wide) * x_b, share * targets_a + (1 - share) * targets_b
            """,
            "targets not mixed": """
            wide = torch.maximum(lam, 1 - lam)[:, None, None, None]
            return wide * x_a + (1 - wide) * x_b, targets_a
            """,
            "images not mixed": """
            share = torch.maximum(lam, 1 - lam)[:, None]
            return x_a, share * targets_a + (1 - share) * targets_b
            """,
            "targets the other way round": """
            lam = torch.maximum(lam, 1 - lam)
            share, wide = lam[:, None], lam[:, None, None, None]
            return wide * x_a + (1 - wide) * x_b, (1 - share) * targets_a + share * targets_b
            """,
            "maximum for the images alone": """
            share, wide = lam[:, None], torch.maximum(lam, 1 - lam)[:, None, None, None]
            return wide * x_a + (1 - wide) * x_b, share * targets_a + (1 - share) * targets_b
            """,
            "maximum for the targets alone": """
            share, wide = torch.maximum(lam, 1 - lam)[:, None], lam[:, None, None, None]
            return wide * x_a + (1 - wide) * x_b, share * targets_a + (1 - share) * targets_b
            """,
            "half and half": "return (x_a + x_b) / 2, (targets_a + targets_b) / 2",
            "along the columns": """
            lam = torch.maximum(lam, 1 - lam)
            return lam * x_a + (1 - lam) * x_b, lam * targets_a + (1 - lam) * targets_b
            """,
            "images along the columns": """
            lam = torch.maximum(lam, 1 - lam)[:, None]
            return lam * x_a + (1 - lam) * x_b, lam * targets_a + (1 - lam) * targets_b
            """,
            "hard targets": """
            lam = torch.maximum(lam, 1 - lam)
            share, wide = lam[:, None], lam[:, None, None, None]
            targets = share * targets_a + (1 - share) * targets_b
            hard = F.one_hot(targets.argmax(dim=-1), targets.shape[-1]).to(targets.dtype)
            return wide * x_a + (1 - wide) * x_b, hard
            """,
            "shares do not sum to 1": """
            lam = torch.maximum(lam, 1 - lam)
            share, wide = lam[:, None], lam[:, None, None, None]
            return wide * x_a + wide * x_b, share * targets_a + share * targets_b
            """,
            "exchanged results": """
            lam = torch.maximum(lam, 1 - lam)
            share, wide = lam[:, None], lam[:, None, None, None]
            return share * targets_a + (1 - share) * targets_b, wide * x_a + (1 - wide) * x_b
            """,
            "targets missing": """
            wide = torch.maximum(lam, 1 - lam)[:, None, None, None]
            return wide * x_a + (1 - wide) * x_b
            """,
            "in place": """
            lam = torch.maximum(lam, 1 - lam)
            share, wide = lam[:, None], lam[:, None, None, None]
            x_a *= wide
            x_a += (1 - wide) * x_b
            return x_a, share * targets_a + (1 - share) * targets_b
            """,
        },
    ),
    Mutant(
        "mixup",
        "closer to b",
        body="""
            lam = torch.maximum(lam, 1 - lam)
            share, wide = lam[:, None], lam[:, None, None, None]
            return wide * x_b + (1 - wide) * x_a, share * targets_b + (1 - share) * targets_a
            """,
        name="a and b exchanged",
    ),
)

_RAMP = with_bodies(
    "linear_rampup",
    {
        "beyond 1": "return step / length if length else 1.0",
        "falling": "return 1.0 - min(step / length, 1.0) if length else 1.0",
        "no rise": "return 1.0",
        "whole division": "return min(step // length, 1) if length else 1.0",
        "upside down": "return min(length / max(step, 1), 1.0) if length else 1.0",
        "one step ahead": "return min((step + 1) / length, 1.0) if length else 1.0",
        "fixed length": "return min(step / 16_384, 1.0)",
        "division by zero": "return min(step / length, 1.0)",
        "no ramp, no loss": "return min(step / length, 1.0) if length else 0.0",
        "sigmoid": """
            import math

            return math.exp(-5 * (1 - min(step / length, 1.0)) ** 2) if length else 1.0
            """,
        "times λ_u": "return 75 * min(step / length, 1.0) if length else 75.0",
        "percent": "return 100 * min(step / length, 1.0) if length else 100.0",
    },
)

_GUESSES = "guesses = guess_labels(model, views, hparams.T)"
_PREDICTED = "torch.softmax(model(views.flatten(0, 1)), dim=-1).unflatten(0, views.shape[:2]).mean(dim=0)"
_MIXED = 'x, targets = mixup(x, x[order], targets, targets[order], batch["lam"])'
_FORWARD = "logits = model(x)"
_SUPERVISED = "F.cross_entropy(logits[:n_labeled], targets[:n_labeled])"
_UNSUPERVISED = "F.mse_loss(torch.softmax(logits[n_labeled:], dim=-1), targets[n_labeled:])"
_WEIGHT = 'weight = hparams.lambda_u * linear_rampup(batch["step"], hparams.rampup_length)'
_TOTAL = "total = supervised + weight * unsupervised"
_ERROR = '(guesses.argmax(dim=-1) != batch["y_unlabeled"]).float().mean()'
_ONE_HOT = 'F.one_hot(batch["y_labeled"], hparams.n_classes)'
_REPEATED = "guesses.repeat(len(views), 1)"
_RETURN = "return total, state, metrics"


def _unsupervised(replacement: str) -> tuple[tuple[str, str], ...]:
    return ((_UNSUPERVISED, replacement),)


_SQUARES = "(torch.softmax(logits[n_labeled:], dim=-1) - targets[n_labeled:]) ** 2"

_LOSS = with_edits(
    "mixmatch_loss",
    {
        "gradient through the guesses": (
            (
                _GUESSES,
                f"with frozen_statistics(model):\n        guesses = sharpen({_PREDICTED}, hparams.T)",
            ),
        ),
        "statistics counted twice": (
            (_GUESSES, f"with torch.no_grad():\n        guesses = sharpen({_PREDICTED}, hparams.T)"),
        ),
        "passes of their own": (
            (_FORWARD, "logits = torch.cat([model(x[:n_labeled]), model(x[n_labeled:])])"),
        ),
        "guess in evaluation mode": ((_GUESSES, f"model.eval()\n    {_GUESSES}\n    model.train()"),),
        "no λ_u": ((_WEIGHT, _WEIGHT.replace("hparams.lambda_u * ", "")),),
        "no ramp": ((_WEIGHT, "weight = hparams.lambda_u"),),
        "ramp on both": ((_TOTAL, "total = weight * (supervised + unsupervised)"),),
        "weight in the metric": (
            (_TOTAL, "unsupervised = weight * unsupervised\n    total = supervised + unsupervised"),
        ),
        "ramp as the weight": (
            ('"unlabeled weight": weight,', '"unlabeled weight": weight / hparams.lambda_u,'),
        ),
        "summed over the classes": _unsupervised(f"({_SQUARES}).sum(dim=-1).mean()"),
        "summed over the samples": _unsupervised(f"({_SQUARES}).mean(dim=-1).sum()"),
        "summed over both": _unsupervised(f"({_SQUARES}).sum()"),
        "root of the square": _unsupervised(f"torch.sqrt(({_SQUARES}).mean())"),
        "absolute difference": _unsupervised(_UNSUPERVISED.replace("mse_loss", "l1_loss")),
        "divided by the images": _unsupervised(f"({_SQUARES}).mean(dim=-1).sum() / len(guesses)"),
        "cross-entropy for the unlabeled": _unsupervised(
            "F.cross_entropy(logits[n_labeled:], targets[n_labeled:])"
        ),
        "squared logits": _unsupervised("F.mse_loss(logits[n_labeled:], targets[n_labeled:])"),
        "squared error for the labeled": (
            (_SUPERVISED, "F.mse_loss(torch.softmax(logits[:n_labeled], dim=-1), targets[:n_labeled])"),
        ),
        "hard guesses": (
            (
                _GUESSES,
                f"{_GUESSES}\n    guesses = F.one_hot(guesses.argmax(-1), hparams.n_classes).to(guesses)",
            ),
        ),
        "not sharpened": ((_GUESSES, _GUESSES.replace("hparams.T", "1.0")),),
        "guesses in another order": ((_REPEATED, "guesses.repeat_interleave(len(views), dim=0)"),),
        "targets not mixed": ((_MIXED, _MIXED.replace("x, targets =", "x, _ =")),),
        "images not mixed": ((_MIXED, _MIXED.replace("x, targets =", "_, targets =")),),
        "nothing mixed": ((_MIXED, ""),),
        "mixed among their kind": (
            (
                _MIXED,
                "order = torch.cat([order[order < n_labeled], order[order >= n_labeled]])\n    " + _MIXED,
            ),
        ),
        "one λ for all": ((_MIXED, _MIXED.replace('batch["lam"]', 'batch["lam"][:1].repeat(len(x))')),),
        "true labels": (
            (
                _REPEATED,
                'F.one_hot(batch["y_unlabeled"], hparams.n_classes).to(guesses.dtype).repeat(len(views), 1)',
            ),
        ),
        "split in the wrong place": (
            (_SUPERVISED, _SUPERVISED.replace("n_labeled", "views.shape[1]")),
            (_UNSUPERVISED, _UNSUPERVISED.replace("n_labeled", "views.shape[1]")),
        ),
        "supervised loss over all": ((_SUPERVISED, "F.cross_entropy(logits, targets)"),),
        "unsupervised loss over all": _unsupervised("F.mse_loss(torch.softmax(logits, dim=-1), targets)"),
        "no supervised loss": ((_TOTAL, "total = weight * unsupervised"),),
        "no unsupervised loss": ((_TOTAL, "total = supervised"),),
        "weight decay added": (
            (
                _TOTAL,
                "decay = sum((w**2).sum() for w in model.parameters() if w.ndim > 1)\n"
                "    total = supervised + weight * unsupervised + hparams.weight_decay / 2 * decay",
            ),
        ),
        "accuracy": ((_ERROR, _ERROR.replace("!=", "==")),),
        "error of the mixed samples": (
            (
                _ERROR,
                '(logits[n_labeled:].argmax(-1) != batch["y_unlabeled"].repeat(len(views))).float().mean()',
            ),
        ),
        "error of the labeled": (
            (_ERROR, '(logits[:n_labeled].argmax(-1) != batch["y_labeled"]).float().mean()'),
        ),
        "no gradient from the unlabeled": _unsupervised(
            _UNSUPERVISED.replace("logits[n_labeled:]", "logits[n_labeled:].detach()")
        ),
        "no gradient from the labeled": (
            (_SUPERVISED, _SUPERVISED.replace("logits[:n_labeled]", "logits[:n_labeled].detach()")),
        ),
        "log of softmax": (
            (
                _SUPERVISED,
                "-(targets[:n_labeled] * torch.log(torch.softmax(logits[:n_labeled], -1))).sum(-1).mean()",
            ),
        ),
        "classes of CIFAR-10": (
            ('F.one_hot(batch["y_labeled"], hparams.n_classes)', 'F.one_hot(batch["y_labeled"], 10)'),
        ),
        "two views": ((_REPEATED, "guesses.repeat(2, 1)"),),
        "one loss for each sample": (
            (
                _TOTAL,
                "each = F.cross_entropy(logits[:n_labeled], targets[:n_labeled], reduction='none')\n"
                "    total = each + weight * unsupervised",
            ),
        ),
        "renamed metric": (('"error rate":', '"error_rate":'),),
        "no metrics": ((_RETURN, "return total, state"),),
        "state dropped": ((_RETURN, "return total, {}, metrics"),),
        "guesses of the first batch": (
            (
                _GUESSES,
                f"{_GUESSES}\n"
                '    guesses = model.__dict__.setdefault("first_guesses", guesses)\n'
                "    guesses = torch.cat([guesses, guesses])[: views.shape[1]]",
            ),
        ),
    },
)

_LOSS += (
    Mutant(
        "mixmatch_loss",
        "targets not mixed",
        edits=((_MIXED, _MIXED.replace("targets[order]", "targets")),),
        name="targets mixed with themselves",
    ),
)

_AVERAGED = "average.mul_(keep).add_(weight, alpha=1 - keep)"
_KEEP = "min(decay, (1 + step) / (10 + step))"
_PARAMETERS = "for average, weight in zip(ema_model.parameters(), model.parameters(), strict=True):"
_BUFFERS = "for buffer, current in zip(ema_model.buffers(), model.buffers(), strict=True):"
_COPIED = "buffer.copy_(current)"

_EMA = (
    *with_edits(
        "ema_update",
        {
            "keep on the new weight": ((_AVERAGED, "average.mul_(1 - keep).add_(weight, alpha=keep)"),),
            "no warm-up": ((_KEEP, "decay"),),
            "larger of the two": ((_KEEP, _KEEP.replace("min", "max")),),
            "warm-up alone": ((_KEEP, "(1 + step) / (10 + step)"),),
            "without the ones": ((_KEEP, "min(decay, step / (10 + step))"),),
            "buffers averaged": (
                (
                    _COPIED,
                    "if buffer.is_floating_point():\n"
                    "            buffer.mul_(keep).add_(current, alpha=1 - keep)\n"
                    "        else:\n"
                    "            buffer.copy_(current)",
                ),
            ),
            "buffers forgotten": ((_COPIED, "pass"),),
            "copied": ((_AVERAGED, "average.copy_(weight)"),),
            "not in place": ((_AVERAGED, "average = keep * average + (1 - keep) * weight"),),
            "model averaged too": ((_AVERAGED, f"{_AVERAGED}\n        weight.copy_(average)"),),
            "model shrinks": ((_AVERAGED, f"{_AVERAGED}\n        weight.mul_(1 - 0.02 * 0.002)"),),
            "wrong direction": ((_AVERAGED, "weight.mul_(1 - keep).add_(average, alpha=keep)"),),
            "shared buffers": ((_COPIED, "buffer.set_(current)"),),
            "gradient recorded": ((_AVERAGED, f"with torch.enable_grad():\n            {_AVERAGED}"),),
            "fixed decay": ((_KEEP, _KEEP.replace("decay", "0.999")),),
            "kernels alone": ((_AVERAGED, f"if weight.ndim > 1:\n            {_AVERAGED}"),),
        },
    ),
    Mutant(
        "ema_update",
        "all entries averaged",
        body="""
            keep = min(decay, (1 + step) / (10 + step))
            for average, entry in zip(ema_model.state_dict().values(), model.state_dict().values()):
                average.mul_(keep).add_(entry, alpha=1 - keep)
            """,
    ),
    Mutant(
        "ema_update",
        "float entries averaged",
        body="""
            keep = min(decay, (1 + step) / (10 + step))
            for average, entry in zip(ema_model.state_dict().values(), model.state_dict().values()):
                if average.is_floating_point():
                    average.mul_(keep).add_(entry, alpha=1 - keep)
            """,
    ),
    Mutant(
        "ema_update",
        "no warm-up",
        edits=((_KEEP, "min(decay, (10 + step) / (1 + step))"),),
        name="warm-up upside down",
    ),
    Mutant(
        "ema_update",
        "gradient recorded",
        edits=((_AVERAGED, f"{_AVERAGED}\n        average.requires_grad_(True)"),),
        name="averages that ask for a gradient",
    ),
    Mutant(
        "ema_update",
        "gradient recorded",
        body="""
            keep = min(decay, (1 + step) / (10 + step))
            for ours, theirs in zip(ema_model.modules(), model.modules()):
                for name, weight in theirs.named_parameters(recurse=False):
                    average = keep * getattr(ours, name) + (1 - keep) * weight
                    setattr(ours, name, torch.nn.Parameter(average))
                for name, buffer in theirs.named_buffers(recurse=False):
                    getattr(ours, name).copy_(buffer)
            """,
        name="new parameters in place of the old",
    ),
)

# Of each exercise one that fails on a GPU alone.
_LOST = (
    Mutant(
        "guess_labels",
        "made on the CPU",
        edits=(
            (
                f"return {_MEAN}",
                "total = torch.zeros(probabilities.shape[1:])\n"
                "        for one in probabilities:\n"
                "            total = total + one\n"
                "        return sharpen(total / len(views), T)",
            ),
        ),
        on_gpu_alone=True,
    ),
    Mutant(
        "mixup",
        "made on the CPU",
        body="""
            share = torch.maximum(lam, torch.ones(len(lam)) - lam)[:, None]
            wide = share[..., None, None]
            return wide * x_a + (1 - wide) * x_b, share * targets_a + (1 - share) * targets_b
            """,
        on_gpu_alone=True,
    ),
    Mutant(
        "mixmatch_loss",
        "made on the CPU",
        edits=((_ONE_HOT, 'torch.eye(hparams.n_classes)[batch["y_labeled"]]'),),
        on_gpu_alone=True,
    ),
)

# The right values, of a type that the next step does not take.
_OTHER_TYPES = (
    Mutant(
        "sharpen",
        "not a tensor",
        body="""
            import numpy as np

            powers = np.asarray(probabilities) ** (1 / T)
            return powers / powers.sum(axis=-1, keepdims=True)
            """,
    ),
    Mutant(
        "guess_labels",
        "not a tensor",
        edits=(
            (
                "return sharpen(probabilities.mean(dim=0), T)",
                "return sharpen(probabilities.mean(dim=0), T).numpy()",
            ),
        ),
    ),
    Mutant(
        "mixup",
        "not a tensor",
        edits=(("(1 - lam) * x_b, targets", "(1 - lam) * x_b, targets.numpy()"),),
    ),
    Mutant(
        "mixup",
        "not a tensor",
        edits=(("lam * x_a + (1 - lam) * x_b", "(lam * x_a + (1 - lam) * x_b).numpy()"),),
        name="images that are no tensor",
    ),
)

MUTANTS = (*_SHARPEN, *_GUESS, *_MIXUP, *_RAMP, *_LOSS, *_EMA, *_LOST, *_OTHER_TYPES)
