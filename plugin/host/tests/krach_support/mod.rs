//! krach as built for release, played through CLAP or VST3 and its socket in a place of its own.
#![allow(dead_code, reason = "every test program uses its own part of this")]

#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub mod alone;
pub mod chunk;
#[cfg(target_os = "linux")]
pub mod display;
pub mod elsewhere;
pub mod gates;
pub mod home;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub mod jackd;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub mod lossy;
pub mod session;
pub mod sounds;
#[cfg(target_os = "linux")]
pub mod windows;

use std::path::PathBuf;

use krach_host::{Hosted, Instance, RenderOptions, Rendered, Stage, Vst3Instance, default_plugin};

/// The plugin under test: what `cargo xtask bundle` made, or what `KRACH_CLAP` names.
pub fn plugin() -> PathBuf {
    default_plugin().unwrap_or_else(|error| {
        panic!("these tests play the plugin itself, run `cargo xtask bundle` first ({error})")
    })
}

/// A plugin format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Clap,
    Vst3,
}

impl Format {
    pub const ALL: [Self; 2] = [Self::Clap, Self::Vst3];

    /// The plugin under test in this format: the bundles lie beside each other.
    pub fn plugin(self) -> PathBuf {
        match self {
            Self::Clap => plugin(),
            Self::Vst3 => plugin().with_extension("vst3"),
        }
    }
}

/// A stage with the plugin and a connection, its files in this process's own folder.
pub fn stage(options: &RenderOptions) -> Stage {
    stage_of(Format::Clap, options)
}

/// The same in any format.
pub fn stage_of<I: Hosted>(format: Format, options: &RenderOptions) -> Stage<I> {
    home::enter();
    let options = RenderOptions { plugin: Some(format.plugin()), ..options.clone() };
    Stage::open(&options, true).expect("the plugin opens its socket")
}

/// A stage to which these requests were sent, each of which was taken.
pub fn stage_with(options: &RenderOptions, requests: &[String]) -> Stage {
    let mut stage = stage(options);
    ask_all(&mut stage, requests);
    stage
}

/// Sends requests; panics where one is refused.
pub fn ask_all<I: Hosted>(stage: &mut Stage<I>, requests: &[String]) {
    let client = stage.client().expect("opened with a connection");
    for request in requests {
        let reply = client.request(request).expect("a reply");
        let refused = reply["status"] == "Error" || reply.get("error").is_some();
        assert!(!refused, "{request} was refused: {reply}");
    }
}

/// Renders to the end with these requests sent before the first block.
pub fn render_with(options: &RenderOptions, requests: &[String]) -> Rendered {
    render_in(Format::Clap, options, requests)
}

/// The same in either format.
pub fn render_in(format: Format, options: &RenderOptions, requests: &[String]) -> Rendered {
    fn to_the_end<I: Hosted>(mut stage: Stage<I>, requests: &[String]) -> Rendered {
        ask_all(&mut stage, requests);
        stage.render_to_end().expect("it renders");
        stage.finish()
    }
    match format {
        Format::Clap => to_the_end::<Instance>(stage_of(format, options), requests),
        Format::Vst3 => to_the_end::<Vst3Instance>(stage_of(format, options), requests),
    }
}

/// Panics at the first sample in which two stretches of sound differ, or if one is longer.
#[track_caller]
pub fn assert_same_sound(found: &[Vec<f32>], expected: &[Vec<f32>], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}: channels");
    for (channel, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert_eq!(found.len(), expected.len(), "{what}: frames of channel {channel}");
        let differs = found.iter().zip(expected).position(|(a, b)| a.to_bits() != b.to_bits());
        if let Some(frame) = differs {
            panic!(
                "{what}: channel {channel} differs first at frame {frame} of {}: {} instead of {}",
                found.len(),
                found[frame],
                expected[frame]
            );
        }
    }
}

/// A seeded sequence (SplitMix64: Steele, Lea, Flood 2014).
pub struct Dice(pub u64);

impl Dice {
    /// The next number.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        (self.roll() % end as u64) as usize
    }
}
