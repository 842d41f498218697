// Questions in plain English in the web UI: a chart, a table, a waterfall, a follow-up, a correction by chip. tests/story_ui_ask.py runs it.
//     node ask.js '{"base": ..., ...}'      page.js says what
import { accessible, check, click, done, given, go, number_of, page, rows_are, rows_by_api, settled, shots, sign_in, step, text, told } from "./page.js";

const ASK = "/p/default/ask";
const param = name => new URL(page.url()).searchParams.get(name);
async function asked(question) {
    await page.fill("#ask", question);
    await page.press("#ask", "Enter");
    await answered();
}
async function answered() {
    await page.waitForSelector('.ask-answer[aria-busy="false"]');
    await settled();
    await page.waitForSelector('.ask-answer[aria-busy="false"]');
}
async function chip(words) {
    await page.locator(".ask-chip", { hasText: words }).first().click();
    await page.waitForSelector(".ask-popup");
}
const as_table = async () => {
    if (await page.locator(".ask-acts button", { hasText: "As a table" }).getAttribute("aria-pressed") !== "true") await page.click('.ask-acts button:has-text("As a table")');
    await page.waitForSelector(".data-table tbody tr");
    return page.locator(".data-table tbody tr").evaluateAll(lines => lines.map(line => [...line.children].map(cell => cell.textContent.trim())));
};
/* The statement behind the answer, as the page opens it. */
async function sql_of_answer() {
    await page.click('.ask-acts button:has-text("Open as SQL")');
    await page.waitForSelector("#statement");
    const sql = await page.inputValue("#statement");
    await page.goBack();
    await answered();
    return sql;
}

await step("signed in", async () => sign_in(ASK));

await step("the page says what can be asked here, with the project's own names", async () => {
    await page.waitForSelector('.ask-questions button:has-text("p95 of")');
    const examples = await page.locator(".ask-questions button").allInnerTexts();
    check(given.services.some(name => examples[0].includes(name)), `an example names a service: ${examples}`);
    await shots("ask-home");
    await accessible("the empty page");
    for (const example of examples) {
        await go(`${ASK}?q=${encodeURIComponent(example)}`);
        await answered();
        check(await page.locator(".ask-reading").count() === 1, `its own example is understood: ${example}: ${await text(".ask-answer")}`);
    }
});

await step("a number", async () => {
    await go(ASK);
    await page.waitForSelector(".ask-questions button");
    await page.keyboard.press("/");
    await page.keyboard.type("how many errors did payments have in the last 2 hours?");
    await page.keyboard.press("Enter");
    await answered();
    const wanted = (await rows_by_api(await sql_of_answer())).rows[0][0];
    check(wanted > 0 && number_of(await text(".ask-number")) === wanted, `${await text(".ask-number")} is ${wanted}`);
    check(/number of errors whose service is payments, from .* to /.test(await text(".ask-reading")), `the reading: ${await text(".ask-reading")}`);
    check(param("at") !== null && param("q").startsWith("how many"), "the address has the question and its moment");
    const url = page.url();
    await page.reload();
    await answered();
    check(page.url() === url && number_of(await text(".ask-number")) === wanted, "and gives it all again");
    await accessible("a number");
});

await step("a correction by chip, by keys", async () => {
    const before = number_of(await text(".ask-number"));
    const button = page.locator(".ask-chip", { hasText: "service is payments" });
    await button.focus();
    await page.keyboard.press("Enter");
    await page.waitForSelector(".ask-popup");
    check(await page.evaluate(() => document.activeElement.tagName) === "SELECT", "the editor has the focus");
    await accessible("an open chip");
    await shots("ask-chip", true);
    await page.keyboard.press("Escape");
    check(await button.evaluate(element => element === document.activeElement), "Escape gives the focus back");
    await page.keyboard.press("Enter");
    await page.fill(".ask-popup input", "web");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.querySelector(".ask-reading")?.textContent.includes("service is web"));
    await answered();
    check(await page.evaluate(() => document.activeElement.textContent) === "service is web", "the chip has the focus again");
    const wanted = (await rows_by_api(await sql_of_answer())).rows[0][0];
    check(number_of(await text(".ask-number")) === wanted && wanted !== before, `of web there are others: ${wanted}, not ${before}`);
    check(JSON.parse(param("plan")).filters[0].values[0] === "web", "the plan is in the address");
    await chip("+ condition");
    await page.selectOption(".ask-popup select >> nth=0", "kind");
    await page.fill(".ask-popup input", "log");
    await page.click('.ask-popup button:has-text("Apply")');
    await page.waitForFunction(() => document.querySelector(".ask-reading")?.textContent.includes("kind is log"));
    await chip("kind is log");
    await page.click('.ask-popup button:has-text("Remove")');
    await page.waitForFunction(() => !document.querySelector(".ask-reading")?.textContent.includes("kind is log"));
    await settled();
    check(number_of(await text(".ask-number")) === wanted, "a condition comes and goes");
    await page.goBack();
    await answered();
    check((await text(".ask-reading")).includes("kind is log"), "each step is an entry of the history");
});

await step("a chart", async () => {
    await asked("requests per 10 minutes by service in the last 2 hours");
    await page.waitForSelector(".ask-shown canvas");
    await shots("ask-chart", true);
    await accessible("a chart");
    const answer = await rows_by_api(await sql_of_answer());
    const sums = {};
    for (const [, service, count] of answer.rows) sums[service] = (sums[service] ?? 0) + count;
    const legend = await page.locator(".ask-shown .legend li").allInnerTexts();
    for (const [service, count] of Object.entries(sums)) check(legend.some(line => line.includes(service) && number_of(line.replace(service, "")) === count), `${service} ${count} in the legend: ${legend}`);
    const lines = await as_table();
    const shown = lines.flatMap(line => line.slice(1).map(number_of)).reduce((a, b) => a + b, 0);
    check(shown === Object.values(sums).reduce((a, b) => a + b, 0), `all points are those of the SQL: ${shown}`);
    await page.click('.ask-acts button:has-text("As a table")');
    await page.selectOption('select[aria-label="Drawn as"]', "areas");
    await page.waitForURL(/as=areas/);
    await page.waitForSelector(".ask-shown canvas");
    await page.locator(".ask-shown .legend button", { hasText: "web" }).click();
    await page.waitForFunction(() => /service is web, a point each 10m/.test(document.querySelector(".ask-reading")?.textContent));
    await page.goBack();
    await answered();
});

await step("a follow-up keeps what it goes on from", async () => {
    await page.fill("#ask-more", "only web");
    await page.press("#ask-more", "Enter");
    await page.waitForFunction(() => document.querySelector(".ask-reading")?.textContent.includes("service is web"));
    await settled();
    check(/number of requests .*web.* by service, a point each 10m/.test(await text(".ask-reading")), `changed, not new: ${await text(".ask-reading")}`);
    check((await text(".ask-thread")).includes("requests per 10 minutes by service"), `the thread: ${await text(".ask-thread")}`);
    await page.fill("#ask-more", "per hour");
    await page.press("#ask-more", "Enter");
    await page.waitForFunction(() => document.querySelectorAll(".ask-thread li").length === 2);
    await answered();
    await shots("ask-thread", true);
    const url = page.url();
    await page.reload();
    await answered();
    check(page.url() === url && await page.locator(".ask-thread li").count() === 2, "a thread is an address");
    await page.click(".ask-thread li:first-child a");
    await answered();
    check(!(await text(".ask-reading")).includes("service is web"), "and each of its steps is one");
});

await step("a table, a list and what is compared", async () => {
    await asked("errors by service and route in the last 2 hours");
    await page.waitForSelector(".data-table tbody tr");
    const answer = await rows_by_api(await sql_of_answer());
    const lines = await page.locator(".data-table tbody tr").evaluateAll(all => all.map(line => [...line.children].map(cell => cell.textContent.trim())));
    check(lines.length === answer.rows.length && lines.every((line, at) => number_of(line[2]) === answer.rows[at][2] && line[0] === (answer.rows[at][0] ?? "none")), `the table is the SQL's: ${JSON.stringify(lines)}`);
    await shots("ask-table", true);
    await asked("top 5 services by requests in the last 2 hours");
    await page.waitForSelector(".top-list li");
    await accessible("a list");
    await page.locator(".top-list button", { hasText: "web" }).click();
    await page.waitForSelector(".ask-rows tbody tr");
    check(/requests whose service is web/.test(await text(".ask-reading")), `one group's rows: ${await text(".ask-reading")}`);
    await asked("how many requests in the last hour compared with the hour before");
    await page.waitForSelector(".ask-numbers");
    const compared = await text(".ask-numbers");
    check(/before/.test(compared), `compared: ${compared}`);
    await chip("before:");
    await page.click('.ask-popup button:has-text("Do not compare")');
    await page.waitForFunction(() => !document.querySelector(".ask-numbers")?.textContent.includes("before"));
    await chip("+ compared with");
    await page.click('.ask-popup button:has-text("The period before")');
    await page.waitForFunction(() => document.querySelector(".ask-numbers")?.textContent.includes("before"));
    check((await text(".ask-numbers")) === compared, `by hand the same: ${await text(".ask-numbers")}, ${compared}`);
});

await step("rows, and the same in the explorer", async () => {
    await asked("latest 20 errors of payments in the last 2 hours");
    await page.waitForSelector(".ask-rows tbody tr");
    const count = await page.locator(".ask-rows tbody tr").count();
    check(count === Math.min(20, given.payments_errors), `${count} rows`);
    await accessible("rows");
    await shots("ask-rows");
    for (const question of ["latest 20 errors of payments", "5xx of web", 'errors that contain "Read timed"', "requests of web except /cart", "requests slower than 300 ms", "database queries of stock in production", "requests of route /product/{id}"]) {
        await go(`${ASK}?q=${encodeURIComponent(`${question} in the last 2 hours`)}`);
        await answered();
        const wanted = (await rows_by_api((await sql_of_answer()).replace(/^SELECT .*? FROM /, "SELECT count(*) FROM ").replace(/ ORDER BY .*$/, ""))).rows[0][0];
        check(wanted > 0, `there are ${question}`);
        await page.click('.ask-acts a:has-text("Open in the explorer")');
        await page.waitForURL(url => url.pathname.endsWith("/explore"));
        await rows_are(wanted);
    }
    await go(`${ASK}?q=${encodeURIComponent("p95 of web per 10 minutes by route in the last 2 hours")}`);
    await answered();
    await page.click('.ask-acts a:has-text("Open in the explorer")');
    await page.waitForSelector(".kind-chart canvas");
    check(param("viz") === "line" && param("agg") === "p95" && param("by") === "http.route", `a chart is one there: ${page.url()}`);
});

await step("traces with their waterfall", async () => {
    await go(ASK);
    await asked("slowest traces of payments in the last 2 hours");
    await page.waitForSelector(".ask-waterfall [role=row]");
    const traces = await page.locator(".ask-trace").count();
    check(traces === 10, `the ten slowest: ${traces}`);
    const took = await page.locator(".ask-trace .number").allInnerTexts();
    const spans = await page.locator(".ask-waterfall [role=row]").count();
    check(spans > 1, `${spans} spans of the slowest, ${took[0]}`);
    const bars = await page.locator(".ask-waterfall .span-bar").evaluateAll(all => all.map(bar => bar.getBoundingClientRect().width));
    check(bars.length === spans && Math.max(...bars) > 100, `each has its bar, the longest can be seen: ${bars}`);
    await page.locator(".ask-trace").nth(2).click();
    await page.waitForFunction(() => new URL(location).searchParams.get("trace"));
    await page.waitForSelector(".ask-waterfall [role=row]");
    await shots("ask-traces", true);
    await accessible("traces");
    const id = param("trace");
    await page.click('.ask-waterfall a:has-text("Open the trace")');
    await page.waitForURL(url => url.pathname.endsWith(`/trace/${id}`));
    await page.goBack();
    await answered();
    check(param("trace") === id, "back at the same trace");
});

await step("shown as something else", async () => {
    await page.click('.ask-acts button:has-text("Chart")');
    await page.waitForSelector(".ask-shown canvas");
    check(/service is payments/.test(await text(".ask-reading")), `conditions stay: ${await text(".ask-reading")}`);
    await page.keyboard.press("v");
    await page.keyboard.press("t");
    await page.waitForSelector(".top-list li, .data-table");
    await page.click('.ask-acts button:has-text("Rows")');
    await page.waitForSelector(".ask-rows tbody tr");
});

await step("what is not understood is marked, and what may be meant is one click", async () => {
    await asked("errors of paymnts today");
    check((await text(".ask-troubles mark")) === "paymnts", `the word: ${await text(".ask-troubles")}`);
    await shots("ask-not-understood", true);
    await accessible("not understood");
    await page.click('.ask-troubles button:has-text("payments")');
    await page.waitForSelector(".ask-reading");
    check((await text(".ask-reading")).includes("service is payments"), `then: ${await text(".ask-reading")}`);
    await asked("requests of web that took more than 300 hours today");
    await page.waitForSelector("text=Nothing in this time");
    await shots("ask-nothing");
});

await step("thumbs go to the review list", async () => {
    await asked("how many errors today?");
    await page.click('.ask-foot button:has-text("Right")');
    await page.waitForSelector("text=kept for review");
    await asked("how many logs today?");
    await page.click('.ask-foot button:has-text("Wrong")');
    await page.fill('input[aria-label="What is wrong with the answer"]', given.hostile);
    await page.click('.ask-foot button:has-text("Send")');
    await page.waitForSelector("text=kept for review");
    await go(`${ASK}/review`);
    await page.waitForSelector(".ask-review li");
    const lines = await page.locator(".ask-review li").allInnerTexts();
    check(lines.length === 2 && lines[0].includes("how many logs today?") && lines[0].includes(given.hostile), `the newest first, as it was written: ${lines}`);
    check(await page.evaluate(() => window.stolen) === undefined && await page.locator(".ask-review img").count() === 0, "hostile text is text");
    await shots("ask-review", true);
    await accessible("the review list");
    await page.click(".ask-review li:last-child a");
    await answered();
    check(param("q") === "how many errors today?", "it opens as it was answered");
});

await step("what takes long is shown and ended, and asked again", async () => {
    let held;
    await page.route("**/ask", route => { held = route; });
    await page.fill("#ask", "how many spans today?");
    await page.press("#ask", "Enter");
    await page.click(".progress-words button");
    await page.waitForSelector(".problem");
    check((await text(".problem")).includes("cancelled"), `it is ended: ${await text(".problem")}`);
    check((await page.inputValue("#ask")) === "how many spans today?", "the question stands where it was");
    await page.unroute("**/ask");
    await held.abort().catch(() => {});
    told.length = 0; /* a browser tells that the request was ended */
    await page.click('.problem button:has-text("Try again")');
    await page.waitForSelector(".ask-number");
});

/* What the server answers where a model is set up is story_ask's matter; here the answer is dressed as such a one. */
await step("a language model is offered, asked, and told", async () => {
    const sent = [];
    await page.route("**/ask", async route => {
        sent.push(route.request().postDataJSON());
        const { translator, ...body } = sent.at(-1);
        const response = await route.fetch({ postData: JSON.stringify(body) });
        const answer = await response.json();
        const is_model = translator === "model";
        Object.assign(answer, { translator: is_model ? "model" : "embedded", model: { ...answer.model, name: "tiny-1", may_ask: true, why_not: null, problem: null, ...(is_model ? { rounds: 1, input_tokens: 2000, output_tokens: 100, note: given.hostile } : {}) } });
        await route.fulfill({ response, json: answer });
    });
    await asked("how many logs of stock today?");
    await page.click('.ask-foot button:has-text("Ask tiny-1")');
    await page.waitForSelector('.ask-foot:has-text("Read by tiny-1")');
    check(sent.at(-1).translator === "model" && param("by") === "model", `asked by the address: ${JSON.stringify(sent.at(-1))}`);
    check(/2.?100 tokens/.test(await text(".ask-foot")) && (await text(".ask-foot")).includes(given.hostile), `what it took and what it says, as text: ${await text(".ask-foot")}`);
    check(await page.evaluate(() => window.stolen) === undefined, "and nothing ran");
    await page.unroute("**/ask");
});

await step("a question is a saved view: its words, not its moment", async () => {
    await asked("how many requests of web today?");
    await page.keyboard.press("Escape");
    await page.locator(".ask-reading").click();
    await page.keyboard.press("a");
    await page.keyboard.press("v");
    await page.fill("dialog input", "Requests of web");
    await page.press("dialog input", "Enter");
    await page.waitForSelector(".saved-name");
    await go(ASK);
    await page.click('button[aria-label="Saved views"]');
    await page.click('[role=menuitem]:has-text("Requests of web")');
    await page.waitForSelector(".ask-number");
    check(param("at") === null && param("q") === "how many requests of web today?", `of the day it is opened: ${page.url()}`);
    check(await page.locator(".saved-changed").count() === 0, "and nothing has changed");
});

await step("hostile telemetry is text in lists, chips, rows and editors", async () => {
    const at = `${Date.now() - 60000}000000`;
    const value = stringValue => ({ stringValue });
    const sent = await fetch(`${given.http}/v1/logs`, { method: "POST", headers: { authorization: `Bearer ${given.key}`, "content-type": "application/json" }, body: JSON.stringify({
        resourceLogs: [{ resource: { attributes: [{ key: "service.name", value: value(given.hostile_name) }] }, scopeLogs: [{ logRecords: [{ timeUnixNano: at, severityNumber: 21, severityText: "FATAL", body: value(given.hostile_name) }] }] }] }) });
    check(sent.ok, `sent: ${sent.status}`);
    await go(`${ASK}?q=${encodeURIComponent("fatal logs by service in the last 2 hours")}`);
    for (let tries = 0; tries < 60 && await page.locator(".top-list").count() === 0; tries++) {
        await answered();
        await page.waitForTimeout(250);
        await page.reload();
        await page.waitForSelector(".ask-answer");
    }
    await page.waitForSelector(".top-list button");
    check((await page.locator(".top-list .told").first().textContent()) === given.hostile_name, "its name as it was sent");
    await page.locator(".top-list button").first().click();
    await page.waitForSelector(".ask-rows tbody tr");
    check((await page.locator(".ask-rows .ask-what").first().textContent()).startsWith(given.hostile), "its words in the rows");
    await chip(given.hostile);
    check((await page.inputValue(".ask-popup input")).includes(given.hostile), "and in the editor of its chip");
    check(await page.evaluate(() => window.stolen) === undefined && await page.locator("main img").count() === 0, "nothing of it ran");
    await shots("ask-hostile");
    await accessible("hostile telemetry");
});

await step("from the explorer and the palette", async () => {
    await go("/p/default/explore?from=now-1h");
    await settled();
    await click('.query-bar [role=group] button:has-text("English")');
    await accessible("the explorer's third face");
    await page.keyboard.type("error rate by service in the last hour");
    await shots("ask-explorer");
    await page.keyboard.press("Enter");
    await page.waitForURL(url => url.pathname === ASK);
    await answered();
    check((await text(".ask-reading")).includes("by service"), "asked from the explorer");
    await page.keyboard.press("Control+k");
    await page.fill(".palette-field", "how many requests today");
    await page.click('#palette-list li:has-text("Ask: how many requests today")');
    await page.waitForSelector(".ask-number");
    await page.click("#ask");
    await page.keyboard.press("Control+a");
    await page.keyboard.press("Delete");
    await page.waitForSelector(".ask-proposals li");
    check((await text(".ask-proposals li")).includes("asked before"), "what was asked before is proposed");
    await shots("ask-proposals");
    await accessible("proposals");
});

await done();
