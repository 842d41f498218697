// The issues' pages as a person uses them: tests/story_ui_issues.py starts the server, fills it and runs this.
//     node issues.js '{"base": ..., "otlp": ..., "key": ..., "issues": 20, "number": {"CheckoutFailed": 1, ...}}'      page.js says the rest
import { accessible, check, click, clicks, done, given, go, page, settled, shots, sign_in, step, text, told } from "./page.js";

const LIST = "/p/default/issues?from=now-2h";
const number = given.number;
const address = () => new URL(page.url()).searchParams;
const line = wanted => page.locator(`.issue-line[data-number="${wanted}"]`);
const listed = count => page.waitForFunction(wanted => document.querySelectorAll("li.issue-line").length === wanted, count);
const gone = wanted => page.waitForFunction(one => !document.querySelector(`.issue-line[data-number="${one}"]`), wanted);
const note = words => page.waitForFunction(wanted => document.querySelector(".toasts")?.textContent.includes(wanted), words);
const state_is = word => page.waitForFunction(wanted => document.querySelector(".issue-head .issue-state")?.textContent.includes(wanted), word);
async function open(path) {
    await go(path);
    await page.waitForSelector("li.issue-line");
    await settled();
}
async function open_issue(of, more = "") {
    await go(`/p/default/issues/${of}?from=now-2h${more}`);
    await page.waitForSelector(".issue-head h1");
    await settled();
}
async function api(path, method = "GET", body) {
    return page.evaluate(async ([path, method, body]) => {
        const me = await (await fetch("/api/v1/users/me")).json();
        const answer = await fetch(`/api/v1/projects/default${path}`, { method, headers: { "content-type": "application/json", "x-csrf-token": me.csrf_token }, ...(body ? { body: JSON.stringify(body) } : {}) });
        return answer.json();
    }, [path, method, body]);
}
/* One more of the same, now, as a program would send it. */
async function fail_again(service, type, message, stack, release) {
    const value = (key, of) => ({ key, value: { stringValue: of } });
    const answer = await fetch(`${given.otlp}/v1/logs`, {
        method: "POST", headers: { "content-type": "application/json", authorization: `Bearer ${given.key}` },
        body: JSON.stringify({ resourceLogs: [{ resource: { attributes: [value("service.name", service), value("service.version", release)] }, scopeLogs: [{ logRecords: [{
            timeUnixNano: String(BigInt(Date.now()) * 1000000n), severityNumber: 17, severityText: "ERROR", body: { stringValue: "failed" },
            attributes: [value("exception.type", type), value("exception.message", message), value("exception.stacktrace", stack)] }] }] }] }) });
    check(answer.ok, `an error is taken: ${answer.status}`);
}

await step("signed in", async () => sign_in("/p/default/explore?from=now-2h"));

await step("a project without errors says how to send one", async () => {
    await go("/p/empty/issues");
    await page.waitForSelector("text=No errors yet");
    check((await text(".paste")).includes("exception.stacktrace"), "there is a line to paste");
    await accessible("no errors yet");
    await shots("issues-none");
});

await step("from the list to the stack to the trace, in three clicks", async () => {
    await go("/p/default/explore?from=now-2h");
    await page.keyboard.press("g");
    await page.keyboard.press("i");
    await listed(given.issues);
    clicks.count = 0;
    await page.fill("#issues-search", "CheckoutFailed");
    await page.press("#issues-search", "Enter");
    await listed(1);
    await click(".issue-main");
    await page.waitForSelector(".thrown");
    const stack = await text(".issue-stack");
    check(/CheckoutFailed.*order 39 could not be placed.*caused by.*KeyError/.test(stack), `the chain is shown: ${stack.slice(0, 400)}`);
    check(stack.includes("price_of") && stack.includes("story_ui_issues.py"), "with the program's frames");
    check((await page.locator(".frame-line.in-app").count()) >= 3, "which are marked");
    await click(".issue-head >> text=Open trace");
    await page.waitForURL(/\/trace\/[0-9a-f]{32}/);
    await page.waitForSelector("text=Checkout.place");
    check(clicks.count <= 3, `it took ${clicks.count} clicks`);
});

await step("from a span with an error to its issue", async () => {
    await page.waitForURL(/span=[0-9a-f]{16}/); /* the one that failed is open */
    await page.click(".detail .issue-link");
    await page.waitForSelector(`[aria-label="Issue ${number.CheckoutFailed}"]`);
});

await step("the issue says how often, whom, in which releases and why", async () => {
    await open_issue(number.CheckoutFailed);
    const facts = await text(".issue-side");
    check(/Events ever 40/.test(facts) && /Users ever 12/.test(facts), `events and users: ${facts.slice(0, 200)}`);
    check(/1\.4 production 25/.test(facts) && /1\.5 production 12/.test(facts) && /1\.5 staging 3/.test(facts), `releases: ${facts}`);
    check(/production 37/.test(facts), `environments: ${facts}`);
    check((await page.getAttribute(".issue .chart canvas", "aria-label")).includes("1.5 from"), "the chart has the release's mark");
    check((await text(".why")).includes("began the issue"), "why it is one");
    check(/was seen for the first time/.test(await text(".activity")), "and what happened");
    await page.waitForSelector(".issue-events td");
    await accessible("an issue");
    await shots("issue");
    await page.click(".issue-stack >> text=As sent");
    await page.waitForURL(/raw=1/);
    check((await text(".issue-stack .stack")).includes("The above exception was the direct cause"), "the stack as it was sent");
    await page.click(".issue-stack >> text=First");
    await page.waitForURL(/event=first/);
    check((await text(".issue-stack .stack")).includes("order 0"), "of the first event");
    await page.locator(".issue-events >> text=Session").first().click();
    await page.waitForURL(/session\.id:s/);
    await page.waitForSelector(".row-line");
});

await step("every state of the list is its address", async () => {
    await open(`${LIST}&service=stock&sort=count`);
    await listed(2);
    check((await page.inputValue("[aria-label=Service]")) === "stock" && (await page.inputValue("[aria-label=Order]")) === "count", "filters show what the address says");
    await page.selectOption("[aria-label=Service]", "");
    await listed(given.issues);
    check(!address().has("service"), "and the other way round");
    const counts = (await page.locator(".issue-line .issue-events").allInnerTexts()).map(one => parseInt(one, 10));
    check(counts.every((one, at) => at === 0 || one <= counts[at - 1]), `sorted by events: ${counts}`);
    await page.fill("#issues-search", "nowhere to be found");
    await page.press("#issues-search", "Enter");
    await page.waitForSelector("text=Nothing matches");
    await shots("issues-nothing");
    await page.goBack();
    await listed(given.issues);
});

await step("the list fits every screen, and everyone can use it", async () => {
    await open(LIST);
    await listed(given.issues);
    await accessible("the list of issues");
    await shots("issues");
});

await step("by keys: choose two, ignore them until something, undo", async () => {
    await open(`${LIST}&service=mail&sort=count`);
    await listed(14);
    const [first, second] = (await page.locator("li.issue-line").evaluateAll(all => all.map(one => Number(one.dataset.number))));
    for (const key of ["j", "x", "j", "x"]) await page.keyboard.press(key);
    await page.waitForFunction(wanted => new URLSearchParams(location.search).get("chosen") === wanted, `${first},${second}`);
    await accessible("two chosen");
    await shots("issues-chosen");
    await page.keyboard.press("i");
    await page.waitForSelector("dialog.sheet");
    await page.selectOption("dialog select", "now+7d");
    await page.locator("dialog input").first().fill("100");
    await accessible("ignore until");
    await shots("issues-ignore");
    await page.click("dialog button.primary");
    await note("2 issues ignored for 7 days");
    await gone(first);
    await gone(second);
    await page.click(".toast >> text=Undo");
    await note("Undone");
    await listed(14);
    check((await line(first).getAttribute("data-state")) === "ongoing", "who undoes has seen it");
});

await step("assigned to me, and found by it; resolved many at once", async () => {
    await open(`${LIST}&service=stock`);
    await page.keyboard.press("j");
    await page.keyboard.press("x");
    await page.keyboard.press("w");
    await page.click("dialog button.primary");
    await note("assigned to");
    await page.selectOption("[aria-label=Assignee]", "me");
    await page.waitForURL(/assignee=me/);
    await listed(1);
    await open(`${LIST}&service=mail`);
    await page.click("[aria-label='Choose all that are shown']");
    await page.click(".issues-bar >> text=Resolve");
    await note("14 issues resolved");
    await page.waitForSelector("text=Nothing matches");
    await page.click(".issue-states >> text=Resolved");
    await page.waitForURL(/state=resolved/);
    await listed(14);
});

const STOCK = "Traceback (most recent call last):\n  File \"/srv/stock/hold.py\", line 12, in release_hold\n    raise LookupError()\nLookupError: hold 7 is not there";
await step("resolved, it comes again: regressed, and says so", async () => {
    await fail_again("stock2", "LookupError", "hold 7 is not there", STOCK, "2.0");
    let again;
    for (let tries = 0; tries < 100 && !again; tries++) {
        again = (await api("/issues?service=stock2&from=now-2h")).items[0]?.number;
        if (!again) await page.waitForTimeout(200);
    }
    check(again, "it is an issue");
    await open_issue(again);
    await page.keyboard.press("e");
    await note("resolved");
    await state_is("Resolved");
    await fail_again("stock2", "LookupError", "hold 8 is not there", STOCK, "2.1");
    for (let tries = 0; tries < 100 && (await api(`/issues/${again}`)).issue.state !== "regressed"; tries++) await page.waitForTimeout(200);
    await page.keyboard.press("r");
    await state_is("Regressed");
    await page.waitForFunction(() => /became regressed: it came again/.test(document.querySelector(".activity").textContent));
    await shots("issue-regressed");
});

await step("two are merged, an old link leads on, and they are split again", async () => {
    const [one, other] = [number.OutOfStock, number.LookupError];
    await open_issue(other);
    await page.keyboard.press("m");
    await page.fill("dialog input", `#${one}`);
    await accessible("merge");
    await page.click("dialog button.primary");
    await page.waitForSelector(`[aria-label="Issue ${one}"]`);
    await page.waitForFunction(() => document.querySelector(".why header")?.textContent.includes("2 fingerprints"));
    check((await text(".why")).includes("moved by a person") && (await text(".why")).includes("pinned"), "why says that a person did it");
    await go(`/p/default/issues/${other}?from=now-2h`);
    await page.waitForURL(new RegExp(`/issues/${one}\\?`));
    await page.waitForSelector(".fingerprint");
    await page.locator(".fingerprint", { hasText: "LookupError" }).locator("input").check();
    await page.locator(".fingerprint", { hasText: "LookupError" }).locator("summary").click();
    await page.waitForSelector(".made-of");
    await shots("issue-split");
    await page.click(".why >> text=Split 1 fingerprint off");
    await note("Split off into #");
    await page.waitForFunction(() => document.querySelector(".why header")?.textContent.includes("1 fingerprint"));
    await page.waitForFunction(() => /split 1 fingerprint off into #/.test(document.querySelector(".activity").textContent));
});

await step("neighbours by j and k; the way back keeps the list", async () => {
    await open(`${LIST}&state=all&sort=users`);
    const order = await page.locator("li.issue-line").evaluateAll(all => all.map(one => one.dataset.number));
    await page.locator(".issue-main").first().click();
    await page.waitForSelector(`[aria-label="Issue ${order[0]}"]`);
    await page.waitForSelector("[data-step=behind]:enabled");
    await page.keyboard.press("j");
    await page.waitForSelector(`[aria-label="Issue ${order[1]}"]`);
    await page.waitForSelector("[data-step=before]:enabled");
    await page.keyboard.press("k");
    await page.waitForSelector(`[aria-label="Issue ${order[0]}"]`);
    await page.keyboard.press("Escape");
    await page.waitForSelector("li.issue-line");
    check(address().get("sort") === "users" && address().get("state") === "all", "as it was");
});

await step("its rows and log patterns in the explorer; #12 in the palette", async () => {
    await open_issue(number.CheckoutFailed);
    await page.keyboard.press("s");
    await page.waitForURL(/q=issue:\d+/);
    await page.waitForFunction(() => document.querySelector(".explore-acts b")?.textContent === "40");
    await page.keyboard.press("Control+k");
    await page.fill(".palette-field", `#${number.OutOfStock}`);
    await page.keyboard.press("Enter");
    await page.waitForSelector(`[aria-label="Issue ${number.OutOfStock}"]`);
});

await step("rules: a mistake at its line, tried on an issue, kept", async () => {
    await go("/p/default/issues/rules");
    await page.fill("#error-rules", "type:Mail* -> mail\nnonsense without an arrow");
    await page.click("text=Keep the rules");
    await page.waitForSelector("#error-rules-problem .problem-line");
    check((await text("#error-rules-problem")).includes("Line 2: nonsense"), `the mistake has its line: ${await text("#error-rules-problem")}`);
    told.length = 0; /* the 400 of it */
    await shots("rules-problem");
    await page.fill("#error-rules", "type:*OutOfStock -> stock, {{ type }}");
    await page.fill("[placeholder='#12']", String(number.OutOfStock));
    await page.click("form >> text=Try");
    await page.waitForSelector(".tried");
    check((await text(".tried")).includes("Line 1 makes the fingerprint"), `it is tried: ${await text(".tried")}`);
    await accessible("rules");
    await shots("rules");
    await page.click("text=Keep the rules");
    await note("Kept: they count");
    await page.waitForSelector("text=Version 1");
    await go("/p/default/issues/maps");
    await page.waitForSelector("text=No source map yet");
    await accessible("source maps");
    await shots("source-maps");
});

await step("hostile telemetry is text", async () => {
    await open(`${LIST}&q=script`);
    check((await text(".issue-title")).includes("<script>window.stolen = 1</script>"), "in the list");
    await page.locator(".issue-main").first().click();
    await page.waitForSelector(".issue-head h1");
    await settled();
    check((await text(".issue-head h1")).includes("<script>"), "on the page");
    check(await page.locator(".view img, .view script, .view iframe").count() === 0, "nothing of it became an element");
    check((await page.evaluate(() => window.stolen)) === undefined, "nothing of it ran");
    await accessible("a hostile issue");
    await shots("issue-hostile");
});

await step("what is broken says so, and what to do", async () => {
    await go("/p/default/issues/999999");
    await page.waitForSelector("text=there is no issue #999999");
    await page.route("**/api/v1/projects/default/issues?*", route => route.fulfill({ status: 503, contentType: "application/problem+json", body: JSON.stringify({ detail: "the metadata does not answer", code: "io" }) }));
    await go(LIST);
    await page.waitForSelector(".state.problem");
    await accessible("a list that cannot be read");
    await shots("issues-broken");
    await page.unroute("**/api/v1/projects/default/issues?*");
    await page.click("text=Try again");
    await page.waitForSelector("li.issue-line");
    told.length = 0; /* the 404 and the 503 */
});

await done();
