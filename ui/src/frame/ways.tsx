/* Lines to paste, one set a way to send: with a key in them when there is one. docs/senders.md says more of each. */
import { useState } from "preact/hooks";
import type { ComponentChildren } from "preact";
import { copy } from "./toast";

const host = () => window.location.hostname;
/* Each with {key} and {host} to be filled in. */
const WAYS: readonly { name: string; text: string }[] = [
  {
    name: "Any SDK",
    text: 'export OTEL_EXPORTER_OTLP_ENDPOINT=http://{host}:4317 OTEL_EXPORTER_OTLP_PROTOCOL=grpc \\\n  OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer {key}" OTEL_SERVICE_NAME={service}',
  },
  {
    name: "Python",
    text: "pip install opentelemetry-distro opentelemetry-exporter-otlp && opentelemetry-bootstrap -a install\nopentelemetry-instrument --logs_exporter otlp python app.py",
  },
  { name: "Node.js", text: "npm install @opentelemetry/api @opentelemetry/auto-instrumentations-node\nnode --require @opentelemetry/auto-instrumentations-node/register app.js" },
  { name: "Java", text: "java -javaagent:opentelemetry-javaagent.jar -jar app.jar" },
  { name: "Go", text: "go get go.opentelemetry.io/otel go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp" },
  {
    name: "Collector",
    text: "exporters:\n  otlp:\n    endpoint: {host}:4317\n    tls: { insecure: true }\n    headers: { authorization: Bearer {key} }",
  },
  {
    name: "curl",
    text: `curl http://{host}:4318/v1/logs -H "authorization: Bearer {key}" -H "content-type: application/json" \\\n  -d '{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"{service}"}}]},"scopeLogs":[{"logRecords":[{"severityText":"INFO","body":{"stringValue":"hello"}}]}]}]}'`,
  },
];

/* What only starts a program stands behind the lines that every SDK reads. */
export function way_lines(at: number, key: string, of_host: string, service = ""): string {
  const own = WAYS[at]?.text ?? "";
  const text = own.includes("{key}") ? own : `${WAYS[0]?.text}\n${own}`;
  return text.replaceAll("{key}", key || "YOUR_KEY").replaceAll("{host}", of_host).replaceAll("{service}", service || (own.startsWith("curl") ? "shell" : "my-service"));
}

/* children: beside the button that copies. first: the way that is shown first. service: the name that is sent. */
export function Ways({ secret, first, service, children }: { secret: string; first?: string; service?: string; children?: ComponentChildren }) {
  const [way, choose] = useState(() => Math.max(0, WAYS.findIndex((one) => one.name === first)));
  const text = way_lines(way, secret, host(), service);
  return (
    <div class="ways">
      <div class="row" role="tablist" aria-label="Way to send">
        {WAYS.map((one, at) => (
          <button type="button" key={one.name} role="tab" aria-selected={at === way} onClick={() => choose(at)}>
            {one.name}
          </button>
        ))}
      </div>
      <pre class="paste" tabIndex={0} aria-label="Lines to paste">{text}</pre>
      <div class="row">
        <button type="button" class="primary" onClick={() => void copy(text, "lines")}>
          Copy
        </button>
        {children}
      </div>
    </div>
  );
}
