"""pg_dump's custom, tar and directory formats as SQL text, by PostgreSQL's own pg_restore where it is installed."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Generator
from contextlib import ExitStack
from functools import partial
from tempfile import TemporaryFile
from typing import IO

from extexify.core.errors import printable
from extexify.sources.base import SourceError
from extexify.sources.streams import CHUNK, Limits, Packed, counted, seekable

PROGRAM = "pg_restore"


def restored(packed: Packed, form: str, limits: Limits, layer: int = 0) -> Generator[bytes]:
    """The data of a dump in one of the formats ("custom", "tar", "directory") as SQL text.

    Raises `SourceError` without pg_restore, or when it fails.
    """
    how = f"turn it into text where it was made, with `{PROGRAM} --file=dump.sql {shlex.quote(packed.name)}`"
    program = shutil.which(PROGRAM)
    if program is None:
        raise SourceError(
            f"{packed.name} is in pg_dump's {form} format, for which {PROGRAM} is needed: install PostgreSQL's client "
            f"programs here, or {how}"
        )
    with ExitStack() as stack:
        messages = stack.enter_context(TemporaryFile())
        command = [program, "--file=-", "--data-only"]
        standard_input: int | IO[bytes] = subprocess.DEVNULL
        if packed.path is not None:
            command.append(str(packed.path))
        else:
            standard_input = stack.enter_context(seekable(packed, limits, layer))
        process = stack.enter_context(
            subprocess.Popen(command, stdin=standard_input, stdout=subprocess.PIPE, stderr=messages)
        )
        stack.callback(process.kill)  # for a reader that leaves early
        assert process.stdout is not None
        yield from counted(iter(partial(process.stdout.read, CHUNK), b""), limits, layer)
        if process.wait():
            messages.seek(0)
            why = printable(messages.read(200).decode("utf-8", "replace").split("\n")[0].removeprefix("pg_restore: "))
            raise SourceError(
                f"{packed.name} is in pg_dump's {form} format, but {PROGRAM} can't read it ({why}): dump it again, or "
                f"{how}"
            )
