//! Scans are read ahead, random reads are not: counted in reads of the store.
#![allow(clippy::unwrap_used)]

mod support;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use actor_sqlite_ltx::Pgno;
use actor_sqlite_pagestore::{MemPageStore, PageStore};
use actor_sqlite_vfs::{PageCache, ReadOptions, VfsMetrics};
use rusqlite::ffi;
use support::random::Random;
use support::stores::Recording;
use support::*;

/// Rows of each table, four a page: 50 MiB.
const ROWS: u64 = 50 << 10;

/// The most reads that a scan of 50 MiB may take.
const SCAN_READS_MAX: u64 = 40;

/// Two tables of 50 MiB, written in turns so that the leaves of neither are neighbours, with an
/// index each, one without row numbers.
/// Made once, and lent to one test at a time: each claims it.
fn large() -> MutexGuard<'static, Arc<MemPageStore>> {
    static STORE: OnceLock<Mutex<Arc<MemPageStore>>> = OnceLock::new();
    let store = STORE.get_or_init(|| Mutex::new(make_large()));
    store.lock().unwrap_or_else(PoisonError::into_inner)
}

fn make_large() -> Arc<MemPageStore> {
    let reads = ReadOptions { hint_bytes_max: 0, ..ReadOptions::default() };
    let bench = Bench::new(Settings { reads, ..Settings::default() });
    let db = bench.open();
    db.exec(
        "CREATE TABLE a(id INTEGER PRIMARY KEY, key INT, body);
         CREATE TABLE b(id INTEGER PRIMARY KEY, key INT, body); BEGIN",
    );
    for table in ["a", "b"].into_iter().cycle().take(2 * 64) {
        db.exec(&format!(
            "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i < {})
             INSERT INTO {table}(key, body) SELECT i * 7919 % 50000, zeroblob(950) FROM n",
            ROWS / 64
        ));
    }
    db.exec(
        "COMMIT; CREATE INDEX a_key ON a(key);
         CREATE TABLE w(key, id, PRIMARY KEY(key, id)) WITHOUT ROWID;
         INSERT INTO w SELECT printf('%050d', key), id FROM a",
    );
    bench.store.clone()
}

/// A cold database of that store, with another cache.
fn cold(store: &Arc<MemPageStore>, mut settings: Settings) -> (Bench, Db) {
    settings.reads.hint_bytes_max = 0;
    let cache = PageCache::new(settings.cache_bytes);
    let bench = Bench { store: store.clone(), over: None, cache, settings };
    let db = bench.open();
    (bench, db)
}

fn roomy() -> Settings {
    Settings { cache_bytes: 128 << 20, ..Settings::default() }
}

/// What a statement read.
fn reads_of(db: &Db, sql: &str) -> VfsMetrics {
    let before = db.metrics();
    let mut statement = db.sql.prepare(sql).unwrap();
    let mut rows = statement.query([]).unwrap();
    while rows.next().unwrap().is_some() {}
    let after = db.metrics();
    VfsMetrics {
        store_reads: after.store_reads - before.store_reads,
        bytes_read: after.bytes_read - before.bytes_read,
        pages_predicted: after.pages_predicted - before.pages_predicted,
        pages_predicted_used: after.pages_predicted_used - before.pages_predicted_used,
        ..after
    }
}

#[test]
fn a_scan_of_50_mib_takes_few_reads() {
    let store = large();
    for sql in [
        "SELECT id, body FROM a",
        "SELECT id, body FROM a ORDER BY id DESC",
        "SELECT id, body FROM b",
    ] {
        let (_bench, db) = cold(&store, roomy());
        let read = reads_of(&db, sql);
        assert!(read.bytes_read >= 50 << 20, "{sql}: {} bytes", read.bytes_read);
        assert!(read.store_reads <= SCAN_READS_MAX, "{sql}: {} reads", read.store_reads);
        assert_eq!(read.pages_predicted, read.pages_predicted_used, "{sql}");
    }
    let (_bench, db) = cold(&store, roomy());
    let read = reads_of(&db, "SELECT a.id, a.body, b.body FROM a JOIN b USING(id)");
    assert!(read.store_reads <= 2 * SCAN_READS_MAX, "a join: {} reads", read.store_reads);
    for sql in ["SELECT key FROM a ORDER BY key", "SELECT * FROM w", "SELECT id FROM w"] {
        let (_bench, db) = cold(&store, roomy());
        let read = reads_of(&db, sql);
        assert!(read.bytes_read >= 500 << 10, "{sql}: {} bytes", read.bytes_read);
        assert!(read.store_reads <= 18, "{sql}: {} reads", read.store_reads);
        assert_eq!(read.pages_predicted, read.pages_predicted_used, "{sql}");
    }
}

/// What was learned was dropped, and the interior pages are in the page cache still: they are learned
/// again when SQLite reads them from there.
#[test]
fn interior_pages_in_the_cache_are_learned_again() {
    let bench = Bench::new(roomy());
    let db = bench.open();
    // Every fourth page is a leaf of `t`: their order in the file does not help.
    db.exec("CREATE TABLE t(a INTEGER PRIMARY KEY, b); CREATE TABLE u(a INTEGER PRIMARY KEY, b)");
    db.exec("BEGIN");
    for _ in 0..1000 {
        db.exec("INSERT INTO t(b) VALUES(zeroblob(3900))");
        db.exec("INSERT INTO u(b) SELECT zeroblob(3900) FROM (VALUES(1), (2), (3))");
    }
    db.exec("COMMIT");
    let (bench, db) = cold(&bench.store, roomy());
    for a in (1..1000).step_by(300) {
        assert_eq!(db.int(&format!("SELECT length(b) FROM t WHERE a = {a}")), 3900);
    }
    let Db { sql, mount } = db;
    sql.close().unwrap();
    mount.drop_read_ahead();
    let db = Db { sql: bench.connect(&mount).unwrap(), mount };
    let read = reads_of(&db, "SELECT b FROM t");
    assert!(read.bytes_read >= 3 << 20, "{} bytes", read.bytes_read);
    assert!(read.store_reads <= 20, "{} reads", read.store_reads);
}

#[test]
fn random_reads_bring_no_more_than_they_ask_for() {
    let store = large();
    let reads = |read_ahead_pages_max, scan_first: bool| {
        let reads = ReadOptions { read_ahead_pages_max, ..ReadOptions::default() };
        let (_bench, db) = cold(&store, Settings { reads, ..roomy() });
        if scan_first {
            db.exec("SELECT sum(length(body)) FROM b WHERE id < 30000");
        }
        let before = db.metrics();
        let mut random = Random::new(support::random::seed());
        let mut statement = db.sql.prepare("SELECT length(body) FROM a WHERE id = ?1").unwrap();
        for _ in 0..1000 {
            let id = (random.below(ROWS) + 1) as i64;
            statement.query_row([id], |_| Ok(())).unwrap();
        }
        let after = db.metrics();
        (after.store_reads - before.store_reads, after.bytes_read - before.bytes_read)
    };
    let (single_reads, single_bytes) = reads(0, false);
    for scan_first in [false, true] {
        let (ahead_reads, ahead_bytes) = reads(511, scan_first);
        assert!(ahead_reads <= single_reads, "{ahead_reads} reads instead of {single_reads}");
        assert!(ahead_bytes * 100 <= single_bytes * 104, "{ahead_bytes} not {single_bytes} bytes");
    }
}

#[test]
fn an_index_is_read_ahead_and_its_lookups_are_not() {
    let store = large();
    let single = ReadOptions { read_ahead_pages_max: 0, ..ReadOptions::default() };
    let sql = "SELECT length(body) FROM a INDEXED BY a_key WHERE key BETWEEN 100 AND 4000";
    let (_bench, db) = cold(&store, Settings { reads: single, ..roomy() });
    let single = reads_of(&db, sql);
    let (_bench, db) = cold(&store, roomy());
    let ahead = reads_of(&db, sql);
    assert!(ahead.store_reads <= single.store_reads);
    assert!(ahead.bytes_read * 100 <= single.bytes_read * 104, "{ahead:?} {single:?}");
}

#[test]
fn a_long_value_takes_few_reads() {
    let bench = Bench::new(Settings { cache_bytes: 128 << 20, ..Settings::default() });
    let db = bench.open();
    db.exec("CREATE TABLE t(a, b); INSERT INTO t VALUES(1, zeroblob(50 << 20))");
    let (_bench, db) = cold(&bench.store, roomy());
    let read = reads_of(&db, "SELECT b FROM t");
    assert!(read.bytes_read >= 50 << 20);
    assert!(read.store_reads <= SCAN_READS_MAX, "{} reads", read.store_reads);
}

#[test]
fn a_share_of_the_cache_is_the_most_that_one_read_brings() {
    let store = large();
    for (cache_bytes, most) in [(1 << 20, 32), (8 * 4208, 1), (1 << 10, 0)] {
        let recording = Arc::new(Recording::new((*store).clone()));
        let reads = ReadOptions { hint_bytes_max: 0, ..ReadOptions::default() };
        let settings = Settings { cache_bytes, reads, ..Settings::default() };
        let cache = PageCache::new(cache_bytes);
        let over: Option<Arc<dyn PageStore>> = Some(recording.clone());
        let bench = Bench { store: (*store).clone(), over, cache, settings };
        let db = bench.open();
        assert_eq!(db.int("SELECT count(body) FROM a WHERE id < 5000"), 4999);
        let longest = recording.take().iter().map(Vec::len).max().unwrap();
        assert!(longest <= most + 1, "{longest} pages at once of a cache of {cache_bytes} bytes");
        assert!(longest > most / 2, "{longest} pages at once of a cache of {cache_bytes} bytes");
    }
}

#[test]
fn what_is_here_is_not_read_again() {
    let bench = Bench::new(Settings { auto_vacuum: "full", ..Settings::default() });
    let db = bench.open();
    db.exec(&format!("CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t {}", rows(900, 900)));
    db.sql.close().unwrap();
    db.mount.close();
    let recording = Arc::new(Recording::new(bench.store.clone()));
    let settings = Settings { cache_spill: 10, ..Settings::default() };
    let bench = Bench { over: Some(recording.clone()), settings, ..bench };
    let db = bench.open();
    let size = head(&bench).size;
    db.exec("BEGIN; UPDATE t SET b = zeroblob(900) WHERE a % 40 < 20");
    assert_eq!(db.int("SELECT count(*) FROM t WHERE b = zeroblob(900)"), 459);
    db.exec("COMMIT; SELECT sum(length(b)) FROM t");
    let mut pages: Vec<Pgno> = recording.take().concat();
    let asked = pages.len();
    assert!(pages.iter().all(|page| page.get() <= size));
    pages.sort_unstable();
    pages.dedup();
    assert_eq!(pages.len(), asked, "a page was read twice");
    db.check();
}

#[test]
fn a_neighbour_that_cannot_be_read_fails_nothing() {
    let bench = Bench::new(Settings { cache_spill: 10, ..Settings::default() });
    let db = bench.open();
    db.exec(&format!("CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t {}", rows(200, 900)));
    let db = db.reopen(&bench);
    let size = head(&bench).size;
    bench.store.lose_page(&actor(), Pgno::new(size / 2).unwrap());
    let mut readable = 0;
    for a in 1..=200 {
        let sql = format!("SELECT length(b) FROM t WHERE a = {a}");
        match db.sql.query_row(&sql, [], |row| row.get::<_, i64>(0)) {
            Ok(length) => {
                assert_eq!(length, 900);
                readable += 1;
            }
            Err(error) => {
                assert_eq!(error.sqlite_error().unwrap().extended_code, ffi::SQLITE_CORRUPT)
            }
        }
    }
    assert!((196..200).contains(&readable), "{readable} rows");
    assert!(db.metrics().read_aheads > 3, "the rest is still read ahead");
    assert_eq!(db.mount.poison(), None);
}

#[test]
fn predicted_pages_are_used_or_wasted() {
    let store = large();
    let (bench, db) = cold(&store, roomy());
    assert_eq!(db.int("SELECT count(*) FROM (SELECT body FROM a ORDER BY id LIMIT 1000)"), 1000);
    let open = db.metrics();
    assert!(open.read_aheads > 0 && open.read_aheads < open.store_reads);
    assert!(open.pages_predicted_used > 200, "{open:?}");
    assert_eq!(open.pages_predicted_wasted, 0);
    let Db { sql, mount } = db;
    sql.close().unwrap();
    mount.close();
    let closed = mount.metrics();
    let settled = closed.pages_predicted_used + closed.pages_predicted_wasted;
    assert_eq!((closed.pages_predicted, true), (settled, closed.pages_predicted_wasted > 0));
    let other = bench.open();
    other.mount.drop_read_ahead();
    assert_eq!(other.int("SELECT count(body) FROM a WHERE id < 100"), 99);
}

#[test]
fn a_cache_that_is_too_small_makes_the_windows_small() {
    // Two scans in turns, of a cache that holds the windows of neither.
    let store = large();
    let (_bench, db) = cold(&store, Settings { cache_bytes: 1 << 20, ..Settings::default() });
    let read =
        reads_of(&db, "SELECT a.id, a.body, b.body FROM a JOIN b USING(id) WHERE id < 20000");
    let pages = read.bytes_read >> 12;
    assert!(read.pages_predicted_wasted * 4 < pages, "{read:?}");
    assert!(read.store_reads * 4 < pages, "{read:?}");
}
