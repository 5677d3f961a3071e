//! `dsp/README.md` and the comments at the top of each file say what is so.

use crate::sounds::{DRUMS, EFFECTS, VOICES, all, folder, instruments, is_effect, sound};
use krach_core::node::Scale;
use krach_core::node::{ControlKind, NodeType};
use krach_faust::Widget;
use std::fmt::Write;
use std::fs;

/// The comment at the top, line by line without the slashes.
fn comment(name: &str) -> Vec<String> {
    let text = fs::read_to_string(format!("{}/{name}.dsp", folder())).expect("is there");
    text.lines().map_while(|line| line.strip_prefix("//")).map(|line| line.trim().to_owned()).collect()
}

pub fn pattern(name: &str) -> String {
    let lines = comment(name);
    let line = lines.iter().find_map(|line| line.strip_prefix("Pattern: "));
    line.unwrap_or_else(|| panic!("{name} shows no pattern")).to_owned()
}

fn number(value: f32) -> String {
    format!("{}", (f64::from(value) * 1e4).round() / 1e4)
}

fn describe(widget: &Widget) -> String {
    let control = &widget.control;
    if control.kind == ControlKind::Gate {
        return format!("`{}`", control.name);
    }
    let unit = if control.unit.is_empty() { String::new() } else { format!(" {}", control.unit) };
    let (min, max, usual) = (number(control.min), number(control.max), number(control.default));
    format!("`{}` {min}…{max}{unit} ({usual})", control.name)
}

fn table() -> String {
    let mut table =
        "| sound | what it is | controls: range (default) | how to play it |\n|---|---|---|---|\n".to_owned();
    for name in all() {
        let lines = comment(name);
        let what = lines[0].split_once(": ").expect("name: what it is").1;
        let ty = sound(name);
        let controls: Vec<String> = ty.interface().widgets.iter().map(describe).collect();
        let play = if is_effect(name) {
            let line = lines.iter().find(|line| line.starts_with("As a")).expect("says what it is used as");
            line.clone()
        } else {
            format!("`{}`", pattern(name).replace('|', "\\|"))
        };
        writeln!(table, "| `{name}` | {what} | {} | {play} |", controls.join(", ")).expect("text");
    }
    table
}

#[test]
fn the_table_of_the_readme_is_what_the_files_say() {
    let readme = fs::read_to_string(format!("{}/README.md", folder())).expect("is there");
    let said: Vec<&str> = readme.lines().filter(|line| line.starts_with('|')).collect();
    let table = table();
    let is: Vec<&str> = table.lines().collect();
    assert!(said == is, "the table in dsp/README.md should be:\n{table}");
}

#[test]
fn every_file_says_what_it_is_and_how_to_play_it() {
    for name in all() {
        let lines = comment(name);
        let title = lines[0].split_once(": ").expect("a title").0;
        assert_eq!(title.to_lowercase(), name);
        assert!(lines.len() >= 4, "{name} says too little");
    }
    for name in instruments() {
        let pattern = pattern(name);
        let tree =
            krach_patterns::mini(&pattern).unwrap_or_else(|error| panic!("{name}: {pattern}: {error}"));
        krach_patterns::compile(&tree).unwrap_or_else(|error| panic!("{name}: {pattern}: {error}"));
    }
}

/// Settings that a comment recommends exist and are in range: `name number`, after a colon or a comma.
#[test]
fn settings_in_the_comments_are_settings() {
    for name in all() {
        let ty = sound(name);
        let mut found = 0;
        for line in comment(name).iter().filter(|line| !line.starts_with("Pattern: ")) {
            let line = line.replace(". ", ",").replace(": ", ",");
            for part in line.split([',', '(']).map(|part| part.trim().trim_end_matches('.')) {
                let mut words = part.split(' ');
                let (Some(control), Some(value), None) = (words.next(), words.next(), words.next()) else {
                    continue;
                };
                let Ok(value) = value.parse::<f32>() else { continue };
                let declared = ty.decl().controls.iter().find(|c| c.name == control);
                let declared = declared.unwrap_or_else(|| panic!("{name} has no {control}: {line}"));
                assert!((declared.min..=declared.max).contains(&value), "{name}: {part} is out of range");
                found += 1;
            }
        }
        assert!(found >= 3, "{name} recommends no settings");
    }
}

#[test]
fn controls_follow_the_convention() {
    let control = |name: &'static str, wanted: &str| {
        let ty = sound(name);
        let widget = ty.interface().widgets.iter().find(|w| w.control.name == wanted).cloned();
        widget.unwrap_or_else(|| panic!("{name} has no {wanted}"))
    };
    for name in all() {
        let ty = sound(name);
        let with_unit = ty.decl().controls.iter().filter(|c| !c.unit.is_empty()).count();
        assert!(with_unit >= 4, "{name} has {with_unit} controls with a unit");
        for widget in &ty.interface().widgets {
            let c = &widget.control;
            assert!(c.min < c.max && (c.min..=c.max).contains(&c.default), "{name}: {}", c.name);
            assert!(c.scale != Scale::Log || c.min > 0.0, "{name}: {} from 0 by octaves", c.name);
            assert!(
                c.kind == ControlKind::Gate || !c.unit.is_empty() || c.max <= 8.0,
                "{name}: {} of what?",
                c.name
            );
            assert!(c.name.chars().all(|letter| letter.is_ascii_lowercase()), "{name}: {}", c.name);
        }
    }
    for name in instruments() {
        assert_eq!(control(name, "gate").control.kind, ControlKind::Gate);
        let vel = control(name, "vel").control;
        assert_eq!((vel.min, vel.max), (0.0, 1.0), "{name}");
    }
    for name in DRUMS {
        assert_eq!(control(name, "tune").control.unit, "Hz");
    }
    for name in VOICES {
        let freq = control(name, "freq");
        assert_eq!((freq.control.unit.as_str(), freq.control.scale), ("Hz", Scale::Log), "{name}");
        assert!(freq.control.min <= 27.5 && freq.control.max >= 4000.0, "{name} lacks notes");
    }
    for name in EFFECTS {
        let mix = control(name, "mix").control;
        assert_eq!((mix.min, mix.max), (0.0, 1.0), "{name}");
        let decl = sound(name);
        let decl = decl.decl();
        assert_eq!(
            (decl.inputs.len(), decl.inputs[0].channels, decl.outputs[0].channels),
            (1, 2, 2),
            "{name}"
        );
    }
}
