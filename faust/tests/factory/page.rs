//! `docs/instruments.md` tells the truth: its texts compile and sound, its controls and errors are those they have.

use crate::front::alone;
use crate::measure::peak;
use crate::sounds::Take;
use crate::support::{channels, host_compiler};
use krach_core::node::Scale;
use krach_core::node::{ControlKind, NodeType};
use krach_faust::{Budget, Compiler, FaustType, Source, Tier, Widget};
use std::fs;

fn page() -> String {
    fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/instruments.md")).expect("is there")
}

/// A fenced block: what stands behind the fence, and what is in it.
struct Block {
    label: String,
    text: String,
}

fn blocks() -> Vec<Block> {
    let page = page();
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for line in page.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(label), None) => open = Some(Block { label: label.to_owned(), text: String::new() }),
            (None, Some(block)) => block.text.extend([line, "\n"]),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is not closed");
    blocks
}

fn number(value: f32) -> String {
    format!("{}", (f64::from(value) * 1e4).round() / 1e4)
}

fn describe(widget: &Widget) -> String {
    let c = &widget.control;
    if c.kind == ControlKind::Gate {
        return format!("{}: opens and closes notes\n", c.name);
    }
    let unit = if c.unit.is_empty() { String::new() } else { format!(" {}", c.unit) };
    let octaves = if widget.control.scale == Scale::Log { ", by octaves" } else { "" };
    let (min, max, usual) = (number(c.min), number(c.max), number(c.default));
    format!("{}: {min} to {max}{unit}, {usual} at first{octaves}\n", c.name)
}

fn described(ty: &FaustType) -> String {
    let mut text: String = ty.interface().widgets.iter().map(describe).collect();
    for (side, ports) in [("in", &ty.decl().inputs), ("out", &ty.decl().outputs)] {
        if !ports.is_empty() {
            assert_eq!((ports.len(), ports[0].name.as_str()), (1, side));
            text += &format!("{side}: {}\n", ports[0].channels);
        }
    }
    text
}

/// It plays a note, or what it is fed with.
fn sounds(name: &str, ty: &FaustType) {
    let mut take = Take::new(48_000.0, 0.5).set_any(ty, 0.0, "gate", 1.0);
    let tone = |at: usize| (at as f32 * 0.03).sin() * 0.3;
    take.inputs = vec![(0..take.frames()).map(tone).collect(); channels(&ty.decl().inputs)];
    let peak = peak(&take.play(ty));
    assert!((0.05..1.0).contains(&peak), "{name} peaks at {peak}");
}

#[test]
fn the_texts_on_the_page_do_what_it_says_on_a_machine_with_nothing_installed() {
    do_what_the_page_says("own", &alone(), true);
}

#[test]
fn the_texts_on_the_page_play_with_the_command_as_well() {
    do_what_the_page_says("command", &host_compiler(), false);
}

/// `errors`: the compiler's words are those on the page.
fn do_what_the_page_says(which: &str, compiler: &Compiler, errors: bool) {
    let room = std::env::temp_dir().join(format!("krach-page-{which}-{}", std::process::id()));
    fs::create_dir_all(&room).expect("makes a folder");
    let blocks = blocks();
    let mut played = 0;
    for (at, block) in blocks.iter().enumerate() {
        let Some(name) = block.label.strip_prefix("faust ") else { continue };
        if name.ends_with(".lib") {
            fs::write(room.join(name), &block.text).expect("writes");
            continue;
        }
        let source = Source { folders: vec![room.clone()], ..Source::inline(name, &block.text) };
        let compiled = compiler.compile(&source, Tier::Quick, &|| false);
        let claim = blocks.get(at + 1).map(|next| (next.label.as_str(), next.text.as_str()));
        match (compiled, claim) {
            (Err(error), Some(("error", text))) => {
                assert!(!errors || format!("{error}\n") == text, "{name}: {error}");
            }
            (Err(error), _) => panic!("{name}: {error}"),
            (Ok(_), Some(("error", _))) => panic!("{name} compiles, and should not"),
            (Ok(compiled), claim) => {
                let ty = FaustType::new(compiled.object).expect("described");
                if let Some(("controls", text)) = claim {
                    assert_eq!(described(&ty), text, "{name}");
                }
                sounds(name, &ty);
                played += 1;
            }
        }
    }
    fs::remove_dir_all(&room).expect("removes");
    assert!(
        played >= 5
            && blocks
                .iter()
                .all(|b| b.label.starts_with("faust ") || ["controls", "error"].contains(&&*b.label))
    );
}

#[test]
fn the_limits_on_the_page_are_the_limits() {
    let (budget, limits, page) = (Budget::default(), krach_faust_lang::Limits::default(), page());
    let mib = |bytes: u64| format!("{} MiB", bytes >> 20);
    let minutes = (budget.state as f64 / 4.0 / 48_000.0 / 60.0 * 10.0).round() / 10.0;
    for row in [
        format!("| channels on one side | {} |", budget.channels),
        format!("| controls | {} |", budget.controls),
        format!("| steps of one frame | {}, a maths function counting as 20 |", budget.frame_steps),
        format!("| steps that filling its tables takes | {} |", budget.filling_steps),
        format!(
            "| delay lines and tables of one instance | {}: {minutes} minutes at 48 kHz |",
            mib(budget.state)
        ),
        format!("| tables that instances share | {} |", mib(budget.tables)),
        format!(
            "| instructions | {}, above {} without the faster version |",
            budget.instructions, budget.optimised_instructions
        ),
        format!("| steps of the compiler | {} |", limits.fuel),
        format!("| voices of a node | {} |", krach_core::limits::MAX_VOICES),
    ] {
        assert!(page.contains(&row), "the page should have: {row}");
    }
}
