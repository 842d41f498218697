//== server/board.js
const { number, word, ident } = require("../report");
⟦+⟧

class IllegalMove extends Error {
    constructor(message) {
        super(message);
        this.name = this.constructor.name;
    }
}

class NotYourTurn extends IllegalMove {}

class Board {
    constructor(size) {
        this.cells = new Array(size).fill(null);
        this.turn = "white";
    }
⟦+⟧
    ⟦mv=move|play|move⟧(player, cell) {
        this.⟦ck=check|verify|check⟧(player, cell);
        this.cells[cell].piece = player;
    }

    ⟦ck=check|verify|check⟧(player, cell) {
        if (player !== this.turn) throw new NotYourTurn(`${player} moved, it is the turn of ${this.turn}`);
        if (cell >= this.cells.length) throw new IllegalMove(`cell ${cell} is outside the board of ${this.cells.length}`);
    }
}
⟦+⟧

const score = (moves) => moves.reduce((⟦s=sum|a|total⟧, ⟦s=move|m|step⟧) => ⟦s=sum|a|total⟧ + ⟦s=move|m|step⟧.points.value, 0);

function replay(log) {
    return log.split("\n").map((⟦l=line|row|text⟧) => JSON.parse(⟦l=line|row|text⟧));
}
⟦+⟧

function seat(table, player) {
    table.seats.set(player, table.free.pop().number);
}

function clock(ms) {
    return BigInt(ms);
}

function rank(players) {
    return players.sort(byElo)[0].elo.toFixed(1);
}

function byElo(a, b) {
    return b.elo - a.elo;
}

module.exports = { Board, score, replay, seat, clock, rank };
//== server/match.js
const board = require("./board");
const { number, word, ident } = require("../report");
⟦+⟧

⟦as=|async ⟧function step(player, cell) {
    ⟦as=|await null;⟧
    new board.Board(9).⟦mv=move|play|move⟧(player, cell);
}

⟦as=|async ⟧function turn(player, cell) {
    ⟦w=return step(player, cell)|return guarded(player, cell)|return step(player, cell)⟧;
}

⟦as=|async ⟧function guarded(player, cell) {
    return ⟦as=|await ⟧step(player, cell);
}

⟦as=|async ⟧function bot() {
    return ⟦as=|await ⟧turn("white", number(9, 400));
}
⟦+⟧

function table() {
    return board.seat({ seats: new Map(), free: [] }, word());
}

function lobby() {
    return [word(), word()].forEach((⟦p=p|player|who⟧) => board.seat({ seats: new Map(), free: [] }, ⟦p=p|player|who⟧));
}

function finish() {
    return board.score([{ points: { value: number() } }, {}]);
}

function season() {
    return ⟦sz=finish()|totals()|finish()⟧;
}

function totals() {
    return [1].map(() => finish());
}

function load() {
    return board.replay('{"cell": 1}\n' + word());
}

function timer() {
    return board.clock(number() + 0.5);
}

function ladder() {
    return board.rank([]);
}

function invite(list) {
    return new Array(-number());
}

module.exports = { step, turn, bot, table, lobby, finish, season, load, timer, ladder, invite };
//== run.js
const match = require("./server/match");
const { report, number } = require("./report");
const later = (call) => new Promise((resolve, reject) => setImmediate(() => { try { resolve(call()); } catch (error) { reject(error); } }));
const start = (call) => ⟦start=call()|later(call)|Promise.resolve().then(call)⟧;
(async () => {
    await report("not-your-turn", () => start(() => match.turn("black", 1)));
    await report("outside-board", () => start(⟦() => match.turn("white", number(9, 99))|match.bot|match.bot⟧));
    await report("cell-is-null", () => start(() => match.turn("white", number(0, 8))));
    await report("no-free-seat", () => start(⟦match.table|match.lobby|match.lobby⟧));
    await report("move-without-points", () => start(⟦match.finish|match.season|match.season⟧));
    await report("replay-not-json", () => start(match.load));
    await report("clock-fraction", () => start(match.timer));
    await report("empty-ladder", () => start(match.ladder));
    await report("invite-negative", () => start(match.invite));
})();
