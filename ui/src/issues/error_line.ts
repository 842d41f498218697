/* One exception as OTLP/JSON, for a shell. */
export function error_line(host: string, key: string): string {
  const attributes = [
    ["exception.type", "TypeError"],
    ["exception.message", "total is not a function"],
    ["exception.stacktrace", "TypeError: total is not a function\\n    at checkout (/app/cart.js:12:7)"],
  ]
    .map(([name, value]) => `{"key":"${name}","value":{"stringValue":"${value}"}}`)
    .join(",");
  return `curl http://${host}:4318/v1/logs -H "authorization: Bearer ${key}" -H "content-type: application/json" \\\n  -d '{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shell"}}]},"scopeLogs":[{"logRecords":[{"severityText":"ERROR","severityNumber":17,"body":{"stringValue":"checkout failed"},"attributes":[${attributes}]}]}]}]}'`;
}
