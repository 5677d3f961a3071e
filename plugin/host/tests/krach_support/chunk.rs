//! A state chunk around a document, as a project of another machine might hold it.

use serde_json::{Value, json};

/// The chunk of a session document (ModuleIr).
pub fn of_document(document: &Value) -> Vec<u8> {
    of_text(&document.to_string())
}

/// The same of a text that claims to be one.
pub fn of_text(document: &str) -> Vec<u8> {
    let payload = format!("{{\"params\":{{}},\"session\":{document}}}");
    let body = zstd::bulk::compress(payload.as_bytes(), 3).expect("compresses");
    let mut chunk = b"krach\0\x1a\n".to_vec();
    for field in [1, payload.len() as u32, body.len() as u32] {
        chunk.extend_from_slice(&field.to_le_bytes());
    }
    let mut crc = crc32fast::Hasher::new();
    crc.update(&chunk);
    crc.update(&body);
    chunk.extend_from_slice(&crc.finalize().to_le_bytes());
    chunk.extend_from_slice(&body);
    chunk
}

/// The document in a chunk.
pub fn document(chunk: &[u8]) -> Value {
    let field = |at: usize| u32::from_le_bytes(chunk[at..at + 4].try_into().expect("four")) as usize;
    let payload = zstd::bulk::decompress(&chunk[24..24 + field(16)], field(12)).expect("a chunk");
    let payload: Value = serde_json::from_slice(&payload).expect("JSON");
    payload["session"].clone()
}

/// One of the stored documents.
pub fn stored(name: &str) -> Value {
    let path = format!("{}/../../core/tests/documents/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).expect("it is stored")).expect("JSON")
}

/// A node with that source.
pub fn node(name: &str, source: &Value, gain: f64) -> Value {
    json!({"name": name, "source": source, "gain": gain, "count": 1})
}
