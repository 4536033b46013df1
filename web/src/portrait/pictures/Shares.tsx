/** Pictures of shares: archetypes, lengths of stay, place categories. Parts released together (OTHER) come last. */
import type { Measure } from "../model/answer";
import { humanize } from "../model/format";
import { Rows, type Row } from "../charts/Rows";
import { asPercent, fromZero } from "../charts/scale";
import { partCell, type Series } from "../charts/series";

type Parts = ReadonlyMap<string, Measure>;

interface Props {
  caption: string;
  head: string;
  series: Series[];
  parts: Parts[];
  /** All names in display order, also withheld ones; if undefined, the released names by decreasing share. */
  order?: readonly string[];
  label?: (name: string) => string;
  hint?: (name: string) => string | undefined;
}

function Shares({ caption, head, series, parts, order, label = humanize, hint }: Props) {
  const known = [...new Set(parts.flatMap((map) => [...map.keys()]))];
  const size = (name: string) => Math.max(...parts.map((map) => map.get(name)?.value ?? 0));
  const names = [...(order ?? known.sort((a, b) => size(b) - size(a)))].filter((name) => name !== "OTHER");
  if (known.includes("OTHER")) names.push("OTHER");
  const highest = Math.max(...parts.flatMap((map) => [...map.values()].map(({ interval95 }) => interval95.high)));
  const scale = fromZero(highest, asPercent);
  const rows: Row[] = names.map((name) => ({
    key: name,
    label: label(name),
    hint: name === "OTHER" ? (hint?.(name) ?? "parts with too few people, combined") : hint?.(name),
    scale,
    cells: parts.map((map) => partCell(map.get(name), name === "OTHER")),
  }));
  return (
    <Rows
      caption={caption}
      heads={[head, "Picture", "Share, 95 % interval"]}
      rows={rows}
      series={series}
      kind="bar"
      shared={scale}
    />
  );
}

export function Archetypes({ series }: { series: Series[] }) {
  const each = series.map(({ answer }) => answer.personality!);
  return (
    <>
      {each.map(({ archetype }, n) => (
        <p key={n} className="lead">
          {series.length > 1 ? `${series[n]!.tag}: ` : ""}
          {archetype === "UNCERTAIN" ? (
            <>
              Most people: <strong>UNCERTAIN</strong>. Noise may have changed which archetype is the most frequent.
            </>
          ) : (
            <>
              Most people: <strong>{humanize(archetype)}</strong>
            </>
          )}
        </p>
      ))}
      <Shares
        caption="Shares of the people by archetype"
        head="Archetype"
        series={series}
        parts={each.map(({ archetypes }) => new Map(archetypes.map(({ archetype, share }) => [archetype, share])))}
      />
    </>
  );
}

const STAYS = { short: "Under 15 minutes", medium: "15 to 60 minutes", long: "Over 60 minutes", OTHER: "Other" };

export function Dwell({ series }: { series: Series[] }) {
  const parts = series.map(({ answer }) => {
    const { short, medium, long, other } = answer.behavior!.timeSpent;
    const shares = { short, medium, long, OTHER: other };
    return new Map(
      Object.entries(shares).flatMap(([name, measure]) => (measure === null ? [] : [[name, measure] as const])),
    );
  });
  return (
    <Shares
      caption="Shares of a person's visits by length of stay"
      head="Stay"
      series={series}
      parts={parts}
      order={["short", "medium", "long"]}
      label={(name) => STAYS[name as keyof typeof STAYS]}
    />
  );
}

export function Places({ series }: { series: Series[] }) {
  const parts = series.map(
    ({ answer }) => new Map(answer.behavior!.categories.map(({ group, share }) => [group, share] as const)),
  );
  return (
    <Shares
      caption="Shares of a person's visits by place category"
      head="Place category"
      series={series}
      parts={parts}
      hint={(name) => (name === "OTHER" ? "all other categories, and categories with too few people" : undefined)}
    />
  );
}
