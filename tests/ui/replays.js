// The replays' pages as a person uses them: tests/story_ui_replays.py starts the server and runs this.
//     node replays.js '{"base": ..., "otlp": ..., "key": ..., "server_key": ..., "page_port": ..., "trap_port": ...}'      page.js says the rest
import http from "node:http";
import { accessible, check, context, done, given, go, page, shots, sign_in, step, text, told } from "./page.js";

const ORIGIN = `http://127.0.0.1:${given.page_port}`;
const listen = (port, answer) => new Promise(begun => { const server = http.createServer(answer); server.listen(port, "127.0.0.1", () => begun(server)); });

/* A page with what a visit has: text, a form, a request, an error, the console. */
const HTML = `<!doctype html><html><head><title>Shop</title><style>body { font: 18px sans-serif; background: rgb(240, 248, 255) } button { padding: 8px }</style>
<script src="${given.base}/sdk/monoscope.js"></script></head><body data-monoscope-unmask><h1>Tea shop</h1><p id="count">0 in the cart</p><button id="add">Add</button> <button id="buy">Buy</button> <button id="dead">Nothing</button>
<input id="name" placeholder="name"><script>
window.m = monoscope.start({ endpoint: ${JSON.stringify(given.otlp)}, key: ${JSON.stringify(given.key)}, service: "shop-page", replay: { unmask: ["h1", "p", "button"] } });
m.identify({ id: "u42", email: "ann@shop.example" });
let n = 0;
add.onclick = () => { count.textContent = ++n + " in the cart"; };
buy.onclick = () => fetch("/api/buy").then(() => { console.error("payment refused"); setTimeout(() => { throw new TypeError("total is undefined"); }, 0); });
</script></body></html>`;
const shop = await listen(given.page_port, (request, response) => {
    const is_api = request.url.startsWith("/api/");
    response.writeHead(is_api ? 500 : 200, { "content-type": is_api ? "application/json" : "text/html" });
    response.end(is_api ? "{}" : HTML);
});
/* What a hostile recording would call. */
const trapped = [];
const trap = await listen(given.trap_port, (request, response) => {
    trapped.push(request.url);
    response.writeHead(200, { "access-control-allow-origin": "*", "content-type": "text/javascript" });
    response.end("window.top.evil = 1");
});
const TRAP = `http://127.0.0.1:${given.trap_port}`;

async function post(body) {
    const answer = await fetch(`${given.otlp}/v1/replay`, { method: "POST", headers: { "content-type": "application/json", authorization: `Bearer ${given.server_key}` }, body: JSON.stringify(body) });
    check(answer.ok, `a batch is taken: ${answer.status} ${await answer.text()}`);
}
const element = (id, tagName, attributes, childNodes = []) => ({ type: 2, id, tagName, attributes, childNodes });
const letters = (id, textContent) => ({ type: 3, id, textContent });
const snapshot = inside => ({ node: { type: 0, id: 1, childNodes: [element(2, "html", {}, [element(3, "head", {}), element(4, "body", {}, inside)])] }, initialOffset: { left: 0, top: 0 } });
const began = Date.now() - 120000;
const at = (type, after, data) => ({ type, timestamp: began + after, data });
const SERVICE = { service: { name: "shop-page", environment: "test" }, userAgent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36" };
const META = at(4, 0, { href: "https://shop.example/", width: 800, height: 600 });
const picture = page.frameLocator("iframe[title='What the page showed']").frameLocator("iframe");
const open = async path => {
    await go(path);
    await page.waitForSelector(".player-stage[data-shown=yes]");
};
const frame_text = async () => (await picture.locator("body").innerText()).replace(/\s+/g, " ").trim();
const listed = count => page.waitForFunction(wanted => document.querySelectorAll(".replay-line").length === wanted, count);
let session, trace;

await step("signed in", async () => sign_in("/p/default/explore?from=now-2h"));

await step("a project without recordings says how to turn them on", async () => {
    await go("/p/empty/replays");
    await page.waitForSelector("text=No session was recorded in this time");
    check((await text(".paste")).includes("replay: true"), "there are lines to paste");
    await accessible("no replays");
    await shots("replays-none");
});

await step("a visit is recorded", async () => {
    const own = await context.browser().newContext({ viewport: { width: 900, height: 600 } });
    const visit = await own.newPage();
    await visit.goto(ORIGIN);
    await visit.waitForFunction(() => performance.getEntriesByType("resource").some(entry => entry.name.endsWith("/sdk/replay.js")));
    await visit.waitForTimeout(700);
    for (let i = 0; i < 3; i++) { await visit.click("#add"); await visit.waitForTimeout(700); }
    await visit.click("#buy");
    await visit.waitForTimeout(300);
    for (let i = 0; i < 4; i++) await visit.click("#dead");
    await visit.fill("#name", "secret name");
    await visit.waitForTimeout(600);
    session = await visit.evaluate(() => m.sessionId);
    for (let i = 0; i < 20; i++) { await visit.evaluate(() => m.flush().then(() => 0)); await visit.waitForTimeout(100); }
    await visit.close({ runBeforeUnload: true });
    await own.close();
});

await step("others are sent: with a gap, without a snapshot, long, hostile", async () => {
    const change = (after, n) => at(3, after, { source: 0, adds: [], removes: [], attributes: [], texts: [{ id: 6, value: `moment ${n}` }] });
    const body = [element(5, "p", {}, [letters(6, "moment 0")])];
    const head = name => ({ session: name, tab: "t1", recording: `${name}r`, user: { id: "u7", name: "Ben" }, ...SERVICE });
    await post({ ...head("gap1"), sequence: 0, events: [META, at(2, 10, snapshot(body)), change(1000, 1)] });
    await post({ ...head("gap1"), sequence: 3, isLast: true, events: [change(60000, 60), change(61000, 61)] });
    await post({ ...head("blind1"), sequence: 1, isLast: true, events: [change(1000, 1), change(2000, 2), at(5, 2500, { tag: "error", payload: { type: "Error", message: "seen all the same" } })] });
    for (let part = 0; part < 6; part++) {
        const events = part === 0 ? [META, at(2, 10, snapshot([...body, ...Array.from({ length: 1500 }, (_, n) => element(100 + n * 2, "div", { class: "row" }, [letters(101 + n * 2, `row ${n}`)]))]))] : [];
        for (let n = 0; n < 1500; n++) events.push(change(100 + (part * 1500 + n) * 12, part * 1500 + n));
        await post({ ...head("long1"), sequence: part, isLast: part === 5, events });
    }
    const evil = [
        element(10, "script", { src: `${TRAP}/script.js` }, [letters(11, "top.evil = 1")]), element(12, "img", { src: `${TRAP}/img.gif`, onerror: `fetch("${TRAP}/onerror")`, rr_src: `${TRAP}/rr` }),
        element(13, "a", { href: "javascript:top.evil=1", id: "evil-link" }, [letters(14, "click")]), element(15, "meta", { "http-equiv": "refresh", content: `0;url=${TRAP}/refresh` }),
        element(16, "form", { action: `${TRAP}/form`, id: "f" }, [element(17, "input", { autofocus: "", onfocus: "top.evil=1" })]), element(18, "iframe", { src: `${TRAP}/frame`, srcdoc: "<script>top.evil=1</script>", sandbox: "allow-scripts allow-same-origin" }),
        element(19, "link", { rel: "stylesheet", href: `${TRAP}/sheet.css` }), element(20, "link", { rel: "preload", as: "image", href: `${TRAP}/preload` }), element(21, "object", { data: `${TRAP}/object` }), element(22, "video", { src: `${TRAP}/video`, poster: `${TRAP}/poster`, autoplay: "" }),
        element(23, "style", {}, [letters(24, `@import url("${TRAP}/import.css"); @font-face { font-family: x; src: url("${TRAP}/font") } body { background: url("${TRAP}/background"); font-family: x }`)]),
        element(25, "div", { style: `background-image: url("${TRAP}/style")`, onclick: "top.evil=1" }, [letters(26, "hostile text")]), element(27, "svg", { isSVG: true }, [{ ...element(28, "image", { "xlink:href": `${TRAP}/svg` }), isSVG: true }]),
        element(29, "base", { href: TRAP }), element(30, "embed", { src: `${TRAP}/embed` }),
    ];
    const more = [at(3, 500, { source: 0, texts: [], removes: [], attributes: [{ id: 25, attributes: { onmouseover: "top.evil=1", src: `${TRAP}/later` } }], adds: [{ parentId: 4, nextId: null, node: element(40, "img", { src: `${TRAP}/added`, onload: "top.evil=1" }) }, { parentId: 4, nextId: null, node: element(41, "script", {}, [letters(42, "top.evil=1")]) }] }), at(3, 900, { source: 2, type: 2, id: 13, x: 5, y: 5 })];
    await post({ ...head("evil1"), sequence: 0, isLast: true, events: [META, at(2, 10, snapshot(evil)), ...more] });
    const spans = Array.from({ length: 3 }, (_, n) => ({ traceId: "ab".repeat(16), spanId: `000000000000000${n + 1}`, name: "charge", kind: 2, startTimeUnixNano: String((Date.now() - 2000) * 1e6), endTimeUnixNano: String((Date.now() - 1900) * 1e6), status: { code: n === 0 ? 2 : 0 }, attributes: [{ key: "session.id", value: { stringValue: session } }] }));
    const taken = await fetch(`${given.otlp}/v1/traces`, { method: "POST", headers: { "content-type": "application/json", authorization: `Bearer ${given.server_key}` }, body: JSON.stringify({ resourceSpans: [{ resource: { attributes: [{ key: "service.name", value: { stringValue: "payments" } }] }, scopeSpans: [{ spans }] }] }) });
    check(taken.ok, "the backend's spans are taken");
    for (let i = 0; i < 100; i++) {
        await go("/p/default/replays?from=now-1h");
        await page.waitForSelector(".replays-head");
        await page.waitForTimeout(300);
        if ((await page.locator(".replay-line").count()) === 5 && (await page.locator("text=1 backend error").count()) === 1) break;
    }
    await listed(5);
});

await step("the list: by user, errors, rage clicks, page; one line each", async () => {
    await accessible("replays");
    await shots("replays");
    await page.fill("#replays-user", "ann@shop.example");
    await page.press("#replays-user", "Enter");
    await listed(1);
    const line = await text(".replay-line");
    check(/ann@shop\.example.*1 error.*1 rage click/.test(line), `the line says what happened: ${line}`);
    check(/1 backend error/.test(line), `and what happened behind it: ${line}`);
    await go("/p/default/replays?from=now-1h");
    await listed(5);
    await page.fill("[aria-label=Service]", "payments");
    await page.press("[aria-label=Service]", "Enter");
    await listed(1);
    await go("/p/default/replays?from=now-1h&errors=1");
    await listed(2);
    await go("/p/default/replays?from=now-1h&rage=1&page=127.0.0.1");
    await listed(1);
});

await step("into the picture", async () => {
    await page.click(".replay-main");
    await page.waitForSelector(".player-stage[data-shown=yes]");
    check((await text(".player-backend")) === "3 backend spans, 1 error, of payments", `what the backend did: ${await text(".player-backend")}`);
    check(/Tea shop 0 in the cart/.test(await frame_text()), `the first picture: ${await frame_text()}`);
    check(!/secret/.test(await picture.locator("html").innerHTML()), "what was typed is masked");
    await page.keyboard.press("]");
    await page.waitForFunction(() => document.querySelector(".side-line.present")?.textContent.includes("total is undefined") || document.querySelector(".side-line.present")?.textContent.includes("again and again"));
    await page.waitForTimeout(150);
    check(/3 in the cart/.test(await frame_text()), `at the error: ${await frame_text()}`);
    await accessible("a replay");
    await shots("replay");
});

await step("console and network beside it, at the same time; from a request to its trace", async () => {
    await page.click(".side-tabs >> text=Console");
    await page.waitForSelector(".side-line >> text=payment refused");
    await page.click(".side-tabs >> text=Network");
    await page.waitForSelector("text=api/buy 500");
    await shots("replay-network");
    await page.click(".side-tabs >> text=Traces");
    await page.waitForSelector(".side-line a");
    await page.click(".side-tabs >> text=Network");
    await page.locator(".side-line", { hasText: "/api/buy" }).locator("a").click();
    await page.waitForURL(/\/trace\/[0-9a-f]{32}/);
    trace = page.url();
});

await step("and back: from the span to the moment", async () => {
    await page.waitForSelector(".detail .replay-link");
    await page.click(".detail .replay-link");
    await page.waitForURL(new RegExp(`/replays/${session}\\?at=\\d+`));
    await page.waitForSelector(".player-stage[data-shown=yes]");
    await page.waitForTimeout(150);
    check(/3 in the cart/.test(await frame_text()), `the moment of the request: ${await frame_text()}`);
});

await step("from an issue's event to its moment", async () => {
    await go("/p/default/issues?from=now-1h");
    await page.click(".issue-main");
    await page.click("tr .replay-link");
    await page.waitForURL(new RegExp(`/replays/${session}\\?at=\\d+`));
    await page.waitForSelector(".player-stage[data-shown=yes]");
});

await step("it plays, and ends; faster, slower, back", async () => {
    await open(`/p/default/replays/${session}?at=0`);
    await page.keyboard.press(">");
    check((await page.inputValue("select[aria-label=Speed]")) === "2", "faster");
    await page.keyboard.press(" ");
    await page.waitForSelector("button >> text=Pause");
    await page.waitForSelector("button >> text=Play", { timeout: 20000 });
    check(/3 in the cart/.test(await frame_text()), `at its end: ${await frame_text()}`);
    await page.keyboard.press("ArrowLeft");
    await page.waitForURL(/at=\d+/);
});

await step("what has not come is told, in words", async () => {
    await open("/p/default/replays/gap1?at=30000");
    await page.waitForSelector(".player-hole");
    const words = await text(".player-hole");
    check(/Nothing was received from .* to .*, because batches 1 to 2 have not come/.test(words), `the gap: ${words}`);
    check(/moment 1$/.test(await frame_text()), `the last that was seen: ${await frame_text()}`);
    await accessible("a gap");
    await shots("replay-gap");
    await go("/p/default/replays/blind1");
    await page.waitForSelector("text=There is no picture of this tab");
    await page.waitForSelector(".side-line >> text=seen all the same");
    await shots("replay-blind");
});

await step("a moment is there at once", async () => {
    await open("/p/default/replays/long1?at=50000");
    check(/moment 41\d\d/.test(await frame_text()), `by its address: ${(await frame_text()).slice(0, 60)}`);
    const first = [], seeks = [];
    for (let round = 0; round < 3; round++) {
        await go("/p/default/replays?from=now-1h");
        await listed(5);
        first.push(await page.evaluate(async () => {
            const begin = performance.now();
            document.querySelector('[data-session="long1"] a').click();
            while (document.querySelector(".player-stage")?.dataset.shown !== "yes") await new Promise(requestAnimationFrame);
            return performance.now() - begin;
        }));
        await page.waitForFunction(() => !/parts are here/.test(document.querySelector(".player-tools")?.textContent ?? ""));
    }
    for (const part of [0.9, 0.1, 0.5, 0.99, 0.3]) seeks.push(await page.evaluate(async part => {
        const slider = document.querySelector(".timeline input"), begin = performance.now();
        const inside = document.querySelector(".player-stage iframe").contentDocument.querySelector("iframe").contentDocument;
        slider.value = String(part * Number(slider.max));
        slider.dispatchEvent(new Event("input", { bubbles: true }));
        const wanted = Math.floor((Number(slider.value) - 100) / 12);
        while (Math.abs(Number(/moment (\d+)/.exec(document.querySelector(".player-stage iframe").contentDocument.querySelector("iframe").contentDocument.body.textContent)?.[1]) - wanted) > 3) {
            if (performance.now() - begin > 5000) throw new Error(`seek to ${wanted}: ${inside.body.textContent.slice(0, 40)}`);
            await new Promise(requestAnimationFrame);
        }
        return performance.now() - begin;
    }, part));
    const middle = list => [...list].sort((a, b) => a - b)[list.length >> 1];
    console.log(`replay_first_frame_ms ${middle(first).toFixed(0)} (${first.map(one => one.toFixed(0))}), replay_seek_ms ${middle(seeks).toFixed(0)} (${seeks.map(one => one.toFixed(0))}), 9,000 changes, 1,500 rows`);
});

await step("a hostile recording runs nothing, loads nothing, sends nothing", async () => {
    const asked = [];
    const watch = request => asked.push(request.url());
    page.on("request", watch);
    await open("/p/default/replays/evil1?at=10");
    await page.keyboard.press(" ");
    await page.waitForTimeout(2500);
    check(/hostile text/.test(await frame_text()), `its text is shown: ${await frame_text()}`);
    const tree = await page.evaluate(() => {
        const outer = document.querySelector(".player-stage iframe"), inner = outer.contentDocument.querySelector("iframe");
        const every = [...inner.contentDocument.querySelectorAll("*")];
        return { evil: window.evil, outer: outer.getAttribute("sandbox"), inner: inner.getAttribute("sandbox"), scripts: every.filter(one => one.localName === "script").length,
                 acts: every.flatMap(one => one.getAttributeNames().filter(name => name.startsWith("on"))), hrefs: every.map(one => one.getAttribute("href")).filter(href => /script:|http/.test(href ?? "")) };
    });
    check(tree.evil === undefined && !/allow-scripts/.test(tree.outer + tree.inner) && tree.scripts === 0 && tree.acts.length === 0 && tree.hrefs.length === 0, `nothing that runs is built: ${JSON.stringify(tree)}`);
    /* The frame holds also where what is built is not made fit: put in by hand, as if that had been forgotten. */
    await page.evaluate(trap => {
        const inner = document.querySelector(".player-stage iframe").contentDocument.querySelector("iframe").contentDocument;
        for (const [tag, name, value] of [["img", "src", `${trap}/raw.gif`], ["iframe", "src", `${trap}/raw-frame`], ["link", "href", `${trap}/raw.css`]]) {
            const one = inner.createElement(tag);
            if (tag === "link") one.rel = "stylesheet";
            one.setAttribute("onerror", "top.evil = 2");
            one.setAttribute("onload", "top.evil = 2");
            one.setAttribute(name, value);
            inner.body.append(one);
        }
        const script = inner.createElement("script");
        script.textContent = "top.evil = 2";
        inner.body.append(script);
    }, TRAP);
    await page.waitForTimeout(800);
    check((await page.evaluate(() => window.evil)) === undefined, "nothing runs");
    check(trapped.length === 0, `nothing is loaded or sent: ${trapped}`);
    page.off("request", watch);
    check(page.url().startsWith(given.base), "the page is where it was");
    /* AbortError: rrweb plays the video, which has no source */
    const refused = told.filter(words => !/Content Security Policy|sandboxed|Blocked script|blocked|AbortError: The play/i.test(words));
    check(refused.length === 0, `the browser tells of refusals alone: ${refused.join("\n")}`);
    told.length = 0;
});

await step("what is not there, and no answer", async () => {
    await go("/p/default/replays/nothere");
    await page.waitForSelector("text=There is no recording of this session");
    told.length = 0; /* the browser tells of the 404 */
    await page.route("**/segments/**", route => route.abort());
    await go("/p/default/replays/gap1");
    await page.waitForSelector(".player-over [role=alert]");
    await shots("replay-broken");
    await page.unroute("**/segments/**");
    told.length = 0;
});

await step("a session is deleted, then all of a user", async () => {
    await go("/p/default/replays?from=now-1h");
    await listed(5);
    await page.click('[data-session="evil1"] button[title=Delete]');
    await page.click("dialog >> text=Cancel");
    await listed(5);
    await page.click('[data-session="evil1"] button[title=Delete]');
    await page.click("dialog button.primary");
    await listed(4);
    await go("/p/default/replays?from=now-1h&user=u7");
    await listed(3);
    await page.click("text=Delete all of this user");
    await accessible("deleting");
    await page.click("dialog button.primary");
    await page.waitForSelector("text=No session is like that");
    await page.goto(trace);
    await page.waitForSelector(".detail .replay-link");
});

await step("who has a lesser role than the project says sees stars", async () => {
    await context.clearCookies();
    given.email = "vi@example.com";
    await sign_in("/p/default/replays?from=now-1h");
    await open(`/p/default/replays/${session}?at=0`);
    check(/^\*+( [*0-9]+)*/.test(await frame_text()) && !/Tea|cart|Add/.test(await picture.locator("html").innerHTML()), `no text of the page is there: ${await frame_text()}`);
    check((await text(".player-masked")) === "texts are masked for your role", "and it is said");
    await accessible("a masked replay");
    await shots("replay-masked");
});

shop.close();
trap.close();
await done();
process.exit(0);
