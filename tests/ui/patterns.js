// Log patterns in the explorer: the list as the API counts it, what is new and changed, rows of one, others without it. tests/story_log_patterns.py
// runs it.     node patterns.js '{"base": ..., ...}'      page.js says what
import { accessible, check, done, given, go, number_of, page, rows_are, settled, shots, sign_in, step, text } from "./page.js";

const LIST = "/p/default/explore?viz=patterns&from=now-2h";
const texts = () => page.locator(".pattern-text").allInnerTexts();
const listed = async () => { await settled(); await page.waitForSelector(".pattern"); };
const line = words => page.locator(".pattern", { hasText: words }).first();

await step("signed in", async () => sign_in(LIST));

await step("the list is what is counted", async () => {
    await listed();
    const shown = await page.evaluate(() => [...document.querySelectorAll(".pattern")].map(one => [
        one.querySelector(".pattern-text").textContent, one.querySelector(".pattern-count").title]));
    check(shown.length === given.patterns.length, `${shown.length} patterns, wanted ${given.patterns.length}`);
    for (const [at, pattern] of given.patterns.entries()) {
        check(shown[at][0] === pattern.text, `pattern ${at} is ${shown[at][0]}, wanted ${pattern.text}`);
        check(number_of(shown[at][1].split(",")[0]) === pattern.count, `${pattern.text}: ${shown[at][1]}, wanted ${pattern.count}`);
    }
    check((await text(".patterns-bar [role=status]")).startsWith(`${given.patterns.length} patterns of`), "and how many there are");
    check(await page.locator(".pattern-text i").count() > given.patterns.length, "what varies is marked");
    check(await page.locator(".pattern .trend path").count() === given.patterns.length, "each has its trend");
});

await step("it fits every screen, and everyone can use it", async () => {
    await accessible("the list of patterns");
    await shots("patterns");
});

await step("what is new and what has changed stands first when asked", async () => {
    await go(LIST.replace("now-2h", "now-1h"));
    await listed();
    await page.click("text=what changed");
    await page.waitForURL(/order=change/);
    await page.waitForFunction(() => document.querySelector(".pattern")?.dataset.change === "new");
    const marks = await page.locator(".pattern[data-change=new] .pattern-facts").allInnerTexts();
    check(marks.every(one => one.includes("new in this range")), `new ones say so: ${marks}`);
    check((await line("is done").innerText()).includes("times as many"), "more of them");
    check((await line("has begun").innerText()).includes("gone: 50 before"), "one that has ended");
    await shots("patterns-changed");
});

await step("a pattern's rows, by keys", async () => {
    await go(LIST);
    await listed();
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    const id = await page.evaluate(() => document.activeElement.dataset.pattern);
    check(id === given.patterns[1].id, "the second has the focus");
    await page.keyboard.press("o");
    await page.waitForSelector(".row-line");
    check(page.url().includes(`pattern:${id}`) && !page.url().includes("viz="), `its rows are asked for: ${page.url()}`);
    await rows_are(given.patterns[1].count);
});

await step("the others without it; the same in SQL", async () => {
    await go(LIST);
    await listed();
    await page.keyboard.press("j");
    await page.keyboard.press("x");
    await page.waitForURL(/-pattern:/);
    await page.waitForFunction(wanted => document.querySelectorAll(".pattern").length === wanted, given.patterns.length - 1);
    check(!(await texts()).includes(given.patterns[0].text), "it is gone from the list");
    await go(`${LIST}&sql=1&q=${encodeURIComponent("level = 'ERROR'")}`);
    await listed();
    await page.keyboard.press("j");
    await page.keyboard.press("f");
    await page.waitForURL(/ARRAY/);
    await page.waitForFunction(() => document.querySelectorAll(".pattern").length === 1);
});

await step("found by its text, opened; hostile text is text", async () => {
    await go(LIST);
    await listed();
    await page.fill("[aria-label='Find in patterns']", "onerror");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.querySelectorAll(".pattern").length === 1);
    await page.click(".pattern-main");
    await page.waitForSelector(".pattern-detail pre");
    check((await text(".pattern-detail pre")).includes("<img src=x onerror=alert(1)>"), "the sample is as it was sent");
    check(await page.locator(".patterns img, .patterns script").count() === 0, "nothing of it became an element");
    await accessible("an open pattern");
    await shots("pattern-open");
    await page.fill("[aria-label='Find in patterns']", "nowhere to be found");
    await page.keyboard.press("Enter");
    await page.waitForSelector("text=No pattern has this text.");
    await shots("patterns-none");
});

await done();
