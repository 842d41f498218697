//== routes/table.go
package routes

import (
	"encoding/json"
	"fmt"
	"example.com/errors/report"
)
⟦+⟧

type Backend struct {
	Name   string
	Weight int
}

type Table struct {
	byHost map[string]*Backend
	order  []*Backend
}
⟦+⟧

func (t *Table) Find(host string) *Backend {
	return t.byHost[host]
}

func (t *Table) ⟦p=Pick|Choose|Pick⟧(n int) *Backend {
	return t.order[n]
}

func (t *Table) Set(host string, b *Backend) {
	t.byHost[host] = b
}
⟦+⟧

func (b *Backend) Share(total int) int {
	return b.Weight / total
}

func Decode(v any) *Backend {
	return v.(*Backend)
}

func MustParse(text string) Backend {
	var b Backend
	if err := json.Unmarshal([]byte(text), &b); err != nil {
		panic(fmt.Errorf("route %q: %w", text, err))
	}
	return b
}

func Slice(body []byte, n int) []byte {
	return body[n:]
}

func Weigh(b Backend) {
	if b.Weight < 0 {
		panic("backend " + b.Name + " has a negative weight")
	}
}

var _ = report.Word
//== proxy/proxy.go
package proxy

import (
	"example.com/errors/report"
	"example.com/errors/routes"
)
⟦+⟧

type Proxy struct {
	table *routes.Table
}

func New() *Proxy { return &Proxy{table: &routes.Table{}} }

func (p *Proxy) ⟦f=Forward|Relay|Forward⟧(host string) string {
	return ⟦n=p.table.Find(host).Name|nameOf(p.table.Find(host))|p.table.Find(host).Name⟧
}

//go:noinline
func nameOf(b *routes.Backend) string {
	return b.Name
}
⟦+⟧

func (p *Proxy) ForwardAll(hosts []string) {
	for _, host := range hosts {
		func(⟦h=host|h|name⟧ string) { p.⟦f=Forward|Relay|Forward⟧(⟦h=host|h|name⟧) }(host)
	}
}

func (p *Proxy) Balance() *routes.Backend {
	return p.table.⟦p=Pick|Choose|Pick⟧(report.Number(1, 99))
}

func (p *Proxy) Retry() {
	each(func() { p.Balance() })
}
⟦+⟧

func each(call func()) { call() }

func (p *Proxy) Learn() {
	p.table.Set(report.Word(), nil)
}

func (p *Proxy) Shares() int {
	return (&routes.Backend{Weight: 7}).Share(0)
}

func (p *Proxy) Control() {
	⟦c=routes.Decode(report.Word())|control(report.Word())|routes.Decode(report.Word())⟧
}

func control(v any) { routes.Decode(v) }

func (p *Proxy) Reload() {
	routes.MustParse("{" + report.Word())
}

func (p *Proxy) Body() {
	routes.Slice(make([]byte, 3), report.Number(4, 999))
}
⟦+⟧

func (p *Proxy) Admit() {
	routes.Weigh(routes.Backend{Name: report.Word(), Weight: -1})
}

func (p *Proxy) AdmitAll() {
	for range 2 {
		p.Admit()
	}
}
//== main.go
package main

import (
	"example.com/errors/proxy"
	"example.com/errors/report"
)

func start(call func()) {
	⟦s=call()|middleware(call)|wait(call)⟧
}

func middleware(call func()) { call() }

func wait(call func()) {
	func() { call() }()
}

func main() {
	p := proxy.New()
	report.Defect("host-without-backend", func() { start(func() { ⟦p.ForwardAll([]string{report.Word()})|p.ForwardAll([]string{report.Word()})|one(p)⟧ }) })
	report.Defect("backend-index", func() { start(⟦func() { p.Balance() }|p.Retry|p.Retry⟧) })
	report.Defect("table-not-made", func() { start(p.Learn) })
	report.Defect("shares-of-nothing", func() { start(func() { p.Shares() }) })
	report.Defect("control-of-wrong-type", func() { start(p.Control) })
	report.Defect("route-malformed", func() { start(p.Reload) })
	report.Defect("body-too-short", func() { start(p.Body) })
	report.Defect("weight-negative", func() { start(⟦p.Admit|p.AdmitAll|p.AdmitAll⟧) })
}

func one(p *proxy.Proxy) { p.⟦f=Forward|Relay|Forward⟧(report.Word()) }
