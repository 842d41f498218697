// Dashboards in the web UI: saved from an answer, the explorer, SQL; found again; numbers as by SQL. tests/story_ui_dashboards.py runs it.
//     node dashboards.js '{"base": ..., ...}'      page.js says what
import { accessible, check, done, given, go, number_of, page, rows_by_api, settled, shots, sign_in, step, text } from "./page.js";

const BOARDS = "/p/default/dashboards";
const param = name => new URL(page.url()).searchParams.get(name);
const panel = title => page.locator(".panel", { has: page.locator("h2", { hasText: title }) });
async function panels_ready() {
    await page.waitForSelector(".panel");
    await page.waitForFunction(() => [...document.querySelectorAll(".panel")].filter(one => one.getBoundingClientRect().top < innerHeight)
        .every(one => one.getAttribute("aria-busy") === "false" && one.querySelector(".panel-body").childElementCount > 0));
    await settled();
}
async function menu(title, item) {
    await panel(title).locator(".panel-head button").first().click();
    await page.locator("[role=menuitem]", { hasText: item }).click();
}
/* The statement behind a panel, as its menu opens it. */
async function sql_of(title) {
    await menu(title, "Open as SQL");
    await page.waitForSelector("#statement");
    const sql = await page.inputValue("#statement");
    await page.goBack();
    await panels_ready();
    return sql;
}
async function save(board, name) {
    await page.waitForSelector("dialog[open] form");
    await page.waitForFunction(() => !document.querySelector("dialog[open] select")?.disabled);
    const select = page.locator("dialog[open] select").first();
    if (board) await select.selectOption({ label: board });
    else await select.selectOption({ value: "" });
    if (!board) await page.fill('dialog[open] label:has-text("Its title") input', name);
    await page.click('dialog[open] button:has-text("Save")');
    await page.waitForSelector(".toast");
}
const values_of = async title => {
    const label = await panel(title).locator("canvas").getAttribute("aria-label");
    return label;
};

await step("signed in, an empty page says how one begins", async () => {
    await sign_in(BOARDS);
    await page.waitForSelector("text=No dashboard yet");
    await shots("dashboards-empty");
    await accessible("the empty list");
});

await step("an answer is saved to a new dashboard, and found there", async () => {
    await go("/p/default/ask");
    await page.fill("#ask", "errors per 10 minutes in the last 2 hours");
    await page.press("#ask", "Enter");
    await page.waitForSelector('.ask-answer[aria-busy="false"]');
    await page.click('.ask-acts button:has-text("Save to dashboard")');
    await page.waitForSelector("dialog[open]");
    await accessible("the dialog");
    await shots("dashboards-save");
    await save("", "Shop");
    await page.click('.toast button:has-text("Open it")');
    await panels_ready();
    check(new URL(page.url()).pathname === `${BOARDS}/shop`, "it opens the dashboard");
    check(await text(".board h1") === "Shop", "which has its title");
    const label = await values_of("errors per 10 minutes");
    const all = (await rows_by_api("SELECT count(*) FROM otel_logs_and_spans WHERE timestamp > now() - interval '1 hour' AND (level IN ('ERROR', 'FATAL') OR status_code = 'ERROR')")).rows[0][0];
    check(new RegExp(`count: ${all} in all`).test(label), `the errors of the hour are ${all}: ${label}`);
});

await step("the explorer's chart goes there, too, by keys", async () => {
    await go("/p/default/explore?q=service:web+kind:server&viz=line&agg=p95&by=http.route&from=now-2h");
    await page.waitForSelector(".kind-chart-inside canvas");
    await settled();
    await page.locator("main").focus();
    await page.keyboard.press("a");
    await page.keyboard.press("d");
    await save("Shop");
    await go("/p/default/explore?q=level:error&viz=top&from=now-2h");
    await page.waitForSelector(".top-list");
    await page.click(".acts > button");
    await page.click('[role=menuitem]:has-text("Save to dashboard")');
    await save("Shop");
});

await step("and a statement", async () => {
    await go(`/p/default/sql?q=${encodeURIComponent("SELECT resource___service___name AS service, count(*) AS n FROM otel_logs_and_spans WHERE timestamp >= now() - interval '3 hours' GROUP BY 1 ORDER BY 2 DESC")}`);
    await page.waitForSelector("text=Row");
    await settled();
    await page.click(".acts > button");
    await page.click('[role=menuitem]:has-text("Save to dashboard")');
    await save("Shop");
});

await step("it is found in the list", async () => {
    await page.keyboard.press("g");
    await page.keyboard.press("d");
    await page.waitForSelector(".dashboard-list li");
    check(/Shop.*4 panels/.test(await text(".dashboard-list li")), await text(".dashboard-list li"));
    await accessible("the list");
    await shots("dashboards-list");
    await page.click(".dashboard-list a");
    await panels_ready();
    check(await page.locator(".panel").count() === 4, "with all that was saved");
});

await step("each panel's numbers are those of its SQL", async () => {
    const sql = await sql_of("SQL");
    const rows = (await rows_by_api(sql)).rows;
    const shown = await panel("SQL").locator("tbody tr").evaluateAll(lines => lines.map(line => [...line.children].map(cell => cell.textContent.trim())));
    check(JSON.stringify(shown.map(one => one[0])) === JSON.stringify(rows.map(one => one[0])), `${JSON.stringify(shown)} ${JSON.stringify(rows)}`);
    check(shown.every((one, at) => number_of(one[1]) === rows[at][1]), `${JSON.stringify(shown)} ${JSON.stringify(rows)}`);
    const top = await sql_of("rows by service.name");
    const wanted = (await rows_by_api(top)).rows.filter(row => row[0] === null);
    const lines = await panel("rows by service.name").locator(".top-line").evaluateAll(list => list.map(line => [line.querySelector(".top-name").textContent.trim(), line.querySelector(".top-value").textContent.trim()]));
    check(lines.length === wanted.length && lines.every(([name, value], at) => name === wanted[at][4] && number_of(value) === wanted[at][3]), `${JSON.stringify(lines)} ${JSON.stringify(wanted)}`);
    await page.setViewportSize({ width: 1280, height: 1200 });
    await shots("dashboards-board");
    await accessible("a dashboard");
});

await step("a panel opens in the explorer", async () => {
    await menu("p95 of duration by http.route", "Open in the explorer");
    await page.waitForSelector(".kind-chart-inside canvas");
    check(param("q") === "service:web kind:server" && param("viz") === "line" && param("agg") === "p95" && param("by") === "http.route", page.url());
});

await done();
