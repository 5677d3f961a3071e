//! What the plugin asks of the host's main thread, and how it gets there.

use super::*;
use std::time::Instant;

/// Edits the session by the socket.
fn edit(client: &mut BufReader<UnixStream>, bpm: u32) {
    client.get_mut().write_all(format!("{{\"cmd\":\"SetBpm\",\"bpm\":{bpm}}}\n").as_bytes()).unwrap();
    client.read_line(&mut String::new()).unwrap();
}

/// Calls `step` until it is true; false after 20 s.
pub fn until(mut step: impl FnMut() -> bool) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(20) {
        if step() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    false
}

#[test]
fn an_edit_by_a_client_marks_the_project_dirty_on_the_main_thread() {
    let _turn = alone();
    let host = Host::new();
    let plugin = host.instance();
    let mut client = client();
    edit(&mut client, 99);
    assert!(host.main_thread(&plugin));
    assert_eq!(host.heard.dirty.load(Ordering::SeqCst), 1);
    drop(client);
    plugin.destroy();
    threads_are_gone();
}

#[test]
fn a_host_whose_request_for_a_callback_does_nothing_hears_of_edits_by_its_timer() {
    let _turn = alone();
    let host = Host::with_timers();
    let plugin = host.instance();
    assert_eq!(host.heard.timers.lock().unwrap().len(), 1, "one timer");
    let mut client = client();
    for (bpm, times) in [(99, 1), (98, 2)] {
        edit(&mut client, bpm);
        let told = until(|| {
            host.run_timers(&plugin);
            host.heard.dirty.load(Ordering::SeqCst) == times
        });
        assert!(told, "edit {times}");
        assert_eq!(host.heard.timers.lock().unwrap().len(), 1, "it is still needed");
    }
    // Whatever else comes round is not ours.
    let timer = plugin.extension::<clap_sys::ext::timer_support::clap_plugin_timer_support>(
        clap_sys::ext::timer_support::CLAP_EXT_TIMER_SUPPORT,
    );
    edit(&mut client, 97);
    std::thread::sleep(Duration::from_millis(200));
    for id in [7, u32::MAX] {
        // SAFETY: CLAP's call.
        unsafe { timer.expect("timers").on_timer.unwrap()(plugin.raw, id) };
    }
    assert_eq!(host.heard.dirty.load(Ordering::SeqCst), 2);
    drop(client);
    plugin.destroy();
    assert_eq!(host.heard.timers.lock().unwrap().len(), 0, "none is left behind");
    assert_eq!(host.heard.started.load(Ordering::SeqCst), 1);
    threads_are_gone();
}

#[test]
fn a_host_that_answers_needs_no_timer() {
    let _turn = alone();
    let host = Host::with_timers();
    let plugin = host.instance();
    assert_eq!(host.heard.callbacks.load(Ordering::SeqCst), 1, "it is asked whether it answers");
    assert!(host.main_thread(&plugin));
    assert_eq!(host.heard.timers.lock().unwrap().len(), 0, "not needed");
    let mut client = client();
    edit(&mut client, 99);
    assert!(host.main_thread(&plugin));
    assert_eq!(host.heard.dirty.load(Ordering::SeqCst), 1);
    drop(client);
    plugin.destroy();
    assert_eq!(host.heard.started.load(Ordering::SeqCst), 1);
    threads_are_gone();
}
