//! A display of a test's own: a virtual X server, and hands on its pointer and its keys.

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use x11rb::connection::Connection;
use x11rb::protocol::xproto::{
    BUTTON_PRESS_EVENT, BUTTON_RELEASE_EVENT, ConnectionExt, ImageFormat, KEY_PRESS_EVENT, KEY_RELEASE_EVENT,
    MOTION_NOTIFY_EVENT,
};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;

/// The server. It ends with this process and not before: drivers hold on to a display until then.
pub struct Display {
    name: String,
    _server: Child,
    connection: RustConnection,
    root: u32,
}

impl Display {
    /// Starts a server and points this process at it.
    ///
    /// # Safety
    /// Sets environment variables: see [`super::home::Home::new`].
    pub unsafe fn start() -> Self {
        let display = Self::apart();
        // SAFETY: the caller vouches that nobody else reads the environment now.
        unsafe { std::env::set_var("DISPLAY", &display.name) };
        // SAFETY: as above. Drawing in software is the same everywhere.
        unsafe { std::env::set_var("LIBGL_ALWAYS_SOFTWARE", "1") };
        // SAFETY: as above.
        unsafe { std::env::remove_var("WAYLAND_DISPLAY") };
        display
    }

    /// Starts a server for other processes.
    pub fn apart() -> Self {
        let mut command = Command::new("Xvfb");
        // SAFETY: one system call, which is safe between `fork` and `exec`.
        unsafe {
            command.pre_exec(|| {
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
                Ok(())
            })
        };
        let mut server = command
            .args(["-displayfd", "1", "-screen", "0", "1600x1800x24", "-nolisten", "tcp", "-noreset"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Xvfb is installed (cargo xtask setup)");
        let mut number = String::new();
        let mut out = server.stdout.take().expect("piped");
        let mut byte = [0];
        while out.read(&mut byte).expect("it tells its number") == 1 && byte[0] != b'\n' {
            number.push(char::from(byte[0]));
        }
        let name = format!(":{number}");
        let (connection, screen) = x11rb::connect(Some(&name)).expect("it listens");
        let root = connection.setup().roots[screen].root;
        Self { name, _server: server, connection, root }
    }

    /// What `DISPLAY` is for it.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn fake(&self, event: u8, detail: u8, x: i16, y: i16) {
        let sent = self.connection.xtest_fake_input(event, detail, 0, self.root, x, y, 0);
        sent.expect("the display listens").check().expect("XTEST is there");
    }

    /// Moves the pointer.
    pub fn point(&self, x: i16, y: i16) {
        self.fake(MOTION_NOTIFY_EVENT, 0, x, y);
    }

    /// Moves the pointer and clicks.
    pub fn click(&self, x: i16, y: i16) {
        self.point(x, y);
        self.fake(BUTTON_PRESS_EVENT, 1, 0, 0);
        self.fake(BUTTON_RELEASE_EVENT, 1, 0, 0);
    }

    /// Presses and releases the key of that symbol (its X name's number); the key's code.
    pub fn press(&self, symbol: u32) -> u8 {
        let code = self.code(symbol);
        self.fake(KEY_PRESS_EVENT, code, 0, 0);
        self.fake(KEY_RELEASE_EVENT, code, 0, 0);
        code
    }

    fn code(&self, symbol: u32) -> u8 {
        let setup = self.connection.setup();
        let (first, count) = (setup.min_keycode, setup.max_keycode - setup.min_keycode + 1);
        let asked = self.connection.get_keyboard_mapping(first, count).expect("the display listens");
        let map = asked.reply().expect("a keyboard");
        let per_key = usize::from(map.keysyms_per_keycode);
        let at = map.keysyms.chunks(per_key).position(|key| key[0] == symbol);
        first + at.unwrap_or_else(|| panic!("no key {symbol:#x}")) as u8
    }

    /// Types small letters and digits.
    pub fn type_text(&self, text: &str) {
        for letter in text.chars() {
            self.press(u32::from(letter));
        }
    }

    /// The window that has the keys.
    pub fn focus(&self) -> u32 {
        let asked = self.connection.get_input_focus().expect("the display listens");
        asked.reply().expect("an answer").focus
    }

    /// The number of an extension's requests and events.
    pub fn opcode_of(&self, extension: &str) -> u8 {
        let asked = self.connection.query_extension(extension.as_bytes()).expect("the display listens");
        asked.reply().expect("an answer").major_opcode
    }

    /// What the largest window at the top shows: its size, and four bytes a pixel. `None` if none is shown.
    pub fn picture(&self) -> Option<(u16, u16, Vec<u8>)> {
        let tops = self.connection.query_tree(self.root).ok()?.reply().ok()?.children;
        let sizes = tops.into_iter().filter_map(|window| {
            let at = self.connection.get_geometry(window).ok()?.reply().ok()?;
            Some((window, at.width, at.height))
        });
        let (window, width, height) = sizes.max_by_key(|(_, w, h)| u32::from(*w) * u32::from(*h))?;
        let image = self.connection.get_image(ImageFormat::Z_PIXMAP, window, 0, 0, width, height, u32::MAX);
        Some((width, height, image.ok()?.reply().ok()?.data))
    }

    /// How many windows there are at the top.
    pub fn windows(&self) -> usize {
        let asked = self.connection.query_tree(self.root).expect("the display listens");
        asked.reply().expect("an answer").children.len()
    }
}

/// Waits until it holds; whether it did.
pub fn soon(limit: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + limit;
    loop {
        if holds() {
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
