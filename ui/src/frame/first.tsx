/* What a project without rows shows: how to send the first one, with lines to paste and the person's own key. */
import { useState } from "preact/hooks";
import { api } from "../api/client";
import { project_name } from "../url";
import { copy, toast } from "./toast";

const host = () => window.location.hostname;
/* Each with {key} and {host} to be filled in: docs/senders.md says more of each. */
export const WAYS: readonly { name: string; text: string }[] = [
  {
    name: "Any SDK",
    text: 'export OTEL_EXPORTER_OTLP_ENDPOINT=http://{host}:4317 OTEL_EXPORTER_OTLP_PROTOCOL=grpc \\\n  OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer {key}" OTEL_SERVICE_NAME=my-service',
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
    text: `curl http://{host}:4318/v1/logs -H "authorization: Bearer {key}" -H "content-type: application/json" \\\n  -d '{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shell"}}]},"scopeLogs":[{"logRecords":[{"severityText":"INFO","body":{"stringValue":"hello"}}]}]}]}'`,
  },
];

export function First() {
  const [way, choose] = useState(0);
  const [key, set_key] = useState("");
  const make = async () => {
    try {
      const made = await api<{ secret: string }>(`/projects/${encodeURIComponent(project_name.value)}/keys`, {
        method: "POST",
        body: { name: `first key ${new Date().toISOString().slice(0, 10)}`, scopes: ["ingest"] },
      });
      set_key(made.secret);
    } catch (error) {
      toast(error instanceof Error ? error.message : String(error), true);
    }
  };
  const fill = (text: string) => text.replaceAll("{key}", key || "YOUR_KEY").replaceAll("{host}", host());
  const text = way > 0 && !(WAYS[way]?.text ?? "").includes("{key}") ? `${WAYS[0]?.text}\n${WAYS[way]?.text}` : (WAYS[way]?.text ?? "");
  return (
    <div class="state first">
      <h1>Nothing has been sent to {project_name.value} yet</h1>
      <p class="soft">Send with any OpenTelemetry SDK; the first row shows here within a second.</p>
      <div class="row" role="tablist" aria-label="Way to send">
        {WAYS.map((one, at) => (
          <button key={one.name} role="tab" aria-selected={at === way} onClick={() => choose(at)}>
            {one.name}
          </button>
        ))}
      </div>
      <pre class="paste" tabIndex={0}>{fill(text)}</pre>
      <div class="row">
        <button class="primary" onClick={() => void copy(fill(text), "lines")}>
          Copy
        </button>
        {key ? <span class="soft">The key is shown this once: keep it.</span> : <button onClick={() => void make()}>Put a new key in</button>}
      </div>
    </div>
  );
}
