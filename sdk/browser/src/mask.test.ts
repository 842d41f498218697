import { beforeAll, expect, test } from "vitest";
import { Mask, stars, visible_scrub } from "./mask";

let mask: Mask;
beforeAll(() => {
  Object.assign(globalThis, { document: { baseURI: "https://shop.example/a", createDocumentFragment: () => ({ querySelector: () => null }) }, location: new URL("https://shop.example/a#b") });
  mask = new Mask({}, ["page"]);
});
const element = (localName: string, more: object = {}) => ({ localName, nodeType: 1, namespaceURI: "http://www.w3.org/1999/xhtml", getAttribute: () => null, hasAttribute: () => false, ...more }) as unknown as Element;

test("masked text keeps its shape", () => expect(stars("Ann's tea\n 42")).toBe("***** ***\n **"));

test("what may be seen has no numbers of cards and no tokens", () => {
  expect(visible_scrub("card 4111 1111 1111 1111, order 4111111111111112")).toBe("card **** **** **** ****, order 4111111111111112");
  expect(visible_scrub("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2ln ok")).toMatch(/^\*+ ok$/);
});

test("addresses and words in styles are scrubbed, what they point to within the page stays", () => {
  expect(mask.css('.a{background:url("https://x.example/p.png?token=abc") ; fill: url(#g); src: url(data:font/woff2;base64,AA)}')).toBe(
    '.a{background:url("https://x.example/p.png?token=REDACTED") ; fill: url(#g); src: url(data:font/woff2;base64,AA)}');
  expect(mask.css('.a::before{content: "Ann 42" counter(x) "\\f101"; --name: "Ann"; color: red}')).toBe('.a::before{content: "*** **" counter(x) "\\f101"; --name: "***"; color: red}');
});

test("addresses: pages lose what may be a secret, files of a build keep their names", () => {
  expect(mask.attribute(element("a"), "href", "https://shop.example/u/ann@mail.example?page=2&t=1#x", true)).toBe("https://shop.example/u/REDACTED?page=2&t=REDACTED");
  expect(mask.attribute(element("a"), "href", "mailto:ann@mail.example", true)).toBe("mailto:REDACTED");
  expect(mask.attribute(element("link"), "href", "https://cdn.example/assets/index-BxK9f3a2c8d1e4f5a6b7.css?v=1", true)).toBe("https://cdn.example/assets/index-BxK9f3a2c8d1e4f5a6b7.css?v=REDACTED");
  expect(mask.attribute(element("img"), "srcset", "/a.png?t=1 1x, /b.png 2x", true)).toBe("https://shop.example/a.png?t=REDACTED 1x, https://shop.example/b.png 2x");
  expect(mask.attribute(element("img"), "src", "data:image/png;base64,SECRET", true)).not.toContain("SECRET");
});

test("attributes: what makes the page's shape stays, what people read or programs hide goes", () => {
  for (const [name, value] of [["class", "card row-3"], ["data-state", "open"], ["aria-expanded", "true"], ["colspan", "2"]] as const) expect(mask.attribute(element("td"), name, value, true)).toBe(value);
  for (const name of ["title", "alt", "placeholder", "aria-label", "data-user", "x-anything"]) expect(mask.attribute(element("p"), name, "Ann Example", true)).toBe("*** *******");
  for (const name of ["onclick", "srcdoc", "nonce"]) expect(mask.attribute(element("p"), name, "x", true)).toBeUndefined();
  expect(mask.attribute(element("p"), "data-pin", "1234", true)).toBe("****");
  expect(mask.attribute(element("meta", { getAttribute: () => "csrf-token" }), "content", "abc", true)).toBeUndefined();
  expect(mask.attribute(element("p"), "class", "user-ann@mail.example", false)).not.toContain("ann");
});

test("a wrong selector is told: whoever wanted something hidden must hear of it", () => {
  Object.assign(globalThis.document, { createDocumentFragment: () => ({ querySelector: (text: string) => { if (text.includes("[[")) throw new SyntaxError("no"); } }) });
  expect(() => new Mask({ block: ["[["] }, [])).toThrow();
});
