"""Dates, sizes, percentages and datasets as the Models page writes them."""

from __future__ import annotations

import time
from datetime import datetime

from extexify.ui.common.datasets import current_dataset
from extexify.workspace.files import StorageError


def date_and_size(date: float, size: int) -> str:
    """A date (seconds since 1970) and a size (bytes), for a line of a list."""
    return f"{date_text(date)} · {size_text(size)}"


def date_text(date: float) -> str:
    """A date in seconds since 1970: the time of day if it is today, else the day."""
    moment = datetime.fromtimestamp(date)
    if time.time() - date < 24 * 3600 and moment.date() == datetime.now().date():
        return f"today, {moment:%H:%M}"
    return f"{moment:%Y-%m-%d}"


def size_text(size: int) -> str:
    """A size in bytes, in kB or MB."""
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.1f} kB"


def percent(value: float | None) -> str:
    """A part (0 to 1) in percent; empty for None."""
    return "" if value is None else f"{value:.1%}"


def dataset_name(content_hash: str) -> str:
    """A dataset of this hash: whether it is the present one, else the first digits of the hash."""
    try:
        present = current_dataset()
    except StorageError:
        present = None
    if present is not None and present.content_hash == content_hash:
        return "the present one"
    return content_hash[:8]
