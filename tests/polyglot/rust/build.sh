#!/bin/sh
# build.sh <openapi.json> <folder>: generates the client and compiles the adapter into <folder>/target.
set -eu
document=$1 build=$2
rustfmt --check --edition 2024 src/main.rs
mkdir -p "$build"
# What the client is made of: if nothing of it has changed, it is still good.
cat "$document" build.sh ../../../.venv/lib/python*/site-packages/openapi_generator_cli-*/METADATA >"$build/sources"
cmp -s "$build/sources" "$build/made-of" || {
    rm -rf "$build/client"
    ../../../.venv/bin/openapi-generator-cli generate --generator-name rust --skip-validate-spec \
        --input-spec "$document" --output "$build/client" \
        --additional-properties=packageName=grok_imagine_api,supportMiddleware=true >"$build/generator.log"
    cp "$build/sources" "$build/made-of"
}
# Cargo writes beside its manifest, so that has to be there. With its old time nothing is compiled again.
cp -p Cargo.toml "$build"
ln -sfn "$PWD/src" "$build/src"
cargo build --quiet --manifest-path "$build/Cargo.toml" --target-dir "$build/target"
