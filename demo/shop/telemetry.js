// Loaded before the shop (node --require ./telemetry.js server.js): traces, logs and metrics go as the OTEL_* variables say.
const { metrics } = require('@opentelemetry/api');
const { logs } = require('@opentelemetry/api-logs');
const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');
const { NodeSDK } = require('@opentelemetry/sdk-node');

const UNTRACED = /^\/(faults|page\.js|favicon)/;
const sdk = new NodeSDK({
  instrumentations: [new HttpInstrumentation({ ignoreIncomingRequestHook: (request) => UNTRACED.test(request.url) })],
});
sdk.start();
metrics.getMeter('shop').createObservableGauge('process.memory.usage', { unit: 'By' })
  .addCallback((result) => result.observe(process.memoryUsage().rss));

module.exports = { logger: logs.getLogger('shop'), stop: () => sdk.shutdown() };
