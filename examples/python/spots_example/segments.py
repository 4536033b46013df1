"""The queried segments: disjoint parts of the people, composed from the vocabulary."""

from dataclasses import dataclass

from spots_api import AgeRange, ContextVocabulary, Fit, SegmentDefinition

# The aliases of the segments in `queries.graphql`: s01 to s20.
ALIASES = tuple(Fit.model_fields)

# Few and wide groups, because small groups have more relative noise. Whole age bands, so that none is widened.
AGES = {"18-24": (18, 24), "25-44": (25, 44), "45-64": (45, 64), "65+": (65, None)}


@dataclass(frozen=True)
class Segment:
    alias: str
    name: str
    definition: SegmentDefinition


def compose(vocabulary: ContextVocabulary) -> list[Segment]:
    """Regions x ages: no two of them overlap, and each region is charged for its own people only."""
    starts = {band.from_ for band in vocabulary.ageBands}
    ends = {band.to for band in vocabulary.ageBands}
    for name, (start, end) in AGES.items():
        if start not in starts or end not in ends:
            raise ValueError(f"The ages {name} are not whole age bands of this server.")
    pairs = [(region, age) for region in vocabulary.regions for age in AGES]
    if len(pairs) < len(ALIASES):
        raise ValueError(
            f"{len(vocabulary.regions)} regions make {len(pairs)} segments; the document queries {len(ALIASES)}."
        )
    return [
        Segment(alias, f"{region} {age}", definition(region, age))
        for alias, (region, age) in zip(ALIASES, pairs, strict=False)
    ]


def definition(region: str, age: str) -> SegmentDefinition:
    start, end = AGES[age]
    # A field that is not set is not sent, so the upper end remains open.
    ages = AgeRange(**{"from": start}) if end is None else AgeRange(**{"from": start, "to": end})
    return SegmentDefinition(regions=[region], age=ages)
