//== lib/queue.js
const { EventEmitter } = require("events");
const { number, word, ident } = require("../report");
⟦+⟧

class QueueFull extends Error {
    get name() { return "QueueFull"; }
}

class Queue extends EventEmitter {
    constructor(limit) {
        super();
        this.limit = limit;
        this.jobs = [];
    }
⟦+⟧
    push(job) {
        if (this.jobs.length >= this.limit) throw new QueueFull(`queue holds ${this.jobs.length} jobs, the limit is ${this.limit}: ${job}`);
        this.jobs.push(job);
    }

    ⟦as=|async ⟧drain(worker) {
        for (const job of this.jobs) ⟦as=|await ⟧worker(job);
    }
}
⟦+⟧

function ⟦due=dueAt|nextRun|dueAt⟧(job) {
    return job.schedule.at.getTime();
}

module.exports = { Queue, QueueFull, ⟦due=dueAt|nextRun|dueAt⟧ };
//== lib/template.js
const { number, word, ident } = require("../report");
⟦+⟧

function lookup(values, path) {
    return path.split(".").reduce((⟦acc=at|o|node⟧, ⟦acc=name|k|key⟧) => ⟦acc=at|o|node⟧[⟦acc=name|k|key⟧], values);
}

function render(template, values) {
    return template.replace(/\{(.*?)\}/g, (_, ⟦acc=name|k|key⟧) => lookup(values, ⟦acc=name|k|key⟧));
}
⟦+⟧

function compile(source) {
    return new Function("values", source);
}

function attach(message, file) {
    message.attachments.push(file);
}

function decodeAddress(text) {
    return decodeURIComponent(text);
}

function repeat(line, count) {
    return line.repeat(count);
}

function nest(part) {
    return { ...part, inner: nest(part) };
}

module.exports = { render, compile, attach, decodeAddress, repeat, nest };
//== lib/send.js
const { Queue, ⟦due=dueAt|nextRun|dueAt⟧ } = require("./queue");
const template = require("./template");
const { number, word, ident } = require("../report");
⟦+⟧

function enqueue(count) {
    const queue = new Queue(number(2, 9));
    for (let i = 0; i < 20; i++) ⟦q=queue.push(ident())|put(queue)|queue.push(ident())⟧;
}

function put(queue) {
    queue.push(ident());
}

⟦as=|async ⟧function campaign() {
    const queue = new Queue(3);
    put(queue);
    ⟦as=|await ⟧queue.drain((job) => enqueue(job));
}
⟦+⟧

function welcome() {
    return template.render("Hello {user.name.first}", { user: {} });
}

⟦as=|async ⟧function digest() {
    return ["a"].map((⟦u=u|user|one⟧) => template.render("News for {user.name.first}", { user: {} }));
}

function schedule() {
    return [{}].map(⟦due=dueAt|nextRun|dueAt⟧);
}

function preview() {
    return template.compile("return values." + "}");
}
⟦+⟧

function invoice() {
    template.attach({}, word());
}

function bounce() {
    template.decodeAddress("%E0%A4%" + word());
}

function banner() {
    template.repeat("-", -number());
}

function forward() {
    ⟦f=template.nest({})|mime()|template.nest({})⟧;
}

function mime() {
    return template.nest({ id: 1 });
}

module.exports = { enqueue, campaign, welcome, digest, schedule, preview, invoice, bounce, banner, forward };
//== run.js
const send = require("./lib/send");
const { report } = require("./report");
const later = (call) => new Promise((resolve, reject) => setTimeout(() => { try { resolve(call()); } catch (error) { reject(error); } }, 1));
const start = (call) => ⟦start=call()|later(call)|Promise.resolve().then(call)⟧;
(async () => {
    await report("queue-full", () => start(⟦send.enqueue|send.campaign|send.campaign⟧));
    await report("name-missing", () => start(⟦send.welcome|send.digest|send.digest⟧));
    await report("job-unscheduled", () => start(send.schedule));
    await report("template-syntax", () => start(send.preview));
    await report("message-without-attachments", () => start(send.invoice));
    await report("address-malformed", () => start(send.bounce));
    await report("negative-repeat", () => start(send.banner));
    await report("mime-nests-forever", () => start(send.forward));
})();
