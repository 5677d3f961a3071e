//! Writing to a client that is gone must not raise SIGPIPE: plugin hosts do not ignore it, and would die.
//! Alone in its process, since it changes what the process does on that signal.
#![cfg(unix)]

mod wire_client;

use wire_client::{Home, client_of};

#[test]
fn a_client_that_vanishes_before_its_answers_does_not_kill_the_host() {
    // SAFETY: sets the default action, which has no handler; no other thread of this process changes it.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    let home = Home::new("sigpipe");
    let instance = home.instance();
    for _ in 0..50 {
        let mut client = client_of(&instance);
        client.send_raw(&b"{\"cmd\":\"Status\"}\n".repeat(100));
    }
    assert_eq!(client_of(&instance).ask(r#"{"cmd":"Ping"}"#)["status"], "Pong");
}
