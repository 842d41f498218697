// The page of the intake as a person uses it: tests/story_ui_intake.py starts the server, sends to it and runs this.
//     node intake.js '{"base": ..., "http_port": ..., "spans": 80, ...}'      page.js says the rest
import { execFileSync } from "node:child_process";
import { accessible, check, done, given, go, page, settled, shots, sign_in, step, text, told } from "./page.js";

const key = name => page.locator(`.intake-key[data-key="${name}"]`);
async function open(more = "") {
    await go(`/p/default/intake?from=now-15m${more}`);
    await page.waitForSelector(".intake-key");
    await settled();
}
/* Of a signal of a key: what stands in its columns. */
async function line(name, signal) {
    const row = key(name).locator(`tr[data-signal="${signal}"]`);
    const all = {};
    for (const of of ["taken", "records", "partial", "repeats", "refused", "lag"]) all[of] = (await row.locator(`td[data-of="${of}"]`).innerText()).trim();
    return all;
}

await step("signed in; the page by keys", async () => {
    await sign_in("/p/default/explore");
    await page.keyboard.press("g");
    await page.keyboard.press("n");
    await page.waitForURL(/\/intake/);
    await page.waitForSelector(".intake-key");
});

await step("each key's numbers are those that were sent", async () => {
    await open();
    const checkout = await line("checkout", "traces");
    check(checkout.taken === "2" && checkout.records === String(given.spans) && checkout.refused === "0", `the SDK's: ${JSON.stringify(checkout)}`);
    const gateway = await line("gateway", "logs");
    check(gateway.taken === "3" && gateway.repeats === "2" && /^1 m 3\d s, at most 1 m 3\d s$/.test(gateway.lag), `sent again, and late: ${JSON.stringify(gateway)}`);
    check(/its clock is [23]\d\.\d s ahead/.test((await line("gateway", "metrics")).lag), `a clock that is ahead: ${(await line("gateway", "metrics")).lag}`);
    const clumsy = await line("clumsy", "traces");
    check(clumsy.partial === "2, 6 records left out" && clumsy.refused === "2", `in part and not at all: ${JSON.stringify(clumsy)}`);
    const recorder = await line("recorder", "replays");
    check(recorder.taken === "3" && recorder.records === "2" && recorder.repeats === "1" && recorder.refused === "2", `recordings too: ${JSON.stringify(recorder)}`);
    check((await line("eager", "logs")).refused === String(given.refused_by_limit), "over its limit");
    check((await text('.intake-key[data-key="default"], .intake-key[data-key="silent"]')).length > 0, "others are there");
    check((await key("retired").innerText()).includes("ended"), "a revoked key says so");
    check((await key("retired").innerText()).includes("refused") && (await key("checkout").innerText()).includes("sends"), "how each does");
    check((await key("checkout").locator(".rate-taken").getAttribute("d")).length > 10, "its rate is drawn");
    check(/Logs and spans: newest row .* old/.test(await text(".intake-visible")), `how new the rows are: ${await text(".intake-visible")}`);
    check((await text("[aria-label='Parked requests']")).includes("a fault of ours"), "what is parked, and why");
    await accessible("the intake");
    await shots("intake", true);
});

await step("why: by keys to the one that does things wrong", async () => {
    for (let n = 0; n < 12 && !page.url().includes("key=") | !(await key("clumsy").getAttribute("class")).includes("chosen"); n++) {
        await page.keyboard.press("j");
        await page.waitForTimeout(50);
    }
    const detail = await text('[aria-label="Of clumsy"]');
    check(detail.includes("Send smaller batches") && detail.includes("6 records left out of traces"), `the reasons with what to do: ${detail.slice(0, 600)}`);
    check((await page.locator('[aria-label="Of clumsy"] .reason').count()) === 7, "all seven of them");
    check(detail.includes("story/1.0"), "and who sends so");
    check((await text("[aria-label=\"Nobody's keys\"]")).includes("3 requests"), "an instance admin sees unknown keys");
    await accessible("reasons");
    await shots("intake-reasons");
    await page.reload();
    await page.waitForSelector('[aria-label="Of clumsy"]');
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => !document.querySelector('[aria-label="Of clumsy"]'));
});

await step("a test event: pasted, refused first, then seen within seconds", async () => {
    await open();
    await page.keyboard.press("c");
    await page.waitForSelector(".check");
    check((await page.getAttribute('.check [role=tab]:text-is("curl")', "aria-selected")) === "true", "curl is at hand");
    await accessible("waiting for a test event");
    const name = (await text(".check h2 code"));
    const paste = async () => (await page.locator(".check .paste").innerText()).replaceAll(":4318/", `:${given.http_port}/`);
    execFileSync("sh", ["-c", (await paste()).replace("curl ", "curl -s ")]);
    await page.waitForSelector(".check .reason[data-code=unauthenticated]");
    check((await text(".check .reason")).includes("unknown or revoked API key"), "why it is refused");
    await page.click(".check >> text=Put a new key in");
    await page.waitForFunction(() => /mono_/.test(document.querySelector(".check .paste")?.textContent ?? ""));
    const begin = performance.now();
    execFileSync("sh", ["-c", (await paste()).replace("curl ", "curl -s ")]);
    await page.waitForSelector(".check-steps li.done:has-text('The event can be seen')");
    const took = performance.now() - begin;
    check(took < 20000, `it is seen within seconds: ${took} ms`);
    console.log(`a pasted event is seen after ${Math.round(took)} ms`);
    await shots("intake-check");
    await accessible("a test event that came");
    await page.click(".check-steps a");
    await page.waitForURL(new RegExp(`q=service:${name}`));
    await page.waitForSelector(".row-line");
    check((await page.locator(".row-line").count()) === 1, "and opens");
});

await step("live: a key's numbers go up by themselves", async () => {
    await open();
    await page.keyboard.press("l");
    await page.waitForURL(/live=1/);
    const before = await page.locator(".intake-key").count();
    const secret = await page.evaluate(async () => {
        const me = await (await fetch("/api/v1/users/me")).json();
        return (await (await fetch("/api/v1/projects/default/keys", { method: "POST", headers: { "content-type": "application/json", "x-csrf-token": me.csrf_token }, body: JSON.stringify({ name: "latecomer", scopes: ["ingest"] }) })).json()).secret;
    });
    const answer = await fetch(`http://127.0.0.1:${given.http_port}/v1/logs`, { method: "POST", headers: { "content-type": "application/json", authorization: `Bearer ${secret}` }, body: JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { stringValue: "late" } }] }] }] }) });
    check(answer.ok, "sent");
    await page.waitForSelector('.intake-key[data-key="latecomer"] tr[data-signal=logs]');
    check((await page.locator(".intake-key").count()) === before + 1, "it is there without a key pressed");
});

await step("a project without keys", async () => {
    await go("/p/empty/intake");
    await page.waitForSelector("text=This project has no key");
    await accessible("no key");
    await shots("intake-empty");
    check(told.length === 0, `no problem was told: ${told}`);
});

await done();
