import { describe, expect, it } from "vitest";
import { givable, may, may_change_member, rank, who_may } from "./access";

describe("a role", () => {
  it("may what the roles below it may, and no more", () => {
    expect(may("viewer", "KEY_READ")).toBe(false);
    expect(may("editor", "REDACTION_READ")).toBe(true);
    expect(may("editor", "REDACTION_WRITE")).toBe(false);
    expect(may("admin", "PROJECT_DELETE")).toBe(false);
    expect(may("owner", "PROJECT_DELETE")).toBe(true);
    expect(may("owner", "LIMIT_WRITE")).toBe(false);
    expect(may("instance admin", "LIMIT_WRITE")).toBe(true);
  });
  it("that nobody knows may nothing", () => {
    expect(rank("emperor")).toBe(0);
    expect(may("emperor", "PROJECT_READ")).toBe(false);
  });
  it("gives at most itself, and changes nobody above it", () => {
    expect(givable("admin")).toEqual(["viewer", "editor", "admin"]);
    expect(givable("editor")).toEqual(["viewer", "editor"]);
    expect(givable("instance admin")).toContain("owner");
    expect(may_change_member("admin", "owner")).toBe(false);
    expect(may_change_member("admin", "admin")).toBe(true);
    expect(may_change_member("editor", "viewer")).toBe(false);
  });
  it("has words for who may", () => {
    expect(who_may("KEY_WRITE")).toBe("admins of the project");
    expect(who_may("TEAM_MANAGE")).toBe("instance admins of this server");
  });
});
