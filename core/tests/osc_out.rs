//! OSC messages of patterns come out in the order of their time, and only once they are due.

mod support;
use krach_core::model::Setting;

use krach_core::engine::*;
use krach_core::osc::encode;
use krach_patterns::{OscArg, Pattern, Value};
use support::*;

fn osc(address: &str, number: i64) -> Pattern {
    let args = vec![OscArg::Int(number)];
    Pattern::Atom { value: Value::Osc { address: address.into(), args }, span: None }
}

fn seq(children: Vec<Pattern>) -> Pattern {
    Pattern::Cat { children, span: None }
}

fn target(rig: &mut Rig) {
    rig.edit(Edit::Setting(Setting::OscTarget(Some("127.0.0.1:9".into()))));
}

fn render(rig: &mut Rig, frames: usize, blocks: &[usize]) -> Vec<(i64, Vec<u8>)> {
    rig.render(frames, blocks);
    rig.engine.take_osc().iter().map(|m| (m.sample, m.packet.to_vec())).collect()
}

#[test]
fn messages_of_all_slots_come_in_the_order_of_their_time_whatever_the_blocks() {
    let expected: Vec<(i64, Vec<u8>)> = [(0, "/a", 0), (24_000, "/b", 5), (48_000, "/a", 1)]
        .map(|(at, address, n)| (at, encode(address, &[OscArg::Int(n)]).unwrap()))
        .into();
    for blocks in [&[1024][..], &[17], &[2048, 3]] {
        let mut rig = Rig::new();
        target(&mut rig);
        rig.edit(play(
            "later",
            seq(vec![
                Pattern::Silence { span: None },
                osc("/b", 5),
                Pattern::Silence { span: None },
                Pattern::Silence { span: None },
            ]),
        ));
        rig.edit(play("x", seq(vec![osc("/a", 0), osc("/a", 1)])));
        assert_eq!(render(&mut rig, 96_000, blocks), expected, "blocks {blocks:?}");
    }
}

#[test]
fn without_a_target_nothing_is_kept_and_a_target_counts_at_once() {
    let mut rig = Rig::new();
    rig.edit(play("x", seq(vec![osc("/a", 0), osc("/a", 1)])));
    assert_eq!(render(&mut rig, 30_000, &[512]), []);
    assert!(!rig.engine.plays_osc());
    target(&mut rig);
    assert!(rig.engine.plays_osc());
    assert_eq!(render(&mut rig, 30_000, &[512]).len(), 1);
    rig.edit(Edit::Setting(Setting::OscTarget(None)));
    assert_eq!(render(&mut rig, 96_000, &[512]), []);
}

#[test]
fn a_swap_or_a_hush_ends_them_and_nothing_of_a_pattern_that_is_gone_is_kept() {
    let mut rig = Rig::new();
    target(&mut rig);
    for n in 0..50 {
        rig.edit(play("x", osc("/a", n)));
        rig.block(256);
    }
    rig.edit(play("x", osc("/last", 1)));
    rig.settle();
    rig.engine.take_osc();
    rig.block(256);
    let here = rig.rendered as usize;
    let sent = render(&mut rig, 96_000 * 2 - here, &[512]);
    assert_eq!(sent, [(96_000, encode("/last", &[OscArg::Int(1)]).unwrap())]);
    rig.edit(Edit::Hush { slot: "x".into() });
    rig.settle();
    assert!(!rig.engine.plays_osc(), "no pattern is left that could send");
}

#[test]
fn a_loaded_session_sends_too_and_the_target_is_part_of_it() {
    let mut rig = Rig::new();
    target(&mut rig);
    rig.edit(play("x", osc("/a", 7)));
    let saved = rig.engine.save();
    let mut again = Rig::new();
    again.engine.load(&saved).unwrap();
    assert_eq!(again.engine.session().settings.osc_target.as_deref(), Some("127.0.0.1:9"));
    assert_eq!(render(&mut again, 1_000, &[512]), [(0, encode("/a", &[OscArg::Int(7)]).unwrap())]);
    let bad = String::from_utf8(saved).unwrap().replace("127.0.0.1:9", "example.org:9");
    let error = again.engine.load(bad.as_bytes()).unwrap_err().to_string();
    assert!(error.contains("$.krach.osc_target"), "{error}");
}

#[test]
fn a_control_side_that_does_not_listen_loses_messages_and_nothing_else() {
    let mut rig = Rig::new();
    target(&mut rig);
    rig.edit(play("x", seq((0..1000).map(|n| osc("/a", n)).collect())));
    rig.block(256);
    rig.unheard(480_000, &[512]);
    let sent = render(&mut rig, 96_000, &[512]);
    assert!(sent.len() > 2000, "{} messages", sent.len());
    assert!(sent.windows(2).all(|pair| pair[0].0 <= pair[1].0), "in order");
    rig.settle();
}
