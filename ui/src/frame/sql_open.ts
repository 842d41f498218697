/* A statement on the SQL page, with the time, zone and environment of this one. */
import { address, go, project_path } from "../url";

export function sql_open(statement: string): void {
  const { query } = address.value;
  go(project_path("sql"), { q: statement, from: query.get("from"), to: query.get("to"), tz: query.get("tz"), env: query.get("env") });
}
