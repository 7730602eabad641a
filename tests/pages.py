"""Pages of the dashboard without a browser, and the background jobs that they start and show."""

from __future__ import annotations

import io
import json
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Html

from extexify.cli import parser
from extexify.core.processes import ProcessIdentity, machine_id
from extexify.ui.common import job_panel
from extexify.workspace import jobs, paths
from extexify.workspace.files import write_json
from extexify.workspace.jobs import Job
from tests.demo import ROOT, as_served

_PARTS = iter(range(1, 10**6))


def open_page(name: str, **parameters: str | list[str]) -> AppTest:
    """A visit that begins at a page's own address, with query parameters."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    for parameter, value in parameters.items():
        app.query_params[parameter] = value
    with as_served():
        return app.switch_page(f"pages/{name}.py").run()


def rerun(app: AppTest) -> AppTest:
    """Run the page with the widgets' new values. Fails if the page ends in an exception."""
    with as_served():
        app.run()
    assert not app.exception
    return app


def texts(app: AppTest) -> str:
    """All texts of a page: titles, paragraphs, captions, alerts, metrics, HTML and labels of expanders and links."""
    kinds = (app.title, app.header, app.subheader, app.markdown, app.caption, app.error, app.warning, app.info)
    found: list[str] = [element.value for kind in (*kinds, app.success, app.toast) for element in kind]
    found += [element.value for element in app.get("html") if isinstance(element, Html)]
    found += [f"{metric.label}: {metric.value}" for metric in app.metric]
    found += [expander.label for expander in app.expander]
    found += [link.proto.label for link in app.get("page_link")]
    return "\n".join(found).replace("\\", "").replace("\N{WORD JOINER}", "")


def errors(app: AppTest) -> str:
    """The texts of a page's error messages, without Markdown's escapes."""
    return "\n".join(error.value for error in app.error).replace("\\", "").replace("\N{WORD JOINER}", "")


def component(app: AppTest, key: str) -> Any:
    """The data that a component of ours was last sent."""
    (found,) = (element for element in app.get("bidi_component") if element.proto.id.endswith(f"-{key}"))
    return json.loads(found.proto.json)


def ink(url: str) -> NDArray[np.uint8]:
    """The picture (H, W) in a URL of `extexify.ui.common.pictures`: ink 255."""
    import base64

    return np.array(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))))[..., 1]


@dataclass
class StartedJob:
    """A job as a page started it."""

    kind: str
    arguments: tuple[str, ...]
    title: str
    writes: tuple[str, ...]
    secrets: Mapping[str, str]
    folder: Path

    def run(self) -> None:
        """Run the job's command in this process; the job then counts as ended."""
        output, log = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.secrets.items():
                patch.setenv(name, value)
            with redirect_stdout(output), redirect_stderr(log):
                code = parser.main([self.kind, *self.arguments, "--json"])
        end_job(self.folder, code, output=output.getvalue(), log=log.getvalue())


@dataclass
class StartedJobs:
    """Stands in for `jobs.start`. A started job counts as running until it is run or ended."""

    jobs: list[StartedJob] = field(default_factory=list)

    def start(
        self,
        kind: str,
        arguments: Sequence[str],
        *,
        title: str,
        writes: Sequence[str] = (),
        secrets: Mapping[str, str] | None = None,
    ) -> Job:
        folder = write_job(paths.jobs_folder(), kind, title=title, arguments=arguments, writes=writes)
        self.jobs.append(StartedJob(kind, tuple(arguments), title, tuple(writes), dict(secrets or {}), folder))
        job = jobs.find(folder.name)
        assert job is not None
        return job

    @property
    def last(self) -> StartedJob:
        return self.jobs[-1]

    def is_running(self, job: Job) -> bool:
        return any(started.folder == job.folder for started in self.jobs) and not (job.folder / "end.json").exists()


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> StartedJobs:
    """The jobs that pages start; they run when a test says so, in the test's own process."""
    stub = StartedJobs()
    state = Job.state.fget  # type: ignore[attr-defined]
    monkeypatch.setattr(jobs, "start", stub.start)
    monkeypatch.setattr(Job, "state", property(lambda job: "running" if stub.is_running(job) else state(job)))
    assert job_panel.jobs is jobs
    return stub


def write_job(
    jobs_folder: Path, kind: str, *, title: str, arguments: Sequence[str] = (), writes: Sequence[str] = ()
) -> Path:
    """Write the folder of a job that has begun just now; without an end and a process, it counts as killed."""
    name = f"{time.strftime('%Y%m%d-%H%M%S')}-{next(_PARTS) % 1000:03d}-{kind}-0123abcd"
    folder = jobs_folder / name
    job = {
        "kind": kind, "title": title, "arguments": list(arguments), "writes": list(writes), "began": time.time(),
        "clock": time.monotonic(), "boot": "",
    }  # fmt: skip
    write_json(folder / "job.json", job)
    (folder / "lock").write_bytes(b"")
    ended = ProcessIdentity(machine_id(), pid=2**31 - 1, started=1.0)  # beyond the largest pid of any system
    write_json(folder / "process.json", asdict(ended))
    return folder


def end_job(folder: Path, code: int, *, error: str = "", output: str = "", log: str = "", ago: float = 0.0) -> None:
    """Write what a job leaves when it ends, so many seconds ago."""
    (folder / "output.json").write_text(output)
    (folder / "log.txt").write_text(log)
    write_json(folder / "end.json", {"code": code, "time": time.time() - ago, "seconds": 3.0, "error": error})
    os.utime(folder)
