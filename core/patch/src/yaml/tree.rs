//! YAML as a tree that knows where everything stands, within limits.

use std::panic::{AssertUnwindSafe, catch_unwind};

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use crate::fault::{Fault, Part, shown};

/// Deepest nesting: a patch needs four.
const MAX_DEPTH: usize = 16;
/// Most scalars, lists and maps.
const MAX_NODES: usize = 200_000;

/// Where something stands, both counted from 1; columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub line: usize,
    pub column: usize,
}

#[derive(Clone, Debug)]
pub(super) struct Node {
    pub at: Place,
    pub content: Content,
}

#[derive(Clone, Debug)]
pub(super) enum Content {
    Scalar {
        text: String,
        plain: bool,
    },
    List(Vec<Node>),
    /// Keys and values; duplicates are the reader's to find.
    Map(Vec<(Node, Node)>),
}

pub(super) type Errors = Vec<(Place, Fault)>;

/// The tree of a text; or why there is none.
pub(super) fn parse(text: &str) -> Result<Node, Errors> {
    // The parser is others' work: were it to panic on some text, the text is what is refused.
    catch_unwind(AssertUnwindSafe(|| build(text))).unwrap_or_else(|_| {
        let fault = Fault::new(Part::Whole, "this is no YAML that can be read", "write it more plainly");
        Err(vec![(Place { line: 1, column: 1 }, fault)])
    })
}

/// What is open while the events come.
enum Open {
    List(Place, Vec<Node>),
    /// With the key that waits for its value.
    Map(Place, Vec<(Node, Node)>, Option<Node>),
}

fn build(text: &str) -> Result<Node, Errors> {
    let (mut open, mut root, mut errors, mut documents, mut count) = (Vec::new(), None, Vec::new(), 0, 0);
    for event in Parser::new_from_str(text) {
        let (event, span) = match event {
            Ok(event) => event,
            Err(error) => {
                let at = Place { line: error.marker().line(), column: error.marker().col() + 1 };
                let hint = "what stands after it is not looked at before this is right";
                errors
                    .push((at, Fault::new(Part::Whole, format!("this is not YAML: {}", error.info()), hint)));
                return Err(errors);
            }
        };
        let at = place(&span);
        count += 1;
        if count > MAX_NODES || open.len() > MAX_DEPTH {
            let hint = format!("{MAX_DEPTH} levels and {MAX_NODES} values are read");
            errors.push((at, Fault::new(Part::Whole, "this is nested too deeply, or too much", hint)));
            return Err(errors);
        }
        if let Some(fault) = not_ours(&event, &mut documents) {
            errors.push((at, fault));
            if documents > 1 {
                return Err(errors);
            }
        }
        let node = match event {
            Event::Scalar(text, style, ..) => Some(Node {
                at,
                content: Content::Scalar { text: text.into_owned(), plain: style == ScalarStyle::Plain },
            }),
            // It was said that there are none.
            Event::Alias(_) => {
                Some(Node { at, content: Content::Scalar { text: String::new(), plain: true } })
            }
            Event::SequenceStart(..) => {
                open.push(Open::List(at, Vec::new()));
                None
            }
            Event::MappingStart(..) => {
                open.push(Open::Map(at, Vec::new(), None));
                None
            }
            Event::SequenceEnd | Event::MappingEnd => open.pop().map(|open| match open {
                Open::List(at, list) => Node { at, content: Content::List(list) },
                Open::Map(at, map, _) => Node { at, content: Content::Map(map) },
            }),
            _ => None,
        };
        let Some(node) = node else { continue };
        match open.last_mut() {
            None => root = Some(node),
            Some(Open::List(_, list)) => list.push(node),
            Some(Open::Map(_, map, key)) => match key.take() {
                None => *key = Some(node),
                Some(key) => map.push((key, node)),
            },
        }
    }
    let nothing = || Node {
        at: Place { line: 1, column: 1 },
        content: Content::Scalar { text: String::new(), plain: true },
    };
    if errors.is_empty() { Ok(root.unwrap_or_else(nothing)) } else { Err(errors) }
}

fn place(span: &Span) -> Place {
    Place { line: span.start.line(), column: span.start.col() + 1 }
}

/// YAML that a patch has no use for.
fn not_ours(event: &Event<'_>, documents: &mut usize) -> Option<Fault> {
    let refuse = |what: &str, hint: &str| Some(Fault::new(Part::Whole, what, hint));
    let (anchor, tag) = match event {
        Event::DocumentStart(_) => {
            *documents += 1;
            return if *documents > 1 { refuse("a second document", "one file is one patch") } else { None };
        }
        Event::Alias(_) => return refuse("an alias (`*`)", "write it out"),
        Event::Scalar(_, _, anchor, tag) => (*anchor, tag.as_ref()),
        Event::SequenceStart(anchor, tag) | Event::MappingStart(anchor, tag) => (*anchor, tag.as_ref()),
        _ => return None,
    };
    if let Some(tag) = tag {
        return refuse(
            &format!("a tag (`{}`)", shown(&format!("{}{}", tag.handle, tag.suffix))),
            "leave it out",
        );
    }
    if anchor != 0 { refuse("an anchor (`&`)", "leave it out") } else { None }
}
