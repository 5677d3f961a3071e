//! The methods, a file for each subject: what they take, what they do, what they answer, and their rows of the table.

pub(super) mod batch;
pub(super) mod describe;
pub(super) mod engine;
pub(super) mod files;
pub(super) mod freeze;
pub(super) mod legacy_at;
pub(super) mod macros;
pub(super) mod midi;
pub(super) mod modulation;
pub(super) mod nodes;
pub(super) mod play;
pub(super) mod query;
pub(super) mod scenes;
pub(super) mod session;
pub(super) mod sounds;
pub(super) mod status;
pub(super) mod subscribe;
pub(super) mod sync;
pub(super) mod transport;
