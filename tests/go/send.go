package main

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/metric"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

type sent struct {
	TraceID     string `json:"trace_id"`
	RootID      string `json:"root_id"`
	ChildID     string `json:"child_id"`
	RootStartUs int64  `json:"root_start_us"`
	LogUs       int64  `json:"log_us"`
}

func sendTrace(ctx context.Context, told *sent) (context.Context, error) {
	exporter, err := otlptracegrpc.New(ctx)
	if err != nil {
		return nil, err
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter))
	tracer := provider.Tracer("shop.go", trace.WithInstrumentationVersion("0.1"))
	start := time.Now()
	rootCtx, root := tracer.Start(ctx, "POST /orders", trace.WithSpanKind(trace.SpanKindServer), trace.WithTimestamp(start),
		trace.WithAttributes(attribute.String("http.request.method", "POST"), attribute.Int("http.response.status_code", 201),
			attribute.StringSlice("order.items", []string{"tea", "Öl"}), attribute.Float64("order.total", 12.5),
			attribute.Bool("order.is_gift", true), attribute.Int64("order.big", 1<<50)))
	_, child := tracer.Start(rootCtx, "publish", trace.WithSpanKind(trace.SpanKindProducer),
		trace.WithLinks(trace.Link{SpanContext: root.SpanContext()}))
	child.AddEvent("queued", trace.WithAttributes(attribute.Int("queue.length", 3)))
	child.RecordError(errors.New("queue is slow"))
	child.SetStatus(codes.Error, "slow")
	child.End()
	root.End()
	told.TraceID = root.SpanContext().TraceID().String()
	told.RootID = root.SpanContext().SpanID().String()
	told.ChildID = child.SpanContext().SpanID().String()
	told.RootStartUs = start.UnixMicro()
	return rootCtx, provider.Shutdown(ctx)
}

func sendLogs(ctx context.Context, told *sent) error {
	exporter, err := otlploggrpc.New(ctx)
	if err != nil {
		return err
	}
	provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewBatchProcessor(exporter)))
	now := time.Now()
	var record log.Record
	record.SetTimestamp(now)
	record.SetSeverity(log.SeverityError2)
	record.SetSeverityText("ERROR2")
	record.SetBody(attribute.MapValue(attribute.String("message", "order refused"), attribute.Int("order", 7),
		attribute.Slice("why", attribute.StringValue("stock"), attribute.BoolValue(false), attribute.Float64Value(0.5)),
		attribute.ByteSlice("raw", []byte{0, 255})))
	record.AddAttributes(attribute.String("order.id", "o-7"), attribute.Int64("order.tries", 3))
	provider.Logger("shop.go").Emit(ctx, record)
	told.LogUs = now.UnixMicro()
	return provider.Shutdown(ctx)
}

func sendMetrics(ctx context.Context) error {
	exporter, err := otlpmetricgrpc.New(ctx)
	if err != nil {
		return err
	}
	view := sdkmetric.NewView(sdkmetric.Instrument{Name: "go.sizes"},
		sdkmetric.Stream{Aggregation: sdkmetric.AggregationBase2ExponentialHistogram{MaxSize: 20, MaxScale: 3}})
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithView(view),
		sdkmetric.WithReader(sdkmetric.NewPeriodicReader(exporter, sdkmetric.WithInterval(time.Hour))))
	meter := provider.Meter("shop.go")
	counter, _ := meter.Int64Counter("go.orders", metric.WithUnit("{order}"))
	open, _ := meter.Int64UpDownCounter("go.open")
	temperature, _ := meter.Float64Gauge("go.temperature", metric.WithUnit("Cel"))
	latency, _ := meter.Float64Histogram("go.latency", metric.WithUnit("ms"), metric.WithExplicitBucketBoundaries(10, 100))
	sizes, _ := meter.Float64Histogram("go.sizes")
	counter.Add(ctx, 5, metric.WithAttributes(attribute.String("plan", "team")))
	open.Add(ctx, -2)
	temperature.Record(ctx, -3.5)
	for _, value := range []float64{1, 20, 30, 500} {
		latency.Record(ctx, value)
	}
	for _, value := range []float64{0, 1, 2, 4, -4} {
		sizes.Record(ctx, value)
	}
	return provider.Shutdown(ctx)
}

func send(ctx context.Context) (*sent, error) {
	told := &sent{}
	rootCtx, err := sendTrace(ctx, told)
	if err == nil {
		err = sendLogs(rootCtx, told)
	}
	if err == nil {
		err = sendMetrics(ctx)
	}
	return told, err
}
