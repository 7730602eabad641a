"""The dashboard is killed while a job runs: the job continues, and the next dashboard shows its state."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from pathlib import Path
from random import Random

from extexify.dataset.dataset import Dataset
from extexify.workspace import jobs
from extexify.workspace.jobs import Job
from extexify.workspace.paths import dataset_folder
from tools.dashboard import Server, free_port, serving
from tools.faults.breakage import leftovers, require, using
from tools.faults.samples import write_dump
from tools.visitor import Visitor, run_apart

_TIMEOUT = 120.0  # seconds


def kill_servers(folder: Path, times: int, random: Random) -> Counter[str]:
    """Start a job from a page, kill the server at a random moment, and check what a new one on the same port shows.

    Every second time the job is killed as well, as in a power failure.
    """
    dump = write_dump(folder / "dump.sql", 50, 20)
    port = free_port()
    outcomes: Counter[str] = Counter()
    with using(folder):
        for number in range(times):
            with serving(folder, port=port) as server:
                job = run_apart(_export_from_the_page(server, dump))
                _halt(job)
                time.sleep(random.uniform(0, 0.5))
                server.process.kill()
                server.process.wait()
            with serving(folder, port=port) as server:
                run_apart(_expect(server, "running for"))
                if number % 2:
                    _send(job, signal.SIGKILL)
                    _wait(job)
                    run_apart(_expect(server, "was killed, ran out of memory, or the machine went down"))
                    outcomes["job killed, too: the page says so, the earlier dataset is intact"] += 1
                else:
                    _send(job, signal.SIGCONT)
                    _wait(job)
                    require(job.state == "done", f"the job is {job.state}: {job.error}")
                    run_apart(_expect(server, "finished in"))
                    outcomes["the job continued, and the page shows it"] += 1
            Dataset.open(dataset_folder())
            again = jobs.start("export", ["--source", str(dump)], title="Again", writes=["dataset"])
            _wait(again)
            require(again.state == "done", f"the retry failed: {again.error}")
            require(not leftovers(folder), f"left behind: {leftovers(folder)}")
    return outcomes


async def _export_from_the_page(server: Server, dump: Path) -> Job:
    async with Visitor(server.address, "export") as visitor:
        await visitor.choose("Where the drawings come from", "A file")
        await visitor.until(lambda: "Or a path on the server" in visitor.text, "the field for the path")
        await visitor.fill("Or a path on the server", str(dump))
        await visitor.until(lambda: visitor.offers("Export"), "a button that starts the export")
        await visitor.click("Export")
        await visitor.until(lambda: "running for" in visitor.text, "the job on the page")
    return jobs.running(["dataset"])[0]


async def _expect(server: Server, words: str) -> None:
    """Raise `Broken` unless the Export page shows these words in time."""
    async with Visitor(server.address, "export") as visitor:
        await visitor.until(lambda: words in visitor.text, f"“{words}” on the page")
        require(not visitor.failed, f"the page fails: {visitor.text}")


def _halt(job: Job) -> None:
    """Suspend the job, so that it still runs when the next server has started."""
    give_up = time.monotonic() + _TIMEOUT
    while job.process is None:
        require(time.monotonic() < give_up, "the job doesn't begin")
        time.sleep(0.01)
    _send(job, signal.SIGSTOP)


def _send(job: Job, number: signal.Signals) -> None:
    assert job.process is not None
    os.kill(job.process, number)


def _wait(job: Job) -> None:
    give_up = time.monotonic() + _TIMEOUT
    while job.state == "running":
        require(time.monotonic() < give_up, "the job hangs")
        time.sleep(0.02)
