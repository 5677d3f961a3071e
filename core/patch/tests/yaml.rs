//! Patches as text: what is read, what is written, and what is told of bad files.

#[path = "yaml/bad.rs"]
mod bad;
mod support;
#[path = "yaml/target.rs"]
mod target;

use krach_patch::{Cable, ModuleGraph, graph_to_yaml, yaml_to_graph};
use support::{Chance, shake};

fn read(text: &str) -> ModuleGraph {
    yaml_to_graph(text).unwrap_or_else(|wrong| panic!("{wrong}\n{text}"))
}

#[test]
fn what_was_written_reads_the_same_and_writes_the_same_on_a_thousand_patches() {
    let mut cables = 0;
    for seed in 0..1_000 {
        let (mut chance, mut graph) = (Chance(seed), ModuleGraph::new());
        let changes = 1 + chance.below(120);
        shake(&mut graph, &mut chance, changes);
        let text = graph_to_yaml(&graph);
        let again = read(&text);
        assert!(again == graph, "seed {seed}:\n{text}");
        assert_eq!(graph_to_yaml(&again), text, "seed {seed}");
        cables += graph.cable_count();
    }
    assert!(cables > 3_000, "{cables}");
}

#[test]
fn the_first_file_of_the_format_loads() {
    let graph = read(
        "nodes:
  osc:
    module: SineOscillator
    params:
      frequency: 440.0
  out:
    module: AudioOut
cables:
  - from: osc
    output: out
    to: out
    input: left
  - from: osc
    output: out
    to: out
    input: right
",
    );
    assert_eq!(graph.cable_count(), 2);
    assert_eq!(
        graph.cables()[0],
        Cable { from: "osc", output: "out".into(), to: "out", input: "left".into(), scale: 1.0 }
    );
}

#[test]
fn every_way_to_write_a_value_is_read() {
    let graph = read(
        r#"{"nodes": {"osc": {"module": "SineOscillator", "params": {"frequency": 4.4e2}},
            lfo: {module: Lfo, params: {rate: 2, polarity: 'unipolar'}},
            "seq": {module: StepSequencer, length: 3, params: {steps: ["-", _, F#3]}},
            filter: {module: Filter, params: {saturate: true}},
            tuner: {module: Tuner, params: {octave: 0x3}}, out: {module: AudioOut}},
          "cables": [{from: lfo, output: sine, to: out, input: left, scale: -1}]}"#,
    );
    let text = graph_to_yaml(&graph);
    for part in [
        "rate: 2.0\n",
        "polarity: unipolar\n",
        "[\"-\", \"_\", F#3]",
        "saturate: true\n",
        "octave: 3\n",
        "scale: -1.0}",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    // 440 is the default, and left out.
    assert!(!text.contains("frequency"), "{text}");
}

#[test]
fn ids_that_look_like_something_else_stay_ids() {
    let mut graph = ModuleGraph::new();
    for id in ["1", "true", "null", "1.5", "-", "0x1f", "größe", ".", "e3", "-x"] {
        graph.add(id, "Sum").unwrap();
    }
    graph.add("out", "AudioOut").unwrap();
    graph.connect("1", "out", "true", "in/1", 0.1).unwrap();
    graph.connect("null", "out", "-", "in", 0.1).unwrap();
    let text = graph_to_yaml(&graph);
    assert!(read(&text) == graph, "{text}");
    // Other readers take them for strings, too.
    for id in ["\n  \"1\":", "\n  \"true\":", "\n  \"1.5\":", "\n  \"-\":", "\n  e3:"] {
        assert!(text.contains(id), "{id}\n{text}");
    }
}

#[test]
fn params_and_cables_may_be_left_empty() {
    let graph = read("nodes:\n  out:\n    module: AudioOut\n    params:\ncables:\n");
    assert_eq!(graph.nodes().count(), 1);
}

/// Texts made from real ones by chance: how many are read, and how many refused.
fn mangle(seed: u64, rounds: usize) -> (usize, usize) {
    let bad: Vec<String> = bad::CASES.iter().map(|case| case.0.to_owned()).collect();
    let mut good: Vec<String> = Vec::new();
    for file in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../dsp/patches")).unwrap() {
        good.push(std::fs::read_to_string(file.unwrap().path()).unwrap());
    }
    good.sort();
    let parts = [
        "\n",
        "  ",
        ": ",
        "{",
        "}",
        "[",
        "]",
        "- ",
        "\"",
        "'",
        "&a",
        "*a",
        "!!",
        "|",
        ">",
        "#",
        "\t",
        "\r",
        "---\n",
        "...",
        "%YAML 1.2\n",
        "? ",
        "\u{feff}",
        "\u{0}",
        "ä",
        "1e999",
        "~",
        ",",
        "\\",
        "<<",
        "nodes",
        "@",
        "`",
    ];
    let mut chance = Chance(seed);
    let (mut read, mut refused) = (0, 0);
    for _ in 0..rounds {
        let seeds = if chance.below(3) == 0 { &bad } else { &good };
        let mut text: Vec<char> = chance.pick(seeds).chars().collect();
        let most = *chance.pick(&[1, 1, 2, 6]);
        for _ in 0..1 + chance.below(most) {
            let at = chance.below(text.len() + 1);
            match chance.below(4) {
                0 => {
                    let part = *chance.pick(&parts);
                    text.splice(at..at, part.chars());
                }
                1 => {
                    let end = text.len().min(at + chance.below(12));
                    text.drain(at..end);
                }
                2 => {
                    let from = chance.below(text.len() + 1);
                    let end = text.len().min(from + chance.below(40));
                    let copy: Vec<char> = text[from..end].to_vec();
                    text.splice(at..at, copy);
                }
                _ => {
                    if let Some(c) = text.get_mut(at) {
                        *c = chance.pick(&parts).chars().next().unwrap();
                    }
                }
            }
        }
        let text: String = text.into_iter().collect();
        let was_read = target::run(&text);
        read += usize::from(was_read);
        refused += usize::from(!was_read);
    }
    (read, refused)
}

#[test]
fn no_text_whatever_makes_the_reader_panic() {
    let (read, refused) = mangle(1, 6_000);
    assert!(read > 300 && refused > 1_000, "{read} read, {refused} refused");
}

#[test]
#[ignore = "soak: two minutes"]
fn soak_no_text_whatever_makes_the_reader_panic() {
    for seed in 2..200 {
        mangle(seed, 6_000);
    }
}

#[test]
fn texts_that_are_too_large_or_too_deep_are_refused_soon() {
    let long = format!("nodes:\n{}", " ".repeat(krach_patch::yaml::MAX_TEXT));
    assert!(yaml_to_graph(&long).err().unwrap().to_string().contains("bytes"));
    for open in ["[", "{a: ", "- ", "? "] {
        let deep = open.repeat(20_000);
        assert!(yaml_to_graph(&deep).is_err(), "{open}");
    }
    let closed = format!("nodes: {}{}", "[".repeat(100), "]".repeat(100));
    assert!(yaml_to_graph(&closed).err().unwrap().to_string().contains("nested too deeply"));
    let wide = format!("nodes: [{}]", "1,".repeat(100_000));
    assert!(yaml_to_graph(&wide).is_err());
}

#[test]
fn of_very_many_errors_the_first_hundred_are_told() {
    let text = format!("nodes:\n  out: {{module: AudioOut}}\ncables:\n{}", "  - 1\n".repeat(300));
    let wrong = yaml_to_graph(&text).err().unwrap();
    assert_eq!(wrong.0.len(), 101);
    assert_eq!(wrong.0[99].line, 103);
    assert!(wrong.0[100].fault.problem.contains("200 more errors"));
}
