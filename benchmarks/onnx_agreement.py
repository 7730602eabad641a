"""Whether an exported ONNX file answers as PyTorch does, on drawings of a source.

    PYTHONPATH=. python benchmarks/onnx_agreement.py [--source detexify.sql.gz] [--count 1000] [MODEL]

The file is written as `export-onnx` does, and opened as any program would: class order, settings and temperature come
from its metadata. The drawings are spread over the source; without --source they are made up.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from benchmarks.pytorch_answers import PyTorchClassifier
from extexify.drawing.inputs import model_inputs
from extexify.drawing.raster import RasterSettings
from extexify.drawing.resample import SequenceSettings
from extexify.drawing.strokes import BadDrawing, Drawing, Drawings
from extexify.model.offline import write_onnx
from extexify.sources.open import open_source
from extexify.sources.rows import check_row
from extexify.workspace import paths

TOPS = (1, 5, 10)


def main() -> None:
    """Print how many drawings have the same answers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, nargs="?", metavar="MODEL", help="default: the one that answers")
    parser.add_argument("--source", default="starter:each=1", help="a dump, a database, …")
    parser.add_argument("--count", type=int, default=1000)
    options = parser.parse_args()
    model = options.model or paths.default_model()
    drawings = some_drawings(options.source, options.count)
    with tempfile.TemporaryDirectory() as folder:
        write_onnx(model, Path(folder) / "model.onnx")
        found = softmax(*logits_of_file(Path(folder) / "model.onnx", drawings))
    pytorch = PyTorchClassifier(model)
    wanted = softmax(pytorch.logits(drawings), pytorch.description.temperature)
    print("| same answers in the same order | drawings | of |")
    print("| --- | ---: | ---: |")
    for top in TOPS:
        same = (np.argsort(-found, 1)[:, :top] == np.argsort(-wanted, 1)[:, :top]).all(1)
        print(f"| first {top} | {same.sum():,} | {len(drawings):,} |")
    print(f"\nNo probability differs by more than {np.abs(found - wanted).max():.1e}.")


def some_drawings(address: str, count: int) -> Drawings:
    """Up to `count` usable drawings, spread evenly over a source."""
    drawings: list[Drawing] = []
    for row in open_source(address).rows():
        try:
            drawings.append(check_row(row).drawing)
        except BadDrawing:
            continue
    chosen = np.linspace(0, len(drawings) - 1, min(count, len(drawings))).astype(int)
    return Drawings.pack(drawings[number] for number in chosen)


def logits_of_file(path: Path, drawings: Drawings) -> tuple[NDArray[np.float32], float]:
    """Logits (n, classes) by what the file says of itself, and its temperature."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    description = json.loads(session.get_modelmeta().custom_metadata_map["extexify"])
    sequence = SequenceSettings.from_json(description["sequence"]) if "sequence" in description else None
    inputs = model_inputs(drawings, RasterSettings.from_json(description["raster"]), sequence)._asdict()
    (logits,) = session.run(None, {value.name: inputs[value.name] for value in session.get_inputs()})
    found: NDArray[np.float32] = logits
    return found, float(description["temperature"])


def softmax(logits: NDArray[np.float32], temperature: float) -> NDArray[np.float64]:
    """Probabilities (n, classes)."""
    scaled = logits.astype(np.float64) / temperature
    exponentials = np.exp(scaled - scaled.max(1, keepdims=True))
    probabilities: NDArray[np.float64] = exponentials / exponentials.sum(1, keepdims=True)
    return probabilities


if __name__ == "__main__":
    main()
