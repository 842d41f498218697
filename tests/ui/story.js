// The web UI as a person uses it, in a real Chromium: tests/story_ui.py starts the server, fills it and runs this.
//     node story.js '{"base": ..., ...}'      page.js says what
import { accessible, check, click, clicks, done, given, go, number_of, page, rows_are, settled, shots, sign_in, step, text, told } from "./page.js";

await step("signed in, back at the address that was asked for", async () => {
    await sign_in("/p/default/explore?q=service:payments");
});

await step("from an alert's link to the root cause", async () => {
    await go("/p/default/explore?q=level:error%20service:payments&from=now-1h");
    clicks.count = 0;
    await click(".row-line");
    await click("text=Open trace");
    await page.waitForURL(/\/trace\/[0-9a-f]{32}\?.*span=/);
    await page.waitForSelector(".detail .stack");
    check((await text(".detail")).includes("java.net.SocketTimeoutException"), "the span's exception is shown");
    check(clicks.count <= 4, `at most 4 clicks, it took ${clicks.count}`);
});

await step("every row of the hour, counted", async () => {
    await go("/p/default/explore?from=now-1h");
    await rows_are(given.rows);
    await shots("explore");
    await accessible("the explorer");
});

await step("a search narrows, and its problems are told where they are", async () => {
    await page.fill("#query", "service:payments status:>=500");
    await page.press("#query", "Enter");
    await rows_are(given.failed);
    await page.fill("#query", "service:payments (level:loud");
    await page.press("#query", "Enter");
    await page.waitForSelector(".query-problems");
    check((await text(".query-problems mark")) === "loud", "the wrong word is marked");
    await accessible("a search with a problem");
    await page.fill("#query", "serv");
    await page.waitForSelector("#query-proposals");
    await page.press("#query", "Tab");
    check((await page.inputValue("#query")).startsWith("service"), "a field is proposed and taken by Tab");
});

await step("the SQL face", async () => {
    await go("/p/default/explore?from=now-1h");
    await click(".query-bar button >> text=SQL");
    await page.fill("textarea#query", "level = 'ERROR' AND resource___service___name = 'payments'");
    await page.press("textarea#query", "Enter");
    await rows_are(given.failed);
    await page.fill("textarea#query", "levle = 'ERROR'");
    await page.press("textarea#query", "Enter");
    await page.waitForSelector(".state.problem");
    check((await text(".state.problem")).includes("levle"), "the wrong column is named");
});

await step("facets include and exclude", async () => {
    await go("/p/default/explore?from=now-1h");
    told.length = 0; /* the 400s of it: each part of the page asks */
    await page.waitForSelector(".facets");
    await page.locator(".facet-value", { hasText: "payments" }).first().click();
    await page.waitForURL(/service\.name:payments/);
    await page.waitForFunction(() => [...document.querySelectorAll(".row-line > :nth-child(3)")].every(cell => /^payments\b/.test(cell.textContent.trim())));
    await page.locator('[aria-label="Without kind log"]').click();
    await page.waitForURL(/-kind:log/);
    await rows_are(given.payments_spans);
});

await step("bars: dragging over them narrows the time; columns; rows around", async () => {
    await go("/p/default/explore?from=now-1h&cols=http.route");
    await page.waitForSelector(".chart canvas");
    await settled();
    const box = await page.locator(".chart canvas").boundingBox();
    await page.mouse.move(box.x + box.width * 0.3, box.y + 30);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.6, box.y + 30, { steps: 5 });
    await page.mouse.up();
    await page.waitForURL(/from=20.*to=20/);
    check((await page.locator(".rows-head").innerText()).includes("http.route"), "the picked column is there");
    await settled();
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    await page.waitForURL(/open=/);
    await click("text=Rows around");
    await page.waitForSelector(".around li.chosen");
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => !document.querySelector(".detail"));
});

await step("the keyboard: help, palette, a trace id", async () => {
    await page.keyboard.press("?");
    await page.waitForSelector("text=Keyboard shortcuts");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Control+k");
    await page.waitForSelector(".palette-field");
    await accessible("the palette");
    await page.fill(".palette-field", given.trace);
    await page.keyboard.press("Enter");
    await page.waitForURL(new RegExp(`/trace/${given.trace}`));
});

await step(`a trace of ${given.spans} spans: waterfall, flame graph, search, errors`, async () => {
    await go(`/p/default/trace/${given.trace}`);
    await page.waitForSelector(".span-row");
    check(number_of(/([0-9 ]+) spans/.exec(await text(".trace-head"))[1]) === given.spans, "all spans are counted");
    const seen = await page.locator(".span-row").count();
    check(seen < 200, `only what is on the screen is in the page: ${seen} rows`);
    await page.keyboard.press("e");
    await page.waitForSelector(".detail .problem-line");
    await page.fill("#trace-find", "work 36 error");
    await page.waitForSelector(".span-row.found");
    await shots("trace");
    await accessible("the waterfall");
    await page.locator("h1").click();
    await page.keyboard.press("f");
    await page.waitForSelector(".flame canvas");
    await shots("flame");
    await accessible("the flame graph");
    await page.locator(".minimap").dispatchEvent("dblclick");
});

await step("what is hostile is shown as text", async () => {
    await go(`/p/default/trace/${given.hostile}`);
    await page.waitForSelector(".span-row");
    await page.locator(".span-row").first().click();
    await page.waitForSelector(".detail .attributes");
    check((await text(".detail")).includes("<script>window.stolen = 1</script>"), "markup is shown as it was sent");
    await go(`/p/default/explore?q=trace:${given.hostile}&cols=text.0,large&from=now-1h`);
    await page.waitForSelector(".row-line");
    await page.locator(".row-line").first().click();
    await page.waitForSelector(".detail .attributes");
    check((await page.evaluate(() => window.stolen)) === undefined, "nothing of it ran");
    await shots("hostile");
});

await step("an empty project says how to send, a foreign one does not exist", async () => {
    await go("/p/empty/explore");
    await page.waitForSelector("text=Nothing has been sent to empty yet");
    await click("text=Put a new key in");
    await page.waitForFunction(() => /mono_/.test(document.querySelector(".paste")?.textContent ?? ""));
    await shots("empty");
    await accessible("the empty project");
    await go("/p/nobodys/explore");
    await page.waitForSelector("text=there is no project");
});

await done();
