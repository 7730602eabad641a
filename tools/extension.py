"""Build the browser extension: packages for Chrome and Firefox from one source.

python -m tools.extension           write dist/extexify-chrome.zip and dist/extexify-firefox.zip
python -m tools.extension --unpacked FOLDER  write Chrome's unpacked, to load it while working on it
"""

from __future__ import annotations

import argparse
import io
import json
import zipfile
from pathlib import Path
from typing import Any, Literal

from PIL import Image, ImageDraw

from extexify.model.offline import page_files
from extexify.workspace.files import atomic_file
from extexify.workspace.paths import SHIPPED_MODELS
from tools.dashboard import ROOT

Browser = Literal["chrome", "firefox"]
BROWSERS: tuple[Browser, ...] = ("chrome", "firefox")

SOURCE = ROOT / "extension"
DIST = ROOT / "dist"
SHIPPED = SHIPPED_MODELS / "extexify.onnx"
ICON = ROOT / "extexify" / "web" / "offline" / "icon-512.png"
ICON_SIDES = (16, 32, 48, 128)

FIREFOX_SETTINGS = {
    "gecko": {
        "id": "extexify@extexify.org",
        # The first version that reads data_collection_permissions; scripts in the page's world came with 128.
        "strict_min_version": "142.0",
        "data_collection_permissions": {"required": ["none"]},
    },
}

NOT_NEEDED = {
    "document_form.js",
    "files.json",
    "icon-192.png",
    "icon-512.png",
    "icon.svg",
    "index.d.ts",
    "index.html",
    "manifest.webmanifest",
    "package.json",
    "page.js",
    "served.js",
    "service_worker.js",
    "style.css",
}
"""Files of the offline page that are of no use to the extension."""

SYMBOLS = "symbols.data"
"""What symbols.json is called in the package: Firefox's store refuses JSON of more than 5 MB."""

DATE = (2020, 1, 1, 0, 0, 0)
"""The date of all files in a package, so that equal sources make equal packages."""


def manifest(browser: Browser) -> dict[str, Any]:
    """The extension's manifest for a browser."""
    described: dict[str, Any] = json.loads((SOURCE / "manifest.json").read_bytes())
    if browser == "firefox":
        del described["minimum_chrome_version"]
        background = described["background"]
        background["scripts"] = [background.pop("service_worker")]
        described["browser_specific_settings"] = FIREFOX_SETTINGS
        for resources in described["web_accessible_resources"]:
            del resources["use_dynamic_url"]
    return described


def files(browser: Browser) -> dict[str, bytes]:
    """The extension's files with the shipped model, by their paths within the package."""
    own = {
        path.relative_to(SOURCE).as_posix(): path.read_bytes()
        for path in SOURCE.rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }
    shared = {name: content for name, content in page_files(SHIPPED).items() if name not in NOT_NEEDED}
    shared[SYMBOLS] = shared.pop("symbols.json")
    shared["index.js"] = _replaced(shared["index.js"], '"symbols.json"', f'"{SYMBOLS}"')
    assert not own.keys() & shared.keys(), f"twice: {own.keys() & shared.keys()}"
    made = {f"icons/{side}.png": _icon(side) for side in ICON_SIDES}
    made["manifest.json"] = json.dumps(manifest(browser), indent=2).encode() + b"\n"
    return {**own, **shared, **made}


def _replaced(content: bytes, old: str, new: str) -> bytes:
    text = content.decode()
    assert text.count(old) == 1
    return text.replace(old, new).encode()


def _icon(side: int) -> bytes:
    packed = io.BytesIO()
    with Image.open(ICON) as opened:
        icon = opened.convert("RGBA")
    corners = Image.new("L", icon.size)
    ImageDraw.Draw(corners).rounded_rectangle((0, 0, *icon.size), icon.width // 4, fill=255)
    icon.putalpha(corners)
    icon.resize((side, side), Image.Resampling.LANCZOS).save(packed, "png", optimize=True)
    return packed.getvalue()


def build(folder: Path, browser: Browser = "chrome") -> None:
    """Write the unpacked extension into a folder."""
    for name, content in files(browser).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def package(browser: Browser) -> bytes:
    """The extension as the content of a ZIP file, the same for the same sources."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in sorted(files(browser).items()):
            entry = zipfile.ZipInfo(name, DATE)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return packed.getvalue()


def main() -> None:
    """Write the packages, or with --unpacked Chrome's as a folder."""
    parser = argparse.ArgumentParser(description="Build the browser extension.")
    parser.add_argument("--unpacked", type=Path, metavar="FOLDER", help="write Chrome's into this folder instead")
    unpacked = parser.parse_args().unpacked
    if unpacked:
        build(unpacked)
        return
    for browser in BROWSERS:
        path = DIST / f"extexify-{browser}.zip"
        with atomic_file(path) as temporary:
            temporary.write_bytes(package(browser))
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
