package main

import (
	"encoding/json"
	"math/rand"
	"net/http"
	"strings"
	"sync"
	"time"
)

// rule says which requests meet which harm. The first rule that fits a request is the one that fires.
type rule struct {
	Index       []int   `json:"index"`       // numbers of requests; none: all
	Kind        string  `json:"kind"`        // "GET", "PUT_IF_ABSENT" ...; empty: all
	Path        string  `json:"path"`        // a part of the path and query; empty: all
	Probability float64 `json:"probability"` // 0: always
	Times       int     `json:"times"`       // fires at most so often; 0: no limit
	// What is done: "delay" (only delay_ms), "reset_before", "reset_after" (the server has done it), "status", "status_after",
	// "hang_before", "hang_after" (hang_ms, then a reset), "cut_request", "cut_answer" (half the body).
	Action  string `json:"action"`
	Status  int    `json:"status"`
	DelayMs int    `json:"delay_ms"`
	HangMs  int    `json:"hang_ms"`
	fired   int
}

type entry struct {
	Index  int     `json:"index"`
	Kind   string  `json:"kind"`
	Path   string  `json:"path"`
	Action string  `json:"action,omitempty"`
	Status int     `json:"status"` // the server's; 0: it was not asked, or did not answer
	Ms     float64 `json:"ms"`
	began  time.Time
}

const logEntriesMax = 200000

type state struct {
	lock     sync.Mutex
	rules    []*rule
	latency  time.Duration
	random   *rand.Rand
	kinds    map[string]int
	statuses map[int]int
	entries  []*entry
	requests int
	open     int // requests under way
	openMax  int
	fired    int
	sent     int64 // bytes of bodies, client to server
	received int64
}

func (r *rule) fits(index int, kind, path string, random *rand.Rand) bool {
	if r.Times > 0 && r.fired >= r.Times || r.Kind != "" && r.Kind != kind || r.Path != "" && !strings.Contains(path, r.Path) {
		return false
	}
	if len(r.Index) > 0 {
		found := false
		for _, wanted := range r.Index {
			found = found || wanted == index
		}
		if !found {
			return false
		}
	}
	return r.Probability == 0 || random.Float64() < r.Probability
}

func (s *state) begin(kind, path string) (*entry, *rule, time.Duration) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.reserve()
	one := &entry{Index: s.requests, Kind: kind, Path: path, began: time.Now()}
	s.requests++
	s.kinds[kind]++
	s.open++
	s.openMax = max(s.openMax, s.open)
	if len(s.entries) < logEntriesMax {
		s.entries = append(s.entries, one)
	}
	for _, r := range s.rules {
		if r.fits(one.Index, kind, path, s.random) {
			r.fired++
			s.fired++
			one.Action = r.Action
			copied := *r
			return one, &copied, s.latency
		}
	}
	return one, nil, s.latency
}

func (s *state) end(one *entry, status int, sent, received int64) {
	s.lock.Lock()
	defer s.lock.Unlock()
	one.Status = status
	one.Ms = float64(time.Since(one.began).Microseconds()) / 1000
	s.open--
	s.statuses[status]++
	s.sent += sent
	s.received += received
}

func (s *state) reserve() {
	if s.kinds == nil {
		s.kinds, s.statuses, s.random = map[string]int{}, map[int]int{}, rand.New(rand.NewSource(1))
	}
}

func (s *state) handler() http.Handler {
	mux := http.NewServeMux()
	answer := func(path string, act func(r *http.Request) (any, error)) {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			s.lock.Lock()
			defer s.lock.Unlock()
			s.reserve()
			what, err := act(r)
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			json.NewEncoder(w).Encode(what)
		})
	}
	answer("GET /counts", func(*http.Request) (any, error) {
		return map[string]any{"requests": s.requests, "kinds": s.kinds, "statuses": s.statuses, "fired": s.fired, "bytes_sent": s.sent,
			"bytes_received": s.received, "open": s.open, "open_max": s.openMax}, nil
	})
	answer("GET /log", func(*http.Request) (any, error) { return s.entries, nil })
	answer("POST /reset", func(*http.Request) (any, error) { // counts and numbers begin again; rules stay
		s.kinds, s.statuses, s.entries, s.requests, s.fired, s.sent, s.received, s.openMax = map[string]int{}, map[int]int{}, nil, 0, 0, 0, 0, s.open
		return true, nil
	})
	answer("POST /rules", func(r *http.Request) (any, error) {
		var asked struct {
			Rules []*rule `json:"rules"`
			Seed  int64   `json:"seed"`
		}
		decoder := json.NewDecoder(r.Body)
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&asked); err != nil {
			return nil, err
		}
		s.rules, s.random = asked.Rules, rand.New(rand.NewSource(asked.Seed))
		return true, nil
	})
	answer("POST /latency", func(r *http.Request) (any, error) {
		var ms float64
		if err := json.NewDecoder(r.Body).Decode(&ms); err != nil {
			return nil, err
		}
		s.latency = time.Duration(ms * float64(time.Millisecond))
		return true, nil
	})
	return mux
}
