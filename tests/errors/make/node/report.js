// What OpenTelemetry's SDK for JavaScript records of what a call throws; values that differ from run to run.
let state = (Number((typeof process !== "undefined" && process.env.SEED) || globalThis.SEED || 0) + 1) * 2654435761 % 4294967296;
const next = () => (state = (state * 1664525 + 1013904223) % 4294967296) / 4294967296;
const number = (low = 1, high = 99999) => low + Math.floor(next() * (high - low));
const words = "amber birch cobalt delta ember fjord garnet hazel indigo juniper kelp lilac maple nectar onyx pine quartz".split(" ");
const word = () => words[number(0, words.length)] + number(1, 99);
const ident = () => Array.from({ length: 24 }, () => "0123456789abcdef"[number(0, 16)]).join("");
const print = (value) => (typeof console !== "undefined" ? console.log : globalThis.print)(JSON.stringify(value));

async function report(defect, call) {
    try {
        await call();
    } catch (error) {
        print({ defect, type: error.code ? String(error.code) : error.name, message: error.message, stacktrace: error.stack });
        return;
    }
    throw new Error("defect " + defect + " threw nothing");
}
module.exports = { number, word, ident, report };
