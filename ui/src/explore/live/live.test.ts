import { describe, expect, it } from "vitest";
import { EventReader } from "./events";
import { LIVE_ROWS_MAX, LiveList, type TailRow } from "./list";

function sent(from: number, count: number): TailRow[] {
  return Array.from({ length: count }, (_, n) => ({ id: `r${from + n}`, timestamp: "2026-11-27T02:00:00.000000Z", kind: "log", level: "INFO", service: "cart", name: null, body: `row ${from + n}` }));
}

describe("events", () => {
  it("come out whole, however they are cut", () => {
    const text = 'retry: 1000\nevent: start\nid: a.0\ndata: {"tail":"a"}\n\n: quiet\n\nevent: rows\ndata: {"rows":[]}\nid: a.7\n\n';
    for (let cut = 0; cut <= text.length; cut++) {
      const reader = new EventReader();
      const events = [...reader.add(text.slice(0, cut)), ...reader.add(text.slice(cut))];
      expect(events).toEqual([
        { name: "start", id: "a.0", data: '{"tail":"a"}' },
        { name: "rows", id: "a.7", data: '{"rows":[]}' },
      ]);
    }
  });
});

describe("the list", () => {
  it("has the newest first, each once", () => {
    const list = new LiveList();
    list.add(sent(0, 3), false);
    list.add(sent(2, 2), false);
    expect(list.rows.map((row) => row.text)).toEqual(["row 3", "row 2", "row 1", "row 0"]);
    expect(list.shown).toBe(4);
  });
  it("keeps some thousands, and counts all that it has shown", () => {
    const list = new LiveList();
    list.add(sent(0, LIVE_ROWS_MAX + 10), false);
    expect(list.rows.length).toBe(LIVE_ROWS_MAX);
    expect(list.shown).toBe(LIVE_ROWS_MAX + 10);
    expect(list.not_shown).toBe(0);
  });
  it("pauses, and tells what did not fit meanwhile", () => {
    const list = new LiveList();
    list.add(sent(0, 5), false);
    list.add(sent(5, LIVE_ROWS_MAX + 7), true);
    expect([list.rows.length, list.pending.length, list.discarded]).toEqual([5, LIVE_ROWS_MAX, 7]);
    list.resume();
    expect(list.rows[0]?.text).toBe(`row ${LIVE_ROWS_MAX + 11}`);
    expect(list.shown + list.not_shown).toBe(5 + LIVE_ROWS_MAX + 7);
  });
  it("goes on below with what was there before, without what came twice", () => {
    const list = new LiveList();
    list.add(sent(3, 2), false);
    const older = new LiveList();
    older.add(sent(0, 4), false);
    expect(list.with_older(older.rows).map((row) => row.id)).toEqual(["r4", "r3", "r2", "r1", "r0"]);
  });
});
