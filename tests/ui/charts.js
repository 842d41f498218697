// The explorer's charts as a person uses them: tests/story_ui_charts.py starts the server, fills it and runs this.
//     node charts.js '{"base": ..., "from": ..., "to": ..., "rows": ...}'      page.js says the rest
import { accessible, check, done, given, go, page, rows_are, rows_by_api, settled, shots, sign_in, step, text, told } from "./page.js";

const RANGE = `from=${given.from}&to=${given.to}`;
const WHERE = `timestamp >= '${given.from}' AND timestamp < '${given.to}'`;
const TABLE = "otel_logs_and_spans";
async function show(query) {
    await go(`/p/default/explore?${RANGE}&${query}`);
    await page.waitForSelector(".kind-chart-inside");
    await settled();
}
/* The numbers of the chart that is shown, as its table's CSV. */
async function csv() {
    await page.evaluate(() => navigator.clipboard.writeText(""));
    await page.click("text=Copy CSV");
    await page.waitForFunction(async () => (await navigator.clipboard.readText()) !== "");
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    return copied.trim().split("\r\n").map(line => [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(cell => cell[1]?.replaceAll('""', '"') ?? cell[2] ?? ""));
}
async function api(sql) {
    const answer = await rows_by_api(sql);
    check(Array.isArray(answer.rows), `${sql}: ${JSON.stringify(answer).slice(0, 500)}`);
    return answer.rows;
}
const same = (a, b) => Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(a), Math.abs(b));
/* A map of maps: name -> time -> value, of a table with a time for each line and a series for each column. */
const by_series = ([head, ...lines]) => Object.fromEntries(head.slice(1).map((name, at) => [name, Object.fromEntries(lines.map(line => [line[0], line[at + 1]]))]));
async function drag(selector, from, to, modifier) {
    const box = await page.locator(selector).boundingBox();
    const place = ([x, y]) => [box.x + box.width * x, box.y + box.height * y];
    if (modifier) await page.keyboard.down(modifier);
    await page.mouse.move(...place(from));
    await page.mouse.down();
    await page.mouse.move(...place(to), { steps: 6 });
    await page.mouse.up();
    if (modifier) await page.keyboard.up(modifier);
}
const address = () => new URL(page.url()).searchParams;

await step("signed in", async () => sign_in(`/p/default/explore?${RANGE}`));

await step("each kind is a button and two keys, and its state is the address", async () => {
    await rows_are(given.rows);
    for (const [key, kind] of [["l", "line"], ["b", "bar"], ["s", "stacked"], ["t", "top"], ["a", "table"], ["h", "heat"], ["r", null]]) {
        await page.keyboard.press("v");
        await page.keyboard.press(key);
        await page.waitForFunction(wanted => new URLSearchParams(location.search).get("viz") === wanted, kind);
        check((await page.getAttribute(`[data-kind=${kind ?? "rows"}]`, "aria-pressed")) === "true", `${kind} is the one that is pressed`);
    }
});

const AGGS = {
    count: "count(*)", rate: "count(*) / 60.0", errors: "count(*) FILTER (WHERE status_code = 'ERROR' OR level IN ('ERROR', 'FATAL'))",
    avg: "avg(duration)", p50: "approx_percentile(0.5, percentile_agg(duration))", p95: "approx_percentile(0.95, percentile_agg(duration))",
    p99: "approx_percentile(0.99, percentile_agg(duration))", max: "max(duration)", sum: "sum(duration)", distinct: "count(DISTINCT name)",
};
const TITLES = { count: "rows by", rate: "rows a second by", errors: "errors by", avg: "average of duration", distinct: "different of name" };
let values = 0;
await step("lines of every aggregate have the numbers of the API, and gaps where it has none", async () => {
    await show("viz=line&tz=utc&by=service&as=table");
    for (const [agg, sql] of Object.entries(AGGS)) {
        await page.selectOption("[aria-label=Aggregate]", agg);
        if (agg === "distinct") {
            await page.fill("#measured", "name");
            await page.press("#measured", "Enter");
        }
        await page.waitForFunction(words => document.querySelector("h2").textContent.startsWith(words), TITLES[agg] ?? `${agg} of duration`);
        const shown = by_series(await csv());
        const wanted = await api(`SELECT resource___service___name, date_trunc('minute', timestamp), ${sql} FROM ${TABLE} WHERE ${WHERE} GROUP BY 1, 2`);
        const known = new Map(wanted.map(([service, t, value]) => [`${service}\n${String(t).slice(0, 19).replace("T", " ")}`, value]));
        for (const service of ["web", "checkout", "stock", "payments"])
            for (const [t, value] of Object.entries(shown[service] ?? check(false, `${agg} has a line for ${service}`))) {
                const want = known.get(`${service}\n${t}`) ?? (["count", "rate", "errors", "distinct"].includes(agg) ? 0 : "");
                check(want === "" || want === null ? value === "" : value !== "" && same(Number(value), Number(want)), `${agg} of ${service} at ${t} is ${want}, shown as ${value}`);
                values++;
            }
    }
});

await step("top lists, tables and cross tables have the numbers of the API; what is behind the last place is said", async () => {
    await show("viz=top&by=name&top=5&as=table");
    const top = (await csv()).slice(1);
    const names = await api(`SELECT coalesce(name, ''), count(*) FROM ${TABLE} WHERE ${WHERE} GROUP BY 1 ORDER BY 2 DESC, 1`);
    check(top.length === 6 && top[5][0] === `others (${names.length - 5})`, `five and the others: ${JSON.stringify(top)}`);
    for (const at of [0, 1, 2, 3, 4]) check(top[at][0] === (names[at][0] || "none") && Number(top[at][1]) === names[at][1], `place ${at + 1} is ${names[at]}, shown as ${top[at]}`);
    check(Number(top[5][1]) === names.slice(5).reduce((sum, row) => sum + row[1], 0), "the others together are the rest");
    check(same(top.reduce((sum, row) => sum + Number(row[2]), 0), 1), "shares are of all");
    check((await text("h2")).includes(`the first 5 of ${names.length}`), "how many there are is said");

    await show("viz=table&by=service,kind");
    const table = new Map((await csv()).slice(1).map(line => [`${line[0]}\n${line[1]}`, line]));
    const groups = await api(`SELECT resource___service___name, kind, count(*), ${AGGS.errors}, ${AGGS.avg}, ${AGGS.p50}, ${AGGS.p95}, ${AGGS.p99}, ${AGGS.max} FROM ${TABLE} WHERE ${WHERE} GROUP BY 1, 2`);
    check(table.size === groups.length, `${groups.length} groups, ${table.size} shown`);
    for (const [service, kind, ...numbers] of groups) {
        const line = table.get(`${service}\n${kind}`);
        const shown = [line[2], line[3], ...line.slice(5)];
        numbers.forEach((number, at) => check(number === null ? shown[at] === "" : same(Number(shown[at]), number), `${service} ${kind}: ${numbers} shown as ${shown}`));
        values += numbers.length;
    }
    await page.click("th:has-text('errors') >> nth=0 >> button");
    check((await page.getAttribute("th:has-text('errors') >> nth=0", "aria-sort")) === "descending", "a click on a head sorts");
    const sorted = (await csv()).slice(1).map(line => Number(line[3]));
    check(sorted.every((value, at) => at === 0 || value <= sorted[at - 1]), `sorted by errors: ${sorted}`);

    await show("viz=table&by=service,kind&across=1&agg=max");
    const [head, ...lines] = await csv();
    for (const [service, kind, ...numbers] of groups) {
        const value = lines.find(line => line[0] === service)?.[head.indexOf(kind)];
        check(numbers[6] === null ? value === "" : Number(value) === numbers[6], `max of ${service} ${kind} across is ${numbers[6]}, shown as ${value}`);
    }
});

await step("a heat map has every span in its cell", async () => {
    await show("viz=heat&tz=utc&as=table");
    const cells = (await csv()).slice(1).map(([t, low, high, count]) => ({ t, low: Number(low), high: Number(high), count: Number(count) }));
    const spans = await api(`SELECT date_trunc('minute', timestamp), duration FROM ${TABLE} WHERE ${WHERE} AND duration > 0`);
    check(cells.reduce((sum, cell) => sum + cell.count, 0) === spans.length, "all spans are in it");
    for (const cell of cells) {
        const found = spans.filter(([t, duration]) => String(t).slice(0, 19).replace("T", " ") === cell.t && duration >= cell.low && duration < cell.high).length;
        check(found === cell.count, `${JSON.stringify(cell)} has ${found} spans by the API`);
    }
    values += cells.length;
});

await step("dragging over a chart zooms, with shift it chooses; the cursor is that of all charts", async () => {
    await show("viz=line&by=service&agg=p95");
    const box = await page.locator(".kind-chart .chart canvas").boundingBox();
    const histogram = page.locator(".explore-head canvas");
    const before = await histogram.screenshot();
    await page.mouse.move(box.x + box.width * 0.5, box.y + 60);
    await page.waitForSelector(".kind-chart .chart-tip");
    check(!before.equals(await histogram.screenshot()), "the histogram has the cursor of the chart");
    const shown = (await page.locator(".kind-chart .chart-tip-line b").allInnerTexts()).filter(value => value !== "–");
    const size = value => Number(/[\d.]+/.exec(value)[0]) * (value.includes("m s") ? 60e9 : value.endsWith("ms") ? 1e6 : value.endsWith("µs") ? 1e3 : value.endsWith("ns") ? 1 : 1e9);
    check(shown.length > 1 && shown.every((value, at) => at === 0 || size(value) <= size(shown[at - 1])), `the tip has its values sorted: ${shown}`);
    await drag(".kind-chart .chart canvas", [0.3, 0.5], [0.6, 0.4], "Shift");
    await page.waitForURL(/sel=\d+~\d+(&|$)/);
    await page.waitForSelector("[aria-label='What is chosen']");
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => !document.querySelector("[aria-label='What is chosen']"));
    await drag(".kind-chart .chart canvas", [0.3, 0.5], [0.6, 0.4]);
    await page.waitForFunction(from => new URLSearchParams(location.search).get("from") !== from, given.from);
    check(Date.parse(address().get("to")) - Date.parse(address().get("from")) < 0.4 * 3660e3, "a third of the time is left");
    check(address().get("viz") === "line" && address().get("agg") === "p95", "what is shown stays");
});

let box_rows = 0;
await step("a box on the heat map: rows, by the pointer", async () => {
    await show("viz=heat&q=kind:server");
    await drag(".kind-chart .chart canvas", [0.2, 0.05], [0.95, 0.5]);
    await page.waitForURL(/sel=\d+~\d+~[\d.e+-]+~[\d.e+-]+/);
    const [from, to, low, high] = address().get("sel").split("~").map(Number);
    const iso = us => new Date(us / 1e3).toISOString();
    box_rows = (await api(`SELECT count(*) FROM ${TABLE} WHERE kind = 'server' AND timestamp >= '${iso(from)}' AND timestamp < '${iso(to)}' AND duration >= ${low} AND duration < ${high}`))[0][0];
    check(box_rows > 0, "there are rows in the box");
    await accessible("a heat map with a box");
    await page.click("[aria-label='What is chosen'] >> text=Show rows");
    await page.waitForFunction(() => !new URLSearchParams(location.search).has("viz"));
    await rows_are(box_rows);
    await page.waitForSelector(".row-line");
});

await step("the same by the keyboard", async () => {
    await show("viz=heat&q=kind:server");
    await page.focus(".kind-chart .chart canvas");
    for (const key of ["ArrowRight", "ArrowUp", "Shift+ArrowRight", "Shift+ArrowRight", "Shift+ArrowDown", "Shift+PageUp", "Enter"]) await page.keyboard.press(key);
    await page.waitForSelector("[aria-label='What is chosen']");
    await page.keyboard.press("s");
    await page.waitForFunction(() => new URLSearchParams(location.search).get("q")?.includes("duration:<"));
    await show("viz=line&by=service");
    await page.focus(".kind-chart .chart canvas");
    for (const key of ["ArrowRight", "ArrowRight", "Shift+ArrowRight", "Shift+ArrowRight"]) await page.keyboard.press(key);
    check((await page.locator(".kind-chart .chart [role=status]").innerText()).includes("web"), "the step's values are told");
    await page.keyboard.press("Enter");
    await page.waitForFunction(from => new URLSearchParams(location.search).get("from") !== from, given.from);
    await show("viz=table&by=service");
    await page.keyboard.press("b");
    await page.keyboard.type("kind");
    await page.keyboard.press("Enter");
    await page.waitForURL(/by=service(\.name)?,kind/);
});

await step("a series is a filter, from the legend and from the chart", async () => {
    await show("viz=bar&by=service");
    await page.locator(".kind-chart .legend button", { hasText: "payments" }).click();
    await page.waitForURL(/service\.name:payments/);
    await page.waitForFunction(() => document.querySelectorAll(".kind-chart .legend li").length === 1);
    const canvas = page.locator(".kind-chart .chart canvas");
    const box = await canvas.boundingBox();
    await page.mouse.click(box.x + box.width * 0.5, box.y + box.height - 31);
    await page.waitForFunction(() => !location.search.includes("payments"));
});

await step("a field's menu: only, without, group by, measure, column", async () => {
    await go(`/p/default/explore?${RANGE}&q=kind:server%20has:http.route&cols=http.route`);
    await page.waitForSelector(".row-line");
    const menu = async words => {
        await page.locator(".row-line").first().hover();
        await page.locator(".row-line").first().locator("[aria-label='What can be done with http.route']").click();
        await page.locator("[role=menuitem]", { hasText: words }).click();
    };
    const route = (await page.locator(".row-line").first().locator("[role=gridcell]").nth(3).locator(".told").innerText()).trim();
    await menu("Without this value");
    await page.waitForURL(url => url.searchParams.get("q").includes("-http.route:"));
    await page.waitForFunction(gone => ![...document.querySelectorAll(".row-line > :nth-child(4) .told")].some(cell => cell.textContent === gone), route);
    await settled();
    await menu("Group by http.route");
    await page.waitForSelector(".top-list");
    check(address().get("by") === "http.route" && address().get("viz") === "top", "grouping shows the top list");
    await page.locator(".facet[aria-label='http.response.status_code'] .field-menu").focus();
    await page.keyboard.press("Enter");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.waitForURL(/of=http\.response\.status_code/);
    await page.goBack();
    await page.waitForSelector(".top-list");
});

await step("what the menu of the view opens as SQL is what was shown", async () => {
    for (const viz of ["line", "top", "table", "heat"]) {
        await show(`viz=${viz}&by=service`);
        await page.keyboard.press("a");
        await page.keyboard.press("c");
        await page.waitForFunction(async () => (await navigator.clipboard.readText()).includes("otel_logs_and_spans"));
        const statement = await page.evaluate(() => navigator.clipboard.readText());
        check((await api(statement)).length > 0, `${viz}'s statement is answered`);
    }
});

for (const [name, query, has_axe] of [["line", "viz=line&by=service&agg=p95", true], ["bar", "viz=bar&by=service,kind", true], ["grouped", "viz=bar&by=service&agg=p50"], ["stacked", "viz=stacked&by=service&agg=rate"],
                                      ["top", "viz=top&by=name", true], ["table", "viz=table&by=service,name", true], ["across", "viz=table&by=service,kind&across=1"], ["heat", "viz=heat", true]])
    await step(`${name} at three widths${has_axe ? ", by axe in light and dark" : ""}`, async () => {
        await show(query);
        await shots(name);
        if (has_axe) await accessible(name);
    });
await step("nothing and a mistake are told", async () => {
    await go(`/p/default/explore?${RANGE}&viz=line&q=service:nobody`);
    await page.waitForSelector(".kind-chart .state");
    await shots("nothing");
    await go(`/p/default/explore?${RANGE}&viz=top&sql=1&q=levle%20%3D%201`);
    await page.waitForSelector(".kind-chart .state.problem");
    check((await text(".kind-chart .state.problem")).includes("levle"), "the wrong column is named");
    await shots("wrong");
    told.length = 0; /* the 400 of it */
});
await step("on a phone: fields, columns, a menu", async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await go(`/p/default/explore?${RANGE}&q=kind:server%20has:http.route&cols=http.route`);
    await page.waitForSelector(".row-cells");
    check(/http\.route \//.test(await page.locator(".row-line", { hasText: "http.route" }).first().innerText()), "a column stands below its row");
    await page.click("text=Fields");
    await page.locator(".facet[aria-label='http.route'] .field-menu").click();
    const menu = await page.locator("[role=menu]").boundingBox();
    check(menu.x >= 0 && menu.x + menu.width <= 390 && menu.y + menu.height <= 844, `the menu is on the screen: ${JSON.stringify(menu)}`);
    await page.screenshot({ path: `${given.shots}/fields-phone.png` });
    await accessible("fields and a menu on a phone");
    await page.keyboard.press("Escape");
    await page.click("text=Close the fields");
    await page.waitForFunction(() => !document.querySelector(".facets.open"));
});

console.log(`${values} values are those of the API; a box of ${box_rows} rows`);
await done();
