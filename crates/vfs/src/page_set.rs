//! A set of page numbers in few bytes.

use std::collections::BTreeMap;

use actor_sqlite_ltx::Pgno;

/// Pages of one chunk.
const CHUNK_PAGES: u32 = 4096;
const WORD_BITS: u32 = u64::BITS;
const WORDS: usize = (CHUNK_PAGES / WORD_BITS) as usize;

/// A set of page numbers: bits in chunks, and only of those chunks that have any.
///
/// The pages of a large transaction lie close together, and take a bit each: 64 KiB for 2 GiB of
/// 4096 bytes. One page alone takes half a KiB.
#[derive(Default)]
pub(crate) struct PageSet {
    chunks: BTreeMap<u32, Box<[u64; WORDS]>>,
    len: u64,
}

impl PageSet {
    /// How many pages are in the set.
    pub fn len(&self) -> u64 {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub fn contains(&self, pgno: Pgno) -> bool {
        let (chunk, word, bit) = place(pgno);
        self.chunks.get(&chunk).is_some_and(|words| words[word] & bit != 0)
    }

    pub fn insert(&mut self, pgno: Pgno) {
        let (chunk, word, bit) = place(pgno);
        let words = self.chunks.entry(chunk).or_insert_with(|| Box::new([0; WORDS]));
        self.len += u64::from(words[word] & bit == 0);
        words[word] |= bit;
    }

    pub fn remove(&mut self, pgno: Pgno) {
        let (chunk, word, bit) = place(pgno);
        if let Some(words) = self.chunks.get_mut(&chunk) {
            self.len -= u64::from(words[word] & bit != 0);
            words[word] &= !bit;
        }
    }

    /// Forgets the pages above `size`.
    pub fn truncate(&mut self, size: u32) {
        let (last, kept) = (size / CHUNK_PAGES, size % CHUNK_PAGES);
        for words in self.chunks.split_off(&(last + 1)).values() {
            self.len -= count(&words[..]);
        }
        let Some(words) = self.chunks.get_mut(&last) else { return };
        let before = count(&words[..]);
        for (word, at) in words.iter_mut().zip((0..).step_by(WORD_BITS as usize)) {
            // Bits 0 to `kept` stay: that many and one more.
            let bits = (kept + 1).saturating_sub(at);
            *word &= if bits >= WORD_BITS { u64::MAX } else { (1 << bits) - 1 };
        }
        self.len -= before - count(&words[..]);
    }

    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// The pages, ascending.
    pub fn iter(&self) -> impl Iterator<Item = Pgno> {
        self.chunks.iter().flat_map(|(chunk, words)| {
            let first = chunk * CHUNK_PAGES;
            words.iter().zip(0..).flat_map(move |(&word, index)| {
                let set = (0..WORD_BITS).filter(move |bit| word >> bit & 1 == 1);
                set.filter_map(move |bit| Pgno::new(first + index * WORD_BITS + bit))
            })
        })
    }
}

fn count(words: &[u64]) -> u64 {
    words.iter().map(|word| u64::from(word.count_ones())).sum()
}

/// The chunk of a page, its word there, and its bit in that.
fn place(pgno: Pgno) -> (u32, usize, u64) {
    let within = pgno.get() % CHUNK_PAGES;
    (pgno.get() / CHUNK_PAGES, (within / WORD_BITS) as usize, 1 << (within % WORD_BITS))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn it_is_a_set() {
        let mut state = 5_u64;
        let mut below = |bound: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888);
            (state >> 33) % bound
        };
        let (mut set, mut model) = (PageSet::default(), BTreeSet::new());
        for _ in 0..20_000 {
            let pgno = Pgno::new(below(20_000) as u32 + 1).unwrap();
            match below(500) {
                0 => {
                    set.truncate(pgno.get());
                    model.split_off(&Pgno::new(pgno.get() + 1).unwrap());
                }
                1..150 => {
                    set.remove(pgno);
                    model.remove(&pgno);
                }
                _ => {
                    set.insert(pgno);
                    model.insert(pgno);
                }
            }
            assert_eq!(set.len(), model.len() as u64);
            assert_eq!(set.contains(pgno), model.contains(&pgno));
        }
        assert!(set.iter().eq(model.into_iter()));
        set.truncate(0);
        assert!(set.is_empty() && set.iter().next().is_none());
    }

    #[test]
    fn the_highest_page_and_the_edges_of_chunks() {
        for pgno in [1, 63, 64, 4095, 4096, 4097, u32::MAX] {
            let mut set = PageSet::default();
            set.insert(Pgno::new(pgno).unwrap());
            set.truncate(pgno);
            assert_eq!(set.iter().map(Pgno::get).collect::<Vec<_>>(), [pgno]);
            set.truncate(pgno - 1);
            assert!(set.is_empty());
        }
    }
}
