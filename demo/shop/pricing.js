// What an order costs. The bad release knows no coupons any more, and does not ask whether it knows one.
const coupons = process.env.RELEASE === 'bad' ? {} : { WELCOME10: { percent: 10 }, FRIENDS20: { percent: 20 } };

function discount(price, coupon) {
  return price * coupons[coupon].percent / 100;
}

function priced(price, coupon) {
  return coupon ? price - discount(price, coupon) : price;
}

module.exports = { priced };
