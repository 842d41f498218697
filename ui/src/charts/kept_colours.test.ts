import { expect, it } from "vitest";
import { places_of } from "./colours";
import { kept_of, text_of } from "./kept_colours";

it("what is kept is what is read, the newest five hundred", () => {
  const places = new Map([["web", 3], ["</script>", 0], ["", 6]]);
  expect(kept_of(text_of(places), 7)).toEqual(places);
  const many = new Map(Array.from({ length: 700 }, (_, at) => [`s${at}`, at % 7]));
  const kept = kept_of(text_of(many), 7);
  expect([kept.size, kept.has("s199"), kept.get("s200"), kept.get("s699")]).toEqual([500, false, 200 % 7, 699 % 7]);
});
it("what is damaged or of other colours is left out", () => {
  for (const text of [null, "", "{", "7", '{"web":1}', '[["web",7],["mail",-1],["cart",0.5],[1,1],["x"],null]']) expect(kept_of(text, 7).size).toBe(0);
});
it("another order of charts gives the same colours once they are kept", () => {
  const many = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
  const known = new Map<string, number>();
  places_of(many, known);
  const few = places_of(["j", "i", "h"], known);
  const loaded = kept_of(text_of(known), 7);
  expect(places_of(["j", "i", "h"], loaded)).toEqual(few);
});
