/** What the shop itself knows: its products, and how popular each is. Put your own here. */
import type { ProductState } from "./generated/graphql.js";

/** The aliases of the products in `queries.graphql`. */
export const PRODUCTS = ["p1", "p2", "p3"] as const;
export type ProductKey = (typeof PRODUCTS)[number];

export interface ShopProduct {
  title: string;
  /** The shop's own score, before anything is known about a segment. */
  popularity: number;
  /** In words of `vocabulary { priceBands styles features attributes }`, or numbers for dimensions. */
  state: ProductState;
}

// Described alike, by four to six words each: scores speak only of what a product states.
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
