// Loaded before the app (node --require ./telemetry.js app.js): traces, logs and metrics go as the OTEL_* variables say.
const { logs } = require('@opentelemetry/api-logs');
const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');
const { AggregationType } = require('@opentelemetry/sdk-metrics');
const { NodeSDK } = require('@opentelemetry/sdk-node');

const sdk = new NodeSDK({
  instrumentations: [new HttpInstrumentation()],
  views: [{ instrumentName: 'goods.weight', aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } }],
});
sdk.start();

module.exports = { logger: logs.getLogger('goods'), stop: () => sdk.shutdown() };
