//! What a FAUST text reads and calls: found without compiling, so that it can be refused before.
//!
//! FAUST's strings have no escapes and may span lines; comments are `//` and `/* */`. A `<mdoc>`
//! section switches its lexer into another state, which would let text hide from this one: FAUST never
//! sees them ([`without_docs`]).

use std::ops::Range;
use std::str::CharIndices;

/// A file that a text names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Import {
    pub(super) path: String,
    pub(super) line: u32,
    pub(super) column: u32,
}

/// Something that programs may not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) line: u32,
    pub(super) column: u32,
    pub(super) text: String,
    pub(super) hint: &'static str,
}

/// Words by which a text reaches outside.
const READING: [&str; 7] =
    ["import", "library", "component", "ffunction", "fconstant", "fvariable", "soundfile"];

/// Foreign constants and variables that FAUST's libraries use: the sample rate and the block size.
const FOREIGN_VALUES: [&str; 3] = ["fSamplingFreq", "fSamplingRate", "count"];

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(String),
    Mark(char),
}

struct Placed {
    token: Token,
    line: u32,
    column: u32,
}

/// The files that `text` imports, or the first thing in it that is refused. `may_call` says which
/// foreign functions are allowed.
pub(super) fn scan(text: &str, may_call: fn(&str) -> bool) -> Result<Vec<Import>, Refusal> {
    let (tokens, _) = tokens(text)?;
    let mut imports = Vec::new();
    for (at, placed) in tokens.iter().enumerate() {
        let Token::Word(word) = &placed.token else { continue };
        let opened = matches!(tokens.get(at + 1), Some(Placed { token: Token::Mark('('), .. }));
        let refuse = |text: String, hint| Refusal { line: placed.line, column: placed.column, text, hint };
        match word.as_str() {
            "import" | "library" | "component" => {
                let Some(Placed { token: Token::Text(path), line, column }) = tokens.get(at + 2) else {
                    continue; // a syntax error: FAUST says it better
                };
                if !opened {
                    continue;
                }
                check_path(path).map_err(|(text, hint)| Refusal {
                    line: *line,
                    column: *column,
                    text: format!("{word}(\"{path}\") {text}"),
                    hint,
                })?;
                imports.push(Import { path: path.clone(), line: *line, column: *column });
            }
            "ffunction" => {
                let names = foreign_names(&tokens[at + 1..]);
                if names.is_empty() || names.iter().any(|name| !may_call(name)) {
                    let names = names.join("|");
                    return Err(refuse(
                        format!("the foreign function {names} is not one that programs may call"),
                        "only the maths functions that FAUST's libraries use are",
                    ));
                }
            }
            "fconstant" | "fvariable" => {
                let name = match tokens.get(at + 3) {
                    Some(Placed { token: Token::Word(name), .. }) if opened => name.as_str(),
                    _ => "",
                };
                if !FOREIGN_VALUES.contains(&name) {
                    return Err(refuse(
                        format!("the foreign value {name} is not one that programs may read"),
                        "ma.SR is the sample rate",
                    ));
                }
            }
            "soundfile" if opened => {
                return Err(refuse(
                    "soundfile reads files, which programs may not".to_owned(),
                    "use waveform or rdtable",
                ));
            }
            _ => {}
        }
    }
    Ok(imports)
}

fn check_path(path: &str) -> Result<(), (&'static str, &'static str)> {
    const INSIDE: &str = "name a file inside the library folders";
    if path.contains("://") || path.starts_with("file:") {
        return Err(("opens an address, which programs may not", "save the file in a library folder"));
    }
    if path.is_empty() || path.contains(['\\', '\0', '\n', '\r', ':']) {
        return Err(("does not name a file", INSIDE));
    }
    if path.starts_with(['/', '~']) {
        return Err(("names a file by its absolute path", INSIDE));
    }
    if path.split('/').any(|part| matches!(part, ".." | "." | "")) {
        return Err(("leaves its folder", INSIDE));
    }
    Ok(())
}

/// The names in `( type a|b|c (`; empty if that is not what stands there.
fn foreign_names(tokens: &[Placed]) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = tokens.iter().map(|placed| &placed.token);
    if rest.next() != Some(&Token::Mark('(')) || !matches!(rest.next(), Some(Token::Word(_))) {
        return names;
    }
    loop {
        match rest.next() {
            Some(Token::Word(name)) => names.push(name.clone()),
            _ => return Vec::new(),
        }
        match rest.next() {
            Some(Token::Mark('|')) => {}
            Some(Token::Mark('(')) => return names,
            _ => return Vec::new(),
        }
    }
}

/// The text with its `<mdoc>` sections, which are for printing, as white space.
pub(super) fn without_docs(text: &str) -> String {
    let Ok((_, docs)) = tokens(text) else { return text.to_owned() };
    let mut left = String::with_capacity(text.len());
    let mut end = 0;
    for doc in docs {
        left.push_str(&text[end..doc.start]);
        left.extend(text[doc.clone()].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        end = doc.end;
    }
    left.push_str(&text[end..]);
    left
}

struct Cursor<'a> {
    text: &'a str,
    chars: std::iter::Peekable<CharIndices<'a>>,
    line: u32,
    column: u32,
}

impl Cursor<'_> {
    fn next(&mut self) -> Option<char> {
        let (_, c) = self.chars.next()?;
        if c == '\n' {
            self.line += 1;
            self.column = 0;
        } else {
            self.column += 1;
        }
        Some(c)
    }

    fn peek(&mut self) -> Option<char> {
        self.chars.peek().map(|&(_, c)| c)
    }

    /// Where the next character is.
    fn at(&mut self) -> usize {
        self.chars.peek().map_or(self.text.len(), |&(at, _)| at)
    }

    fn skip_to(&mut self, end: usize) {
        while self.at() < end {
            self.next();
        }
    }
}

/// The tokens of a text, and where its `<mdoc>` sections are.
fn tokens(text: &str) -> Result<(Vec<Placed>, Vec<Range<usize>>), Refusal> {
    const OPEN: &str = "<mdoc>";
    const CLOSE: &str = "</mdoc>";
    let mut cursor = Cursor { text, chars: text.char_indices().peekable(), line: 1, column: 0 };
    let (mut tokens, mut docs): (Vec<Placed>, Vec<Range<usize>>) = (Vec::new(), Vec::new());
    let mut last = ' ';
    while let Some(c) = cursor.next() {
        let (line, column) = (cursor.line, cursor.column);
        let before = std::mem::replace(&mut last, c);
        let token = match c {
            '/' if cursor.peek() == Some('/') => {
                // FAUST ends the line at a carriage return too.
                while cursor.peek().is_some_and(|c| !matches!(c, '\n' | '\r')) {
                    cursor.next();
                }
                continue;
            }
            '/' if cursor.peek() == Some('*') => {
                cursor.next();
                let mut before = ' ';
                while let Some(c) = cursor.next() {
                    if before == '*' && c == '/' {
                        break;
                    }
                    before = c;
                }
                last = ' ';
                continue;
            }
            '"' => {
                let mut inside = String::new();
                while let Some(c) = cursor.next() {
                    if c == '"' {
                        break;
                    }
                    inside.push(c);
                }
                Token::Text(inside)
            }
            c if c.is_ascii_alphabetic() || c == '_' => {
                let mut word = String::from(c);
                while let Some(c) = cursor.peek().filter(|c| c.is_ascii_alphanumeric() || *c == '_') {
                    cursor.next();
                    word.push(c);
                }
                // `1e5import`: where a number ends is FAUST's to say, so the worst is assumed.
                if (before.is_ascii_digit() || before == '.')
                    && let Some(inside) = READING.iter().find(|reading| word.ends_with(**reading))
                {
                    word = (*inside).to_owned();
                }
                let opened = matches!(tokens.last(), Some(Placed { token: Token::Mark('<'), .. }));
                if word == "mdoc" && opened {
                    let start = cursor.at().wrapping_sub(OPEN.len() - 1);
                    let end = text
                        .get(start..)
                        .filter(|rest| rest.starts_with(OPEN))
                        .and_then(|rest| rest.find(CLOSE).map(|end| start + end + CLOSE.len()));
                    let Some(end) = end else {
                        return Err(Refusal {
                            line,
                            column,
                            text: "an <mdoc> section without its </mdoc>".to_owned(),
                            hint: "write // comments instead",
                        });
                    };
                    tokens.pop();
                    cursor.skip_to(end);
                    docs.push(start..end);
                    last = ' ';
                    continue;
                }
                Token::Word(word)
            }
            c if c.is_whitespace() => continue,
            c => Token::Mark(c),
        };
        tokens.push(Placed { token, line, column });
    }
    Ok((tokens, docs))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sinh_only(name: &str) -> bool {
        matches!(name, "sinhf" | "sinh" | "sinhl")
    }

    #[test]
    fn imports_are_found_behind_comments_and_strange_spacing() {
        let found = scan(
            "// import(\"no.lib\");\nimport ( /* here */ \"a.lib\" ) ;\nx = library(\"sub/b.lib\");/* import(\"no\") */ c = component(\"c.dsp\").process; s = \"import(\";",
            sinh_only,
        )
        .expect("harmless");
        let paths: Vec<_> = found.iter().map(|import| import.path.as_str()).collect();
        assert_eq!(paths, ["a.lib", "sub/b.lib", "c.dsp"]);
        assert_eq!((found[0].line, found[0].column), (2, 21));
    }

    #[test]
    fn addresses_and_ways_out_of_the_folder_are_refused_where_they_stand() {
        for path in
            ["http://x.org/a.lib", "file:a", "/etc/passwd", "../a.lib", "a/../../b", "~/a", "", "c:/a"]
        {
            for word in ["import", "library", "component"] {
                let refusal = scan(&format!("\n x = {word}(\"{path}\");"), sinh_only).expect_err(path);
                assert_eq!(refusal.line, 2, "{word} {path}");
            }
        }
    }

    #[test]
    fn only_known_foreign_functions_and_values_pass() {
        assert!(scan("f = ffunction(float sinhf|sinh|sinhl (float), <math.h>, \"\");", sinh_only).is_ok());
        assert!(scan("SR = fconstant(int fSamplingFreq, <math.h>);", sinh_only).is_ok());
        for text in [
            "f = ffunction(float system(float),<stdlib.h>,\"\");",
            "f = ffunction(float sinhf|system(float),<stdlib.h>,\"\");",
            "f = ffunction /**/ ( float system (float),<stdlib.h>,\"\");",
            "f = ffunction;",
            "v = fvariable(int environ, <unistd.h>);",
            "v = fconstant(int errno, <errno.h>);",
            "s = soundfile(\"a[url:{'/etc/passwd'}]\", 2);",
            "<mdoc> \" </mdoc> import(\"http://x\");",
            "<mdoc> import(\"http://x\");",
            "< mdoc> </mdoc>",
            "<mdoc",
            "// hidden\rimport(\"http://x\");",
            "process = 1e5component(\"/etc/passwd\");",
            "process = 1.component(\"/etc/passwd\");",
            "/**/import(\"/etc/passwd\");",
        ] {
            assert!(scan(text, sinh_only).is_err(), "{text}");
        }
    }

    #[test]
    fn faust_never_sees_what_is_for_printing() {
        let text = "a = 1; // <mdoc>\n<mdoc>é \" <equation>import(\"http://x\")</equation>\n</mdoc>b = \"<mdoc>\";\n<mdoc></mdoc>c";
        assert_eq!(scan(text, sinh_only), Ok(Vec::new()));
        let left = without_docs(text);
        assert_eq!(
            left.split_whitespace().collect::<Vec<_>>(),
            ["a", "=", "1;", "//", "<mdoc>", "b", "=", "\"<mdoc>\";", "c"]
        );
        assert_eq!(left.lines().count(), text.lines().count(), "places stay where they are");
    }
}
