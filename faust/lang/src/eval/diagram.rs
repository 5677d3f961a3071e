//! What is left of functions becomes diagrams whose first inputs are the parameters.

use super::evaluate::Func;
use super::*;

impl Evaluator<'_> {
    /// A value without functions in it.
    pub(super) fn diagram(&mut self, value: BoxId) -> Outcome<BoxId> {
        if !self.boxes.has_closure(value) {
            return Ok(value);
        }
        if let Some(made) = self.diagrams.get(&value) {
            return Ok(*made);
        }
        let (origin, site) = (self.origins.get(&value).copied(), self.site);
        // What is found wrong in a function is told with the place that asked for the function.
        if let Some(Origin { code, via }) = origin {
            self.site = if code.file == FileId(0) { Some(code) } else { via };
        }
        let made = self.deeper(|evaluator| evaluator.diagram_now(value));
        self.site = site;
        let made = made?;
        if let Some(origin) = origin {
            self.origins.entry(made).or_insert(origin);
        }
        self.diagrams.insert(value, made);
        Ok(made)
    }

    fn diagram_now(&mut self, value: BoxId) -> Outcome<BoxId> {
        let code = self.origins.get(&value).map(|origin| origin.code).or(self.at);
        match self.boxes.node(value) {
            Node::Compose(how, a, b) => {
                let (a, b) = (self.diagram(a)?, self.diagram(b)?);
                Ok(self.boxes.add(Node::Compose(how, a, b)))
            }
            Node::Symbolic(slot, body) => {
                let body = self.diagram(body)?;
                Ok(self.boxes.add(Node::Symbolic(slot, body)))
            }
            Node::Group(kind, label, body) => {
                let body = self.diagram(body)?;
                Ok(self.boxes.add(Node::Group(kind, label, body)))
            }
            Node::Closure(func, env, bound) => {
                let slot = self.slot();
                let arg = self.boxes.add(Node::Slot(slot));
                let body = self.bind(func, env, bound, arg)?;
                let body = self.diagram(body)?;
                Ok(self.boxes.add(Node::Symbolic(slot, body)))
            }
            Node::Matcher(func, env, list) => {
                let slot = self.slot();
                let mut args = self.boxes.items(list).to_vec();
                args.push(self.boxes.add(Node::Slot(slot)));
                let code = code.unwrap_or_else(|| self.rule_of(func));
                let body = self.matched(code, func, env, &args)?;
                let body = self.diagram(body)?;
                Ok(self.boxes.add(Node::Symbolic(slot, body)))
            }
            Node::Environment(_) => match code {
                Some(code) => {
                    let text = format!("`{}` is an environment, not a signal", self.files.snippet(code));
                    let fault = Fault::new(self.files.span(code), text);
                    self.raise_fault(code, fault.hint("take one of its definitions with a dot"))
                }
                None => Err(Stop::limit(
                    "an environment is used as a signal".into(),
                    "take one of its definitions",
                )),
            },
            _ => Ok(value),
        }
    }

    fn slot(&mut self) -> u32 {
        self.slots += 1;
        self.slots - 1
    }

    /// The first rule's right side.
    fn rule_of(&self, func: FuncId) -> Code {
        match &self.funcs[func.0 as usize] {
            Func::Case { file, rules } => Code { file: *file, expr: rules[0].body },
            Func::Lambda { body, .. } => *body,
        }
    }
}
