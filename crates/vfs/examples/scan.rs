//! What reading ahead saves: reads of the store, and time, of scans and of point reads of a table
//! of 50 MiB over a page store in memory, with a cold cache.
//!
//! ```text
//! cargo run --release -p actor-sqlite-vfs --example scan
//! ```
//! The store answers at once, so the times show what reading ahead costs, not what it saves: that
//! is the number of reads times the latency of a real one.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Instant;

use actor_sqlite_ltx::PageSize;
use actor_sqlite_pagestore::{ActorId, ClaimOptions, Clock, MemPageStore, PageStore};
use actor_sqlite_vfs::{Mount, MountOptions, PageCache, ReadOptions, register};
use rusqlite::{Connection, OpenFlags};

const CACHE_BYTES: u64 = 64 << 20;
const ROWS: u32 = 50 << 10;

struct Since(Instant);

impl Clock for Since {
    fn now_ms(&self) -> i64 {
        0
    }

    fn monotonic_ns(&self) -> u64 {
        self.0.elapsed().as_nanos() as u64
    }
}

fn open(store: &Arc<MemPageStore>, read_ahead_pages_max: u32) -> (Connection, Arc<Mount>) {
    let options = ClaimOptions { page_size: PageSize::DEFAULT, ..ClaimOptions::new("scan") };
    let claim = store.claim(&ActorId::new("bench", "scan").unwrap(), &options).unwrap();
    let clock = Arc::new(Since(Instant::now()));
    let options = MountOptions {
        reads: ReadOptions { read_ahead_pages_max, hint_bytes_max: 0 },
        ..MountOptions::new(clock, 64 << 20, std::env::temp_dir())
    };
    let mount = Mount::new(store.clone(), claim, PageCache::new(CACHE_BYTES), options).unwrap();
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let sql =
        Connection::open_with_flags_and_vfs(mount.file_name(), flags, register().unwrap()).unwrap();
    sql.execute_batch("PRAGMA journal_mode=TRUNCATE; PRAGMA cache_size=-8192").unwrap();
    (sql, mount)
}

/// `t` row after row; `a` and `b` in turns, so that neither's leaves are neighbours.
fn fill(store: &Arc<MemPageStore>, fragmented: bool) {
    let (sql, _mount) = open(store, 0);
    let table = |name: &str| format!("CREATE TABLE {name}(id INTEGER PRIMARY KEY, key, body);");
    let insert = |name: &str, id: &str| {
        format!("INSERT INTO {name} SELECT {id}, hex(randomblob(8)), randomblob(950)")
    };
    let rows =
        format!("WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i<{ROWS})");
    if !fragmented {
        let insert = insert("t", "i");
        let text = format!("{} {rows} {insert} FROM n; CREATE INDEX k ON t(key)", table("t"));
        sql.execute_batch(&text).unwrap();
        return;
    }
    sql.execute_batch(&format!("{}{}BEGIN", table("a"), table("b"))).unwrap();
    let [mut a, mut b] = ["a", "b"].map(|name| sql.prepare(&insert(name, "?1")).unwrap());
    for id in 1..=ROWS {
        a.execute([id]).unwrap();
        b.execute([id]).unwrap();
    }
    sql.execute_batch("COMMIT").unwrap();
}

fn measure(name: &str, store: &Arc<MemPageStore>, work: &dyn Fn(&Connection)) {
    print!("{name:<34}");
    for read_ahead_pages_max in [0, ReadOptions::default().read_ahead_pages_max] {
        let (sql, mount) = open(store, read_ahead_pages_max);
        let before = mount.metrics();
        let begun = Instant::now();
        work(&sql);
        let took = begun.elapsed();
        let after = mount.metrics();
        print!(
            "{:>8} reads {:>7} KiB {:>7.1} ms",
            after.store_reads - before.store_reads,
            (after.bytes_read - before.bytes_read) >> 10,
            took.as_secs_f64() * 1e3,
        );
        sql.close().unwrap();
        mount.close();
        let closed = mount.metrics();
        if read_ahead_pages_max > 0 {
            println!(
                "   {} used, {} wasted",
                closed.pages_predicted_used, closed.pages_predicted_wasted
            );
        }
    }
}

fn run(sql: &Connection, text: &str) {
    let mut statement = sql.prepare(text).unwrap();
    let mut rows = statement.query([]).unwrap();
    while rows.next().unwrap().is_some() {}
}

fn points(sql: &Connection, table: &str) {
    let mut statement = sql.prepare(&format!("SELECT body FROM {table} WHERE id = ?1")).unwrap();
    let mut id: u64 = 1;
    for _ in 0..1000 {
        id = id.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        let row = (id >> 33) % u64::from(ROWS) + 1;
        statement.query_row([row as i64], |_| Ok(())).unwrap();
    }
}

fn main() {
    let plain = Arc::new(MemPageStore::new());
    fill(&plain, false);
    let fragmented = Arc::new(MemPageStore::new());
    fill(&fragmented, true);
    println!("{:<34}{:>22}{:>35}", "", "single pages", "reading ahead");
    let text = |text: &'static str| move |sql: &Connection| run(sql, text);
    measure("forward", &plain, &text("SELECT id, body FROM t"));
    measure("backward", &plain, &text("SELECT id, body FROM t ORDER BY id DESC"));
    measure("index", &plain, &text("SELECT key FROM t ORDER BY key"));
    measure("index, 5,000 rows of the table", &plain, &text("SELECT body FROM t WHERE key < '19'"));
    measure("1,000 points", &plain, &|sql| points(sql, "t"));
    measure("fragmented, forward", &fragmented, &text("SELECT id, body FROM a"));
    measure("fragmented, backward", &fragmented, &text("SELECT id, body FROM a ORDER BY id DESC"));
    measure(
        "fragmented, join of both",
        &fragmented,
        &text("SELECT a.id, a.body, b.body FROM a JOIN b USING(id)"),
    );
    measure("fragmented, 1,000 points", &fragmented, &|sql| points(sql, "a"));
}
