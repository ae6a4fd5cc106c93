//! The generated client, and a middleware that keeps what went over the wire.

use grok_imagine_api::apis::{Error, configuration::Configuration, videos_api};
use reqwest::{Body, Request, Response};
use reqwest_middleware::{ClientBuilder, Middleware, Next};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

#[derive(Clone, Default)]
struct Wire {
    canned: Option<Value>,
    request: Arc<Mutex<Value>>,
    answer: Arc<Mutex<Value>>,
}

impl Wire {
    async fn send(
        &self,
        request: Request,
        extensions: &mut http::Extensions,
        next: Next<'_>,
    ) -> Result<Value, reqwest_middleware::Error> {
        if let Some(answer) = &self.canned {
            let text =
                answer.get("body").map_or(answer["text"].as_str().unwrap_or_default().to_owned(), Value::to_string);
            return Ok(json!({"http_status": answer["http_status"], "text": text}));
        }
        let response = next.run(request, extensions).await?;
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().into()));
        let headers = Value::Object(headers.collect());
        Ok(json!({"http_status": status, "headers": headers, "text": response.text().await?}))
    }
}

#[async_trait::async_trait]
impl Middleware for Wire {
    async fn handle(
        &self,
        request: Request,
        extensions: &mut http::Extensions,
        next: Next<'_>,
    ) -> Result<Response, reqwest_middleware::Error> {
        let body =
            request.body().and_then(Body::as_bytes).and_then(|bytes| serde_json::from_slice::<Value>(bytes).ok());
        let (method, path) = (request.method().as_str(), request.url().path());
        *self.request.lock().unwrap() = json!({"method": method, "path": path, "body": body});
        let answer = self.send(request, extensions, next).await;
        let failure = |error: &reqwest_middleware::Error| if error.is_connect() { "not_delivered" } else { "lost" };
        *self.answer.lock().unwrap() =
            answer.as_ref().map_or_else(|error| json!({"failure": failure(error)}), Value::clone);
        let answer = answer?;
        // The guard: the generated code can't read an answer without a body, such as that of a job that still runs.
        let text = answer["text"].as_str().filter(|text| !text.trim().is_empty()).unwrap_or("{}").to_owned();
        let response = http::Response::builder().status(answer["http_status"].as_u64().unwrap_or(200) as u16);
        let response = response.header("content-type", "application/json").body(text);
        Ok(response.map_err(reqwest_middleware::Error::middleware)?.into())
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
        configuration.client = ClientBuilder::new(reqwest::Client::new()).with(wire.clone()).build();
        if let Some((base_url, api_key)) = server {
            configuration.base_path = base_url.to_owned();
            configuration.bearer_access_token = Some(api_key.to_owned());
        }
        Self { configuration, wire }
    }

    /// The last request, and what came of it.
    pub fn request(&self) -> Value {
        self.wire.request.lock().unwrap().clone()
    }

    pub fn answer(&self) -> Value {
        self.wire.answer.lock().unwrap().clone()
    }

    /// Calls an operation with a body, or with the id of a job. Returns the typed answer as JSON.
    pub async fn call(&self, operation: &str, input: &Value) -> Result<Value, String> {
        let configuration = &self.configuration;
        match operation {
            "generateVideo" => written(videos_api::generate_video(configuration, read(input)?).await),
            "editVideo" => written(videos_api::edit_video(configuration, read(input)?).await),
            "extendVideo" => written(videos_api::extend_video(configuration, read(input)?).await),
            _ => written(videos_api::get_video(configuration, input.as_str().unwrap_or_default()).await),
        }
    }
}

/// The generated type of a body, without the members that have no value.
fn read<T: DeserializeOwned>(body: &Value) -> Result<T, String> {
    fn set(value: &Value) -> Value {
        match value {
            Value::Object(members) => {
                let has_value = |value: &Value| !value.is_null() && *value != json!([]);
                members
                    .iter()
                    .filter(|(_, value)| has_value(value))
                    .map(|(name, value)| (name.clone(), set(value)))
                    .collect()
            }
            Value::Array(items) => items.iter().map(set).collect(),
            other => other.clone(),
        }
    }
    serde_json::from_value(set(body)).map_err(|error| error.to_string())
}

fn written<T: Serialize, E: Serialize>(result: Result<T, Error<E>>) -> Result<Value, String> {
    match result {
        Ok(value) => serde_json::to_value(value).map_err(|error| error.to_string()),
        Err(Error::ResponseError(response)) => serde_json::to_value(response.entity).map_err(|error| error.to_string()),
        Err(error) => Err(match error {
            Error::Serde(e) => e.to_string(),
            Error::Reqwest(e) => e.to_string(),
            Error::ReqwestMiddleware(e) => e.to_string(),
            Error::Io(e) => e.to_string(),
            _ => String::new(),
        }),
    }
}
