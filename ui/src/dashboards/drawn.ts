/* What a panel shows, whatever it was asked of. */
import type { Line } from "../ask/result";
import type { Shape } from "../charts/draw";
import type { Heat } from "../charts/heat";
import type { Unit } from "../charts/scale";
import type { TimeSeries } from "../charts/series";
import type { DataRows } from "../charts/table";

export interface StatFigure {
  title: string;
  value: number | null;
  unit: Unit;
}
export type Drawn =
  | { as: "series"; data: TimeSeries; shape: Shape; names: readonly string[] }
  | { as: "top"; data: TimeSeries; names: readonly string[] }
  | { as: "table"; table: DataRows }
  | { as: "heat"; heat: Heat }
  | { as: "stat"; figures: StatFigure[]; trend: readonly (number | null)[] }
  | { as: "rows"; lines: Line[] }
  | { as: "nothing"; words: string };
