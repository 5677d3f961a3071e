//! Loops: which modules of a patch are in one together, and in which order the rest runs.

/// The groups of a graph of `count` modules with these edges (from, to): each loop is one, each other module is one.
/// Whoever is read comes before its reader. Deterministic in the numbering.
///
/// Tarjan, *Depth-First Search and Linear Graph Algorithms* (1972), with a stack of its own, so that a
/// long chain cannot exhaust the thread's.
pub(crate) fn groups(count: usize, edges: &[(usize, usize)]) -> Vec<Vec<usize>> {
    const NEW: usize = usize::MAX;
    // Followed from readers to what they read: groups then come out sources first.
    let mut reads = vec![Vec::new(); count];
    for &(from, to) in edges {
        reads[to].push(from);
    }
    let (mut index, mut low, mut on_stack) = (vec![NEW; count], vec![0; count], vec![false; count]);
    let (mut next, mut stack, mut groups) = (0, Vec::new(), Vec::new());
    for root in 0..count {
        if index[root] != NEW {
            continue;
        }
        let mut path: Vec<(usize, usize)> = vec![(root, 0)];
        while let Some(&mut (module, ref mut edge)) = path.last_mut() {
            if *edge == 0 {
                (index[module], low[module]) = (next, next);
                next += 1;
                stack.push(module);
                on_stack[module] = true;
            }
            if let Some(&source) = reads[module].get(*edge) {
                *edge += 1;
                if index[source] == NEW {
                    path.push((source, 0));
                } else if on_stack[source] {
                    low[module] = low[module].min(index[source]);
                }
                continue;
            }
            if low[module] == index[module] {
                let mut group = Vec::new();
                while let Some(member) = stack.pop() {
                    on_stack[member] = false;
                    group.push(member);
                    if member == module {
                        break;
                    }
                }
                group.sort_unstable();
                groups.push(group);
            }
            path.pop();
            if let Some(&(parent, _)) = path.last() {
                low[parent] = low[parent].min(low[module]);
            }
        }
    }
    groups
}

/// Which modules lead to one of `ends` along these edges.
pub(crate) fn leading_to(count: usize, edges: &[(usize, usize)], ends: &[usize]) -> Vec<bool> {
    let mut reads = vec![Vec::new(); count];
    for &(from, to) in edges {
        reads[to].push(from);
    }
    let mut found = vec![false; count];
    let mut open = ends.to_vec();
    while let Some(module) = open.pop() {
        if !std::mem::replace(&mut found[module], true) {
            open.extend(&reads[module]);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_comes_first_and_loops_are_one_group() {
        // 0 → 1 ⇄ 2 → 3, 4 alone, 5 reads itself.
        let edges = [(0, 1), (1, 2), (2, 1), (2, 3), (5, 5)];
        let groups = groups(6, &edges);
        assert_eq!(groups, [vec![0], vec![1, 2], vec![3], vec![4], vec![5]]);
    }

    #[test]
    fn an_edge_whose_first_visit_is_a_leaf_is_visited_once() {
        assert_eq!(groups(3, &[(2, 0), (1, 0)]), [vec![2], vec![1], vec![0]]);
    }

    #[test]
    fn a_chain_of_a_hundred_thousand_needs_no_deep_stack() {
        let edges: Vec<_> = (1..100_000).map(|to| (to, to - 1)).collect();
        assert_eq!(groups(100_000, &edges).len(), 100_000);
    }

    #[test]
    fn what_leads_to_the_end_is_found_through_loops() {
        let edges = [(0, 1), (1, 2), (2, 1), (3, 0), (1, 4), (5, 6)];
        assert_eq!(leading_to(7, &edges, &[4]), [true, true, true, true, true, false, false]);
    }
}
