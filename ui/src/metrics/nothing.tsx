/* A catalog without a line: none was ever sent, or none in this time. */
import { useLoad } from "../api/load";
import { range_set } from "../frame/range";
import { Empty, Waiting } from "../frame/state";
import { copy } from "../frame/toast";
import { project_name } from "../url";
import { api, type Schemas } from "../api/client";

const EVER = "now-400d";
const LINES = (host: string) =>
  `export OTEL_EXPORTER_OTLP_ENDPOINT=http://${host}:4317 OTEL_EXPORTER_OTLP_PROTOCOL=grpc \\
  OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer YOUR_KEY" OTEL_SERVICE_NAME=my-service
export OTEL_METRICS_EXPORTER=otlp OTEL_METRIC_EXPORT_INTERVAL=10000`;

export function NoMetrics() {
  const any = useLoad(project_name.value, (signal) => api<{ items: Schemas["MetricName"][] }>(`/projects/${encodeURIComponent(project_name.value)}/metrics`, { query: { from: EVER, limit: 1 }, signal }));
  if (any.is_loading && !any.value) return <Waiting what="Looking further" />;
  if ((any.value?.items.length ?? 0) > 0)
    return (
      <Empty title="No metric was sent in this time">
        <p class="soft">What was sent is at another time.</p>
        <button class="primary" onClick={() => range_set("now-7d")}>
          The last 7 days
        </button>
      </Empty>
    );
  const lines = LINES(window.location.hostname);
  return (
    <div class="state first">
      <h2>No metrics have been sent to {project_name.value} yet</h2>
      <p class="soft">SDKs and the Collector send them by the same address and key as traces; a name is listed here within a minute of its first point.</p>
      <pre class="paste" tabIndex={0}>{lines}</pre>
      <button class="primary" onClick={() => void copy(lines, "lines")}>
        Copy
      </button>
    </div>
  );
}
