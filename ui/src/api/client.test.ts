import { afterEach, expect, it, vi } from "vitest";
import { query } from "./client";

const asked: { sql: string; signal: AbortSignal; answer: () => void }[] = [];
function serve() {
  asked.length = 0;
  vi.stubGlobal("fetch", (_: string, call: { body: string; signal: AbortSignal }) =>
    new Promise((resolve, reject) => {
      const sql = (JSON.parse(call.body) as { sql: string }).sql;
      asked.push({ sql, signal: call.signal, answer: () => resolve(new Response(JSON.stringify({ rows: [[sql]] }), { status: 200 })) });
      call.signal.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
    }),
  );
}
afterEach(() => vi.unstubAllGlobals());

it("asks once what two parts of a page ask at once, and again what is asked later", async () => {
  serve();
  const both = [query("shop", "SELECT 1"), query("shop", "SELECT 1"), query("shop", "SELECT 2"), query("other", "SELECT 1")];
  expect(asked.map((one) => one.sql)).toEqual(["SELECT 1", "SELECT 2", "SELECT 1"]);
  asked.forEach((one) => one.answer());
  expect((await Promise.all(both)).map((table) => table.rows)).toEqual([[["SELECT 1"]], [["SELECT 1"]], [["SELECT 2"]], [["SELECT 1"]]]);
  const again = query("shop", "SELECT 1");
  expect(asked).toHaveLength(4);
  asked[3]?.answer();
  await again;
});
it("ends a statement when the last who waits for it has gone", async () => {
  serve();
  const ends = [new AbortController(), new AbortController()];
  const both = ends.map((end) => query("shop", "SELECT 1", { signal: end.signal }).catch((error: Error) => error.name));
  ends[0]?.abort();
  expect(await both[0]).toBe("AbortError");
  expect(asked[0]?.signal.aborted).toBe(false);
  ends[1]?.abort();
  expect(await both[1]).toBe("AbortError");
  expect(asked[0]?.signal.aborted).toBe(true);
  const later = query("shop", "SELECT 1");
  expect(asked).toHaveLength(2);
  asked[1]?.answer();
  expect((await later).rows).toEqual([["SELECT 1"]]);
});
it("asks each time what may change something", () => {
  serve();
  void query("shop", "INSERT INTO t VALUES (1)").catch(() => {});
  void query("shop", "INSERT INTO t VALUES (1)").catch(() => {});
  expect(asked).toHaveLength(2);
});
