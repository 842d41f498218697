// The browser SDK in pages of a real Chromium under a strict CSP: tests/story_browser_sdk.py starts the server and runs this.
// What the page sends goes through a relay that can be told to fail; every byte of it is searched for the page's secrets.
import http from "node:http";
import { gunzipSync } from "node:zlib";
import { check, context, done, given, page, step, told } from "./page.js";

const SECRETS = ["hunter2", "4111111111111111", "tok-3f9a8b7c6d5e4f3a2b1c0d9e", "ann@example.com", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2ln"];
const origin = name => `http://127.0.0.1:${given.ports[name]}`;
const CSP = `default-src 'none'; script-src 'self' ${given.base}; connect-src 'self' ${origin("relay")} ${origin("backend")} ${origin("stranger")} http://127.0.0.1:9`;

/* -- the page's own server, a backend that may see the trace, and a stranger who may not --------------------------------- */
const page_js = `
  window.broken = [];
  addEventListener("error", event => window.broken.push(String(event.message)));
  if (location.search.includes("hostile")) {
    Storage.prototype.getItem = Storage.prototype.setItem = () => { throw new Error("no store"); };
    console.warn = () => { throw new Error("no console"); };
  }
  const options = { service: "page", version: "1.2.3", environment: "test", propagateTo: [${JSON.stringify(origin("backend"))}], keepQuery: ["page"], ...JSON.parse(document.querySelector("meta[name=options]").content) };
  window.m = monoscope.start(options);`;
const html = options => `<!doctype html><title>A shop</title><meta name="traceparent" content="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01">
  <meta name="options" content='${JSON.stringify(options)}'><script src="${given.base}/sdk/monoscope.js"></script><script src="/page.js"></script><input id="password" type="password"><p>text`;
const seen = { backend: [], stranger: [], page: [] };
let options = {};
function serve(name, answer) {
    return new Promise(begun => http.createServer((request, response) => {
        if (request.method !== "OPTIONS") seen[name]?.push({ path: request.url, traceparent: request.headers.traceparent });
        answer(request, response);
    }).listen(given.ports[name], "127.0.0.1", begun));
}
await serve("page", (request, response) => {
    const path = request.url.split("?")[0];
    const [type, body] = path === "/page.js" ? ["text/javascript", page_js] : path === "/api/fail" ? ["text/plain", "no"]
        : path.startsWith("/api/") ? ["application/json", "{}"] : ["text/html", html(options)];
    response.writeHead(path === "/api/fail" ? 500 : 200, { "content-type": type, "content-length": Buffer.byteLength(body), "content-security-policy": CSP });
    response.end(body);
});
const open_to_all = (request, response) => {
    response.writeHead(200, { "access-control-allow-origin": origin("page"), "access-control-allow-headers": "traceparent", "content-type": "text/plain" });
    response.end("hello");
};
await serve("backend", open_to_all);
await serve("stranger", open_to_all);

/* -- the relay to Monoscope ------------------------------------------------------------------------------------------------- */
const relay = { bytes: [], all: [], posts: 0, fail: () => undefined };
await serve("relay", (request, response) => {
    const parts = [];
    request.on("data", part => parts.push(part)).on("end", () => {
        const body = Buffer.concat(parts);
        if (request.method === "POST") {
            relay.posts++;
            relay.bytes.push((request.headers["content-encoding"] === "gzip" ? gunzipSync(body) : body).toString("utf8"));
            relay.all.push(relay.bytes.at(-1));
            const failure = relay.fail();
            if (failure) {
                response.writeHead(failure.status, { "access-control-allow-origin": origin("page"), "access-control-expose-headers": "retry-after", ...failure.headers });
                return response.end();
            }
        }
        const onward = http.request({ host: "127.0.0.1", port: given.http, method: request.method, path: request.url, headers: { ...request.headers, host: `127.0.0.1:${given.http}` } }, answer => {
            response.writeHead(answer.statusCode, answer.headers);
            answer.pipe(response);
        });
        onward.end(body);
    });
});

const sent = () => relay.bytes.flatMap(text => {
    const body = JSON.parse(text);
    const spans = (body.resourceSpans ?? []).flatMap(one => one.scopeSpans.flatMap(scope => scope.spans));
    const logs = (body.resourceLogs ?? []).flatMap(one => one.scopeLogs.flatMap(scope => scope.logRecords));
    return [...spans, ...logs].map(record => ({ ...record, at: Object.fromEntries(record.attributes.map(({ key, value }) => [key, Object.values(value)[0]])) }));
});
async function until(words, holds) {
    for (let i = 0; i < 200; i++) {
        if (holds()) return;
        await new Promise(later => setTimeout(later, 100));
    }
    check(false, `${words}: ${JSON.stringify(sent().map(record => record.name ?? record.eventName))}`);
}
async function open(more = {}, path = "/", options_more = {}) {
    options = { endpoint: origin("relay"), key: given.key, ...more };
    relay.bytes.length = 0;
    const one = options_more.fresh ? await (await context.browser().newContext()).newPage() : page;
    one.refused = [];
    one.on("console", message => { if (/Content Security Policy/.test(message.text())) one.refused.push(message.text()); });
    await one.goto(origin("page") + path);
    return one;
}
const no_fault = async (one, words) => check((await one.evaluate(() => window.broken)).length === 0 && one.refused.length === 0, `${words}: nothing of ours is thrown or refused: ${one.refused}`);
const result = {};

await step("a page's requests are spans; the trace goes to its own origin and those named, to no stranger", async () => {
    await open();
    await page.evaluate(async ({ backend, stranger, secret }) => {
        m.identify({ id: "u7" });
        const span = m.span("buy", { "shop.sku": "tea" });
        await span.within(() => fetch(`${backend}/order?page=2&token=${secret}`));
        span.end();
        await fetch(`/api/items?password=hunter2`, { headers: { "x-mine": "1" } });
        await fetch(new Request("/api/request"));
        await fetch(`${stranger}/pixel?card=4111111111111111`, { mode: "no-cors" });
        await fetch("/api/fail");
        await fetch("http://127.0.0.1:9/closed").catch(() => undefined);
        const gone = new AbortController(), given_up = fetch("/api/given-up", { signal: gone.signal }).catch(() => undefined);
        gone.abort();
        await given_up;
        await new Promise(done => {
            const request = new XMLHttpRequest();
            request.open("POST", "/api/xhr");
            request.onloadend = done;
            request.send("card=4111111111111111");
        });
        await m.flush();
    }, { backend: origin("backend"), stranger: origin("stranger"), secret: SECRETS[2] });
    await until("all spans are sent", () => sent().filter(record => record.kind === 3).length === 8);
    const spans = sent(), of = path => spans.find(span => span.kind === 3 && span.at["url.full"].includes(path));
    const buy = spans.find(span => span.name === "buy"), order = of("/order");
    check(order.traceId === buy.traceId && order.parentSpanId === buy.spanId, "a request within a span is below it");
    check(order.at["url.full"] === `${origin("backend")}/order?page=2&token=REDACTED`, `secrets of an address go: ${order.at["url.full"]}`);
    check(seen.backend.find(one => one.path.startsWith("/order")).traceparent === `00-${order.traceId}-${order.spanId}-01`, "the backend hears the trace");
    check(seen.stranger.length > 0 && seen.stranger.every(one => one.traceparent === undefined), "a stranger does not");
    for (const path of ["/api/items", "/api/request", "/api/xhr"]) {
        check(seen.page.find(one => one.path.startsWith(path)).traceparent?.includes(of(path).spanId), `the page's own server hears the trace of ${path}`);
        check(of(path).at["http.response.status_code"] === "200" && !of(path).status, `${path} went well`);
    }
    check(of("/api/items").at["http.response.body.size"] === "2" && of("/api/xhr").at["http.request.method"] === "POST", "sizes and methods are told");
    check(of("/api/fail").status?.code === 2 && of("/api/fail").at["error.type"] === "500", "an answer 500 is an error");
    check(of("/closed").status?.code === 2 && of("/closed").at["error.type"] === "TypeError", "no answer is an error");
    check(!of("/given-up").status && of("/given-up").at["error.type"] === "AbortError", "what the page gave up is none");
    check(spans.every(record => record.at["user.id"] === "u7" || record.name === "documentLoad" || record.eventName?.startsWith("browser.")), "who it is stands in all of it");
    const load = spans.find(span => span.name === "documentLoad");
    check(load.traceId === "0af7651916cd43dd8448eb211c80319c" && load.parentSpanId === "b7ad6b7169203331" && load.events.length >= 5, "the page's load is below the server's span");
    result.trace = order.traceId, result.parent = order.spanId, result.session = order.at["session.id"];
    await no_fault(page, "requests");
});

await step("errors, promises, a loop of the same error, a route, a long task, vitals", async () => {
    await page.evaluate(() => {
        window.cart = function cart() { throw new TypeError("no price for ann@example.com at https://shop.example/x?token=hunter2"); };
        setTimeout(function pay() { window.cart(); });
        Promise.reject(new RangeError("promised"));
        for (let i = 0; i < 100; i++) m.error(new Error("again"));
        history.pushState({}, "", "/checkout?page=3&coupon=hunter2");
        history.replaceState({}, "", "/checkout?page=4");
        setTimeout(() => { const end = performance.now() + 250; while (performance.now() < end); }, 50);
    });
    await page.mouse.click(10, 10);
    await until("errors", () => ["TypeError", "RangeError"].every(type => sent().some(record => record.at["exception.type"] === type)));
    const records = sent(), said = type => records.filter(record => record.at["exception.type"] === type);
    check(said("TypeError").length === 1 && said("TypeError")[0].at["exception.message"] === "no price for REDACTED at https://shop.example/x?token=REDACTED", "an error, without who it is of");
    check(/cart[^]*pay/.test(said("TypeError")[0].at["exception.stacktrace"]) && said("TypeError")[0].severityNumber === 17, "with its stack");
    check(said("Error").filter(record => record.at["exception.message"] === "again").length === 10, `a loop is cut: ${said("Error").length}`);
    await until("a long task", () => sent().some(record => record.eventName === "browser.long_task" && record.at["browser.long_task.duration"] >= 200));
    const views = sent().filter(record => record.eventName === "browser.page_view");
    check(views.length === 2 && views[1].at["url.full"] === `${origin("page")}/checkout?page=3&coupon=REDACTED`, `two page views: ${views.map(view => view.at["url.full"])}`);
    check(views[0].at["browser.page_view.id"] !== views[1].at["browser.page_view.id"] && views[0].at["session.id"] === views[1].at["session.id"], "of one session");
    const hidden = await context.newPage(); /* vitals are told when the page is left */
    await hidden.goto("about:blank");
    await page.evaluate(() => { Object.defineProperty(document, "visibilityState", { value: "hidden", configurable: true }); document.dispatchEvent(new Event("visibilitychange")); });
    await hidden.close();
    await until("vitals", () => ["lcp", "fcp", "ttfb", "cls"].every(name => sent().some(record => record.at["browser.web_vital.name"] === name)));
    result.records = records.length;
});

await step("a server that is busy, then away: all comes, once", async () => {
    const one = await open({}, "/", { fresh: true });
    await until("the first batch", () => relay.posts > 0 && sent().length > 0);
    await one.evaluate(() => m.flush());
    let failures = 0;
    relay.fail = () => failures++ < 3 ? { status: failures === 2 ? 429 : 503, headers: { "retry-after": "1" } } : undefined;
    await one.evaluate(() => { for (let i = 0; i < 150; i++) m.event("counted", { n: i }); });
    await until("the failures", () => failures >= 3 + 3);
    relay.fail = () => undefined;
    await until("all events", () => new Set(sent().filter(record => record.eventName === "counted").map(record => record.at.n)).size === 150);
    result.counted_session = await one.evaluate(() => m.sessionId);
    await one.close();
});

await step("a tab that is closed at once: its last event comes", async () => {
    const one = await open({}, "/", { fresh: true });
    result.last_session = await one.evaluate(() => { m.event("last words"); return m.sessionId; });
    await one.close({ runBeforeUnload: true });
    await until("its last event", () => sent().some(record => record.eventName === "last words" && record.at["session.id"] === result.last_session));
    await page.waitForTimeout(2000); /* a request for each signal: the other one may be on its way */
});

await step("no consent: nothing is kept or sent; with it, from then on; taken back: all is gone", async () => {
    const one = await open({ consent: false }, "/", { fresh: true });
    await one.evaluate(async () => { await fetch("/api/a"); m.event("before"); m.error(new Error("before")); await m.flush(); });
    await one.waitForTimeout(2500);
    check(relay.bytes.length === 0, "nothing is sent");
    check(await one.evaluate(() => localStorage.length + document.cookie.length + sessionStorage.getItem("monoscope.session")?.length >= 0) === false, "nothing is kept");
    check(seen.page.filter(request => request.path === "/api/a").at(-1).traceparent === undefined, "no trace is handed on");
    await one.evaluate(async () => { m.consent(true); m.event("with consent"); await m.flush(); });
    await until("what comes with consent", () => sent().some(record => record.eventName === "with consent"));
    check(!sent().some(record => /before/.test(JSON.stringify(record))), "and nothing of before");
    const kept = await one.evaluate(() => { const had = localStorage.length; m.event("unsent"); m.consent(false); return [had, localStorage.length, sessionStorage.length, m.sessionId]; });
    check(kept[0] === 1 && kept[1] === 0 && kept[2] === 0 && kept[3] === "", `the session is forgotten: ${kept}`);
    await one.waitForTimeout(2500);
    check(!sent().some(record => record.eventName === "unsent"), "what waited is not sent");
    await one.close();
});

await step("a session that is not sampled: nothing, until an error; then the minute before it, and all from then on", async () => {
    const one = await open({ sample: 0 }, "/", { fresh: true });
    await one.evaluate(async () => { await fetch("/api/a"); m.event("quiet"); await m.flush(); });
    await one.waitForTimeout(2500);
    check(relay.bytes.length === 0, "nothing is sent");
    await one.evaluate(async () => { m.error(new Error("loud")); m.event("after"); await m.flush(); });
    await until("the minute before", () => ["quiet", "after", "exception"].every(name => sent().some(record => record.eventName === name)) && sent().some(record => record.kind === 3));
    const never = await open({ sample: 0, onErrorOnly: false }, "/", { fresh: true });
    await never.evaluate(async () => { m.error(new Error("loud")); await m.flush(); });
    await never.waitForTimeout(2500);
    check(relay.bytes.length === 0, "nothing is sent where errors do not matter");
    await one.close(), await never.close();
});

await step("a page that is hostile, or settings that are wrong: the page goes on", async () => {
    const one = await open({}, "/?hostile", { fresh: true });
    await one.evaluate(async () => {
        window.fetch = (inner => (...words) => inner(...words))(window.fetch); /* somebody wraps us */
        await fetch("/api/a");
        m.event("circle", { get evil() { throw new Error("evil"); } });
        m.error(Object.create(null));
        m.error({ get message() { throw new Error("evil"); } });
        m.span(Symbol.iterator);
        m.stop();
        await fetch("/api/b");
    });
    await no_fault(one, "a hostile page");
    check(seen.page.filter(request => request.path === "/api/b").at(-1).traceparent === undefined, "after stop() nothing is watched");
    for (const wrong of [{ endpoint: "nonsense" }, { endpoint: "javascript:alert(1)" }, { sample: 7 }, { key: "" }]) {
        await one.goto("about:blank");
        const bad = await open(wrong, "/", { fresh: true });
        await bad.evaluate(async () => { m.event("x"); await fetch("/api/a"); m.error(new Error("y")); m.span("z").end(); m.consent(true); await m.flush(); m.stop(); });
        await no_fault(bad, JSON.stringify(wrong));
        check(relay.bytes.length === 0, `${JSON.stringify(wrong)}: nothing is sent`);
        await bad.close();
    }
    await one.close();
});

await step("a key that is refused ends the sending", async () => {
    const one = await open({ key: "mono_wrong" }, "/", { fresh: true });
    await one.waitForTimeout(3000);
    const posts = relay.bytes.length;
    await one.evaluate(() => m.event("x"));
    await one.waitForTimeout(3000);
    check(posts >= 1 && relay.bytes.length === posts, `it is tried once: ${posts}, then ${relay.bytes.length}`);
    await one.close();
});
await step("none of the pages' secrets was ever sent", async () => {
    const found = SECRETS.filter(secret => relay.all.some(text => text.includes(secret) || text.includes(encodeURIComponent(secret))));
    check(relay.all.length > 10 && found.length === 0, `${found} in ${relay.all.length} requests`);
});
told.length = 0; /* the pages' own errors, told by the browser */
console.log(`RESULT ${JSON.stringify(result)}`);
await done();
process.exit(0);
