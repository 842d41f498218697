/* From an error's fingerprint to its issue: /p/{project}/issues/of/{fingerprint}. */
import { useEffect } from "preact/hooks";
import { api, type Schemas } from "../api/client";
import { useLoad } from "../api/load";
import { Empty, Problem, Waiting } from "../frame/state";
import { project_name } from "../url";
import { go_to } from "./issue";

export function OfError({ id }: { id: string }) {
  const found = useLoad(`${project_name.value}\n${id}`, (signal) => api<Schemas["IssueFingerprint"]>(`/projects/${encodeURIComponent(project_name.value)}/errors/${encodeURIComponent(id)}`, { signal }));
  const number = found.value?.issue;
  useEffect(() => {
    if (number) go_to(number, true);
  }, [number]);
  if (found.is_loading || number) return <Waiting what="Looking for its issue" />;
  if (found.problem && found.problem.status !== 404) return <Problem problem={found.problem} again={found.again} />;
  return (
    <Empty title="It is in no issue yet">
      <p class="soft">Errors are counted with the next flush of their rows, a minute at most. One that is past its time is in none any more.</p>
      <button class="primary" onClick={found.again}>
        Look again
      </button>
    </Empty>
  );
}
