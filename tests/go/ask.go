package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

type spanRow struct {
	Name       string         `json:"name"`
	Kind       string         `json:"kind"`
	SpanID     string         `json:"span_id"`
	ParentID   *string        `json:"parent_id"`
	StatusCode string         `json:"status_code"`
	Status     *string        `json:"status_message"`
	StartUs    int64          `json:"start_us"`
	Duration   int64          `json:"duration"`
	ID         [16]byte       `json:"-"`
	Hashes     []string       `json:"hashes"`
	Attributes map[string]any `json:"attributes"`
	Events     []any          `json:"events"`
	Date       string         `json:"date"`
}

type metricRow struct {
	Name       string    `json:"name"`
	Type       string    `json:"type"`
	Unit       string    `json:"unit"`
	Value      *float64  `json:"value"`
	ValueInt   *int64    `json:"value_int"`
	Monotonic  *bool     `json:"is_monotonic"`
	Count      *int64    `json:"count"`
	Sum        *float64  `json:"sum"`
	Buckets    []int64   `json:"buckets"`
	Bounds     []float64 `json:"bounds"`
	Scale      *int32    `json:"scale"`
	ZeroCount  *int64    `json:"zero_count"`
	PosOffset  *int32    `json:"pos_offset"`
	PosBuckets []int64   `json:"pos_buckets"`
	NegOffset  *int32    `json:"neg_offset"`
	NegBuckets []int64   `json:"neg_buckets"`
}

type read struct {
	Spans     []spanRow      `json:"spans"`
	Body      map[string]any `json:"body"`
	Level     string         `json:"level"`
	LogUs     int64          `json:"log_us"`
	LogTries  string         `json:"log_tries"`
	Metrics   []metricRow    `json:"metrics"`
	Counts    []int64        `json:"counts"`
	P50       float64        `json:"p50"`
	Bucket    time.Time      `json:"bucket"`
	SQLState  string         `json:"sqlstate"`
	Batch     []int64        `json:"batch"`
	Cancelled string         `json:"cancelled"`
	TookMs    int64          `json:"cancel_took_ms"`
}

const spansSQL = `SELECT name, kind, context___span_id, parent_id, status_code, status_message, start_time, duration, id, hashes,
	attributes, coalesce(events, '[]'::jsonb), date
	FROM otel_logs_and_spans WHERE context___trace_id = $1 AND kind = ANY($2) AND timestamp >= $3 ORDER BY timestamp, name`

func askSpans(ctx context.Context, conn *pgx.Conn, told *sent, out *read) error {
	rows, err := conn.Query(ctx, spansSQL, told.TraceID, []string{"server", "producer"}, time.UnixMicro(told.RootStartUs))
	if err != nil {
		return err
	}
	out.Spans, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (spanRow, error) {
		var span spanRow
		var start, date time.Time
		err := row.Scan(&span.Name, &span.Kind, &span.SpanID, &span.ParentID, &span.StatusCode, &span.Status, &start,
			&span.Duration, &span.ID, &span.Hashes, &span.Attributes, &span.Events, &date)
		span.StartUs, span.Date = start.UnixMicro(), date.Format(time.DateOnly)
		return span, err
	})
	if err != nil || len(out.Spans) == 0 {
		return err
	}
	// The id as pgx read it finds the row again: uuid is one in both directions.
	var count int64
	err = conn.QueryRow(ctx, "SELECT count(*) FROM otel_logs_and_spans WHERE id = $1", out.Spans[0].ID).Scan(&count)
	if err == nil && count != 1 {
		err = fmt.Errorf("%d rows have the id of a span", count)
	}
	return err
}

func askLog(ctx context.Context, conn *pgx.Conn, told *sent, out *read) error {
	var at time.Time
	err := conn.QueryRow(ctx, `SELECT body, level, timestamp, attributes->'order'->>'tries' FROM otel_logs_and_spans
		WHERE kind = 'log' AND context___trace_id = $1 AND severity___severity_number >= $2`, told.TraceID, 17).
		Scan(&out.Body, &out.Level, &at, &out.LogTries)
	out.LogUs = at.UnixMicro()
	return err
}

func askMetrics(ctx context.Context, conn *pgx.Conn, out *read) error {
	rows, err := conn.Query(ctx, `SELECT metric_name, metric_type, metric_unit, value, value_int, is_monotonic, distribution_count,
		distribution_sum, hist_bucket_counts, hist_explicit_bounds, exp_hist_scale, exp_hist_zero_count, exp_hist_pos_offset,
		exp_hist_pos_buckets, exp_hist_neg_offset, exp_hist_neg_buckets FROM otel_metrics WHERE metric_name LIKE $1 ORDER BY metric_name`, "go.%")
	if err == nil {
		out.Metrics, err = pgx.CollectRows(rows, pgx.RowToStructByPos[metricRow])
	}
	return err
}

// The statement cache prepares a text once and binds it again; a batch sends many without waiting.
func askAgain(ctx context.Context, conn *pgx.Conn, told *sent, out *read) error {
	for i := 0; i < 5; i++ {
		var count int64
		err := conn.QueryRow(ctx, "SELECT count(*) FROM otel_logs_and_spans WHERE context___trace_id = $1 AND duration >= $2",
			told.TraceID, int64(i)).Scan(&count)
		if err != nil {
			return err
		}
		out.Counts = append(out.Counts, count)
	}
	err := conn.QueryRow(ctx, `SELECT percentile_cont($1) WITHIN GROUP (ORDER BY duration), time_bucket('1 hour', min(timestamp))
		FROM otel_logs_and_spans WHERE context___trace_id = $2 AND kind <> 'log'`, 0.5, told.TraceID).Scan(&out.P50, &out.Bucket)
	if err != nil {
		return err
	}
	batch := &pgx.Batch{}
	for i := 0; i < 10; i++ {
		batch.Queue("SELECT count(*) + $1::bigint FROM otel_logs_and_spans WHERE context___trace_id = $2", i, told.TraceID)
	}
	results := conn.SendBatch(ctx, batch)
	for i := 0; i < 10; i++ {
		var count int64
		if err := results.QueryRow().Scan(&count); err != nil {
			return err
		}
		out.Batch = append(out.Batch, count)
	}
	return results.Close()
}

// pgx ends a connection whose query was cancelled by its context, so this has one of its own and cancels by the protocol.
func askAndCancel(ctx context.Context, url string, out *read) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	var cancelled time.Time
	go func() {
		time.Sleep(500 * time.Millisecond)
		cancelled = time.Now()
		_ = conn.PgConn().CancelRequest(ctx)
	}()
	_, err = conn.Exec(ctx, "SELECT count(*) FROM generate_series(1, 3000000) a, generate_series(1, 3000000) b WHERE a + b = $1", 7)
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) {
		return fmt.Errorf("a cancelled query answers %v", err)
	}
	out.Cancelled = pgErr.Code
	out.TookMs = time.Since(cancelled).Milliseconds()
	return nil
}

func ask(ctx context.Context, url string, told *sent) (*read, error) {
	out := &read{}
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx)
	for { // what was acknowledged is visible within a second
		var spans, points int64
		err = conn.QueryRow(ctx, `SELECT (SELECT count(*) FROM otel_logs_and_spans WHERE context___trace_id = $1),
			(SELECT count(*) FROM otel_metrics WHERE metric_name LIKE 'go.%')`, told.TraceID).Scan(&spans, &points)
		if err != nil {
			return nil, err
		}
		if spans == 3 && points == 5 {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if err = askSpans(ctx, conn, told, out); err != nil {
		return nil, fmt.Errorf("spans: %w", err)
	}
	if err = askLog(ctx, conn, told, out); err != nil {
		return nil, fmt.Errorf("log: %w", err)
	}
	if err = askMetrics(ctx, conn, out); err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	if err = askAgain(ctx, conn, told, out); err != nil {
		return nil, fmt.Errorf("again: %w", err)
	}
	var pgErr *pgconn.PgError
	if _, err = conn.Exec(ctx, "SELECT nope FROM otel_metrics WHERE value > $1", 1.5); errors.As(err, &pgErr) {
		out.SQLState = pgErr.Code
	}
	if err = askAndCancel(ctx, url, out); err != nil {
		return nil, err
	}
	return out, nil
}
