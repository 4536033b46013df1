/** The ranking as text. */
import { WEIGHT, type LeftOut, type Ranking, type Row } from "./ranking.js";
import { PRODUCTS, type ProductKey, type ShopProduct } from "./shop.js";

export function table(ranking: Ranking, shop: Record<ProductKey, ShopProduct>): string {
  const missing = new Map(ranking.leftOut.map((entry) => [`${entry.segment.key} ${entry.product}`, entry]));
  const head = ["segment", "people", ...PRODUCTS.map((product) => shop[product].title), "first"];
  const rows = ranking.rows.map((row) => [
    row.segment.name,
    row.size === null ? "withheld" : `${row.size.value} ${row.size.quality}`,
    ...PRODUCTS.map((product) => cell(row, product, shop, missing.get(`${row.segment.key} ${product}`))),
    shop[row.order[0] ?? "p1"].title,
  ]);
  const body = [...averages(ranking, shop), "", ...columns([head, ...rows])];
  return [...body, "", noise(ranking), "", ...reasons(ranking.leftOut, shop)].join("\n");
}

/** How many differences are more than noise, and how many of those chance alone would produce. */
function noise({ scores, outsideNoise }: Ranking): string {
  const chance = Math.ceil(scores / 20);
  return (
    `${outsideNoise} of ${scores} scores differ from their product's average by more than the noise; ` +
    `if none did in truth, about ${chance} would by chance. The others are within the noise.`
  );
}

function averages(ranking: Ranking, shop: Record<ProductKey, ShopProduct>): string[] {
  return [
    `blended = popularity x (1 + ${WEIGHT} x distance of the score's interval from the product's average)`,
    ...PRODUCTS.map((product) => {
      const average = ranking.averages[product];
      const value = average === undefined ? "unknown" : average.toFixed(3);
      return `  ${shop[product].title}: average compatibility ${value}`;
    }),
  ];
}

function cell(
  row: Row,
  product: ProductKey,
  shop: Record<ProductKey, ShopProduct>,
  missing: LeftOut | undefined,
): string {
  const base = shop[product].popularity.toFixed(3);
  return missing === undefined ? `${base} -> ${row.blended[product].toFixed(3)}` : `${base} no score`;
}

function columns(rows: string[][]): string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows.map((row) =>
    row
      .map((text, column) => text.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

/** The missing scores, grouped if the cause is the same for several products of a segment. */
function reasons(leftOut: LeftOut[], shop: Record<ProductKey, ShopProduct>): string[] {
  const groups = new Map<string, string[]>();
  for (const { segment, product, code, reason } of leftOut) {
    const group = `${segment.name}: ${[code, reason].filter(Boolean).join(", ")}`;
    groups.set(group, [...(groups.get(group) ?? []), shop[product].title]);
  }
  return ["Left out:", ...[...groups].map(([group, titles]) => `  ${group} (${titles.join(", ")})`)];
}
