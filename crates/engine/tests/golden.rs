//! Stores written by earlier versions are read for ever, and this version writes what it wrote.
//!
//! Each file in `golden/rows` is the dump of a small store: a line a row, key and value in hex. When
//! the format gets a new version, its dump is added and the others stay. `WRITE_GOLDEN=1` writes
//! the newest dump.

#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use actor_sqlite_engine::{CompactionOptions, EngineOptions};
use actor_sqlite_kv::{Fault, FaultKv, Image, Limits, MemKv, OpKind, SyncMode};
use actor_sqlite_ltx::Pgno;
use actor_sqlite_pagestore::{ActorId, HintRange, Hints, PageStore, PageStoreAdmin};
use common::*;

const NEWEST: &str = "v2.hex";
/// Of a database with staged commits.
const STAGED: &str = "v2-staged.hex";

/// Of a database that was deleted and made anew.
const DELETED: &str = "v2-deleted.hex";

fn path(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../golden/rows").join(file)
}

fn limits() -> Limits {
    Limits { value_bytes_preferred: 600, ..MemKv::LIMITS }
}

fn options() -> EngineOptions {
    let compaction =
        CompactionOptions { batch_bytes: 600, retention_txids: 0, ..CompactionOptions::default() };
    EngineOptions { compaction, ..EngineOptions::default() }
}

fn names() -> [ActorId; 2] {
    [ActorId::new("golden", "folded").unwrap(), ActorId::new("", "unfinished").unwrap()]
}

/// What a page holds after a commit, without any help of a library.
fn page(pgno: u32, txid: u32) -> Vec<u8> {
    (0..512_u32).map(|at| if at % 7 == 0 { (at * pgno + txid) as u8 } else { pgno as u8 }).collect()
}

fn pages(txid: u32, numbers: &[u32]) -> Pages {
    numbers.iter().map(|&pgno| (pgno, page(pgno, txid))).collect()
}

/// What both databases hold.
fn content() -> Pages {
    let mut content = pages(1, &[2, 4]);
    content.extend(pages(2, &[66]));
    content.extend(pages(3, &[3]));
    content.extend(pages(4, &[1]));
    for pgno in 5..=65 {
        content.insert(pgno, page(pgno, 2));
    }
    content
}

fn hints() -> Hints {
    let range =
        |(first, pages, score)| HintRange { first: Pgno::new(first).unwrap(), pages, score };
    Hints { ranges: [(2, 3, 200), (5, 1, 7), (60, 300, 0)].map(range).to_vec() }
}

fn owner(kv: &Arc<FaultKv>, name: &ActorId) -> Owner {
    Owner::claim(&engine_with(kv.clone(), options()), name)
}

fn write() -> Image {
    let kv = Arc::new(FaultKv::with(Image::default(), SyncMode::OnDemand, limits()));
    let grown: Vec<u32> = (5..=66).collect();
    for (at, name) in names().iter().enumerate() {
        let mut owner = owner(&kv, name);
        owner.commit(&pages(1, &[1, 2, 3, 4]), 4).unwrap();
        owner.commit(&pages(2, &grown), 66).unwrap();
        if at == 0 {
            owner.engine.compact(name).unwrap();
            assert!(owner.engine.reclaim(name, 1).unwrap().rows > 0);
        }
        owner.commit(&pages(3, &[3]), 66).unwrap();
        if at == 0 {
            owner.engine.compact(name).unwrap();
        } else {
            // The second batch of the compaction does not come.
            let commits = kv.counters().commits;
            kv.fail_nth(OpKind::Commit, commits + 2, Fault::Unavailable);
            owner.engine.compact(name).unwrap_err();
        }
        owner.commit(&pages(4, &[1]), 66).unwrap();
        if at == 0 {
            owner.engine.save_hints(&owner.lease, &hints()).unwrap();
        }
        assert_eq!(owner.model, content());
    }
    kv.image()
}

fn staged_name() -> ActorId {
    ActorId::new("golden", "staged").unwrap()
}

/// What the database with staged commits holds.
fn staged_content() -> Pages {
    let mut content = pages(1, &[1, 2, 3, 4, 5, 6, 7, 8]);
    content.extend(pages(11, &[4, 5]));
    content.extend(pages(2, &[1, 9]));
    content.extend(pages(3, &[2, 3]));
    content.extend(pages(13, &[3, 10]));
    content
}

/// A staged commit of two segments of which one is reclaimed, one that is not folded, a stage that
/// was given up, and one that is open.
fn write_staged() -> Image {
    let kv = Arc::new(FaultKv::with(Image::default(), SyncMode::OnDemand, limits()));
    let name = staged_name();
    let mut owner = owner(&kv, &name);
    let id = owner.next_id();
    let parts = [pages(1, &[1, 2, 3, 4, 5, 6, 7, 8]), pages(11, &[4, 5])];
    parts.iter().for_each(|part| owner.stage(id, part).unwrap());
    owner.commit_staged(id, &parts, &Pages::new(), 8).unwrap();
    owner.commit(&pages(2, &[1, 9]), 9).unwrap();
    owner.engine.compact(&name).unwrap();
    let few = EngineOptions {
        compaction: CompactionOptions { batch_bytes: 1, ..options().compaction },
        ..options()
    };
    assert!(engine_with(kv.clone(), few).reclaim(&name, 1).unwrap().more);
    let id = owner.next_id();
    let parts = [pages(3, &[2, 3, 12]), pages(13, &[10])];
    parts.iter().for_each(|part| owner.stage(id, part).unwrap());
    owner.commit_staged(id, &parts, &pages(13, &[3]), 10).unwrap();
    let id = owner.next_id();
    owner.stage(id, &pages(4, &[1, 2])).unwrap();
    owner.engine.discard(&owner.lease, id);
    let id = owner.next_id();
    owner.stage(id, &pages(5, &[3])).unwrap();
    assert_eq!(owner.model, staged_content());
    kv.image()
}

fn deleted_name() -> ActorId {
    ActorId::new("", "deleted").unwrap()
}

/// The second life of a database, whose first one had two owners.
fn write_deleted() -> Image {
    let kv = Arc::new(FaultKv::with(Image::default(), SyncMode::OnDemand, limits()));
    let name = deleted_name();
    owner(&kv, &name).commit(&pages(9, &[1]), 1).unwrap();
    let engine = owner(&kv, &name).engine;
    assert!(engine.delete(&name).unwrap().existed);
    owner(&kv, &name).commit(&pages(1, &[1, 2]), 2).unwrap();
    kv.image()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

fn dump(image: &Image) -> String {
    image.iter().fold(String::new(), |mut text, (key, value)| {
        writeln!(text, "{} {}", hex(key), hex(value)).unwrap();
        text
    })
}

fn load(text: &str) -> Image {
    let mut image = Image::default();
    for line in text.lines() {
        let (key, value) = line.split_once(' ').unwrap();
        image.set(&unhex(key), &unhex(value));
    }
    image
}

#[test]
fn this_version_writes_what_it_always_wrote() {
    for (file, image) in [(NEWEST, write()), (STAGED, write_staged()), (DELETED, write_deleted())] {
        let written = dump(&image);
        if std::env::var("WRITE_GOLDEN").is_ok() {
            std::fs::create_dir_all(path("")).unwrap();
            std::fs::write(path(file), &written).unwrap();
        }
        let golden = std::fs::read_to_string(path(file)).unwrap();
        assert!(golden == written, "the rows written differ from {file}");
    }
}

#[test]
fn every_dump_is_read() {
    let mut files = 0;
    for entry in std::fs::read_dir(path("")).unwrap() {
        let path = entry.unwrap().path();
        let image = load(&std::fs::read_to_string(&path).unwrap());
        let kv = Arc::new(FaultKv::with(image, SyncMode::OnDemand, limits()));
        let staged = path.ends_with(STAGED);
        let (databases, content) = if staged {
            (vec![staged_name()], staged_content())
        } else if path.ends_with(DELETED) {
            (vec![deleted_name()], pages(1, &[1, 2]))
        } else {
            (names().to_vec(), content())
        };
        for name in databases {
            let engine = engine_with(kv.clone(), options());
            let report = engine.verify(&name).unwrap();
            assert_eq!(report.damage, [], "{}", path.display());
            let hinted = kv.image().keys().iter().any(|key| key.ends_with(b"HINTS"));
            let there = claim(&engine, &name).unwrap().hints;
            let saved = hinted && name == names()[0];
            assert_eq!(there, if saved { hints() } else { Hints::default() });
            let mut owner = owner(&kv, &name);
            assert_eq!(owner.model, content, "{} of {}", name, path.display());
            owner.commit(&pages(5, &[2]), owner.head.size).unwrap();
            engine.compact(&name).unwrap();
            assert_eq!(engine.sweep(&name, 9).unwrap().rows > 0, staged);
            engine.reclaim(&name, 9).unwrap();
            owner.check();
            assert_sound(&engine, &name);
            engine.release(&owner.lease);
        }
        let upgraded = kv.image();
        for row in ["HEAD", "ROOT"] {
            let mut formats = formats_of(&upgraded, row);
            assert!(formats.all(|format| format == 2), "{row} of {}", path.display());
        }
        files += 1;
    }
    println!("{files} dumps");
    assert!(files > 0);
}

/// The format bytes of all rows whose path is or begins with that.
fn formats_of<'a>(image: &'a Image, path: &'a str) -> impl Iterator<Item = u8> + 'a {
    let rows = image.iter().filter(move |(key, _)| {
        let begin = key.iter().rposition(|&byte| byte == 0).map_or(0, |end| end + 1);
        path.ends_with('/') && contains(key, path.as_bytes()) || &key[begin..] == path.as_bytes()
    });
    rows.map(|(_, value)| value[0])
}

fn contains(key: &[u8], path: &[u8]) -> bool {
    key.windows(path.len()).any(|window| window == path)
}

#[test]
fn the_dump_has_every_kind_of_row_in_its_newest_format() {
    let image = load(&std::fs::read_to_string(path(NEWEST)).unwrap());
    let kinds = [
        ("BUILD", 1),
        ("DELTA/", 1),
        ("EPOCH", 1),
        ("GONE/", 1),
        ("HEAD", 2),
        ("HINTS", 1),
        ("PAST/", 1),
        ("PIDX/", 1),
        ("ROOT", 2),
        ("SHARD/", 1),
        ("SIDX/", 1),
    ];
    let mut rows = 0;
    for (kind, newest) in kinds {
        let formats: Vec<u8> = formats_of(&image, kind).collect();
        assert!(!formats.is_empty() && formats.iter().all(|&format| format == newest), "{kind}");
        rows += formats.len();
    }
    // The counter of the one namespace has no envelope.
    let counters: Vec<_> = image.iter().filter(|(key, _)| key[0] != 2).collect();
    assert_eq!(counters.len(), 1);
    assert_eq!((counters[0].0, counters[0].1.len()), (&b"\x03golden\0USAGE"[..], 16));
    assert_eq!(rows + counters.len(), image.len());
    let image = load(&std::fs::read_to_string(path(DELETED)).unwrap());
    let floors: Vec<_> = image.iter().filter(|(key, _)| key[0] == 4).collect();
    assert_eq!(floors.len(), 1);
    assert_eq!(floors[0].0, b"\x04FLOOR/\xfd");
    // Format 1, generation 2.
    assert_eq!(floors[0].1[..9], [1, 0, 0, 0, 0, 0, 0, 0, 2]);
    let image = load(&std::fs::read_to_string(path(STAGED)).unwrap());
    for (kind, formats) in
        [("PIDX/", &[2, 1, 2][..]), ("STAGE/", &[1; 7]), ("STAGED/", &[1; 2]), ("STIX/", &[1; 6])]
    {
        assert_eq!(formats_of(&image, kind).collect::<Vec<_>>(), formats, "{kind}");
    }
}
