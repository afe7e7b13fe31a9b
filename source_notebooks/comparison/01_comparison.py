# ---
# jupyter:
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
# You have written MixMatch [3], FixMatch [1] and FlexMatch [4]. Which of them is best, and is any of them worth the
# effort? This unit trains nothing. It gives you the result files of finished runs and asks what they show. You need no
# GPU, whatever the set-up cell says about one.
#
# You read, you predict, you run, and in five places you write a function. Below each is a *check*, which you can run as
# often as you like. Keep the function's name, arguments and return values. Two questions ask for written answers, and
# at the end you hand in a figure of your own with a conclusion. A person reads these.
#
# At **Predict**, replace the dots with a number and run the cell before you go on to the next one.
#
# **Stuck?** `course.hint("summarize", 1)` in a cell of your own gives a nudge, `course.hint("summarize", 2)` a plan.
# Hints cost nothing.
#
# The next two cells are collapsed. Run them anyway.

# %% setup="true" tags=["nbval-ignore-output"]

# %% locked="imports"
import itertools
from time import perf_counter

import course
import numpy as np
from course.units.comparison import figures as plots
from course.units.comparison import results as comparison

session_began = perf_counter()
course.begin("comparison", env)

# %% [markdown]
# ## 1. One number in a table
#
# The course comes with numbers that others have published. `comparison.load` reads them as a list of dictionaries,
# `published.rows`. Each names its source, and has a spread only if the source gives one. Here is what one of the
# sources, a tutorial, prints for CIFAR-10 [7] (accuracy in percent):

# %% locked="published"
published = comparison.load("published")

# %% tags=["figure", "nbval-ignore-output"]
tutorial = [row for row in published.rows if row["source"] == "tutorial"]
counts = sorted({row["labels"] for row in tutorial})
accuracy = {(row["method"], row["labels"]): 100 * (1 - row["test_error"]) for row in tutorial}
plots.table(
    ["method", *(f"{n:,} labels" for n in counts)],
    [[method, *(f"{accuracy[method, n]:.2f}" for n in counts)] for method in plots.METHODS],
)
print(published.about["sources"]["tutorial"]["note"])

# %% [markdown]
# Sixteen digits of precision would not make it more certain: every entry is **one run**. To judge the distance between two entries, you have to know how far apart two runs of *the same* entry are. Someone has measured this: the author of a PyTorch
# version of FixMatch [6] ran the same command five times, with 40 labels, and published all five accuracies.
#
# **Predict** the distance between the best and the worst of the five.

# %% tags=["figure", "nbval-ignore-output"]
course.predict("five_runs", ...)

# %% tags=["figure", "nbval-ignore-output"]
five = np.array([1 - row["test_error"] for row in published.rows if row["source"] == "five-runs"])
plots.one_by_one(five, "FixMatch, 40 labels, CIFAR-10: one command, five runs", "test accuracy")
course.reveal("five_runs", 100 * (five.max() - five.min()))

# %% [markdown]
# **Explain.** Suppose that you and four others had each run the command once, and each had written a paper. What would the five papers disagree about?
#
# ## 2. Seeds and spread
#
# With $n$ results $x_1, \dots, x_n$ that differ by their seed, report the mean and the **sample standard deviation**:
#
# $$\bar x = \frac1n \sum_i x_i \qquad s = \sqrt{\frac{1}{n-1} \sum_i (x_i - \bar x)^2}$$
#
# Why $n - 1$? The deviations are measured from $\bar x$, which was computed from these same numbers, so they are smaller than the deviations from the unknown true mean would be. Dividing by $n - 1$ makes up for that. With three runs this matters:
# dividing by $n$ multiplies the spread by $\sqrt{2/3}$, which makes it 18 % too small. And with one run the formula gives 0/0, and rightly so: one run has no spread. A spread of 0 would claim the opposite, that every further run gives the same
# result.

# %% [markdown] about="mean_and_spread"
# title: Mean and spread of a few runs
# minutes: 5
# points: 2
# difficulty: 1
# objectives:
#   - Compute the sample standard deviation, and know what it cannot say about a single run.
# prerequisites: []
# hints:
#   - >-
#     Take 4, 5 and 6. Their mean is 5. Write the three deviations one below the other, then their squares. What is the sum of the
#     squares, and by what number does the docstring divide it?
#   - >-
#     `values` is an array, so `values` minus `mean` is an array of deviations. Square it, add it up with `np.sum`, divide by one less
#     than the number of values, and take `np.sqrt`. Check the number of values first: for a single one the spread is `np.nan`.
# tiny: >-
#   The values 1 and 3: the mean is 2, the spread 1.41.
# idea: >-
#   A mean tells you where the results are; a spread tells you how far from there one of them may be. Without the spread, you cannot
#   compare the mean with anything. One run has no spread, and saying so is part of the result.

# %% [markdown]
# This first exercise is almost done: the mean and the return are there.

# %% exercise="mean_and_spread"

# %% grade="mean_and_spread"
with course.practical_check("mean_and_spread", mean_and_spread):
    # Deviations -1, 0 and 1: their squares add up to 2, and 2 / (3 - 1) is 1.
    np.testing.assert_allclose(mean_and_spread([4.0, 5.0, 6.0]), (5.0, 1.0))
    np.testing.assert_allclose(mean_and_spread([0.25]), (0.25, np.nan))

course.check("mean_and_spread", mean_and_spread)

# %% [markdown]
# Two numbers are easy to confuse. The *standard error* $s / \sqrt n$ is the uncertainty **of the mean**; it shrinks as you add runs. $s$ says how far a **single run** typically is from the mean, and it does not shrink. Always say which of the two a
# ± means. Here it is always $s$.
#
# The next cell shows your progress. Run it whenever you like. Your guesses are saved with your progress in the work
# folder, and they stay in the notebook that you hand in. They are not graded.

# %% tags=["figure", "nbval-ignore-output"]
course.progress()

# %% [markdown]
# ### How sure is a spread?
#
# A spread computed from a few runs is itself an estimate. Take the five runs again, and suppose that only three of them had been made. There are ten ways to choose three of five.
#
# The smallest spread among them is below .3 points. **Predict** the largest.

# %% tags=["figure", "nbval-ignore-output"]
course.predict("three_of_five", ...)

# %% tags=["figure", "nbval-ignore-output"]
threes = sorted((mean_and_spread(three) for three in itertools.combinations(five, 3)), key=lambda pair: pair[1])
plots.table(
    ["three of the five runs", "mean accuracy", "spread"],
    [[number, f"{mean:.4f}", f"{spread:.4f}"] for number, (mean, spread) in enumerate(threes, start=1)],
)
mean, spread = mean_and_spread(five)
print(f"all five: {mean:.4f} ± {spread:.4f}")
course.reveal("three_of_five", 100 * threes[-1][1])

# %% [markdown]
# For numbers that follow a normal distribution, the spread of three runs lies between .16 and 1.92 times the true one in 95 of 100 cases (a χ² distribution with two degrees of freedom). So three seeds show whether a difference is *obvious*. They do
# not show whether it exists. A difference that is not several times the spread calls for more seeds, not for a bolder claim.
#
# **Part of the spread is the test set.** An error $p$ measured on $N$ images has an uncertainty of $\sqrt{p\,(1-p)/N}$ from the choice of these images alone. Methods that share the test set share it, and it does not show in the spread over seeds.

# %%
for size in (1_000, 10_000):
    for error in (0.05, 0.3):
        print(f"error {error:.2f} on {size:6,d} test images: ± {np.sqrt(error * (1 - error) / size):.4f}")

# %% [markdown] question="Q1"
# title: Question 1
# minutes: 10
# points: 3
# prompt: >-
#   In the table of section 1, with 10,000 labels, FlexMatch is .01 points ahead of FixMatch (89.58 % against 89.57 %). What can you
#   conclude about the two methods from this entry? What else would have to be reported?
# criteria:
#   - {points: 1, text: "The answer compares the size of the difference with the precision of such a number."}
#   - {points: 1, text: "The answer names at least one other way in which the two runs differed, and what it does to the comparison."}
#   - {points: 1, text: "The answer names what would have to be reported for a conclusion."}

# %% [markdown]
# ### The sweep
#
# Now to this course's own results. A *sweep* trains every method with several numbers of labels and several seeds. It produces two tables. In the first, each row is one run. In the second, each row is one validation of one run. `comparison.load`
# reads them as lists of dictionaries. Unknown values are `None`.

# %% locked="data"
print("sweeps that come with the course:", ", ".join(comparison.names()))

sweep = comparison.load("cpu-shapes")
print(f"{sweep.name}: {len(sweep.rows)} runs, {len(sweep.curves)} validations")
for key in ("method", "labels", "seed", "steps"):
    print(f"  {key}: {', '.join(f'{value}' for value in {row[key]: None for row in sweep.rows})}")
print("the first run:")
for key, value in sweep.rows[0].items():
    print(f"  {key:15s} {value!r}")
print("a validation:", sweep.curves[0])

# %% [markdown]
# - `test_error` is the share of wrong answers on the test set, from 0 to 1, with the averaged weights (EMA). Each run used the test set once, at its end. `test_error_raw` is the same for the raw weights.
# - `val_error` is measured at intervals during a run, on images held out from the training set.
# - `labels` counts all labeled images. A `seed` decides which images get a label, the first weights, the order of the images and their augmentation. The same seed and the same number of labels
#   mean the same labeled images for every method.
# - `trained_images` and `forward_images` say how many images a step processes. You will need them in section 3.
#
# The settings are the course's small preset; they are not tuned for each method. MixMatch's weight $\lambda_u$ is still on its ramp at the end (9 of 75 after 2,000 steps). A shorter ramp to 75 made it collapse on CIFAR-10 (test errors .87 and .90,
# one run each with 250 and 1,000 labels). So its line shows this setting, not the method at its best.
#
# The sweep is small: a narrow network, short runs and few seeds, so that it runs on a computer without a GPU. You
# cannot compare its numbers with those of papers, which come from runs hundreds of times as long. The first thing to
# say about any result is what was run.

# %% tags=["figure", "nbval-ignore-output"]
plots.every_run(sweep.rows, f"{sweep.name}: every run of the sweep")

# %% [markdown]
# Look at the dots of one method at one number of labels. All that differs between them is the seed.

# %% [markdown] about="summarize"
# title: One line for each method and number of labels
# minutes: 15
# points: 3
# difficulty: 2
# objectives:
#   - Group rows by what they have in common, and leave the rows unchanged.
# prerequisites: []
# hints:
#   - >-
#     Do it by hand with five rows on paper. You would start a new line whenever a pair of method and number of labels comes up for the
#     first time, and otherwise add to an existing line. Which of Python's containers finds an existing line by such a pair?
#   - >-
#     One dictionary, whose keys are pairs and whose values are lists of accuracies: `setdefault` makes an empty list where there is none yet.
#     A second loop goes over its `items`, calls `statistic` once for each list, and appends a dictionary with the five keys of the docstring
#     to the result. Nothing is ever written into a row.
# tiny: >-
#   Two rows that differ only in their error make one line; a third row with another number of labels makes a second.
# idea: >-
#   Most of the work on results is deciding what belongs together, and in what way it may differ. Here, runs of one group may differ only
#   by their seed. Put two settings into one group, and their difference turns into spread.

# %% [markdown]
# The function takes `statistic` as an argument, so that the same grouping works for a mean and spread today and for something else tomorrow. Three comments guide you.

# %% exercise="summarize"

# %% grade="summarize"
with course.practical_check("summarize", summarize):
    # Two runs of one pair with a run of another between them. The statistic here is simple: smallest and largest.
    shown = [
        {"method": "fixmatch", "labels": 40, "seed": 0, "test_error": 0.5},
        {"method": "supervised", "labels": 40, "seed": 0, "test_error": 0.75},
        {"method": "fixmatch", "labels": 40, "seed": 1, "test_error": 0.25},
    ]
    first, second = summarize(shown, lambda values: (np.min(values), np.max(values)))
    expected = {"method": "fixmatch", "labels": 40, "runs": 2, "mean": 0.5, "spread": 0.75}
    np.testing.assert_equal({key: first[key] for key in expected}, expected)
    expected = {"method": "supervised", "labels": 40, "runs": 1, "mean": 0.25, "spread": 0.25}
    np.testing.assert_equal({key: second[key] for key in expected}, expected)

course.check("summarize", summarize)

# %% [markdown]
# ### The sweep in numbers
#
# Now the dots of the first figure become one line for each method.

# %% tags=["figure", "nbval-ignore-output"]
summaries = summarize(sweep.rows, mean_and_spread)
plots.accuracy_by_labels(summaries, f"{sweep.name}: mean ± spread over seeds")
plots.table(
    ["method", "labels", "runs", "mean accuracy", "spread"],
    [[s["method"], s["labels"], s["runs"], f"{s['mean']:.4f}", f"{s['spread']:.4f}"] for s in summaries],
)

# %% [markdown]
# ### Differences within a seed
#
# Runs with the same seed share their labeled images. If these happen to be good ones, every method benefits. So compare **within a seed**: take the difference of two methods for each seed, then the mean and the spread *of the differences*. If luck
# with the labels is a large part of the spread, the differences are closer together than the results themselves.

# %% tags=["figure"]
def print_differences(rows, better, baseline):
    """Accuracy of one method minus that of another, for each number of labels."""
    accuracy_of = {(row["method"], row["labels"], row["seed"]): 1 - row["test_error"] for row in rows}
    seeds = sorted({row["seed"] for row in rows})
    print(f"{better} minus {baseline}")
    for n in sorted({row["labels"] for row in rows}):
        pairs = [(accuracy_of.get((better, n, seed)), accuracy_of.get((baseline, n, seed))) for seed in seeds]
        gaps = [one - other for one, other in pairs if None not in (one, other)]
        mean, spread = mean_and_spread(gaps)
        each = ", ".join(f"{100 * gap:+.1f}" for gap in gaps)
        print(f"  {n:5d} labels: {100 * mean:+5.1f} ± {100 * spread:.1f} points; seed by seed {each}")


for better, baseline in [("fixmatch", "supervised"), ("flexmatch", "fixmatch")]:
    print_differences(sweep.rows, better, baseline)

# %% [markdown]
# **Explain.** Which of these differences has the same sign for every seed and is several times its spread? Which would you not print in bold?
#
# ### A whole comparison in a few minutes
#
# The sweep `digits` is small: two cores train all 30 of its networks in a few minutes. Its images are scikit-learn's handwritten digits [9], 8 × 8 pixels enlarged to 32 × 32; its network has 34,000 weights; a run has 400 steps. It compares three ways to train with 20 and
# 40 labels, with five seeds. The second is new: *supervised, strong views* trains on the labeled images alone, like the baseline, but sees them under the strong augmentation that FixMatch uses.

# %% tags=["figure", "nbval-ignore-output"]
digits = comparison.load("digits")
of_digits = summarize(digits.rows, mean_and_spread)
plots.accuracy_by_labels(of_digits, f"{digits.name}: mean ± spread over seeds")
plots.table(
    ["method", "labels", "runs", "mean accuracy", "spread"],
    [[s["method"], s["labels"], s["runs"], f"{s['mean']:.4f}", f"{s['spread']:.4f}"] for s in of_digits],
)
for better, baseline in [("supervised-strong", "supervised"), ("fixmatch", "supervised-strong"), ("fixmatch", "supervised")]:
    print_differences(digits.rows, better, baseline)

# %% [markdown]
# Four things to learn from these few runs:
#
# - **Fair baseline.** FixMatch differs from plain supervised training in two ways: it uses unlabeled images, and it uses strong augmentation. The middle line takes the second one out. How much of FixMatch's lead over the first line is left over the
#   second? That part is due to the unlabeled images.
# - **Paired seeds.** With 20 labels the ± of the two supervised lines overlap. Look at the difference seed by seed before you call that a draw: how many of five have the same sign?
# - **Cost.** All runs have 400 steps, but a FixMatch step handles 112 images, a supervised step 16. The next section makes that precise; the cell below shows the seconds.
# - **Tuning.** In `digits-lr` one setting differs: the learning rate is three times as large, for all three. With 20 labels, would you notice from FixMatch's results alone that it is too large? What does it do to the baseline, and so to the difference? Is that
#   change larger than the spread?

# %% tags=["figure", "nbval-ignore-output"]
for method in ("supervised", "supervised-strong", "fixmatch"):
    seconds = [row["seconds"] for row in digits.rows if row["method"] == method and row["seconds"] is not None]
    print(f"{method:17s} {np.median(seconds):5.1f} seconds a run (median), {np.sum(seconds):6.0f} for all {len(seconds)}")
faster = comparison.load("digits-lr")
plots.accuracy_by_labels(summarize(faster.rows, mean_and_spread), f"{faster.name}: learning rate {faster.about['hparams']['fixmatch']['lr']}")
for name, rows in {digits.name: digits.rows, faster.name: faster.rows}.items():
    print(f"\n{name}, learning rate {comparison.load(name).about['hparams']['fixmatch']['lr']}")
    print_differences(rows, "fixmatch", "supervised")

# %% [markdown]
# ### The same sweep on photographs
#
# `shapes` has easy images: with 400 labels every method is nearly perfect on them. In `cpu-cifar10` only the images and the numbers of labels differ: network, settings, 2,000 steps and seeds are the same. Before you run the cell: will the methods
# come in the same order?

# %% tags=["figure", "nbval-ignore-output"]
photographs = comparison.load("cpu-cifar10")
plots.accuracy_by_labels(
    summarize(photographs.rows, mean_and_spread), f"{photographs.name}: mean ± spread over seeds"
)
for method in ("mixmatch", "fixmatch", "flexmatch"):
    print_differences(photographs.rows, method, "supervised")

# %% [markdown]
# With 250 labels MixMatch is ahead in every seed. FixMatch gains nothing. FlexMatch loses nine points with 4,000 labels, many times the spread, and some with 1,000, where the sign is the same in every seed but the difference is less than twice the
# spread. MixMatch also loses a little with 4,000. Unlabeled images can do harm.
#
# The logs of the runs with seed 0, which do not come with the course, show what FixMatch and FlexMatch did. With 1,000 and with 4,000 labels FixMatch's network was hardly ever sure: the mask rate was below .03 even in the last quarter, so what
# remains is supervised training at seven times the cost. FlexMatch never left its warm-up, because after 2,000 steps most of the unlabeled images still had no label. Its thresholds stayed below .05, every image counted, and about two of three
# pseudo-labels were wrong. These files do not say why that costs nothing with 250 labels and most with 4,000. And this is no verdict on the methods: the published runs of section 4 are 500 times as long, and there the same two are far ahead.
#
# A result holds for what was run: these images, this network, this length. **Explain** what the second figure adds for someone who has seen only the first.
#
# ### Where the ranking turns
#
# Long and careful runs do not settle the order either. The USB benchmark [5] trains the same methods, starting from large pretrained networks, on satellite images (EuroSAT), news articles (AG News) and music (GTZAN). In the next table, errors in percent are
# averaged over three runs. **Before you run the cell**: will the best method be the same in all three columns?

# %% tags=["figure", "nbval-ignore-output"]
elsewhere = [row for row in published.rows if row["source"] == "usb-tasks"]
tasks = list(dict.fromkeys((row["data"], row["labels"]) for row in elsewhere))
errors = {(row["method"], row["data"]): f"{100 * row['test_error']:.1f} ± {100 * row['spread']:.1f}" for row in elsewhere}
plots.table(
    ["method", *(f"{data}, {labels} labels" for data, labels in tasks)],
    [[method, *(errors[method, data] for data, _ in tasks)] for method in plots.METHODS],
)
print(published.about["sources"]["usb-tasks"]["note"])

# %% [markdown]
# Each column has another winner, and in each there is a method that is worse than the labeled images alone, or close to it. A spread of 28 points means that the three runs ended far apart. "Method A is better than method B" is not a complete sentence: on what data, with how many labels, from what start?
#
# ## 3. What a run costs
#
# A table by number of labels compares methods as if their runs were equally long. In steps they are. In work they are not.
#
# **Seconds** are what you pay in the end. But they depend on the machine, the library, the implementation, and whatever else the machine was doing. **Steps** are the same everywhere, but they hide that a step of one method handles many more images
# than a step of another. In between is the number of **forward passes of one image**. For a given network, a pass is a fixed number of multiplications.
#
# **Why backward counts twice.** Take one layer, $y = W x$. Forward, that is one product with $W$. Backward, the gradient of the loss with respect to $y$ arrives, and *two* products are needed: with $W^\top$, to pass the gradient to the layer below,
# and with $x^\top$, to get the gradient of $W$ itself. Each takes as much work as the forward product. So an image that the network learns from costs three passes, and one for which only a prediction is needed costs one. (The first layer has no
# layer below, and activations, BatchNorm and the optimizer cost a little. These are a few percent.)
#
# In this course's implementations, a step processes this many images:
#
# | method | forward and backward | forward alone |
# |:--|--:|--:|
# | supervised | $B$ | 0 |
# | MixMatch | $B + K \cdot \mu B$, the mixed images | $K \cdot \mu B$, the views whose predictions are averaged to guess the labels |
# | FixMatch, FlexMatch | $B + 2 \cdot \mu B$ | 0 |
#
# FixMatch and FlexMatch put the weak views through the same joint pass as everything else (BatchNorm has to see all of them at once), and that pass is differentiated. The weak views contribute no gradient, but the backward pass still handles the
# whole batch. A program that splits the batch first could save part of that.
#
# **Predict.** In the paper's setting, $B = 64$ and $\mu = 7$. How many supervised steps (of 64 labeled images) does one FixMatch step cost?

# %% tags=["figure", "nbval-ignore-output"]
course.predict("step_cost", ...)

# %% [markdown] about="training_cost"
# title: What a run costs
# minutes: 10
# points: 2
# difficulty: 2
# objectives:
#   - Count the work of a step in forward passes, including the backward pass.
#   - Keep an unknown number unknown.
# prerequisites: []
# hints:
#   - >-
#     Take a single step with one image that the network learns from and one that only needs a prediction. How many passes does each of
#     them cost if the backward pass costs as much as two forward passes?
#   - >-
#     Add up the passes of one step, each kind of image with its own weight, and multiply by the number of steps. Before that, check
#     whether one of the three values is `None`: then so is the cost. Keep in mind that 0 and `None` are not the same.
# tiny: >-
#   One step with one image that is learned from, and then one step with one image that only goes forward. Count the passes on
#   paper.
# idea: >-
#   Passes are a currency that does not depend on the machine. They show what a table of steps hides: methods with equal numbers of steps
#   may have done very different amounts of work.

# %% exercise="training_cost"

# %% grade="training_cost"
with course.practical_check("training_cost", training_cost):
    # 10 steps, in each of which 4 images go forward and backward (3 passes each) and 2 go forward (1 pass each).
    np.testing.assert_equal(training_cost({"steps": 10, "trained_images": 4, "forward_images": 2}), 140)
    np.testing.assert_equal(training_cost({"steps": None, "trained_images": 64, "forward_images": 0}), None)

course.check("training_cost", training_cost)

# %% tags=["figure", "nbval-ignore-output"]
step = {
    "supervised": {"steps": 1, "trained_images": 64, "forward_images": 0},
    "mixmatch": {"steps": 1, "trained_images": 64 + 2 * 64, "forward_images": 2 * 64},
    "fixmatch": {"steps": 1, "trained_images": 64 + 2 * 7 * 64, "forward_images": 0},
}
for method, row in step.items():
    passes = training_cost(row)
    times = passes / training_cost(step["supervised"])
    print(f"{method:10s} {passes:5.0f} passes a step in its paper's setting, {times:4.1f} supervised steps")
course.reveal("step_cost", training_cost(step["fixmatch"]) / training_cost(step["supervised"]))

# %% [markdown]
# ### From passes to operations
#
# One forward pass of WRN-28-2, the network of the papers, on a 32 × 32 image takes .429 billion operations, counting each multiply-add as two. Multiply the passes by that, and you can compare a run with what a machine can do: one published figure is
# 55 milliseconds per step for FixMatch on four V100 GPUs.

# %% tags=["figure"]
paper = next(row for row in published.rows if row["source"] == "fixmatch-paper")
passes = training_cost(paper)
print(f"FixMatch as in the paper: {paper['steps']:,} steps, {passes:.3g} passes, {passes * 0.429e9:.2g} operations")
print(f"at 55 ms a step: {paper['steps'] * 0.055 / 3600:.0f} hours")
run = next(row for row in sweep.rows if row["method"] == "fixmatch")
print(f"a FixMatch run of {sweep.name}: {run['steps']:,} steps, {training_cost(run):.3g} passes (of a smaller network)")

# %% [markdown]
# ### Accuracy against cost
#
# Here are the same results again, now with their cost. A method that is higher *and* farther left is better by both measures. One that is higher and farther right paid for its accuracy.

# %% tags=["figure", "nbval-ignore-output"]
cost_of = {(row["method"], row["labels"]): training_cost(row) for row in sweep.rows}
points = [s | {"cost": cost_of[s["method"], s["labels"]]} for s in summaries]
plots.accuracy_by_cost(points, f"{sweep.name}: accuracy against cost")
for method in plots.METHODS:
    seconds = [row["seconds"] for row in sweep.rows if row["method"] == method and row["seconds"] is not None]
    costs = [training_cost(row) for row in sweep.rows if row["method"] == method]
    if seconds and costs:
        mean, spread = mean_and_spread(seconds)
        print(f"{method:10s} {costs[0]:.3g} passes, {mean:.0f} ± {spread:.0f} seconds on {sweep.about.get('hardware', 'one machine')}")

# %% [markdown]
# **Explain.** Do passes and seconds put the methods in the same order, and in the same proportion? What takes time besides the network?

# %% [markdown] question="Q2"
# title: Question 2
# minutes: 10
# points: 2
# prompt: >-
#   Two methods can be compared at an equal number of steps, at equal cost in forward passes, or at an equal number of
#   seconds. Choose two of the three. For each, name a question that it answers and a way in which it can mislead.
# criteria:
#   - {points: 1, text: "Each of the two measures comes with a question that it answers."}
#   - {points: 1, text: "Each of the two comes with a concrete way in which it misleads."}

# %% [markdown]
# ## 4. How many labels is a method worth?
#
# "Seven points better with 250 labels" is hard to value. "As good with 250 labels as supervised training with 4,000" is easy: a label has a price. So turn the figure around. Fix an accuracy, and ask how many labels each method needs to reach it.
#
# Accuracies are known for only a few numbers of labels. In between you have to interpolate, on a *logarithmic* axis: from 500 to 1,000 labels is about as large a step as from 5,000 to 10,000. Every doubling of the labels adds a similar amount, while
# every further label adds less. On a linear axis, a straight line between 500 and 2,000 labels would put far too much of the gain near 2,000.
#
# Never extrapolate beyond the ends. The curve may bend there, and nobody has measured it.

# %% [markdown] about="labels_to_reach"
# title: How many labels for this accuracy?
# minutes: 20
# points: 4
# difficulty: 3
# objectives:
#   - Interpolate on a logarithmic axis, and claim nothing where nothing was measured.
# prerequisites: []
# hints:
#   - >-
#     Draw three points on a logarithmic axis of labels, join them with straight lines, and lay a ruler across at the target. Which two
#     points are on either side of the place where the ruler first meets the line? And what if the first point is already above the ruler,
#     or none is?
#   - >-
#     Deal with the first point, then go through the neighbors in order and stop at the first pair whose right point is at the target or
#     above. The share of the way up is the distance from the left accuracy to the target, divided by the distance between the two
#     accuracies. Go the same share of the way between the *logarithms* of the two numbers of labels, and convert back with `np.exp`. If
#     the loop ends without finding a pair, that is an answer, too.
# tiny: >-
#   Accuracies of 0.4 with 10 labels and of 0.6 with 1,000, and a target of 0.5: halfway on a logarithmic axis lies 100.
# idea: >-
#   A difference in points is hard to value, but a number of labels has a price. The price is honest only between the points that were
#   measured: where a curve has no points, it says nothing.

# %% [markdown]
# This one is open: there are no comments to follow. Besides the ordinary case, handle three others. The first accuracy may already reach the target, no accuracy may reach it, and the curve may go down in between.

# %% exercise="labels_to_reach"

# %% grade="labels_to_reach"
with course.practical_check("labels_to_reach", labels_to_reach):
    # Halfway between .5 and .7, and halfway between 100 and 10,000 on a logarithmic axis.
    np.testing.assert_allclose(labels_to_reach([100, 10_000], [0.5, 0.7], 0.6), 1000.0)
    np.testing.assert_allclose(labels_to_reach([100, 10_000], [0.5, 0.7], 0.4), 100.0)
    np.testing.assert_equal(labels_to_reach([100, 10_000], [0.5, 0.7], 0.8), None)

course.check("labels_to_reach", labels_to_reach)

# %% [markdown]
# ### The tutorial's table, turned around
#
# Look at the table of section 1 again. With 500 to 2,000 labels, FixMatch passes an accuracy of 80 %.
#
# **Predict** how many labels the supervised network of that table needs for 80 %.

# %% tags=["figure", "nbval-ignore-output"]
course.predict("labels_for_80", ...)

# %% tags=["figure", "nbval-ignore-output"]
def curves_of(rows):
    """Method → (numbers of labels, mean accuracies), from your summaries."""
    found = {}
    for s in sorted(summarize(rows, mean_and_spread), key=lambda s: s["labels"]):
        labels, accuracies = found.setdefault(s["method"], ([], []))
        labels.append(s["labels"])
        accuracies.append(s["mean"])
    return found


target = 0.8
of_tutorial = curves_of(tutorial)
needed = {method: labels_to_reach(*curve, target) for method, curve in of_tutorial.items()}
plots.labels_needed(of_tutorial, target, needed, "The tutorial's table, one run each")
for method, n in needed.items():
    print(f"{method:10s} " + ("does not reach 80 %" if n is None else f"{n:8,.0f} labels for 80 %"))
course.reveal("labels_for_80", needed["supervised"])

# %% [markdown]
# ### When does supervised training catch up?
#
# The more labels there are, the less the unlabeled images have left to teach. The tutorial's table ends at 20,000 labels. How far behind is the supervised network at each number?

# %% tags=["figure"]
for n in counts:
    gap = accuracy["fixmatch", n] - accuracy["supervised", n]
    print(f"{n:6,d} labels: FixMatch is {gap:4.1f} points above supervised training")
fixmatch_at_500 = accuracy["fixmatch", 500] / 100
n = labels_to_reach(*of_tutorial["supervised"], fixmatch_at_500)
print(f"supervised training needs {n:,.0f} labels to match FixMatch with 500")
print("…and to match FixMatch with 2,000:", labels_to_reach(*of_tutorial["supervised"], accuracy["fixmatch", 2000] / 100))

# %% [markdown]
# The last line is `None`: not within this table. It is tempting to extend the supervised curve and name a number. But first compare the curve with another one: someone else trained the same kind of network on labels alone, for 2^20 steps (the
# tutorial does not say how long its own was trained).

# %% tags=["figure"]
usb = {row["labels"]: 1 - row["test_error"] for row in published.rows if row["source"] == "usb"}
for n, value in sorted(usb.items()):
    print(f"USB, supervised, 2^20 steps, {n:5,d} labels: {value:.4f}")
print(f"tutorial, supervised, 10,000 labels: {accuracy['supervised', 10000] / 100:.4f}")
long_fixmatch = {
    row["labels"]: 1 - row["test_error"]
    for row in published.rows
    if (row["source"], row["method"]) == ("torchssl", "fixmatch")
}
print("\nlabels for 80 %          supervised  FixMatch")
print(f"the tutorial's runs      {needed['supervised']:10,.0f}  {needed['fixmatch']:8,.0f}")
long_runs = [labels_to_reach(sorted(c), [c[n] for n in sorted(c)], 0.8) for c in (usb, long_fixmatch)]
print(f"runs of 2^20 steps       {long_runs[0]:10,.0f}  {long_runs[1]:8,.0f} or fewer")

# %% [markdown]
# The tutorial's supervised network looks under-trained: with 10,000 labels it is worse than the other one with 4,000. Compare the long supervised runs with the tutorial's FixMatch, and most of FixMatch's advantage is gone. Compare them with long
# runs of FixMatch, and it is larger than before. None of the three factors is *the* value of FixMatch, because that needs two runs that got the same care: length, augmentation, regularization, tuned settings. Oliver et al. [2] found that baselines
# rarely get it, and that a good one closes much of the gap. **A method is compared with its baseline, so the baseline is half of the result.**
#
# ### The sweep, turned around
#
# Here the target is the accuracy of supervised training with the second number of labels. How many labels does each method need for it?

# %% tags=["figure", "nbval-ignore-output"]
of_sweep = curves_of(sweep.rows)
(fewest, second, *_), (_, target, *_) = of_sweep["supervised"]
needed_here = {method: labels_to_reach(*curve, target) for method, curve in of_sweep.items()}
plots.labels_needed(of_sweep, target, needed_here, f"{sweep.name}: what supervised training has with {second} labels")
most = max(of_sweep["supervised"][0])
for method, n in needed_here.items():
    reached = f"not with up to {most:,} labels" if n is None else f"{n:,.0f} labels or fewer" if n <= fewest else f"{n:,.0f} labels"
    print(f"{method:10s} accuracy {target:.3f}: {reached}")

# %% [markdown]
# The measured points are far apart, so the straight line between them is an assumption. And the target is a mean of few runs, so it is uncertain too. In a cell of your own, change it by its spread, up and down, and see how far the numbers of labels
# move.
#
# ## 5. The number that is reported
#
# A run is evaluated many times. Which evaluation is its result? Here is a function that appears, in some form, in many programs.

# %%
def best_error(curve, last=None):
    """The error to report for a run: the smallest that was seen."""
    return min(evaluation["val_error"] for evaluation in curve)


# %% [markdown]
# As a program it is right: it finds the minimum. Let it report on a run in which *nothing happens*. The network has a true error of .30 at every step, and each evaluation counts the wrong answers among 1,000 freshly drawn images. All it can find is
# noise.
#
# **Predict** the average error that `best_error` reports, over many such runs with 50 evaluations each.

# %% tags=["figure", "nbval-ignore-output"]
course.predict("best_of_noise", ...)

# %% tags=["figure", "nbval-ignore-output"]
rng = np.random.default_rng(0)


def idle_run(evaluations, images=1_000, error=0.30):
    """Evaluations of a network that does not change."""
    wrong = rng.binomial(images, error, evaluations)
    return [{"step": 100 * k, "val_error": w / images} for k, w in enumerate(wrong, start=1)]


idle = idle_run(50)
plots.evaluations(idle, {"true error": 0.30, "best_error": best_error(idle)}, "A run in which nothing happens")
for evaluations in (1, 5, 20, 50, 200):
    reported = np.mean([best_error(idle_run(evaluations)) for _ in range(500)])
    print(f"{evaluations:4d} evaluations: best_error reports {reported:.4f} on average, true 0.3000")
course.reveal("best_of_noise", np.mean([best_error(idle_run(50)) for _ in range(500)]))

# %% [markdown]
# **Find the bug** before you write any code. The more often you look, the better the result, and nothing warns you. What number would you report if you evaluated after every step? Which gains more from this, a method with a smooth curve or one with
# a jumpy curve?
#
# Choosing by a minimum is not wrong in itself. You may choose the evaluation with the smallest *validation* error and report that network's *test* error: chosen on one set, reported on another. The bug is to choose and report on **the same** set,
# and with a test set it has a second cost: the test labels become training data, one decision at a time.
#
# The FixMatch paper's rule does not choose by value: it reports the median of the last 20 checkpoints. Others report only the last one, which is just as fair and a little noisier.

# %% [markdown] about="reported_error"
# title: "Find the bug: a result that gets better the more often you look"
# minutes: 10
# points: 2
# difficulty: 2
# objectives:
#   - Find out why a correct minimum is a wrong result, and report one that is not chosen by its value.
# prerequisites: []
# hints:
#   - >-
#     There are two questions. Which evaluations count? The docstring answers that without looking at any error. And which number
#     represents them? Not the smallest.
#   - >-
#     `sorted` makes a new list, and its argument `key` can be a function that returns an evaluation's step. A slice that starts at minus
#     `last` takes the latest ones, and takes all of them where there are fewer. `np.median` does the rest.
# tiny: >-
#   Three evaluations with the errors 0.2, 0.6 and 0.3, all of which count: 0.3 is reported.
# idea: >-
#   The minimum of noisy numbers is smaller than the value they scatter around, and the more of them there are, the smaller it is. A rule
#   that was fixed before the numbers were known cannot do that.

# %% exercise="reported_error"

# %% grade="reported_error"
with course.practical_check("reported_error", reported_error):
    curve = [
        {"step": 300, "val_error": 0.4},
        {"step": 100, "val_error": 0.75},
        {"step": 400, "val_error": 0.5},
        {"step": 200, "val_error": 0.25},
    ]
    # The last three in the order of the steps: 0.25, 0.4, 0.5.
    np.testing.assert_allclose(reported_error(curve, 3), 0.4)
    np.testing.assert_allclose(reported_error(curve, 2), 0.45)

course.check("reported_error", reported_error)

# %% [markdown]
# The sweep used its test set once, so there is no test curve to pick from. The validation curve stands in for it: `best_error` would lower a test curve's result in the same way.
#
# **What the bug does to a result.** First, the run in which nothing happens, then the sweep. Both columns come from the same curves. The third column shows how much `best_error` takes off.

# %% tags=["figure", "nbval-ignore-output"]
idle_runs = [idle_run(50) for _ in range(500)]
print(f"nothing happens: best {np.mean([best_error(c) for c in idle_runs]):.4f}, reported {np.mean([reported_error(c, 20) for c in idle_runs]):.4f}, true 0.3000")

curves = {}
for evaluation in sweep.curves:
    curves.setdefault((evaluation["method"], evaluation["labels"], evaluation["seed"]), []).append(evaluation)
print(f"\n{sweep.name}: mean over runs, median of the last 3 validations")
print("method      labels    best  reported  taken off (largest of one run)")
taken_off = {}
for method in plots.METHODS:
    for n in sorted({key[1] for key in curves if key[0] == method}):
        own = [curve for key, curve in curves.items() if key[:2] == (method, n)]
        best = np.array([best_error(curve) for curve in own])
        fair = np.array([reported_error(curve, 3) for curve in own])
        taken_off[method, n] = np.mean(fair - best)
        print(f"{method:10s} {n:7d}  {best.mean():.4f}    {fair.mean():.4f}     {np.mean(fair - best):.4f} ({np.max(fair - best):.4f})")
largest = max(taken_off, key=taken_off.get)
print(f"best_error takes most off {largest[0]} with {largest[1]} labels: {100 * taken_off[largest]:.1f} points.")

# %% [markdown]
# The third column mixes two things. If a curve is still falling, its best value is the last one, and the median of the last three lags behind: that run was too short, and nothing was picked. If a curve is flat and jumpy, the difference is what
# picking takes off. Among the runs whose best value is not the last, the figure shows the one in which picking takes off most.

# %% tags=["figure", "nbval-ignore-output"]
in_order = {key: sorted(curve, key=lambda evaluation: evaluation["step"]) for key, curve in curves.items()}
picked = [key for key, curve in in_order.items() if curve[-1]["val_error"] > best_error(curve)]
jumpiest = max(picked, key=lambda key: reported_error(curves[key], 3) - best_error(curves[key]))
chosen = in_order[jumpiest]
plots.evaluations(
    chosen,
    {"best_error": best_error(chosen), "reported_error": reported_error(chosen, 3)},
    f"{sweep.name}: {jumpiest[0]}, {jumpiest[1]} labels, seed {jumpiest[2]}",
)

# %% [markdown]
# Published tables use different rules. The FixMatch paper [1] reports the median of the last 20 checkpoints. TorchSSL [4] and USB [5] report the best accuracy on the test set. So part of the difference between the two rows below is the rule, part is
# luck with the labeled images, and part is the code. It is impossible to say how much each contributes.

# %% tags=["figure"]
for row in published.rows:
    if row["method"] == "fixmatch" and row["source"] in ("fixmatch-paper", "torchssl"):
        about = published.about["sources"][row["source"]]
        print(f"{row['labels']:5,d} labels: error {row['test_error']:.4f} ± {row['spread']:.4f}  {about['title']}")

# %% [markdown]
# ## 6. Why forty labels are a lottery
#
# Forty labels are four images of each class. Here is every spread that our published sources give, and those of the sweep. Before you follow a line, ask how many runs are behind a point, and which evaluation of each run was reported: each source's
# `runs` and `note` tell you.

# %% tags=["figure", "nbval-ignore-output"]
sources = published.about["sources"]
spreads = {}
of_cifar10 = [row for row in published.rows if row["spread"] is not None and row["data"] == "cifar10"]
for row in of_cifar10:
    name = f"{plots.NAMES[row['method']]}, {row['source']} ({sources[row['source']]['runs']} runs)"
    spreads.setdefault(name, {})[row["labels"]] = row["spread"]
plots.spread_by_labels(spreads, "CIFAR-10, published: spread over seeds")
of_methods = {
    plots.NAMES[method]: {s["labels"]: s["spread"] for s in summaries if s["method"] == method} for method in plots.METHODS
}
plots.spread_by_labels(of_methods, f"{sweep.name}: spread over seeds")
for source in {row["source"]: None for row in of_cifar10}:
    print(f"{source}: {sources[source]['runs']} runs. {sources[source]['note']}")

# %% [markdown]
# Take the published ones first. From 40 to 4,000 labels, two lines fall by factors of 25 (MixMatch in TorchSSL) and 67 (FixMatch in its paper), and the supervised one by ten, all of that after 250 labels. The other two do not fit this pattern:
# TorchSSL gives FixMatch a spread of .28 points with 40 labels where the paper gives 3.37, and FlexMatch stays below .1 point at every number of labels. Before you call a method stable, consider three things:
#
# - **Three runs, not five.** Section 2 gave the range for normally distributed results: three runs show less than .16 of the true spread in 2 or 3 of 100 cases, and .28 is less than .16 · 3.37 = .54. But results with 40 labels are not normally
#   distributed. Three of the five runs of section 1 have a spread of .29 points; the bad one is not among them.
# - **Best on test.** Each of TorchSSL's runs reports its best accuracy on the test set (section 5). The maximum of a long run hides whatever the run lost later, so runs that end far apart can have maxima that are close together.
# - **Other code.** Which images got the labels, and whether that differed from run to run, is not in the table.
#
# So a small spread of this kind does not show that a method is stable, and the tables alone cannot tell you why two of
# them differ.
#
# Four causes come together.
#
# 1. **Four images do not describe a class.** If the four cars happen to be red and seen from the front, the network learns redness. With four hundred cars, such accidents average out. So the same draw of labeled images moves all methods together,
#    which is why a comparison within a seed says more.
# 2. **Self-training amplifies.** A method that learns from its own predictions keeps going in the direction in which it started. If two classes are mixed up early and confidently, the unlabeled images confirm it, and whole classes can be lost. Runs
#    do not scatter around one accuracy but fall into groups: most of the five runs are near .91, one near .79.
# 3. **Short runs make it worse.** One PyTorch version of FixMatch, one command and one seed, 40 labels: after a tenth of the run, its author had an accuracy of 90 % and a user 76 %; another user writes that longer runs catch up [8]. The start, when
#    luck decides, is most of a short run.
# 4. **Nobody can see it.** With 40 labels there is no real validation set: 1,000 labeled images for choosing settings would be 25 times as many as for training. If you had them, you would train on them [2].
#
# What helps: several draws of the labeled images, with every single result shown; the same draws for all methods; the median or the worst run next to the mean, since a mean hides a lost class; and, if you have to *use* forty labels, labeling typical
# images of each class instead of random ones.
#
# A spread from few runs can miss all of this. Choose three of the five runs again: how likely are you to leave out the bad one?

# %% tags=["figure"]
without = [three for three in itertools.combinations(range(len(five)), 3) if int(np.argmin(five)) not in three]
print(f"{len(without)} of {len(list(itertools.combinations(range(len(five)), 3)))} ways to choose three runs leave the worst out")

# %% [markdown]
# ## 7. Your figure and your conclusion
#
# The cell below draws a kind of figure that you often see: every run is there, and nothing helps you read it. The labels are on a linear axis, where the small numbers crowd together on the left; nothing shows which dots belong together. **Rework it,
# or throw it away and draw another.** You have your functions, `plots.METHODS`, `plots.labels_axis(axis, counts)` for a logarithmic axis, and all methods of `axis` (`plot`, `errorbar`, `axhline`, `legend`, `annotate`, …).
#
# Keep it in this one cell, start from what is loaded above (`sweep`, `published`, `comparison.load`) and your own
# functions, and end with `plots.show(figure, "…")`. The second argument is the text for readers who cannot see the
# figure: say what it shows, with numbers. You may use another sweep.
#
# This cell runs again when your notebook is graded, so that the grader sees your figure. The cells that only show something do *not* run then, so what they compute is missing: `summaries`, `accuracy_of`, `cost_of`, `points`, `curves`, `curves_of`,
# `of_sweep`, `counts`, `accuracy`, `tutorial` and `five` do not exist. Compute what you need here. To get your summaries, remove the `#` from the first line of the cell. To try the cell under the grader's conditions, restart the kernel; run the
# set-up, the imports, the two cells that load results, and your exercises; then run this cell.

# %% tags=["handed-in", "nbval-ignore-output"]
# summaries = summarize(sweep.rows, mean_and_spread)
figure, axis = plots.blank(f"{sweep.name}: every run", "labeled images", "test accuracy")
for method in plots.METHODS:
    own = [row for row in sweep.rows if row["method"] == method]
    axis.plot([row["labels"] for row in own], [1 - row["test_error"] for row in own], "o", label=method)
axis.legend()
plots.show(figure, f"One dot for each of the {len(sweep.rows)} runs: test accuracy by the number of labeled images.")

# %% [markdown] question="Q3"
# title: Your figure and your conclusion
# minutes: 25
# points: 6
# prompt: >-
#   Hand in a figure and a conclusion. The **figure** is what your cell above shows: make one that helps someone decide which method
#   to use with few labels, from `sweep.rows` and your functions. The **conclusion**, five to eight sentences, goes
#   into the cell below. It says what the figure shows, with numbers, and what it does not show.
# criteria:
#   - {points: 1, text: "Figure: axes with names and units, methods that can be told apart without color, and a text for those who cannot see it."}
#   - {points: 1, text: "Figure: it shows the spread over seeds or every single run, and the scale suits the data."}
#   - {points: 2, text: "Conclusion: at least two statements with numbers from the figure or your functions, each with its spread."}
#   - {points: 1, text: "Conclusion: it separates differences that the runs support from those that they do not."}
#   - {points: 1, text: "Conclusion: it names at least one limit of these results, and what that leaves open."}

# %% [markdown]
# ### The other sweeps
#
# Do your findings hold on other data? Here are all sweeps that come with the course, with your functions. If there is more than one: is the order of the methods the same, and is it clear in each?

# %% tags=["figure", "nbval-ignore-output"]
for name in comparison.names():
    plots.accuracy_by_labels(summarize(comparison.load(name).rows, mean_and_spread), f"{name}: mean ± spread over seeds")

# %% [markdown]
# ## 8. What you should know now
#
# Three questions, the first of them about the previous unit. Choose an answer before you read the explanation; wrong answers have explanations too.

# %% tags=["figure", "nbval-ignore-output"]
course.recall()

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
# ## 9. Optional open questions
#
# Not graded, and there is no model answer.
#
# 1. **How many seeds?** Two methods differ by one point, and each has a spread of one point. How many seeds would you need to be fairly sure which is better? Simulate it: draw results from two normal distributions, and count how often the mean of the better one comes out ahead.
# 2. **Equal cost.** Give supervised training as many forward passes as FixMatch got, in longer runs or larger batches. What would you expect with few labels, and why? Say what you would measure to find out.
# 3. **Medians.** Summarize the five runs by their median and interquartile range. Would you rather read that or mean and spread, and what does each hide?
# 4. **Your own target.** Plot the number of labels that supervised training needs to match FixMatch, for every target that both reach. Does one number ("eight times fewer labels") describe the curve?

# %% [markdown]
# ## 10. Ready to hand in?
#
# Save the notebook, then run the next cell. It runs every check again and searches the saved file for cells that are missing, duplicated, or without the metadata that grading needs. If it cannot find the file, pass its name:
# `course.ready_to_hand_in("01_comparison.ipynb")`.
#
# Below its report stands your *logbook*: your predictions and their results, how many versions of each function you checked, and which hints you looked at. Whoever grades your written answers sees it beside them. It gives and costs no points and is sent nowhere. Clear the cell's output
# if you do not want to hand it in, or run `course.delete_logbook()` in a new cell. Save the notebook once more before you hand it in.

# %% locked="ready-to-hand-in" tags=["nbval-ignore-output"]
course.ready_to_hand_in()

# %% [markdown]
# ## References
#
# 1. K. Sohn, D. Berthelot, C.-L. Li, Z. Zhang, N. Carlini, E. D. Cubuk, A. Kurakin, H. Zhang and C. Raffel. FixMatch: Simplifying semi-supervised learning with consistency and confidence. NeurIPS 33, 2020. [arXiv:2001.07685](https://arxiv.org/abs/2001.07685)
# 2. A. Oliver, A. Odena, C. Raffel, E. D. Cubuk and I. J. Goodfellow. Realistic evaluation of deep semi-supervised learning algorithms. NeurIPS 31, 2018. [arXiv:1804.09170](https://arxiv.org/abs/1804.09170)
# 3. D. Berthelot, N. Carlini, I. Goodfellow, N. Papernot, A. Oliver and C. Raffel. MixMatch: A holistic approach to semi-supervised learning. NeurIPS 32, 2019. [arXiv:1905.02249](https://arxiv.org/abs/1905.02249)
# 4. B. Zhang, Y. Wang, W. Hou, H. Wu, J. Wang, M. Okumura and T. Shinozaki. FlexMatch: Boosting semi-supervised learning with curriculum pseudo labeling. NeurIPS 34, 2021. [arXiv:2110.08263](https://arxiv.org/abs/2110.08263); its code is [TorchSSL](https://github.com/TorchSSL/TorchSSL).
# 5. Y. Wang et al. USB: A unified semi-supervised learning benchmark for classification. NeurIPS 35, 2022. [arXiv:2208.07204](https://arxiv.org/abs/2208.07204), [results](https://github.com/microsoft/Semi-supervised-learning/tree/main/results)
# 6. The five runs: [CoinCheung/fixmatch-pytorch](https://github.com/CoinCheung/fixmatch-pytorch).
# 7. A. Krizhevsky. Learning multiple layers of features from tiny images. Technical report, University of Toronto, 2009 (CIFAR-10). [PDF](https://www.cs.toronto.edu/~kriz/learning-features-2009-TR.pdf)
# 8. One command, two accuracies after 100 of 1,024 epochs: [kekmodel/FixMatch-pytorch, issue 29](https://github.com/kekmodel/FixMatch-pytorch/issues/29)
# 9. E. Alpaydin and C. Kaynak. Optical recognition of handwritten digits. UCI Machine Learning Repository, 1998. [doi:10.24432/C50P49](https://doi.org/10.24432/C50P49)

# %% [markdown]
# ## 한국어 요약
#
# **무엇을 배우나.** 이 단원에서는 학습을 하지 않습니다. 지도 학습, MixMatch, FixMatch, FlexMatch의 실행 결과 파일을 읽고, 그 결과가 무엇을 말하고 무엇을 말하지 않는지 판단하는 법을 배웁니다.
#
# **시드와 산포.** 표의 숫자 하나는 실행 한 번의 결과일 뿐입니다. 같은 명령을 다섯 번 실행한 공개 결과(CIFAR-10, 레이블 40개)에서 가장 좋은 정확도와 가장 나쁜 정확도는 12점 넘게 차이가 납니다. 그래서 시드를 바꾸어 여러 번 실행하고 평균과 표본 표준편차(n − 1로 나눔)를 함께
# 보고합니다. 한 번의 실행에는 산포가 없으며, 0이 아니라 "알 수 없음"입니다. 같은 시드끼리의 차이를 비교하면 레이블을 뽑는 운의 영향을 줄일 수 있습니다. 강한 증강을 쓴 지도 학습을 함께 두면 이득 가운데 증강의 몫과 레이블 없는 이미지의 몫을 나누어 볼 수 있습니다.
# 데이터만 CIFAR-10으로 바꾼 같은 실험에서는 방법의 순서가 달라집니다. 짧은 학습에서는 유사 레이블(pseudo-label)이 대부분 틀려 FlexMatch가 지도 학습보다 나빠지기도 합니다. 결과는 실제로 실행한 조건(데이터, 신경망, 학습 길이)에 대해서만 말할 수 있습니다.
#
# **비용.** 학습에 쓰인 이미지 한 장은 순전파 한 번과 역전파(순전파 두 번에 해당)로 세 번, 예측만 한 이미지는 한 번으로 셉니다. 단계 수가 같아도 방법마다 비용은 크게 다릅니다.
#
# **레이블의 가치.** 정해진 정확도에 도달하는 데 필요한 레이블 수를 로그 축에서 보간하여 구합니다. 측정하지 않은 범위로 외삽하지 않습니다. 기준선(baseline)을 충분히 학습하지 않으면 방법의 이득이 부풀려집니다.
#
# **보고하는 숫자.** 테스트 집합에서 가장 좋았던 값을 골라 같은 집합의 결과로 보고하면, 더 자주 평가할수록 결과가 좋아 보입니다. FixMatch 논문처럼 마지막 체크포인트들의 중앙값을 보고하는 규칙은 값을 보고 고르지 않습니다.
#
# **왜 레이블 40개는 복권인가.** 클래스마다 네 장으로는 클래스를 대표하지 못하고, 자기 학습이 초기의 우연을 키우며, 실행이 짧을수록 더 심합니다. 검증 집합이 없어 이를 알아차리기도 어렵습니다. 산포가 작게 보고되었어도 실행이 세 번뿐이거나 테스트 집합에서 가장 좋았던 값이라면 안정적이라는 증거가 되지 못합니다.
#
# **연습 문제.** ① 평균과 산포, ② 방법과 레이블 수별 요약, ③ 학습 비용, ④ 목표 정확도에 필요한 레이블 수, ⑤ 버그 찾기: 자주 볼수록 좋아지는 결과. 마지막으로 그림 하나와 결론을 제출합니다.
