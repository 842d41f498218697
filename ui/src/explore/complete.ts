/* What the query bar proposes: names of fields, and behind a colon their values. Pure. */
import type { Catalog } from "./fields";
import { term } from "./search";
import { SHORT } from "./short";

export interface Proposal {
  text: string; /* what is put in place of the word under the cursor */
  hint: string;
}
export interface Values {
  field: string;
  list: string[];
}
/* An attribute of the catalog; the most frequent values first. */
export interface Known {
  name: string;
  rows: number;
  values: { value: string; rows: number }[];
}
const PROPOSALS = 12;

/* One entry a name, wherever it stands (span, log, resource); metrics have no rows here. */
export function merged(list: readonly { place: string; key: string; rows: number; values: { value: string; rows: number }[] }[]): Known[] {
  const by_name = new Map<string, { rows: number; values: Map<string, number> }>();
  for (const one of list) {
    if (one.place === "metric") continue;
    const entry = by_name.get(one.key) ?? { rows: 0, values: new Map<string, number>() };
    entry.rows += one.rows;
    for (const { value, rows } of one.values) entry.values.set(value, (entry.values.get(value) ?? 0) + rows);
    by_name.set(one.key, entry);
  }
  return [...by_name]
    .map(([name, { rows, values }]) => ({ name, rows, values: [...values].map(([value, count]) => ({ value, rows: count })).sort((a, b) => b.rows - a.rows) }))
    .sort((a, b) => b.rows - a.rows);
}

export function proposals(text: string, cursor: number, catalog: Catalog | undefined, values: readonly Values[], known: readonly Known[]): { from: number; list: Proposal[] } {
  const nothing = { from: cursor, list: [] };
  const before = /(?:^|[\s(])-?([^\s()":]*)(:(?:>=|<=|!=|[><=])?)?(?:"([^"]*)|([^\s()"]*))$/.exec(text.slice(0, cursor));
  if (!before || !catalog) return nothing;
  const name = before[1] ?? "";
  const is_value = before[2] !== undefined;
  if (is_value) return { from: cursor - (before[3] !== undefined ? before[3].length + 1 : (before[4] ?? "").length), list: values_of(name, before[3] ?? before[4] ?? "", values, known) };
  if (before[3] !== undefined || name === "") return nothing;
  return { from: cursor - name.length, list: names_of(name, catalog, values, known) };
}

function values_of(name: string, typed: string, values: readonly Values[], known: readonly Known[]): Proposal[] {
  const full = SHORT[name] ?? name;
  const counted = known.find((one) => one.name === full)?.values ?? [];
  const rows = new Map(counted.map((one) => [one.value, one.rows]));
  const all = new Set([...(values.find((one) => one.field === full)?.list ?? []), ...counted.map((one) => one.value)]);
  return best([...all], typed)
    .filter((value) => value.length < 200)
    .map((value) => ({ text: `${term("", value).slice(1)} `, hint: rows.has(value) ? `${rows.get(value)} rows` : "value" }));
}

function names_of(typed: string, catalog: Catalog, values: readonly Values[], known: readonly Known[]): Proposal[] {
  const names = new Set([...Object.keys(SHORT), ...values.map((one) => one.field), ...known.map((one) => one.name), ...catalog.columns.map((field) => field.name)]);
  return best([...names], typed).map((name) => ({ text: `${name}:`, hint: SHORT[name] ?? (known.some((one) => one.name === name) ? "attribute" : "field") }));
}

/* Those that begin with it, then those that have a word that does, then the rest that holds it; the given order within. */
function best(list: readonly string[], typed: string): string[] {
  const wanted = typed.toLowerCase();
  const rank = (one: string) => {
    const text = one.toLowerCase();
    if (text.startsWith(wanted)) return 0;
    return text.includes(`.${wanted}`) || text.includes(` ${wanted}`) ? 1 : text.includes(wanted) ? 2 : 3;
  };
  return list
    .map((one, at) => ({ one, at, rank: rank(one) }))
    .filter((entry) => entry.rank < 3)
    .sort((a, b) => a.rank - b.rank || a.at - b.at)
    .slice(0, PROPOSALS)
    .map((entry) => entry.one);
}
