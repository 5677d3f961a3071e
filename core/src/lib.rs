//! The engine of krach.
//!
//! Clients edit one session ([`engine`]); the session compiles immutable [`plan`]s; the audio thread
//! adopts plans and turns host sample positions into sound ([`processor`]). [`engine::Engine`] is
//! the control side, [`processor::Processor`] the audio side; rings of ids and boxes ([`processor::ToAudio`],
//! [`processor::FromAudio`]) are all that joins them. This crate knows no plugin format, no file, no socket.
//!
//! | module | question it answers |
//! |---|---|
//! | [`edit`] | what can a client ask for, and when does it act? |
//! | [`model`] | which records is a session made of? |
//! | [`session`] | what is saved, and what does each edit do to it? |
//! | [`engine`] | how do edits reach the audio thread, and what comes back? |
//! | [`ir`] | what does a document say, and what is a DSP function? |
//! | [`graph`] | what is a graph, and what can be wrong with it? |
//! | [`planner`], [`plan`] | what does audio render, and what moves over from the last plan? |
//! | [`address`] | what is a fader, a mute, a send called? |
//! | [`limits`] | how many, how long, from where to where? |
//! | [`clock`] | where in musical time is each sample? |
//! | [`slot`] | what does a slot play? |
//! | [`processor`] | what does one block do? |
//! | [`telemetry`] | what can be seen of it while it plays? |
//! | [`osc`] | what does a pattern send to other programs? |
//! | [`node`] | what makes sound? |
//! | [`voice`] | which instance of a node plays which note? |
//! | [`automation`], [`limiter`] | how do controls move by themselves, and what protects the ears? |

pub mod address;
pub mod automation;
mod bus;
pub mod clock;
pub mod edit;
pub mod engine;
pub mod graph;
pub mod ir;
pub mod limiter;
pub mod limits;
pub mod link;
pub mod model;
pub mod node;
pub mod notice;
pub mod osc;
pub mod plan;
pub mod planner;
pub mod processor;
pub mod session;
pub mod slot;
pub mod symbol;
pub mod telemetry;
pub mod voice;
