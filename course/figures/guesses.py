"""A guess and the result, on a line of numbers."""

from __future__ import annotations

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from course.figures.shown import COLORS, show


def rounded(number: float) -> str:
    """A number with three significant digits, or as a whole number where it has more places than that."""
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.3g}"


def guess_and_result(label: str, guess: float | None, result: float, span: tuple[float, float]) -> None:
    """A number line with a guess and what came out.

    Args:
        label: what the number is.
        guess: the guess, or None where none was recorded.
        result: what came out.
        span: ends of the line; it is made longer where the result lies outside.
    """
    low, high = min(span[0], result), max(span[1], result)
    margin = 0.04 * (high - low)
    figure = Figure(figsize=(4.5, 1.5), layout="constrained")
    axis = figure.subplots()
    axis.set_xlim(low - margin, high + margin)
    axis.set_ylim(-0.9, 0.9)
    axis.axhline(0, color="#333333", linewidth=1)
    if guess is not None:
        axis.plot([guess, result], [0, 0], color="#333333", linewidth=4, alpha=0.3, solid_capstyle="butt")
        axis.plot(guess, 0, "D", color=COLORS[1], markersize=10, label=f"your guess {rounded(guess)}")
    axis.plot(result, 0, "o", color=COLORS[0], markersize=10, label=f"result {rounded(result)}")
    axis.set_yticks([])
    axis.xaxis.set_major_locator(MaxNLocator(nbins=10, steps=[1, 2, 5, 10], integer=high - low >= 3))
    axis.spines[["left", "right", "top"]].set_visible(False)
    axis.set_xlabel(label)
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, 1.25), ncols=2, frameon=False)
    guessed = (
        "No guess was recorded" if guess is None else f"The guess {rounded(guess)} is marked by a diamond"
    )
    show(
        figure,
        f"A number line from {low:g} to {high:g} for the {label}. {guessed}; "
        f"a dot marks the result {rounded(result)}.",
    )
