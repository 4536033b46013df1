"""The toy ranking: the shop's own popularity, moved by what is certain about a segment."""

from dataclasses import dataclass

from spots_api import Fit, Quality, SegmentFitSize

from .client import ApiError
from .segments import Segment
from .shop import ShopProduct

# How far compatibility moves a product: 0.05 above its average is a fifth more.
WEIGHT = 4


@dataclass(frozen=True)
class Score:
    people: int
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class LeftOut:
    """Why there is no score: a code of the API, or its quality."""

    segment: Segment
    product: str
    code: str
    reason: str | None = None


@dataclass(frozen=True)
class Row:
    segment: Segment
    size: SegmentFitSize | None
    # The blended score of each product; the popularity itself where there is no score.
    blended: dict[str, float]
    # Products by blended score, best first.
    order: list[str]


@dataclass(frozen=True)
class Ranking:
    rows: list[Row]
    # Compatibility of each product over the segments that have a score; None if none has.
    averages: dict[str, float | None]
    scores: int
    left_out: list[LeftOut]


def lift(low: float, high: float, average: float) -> float:
    """How certain it is that a score is off the product's average: the distance of the nearer end of its interval, 0 if
    the interval holds the average. So noise alone moves nothing, and products that state different things can be
    compared."""
    if low > average:
        return low - average
    if high < average:
        return high - average
    return 0.0


def blend(popularity: float, score: Score | None, average: float | None) -> float:
    """A score that is missing is no score: the popularity stays as it is. It is not 0."""
    if score is None or average is None:
        return popularity
    return max(0.0, popularity * (1 + WEIGHT * lift(score.low, score.high, average)))


def rank(data: Fit, errors: list[ApiError], segments: list[Segment], shop: dict[str, ShopProduct]) -> Ranking:
    scores: dict[tuple[str, str], Score] = {}
    left_out: list[LeftOut] = []
    for segment in segments:
        told = getattr(data, segment.alias)
        for product in shop:
            fit = getattr(told, product)
            if fit is None or told.size is None:
                code, reason = why(errors, segment.alias, product if fit is None else "size")
                left_out.append(LeftOut(segment, product, code, reason))
            elif fit.score.quality == Quality.LOW:
                left_out.append(LeftOut(segment, product, "quality LOW"))
            else:
                interval = fit.score.interval95
                scores[segment.alias, product] = Score(told.size.value, fit.score.value, interval.low, interval.high)
    averages = {product: average([score for (_, of), score in scores.items() if of == product]) for product in shop}
    rows = []
    for segment in segments:
        blended = {
            product: blend(shop[product].popularity, scores.get((segment.alias, product)), averages[product])
            for product in shop
        }
        order = sorted(shop, key=lambda product: blended[product], reverse=True)
        rows.append(Row(segment, getattr(data, segment.alias).size, blended, order))
    return Ranking(rows, averages, len(scores), left_out)


def why(errors: list[ApiError], alias: str, field: str) -> tuple[str, str | None]:
    """The error beside a null. An answer holds at most 20 errors, so it may be missing: then nobody knows why."""
    for error in errors:
        if list(error.path[:2]) == [alias, field]:
            return error.code or "no code", error.extensions.get("reason")
    return "no error listed", None


def average(scores: list[Score]) -> float | None:
    """Over people, as the scores themselves are."""
    people = sum(score.people for score in scores)
    return sum(score.people * score.value for score in scores) / people if people else None
