//== pipe/pipe.go
package pipe

import (
	"example.com/errors/report"
	"fmt"
	"strconv"
	"sync"
)
⟦+⟧

type Sample struct {
	Name   string
	Values []float64
	Unit   *string
}

type Pipe struct {
	out    chan Sample
	mu     sync.Mutex
	closed bool
}
⟦+⟧

func (p *Pipe) ⟦c=Close|Stop|Close⟧() {
	close(p.out)
}

func (p *Pipe) Push(s Sample) {
	p.out <- s
}

func (s *Sample) Last() float64 {
	return s.Values[len(s.Values)-1]
}

func (s *Sample) UnitName() string {
	return *s.Unit
}
⟦+⟧

func Buckets[T any](n int) []T {
	return make([]T, n)
}

func Level(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		panic(err)
	}
	return n
}

func Check(s Sample) {
	if len(s.Values) > 2 {
		panic(fmt.Sprintf("series %s has %d values, 2 are allowed", s.Name, len(s.Values)))
	}
}

func Hash(parts []string) string {
	return parts[0][:8]
}

func New() *Pipe { return &Pipe{out: make(chan Sample, 8)} }

var _ = report.Word
//== agent/agent.go
package agent

import (
	"example.com/errors/pipe"
	"example.com/errors/report"
)
⟦+⟧

func Shutdown() {
	p := pipe.New()
	p.⟦c=Close|Stop|Close⟧()
	p.⟦c=Close|Stop|Close⟧()
}

func Late() {
	p := pipe.New()
	p.⟦c=Close|Stop|Close⟧()
	⟦l=p.Push(pipe.Sample{})|push(p)|p.Push(pipe.Sample{})⟧
}

func push(p *pipe.Pipe) { p.Push(pipe.Sample{}) }
⟦+⟧

func Latest() {
	(&pipe.Sample{Name: report.Word()}).Last()
}

func LatestOfAll() {
	for _, ⟦n=name|x|it⟧ := range []string{"a", "b"} {
		func() { (&pipe.Sample{Name: ⟦n=name|x|it⟧}).Last() }()
	}
}

func Units() string {
	s := &pipe.Sample{}
	return ⟦u=s.UnitName()|unit(s)|s.UnitName()⟧
}

//go:noinline
func unit(s *pipe.Sample) string { return s.UnitName() }
⟦+⟧

func Allocate() {
	pipe.Buckets[float64](-report.Number(1, 99))
}

func Configure() {
	pipe.Level(report.Word())
}

func Configured() {
	walk(func() { pipe.Level(report.Word()) })
}

func walk(call func()) { call() }

func Validate() {
	pipe.Check(pipe.Sample{Name: report.Word(), Values: make([]float64, report.Number(3, 99))})
}

func Key() { pipe.Hash([]string{"abc"}) }
//== main.go
package main

import (
	"example.com/errors/agent"
	"example.com/errors/report"
)

func start(call func()) { ⟦s=call()|loop(call)|call()⟧ }

func loop(call func()) {
	for {
		call()
	}
}

func main() {
	report.Defect("pipe-closed-twice", func() { start(agent.Shutdown) })
	report.Defect("push-after-close", func() { start(agent.Late) })
	report.Defect("sample-without-values", func() { start(⟦agent.Latest|agent.LatestOfAll|agent.LatestOfAll⟧) })
	report.Defect("sample-without-unit", func() { start(func() { agent.Units() }) })
	report.Defect("buckets-negative", func() { start(agent.Allocate) })
	report.Defect("level-not-a-number", func() { start(⟦agent.Configure|agent.Configured|agent.Configured⟧) })
	report.Defect("series-too-long", func() { start(agent.Validate) })
	report.Defect("key-too-short", func() { start(agent.Key) })
}
