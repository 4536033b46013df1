/** How well a product suits the people: the score, each stated dimension alone, and why in words. */
import { Rows, type Row } from "../charts/Rows";
import { UNIT } from "../charts/scale";
import { Tag } from "../charts/Figure";
import type { Series } from "../charts/series";
import { words } from "../model/format";

const LINES = [0.6, 0.85];

export function Fit({ series }: { series: Series[] }) {
  const each = series.map(({ answer }) => answer.compatibility!);
  const rows: Row[] = [
    {
      key: "score",
      label: <strong>Score</strong>,
      hint: "all that is stated",
      scale: UNIT,
      lines: LINES,
      cells: each.map(({ score }) => ({ measure: score })),
    },
    ...each[0]!.contributions.map(({ dimension, stated }) => ({
      key: dimension,
      label: words(dimension),
      hint: `alone; stated ${Number(stated.toFixed(3))}`,
      scale: UNIT,
      lines: LINES,
      cells: each.map(({ contributions }) => {
        const same = contributions.find((one) => one.dimension === dimension);
        return same === undefined ? { words: "not stated" } : { measure: same.score };
      }),
    })),
  ];
  const ignored = each[0]!.ignored;
  return (
    <>
      <Rows
        caption="Compatibility of the product"
        heads={["Compatibility", "Picture", "Value, 95 % interval"]}
        rows={rows}
        series={series}
        kind="dot"
        shared={UNIT}
      />
      {each.map(({ reasons }, n) => (
        <p key={n} className="reasons">
          {series.length > 1 ? <Tag tag={series[n]!.tag} /> : null} {reasons.join(" ")}
        </p>
      ))}
      {ignored.length > 0 ? (
        <p className="note">Words that the vocabulary does not hold, ignored: {ignored.join(", ")}.</p>
      ) : null}
    </>
  );
}
