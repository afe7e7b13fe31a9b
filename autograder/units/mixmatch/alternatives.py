"""Correct solutions of the unit ``mixmatch`` that look different from the reference.

Each is the text of a student's cells. The names of the notebook are there, and the earlier exercises.
"""

from __future__ import annotations

from autograder.units.alternative import Alternative

# What the notebook has imported before its first exercise.
IMPORTS = """
import numpy as np
import torch
from torch.nn import functional as F
from course.training.torch.parts import frozen_statistics
"""

_SHARPEN = {
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
}

_GUESS = {
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
}

_MIXUP = {
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
}

_RAMP = {
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
}

_LOSS = {
    "written out": """
def mixmatch_loss(model, state, batch, hparams):
    K, n = batch["x_unlabeled"].shape[:2]
    B = batch["x_labeled"].shape[0]
    q = guess_labels(model, batch["x_unlabeled"], hparams.T)
    p = torch.zeros(B, hparams.n_classes, dtype=q.dtype, device=q.device)
    p[torch.arange(B), batch["y_labeled"]] = 1
    unlabeled = batch["x_unlabeled"].reshape(K * n, *batch["x_labeled"].shape[1:])
    images = torch.cat((batch["x_labeled"], unlabeled))
    targets = torch.cat((p, torch.cat([q] * K)))
    partner = batch["order"]
    mixed, mixed_targets = mixup(images, images[partner], targets, targets[partner], batch["lam"])
    logits_x, logits_u = model(mixed).split([B, K * n])
    L_x = -(mixed_targets[:B] * F.log_softmax(logits_x, dim=1)).sum(dim=1).mean()
    L_u = ((F.softmax(logits_u, dim=1) - mixed_targets[B:]) ** 2).mean()
    w = hparams.lambda_u * linear_rampup(batch["step"], hparams.rampup_length)
    loss = L_x + w * L_u
    wrong = torch.argmax(q, 1) != batch["y_unlabeled"]
    return loss, state, {
        "total loss": loss.item(),
        "supervised loss": L_x.detach(),
        "unsupervised loss": L_u.detach(),
        "unlabeled weight": float(w),
        "error rate": wrong.double().mean().item(),
    }
""",
    "identity matrix, expanded guesses": """
def mixmatch_loss(model, state, batch, hparams):
    views = batch["x_unlabeled"]
    B = len(batch["y_labeled"])
    guesses = guess_labels(model, views, hparams.T)
    labels = torch.eye(hparams.n_classes).to(guesses)[batch["y_labeled"]]
    everything = torch.cat([batch["x_labeled"], *views])
    wanted = torch.cat([labels, guesses.expand(len(views), -1, -1).flatten(0, 1)])
    x, t = mixup(everything, everything[batch["order"]], wanted, wanted[batch["order"]], batch["lam"])
    logits = model(x)
    supervised = torch.nn.CrossEntropyLoss()(logits[:B], t[:B])
    unsupervised = torch.nn.MSELoss()(logits[B:].softmax(dim=-1), t[B:])
    ramp = linear_rampup(batch["step"], hparams.rampup_length)
    total = supervised + hparams.lambda_u * ramp * unsupervised
    metrics = {
        "error rate": torch.mean((guesses.argmax(1) != batch["y_unlabeled"]).to(guesses.dtype)),
        "unlabeled weight": hparams.lambda_u * ramp,
        "unsupervised loss": unsupervised,
        "supervised loss": supervised,
        "total loss": total,
        "labeled error rate": (logits[:B].argmax(1) != batch["y_labeled"]).float().mean(),
    }
    return total, state, metrics
""",
    "sums over sizes": """
def mixmatch_loss(model, state, batch, hparams):
    views, B = batch["x_unlabeled"], batch["x_labeled"].shape[0]
    q = guess_labels(model, views, hparams.T)
    targets = torch.cat([F.one_hot(batch["y_labeled"], hparams.n_classes).to(q), q.tile(len(views), 1)])
    x = torch.cat([batch["x_labeled"], views.flatten(0, 1)])
    x, targets = mixup(x, x[batch["order"]], targets, targets[batch["order"]], batch["lam"])
    logits = model(x)
    log_probs = logits - torch.logsumexp(logits, dim=-1, keepdim=True)
    supervised = -torch.sum(targets[:B] * log_probs[:B]) / B
    difference = log_probs[B:].exp() - targets[B:]
    unsupervised = torch.sum(difference.square()) / difference.numel()
    weight = linear_rampup(batch["step"], hparams.rampup_length) * hparams.lambda_u
    total = torch.add(supervised, unsupervised, alpha=weight)
    metrics = dict(zip(
        ["total loss", "supervised loss", "unsupervised loss", "unlabeled weight", "error rate"],
        [total, supervised, unsupervised, weight,
         1 - (q.argmax(-1) == batch["y_unlabeled"]).sum() / len(q)],
    ))
    return [total, state, metrics]
""",
    "helpers in other cells": """
def join(batch):
    return torch.cat([batch["x_labeled"], batch["x_unlabeled"].flatten(0, 1)])

def metrics_of(total, supervised, unsupervised, weight, guesses, truth):
    error = (guesses.max(dim=1).indices != truth).float().mean()
    return {"total loss": total, "supervised loss": supervised, "unsupervised loss": unsupervised,
            "unlabeled weight": weight, "error rate": error}

def mixmatch_loss(model, state, batch, hparams):
    guesses = guess_labels(model, batch["x_unlabeled"], hparams.T)
    n_labeled, n_views = len(batch["x_labeled"]), len(batch["x_unlabeled"])
    rows = torch.arange(len(guesses)).repeat(n_views)
    targets = torch.cat([F.one_hot(batch["y_labeled"], hparams.n_classes), guesses[rows]])
    x, order = join(batch), batch["order"]
    x, targets = mixup(x, x[order], targets, targets[order], batch["lam"])
    logits = model(x)
    supervised = F.cross_entropy(logits[:n_labeled], targets[:n_labeled])
    unsupervised = (torch.softmax(logits, -1) - targets)[n_labeled:].pow(2).mean(dim=1).mean()
    weight = hparams.lambda_u * linear_rampup(batch["step"], hparams.rampup_length)
    total = supervised + weight * unsupervised
    return total, state, metrics_of(total, supervised, unsupervised, weight, guesses, batch["y_unlabeled"])
""",
    "gradient of the targets cut once more": """
def mixmatch_loss(model, state, batch, hparams):
    views, B = batch["x_unlabeled"], len(batch["x_labeled"])
    guesses = guess_labels(model, views, hparams.T).detach()
    with torch.no_grad():
        x = torch.cat([batch["x_labeled"], views.flatten(0, 1)])
        labels = F.one_hot(batch["y_labeled"], hparams.n_classes).to(guesses)
        targets = torch.cat([labels, guesses.repeat(len(views), 1)])
        x, targets = mixup(x, x[batch["order"]], targets, targets[batch["order"]], batch["lam"])
    logits = model(x.contiguous())
    supervised = F.cross_entropy(logits[:B], targets[:B], reduction="sum") / B
    unsupervised = F.mse_loss(logits[B:].softmax(1), targets[B:], reduction="none").mean()
    weight = torch.tensor(hparams.lambda_u * linear_rampup(batch["step"], hparams.rampup_length))
    total = supervised + weight * unsupervised
    return total, state, {
        "total loss": total, "supervised loss": supervised, "unsupervised loss": unsupervised,
        "unlabeled weight": weight,
        "error rate": torch.ne(guesses.argmax(1), batch["y_unlabeled"]).float().mean(),
    }
""",
    "mixed in two parts, one pass": """
def mixmatch_loss(model, state, batch, hparams):
    x_l, views = batch["x_labeled"], batch["x_unlabeled"]
    B = len(x_l)
    q = guess_labels(model, views, hparams.T)
    p = F.one_hot(batch["y_labeled"], hparams.n_classes).to(q.dtype)
    u, q_u = views.flatten(0, 1), q.repeat(len(views), 1)
    w, w_t = torch.cat([x_l, u])[batch["order"]], torch.cat([p, q_u])[batch["order"]]
    x_mixed, p_mixed = mixup(x_l, w[:B], p, w_t[:B], batch["lam"][:B])
    u_mixed, q_mixed = mixup(u, w[B:], q_u, w_t[B:], batch["lam"][B:])
    logits = model(torch.cat([x_mixed, u_mixed]))
    L_X = F.cross_entropy(logits[:B], p_mixed)
    L_U = F.mse_loss(F.softmax(logits[B:], -1), q_mixed)
    share = linear_rampup(batch["step"], hparams.rampup_length)
    total = L_X + share * hparams.lambda_u * L_U
    return total, state, {
        "total loss": total, "supervised loss": L_X, "unsupervised loss": L_U,
        "unlabeled weight": share * hparams.lambda_u,
        "error rate": (q.argmax(-1) != batch["y_unlabeled"]).float().mean(),
    }
""",
}

_EMA = {
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
}

ALTERNATIVES = tuple(
    Alternative(exercise, title, source)
    for exercise, sources in {
        "sharpen": _SHARPEN,
        "guess_labels": _GUESS,
        "mixup": _MIXUP,
        "linear_rampup": _RAMP,
        "mixmatch_loss": _LOSS,
        "ema_update": _EMA,
    }.items()
    for title, source in sources.items()
)
