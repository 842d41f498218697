// A shop in Go as its programmers would write it: the OpenTelemetry Go SDK, set up by the usual variables alone, sends a
// trace, logs and metrics; then pgx, with its defaults (extended protocol, statement cache, binary results), asks the server
// at MONOSCOPE_PG_URL for them. Prints what it sent and what it read as one JSON object; the story compares the two.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"
)

func run(ctx context.Context) error {
	sent, err := send(ctx)
	if err != nil {
		return fmt.Errorf("send: %w", err)
	}
	read, err := ask(ctx, os.Getenv("MONOSCOPE_PG_URL"), sent)
	if err != nil {
		return fmt.Errorf("ask: %w", err)
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{"sent": sent, "read": read})
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
