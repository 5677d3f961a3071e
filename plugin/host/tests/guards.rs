//! The guards catch what they are for, in a plugin that was loaded later, and nothing else.

#[cfg(all(target_os = "linux", target_env = "gnu"))]
krach_host::interpose_malloc!();

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod common;

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn main() {}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn main() {
    krach_host::guard::run_cases(&cases::ALL);
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod cases {
    use std::hint::black_box;
    use std::sync::atomic::{AtomicBool, Ordering};

    use krach_host::guard::{Case, Flood, Guarded, Scenario, alloc, run_guarded, syscalls};
    use krach_host::transport::Blocks;
    use krach_host::{InputKind, TimedInput, use_private_socket};

    use super::common::clicker;

    pub const ALL: [Case; 9] = [
        ("every_member_of_the_malloc_family_is_caught", every_member_of_the_malloc_family_is_caught),
        ("an_unarmed_thread_allocates_freely", an_unarmed_thread_allocates_freely),
        ("a_system_call_is_caught_and_named", a_system_call_is_caught_and_named),
        ("a_plugin_that_behaves_passes_both_guards", a_plugin_that_behaves_passes_both_guards),
        ("an_allocation_inside_a_loaded_plugin_is_caught", an_allocation_inside_a_loaded_plugin_is_caught),
        ("a_system_call_inside_a_loaded_plugin_is_caught", a_system_call_inside_a_loaded_plugin_is_caught),
        ("what_happens_in_the_warm_up_is_not_caught", what_happens_in_the_warm_up_is_not_caught),
        (
            "a_flood_of_requests_runs_beside_the_guarded_thread",
            a_flood_of_requests_runs_beside_the_guarded_thread,
        ),
        ("assert_clean_names_the_culprit", assert_clean_names_the_culprit),
    ];

    const MISBEHAVE: u32 = 2;

    fn every_member_of_the_malloc_family_is_caught() {
        assert!(alloc::is_live());
        let caught = |act: &dyn Fn()| {
            alloc::take();
            let armed = alloc::Armed::new();
            act();
            drop(armed);
            alloc::take()
        };
        fn keep<T>(pointer: *mut T) {
            let _ = black_box(pointer);
        }
        // SAFETY: each block is freed or kept by the caller's rules; the pointers are never used.
        unsafe {
            let malloc = caught(&|| keep(libc::malloc(100)));
            assert_eq!((malloc.calls, malloc.first, malloc.first_size), (1, "malloc", 100));
            let calloc = caught(&|| keep(libc::calloc(10, 7)));
            assert_eq!((calloc.calls, calloc.first, calloc.first_size), (1, "calloc", 70));
            let old = black_box(libc::malloc(8));
            let realloc = caught(&|| keep(libc::realloc(old, 5000)));
            assert_eq!((realloc.calls, realloc.first, realloc.first_size), (1, "realloc", 5000));
            let kept = black_box(libc::malloc(8));
            let free = caught(&|| libc::free(kept));
            assert_eq!((free.calls, free.first), (1, "free"));
            let aligned = caught(&|| keep(libc::aligned_alloc(64, 128)));
            assert_eq!((aligned.calls, aligned.first), (1, "aligned_alloc"));
            let memalign = caught(&|| {
                let mut out = std::ptr::null_mut();
                assert_eq!(libc::posix_memalign(&mut out, 64, 128), 0);
                assert!(out.addr() % 64 == 0 && !out.is_null());
            });
            assert_eq!((memalign.calls, memalign.first), (1, "aligned_alloc"));
            // By way of another library: strdup allocates inside libc.
            let strdup = caught(&|| keep(libc::strdup(c"krach".as_ptr())));
            assert_eq!((strdup.calls, strdup.first), (1, "malloc"));
        }
        assert_eq!(caught(&|| ()).calls, 0);
    }

    fn an_unarmed_thread_allocates_freely() {
        let (go, done) = (AtomicBool::new(false), AtomicBool::new(false));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !go.load(Ordering::Acquire) {
                    std::hint::spin_loop();
                }
                drop(black_box(vec![1_u8; 1000]));
                done.store(true, Ordering::Release);
            });
            alloc::take();
            let armed = alloc::Armed::new();
            go.store(true, Ordering::Release);
            while !done.load(Ordering::Acquire) {
                std::hint::spin_loop();
            }
            drop(armed);
            assert_eq!(alloc::count(), 0);
        });
    }

    fn a_system_call_is_caught_and_named() {
        std::thread::spawn(|| {
            syscalls::forbid().unwrap();
            // SAFETY: getpid has no arguments and cannot fail.
            unsafe { libc::syscall(libc::SYS_getpid) };
            unreachable!("the call never returns");
        });
        let end = std::time::Instant::now() + std::time::Duration::from_secs(10);
        let call = loop {
            if let Some(call) = syscalls::caught() {
                break call;
            }
            assert!(std::time::Instant::now() < end, "nothing was caught");
        };
        assert_eq!((call.number, call.name.as_str()), (libc::SYS_getpid, "getpid"));
        assert!(!call.callers.is_empty());
    }

    /// One second of the clicker, which is told to misbehave on frame 24000.
    fn scenario(misbehave: f64) -> Scenario {
        Scenario {
            frames: 48_000,
            blocks: Blocks::random(1),
            events: vec![TimedInput {
                frame: 24_000,
                kind: InputKind::Param { id: MISBEHAVE, value: misbehave },
            }],
            ..Scenario::of(clicker())
        }
    }

    fn clicks(guarded: &Guarded) -> usize {
        guarded.channels[0].iter().filter(|sample| **sample == 1.0).count()
    }

    fn a_plugin_that_behaves_passes_both_guards() {
        let guarded = run_guarded(&scenario(0.0)).unwrap();
        guarded.assert_clean();
        assert!(guarded.channels[0].len() >= 48_000);
        assert!(clicks(&guarded) >= 2);
        assert!(syscalls::is_parked());
    }

    fn an_allocation_inside_a_loaded_plugin_is_caught() {
        let guarded = run_guarded(&Scenario { guard_syscalls: false, ..scenario(1.0) }).unwrap();
        assert!(guarded.alloc.calls >= 2, "{:?}", guarded.alloc);
        assert_eq!((guarded.alloc.first, guarded.alloc.first_size), ("malloc", 128));
        let at = guarded.first_caught_at.unwrap();
        assert!((24_000 - 1024..=24_000 + 1024).contains(&at), "{at}");
        let named = guarded.alloc.callers.iter().any(|caller| caller.starts_with("libclicker"));
        assert!(named, "{:?}", guarded.alloc.callers);
    }

    fn a_system_call_inside_a_loaded_plugin_is_caught() {
        let guarded = run_guarded(&Scenario { guard_alloc: false, ..scenario(2.0) }).unwrap();
        let call = guarded.syscall.as_ref().expect("a call was caught");
        assert_eq!(call.name, "getpid");
        let named = call.callers.iter().any(|caller| caller.starts_with("libclicker"));
        assert!(named, "{:?}", call.callers);
        let at = guarded.first_caught_at.unwrap();
        assert!((24_000 - 1024..=24_000 + 1024).contains(&at), "{at}");
    }

    fn what_happens_in_the_warm_up_is_not_caught() {
        let early = |warm_up| Scenario {
            blocks: Blocks::Fixed(100),
            frames: 1000,
            warm_up,
            events: [(0, 1.0), (300, 0.0)]
                .map(|(frame, value)| TimedInput { frame, kind: InputKind::Param { id: MISBEHAVE, value } })
                .to_vec(),
            guard_syscalls: false,
            ..Scenario::of(clicker())
        };
        assert!(!run_guarded(&early(3)).unwrap().is_clean());
        run_guarded(&early(4)).unwrap().assert_clean();
    }

    fn a_flood_of_requests_runs_beside_the_guarded_thread() {
        // SAFETY: the case runs in a process of its own that has no other thread yet.
        let _socket = unsafe { use_private_socket() }.unwrap();
        let flood =
            Flood { lines: vec!["{\"cmd\":\"Nonsense\"}".to_owned()], clients: 1, read_replies: true };
        let setup = vec!["{\"cmd\":\"Nonsense\"}".to_owned()];
        let guarded = run_guarded(&Scenario { floods: vec![flood], setup, ..scenario(0.0) }).unwrap();
        guarded.assert_clean();
        assert!(guarded.flooded > 10, "{}", guarded.flooded);
        assert_eq!(guarded.setup_replies[0]["status"], "Error");
    }

    fn assert_clean_names_the_culprit() {
        let guarded = run_guarded(&Scenario { guard_syscalls: false, ..scenario(1.0) }).unwrap();
        let panic = std::panic::catch_unwind(|| guarded.assert_clean()).unwrap_err();
        let text = panic.downcast_ref::<String>().unwrap();
        assert!(text.contains("inside process") && text.contains("libclicker"), "{text}");
    }
}
