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
# You read, you predict, you run, and in eight places you write a function in PyTorch. Below each is a *check*, as in the unit `fixmatch`. Keep the function's name, arguments and return values. Three
# questions ask for written answers, which a person reads.
#
# **Stuck?** `course.hint("fixmatch_loss", 1)` in a cell of your own gives a nudge, `course.hint("fixmatch_loss", 2)` a
# plan. The losses have a third: steps to order. Hints cost nothing.
#
# **In Colab**, save the notebook to your Drive and mount your Drive before you run the next cell.
#
# The next two cells are collapsed. Run them anyway.

# %% setup="true" tags=["nbval-ignore-output"]

# %% locked="imports"
import dataclasses
import math
from collections import Counter
from time import perf_counter
from types import SimpleNamespace

import course.figures
import jax
import numpy as np
import torch
from course.units.flexmatch import figures as threshold_plots
from course.augment import image_to_numpy
from course.checks.torch_mocks import LinearNet
from course.data import load_dataset
from course.data.loaders import get_validation_generator
from course.data.split import generator_from_key, stratified_split, subset_by_indices
from course.models import torch_models
from course.training import load_checkpoint, read_metrics, warn_if_partial
from course.training.torch import parts as torch_parts
from course.training.modes import (
    DATA_SETS,
    TORCH_MODELS,
    flexmatch_fixmatch_hparams,
    flexmatch_hparams,
    flexmatch_start_hparams,
    freematch_hparams,
)
from course.training.torch.checkpoint import architecture
from course.training.torch.loop import default_device
from course.training.torch.methods import freematch
from course.training.torch.parts import l2_penalty, to_tensors, watched_logits
from course.training.torch.train import train_torch
from torch.nn import functional as F

session_began = perf_counter()
course.begin("flexmatch", env)

# %% [markdown]
# ## 1. From JAX to PyTorch
#
# FixMatch [2] again, in the other framework. The math does not change. What changes is **who owns what**: in JAX you pass everything to a function and get everything back; in PyTorch, objects own their state and change it.
#
# | | JAX with flax | PyTorch |
# |:--|:--|:--|
# | parameters | a pytree that you pass: `model.apply(variables, x)` | live in the module: `model(x)` |
# | training mode | `mutable=["batch_stats"]` in the call | `model.train()`, a switch that stays on until you change it |
# | BatchNorm's statistics | are returned, and you pass them on | change inside the module, with *each* training-mode call |
# | no gradient | `jax.lax.stop_gradient(t)` | `t.detach()`, or a block `with torch.no_grad():` |
# | images | `(n, height, width, 3)` | `(n, 3, height, width)` |
#
# So three passes in training mode are not like one.

# %% [markdown]
# ## 2. FixMatch in PyTorch
#
# ### A worked example: the simplest loss
#
# All methods of this course share one training loop in PyTorch. It asks for one function, the *loss*:
#
# > `loss(model, state, batch, hparams)` → `(total loss, state, metrics)`
#
# `model` is the network in training mode, `batch` a dictionary of tensors, `hparams` the settings. `state` is what a
# method remembers from step to step: the next step receives what this one returns. The loop does the rest, `backward()`
# and the update. The simplest one uses labeled images alone.

# %% given="supervised_loss"

# %% [markdown]
# `F.cross_entropy` takes **logits**: it computes the softmax itself, in a stable way. If you pass probabilities, you
# get no error, just a loss that hardly moves. `l2_penalty` is the weight decay over convolution and dense kernels.

# %% [markdown] about="fixmatch_loss"
# title: The FixMatch loss in PyTorch
# minutes: 35
# points: 6
# difficulty: 3
# objectives:
#   - Turn weak predictions into pseudo-labels and a mask, and use them on the strong view, in PyTorch.
#   - Leave it to a rule passed as an argument to decide which images count.
# prerequisites: []
# hints:
#   - >-
#     Follow the four comments of the stub. Write the shape beside each: three kinds of images go in as one batch, one tensor of logits comes
#     out, and it is split into three pieces. Which piece gives the label, which one is corrected by it, and which one already has a
#     label?
#   - >-
#     `torch.cat` joins, and `split` of a tensor takes the *sizes* of the pieces. For the weak piece: detach, divide by `T`, softmax over
#     the classes; `max` with a `dim` gives values and positions at once, that is, confidence and pseudo-labels. For the strong piece:
#     `F.cross_entropy` without a reduction gives one number per image. Multiply by the mask and take the plain mean. With a rule, mask
#     and state both come from it.
# steps:
#   - >-
#     Join the three kinds of images, run the network once, and split the logits.
#   - >-
#     Turn the weak logits, detached and divided by T, into probabilities.
#   - >-
#     Of each of these rows, take the largest entry and its class: confidence and pseudo-label.
#   - >-
#     Compare the confidence with τ, or ask the rule that was passed: this gives the mask, and with a rule the state.
#   - >-
#     Multiply the mask by the strong views' cross-entropy with the pseudo-labels, one number for each image.
#   - >-
#     Average these products over all μB images.
#   - >-
#     Add the labeled images' mean loss, λ_u times this average and the weight decay.
# subgoals:
#   - >-
#     Predict: one forward pass over all three kinds of images, since BatchNorm sees them together. Split the logits.
#   - >-
#     Decide: for each weak view, without gradient, the pseudo-label and its probability.
#   - >-
#     Mask: which images count, by τ or by the rule that was passed.
#   - >-
#     Average: the labeled images' cross-entropy over all B; the strong views' cross-entropy with the pseudo-labels, masked,
#     over all μB.
# tiny: >-
#   Two unlabeled images, one predicted with 0.99 and one with 0.6, and a threshold of 0.95. The mask rate is 0.5, and the
#   unlabeled loss is half of what the first image alone loses.
# idea: >-
#   The loss is the same as in JAX, line for line. What FixMatch adds is the decision which images count, and that decision fits into one
#   function of confidence and pseudo-labels. Once it is outside the loss, it can be replaced, and FlexMatch replaces it.

# %% [markdown]
# Now FixMatch. Here are the formulas again, for $B$ labeled and $\mu B$ unlabeled images, with $q_b = \operatorname{softmax}(z_b / T)$ for the logits $z_b$ of the weak view:
#
# $$\mathcal L_s = \frac1B \sum_{b} H\big(y_b, p_m(\cdot \mid \alpha(x_b))\big)$$
#
# $$\mathcal L_u = \frac{1}{\mu B} \sum_{b} \mathbb 1\big[\max_c q_b(c) \ge \tau\big]\, H\big(\arg\max_c q_b(c),\; p_m(\cdot \mid \mathcal A(u_b))\big)$$
#
# and $\mathcal L = \mathcal L_s + \lambda_u \mathcal L_u$ + weight decay. The temperature $T$ is 1 in the paper; with hard pseudo-labels it changes only the confidence.
#
# One thing is new: **which images count** is a rule that you can swap. With `select=None` it is FixMatch's threshold. Otherwise `select` is a function that takes the probabilities and the pseudo-labels of the weak views and returns the mask and the
# state to pass on. FlexMatch will be FixMatch with a different rule, so you will not write the loss a third time.
#
# In the check's small example, the network returns an image's three pixels as logits, so you can follow every number: a pixel is the logarithm of a probability.

# %% exercise="fixmatch_loss"

# %% grade="fixmatch_loss"
with course.practical_check("fixmatch_loss", fixmatch_loss), torch.no_grad():
    network = LinearNet(np.eye(3), np.zeros(3))  # the pixels of an image are its logits
    probabilities = {
        "x_labeled": [[0.5, 0.25, 0.25]],
        "x_unlabeled_weak": [[0.96, 0.02, 0.02], [0.5, 0.3, 0.2], [0.02, 0.02, 0.96]],
        "x_unlabeled_strong": [[0.25, 0.5, 0.25], [0.9, 0.05, 0.05], [0.2, 0.2, 0.6]],
    }
    example = {name: torch.tensor(p).log().reshape(-1, 3, 1, 1) for name, p in probabilities.items()}
    example |= {"y_labeled": torch.tensor([0]), "y_unlabeled": torch.tensor([0, 1, 2])}
    settings = SimpleNamespace(weight_decay=0.1, lambda_u=2.0, T=1.0, threshold=0.95, n_classes=3)
    total, state, metrics = fixmatch_loss(network, {}, example, settings)
    # Supervised: −log 0.5. Unsupervised: (−log 0.25 − log 0.6) / 3, the second image does not count.
    np.testing.assert_allclose(float(metrics["supervised loss"]), 0.693147, rtol=1e-4)
    np.testing.assert_allclose(float(metrics["unsupervised loss"]), 0.632373, rtol=1e-4)
    np.testing.assert_allclose(float(metrics["weight decay"]), 0.15, rtol=1e-4)
    np.testing.assert_allclose(float(total), 2.107894, rtol=1e-4)
    np.testing.assert_allclose(float(metrics["mask rate"]), 2 / 3, rtol=1e-4)
    np.testing.assert_allclose(float(metrics["error rate"]), 1 / 3, rtol=1e-4)

course.check("fixmatch_loss", fixmatch_loss)

# %% [markdown]
# The next cell shows your progress. Run it whenever you like.

# %% tags=["figure", "nbval-ignore-output"]
course.progress()

# %% [markdown]
# ### What else differs
#
# | | JAX with flax | PyTorch |
# |:--|:--|:--|
# | gradient | `jax.grad(loss)` is a function | `loss.backward()` adds to each parameter's `.grad` |
# | random numbers | a key that you pass | a generator with a state; `torch.manual_seed(0)` sets it |
# | when it runs | `jit` compiles once, then Python no longer runs | each line runs when it is reached (*eager*), so `print` and `if` see numbers |
# | device | JAX decides where arrays live | you move tensors, `t.to(device)`, and create new ones on the same device: `torch.zeros(3, device=t.device)` |
# | in-place changes | impossible | `t[i] = 0` and `t.add_(1)` change `t` for every holder of it |
# | settings | `confidence_threshold`, `lambda_coef`, `labeled_batch_size`, `beta`, `alpha`, `w_decay` | `threshold`, `lambda_u`, `batch_size`, `momentum`, `decay_fraction`, `weight_decay` (twice the number, because of a factor ½) |
#
# The last row is specific to this course: its two training programs use different names. The penalty here has the
# paper's factor ½, and the one in the JAX units does not, so there the same decay is half as large a number.
#
# Two other rows are where ported code goes wrong. A tensor that is changed in place also changes for its owner. And on
# a GPU an eager line only *queues* work; it waits [6] when Python asks for a number, with `float(t)`, `t.tolist()` or
# an `if` on a tensor. A step that asks for ten thousand numbers waits ten thousand times.
#
# **How fast?** The authors of the course measured one FixMatch step of 960 images with a ResNet18, on four cores of an
# Intel Xeon with jax 0.7.2 and torch 2.11.0:
#
# | | seconds a step |
# |:--|--:|
# | jax-resnet as it comes | 3.59 |
# | the ResNet18 of this course in JAX (small maps as matrix products) | 1.08 |
# | torchvision's ResNet18 in PyTorch | 0.79 |
#
# The first two rows are the same framework. A slow convolution matters more than the choice of framework. These numbers
# are from one CPU; on yours, and on a GPU, they will differ.
#
# ### An assignment that counts only once
#
# This is a trap if you are used to loops. **Predict** the number: replace the dots with it and run the cell before you
# go on to the next one. Your guesses are saved with your progress in the work folder, and they stay in the notebook
# that you hand in. They are not graded.

# %% tags=["figure", "nbval-ignore-output"]
course.predict("repeated_index", ...)

# %% tags=["figure", "nbval-ignore-output"]
votes = torch.zeros(4)
votes[torch.tensor([2, 2, 2, 0])] += 1
print(votes)
course.reveal("repeated_index", votes[2])

# %% [markdown]
# ## 3. The data
#
# A labeled image is also used as an unlabeled one, as in the paper. In GPU mode 400 of 45,000 images have a label. CPU
# mode has only 400 images, half of them with a label. It has so few on purpose: what is special about FlexMatch shows
# once most of the unlabeled images have been predicted with confidence, and that should happen within a short run here.

# %% locked="settings"
runs_folder = env.work / "flexmatch" / env.mode
DATA, MODEL = DATA_SETS[env.mode], TORCH_MODELS[env.mode]
hparams = flexmatch_hparams(env.mode, logdir=f"{runs_folder / 'flexmatch'}")

# %% tags=["figure", "nbval-ignore-output"]
course.figures.settings(hparams)

# %% locked="data"
splits = load_dataset(DATA)
train_dataset, test_dataset = splits.train, splits.test
key = jax.random.PRNGKey(hparams.seed)
labeled_dataset, rest = stratified_split(key, train_dataset, hparams.n_labeled // hparams.n_classes)
val_dataset, others = stratified_split(
    jax.random.fold_in(key, 1), rest, hparams.num_validation_samples_per_class
)
remaining = others.indices
if hparams.n_unlabeled is not None:
    drawn = generator_from_key(jax.random.fold_in(key, 2)).permutation(remaining)
    remaining = drawn[: hparams.n_unlabeled - len(labeled_dataset)]
unlabeled_dataset, _ = subset_by_indices(train_dataset, np.concatenate([labeled_dataset.indices, remaining]))
val_dataset = val_dataset.with_transform(image_to_numpy)
test_dataset = test_dataset.with_transform(image_to_numpy)
for part, dataset in {"labeled": labeled_dataset, "validation": val_dataset, "unlabeled": unlabeled_dataset}.items():
    counts = np.bincount(dataset.targets, minlength=dataset.num_classes)
    each = f"{counts.min():,d}" if counts.min() == counts.max() else f"{counts.min():,d} to {counts.max():,d}"
    print(f"{part:10s} {len(dataset):6,d} images, {each} of each class")

# %% tags=["figure", "nbval-ignore-output"]
course.figures.class_examples(train_dataset)

# %% [markdown]
# The views are those of the unit `fixmatch`: weak is a flip and a shift; strong adds two random operations and a gray square. The loaders are also the same, and the loop turns their arrays into tensors.

# %% [markdown]
# ## 4. One threshold for all classes?
#
# τ = 0.95 asks the same of every class, but classes are not equally hard. A class that the network learns early passes the threshold early, provides pseudo-labels, and is learned even better. A class that it confuses with another stays below and
# provides none, and what the network learns about the others decides its images.
#
# FlexMatch (Zhang et al., 2021, [1]) asks of each class only what it can reach: **a threshold for each class**, which rises as the class is learned. The paper calls this curriculum pseudo-labeling. It needs no extra forward pass and no validation
# set: the pseudo-labels themselves show how far a class has come.

# %% [markdown] question="Q1"
# title: Question 1
# minutes: 10
# points: 3
# prompt: >-
#   In FixMatch all classes share one threshold. Describe what happens, over the course of a run, to a class
#   that is harder to learn than the others, and say what FlexMatch changes about that.
# criteria:
#   - {points: 1, text: "The answer follows one class through several steps instead of naming a single state."}
#   - {points: 1, text: "It says which signal the hard class lacks, and why this does not correct itself."}
#   - {points: 1, text: "It says what FlexMatch's change does for this class, and at what risk."}

# %% [markdown]
# ### The method in four lines
#
# 1. **Remember.** For each of the $N$ unlabeled images keep the latest confident pseudo-label $\hat u_n \in \{-1, 0, \dots, C-1\}$. $-1$ means none so far. When the network's probability for an image reaches the **fixed** $\tau$, its $\hat u_n$
#    becomes the new class.
# 2. **Count.** $\sigma(c)$ is the number of images with $\hat u_n = c$, over **all** $N$ images, not only this mini-batch. It is counted **before** this step's update.
# 3. **Threshold.**
#
# $$\beta(c) = \frac{\sigma(c)}{\max\big(\max_k \sigma(k),\; N - \sum_k \sigma(k)\big)}$$
#
# $$\tau_c = \tau\, \frac{\beta(c)}{2 - \beta(c)}$$
#
# The paper writes $\mathcal T_t(c)$ for $\tau_c$ in step $t$; here $T$ always means the temperature.
#
# 4. **Select.** An image counts when $\max_c q_b(c) \ge \tau_{\hat q_b}$, with the threshold of *its own* class $\hat q_b = \arg\max_c q_b(c)$. The rest is FixMatch.
#
# **Predict** before you read on: what share of the unlabeled images passes in FlexMatch's *first* step? Go through the four lines with the initial û.

# %% tags=["figure", "nbval-ignore-output"]
course.predict("first_mask_rate", ...)

# %% [markdown]
# **The mapping** $\beta / (2 - \beta)$ lies below the straight line: a class that is halfway has a third of τ, not half. The closer β is to 1, the faster the threshold rises.

# %% tags=["figure", "nbval-ignore-output"]
threshold_plots.mapping(hparams.threshold)

# %% [markdown]
# **The warm-up.** The second term of the maximum is the number of images without a label. As long as it is the larger
# one, no class gets the whole of τ, however far ahead of the others it is. It shrinks as the counts grow. In a short run
# on hard data, that can take the whole run.

# %% [markdown]
# ## 5. FlexMatch, piece by piece

# %% [markdown] about="learning_status"
# title: How far has each class come?
# minutes: 5
# points: 2
# difficulty: 1
# objectives:
#   - Count labels per class on the device, without a loop over images.
# prerequisites: []
# hints:
#   - >-
#     Counting how often each whole number occurs is a standard operation with its own name in NumPy and in PyTorch. It does not accept
#     negative numbers. What can you do about the −1?
#   - >-
#     `torch.bincount` counts 0, 1, 2 and so on; its `minlength` makes room for classes that do not occur. Either move every label up by one and drop
#     the first count, or keep only the images that have a label.
# tiny: >-
#   Four images, of which two have the latest label 1, one has 0 and one has none, and three classes: the counts are 1, 2, 0.
# idea: >-
#   σ(c) shows the progress of training in one number per class, and it costs nothing: the pseudo-labels were already there. One operation
#   on the device counts all images at once, while a Python loop would ask the device for each of them.

# %% [markdown]
# One line is missing. It has to count on the device that holds `latest`: on a GPU, a Python loop over all $N$ images would wait for the GPU at each one. The authors' code [5] makes a Python list of all labels and counts that in each step. Section 7
# measures what this costs, and the check rejects it: one of its cases counts how many numbers your function asks for.

# %% exercise="learning_status"

# %% grade="learning_status"
with course.practical_check("learning_status", learning_status):
    counts = learning_status(torch.tensor([-1, 2, 0, 2, -1, 2]), 4)
    np.testing.assert_array_equal(counts, [1, 0, 3, 0])

course.check("learning_status", learning_status)

# %% [markdown] about="flexible_thresholds"
# title: A threshold for each class
# minutes: 15
# points: 3
# difficulty: 2
# objectives:
#   - Turn counts into thresholds, with the warm-up that starts all of them at 0.
# prerequisites: []
# hints:
#   - >-
#     Compute β for the first example by hand: what is the largest count, how many of the 100 images have no label, and which of the two
#     is larger? Every class's count is divided by that one number.
#   - >-
#     Three lines: the number of images without a label, β as a tensor divided by one number, and τ_c from β. `torch.maximum` takes two
#     tensors; `max` of a tensor gives its largest entry. While nothing is labeled, the divisor is N, so nothing is divided by 0.
# tiny: >-
#   Ten images, of which each of two classes has five: both keep the full threshold. With no label at all, every threshold is 0.
# idea: >-
#   The most advanced class gets the full τ once most images have a label, and the others get a share of it. Before that, the number of
#   images without a label keeps all thresholds low, because small counts say little about which class is ahead.

# %% [markdown]
# Write the formulas for β and $\tau_c$, for all classes at once. In the first example most images have no label yet, so their number is the larger one; in the second the most advanced class decides, and it has reached τ.

# %% exercise="flexible_thresholds"

# %% grade="flexible_thresholds"
with course.practical_check("flexible_thresholds", flexible_thresholds):
    early = flexible_thresholds(torch.tensor([20, 10, 0, 5]), 100, 0.95)
    np.testing.assert_allclose(early, [0.172727, 0.079167, 0.0, 0.038], rtol=1e-4)
    late = flexible_thresholds(torch.tensor([40, 30, 10, 15]), 100, 0.95)
    np.testing.assert_allclose(late, [0.95, 0.57, 0.135714, 0.219231], rtol=1e-4)

course.check("flexible_thresholds", flexible_thresholds)

# %% [markdown] about="flexible_mask"
# title: "Find the bug: whose probability is it?"
# minutes: 10
# points: 2
# difficulty: 2
# objectives:
#   - Find out why a mask of the right shape and type selects the wrong images, and fix it.
# prerequisites: []
# hints:
#   - >-
#     In the table, images 1, 4 and 7 all have class 0, and the bug gives all three the same answer. Whose probability decides for them?
#   - >-
#     The loop variable is a class. `thresholds` has one entry per class, so it can be indexed by it. `confidence` has one entry per
#     image, in the order of the images. Only one of the two lookups is right. The comparison works on whole tensors; no loop is needed.
# tiny: >-
#   Two images, both with confidence 0.8, in classes whose thresholds are 0.7 and 0.9: the first counts, the second does not.
# idea: >-
#   Two tensors with different meanings were indexed by the same thing, and because a batch has more images than classes, the wrong index
#   always exists. Ask what each tensor's axis counts, images or classes, and you find such bugs before they run.

# %% [markdown]
# This mask comes from an online tutorial, rewritten but with its mistake. It runs, its shape and type are right, and the training it was written for seemed to work.
#
# **Find the bug** before you write any code. The table shows eight images, the most probable class of each, the probability of that class, and the threshold of that class. For which images is the last column wrong, and what do they have in common?

# %%
def mask_with_the_bug(confidence, pseudo_labels, thresholds):
    return torch.stack([confidence[c] >= thresholds[c] for c in pseudo_labels])


some_confidence = torch.tensor([0.91, 0.55, 0.38, 0.83, 0.42, 0.62, 0.97, 0.71])
some_labels = torch.tensor([1, 0, 2, 1, 0, 1, 2, 0])
some_thresholds = torch.tensor([0.5, 0.875, 0.4])
answers = mask_with_the_bug(some_confidence, some_labels, some_thresholds)
print("image  class  probability  threshold of its class  counts (with the bug)")
for i, (p, c, answer) in enumerate(zip(some_confidence, some_labels, answers, strict=True)):
    print(f"{i:5d}  {c:5d}  {p:11.2f}  {some_thresholds[c]:22.3f}  {answer}")

# %% [markdown]
# Compare the rows within each class. Then look at what the loop variable runs over, and at the shapes of the two tensors it indexes.

# %% exercise="flexible_mask"

# %% grade="flexible_mask"
with course.practical_check("flexible_mask", flexible_mask):
    mask = flexible_mask(
        torch.tensor([0.91, 0.55, 0.38, 0.83, 0.42, 0.62, 0.97, 0.71]),
        torch.tensor([1, 0, 2, 1, 0, 1, 2, 0]),
        torch.tensor([0.5, 0.875, 0.4]),
    )
    np.testing.assert_array_equal(mask, [True, True, False, False, False, False, True, True])

course.check("flexible_mask", flexible_mask)

# %% [markdown]
# With the bug, five of the eight answers were right. That is why it is hard to see: the wrong mask is not random. Section 8 measures how often the two masks agree in a real run, and what the difference does.

# %% [markdown] about="remember_labels"
# title: Remember the latest pseudo-labels
# minutes: 15
# points: 3
# difficulty: 2
# objectives:
#   - Update some entries of a tensor by index, and leave the input tensor unchanged.
# prerequisites: []
# hints:
#   - >-
#     What belongs in the result for an image that is not in the batch, for a confident one, and for one that is in the batch but not
#     confident? Two of the three keep what they had.
#   - >-
#     Copy û with `clone`, and assign to the positions `index` in one step. What you assign has one entry per image of the batch: its new
#     label where it is confident, its old one elsewhere. `torch.where` chooses entry by entry.
# tiny: >-
#   Three images without a label, and a mini-batch that holds only the last of them, predicted with 0.99: afterwards that one has
#   a label.
# idea: >-
#   û is the method's memory: what the network said the last time it was sure of an image, whenever that was. The fixed τ guards it, so a
#   count means that the network was sure, not merely that an image was let through.

# %% [markdown]
# After the step, the mini-batch's confident images get their new label. `index` says where they are among all $N$
# images. Two traps of section 2 meet here: `latest` belongs to the caller, so it must not be changed in place; and
# `t[index][mask] = values` writes into a copy that is thrown away. No loop is needed. The check accepts one over the
# images of the mini-batch all the same; on a GPU it would wait at each of them.

# %% exercise="remember_labels"

# %% grade="remember_labels"
with course.practical_check("remember_labels", remember_labels):
    latest = torch.tensor([-1, 1, -1, 2, 0])
    updated = remember_labels(
        latest, torch.tensor([3, 0, 1]), torch.tensor([0.97, 0.99, 0.5]), torch.tensor([0, 2, 2]), 0.95
    )
    np.testing.assert_array_equal(updated, [2, 1, -1, 0, 0])
    np.testing.assert_array_equal(latest, [-1, 1, -1, 2, 0])

course.check("remember_labels", remember_labels)

# %% [markdown] question="Q2"
# title: Question 2
# minutes: 10
# points: 2
# prompt: >-
#   FlexMatch uses two thresholds: the fixed τ decides which labels are remembered and counted, the flexible
#   ones decide which images enter the loss. Suppose the flexible thresholds decided both. What would happen
#   in the first hundred steps of a run?
# criteria:
#   - {points: 1, text: "The answer starts from the values at step 0 and says what is counted then."}
#   - {points: 1, text: "It says what the learning status would mean after that."}

# %% [markdown] about="flexmatch_loss"
# title: The FlexMatch loss
# minutes: 30
# points: 5
# difficulty: 4
# objectives:
#   - Put the pieces together in the right order - thresholds first, update last.
#   - Carry state from step to step as an argument and a return value.
# prerequisites: [fixmatch_loss, learning_status, flexible_thresholds, flexible_mask, remember_labels]
# hints:
#   - >-
#     Which quantities are known before the network has seen the batch, and which only afterwards? Compute the first outside the rule, the
#     others inside it.
#   - >-
#     Outside: û from the state, σ by `learning_status`, the thresholds τ_c by `flexible_thresholds`. N is the length of û. Inside a
#     function of confidence and pseudo-labels: the mask by `flexible_mask`, the new û by `remember_labels` with the fixed τ, both
#     returned, û in a dictionary. Then call `fixmatch_loss` with that rule, and add a metric for each class.
# steps:
#   - >-
#     Take û, the latest labels, from the state.
#   - >-
#     Count for each class how many images have it as their latest label.
#   - >-
#     Turn these counts and the length of û into a threshold for each class.
#   - >-
#     Define the rule: the mask by these thresholds, and the state with the new û by the fixed τ.
#   - >-
#     Call the FixMatch loss with this rule.
#   - >-
#     Add the threshold of each class to the metrics that come back.
# subgoals:
#   - >-
#     Predict: `fixmatch_loss` does that.
#   - >-
#     Decide: `fixmatch_loss` again. What is yours is a rule, and the thresholds that it uses follow from û as it was before
#     this step.
#   - >-
#     Mask: the rule. It gives the mask by these thresholds, and the state with the new û.
#   - >-
#     Average: `fixmatch_loss` with this rule.
# tiny: >-
#   The same mini-batch twice, the second time with the state that the first call returns: the labels of the first call change
#   the thresholds of the second alone.
# idea: >-
#   A closure carries this step's thresholds and û into FixMatch's loss, and the new û comes out with the state. No object remembers
#   anything between steps, so a run can be interrupted and resumed, and a step can be tested on its own.

# %% [markdown]
# Put the pieces together: a rule for `fixmatch_loss` that knows the thresholds and returns the new state. An inner function remembers what the outer one has computed: a closure, as in the unit `fixmatch`. Mind the order: first the thresholds from
# the old û, then the update.

# %% exercise="flexmatch_loss"

# %% grade="flexmatch_loss"
with course.practical_check("flexmatch_loss", flexmatch_loss), torch.no_grad():
    network = LinearNet(np.eye(3), np.zeros(3))
    probabilities = {
        "x_labeled": [[0.5, 0.25, 0.25]],
        "x_unlabeled_weak": [[0.96, 0.02, 0.02], [0.5, 0.3, 0.2], [0.2, 0.35, 0.45]],
        "x_unlabeled_strong": [[0.25, 0.5, 0.25], [0.9, 0.05, 0.05], [0.2, 0.2, 0.6]],
    }
    example = {name: torch.tensor(p).log().reshape(-1, 3, 1, 1) for name, p in probabilities.items()}
    example |= {"y_labeled": torch.tensor([0]), "y_unlabeled": torch.tensor([0, 1, 2])}
    example |= {"index": torch.tensor([7, 0, 5])}
    settings = SimpleNamespace(weight_decay=0.1, lambda_u=2.0, T=1.0, threshold=0.9, n_classes=3)
    # Ten images: four of class 0, one of class 1, two of class 2, and three without a label.
    memory = {"latest": torch.tensor([0, 2, 0, -1, 1, -1, 0, -1, 2, 0])}
    total, state, metrics = flexmatch_loss(network, memory, example, settings)
    shown = [float(metrics[f"threshold/{c}"]) for c in range(3)]
    np.testing.assert_allclose(shown, [0.9, 0.128571, 0.3], rtol=1e-4)
    # The first image counts, and so does the third: 0.45 is little, but enough for class 2.
    np.testing.assert_allclose(float(metrics["mask rate"]), 2 / 3, rtol=1e-4)
    np.testing.assert_allclose(float(metrics["unsupervised loss"]), 0.632373, rtol=1e-4)
    # Only the first image, number 7, is sure enough to be remembered.
    np.testing.assert_array_equal(state["latest"], [0, 2, 0, -1, 1, -1, 0, 0, 2, 0])

course.check("flexmatch_loss", flexmatch_loss)

# %% [markdown]
# ## 6. FreeMatch: thresholds without τ
#
# FlexMatch still has a τ that somebody has to choose, and a table of $N$ labels. FreeMatch (Wang et al., 2023, [7], equations 5 to 7) needs neither. It reads its thresholds off **two moving averages** of what the network says about the weak views:
#
# $$\tau_t = \lambda\, \tau_{t-1} + (1 - \lambda)\, \frac{1}{\mu B} \sum_b \max_c q_b(c)$$
#
# $$\tilde p_t(c) = \lambda\, \tilde p_{t-1}(c) + (1 - \lambda)\, \frac{1}{\mu B} \sum_b q_b(c)$$
#
# Both start at $1/C$. The first says how sure the network is, and the second how much it predicts each class. The threshold of class $c$ is
#
# $$\tau_t(c) = \frac{\tilde p_t(c)}{\max_k \tilde p_t(k)}\; \tau_t$$
#
# and an image counts when it reaches that of its own class. You have this mask already.
#
# Two differences are easy to miss. FreeMatch's averages contain **this** mini-batch when the mask is computed; FlexMatch's counts do not. And where FlexMatch counts confident labels, FreeMatch averages probabilities. The paper adds a second term to the
# loss (equations 9 to 11), which keeps the predicted classes in balance; it is left out here.

# %% [markdown] about="update_averages"
# title: Two moving averages
# minutes: 10
# points: 2
# difficulty: 2
# objectives:
#   - Summarize the predictions of a mini-batch in two different means.
#   - Update a moving average without changing the one that came in.
# prerequisites: []
# hints:
#   - >-
#     Write the shape beside each: the probabilities have an axis of images and an axis of classes. Over which of the two is each maximum
#     and each mean?
#   - >-
#     For the first: the largest entry of each row with `max` and a `dim`, then the mean over the images. For the second: the mean over the images,
#     one number per class. Then each average is λ times what it was plus 1 − λ times the new mean; return both as a pair of new tensors.
# idea: >-
#   Two numbers that nobody has to tune replace τ and the memory of all images. The price is that a moving average knows only the recent
#   mini-batches: an image that was predicted with confidence long ago no longer counts.

# %% [markdown]
# How far apart the two means can be shows an example: of two images, one is surely of class 0 and the other surely of class 1. The network is sure, although on average it predicts each of the two with probability ½.

# %% exercise="update_averages"

# %% grade="update_averages"
with course.practical_check("update_averages", update_averages):
    averages = update_averages(
        torch.tensor(0.5),
        torch.tensor([0.4, 0.4, 0.2]),
        torch.tensor([[0.9, 0.1, 0.0], [0.1, 0.8, 0.1]]),
        0.9,
    )
    np.testing.assert_allclose(averages[0], 0.535, rtol=1e-4)
    np.testing.assert_allclose(averages[1], [0.41, 0.405, 0.185], rtol=1e-4)

course.check("update_averages", update_averages)

# %% [markdown] about="self_adaptive_thresholds"
# title: From averages to thresholds
# minutes: 5
# points: 1
# difficulty: 1
# objectives:
#   - Scale a vector by its largest entry, and say what the scaled numbers mean.
# prerequisites: []
# hints:
#   - >-
#     Which threshold does the class get that is predicted most? And one that is predicted half as much?
#   - >-
#     One line: each entry of the average prediction is divided by the largest one, and the result is multiplied by the average
#     confidence.
# idea: >-
#   The average confidence sets the height of all thresholds, and the average prediction sets their order. If classes are equally frequent, the less
#   predicted ones are those that lag behind. If they are not, a rare class gets a low threshold because it is rare.

# %% exercise="self_adaptive_thresholds"

# %% grade="self_adaptive_thresholds"
with course.practical_check("self_adaptive_thresholds", self_adaptive_thresholds):
    each = self_adaptive_thresholds(torch.tensor(0.8), torch.tensor([0.5, 0.25, 0.15, 0.1]))
    np.testing.assert_allclose(each, [0.8, 0.4, 0.24, 0.16], rtol=1e-4)

course.check("self_adaptive_thresholds", self_adaptive_thresholds)

# %% [markdown]
# ### The loss (given)
#
# Your `fixmatch_loss` hands a rule the largest probability of each image, but FreeMatch needs all of them. So the loss below looks over its shoulder: `watched_logits` uses a *forward hook*, a function that PyTorch calls after each forward pass of a
# module. That is how to look inside code without changing it, and without a second pass.

# %% given="freematch_loss"

# %% [markdown]
# ## 7. Training
#
# **With or without a GPU.** There are four short runs. On a GPU they use CIFAR-10 and the papers' Wide ResNet [4].
# Without one, *CPU mode* uses procedural images and a narrow network.
#
# ### Is everything ready?

# %% locked="ready" tags=["training"]
exercises = [
    fixmatch_loss,
    learning_status,
    flexible_thresholds,
    flexible_mask,
    remember_labels,
    flexmatch_loss,
    update_averages,
    self_adaptive_thresholds,
]
states = {function.__name__: course.check.run(function.__name__, function).state.value for function in exercises}
for name, state in states.items():
    print(f"{name:28s} {state}")
print("\nReady to train." if set(states.values()) == {"correct"} else "\nFinish these first: training needs all eight of them.")

# %% [markdown]
# ### The first step
#
# Your functions can now say what share of the images passes in the first step. The next cell asks them about the least
# sure network of all, which gives every class the same probability.

# %% locked="first-step" tags=["training", "nbval-ignore-output"]
latest_at_first = torch.full((len(unlabeled_dataset),), -1)
counts_at_first = learning_status(latest_at_first, hparams.n_classes)
thresholds_at_first = flexible_thresholds(counts_at_first, len(latest_at_first), hparams.threshold)
least_sure = torch.full((hparams.n_classes,), 1 / hparams.n_classes)
mask_at_first = flexible_mask(least_sure, torch.arange(hparams.n_classes), thresholds_at_first)
course.reveal("first_mask_rate", mask_at_first.float().mean())

# %% [markdown]
# In its first steps FlexMatch learns from every one of its guesses. That looks reckless, but it is the method.

# %% [markdown]
# ### What is counted, and what it costs
#
# Every step needs the learning status. Here it is counted in two ways, for as many labels as CIFAR-10 has training images: by your function, and the authors' way, through a list of Python numbers. On a GPU the list also has to be copied to the host
# first.

# %% locked="counting" tags=["training", "nbval-ignore-output"]
compute_device = default_device()
many_labels = torch.randint(-1, 10, (50_000,), device=compute_device)
ways = {
    "learning_status": lambda: learning_status(many_labels, 10),
    "Counter of a list": lambda: Counter(many_labels.tolist()),
}
for name, count in ways.items():
    seconds = []
    for _ in range(20):
        began = perf_counter()
        count()
        if compute_device.type == "cuda":
            torch.cuda.synchronize()  # otherwise the work is only queued when the clock stops
        seconds.append(perf_counter() - began)
    print(f"{name:18s} {np.min(seconds) * 1000:7.3f} ms on {compute_device.type}, the fastest of 20")

# %% [markdown]
# ### What to expect
#
# The figure shows recorded runs in CPU mode with the same settings as yours, several of each kind with other seeds and
# other versions of the libraries. The line is the middle, and the band spans the lowest and the highest. FlexMatch's
# thresholds stay low at first: the warm-up is over when fewer images are without a label than the most advanced class
# has. When that is differs from seed to seed, and so does the error in the middle of a run; the numbers below the figure
# say when the thresholds rose. In GPU mode, with 45,000 unlabeled images instead of 400, expect the warm-up to last much
# longer than these few thousand steps; no run of that kind has been recorded here.

# %% locked="expected" tags=["training", "nbval-ignore-output"]
recorded_runs = threshold_plots.load_index_bug()
threshold_plots.expected(recorded_runs)
threshold_plots.expected_table(recorded_runs)

# %% [markdown] about="budgets"

# %% [markdown]
# ### A run (given)
#
# The schedule is FixMatch's, with an optional warm-up of the learning rate (unrelated to the warm-up of the thresholds). `train_method` runs your losses in the common loop: mini-batches, optimizer, validation, log, checkpoints.

# %% given="cosine_with_warmup"

# %% given="train_method"

# %% [markdown]
# **Averaged weights.** In the unit `mixmatch` [3] you write `ema_update`, so that every method can evaluate an average of the weights. Here it is optional: if you have it, replace `None` in the next cell with your function. Without it, the raw
# weights are evaluated; in runs as short as these it makes little difference.

# %%
ema_update = None

# %% [markdown]
# The run writes to its folder and saves a checkpoint now and then. If the session ends, or you stop the cell (*Kernel*, then *Interrupt*), set everything up as before and run the cell again: with `if_exists = "resume"` it continues from the last
# checkpoint. If you have **changed one of your functions**, set it to `"overwrite"`.
#
# **A closed tab** does not stop a run, but when you come back its cell shows no more of it. Run the cell again: it waits for the run, trains nothing that is finished, and says how the run ended.

# %%
if_exists = "resume"  # or "overwrite"

# %% [markdown]
# ### The starting point
#
# As in the unit `fixmatch`, both runs start from a network that has learned a little from the labeled images: your FixMatch loss with $\lambda_u = 0$. The unlabeled images pass through it too, so that BatchNorm has seen both kinds of views.

# %% locked="starting-point" tags=["training", "nbval-ignore-output"]
averaging = {"use_ema": ema_update is not None}
datasets_of_runs = (labeled_dataset, unlabeled_dataset, val_dataset)
options_of_runs = {"model_name": MODEL, "ema_update": ema_update}


def fresh_network():
    return torch_models.make_model(MODEL, hparams.n_classes, seed=hparams.seed)


start_hparams = flexmatch_start_hparams(env.mode, logdir=f"{runs_folder / 'start'}", **averaging)
start_run = train_method(
    "fixmatch", start_hparams, fresh_network(), *datasets_of_runs, if_exists=if_exists, **options_of_runs
)
starting_checkpoint = load_checkpoint(runs_folder / "start" / "checkpoint.safetensors", architecture(MODEL))
warn_if_partial(start_run)

# %% [markdown]
# ### FixMatch

# %% locked="train-fixmatch" tags=["training", "nbval-ignore-output"]
fixmatch_hparams = flexmatch_fixmatch_hparams(env.mode, logdir=f"{runs_folder / 'fixmatch'}", **averaging)
fixmatch_run = train_method(
    "fixmatch",
    fixmatch_hparams,
    fresh_network(),
    *datasets_of_runs,
    starting_checkpoint,
    if_exists=if_exists,
    **options_of_runs,
)

# %% [markdown]
# ### FlexMatch
#
# **Predict** one more number: what share of the $N$ images will have a label in û at the end of the run?

# %% tags=["figure", "nbval-ignore-output"]
course.predict("with_a_label", ...)

# %% locked="train-flexmatch" tags=["training", "nbval-ignore-output"]
run_hparams = dataclasses.replace(hparams, **averaging)
live_thresholds = threshold_plots.LiveThresholds(train_dataset.classes, hparams.threshold)
flexmatch_run = train_method(
    "flexmatch",
    run_hparams,
    fresh_network(),
    *datasets_of_runs,
    starting_checkpoint,
    observers=[live_thresholds],
    if_exists=if_exists,
    **options_of_runs,
)

# %% [markdown]
# In each line of the log, *tau* shows the lowest and the highest threshold of that step. Did you close the tab during
# the run? The next cell draws the whole run again from its log and says how it ended.

# %% locked="thresholds" tags=["training", "nbval-ignore-output"]
live_thresholds.show()

# %% [markdown]
# Each line of the figure is labeled with the number of its class. Which class is the last to leave 0? Is it the one that you find hardest to tell from the others?

# %% locked="guesses" tags=["training", "nbval-ignore-output"]
warn_if_partial(flexmatch_run)
latest_labels = flexmatch_run.state.method["latest"]
course.reveal("with_a_label", (latest_labels >= 0).float().mean())

# %% locked="compare" tags=["training", "nbval-ignore-output"]
records = {
    name: read_metrics(runs_folder / name.lower() / "metrics.jsonl") for name in ("FlexMatch", "FixMatch")
}
course.figures.curves(records, ("val error rate", "error rate", "mask rate"), title=f"{DATA}, one run each")
warn_if_partial(*records.values())

# %% [markdown]
# **Explain.** The two mask rates could hardly be more different, and the pseudo-labels of the first steps are bad. Why does the early flood of wrong pseudo-labels not ruin FlexMatch's run here? On what data would you expect it to?
#
# One run each shows how the two behave, not which is better: that takes several seeds, several numbers of labels, and the same budget for both. The unit `comparison` does that.

# %% [markdown]
# ### FreeMatch
#
# The same start and settings again. Only λ differs from the paper's 0.999 in CPU mode: an average that remembers a thousand steps is too slow for a run of a few hundred, so it is 0.99 there.

# %% locked="train-freematch" tags=["training", "nbval-ignore-output"]
freematch_run_hparams = freematch_hparams(env.mode, logdir=f"{runs_folder / 'freematch'}", **averaging)
freematch_run = train_torch(
    freematch(hparams.n_classes),
    freematch_run_hparams,
    fresh_network(),
    *datasets_of_runs,
    starting_checkpoint,
    loss=freematch_loss,
    make_schedule=cosine_with_warmup,
    if_exists=if_exists,
    **options_of_runs,
)

# %% locked="both-thresholds" tags=["training", "nbval-ignore-output"]
warn_if_partial(freematch_run, flexmatch_run)
logs_of_runs = {
    name: read_metrics(runs_folder / name.lower() / "metrics.jsonl")
    for name in ("FlexMatch", "FixMatch", "FreeMatch")
}
threshold_plots.ranges(
    {name: logs_of_runs[name] for name in ("FlexMatch", "FreeMatch")}, hparams.n_classes, hparams.threshold
)

# %% locked="three-methods" tags=["training", "nbval-ignore-output"]
course.figures.curves(
    logs_of_runs, ("val error rate", "error rate", "mask rate"), title=f"{DATA}, one run each"
)
warn_if_partial(*logs_of_runs.values())

# %% [markdown]
# **Explain.** FlexMatch's thresholds start at 0 and FreeMatch's at $1/C$. In the first step no image of either is left out; why not of FreeMatch's? Which of the two lets its thresholds rise first, and which signal makes them rise?
#
# Again, one run each: what you see is how the thresholds move, not which method is better.
#
# ### One look at the test set

# %% locked="test" tags=["training", "nbval-ignore-output"]
warn_if_partial(fixmatch_run, flexmatch_run, freematch_run)
for name, result in {"FixMatch": fixmatch_run, "FlexMatch": flexmatch_run, "FreeMatch": freematch_run}.items():
    measured = torch_parts.evaluate(result.state.evaluated, test_dataset, phase="test")
    print(f"{name:10s} test error {measured['test error rate']:.3f}")

# %% [markdown]
# ## 8. The price of the bug
#
# Back to exercise 4. Here, your mask and the one with the bug see the same images, with the network and the thresholds from the end of your run. **Predict** first.

# %% tags=["figure", "nbval-ignore-output"]
course.predict("agreement", ...)

# %% locked="agreement" tags=["training", "nbval-ignore-output"]
warn_if_partial(flexmatch_run)
network = flexmatch_run.state.model.eval()
final_thresholds = flexible_thresholds(
    learning_status(latest_labels, hparams.n_classes), len(latest_labels), hparams.threshold
)
answers = []
plain_images = unlabeled_dataset.with_transform(image_to_numpy)
for x, y in get_validation_generator(plain_images, hparams.unlabeled_batch_size):
    if len(y) < hparams.n_classes:
        continue  # each class number has to be a position for the mask with the bug
    with torch.no_grad():
        logits = network(to_tensors({"x_": x}, compute_device)["x_"])
    confidence, pseudo_labels = torch.softmax(logits / hparams.T, dim=-1).max(dim=-1)
    pair = [rule(confidence, pseudo_labels, final_thresholds) for rule in (flexible_mask, mask_with_the_bug)]
    wrong = pseudo_labels != torch.as_tensor(y, device=compute_device)
    answers.append(torch.stack([*pair, wrong]))
right_mask, bug_mask, wrong = torch.cat(answers, dim=1)
same = (right_mask == bug_mask).float().mean()
print(f"thresholds: from {final_thresholds.min():.2f} to {final_thresholds.max():.2f}")
for name, mask in {"right mask": right_mask, "with the bug": bug_mask}.items():
    print(f"{name:12s}  mask rate {mask.float().mean():.3f}  wrong labels {(mask & wrong).sum()} of {wrong.sum()}")
course.reveal("agreement", same)

# %% [markdown]
# That was one network at one moment. The figure shows whole runs in CPU mode, which the authors of the course recorded
# with different seeds. Each step computed *both* masks and used one of them.

# %% locked="index-bug" tags=["training", "nbval-ignore-output"]
threshold_plots.index_bug(recorded_runs)

# %% locked="index-bug-numbers" tags=["training", "nbval-ignore-output"]
threshold_plots.index_bug_table(recorded_runs)

# %% [markdown]
# Read the three panels in order.
#
# - **Agreement.** During the warm-up all thresholds are near 0, every image passes, and the two masks are the *same*. The table says up to which step: a test run that ends before shows nothing. Afterward they still agree on most images, because most
#   images of a mini-batch are on the same side of their thresholds.
# - **Wrong labels.** With the bug, all images of one class share one answer: that of image number $c$ of the batch, which need not even belong to the class. A whole class is let in or kept out at random. The flexible threshold is there to hold back
#   the doubtful images; with the bug it no longer does so image by image, and more wrong labels enter the loss. The table says how many more, as shares of all images of a mini-batch.
# - **Validation error.** Is there a difference that is larger than the spread of the seeds? Runs this short are no evidence for or against a method, whoever wins; they show what a curve can hide.
#
# Nothing crashes, and the mask rate looks plausible. A test with eight images shows what a curve cannot. If a
# mini-batch has fewer images than there are classes, the bug can raise an exception, because a class number may exceed
# the last position in the mini-batch; but nobody trains with so few.

# %% [markdown] question="Q3"
# title: Question 3
# minutes: 10
# points: 3
# prompt: >-
#   Nobody noticed the bug of exercise 4 for a long time. Using the figures of section 8, explain why the usual
#   curves do not reveal it, and describe a test that would have found it in a second.
# criteria:
#   - {points: 1, text: "The explanation refers to something measured in this notebook."}
#   - {points: 1, text: "The test is concrete: the answer gives its inputs and the result it asserts."}
#   - {points: 1, text: "The answer says why this test would fail for the wrong mask, and not by chance."}

# %% [markdown]
# ## 9. What you should know now
#
# Three questions; the last one goes back to MixMatch. Choose an answer before you read the explanation.

# %% tags=["figure", "nbval-ignore-output"]
course.recall()

# %% [markdown]
# ### A trace and a bug of your own
#
# Only if your instructor has sent you a code; otherwise go on below. It gives up to five points beside those of the exercises, and nobody near you has the same numbers.
#
# **Trace a mask.** Write your code into the next cell: it shows σ, N, and five images with their confidence and pseudo-label. What is the threshold of each class, to three decimals, and which images count? Write plain numbers into the cell below it, for that text is what
# gets graded.

# %% tags=["figure", "nbval-ignore-output"]
course.trace("")

# %% tags=["figure", "nbval-ignore-output"]
course.my_trace(
    code="",
    thresholds=[0.0, 0.0, 0.0],
    mask=[False, False, False, False, False],
)

# %% [markdown]
# **Find your bug.** Somebody has broken `flexible_thresholds`. You do not see the code, only what it gave for six inputs, and the list of bugs of which it has one. Your own function is right. Where do the two differ, and what is special about those inputs? The cell also returns the
# arrays: `counts, images, thresholds = inputs[0]`. Your function takes them as a tensor and a number: `flexible_thresholds(torch.tensor(counts), int(images), 0.9)`.
#
# Then show that you know: write an input of your own on which the bug shows, with three counts and the number N of all images, and the thresholds that the broken function gives for it.

# %% tags=["figure", "nbval-ignore-output"]
inputs = course.bug("")

# %% tags=["figure", "nbval-ignore-output"]
course.my_bug(
    code="",
    name="",
    counts=[0, 0, 0],
    images=1,
    thresholds=[0.0, 0.0, 0.0],
)

# %% [markdown]
# ### How long did it take you?
#
# Optional and not graded; your answer helps to improve the course. The next cell prints the time since you last ran the cell of imports, the second of this notebook. Write down the time you really spent in the cell after it.

# %% tags=["nbval-ignore-output"]
print(f"{(perf_counter() - session_began) / 60:.0f} minutes since the imports last ran")

# %% [markdown]
# *Minutes for the whole unit:*
#
# *The part that took longest:*

# %% [markdown]
# ## 10. Optional open questions
#
# Not graded, and there is no model answer. Use `dataclasses.replace(hparams, ...)` with another `logdir`, and several seeds before you believe a difference.
#
# 1. **The other mappings.** The paper also tries $\tau_c = \tau\, \beta(c)$ and a concave mapping. Swap yours for these: how do the threshold curves change, and does the result?
# 2. **Without a warm-up.** Divide by $\max_k \sigma(k)$ alone. What happens to the first class that gets a single label?
# 3. **Unequal classes.** Here all classes have the same number of images. Suppose one class has a tenth as many as the others: what does σ(c) say about it then, and what would you count instead?

# %% [markdown]
# ## 11. Ready to hand in?
#
# Save the notebook, then run the next cell. It runs every check again and searches the saved file for cells that are missing, duplicated, or without the metadata that grading needs. If it cannot find the file, pass its name:
# `course.ready_to_hand_in("01_flexmatch.ipynb")`.
#
# Below its report stands your *logbook*: your predictions and their results, how many versions of each function you checked, and which hints you looked at. Whoever grades your written answers sees it beside them. It gives and costs no points and is sent nowhere. Clear the cell's output
# if you do not want to hand it in, or run `course.delete_logbook()` in a new cell. Save the notebook once more before you hand it in.

# %% locked="ready-to-hand-in" tags=["nbval-ignore-output"]
course.ready_to_hand_in()

# %% [markdown]
# ## References
#
# 1. B. Zhang, Y. Wang, W. Hou, H. Wu, J. Wang, M. Okumura and T. Shinozaki. FlexMatch: Boosting semi-supervised learning with curriculum pseudo labeling. NeurIPS 34, 2021. [arXiv:2110.08263](https://arxiv.org/abs/2110.08263)
# 2. K. Sohn, D. Berthelot, C.-L. Li, Z. Zhang, N. Carlini, E. D. Cubuk, A. Kurakin, H. Zhang and C. Raffel. FixMatch: Simplifying semi-supervised learning with consistency and confidence. NeurIPS 33, 2020. [arXiv:2001.07685](https://arxiv.org/abs/2001.07685)
# 3. D. Berthelot, N. Carlini, I. Goodfellow, N. Papernot, A. Oliver and C. Raffel. MixMatch: A holistic approach to semi-supervised learning. NeurIPS 32, 2019. [arXiv:1905.02249](https://arxiv.org/abs/1905.02249)
# 4. S. Zagoruyko and N. Komodakis. Wide residual networks. BMVC 2016. [arXiv:1605.07146](https://arxiv.org/abs/1605.07146)
# 5. The FlexMatch authors' code: [TorchSSL](https://github.com/TorchSSL/TorchSSL), continued as [USB](https://github.com/microsoft/Semi-supervised-learning).
# 6. PyTorch's notes on [autograd](https://docs.pytorch.org/docs/stable/notes/autograd.html) and on [asynchronous execution](https://docs.pytorch.org/docs/stable/notes/cuda.html).
# 7. Y. Wang, H. Chen, Q. Heng, W. Hou, Y. Fan, Z. Wu, J. Wang, M. Savvides, T. Shinozaki, B. Raj, B. Schiele and X. Xie. FreeMatch: Self-adaptive thresholding for semi-supervised learning. ICLR 2023. [arXiv:2205.07246](https://arxiv.org/abs/2205.07246)

# %% [markdown]
# ## 한국어 요약
#
# **무엇을 배우나.** FixMatch를 PyTorch로 다시 구현하고, 클래스마다 다른 임계값을 쓰는 FlexMatch로 확장합니다. JAX에서는 모든 상태를 함수의 인자와 반환값으로 주고받지만, PyTorch에서는 모듈이 상태를 가지고 스스로 바꿉니다.
#
# **방법.** FixMatch의 고정 임계값 τ = 0.95는 배우기 어려운 클래스에 불리합니다. FlexMatch는 레이블이 없는 이미지 N개 모두에 대해 가장 최근의 확신 있는 의사 레이블 û를 기억하고, 클래스마다 그 수 σ(c)를 셉니다. β(c) = σ(c) / max(max σ, N − Σσ), τ_c = τ·β(c)/(2 − β(c))가
# 그 클래스의 임계값입니다. 처음에는 모든 û가 −1이므로 임계값이 0이고 모든 이미지가 통과합니다. 분모의 둘째 항 N − Σσ가 더 큰 동안 임계값이 낮게 유지되는 것이 워밍업입니다. û에 들어갈지는 고정된 τ가 정하고, 손실에 들어갈지는 유연한 임계값이 정합니다. 임계값은 이번 단계의 갱신 이전의 û로 계산합니다.
#
# **연습 문제.** ① PyTorch로 쓰는 FixMatch 손실, ② 클래스별 학습 상태, ③ 유연한 임계값, ④ 버그 찾기: 확률을 이미지가 아니라 클래스로 인덱싱한 마스크, ⑤ 의사 레이블 기억하기, ⑥ FlexMatch 손실, ⑦ FreeMatch의 두 이동 평균, ⑧ 이동 평균에서 얻는 임계값.
#
# **기억할 점.** 잘못된 마스크는 오류 메시지 없이도 학습이 진행되고 대부분의 이미지에서 올바른 마스크와 같은 답을 냅니다. 워밍업 동안에는 두 마스크가 완전히 같습니다. 곡선이 보여 주지 못하는 것을 이미지 여덟 장짜리 테스트가 보여 줍니다. 한 번의 실행은 하나의 표본일 뿐입니다.
