//== plan/plan.go
package plan

import (
	"example.com/errors/report"
	"fmt"
	"time"
)
⟦+⟧

type Job struct {
	Name  string
	Needs []*Job
	Owner *Person
}

type Person struct{ Mail string }

type ErrCycle struct{ Job string }

func (e ErrCycle) Error() string { return "job " + e.Job + " needs itself" }
⟦+⟧

func (j *Job) ⟦v=Visit|Walk|Visit⟧(seen map[*Job]bool) {
	if seen[j] {
		panic(ErrCycle{j.Name})
	}
	seen[j] = true
	for _, need := range j.Needs {
		need.⟦v=Visit|Walk|Visit⟧(seen)
	}
}

func (j *Job) Mail() string {
	return j.Owner.Mail
}
⟦+⟧

func Slot(slots []string, n int) string {
	return slots[n]
}

func Every(d time.Duration) *time.Ticker {
	return time.NewTicker(d)
}

func Assign(workers map[string][]string, job string) {
	workers[job] = append(workers[job], job)
}

func Run(steps []func()) {
	for _, ⟦st=step|s|each⟧ := range steps {
		⟦st=step|s|each⟧()
	}
}

func Limit(n, max int) {
	if n > max {
		panic(fmt.Errorf("%d jobs at once, %d are allowed", n, max))
	}
}

func Window(text string) string {
	return text[3:report.Number(10, 90)]
}

func Env(v any) map[string]string {
	return v.(map[string]string)
}
//== cron/cron.go
package cron

import (
	"example.com/errors/plan"
	"example.com/errors/report"
)
⟦+⟧

func Order() {
	job := &plan.Job{Name: report.Word()}
	job.Needs = []*plan.Job{job}
	⟦o=sorted(job)|sortedBy(job)|sortedBy(job)⟧
}

func sortedBy(job *plan.Job) { sorted(job) }

func sorted(job *plan.Job) { job.⟦v=Visit|Walk|Visit⟧(map[*plan.Job]bool{}) }
⟦+⟧

func Notify() string {
	job := &plan.Job{}
	return ⟦m=job.Mail()|mail(job)|job.Mail()⟧
}

//go:noinline
func mail(job *plan.Job) string { return job.Mail() }

func NotifyAll() {
	for range 2 {
		func() { Notify() }()
	}
}

func Next() { plan.Slot([]string{"a"}, report.Number(1, 50)) }
⟦+⟧

func Tick() { plan.Every(0) }

func Hand() { plan.Assign(nil, report.Word()) }

func Steps() { plan.Run([]func(){nil}) }

func Burst() { plan.Limit(report.Number(10, 90), 5) }

func Bursts() { again(Burst) }

func again(call func()) { call() }

func Night() { plan.Window("abc") }

func Vars() { ⟦e=plan.Env(report.Number(1, 9))|vars(report.Number(1, 9))|plan.Env(report.Number(1, 9))⟧ }

func vars(v any) { plan.Env(v) }
//== main.go
package main

import (
	"example.com/errors/cron"
	"example.com/errors/report"
)

func start(call func()) { ⟦s=call()|traced(call)|call()⟧ }

func traced(call func()) {
	defer func() {}()
	call()
}

func main() {
	report.Defect("job-needs-itself", func() { start(cron.Order) })
	report.Defect("job-without-owner", func() { start(⟦func() { cron.Notify() }|cron.NotifyAll|cron.NotifyAll⟧) })
	report.Defect("slot-index", func() { start(cron.Next) })
	report.Defect("ticker-of-nothing", func() { start(cron.Tick) })
	report.Defect("workers-not-made", func() { start(cron.Hand) })
	report.Defect("step-is-nil", func() { start(cron.Steps) })
	report.Defect("jobs-at-once", func() { start(⟦cron.Burst|cron.Bursts|cron.Bursts⟧) })
	report.Defect("window-too-short", func() { start(cron.Night) })
	report.Defect("env-of-wrong-type", func() { start(cron.Vars) })
}
