//! The conversation on the page of trees, docs/pattern-json.md, as it is printed there.

use serde_json::{Value, json};

use crate::wire_client::{Home, client_of};

/// The lines of the fenced blocks of a page, with their tags, in order.
fn fenced(page: &str) -> Vec<(String, Vec<String>)> {
    let mut blocks: Vec<(String, Vec<String>)> = Vec::new();
    let mut open = false;
    for line in page.lines() {
        match line.strip_prefix("```") {
            Some(tag) if !open => blocks.push((tag.trim().to_owned(), Vec::new())),
            Some(_) => {}
            None if open => blocks.last_mut().expect("open").1.push(line.to_owned()),
            None => {}
        }
        open ^= line.starts_with("```");
    }
    blocks
}

#[test]
fn every_request_on_the_page_is_answered_as_the_page_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/pattern-json.md");
    let blocks = fenced(&std::fs::read_to_string(path).expect("the page is there"));
    let lines = |wanted: &str| {
        let of_tag = blocks.iter().filter(|(tag, _)| tag == wanted);
        of_tag.flat_map(|(_, lines)| lines.clone()).collect::<Vec<String>>()
    };
    let (requests, replies) = (lines("request"), lines("reply"));
    assert_eq!(requests.len(), replies.len(), "each request has its reply");
    assert!(requests.len() >= 6);
    let home = Home::new("page");
    let instance = home.instance();
    let mut client = client_of(&instance);
    // The page's session has the nodes that it plays; its edits are numbered from there.
    let nodes = ["bass", "hat"];
    for name in nodes {
        client.call("node", json!({"name": name, "source": "oscillator"}));
    }
    for (request, reply) in requests.iter().zip(&replies) {
        let printed: Value = serde_json::from_str(reply).expect("a reply is JSON");
        let mut answer = client.ask(request);
        if let Some(seq) = answer["result"]["seq"].as_u64() {
            answer["result"]["seq"] = (seq - nodes.len() as u64).into();
        }
        assert_eq!(answer, printed, "{request}");
    }
}
