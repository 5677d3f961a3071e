//! `dac`: where the graph meets the master.
//!
//! | port | channels | |
//! |---|---|---|
//! | in `in` | 2 | what the plugin plays |

use super::super::contract::{Change, CreateContext, CreateError, Node, NodeDecl, NodeType, Port, Role};
use super::super::transport::Transport;
use super::code_key;
use crate::bus::Bus;
use std::any::Any;

/// The type `dac`.
pub(super) struct DacType {
    decl: NodeDecl,
}

impl DacType {
    pub(super) fn new() -> Self {
        let decl = NodeDecl {
            type_id: "dac".to_owned(),
            inputs: vec![Port::stereo("in")],
            outputs: Vec::new(),
            controls: Vec::new(),
            role: Role::Output(Bus::MAIN),
        };
        Self { decl }
    }
}

impl NodeType for DacType {
    fn decl(&self) -> &NodeDecl {
        &self.decl
    }

    fn code_key(&self) -> u64 {
        const { code_key("krach.dac", 1) }
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
