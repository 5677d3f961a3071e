//! The window in a host of either format: what it shows, how it is typed into and resized.
//! Each case has a virtual display of its own.

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod krach_support;

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn main() {}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
krach_host::interpose_malloc!();

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn main() {
    krach_host::guard::run_cases(&cases::ALL);
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod cases {
    use std::sync::atomic::Ordering;
    use std::time::Duration;

    use krach_host::guard::Case;
    use krach_host::transport::Script;
    use krach_host::window::{Picture, Window, Windowed};
    use krach_host::{Client, Gesture, Instance, MainThread};
    use x11rb::connection::Connection;
    use x11rb::protocol::Event;
    use x11rb::protocol::damage::{ConnectionExt as _, ReportLevel};
    use x11rb::protocol::xproto::{ConfigureWindowAux, ConnectionExt as _};

    use super::krach_support::Format;
    use super::krach_support::session::gate_session;
    use super::krach_support::windows::{
        BLOCK, COOL, GROUND, Guest, HUNG, count, for_a_while, painted, places, until,
    };

    pub const ALL: [Case; 9] = [
        (
            "it_opens_at_the_hosts_scale_and_shows_what_plays",
            it_opens_at_the_hosts_scale_and_shows_what_plays,
        ),
        (
            "typed_letters_reach_the_name_and_the_space_bar_the_host",
            typed_letters_reach_the_name_and_the_space_bar_the_host,
        ),
        ("it_is_resized_within_its_limits", it_is_resized_within_its_limits),
        (
            "a_size_that_it_cannot_have_is_given_back_and_not_kept",
            a_size_that_it_cannot_have_is_given_back_and_not_kept,
        ),
        (
            "it_paints_what_changes_and_at_most_30_frames_a_second",
            it_paints_what_changes_and_at_most_30_frames_a_second,
        ),
        ("free_run_is_a_parameter_that_the_host_hears_of", free_run_is_a_parameter_that_the_host_hears_of),
        ("sessions_are_saved_and_opened_by_hand", sessions_are_saved_and_opened_by_hand),
        (
            "an_edit_by_a_client_is_told_to_a_vst3_host_while_the_window_is_open",
            an_edit_by_a_client_is_told_to_a_vst3_host_while_the_window_is_open,
        ),
        (
            "free_run_is_told_to_a_vst3_host_on_its_own_thread",
            free_run_is_told_to_a_vst3_host_on_its_own_thread,
        ),
    ];

    fn it_opens_at_the_hosts_scale_and_shows_what_plays() {
        let (_home, _display) = places();
        for format in Format::ALL {
            let mut natural = (0, 0);
            for scale in [None, Some(1.0), Some(2.0), Some(1.5)] {
                let case = format!("{format:?} at {scale:?}");
                let mut guest = Guest::arrive(format);
                guest.tell(&gate_session(8));
                let mut window = Window::open(guest.it(), scale).unwrap();
                if scale.is_none() {
                    natural = window.size();
                }
                let factor = scale.unwrap_or(1.0);
                let want = (natural.0 as f64 * factor, natural.1 as f64 * factor);
                assert_eq!(window.size(), (want.0 as u32, want.1 as u32), "{case}");
                assert!(painted(guest.it(), &mut window), "nothing is painted: {case}");
                for_a_while(guest.it(), &mut window, Duration::from_millis(300));
                let quiet = count(&window, COOL);
                let playing = guest.play(&Script::playing(120.0));
                let most = (1500.0 * factor * factor) as usize;
                let moved = until(guest.it(), &mut window, HUNG, |_, w| count(w, COOL) > quiet + most);
                assert!(moved, "the meters stand: {case}: {} pixels", count(&window, COOL));
                let picture = window.picture().unwrap();
                assert_eq!((picture.width, picture.height), window.size());
                guest.stop(playing);
                // A host that does not call any more plays nothing.
                let fell = until(guest.it(), &mut window, HUNG, |_, w| count(w, COOL) <= quiet + 100);
                assert!(fell, "the meters stay up: {case}");
                window.close(guest.it());
            }
        }
    }

    /// Places in the window as it opens, in points.
    const NAME: (i16, i16) = (170, 25);
    const NOWHERE: (i16, i16) = (240, 330);
    const FREE_RUN: (i16, i16) = (70, 595);
    const SESSIONS: (i16, i16) = (316, 25);
    const SESSION_NAME: (i16, i16) = (220, 243);
    const FIRST_SESSION: (i16, i16) = (120, 318);
    const SPACE: u32 = 0x20;
    const RETURN: u32 = 0xff0d;
    const ESCAPE: u32 = 0xff1b;

    fn name(instance: &(impl MainThread + ?Sized)) -> String {
        let mut client = Client::connect(instance.socket().unwrap()).unwrap();
        let status = client.request(r#"{"cmd":"Status"}"#).unwrap();
        status["name"].as_str().unwrap_or_else(|| panic!("no name in {status}")).to_owned()
    }

    fn typed_letters_reach_the_name_and_the_space_bar_the_host() {
        let (_home, display) = places();
        for format in Format::ALL {
            let mut guest = Guest::arrive(format);
            let instance = guest.it();
            let mut window = Window::open(instance, None).unwrap();
            assert!(painted(instance, &mut window));
            let a_moment = Duration::from_millis(250);
            window.focus().unwrap();

            // The pointer over the plugin's window, nothing clicked: keys are the host's.
            display.point(NOWHERE.0, NOWHERE.1);
            for_a_while(instance, &mut window, a_moment);
            let space = display.press(SPACE);
            assert!(until(instance, &mut window, HUNG, |_, w| w.take_keys() == [space]), "before a click");

            // After a click that hits no field they still are.
            display.click(NOWHERE.0, NOWHERE.1);
            for_a_while(instance, &mut window, a_moment);
            display.press(SPACE);
            assert!(until(instance, &mut window, HUNG, |_, w| w.take_keys() == [space]), "after a click");
            assert_eq!(display.focus(), window.id(), "the focus went back to where it was");

            // Into the field, in place of what stands there.
            display.click(NAME.0, NAME.1);
            for_a_while(instance, &mut window, a_moment);
            display.type_text("x y");
            display.press(RETURN);
            let want = "x y";
            assert!(until(instance, &mut window, HUNG, |i, _| name(i) == want), "it is {}", name(instance));
            assert_eq!(window.take_keys(), [0; 0], "the host heard what was typed into the field");

            // Given up with Escape: the name stays; and keys are the host's again.
            display.click(NAME.0, NAME.1);
            for_a_while(instance, &mut window, a_moment);
            display.type_text("q");
            display.press(ESCAPE);
            for_a_while(instance, &mut window, a_moment);
            display.press(SPACE);
            assert!(until(instance, &mut window, HUNG, |_, w| w.take_keys() == [space]), "after the field");
            assert_eq!(name(instance), want);
            assert_eq!(display.focus(), window.id());
            window.close(instance);
        }
    }

    fn it_is_resized_within_its_limits() {
        let (_home, _display) = places();
        for format in Format::ALL {
            let mut guest = Guest::arrive(format);
            let instance = guest.it();
            for scale in [1.0, 2.0] {
                let mut window = Window::open(instance, Some(scale)).unwrap();
                let mut agreed = Vec::new();
                let asked = [
                    (1000, 1300),
                    (10, 10),
                    (128, 128),
                    (10, 1300),
                    (1000, 10),
                    (5000, 5000),
                    (480, 620),
                    (1000, 1300),
                ];
                for (width, height) in asked {
                    let size = window.resize(instance, width, height).unwrap();
                    agreed.push(size);
                    // More than the screen has cannot be looked at.
                    let on_screen = size.0 <= 1600 && size.1 <= 1800;
                    let fits = !on_screen
                        || until(instance, &mut window, HUNG, |_, w| {
                            let corner = |p: &Picture| p.pixel(p.width - 2, p.height - 2);
                            w.picture().is_ok_and(|p| (p.width, p.height) == size && corner(&p) == GROUND)
                        });
                    assert!(fits, "{size:?} is not painted at {scale}");
                }
                let scaled = |points: f64| (points * scale) as u32;
                assert_eq!(agreed[0], (1000, 1300), "what is within is taken");
                assert_eq!(agreed[1..3], [agreed[0]; 2], "what is too small both ways changes nothing");
                assert_eq!(agreed[3], (scaled(400.0), 1300), "the least width");
                assert_eq!(agreed[4], (1000, scaled(460.0)), "the least height");
                assert_eq!(agreed[5], (scaled(1200.0), scaled(1600.0)), "the most");
                assert_eq!(agreed[7], (1000, 1300), "what is within is taken");
                // A size that was agreed on is kept for the next time.
                window.close(instance);
                let window = Window::open(instance, Some(scale)).unwrap();
                assert_eq!(window.size(), (1000, 1300));
                window.close(instance);
            }
        }
    }

    /// JUCE has a small window of its own for a moment while it opens ours, and makes ours as small.
    fn a_size_that_it_cannot_have_is_given_back_and_not_kept() {
        let (_home, _display) = places();
        for format in Format::ALL {
            let mut guest = Guest::arrive(format);
            let instance = guest.it();
            let mut window = Window::open(instance, None).unwrap();
            assert!(painted(instance, &mut window));
            let size = window.size();
            let (x11, _) = x11rb::connect(None).unwrap();
            let inner = window.inner().unwrap();
            let small = ConfigureWindowAux::new().width(128).height(128);
            x11.configure_window(inner, &small).unwrap().check().unwrap();
            let now = || {
                let at = x11.get_geometry(inner).unwrap().reply().unwrap();
                (u32::from(at.width), u32::from(at.height))
            };
            assert!(
                until(instance, &mut window, HUNG, |_, _| now() == size),
                "{format:?}: it is {:?}",
                now()
            );
            assert_eq!(window.size(), size, "{format:?}: the host was asked for another size");
            window.close(instance);
            let window = Window::open(instance, None).unwrap();
            assert_eq!(window.size(), size, "{format:?}: opened again");
            window.close(instance);
        }
    }

    fn it_paints_what_changes_and_at_most_30_frames_a_second() {
        let (_home, _display) = places();
        let mut guest = Guest::arrive(Format::Clap);
        guest.tell(&gate_session(8));
        let mut window = Window::open(guest.it(), None).unwrap();
        assert!(painted(guest.it(), &mut window));
        for_a_while(guest.it(), &mut window, Duration::from_millis(700));

        let (x11, _) = x11rb::connect(None).unwrap();
        x11.damage_query_version(1, 1).unwrap().reply().unwrap();
        let damage = x11.generate_id().unwrap();
        let inner = window.inner().unwrap();
        x11.damage_create(damage, inner, ReportLevel::RAW_RECTANGLES).unwrap().check().unwrap();
        let frames = |instance: &mut dyn Windowed, window: &mut Window, time: Duration| {
            while x11.poll_for_event().unwrap().is_some() {}
            for_a_while(instance, window, time);
            let mut times = std::collections::BTreeSet::new();
            while let Some(event) = x11.poll_for_event().unwrap() {
                if let Event::DamageNotify(notify) = event {
                    times.insert(notify.timestamp);
                }
            }
            times.len()
        };
        let idle = frames(guest.it(), &mut window, Duration::from_secs(2));
        assert!(idle <= 2, "{idle} frames in two seconds in which nothing changed");
        let playing = guest.play(&Script::playing(120.0));
        for_a_while(guest.it(), &mut window, Duration::from_millis(200));
        let busy = frames(guest.it(), &mut window, Duration::from_secs(3));
        assert!((10..=93).contains(&busy), "{busy} frames in three seconds of music");
        guest.it().show_window(false).unwrap();
        let hidden = frames(guest.it(), &mut window, Duration::from_secs(1));
        assert!(hidden <= 1, "{hidden} frames while hidden");
        guest.it().show_window(true).unwrap();
        let again = frames(guest.it(), &mut window, Duration::from_secs(1));
        assert!(again >= 5, "{again} frames after it was shown again");
        guest.stop(playing);
        window.close(guest.it());
    }

    fn free_run(instance: &mut (impl MainThread + ?Sized)) -> Option<f64> {
        let params = instance.params();
        let param = params.iter().find(|param| param.name == "Free Run").expect("it is there");
        instance.param_value(param.id)
    }

    fn free_run_is_a_parameter_that_the_host_hears_of() {
        let (_home, display) = places();
        let mut guest = Guest::arrive(Format::Clap);
        guest.tell(&gate_session(8));
        let mut window = Window::open(guest.it(), None).unwrap();
        assert!(painted(guest.it(), &mut window));
        assert_eq!(free_run(guest.it()), Some(0.0));
        let Guest::Clap(instance) = &mut guest else { unreachable!("it was asked for") };
        let flushes = instance.observed().flush_requests.load(Ordering::Acquire);
        display.click(FREE_RUN.0, FREE_RUN.1);
        let told = |i: &Instance| i.observed().flush_requests.load(Ordering::Acquire) > flushes;
        let heard = until(&mut **instance, &mut window, HUNG, |i, _| free_run(i) == Some(1.0) && told(i));
        assert!(heard, "the host was not told");
        // The host stands, and it sounds.
        let playing = guest.play(&Script::stopped(120.0));
        for_a_while(guest.it(), &mut window, Duration::from_secs(1));
        display.click(FREE_RUN.0, FREE_RUN.1);
        assert!(until(guest.it(), &mut window, HUNG, |i, _| free_run(i) == Some(0.0)), "off again");
        for_a_while(guest.it(), &mut window, Duration::from_millis(300));
        let tape = guest.stop(playing);
        assert!(tape[0].iter().any(|sample| *sample != 0.0), "free run is silent");
        assert!(tape[0][tape[0].len() - BLOCK..].iter().all(|sample| *sample == 0.0), "it runs on");
        window.close(guest.it());
    }

    fn sessions_are_saved_and_opened_by_hand() {
        let (home, display) = places();
        for format in Format::ALL {
            let mut guest = Guest::arrive(format);
            let instance = guest.it();
            let mut client = Client::connect(instance.socket().unwrap()).unwrap();
            let mut tempo = |set: Option<f64>| {
                let params = set.map_or(String::new(), |bpm| format!("\"tempo\":{bpm}"));
                let line =
                    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"transport","params":{{{params}}}}}"#);
                client.request(&line).unwrap()["result"]["tempo"].as_f64().unwrap()
            };
            tempo(Some(97.0));
            let mut window = Window::open(instance, None).unwrap();
            assert!(painted(instance, &mut window));
            let a_moment = Duration::from_millis(400);
            window.focus().unwrap();
            display.click(SESSIONS.0, SESSIONS.1);
            for_a_while(instance, &mut window, a_moment);
            display.click(SESSION_NAME.0, SESSION_NAME.1);
            for_a_while(instance, &mut window, a_moment);
            display.type_text("song");
            display.press(RETURN);
            let file = home.path().join(".krach/sessions/song.krach.json");
            let saved = until(instance, &mut window, HUNG, |_, _| file.exists());
            assert!(saved, "{} is not there: {format:?}", file.display());
            tempo(Some(60.0));
            for_a_while(instance, &mut window, 3 * a_moment);
            display.click(FIRST_SESSION.0, FIRST_SESSION.1);
            let opened = until(instance, &mut window, HUNG, |_, _| tempo(None) == 97.0);
            assert!(opened, "the session is not open: {format:?}");
            window.close(guest.it());
            std::fs::remove_file(file).unwrap();
        }
    }

    fn an_edit_by_a_client_is_told_to_a_vst3_host_while_the_window_is_open() {
        let (_home, _display) = places();
        let mut guest = Guest::arrive(Format::Vst3);
        let mut window = Window::open(guest.it(), None).unwrap();
        assert!(painted(guest.it(), &mut window));
        guest.tell(&gate_session(8));
        let Guest::Vst3(instance) = &mut guest else { unreachable!("it was asked for") };
        // The host calls nothing but the timer of its run loop.
        let told = until(&mut **instance, &mut window, HUNG, |i, _| i.dirty() > 0);
        assert!(told, "the host was not told");
        assert_eq!(instance.wrong_thread(), 0, "the host was called from a thread of ours");
        window.close(guest.it());
    }

    fn free_run_is_told_to_a_vst3_host_on_its_own_thread() {
        let (_home, display) = places();
        let mut guest = Guest::arrive(Format::Vst3);
        guest.tell(&gate_session(8));
        let mut window = Window::open(guest.it(), None).unwrap();
        assert!(painted(guest.it(), &mut window));
        let params = guest.it().params();
        let id = params.iter().find(|param| param.name == "Free Run").expect("it is there").id;
        let playing = guest.play(&Script::stopped(120.0));
        let Guest::Vst3(instance) = &mut guest else { unreachable!("it was asked for") };
        assert_eq!(instance.timers(), 1, "one timer while the window is open");
        for on in [1.0, 0.0, 1.0, 0.0] {
            display.click(FREE_RUN.0, FREE_RUN.1);
            let mut heard = Vec::new();
            until(&mut **instance, &mut window, HUNG, |i, _| {
                heard.extend(i.take_gestures());
                heard.last() == Some(&Gesture::End(id))
            });
            assert_eq!(heard, [Gesture::Begin(id), Gesture::Perform(id, on), Gesture::End(id)]);
            assert!(
                until(&mut **instance, &mut window, HUNG, |i, _| free_run(i) == Some(on)),
                "it is not {on}"
            );
            for_a_while(&mut **instance, &mut window, Duration::from_millis(400));
        }
        assert_eq!(instance.wrong_thread(), 0, "the host was called from a thread of ours");
        let tape = guest.stop(playing);
        assert!(tape[0].iter().any(|sample| *sample != 0.0), "free run is silent");
        assert!(tape[0][tape[0].len() - BLOCK..].iter().all(|sample| *sample == 0.0), "it runs on");
        window.close(guest.it());
    }
}
