package main

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
)

// What the contract says of a body. The schema of the block describes each rule.
var modes = document["x-modes"]

const certain, uncertain = "H", "M"

// order is a body, the call that takes it, and the length of its video, if it is known.
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
		isValue := func(absent any) bool { return reflect.DeepEqual(absent, value) }
		return slices.ContainsFunc(as[[]any](at(modes, "absent")), isValue)
	})
	return given
}

// check tells the mode of a body, and the rules that it breaks.
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
		selecting := kept(texts(at(modes, "modes", mode, "selected_by")), in(given))
		if len(selecting) > 0 {
			candidates, fields = append(candidates, mode), append(fields, selecting...)
		}
	}
	if len(served) == 1 || candidates == nil {
		return served[0]
	}
	for _, mode := range candidates {
		rules := at(modes, "modes", mode)
		isTaken := func(field string) bool { return has(at(rules, "required"), field) || has(at(rules, "allowed"), field) }
		if len(kept(slices.Clone(fields), isTaken)) == len(fields) {
			return mode
		}
	}
	isForbidden := func(field string) bool { return at(modes, "modes", candidates[0], "forbidden", field) != nil }
	others := kept(slices.Clone(fields), isForbidden)
	for _, field := range append(fields[:1:1], others[:min(len(others), 1)]...) {
		found.add(true, certain, "mode_conflict", field, "x-modes.modes."+candidates[0])
	}
	return nil
}

// modelOf is the model of a body, by its own name.
func modelOf(given object) string {
	name := as[string](cmp.Or(given["model"], at(modes, "default_model")))
	for model, rules := range as[object](at(modes, "models")) {
		if has(at(rules, "aliases"), name) {
			return model
		}
	}
	return name
}

// judge finds the rules of a mode, and of the model, that a body breaks.
func judge(mode string, all object, inputSeconds any, found findings) {
	rules, section := at(modes, "modes", mode), "x-modes.modes."+mode
	isGiven, given := in(all), object{} // of a field with a wrong type nothing else is said
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
		isNarrower := forbids == nil && narrowerForbids != nil
		found.add(isNarrower, at(narrowerForbids, "confidence"), "mode_conflict", field, narrowedSection)
		limit, narrower := at(rules, "limits", field), at(narrowed, "limits", field)
		isBroken := breaks(limit, value, inputSeconds)
		isNarrower = !isBroken && breaks(narrower, value, inputSeconds)
		found.add(isBroken, confidence(limit), "out_of_range", field, section)
		found.add(isNarrower, confidence(narrower), "out_of_range", field, narrowedSection)
		for place, flaws := range map[string][]any{
			"x-modes.fields." + field:              keyFlaws(at(modes, "fields", field, "keys"), value),
			section + ".limits." + field:           timeFlaws(at(rules, "limits"), field, given),
			section + ".limits." + field + ".tags": tagFlaws(at(limit, "tags"), value, all),
		} {
			for _, flaw := range flaws {
				found.add(true, flaw, "out_of_range", field, place)
			}
		}
	}
	judgeMedia(given, found)
}
