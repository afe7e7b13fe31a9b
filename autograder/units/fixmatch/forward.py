"""What instructors have of ``get_forward_fn``."""

from __future__ import annotations

import numpy as np

from autograder.units import InstructorExercise
from autograder.units.draws import size
from autograder.units.equivalent import Equivalent
from autograder.units.fixmatch.common import plain_images
from autograder.units.hidden import Hidden
from autograder.units.mutant import Mutant
from autograder.units.shared import keeps_a_trace
from course.checks.case import Inputs
from course.units.fixmatch.checks import forward

Rng = np.random.RandomState

_MUTANTS = (
    Mutant(
        "three calls",
        "The model is applied more than once, so BatchNorm sees the batches separately.",
        "Concatenate first, then call model.apply once.",
        body="""
            variables = {"params": params, "batch_stats": batch_stats}
            labeled, _ = model.apply(variables, x_labeled, mutable=["batch_stats"])
            weak, _ = model.apply(variables, x_unlabeled_weak, mutable=["batch_stats"])
            strong, updated = model.apply(variables, x_unlabeled_strong, mutable=["batch_stats"])
            return labeled, weak, strong, updated["batch_stats"]
            """,
        common="Making three separate passes. Everything runs, but the strong views are normalized by "
        "statistics of their own.",
    ),
    Mutant(
        "views exchanged",
        "The weak and the strong outputs are swapped.",
        "The order is labeled, weak, strong, whether you join, split or return.",
        edits=(("return labeled, weak, strong,", "return labeled, strong, weak,"),),
    ),
    Mutant(
        "joined in another order",
        "The images are not joined in the order labeled, weak, strong.",
        "Look at the list given to concatenate, and split accordingly.",
        edits=(
            (
                "jnp.concatenate([x_labeled, x_unlabeled_weak, x_unlabeled_strong]",
                "jnp.concatenate([x_labeled, x_unlabeled_strong, x_unlabeled_weak]",
            ),
        ),
    ),
    Mutant(
        "joined in another order",
        name="weak views first",
        edits=(
            (
                "jnp.concatenate([x_labeled, x_unlabeled_weak, x_unlabeled_strong]",
                "jnp.concatenate([x_unlabeled_weak, x_labeled, x_unlabeled_strong]",
            ),
        ),
    ),
    Mutant(
        "joined in another order",
        name="strong views first",
        edits=(
            (
                "jnp.concatenate([x_labeled, x_unlabeled_weak, x_unlabeled_strong]",
                "jnp.concatenate([x_unlabeled_strong, x_unlabeled_weak, x_labeled]",
            ),
        ),
    ),
    Mutant(
        "labeled last",
        "The labeled images come last in the joint batch, but are split off at its start.",
        "The order is labeled, weak, strong.",
        edits=(
            (
                "jnp.concatenate([x_labeled, x_unlabeled_weak, x_unlabeled_strong]",
                "jnp.concatenate([x_unlabeled_weak, x_unlabeled_strong, x_labeled]",
            ),
        ),
    ),
    Mutant(
        "equal thirds",
        "The output is cut into three equal parts, but the batches differ in size.",
        "Read the sizes from the shapes of the inputs.",
        edits=(("jnp.split(logits, [n_labeled, n_labeled + n_weak], axis=0)", "jnp.split(logits, 3)"),),
    ),
    Mutant(
        "old batch_stats",
        "The old batch_stats are returned, so BatchNorm's running statistics never change.",
        "model.apply returns the new ones as its second value.",
        edits=(('updated["batch_stats"]', "batch_stats"),),
        common="Returning the old statistics. Training looks normal, but validation, which uses them, is "
        "bad.",
    ),
    Mutant(
        "sizes instead of positions",
        "The sizes of the parts are used as the positions at which the logits are cut.",
        "The second cut is after the labeled and the weak images together.",
        edits=(("[n_labeled, n_labeled + n_weak]", "[n_labeled, n_weak]"),),
        common="Splitting at sizes instead of positions, or into three equal parts.",
    ),
    Mutant(
        "batch_stats not unpacked",
        'You return the whole dictionary of mutated collections, not its entry "batch_stats".',
        'Take ["batch_stats"] of the second value.',
        edits=(('updated["batch_stats"]', "updated"),),
    ),
    Mutant(
        "batch_stats dropped",
        "Three values are returned; the new batch_stats are missing.",
        "Return four values, the new batch_stats last.",
        edits=(('return labeled, weak, strong, updated["batch_stats"]', "return labeled, weak, strong"),),
    ),
    Mutant(
        "batch_stats first",
        "The new batch_stats are returned first; they come last.",
        "Look at the order in the docstring.",
        edits=(
            (
                'return labeled, weak, strong, updated["batch_stats"]',
                'return updated["batch_stats"], labeled, weak, strong',
            ),
        ),
    ),
    Mutant(
        "probabilities",
        "You return the softmax of the outputs; the exercise asks for logits.",
        "Return what the model returns.",
        edits=(("jnp.split(logits,", "jnp.split(jax.nn.softmax(logits),"),),
    ),
    Mutant(
        "strong view twice",
        "The strong views are in the joint batch twice, and the weak ones are missing.",
        "Look at the list given to concatenate.",
        edits=(
            (
                "jnp.concatenate([x_labeled, x_unlabeled_weak,",
                "jnp.concatenate([x_labeled, x_unlabeled_strong,",
            ),
        ),
    ),
    Mutant(
        "weak view twice",
        "The weak views are in the joint batch twice, so the network never sees the strong ones.",
        "Look at the list given to concatenate.",
        edits=(
            ("x_unlabeled_weak, x_unlabeled_strong], axis=0", "x_unlabeled_weak, x_unlabeled_weak], axis=0"),
        ),
    ),
    Mutant(
        "squeezed",
        "An axis of length 1 is dropped, so a batch of one image loses its batch axis.",
        "Look for squeeze.",
        edits=(
            (
                "return labeled, weak, strong,",
                "return jnp.squeeze(labeled), jnp.squeeze(weak), jnp.squeeze(strong),",
            ),
        ),
    ),
    Mutant(
        "no gradient from the weak views",
        "The gradient of the weak outputs is cut here; that is up to the loss, not the forward pass.",
        "Look for stop_gradient.",
        edits=(("return labeled, weak, strong,", "return labeled, jax.lax.stop_gradient(weak), strong,"),),
    ),
    Mutant(
        "params as statistics",
        "The two entries of the variables are swapped.",
        "The key params takes params, and batch_stats takes batch_stats.",
        edits=(
            (
                '{"params": params, "batch_stats": batch_stats}',
                '{"params": batch_stats, "batch_stats": params}',
            ),
        ),
    ),
    Mutant(
        "fixed sizes",
        "The practical's batch sizes are hard-coded: the output is cut at 64 and at 512.",
        "Read the sizes from the shapes of the inputs.",
        edits=(("[n_labeled, n_labeled + n_weak]", "[64, 512]"),),
    ),
    Mutant(
        "fixed sizes",
        name="fixed sizes, in slices",
        edits=(
            (
                "jnp.split(logits, [n_labeled, n_labeled + n_weak], axis=0)",
                "logits[:64], logits[64:512], logits[512:]",
            ),
        ),
    ),
    Mutant(
        "batch_stats of the first call",
        "Later calls reuse the batch_stats of the first one.",
        "Give the model the batch_stats of each call.",
        edits=(
            (
                "x = jnp.concatenate",
                'model.first = getattr(model, "first", batch_stats)\n        x = jnp.concatenate',
            ),
            ('"batch_stats": batch_stats}', '"batch_stats": model.first}'),
        ),
    ),
    Mutant(
        "halves",
        "What follows the labeled images is cut in half, but the views may differ in number.",
        "Read the sizes from the shapes of the inputs.",
        edits=(
            (
                "labeled, weak, strong = jnp.split(logits, [n_labeled, n_labeled + n_weak], axis=0)",
                "labeled = logits[:n_labeled]\n        weak, strong = jnp.split(logits[n_labeled:], 2)",
            ),
        ),
    ),
    Mutant(
        "number of the strong views",
        "The number of strong views is used as that of the weak ones.",
        "Which batch comes second?",
        edits=(("x_unlabeled_weak.shape[0]", "x_unlabeled_strong.shape[0]"),),
    ),
    Mutant(
        "number of the weak views at the end",
        "As many strong views are taken from the end as there are weak ones.",
        "The strong views are whatever follows the weak ones.",
        edits=(
            (
                'return labeled, weak, strong, updated["batch_stats"]',
                'return labeled, weak, logits[-n_weak:], updated["batch_stats"]',
            ),
        ),
    ),
    Mutant(
        "sizes exchanged",
        "The number of weak views is used as that of the labeled images, and the other way round.",
        "Read the size of each batch from its own shape.",
        edits=(("n_labeled, n_weak = x_labeled", "n_weak, n_labeled = x_labeled"),),
    ),
    Mutant(
        "seven times as many",
        "The output is cut as if there were seven weak and seven strong views for each labeled image.",
        "μ is 7 in the paper alone: read the sizes from the shapes of the inputs.",
        body="""
            x = jnp.concatenate([x_labeled, x_unlabeled_weak, x_unlabeled_strong], axis=0)
            logits, updated = model.apply(
                {"params": params, "batch_stats": batch_stats}, x, mutable=["batch_stats"]
            )
            n = x.shape[0] // 15
            return logits[:n], logits[n : 8 * n], logits[8 * n :], updated["batch_stats"]
            """,
    ),
    Mutant(
        "one strong view lost",
        "The first strong view is left out.",
        "Where a slice ends, the next one begins: no number in between.",
        edits=(
            (
                'return labeled, weak, strong, updated["batch_stats"]',
                'return labeled, weak, strong[1:], updated["batch_stats"]',
            ),
        ),
    ),
    Mutant(
        "number of the labeled",
        "The weak views are cut off as if there were as many as labeled images.",
        "Read the size of each batch from its own shape.",
        edits=(("[n_labeled, n_labeled + n_weak]", "[n_labeled, 2 * n_labeled]"),),
    ),
    Mutant(
        "one image too late",
        "The labeled part holds one image too many.",
        "Python's slices end before their second number.",
        edits=(("[n_labeled, n_labeled + n_weak]", "[n_labeled + 1, n_labeled + n_weak]"),),
    ),
    Mutant(
        "one weak view too many",
        "The weak part holds one image too many.",
        "Python's slices end before their second number.",
        edits=(("[n_labeled, n_labeled + n_weak]", "[n_labeled, n_labeled + n_weak + 1]"),),
    ),
    Mutant(
        "labeled by themselves",
        "The labeled images go through the network in a call of their own.",
        "BatchNorm has to see all images at once: one call of model.apply.",
        body="""
            variables = {"params": params, "batch_stats": batch_stats}
            labeled, _ = model.apply(variables, x_labeled, mutable=["batch_stats"])
            x = jnp.concatenate([x_unlabeled_weak, x_unlabeled_strong], axis=0)
            logits, updated = model.apply(variables, x, mutable=["batch_stats"])
            weak, strong = jnp.split(logits, [x_unlabeled_weak.shape[0]], axis=0)
            return labeled, weak, strong, updated["batch_stats"]
            """,
    ),
    Mutant(
        "labeled by themselves",
        name="labeled first, and their statistics for the others",
        body="""
            variables = {"params": params, "batch_stats": batch_stats}
            labeled, updated = model.apply(variables, x_labeled, mutable=["batch_stats"])
            variables = {"params": params, "batch_stats": updated["batch_stats"]}
            x = jnp.concatenate([x_unlabeled_weak, x_unlabeled_strong], axis=0)
            logits, updated = model.apply(variables, x, mutable=["batch_stats"])
            weak, strong = jnp.split(logits, [x_unlabeled_weak.shape[0]], axis=0)
            return labeled, weak, strong, updated["batch_stats"]
            """,
    ),
    Mutant(
        "one after the other",
        "The batches go through the network one after the other, each with the statistics of the last.",
        "BatchNorm has to see all images at once: one call of model.apply.",
        body="""
            outputs = []
            for x in (x_labeled, x_unlabeled_weak, x_unlabeled_strong):
                variables = {"params": params, "batch_stats": batch_stats}
                logits, updated = model.apply(variables, x, mutable=["batch_stats"])
                batch_stats = updated["batch_stats"]
                outputs.append(logits)
            return (*outputs, batch_stats)
            """,
    ),
    Mutant(
        "evaluation mode",
        "model.apply was called without mutable, so the network ran in evaluation mode.",
        "Look at your call to the model and at the steps in the comments.",
        body="""
            x = jnp.concatenate([x_labeled, x_unlabeled_weak, x_unlabeled_strong], axis=0)
            logits = model.apply({"params": params, "batch_stats": batch_stats}, x)
            n_labeled, n_weak = x_labeled.shape[0], x_unlabeled_weak.shape[0]
            labeled, weak, strong = jnp.split(logits, [n_labeled, n_labeled + n_weak], axis=0)
            return labeled, weak, strong, batch_stats
            """,
    ),
    Mutant(
        "evaluation mode",
        name="other collection",
        edits=(('mutable=["batch_stats"]', 'mutable=["params"]'),),
    ),
    Mutant(
        "averaged again",
        "The new batch_stats are averaged with the old ones, which BatchNorm has done already.",
        "Return the statistics as model.apply gives them.",
        edits=(
            (
                'updated["batch_stats"]',
                'jax.tree.map(lambda old, new: 0.9 * old + 0.1 * new, batch_stats, updated["batch_stats"])',
            ),
        ),
    ),
    Mutant(
        "scaled again",
        "The images are divided by 255, though the docstring gives them as float32.",
        "Give the model the images as they come.",
        edits=(("x_unlabeled_strong], axis=0)", "x_unlabeled_strong], axis=0) / 255"),),
    ),
    Mutant(
        "half precision",
        "The images are turned into bfloat16, so the logits have two to three digits.",
        "Look for astype and for a dtype in your code.",
        edits=(
            (
                "x_unlabeled_strong], axis=0)",
                "x_unlabeled_strong], axis=0).astype(jnp.bfloat16).astype(jnp.float32)",
            ),
        ),
    ),
    Mutant(
        "backwards",
        "The images go through the network in reverse order, and the logits are not turned back.",
        "Look for an index with −1, and for flip.",
        edits=(("jnp.split(logits,", "jnp.split(logits[::-1],"),),
    ),
    Mutant(
        "log-probabilities",
        "You return log-probabilities; the exercise asks for logits.",
        "Return what the model returns.",
        edits=(("jnp.split(logits,", "jnp.split(jax.nn.log_softmax(logits),"),),
    ),
    Mutant(
        "most probable classes",
        "You return the most probable classes; the exercise asks for logits.",
        "Return what the model returns.",
        edits=(("jnp.split(logits,", "jnp.split(jnp.argmax(logits, axis=-1),"),),
    ),
    Mutant(
        "logits in a tuple of their own",
        "The three logits are in a tuple of their own, so two values are returned.",
        "Return four values.",
        edits=(("return labeled, weak, strong,", "return (labeled, weak, strong),"),),
    ),
    Mutant(
        "no gradient from the labeled",
        "The gradient of the labeled outputs is cut here; the loss needs it.",
        "Look for stop_gradient.",
        edits=(("return labeled, weak, strong,", "return jax.lax.stop_gradient(labeled), weak, strong,"),),
    ),
    Mutant(
        "no gradient from the strong views",
        "The gradient of the strong outputs is cut here; the loss needs it.",
        "Look for stop_gradient.",
        edits=(("return labeled, weak, strong,", "return labeled, weak, jax.lax.stop_gradient(strong),"),),
    ),
    Mutant(
        "no gradient at all",
        "No gradient reaches the parameters, so training could not change anything.",
        "Look for stop_gradient.",
        edits=(
            (
                "labeled, weak, strong = jnp.split(logits,",
                "labeled, weak, strong = jnp.split(jax.lax.stop_gradient(logits),",
            ),
        ),
    ),
    Mutant(
        "along the height",
        "The batches are joined along another axis than the batch axis.",
        "Look at the axis of concatenate: images stand below each other along the first.",
        edits=(("x_unlabeled_strong], axis=0)", "x_unlabeled_strong], axis=1)"),),
    ),
    Mutant(
        "sizes of the first call",
        "Later calls cut the logits at the sizes of the first one.",
        "Read the sizes in every call.",
        edits=(
            (
                "n_labeled, n_weak = x_labeled.shape[0], x_unlabeled_weak.shape[0]",
                "sizes = x_labeled.shape[0], x_unlabeled_weak.shape[0]\n"
                '        n_labeled, n_weak = vars(model).setdefault("sizes", sizes)',
            ),
        ),
    ),
    keeps_a_trace(
        edits=(
            (
                "n_labeled, n_weak =",
                'globals().setdefault("seen", []).append(logits)\n        n_labeled, n_weak =',
            ),
        ),
    ),
)

_ALTERNATIVES = {
    "slices": """
def get_forward_fn(model):
    def forward(params, batch_stats, x_labeled, x_unlabeled_weak, x_unlabeled_strong):
        x = jnp.concatenate([x_labeled, x_unlabeled_weak, x_unlabeled_strong])
        y, new = model.apply({"params": params, "batch_stats": batch_stats}, x, mutable=["batch_stats"])
        a, b = len(x_labeled), len(x_labeled) + len(x_unlabeled_weak)
        return y[:a], y[a:b], y[b:], new["batch_stats"]
    return forward
""",
    "vstack and two splits": """
def get_forward_fn(model):
    @jax.jit
    def forward(params, batch_stats, x_labeled, x_unlabeled_weak, x_unlabeled_strong):
        x = jnp.vstack((x_labeled, x_unlabeled_weak, x_unlabeled_strong))
        y, new = model.apply(dict(params=params, batch_stats=batch_stats), x, mutable=["batch_stats"])
        labeled, unlabeled = jnp.split(y, [x_labeled.shape[0]])
        weak, strong = jnp.split(unlabeled, [x_unlabeled_weak.shape[0]])
        return labeled, weak, strong, new["batch_stats"]
    return forward
""",
    "dynamic slices": """
def get_forward_fn(model):
    def forward(params, batch_stats, x_labeled, x_unlabeled_weak, x_unlabeled_strong):
        parts = [x_labeled, x_unlabeled_weak, x_unlabeled_strong]
        y, new = model.apply(
            {"params": params, "batch_stats": batch_stats}, jnp.concatenate(parts), mutable=["batch_stats"]
        )
        outputs, start = [], 0
        for part in parts:
            outputs.append(jax.lax.dynamic_slice_in_dim(y, start, part.shape[0]))
            start += part.shape[0]
        return (*outputs, new["batch_stats"])
    return forward
""",
    "a list is returned": """
def get_forward_fn(model):
    def forward(params, batch_stats, x_labeled, x_unlabeled_weak, x_unlabeled_strong):
        x = jnp.concatenate([x_labeled, x_unlabeled_weak, x_unlabeled_strong])
        y, new = model.apply({"params": params, "batch_stats": batch_stats}, x, mutable=["batch_stats"])
        n, m = x_labeled.shape[0], x_unlabeled_weak.shape[0]
        return [*jnp.split(y, np.cumsum([n, m])), new["batch_stats"]]
    return forward
""",
    "frozen variables and a tuple of collections": """
from flax.core import freeze

def get_forward_fn(model):
    def forward(params, batch_stats, x_labeled, x_unlabeled_weak, x_unlabeled_strong):
        variables = freeze({"params": params, "batch_stats": batch_stats})
        x = jnp.append(jnp.append(x_labeled, x_unlabeled_weak, axis=0), x_unlabeled_strong, axis=0)
        y, new = model.apply(variables, x, mutable=("batch_stats",))
        n, m = x_labeled.shape[0], x_unlabeled_weak.shape[0]
        return y[jnp.arange(n)], y[n:n + m], y[n + m:], new["batch_stats"]
    return forward
""",
    "jitted with another helper": """
def join(*batches):
    return jnp.concatenate(batches, axis=0), np.cumsum([b.shape[0] for b in batches])[:-1]

def get_forward_fn(model):
    def forward(params, batch_stats, x_labeled, x_unlabeled_weak, x_unlabeled_strong):
        x, cuts = join(x_labeled, x_unlabeled_weak, x_unlabeled_strong)
        y, new = model.apply({"params": params, "batch_stats": batch_stats}, x, mutable="batch_stats")
        labeled, weak, strong = jnp.split(y, cuts)
        return labeled, weak, strong, new["batch_stats"]
    return jax.jit(forward)
""",
    "keyword calls": """
def get_forward_fn(model):
    def forward(params, batch_stats, x_labeled, x_unlabeled_weak, x_unlabeled_strong):
        x = jnp.concatenate(arrays=[x_labeled, x_unlabeled_weak, x_unlabeled_strong], axis=0)
        variables = {"batch_stats": batch_stats, "params": params}
        logits, state = model.apply(variables=variables, x=x, mutable=["batch_stats"])
        n, m = x_labeled.shape[0], x_unlabeled_weak.shape[0]
        labeled, weak, strong = jnp.split(ary=logits, indices_or_sections=[n, n + m], axis=0)
        return labeled, weak, strong, state["batch_stats"]
    return forward
""",
    "dynamic slices under jit": """
def get_forward_fn(model):
    @jax.jit
    def forward(params, batch_stats, *images):
        variables = {"params": params, "batch_stats": batch_stats}
        logits, updated = model.apply(variables, jnp.concatenate(images), mutable=["batch_stats"])
        starts = np.cumsum([0, *(len(x) for x in images)])
        labeled, weak, strong = (
            jax.lax.dynamic_slice(logits, (start, 0), (len(x), logits.shape[1]))
            for start, x in zip(starts, images)
        )
        return labeled, weak, strong, updated["batch_stats"]
    return forward
""",
    "a named tuple": """
from typing import Any, NamedTuple

class Outputs(NamedTuple):
    labeled: Any
    weak: Any
    strong: Any
    batch_stats: Any

def get_forward_fn(model):
    def forward(params, batch_stats, x_labeled, x_unlabeled_weak, x_unlabeled_strong):
        x = jnp.concatenate([x_labeled, x_unlabeled_weak, x_unlabeled_strong])
        y, new = model.apply({"params": params, "batch_stats": batch_stats}, x, mutable=["batch_stats"])
        rows, n, m = jnp.arange(len(x)), len(x_labeled), len(x_unlabeled_weak)
        parts = [jnp.take(y, part, axis=0) for part in (rows[:n], rows[n:n + m], rows[n + m:])]
        return Outputs(*parts, new["batch_stats"])
    return forward
""",
    "a checkpointed pass": """
def get_forward_fn(model):
    @jax.checkpoint
    def forward(params, batch_stats, x_labeled, x_unlabeled_weak, x_unlabeled_strong):
        x = jnp.concatenate([x_labeled, x_unlabeled_weak, x_unlabeled_strong])
        y, new = model.apply({"params": params, "batch_stats": batch_stats}, x, mutable=["batch_stats"])
        n, m = x_labeled.shape[0], x_unlabeled_weak.shape[0]
        return (*jnp.split(y, [n, n + m]), new["batch_stats"])
    return forward
""",
    "a checkpointed network under jit": """
def get_forward_fn(model):
    network = jax.checkpoint(lambda variables, x: model.apply(variables, x, mutable=["batch_stats"]))

    @jax.jit
    def forward(params, batch_stats, x_labeled, x_unlabeled_weak, x_unlabeled_strong):
        views = [x_labeled, x_unlabeled_weak, x_unlabeled_strong]
        y, new = network({"params": params, "batch_stats": batch_stats}, jnp.concatenate(views))
        ends = [sum(len(x) for x in views[:i]) for i in range(4)]
        labeled, weak, strong = (y[ends[i]:ends[i + 1]] for i in range(3))
        return labeled, weak, strong, new["batch_stats"]
    return forward
""",
    "filled into an empty batch": """
def get_forward_fn(model):
    def forward(params, batch_stats, x_labeled, x_unlabeled_weak, x_unlabeled_strong):
        n, m, k = x_labeled.shape[0], x_unlabeled_weak.shape[0], x_unlabeled_strong.shape[0]
        x = jnp.zeros((n + m + k, *x_labeled.shape[1:]), dtype=jnp.float32)
        x = x.at[:n].set(x_labeled).at[n:n + m].set(x_unlabeled_weak).at[n + m:].set(x_unlabeled_strong)
        y, new = model.apply({"params": params, "batch_stats": batch_stats}, x, mutable=["batch_stats"])
        return y[:n], y[n:-k], y[-k:], new["batch_stats"]
    return forward
""",
}

_EQUIVALENTS = (
    Equivalent(
        "cut from the end",
        "Where the strong views begin can be counted from either end.",
        edits=(("[n_labeled, n_labeled + n_weak]", "[n_labeled, len(x) - len(x_unlabeled_strong)]"),),
    ),
    Equivalent(
        "joined in another way",
        "The order is the same.",
        edits=(
            (
                "jnp.concatenate([x_labeled, x_unlabeled_weak, x_unlabeled_strong], axis=0)",
                "jnp.concatenate([jnp.concatenate([x_labeled, x_unlabeled_weak]), x_unlabeled_strong])",
            ),
        ),
    ),
    Equivalent(
        "gradient cut for the new batch_stats",
        "No loss depends on them; they are handed on to the next step as numbers.",
        edits=(('updated["batch_stats"]', 'jax.lax.stop_gradient(updated["batch_stats"])'),),
    ),
)


def _rows(rng: Rng) -> Inputs:
    """Inputs of ``mocks.MockModel``, whose logits say at which row an image stands."""
    images = plain_images(rng, 1, 2)
    return {"params": -size(rng, 2, 5), "batch_stats": size(rng, 2, 5), **images}


def _other_sizes(rng: Rng) -> Inputs:
    """An even number of views, so that they can be halved, though they are not as many of either."""
    weak = size(rng, 6, 9)
    return forward.draw_batches(size(rng, 2, 4), weak, weak + 2 * size(rng, 1, 2) * rng.choice([-1, 1]))(rng)


# Sizes as in the public cases, so that a class compiles the same operations; "other sizes" draws others.
_HIDDEN = {
    "published": Hidden("a model whose logits show which row of the batch an image is in", _rows),
    "other sizes": Hidden("distinct logits, and BatchNorm over all images", _other_sizes),
    "single images": Hidden("batches of one image each", forward.draw_batches(1, 1, 1)),
    "large batches": Hidden("batches as large as in a long training run", forward.draw_batches(66, 450, 450)),
    "gradient": Hidden("the gradient for the parameters under jit", forward.draw_batches(3, 5, 5)),
    "called again": Hidden("three calls of one forward function", forward.two_calls),
}

GET_FORWARD_FN = InstructorExercise(
    "get_forward_fn",
    mutants=_MUTANTS,
    alternatives=_ALTERNATIVES,
    equivalents=_EQUIVALENTS,
    hidden=_HIDDEN,
)

EXERCISES = (GET_FORWARD_FN,)
