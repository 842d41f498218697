/* What can be done with issues, as buttons and as keys: the same for those chosen in the list and for the one that is shown. */
import { useState } from "preact/hooks";
import { Menu, type MenuItem } from "../frame/menu";
import { useKeys } from "../keys";
import { can_change, change_issues } from "./load";
import { is_open, type Issue } from "./issues";
import { ActSheet, issues_words, type SheetKind } from "./sheets";

interface ActsProps {
  issues: readonly Issue[]; /* none: the keys do nothing, and there is no button */
  onDone: (into?: number) => void; /* something has changed; after a merge the number that stays */
  children?: preact.ComponentChildren;
}
const GROUP = "Issues";

export function IssueActs({ issues, onDone, children }: ActsProps) {
  const [kind, show] = useState<SheetKind>("");
  const words = issues_words(issues);
  const done = () => onDone();
  const some_open = issues.some((one) => is_open(one.state));
  const some_new = issues.some((one) => is_open(one.state) && one.state !== "ongoing");
  const some_over = issues.some((one) => !is_open(one.state));
  const releases = [...new Set(issues.map((one) => one.last_release ?? ""))];
  const release = releases.length === 1 ? (releases[0] ?? "") : "";
  const resolve = () => void change_issues(issues, { state: "resolved" }, `${words} resolved`, done);
  const resolve_next = () => void change_issues(issues, { state: "resolved", release }, `${words} resolved for what comes after ${release}`, done);
  const seen = () => void change_issues(issues, { state: "ongoing" }, some_over ? `${words} open again` : `${words} seen: ongoing`, done);
  useKeys(
    [
      { keys: "e", text: "Resolve", group: GROUP, run: resolve },
      { keys: "i", text: "Ignore …", group: GROUP, run: () => show("ignore") },
      { keys: "w", text: "Assign …", group: GROUP, run: () => show("assign") },
      { keys: "m", text: "Merge …", group: GROUP, run: () => show("merge") },
      { keys: "u", text: "Seen, or open again", group: GROUP, run: seen },
    ],
    can_change.value && issues.length > 0,
  );
  if (issues.length === 0 || !can_change.value) return <>{children}</>;
  const more = (): MenuItem[] => [
    ...(release && some_open ? [{ text: `Resolve after release ${release.slice(0, 60)}`, run: resolve_next }] : []),
    { text: "Merge …", run: () => show("merge") },
    ...(some_new ? [{ text: "Seen: it is ongoing", run: seen }] : []),
  ];
  return (
    <div class="row issue-acts">
      {some_open && (
        <button class="primary" onClick={resolve}>
          Resolve <kbd aria-hidden="true">e</kbd>
        </button>
      )}
      {some_over && (
        <button onClick={seen}>
          Open again <kbd aria-hidden="true">u</kbd>
        </button>
      )}
      {issues.some((one) => one.state !== "ignored") && (
        <button onClick={() => show("ignore")}>
          Ignore … <kbd aria-hidden="true">i</kbd>
        </button>
      )}
      <button onClick={() => show("assign")}>
        Assign … <kbd aria-hidden="true">w</kbd>
      </button>
      <Menu label="More of what can be done" items={more} button_class="">
        More ▾
      </Menu>
      {children}
      <ActSheet kind={kind} issues={issues} onClose={() => show("")} onDone={onDone} />
    </div>
  );
}
