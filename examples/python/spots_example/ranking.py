"""An example ranking: the shop's own popularity, adjusted by the part of a segment's score that is certain."""

from dataclasses import dataclass

from spots_api import Fit, Quality, SegmentFitSize

from .client import ApiError
from .segments import Segment
from .shop import ShopProduct

# Weight of compatibility: 0.05 above the average of a product increases its score by a fifth.
WEIGHT = 4


@dataclass(frozen=True)
class Score:
    people: int
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class LeftOut:
    """The cause of a missing score: a code of the API, or its quality."""

    segment: Segment
    product: str
    code: str
    reason: str | None = None


@dataclass(frozen=True)
class Row:
    segment: Segment
    size: SegmentFitSize | None
    # The blended score of each product; the popularity itself if there is no score.
    blended: dict[str, float]
    # Products by blended score, best first.
    order: list[str]


@dataclass(frozen=True)
class Ranking:
    rows: list[Row]
    # Compatibility of each product over the segments that have a score; None if none has.
    averages: dict[str, float | None]
    scores: int
    # The scores whose interval does not contain the average of their product.
    outside_noise: int
    left_out: list[LeftOut]


def lift(low: float, high: float, average: float) -> float:
    """The certain part of a score's difference from the product's average: the distance of the nearer end of its
    interval, 0 if the interval contains the average. So noise alone changes nothing, and products that state different
    dimensions can be compared."""
    if low > average:
        return low - average
    if high < average:
        return high - average
    return 0.0


def blend(popularity: float, score: Score | None, average: float | None) -> float:
    """Without a score the popularity is not changed: a missing score is not 0."""
    if score is None or average is None:
        return popularity
    return max(0.0, popularity * (1 + WEIGHT * lift(score.low, score.high, average)))


def rank(data: Fit, errors: list[ApiError], segments: list[Segment], shop: dict[str, ShopProduct]) -> Ranking:
    scores: dict[tuple[str, str], Score] = {}
    left_out: list[LeftOut] = []
    for segment in segments:
        answer = getattr(data, segment.alias)
        for product in shop:
            fit = None if answer is None else getattr(answer, product)
            if fit is None or answer.size is None:
                code, reason = why(errors, segment.alias, product if fit is None else "size")
                left_out.append(LeftOut(segment, product, code, reason))
            elif fit.score.quality == Quality.LOW:
                left_out.append(LeftOut(segment, product, "quality LOW"))
            else:
                interval = fit.score.interval95
                scores[segment.alias, product] = Score(answer.size.value, fit.score.value, interval.low, interval.high)
    averages = {product: average([score for (_, of), score in scores.items() if of == product]) for product in shop}
    rows = []
    for segment in segments:
        blended = {
            product: blend(shop[product].popularity, scores.get((segment.alias, product)), averages[product])
            for product in shop
        }
        order = sorted(shop, key=lambda product: blended[product], reverse=True)
        answer = getattr(data, segment.alias)
        rows.append(Row(segment, None if answer is None else answer.size, blended, order))
    outside_noise = sum(outside(score, averages[product]) for (_, product), score in scores.items())
    return Ranking(rows, averages, len(scores), outside_noise, left_out)


def outside(score: Score, average: float | None) -> bool:
    return average is not None and lift(score.low, score.high, average) != 0


def why(errors: list[ApiError], alias: str, field: str) -> tuple[str, str | None]:
    """The error of a null. A response has at most 20 errors, so it may be missing: then the cause is unknown."""
    for error in errors:
        if list(error.path[:2]) in ([alias], [alias, field]):
            return error.code or "no code", error.extensions.get("reason")
    return "no error listed", None


def average(scores: list[Score]) -> float | None:
    """Weighted by people, as the scores themselves are."""
    people = sum(score.people for score in scores)
    return sum(score.people * score.value for score in scores) / people if people else None
