// Dashboards in the web UI: saved from an answer, the explorer, SQL; found again; numbers as by SQL. tests/story_ui_dashboards.py runs it.
//     node dashboards.js '{"base": ..., ...}'      page.js says what
import { readFileSync } from "node:fs";
import { accessible, check, done, given, go, number_of, page, rows_by_api, settled, shots, sign_in, step, text, told } from "./page.js";

/* A statement that is refused on purpose, and a version that is not the latest: the browser writes them to its console. */
const forget = () => { for (let at = told.length - 1; at >= 0; at--) if (/status of (400|409|412)/.test(told[at])) told.splice(at, 1); };
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
const api = (method, path, body, headers = {}) => page.evaluate(async ([method, path, body, headers]) => {
    const me = await (await fetch("/api/v1/users/me")).json();
    const answer = await fetch(`/api/v1/projects/default${path}`, { method, headers: { "content-type": "application/json", "x-csrf-token": me.csrf_token, ...headers }, ...(body ? { body: JSON.stringify(body) } : {}) });
    return { status: answer.status, body: answer.status === 204 ? null : await answer.json() };
}, [method, path, body, headers]);
const text_of = selector => text(`.board ${selector}`);
const values_of = async title => {
    const label = await panel(title).locator("canvas").getAttribute("aria-label");
    return label;
};

await step("signed in, an empty page says how one begins", async () => {
    await sign_in(BOARDS);
    await page.waitForSelector("text=No dashboard yet");
    await page.waitForSelector(".ready-list li");
    await shots("dashboards-empty");
    await accessible("the empty list");
});

await step("one click makes a ready one", async () => {
    check(await page.locator(".ready-list li").count() === 4, "there are four");
    await page.click('button[aria-label="Add HTTP services"]');
    await panels_ready();
    check(new URL(page.url()).pathname === `${BOARDS}/http-services`, page.url());
    const all = (await rows_by_api("SELECT count(*) FROM otel_logs_and_spans WHERE kind = 'server' AND timestamp > now() - interval '1 hour'")).rows[0][0];
    const failed = (await rows_by_api("SELECT count(*) FROM otel_logs_and_spans WHERE kind = 'server' AND status_code = 'ERROR' AND timestamp > now() - interval '1 hour'")).rows[0][0];
    check(all > 0 && number_of(await panel("Failed requests").locator("dd").innerText()) === failed, `failed: ${failed}`);
    check((await panel("Failed of all").locator("dd").innerText()).startsWith((failed / all * 100).toFixed(failed / all < 0.1 ? 2 : 1)), `${failed} of ${all}`);
    await page.setViewportSize({ width: 1280, height: 1600 });
    await panels_ready();
    await shots("dashboards-http");
    await accessible("the ready one");
});

await step("exported, edited as YAML, imported: equal", async () => {
    const [download] = await Promise.all([page.waitForEvent("download"), page.click('.board-tools a:has-text("YAML")')]);
    const text = readFileSync(await download.path(), "utf8");
    check(download.suggestedFilename() === "http-services.yaml" && text.startsWith("slug: http-services\n"), text.slice(0, 100));
    const before = (await api("GET", "/dashboards/http-services")).body;
    await go(BOARDS);
    await page.waitForSelector(".dashboard-list li");
    const edited = text.replace("title: HTTP services", "title: 'HTTP: ours' # edited").replace("slug: http-services", "slug: ours");
    await page.setInputFiles("input[type=file]", { name: "ours.yaml", mimeType: "application/yaml", buffer: Buffer.from(edited) });
    await panels_ready();
    check(await text_of("h1") === "HTTP: ours", "it is shown");
    const after = (await api("GET", "/dashboards/ours")).body;
    check(JSON.stringify(after.panels) === JSON.stringify(before.panels) && JSON.stringify(after.variables) === JSON.stringify(before.variables) && after.from === before.from, "all that was not edited is equal");
    await go(BOARDS);
    await page.waitForSelector(".dashboard-list li");
    await page.setInputFiles("input[type=file]", { name: "ours.yaml", mimeType: "application/yaml", buffer: Buffer.from(edited.replace("HTTP: ours", "Replaced")) });
    await page.click('.toast button:has-text("Replace it")');
    await page.waitForSelector('.board h1:has-text("Replaced")');
    await go(BOARDS);
    await page.waitForSelector(".dashboard-list li");
    await page.setInputFiles("input[type=file]", { name: "bad.yaml", mimeType: "application/yaml", buffer: Buffer.from("title: [\n") });
    await page.waitForSelector('.toast.error:has-text("line 2")');
    forget();
    for (const slug of ["ours", "http-services"]) await api("DELETE", `/dashboards/${slug}`);
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
    await go(`/p/default/sql?q=${encodeURIComponent("SELECT resource___service___name AS service, count(*) AS n FROM otel_logs_and_spans WHERE timestamp >= now() - interval '3 hours' GROUP BY 1 ORDER BY 2 DESC, 1")}`);
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

/* ---- editing ---- */

const HOUR = "timestamp >= now() - interval '1 hour'";
const places = () => page.locator(".grid-cell").evaluateAll(cells => Object.fromEntries(cells.map(cell => [cell.querySelector("h2").textContent.trim(), `${cell.style.gridColumn} | ${cell.style.gridRow}`])));
const stat = async title => number_of(await panel(title).locator("dd").first().innerText());

await step("a panel is made in the editor, with a preview", async () => {
    await go(`${BOARDS}/shop`);
    await panels_ready();
    await page.keyboard.press("e");
    await page.waitForSelector(".grid.is-edited");
    await page.click('button:has-text("Add a panel")');
    await page.waitForSelector("dialog[open] .panel");
    await page.fill('dialog[open] label:has-text("Title") input', "Rows of the hour");
    await page.click('dialog[open] button:has-text("SQL")');
    await page.fill("dialog[open] textarea", "SELECT count(*) AS n FROM otel_logs_and_spans WHERE timestamp >= $from AND timestamp < $to AND nothing");
    await page.waitForSelector("dialog[open] .panel-problem");
    await accessible("the editor with a mistake");
    await shots("dashboards-editor");
    await page.fill("dialog[open] textarea", "SELECT count(*) AS n FROM otel_logs_and_spans WHERE timestamp >= $from AND timestamp < $to");
    await page.selectOption('dialog[open] label:has-text("Shown as") select', "stat");
    await page.waitForSelector("dialog[open] .panel-stat dd");
    const all = (await rows_by_api(`SELECT count(*) FROM otel_logs_and_spans WHERE ${HOUR}`)).rows[0][0];
    check(number_of(await text("dialog[open] .panel-stat dd")) === all, `the preview shows ${all}: ${await text("dialog[open] .panel-stat dd")}`);
    await page.click('dialog[open] button:has-text("Add")');
    await page.waitForSelector('.panel h2:has-text("Rows of the hour")');
    await panels_ready();
    check(await stat("Rows of the hour") === all, "and so does the panel");
});

await step("panels are moved and resized by keys and by pointer, and back", async () => {
    const before = await places();
    const move = panel("Rows of the hour").locator(".panel-move");
    await move.focus();
    for (let n = 0; n < 4; n++) await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Shift+ArrowRight");
    await page.keyboard.press("Shift+ArrowDown");
    const keyed = await places();
    check(/^5 \/ span 4 \| \d+ \/ span 5$/.test(keyed["Rows of the hour"]), `by keys: ${before["Rows of the hour"]}, ${keyed["Rows of the hour"]}`);
    check(await move.evaluate(element => element === document.activeElement), "the handle keeps the focus");
    for (let n = 0; n < 6; n++) await page.keyboard.press("Control+z");
    check(JSON.stringify(await places()) === JSON.stringify(before), "each step can be undone");
    for (let n = 0; n < 6; n++) await page.keyboard.press("Control+Shift+z");
    check(JSON.stringify(await places()) === JSON.stringify(keyed), "and done again");
    await page.evaluate(() => document.querySelector(".board").scrollTo(0, 0));
    const first = panel("errors per 10 minutes");
    const box = await first.locator(".panel-size").boundingBox();
    await page.mouse.move(box.x + 5, box.y + 5);
    await page.mouse.down();
    await page.mouse.move(box.x + 5 - 180, box.y + 5 - 80, { steps: 8 });
    await page.mouse.up();
    const sized = await places();
    check(/^1 \/ span 4 \| 1 \/ span 5$/.test(sized["errors per 10 minutes in the last 2 hours"]), `by pointer: ${JSON.stringify(sized)}`);
    const grip = await first.locator(".panel-move").boundingBox();
    await page.mouse.move(grip.x + 5, grip.y + 5);
    await page.mouse.down();
    await page.mouse.move(grip.x + 5, grip.y + 5 + 200, { steps: 8 });
    await page.mouse.up();
    const moved = await places();
    check(moved["errors per 10 minutes in the last 2 hours"] !== sized["errors per 10 minutes in the last 2 hours"], `moved by pointer: ${JSON.stringify(moved)}`);
    await shots("dashboards-editing");
    await accessible("editing");
    check(await text(".board-tools .saved-changed") === "not saved", "it says that it is not saved");
    await page.keyboard.press("Control+s");
    await page.waitForSelector(".grid:not(.is-edited)");
    await page.reload();
    await panels_ready();
    check(JSON.stringify(await places()) === JSON.stringify(moved), "saved, it is the same after a reload");
});

await step("variables choose what all panels show, and go along to the explorer", async () => {
    /* An hour that stands still: rows leave that before now while the test goes on. */
    const to = new Date().toISOString(), from = new Date(Date.now() - 3600e3).toISOString();
    await go(`${BOARDS}/shop?from=${from}&to=${to}`);
    await panels_ready();
    await page.keyboard.press("e");
    await page.click('button:has-text("Settings")');
    await page.click('dialog[open] button:has-text("Another variable")');
    await page.fill('dialog[open] input[aria-label="Name"]', "service");
    await accessible("settings");
    await shots("dashboards-settings");
    await page.click('dialog[open] button:has-text("Take over")');
    await page.click('button:has-text("Add a panel")');
    await page.fill('dialog[open] label:has-text("Title") input', "Of one");
    await page.fill('dialog[open] input.mono', "service:$service");
    await page.selectOption('dialog[open] label:has-text("Shown as") select', "stat");
    await page.click('dialog[open] button:has-text("Add")');
    await page.keyboard.press("Control+s");
    await page.waitForSelector(".grid:not(.is-edited)");
    await panel("Of one").scrollIntoViewIfNeeded();
    await panels_ready();
    const counts = Object.fromEntries((await rows_by_api(`SELECT resource___service___name, count(*) FROM otel_logs_and_spans WHERE timestamp >= '${from}' AND timestamp < '${to}' GROUP BY 1`)).rows);
    const all = Object.values(counts).reduce((a, b) => a + b);
    check(await stat("Of one") === all, `not set it is all: ${await stat("Of one")} ${all}`);
    for (const service of ["payments", "web"]) {
        await page.fill(".variable", service);
        await page.press(".variable", "Enter");
        await page.waitForFunction(wanted => [...document.querySelectorAll(".panel")].find(one => one.querySelector("h2").textContent.trim() === "Of one")?.querySelector("dd")?.textContent.replace(/[^0-9]/g, "") === wanted, String(counts[service]));
        check(param("var.service") === service, page.url());
    }
    await page.reload();
    await panel("Of one").scrollIntoViewIfNeeded();
    await panels_ready();
    check(await stat("Of one") === counts.web, "the address has it");
    await menu("Of one", "Open in the explorer");
    await page.waitForSelector(".kind-chart-inside canvas");
    check(param("q") === "service:web" && param("var.service") === "web", page.url());
    await page.goBack();
    await panels_ready();
});

await step("one panel over all of the page, and back by Escape", async () => {
    await menu("rows by service.name", "Full screen");
    await page.waitForSelector(".board-full .top-list");
    await shots("dashboards-full");
    await accessible("one panel");
    await page.keyboard.press("Escape");
    await panels_ready();
    check(param("full") === null, page.url());
});

await step("words are words, a panel that cannot be asked says so alone", async () => {
    const words = `# Read me\n\n**Whom** to call, [errors](explore?q=level:error), [elsewhere](https://evil.example/), ${given.hostile}\n\n- one\n- two\n\n![x](https://evil.example/x.png)\n\n\`\`\`\n<b>code</b>\n\`\`\``;
    const made = await api("PUT", "/dashboards/words", { title: "Words", variables: [{ name: "least", values: ["1", "x"], default: "x" }], panels: [
        { title: "Words", kind: "markdown", source: { markdown: words } }, { title: "Wrong", kind: "lines", source: { search: "q=duration:>$least" } },
        { title: "Nothing", kind: "lines", source: { search: "q=service:nobody" } }, { title: "Divided", kind: "stat", source: { sql: "SELECT max(name::int) FROM otel_logs_and_spans" } },
        { title: "Whole", kind: "stat", source: { sql: "SELECT 7 AS n" } }] });
    check(made.status === 200, JSON.stringify(made.body));
    await go(`${BOARDS}/words`);
    await panels_ready();
    check(await page.locator(".markdown img, .markdown script").count() === 0 && !(await page.evaluate(() => window.stolen)), "nothing of the words is more than words");
    check(JSON.stringify(await page.locator(".markdown a").evaluateAll(all => all.map(one => one.getAttribute("href")))) === JSON.stringify(["/p/default/explore?q=level:error"]), "the one link is ours");
    check(/duration/.test(await panel("Wrong").locator(".panel-problem").innerText()) && await panel("Divided").locator(".panel-problem").count() === 1, "what went wrong stands in its panel");
    check(/No row/.test(await panel("Nothing").locator(".panel-nothing").innerText()) && await stat("Whole") === 7, "the others are as they should be");
    await shots("dashboards-broken");
    await accessible("panels that are broken");
});

await step("percentiles of one field are read together, each as by SQL alone", async () => {
    const made = await api("PUT", "/dashboards/percentiles", { title: "Percentiles", panels: ["p50", "p95", "p99"].map((agg, at) => (
        { title: `All ${agg}`, kind: at < 2 ? "stat" : "lines", source: { search: `q=kind:server&agg=${agg}` } })) });
    check(made.status === 200, JSON.stringify(made.body));
    const asked = [];
    page.on("request", request => { if (request.url().endsWith("/query") && /approx_percentile/.test(request.postData() ?? "")) asked.push(request.postData()); });
    const to = Date.now();
    await go(`${BOARDS}/percentiles?from=${new Date(to - 3600e3).toISOString()}&to=${new Date(to).toISOString()}`);
    await panels_ready();
    check(asked.length === 1, `one statement is asked: ${asked}`);
    const sql = await sql_of("All p50");
    check(sql === await sql_of("All p99"), "it is that of all of them");
    const by_hand = async share => Number((await rows_by_api(`SELECT approx_percentile(${share}, percentile_agg(duration)) FROM otel_logs_and_spans WHERE kind = 'server'
        AND timestamp >= '${new Date(to - 3600e3).toISOString()}' AND timestamp < '${new Date(to).toISOString()}'`)).rows[0][0]);
    const wanted = [await by_hand(0.5), await by_hand(0.95), await by_hand(0.99)];
    const all = (await rows_by_api(sql)).rows.find(row => row[0] === null)[3].map(Number);
    check(JSON.stringify(all) === JSON.stringify(wanted), `${all} are ${wanted}`);
    const shown = ns => ns < 1e9 ? `${(ns / 1e6).toPrecision(3)} ms` : `${(ns / 1e9).toFixed(2)} s`;
    for (const [at, agg] of ["p50", "p95"].entries())
        check(await panel(`All ${agg}`).locator("dd").innerText() === shown(wanted[at]), `${agg} is ${shown(wanted[at])}: ${await panel(`All ${agg}`).locator("dd").innerText()}`);
    check((await values_of("All p99")).includes(`${shown(wanted[2])} in all`), await values_of("All p99"));
    await api("DELETE", "/dashboards/percentiles");
});

const STAGES = ["", "production", "staging", "it's"];
const STAGE_SQL = "resource___deployment___environment___name";
const of_stage = stage => stage ? `${STAGE_SQL} = '${stage.replaceAll("'", "''")}'` : "true";

await step("panels follow the environment, and say so where their SQL does not", async () => {
    const rows = await rows_by_api(`INSERT INTO otel_logs_and_spans (timestamp, kind, name, duration, status_code, resource___service___name, ${STAGE_SQL})
        SELECT now() - i * interval '10 seconds', 'server', 'GET /stage', i * 1000000, CASE WHEN i % 3 = 0 THEN 'ERROR' END, 'stages', (ARRAY['staging', 'it''s', 'staging'])[1 + i % 3] FROM generate_series(1, 60) AS s(i)`);
    check(rows.tag === "INSERT 0 60", JSON.stringify(rows));
    const points = await rows_by_api(`INSERT INTO otel_metrics (timestamp, metric_name, value, resource)
        SELECT now() - i * interval '10 seconds', 'stage.load', i * i, ('{"service.name": "worker-' || i % 2 || '", "deployment.environment.name": "' || (ARRAY['staging', 'it''s', 'production'])[1 + i % 3] || '"}')::jsonb FROM generate_series(1, 120) AS s(i)`);
    check(points.tag === "INSERT 0 120", JSON.stringify(points));
    const ready = await page.evaluate(async () => (await (await fetch("/api/v1/ready-dashboards")).json()).items.flatMap(one => one.panels).find(panel => panel.title === "Failed of all"));
    const shop = (await api("GET", "/dashboards/shop")).body.panels.find(one => one.source.ask);
    const made = await api("PUT", "/dashboards/stages", { title: "Stages", variables: [{ name: "service", field: "service.name" }, { name: "route", field: "http.route" }], panels: [
        { title: "Failed", at: { x: 0, y: 0, w: 3, h: 4 }, kind: "stat", unit: "percent", source: ready.source },
        { title: "Rows", at: { x: 3, y: 0, w: 3, h: 4 }, kind: "stat", source: { sql: "SELECT count(*) AS n FROM otel_logs_and_spans WHERE timestamp >= $from AND timestamp < $to AND ($environment IS NULL OR resource___deployment___environment___name = $environment)" } },
        { title: "Anywhere", at: { x: 6, y: 0, w: 3, h: 4 }, kind: "stat", source: { sql: "SELECT count(*) AS n FROM otel_logs_and_spans WHERE timestamp >= $from AND timestamp < $to -- $environment" } },
        { title: "Search", at: { x: 9, y: 0, w: 3, h: 4 }, kind: "stat", source: { search: "q=kind:server" } },
        { title: "Question", at: { x: 0, y: 4, w: 6, h: 6 }, kind: shop.kind, source: shop.source },
        { title: "Load", at: { x: 6, y: 4, w: 4, h: 6 }, kind: "lines", source: { metric: { name: "stage.load", aggregate: "max", by: ["service.name"] } } },
        { title: "Load now", at: { x: 10, y: 4, w: 2, h: 6 }, kind: "stat", source: { metric: { name: "stage.load", aggregate: "last" } } }] });
    check(made.status === 200, JSON.stringify(made.body));
    const to = Date.now(), time = `from=${new Date(to - 3600e3).toISOString()}&to=${new Date(to).toISOString()}`;
    const within = `timestamp >= '${new Date(to - 3600e3).toISOString()}' AND timestamp < '${new Date(to).toISOString()}'`;
    const asked = [];
    page.on("request", request => { if (request.url().endsWith("/ask") && request.method() === "POST") asked.push(request.postData()); });
    const by_hand = async sql => (await rows_by_api(sql)).rows[0][0];
    const legend = async of => (await page.locator(`${of} .legend li`).allInnerTexts()).map(one => one.replace(/\s+/g, " ").trim());
    await page.setViewportSize({ width: 1280, height: 1000 });
    for (const stage of STAGES) {
        const env = stage ? `&env=${encodeURIComponent(stage)}` : "";
        asked.length = 0;
        await go(`${BOARDS}/stages?${time}${env}`);
        await panels_ready();
        for (const [title, count] of [["Rows", "count(*)"], ["Search", "count(*) FILTER (WHERE kind = 'server')"]]) {
            const wanted = Number(await by_hand(`SELECT ${count} FROM otel_logs_and_spans WHERE ${within} AND ${of_stage(stage)}`));
            check(wanted > 0 && await stat(title) === wanted, `${title} of "${stage}" is ${wanted}: ${await stat(title)}`);
        }
        const all = Number(await by_hand(`SELECT count(*) FROM otel_logs_and_spans WHERE ${within}`));
        check(await stat("Anywhere") === all, `of all: ${all}`);
        const failed = await by_hand(`SELECT count(*) FILTER (WHERE status_code = 'ERROR')::float8 / count(*) FROM otel_logs_and_spans WHERE kind = 'server' AND ${within} AND ${of_stage(stage)}`);
        const shown = await panel("Failed").locator("dd").first().innerText();
        check(Math.abs(parseFloat(shown) / 100 - failed) < 0.0006, `failed of "${stage}" is ${failed}: ${shown}`);
        check(JSON.stringify(await page.locator(".panel:has(.panel-of-all) h2").allInnerTexts()) === JSON.stringify(stage ? ["Anywhere"] : []), `who is of all says so: "${stage}"`);
        check(asked.length === 1 && asked[0].includes('"environment"') === (stage !== "") && (!stage || asked[0].includes(JSON.stringify(stage))), `the question is of it: ${asked}`);
        /* Of a gauge: the mean of its series' last values. */
        const now = Number(await by_hand(`SELECT avg(value) FROM (SELECT DISTINCT ON (series_id) value FROM otel_metrics WHERE metric_name = 'stage.load' AND ${within} AND ${stage ? `resource->>'deployment.environment.name' = '${stage.replaceAll("'", "''")}'` : "true"} ORDER BY series_id, timestamp DESC) s`));
        check(Math.abs(parseFloat(await panel("Load now").locator("dd").first().innerText()) - now) < 0.01, `the last of "${stage}" is ${now}: ${await panel("Load now").locator("dd").first().innerText()}`);
        const of_panel = await legend('.panel:has(h2:text-is("Load"))'), now_shown = await panel("Load now").locator("dd").first().innerText();
        if (stage === "it's") {
            await shots("dashboards-environment");
            await accessible("panels of one environment");
        }
        await go(`/p/default/metrics/stage.load?agg=max&by=service.name&${time}${env}`);
        await page.waitForSelector(".metric-shown .legend li");
        await settled();
        check(of_panel.length === 2 && JSON.stringify(of_panel.sort()) === JSON.stringify((await legend(".metric-shown")).sort()), `the metric page shows the same of "${stage}": ${of_panel}, ${await legend(".metric-shown")}`);
        await go(`/p/default/metrics/stage.load?agg=last&as=table&${time}${env}`);
        await page.waitForSelector(".metric-shown .data-table tbody tr");
        await settled();
        check((await page.locator(".metric-shown .data-table").innerText()).includes(now_shown), `and ${now_shown} among its numbers`);
    }
    await api("DELETE", "/dashboards/stages");
});

await step("what somebody else has changed is not written over", async () => {
    await go(`${BOARDS}/words`);
    await panels_ready();
    await menu("Whole", "Duplicate");
    const seen = (await api("GET", "/dashboards/words")).body;
    const other = await api("PUT", "/dashboards/words", { title: "Theirs", panels: seen.panels });
    check(other.status === 200, "another saves");
    await page.click('.board-tools button:has-text("Save")');
    await page.click('.toast button:has-text("Load theirs")');
    await page.waitForSelector('.board h1:has-text("Theirs")');
    check(await page.locator(".panel").count() === 5, "theirs is shown");
});

await step("versions: what it was can be had again", async () => {
    if (param("edit")) await page.click('.board-tools button:has-text("Done")');
    await page.click('button:has-text("Versions")');
    await page.waitForSelector(".version-list li");
    check(await page.locator(".version-list li").count() === 2, "there are two");
    await accessible("versions");
    await shots("dashboards-versions");
    await page.click('button[aria-label="Restore version 1"]');
    await page.waitForSelector('.board h1:has-text("Words")');
    check((await api("GET", "/dashboards/words")).body.version === 3, "as a third");
});

await step("and its end", async () => {
    await page.keyboard.press("e");
    await page.click('button:has-text("Settings")');
    await page.click('dialog[open] button:has-text("Delete the dashboard")');
    await page.click('dialog[open] button:has-text("Really delete")');
    await page.waitForSelector(".dashboard-list");
    check(await page.locator(".dashboard-list li").count() === 1, "the other is there");
});

forget();
await done();
