// The demo shop in the web UI: tests/story_demo.py runs it, with payments timing out. From an alert's link to the cause, then every page at
// three widths in light and dark, looked at by axe.
import { accessible, check, click, clicks, done, go, page, settled, shots, sign_in, step, text, told } from "./page.js";

const ALERT = "/p/default/explore?q=level:error%20service:payments&from=now-15m";

await step("the page to sign in", async () => {
    await go("/sign-in");
    await shots("sign-in");
});

await step("signed in, at the alert's link", () => sign_in(ALERT));

await step("from the alert's link to the cause in at most 4 clicks", async () => {
    await go(ALERT);
    clicks.count = 0;
    await click(".row-line");
    await click("text=Open trace");
    await page.waitForURL(/\/trace\/[0-9a-f]{32}\?.*span=/);
    await page.waitForSelector(".detail .stack");
    const detail = await text(".detail");
    check(/Payments\.charge/.test(detail) && /request timed out/i.test(detail), `the exception with its cause is shown: ${detail.slice(0, 400)}`);
    check((await text(".trace")).includes("web"), "and the visitor's whole trace around it");
    check(clicks.count <= 4, `it took ${clicks.count} clicks`);
    await shots("trace");
    await accessible("the trace");
    console.log(`  ${clicks.count} clicks`);
});

await step("the flame graph of the same trace", async () => {
    await page.locator("h1").first().click();
    await page.keyboard.press("f");
    await page.waitForSelector(".flame canvas");
    await shots("flame");
});

await step("the explorer, each kind of looking", async () => {
    await go("/p/default/explore?from=now-15m");
    await page.waitForSelector(".row-line");
    const kinds = await page.locator(".kinds button").allInnerTexts();
    for (const kind of kinds) {
        await page.locator(".kinds button", { hasText: kind }).first().click();
        await page.waitForTimeout(300);
        await settled();
        check((await page.locator(".state.problem").count()) === 0, `${kind} shows no problem`);
        await shots(`explorer-${kind.toLowerCase().replace(/[^a-z]+/g, "-")}`);
        if (kind === "Table") await accessible(`the explorer as ${kind}`); /* the others: story_ui_charts */
    }
});

await step("a row beside the list", async () => {
    await go("/p/default/explore?q=level:error&from=now-15m");
    await page.locator(".row-line").first().click();
    await page.waitForSelector(".detail .attributes");
    await shots("row");
    await accessible("an open row");
});

await step("SQL", async () => {
    await go("/p/default/sql");
    await page.waitForTimeout(300);
    await settled();
    await shots("sql");
});

await step("what is broken says so, what is empty says what to do", async () => {
    await go("/p/default/explore?q=service:nobody&from=now-15m");
    await page.waitForSelector("text=No row in this range");
    await shots("nothing");
    await go("/p/default/explore?sql=1&q=levle%20%3D%201&from=now-15m");
    await page.waitForSelector(".state.problem");
    await shots("problem");
    told.length = 0; /* the 400 of it */
});

await done();
