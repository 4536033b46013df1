/** Pictures of single numbers, each with its own scale. */
import { Rows, type Row } from "../charts/Rows";
import { asNumber, asPercent, asPerMille, fromZero, ticked, UNIT, type Scale } from "../charts/scale";
import { cellAt, errorOf, type Cell, type Series } from "../charts/series";
import { CellErrors, Tag } from "../charts/Figure";
import type { Behavior, Measure, Network } from "../model/answer";

const SHARE: Scale = { ...UNIT, format: asPercent };

/** Maximum number of counted visits per person and window (`docs/partner.md`). */
const VISIT_CAP = { DAYS_7: 10, DAYS_28: 30, DAYS_84: 60 };

/** A scale from 0 for numbers without a fixed maximum: to the highest interval end, and at least to `minimum`. */
function openScale(cells: Cell[], minimum: number, format = asNumber): Scale {
  const highs = cells.map((cell) => ("measure" in cell ? cell.measure.interval95.high : 0));
  return fromZero(Math.max(minimum, ...highs), format);
}

export function Habits({ series }: { series: Series[] }) {
  const cells = (field: keyof Behavior) =>
    series.map((one) => cellAt(one, ["behavior", field], one.answer.behavior![field] as Measure | null));
  const events = cells("communityEngagement");
  const cap = VISIT_CAP[series[0]!.answer.behavior!.release.window.length];
  const rows: Row[] = [
    {
      key: "visitsPerPerson",
      label: "Visits per person",
      hint: `in the window; at most ${cap} are counted`,
      scale: ticked([0, cap / 2, cap]),
      thresholds: [cap / 10, cap / 3],
      cells: cells("visitsPerPerson"),
    },
    {
      key: "averageDwellMinutes",
      label: "Mean length of stay",
      hint: "minutes; at most 120 are counted",
      scale: ticked([0, 30, 60, 90, 120]),
      thresholds: [30, 60],
      cells: cells("averageDwellMinutes"),
    },
    {
      key: "returnVisitRate",
      label: "Return visits",
      hint: "to a place that the person visited before",
      scale: SHARE,
      thresholds: [1 / 3, 2 / 3],
      cells: cells("returnVisitRate"),
    },
    {
      key: "explorationTendency",
      label: "Exploring visits",
      hint: "to a new place; 1 minus return visits",
      scale: SHARE,
      thresholds: [1 / 3, 2 / 3],
      cells: cells("explorationTendency"),
    },
    {
      key: "communityEngagement",
      label: "Attended events",
      hint: "share of a person's actions",
      scale: openScale(events, 0.4, asPercent),
      thresholds: [0.1, 0.3],
      cells: events,
    },
  ];
  return (
    <Rows
      caption="Behavior of a person in the window"
      heads={["Number", "Picture", "Mean, 95 % interval"]}
      rows={rows}
      series={series}
      kind="dot"
    />
  );
}

export function Connections({ series }: { series: Series[] }) {
  const cells = (field: keyof Network) =>
    series.map((one) => cellAt(one, ["network", field], one.answer.network![field] as Measure | null));
  const frequencies = series.map((one): Cell => {
    const frequency = one.answer.network!.connectionFrequency;
    return frequency === null ? { error: errorOf(one, ["network", "connectionFrequency"]) } : { text: frequency };
  });
  const density = cells("density");
  const friends = cells("viralPotential");
  const rows: Row[] = [
    {
      key: "connectionsPerPerson",
      label: "Connections per person",
      hint: "existing ties; at most 10 are counted",
      scale: ticked([0, 2, 4, 6, 8, 10]),
      thresholds: [2, 5],
      cells: cells("connectionsPerPerson"),
    },
    {
      key: "density",
      label: "Density",
      hint: "ties divided by possible partners",
      scale: openScale(density, 0.0012, asPerMille),
      thresholds: [0.001, 0.01],
      cells: density,
    },
    {
      key: "tieCompatibility",
      label: "Similarity of tied people",
      hint: "mean over ties, 0 to 100 %",
      scale: SHARE,
      thresholds: [1 / 3, 2 / 3],
      cells: cells("tieCompatibility"),
    },
    {
      key: "newTieShare",
      label: "New ties",
      hint: "share of ties made in the window",
      scale: SHARE,
      thresholds: [1 / 3, 2 / 3],
      cells: cells("newTieShare"),
    },
    {
      key: "viralPotential",
      label: "Viral potential",
      hint: "friends per person who follow to a new place",
      scale: openScale(friends, 1.2),
      thresholds: [0.5, 1],
      cells: friends,
    },
    {
      key: "trendSetting",
      label: "Trend setting",
      hint: "share of ties that follow to a new place",
      scale: SHARE,
      thresholds: [1 / 3, 2 / 3],
      cells: cells("trendSetting"),
    },
  ];
  return (
    <>
      <Rows
        caption="Connections between people"
        heads={["Number", "Picture", "Mean, 95 % interval"]}
        rows={rows}
        series={series}
        kind="dot"
      />
      <dl className="facts" data-row="connectionFrequency">
        <dt>Frequency of new ties</dt>
        {series.map((one, n) => (
          <dd key={one.tag} className="cell">
            {series.length > 1 ? <Tag tag={one.tag} /> : null}
            {"text" in frequencies[n]! ? (
              <Frequency frequency={frequencies[n].text} />
            ) : (
              <span className="withheld">withheld</span>
            )}
          </dd>
        ))}
      </dl>
      <CellErrors cells={frequencies} series={series} />
    </>
  );
}

const FREQUENCIES: Record<string, string> = {
  LOW: "below 0.1 per person in 28 days",
  MEDIUM: "0.1 to 0.5 per person in 28 days",
  HIGH: "0.5 or more per person in 28 days",
  UNCERTAIN: "the interval contains a threshold (0.1 or 0.5 per person in 28 days)",
};

function Frequency({ frequency }: { frequency: string }) {
  return (
    <span>
      <strong>{frequency}</strong> <span className="hint">{FREQUENCIES[frequency]}</span>
    </span>
  );
}

export function Mixture({ series }: { series: Series[] }) {
  const each = series.map(({ answer }) => answer.quantumState!);
  const rows: Row[] = [
    {
      key: "purity",
      label: "Purity",
      hint: "similarity of two people",
      scale: UNIT,
      thresholds: [0.6, 0.85],
      cells: each.map(({ purity }) => ({ measure: purity })),
    },
    {
      key: "entropy",
      label: "Entropy",
      hint: "0 if all people are equal, at most 2.565",
      scale: { ...ticked([0, 0.5, 1, 1.5, 2]), max: 2.565 },
      thresholds: [0.4, 0.8],
      cells: each.map(({ entropy }) => ({ measure: entropy })),
    },
  ];
  return (
    <Rows
      caption="Purity and entropy"
      heads={["Number", "Picture", "Value, 95 % interval"]}
      rows={rows}
      series={series}
      kind="dot"
    />
  );
}

/** The comparison of the first segment with the second. `series` contains only the first segment. */
export function Comparison({ series }: { series: Series[] }) {
  const { averageCompatibility, fidelity } = series[0]!.answer.compare!;
  const rows: Row[] = [
    {
      key: "averageCompatibility",
      label: "Average compatibility",
      hint: "of a person of A with a person of B",
      scale: UNIT,
      thresholds: [0.6, 0.85],
      cells: [{ measure: averageCompatibility }],
    },
    {
      key: "fidelity",
      label: "Fidelity",
      hint: "1 if the mixtures are equal",
      scale: UNIT,
      thresholds: [0.8, 0.95],
      cells: [{ measure: fidelity }],
    },
  ];
  return (
    <Rows
      caption="Similarity of the two segments"
      heads={["Number", "Picture", "Value, 95 % interval"]}
      rows={rows}
      series={series}
      kind="dot"
    />
  );
}
