/**
 * The twelve dimensions. Each row shows the histogram without withheld bins, and below it the interquartile range as a
 * band with the median, and the mean with its interval.
 */
import type { Dimension } from "../model/answer";
import { formatMeasure, humanize } from "../model/format";
import { DIMENSION_ENDS, type DimensionName } from "../model/product";
import { Figure, Tag } from "./Figure";
import { Axis, Dot, Grid, Interval } from "./Marks";
import { at, UNIT } from "./scale";
import type { Series } from "./series";

const HEIGHT = 40;
const BASE = 22;
const MIDDLE = 31;

export function Ranges({ series, dimensions }: { series: Series[]; dimensions: Dimension[][] }) {
  const names = dimensions[0]!.map(({ name }) => name);
  const highest = Math.max(...dimensions.flat().flatMap(({ histogram }) => histogram.map((share) => share ?? 0)), 0.01);
  return (
    <table role="table" className="rows ranges">
      <caption className="sr-only">
        The twelve dimensions, each from 0 to 1: mean with its 95 % interval, and quartiles
      </caption>
      <thead role="rowgroup">
        <tr role="row">
          <th role="columnheader" scope="col">
            Dimension
          </th>
          <th role="columnheader" scope="col" className="plot-head">
            <span className="sr-only">Picture</span>
            <Axis scale={UNIT} />
          </th>
          <th role="columnheader" scope="col" className="numbers-head">
            Mean, 95 % interval
          </th>
          <th role="columnheader" scope="col" className="quartiles-head">
            Quartiles
          </th>
        </tr>
      </thead>
      <tbody role="rowgroup">
        {names.map((name) => {
          const each = dimensions.map((list) => list.find((dimension) => dimension.name === name)!);
          return (
            <tr role="row" key={name} data-row={name}>
              <th role="rowheader" scope="row">
                <span className="row-label">{humanize(name)}</span>
                <span className="hint">{hint(name)}</span>
              </th>
              <td role="cell" className="plot-cell">
                <div className="plot-box">
                  <Grid scale={UNIT} thresholds={[1 / 3, 2 / 3]} />
                  <svg className="plot" width="100%" height={HEIGHT * series.length} aria-hidden="true">
                    {each.map((dimension, n) => (
                      <Range key={n} dimension={dimension} top={HEIGHT * n} tag={series[n]!.tag} highest={highest} />
                    ))}
                  </svg>
                </div>
              </td>
              <td role="cell" className="numbers">
                {each.map(({ mean }, n) => (
                  <div key={n} className="cell">
                    {series.length > 1 ? <Tag tag={series[n]!.tag} /> : null}
                    <Figure measure={mean} />
                  </div>
                ))}
              </td>
              <td role="cell" className="quartiles">
                {each.map((dimension, n) => (
                  <div key={n} className="cell">
                    <Quartiles dimension={dimension} />
                  </div>
                ))}
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function hint(name: string): string {
  const [low, high] = DIMENSION_ENDS[name as DimensionName] ?? ["low", "high"];
  return low === "low" ? high : `${low} to ${high}`;
}

function Quartiles({ dimension }: { dimension: Dimension }) {
  const parts = [dimension.p25, dimension.p50, dimension.p75];
  return (
    <>
      {parts.map((measure, n) => (
        <data key={n} value={measure.value} className={measure.quality === "LOW" ? "rough" : undefined}>
          {formatMeasure(measure).value}
          {measure.quality === "LOW" ? <span className="sr-only"> quality LOW</span> : null}
        </data>
      ))}
    </>
  );
}

function Range({
  dimension,
  top,
  tag,
  highest,
}: {
  dimension: Dimension;
  top: number;
  tag: "A" | "B";
  highest: number;
}) {
  const { mean, p25, p50, p75, histogram } = dimension;
  const y = top + MIDDLE;
  const left = Number.parseFloat(at(UNIT, p25.value));
  const right = Number.parseFloat(at(UNIT, p75.value));
  return (
    <g className={`range ${tag.toLowerCase()}`}>
      {histogram.map((share, bin) =>
        share === null ? (
          <line
            key={bin}
            className="withheld-bin"
            x1={`${bin * 10 + 3}%`}
            x2={`${bin * 10 + 7}%`}
            y1={top + BASE - 1.5}
            y2={top + BASE - 1.5}
          />
        ) : (
          <rect
            key={bin}
            className="bin"
            x={`${bin * 10 + 0.25}%`}
            width="9.5%"
            y={top + BASE - (share / highest) * (BASE - 3)}
            height={(share / highest) * (BASE - 3)}
          />
        ),
      )}
      <rect className="band" x={`${left}%`} width={`${right - left}%`} y={y - 5} height="10" rx="2" />
      <line className="median" x1={at(UNIT, p50.value)} x2={at(UNIT, p50.value)} y1={y - 7} y2={y + 7} />
      <Interval measure={mean} scale={UNIT} y={y} tag={tag} />
      <Dot measure={mean} scale={UNIT} y={y} tag={tag} />
    </g>
  );
}
