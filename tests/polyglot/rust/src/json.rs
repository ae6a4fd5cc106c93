//! Short ways through JSON. What is missing is null, empty or nothing.

pub use serde_json::{Value, json};

pub type Object = serde_json::Map<String, Value>;

/// The value at a path such as `video.url`.
pub fn at<'a>(value: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(value, |value, name| &value[name])
}

pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

pub fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_default()
}

pub fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

pub fn texts(value: &Value) -> impl Iterator<Item = &str> {
    list(value).iter().filter_map(Value::as_str)
}

pub fn has(values: &Value, wanted: &str) -> bool {
    texts(values).any(|value| value == wanted)
}

pub fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}
