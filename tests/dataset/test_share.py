"""Datasets as files for other programs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from extexify.core.errors import UserError
from extexify.dataset.dataset import Dataset
from extexify.dataset.export import export_dataset
from extexify.dataset.share import share_dataset
from extexify.sources.open import open_source
from tests.drawings import ListSource, sample_rows

NAMES = ("a.sql", "a.sql.gz", "a.jsonl", "a.jsonl.gz", "a.inkml", "a.inkml.gz", "a.parquet")


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    rows = sample_rows(classes=2, each=4)
    rows += [(900 + n, r"a<b>&\\\"ä".encode(), f"[[[{n}.1,-2.5e-3],[3,4]],[[1,2]]]".encode()) for n in range(4)]
    return export_dataset([ListSource(rows)], tmp_path / "dataset")


@pytest.mark.parametrize("name", NAMES)
def test_reading_the_file_back_gives_the_same_samples(tmp_path: Path, dataset: Dataset, name: str) -> None:
    path = tmp_path / name
    share_dataset(dataset, path)
    again = export_dataset([open_source(str(path))], tmp_path / "again")
    assert again.classes == dataset.classes
    order = np.argsort(dataset.ids)
    for place, sample in zip(np.argsort(again.ids).tolist(), order.tolist(), strict=True):
        assert again.ids[place] == dataset.ids[sample]
        assert again.labels[place] == dataset.labels[sample]
        assert again.split[place] == dataset.split[sample]
        one, other = again.drawings[place], dataset.drawings[sample]
        assert len(one) == len(other)
        assert all(map(np.array_equal, one, other))


@pytest.mark.parametrize("name", ["a", "a.csv", "a.gz", "a.parquet.gz"])
def test_the_name_says_the_format(tmp_path: Path, dataset: Dataset, name: str) -> None:
    with pytest.raises(UserError, match=r"no ending that says its format: use one of \.sql\[\.gz\]"):
        share_dataset(dataset, tmp_path / name)
    assert not (tmp_path / name).exists()
