"""What instructors have of ``flexmatch_loss``."""

from __future__ import annotations

import numpy as np

from autograder.units import InstructorExercise
from autograder.units.draws import number, size, until
from autograder.units.equivalent import Equivalent
from autograder.units.flexmatch.common import confidence_of, draw_gaps, draw_settings, no_ties
from autograder.units.hidden import Hidden
from autograder.units.mutant import Mutant
from autograder.units.shared import leaves_behind, made_on_the_cpu
from autograder.units.torch_hidden import also_on_a_gpu, handed_on
from course.checks.case import Inputs
from course.checks.functions import Draw, other
from course.checks.left_behind import DTYPE, GRADIENT, HOOK, MODE, NEED, SWITCH
from course.units.flexmatch.checks import flexmatch
from course.units.flexmatch.checks.batches import BATCH, FAIRLY_SURE, SURE, UNSURE, views

Rng = np.random.RandomState

_THRESHOLD_LINE = "thresholds = flexible_thresholds(counts, len(latest), hparams.threshold)"
_MASK_LINE = "mask = flexible_mask(confidence, pseudo_labels, thresholds)"
_REMEMBER = 'remember_labels(latest, batch["index"], confidence, pseudo_labels, hparams.threshold)'
_STATE = 'return mask, {"latest": updated}'
_LOSS_LINE = "total, state, metrics = fixmatch_loss(model, state, batch, hparams, select)"
_METRICS_LINE = 'metrics |= {f"threshold/{c}": value for c, value in enumerate(thresholds)}'

_MUTANTS = (
    Mutant(
        "fixed threshold for the loss",
        "The fixed τ decides which images count: this is FixMatch with a memory.",
        "The mask takes the threshold of each image's class.",
        edits=((_MASK_LINE, "mask = confidence >= hparams.threshold"),),
    ),
    Mutant(
        "flexible thresholds for û",
        "The flexible thresholds decide what û remembers, so unsure labels count from the start.",
        "The fixed τ decides what enters û.",
        edits=((_REMEMBER, _REMEMBER.replace("hparams.threshold", "thresholds[pseudo_labels]")),),
        common="Letting the flexible thresholds decide what is remembered. In the first step they are 0, so "
        "every guess is counted.",
    ),
    Mutant(
        "thresholds after the update",
        "The thresholds come from û after this step; they should come from û before it.",
        "Compute them before the rule, outside of it.",
        edits=(
            (
                f"        {_MASK_LINE}\n        updated = {_REMEMBER}\n",
                f"        nonlocal thresholds\n        updated = {_REMEMBER}\n"
                "        counts = learning_status(updated, hparams.n_classes)\n"
                f"        {_THRESHOLD_LINE}\n        {_MASK_LINE}\n",
            ),
        ),
        common="Computing the thresholds after the update, from labels that this very batch has just given "
        "itself.",
    ),
    Mutant(
        "everything remembered",
        "Every pseudo-label of the batch enters û, confident or not.",
        "The fixed τ decides what enters û.",
        edits=((_REMEMBER, _REMEMBER.replace("hparams.threshold", "0.0")),),
    ),
    Mutant(
        "status of the batch",
        "The learning status counts this batch; it should count all N images.",
        "Count û, which is in state.",
        edits=(
            (
                "counts = learning_status(latest, hparams.n_classes)",
                'counts = learning_status(latest[batch["index"]], hparams.n_classes)',
            ),
        ),
    ),
    Mutant(
        "batch size for N",
        "You use the size of the batch for N.",
        "N is the number of entries of û.",
        edits=((_THRESHOLD_LINE, _THRESHOLD_LINE.replace("len(latest)", 'len(batch["index"])')),),
    ),
    Mutant(
        "labeled entries for N",
        "You use the number of images that have a label for N, so there is no warm-up.",
        "N is the number of entries of û, those with −1 included.",
        edits=((_THRESHOLD_LINE, _THRESHOLD_LINE.replace("len(latest)", "(latest >= 0).sum()")),),
    ),
    Mutant(
        "old state",
        "The old state is returned, so nothing is ever remembered.",
        "The rule returns the mask and the new state.",
        edits=((_STATE, "return mask, state"),),
    ),
    Mutant(
        "û without its name",
        'û is returned by itself; the state is a dictionary with the key "latest".',
        "Return it under its name: the next step looks for it there.",
        edits=((_STATE, "return mask, updated"),),
    ),
    Mutant(
        "another name for û",
        'The new û is not under the key "latest", so the next step does not find it.',
        "Use the key of the state that came in.",
        edits=((_STATE, 'return mask, {"labels": updated}'),),
    ),
    Mutant(
        "probability of another image",
        "The probabilities are indexed by class: the bug of exercise 4 is back.",
        "Call flexible_mask.",
        edits=((_MASK_LINE, "mask = confidence[pseudo_labels] >= thresholds[pseudo_labels]"),),
    ),
    Mutant(
        "no rule",
        "fixmatch_loss is called without a rule, so this is FixMatch.",
        "Pass your rule as its last argument.",
        edits=((_LOSS_LINE, _LOSS_LINE.replace(", select)", ")")),),
    ),
    Mutant(
        "no thresholds among the metrics",
        'The metrics "threshold/0" … are missing.',
        "Add one for each class to the dictionary.",
        edits=((_METRICS_LINE, "pass"),),
    ),
    Mutant(
        "thresholds in one metric",
        "All thresholds are under one name; the log needs one number per class.",
        'The names are "threshold/0", "threshold/1" and so on.',
        edits=((_METRICS_LINE, 'metrics["threshold"] = thresholds'),),
    ),
    Mutant(
        "classes from 1",
        "The classes are counted from 1 in the names of the metrics.",
        'The first is "threshold/0".',
        edits=((_METRICS_LINE, _METRICS_LINE.replace("enumerate(thresholds)", "enumerate(thresholds, 1)")),),
    ),
    Mutant(
        "thresholds alone",
        "FixMatch's metrics are lost.",
        "Add the thresholds to the dictionary that fixmatch_loss returns.",
        edits=((_METRICS_LINE, _METRICS_LINE.replace("|=", "=")),),
    ),
    Mutant(
        "one threshold for all",
        "All classes have the mean of the thresholds.",
        "Hand the thresholds to the mask as they are.",
        edits=(
            (
                _THRESHOLD_LINE,
                f"{_THRESHOLD_LINE}\n    thresholds = thresholds.mean().expand(len(thresholds))",
            ),
        ),
    ),
    Mutant(
        "status as threshold",
        "The shares σ(c)/N are used as thresholds.",
        "Call flexible_thresholds.",
        edits=((_THRESHOLD_LINE, "thresholds = counts / len(latest)"),),
    ),
    Mutant(
        "first positions of û",
        "The labels are remembered at the first positions of û: index is not used.",
        'The batch says where its images are in û: batch["index"].',
        edits=((_REMEMBER, _REMEMBER.replace('batch["index"]', "torch.arange(len(confidence))")),),
    ),
    Mutant(
        "true labels remembered",
        "The true labels enter û, but nobody has them in practice.",
        "Remember the pseudo-labels.",
        edits=((_REMEMBER, _REMEMBER.replace("pseudo_labels", 'batch["y_unlabeled"]')),),
    ),
    Mutant(
        "changed in place",
        "The state that came in is changed: û itself, or the dictionary that holds it.",
        "remember_labels returns a new tensor; put it into a new dictionary.",
        edits=(
            (
                f"updated = {_REMEMBER}",
                'old = latest[batch["index"]]\n'
                "        confident = confidence >= hparams.threshold\n"
                '        latest[batch["index"]] = torch.where(confident, pseudo_labels, old)\n'
                "        updated = latest",
            ),
        ),
    ),
    Mutant(
        "forgets everything",
        "û is −1 everywhere in each step, whatever the state holds, so the warm-up never ends.",
        'Read û from state["latest"].',
        edits=(('latest = state["latest"]', 'latest = torch.full_like(state["latest"], -1)'),),
    ),
    Mutant(
        "û of the first call",
        "Later calls reuse û of the first one.",
        'Read û from state["latest"] in each call.',
        edits=(
            (
                'latest = state["latest"]',
                'latest = globals().setdefault("first_latest", state["latest"].clone())',
            ),
        ),
        common="Keeping û in a global variable. The second run of the notebook begins where the first one "
        "ended.",
    ),
    Mutant(
        "weighed by the threshold",
        "The mask is multiplied by the threshold, so images of less-learned classes count less.",
        "A mask is true or false.",
        edits=((_STATE, 'return mask * thresholds[pseudo_labels], {"latest": updated}'),),
    ),
    Mutant(
        "inverted mask",
        "The mask is inverted.",
        "The images that reach the threshold of their class count.",
        edits=((_STATE, 'return ~mask, {"latest": updated}'),),
    ),
    Mutant(
        "two passes",
        "fixmatch_loss is called twice, so the network sees each batch twice in a step.",
        "The rule gets everything it needs in one call.",
        edits=((_LOSS_LINE, f"fixmatch_loss(model, state, batch, hparams)\n    {_LOSS_LINE}"),),
    ),
    Mutant(
        "no gradient",
        "The loss has no gradient.",
        "Look for torch.no_grad and detach around the call of fixmatch_loss.",
        edits=((_LOSS_LINE, f"with torch.no_grad():\n        {_LOSS_LINE}"),),
    ),
    Mutant(
        "probabilities as classes",
        "Probabilities are used as class numbers: two arguments may be in the wrong order.",
        "Compare the order of the arguments in your rule, and in each of its calls, with the docstrings.",
        edits=(("def select(confidence, pseudo_labels):", "def select(pseudo_labels, confidence):"),),
    ),
    Mutant(
        "probabilities as classes",
        name="the mask's arguments in the wrong order",
        edits=((_MASK_LINE, "mask = flexible_mask(pseudo_labels, confidence, thresholds)"),),
    ),
    made_on_the_cpu(
        edits=((_THRESHOLD_LINE, f"{_THRESHOLD_LINE}\n    thresholds = torch.tensor(thresholds.tolist())"),),
    ),
    Mutant(
        "fixed τ for the thresholds",
        "0.95 is hard-coded in the flexible thresholds.",
        "τ is hparams.threshold.",
        edits=((_THRESHOLD_LINE, _THRESHOLD_LINE.replace("hparams.threshold", "0.95")),),
    ),
    Mutant(
        "fixed τ for û",
        "0.95 is hard-coded for what û remembers.",
        "τ is hparams.threshold.",
        edits=((_REMEMBER, _REMEMBER.replace("hparams.threshold", "0.95")),),
    ),
    Mutant(
        "classes that occur",
        "The number of classes is read off û, in which the last ones may be missing.",
        "It is hparams.n_classes.",
        edits=(
            (
                "counts = learning_status(latest, hparams.n_classes)",
                "counts = learning_status(latest, max(int(latest.max()) + 1, 1))",
            ),
        ),
    ),
    Mutant(
        "û of the batch",
        "The new state holds the batch's labels alone.",
        "û has an entry for each of the N images.",
        edits=((_STATE, 'return mask, {"latest": updated[batch["index"]]}'),),
    ),
    Mutant(
        "floating-point û",
        "The new û holds floating-point numbers, which the next step cannot count.",
        "Keep what remember_labels returns.",
        edits=((_STATE, 'return mask, {"latest": updated.float()}'),),
    ),
    Mutant(
        "changed in place",
        name="the state written into",
        edits=((_STATE, 'state["latest"] = updated\n        return mask, state'),),
    ),
    Mutant(
        "state before the mask",
        "The rule returns the state first, then the mask.",
        "The rule has to return (mask, state).",
        edits=((_STATE, 'return {"latest": updated}, mask'),),
    ),
    Mutant(
        "mask alone",
        "The rule returns the mask alone.",
        "The rule has to return (mask, state).",
        edits=((_STATE, "return mask"),),
    ),
    Mutant(
        "metrics of the next step",
        "The metrics show the thresholds after this step, not those by which it was masked.",
        "They come from û as it was before the step.",
        edits=(
            (
                _METRICS_LINE,
                'counts = learning_status(state["latest"], hparams.n_classes)\n'
                f"    {_THRESHOLD_LINE}\n    {_METRICS_LINE}",
            ),
        ),
    ),
    Mutant(
        "counts as metrics",
        'The metrics "threshold/0" … hold the counts.',
        "They are the thresholds.",
        edits=((_METRICS_LINE, _METRICS_LINE.replace("enumerate(thresholds)", "enumerate(counts)")),),
    ),
    Mutant(
        "shares as metrics",
        'The metrics "threshold/0" … are not multiplied by τ.',
        "They are the thresholds.",
        edits=((_METRICS_LINE, _METRICS_LINE.replace("value for c", "value / hparams.threshold for c")),),
    ),
    Mutant(
        "names without the slash",
        "The names of the thresholds' metrics are not those of the docstring.",
        'They are "threshold/0", "threshold/1" and so on.',
        edits=((_METRICS_LINE, _METRICS_LINE.replace("threshold/{c}", "threshold_{c}")),),
    ),
    Mutant(
        "without the temperature",
        "T is replaced by 1 in the settings that fixmatch_loss gets.",
        "Hand hparams on as they are.",
        edits=(
            (
                _LOSS_LINE,
                "from types import SimpleNamespace\n\n"
                "    hparams = SimpleNamespace(**{**vars(hparams), 'T': 1.0})\n"
                f"    {_LOSS_LINE}",
            ),
        ),
    ),
    Mutant(
        "û shifted",
        "The labels enter û one position too far.",
        'The positions are batch["index"].',
        edits=((_REMEMBER, _REMEMBER.replace('batch["index"]', '(batch["index"] + 1) % len(latest)')),),
    ),
    Mutant(
        "positions as classes",
        "The thresholds are looked up by the images' positions.",
        "Call flexible_mask with the pseudo-labels.",
        edits=(
            (
                _MASK_LINE,
                'mask = flexible_mask(confidence, batch["index"] % hparams.n_classes, thresholds)',
            ),
        ),
    ),
    Mutant(
        "thresholds of the true labels",
        "The thresholds are looked up by the true labels, which nobody has in practice.",
        "Call flexible_mask with the pseudo-labels.",
        edits=((_MASK_LINE, _MASK_LINE.replace("pseudo_labels", 'batch["y_unlabeled"]')),),
    ),
    Mutant(
        "loss weighed by λ again",
        "The total loss is multiplied by λ_u once more.",
        "The total that fixmatch_loss returns is final.",
        edits=((_LOSS_LINE, f"{_LOSS_LINE}\n    total = hparams.lambda_u * total"),),
    ),
    Mutant(
        "fixed threshold for the loss",
        name="both thresholds have to be reached",
        edits=((_MASK_LINE, f"{_MASK_LINE} & (confidence >= hparams.threshold)"),),
    ),
    Mutant(
        "mean of the thresholds",
        "All images are compared with the mean of the thresholds.",
        "Call flexible_mask: each image has the threshold of its own class.",
        edits=((_MASK_LINE, "mask = confidence >= thresholds.mean()"),),
    ),
    Mutant(
        "classes of û",
        "The number of classes is read off û, which lacks some at first.",
        "Use hparams.n_classes.",
        edits=(
            ("learning_status(latest, hparams.n_classes)", "learning_status(latest, int(latest.max()) + 1)"),
        ),
    ),
    Mutant(
        "thresholds of the guesses",
        "The pseudo-labels of this batch are counted, in place of û.",
        "Count û, which is in state.",
        edits=(
            (
                _MASK_LINE,
                "guessed = torch.bincount(pseudo_labels, minlength=hparams.n_classes)\n        "
                "now = flexible_thresholds(guessed, len(latest), hparams.threshold)\n        "
                "mask = flexible_mask(confidence, pseudo_labels, now)",
            ),
        ),
    ),
    Mutant(
        "flexible thresholds for û",
        name="what counts is remembered",
        edits=(
            (
                _REMEMBER,
                'remember_labels(latest, batch["index"], mask.float(), pseudo_labels, 1.0)',
            ),
        ),
    ),
    Mutant(
        "old state",
        name="state before the rule",
        edits=((_LOSS_LINE, _LOSS_LINE.replace("total, state, metrics", "total, _, metrics")),),
    ),
    leaves_behind(
        MODE,
        edits=((_LOSS_LINE, f"{_LOSS_LINE}\n    model.eval()"),),
    ),
    leaves_behind(
        NEED,
        edits=((_LOSS_LINE, f"{_LOSS_LINE}\n    model.requires_grad_(False)"),),
    ),
    leaves_behind(
        SWITCH,
        edits=((_LOSS_LINE, f"{_LOSS_LINE}\n    torch.set_grad_enabled(False)"),),
    ),
    leaves_behind(
        DTYPE,
        edits=((_LOSS_LINE, f"{_LOSS_LINE}\n    torch.set_default_dtype(torch.float16)"),),
    ),
    leaves_behind(
        HOOK,
        edits=((_LOSS_LINE, f"model.register_forward_hook(lambda *given: None)\n    {_LOSS_LINE}"),),
    ),
    leaves_behind(
        GRADIENT,
        edits=((_LOSS_LINE, f"{_LOSS_LINE}\n    total.backward(retain_graph=True)"),),
    ),
)

_ALTERNATIVES = {
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
    "a method of a class, state copied first": """
class FlexRule:
    def __init__(self, state, batch, hparams):
        self.state = {"latest": state["latest"].clone()}
        self.batch, self.hparams = batch, hparams
        latest = self.state["latest"]
        counts = learning_status(latest, hparams.n_classes)
        self.thresholds = flexible_thresholds(counts, latest.shape[0], hparams.threshold)

    def select(self, confidence, pseudo_labels):
        self.state["latest"] = remember_labels(
            self.state["latest"], self.batch["index"], confidence, pseudo_labels, self.hparams.threshold
        )
        return flexible_mask(confidence, pseudo_labels, self.thresholds), self.state

def flexmatch_loss(model, state, batch, hparams):
    rule = FlexRule(state, batch, hparams)
    total, new_state, metrics = fixmatch_loss(model, state, batch, hparams, rule.select)
    for c in range(hparams.n_classes):
        metrics[f"threshold/{c}"] = rule.thresholds[c].detach()
    return total, new_state, metrics
""",
    "keyword arguments throughout": """
def flexmatch_loss(model, state, batch, hparams):
    thresholds = flexible_thresholds(
        counts=learning_status(latest=state["latest"], n_classes=hparams.n_classes),
        n_unlabeled=len(state["latest"]),
        threshold=hparams.threshold,
    )

    def select(confidence, pseudo_labels):
        new = remember_labels(
            latest=state["latest"], index=batch["index"], confidence=confidence,
            pseudo_labels=pseudo_labels, threshold=hparams.threshold,
        )
        mask = flexible_mask(confidence=confidence, pseudo_labels=pseudo_labels, thresholds=thresholds)
        return mask, {**state, "latest": new}

    result = fixmatch_loss(model=model, state=state, batch=batch, hparams=hparams, select=select)
    result[2].update(zip((f"threshold/{c}" for c in range(hparams.n_classes)), thresholds))
    return result
""",
}

_EQUIVALENTS = (
    Equivalent(
        "either threshold reached",
        "A flexible threshold is never above τ, so an image that reaches τ reaches its own threshold.",
        edits=((_MASK_LINE, f"{_MASK_LINE} | (confidence >= hparams.threshold)"),),
    ),
    Equivalent(
        "only images that count are remembered",
        "A flexible threshold is never above τ, so an image that reaches τ counts as well.",
        edits=(('batch["index"], confidence,', 'batch["index"], mask * confidence,'),),
    ),
    Equivalent(
        "updated before the mask",
        "The mask is computed from thresholds that are there already; the order of the two lines is free.",
        edits=(
            (
                "        mask = flexible_mask(confidence, pseudo_labels, thresholds)\n"
                '        updated = remember_labels(latest, batch["index"], confidence, pseudo_labels, '
                "hparams.threshold)\n",
                '        updated = remember_labels(latest, batch["index"], confidence, pseudo_labels, '
                "hparams.threshold)\n"
                "        mask = flexible_mask(confidence, pseudo_labels, thresholds)\n",
            ),
        ),
    ),
)


def _apart(inputs: Inputs) -> bool:
    """No ties, and no probability near τ or near the flexible threshold of any class."""
    latest, tau = inputs["latest"], inputs["threshold"]
    counts = np.bincount(latest + 1, minlength=inputs["n_classes"] + 1)
    beta = counts[1:] / max(counts[1:].max(), counts[0])
    limits = np.append(tau * beta / (2 - beta), tau)
    distances = np.abs(confidence_of(inputs)[:, None] - limits)
    return no_ties(inputs) and bool(np.all(distances > 0.005))


def _memory(rng: Rng, without: tuple[int, int], n_classes: int = 4) -> np.ndarray:
    counts = [
        int(n)
        for n in rng.permutation([size(rng, 12, 18), size(rng, 1, 3), *rng.randint(3, 12, n_classes - 2)])
    ]
    return flexmatch.latest_of(rng, counts, size(rng, *without))


def _flex(without: tuple[int, int]) -> Draw:
    def draw(rng: Rng) -> Inputs:
        n = size(rng, 10, 14)
        gaps = [UNSURE, flexmatch.MEDIUM, SURE, FAIRLY_SURE] * 4
        weak = [gaps[:n][i] for i in rng.permutation(n)]
        top = rng.permutation(np.arange(n) % 4)
        strong = draw_gaps(rng, n)
        drawn = views(rng, labeled=draw_gaps(rng, size(rng, 3, 6)), weak=weak, strong=strong, top_weak=top)
        latest = _memory(rng, without)
        index = rng.permutation(len(latest))[:n]
        chosen = draw_settings(rng, number(rng, 0.85, 0.93), number(rng, 0.8, 1.0))
        return {"latest": latest, "index": index} | drawn | chosen

    return until(draw, _apart)


_after = _flex((3, 8))


def _first_step(rng: Rng) -> Inputs:
    inputs = _after(rng)
    return inputs | {"latest": np.full_like(inputs["latest"], -1)}


def _all_labeled(rng: Rng) -> Inputs:
    return _flex((0, 0))(rng) | {"T": number(rng, 0.45, 0.6), "threshold": number(rng, 0.7, 0.8)}


def _tau_decides(inputs: Inputs) -> bool:
    """Without T, or with a τ of .95, other images would be remembered."""
    sure = confidence_of(inputs) >= inputs["threshold"]
    others = (confidence_of(inputs) >= 0.95, confidence_of(inputs | {"T": 1.0}) >= inputs["threshold"])
    return _apart(inputs) and all(bool(np.any(sure != one)) for one in others)


def _few(rng: Rng) -> Inputs:
    n_classes = size(rng, 5, 8)
    weak = [(SURE, UNSURE, flexmatch.MEDIUM)[i] for i in rng.permutation(3)]
    drawn = views(rng, labeled=draw_gaps(rng, 2), weak=weak, strong=draw_gaps(rng, 3), n_classes=n_classes)
    latest = _memory(rng, (2, 6), n_classes)
    index = rng.permutation(len(latest))[:3]
    chosen = draw_settings(rng, number(rng, 0.6, 0.8), 0.9, n_classes)
    return {"latest": latest, "index": index} | drawn | chosen


def _steps(rng: Rng) -> Inputs:
    """Two batches of one N; what û becomes in between moves the thresholds, so that nothing may be near."""
    first = _after(rng)
    second = until(lambda rng: _after(rng) | {"latest": first["latest"], "T": first["T"]}, _apart)(rng)
    index = rng.permutation(len(first["latest"]))[: len(second["index"])]
    return first | other({name: second[name] for name in BATCH} | {"index": index})


def _memory_along(inputs: Inputs) -> bool:
    """Whether the three steps keep away from every threshold."""
    latest, tau = inputs["latest"].copy(), inputs["threshold"]
    for prefix in ("", "other ", ""):
        logits = inputs["logits of x_unlabeled_weak"]
        if prefix:
            images = inputs["other x_unlabeled_weak"]
            logits = images.reshape(len(images), -1) @ inputs["kernel"] + inputs["bias"]
        here = inputs | {"logits of x_unlabeled_weak": logits, "latest": latest}
        if not _apart(here):
            return False
        confident = confidence_of(here) >= tau
        latest = latest.copy()
        latest[inputs[f"{prefix}index"][confident]] = logits.argmax(axis=1)[confident]
    return True


_HIDDEN = {
    "some labels": Hidden("most images have a label, and the batch has sure and unsure ones", _after),
    "nothing labeled yet": Hidden("the first step: no image has a label", until(_first_step, _apart)),
    "during the warm-up": Hidden("more images are without a label than any class has", _flex((19, 24))),
    "all labeled": Hidden("all images have a label", until(_all_labeled, _tau_decides)),
    "small batches": Hidden("more classes than unlabeled images in the batch", until(_few, _apart)),
    "gradient": Hidden("the gradient for the parameters, as a training step computes it", _after),
    "three steps": Hidden("three steps that hand the state on", until(_steps, _memory_along)),
}

FLEXMATCH_LOSS = InstructorExercise(
    "flexmatch_loss",
    mutants=_MUTANTS,
    alternatives=_ALTERNATIVES,
    equivalents=_EQUIVALENTS,
    hidden=handed_on(also_on_a_gpu(_HIDDEN)),
)

EXERCISES = (FLEXMATCH_LOSS,)
