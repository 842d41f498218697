/* The ways to look at what was asked, a line each: `viz` of the address says which is shown below the histogram.
 *
 *   Explore (view.tsx): query bar, histogram, facets --KindProps--> the kind: statement, answer, drawing, useActs
 *
 * A kind asks when `asked` changes and not while it is null (a search with a problem). It reads its own parameters (by, agg, of,
 * cols, open, sel ...) from the address; what can be done with a field or value it hands to `acts`.
 */
import type { ComponentType } from "preact";
import type { Catalog } from "./fields";
import type { Scope } from "./statement";

/* What can be done with a field or a value, wherever it stands: filter, exclude, group by, measure, column; all of it is in the address. */
export interface FieldActs {
  onFilter: (name: string, value: string, is_excluded: boolean) => void;
  onGroup: (name: string) => void;
  onMeasure: (name: string) => void;
  onColumn: (name: string) => void;
}
export interface KindProps {
  project: string;
  catalog: Catalog;
  scope: Scope; /* the condition and the time, as SQL statements take them */
  asked: string | null; /* another text: project, condition or time are others */
  acts: FieldActs;
}
export interface Kind {
  name: string; /* viz=... */
  title: string;
  keys: string; /* after "v" */
  load: () => Promise<{ default: ComponentType<KindProps> }>;
}

const chart = () => import("./kind_chart");
export const kinds: readonly Kind[] = [
  { name: "rows", title: "Rows", keys: "r", load: () => import("./kind_rows") },
  { name: "line", title: "Lines", keys: "l", load: chart },
  { name: "bar", title: "Bars", keys: "b", load: chart },
  { name: "stacked", title: "Stacked", keys: "s", load: chart },
  { name: "top", title: "Top list", keys: "t", load: () => import("./kind_top") },
  { name: "table", title: "Table", keys: "a", load: () => import("./kind_table") },
  { name: "heat", title: "Heat map", keys: "h", load: () => import("./kind_heat") },
  { name: "patterns", title: "Patterns", keys: "p", load: () => import("./kind_patterns") },
  { name: "difference", title: "Difference", keys: "d", load: () => import("./kind_difference") },
];

export function kind_of(name: string): Kind {
  return kinds.find((kind) => kind.name === name) ?? (kinds[0] as Kind);
}
