// Saved views, links for people without an account, the environment switch. tests/story_views.py runs it.
//     node views.js '{"base": ..., "from": ..., "to": ..., "trace": ..., "hidden": ...}'      page.js says what
import { accessible, check, context, done, given, go, page, rows_are, settled, shots, sign_in, step, text, told } from "./page.js";

const here = name => new URL(page.url()).searchParams.get(name);
const time = `from=${given.from}&to=${given.to}`;
async function act(words) {
    await page.click(".acts > button");
    await page.click(`[role=menuitem]:has-text("${words}")`);
}
async function asked_by(browser_page, path) { await browser_page.goto(given.base + path); }

await step("signed in", async () => sign_in("/p/default/explore?from=now-1h&q=service:payments"));

await step("a view is saved, and its name stands in the bar", async () => {
    await settled();
    await act("Save view");
    await page.waitForSelector("dialog input");
    await page.fill("dialog input", "Payments <b>lately</b>");
    await accessible("the dialog to save a view");
    await page.screenshot({ path: `${given.shots}/save.png` });
    await page.press("dialog input", "Enter");
    await page.waitForSelector(".saved-name");
    check((await text(".saved-name")) === "Payments <b>lately</b>", "its name is text");
    check(here("view") && here("q") === "service:payments", "it is in the address");
    check((await page.locator(".saved-changed").count()) === 0, "nothing has changed yet");
});

await step("it says when it is changed, and is saved again", async () => {
    await go(`/p/default/explore?from=now-1h&q=service:orders&view=${here("view")}`);
    await page.waitForSelector(".saved-changed");
    await page.click(".saved >> text=Save again");
    await page.waitForFunction(() => !document.querySelector(".saved-changed"));
    await page.reload();
    await page.waitForSelector(".saved-name");
    check((await page.locator(".saved-changed").count()) === 0 && here("q") === "service:orders", "as it was saved");
    await shots("view");
    await accessible("a saved view");
});

await step("the palette and the bar open it", async () => {
    await go("/p/default/sql");
    await page.waitForSelector("text=Views");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Control+k");
    await page.fill(".palette-field", "Payments");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".saved-name");
    check(here("q") === "service:orders", "opened from the palette");
    await page.click('[aria-label^="Leave the saved view"]');
    await page.waitForFunction(() => !document.querySelector(".saved-name"));
    await page.click('button[aria-label="Saved views"]');
    await page.click('[role=menuitem]:has-text("Payments")');
    await page.waitForSelector(".saved-name");
});

await step("it is renamed and deleted", async () => {
    await page.click('button[aria-label="Saved views"]');
    await page.click('[role=menuitem]:has-text("All saved views")');
    await page.click("text=Rename");
    await page.fill('[aria-label^="New name"]', "Orders");
    await page.press('[aria-label^="New name"]', "Enter");
    await page.waitForSelector('.saved-list >> text="Orders"');
    await accessible("the list of saved views");
    await page.screenshot({ path: `${given.shots}/views.png` });
    await page.click('[aria-label="Delete Orders"]');
    await page.click("text=Really delete");
    await page.waitForSelector("text=None yet");
    await page.click("dialog >> text=Close");
    check(here("view") === null, "and the address knows it no more");
});

await step("the environment is chosen, and every count is of it", async () => {
    await go(`/p/default/explore?${time}`);
    await rows_are(22);
    await page.selectOption("#environment", "prod");
    await rows_are(11);
    check(here("env") === "prod", "it is in the address");
    await page.reload();
    await rows_are(11);
    await go(`/p/default/explore?${time}&env=test&viz=top&by=service.name`);
    await rows_are(11);
    await page.click('a.nav-link:has-text("SQL")');
    check(here("env") === "test", "it goes along");
    await shots("environment");
    await accessible("an environment");
});

await step("a trace is shown whole, and says what else is in it", async () => {
    await go(`/p/default/trace/${given.trace}?env=prod`);
    await page.waitForSelector(".warning:has-text('it also has spans of test')");
    await go(`/p/default/trace/${given.trace}`);
    await page.waitForSelector("text=2 spans");
    check((await page.locator(".warning:has-text('also has')").count()) === 0, "nothing to say without one");
});

let link = "";
await step("a link is made", async () => {
    await go(`/p/default/explore?${time}&q=service:payments`);
    await rows_are(20);
    await page.keyboard.press("a");
    await page.keyboard.press("l");
    await page.click("text=Make the link");
    link = await page.inputValue(".share-link");
    check(/\/s\/mol_[\w-]{43}$/.test(link), `it is shown: ${link}`);
    check((await page.evaluate(() => navigator.clipboard.readText())) === link, "and copied");
    await page.waitForSelector(".saved-list li");
    await shots("share");
    await accessible("the dialog of links");
    await page.click("dialog >> text=Close");
});

const guest_context = await context.browser().newContext({ viewport: { width: 1280, height: 800 } });
const guest = await guest_context.newPage();
guest.setDefaultTimeout(30000);
guest.on("pageerror", error => told.push(`page error: ${error}`));
const guest_rows = count => guest.waitForFunction(wanted => document.querySelector(".explore-acts b")?.textContent?.replace(/[^0-9]/g, "") === String(wanted), count);

await step("who has it needs no account, and sees what was shared", async () => {
    await guest.goto(link);
    await guest_rows(20);
    check(new URL(guest.url()).pathname === "/p/default/explore" && new URL(guest.url()).searchParams.get("q") === "service:payments", `the view: ${guest.url()}`);
    check((await guest.innerText(".guest")).includes("admin@localhost") && (await guest.innerText(".guest")).includes("read-only"), "the banner says by whom");
    const cookies = await guest_context.cookies();
    check(cookies.length === 1 && cookies[0].httpOnly && cookies[0].sameSite === "Lax", "one cookie that scripts do not see");
    await guest.click(".acts > button");
    const entries = await guest.locator("[role=menuitem]").allInnerTexts();
    check(entries.some(one => one.includes("Open as SQL")) && !entries.some(one => /Share|Save/.test(one)), `it may read, not share or save: ${entries}`);
    await guest.keyboard.press("Escape");
    check((await guest.locator("#project[disabled]").count()) === 1 && (await guest.locator("text=Live").count()) === 0 && (await guest.locator('a[href="/account"]').count()) === 0, "what cannot be done is not there");
    for (const [size, width, height] of [["phone", 390, 844], ["laptop", 1280, 800], ["wide", 1920, 1080]]) {
        await guest.setViewportSize({ width, height });
        await guest.waitForTimeout(200);
        const wanted = await guest.evaluate(() => document.documentElement.scrollWidth);
        check(wanted <= width, `a link's page fits a ${size}: it wants ${wanted} of ${width}`);
        await guest.screenshot({ path: `${given.shots}/guest-${size}.png` });
    }
    await guest.setViewportSize({ width: 1280, height: 800 });
    await accessible("what a link shows", guest);
});

await step("its time and its project are all there is", async () => {
    await asked_by(guest, "/p/default/explore?from=now-7d");
    await guest_rows(22);
    check(!(await guest.content()).includes(given.hidden), "no row of another time");
    await guest.click("[data-keys=t]");
    check((await guest.locator(".time-presets button").count()) === 1, "no presets beyond it");
    await guest.keyboard.press("Escape");
    await asked_by(guest, "/p/default/explore?from=now-7d&q=" + given.hidden);
    await guest_rows(0);
    await guest.selectOption("#environment", "prod");
    await asked_by(guest, "/p/default/explore?env=prod");
    await guest_rows(11);
    await asked_by(guest, `/p/default/trace/${given.trace}`);
    await guest.waitForSelector("text=2 spans");
    await asked_by(guest, "/p/other/explore");
    await guest.waitForSelector("text=there is no project");
});

await step("revoked, it opens nothing", async () => {
    await go(`/p/default/explore?${time}`);
    await rows_are(22);
    await act("Share");
    await page.click(".saved-list li:has-text('Logs and spans') button");
    await page.waitForSelector("text=The link is revoked");
    await asked_by(guest, "/p/default/explore");
    await guest.waitForSelector("text=This link has ended");
    await guest.screenshot({ path: `${given.shots}/guest-ended.png` });
    const answer = await guest.goto(link);
    check(answer.status() === 404 && (await guest.innerText("h1")) === "This link has ended", "nor does its address");
    await guest_context.close();
});

await done();
