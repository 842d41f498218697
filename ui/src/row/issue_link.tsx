/* From a row with an error to its issue. Which one it is, is asked when somebody goes there (issues/of/ID). */
import type { Cell } from "../api/client";
import { is_guest } from "../session";
import { href, param, project_path } from "../url";
import { error_ids } from "./error_ids";

export function IssueLinks({ row }: { row: Record<string, Cell> }) {
  const ids = is_guest.value ? [] : error_ids(row);
  return (
    <>
      {ids.map((id, at) => (
        <a key={id} class="button issue-link" href={href(project_path(`issues/of/${id}`), { from: param("from"), to: param("to"), tz: param("tz"), env: param("env") })}>
          {ids.length === 1 ? "Its issue" : `Issue of error ${at + 1}`}
        </a>
      ))}
    </>
  );
}
