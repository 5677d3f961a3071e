//! Instances come and go while clients do what they like; afterwards nothing of them is left. Alone in
//! its process, since it counts the threads of the process.
#![cfg(target_os = "linux")]

mod wire_client;

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use wire_client::{Home, client_of, until};

/// Names of the threads that are ours.
fn threads() -> Vec<String> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.map(|name| name.trim().to_owned()).filter(|name| name.starts_with("krach-")).collect()
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Connects wherever it can, floods, and does not read.
fn torment(folder: &std::path::Path, stop: &AtomicBool) {
    let line = b"{\"type\":\"set_control\",\"label\":\"x\",\"value\":1}\n{\"cmd\":\"Status\"}\n{\"half\":"
        .repeat(20);
    while !stop.load(Ordering::Acquire) {
        let Ok(files) = std::fs::read_dir(folder) else { continue };
        let mut streams: Vec<UnixStream> = files
            .filter_map(|file| UnixStream::connect(file.ok()?.path()).ok())
            .inspect(|stream| stream.set_nonblocking(true).unwrap())
            .collect();
        for _ in 0..20 {
            for stream in &mut streams {
                let _ = stream.write(&line);
            }
        }
        if let Some(stream) = streams.first_mut() {
            let _ = stream.read(&mut [0; 100]);
        }
    }
}

/// Ends the torment when it goes, also where the test has failed: nobody waits for it for ever.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// No thread of ours is left. One that was joined is in the system's list for a moment yet.
fn assert_no_threads() {
    until("no thread is left", || threads().is_empty());
}

#[test]
fn instances_go_in_any_order_under_fire_and_leave_no_thread_socket_or_file() {
    let home = Home::new("order");
    std::fs::create_dir(home.run()).unwrap();
    drop(home.instance());
    let descriptors_before = descriptors();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let ends = Ends(&stop);
        for _ in 0..3 {
            scope.spawn(|| torment(&home.run(), &stop));
        }
        let start = Instant::now();
        for round in 0..4_usize {
            let mut instances: Vec<_> = (0..8).map(|_| home.instance()).collect();
            let _processors: Vec<_> = instances
                .iter()
                .step_by(2)
                .map(|instance| instance.activate(48_000.0, 512).unwrap())
                .collect();
            std::thread::sleep(Duration::from_millis(50));
            while !instances.is_empty() {
                let leaver = instances.remove((round * 5 + instances.len() * 3) % instances.len());
                drop(leaver);
            }
            assert_no_threads();
        }
        drop(ends);
        // A client that takes nothing is waited for ten seconds; an instance that leaves does not wait for it: 32 of
        // them would take 320 s. All of it takes some 4.
        assert!(start.elapsed() < Duration::from_secs(160), "leaving took {:?}", start.elapsed());
    });
    assert_eq!(home.files(), ["run"]);
    assert_eq!(descriptors(), descriptors_before);

    let instance = home.instance();
    let clients: Vec<_> = (0..3).map(|_| client_of(&instance)).collect();
    // A thread takes its name when it runs for the first time.
    until("every thread is named", || threads().len() == 2 + clients.len());
    drop(instance);
    assert_no_threads();
}
