//! A census of the store: after random work with crashes in it, and maintenance until nothing is
//! left to do, every row is there for a reason that is found out here a second time, from the
//! document of the format; no row that has one is missing; and the totals are those of the counters.
//!
//! `CASES` and `SEED` make it longer, or other.

#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use actor_sqlite_campaign::{Campaign, Counts};
use actor_sqlite_kv::Image;
use actor_sqlite_pagestore::{ActorId, PageStore};
use common::recovery::maintain;
use common::workload::{Setting, States, World, differing, ops, rows_of, text};
use common::*;
use fastrand::Rng;

const OPS: usize = 70;
const CRASHES: usize = 3;
/// Bytes that a shard takes beside its compressed pages, at most: 31 a page in the two lists of its
/// file and its index, and what is around the chunks.
const SHARD_BYTES: usize = 64 * 31 + 500;

/// Two namespaces with a counter, and the one without.
fn names() -> Vec<ActorId> {
    let names = [("one", "a"), ("two", "a"), ("one", "b"), ("", "a")];
    names.map(|(namespace, name)| ActorId::new(namespace, name).unwrap()).to_vec()
}

/// Numbers off the front of a payload or a key.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn skip(&mut self, count: usize) -> Result<&mut Self, String> {
        self.0 = self.0.get(count..).ok_or("a row is too short")?;
        Ok(self)
    }

    fn number(&mut self, len: usize) -> Result<u64, String> {
        let bytes = self.0.get(..len).ok_or("a row is too short")?;
        let number = bytes.iter().fold(0, |number, &byte| number << 8 | u64::from(byte));
        self.skip(len)?;
        Ok(number)
    }

    fn varint(&mut self) -> Result<u64, String> {
        let mut number = 0;
        for shift in (0..32).step_by(7) {
            let byte = self.number(1)?;
            number |= (byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err("a number is too long".into())
    }
}

/// The rows of one database, and those of them that have a reason.
struct Accounts<'a> {
    rows: BTreeMap<&'a [u8], &'a [u8]>,
    reasons: BTreeMap<Vec<u8>, &'static str>,
    /// Frames in the last shard of pages that were cut off, in bytes: they go when the shard is written
    /// again.
    cut: u64,
}

/// What one database takes.
#[derive(Clone, Copy, Default)]
struct Stored {
    bytes: i64,
    /// Of pages that were cut off.
    cut: u64,
}

/// A path of some numbers, each with its bytes.
fn path(kind: &str, numbers: &[(u64, usize)]) -> Vec<u8> {
    let number = |&(number, len): &(u64, usize)| [b"/", &number.to_be_bytes()[8 - len..]].concat();
    [kind.as_bytes(), &numbers.iter().flat_map(number).collect::<Vec<_>>()].concat()
}

impl<'a> Accounts<'a> {
    /// Enters a row that must be there, and answers with what its value has in it.
    fn need(&mut self, path: Vec<u8>, reason: &'static str) -> Result<Bytes<'a>, String> {
        let value = self
            .rows
            .get(&path[..])
            .ok_or_else(|| format!("{} is missing: {reason}", path.escape_ascii()))?;
        self.reasons.insert(path, reason);
        Ok(Bytes(&value[1..value.len() - 8]))
    }

    /// Enters a file's chunks, as many as a list says.
    fn chunks(
        &mut self,
        mut list: Bytes<'_>,
        chunk: impl Fn(u64) -> Vec<u8>,
        reason: &'static str,
    ) -> Result<(), String> {
        for at in 0..list.varint()? {
            self.need(chunk(at), reason)?;
        }
        Ok(())
    }

    /// Enters a file's index and its chunks.
    fn file(
        &mut self,
        index: Vec<u8>,
        chunk: impl Fn(u64) -> Vec<u8>,
        reason: &'static str,
    ) -> Result<(), String> {
        let mut index = self.need(index, reason)?;
        index.skip(20)?;
        self.chunks(index, chunk, reason)
    }

    /// The rows of a kind: the bytes of the path behind its name, and the payloads.
    fn of(&self, kind: &str) -> Vec<(Vec<u8>, Bytes<'a>)> {
        let rest = |(path, value): (&&[u8], &&'a [u8])| {
            let path = path.strip_prefix(kind.as_bytes())?.strip_prefix(b"/")?;
            Some((path.to_vec(), Bytes(&value[1..value.len() - 8])))
        };
        self.rows.iter().filter_map(rest).collect()
    }

    /// One commit: its delta, or the segments of its stage.
    fn commit(&mut self, txid: u64, reason: &'static str) -> Result<(), String> {
        let pidx = path("PIDX", &[(txid, 8)]);
        let format = self.rows.get(&pidx[..]).map_or(1, |value| value[0]);
        if format == 1 {
            let chunk = |at| path("DELTA", &[(txid, 8), (at, 4)]);
            return self.file(pidx, chunk, reason);
        }
        let mut index = self.need(pidx, reason)?;
        let (stage, segments) = (index.skip(20)?.number(8)?, index.number(4)?);
        self.need(path("STAGED", &[(stage, 8)]), reason)?;
        for segment in 0..segments {
            let stix = path("STIX", &[(stage, 8), (segment, 4)]);
            let chunk = |at| path("STAGE", &[(stage, 8), (segment, 4), (at, 4)]);
            self.file(stix, chunk, reason)?;
        }
        Ok(())
    }

    /// The spans of states that the retention keeps, and the state from which on all are readable.
    fn spans(&mut self, (head, watermark): (u64, u64), setting: &Setting) -> Result<u64, String> {
        let options = setting.options;
        let retention = options.compaction.retention_txids;
        // History gives way before a quota refuses a commit.
        let quota = options.actor_quota_bytes.or(options.namespace_quota_bytes).is_some();
        let mut base = watermark;
        for (mut rest, mut past) in self.of("PAST") {
            let (from, next) = (Bytes(&std::mem::take(&mut rest)).number(8)?, past.number(8)?);
            if next + retention > head {
                self.need(path("PAST", &[(from, 8)]), "a span that is kept")?;
                base = base.min(from);
            }
        }
        if !quota && base > head.saturating_sub(retention) {
            return Err(format!("states from {base} of {head} are kept, {retention} should be"));
        }
        Ok(base)
    }

    fn shards(&mut self, size: u64) -> Result<(), String> {
        for shard in 0..size.div_ceil(64) {
            let prefix = path("SIDX", &[(shard, 4)]);
            let newest = self.rows.keys().rfind(|path| path.starts_with(&prefix));
            let index = newest.ok_or_else(|| format!("shard {shard} has no version"))?.to_vec();
            let as_of = Bytes(&index[prefix.len() + 1..]).number(8)?;
            let chunk = |at| path("SHARD", &[(shard, 4), (as_of, 8), (at, 4)]);
            let mut pages = self.need(index.clone(), "the newest version of its shard")?;
            self.file(index, chunk, "the newest version of its shard")?;
            pages.skip(20)?;
            for _ in 0..pages.varint()? {
                pages.varint()?;
            }
            let mut page = 0;
            for _ in 0..pages.varint()? {
                page += pages.varint()?;
                let frame = pages.varint()?;
                self.cut += if page > size { frame } else { 0 };
                pages.skip(8)?;
            }
        }
        Ok(())
    }

    /// Replaced versions that a state from the base on needs.
    fn replaced(&mut self, base: u64) -> Result<(), String> {
        for (rest, _) in self.of("GONE") {
            let mut key = Bytes(&rest);
            let (at, shard) = (key.number(8)?, key.skip(1)?.number(4)?);
            if at > base {
                let reason = "a replaced version that is kept";
                let mut gone = self.need(path("GONE", &[(at, 8), (shard, 4)]), reason)?;
                let as_of = gone.number(8)?;
                let chunk = |at| path("SHARD", &[(shard, 4), (as_of, 8), (at, 4)]);
                self.chunks(gone, chunk, reason)?;
            }
        }
        Ok(())
    }
}

/// Looks for the reason of every row of one database, and adds up what they take.
fn database(image: &Image, name: &ActorId, setting: &Setting) -> Result<Stored, String> {
    let rows: BTreeMap<_, _> = rows_of(image, name).into_iter().collect();
    let mut accounts = Accounts { rows, reasons: BTreeMap::new(), cut: 0 };
    accounts.need(b"EPOCH".to_vec(), "the owner")?;
    let mut head = accounts.need(b"HEAD".to_vec(), "the newest state")?;
    let mut root = accounts.need(b"ROOT".to_vec(), "how far compaction has come")?;
    if accounts.rows.contains_key(&b"HINTS"[..]) {
        accounts.need(b"HINTS".to_vec(), "the hints")?;
    }
    let (txid, charged) = (head.skip(8)?.number(8)?, head.skip(32)?.number(8)?);
    let (watermark, size) = (root.number(8)?, root.skip(16)?.number(4)?);
    let (folded, credited) = (root.skip(8)?.number(8)?, root.number(8)?);
    let base = accounts.spans((txid, watermark), setting)?;
    for txid in base + 1..=txid {
        let reason = if txid > watermark { "an open delta" } else { "a delta that is kept" };
        accounts.commit(txid, reason)?;
    }
    accounts.shards(size)?;
    accounts.replaced(base)?;
    let stray: BTreeSet<_> = accounts.rows.keys().map(|path| path.to_vec()).collect();
    let without = stray.into_iter().find(|path| !accounts.reasons.contains_key(path));
    if let Some(path) = without {
        return Err(format!("{} has no reason", path.escape_ascii()));
    }
    let prefix = name.namespace().len() + name.name().len() + 3;
    let stored = |(path, value): (&&[u8], &&[u8])| prefix + path.len() + value.len();
    let stored = accounts.rows.iter().map(stored).sum::<usize>() as i64;
    let counted = charged as i64 + folded as i64 - credited as i64;
    if counted != stored {
        return Err(format!("{stored} bytes are stored, {counted} are counted"));
    }
    Ok(Stored { bytes: stored, cut: accounts.cut })
}

/// The floor of a database's bucket.
fn floor_key(name: &ActorId) -> Vec<u8> {
    let prefix = [b"\x02", name.namespace().as_bytes(), b"\0", name.name().as_bytes(), b"\0"];
    let checksum = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc64GoIso, &prefix.concat());
    let bucket = checksum.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes()[0];
    [b"\x04FLOOR/", &[bucket][..]].concat()
}

/// The highest generation of each database that was deleted, 0 if none was.
type Floors = Vec<u64>;

/// Looks for the reason of every row of a store. What each database takes.
fn census(image: &Image, setting: &Setting, floors: &Floors) -> Result<Vec<Stored>, String> {
    let (mut stored, mut rows) = (Vec::new(), 0);
    let mut namespaces: BTreeMap<String, i64> = BTreeMap::new();
    for name in names() {
        let taken =
            database(image, &name, setting).map_err(|reason| format!("{name}: {reason}"))?;
        rows += rows_of(image, &name).len();
        stored.push(taken);
        *namespaces.entry(name.namespace().to_owned()).or_default() += taken.bytes;
    }
    namespaces.remove("");
    for (namespace, bytes) in &namespaces {
        let key = [b"\x03", namespace.as_bytes(), b"\0USAGE"].concat();
        let expected = [bytes.to_le_bytes(), (-bytes).to_le_bytes()].concat();
        if image.get(&key) != Some(&expected[..]) {
            return Err(format!("namespace {namespace} stores {bytes} and counts otherwise"));
        }
    }
    let mut buckets: BTreeMap<_, u64> = BTreeMap::new();
    for (name, &floor) in names().iter().zip(floors).filter(|(_, floor)| **floor > 0) {
        let highest = buckets.entry(floor_key(name)).or_default();
        *highest = floor.max(*highest);
    }
    for (key, floor) in &buckets {
        let found = image.get(key).map(|value| Bytes(&value[1..value.len() - 8]).number(8));
        if found != Some(Ok(*floor)) {
            return Err(format!("the floor is {found:?} where generation {floor} was deleted"));
        }
    }
    match image.len() - rows - namespaces.len() - buckets.len() {
        0 => Ok(stored),
        others => Err(format!("{others} rows belong to nobody")),
    }
}

/// Random work with crashes in it, and maintenance until nothing is left to do.
fn settled(seed: u64, setting: &Setting) -> Result<(Image, Vec<Pages>, Floors), String> {
    let mut rng = Rng::with_seed(seed);
    let (mut image, mut states) = (Image::default(), vec![States::default(); names().len()]);
    let mut floors = vec![0; names().len()];
    for _ in 0..CRASHES {
        let kv = setting.store(image);
        let mut world = World::new(*setting, kv.clone(), states);
        world.names = names();
        world.run(&ops(&mut rng, OPS, setting.databases))?;
        let boundaries = kv.boundaries().len();
        let mut crashes = kv.crash_images_at(rng.usize(boundaries / 2..boundaries));
        let crash = crashes.swap_remove(rng.usize(..crashes.len()));
        states = world.states.iter().map(|states| States::of(states.at(crash.kept))).collect();
        for (floor, deletions) in floors.iter_mut().zip(&world.deletions) {
            let kept = deletions.iter().filter(|(ticket, _)| *ticket <= crash.kept);
            *floor = kept.map(|(_, generation)| *generation).fold(*floor, u64::max);
        }
        image = crash.image;
    }
    let kv = setting.store(image);
    let engine = setting.engine(kv.clone());
    let mut contents = Vec::new();
    for (name, states) in names().iter().zip(&states) {
        let owner = Owner::try_claim(&engine, name).map_err(text)?;
        engine.maintain(Default::default());
        maintain(&engine, name)?;
        let content = owner.read_all().map_err(text)?;
        if let Some(difference) = differing(&states.last(), &content) {
            return Err(format!("{name}: {difference}"));
        }
        engine.release(&owner.lease);
        assert_sound(&engine, name);
        contents.push(content);
    }
    Ok((kv.image(), contents, floors))
}

fn setting(seed: u64) -> Setting {
    let mut setting = Setting::random(&mut Rng::with_seed(seed));
    setting.databases = names().len() as u8;
    if seed.is_multiple_of(2) {
        setting.options.compaction.retention_txids = 0;
        setting.limits.value_bytes_preferred = 32 << 10;
    }
    setting
}

/// With nothing retained, what is stored is little more than the pages, compressed one by one, and
/// those of the last shard that were cut off.
fn bounded(content: &Pages, stored: Stored) -> Result<(), String> {
    let pages = content.values().map(|page| lz4_flex::block::compress(page).len()).sum::<usize>();
    let limit = pages * 3 / 2 + 2_048 + content.len().div_ceil(64) * SHARD_BYTES;
    let taken = stored.bytes as u64 - stored.cut;
    if taken as usize <= limit {
        return Ok(());
    }
    Err(format!("{} pages of {pages} bytes take {taken}, not {limit}", content.len()))
}

fn case(seed: u64) -> Result<Counts, String> {
    let setting = setting(seed);
    let (image, contents, floors) = settled(seed, &setting)?;
    let retention = setting.options.compaction.retention_txids;
    let stored = census(&image, &setting, &floors)?;
    let mut counts = Counts::default();
    counts.add("rows", image.len() as u64);
    counts.add("pages", contents.iter().map(|content| content.len() as u64).sum());
    for kind in ["GONE/", "PAST/", "STAGED/", "DELTA/", "SHARD/", "HINTS", "FLOOR/"] {
        let of = |key: &[u8]| key.windows(kind.len()).any(|part| part == kind.as_bytes());
        counts.add(kind, image.keys().iter().filter(|key| of(key)).count() as u64);
    }
    if retention == 0 && setting.limits.value_bytes_preferred == 32 << 10 {
        for (content, stored) in contents.iter().zip(stored) {
            bounded(content, stored)?;
            counts.add("bounded", 1);
        }
    }
    Ok(counts)
}

#[test]
fn every_row_has_a_reason_and_no_reason_lacks_its_row() {
    let arguments = "-p actor-sqlite-engine --test census every_row";
    let campaign = Campaign::new("census", arguments, Some(1), 200);
    let counts = campaign.run(case);
    if campaign.cases >= 100 {
        let kinds = ["GONE/", "PAST/", "STAGED/", "DELTA/", "SHARD/", "HINTS", "FLOOR/", "bounded"];
        for kind in kinds {
            assert!(counts.get(kind) > 0, "no {kind}");
        }
    }
}

/// Each row of a settled store taken away, and copies of rows put beside them, are found.
#[test]
fn a_census_finds_what_is_lost_and_what_was_left_behind() {
    for seed in seed(1).. {
        let setting = setting(seed);
        let (image, _, floors) = settled(seed, &setting).unwrap();
        census(&image, &setting, &floors).unwrap();
        for key in image.keys() {
            let mut lost = image.clone();
            lost.remove(&key);
            assert!(census(&lost, &setting, &floors).is_err(), "without {}", key.escape_ascii());
            for at in key.len().saturating_sub(5)..key.len() {
                let mut left = image.clone();
                let mut copy = key.clone();
                copy[at] ^= 0x40;
                left.set(&copy, image.get(&key).unwrap());
                assert!(census(&left, &setting, &floors).is_err(), "with {}", copy.escape_ascii());
            }
        }
        // One store at least has replaced versions; they have no reason if nothing is to be kept.
        let gone = |key: &Vec<u8>| key.windows(5).any(|part| part == b"GONE/");
        let retains = setting.options.compaction.retention_txids > 0;
        if retains && image.keys().iter().any(gone) && floors.iter().any(|&floor| floor > 0) {
            let mut nothing = setting;
            nothing.options.compaction.retention_txids = 0;
            assert!(census(&image, &nothing, &floors).is_err());
            return;
        }
    }
}
