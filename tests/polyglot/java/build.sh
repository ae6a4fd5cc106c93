#!/bin/sh
# Generates the client of a document and compiles the adapter with it: sh build.sh DOCUMENT BUILD
set -eu
document=$1 build=$2
mkdir -p "$build"
if ! cmp -s pom.xml "$build/pom.xml"; then
	rm -rf "$build/lib"
	mvn --batch-mode --quiet -Dstyle.color=never org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
		-DoutputDirectory="$build/lib"
	cp pom.xml "$build/"
fi
if ! cmp -s "$document" "$build/openapi.json"; then
	rm -rf "$build/client"
	../../../.venv/bin/openapi-generator-cli generate -g java --library native --skip-validate-spec \
		-i "$document" -o "$build/client" \
		--additional-properties=hideGenerationTimestamp=true,openApiNullable=false >"$build/generator.log"
	cp "$document" "$build/openapi.json"
fi
find "$build/client/src/main/java" src -name '*.java' >"$build/sources"
rm -rf "$build/classes"
javac -nowarn -encoding UTF-8 --release 17 -d "$build/classes" -cp "$build/lib/*" "@$build/sources"
