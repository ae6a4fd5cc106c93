package main

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
)

type object = map[string]any

// in tells which fields an object has.
func in(body object) func(field string) bool {
	return func(field string) bool {
		_, isIn := body[field]
		return isIn
	}
}

// document is the compiled document, whose path is the program's argument.
var document = func() (document object) {
	content, err := os.ReadFile(os.Args[1])
	if err == nil {
		err = json.Unmarshal(content, &document)
	}
	if err != nil {
		panic(err)
	}
	return document
}()

// as is a JSON value as a T, or T's zero.
func as[T any](value any) T {
	typed, _ := value.(T)
	return typed
}

// texts are the items of a list of texts.
func texts(list any) (items []string) {
	for _, item := range as[[]any](list) {
		items = append(items, as[string](item))
	}
	return items
}

// at is the value under keys, or nil.
func at(value any, keys ...string) any {
	for _, key := range keys {
		value = as[object](value)[key]
	}
	return value
}

// find is the first text at one of the paths, such as video.url, or nothing.
func find(value any, paths any, read func(any) string) string {
	for _, path := range texts(paths) {
		if text := read(at(value, strings.Split(path, ".")...)); text != "" {
			return text
		}
	}
	return ""
}

// kept are the names that a condition holds of.
func kept(names []string, holds func(string) bool) []string {
	return slices.DeleteFunc(names, func(name string) bool { return !holds(name) })
}

func has(list any, value any) bool { return slices.Contains(as[[]any](list), value) }
