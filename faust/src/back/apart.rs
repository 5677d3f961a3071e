//! Says of `compute` which memory is apart from which, so that what the loop carries from frame to frame
//! stays in registers. LLVM would find it out by itself in small programs; it gives up on a state that is
//! used in more than a hundred places.
//!
//! | memory | apart from |
//! |---|---|
//! | a channel | the state: it belongs to the node alone |
//! | fields of the state at constant places | channels, delay lines, tables |
//! | a delay line or a table in the state | channels, all other fields: indices are held within it |
//!
//! All of it holds by [`super::shape`] and [`super::harden`]; what is of no such kind is left alone.

use super::llvm::{blocks, constant, instructions, operands};
use llvm_sys::LLVMOpcode;
use llvm_sys::core::*;
use llvm_sys::prelude::*;
use std::collections::BTreeMap;

/// Lines and tables that are told apart; the others are one.
pub(super) const MAX_LINES: usize = 64;

/// A kind of memory.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Channel,
    /// A field of the state, and whether the place within it is a constant.
    Field {
        number: i64,
        fixed: bool,
    },
}

/// Marks every load and store of `compute` whose memory is known.
///
/// # Safety
/// The context is alive, `compute` is a function in it that was checked and hardened, and `state` is the type of
/// what its first parameter points to.
pub(super) unsafe fn tell_apart(context: LLVMContextRef, compute: LLVMValueRef, state: LLVMTypeRef) {
    // SAFETY: by the contract; values come from walking the function, each query is made on the kind it is for.
    unsafe {
        let dsp = LLVMGetParam(compute, 0);
        let mut accesses = Vec::new();
        for at in blocks(compute).into_iter().flat_map(instructions) {
            let pointer = match LLVMGetInstructionOpcode(at) {
                LLVMOpcode::LLVMLoad => LLVMGetOperand(at, 0),
                LLVMOpcode::LLVMStore => LLVMGetOperand(at, 1),
                _ => continue,
            };
            accesses.extend(place(pointer, dsp, state).map(|place| (at, place)));
        }
        let mut lines = BTreeMap::new();
        for (_, place) in &accesses {
            if let Place::Field { number, fixed: false } = place {
                let next = lines.len().min(MAX_LINES - 1);
                lines.entry(*number).or_insert(next);
            }
        }
        let scopes = Scopes::new(context, lines.values().max().map_or(0, |last| last + 1));
        for (at, place) in accesses {
            let own = match place {
                Place::Channel => None,
                Place::Field { number, .. } => Some(lines.get(&number).map_or(0, |line| line + 1)),
            };
            scopes.mark(at, own);
        }
    }
}

/// What memory an address of `compute` is in, if that is known.
unsafe fn place(mut pointer: LLVMValueRef, dsp: LLVMValueRef, state: LLVMTypeRef) -> Option<Place> {
    // SAFETY: see `tell_apart`.
    unsafe {
        let mut steps = Vec::new();
        while !LLVMIsAGetElementPtrInst(pointer).is_null() {
            steps.push(pointer);
            pointer = LLVMGetOperand(pointer, 0);
        }
        if !LLVMIsALoadInst(pointer).is_null() {
            // The only pointers that are read from memory are those of channels.
            return Some(Place::Channel);
        }
        let first = *steps.last()?;
        if pointer != dsp || LLVMGetGEPSourceElementType(first) != state {
            return None;
        }
        let way = operands(first);
        let number = constant(*way.get(2)?)?;
        let indices = steps.iter().flat_map(|step| operands(*step).into_iter().skip(1));
        let fixed = indices.into_iter().all(|index| constant(index).is_some());
        Some(Place::Field { number, fixed })
    }
}

/// Scope 0 is that of fields at constant places, then one for each line.
pub(super) struct Scopes {
    context: LLVMContextRef,
    all: Vec<LLVMMetadataRef>,
    kinds: [u32; 2],
}

impl Scopes {
    /// # Safety
    /// The context is alive.
    pub(super) unsafe fn new(context: LLVMContextRef, lines: usize) -> Self {
        // SAFETY: see `tell_apart`; strings are given with their lengths.
        unsafe {
            let text = |text: &str| LLVMMDStringInContext2(context, text.as_ptr().cast(), text.len());
            let node = |mut parts: Vec<LLVMMetadataRef>| {
                LLVMMDNodeInContext2(context, parts.as_mut_ptr(), parts.len())
            };
            let domain = node(vec![text("memory")]);
            let scope = |number: usize| node(vec![text(&format!("{number}")), domain]);
            let kinds = ["alias.scope", "noalias"]
                .map(|kind| LLVMGetMDKindIDInContext(context, kind.as_ptr().cast(), kind.len() as u32));
            Self { context, all: (0..=lines).map(scope).collect(), kinds }
        }
    }

    /// Says of a load or store in which scope it is: none of them for channels.
    ///
    /// # Safety
    /// The instruction is one of a module of the context.
    pub(super) unsafe fn mark(&self, at: LLVMValueRef, own: Option<usize>) {
        // SAFETY: see `tell_apart`.
        unsafe {
            let set = |kind: u32, mut scopes: Vec<LLVMMetadataRef>| {
                if !scopes.is_empty() {
                    let list = LLVMMDNodeInContext2(self.context, scopes.as_mut_ptr(), scopes.len());
                    LLVMSetMetadata(at, kind, LLVMMetadataAsValue(self.context, list));
                }
            };
            set(self.kinds[0], own.map(|own| self.all[own]).into_iter().collect());
            let others = self.all.iter().enumerate().filter(|(number, _)| Some(*number) != own);
            set(self.kinds[1], others.map(|(_, scope)| *scope).collect());
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::back::emit::Checked;
    use crate::budget::Budget;
    use crate::cpu::{CpuLevel, Tier};
    use crate::front::child::ChildLimits;
    use crate::front::closure::gather;
    use crate::front::command::FaustCommand;
    use crate::source::Source;

    /// Stores within the loop over frames, once optimised.
    fn stores_per_frame(program: &str) -> usize {
        let command = FaustCommand::find().expect("the faust command is installed (cargo xtask setup)");
        let source = Source::inline("apart", &format!("import(\"stdfaust.lib\"); {program}"));
        let closure = gather(&source, None, |_| false).expect("harmless");
        let bitcode = command.bitcode(&closure, ChildLimits::default(), &|| false).expect("compiles");
        let level = CpuLevel::host().expect("a level");
        let checked =
            Checked::read(&bitcode, false, level, Tier::Optimised, &Budget::default()).expect("harmless");
        checked.stores_per_frame()
    }

    #[test]
    fn what_is_carried_from_frame_to_frame_stays_in_registers() {
        // More uses of the state than LLVM looks at by itself.
        let one_channel = stores_per_frame("process = _ <: par(i, 60, fi.pole(0.9 + i / 1000)) :> _;");
        assert_eq!(one_channel, 1, "the channel alone");
        // Lines are apart from everything, and from each other.
        let delays = "process = _ <: par(i, 20, fi.pole(0.9 + i / 1000) : @(100 + hslider(\"d\", 10, 0, 900, 1))) :> _;";
        assert_eq!(stores_per_frame(delays), 21, "the channel, and what each line takes in");
    }
}
