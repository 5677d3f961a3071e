//! How parameters are read: an object by name, with the way to what does not fit.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::protocol::error::{INVALID_PARAMS, RpcError};

pub(super) fn read_params<'a, T: Deserialize<'a>>(raw: Option<&'a RawValue>) -> Result<T, RpcError> {
    let raw = raw.map_or("{}", RawValue::get);
    if !raw.trim_start().starts_with('{') {
        return Err(RpcError::new(INVALID_PARAMS, "parameters are an object, by name").at("params"));
    }
    read_object(raw)
}

/// Reads an object of parameters, with the way to what does not fit.
pub(super) fn read_object<'a, T: Deserialize<'a>>(raw: &'a str) -> Result<T, RpcError> {
    let mut reader = serde_json::Deserializer::from_str(raw);
    serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let place = if path == "." { "params".to_owned() } else { format!("params.{path}") };
        // The line and column are those of what is left of the request.
        let message = error.into_inner().to_string();
        let end = message.rfind(" at line ").unwrap_or(message.len());
        RpcError::new(INVALID_PARAMS, format!("parameters not understood: {}", &message[..end])).at(place)
    })
}
