/**
 * A table of rows: a name, marks on a scale, and the numbers. The markup is a table, so that it can be read without
 * the marks. The roles are explicit, because some browsers remove the implicit roles from a grid layout.
 */
import type { ReactNode } from "react";
import { CellErrors, CellText } from "./Figure";
import { Axis, Bar, Dot, Gap, Grid, Interval } from "./Marks";
import type { Scale } from "./scale";
import type { Cell, Series } from "./series";

export interface Row {
  key: string;
  label: ReactNode;
  /** A short description of the number. */
  hint?: string | undefined;
  scale: Scale;
  /** Thresholds between low, moderate and high, if the API publishes them. */
  thresholds?: readonly number[] | undefined;
  /** One for each series. */
  cells: Cell[];
}

const HEIGHT = 26;

interface Props {
  caption: string;
  heads: [string, string, string];
  rows: Row[];
  series: Series[];
  kind: "bar" | "dot";
  /** The scale of all rows; if undefined, each row has its own scale. */
  shared?: Scale;
}

export function Rows({ caption, heads, rows, series, kind, shared }: Props) {
  const height = HEIGHT * series.length;
  return (
    <table role="table" className={`rows ${shared === undefined ? "rows-own" : ""}`}>
      <caption className="sr-only">{caption}</caption>
      <thead role="rowgroup">
        <tr role="row">
          <th role="columnheader" scope="col">
            {heads[0]}
          </th>
          <th role="columnheader" scope="col" className="plot-head">
            <span className="sr-only">{heads[1]}</span>
            {shared === undefined ? null : <Axis scale={shared} />}
          </th>
          <th role="columnheader" scope="col" className="numbers-head">
            {heads[2]}
          </th>
        </tr>
      </thead>
      <tbody role="rowgroup">
        {rows.map((row) => (
          <tr role="row" key={row.key} data-row={row.key}>
            <th role="rowheader" scope="row">
              <span className="row-label">{row.label}</span>
              {row.hint === undefined ? null : <span className="hint">{row.hint}</span>}
            </th>
            <td role="cell" className="plot-cell">
              <div className="plot-box">
                <Grid scale={row.scale} thresholds={row.thresholds} />
                <svg className="plot" width="100%" height={height} aria-hidden="true">
                  {row.cells.map((cell, n) => (
                    <Marks
                      key={n}
                      cell={cell}
                      scale={row.scale}
                      y={HEIGHT * (n + 0.5)}
                      tag={series[n]!.tag}
                      kind={kind}
                    />
                  ))}
                </svg>
              </div>
              {shared === undefined ? <Axis scale={row.scale} /> : null}
            </td>
            <td role="cell" className="numbers">
              {row.cells.map((cell, n) => (
                <CellText key={n} cell={cell} series={series[n]!} tagged={series.length > 1} />
              ))}
            </td>
            {row.cells.some((cell) => "error" in cell) ? (
              <td role="cell" className="errors-cell">
                <CellErrors cells={row.cells} series={series} />
              </td>
            ) : null}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Marks({ cell, ...place }: { cell: Cell; scale: Scale; y: number; tag: "A" | "B"; kind: "bar" | "dot" }) {
  if (!("measure" in cell)) return <Gap y={place.y} />;
  return (
    <>
      {place.kind === "bar" ? <Bar measure={cell.measure} {...place} /> : null}
      <Interval measure={cell.measure} {...place} />
      {place.kind === "dot" ? <Dot measure={cell.measure} {...place} /> : null}
    </>
  );
}
