import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Stream } from "./replay_send";

interface Sent { sequence: number; isLast: boolean; events: { n: number }[] }
const sent: { batch: Sent; keepalive: boolean | undefined }[] = [];
let answers: (() => Response)[] = [];
let snapshots = 0, refused = 0;
const stream = () =>
  new Stream({
    endpoint: "https://m.example", key: "k", head: () => ({ session: "s" }), snapshot: () => void snapshots++, refused: () => void refused++,
    fetch: async (_url, init) => {
      const body = init?.body as string | ArrayBuffer | Uint8Array;
      const is_packed = (init?.headers as Record<string, string>)["content-encoding"] === "gzip";
      const text = typeof body === "string" ? body : is_packed ? await new Response(new Blob([body as ArrayBuffer]).stream().pipeThrough(new DecompressionStream("gzip"))).text() : new TextDecoder().decode(body);
      sent.push({ batch: JSON.parse(text) as Sent, keepalive: init?.keepalive });
      const answer = answers.shift();
      return answer ? answer() : new Response("{}");
    },
  });
const numbers = () => sent.map(({ batch }) => [batch.sequence, ...batch.events.map((event) => event.n)]);
const noise = (bytes: number) => Array.from({ length: bytes }, () => String.fromCharCode(33 + Math.floor(random() * 90))).join("").replace(/["\\]/g, "x");
const random = Math.random;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
  vi.spyOn(Math, "random").mockReturnValue(1);
  sent.length = snapshots = refused = 0;
  answers = [];
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});
const passed = async (ms: number, count: number) => {
  await vi.advanceTimersByTimeAsync(ms);
  await vi.waitFor(() => expect(sent).toHaveLength(count), 5000); /* compression takes real time */
};

test("batches are numbered; one that failed goes again as it was, before what came after", async () => {
  answers = [() => new Response("", { status: 503, headers: { "retry-after": "7" } })];
  const ours = stream();
  ours.add('{"n":1}', false);
  await passed(5000, 1);
  ours.add('{"n":2}', true);
  await passed(6500, 1);
  await passed(2000, 3);
  expect(numbers()).toEqual([[0, 1], [0, 1], [1, 2]]);
});

test("a snapshot goes at once, much too, the rest after 5 s", async () => {
  const ours = stream();
  ours.add('{"n":1}', false);
  await passed(4000, 0);
  ours.add('{"n":2}', true);
  await passed(300, 1);
  ours.add(`{"n":3,"x":"${"x".repeat(50_000)}"}`, false);
  await passed(300, 2);
});

test("the server may ask for a snapshot; a batch that it refuses makes one needed; a key that it refuses ends it", async () => {
  answers = [() => new Response('{"snapshot": true}'), () => new Response("", { status: 400 }), () => new Response("", { status: 403 })];
  const ours = stream();
  for (const [n, asked, over] of [[1, 1, 0], [2, 2, 0], [3, 2, 1]] as const) {
    ours.add(`{"n":${n}}`, true);
    await passed(300, n);
    await vi.waitFor(() => expect([snapshots, refused]).toEqual([asked, over]));
  }
  ours.add('{"n":4}', true);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(sent).toHaveLength(3);
});

test("what waits is bounded: the oldest go, their numbers are missing, and a snapshot is asked for", async () => {
  answers = Array.from({ length: 1000 }, () => () => new Response("", { status: 503 }));
  const ours = stream();
  for (let n = 0; n < 12; n++) {
    ours.add(`{"n":${n},"x":"${noise(900_000)}"}`, true);
    await ours.flush(false);
  }
  expect(snapshots).toBeGreaterThan(0);
  answers = [];
  sent.length = 0;
  await vi.advanceTimersByTimeAsync(120_000);
  await vi.waitFor(() => expect(sent.at(-1)?.batch.sequence).toBe(11), 5000);
  expect(sent[0]?.batch.sequence).toBeGreaterThan(0);
  expect(sent.length).toBeLessThan(12);
}, 20_000);

test("on leaving, what fits goes with keepalive, and says that it is the last", () => {
  const ours = stream();
  ours.add('{"n":1}', false);
  ours.leave(60_000, true);
  return vi.waitFor(() => expect(sent).toMatchObject([{ keepalive: true, batch: { sequence: 0, isLast: true } }]));
});
