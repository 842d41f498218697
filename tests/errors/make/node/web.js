//== src/basket.js
import { number, word, ident } from "../values.js";
⟦+⟧

export class Basket {
    constructor() {
        this.lines = [];
        this.owner = null;
    }

    ownerName() {
        return this.owner.profile.name;
    }
⟦+⟧
    shipping() {
        return this.lines[0].weight * this.rates().kilo;
    }

    rates() {
        return undefined;
    }

    total(currency) {
        return this.lines.reduce((⟦s=sum|acc|t⟧, ⟦s=line|it|x⟧) => ⟦s=sum|acc|t⟧ + ⟦s=line|it|x⟧.price, 0).toFixed(currency.digits);
    }
}

export function ⟦rs=restore|revive|restore⟧(text) {
    return JSON.parse(text);
}
⟦+⟧

export function applyCode(code, rules) {
    const rule = rules.find((⟦r=rule|r|one⟧) => ⟦r=rule|r|one⟧.code === code);
    if (!rule) throw new Error(`promotion ${code} is unknown`);
    return rule;
}

export function slider(min, max) {
    if (min > max) throw new RangeError(`price range ${min} to ${max} is empty`);
    return max - min;
}
//== src/page.js
import { Basket, ⟦rs=restore|revive|restore⟧, applyCode, slider } from "./basket.js";
import { number, word, ident } from "../values.js";
⟦+⟧

export function header() {
    return new Basket().ownerName();
}

export function menu() {
    return [1].map((⟦i=i|k|n⟧) => header() + ⟦i=i|k|n⟧);
}
⟦+⟧

export function delivery() {
    const basket = new Basket();
    basket.lines.push({ weight: number() });
    return ⟦d=basket.shipping()|cost(basket)|basket.shipping()⟧;
}

function cost(basket) {
    return basket.shipping();
}

export function summary() {
    return new Basket().total();
}

export function boot() {
    return ⟦rs=restore|revive|restore⟧("{" + word());
}
⟦+⟧

export function promotion() {
    return applyCode(word(), [{ code: "" }]);
}

export function filter() {
    return slider(number(500, 900), number(1, 400));
}

export function track() {
    return window.analytics.push(word());
}

export function translate(messages) {
    return messages.format(word());
}
//== entry.js
import * as page from "./src/page.js";
import { report } from "./values.js";
const click = (call) => ⟦c=call()|[1].forEach(() => call())|call()⟧;
globalThis.window = globalThis;
(async () => {
    await report("owner-is-null", () => click(⟦page.header|page.menu|page.menu⟧));
    await report("no-shipping-rates", () => click(page.delivery));
    await report("total-without-currency", () => click(page.summary));
    await report("saved-basket-broken", () => click(page.boot));
    await report("promotion-unknown", () => click(page.promotion));
    await report("price-range-empty", () => click(page.filter));
    await report("analytics-not-loaded", () => click(page.track));
    await report("messages-not-loaded", () => click(() => page.translate(undefined)));
})();
