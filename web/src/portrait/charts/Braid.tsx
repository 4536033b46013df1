/**
 * A braid, drawn from left to right and wrapped into several rows if the width requires it. Each strand has a name;
 * hovering over a name or selecting it highlights the strand.
 */
import { useLayoutEffect, useMemo, useRef, useState } from "react";
import { humanize } from "../model/format";
import { crossingCurve, cubicPart, layout, type Layout } from "./braid";

const STEP = 17;
/** Width of a column, in pixels. */
const MIN_COLUMN_WIDTH = 20;
const MAX_COLUMN_WIDTH = 34;
/** Minimum number of columns in a row. */
const MIN_COLUMNS = 8;
/** Width of the numbers at both ends together, in pixels. */
const LABELS_WIDTH = 28;

interface Props {
  braid: number[];
  strands: number;
  names: string[];
  tag: "A" | "B";
  label: string;
}

export function Braid({ braid, strands, names, tag, label }: Props) {
  const braidLayout = useMemo(() => layout(braid, strands), [braid, strands]);
  const [chosen, setChosen] = useState<number | null>(null);
  const [pointed, setPointed] = useState<number | null>(null);
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const perRow = Math.max(MIN_COLUMNS, Math.floor((width - LABELS_WIDTH) / MIN_COLUMN_WIDTH));
  const rows = Math.ceil(braidLayout.columns / perRow);
  // Rows of equal length instead of a short last row.
  const columns = Math.ceil(braidLayout.columns / rows);
  const step = Math.min(MAX_COLUMN_WIDTH, (width - LABELS_WIDTH) / columns);
  return (
    <div className={`braid ${tag.toLowerCase()}`} data-strong={pointed ?? chosen ?? undefined}>
      <ol className="strands" aria-label="Strands, from the uppermost">
        {names.map((name, strand) => (
          <li key={name}>
            <button
              type="button"
              aria-pressed={chosen === strand}
              onClick={() => setChosen(chosen === strand ? null : strand)}
              onPointerEnter={() => setPointed(strand)}
              onPointerLeave={() => setPointed(null)}
            >
              <span className="strand-number">{strand + 1}</span> {humanize(name)}
            </button>
          </li>
        ))}
      </ol>
      <div ref={box} role="img" aria-label={label} className="braid-lines">
        {Array.from({ length: rows }, (_, row) => (
          <BraidRow
            key={row}
            layout={braidLayout}
            first={row * columns}
            columns={columns}
            step={step}
            strong={pointed ?? chosen}
          />
        ))}
      </div>
    </div>
  );
}

interface BraidRowProps {
  layout: Layout;
  first: number;
  columns: number;
  /** Width of a column, in pixels. */
  step: number;
  strong: number | null;
}

/** One row of a braid, with the number of each strand at both ends. */
function BraidRow({ layout: braidLayout, first, columns, step, strong }: BraidRowProps) {
  const last = Math.min(first + columns, braidLayout.columns);
  const x = (column: number) => (column - first) * step + LABELS_WIDTH / 2;
  const y = (position: number) => position * STEP + STEP / 2;
  const strandClass = (strand: number) => `strand ${strong === null ? "" : strong === strand ? "strong" : "faint"}`;
  const within = ({ column }: { column: number }) => column >= first && column < last;
  const right = x(last);
  return (
    <svg width={right + LABELS_WIDTH / 2} height={braidLayout.strands * STEP} aria-hidden="true">
      {Array.from({ length: braidLayout.strands }, (_, position) => (
        <g key={position} className="strand-ends">
          <text x="0" y={y(position) + 3.5}>
            {strandAt(braidLayout, position, first) + 1}
          </text>
          <text x={right + LABELS_WIDTH / 2} y={y(position) + 3.5} textAnchor="end">
            {strandAt(braidLayout, position, last) + 1}
          </text>
        </g>
      ))}
      {braidLayout.straights.filter(within).map(({ column, position, strand }) => (
        <path
          key={`${column} ${position}`}
          className={strandClass(strand)}
          d={`M${x(column) - 0.5} ${y(position)} h${step + 1}`}
        />
      ))}
      {braidLayout.crossings.filter(within).map(({ column, position, down, up, over }) => {
        const falling = crossingCurve(x(column), x(column + 1), y(position), y(position + 1));
        const rising = crossingCurve(x(column), x(column + 1), y(position + 1), y(position));
        const [front, back] = over === "down" ? [falling, rising] : [rising, falling];
        const [frontStrand, backStrand] = over === "down" ? [down, up] : [up, down];
        return (
          <g key={`${column} ${position}`}>
            <path className={strandClass(backStrand)} d={cubicPart(back, 0, 0.34)} />
            <path className={strandClass(backStrand)} d={cubicPart(back, 0.66, 1)} />
            <path className={strandClass(frontStrand)} d={cubicPart(front, 0, 1)} />
          </g>
        );
      })}
    </svg>
  );
}

/** The strand at a position at the start of a column. */
function strandAt(braidLayout: Layout, position: number, column: number): number {
  if (column >= braidLayout.columns) return braidLayout.ends[position]!;
  const straight = braidLayout.straights.find((part) => part.column === column && part.position === position);
  if (straight !== undefined) return straight.strand;
  const crossing = braidLayout.crossings.find(
    (part) => part.column === column && (part.position === position || part.position + 1 === position),
  )!;
  return crossing.position === position ? crossing.down : crossing.up;
}

function useWidth(element: React.RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(640);
  useLayoutEffect(() => {
    const node = element.current;
    if (node === null) return;
    const observer = new ResizeObserver(() => setWidth(node.clientWidth));
    observer.observe(node);
    setWidth(node.clientWidth);
    return () => observer.disconnect();
  }, [element]);
  return width;
}
