"""Quality of the starter drawings, measured by nearest-neighbour classification of real drawings, without training.

    python -m benchmarks.starter --dataset DIR [--each 40] [--queries 3000] [--seed 0]

For every query, a real drawing of the test split, symbols are ranked by their nearest drawing: cosine similarity of
24×24 pictures, blurred a little. The same ranking by the real training drawings is the upper limit. The generator's
parameters are chosen on --split validation.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from numpy.typing import NDArray

from benchmarks.data import add_dataset_option, open_dataset
from extexify.catalog.lookalikes import drawn_alike
from extexify.drawing.raster import preset, rasterize
from extexify.drawing.strokes import Drawings
from extexify.sources.rows import check_row
from extexify.sources.starter import StarterSource

SIZE = 24
WORST = 12  # number of symbols listed whose queries only the real drawings rank well


def main() -> None:
    """Rank the symbols for every query by starter and by real drawings, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_dataset_option(parser)
    parser.add_argument("--each", type=int, default=40, help="starter drawings of a symbol")
    parser.add_argument("--queries", type=int, default=3000)
    parser.add_argument("--split", default="test")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    dataset = open_dataset(options.dataset)
    queries = dataset.indices(options.split)
    queries = queries[np.linspace(0, len(queries) - 1, min(options.queries, len(queries))).astype(int)]
    labels = np.asarray(dataset.labels)
    pictures = _pictures(dataset.drawings.take(queries))
    training = dataset.indices("train")

    began = time.perf_counter()
    source = StarterSource(dataset.classes, options.each, options.seed)
    starter = Drawings.pack([check_row(row).drawing for row in source.rows()])
    seconds = time.perf_counter() - began
    print(f"{len(starter):,} starter drawings made and read in {seconds:.1f} s; {len(queries):,} queries\n")

    starter_pictures, starter_labels = _pictures(starter), np.repeat(np.arange(len(dataset.classes)), options.each)
    real_pictures = _pictures(dataset.drawings.take(training))
    collections = {
        "starter drawings": (starter_pictures, starter_labels),
        "real training drawings": (real_pictures, labels[training]),
        "both": (np.vstack([starter_pictures, real_pictures]), np.r_[starter_labels, labels[training]]),
    }
    alike = _look_alikes(dataset.classes)
    print("| nearest among | drawings | top 1 | top 5 | top 5 with look-alikes |")
    print("| --- | ---: | ---: | ---: | ---: |")
    hits = {}
    for name, (known, known_labels) in collections.items():
        best = _ranked(pictures, known, known_labels, len(dataset.classes))
        right = best == labels[queries][:, None]
        near = alike[best] == alike[labels[queries]][:, None]
        hits[name] = right.any(axis=1)
        top1, top5, top5_alike = right[:, 0].mean(), right.any(axis=1).mean(), near.any(axis=1).mean()
        print(f"| {name} | {len(known):,} | {top1:.1%} | {top5:.1%} | {top5_alike:.1%} |")
    missed = hits["real training drawings"].astype(int) - hits["starter drawings"]
    total = np.bincount(labels[queries], missed, minlength=len(dataset.classes))
    worst = np.argsort(-total, kind="stable")[:WORST]
    print("\nMissed most, compared to real ones: " + ", ".join(dataset.classes[label] for label in worst))


def _pictures(drawings: Drawings) -> NDArray[np.float32]:
    """Unit vectors float32 (N, SIZE²)."""
    images = rasterize(drawings, preset("default", size=SIZE, stroke_width=1.2), threads=1).astype(np.float32)
    for axis in (1, 2):
        ahead, behind = np.roll(images, 1, axis), np.roll(images, -1, axis)
        images = 0.5 * images + 0.25 * (ahead + behind)
    flat = images.reshape(len(images), -1)
    return flat / np.linalg.norm(flat, axis=1, keepdims=True)


def _look_alikes(classes: tuple[str, ...]) -> NDArray[np.int64]:
    """A number for each class, the same for those that are drawn alike."""
    numbers = {key: number for number, key in enumerate(classes)}
    return np.array(
        [min(numbers.get(key, number) for key in (own, *drawn_alike(own))) for number, own in enumerate(classes)]
    )


def _ranked(
    queries: NDArray[np.float32], known: NDArray[np.float32], labels: NDArray[np.integer], classes: int
) -> NDArray[np.int64]:
    """The five classes nearest to each query, (n, 5)."""
    order = np.argsort(labels, kind="stable")
    known, labels = known[order], np.asarray(labels)[order]
    starts = np.flatnonzero(np.r_[True, np.diff(labels) != 0])
    best = []
    for block in range(0, len(queries), 500):
        similarity = queries[block : block + 500] @ known.T
        by_class = np.full((len(similarity), classes), -1, np.float32)
        by_class[:, labels[starts]] = np.maximum.reduceat(similarity, starts, axis=1)
        best.append(np.argsort(-by_class, axis=1, kind="stable")[:, :5])
    return np.concatenate(best)


if __name__ == "__main__":
    main()
