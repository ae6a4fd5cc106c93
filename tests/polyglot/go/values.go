package main

import (
	"cmp"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

func isBlank(value any) bool {
	text, isText := value.(string)
	return isText && strings.Trim(text, "\t\n\v\f\r ") == ""
}

func isOf(types any, value any) bool {
	switch value := value.(type) {
	case string:
		return has(types, "string")
	case bool:
		return has(types, "boolean")
	case float64:
		return has(types, "number") || has(types, "integer") && value == math.Trunc(value)
	case []any:
		return has(types, "array")
	case object:
		return has(types, "object")
	}
	return false
}

// items are the field of a path such as keyframes[].image, and what stands there; each item of a list counts.
func items(body object, path string) (field string, values []any) {
	field, key, isList := strings.Cut(path, "[]")
	value, isGiven := body[field]
	if isGiven && !isList {
		return field, []any{value}
	}
	for _, item := range as[[]any](value) {
		if key != "" {
			item = at(item, key[1:])
		}
		values = append(values, item)
	}
	return field, values
}

// breaks tells whether a value is outside a limit.
func breaks(limit any, value any, inputSeconds any) bool {
	isOutside := func(amount float64, isKnown bool, least, most string) bool {
		low, hasLow := at(limit, least).(float64)
		high, hasHigh := at(limit, most).(float64)
		return isKnown && (hasLow && amount < low || hasHigh && amount > high)
	}
	number, isNumber := value.(float64)
	text, isText := value.(string)
	list, isList := value.([]any)
	seconds, isMeasured := inputSeconds.(float64)
	seconds, _ = strconv.ParseFloat(strconv.FormatFloat(seconds, 'f', 1, 64), 64)
	return isOutside(number, isNumber, "minimum", "maximum") ||
		isOutside(float64(utf8.RuneCountInString(text)), isText, "min_length", "max_length") ||
		isOutside(float64(len(list)), isList, "min_items", "max_items") ||
		isOutside(seconds, isMeasured, "min_seconds", "max_seconds") ||
		at(limit, "blank") == false && isBlank(value) ||
		at(limit, "values") != nil && !has(at(limit, "values"), value)
}

// keyFlaws are the confidences of the rules that the keys of an object break.
func keyFlaws(rules any, value any) (flaws []any) {
	given, isObject := value.(object)
	if rules == nil || !isObject {
		return nil
	}
	for key, value := range given {
		if value != nil && at(rules, key) == nil {
			flaws = append(flaws, certain)
		}
	}
	for key, rule := range rules.(object) {
		value := given[key]
		switch {
		case value == nil && at(rule, "required") == true, value != nil && !isOf(at(rule, "type"), value):
			flaws = append(flaws, certain)
		case value != nil && breaks(rule, value, nil):
			flaws = append(flaws, at(rule, "confidence"))
		default:
			flaws = append(flaws, keyFlaws(at(rule, "keys"), value)...)
		}
	}
	return flaws
}

// timeFlaws are those of the rules for times that the items of a list break.
func timeFlaws(limits any, field string, given object) (flaws []any) {
	times, slots := at(limits, field, "times"), map[float64]bool{}
	if times == nil {
		return nil
	}
	key, above, below := as[string](at(times, "key")), as[float64](at(times, "above")), as[string](at(times, "below"))
	end := as[float64](cmp.Or(given[below], at(limits, below, "default")))
	for _, item := range as[[]any](given[field]) {
		time, isNumber := at(item, key).(float64)
		slot := math.Floor(time*as[float64](at(times, "slots_per_second")) + 0.5)
		if !isNumber {
			flaws = append(flaws, certain)
			continue
		}
		if time <= above || time >= end || slots[slot] {
			flaws = append(flaws, at(limits, field, "confidence"))
		}
		slots[slot] = true
	}
	return flaws
}

// tagFlaws are those of tags in a text that name no item.
func tagFlaws(tags any, value any, all object) (flaws []any) {
	if tags == nil {
		return nil
	}
	first, last := at(tags, "first"), len(as[[]any](all[as[string](at(tags, "count_of"))]))
	for field, other := range as[object](at(tags, "first_beside")) {
		if in(all)(field) {
			first = other
		}
	}
	pattern := regexp.MustCompile(as[string](at(tags, "pattern")))
	for _, match := range pattern.FindAllStringSubmatch(as[string](value), -1) {
		if tag, _ := strconv.ParseFloat(match[1], 64); tag < as[float64](first) || tag > float64(last) {
			flaws = append(flaws, at(tags, "confidence"))
		}
	}
	return flaws
}

// judgeMedia finds what is wrong with images, videos, voices and destinations.
func judgeMedia(given object, found findings) {
	for _, kind := range as[object](at(modes, "inputs")) {
		for _, path := range texts(at(kind, "paths")) {
			field, values := items(given, path)
			for _, value := range values {
				confidence := flaw(kind, value)
				found.add(confidence != nil, confidence, "out_of_range", field, "x-modes.inputs")
			}
		}
	}
	voices := at(modes, "voices")
	custom := regexp.MustCompile(as[string](at(voices, "custom_pattern")))
	field, values := items(given, as[string](at(voices, "path")))
	for _, voice := range values {
		name, isText := voice.(string)
		isUnknown := isText && !has(at(voices, "presets"), name) && !custom.MatchString(name)
		found.add(isUnknown, at(voices, "custom_confidence"), "out_of_range", field, "x-modes.voices")
	}
}

// flaw is the confidence of the first rule that an image, video, voice or destination breaks, or nil.
func flaw(kind any, item any) any {
	names := kept(texts(at(kind, "one_of")), func(name string) bool { return at(item, name) != nil })
	if len(names) != 1 {
		return at(kind, "confidence")
	}
	value, isText := at(item, names[0]).(string)
	scheme, rest, _ := strings.Cut(value, ":")
	scheme = strings.ToLower(scheme)
	isURL := has(at(kind, "urls"), names[0])
	pattern := regexp.MustCompile("(?i)" + as[string](at(modes, "url_pattern")))
	switch {
	case !isText || isBlank(value) || isURL && !has(at(kind, "schemes"), scheme):
		return at(kind, "confidence")
	case !isURL:
		return nil
	case scheme == "data":
		head, text, _ := strings.Cut(rest, ",")
		mediaType, _, _ := strings.Cut(strings.ToLower(head), ";")
		text = strings.TrimSuffix(strings.TrimSuffix(text, "="), "=")
		most, isBounded := at(kind, "max_bytes").(float64)
		types := as[[]any](at(kind, "media_types"))
		if len(types) > 0 && !has(types, mediaType) || isBounded && float64(len(text)*3/4) > most {
			return at(kind, "confidence")
		}
		return nil
	case !pattern.MatchString(value):
		return at(kind, "confidence")
	}
	path := strings.ToLower(value[:strings.IndexAny(value+"?", "?#")])
	isEnd := func(suffix string) bool { return strings.HasSuffix(path, suffix) }
	if suffixes := texts(at(kind, "suffixes")); suffixes == nil || slices.ContainsFunc(suffixes, isEnd) {
		return nil
	}
	return at(kind, "suffix_confidence")
}
