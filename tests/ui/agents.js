// Agents and reports as a person uses them: tests/story_ui_agents.py starts the server, sends to it and runs this.
//     node agents.js '{"base": ..., "viewer": ...}'      page.js says the rest
import { accessible, check, done, go, page, settled, shots, sign_in, step, text, told } from "./page.js";

await step("signed in; no agent yet, ready ones are offered", async () => {
    await sign_in("/p/default/explore");
    await page.keyboard.press("g");
    await page.keyboard.press("o");
    await page.waitForURL(/\/agents$/);
    await page.waitForSelector(".agents-ready");
    check((await page.locator(".agents-ready li").count()) === 6, "five ready ones, and one's own question");
    await settled();
    await accessible("no agents");
    await shots("agents-none");
});

await step("one is made of a template", async () => {
    await page.keyboard.press("c");
    await page.waitForURL(/\/agents\/new$/);
    await page.waitForSelector(".agents-form");
    await page.getByLabel("When").fill("60 * * * *");
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.waitForSelector("[role=alert]");
    check(/minute/.test(await text("[role=alert]")), `a wrong time is told: ${await text("[role=alert]")}`);
    told.length = 0; /* the 400 that was asked for */
    await page.getByLabel("When").fill("daily 03:00");
    await page.getByLabel("Time zone").fill("Europe/Berlin");
    await page.locator("summary").click();
    await page.getByLabel("Hours it looks at").fill("1");
    await page.getByRole("combobox", { name: "hook" }).selectOption("warning");
    await accessible("the editor");
    await shots("agents-editor");
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.waitForURL(/\/agents\/\d+$/);
    await page.waitForSelector("h2");
    check((await text("h1")) === "Daily health" && (await text(".agents")).includes("It has not run yet"), "it is there");
});

await step("run now: the run, its log, its report", async () => {
    await page.getByRole("button", { name: "Run now" }).click();
    await page.waitForSelector("[data-report]", { timeout: 20000 });
    await page.waitForSelector("[data-run] button");
    await page.locator("[data-run] button").first().click();
    await page.waitForURL(/run=\d+/);
    await page.waitForSelector(".agents-log");
    check((await text(".agents-log")).includes("service_health"), `the log tells what it looked at: ${await text(".agents-log")}`);
    check(/\d+ queries/.test(await text("[data-run]")), "and what it cost");
    await settled();
    await accessible("an agent");
    await shots("agents-agent", true);
    await page.locator("[data-report] a").first().click();
    await page.waitForURL(/\/reports\/\d+/);
});

await step("the report: findings, charts, tables, evidence", async () => {
    await page.waitForSelector(".agents-findings li");
    const findings = await text(".agents-findings");
    check(findings.includes("checkout: 25.0% of 120 requests failed, 0.0% of 120 the time before"), `what is wrong: ${findings}`);
    check((await page.locator(".agents-report canvas").count()) >= 2, "charts are drawn");
    check((await text('[aria-label="Services"]')).includes("checkout"), "the table of services");
    await page.locator(".agents-cited").first().click();
    await page.waitForURL(/evidence=E1/);
    check((await page.locator("#E1[open]").count()) === 1, "a citation opens its evidence");
    await settled();
    await accessible("a report");
    await shots("agents-report", true);
    await page.locator(".agents-findings a.told").first().click();
    await page.waitForURL(/\/services\/checkout\?from=/);
});

await step("the list, paused, reports", async () => {
    await go("/p/default/agents");
    await page.waitForSelector("[data-agent]");
    await page.waitForSelector("[data-report]");
    await settled();
    await accessible("agents");
    await shots("agents-list", true);
    await page.locator("[data-agent] a").first().click();
    await page.getByRole("button", { name: "Pause", exact: true }).click();
    await page.waitForSelector("button:has-text('Go on')");
    check((await text(".agents")).includes("paused"), "it is paused");
    await go("/p/default/reports");
    await page.waitForSelector("[data-report]");
    await accessible("reports");
    await go("/p/default/reports/999999");
    await page.waitForSelector("text=no such report");
    await shots("agents-report-broken");
    told.length = 0; /* the 404 */
});
await done();
