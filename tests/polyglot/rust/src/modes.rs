//! Reads `x-modes`: the mode of a body, and what the contract says against it.

use crate::data::{has, list, members, text, texts};
use regex_lite::RegexBuilder;
use serde_json::{Map, Value, json};
use std::{cell::RefCell, collections::BTreeSet};

pub type Body = Map<String, Value>;
const CERTAIN: &str = "H";

/// The fields that have a value.
pub fn present(modes: &Value, body: &Value) -> Body {
    let is_present = |value: &Value| !list(&modes["absent"]).contains(value);
    members(body).filter(|(_, value)| is_present(value)).map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The values at a path such as `keyframes[].image`; a member that an item lacks is null.
pub fn items<'a>(body: &'a Body, path: &str) -> Vec<&'a Value> {
    let (field, member) = path.split_once("[]").unwrap_or((path, ""));
    let member_of = |item: &'a Value| member.strip_prefix('.').map_or(item, |member| &item[member]);
    body.get(field).map_or(vec![], |value| value.as_array().map_or(vec![value], |a| a.iter().map(member_of).collect()))
}

/// The mode that the fields select, or the findings if they select modes that exclude each other.
pub fn mode<'a>(modes: &'a Value, call: &str, body: &Body) -> Result<&'a str, Value> {
    let rules = |mode: &str| &modes["modes"][mode];
    let selecting = |mode| texts(&rules(mode)["selected_by"]).into_iter().filter(|f| body.contains_key(*f)).collect();
    let served = texts(&modes["calls"][call]);
    let chosen: Vec<(&str, Vec<&str>)> = served.iter().map(|mode| (*mode, selecting(mode))).collect();
    let chosen: Vec<_> = chosen.into_iter().filter(|(_, fields)| !fields.is_empty()).collect();
    if served.len() == 1 || chosen.is_empty() {
        return Ok(served[0]);
    }
    let takes = |mode: &str, field: &str| has(&rules(mode)["required"], field) || has(&rules(mode)["allowed"], field);
    let fits = |mode: &str| chosen.iter().flat_map(|(_, fields)| fields).all(|field| takes(mode, field));
    if let Some((mode, _)) = chosen.iter().find(|(mode, _)| fits(mode)) {
        return Ok(mode);
    }
    let (first, fields) = &chosen[0];
    let mut later = chosen[1..].iter().flat_map(|(_, fields)| fields);
    let other = later.find(|field| !rules(first)["forbidden"][**field].is_null());
    let pair: BTreeSet<_> = fields.first().into_iter().chain(other).collect();
    Err(pair.iter().map(|field| json!(["mode_conflict", field, format!("x-modes.modes.{first}")])).collect())
}

/// The name of a body's model: an alias is resolved.
pub fn model<'a>(modes: &'a Value, body: &'a Body) -> &'a str {
    let name = text(body.get("model").unwrap_or(&modes["default_model"]));
    members(&modes["models"]).find(|(_, model)| has(&model["aliases"], name)).map_or(name, |(known, _)| known)
}

pub fn check(modes: &Value, call: &str, body: &Value, seconds: Option<f64>) -> Value {
    let body = present(modes, body);
    let name = match mode(modes, call, &body) {
        Ok(name) => name,
        Err(conflict) => return json!({"mode": null, "refused": conflict, "doubted": []}),
    };
    let model = model(modes, &body);
    let is_sound = |(field, value): &(&String, &Value)| is_of_type(value, &modes["fields"][*field]["type"]);
    let sound = body.iter().filter(is_sound).map(|(field, value)| (field.clone(), value.clone())).collect();
    let sections = [format!("x-modes.modes.{name}"), format!("x-modes.models.{model}.{name}")];
    let rules = [&modes["modes"][name], &modes["models"][model]["modes"][name]];
    let check = Check { modes, name, model, rules, sections, seconds, body: &body, sound, found: RefCell::default() };
    check.names();
    check.required();
    check.sound.iter().for_each(|(field, value)| check.field(field, value));
    check.media();
    let found = check.found.into_inner();
    let told = |certain| found.iter().filter(|f| f.0 == certain).map(|f| json!([f.1, f.2, f.3])).collect::<Value>();
    json!({"mode": name, "refused": told(true), "doubted": told(false)})
}

struct Check<'a> {
    modes: &'a Value,
    name: &'a str,
    model: &'a str,
    /// The rules of the mode and the narrower ones of the model, and their sections.
    rules: [&'a Value; 2],
    sections: [String; 2],
    seconds: Option<f64>,
    body: &'a Body,
    /// The known fields whose values have the right type.
    sound: Body,
    found: RefCell<BTreeSet<(bool, &'static str, String, String)>>,
}

impl Check<'_> {
    fn add(&self, kind: &'static str, field: &str, section: &str, confidence: &str) {
        self.found.borrow_mut().insert((confidence == CERTAIN, kind, field.to_owned(), section.to_owned()));
    }

    fn names(&self) {
        let (modes, misnomers) = (self.modes, "x-modes.misnomers");
        for field in self.body.keys().filter(|field| !self.sound.contains_key(*field)) {
            if !modes["fields"][field].is_null() {
                self.add("out_of_range", field, &self.sections[0], CERTAIN);
            } else {
                let is_misnomer = !modes["misnomers"]["body"][field].is_null();
                self.add("unknown_field", field, if is_misnomer { misnomers } else { "x-modes" }, CERTAIN);
            }
        }
        if !modes["misnomers"]["models"][self.model].is_null() {
            self.add("unknown_field", "model", misnomers, CERTAIN);
        }
        let model = &modes["models"][self.model];
        if let Some(lack) = model["lacks"].get(self.name) {
            self.add("mode_conflict", "model", &format!("x-modes.models.{}", self.model), text(&lack["confidence"]));
        }
    }

    fn required(&self) {
        let missing = |field: &&str| !self.body.contains_key(*field);
        let told = |field: &str, confidence: &str| self.add("out_of_range", field, &self.sections[0], confidence);
        texts(&self.rules[0]["required"]).iter().filter(|field| missing(field)).for_each(|field| told(field, CERTAIN));
        let selecting = texts(&self.rules[0]["selected_by"]);
        if selecting.iter().all(missing) {
            selecting.first().iter().for_each(|field| told(field, CERTAIN));
        }
        for (field, need) in members(&self.rules[0]["required_unless"]) {
            let is_blank = self.body.get(field).is_none_or(|value| value.as_str().is_some_and(is_blank));
            if is_blank && texts(&need["fields"]).iter().all(missing) {
                told(field, text(&need["confidence"]));
            }
        }
    }

    /// What is said of one field. A model's limit counts where the mode's own holds.
    fn field(&self, field: &str, value: &Value) {
        self.keys(field, value, &self.modes["fields"][field]["keys"]);
        let forbids = |side: &usize| !self.rules[*side]["forbidden"][field].is_null();
        if let Some(side) = (0..2).find(forbids) {
            let confidence = text(&self.rules[side]["forbidden"][field]["confidence"]);
            self.add("mode_conflict", field, &self.sections[side], confidence);
        }
        let section = format!("{}.limits.{field}", self.sections[0]);
        self.times(field, value, &self.rules[0]["limits"][field], &section);
        self.tags(field, value, &self.rules[0]["limits"][field]["tags"], &format!("{section}.tags"));
        let breaks = |side: &usize| !holds(&self.rules[*side]["limits"][field], value, self.seconds);
        if let Some(side) = (0..2).find(breaks) {
            let limit = &self.rules[side]["limits"][field];
            let needed = texts(&limit["certain_with"]);
            let is_uncertain = has(&limit["uncertain_for"], self.model)
                || !needed.is_empty() && !needed.iter().any(|other| self.body.contains_key(*other));
            let confidence = if is_uncertain { "M" } else { text(&limit["confidence"]) };
            self.add("out_of_range", field, &self.sections[side], confidence);
        }
    }

    /// The members of an object, where the contract lists them.
    fn keys(&self, field: &str, value: &Value, keys: &Value) {
        let told = |confidence| self.add("out_of_range", field, &format!("x-modes.fields.{field}"), confidence);
        if keys.is_object() && members(value).any(|(name, _)| keys[name].is_null()) {
            told(CERTAIN);
        }
        for (name, rule) in members(keys).filter(|_| value.is_object()) {
            match &value[name] {
                Value::Null if rule["required"] == true => told(CERTAIN),
                Value::Null => {}
                member if !is_of_type(member, &rule["type"]) => told(CERTAIN),
                member if !holds(rule, member, None) => told(text(&rule["confidence"])),
                member => self.keys(field, member, &rule["keys"]),
            }
        }
    }

    fn times(&self, field: &str, value: &Value, limit: &Value, section: &str) {
        let (times, mut slots) = (&limit["times"], BTreeSet::new());
        let bound = text(&times["below"]);
        let below = self.sound.get(bound).unwrap_or(&self.rules[0]["limits"][bound]["default"]).as_f64();
        for item in list(value).iter().filter(|_| times.is_object()) {
            let time = item[text(&times["key"])].as_f64();
            let slot =
                time.zip(times["slots_per_second"].as_f64()).map(|(time, each)| (time * each + 0.5).floor() as i64);
            if time.is_none() {
                self.add("out_of_range", field, section, CERTAIN);
            } else if !(time > times["above"].as_f64() && time < below && slots.insert(slot)) {
                self.add("out_of_range", field, section, text(&limit["confidence"]));
            }
        }
    }

    fn tags(&self, field: &str, value: &Value, tags: &Value, section: &str) {
        let beside = members(&tags["first_beside"]).find(|(other, _)| self.body.contains_key(*other));
        let first = beside.map_or(&tags["first"], |(_, first)| first).as_f64();
        let count = Some(self.sound.get(text(&tags["count_of"])).map_or(0, |items| list(items).len()) as f64);
        let numbered = RegexBuilder::new(text(&tags["pattern"])).build().expect("a pattern");
        let numbers = numbered.captures_iter(text(value)).map(|tag| tag[1].parse::<f64>().ok());
        if tags.is_object() && numbers.into_iter().any(|number| number < first || number > count) {
            self.add("out_of_range", field, section, text(&tags["confidence"]));
        }
    }

    fn media(&self) {
        let name = |path: &str| path.split("[]").next().unwrap_or_default().to_owned();
        for (_, kind) in members(&self.modes["inputs"]) {
            for path in texts(&kind["paths"]) {
                for confidence in items(&self.sound, path).into_iter().filter_map(|item| flaw(kind, item)) {
                    self.add("out_of_range", &name(path), "x-modes.inputs", confidence);
                }
            }
        }
        let (voices, path) = (&self.modes["voices"], text(&self.modes["voices"]["path"]));
        let pattern = format!("^(?:{})$", text(&voices["custom_pattern"]));
        let unknown = |voice: &str| !has(&voices["presets"], voice) && !is_match(&pattern, false, voice);
        if items(&self.sound, path).into_iter().filter_map(Value::as_str).any(unknown) {
            self.add("out_of_range", &name(path), "x-modes.voices", text(&voices["custom_confidence"]));
        }
    }
}

/// The confidence of the first rule of its kind that an image, video or voice breaks.
fn flaw<'a>(kind: &'a Value, item: &Value) -> Option<&'a str> {
    let broken = Some(text(&kind["confidence"]));
    let given: Vec<_> = texts(&kind["one_of"]).into_iter().filter(|name| !item[*name].is_null()).collect();
    let [name] = given[..] else { return broken };
    let url = text(&item[name]);
    let scheme = url.split_once(':').map_or(String::new(), |(scheme, _)| scheme.to_lowercase());
    if is_blank(url) || !has(&kind["urls"], name) {
        return broken.filter(|_| is_blank(url));
    } else if scheme == "data" {
        let media_type = url[5..].split([';', ',']).next().unwrap_or_default().to_lowercase();
        let data = url.split_once(',').map_or("", |(_, data)| data);
        let size = data.len() * 3 / 4 - data.ends_with('=') as usize - data.ends_with("==") as usize;
        let is_known = list(&kind["media_types"]).is_empty() || has(&kind["media_types"], &media_type);
        return broken.filter(|_| !is_known || Some(size as u64) > kind["max_bytes"].as_u64().or(Some(u64::MAX)));
    } else if !has(&kind["schemes"], &scheme) || !is_match(text(&kind["url_pattern"]), true, url) {
        return broken;
    }
    let path = url.split(['?', '#']).next().unwrap_or_default().to_lowercase();
    let suffixes = texts(&kind["suffixes"]);
    let is_odd = !suffixes.is_empty() && !suffixes.iter().any(|suffix| path.ends_with(suffix));
    Some(text(&kind["suffix_confidence"])).filter(|_| is_odd)
}

fn is_match(pattern: &str, any_case: bool, text: &str) -> bool {
    RegexBuilder::new(pattern).case_insensitive(any_case).build().expect("a pattern").is_match(text)
}

fn is_of_type(value: &Value, types: &Value) -> bool {
    texts(types).into_iter().any(|kind| match kind {
        "string" => value.is_string(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "object" => value.is_object(),
        _ => kind == "array" && value.is_array(),
    })
}

fn is_blank(text: &str) -> bool {
    text.trim_matches(|character| matches!(character, '\t'..='\r' | ' ')).is_empty()
}

/// Whether a value keeps to a limit, as far as the limit says anything of such a value.
fn holds(limit: &Value, value: &Value, seconds: Option<f64>) -> bool {
    let bound = |name: &str, other: f64| limit[name].as_f64().unwrap_or(other);
    let within = |size: Option<f64>, least: &str, most: &str| {
        size.is_none_or(|size| bound(least, f64::NEG_INFINITY) <= size && size <= bound(most, f64::INFINITY))
    };
    within(value.as_f64(), "minimum", "maximum")
        && within(value.as_str().map(|text| text.chars().count() as f64), "min_length", "max_length")
        && within(value.as_array().map(|items| items.len() as f64), "min_items", "max_items")
        && within(seconds.map(|seconds| (seconds * 10.0 + 0.5).floor() / 10.0), "min_seconds", "max_seconds")
        && !(limit["blank"] == false && value.as_str().is_some_and(is_blank))
        && (limit["values"].is_null() || list(&limit["values"]).contains(value))
}
