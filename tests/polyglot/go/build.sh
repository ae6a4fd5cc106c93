#!/bin/sh
# build.sh <openapi.json> <folder>: generates the client and compiles the adapter into <folder>.
set -eu
document=$1 build=$2
test -z "$(gofmt -l .)" || { gofmt -d . && exit 1; }
mkdir -p "$build/api"
rm -f "$build"/*.go
cp ./*.go go.mod go.sum oapi-codegen.yaml "$build"
cd "$build"
go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2 -config oapi-codegen.yaml "$document"
go build -o adapter .
