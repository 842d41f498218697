// The shop's page: search, look, buy. Each is a span of Monoscope's browser SDK, the trace goes on into the backends, and the visit is recorded.
const asked = new URLSearchParams(window.location.search);
const region = asked.get('region') || 'eu-west';
const { sdk, ...here } = window.shop;
const telemetry = window.monoscope.start({
  ...here, service: 'shop-page', attributes: { 'cloud.region': region },
  replay: { unmask: ['body'] }, // a shop window: there is nothing private in it
});
telemetry.identify({ id: asked.get('user') || 'guest' });
const told = document.getElementById('told');

async function call(method, path) {
  const answer = await fetch(path, { method, headers: { 'x-user': asked.get('user') || 'guest', 'x-region': region, 'x-session': telemetry.sessionId } });
  const body = await answer.json();
  if (!answer.ok) throw new Error(`${path.split('?')[0]} answered ${answer.status}: ${body.error}`);
  return body;
}

async function act(name, run) {
  const span = telemetry.span(name);
  told.textContent = '…';
  try {
    told.textContent = await span.within(run); // what run asks at once belongs to the span
    span.end();
  } catch (error) {
    told.textContent = error.message;
    span.end(error);
  }
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
window.flush = () => telemetry.flush(); // for a visitor who does not wait
