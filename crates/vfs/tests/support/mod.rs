//! What the scenarios share: a database over `MemPageStore`, opened as a session opens it.

#![allow(dead_code, clippy::unwrap_used)]

pub mod pair;
pub mod random;
pub mod stores;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actor_sqlite_ltx::PageSize;
use actor_sqlite_pagestore::{
    ActorId, ClaimOptions, Clock, Generation, Head, MemPageStore, PageStore, StoreError,
};
use actor_sqlite_vfs::{Mount, MountOptions, PageCache, ReadOptions, VfsMetrics, register};
use rusqlite::{Connection, OpenFlags};

/// A clock that moves by one with every look.
#[derive(Default)]
pub struct StepClock(AtomicU64);

impl Clock for StepClock {
    fn now_ms(&self) -> i64 {
        0
    }

    fn monotonic_ns(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

pub struct Settings {
    pub page_size: u32,
    pub cache_bytes: u64,
    pub scratch_bytes_max: u64,
    pub scratch_disk_bytes_max: Option<u64>,
    /// Small ones force stages.
    pub write_set_bytes_max: u64,
    /// `PRAGMA cache_spill` and `cache_size`, in pages, the larger of which SQLite goes by: small
    /// ones force spills.
    pub cache_spill: u32,
    pub auto_vacuum: &'static str,
    pub reads: ReadOptions,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            page_size: 4096,
            cache_bytes: 16 << 20,
            scratch_bytes_max: 1 << 20,
            scratch_disk_bytes_max: None,
            write_set_bytes_max: MountOptions::WRITE_SET_BYTES_MAX,
            cache_spill: 2000,
            auto_vacuum: "none",
            reads: ReadOptions::default(),
        }
    }
}

/// One store with one actor, and what it takes to open it again and again.
pub struct Bench {
    pub store: Arc<MemPageStore>,
    /// The store to use instead.
    pub over: Option<Arc<dyn PageStore>>,
    pub cache: Arc<PageCache>,
    pub settings: Settings,
}

/// An open database.
pub struct Db {
    pub sql: Connection,
    pub mount: Arc<Mount>,
}

impl Bench {
    pub fn new(settings: Settings) -> Self {
        let cache = PageCache::new(settings.cache_bytes);
        Self { store: Arc::new(MemPageStore::new()), over: None, cache, settings }
    }

    pub fn open(&self) -> Db {
        let mount = self.mount();
        let sql = self.connect(&mount).unwrap();
        Db { sql, mount }
    }

    pub fn mount(&self) -> Arc<Mount> {
        self.mount_over(self.over.clone().unwrap_or_else(|| self.store.clone()))
    }

    pub fn mount_over(&self, store: Arc<dyn PageStore>) -> Arc<Mount> {
        self.mount_in(store, scratch_dir())
    }

    pub fn mount_in(&self, store: Arc<dyn PageStore>, scratch_dir: PathBuf) -> Arc<Mount> {
        self.mount_named("room-42", store, scratch_dir)
    }

    pub fn mount_named(
        &self,
        name: &str,
        store: Arc<dyn PageStore>,
        scratch_dir: PathBuf,
    ) -> Arc<Mount> {
        let options = ClaimOptions {
            page_size: PageSize::new(self.settings.page_size).unwrap(),
            ..ClaimOptions::new("test")
        };
        let claim = store.claim(&ActorId::new("test", name).unwrap(), &options).unwrap();
        let clock = Arc::new(StepClock::default());
        let options = MountOptions::new(clock, self.settings.scratch_bytes_max, scratch_dir);
        let options = MountOptions {
            write_set_bytes_max: self.settings.write_set_bytes_max,
            scratch_disk_bytes_max: self.settings.scratch_disk_bytes_max,
            reads: self.settings.reads,
            ..options
        };
        Mount::new(store, claim, self.cache.clone(), options).unwrap()
    }

    pub fn connect(&self, mount: &Mount) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let sql =
            Connection::open_with_flags_and_vfs(mount.file_name(), flags, register().unwrap())?;
        sql.execute_batch(&format!(
            "PRAGMA page_size={0}; PRAGMA auto_vacuum={1}; PRAGMA journal_mode=TRUNCATE;
             PRAGMA locking_mode=NORMAL; PRAGMA synchronous=NORMAL; PRAGMA temp_store=FILE;
             PRAGMA cache_size={2}; PRAGMA cache_spill={2};",
            self.settings.page_size, self.settings.auto_vacuum, self.settings.cache_spill
        ))?;
        mount.seal();
        Ok(sql)
    }
}

impl Db {
    pub fn exec(&self, sql: &str) {
        self.sql.execute_batch(sql).unwrap();
    }

    pub fn int(&self, sql: &str) -> i64 {
        self.sql
            .query_row(sql, [], |row| row.get(0))
            .unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    pub fn text(&self, sql: &str) -> String {
        self.sql
            .query_row(sql, [], |row| row.get(0))
            .unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// What SQLite and the mount say to a statement that fails.
    pub fn failure(&self, sql: &str) -> (i32, Option<StoreError>) {
        let error = self.sql.execute_batch(sql).unwrap_err();
        let code = error.sqlite_error().unwrap().extended_code;
        (code, self.mount.take_error())
    }

    pub fn check(&self) {
        assert_eq!(self.text("PRAGMA integrity_check"), "ok");
    }

    pub fn metrics(&self) -> VfsMetrics {
        self.mount.metrics()
    }

    /// The same database, claimed and opened anew.
    pub fn reopen(self, bench: &Bench) -> Db {
        let Self { sql, mount } = self;
        sql.close().unwrap();
        mount.close();
        bench.open()
    }
}

pub fn actor() -> ActorId {
    ActorId::new("test", "room-42").unwrap()
}

pub fn head(bench: &Bench) -> Head {
    bench.store.head(&actor()).unwrap()
}

pub fn scratch_dir() -> PathBuf {
    std::env::temp_dir()
}

/// A row of that many random bytes, repeated: `WITH` clause and table for `INSERT … SELECT`.
pub fn rows(count: u32, bytes: u32) -> String {
    format!(
        "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i<{count})
         SELECT i, randomblob({bytes}) FROM n"
    )
}

pub fn fenced() -> StoreError {
    StoreError::Fenced {
        actor: actor(),
        expected_generation: Generation(1),
        actual_generation: Generation(2),
        expected_head: actor_sqlite_ltx::Txid::ZERO,
        actual_head: actor_sqlite_ltx::Txid::new(9),
    }
}

pub fn unavailable() -> StoreError {
    StoreError::Unavailable { reason: "no answer".into() }
}

pub fn limit() -> StoreError {
    StoreError::Limit { what: "bytes of a commit", actual: 2, limit: 1 }
}

pub fn corrupt() -> StoreError {
    StoreError::Corrupt { actor: actor(), row: "DELTA 1".into(), reason: "checksum".into() }
}

pub fn unknown_commit() -> StoreError {
    let commit_id = actor_sqlite_pagestore::CommitId { generation: Generation(1), sequence: 1 };
    StoreError::UnknownCommit { actor: actor(), commit_id, reason: "lost".into() }
}

pub fn dead() -> StoreError {
    StoreError::Dead { reason: "fsync".into() }
}
