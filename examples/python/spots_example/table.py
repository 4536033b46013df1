"""The ranking as text."""

from .ranking import WEIGHT, LeftOut, Ranking, Row
from .shop import ShopProduct


def table(ranking: Ranking, shop: dict[str, ShopProduct]) -> str:
    missing = {(entry.segment.alias, entry.product) for entry in ranking.left_out}
    lines = [["segment", "people", *(product.title for product in shop.values()), "first"]]
    for row in ranking.rows:
        people = "withheld" if row.size is None else f"{row.size.value} {row.size.quality.value}"
        cells = [cell(row, product, shop, (row.segment.alias, product) in missing) for product in shop]
        lines.append([row.segment.name, people, *cells, shop[row.order[0]].title])
    body = [*averages(ranking, shop), "", *columns(lines)]
    return "\n".join([*body, "", noise(ranking), "", *reasons(ranking.left_out, shop)])


def noise(ranking: Ranking) -> str:
    """How many differences are more than noise, and how many of those chance alone would produce."""
    chance = -(-ranking.scores // 20)
    return (
        f"{ranking.outside_noise} of {ranking.scores} scores differ from their product's average "
        f"by more than the noise; if none did in truth, about {chance} would by chance. "
        "The others are within the noise."
    )


def averages(ranking: Ranking, shop: dict[str, ShopProduct]) -> list[str]:
    lines = [
        f"blended = popularity x (1 + {WEIGHT} x distance of the score's interval from the product's average)"
    ]
    for product, average in ranking.averages.items():
        known = "unknown" if average is None else f"{average:.3f}"
        lines.append(f"  {shop[product].title}: average compatibility {known}")
    return lines


def cell(row: Row, product: str, shop: dict[str, ShopProduct], missing: bool) -> str:
    base = f"{shop[product].popularity:.3f}"
    return f"{base} no score" if missing else f"{base} -> {row.blended[product]:.3f}"


def columns(lines: list[list[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in lines]


def reasons(left_out: list[LeftOut], shop: dict[str, ShopProduct]) -> list[str]:
    """The missing scores, grouped if the cause is the same for several products of a segment."""
    groups: dict[str, list[str]] = {}
    for entry in left_out:
        reason = ", ".join(filter(None, [entry.code, entry.reason]))
        groups.setdefault(f"{entry.segment.name}: {reason}", []).append(shop[entry.product].title)
    return ["Left out:", *(f"  {group} ({', '.join(titles)})" for group, titles in groups.items())]
