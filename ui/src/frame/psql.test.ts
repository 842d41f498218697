import { describe, expect, it } from "vitest";
import { psql_command } from "./psql";

describe("a statement in a shell", () => {
  it("is one word, and says what it said", () => {
    expect(psql_command("SELECT 'a  b'\nFROM c", "shop", "h")).toBe(`psql "host=h port=5432 user=shop dbname=shop" -c 'SELECT '\\''a  b'\\''\nFROM c'`);
  });
});
