// Loaded before the app (node --require ./telemetry.js app.js): traces go as the OTEL_* variables say.
const { ExpressInstrumentation } = require('@opentelemetry/instrumentation-express');
const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');
const { NodeSDK } = require('@opentelemetry/sdk-node');

const sdk = new NodeSDK({ instrumentations: [new HttpInstrumentation(), new ExpressInstrumentation()] });
sdk.start();

process.on('SIGTERM', () => sdk.shutdown().finally(() => process.exit(0)));
