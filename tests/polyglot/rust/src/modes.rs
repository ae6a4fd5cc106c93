//! The mode of a body, what the contract says against it, and its price: `x-modes` and `x-pricing`.

use crate::json::{Object, Value, at, has, json, list, members, number, text, texts};
use regex_lite::Regex;
use std::{cell::RefCell, collections::BTreeSet};

const CERTAIN: &str = "H";

/// A body without the fields that are as good as left out.
fn present(modes: &Value, body: &Value) -> Object {
    let is_present = |value: &Value| !list(&modes["absent"]).contains(value);
    members(body).filter(|(_, value)| is_present(value)).map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The field of a path such as `keyframes[].image`, and the values there; a member that an item lacks is null.
fn items<'a>(body: &'a Object, path: &'a str) -> (&'a str, Vec<&'a Value>) {
    let Some((field, member)) = path.split_once("[]") else { return (path, body.get(path).into_iter().collect()) };
    let items = body.get(field).map_or(&[][..], list).iter();
    (field, items.map(|item| member.strip_prefix('.').map_or(item, |member| at(item, member))).collect())
}

/// The mode that the fields select, or the findings where they select modes that exclude each other.
fn choose<'a>(modes: &'a Value, call: &str, body: &Object) -> Result<&'a str, Value> {
    let rules = |mode: &str| &modes["modes"][mode];
    let selecting = |mode: &str| texts(&rules(mode)["selected_by"]).find(|field| body.contains_key(*field));
    let served: Vec<_> = texts(&modes["calls"][call]).collect();
    let candidates: Vec<_> = served.iter().copied().filter(|mode| selecting(mode).is_some()).collect();
    if served.len() == 1 || candidates.is_empty() {
        return Ok(served[0]);
    }
    let fields = |mode: &&'a str| texts(&rules(mode)["selected_by"]).filter(|field| body.contains_key(*field));
    let takes = |mode: &str, field| has(&rules(mode)["required"], field) || has(&rules(mode)["allowed"], field);
    let fits = |mode: &&&str| candidates.iter().flat_map(fields).all(|field| takes(mode, field));
    let first = candidates[0];
    let other = candidates[1..].iter().flat_map(fields).find(|field| !rules(first)["forbidden"][*field].is_null());
    let pair: BTreeSet<_> = selecting(first).into_iter().chain(other).collect();
    let finding = |field| json!(["mode_conflict", field, format!("x-modes.modes.{first}")]);
    candidates.iter().find(fits).copied().ok_or_else(|| pair.into_iter().map(finding).collect())
}

/// The name of a body's model, of which an alias is another name.
fn model<'a>(modes: &'a Value, body: &'a Object) -> &'a str {
    let name = text(body.get("model").unwrap_or(&modes["default_model"]));
    members(&modes["models"]).find(|(_, model)| has(&model["aliases"], name)).map_or(name, |(known, _)| known)
}

pub fn check(modes: &Value, call: &str, body: &Value, seconds: Option<f64>) -> Value {
    let body = present(modes, body);
    let mode = match choose(modes, call, &body) {
        Ok(mode) => mode,
        Err(conflict) => return json!({"mode": null, "refused": conflict, "doubted": []}),
    };
    let model = model(modes, &body);
    let mut sound = body.clone();
    sound.retain(|field, value| is_of_type(value, &modes["fields"][field]["type"]));
    let rules = [&modes["modes"][mode], &modes["models"][model]["modes"][mode]];
    let sections = [format!("x-modes.modes.{mode}"), format!("x-modes.models.{model}.{mode}")];
    let check = Check { modes, model, rules, sections, seconds, body: &body, sound, found: RefCell::default() };
    check.names(&modes["models"][model]["lacks"][mode]);
    check.required();
    check.sound.iter().for_each(|(field, value)| check.field(field, value));
    check.media();
    let found = check.found.into_inner();
    let told = |certain| found.iter().filter(|f| f.0 == certain).map(|f| json!([f.1, f.2, f.3])).collect::<Value>();
    json!({"mode": mode, "refused": told(true), "doubted": told(false)})
}

struct Check<'a> {
    modes: &'a Value,
    model: &'a str,
    /// The rules of the mode and the narrower ones of the model, and their sections.
    rules: [&'a Value; 2],
    sections: [String; 2],
    seconds: Option<f64>,
    body: &'a Object,
    /// The fields whose values have the right type.
    sound: Object,
    found: RefCell<BTreeSet<(bool, &'static str, String, String)>>,
}

impl Check<'_> {
    fn add(&self, kind: &'static str, field: &str, section: &str, confidence: &str) {
        self.found.borrow_mut().insert((confidence == CERTAIN, kind, field.to_owned(), section.to_owned()));
    }

    fn range(&self, field: &str, section: &str, confidence: &str) {
        self.add("out_of_range", field, section, confidence);
    }

    fn has(&self, field: &str) -> bool {
        self.body.contains_key(field)
    }

    fn names(&self, lack: &Value) {
        let misnomers = &self.modes["misnomers"];
        for field in self.body.keys().filter(|field| !self.sound.contains_key(*field)) {
            match (&self.modes["fields"][field], &misnomers["body"][field]) {
                (Value::Null, Value::Null) => self.add("unknown_field", field, "x-modes", CERTAIN),
                (Value::Null, _) => self.add("unknown_field", field, "x-modes.misnomers", CERTAIN),
                _ => self.range(field, &self.sections[0], CERTAIN),
            }
        }
        if !misnomers["models"][self.model].is_null() {
            self.add("unknown_field", "model", "x-modes.misnomers", CERTAIN);
        }
        if !lack.is_null() {
            self.add("mode_conflict", "model", &format!("x-modes.models.{}", self.model), text(&lack["confidence"]));
        }
    }

    fn required(&self) {
        let (rules, missing) = (self.rules[0], |field: &&str| !self.has(field));
        let required = texts(&rules["required"]).filter(missing);
        let is_selected = texts(&rules["selected_by"]).any(|field| self.has(field));
        let selecting = texts(&rules["selected_by"]).take(1).filter(|_| !is_selected);
        required.chain(selecting).for_each(|field| self.range(field, &self.sections[0], CERTAIN));
        for (field, need) in members(&rules["required_unless"]) {
            let is_blank = self.body.get(field).is_none_or(|value| value.as_str().is_some_and(is_blank));
            if is_blank && texts(&need["fields"]).all(|other| missing(&other)) {
                self.range(field, &self.sections[0], text(&need["confidence"]));
            }
        }
    }

    fn field(&self, field: &str, value: &Value) {
        self.keys(field, value, &self.modes["fields"][field]["keys"]);
        let forbidding = (0..2).find(|side| !self.rules[*side]["forbidden"][field].is_null());
        if let Some(side) = forbidding {
            let confidence = text(&self.rules[side]["forbidden"][field]["confidence"]);
            self.add("mode_conflict", field, &self.sections[side], confidence);
        }
        let limits = self.rules.map(|rules| &rules["limits"][field]);
        let section = format!("{}.limits.{field}", self.sections[0]);
        self.times(field, value, limits[0], &section);
        self.tags(field, value, &limits[0]["tags"], &format!("{section}.tags"));
        if let Some(side) = (0..2).find(|side| !holds(limits[*side], value, self.seconds)) {
            let (limit, needed) = (limits[side], &limits[side]["certain_with"]);
            let is_backed = needed.is_null() || texts(needed).any(|other| self.has(other));
            let is_sure = is_backed && !has(&limit["uncertain_for"], self.model);
            self.range(field, &self.sections[side], if is_sure { text(&limit["confidence"]) } else { "M" });
        }
    }

    fn keys(&self, field: &str, value: &Value, rules: &Value) {
        let told = |confidence| self.range(field, &format!("x-modes.fields.{field}"), confidence);
        if !(rules.is_object() && value.is_object()) {
            return;
        } else if members(value).any(|(key, value)| !value.is_null() && rules[key].is_null()) {
            told(CERTAIN);
        }
        for (key, rule) in members(rules) {
            match &value[key] {
                Value::Null if rule["required"] == true => told(CERTAIN),
                Value::Null => {}
                value if !is_of_type(value, &rule["type"]) => told(CERTAIN),
                value if !holds(rule, value, None) => told(text(&rule["confidence"])),
                value => self.keys(field, value, &rule["keys"]),
            }
        }
    }

    fn times(&self, field: &str, value: &Value, limit: &Value, section: &str) {
        let (times, mut slots) = (&limit["times"], BTreeSet::new());
        let bound = text(&times["below"]);
        let below = number(self.sound.get(bound).unwrap_or(&self.rules[0]["limits"][bound]["default"]));
        for item in list(value).iter().filter(|_| times.is_object()) {
            let Some(time) = item[text(&times["key"])].as_f64() else {
                self.range(field, section, CERTAIN);
                continue;
            };
            let slot = (time * number(&times["slots_per_second"]) + 0.5).floor() as i64;
            if time <= number(&times["above"]) || time >= below || !slots.insert(slot) {
                self.range(field, section, text(&limit["confidence"]));
            }
        }
    }

    fn tags(&self, field: &str, value: &Value, tags: &Value, section: &str) {
        let beside = members(&tags["first_beside"]).find(|(other, _)| self.has(other));
        let first = number(beside.map_or(&tags["first"], |(_, first)| first));
        let last = self.sound.get(text(&tags["count_of"])).map_or(0, |items| list(items).len()) as f64;
        let pattern = pattern(text(&tags["pattern"]));
        let mut numbers = pattern.captures_iter(text(value)).map(|tag| tag[1].parse().unwrap_or(f64::INFINITY));
        if tags.is_object() && numbers.any(|number: f64| number < first || number > last) {
            self.range(field, section, text(&tags["confidence"]));
        }
    }

    fn media(&self) {
        for (_, kind) in members(&self.modes["inputs"]) {
            for (field, values) in texts(&kind["paths"]).map(|path| items(&self.sound, path)) {
                let flaws = values.into_iter().filter_map(|item| flaw(kind, item, text(&self.modes["url_pattern"])));
                flaws.for_each(|confidence| self.range(field, "x-modes.inputs", confidence));
            }
        }
        let voices = &self.modes["voices"];
        let (field, names) = items(&self.sound, text(&voices["path"]));
        let custom = pattern(&format!("^(?:{})$", text(&voices["custom_pattern"])));
        let is_unknown = |name: &str| !has(&voices["presets"], name) && !custom.is_match(name);
        if names.into_iter().filter_map(Value::as_str).any(is_unknown) {
            self.range(field, "x-modes.voices", text(&voices["custom_confidence"]));
        }
    }
}

/// The confidence of the first rule that an image, a video or a voice breaks.
fn flaw<'a>(kind: &'a Value, item: &Value, url_pattern: &str) -> Option<&'a str> {
    let broken = Some(text(&kind["confidence"]));
    let given: Vec<_> = texts(&kind["one_of"]).filter(|name| !item[*name].is_null()).collect();
    let url = if let [name] = given[..] { text(&item[name]) } else { "" };
    if is_blank(url) {
        return broken;
    } else if !has(&kind["urls"], given[0]) {
        return None;
    }
    let (scheme, rest) = url.split_once(':').unwrap_or_default();
    let (scheme, start) = (scheme.to_lowercase(), url.split(['?', '#']).next().unwrap_or_default().to_lowercase());
    if !has(&kind["schemes"], &scheme) {
        return broken;
    } else if scheme == "data" {
        let (head, data) = rest.split_once(',').unwrap_or((rest, ""));
        let media_type = head.split(';').next().unwrap_or_default().to_lowercase();
        let is_listed = list(&kind["media_types"]).is_empty() || has(&kind["media_types"], &media_type);
        let size = (data.trim_end_matches('=').len() * 3 / 4) as f64;
        return broken.filter(|_| !is_listed || kind["max_bytes"].as_f64().is_some_and(|most| size > most));
    } else if !pattern(&format!("(?i)^(?:{url_pattern})$")).is_match(url) {
        return broken;
    }
    let is_odd = texts(&kind["suffixes"]).next().is_some() && !texts(&kind["suffixes"]).any(|end| start.ends_with(end));
    Some(text(&kind["suffix_confidence"])).filter(|_| is_odd)
}

fn pattern(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a pattern of the document")
}

fn is_of_type(value: &Value, types: &Value) -> bool {
    texts(types).any(|kind| match kind {
        "string" => value.is_string(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "object" => value.is_object(),
        "array" => value.is_array(),
        _ => false,
    })
}

fn is_blank(text: &str) -> bool {
    text.trim_matches(|character| matches!(character, '\t'..='\r' | ' ')).is_empty()
}

/// Whether a value keeps to a limit, as far as the limit says anything of such a value.
fn holds(limit: &Value, value: &Value, seconds: Option<f64>) -> bool {
    let (length, count) = (value.as_str().map(|text| text.chars().count()), value.as_array().map(Vec::len));
    let tenths = seconds.and_then(|seconds| format!("{seconds:.1}").parse().ok());
    let within = |size: Option<f64>, least: &str, most: &str| {
        let is_below = limit[least].as_f64().zip(size).is_some_and(|(least, size)| size < least);
        !is_below && !limit[most].as_f64().zip(size).is_some_and(|(most, size)| size > most)
    };
    within(value.as_f64(), "minimum", "maximum")
        && within(length.map(|length| length as f64), "min_length", "max_length")
        && within(count.map(|count| count as f64), "min_items", "max_items")
        && within(tenths, "min_seconds", "max_seconds")
        && (limit["blank"] != false || !value.as_str().is_some_and(is_blank))
        && (limit["values"].is_null() || list(&limit["values"]).contains(value))
}

/// The most that a request can cost in USD; null where no price is known.
pub fn price(document: &Value, call: &str, body: &Value, seconds: Option<f64>) -> Option<f64> {
    let (modes, pricing) = (&document["x-modes"], &document["x-pricing"]);
    let body = present(modes, body);
    let mode = choose(modes, call, &body).ok()?;
    let (prices, limits) = (pricing["models"].get(model(modes, &body))?, &modes["modes"][mode]["limits"]);
    let asked = |field: &str| body.get(field).unwrap_or(&limits[field]["default"]);
    let longest = limits["video"]["max_seconds"].as_f64().unwrap_or_default();
    let input = seconds.unwrap_or(longest);
    let output = if pricing["seconds"][mode] == "input" { input.min(longest) } else { number(asked("duration")) };
    let dearest = members(&prices["output_second"]).map(|(_, price)| number(price)).fold(0.0, f64::max);
    let images = texts(&modes["inputs"]["image"]["paths"]).map(|path| items(&body, path).1.len()).sum::<usize>();
    let amount = |charge: &str| match charge {
        "output_second" => output * prices[charge][text(asked("resolution"))].as_f64().unwrap_or(dearest),
        "input_image" => images as f64 * number(&prices[charge]),
        _ => input * number(&prices[charge]),
    };
    let kept = body.get("storage_options").map_or(0.0, |options| {
        let longest = &modes["fields"]["storage_options"]["keys"]["expires_after"]["maximum"];
        options["expires_after"].as_f64().unwrap_or(number(longest)) / 86400.0
    });
    let storage =
        kept * number(&pricing["storage"]["gib_day"]) * number(&pricing["assume"]["stored_bytes"]) / 2f64.powi(30);
    Some(texts(&pricing["charges"][mode]).map(amount).sum::<f64>() + storage)
}
