// Finds goods (/goods?item=...) and asks the next app (NEXT_URL) to pack them. At SIGTERM it sends the rest of its telemetry and
// prints as JSON what it did.
const http = require('node:http');
const { metrics, trace, SpanKind } = require('@opentelemetry/api');
const { SeverityNumber } = require('@opentelemetry/api-logs');
const { logger, stop } = require('./telemetry.js');

const tracer = trace.getTracer('goods');
const found = metrics.getMeter('goods').createCounter('goods.found', { unit: '{item}' });
const weights = metrics.getMeter('goods').createHistogram('goods.weight', { unit: 'kg' });
const did = { spans: { server: 0, client: 0, internal: 0 }, logs: 0, goods: 0, weights: 0 };

function log(severityNumber, severityText, body, attributes) {
  did.logs += 1;
  logger.emit({ severityNumber, severityText, body, attributes });
}

function ask(url) {
  did.spans.client += 1;
  return new Promise((resolve, reject) => {
    http.get(url, { timeout: 20000 }, (answer) => {
      let text = '';
      answer.on('data', (piece) => { text += piece; });
      answer.on('end', () => resolve({ status: answer.statusCode, text }));
    }).on('error', reject);
  });
}

async function goods(item) {
  log(SeverityNumber.INFO, 'INFO', { message: 'goods asked', item }, { 'goods.item': item });
  tracer.startActiveSpan('look into the shelf', { kind: SpanKind.INTERNAL }, (span) => {
    weights.record(item.length / 4, { item });
    weights.record(0, { item });
    found.add(1, { item });
    span.addEvent('found', { shelf: 12 });
    span.end();
  });
  did.spans.internal += 1;
  did.goods += 1;
  did.weights += 2;
  const { status, text } = await ask(`${process.env.NEXT_URL}?item=${encodeURIComponent(item)}`);
  if (status !== 200) log(SeverityNumber.ERROR, 'ERROR', `not packed: ${status}`, { 'goods.item': item });
  return { status: status === 200 ? 200 : 502, body: JSON.stringify({ item, packed: text }) };
}

const server = http.createServer((request, response) => {
  did.spans.server += 1;
  goods(new URL(request.url, 'http://app').searchParams.get('item')).then(({ status, body }) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(body);
  });
});
server.listen(Number(process.env.PORT), '127.0.0.1');
process.on('SIGTERM', async () => {
  server.close();
  await stop();
  console.log(JSON.stringify(did));
  process.exit(0);
});
