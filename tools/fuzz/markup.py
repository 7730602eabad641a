"""What elements a piece of HTML makes."""

from __future__ import annotations

from html.parser import HTMLParser


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
