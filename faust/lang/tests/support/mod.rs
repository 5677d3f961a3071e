//! What several tests need.
#![allow(dead_code, reason = "each test program uses its part")]

use std::fs;
use std::path::{Path, PathBuf};

/// Where FAUST's own libraries and examples are.
pub const SHARE: &str = "/usr/share/faust";

fn walk(root: &Path, extension: &str, deep: bool) -> Vec<PathBuf> {
    let (mut found, mut open) = (Vec::new(), vec![root.to_owned()]);
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).expect("faust-common is installed").filter_map(Result::ok) {
            let path = entry.path();
            if path.is_dir() {
                if deep {
                    open.push(path);
                }
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// FAUST's own libraries.
pub fn libraries() -> Vec<PathBuf> {
    walk(Path::new(SHARE), "lib", false)
}

/// The examples that come with FAUST, by their path in its folder.
pub fn examples() -> Vec<(String, PathBuf)> {
    let root = Path::new(SHARE).join("examples");
    walk(&root, "dsp", true)
        .into_iter()
        .map(|path| (path.strip_prefix(&root).expect("inside").display().to_string(), path))
        .collect()
}

/// Numbers that look random and are the same each time.
pub struct Random(pub u64);

impl Random {
    /// The next number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end.max(1)
    }

    /// The text with a few places deleted, doubled, overwritten, or replaced by a piece of another.
    pub fn damage(&mut self, text: &[u8], others: &[Vec<u8>]) -> Vec<u8> {
        const PIECES: &[&str] = &[
            "(", ")", "{", "}", "[", "]", ";", ",", ":", "~", "<:", "\"", "'", "/*", "with", "0", "-1",
            "process",
        ];
        let mut text = text.to_vec();
        for _ in 0..=self.below(3) {
            let start = self.below(text.len() + 1);
            let end = (start + self.below(40)).min(text.len());
            match self.below(5) {
                0 => drop(text.drain(start..end)),
                1 => {
                    let piece = text[start..end].to_vec();
                    drop(text.splice(start..start, piece));
                }
                2 => drop(text.splice(start..start, PIECES[self.below(PIECES.len())].bytes())),
                3 => {
                    if let Some(byte) = text.get_mut(start) {
                        *byte = self.below(256) as u8;
                    }
                }
                _ => {
                    let other = &others[self.below(others.len())];
                    let from = self.below(other.len() + 1);
                    let to = (from + self.below(60)).min(other.len());
                    drop(text.splice(start..end, other[from..to].iter().copied()));
                }
            }
        }
        text
    }
}

/// Texts from the folder of the text that imports them, then FAUST's own libraries.
#[derive(Default)]
pub struct Folders {
    /// Texts that lie nowhere, by their names.
    pub own: std::collections::HashMap<String, String>,
}

impl krach_faust_lang::Texts for Folders {
    fn find(&mut self, name: &str, from: &str) -> Result<Option<krach_faust_lang::Text>, String> {
        if let Some(text) = self.own.get(name) {
            return Ok(Some(krach_faust_lang::Text { name: name.to_owned(), text: text.as_str().into() }));
        }
        let beside = Path::new(from).parent().map(|folder| folder.join(name));
        let place = beside.into_iter().chain([Path::new(SHARE).join(name)]).find(|path| path.is_file());
        place.map(|path| read(&path)).transpose()
    }
}

fn read(path: &Path) -> Result<krach_faust_lang::Text, String> {
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    let name = fs::canonicalize(path).map_err(|error| error.to_string())?.display().to_string();
    Ok(krach_faust_lang::Text { name, text: String::from_utf8_lossy(&bytes).into() })
}

/// A file as a text.
pub fn file(path: &Path) -> krach_faust_lang::Text {
    read(path).expect("reads")
}

/// A text that lies nowhere.
pub fn text(text: &str) -> krach_faust_lang::Text {
    krach_faust_lang::Text { name: "x.dsp".into(), text: text.into() }
}

/// Examples that are refused, with words of the reason. The first are parts of others, the command refuses them as
/// well; the rest call C++ that lies beside them.
pub const REFUSED: &[(&str, &str)] = &[
    ("SAM/16_channel_volume/layout.dsp", "there is no `process`"),
    ("SAM/chorus/layout2.dsp", "there is no `process`"),
    ("SAM/echo/layout2.dsp", "there is no `process`"),
    ("SAM/effects/layout2.dsp", "there is no `process`"),
    ("SAM/flanger/layout2.dsp", "there is no `process`"),
    ("SAM/freeverb/layout2.dsp", "there is no `process`"),
    ("SAM/virtualAnalog/layout2.dsp", "there is no `process`"),
    ("SAM/echo/echo.dsp", "`fastpow2` is a function of C"),
    ("SAM/effects/echo.dsp", "`fastpow2` is a function of C"),
    ("SAM/effects/effects.dsp", "`fastpow2` is a function of C"),
    ("physicalModeling/faust-stk/bass.dsp", "`getValueBassLoopFilterb0` is a function of C"),
    ("physicalModeling/faust-stk/harpsi.dsp", "`getValueDryTapAmpT60` is a function of C"),
    ("physicalModeling/faust-stk/modalBar.dsp", "`readMarmstk1` is a function of C"),
    ("physicalModeling/faust-stk/piano.dsp", "`getValueDryTapAmpT60` is a function of C"),
    ("physicalModeling/faust-stk/voiceForm.dsp", "`loadPhonemeGains` is a function of C"),
];

/// Words of the reason why an example is refused.
pub fn refused(name: &str) -> Option<&'static str> {
    REFUSED.iter().find(|(refused, _)| *refused == name).map(|(_, reason)| *reason)
}

/// Examples that take the command seconds each, some more than a minute.
pub const SLOW: &[&str] = &[
    "SAM/virtualAnalog/virtualAnalog.dsp",
    "SAM/virtualAnalog/virtualAnalogForBrowser.dsp",
    "SAM/virtualAnalog/virtualAnalogWithEffectsForBrowser.dsp",
    "physicalModeling/fds/2dKirchhoffThinPlate.dsp",
    "physicalModeling/mi-faust/10_PluckedString/pluckedString.dsp",
    "physicalModeling/mi-faust/11_BowedString/bowedString.dsp",
    "physicalModeling/mi-faust/13_Construction/construction.dsp",
    "physicalModeling/modularInterpInstrMIDI.dsp",
    "physicalModeling/vocalBP.dsp",
    "physicalModeling/vocalBPMIDI.dsp",
    "physicalModeling/vocalFOF.dsp",
    "physicalModeling/vocalFOFMIDI.dsp",
    "smartKeyboard/vocal.dsp",
    "filtering/parametricEqLab.dsp",
    "reverb/fdnRev.dsp",
    "reverb/reverbDesigner.dsp",
    "smartKeyboard/acGuitar.dsp",
    "quantizing/quantizedChords.dsp",
];
