//! What the `faust` command says when it is not content, as file, line, column and text.
//!
//! It says `file : line : ERROR : text`, `ERROR : text` or `ERROR text`, sometimes with more lines of
//! detail; never a column. Where it names a symbol, the column is found in the text.

use crate::error::Diagnostic;

/// Longest text that is kept.
const LONGEST: usize = 600;

/// The first complaint in `said`; `text_of` hands out the text of a file by its name.
pub(super) fn parse(said: &str, main: &str, text_of: &dyn Fn(&str) -> Option<String>) -> Option<Diagnostic> {
    let start = said.find("ERROR")?;
    let line_start = said[..start].rfind('\n').map_or(0, |at| at + 1);
    let mut place = said[line_start..start].rsplit(':').map(str::trim).skip(1);
    let line = place.next().and_then(|number| number.parse().ok());
    // Of what is nowhere in the text it says that it is in `????`.
    let file = place.next().filter(|file| !file.is_empty() && *file != "????").unwrap_or(main);
    let file = file.rsplit('/').next().unwrap_or(file).to_owned();
    let rest = said[start + "ERROR".len()..].trim_start_matches([' ', ':']);
    let words: Vec<&str> = rest.split_whitespace().collect();
    let mut text = words.join(" ");
    if let Some((end, _)) = text.char_indices().nth(LONGEST) {
        text.truncate(end);
        text.push('…');
    }
    let symbol = text.split_once("undefined symbol : ").map(|(_, symbol)| symbol.trim().to_owned());
    let column = match (&symbol, line) {
        (Some(symbol), Some(line)) => text_of(&file).and_then(|text| column_of(&text, line, symbol)),
        _ => None,
    };
    let hint = hint(&text);
    Some(Diagnostic { line, column, hint, ..Diagnostic::new(file, text) })
}

fn column_of(text: &str, line: u32, symbol: &str) -> Option<u32> {
    let line = text.lines().nth(line.checked_sub(1)? as usize)?;
    let word = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(symbol)
        .find(|(at, _)| !line[..*at].ends_with(word) && !line[at + symbol.len()..].starts_with(word))
        .map(|(at, _)| line[..at].chars().count() as u32 + 1)
}

fn hint(text: &str) -> Option<String> {
    let hint = if text.ends_with("undefined symbol : process") {
        "a program says what it plays: process = …;"
    } else if text.contains("too much arguments") {
        "what stands before the parentheses takes fewer inputs than are given: leave some out, or see its definition"
    } else if text.contains("not a constant expression") {
        "counts of par, seq and sum, delays' limits and ranges of sliders are numbers, not signals"
    } else if text.contains("undefined symbol") {
        "is import(\"stdfaust.lib\"); at the top, and the name complete (os.osc, fi.lowpass)?"
    } else if text.contains("syntax error") {
        "look at the end of the definition before: is its ; there?"
    } else if text.contains("sequential composition") {
        "the outputs before : must match the inputs after it"
    } else if text.contains("split composition") || text.contains("merge composition") {
        "one side's channels must be a multiple of the other's"
    } else if text.contains("recursive composition") {
        "in A~B, B takes at most A's outputs and gives at most A's inputs"
    } else if text.contains("unable to open file") {
        "files are looked for beside the program, then in FAUST's libraries"
    } else {
        "look at that line, and at the definitions that it uses"
    };
    Some(hint.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_with_a_place_keeps_it_and_the_symbol_gives_the_column() {
        let text = |_: &str| Some("a = 1;\nprocess = food + foo;\n".to_owned());
        let found =
            parse("bass.dsp : 2 : ERROR : undefined symbol : foo\n", "main.dsp", &text).expect("found");
        assert_eq!((found.file.as_str(), found.line, found.column), ("bass.dsp", Some(2), Some(18)));
        assert_eq!(found.text, "undefined symbol : foo");
        assert!(found.hint.is_some());
    }

    #[test]
    fn a_complaint_without_a_place_belongs_to_the_program_and_keeps_its_detail() {
        let said = "ERROR in sequential composition A:B\nThe number of outputs [1] of A must be equal to the number of inputs [2] of B\n";
        let found = parse(said, "main.dsp", &|_| None).expect("found");
        assert_eq!((found.file.as_str(), found.line), ("main.dsp", None));
        assert!(found.text.contains("[1] of A must be"), "{}", found.text);
    }

    #[test]
    fn an_empty_program_is_at_fault_itself_and_every_complaint_has_a_hint() {
        let said = "???? : -1 : ERROR : undefined symbol : process\n";
        let found = parse(said, "kick.dsp", &|_| None).expect("found");
        assert_eq!((found.file.as_str(), found.line), ("kick.dsp", None));
        assert!(found.hint.expect("a hint").contains("process = "));
        for (said, hint) in [
            (
                "ERROR : too much arguments : 3, instead of : 2\nwhen applying : +\nto : (1,2,3)\n",
                "takes fewer inputs",
            ),
            ("m6.dsp : 1 : ERROR : not a constant expression of type : (0->1) : _\n", "are numbers"),
            ("m7.dsp : 1 : ERROR : something that nobody has seen\n", "look at that line"),
        ] {
            let found = parse(said, "kick.dsp", &|_| None).expect("found");
            assert!(found.hint.as_deref().is_some_and(|given| given.contains(hint)), "{said}: {found:?}");
        }
    }

    #[test]
    fn chatter_is_no_complaint() {
        assert_eq!(parse("WARNING : nothing\n", "main.dsp", &|_| None), None);
    }
}
