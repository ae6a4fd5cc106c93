#!/bin/sh
# build.sh <openapi.json> <folder>: generates the types of the client and compiles the adapter into <folder>/dist.
set -eu
document=$1 build=$2
mkdir -p "$build"
cp -R package.json tsconfig.json src "$build"
cd "$build"
cmp -s package.json node_modules/package.json ||
    npm install --no-package-lock --no-audit --no-fund --loglevel=error
cp package.json node_modules/package.json
node_modules/.bin/openapi-typescript "$document" --output src/schema.d.ts
node_modules/.bin/tsc --project . --rootDir src --outDir dist
