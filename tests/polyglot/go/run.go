package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"polyglot/api"
)

const pause = 1.0 // seconds before a POST is sent again, if the answer does not say

type job struct {
	BaseURL   string `json:"base_url"`
	Key       string `json:"api_key"`
	Operation string
	Body      json.RawMessage
	MaxPosts  int `json:"max_posts"`
	Speed     float64
}

// run makes a video from start to file, over the network.
func run(input job) (object, error) {
	var last answer
	client, err := client(input.BaseURL, input.Key, keeping(&last))
	if err != nil {
		return nil, err
	}
	sleep := func(seconds float64) { time.Sleep(time.Duration(seconds / input.Speed * float64(time.Second))) }

	output := object{"outcome": "again"}
	posts, polls := 0, 0
	for ; output["outcome"] == "again" && posts < input.MaxPosts; posts++ {
		if posts > 0 {
			seconds, isSaid := output["after"].(float64)
			if !isSaid {
				seconds = pause
			}
			sleep(seconds)
		}
		_, _ = call(client, input.Operation, input.Body) // last says what came of it
		output = post(last)
	}
	id, isAccepted := output["request_id"].(string)
	if !isAccepted {
		if output["outcome"] == "refused" {
			output["outcome"] = "error"
		}
		output["posts"], output["polls"] = posts, polls
		return output, nil
	}

	var read *api.GetVideoResponse
	output = wait(as[float64](at(waiter, "timeout")), func() answer {
		read, _ = client.GetVideoWithResponse(context.Background(), id)
		return last
	}, sleep)
	output["request_id"], output["posts"] = id, posts
	if read == nil {
		return output, nil
	}
	switch {
	case read.JSON200 != nil && read.JSON200.Usage != nil:
		output["cost_in_usd_ticks"] = read.JSON200.Usage.CostInUsdTicks
	case read.JSON400 != nil && read.JSON400.Usage != nil:
		output["cost_in_usd_ticks"] = read.JSON400.Usage.CostInUsdTicks
	}
	url, hasFile := download(last)["url"].(string)
	if output["outcome"] != "done" || !hasFile {
		return output, nil
	}
	response, err := http.Get(url)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	digest := sha256.Sum256(content)
	output["url"], output["bytes"], output["sha256"] = url, len(content), hex.EncodeToString(digest[:])
	return output, err
}
