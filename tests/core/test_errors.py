"""Messages are one line of printable text, whatever they are made of; and forms of JSON are checked to the bottom."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extexify.core.errors import MAX_MESSAGE, UserError, in_one_line, printable
from extexify.core.schema import Maybe, Named, check_form

FORM = {
    "name": str,
    "count": int,
    "part": float,
    "whole": bool,
    "classes": [str],
    "note": Maybe(str),
    "figures": Named({"top1": float}),
}

GOOD: dict[str, Any] = {
    "name": "é", "count": 3, "part": 1, "whole": True, "classes": ["a", "b"], "figures": {"test": {"top1": 0.5}},
}  # fmt: skip


@given(st.text(max_size=2000) | st.text("\n\t \x1b\u202e\ud800a", max_size=2000))
def test_any_message_becomes_one_printable_line(text: str) -> None:
    line = in_one_line(text)
    assert line.isprintable()
    assert len(line) <= MAX_MESSAGE
    line.encode()
    assert str(UserError(text)) == line
    assert len(printable(text)) == len(text)


def test_what_is_fine_already_stays() -> None:
    assert in_one_line("the file “é” – 数 – can't be read") == "the file “é” – 数 – can't be read"
    assert in_one_line("two\nlines") == "two lines"
    assert printable("a\u202eb\x00") == "a�b�"
    assert in_one_line(f"begin {'x' * 9000} end").startswith("begin xxx")
    assert in_one_line(f"begin {'x' * 9000} end").endswith("xxx end")


def test_a_form_is_checked() -> None:
    check_form(GOOD, FORM)
    check_form({**GOOD, "note": None, "more": object()}, FORM)
    check_form({**GOOD, "note": "x", "classes": (), "figures": {}}, FORM)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": 3}, "name is no printable text"),
        ({"name": "a\nb"}, "name is no printable text"),
        ({"name": "\ud800"}, "name is no printable text"),
        ({"name": "\u202eb"}, "name is no printable text"),
        ({"count": True}, "count is no whole number"),
        ({"count": 3.0}, "count is no whole number"),
        ({"count": 10**400}, "count is no whole number"),
        ({"count": None}, "count is no whole number"),
        ({"part": float("nan")}, "part is no number"),
        ({"part": float("inf")}, "part is no number"),
        ({"part": 10**400}, "part is no number"),
        ({"part": "1"}, "part is no number"),
        ({"whole": 1}, "whole is no yes or no"),
        ({"classes": "ab"}, "classes is no list"),
        ({"classes": ["a", 1]}, "entry 2 of classes is no printable text"),
        ({"note": 1}, "note is no printable text"),
        ({"figures": []}, "figures is no object"),
        ({"figures": {"test": {}}}, "figures.test has no top1"),
        ({"figures": {"te\0st": {"top1": 1}}}, "a name in figures is no printable text"),
    ],
)
def test_what_has_another_form_is_named(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check_form({**GOOD, **changes}, FORM)


def test_what_is_missing_is_named() -> None:
    with pytest.raises(ValueError, match="it has no count"):
        check_form({name: value for name, value in GOOD.items() if name != "count"}, FORM)
    with pytest.raises(ValueError, match="it is no object"):
        check_form([], FORM)
