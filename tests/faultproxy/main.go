// faultproxy stands before an S3 or DynamoDB server, counts requests by kind, adds latency and, by rule, does harm.
//
//	client --> [faultproxy] --> server          faultproxy --upstream 127.0.0.1:9000
//	              ^ GET /counts, GET /log, POST /reset, POST /rules, POST /latency on the second port
//
// It prints one line of JSON, {"port": ..., "control": ...}, once it listens. Every header goes on unchanged, Host among
// them: it is signed. Requests are numbered from 0 since the start or the last /reset; a rule names the numbers, kinds
// and paths that it is for, how often it may fire, and what is done (rules.go).
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// kindOf names a request as the tests speak of it: GET, HEAD, LIST, PUT, PUT_IF_ABSENT, PART ... or PutItem of DynamoDB.
func kindOf(r *http.Request) string {
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		return target[strings.LastIndexByte(target, '.')+1:]
	}
	query := r.URL.Query()
	switch {
	case query.Has("uploads"):
		return "MULTIPART_BEGIN"
	case query.Has("partNumber"):
		return "PART"
	case query.Has("uploadId") && r.Method == http.MethodPost:
		return "MULTIPART_END"
	case query.Has("uploadId"):
		return "MULTIPART_ABORT"
	case r.Method == http.MethodGet && (query.Has("list-type") || query.Has("prefix")):
		return "LIST"
	case r.Method == http.MethodPost && query.Has("delete"):
		return "DELETE_MANY"
	case r.Method == http.MethodPut && r.Header.Get("If-None-Match") != "":
		return "PUT_IF_ABSENT"
	}
	return r.Method
}

// reset ends the client's connection with a TCP reset, whatever was sent before.
func reset(w http.ResponseWriter) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	conn.Close()
}

// refuse answers as S3 (or DynamoDB) does when it is overloaded or broken.
func refuse(w http.ResponseWriter, r *http.Request, status int) {
	code := map[int]string{429: "TooManyRequests", 500: "InternalError", 503: "SlowDown"}[status]
	if code == "" {
		code = "ServiceUnavailable"
	}
	io.Copy(io.Discard, r.Body)
	if r.Header.Get("X-Amz-Target") != "" {
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"__type":"com.amazonaws.dynamodb.v20120810#%s","message":"asked for by a test"}`,
			map[int]string{429: "ProvisionedThroughputExceededException", 500: "InternalServerError"}[status])
		return
	}
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?><Error><Code>%s</Code><Message>asked for by a test</Message></Error>`, code)
	}
}

type proxy struct {
	upstream string
	client   *http.Transport
	state    state
}

func (p *proxy) forward(r *http.Request, body io.Reader) (*http.Response, error) {
	path, query, _ := strings.Cut(r.RequestURI, "?")
	out := &http.Request{
		Method: r.Method, Host: r.Host, Header: r.Header, ContentLength: r.ContentLength, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		URL: &url.URL{Scheme: "http", Host: p.upstream, Opaque: path, RawQuery: query},
	}
	if r.ContentLength != 0 {
		out.Body = io.NopCloser(body)
	}
	if _, named := out.Header["User-Agent"]; !named {
		out.Header["User-Agent"] = nil // none, instead of Go's own
	}
	return p.client.RoundTrip(out)
}

// counter counts the bytes that pass.
type counter struct {
	from  io.Reader
	bytes int64
}

func (c *counter) Read(into []byte) (int, error) {
	n, err := c.from.Read(into)
	c.bytes += int64(n)
	return n, err
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	entry, rule, latency := p.state.begin(kindOf(r), r.RequestURI)
	if latency > 0 {
		time.Sleep(latency)
	}
	action := ""
	if rule != nil {
		action = rule.Action
		if rule.DelayMs > 0 {
			time.Sleep(time.Duration(rule.DelayMs) * time.Millisecond)
		}
	}
	sent := &counter{from: r.Body}
	status, received := 0, int64(0)
	defer func() { p.state.end(entry, status, sent.bytes, received) }()
	switch action {
	case "reset_before":
		reset(w)
		return
	case "status":
		status = rule.Status
		refuse(w, r, status)
		return
	case "hang_before":
		time.Sleep(time.Duration(rule.HangMs) * time.Millisecond)
		reset(w)
		return
	case "cut_request": // the server sees the first half of the body, then the connection ends
		if r.ContentLength > 0 {
			if answer, err := p.forward(r, io.LimitReader(sent, r.ContentLength/2)); err == nil {
				answer.Body.Close()
			}
		}
		reset(w)
		return
	}
	answer, err := p.forward(r, sent)
	if err != nil {
		log.Printf("%s %s: %v", r.Method, r.RequestURI, err)
		reset(w)
		return
	}
	defer answer.Body.Close()
	status = answer.StatusCode
	switch action { // the server has done what was asked; the client does not learn of it
	case "reset_after":
		io.Copy(io.Discard, answer.Body)
		reset(w)
		return
	case "status_after":
		io.Copy(io.Discard, answer.Body)
		refuse(w, r, rule.Status)
		return
	case "hang_after":
		io.Copy(io.Discard, answer.Body)
		time.Sleep(time.Duration(rule.HangMs) * time.Millisecond)
		reset(w)
		return
	}
	for name, values := range answer.Header {
		w.Header()[name] = values
	}
	if answer.ContentLength >= 0 {
		w.Header().Set("Content-Length", fmt.Sprint(answer.ContentLength))
	}
	w.WriteHeader(answer.StatusCode)
	if action == "cut_answer" {
		if answer.ContentLength > 0 {
			received, _ = io.CopyN(w, answer.Body, answer.ContentLength/2)
		}
		w.(http.Flusher).Flush()
		time.Sleep(20 * time.Millisecond) // a reset drops what the client has not read yet
		reset(w)
		return
	}
	received, _ = io.Copy(w, answer.Body)
}

func main() {
	upstream := flag.String("upstream", "", "host:port of the server")
	flag.Parse()
	p := &proxy{upstream: *upstream, client: &http.Transport{
		DisableCompression: true, MaxIdleConnsPerHost: 256, IdleConnTimeout: time.Minute, ResponseHeaderTimeout: 5 * time.Minute,
	}}
	front, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	control, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	json.NewEncoder(os.Stdout).Encode(map[string]int{
		"port": front.Addr().(*net.TCPAddr).Port, "control": control.Addr().(*net.TCPAddr).Port,
	})
	go http.Serve(control, p.state.handler())
	log.Fatal((&http.Server{Handler: p}).Serve(front))
}
