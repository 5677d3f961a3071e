//! A compiled program: machine code with its description, ready to be kept, or linked and played.

use crate::back::emit::{Checked, GENERATOR};
use crate::budget::Budget;
use crate::cpu::{CpuLevel, Tier};
use crate::error::CompileError;
use crate::front::half::Translation;
use crate::interface::Interface;

/// Identity of an object: everything that it depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ObjectKey(pub(crate) [u8; 32]);

impl ObjectKey {
    /// The key of a program by hash of its text with imports, front half, CPU level and tier.
    pub(crate) fn new(text: blake3::Hash, front: blake3::Hash, cpu: CpuLevel, tier: Tier) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(text.as_bytes());
        hasher.update(front.as_bytes());
        hasher.update(format!("{GENERATOR}, {cpu:?}, {tier:?}").as_bytes());
        Self(*hasher.finalize().as_bytes())
    }
}

/// A compiled program.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    pub(crate) key: ObjectKey,
    /// Same for objects of different tier or CPU level of one program: their state means the same.
    pub(crate) layout: [u8; 32],
    pub(crate) name: String,
    pub(crate) json: String,
    pub(crate) state: u64,
    pub(crate) code: Vec<u8>,
}

impl Object {
    /// Compiles a translation; `layout` identifies program and front half, `double` says which numbers it has.
    pub(crate) fn compile(
        name: &str,
        translation: &Translation,
        key: ObjectKey,
        layout: [u8; 32],
        double: bool,
        (cpu, tier): (CpuLevel, Tier),
        budget: &Budget,
    ) -> Result<Self, CompileError> {
        let checked = match translation {
            Translation::Bitcode(bitcode) => Checked::read(bitcode, double, cpu, tier, budget)?,
            Translation::Program(program) => Checked::generate(name, program, cpu, tier, budget)?,
        };
        let (json, state) = (checked.json().to_owned(), checked.state());
        Interface::read(name, &json, state, budget)?;
        Ok(Self { key, layout, name: name.to_owned(), json, state, code: checked.object()? })
    }

    /// Makes an object of a program of the compiler of our own (`krach-faust-lang`), which nothing but the program
    /// itself, CPU level and tier have a part in.
    ///
    /// # Errors
    /// If it is larger than the budget allows, or if LLVM fails.
    pub fn from_program(
        name: &str,
        program: &krach_faust_lang::program::Program,
        (cpu, tier): (CpuLevel, Tier),
        budget: &Budget,
    ) -> Result<Self, CompileError> {
        let layout = blake3::hash(format!("{program:?}").as_bytes());
        let key = ObjectKey::new(layout, blake3::hash(b"krach-faust-lang"), cpu, tier);
        let made = Checked::generate(name, program, cpu, tier, budget)?;
        let (json, state) = (made.json().to_owned(), made.state());
        Interface::read(name, &json, state, budget)?;
        let layout = *layout.as_bytes();
        Ok(Self { key, layout, name: name.to_owned(), json, state, code: made.object()? })
    }

    /// Its ports and controls.
    ///
    /// # Errors
    /// If its description is damaged.
    pub fn interface(&self) -> Result<Interface, CompileError> {
        Interface::read(&self.name, &self.json, self.state, &Budget::default())
    }

    /// Its identity.
    pub fn key(&self) -> ObjectKey {
        self.key
    }

    /// Bytes of machine code.
    pub fn code_size(&self) -> usize {
        self.code.len()
    }

    /// Bytes of state of one instance.
    pub fn state_size(&self) -> u64 {
        self.state
    }
}
