"""The workspace's own symbols as further classes of a classifier."""

from __future__ import annotations

import hashlib
import weakref
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np

from extexify.catalog.own import OwnSymbol, own_symbols
from extexify.core.errors import UserError
from extexify.drawing.strokes import Drawing, Drawings
from extexify.model.background import Background, FeatureStatistics, fit_background
from extexify.model.classifier import Classifier
from extexify.model.own_classes import OwnClasses
from extexify.sources.own import drawings_of, glyph_drawings
from extexify.sources.starter import starter_drawings, symbols_with_skeletons
from extexify.workspace import paths
from extexify.workspace.files import StorageError, atomic_file, read_array

STARTERS = 8
"""Starter drawings of each of a network's symbols, by which its features are known."""

FEWEST = 100
"""Symbols that the features are known by at least."""

GLYPH_DRAWINGS = 16
"""Simulated drawings of a glyph."""

_backgrounds: weakref.WeakKeyDictionary[Classifier, Background] = weakref.WeakKeyDictionary()


def with_own_symbols(classifier: Classifier) -> Classifier:
    """A classifier that answers with the workspace's own symbols, too; the same one if there are none.

    Raises `StorageError` if the symbols can't be read.
    """
    return with_symbols(classifier, own_symbols())


def with_symbols(classifier: Classifier, symbols: Mapping[str, OwnSymbol]) -> Classifier:
    """A classifier that answers with some symbols, too, which it was not trained for; the same one for none."""
    examples = {key: _examples(symbol) for key, symbol in symbols.items() if key not in classifier.classes}
    if not examples:
        return classifier
    features = classifier.features(Drawings.pack([drawing for found, _ in examples.values() for drawing in found]))
    parts = np.split(features, np.cumsum([len(found) for found, _ in examples.values()])[:-1])
    by_key = {key: (part, count) for (key, (_, count)), part in zip(examples.items(), parts, strict=True)}
    return classifier.with_classes(OwnClasses(background_of(classifier), by_key, classifier.description.temperature))


def _examples(symbol: OwnSymbol) -> tuple[list[Drawing], float]:
    """Drawings of a symbol, simulated ones of its glyph without any, and the number of those by people."""
    drawings = drawings_of(symbol)
    if drawings:
        return drawings, float(len(drawings))
    return glyph_drawings(symbol, GLYPH_DRAWINGS), 0.0


def background_of(classifier: Classifier) -> Background:
    """How the features of a network's symbols are distributed: by its training drawings, or by starter drawings.

    The statistics of the latter are kept in the workspace, because they take seconds; the background, in memory.
    """
    if classifier.background is not None:
        return classifier.background
    if classifier not in _backgrounds:
        known = _known(classifier)
        probe = classifier.features(
            Drawings.pack([drawing for key in known[:8] for drawing in starter_drawings(key, 1)])
        )
        digest = hashlib.blake2b(f"{known} {STARTERS}".encode() + probe.astype(np.float16).tobytes(), digest_size=16)
        file = paths.features_folder() / f"{digest.hexdigest()}.npy"
        statistics = _read(file, len(known), probe.shape[1])
        if statistics is None:
            starters = Drawings.pack([drawing for key in known for drawing in starter_drawings(key, STARTERS)])
            labels = np.repeat(np.arange(len(known)), STARTERS)
            statistics = FeatureStatistics.of(classifier.features(starters), labels, len(known))
            _write(file, statistics)
        _backgrounds[classifier] = fit_background(statistics, None, "starters")
    return _backgrounds[classifier]


def _known(classifier: Classifier) -> list[str]:
    """The network's symbols with starter drawings; if these are few, other symbols of the catalogue besides."""
    drawn = symbols_with_skeletons()
    known = [key for key in classifier.classes if key in drawn]
    others = [key for key in drawn if key not in classifier.classes]
    return known + others[: max(FEWEST - len(known), 0)]


def _read(file: Path, classes: int, width: int) -> FeatureStatistics | None:
    """The statistics in a file: the means, then the squares. None if they have to be made anew."""
    try:
        rows = np.array(read_array(file, "float32", (width,)), np.float32)
    except StorageError:
        return None
    if len(rows) != classes + width or not np.isfinite(rows).all():
        return None
    return FeatureStatistics(np.full(classes, STARTERS), rows[:classes], rows[classes:].astype(np.float64))


def _write(file: Path, statistics: FeatureStatistics) -> None:
    # Where this user, or a visitor of a demo, may not write, they are made anew next time.
    with suppress(UserError), atomic_file(file) as temporary, temporary.open("wb") as opened:
        np.save(opened, np.concatenate([statistics.means, statistics.squares.astype(np.float32)]))
