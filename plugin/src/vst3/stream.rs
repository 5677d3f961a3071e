//! State bytes from and to the host, which may take or give them in pieces of any size.

use super::com::ComRef;
use super::com::Steinberg::{IBStream, IBStreamTrait};

use crate::state::ReadError;

/// Reads from where the stream stands (hosts put headers of their own before it) to its end; fails if
/// there is no stream, or it gives more than `limit` bytes. What the calls return is not looked at:
/// some hosts say false for a read that gave bytes.
///
/// # Safety
/// `stream` is null or the host's, valid for this call.
pub unsafe fn read_all(stream: *mut IBStream, limit: usize) -> Result<Vec<u8>, ReadError> {
    // SAFETY: as promised by the caller.
    let stream = unsafe { ComRef::from_raw(stream) }.ok_or(ReadError::Failed)?;
    let mut bytes = Vec::new();
    let mut piece = vec![0_u8; 64 << 10];
    loop {
        let mut count = 0;
        // SAFETY: `piece` has room for as many bytes as are asked for.
        unsafe { stream.read(piece.as_mut_ptr().cast(), piece.len() as i32, &mut count) };
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
pub unsafe fn write_all(stream: *mut IBStream, mut bytes: &[u8]) -> bool {
    // SAFETY: as promised by the caller.
    let Some(stream) = (unsafe { ComRef::from_raw(stream) }) else { return false };
    while !bytes.is_empty() {
        let ask = i32::try_from(bytes.len()).unwrap_or(i32::MAX);
        let mut count = 0;
        // SAFETY: `bytes` is readable for its length; the host does not write to it, whatever the
        // type of the pointer.
        unsafe { stream.write(bytes.as_ptr().cast_mut().cast(), ask, &mut count) };
        match usize::try_from(count) {
            Ok(count) if (1..=bytes.len()).contains(&count) => bytes = &bytes[count..],
            _ => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::ffi::c_void;

    use super::super::com::Steinberg::{int32, int64, kNotImplemented, kResultFalse, kResultOk, tresult};
    use super::super::com::{Class, ComWrapper};
    use super::*;

    /// Gives and takes at most 7 bytes at a time; takes no more than `room`. Says false to every read.
    #[derive(Default)]
    struct Host {
        bytes: RefCell<Vec<u8>>,
        at: RefCell<usize>,
        room: usize,
    }

    impl Class for Host {
        type Interfaces = (IBStream,);
    }

    impl IBStreamTrait for Host {
        unsafe fn read(&self, to: *mut c_void, size: int32, read: *mut int32) -> tresult {
            let (bytes, mut at) = (self.bytes.borrow(), self.at.borrow_mut());
            let count = (bytes.len() - *at).min(7).min(size as usize);
            // SAFETY: the caller has room for `size` bytes and a count.
            unsafe {
                std::ptr::copy_nonoverlapping(bytes[*at..].as_ptr(), to.cast(), count);
                *read = count as int32;
            }
            *at += count;
            kResultFalse
        }

        unsafe fn write(&self, from: *mut c_void, size: int32, written: *mut int32) -> tresult {
            let mut bytes = self.bytes.borrow_mut();
            let count = (size as usize).min(7).min(self.room - bytes.len());
            // SAFETY: the caller has `size` bytes, and room for a count.
            unsafe {
                bytes.extend(std::slice::from_raw_parts(from.cast::<u8>(), count));
                *written = count as int32;
            }
            kResultOk
        }

        unsafe fn seek(&self, _: int64, _: int32, _: *mut int64) -> tresult {
            kNotImplemented
        }

        unsafe fn tell(&self, _: *mut int64) -> tresult {
            kNotImplemented
        }
    }

    fn read(bytes: &[u8], from: usize, limit: usize) -> Result<Vec<u8>, ReadError> {
        let host = Host { bytes: bytes.to_vec().into(), at: from.into(), room: 0 };
        let stream = ComWrapper::new(host).to_com_ptr::<IBStream>().unwrap();
        // SAFETY: the stream lives on this stack frame.
        unsafe { read_all(stream.as_ptr(), limit) }
    }

    fn write(bytes: &[u8], room: usize) -> (bool, Vec<u8>) {
        let host = ComWrapper::new(Host { room, ..Host::default() });
        let stream = host.to_com_ptr::<IBStream>().unwrap();
        // SAFETY: as above.
        let written = unsafe { write_all(stream.as_ptr(), bytes) };
        let taken = host.bytes.borrow().clone();
        (written, taken)
    }

    #[test]
    fn bytes_in_pieces_come_through_whole_from_where_the_stream_stands() {
        let bytes: Vec<u8> = (0..=255).cycle().take(1000).collect();
        assert_eq!(read(&bytes, 0, 1000), Ok(bytes.clone()));
        assert_eq!(read(&bytes, 48, 1000), Ok(bytes[48..].to_vec()));
        assert_eq!(read(&[], 0, 1000), Ok(Vec::new()));
        assert_eq!(write(&bytes, 1000), (true, bytes));
    }

    #[test]
    fn too_much_to_read_no_room_to_write_or_no_stream_is_a_failure() {
        assert_eq!(read(&[1; 1001], 0, 1000), Err(ReadError::TooLarge(1000)));
        assert!(!write(&[1; 1001], 1000).0);
        // SAFETY: null.
        unsafe {
            assert_eq!(read_all(std::ptr::null_mut(), 10), Err(ReadError::Failed));
            assert!(!write_all(std::ptr::null_mut(), b"x"));
        }
    }
}
