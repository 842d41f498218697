import { describe, expect, it } from "vitest";
import { bars_of, bars_path, health_of, lag_words, senders_of, since, type IntakeSignal, type Reason } from "./intake";

const now = Date.parse("2026-11-28T12:00:00Z") * 1e3;
const signal = (part: Partial<IntakeSignal>): IntakeSignal => ({ signal: "logs", seen_at: null, accepted_at: null, requests: 0, repeats: 0, partial: 0, refused: 0, records: 0, rejected: 0, bytes: 0, lag: null, series: [], ...part });

describe("a key", () => {
  it("sends, fails, is quiet, or never was", () => {
    expect(health_of([], now)).toBe("never");
    expect(health_of([signal({ seen_at: "2026-11-28T11:59:00Z", accepted_at: "2026-11-28T11:59:00Z" })], now)).toBe("sends");
    expect(health_of([signal({ seen_at: "2026-11-28T11:59:30Z", accepted_at: "2026-11-28T11:59:00Z" })], now)).toBe("fails");
    expect(health_of([signal({ seen_at: "2026-11-28T11:59:30Z", accepted_at: "2026-11-28T11:59:30Z" }), signal({ seen_at: "2026-11-28T11:00:00Z" })], now)).toBe("sends");
    expect(health_of([signal({ seen_at: "2026-11-28T11:54:59Z", accepted_at: null })], now)).toBe("quiet");
  });
  it("has a bar a step, also where nothing came", () => {
    const series = [
      { at: "2026-11-28T11:58:00Z", requests: 2, refused: 1, records: 40 },
      { at: "2026-11-28T11:59:00Z", requests: 1, refused: 0, records: 5 },
      { at: "2026-11-28T13:00:00Z", requests: 9, refused: 9, records: 9 },
    ];
    expect(bars_of(series, (bar) => bar.records, "2026-11-28T11:56:30Z", "2026-11-28T12:00:00Z", 60)).toEqual([0, 0, 40, 5]);
    expect(bars_of([], (bar) => bar.records, "2026-11-28T12:00:00Z", "2026-11-28T12:00:00Z", 60)).toEqual([0]);
  });
  it("draws what is there, however little, on what is below it", () => {
    expect(bars_path([0, 1000, 1], 1000)).toBe("M33.33 20.00v-20.00h30.00v20.00zM66.67 20.00v-1.00h30.00v1.00z");
    expect(bars_path([5], 10, [5])).toBe("M0.00 10.00v-10.00h90.00v10.00z");
  });
});

describe("words", () => {
  it("of how late, and of a clock that is ahead", () => {
    expect(lag_words({ mean_ms: 400, max_ms: 3200, min_ms: -20 })).toBe("400 ms, at most 3.20 s");
    expect(lag_words({ mean_ms: -4000, max_ms: 0, min_ms: -5000 })).toBe("at once; its clock is 5.00 s ahead");
    expect(lag_words({ mean_ms: 0.2, max_ms: 4, min_ms: 0 })).toBe("at once, at most 4.00 ms");
    expect(lag_words(null)).toBe("");
  });
  it("of senders: one line for one that sends several signals", () => {
    const of = (one: "logs" | "traces", requests: number, seen_at: string) => ({ signal: one, agent: "OTel-OTLP/1.27", sdk: "opentelemetry python 1.27.0", requests, seen_at });
    expect(senders_of([of("traces", 2, "2026-11-28T11:00:00Z"), of("logs", 3, "2026-11-28T12:00:00Z"), { signal: "logs", agent: null, sdk: null, requests: 1, seen_at: "2026-11-28T10:00:00Z" }])).toEqual([
      { words: "opentelemetry python 1.27.0 · OTel-OTLP/1.27", signals: "logs, traces", requests: 5, seen_at: "2026-11-28T12:00:00Z" },
      { words: "says nothing of itself", signals: "logs", requests: 1, seen_at: "2026-11-28T10:00:00Z" },
    ]);
  });
  it("of what was refused since one began to wait", () => {
    const of = (seen_at: string): Reason => ({ signal: "logs", code: "input", happened: 1, example: "", advice: "", seen_at });
    expect(since([of("2026-11-28T11:59:00Z"), of("2026-11-28T12:00:01Z"), of("2026-11-28T12:00:02Z")], now).map((one) => one.seen_at)).toEqual(["2026-11-28T12:00:02Z", "2026-11-28T12:00:01Z"]);
  });
});
