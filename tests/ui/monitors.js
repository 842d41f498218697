// Monitors as a person uses them: tests/story_ui_monitors.py starts the server, sends to it and runs this.
//     node monitors.js '{"base": ..., "email": ...}'      page.js says the rest
import { accessible, check, done, go, page, settled, shots, sign_in, step, text } from "./page.js";

await step("no monitor yet: a ready one in one click", async () => {
    await sign_in("/p/default/monitors");
    await page.waitForSelector(".monitor-ready li");
    await settled();
    await accessible("no monitors");
    await shots("monitors-none");
    await page.getByRole("button", { name: "Add Error bursts" }).click();
    await page.waitForSelector('[data-slug="error-bursts"]');
});

await step("the form shows what it would have told", async () => {
    await go("/p/default/monitors/new?search=" + encodeURIComponent("q=kind:server&by=service.name"));
    await page.waitForSelector(".monitor-form");
    await page.getByLabel("Title").fill("Many requests");
    await page.getByLabel("Alert", { exact: true }).fill("30");
    await page.getByLabel("Warning").fill("20");
    await page.waitForFunction(() => /of 1 alert and 1 warning/.test(document.querySelector(".monitor-dry")?.textContent ?? ""));
    await settled();
    await accessible("the form");
    await shots("monitors-form", true);
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.waitForURL(/monitors\/many-requests$/);
});

await step("one of them: groups, chart, mute", async () => {
    await page.waitForSelector(".monitor-dry canvas");
    await page.getByRole("button", { name: "Mute 1 h" }).click();
    await page.waitForSelector("text=Muted until");
    await settled();
    await accessible("a monitor");
    await shots("monitors-one", true);
    await page.getByRole("button", { name: "Unmute" }).click();
    await page.waitForSelector("text=Mute 24 h");
});

await step("the list", async () => {
    await go("/p/default/monitors?find=requests");
    await page.waitForSelector('[data-slug="many-requests"]');
    check((await page.locator("[data-slug]").count()) === 1, "it finds by words");
    check((await text("h1")) === "Monitors", "and says what it is");
    await go("/p/default/monitors");
    await page.waitForSelector('[data-slug="many-requests"]');
    await settled();
    await accessible("the list");
    await shots("monitors-list");
});

await done();
