#!/bin/sh
# Generates the client of a document and compiles the adapter with it: sh build.sh DOCUMENT BUILD
set -eu
document=$1 build=$2
mkdir -p "$build"
if ! cmp -s "$document" "$build/openapi.json"; then
	rm -rf "$build/client"
	../../../.venv/bin/openapi-generator-cli generate -g rust --skip-validate-spec \
		-i "$document" -o "$build/client" \
		--additional-properties=supportMiddleware=true,packageName=grok_imagine_api >"$build/generator.log"
	cp "$document" "$build/openapi.json"
fi
# Cargo writes beside its manifest, so the package lives in the build; a copy with its time keeps what was compiled.
cp -p Cargo.toml "$build/"
ln -sfn "$PWD/src" "$build/src"
cargo build --quiet --manifest-path "$build/Cargo.toml" --target-dir "$build/target"
