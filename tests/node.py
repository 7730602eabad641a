"""Node.js, which Playwright brings, for tests of our JavaScript."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright._impl._driver import compute_driver_executable

NODE = compute_driver_executable()[0]
"""The program's path."""

Node = subprocess.Popen[str]


@contextmanager
def running(folder: Path, program: str, modules: Sequence[Path]) -> Iterator[Node]:
    """A process that runs a module in a folder, beside copies of others; it ends with its standard input."""
    for module in modules:
        (folder / module.name).write_bytes(module.read_bytes())
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "program.js").write_text(program)
    with subprocess.Popen(
        [NODE, "program.js"], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()
