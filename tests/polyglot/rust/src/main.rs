//! The adapter: answers the lines of the conformance kit, one by one.

mod answers;
mod client;
mod json;
mod modes;
mod run;

use client::Client;
use json::{Value, json, list, number, text};
use std::io::{BufRead, Write, stdin, stdout};
use tokio::runtime::{Builder, Runtime};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("the path of openapi.json is the only argument")?;
    let document: Value = serde_json::from_slice(&std::fs::read(path)?)?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let operations = ["encode", "decode", "check", "look", "post", "wait", "price", "download", "run"];
    println!("{}", json!({"adapter": "rust", "generator": "openapi-generator 7.26.0", "operations": operations}));
    for line in stdin().lock().lines() {
        let request: Value = serde_json::from_str(&line?)?;
        println!(
            "{}",
            match answer(&document, &runtime, text(&request["operation"]), &request["input"]) {
                Ok(output) => json!({"id": request["id"], "output": output}),
                Err(error) => json!({"id": request["id"], "error": error}),
            }
        );
        stdout().flush()?;
    }
    Ok(())
}

fn answer(document: &Value, runtime: &Runtime, operation: &str, input: &Value) -> Result<Value, String> {
    let (call, body, seconds) = (text(&input["call"]), &input["body"], input["input_seconds"].as_f64());
    Ok(match operation {
        "encode" => {
            let client = Client::new(None, Some(json!({"http_status": 202})));
            let subject = if body.is_null() { &input["request_id"] } else { body };
            let called = runtime.block_on(client.call(text(&input["operation"]), subject));
            if client.last_request().is_null() { called? } else { client.last_request() }
        }
        "decode" => {
            let client = Client::new(None, Some(input.clone()));
            let is_post = ["generateVideo", "editVideo", "extendVideo"].contains(&text(&input["operation"]));
            let subject = if is_post { json!({"prompt": "", "video": {}}) } else { json!("id") };
            json!({"value": runtime.block_on(client.call(text(&input["operation"]), &subject))?})
        }
        "check" => modes::check(&document["x-modes"], call, body, seconds),
        "look" => answers::look(document, input),
        "post" => answers::post(&document["x-errors"], input),
        "wait" => {
            let (mut pauses, given) = (vec![], list(&input["answers"]));
            let mut output = answers::wait(document, number(&input["timeout"]), |pause| {
                pauses.push(pause);
                given[pauses.len().min(given.len()) - 1].clone()
            });
            output["polls"] = json!(pauses.len());
            output["pauses"] = json!(pauses);
            output
        }
        "price" => json!({"usd": modes::price(document, call, body, seconds).map(|usd| format!("{usd:.10}"))}),
        "download" => answers::download(document, body),
        "run" => run::run(document, runtime, input)?,
        _ => return Err(format!("there is no operation {operation}")),
    })
}
