/* What the pages of issues ask of the server, and what they change: with a note that can undo it. */
import { api, ApiProblem, type Schemas } from "../api/client";
import { toast } from "../frame/toast";
import { can_share } from "../session";
import { project_name } from "../url";
import { undo_of, type Issue, type IssueChange } from "./issues";

/* Editors and who is more; the server checks it too. */
export const can_change = can_share;

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}
export function issues_path(rest = ""): string {
  return `/projects/${encodeURIComponent(project_name.value)}/issues${rest}`;
}
export function failed(error: unknown): void {
  toast(error instanceof ApiProblem || error instanceof Error ? error.message : String(error), true);
}

async function bulk(issues: readonly number[], change: IssueChange): Promise<void> {
  await api<Schemas["IssueBulkChanged"]>(issues_path("/bulk"), { method: "POST", body: { issues, ...change } });
}

/* words: what was done, "2 issues resolved". `done` is called when the server has it, and again when it was undone. */
export async function change_issues(issues: readonly Issue[], change: IssueChange, words: string, done: () => void): Promise<void> {
  const back = undo_of(issues, change);
  try {
    await bulk(issues.map((issue) => issue.number), change);
  } catch (error) {
    failed(error);
    return;
  }
  done();
  toast(words, false, {
    text: "Undo",
    run: () => {
      Promise.all(back.map((one) => bulk(one.issues, one.change))).then(
        () => {
          toast("Undone");
          done();
        },
        failed,
      );
    },
  });
}

const FINGERPRINTS_MAX = 1000;
async function fingerprints_of(number: number): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const page: Page<Schemas["IssueFingerprint"]> = await api(issues_path(`/${number}/fingerprints`), { query: { limit: 100, cursor } });
    ids.push(...page.items.map((one) => one.id));
    cursor = page.next_cursor ?? undefined;
  } while (cursor && ids.length < FINGERPRINTS_MAX);
  return ids.slice(0, FINGERPRINTS_MAX);
}

/* Each of `from` into another. Undoing splits them off again, under new numbers: those of merged issues lead where they went. */
export async function merge_issues(from: readonly number[], into: number, done: (into: number) => void): Promise<void> {
  try {
    const held: string[][] = [];
    for (const number of from) {
      held.push(await fingerprints_of(number));
      await api<Schemas["IssueMoved"]>(issues_path(`/${number}/merge`), { method: "POST", body: { into } });
    }
    done(into);
    toast(`${from.map((number) => `#${number}`).join(", ")} merged into #${into}`, false, {
      text: "Undo",
      run: () => void unmerge(into, held).then(() => done(into), failed),
    });
  } catch (error) {
    failed(error);
  }
}
async function unmerge(into: number, held: readonly string[][]): Promise<void> {
  const numbers: number[] = [];
  for (const fingerprints of held) numbers.push((await api<Schemas["IssueMoved"]>(issues_path(`/${into}/split`), { method: "POST", body: { fingerprints } })).into);
  toast(`Split off again, as ${numbers.map((number) => `#${number}`).join(", ")}`);
}

export async function split_issue(number: number, fingerprints: readonly string[], done: (into: number) => void): Promise<void> {
  try {
    const { into } = await api<Schemas["IssueMoved"]>(issues_path(`/${number}/split`), { method: "POST", body: { fingerprints } });
    done(into);
    toast(`Split off into #${into}`, false, {
      text: "Undo",
      run: () => void api(issues_path(`/${into}/merge`), { method: "POST", body: { into: number } }).then(() => {
        toast(`#${into} is a part of #${number} again`);
        done(number);
      }, failed),
    });
  } catch (error) {
    failed(error);
  }
}
