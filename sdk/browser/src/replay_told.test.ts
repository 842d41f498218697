import { expect, test } from "vitest";
import type { SpanRecord } from "./otlp";
import { console_text, told_of } from "./replay_told";

test("the console: words without secrets, objects by the names of their members", () => {
  expect(console_text(["paid by ann@mail.example with 4111 1111 1111 1111", { user: "Ann", card: 1 }, [1, 2], 42, undefined])).toBe("paid by REDACTED with **** **** **** **** {user, card} Array(2) 42 undefined");
  expect(console_text(["password=hunter2 token: abc", new TypeError("no")])).toBe("password=REDACTED token: REDACTED TypeError: no");
  expect(console_text(["x".repeat(10_000)])).toHaveLength(2048);
});

test("a request is told with its trace; spans of the page's own are not", () => {
  const span: SpanRecord = { signal: "traces", trace_id: "t", span_id: "s", parent_id: "", name: "GET", kind: 3, start_ms: 1000.4, end_ms: 1012.44, error: undefined, events: [], attributes: { "http.request.method": "GET", "url.full": "https://a/", "http.response.status_code": 204, "http.response.body.size": 7 } };
  expect(told_of(span)).toEqual(["network", { method: "GET", url: "https://a/", status: 204, start_ms: 1000, duration_ms: 12, request_bytes: undefined, response_bytes: 7, trace_id: "t", span_id: "s" }]);
  expect(told_of({ ...span, kind: 1 })).toBeUndefined();
});
