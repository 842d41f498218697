// The front of the shop: /checkout asks the next app (NEXT_URL), /stock answers the last one. Pages of PAGE_ORIGIN may call it.
// Telemetry goes where the OTEL_* variables say; at SIGTERM it sends the rest and prints as JSON what it did.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

var (
	client       = http.Client{Transport: otelhttp.NewTransport(http.DefaultTransport), Timeout: 20 * time.Second}
	tracer       = otel.Tracer("shop")
	checkouts, _ = otel.Meter("shop").Int64Counter("shop.checkouts", metric.WithUnit("{checkout}"))
	baskets, _   = otel.Meter("shop").Float64Histogram("shop.basket", metric.WithUnit("EUR"), metric.WithExplicitBucketBoundaries(5, 10, 20))
)

func checkout(w http.ResponseWriter, r *http.Request) {
	ctx, item := r.Context(), r.URL.Query().Get("item")
	slog.InfoContext(ctx, "checkout", "item", item)
	ctx, span := tracer.Start(ctx, "price the basket")
	price := float64(len(item))
	span.SetAttributes(attribute.Float64("basket.price", price))
	baskets.Record(ctx, price)
	span.End()
	checkouts.Add(ctx, 1, metric.WithAttributes(attribute.String("item", item)))
	did.checkout()

	request, err := http.NewRequestWithContext(r.Context(), "GET", os.Getenv("NEXT_URL")+"?item="+url.QueryEscape(item), nil)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	answer, err := client.Do(request)
	if err != nil {
		slog.ErrorContext(ctx, "no answer", "err", err)
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		slog.ErrorContext(ctx, "order refused", "item", item, "status", answer.StatusCode)
		w.WriteHeader(http.StatusBadGateway)
	}
	_, _ = io.Copy(w, answer.Body)
}

func stock(w http.ResponseWriter, r *http.Request) {
	slog.InfoContext(r.Context(), "stock asked", "item", r.URL.Query().Get("item"))
	fmt.Fprint(w, "7")
}

// allowPages lets a browser page of another origin call this app and hand its trace on.
func allowPages(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", os.Getenv("PAGE_ORIGIN"))
		w.Header().Set("Access-Control-Allow-Headers", "traceparent, tracestate, baggage")
		if r.Method == http.MethodOptions {
			return
		}
		next.ServeHTTP(w, r)
	})
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	stopTelemetry, err := startTelemetry(ctx)
	if err != nil {
		log.Fatal(err)
	}
	startCounting()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /checkout", checkout)
	mux.HandleFunc("GET /stock", stock)
	server := http.Server{Addr: "127.0.0.1:" + os.Getenv("PORT"), Handler: allowPages(otelhttp.NewHandler(mux, "shop"))}
	go func() {
		if err := server.ListenAndServe(); err != http.ErrServerClosed {
			log.Fatal(err)
		}
	}()
	<-ctx.Done()
	ending, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	_ = server.Shutdown(ending)
	if err := stopTelemetry(ending); err != nil {
		log.Fatal(err)
	}
	did.print()
}
