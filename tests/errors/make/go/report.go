// Package report says what OpenTelemetry's SDK for Go records of a panic or an error; values that differ from run to run.
package report

import (
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"reflect"
	"runtime"
	"strconv"
)

func seed() int64 {
	n, _ := strconv.ParseInt(os.Getenv("SEED"), 10, 64)
	return n
}

var run = rand.New(rand.NewSource(seed()))
var words = []string{"amber", "birch", "cobalt", "delta", "ember", "fjord", "garnet", "hazel", "indigo", "juniper", "kelp", "lilac", "maple"}

func Number(low, high int) int { return low + run.Intn(high-low) }
func Word() string             { return words[run.Intn(len(words))] + strconv.Itoa(Number(1, 99)) }
func Ident() string            { return fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", run.Uint32(), run.Intn(65536), run.Intn(4096), run.Intn(4096), run.Int63n(1<<47)) }

func typeOf(v any) string {
	t := reflect.TypeOf(v)
	if t.PkgPath() == "" && t.Name() == "" {
		return t.String()
	}
	return t.PkgPath() + "." + t.Name()
}

// Defect records the panic of call, with the goroutine's stack.
func Defect(defect string, call func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			v := recover()
			if v == nil {
				fmt.Fprintln(os.Stderr, "defect "+defect+" did not panic")
				os.Exit(1)
			}
			stack := make([]byte, 1<<14)
			stack = stack[:runtime.Stack(stack, false)]
			json.NewEncoder(os.Stdout).Encode(map[string]string{"defect": defect, "type": typeOf(v), "message": fmt.Sprint(v), "stacktrace": string(stack)})
		}()
		call()
	}()
	<-done
}

// Failure records an error that was returned: with the stack of where it was recorded, as trace.WithStackTrace does.
func Failure(defect string, err error) {
	if err == nil {
		fmt.Fprintln(os.Stderr, "defect "+defect+" did not fail")
		os.Exit(1)
	}
	json.NewEncoder(os.Stdout).Encode(map[string]string{"defect": defect, "type": typeOf(err), "message": err.Error(), "stacktrace": ""})
}
