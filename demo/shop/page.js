// The shop's page: search, look, buy. Each is a span, and the trace goes on into the backends.
import { SpanStatusCode, trace } from '@opentelemetry/api';
import { startTelemetry } from './page_telemetry.js';

const asked = new URLSearchParams(window.location.search);
const visitor = {
  user: asked.get('user') || 'guest',
  region: asked.get('region') || 'eu-west',
  session: asked.get('session') || Math.random().toString(16).slice(2),
};
const provider = startTelemetry({ ...window.shop, ...visitor });
const told = document.getElementById('told');

async function call(method, path) {
  const answer = await fetch(path, { method, headers: { 'x-user': visitor.user, 'x-region': visitor.region, 'x-session': visitor.session } });
  const body = await answer.json();
  if (!answer.ok) throw new Error(`${path.split('?')[0]} answered ${answer.status}: ${body.error}`);
  return body;
}

function act(name, run) {
  return trace.getTracer('page').startActiveSpan(name, async (span) => {
    told.textContent = '…';
    try {
      told.textContent = await run();
    } catch (error) {
      span.recordException(error);
      span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
      told.textContent = error.message;
    } finally {
      span.end();
    }
  });
}

const buy = (sku) => act('click buy', async () => {
  const { order, price } = await call('POST', `/api/checkout?${new URLSearchParams({ sku, ...(asked.get('coupon') && { coupon: asked.get('coupon') }) })}`);
  return `Order ${order} is yours for ${price.toFixed(2)} EUR`;
});

const search = (q) => act('search', async () => {
  const { items } = await call('GET', `/api/search?${new URLSearchParams({ q })}`);
  document.getElementById('found').replaceChildren(...items.map(({ sku, name, price }) => {
    const line = document.createElement('li');
    const button = document.createElement('button');
    button.textContent = 'Buy';
    button.onclick = () => buy(sku);
    line.append(`${name}, ${price} EUR `, button);
    return line;
  }));
  return `${items.length} found`;
});

document.getElementById('search').onsubmit = (event) => {
  event.preventDefault();
  void search(new FormData(event.target).get('q'));
};
window.addEventListener('pagehide', () => provider.forceFlush());
window.flush = () => provider.forceFlush(); // for a visitor who does not wait
