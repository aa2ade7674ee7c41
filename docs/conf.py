"""Sphinx: the pages are the repository's own Markdown, the reference its docstrings."""

from __future__ import annotations

import re
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from cycler import cycler
from sphinx.util import logging

import relufast
from relufast.report import figures

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))  # draws the architecture

project = "relufast"
copyright = "The relufast developers"
version = release = relufast.__version__

# The sources' root is the repository's, so that a link that works on a code host works here.
root_doc = "docs/index"
include_patterns = ["docs/**", "bench/README.md", "bench/results/*.md", "[A-Z]*.md"]
exclude_patterns = ["README.md", "docs/README.md"]  # the latter is in the first page

extensions = [
    "matplotlib.sphinxext.plot_directive",
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.viewcode",
]
myst_heading_anchors = 3
autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings give types, with shapes
plot_formats = ["svg"]
# Without a ground of their own, so that one drawing does for light and for dark pages
# (docs/_static/figures.css); in the colours of the report.
plot_rcparams = {
    "savefig.transparent": True,
    "legend.frameon": False,
    "axes.prop_cycle": cycler(color=figures.SERIES),
}
plot_apply_rcparams = True
plot_html_show_formats = plot_html_show_source_link = False
numpydoc_show_class_members = False
default_role = "code"

html_theme = "furo"
html_title = f"relufast {version}"
html_static_path = ["_static"]
html_css_files = ["figures.css"]

PUBLIC = ("relufast", *(f"relufast.{m}" for m in ("datasets", "interop", "statistics", "torch")))


def check_reference(app: Sphinx, env: BuildEnvironment) -> None:
    """A public name that the rendered reference does not describe is a warning, and so an error."""
    described = {name for name, *_ in env.domains["py"].get_objects()}
    public = {f"{module}.{name}" for module in PUBLIC for name in import_module(module).__all__}
    missing = public - described - {"relufast.__version__"}
    if missing:
        logging.getLogger(__name__).warning("docs/reference lacks %s", sorted(missing))


def escape_bars(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Let |x| in a docstring be an absolute value, and not a substitution."""
    for i, line in enumerate(lines):
        if not line.lstrip().startswith((">>>", "...")):
            parts = re.split(r"(`+[^`]*`+)", line)
            parts[::2] = [part.replace("|", r"\|") for part in parts[::2]]
            lines[i] = "".join(parts)


def setup(app: Sphinx) -> None:
    app.connect("env-check-consistency", check_reference)
    app.connect("autodoc-process-docstring", escape_bars, priority=400)
