/* The fingerprints of a row's errors, each once: pure. They stand among its hashes as err:ID. */
import type { Cell } from "../api/client";

const ERRORS = 8; /* of a row */

export function error_ids(row: Record<string, Cell>): string[] {
  const cell = row["hashes"];
  const list = Array.isArray(cell) ? cell : typeof cell === "string" ? cell.replace(/^[{[]|[\]}]$/g, "").split(",") : [];
  const ids = list.map((one) => /^"?\s*err:([0-9a-fA-F-]{32,36})"?$/.exec(String(one).trim())?.[1]).filter((id): id is string => id !== undefined);
  return [...new Set(ids)].slice(0, ERRORS);
}
