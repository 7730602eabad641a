"""Accuracy as the Draw page shows answers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extexify.catalog.frequency import estimated_count
from extexify.evaluation.page_metrics import PageCounter
from extexify.model.answers import Prediction, fold_look_alikes
from extexify.model.ranking import SHAPE, USAGE, Ranking

# Two groups of look-alikes, and others.
CLASSES = (
    "amsmath-OT1-_dotsb", "latex2e-OT1-_Sigma", "latex2e-OT1-_alpha", "latex2e-OT1-_cdots", "latex2e-OT1-_ldots",
    "latex2e-OT1-_sum", "latex2e-OT1-_times", "textcomp-OT1-_texttimes", "upgreek-OT1-_Upsigma", "wasysym-OT1-_clock",
)  # fmt: skip


@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.sampled_from([USAGE, SHAPE, Ranking(1.0, 0.0)]))
def test_they_agree_with_the_results_that_the_page_shows(seed: int, count: int, ranking: Ranking) -> None:
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet([0.3] * len(CLASSES), count).astype(np.float32)
    labels = rng.integers(0, len(CLASSES), count)
    counter = PageCounter(CLASSES, ranking)
    counter.add(probabilities[: count // 2], labels[: count // 2])
    counter.add(probabilities[count // 2 :], labels[count // 2 :])
    found: dict[str, list[list[bool]]] = {}
    for row, label in zip(ranking.apply(probabilities, CLASSES), labels, strict=True):
        predictions = [Prediction(key, "", float(share)) for key, share in zip(CLASSES, row, strict=True)]
        results = fold_look_alikes(predictions, ranking)
        heads = [result.head.key for result in results]
        members = [{member.key for member in result.members} for result in results]
        key = CLASSES[label]
        five = any(key in some for some in members[:5])
        found.setdefault(key, []).append([heads[0] == key, key in heads[:5], key in members[0], five])
    metrics = counter.metrics()
    everyone = np.concatenate(list(found.values()))
    asked = np.array([estimated_count(key) for key in found])
    by_symbol = np.array([np.mean(rows, 0) for rows in found.values()])
    names = ("first_head", "five_heads", "in_first", "in_five")
    for number, name in enumerate(names):
        assert getattr(metrics.uniform, name) == pytest.approx(everyone[:, number].mean())
        assert getattr(metrics.weighted, name) == pytest.approx(np.average(by_symbol[:, number], weights=asked))


def test_json_has_shares_of_1() -> None:
    counter = PageCounter(CLASSES, USAGE)
    assert set(counter.metrics().to_json()["uniform"].values()) == {0.0}
    counter.add(np.eye(len(CLASSES), dtype=np.float32), np.arange(len(CLASSES)))
    assert counter.metrics().to_json() == {
        name: {"first_head": 1.0, "five_heads": 1.0, "in_first": 1.0, "in_five": 1.0}
        for name in ("uniform", "weighted")
    }
