/** The compatibility of a product: the total score, the score of each stated dimension, and the reasons. */
import { Rows, type Row } from "../charts/Rows";
import { UNIT } from "../charts/scale";
import { Tag } from "../charts/Figure";
import type { Series } from "../charts/series";
import { humanize } from "../model/format";

const THRESHOLDS = [0.6, 0.85];

export function Fit({ series }: { series: Series[] }) {
  const each = series.map(({ answer }) => answer.compatibility!);
  const rows: Row[] = [
    {
      key: "score",
      label: <strong>Score</strong>,
      hint: "all stated dimensions",
      scale: UNIT,
      thresholds: THRESHOLDS,
      cells: each.map(({ score }) => ({ measure: score })),
    },
    ...each[0]!.contributions.map(({ dimension, stated }) => ({
      key: dimension,
      label: humanize(dimension),
      hint: `alone; stated ${Number(stated.toFixed(3))}`,
      scale: UNIT,
      thresholds: THRESHOLDS,
      cells: each.map(({ contributions }) => {
        const same = contributions.find((one) => one.dimension === dimension);
        return same === undefined ? { text: "not stated" } : { measure: same.score };
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
        <p className="note">Ignored, because the vocabulary does not contain them: {ignored.join(", ")}.</p>
      ) : null}
    </>
  );
}
