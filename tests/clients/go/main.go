// What pgx does with a server: clients-go ROWS. The server is that of PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE and
// PGSSLROOTCERT, over TLS. Values of every type go there and come back, in binary and in text; rows are read while they come; a
// statement is cancelled; the tables are found. Ends with one line of JSON, or with a word of what is not as it should be.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"os"
	"reflect"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

var checks int

func check(ok bool, format string, values ...any) {
	checks++
	if !ok {
		fmt.Fprintf(os.Stderr, "pgx: "+format+"\n", values...)
		os.Exit(1)
	}
}

func none(err error, what string) { check(err == nil, "%s: %v", what, err) }

// back sends a value in one of the protocol's ways and reads it into a value of the same Go type.
func back[T any](ctx context.Context, connection *pgx.Conn, mode pgx.QueryExecMode, kind string, given T) {
	var got T
	err := connection.QueryRow(ctx, "SELECT $1::"+kind, mode, given).Scan(&got)
	none(err, kind+" "+mode.String())
	same := reflect.DeepEqual(given, got) || fmt.Sprint(given) == fmt.Sprint(got)
	if at, isTime := any(given).(time.Time); isTime {
		same = at.Equal(any(got).(time.Time))
	}
	check(same, "%s (%s): %v came back as %v", kind, mode, given, got)
	var nothing *T
	none(connection.QueryRow(ctx, "SELECT $1::"+kind, mode, (*T)(nil)).Scan(&nothing), kind+" NULL")
	check(nothing == nil, "%s: NULL came back as %v", kind, nothing)
}

func values(ctx context.Context, connection *pgx.Conn, mode pgx.QueryExecMode) {
	moment := time.Date(2026, 2, 28, 23, 59, 59, 123456000, time.UTC)
	uuid := [16]byte{0x12, 0x34, 0x56, 0x78, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 255}
	for _, v := range []bool{true, false} {
		back(ctx, connection, mode, "bool", v)
	}
	back(ctx, connection, mode, "int2", int16(-32768))
	back(ctx, connection, mode, "int4", int32(-2147483648))
	back(ctx, connection, mode, "int8", int64(-1<<63))
	back(ctx, connection, mode, "float4", float32(-2.25))
	back(ctx, connection, mode, "float8", -1e300)
	back(ctx, connection, mode, "text", "it's \\ \"x\" ä€😀")
	back(ctx, connection, mode, "varchar", "")
	back(ctx, connection, mode, "bytea", []byte{0, 255, '\'', '\\'})
	back(ctx, connection, mode, "uuid", pgtype.UUID{Bytes: uuid, Valid: true})
	back(ctx, connection, mode, "date", pgtype.Date{Time: time.Date(1969, 12, 31, 0, 0, 0, 0, time.UTC), Valid: true})
	back(ctx, connection, mode, "time", pgtype.Time{Microseconds: 3723000004, Valid: true})
	back(ctx, connection, mode, "timestamp", pgtype.Timestamp{Time: moment, Valid: true})
	back(ctx, connection, mode, "timestamptz", moment)
	back(ctx, connection, mode, "interval", pgtype.Interval{Months: 14, Days: 3, Microseconds: 4000005, Valid: true})
	back(ctx, connection, mode, "int4[]", []int32{1, -2, 3})
	back(ctx, connection, mode, "int8[]", []int64{1 << 60})
	back(ctx, connection, mode, "text[]", []string{"a", "", `q"\,{}`})
	back(ctx, connection, mode, "float8[]", []float64{0.25, -1.5})
	back(ctx, connection, mode, "bool[]", []bool{true, false})
	back(ctx, connection, mode, "timestamptz[]", []pgtype.Timestamptz{{Time: moment, Valid: true}})
	var number pgtype.Numeric
	none(connection.QueryRow(ctx, "SELECT $1::numeric", mode, pgtype.Numeric{Int: big.NewInt(-123456725), Exp: -2, Valid: true}).Scan(&number), "numeric")
	float, err := number.Float64Value()
	check(err == nil && float.Float64 == -1234567.25, "numeric came back as %v", float)
	var document map[string]any
	none(connection.QueryRow(ctx, "SELECT $1::jsonb", mode, map[string]any{"a": []any{1.5, nil, "x"}}).Scan(&document), "jsonb")
	check(reflect.DeepEqual(document, map[string]any{"a": []any{1.5, nil, "x"}}), "jsonb came back as %v", document)
}

func heapKiB() int {
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	return int(memory.Sys-memory.HeapReleased) / 1024
}

func stream(ctx context.Context, connection *pgx.Conn, wanted int) int {
	debug.SetGCPercent(50)
	rows, err := connection.Query(ctx, "SELECT n, repeat('x', 200) || n AS word FROM generate_series(1, $1::int) AS n", wanted)
	none(err, "rows")
	seen, before := 0, 0
	for rows.Next() {
		var n int64
		var word string
		none(rows.Scan(&n, &word), "a row")
		seen++
		if seen%9973 == 1 {
			check(n == int64(seen) && strings.HasSuffix(word, "x"+strconv.Itoa(seen)), "row %d is %d %s", seen, n, word)
		}
		if seen == wanted/20 {
			before = heapKiB()
		}
	}
	none(rows.Err(), "rows")
	grown := heapKiB() - before
	check(seen == wanted, "%d of %d rows came", seen, wanted)
	check(grown < 32*1024, "%d rows grow the client by %d KiB", wanted, grown)
	return grown
}

func main() {
	ctx, stop := context.WithTimeout(context.Background(), 5*time.Minute)
	defer stop()
	time.Local = time.UTC // so that equal moments are equal values
	rows, err := strconv.Atoi(os.Args[1])
	none(err, "rows")
	config, err := pgx.ParseConfig("sslmode=verify-full")
	none(err, "settings")
	connection, err := pgx.ConnectConfig(ctx, config)
	none(err, "connect")
	for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeCacheStatement, pgx.QueryExecModeDescribeExec, pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol} {
		if mode == pgx.QueryExecModeSimpleProtocol || mode == pgx.QueryExecModeExec {
			var n int32 // text: the driver says the types itself
			none(connection.QueryRow(ctx, "SELECT $1::int4", mode, int32(7)).Scan(&n), mode.String())
			check(n == 7, "%s: %d", mode, n)
			continue
		}
		values(ctx, connection, mode)
	}
	all, err := connection.Query(ctx, "SELECT * FROM otel_logs_and_spans ORDER BY timestamp LIMIT 1")
	none(err, "a whole row")
	check(all.Next(), "there is a row: %v", all.Err())
	row, err := all.Values()
	none(err, "every column")
	check(len(row) > 80, "%d columns", len(row))
	all.Close()

	batch := &pgx.Batch{}
	for i := 0; i < 50; i++ {
		batch.Queue("SELECT $1::int", i)
	}
	results := connection.SendBatch(ctx, batch)
	for i := 0; i < 50; i++ {
		var n int
		none(results.QueryRow().Scan(&n), "batch")
		check(n == i, "batch: %d is %d", i, n)
	}
	none(results.Close(), "batch")
	grown := stream(ctx, connection, rows)

	ended := make(chan error)
	go func() {
		_, err := connection.Exec(ctx, "SELECT sum(a::bigint * b) FROM generate_series(1, 1000000) AS a, generate_series(1, 1000000) AS b")
		ended <- err
	}()
	err = nil
	for waiting := true; waiting; {
		select {
		case err = <-ended:
			waiting = false
		case <-time.After(50 * time.Millisecond):
			none(connection.PgConn().CancelRequest(ctx), "a request to cancel")
		}
	}
	var refused *pgconn.PgError
	check(errors.As(err, &refused) && refused.Code == "57014", "cancelled: %v", err)
	var one int
	none(connection.QueryRow(ctx, "SELECT 1").Scan(&one), "the connection goes on")

	names, err := connection.Query(ctx, "SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ANY($1) AND c.relkind = ANY($2) ORDER BY 1",
		[]string{"public"}, []string{"r", "v"})
	none(err, "tables")
	found, err := pgx.CollectRows(names, pgx.RowTo[string])
	none(err, "tables")
	check(strings.Contains(strings.Join(found, " "), "otel_logs_and_spans otel_metrics telemetry"), "tables: %v", found)
	loaded, err := connection.LoadType(ctx, "_text")
	none(err, "a type by its name")
	check(loaded.OID == 1009, "text[] is %d", loaded.OID)
	version := "5"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range info.Deps {
			if module.Path == "github.com/jackc/pgx/v5" {
				version = strings.TrimPrefix(module.Version, "v")
			}
		}
	}
	line, _ := json.Marshal(map[string]any{"client": "pgx", "version": version, "checks": checks, "rows": rows, "grown_kib": grown})
	fmt.Println(string(line))
}
