//! Generated SQL on a session and on stock SQLite: rows, codes, changes and the final contents must
//! be equal, whatever the caches, spills, page sizes and reopenings.
#![allow(clippy::unwrap_used)]

mod common;

use std::fmt::Write as _;
use std::sync::Arc;

use actor_sqlite_engine::{CompactionOptions, Engine, EngineOptions};
use actor_sqlite_kv::MemKv;
use actor_sqlite_ltx::PageSize;
use actor_sqlite_pagestore::{MemPageStore, PageStore, PageStoreAdmin};
use actor_sqlite_session::*;
use actor_sqlite_vfs::PageCache;
use common::*;
use rusqlite::types::ValueRef;

/// What came of a statement: its rows, or SQLite's extended code.
type Outcome = std::result::Result<Vec<Row>, i32>;

struct Stock(rusqlite::Connection);

impl Stock {
    fn new(page_size: u32) -> Self {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        connection.execute_batch(&format!("PRAGMA page_size={page_size}")).unwrap();
        connection
            .set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)
            .unwrap();
        Self(connection)
    }

    fn run(&self, sql: &str) -> Outcome {
        self.rows(sql).map_err(|error| match error {
            rusqlite::Error::SqliteFailure(error, _) => error.extended_code,
            rusqlite::Error::SqlInputError { error, .. } => error.extended_code,
            error => panic!("{sql}: {error}"),
        })
    }

    fn rows(&self, sql: &str) -> rusqlite::Result<Vec<Row>> {
        let mut statement = self.0.prepare(sql)?;
        let columns = statement.column_count();
        let mut rows = statement.raw_query();
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            // Some pragmas return rows without columns.
            if columns == 0 {
                continue;
            }
            all.push((0..columns).map(|index| value(row.get_ref(index).unwrap())).collect());
        }
        Ok(all)
    }
}

fn value(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(value) => Value::Integer(value),
        ValueRef::Real(value) => Value::Real(value),
        ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(blob) => Value::Blob(blob.to_vec()),
    }
}

fn ours(db: &Db, sql: &str) -> Outcome {
    match db.all(sql) {
        Ok(rows) => Ok(rows),
        Err(SessionError::Sqlite { code, .. }) => Err(code),
        Err(error) => panic!("{sql}: {error:?}"),
    }
}

struct Generator<'r> {
    random: &'r mut fastrand::Rng,
    rows: u32,
}

impl Generator<'_> {
    fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.random.usize(..choices.len())]
    }

    fn table(&mut self) -> &'static str {
        self.pick(&["t0", "t1", "t2", "w0", "p", "c", "nowhere"])
    }

    fn expression(&mut self) -> String {
        match self.random.u8(0..12) {
            0 => "NULL".into(),
            1 => self.random.i32(-50..50).to_string(),
            2 => format!("'{}'", "xy ".repeat(self.random.usize(..20))),
            3 => format!("{:?}", f64::from(self.random.i32(-100..100)) / 8.0),
            4 => format!("zeroblob({})", self.random.u32(..30_000)),
            5 => format!("hex(zeroblob({}))", self.random.u32(..3000)),
            6 => format!("json_array({}, 'a', json('{{\"k\":[1,2]}}'))", self.random.i8(..)),
            7 => self.random.i64(..).to_string(),
            8 => "a + 1".into(),
            9 => "coalesce(b, 'none') || 'z'".into(),
            10 => format!("abs({})", self.random.i16(..)),
            _ => self.random.u32(..self.rows + 5).to_string(),
        }
    }

    fn condition(&mut self) -> String {
        let n = self.random.u32(..self.rows + 5);
        match self.random.u8(0..8) {
            0 => format!("a = {n}"),
            1 => format!("a > {n}"),
            2 => format!("a BETWEEN {n} AND {}", n + 20),
            3 => "b IS NULL".into(),
            4 => format!("a % 7 = {}", n % 7),
            5 => "b LIKE 'xy%'".into(),
            6 => format!("a IN (SELECT a FROM t1 WHERE a < {n})"),
            _ => "typeof(b) = 'text' AND length(b) > 10".into(),
        }
    }

    fn statement(&mut self) -> String {
        let table = self.table();
        match self.random.u8(0..100) {
            0..30 => {
                self.rows += 1;
                let verb = self.pick(&[
                    "INSERT",
                    "INSERT",
                    "INSERT",
                    "REPLACE",
                    "INSERT OR IGNORE",
                    "INSERT OR ROLLBACK",
                    "INSERT OR FAIL",
                ]);
                let (a, b) = (self.random.u32(..self.rows * 2), self.expression());
                let b = if b.starts_with("a ") || b.contains("(b,") { "7".into() } else { b };
                let tail = self.pick(&["", "", " RETURNING a, b", " RETURNING rowid"]);
                format!("{verb} INTO {table} (a, b) VALUES ({a}, {b}){tail}")
            }
            30..36 => {
                let n = self.random.u32(1..200);
                self.rows += n;
                let b = self.random.u32(..600);
                format!(
                    "INSERT OR IGNORE INTO {table} (a, b) WITH RECURSIVE n(i) AS (VALUES ({0}) \
                     UNION ALL SELECT i + 1 FROM n LIMIT {n}) SELECT i, hex(zeroblob({b})) FROM n",
                    self.rows
                )
            }
            36..48 => {
                let (b, condition) = (self.expression(), self.condition());
                let tail = self.pick(&["", "", "", " RETURNING *"]);
                format!("UPDATE {table} SET b = {b} WHERE {condition}{tail}")
            }
            48..56 => format!("DELETE FROM {table} WHERE {}", self.condition()),
            56..68 => format!("SELECT * FROM {table} WHERE {} ORDER BY a, b", self.condition()),
            68..71 => format!(
                "SELECT {table}.a, count(*), max(t1.b) FROM {table} LEFT JOIN t1 ON t1.a = {table}.a \
                 GROUP BY {table}.a ORDER BY 1 LIMIT 50"
            ),
            71..75 => self.pick(&["BEGIN", "BEGIN IMMEDIATE", "BEGIN", "BEGIN EXCLUSIVE"]).into(),
            75..80 => self.pick(&["COMMIT", "COMMIT", "ROLLBACK"]).into(),
            80..84 => {
                let name = self.pick(&["s1", "s2"]);
                let verb = self.pick(&["SAVEPOINT", "SAVEPOINT", "RELEASE", "ROLLBACK TO"]);
                format!("{verb} {name}")
            }
            84..88 => self.schema(table),
            88..90 => {
                self.pick(&["VACUUM", "ANALYZE", "REINDEX", "PRAGMA incremental_vacuum(3)"]).into()
            }
            90..93 => {
                let words = self.pick(&["alpha beta", "beta gamma", "gamma delta alpha"]);
                format!("INSERT INTO f (x) VALUES ('{words} {}')", self.random.u8(..9))
            }
            93..94 => "SELECT rowid, x FROM f WHERE f MATCH 'beta' ORDER BY rowid".into(),
            94..96 => {
                let (x, y) = (self.random.u8(..100), self.random.u8(..100));
                format!("INSERT INTO r VALUES (NULL, {x}, {x} + 5, {y}, {y} + 5)")
            }
            96..97 => "SELECT * FROM r WHERE x0 > 20 AND x1 < 60 ORDER BY i".into(),
            97..98 => "SELECT count(*), sum(length(b)), json_group_array(a) FROM t0".into(),
            98..99 => format!("PRAGMA user_version = {}", self.random.u16(..)),
            _ => self
                .pick(&["SELECT", "SELECT * FROM t0 WHERE", "INSERT INTO t0 VALUES (1)", "DROP"])
                .into(),
        }
    }

    fn schema(&mut self, table: &str) -> String {
        let n = self.random.u8(..3);
        match self.random.u8(0..9) {
            0 => format!("CREATE INDEX i{n} ON {table} (b)"),
            1 => format!("DROP INDEX i{n}"),
            2 => format!("CREATE INDEX i{n} ON {table} (b, a) WHERE b IS NOT NULL"),
            3 => format!("ALTER TABLE {table} ADD COLUMN x{n} DEFAULT {n}"),
            4 => format!("DROP TABLE {table}"),
            5 => format!(
                "CREATE TRIGGER g{n} AFTER INSERT ON {table} BEGIN \
                 INSERT INTO log (what) VALUES ('{table} ' || new.a); END"
            ),
            6 => format!("DROP TRIGGER g{n}"),
            7 => format!("CREATE TABLE {table} (a INTEGER PRIMARY KEY, b)"),
            _ => format!("CREATE VIEW v{n} AS SELECT a, b FROM {table}"),
        }
    }
}

const SCHEMA: &str = "\
    CREATE TABLE t0 (a INTEGER PRIMARY KEY, b);
    CREATE TABLE t1 (a, b UNIQUE);
    CREATE TABLE t2 (a INTEGER, b TEXT, CHECK (b IS NOT 'xy xy '));
    CREATE TABLE w0 (a INTEGER PRIMARY KEY, b) WITHOUT ROWID;
    CREATE TABLE p (a INTEGER PRIMARY KEY, b);
    CREATE TABLE c (a INTEGER REFERENCES p ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED, b);
    CREATE TABLE log (id INTEGER PRIMARY KEY AUTOINCREMENT, what);
    CREATE INDEX j ON t2 (b COLLATE NOCASE DESC);
    CREATE VIRTUAL TABLE f USING fts5(x);
    CREATE VIRTUAL TABLE r USING rtree(i, x0, x1, y0, y1);";

fn dump(run: &mut dyn FnMut(&str) -> Outcome) -> String {
    let mut dump = String::new();
    for pragma in
        ["user_version", "auto_vacuum", "encoding", "integrity_check", "foreign_key_check"]
    {
        writeln!(dump, "{pragma} {:?}", run(&format!("PRAGMA {pragma}"))).unwrap();
    }
    let schema = run("SELECT type, name, sql FROM sqlite_schema ORDER BY name").unwrap();
    for row in &schema {
        writeln!(dump, "{row:?}").unwrap();
        if let [Value::Text(kind), Value::Text(name), _] = &row[..]
            && kind == "table"
        {
            let mut rows = run(&format!("SELECT * FROM \"{name}\"")).unwrap();
            // In which order they come depends on statistics, which a reopened connection has read
            // from the database and another has left from an ANALYZE that was rolled back.
            rows.sort_by_key(|row| format!("{row:?}"));
            writeln!(dump, "{rows:?}").unwrap();
        }
    }
    dump
}

struct Case {
    store: Arc<dyn PageStore>,
    statements: usize,
}

fn compare(seed: u64, case: &Case) -> VfsMetrics {
    let mut random = fastrand::Rng::with_seed(seed);
    let pick = |random: &mut fastrand::Rng, from: &[u64]| from[random.usize(..from.len())];
    let page_size = pick(&mut random, &[512, 1024, 4096, 4096, 16384]) as u32;
    let host = Host {
        cache: PageCache::new(pick(&mut random, &[0, 64 << 10, 16 << 20])),
        ..host_with(case.store.clone(), 1, 2, Arc::new(SystemClock))
    };
    let options = OpenOptions {
        page_size: PageSize::new(page_size).unwrap(),
        cache_bytes: pick(&mut random, &[8 << 10, 64 << 10, 2 << 20]),
        transaction_bytes: pick(&mut random, &[8 << 10, 64 << 10, 16 << 20]),
        scratch_bytes: pick(&mut random, &[0, 16 << 10, 8 << 20]),
        statement_cache_size: pick(&mut random, &[0, 3, 128]) as usize,
        ..OpenOptions::default()
    };
    let auto_vacuum = ["NONE", "FULL", "INCREMENTAL"][random.usize(..3)];
    let stock = Stock::new(page_size);
    let name = format!("a{seed}");
    let mut db = try_open(&host, &name, options.clone()).unwrap();
    for sql in [&format!("PRAGMA auto_vacuum={auto_vacuum}"), SCHEMA] {
        stock.0.execute_batch(sql).unwrap();
        db.script(sql).unwrap();
    }
    let mut log = String::new();
    for _ in 0..case.statements {
        let rows = random.u32(1..500);
        let sql = Generator { random: &mut random, rows }.statement();
        writeln!(log, "{sql};").unwrap();
        let (expected, got) = (stock.run(&sql), ours(&db, &sql));
        assert_eq!(got, expected, "SEED={seed}\n{log}");
        let counts = |db: &Db| db.one("SELECT last_insert_rowid()");
        assert_eq!(counts(&db), stock.run("SELECT last_insert_rowid()").unwrap()[0][0]);
        assert_eq!(db.session.in_transaction(), !stock.0.is_autocommit(), "SEED={seed}\n{log}");
        if random.u8(..) < 4 && !db.session.in_transaction() {
            db.close().unwrap();
            db = try_open(&host, &name, options.clone()).unwrap();
            let last = stock.0.last_insert_rowid();
            // The count belongs to the connection.
            db.script("CREATE TEMP TABLE x (a)").unwrap();
            db.run(&format!("INSERT INTO temp.x (rowid) VALUES ({last})")).unwrap();
            db.script("DROP TABLE temp.x").unwrap();
        }
    }
    let expected = dump(&mut |sql| stock.run(sql));
    let got = dump(&mut |sql| ours(&db, sql));
    for (got, expected) in got.lines().zip(expected.lines()) {
        assert_eq!(got, expected, "SEED={seed}\n{log}");
    }
    assert_eq!(got.len(), expected.len());
    db.close().unwrap();
    db.session.metrics().vfs
}

/// Two sessions do the same, and one of them sleeps now and then.
fn compare_sleeper(seed: u64, store: Arc<dyn PageStore>) -> SleepMetrics {
    let mut random = fastrand::Rng::with_seed(seed ^ 0x51ee_b000);
    let host = host_with(store, 1, 2, Arc::new(SystemClock));
    let cache_sizes = [0, 3, 128];
    let options = OpenOptions {
        cache_bytes: [8 << 10, 2 << 20][random.usize(..2)],
        statement_cache_size: cache_sizes[random.usize(..3)],
        ..OpenOptions::default()
    };
    let twins = ["sleeper", "awake"]
        .map(|name| try_open(&host, &format!("{name}{seed}"), options.clone()).unwrap());
    let [sleeper, awake] = &twins;
    let auto_vacuum = ["NONE", "FULL", "INCREMENTAL"][random.usize(..3)];
    for db in &twins {
        db.script(&format!("PRAGMA auto_vacuum={auto_vacuum}")).unwrap();
        db.script(SCHEMA).unwrap();
    }
    let mut log = String::new();
    for _ in 0..300 {
        let rows = random.u32(1..500);
        let sql = match random.u8(..) {
            0..10 => pragma(&mut random),
            10..13 => "CREATE TEMP TABLE IF NOT EXISTS e AS SELECT 1 AS a".into(),
            13..20 => "DROP TABLE IF EXISTS temp.e".into(),
            20..30 => "INSERT INTO log (what) VALUES (changes() || ' ' || total_changes())".into(),
            _ => Generator { random: &mut random, rows }.statement(),
        };
        writeln!(log, "{sql};").unwrap();
        let counts = "SELECT last_insert_rowid(), changes(), total_changes()";
        // Some of these delete rows for the sake of foreign keys, and only SQLite knows which: after
        // such a one that found no row, a session that has slept still tells the count before.
        let settled = match sql.starts_with("DROP TABLE") {
            true => "UPDATE log SET id = 1 WHERE 0",
            false => "SELECT 1",
        };
        for sql in [&sql, settled, counts] {
            assert_eq!(ours(sleeper, sql), ours(awake, sql), "SEED={seed}\n{log}");
        }
        if random.u8(..) < 100 && doze(&host, sleeper) {
            writeln!(log, "-- slept").unwrap();
        }
    }
    let dumps = twins.each_ref().map(|db| dump(&mut |sql| ours(db, sql)));
    assert_eq!(dumps[0], dumps[1], "SEED={seed}\n{log}");
    host.executor.sleep_metrics()
}

fn pragma(random: &mut fastrand::Rng) -> String {
    let names = [
        "foreign_keys",
        "recursive_triggers",
        "reverse_unordered_selects",
        "ignore_check_constraints",
        "case_sensitive_like",
        "defer_foreign_keys",
        "query_only",
        "automatic_index",
        "secure_delete",
    ];
    format!("PRAGMA {} = {}", names[random.usize(..names.len())], random.bool())
}

#[test]
fn asleep_now_and_then() {
    let mut total = SleepMetrics::default();
    for seed in seeds(60) {
        println!("SEED={seed}");
        let store: Arc<dyn PageStore> = match seed % 2 {
            0 => Arc::new(MemPageStore::new()),
            _ => busy_engine(),
        };
        let metrics = compare_sleeper(seed, store);
        total.wakes += metrics.wakes;
        total.held_by_transaction += metrics.held_by_transaction;
        total.held_by_temp += metrics.held_by_temp;
        assert_eq!(metrics.wake_failures + metrics.held_by_failure, 0, "SEED={seed}");
    }
    println!("{total:?}");
    let single = std::env::var("SEED").is_ok();
    assert!(
        single || (total.wakes > 1000 && total.held_by_transaction > 0 && total.held_by_temp > 0)
    );
}

fn seeds(default: u64) -> std::ops::Range<u64> {
    match std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()) {
        Some(seed) => seed..seed + 1,
        None => 0..default,
    }
}

#[test]
fn on_the_reference_store() {
    let (mut batch, mut sync, mut spilled) = (0, 0, 0);
    for seed in seeds(60) {
        println!("SEED={seed}");
        let vfs = compare(seed, &Case { store: Arc::new(MemPageStore::new()), statements: 300 });
        batch += vfs.commits_batch;
        sync += vfs.commits_sync;
        spilled += vfs.scratch_files_spilled;
    }
    println!("{batch} commits by batch, {sync} by sync, {spilled} scratch files on disk");
    assert!(std::env::var("SEED").is_ok() || (batch > 0 && sync > 60 && spilled > 0));
}

/// An engine that compacts all the time.
fn busy_engine() -> Arc<Engine> {
    let compaction = CompactionOptions {
        delta_count: 4,
        hard_delta_count: 10,
        plan_bytes_max: 100_000,
        ..CompactionOptions::default()
    };
    let options = EngineOptions { compaction, ..EngineOptions::default() };
    Arc::new(Engine::new(Arc::new(MemKv::new()), Arc::new(SystemClock), options))
}

#[test]
fn on_the_engine() {
    for seed in seeds(40) {
        println!("SEED={seed}");
        let engine = busy_engine();
        compare(seed, &Case { store: engine.clone(), statements: 300 });
        let report = engine.verify(&actor(&format!("a{seed}"))).unwrap();
        assert!(report.damage.is_empty(), "SEED={seed}: {report:?}");
        assert!(report.pages > 0);
    }
}
