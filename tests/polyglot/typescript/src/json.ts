import { readFileSync } from "node:fs";

/** Any JSON. The x- blocks have JSON Schemas of their own, so that their types are not written again here. */
export type Json = any;

export const isObject = (value: Json): boolean => typeof value === "object" && value !== null && !Array.isArray(value);

/** Objects without a prototype: a model or a field may be called `constructor`, and is unknown all the same. */
const bare = (_: string, value: Json): Json => (isObject(value) ? Object.assign(Object.create(null), value) : value);

/** The compiled document, whose path is the program's argument. */
export const document: Json = JSON.parse(readFileSync(process.argv[2]!, "utf8"), bare);

export const isText = (value: Json): value is string => typeof value === "string" && value !== "";

/** The value at a path such as `video.url`. */
export const at = (value: Json, path: string): Json =>
  path.split(".").reduce((part, name) => (isObject(part) ? part[name] : undefined), value);
