import { expect, test } from "vitest";
import { backend_words, browser_of, clock, mark_of, moment, present, shape, type Batch, type ReplayEvent } from "./shape";

const T = 1790000000000;
const event = (type: number, after: number, data: Record<string, unknown> = {}): ReplayEvent => ({ type, timestamp: T + after, data });
const batch = (sequence: number, events: ReplayEvent[], recording = "r1"): Batch => ({ tab: "t", recording, sequence, events });
const META = event(4, 0, { href: "https://shop.example/", width: 10, height: 10 });
const SNAPSHOT = event(2, 1, { node: {} });

test("batches in any order, one twice: the picture is in order, each event once", () => {
  const one = batch(0, [META, SNAPSHOT]), two = batch(1, [event(3, 10, { source: 0 })]);
  const shaped = shape([two, one, two]);
  expect(shaped.stage.map((at) => at.type)).toEqual([4, 2, 3]);
  expect(shaped.holes).toEqual([]);
  expect(shaped.seen_ms).toBe(T + 1);
});
test("batches without numbers are in the order of their times, and nothing is told as missing", () => {
  const unnumbered = (events: ReplayEvent[]): Batch => ({ tab: "t", recording: "t", events });
  const shaped = shape([unnumbered([event(3, 5000, { source: 0 })]), unnumbered([META, SNAPSHOT]), unnumbered([event(4, 9000), event(2, 9001)])]);
  expect(shaped.stage.map((at) => at.timestamp - T)).toEqual([0, 1, 5000, 9000, 9001]);
  expect(shaped.holes).toEqual([]);
});
test("a missing batch is a hole with its times and its reason", () => {
  const shaped = shape([batch(0, [META, SNAPSHOT]), batch(3, [event(3, 5000, { source: 0 })])]);
  expect(shaped.holes).toEqual([{ from_ms: T + 1, to_ms: T + 5000, why: "batches 1 to 2 have not come" }]);
});
test("changes without a first snapshot are not shown, and it is said", () => {
  const shaped = shape([batch(1, [event(3, 10, { source: 0 }), event(3, 90, { source: 0 })])]);
  expect(shaped.stage).toEqual([]);
  expect(shaped.seen_ms).toBe(Infinity);
  expect(shaped.holes.at(-1)?.why).toMatch(/first snapshot/);
});
test("the recording after another shows nothing of its own until its snapshot is there", () => {
  const shaped = shape([batch(0, [META, SNAPSHOT]), batch(0, [event(3, 100, { source: 0 }), event(4, 200), event(2, 201), event(3, 300, { source: 0 })], "r2")]);
  expect(shaped.stage.map((at) => at.timestamp - T)).toEqual([0, 1, 200, 201, 300]);
});
test("a pause is a hole until there is a picture again", () => {
  const shaped = shape([batch(0, [META, SNAPSHOT, event(5, 10, { tag: "idle", payload: {} }), event(4, 9000), event(2, 9001)])]);
  expect(shaped.holes).toEqual([{ from_ms: T + 10, to_ms: T + 9000, why: "nobody did anything: the recorder waited" }]);
});
test("what happened, in words", () => {
  const told = (tag: string, payload: unknown) => mark_of(event(5, 0, { tag, payload }));
  expect(told("network", { method: "GET", url: "/api", status: 500, start_ms: T - 9, duration_ms: 9, trace_id: "a".repeat(32), span_id: "b".repeat(16) })).toMatchObject({ title: "GET /api 500", level: "error", at_ms: T - 9, trace_id: "a".repeat(32) });
  expect(told("network", { trace_id: "../../x" })?.trace_id).toBe("");
  expect(told("error", { type: "TypeError", message: "x is not" })?.title).toBe("TypeError: x is not");
  expect(told("console", null)).toMatchObject({ kind: "console", title: "" });
  expect(told("what is not known", {})).toBeUndefined();
});
test("events that are none are left out", () => {
  const odd = [null, 7, { type: 3 }, { type: "x", timestamp: T, data: {} }, { type: 3, timestamp: NaN, data: {} }] as unknown as ReplayEvent[];
  expect(shape([batch(0, [...odd, META, SNAPSHOT])]).stage.length).toBe(2);
  expect(shape([{ tab: "t", recording: "r", sequence: 0, events: "no" } as unknown as Batch]).stage).toEqual([]);
});
test("moments", () => {
  expect(moment("1500", T)).toBe(T + 1500);
  expect(moment(String(T + 9), T)).toBe(T + 9);
  expect(moment("-1", T)).toBeUndefined();
  expect(clock(187000)).toBe("3:07");
  expect(clock(3723000)).toBe("1:02:03");
  const list = [{ at_ms: 1 }, { at_ms: 5 }];
  expect([0, 1, 4, 5, 9].map((now) => present(list, now))).toEqual([-1, 0, 0, 1, 1]);
});
test("browsers", () => {
  expect(browser_of("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 Edg/141.0.1")).toBe("Edge 141, Windows");
  expect(browser_of("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36")).toBe("Chrome 141, Linux");
  expect(browser_of("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18.0 Mobile/15E148 Safari/604.1")).toBe("Safari 18, iOS");
  expect(browser_of("curl")).toBe("");
});
test("what the backend did, in words", () => {
  expect(backend_words({ spans: 0, errors: 0, services: [] })).toBe("");
  expect(backend_words({ spans: 1, errors: 1, services: ["checkout"] })).toBe("1 backend span, 1 error, of checkout");
  expect(backend_words({ spans: 1200, errors: 0, services: ["a", "b", "c", "d", "e"] })).toBe("1,200 backend spans, 0 errors, of a, b, c and 2 more");
});
