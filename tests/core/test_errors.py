"""Any error message becomes one line of printable text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from extexify.core.errors import MAX_MESSAGE, UserError, in_one_line, printable


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
