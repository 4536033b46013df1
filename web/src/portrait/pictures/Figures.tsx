/** Pictures of single numbers, each on a scale of its own. */
import { Rows, type Row } from "../charts/Rows";
import { asNumber, asPercent, asPerMille, fromZero, ticked, UNIT, type Scale } from "../charts/scale";
import { cellAt, errorOf, type Cell, type Series } from "../charts/series";
import { CellErrors, Tag } from "../charts/Figure";
import type { Behavior, Measure, Network } from "../model/answer";

const SHARE: Scale = { ...UNIT, write: asPercent };

/** Most visits that count in a window (`docs/partner.md`). */
const VISIT_CAP = { DAYS_7: 10, DAYS_28: 30, DAYS_84: 60 };

/** A scale for numbers that have no useful upper end: up to the highest interval, or its line. */
function open(cells: Cell[], least: number, write = asNumber): Scale {
  const highs = cells.map((cell) => ("measure" in cell ? cell.measure.interval95.high : 0));
  return fromZero(Math.max(least, ...highs), write);
}

export function Habits({ series }: { series: Series[] }) {
  const cells = (field: keyof Behavior) =>
    series.map((one) => cellAt(one, ["behavior", field], one.answer.behavior![field] as Measure | null));
  const events = cells("communityEngagement");
  const cap = VISIT_CAP[series[0]!.answer.behavior!.release.window.length];
  const rows: Row[] = [
    {
      key: "visitsPerPerson",
      label: "Visits of a person",
      hint: `in the window; at most ${cap} count`,
      scale: ticked([0, cap / 2, cap]),
      lines: [cap / 10, cap / 3],
      cells: cells("visitsPerPerson"),
    },
    {
      key: "averageDwellMinutes",
      label: "Mean stay",
      hint: "minutes; at most 120 count",
      scale: ticked([0, 30, 60, 90, 120]),
      lines: [30, 60],
      cells: cells("averageDwellMinutes"),
    },
    {
      key: "returnVisitRate",
      label: "Visits that return",
      hint: "to a place where the person had been",
      scale: SHARE,
      lines: [1 / 3, 2 / 3],
      cells: cells("returnVisitRate"),
    },
    {
      key: "explorationTendency",
      label: "Visits that explore",
      hint: "a new place: 1 less what returns",
      scale: SHARE,
      lines: [1 / 3, 2 / 3],
      cells: cells("explorationTendency"),
    },
    {
      key: "communityEngagement",
      label: "Attended events",
      hint: "share of a person's actions",
      scale: open(events, 0.4, asPercent),
      lines: [0.1, 0.3],
      cells: events,
    },
  ];
  return (
    <Rows
      caption="What a person does in the window"
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
  const often = series.map((one): Cell => {
    const words = one.answer.network!.connectionFrequency;
    return words === null ? { error: errorOf(one, ["network", "connectionFrequency"]) } : { words };
  });
  const density = cells("density");
  const friends = cells("viralPotential");
  const rows: Row[] = [
    {
      key: "connectionsPerPerson",
      label: "Connections of a person",
      hint: "kept ties, at most 10",
      scale: ticked([0, 2, 4, 6, 8, 10]),
      lines: [2, 5],
      cells: cells("connectionsPerPerson"),
    },
    {
      key: "density",
      label: "Density",
      hint: "ties over possible partners",
      scale: open(density, 0.0012, asPerMille),
      lines: [0.001, 0.01],
      cells: density,
    },
    {
      key: "tieCompatibility",
      label: "Likeness of tied people",
      hint: "mean over ties, 0 to 100 %",
      scale: SHARE,
      lines: [1 / 3, 2 / 3],
      cells: cells("tieCompatibility"),
    },
    {
      key: "newTieShare",
      label: "New ties",
      hint: "share of ties made in the window",
      scale: SHARE,
      lines: [1 / 3, 2 / 3],
      cells: cells("newTieShare"),
    },
    {
      key: "viralPotential",
      label: "Friends drawn",
      hint: "by a person to a new place",
      scale: open(friends, 1.2),
      lines: [0.5, 1],
      cells: friends,
    },
    {
      key: "trendSetting",
      label: "Ties that follow",
      hint: "to a new place",
      scale: SHARE,
      lines: [1 / 3, 2 / 3],
      cells: cells("trendSetting"),
    },
  ];
  return (
    <>
      <Rows
        caption="How people are connected"
        heads={["Number", "Picture", "Mean, 95 % interval"]}
        rows={rows}
        series={series}
        kind="dot"
      />
      <dl className="facts" data-row="connectionFrequency">
        <dt>How often people make new ties</dt>
        {series.map((one, n) => (
          <dd key={one.tag} className="cell">
            {series.length > 1 ? <Tag tag={one.tag} /> : null}
            {"words" in often[n]! ? <Frequency frequency={often[n].words} /> : <span className="folded">not told</span>}
          </dd>
        ))}
      </dl>
      <CellErrors cells={often} series={series} />
    </>
  );
}

const FREQUENCIES: Record<string, string> = {
  LOW: "below 0.1 a person in 28 days",
  MEDIUM: "0.1 to 0.5 a person in 28 days",
  HIGH: "0.5 or more a person in 28 days",
  UNCERTAIN: "the interval crosses a line (0.1 or 0.5 a person in 28 days)",
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
      hint: "how alike two people are",
      scale: UNIT,
      lines: [0.6, 0.85],
      cells: each.map(({ purity }) => ({ measure: purity })),
    },
    {
      key: "entropy",
      label: "Entropy",
      hint: "0 if all are equal, at most 2.565",
      scale: { ...ticked([0, 0.5, 1, 1.5, 2]), max: 2.565 },
      lines: [0.4, 0.8],
      cells: each.map(({ entropy }) => ({ measure: entropy })),
    },
  ];
  return (
    <Rows
      caption="How mixed the people are"
      heads={["Number", "Picture", "Value, 95 % interval"]}
      rows={rows}
      series={series}
      kind="dot"
    />
  );
}

/** Of the first segment with the second: `series` holds the first alone. */
export function Comparison({ series }: { series: Series[] }) {
  const { averageCompatibility, fidelity } = series[0]!.answer.compare!;
  const rows: Row[] = [
    {
      key: "averageCompatibility",
      label: "Average compatibility",
      hint: "of a person of A with one of B",
      scale: UNIT,
      lines: [0.6, 0.85],
      cells: [{ measure: averageCompatibility }],
    },
    {
      key: "fidelity",
      label: "Fidelity",
      hint: "1 if the people are mixed alike",
      scale: UNIT,
      lines: [0.8, 0.95],
      cells: [{ measure: fidelity }],
    },
  ];
  return (
    <Rows
      caption="How alike the two segments are"
      heads={["Number", "Picture", "Value, 95 % interval"]}
      rows={rows}
      series={series}
      kind="dot"
    />
  );
}
