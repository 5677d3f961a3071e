//! Foreign functions, constants and variables.

use super::lex::Kind;
use super::parse::{Parser, Read};
use super::tree::Foreign;

impl Parser<'_> {
    /// Whether the type that is written here is that of whole numbers.
    fn whole_number(&mut self) -> Read<bool> {
        match self.word() {
            word @ ("int" | "float") => {
                self.step();
                Ok(word == "int")
            }
            _ => self.unexpected("`int` or `float`"),
        }
    }

    fn name(&mut self) -> Read<Box<str>> {
        if self.kind() != Kind::Word {
            return self.unexpected("a name of C");
        }
        let span = self.step();
        Ok(self.slice(span).into())
    }

    /// `<math.h>` or `"mine.h"`.
    fn header(&mut self) -> Read<()> {
        if self.word() != "<" {
            return self.quoted().map(|_| ());
        }
        let start = self.here().start as usize;
        match self.text[start..].find(['>', '\n']) {
            Some(length) if self.text.as_bytes()[start + length] == b'>' => {
                self.step_to((start + length + 1) as u32);
                Ok(())
            }
            _ => self.unexpected("the name of a header, as <math.h>"),
        }
    }

    /// `float sinhf|sinh|sinhl (float), <math.h>, "")`
    pub(super) fn function(&mut self) -> Read<Foreign> {
        let int = self.whole_number()?;
        let mut names = vec![self.name()?];
        while self.eat("|") {
            names.push(self.name()?);
        }
        self.expect("(")?;
        let mut args = Vec::new();
        if !self.eat(")") {
            args.push(self.whole_number()?);
            while self.eat(",") {
                args.push(self.whole_number()?);
            }
            self.expect(")")?;
        }
        self.expect(",")?;
        self.header()?;
        self.expect(",")?;
        self.quoted()?;
        self.expect(")")?;
        Ok(Foreign { names, int, args })
    }

    /// `int fSamplingFreq, <math.h>)`
    pub(super) fn variable(&mut self) -> Read<Foreign> {
        let int = self.whole_number()?;
        let names = vec![self.name()?];
        self.expect(",")?;
        self.header()?;
        self.expect(")")?;
        Ok(Foreign { names, int, args: Vec::new() })
    }
}
