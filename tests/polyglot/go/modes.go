package main

import (
	"cmp"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// What the contract says of a body: x-modes and x-pricing. No field, mode or figure is named here, but what prices are for.
var modes, pricing = document["x-modes"], document["x-pricing"]

const certain, uncertain = "H", "M"

// finding is a kind, a field and a section.
type finding [3]string

// findings are the violations of certain rules and of others.
type findings struct{ refused, doubted map[finding]bool }

func (f findings) add(confidence any, kind, field, section string) {
	if confidence == certain {
		f.refused[finding{kind, field, section}] = true
	} else {
		f.doubted[finding{kind, field, section}] = true
	}
}

func sorted(found map[finding]bool) []finding {
	listed := slices.Collect(maps.Keys(found))
	slices.SortFunc(listed, func(a, b finding) int { return slices.Compare(a[:], b[:]) })
	return append([]finding{}, listed...)
}

// isAbsent tells whether a value is as good as left out.
func isAbsent(value any) bool {
	list, isList := value.([]any)
	return slices.ContainsFunc(as[[]any](at(modes, "absent")), func(absent any) bool {
		_, isEmpty := absent.([]any)
		return absent == nil && value == nil || isEmpty && isList && len(list) == 0
	})
}

func present(value any) object {
	given := maps.Clone(as[object](value))
	maps.DeleteFunc(given, func(_ string, value any) bool { return isAbsent(value) })
	return given
}

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
	default:
		return value != nil && has(types, "object")
	}
}

// items are the field of a path such as keyframes[].image, and the values at it; each item of a list counts.
func items(body object, path string) (field string, values []any) {
	field, rest, isList := strings.Cut(path, "[]")
	value, isGiven := body[field]
	if isGiven && !isList {
		return field, []any{value}
	}
	for _, item := range as[[]any](value) {
		if rest != "" {
			item = at(item, rest[1:])
		}
		values = append(values, item)
	}
	return field, values
}

// order is a body, the call that it is given to, and the length of its video, if that is known.
type order struct {
	Call         string
	Body         object
	InputSeconds any `json:"input_seconds"`
}

func check(order order) object {
	found, given := findings{map[finding]bool{}, map[finding]bool{}}, present(order.Body)
	mode := choose(order.Call, given, found)
	if mode != nil {
		checkMode(mode.(string), given, order.InputSeconds, found)
	}
	return object{"mode": mode, "refused": sorted(found.refused), "doubted": sorted(found.doubted)}
}

// choose is the mode that the fields select, or nil if they exclude each other.
func choose(call string, given object, found findings) any {
	served := texts(at(modes, "calls", call))
	selecting := func(mode string) []string {
		fields := texts(at(modes, "modes", mode, "selected_by"))
		return slices.DeleteFunc(fields, func(field string) bool { return given[field] == nil })
	}
	candidates := slices.DeleteFunc(slices.Clone(served), func(mode string) bool { return len(selecting(mode)) == 0 })
	if len(served) == 1 || len(candidates) == 0 {
		return served[0]
	}
	var fields, others []string
	for _, mode := range candidates {
		fields = append(fields, selecting(mode)...)
	}
	for _, mode := range candidates {
		rules := at(modes, "modes", mode)
		isRefused := func(field string) bool {
			return !has(at(rules, "required"), field) && !has(at(rules, "allowed"), field)
		}
		if !slices.ContainsFunc(fields, isRefused) {
			return mode
		}
	}
	for _, field := range fields {
		if at(modes, "modes", candidates[0], "forbidden", field) != nil {
			others = append(others, field)
		}
	}
	for _, field := range []string{fields[0], others[0]} {
		found.add(certain, "mode_conflict", field, "x-modes.modes."+candidates[0])
	}
	return nil
}

func modelOf(given object) string {
	name := as[string](cmp.Or(given["model"], at(modes, "default_model")))
	for model, rules := range as[object](at(modes, "models")) {
		if has(at(rules, "aliases"), name) {
			return model
		}
	}
	return name
}

func checkMode(mode string, all object, inputSeconds any, found findings) {
	rules, section := at(modes, "modes", mode), "x-modes.modes."+mode
	isGiven := func(field string) bool { return all[field] != nil }
	given := object{} // of a field with a wrong type nothing else is said
	for field, value := range all {
		switch types := at(modes, "fields", field, "type"); {
		case at(modes, "misnomers", "body", field) != nil:
			found.add(certain, "unknown_field", field, "x-modes.misnomers")
		case types == nil:
			found.add(certain, "unknown_field", field, "x-modes")
		case !isOf(types, value):
			found.add(certain, "out_of_range", field, section)
		default:
			given[field] = value
		}
	}

	name := modelOf(given)
	narrowed, narrowedSection := at(modes, "models", name, "modes", mode), "x-modes.models."+name+"."+mode
	if at(modes, "misnomers", "models", name) != nil {
		found.add(certain, "unknown_field", "model", "x-modes.misnomers")
	}
	if lacks := at(modes, "models", name, "lacks", mode); lacks != nil {
		found.add(at(lacks, "confidence"), "mode_conflict", "model", "x-modes.models."+name)
	}

	selectedBy := texts(at(rules, "selected_by"))
	for _, field := range texts(at(rules, "required")) {
		if !isGiven(field) {
			found.add(certain, "out_of_range", field, section)
		}
	}
	if len(selectedBy) > 0 && !slices.ContainsFunc(selectedBy, isGiven) {
		found.add(certain, "out_of_range", selectedBy[0], section)
	}
	for field, unless := range as[object](at(rules, "required_unless")) {
		if (!isGiven(field) || isBlank(all[field])) && !slices.ContainsFunc(texts(at(unless, "fields")), isGiven) {
			found.add(at(unless, "confidence"), "out_of_range", field, section)
		}
	}

	for field, value := range given {
		isBroken := func(limit any, section string) bool {
			if !breaks(limit, value, inputSeconds) {
				return false
			}
			with, confidence := texts(at(limit, "certain_with")), at(limit, "confidence")
			if has(at(limit, "uncertain_for"), name) || with != nil && !slices.ContainsFunc(with, isGiven) {
				confidence = uncertain
			}
			found.add(confidence, "out_of_range", field, section)
			return true
		}
		if forbidden := at(rules, "forbidden", field); forbidden != nil {
			found.add(at(forbidden, "confidence"), "mode_conflict", field, section)
		} else if forbidden := at(narrowed, "forbidden", field); forbidden != nil {
			found.add(at(forbidden, "confidence"), "mode_conflict", field, narrowedSection)
		}
		limit := at(rules, "limits", field)
		_ = isBroken(limit, section) || isBroken(at(narrowed, "limits", field), narrowedSection)
		out := func(section string) func(confidence any) {
			return func(confidence any) { found.add(confidence, "out_of_range", field, section) }
		}
		checkKeys(at(modes, "fields", field, "keys"), value, out("x-modes.fields."+field))
		checkTimes(limit, value, at(rules, "limits"), given, out(section+".limits."+field))
		checkTags(at(limit, "tags"), value, given, out(section+".limits."+field+".tags"))
	}
	checkMedia(given, found)
}

func breaks(limit any, value any, inputSeconds any) bool {
	isOutside := func(amount float64, least, most string) bool {
		low, hasLow := at(limit, least).(float64)
		high, hasHigh := at(limit, most).(float64)
		return hasLow && amount < low || hasHigh && amount > high
	}
	number, isNumber := value.(float64)
	text, isText := value.(string)
	seconds, isMeasured := inputSeconds.(float64)
	seconds, _ = strconv.ParseFloat(strconv.FormatFloat(seconds, 'f', 1, 64), 64)
	return isNumber && isOutside(number, "minimum", "maximum") ||
		isText && isOutside(float64(utf8.RuneCountInString(text)), "min_length", "max_length") ||
		isText && at(limit, "values") != nil && !has(at(limit, "values"), text) ||
		isMeasured && isOutside(seconds, "min_seconds", "max_seconds") ||
		isOutside(float64(len(as[[]any](value))), "", "max_items") ||
		at(limit, "blank") == false && isBlank(value)
}

func checkKeys(rules any, value any, report func(confidence any)) {
	members, isObject := value.(object)
	if rules == nil || !isObject {
		return
	}
	given := present(members)
	for key := range given {
		if at(rules, key) == nil {
			report(certain)
		}
	}
	for key, rule := range rules.(object) {
		switch value, isGiven := given[key]; {
		case !isGiven && at(rule, "required") == true, isGiven && !isOf(at(rule, "type"), value):
			report(certain)
		case isGiven && breaks(rule, value, nil):
			report(at(rule, "confidence"))
		default:
			checkKeys(at(rule, "keys"), value, report)
		}
	}
}

func checkTimes(limit any, value any, limits any, given object, report func(confidence any)) {
	times, slots := at(limit, "times"), map[float64]bool{}
	if times == nil {
		return
	}
	below := as[string](at(times, "below"))
	end := as[float64](cmp.Or(given[below], at(limits, below, "default")))
	for _, item := range as[[]any](value) {
		time, isNumber := at(item, as[string](at(times, "key"))).(float64)
		slot := math.Floor(time*as[float64](at(times, "slots_per_second")) + 0.5)
		if !isNumber {
			report(certain)
			continue
		}
		if time <= as[float64](at(times, "above")) || time >= end || slots[slot] {
			report(at(limit, "confidence"))
		}
		slots[slot] = true
	}
}

func checkTags(tags any, value any, given object, report func(confidence any)) {
	if tags == nil {
		return
	}
	first, last := at(tags, "first"), len(as[[]any](given[as[string](at(tags, "count_of"))]))
	for field, other := range as[object](at(tags, "first_beside")) {
		if given[field] != nil {
			first = other
		}
	}
	for _, found := range regexp.MustCompile(as[string](at(tags, "pattern"))).FindAllStringSubmatch(as[string](value), -1) {
		if tag, _ := strconv.ParseFloat(found[1], 64); tag < as[float64](first) || tag > float64(last) {
			report(at(tags, "confidence"))
		}
	}
}

func checkMedia(given object, found findings) {
	for _, kind := range as[object](at(modes, "inputs")) {
		for _, path := range texts(at(kind, "paths")) {
			field, values := items(given, path)
			for _, value := range values {
				if confidence := flaw(kind, value); confidence != nil {
					found.add(confidence, "out_of_range", field, "x-modes.inputs")
				}
			}
		}
	}
	voices := at(modes, "voices")
	custom := regexp.MustCompile(as[string](at(voices, "custom_pattern")))
	field, values := items(given, as[string](at(voices, "path")))
	for _, voice := range values {
		if name, isText := voice.(string); isText && !has(at(voices, "presets"), name) && !custom.MatchString(name) {
			found.add(at(voices, "custom_confidence"), "out_of_range", field, "x-modes.voices")
		}
	}
}

// flaw is the confidence of the first rule that an image, video, voice or destination breaks, or nil.
func flaw(kind any, item any) any {
	names := slices.DeleteFunc(texts(at(kind, "one_of")), func(name string) bool { return at(item, name) == nil })
	confidence := at(kind, "confidence")
	if len(names) != 1 {
		return confidence
	}
	value, isText := at(item, names[0]).(string)
	scheme, rest, _ := strings.Cut(value, ":")
	scheme = strings.ToLower(scheme)
	switch {
	case !isText || isBlank(value):
		return confidence
	case !has(at(kind, "urls"), names[0]):
		return nil
	case !has(at(kind, "schemes"), scheme):
		return confidence
	case scheme == "data":
		head, encoded, _ := strings.Cut(rest, ",")
		mediaType, _, _ := strings.Cut(strings.ToLower(head), ";")
		types := at(kind, "media_types")
		padding := len(encoded) - len(strings.TrimRight(encoded, "="))
		most, isBounded := at(kind, "max_bytes").(float64)
		isListed := len(as[[]any](types)) == 0 || has(types, mediaType)
		if !isListed || isBounded && float64(len(encoded)*3/4-padding) > most {
			return confidence
		}
		return nil
	case !regexp.MustCompile("(?i)" + as[string](at(modes, "url_pattern"))).MatchString(value):
		return confidence
	}
	path := strings.ToLower(value[:strings.IndexAny(value+"?", "?#")])
	suffixes := texts(at(kind, "suffixes"))
	if suffixes == nil || slices.ContainsFunc(suffixes, func(suffix string) bool { return strings.HasSuffix(path, suffix) }) {
		return nil
	}
	return at(kind, "suffix_confidence")
}

func price(order order) object {
	given := present(order.Body)
	mode := as[string](choose(order.Call, given, findings{map[finding]bool{}, map[finding]bool{}}))
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
	usd, charges := 0.0, at(pricing, "charges", mode)
	for charge, amount := range map[string]float64{
		"output_second": seconds * rate,
		"input_image":   float64(images) * as[float64](at(prices, "input_image")),
		"input_second":  input * as[float64](at(prices, "input_second")),
	} {
		if has(charges, charge) {
			usd += amount
		}
	}
	if given["storage_options"] != nil {
		longest := at(modes, "fields", "storage_options", "keys", "expires_after", "maximum")
		kept := as[float64](cmp.Or(at(given, "storage_options", "expires_after"), longest))
		gib := as[float64](at(pricing, "assume", "stored_bytes")) / (1 << 30)
		usd += as[float64](at(pricing, "storage", "gib_day")) * kept / 86400 * gib
	}
	return object{"usd": strconv.FormatFloat(usd, 'f', 10, 64)}
}
