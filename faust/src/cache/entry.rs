//! The bytes of an object on disk: `KRFO`, version, key, checksum of the rest, then the rest.

use crate::object::{Object, ObjectKey};

const MAGIC: &[u8; 8] = b"KRFO\x01\0\0\0";
const HEAD: usize = 8 + 32 + 32;

pub(super) fn to_bytes(object: &Object) -> Vec<u8> {
    let mut body = Vec::with_capacity(object.code.len() + object.json.len() + 128);
    body.extend(object.layout);
    body.extend(object.state.to_le_bytes());
    for part in [object.name.as_bytes(), object.json.as_bytes(), &object.code] {
        body.extend((part.len() as u64).to_le_bytes());
        body.extend(part);
    }
    let mut bytes = Vec::with_capacity(HEAD + body.len());
    bytes.extend(MAGIC);
    bytes.extend(object.key.0);
    bytes.extend(checksum(&object.key, &body));
    bytes.extend(body);
    bytes
}

fn checksum(key: &ObjectKey, body: &[u8]) -> [u8; 32] {
    *blake3::Hasher::new().update(MAGIC).update(&key.0).update(body).finalize().as_bytes()
}

/// The object, unless a single bit is not as it was written, or it is another one.
pub(super) fn from_bytes(bytes: &[u8], key: ObjectKey) -> Option<Object> {
    let (head, mut body) = bytes.split_at_checked(HEAD)?;
    if &head[..8] != MAGIC || head[8..40] != key.0 || head[40..] != checksum(&key, body) {
        return None;
    }
    let layout = take(&mut body, 32)?.try_into().ok()?;
    let state = u64::from_le_bytes(take(&mut body, 8)?.try_into().ok()?);
    let mut part = || {
        let length = u64::from_le_bytes(take(&mut body, 8)?.try_into().ok()?);
        take(&mut body, usize::try_from(length).ok()?).map(<[u8]>::to_vec)
    };
    let (name, json, code) = (part()?, part()?, part()?);
    let (name, json) = (String::from_utf8(name).ok()?, String::from_utf8(json).ok()?);
    body.is_empty().then_some(Object { key, layout, name, json, state, code })
}

fn take<'a>(from: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, rest) = from.split_at_checked(count)?;
    *from = rest;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_flipped_bit_or_missing_byte_anywhere_is_noticed() {
        let object = Object {
            key: ObjectKey([7; 32]),
            layout: [3; 32],
            name: "bass".to_owned(),
            json: "{}".to_owned(),
            state: 12,
            code: vec![1, 2, 3],
        };
        let bytes = to_bytes(&object);
        assert_eq!(from_bytes(&bytes, object.key), Some(object.clone()));
        assert_eq!(from_bytes(&bytes, ObjectKey([8; 32])), None);
        for at in 0..bytes.len() {
            assert_eq!(from_bytes(&bytes[..at], object.key), None);
            let mut bad = bytes.clone();
            bad[at] ^= 1 << (at % 8);
            assert_eq!(from_bytes(&bad, object.key), None);
        }
    }
}
