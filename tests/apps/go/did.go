package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"sync"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/sdk/trace"
)

// did counts what this app made, beside the exporters: the story compares it with what arrived.
var did = &counts{Spans: map[string]int{}}

type counts struct {
	mu        sync.Mutex
	Spans     map[string]int `json:"spans"`
	Logs      int            `json:"logs"`
	Checkouts int            `json:"checkouts"`
}

func (c *counts) OnStart(context.Context, trace.ReadWriteSpan) {}

func (c *counts) OnEnd(span trace.ReadOnlySpan) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Spans[span.SpanKind().String()]++
}

// countingHandler counts log records on their way to the SDK.
type countingHandler struct{ slog.Handler }

func (h countingHandler) Handle(ctx context.Context, record slog.Record) error {
	did.mu.Lock()
	did.Logs++
	did.mu.Unlock()
	return h.Handler.Handle(ctx, record)
}

// startCounting comes after startTelemetry.
func startCounting() {
	otel.GetTracerProvider().(*trace.TracerProvider).RegisterSpanProcessor(did)
	slog.SetDefault(slog.New(countingHandler{slog.Default().Handler()}))
}

func (c *counts) checkout() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Checkouts++
}

func (c *counts) ForceFlush(context.Context) error { return nil }
func (c *counts) Shutdown(context.Context) error   { return nil }

func (c *counts) print() {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = json.NewEncoder(os.Stdout).Encode(c)
}
