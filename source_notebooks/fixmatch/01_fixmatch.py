# ---
# jupyter:
#   accelerator: GPU
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown] about="unit"

# %% [markdown]
# ## Before you start
#
# You read, you run cells, and in seven places you write a function. Below each of your functions is a *check*: it says
# whether the function is right, and if not, why. Four questions ask for written answers, which a person reads.
#
# At **Predict**, replace the dots with a number and run the cell before you go on to the next one. You remember a wrong
# guess better than a number you have only read.
#
# **Stuck?** In a cell of your own, `course.hint("get_forward_fn", 1)` gives a nudge and
# `course.hint("get_forward_fn", 2)` a plan. The loss has a third: its steps, for you to put in order. Hints cost nothing.
#
# **In Colab**, save the notebook to your Drive (*File*, *Save a copy in Drive*) and mount your Drive (file panel on the
# left, *Mount Drive*) before you run the next cell. Everything else is lost when the Colab session ends.
#
# The next two cells are collapsed. Run them anyway.

# %% setup="true" tags=["nbval-ignore-output"]

# %% locked="imports"
import dataclasses
from time import perf_counter

import course.figures
import course.units.fixmatch.figures
import course.units.fixmatch.sliders
import course.units.fixmatch.trust
import course.training
import jax
import jax.numpy as jnp
import numpy as np
from course.augment import (
    LabeledDataAug,
    StrongAugmentation,
    UnlabeledDataAug,
    WeakAugmentation,
    cutout_func,
    image_to_numpy,
    rand_augment,
)
from course.augment.jax import JaxViews
from course.augment.on_device import LabeledBatchAug, UnlabeledBatchAug, suits
from course.checks.mocks import MockGetParams, MockHparams, MockModel, ValMockModel
from course.data import load_dataset, make_shapes
from course.data.loaders import (
    NumpyLoader,
    get_training_generator,
    get_validation_generator,
    numpy_collate,
)
from course.data.split import stratified_split, subset_by_indices
from course.training import (
    get_ema_params,
    l2_penalty,
    load_checkpoint,
    load_provided_checkpoint,
    paired_batches,
    read_metrics,
    train_loop,
    warn_if_partial,
)
from course.training.modes import DATA_SETS, fixmatch_hparams
from course.units.fixmatch.frozen import fit_linear, frozen_features

session_began = perf_counter()
course.begin("fixmatch", env)

# %% [markdown]
# ## 1. The idea in one picture
#
# A label costs a person's time, and often an expert's. An image without a label costs almost nothing.
# *Semi-supervised learning* trains a classifier on a few labeled examples **and** on many unlabeled ones, in the hope
# that the unlabeled ones show where the classes lie.
#
# First try its main problem yourself. A network, a third of the way through its training, has looked at 40 unlabeled
# images, and some of what it says is wrong. Which predictions would you train on, as if they were labels?

# %% tags=["figure", "nbval-ignore-output"]
course.units.fixmatch.trust.show_predictions()


def trust(probabilities):
    """Your rule, which is not graded: probabilities, (40, 10), to 40 values True or False."""
    return ...  # replace the dots


# Or pick by hand: pass a list of the images' numbers in place of the function.
course.units.fixmatch.trust.score(trust)

# %% [markdown]
# A strict rule leaves little to learn from; a generous one learns from mistakes.
#
# You will write FixMatch (Sohn et al., 2020, [1]), which has a very simple rule. It makes two views of each unlabeled
# image. The **weak** view $\alpha(u)$ is flipped at random and shifted a little. The **strong** view $\mathcal A(u)$ is
# changed so much that it is hard to recognize. The network predicts on the weak view. If it is confident, its
# prediction becomes the **pseudo-label** that the strong view has to match.

# %% tags=["figure", "nbval-ignore-output"]
course.units.fixmatch.figures.pipeline(make_shapes(10, 10, seed=4).train, 7, WeakAugmentation(), StrongAugmentation())

# %% [markdown]
# ## 2. Three small functions
#
# We begin with the smallest pieces of the loss. You write them in JAX; these five points are enough to start:
#
# - `jax.numpy`, here `jnp`, has NumPy's functions. Its arrays cannot be changed in place.
# - `jax.grad(f)` is a *function*: the derivative of `f` with respect to its first argument.
#   `jax.value_and_grad(f, has_aux=True)` gives value and gradient of an `f` that returns `(loss, other things)`.
# - `jax.jit(f)` compiles `f` the first time it is called with arguments of given shapes. While compiling, JAX runs the
#   Python code once with placeholders; after that, the Python code no longer runs. So an `if` or a `print` inside sees
#   placeholders, and a loop is unrolled.
# - Nothing is hidden. Parameters, BatchNorm's statistics and the optimizer's state are arguments and return values.
# - Random numbers come from a key that you pass: `jax.random.PRNGKey(0)`.

# %% [markdown] about="logits_to_log_probs"
# title: From logits to log-probabilities
# minutes: 5
# points: 2
# difficulty: 1
# objectives:
#   - Turn logits into log-probabilities without overflow.
# prerequisites: []
# hints:
#   - >-
#     Start on paper: what is the logarithm of a quotient? Write log(e^z / Σ e^z) as a difference. One of the two terms needs no
#     computation at all; the other is one number per image.
#   - >-
#     The other term is the logarithm of a sum of exponentials. Use the stable function from the demonstration above, over the class axis,
#     and keep that axis (with length 1) so that the subtraction broadcasts row by row. Or find the function in `jax.nn` that does it all
#     at once.
# tiny: >-
#   One row of logits that are all 0, for two classes: each log-probability is that of a half, −0.693. Add 1,000 to both logits,
#   and nothing may change.
# idea: >-
#   Subtracting the same number from all logits of an image changes no probability. With the right number, the logarithm of the sum of
#   exponentials, the logits themselves become log-probabilities. You never have to exponentiate and then take the logarithm again.

# %% [markdown]
# The last layer outputs *logits* $z_c$, which can be any real numbers. Probabilities are their softmax, $p_c = e^{z_c} / \sum_k e^{z_k}$. Losses need the logarithm of this, and computing it in two steps is a trap: $e^{1000}$ is infinite in floating
# point, $\log 0$ is minus infinity, and a single such value turns every weight of the network into *not a number*.
#
# **Predict** what each way gives for the logits 1000 and 0.

# %% tags=["figure", "nbval-ignore-output"]
course.predict("finite_numbers", ...)

# %% tags=["figure", "nbval-ignore-output"]
big = jnp.array([1000.0, 0.0])
naive = jnp.log(jnp.exp(big) / jnp.exp(big).sum())
stable = big - jax.nn.logsumexp(big)
print("naive:      ", naive)
print("logsumexp:  ", stable)
course.reveal("finite_numbers", jnp.isfinite(jnp.stack([naive, stable])).sum())

# %% [markdown]
# This first exercise is almost done: only one line is missing.

# %% exercise="logits_to_log_probs"

# %% grade="logits_to_log_probs"
with course.practical_check("logits_to_log_probs", logits_to_log_probs):
    logits = jnp.array([[1.0, 0.2, 2.0, 3.0], [2.0, 2.0, 3.0, 0.3], [4.0, 0.1, 2.0, 3.0]])
    expected_log_probs = np.array(
        [
            [-2.4472625, -3.2472625, -1.4472625, -0.44726253],
            [-1.5894322, -1.5894322, -0.58943224, -3.2894323],
            [-0.42098188, -4.320982, -2.420982, -1.4209819],
        ]
    )
    np.testing.assert_array_almost_equal(logits_to_log_probs(logits), expected_log_probs, decimal=4)

course.check("logits_to_log_probs", logits_to_log_probs)

# %% [markdown]
# ### How this notebook works
#
# You have just run your first check. It first repeats a small published test, whose inputs and expected values you can
# see in the cell. Then it tries your function on cases that catch mistakes this test misses. A check has three answers:
#
# | answer | meaning |
# |:--|:--|
# | ○ not attempted | you have not changed the function yet |
# | ✗ incorrect | the check shows what it expected, what it got, and the likely reason |
# | ✓ correct | you have the points of this exercise |
#
# Run a check as often as you like. Keep the function's name, arguments and return values. Everything else is up to you,
# including helper functions in cells of your own. Name them as you like: the notebook calls what it needs from the
# course by its full name, such as `course.check`. When a check passes, a short explanation of the idea appears below
# it.
#
# Your guesses are saved with your progress in the work folder, and they stay in the notebook that you hand in. They are
# not graded.
#
# The next cell shows your progress. The table is saved with your logs, so it survives a kernel restart. Run the cell
# whenever you like.

# %% tags=["figure", "nbval-ignore-output"]
course.progress()

# %% [markdown] about="log_softmax_cross_entropy"
# title: Cross-entropy, one number per image
# minutes: 5
# points: 2
# difficulty: 1
# objectives:
#   - Write the cross-entropy of one-hot targets, and leave the averaging to the caller.
# prerequisites: []
# hints:
#   - >-
#     Take one image with three classes and label 1. Write its one-hot row below its log-probabilities. Which single number should come
#     out, and with what sign?
#   - >-
#     Multiply element by element: the zeros of the one-hot row remove every class except the label's. Then sum over the last axis only,
#     and flip the sign. What is left has the shape `(batch,)`.
# tiny: >-
#   One row with the log-probabilities of 0.25 and 0.75, and a one-hot row for the second class: one number comes out, 0.288.
# idea: >-
#   The cross-entropy with a one-hot target measures surprise: minus the log-probability that the network gave the label. It stays one
#   number per image, because FixMatch decides image by image what counts, and only then averages.

# %% [markdown]
# For one image the cross-entropy is $H(t, p) = -\sum_c t(c) \log p(c)$. With a one-hot target only one term is left. Write it for a whole batch at once, and return *one number for each image*: the mask has to be applied before anything is averaged.

# %% exercise="log_softmax_cross_entropy"

# %% grade="log_softmax_cross_entropy"
with course.practical_check("log_softmax_cross_entropy", log_softmax_cross_entropy):
    # The log-probabilities of the check above, with the labels 1, 2 and 3.
    log_probs = jnp.array(
        [
            [-2.4472625, -3.2472625, -1.4472625, -0.44726253],
            [-1.5894322, -1.5894322, -0.58943224, -3.2894323],
            [-0.42098188, -4.320982, -2.420982, -1.4209819],
        ]
    )
    targets = jax.nn.one_hot(jnp.array([1, 2, 3]), 4)
    returned = log_softmax_cross_entropy(log_probs, targets)
    # torch.nn.CrossEntropyLoss gives this mean for the same logits and labels.
    np.testing.assert_approx_equal(np.mean(returned), 1.7525589, significant=4)

course.check("log_softmax_cross_entropy", log_softmax_cross_entropy)

# %% [markdown]
# ### Functions that return functions
#
# From here on, most functions that you write return another function. The inner one *remembers* the arguments of the outer one; such a pair is called a closure. In JAX this is the usual way to fix settings once and then compile a function that no
# longer takes them as arguments.
#
# **Predict** the two numbers before you run the cell.

# %%
def outer_fn(low, high):
    width = high - low  # computed once, when outer_fn is called

    def inner_fn(x):
        return (x - low) / width  # low and width are remembered

    return inner_fn


between_10_and_20 = outer_fn(10, 20)  # a function of x alone
between_0_and_4 = outer_fn(0, 4)  # another one, with its own settings

between_10_and_20(15), between_0_and_4(1)

# %% [markdown] about="cosine_decay_schedule"
# title: The learning-rate schedule
# minutes: 10
# points: 2
# difficulty: 2
# objectives:
#   - Turn a formula with η, k and K into a function that returns a function.
# prerequisites: []
# hints:
#   - >-
#     The outer function remembers η, K and α. The inner one is given k and has to return a number for that k. Which letter in the formula
#     is which argument?
#   - >-
#     Build the angle first: π times α times the fraction of the run that is done. It has to be 0 at the start and 7π/16 at the end. Its
#     cosine scales η. Use functions from `jnp`: inside `jit` the step is a placeholder that `math` cannot read.
# tiny: >-
#   The first and the last step of a run, with alpha = 0.5: the rate is first the initial value and at the end 0.
# idea: >-
#   A large rate finds the region of a good solution; a small one settles into it. The cosine stays near its top for a long time and falls
#   fastest toward the end. Because it stops at 7/16 of π and not at a half, the rate never reaches zero, and the last steps still learn
#   something.

# %% [markdown]
# The learning rate falls slowly from $\eta$ along part of a cosine. With $K$ steps in all, step $k$ uses
#
# $$\eta_k = \eta \cos\!\left(\frac{7 \pi k}{16 K}\right).$$
#
# The fraction $7/16$ is the argument `alpha`. At the end, $\cos(7\pi/16) = 0.195$ of the rate is left.

# %% exercise="cosine_decay_schedule"

# %% grade="cosine_decay_schedule"
with course.practical_check("cosine_decay_schedule", cosine_decay_schedule):
    schedule = cosine_decay_schedule(3e-2, 2**20, 7 / 16)
    np.testing.assert_approx_equal(schedule(2**17), 0.02955833, significant=4)

course.check("cosine_decay_schedule", cosine_decay_schedule)

# %% [markdown]
# ## 3. Settings and data
#
# All settings are in one place, under the names that the code uses. First come FixMatch's own two, then those of any
# training run, and last how long to train and how often to log. To try others, use `dataclasses.replace(hparams, ...)`
# in a cell of your own.

# %% locked="settings"
runs_folder = env.work / "fixmatch" / env.mode

DATA = DATA_SETS[env.mode]
hparams = fixmatch_hparams(env.mode, logdir=f"{runs_folder / 'jaxlog-fixmatch'}")
general_key = jax.random.PRNGKey(hparams.seed)

# %% tags=["figure", "nbval-ignore-output"]
course.figures.settings(hparams)

# %% [markdown]
# **The ratio μ.** `mu` says how many unlabeled images a mini-batch holds for each labeled one. With $B$ labeled images,
#
# $$\text{unlabeled images in a mini-batch} = \mu B .$$
#
# In the paper $B = 64$ and $\mu = 7$: 448 unlabeled images, each in two views, so that one step passes
# $64 + 2 \cdot 448 = 960$ images through the network. The large μ has a purpose. Only the images that pass the
# threshold count, and early on these are few; a large μ makes sure that there are some.
#
# **An epoch** is as many steps as it takes to see every unlabeled image once: 112 for the 50,000 images of CIFAR-10 at
# 448 a step. In that time the labeled images come up many times.
#
# ### The images
#
# CIFAR-10 [8] has photographs of ten classes. Without a GPU, *CPU mode* uses fewer images of the same size, drawn by a
# program. Its network is a ResNet18 with a quarter of the channels; `mu` is the same as in the paper.

# %% locked="data"
splits = load_dataset(DATA)
train_dataset, test_dataset = splits.train, splits.test
print(train_dataset)
print(test_dataset)

# %% tags=["figure", "nbval-ignore-output"]
course.figures.class_examples(train_dataset)

# %% [markdown]
# ### Who gets a label
#
# The training images are split into three parts.
#
# - **Labeled**: a fixed number of each class, drawn at random. Drawing the same number of each class is called a *stratified* split. With few labels this matters: by chance alone, some class might get none.
# - **Validation**: held out from everything else, to monitor training. The test set is for one look at the very end. Anyone who picks the best of many runs by test error has used the test labels for training.
# - **Unlabeled**: all images that are not held out, *the labeled ones included*. Their labels are used for one purpose only: to report how often the pseudo-labels are wrong. The loss never sees them.
#
# A network that has already been trained on some labels must continue with the same ones; otherwise it would have seen more labels than the run reports. The checkpoint that your runs start from therefore lists its labeled images.

# %% locked="split"
found = env.find("fixmatch", "resnet18-cifar10-400.safetensors") if env.mode == "gpu" else None
starting_checkpoint = load_checkpoint(found) if found else load_provided_checkpoint(DATA)
labeled_dataset, rest = subset_by_indices(train_dataset, starting_checkpoint.labeled_indices)
validation_key = jax.random.fold_in(general_key, 1)
val_dataset, others = stratified_split(validation_key, rest, hparams.num_validation_samples_per_class)
unlabeled_dataset, _ = subset_by_indices(
    train_dataset, np.concatenate([labeled_dataset.indices, others.indices])
)
for part, dataset in {"labeled": labeled_dataset, "validation": val_dataset, "unlabeled": unlabeled_dataset}.items():
    counts = np.bincount(dataset.targets, minlength=dataset.num_classes)
    each = f"{counts.min():,d}" if counts.min() == counts.max() else f"{counts.min():,d} to {counts.max():,d}"
    print(f"{part:10s} {len(dataset):6,d} images, {each} of each class")

# %% [markdown]
# ### When few labels are all you have
#
# The paper's experiments throw labels away on purpose. In practice they were never there.

# %% [markdown] question="Q1"
# title: Question 1
# minutes: 5
# points: 2
# prompt: >-
#   Name an application in which semi-supervised learning would be indispensable, and say why.
# criteria:
#   - {points: 1, text: "The application is concrete: it is clear what one input is and what its label is."}
#   - {points: 1, text: "The answer explains, for this application, the cost of the two kinds of data."}

# %% [markdown]
# ## 4. Two views of one image
#
# Data augmentation is what makes FixMatch work. There is no exact line between weak and strong: a weak change leaves no
# doubt about the class, a strong one may. Each is a Python class with a `__call__` method, so you can pass it around
# like a function.
#
# ### The weak view
#
# Flip the image left to right with probability one half, then shift it by up to 4 pixels (12.5 % of its side) each way. The gap is filled with a reflection of the border.

# %% tags=["figure"]
from course.augment.views import flip_and_crop

course.figures.source(flip_and_crop, image_to_numpy, WeakAugmentation)

# %% [markdown]
# ### The strong view
#
# First a flip and a shift, drawn separately from the weak view's. Then two operations, drawn from the fourteen below, each applied with probability one half and with a strength drawn separately for every image. Last, *cutout* [5]: a gray square of
# 16 × 16 pixels, centered anywhere.

# %% tags=["figure"]
from course.augment import OPERATIONS

print(", ".join(operation.name for operation in OPERATIONS))
course.figures.source(rand_augment, cutout_func, StrongAugmentation)

# %% [markdown]
# **RandAugment and CTAugment.** Drawing operations at random is called RandAugment [3]. In the original, one strength is fixed for all images and tuned by a search. With a handful of labels there is no validation set to tune it on, so FixMatch draws
# the strength too. The authors' other choice is CTAugment [4], which learns during training which strengths the network can still handle; it is their default, and RandAugment is their variant. Earlier methods learned whole augmentation policies from
# labeled data [2].
#
# **Four details that are easy to lose**, none of which raises an error: a strong view without the flip and shift; a strength that is the same for every image; a cutout of 8 × 8 pixels because a side was halved twice; a black border instead of a
# reflected one. Each makes the two views differ less, or in a way that test images never do, and the result quietly gets worse.
#
# ### Look at them
#
# **Predict.** Which of the strong views below will you recognize at once, and in which would you have to guess? Change `positions` and `seed`, and run the cell again.

# %% tags=["figure", "nbval-ignore-output"]
positions, seed = [8, 3, 21], 0
course.figures.augmentation_grid(train_dataset, positions, WeakAugmentation(), StrongAugmentation(), seed=seed)

# %% [markdown] question="Q2"
# title: Question 2
# minutes: 10
# points: 3
# prompt: >-
#   Using a weak and a strong augmentation of one image follows an older idea, consistency regularization.
#   Describe consistency regularization in one sentence, and give one example of its use other than FixMatch.
# criteria:
#   - {points: 1, text: "One sentence says what has to agree with what."}
#   - {points: 1, text: "The example is a use of the idea and is not FixMatch itself."}
#   - {points: 1, text: "The answer says which perturbation the example uses, and how disagreement becomes a loss."}

# %% [markdown]
# ## 5. The loss
#
# ### Self-training and pseudo-labels
#
# Suppose a classifier has learned a little from its labeled images. Show it an unlabeled image, treat its prediction as
# the truth, and train on that as if a person had labeled it. Training a model on its own output is called
# **self-training**, and the label that the model made for itself is the pseudo-label. Two things can go wrong. A
# prediction that agrees with itself teaches nothing new. And a wrong prediction, once trusted, is learned.
#
# FixMatch counters the first with two different views of the image, and the second with a threshold.
#
# Methods for semi-supervised learning had become complicated: several losses, schedules for their weights, averaged
# predictions of past networks. FixMatch keeps two old and simple ideas, self-training and consistency. It combines them
# in one step, and it outperformed what came before.

# %% [markdown]
# ### The same in formulas
#
# Write $p_m(\cdot \mid x)$ for the class probabilities that the network gives for an image $x$, and $H(t, p) = -\sum_c t(c) \log p(c)$
# for the cross-entropy between a target $t$ and a prediction $p$. A mini-batch holds $B$ labeled images $x_1, \dots, x_B$ with
# labels $y_b$ (as one-hot vectors), and $\mu B$ unlabeled images $u_1, \dots, u_{\mu B}$.
#
# The **supervised loss** is the usual one, on weak views:
#
# $$\mathcal L_s = \frac1B \sum_{b=1}^{B} H\big(y_b,\; p_m(\cdot \mid \alpha(x_b))\big)$$
#
# For an unlabeled image let $q_b = p_m(\cdot \mid \alpha(u_b))$ be the prediction on its weak view, and $\hat q_b$ the one-hot vector of its most
# probable class $\arg\max_c q_b(c)$: the pseudo-label. It counts only if it is confident, that is, if its probability reaches the threshold $\tau$:
#
# $$\mathcal L_u = \frac{1}{\mu B} \sum_{b=1}^{\mu B} \mathbb 1\big[\max_c q_b(c) \ge \tau\big]\; H\big(\hat q_b,\; p_m(\cdot \mid \mathcal A(u_b))\big)$$
#
# The bracket $\mathbb 1[\dots]$ is 1 or 0 and is called the **mask**. The sum runs over *all* $\mu B$ unlabeled images and is divided by $\mu B$, however many of them pass. So early on, when few pass, the unlabeled loss is small, and it grows by
# itself as the network becomes more confident. Other methods need a schedule for that.
#
# $\hat q_b$ and the mask are *targets*: the strong prediction should move toward the weak one, never the other way around. No gradient flows through them.
#
# The **total loss** weighs the two and adds weight decay on the kernels $W$ of convolution and dense layers (not on biases, and not on
# BatchNorm's scales):
#
# $$\mathcal L = \mathcal L_s + \lambda_u\, \mathcal L_u + w \sum_{W} \lVert W \rVert^2$$
#
# $\lambda_u$ is 1 in the paper, so it is easy to forget.

# %% [markdown]
# ### Three numbers to try out
#
# Here is one mini-batch of a real run on `shapes`, after 100 of its 300 steps. Move τ, μ and λ_u with the mouse or the
# arrow keys. How do you get more images to count? What do you pay for it? Which of the three changes the loss but not
# which images count? The table below the sliders has a few settings, for a page without scripts.

# %% tags=["figure", "nbval-ignore-output"]
course.units.fixmatch.sliders.show()

# %% [markdown]
# **Weight decay.** The paper writes $5 \cdot 10^{-4} \cdot \tfrac12 \lVert W \rVert^2$. The function you are given,
# `l2_penalty`, has no $\tfrac12$, so `w_decay` is $2.5 \cdot 10^{-4}$ for the same effect.

# %% [markdown]
# ### Views and mini-batches
#
# An unlabeled image yields *two* arrays, a labeled one yields one. The two classes below do just that, which keeps the training loop simple.

# %% tags=["figure"]
course.figures.source(UnlabeledDataAug, LabeledDataAug)

# %% locked="transforms"
labeled_dataset = labeled_dataset.with_transform(LabeledDataAug())
unlabeled_dataset = unlabeled_dataset.with_transform(UnlabeledDataAug())
val_dataset = val_dataset.with_transform(image_to_numpy)
test_dataset = test_dataset.with_transform(image_to_numpy)

(x_weak, x_strong), y = unlabeled_dataset[8]
print(unlabeled_dataset)
print("weak view:  ", x_weak.shape, x_weak.dtype, f"from {x_weak.min():.2f} to {x_weak.max():.2f}")
print("strong view:", x_strong.shape, x_strong.dtype, f"from {x_strong.min():.2f} to {x_strong.max():.2f}")
print("class:      ", unlabeled_dataset.classes[y], "(known here, hidden from the loss)")

# %% [markdown]
# PyTorch's `DataLoader` collects images into mini-batches; `NumpyLoader` does the same with NumPy arrays, which JAX
# accepts, instead of tensors. `numpy_collate` does the conversion.

# %% tags=["figure"]
course.figures.source(numpy_collate, NumpyLoader)

# %% [markdown]
# `get_training_generator` runs two loaders side by side, a labeled and an unlabeled one. Three things about them matter:
#
# - Both are reshuffled in each epoch by a seeded generator. Without shuffling, the same images always share a mini-batch, which biases BatchNorm's statistics.
# - The last mini-batch of an epoch is filled up to full size. JAX recompiles a function for every new shape of its arguments, so one short mini-batch would cost a second compilation, and it would change μ for a step.
# - Every draw depends on the seed and the step number alone. So a run that is interrupted and resumed sees the same mini-batches as one that is not.
#
# A GPU finishes a step before one processor core has prepared the images for it. So on a GPU, two other classes make the
# views, for a whole mini-batch at once: the same policy, and the same pixels for the same draws.

# %% locked="loaders"
if suits(jax.default_backend(), hparams.num_workers):
    labeled_dataset = labeled_dataset.with_transform(LabeledBatchAug(JaxViews()))
    unlabeled_dataset = unlabeled_dataset.with_transform(UnlabeledBatchAug(JaxViews()))

(x_l, y_l), ((x_w, x_s), y_u) = next(
    get_training_generator(
        labeled_dataset,
        unlabeled_dataset,
        labeled_batch_size=hparams.labeled_batch_size,
        unlabeled_batch_size=hparams.unlabeled_batch_size,
        seed=hparams.seed,
        total_steps=1,
    )
)
for name, array in {"x_l": x_l, "y_l": y_l, "x_w": x_w, "x_s": x_s, "y_u": y_u}.items():
    print(f"{name}: {array.dtype} {array.shape}")

# Validation mini-batches: a loader of (x, y), all of one size. Your validation in exercise 6 reads it.
val_batches = get_validation_generator(val_dataset, hparams.val_batch_size)
assert len(val_dataset) % hparams.val_batch_size == 0

# %% [markdown]
# ### Training and evaluation mode
#
# A network with BatchNorm has two modes. If you know PyTorch, this is how JAX writes them, along with three other things:
#
# | | PyTorch | JAX with flax |
# |:--|:--|:--|
# | training mode | `model.train()` | `model.apply(variables, x, mutable=["batch_stats"])` |
# | evaluation mode | `model.eval()` | `model.apply(variables, x)` |
# | BatchNorm's statistics | change inside the model | are returned, and you pass them on |
# | no gradient through `t` | `t.detach()` | `jax.lax.stop_gradient(t)` |
# | a step | `loss.backward(); optimizer.step()` | `grads = jax.grad(loss)(params)`, then new parameters are *returned* |

# %% [markdown] about="get_forward_fn"
# title: One forward pass over three batches
# minutes: 20
# points: 4
# difficulty: 2
# objectives:
#   - Run a model with BatchNorm in training mode once over joined batches, and split its output again.
# prerequisites: []
# hints:
#   - >-
#     The function has three numbered comments. What is the shape of the joined batch if there are 2 labeled images and 14 unlabeled ones?
#     At which row do the weak views begin, and at which row the strong ones?
#   - >-
#     `jnp.concatenate` takes a list of arrays and an axis. `model.apply` is called once and returns a pair: the logits, and a dictionary
#     that has the new statistics under `batch_stats`. `jnp.split` takes the *positions* of the cuts, not the sizes of the parts: with 2,
#     14 and 14 rows these are 2 and 16.
# tiny: >-
#   One labeled and two unlabeled images, each filled with a number of its own, and a model that gives back the mean of each
#   image. Where does each number come out?
# idea: >-
#   BatchNorm makes each image's output depend on all images in its batch. One joint pass normalizes all three kinds of images by the same
#   mean and variance, updates the running statistics once, and is faster than three passes. The split afterwards is only bookkeeping, but
#   if it is wrong, the training is worthless.

# %% [markdown]
# A step needs the network's output for three batches: the labeled images, and the weak and the strong views of the unlabeled ones. Joined into one batch, they go through the network *once*. That is faster, and it is part of the method: BatchNorm
# computes mean and variance over the batch, so in three separate passes the strong views would be normalized differently from the weak ones.
#
# `MockModel` in the check stands in for a network. Its output reveals each image's position in the batch, so a wrong order shows.

# %% exercise="get_forward_fn"

# %% grade="get_forward_fn"
with course.practical_check("get_forward_fn", get_forward_fn):
    # MockModel returns (linspace(0, 1, n) * batch_stats - params) * mean(x) in both of its
    # 2 columns for a batch of n images, and 0 as the new batch_stats.
    labeled, weak, strong, batch_stats = get_forward_fn(MockModel())(
        jnp.array(-1),  # params
        jnp.array(1),  # batch_stats
        jnp.ones((1, 32, 32, 3)) * 0.5,
        jnp.ones((2, 32, 32, 3)) * 0.8,
        jnp.ones((2, 32, 32, 3)) * 0.3,
    )
    np.testing.assert_array_almost_equal(labeled, [[0.54, 0.54]], decimal=4)
    np.testing.assert_array_almost_equal(weak, [[0.675, 0.675], [0.81, 0.81]], decimal=4)
    np.testing.assert_array_almost_equal(strong, [[0.945, 0.945], [1.08, 1.08]], decimal=4)
    np.testing.assert_array_almost_equal(batch_stats, 0, decimal=4)

course.check("get_forward_fn", get_forward_fn)

# %% [markdown] about="get_fixmatch_loss_fn"
# title: The FixMatch loss
# minutes: 40
# points: 7
# difficulty: 4
# objectives:
#   - Turn weak predictions into pseudo-labels and a mask, and use them on the strong view.
#   - Average over the right set of images.
# prerequisites: [logits_to_log_probs, log_softmax_cross_entropy, get_forward_fn]
# hints:
#   - >-
#     Write down the shapes before any code. The μB unlabeled images give μB weak predictions. Each gives *two* things: a class (what to
#     believe) and a yes or no (whether to believe it). The strong predictions are what gets corrected. The labeled ones do not meet the
#     other two until the last line, where the terms are added.
#   - >-
#     For the weak views: get log-probabilities with your first function; the most probable class with `jnp.argmax` over the classes; its
#     probability with `jnp.max`, compared with τ by ≥ (note that one side is a logarithm). Make the class one-hot, and it is a target for
#     your second function, whose other argument comes from the *strong* views. That gives one number per image. Multiply by the mask and
#     take the plain mean, which divides by μB.
# steps:
#   - >-
#     Run the network once, on all images, and keep the three kinds of logits and the new `batch_stats`.
#   - >-
#     Turn the weak views' logits into log-probabilities through which no gradient flows.
#   - >-
#     Of each of these rows, note the most probable class and its log-probability.
#   - >-
#     Write these classes as one-hot rows, the targets of the strong views.
#   - >-
#     Compute the strong views' cross-entropy with these targets, one number for each image.
#   - >-
#     Multiply each number by 1 or 0: did the noted log-probability reach that of τ?
#   - >-
#     Average these products over all μB images.
#   - >-
#     Add the labeled images' mean loss, λ_u times this average and the weight decay.
# subgoals:
#   - >-
#     Predict: one forward pass, which gives the logits of the labeled images, the weak views and the strong views.
#   - >-
#     Decide: for each weak view, without gradient, the most probable class. It is the strong view's pseudo-label.
#   - >-
#     Mask: an image counts where the weak view's probability of that class reaches τ.
#   - >-
#     Average: the labeled images' cross-entropy over all B; the strong views' cross-entropy with the pseudo-labels, masked,
#     over all μB.
# tiny: >-
#   Two unlabeled images, one predicted with 0.99 and one with 0.6, and a threshold of 0.95. The mask rate is 0.5, and the
#   unlabeled loss is half of what the first image alone loses.
# idea: >-
#   Two old ideas in one line. Self-training: the network's own confident prediction serves as the label. Consistency: that label has to
#   hold for a much harder view of the same image. The mask decides which images teach, and because the mean runs over all of them, the
#   weight of the unlabeled images grows with the network's confidence, without a schedule.

# %% [markdown]
# This is the heart of the method. Everything you need is in this section, and your first two functions do the small steps. Read the formulas of $\mathcal L_s$, $\mathcal L_u$ and $\mathcal L$ again, and decide for each one: which of the three
# outputs does it need, and how many numbers does it have?
#
# Besides the losses, two quantities are logged. The **mask rate** is the share of unlabeled images that pass the threshold. The **error rate** is the share of weak views whose most probable class is not the true one, over all unlabeled images of the
# batch, confident or not; it is one minus the accuracy.

# %% exercise="get_fixmatch_loss_fn"

# %% grade="get_fixmatch_loss_fn"
with course.practical_check("get_fixmatch_loss_fn", get_fixmatch_loss_fn):
    # MockHparams: confidence_threshold 0.28, lambda_coef 5, w_decay 5, num_classes 2
    total_loss, (batch_stats, metrics) = get_fixmatch_loss_fn(get_forward_fn(MockModel()), MockHparams())(
        jnp.array(-8),  # params
        jnp.array(9),  # batch_stats
        jnp.ones((2, 32, 32, 3)) * 0.8,
        jnp.ones((3, 32, 32, 3)) * 0.5,
        jnp.ones((3, 32, 32, 3)) * 0.3,
        jnp.array([1, 0]),  # y_labeled
        jnp.array([0, 1, 1]),  # y_unlabeled, for the error rate alone
    )
    np.testing.assert_approx_equal(batch_stats, 0, significant=4)
    np.testing.assert_approx_equal(metrics["error rate"], 0.6666667, significant=4)
    np.testing.assert_approx_equal(metrics["mask rate"], 1.0, significant=4)
    np.testing.assert_approx_equal(metrics["unsupervised loss"], 0.6931470, significant=4)
    np.testing.assert_approx_equal(metrics["supervised loss"], 0.6931472, significant=4)
    np.testing.assert_approx_equal(metrics["weight decay"], 320.0, significant=4)
    np.testing.assert_approx_equal(metrics["total loss"], 324.1588745, significant=4)

course.check("get_fixmatch_loss_fn", get_fixmatch_loss_fn)

# %% [markdown]
# **Is `stop_gradient` needed?** The formulas say that no gradient flows through the pseudo-label. Many implementations say so in code too, with `jax.lax.stop_gradient`. **Predict** what that does to the derivative.

# %% tags=["figure", "nbval-ignore-output"]
course.predict("gradient_of_largest", ...)

# %% tags=["figure", "nbval-ignore-output"]
def value_of_largest(z):
    return jax.nn.one_hot(jnp.argmax(z), 3) @ jnp.array([10.0, 20.0, 30.0])


gradient = jax.grad(value_of_largest)(jnp.array([0.3, 0.9, 0.1]))
print(gradient)
course.reveal("gradient_of_largest", gradient[1])

# %% [markdown] question="Q3"
# title: Question 3
# minutes: 10
# points: 3
# prompt: >-
#   FixMatch trusts its own confident predictions as pseudo-labels. Does high confidence mean high accuracy?
#   If not, why not?
# criteria:
#   - {points: 1, text: "The answer distinguishes the two terms: what each is a statement about."}
#   - {points: 1, text: "The answer names at least one cause that applies to a network trained as in this notebook."}
#   - {points: 1, text: "The answer says what follows for self-training, or backs its claim with a figure from this notebook."}

# %% [markdown]
# You can come back to Question 3 after section 7, where a figure shows how confident your own network is and how often
# it is right.

# %% [markdown]
# ## 6. Validation and the whole run
#
# **Averaged weights.** The network that is *evaluated* does not use the trained weights but their exponential moving
# average (EMA), $\bar w \leftarrow 0.999\, \bar w + 0.001\, w$ after each step. It is less noisy, and in most runs a
# little better. In a short run the average would remember its start for too long, so in the first steps it forgets
# faster.

# %% [markdown] about="get_validate_fn"
# title: Validation
# minutes: 15
# points: 3
# difficulty: 3
# objectives:
#   - Compile the work on one mini-batch, and loop outside the compiled function.
# prerequisites: [get_forward_fn]
# hints:
#   - >-
#     You need two functions besides the outer one: one that handles a single mini-batch and is compiled, and one that loops over the
#     mini-batches in ordinary Python. Which arguments does each of them need?
#   - >-
#     For one mini-batch: apply the model without `mutable`, take the most probable class of each image, and compare it with the label;
#     the mean of "is different" is the error rate. Collect these rates in a list, and return their mean in a dictionary under the name in
#     the docstring. Read the parameters with `get_params` *inside* `validate`, since they change from call to call.
# tiny: >-
#   Two mini-batches of different sizes, one without a mistake and one with nothing but mistakes: the error rate is 0.5.
# idea: >-
#   Training mode and evaluation mode are two different functions of the same weights. Here you measure the second: BatchNorm uses the
#   running statistics, nothing is updated, and an image's prediction no longer depends on its neighbors.

# %% [markdown]
# During training the network is evaluated on the validation images from time to time, in *evaluation mode*: BatchNorm uses its running statistics, and nothing is updated. The error rate is computed in each mini-batch and then averaged over the
# mini-batches.
#
# `batches` has a default, `val_batches` from section 5, so the training loop does not have to pass it.

# %% exercise="get_validate_fn"

# %% grade="get_validate_fn"
with course.practical_check("get_validate_fn", get_validate_fn):
    # 10,000 labels, 1,000 of them nines and none of those among the last 16; batches of 128, so the last holds 16.
    # ValMockModel answers floor((linspace(0, n, 10) * params * batch_stats) mod 10) for each of n images:
    # its largest entry is always the last, so it always says 9.
    y_val = np.repeat(np.arange(9, -1, -1), 1000)
    x_val = np.zeros((10_000, 1, 1, 3), dtype=np.float32)
    mock_batches = [(x_val[i : i + 128], y_val[i : i + 128]) for i in range(0, 10_000, 128)]
    # MockGetParams halves the optimizer state.
    validate = get_validate_fn(MockGetParams(), ValMockModel(), batches=mock_batches)
    error = validate(jnp.array(1.2), jnp.array(0.9))["val error rate"]
    np.testing.assert_approx_equal(error, 0.9011076, significant=4)

course.check("get_validate_fn", get_validate_fn)

# %% [markdown] about="mean_over_images"
# title: "Find the bug: an error rate that depends on the batch size"
# minutes: 10
# points: 2
# difficulty: 2
# objectives:
#   - Find out why a correct program reports a wrong number, and fix it.
# prerequisites: []
# hints:
#   - >-
#     Look at the row of the table with 16 images. If one more of its images were right, how far would the plain mean move? And if the
#     same happened in a row with 128 images? In a fair mean, both would be the same.
#   - >-
#     A mini-batch's error rate and its size tell you how many of its answers are wrong. Add those numbers up over all mini-batches, and
#     divide by the total number of images. Everything you need is in the two arguments.
# tiny: >-
#   Three images without a mistake and one image that is wrong, in two mini-batches: one of four is 0.25.
# idea: >-
#   A mean of means gives equal weight to groups, not to the things in them. It equals the overall mean only if all groups have the same
#   size. The same mistake is possible wherever results are combined: losses of mini-batches, scores per class, means from several
#   machines.

# %% [markdown]
# Look at the last check again. The stand-in model always predicts 9, and 9,000 of the 10,000 labels are something else. So its error rate is exactly 0.9. Yet the published value, which your correct function returns, is 0.9011: eleven wrong answers
# in 10,000 that the model never gave. The original practical reported its results this way, and so do many programs.
#
# **Find the bug** before you write any code. The table shows what went into that mean. Which rows count too much, and by what factor?

# %% tags=["figure"]
sizes = np.array([len(y) for _, y in mock_batches])
rates = np.array([np.mean(y != 9) for _, y in mock_batches])
print("mini-batches  images in each  error rate")
for rows in [slice(0, 7), slice(7, 8), slice(8, 78), slice(78, 79)]:
    print(f"{len(sizes[rows]):12d}  {sizes[rows][0]:14d}  {rates[rows].mean():10.4f}")
print(f"mean over mini-batches: {rates.mean():.4f}")
print(f"wrong answers in all: {sum(np.sum(y != 9) for _, y in mock_batches)} of {sum(len(y) for _, y in mock_batches)}")

# %% exercise="mean_over_images"

# %% grade="mean_over_images"
with course.practical_check("mean_over_images", mean_over_images):
    # The table's mini-batches: 7 without an error, one with 24 wrong answers, 71 in which all are wrong.
    error_rates = jnp.array([0.0] * 7 + [24 / 128] + [1.0] * 71)
    batch_sizes = jnp.array([128] * 78 + [16])
    np.testing.assert_approx_equal(mean_over_images(error_rates, batch_sizes), 0.9, significant=6)

course.check("mean_over_images", mean_over_images)

# %% [markdown]
# **What the bug does to a result.** The ResNet18 checkpoint that comes with the course is wrong on 4,011 of CIFAR-10's
# 10,000 test images. These numbers were computed once with that checkpoint; your notebook does not recompute them.
# Depending on the mini-batch size, the plain mean reports:
#
# | images in a mini-batch | 100 | 128 | 512 | 9,999 |
# |:--|--:|--:|--:|--:|
# | plain mean | .4011 | .4015 | .4020 | .2006 |
# | in the last mini-batch | 100 | 16 | 272 | 1 |
#
# With 9,999 the last mini-batch is a single image, which the network happens to get right: it counts as much as all the others together. Most of the time the difference is small, and nothing warns you; but results from different batch sizes cannot
# be compared. The two means agree when all mini-batches have the same size. That is why your validation set is cut to a multiple of `val_batch_size`: there your `validate` is right.
#
# ### A step, and the whole run (given)
#
# The rest is given. `get_train_step_fn` combines your loss with the gradient and the update, and compiles the three as one function.

# %% given="get_train_step_fn"

# %% [markdown]
# `train_fixmatch` collects your six functions and passes them to `train_loop`, which knows nothing about FixMatch: it draws mini-batches, calls the step, validates, and logs the results. The optimizer is stochastic gradient descent with Nesterov
# momentum, behind three functions `(init, update, get_params)`; `get_ema_params` reads the averaged weights from its state, and your `validate` receives these.

# %% given="train_fixmatch"

# %% [markdown]
# Three small helpers do the bookkeeping in `train_loop`: `Metrics` keeps each quantity's history, `convert_to_numpy` fetches a step's metrics from the device (and waits for it), `jnp_to_np_u8` turns an image in [0, 1] into bytes for TensorBoard.

# %% tags=["figure"]
from course.training import Metrics, convert_to_numpy, jnp_to_np_u8

course.figures.source(Metrics, convert_to_numpy, jnp_to_np_u8)

# %% [markdown]
# ### Bugs that raise no error
#
# You have met some already. Here are three more, all found in published FixMatch code.
#
# **A learning rate that never moves.** The paper trains for $K = 2^{20}$ steps. If you train for a thousand steps and
# leave $K$ unchanged, the learning rate stays constant, and the log prints 0.030 on every line. `train_fixmatch` sets
# $K$ to the length of the run.
#
# **`jit` around a loop over data.** If `validate` is compiled *with* its loop over mini-batches, the loop is unrolled and every image becomes a constant in the program: 79 copies of the network and 249 MB of program text for CIFAR-10's test set,
# measured once with this ResNet18, and five times as long to compile. The results are right. Compile the work on one mini-batch, and loop in Python.
#
# **Normalization that nobody does.** `image_to_numpy` divides by 255 and stops there. It is tempting to believe that "the network normalizes its input", but a ResNet does not: its first layer is a plain convolution. Our model subtracts the mean and
# divides by the standard deviation of its training data explicitly. Weights trained on ImageNet expect ImageNet's mean and standard deviation, not CIFAR-10's.
#
# ### When a loss is not a number
#
# A `nan` spreads: one `nan` in the loss, and after one step all weights are `nan`. JAX can find the cause. With `jax.config.update("jax_debug_nans", True)`, JAX inspects every result, and at the first `nan` it reruns the computation one operation at
# a time to find the culprit. That is precise but slow, and it helps while you write a function:

# %%
with jax.debug_nans(True):
    try:
        jnp.log(jnp.array(0.0)) * 0
    except FloatingPointError as error:
        print(error)

# %% [markdown]
# Its companion `jax.disable_jit()` switches compilation off, so that a `print` inside a function shows numbers instead of placeholders.
#
# During training both stay off. Instead, `train_loop` checks the terms of the loss after each step. It stops at the first that is not finite, names the step and the term ("step 17: the unsupervised loss is nan"), and keeps the log and the last good
# checkpoint.

# %% [markdown]
# ## 7. Training
#
# **With or without a GPU.** On a GPU the network is trained on CIFAR-10 with the settings of the paper's method.
# Without one, *CPU mode* trains a network a quarter as wide on fewer, procedural images, in a minute or two; your functions
# are the same. The set-up cell told you which of the two you have, and how to get a GPU in Colab.
#
# ### Is everything ready?

# %% locked="ready" tags=["training"]
exercises = [
    logits_to_log_probs,
    log_softmax_cross_entropy,
    cosine_decay_schedule,
    get_forward_fn,
    get_fixmatch_loss_fn,
    get_validate_fn,
]
states = {function.__name__: course.check.run(function.__name__, function).state.value for function in exercises}
for name, state in states.items():
    print(f"{name:28s} {state}")
print("\nReady to train." if set(states.values()) == {"correct"} else "\nFinish these first: training needs all six of them.")

# %% [markdown]
# ### What to expect
#
# The figure shows recorded runs and says which data and machine they used: one on labeled images alone, and one with the FixMatch loss. In CPU mode a third kind has the unlabeled loss switched off, there are several runs of each kind, with different seeds and library versions, and a band shows how far
# apart they are. Yours starts from the same point and uses the same labeled images. One run is one draw: only a difference that is large compared with this spread means anything.

# %% locked="expected" tags=["training", "nbval-ignore-output"]
from course.training.recorded import load_recorded, write_events

recorded_base = load_recorded(DATA, "base")
recorded_by_kind = {"labeled images only": recorded_base, "FixMatch": load_recorded(DATA, "fixmatch")}
if env.mode == "cpu":
    recorded_by_kind["without the unlabeled loss"] = load_recorded(DATA, "without")
course.figures.expected(recorded_by_kind)

# %% [markdown] about="budgets"

# %% [markdown]
# For CIFAR-10 the paper reports an error of 4.26 % with 4,000 labels, after $2^{20}$ steps with a Wide ResNet: a
# thousand times as long as here. On CIFAR-10 the original version of this practical, with its own checkpoint, printed a
# training error rate (weak views) that fell from .37 to about .31 and a mask rate that rose from .20 to .47 within 10
# epochs.
#
# ### The learning rate of this run

# %% locked="schedule" tags=["training", "nbval-ignore-output"]
fitted = hparams.fitted(len(unlabeled_dataset))
course.units.fixmatch.figures.schedules(
    {
        "K fitted to this run": cosine_decay_schedule(hparams.lr, fitted.total_steps, hparams.alpha),
        "K = 2^20, as in the paper": cosine_decay_schedule(hparams.lr, 2**20, hparams.alpha),
    },
    fitted.steps,
)

# %% [markdown]
# ### The starting point
#
# FixMatch needs a network that is sometimes confident and right; an untrained one is confident of nothing. So your runs start from a network that was trained on the labeled images alone. In CPU mode that training went on until it stopped improving:
# whatever your first run adds there comes from the unlabeled images.
#
# A checkpoint holds the weights, BatchNorm's statistics and a manifest: what the network is, which data and labels it has seen, and for how long. It is a `safetensors` file. Older ones are often Python pickles, which can run arbitrary code when
# loaded; do not open one that you did not make yourself.

# %% locked="starting-point" tags=["training", "nbval-ignore-output"]
shown = ("architecture", "data", "labels", "steps", "test_error", "holds", "licence")
for name in shown:
    print(f"{name:12s} {starting_checkpoint.manifest[name]}")

# %% [markdown]
# ### With the unlabeled loss
#
# **Predict**, before you start, how confident the network will become.

# %% tags=["figure", "nbval-ignore-output"]
course.predict("mask_rate", ...)

# %% [markdown]
# The run writes to its folder after each step and saves a checkpoint now and then. If the session ends, or you stop the cell (*Kernel*, then *Interrupt*), set everything up as before and run the cell again: with `if_exists = "resume"` it continues
# exactly from the last checkpoint. If you have **changed one of your functions**, set it to `"overwrite"`. Otherwise you get the old run's result again.
#
# **A closed tab** does not stop a run, but when you come back its cell shows no more of it. Run the cell again: it waits for the run, trains nothing that is finished, and says how the run ended.

# %%
if_exists = "resume"  # or "overwrite"

# %% locked="train" tags=["training", "nbval-ignore-output"]
live_curves = course.figures.LiveCurves("with the unlabeled loss", {"labeled only (recorded)": recorded_base.records})
with_unlabeled = train_fixmatch(
    hparams,
    labeled_dataset,
    unlabeled_dataset,
    val_dataset,
    starting_checkpoint,
    if_exists=if_exists,
    observers=[live_curves],
)

# %% [markdown]
# Did you close the tab during the run? The next cell draws the whole run again from its log and says how it ended.

# %% locked="whole-run" tags=["training", "nbval-ignore-output"]
live_curves.show()

# %% [markdown]
# Each line of the log shows the epoch, the step, and the metrics of that step's mini-batch: single steps are noisy. *mask* (the mask rate) falls at first and should then rise slowly; *val error* (the validation error rate) should fall. *lr* must fall.

# %% locked="guess" tags=["training", "nbval-ignore-output"]
warn_if_partial(with_unlabeled)
last_steps = with_unlabeled.metrics["mask rate"][-20:]
print(f"mask rate, mean of the last {len(last_steps)} steps: {last_steps.mean():.3f}")
course.reveal("mask_rate", last_steps.mean())

# %% [markdown]
# ### Without it
#
# The same start, the same images in the same order, the same number of steps and the same time, but $\lambda_u = 0$. Any difference that remains is due to the unlabeled loss.

# %% locked="train-without" tags=["training", "nbval-ignore-output"]
without_hparams = dataclasses.replace(hparams, lambda_coef=0.0, logdir=f"{runs_folder / 'jaxlog-no-unlabeled-loss'}")
without_unlabeled = train_fixmatch(
    without_hparams, labeled_dataset, unlabeled_dataset, val_dataset, starting_checkpoint, if_exists=if_exists
)

# %% locked="compare" tags=["training", "nbval-ignore-output"]
records = {
    "labeled only (recorded)": recorded_base.records,
    "with the unlabeled loss": read_metrics(runs_folder / "jaxlog-fixmatch" / "metrics.jsonl"),
    "without": read_metrics(runs_folder / "jaxlog-no-unlabeled-loss" / "metrics.jsonl"),
}
course.figures.curves(records, ("val error rate", "error rate", "mask rate"), title=f"{DATA}, one run each")
warn_if_partial(*records.values())

# %% [markdown]
# The recorded line is the *labeled-only baseline*: a run that never saw an unlabeled image, not even in BatchNorm. Its log, `jaxlog-base`, comes with the course.
#
# **Explain.** In what order do the three end, and is it the order that you expected? If two of them end within one or two points of each other, what would you have to do before calling one better?
#
# ### The same in TensorBoard
#
# TensorBoard reads the runs' logs and the recorded baseline, and shows them in the notebook. It also shows images: both views of one unlabeled image, every `log_every_steps` steps.

# %% locked="events" tags=["training", "nbval-ignore-output"]
write_events(recorded_base, runs_folder)
print(runs_folder)

# %% locked="tensorboard" tags=["training", "skip-execution", "nbval-skip"]
course.show_tensorboard(runs_folder)

# %% [markdown]
# - **Which series to compare**: in the list of runs on the left, check only `jaxlog-base` and `jaxlog-fixmatch`, and type `val error rate` into the tag filter.
# - **To see new values** during a run: click the circular arrow at the top right, or the gear beside it and then *Reload data*.
# - If the panel stays empty (some hosts block a second port), the figure above shows the same numbers.
# - After a restart, run the cell again: the panel lives only as long as the session that opened it.
#
# ### How confident, and how often right?
#
# **Predict** how far you can trust the network.

# %% tags=["figure", "nbval-ignore-output"]
course.predict("confident_and_right", ...)

# %% locked="reliability" tags=["training", "nbval-ignore-output"]
warn_if_partial(with_unlabeled)
trained_model, _ = course.training.start(hparams, lambda params: params, starting_checkpoint)  # the network; its weights come from the run
variables = {
    "params": get_ema_params(with_unlabeled.state.opt_state),
    "batch_stats": with_unlabeled.state.batch_stats,
}
predict_probabilities = jax.jit(lambda x: jax.nn.softmax(trained_model.apply(variables, x)))
probabilities = np.concatenate([predict_probabilities(x) for x, _ in val_batches])
confidence, correct = probabilities.max(axis=1), probabilities.argmax(axis=1) == val_dataset.targets
course.figures.reliability(confidence, correct, hparams.confidence_threshold)
confident = confidence >= hparams.confidence_threshold
if confident.any():
    print(f"{confident.mean():.0%} of the images reach τ; {correct[confident].mean():.1%} of these are right.")
    course.reveal("confident_and_right", correct[confident].mean())

# %% [markdown]
# **Explain.** Each diamond is what the network claims, each bar is what is true. Where do they differ, and on which side of the threshold? With this figure you may want to go back to Question 3.
#
# ### One look at the test set

# %% locked="test" tags=["training", "nbval-ignore-output"]
warn_if_partial(with_unlabeled, without_unlabeled)
test_batches = get_validation_generator(test_dataset, batch_size=250)
assert len(test_dataset) % 250 == 0
for name, result in {"with": with_unlabeled, "without": without_unlabeled}.items():
    for weights, getter in {"averaged": get_ema_params, "raw": lambda state: state.params}.items():
        test = get_validate_fn(getter, trained_model, batches=test_batches)
        error = test(result.state.opt_state, result.state.batch_stats)["val error rate"]
        print(f"{name:8s} the unlabeled loss, {weights:8s} weights: test error {float(error):.3f}")

# %% [markdown] question="Q4"
# title: Question 4
# minutes: 10
# points: 2
# prompt: >-
#   Name at least two sources of randomness in the result of a FixMatch run, and explain how each affects
#   it. (Think of the data loaders and the training settings.)
# criteria:
#   - {points: 1, text: "The answer names two different sources."}
#   - {points: 1, text: "For each, the answer traces how the random draw leads to a different result."}

# %% [markdown]
# ## 8. Why not a pretrained model?
#
# With few labels, what many people try first today is a network that somebody else has trained on millions of other images. Two studies compared that with semi-supervised training.
#
# - Fine-tuning a small part of a large pretrained vision model on the labels *alone* often beat semi-supervised methods that trained the same model with unlabeled images as well [11]. Its pseudo-labels still helped afterward.
# - Pretrained models of images and text won in nearly all settings tried, except where images have a low resolution or no clear meaning [12].
#
# So try one first if your images resemble what such models have seen. This unit's methods are for the rest: other sensors, tiny images, a model you may not use, or test images that may have been among the millions. Pseudo-labels serve in both
# cases.
#
# ### Frozen features, in seconds
#
# The cheapest way to use a pretrained network is to leave it as it is. All images pass through it **once**; what comes out before its last layer are their *frozen features*, and a new last layer is trained on these. Nothing large is trained, so there
# is time for several rounds of pseudo-labels: train the layer, let it label the other images, train it again.
#
# To be honest about the network: here it is your starting point, which has seen nothing but your labeled images. A large pretrained model would bring features that your labels cannot teach.

# %% locked="frozen-features" tags=["training", "nbval-ignore-output"]
parts_of_frozen = {"unlabeled": unlabeled_dataset, "validation": val_dataset}
frozen = {name: frozen_features(starting_checkpoint, part, hparams.width) for name, part in parts_of_frozen.items()}
for name, rows in frozen.items():
    print(f"{name:10s} {rows.shape[0]:6,d} images, {rows.shape[1]} features each")

# %% [markdown]
# **Which pseudo-labels would you trust?** The rule below is FixMatch's. Write others: the 20 surest images of each class, a threshold that falls from round to round, all of them. Then run the cell below it again; it takes seconds. This is not graded.

# %%
def trusted(probabilities, round_number):
    """Bool (n,): which images' most probable class is used as their label. probabilities: float (n, classes)."""
    return probabilities.max(axis=1) >= 0.95

# %% [markdown]
# **Predict** what it brings before you run it.

# %% tags=["figure", "nbval-ignore-output"]
course.predict("frozen_error", ...)

# %% locked="linear-layer" tags=["training", "nbval-ignore-output"]
true_classes = unlabeled_dataset.targets
has_label = np.isin(unlabeled_dataset.indices, labeled_dataset.indices)


def frozen_error(layer):
    return (layer(frozen["validation"]).argmax(axis=1) != val_dataset.targets).mean()


linear_layer = fit_linear(frozen["unlabeled"], true_classes, has_label)
print(f"labels alone                    validation error {frozen_error(linear_layer):.3f}")
for round_number in (1, 2, 3):
    guessed = linear_layer(frozen["unlabeled"])
    classes_used = np.where(has_label, true_classes, guessed.argmax(axis=1))
    used = trusted(guessed, round_number) & ~has_label
    linear_layer = fit_linear(frozen["unlabeled"], classes_used, used | has_label)
    wrong_share = (classes_used != true_classes)[used].mean() if used.any() else 0.0
    print(
        f"with pseudo-labels, round {round_number}     validation error {frozen_error(linear_layer):.3f}"
        f"   {used.sum():,d} used, {wrong_share:.1%} wrong"
    )
final_errors = {"with the unlabeled loss": with_unlabeled, "without": without_unlabeled}
for name, result in final_errors.items():
    print(f"whole network, {name:24s} {result.metrics['val error rate'][-1]:.3f}")
warn_if_partial(*final_errors.values())
course.reveal("frozen_error", frozen_error(linear_layer))

# %% [markdown]
# **Explain.** All lines have the same start and the same labels. What can training the whole network change that a linear layer on frozen features cannot? And which line would you expect to change most with a large pretrained model?

# %% [markdown]
# ### Starting from ImageNet instead
#
# The other way is to go on training all of the network: here one from ImageNet, a large labeled data set of another kind, with a new last layer. The notebook does not run this code, because torchvision downloads the weights (45
# MB) and because it changes the question: these weights come from a million labels.
#
# ```python
# import torchvision
# from course.training import checkpoint_from_torchvision
#
# weights = torchvision.models.resnet18(weights="IMAGENET1K_V1").state_dict()
# imagenet = checkpoint_from_torchvision(weights, num_classes=hparams.num_classes, key=general_key)
# train_fixmatch(
#     dataclasses.replace(hparams, width=64, logdir=str(runs_folder / "jaxlog-imagenet")),
#     labeled_dataset, unlabeled_dataset, val_dataset, imagenet,
# )
# ```
#
# The checkpoint's manifest says `normalization: imagenet`, which is essential: it tells the model which mean and standard deviation these weights expect.

# %% [markdown]
# ## 9. What you should know now
#
# Three questions. Choose an answer before you read the explanation; wrong answers have explanations too.

# %% tags=["figure", "nbval-ignore-output"]
course.recall()

# %% [markdown]
# ### A trace and a bug of your own
#
# Only if your instructor has sent you a code; otherwise go on below. It gives up to five points beside those of the exercises, and nobody near you has the same numbers.
#
# **Trace a mini-batch.** Write your code into the next cell: it shows the logits of five images. Which of them count in the unlabeled loss, and what is $L_u$ over all five, to three decimals? Write plain numbers into the cell below it, for that text is what gets graded.

# %% tags=["figure", "nbval-ignore-output"]
course.trace("")

# %% tags=["figure", "nbval-ignore-output"]
course.my_trace(
    code="",
    counts=[False, False, False, False, False],
    loss=0.0,
)

# %% [markdown]
# **Find your bug.** Somebody has broken the unlabeled loss. You do not see the code, only what it gave for six small mini-batches, and the list of bugs of which it has one. Your own loss is right. Where do the two differ, and what is special about those mini-batches? The cell
# also returns the arrays, so that you can compute with them: `weak, strong, loss = mini_batches[0]`.
#
# Then show that you know: write an input of your own on which the bug shows, a small mini-batch of one to eight images, and the number that the broken loss gives for it.

# %% tags=["figure", "nbval-ignore-output"]
mini_batches = course.bug("")

# %% tags=["figure", "nbval-ignore-output"]
course.my_bug(
    code="",
    name="",
    weak=[[0.0, 0.0, 0.0]],
    strong=[[0.0, 0.0, 0.0]],
    loss=0.0,
)

# %% [markdown]
# ### How long did it take you?
#
# Optional and not graded; your answer helps to improve the course. The next cell prints the time since you last ran the cell of imports, the second of this notebook. Write down the time you really spent in the cell after it.

# %% tags=["nbval-ignore-output"]
print(f"{(perf_counter() - session_began) / 60:.0f} minutes since the imports last ran")

# %% [markdown]
# *Minutes for the whole practical:*
#
# *The part that took longest:*

# %% [markdown]
# ## 10. Optional open questions
#
# Not graded, and there is no model answer. Use `dataclasses.replace(hparams, ...)`, another `logdir`, and several seeds before you believe a difference.
#
# 1. **Another mean.** The unlabeled loss is averaged over all μB images, those below the threshold included. You could average over only the images that pass instead:
#    $\frac{1}{|\mathcal M|} \sum_{b \in \mathcal M} H(\hat q_b, p_m(\cdot \mid \mathcal A(u_b)))$ with $\mathcal M = \{b : \max_c q_b(c) \ge \tau\}$. Would that lower the validation error? When does it differ most from what you have, and what
#    happens to a mini-batch in which nothing passes?
# 2. **Memorized labels.** Look at the supervised loss: it is close to zero long before the run ends. The network has memorized its few labeled images. What could make this harder, and would it help on images it has not seen?
# 3. **The other interface.** flax teaches NNX to new users. The page `nnx.md`, which came with this notebook, takes your training step there, and your functions stay as they are.
# 4. **Longer.** This run is only a demonstration. Train longer, or change the settings, and reach a lower validation error with the same labels. Report the spread over seeds too.

# %% [markdown]
# ## 11. Ready to hand in?
#
# Save the notebook, then run the next cell. It runs every check again and searches the saved file for cells that are missing, duplicated, or without the metadata that grading needs. If it cannot find the file, pass its name:
# `course.ready_to_hand_in("01_fixmatch.ipynb")`.
#
# Below its report stands your *logbook*: your predictions and their results, how many versions of each function you checked, and which hints you looked at. Whoever grades your written answers sees it beside them. It gives and costs no points and is sent nowhere. Clear the cell's output
# if you do not want to hand it in, or run `course.delete_logbook()` in a new cell. Save the notebook once more before you hand it in.

# %% locked="ready-to-hand-in" tags=["nbval-ignore-output"]
course.ready_to_hand_in()

# %% [markdown]
# ## References
#
# 1. K. Sohn, D. Berthelot, C.-L. Li, Z. Zhang, N. Carlini, E. D. Cubuk, A. Kurakin, H. Zhang and C. Raffel. FixMatch: Simplifying semi-supervised learning with consistency and confidence. NeurIPS 33, 2020. [arXiv:2001.07685](https://arxiv.org/abs/2001.07685)
# 2. E. D. Cubuk, B. Zoph, D. Mané, V. Vasudevan and Q. V. Le. AutoAugment: Learning augmentation strategies from data. CVPR 2019. [doi:10.1109/CVPR.2019.00020](https://doi.org/10.1109/CVPR.2019.00020), [arXiv:1805.09501](https://arxiv.org/abs/1805.09501)
# 3. E. D. Cubuk, B. Zoph, J. Shlens and Q. V. Le. RandAugment: Practical automated data augmentation with a reduced search space. CVPR Workshops 2020. [doi:10.1109/CVPRW50498.2020.00359](https://doi.org/10.1109/CVPRW50498.2020.00359), [arXiv:1909.13719](https://arxiv.org/abs/1909.13719)
# 4. D. Berthelot, N. Carlini, E. D. Cubuk, A. Kurakin, K. Sohn, H. Zhang and C. Raffel. ReMixMatch: Semi-supervised learning with distribution alignment and augmentation anchoring. ICLR 2020 (CTAugment). [arXiv:1911.09785](https://arxiv.org/abs/1911.09785)
# 5. T. DeVries and G. W. Taylor. Improved regularization of convolutional neural networks with cutout. 2017. [arXiv:1708.04552](https://arxiv.org/abs/1708.04552), [code](https://github.com/uoguelph-mlrg/Cutout)
# 6. K. He, X. Zhang, S. Ren and J. Sun. Deep residual learning for image recognition. CVPR 2016. [doi:10.1109/CVPR.2016.90](https://doi.org/10.1109/CVPR.2016.90), [arXiv:1512.03385](https://arxiv.org/abs/1512.03385)
# 7. A. Oliver, A. Odena, C. Raffel, E. D. Cubuk and I. J. Goodfellow. Realistic evaluation of deep semi-supervised learning algorithms. NeurIPS 31, 2018. [arXiv:1804.09170](https://arxiv.org/abs/1804.09170)
# 8. A. Krizhevsky. Learning multiple layers of features from tiny images. Technical report, University of Toronto, 2009 (CIFAR-10). [PDF](https://www.cs.toronto.edu/~kriz/learning-features-2009-TR.pdf)
# 9. The authors' code: [google-research/fixmatch](https://github.com/google-research/fixmatch). A PyTorch version: [CoinCheung/fixmatch-pytorch](https://github.com/CoinCheung/fixmatch-pytorch).
# 10. torchvision's [transforms](https://docs.pytorch.org/vision/stable/transforms.html) and its [RandAugment](https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.RandAugment.html), which fixes one strength for all images.
# 11. P. Zhang, Z. Mai, Q.-H. Nguyen and W.-L. Chao. Revisiting semi-supervised learning in the era of foundation models. NeurIPS 2025. [arXiv:2503.09707](https://arxiv.org/abs/2503.09707)
# 12. S.-L. Lv, R. Zhu, Y.-F. Li and L.-Z. Guo. Unlabeled data or pre-trained model: Rethinking semi-supervised learning and pretrain-finetuning. 2025. [arXiv:2505.13317](https://arxiv.org/abs/2505.13317)

# %% [markdown]
# ## 한국어 요약
#
# **무엇을 배우나.** 레이블이 있는 이미지는 적고 레이블이 없는 이미지는 많을 때, 두 가지를 함께 써서 분류기를 학습하는 것이 준지도 학습(semi-supervised learning)입니다. 이 실습에서는 FixMatch를 JAX로 직접 구현합니다.
#
# **방법.** 레이블이 없는 이미지마다 약한 증강(좌우 반전과 작은 이동)과 강한 증강(RandAugment와 cutout)을 하나씩 만듭니다. 약한 증강에 대한 예측의 최대 확률이 임계값 τ = 0.95 이상이면 그 클래스를 의사 레이블(pseudo-label)로 삼고,
# 강한 증강에 대한 예측이 그것과 일치하도록 교차 엔트로피로 학습합니다. 임계값을 넘지 못한 이미지는 마스크가 0이 되지만, 평균은 항상 μB개 전체로 나눕니다. 전체 손실은 $\mathcal L_s + \lambda_u \mathcal L_u$ 에 가중치 감쇠를 더한 것입니다.
#
# **연습 문제.** ① 로짓을 로그 확률로, ② 이미지마다의 교차 엔트로피, ③ 코사인 학습률 스케줄, ④ 세 배치를 합쳐 한 번에 통과시키는 순전파, ⑤ FixMatch 손실, ⑥ 검증 오류율, ⑦ 미니배치 오류율에서 전체 이미지의 오류율 구하기. 각 함수 아래의 검사는 "시도하지 않음(○)", "틀림(✗)", "맞음(✓)" 가운데
# 하나로 답하며, 틀렸을 때는 기대한 값과 나온 값, 그리고 가장 그럴듯한 원인을 보여 줍니다.
#
# **기억할 점.** 높은 확신이 곧 높은 정확도는 아닙니다. 한 번의 실행은 하나의 표본일 뿐이므로, 시드를 바꾸어 여러 번 실행한 뒤에 비교해야 합니다. 테스트 집합은 마지막에 한 번만 봅니다. 오류 메시지가 나지 않는 실수(변하지 않는 학습률, 빠진 정규화,
# 크기가 다른 배치의 평균)를 조심하십시오.
