#!/bin/sh
# build.sh <openapi.json> <folder>: generates the client and compiles the adapter into <folder>/classes.
set -eu
document=$1 build=$2
mkdir -p "$build"
cat pom.xml build.sh >"$build/wanted"
cmp -s "$build/wanted" "$build/installed" || {
    rm -rf "$build/lib" "$build/tools"
    maven="mvn --batch-mode --quiet -Dstyle.color=never org.apache.maven.plugins:maven-dependency-plugin:3.8.1"
    $maven:copy-dependencies -DoutputDirectory="$build/lib"
    $maven:copy -Dartifact=com.google.googlejavaformat:google-java-format:1.28.0:jar:all-deps -DoutputDirectory="$build/tools"
    cp "$build/wanted" "$build/installed"
}
exports=$(for part in api code file parser tree util; do echo "--add-exports=jdk.compiler/com.sun.tools.javac.$part=ALL-UNNAMED"; done)
java $exports -jar "$build"/tools/google-java-format-*.jar --dry-run --set-exit-if-changed src/adapter/*.java
# What the client is made of: if nothing of it has changed, it is still good.
cat "$document" build.sh ../../../.venv/lib/python*/site-packages/openapi_generator_cli-*/METADATA >"$build/sources"
cmp -s "$build/sources" "$build/made-of" || {
    rm -rf "$build/client"
    ../../../.venv/bin/openapi-generator-cli generate --generator-name java --library native --skip-validate-spec \
        --input-spec "$document" --output "$build/client" \
        --additional-properties=hideGenerationTimestamp=true,openApiNullable=false >"$build/generator.log"
    cp "$build/sources" "$build/made-of"
}
find "$build/client/src/main/java" src -name '*.java' >"$build/files"
rm -rf "$build/classes"
javac -nowarn -encoding UTF-8 --release 17 -d "$build/classes" -cp "$build/lib/*" "@$build/files"
