"""The choice of a dataset's drawings to show: those of a symbol, or a random sample of all."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from extexify.catalog.symbols import load_catalog, symbol_for

_MULTIPLIER = 2_654_435_761  # spreads 1, 2, 3, … over the seeds


def pick_drawings(labels: NDArray[np.integer], classes: tuple[str, ...], count: int, *, key: str) -> NDArray[np.int64]:
    """Show a choice of a symbol and Shuffle; returns at most `count` positions in `labels`, the same until shuffled."""
    chosen, shuffle = st.container(horizontal=True, vertical_alignment="bottom", key=f"{key}-pick"), f"{key}-shuffle"
    with chosen:
        symbol = choose_symbol(classes, key=key)
        st.button("Shuffle", icon=":material/shuffle:", key=f"{key}-others", on_click=_increment, args=(shuffle,))
    candidates = np.arange(len(labels)) if symbol is None else np.flatnonzero(labels == classes.index(symbol))
    rng = np.random.default_rng(_MULTIPLIER * st.session_state.get(shuffle, 0))
    return np.sort(rng.choice(candidates, min(count, len(candidates)), replace=False))


def choose_symbol(classes: tuple[str, ...], *, key: str) -> str | None:
    """Show a searchable choice of one of the classes; None as long as nothing is chosen."""
    name = symbol_choice(key)
    if st.session_state.get(name) not in classes:
        st.session_state[name] = None  # a class of a previous dataset
    return st.selectbox(
        "Symbol",
        _by_title(classes),
        index=None,
        format_func=_title,
        key=name,
        placeholder="All: a random sample",
        persist_state="session",
    )


def symbol_choice(key: str) -> str:
    """The session state's key for the chosen symbol."""
    return f"{key}-symbol"


@lru_cache(maxsize=4)
def _by_title(classes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(classes, key=_title))


@lru_cache(maxsize=1 << 15)  # called for each class at every click
def _title(key: str) -> str:
    symbol = symbol_for(key)
    # Command and package are unique within the catalogue.
    return f"{symbol.command} · {symbol.package if key in load_catalog() else key}"


def _increment(name: str) -> None:
    st.session_state[name] = st.session_state.get(name, 0) + 1
