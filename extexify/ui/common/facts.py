"""A few figures with their names, side by side."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

import streamlit as st

_STYLE = """
<style>
.stHtml .facts { display: flex; flex-wrap: wrap; gap: 0.7rem 1.9rem; }
.stHtml .facts, .stHtml .facts dt, .stHtml .facts dd { margin: 0; padding: 0; }
.facts div { min-width: 0; }
.facts dt { font-size: 0.8rem; font-weight: 400; opacity: 0.75; }
.facts dd { font-size: 1.3rem; line-height: 1.3; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
.facts.small dd { font-size: 0.95rem; line-height: 1.45; }
</style>
"""


def show_facts(facts: Iterable[tuple[str, str]], *, small: bool = False) -> None:
    """Show names and values, both as plain text; those without a value are left out."""
    st.html(as_html(facts, small=small))


def as_html(facts: Iterable[tuple[str, str]], *, small: bool = False) -> str:
    """The same as HTML."""
    items = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in facts if value)
    return f'{_STYLE}<dl class="facts{" small" if small else ""}">{items}</dl>'
