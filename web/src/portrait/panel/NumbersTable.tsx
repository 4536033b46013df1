/** The picture as a table: every number as returned by the API, not rounded. */
import { useState } from "react";
import { Tag } from "../charts/Figure";
import type { Series } from "../charts/series";
import { numbersOf } from "./numbers";
import type { Spec } from "./specs";

export function NumbersTable({ series, part, title }: { series: Series[]; part: Spec["part"]; title: string }) {
  const [open, setOpen] = useState(false);
  const tagged = series.length > 1;
  return (
    <details className="as-table" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>As a table</summary>
      {open ? (
        <div className="wide-table" tabIndex={0} role="region" aria-label={`${title} as a table`}>
          <table>
            <thead>
              <tr>
                <th scope="col">Number</th>
                {tagged ? <th scope="col">Segment</th> : null}
                <th scope="col">Value</th>
                <th scope="col">Low</th>
                <th scope="col">High</th>
                <th scope="col">Sigma</th>
                <th scope="col">Quality</th>
                <th scope="col">Interpretation</th>
              </tr>
            </thead>
            <tbody>
              {series.flatMap((one) =>
                numbersOf(part(one.answer)).map(({ name, value, measure }, n) => (
                  <tr key={`${one.tag} ${n}`}>
                    <th scope="row">{name === "" ? title : name}</th>
                    {tagged ? (
                      <td>
                        <Tag tag={one.tag} />
                      </td>
                    ) : null}
                    <td>{value ?? "withheld"}</td>
                    <td>{measure?.interval95.low ?? "\u2013"}</td>
                    <td>{measure?.interval95.high ?? "\u2013"}</td>
                    <td>{measure?.sigma ?? "\u2013"}</td>
                    <td>{measure?.quality ?? "\u2013"}</td>
                    <td>{measure?.interpretation ?? "\u2013"}</td>
                  </tr>
                )),
              )}
            </tbody>
          </table>
        </div>
      ) : null}
    </details>
  );
}
