// Findings as people use them: tests/story_findings.py has the server and the fault, and runs this.
//     node findings.js '{"base": ..., "number": 1, "title": ..., "service": ..., "incident": 1}'      page.js says the rest
import { accessible, check, done, given, go, page, settled, shots, sign_in, step, text } from "./page.js";

await step("the list: what goes on, and a service alone; of another there is nothing", async () => {
    await sign_in("/p/default/incidents");
    await page.click(".alert-tabs >> text=Findings");
    await page.waitForURL(/\/findings/);
    await page.waitForSelector(`[data-number="${given.number}"]`);
    check((await text(`[data-number="${given.number}"]`)).includes(given.title), "its line says what");
    await accessible("findings");
    await shots("findings");
    await page.fill("[aria-label=Service]", "nobody");
    await page.press("[aria-label=Service]", "Enter");
    await page.waitForSelector("text=Nothing unusual goes on");
    await accessible("no findings");
    await go(`/p/default/findings?service=${given.service}&state=all`);
    await page.waitForSelector(`[data-number="${given.number}"]`);
});

await step("one: what was seen beside what was expected, and ways on", async () => {
    await page.click(`[data-number="${given.number}"] a`);
    await page.waitForSelector("[aria-label='What was seen'] canvas");
    await settled();
    check((await text("h1")).includes(given.title), "it says what");
    check((await text(".legend")).includes("expected"), "the legend has what was expected");
    check((await text(".cause[data-place=payments]")).includes("release 2.0"), "its likely cause, with the release");
    check((await text(".finding-account")).includes("release `2.0` of payments. (cause 1)"), "and in words, with what they stand on");
    await accessible("a finding");
    await shots("finding");
    await page.click(`text=Incident #${given.incident}`);
    await page.waitForURL(/\/incidents\/\d+/);
    await page.waitForSelector(`a:has-text("${given.title}")`);
    await page.waitForSelector(".cause[data-place=payments]");
    await accessible("an incident with causes");
    await shots("incident-causes");
    await page.click(`a:has-text("${given.title}")`);
    await page.waitForURL(new RegExp(`/findings/${given.number}`));
    await page.click(".cause[data-place=payments] >> text=What is different");
    await page.waitForSelector(".difference-list");
    await page.goBack();
    await page.click("text=Open as SQL");
    await page.waitForURL(/\/sql\?/);
    check(new URL(page.url()).searchParams.get("q").includes("resource___service___name"), "its statement is on the SQL page");
});

await done();
