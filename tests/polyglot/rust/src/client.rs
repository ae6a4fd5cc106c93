//! The generated client, and a middleware that keeps what went over the wire.

use crate::json::{Value, json};
use grok_imagine_api::apis::{Error, configuration::Configuration, video_models_api, videos_api};
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Body, Request, Response, redirect::Policy};
use reqwest_middleware::{ClientBuilder, Middleware, Next, Result as Sent};
use serde::{Serialize, de::DeserializeOwned};
use std::sync::{Arc, Mutex};

/// The last request and what came of it. A canned answer is given in place of the network's.
#[derive(Clone, Default)]
struct Wire {
    canned: Option<Value>,
    request: Arc<Mutex<Value>>,
    answer: Arc<Mutex<Value>>,
}

impl Wire {
    async fn send(&self, request: Request, extensions: &mut http::Extensions, next: Next<'_>) -> Sent<Value> {
        if let Some(canned) = &self.canned {
            let text = canned.get("body").map_or(json!(canned["text"].as_str()), |body| json!(body.to_string()));
            return Ok(json!({"http_status": canned["http_status"], "text": text}));
        }
        let response = next.run(request, extensions).await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let named = |(name, value): (&HeaderName, &HeaderValue)| (name.to_string(), json!(value.to_str().ok()));
        let headers: Value = headers.iter().map(named).collect();
        Ok(json!({"http_status": status, "headers": headers, "text": response.text().await?}))
    }
}

#[async_trait::async_trait]
impl Middleware for Wire {
    async fn handle(&self, request: Request, extensions: &mut http::Extensions, next: Next<'_>) -> Sent<Response> {
        let body = request.body().and_then(Body::as_bytes).and_then(|body| serde_json::from_slice::<Value>(body).ok());
        let (method, path) = (request.method().as_str(), request.url().path());
        *self.request.lock().unwrap() = json!({"method": method, "path": path, "body": body});
        let sent = self.send(request, extensions, next).await;
        *self.answer.lock().unwrap() = match &sent {
            Ok(answer) => answer.clone(),
            Err(error) if error.is_connect() => json!({"failure": "not_delivered"}),
            Err(_) => json!({"failure": "lost"}),
        };
        // The guard: the generated code can't read an answer without a body, such as that of a job that still runs.
        let answer = sent?;
        let body = answer["text"].as_str().filter(|text| !text.trim().is_empty()).unwrap_or("{}").to_owned();
        let response = http::Response::builder().status(answer["http_status"].as_u64().unwrap_or(200) as u16);
        let response = response.header("content-type", "application/json").body(body);
        response.map(Response::from).map_err(reqwest_middleware::Error::middleware)
    }
}

pub struct Client {
    configuration: Configuration,
    wire: Wire,
}

impl Client {
    /// A client of a server, or one that gets the same answer to everything.
    pub fn new(server: Option<(&str, &str)>, canned: Option<Value>) -> Self {
        let wire = Wire { canned, ..Wire::default() };
        let mut configuration = Configuration::new();
        // A POST that follows a redirect is a second one.
        let http = reqwest::Client::builder().redirect(Policy::none()).build().expect("a client");
        configuration.client = ClientBuilder::new(http).with(wire.clone()).build();
        if let Some((base_url, api_key)) = server {
            configuration.base_path = base_url.to_owned();
            configuration.bearer_access_token = Some(api_key.to_owned());
        }
        Self { configuration, wire }
    }

    pub fn last_request(&self) -> Value {
        self.wire.request.lock().unwrap().clone()
    }

    pub fn last_answer(&self) -> Value {
        self.wire.answer.lock().unwrap().clone()
    }

    /// Calls an operation with a body, or with the id that is asked for. Returns the typed answer as JSON.
    pub async fn call(&self, operation: &str, input: &Value) -> Result<Value, String> {
        let (configuration, id) = (&self.configuration, input.as_str().unwrap_or_default());
        match operation {
            "generateVideo" => written(videos_api::generate_video(configuration, read(input)?).await),
            "editVideo" => written(videos_api::edit_video(configuration, read(input)?).await),
            "extendVideo" => written(videos_api::extend_video(configuration, read(input)?).await),
            "getVideoModel" => written(video_models_api::get_video_model(configuration, id).await),
            "listVideoModels" => written(video_models_api::list_video_models(configuration).await),
            _ => written(videos_api::get_video(configuration, id).await),
        }
    }
}

/// What was set of a body; 5.0 is 5.
fn set(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let given = members.iter().filter(|(_, value)| !value.is_null() && **value != json!([]));
            given.map(|(name, value)| (name.clone(), set(value))).collect()
        }
        Value::Array(items) => items.iter().map(set).collect(),
        Value::Number(number) => {
            let whole = number.as_f64().filter(|value| number.is_f64() && value.fract() == 0.0);
            whole.map_or(json!(number), |value| json!(value as i64))
        }
        other => other.clone(),
    }
}

/// The generated type of a body.
fn read<T: DeserializeOwned>(body: &Value) -> Result<T, String> {
    serde_json::from_value(set(body)).map_err(|error| error.to_string())
}

fn written<T: Serialize, E: Serialize>(result: Result<T, Error<E>>) -> Result<Value, String> {
    let written = match result {
        Ok(value) => serde_json::to_value(value),
        Err(Error::ResponseError(response)) => serde_json::to_value(response.entity),
        Err(error) => return Err(error.to_string()),
    };
    written.map_err(|error| error.to_string())
}
