//! The sounds of `dsp/`, held to what their README promises: measured on what they play.

#[path = "../support/mod.rs"]
mod support;

mod book;
mod clicks;
mod cpp;
mod front;
mod identity;
mod levels;
mod limits;
mod measure;
mod page;
mod played;
mod sounds;
mod tuning;
