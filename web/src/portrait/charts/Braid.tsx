/**
 * A braid, from left to right, in as many lines as the width asks for. Strands bear the names of what they stand for;
 * pointing at a name, or choosing it, shows where the strand goes.
 */
import { useLayoutEffect, useMemo, useRef, useState } from "react";
import { words } from "../model/format";
import { crossingCurve, cubicPart, layout, type Layout } from "./braid";

const STEP = 17;
/** Width of a column: at least and at most. */
const NARROW = 20;
const WIDE = 34;
/** Columns of a line at least. */
const FEWEST = 8;
/** Room for the numbers at both ends. */
const ENDS = 28;

interface Props {
  braid: number[];
  strands: number;
  names: string[];
  tag: "A" | "B";
  label: string;
}

export function Braid({ braid, strands, names, tag, label }: Props) {
  const shape = useMemo(() => layout(braid, strands), [braid, strands]);
  const [chosen, setChosen] = useState<number | null>(null);
  const [pointed, setPointed] = useState<number | null>(null);
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const perLine = Math.max(FEWEST, Math.floor((width - ENDS) / NARROW));
  const lines = Math.ceil(shape.columns / perLine);
  // Lines of equal length look better than a short last one.
  const columns = Math.ceil(shape.columns / lines);
  const step = Math.min(WIDE, (width - ENDS) / columns);
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
              <span className="strand-number">{strand + 1}</span> {words(name)}
            </button>
          </li>
        ))}
      </ol>
      <div ref={box} role="img" aria-label={label} className="braid-lines">
        {Array.from({ length: lines }, (_, line) => (
          <Line
            key={line}
            shape={shape}
            first={line * columns}
            columns={columns}
            step={step}
            strong={pointed ?? chosen}
          />
        ))}
      </div>
    </div>
  );
}

interface LineProps {
  shape: Layout;
  first: number;
  columns: number;
  /** Width of a column. */
  step: number;
  strong: number | null;
}

/** Some columns of a braid, with the number of each strand where the line begins and ends. */
function Line({ shape, first, columns, step, strong }: LineProps) {
  const last = Math.min(first + columns, shape.columns);
  const x = (column: number) => (column - first) * step + ENDS / 2;
  const y = (position: number) => position * STEP + STEP / 2;
  const strandClass = (strand: number) => `strand ${strong === null ? "" : strong === strand ? "strong" : "faint"}`;
  const within = ({ column }: { column: number }) => column >= first && column < last;
  const right = x(last);
  return (
    <svg width={right + ENDS / 2} height={shape.strands * STEP} aria-hidden="true">
      {Array.from({ length: shape.strands }, (_, position) => (
        <g key={position} className="strand-ends">
          <text x="0" y={y(position) + 3.5}>
            {strandAt(shape, position, first) + 1}
          </text>
          <text x={right + ENDS / 2} y={y(position) + 3.5} textAnchor="end">
            {strandAt(shape, position, last) + 1}
          </text>
        </g>
      ))}
      {shape.straights.filter(within).map(({ column, position, strand }) => (
        <path
          key={`${column} ${position}`}
          className={strandClass(strand)}
          d={`M${x(column) - 0.5} ${y(position)} h${step + 1}`}
        />
      ))}
      {shape.crossings.filter(within).map(({ column, position, down, up, over }) => {
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

/** Which strand is at a place when a column begins. */
function strandAt(shape: Layout, position: number, column: number): number {
  if (column >= shape.columns) return shape.ends[position]!;
  const straight = shape.straights.find((part) => part.column === column && part.position === position);
  if (straight !== undefined) return straight.strand;
  const crossing = shape.crossings.find(
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
