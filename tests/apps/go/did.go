package main

import (
	"context"
	"encoding/json"
	"os"
	"sync"

	sdklog "go.opentelemetry.io/otel/sdk/log"
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

func (c *counts) Enabled(context.Context, sdklog.EnabledParameters) bool { return true }

func (c *counts) OnEmit(context.Context, *sdklog.Record) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Logs++
	return nil
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
