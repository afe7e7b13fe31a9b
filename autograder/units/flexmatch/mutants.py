"""Mutants of the unit ``flexmatch``. The tutorial's own mistakes are among them."""

from __future__ import annotations

from autograder.units.mutant import Mutant, with_bodies, with_edits

Edits = tuple[tuple[str, str], ...]


_PASS = "labeled, weak, strong = model(torch.cat(parts)).split([len(part) for part in parts])"
_SOFTMAX = "torch.softmax(weak.detach() / hparams.T, dim=-1)"
_MASK = "mask = confidence >= hparams.threshold"
_SELECT = "mask, state = select(confidence, pseudo_labels)"
_PER_IMAGE = 'F.cross_entropy(strong, pseudo_labels, reduction="none")'
_MASKED = "(mask * per_image).mean()"
_SUPERVISED = 'F.cross_entropy(labeled, batch["y_labeled"])'
_TOTAL = "total = supervised + hparams.lambda_u * unsupervised + weight_decay"
_RATE = '"mask rate": mask.float().mean()'
_ERROR = '(pseudo_labels != batch["y_unlabeled"]).float().mean()'
_RETURN = "return total, state, metrics"
_MANUAL = "weak.detach() / hparams.T)"

_FIXMATCH = with_edits(
    "fixmatch_loss",
    {
        "views exchanged": (("labeled, weak, strong = model", "labeled, strong, weak = model"),),
        "strong view decides": (("weak.detach() / hparams.T", "strong.detach() / hparams.T"),),
        "weak view learns": ((_PER_IMAGE, _PER_IMAGE.replace("strong", "weak")),),
        "no mask": ((_MASKED, "per_image.mean()"),),
        "inverted mask": ((_MASK, _MASK.replace(">=", "<")),),
        "mean over the confident": ((_MASKED, "(mask * per_image).sum() / mask.sum()"),),
        "averaged before masking": ((_MASKED, "mask.float().mean() * per_image.mean()"),),
        "strictly above": ((_MASK, _MASK.replace(">=", ">")),),
        "fixed threshold": ((_MASK, "mask = confidence >= 0.95"),),
        "logits compared with threshold": ((_SOFTMAX, "weak.detach() / hparams.T"),),
        "no temperature": (("weak.detach() / hparams.T", "weak.detach()"),),
        "temperature multiplied": (("weak.detach() / hparams.T", "weak.detach() * hparams.T"),),
        "temperature on the strong view": ((_PER_IMAGE, _PER_IMAGE.replace("strong", "strong / hparams.T")),),
        "no lambda": ((_TOTAL, "total = supervised + unsupervised + weight_decay"),),
        "lambda on all": ((_TOTAL, "total = hparams.lambda_u * (supervised + unsupervised) + weight_decay"),),
        "lambda in the metric": (
            (_MASKED, f"hparams.lambda_u * {_MASKED}"),
            (_TOTAL, "total = supervised + unsupervised + weight_decay"),
        ),
        "no weight decay": ((_TOTAL, "total = supervised + hparams.lambda_u * unsupervised"),),
        "no supervised loss": ((_TOTAL, "total = hparams.lambda_u * unsupervised + weight_decay"),),
        "soft pseudo-labels": ((_PER_IMAGE, _PER_IMAGE.replace("pseudo_labels", "probabilities")),),
        "true labels": ((_PER_IMAGE, _PER_IMAGE.replace("pseudo_labels", 'batch["y_unlabeled"]')),),
        "labels ignored": ((_SUPERVISED, "F.cross_entropy(labeled, labeled.argmax(dim=-1))"),),
        "supervised sum": ((_SUPERVISED, 'F.cross_entropy(labeled, batch["y_labeled"], reduction="sum")'),),
        "unsupervised sum": ((_MASKED, "(mask * per_image).sum()"),),
        "divided by B": ((_MASKED, '(mask * per_image).sum() / len(batch["y_labeled"])'),),
        "accuracy": ((_ERROR, _ERROR.replace("!=", "==")),),
        "error of the confident": (
            (_ERROR, '(mask & (pseudo_labels != batch["y_unlabeled"])).float().mean()'),
        ),
        "error of the labeled": ((_ERROR, '(labeled.argmax(dim=-1) != batch["y_labeled"]).float().mean()'),),
        "mask count": ((_RATE, '"mask rate": mask.float().sum()'),),
        "mean confidence": ((_RATE, '"mask rate": confidence.mean()'),),
        "three passes": ((_PASS, "labeled, weak, strong = [model(part) for part in parts]"),),
        "weak views apart": (
            (
                _PASS,
                "weak = model(parts[1]).detach()\n"
                "    others = model(torch.cat([parts[0], parts[2]]))\n"
                "    labeled, strong = others.split([len(parts[0]), len(weak)])",
            ),
        ),
        "evaluation mode": ((_PASS, f"model.eval()\n    {_PASS}"),),
        "equal thirds": ((".split([len(part) for part in parts])", ".chunk(3)"),),
        "softmax twice": ((_PER_IMAGE, _PER_IMAGE.replace("strong", "torch.softmax(strong, dim=-1)")),),
        "overflow": (
            (
                f"probabilities = {_SOFTMAX}",
                f"powers = torch.exp({_MANUAL}\n"
                "    probabilities = powers / powers.sum(dim=-1, keepdim=True)",
            ),
        ),
        "no gradient from the strong view": ((_PER_IMAGE, _PER_IMAGE.replace("strong", "strong.detach()")),),
        "no gradient from the labeled": (
            (_SUPERVISED, 'F.cross_entropy(labeled.detach(), batch["y_labeled"])'),
        ),
        "no gradient from the decay": ((_TOTAL, _TOTAL.replace("weight_decay", "weight_decay.detach()")),),
        "rule ignored": (("if select is None:", "if True:"),),
        "state of the rule lost": ((_SELECT, _SELECT.replace("mask, state", "mask, _")),),
        "rule and threshold": (
            (_SELECT, f"{_SELECT}\n        mask = mask & (confidence >= hparams.threshold)"),
        ),
        "rule's arguments in the wrong order": (
            (_SELECT, _SELECT.replace("confidence, pseudo_labels", "pseudo_labels, confidence")),
        ),
        "rule is given logits": ((_SELECT, _SELECT.replace("confidence", "weak.detach().amax(dim=-1)")),),
        "empty state": ((_MASK, f"{_MASK}\n        state = {{}}"),),
        "renamed metric": (('"mask rate"', '"mask_rate"'),),
        "no metrics": ((_RETURN, "return total, state"),),
        "metrics second": ((_RETURN, "return total, metrics, state"),),
        "metric before the mask": (
            ('"unsupervised loss": unsupervised', '"unsupervised loss": per_image.mean()'),
        ),
        "one loss for each image": ((_TOTAL, _TOTAL.replace("unsupervised", "mask * per_image")),),
        "labels of the first call": (
            (
                "confidence, pseudo_labels = probabilities.max(dim=-1)",
                "confidence, pseudo_labels = probabilities.max(dim=-1)\n"
                '    pseudo_labels = globals().setdefault("first_labels", pseudo_labels)',
            ),
        ),
    },
)
# The same misconceptions in other code.
_FIXMATCH_AGAIN = (
    Mutant(
        "fixmatch_loss",
        "mean over the confident",
        edits=(("per_image = F", "per_image = mask * F"), (_MASKED, "per_image[mask].mean()")),
        name="mean over the selected rows",
    ),
    Mutant(
        "fixmatch_loss",
        "no gradient from the strong view",
        edits=((_PER_IMAGE, f"torch.as_tensor({_PER_IMAGE}.detach().numpy())"),),
        name="through NumPy",
    ),
)

_STATUS = with_bodies(
    "learning_status",
    {
        "images without label counted": "return torch.bincount(latest + 1, minlength=n_classes + 1)",
        "shifted by one": "return torch.bincount(latest + 1, minlength=n_classes + 1)[:-1]",
        "without label as class 0": "return torch.bincount(latest.clamp(min=0), minlength=n_classes)",
        "without label as last class": """
            counts = torch.zeros(n_classes, dtype=torch.int64)
            return counts.index_put((latest,), torch.ones_like(latest), accumulate=True)
            """,
        "as many as occur": "return torch.bincount(latest[latest >= 0])",
        "classes that occur": "return torch.unique(latest[latest >= 0], return_counts=True)[1]",
        "ten classes": "return torch.bincount(latest + 1, minlength=11)[1:]",
        "negative labels": "return torch.bincount(latest, minlength=n_classes)",
        "each class once": """
            counts = torch.zeros(n_classes, dtype=torch.int64)
            counts[latest[latest >= 0]] += 1
            return counts
            """,
        "shares": "return torch.bincount(latest + 1, minlength=n_classes + 1)[1:] / len(latest)",
        "shares of the labeled": """
            counts = torch.bincount(latest + 1, minlength=n_classes + 1)[1:]
            return counts / counts.sum()
            """,
        "summed up": "return torch.bincount(latest + 1, minlength=n_classes + 1)[1:].cumsum(dim=0)",
        "total": "return (latest >= 0).sum()",
        "counts of earlier calls": """
            counts = torch.zeros(100, dtype=torch.int64)
            counts[:n_classes] = torch.bincount(latest + 1, minlength=n_classes + 1)[1:]
            total = globals().setdefault("all_counts", torch.zeros_like(counts))
            total += counts
            return total[:n_classes].clone()
            """,
        "asks for each number": """
            from collections import Counter

            counter = Counter(latest.tolist())
            return torch.tensor([counter[c] for c in range(n_classes)])
            """,
    },
)
_STATUS_AGAIN = tuple(
    Mutant("learning_status", "asks for each number", body=body, name=name)
    for name, body in {
        "NumPy": """
            import numpy as np

            return torch.tensor(np.bincount(latest.cpu().numpy() + 1, minlength=n_classes + 1)[1:])
            """,
        "a loop over û": """
            counts = torch.zeros(n_classes, dtype=torch.int64)
            for label in latest:
                if label >= 0:
                    counts[label] += 1
            return counts
            """,
        "a loop over positions": """
            counts = [0] * n_classes
            for i in range(len(latest)):
                if latest[i].item() >= 0:
                    counts[int(latest[i])] += 1
            return torch.tensor(counts)
            """,
        "an array of the labeled": """
            import numpy as np

            labels = np.asarray(latest)
            return torch.tensor([int((labels == c).sum()) for c in range(n_classes)])
            """,
    }.items()
)

_THRESHOLDS = with_bodies(
    "flexible_thresholds",
    {
        "no warm-up": """
            beta = counts / counts.max()
            return threshold * beta / (2 - beta)
            """,
        "warm-up never ends": """
            beta = counts / (n_unlabeled - counts.sum())
            return threshold * beta / (2 - beta)
            """,
        "share of all images": """
            beta = counts / n_unlabeled
            return threshold * beta / (2 - beta)
            """,
        "share of the labeled": """
            beta = counts / torch.maximum(counts.sum(), n_unlabeled - counts.sum())
            return threshold * beta / (2 - beta)
            """,
        "least advanced class": """
            beta = counts / torch.maximum(counts.min(), n_unlabeled - counts.sum())
            return threshold * beta / (2 - beta)
            """,
        "others without label": """
            beta = counts / torch.maximum(counts.max(), n_unlabeled - counts.max())
            return threshold * beta / (2 - beta)
            """,
        "linear": """
            beta = counts / torch.maximum(counts.max(), n_unlabeled - counts.sum())
            return threshold * beta
            """,
        "plus": """
            beta = counts / torch.maximum(counts.max(), n_unlabeled - counts.sum())
            return threshold * beta / (2 + beta)
            """,
        "concave": """
            beta = counts / torch.maximum(counts.max(), n_unlabeled - counts.sum())
            return threshold * beta * (2 - beta)
            """,
        "no τ": """
            beta = counts / torch.maximum(counts.max(), n_unlabeled - counts.sum())
            return beta / (2 - beta)
            """,
        "fixed τ": """
            beta = counts / torch.maximum(counts.max(), n_unlabeled - counts.sum())
            return 0.95 * beta / (2 - beta)
            """,
        "upside down": """
            beta = counts / torch.maximum(counts.max(), n_unlabeled - counts.sum())
            return threshold * (1 - beta / (2 - beta))
            """,
        "starts at τ": """
            if counts.sum() == 0:
                return torch.full(counts.shape, threshold)
            beta = counts / torch.maximum(counts.max(), n_unlabeled - counts.sum())
            return threshold * beta / (2 - beta)
            """,
        "rounded down": """
            beta = counts // torch.maximum(counts.max(), n_unlabeled - counts.sum())
            return threshold * beta / (2 - beta)
            """,
        "one threshold": """
            beta = counts / torch.maximum(counts.max(), n_unlabeled - counts.sum())
            each = threshold * beta / (2 - beta)
            return each.mean().expand(len(each))
            """,
        "β itself": """
            return counts / torch.maximum(counts.max(), n_unlabeled - counts.sum())
            """,
    },
)
_THRESHOLDS_AGAIN = (
    Mutant(
        "flexible_thresholds",
        "no warm-up",
        body="""
            beta = counts / torch.minimum(counts.max(), n_unlabeled - counts.sum())
            return threshold * beta / (2 - beta)
            """,
        name="the smaller of the two",
    ),
)

_MASKS = with_bodies(
    "flexible_mask",
    {
        "probability of another image": "return confidence[pseudo_labels] >= thresholds[pseudo_labels]",
        "threshold of the position": """
            return confidence >= thresholds[torch.arange(len(confidence)) % len(thresholds)]
            """,
        "thresholds of no class": "return confidence >= thresholds",
        "strictly above": "return confidence > thresholds[pseudo_labels]",
        "below": "return confidence < thresholds[pseudo_labels]",
        "mean threshold": "return confidence >= thresholds.mean()",
        "largest threshold": "return confidence >= thresholds.max()",
        "smallest threshold": "return confidence >= thresholds.min()",
        "every class": "return confidence[:, None] >= thresholds",
        "class numbers compared": "return pseudo_labels >= thresholds[pseudo_labels]",
        "positions": "return (confidence >= thresholds[pseudo_labels]).nonzero().squeeze(dim=-1)",
        "probabilities of those that count": """
            return torch.where(confidence >= thresholds[pseudo_labels], confidence, 0.0)
            """,
        "only those that count": "return confidence[confidence >= thresholds[pseudo_labels]]",
        "whole classes": """
            counts = confidence >= thresholds[pseudo_labels]
            same = pseudo_labels[:, None] == pseudo_labels
            return (same & counts).any(dim=-1)
            """,
    },
)
_MASKS_AGAIN = (
    Mutant(
        "flexible_mask",
        "probability of another image",
        body="""
            return torch.stack([confidence[c] >= thresholds[c] for c in pseudo_labels])
            """,
        name="the tutorial's loop",
    ),
)

_LABELS = with_bodies(
    "remember_labels",
    {
        "every label": """
            updated = latest.clone()
            updated[index] = pseudo_labels
            return updated
            """,
        "unsure images": """
            updated = latest.clone()
            updated[index] = torch.where(confidence < threshold, pseudo_labels, latest[index])
            return updated
            """,
        "strictly above": """
            updated = latest.clone()
            updated[index] = torch.where(confidence > threshold, pseudo_labels, latest[index])
            return updated
            """,
        "unsure images forgotten": """
            updated = latest.clone()
            updated[index] = torch.where(confidence >= threshold, pseudo_labels, -1)
            return updated
            """,
        "all others forgotten": """
            updated = torch.full_like(latest, -1)
            updated[index] = torch.where(confidence >= threshold, pseudo_labels, latest[index])
            return updated
            """,
        "first label only": """
            updated = latest.clone()
            new = (confidence >= threshold) & (latest[index] < 0)
            updated[index] = torch.where(new, pseudo_labels, latest[index])
            return updated
            """,
        "first positions": """
            updated = latest.clone()
            n = len(index)
            updated[:n] = torch.where(confidence >= threshold, pseudo_labels, latest[:n])
            return updated
            """,
        "old labels of other images": """
            updated = latest.clone()
            updated[index] = torch.where(confidence >= threshold, pseudo_labels, latest[: len(index)])
            return updated
            """,
        "changed in place": """
            latest[index] = torch.where(confidence >= threshold, pseudo_labels, latest[index])
            return latest
            """,
        "written into a copy": """
            updated = latest.clone()
            confident = confidence >= threshold
            updated[index][confident] = pseudo_labels[confident]
            return updated
            """,
        "batch alone": "return torch.where(confidence >= threshold, pseudo_labels, latest[index])",
        "fixed τ": """
            updated = latest.clone()
            updated[index] = torch.where(confidence >= 0.95, pseudo_labels, latest[index])
            return updated
            """,
        "mask instead of labels": """
            updated = latest.clone()
            updated[index] = torch.where(confidence >= threshold, 1, latest[index])
            return updated
            """,
        "labels multiplied by the mask": """
            updated = latest.clone()
            updated[index] = (confidence >= threshold) * pseudo_labels
            return updated
            """,
        "classes as positions": """
            updated = latest.clone()
            confident = confidence >= threshold
            updated[pseudo_labels[confident]] = index[confident]
            return updated
            """,
    },
)

_THRESHOLD_LINE = "thresholds = flexible_thresholds(counts, len(latest), hparams.threshold)"
_MASK_LINE = "mask = flexible_mask(confidence, pseudo_labels, thresholds)"
_REMEMBER = 'remember_labels(latest, batch["index"], confidence, pseudo_labels, hparams.threshold)'
_STATE = 'return mask, {"latest": updated}'
_LOSS_LINE = "total, state, metrics = fixmatch_loss(model, state, batch, hparams, select)"
_METRICS_LINE = 'metrics |= {f"threshold/{c}": value for c, value in enumerate(thresholds)}'

_FLEXMATCH = with_edits(
    "flexmatch_loss",
    {
        "thresholds after the update": (
            (
                f"        {_MASK_LINE}\n        updated = {_REMEMBER}\n",
                f"        nonlocal thresholds\n        updated = {_REMEMBER}\n"
                "        counts = learning_status(updated, hparams.n_classes)\n"
                f"        {_THRESHOLD_LINE}\n        {_MASK_LINE}\n",
            ),
        ),
        "fixed threshold for the loss": ((_MASK_LINE, "mask = confidence >= hparams.threshold"),),
        "flexible thresholds for û": (
            (_REMEMBER, _REMEMBER.replace("hparams.threshold", "thresholds[pseudo_labels]")),
        ),
        "everything remembered": ((_REMEMBER, _REMEMBER.replace("hparams.threshold", "0.0")),),
        "status of the batch": (
            (
                "counts = learning_status(latest, hparams.n_classes)",
                'counts = learning_status(latest[batch["index"]], hparams.n_classes)',
            ),
        ),
        "batch size for N": (
            (_THRESHOLD_LINE, _THRESHOLD_LINE.replace("len(latest)", 'len(batch["index"])')),
        ),
        "labeled entries for N": (
            (_THRESHOLD_LINE, _THRESHOLD_LINE.replace("len(latest)", "(latest >= 0).sum()")),
        ),
        "old state": ((_STATE, "return mask, state"),),
        "û without its name": ((_STATE, "return mask, updated"),),
        "another name for û": ((_STATE, 'return mask, {"labels": updated}'),),
        "probability of another image": (
            (_MASK_LINE, "mask = confidence[pseudo_labels] >= thresholds[pseudo_labels]"),
        ),
        "no rule": ((_LOSS_LINE, _LOSS_LINE.replace(", select)", ")")),),
        "no thresholds among the metrics": ((_METRICS_LINE, "pass"),),
        "thresholds in one metric": ((_METRICS_LINE, 'metrics["threshold"] = thresholds'),),
        "classes from 1": (
            (_METRICS_LINE, _METRICS_LINE.replace("enumerate(thresholds)", "enumerate(thresholds, 1)")),
        ),
        "thresholds alone": ((_METRICS_LINE, _METRICS_LINE.replace("|=", "=")),),
        "one threshold for all": (
            (
                _THRESHOLD_LINE,
                f"{_THRESHOLD_LINE}\n    thresholds = thresholds.mean().expand(len(thresholds))",
            ),
        ),
        "status as threshold": ((_THRESHOLD_LINE, "thresholds = counts / len(latest)"),),
        "first positions of û": (
            (_REMEMBER, _REMEMBER.replace('batch["index"]', "torch.arange(len(confidence))")),
        ),
        "true labels remembered": ((_REMEMBER, _REMEMBER.replace("pseudo_labels", 'batch["y_unlabeled"]')),),
        "changed in place": (
            (
                f"updated = {_REMEMBER}",
                'old = latest[batch["index"]]\n'
                "        confident = confidence >= hparams.threshold\n"
                '        latest[batch["index"]] = torch.where(confident, pseudo_labels, old)\n'
                "        updated = latest",
            ),
        ),
        "forgets everything": (
            ('latest = state["latest"]', 'latest = torch.full_like(state["latest"], -1)'),
        ),
        "û of the first call": (
            (
                'latest = state["latest"]',
                'latest = globals().setdefault("first_latest", state["latest"].clone())',
            ),
        ),
        "weighed by the threshold": (
            (_STATE, 'return mask * thresholds[pseudo_labels], {"latest": updated}'),
        ),
        "inverted mask": ((_STATE, 'return ~mask, {"latest": updated}'),),
        "two passes": ((_LOSS_LINE, f"fixmatch_loss(model, state, batch, hparams)\n    {_LOSS_LINE}"),),
        "no gradient": ((_LOSS_LINE, f"with torch.no_grad():\n        {_LOSS_LINE}"),),
        "probabilities as classes": (
            ("def select(confidence, pseudo_labels):", "def select(pseudo_labels, confidence):"),
        ),
    },
)
_FLEXMATCH_AGAIN = (
    Mutant(
        "flexmatch_loss",
        "probabilities as classes",
        edits=((_MASK_LINE, "mask = flexible_mask(pseudo_labels, confidence, thresholds)"),),
        name="the mask's arguments in the wrong order",
    ),
)

# Of each exercise one that fails on a GPU alone.
_LOST = (
    Mutant(
        "fixmatch_loss",
        "made on the CPU",
        edits=((_MASKED, "torch.where(mask, per_image, torch.zeros(len(mask))).mean()"),),
        on_gpu_alone=True,
    ),
    Mutant(
        "learning_status",
        "made on the CPU",
        body="return (latest[:, None] == torch.arange(n_classes)).sum(dim=0)",
        on_gpu_alone=True,
    ),
    Mutant(
        "learning_status",
        "made on the CPU",
        body="""
            counts = torch.zeros(n_classes, dtype=torch.int64)
            for c in range(n_classes):
                counts[c] = (latest == c).sum()
            return counts
            """,
        name="counts left on the CPU",
        on_gpu_alone=True,
    ),
    Mutant(
        "learning_status",
        "made on the CPU",
        body="""
            counts = torch.zeros(n_classes + 1, dtype=torch.int64)
            return counts.scatter_add(0, latest + 1, torch.ones_like(latest))[1:]
            """,
        name="counted into a tensor on the CPU",
        on_gpu_alone=True,
    ),
    Mutant(
        "flexible_thresholds",
        "made on the CPU",
        body="""
            sigma = [int(n) for n in counts]
            most = max(max(sigma), n_unlabeled - sum(sigma))
            return torch.tensor([threshold * (n / most) / (2 - n / most) for n in sigma])
            """,
        on_gpu_alone=True,
    ),
    Mutant(
        "flexible_mask",
        "made on the CPU",
        body="return torch.tensor([bool(p >= thresholds[c]) for p, c in zip(confidence, pseudo_labels)])",
        on_gpu_alone=True,
    ),
    Mutant(
        "remember_labels",
        "made on the CPU",
        body="""
            updated = torch.empty(len(latest), dtype=latest.dtype)
            updated[:] = latest
            updated[index] = torch.where(confidence >= threshold, pseudo_labels, latest[index])
            return updated
            """,
        on_gpu_alone=True,
    ),
    Mutant(
        "flexmatch_loss",
        "made on the CPU",
        edits=((_THRESHOLD_LINE, f"{_THRESHOLD_LINE}\n    thresholds = torch.tensor(thresholds.tolist())"),),
        on_gpu_alone=True,
    ),
)

# The right values, of a type that the next step does not take.
_OTHER_TYPES = (
    Mutant(
        "learning_status",
        "not a tensor",
        body="return torch.bincount(latest + 1, minlength=n_classes + 1)[1:].numpy()",
    ),
    Mutant(
        "flexible_thresholds",
        "not a tensor",
        body="""
            import numpy as np

            sigma = np.asarray(counts)
            beta = sigma / max(sigma.max(), n_unlabeled - sigma.sum())
            return threshold * beta / (2 - beta)
            """,
    ),
    Mutant(
        "flexible_mask",
        "not a tensor",
        body="return (confidence >= thresholds[pseudo_labels]).numpy()",
    ),
    Mutant(
        "flexible_mask",
        "numbers for truth values",
        body="return (confidence >= thresholds[pseudo_labels]).float()",
    ),
    Mutant(
        "flexible_mask",
        "numbers for truth values",
        body="return torch.where(confidence >= thresholds[pseudo_labels], 1, 0)",
        name="whole numbers for truth values",
    ),
    Mutant(
        "remember_labels",
        "not a tensor",
        body="""
            updated = latest.numpy().copy()
            updated[index] = torch.where(confidence >= threshold, pseudo_labels, latest[index])
            return updated
            """,
    ),
    Mutant(
        "remember_labels",
        "no whole numbers",
        body="""
            updated = latest.float()
            updated[index] = torch.where(confidence >= threshold, pseudo_labels, latest[index]).float()
            return updated
            """,
    ),
    Mutant(
        "remember_labels",
        "no whole numbers",
        body="""
            updated = torch.zeros(len(latest))
            updated[:] = latest
            updated[index] = torch.where(confidence >= threshold, pseudo_labels, latest[index]).float()
            return updated
            """,
        name="a new tensor of floating-point numbers",
    ),
)

MUTANTS = (
    *_FIXMATCH,
    *_FIXMATCH_AGAIN,
    *_STATUS,
    *_STATUS_AGAIN,
    *_THRESHOLDS,
    *_THRESHOLDS_AGAIN,
    *_MASKS,
    *_MASKS_AGAIN,
    *_LABELS,
    *_FLEXMATCH,
    *_FLEXMATCH_AGAIN,
    *_LOST,
    *_OTHER_TYPES,
)
