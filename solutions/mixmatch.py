"""The reference solution of the unit ``mixmatch`` (Berthelot et al., 2019; sections by its numbers)."""

import torch
from torch.nn import functional as F

from course.training.torch.parts import frozen_statistics
from solutions.ema import ema_update  # noqa: F401 - the unit's last exercise; every method uses it
from solutions.supervised_torch import labeled_only_loss  # noqa: F401 - its run beside


def sharpen(probabilities, T):
    """Exercise 1: make a distribution more certain, q_c = p_c^(1/T) / Σ_j p_j^(1/T) (section 3.2, eq. 7).

    Args:
        probabilities: float (n, classes), rows that sum to 1.
        T: the temperature, above 0. 1 changes nothing; toward 0 the largest entry takes all.

    Returns:
        float (n, classes), rows that sum to 1.
    """
    ### BEGIN SOLUTION
    # Relative to the largest, so that small powers of many classes do not all round to 0.
    powers = (probabilities / probabilities.amax(dim=-1, keepdim=True)) ** (1 / T)
    return powers / powers.sum(dim=-1, keepdim=True)
    ### END SOLUTION


def guess_labels(model, views, T):
    """Exercise 2: one soft label for each unlabeled image, from all of its views (section 3.2, eq. 6).

    Args:
        model: in training mode; float (n, 3, H, W) → logits (n, classes).
        views: float (K, n, 3, H, W), K weak views of the same n images.
        T: temperature for `sharpen`.

    Returns:
        float (n, classes), on views' device: the mean over the views of the predicted probabilities,
        sharpened. No gradient flows through this target; BatchNorm must not count the pass a second time.
    """
    # 1. Put the views into one batch; run the model under frozen_statistics(model), without gradient.
    # 2. Turn logits into probabilities, then take their mean over the K views of each image.
    # 3. Sharpen the mean.
    ### BEGIN SOLUTION
    with torch.no_grad(), frozen_statistics(model):
        logits = model(views.flatten(0, 1))
        probabilities = torch.softmax(logits, dim=-1).unflatten(0, views.shape[:2])
        return sharpen(probabilities.mean(dim=0), T)
    ### END SOLUTION


def mixup(x_a, x_b, targets_a, targets_b, lam):
    """Exercise 3: mix each sample of a with its partner of b (section 3.3, eqs. 8 to 11).

    Args:
        x_a, x_b: float (n, 3, H, W). targets_a, targets_b: float (n, classes).
        lam: float (n,) in [0, 1], one draw from Beta(α, α) for each sample.

    Returns:
        (x, targets), shapes and device of a: λ′·a + (1 − λ′)·b, λ′ = max(λ, 1 − λ), closer to a than to b.
    """
    ### BEGIN SOLUTION
    lam = torch.maximum(lam, 1 - lam)[:, None]
    targets = lam * targets_a + (1 - lam) * targets_b
    lam = lam[:, :, None, None]
    return lam * x_a + (1 - lam) * x_b, targets
    ### END SOLUTION


def linear_rampup(step, length):
    """Exercise 4: the share of λ_u at a step: 0 at step 0, 1 from step ``length`` on (section 3.5).

    Args: step: int, updates done. length: int; 0 means no ramp. Returns: float in [0, 1].
    """
    ### BEGIN SOLUTION
    return min(step / length, 1.0) if length else 1.0
    ### END SOLUTION


def mixmatch_loss(model, state, batch, hparams):
    """Exercise 5: L_X + λ_u(t)·L_U (section 3.4, eqs. 2 to 5, algorithm 1).

    Args:
        model: as for `guess_labels`. state: what MixMatch remembers, which is nothing: it is passed on.
        batch: x_labeled (B, 3, H, W), y_labeled int (B,), x_unlabeled (K, n, 3, H, W), y_unlabeled int (n,),
            used only for the error rate; lam (B+Kn,); order int (B+Kn,), a permutation; step, an int.
            All tensors are on the model's device, and so is every one that you make.
        hparams: n_classes, T, lambda_u, rampup_length.

    Returns:
        (total loss, state, metrics): "total loss", "supervised loss", "unsupervised loss" (before λ_u(t)),
        "unlabeled weight" (λ_u(t)), "error rate" (share of guesses whose largest entry is not y_unlabeled).
    """
    # SUBGOALS
    ### BEGIN SOLUTION
    views, n_labeled = batch["x_unlabeled"], len(batch["x_labeled"])
    guesses = guess_labels(model, views, hparams.T)
    x = torch.cat([batch["x_labeled"], views.flatten(0, 1)])
    one_hot, order = F.one_hot(batch["y_labeled"], hparams.n_classes), batch["order"]
    targets = torch.cat([one_hot.to(guesses.dtype), guesses.repeat(len(views), 1)])
    x, targets = mixup(x, x[order], targets, targets[order], batch["lam"])

    logits = model(x)
    supervised = F.cross_entropy(logits[:n_labeled], targets[:n_labeled])
    unsupervised = F.mse_loss(torch.softmax(logits[n_labeled:], dim=-1), targets[n_labeled:])
    weight = hparams.lambda_u * linear_rampup(batch["step"], hparams.rampup_length)
    total = supervised + weight * unsupervised
    metrics = {
        "total loss": total,
        "supervised loss": supervised,
        "unsupervised loss": unsupervised,
        "unlabeled weight": weight,
        "error rate": (guesses.argmax(dim=-1) != batch["y_unlabeled"]).float().mean(),
    }
    return total, state, metrics
    ### END SOLUTION
