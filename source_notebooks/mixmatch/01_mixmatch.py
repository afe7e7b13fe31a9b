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
# You read, you predict, you run, and in six places you write a function, this time in PyTorch. Below each is a *check*,
# as in the unit `fixmatch`: it repeats a small example that you can follow by hand, then tries cases that catch
# mistakes the example misses. Run it as often as you like. Keep each function's name, arguments and return values.
# Three questions ask for written answers, which a person reads.
#
# At **Predict**, replace the dots with a number and run the cell before you go on to the next one.
#
# **Stuck?** `course.hint("guess_labels", 1)` in a cell of your own gives a nudge, `course.hint("guess_labels", 2)` a
# plan. The loss has a third: the steps, for you to put in order. Hints cost nothing.
#
# **In Colab**, save the notebook to your Drive and mount your Drive before you run the next cell.
#
# The next two cells are collapsed. Run them anyway.

# %% setup="true" tags=["nbval-ignore-output"]

# %% locked="imports"
import dataclasses
from time import perf_counter

import course.figures
import jax
import numpy as np
import torch
from course.units.mixmatch import figures as mixing_plots
from course.augment import NoisyWeakAugmentation, WeakViews, image_to_numpy
from course.checks.torch_mocks import LinearNet
from course.data import load_dataset
from course.data.loaders import get_validation_generator
from course.data.split import stratified_split, subset_by_indices
from course.models import torch_models
from course.training import mixed_batches, read_metrics, warn_if_partial
from course.training.torch import parts as torch_parts
from course.training.modes import DATA_SETS, TORCH_MODELS, mixmatch_hparams
from course.training.torch.hparams import MixMatchHparams
from course.training.torch.parts import ShrinkingAdam, frozen_statistics, to_tensors
from course.training.torch.train import train_torch
from torch.nn import functional as F

session_began = perf_counter()
course.begin("mixmatch", env)

# %% [markdown]
# ## 1. Few labels, many images
#
# A label takes a person's time, often an expert's. So there are three kinds of learning.
#
# | | learns from | finds | what is missing |
# |:--|:--|:--|:--|
# | **supervised** | images with labels | the border between named classes | enough labels, where they are expensive |
# | **unsupervised** | images without labels | groups of images that are alike | the groups' names, and whether they are the groups you want |
# | **semi-supervised** | few images with labels, many without | the names from the few, the borders from the many | a guarantee: it rests on assumptions |
#
# The figure shows the three on points in the plane. A point's label is its marker; there are two labels of each of two classes.

# %% tags=["figure", "nbval-ignore-output"]
mixing_plots.three_kinds()

# %% [markdown]
# In the third panel each point took its label from the nearest point that already had one, nearest first. Only the *position* of the unlabeled points made the difference.
#
# ### MixMatch in five words
#
# MixMatch (Berthelot et al., 2019, [1]) **augments** each unlabeled image twice, **guesses** its label from the
# network's predictions on the two views, and **sharpens** the guess. It **mixes** all images and their labels with one
# another, and **learns** from the mixtures. You write these steps one by one, and put them together in section 5.

# %% tags=["figure", "nbval-ignore-output"]
mixing_plots.pipeline(load_dataset("shapes").train, 7, 3, WeakViews(2))

# %% [markdown]
# ## 2. Guessing and sharpening
#
# You begin with the simplest step: making a guess more certain.

# %% [markdown] about="sharpen"
# title: Sharpening a distribution
# minutes: 5
# points: 2
# difficulty: 1
# objectives:
#   - Make a distribution more certain without leaving the set of distributions.
# prerequisites: []
# hints:
#   - >-
#     Take the row .6, .2, .2 with T = 0.5. Which number is 1/T, and what do the three entries become? Their sum is no longer 1: how do
#     you make it a distribution again?
#   - >-
#     Raise the whole tensor to one power, then divide it by a sum. The sum runs over the classes, which are the last axis, and has to
#     keep that axis with length 1 (`keepdim`) so that each row is divided by its own sum.
# tiny: >-
#   At T = 1 every row stays as it is. At T = 0.5, the row 0.8, 0.2 becomes 0.94, 0.06.
# idea: >-
#   A temperature below 1 exaggerates the differences between probabilities and keeps their order. Training toward a sharper version of
#   its own prediction is entropy minimization: the network is asked to be more certain than it is, without being told of what.

# %% [markdown]
# Sharpening raises every probability to the power $1/T$ and divides by the sum. At $T = 1$ nothing changes; as $T$ goes to 0, the largest takes all. The stub states the formula; two lines will do.

# %% exercise="sharpen"

# %% grade="sharpen"
with course.practical_check("sharpen", sharpen):
    sharpened = sharpen(torch.tensor([[0.6, 0.2, 0.2], [0.5, 0.4, 0.1]]), 0.5)
    # The squares .36, .04, .04 have the sum .44, and .25, .16, .01 have the sum .42.
    expected = torch.tensor([[0.36 / 0.44, 0.04 / 0.44, 0.04 / 0.44], [0.25 / 0.42, 0.16 / 0.42, 0.01 / 0.42]])
    torch.testing.assert_close(sharpened, expected, rtol=0, atol=1e-4)

course.check("sharpen", sharpen)

# %% [markdown]
# The next cell shows your progress. Run it whenever you like. Your guesses are saved with your progress in the work
# folder, and they stay in the notebook that you hand in. They are not graded.

# %% tags=["figure", "nbval-ignore-output"]
course.progress()

# %% [markdown]
# **Predict.** A network is unsure: 0.4 for one class, and the rest split evenly among the nine others.

# %% tags=["figure", "nbval-ignore-output"]
course.predict("sharpened_largest", ...)

# %% tags=["figure", "nbval-ignore-output"]
unsure = torch.tensor([[0.4] + [0.6 / 9] * 9])
mixing_plots.temperatures(sharpen, unsure, (1.0, 0.5, 0.25))
course.reveal("sharpened_largest", sharpen(unsure, 0.5).max())

# %% [markdown]
# ### PyTorch, if you come from JAX
#
# | | JAX with flax (unit `fixmatch`) | PyTorch |
# |:--|:--|:--|
# | where the weights are | in `params`, an argument | in the model, which is an object with a state |
# | training mode | `model.apply(…, mutable=["batch_stats"])` | `model.train()`, then `model(x)` |
# | BatchNorm's statistics | returned; drop them and nothing has happened | **changed by every call in training mode**, even without a gradient |
# | gradient | of a function: `jax.grad(loss)(params)` | of a value: `loss.backward()` fills `parameter.grad` |
# | no gradient through `t` | `jax.lax.stop_gradient(t)` | `t.detach()`, or computing it under `torch.no_grad()` |
# | images | (n, rows, columns, channels) | (n, channels, rows, columns) |
# | an array | cannot be changed | `t.add_(1)`: a trailing underscore writes into `t` |
#
# The third row is where two versions of one method diverge most often: in JAX an extra pass over the data is harmless, in PyTorch it leaves a trace.

# %% [markdown] about="guess_labels"
# title: Guessing labels
# minutes: 15
# points: 4
# difficulty: 2
# objectives:
#   - Combine a network's predictions on several views into one target.
#   - Keep the gradient, and BatchNorm's running statistics, out of a pass that only predicts.
# prerequisites: [sharpen]
# hints:
#   - >-
#     Follow the shapes on paper: `views` is (K, n, 3, H, W), the network takes four axes and gives (rows, classes). Which rows belong to
#     the first view, and which to the first image? What shape does the result have, and which axis has to go?
#   - >-
#     One `with` statement can hold both conditions, `torch.no_grad()` and `frozen_statistics`. In it: one call of the network on the
#     joined views, a softmax over the classes, `unflatten` to get the view axis back, a mean over that axis, and finally your `sharpen`.
# tiny: >-
#   One image whose two views are predicted as 0.8, 0.2 and as 0.4, 0.6, with T = 1: the guess is 0.6, 0.4.
# idea: >-
#   Averaging over views removes what is peculiar to each view, so the guess is better than a single prediction. This pass only observes:
#   it must leave no trace, neither a gradient nor a count in BatchNorm's statistics.

# %% [markdown]
# Two things must *not* happen while the network guesses.
#
# - **No gradient** may flow through a guess. It is a target.
# - **BatchNorm must not count this pass.** In training mode each pass moves the running mean and variance, which validation uses later. The step's own pass, over the mixed images, follows, and that one counts. A network that is called five times a
#   step (as published code does: one call for each view, and one for each part of the mixed batch) updates its statistics five times, from dissimilar batches.
#
# The given `frozen_statistics` takes care of the second: within it, BatchNorm normalizes by the batch and remembers nothing.

# %% tags=["figure"]
course.figures.source(frozen_statistics)

# %% [markdown]
# The comments in the stub are the plan. `views` has the shape $(K, n, 3, H, W)$, and the network takes $(n, 3, H, W)$: `flatten(0, 1)` and `unflatten(0, …)` go from one to the other and back.
#
# In the check's first lines, `LinearNet` stands in for a network. With the identity as its kernel, a one-pixel image *is* its own logits.

# %% exercise="guess_labels"

# %% grade="guess_labels"
with course.practical_check("guess_labels", guess_labels):
    # Two views of one image. The logarithms of 3, 1, 1 give the probabilities .6, .2, .2, those of 1, 2, 1 give
    # .25, .5, .25. Their mean is .425, .35, .225; its squares have the sum .35375.
    views = torch.tensor([[[3.0, 1.0, 1.0]], [[1.0, 2.0, 1.0]]]).log()[..., None, None]
    guesses = guess_labels(LinearNet(np.eye(3), np.zeros(3)), views, 0.5)
    torch.testing.assert_close(guesses, torch.tensor([[0.5106, 0.3463, 0.1431]]), rtol=0, atol=1e-4)

course.check("guess_labels", guess_labels)

# %% [markdown]
# ## 3. Mixing
#
# ### Settings

# %% locked="settings"
runs_folder = env.work / "mixmatch" / env.mode
DATA, MODEL = DATA_SETS[env.mode], TORCH_MODELS[env.mode]
hparams = mixmatch_hparams(env.mode, logdir=f"{runs_folder / 'mixmatch'}")
split_key = jax.random.PRNGKey(hparams.seed)  # the course's splits are drawn with JAX's kind of key

# %% tags=["figure", "nbval-ignore-output"]
course.figures.settings(hparams)

# %% [markdown]
# ### The data
#
# CIFAR-10 [9] has 60,000 photographs of 32 × 32 pixels in ten classes, 6,000 of each; 10,000 of them are the test set. The network trained on them is a WRN-28-2 [8]; *CPU mode* trains a narrower one. The procedural `shapes` have the same format.
# Labeled, validation and unlabeled images are drawn as in the previous unit: the same number of labels for each class, validation images held out from everything, and the labeled images also among the unlabeled ones.

# %% locked="data"
splits = load_dataset(DATA)
train_dataset, test_dataset = splits.train, splits.test
labels_per_class = hparams.n_labeled // hparams.n_classes
labeled_dataset, rest = stratified_split(split_key, train_dataset, labels_per_class)
val_dataset, others = stratified_split(
    jax.random.fold_in(split_key, 1), rest, hparams.num_validation_samples_per_class
)
unlabeled_dataset, _ = subset_by_indices(
    train_dataset, np.concatenate([labeled_dataset.indices, others.indices])
)
for part, dataset in {"labeled": labeled_dataset, "validation": val_dataset, "unlabeled": unlabeled_dataset}.items():
    counts = np.bincount(dataset.targets, minlength=dataset.num_classes)
    each = f"{counts.min():,d}" if counts.min() == counts.max() else f"{counts.min():,d} to {counts.max():,d}"
    print(f"{part:10s} {len(dataset):6,d} images, {each} of each class")
val_dataset = val_dataset.with_transform(image_to_numpy)
test_dataset = test_dataset.with_transform(image_to_numpy)

# %% [markdown]
# MixMatch uses weak views only: flip, and shift by up to 4 pixels. `WeakViews` makes $K$ of them from one image, each drawn separately (with Gaussian noise, if `noise` is set).

# %% tags=["figure"]
course.figures.source(WeakViews, NoisyWeakAugmentation)

# %% [markdown]
# A mini-batch holds everything a step needs, **its random draws included**: `lam` with one $\lambda$ for each sample, and `order`, the order of the partners. So your loss draws nothing and can be tested, and a resumed run gives the same result as an
# uninterrupted one. Images have PyTorch's layout, channels before rows and columns.

# %% locked="batch"
first_batch = next(
    mixed_batches(
        hparams,
        labeled_dataset.with_transform(NoisyWeakAugmentation(hparams.noise)),
        unlabeled_dataset.with_transform(WeakViews(hparams.n_views, hparams.noise)),
        alpha=hparams.alpha,
    )(0, 1)
)
example_batch = {**to_tensors(first_batch), "step": 0}
for name, value in example_batch.items():
    print(f"{name:12s} {value.dtype} {tuple(value.shape)}" if torch.is_tensor(value) else f"{name:12s} {value}")

# %% [markdown] about="mixup"
# title: MixUp, sample by sample
# minutes: 10
# points: 3
# difficulty: 2
# objectives:
#   - Broadcast one weight for each sample over images and over targets.
# prerequisites: []
# hints:
#   - >-
#     Mix a white pixel (1) with a black one (0) for λ = 0.2. Which of the two shares does the white pixel get if the result has to be
#     closer to it? Write the larger share as a function of λ.
#   - >-
#     `torch.maximum` gives λ′ for all samples at once. For the targets it needs one more axis, for the images three, because broadcasting
#     compares shapes from the end. Index with `None` or use `view`, then write the same weighted sum twice.
# tiny: >-
#   An image of zeros and an image of ones, with λ = 0.25: every pixel of the result is 0.25, since it stays closer to the first
#   image.
# idea: >-
#   Between two images of different classes, MixUp puts a whole path of images, with labels that change along the way. A network that
#   follows it is linear and cautious there: it cannot memorize its few labels with full certainty, and its decision boundary lies in the
#   middle.

# %% [markdown]
# MixUp [2] trains on images that do not exist, between two that do, and asks for a prediction that mixes the two labels in the same proportion. The network learns to change linearly from one image to the other, which leaves no room for a sudden
# border. MixMatch takes $\max(\lambda, 1 - \lambda)$, so that a mixture is always closer to the sample whose place it takes: labeled images stay mostly labeled images.
#
# `lam` has one entry for each sample. To multiply images $(n, 3, H, W)$ by it, give it the missing axes; if sizes happen to match, a missing axis raises no error and multiplies *columns*.

# %% exercise="mixup"

# %% grade="mixup"
with course.practical_check("mixup", mixup):
    # Three white one-pixel images, each mixed with a black one. λ = .2 becomes λ' = .8, and .4 becomes .6.
    x, targets = mixup(
        torch.ones(3, 3, 1, 1),
        torch.zeros(3, 3, 1, 1),
        torch.tensor([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]]),
        torch.tensor([[0.0, 1.0], [0.5, 0.5], [0.0, 1.0]]),
        torch.tensor([0.9, 0.2, 0.4]),
    )
    torch.testing.assert_close(x[:, 0, 0, 0], torch.tensor([0.9, 0.8, 0.6]), rtol=0, atol=1e-5)
    torch.testing.assert_close(targets, torch.tensor([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4]]), rtol=0, atol=1e-5)

course.check("mixup", mixup)

# %% [markdown]
# Here your function has mixed each labeled image of the mini-batch above with its neighbor: a column shows a sample, its partner, and the mixture with the share λ′ of the sample. In which mixtures can you still name both classes?

# %% tags=["figure", "nbval-ignore-output"]
mixing_plots.mixtures(
    mixup, example_batch["x_labeled"], example_batch["y_labeled"], example_batch["lam"], train_dataset.classes
)

# %% [markdown]
# ## 4. The field on one page
#
# ### What you have to assume
#
# Unlabeled images can help only if the distribution of images says something about their classes. The usual forms of this assumption are:
#
# - **Smoothness**: images that are close to each other, or that are views of the same image, have the same class.
# - **Clusters, with borders in sparse regions**: regions with few images separate the classes. A border should run through these.
#
# If classes overlap, if the unlabeled images come from elsewhere, or if a change that we consider harmless changes the class (a 6 turned upside down), the assumption is false, and unlabeled images can do harm [10].
#
# ### Two old ideas, and how they were put together
#
# **Consistency regularization** puts smoothness to use: the network has to give the same prediction for an image and a perturbed version of it, and any difference becomes a loss. The Π-model [3] passes an image twice with different noise; Mean
# Teacher [5] compares with a network whose weights are averaged. The target is a prediction, and it may be a poor one.
#
# **Entropy minimization** [4] puts the clusters to use: the network has to be *sure* of every unlabeled image, because an unsure prediction means that the border runs through a region with images.
#
# **Holistic methods** use both at once and add strong regularization. The three in this course build on one another:
#
# | | target for an unlabeled image | what has to match it | what keeps wrong targets harmless |
# |:--|:--|:--|:--|
# | **MixMatch** [1], 2019 | mean prediction on K weak views, sharpened | mixtures of weak views with other images | a bounded loss, whose weight is ramped up |
# | **FixMatch** [6], 2020 | most probable class of one weak view | a strong view | a threshold: only confident images count |
# | **FlexMatch** [7], 2021 | as in FixMatch | as in FixMatch | a threshold for each class, low until the class is learned well |
#
# FixMatch drops MixMatch's mixing, its averaging and its ramp: a confident class replaces the sharpened distribution, a strong view replaces the mixture. The price is that unsure images teach nothing, and rare or hard classes stay unsure the
# longest. FlexMatch fixes that. You know FixMatch from the previous unit; here you write its predecessor, and find out what its successors could do without.

# %% [markdown] question="Q1"
# title: Question 1
# minutes: 10
# points: 3
# prompt: >-
#   Consistency regularization, entropy minimization and MixUp are three ideas from before MixMatch. For each of the three, name the step
#   of MixMatch that uses it, and say what that step assumes about the images.
# criteria:
#   - {points: 1, text: "The answer finds each of the three ideas in a step of the algorithm."}
#   - {points: 1, text: "For each, the answer names an assumption about images and classes, not only what is computed."}
#   - {points: 1, text: "For at least one of them, the answer describes data for which the assumption fails."}

# %% [markdown]
# You can come back to Question 1 once you have written the whole method.

# %% [markdown]
# ## 5. The loss, and the average of the weights
#
# ### The method in formulas
#
# A mini-batch holds $B$ labeled images $\mathcal X$ with one-hot labels $p$, and $B$ unlabeled images $\mathcal U$. One step does this:
#
# 1. **Augment.** One weak view of each labeled image, $K = 2$ weak views $\hat u_{b,1}, \dots, \hat u_{b,K}$ of each unlabeled one.
# 2. **Guess.** The mean of the predictions on the views of one image, $\bar q_b = \frac1K \sum_k p_m(\cdot \mid \hat u_{b,k})$.
# 3. **Sharpen.** $q_b(c) = \bar q_b(c)^{1/T} \big/ \sum_j \bar q_b(j)^{1/T}$ with a temperature $T = 0.5$. All $K$ views of the image get this one target.
# 4. **Mix.** Join everything into $\mathcal W$, labeled images and all views, each with its target. Each sample $a$ in it gets a partner $b$ from a random order of $\mathcal W$, and its own $\lambda$:
#    $$\lambda \sim \mathrm{Beta}(\alpha, \alpha), \quad \lambda' = \max(\lambda, 1 - \lambda)$$
#
#    $$x' = \lambda' x_a + (1 - \lambda') x_b, \quad p' = \lambda' p_a + (1 - \lambda') p_b$$
# 5. **Learn.** Let $\mathcal X'$ be the $B$ mixtures that began as labeled images, $\mathcal U'$ the other $KB$, and $C$ the number of classes:
#    $$\mathcal L_{\mathcal X} = \frac{1}{|\mathcal X'|} \sum_{(x, p) \in \mathcal X'} H\big(p, p_m(\cdot \mid x)\big)$$
#
#    $$\mathcal L_{\mathcal U} = \frac{1}{C\,|\mathcal U'|} \sum_{(u, q) \in \mathcal U'} \big\lVert q - p_m(\cdot \mid u) \big\rVert^2$$
#
#    $$\mathcal L = \mathcal L_{\mathcal X} + \lambda_u(t)\, \mathcal L_{\mathcal U}$$
#
# The order matters: sharpening comes *after* the mean, mixing after both, and the partner can be of either kind.

# %% [markdown]
# **Why a squared error?** A cross-entropy grows without bound when the network gives almost no probability to the target class, so a few wrong targets can dominate it. The squared distance between two distributions is at most 2. It is also small:
# divided by $C = 10$ classes it is usually a hundredth or less, which is why $\lambda_u$ is 75.
#
# **Why a ramp?** At the start the guesses are worthless. $\lambda_u(t)$ rises in a straight line from 0 to $\lambda_u$. FixMatch needs no ramp, because its threshold has the same effect.

# %% [markdown]
# **`rampup_length` is a number of steps, not a share of the run.** The paper's is 16,384. Its runs have a million steps, so for them the ramp is short. GPU mode keeps the paper's ramp, though its run ends before the ramp does, at
# $\lambda_u(t) = 75 \cdot 6000 / 16384 \approx 27$. A ramp over the *whole* run, which published code has used, turns every run length into a different method.
#
# **`lambda_u` belongs to the ramp.** If the weight reaches 75 too early, the guesses drown out the labels before they are any good. The authors of the course tried it on CIFAR-10 with a narrow network (WRN-10-1, 2,000 steps with 16 labeled images
# each, a ramp of 1,000 steps): the network fell back to guessing one class, with test errors of .87 with 250 labels and .90 with 1,000, one run each. A run in CPU mode has a few hundred steps, in which the paper's ramp would barely get started, and
# its images are easy. So it has both a shorter ramp and a smaller weight: $\lambda_u$ is 20 after 300 steps. Do not use these two numbers for photographs.

# %% [markdown] about="linear_rampup"
# title: A weight that grows
# minutes: 5
# points: 1
# difficulty: 1
# objectives:
#   - Let a weight grow over a fixed number of steps, not over the run.
# prerequisites: []
# hints:
#   - >-
#     What are the values at step 0, at half the length, at the length, and at twice the length? Which one does a plain quotient get
#     wrong?
#   - >-
#     A quotient, capped at 1. One length needs a case of its own, because you cannot divide by it: no ramp means that everything counts
#     right away.
# tiny: >-
#   A length of 4: the steps 0, 2, 4 and 8 give 0, 0.5, 1 and 1.
# idea: >-
#   The ramp postpones trust in the guesses until there is something to trust. Its length depends on the learning, not on the run: in its
#   first steps, a longer run should not be a different method.

# %% [markdown]
# The function returns the share of $\lambda_u$ that counts at a step: a straight line from 0 at step 0 to 1 at step `length`, and 1 from then on.

# %% exercise="linear_rampup"

# %% grade="linear_rampup"
with course.practical_check("linear_rampup", linear_rampup):
    np.testing.assert_allclose(linear_rampup(50, 200), 0.25)
    np.testing.assert_allclose(linear_rampup(1000, 200), 1.0)

course.check("linear_rampup", linear_rampup)

# %% [markdown]
# ### Where the gradient must not flow
#
# In FixMatch you could leave out `stop_gradient`: the most probable *class* is a step function of the weights, so its derivative is 0. MixMatch's target is a *distribution*. It moves when the weights move, so it has a derivative.
#
# Take one unlabeled image with logits $z$ for three classes, and only the core of the method: the target is the sharpened prediction itself, and the loss is their squared distance. With $T = 0.5$ the target is $\mathrm{softmax}(2z)$.
#
# **Predict** what happens to the derivative if the gradient is left in the target.

# %% tags=["figure", "nbval-ignore-output"]
course.predict("gradient_ratio", ...)

# %%
def gradient_of_the_distance(logits, cut):
    z = torch.tensor(logits, requires_grad=True)
    prediction, target = torch.softmax(z, dim=0), torch.softmax(2 * z, dim=0)
    F.mse_loss(prediction, target.detach() if cut else target).backward()
    return z.grad


unsure_logits, surer_logits = [0.3, 0.1, -0.2], [2.0, 0.0, 0.0]
with_cut, without_cut = (gradient_of_the_distance(unsure_logits, cut) for cut in (True, False))
for logits in (unsure_logits, surer_logits):
    print("prediction:        ", torch.softmax(torch.tensor(logits), dim=0).numpy().round(3))
    print("target cut off:    ", gradient_of_the_distance(logits, True).numpy().round(5))
    print("gradient left in:  ", gradient_of_the_distance(logits, False).numpy().round(5), end="\n\n")

# %% tags=["figure", "nbval-ignore-output"]
course.reveal("gradient_ratio", without_cut[0] / with_cut[0])

# %% [markdown]
# A gradient descent step goes against the gradient. With the gradient cut off, it *raises* the largest logit: the prediction moves toward its sharper target. With the gradient left in, it *lowers* it in the first example, where the prediction is
# still unsure: the cheapest way to make target and prediction agree is to be sure of nothing, because the uniform distribution is its own sharpened version. In the second example both derivatives have the same sign, and the one with the gradient
# left in is smaller. With a single raised logit, the sign flips at a probability of about .64 for three classes and .45 for ten. So a sure prediction still becomes surer, only more slowly, and an unsure one, as most are at the start, is pushed the
# wrong way. Neither the loss nor any other *value* of the first step changes, no error is raised, and a test that compares values passes. That is why the check of your loss compares gradients.

# %% [markdown] about="mixmatch_loss"
# title: The MixMatch loss
# minutes: 35
# points: 7
# difficulty: 4
# objectives:
#   - Put the pieces together in the right order, with every target next to its own image.
#   - Average over the right things, and send the gradient through the right pass only.
# prerequisites: [sharpen, guess_labels, mixup, linear_rampup]
# hints:
#   - >-
#     Make a table with one row for each sample of the joined batch: which image, which view, which target? Write it for two labeled
#     images and two views of three unlabeled ones. In which order are the guesses, and how often does each one occur? Only then mix,
#     images and targets by the same table.
#   - >-
#     Guesses from your second function, with all views; labels by `F.one_hot`, in the guesses' dtype. Join images with `torch.cat`,
#     repeat the guesses once for each view, join the targets. Mix with the rows of both in the given order. Then one pass of the network;
#     the first B rows of logits and targets go to `F.cross_entropy`, which accepts distributions, and the others, after a softmax, to
#     `F.mse_loss`. The weight is λ_u times your ramp.
# steps:
#   - >-
#     Guess a label for each unlabeled image, from all of its views.
#   - >-
#     Join targets in the order of the images: the one-hot labels, then the guesses, once for each view.
#   - >-
#     Bring a copy of the joined images and targets into the given order, and mix the two.
#   - >-
#     Run the network once on all mixed images.
#   - >-
#     Split logits and mixed targets after the first B samples: the two losses.
#   - >-
#     Multiply the ramp at this step by λ_u, and by it the second loss.
#   - >-
#     Add the first loss.
# subgoals:
#   - >-
#     Predict: the network's predictions for all views of the unlabeled images, which `guess_labels` asks for.
#   - >-
#     Decide: the targets. Every view of an image gets that image's guessed label; labeled targets are one-hot.
#   - >-
#     Mix: join the labeled images and all views, and mix them with the same in the order that the batch brings. No image is
#     masked.
#   - >-
#     Average: one forward pass. L_X is the mean cross-entropy of the first B samples; L_U is the mean, over the other samples
#     and over classes, of the squared difference between probabilities and targets.
# tiny: >-
#   First λ_u = 0: the total is the labeled loss. Then images of a single color, of which mixing leaves every pixel as it is.
# idea: >-
#   Two old ideas and a strong regularization in one loss: consistency (every view has to match one guess), entropy minimization (the
#   guess is sharper than the prediction), and MixUp. Targets do not move: no gradient flows through them, so an unsure prediction cannot
#   meet its target by becoming even less sure.

# %% [markdown]
# Now put everything together. This section and section 3 say what goes in; the stub's comments name the steps. Decide
# for each: which samples, in what order, and how many?
#
# - *One* forward pass over all mixed images. (The paper's code interleaves labeled and unlabeled images in several passes, so that BatchNorm sees some of each in every pass. In one pass it sees all of them anyway.)
# - The joined views come in this order: the first view of every image, then the second view of every image. Repeat the guesses in the same order.
# - The mean of $\mathcal L_{\mathcal U}$ is over samples *and* classes.
# - The error rate is that of the guesses, compared with labels that the loss never sees.

# %% exercise="mixmatch_loss"

# %% grade="mixmatch_loss"
with course.practical_check("mixmatch_loss", mixmatch_loss):
    # One-pixel images are their own logits. Two labeled images, and two views of a third, which you already know.
    # Each sample's partner is its neighbor; three of the four have λ = 1, so they stay as they are.
    total_loss, state, metrics = mixmatch_loss(
        LinearNet(np.eye(3), np.zeros(3)),
        {},
        {
            "x_labeled": torch.tensor([[6.0, 1.0, 1.0], [1.0, 1.0, 2.0]]).log()[..., None, None],
            "y_labeled": torch.tensor([0, 1]),
            "x_unlabeled": torch.tensor([[[3.0, 1.0, 1.0]], [[1.0, 2.0, 1.0]]]).log()[..., None, None],
            "y_unlabeled": torch.tensor([2]),
            "lam": torch.tensor([1.0, 1.0, 0.25, 1.0]),
            "order": torch.tensor([1, 0, 3, 2]),
            "step": 1,
        },
        MixMatchHparams(n_classes=3, T=0.5, lambda_u=8.0, rampup_length=4),
    )
    values = {name: torch.as_tensor(value).item() for name, value in metrics.items()}
    np.testing.assert_allclose(values["supervised loss"], 0.8370, atol=1e-4)  # (log(8/6) + log 4) / 2
    np.testing.assert_allclose(values["unsupervised loss"], 0.0193, atol=1e-4)
    np.testing.assert_allclose(values["unlabeled weight"], 2.0, atol=1e-6)  # a quarter of the ramp
    np.testing.assert_allclose(values["error rate"], 1.0)  # the guess is class 0
    np.testing.assert_allclose(values["total loss"], 0.8756, atol=2e-4)
    np.testing.assert_allclose(total_loss.item(), 0.8756, atol=2e-4)

course.check("mixmatch_loss", mixmatch_loss)

# %% [markdown] question="Q2"
# title: Question 2
# minutes: 10
# points: 3
# prompt: >-
#   In FixMatch, leaving the gradient in the pseudo-label changes nothing. In MixMatch, leaving it in the guessed label changes the training.
#   Explain the difference, and describe what a network could learn to do if the gradient were left in.
# criteria:
#   - {points: 1, text: "The difference is traced to a property of the two kinds of target, in terms of derivatives."}
#   - {points: 1, text: "The answer describes a way to lower the loss that classifies nothing."}
#   - {points: 1, text: "The answer backs its claim with a number or a sign from this notebook, or with a derivation."}

# %% [markdown]
# ### Weight decay outside the loss
#
# `weight_decay` is a setting of the optimizer, Adam, not of the loss. Adam divides each gradient by its usual size, and
# would do the same to the gradient of a decay term. So the decay is separate: after each step the *kernels* shrink by
# `lr` · `weight_decay` = 0.00004 of their size. Biases and BatchNorm's values do not.

# %% tags=["figure"]
course.figures.source(ShrinkingAdam)

# %% [markdown] about="ema_update"
# title: Averaged weights
# minutes: 15
# points: 3
# difficulty: 3
# objectives:
#   - Distinguish what is averaged from what is copied, and change a model in place.
# prerequisites: []
# hints:
#   - >-
#     Compute `keep` for step 0, for step 100 and for step 100,000 with a decay of 0.999. Which entries of a model are trained, and which
#     ones does BatchNorm update by itself?
#   - >-
#     `parameters()` and `buffers()` list the two kinds in the same order for both models. For each pair of parameters, multiply the
#     average in place by one share (`mul_`), and add the other share of the weight (`add_`). For each pair of buffers, use `copy_`.
# tiny: >-
#   An average of 0, a weight of 1 and a decay of 0.9, late in a run: one update gives 0.1.
# idea: >-
#   With a constant learning rate the weights never come to rest; the average of where they have been is closer to where they are going.
#   It costs a copy of the weights, and does not affect the training.

# %% [markdown]
# The network that is validated and tested is not the trained one, but one with averaged weights: an exponential moving average (EMA). A step of stochastic gradient descent is noisy, and with a constant learning rate, as here, it stays noisy; the
# average of many noisy positions lies closer to the middle of the valley. It does not protect against overfitting, saves no time, and training itself never uses it.
#
# - **What is averaged**: trainable weights. BatchNorm's running statistics *are* averages already, and are copied.
# - **How it starts**: with 0.999 from the first step, the average would remember the untrained network for a long time. **Predict** for how long.

# %% tags=["figure", "nbval-ignore-output"]
course.predict("first_weights_left", ...)

# %% tags=["figure", "nbval-ignore-output"]
steps = np.arange(100)
print("share of the first weights that is left in the average after 100 steps")
print(f"at 0.999 from the start:                {0.999 ** len(steps):.3f}")
print(f"with the warm-up (1 + k) / (10 + k):    {np.prod((1 + steps) / (10 + steps)):.1e}")
course.reveal("first_weights_left", 0.999 ** len(steps))

# %% exercise="ema_update"

# %% grade="ema_update"
with course.practical_check("ema_update", ema_update):
    averaged, trained = LinearNet(np.array([[1.0]]), np.array([10.0])), LinearNet(np.array([[2.0]]), np.array([20.0]))
    ema_update(averaged.requires_grad_(False), trained, 0, 0.999)
    # At step 0 a tenth is kept: .1 · 1 + .9 · 2, and .1 · 10 + .9 · 20.
    np.testing.assert_allclose(averaged.dense.weight.item(), 1.9, rtol=1e-5)
    np.testing.assert_allclose(averaged.dense.bias.item(), 19.0, rtol=1e-5)
    np.testing.assert_allclose(trained.dense.weight.item(), 2.0)

course.check("ema_update", ema_update)

# %% [markdown]
# ### Bugs that raise no error
#
# All of these were found in a published MixMatch. With each, training runs, and each is one line.
#
# - **One λ for the whole mini-batch.** Correct on average, but far noisier: some steps hardly mix at all, others mix everything half and half.
# - **BatchNorm updated five times in a step**, from batches of three kinds.
# - **The average copied over the model.** Before the first step, the averaged network, which is new and random, is copied *into* the one that trains. Whatever the run started from is lost.
# - **Weight decay on every floating-point number**, including BatchNorm's running variance. With every step the network takes the variance to be a little smaller.
# - **A ramp over the whole run**, so that the same step in a longer run belongs to a different method.

# %% [markdown]
# ## 6. Training
#
# **With or without a GPU.** On a GPU, a WRN-28-2 is trained on CIFAR-10. Otherwise, in *CPU mode*, a narrower one is
# trained on fewer, procedural images. The code is the same, and the set-up cell told you which of the two you have.
#
# ### Is everything ready?

# %% locked="ready" tags=["training"]
exercises = [sharpen, guess_labels, mixup, linear_rampup, mixmatch_loss, ema_update]
states = {function.__name__: course.check.run(function.__name__, function).state.value for function in exercises}
for name, state in states.items():
    print(f"{name:28s} {state}")
print("\nReady to train." if set(states.values()) == {"correct"} else "\nFinish these first: training needs all six of them.")

# %% [markdown]
# ### What to expect
#
# The figure shows recorded runs in CPU mode, with your loss and on labeled images alone. There are several of each kind,
# with other seeds and other versions of the libraries: another seed means other labeled images, other first weights and
# other views. The line is the middle, and the band spans the lowest and the highest. Yours is one draw more. In CPU mode
# it has the same settings and should end in its band or close to it; in GPU mode no run has been recorded.

# %% locked="expected" tags=["training", "nbval-ignore-output"]
from course.training.recorded import load_recorded

course.figures.expected(
    {
        "MixMatch": load_recorded("shapes", "mixmatch"),
        "labeled images alone": load_recorded("shapes", "mixmatch-labeled"),
    },
    ("val error rate", "error rate", "unsupervised loss"),
)

# %% [markdown] about="budgets"

# %% [markdown]
# CIFAR-10 has published numbers. After $2^{20}$ steps of a WRN-28-2, MixMatch has a test error of 13.6 % with 250 labels and 6.7 % with 4,000 (re-implementation in TorchSSL [7]). A run as short as yours stays far from that: the PyTorch tutorial that
# this unit grew out of reports 46 % with 500 labels and 19 % with 2,000 after 20,480 steps, one run each.
#
# ### How λ_u rises in this run

# %% locked="ramp" tags=["training", "nbval-ignore-output"]
ramps = {hparams.steps: "the whole run", 16_384: "the paper's 16,384 steps"}
ramps[hparams.rampup_length] = f"{hparams.rampup_length:,} steps (here)"
mixing_plots.weights(
    {
        name: lambda step, length=length: hparams.lambda_u * linear_rampup(step, length)
        for length, name in ramps.items()
    },
    hparams.steps,
)

# %% [markdown]
# ### The run (given)
#
# `train_torch` makes the loaders and the optimizer. In each step it calls your loss, then your `ema_update`; every `eval_step` steps it validates the averaged network. The learning rate stays constant.

# %% locked="train-function" tags=["nbval-ignore-output"]
def train_with(loss, logdir, **options):
    """One run with the settings above: the same network, images and draws whatever the loss."""
    return train_torch(
        "mixmatch",
        dataclasses.replace(hparams, logdir=f"{logdir}"),
        torch_models.make_model(MODEL, hparams.n_classes, seed=hparams.seed, bn_momentum=hparams.bn_momentum),
        labeled_dataset,
        unlabeled_dataset,
        val_dataset,
        loss=loss,
        make_schedule=lambda lr, *_: lambda step: lr,
        model_name=MODEL,
        **options,
    )

# %% given="labeled_only_loss"

# %% [markdown]
# Setting $\lambda_u = 0$ would *not* be a run without unlabeled images: they would still be the partners of the labeled ones, with their guessed labels. So the comparison uses a separate loss, without them. Network, first weights, labeled images,
# their order and views, optimizer, average and number of steps are the same.
#
# ### With unlabeled images
#
# Before you start, **predict** the validation error at the end.

# %% tags=["figure", "nbval-ignore-output"]
course.predict("val_error", ...)

# %% [markdown]
# The run saves a checkpoint now and then. If the session ends, or you stop the cell (*Kernel*, then *Interrupt*), set everything up as before and run the cell again: with `if_exists = "resume"` it continues from the last checkpoint. If you have
# **changed one of your functions**, set it to `"overwrite"`, or you will get the old run's result again.
#
# **A closed tab** does not stop a run, but when you come back its cell shows no more of it. Run the cell again: it waits for the run, trains nothing that is finished, and says how the run ended.

# %%
if_exists = "resume"  # or "overwrite"

# %% locked="train" tags=["training", "nbval-ignore-output"]
shown_metrics = ("val error rate", "error rate", "unsupervised loss")
live_curves = course.figures.LiveCurves("MixMatch", names=shown_metrics)
with_unlabeled = train_with(
    mixmatch_loss, runs_folder / "mixmatch", ema_update=ema_update, if_exists=if_exists, observers=[live_curves]
)

# %% [markdown]
# Did you close the tab during the run? The next cell draws the whole run again from its log and says how it ended.

# %% locked="whole-run" tags=["training", "nbval-ignore-output"]
live_curves.show()

# %% [markdown]
# *error rate* is the share of wrong guesses among the step's unlabeled images. It has to fall. *unsupervised loss* is tiny and says little by itself: it is lowest when all predictions agree, for the right reason or the wrong one.

# %% locked="guess" tags=["training", "nbval-ignore-output"]
warn_if_partial(with_unlabeled)
val_error = with_unlabeled.metrics["val error rate"][-1]
print(f"validation error at the end: {val_error:.3f}")
course.reveal("val_error", val_error)

# %% [markdown]
# ### Labeled images alone

# %% locked="train-labeled" tags=["training", "nbval-ignore-output"]
labeled_only = train_with(
    labeled_only_loss, runs_folder / "labeled-only", ema_update=ema_update, if_exists=if_exists
)

# %% locked="compare" tags=["training", "nbval-ignore-output"]
records = {
    "MixMatch": read_metrics(runs_folder / "mixmatch" / "metrics.jsonl"),
    "labeled images alone": read_metrics(runs_folder / "labeled-only" / "metrics.jsonl"),
}
course.figures.curves(records, ("val error rate", "train error rate", "supervised loss"), title=f"{DATA}, one run each")
warn_if_partial(*records.values())

# %% [markdown]
# *train error rate* is the averaged network's error on the labeled images themselves, without augmentation. *supervised
# loss* is measured on mixtures in one run and on single images in the other, so the two values cannot be compared.
#
# **Explain.** With labeled images alone, the network memorizes them: loss and training error go to zero. MixMatch's
# supervised loss cannot go to zero, whatever the network does. Why not?

# %% [markdown] question="Q3"
# title: Question 3
# minutes: 10
# points: 2
# prompt: >-
#   Your two runs differ in their validation error. List what differs between the two runs, and what else could have caused
#   a difference of this size. What would you run next before you report it?
# criteria:
#   - {points: 1, text: "The answer separates what differs by design from what differs by chance."}
#   - {points: 1, text: "The proposed runs would answer the question, and the answer says which result would settle it."}

# %% [markdown]
# ### How confident, and how often right?
#
# MixMatch has no threshold: the dashed line is *FixMatch's* τ = 0.95. How many of the images would FixMatch have let through with this network, and how many of those predictions are right? Compare with what you saw in the previous unit, and think
# about the targets that the network was trained on.

# %% locked="reliability" tags=["training", "nbval-ignore-output"]
warn_if_partial(with_unlabeled)
network = with_unlabeled.state.evaluated.eval()
device = next(network.parameters()).device
with torch.no_grad():
    batches = [to_tensors({"x_": x}, device)["x_"] for x, _ in get_validation_generator(val_dataset)]
    probabilities = torch.cat([torch.softmax(network(x), dim=-1) for x in batches]).cpu().numpy()
confidence, correct = probabilities.max(axis=1), probabilities.argmax(axis=1) == val_dataset.targets
course.figures.reliability(confidence, correct, 0.95)

# %% [markdown]
# ### One look at the test set

# %% locked="test" tags=["training", "nbval-ignore-output"]
warn_if_partial(with_unlabeled, labeled_only)
for name, result in {"MixMatch": with_unlabeled, "labeled only": labeled_only}.items():
    for weights, model in {"averaged": result.state.evaluated, "raw": result.state.model}.items():
        tested = torch_parts.evaluate(model, test_dataset, phase="test")
        print(f"{name:14s} {weights:8s} weights: test error {tested['test error rate']:.3f}, top-5 accuracy {tested['test top-5']:.3f}")

# %% [markdown]
# **Explain.** Do averaged and raw weights differ more in one of the two runs? If so, in which one, and what about its training could be the reason? If not, what did you expect?

# %% [markdown]
# ## 7. What you should know now
#
# Three questions, one of them about the previous unit. Choose an answer before you read the explanation; wrong answers have explanations too.

# %% tags=["figure", "nbval-ignore-output"]
course.recall()

# %% [markdown]
# ### A trace and a bug of your own
#
# Only if your instructor has sent you a code; otherwise go on below. It gives up to five points beside those of the exercises, and nobody near you has the same numbers.
#
# **Trace a guess.** Write your code into the next cell: it shows what the network predicts for the two views of an image, and the labeled image that this one is mixed with. What is the sharpened guess, and what is the target after `mixup`, each to three decimals?
# Write plain numbers into the cell below it, for that text is what gets graded.

# %% tags=["figure", "nbval-ignore-output"]
course.trace("")

# %% tags=["figure", "nbval-ignore-output"]
course.my_trace(
    code="",
    guess=[0.0, 0.0, 0.0],
    target=[0.0, 0.0, 0.0],
)

# %% [markdown]
# **Find your bug.** Somebody has broken the unlabeled loss. You do not see the code, only what it gave for six small mini-batches, and the list of bugs of which it has one. An image has three numbers there, and the network passes them on as its logits. The mini-batch begins with one
# labeled image, whose numbers are 0 and whose class is 0; then come all first views, then all second ones. The partner of each sample is the next one, and that of the last is the labeled image. $\lambda$ has one entry for each sample. Your own loss is right: where do the two differ? The
# cell also returns the arrays: `first, second, lam, loss = mini_batches[0]`.
#
# Then show that you know: write an input of your own on which the bug shows, one to four images in two views, and the number that the broken loss gives for it.

# %% tags=["figure", "nbval-ignore-output"]
mini_batches = course.bug("")

# %% tags=["figure", "nbval-ignore-output"]
course.my_bug(
    code="",
    name="",
    first=[[0.0, 0.0, 0.0]],
    second=[[0.0, 0.0, 0.0]],
    lam=[0.5, 0.5, 0.5],
    loss=0.0,
)

# %% [markdown]
# ### How long did it take you?
#
# Optional and not graded. The next cell prints the time since you last ran the cell of imports, the second of this notebook. Write down the time you really spent in the cell after it.

# %% tags=["nbval-ignore-output"]
print(f"{(perf_counter() - session_began) / 60:.0f} minutes since the imports last ran")

# %% [markdown]
# *Minutes for the whole unit:*
#
# *The part that took longest:*

# %% [markdown]
# ## 8. Optional open questions
#
# Not graded, and there is no model answer. Use `dataclasses.replace(hparams, ...)`, another `logdir`, and several seeds before you believe a difference.
#
# 1. **Which part helps most?** Leave out one thing at a time: the mixing ($\lambda = 1$), the sharpening ($T = 1$), the second view ($K = 1$), the average. Which omission costs most on your data? The paper has such a table for CIFAR-10; is your
#    order the same?
# 2. **Too much, too early.** Set `lambda_u` to 75 in CPU mode and look at all curves, including those of the labeled images. How early in the run could you have noticed?
# 3. **Collapse.** Leave the gradient in the guesses, on purpose, and train. Are the unlabeled predictions less sure than in your run, and when? Which predictions does the wrong gradient push in which direction (section 5), and which term of the loss
#    works against it?
# 4. **A threshold for MixMatch.** Count only the unlabeled samples whose guess is confident, as FixMatch does. Do you still need the ramp?

# %% [markdown]
# ## 9. Ready to hand in?
#
# Save the notebook, then run the next cell. It runs every check again and searches the saved file for cells that are missing, duplicated, or without the metadata that grading needs. If it cannot find the file, pass its name:
# `course.ready_to_hand_in("01_mixmatch.ipynb")`.
#
# Below its report stands your *logbook*: your predictions and their results, how many versions of each function you checked, and which hints you looked at. Whoever grades your written answers sees it beside them. It gives and costs no points and is sent nowhere. Clear the cell's output
# if you do not want to hand it in, or run `course.delete_logbook()` in a new cell. Save the notebook once more before you hand it in.

# %% locked="ready-to-hand-in" tags=["nbval-ignore-output"]
course.ready_to_hand_in()

# %% [markdown]
# ## References
#
# 1. D. Berthelot, N. Carlini, I. Goodfellow, N. Papernot, A. Oliver and C. Raffel. MixMatch: A holistic approach to semi-supervised learning. NeurIPS 32, 2019. [arXiv:1905.02249](https://arxiv.org/abs/1905.02249), [code](https://github.com/google-research/mixmatch)
# 2. H. Zhang, M. Cisse, Y. N. Dauphin and D. Lopez-Paz. mixup: Beyond empirical risk minimization. ICLR 2018. [arXiv:1710.09412](https://arxiv.org/abs/1710.09412)
# 3. S. Laine and T. Aila. Temporal ensembling for semi-supervised learning (the Π-model). ICLR 2017. [arXiv:1610.02242](https://arxiv.org/abs/1610.02242)
# 4. Y. Grandvalet and Y. Bengio. Semi-supervised learning by entropy minimization. NeurIPS 17, 2004. [proceedings](https://papers.nips.cc/paper/2740-semi-supervised-learning-by-entropy-minimization)
# 5. A. Tarvainen and H. Valpola. Mean teachers are better role models. NeurIPS 30, 2017. [arXiv:1703.01780](https://arxiv.org/abs/1703.01780)
# 6. K. Sohn et al. FixMatch: Simplifying semi-supervised learning with consistency and confidence. NeurIPS 33, 2020. [arXiv:2001.07685](https://arxiv.org/abs/2001.07685)
# 7. B. Zhang, Y. Wang, W. Hou, H. Wu, J. Wang, M. Okumura and T. Shinozaki. FlexMatch: Boosting semi-supervised learning with curriculum pseudo labeling. NeurIPS 34, 2021. [arXiv:2110.08263](https://arxiv.org/abs/2110.08263), [TorchSSL](https://github.com/TorchSSL/TorchSSL)
# 8. S. Zagoruyko and N. Komodakis. Wide residual networks. BMVC 2016. [arXiv:1605.07146](https://arxiv.org/abs/1605.07146)
# 9. A. Krizhevsky. Learning multiple layers of features from tiny images. Technical report, University of Toronto, 2009 (CIFAR-10). [PDF](https://www.cs.toronto.edu/~kriz/learning-features-2009-TR.pdf)
# 10. A. Oliver, A. Odena, C. Raffel, E. D. Cubuk and I. J. Goodfellow. Realistic evaluation of deep semi-supervised learning algorithms. NeurIPS 31, 2018. [arXiv:1804.09170](https://arxiv.org/abs/1804.09170)

# %% [markdown]
# ## 한국어 요약
#
# **분야 개요.** 레이블을 붙이는 일에는 많은 시간과 비용이 듭니다. 지도 학습은 레이블이 있는 데이터만, 비지도 학습은 레이블이 없는 데이터만 사용하고, 준지도 학습은 적은 레이블과 레이블이 없는 많은 데이터를 함께 사용합니다. 비슷한 이미지는 같은 클래스라는 가정(평활성)과
# 클래스의 경계는 데이터가 드문 곳을 지난다는 가정이 필요합니다. 일관성 정규화(consistency regularization)와 엔트로피 최소화를 하나로 묶은 방법이 holistic 방법이며, MixMatch → FixMatch → FlexMatch 순서로 발전했습니다.
#
# **방법.** 레이블이 없는 이미지마다 약한 증강을 K = 2번 적용하고, 예측 확률의 평균을 낸 다음(평균이 먼저입니다), 온도 T = 0.5로 날카롭게(sharpen) 만들어 목표로 삼습니다. 레이블이 있는 이미지와 모든 증강 이미지를 한데 모아 섞은 순서로 짝을 짓고, 샘플마다 따로 뽑은 λ로
# MixUp을 적용합니다. λ′ = max(λ, 1 − λ)이므로 결과는 항상 자기 자신에 더 가깝습니다. 손실은 레이블 쪽의 교차 엔트로피와, 나머지의 제곱 오차(샘플과 클래스 모두에 대한 평균)에 정해진 단계 수 동안 0에서부터 직선으로 커지는 가중치 λ_u를 곱한 것의 합입니다.
#
# **연습 문제.** ① sharpen, ② guess_labels, ③ mixup, ④ linear_rampup, ⑤ mixmatch_loss, ⑥ ema_update. 이번에는 PyTorch로 구현합니다.
#
# **기억할 점.** FixMatch에서는 의사 레이블의 기울기를 끊지 않아도 결과가 같지만, MixMatch의 목표는 부드러운 분포이므로 기울기를 끊지 않으면 확신이 낮은 예측은 더 불확실해지는 쪽으로 밀려납니다. 값만 비교해서는 이 실수를 찾을 수 없고 기울기를 비교해야 합니다. 추측을 위한
# 순전파가 BatchNorm의 통계를 바꾸지 않도록 하고, EMA는 학습되는 가중치만 평균하고 BatchNorm의 통계는 평균하지 않고 복사합니다. 초기에는 더 빨리 잊도록 합니다. 한 번의 실행은 하나의 표본일 뿐입니다.
