import { WeekMap } from "../charts/WeekMap";
import type { Series } from "../charts/series";

export function Week({ series }: { series: Series[] }) {
  return <WeekMap series={series} dayParts={series.map(({ answer }) => answer.behavior!.dayParts)} />;
}
