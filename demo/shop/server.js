// The front of the shop: its page, and the API that the page and other visitors call. It asks stock (Python) and payments (Java).
// Faults are switched by POST /faults {"memory-leak": true}; a bad release is this file with RELEASE=bad. demo/demoshop.py runs it.
const fs = require('node:fs');
const http = require('node:http');
const { metrics, trace } = require('@opentelemetry/api');
const { SeverityNumber } = require('@opentelemetry/api-logs');
const { logger, stop } = require('./telemetry.js');
const { priced } = require('./pricing.js');

const { STOCK_URL, PAYMENTS_URL, PORT, VERSION, PAGE } = process.env;
const CHARGE_TRIES = 2;
const meter = metrics.getMeter('shop');
const orders = meter.createCounter('shop.orders', { unit: '{order}' });
const revenue = meter.createHistogram('shop.order.value', { unit: 'EUR' });
const faults = {};
const leaked = [];
let order_number = Number(process.env.FIRST_ORDER || 1000);

function log(level, body, attributes) {
  logger.emit({ severityNumber: SeverityNumber[level], severityText: level, body, attributes });
}

function log_error(body, error, attributes) {
  log('ERROR', body, { ...attributes, 'exception.type': error.name, 'exception.message': error.message, 'exception.stacktrace': error.stack });
}

class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.name = 'Refused';
    this.status = status;
  }
}

function ask(method, url, timeout = 6000) {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method, timeout }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (piece) => { text += piece; });
      answer.on('end', () => resolve({ status: answer.statusCode, text }));
    });
    request.on('timeout', () => request.destroy(new Error(`no answer of ${new URL(url).host} within ${timeout} ms`)));
    request.on('error', reject);
    request.end();
  });
}

async function stock(method, path, parameters) {
  const { status, text } = await ask(method, `${STOCK_URL}${path}?${new URLSearchParams(parameters)}`);
  if (status >= 400) throw new Refused(status === 500 ? 502 : status, JSON.parse(text).detail || `stock answered ${status}`);
  return JSON.parse(text);
}

// Charges once more after a failure: the gateway is someone else's.
async function charge(order, visitor) {
  for (let attempt = 1; ; attempt++) {
    const url = `${PAYMENTS_URL}/charge?${new URLSearchParams({ order: order.number, cents: Math.round(order.price * 100), user: visitor.user })}`;
    const { status, text } = await ask('POST', url);
    if (status === 200) return text;
    if (status === 402) throw new Refused(402, `card of ${visitor.user} was declined`);
    if (attempt === CHARGE_TRIES) throw new Refused(504, `order ${order.number} could not be charged: ${text}`);
    log('WARN', `charge of order ${order.number} failed with ${status}, trying again`, { 'order.id': order.number, 'retry.attempt': attempt });
  }
}

const routes = {
  'GET /api/search': (visitor, query) => stock('GET', '/search', { q: query.get('q') || '', region: visitor.region }),
  'GET /api/product': (visitor, query) => {
    if (faults['memory-leak'] && leaked.length < 600) leaked.push(Buffer.alloc(400000, 1));
    return stock('GET', `/stock/${encodeURIComponent(query.get('sku') || '')}`, { region: visitor.region });
  },
  'POST /api/checkout': async (visitor, query) => {
    const number = ++order_number;
    const span = trace.getActiveSpan();
    span.setAttributes({ 'order.id': number, 'order.coupon': query.get('coupon') || 'none' });
    const product = await stock('POST', '/reserve', { sku: query.get('sku') || '', quantity: query.get('quantity') || 1, region: visitor.region });
    const order = await trace.getTracer('shop').startActiveSpan('price the order', async (inner) => {
      try {
        return { number, price: priced(product.price * product.quantity, query.get('coupon')) };
      } finally {
        inner.end();
      }
    });
    await charge(order, visitor);
    orders.add(1, { region: visitor.region });
    revenue.record(order.price, { region: visitor.region });
    log('INFO', `order ${number} placed by ${visitor.user} for ${order.price.toFixed(2)} EUR`, { 'order.id': number, 'order.value': order.price });
    return { order: number, price: order.price };
  },
};

async function api(request, url, response) {
  const route = routes[`${request.method} ${url.pathname}`];
  const visitor = { user: request.headers['x-user'] || 'nobody', session: request.headers['x-session'] || '', region: request.headers['x-region'] || 'eu-west' };
  const span = trace.getActiveSpan();
  span.setAttributes({ 'user.id': visitor.user, 'cloud.region': visitor.region, ...(visitor.session && { 'session.id': visitor.session }) });
  if (!route) return send(response, 404, { error: 'no such page' });
  span.setAttribute('http.route', url.pathname);
  span.updateName(`${request.method} ${url.pathname}`);
  try {
    send(response, 200, await route(visitor, url.searchParams));
  } catch (error) {
    const status = error.status || 500;
    if (status < 500) log('WARN', error.message, { 'http.route': url.pathname });
    else {
      span.recordException(error);
      span.setStatus({ code: 2, message: error.message });
      log_error(`${request.method} ${url.pathname} failed: ${error.message}`, error, { 'http.route': url.pathname });
    }
    send(response, status, { error: error.message });
  }
}

function send(response, status, body, type = 'application/json') {
  response.writeHead(status, { 'content-type': type });
  response.end(type === 'application/json' ? JSON.stringify(body) : body);
}

const server = http.createServer((request, response) => {
  const url = new URL(request.url, 'http://shop');
  if (url.pathname === '/') send(response, 200, fs.readFileSync('index.html', 'utf8').replace('{page}', PAGE).replace('{sdk}', JSON.parse(PAGE).sdk), 'text/html');
  else if (url.pathname === '/page.js') send(response, 200, fs.readFileSync('page.bundle.js'), 'text/javascript');
  else if (url.pathname === '/faults') {
    let text = '';
    request.on('data', (piece) => { text += piece; });
    request.on('end', () => {
      Object.assign(faults, JSON.parse(text));
      if (!faults['memory-leak']) leaked.length = 0;
      send(response, 200, faults);
    });
  } else if (url.pathname.startsWith('/api/')) void api(request, url, response);
  else send(response, 404, 'no such page', 'text/plain');
});
// The next release listens beside this one before this one ends.
server.listen({ port: Number(PORT), host: '127.0.0.1', reusePort: true }, () => log('INFO', `shop ${VERSION} is open`));
process.on('SIGTERM', () => {
  server.close(async () => {
    await stop();
    process.exit(0);
  });
  server.closeIdleConnections();
  setTimeout(() => server.closeAllConnections(), 3000).unref();
});
