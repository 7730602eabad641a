"""The page that asks for drawings: the symbol, the canvas with Keep and Skip, the counts, and the choice of symbols."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from extexify.catalog.keys import OWN
from extexify.catalog.lookalikes import prints_alike
from extexify.catalog.symbols import symbol_summary
from extexify.contributions.requests import drawings_of_shape
from extexify.drawing.strokes import BadDrawing
from extexify.ui.collect.requests import Requests, packages
from extexify.ui.common.components import assets
from extexify.ui.common.frame import show_facts
from extexify.ui.common.text import escaped, sentence
from extexify.ui.draw.sketchpad import sketchpad, take_from_canvas

_REQUEST = st.components.v2.component(
    "extexify_request",
    html=assets("ui/collect/request.html"),
    css=assets("web/page.css", "ui/collect/request.css"),
    js=assets("web/page.js", "ui/collect/request.js"),
)

_ACTIONS = st.components.v2.component(
    "extexify_request_actions",
    html=assets("ui/collect/actions.html"),
    css=assets("ui/draw/action.css", "ui/collect/actions.css"),
    js=assets("web/page_keys.js", "ui/collect/actions.js"),
)

_SKETCH = "requested-sketch"

_STYLES = Path(__file__).with_suffix(".css")

_FEWEST, _CONFUSED = "Fewest drawings", "Most confused"


def show_requests(requests: Requests) -> None:
    """Show the symbol that is asked for, the canvas, and what was given."""
    st.html(_STYLES)
    with st.container(key="collect"):
        with st.container():
            _REQUEST(data=_request(requests), key="request")
        with st.container(key="collect-canvas"):
            _show_canvas(requests)
        with st.container():
            _show_counts(requests)
            _show_choice(requests)


def _show_canvas(requests: Requests) -> None:
    actions = {"keep": requests.keep, "skip": requests.skip}
    try:
        sketchpad(_SKETCH, commands=actions, go_back=requests.go_back if requests.can_go_back else None)
    except BadDrawing as error:
        st.warning(f"This drawing can't be read: {escaped(str(error))}. Clear the canvas and draw it again.")
    data = {"number": requests.number, "message": requests.message, "failed": requests.failed}
    _ACTIONS(data=data, key="request_actions")


def _request(requests: Requests) -> dict[str, object]:
    """The data of the request's component: the symbol, and how many drawings of it there are."""
    count = drawings_of_shape(requests.key, requests.drawings)
    drawings = {0: "No drawings here yet", 1: "1 drawing here so far"}.get(count, f"{count:,} drawings here so far")
    alike = ", look-alikes included" if count and prints_alike(requests.key) else ""
    return {
        "symbol": symbol_summary(requests.key),
        "drawings": "" if requests.uncounted else f"{drawings}{alike}",
    }


def _show_counts(requests: Requests) -> None:
    given = [count for count in requests.given.values() if count]
    show_facts([("Drawings of this visit", f"{sum(given):,}"), ("Symbols that gained", f"{len(given):,}")])
    if requests.uncounted:
        st.warning(sentence(requests.uncounted))


def _show_choice(requests: Requests) -> None:
    def choose() -> None:
        chosen = st.session_state["collect-package"]
        confused = st.session_state.get("collect-order") == _CONFUSED
        requests.choose(chosen, confused, take_from_canvas(_SKETCH))

    if requests.errors:
        st.segmented_control(
            "First",
            [_FEWEST, _CONFUSED],
            default=_CONFUSED if requests.most_confused else _FEWEST,
            required=True,
            key="collect-order",
            on_change=choose,
        )
    names = ("", *packages())
    st.selectbox(
        "Symbols of",
        names,
        index=names.index(requests.package),
        format_func=_package_name,
        key="collect-package",
        on_change=choose,
    )


def _package_name(package: str) -> str:
    return {"": "all packages", OWN: "my own", "latex2e": "LaTeX itself"}.get(package, package)
