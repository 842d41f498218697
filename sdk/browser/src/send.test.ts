import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Sender } from "./send";
import type { LogRecord } from "./otlp";

const log = (body: string): LogRecord => ({ signal: "logs", at_ms: 1, event: "e", body, severity: 9, attributes: {}, within: undefined });
const bodies: string[] = [];
let answers: (() => Response)[] = [];
const sender = () =>
  new Sender({
    endpoint: "https://m.example", key: "k", version: "1", resource: () => ({}),
    fetch: async (_url, init) => {
      const body = init?.body as string | ArrayBuffer;
      bodies.push(typeof body === "string" ? body : await new Response(new Blob([body]).stream().pipeThrough(new DecompressionStream("gzip"))).text());
      const answer = answers.shift();
      return answer ? answer() : new Response("{}");
    },
  });
const records = () => bodies.map((body) => JSON.parse(body).resourceLogs[0].scopeLogs[0].logRecords.map((record: { body: { stringValue: string } }) => record.body.stringValue));

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  vi.spyOn(Math, "random").mockReturnValue(1);
  bodies.length = 0;
  answers = [];
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

test("a server that is busy gets the same records again when it said so, once", async () => {
  answers = [() => new Response("", { status: 503, headers: { "retry-after": "7" } })];
  const ours = sender();
  ours.add(log("a"));
  await vi.advanceTimersByTimeAsync(2000);
  expect(records()).toEqual([["a"]]);
  ours.add(log("b"));
  await vi.advanceTimersByTimeAsync(6900);
  expect(bodies).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(200);
  expect(records()).toEqual([["a"], ["a", "b"]]);
  await vi.advanceTimersByTimeAsync(100000);
  expect(bodies).toHaveLength(2);
});

test("a server that is away is asked less and less often, at most each minute", async () => {
  answers = Array.from({ length: 20 }, () => () => {
    throw new TypeError("Failed to fetch");
  });
  const ours = sender();
  ours.add(log("a"));
  await vi.advanceTimersByTimeAsync(2000);
  await vi.advanceTimersByTimeAsync(1000 + 2000 + 4000 + 8000 + 16000 + 32000);
  expect(bodies).toHaveLength(7);
  await vi.advanceTimersByTimeAsync(120000);
  expect(bodies).toHaveLength(9);
});

test("what waits is bounded, the oldest goes, and what went is told", async () => {
  const ours = sender();
  for (let i = 0; i < 2500; i++) ours.add(log(String(i)));
  expect(ours.dropped).toBe(500);
  await vi.advanceTimersByTimeAsync(2000);
  await vi.waitFor(() => expect(records().flat()).toHaveLength(2000), 20000); /* compression takes real time */
  expect(records().flat()).toEqual(Array.from({ length: 2000 }, (_, i) => String(i + 500)));
  expect(bodies[0]).toContain('"monoscope.sdk.dropped","value":{"intValue":"500"}');
});

test("a key that is not taken ends it", async () => {
  const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
  answers = [() => new Response("", { status: 403 })];
  const ours = sender();
  ours.add(log("a"));
  await vi.advanceTimersByTimeAsync(2000);
  ours.add(log("b"));
  await vi.advanceTimersByTimeAsync(100000);
  expect(bodies).toHaveLength(1);
  expect(warn).toHaveBeenCalledOnce();
});

test("on leaving, what fits into what a browser lets outlive the page goes at once", () => {
  const ours = sender();
  for (let i = 0; i < 100; i++) ours.add(log("x".repeat(1000)));
  ours.leave();
  const sent = bodies.reduce((sum, body) => sum + body.length, 0);
  expect(sent).toBeGreaterThan(40000);
  expect(sent).toBeLessThan(64 * 1024);
});
