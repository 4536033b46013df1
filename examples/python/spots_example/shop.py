"""The data of the shop: its products and their popularity. Replace it by your own."""

from dataclasses import dataclass

from spots_api import PriceBand, ProductState


@dataclass(frozen=True)
class ShopProduct:
    title: str
    # The shop's own score, independent of the segment.
    popularity: float
    # In terms of `vocabulary { priceBands styles features attributes }`, or numbers for dimensions.
    state: ProductState


# By the aliases of `queries.graphql`. Described in a similar way, by four to six terms each: a score covers only the
# dimensions that a product states.
SHOP = {
    "p1": ShopProduct(
        title="market basket",
        popularity=0.6,
        state=ProductState(
            styles=["local", "artisanal"],
            features=["community_made", "for_groups", "recommended_by_friends", "handmade"],
        ),
    ),
    "p2": ShopProduct(
        title="party game",
        popularity=0.62,
        state=ProductState(
            price=PriceBand.BUDGET,
            styles=["festive", "local"],
            features=["for_groups", "shareable", "recommended_by_friends"],
        ),
    ),
    "p3": ShopProduct(
        title="kayak tour",
        popularity=0.64,
        state=ProductState(price=PriceBand.MID, styles=["outdoor", "sporty"], features=["off_the_beaten_path"]),
    ),
}
