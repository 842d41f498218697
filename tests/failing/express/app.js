// A cart with Express: /cart/N and /orders/N ask a stock that nobody serves (ECONNREFUSED), /coupons/N and /gifts/N have a bug.
const http = require('node:http');
const express = require('express');

const STOCK = `http://127.0.0.1:${process.env.CLOSED_PORT}`;

function stockOf(item) {
  return new Promise((resolve, reject) => {
    http.get(`${STOCK}/stock/${item}`, (answer) => resolve(answer.statusCode)).on('error', reject);
  });
}

function priceOf(coupon) {
  const known = {};
  return known[coupon].price;
}

const app = express();
app.get('/', (request, response) => response.send('open'));
app.get('/cart/:item', async (request, response) => response.send(`${await stockOf(request.params.item)}`));
app.get('/orders/:item', async (request, response) => response.send(`order ${await stockOf(request.params.item)}`));
app.get('/coupons/:name', (request, response) => response.send(`${priceOf(request.params.name)}`));
app.get('/gifts/:name', (request, response) => response.send(`gift ${priceOf(request.params.name)}`));
app.listen(Number(process.env.PORT), '127.0.0.1');
