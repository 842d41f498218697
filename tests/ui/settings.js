// The settings' pages as people with each role use them: tests/story_ui_settings.py starts the server, fills it and runs this.
//     node settings.js '{"base": ..., "otlp": ..., "old": 120, "all": 150, ...}'      page.js says the rest
import { accessible, check, context, done, given, go, page, settled, shots, sign_in, step, text, told } from "./page.js";

let project = "market-old";
const open = async (name, more = "") => {
    await go(`/p/${project}/settings/${name}${more}`);
    await page.waitForSelector(".settings-page h1");
    await settled();
};
const field = label => page.locator(".field", { has: page.locator(`label:text-is("${label}")`) }).last();
const fill = (label, value) => field(label).locator("input, textarea").fill(value);
const pick = (label, value) => field(label).locator("select").selectOption(value);
const row = (kind, name) => page.locator(`tr[data-${kind}="${name}"]`);
const note = words => page.waitForFunction(wanted => document.querySelector(".toasts")?.textContent.includes(wanted), words);
/* The problem that stands at a field, which is marked. */
async function wrong_at(label, words) {
    await field(label).locator("[role=alert]").waitFor();
    const said = await field(label).locator("[role=alert]").innerText();
    check(words.test(said), `${label} says what is wrong: ${said}`);
    check((await field(label).locator("[aria-invalid=true]").count()) === 1, `and is marked`);
}
/* A browser tells each refusal in its console. */
function refused(...statuses) {
    check(told.length === statuses.length && told.every((one, at) => one.includes(`status of ${statuses[at]}`)), `refused by ${statuses} and nothing else: ${told}`);
    told.length = 0;
}
async function send(key, body, origin) {
    const answer = await fetch(`${given.otlp}/v1/logs`, {
        method: "POST", headers: { "content-type": "application/json", authorization: `Bearer ${key}`, ...(origin ? { origin } : {}) },
        body: JSON.stringify({ resourceLogs: [{ resource: { attributes: [{ key: "service.name", value: { stringValue: "till" } }] }, scopeLogs: [{ logRecords: [{ body: { stringValue: body } }] }] }] }) });
    return answer.status;
}
async function rows(sql) {
    return page.evaluate(async ([project, sql]) => {
        const me = await (await fetch("/api/v1/users/me")).json();
        return (await (await fetch(`/api/v1/projects/${project}/query`, { method: "POST", headers: { "content-type": "application/json", "x-csrf-token": me.csrf_token }, body: JSON.stringify({ sql }) })).json()).rows;
    }, [project, sql]);
}
/* ask: answers true, or what there is instead. */
async function wait_for(words, ask) {
    let last;
    for (let n = 0; n < 100; n++) {
        last = await ask();
        if (last === true) return;
        await new Promise(next => setTimeout(next, 100));
    }
    check(false, `${words}: ${last}`);
}
const PAGES = ["project", "keys", "members", "teams", "retention", "redaction", "limits", "model", "channels", "links", "audit"];

await step("signed in; the pages by keys", async () => {
    await sign_in(`/p/${project}/explore`);
    await page.keyboard.press("g");
    await page.keyboard.press(",");
    await page.waitForURL(/\/settings$/);
    await page.waitForSelector("h1:has-text('Project')");
    for (const name of PAGES.slice(1)) {
        await page.keyboard.press("j");
        await page.waitForURL(new RegExp(`/settings/${name}$`));
    }
    await page.keyboard.press("k");
    await page.waitForURL(/\/settings\/links$/);
    await go(`/p/${project}/settings/nowhere`);
    await page.waitForSelector("text=there is no page settings/nowhere");
});

await step("the project gets another name; a wrong one is told at the field", async () => {
    await open("project");
    await fill("Name", "Not A Name");
    await page.click("text=Rename");
    await wrong_at("Name", /./);
    await accessible("a wrong name");
    await fill("Name", "default");
    await page.click("text=Rename");
    await wrong_at("Name", /default/);
    refused(400, 409);
    await fill("Name", "market");
    await page.click("text=Rename");
    await page.waitForURL(/\/p\/market\/settings\/project/);
    project = "market";
    await accessible("the project");
    await shots("project");
    await go("/p/default/settings");
    await page.waitForSelector("text=can be neither renamed nor deleted");
});

await step("a key is made, shown once, sends, and is revoked", async () => {
    await open("keys");
    await page.keyboard.press("c");
    await page.keyboard.type("till in the hall");
    await page.check('label:has(b:text-is("read")) input');
    await pick("Ends", "30");
    await field("Name").locator("input").press("Enter");
    await page.waitForSelector(".made");
    const secret = await page.inputValue(".secret");
    check(/^mono_\S{40,}$/.test(secret), `the key is shown: ${secret.slice(0, 9)}`);
    await page.click(".made .row > button.primary >> nth=0");
    check((await page.evaluate(() => navigator.clipboard.readText())) === secret, "it is in the clipboard");
    for (const way of ["Python", "Node.js", "Java", "Go", "Collector", "curl", "Any SDK"]) {
        await page.click(`.made [role=tab]:text-is("${way}")`);
        check((await text(".made .paste")).includes(secret), `the lines for ${way} have the key`);
    }
    await accessible("a new key");
    await shots("key-made");
    check((await send(secret, "hello")) === 200, "it sends");
    await page.reload();
    await row("key", "till in the hall").waitFor();
    check(!(await page.content()).includes(secret), "it is not shown again");
    const said = (await row("key", "till in the hall").innerText()).replace(/\s+/g, " ");
    check(/send and read/.test(said) && /in 29 d/.test(said), `the list tells what it may, and until when: ${said}`);
    await shots("keys");
    await row("key", "till in the hall").locator("text=Revoke").click();
    await accessible("really revoke");
    await page.keyboard.press("Enter"); /* the second button has the focus */
    await note("is revoked");
    await row("key", "till in the hall").waitFor({ state: "detached" });
    await wait_for("the key is refused", async () => (await send(secret, "late")) === 401);
});

await step("a browser key: a wrong origin is told at the field", async () => {
    await open("keys");
    await fill("Name", "shop's pages");
    await pick("For", "browser");
    await fill("Pages that may use it", "https://shop.example, shop.example/cart");
    await page.click("text=Make the key");
    await wrong_at("Pages that may use it", /shop\.example\/cart/);
    refused(400);
    await fill("Pages that may use it", "https://shop.example, https://*.shop.example");
    await page.click("text=Make the key");
    await page.waitForSelector(".made");
    const secret = await page.inputValue(".secret");
    check((await send(secret, "from the page", "https://www.shop.example")) === 200 && (await send(secret, "from elsewhere", "https://evil.example")) === 403, "it sends from there alone");
    check((await row("key", "shop's pages").innerText()).includes("https://shop.example, https://*.shop.example"), "the list tells from where");
});

await step("roles are given, changed and taken; who is not there is invited", async () => {
    await open("members");
    await fill("E-mail address", "new@example.com");
    await pick("Role", "viewer");
    await page.click("text=Give it");
    await page.click("text=Invite new@example.com as a new user");
    refused(404);
    await page.click("text=Make the user");
    await page.waitForSelector("text=This opens one sign-in");
    check(/new@example\.com\n\S{10,}/.test(await page.locator(".made .paste").innerText()), "a password for one sign-in");
    await accessible("an invitation");
    await shots("members");
    await row("member", "new@example.com").locator("select").selectOption("editor");
    await note("new@example.com is editor now");
    await row("member", "out@example.com").locator("text=Remove").click();
    await row("member", "out@example.com").locator("text=Really remove").click();
    await row("member", "out@example.com").waitFor({ state: "detached" });
});

await step("a team, its people, its role", async () => {
    await open("teams");
    await fill("Name", "day shift");
    await page.click("text=Make the team");
    await page.waitForSelector('[aria-label="Team day shift"]');
    await fill("Another name", "night shift");
    await page.click("text=Rename");
    await page.waitForSelector('[aria-label="Team night shift"]');
    await fill("Add the user with the e-mail address", "nobody@example.com");
    await page.click('button:text-is("Add")');
    await page.waitForSelector('[aria-label="Team night shift"] [role=alert]');
    refused(404);
    await fill("Add the user with the e-mail address", "vi@example.com");
    await page.click('button:text-is("Add")');
    await page.waitForSelector(".people >> text=vi@example.com");
    await accessible("teams");
    await shots("teams");
    await open("members");
    await pick("Or a team", { label: "night shift" });
    await page.click("text=Give it");
    await row("member", "night shift").waitFor();
});

await step("retention: what would be dropped is counted before it is set", async () => {
    await open("retention");
    const section = page.locator("section[data-table=otel_logs_and_spans]");
    await section.locator("input").fill("7");
    await section.locator(`.dropped:has-text("${given.old} of")`).waitFor();
    const said = await section.locator(".dropped").innerText();
    const all = (await rows("SELECT count(*) FROM otel_logs_and_spans"))[0][0];
    check(said.startsWith(`${given.old} of ${all} rows are from before `) && said.includes("would be dropped"), `what goes is told: ${said}`);
    await accessible("what would be dropped");
    await shots("retention");
    await section.locator("input").fill("3d");
    await section.locator("text=A whole number of days").waitFor();
    check(await section.locator("button.primary, button.danger").first().isDisabled(), "what is no number cannot be set");
    await section.locator("input").fill("7");
    await section.locator("text=Set it, and drop them").click();
    await section.locator("text=Rows are kept 7 days.").waitFor();
    const metrics = page.locator("section[data-table=otel_metrics]");
    await metrics.locator("input").fill("3");
    await metrics.locator("text=Set it").click();
    await metrics.locator("button:text-is(\"As the server's setting\")").click();
    await metrics.locator("text=, as the server's setting says.").waitFor();
});

await step("redaction: tried with a rule that is not there yet, then it counts", async () => {
    await open("redaction");
    await fill("Name", "orders");
    await pick("Finds", "value");
    await fill("Expression", "ORD-([0-9]");
    await page.click("text=Add the rule");
    await wrong_at("Expression", /paren|missing|\)/i);
    refused(400);
    await fill("Expression", "ORD-[0-9]{4}");
    await pick("Does", "drop");
    await fill("A text, as the body of a log record", "order ORD-1234 came");
    await page.click("text=Try, with the rule above");
    await page.waitForSelector(".tried");
    check((await text(".tried")).startsWith("orders found 1") && (await text(".tried pre")).includes("order came"), `it is tried: ${await text(".tried")}`);
    await page.click("text=Cancel");
    await fill("Name", "chat");
    await pick("Finds", "element");
    await fill("Selector", "div > .chat");
    await page.click("text=Add the rule");
    await wrong_at("Selector", /simple selector/);
    refused(400);
    await fill("Selector", "div.chat");
    await page.click("text=Add the rule");
    await row("rule", "chat").waitFor();
    await fill("Name", "cards");
    await pick("Finds", "built_in");
    await pick("Which", "cards");
    await page.click("text=Add the rule");
    await row("rule", "cards").waitFor();
    await fill("A text, as the body of a log record", "paid with 4111 1111 1111 1111");
    await page.click('button:text-is("Try")');
    await page.waitForFunction(() => document.querySelector(".tried pre")?.textContent.includes("paid with [redacted]"));
    await accessible("rules");
    check((await page.inputValue("[aria-label='Who sees unmasked texts']")) === "viewer", "recordings are shown whole");
    await page.selectOption("[aria-label='Who sees unmasked texts']", "editor");
    await note("Texts of recordings: editors and above");
    await shots("redaction");
    await page.locator("[aria-label='Who sees unmasked texts']").scrollIntoViewIfNeeded();
    await shots("redaction-texts");
    await row("rule", "chat").locator("text=Delete").click();
    await row("rule", "chat").locator("text=Really delete").click();
    await row("rule", "chat").waitFor({ state: "detached" });
    await row("rule", "cards").locator('button:text-is("Off")').click();
    await note('"cards" is off');
    await row("rule", "cards").locator('button:text-is("On")').click();
    await note('"cards" is on');
    await row("rule", "cards").locator("text=Change").click();
    await page.waitForSelector("h2:has-text('Change cards')");
    await page.click("text=Keep the change");
    await page.waitForSelector("h2:has-text('A new rule')");
    await fill("Name", "mails");
    await pick("Which", "emails");
    await page.click("text=Add the rule");
    await row("rule", "mails").locator("text=Delete").click();
    await row("rule", "mails").locator("text=Really delete").click();
    await row("rule", "mails").waitFor({ state: "detached" });
    const key = (await page.evaluate(async ([project]) => {
        const me = await (await fetch("/api/v1/users/me")).json();
        return (await fetch(`/api/v1/projects/${project}/keys`, { method: "POST", headers: { "content-type": "application/json", "x-csrf-token": me.csrf_token }, body: JSON.stringify({ name: "for the rule", scopes: ["ingest"] }) })).json();
    }, [project])).secret;
    await page.waitForTimeout(1500); /* a rule counts within a second */
    check((await send(key, "paid with 4111 1111 1111 1111 at the till")) === 200, "a card number is sent");
    await wait_for("and never kept", async () => (await rows("SELECT count(*) FROM otel_logs_and_spans WHERE body::text LIKE '%paid with [redacted] at the till%'"))[0][0] === 1);
});

await step("limits: what is used, set in short, taken back", async () => {
    await wait_for("what was sent is counted", async () => {
        await open("limits");
        const used = (await row("limit", "events_per_month").locator("td >> nth=2").innerText()).replace(/\D/g, "");
        return Number(used) === given.all + 3 || used; /* hello, from the page, paid; whatever retention has dropped by now */
    });
    for (const [name, value] of [["requests_per_second", "2.5k"], ["events_per_month", "1M"], ["queries", "3"]]) {
        await row("limit", name).locator("input").fill(value);
        await row("limit", name).locator('button:text-is("Set")').click();
        await row("limit", name).locator('button:text-is("Default")').waitFor();
    }
    check(/2 500/.test(await row("limit", "requests_per_second").innerText()), "2.5k is 2 500");
    await row("limit", "bytes_per_day").locator("input").fill("many");
    await row("limit", "bytes_per_day").locator("text=a whole number").waitFor();
    await accessible("limits");
    await shots("limits");
    await row("limit", "queries").locator("text=Default").click();
    await row("limit", "queries").locator("text=the server's setting").waitFor();
});

await step("the language model: a wrong address is told at its field, none is none", async () => {
    await open("model");
    await pick("Model", "own");
    await fill("URL", "https://user@models.example/v1");
    await fill("Model's name", "small");
    await page.click('button:text-is("Keep")');
    await wrong_at("URL", /user/);
    refused(400);
    await accessible("a model of one's own");
    await shots("model");
    await pick("Model", "none");
    await page.click('button:text-is("Keep")');
    await page.waitForSelector("text=No model is asked.");
});

await step("share links: listed, opened, revoked", async () => {
    await open("links");
    await row("link", "the hour of the incident").waitFor();
    await accessible("links");
    await shots("links");
    await row("link", "the hour of the incident").locator("text=Revoke").click();
    await row("link", "the hour of the incident").locator("text=Really revoke").click();
    await page.waitForSelector("text=None is open.");
    const answer = await fetch(given.base + given.link, { redirect: "manual" });
    check(answer.status >= 400 || !/\/p\//.test(answer.headers.get("location") ?? ""), `it opens nothing: ${answer.status}`);
});

await step("the audit log: filtered by address, page by page", async () => {
    await open("audit", "?action=key.");
    await page.waitForSelector("text=key.create");
    const actions = await page.locator("[aria-label='Audit log'] td:nth-child(3)").allInnerTexts();
    check(actions.length >= 5 && actions.every(one => /^key\.(create|revoke)/.test(one)), `keys alone: ${actions}`);
    await page.locator(".filters select").first().selectOption("retention.");
    await page.waitForURL(/action=retention\./);
    await page.waitForSelector("text=retention.set");
    check((await text("[aria-label='Audit log']")).includes("days 7"), "with its details");
    await open("audit");
    await accessible("the audit log");
    await shots("audit");
    await page.locator("[aria-label='Audit log'] td:nth-child(2) button").first().click();
    await page.waitForURL(/actor=admin/);
    await page.fill("[placeholder='id or name']", "nothing of the kind");
    await page.keyboard.press("Enter");
    await page.waitForSelector("text=Nothing like that happened.");
});

await step("a project is deleted when its name is typed", async () => {
    await go("/p/doomed/settings/project");
    const button = page.locator("text=Delete the project");
    await button.waitFor();
    check(await button.isDisabled(), "not before");
    await field("To delete it, type its name: doomed").locator("input").fill("doome");
    check(await button.isDisabled(), "nor for a part of it");
    await field("To delete it, type its name: doomed").locator("input").fill("doomed");
    await shots("project-delete");
    await button.click();
    await page.waitForURL(/\/explore/);
    await page.waitForFunction(() => ![...document.querySelectorAll("#project option")].some(one => one.textContent === "doomed"));
});

async function as(email) {
    await page.goto("about:blank");
    await context.clearCookies();
    given.email = email;
    await sign_in(`/p/${project}/settings`);
}
/* What the pages offer somebody: the buttons and fields that change something, and the words where there is none. */
async function offered() {
    const all = {};
    for (const name of PAGES) {
        await open(name);
        all[name] = { buttons: await page.locator(".settings-page button:not([disabled])").allInnerTexts(), notes: await page.locator(".read-only").allInnerTexts() };
    }
    return all;
}

await step("a viewer reads, and is told who changes", async () => {
    await as("vi@example.com");
    const all = await offered();
    for (const name of PAGES) check(all[name].notes.some(one => one.startsWith("Your role here is viewer: ")), `${name} says why: ${all[name].notes}`);
    const buttons = PAGES.flatMap(name => all[name].buttons);
    check(buttons.length === 1 && buttons[0] === "Copy", `nothing that changes is offered: ${buttons}`);
    check(all.keys.notes[0].includes("admins of the project see this page"), all.keys.notes[0]);
    await accessible("what a viewer may not");
    await shots("viewer");
    check(told.length === 0, `and nothing was asked that is refused: ${told}`);
});

await step("an editor sees rules and links, an admin all but the end", async () => {
    await as("ed@example.com");
    const editor = await offered();
    check(editor.redaction.buttons.join() === "Try" && editor.redaction.notes.length === 1, `an editor tries rules: ${editor.redaction.buttons}`);
    check(editor.links.notes.length === 1 && editor.audit.notes[0].includes("admins"), "links are seen, the log is not");
    await as("ad@example.com");
    const admin = await offered();
    check(admin.project.notes.some(one => one.includes("owners of the project delete it")), `an admin does not delete: ${admin.project.notes}`);
    check(admin.limits.notes.length === 1 && admin.teams.notes.length === 1, "nor set limits or make teams");
    check(admin.keys.notes.length === 0 && admin.keys.buttons.some(one => one === "Revoke"), "but makes keys");
    await open("members");
    const roles = await row("member", "vi@example.com").locator("option").allInnerTexts();
    check(roles.join() === "viewer,editor,admin", `and gives at most the own role: ${roles}`);
    check(told.length === 0, `and nothing was asked that is refused: ${told}`);
});

await done();
