//! The objects used last, up to a number of bytes.

use crate::object::{Object, ObjectKey};
use std::collections::HashMap;
use std::sync::Arc;

pub(crate) struct Memory {
    limit: u64,
    size: u64,
    clock: u64,
    objects: HashMap<ObjectKey, (Arc<Object>, u64)>,
}

fn size(object: &Object) -> u64 {
    (object.code.len() + object.json.len()) as u64
}

impl Memory {
    pub(crate) fn new(limit: u64) -> Self {
        Self { limit, size: 0, clock: 0, objects: HashMap::new() }
    }

    pub(crate) fn find(&mut self, key: ObjectKey) -> Option<Arc<Object>> {
        self.clock += 1;
        let (object, used) = self.objects.get_mut(&key)?;
        *used = self.clock;
        Some(object.clone())
    }

    pub(crate) fn keep(&mut self, object: Arc<Object>) {
        self.clock += 1;
        self.size += size(&object);
        if let Some((old, _)) = self.objects.insert(object.key, (object, self.clock)) {
            self.size -= size(&old);
        }
        while self.size > self.limit {
            let Some(oldest) = self.objects.iter().min_by_key(|(_, (_, used))| *used).map(|(key, _)| *key)
            else {
                return;
            };
            if let Some((old, _)) = self.objects.remove(&oldest) {
                self.size -= size(&old);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_longest_ago_goes_first() {
        let object = |n: u8| {
            Arc::new(Object {
                key: ObjectKey([n; 32]),
                layout: [0; 32],
                name: String::new(),
                json: String::new(),
                state: 0,
                code: vec![0; 40],
            })
        };
        let mut memory = Memory::new(100);
        memory.keep(object(1));
        memory.keep(object(2));
        assert!(memory.find(ObjectKey([1; 32])).is_some());
        memory.keep(object(3));
        assert!(memory.find(ObjectKey([2; 32])).is_none());
        assert!(memory.find(ObjectKey([1; 32])).is_some());
        assert!(memory.find(ObjectKey([3; 32])).is_some());
        assert!(memory.size <= 100);
    }
}
