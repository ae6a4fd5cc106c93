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

// What the contract says of a body: x-modes and x-pricing. The schemas of these blocks describe each rule.
var modes, pricing = document["x-modes"], document["x-pricing"]

const certain, uncertain = "H", "M"

type order struct {
	Call         string
	Body         object
	InputSeconds any `json:"input_seconds"`
}

// findings are violations by their confidence: "H" or another.
type findings map[bool][][]string

// add adds a kind, a field and a section, if a rule is broken.
func (f findings) add(isBroken bool, confidence any, finding ...string) {
	if isBroken {
		f[confidence == certain] = append(f[confidence == certain], finding)
	}
}

func (f findings) told(isCertain bool) [][]string {
	slices.SortFunc(f[isCertain], slices.Compare)
	return append([][]string{}, slices.CompactFunc(f[isCertain], slices.Equal)...)
}

// present is a body without the fields that are as good as left out.
func present(body object) object {
	given := maps.Clone(body)
	maps.DeleteFunc(given, func(_ string, value any) bool {
		list, isList := value.([]any)
		return value == nil && has(at(modes, "absent"), nil) || isList && len(list) == 0 && len(as[[]any](at(modes, "absent"))) > 1
	})
	return given
}

func isBlank(value any) bool {
	text, isText := value.(string)
	return isText && strings.Trim(text, "\t\n\v\f\r ") == ""
}

func isOf(types any, value any) bool {
	number, isNumber := value.(float64)
	name := map[bool]string{isNumber: "number"}[true]
	switch value.(type) {
	case string:
		name = "string"
	case bool:
		name = "boolean"
	case []any:
		name = "array"
	case object:
		name = "object"
	}
	return has(types, name) || has(types, "integer") && isNumber && number == math.Trunc(number)
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

func check(order order) object {
	given, found := present(order.Body), findings{}
	mode := choose(order.Call, given, found)
	if mode != nil {
		judge(mode.(string), given, order.InputSeconds, found)
	}
	return object{"mode": mode, "refused": found.told(true), "doubted": found.told(false)}
}

// choose is the mode that the fields select, or nil if they exclude each other.
func choose(call string, given object, found findings) any {
	served := texts(at(modes, "calls", call))
	var candidates, fields []string
	for _, mode := range served {
		selecting := slices.DeleteFunc(texts(at(modes, "modes", mode, "selected_by")), func(field string) bool { return given[field] == nil })
		if len(selecting) > 0 {
			candidates, fields = append(candidates, mode), append(fields, selecting...)
		}
	}
	if len(served) == 1 || candidates == nil {
		return served[0]
	}
	isForbidden := func(mode string) func(string) bool {
		return func(field string) bool { return at(modes, "modes", mode, "forbidden", field) != nil }
	}
	for _, mode := range candidates {
		if !slices.ContainsFunc(fields, isForbidden(mode)) {
			return mode
		}
	}
	other := fields[slices.IndexFunc(fields, isForbidden(candidates[0]))]
	found.add(true, certain, "mode_conflict", fields[0], "x-modes.modes."+candidates[0])
	found.add(true, certain, "mode_conflict", other, "x-modes.modes."+candidates[0])
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

func judge(mode string, all object, inputSeconds any, found findings) {
	rules, section := at(modes, "modes", mode), "x-modes.modes."+mode
	isGiven := func(field string) bool { return all[field] != nil }
	given := object{} // of a field with a wrong type nothing else is said
	for field, value := range all {
		types, misnomer := at(modes, "fields", field, "type"), at(modes, "misnomers", "body", field)
		found.add(misnomer != nil, certain, "unknown_field", field, "x-modes.misnomers")
		found.add(misnomer == nil && types == nil, certain, "unknown_field", field, "x-modes")
		found.add(types != nil && !isOf(types, value), certain, "out_of_range", field, section)
		if types != nil && isOf(types, value) {
			given[field] = value
		}
	}

	name := modelOf(all)
	lacks, narrowed := at(modes, "models", name, "lacks", mode), at(modes, "models", name, "modes", mode)
	narrowedSection := "x-modes.models." + name + "." + mode
	found.add(at(modes, "misnomers", "models", name) != nil, certain, "unknown_field", "model", "x-modes.misnomers")
	found.add(lacks != nil, at(lacks, "confidence"), "mode_conflict", "model", "x-modes.models."+name)

	for _, field := range texts(at(rules, "required")) {
		found.add(!isGiven(field), certain, "out_of_range", field, section)
	}
	if selectedBy := texts(at(rules, "selected_by")); len(selectedBy) > 0 {
		found.add(!slices.ContainsFunc(selectedBy, isGiven), certain, "out_of_range", selectedBy[0], section)
	}
	for field, unless := range as[object](at(rules, "required_unless")) {
		isMissing := (!isGiven(field) || isBlank(all[field])) && !slices.ContainsFunc(texts(at(unless, "fields")), isGiven)
		found.add(isMissing, at(unless, "confidence"), "out_of_range", field, section)
	}

	confidence := func(limit any) any {
		with := texts(at(limit, "certain_with"))
		if has(at(limit, "uncertain_for"), name) || with != nil && !slices.ContainsFunc(with, isGiven) {
			return uncertain
		}
		return at(limit, "confidence")
	}
	for field, value := range given {
		forbids, narrowerForbids := at(rules, "forbidden", field), at(narrowed, "forbidden", field)
		found.add(forbids != nil, at(forbids, "confidence"), "mode_conflict", field, section)
		found.add(forbids == nil && narrowerForbids != nil, at(narrowerForbids, "confidence"), "mode_conflict", field, narrowedSection)
		limit, narrower := at(rules, "limits", field), at(narrowed, "limits", field)
		isBroken := breaks(limit, value, inputSeconds)
		found.add(isBroken, confidence(limit), "out_of_range", field, section)
		found.add(!isBroken && breaks(narrower, value, inputSeconds), confidence(narrower), "out_of_range", field, narrowedSection)
		for place, flaws := range map[string][]any{
			"x-modes.fields." + field:              keyFlaws(at(modes, "fields", field, "keys"), value),
			section + ".limits." + field:           timeFlaws(at(rules, "limits"), field, given),
			section + ".limits." + field + ".tags": tagFlaws(at(limit, "tags"), value, given),
		} {
			for _, flaw := range flaws {
				found.add(true, flaw, "out_of_range", field, place)
			}
		}
	}
	judgeMedia(given, found)
}

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

func keyFlaws(rules any, value any) (flaws []any) {
	given, isObject := value.(object)
	if rules == nil || !isObject {
		return nil
	}
	for key := range given {
		if at(rules, key) == nil {
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

func tagFlaws(tags any, value any, given object) (flaws []any) {
	if tags == nil {
		return nil
	}
	first, last := at(tags, "first"), len(as[[]any](given[as[string](at(tags, "count_of"))]))
	for field, other := range as[object](at(tags, "first_beside")) {
		if given[field] != nil {
			first = other
		}
	}
	for _, match := range regexp.MustCompile(as[string](at(tags, "pattern"))).FindAllStringSubmatch(as[string](value), -1) {
		if tag, _ := strconv.ParseFloat(match[1], 64); tag < as[float64](first) || tag > float64(last) {
			flaws = append(flaws, at(tags, "confidence"))
		}
	}
	return flaws
}

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
	names := slices.DeleteFunc(texts(at(kind, "one_of")), func(name string) bool { return at(item, name) == nil })
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
	suffixes := texts(at(kind, "suffixes"))
	if suffixes == nil || slices.ContainsFunc(suffixes, func(suffix string) bool { return strings.HasSuffix(path, suffix) }) {
		return nil
	}
	return at(kind, "suffix_confidence")
}

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
	if given["storage_options"] != nil {
		longest := at(modes, "fields", "storage_options", "keys", "expires_after", "maximum")
		kept := as[float64](cmp.Or(at(given, "storage_options", "expires_after"), longest))
		gib := as[float64](at(pricing, "assume", "stored_bytes")) / (1 << 30)
		usd += as[float64](at(pricing, "storage", "gib_day")) * kept / 86400 * gib
	}
	return object{"usd": strconv.FormatFloat(usd, 'f', 10, 64)}
}
