// A shop's page for one customer. It buys something from the backend (another origin), sends its spans to Monoscope (another
// origin too) and tells its own server as JSON what it did. What it needs to know is in window.shop.
import { trace } from '@opentelemetry/api';
import { startTelemetry } from './telemetry.js';

const told = { spans: {}, names: [], exports: [], trace: '', answer: '', refused: '' };

const counter = {
  onStart: () => {},
  onEnd: (span) => {
    const kind = ['internal', 'server', 'client'][span.kind];
    told.spans[kind] = (told.spans[kind] || 0) + 1;
    told.names.push(span.name);
  },
  forceFlush: async () => {},
  shutdown: async () => {},
};

// What the exporter is answered, told to the page's server.
function watch(exporter) {
  const send = exporter.export.bind(exporter);
  exporter.export = (spans, done) => send(spans, (result) => {
    told.exports.push({ code: result.code, spans: spans.length, error: String(result.error || '') });
    done(result);
  });
}

function buy(shop) {
  return trace.getTracer('page').startActiveSpan('buy', async (span) => {
    told.trace = span.spanContext().traceId;
    try {
      const answer = await fetch(`${shop.backend}/checkout?item=tea`);
      told.answer = `${answer.status} ${await answer.text()}`;
    } finally {
      span.end();
    }
  });
}

async function sendByHand(shop) {
  try {
    const answer = await fetch(`${shop.endpoint}/v1/traces`, {
      method: 'POST',
      headers: { authorization: `Bearer ${shop.key}`, 'content-type': 'application/json' },
      body: '{"resourceSpans": []}',
    });
    told.byHand = answer.status;
  } catch (error) {
    told.refused = String(error);
  }
}

async function main() {
  const { provider, exporter } = startTelemetry(window.shop, [counter]);
  watch(exporter);
  await buy(window.shop);
  while (!told.spans.client) { // a fetch span ends some time after its fetch, once the browser has its timing
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
  await provider.forceFlush().catch(() => {});
  await sendByHand(window.shop);
}

main().catch((error) => { told.error = String(error && error.stack); }).finally(() => {
  fetch('/told', { method: 'POST', body: JSON.stringify(told) });
});
