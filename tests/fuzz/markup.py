"""The elements that HTML makes, and what pages may show."""

from __future__ import annotations

from html.parser import HTMLParser

from streamlit.testing.v1 import AppTest

from tests.fuzz.harness import Fault

PAGES = ("draw", "symbols", "collect", "export", "render", "train", "evaluate", "models")

_TAGS = {"style", "dl", "dt", "dd", "div", "span", "i", "ol", "ul", "li", "p", "br", "b", "code", "small"}
"""The elements that our own HTML is made of."""


def tags_of(html: str) -> list[tuple[str, list[str]]]:
    """The elements of a piece of HTML, in order, with the names of their attributes."""
    parser = _Parser()
    parser.feed(html)
    parser.close()
    return parser.found


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, list[str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, [name for name, _ in attrs]))


def check_page(app: AppTest) -> None:
    """Raise `Fault` when a page shows an exception, or elements that our own HTML doesn't have."""
    for problem in app.exception:
        raise Fault(f"{problem.message}: {' '.join(problem.stack_trace)[-600:]}")
    for element in app.get("html"):
        for tag, attributes in tags_of(element.proto.body):
            if tag not in _TAGS or not {*attributes} <= {"class", "style", "role"}:
                raise Fault(f"the page has an element {tag} with {attributes}")
