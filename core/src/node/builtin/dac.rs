//! `dac` and `_stem1`…`_stem8`: where the graph meets the outputs.
//!
//! | port | channels | |
//! |---|---|---|
//! | in `in` | 2 | what the plugin plays there |
//!
//! The types of stems are for lowered graphs: a musician gives a node its stem, and names no type for it.

use super::super::contract::{Change, CreateContext, CreateError, Node, NodeDecl, NodeType, Port, Role};
use super::super::registry::HIDDEN;
use super::super::transport::Transport;
use super::code_key;
use crate::bus::Bus;
use std::any::Any;

/// The type of an output.
pub(super) struct DacType {
    bus: Bus,
    decl: NodeDecl,
}

impl DacType {
    pub(super) fn new(bus: Bus) -> Self {
        let decl = NodeDecl {
            type_id: output_type(bus),
            inputs: vec![Port::stereo("in")],
            outputs: Vec::new(),
            controls: Vec::new(),
            settings: Vec::new(),
            role: Role::Output(bus),
        };
        Self { bus, decl }
    }
}

/// The id of the type that feeds an output.
pub fn output_type(bus: Bus) -> String {
    match bus.index() {
        0 => "dac".to_owned(),
        stem => format!("{HIDDEN}stem{stem}"),
    }
}

impl NodeType for DacType {
    fn decl(&self) -> &NodeDecl {
        &self.decl
    }

    fn code_key(&self) -> u64 {
        match self.bus.index() {
            0 => const { code_key("krach.dac", 1) },
            stem => code_key("krach.stem", stem as u64),
        }
    }

    fn create(&self, _ctx: &CreateContext) -> Result<Box<dyn Node>, CreateError> {
        Ok(Box::new(Dac))
    }
}

/// Stands for the place only: the engine takes what arrives at its inputs.
struct Dac;

impl Node for Dac {
    fn reset(&mut self) {}

    fn set(&mut self, _control: usize, _change: Change) {}

    fn render(&mut self, _: &Transport, _frames: usize, _inputs: &[&[f32]], _outputs: &mut [&mut [f32]]) {}

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}
