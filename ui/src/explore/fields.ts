/* Fields: OpenTelemetry's names for people, SQL for the store.
 *
 *   "service.name"  -> resource___service___name      a column of the table
 *   "http.route"    -> attributes->>'http.route'      no column: in the JSON of the rest
 *
 * Which columns there are: columns.ts.
 */
import { SHORT } from "./short";

export type FieldType = "text" | "number" | "boolean" | "time" | "json";
export interface Field {
  name: string;
  sql: string;
  type: FieldType;
}
export interface Catalog {
  columns: Field[];
  by_name: Map<string, Field>;
}

/* Not to be filtered or grouped by: parts of rows that have their own place in the page. */
const HIDDEN = new Set(["date", "project_id", "hashes", "summary", "severity", "context", "attributes", "resource", "message_size_bytes"]);

export function field_name(column: string): string {
  const rest = /^(attributes|resource|context|severity)___(.+)$/.exec(column);
  if (!rest) return column;
  const dotted = (rest[2] ?? "").replace(/_{2,3}/g, ".");
  return rest[1] === "context" || rest[1] === "severity" ? dotted.replace(/^severity_/, "severity_") : dotted;
}

function type_of(data_type: string): FieldType {
  if (/int|double|numeric|real/.test(data_type)) return "number";
  if (/^timestamp|^date/.test(data_type)) return "time";
  if (data_type === "boolean") return "boolean";
  return data_type === "jsonb" || data_type === "ARRAY" ? "json" : "text";
}

export function catalog_of(columns: readonly { name: string; type: string }[]): Catalog {
  const fields: Field[] = [];
  const by_name = new Map<string, Field>();
  for (const column of columns) {
    if (HIDDEN.has(column.name)) continue;
    const field = { name: field_name(column.name), sql: column.name, type: type_of(column.type) };
    if (by_name.has(field.name)) continue; /* resource.user_agent.original behind the attribute of that name */
    fields.push(field);
    by_name.set(field.name, field);
  }
  return { columns: fields, by_name };
}

export function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/* Any name is a field: what has no column is looked for among the attributes, then in the resource. */
export function field_of(catalog: Catalog, name: string): Field {
  const known = catalog.by_name.get(SHORT[name] ?? name);
  if (known) return known;
  return { name, sql: `coalesce(attributes->>${quoted(name)}, resource->>${quoted(name)})`, type: "text" };
}

/* The facets at the side, as far as their fields have values. */
export const FACETS: readonly string[] = [
  "level",
  "service.name",
  "kind",
  "status_code",
  "http.response.status_code",
  "name",
  "http.route",
  "http.request.method",
  "deployment.environment.name",
  "error.type",
  "exception.type",
  "db.system.name",
  "user.id",
  "service.version",
];
