//! Settings of a session: who is the clock, what a start does, how long things take.

use super::schema::one_or_both;

/// Length of an automation's period.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[schemars(transform = one_or_both)]
pub enum Period {
    /// Seconds, counted from where the automation begins.
    #[serde(rename = "period_secs")]
    Secs(f64),
    /// Bars of the host, in phase with them: bar 0 is the beginning of the first period. One that is
    /// drawn once begins where its edit acts, or where time starts. While time stands, it does.
    #[serde(rename = "bars")]
    Bars(f64),
}

/// Length of a fade, by the tempo and meter where it begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FadeLength {
    /// Seconds.
    Secs(f64),
    /// Quarter notes.
    Beats(f64),
    /// Cycles.
    Cycles(f64),
}

impl FadeLength {
    /// The number, whatever it counts.
    pub fn number(&self) -> f64 {
        match *self {
            Self::Secs(x) | Self::Beats(x) | Self::Cycles(x) => x,
        }
    }
}

/// Who is the clock.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum ClockSource {
    /// An own clock at the free-run tempo, whatever the host does.
    Internal,
    /// The host's transport.
    #[default]
    External,
}

/// What nodes do where time starts from standstill. Where the host renders offline they restart in any case.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Start {
    /// Every node begins as after a reset; what rings fades out.
    Restart,
    /// They go on as they are. Documents from before there was a choice mean this.
    #[default]
    Continue,
}

/// Length of a crossfade.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Crossfade {
    /// In quarter notes at the tempo of the moment.
    Beats(f64),
    /// In seconds.
    Seconds(f64),
}

impl Default for Crossfade {
    /// Half a beat.
    fn default() -> Self {
        Self::Beats(0.5)
    }
}
