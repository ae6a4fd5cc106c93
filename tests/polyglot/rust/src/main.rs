//! The adapter: answers the lines of the conformance kit, one by one.

mod client;
mod data;
mod modes;
mod rules;
mod run;

use client::Client;
use data::{at, list, text, texts};
use serde_json::{Value, json};
use std::io::{BufRead, Write};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("the path of openapi.json is the only argument")?;
    let document: Value = serde_json::from_slice(&std::fs::read(path)?)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let operations = ["encode", "decode", "check", "look", "post", "wait", "price", "download", "run"];
    println!("{}", json!({"adapter": "rust", "generator": "openapi-generator 7.26.0", "operations": operations}));
    for line in std::io::stdin().lock().lines() {
        let request: Value = serde_json::from_str(&line?)?;
        let output = answer(&document, &runtime, text(&request["operation"]), &request["input"]);
        let key = if output.is_ok() { "output" } else { "error" };
        println!("{}", json!({"id": request["id"], key: output.unwrap_or_else(Value::String)}));
        std::io::stdout().flush()?;
    }
    Ok(())
}

fn answer(document: &Value, runtime: &tokio::runtime::Runtime, name: &str, input: &Value) -> Result<Value, String> {
    let (call, body, seconds) = (text(&input["call"]), &input["body"], input["input_seconds"].as_f64());
    Ok(match name {
        "encode" => {
            let client = Client::new(None, Some(json!({"http_status": 202})));
            let subject = if input["body"].is_null() { &input["request_id"] } else { &input["body"] };
            let called = runtime.block_on(client.call(text(&input["operation"]), subject));
            Some(client.request()).filter(|request| !request.is_null()).ok_or_else(|| called.unwrap_err())?
        }
        "decode" => {
            let client = Client::new(None, Some(input.clone()));
            let subject = if input["operation"] == "getVideo" { json!("id") } else { json!({}) };
            json!({"value": runtime.block_on(client.call(text(&input["operation"]), &subject))?})
        }
        "check" => modes::check(&document["x-modes"], call, body, seconds),
        "look" => rules::look(document, input),
        "post" => rules::post(&document["x-errors"], input),
        "wait" => {
            let (mut pauses, answers) = (Vec::new(), list(&input["answers"]));
            let mut output = rules::wait(document, input["timeout"].as_f64().unwrap_or_default(), |pause| {
                pauses.push(pause);
                answers[(pauses.len() - 1).min(answers.len() - 1)].clone()
            });
            output["polls"] = json!(pauses.len());
            output["pauses"] = json!(pauses);
            output
        }
        "price" => json!({"usd": rules::price(document, call, body, seconds).map(|usd| format!("{usd:.9}"))}),
        "download" => download(document, body),
        "run" => run::run(document, runtime, input)?,
        _ => return Err(format!("there is no operation {name}")),
    })
}

pub fn download(document: &Value, body: &Value) -> Value {
    let result = &document["x-waiter"]["result"];
    let mut urls = texts(&result["url"]).into_iter().map(|path| at(body, path));
    json!({"url": urls.find(|url| !text(url).is_empty()), "authorization": result["authorization"] != "never"})
}
