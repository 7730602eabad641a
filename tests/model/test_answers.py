"""Folding look-alikes into results."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extexify.catalog.lookalikes import drawn_alike
from extexify.catalog.symbols import load_catalog, symbol_for
from extexify.model.answers import commonness, fold_look_alikes
from extexify.model.classifier import Prediction

# Symbols with look-alikes as often as without, and keys that no catalogue knows.
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
def test_every_prediction_is_in_one_result_and_no_probability_is_lost(predictions: list[Prediction]) -> None:
    results = fold_look_alikes(predictions)
    members = [member for result in results for member in result.members]
    assert sorted(members, key=lambda one: one.key) == sorted(predictions, key=lambda one: one.key)
    assert sum(result.probability for result in results) == pytest.approx(sum(one.probability for one in predictions))


@given(PREDICTIONS)
def test_results_go_from_probable_to_improbable_and_members_from_common_to_rare(predictions: list[Prediction]) -> None:
    results = fold_look_alikes(predictions)
    assert [result.probability for result in results] == sorted((one.probability for one in results), reverse=True)
    for result in results:
        ranked = [member.probability * commonness(member.key) for member in result.members]
        assert ranked == sorted(ranked, reverse=True)
        assert result.head == result.members[0]


@given(PREDICTIONS)
def test_exactly_what_is_drawn_alike_is_together(predictions: list[Prediction]) -> None:
    result_of = {
        member.key: number for number, result in enumerate(fold_look_alikes(predictions)) for member in result.members
    }
    for one in result_of:
        for other in result_of:
            alike = one == other or other in drawn_alike(one)
            assert (result_of[one] == result_of[other]) is alike


def test_two_look_alikes_beat_one_symbol_that_is_more_probable_than_each() -> None:
    sigma, total, alpha = "latex2e-OT1-_Sigma", "latex2e-OT1-_sum", "latex2e-OT1-_alpha"
    results = fold_look_alikes([prediction(alpha, 0.4), prediction(sigma, 0.25), prediction(total, 0.35)])
    assert [[member.key for member in result.members] for result in results] == [[total, sigma], [alpha]]
    assert results[0].probability == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("command", "probable", "others"),
    [
        # The common command, what the model finds more probable, and what else is drawn like them.
        ("latex2e-OT1-_times", "textcomp-OT1-_texttimes", ()),
        ("latex2e-OT1-_sum", "upgreek-OT1-_Upsigma", ("latex2e-OT1-_Sigma",)),
        ("latex2e-OT1-_lambda", "amssymb-OT1-_leftthreetimes", ("tipa-OT1-_textlambda", "upgreek-OT1-_uplambda")),
        ("latex2e-OT1-_ni", "amssymb-OT1-_backepsilon", ()),
        ("amssymb-OT1-_gg", "latex2e-T1-_guillemotright", ()),
        ("amssymb-OT1-_circledR", "latex2e-OT1-_textregistered", ("textcomp-OT1-_textregistered",)),
        ("latex2e-OT1-_textless", "tipa-OT1-_textlptr", ()),
        ("latex2e-OT1-_dagger", "marvosym-OT1-_Cross", ("latex2e-OT1-_textdagger",)),
    ],
)
def test_the_common_command_leads_what_is_drawn_alike(command: str, probable: str, others: tuple[str, ...]) -> None:
    given = [prediction(command, 0.2), prediction(probable, 0.5), *(prediction(key, 0.1) for key in others)]
    (result,) = fold_look_alikes(given)
    assert result.head.key == command
    assert {member.key for member in result.members} == {command, probable, *others}


def test_among_commands_equally_common_the_probable_one_leads() -> None:
    sigma, total = "latex2e-OT1-_Sigma", "latex2e-OT1-_sum"
    for first, second in ((sigma, total), (total, sigma)):
        (result,) = fold_look_alikes([prediction(first, 0.6), prediction(second, 0.4)])
        assert result.head.key == first


def test_a_drawing_that_the_model_is_sure_of_stays_what_it_is() -> None:
    script, real = "mathrsfs-OT1-_mathscr{R}", "latex2e-OT1-_Re"
    (result,) = fold_look_alikes([prediction(script, 0.97), prediction(real, 0.01)])
    assert result.head.key == script


def test_nothing_gives_nothing() -> None:
    assert fold_look_alikes([]) == []
