//! How a session is set up.

use std::path::PathBuf;
use std::sync::Arc;

use actor_sqlite_ltx::PageSize;
use actor_sqlite_pagestore::{Clock, PageStore};
use actor_sqlite_vfs::PageCache;

use crate::{Durability, Executor};

/// What the sessions of a process share.
#[derive(Clone)]
pub struct Host {
    /// Runs them.
    pub executor: Arc<Executor>,
    /// Where their pages are.
    pub store: Arc<dyn PageStore>,
    /// Pages in memory, one budget for all.
    pub cache: Arc<PageCache>,
    /// Time, for deadlines and metrics.
    pub clock: Arc<dyn Clock>,
    /// Where scratch files go that outgrow memory: journals and temporary tables. They have no
    /// name and vanish with the process.
    pub scratch_dir: PathBuf,
}

/// How to open a session.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    /// Who opens, in words for people: shown to whoever is fenced.
    pub owner: String,
    /// Make the database if there is none.
    pub create: bool,
    /// Refuse to write (`SQLITE_READONLY`).
    pub readonly: bool,
    /// The page size of a database that is made.
    pub page_size: PageSize,
    /// When answers leave.
    pub durability: Durability,
    /// Enforce foreign keys.
    pub foreign_keys: bool,
    /// SQLite's own page cache, in bytes.
    pub cache_bytes: u64,
    /// How large a transaction may grow in memory before its pages go to scratch, in bytes; up to
    /// this it takes the batch route.
    pub transaction_bytes: u64,
    /// Scratch in memory, in bytes; more goes to a file.
    pub scratch_bytes: u64,
    /// How many statements are kept compiled.
    pub statement_cache_size: usize,
    /// How long a command may take, queueing included, unless it says so itself.
    pub timeout_ms: Option<u64>,
    /// How long a transaction of [`crate::Action::Begin`] may stay open.
    pub transaction_timeout_ms: Option<u64>,
    /// How long a session must be left alone to go to sleep: between one and 1.2 times this. `None`:
    /// it never sleeps.
    pub idle_ms: Option<u64>,
    /// How many commands may wait.
    pub queue_max: usize,
    /// The largest result that is handed over at once, in bytes.
    pub result_bytes_max: u64,
    /// The most bytes the database may store, where the store's own quota is not smaller.
    pub quota_bytes: Option<u64>,
    /// SQLite's limits.
    pub limits: Limits,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            owner: String::new(),
            create: true,
            readonly: false,
            page_size: PageSize::DEFAULT,
            durability: Durability::Strict,
            foreign_keys: true,
            cache_bytes: 2 << 20,
            transaction_bytes: 16 << 20,
            scratch_bytes: 8 << 20,
            statement_cache_size: 128,
            timeout_ms: None,
            transaction_timeout_ms: None,
            idle_ms: Some(30_000),
            queue_max: 100_000,
            result_bytes_max: 512 << 20,
            quota_bytes: None,
            limits: Limits::default(),
        }
    }
}

/// SQLite's run-time limits (`sqlite3_limit`); `None` takes the default named in
/// `docs/SQLITE.md`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a text, a blob or a row.
    pub length: Option<i32>,
    /// Bytes of an SQL text.
    pub sql_length: Option<i32>,
    /// Columns of a table, an index or a result.
    pub column: Option<i32>,
    /// Depth of an expression.
    pub expr_depth: Option<i32>,
    /// Terms of a compound SELECT.
    pub compound_select: Option<i32>,
    /// Instructions of a compiled statement.
    pub vdbe_op: Option<i32>,
    /// Arguments of a function.
    pub function_arg: Option<i32>,
    /// Attached databases; VACUUM needs 1.
    pub attached: Option<i32>,
    /// Bytes of a LIKE or GLOB pattern.
    pub like_pattern_length: Option<i32>,
    /// The highest parameter number.
    pub variable_number: Option<i32>,
    /// Depth of triggers that fire triggers; foreign key actions count.
    pub trigger_depth: Option<i32>,
}
