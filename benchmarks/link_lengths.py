"""Links to drawings: their length, the changes of pictures and answers by the coding, and its time.

    python -m benchmarks.link_lengths [--source SOURCE] [--drawings 1000] [--model FILE]

Drawings are taken evenly from the whole source; by default from the starter drawings.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from extexify.drawing.link import decode, encode
from extexify.drawing.raster import rasterize
from extexify.drawing.strokes import BadDrawing, Drawing, Drawings
from extexify.model.answers import fold_look_alikes
from extexify.model.classifier import Classifier, Prediction
from extexify.sources.base import SourceError
from extexify.sources.open import open_source
from extexify.sources.rows import check_row
from extexify.workspace import paths


def main() -> None:
    """Make a link of every drawing, open it, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", default="starter:each=1", help="where the drawings come from")
    parser.add_argument("--drawings", type=int, default=1000)
    parser.add_argument("--model", type=Path, default=paths.default_model())
    options = parser.parse_args()
    try:
        known = list(_drawings(options.source))
    except SourceError as error:
        raise SystemExit(str(error)) from None
    chosen = np.linspace(0, len(known) - 1, min(options.drawings, len(known))).astype(int)
    sent = [known[index] for index in chosen]
    encode(sent[0])  # compiles the coder

    began = time.perf_counter()
    texts = [encode(drawing) for drawing in sent]
    encoded = time.perf_counter()
    back = [decode(text) for text in texts]
    decoded = time.perf_counter()

    lengths = np.array([len(text) for text in texts])
    print(f"{len(sent):,} drawings; {(encoded - began) / len(sent) * 1e3:.2f} ms to make a link's text, ", end="")
    print(f"{(decoded - encoded) / len(sent) * 1e3:.2f} ms to read it\n")
    print("| | median | 90 % | 99 % | most |")
    print("| --- | ---: | ---: | ---: | ---: |")
    _row("points drawn", _points(sent), "{:,.0f}")
    _row("points in the link", _points(back), "{:,.0f}")
    _row("characters", lengths, "{:,.0f}")
    plain = [json.dumps([stroke.round().astype(int).tolist() for stroke in one], separators=(",", ":")) for one in sent]
    _row("characters of strokes JSON, in whole pixels", np.array([len(text) for text in plain]), "{:,.0f}")

    classifier = Classifier.load(options.model)
    before, after = Drawings.pack(sent), Drawings.pack(back)
    change = np.abs(rasterize(after, classifier.raster).astype(int) - rasterize(before, classifier.raster))
    _row("change of the worst pixel, of 255", change.max(axis=(1, 2)), "{:.0f}")
    _row("change of the picture on average, of 255", change.mean(axis=(1, 2)), "{:.2f}")
    before_link, after_link = (np.concatenate(list(classifier.probabilities(drawings))) for drawings in (before, after))
    _row("change of any symbol's probability", np.abs(after_link - before_link).max(axis=1), "{:.3f}")

    again = np.mean([encode(one) == text for one, text in zip(back, texts, strict=True)])
    pairs = list(zip(before_link, after_link, strict=True))
    same_first = np.mean([one.argmax() == other.argmax() for one, other in pairs])
    same_answer = np.mean([_head(classifier, one) == _head(classifier, other) for one, other in pairs])
    same_best = np.mean([len(_best(one, 5) & _best(other, 5)) / 5 for one, other in pairs])
    print(f"\n{(lengths < 300).mean():.1%} of the texts are below 300 characters.")
    print(f"{again:.1%} of the drawings that were opened make the same link when they are sent on.")
    print(f"The first symbol is the same for {same_first:.1%}, the Draw page's first answer for {same_answer:.1%}.")
    print(f"Of the first five symbols, {same_best:.1%} are the same.")


def _drawings(address: str) -> list[Drawing]:
    """The usable drawings of a source."""
    found = []
    for row in open_source(address).rows():
        try:
            found.append(check_row(row).drawing)
        except BadDrawing:
            continue
    return found


def _points(drawings: list[Drawing]) -> NDArray[np.int64]:
    return np.array([sum(map(len, drawing)) for drawing in drawings])


def _row(name: str, values: NDArray[np.number], shown: str) -> None:
    cells = (shown.format(value) for value in np.percentile(values, [50, 90, 99, 100]))
    print(f"| {name} | {' | '.join(cells)} |")


def _best(probabilities: NDArray[np.float32], count: int) -> set[int]:
    return set(np.argsort(-probabilities, kind="stable")[:count].tolist())


def _head(classifier: Classifier, probabilities: NDArray[np.float32]) -> str:
    """The key of the first answer after folding look-alikes."""
    found = zip(classifier.classes, probabilities.tolist(), strict=True)
    return fold_look_alikes(Prediction(key, "", probability) for key, probability in found)[0].head.key


if __name__ == "__main__":
    main()
