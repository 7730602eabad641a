"""The server's log: what reaches it from elsewhere stays short, and within one line."""

from __future__ import annotations

import io
import logging
import threading
import warnings
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from extexify.ui.server import log

FORGED = "x\n2026-01-01 operator signed in\r\x1b[2K\u2028y\u202e\x85z\ud800"

ESCAPED = r"x\n2026-01-01 operator signed in\r\x1b[2K\u2028y\u202e\x85z\ud800"

ANY = st.text(st.characters(), max_size=200)  # surrogates, too


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What a logger without any set-up of ours writes, with our records."""
    monkeypatch.setattr(log, "_repeats", log.Repeats())
    before = logging.getLogRecordFactory()
    logging.setLogRecordFactory(log.LogRecord)
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    logger = logging.getLogger("other")
    logger.addHandler(handler)
    logger.propagate = False
    yield stream
    logger.removeHandler(handler)
    logging.setLogRecordFactory(before)


OTHER = logging.getLogger("other")


@given(ANY | st.builds(lambda text, times: text * times, ANY, st.integers(0, 1_000)))
@example(FORGED)
@example("\U000e0001" * 5_000)
def test_any_text_is_one_short_line(text: str) -> None:
    line = log.one_line(text)
    assert line.isprintable()
    assert len(line) <= log.MAX_MESSAGE + 60
    if text.isprintable() and len(text) <= log.MAX_MESSAGE:
        assert line == text


def test_text_from_elsewhere_forges_no_line_in_any_way(written: io.StringIO) -> None:
    OTHER.warning(FORGED)
    OTHER.warning("about %s", FORGED)
    OTHER.warning("about %(it)s", {"it": FORGED})
    OTHER.warning(ValueError(FORGED))
    lines = written.getvalue().split("\n")
    assert lines == [f"WARNING {text}" for text in (ESCAPED, f"about {ESCAPED}", f"about {ESCAPED}", ESCAPED)] + [""]


def test_megabytes_become_a_line(written: io.StringIO) -> None:
    OTHER.warning("no %s here", "fragment\n" * 600_000)
    assert len(written.getvalue()) < log.MAX_MESSAGE + 200
    assert written.getvalue().count("\n") == 1


@given(message=ANY, note=ANY)
@example(FORGED, FORGED)
@example('  File "x"\nforged', '  File "x"\nforged')
def test_a_traceback_says_where_and_forges_no_line(message: str, note: str) -> None:
    try:
        try:
            raise ValueError(message)
        except ValueError as error:
            error.add_note(note)
            raise ExceptionGroup(message, [error, OSError(message)]) from error
    except ExceptionGroup as error:
        text = log.traceback_text(error)
    lines = text.split("\n")
    assert all(line.startswith("  ") and line.isprintable() for line in lines)
    assert sum("test_log.py" in line for line in lines) >= 2
    assert any(line.startswith("  ValueError") for line in lines)
    assert len(text) <= log.MAX_TRACEBACK + 60


def test_a_message_in_a_traceback_is_one_line_of_it(written: io.StringIO) -> None:
    try:
        raise ValueError(FORGED)
    except ValueError:
        OTHER.exception("Uncaught app execution")
    lines = written.getvalue().split("\n")
    assert lines[0] == "ERROR Uncaught app execution"
    assert lines[-2:] == [f"  ValueError: {ESCAPED}", ""]


def fail(error: Exception) -> None:
    try:
        raise error
    except Exception:
        OTHER.exception("failed")


def test_repeats_are_counted_and_no_other_message_is_lost(
    written: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(log.time, "monotonic", lambda: now)
    for turn in range(2):
        for number in range(5 * log.MAX_REPEATS):
            OTHER.info("below the level, not counted %s", number)
            OTHER.warning("flood %s", number)
        # Another fault at the same place in the code.
        fail(KeyError() if turn else ValueError())
        now += log.PERIOD
    lines = written.getvalue().split("\n")
    assert sum("flood" in line for line in lines) == 2 * log.MAX_REPEATS
    left_out = [line for line in lines if "left out" in line]
    assert left_out == [f"WARNING flood 0 ({4 * log.MAX_REPEATS} messages from this place were left out before)"]
    assert "  ValueError" in lines
    assert "  KeyError" in lines


def test_warnings_and_exceptions_of_threads_are_log_messages(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(log, "_repeats", log.Repeats())
    before = logging.getLogRecordFactory(), threading.excepthook, log.sys.unraisablehook
    root = logging.getLogger()
    handlers, root.handlers = root.handlers, []
    try:
        log.install()
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            logging.captureWarnings(True)
            warnings.warn(FORGED, stacklevel=1)

        def thread() -> None:
            raise ValueError(FORGED)

        running = threading.Thread(target=thread, name="a\nb")
        running.start()
        running.join()
    finally:
        root.handlers = handlers
        logging.captureWarnings(False)
        logging.setLogRecordFactory(before[0])
        threading.excepthook, log.sys.unraisablehook = before[1:]
        assert logging.lastResort is not None
        logging.lastResort.setFormatter(None)
    lines = capsys.readouterr().err.split("\n")
    assert any(f"UserWarning: {ESCAPED}" in line for line in lines)
    assert any(line.endswith(r"Unexpected error in the thread a\nb") for line in lines)
    assert f"  ValueError: {ESCAPED}" in lines
