/* What the editor proposes for the word under the cursor: tables, columns, functions, keywords; attributes in attributes->>'...'. Nothing in
 * texts and comments. Pure. */
export interface Column {
  table: string;
  name: string;
  type: string;
}
export interface Schema {
  columns: readonly Column[];
  attributes: readonly string[];
}
export interface SqlProposal {
  text: string;
  hint: string;
}
const PROPOSALS = 10;
const KEYWORDS = "SELECT FROM WHERE GROUP BY ORDER BY LIMIT HAVING DISTINCT AND OR NOT IN IS NULL LIKE ILIKE BETWEEN CASE WHEN THEN ELSE END JOIN LEFT JOIN ON WITH UNION ALL DESC ASC FILTER OVER PARTITION BY EXPLAIN interval".split(/ (?!BY|JOIN|ALL)/);
const FUNCTIONS = ["count(*)", "sum(", "avg(", "min(", "max(", "approx_percentile(", "percentile_agg(", "time_bucket(", "date_trunc(", "now()", "coalesce(", "lower(", "round(", "extract(", "string_agg(", "array_agg("];

/* Is the cursor in a text, a quoted name or a comment? */
export function place_kind(before: string): "code" | "text" | "name" | "comment" {
  let kind: "code" | "text" | "name" | "comment" | "block" = "code";
  for (let at = 0; at < before.length; at++) {
    const two = before.slice(at, at + 2);
    if (kind === "code") {
      if (two === "--") kind = "comment";
      else if (two === "/*") kind = "block";
      else if (before[at] === "'") kind = "text";
      else if (before[at] === '"') kind = "name";
    } else if ((kind === "comment" && before[at] === "\n") || (kind === "text" && before[at] === "'") || (kind === "name" && before[at] === '"')) kind = "code";
    else if (kind === "block" && two === "*/") {
      kind = "code";
      at++;
    }
  }
  return kind === "block" ? "comment" : kind;
}

function best(list: readonly SqlProposal[], typed: string): SqlProposal[] {
  const wanted = typed.toLowerCase();
  const rank = (text: string) => (text.startsWith(wanted) ? 0 : text.includes(`_${wanted}`) || text.includes(`.${wanted}`) ? 1 : text.includes(wanted) && wanted.length > 2 ? 2 : 3);
  return list
    .map((one, at) => ({ one, at, rank: rank(one.text.toLowerCase()) }))
    .filter((entry) => entry.rank < 3 && entry.one.text.toLowerCase() !== wanted)
    .sort((a, b) => a.rank - b.rank || a.at - b.at)
    .slice(0, PROPOSALS)
    .map((entry) => entry.one);
}

/* Columns of the tables that the statement names come first; of two tables with one column the name stands once. */
function words_of(text: string, schema: Schema): SqlProposal[] {
  const tables = [...new Set(schema.columns.map((column) => column.table))];
  const named = tables.filter((table) => new RegExp(`\\b${table}\\b`).test(text));
  const seen = new Set<string>();
  const columns = [...schema.columns.filter((one) => named.includes(one.table)), ...schema.columns.filter((one) => !named.includes(one.table))].filter((one) => !seen.has(one.name) && seen.add(one.name));
  return [
    ...columns.map((one) => ({ text: one.name, hint: one.type })),
    ...tables.map((table) => ({ text: table, hint: "table" })),
    ...FUNCTIONS.map((name) => ({ text: name, hint: "function" })),
    ...KEYWORDS.map((word) => ({ text: word, hint: "" })),
  ];
}

export function sql_proposals(text: string, cursor: number, schema: Schema | undefined): { from: number; list: SqlProposal[] } {
  const nothing = { from: cursor, list: [] };
  const before = text.slice(0, cursor);
  if (!schema || /\w/.test(text[cursor] ?? "")) return nothing;
  const attribute = /(?:attributes|resource)\s*->>?\s*'([^']*)$/.exec(before);
  if (attribute) {
    const typed = attribute[1] ?? "";
    return { from: cursor - typed.length, list: best(schema.attributes.map((name) => ({ text: `${name}'`, hint: "attribute" })), typed) };
  }
  const word = /[A-Za-z_][\w$]*$/.exec(before)?.[0] ?? "";
  if (word.length < 2 || place_kind(before) !== "code") return nothing;
  return { from: cursor - word.length, list: best(words_of(text, schema), word) };
}
