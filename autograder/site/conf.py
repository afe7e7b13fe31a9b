"""Sphinx's configuration; `python -m autograder.site` runs Sphinx with it."""

from pathlib import Path

from course.catalog import load_course

_about = load_course().about
assert _about is not None, "the pages have been made with it"

project = _about.title
language = "en"

extensions = ["myst_parser", "sphinx.ext.githubpages", "autograder.site.formulas"]
html_math_renderer = "mathml"
myst_enable_extensions = ["dollarmath"]
myst_dmath_allow_space = False
myst_dmath_double_inline = True
myst_heading_anchors = 4
nitpicky = True

html_theme = "furo"
html_title = _about.title
html_static_path = ["_static"]
html_favicon = "_static/icon.svg"
html_extra_path = ["_extra"] if Path(__file__).with_name("_extra").is_dir() else []
html_css_files = ["course.css"]
pygments_style = "a11y-light"
pygments_dark_style = "a11y-dark"
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_show_copyright = False
html_use_index = False
