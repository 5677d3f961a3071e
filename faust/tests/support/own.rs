//! Programs of the compiler of our own: made by it, played by its interpreter, and by what LLVM makes of them.
#![allow(dead_code, reason = "each test file uses its part")]

use super::{RATE, channels, flushed, noise, play};
use krach_core::node::{Change, ControlKind, CreateContext, NodeType};
use krach_faust::{Budget, CompileError, CpuLevel, FaustType, Object, Tier};
use krach_faust_lang::interpret::{Instance, Number};
use krach_faust_lang::program::Program;
use krach_faust_lang::signal::WidgetKind;
use krach_faust_lang::{Compiler, Limits, Precision, Shelf, Text, Texts};
use std::path::Path;
use std::sync::Arc;

/// Texts from the folder of the text that imports them, then FAUST's own libraries.
struct Folders<'a>(&'a Path);

impl Texts for Folders<'_> {
    fn find(&mut self, name: &str, from: &str) -> Result<Option<Text>, String> {
        let beside = Path::new(from).parent().map(|folder| folder.join(name));
        let place = beside.into_iter().chain([self.0.join(name)]).find(|path| path.is_file());
        place.map(|path| read(&path)).transpose()
    }
}

fn read(path: &Path) -> Result<Text, String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    Ok(Text { name: path.display().to_string(), text: String::from_utf8_lossy(&bytes).into() })
}

/// A file as a program.
pub fn program_of(shelf: &Shelf, path: &Path, precision: Precision) -> Result<Program, String> {
    program_from(shelf, read(path)?, precision)
}

/// A text as a program.
pub fn program_from(shelf: &Shelf, text: Text, precision: Precision) -> Result<Program, String> {
    let compiler = Compiler { shelf, limits: Limits::default(), precision, cancelled: &|| false };
    let command = super::command();
    compiler.compile(text, &mut Folders(command.libraries())).map_err(|error| error.to_string())
}

/// What the interpreter plays with open gates and noise at the inputs.
pub fn interpreted(program: &Program, frames: usize) -> Vec<Vec<f32>> {
    flushed(|| match program.precision {
        Precision::Single => interpreted_as::<f32>(program, frames),
        Precision::Double => interpreted_as::<f64>(program, frames),
    })
}

fn interpreted_as<F: Number>(program: &Program, frames: usize) -> Vec<Vec<f32>> {
    let mut instance = Instance::<F>::new(program, RATE as u32);
    for (value, widget) in instance.widgets.iter_mut().zip(&program.ui.widgets) {
        let is_gate = widget.label == "gate";
        match widget.kind {
            WidgetKind::Button => *value = F::from_f64(1.0),
            WidgetKind::Checkbox if is_gate => *value = F::from_f64(1.0),
            WidgetKind::Slider(_) if is_gate => {
                *value = F::from_f64(1f64.max(widget.range[1]).min(widget.range[2]));
            }
            // Hosts give controls 32 bits.
            _ => *value = F::from_f64(f64::from(widget.range[0] as f32)),
        }
    }
    instance.controls();
    let inputs: Vec<Vec<f32>> = (0..program.inputs as usize).map(|channel| noise(frames, channel)).collect();
    let mut sound = vec![vec![0.0; frames]; program.outputs.len()];
    let zero = F::from_f64(0.0);
    let (mut given, mut got) = (vec![zero; inputs.len()], vec![zero; sound.len()]);
    for frame in 0..frames {
        given.iter_mut().zip(&inputs).for_each(|(value, input)| *value = F::from_f64(input[frame].into()));
        instance.frame(&given, &mut got);
        sound.iter_mut().zip(&got).for_each(|(channel, value)| channel[frame] = value.to_f64() as f32);
    }
    sound
}

/// What the machine code of a program plays, with the same controls and inputs, in blocks of so many frames.
pub fn emitted(
    program: &Program,
    to: (CpuLevel, Tier),
    block: usize,
    frames: usize,
) -> Result<Vec<Vec<f32>>, CompileError> {
    let object = Object::from_program("own", program, to, &Budget::default())?;
    let ty = FaustType::new(Arc::new(object))?;
    let context = CreateContext { sample_rate: RATE, max_frames: 4096 };
    let mut node = ty.create(&context).map_err(|error| CompileError::Code(error.0))?;
    for (at, control) in ty.decl().controls.iter().enumerate() {
        if control.kind == ControlKind::Gate {
            node.set(at, Change { value: 1.0, ramp: 0 });
        }
    }
    let inputs: Vec<Vec<f32>> = (0..channels(&ty.decl().inputs)).map(|at| noise(frames, at)).collect();
    let mut sound = vec![vec![0.0; frames]; channels(&ty.decl().outputs)];
    play(&ty, &mut *node, block, &inputs, (0, frames), &mut sound);
    Ok(sound)
}

/// The first frame at which two sounds are not the same to the bit; what is no number is the same as any other such.
pub fn parts_at(a: &[Vec<f32>], b: &[Vec<f32>]) -> Option<usize> {
    if a.len() != b.len() {
        return Some(0);
    }
    let same = |a: f32, b: f32| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
    a.iter().zip(b).filter_map(|(a, b)| a.iter().zip(b).position(|(a, b)| !same(*a, *b))).min()
}
