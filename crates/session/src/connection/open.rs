//! Claiming a database and setting its connection up.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use actor_sqlite_ltx::PageSize;
use actor_sqlite_pagestore::{ActorId, ClaimOptions, PageStore, Ticket};
use actor_sqlite_vfs::{Mount, MountOptions};
use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection as Sqlite, OpenFlags};

use super::{Connection, Kept, MountGuard};
use crate::authorizer::Notes;
use crate::compiled::StatementCache;
use crate::control::Control;
use crate::metrics::Counters;
use crate::raw::{Db, stepped_to_its_end};
use crate::slow_store::SlowStore;
use crate::{Host, Limits, OpenOptions, SessionError, authorizer};

/// VDBE instructions between two looks at the clock and the interrupt flag: some 20 µs.
const PROGRESS_OPS: i32 = 1000;

/// What opening needs, the first time and each time that the session wakes.
pub(crate) struct Opening {
    pub(crate) host: Host,
    pub(crate) actor: ActorId,
    pub(crate) options: Arc<OpenOptions>,
}

/// Makes the VFS known and proves once in a process that it commits as it must.
pub(crate) fn vfs() -> Result<&'static str, SessionError> {
    static VFS: OnceLock<Result<&'static str, String>> = OnceLock::new();
    VFS.get_or_init(|| {
        let name = actor_sqlite_vfs::register().map_err(|error| error.to_string())?;
        actor_sqlite_vfs::probe().map_err(|error| error.to_string())?;
        Ok(name)
    })
    .clone()
    .map_err(|reason| SessionError::Unusable { reason })
}

/// Claims the database and opens it.
pub(crate) fn open(
    opening: &Opening,
    control: &Arc<Control>,
    counters: &Arc<Counters>,
) -> Result<Connection, SessionError> {
    connection(opening, control, counters, None)
}

/// Opens it anew where a connection before left off. The store is asked and not written to.
pub(crate) fn reopen(
    opening: &Opening,
    control: &Arc<Control>,
    counters: &Arc<Counters>,
    kept: &mut Kept,
) -> Result<Connection, SessionError> {
    let mut connection = connection(opening, control, counters, Some(&mut *kept))?;
    connection.restore(kept);
    Ok(connection)
}

fn connection(
    opening: &Opening,
    control: &Arc<Control>,
    counters: &Arc<Counters>,
    mut kept: Option<&mut Kept>,
) -> Result<Connection, SessionError> {
    let Opening { host, options, .. } = opening;
    vfs()?;
    let mount = mount(opening, kept.as_deref_mut())?;
    let notes = Arc::new(Notes::of(kept.as_ref().and_then(|kept| kept.settings.as_deref())));
    let db = match database(&mount.0, options, control, &notes, kept.as_deref()) {
        Ok(db) => db,
        Err(error) => {
            // Nothing was done with them: the next try has them again.
            if let Some(kept) = kept {
                kept.pages = mount.0.close();
            }
            return Err(error);
        }
    };
    mount.0.seal();
    Ok(Connection {
        cursors: HashMap::new(),
        prepared: HashMap::new(),
        cache: StatementCache::new(options.statement_cache_size),
        transaction: None,
        stray: false,
        ended: None,
        next_id: 0,
        base_ticket: Ticket::ZERO,
        options: options.clone(),
        control: control.clone(),
        counters: counters.clone(),
        clock: host.clock.clone(),
        notes,
        db: Arc::new(db),
        mount,
    })
}

/// Claims the database, or goes on with the claim.
fn mount(opening: &Opening, kept: Option<&mut Kept>) -> Result<MountGuard, SessionError> {
    let Opening { host, actor, options } = opening;
    let store = SlowStore::new(host.store.clone(), host.clock.clone());
    let claim = store.claim(actor, &claim_options(options, kept.as_deref()))?;
    let lease = claim.lease.clone();
    let mount =
        MountOptions::new(host.clock.clone(), options.scratch_bytes, host.scratch_dir.clone());
    let (pages, cache) = (kept.and_then(|kept| kept.pages.take()), host.cache.clone());
    let mounted = match pages {
        Some(pages) => Mount::resume(store.clone(), claim, cache, mount, pages),
        None => Mount::new(store.clone(), claim, cache, mount),
    };
    mounted.map(MountGuard).map_err(|error| {
        store.release(&lease);
        SessionError::Unusable { reason: error.to_string() }
    })
}

/// Opens the mount and sets the connection up.
fn database(
    mount: &Mount,
    options: &OpenOptions,
    control: &Arc<Control>,
    notes: &Arc<Notes>,
    kept: Option<&Kept>,
) -> Result<Db, SessionError> {
    let explain = |error| match mount.poison().or_else(|| mount.take_error()) {
        Some(behind) => SessionError::Store(behind),
        None => error,
    };
    let head = mount.head();
    let new_page_size = (head.size == 0).then_some(head.page_size);
    let sqlite = connect(mount.file_name(), vfs()?)
        .and_then(|mut sqlite| {
            set_up(&sqlite, options, new_page_size, head.page_size)?;
            if let Some(settings) = kept.and_then(|kept| kept.settings.as_deref()) {
                settings.apply(&sqlite)?;
            }
            sqlite.authorizer(Some(authorizer::new(options.readonly, notes.clone(), None)))?;
            let control = control.clone();
            sqlite.progress_handler(
                PROGRESS_OPS,
                Some(move || !stepped_to_its_end() && control.must_stop()),
            )?;
            Ok(sqlite)
        })
        .map_err(|error| explain(from_rusqlite(error)))?;
    let mut db = Db::new(sqlite);
    if let Some(kept) = kept {
        db.restore(kept.counts).map_err(|error| explain(error.into()))?;
    }
    // Last: they bind what comes from outside, not the texts above.
    db.limit(&limits(&options.limits)).map_err(|error| explain(error.into()))?;
    Ok(db)
}

/// How the database is claimed, or the claim gone on with.
fn claim_options(options: &OpenOptions, kept: Option<&Kept>) -> ClaimOptions {
    ClaimOptions {
        create: options.create && kept.is_none(),
        page_size: options.page_size,
        resume: kept.map(|kept| kept.generation),
        quota_bytes: options.quota_bytes,
        ..ClaimOptions::new(options.owner.clone())
    }
}

fn connect(file_name: &str, vfs: &str) -> rusqlite::Result<Sqlite> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Sqlite::open_with_flags_and_vfs(file_name, flags, vfs)
}

/// The settings that are ours. Why each: `docs/SQLITE.md`; the rest of its list is SQLite's
/// default, or a compile option.
fn set_up(
    sqlite: &Sqlite,
    options: &OpenOptions,
    new_page_size: Option<PageSize>,
    page_size: PageSize,
) -> rusqlite::Result<()> {
    for (config, on) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, options.foreign_keys),
    ] {
        sqlite.set_db_config(config, on)?;
    }
    let cache_kib = (options.cache_bytes / 1024).clamp(1, i32::MAX as u64);
    let spill_pages = options.transaction_bytes / page_size.bytes() as u64;
    let mut pragmas = match new_page_size {
        Some(size) => format!("PRAGMA page_size={};", size.get()),
        None => String::new(),
    };
    // `cache_size` before `cache_spill`, which is at least as large.
    pragmas += &format!(
        "PRAGMA journal_mode=TRUNCATE;PRAGMA cell_size_check=ON;\
         PRAGMA cache_size=-{cache_kib};PRAGMA cache_spill={};",
        spill_pages.clamp(1, i32::MAX as u64)
    );
    if options.readonly {
        pragmas += "PRAGMA query_only=ON;";
    }
    sqlite.execute_batch(&pragmas)
}

/// Each limit with its value: the caller's or ours.
pub(crate) fn limits(limits: &Limits) -> [(Limit, i32); 12] {
    [
        (Limit::SQLITE_LIMIT_LENGTH, limits.length.unwrap_or(256 << 20)),
        (Limit::SQLITE_LIMIT_SQL_LENGTH, limits.sql_length.unwrap_or(1_000_000)),
        (Limit::SQLITE_LIMIT_COLUMN, limits.column.unwrap_or(2000)),
        (Limit::SQLITE_LIMIT_EXPR_DEPTH, limits.expr_depth.unwrap_or(1000)),
        (Limit::SQLITE_LIMIT_COMPOUND_SELECT, limits.compound_select.unwrap_or(500)),
        (Limit::SQLITE_LIMIT_VDBE_OP, limits.vdbe_op.unwrap_or(25_000_000)),
        (Limit::SQLITE_LIMIT_FUNCTION_ARG, limits.function_arg.unwrap_or(1000)),
        (Limit::SQLITE_LIMIT_ATTACHED, limits.attached.unwrap_or(1)),
        (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, limits.like_pattern_length.unwrap_or(50_000)),
        (Limit::SQLITE_LIMIT_VARIABLE_NUMBER, limits.variable_number.unwrap_or(32_766)),
        (Limit::SQLITE_LIMIT_TRIGGER_DEPTH, limits.trigger_depth.unwrap_or(1000)),
        (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
    ]
}

fn from_rusqlite(error: rusqlite::Error) -> SessionError {
    match error {
        rusqlite::Error::SqliteFailure(inner, message) => SessionError::Sqlite {
            code: inner.extended_code,
            message: message.unwrap_or_else(|| inner.to_string()),
            offset: None,
            statement_index: None,
        },
        error => SessionError::Unusable { reason: error.to_string() },
    }
}
