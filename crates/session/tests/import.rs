//! SQLite files that become databases, over the engine.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actor_sqlite_engine::{Engine, EngineOptions};
use actor_sqlite_kv::MemKv;
use actor_sqlite_ltx::Pgno;
use actor_sqlite_pagestore::{ActorId, PageSink, PageStore, PageStoreAdmin, StoreError};
use actor_sqlite_session::*;
use common::{SystemClock, actor};
use fastrand::Rng;
use rusqlite::Connection;

/// The bytes of a file that SQLite makes.
fn file(rows: u32) -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file.db");
    let sqlite = Connection::open(&path).unwrap();
    let text = "CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB); CREATE INDEX i ON t (v);";
    sqlite.execute_batch(text).unwrap();
    let fill = "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < ?)
        INSERT INTO t SELECT i, randomblob(500) FROM n";
    sqlite.execute(fill, [rows]).unwrap();
    drop(sqlite);
    std::fs::read(path).unwrap()
}

fn engine() -> Arc<Engine> {
    Arc::new(Engine::new(Arc::new(MemKv::new()), Arc::new(SystemClock), EngineOptions::default()))
}

fn host(engine: &Arc<Engine>) -> ImportHost {
    let withdrawing = Arc::clone(engine);
    ImportHost {
        store: Arc::clone(engine) as Arc<dyn PageStore>,
        admin: Arc::clone(engine) as Arc<dyn PageStoreAdmin>,
        withdraw: Arc::new(move |actor, generation| withdrawing.withdraw(actor, generation)),
        clock: Arc::new(SystemClock),
        scratch_dir: std::env::temp_dir(),
    }
}

fn begin(host: ImportHost, name: &ActorId, stop: &Arc<AtomicBool>) -> Import {
    let options = ImportOptions { owner: "test".into(), overwrite: false };
    Import::begin(host, name.clone(), options, Arc::clone(stop)).unwrap()
}

/// The pages side by side.
struct Content(Vec<u8>);

impl PageSink for Content {
    fn buffer(&mut self, pgno: Pgno) -> Option<&mut [u8]> {
        let at = (pgno.get() as usize - 1) * 4096;
        self.0.get_mut(at..at + 4096)
    }
}

fn content(engine: &Engine, name: &ActorId) -> Vec<u8> {
    let mut reader = engine.reader(name, None).unwrap();
    let size = reader.head().size;
    let pages: Vec<_> = (1..=size).filter_map(Pgno::new).collect();
    let mut content = Content(vec![0; size as usize * 4096]);
    reader.read(&pages, &mut content).unwrap();
    content.0
}

#[test]
fn parts_of_any_length_make_the_file() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    println!("SEED={seed}");
    let mut rng = Rng::with_seed(seed);
    let bytes = file(12_000);
    assert!(bytes.len() > 9 << 20);
    for length_max in [1 << 10, 1 << 20, 20 << 20] {
        let (engine, name) = (engine(), actor("a"));
        let mut import = begin(host(&engine), &name, &Arc::default());
        let mut rest = &*bytes;
        while !rest.is_empty() {
            let (part, after) = rest.split_at(rng.usize(0..=length_max).min(rest.len()));
            import.write(part).unwrap();
            rest = after;
        }
        let imported = import.finish().unwrap();
        assert_eq!(imported.pages as usize * 4096, bytes.len());
        assert!(content(&engine, &name) == bytes);
        assert_eq!(engine.verify(&name).unwrap().damage, []);
        // One commit, however large.
        assert_eq!(engine.stat(&name).unwrap().unwrap().head.txid.get(), 1);
    }
}

#[test]
fn an_import_that_is_stopped_or_dropped_leaves_no_database() {
    let bytes = file(12_000);
    for staged in [200, 5 << 20, bytes.len()] {
        let (engine, name, stop) = (engine(), actor("a"), Arc::new(AtomicBool::new(false)));
        let mut import = begin(host(&engine), &name, &stop);
        import.write(&bytes[..staged]).unwrap();
        assert!(engine.exists(&name).unwrap());
        stop.store(true, Ordering::Relaxed);
        if staged == bytes.len() {
            assert!(matches!(import.finish(), Err(ImportError::Stopped)));
        } else {
            assert!(matches!(import.write(&bytes[staged..]), Err(ImportError::Stopped)));
            drop(import);
        }
        assert!(!engine.exists(&name).unwrap());
    }
}

/// What SQLite finds is found in what was staged, before it is the database.
#[test]
fn damage_is_found_before_the_head_moves() {
    let bytes = file(3000);
    let mut rng = Rng::with_seed(7);
    for _ in 0..20 {
        let (engine, name) = (engine(), actor("a"));
        let mut damaged = bytes.clone();
        let page = rng.usize(1..bytes.len() / 4096);
        damaged[page * 4096..page * 4096 + 8].fill(0xEE);
        let mut import = begin(host(&engine), &name, &Arc::default());
        import.write(&damaged).unwrap();
        let refused = import.finish();
        assert!(matches!(refused, Err(ImportError::File { .. })), "page {page}: {refused:?}");
        assert!(!engine.exists(&name).unwrap());
        assert_eq!(engine.metrics().commits, 0);
    }
}

#[test]
fn an_owner_that_comes_in_between_keeps_the_database() {
    let bytes = file(12_000);
    let (engine, name) = (engine(), actor("a"));
    let mut import = begin(host(&engine), &name, &Arc::default());
    import.write(&bytes[..5 << 20]).unwrap();
    let claim = engine.claim(&name, &actor_sqlite_pagestore::ClaimOptions::new("owner")).unwrap();
    let refused = import.write(&bytes[5 << 20..]);
    assert!(matches!(refused, Err(ImportError::Store(StoreError::Fenced { .. }))), "{refused:?}");
    drop(import);
    let stat = engine.stat(&name).unwrap().unwrap();
    assert_eq!(stat.generation, claim.lease.generation());
}
