"""τ, μ and λ_u on the images of one recorded step: which pass, how many are right, what the loss is.

The page is plain HTML. A table of a few settings is always there. Where the notebook is trusted, a script
adds three sliders, which need no kernel: they work the next day, and in a copy without Python.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from IPython.display import display

from course.figures.page import Table
from course.units.fixmatch.recorded import Step, load

MARK = "course-fixmatch-loss"
# (τ, μ, λ_u) of the table; the paper's own is the first.
SETTINGS = (
    (0.95, 7, 1.0),
    (0.0, 7, 1.0),
    (0.7, 7, 1.0),
    (0.99, 7, 1.0),
    (0.95, 1, 1.0),
    (0.95, 7, 0.0),
    (0.95, 7, 4.0),
)
# Name, least, greatest, step and first value of each slider.
SLIDERS = (("τ", 0, 1, 0.01, 0.95), ("μ", 1, 7, 1, 7), ("λ_u", 0, 10, 0.5, 1))
PER_LINE = 28  # images in a line of signs
PASSES_RIGHT, PASSES_WRONG, MASKED = "●", "✗", "·"
EXPLAINED = (
    f"A sign for each unlabeled image: {PASSES_RIGHT} counts and its pseudo-label is right, {PASSES_WRONG} "
    f"counts and is wrong, {MASKED} does not count."
)


def losses(step: Step, threshold: float, mu: int, weight: float) -> tuple[int, int, float, float]:
    """What a setting does to a recorded step.

    Args:
        step: the images; ``mu`` of them for each labeled one are used, the first ones.
        threshold: τ.
        mu: μ.
        weight: λ_u.

    Returns:
        how many images pass, how many of these have the right pseudo-label, L_u, and the total loss.
    """
    n = mu * step.labeled
    passes = step.confidence[:n] >= threshold
    unlabeled = float((passes * step.cross_entropy[:n]).mean())
    total = step.supervised + weight * unlabeled + step.weight_decay
    return int(passes.sum()), int((passes & step.right[:n]).sum()), unlabeled, total


class Page:
    """The sliders and the table.

    Args:
        step: a recorded step.
    """

    def __init__(self, step: Step) -> None:
        self.step = step
        rows = [self._row(*setting) for setting in SETTINGS]
        heads = ("τ", "μ", "λ_u", "images", "count", "right", "L_u", "total loss")
        self.table = Table(heads, rows, right=range(len(heads)))

    def _row(self, threshold: float, mu: int, weight: float) -> Sequence[str]:
        passes, right, unlabeled, total = losses(self.step, threshold, mu, weight)
        images = mu * self.step.labeled
        numbers = (f"{threshold:g}", f"{mu}", f"{weight:g}", f"{images}", f"{passes}", f"{right}")
        return (*numbers, f"{unlabeled:.3f}", f"{total:.3f}")

    def _repr_html_(self) -> str:
        step = self.step
        recorded = {
            "labeled": step.labeled,
            "supervised": step.supervised,
            "decay": step.weight_decay,
            "confidence": step.confidence.tolist(),
            "right": step.right.astype(int).tolist(),
            "entropy": step.cross_entropy.tolist(),
            "sliders": SLIDERS,
            "signs": [PASSES_RIGHT, PASSES_WRONG, MASKED],
            "line": PER_LINE,
            "explained": EXPLAINED,
        }
        script = _SCRIPT.replace("RECORDED", json.dumps(recorded, ensure_ascii=False)).replace("MARK", MARK)
        return (
            f'<div class="{MARK}" style="max-width:560px"></div>{self.table._repr_html_()}'
            f"<script>{script}</script>"
        )

    def __repr__(self) -> str:
        return repr(self.table)


def show() -> None:
    """Display the page for the recorded step."""
    display(Page(load()[1]))


_SCRIPT = """
(() => {
  const data = RECORDED;
  const make = (name, parent, text) => {
    const element = document.createElement(name);
    if (text) element.textContent = text;
    return parent.appendChild(element);
  };
  for (const page of document.querySelectorAll(".MARK")) {
    if (page.childElementCount) continue;
    const inputs = data.sliders.map(([name, least, most, step, first]) => {
      const label = make("label", page);
      label.style.cssText = "display:flex;align-items:center;gap:8px;margin:4px 0";
      make("span", label, name).style.width = "2em";
      const input = make("input", label);
      Object.assign(input, {type: "range", min: least, max: most, step: step, value: first});
      input.style.flex = "1";
      make("output", label).style.width = "3em";
      return input;
    });
    const said = make("p", page);
    said.setAttribute("role", "status");
    const shown = make("pre", page);
    shown.setAttribute("aria-hidden", "true");
    shown.style.cssText = "color:inherit;background:none;line-height:1.3;margin:4px 0;min-height:5.4em";
    make("p", page, data.explained);
    const update = () => {
      const [threshold, mu, weight] = inputs.map((input) => Number(input.value));
      for (const input of inputs) input.nextElementSibling.textContent = input.value;
      const n = mu * data.labeled;
      let passes = 0, right = 0, sum = 0, text = "";
      for (let i = 0; i < n; i++) {
        const counts = data.confidence[i] >= threshold;
        if (counts) { passes++; right += data.right[i]; sum += data.entropy[i]; }
        text += data.signs[counts ? (data.right[i] ? 0 : 1) : 2];
        if (i % data.line === data.line - 1) text += "\\n";
      }
      const unlabeled = sum / n;
      const total = data.supervised + weight * unlabeled + data.decay;
      shown.textContent = text;
      said.textContent = passes + " of " + n + " images count, " + right + " of these with the right " +
        "pseudo-label. L_u = " + unlabeled.toFixed(3) + ", total loss = L_s + λ_u L_u + weight decay = " +
        data.supervised.toFixed(3) + " + " + (weight * unlabeled).toFixed(3) + " + " + data.decay.toFixed(3) +
        " = " + total.toFixed(3);
    };
    for (const input of inputs) input.addEventListener("input", update);
    update();
  }
})();
"""
