"""Sphinx: the pages are the repository's own Markdown, the reference its docstrings."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import relufast

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "relufast"
copyright = "The relufast developers"
version = release = relufast.__version__

# The sources' root is the repository's, so that a link that works on a code host works here.
root_doc = "docs/index"
include_patterns = ["docs/**", "bench/README.md", "bench/results/*.md", "CHANGELOG.md"]
exclude_patterns = ["docs/README.md"]  # which the first page includes

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
plot_formats = [("png", 150)]
plot_html_show_formats = plot_html_show_source_link = False
numpydoc_show_class_members = False
default_role = "code"

html_theme = "furo"
html_title = f"relufast {version}"

REFERENCE = Path(__file__).parent / "reference"


def check_reference(app: Sphinx) -> None:
    """A public name that no page of the reference names is an error."""
    pages = "".join(page.read_text() for page in REFERENCE.glob("*.rst"))
    documented = set(re.findall(r"^\.\. auto\w+:: (\w+)$", pages, flags=re.MULTILINE))
    missing = set(relufast.__all__) - documented - {"__version__", "statistics"}
    if missing:
        raise ValueError(f"docs/reference lacks {sorted(missing)}")


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
    app.connect("builder-inited", check_reference)
    app.connect("autodoc-process-docstring", escape_bars, priority=400)
