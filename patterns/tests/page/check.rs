//! Reading the page: which example is drawn how, and whether the drawing is right.

use std::collections::BTreeMap;

use krach_patterns::{Pattern, Time, compile, mini, parse_json};

use crate::draw::{Drawn, belongs};

/// A fenced block of the page.
#[derive(Debug)]
pub struct Block {
    /// First word after the fence.
    pub tag: String,
    /// The rest of that line: what the block defines.
    pub name: String,
    /// The line of the fence, from 1.
    pub line: usize,
    pub text: String,
}

/// What a page holds, and what is wrong with it.
#[derive(Debug, Default)]
pub struct Report {
    /// `line 12: …`.
    pub complaints: Vec<String>,
    /// The patterns that are written in JSON.
    pub json: Vec<Pattern>,
    /// The lines of mini-notation.
    pub minis: Vec<String>,
}

/// The fenced blocks of a page, or the line of the one that is not closed. Without those of Python and what
/// is drawn right behind them: the client's tests draw these.
pub fn blocks(page: &str) -> Result<Vec<Block>, String> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (number, line) in page.split_inclusive('\n').enumerate() {
        match (line.trim_end().strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(info), None) => {
                let (tag, name) = info.split_once(' ').unwrap_or((info, ""));
                let (tag, name) = (tag.trim().to_string(), name.trim().to_string());
                open = Some(Block { tag, name, line: number + 1, text: String::new() });
            }
            (None, Some(block)) => block.text.push_str(line),
            (None, None) => {}
        }
    }
    match open {
        Some(block) => Err(format!("line {}: the block is not closed", block.line)),
        None => {
            let mut python = false;
            blocks.retain(|block| {
                let drawn = matches!(block.tag.as_str(), "cycle" | "curve" | "error");
                python = block.tag == "python" || (python && drawn);
                !python
            });
            Ok(blocks)
        }
    }
}

/// A pattern block that waits for its drawing.
struct Waiting {
    line: usize,
    pattern: Result<Pattern, String>,
}

/// Draws every example of a page anew. A run of `pattern` blocks shares the drawing below it, so all of
/// them must mean the same; `pattern NAME` also defines NAME for the JSON below.
pub fn check(page: &str) -> Report {
    let mut report = Report::default();
    let blocks = match blocks(page) {
        Ok(blocks) => blocks,
        Err(complaint) => {
            report.complaints.push(complaint);
            return report;
        }
    };
    let mut names = BTreeMap::new();
    let mut waiting: Vec<Waiting> = Vec::new();
    for (i, block) in blocks.iter().enumerate() {
        let mut complain = |line: usize, says: String| report.complaints.push(format!("line {line}: {says}"));
        match block.tag.as_str() {
            "pattern" => {
                let pattern = read(&block.text, &names);
                if block.text.trim_start().starts_with('{') {
                    report.json.extend(pattern.clone());
                } else {
                    report.minis.push(block.text.trim().into());
                }
                if !block.name.is_empty() {
                    names.insert(block.name.clone(), block.text.trim().to_string());
                }
                waiting.push(Waiting { line: block.line, pattern });
                let next = blocks.get(i + 1).map(|b| b.tag.as_str());
                // A definition may stand without a drawing, but not without a meaning.
                if !matches!(next, Some("pattern" | "cycle" | "curve" | "error")) {
                    for Waiting { line, pattern } in std::mem::take(&mut waiting) {
                        match pattern.and_then(|p| compile(&p).map_err(|e| e.to_string())) {
                            Err(error) => complain(line, error),
                            Ok(_) if block.name.is_empty() => complain(line, "no drawing follows".into()),
                            Ok(_) => {}
                        }
                    }
                }
            }
            "mini" => {
                for (n, line) in block.text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
                    let at = block.line + 1 + n;
                    match reference(line) {
                        Ok(text) => report.minis.push(text),
                        Err(says) => complain(at, says),
                    }
                }
            }
            "cycle" | "curve" | "error" => {
                let waiting = std::mem::take(&mut waiting);
                if waiting.is_empty() {
                    complain(block.line, "no pattern before the drawing".into());
                }
                for (line, says) in example(&waiting, block) {
                    complain(line, says);
                }
            }
            // What is said over the socket; the plugin's tests say it.
            "request" | "reply" => {}
            tag => complain(block.line, format!("unknown tag \"{tag}\"")),
        }
    }
    report
}

/// JSON, with the names of the page put in, or a line of mini-notation.
fn read(text: &str, names: &BTreeMap<String, String>) -> Result<Pattern, String> {
    let text = text.trim();
    if !text.starts_with('{') {
        return mini(text).map_err(|e| e.to_string());
    }
    let json = parse_json(&expand(text, names)).map_err(|e| e.to_string())?;
    Pattern::from_json(&json).map_err(|e| e.to_string())
}

/// Puts in what the names outside of strings stand for, and what is named in that.
fn expand(text: &str, names: &BTreeMap<String, String>) -> String {
    let mut out = String::new();
    let mut word = String::new();
    let mut quoted = false;
    for c in text.chars().chain([' ']) {
        if !quoted && c.is_ascii_alphabetic() {
            word.push(c);
            continue;
        }
        match names.get(&word) {
            Some(meaning) => out.push_str(&expand(meaning, names)),
            None => out.push_str(&word),
        }
        word.clear();
        quoted ^= c == '"';
        out.push(c);
    }
    out
}

/// One line of a `mini` block: `text  |drawing| words`, with two spaces before the drawing.
fn reference(line: &str) -> Result<String, String> {
    let (first, last) = (line.find("  |").map(|at| at + 2), line.rfind('|'));
    let (Some(first), Some(last)) = (first, last.filter(|&last| Some(last) != first)) else {
        return Err(format!("no drawing in {line:?}"));
    };
    let text = line[..first].trim();
    let pattern = mini(text).map_err(|e| e.to_string())?;
    let program = compile(&pattern).map_err(|e| e.to_string())?;
    redraw(&line[first..=last], 0, "cycle", &mut Drawn::new(program))?;
    Ok(text.into())
}

/// What is wrong with an example and its drawing.
fn example(waiting: &[Waiting], block: &Block) -> Vec<(usize, String)> {
    let mut wrong = Vec::new();
    let mut first: Option<(usize, Vec<String>)> = None;
    for Waiting { line, pattern } in waiting {
        let compiled = pattern.clone().and_then(|p| compile(&p).map_err(|e| e.to_string()));
        if block.tag == "error" {
            match compiled {
                Ok(_) => wrong.push((block.line, "there is no error".into())),
                Err(error) if trimmed(&error) == trimmed(&block.text) => {}
                Err(error) => wrong.push((block.line, format!("the error is {error}"))),
            }
            continue;
        }
        let mut drawn = match compiled {
            Ok(program) => Drawn::new(program),
            Err(error) => {
                wrong.push((*line, error));
                continue;
            }
        };
        if block.tag == "cycle" && drawn.has_shapes() {
            wrong.push((block.line, "it moves continuously: draw it as a curve".into()));
            continue;
        }
        let signature = drawn.signature();
        match &first {
            None => first = Some((*line, signature)),
            Some((earlier, means)) if *means != signature => {
                wrong.push((*line, format!("this means another than line {earlier}")));
            }
            Some(_) => {}
        }
        wrong.extend(redraw_all(block, &mut drawn));
    }
    wrong
}

/// Lines without the spaces at their ends.
fn trimmed(text: &str) -> Vec<&str> {
    text.trim_end().lines().map(str::trim_end).collect()
}

/// What is wrong with the lines of a drawing, all of which belong to one pattern.
fn redraw_all(block: &Block, drawn: &mut Drawn) -> Vec<(usize, String)> {
    let lines: Vec<&str> = block.text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if lines.is_empty() {
        return vec![(block.line, "it draws nothing".into())];
    }
    let mut wrong = Vec::new();
    let mut listed = 0;
    for line in &lines {
        if let Err(says) = redraw(line, listed, &block.tag, drawn) {
            wrong.push((block.line, says));
        }
        listed += i64::from(!line.ends_with('|'));
    }
    // With rows for nodes, every node that plays has a row.
    let rows: Vec<&str> = lines.iter().filter_map(|line| row_name(line)).collect();
    let cycles = lines.iter().map(|line| line.matches('|').count()).max().unwrap_or(1);
    if !rows.is_empty() {
        for label in (0..cycles as i64).flat_map(|cycle| drawn.labels(cycle)) {
            if !rows.iter().any(|row| belongs(&label, row)) {
                wrong.push((block.line, format!("there is no row for {label}")));
            }
        }
    }
    wrong
}

/// `kick` of `kick |x . |`.
fn row_name(line: &str) -> Option<&str> {
    let name = line.split('|').next()?.trim();
    (line.ends_with('|') && !name.is_empty() && !name.ends_with(':')).then_some(name)
}

/// `-1: …`: the cycle that a line begins at, if it says so, and the rest.
fn numbered(line: &str) -> (Option<i64>, &str) {
    match line.split_once(':') {
        Some((number, rest)) => match number.trim().parse() {
            Ok(cycle) => (Some(cycle), rest.trim()),
            Err(_) => (None, line),
        },
        None => (None, line),
    }
}

/// Draws one line anew, in its own form, and compares. A list that names no cycle is that of cycle `n`.
fn redraw(line: &str, n: i64, tag: &str, drawn: &mut Drawn) -> Result<(), String> {
    let (cycle, rest) = numbered(line);
    let cells = || rest.trim_end_matches('|').split('|').skip(1).collect::<Vec<&str>>();
    let (page, query) = match (tag, rest.ends_with('|')) {
        ("curve", true) => {
            let points: Vec<usize> = cells().iter().map(|cell| cell.chars().count()).collect();
            (rest.to_string(), drawn.curve(cycle.unwrap_or(0), &points))
        }
        ("curve", false) => {
            let times: Result<Vec<Time>, _> = rest.split('|').map(time).collect();
            (spaced(rest), drawn.samples(&times?))
        }
        (_, true) => {
            let row = row_name(rest);
            let steps: Vec<usize> = cells().iter().map(|cell| cell.split_whitespace().count()).collect();
            let grid = drawn.grid(cycle.unwrap_or(0), &steps, row)?;
            let name = row.map_or(String::new(), |row| format!("{row} "));
            let page = cells().iter().map(|cell| spaced(&format!("{cell} |"))).collect::<Vec<String>>();
            (format!("{name}|{}", page.join("")), format!("{name}{grid}"))
        }
        _ => (spaced(rest), drawn.list(cycle.unwrap_or(n), rest.contains('>'))),
    };
    if page == query { Ok(()) } else { Err(format!("the page says {page}\n  the query gives {query}")) }
}

/// With single spaces.
fn spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<&str>>().join(" ")
}

/// The time that an item of a list begins with.
fn time(item: &str) -> Result<Time, String> {
    let word = item.split_whitespace().next().unwrap_or("");
    word.parse().map_err(|_| format!("{word:?} is no time"))
}
