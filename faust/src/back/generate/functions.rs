//! The functions of a program: tables, constants, first state, frames.

use super::build::Build;
use super::frames::Body;
use super::places::Places;
use super::steps::is_kept;
use crate::back::apart::MAX_LINES;
use crate::cpu::Tier;
use crate::error::CompileError;
use crate::front::flags::CLASS;
use krach_faust_lang::program::{Content, Op, Program, Table};
use krach_faust_lang::types::Nature;
use llvm_sys::prelude::*;
use std::collections::BTreeMap;

/// What fills the tables, and how many programs it was made of.
struct Module {
    build: Build,
    tier: Tier,
    /// Tables that are filled once, in their order: the table, what fills it.
    fills: Vec<(LLVMValueRef, LLVMValueRef)>,
    count: usize,
}

/// The functions of one program, and its bytes of state.
struct Functions {
    constants: LLVMValueRef,
    clear: LLVMValueRef,
    compute: LLVMValueRef,
    state: u64,
}

/// Writes a program with all that fills its tables; gives the bytes of state of one instance.
pub(super) fn write(
    context: LLVMContextRef,
    module: LLVMModuleRef,
    program: &Program,
    (stack, tier): (u64, Tier),
) -> Result<u64, CompileError> {
    let build = Build::new(context, module, program.precision, stack);
    let mut module = Module { build, tier, fills: Vec::new(), count: 0 };
    let functions = module.program(program, None)?;
    let build = &module.build;
    let start = build.function(&format!("classInit{CLASS}"), build.void, &[build.int], false);
    for (table, fill) in &module.fills {
        build.call(*fill, &[*table, build.param(start, 0)]);
    }
    build.leave();
    Ok(functions.state)
}

impl Module {
    /// Writes a program: the one that is played, or one that fills a table with this kind of numbers.
    fn program(&mut self, program: &Program, fills: Option<Nature>) -> Result<Functions, CompileError> {
        let places = Places::new(program);
        let name = |entry: &str, count: usize| match fills {
            None => format!("{entry}{CLASS}"),
            Some(_) => format!("{entry}{count}"),
        };
        self.count += 1;
        let count = self.count;
        let own_fills: Vec<Option<LLVMValueRef>> =
            program.own.iter().map(|table| self.fill(table)).collect::<Result<_, _>>()?;
        let mut tables = Vec::new();
        for table in &program.tables {
            let fill = self.fill(table)?;
            let numbers = match &table.content {
                Content::Numbers(numbers) => Some(numbers.as_slice()),
                Content::Program(_) => None,
            };
            let global = self.build.table(table.nature, table.size, numbers);
            self.fills.extend(fill.map(|fill| (global, fill)));
            tables.push(global);
        }
        let waveforms: Vec<LLVMValueRef> = (0..program.waveforms.len())
            .map(|form| {
                let makes = program.steps.iter().find(|step| step.op == Op::Waveform(form as u32));
                let nature = makes.map_or(Nature::Real, |step| step.nature);
                let numbers = &program.waveforms[form].numbers;
                self.build.table(nature, numbers.len() as u32, Some(numbers))
            })
            .collect();
        let build = &self.build;
        let own = fills.is_some();
        let scopes = build.scopes((program.lines.len() + program.own.len()).min(MAX_LINES));
        let body = |function: LLVMValueRef| Body {
            build,
            program,
            places: &places,
            tables: &tables,
            waveforms: &waveforms,
            function,
            state: build.param(function, 0),
            variables: BTreeMap::new(),
            amounts: BTreeMap::new(),
            values: vec![build.int(0); program.steps.len()],
            ins: Vec::new(),
            frame: build.int(0),
            scopes: &scopes,
        };

        let constants =
            build.function(&name("instanceConstants", count), build.void, &[build.pointer, build.int], own);
        let mut constant = body(constants);
        constant.put(places.rate, build.param(constants, 1), Nature::Int);
        constant.run(0..program.controls)?;
        for at in (0..program.controls).filter(|at| is_kept(&program.steps[*at])) {
            let step = program.steps[at];
            if let (Some(place), None) = (places.kept[at], step.when) {
                constant.put(place, constant.values[at], step.nature);
            }
        }
        build.leave();

        let clear = build.function(&name("instanceClear", count), build.void, &[build.pointer], own);
        let mut first = body(clear);
        build.clear(build.offset(first.state, places.signals), places.size - places.signals);
        for (at, widget) in program.ui.widgets.iter().enumerate() {
            first.put(at as u64 * places.real, build.real(widget.range[0]), Nature::Real);
        }
        places.firsts.iter().for_each(|place| first.put(*place, build.int(1), Nature::Int));
        for ((table, at), fill) in program.own.iter().zip(&places.own).zip(own_fills) {
            let to = build.offset(first.state, *at);
            match (&table.content, fill) {
                (_, Some(fill)) => {
                    let rate = first.get(places.rate, Nature::Int);
                    build.call(fill, &[to, rate]);
                }
                (Content::Numbers(numbers), None) => {
                    let wide = if table.nature == Nature::Real { places.real } else { 4 };
                    let from = build.table(table.nature, table.size, Some(numbers));
                    build.copy(to, from, u64::from(table.size) * wide);
                }
                (Content::Program(_), None) => {}
            }
        }
        first.recall()?;
        // What shows a constant has done so before, and was cleared with the rest.
        for at in 0..program.controls {
            if let (Op::Show(widget, _), None) = (program.steps[at].op, program.steps[at].when) {
                first.put(u64::from(widget) * places.real, first.values[at], Nature::Real);
            }
        }
        first.controls()?;
        build.leave();

        let params = [build.pointer, build.int, build.pointer, build.pointer];
        let compute = build.function(&name("compute", count), build.void, &params, own);
        build.part(compute);
        body(compute).frames(fills == Some(Nature::Int), self.tier)?;
        Ok(Functions { constants, clear, compute, state: places.size })
    }

    /// A function that fills the entries of a table at a sampling rate, if a program gives them.
    fn fill(&mut self, table: &Table) -> Result<Option<LLVMValueRef>, CompileError> {
        let Content::Program(program) = &table.content else { return Ok(None) };
        let inner = self.program(program, Some(table.nature))?;
        let build = &self.build;
        let name = format!("fill{}", self.count);
        let fill = build.function(&name, build.void, &[build.pointer, build.int], true);
        let list = build.variable(build.pointer);
        build.store(build.param(fill, 0), list);
        let state = build.own("krach_calloc", &[build.long(1), build.long(inner.state)], build.pointer);
        build.call(inner.constants, &[state, build.param(fill, 1)]);
        build.call(inner.clear, &[state]);
        build.call(inner.compute, &[state, build.int(table.size as i32), list, list]);
        build.own("krach_free", &[state], build.void);
        build.leave();
        Ok(Some(fill))
    }
}
