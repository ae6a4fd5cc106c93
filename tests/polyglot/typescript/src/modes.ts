/** What the contract says of a body: x-modes and x-pricing. No field, mode or figure is named here, but what prices are for. */
import { at, document, isObject, isText, type Json } from "./json.js";

const { "x-modes": modes, "x-pricing": pricing } = document;
const ABSENT = new Set<string>(modes.absent.map((value: Json) => JSON.stringify(value)));
const CERTAIN = "H";
const UNCERTAIN = "M";

type Finding = [kind: string, field: string, section: string];
type Report = (confidence: string, ...finding: Finding) => void;

/** Whether a value is as good as left out. */
export const isAbsent = (value: Json): boolean =>
  value === null || Array.isArray(value) ? ABSENT.has(JSON.stringify(value)) : value === undefined;
const present = (body: Json): Json => Object.fromEntries(Object.entries(body).filter(([, value]) => !isAbsent(value)));
const isBlank = (value: Json): boolean => typeof value === "string" && /^[\t-\r ]*$/.test(value);
const typesOf = (value: Json): string[] =>
  Number.isInteger(value) ? ["integer", "number"] : [isObject(value) || typeof value !== "object" ? typeof value : "array"];
const isOf = (types: string[], value: Json): boolean => typesOf(value).some((type) => types.includes(type));

/** The field of a path such as `keyframes[].image`, and the values at it; each item of a list counts. */
function items(body: Json, path: string): [field: string, values: Json[]] {
  const [field, rest] = path.split("[]") as [string, string?];
  if (!(field in body)) return [field, []];
  if (rest === undefined) return [field, [body[field]]];
  return [field, body[field].map((item: Json) => (rest ? at(item, rest.slice(1)) : item))];
}

export function check(call: string, body: Json, inputSeconds: number | null = null): Json {
  const found = { refused: new Set<string>(), doubted: new Set<string>() };
  const report: Report = (confidence, ...finding) =>
    found[confidence === CERTAIN ? "refused" : "doubted"].add(JSON.stringify(finding));
  const mode = choose(call, present(body), report);
  if (mode !== null) checkMode(mode, present(body), inputSeconds, report);
  const listed = (findings: Set<string>): Finding[] => [...findings].sort().map((finding) => JSON.parse(finding));
  return { mode, refused: listed(found.refused), doubted: listed(found.doubted) };
}

function choose(call: string, given: Json, report: Report): string | null {
  const served: string[] = modes.calls[call];
  const selecting = (mode: string): string[] => modes.modes[mode].selected_by.filter((field: string) => field in given);
  const takes = (mode: string): string[] => [...modes.modes[mode].required, ...modes.modes[mode].allowed];
  const candidates = served.filter((mode) => selecting(mode).length > 0);
  if (served.length === 1 || candidates.length === 0) return served[0]!;
  const fields = candidates.flatMap(selecting);
  const mode = candidates.find((candidate) => fields.every((field) => takes(candidate).includes(field)));
  if (mode) return mode;
  const first = candidates[0]!;
  const other = candidates.slice(1).flatMap(selecting).find((field) => field in modes.modes[first].forbidden);
  for (const field of [selecting(first)[0]!, other!]) report(CERTAIN, "mode_conflict", field, `x-modes.modes.${first}`);
  return null;
}

function modelOf(given: Json): string {
  const name = given.model ?? modes.default_model;
  return Object.keys(modes.models).find((model) => modes.models[model].aliases.includes(name)) ?? name;
}

function checkMode(mode: string, all: Json, inputSeconds: number | null, report: Report): void {
  const { fields, misnomers } = modes;
  const rules = modes.modes[mode];
  const section = `x-modes.modes.${mode}`;
  const isGiven = (field: string): boolean => field in all;
  const given: Json = {}; // of a field with a wrong type nothing else is said
  for (const [field, value] of Object.entries(all))
    if (!fields[field]) report(CERTAIN, "unknown_field", field, misnomers.body[field] ? "x-modes.misnomers" : "x-modes");
    else if (!isOf(fields[field].type, value)) report(CERTAIN, "out_of_range", field, section);
    else given[field] = value;

  const name = modelOf(given);
  const lacks = modes.models[name]?.lacks[mode];
  const narrowed = modes.models[name]?.modes[mode] ?? { forbidden: {}, limits: {} };
  const narrowedSection = `x-modes.models.${name}.${mode}`;
  if (misnomers.models[name]) report(CERTAIN, "unknown_field", "model", "x-modes.misnomers");
  if (lacks) report(lacks.confidence, "mode_conflict", "model", `x-modes.models.${name}`);

  const required: string[] = rules.required.filter((field: string) => !isGiven(field));
  if (rules.selected_by.length && !rules.selected_by.some(isGiven)) required.push(rules.selected_by[0]);
  for (const field of required) report(CERTAIN, "out_of_range", field, section);
  for (const [field, { fields: others, confidence }] of Object.entries<Json>(rules.required_unless ?? {}))
    if ((!isGiven(field) || isBlank(all[field])) && !others.some(isGiven))
      report(confidence, "out_of_range", field, section);

  for (const [field, value] of Object.entries<Json>(given)) {
    const isBroken = (limit: Json, place: string): boolean => {
      if (!limit || !breaks(limit, value, inputSeconds)) return false;
      const isSure = !limit.uncertain_for?.includes(name) && (limit.certain_with?.some(isGiven) ?? true);
      report(isSure ? limit.confidence : UNCERTAIN, "out_of_range", field, place);
      return true;
    };
    if (rules.forbidden[field]) report(rules.forbidden[field].confidence, "mode_conflict", field, section);
    else if (narrowed.forbidden[field])
      report(narrowed.forbidden[field].confidence, "mode_conflict", field, narrowedSection);
    if (!isBroken(rules.limits[field], section)) isBroken(narrowed.limits[field], narrowedSection);
    checkKeys(fields[field].keys, value, (confidence) =>
      report(confidence, "out_of_range", field, `x-modes.fields.${field}`),
    );
    const limit = rules.limits[field];
    const place = `${section}.limits.${field}`;
    if (limit?.times) checkTimes(limit, value, given[limit.times.below] ?? rules.limits[limit.times.below].default, (confidence) =>
      report(confidence, "out_of_range", field, place));
    if (limit?.tags && !areTagsKnown(limit.tags, value, given)) report(limit.tags.confidence, "out_of_range", field, `${place}.tags`);
  }
  checkMedia(given, report);
}

function breaks(limit: Json, value: Json, inputSeconds: number | null): boolean {
  const length = typeof value === "string" ? [...value].length : 0;
  const seconds = Number(inputSeconds?.toFixed(1)); // NaN, if it is not known, is never out of range
  return (
    (value < limit.minimum || value > limit.maximum) ||
    (length < limit.min_length || length > limit.max_length) ||
    (limit.blank === false && isBlank(value)) ||
    value.length > limit.max_items ||
    (limit.values && !limit.values.includes(value)) ||
    (seconds < limit.min_seconds || seconds > limit.max_seconds)
  );
}

function checkKeys(rules: Json, value: Json, report: (confidence: string) => void): void {
  if (!rules || !isObject(value)) return;
  const given = present(value);
  if (Object.keys(given).some((key) => !rules[key])) report(CERTAIN);
  for (const [key, rule] of Object.entries<Json>(rules)) {
    if (!(key in given)) { if (rule.required) report(CERTAIN); }
    else if (!isOf(rule.type, given[key])) report(CERTAIN);
    else if (breaks(rule, given[key], null)) report(rule.confidence);
    else checkKeys(rule.keys, given[key], report);
  }
}

function checkTimes({ times, confidence }: Json, list: Json[], end: number, report: (confidence: string) => void): void {
  const slots = new Set<number>();
  for (const item of list) {
    const time = at(item, times.key);
    const slot = Math.floor(time * times.slots_per_second + 0.5);
    if (typeof time !== "number") report(CERTAIN);
    else if (!(times.above < time && time < end) || slots.has(slot)) report(confidence);
    slots.add(slot);
  }
}

function areTagsKnown(tags: Json, text: string, given: Json): boolean {
  const beside = Object.keys(tags.first_beside).find((field) => field in given);
  const first = beside ? tags.first_beside[beside] : tags.first;
  const last = given[tags.count_of]?.length ?? 0;
  return [...text.matchAll(new RegExp(tags.pattern, "g"))].every(([, tag]) => first <= +tag! && +tag! <= last);
}

function checkMedia(given: Json, report: Report): void {
  for (const kind of Object.values<Json>(modes.inputs))
    for (const [field, values] of kind.paths.map((path: string) => items(given, path)))
      for (const confidence of values.map((value: Json) => flaw(kind, value)))
        if (confidence) report(confidence, "out_of_range", field, "x-modes.inputs");
  const { path, presets, custom_pattern, custom_confidence } = modes.voices;
  const [field, voices] = items(given, path);
  for (const voice of voices)
    if (typeof voice === "string" && !presets.includes(voice) && !new RegExp(custom_pattern).test(voice))
      report(custom_confidence, "out_of_range", field, "x-modes.voices");
}

/** The confidence of the first rule that an image, video, voice or destination breaks, if it breaks any. */
function flaw(kind: Json, item: Json): string | undefined {
  const names = kind.one_of.filter((name: string) => !isAbsent(at(item, name)));
  const value = names.length === 1 ? item[names[0]] : undefined;
  if (!isText(value) || isBlank(value)) return kind.confidence;
  if (!kind.urls.includes(names[0])) return undefined;
  const scheme = value.split(":", 1)[0]!.toLowerCase();
  if (!kind.schemes.includes(scheme)) return kind.confidence;
  if (scheme === "data") {
    const type = value.slice(5).split(/[;,]/, 1)[0]!.toLowerCase();
    const padding = value.length - value.replace(/={1,2}$/, "").length;
    const size = Math.floor(((value.length - value.indexOf(",") - 1) * 3) / 4) - padding;
    const isListed = kind.media_types.length === 0 || kind.media_types.includes(type);
    return !isListed || size > kind.max_bytes ? kind.confidence : undefined;
  }
  if (!new RegExp(modes.url_pattern, "i").test(value)) return kind.confidence;
  const path = value.split(/[?#]/, 1)[0]!.toLowerCase();
  const isEnding = kind.suffixes.length === 0 || kind.suffixes.some((suffix: string) => path.endsWith(suffix));
  return isEnding ? undefined : kind.suffix_confidence;
}

export function price(call: string, body: Json, inputSeconds: number | null = null): { usd: string | null } {
  const given = present(body);
  const mode = choose(call, given, () => {});
  const prices = pricing.models[modelOf(given)];
  if (mode === null || !prices) return { usd: null };
  const { limits } = modes.modes[mode];
  const input = inputSeconds ?? limits.video?.max_seconds ?? 0;
  const rate = prices.output_second[given.resolution ?? limits.resolution?.default];
  const rates = { ...prices, output_second: rate ?? Math.max(...Object.values<number>(prices.output_second)) };
  const amounts: Json = {
    output_second: pricing.seconds[mode] === "input" ? Math.min(input, limits.video.max_seconds) : (given.duration ?? limits.duration.default),
    input_image: modes.inputs.image.paths.flatMap((path: string) => items(given, path)[1]).length,
    input_second: input,
  };
  let usd = 0;
  for (const charge of pricing.charges[mode]) usd += (rates[charge] ?? 0) * amounts[charge];
  if (given.storage_options) {
    const seconds = given.storage_options.expires_after ?? modes.fields.storage_options.keys.expires_after.maximum;
    usd += pricing.storage.gib_day * (seconds / 86400) * (pricing.assume.stored_bytes / 2 ** 30);
  }
  return { usd: usd.toFixed(10) };
}
