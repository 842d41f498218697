// Places of a bundle as two other readers of source maps see them: NAME.map -> NAME.places, for map_test.c.
//   node generate.js COUNT bundle.js.map ...      with source-map-js and @jridgewell/trace-mapping beside or above
// A line a place: line and column of the bundle (from 0), then source (its index), line (from 0), column and name, or "-".
// Half of the places are those of mappings, half of them random; the two readers must agree on each.
const fs = require("fs");
const path = require("path");
const from = { paths: [process.cwd(), __dirname] };
const { SourceMapConsumer } = require(require.resolve("source-map-js", from));
const { AnyMap, originalPositionFor, decodedMappings, GREATEST_LOWER_BOUND } = require(require.resolve("@jridgewell/trace-mapping", from));

let seed = 12345;
const random = (below) => (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) % Math.max(1, below);

for (const file of process.argv.slice(3)) {
  const text = fs.readFileSync(file, "utf8").replace(/^\)\]\}[^\n]*\n/, "");
  const json = JSON.parse(text);
  const other = new SourceMapConsumer(json);
  const map = AnyMap(json);
  const lines = decodedMappings(map);
  const filled = lines.map((segments, line) => [line, segments]).filter(([, segments]) => segments.length > 0);
  const out = [];
  let differ = 0;
  for (let i = 0; i < +process.argv[2]; i++) {
    let line, column;
    if (i % 2 === 0 && filled.length > 0) {
      const [at, segments] = filled[random(filled.length)];
      line = at;
      column = segments[random(segments.length)][0];
    } else {
      line = random(lines.length + 2);
      const segments = lines[line] || [];
      column = random((segments.length > 0 ? segments[segments.length - 1][0] : 10) + 50);
    }
    const mine = originalPositionFor(map, { line: line + 1, column, bias: GREATEST_LOWER_BOUND });
    const theirs = other.originalPositionFor({ line: line + 1, column });
    if (mine.line !== theirs.line || mine.column !== theirs.column || mine.name !== theirs.name) differ++;
    const source = mine.source === null ? "-" : map.resolvedSources.indexOf(mine.source);
    out.push(mine.source === null ? `${line} ${column} -` : `${line} ${column} ${source} ${mine.line - 1} ${mine.column} ${mine.name === null ? "-" : mine.name}`);
  }
  fs.writeFileSync(file.replace(/\.map$/, "") + ".places", out.join("\n") + "\n");
  console.log(`${path.basename(file)}: ${out.length} places, the two readers differ at ${differ}`);
}
