"""Folding look-alikes into results."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extexify.catalog.lookalikes import drawn_alike
from extexify.catalog.symbols import load_catalog, symbol_for
from extexify.model.answers import fold_look_alikes
from extexify.model.classifier import Prediction
from extexify.model.ranking import USAGE

# Symbols with look-alikes as often as without, and keys that aren't in the catalogue.
KEYS = st.sampled_from(sorted(load_catalog())) | st.sampled_from(
    sorted(key for key in load_catalog() if drawn_alike(key))
)
UNKNOWN = st.text(max_size=20)


def prediction(key: str, probability: float) -> Prediction:
    return Prediction(key, symbol_for(key).command, probability)


PREDICTIONS = st.dictionaries(KEYS | UNKNOWN, st.floats(0, 1), max_size=60).map(
    lambda probabilities: [prediction(key, probability) for key, probability in probabilities.items()]
)


@given(PREDICTIONS)
def test_predictions_of_symbols_that_are_drawn_alike_are_one_result(predictions: list[Prediction]) -> None:
    results = fold_look_alikes(predictions)
    # Every prediction is in one result, and no probability is lost.
    members = [member for result in results for member in result.members]
    assert sorted(members, key=lambda one: one.key) == sorted(predictions, key=lambda one: one.key)
    assert sum(result.probability for result in results) == pytest.approx(sum(one.probability for one in predictions))
    # Results are sorted by probability, their members also by how usual they are.
    assert [result.probability for result in results] == sorted((one.probability for one in results), reverse=True)
    for result in results:
        ranked = [member.probability * USAGE.weight_among_alike(member.key) for member in result.members]
        assert ranked == sorted(ranked, reverse=True)
        assert result.head == result.members[0]
    # Exactly those that are drawn alike are together.
    result_of = {member.key: number for number, result in enumerate(results) for member in result.members}
    for one, other in combinations(result_of, 2):
        assert (result_of[one] == result_of[other]) is (other in drawn_alike(one))


def test_two_look_alikes_beat_one_symbol_that_is_more_probable_than_each() -> None:
    sigma, total, alpha = "latex2e-OT1-_Sigma", "latex2e-OT1-_sum", "latex2e-OT1-_alpha"
    results = fold_look_alikes([prediction(alpha, 0.4), prediction(sigma, 0.25), prediction(total, 0.35)])
    assert [[member.key for member in result.members] for result in results] == [[total, sigma], [alpha]]
    assert results[0].probability == pytest.approx(0.6)


def test_the_common_command_is_first_of_what_is_drawn_alike() -> None:
    # The common command, one that the model finds more probable, and others that are drawn like them.
    cases: list[tuple[str, str, tuple[str, ...]]] = [
        ("latex2e-OT1-_times", "textcomp-OT1-_texttimes", ()),
        ("latex2e-OT1-_sum", "upgreek-OT1-_Upsigma", ("latex2e-OT1-_Sigma",)),
        ("latex2e-OT1-_lambda", "amssymb-OT1-_leftthreetimes", ("tipa-OT1-_textlambda", "upgreek-OT1-_uplambda")),
        ("latex2e-OT1-_ni", "amssymb-OT1-_backepsilon", ()),
        ("amssymb-OT1-_gg", "latex2e-T1-_guillemotright", ()),
        ("latex2e-OT1-_textregistered", "amssymb-OT1-_circledR", ("textcomp-OT1-_textregistered",)),
        ("latex2e-OT1-_textless", "tipa-OT1-_textlptr", ()),
    ]
    for command, probable, others in cases:
        shape = [(command, 0.3), (probable, 0.4), *((key, 0.1) for key in others)]
        (result,) = fold_look_alikes([prediction(key, share * USAGE.weight(key)) for key, share in shape])
        assert result.head.key == command
        assert {member.key for member in result.members} == {command, probable, *others}


def test_of_equally_common_commands_the_more_probable_is_first() -> None:
    small, large = "MnSymbol-OT1-_tbigcapdot", "MnSymbol-OT1-_dbigcapdot"
    for first, second in ((small, large), (large, small)):
        (result,) = fold_look_alikes([prediction(first, 0.6), prediction(second, 0.4)])
        assert result.head.key == first


def test_a_much_more_probable_symbol_is_first_though_rare() -> None:
    script, real = "mathrsfs-OT1-_mathscr{R}", "latex2e-OT1-_Re"
    (result,) = fold_look_alikes([prediction(script, 0.97), prediction(real, 0.01)])
    assert result.head.key == script


def test_a_result_in_another_order_is_headed_by_the_first_of_it() -> None:
    (result,) = fold_look_alikes([prediction("latex2e-OT1-_Sigma", 0.6), prediction("latex2e-OT1-_sum", 0.4)])
    other = result.others[-1]
    ordered = result.in_order([other, *(key for key in result.keys if key != other)])
    assert (ordered.head.key, ordered.head.probability) == (other, 0.0)
    assert (ordered.probability, set(ordered.keys)) == (result.probability, set(result.keys))
    assert [member["key"] for member in ordered.to_json()["members"]] == list(ordered.keys)
    assert ordered.in_order(result.keys).head == result.head


def test_no_predictions_give_no_results() -> None:
    assert fold_look_alikes([]) == []
