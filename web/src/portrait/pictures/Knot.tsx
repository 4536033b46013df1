/** The knot of a segment: the braid built from its correlations, and the invariants of the knot. */
import type { ReactNode } from "react";
import { Braid } from "../charts/Braid";
import { QualityMark, Tag } from "../charts/Figure";
import { Rows } from "../charts/Rows";
import { CORRELATION } from "../charts/scale";
import type { Series } from "../charts/series";
import type { Knot as KnotAnswer } from "../model/answer";
import { humanize } from "../model/format";

export function Knot({ series }: { series: Series[] }) {
  return (
    <>
      <p className="about">
        Each strand is a dimension. Each pair of strands with a correlation of at least 0.3 is crossed, strongest first.
        The right ends are joined to the left ends at the same height. The knot is an exact function of the released
        numbers: it has no interval, and no predictive value has been measured.
      </p>
      {series.map((one) => (
        <OneKnot key={one.tag} series={one} knot={one.answer.knot!} tagged={series.length > 1} />
      ))}
    </>
  );
}

function OneKnot({ series, knot, tagged }: { series: Series; knot: KnotAnswer; tagged: boolean }) {
  const { origin } = knot;
  const names = origin?.dimensions ?? Array.from({ length: knot.strands }, (_, n) => String(n + 1));
  const crossings = `${knot.braid.length} crossings on ${knot.strands} strands`;
  return (
    <div className="knot">
      <p className="lead">
        {tagged ? <Tag tag={series.tag} /> : null} {crossings}
        {origin === null ? null : (
          <>
            {" · "}
            <QualityMark quality={origin.quality} />{" "}
            {origin.quality === "LOW"
              ? "is the quality of the least precise correlation. Noise may have changed the knot."
              : `Quality ${origin.quality}: the quality of the least precise correlation.`}
          </>
        )}
      </p>
      {origin?.quality === "LOW" ? (
        <p className="note">
          It is not drawn, because another sample of the noise could give another knot. A larger segment, or the
          finest precision, has more precise correlations.
        </p>
      ) : (
        <>
          <Braid
            braid={knot.braid}
            strands={knot.strands}
            names={names}
            tag={series.tag}
            label={`Braid of ${crossings}. Braid word: ${knot.braid.join(" ")}`}
          />
          <dl className="invariants">
            <Invariant name="Components" field="components" value={knot.components} />
            <Invariant name="Writhe" field="writhe" value={knot.writhe} />
            <Invariant name="Determinant" field="determinant" value={knot.determinant} />
            <Invariant name="Arf" field="arf" value={knot.arf ?? "none: defined for one component only"} />
            <Invariant name="Jones" field="jones" value={<Polynomial text={knot.jones.text} />} wide />
            <Invariant name="Alexander" field="alexander" value={<Polynomial text={knot.alexander.text} />} wide />
          </dl>
        </>
      )}
      {origin === null ? null : (
        <details>
          <summary>The {origin.correlations.length} correlations of the braid</summary>
          <Rows
            caption="Correlations of pairs of dimensions, strongest first"
            heads={["Pair", "Picture", "Correlation, 95 % interval"]}
            series={[series]}
            kind="dot"
            shared={CORRELATION}
            rows={origin.correlations.map(({ first, second, value }) => ({
              key: `${first} ${second}`,
              label: `${humanize(first)} with ${humanize(second).toLowerCase()}`,
              scale: CORRELATION,
              thresholds: [-0.3, 0.3],
              cells: [{ measure: value }],
            }))}
          />
        </details>
      )}
    </div>
  );
}

function Invariant({ name, field, value, wide }: { name: string; field: string; value: ReactNode; wide?: boolean }) {
  return (
    <div className={wide ? "wide" : undefined} data-row={field}>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

/** Renders `t^(5/2)` with a superscript exponent. `data-text` contains the text of the API. */
export function Polynomial({ text }: { text: string }) {
  const parts = text.split(/\^(\([^)]*\)|-?\d+)/);
  return (
    <span className="polynomial" data-text={text}>
      {parts.map((part, n) =>
        n % 2 === 1 ? (
          <sup key={n}>{part.replace(/[()]/g, "").replace("-", "\u2212")}</sup>
        ) : (
          <span key={n}>{part.replaceAll("-", "\u2212")}</span>
        ),
      )}
    </span>
  );
}
