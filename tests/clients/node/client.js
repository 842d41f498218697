// What node-postgres does with a server: node client.js ROWS. The server is that of PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE
// and PGSSLROOTCERT, over TLS. Values of every type go there and come back, in text and in binary; rows are read while they come;
// a statement is cancelled; the tables are found. Ends with one line of JSON, or with an error.
'use strict'
const assert = require('node:assert')
const fs = require('node:fs')
const net = require('node:net')
const { Client, types } = require('pg')
const Cursor = require('pg-cursor')

const rows = Number(process.argv[2])
const moment = new Date(Date.UTC(2026, 1, 28, 23, 59, 59, 123))
let checks = 0
function check(condition, words) {
  checks++
  assert.ok(condition, words)
}
function same(given, got, words) {
  checks++
  assert.deepStrictEqual(got, given, words)
}

// Type, what goes, and what comes: numbers that JavaScript has not are text.
const values = [
  ['bool', true, true], ['bool', false, false], ['int2', -32768, -32768], ['int4', -2147483648, -2147483648],
  ['int8', '-9223372036854775808', '-9223372036854775808'], ['float4', 0.5, 0.5], ['float8', -1e300, -1e300],
  ['text', '', ''], ['text', 'it\'s \\ "x" ä€😀', 'it\'s \\ "x" ä€😀'], ['varchar', 'v', 'v'],
  ['bytea', Buffer.from([0, 255, 39, 92]), Buffer.from([0, 255, 39, 92])],
  ['uuid', '12345678-1234-5678-1234-567812345678', '12345678-1234-5678-1234-567812345678'],
  ['timestamptz', moment, moment], ['jsonb', { a: [1, null, 'x'] }, { a: [1, null, 'x'] }],
  ['int4[]', [1, null, 3], [1, null, 3]], ['int4[]', [], []], ['text[]', ['a', '', 'q"\\,{}', null], ['a', '', 'q"\\,{}', null]],
  ['float8[]', [0.25, -1.5], [0.25, -1.5]], ['bool[]', [true, false], [true, false]]
]
const textOnly = [
  ['numeric', '-1234567.25', (got) => Number(got) === -1234567.25], ['date', '2026-02-28', (got) => got.getDate() === 28],
  ['time', '01:02:03.000004', (got) => got === '01:02:03.000004'], ['timestamp', '2026-02-28 23:59:59.123', (got) => got instanceof Date],
  ['interval', '1 year 3 days 00:00:04', (got) => got.years === 1 && got.days === 3 && got.seconds === 4]
]

function connect() {
  const client = new Client({ ssl: { ca: fs.readFileSync(process.env.PGSSLROOTCERT), servername: 'localhost' } })
  return client.connect().then(() => client)
}

async function roundTrips(client) {
  for (const [type, given, wanted] of values) {
    const text = 'SELECT $1::' + type + ' AS v'
    same(wanted, (await client.query(text, [given])).rows[0].v, type)
    same(wanted, (await client.query({ name: 'a ' + type, text, values: [given] })).rows[0].v, type + ' prepared')
    same(null, (await client.query(text, [null])).rows[0].v, type + ' NULL')
    // The driver reads only these in binary, and of numbers not the large ones.
    if (!(given < -1e6) && given !== -32768 && ['bool', 'int2', 'int4', 'float4', 'float8', 'text', 'varchar'].includes(type))
      same(wanted, (await client.query({ text, values: [given], binary: true })).rows[0].v, type + ' in binary')
  }
  for (const [type, given, isRight] of textOnly) {
    const got = (await client.query('SELECT $1::' + type + ' AS v', [given])).rows[0].v
    check(isRight(got), `${type}: ${given} came back as ${got}`)
  }
  const all = await client.query('SELECT * FROM otel_logs_and_spans ORDER BY timestamp LIMIT 1')
  check(all.rows.length === 1 && all.fields.length > 80 && all.rows[0].timestamp instanceof Date, 'a whole row')
}

async function stream(client) {
  const cursor = client.query(new Cursor("SELECT n, repeat('x', 200) || n AS word FROM generate_series(1, $1::int) AS n", [rows]))
  let seen = 0
  let before = 0
  for (let got = await cursor.read(2000); got.length > 0; got = await cursor.read(2000)) {
    for (const row of got) {
      seen++
      if (seen % 9973 === 1) check(Number(row.n) === seen && row.word.endsWith('x' + seen), `row ${seen} is ${JSON.stringify(row)}`)
    }
    if (before === 0 && seen >= rows / 20) before = process.memoryUsage().external + process.memoryUsage().heapUsed
  }
  await cursor.close()
  check(seen === rows, `${seen} of ${rows} rows came`)
  const grown = Math.round((process.memoryUsage().external + process.memoryUsage().heapUsed - before) / 1024)
  check(grown < 64 * 1024, `${rows} rows grow the client by ${grown} KiB`)
  return grown
}

// Its own cancel() does not speak TLS; the request is sixteen bytes.
function cancelRequest(client) {
  const request = Buffer.alloc(16)
  request.writeInt32BE(16, 0)
  request.writeInt32BE(80877102, 4)
  request.writeInt32BE(client.processID, 8)
  request.writeInt32BE(client.secretKey, 12)
  return new Promise((resolve) => {
    const socket = net.connect(client.port, client.host, () => socket.end(request))
    socket.on('close', () => setTimeout(resolve, 50))
    socket.on('error', resolve)
    socket.resume()
  })
}

async function cancelled(client) {
  let outcome
  const ended = client.query('SELECT sum(a::bigint * b) FROM generate_series(1, 1000000) AS a, generate_series(1, 1000000) AS b').then(
    () => { outcome = 'rows' }, (error) => { outcome = error.code })
  while (!outcome) await cancelRequest(client)
  await ended
  check(outcome === '57014', `cancelled: ${outcome}`)
  same(1, (await client.query('SELECT 1 AS one')).rows[0].one, 'the connection goes on')
}

async function main() {
  const client = await connect()
  await roundTrips(client)
  const grown = await stream(client)
  await cancelled(client)
  const tables = await client.query({
    text: 'SELECT table_name FROM information_schema.tables WHERE table_schema = ANY($1) ORDER BY 1', values: [['public']], rowMode: 'array'
  })
  same(['otel_logs_and_spans', 'otel_metrics', 'telemetry'], tables.rows.flat(), 'tables')
  const refused = await client.query('SELECT nope FROM otel_metrics').catch((error) => error)
  check(refused.code === '42703' && refused.position === '8', `a wrong column: ${refused}`)
  await client.end()
  const version = require('pg/package.json').version
  console.log(JSON.stringify({ client: 'node-postgres', version, checks, rows, grown_kib: grown }))
}

types.setTypeParser(types.builtins.DATE, (text) => new Date(text + 'T00:00:00'))
main().catch((error) => { console.error(error); process.exit(1) })
