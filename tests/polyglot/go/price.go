package main

import (
	"cmp"
	"strconv"
)

var pricing = document["x-pricing"]

// price is what a body costs at most.
func price(order order) object {
	given := present(order.Body)
	mode := as[string](choose(order.Call, given, findings{}))
	prices, limits := at(pricing, "models", modelOf(given)), at(modes, "modes", mode, "limits")
	if mode == "" || prices == nil {
		return object{"usd": nil}
	}
	longest := at(limits, "video", "max_seconds")
	input := as[float64](cmp.Or(order.InputSeconds, longest))
	seconds := as[float64](cmp.Or(given["duration"], at(limits, "duration", "default")))
	if at(pricing, "seconds", mode) == "input" {
		seconds = min(input, as[float64](longest))
	}
	images := 0
	for _, path := range texts(at(modes, "inputs", "image", "paths")) {
		_, values := items(given, path)
		images += len(values)
	}
	resolution := as[string](cmp.Or(given["resolution"], at(limits, "resolution", "default")))
	rate, isPriced := at(prices, "output_second", resolution).(float64)
	for _, other := range as[object](at(prices, "output_second")) {
		if !isPriced {
			rate = max(rate, as[float64](other))
		}
	}
	usd := 0.0
	for charge, amount := range map[string]float64{
		"output_second": seconds * rate,
		"input_image":   float64(images) * as[float64](at(prices, "input_image")),
		"input_second":  input * as[float64](at(prices, "input_second")),
	} {
		if has(at(pricing, "charges", mode), charge) {
			usd += amount
		}
	}
	if in(given)("storage_options") {
		longest := at(modes, "fields", "storage_options", "keys", "expires_after", "maximum")
		kept := as[float64](cmp.Or(at(given, "storage_options", "expires_after"), longest))
		gib := as[float64](at(pricing, "assume", "stored_bytes")) / (1 << 30)
		usd += as[float64](at(pricing, "storage", "gib_day")) * kept / 86400 * gib
	}
	return object{"usd": strconv.FormatFloat(usd, 'f', 10, 64)}
}
