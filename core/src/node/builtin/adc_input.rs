//! `adc_input`: the plugin's audio input.
//!
//! | port | channels | |
//! |---|---|---|
//! | out `out` | 2 | what the host sends in; silence until the input is started |

use super::super::contract::{Change, CreateContext, CreateError, Node, NodeDecl, NodeType, Port, Role};
use super::super::transport::Transport;
use super::code_key;
use std::any::Any;

/// The id of the type.
pub const INPUT_TYPE: &str = "adc_input";

/// The type `adc_input`.
pub(super) struct AdcInputType {
    decl: NodeDecl,
}

impl AdcInputType {
    pub(super) fn new() -> Self {
        let decl = NodeDecl {
            type_id: INPUT_TYPE.to_owned(),
            inputs: Vec::new(),
            outputs: vec![Port::stereo("out")],
            controls: Vec::new(),
            settings: Vec::new(),
            role: Role::HostInput,
        };
        Self { decl }
    }
}

impl NodeType for AdcInputType {
    fn decl(&self) -> &NodeDecl {
        &self.decl
    }

    fn code_key(&self) -> u64 {
        const { code_key("krach.adc_input", 1) }
    }

    fn create(&self, _ctx: &CreateContext) -> Result<Box<dyn Node>, CreateError> {
        Ok(Box::new(AdcInput))
    }
}

/// Stands for the place only: the engine copies the samples. Rendered by itself it is silent.
struct AdcInput;

impl Node for AdcInput {
    fn reset(&mut self) {}

    fn set(&mut self, _control: usize, _change: Change) {}

    fn render(&mut self, _: &Transport, _frames: usize, _inputs: &[&[f32]], outputs: &mut [&mut [f32]]) {
        for output in outputs {
            output.fill(0.0);
        }
    }

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}
