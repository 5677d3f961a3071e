//! Bad files: all that is wrong is told, with its place and what would be right.

use krach_patch::yaml_to_graph;

/// A text, and for each error its line, its column, and parts of what is told.
type Case = (&'static str, &'static [(usize, usize, &'static str)]);

macro_rules! nodes {
    ($text:literal) => {
        concat!("nodes:\n  out: {module: AudioOut}\n", $text)
    };
}

pub const CASES: &[Case] = &[
    // The whole.
    ("", &[(1, 1, "found nothing; a patch is a map with nodes, cables")]),
    ("hello", &[(1, 1, "found the string `hello`; a patch is a map")]),
    ("[1, 2]", &[(1, 1, "found a list; a patch is a map")]),
    ("{}", &[(1, 1, "there is no `nodes`")]),
    ("cables: []", &[(1, 1, "there is no `nodes`")]),
    ("nodes: {}", &[(1, 8, "there is no AudioOut")]),
    ("nodes: [a]", &[(1, 8, "found a list; nodes is a map"), (1, 8, "there is no AudioOut")]),
    ("nodes:\n  a: {module: Sum}\n", &[(2, 3, "there is no AudioOut")]),
    (
        nodes!("  b: {module: AudioOut}\n  c: {module: AudioOut}\n"),
        &[
            (3, 15, "node `b`: a second AudioOut; a patch has exactly one"),
            (4, 15, "node `c`: a second AudioOut"),
        ],
    ),
    (nodes!("cable: []\n"), &[(3, 1, "unknown key of a patch `cable`; did you mean `cables`?")]),
    (nodes!("nodes: {}\n"), &[(3, 1, "a second `nodes`")]),
    (nodes!("zzz: 1\n"), &[(3, 1, "unknown key of a patch `zzz`; there are: nodes, cables")]),
    (nodes!("[a]: 1\n"), &[(3, 1, "found a list; a key is a string")]),
    // YAML itself.
    ("nodes: {a: [}", &[(1, 13, "this is not YAML")]),
    ("nodes:\n  out: {module: AudioOut\n", &[(3, 1, "this is not YAML")]),
    ("nodes: \"abc\n", &[(1, 8, "this is not YAML")]),
    ("nodes:\n\tout: 1\n", &[(2, 2, "this is not YAML")]),
    (nodes!("---\nnodes: {}\n"), &[(3, 1, "a second document; one file is one patch")]),
    (nodes!("  a: &x {module: Sum}\n  b: *x\n"), &[(3, 6, "an anchor (`&`)"), (4, 6, "an alias (`*`)")]),
    (nodes!("  a: !synth {module: Sum}\n"), &[(3, 6, "a tag (`!synth`)")]),
    // Nodes.
    (nodes!("  a: Sum\n"), &[(3, 6, "node `a`: found the string `Sum`; a node is a map")]),
    (nodes!("  a: {}\n"), &[(3, 3, "node `a`: there is no `module`")]),
    (nodes!("  a: {module: }\n"), &[(3, 13, "node `a`: found nothing; the name of a module is a string")]),
    (nodes!("  a: {module: 12}\n"), &[(3, 15, "found the whole number 12; the name of a module")]),
    (
        nodes!("  a: {module: SinOscillator}\n"),
        &[(3, 15, "node `a`: unknown module `SinOscillator`; did you mean `SineOscillator`?")],
    ),
    (nodes!("  a: {module: sum}\n"), &[(3, 15, "did you mean `Sum`?")]),
    (nodes!("  a: {module: Reverberator}\n"), &[(3, 15, "there are: SineOscillator, SawtoothOscillator")]),
    (
        nodes!("  a: {modul: Sum}\n"),
        &[(3, 3, "there is no `module`"), (3, 7, "unknown key of a node `modul`; did you mean `module`?")],
    ),
    (nodes!("  a: {module: Sum, module: Vca}\n"), &[(3, 20, "a second `module`")]),
    (
        nodes!("  a: {module: Sum}\n  a: {module: Vca}\n"),
        &[(4, 3, "a second node `a`; the first is in line 3; give it another id")],
    ),
    (nodes!("  a/b: {module: Sum}\n"), &[(3, 3, "`a/b` is no id; an id has 1 to 64 characters")]),
    (nodes!("  \"\": {module: Sum}\n"), &[(3, 3, "`` is no id")]),
    (
        nodes!("  a: {module: Sum, channels: 0}\n"),
        &[(3, 30, "found `channels` 0; a whole number from 1 to 32")],
    ),
    (
        nodes!("  a: {module: Sum, channels: 2.0}\n"),
        &[(3, 30, "found the number 2.0; a whole number is allowed")],
    ),
    (nodes!("  a: {module: Vca, channels: 2}\n"), &[(3, 30, "Vca has no `channels`; leave it out")]),
    (nodes!("  a: {module: Sum, length: 2}\n"), &[(3, 28, "Sum has no `length`; leave it out")]),
    (
        nodes!("  a: {module: StepSequencer, length: 1000}\n"),
        &[(3, 38, "found `length` 1000; a whole number from 1 to 256")],
    ),
    // Parameters.
    (
        nodes!("  a: {module: Glide, params: {glide: 1}}\n"),
        &[(3, 31, "unknown parameter of Glide `glide`; did you mean `glide_ms`?")],
    ),
    (
        nodes!("  a: {module: Sum, params: {x: 1}}\n"),
        &[(3, 29, "unknown parameter of Sum `x`; there is none")],
    ),
    (nodes!("  a: {module: Glide, params: [1]}\n"), &[(3, 30, "found a list; params is a map")]),
    (
        nodes!("  a: {module: Glide, params: {glide_ms: -1}}\n"),
        &[(3, 41, "`glide_ms`: found the whole number -1; a number from 0 to 10000 is allowed")],
    ),
    (
        nodes!("  a: {module: Glide, params: {glide_ms: fast}}\n"),
        &[(3, 41, "found the string `fast`; a number from 0")],
    ),
    (nodes!("  a: {module: Glide, params: {glide_ms: \"12\"}}\n"), &[(3, 41, "found the string `12`")]),
    (nodes!("  a: {module: Glide, params: {glide_ms: .inf}}\n"), &[(3, 41, "found the number inf")]),
    (nodes!("  a: {module: Glide, params: {glide_ms: .nan}}\n"), &[(3, 41, "found the number NaN")]),
    (nodes!("  a: {module: Glide, params: {glide_ms: 1e99}}\n"), &[(3, 41, "found the number inf")]),
    (
        nodes!("  a: {module: Glide, params: {glide_ms: }}\n"),
        &[(3, 39, "found nothing; a number from 0 to 10000")],
    ),
    (
        nodes!("  a: {module: Glide, params: {glide_ms: [1]}}\n"),
        &[(3, 42, "found the whole number 1; a number from 0")],
    ),
    (
        nodes!("  a: {module: Glide, params: {glide_ms: {x: 1}}}\n"),
        &[(3, 41, "found a map; a number from 0")],
    ),
    (nodes!("  a: {module: Glide, params: {glide_ms: 1, glide_ms: 2}}\n"), &[(3, 44, "a second `glide_ms`")]),
    (
        nodes!("  a: {module: ClockSequencer, params: {beats_per_bar: 4.0}}\n"),
        &[(3, 55, "`beats_per_bar`: found the number 4.0; a whole number from 1 to 16 is allowed")],
    ),
    (
        nodes!("  a: {module: ClockSequencer, params: {beats_per_bar: 99999999999}}\n"),
        &[(3, 55, "from 1 to 16")],
    ),
    (
        nodes!("  a: {module: ClockSequencer, params: {sync: hots}}\n"),
        &[(3, 46, "`sync`: unknown name `hots`; did you mean `host`?")],
    ),
    (
        nodes!("  a: {module: ClockSequencer, params: {sync: 1}}\n"),
        &[(3, 46, "one of host, free, song is allowed")],
    ),
    (
        nodes!("  a: {module: Filter, params: {saturate: yes}}\n"),
        &[(3, 42, "found the string `yes`; true or false")],
    ),
    (
        nodes!("  a: {module: Mixer, channels: 2, params: {level/2: 0.5}}\n"),
        &[(3, 44, "unknown parameter of Mixer `level/2`; did you mean `level/")],
    ),
    (
        nodes!("  a: {module: StepSequencer, params: {steps: [C3, H3, \"-\", Cb, 7]}}\n"),
        &[
            (3, 51, "found `H3`; an entry is a note like `C3`"),
            (3, 60, "found `Cb`; an entry is a note"),
            (3, 64, "found the whole number 7; a list of up to 16 strings"),
        ],
    ),
    (
        nodes!("  a: {module: StepSequencer, length: 2, params: {steps: [C3, C3, C3]}}\n"),
        &[(3, 57, "`steps`: 3 entries where 2 are allowed; give the node a `length` (up to 256)")],
    ),
    (
        nodes!("  a: {module: StepSequencer, params: {steps: C3}}\n"),
        &[(3, 46, "found the string `C3`; a list of up to 16")],
    ),
    (
        nodes!("  a: {module: Quantizer, params: {scale: [C, C4]}}\n"),
        &[(3, 46, "found `C4`; an entry is a pitch class")],
    ),
    // Cables.
    (nodes!("cables: {}\n"), &[(3, 9, "found a map; cables is a list")]),
    (
        nodes!("cables: [x]\n"),
        &[(3, 10, "found the string `x`; a cable is a map with from, output, to, input, scale")],
    ),
    (
        nodes!("  a: {module: Sum}\ncables:\n  - {from: a, to: out}\n"),
        &[(5, 5, "a cable without `output`; a cable has from"), (5, 5, "a cable without `input`")],
    ),
    (
        nodes!("  osc: {module: Sum}\ncables:\n  - {from: ocs, output: out, to: out, input: left}\n"),
        &[(5, 12, "unknown node `ocs`; did you mean `osc`?")],
    ),
    (
        nodes!(
            "  a: {module: Sum}\ncables:\n  - {from: a, output: outt, to: out, input: middle, scale: 2}\n"
        ),
        &[
            (5, 23, "node `a`: unknown output of Sum `outt`; did you mean `out`?"),
            (5, 45, "node `out`: unknown input of AudioOut `middle`; there are: left, right"),
            (5, 60, "found scale 2.0; a number from -1 to 1 is allowed"),
        ],
    ),
    (
        nodes!("  a: {module: Sum}\ncables:\n  - {from: a, output: out, to: a, input: in/2}\n"),
        &[(5, 42, "unknown input of Sum `in/2`")],
    ),
    (
        nodes!(
            "  a: {module: Sum}\ncables:\n  - {from: a, output: out, to: out, input: left, scale: .nan}\n"
        ),
        &[(5, 57, "found scale NaN")],
    ),
    (
        nodes!(
            "  a: {module: Sum}\ncables:\n  - {from: a, output: out, to: out, input: left, scale: half}\n"
        ),
        &[(5, 57, "found the string `half`; a scale is a number")],
    ),
    (
        nodes!(
            "  a: {module: Sum}\ncables:\n  - {from: a, output: out, to: out, input: left}\n  - {from: a, output: out, to: out, input: left}\n"
        ),
        &[(
            6,
            44,
            "a second cable to `out`, input `left`: the first comes from `a`; an input takes one cable",
        )],
    ),
    (
        nodes!("  a: {module: Smu}\ncables:\n  - {from: a, output: out, to: out, input: left}\n"),
        &[(3, 15, "unknown module `Smu`")],
    ),
    (
        nodes!("  a: {module: Sum}\ncables:\n  - {from: a, output: out, to: out, input: left, gain: 1}\n"),
        &[(5, 50, "unknown key of a cable `gain`")],
    ),
    (
        nodes!("  a: {module: Sum}\ncables:\n  - {from: [a], output: out, to: out, input: left}\n"),
        &[(5, 12, "found a list; `from` of a cable is a string")],
    ),
    // Everything at once.
    (
        "nodes:\n  osc: {module: SineOscilator, params: {frequency: x}}\n  f: {module: Filter, params: {cutof: 1, resonance: 2}}\ncables:\n  - {from: f, output: lo, to: outt, input: left}\n",
        &[
            (2, 17, "unknown module `SineOscilator`; did you mean `SineOscillator`?"),
            (3, 32, "unknown parameter of Filter `cutof`; did you mean `cutoff`?"),
            (3, 53, "`resonance`: found the whole number 2; a number from 0 to 1 is allowed"),
            (5, 23, "unknown output of Filter `lo`; did you mean `low`?"),
            (5, 31, "unknown node `outt`"),
        ],
    ),
];

#[test]
fn bad_files_are_told_all_that_is_wrong_with_them_and_where() {
    let mut wrong = Vec::new();
    for (text, expected) in CASES {
        let found: Vec<(usize, usize, String)> = match yaml_to_graph(text) {
            Ok(_) => Vec::new(),
            Err(errors) => {
                let of = |error: krach_patch::yaml::Diagnostic| (error.line, error.column, error.to_string());
                errors.0.into_iter().map(of).collect()
            }
        };
        let fits = found.len() == expected.len()
            && found.iter().zip(*expected).all(|((line, column, text), (at_line, at_column, part))| {
                (line, column) == (at_line, at_column) && text.contains(part)
            });
        if !fits {
            wrong.push(format!("{text}\nexpected {expected:#?}\nfound {found:#?}"));
        }
    }
    assert!(CASES.len() >= 60, "{}", CASES.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
