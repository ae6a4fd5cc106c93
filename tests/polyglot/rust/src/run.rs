//! Makes a video at a server, end to end.

use crate::answers;
use crate::client::Client;
use crate::json::{at, text};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{thread::sleep, time::Duration};
use tokio::runtime::Runtime;

pub fn run(document: &Value, runtime: &Runtime, input: &Value) -> Result<Value, String> {
    let client = Client::new(Some((text(&input["base_url"]), text(&input["api_key"]))), None);
    let pause = |seconds: f64| sleep(Duration::from_secs_f64(seconds / input["speed"].as_f64().unwrap_or(1.0)));
    let (mut posts, mut polls) = (0, 0);
    let started = loop {
        let _typed = runtime.block_on(client.call(text(&input["operation"]), &input["body"]));
        posts += 1;
        let started = answers::post(&document["x-errors"], &client.last_answer());
        if started["outcome"] != "again" || Some(posts) >= input["max_posts"].as_u64() {
            break started;
        }
        pause(started["after"].as_f64().unwrap_or(1.0));
    };
    let mut output = json!({"outcome": started["outcome"], "kind": started["kind"], "posts": posts, "polls": polls});
    if started["outcome"] == "refused" {
        output["outcome"] = json!("error");
    }
    if started["outcome"] != "accepted" {
        return Ok(output);
    }
    let mut typed = Value::Null;
    let timeout = document["x-waiter"]["timeout"].as_f64().unwrap_or_default();
    let ended = answers::wait(document, timeout, |seconds| {
        pause(seconds);
        polls += 1;
        typed = runtime.block_on(client.call("getVideo", &started["request_id"])).unwrap_or_default();
        client.last_answer()
    });
    output["outcome"] = ended["outcome"].clone();
    output["kind"] = ended["kind"].clone();
    output["polls"] = json!(polls);
    output["request_id"] = started["request_id"].clone();
    output["cost_in_usd_ticks"] = at(&typed, "usage.cost_in_usd_ticks").clone();
    let place = answers::download(document, &typed);
    if let (true, Some(url)) = (ended["outcome"] == "done", place["url"].as_str()) {
        let fetched = runtime.block_on(async { reqwest::get(url).await?.error_for_status()?.bytes().await });
        let file = fetched.map_err(|error| error.to_string())?;
        output["url"] = json!(url);
        output["bytes"] = json!(file.len());
        output["sha256"] = Sha256::digest(&file).iter().map(|byte| format!("{byte:02x}")).collect::<String>().into();
    }
    Ok(output)
}
