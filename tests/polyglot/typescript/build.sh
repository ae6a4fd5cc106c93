#!/bin/sh
# build.sh <openapi.json> <folder>: generates the types of the client and compiles the adapter into <folder>/dist.
set -eu
document=$1 build=$2
mkdir -p "$build"
rm -rf "$build/src"
cp -R package.json tsconfig.json src "$build"
cd "$build"
# The date pins what the packages of package.json need, as a lock file would, which records hosts.
cmp -s package.json installed.json || {
    npm install --before=2026-11-20 --no-package-lock --no-audit --no-fund --loglevel=error
    cp package.json installed.json
}
node_modules/.bin/prettier --check src
node_modules/.bin/openapi-typescript "$document" --output src/schema.ts
node_modules/.bin/tsc --project .
