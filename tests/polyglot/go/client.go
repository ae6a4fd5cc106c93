package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"polyglot/api"
)

// doer sends the requests of the generated client.
type doer func(*http.Request) (*http.Response, error)

func (do doer) Do(request *http.Request) (*http.Response, error) { return do(request) }

func client(baseURL string, key string, do doer) (*api.ClientWithResponses, error) {
	authorize := func(_ context.Context, request *http.Request) error {
		request.Header.Set("Authorization", "Bearer "+key)
		return nil
	}
	return api.NewClientWithResponses(baseURL, api.WithHTTPClient(do), api.WithRequestEditorFn(authorize))
}

// call sends the request of an operation: a POST with a body of the generated type, a GET with an id.
func call(client *api.ClientWithResponses, operation string, argument any) (any, error) {
	id, background := as[string](argument), context.Background()
	switch operation {
	case "generateVideo":
		return sent(client.GenerateVideoWithResponse, argument)
	case "editVideo":
		return sent(client.EditVideoWithResponse, argument)
	case "extendVideo":
		return sent(client.ExtendVideoWithResponse, argument)
	case "getVideo":
		return client.GetVideoWithResponse(background, id)
	case "getVideoModel":
		return client.GetVideoModelWithResponse(background, id)
	case "listVideoModels":
		return client.ListVideoModelsWithResponse(background)
	}
	return nil, fmt.Errorf("no operation %s", operation)
}

func sent[B, R any](send func(context.Context, B, ...api.RequestEditorFn) (R, error), body any) (any, error) {
	content, err := json.Marshal(body)
	var typed B
	if err == nil {
		err = json.Unmarshal(content, &typed)
	}
	if err != nil {
		return nil, err
	}
	return send(context.Background(), typed)
}

// keeping keeps each answer for the rules before the generated client reads it: that fails on an empty 202, and then
// gives neither the status nor the text.
func keeping(kept *answer) doer {
	plain := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return func(request *http.Request) (*http.Response, error) {
		*kept = answer{Failure: "lost"}
		response, err := plain.Do(request)
		if dial := (*net.OpError)(nil); errors.As(err, &dial) && dial.Op == "dial" {
			kept.Failure = "not_delivered"
		}
		if err != nil {
			return nil, err
		}
		defer response.Body.Close()
		content, err := io.ReadAll(response.Body)
		if err != nil {
			return nil, err
		}
		*kept = answer{Status: float64(response.StatusCode), Headers: map[string]string{}, Text: string(content)}
		for name := range response.Header {
			kept.Headers[strings.ToLower(name)] = response.Header.Get(name)
		}
		_ = json.Unmarshal(content, &kept.Body) // nothing in an empty 202, a page, a text
		response.Body = io.NopCloser(bytes.NewReader(content))
		return response, nil
	}
}
