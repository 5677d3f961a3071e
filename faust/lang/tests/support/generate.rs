//! Programs by chance: every one fits together, and none runs away.
#![allow(dead_code, reason = "each test program uses its part")]

use super::Random;

/// Writes programs.
pub struct Writer {
    random: Random,
    /// Names of signals that can be used here.
    names: Vec<String>,
    count: usize,
}

const NUMBERS: &[&str] = &["0", "1", "2", "3", "-1", "0.5", "0.25", "-0.7", "1.5", "7"];
/// One in, one out.
const ONE: &[&str] = &[
    "_",
    "sin",
    "cos",
    "atan",
    "abs",
    "floor",
    "ceil",
    "rint",
    "mem",
    "@(3)",
    "*(0.5)",
    "+(0.3)",
    "-(0.2)",
    "/(3)",
    "min(0.4)",
    "max(-0.4)",
    ">(0.1)",
    "<(0)",
    "*(8) : int",
    "*(9) : int : %(4)",
    "*(9) : int : &(5)",
    "*(7) : int : >>(1)",
    "_'",
    "abs : sqrt",
    "abs : +(1) : log",
    "max(-2) : min(2) : exp",
    "*(4) : int : xor(3)",
    "^(2)",
    "prefix(0.5)",
    "float",
];
/// Two in, one out.
const TWO: &[&str] = &[
    "+",
    "-",
    "*",
    "min",
    "max",
    "<",
    ">=",
    "!=",
    "atan2",
    "_, (abs : min(6) : int) : @",
    "attach",
    "int, int : &",
    "int, int : |",
    "\\(x, y).(x - y * 0.5)",
    "_, _ <: (+ : *(0.5)), (- : *(0.5)) : +",
    "swap",
    "mix(0.3)",
    "(_, *(10) : _, int) : \\(a, b).(select2(b > 2, a, b))",
];

impl Writer {
    /// A writer whose programs follow from a number.
    pub fn new(seed: u64) -> Self {
        Self {
            random: Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x1234_5678),
            names: Vec::new(),
            count: 0,
        }
    }

    fn pick(&mut self, from: &[&str]) -> String {
        from[self.random.below(from.len())].to_owned()
    }

    fn name(&mut self, kind: &str) -> String {
        self.count += 1;
        format!("{kind}{}", self.count)
    }

    /// A program.
    pub fn program(&mut self) -> String {
        let (ins, outs) = (self.random.below(3), 1 + self.random.below(2));
        let body = self.expression(ins, outs, 5);
        format!(
            "swap(x, y) = y, x : -;\nmix(a, x, y) = x * a + y * (1 - a);\nclip = max(-1) : min(1);\n\
             rep(0) = _;\nrep(n) = rep(n - 1) : *(0.5) : +(n * 0.01);\nprocess = {body};\n"
        )
    }

    /// An expression with so many inputs and outputs.
    fn expression(&mut self, ins: usize, outs: usize, depth: usize) -> String {
        if depth == 0 {
            return self.leaf(ins, outs);
        }
        let next = depth - 1;
        match self.random.below(12) {
            0 | 1 => {
                let middle = 1 + self.random.below(3);
                format!("({} : {})", self.expression(ins, middle, next), self.expression(middle, outs, next))
            }
            2 | 3 if outs > 1 => {
                let (left, first) = (self.random.below(ins + 1), 1 + self.random.below(outs - 1));
                let right = self.expression(ins - left, outs - first, next);
                format!("({}, {right})", self.expression(left, first, next))
            }
            4 => {
                let (few, times) = (1 + self.random.below(2), 1 + self.random.below(3));
                format!(
                    "({} <: {})",
                    self.expression(ins, few, next),
                    self.expression(few * times, outs, next)
                )
            }
            5 => {
                let (few, times) = (1 + self.random.below(2), 1 + self.random.below(3));
                format!(
                    "({} :> {})",
                    self.expression(ins, few * times, next),
                    self.expression(few, outs, next)
                )
            }
            6 => {
                let (back, fed) = (1 + self.random.below(2), 1 + self.random.below(outs));
                let inner = self.expression(ins + back, outs, next);
                let clips = vec!["clip"; outs].join(", ");
                format!(
                    "(({inner} : ({clips})) ~ ({} : par(i, {back}, *(0.3))))",
                    self.expression(fed, back, next)
                )
            }
            7 => {
                let name = self.name("v");
                let value = self.expression(0, 1, next);
                self.names.push(name.clone());
                let body = self.expression(ins, outs, next);
                self.names.pop();
                format!("({body} with {{ {name} = {value}; }})")
            }
            8 if ins > 0 => {
                let name = self.name("p");
                self.names.push(name.clone());
                let body = self.expression(ins - 1, outs, next);
                self.names.pop();
                format!("\\({name}).({body})")
            }
            9 => {
                let name = self.name("r");
                self.names.push(name.clone());
                let right = self.expression(0, 1, next);
                let body = self.expression(ins, outs, next);
                self.names.pop();
                format!("({body} letrec {{ '{name} = {right} : *(0.4) : clip; }})")
            }
            10 => {
                let name = self.name("f");
                let (param, guard) = (self.name("p"), self.random.below(3));
                self.names.push(param.clone());
                let rest = self.expression(0, 1, next);
                self.names.pop();
                let call = self.expression(0, 1, 0);
                let body = self.expression(ins + 1, outs, next);
                format!("({name}({call}), par(i, {ins}, _) : {body} with {{ {name}({guard}) = 0.75; {name}({param}) = {rest}; }})")
                    .replace(", par(i, 0, _)", "")
            }
            _ => self.leaf(ins, outs),
        }
    }

    fn leaf(&mut self, ins: usize, outs: usize) -> String {
        if outs > 1 {
            let left = self.random.below(ins + 1);
            return format!("({}, {})", self.leaf(left, 1), self.leaf(ins - left, outs - 1));
        }
        match ins {
            0 => match self.random.below(8) {
                0 if !self.names.is_empty() => self.names[self.random.below(self.names.len())].clone(),
                1 if !self.names.is_empty() => self.names[self.names.len() - 1].clone(),
                2 => {
                    let number = self.random.below(4);
                    format!("hslider(\"s{number}\", 0.{number}, -1, 1, 0.01)")
                }
                3 => "(1 : + ~ _ : *(0.01) : sin)".into(),
                4 => "(waveform{1, -2.5, 3, 0.5} : !, _)".into(),
                5 => "rdtable(8, (1 : + ~ _ : *(0.1)), (1 : + ~ _ : %(11)))".into(),
                6 => "rwtable(5, 0.0, (1 : + ~ _ : %(5)), (1 : + ~ _ : *(0.02) : cos), (2 : + ~ _ : %(7)))"
                    .into(),
                _ => self.pick(NUMBERS),
            },
            1 => match self.random.below(4) {
                0 => format!("rep({})", self.random.below(4)),
                _ => format!("({})", self.pick(ONE)),
            },
            2 => format!("({})", self.pick(TWO)),
            _ => format!(
                "(({}, {}) : {})",
                self.leaf(2, 1),
                self.leaf(ins - 2, 1),
                self.pick(&["+", "-", "*"])
            ),
        }
    }
}
