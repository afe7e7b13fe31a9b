"""Correct solutions of the unit ``flexmatch`` that look different from the reference.

Each is the text of a student's cells. The names of the notebook are there, and the earlier exercises.
"""

from __future__ import annotations

from autograder.units.alternative import Alternative

# What the notebook has imported before its first exercise.
IMPORTS = """
import numpy as np
import torch
from torch.nn import functional as F
from course.training.torch.parts import l2_penalty
"""

_HEAD = """
def fixmatch_loss(model, state, batch, hparams, select=None):
    weight_decay = l2_penalty(model, hparams.weight_decay)
"""
_TAIL = """
    total = supervised + hparams.lambda_u * unsupervised + weight_decay
    metrics = {
        "weight decay": weight_decay, "total loss": total, "supervised loss": supervised,
        "unsupervised loss": unsupervised, "mask rate": mask_rate, "error rate": error_rate,
    }
    return total, state, metrics
"""
_FIXMATCH = {
    title: _HEAD + body + _TAIL
    for title, body in {
        "sliced, weak logits under no_grad, log-probabilities": """
    x_l, x_w, x_s = batch["x_labeled"], batch["x_unlabeled_weak"], batch["x_unlabeled_strong"]
    logits = model(torch.cat((x_l, x_w, x_s)))
    n = len(x_l)
    weak, strong = logits[n:].chunk(2)
    supervised = F.nll_loss(F.log_softmax(logits[:n], dim=1), batch["y_labeled"])
    with torch.no_grad():
        log_q = F.log_softmax(weak / hparams.T, dim=1)
        pseudo = log_q.argmax(1)
        confidence = log_q.max(1).values.exp()
        if select:
            mask, state = select(confidence, pseudo)
        else:
            mask = (confidence >= hparams.threshold).float()
    unsupervised = (F.nll_loss(F.log_softmax(strong, dim=1), pseudo, reduction="none") * mask).mean()
    mask_rate, error_rate = mask.float().mean(), pseudo.ne(batch["y_unlabeled"]).double().mean()
""",
        "gather, sums divided by sizes": """
    names = ("x_labeled", "x_unlabeled_weak", "x_unlabeled_strong")
    sizes = [batch[name].shape[0] for name in names]
    labeled, weak, strong = torch.split(model(torch.concat([batch[name] for name in names])), sizes)
    log_p = labeled.log_softmax(-1).gather(1, batch["y_labeled"][:, None])
    supervised = -log_p.sum() / sizes[0]
    q = (weak / hparams.T).softmax(-1).detach()
    confidence, pseudo = torch.max(q, -1)
    mask = confidence >= hparams.threshold
    mask, state = select(confidence, pseudo) if select is not None else (mask, state)
    losses = -strong.log_softmax(-1).gather(1, pseudo.unsqueeze(1)).squeeze(1)
    unsupervised = torch.where(mask.bool(), losses, torch.zeros_like(losses)).sum() / sizes[1]
    mask_rate = float(mask.sum()) / sizes[1]
    error_rate = float((pseudo != batch["y_unlabeled"]).sum()) / sizes[1]
""",
        "one-hot targets with the mask in them": """
    parts = [batch["x_labeled"], batch["x_unlabeled_weak"], batch["x_unlabeled_strong"]]
    logits = model(torch.cat(parts))
    a, b = len(parts[0]), len(parts[0]) + len(parts[1])
    labeled, weak, strong = logits[:a], logits[a:b], logits[b:]
    supervised = torch.nn.CrossEntropyLoss()(labeled, batch["y_labeled"])
    q = torch.softmax(weak.detach().div(hparams.T), 1)
    pseudo = q.argmax(dim=1)
    confidence = q.amax(dim=1)
    mask = ~(confidence < hparams.threshold)
    if select is not None:
        mask, state = select(confidence, pseudo)
    targets = F.one_hot(pseudo, q.shape[1]) * mask[:, None]
    unsupervised = -(targets * F.log_softmax(strong, 1)).sum(1).mean()
    mask_rate, error_rate = mask.to(q.dtype).mean(), 1 - (pseudo == batch["y_unlabeled"]).to(q.dtype).mean()
""",
        "joined in another order": """
    x = torch.cat([batch["x_unlabeled_strong"], batch["x_labeled"], batch["x_unlabeled_weak"]])
    m, n = len(batch["x_unlabeled_weak"]), len(batch["x_labeled"])
    strong, labeled, weak = model(x).split((m, n, m))
    supervised = F.cross_entropy(labeled, batch["y_labeled"], reduction="sum") / n
    q = torch.softmax(weak / hparams.T, dim=-1)
    top = torch.topk(q.detach(), 1)
    confidence, pseudo = top.values[:, 0], top.indices[:, 0]
    if select is None:
        mask = confidence.ge(hparams.threshold)
    else:
        mask, state = select(confidence, pseudo)
    unsupervised = torch.mean(F.cross_entropy(strong, pseudo, reduction="none") * mask.float())
    mask_rate, error_rate = mask.float().mean(), (pseudo != batch["y_unlabeled"]).float().mean()
""",
        "image by image": """
    parts = [batch["x_labeled"], batch["x_unlabeled_weak"], batch["x_unlabeled_strong"]]
    logits = model(torch.cat(parts))
    n, m = len(parts[0]), len(parts[1])
    supervised = sum(F.cross_entropy(logits[i], batch["y_labeled"][i]) for i in range(n)) / n
    q = torch.softmax(logits[n:n + m].detach() / hparams.T, dim=-1)
    confidence, pseudo = q.max(-1)
    mask = torch.tensor([bool(p >= hparams.threshold) for p in confidence])
    if select is not None:
        mask, state = select(confidence, pseudo)
    kept = [F.cross_entropy(logits[n + m + i], pseudo[i]) for i in range(m) if mask[i]]
    unsupervised = sum(kept) / m if kept else torch.zeros(())
    mask_rate, error_rate = mask.float().mean(), (pseudo != batch["y_unlabeled"]).float().mean()
""",
        "mask on the selected rows, a metric more": """
    parts = [batch["x_labeled"], batch["x_unlabeled_weak"], batch["x_unlabeled_strong"]]
    cuts = [len(parts[0]), len(parts[0]) + len(parts[1])]
    labeled, weak, strong = model(torch.vstack(parts)).tensor_split(cuts)
    supervised = F.cross_entropy(labeled, batch["y_labeled"])
    confidence, pseudo = weak.detach().div(hparams.T).softmax(-1).max(-1)
    if select is None:
        select = lambda p, c: (p >= hparams.threshold, state)
    mask, state = select(confidence, pseudo)
    unsupervised = F.cross_entropy(strong[mask], pseudo[mask], reduction="sum") / len(mask)
    mask_rate, error_rate = mask.double().mean(), (pseudo != batch["y_unlabeled"]).float().mean().item()
""",
    }.items()
}
_FIXMATCH["helpers in other cells, class-weighted mean"] = (
    """
def read_off(weak, T):
    with torch.no_grad():
        return torch.softmax(weak / T, dim=-1).max(dim=-1)

def per_image(strong, pseudo):
    return torch.nn.functional.cross_entropy(input=strong, target=pseudo, reduction="none")
"""
    + _HEAD
    + """
    sizes = [len(batch[k]) for k in ("x_labeled", "x_unlabeled_weak", "x_unlabeled_strong")]
    x = torch.cat([batch["x_labeled"], batch["x_unlabeled_weak"], batch["x_unlabeled_strong"]], dim=0)
    labeled, weak, strong = model(x).split(sizes, dim=0)
    supervised = per_image(labeled, batch["y_labeled"]).mean()
    confidence, pseudo = read_off(weak, hparams.T)
    mask = (confidence >= hparams.threshold).to(strong.dtype)
    if select is not None:
        mask, state = select(confidence, pseudo)
        mask = mask.to(strong.dtype)
    unsupervised = torch.dot(mask, per_image(strong, pseudo)) / len(mask)
    mask_rate, error_rate = mask.mean(), (pseudo != batch["y_unlabeled"]).float().mean()
"""
    + _TAIL
)

_STATUS = {
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
    "floats": """
def learning_status(latest, n_classes):
    return torch.histc(latest.float(), bins=n_classes + 1, min=-1, max=n_classes)[1:]
""",
}

_THRESHOLDS = {
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
}

_MASKS = {
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
}

_LABELS = {
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
}

_FLEXMATCH = {
    "lambda and a dictionary of its own": """
def flexmatch_loss(model, state, batch, hparams):
    u = state["latest"]
    t = flexible_thresholds(learning_status(u, hparams.n_classes), u.numel(), hparams.threshold)
    rule = lambda p, c: (
        flexible_mask(p, c, t),
        {"latest": remember_labels(u, batch["index"], p, c, hparams.threshold)},
    )
    total, state, metrics = fixmatch_loss(model, state, batch, hparams, select=rule)
    return total, state, {**metrics, **{f"threshold/{c}": t[c] for c in range(hparams.n_classes)}}
""",
    "Python floats as thresholds in the metrics": """
def flexmatch_loss(model, state, batch, hparams):
    latest = state["latest"]
    counts = learning_status(latest, hparams.n_classes)
    thresholds = flexible_thresholds(counts, latest.shape[0], hparams.threshold)

    def rule(confidence, labels):
        new = remember_labels(latest, batch["index"], confidence, labels, hparams.threshold)
        return flexible_mask(confidence, labels, thresholds), dict(state, latest=new)

    total, new_state, metrics = fixmatch_loss(model, state, batch, hparams, rule)
    for c, value in enumerate(thresholds.tolist()):
        metrics["threshold/" + str(c)] = value
    return total, new_state, metrics
""",
    "a class with a call": """
class Rule:
    def __init__(self, latest, index, hparams):
        self.latest, self.index, self.tau = latest, index, hparams.threshold
        counts = learning_status(latest, hparams.n_classes)
        self.thresholds = flexible_thresholds(counts, len(latest), self.tau)

    def __call__(self, confidence, pseudo_labels):
        mask = flexible_mask(confidence, pseudo_labels, self.thresholds)
        return mask, {"latest": remember_labels(self.latest, self.index, confidence, pseudo_labels, self.tau)}

def flexmatch_loss(model, state, batch, hparams):
    rule = Rule(state["latest"], batch["index"], hparams)
    total, state, metrics = fixmatch_loss(model, state, batch, hparams, rule)
    metrics.update({f"threshold/{c}": v for c, v in enumerate(rule.thresholds)})
    return total, state, metrics
""",
    "a partial": """
from functools import partial

def rule(confidence, pseudo_labels, thresholds, latest, index, tau):
    mask = flexible_mask(confidence, pseudo_labels, thresholds)
    return mask, {"latest": remember_labels(latest, index, confidence, pseudo_labels, tau)}

def flexmatch_loss(model, state, batch, hparams):
    latest, tau = state["latest"], hparams.threshold
    thresholds = flexible_thresholds(learning_status(latest, hparams.n_classes), len(latest), tau)
    select = partial(rule, thresholds=thresholds, latest=latest, index=batch["index"], tau=tau)
    total, state, metrics = fixmatch_loss(model, state, batch, hparams, select)
    return total, state, metrics | {f"threshold/{c}": thresholds[c].item() for c in range(len(thresholds))}
""",
    "everything written out": """
def flexmatch_loss(model, state, batch, hparams):
    latest = state["latest"]
    counts = torch.stack([(latest == c).sum() for c in range(hparams.n_classes)])
    beta = counts / torch.maximum(counts.max(), (latest < 0).sum())
    thresholds = hparams.threshold * beta / (2 - beta)
    new = latest.clone()

    def rule(confidence, pseudo_labels):
        sure = confidence >= hparams.threshold
        new[batch["index"][sure]] = pseudo_labels[sure]
        return confidence >= thresholds[pseudo_labels], {"latest": new}

    total, state, metrics = fixmatch_loss(model, state, batch, hparams, rule)
    metrics |= {f"threshold/{c}": value for c, value in enumerate(thresholds)}
    return total, state, metrics
""",
    "what the rule was given is kept for after the loss": """
def flexmatch_loss(model, state, batch, hparams):
    latest, seen = state["latest"], []
    with torch.no_grad():
        counts = learning_status(latest, hparams.n_classes)
        thresholds = flexible_thresholds(counts, len(latest), hparams.threshold)

    def rule(confidence, pseudo_labels):
        seen.extend([confidence, pseudo_labels])
        return flexible_mask(confidence, pseudo_labels, thresholds), state

    total, _, metrics = fixmatch_loss(model, state, batch, hparams, rule)
    updated = remember_labels(latest, batch["index"], *seen, hparams.threshold)
    metrics = metrics | {f"threshold/{c}": thresholds[c] for c in range(hparams.n_classes)}
    return total, {**state, "latest": updated}, metrics
""",
}

ALTERNATIVES = tuple(
    Alternative(exercise, title, source)
    for exercise, sources in {
        "fixmatch_loss": _FIXMATCH,
        "learning_status": _STATUS,
        "flexible_thresholds": _THRESHOLDS,
        "flexible_mask": _MASKS,
        "remember_labels": _LABELS,
        "flexmatch_loss": _FLEXMATCH,
    }.items()
    for title, source in sources.items()
)
