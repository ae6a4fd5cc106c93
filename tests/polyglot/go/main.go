// The adapter of the conformance kit: JSON lines in, JSON lines out.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"reflect"
	"slices"
)

const base = "https://api.x.ai/v1"

// encode is the request that the generated client makes of a body.
func encode(input struct {
	Operation string
	Body      object
	ID        string `json:"request_id"`
}) (sent object, err error) {
	client, err := client(base, "", func(request *http.Request) (*http.Response, error) {
		sent = object{"method": request.Method, "path": request.URL.EscapedPath()}
		if request.Body != nil {
			var body json.RawMessage
			err = json.NewDecoder(request.Body).Decode(&body)
			sent["body"] = body
		}
		return &http.Response{Body: http.NoBody}, err
	})
	var argument any = present(input.Body)
	if input.ID != "" {
		argument = input.ID
	}
	if err == nil {
		_, err = call(client, input.Operation, argument)
	}
	return sent, err
}

// decode is what the generated client reads of an answer.
func decode(input struct {
	Operation string
	Status    int `json:"http_status"`
	Body      json.RawMessage
}) (any, error) {
	client, err := client(base, "", func(*http.Request) (*http.Response, error) {
		header := http.Header{"Content-Type": {"application/json"}}
		return &http.Response{StatusCode: input.Status, Header: header, Body: io.NopCloser(bytes.NewReader(input.Body))}, nil
	})
	if err != nil {
		return nil, err
	}
	read, err := call(client, input.Operation, nil)
	if err != nil {
		return nil, err
	}
	return object{"value": reflect.ValueOf(read).Elem().FieldByName(fmt.Sprint("JSON", input.Status)).Interface()}, nil
}

// waitVirtually waits on a clock that only the pauses move.
func waitVirtually(input struct {
	Timeout float64
	Answers []answer
}) object {
	polls := 0
	poll := func() answer {
		polls++
		return input.Answers[min(polls, len(input.Answers))-1]
	}
	return wait(input.Timeout, poll, func(float64) {})
}

type operation func(input []byte) (any, error)

// fallible is an operation by a function of its decoded input.
func fallible[I, O any](run func(I) (O, error)) operation {
	return func(content []byte) (any, error) {
		var input I
		if err := json.Unmarshal(content, &input); err != nil {
			return nil, err
		}
		return run(input)
	}
}

func pure[I any](run func(I) object) operation {
	return fallible(func(input I) (object, error) { return run(input), nil })
}

var operations = map[string]operation{
	"encode": fallible(encode), "decode": fallible(decode), "run": fallible(run), "wait": pure(waitVirtually),
	"check": pure(check), "price": pure(price), "look": pure(look), "post": pure(post), "download": pure(download),
}

func main() {
	lines, answers := bufio.NewReader(os.Stdin), json.NewEncoder(os.Stdout)
	names := slices.Sorted(maps.Keys(operations))
	err := answers.Encode(object{"adapter": "go", "generator": "oapi-codegen 2.8.2", "operations": names})
	for err == nil {
		var line []byte
		if line, err = lines.ReadBytes('\n'); err != nil {
			break
		}
		var request struct {
			ID, Operation string
			Input         json.RawMessage
		}
		if err = json.Unmarshal(line, &request); err != nil {
			break
		}
		answer := object{"id": request.ID}
		if output, err := operations[request.Operation](request.Input); err != nil {
			answer["error"] = err.Error()
		} else {
			answer["output"] = output
		}
		err = answers.Encode(answer)
	}
	if err != io.EOF {
		panic(err)
	}
}
