//! The keys of all rows: a prefix that names the database, and a path that names the row.
//!
//! Prefix: byte `0x02`, namespace, `0x00`, name, `0x00`. Neither part can hold a NUL, so no prefix
//! is the beginning of another. Paths are ASCII segments; numbers are big-endian, so that a scan
//! comes in numeric order. `PIN` and `PARENT` are reserved. What belongs to a namespace and to no
//! database in particular lies under the byte `0x03`, what belongs to the store under `0x04`.

use std::fmt;

use actor_sqlite_ltx::{PageSize, Pgno, Txid};
use actor_sqlite_pagestore::ActorId;
use crc_fast::CrcAlgorithm;

/// The first byte of every key of a database.
const SPACE: u8 = 0x02;
/// The first byte of every key of a namespace.
const NAMESPACE_SPACE: u8 = 0x03;
/// The first byte of every key of the store as a whole.
const STORE_SPACE: u8 = 0x04;
/// Ends a name in a prefix.
const END: u8 = 0x00;

/// Consecutive pages of one shard.
pub(crate) const SHARD_PAGES: u32 = 64;

/// The shard that holds a page.
pub(crate) fn shard_of(pgno: Pgno) -> u32 {
    pgno.index() / SHARD_PAGES
}

/// The number of shards that a database of that many pages has.
pub(crate) fn shard_count(size: u32) -> u32 {
    size.div_ceil(SHARD_PAGES)
}

/// The pages of a shard in a database of that size, without the lock page.
pub(crate) fn shard_pages(
    shard: u32,
    size: u32,
    page_size: PageSize,
) -> impl Iterator<Item = Pgno> + Clone {
    let first = u64::from(shard) * u64::from(SHARD_PAGES) + 1;
    let last = (first + u64::from(SHARD_PAGES) - 1).min(u64::from(size));
    (first..=last)
        .filter_map(|number| u32::try_from(number).ok().and_then(Pgno::new))
        .filter(move |&pgno| pgno != page_size.lock_page())
}

/// The key of the counter of a namespace: bytes that all its databases store.
pub(crate) fn usage_key(namespace: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(namespace.len() + 7);
    key.push(NAMESPACE_SPACE);
    key.extend_from_slice(namespace.as_bytes());
    key.push(END);
    key.extend_from_slice(b"USAGE");
    key
}

/// Whether a key is that of the counter of a namespace.
pub(crate) fn is_usage_key(key: &[u8]) -> bool {
    key.first() == Some(&NAMESPACE_SPACE) && key.ends_with(b"\0USAGE")
}

/// The half-open range of all keys of databases, or of those of one namespace.
pub(crate) fn databases(namespace: Option<&str>) -> (Vec<u8>, Vec<u8>) {
    let Some(namespace) = namespace else { return (vec![SPACE], vec![SPACE + 1]) };
    let mut start = vec![SPACE];
    start.extend_from_slice(namespace.as_bytes());
    let mut end = start.clone();
    start.push(END);
    end.push(END + 1);
    (start, end)
}

/// The half-open range of all keys of the databases of a namespace whose names have that beginning.
pub(crate) fn databases_named(namespace: &str, prefix: &str) -> (Vec<u8>, Vec<u8>) {
    let (mut start, mut end) = databases(Some(namespace));
    if !prefix.is_empty() {
        start.extend_from_slice(prefix.as_bytes());
        end.clone_from(&start);
        // No byte of UTF-8 is the highest.
        if let Some(last) = end.last_mut() {
            *last += 1;
        }
    }
    (start, end)
}

/// The first key behind all rows of databases up to a name, whether there is one of that name or not.
pub(crate) fn behind(namespace: &str, name: &str) -> Vec<u8> {
    let (mut key, _) = databases(Some(namespace));
    key.extend_from_slice(name.as_bytes());
    key.push(END + 1);
    key
}

/// Whose row has that key; `None` if it cannot be any database's.
pub(crate) fn actor_of(key: &[u8]) -> Option<ActorId> {
    let mut parts = key.strip_prefix(&[SPACE])?.splitn(3, |&byte| byte == END);
    let (namespace, name) = (parts.next()?, parts.next()?);
    parts.next()?;
    let text = |bytes| std::str::from_utf8(bytes).ok();
    ActorId::new(text(namespace)?, text(name)?).ok()
}

/// Which row of a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum RowId {
    /// A part of one commit's LTX file.
    Delta { txid: Txid, chunk: u32 },
    /// Fencing generation and owner.
    Epoch,
    /// A shard version that was replaced, until reclaim deletes its chunks.
    Gone { at: Txid, shard: u32 },
    /// The newest committed state.
    Head,
    /// The pages that the next claim should bring.
    Hints,
    /// What a compaction in several batches is writing.
    Build,
    /// A watermark that compaction has moved on from.
    Past { watermark: Txid },
    /// The page index of one commit.
    Pidx { txid: Txid },
    /// How far compaction and reclaim have come.
    Root,
    /// A part of one shard version's LTX file.
    Shard { shard: u32, as_of: Txid, chunk: u32 },
    /// The page index of one shard version.
    Sidx { shard: u32, as_of: Txid },
    /// A part of the LTX file of one segment of a stage.
    Stage { stage: u64, segment: u32, chunk: u32 },
    /// The commit that a stage belongs to.
    Staged { stage: u64 },
    /// The page index of one segment of a stage.
    StageIndex { stage: u64, segment: u32 },
}

impl fmt::Display for RowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delta { txid, chunk } => write!(f, "DELTA {txid} chunk {chunk}"),
            Self::Epoch => f.write_str("EPOCH"),
            Self::Gone { at, shard } => write!(f, "GONE {at} shard {shard}"),
            Self::Head => f.write_str("HEAD"),
            Self::Hints => f.write_str("HINTS"),
            Self::Build => f.write_str("BUILD"),
            Self::Past { watermark } => write!(f, "PAST {watermark}"),
            Self::Pidx { txid } => write!(f, "PIDX {txid}"),
            Self::Root => f.write_str("ROOT"),
            Self::Shard { shard, as_of, chunk } => {
                write!(f, "SHARD {shard} as of {as_of} chunk {chunk}")
            }
            Self::Sidx { shard, as_of } => write!(f, "SIDX {shard} as of {as_of}"),
            Self::Stage { stage, segment, chunk } => {
                write!(f, "STAGE {stage} segment {segment} chunk {chunk}")
            }
            Self::Staged { stage } => write!(f, "STAGED {stage}"),
            Self::StageIndex { stage, segment } => write!(f, "STIX {stage} segment {segment}"),
        }
    }
}

/// The keys of one database.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    prefix: Vec<u8>,
}

impl Keys {
    pub(crate) fn new(actor: &ActorId) -> Self {
        let mut prefix = Vec::with_capacity(actor.namespace().len() + actor.name().len() + 3);
        prefix.push(SPACE);
        for part in [actor.namespace(), actor.name()] {
            prefix.extend_from_slice(part.as_bytes());
            prefix.push(END);
        }
        Self { prefix }
    }

    /// The key of a row.
    pub(crate) fn key(&self, row: RowId) -> Vec<u8> {
        let mut key = Vec::with_capacity(self.prefix.len() + 24);
        key.extend_from_slice(&self.prefix);
        match row {
            RowId::Epoch => key.extend_from_slice(b"EPOCH"),
            RowId::Head => key.extend_from_slice(b"HEAD"),
            RowId::Hints => key.extend_from_slice(b"HINTS"),
            RowId::Root => key.extend_from_slice(b"ROOT"),
            RowId::Build => key.extend_from_slice(b"BUILD"),
            RowId::Delta { txid, chunk } => {
                key.extend_from_slice(b"DELTA/");
                key.extend_from_slice(&txid.get().to_be_bytes());
                push_number(&mut key, chunk);
            }
            RowId::Past { watermark } => {
                key.extend_from_slice(b"PAST/");
                key.extend_from_slice(&watermark.get().to_be_bytes());
            }
            RowId::Pidx { txid } => {
                key.extend_from_slice(b"PIDX/");
                key.extend_from_slice(&txid.get().to_be_bytes());
            }
            RowId::Gone { at, shard } => {
                key.extend_from_slice(b"GONE/");
                key.extend_from_slice(&at.get().to_be_bytes());
                push_number(&mut key, shard);
            }
            RowId::Shard { shard, as_of, chunk } => {
                key.extend_from_slice(b"SHARD/");
                push_version(&mut key, shard, as_of);
                push_number(&mut key, chunk);
            }
            RowId::Sidx { shard, as_of } => {
                key.extend_from_slice(b"SIDX/");
                push_version(&mut key, shard, as_of);
            }
            RowId::Stage { stage, segment, chunk } => {
                key.extend_from_slice(b"STAGE/");
                key.extend_from_slice(&stage.to_be_bytes());
                push_number(&mut key, segment);
                push_number(&mut key, chunk);
            }
            RowId::Staged { stage } => {
                key.extend_from_slice(b"STAGED/");
                key.extend_from_slice(&stage.to_be_bytes());
            }
            RowId::StageIndex { stage, segment } => {
                key.extend_from_slice(b"STIX/");
                key.extend_from_slice(&stage.to_be_bytes());
                push_number(&mut key, segment);
            }
        }
        key
    }

    /// The key of the floor of the database's bucket: one of 256, by the checksum of the prefix, which
    /// a multiplication spreads, since names that differ in their last letters only leave most of its
    /// bits alike.
    pub(crate) fn floor(&self) -> Vec<u8> {
        let checksum = crc_fast::checksum(CrcAlgorithm::Crc64GoIso, &self.prefix);
        let mut key = vec![STORE_SPACE];
        key.extend_from_slice(b"FLOOR/");
        key.push((checksum.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8);
        key
    }

    /// The half-open range of all keys of the database.
    pub(crate) fn range(&self) -> (Vec<u8>, Vec<u8>) {
        let mut end = self.prefix.clone();
        if let Some(last) = end.last_mut() {
            *last = END + 1;
        }
        (self.prefix.clone(), end)
    }

    /// The half-open range of all keys whose path begins with the name of a kind and its slash.
    pub(crate) fn kind(&self, path: &str) -> (Vec<u8>, Vec<u8>) {
        let start = [&self.prefix[..], path.as_bytes()].concat();
        let mut end = start.clone();
        if let Some(last) = end.last_mut() {
            *last += 1;
        }
        (start, end)
    }

    /// The half-open range from one row to another of the same kind, both included.
    pub(crate) fn between(&self, first: RowId, last: RowId) -> (Vec<u8>, Vec<u8>) {
        let mut end = self.key(last);
        end.push(0);
        (self.key(first), end)
    }

    /// The row of a key of this database; `None` if no row has such a key.
    pub(crate) fn parse(&self, key: &[u8]) -> Option<RowId> {
        let path = key.strip_prefix(self.prefix.as_slice())?;
        match path {
            b"EPOCH" => return Some(RowId::Epoch),
            b"HEAD" => return Some(RowId::Head),
            b"HINTS" => return Some(RowId::Hints),
            b"ROOT" => return Some(RowId::Root),
            b"BUILD" => return Some(RowId::Build),
            _ => {}
        }
        let slash = path.iter().position(|&byte| byte == b'/')?;
        let mut numbers = Numbers(&path[slash + 1..]);
        let row = match &path[..slash] {
            b"DELTA" => RowId::Delta { txid: numbers.txid()?, chunk: numbers.after_slash()? },
            b"PAST" => RowId::Past { watermark: numbers.txid()? },
            b"PIDX" => RowId::Pidx { txid: numbers.txid()? },
            b"GONE" => RowId::Gone { at: numbers.txid()?, shard: numbers.after_slash()? },
            b"SHARD" => {
                let (shard, as_of) = numbers.version()?;
                RowId::Shard { shard, as_of, chunk: numbers.after_slash()? }
            }
            b"SIDX" => {
                let (shard, as_of) = numbers.version()?;
                RowId::Sidx { shard, as_of }
            }
            b"STAGE" => RowId::Stage {
                stage: numbers.long()?,
                segment: numbers.after_slash()?,
                chunk: numbers.after_slash()?,
            },
            b"STAGED" => RowId::Staged { stage: numbers.long()? },
            b"STIX" => {
                RowId::StageIndex { stage: numbers.long()?, segment: numbers.after_slash()? }
            }
            _ => return None,
        };
        numbers.0.is_empty().then_some(row)
    }

    /// A key in words: its row, or its path as it is where there is no such row.
    pub(crate) fn describe(&self, key: &[u8]) -> String {
        match self.parse(key) {
            Some(row) => row.to_string(),
            None => {
                key.strip_prefix(self.prefix.as_slice()).unwrap_or(key).escape_ascii().to_string()
            }
        }
    }
}

/// Appends a slash and a number of 32 bits.
fn push_number(key: &mut Vec<u8>, number: u32) {
    key.push(b'/');
    key.extend_from_slice(&number.to_be_bytes());
}

fn push_version(key: &mut Vec<u8>, shard: u32, as_of: Txid) {
    key.extend_from_slice(&shard.to_be_bytes());
    key.push(b'/');
    key.extend_from_slice(&as_of.get().to_be_bytes());
}

/// Takes numbers off the end of a key.
struct Numbers<'a>(&'a [u8]);

impl Numbers<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (number, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*number)
    }

    fn long(&mut self) -> Option<u64> {
        self.take().map(u64::from_be_bytes)
    }

    fn txid(&mut self) -> Option<Txid> {
        self.long().map(Txid::new)
    }

    fn number(&mut self) -> Option<u32> {
        self.take().map(u32::from_be_bytes)
    }

    fn slash(&mut self) -> Option<()> {
        (self.take::<1>()? == *b"/").then_some(())
    }

    fn after_slash(&mut self) -> Option<u32> {
        self.slash()?;
        self.number()
    }

    fn version(&mut self) -> Option<(u32, Txid)> {
        let shard = self.number()?;
        self.slash()?;
        Some((shard, self.txid()?))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn rows() -> Vec<RowId> {
        let (txid, as_of) = (Txid::new(0x2f2f_0001), Txid::new(u64::MAX));
        vec![
            RowId::Build,
            RowId::Delta { txid, chunk: 0x2f },
            RowId::Epoch,
            RowId::Gone { at: txid, shard: 3 },
            RowId::Head,
            RowId::Hints,
            RowId::Past { watermark: txid },
            RowId::Pidx { txid },
            RowId::Root,
            RowId::Shard { shard: 7, as_of, chunk: 1 },
            RowId::Sidx { shard: 7, as_of },
            RowId::Stage { stage: 0x2f2f, segment: 0x2f, chunk: 9 },
            RowId::Staged { stage: 0x2f2f },
            RowId::StageIndex { stage: 0x2f2f, segment: 0x2f },
        ]
    }

    #[test]
    fn every_key_parses_back_and_nothing_near_it_does() {
        let keys = Keys::new(&ActorId::new("tenant", "room/42").unwrap());
        for row in rows() {
            let key = keys.key(row);
            assert_eq!(keys.parse(&key), Some(row));
            let mut longer = key.clone();
            longer.push(b'/');
            assert_eq!(keys.parse(&longer), None, "{row}");
            assert_eq!(keys.parse(&key[..key.len() - 1]), None, "{row}");
        }
    }

    #[test]
    fn no_key_of_one_actor_lies_in_the_range_of_another() {
        let names = [("", "a"), ("", "a/b"), ("a", "b"), ("", "ab"), ("ab", "a"), ("a", "\u{1}")];
        let all: Vec<Keys> = names
            .iter()
            .map(|(space, name)| Keys::new(&ActorId::new(space, name).unwrap()))
            .collect();
        for (at, one) in all.iter().enumerate() {
            let (start, end) = one.range();
            for (other_at, other) in all.iter().enumerate() {
                for row in rows() {
                    let key = other.key(row);
                    assert_eq!(start <= key && key < end, at == other_at);
                    assert_eq!(one.parse(&key).is_some(), at == other_at);
                }
            }
            for (space, _) in names {
                let counter = usage_key(space);
                assert!(counter < start || counter >= end, "{space:?}");
            }
        }
    }

    #[test]
    fn databases_are_spread_over_all_buckets_and_stay_in_theirs() {
        let floor =
            |space: &str, name: &str| Keys::new(&ActorId::new(space, name).unwrap()).floor();
        let mut counts = [0; 256];
        for at in 0..4_096 {
            let key = floor("", &format!("actor-{at}"));
            assert!(key.starts_with(b"\x04FLOOR/") && key.len() == 8);
            counts[usize::from(key[7])] += 1;
        }
        assert!(counts.iter().all(|&count| (1..48).contains(&count)), "{counts:?}");
        assert_ne!(floor("test", "a"), floor("test", "b"));
        // Another bucket would be another floor: whoever changes it grants generations twice.
        assert_eq!([floor("", "a")[7], floor("n", "room-42")[7]], [201, 121]);
    }

    #[test]
    fn keys_of_one_kind_come_in_numeric_order() {
        let keys = Keys::new(&ActorId::new("", "a").unwrap());
        let row = |shard, as_of, chunk| RowId::Shard { shard, as_of: Txid::new(as_of), chunk };
        let ascending =
            [row(0, 2, 1), row(0, 256, 0), row(1, 2, 0), row(256, 1, 9), row(257, 0, 0)];
        let stored: Vec<_> = ascending.iter().map(|&row| keys.key(row)).collect();
        assert!(stored.is_sorted());
    }

    #[test]
    fn a_shard_has_its_pages_without_the_lock_page_and_ends_with_the_database() {
        let size = PageSize::new(65_536).unwrap();
        let lock = size.lock_page();
        let shard = shard_of(lock);
        let pages: Vec<_> = shard_pages(shard, u32::MAX, size).collect();
        assert_eq!(pages.len(), 63);
        assert!(!pages.contains(&lock));
        assert!(pages.iter().all(|&pgno| shard_of(pgno) == shard));
        assert_eq!(shard_pages(0, 3, size).count(), 3);
        assert_eq!(shard_pages(1, 64, size).count(), 0);
        assert_eq!(shard_pages(u32::MAX / 64, u32::MAX, size).count(), 63);
    }
}
