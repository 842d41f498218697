import { describe, expect, it } from "vitest";
import { error_ids } from "../row/error_ids";
import { activity_words, ago, chosen_read, chosen_turn, frame_runs, frame_words, ignored_words, list_query, place_words, undo_of, without_jump, type Frame, type Issue } from "./issues";
import { error_line } from "./error_line";
import { line_of } from "./rule_line";
import { over_time, release_marks } from "./shape";

const T0 = "2026-11-27T03:00:00Z";
const issue = (number: number, more: Partial<Issue> = {}): Issue => ({
  number, title: "TypeError", message: "x", culprit: "", service: "web", language: "javascript", category: "", state: "new", state_since: T0, resolved_in_release: null, ignored: null, assignee: null,
  first_seen: T0, last_seen: T0, total_count: 3, total_users: 1, count: 3, users: 1, over_time: { from: T0, to: "2026-11-27T03:03:00Z", step_seconds: 60, counts: [1, 0, 2] }, first_release: null, last_release: null, ...more,
});
const frame = (function_name: string, in_app: boolean, more: Partial<Frame> = {}): Frame => ({ module: "", function: function_name, file: "a.js", line: 3, column: 7, in_app, ...more });
const show = () => "THEN";

describe("the list's state in the address", () => {
  it("asks what the address says, under the server's names", () => {
    expect(list_query(new URLSearchParams("q=cart+total&state=resolved&env=prod&from=now-1h&chosen=3"))).toEqual({ q: "cart total", state: "resolved", environment: "prod" });
  });
  it("reads chosen numbers, and nothing that is none", () => {
    expect(chosen_read("3,x,3,-1,12,1.5,")).toEqual([3, 12]);
    expect(chosen_turn(chosen_turn([3], 12), 3)).toEqual([12]);
  });
});

describe("a list that is read anew", () => {
  const shown = [issue(2), issue(1)];
  const fresh = [issue(3), issue(1, { count: 9 }), issue(2)];
  it("keeps its order while somebody works in it; what is new waits", () => {
    const next = without_jump(shown, fresh, true);
    expect(next.rows.map((one) => one.number)).toEqual([2, 1]);
    expect(next.rows[1]?.count).toBe(9);
    expect(next.waiting).toBe(1);
  });
  it("is as it was asked for otherwise, and at first", () => {
    expect(without_jump(shown, fresh, false)).toEqual({ rows: fresh, waiting: 0 });
    expect(without_jump([], fresh, true).waiting).toBe(0);
  });
});

describe("undo", () => {
  it("puts each back to what it was, alike ones together", () => {
    const ignored = { until: null, events: 10, users: null, events_so_far: 4, users_so_far: 0 };
    const before = [issue(1), issue(2, { state: "escalating" }), issue(3, { state: "resolved", resolved_in_release: "1.4" }), issue(4, { state: "ignored", ignored })];
    expect(undo_of(before, { state: "resolved" })).toEqual([
      { issues: [1, 2], change: { state: "ongoing" } },
      { issues: [3], change: { state: "resolved", release: "1.4" } },
      { issues: [4], change: { state: "ignored", ignore: { until: null, events: 6, users: null } } },
    ]);
  });
  it("gives the assignee back, and leaves the state", () => {
    const before = [issue(1, { assignee: { kind: "user", id: "u1", name: "Ann", email: null } }), issue(2)];
    expect(undo_of(before, { assignee: "me" })).toEqual([
      { issues: [1], change: { assignee: "u1" } },
      { issues: [2], change: { assignee: null } },
    ]);
  });
});

describe("words", () => {
  it("says how long ago", () => {
    const now = 1e15;
    expect([5e6, 90e6, 2 * 3600e6, 3 * 86400e6, 800 * 86400e6, -5e6].map((us) => ago(now - us, now))).toEqual(["just now", "1 min ago", "2 h ago", "3 d ago", "2 y ago", "just now"]);
    expect(ago(NaN, now)).toBe("never");
  });
  it("says until when it is ignored", () => {
    expect(ignored_words({ until: T0, events: 10, users: 1, events_so_far: 4, users_so_far: 0 }, show)).toBe("until THEN, or 10 further events (4 so far), or 1 further user (0 so far)");
    expect(ignored_words({ until: null, events: null, users: null, events_so_far: 0, users_so_far: 0 }, show)).toBe("until somebody says otherwise");
  });
  it("tells the activity", () => {
    const told = (what: string, detail: Record<string, unknown>, actor: string | null = "ann") => activity_words({ id: "", at: T0, actor, what: what as "began", detail: detail as Record<string, never> }, show);
    expect(told("began", {}, null)).toBe("was seen for the first time");
    expect(told("state", { from: "resolved", to: "regressed", why: "event", release: "1.5" }, null)).toBe("became regressed: it came again, in release 1.5");
    expect(told("state", { from: "new", to: "resolved", release: "1.4" })).toBe("resolved it, for what comes after release 1.4");
    expect(told("state", { from: "new", to: "ignored", until_unix_us: 5, until_count: 10 })).toBe("ignored it until THEN, or 10 further events");
    expect(told("state", { from: "resolved", to: "ongoing" })).toBe("opened it again");
    expect(told("merged_in", { from: 3, fingerprints: 1 })).toBe("merged #3 into this: 1 fingerprint");
    expect(told("split_off", { into: 9, fingerprints: 2 })).toBe("split 2 fingerprints off into #9");
    expect(told("assigned", { to: null })).toBe("took the assignee away");
  });
});

describe("a stack", () => {
  it("folds runs of library frames, and nothing where all are", () => {
    const runs = frame_runs([frame("emit", false), frame("pay", true), frame("total", true), frame("next", false), frame("handle", false)]);
    expect(runs.map((run) => [run.is_app, run.frames.length])).toEqual([[false, 1], [true, 2], [false, 2]]);
    expect(frame_runs([frame("a", false), frame("b", false)])).toHaveLength(1);
    expect(frame_runs([])).toEqual([]);
  });
  it("names a frame and its place", () => {
    expect(frame_words(frame("total", true, { module: "shop.cart" }))).toBe("shop.cart total");
    expect(frame_words(frame("shop.cart.total", true, { module: "shop.cart" }))).toBe("shop.cart.total");
    expect(frame_words(frame("", true))).toBe("(anonymous)");
    expect(place_words(frame("total", true))).toBe("a.js:3:7");
    expect(place_words(frame("total", true, { file: "", line: null, column: null }))).toBe("");
  });
});

describe("the chart", () => {
  const detail = {
    issue: issue(1), merged_numbers: [], known: null, fingerprints: 1, latest_event: null, first_event: null, services: [],
    environments: [{ environment: "prod", count: 2, counts: [0, 0, 2] }, { environment: "", count: 1, counts: [1, 0, 0] }],
    releases: [
      { release: "1.5", environment: "prod", first_seen: "2026-11-27T03:02:00Z", last_seen: T0, count: 1 },
      { release: "1.5", environment: "test", first_seen: "2026-11-27T03:01:00Z", last_seen: T0, count: 1 },
      { release: "1.4", environment: "prod", first_seen: "2026-11-20T03:01:00Z", last_seen: T0, count: 1 },
    ],
  };
  it("has a series for each environment, and the steps of the answer", () => {
    const data = over_time(detail);
    expect(data.series.map((one) => [one.name, one.values])).toEqual([["prod", [0, 0, 2]], ["no environment", [1, 0, 0]]]);
    expect(data.times).toHaveLength(3);
    expect(over_time({ ...detail, environments: [] }).series[0]?.values).toEqual([1, 0, 2]);
  });
  it("marks a release where it was first met, once, and only in the range", () => {
    const data = over_time(detail);
    expect(release_marks(detail, data.range)).toEqual([{ text: "1.5", t_us: Date.parse("2026-11-27T03:01:00Z") * 1e3 }]);
  });
});

describe("rules", () => {
  it("finds the line of a mistake", () => {
    const rules = "type:A -> a\ntype: -> b\n";
    expect(line_of("line 2: a matcher has no value", rules)).toEqual({ line: 2, text: "type: -> b", begin: 12, end: 22 });
    expect(line_of("they are too long", rules)).toBeUndefined();
    expect(line_of("line 9: what", rules)).toBeUndefined();
  });
});

describe("an error to send", () => {
  it("is JSON in a shell's quotes", () => {
    const line = error_line("127.0.0.1", "KEY");
    const body = JSON.parse(/-d '(.*)'$/s.exec(line)?.[1] ?? "") as { resourceLogs: unknown[] };
    expect(body.resourceLogs).toHaveLength(1);
    expect(line).toContain("Bearer KEY");
  });
});

describe("the errors of a row", () => {
  it("are among its hashes, each once", () => {
    const id = "8429d7fa-40ca-5736-b2de-2f611da3858f";
    expect(error_ids({ hashes: [`err:${id}`, "pat:1", `err:${id}`] })).toEqual([id]);
    expect(error_ids({ hashes: `{err:${id},pat:2}` })).toEqual([id]);
    expect(error_ids({ hashes: JSON.stringify([`err:${id}`]) })).toEqual([id]);
    expect(error_ids({})).toEqual([]);
  });
});
