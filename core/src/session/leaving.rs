//! What transitions are taking out stays in a graph that takes the place of another.

use super::{Added, Session};
use crate::edit::{GraphState, Route, level_path};
use crate::model::Values;

impl Session {
    /// A node that `state` lacks is in it as it is here, with its values and routes.
    pub fn keep_node(&self, state: &mut GraphState, name: &str) {
        let Some(node) = self.node(name).filter(|_| state.nodes.get(name).is_none()) else { return };
        state.nodes.push(node.clone());
        let added = self.added();
        let own = |path: &str| {
            let id = path.rsplit_once('/').map_or(path, |(id, _)| id);
            match added.get(id) {
                Some(Added::Fader(owner) | Added::Send(owner)) => *owner == name,
                Some(Added::Output(_)) => false,
                None => id == name,
            }
        };
        let values: Values =
            self.values.iter().filter(|(path, _)| own(path)).map(|(p, v)| (p.clone(), *v)).collect();
        state.values.extend(values);
        let ends = self.routes.from(name).chain(self.routes.to(name));
        let ends: Vec<(String, String)> =
            ends.map(|(_, route)| (route.source.clone(), route.target.clone())).collect();
        for (from, to) in ends {
            self.keep_routes(state, &from, &to);
        }
    }

    /// Routes between two nodes that `state` lacks are in it as they are here, if it has both nodes.
    pub fn keep_routes(&self, state: &mut GraphState, from: &str, to: &str) {
        if state.nodes.get(from).is_none() || state.nodes.get(to).is_none() {
            return;
        }
        let ours: Vec<Route> =
            self.routes.from(from).map(|(_, route)| (**route).clone()).filter(|r| r.target == to).collect();
        for route in ours {
            let same = |r: &Route| r.target == route.target && r.kind == route.kind && r.port == route.port;
            if state.routes.from(from).any(|(_, r)| same(r)) {
                continue;
            }
            let path = level_path(from, to);
            if let Some(level) = self.values.get(&path) {
                state.values.insert(path, *level);
            }
            state.routes.push(route);
        }
    }
}
