//== src/store.js
const fs = require("fs");
const net = require("net");
const { number, word, ident } = require("../report");
⟦+⟧

class NotEnough extends Error {
    constructor(message) {
        super(message);
        this.name = "NotEnough";
    }
}

class Room {
    constructor(name) {
        this.name = name;
        this.guests = undefined;
    }
⟦+⟧
    first() {
        return this.guests[0].name;
    }

    ⟦as=|async ⟧reserve(count, free) {
        ⟦as=|await Promise.resolve();⟧
        if (count > free) throw new NotEnough(`room ${this.name} has ${free} seats, ${count} asked for`);
    }
}
⟦+⟧

function parseFilter(text) {
    return JSON.parse(text);
}

const rateOf = (⟦rate=room|r|it⟧) => ⟦rate=room|r|it⟧.rates.find((⟦rate=rate|x|each⟧) => ⟦rate=rate|x|each⟧.season === "high").amount;
⟦+⟧

function ⟦cfg=readConfig|loadSettings|readConfig⟧(path) {
    return fs.readFileSync(path, "utf8");
}

function calendar(day) {
    return new Date(day).toISOString();
}

function connect(port) {
    return new Promise((resolve, reject) => {
        const socket = net.connect(port, "127.0.0.1");
        socket.on("error", reject);
        socket.on("connect", resolve);
    });
}
⟦+⟧

function checkVoucher(code) {
    if (!code.startsWith("V-")) throw new RangeError(`voucher ${code} is not one of ours`);
}

function applyVoucher(code) {
    checkVoucher(code);
    return code.discount.percent;
}

module.exports = { Room, NotEnough, parseFilter, rateOf, ⟦cfg=readConfig|loadSettings|readConfig⟧, calendar, connect, applyVoucher, checkVoucher };
//== src/routes.js
const express = require("express");
const store = require("./store");
const { number, word, ident } = require("../report");
⟦+⟧
const app = express();
const wrap = (handler) => (req, res, next) => Promise.resolve().then(() => handler(req, res)).catch(next);
⟦+⟧

⟦as=|async ⟧function ⟦book=book|bookSeats|book⟧(req) {
    return ⟦as=|await ⟧new store.Room(word()).reserve(number(10, 99), number(1, 9));
}

function bookMany(req) {
    return [1].map((⟦n=n|i|k⟧) => ⟦book=book|bookSeats|book⟧(⟦n=n|i|k⟧))[0];
}

function guest() {
    return new store.Room(word()).first();
}
⟦+⟧

app.get("/book", wrap((req) => ⟦book=book|bookSeats|book⟧(req)));
app.get("/group", wrap((req) => bookMany(req)));
app.get("/guest", ⟦h=wrap(() => guest())|wrap(function first() { return guest(); })|wrap(() => guest())⟧);
app.get("/search", wrap(() => store.parseFilter(`{"city": ${word()}`)));
app.get("/rate", wrap(() => ⟦r=store.rateOf({ rates: [{ season: "low" }] })|best([{ rates: [] }])|best([{ rates: [] }])⟧));
app.get("/config", wrap(() => store.⟦cfg=readConfig|loadSettings|readConfig⟧(`/etc/rooms/${word()}.json`)));
app.get("/calendar", wrap(() => store.calendar(word())));
app.get("/voucher", wrap(() => store.applyVoucher(word())));
app.get("/voucher/use", wrap(() => redeem("V-" + word())));
app.get("/broker", wrap(async () => ⟦b=store.connect(1)|publish()|store.connect(1)⟧));
⟦+⟧

function best(rooms) {
    return rooms.map(store.rateOf)[0];
}

function redeem(code) {
    return store.applyVoucher(code);
}

async function publish() {
    await store.connect(1);
}

module.exports = app;
//== run.js
const http = require("http");
const app = require("./src/routes");
const { report } = require("./report");
let thrown;
app.use((error, req, res, next) => {
    thrown = error;
    res.status(500).end();
});
const server = app.listen(0, async () => {
    const hit = (path) => new Promise((resolve, reject) => {
        thrown = undefined;
        http.get({ port: server.address().port, path, agent: false }, (res) => {
            res.resume();
            res.on("end", () => (thrown ? reject(thrown) : resolve()));
        });
    });
    await report("room-too-small", () => hit("⟦/book|/group|/group⟧"));
    await report("room-without-guests", () => hit("/guest"));
    await report("filter-not-json", () => hit("/search"));
    await report("no-high-season-rate", () => hit("/rate"));
    await report("config-missing", () => hit("/config"));
    await report("calendar-bad-day", () => hit("/calendar"));
    await report("foreign-voucher", () => hit("/voucher"));
    await report("voucher-without-discount", () => hit("/voucher/use"));
    await report("broker-refuses", () => hit("/broker"));
    server.close();
});
