#== shop/__init__.py
#== shop/models.py
import json
from report import number, word, ident, money
⟦+⟧

class OutOfStock(Exception):
    pass


class PriceMismatch(Exception):
    pass


STOCK = {"lamp": 3, "desk": 1}
⟦+⟧

class Cart:
    def __init__(self, owner):
        self.owner = owner
        self.lines = []
        self.coupon = None
⟦+⟧
    def add(self, sku, count):
        available = STOCK.get(sku, 0)
        ⟦check=self.check(sku, count, available)|self.ensure_available(sku, count, available)|self.check(sku, count, available)⟧
        self.lines.append((sku, count))

    def ⟦check=check|ensure_available|check⟧(self, sku, count, available):
        if count > available:
            raise OutOfStock("only %d of %s left, %d wanted by %s" % (available, sku, count, self.owner))
⟦+⟧
    def sum_lines(self, prices):
        total = 0
        for sku, count in self.lines:
            total += prices[sku] * count
        return total

    def discount(self):
        return self.coupon.percent / 100


def find_address(user):
    return user["addresses"][user["default"]]
⟦+⟧

def load_profile(text):
    return json.loads(text)


def expected_total(cart, amount):
    if amount != 0:
        raise PriceMismatch("expected %s but the client sent %s for cart %s" % (money(), amount, ident()))
#== shop/views.py
from flask import Flask, request, jsonify
from shop import models, payments
from report import number, word, ident, money

app = Flask(__name__)
⟦+⟧

def ⟦fill=fill_cart|put_lines|fill_cart⟧(owner, lines):
    cart = models.Cart(owner)
    for sku, count in lines:
        cart.lines.append((sku, count))
    return cart


@app.route("/cart/add", methods=["POST"])
def add_to_cart():
    cart = models.Cart(word())
    cart.add("lamp", number(10, 500))
    return "ok"


@app.route("/cart/bulk", methods=["POST"])
def add_many():
    cart = models.Cart(word())
    for sku in ("desk", "lamp"):
        cart.add(sku, number(20, 700))
    return "ok"
⟦+⟧

@app.route("/cart/total")
def show_total():
    cart = ⟦fill=fill_cart|put_lines|fill_cart⟧(word(), [(word(), 2)])
    return str(cart.sum_lines({"lamp": 3}))


@app.route("/cart/discount")
def show_discount():
    cart = ⟦fill=fill_cart|put_lines|fill_cart⟧(word(), [])
    return str(⟦cart.discount()|discount_of(cart)|cart.discount()⟧)


def discount_of(cart):
    return cart.discount()

⟦+⟧
@app.route("/checkout", methods=["POST"])
def checkout():
    address = models.find_address({"addresses": [], "default": number(0, 9)})
    return jsonify(address)


@app.route("/checkout/express", methods=["POST"])
def checkout_express():
    user = {"addresses": [], "default": number(0, 9)}
    return jsonify(models.find_address(user))


@app.route("/profile", methods=["PUT"])
def put_profile():
    models.load_profile('{"name": "%s", broken' % word())
    return "ok"


@app.route("/checkout/confirm", methods=["POST"])
def confirm():
    models.expected_total(None, money())


@app.route("/pay", methods=["POST"])
def pay():
    ⟦pay=payments.charge(ident(), money())|payments.Gateway().authorize(ident(), money())|payments.charge(ident(), money())⟧
    return "ok"


@app.route("/pay/again", methods=["POST"])
def pay_again():
    payments.retry_all([ident()])
    return "ok"


@app.route("/refund", methods=["POST"])
def refund():
    payments.refund(ident(), word())
    return "ok"
#== shop/payments.py
from report import number, word, ident, money
⟦+⟧

class PaymentDeclined(Exception):
    pass


class Gateway:
    def authorize(self, card, amount):
        return ⟦auth=self._post("/authorize", card, amount)|self._send("/authorize", card, amount)|self._post("/authorize", card, amount)⟧
⟦+⟧
    def ⟦auth=_post|_send|_post⟧(self, path, card, amount):
        if path == "/authorize":
            raise PaymentDeclined("card %s declined for %s EUR (code %d)" % (card, amount, number(10, 99)))


def charge(card, amount):
    return Gateway().authorize(card, amount)


def retry_all(cards):
    for card in cards:
        ⟦retry=charge(card, money())|retry_one(card)|charge(card, money())⟧


def retry_one(card):
    charge(card, money())
⟦+⟧

def refund(charge_id, amount):
    cents = parse_amount(amount)
    return cents


def parse_amount(amount):
    return int(float(amount) * 100)
#== run.py
from report import report, in_thread, in_loop
from shop.views import app
app.config["PROPAGATE_EXCEPTIONS"] = True
client = app.test_client()


def hit(method, path):
    ⟦hit=client.open(path, method=method)|in_thread(lambda: client.open(path, method=method))|client.open(path, method=method)⟧


report("out-of-stock", lambda: hit("POST", "⟦/cart/add|/cart/bulk|/cart/add⟧"))
report("total-unknown-sku", lambda: hit("GET", "/cart/total"))
report("discount-without-coupon", lambda: hit("GET", "/cart/discount"))
report("no-default-address", lambda: hit("POST", "⟦/checkout|/checkout/express|/checkout/express⟧"))
report("profile-not-json", lambda: hit("PUT", "/profile"))
report("total-differs", lambda: hit("POST", "/checkout/confirm"))
report("card-declined", lambda: hit("POST", "⟦/pay|/pay/again|/pay/again⟧"))
report("refund-not-a-number", lambda: hit("POST", "/refund"))
