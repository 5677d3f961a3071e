//! Which family a line belongs to, and who reads it.

use krach_core::limits::MAX_PARTS;

use crate::protocol::legacy::reply;
use crate::protocol::request::{Parsed, Tagged, tagged};
use crate::protocol::{legacy, rpc, table};
use crate::socket::lines::{Line, MAX_LOW_LINE};

/// Understands a line. Never recurses on what the line holds, save for a pattern within its depth.
pub(crate) fn parse(line: &Line) -> Parsed {
    let bytes = match line {
        Line::Text(bytes) => bytes,
        Line::TooLarge { bytes, max, rpc: false } => return Parsed::Reply(reply::too_large(*bytes, *max)),
        Line::TooLarge { bytes, max, rpc: true } => return Parsed::Reply(rpc::too_large(*bytes, *max)),
    };
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Parsed::Reply(reply::unrecognized(&String::from_utf8_lossy(bytes)));
    };
    let parsed = match tagged(text) {
        Some(Tagged { jsonrpc: Some(version), .. }) => {
            let parts = krach_patterns::json_extent(text).parts;
            if parts > MAX_PARTS {
                return Parsed::Reply(rpc::too_many(parts, MAX_PARTS));
            }
            return rpc::parse(text, version);
        }
        None if crate::socket::lines::mentions_rpc(bytes) => return Parsed::Reply(rpc::unreadable(text)),
        _ if bytes.len() > MAX_LOW_LINE => {
            return Parsed::Reply(reply::too_large(bytes.len() as u64, MAX_LOW_LINE));
        }
        Some(Tagged { cmd: None, kind: None, method: Some(_), .. }) => return rpc::without_version(text),
        Some(tags) => legacy::read(text, &tags),
        None => None,
    };
    match parsed {
        Some(request) => request.into_parsed(),
        None => Parsed::Reply(reply::unrecognized(text)),
    }
}

/// What the hello line says that this engine can do: the families, and the methods of the third.
pub(crate) fn capabilities() -> Vec<String> {
    let methods = table::names().into_iter().map(|name| format!("jsonrpc:{name}"));
    ["cmd", "type", "jsonrpc"].map(str::to_owned).into_iter().chain(methods).collect()
}
