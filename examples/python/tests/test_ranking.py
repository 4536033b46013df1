"""Blending, and the treatment of nulls and their errors."""

from typing import Any

import pytest

from spots_api import ContextVocabulary, Fit
from spots_example.client import ApiError
from spots_example.ranking import WEIGHT, Score, blend, lift, rank
from spots_example.segments import ALIASES, compose
from spots_example.shop import SHOP
from spots_example.table import table

BANDS = [(18, 24), (25, 34), (35, 44), (45, 54), (55, 64), (65, None)]


def vocabulary(regions: str = "abcdef", bands: list[tuple[int, int | None]] = BANDS) -> ContextVocabulary:
    age_bands = [{"from": start, "to": end} for start, end in bands]
    return ContextVocabulary.model_validate({"regions": list(regions), "ageBands": age_bands})


SEGMENTS = compose(vocabulary())
NOTHING = {"size": None, "p1": None, "p2": None, "p3": None}


def fit(value: float, half: float, quality: str = "OK") -> dict[str, Any]:
    interval = {"low": value - half, "high": value + half}
    release = {"id": "x", "epoch": "2026-W22"}
    return {"score": {"value": value, "interval95": interval, "quality": quality}, "ignored": [], "release": release}


def answer(**changes: dict[str, Any]) -> Fit:
    """Identical segments of 1,000 people with scores of 0.7 within 0.02, except for the changes."""
    alike = {
        "size": {"value": 1000, "quality": "HIGH"},
        "p1": fit(0.7, 0.02),
        "p2": fit(0.7, 0.02),
        "p3": fit(0.7, 0.02),
    }
    return Fit.model_validate({alias: alike | changes.get(alias, {}) for alias in ALIASES})


def refused(alias: str, field: str, reason: str = "BELOW_THRESHOLD") -> ApiError:
    return ApiError("No.", [alias, field], {"code": "INSUFFICIENT_DATA", "reason": reason})


def test_twenty_segments_that_differ_one_for_each_alias() -> None:
    assert [segment.alias for segment in SEGMENTS] == list(ALIASES)
    sent = [segment.definition.model_dump(by_alias=True, exclude_unset=True) for segment in SEGMENTS]
    assert sent[0] == {"regions": ["a"], "age": {"from": 18, "to": 24}}
    assert sent[19] == {"regions": ["e"], "age": {"from": 65}}
    assert len({str(definition) for definition in sent}) == 20


def test_too_few_regions_or_other_age_bands_are_said_and_not_asked() -> None:
    with pytest.raises(ValueError, match="2 regions make 8 segments"):
        compose(vocabulary("ab"))
    with pytest.raises(ValueError, match="18-24"):
        compose(vocabulary(bands=[(18, None)]))


def test_only_what_is_certain_lifts_the_nearer_end_of_the_interval() -> None:
    assert lift(0.7, 0.8, 0.6) == 0.7 - 0.6
    assert lift(0.4, 0.5, 0.6) == 0.5 - 0.6
    assert lift(0.5, 0.7, 0.6) == 0


def test_blending_moves_the_popularity_never_below_0_and_leaves_it_without_a_score() -> None:
    score = Score(1, 0.75, 0.7, 0.8)
    assert blend(0.5, score, 0.6) == pytest.approx(0.5 * (1 + WEIGHT * 0.1))
    assert blend(0.5, Score(1, 0, 0, 0), 1) == 0
    assert blend(0.5, None, 0.6) == 0.5
    assert blend(0.5, score, None) == 0.5


def test_a_segment_that_is_certainly_above_the_average_changes_the_order_there_and_only_there() -> None:
    ranking = rank(answer(s05={"p1": fit(0.9, 0.02)}), [], SEGMENTS, SHOP)
    assert ranking.averages["p1"] == pytest.approx((19 * 0.7 + 0.9) / 20)
    assert ranking.rows[4].order[0] == "p1"
    # By the low end of the interval, 0.88, over the average, 0.71.
    assert ranking.rows[4].blended["p1"] == pytest.approx(SHOP["p1"].popularity * (1 + WEIGHT * (0.88 - 0.71)))
    assert ranking.rows[0].order == ["p3", "p2", "p1"]
    assert ranking.scores == 60
    assert ranking.outside_noise == 1
    assert ranking.left_out == []


def test_a_segment_that_is_null_as_a_whole_is_left_out_and_the_others_are_ranked() -> None:
    data = answer().model_copy(update={"s03": None})
    ranking = rank(data, [ApiError("No.", ["s03"], {"code": "BAD_USER_INPUT"})], SEGMENTS, SHOP)
    assert ranking.rows[2].size is None
    assert ranking.scores == 57
    assert [entry.code for entry in ranking.left_out] == ["BAD_USER_INPUT"] * 3


def test_averages_are_over_people() -> None:
    changes: dict[str, dict[str, Any]] = {alias: {"p2": None} for alias in ALIASES}
    changes["s01"] = {"size": {"value": 3000, "quality": "HIGH"}, "p2": fit(0.6, 0.01)}
    changes["s02"] = {"p2": fit(0.8, 0.01)}
    assert rank(answer(**changes), [], SEGMENTS, SHOP).averages["p2"] == pytest.approx(0.65)


def test_a_null_is_no_score_with_its_code_and_reason_and_the_rest_is_ranked() -> None:
    errors = [refused("s03", field) for field in ("size", "p1", "p2", "p3")]
    ranking = rank(answer(s03=NOTHING), errors, SEGMENTS, SHOP)
    assert ranking.scores == 57
    left_out = [(entry.segment.alias, entry.product, entry.code, entry.reason) for entry in ranking.left_out]
    assert left_out == [("s03", product, "INSUFFICIENT_DATA", "BELOW_THRESHOLD") for product in SHOP]
    assert ranking.rows[2].blended["p1"] == SHOP["p1"].popularity
    line = "a 45-64: INSUFFICIENT_DATA, BELOW_THRESHOLD (market basket, party game, kayak tour)"
    assert line in table(ranking, SHOP)


def test_a_score_of_quality_low_counts_nothing_not_even_in_the_average() -> None:
    ranking = rank(answer(s01={"p3": fit(0.1, 0.09, "LOW")}), [], SEGMENTS, SHOP)
    assert ranking.averages["p3"] == pytest.approx(0.7)
    assert ranking.rows[0].blended["p3"] == SHOP["p3"].popularity
    assert [entry.code for entry in ranking.left_out] == ["quality LOW"]


def test_a_null_whose_error_is_not_among_the_twenty_listed_ones_is_not_explained() -> None:
    ranking = rank(answer(s01={"p2": None}), [refused("s02", "p2")], SEGMENTS, SHOP)
    assert [entry.code for entry in ranking.left_out] == ["no error listed"]


def test_without_any_score_the_ranking_is_the_popularity() -> None:
    ranking = rank(answer(**{alias: NOTHING for alias in ALIASES}), [], SEGMENTS, SHOP)
    assert ranking.scores == 0
    assert len(ranking.left_out) == 60
    assert set(ranking.averages.values()) == {None}
    assert all(row.blended == {"p1": 0.6, "p2": 0.62, "p3": 0.64} for row in ranking.rows)
