/** The data of the shop: its products and their popularity. Replace it by your own. */
import type { ProductState } from "./generated/graphql.js";

/** The aliases of the products in `queries.graphql`. */
export const PRODUCTS = ["p1", "p2", "p3"] as const;
export type ProductKey = (typeof PRODUCTS)[number];

export interface ShopProduct {
  title: string;
  /** The shop's own score, independent of the segment. */
  popularity: number;
  /** In terms of `vocabulary { priceBands styles features attributes }`, or numbers for dimensions. */
  state: ProductState;
}

// Described in a similar way, by four to six terms each: a score covers only the dimensions that a product states.
export const SHOP: Record<ProductKey, ShopProduct> = {
  p1: {
    title: "market basket",
    popularity: 0.6,
    state: {
      styles: ["local", "artisanal"],
      features: ["community_made", "for_groups", "recommended_by_friends", "handmade"],
    },
  },
  p2: {
    title: "party game",
    popularity: 0.62,
    state: {
      price: "BUDGET",
      styles: ["festive", "local"],
      features: ["for_groups", "shareable", "recommended_by_friends"],
    },
  },
  p3: {
    title: "kayak tour",
    popularity: 0.64,
    state: { price: "MID", styles: ["outdoor", "sporty"], features: ["off_the_beaten_path"] },
  },
};
