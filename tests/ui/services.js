// The pages of services in a real Chromium: tests/story_ui_services.py says what was sent. Its figures are those of SQL over the rows.
//     node services.js '{"base": ..., "from": ISO, "to": ISO, "services": [{"name", "requests", "errors", "p50", "p95", "p99", "before"}], ...}'
import { accessible, check, done, given, go, page, settled, shots, sign_in, step, text, told } from "./page.js";

const TIME = `from=${given.from}&to=${given.to}`;
const LIST = `/p/default/services?${TIME}`;
const names = () => page.locator(".services-table tbody tr").evaluateAll(rows => rows.map(row => row.dataset.service));
const cell = (name, column) => page.locator(`tr[data-service="${name}"] > :nth-child(${column})`);
const figure = async locator => Number((await locator.getAttribute("title")).replace(/[^0-9].*$/, ""));
const from_where = async () => (await page.locator('main span:text-matches("^from (rows|roll-ups)$")').first().innerText()).trim();
/* "105 ms" as nanoseconds. */
function duration(words) {
    const [, size, unit] = /([\d.]+) (ns|µs|ms|s)/.exec(words) ?? [];
    return Number(size) * { ns: 1, µs: 1e3, ms: 1e6, s: 1e9 }[unit];
}
const near = (told, exact, share) => Math.abs(told - exact) <= share * exact;

async function list_is(services, share, words) {
    for (const one of services) {
        const row = page.locator(`tr[data-service="${one.name}"]`);
        check(await row.count() === 1, `${words}: ${one.name} is listed once`);
        if (one.requests + one.before === 0) continue;
        check(await figure(cell(one.name, 2).locator("b")) === one.requests, `${words}: ${one.name} has ${one.requests} requests: ${await cell(one.name, 2).locator("b").getAttribute("title")}`);
        check(await figure(cell(one.name, 3).locator("b")) === one.errors, `${words}: ${one.name} has ${one.errors} errors`);
        if (one.requests === 0) continue;
        for (const [column, name] of [[4, "p50"], [5, "p95"], [6, "p99"]]) {
            const told = duration(await cell(one.name, column).innerText());
            check(near(told, one[name], share), `${words}: ${name} of ${one.name} is ${one[name]} ns: ${told}`);
        }
    }
    check((await names()).length === services.length, `${words}: all ${services.length} services: ${await names()}`);
}

await step("the server's own page leads there", async () => {
    await sign_in(LIST);
    await go("/");
    await page.waitForURL(/\/p\/default\/services/);
});

await step("the list: its figures are those of SQL, ill ones first", async () => {
    await go(LIST);
    await page.waitForSelector(".services-table tbody tr");
    await settled();
    await list_is(given.services, 0.016, "from roll-ups");
    check((await from_where()) === "from roll-ups", "it says where the figures are from");
    check((await names()).slice(0, 4).join() === given.ill.join(), `ill ones first: ${await names()}`);
    const words = await page.locator(".services-table").innerText();
    for (const said of ["of its requests fail; 0 % before", "no request; ", "times what it was before", "↑ none before", "spans"]) check(words.includes(said), `it says "${said}"`);
    check((await text('tr[data-service="checkout"] td:last-child')) === "✚ 1", "one new issue of checkout");
    const colours = await page.locator(".changed.worse").evaluateAll(all => all.map(one => one.closest("tr").dataset.service));
    check(!colours.includes("payments") && colours.includes("checkout"), `a colour only where it is a signal: ${colours}`);
    await accessible("the list");
    await shots("list", true);
});

await step("it sorts by any column, is searched and narrowed; all of it is the address", async () => {
    for (const [head, sort, first] of [["p95", "p95", given.by_p95[0]], ["Rate", "rate", given.by_rate[0]], ["Service", "name", "batch"]]) {
        await page.locator(`.services-table thead button:has-text("${head}")`).click();
        await page.waitForURL(url => url.searchParams.get("sort") === sort);
        check((await names())[0] === first, `by ${head} ${first} is first: ${await names()}`);
    }
    await page.locator('.services-table thead button:has-text("Service")').click();
    await page.waitForURL(url => url.searchParams.get("sort") === "-name");
    check((await text('.services-table th[aria-sort="descending"]')) === "Service ▾", "the head says so");
    await page.keyboard.press("/");
    await page.keyboard.type("ch");
    await page.waitForFunction(() => document.querySelectorAll(".services-table tbody tr").length === 3);
    check(new URL(page.url()).searchParams.get("q") === "ch", "the search is in the address");
    await page.reload();
    await page.waitForSelector(".services-table tbody tr");
    check((await names()).join() === "search,checkout,batch", `the same after loading anew: ${await names()}`);
    await go(`${LIST}&state=failing`);
    await page.waitForSelector(".services-table tbody tr");
    check((await names()).sort().join() === "checkout,web", `failing ones: ${await names()}`);
    await go(`${LIST}&q=nothing-like-it`);
    await page.locator("text=No service is what was asked for").waitFor();
    await page.locator('button:has-text("Show all")').click();
    await page.waitForSelector(".services-table tbody tr");
});

await step("of one environment: by SQL, and the same", async () => {
    await go(`${LIST}&env=staging`);
    await page.waitForSelector(".services-table tbody tr");
    await settled();
    await list_is(given.staging, 0.016, "of staging");
    check((await from_where()) === "from rows", "it says so");
});

await step("of a few minutes: from the rows", async () => {
    await go(`/p/default/services?from=${given.short_from}&to=${given.to}`);
    await page.waitForSelector(".services-table tbody tr");
    check((await from_where()) === "from rows", "it says so");
});

await step("keys walk through it", async () => {
    await go(LIST);
    await page.waitForSelector(".services-table tbody tr");
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    check(await page.evaluate(() => document.activeElement.closest("tr")?.dataset.service) === given.ill[1], "the second has the focus");
    await go(`/p/default/sql`);
    await page.waitForSelector("main textarea, main [contenteditable], main .sql");
    await page.locator("main#view").focus();
    await page.keyboard.press("g");
    await page.keyboard.press("s");
    await page.waitForURL(/\/services/);
});

await step("the home page takes a question", async () => {
    await page.fill("#ask", "errors by service in the last hour");
    await page.press("#ask", "Enter");
    await page.waitForURL(/\/ask\?.*q=errors/);
    await page.waitForSelector('.ask-answer[aria-busy="false"]');
    check(!(await text(".ask-answer")).includes("not understood"), "it is answered");
});

const PAGE = name => `/p/default/services/${name}?${TIME}`;
const head = async term => text(`.service-row > div:has(dt:text-is("${term}")) b`);
const row_of = async (table, name) => page.locator(`${table} tr[data-node="${name}"], ${table} tr:has(th a:text-is("${name}"))`).first();

await step("the page of one service: figures, charts with the release, endpoints", async () => {
    await go(LIST);
    await page.locator('.service-name a:text-is("checkout")').click();
    await page.waitForURL(/services\/checkout\?/);
    await page.waitForSelector(".service-charts canvas");
    await settled();
    const one = given.services.find(other => other.name === "checkout");
    check((await head("requests")) === String(one.requests), `requests: ${await head("requests")}, ${one.requests}`);
    check((await text(".service-trouble")).includes("of its requests fail"), "it says what is wrong");
    const [rate, errors, latency] = await page.locator(".service-charts canvas").evaluateAll(all => all.map(canvas => canvas.getAttribute("aria-label")));
    for (const label of [rate, errors, latency]) check(/1\.5 from 20/.test(label), `the release is a mark: ${label}`);
    check(/failed: [\d.]+ % in all/.test(errors) && latency.includes("p95: "), `charts say their figures: ${errors} ${latency}`);
    await accessible("the page of a service");
    await shots("service", true);
});

await step("an endpoint of it: in the address, and back", async () => {
    await go(PAGE("web"));
    await page.waitForSelector("tr[data-endpoint]");
    await settled();
    for (const endpoint of given.endpoints) {
        const line = page.locator(`tr[data-endpoint]:has(a:text-is("${endpoint.name}"))`);
        check(await figure(line.locator("td").nth(0)) === endpoint.requests, `${endpoint.name} has ${endpoint.requests} requests`);
        check(await figure(line.locator("td").nth(1)) === endpoint.errors, `${endpoint.name} has ${endpoint.errors} errors`);
    }
    check(await page.locator("tr[data-endpoint]").count() === given.endpoints.length, "all endpoints");
    await page.locator('tr[data-endpoint] a:text-is("GET /search")').click();
    await page.waitForURL(/endpoint=/);
    const wanted = String(given.endpoints.find(endpoint => endpoint.name === "GET /search").requests);
    await page.waitForFunction(wanted => [...document.querySelectorAll(".service-row b")].some(one => one.textContent === wanted), wanted);
    await settled();
    await page.reload();
    await page.waitForSelector(".service-endpoint b");
    check((await text(".service-endpoint b")) === "GET /search", "the same after loading anew");
    await settled();
    check((await page.locator(".service-charts canvas").first().getAttribute("aria-label")).includes("failed: 0/s in all"), "the charts are of the endpoint: none of its requests failed");
    await page.keyboard.press("Escape");
    await page.waitForURL(url => !url.searchParams.has("endpoint"));
});

await step("whom it calls and who calls it, as spans say", async () => {
    for (const [service, side, calls] of given.calls) {
        await go(PAGE(service));
        await page.waitForSelector(`table[data-side="${side}"] tbody tr`);
        for (const [name, count] of Object.entries(calls)) {
            const line = await row_of(`table[data-side="${side}"]`, name);
            check(await figure(line.locator("td").first()) === count, `${service}, ${side} ${name || "from outside"}: ${count} calls`);
        }
        check(await page.locator(`table[data-side="${side}"] tbody tr`).count() === Object.keys(calls).length, `${service}: all of its ${side}s`);
    }
    await go(PAGE("payments"));
    await page.locator('table[data-side="target"] a:text-is("postgresql/shop")').click();
    await page.waitForURL(/\/explore\?/);
    await page.waitForSelector(".row-line");
    check(new URL(page.url()).searchParams.get("q") === "service:payments db.system.name:postgresql db.namespace:shop", `a database leads to its rows: ${page.url()}`);
});

await step("its traces, issues, releases and instances lead further", async () => {
    await go(PAGE("checkout"));
    await page.waitForSelector(".service-traces li");
    check(await page.locator(".service-traces").getAttribute("data-by") === "failed", "what fails comes first");
    await page.locator('button:has-text("Slowest")').click();
    await page.waitForURL(/traces=slowest/);
    await page.waitForSelector('.service-traces[data-by="slowest"] li');
    check((await text(".service-issues")).includes("CardDeclined card was declined by the bank"), "its issue");
    for (const release of given.releases) {
        const line = await row_of('table[data-part="releases"]', release.version);
        check((await line.locator("td").nth(1).innerText()) === String(release.requests), `${release.version} has ${release.requests} requests`);
    }
    check((await page.locator('table[data-part="instances"] tbody tr').count()) === 4, "two pods of two releases");
    await page.locator("summary").click();
    check((await text(".service-resource")).includes("checkout-7d9f-"), "its resource");
    await page.locator(".service-traces a").first().click();
    await page.waitForURL(/\/trace\/[0-9a-f]{32}/);
    await page.waitForSelector(".span-row");
});

await step("a time is chosen by dragging, quantiles by a click", async () => {
    await go(PAGE("search"));
    await page.waitForSelector(".service-charts canvas");
    await settled();
    await page.locator('.quantile:text-is("p50")').click();
    await page.waitForURL(/quantiles=p95,p99/);
    const box = await page.locator(".service-charts canvas").first().boundingBox();
    await page.mouse.move(box.x + box.width * 0.5, box.y + 40);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.8, box.y + 40, { steps: 4 });
    await page.mouse.up();
    await page.waitForURL(url => url.searchParams.get("from") !== given.from);
    await page.waitForSelector(".service-charts canvas");
});

await step("of one environment; one that serves nothing; one that is not there", async () => {
    await go(`${PAGE("checkout")}&env=staging`);
    await page.waitForSelector(".service-charts canvas");
    await settled();
    const one = given.staging.find(other => other.name === "checkout");
    check((await head("requests")) === String(one.requests), `of staging: ${await head("requests")}, ${one.requests}`);
    check((await from_where()) === "from rows", "from the rows");
    check((await page.locator("main").innerText()).includes("Calls are of all environments."), "it says what is of all");
    const endpoint = page.locator("tr[data-endpoint]");
    check(await endpoint.count() === 1 && await figure(endpoint.locator("td").first()) === one.requests, "its endpoint, of staging");
    await endpoint.locator("a").click();
    await page.waitForSelector(".service-endpoint");
    await settled();
    check((await head("requests")) === String(one.requests), "and alone");
    await go(PAGE("batch"));
    await page.waitForSelector(".service-trouble");
    check((await text(".service-trouble")).startsWith("It serves nothing: "), "it says what it sends");
    await settled();
    check((await head("spans")) === String(given.batch), `its spans are counted instead: ${await head("spans")}, ${given.batch}`);
    check((await page.locator(".service-charts canvas").first().getAttribute("aria-label")).startsWith("Spans of batch"), "and drawn");
    check(await page.locator(".service-traces li").count() === 10, "and their traces are listed");
    await accessible("the page of one that serves nothing");
    await go(PAGE("nobody"));
    await page.locator("text=It sent nothing in this time").waitFor();
});

const MAP = `/p/default/services/map?${TIME}`;
const nodes = () => page.locator(".map-node").evaluateAll(all => all.map(one => [one.dataset.node, one.getAttribute("aria-description"), one.getBoundingClientRect().x]));

await step("the map: services, databases, queues and callers, whoever calls left of whom it calls", async () => {
    await go(LIST);
    await page.waitForSelector(".services-table tbody tr");
    await page.keyboard.press("m");
    await page.waitForURL(/services\/map/);
    await page.waitForSelector(".map-node");
    await settled();
    const all = await nodes();
    const x = Object.fromEntries(all.map(([id, , left]) => [id, left]));
    const kind = name => name === "" ? "caller:" : /kafka/.test(name) ? `messaging:${name}` : name.includes("/") ? `database:${name}` : `service:${name}`;
    let edges = 0;
    for (const [service, side, calls] of given.calls) for (const name of Object.keys(calls)) {
        const [from, to] = side === "target" ? [`service:${service}`, kind(name)] : [kind(name), `service:${service}`];
        check(x[from] < x[to], `${from} stands left of ${to}`);
        check(await page.locator(`[data-edge="${from}>${to}"]`).count() === 1, `${from} calls ${to}: an edge`);
    }
    for (const id of ["service:batch", "service:legacy"]) check(id in x, `${id} is there without calls`);
    const words = Object.fromEntries(all.map(([id, label]) => [id, label]));
    check(/^service checkout, Failing, .* failed, p95 /.test(words["service:checkout"]), `a node says what it is: ${words["service:checkout"]}`);
    check(words["database:postgresql/shop"].startsWith("database postgresql/shop"), "a database is inferred");
    check(words["messaging:kafka/orders"].startsWith("queue kafka/orders"), "a queue is inferred");
    await accessible("the map");
    await shots("map", true);
});

await step("it stands still while its figures are read anew", async () => {
    await go(MAP);
    await page.waitForSelector(".map-node");
    await settled();
    const before = (await nodes()).map(([id, , left]) => [id, left]).join();
    await page.locator("main#view").focus();
    await page.keyboard.press("r");
    await settled();
    check((await nodes()).map(([id, , left]) => [id, left]).join() === before, "the same places");
    const box = await page.locator(".map-picture svg").boundingBox();
    await page.mouse.move(box.x + 300, box.y + box.height - 120);
    await page.mouse.down();
    await page.mouse.move(box.x + 260, box.y + box.height - 160, { steps: 4 });
    await page.mouse.up();
    await page.waitForURL(/at=/);
    check((await nodes()).map(([id, , left]) => [id, left]).join() !== before, "dragging moves it");
    const moved = (await nodes()).map(([id, , left]) => [id, Math.round(left)]).join();
    await page.reload();
    await page.waitForSelector(".map-node");
    await page.waitForFunction(wanted => [...document.querySelectorAll(".map-node")].map(one => [one.dataset.node, Math.round(one.getBoundingClientRect().x)]).join() === wanted, moved).catch(() => {});
    const again = (await nodes()).map(([id, , left]) => Math.round(left));
    check(again.every((left, at) => Math.abs(left - Number(moved.split(",")[at * 2 + 1])) <= 2), "the view is in the address");
});

await step("keys walk along it; what is chosen stands beside it", async () => {
    await go(MAP);
    await page.waitForSelector(".map-node");
    await settled();
    await page.locator('.map-node[tabindex="0"]').focus();
    const at = () => page.evaluate(() => document.activeElement.dataset.node);
    check(await at() === "caller:", `the first is callers from outside: ${await at()}`);
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowRight");
    check(await at() === "service:checkout", `along the busiest calls: ${await at()}`);
    await page.keyboard.press("Enter");
    await page.waitForURL(url => url.searchParams.get("node") === "service:checkout");
    await page.waitForSelector(".map-panel h2");
    const one = given.services.find(other => other.name === "checkout");
    check(await figure(page.locator(".map-figures dd").nth(0)) === one.requests, "the panel's rate is of all requests");
    check(await figure(page.locator(".map-figures dd").nth(1)) === one.errors, "and its errors");
    const calls = given.calls.find(([service, side]) => service === "checkout" && side === "target")[2];
    for (const [name, count] of Object.entries(calls)) check(await figure((await row_of('.map-panel table[data-side="target"]', name)).locator("td").first()) === count, `calls to ${name}: ${count}`);
    await accessible("the map with its panel");
    await shots("map-node");
    await page.locator('button:has-text("Only around it")').click();
    await page.waitForURL(url => url.searchParams.get("of") === "service:checkout");
    await page.waitForFunction(() => document.querySelectorAll(".map-node").length === 4);
    check((await nodes()).map(([id]) => id).sort().join() === "messaging:kafka/orders,service:checkout,service:payments,service:web", "its neighbours alone");
    await page.selectOption('select[aria-label="How far"]', "2");
    await page.waitForFunction(() => document.querySelectorAll(".map-node").length > 4);
    await page.keyboard.press("Escape");
    await page.locator("main#view").focus();
    await page.keyboard.press("Escape");
    await page.waitForURL(url => !url.searchParams.has("node"));
    await page.keyboard.press("Escape");
    await page.waitForURL(url => !url.searchParams.has("of"));
    await page.locator('[data-node="service:payments"]').click();
    await page.waitForURL(url => url.searchParams.get("node") === "service:payments");
    await page.locator('.map-panel a:has-text("Its page")').click();
    await page.waitForURL(/services\/payments/);
});

await step("ill ones; an edge; the same as a table", async () => {
    await go(`${MAP}&ill=1`);
    await page.waitForSelector(".map-node");
    const ill = (await nodes()).map(([id]) => id);
    check(ill.includes("service:checkout") && ill.includes("service:legacy") && !ill.includes("service:batch") && !ill.includes("database:postgresql/shop"), `what is ill and what is next to it: ${ill}`);
    await go(`${MAP}&as=table`);
    await page.waitForSelector(".map-table tbody tr");
    for (const [service, side, calls] of given.calls) if (side === "target") for (const [name, count] of Object.entries(calls)) {
        const line = page.locator(`.map-table tr[data-edge^="service:${service}>"][data-edge$=":${name}"]`);
        check(await figure(line.locator("td").nth(1)) === count, `${service} calls ${name}: ${count}`);
    }
    check((await text(".map-alone")).includes("batch"), "those without calls are named");
    await page.locator('.map-table tr[data-edge="service:web>service:checkout"] button').click();
    await page.waitForURL(/edge=/);
    const failed = given.services.find(other => other.name === "checkout").errors;
    check(await figure(page.locator(".map-figures dd").nth(1)) === failed, "the edge's errors, as the caller sees them");
    await accessible("the map as a table");
    await page.setViewportSize({ width: 390, height: 844 });
    await go(MAP);
    await page.waitForSelector(".map-table tbody tr"); /* a phone has the table first */
    await page.locator('button:has-text("As table")').click();
    await page.waitForSelector(".map-node");
    await page.setViewportSize({ width: 1280, height: 800 });
    await go(`/p/default/services/%6Dap?${TIME}`);
    await page.locator("text=It sent nothing in this time").waitFor(); /* a service of that name */
});

if (given.many) await step("200 services can be read, and found", async () => {
    await go(`/p/many/services/map?from=${given.from}&to=${given.to}`);
    await page.waitForSelector(".map-node");
    await settled();
    check((await nodes()).length >= 200, `all nodes: ${(await nodes()).length}`);
    const overlap = await page.locator(".map-node rect").evaluateAll(all => {
        const boxes = all.map(one => one.getBoundingClientRect());
        return boxes.some((a, at) => boxes.slice(at + 1).some(b => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom));
    });
    check(!overlap, "no node covers another");
    const size = await page.locator(".map-node-name").first().evaluate(one => one.getBoundingClientRect().height);
    check(size >= 10, `names can be read: ${size} px`);
    await shots("map-200");
    await page.keyboard.press("/");
    await page.keyboard.type(given.many);
    await page.keyboard.press("Enter");
    await page.waitForURL(url => url.searchParams.get("node") === `service:${given.many}`);
    await page.waitForTimeout(200);
    const [box, frame] = await Promise.all([page.locator(`[data-node="service:${given.many}"]`).boundingBox(), page.locator(".map-picture").boundingBox()]);
    check(box.x >= frame.x && box.x + box.width <= frame.x + frame.width && box.y >= frame.y && box.y + box.height <= frame.y + frame.height, "what was found is in sight");
});

await step("the server cannot: it says so, and tries again", async () => {
    const broken = route => route.fulfill({ status: 503, contentType: "application/problem+json", body: JSON.stringify({ status: 503, code: "busy", detail: "the database does not answer" }) });
    for (const [path, asked, sign] of [[LIST, "**/services/health?*", ".services-table tbody tr"], [PAGE("web"), "**/services/health?*", ".service-row"], [MAP, "**/edges?*", ".map-node"]]) {
        await page.route(asked, broken);
        await go(path);
        await page.locator(".state.problem").waitFor();
        check((await text(".state.problem")).includes("the database does not answer"), "the problem's own words");
        if (path === LIST) await accessible("the broken list");
        if (path === LIST) await shots("list-broken");
        await page.unroute(asked, broken);
        await page.locator('.state.problem button:has-text("Try again")').click();
        await page.waitForSelector(sign);
    }
    const others = told.filter(line => !line.includes("503"));
    told.splice(0, told.length, ...others);
});

await step("nothing sent, nothing in this time", async () => {
    await go("/p/empty/services");
    await page.locator(".paste").waitFor();
    check((await text(".paste")).includes("OTEL_EXPORTER_OTLP_ENDPOINT"), "the line to paste");
    await accessible("the empty list");
    await shots("list-empty");
    await go("/p/default/services?from=2020-01-01T00:00:00Z&to=2020-01-01T05:00:00Z");
    await page.locator("text=No service sent anything in this time").waitFor();
});

await done();
