// A shop's page that fails: it tells the error as OpenTelemetry's web SDK does, and its own server what it saw.
import { trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, WebTracerProvider } from '@opentelemetry/sdk-trace-web';
import { Checkout } from './checkout';

const shop = (window as any).shop;
const told: { stack?: string; trace?: string; error?: string } = {};
const provider = new WebTracerProvider({
  resource: defaultResource().merge(resourceFromAttributes({ 'service.name': 'shop-page', 'service.version': shop.release })),
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter({
    url: `${shop.endpoint}/v1/traces`,
    headers: { authorization: `Bearer ${shop.key}` },
  }))],
});
provider.register();

function visit(): void {
  const span = trace.getTracer('page').startSpan('pay');
  told.trace = span.spanContext().traceId;
  try {
    new Checkout([{ name: 'tea', price: { cents: 250 } }, { name: 'cake' }]).pay();
  } catch (error) {
    told.stack = String((error as Error).stack);
    span.recordException(error as Error);
  }
  span.end();
}

visit();
provider.forceFlush().catch((error) => { told.error = String(error); }).finally(() => {
  fetch('/told', { method: 'POST', body: JSON.stringify(told) });
});
