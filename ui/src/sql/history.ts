/* Statements that were run in this browser, the last first: kept here alone (localStorage), by project. */
export interface Ran {
  sql: string;
  at_ms: number;
  rows: number | null; /* null: it was refused */
  ms: number;
}
const MOST = 50;
const BYTES_MAX = 20000; /* a statement longer than this is not kept */

/* Of the same statement the last run counts. */
export function remembered(list: readonly Ran[], ran: Ran): Ran[] {
  if (ran.sql.trim() === "" || ran.sql.length > BYTES_MAX) return [...list];
  return [ran, ...list.filter((one) => one.sql !== ran.sql)].slice(0, MOST);
}
export function found(list: readonly Ran[], text: string): Ran[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return list.filter((one) => words.every((word) => one.sql.toLowerCase().includes(word)));
}
/* What others wrote there is no list. */
export function read_list(text: string | null): Ran[] {
  try {
    const list: unknown = JSON.parse(text ?? "[]");
    return Array.isArray(list) ? list.filter((one): one is Ran => typeof one === "object" && one !== null && typeof (one as Ran).sql === "string" && typeof (one as Ran).at_ms === "number") : [];
  } catch {
    return [];
  }
}
const key_of = (project: string) => `monoscope.sql.${project}`;
export function history_read(project: string): Ran[] {
  return read_list(localStorage.getItem(key_of(project)));
}
export function history_add(project: string, ran: Ran): void {
  localStorage.setItem(key_of(project), JSON.stringify(remembered(history_read(project), ran)));
}
export function history_forget(project: string): void {
  localStorage.removeItem(key_of(project));
}
