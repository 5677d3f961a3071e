//! The order in which nodes can be rendered.

/// Kahn's algorithm, taking the lowest index first. `None` if there is a cycle.
pub fn topological(nodes: usize, edges: &[(usize, usize)]) -> Option<Vec<usize>> {
    let mut incoming = vec![0usize; nodes];
    let mut outgoing = vec![Vec::new(); nodes];
    for &(from, to) in edges {
        incoming[to] += 1;
        outgoing[from].push(to);
    }
    let mut ready: std::collections::BinaryHeap<_> =
        (0..nodes).filter(|&n| incoming[n] == 0).map(std::cmp::Reverse).collect();
    let mut order = Vec::with_capacity(nodes);
    while let Some(std::cmp::Reverse(n)) = ready.pop() {
        order.push(n);
        for &to in &outgoing[n] {
            incoming[to] -= 1;
            if incoming[to] == 0 {
                ready.push(std::cmp::Reverse(to));
            }
        }
    }
    (order.len() == nodes).then_some(order)
}
