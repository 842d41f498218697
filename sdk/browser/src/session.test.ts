import { expect, test } from "vitest";
import { id_make, share_of } from "./id";
import { traceparent_read } from "./pages";
import { session_is_over, session_parse } from "./session";
import { is_matched } from "./network";

const MINUTE = 60_000;

test("what was kept is read only when it is ours", () => {
  const id = id_make(16), before = id_make(16);
  expect(session_parse(`${id} 100 200 ${before}`)).toEqual({ id, begin_ms: 100, act_ms: 200, previous_id: before });
  expect(session_parse(`${id} 100 200 -`)?.previous_id).toBeUndefined();
  for (const text of [null, "", "x 1 2 -", `${id} 200 100 -`, `${id} NaN 1 -`, `${id}`, "<script> 1 2 -"]) expect(session_parse(text)).toBeUndefined();
});

test("half an hour idle or four hours end a session, a clock set back too", () => {
  const session = { id: "", previous_id: undefined, begin_ms: 1000 * MINUTE, act_ms: 1010 * MINUTE };
  expect(session_is_over(session, 1039 * MINUTE)).toBe(false);
  expect(session_is_over(session, 1041 * MINUTE)).toBe(true);
  expect(session_is_over({ ...session, act_ms: 1239 * MINUTE }, 1239 * MINUTE)).toBe(false);
  expect(session_is_over({ ...session, act_ms: 1241 * MINUTE }, 1241 * MINUTE)).toBe(true);
  expect(session_is_over(session, 900 * MINUTE)).toBe(true);
});

test("sessions are sampled evenly: of 20,000 a tenth, by less than 4 standard deviations", () => {
  let taken = 0;
  for (let i = 0; i < 20000; i++) if (share_of(id_make(16)) < 0.1) taken++;
  expect(Math.abs(taken - 2000)).toBeLessThan(4 * Math.sqrt(20000 * 0.1 * 0.9));
});

test("traceparent of the server's page", () => {
  expect(traceparent_read("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")).toEqual({ trace_id: "0af7651916cd43dd8448eb211c80319c", span_id: "b7ad6b7169203331" });
  for (const text of [null, undefined, "", "00-00000000000000000000000000000000-b7ad6b7169203331-01", "01-x"]) expect(traceparent_read(text)).toBeUndefined();
});

test("an origin is not the one that begins like it", () => {
  expect(is_matched("https://api.example", ["https://api.example"])).toBe(true);
  expect(is_matched("https://api.example/v1/x", ["https://api.example/v1"])).toBe(true);
  expect(is_matched("https://api.example.evil.org", ["https://api.example"])).toBe(false);
  expect(is_matched("https://api.example/v10", ["https://api.example/v1"])).toBe(false);
});
