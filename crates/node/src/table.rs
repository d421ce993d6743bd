//! Handles for JavaScript: small numbers that name a native object and cannot name another one
//! later.

/// Bits of a handle that are the position; the generation stands above them, so that a handle is an
/// exact JavaScript number (below 2^53).
const INDEX_BITS: u32 = 24;
const GENERATION_MAX: u32 = (1 << 28) - 1;

struct Slot<T> {
    generation: u32,
    value: Option<T>,
}

/// Objects by handle. A handle is positive, and stale for ever once its object is taken out: the
/// place gets a new generation, and is given up when those are used up.
pub struct Table<T> {
    slots: Vec<Slot<T>>,
    free: Vec<usize>,
}

impl<T> Table<T> {
    /// An empty table.
    pub const fn new() -> Self {
        Self { slots: Vec::new(), free: Vec::new() }
    }

    /// Keeps an object; `None` when 2^24 are kept already.
    pub fn insert(&mut self, value: T) -> Option<u64> {
        if let Some(index) = self.free.pop() {
            let slot = &mut self.slots[index];
            slot.value = Some(value);
            return Some(handle(index, slot.generation));
        }
        let index = self.slots.len();
        if index >= 1 << INDEX_BITS {
            return None;
        }
        self.slots.push(Slot { generation: 1, value: Some(value) });
        Some(handle(index, 1))
    }

    /// What the next `insert` will answer, if it answers.
    pub fn next_handle(&self) -> u64 {
        match self.free.last() {
            Some(&index) => handle(index, self.slots[index].generation),
            None => handle(self.slots.len(), 1),
        }
    }

    /// The object of a handle, if it is still there.
    pub fn get(&self, handle: u64) -> Option<&T> {
        let (index, generation) = parts(handle);
        let slot = self.slots.get(index)?;
        if slot.generation == generation { slot.value.as_ref() } else { None }
    }

    /// The object of a handle, to be changed.
    pub fn get_mut(&mut self, handle: u64) -> Option<&mut T> {
        let (index, generation) = parts(handle);
        let slot = self.slots.get_mut(index)?;
        if slot.generation == generation { slot.value.as_mut() } else { None }
    }

    /// Takes an object out; its handle is stale from now on.
    pub fn remove(&mut self, handle: u64) -> Option<T> {
        let (index, generation) = parts(handle);
        let slot = self.slots.get_mut(index)?;
        if slot.generation != generation {
            return None;
        }
        let value = slot.value.take()?;
        if slot.generation < GENERATION_MAX {
            slot.generation += 1;
            self.free.push(index);
        }
        Some(value)
    }

    /// Takes those objects out that `chosen` says; their handles are stale from now on.
    pub fn remove_where(&mut self, chosen: impl Fn(&T) -> bool) -> Vec<T> {
        let taken = |slot: &Slot<T>| slot.value.as_ref().is_some_and(&chosen);
        let places = self.slots.iter().enumerate().filter(|(_, slot)| taken(slot));
        let handles: Vec<_> = places.map(|(index, slot)| handle(index, slot.generation)).collect();
        handles.into_iter().filter_map(|handle| self.remove(handle)).collect()
    }

    /// Takes all objects out.
    pub fn drain(&mut self) -> Vec<T> {
        let values = self.slots.iter_mut().filter_map(|slot| slot.value.take()).collect();
        self.slots.clear();
        self.free.clear();
        values
    }
}

fn handle(index: usize, generation: u32) -> u64 {
    u64::from(generation) << INDEX_BITS | index as u64
}

fn parts(handle: u64) -> (usize, u32) {
    let index = (handle & ((1 << INDEX_BITS) - 1)) as usize;
    (index, u32::try_from(handle >> INDEX_BITS).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stale_handle_finds_nothing() {
        let mut table = Table::new();
        let first = table.insert("a").expect("room");
        assert_eq!(table.get(first), Some(&"a"));
        assert_eq!(table.remove(first), Some("a"));
        let second = table.insert("b").expect("room");
        assert_ne!(first, second);
        assert_eq!(table.get(first), None);
        assert_eq!(table.remove(first), None);
        assert_eq!(table.get(second), Some(&"b"));
        assert_eq!(table.get(0), None);
        assert_eq!(table.get(u64::MAX), None);
    }

    #[test]
    fn chosen_objects_go_and_others_stay() {
        let mut table = Table::new();
        let handles: Vec<_> = (0..4).map(|number| table.insert(number).expect("room")).collect();
        assert_eq!(table.remove(handles[1]), Some(1));
        assert_eq!(table.remove_where(|number| *number != 2), [0, 3]);
        assert_eq!(table.get(handles[2]), Some(&2));
        assert_eq!(table.get(handles[0]), None);
        assert_eq!(table.remove_where(|_| true), [2]);
    }
}
