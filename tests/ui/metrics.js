// The pages of metrics as a person uses them: tests/story_ui_metrics.py starts the server, fills it and runs this.
//     node metrics.js '{"base": ..., "from": ..., "to": ..., "orders": {"cart": [...]}, "p95": [[low, high], ...], ...}'      page.js says the rest
import { accessible, check, click, done, given, go, page, settled, shots, sign_in, step, text, told } from "./page.js";

const RANGE = `from=${given.from}&to=${given.to}&tz=utc`;
const address = () => new URL(page.url()).searchParams;
async function show(name, query = "") {
    await go(`/p/default/metrics/${encodeURIComponent(name)}?${RANGE}${query && `&${query}`}`);
    await page.waitForSelector(".metric-shown .chart canvas, .metric-shown .data-table");
    await settled();
    await page.waitForFunction(() => !document.querySelector('[aria-busy="true"]'));
}
async function csv() {
    await page.evaluate(() => navigator.clipboard.writeText(""));
    await page.click("text=Copy CSV");
    await page.waitForFunction(async () => (await navigator.clipboard.readText()) !== "");
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    const [head, ...lines] = copied.trim().split("\r\n").map(line => line.split(","));
    return Object.fromEntries(head.map((name, at) => [name, lines.map(line => (line[at] === "" || line[at] === undefined ? null : Number(line[at])))]));
}
const same = (a, b) => a === b || (a !== null && b !== null && Math.abs(a - b) <= 1e-6 * Math.max(1, Math.abs(b)));
const canvas = () => page.locator(".metric-shown .chart canvas").first();

await step("the catalog: each metric with its kind, how it went, its last value", async () => {
    await sign_in(`/p/default/metrics?${RANGE}`);
    await page.waitForFunction(() => document.querySelectorAll(".metrics-table tbody tr").length === 5);
    await page.waitForFunction(() => document.querySelectorAll(".metric-trend path").length === 5);
    const kinds = await page.locator(".metric-type").allInnerTexts();
    check(["counter", "up-down counter", "gauge", "histogram", "exponential histogram"].every(kind => kinds.some(one => one.startsWith(kind))), `kinds: ${kinds}`);
    check(/p95/.test(await text("tr:has-text('http.server.request.duration') .metric-last")), "of a histogram the last p95 is shown");
    await shots("catalog", true);
    await accessible("the catalog");
    await page.fill("#metrics-search", "orders placed");
    await page.waitForFunction(() => document.querySelectorAll(".metrics-table tbody tr").length === 1);
    check(address().get("q") === "orders placed", "what is searched for is in the address");
    await page.fill("#metrics-search", "no such thing");
    await click("text=Show all");
    await page.selectOption("[aria-label=Type]", "gauge");
    await page.waitForFunction(() => document.querySelectorAll(".metrics-table tbody tr").length === 1);
    check((await text(".metric-name a")) === "shop.queue.depth", "types narrow");
});

await step("by the keyboard: g m, j, Enter", async () => {
    await go(`/p/default/explore?${RANGE}`);
    await settled();
    await page.keyboard.press("g");
    await page.keyboard.press("m");
    await page.waitForSelector(".metric-name a");
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.waitForURL(/metrics\/http\.server\.request\.duration\?/);
    await page.waitForSelector(".metric-head h1");
});

await step("a counter's increase is what was counted, its gap is a gap", async () => {
    await show("shop.orders", "agg=increase&by=service&step=60&as=table");
    const shown = await csv();
    for (const service of ["cart", "checkout"])
        given.orders[service].forEach((orders, minute) => check(same(shown[service][minute], orders), `orders of ${service} in minute ${minute}: ${shown[service][minute]}, not ${orders}`));
    check((await text(".metric-notes")).includes("gaps between points"), "what fell into the gap is told");
});

await step("a counter that began anew is marked", async () => {
    await show("shop.orders");
    const words = await canvas().getAttribute("aria-label");
    check(words.includes("began anew"), `the chart tells of it: ${words}`);
    await shots("counter", true);
    await accessible("a counter");
});

await step("quantiles of a histogram lie where those of the values do", async () => {
    await show("http.server.request.duration", "p=95&q=service:checkout&step=60&as=table");
    const shown = Object.values(await csv())[1];
    given.p95.forEach(([low, high], minute) => check(shown[minute] / 1e9 >= low * 0.999 && shown[minute] / 1e9 <= high * 1.001, `p95 in minute ${minute} is ${shown[minute] / 1e9}: in ${low} to ${high}`));
});

await step("a histogram: quantiles, heat map, exemplars", async () => {
    await show("shop.payment.duration");
    check((await page.locator(".legend li").allInnerTexts()).length === 3, "three quantiles");
    await page.waitForSelector(".heat-legend");
    const words = await page.locator("section[aria-label='Buckets over time'] canvas").getAttribute("aria-label");
    check(words.includes(`${String(given.payments).replace(/\B(?=(\d{3})+$)/g, " ")} values`), `all payments are in the heat map: ${words}, ${given.payments}`);
    await click("text=p50");
    await page.waitForURL(/p=95,99/);
    await show("http.server.request.duration", "q=service:checkout");
    await page.waitForSelector(".metric-exemplars a");
    await shots("histogram", true);
    await accessible("a histogram");
});

await step("what is asked is typed, chosen, and in the address", async () => {
    await show("http.server.request.duration");
    await page.keyboard.press("/");
    await page.keyboard.type("http.rou");
    await page.waitForSelector("#metric-search-proposals");
    check(await page.locator("#metric-search-proposals").evaluate(list => getComputedStyle(list).position === "absolute" && getComputedStyle(list).listStyleType === "none"), "proposals lie over what is below them");
    await page.keyboard.press("Tab");
    check((await page.inputValue("#metric-search")) === "http.route:", "a field of the metric is proposed");
    await page.waitForSelector("#metric-search-proposals li:has-text('/cart')");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.waitForURL(/q=http\.route:/);
    await page.selectOption("#metric-by", "service.name");
    await page.waitForURL(/by=service\.name/);
    await page.waitForFunction(() => [...document.querySelectorAll(".legend li")].map(one => one.textContent).join().includes("checkout"));
    await page.selectOption("[aria-label=Aggregate]", "rate");
    await page.waitForURL(/agg=rate/);
    await page.selectOption("[aria-label=Step]", "300");
    await page.waitForURL(/step=300/);
    await page.waitForFunction(() => document.querySelector(".metric-read")?.textContent.includes("step 300 s"));
    await page.locator("h1").click();
    await page.keyboard.press("c");
    await page.waitForURL(/compare=1/);
    await page.waitForFunction(() => document.querySelector(".metric-shown h2")?.textContent.startsWith("rate of"));
    await page.goBack();
    await page.waitForFunction(() => !new URL(location.href).searchParams.has("compare"));
    await page.locator(".legend button:has-text('checkout')").click();
    await page.waitForURL(/service\.name:checkout/);
});

await step("with the time before it: the hour's second half beside its first", async () => {
    const middle = new Date((Date.parse(given.from) + Date.parse(given.to)) / 2).toISOString().replace(".000Z", "Z");
    await go(`/p/default/metrics/shop.orders?from=${middle}&to=${given.to}&tz=utc&agg=increase&q=service:checkout&step=60&compare=1&as=table`);
    await page.waitForSelector(".data-table");
    await page.waitForFunction(() => !document.querySelector('[aria-busy="true"]'));
    const shown = await csv();
    check(same(shown["all"][0], given.orders.checkout[30]) && same(shown["all (before)"][0], given.orders.checkout[0]) && same(shown["all (before)"][29], given.orders.checkout[29]), "before is half an hour earlier, minute by minute");
    await page.locator("text=As table").click();
    await page.waitForSelector(".legend");
    await shots("compared");
});

await step("dragging zooms; an exemplar opens its trace", async () => {
    await show("shop.orders");
    const box = await canvas().boundingBox();
    await page.mouse.move(box.x + box.width * 0.4, box.y + 60);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.7, box.y + 60, { steps: 5 });
    await page.mouse.up();
    await page.waitForFunction(from => new URL(location.href).searchParams.get("from") !== from, given.from);
    await show("http.server.request.duration", "q=service:checkout&agg=max");
    await page.locator(`.metric-exemplars a[href*="${given.exemplar}"]`).first().click();
    await page.waitForURL(new RegExp(`/trace/${given.exemplar}.*span=`));
    await page.waitForSelector(".span-row");
    await page.goBack();
    await page.waitForSelector(".metric-exemplars a");
    await settled();
    const place = await canvas().boundingBox();
    const seen = await page.locator(".metric-exemplars a").count();
    check(seen > 10, `${seen} exemplars are listed`);
    let is_open = false; /* the points themselves: somewhere along the chart one is under the pointer */
    for (let x = 0.1; x < 0.98 && !is_open; x += 0.004) {
        for (const y of [0.05, 0.2, 0.4, 0.6, 0.8]) {
            await page.mouse.move(place.x + place.width * x, place.y + place.height * y);
            if ((await page.locator(".chart-tip", { hasText: "opens trace" }).count()) === 0) continue;
            await page.mouse.down();
            await page.mouse.up();
            await page.waitForURL(/\/trace\/[0-9a-f]{32}/);
            is_open = true;
            break;
        }
    }
    check(is_open, "a point of the chart opens a trace");
    await page.waitForTimeout(300);
    told.length = 0; /* of most of these requests no span was sent */
});

await step("related metrics: what moved at the same time comes first", async () => {
    await show("shop.payment.duration", "related=1");
    await page.waitForSelector(".metric-related li");
    const first = await text(".metric-related li >> nth=0");
    check(first.includes("shop.queue.depth") && first.includes("moved with it"), `the queue grew while payments were slow: ${first}`);
    await accessible("related metrics");
});

await step("onto a dashboard", async () => {
    await show("shop.orders", "by=service");
    await page.locator("h1").click();
    await page.keyboard.press("a");
    await page.keyboard.press("d");
    await page.waitForSelector("dialog input");
    check((await page.locator("dialog input").evaluateAll(fields => fields.map(one => one.value))).some(value => value.includes("rate of shop.orders by service")), "it has the chart's title");
    await page.keyboard.press("Escape");
});

await step("as SQL, with a word on where it differs", async () => {
    await show("shop.orders", "agg=rate&by=service");
    await page.locator("h1").click();
    await page.keyboard.press("a");
    await page.keyboard.press("s");
    await page.waitForURL(/\/sql\?/);
    check(address().get("q").startsWith("-- Here an increase"), "the statement says where it differs");
    await page.waitForSelector(".grid-line");
    check((await page.locator(".state.problem").count()) === 0, "and it runs");
});

await step("nothing, and what cannot be", async () => {
    await go("/p/empty/metrics");
    await page.waitForSelector("text=No metrics have been sent to empty yet");
    check((await text(".paste")).includes("OTEL_METRICS_EXPORTER"), "what to paste is told");
    await shots("empty");
    await accessible("a project without metrics");
    await go(`/p/default/metrics?from=now-5m`);
    await go(`/p/default/metrics/no.such.metric?${RANGE}`);
    await page.waitForSelector("text=No points in this time");
    await show("shop.orders");
    await page.fill("#metric-search", "level:error");
    await page.press("#metric-search", "Enter");
    await page.waitForSelector(".metric-bar .warning");
    check((await text(".metric-bar .warning")).includes("points of metrics are not found by level"), "what a search cannot mean is told where it is typed");
    await accessible("a search that cannot be");
    await shots("refused");
    await page.fill("#metric-search", "service:nobody");
    await page.press("#metric-search", "Enter");
    await page.waitForSelector("text=Nothing to draw");
    told.length = 0; /* the 400 of it */
});

await done();
