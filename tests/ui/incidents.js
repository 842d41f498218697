// Incidents and channels as people use them: tests/story_ui_incidents.py starts the server and the sinks and runs this.
//     node incidents.js '{"base": ..., "slack": URL of a sink, ...}'      page.js says the rest
import { accessible, check, done, given, go, page, settled, shots, sign_in, step, text, told } from "./page.js";

const open = async path => {
    await go(`/p/default/${path}`);
    await page.waitForSelector("h1");
    await settled();
};
const field = label => page.locator(".field", { has: page.locator(`label:text-is("${label}")`) }).last();
const fill = (label, value) => field(label).locator("input, textarea").fill(value);
const pick = (label, value) => field(label).locator("select").selectOption(value);
const row = name => page.locator(`tr[data-channel="${name}"]`);
const note = words => page.waitForFunction(wanted => document.querySelector(".toasts")?.textContent.includes(wanted), words);
async function api(method, path, body) {
    const answer = await page.evaluate(async ([method, path, body]) => {
        const me = await (await fetch("/api/v1/users/me")).json();
        const answer = await fetch(`/api/v1/projects/default${path}`, { method, headers: { "content-type": "application/json", "x-csrf-token": me.csrf_token }, body: JSON.stringify(body) });
        return { status: answer.status, body: await answer.json() };
    }, [method, path, body]);
    check(answer.status < 300, `${method} ${path}: ${JSON.stringify(answer)}`);
    return answer.body;
}
const signal = (key, severity, service, more = {}) => api("POST", "/incidents", { key, title: `p95 of ${service} is 8 times as long`, text: "3.2 s, usually 0.4 s", severity, service, ...more });
async function tested(name, words) {
    await row(name).locator("button", { hasText: "Test" }).click();
    await row(name).locator("[role=status]", { hasText: words }).waitFor();
}

await step("signed in; nothing is wrong yet", async () => {
    await sign_in("/p/default/explore");
    await page.keyboard.press("g");
    await page.keyboard.press("w");
    await page.waitForURL(/\/incidents/);
    await page.waitForSelector("text=Nothing is wrong that we know of");
    await accessible("no incidents");
    await shots("incidents-empty");
});

await step("channels: none; a wrong address is told at its field; mail, Slack and a webhook are made", async () => {
    await open("settings/channels");
    await page.waitForSelector("text=nobody is told of anything");
    await accessible("no channels");
    await fill("Name", "ops mail");
    await fill("To", "nobody");
    await page.click("button:has-text('Make the channel')");
    await field("To").locator("[role=alert]").waitFor();
    told.length = 0;
    await fill("To", "ops@example.com, dev@example.com");
    await page.click("button:has-text('Make the channel')");
    await row("ops mail").waitFor();
    await pick("Kind", "slack");
    await fill("Name", "room");
    await fill("Webhook URL", given.slack);
    await pick("What comes here by itself", "warning");
    await fill("Of services (may be empty)", "shop-*");
    await page.click("button:has-text('Make the channel')");
    await row("room").waitFor();
    await pick("Kind", "webhook");
    await fill("Name", "hook");
    await fill("URL", given.webhook);
    await fill("Secret (may be empty)", given.secret);
    await page.click("button:has-text('Make the channel')");
    await row("hook").waitFor();
    check(!(await page.content()).includes(given.slack), "the webhook's address is not shown");
});

await step("each is tested; one that refuses says why, and is deleted", async () => {
    for (const name of ["ops mail", "room", "hook"]) await tested(name, "It was taken");
    await pick("Kind", "webhook");
    await fill("Name", "gone");
    await fill("URL", given.refused);
    await page.click("button:has-text('Make the channel')");
    await row("gone").waitFor();
    await tested("gone", "It did not arrive: it answered 400");
    await row("gone").locator("text=failed").waitFor();
    await row("gone").locator("button", { hasText: "Log" }).click();
    await page.waitForURL(/log=\d+/);
    await page.locator("[data-delivery] button", { hasText: "Tries" }).click();
    await page.waitForSelector(".tries li");
    await accessible("channels with a log");
    await shots("channels");
    await row("gone").locator("button", { hasText: "Delete" }).click();
    await page.click("button:has-text('Really delete')");
    await note("is deleted");
});

await step("incidents are listed, filtered and opened by keys", async () => {
    await signal("one", "critical", "shop-cart", { environment: "production" });
    await signal("two", "critical", "shop-cart");
    await signal("three", "warning", "mail");
    await open("incidents");
    await page.waitForSelector(".incident-line >> nth=1");
    check((await page.locator(".incident-line").count()) === 2, "two incidents of three signals");
    await page.selectOption("select[aria-label='At least as bad as']", "critical");
    await page.waitForFunction(() => document.querySelectorAll(".incident-line").length === 1);
    check(page.url().includes("severity=critical"), "the filter is in the address");
    await accessible("the list");
    await shots("incidents");
    await page.keyboard.press("Escape");
    await page.locator("h1").click();
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/incidents\/1/);
    await page.waitForSelector(".incident-timeline li");
});

await step("acknowledged, noted, muted, resolved, opened again", async () => {
    await page.keyboard.press("a");
    await page.waitForSelector(".incident-state[data-state=acknowledged]");
    await page.fill("textarea[aria-label=Note]", "it came with <b>release 7</b>");
    await page.click("button:has-text('Add the note')");
    await page.waitForSelector("text=it came with <b>release 7</b>");
    await page.click("button:has-text('Mute for an hour')");
    await page.click("button:has-text('End the mute')");
    await page.waitForSelector("button:has-text('Mute for an hour')");
    await page.waitForFunction(() => document.body.innerText.includes("sent"));
    await accessible("an incident");
    await shots("incident", true);
    await page.click("button:has-text('Resolve')");
    await page.waitForSelector(".incident-state[data-state=resolved]");
    await page.click("button:has-text('Open again')");
    await page.waitForSelector(".incident-state[data-state=open]");
    check((await text(".incident-timeline")).includes("resolved"), "the timeline has it");
});

await step("what cannot be read says so", async () => {
    await go("/p/default/incidents/999");
    await page.waitForSelector("text=Not found");
    told.length = 0;
    await page.route("**/incidents?*", route => route.fulfill({ status: 503, contentType: "application/problem+json", body: JSON.stringify({ status: 503, code: "busy", detail: "the database is away" }) }));
    await open("incidents");
    await page.waitForSelector("text=the database is away");
    await shots("incidents-broken");
    await page.unroute("**/incidents?*");
    told.length = 0;
});

await step("a viewer reads incidents and changes nothing", async () => {
    await page.context().clearCookies();
    await go("/p/default/incidents/1");
    await page.waitForURL(/\/sign-in\?/);
    await page.fill("input[type=email]", "vi@example.com");
    await page.fill("input[type=password]", given.password);
    await page.click("form button");
    await page.waitForSelector(".incident-timeline li");
    told.length = 0; /* the 401 that sent us there */
    check((await page.locator("button:has-text('Acknowledge')").count()) === 0, "no button to acknowledge");
    await open("settings/channels");
    await page.waitForSelector("text=Your role here is viewer");
});

await done();
