/* The dialogs of what can be done with issues: ignore until ..., assign, merge, resolve after a release. */
import { useState } from "preact/hooks";
import type { ComponentChildren } from "preact";
import { useLoad } from "../api/load";
import type { Schemas } from "../api/client";
import { Sheet } from "../frame/sheet";
import { all_of, me } from "../session";
import { project_name } from "../url";
import { change_issues, merge_issues } from "./load";
import { counted, type Issue, type IssueChange } from "./issues";

export type SheetKind = "" | "ignore" | "assign" | "merge";
interface SheetProps {
  issues: readonly Issue[];
  onClose: () => void;
  onDone: (into?: number) => void;
}
export const issues_words = (issues: readonly Issue[]): string => (issues.length === 1 ? `#${issues[0]?.number}` : counted(issues.length, "issue"));

export function ActSheet({ kind, ...props }: SheetProps & { kind: SheetKind }) {
  if (kind === "" || props.issues.length === 0) return null;
  return kind === "ignore" ? <IgnoreSheet {...props} /> : kind === "assign" ? <AssignSheet {...props} /> : <MergeSheet {...props} />;
}

function FormSheet({ title, act, is_ready = true, onClose, onSend, children }: { title: string; act: string; is_ready?: boolean; onClose: () => void; onSend: () => void; children: ComponentChildren }) {
  return (
    <Sheet title={title} onClose={onClose}>
      <form
        class="sheet-form"
        onSubmit={(event) => {
          event.preventDefault();
          onClose();
          onSend();
        }}
      >
        <h1>{title}</h1>
        {children}
        <div class="row">
          <button class="primary" disabled={!is_ready}>
            {act}
          </button>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
        </div>
      </form>
    </Sheet>
  );
}

const TIMES: readonly { text: string; until: string }[] = [
  { text: "no time", until: "" },
  { text: "1 hour", until: "now+1h" },
  { text: "8 hours", until: "now+8h" },
  { text: "1 day", until: "now+1d" },
  { text: "7 days", until: "now+7d" },
  { text: "30 days", until: "now+30d" },
];
const count_of = (text: string) => (/^[1-9]\d{0,8}$/.test(text.trim()) ? Number(text) : null);

function IgnoreSheet({ issues, onClose, onDone }: SheetProps) {
  const [until, set_until] = useState("");
  const [events, set_events] = useState("");
  const [users, set_users] = useState("");
  const is_right = [events, users].every((text) => text.trim() === "" || count_of(text) !== null);
  const ends = [until && `for ${TIMES.find((one) => one.until === until)?.text}`, count_of(events) !== null && `until ${counted(count_of(events) ?? 0, "further event")}`, count_of(users) !== null && `until ${counted(count_of(users) ?? 0, "further user")}`].filter(Boolean);
  const send = () => {
    const change: IssueChange = { state: "ignored", ignore: { until: until || null, events: count_of(events), users: count_of(users) } };
    void change_issues(issues, change, `${issues_words(issues)} ignored ${ends.length > 0 ? ends.join(", or ") : "until somebody says otherwise"}`, onDone);
  };
  return (
    <FormSheet title={`Ignore ${issues_words(issues)}`} act="Ignore" is_ready={is_right} onClose={onClose} onSend={send}>
      <label>
        For
        <select value={until} onChange={(event) => set_until(event.currentTarget.value)}>
          {TIMES.map((one) => (
            <option key={one.until} value={one.until}>
              {one.text}
            </option>
          ))}
        </select>
      </label>
      <label>
        Or until so many further events
        <input inputMode="numeric" value={events} placeholder="as many as come" onInput={(event) => set_events(event.currentTarget.value)} />
      </label>
      <label>
        Or until it has met so many further users
        <input inputMode="numeric" value={users} placeholder="as many as there are" onInput={(event) => set_users(event.currentTarget.value)} />
      </label>
      <p class="soft">{is_right ? `It is ignored ${ends.length > 0 ? `${ends.join(", or ")}, whatever comes first` : "until somebody says otherwise"}.` : "Events and users are whole numbers."}</p>
    </FormSheet>
  );
}

function AssignSheet({ issues, onClose, onDone }: SheetProps) {
  const members = useLoad(project_name.value, () => all_of<Schemas["Member"]>(`/projects/${encodeURIComponent(project_name.value)}/members`));
  const [who, set_who] = useState("me");
  const name = who === "me" ? (me.value?.email ?? "me") : (members.value?.find((one) => one.id === who)?.name ?? who);
  const send = () => void change_issues(issues, { assignee: who === "nobody" ? null : who }, `${issues_words(issues)} assigned to ${name}`, onDone);
  return (
    <FormSheet title={`Assign ${issues_words(issues)}`} act="Assign" onClose={onClose} onSend={send}>
      <label>
        To
        <select value={who} onChange={(event) => set_who(event.currentTarget.value)}>
          <option value="me">me</option>
          <option value="nobody">nobody</option>
          {members.value?.map((one) => (
            <option key={one.id} value={one.id}>
              {one.kind === "team" ? `team ${one.name}` : one.name}
            </option>
          ))}
        </select>
      </label>
      {members.problem && <p class="error-text told">{members.problem.detail}</p>}
    </FormSheet>
  );
}

/* One: into another that is named. Several: into one of them. */
function MergeSheet({ issues, onClose, onDone }: SheetProps) {
  const is_one = issues.length === 1;
  const [into, set_into] = useState(is_one ? "" : String(Math.min(...issues.map((one) => one.number))));
  const number = Number(into.replace(/^#/, ""));
  const from = issues.map((one) => one.number).filter((one) => one !== number);
  const is_right = Number.isInteger(number) && number > 0 && from.length > 0;
  return (
    <FormSheet title={`Merge ${issues_words(issues)}`} act="Merge" is_ready={is_right} onClose={onClose} onSend={() => void merge_issues(from, number, onDone)}>
      {is_one ? (
        <label>
          Into the issue with the number
          <input value={into} placeholder="#12" inputMode="numeric" autofocus onInput={(event) => set_into(event.currentTarget.value.trim())} />
        </label>
      ) : (
        <fieldset class="merge-choice">
          <legend>Which one stays?</legend>
          {issues.map((issue) => (
            <label key={issue.number} class="row">
              <input type="radio" name="into" checked={issue.number === number} onChange={() => set_into(String(issue.number))} />
              <span class="told ellipsis">
                #{issue.number} {issue.title.slice(0, 100)}
              </span>
            </label>
          ))}
        </fieldset>
      )}
      <p class="soft">Its errors and what comes of them go along, and old links lead there. What people moved stays where it is.</p>
    </FormSheet>
  );
}
