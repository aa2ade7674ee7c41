"""Sentences as HTML."""

from __future__ import annotations

import re

from markupsafe import Markup, escape


def prose(sentence: str) -> Markup:
    """Keep errors, percentages and fractions on one line; set x_l and x^(1/2) low and high."""
    unbroken = re.sub(r" (?=[±%])|(?<=±) ", "\N{NO-BREAK SPACE}", sentence)
    unbroken = re.sub(r"(?<=[\w)]/)(?=\S)", "\N{WORD JOINER}", unbroken)
    # Of names with one letter: those with more are Python's.
    low = re.sub(r"\b([^\W\d_])_([^\W²]{1,2})(?=²|\b)", r"\1<sub>\2</sub>", str(escape(unbroken)))
    return Markup(re.sub(r"\^(?:\(([^()]+)\)|(\w+))", r"<sup>\1\2</sup>", low))


def caption(sentence: str) -> Markup:
    """Panels are side by side on wide screens, and one above the other on narrow ones."""
    both = '<span class="beside">{}</span><span class="below">{}</span>'
    text = str(prose(sentence))
    for beside, below in (("Left", "Above"), ("Right", "Below")):
        text = re.sub(rf"\b{beside}\b", both.format(beside, below), text)
    return Markup(text)
