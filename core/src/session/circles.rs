//! Do routes run in a circle?

use crate::edit::{Key, Route, Routes};
use std::collections::{BTreeSet, HashMap, HashSet};

/// More new routes than this, and all routes are looked at once instead of the ways on from each.
const FEW: usize = 16;

/// Does one of the routes of these keys lie on a circle? The others do not. `leads`: sound goes along a route.
pub(super) fn has_circle(routes: &Routes, new: &BTreeSet<Key>, leads: impl Fn(Key, &Route) -> bool) -> bool {
    let of_these = new.iter().filter_map(|key| Some((*key, routes.at(*key)?)));
    let mut of_these = of_these.filter(|(key, route)| leads(*key, route));
    match new.len() <= FEW {
        true => of_these.any(|(_, route)| has_way(routes, &route.target, &route.source, &leads)),
        false => !has_order(routes, &leads),
    }
}

/// Is there a way along routes from a node to another?
fn has_way(routes: &Routes, from: &str, to: &str, leads: &impl Fn(Key, &Route) -> bool) -> bool {
    let (mut open, mut seen) = (vec![from], HashSet::from([from]));
    while let Some(node) = open.pop() {
        if node == to {
            return true;
        }
        let next = routes.from(node).filter(|(key, route)| leads(*key, route));
        open.extend(next.map(|(_, route)| route.target.as_str()).filter(|target| seen.insert(target)));
    }
    false
}

/// Can the nodes be put into an order in which every route leads forward?
fn has_order(routes: &Routes, leads: &impl Fn(Key, &Route) -> bool) -> bool {
    let mut incoming: HashMap<&str, usize> = HashMap::new();
    for (_, route) in routes.entries().filter(|(key, route)| leads(*key, route)) {
        incoming.entry(&route.source).or_default();
        *incoming.entry(&route.target).or_default() += 1;
    }
    let mut ready: Vec<&str> = incoming.iter().filter(|(_, count)| **count == 0).map(|(n, _)| *n).collect();
    let mut placed = 0;
    while let Some(node) = ready.pop() {
        placed += 1;
        for (_, route) in routes.from(node).filter(|(key, route)| leads(*key, route)) {
            let Some(count) = incoming.get_mut(route.target.as_str()) else { continue };
            *count -= 1;
            if *count == 0 {
                ready.push(&route.target);
            }
        }
    }
    placed == incoming.len()
}
