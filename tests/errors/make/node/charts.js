//== src/series.js
import { number, word, ident } from "../values.js";
⟦+⟧

export function range(points) {
    return points.map((⟦p=p|point|d⟧) => ⟦p=p|point|d⟧.value.y);
}

export class Axis {
    constructor(ticks) {
        this.ticks = ticks;
    }
⟦+⟧
    ⟦lb=label|caption|label⟧(index) {
        return this.ticks[index].text.trim();
    }

    zoom(from, to) {
        if (from >= to) throw new RangeError(`cannot zoom from ${from} to ${to}`);
    }
}

export function decode(frame) {
    return atob(frame);
}
⟦+⟧

export function palette(name, themes) {
    if (!themes[name]) throw new Error(`there is no theme ${name}`);
    return themes[name];
}

export function layout(box) {
    return { inner: layout(box) };
}
//== src/panel.js
import { range, Axis, decode, palette, layout } from "./series.js";
import { number, word, ident } from "../values.js";
⟦+⟧

export function line() {
    return range([{ value: { y: 1 } }, {}]);
}

export function area() {
    return ⟦a=line()|[0].map(line)|line()⟧;
}

export function axis() {
    return new Axis([]).⟦lb=label|caption|label⟧(number());
}
⟦+⟧

export function drag() {
    return new Axis([]).zoom(number(500, 900), number(1, 400));
}

export function brush() {
    return ⟦b=drag()|select()|select()⟧;
}

function select() {
    return drag();
}

export function stream() {
    return decode("%" + word());
}

export function theme() {
    return palette(word(), {});
}
⟦+⟧

export function grid() {
    return layout({ w: number() });
}

export function legend(settings) {
    return settings.legend.position;
}
//== entry.js
import * as panel from "./src/panel.js";
import { report } from "./values.js";
const paint = (call) => ⟦c=call()|[1].forEach(() => call())|call()⟧;
(async () => {
    await report("point-without-value", () => paint(⟦panel.line|panel.area|panel.area⟧));
    await report("tick-missing", () => paint(panel.axis));
    await report("zoom-backwards", () => paint(⟦panel.drag|panel.brush|panel.brush⟧));
    await report("theme-unknown", () => paint(panel.theme));
    await report("layout-nests-forever", () => paint(panel.grid));
    await report("settings-undefined", () => paint(() => panel.legend(undefined)));
})();
