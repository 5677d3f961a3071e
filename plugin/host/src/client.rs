//! A client of an instance's socket: one line out, one line back.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::error::HostError;

/// How long the server may take to say hello.
const HELLO_WAIT: Duration = Duration::from_secs(5);

/// A connection. Requests are answered in order; replies are read by a thread of its own, so that
/// waiting for one can be bounded on every platform.
pub struct Client {
    writer: Box<dyn Write + Send>,
    replies: Receiver<std::io::Result<String>>,
    path: PathBuf,
    hello: Value,
}

impl Client {
    /// Connects and reads the server's hello. A socket that does not answer yet is tried again for
    /// up to five seconds.
    ///
    /// # Errors
    /// [`HostError::Socket`], or [`HostError::NoReply`] if there is no hello.
    pub fn connect(path: &Path) -> Result<Self, HostError> {
        let end = Instant::now() + HELLO_WAIT;
        let (reader, writer) = loop {
            match open(path) {
                Ok(pair) => break pair,
                Err(error) if Instant::now() >= end => {
                    return Err(HostError::Socket { path: path.to_owned(), reason: error.to_string() });
                }
                Err(_) => std::thread::sleep(Duration::from_millis(5)),
            }
        };
        let (sender, replies) = channel();
        // Ends with the connection, or when nobody listens any more.
        std::thread::spawn(move || {
            for line in BufReader::new(reader).lines() {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let mut client = Self { writer, replies, path: path.to_owned(), hello: Value::Null };
        let hello = client.wait("(hello)", HELLO_WAIT)?;
        client.hello = serde_json::from_str(&hello).unwrap_or(Value::String(hello));
        Ok(client)
    }

    /// What the server said first.
    pub fn hello(&self) -> &Value {
        &self.hello
    }

    /// Sends one request line (without its newline).
    ///
    /// # Errors
    /// [`HostError::Socket`].
    pub fn send(&mut self, line: &str) -> Result<(), HostError> {
        let mut bytes = line.as_bytes().to_vec();
        bytes.push(b'\n');
        self.writer
            .write_all(&bytes)
            .and_then(|()| self.writer.flush())
            .map_err(|error| self.broken(&error.to_string()))
    }

    /// The next reply line, if it is there.
    ///
    /// # Errors
    /// [`HostError::Socket`] if the connection is gone.
    pub fn poll(&mut self) -> Result<Option<String>, HostError> {
        match self.replies.try_recv() {
            Ok(Ok(line)) => Ok(Some(line)),
            Ok(Err(error)) => Err(self.broken(&error.to_string())),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(self.broken("closed by the plugin")),
        }
    }

    /// The next reply line; `request` names what is waited for.
    ///
    /// # Errors
    /// [`HostError::NoReply`] after `wait`, [`HostError::Socket`] if the connection is gone.
    pub fn wait(&mut self, request: &str, wait: Duration) -> Result<String, HostError> {
        match self.replies.recv_timeout(wait) {
            Ok(Ok(line)) => Ok(line),
            Ok(Err(error)) => Err(self.broken(&error.to_string())),
            Err(RecvTimeoutError::Disconnected) => Err(self.broken("closed by the plugin")),
            Err(RecvTimeoutError::Timeout) => {
                Err(HostError::NoReply { waited: wait, request: shorten(request) })
            }
        }
    }

    /// Sends a request and waits up to five seconds for its reply, parsed where it is JSON.
    ///
    /// # Errors
    /// As [`Self::send`] and [`Self::wait`].
    pub fn request(&mut self, line: &str) -> Result<Value, HostError> {
        self.send(line)?;
        let reply = self.wait(line, HELLO_WAIT)?;
        Ok(serde_json::from_str(&reply).unwrap_or(Value::String(reply)))
    }

    fn broken(&self, reason: &str) -> HostError {
        HostError::Socket { path: self.path.clone(), reason: reason.to_owned() }
    }
}

/// A request, short enough for a message.
pub(crate) fn shorten(request: &str) -> String {
    const LONGEST: usize = 120;
    if request.chars().count() <= LONGEST {
        return request.to_owned();
    }
    let start: String = request.chars().take(LONGEST).collect();
    format!("{start}…")
}

type Halves = (Box<dyn Read + Send>, Box<dyn Write + Send>);

#[cfg(unix)]
fn open(path: &Path) -> std::io::Result<Halves> {
    let stream = std::os::unix::net::UnixStream::connect(path)?;
    let reader = stream.try_clone()?;
    Ok((Box::new(reader), Box::new(Closing(stream))))
}

/// The writing half: dropping it ends the connection, so that the reading thread ends, too.
#[cfg(unix)]
struct Closing(std::os::unix::net::UnixStream);

#[cfg(unix)]
impl Write for Closing {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

#[cfg(unix)]
impl Drop for Closing {
    fn drop(&mut self) {
        // Fails only where the other side was faster.
        let _ = self.0.shutdown(std::net::Shutdown::Both);
    }
}

#[cfg(windows)]
fn open(path: &Path) -> std::io::Result<Halves> {
    use interprocess::local_socket::{GenericFilePath, Stream, ToFsName, traits::Stream as _};
    let stream = Stream::connect(path.to_fs_name::<GenericFilePath>()?)?;
    let (reader, writer) = stream.split();
    Ok((Box::new(reader), Box::new(writer)))
}
