/** The twelve dimensions, with a legend of the marks. */
import { Ranges } from "../charts/Ranges";
import type { Series } from "../charts/series";

export function Dimensions({ series }: { series: Series[] }) {
  const dimensions = series.map(({ answer }) => answer.personality!.dimensions);
  const rough = dimensions.flat().some(({ p25, p50, p75 }) => [p25, p50, p75].some(({ quality }) => quality === "LOW"));
  return (
    <>
      <ul className="legend" aria-label="Legend">
        <li>
          <svg width="26" height="16" aria-hidden="true" className="interval-mark a">
            <line x1="1" x2="25" y1="8" y2="8" />
            <line className="cap" x1="1" x2="1" y1="4.5" y2="11.5" />
            <line className="cap" x1="25" x2="25" y1="4.5" y2="11.5" />
            <svg x="13" y="8" overflow="visible" className="dot a">
              <circle r="4.5" />
            </svg>
          </svg>
          mean and its 95 % interval
        </li>
        <li>
          <svg width="26" height="16" aria-hidden="true" className="range a">
            <rect className="band" x="0" width="26" y="3" height="10" rx="2" />
            <line className="median" x1="13" x2="13" y1="1" y2="15" />
          </svg>
          interquartile range (p25 to p75) with the median
        </li>
        <li>
          <svg width="26" height="16" aria-hidden="true" className="range a">
            <rect className="bin" x="0" width="8" y="8" height="7" />
            <rect className="bin" x="9" width="8" y="3" height="12" />
            <line className="withheld-bin" x1="19" x2="25" y1="14" y2="14" />
          </svg>
          histogram; a dash is a withheld bin (fewer than 100 people)
        </li>
        <li>
          <svg width="26" height="16" aria-hidden="true">
            <line className="threshold" x1="13" x2="13" y1="0" y2="16" />
          </svg>
          thresholds between low, moderate and high
        </li>
        {rough ? (
          <li>
            <span className="rough">underlined</span> quartile with quality LOW; the table contains its interval
          </li>
        ) : null}
      </ul>
      <Ranges series={series} dimensions={dimensions} />
    </>
  );
}
