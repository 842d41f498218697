// The pages of services in a real Chromium: tests/story_ui_services.py says what was sent. Its figures are those of SQL over the rows.
//     node services.js '{"base": ..., "from": ISO, "to": ISO, "services": [{"name", "requests", "errors", "p50", "p95", "p99", "before"}], ...}'
import { accessible, check, clicks, done, given, go, page, settled, shots, sign_in, step, text } from "./page.js";

const TIME = `from=${given.from}&to=${given.to}`;
const LIST = `/p/default/services?${TIME}`;
const names = () => page.locator(".services-table tbody tr").evaluateAll(rows => rows.map(row => row.dataset.service));
const cell = (name, column) => page.locator(`tr[data-service="${name}"] > :nth-child(${column})`);
const figure = async locator => Number((await locator.getAttribute("title")).replace(/[^0-9].*$/, ""));
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
    check((await text(".services-from")) === "from roll-ups", "it says where the figures are from");
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

await step("of one environment: from the rows, exactly", async () => {
    await go(`${LIST}&env=staging`);
    await page.waitForSelector(".services-table tbody tr");
    await settled();
    await list_is(given.staging, 0.006, "of staging");
    check((await text(".services-from")) === "from rows", "it says so");
});

await step("of a few minutes: from the rows", async () => {
    await go(`/p/default/services?from=${given.short_from}&to=${given.to}`);
    await page.waitForSelector(".services-table tbody tr");
    check((await text(".services-from")) === "from rows", "it says so");
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
