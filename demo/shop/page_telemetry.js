// Traces of the page: its spans carry who uses it, its fetch calls hand the trace on to the backend, what breaks is written down.
import { trace, SpanStatusCode } from '@opentelemetry/api';
import { ZoneContextManager } from '@opentelemetry/context-zone';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { FetchInstrumentation } from '@opentelemetry/instrumentation-fetch';
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, WebTracerProvider } from '@opentelemetry/sdk-trace-web';

export function startTelemetry({ endpoint, key, version, environment, user, region, session }) {
  const who = {
    onStart: (span) => span.setAttributes({ 'user.id': user, 'session.id': session, 'cloud.region': region }),
    onEnd: () => {},
    forceFlush: async () => {},
    shutdown: async () => {},
  };
  const exporter = new OTLPTraceExporter({ url: `${endpoint}/v1/traces`, headers: { authorization: `Bearer ${key}` } });
  const provider = new WebTracerProvider({
    resource: defaultResource().merge(resourceFromAttributes({
      'service.name': 'shop-page', 'service.version': version, 'deployment.environment.name': environment, 'browser.language': navigator.language,
    })),
    spanProcessors: [who, new BatchSpanProcessor(exporter, { scheduledDelayMillis: 1000 })],
  });
  provider.register({ contextManager: new ZoneContextManager() });
  registerInstrumentations({ instrumentations: [new FetchInstrumentation({ ignoreUrls: [new RegExp(`^${endpoint}`)] })] });
  window.addEventListener('error', ({ error, message }) => {
    const span = trace.getTracer('page').startSpan('page error');
    span.recordException(error || message);
    span.setStatus({ code: SpanStatusCode.ERROR, message });
    span.end();
  });
  return provider;
}
