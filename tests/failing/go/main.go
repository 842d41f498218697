// A garage: /wheels?n= and /tyres?n= reach past the end of a slice, /keys?n= writes into a map that is nil. Each panics in a span, which
// the SDK records when it ends, and net/http goes on with the next request. Telemetry goes where the OTEL_* variables say.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"go.opentelemetry.io/contrib/exporters/autoexport"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/sdk/trace"
	api "go.opentelemetry.io/otel/trace"
)

type garage struct {
	wheels []string
	keys   map[string]int
}

func (g *garage) wheel(n int) string { return g.wheels[n] }

func (g *garage) hang(name string) { g.keys[name] = 1 }

func (g *garage) serveWheels(w http.ResponseWriter, n int) { fmt.Fprintln(w, g.wheel(n)) }

func (g *garage) serveTyres(w http.ResponseWriter, n int) { fmt.Fprintln(w, "tyre", g.wheel(n)) }

func (g *garage) serveKeys(w http.ResponseWriter, n int) { g.hang(strconv.Itoa(n)) }

func (g *garage) serveLocks(w http.ResponseWriter, n int) { g.hang("lock" + strconv.Itoa(n)) }

// traced: a panic ends the span, is recorded by it, and goes on.
func traced(name string, serve func(http.ResponseWriter, int)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.URL.Query().Get("n"))
		_, span := otel.Tracer("garage").Start(r.Context(), "GET /"+name, api.WithSpanKind(api.SpanKindServer))
		defer span.End(api.WithStackTrace(true))
		serve(w, n)
	}
}

func main() {
	exporter, err := autoexport.NewSpanExporter(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	provider := trace.NewTracerProvider(trace.WithBatcher(exporter, trace.WithBatchTimeout(200*time.Millisecond)))
	otel.SetTracerProvider(provider)
	g := &garage{wheels: make([]string, 4)}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "open") })
	http.HandleFunc("/wheels", traced("wheels", g.serveWheels))
	http.HandleFunc("/tyres", traced("tyres", g.serveTyres))
	http.HandleFunc("/keys", traced("keys", g.serveKeys))
	http.HandleFunc("/locks", traced("locks", g.serveLocks))
	go func() {
		stop := make(chan os.Signal, 1)
		signal.Notify(stop, syscall.SIGTERM)
		<-stop
		_ = provider.Shutdown(context.Background())
		os.Exit(0)
	}()
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil))
}
