//! State bytes from and to the host, which may take or give them in pieces of any size.

use clap_sys::stream::{clap_istream, clap_ostream};

use crate::state::ReadError;

/// Reads to the end; fails if the host does, or gives more than `limit` bytes.
///
/// # Safety
/// `stream` is null or the host's, valid for this call.
pub unsafe fn read_all(stream: *const clap_istream, limit: usize) -> Result<Vec<u8>, ReadError> {
    // SAFETY: as promised by the caller.
    let read = unsafe { stream.as_ref() }.and_then(|stream| stream.read).ok_or(ReadError::Failed)?;
    let mut bytes = Vec::new();
    let mut piece = vec![0u8; 64 << 10];
    loop {
        // SAFETY: `piece` has room for as many bytes as are asked for.
        let count = unsafe { read(stream, piece.as_mut_ptr().cast(), piece.len() as u64) };
        match usize::try_from(count).map_err(|_| ReadError::Failed)? {
            0 => return Ok(bytes),
            count if count > piece.len() => return Err(ReadError::Failed),
            count if bytes.len() + count > limit => return Err(ReadError::TooLarge(limit)),
            count => bytes.extend_from_slice(&piece[..count]),
        }
    }
}

/// Writes everything; false if the host takes no more.
///
/// # Safety
/// `stream` is null or the host's, valid for this call.
pub unsafe fn write_all(stream: *const clap_ostream, mut bytes: &[u8]) -> bool {
    // SAFETY: as promised by the caller.
    let Some(write) = (unsafe { stream.as_ref() }).and_then(|stream| stream.write) else {
        return false;
    };
    while !bytes.is_empty() {
        // SAFETY: `bytes` is readable for its length.
        let count = unsafe { write(stream, bytes.as_ptr().cast(), bytes.len() as u64) };
        match usize::try_from(count) {
            Ok(count) if (1..=bytes.len()).contains(&count) => bytes = &bytes[count..],
            _ => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::c_void;

    /// Gives and takes at most 7 bytes at a time; takes no more than `room`.
    struct Host {
        bytes: Vec<u8>,
        at: usize,
        room: usize,
    }

    unsafe extern "C" fn give(stream: *const clap_istream, to: *mut c_void, size: u64) -> i64 {
        // SAFETY: the tests put a `Host` there, and nothing else refers to it meanwhile.
        let host = unsafe { &mut *(*stream).ctx.cast::<Host>() };
        let count = (host.bytes.len() - host.at).min(7).min(size as usize);
        // SAFETY: the caller has room for `size` bytes.
        unsafe { std::ptr::copy_nonoverlapping(host.bytes[host.at..].as_ptr(), to.cast(), count) };
        host.at += count;
        count as i64
    }

    unsafe extern "C" fn fail(_: *const clap_istream, _: *mut c_void, _: u64) -> i64 {
        -1
    }

    unsafe extern "C" fn take(stream: *const clap_ostream, from: *const c_void, size: u64) -> i64 {
        // SAFETY: the tests put a `Host` there, and nothing else refers to it meanwhile.
        let host = unsafe { &mut *(*stream).ctx.cast::<Host>() };
        let count = (size as usize).min(7).min(host.room - host.bytes.len());
        // SAFETY: `size` bytes are readable.
        host.bytes.extend(unsafe { std::slice::from_raw_parts(from.cast::<u8>(), count) });
        if count == 0 { -1 } else { count as i64 }
    }

    fn read(bytes: Vec<u8>, limit: usize) -> Result<Vec<u8>, ReadError> {
        let mut host = Host { bytes, at: 0, room: 0 };
        let stream = clap_istream { ctx: (&raw mut host).cast(), read: Some(give) };
        // SAFETY: the stream and its host live on this stack frame.
        unsafe { read_all(&stream, limit) }
    }

    fn write(bytes: &[u8], room: usize) -> (bool, Vec<u8>) {
        let mut host = Host { bytes: Vec::new(), at: 0, room };
        let stream = clap_ostream { ctx: (&raw mut host).cast(), write: Some(take) };
        // SAFETY: the stream and its host live on this stack frame.
        let written = unsafe { write_all(&stream, bytes) };
        (written, host.bytes)
    }

    #[test]
    fn bytes_in_pieces_come_through_whole() {
        let bytes: Vec<u8> = (0..=255).cycle().take(1000).collect();
        assert_eq!(read(bytes.clone(), 1000), Ok(bytes.clone()));
        assert_eq!(read(Vec::new(), 1000), Ok(Vec::new()));
        assert_eq!(write(&bytes, 1000), (true, bytes));
    }

    #[test]
    fn too_much_to_read_or_no_room_to_write_is_a_failure() {
        assert_eq!(read(vec![1; 1001], 1000), Err(ReadError::TooLarge(1000)));
        assert!(!write(&[1; 1001], 1000).0);
    }

    #[test]
    fn a_host_that_fails_or_gives_nothing_to_call_is_survived() {
        let failing = clap_istream { ctx: std::ptr::null_mut(), read: Some(fail) };
        let (mute, deaf) = (
            clap_istream { ctx: std::ptr::null_mut(), read: None },
            clap_ostream { ctx: std::ptr::null_mut(), write: None },
        );
        // SAFETY: null, or on this stack frame.
        unsafe {
            assert_eq!(read_all(&failing, 10), Err(ReadError::Failed));
            assert_eq!(read_all(&mute, 10), Err(ReadError::Failed));
            assert_eq!(read_all(std::ptr::null(), 10), Err(ReadError::Failed));
            assert!(!write_all(&deaf, b"x"));
            assert!(!write_all(std::ptr::null(), b"x"));
        }
    }
}
