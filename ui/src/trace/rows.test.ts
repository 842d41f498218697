import { describe, expect, it } from "vitest";
import { find, folded_at_first, is_coming, shape, visible, type Span } from "./rows";

const MS = 1e3;
function span(id: string, parent_id: string, start_ms: number, ms: number, more: Partial<Span> = {}): Span {
  return { id, parent_id, name: `work ${id}`, service: "a", kind: "internal", is_error: false, start_us: start_ms * MS, duration_ns: ms * 1e6, ...more };
}

describe("shape", () => {
  const trace = shape([
    span("c", "a", 60, 30, { is_error: true, service: "b" }),
    span("a", "", 0, 100),
    span("b", "a", 10, 40),
    span("d", "b", 20, 10),
    span("x", "gone", 5, 5),
  ]);
  const at = (id: string) => trace.spans.findIndex((one) => one.id === id);

  it("stands depth first by start, whatever the order", () => {
    expect(trace.spans.map((one) => one.id)).toEqual(["a", "b", "d", "c", "x"]);
    expect(Array.from(trace.depth)).toEqual([0, 1, 2, 1, 0]);
    expect(Array.from(trace.next)).toEqual([4, 3, 3, 4, 5]);
    expect(trace.orphan_count).toBe(1);
    expect([trace.begin_us, trace.end_us]).toEqual([0, 100 * MS]);
  });
  it("knows self time", () => {
    expect(Array.from(trace.self_ns, (ns) => ns / 1e6)).toEqual([30, 30, 10, 30, 5]);
  });
  it("knows the critical path", () => {
    expect(trace.spans.filter((_, index) => trace.on_path[index]).map((one) => one.id)).toEqual(["a", "b", "d", "c"]);
    const beside = shape([span("a", "", 0, 100), span("long", "a", 0, 95), span("short", "a", 10, 20)]);
    expect(beside.spans.filter((_, index) => beside.on_path[index]).map((one) => one.id)).toEqual(["a", "long"]);
    const tries = shape([span("a", "", 0, 100), span("first", "a", 0, 51), span("second", "a", 50, 49)]);
    expect(tries.spans.filter((_, index) => tries.on_path[index]).map((one) => one.id)).toEqual(["a", "first", "second"]);
  });
  it("knows errors below", () => {
    expect(trace.has_error_below[at("a")]).toBe(1);
    expect(trace.has_error_below[at("b")]).toBe(0);
    expect(trace.error_count).toBe(1);
  });
  it("never puts two spans of one lane over each other", () => {
    const many: Span[] = [span("r", "", 0, 1000)];
    for (let i = 0; i < 500; i++) many.push(span(`s${i}`, i % 3 ? `s${Math.max(0, i - 7)}` : "r", (i * 37) % 900, 5 + ((i * 13) % 90)));
    const shaped = shape(many);
    const by_lane = new Map<number, Span[]>();
    shaped.spans.forEach((one, index) => by_lane.set(shaped.lane[index] ?? 0, [...(by_lane.get(shaped.lane[index] ?? 0) ?? []), one]));
    for (const lane of by_lane.values()) {
      lane.sort((a, b) => a.start_us - b.start_us);
      for (let i = 1; i < lane.length; i++) expect(lane[i]!.start_us).toBeGreaterThanOrEqual(lane[i - 1]!.start_us + lane[i - 1]!.duration_ns / 1e3);
    }
    expect(shaped.spans).toHaveLength(501);
  });
});

describe("what should not be", () => {
  it("cuts cycles and keeps every span once", () => {
    const shaped = shape([span("a", "b", 0, 10), span("b", "a", 1, 5), span("c", "c", 2, 2), span("a", "b", 3, 1)]);
    expect(shaped.spans).toHaveLength(4);
    expect(Array.from(shaped.parent).filter((up) => up < 0).length).toBeGreaterThan(0);
  });
  it("takes none", () => {
    expect(shape([]).spans).toEqual([]);
  });
  it("tells of clocks that differ", () => {
    const shaped = shape([span("a", "", 100, 100), span("b", "a", 60, 50, { service: "b" }), span("c", "a", 120, 10, { service: "b" })]);
    expect(Array.from(shaped.skew_us)).toEqual([0, -65 * MS, 0]);
  });
});

describe("rows to be seen", () => {
  const trace = shape([span("a", "", 0, 10), span("b", "a", 1, 5), span("c", "b", 2, 2), span("d", "a", 8, 1)]);
  it("folds subtrees", () => {
    expect(Array.from(visible(trace, new Set(["b"])))).toEqual([0, 1, 3]);
    expect(Array.from(visible(trace, new Set(["a"])))).toEqual([0]);
  });
  it("finds all words in any place", () => {
    expect(Array.from(find(trace, "WORK b"))).toEqual([1]);
    expect(Array.from(find(trace, " "))).toEqual([]);
  });
  it("opens a large one folded", () => {
    const many = shape([span("r", "", 0, 100), ...Array.from({ length: 50 }, (_, i) => span(`c${i}`, "r", i, 1)), ...Array.from({ length: 500 }, (_, i) => span(`g${i}`, `c${i % 50}`, i / 10, 0.1))]);
    expect(visible(many, folded_at_first(many, 100)).length).toBe(51);
    expect(folded_at_first(many, 1000).size).toBe(0);
  });
});

it("shapes 100,000 spans in a moment", () => {
  const many: Span[] = [span("s0", "", 0, 100000)];
  for (let i = 1; i < 100000; i++) many.push(span(`s${i}`, `s${Math.max(0, i - 1 - ((i * 7919) % 50))}`, i / 2, 50));
  expect(shape(many).spans).toHaveLength(100000);
});

describe("is_coming", () => {
  const whole = shape([span("00000000000000aa", "", 0, 100)]), torn = shape([span("00000000000000aa", "00000000000000bb", 0, 100)]);
  it("expects more where a parent, the span that was asked for, or all is missing, of what has just been", () => {
    expect(is_coming(whole, "", 1000)).toBe(false);
    expect(is_coming(whole, "00000000000000aa", 1000)).toBe(false);
    expect(is_coming(whole, "error", 1000)).toBe(false);
    expect(is_coming(whole, "00000000000000cc", 1000)).toBe(true);
    expect(is_coming(torn, "", 1000)).toBe(true);
    expect(is_coming(torn, "", 1000000)).toBe(false);
    expect(is_coming(shape([]), "", 1000)).toBe(true);
  });
});
