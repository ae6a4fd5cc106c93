//! Reads `x-waiter`, `x-errors` and `x-pricing`: what an answer means, when to look next, what a job costs.

use crate::data::{at, has, list, members, text, texts};
use crate::modes::{items, mode, model, present};
use serde_json::{Value, json};

/// The body of an answer: its JSON, or its text if it is none.
fn body(answer: &Value) -> Value {
    let raw = text(&answer["text"]);
    answer.get("body").cloned().unwrap_or_else(|| serde_json::from_str(raw).unwrap_or_else(|_| json!(raw)))
}

fn is_success(answer: &Value) -> bool {
    answer["http_status"].as_u64().is_some_and(|status| status / 100 == 2)
}

/// The rule of x-errors for an answer that is no success, or for none.
fn failure<'a>(errors: &'a Value, answer: &Value) -> &'a Value {
    if let Some(failure) = answer["failure"].as_str() {
        return &errors["failures"][failure];
    } else if is_success(answer) {
        return &errors["failures"]["unreadable"];
    }
    let (body, status) = (body(answer), &answer["http_status"]);
    let found = |name: &str| texts(&errors["bodies"][name]).into_iter().map(|path| at(&body, path));
    let code = found("code").find(|code| code.is_string() || code.is_i64());
    let code = code.map(|code| code.as_str().map_or(code.to_string(), str::to_owned)).unwrap_or_default();
    let told = found("text").find(|told| !text(told).is_empty()).unwrap_or(&answer["text"]);
    let told = text(told).to_lowercase();
    let matches = |kind: &&Value| {
        kind["http_status"] == *status
            && (kind["code"].is_null() || has(&kind["code"], &code))
            && (kind["text"].is_null() || texts(&kind["text"]).iter().any(|part| told.contains(&part.to_lowercase())))
    };
    let is_in = |range: &&Value| range["from"].as_u64() <= status.as_u64() && status.as_u64() <= range["to"].as_u64();
    let unlisted = || list(&errors["unlisted"]).iter().find(is_in).unwrap_or(&Value::Null);
    list(&errors["kinds"]).iter().find(matches).unwrap_or_else(unlisted)
}

pub fn look(document: &Value, answer: &Value) -> Value {
    let (waiter, errors) = (&document["x-waiter"], &document["x-errors"]);
    let (state, mut status) = (body(answer), &answer["http_status"]);
    let names = |acceptor: &Value| acceptor["when"]["http_status"]["equals"] == *status;
    if is_success(answer) && !list(&waiter["acceptors"]).iter().any(names) {
        status = &waiter["other_success"];
    }
    let rule = failure(errors, answer);
    let is_unreadable = *status == waiter["other_success"] && !state.is_object();
    let facts = |name: &str| match name {
        "http_status" => status,
        "error_kind" => &rule["kind"],
        path => at(&state, path),
    };
    let holds = |(name, matcher): (&String, &Value)| {
        let value = facts(name);
        members(matcher).all(|(word, wanted)| match word.as_str() {
            "equals" => value == wanted,
            "mentions" => texts(wanted).iter().any(|part| text(value).to_lowercase().contains(&part.to_lowercase())),
            _ => text(value).is_empty() == (wanted == "missing"),
        })
    };
    let accepts = |acceptor: &&Value| members(&acceptor["when"]).all(holds);
    match list(&waiter["acceptors"]).iter().find(accepts).filter(|_| !is_unreadable) {
        Some(acceptor) => json!({"outcome": acceptor["outcome"]}),
        None if rule["get"] == "again" => json!({"outcome": "again"}),
        None => json!({"outcome": "error", "kind": rule["kind"]}),
    }
}

fn retry_after(answer: &Value) -> Option<f64> {
    let (_, value) = members(&answer["headers"]).find(|(name, _)| name.eq_ignore_ascii_case("retry-after"))?;
    text(value).trim().parse().ok().filter(|seconds| *seconds >= 0.0)
}

pub fn post(errors: &Value, answer: &Value) -> Value {
    let state = body(answer);
    if is_success(answer) && !text(&state["request_id"]).is_empty() {
        return json!({"outcome": "accepted", "request_id": state["request_id"]});
    }
    let rule = failure(errors, answer);
    let is_charged = at(&state, "usage.cost_in_usd_ticks").as_f64() > Some(0.0);
    match text(&rule["post"]) {
        "again" if !is_charged => json!({"outcome": "again", "after": retry_after(answer)}),
        "unknown" => json!({"outcome": "unknown"}),
        _ => json!({"outcome": "refused", "kind": rule["kind"]}),
    }
}

/// Looks until the job has ended or the time is up. `next` pauses for some seconds, looks, and returns the answer.
pub fn wait(document: &Value, timeout: f64, mut next: impl FnMut(f64) -> Value) -> Value {
    let waiter = &document["x-waiter"];
    let number = |path: &str| at(waiter, path).as_f64().unwrap_or_default();
    let end = timeout - number("last_poll.before_end").min(timeout * number("last_poll.part"));
    let (mut age, mut failed) = (0.0, None);
    loop {
        let is_current = |row: &&Value| row["until"].as_f64().is_none_or(|until| age < until);
        let row = list(&waiter["schedule"]["rows"]).iter().find(is_current);
        let mut pause = row.and_then(|row| row["every"].as_f64()).unwrap_or_default();
        if let Some(asked) = failed {
            let most = |name: &str| number(&format!("failed_poll.{name}"));
            pause = f64::max(pause.min(most("longest_pause")), f64::min(asked, most("longest_retry_after")));
        }
        let is_last = age + pause > end;
        pause = if is_last { end - age } else { pause };
        age += pause;
        let answer = next(pause);
        let seen = look(document, &answer);
        failed = (seen["outcome"] == "again").then(|| retry_after(&answer).unwrap_or_default());
        if failed.is_none() && seen["outcome"] != "running" {
            return seen;
        } else if is_last {
            return json!({"outcome": "timeout"});
        }
    }
}

/// The most that a request costs; null where no price is known.
pub fn price(document: &Value, call: &str, body: &Value, input: Option<f64>) -> Option<f64> {
    let (modes, pricing) = (&document["x-modes"], &document["x-pricing"]);
    let body = present(modes, body);
    let name = mode(modes, call, &body).ok()?;
    let prices = pricing["models"].get(model(modes, &body))?;
    let limits = &modes["modes"][name]["limits"];
    let number = |value: &Value| value.as_f64().unwrap_or_default();
    let longest = limits["video"]["max_seconds"].as_f64();
    let input = input.or(longest).unwrap_or_default();
    let asked = body.get("resolution").unwrap_or(&limits["resolution"]["default"]);
    let rates = &prices["output_second"];
    let dearest = members(rates).map(|(_, rate)| number(rate)).fold(0.0, f64::max);
    let seconds = match text(&pricing["seconds"][name]) {
        "input" => input.min(longest.unwrap_or(input)),
        _ => number(body.get("duration").unwrap_or(&limits["duration"]["default"])),
    };
    let charge = |charge: &str| match charge {
        "output_second" => seconds * rates[text(asked)].as_f64().unwrap_or(dearest),
        "input_image" => {
            let paths = texts(&modes["inputs"]["image"]["paths"]);
            paths.iter().map(|path| items(&body, path).len()).sum::<usize>() as f64 * number(&prices["input_image"])
        }
        _ => input * number(&prices[charge]),
    };
    let stored = body.get("storage_options").map_or(0.0, |options| {
        let kept = options["expires_after"].as_f64().unwrap_or(0.0);
        number(&pricing["storage"]["gib_day"]) * kept / 86400.0 * number(&pricing["assume"]["stored_bytes"])
            / (1u64 << 30) as f64
    });
    Some(texts(&pricing["charges"][name]).into_iter().map(charge).sum::<f64>() + stored)
}
