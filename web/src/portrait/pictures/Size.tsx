/** The number of people. */
import { Figure, Tag } from "../charts/Figure";
import { Dot, Grid, Interval, Axis } from "../charts/Marks";
import { fromZero } from "../charts/scale";
import type { Series } from "../charts/series";

const thousands = (value: number) => value.toLocaleString("en-US");

export function Size({ series }: { series: Series[] }) {
  const sizes = series.map(({ answer }) => answer.size!);
  const scale = fromZero(Math.max(...sizes.map(({ interval95 }) => interval95.high)), thousands);
  return (
    <div className="size">
      <div>
        {sizes.map((size, n) => (
          <p key={n} className="size-line" data-row="size">
            {series.length > 1 ? <Tag tag={series[n]!.tag} /> : null}
            <Figure measure={size} /> <span className="hint">people</span>
          </p>
        ))}
      </div>
      <div className="size-plot" aria-hidden="true">
        <div className="plot-box">
          <Grid scale={scale} />
          <svg className="plot" width="100%" height={22 * sizes.length}>
            {sizes.map((size, n) => (
              <g key={n}>
                <Interval measure={size} scale={scale} y={22 * (n + 0.5)} tag={series[n]!.tag} />
                <Dot measure={size} scale={scale} y={22 * (n + 0.5)} tag={series[n]!.tag} />
              </g>
            ))}
          </svg>
        </div>
        <Axis scale={scale} />
      </div>
    </div>
  );
}
