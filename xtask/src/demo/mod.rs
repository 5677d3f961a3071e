//! `demo`: renders the scripted performance through the built plugin and measures what comes out.
//!
//! One sentence: the [`performance`] is rendered whole and voice by voice by `krach-host` ([`render`]),
//! the [`onsets`] that are heard are compared with those that the score asks for ([`pattern`],
//! [`time`]), the moments of change are searched for [`clicks`], and the [`table`] says whether
//! everything is as it must be.

mod canvas;
mod clicks;
mod onsets;
mod pattern;
mod performance;
mod picture;
mod render;
mod spectrogram;
mod table;
mod time;

use std::fs;

use crate::bundle::bundle;
use crate::failure::{Failure, Result};
use crate::setup::{Need, setup};
use crate::workspace::{Workspace, run};
use clicks::Window;
use onsets::{Sound, Timing};
use performance::{Moment, Performance};
use picture::Legend;
use render::Renderer;
use table::Table;
use time::{TempoMap, Time, float};

/// Sample rate of the demo, in Hz.
const SAMPLE_RATE: u32 = 48_000;
/// Frames per block of the file that is kept.
const BLOCKS: &str = "256";
/// Other ways to cut time into blocks (`krach-host --help`), which must give the same samples.
const OTHER_BLOCKS: [&str; 2] = ["1,17,64,333,2048", "random:1"];
/// Music's end to the file's end, in cycles: the room rings out.
const TAIL: Time = Time::new_raw(2, 1);
/// The voice in which clicks are looked for: in bright ones they would not stand out.
const DARK: &str = "bass";
/// Height of the planted click: -40 dBFS.
const PLANTED: f32 = 0.01;

/// Renders, measures, writes `target/demo/demo.wav` and `demo.png`, prints the table.
///
/// # Errors
/// If a part does not build or run, or the table does not hold.
pub fn demo(workspace: &Workspace) -> Result<()> {
    setup(&[Need::Plugin])?;
    let plugin = bundle(workspace)?.clap;
    run(&mut workspace.cargo(["build", "--release", "--package", "krach-host"]))?;
    let folder = workspace.target.join("demo");
    fs::create_dir_all(&folder).map_err(|source| Failure::file("create", &folder, source))?;

    let path = workspace.root.join("dsp/demo/performance.jsonl");
    let performance = Performance::read(&path)?;
    let end = performance.end().ok_or_else(|| Failure::Content {
        path,
        line: None,
        problem: "has no HushAll, so it has no end".to_owned(),
    })?;
    let tempo = performance.tempo_map(SAMPLE_RATE);
    let renderer = Renderer::new(workspace, plugin, &folder, float(end + TAIL));

    let mix = renderer.render("demo", performance.full(), BLOCKS)?;
    for error in &mix.errors {
        println!("demo: {error}");
    }
    let mut same_for_blocks = Vec::new();
    for (i, blocks) in OTHER_BLOCKS.into_iter().enumerate() {
        let other = renderer.render(&format!("blocks-{}", i + 1), performance.full(), blocks)?;
        let same = bits(&other.sound) == bits(&mix.sound);
        same_for_blocks.push((format!("blocks {blocks} against {BLOCKS}"), same));
    }
    let unbroken = renderer.render("without-broken", &performance.without_broken(), BLOCKS)?;
    let broken_unheard = bits(&unbroken.sound) == bits(&mix.sound);
    let mut voices = Vec::new();
    let mut heard = Vec::new();
    let mut dark = None;
    let mut rest = mix.sound.samples.clone();
    for voice in performance.voices() {
        let alone = renderer.render(&voice, &performance.solo(&voice), BLOCKS)?;
        let ticks = renderer.render(&format!("{voice}-ticks"), &performance.ticking(&voice), BLOCKS)?;
        let found = onsets::find(&ticks.sound);
        let hits = performance.hits(&voice, end);
        let expected: Vec<Time> = hits.into_iter().map(|hit| tempo.sample(hit)).collect();
        rest.iter_mut().zip(&alone.sound.samples).for_each(|(rest, sample)| *rest -= sample);
        voices.push((voice.clone(), Timing::compare(&expected, &found, SAMPLE_RATE)));
        if voice == DARK {
            dark = Some(alone.sound);
        }
        heard.push((voice, found));
    }
    let dark = dark.ok_or_else(|| Failure::Check(format!("the score has no voice `{DARK}`")))?;

    let moments = performance.moments();
    let (clicks, planted_found) = clicks_at(&dark, &moments, &tempo);
    let mut came = mix.saves.iter().cloned();
    let saves = performance.saves().into_iter();
    let saves = saves.map(|(at, file, broken)| (named(at, &file), broken, came.next())).collect();
    let table = Table {
        voices,
        difference: Sound { samples: rest, ..mix.sound }.peak(),
        peak: mix.sound.peak(),
        moments: moments.len(),
        clicks,
        planted_found,
        saves,
        broken_unheard,
        refused: (performance.refused(), mix.errors.len()),
        same_for_blocks,
        real_time_factor: mix.real_time_factor,
    };
    let legend = legend(&moments, &tempo, end, heard);
    let png = folder.join("demo.png");
    picture::draw(&mix.sound, &legend).save(&png)?;
    println!("\n{table}");
    println!("demo: {}\ndemo: {}", mix.path.display(), png.display());
    if table.holds() {
        Ok(())
    } else {
        Err(Failure::Check("the performance is not what the score says".to_owned()))
    }
}

/// A save, for the table.
fn named(at: Time, file: &str) -> String {
    format!("{file} at bar {}", at.to_integer() + 1)
}

/// Clicks found at all moments, and at how many of them one planted click is found.
fn clicks_at(mix: &Sound, moments: &[Moment], tempo: &TempoMap) -> (usize, usize) {
    let mut clicks = 0;
    let mut planted_found = 0;
    for moment in moments {
        let window = window(moment, tempo);
        clicks += clicks::find(mix, window).len();
        let at = frame(tempo.sample(moment.at));
        let planted = clicks::find(&clicks::plant(mix, at, PLANTED), window);
        planted_found += usize::from(planted.iter().any(|click| click.abs_diff(at) <= 3));
    }
    (clicks, planted_found)
}

/// Where a change at this moment could click: from 10 ms before to 10 ms after the crossfade, which
/// lasts half a beat.
fn window(moment: &Moment, tempo: &TempoMap) -> Window {
    let margin = SAMPLE_RATE as usize / 100;
    let half_a_beat = Time::new(1, 2 * time::BEATS_PER_CYCLE);
    Window {
        begin: frame(tempo.sample(moment.at)).saturating_sub(margin),
        end: frame(tempo.sample(moment.at + half_a_beat)) + margin,
    }
}

/// The first frame at or after an exact time.
fn frame(sample: Time) -> usize {
    usize::try_from(sample.ceil().to_integer()).unwrap_or(0)
}

fn bits(sound: &Sound) -> Vec<u32> {
    sound.samples.iter().map(|sample| sample.to_bits()).collect()
}

fn legend(moments: &[Moment], tempo: &TempoMap, end: Time, voices: Vec<(String, Vec<usize>)>) -> Legend {
    let bars = (0..).map(Time::from).take_while(|&bar| bar < end);
    let place = |at: Time| float(tempo.sample(at));
    Legend {
        title: "krach demo: 16 bars of FAUST sounds, live-coded through the CLAP plugin".to_owned(),
        bars: bars.map(place).collect(),
        moments: moments.iter().map(|moment| (place(moment.at), moment.remark.clone())).collect(),
        voices,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn score() -> Performance {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dsp/demo/performance.jsonl");
        Performance::read(&path).unwrap()
    }

    #[test]
    fn the_demo_is_sixteen_bars_with_five_voices_two_saves_and_two_slips() {
        let score = score();
        assert_eq!(score.voices(), ["hat", "kick", "bass", "snare", "pad"]);
        let bass = |bar: i128, broken| (Time::from(bar - 1), "bass.dsp".to_owned(), broken);
        assert_eq!(score.saves(), [bass(9, false), bass(11, true)]);
        assert_eq!(score.end(), Some(Time::from(16)));
        assert_eq!(score.refused(), 1);
        let length = score.tempo_map(SAMPLE_RATE).sample(Time::from(16));
        // 12 bars at 120 and 4 at 140 bpm.
        let expected = Time::from(24 * 48_000) + Time::new(4 * 4 * 60 * 48_000, 140);
        assert_eq!(length, expected);
    }

    #[test]
    fn every_voice_enters_on_its_bar_and_plays_to_the_end() {
        let score = score();
        let end = Time::from(16);
        let entries = [("hat", 0, 3), ("kick", 1, 0), ("bass", 2, 2), ("snare", 3, 4), ("pad", 3, 0)];
        for (voice, bar, sixteenth) in entries {
            let hits = score.hits(voice, end);
            assert_eq!(hits[0], Time::from(bar) + Time::new(sixteenth, 16), "{voice}");
            assert!(hits.last().unwrap() > &Time::from(15), "{voice}");
        }
        // Bars 2 to 4 have four kicks, bars 5 to 16 have five.
        assert_eq!(score.hits("kick", end).len(), 3 * 4 + 12 * 5);
    }

    #[test]
    fn a_click_planted_at_a_moment_of_a_quiet_mix_is_found() {
        let score = score();
        let tempo = score.tempo_map(SAMPLE_RATE);
        let frames = frame(tempo.sample(Time::from(16) + TAIL));
        let hum = |n: usize| 0.4 * (n as f32 * 0.007).sin();
        let samples = (0..2 * frames).map(|sample| hum(sample / 2)).collect();
        let mix = Sound { sample_rate: SAMPLE_RATE, channels: 2, samples };
        let moments = score.moments();
        assert_eq!(clicks_at(&mix, &moments, &tempo), (0, moments.len()));
    }
}
