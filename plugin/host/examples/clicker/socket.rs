//! A server with three requests, enough to test how the host performs a file: JSON-RPC `at` with a
//! `{"cmd":"Level","value":x}` inside, which acts at that cycle (four quarter notes); `sync`, which
//! answers when all of them have acted; and anything else, which is refused.

/// Ends with the instance: the socket is removed, the threads end with their connections.
pub(crate) struct Server {
    #[cfg(unix)]
    stop: std::sync::Arc<std::sync::atomic::AtomicBool>,
    #[cfg(unix)]
    path: std::path::PathBuf,
    #[cfg(unix)]
    thread: Option<std::thread::JoinHandle<()>>,
}

#[cfg(not(unix))]
impl Server {
    pub(crate) fn start(_values: &std::sync::Arc<crate::Values>) -> Option<Self> {
        None
    }
}

#[cfg(unix)]
mod unix {
    use std::io::{BufRead, BufReader, ErrorKind, Write};
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::Server;
    use crate::{Edit, Values};

    impl Server {
        pub(crate) fn start(values: &Arc<Values>) -> Option<Self> {
            let path = std::path::PathBuf::from(std::env::var_os("NOISE_SOCKET")?);
            let listener = UnixListener::bind(&path).ok()?;
            listener.set_nonblocking(true).ok()?;
            let stop = Arc::new(AtomicBool::new(false));
            let (stopped, values) = (Arc::clone(&stop), Arc::clone(values));
            let thread = std::thread::spawn(move || {
                while !stopped.load(Ordering::Acquire) {
                    match listener.accept() {
                        Ok((stream, _)) => serve(stream, &values, &stopped),
                        Err(_) => std::thread::sleep(Duration::from_millis(1)),
                    }
                }
            });
            Some(Self { stop, path, thread: Some(thread) })
        }
    }

    impl Drop for Server {
        fn drop(&mut self) {
            self.stop.store(true, Ordering::Release);
            if let Some(thread) = self.thread.take() {
                let _ = thread.join();
            }
            let _ = std::fs::remove_file(&self.path);
        }
    }

    fn serve(stream: UnixStream, values: &Values, stop: &AtomicBool) {
        let _ = stream.set_read_timeout(Some(Duration::from_millis(5)));
        let Ok(mut writer) = stream.try_clone() else { return };
        let mut reader = BufReader::new(stream);
        let _ = writeln!(writer, "{}", json!({"protocol": 1, "engine": "clicker"}));
        let mut line = String::new();
        while !stop.load(Ordering::Acquire) {
            match reader.read_line(&mut line) {
                Ok(0) => return,
                Ok(_) => {
                    let reply = answer(&line, values, stop);
                    let _ = writeln!(writer, "{reply}");
                    line.clear();
                }
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(_) => return,
            }
        }
    }

    fn answer(line: &str, values: &Values, stop: &AtomicBool) -> Value {
        let request: Value = serde_json::from_str(line).unwrap_or_default();
        let params = &request["params"];
        match request["method"].as_str() {
            Some("at") => {
                let at = params["at"].as_f64().unwrap_or(0.0);
                let level = params["request"]["value"].as_f64().unwrap_or(0.0);
                let edit = Edit { beats: at * 4.0, level };
                values.edits.lock().unwrap_or_else(|p| p.into_inner()).push(edit);
                json!({"jsonrpc": "2.0", "id": request["id"], "result": {"position": at}})
            }
            Some("sync") => {
                let waiting = || !values.edits.lock().unwrap_or_else(|p| p.into_inner()).is_empty();
                while waiting() && !stop.load(Ordering::Acquire) {
                    std::thread::sleep(Duration::from_micros(200));
                }
                json!({"jsonrpc": "2.0", "id": request["id"], "result": {"synced": true}})
            }
            _ => json!({"status": "Error", "msg": format!("unrecognized message: {}", line.trim())}),
        }
    }
}
