/* Which columns the table has: from the list that the server itself is made of (schemas/), in the same binary, so that a page asks
 * nobody before it asks for rows. A new column is found here by itself. */
import told from "../../../schemas/otel_logs_and_spans.schema?raw";
import { catalog_of, type Catalog } from "./fields";

export interface Column {
  name: string;
  type: string; /* as information_schema calls it */
}
const TYPES: Record<string, string> = { json: "jsonb", "text[]": "ARRAY", timestamptz: "timestamp with time zone" };

/* Lines of name, type, flags; "#" begins one for people. */
export function columns_of(text: string): Column[] {
  return text
    .split("\n")
    .filter((line) => line.trim() !== "" && !line.startsWith("#"))
    .map((line) => {
      const [name = "", type = ""] = line.trim().split(/\s+/);
      return { name, type: TYPES[type] ?? type };
    });
}

export const catalog: Catalog = catalog_of(columns_of(told));
