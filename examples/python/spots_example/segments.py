"""Which segments are asked about: parts of the people that do not overlap, composed from the vocabulary."""

from dataclasses import dataclass

from spots_api import AgeRange, ContextVocabulary, Fit, SegmentDefinition

# The aliases of the segments in `queries.graphql`: s01 to s20.
ALIASES = tuple(Fit.model_fields)

# Few and wide groups: the fewer people, the more noise. Whole age bands, so that none is widened into its neighbor.
AGES = {"18-24": (18, 24), "25-44": (25, 44), "45-64": (45, 64), "65+": (65, None)}


@dataclass(frozen=True)
class Segment:
    alias: str
    name: str
    definition: SegmentDefinition


def compose(vocabulary: ContextVocabulary) -> list[Segment]:
    """Regions x ages: no two of them are ever "too near", and a region pays for its own people only."""
    starts = {band.from_ for band in vocabulary.ageBands}
    ends = {band.to for band in vocabulary.ageBands}
    for name, (start, end) in AGES.items():
        if start not in starts or end not in ends:
            raise ValueError(f"The ages {name} are not whole age bands of this server.")
    pairs = [(region, age) for region in vocabulary.regions for age in AGES]
    if len(pairs) < len(ALIASES):
        raise ValueError(
            f"{len(vocabulary.regions)} regions make {len(pairs)} segments; the document asks {len(ALIASES)}."
        )
    return [
        Segment(alias, f"{region} {age}", definition(region, age))
        for alias, (region, age) in zip(ALIASES, pairs, strict=False)
    ]


def definition(region: str, age: str) -> SegmentDefinition:
    start, end = AGES[age]
    # What is not set is not sent: an open end stays open.
    ages = AgeRange(**{"from": start}) if end is None else AgeRange(**{"from": start, "to": end})
    return SegmentDefinition(regions=[region], age=ages)
