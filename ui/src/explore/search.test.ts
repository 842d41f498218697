import { expect, it } from "vitest";
import { split_terms, term, with_term } from "./search";

it("quotes where it must", () => {
  expect(term("service", "checkout")).toBe("service:checkout");
  expect(term("name", "GET /cart")).toBe('name:"GET /cart"');
  expect(term("name", 'say "hi"', true)).toBe('-name:"say \\"hi\\""');
  expect(term("x", "OR")).toBe('x:"OR"');
  expect(term("x", "")).toBe('x:""');
});
it("adds, takes away and turns round", () => {
  expect(with_term("", "level", "ERROR")).toBe("level:ERROR");
  expect(with_term("a level:ERROR", "level", "ERROR")).toBe("a");
  expect(with_term("a level:ERROR b", "level", "ERROR", true)).toBe("a b -level:ERROR");
});
it("keeps quotes and brackets together", () => {
  expect(split_terms('a "b c" (d OR e f) -g:"h \\" i"')).toEqual(["a", '"b c"', "(d OR e f)", '-g:"h \\" i"']);
});
