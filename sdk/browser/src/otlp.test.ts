import { expect, test } from "vitest";
import { record_json, request_json, type LogRecord, type SpanRecord } from "./otlp";

const span: SpanRecord = {
  signal: "traces", trace_id: "0123456789abcdef0123456789abcdef", span_id: "0123456789abcdef", parent_id: "", name: "GET", kind: 3,
  start_ms: 1790000000123.5, end_ms: 1790000000122, attributes: { n: 2 ** 53, i: 3, d: 0.5, nan: NaN, b: false, none: undefined, list: ["a", "b"] }, error: "TypeError", events: [],
};

test("a span in OTLP's JSON: 64-bit numbers are texts, what ends before it begins takes no time", () => {
  expect(JSON.parse(record_json(span))).toEqual({
    traceId: span.trace_id, spanId: span.span_id, name: "GET", kind: 3, startTimeUnixNano: "1790000000123500000", endTimeUnixNano: "1790000000123500000",
    attributes: [
      { key: "n", value: { doubleValue: 2 ** 53 } }, { key: "i", value: { intValue: "3" } }, { key: "d", value: { doubleValue: 0.5 } }, { key: "nan", value: { doubleValue: 0 } },
      { key: "b", value: { boolValue: false } }, { key: "list", value: { arrayValue: { values: [{ stringValue: "a" }, { stringValue: "b" }] } } },
    ],
    events: [], status: { code: 2, message: "TypeError" },
  });
});

test("a request is JSON with its resource and scope, whatever the texts hold", () => {
  const log: LogRecord = { signal: "logs", at_ms: 1, event: "exception", body: '"\u2028</script>', severity: 17, attributes: {}, within: span };
  const body = JSON.parse(request_json("logs", { "service.name": 'a"b' }, "1", [record_json(log), record_json(log)]));
  expect(body.resourceLogs[0].resource.attributes).toEqual([{ key: "service.name", value: { stringValue: 'a"b' } }]);
  const records = body.resourceLogs[0].scopeLogs[0].logRecords;
  expect(records).toHaveLength(2);
  expect(records[0]).toMatchObject({ body: { stringValue: log.body }, eventName: "exception", traceId: span.trace_id, spanId: span.span_id, timeUnixNano: "1000000" });
});
