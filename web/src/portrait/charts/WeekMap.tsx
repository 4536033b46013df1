/** Visits on weekdays and weekends by four parts of the day; darker means more. Parts in *other* are hatched. */
import type { Measure } from "../model/answer";
import { humanize } from "../model/format";
import { Figure, Tag } from "./Figure";
import type { Series } from "./series";

const DAYS = ["WEEKDAY", "WEEKEND"] as const;
const PARTS = ["NIGHT", "MORNING", "AFTERNOON", "EVENING"] as const;
const HOURS = { NIGHT: "0–6 h", MORNING: "6–12 h", AFTERNOON: "12–18 h", EVENING: "18–24 h" };
const NAMES = { WEEKDAY: "Monday to Friday", WEEKEND: "Saturday, Sunday" };

type DayParts = { days: string; part: string; share: Measure }[];

export function WeekMap({ series, dayParts }: { series: Series[]; dayParts: DayParts[] }) {
  const highest = Math.max(...dayParts.flat().map(({ days, share }) => (days === "OTHER" ? 0 : share.value)), 0.01);
  const other = dayParts.map((list) => list.find(({ days }) => days === "OTHER")?.share);
  return (
    <>
      <table role="table" className="week">
        <caption className="sr-only">Shares of a person's visits by part of the week, in UTC</caption>
        <thead role="rowgroup">
          <tr role="row">
            <td role="cell" />
            {PARTS.map((part) => (
              <th role="columnheader" key={part} scope="col">
                {humanize(part)} <span className="hint hours">{HOURS[part]}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {DAYS.map((days) => (
            <tr role="row" key={days}>
              <th role="rowheader" scope="row">
                {NAMES[days]}
              </th>
              {PARTS.map((part) => (
                <td role="cell" key={part} data-row={`${days} ${part}`}>
                  {/* Shown on narrow screens, which hide the column headings. */}
                  <span className="part-name" aria-hidden="true">
                    {humanize(part)}
                  </span>
                  {series.map(({ tag }, n) => (
                    <Shade
                      key={tag}
                      tag={tag}
                      tagged={series.length > 1}
                      share={dayParts[n]!.find((entry) => entry.days === days && entry.part === part)?.share}
                      highest={highest}
                    />
                  ))}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {other.some((share) => share !== undefined) ? (
        <div className="week-other">
          <span>Parts with too few people, combined (OTHER)</span>
          {other.map((share, n) => (
            <span key={n} className="cell" data-row="OTHER OTHER">
              {series.length > 1 ? <Tag tag={series[n]!.tag} /> : null}
              {share === undefined ? <span className="withheld">none</span> : <Figure measure={share} />}
            </span>
          ))}
        </div>
      ) : null}
    </>
  );
}

function Shade({
  tag,
  tagged,
  share,
  highest,
}: {
  tag: "A" | "B";
  tagged: boolean;
  share: Measure | undefined;
  highest: number;
}) {
  const mark = tag === "A" ? "--mark" : "--mark-2";
  if (share === undefined) {
    return (
      <div className="shade shade-withheld">
        {tagged ? <Tag tag={tag} /> : null} <span className="withheld">in other</span>
      </div>
    );
  }
  // At most 42 %, so that text is readable in both color schemes.
  const strength = ((share.value / highest) * 42).toFixed(1);
  return (
    <div
      className={`shade ${share.quality === "LOW" ? "shade-low" : ""}`}
      style={{ background: `color-mix(in oklab, var(${mark}) ${strength}%, var(--ground))` }}
    >
      {tagged ? <Tag tag={tag} /> : null} <Figure measure={share} />
    </div>
  );
}
