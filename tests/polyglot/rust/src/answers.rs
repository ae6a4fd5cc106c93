//! What an answer means, and when to look next: `x-waiter` and `x-errors`.

use std::time::SystemTime;

use crate::json::{Value, at, has, json, list, members, number, text, texts};

/// The body of an answer: its JSON, or its text where it has none.
fn body(answer: &Value) -> Value {
    let raw = text(&answer["text"]);
    answer.get("body").cloned().unwrap_or_else(|| serde_json::from_str(raw).unwrap_or_else(|_| json!(raw)))
}

fn is_success(answer: &Value) -> bool {
    answer["http_status"].as_u64().is_some_and(|status| status / 100 == 2)
}

fn mentions(told: &str, parts: &Value) -> bool {
    texts(parts).any(|part| told.to_lowercase().contains(&part.to_lowercase()))
}

/// The rule of x-errors for an answer; that of an unreadable one for a success.
fn rule<'a>(errors: &'a Value, answer: &Value) -> &'a Value {
    let failure = if is_success(answer) { "unreadable" } else { text(&answer["failure"]) };
    let (status, body) = (&answer["http_status"], body(answer));
    let mut codes = texts(&errors["bodies"]["code"]).map(|path| at(&body, path));
    let code = codes.find(|code| code.as_str().map_or(code.is_i64(), |text| !text.is_empty())).unwrap_or(&Value::Null);
    let code = code.as_str().map_or_else(|| code.to_string(), str::to_owned);
    let told = texts(&errors["bodies"]["text"]).map(|path| text(at(&body, path))).find(|told| !told.is_empty());
    let told = told.map_or_else(|| body.as_str().map_or_else(|| body.to_string(), str::to_owned), str::to_owned);
    let is_kind = |kind: &&Value| {
        let has_code = kind["code"].is_null() || has(&kind["code"], &code);
        kind["http_status"] == *status && has_code && (kind["text"].is_null() || mentions(&told, &kind["text"]))
    };
    let is_within = |row: &&Value| number(&row["from"]) <= number(status) && number(status) <= number(&row["to"]);
    let kinds = list(&errors["kinds"]).iter().filter(is_kind);
    kinds.chain(list(&errors["unlisted"]).iter().filter(is_within)).next().unwrap_or(&errors["failures"][failure])
}

pub fn look(document: &Value, answer: &Value) -> Value {
    let (waiter, rule, body) = (&document["x-waiter"], rule(&document["x-errors"], answer), body(answer));
    let (acceptors, mut status) = (list(&waiter["acceptors"]), &answer["http_status"]);
    if is_success(answer) && !acceptors.iter().any(|a| a["when"]["http_status"]["equals"] == *status) {
        status = &waiter["other_success"];
    }
    // A matcher that asks for a part of the body needs a JSON object.
    let holds = |(path, matcher): (&String, &Value)| {
        let (value, is_known) = match path.as_str() {
            "http_status" => (status, true),
            "error_kind" => (&rule["kind"], true),
            _ => (at(&body, path), body.is_object()),
        };
        let matches = |(name, wanted): (&String, &Value)| match name.as_str() {
            "equals" => value == wanted,
            "mentions" => mentions(text(value), wanted),
            _ => text(value).is_empty() == (wanted == "missing"),
        };
        is_known && members(matcher).all(matches)
    };
    let found = acceptors.iter().find(|acceptor| members(&acceptor["when"]).all(holds));
    match found {
        Some(acceptor) if acceptor["warn"] == "once" => json!({"outcome": acceptor["outcome"], "warn": true}),
        Some(acceptor) => json!({"outcome": acceptor["outcome"]}),
        None if rule["get"] == "again" => json!({"outcome": "again"}),
        None => json!({"outcome": "error", "kind": rule["kind"]}),
    }
}

/// Seconds of a Retry-After, digits or an HTTP date.
fn retry_after(answer: &Value) -> Option<f64> {
    let header = |wanted: &str| {
        let (_, value) = members(&answer["headers"]).find(|(name, _)| name.eq_ignore_ascii_case(wanted))?;
        Some(text(value))
    };
    let value = header("retry-after")?;
    if value.bytes().all(|byte| byte.is_ascii_digit()) {
        return value.parse().ok();
    }
    let until = httpdate::parse_http_date(value).ok()?;
    let sent = header("date").and_then(|date| httpdate::parse_http_date(date).ok()).unwrap_or_else(SystemTime::now);
    Some(until.duration_since(sent).map_or(0.0, |pause| pause.as_secs_f64()))
}

pub fn post(errors: &Value, answer: &Value) -> Value {
    let (rule, body) = (rule(errors, answer), body(answer));
    let cost = at(&body, "usage.cost_in_usd_ticks");
    let is_billed = !(cost.is_null() || *cost == false || cost.as_f64() == Some(0.0));
    let has_id = !text(&body["request_id"]).is_empty();
    match text(&rule["post"]) {
        _ if is_success(answer) && has_id => json!({"outcome": "accepted", "request_id": body["request_id"]}),
        _ if rule["kind"] == "other" && has_id => json!({"outcome": "unknown"}),
        "again" if !is_billed => json!({"outcome": "again", "after": retry_after(answer)}),
        "unknown" => json!({"outcome": "unknown"}),
        _ => json!({"outcome": "refused", "kind": rule["kind"]}),
    }
}

/// Looks until the job has ended or the time is up. `next` pauses for some seconds, looks, and returns the answer.
pub fn wait(document: &Value, timeout: f64, mut next: impl FnMut(f64) -> Value) -> Value {
    let waiter = &document["x-waiter"];
    let (last, failed) = (&waiter["last_poll"], &waiter["failed_poll"]);
    let end = timeout - number(&last["before_end"]).min(timeout * number(&last["part"]));
    let (mut age, mut asked) = (0.0, None);
    loop {
        let is_current = |row: &&Value| row["until"].as_f64().is_none_or(|until| age < until);
        let row = list(&waiter["schedule"]).iter().find(is_current).unwrap_or(&Value::Null);
        let pause = asked.map_or(number(&row["every"]), |asked: f64| {
            let pause = number(&row["every"]).min(number(&failed["longest_pause"]));
            pause.max(asked.min(number(&failed["longest_retry_after"])))
        });
        let is_last = age + pause >= end;
        let pause = if is_last { end - age } else { pause };
        age += pause;
        let answer = next(pause);
        let seen = look(document, &answer);
        asked = (seen["outcome"] == "again").then(|| retry_after(&answer).unwrap_or(0.0));
        if asked.is_none() && seen["outcome"] != "running" {
            return seen;
        } else if is_last {
            return json!({"outcome": "timeout"});
        }
    }
}

/// Where the file of a finished job is, and whether the API key goes there.
pub fn download(document: &Value, body: &Value) -> Value {
    let result = &document["x-waiter"]["result"];
    let url = texts(&result["url"]).map(|path| text(at(body, path))).find(|url| !url.is_empty());
    json!({"url": url, "authorization": result["authorization"] != "never"})
}
