"""The moderation list: drawings that visitors of a public demo sent, to be accepted or rejected."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import streamlit as st

from extexify.catalog.symbols import symbol_for, symbol_summary
from extexify.contributions.moderation import ModerationList, PendingDrawing
from extexify.contributions.store import count_contributions, open_store, store_description
from extexify.core.errors import UserError
from extexify.drawing.strokes import Drawings
from extexify.ui.common.components import assets
from extexify.ui.common.errors import show_error
from extexify.ui.common.pictures import ink_url, pictures
from extexify.ui.common.text import percentage, sentence
from extexify.workspace.paths import moderation_file

_COMPONENT = st.components.v2.component(
    "extexify_moderation",
    html=assets("ui/contributions/moderation.html"),
    css=assets("ui/common/tiles.css", "ui/contributions/moderation.css"),
    js=assets("web/page.js", "ui/contributions/moderation.js"),
)

SHOWN = 60
"""Drawings that are shown at a time, the oldest first."""

_PROBLEM = "moderation-problem"


def show_moderation() -> None:
    """Show the drawings that wait, and how many have been accepted so far."""
    if problem := st.session_state.pop(_PROBLEM, ""):
        st.error(sentence(problem), icon=":material/error:")
    waiting = ModerationList(moderation_file())
    try:
        count, offers, accepted = waiting.count(), waiting.pending(SHOWN), count_contributions()
    except UserError as error:
        show_error(error)
        return
    if offers:
        more = f" The {len(offers)} that have waited longest are shown." if count > len(offers) else ""
        st.caption(f"{count:,} {'drawings wait' if count != 1 else 'drawing waits'}.{more}")
        _show(offers)
    else:
        with st.container(border=True, key="welcome"):
            st.markdown("**Nothing waits.** What visitors name on the Draw page comes here first.")
            st.page_link("pages/draw.py", label="Open Draw", icon=":material/draw:")
    many = f"{accepted:,} drawing{'' if accepted == 1 else 's'}"
    st.caption(f"{many} named on the Draw page and saved in {store_description()}: a source of the next export.")


def _show(offers: list[PendingDrawing]) -> None:
    images = pictures(Drawings.pack(offer.drawing for offer in offers))
    shown = {offer.id for offer in offers}

    def decide() -> None:
        _decide(st.session_state["moderation"].decide, shown)

    tiles = [{**_tile(offer), "url": ink_url(image)} for offer, image in zip(offers, images, strict=True)]
    _COMPONENT(data={"offers": tiles}, key="moderation", on_decide_change=decide)


def _tile(offer: PendingDrawing) -> dict[str, Any]:
    """What the component shows of a drawing, besides its picture."""
    return {
        "id": offer.id,
        "symbol": symbol_summary(offer.key),
        "answers": [
            {"command": symbol_for(key).command, "percent": percentage(probability), "same": key == offer.key}
            for key, probability in offer.predictions
        ],
        "model": offer.model,
        "when": f"{offer.when.day} {offer.when:%b, %H:%M}",
    }


def _decide(decision: object, shown: Collection[int]) -> None:
    """Accept or reject the drawings that the browser names, among those that were shown."""
    match decision:
        case {"accept": bool(accept), "ids": list(ids)}:
            numbers = [number for number in ids if isinstance(number, int) and number in shown]
        case _:
            return
    waiting = ModerationList(moderation_file())
    try:
        if accept:
            done, how = waiting.accept(numbers, open_store()), "accepted"
        else:
            done, how = waiting.reject(numbers), "rejected"
    except UserError as error:
        st.session_state[_PROBLEM] = str(error)
    else:
        st.toast(f"{done:,} {how}.", icon=":material/check_circle:")
