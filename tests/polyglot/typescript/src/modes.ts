/** What the contract says of a body: x-modes and x-pricing. The schemas of these blocks describe each rule. */
import { at, document, isObject, isText, type Json } from "./json.js";

const { "x-modes": modes, "x-pricing": pricing } = document;
const ABSENT: string[] = modes.absent.map((value: Json) => JSON.stringify(value));
const [CERTAIN, UNCERTAIN] = ["H", "M"];

type Finding = [confidence: string, kind: string, field: string, section: string];
type Order = { call: string; body: Json; input_seconds?: number | null };

/** Whether a value is as good as left out. */
export const isAbsent = (value: Json): boolean => ABSENT.includes(JSON.stringify(value));
const present = (body: Json): Json => Object.fromEntries(Object.entries(body).filter(([, value]) => !isAbsent(value)));
const isBlank = (value: Json): boolean => typeof value === "string" && /^[\t-\r ]*$/.test(value);
const isOf = (types: string[], value: Json): boolean =>
  types.includes(Array.isArray(value) ? "array" : value === null ? "null" : typeof value) ||
  (typeof value === "number" && types.includes("integer") && Number.isInteger(value));

/** The field of a path such as `keyframes[].image`, and what stands there; each item of a list counts. */
function items(body: Json, path: string): [field: string, values: Json[]] {
  const [field, key] = path.split("[]") as [string, string?];
  if (key === undefined) return [field, field in body ? [body[field]] : []];
  const list: Json[] = Array.isArray(body[field]) ? body[field] : [];
  return [field, list.map((item) => (key ? at(item, key.slice(1)) : item))];
}

/** The mode of a body, and the rules that it breaks. */
export function check({ call, body, input_seconds }: Order): Json {
  const given = present(body);
  const { mode, conflict } = choose(call, given);
  const findings = mode === null ? conflict : [...judge(mode, given, input_seconds ?? undefined)];
  const told = (isCertain: boolean): string[][] => {
    const chosen = findings.filter(([confidence]) => (confidence === CERTAIN) === isCertain);
    return [...new Set(chosen.map(([, ...finding]) => JSON.stringify(finding)))].sort().map((text) => JSON.parse(text));
  };
  return { mode, refused: told(true), doubted: told(false) };
}

/** The mode that the fields select; null and two findings, if they exclude each other. */
function choose(call: string, given: Json): { mode: string | null; conflict: Finding[] } {
  const served: string[] = modes.calls[call];
  const selecting = (mode: string): string[] => modes.modes[mode].selected_by.filter((field: string) => field in given);
  const candidates = served.filter((mode) => selecting(mode).length > 0);
  if (served.length === 1 || candidates.length === 0) return { mode: served[0]!, conflict: [] };
  const fields = candidates.flatMap(selecting);
  const takes = (mode: string): string[] => [...modes.modes[mode].required, ...modes.modes[mode].allowed];
  const mode = candidates.find((name) => fields.every((field) => takes(name).includes(field))) ?? null;
  const { forbidden } = modes.modes[candidates[0]!];
  const pair = [fields[0]!, ...fields.filter((field) => field in forbidden).slice(0, 1)];
  const section = `x-modes.modes.${candidates[0]}`;
  return { mode, conflict: pair.map((field) => [CERTAIN!, "mode_conflict", field, section]) };
}

/** The model of a body, by its own name. */
function modelOf(given: Json): string {
  const name = given.model ?? modes.default_model;
  const alias = Object.keys(modes.models).find((model) => modes.models[model].aliases.includes(name));
  return alias ?? (isText(name) ? name : "");
}

/** The rules of a mode, and of the model, that a body breaks. */
function* judge(mode: string, all: Json, inputSeconds?: number): Generator<Finding> {
  const { fields, misnomers, models } = modes;
  const rules = modes.modes[mode];
  const section = `x-modes.modes.${mode}`;
  const isGiven = (field: string): boolean => field in all;
  const given: Json = {}; // of a field with a wrong type nothing else is said
  for (const [field, value] of Object.entries<Json>(all))
    if (misnomers.body[field]) yield [CERTAIN!, "unknown_field", field, "x-modes.misnomers"];
    else if (!fields[field]) yield [CERTAIN!, "unknown_field", field, "x-modes"];
    else if (!isOf(fields[field].type, value)) yield [CERTAIN!, "out_of_range", field, section];
    else given[field] = value;

  const name = modelOf(all);
  const lacks = models[name]?.lacks[mode];
  if (misnomers.models[name]) yield [CERTAIN!, "unknown_field", "model", "x-modes.misnomers"];
  if (lacks) yield [lacks.confidence, "mode_conflict", "model", `x-modes.models.${name}`];

  const selected = rules.selected_by.length === 0 || rules.selected_by.some(isGiven);
  for (const field of [...rules.required, ...(selected ? [] : [rules.selected_by[0]])])
    if (!isGiven(field)) yield [CERTAIN!, "out_of_range", field, section];
  for (const [field, unless] of Object.entries<Json>(rules.required_unless ?? {}))
    if ((!isGiven(field) || isBlank(all[field])) && !unless.fields.some(isGiven))
      yield [unless.confidence, "out_of_range", field, section];

  const confidence = (limit: Json): string =>
    limit.uncertain_for?.includes(name) || limit.certain_with?.some(isGiven) === false ? UNCERTAIN : limit.confidence;
  const levels: [Json, string][] = [[rules, section]];
  if (models[name]?.modes[mode]) levels.push([models[name].modes[mode], `x-modes.models.${name}.${mode}`]);
  for (const [field, value] of Object.entries<Json>(given)) {
    const forbids = levels.find(([{ forbidden }]) => forbidden[field]);
    if (forbids) yield [forbids[0].forbidden[field].confidence, "mode_conflict", field, forbids[1]];
    const narrow = levels.find(([{ limits }]) => breaks(limits[field], value, inputSeconds));
    if (narrow) yield [confidence(narrow[0].limits[field]), "out_of_range", field, narrow[1]];
    const inner: [Iterable<string>, string][] = [
      [keyFlaws(fields[field].keys, value), `x-modes.fields.${field}`],
      [timeFlaws(rules.limits, field, given), `${section}.limits.${field}`],
      [tagFlaws(rules.limits[field]?.tags, value, all), `${section}.limits.${field}.tags`],
    ];
    for (const [flaws, place] of inner) for (const flaw of flaws) yield [flaw, "out_of_range", field, place];
  }
  yield* mediaFlaws(given);
}

/** Whether a value is outside a limit. */
function breaks(limit: Json, value: Json, inputSeconds?: number): boolean {
  if (!limit) return false;
  const length = typeof value === "string" ? [...value].length : NaN;
  const seconds = Number(inputSeconds?.toFixed(1)); // of what is not known, NaN, nothing is true
  return (
    value < limit.minimum ||
    value > limit.maximum ||
    length < limit.min_length ||
    length > limit.max_length ||
    value.length > limit.max_items ||
    seconds < limit.min_seconds ||
    seconds > limit.max_seconds ||
    (limit.blank === false && isBlank(value)) ||
    limit.values?.includes(value) === false
  );
}

/** The confidences of the rules that the keys of an object break. */
function* keyFlaws(rules: Json, value: Json): Generator<string> {
  if (!rules || !isObject(value)) return;
  if (Object.keys(value).some((key) => value[key] !== null && !rules[key])) yield CERTAIN!;
  for (const [key, rule] of Object.entries<Json>(rules)) {
    const inner = value[key] ?? null;
    if (inner === null ? rule.required : !isOf(rule.type, inner)) yield CERTAIN!;
    else if (inner !== null && breaks(rule, inner)) yield rule.confidence;
    else yield* keyFlaws(rule.keys, inner);
  }
}

/** Those of the rules for times that the items of a list break. */
function* timeFlaws(limits: Json, field: string, given: Json): Generator<string> {
  const { times, confidence } = limits[field] ?? {};
  const slots = new Set<number>();
  for (const item of times ? given[field] : []) {
    const time = at(item, times.key);
    const slot = Math.floor(time * times.slots_per_second + 0.5);
    const end = given[times.below] ?? limits[times.below].default;
    if (typeof time !== "number") yield CERTAIN!;
    else if (time <= times.above || time >= end || slots.has(slot)) yield confidence;
    if (typeof time === "number") slots.add(slot);
  }
}

/** Those of tags in a text that name no item. */
function* tagFlaws(tags: Json, text: string, all: Json): Generator<string> {
  const beside = Object.keys(tags?.first_beside ?? {}).find((field) => field in all);
  const first = beside ? tags.first_beside[beside] : tags?.first;
  const last = items(all, `${tags?.count_of}[]`)[1].length;
  for (const [, number] of tags ? text.matchAll(new RegExp(tags.pattern, "g")) : [])
    if (+number! < first || +number! > last) yield tags.confidence;
}

/** What is wrong with images, videos, voices and destinations. */
function* mediaFlaws(given: Json): Generator<Finding> {
  for (const kind of Object.values<Json>(modes.inputs))
    for (const [field, values] of kind.paths.map((path: string) => items(given, path)))
      for (const confidence of values.map((value: Json) => flaw(kind, value)))
        if (confidence) yield [confidence, "out_of_range", field, "x-modes.inputs"];
  const { path, presets, custom_pattern, custom_confidence } = modes.voices;
  const [field, voices] = items(given, path);
  for (const voice of voices.filter((name) => typeof name === "string" && !presets.includes(name)))
    if (!new RegExp(custom_pattern).test(voice)) yield [custom_confidence, "out_of_range", field, "x-modes.voices"];
}

/** The confidence of the first rule that an image, video, voice or destination breaks, if it breaks any. */
function flaw(kind: Json, item: Json): string | undefined {
  const names = kind.one_of.filter((name: string) => (at(item, name) ?? null) !== null);
  const value = names.length === 1 ? item[names[0]] : undefined;
  if (!isText(value) || isBlank(value)) return kind.confidence;
  if (!kind.urls.includes(names[0])) return undefined;
  const scheme = value.split(":", 1)[0]!.toLowerCase();
  const isAny = (list: string[], is: (word: string) => boolean): boolean => list.length === 0 || list.some(is);
  if (!kind.schemes.includes(scheme)) return kind.confidence;
  if (scheme === "data") {
    const type = value.slice(5).split(/[;,]/, 1)[0]!.toLowerCase();
    const text = value.slice(value.indexOf(",") + 1 || value.length).replace(/={1,2}$/, "");
    const isTooLarge = Math.floor((text.length * 3) / 4) > kind.max_bytes;
    return isTooLarge || !isAny(kind.media_types, (word) => word === type) ? kind.confidence : undefined;
  }
  if (!new RegExp(modes.url_pattern, "i").test(value)) return kind.confidence;
  const path = value.split(/[?#]/, 1)[0]!.toLowerCase();
  return isAny(kind.suffixes, (word) => path.endsWith(word)) ? undefined : kind.suffix_confidence;
}

/** What a body costs at most. */
export function price({ call, body, input_seconds }: Order): { usd: string | null } {
  const given = present(body);
  const { mode } = choose(call, given);
  const prices = pricing.models[modelOf(given)];
  if (mode === null || !prices) return { usd: null };
  const { limits } = modes.modes[mode];
  const longest = limits.video?.max_seconds ?? 0;
  const input = input_seconds ?? longest;
  const duration = given.duration ?? limits.duration?.default;
  const rate = prices.output_second[given.resolution ?? limits.resolution?.default];
  const amounts: Json = {
    output_second: pricing.seconds[mode] === "input" ? Math.min(input, longest) : duration,
    input_image: modes.inputs.image.paths.flatMap((path: string) => items(given, path)[1]).length,
    input_second: input,
  };
  const rates = { ...prices, output_second: rate ?? Math.max(...Object.values<number>(prices.output_second)) };
  let usd = 0;
  for (const charge of pricing.charges[mode]) usd += (rates[charge] ?? 0) * amounts[charge];
  if (given.storage_options) {
    const seconds = given.storage_options.expires_after ?? modes.fields.storage_options.keys.expires_after.maximum;
    usd += pricing.storage.gib_day * (seconds / 86400) * (pricing.assume.stored_bytes / 2 ** 30);
  }
  return { usd: usd.toFixed(10) };
}
