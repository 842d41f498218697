// When and how the SDK records: consent, errors only, start and stop, storms of changes, the server's asking for a snapshot, tabs, hostile
// pages, what it tells beside the document. tests/story_browser_replay.py runs it; what is sent is read at the relay.
import { check, context, done, given, step, told } from "./page.js";
import { serve } from "./replay_site.js";

const html = `<main id="main" data-monoscope-unmask><h1>a page</h1><button id="b">press</button><p id="p"></p></main>`;
const script = `if (location.search.includes("hostile")) {
    console.warn = () => { throw new Error("no console"); };
    Array.prototype.toJSON = function () { return "patched"; };
    Element.prototype.matches = () => { throw new Error("no matches"); };
    Object.defineProperty(document, "adoptedStyleSheets", { get() { throw new Error("no sheets"); } });
  }`;
const relay = await serve(given, { page: { html, script } }, "", "");
const batches = () => relay.bodies.map(text => JSON.parse(text));
const events = (of = () => true) => batches().filter(of).sort((a, b) => a.sequence - b.sequence).flatMap(batch => batch.events);
const tagged = tag => events().filter(event => event.type === 5 && event.data.tag === tag).map(event => event.data.payload);
const snapshots = () => events().filter(event => event.type === 2).length;
async function until(words, holds, ms = 20000) {
    for (const end = Date.now() + ms; Date.now() < end;) {
        if (await holds()) return;
        await new Promise(later => setTimeout(later, 50));
    }
    check(false, `${words}: ${JSON.stringify(events().map(event => [event.type, event.data.tag ?? event.data.source]))}`);
}
const own = () => context.browser().newContext({ viewport: { width: 800, height: 600 } });
async function open(options, where = "", browser = undefined) {
    relay.options = options;
    if (!browser) relay.bodies.length = 0;
    const page = await (browser ?? await own()).newPage();
    await page.goto(`${relay.origin("page")}/page${where}`);
    return page;
}
const is_loaded = page => page.evaluate(() => performance.getEntriesByType("resource").some(entry => entry.name.endsWith("/sdk/replay.js")));
const grow = (page, words) => page.evaluate(words => document.getElementById("p").append(words), words);
const flush = page => page.evaluate(() => window.m.flush());

await step("no consent: what records is not even loaded; with it, from then on; taken back: what waited is thrown away", async () => {
    const page = await open({ replay: true, consent: false });
    await grow(page, "before");
    await page.waitForTimeout(1000);
    check(!await is_loaded(page) && relay.bodies.length === 0, "nothing is loaded or sent");
    await page.evaluate(() => window.m.consent(true));
    await until("a snapshot", () => snapshots() === 1);
    await grow(page, "unsent");
    await page.evaluate(() => window.m.consent(false));
    await page.waitForTimeout(6000);
    check(!JSON.stringify(batches()).includes("unsent"), "what waited is not sent");
    await page.context().close();
});

await step("errors only: the page keeps it for itself until something breaks; then it begins with a snapshot, and so do the tab's next pages", async () => {
    const page = await open({ replay: { sample: 0 } });
    await until("it is loaded", () => is_loaded(page));
    await page.waitForTimeout(700);
    await grow(page, "what came before");
    await page.waitForTimeout(6000);
    check(relay.bodies.length === 0, "nothing is sent");
    await page.evaluate(() => window.m.error(new Error("it broke")));
    await flush(page);
    await until("the recording", () => snapshots() === 1);
    const all = events();
    check(all[0].type === 4 && all[1].type === 2, `it begins with a snapshot: ${all.map(event => event.type)}`);
    check(JSON.stringify(all).includes("what came before") && tagged("error")[0].message === "it broke" && tagged("error")[0].type === "Error", "it has what came before, and the error");
    await page.goto(`${relay.origin("page")}/page?second`);
    await until("the next page", () => new Set(batches().map(batch => batch.recording)).size === 2 && snapshots() === 2);
    check(new Set(batches().map(batch => batch.session)).size === 1 && new Set(batches().map(batch => batch.tab)).size === 1, "of the same session and tab");
    await page.context().close();
});

await step("not recorded: not loaded; startReplay and stopReplay; a second tab has a recording of its own", async () => {
    const browser = await own();
    relay.bodies.length = 0;
    const page = await open({ replay: { sample: 0, onErrorOnly: false } }, "", browser);
    await page.evaluate(() => window.m.error(new Error("x")));
    await page.waitForTimeout(1000);
    check(!await is_loaded(page), "it is not loaded");
    await page.evaluate(() => window.m.startReplay());
    await until("a snapshot", () => snapshots() === 1);
    const second = await open({ replay: true }, "", browser);
    await until("one of the second tab", () => snapshots() === 2);
    const heads = batches();
    check(new Set(heads.map(batch => batch.session)).size === 1 && new Set(heads.map(batch => batch.tab)).size === 2 && new Set(heads.map(batch => batch.recording)).size === 2, "one session, two tabs, two recordings");
    await page.evaluate(() => window.m.stopReplay());
    await until("its end", () => batches().some(batch => batch.isLast));
    const count = relay.bodies.length;
    await grow(page, "after the end");
    await page.waitForTimeout(5500);
    check(relay.bodies.slice(count).every(text => !text.includes("after the end")), "nothing after its end");
    await second.close();
    await browser.close();
});

await step("the server asks for a snapshot: it has one within a second, once a minute", async () => {
    relay.rules = ["asked", "asked", "asked"];
    const page = await open({ replay: true });
    await until("the first", () => snapshots() === 1);
    const at = Date.now();
    await until("the second", () => snapshots() === 2, 3000);
    check(Date.now() - at < 2000 && tagged("snapshot_request").length === 1, `it took ${Date.now() - at} ms`);
    await grow(page, "more");
    await flush(page);
    await page.waitForTimeout(1500);
    check(snapshots() === 2 && relay.befell.asked === 3, "and no third at once");
    relay.rules = [];
    await page.context().close();
});

await step("a storm of changes: the recording waits, the page goes on, and then there is a fresh snapshot", async () => {
    const page = await open({ replay: { mutationsPerSecond: 100 } });
    await until("the first snapshot", () => snapshots() === 1);
    await page.evaluate(async () => {
        for (let turn = 0; turn < 60; turn++) {
            for (let i = 0; i < 100; i++) { const one = document.createElement("i"); one.textContent = `storm ${turn} ${i}`; document.getElementById("p").append(one); }
            await new Promise(done => setTimeout(done, 20));
        }
        document.getElementById("p").textContent = "calm again";
    });
    await until("it waits", async () => { await flush(page); return tagged("throttled").length >= 1; });
    await page.mouse.move(30, 30);
    await until("a fresh snapshot", async () => { await flush(page); return snapshots() >= 2; });
    const all = events(), last = all.findLastIndex(event => event.type === 2), text = JSON.stringify(all[last]);
    check(text.includes("calm again"), "it shows what the page shows now");
    check(JSON.stringify(all).split("storm ").length < 4000, `most of the storm was not recorded: ${JSON.stringify(all).split("storm ").length}`);
    await grow(page, "and on");
    await until("what comes then", async () => { await flush(page); return JSON.stringify(events()).includes("and on"); });
    await page.context().close();
});

await step("beside the document: requests with their trace, the console, rage, errors, pages, long tasks; bodies where they are asked for", async () => {
    const page = await open({ replay: { bodies: [`${relay.origin("page")}/api/ok`], console: ["log", "error"] } });
    await until("the first snapshot", () => snapshots() === 1);
    await page.evaluate(async () => {
        await fetch("/api/ok?token=hush", { method: "POST", body: `{"tea": 1, "password": "hush hush"}` });
        await new Promise(done => { const asked = new XMLHttpRequest(); asked.open("GET", "/api/other"); asked.onloadend = done; asked.send(); });
        console.log("said", { a: 1 }), console.error("failed"), console.warn("not asked for");
        history.pushState({}, "", "/page/other");
        setTimeout(() => { throw new TypeError("thrown"); });
        const end = performance.now() + 150;
        while (performance.now() < end);
    });
    for (let i = 0; i < 3; i++) await page.click("#b", { delay: 5 });
    await until("all of it", async () => { await flush(page); return ["network", "console", "rage_click", "error", "navigation", "long_task"].every(tag => tagged(tag).length > 0) && tagged("network").length === 2; });
    const [post, get] = ["POST", "GET"].map(method => tagged("network").find(one => one.method === method)); // a request is told when its body has come: the second may be told first
    check(post.method === "POST" && post.status === 200 && post.url.endsWith("/api/ok?token=REDACTED") && /^[0-9a-f]{32}$/.test(post.trace_id) && /^[0-9a-f]{16}$/.test(post.span_id) && post.request_bytes === 35 && post.response_bytes === 2, `a request: ${JSON.stringify(post)}`);
    check(Math.abs(post.start_ms - Date.now()) < 30000 && post.duration_ms > 0 && post.duration_ms < 10000, "its times");
    check(post.request_body === `{"tea": 1, "password": REDACTED}` && post.response_body === "{}" && get.request_body === undefined && get.response_body === undefined, `bodies only where they are asked for: ${JSON.stringify([post, get])}`);
    check(JSON.stringify(tagged("console")) === JSON.stringify([{ level: "log", text: "said {a}" }, { level: "error", text: "failed" }]), `the console: ${JSON.stringify(tagged("console"))}`);
    check(tagged("rage_click")[0].selector === "button#b" && tagged("error")[0].type === "TypeError", "rage and errors");
    check(tagged("navigation").at(-1).url.endsWith("/page/other") && tagged("long_task")[0].duration_ms >= 100, "pages and long tasks");
    await page.context().close();
});

await step("a session that another tab has renewed: the recording ends, another begins", async () => {
    const page = await open({ replay: true });
    await until("the first snapshot", () => snapshots() === 1);
    const next = "0123456789abcdef".repeat(2);
    await page.evaluate(next => localStorage.setItem("monoscope.session", `${next} ${Date.now()} ${Date.now()} -`), next);
    await until("the next session's", () => events(batch => batch.session === next).some(event => event.type === 2));
    const [last] = batches().filter(batch => batch.session !== next).slice(-1), first = batches().find(batch => batch.session === next);
    check(first.sequence === 0 && first.events[0].type === 4 && first.recording !== last.recording && first.tab === last.tab, "it begins anew, in the same tab");
    await page.context().close();
});

await step("a policy that lets in scripts by a nonce alone", async () => {
    relay.csp = `default-src 'none'; script-src 'nonce-once'; connect-src 'self' ${relay.origin("relay")}`;
    const page = await open({ replay: true });
    await until("a snapshot", () => snapshots() === 1);
    relay.csp = undefined;
    await page.context().close();
});

await step("a hostile page, a selector that is none, a file that does not come: the page goes on", async () => {
    const hostile = await open({ replay: true }, "?hostile");
    await hostile.waitForTimeout(1500);
    await grow(hostile, "x");
    await hostile.click("#b");
    check((await hostile.evaluate(() => window.broken)).length === 0, "nothing is thrown into a hostile page");
    await hostile.context().close();
    const said = [], wrong = await open({ replay: { block: ["[[no"] } });
    wrong.on("console", message => said.push(message.text()));
    await wrong.waitForTimeout(500); /* what the page before sent at its end */
    relay.bodies.length = 0;
    await wrong.reload();
    await wrong.waitForTimeout(1500);
    check(relay.bodies.length === 0 && said.some(text => text.includes("not recorded")) && (await wrong.evaluate(() => window.broken)).length === 0, `it is told, and nothing is recorded: ${said}`);
    await wrong.context().close();
    const browser = await own();
    await browser.route("**/sdk/replay.js", route => route.abort());
    const without = await open({ replay: true }, "", browser);
    await without.waitForTimeout(1000);
    check((await without.evaluate(() => window.broken)).length === 0, "without the file the page goes on");
    await browser.close();
});
told.length = 0;
console.log(`RESULT ${JSON.stringify({ ok: true })}`);
await done();
process.exit(0);
