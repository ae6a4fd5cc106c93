package main

import (
	"cmp"
	"encoding/json"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What the contract says of an answer: x-errors and x-waiter.
var failures, waiter = document["x-errors"], document["x-waiter"]

// answer is an answer of the API, or why there is none. Text is a body that is not JSON.
type answer struct {
	Status  float64 `json:"http_status"`
	Headers map[string]string
	Body    any
	Text    string
	Failure string
}

func (a answer) isSuccess() bool { return a.Status >= 200 && a.Status < 300 }

func mentions(text string, parts any) bool {
	return slices.ContainsFunc(texts(parts), func(part string) bool {
		return strings.Contains(strings.ToLower(text), strings.ToLower(part))
	})
}

// rule is the rule of a failure; of a success, what holds if it can't be read.
func (a answer) rule() any {
	if a.isSuccess() {
		a.Failure = "unreadable"
	}
	if a.Failure != "" {
		rule := maps.Clone(as[object](at(failures, "failures", a.Failure)))
		rule["kind"] = a.Failure
		return rule
	}
	code := find(a.Body, at(failures, "bodies", "code"), func(code any) string {
		if number, isNumber := code.(float64); isNumber && number == math.Trunc(number) {
			return strconv.FormatFloat(number, 'f', 0, 64)
		}
		return as[string](code)
	})
	text := find(a.Body, at(failures, "bodies", "text"), as[string])
	if body, err := json.Marshal(a.Body); err == nil {
		text = cmp.Or(text, a.Text, string(body))
	}
	for _, kind := range as[[]any](at(failures, "kinds")) {
		codes, parts := at(kind, "code"), at(kind, "text")
		isKind := (codes == nil || has(codes, code)) && (parts == nil || mentions(text, parts))
		if at(kind, "http_status") == a.Status && isKind {
			return kind
		}
	}
	for _, span := range as[[]any](at(failures, "unlisted")) {
		if as[float64](at(span, "from")) <= a.Status && a.Status <= as[float64](at(span, "to")) {
			return span
		}
	}
	return nil
}

// post tells whether a job exists, and whether a POST may be sent again.
func post(a answer) object {
	rule := a.rule()
	id := as[string](at(a.Body, "request_id"))
	if a.isSuccess() && id != "" {
		return object{"outcome": "accepted", "request_id": id}
	}
	cost := at(a.Body, "usage", "cost_in_usd_ticks")
	isBilled := cost != nil && cost != 0.0 && cost != false
	switch {
	case at(rule, "post") == "unknown" || (at(rule, "kind") == "other" && id != ""):
		return object{"outcome": "unknown"}
	case at(rule, "post") == "again" && !isBilled:
		return object{"outcome": "again", "after": a.retryAfter()}
	}
	return object{"outcome": "refused", "kind": at(rule, "kind")}
}

// look tells what the answer to a poll means.
func look(a answer) object {
	acceptors := as[[]any](at(waiter, "acceptors"))
	isNamed := slices.ContainsFunc(acceptors, func(acceptor any) bool {
		return at(acceptor, "when", "http_status", "equals") == a.Status
	})
	facts, rule := object{"http_status": a.Status}, a.rule()
	if a.isSuccess() && !isNamed {
		facts["http_status"] = at(waiter, "other_success")
	} else if !a.isSuccess() {
		facts["error_kind"] = at(rule, "kind")
	}
	_, isObject := a.Body.(object)
	fails := func(path string, matcher any) bool {
		value, isFact := facts[path]
		if !isFact {
			value = at(a.Body, strings.Split(path, ".")...)
		}
		equals, parts, text := at(matcher, "equals"), at(matcher, "mentions"), as[string](value)
		return !isFact && !isObject || equals != nil && value != equals || parts != nil && !mentions(text, parts) ||
			at(matcher, "is") == "present" && text == "" || at(matcher, "is") == "missing" && text != ""
	}
	for _, acceptor := range acceptors {
		holds := true
		for path, matcher := range as[object](at(acceptor, "when")) {
			holds = holds && !fails(path, matcher)
		}
		if verdict := (object{"outcome": at(acceptor, "outcome")}); holds {
			if at(acceptor, "warn") == "once" {
				verdict["warn"] = true
			}
			return verdict
		}
	}
	if at(rule, "get") == "again" {
		return object{"outcome": "again"}
	}
	return object{"outcome": "error", "kind": at(rule, "kind")}
}

func (a answer) retryAfter() any {
	if seconds, err := strconv.ParseUint(a.Headers["retry-after"], 10, 32); err == nil {
		return float64(seconds)
	}
	until, err := http.ParseTime(a.Headers["retry-after"])
	if err != nil {
		return nil
	}
	sent, err := http.ParseTime(a.Headers["date"])
	if err != nil {
		sent = time.Now()
	}
	return max(until.Sub(sent).Seconds(), 0)
}

// wait looks until the job has ended or the time is up. The age of the job is the sum of the pauses.
func wait(timeout float64, poll func() answer, sleep func(seconds float64)) object {
	number := func(keys ...string) float64 { return as[float64](at(waiter, keys...)) }
	last := timeout - min(number("last_poll", "before_end"), timeout*number("last_poll", "part"))
	every := func(age float64) float64 {
		for _, row := range as[[]any](at(waiter, "schedule")) {
			if until, isBounded := at(row, "until").(float64); !isBounded || age < until {
				return as[float64](at(row, "every"))
			}
		}
		return 0
	}
	var pauses []float64
	for age, pause := 0.0, every(0); ; {
		isLast := age+pause >= last
		if isLast {
			pause = last - age
		}
		sleep(pause)
		pauses, age = append(pauses, pause), age+pause
		answer := poll()
		verdict := look(answer)
		verdict["polls"], verdict["pauses"] = len(pauses), pauses
		pause = every(age)
		switch verdict["outcome"] {
		case "running":
		case "again":
			asked := min(as[float64](answer.retryAfter()), number("failed_poll", "longest_retry_after"))
			pause = max(min(pause, number("failed_poll", "longest_pause")), asked)
		default:
			return verdict
		}
		if isLast {
			return object{"outcome": "timeout", "polls": len(pauses), "pauses": pauses}
		}
	}
}

// download tells where a finished job's file is.
func download(answer answer) object {
	var url any
	if found := find(answer.Body, at(waiter, "result", "url"), as[string]); found != "" {
		url = found
	}
	return object{"url": url, "authorization": at(waiter, "result", "authorization") != "never"}
}
