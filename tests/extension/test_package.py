"""The packages that `make extension` writes."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tools.extension import BROWSERS, SYMBOLS, Browser, build, manifest, package
from tools.overleaf import MODULES

VENDORED = "vendor/ort.wasm.bundle.min.mjs"
"""ONNX Runtime's JavaScript, whose warnings aren't ours."""


def test_the_extension_may_do_what_it_needs_and_nothing_else() -> None:
    for browser in BROWSERS:
        described = manifest(browser)
        assert described["permissions"] == ["scripting", "storage"]
        assert described["host_permissions"] == ["https://www.overleaf.com/*"]
        assert described["optional_host_permissions"] == ["https://*/*", "http://*/*"]
        assert "optional_permissions" not in described
        assert {tuple(scripts["matches"]) for scripts in described["content_scripts"]} == {
            ("https://www.overleaf.com/project/*",)
        }
        policy = described["content_security_policy"]
        rules = dict(rule.split(maxsplit=1) for rule in policy["extension_pages"].split("; "))
        assert rules["default-src"] == "'self'"  # no request to anywhere else
        assert rules["script-src"] == "'self' 'wasm-unsafe-eval'"
        assert rules.keys() == {"default-src", "script-src", "style-src", "object-src"}
        assert [shown["resources"] for shown in described["web_accessible_resources"]] == [["panel.html"]]


@pytest.mark.parametrize("browser", BROWSERS)
def test_a_package_is_complete_and_the_same_again(browser: Browser) -> None:
    packed = package(browser)
    assert packed == package(browser)
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        names = archive.namelist()
        assert names == sorted(names)
        assert {entry.date_time for entry in archive.infolist()} == {(2020, 1, 1, 0, 0, 0)}
        described: dict[str, Any] = json.loads(archive.read("manifest.json"))
        for size, name in described["icons"].items():
            with Image.open(io.BytesIO(archive.read(name))) as icon:
                assert icon.size == (int(size), int(size))
    background = described["background"]
    scripts = [name for scripts in described["content_scripts"] for name in scripts["js"]]
    named = [*scripts, *background.get("scripts", [background.get("service_worker")])]
    named += [described["options_ui"]["page"], "privacy.html", described["action"]["default_popup"]]
    assert {*named, "worker.js", "index.js", "model.onnx", SYMBOLS, "documents.json", VENDORED} <= set(names)
    assert not {"index.html", "service_worker.js", "page.js", "manifest.webmanifest"} & set(names)


def test_firefoxs_linter_warns_of_nothing_that_is_ours(tmp_path: Path) -> None:
    build(tmp_path, "firefox")
    program = [str(Path(sys.executable).parent / "node"), str(MODULES / "web-ext" / "bin" / "web-ext.js")]
    options = ["--source-dir", str(tmp_path), "--output", "json", "--no-config-discovery"]
    done = subprocess.run([*program, "lint", *options], capture_output=True, check=False)
    found = json.loads(done.stdout)
    assert found["errors"] == []
    ours = [one for one in found["warnings"] + found["notices"] if one.get("file") != VENDORED]
    assert ours == []
