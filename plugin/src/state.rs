//! What the host stores for us: one chunk, the same bytes in every plugin format.
//!
//! ```text
//! offset  bytes  what
//!      0      8  magic  "krach\0\x1a\n"
//!      8      4  version of the chunk, little endian (1)
//!     12      4  length of the payload, uncompressed
//!     16      4  length of the payload, compressed
//!     20      4  CRC-32 (IEEE) of bytes 0…19 and the compressed payload
//!     24         payload, one zstd frame
//! ```
//!
//! The payload is JSON: `{"params":{"m1":0.5,…},"session":{…}}`. `params` are the host parameters by
//! their string id, normalised 0…1; `session` is the engine's document, byte for byte as the engine
//! wrote it. Bytes after the frame are ignored: some hosts pad what they store.

use std::collections::BTreeMap;

use krach_core::engine::LoadError;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// First bytes of every chunk. The NUL, the control-Z and the line feed show damage by text tools.
pub const MAGIC: [u8; 8] = *b"krach\0\x1a\n";

/// Version that this build writes; it reads every version up to this.
pub const VERSION: u32 = 1;

/// Most bytes that a payload may have uncompressed, and that a chunk may have at all (64 MiB).
pub const MAX_BYTES: usize = 64 << 20;

/// Most bytes that are taken from a host at a load (256 MiB), and kept if they are refused.
pub const MAX_READ: usize = 256 << 20;

/// What the host saves a chunk for, or loads it for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Purpose {
    /// Its project.
    #[default]
    Project,
    /// A copy of the instance beside it.
    Duplicate,
    /// A preset, for instances that have names of their own.
    Preset,
}

/// Why the bytes of a host's stream were not taken. What is not taken cannot be saved back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The host gave no stream, or failed to read from it.
    #[error("the host could not read the saved state; what played before plays on")]
    Failed,
    /// More bytes than these.
    #[error(
        "the saved state is larger than {0} bytes and no state of krach; what played before plays on, and is what the \
         host saves next"
    )]
    TooLarge(usize),
}

/// zstd's default level: 1 MB of session text takes a few milliseconds.
const LEVEL: i32 = 3;

const HEADER: usize = 24;

/// Why a chunk was refused. The session that plays is untouched.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// Not a chunk of krach.
    #[error("the saved state is not one of krach; what played before plays on")]
    NotOurs,
    /// Written by a later version.
    #[error(
        "the saved state was written by a newer krach (state format {version}, this one reads {VERSION}); update the \
         plugin to load it; what played before plays on"
    )]
    Newer {
        /// Version of the chunk.
        version: u32,
    },
    /// More than [`MAX_BYTES`].
    #[error(
        "the saved state is too large ({size} bytes, the most is {MAX_BYTES}); what played before plays on"
    )]
    TooLarge {
        /// Size in bytes, as far as it is known.
        size: u64,
    },
    /// Cut short, or bytes have changed.
    #[error("the saved state is damaged: {what}; what played before plays on")]
    Damaged {
        /// What does not fit.
        what: &'static str,
    },
    /// The payload is not the JSON it should be.
    #[error("the saved state is not understood: {message}; what played before plays on")]
    Malformed {
        /// Line, column and reason.
        message: String,
    },
    /// The engine refused the session inside.
    #[error("{0}; what played before plays on")]
    Session(#[source] Box<LoadError>),
    /// The engine did not come to it in time. It will not come to it later either.
    #[error(
        "the engine was busy for too long, so the saved state was not loaded; load it again; what played before plays \
         on"
    )]
    Unanswered,
}

impl From<LoadError> for StateError {
    fn from(error: LoadError) -> Self {
        Self::Session(Box::new(error))
    }
}

/// What a chunk carries, apart from its wrapping.
#[derive(Debug, Deserialize, Serialize)]
pub struct Payload {
    /// Host parameters by string id, normalised 0…1. Missing ones keep their value, unknown ones
    /// are ignored.
    #[serde(default)]
    pub params: BTreeMap<String, f64>,
    session: Box<RawValue>,
}

impl Payload {
    /// Joins parameter values and the engine's document.
    ///
    /// # Errors
    /// [`StateError::Malformed`] if `session` is not JSON in UTF-8.
    pub fn new(params: BTreeMap<String, f64>, session: Vec<u8>) -> Result<Self, StateError> {
        let malformed = |message: String| StateError::Malformed { message };
        let text = String::from_utf8(session).map_err(|e| malformed(e.to_string()))?;
        let session = RawValue::from_string(text).map_err(|e| malformed(e.to_string()))?;
        Ok(Self { params, session })
    }

    /// The engine's document, byte for byte.
    pub fn session(&self) -> &[u8] {
        self.session.get().as_bytes()
    }

    /// The chunk for the host. Equal payloads give equal bytes.
    ///
    /// # Errors
    /// [`StateError::TooLarge`] if no build could read it back; [`StateError::Malformed`] if a
    /// parameter is not a finite number.
    pub fn encode(&self) -> Result<Vec<u8>, StateError> {
        let json = serde_json::to_vec(self).map_err(|e| StateError::Malformed { message: e.to_string() })?;
        if json.len() > MAX_BYTES {
            return Err(StateError::TooLarge { size: json.len() as u64 });
        }
        Ok(encode(&json))
    }

    /// Reads a chunk.
    ///
    /// # Errors
    /// Those of [`decode`], and [`StateError::Malformed`].
    pub fn decode(chunk: &[u8]) -> Result<Self, StateError> {
        let json = decode(chunk)?;
        serde_json::from_slice(&json).map_err(|e| StateError::Malformed { message: e.to_string() })
    }
}

/// Wraps a payload of at most [`MAX_BYTES`]. Equal payloads give equal bytes.
pub fn encode(payload: &[u8]) -> Vec<u8> {
    // zstd fails only for want of memory, or with a level that does not exist.
    let body = zstd::bulk::compress(payload, LEVEL).expect("zstd compresses any bytes");
    let mut chunk = Vec::with_capacity(HEADER + body.len());
    chunk.extend_from_slice(&MAGIC);
    chunk.extend_from_slice(&VERSION.to_le_bytes());
    chunk.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    chunk.extend_from_slice(&(body.len() as u32).to_le_bytes());
    let crc = checksum(&chunk, &body);
    chunk.extend_from_slice(&crc.to_le_bytes());
    chunk.extend_from_slice(&body);
    chunk
}

/// Unwraps a payload. Never allocates more than [`MAX_BYTES`], whatever the chunk claims.
///
/// # Errors
/// Every [`StateError`] but `Malformed` and `Session`.
pub fn decode(chunk: &[u8]) -> Result<Vec<u8>, StateError> {
    let known = chunk.len().min(MAGIC.len());
    if chunk.is_empty() || chunk[..known] != MAGIC[..known] {
        return Err(StateError::NotOurs);
    }
    if chunk.len() >= 12 {
        let version = word(chunk, 8);
        if version > VERSION {
            return Err(StateError::Newer { version });
        }
        if version == 0 {
            return Err(StateError::Damaged { what: "its version cannot be 0" });
        }
    }
    if chunk.len() < HEADER {
        return Err(StateError::Damaged { what: "its header is cut short" });
    }
    let (plain, packed) = (word(chunk, 12) as usize, word(chunk, 16) as usize);
    for size in [plain, packed] {
        if size > MAX_BYTES {
            return Err(StateError::TooLarge { size: size as u64 });
        }
    }
    let Some(body) = chunk[HEADER..].get(..packed) else {
        return Err(StateError::Damaged { what: "its end is missing" });
    };
    if checksum(&chunk[..20], body) != word(chunk, 20) {
        return Err(StateError::Damaged { what: "its checksum does not fit" });
    }
    let payload = zstd::bulk::decompress(body, plain)
        .map_err(|_| StateError::Damaged { what: "it does not decompress to the length it states" })?;
    if payload.len() != plain {
        return Err(StateError::Damaged { what: "it does not decompress to the length it states" });
    }
    Ok(payload)
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn checksum(header: &[u8], body: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(header);
    crc.update(body);
    crc.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A chunk with any header fields and a checksum that fits, as a forger would write it.
    fn forged(version: u32, plain: u32, body: &[u8]) -> Vec<u8> {
        let mut chunk = MAGIC.to_vec();
        for field in [version, plain, body.len() as u32] {
            chunk.extend_from_slice(&field.to_le_bytes());
        }
        let crc = checksum(&chunk, body);
        chunk.extend_from_slice(&crc.to_le_bytes());
        chunk.extend_from_slice(body);
        chunk
    }

    #[test]
    fn a_payload_comes_back_with_its_parameters_and_its_session_to_the_byte() {
        let session = br#"{ "version": 1, "tempo": 128.0000, "n":{} }"#.to_vec();
        let params = BTreeMap::from([("m1".to_owned(), 0.1), ("panic".to_owned(), 1.0)]);
        let chunk = Payload::new(params.clone(), session.clone()).unwrap().encode().unwrap();
        let back = Payload::decode(&chunk).unwrap();
        assert_eq!((&back.params, back.session()), (&params, &session[..]));
        assert_eq!(back.encode().unwrap(), chunk, "equal payloads give equal bytes");
    }

    #[test]
    fn every_truncation_is_refused() {
        let chunk = encode(&b"four on the floor ".repeat(50));
        for length in 0..chunk.len() {
            assert!(decode(&chunk[..length]).is_err(), "{length} of {} bytes", chunk.len());
        }
    }

    #[test]
    fn every_flipped_bit_is_refused() {
        let chunk = encode(&b"four on the floor ".repeat(50));
        for bit in 0..chunk.len() * 8 {
            let mut damaged = chunk.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(decode(&damaged).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn padding_by_the_host_does_no_harm() {
        let mut chunk = encode(b"{}");
        chunk.extend_from_slice(&[0; 13]);
        assert_eq!(decode(&chunk).unwrap(), b"{}");
    }

    #[test]
    fn a_newer_version_is_named_whatever_follows_it() {
        let newer = forged(7, 3, b"laid out in a way nobody knows yet");
        assert_eq!(decode(&newer), Err(StateError::Newer { version: 7 }));
        assert_eq!(decode(&newer[..12]), Err(StateError::Newer { version: 7 }));
    }

    #[test]
    fn a_bomb_is_refused_before_it_unpacks() {
        let body = zstd::bulk::compress(&vec![0; 1 << 20], 19).unwrap();
        assert!(body.len() < 200, "a bomb packs well");
        assert_eq!(
            decode(&forged(1, u32::MAX, &body)),
            Err(StateError::TooLarge { size: u64::from(u32::MAX) })
        );
        let understated = decode(&forged(1, 10, &body));
        assert!(matches!(understated, Err(StateError::Damaged { .. })), "{understated:?}");
        let overstated = decode(&forged(1, 2 << 20, &body));
        assert!(matches!(overstated, Err(StateError::Damaged { .. })), "{overstated:?}");
    }

    #[test]
    fn a_good_chunk_around_something_else_is_malformed() {
        for json in
            [&b"[]"[..], b"{}", b"{\"session\":", b"\xff", b"{\"params\":{\"m1\":\"loud\"},\"session\":{}}"]
        {
            let refused = Payload::decode(&encode(json));
            assert!(matches!(refused, Err(StateError::Malformed { .. })), "{refused:?}");
        }
    }

    #[test]
    fn chunks_without_parameters_and_with_unknown_fields_are_read() {
        let payload = Payload::decode(&encode(br#"{"session":{"a":1},"later":true}"#)).unwrap();
        assert_eq!((payload.params.len(), payload.session()), (0, &br#"{"a":1}"#[..]));
    }

    proptest! {
        #[test]
        fn any_payload_comes_back(payload in proptest::collection::vec(any::<u8>(), 0..4096)) {
            let chunk = encode(&payload);
            prop_assert_eq!(&encode(&payload), &chunk);
            prop_assert_eq!(decode(&chunk).unwrap(), payload);
        }

        #[test]
        fn random_bytes_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
            prop_assert!(decode(&bytes).is_err());
        }

        #[test]
        fn random_bytes_behind_a_good_header_are_refused(
            plain in 1u32..100_000, body in proptest::collection::vec(any::<u8>(), 0..256),
        ) {
            prop_assert!(decode(&forged(VERSION, plain, &body)).is_err());
        }
    }
}
