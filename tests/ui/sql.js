// Statements in the web UI: opened from each view, written, run, ended, wrong; files of their rows. tests/story_ui_sql.py runs it.
//     node sql.js '{"base": ..., ...}'      page.js says what
import { readFileSync } from "node:fs";
import { accessible, check, done, given, go, page, rows_are, rows_by_api, settled, shots, sign_in, step, text, told } from "./page.js";

async function act(words) {
    await page.click(".acts > button");
    await page.click(`[role=menuitem]:has-text("${words}")`);
}
const statement = () => page.inputValue("#statement");
async function run(sql) {
    await page.fill("#statement", sql);
    await page.press("#statement", "Control+Enter");
    await settled();
}
async function downloaded(words) {
    const [file] = await Promise.all([page.waitForEvent("download"), act(words)]);
    return { name: file.suggestedFilename(), content: readFileSync(await file.path()) };
}
const csv_fields = line => line.split(",");

await step("signed in", async () => sign_in("/p/default/explore?from=now-1h"));

await step("what a view shows opens as SQL, and gives the same rows", async () => {
    const trace = `/p/default/trace/${given.trace}`;
    for (const path of ["/p/default/explore?q=service:payments%20level:error&from=now-1h", "/p/default/explore?q=kind:server&from=now-1h&cols=http.route", trace]) {
        await go(path);
        await settled();
        const wanted = path === trace ? given.trace_spans : await page.locator(".row-line").count();
        check(wanted > 0, `${path} shows rows`);
        await act("Open as SQL");
        await page.waitForSelector(".grid-line");
        check(/^SELECT /.test(await statement()), "the statement stands in the editor");
        const told = await rows_by_api(await statement());
        check((await text(".sql-head [role=status]")).startsWith(`${String(told.row_count).replace(/\B(?=(\d{3})+$)/g, " ")} row`), `as many rows as the API says: ${told.row_count}`);
        if (path === trace) check(told.row_count === wanted, `all ${wanted} spans of the trace: ${told.row_count}`);
    }
});

await step("the menu and the keys of it", async () => {
    await go("/p/default/explore?q=service:payments&from=now-1h");
    await settled();
    await page.keyboard.press("a");
    await page.keyboard.press("a");
    await page.waitForSelector("[role=menu]");
    check((await page.evaluate(() => document.activeElement?.textContent)).startsWith("Open as SQL"), "the first act has the focus");
    await page.keyboard.press("ArrowDown");
    await accessible("the menu of a view");
    await page.keyboard.press("Enter");
    check((await page.evaluate(() => navigator.clipboard.readText())).startsWith("SELECT id, timestamp"), "the SQL is in the clipboard");
    await act("Copy psql command");
    check((await page.evaluate(() => navigator.clipboard.readText())).startsWith('psql "host=127.0.0.1 port=5432 user=default dbname=default" -c '), "and a command");
});

await step("a statement is written, run and sorted", async () => {
    await go("/p/default/sql");
    await page.waitForSelector("text=Ask in SQL");
    await run("SELECT resource___service___name AS service, count(*) AS n,\n  max(duration) AS longest\nFROM otel_logs_and_spans GROUP BY 1 ORDER BY 1");
    await page.waitForSelector(".grid-line");
    const names = await page.locator(".grid-line [role=gridcell]:first-child").allInnerTexts();
    check(JSON.stringify(names) === JSON.stringify([...names].sort()) && names.includes("payments"), `by name, as asked: ${names}`);
    await page.click('.grid-head button:has-text("n")');
    const up = (await page.locator(".grid-line [role=gridcell]:nth-child(2)").allInnerTexts()).map(Number);
    check(up.every((n, at) => at === 0 || n >= up[at - 1]), `sorted by n: ${up}`);
    check(new URL(page.url()).searchParams.get("sort") === "2", "the order is in the address");
    await page.reload();
    await page.waitForSelector(".grid-line");
    check(JSON.stringify((await page.locator(".grid-line [role=gridcell]:nth-child(2)").allInnerTexts()).map(Number)) === JSON.stringify(up), "and the address gives it all again");
    await page.click(".grid-line");
    await page.waitForSelector(".sql-detail");
    await shots("sql");
    await accessible("an answer");
});

await step("a mistake is marked where it is", async () => {
    await run("/* Größe 😀 */ SELECT name,\n  lvel FROM otel_logs_and_spans");
    await page.waitForSelector(".sql-problem");
    check((await text(".sql-problem")).startsWith("Line 2, column 3: "), `its place is told: ${await text(".sql-problem")}`);
    check((await page.locator(".sql-marks mark").textContent()) === "lvel", "the word is marked");
    await page.click("text=Go there");
    check((await page.evaluate(() => { const field = document.getElementById("statement"); return field.value.slice(field.selectionStart, field.selectionEnd); })) === "lvel", "and chosen");
    await shots("sql-problem");
    await accessible("a statement with a mistake");
    refused(400);
});

await step("what runs long is shown and ended", async () => {
    await page.fill("#statement", "SELECT count(*) FROM generate_series(1, 100000) a(i), generate_series(1, 100000) b(j) WHERE (i * j) % 7 = 3");
    await page.press("#statement", "Control+Enter");
    await page.waitForSelector(".progress-words");
    await page.click(".progress-words button");
    await page.waitForSelector(".sql-problem:has-text('cancelled')");
});

/* A browser tells each refusal in its console. */
function refused(status) {
    check(told.length > 0 && told.every(one => one.includes(`status of ${status}`)), `refused by ${status} and nothing else: ${told}`);
    told.length = 0;
}

await step("a link to a change changes nothing", async () => {
    await go(`/p/default/sql?q=${encodeURIComponent("DELETE FROM otel_logs_and_spans WHERE level = 'ERROR'")}`);
    await page.waitForSelector(".sql-problem");
    check((await text(".sql-problem")).includes("read_only"), `it is refused: ${await text(".sql-problem")}`);
    refused(403);
});

await step("the editor proposes columns, tables and attributes", async () => {
    await go("/p/default/sql");
    await page.waitForSelector("text=Ask in SQL");
    await page.keyboard.press("/");
    await page.keyboard.type("SELECT resource___serv");
    await page.waitForSelector(".sql-proposals [role=option]");
    check((await text(".sql-proposals [role=option]")).startsWith("resource___service___name"), `the column is first: ${await text(".sql-proposals")}`);
    await accessible("proposals of the editor");
    await page.keyboard.press("Tab");
    await page.keyboard.type(" AS service, attributes->>'tena");
    await page.waitForSelector(".sql-proposals >> text=tenant'");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.keyboard.type(" AS tenant, count(*) AS n FROM otel_lo");
    await page.keyboard.press("Tab");
    await page.keyboard.type(" WHERE name = 'POST /cart'");
    await page.keyboard.press("Escape");
    await page.keyboard.type(" GROUP BY 1, 2 ORDER BY n DESC LIMIT 1");
    check((await statement()) === "SELECT resource___service___name AS service, attributes->>'tenant' AS tenant, count(*) AS n FROM otel_logs_and_spans WHERE name = 'POST /cart' GROUP BY 1, 2 ORDER BY n DESC LIMIT 1", `as it was typed and taken: ${await statement()}`);
    await page.keyboard.press("Control+Enter");
    await page.waitForSelector(".grid-line");
    check((await page.locator(".grid-line [role=gridcell]").allInnerTexts()).join() === `cart,acme,${given.planted}`, "and it runs");
});

await step("the plan: which files are read, and the steps", async () => {
    const sql = "SELECT count(*) FROM otel_logs_and_spans WHERE timestamp > now() - interval '10 minutes'";
    await run(sql);
    await page.click('button:text-is("Plan")');
    await page.waitForSelector(".sql-plan pre");
    const files = (await rows_by_api(`EXPLAIN ${sql}`)).rows.map(row => row.join(" ")).find(line => line.startsWith("Files:"));
    const [, opened, all] = /Files: (\d+) of (\d+)/.exec(files);
    check(Number(all) > 0 && (await text(".sql-plan [role=status]")).startsWith(`${opened} of ${all} files are read`), `as EXPLAIN says (${files}): ${await text(".sql-plan [role=status]")}`);
    check(page.url().includes("plan=1"), "the plan is in the address");
    await accessible("a plan");
    await shots("sql-plan");
    await page.click('button:text-is("Plan")');
    await page.waitForSelector(".grid-line");
});

await step("tables and columns to look up, and what was run before", async () => {
    await page.locator("h1, .sql-answer").first().click();
    await page.keyboard.press("s");
    await page.waitForSelector(".sql-side li");
    const named = Number((await text(".sql-side summary .soft")).replace(/[^0-9]/g, ""));
    const columns = (await rows_by_api("SELECT count(*) FROM information_schema.columns WHERE table_name = 'otel_logs_and_spans'")).rows[0][0];
    check(named === columns, `every column is listed: ${named} of ${columns}`);
    await page.fill('[aria-label="Find a column"]', "trace_id");
    await accessible("tables and columns");
    await shots("sql-schema");
    await page.fill("#statement", "SELECT ");
    await page.click(".sql-side li button");
    check((await statement()).includes("trace_id"), `a column is put in: ${await statement()}`);
    await page.click('button:text-is("History")');
    await page.waitForSelector(".sql-history li");
    const ran = await page.locator(".sql-history code").allInnerTexts();
    check(ran[0].startsWith("SELECT count(*) FROM otel_logs_and_spans WHERE timestamp") && ran.some(one => one.includes("lvel")), `what was run, also what was refused: ${ran}`);
    check(!ran.some(one => one.startsWith("DELETE")), "not what a link brought");
    await page.fill('[aria-label="Find a statement"]', "tenant");
    await page.waitForFunction(() => document.querySelectorAll(".sql-history li").length === 1);
    await accessible("the history");
    await shots("sql-history");
    await page.click(".sql-history li button");
    check((await statement()).includes("attributes->>'tenant'"), "it comes back into the editor");
    await page.click("text=Forget all");
    await page.waitForSelector("text=Nothing was run here yet");
    await page.click('[aria-label="Close History"]');
    await page.waitForFunction(() => !document.querySelector(".sql-side"));
});

await step("files of a view hold all its rows, not a page of them", async () => {
    await go("/p/default/explore?q=kind:server&from=now-1h&tz=utc");
    await settled();
    const csv = await downloaded("Download CSV");
    check(/^logs-and-spans_\d{4}-\d\d-\d\dT\d{4}_[-T\d]+\.csv$/.test(csv.name), `named by what it is and of when: ${csv.name}`);
    const lines = csv.content.toString("utf8").trim().split("\r\n");
    check(lines.length - 1 === given.server_spans && given.server_spans > 300, `all ${given.server_spans} rows: ${lines.length - 1}`);
    const json = await downloaded("Download JSON");
    const rows = JSON.parse(json.content.toString("utf8"));
    check(rows.row_count === given.server_spans && rows.rows.every((row, at) => row[0] === csv_fields(lines[at + 1])[0]), "JSON has the same rows in the same order");
    const parquet = await downloaded("Download Parquet");
    check(parquet.content.subarray(0, 4).toString() === "PAR1" && parquet.content.subarray(-4).toString() === "PAR1", "Parquet is whole");
    check(/\.parquet$/.test(parquet.name), parquet.name);
    console.log(JSON.stringify({ parquet: parquet.content.length, csv: csv.content.length, json: json.content.length }));
});

await step("what is different: of a box on the heat map the planted cause comes first", async () => {
    await go("/p/default/explore?q=service:cart&viz=difference&from=now-1h");
    await page.waitForSelector("text=What is different here?");
    await accessible("nothing chosen yet");
    await page.click("text=To the heat map");
    await page.waitForSelector(".kind-chart canvas");
    const now = Date.now() * 1000;
    await go(`/p/default/explore?q=service:cart&viz=heat&from=now-1h&sel=${now - 3600e6}~${now}~${given.slow_ns}~${60e9}`);
    await page.waitForSelector(".selection");
    await page.keyboard.press("d");
    await page.waitForSelector(".difference-line");
    const first = await text(".difference-line .difference-words");
    check(first === "shop.region eu-9", `the cause is first: ${first}`);
    check((await text(".difference-line .difference-bars")).startsWith(`100 % ${given.planted} 0 % 0`), `with its shares: ${await text(".difference-line .difference-bars")}`);
    await page.click(".difference-more");
    check((await page.locator(".difference-list.same .difference-words").allInnerTexts()).some(one => /tenant\s+acme/.test(one)), "what is about the same rows stands with it");
    await shots("difference");
    await accessible("what is different");
    await act("Open as SQL");
    await page.waitForSelector(".grid-line");
    check((await rows_by_api(await statement())).row_count === Math.min(300, given.planted), "the chosen rows open as SQL");
    await page.goBack();
    await page.waitForSelector(".difference-line");
    await page.click('.difference-line button:has-text("Only")');
    await page.waitForURL(/q=service:cart\+shop.region:eu-9/);
    await rows_are(given.planted);
    await page.goBack();
    await page.waitForSelector(".difference-line");
    await page.click('.difference-line button:has-text("Without")');
    await rows_are(given.others);
});

await step("the query bar proposes fields and values that the rows have", async () => {
    await go("/p/default/explore?from=now-1h");
    await settled();
    await page.focus("#query");
    await page.keyboard.type("ten");
    await page.waitForSelector('#query-proposals li:has-text("tenant:")');
    await accessible("proposals");
    await page.keyboard.press("Tab");
    await page.waitForSelector('#query-proposals li:has-text("acme")');
    await page.keyboard.type("ac");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    check((await page.inputValue("#query")).trim() === "tenant:acme", `by the keyboard alone: ${await page.inputValue("#query")}`);
    await page.keyboard.press("Enter");
    await rows_are(given.planted);
});

await step("a search's problem is marked where it is, behind any letters", async () => {
    await page.fill("#query", 'name:"größe 😀" (level:loud');
    await page.press("#query", "Enter");
    await page.waitForSelector(".query-problems mark");
    check((await text(".query-problems mark")) === "loud", `the wrong word is marked: ${await text(".query-problems mark")}`);
});

await done();
