//! One definition per equation.

use super::bounds::{self, ANY, Bounds};
use super::noise::Noises;
use krach_core::ir::dsp::{
    DspGraph, Equation, MAX_DELAY, Params, Primitive, Signal, TemplatePart, template_parts,
};
use krach_core::node::Scale;
use std::collections::HashMap;
use std::fmt::Write;

/// What is written, and where in it each equation is.
#[derive(Default)]
pub(super) struct Page {
    pub noises: Noises,
    pub text: String,
    /// First byte of each equation's definition, and the equation's path in the graph.
    pub places: Vec<(usize, String)>,
}

/// The names of one graph's signals.
pub(super) struct Scope {
    prefix: String,
    /// Bounds of signals from outside.
    known: HashMap<u64, Bounds>,
}

/// Which of a pair.
const SIDES: [&str; 2] = ["l", "r"];

impl Scope {
    pub fn new(prefix: &str, known: HashMap<u64, Bounds>) -> Self {
        Self { prefix: prefix.to_owned(), known }
    }

    /// The names of a signal's channels.
    pub fn channels(&self, s: &Signal) -> Vec<String> {
        match s.channels {
            1 => vec![format!("{}{}", self.prefix, s.id)],
            _ => SIDES.iter().map(|side| format!("{}{}{side}", self.prefix, s.id)).collect(),
        }
    }

    /// The name that stands for a signal where channel `side` of a result is made.
    fn channel(&self, s: &Signal, side: usize) -> String {
        let mut names = self.channels(s);
        let side = side.min(names.len() - 1);
        names.swap_remove(side)
    }

    /// Writes the definitions of a graph's equations.
    pub fn write(&self, graph: &DspGraph, place: &str, depth: usize, page: &mut Page) {
        let mut known = self.known.clone();
        for (i, e) in graph.equations.iter().enumerate() {
            let place = format!("{place}.equations[{i}]");
            page.places.push((page.text.len(), place.clone()));
            self.define(e, &known, &place, depth, page);
            let inputs: Vec<Bounds> =
                e.inputs.iter().map(|s| known.get(&s.id).copied().unwrap_or(ANY)).collect();
            known.insert(e.outputs[0].id, bounds::of(e, &inputs));
        }
    }

    fn define(&self, e: &Equation, known: &HashMap<u64, Bounds>, place: &str, depth: usize, page: &mut Page) {
        let output = &e.outputs[0];
        let indent = "  ".repeat(depth);
        let names = self.channels(output);
        let whole = format!("{}{}", self.prefix, output.id);
        if let (Primitive::Feedback, Params::Feedback { body_graph, feedback_input_index, .. }) =
            (e.primitive.name, &e.params)
        {
            let name = if names.len() == 1 { whole.clone() } else { format!("{whole}_all") };
            let _ = write!(page.text, "{indent}{name} = ");
            let place = format!("{place}.params.body_graph");
            self.feedback(e, body_graph, *feedback_input_index as usize, known, &place, depth, page);
            if names.len() == 2 {
                let _ = writeln!(
                    page.text,
                    "{indent}{whole}l = {name} : _, !;\n{indent}{whole}r = {name} : !, _;"
                );
            }
            return;
        }
        let two_at_once = e.primitive.name == Primitive::FaustExpr
            && names.len() == 2
            && e.inputs.iter().all(|s| s.channels == 1);
        if two_at_once {
            let expression = self.expression(e, 0, known, &mut page.noises);
            let _ = writeln!(
                page.text,
                "{indent}{whole}_all = {expression};\n{indent}{whole}l = {whole}_all : _, !;\n{indent}{whole}r = {whole}_all : !, _;"
            );
            return;
        }
        for (side, name) in names.iter().enumerate() {
            let expression = self.expression(e, side, known, &mut page.noises);
            let _ = writeln!(page.text, "{indent}{name} = {expression};");
        }
    }

    fn expression(
        &self,
        e: &Equation,
        side: usize,
        known: &HashMap<u64, Bounds>,
        noises: &mut Noises,
    ) -> String {
        let arg = |i: usize| self.channel(&e.inputs[i], side);
        let infix = |op: &str| format!("{} {op} {}", arg(0), arg(1));
        let truth = |op: &str| format!("float({} {op} {})", arg(0), arg(1));
        let call = |name: &str| {
            let args: Vec<String> = (0..e.inputs.len()).map(arg).collect();
            format!("{name}({})", args.join(", "))
        };
        let index =
            |i: usize, size: usize| format!("int(max(0.0, min({:?}, {})))", (size - 1) as f64, arg(i));
        use Primitive::*;
        match (e.primitive.name, &e.params) {
            (Add, _) => infix("+"),
            (Sub, _) => infix("-"),
            (Mul, _) => infix("*"),
            (Div, _) => infix("/"),
            (Mod | Fmod, _) => call("fmod"),
            (Const, Params::Const { value }) => number(*value),
            (Mem, _) => format!("{}'", arg(0)),
            (Delay, _) => delay(&arg(0), &arg(1), known.get(&e.inputs[1].id).copied().unwrap_or(ANY)),
            (Sr, _) => "float(ma.SR)".to_owned(),
            (Rwtable, Params::Rwtable { size }) => {
                let size = *size as usize;
                format!("rwtable({size}, {}, {}, {}, {})", arg(0), index(1, size), arg(2), index(3, size))
            }
            (Rdtable, Params::Rdtable { data }) => {
                let entries: Vec<String> = data.iter().map(|x| format!("{x:?}")).collect();
                format!("(waveform {{{}}}, {}) : rdtable", entries.join(", "), index(0, data.len()))
            }
            (Round, _) => call("rint"),
            (
                Sin | Cos | Tan | Asin | Acos | Atan | Exp | Log | Log10 | Sqrt | Abs | Floor | Ceil | Min
                | Max | Pow | Remainder | Atan2,
                _,
            ) => call(e.primitive.name.name()),
            (Gt, _) => truth(">"),
            (Lt, _) => truth("<"),
            (Ge, _) => truth(">="),
            (Le, _) => truth("<="),
            (Eq, _) => truth("=="),
            (Ne, _) => truth("!="),
            (Select2, _) => format!("select2(int({}), {}, {})", arg(0), arg(1), arg(2)),
            (Control, Params::Control { name, init, lo, hi, step, unit, scale }) => {
                let [init, lo, hi, step] = [init, lo, hi, step].map(|x| number(*x));
                let smooth = if is_gate(name) { "" } else { " : si.smoo" };
                let unit = if unit.is_empty() { String::new() } else { format!("[unit:{unit}]") };
                let scale = match scale {
                    Scale::Linear => "",
                    Scale::Log => "[scale:log]",
                    Scale::Exp => "[scale:exp]",
                };
                format!("hslider(\"{name}{unit}{scale}\", {init}, {lo}, {hi}, {step}){smooth}")
            }
            (FaustExpr, Params::FaustExpr { template }) => {
                let parts = template_parts(template).into_iter().map(|part| match part {
                    TemplatePart::Text(text) => text.to_owned(),
                    TemplatePart::Input(i) => arg(i),
                });
                let filled = noises.rename(&parts.collect::<String>());
                let pair = e.outputs[0].channels == 2 && e.inputs.iter().all(|s| s.channels == 1);
                if pair { format!("({filled})") } else { format!("({filled}) : float") }
            }
            (name, _) => unreachable!("{} has other parameters: the graph was not checked", name.name()),
        }
    }

    /// `(free) : (body ~ back) : drop` with the body as a function of what is fed back and of the free
    /// signals. (Were it to refer to them by name, FAUST would go through all that they are made of
    /// once for every loop: twice as long with each.)
    #[expect(clippy::too_many_arguments, reason = "the fields of one case of an enum")]
    fn feedback(
        &self,
        e: &Equation,
        body: &DspGraph,
        fed_back: usize,
        known: &HashMap<u64, Bounds>,
        place: &str,
        depth: usize,
        page: &mut Page,
    ) {
        let whole = format!("{}{}", self.prefix, e.outputs[0].id);
        let mut inner = Self::new(&format!("{whole}_"), HashMap::new());
        let mut outside = e.inputs.iter();
        let (mut arguments, mut given) = (inner.channels(&body.inputs[fed_back]), Vec::new());
        for (i, s) in body.inputs.iter().enumerate() {
            if i == fed_back {
                continue;
            }
            let Some(free) = outside.next() else { continue };
            if let Some(&bounds) = known.get(&free.id) {
                inner.known.insert(s.id, bounds);
            }
            arguments.extend(inner.channels(s));
            given.extend(self.channels(free));
        }
        let heard = inner.channels(&body.outputs[0]);
        let back = inner.channels(body.outputs.last().expect("one output at least"));
        let wires = vec!["_"; back.len()].join(", ");
        let (results, drop) = if body.outputs.len() == 1 {
            (heard, String::new())
        } else {
            let keep = vec!["_"; heard.len()].join(", ");
            let lose = vec!["!"; back.len()].join(", ");
            ([back, heard].concat(), format!(" : {lose}, {keep}"))
        };
        let outer = "  ".repeat(depth + 1);
        let from = if given.is_empty() { String::new() } else { format!("({}) : ", given.join(", ")) };
        let _ = write!(
            page.text,
            "{from}({whole}_body ~ ({wires})){drop} with {{\n{outer}{whole}_body({}) = {} with {{\n",
            arguments.join(", "),
            results.join(", "),
        );
        inner.write(body, place, depth + 2, page);
        let _ = writeln!(page.text, "{outer}}};\n{}}};", "  ".repeat(depth));
    }
}

/// `signal` some samples ago. A constant number is FAUST's own delay. For another, FAUST would have to know
/// its bounds, and believes what it cannot know: so that is a ring that is written and read.
fn delay(signal: &str, samples: &str, (least, most): Bounds) -> String {
    let whole = |x: f64| x.clamp(0.0, 1e9) as u32;
    if whole(least) == whole(most) {
        return format!("{signal} @ {}", whole(least));
    }
    let most = whole(most).min(MAX_DELAY);
    let size = (most + 1).next_power_of_two();
    let mask = size - 1;
    format!(
        "rwtable({size}, 0.0, ring({mask}), {signal}, (ring({mask}) - int(max(0.0, min({most}.0, {samples})))) & {mask})"
    )
}

/// The shortest text that is read back as this very number, as an expression of its own.
fn number(x: f64) -> String {
    if x < 0.0 { format!("({x:?})") } else { format!("{x:?}") }
}

/// Controls that open notes are not smoothed.
fn is_gate(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["gate", "trig"].iter().any(|word| name.contains(word))
}
