//! A place of its own for each test, instances in it, and a client that talks to them.
#![allow(dead_code)] // each test file uses its part

pub mod schema;

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use krach::instance::{HostHooks, Instance, InstanceConfig};
use krach::socket::Addresses;
use krach_core::node::{
    Change, Control, ControlKind, CreateContext, CreateError, Node, NodeDecl, NodeType, Port, Registry, Role,
};
use schema::Watcher;
use serde_json::Value;

/// Longest time that anything may take here.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A temporary folder that stands for the user's, removed at the end.
pub struct Home(PathBuf);

impl Home {
    pub fn new(name: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        // Socket paths are short: no long folder for temporary files here.
        let path = PathBuf::from(format!("/tmp/kr-{}-{number}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The folder of the instances' own sockets.
    pub fn run(&self) -> PathBuf {
        self.0.join("run")
    }

    /// The name that all instances of this home contend for.
    pub fn fixed(&self) -> PathBuf {
        self.0.join("krach-engine.sock")
    }

    pub fn addresses(&self) -> Addresses {
        Addresses { folders: vec![self.run()], contested: Some(self.fixed()), ..Addresses::nowhere() }
    }

    pub fn instance(&self) -> Instance {
        Instance::start_at(config(HostHooks::default()), self.addresses())
    }

    /// Names of all files in the home, sorted.
    pub fn files(&self) -> Vec<String> {
        let mut names = Vec::new();
        for folder in [self.0.clone(), self.run()] {
            let Ok(files) = std::fs::read_dir(folder) else { continue };
            names.extend(files.map(|file| file.unwrap().file_name().into_string().unwrap()));
        }
        names.sort();
        names
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A configuration with the built-in types and stand-ins for `faust:bass` and `faust:kick`.
pub fn config(hooks: HostHooks) -> InstanceConfig {
    let mut registry = Registry::with_builtins();
    registry.add(Arc::new(Voice::named("faust:bass")));
    registry.add(Arc::new(Voice::named("faust:kick")));
    registry.add(Arc::new(Voice::named("test:refuses")));
    registry.add(Arc::new(Voice::named("test:panics")));
    InstanceConfig { format: "clap", host: Some("test host".to_owned()), registry, hooks }
}

/// A type of node that puts out its gate as a level.
pub struct Voice(NodeDecl);

impl Voice {
    pub fn named(type_id: &str) -> Self {
        Self::with(type_id, ["freq", "cutoff"])
    }

    /// With two continuous controls of those names.
    pub fn with(type_id: &str, continuous: [&str; 2]) -> Self {
        let control = |name: &str, kind| Control { kind, ..Control::continuous(name, 0.0, 20_000.0, 0.0) };
        Self(NodeDecl {
            type_id: type_id.to_owned(),
            inputs: Vec::new(),
            outputs: vec![Port::mono("out")],
            controls: vec![
                control(continuous[0], ControlKind::Continuous),
                control(continuous[1], ControlKind::Continuous),
                control("gate", ControlKind::Gate),
            ],
            settings: Vec::new(),
            role: Role::Process,
        })
    }
}

impl NodeType for Voice {
    /// `test:panics` does so where the engine asks for it: on the control thread.
    fn decl(&self) -> &NodeDecl {
        let on_control = std::thread::current().name() == Some("krach-control");
        assert!(!(on_control && self.0.type_id == "test:panics"), "the drummer fell off the stage");
        &self.0
    }

    fn code_key(&self) -> u64 {
        self.0.type_id.len() as u64
    }

    fn create(&self, _: &CreateContext) -> Result<Box<dyn Node>, CreateError> {
        match self.0.type_id.as_str() {
            "test:refuses" => Err(CreateError("no room on the stage".to_owned())),
            _ => Ok(Box::new(Level(0.0))),
        }
    }
}

/// Puts out its gate as a level.
struct Level(f32);

impl Node for Level {
    fn reset(&mut self) {}

    fn set(&mut self, control: usize, change: Change) {
        if control == 2 {
            self.0 = change.value;
        }
    }

    fn render(
        &mut self,
        _: &krach_core::node::Transport,
        _: usize,
        _: &[&[f32]],
        outputs: &mut [&mut [f32]],
    ) {
        outputs.iter_mut().for_each(|output| output.fill(self.0));
    }

    fn as_any(&mut self) -> &mut dyn std::any::Any {
        self
    }
}

/// One connection, past its greeting. What of JSON-RPC it says and hears is held against the schema.
pub struct Client {
    reader: BufReader<UnixStream>,
    pub hello: Value,
    pub watcher: schema::Watcher,
}

/// A client of that instance, at its own address.
pub fn client_of(instance: &Instance) -> Client {
    Client::connect(&instance.socket_path().expect("the instance has a socket"))
}

impl Client {
    pub fn connect(path: &Path) -> Self {
        Self::try_connect(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    pub fn try_connect(path: &Path) -> std::io::Result<Self> {
        let stream = UnixStream::connect(path)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut client =
            Self { reader: BufReader::new(stream), hello: Value::Null, watcher: Watcher::default() };
        client.hello = client.try_line()?;
        Ok(client)
    }

    pub fn send_raw(&mut self, bytes: &[u8]) {
        self.watcher.says(bytes);
        self.stream().write_all(bytes).unwrap();
    }

    pub fn stream(&self) -> &UnixStream {
        self.reader.get_ref()
    }

    pub fn try_line(&mut self) -> std::io::Result<Value> {
        let mut line = String::new();
        if self.reader.read_line(&mut line)? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let line = serde_json::from_str(&line)?;
        self.watcher.hears(&line);
        Ok(line)
    }

    pub fn line(&mut self) -> Value {
        self.try_line().unwrap()
    }

    pub fn ask(&mut self, request: &str) -> Value {
        assert!(!request.contains('\n'));
        self.send_raw(request.as_bytes());
        self.send_raw(b"\n");
        self.line()
    }

    /// A JSON-RPC request with id 1; gives the whole reply.
    pub fn call(&mut self, method: &str, params: Value) -> Value {
        self.ask(
            &serde_json::json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string(),
        )
    }

    /// Reads until the other side ends the connection; true if it does, and says nothing before.
    pub fn is_closed(&mut self) -> bool {
        let mut rest = Vec::new();
        match self.reader.read_to_end(&mut rest) {
            Ok(_) => rest.is_empty(),
            Err(error) => error.kind() == ErrorKind::ConnectionReset,
        }
    }
}

/// Waits until `condition` holds, and says how long that took.
pub fn until(what: &str, mut condition: impl FnMut() -> bool) -> Duration {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
    start.elapsed()
}
