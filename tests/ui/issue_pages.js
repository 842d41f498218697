// Issues of real errors: each one's page says what REST says, with the program's own frame first and its source where a map has it;
// the list has all of them. tests/issuepages.py runs it.
//     node issue_pages.js '{"base": ..., "name": "error-apps", "issues": [{"number": 1, "title": ...}]}'      page.js says what
import { check, done, given, go, page, settled, shots, sign_in, step, text } from "./page.js";

const LIST = "/p/default/issues?from=now-1h";

await step("signed in", async () => sign_in(LIST));

await step("the list has each of them", async () => {
    await settled();
    for (const issue of given.issues) {
        const line = page.locator(`a[href*="/issues/${issue.number}?"], a[href$="/issues/${issue.number}"]`).first();
        await line.waitFor();
    }
    const words = await page.locator("main").innerText();
    for (const issue of given.issues) check(words.includes(issue.title), `the list says ${issue.title}`);
    await shots(given.name);
});

for (const issue of given.issues) {
    await step(`#${issue.number} ${issue.service}: ${issue.title}`, async () => {
        await go(`/p/default/issues/${issue.number}?from=now-1h`);
        await page.waitForSelector("article.issue h1");
        await settled();
        check((await text("article.issue h1")) === issue.title, `its title: ${await text("article.issue h1")}`);
        const head = await text(".issue-culprit");
        check(head.includes(issue.service) && head.includes(issue.culprit) && head.includes(issue.category), `service, place and category: ${head}`);
        const all = await page.locator("article.issue").innerText();
        check(all.includes(issue.message), "its message");
        if (issue.category !== "network") check(all.includes(issue.frame), `the stack has ${issue.frame}`);
        if (issue.source) {
            const here = page.locator(".source-line.here").first();
            check((await here.innerText()).includes(issue.source), `its line is marked: ${await here.innerText()}`);
            const lines = await page.locator(".source").first().evaluate(pre => [...pre.querySelectorAll(".source-line")].map(line => line.getBoundingClientRect().top));
            check(lines.length >= 10 && lines.every((top, at) => at === 0 || top > lines[at - 1]), `the lines around it, one below the other: ${lines}`);
        }
    });
}

await step("a page fits every screen", async () => {
    await shots(`${given.name}-issue`);
});

await done();
