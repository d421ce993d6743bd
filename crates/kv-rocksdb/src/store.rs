//! The store.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{fs, io, thread};

use actor_sqlite_kv::{
    Batch, Durability, DurableCallback, Guard, Kv, KvError, Limits, Snapshot, Ticket,
};
use rocksdb::properties::{ESTIMATE_PENDING_COMPACTION_BYTES, IS_WRITE_STOPPED};
use rocksdb::{DB, ErrorKind, WriteOptions};

use crate::holder::Holder;
use crate::locks::KeyLocks;
use crate::metrics::{Counters, RocksMetrics, count};
use crate::registry::{self, Occupied};
use crate::room::Room;
use crate::snapshot::RocksSnapshot;
use crate::space::{self, FreeBytes, Space};
use crate::syncer::{Log, Syncer};
use crate::{RocksOptions, batch, error, tuning};

/// How often a commit looks whether RocksDB takes writes again.
const STOPPED_POLL: Duration = Duration::from_millis(1);

/// A transactional store in a directory of RocksDB files.
///
/// A commit is *ordered* when RocksDB has it in its log and memory; with [`Durability::Disk`] it
/// may then still be in the memory of this process. It is *durable* when a sync of the log that
/// began afterwards has ended. The store is closed, and all that was ordered made durable, when
/// the last reference goes.
pub struct RocksKv {
    options: RocksOptions,
    syncer: Arc<Syncer>,
    locks: KeyLocks,
    counters: Arc<Counters>,
    space: Space,
    room: Room,
    files: Arc<Files>,
}

pub(crate) type WrapLog = Box<dyn FnOnce(Box<dyn Log>) -> Box<dyn Log>>;

/// What a test puts between the store and the machine.
#[derive(Default)]
pub(crate) struct Seams {
    /// Something between the syncer and the log.
    pub(crate) wrap_log: Option<WrapLog>,
    /// Instead of the disk's.
    pub(crate) free_bytes: Option<FreeBytes>,
}

/// Closed in this order.
struct Files {
    db: DB,
    #[expect(dead_code, reason = "held for its lifetime")]
    holder: Holder,
    #[expect(dead_code, reason = "held for its lifetime")]
    occupied: Occupied,
}

/// The log of a store, for the syncer.
struct RocksLog(Arc<Files>);

impl Log for RocksLog {
    fn sync(&self) -> Result<(), String> {
        self.0.db.flush_wal(true).map_err(|error| error.to_string())
    }
}

impl RocksKv {
    /// Opens a directory, which is made if need be. All who open it in one process share one
    /// store, which is closed when the last of them drops it.
    ///
    /// # Errors
    /// [`KvError::InUse`] if another process has it open; [`KvError::Invalid`] if the options make
    /// no sense, or differ from those of the live instance; [`KvError::Damaged`] and
    /// [`KvError::Unavailable`] as RocksDB finds the files; [`KvError::Full`] if nothing can be
    /// written to the disk.
    pub fn open(path: &Path, options: &RocksOptions) -> Result<Arc<Self>, KvError> {
        Self::open_with(path, options, Seams::default())
    }

    pub(crate) fn open_with(
        path: &Path,
        options: &RocksOptions,
        seams: Seams,
    ) -> Result<Arc<Self>, KvError> {
        options.validate()?;
        let unavailable = |error: std::io::Error| KvError::Unavailable {
            reason: format!("{}: {error}", path.display()),
        };
        fs::create_dir_all(path).map_err(unavailable)?;
        let path = fs::canonicalize(path).map_err(unavailable)?;
        let free_bytes = seams.free_bytes.unwrap_or_else(|| space::of_disk(&path));
        let space = Space::new(free_bytes, options.disk_reserve_bytes);
        let open = || open_files(&path, options);
        let build = |(db, holder), occupied| {
            let files = Arc::new(Files { db, holder, occupied });
            let counters = Arc::new(Counters::default());
            let log: Box<dyn Log> = Box::new(RocksLog(Arc::clone(&files)));
            let log = match seams.wrap_log {
                Some(wrap) => wrap(log),
                None => log,
            };
            Self {
                options: options.clone(),
                syncer: Syncer::new(log, Arc::clone(&counters)),
                locks: KeyLocks::new(),
                counters,
                space,
                room: Room::default(),
                files,
            }
        };
        registry::share(&path, options, open, build)
            .map_err(|error| space::why_not_opened(&path, error))
    }

    /// What the store did since it was opened.
    pub fn metrics(&self) -> RocksMetrics {
        self.counters.read()
    }

    /// What the store was opened with.
    pub fn options(&self) -> &RocksOptions {
        &self.options
    }

    /// Gives the room of deleted rows back to the disk, if rows were deleted since the last call.
    /// Meant for a store at rest after large deletes. It waits while ranges are compacted; rows
    /// deleted singly, if there are many, are compacted in the background afterwards.
    ///
    /// # Errors
    /// [`KvError::Unavailable`] and [`KvError::Full`] when it could not, which loses nothing.
    pub fn give_back(&self) -> Result<(), KvError> {
        self.syncer.alive()?;
        if !self.room.take_deleted() {
            return Ok(());
        }
        self.space.check_flush(self.options.write_buffer_bytes as u64)?;
        self.room.give_back(&self.files.db)
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Begins an operation that a remote store would take a round trip for.
    pub(crate) fn begin(&self) -> Result<(), KvError> {
        self.syncer.alive()?;
        count(&self.counters.round_trips, 1);
        if let Some(round_trip) = self.options.simulated_round_trip {
            thread::sleep(round_trip);
        }
        Ok(())
    }

    /// What compactions are still going to write, in bytes, as RocksDB estimates it.
    fn backlog_bytes(&self) -> u64 {
        let estimate = self.files.db.property_int_value(ESTIMATE_PENDING_COMPACTION_BYTES);
        estimate.ok().flatten().unwrap_or(0)
    }

    fn check(&self, guards: &[Guard]) -> Result<(), KvError> {
        for (index, guard) in guards.iter().enumerate() {
            let actual = self.files.db.get_pinned(&guard.key).map_err(error::of_read)?;
            if actual.as_deref() != guard.expected.as_deref() {
                count(&self.counters.guard_failures, 1);
                let actual = actual.map(|value| value.to_vec());
                return Err(KvError::GuardFailed { index, actual });
            }
        }
        Ok(())
    }

    /// Checks and writes in one step.
    fn order(&self, batch: &Batch<'_>) -> Result<Ticket, KvError> {
        let db = &self.files.db;
        // Copying the values is the long part, so it happens before anybody has to wait for it.
        let early =
            if batch::has_ranges(batch) { None } else { Some(batch::translate(batch, db)?) };
        let _held = self.locks.lock(batch);
        self.check(&batch.guards)?;
        let writes = early.map_or_else(|| batch::translate(batch, db), Ok)?;
        let mut impatient = WriteOptions::default();
        impatient.set_no_slowdown(true);
        match db.write_opt(writes, &impatient) {
            Err(error) if error.kind() == ErrorKind::Incomplete => self.write_slowly(batch),
            written => written.map_err(|error| self.write_failed(&error)),
        }?;
        // Inside the locks, so that whoever guards on these rows gets a higher ticket.
        Ok(self.syncer.ordered())
    }

    /// Writes when RocksDB wants writers to slow down or wait; nothing is written so far.
    ///
    /// Whoever waits inside RocksDB for a flush that the disk has no room for waits for ever: the
    /// recovery from that failure needs the place of the waiting writer. So the wait is here.
    fn write_slowly(&self, batch: &Batch<'_>) -> Result<(), KvError> {
        let db = &self.files.db;
        while db.property_int_value(IS_WRITE_STOPPED).ok().flatten() == Some(1) {
            self.space.check_flush(self.options.write_buffers_bytes_max())?;
            thread::sleep(STOPPED_POLL);
        }
        let writes = batch::translate(batch, db)?;
        db.write_opt(writes, &WriteOptions::default()).map_err(|error| self.write_failed(&error))
    }

    /// After a failed write RocksDB refuses further ones, and part of it may be in the log.
    fn write_failed(&self, error: &rocksdb::Error) -> KvError {
        let reason = error.to_string();
        if error.kind() == ErrorKind::InvalidArgument {
            return KvError::Invalid { reason };
        }
        self.syncer.fail(reason.clone());
        KvError::UnknownOutcome { reason }
    }
}

fn open_files(path: &Path, options: &RocksOptions) -> Result<(DB, Holder), KvError> {
    let holder = Holder::take(path)?;
    if !has_log(path)? && path.join("CURRENT").exists() {
        // A power cut in the first opening. RocksDB that is to check the chain of logs demands
        // one; that which is not makes one.
        drop(DB::open(&tuning::options(options, false)?, path).map_err(error::of_read)?);
    }
    let db = DB::open(&tuning::options(options, true)?, path).map_err(error::of_read)?;
    Ok((db, holder))
}

fn has_log(path: &Path) -> Result<bool, KvError> {
    let is_log = |entry: io::Result<fs::DirEntry>| {
        entry.map(|entry| entry.path().extension().is_some_and(|extension| extension == "log"))
    };
    fs::read_dir(path)
        .and_then(|entries| {
            entries.map(is_log).find(|log| !matches!(log, Ok(false))).unwrap_or(Ok(false))
        })
        .map_err(|error| KvError::Unavailable { reason: format!("{}: {error}", path.display()) })
}

impl Drop for RocksKv {
    fn drop(&mut self) {
        self.syncer.stop();
    }
}

impl Kv for RocksKv {
    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>, KvError> {
        self.syncer.alive()?;
        count(&self.counters.snapshots, 1);
        Ok(Box::new(RocksSnapshot::new(self, &self.files.db)))
    }

    fn commit(&self, batch: &Batch<'_>) -> Result<Ticket, KvError> {
        let begun = Instant::now();
        self.limits().check(batch)?;
        self.begin()?;
        self.space.admit(batch, || self.backlog_bytes())?;
        let ticket = self.order(batch)?;
        self.room.note(batch);
        if self.options.durability == Durability::Os {
            self.syncer.mark_durable(ticket);
        }
        let ns = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.counters.commit_ns.add(ns);
        count(&self.counters.commits, 1);
        count(&self.counters.commit_bytes, batch.bytes());
        Ok(ticket)
    }

    fn wait_durable(&self, ticket: Ticket) -> Result<(), KvError> {
        self.syncer.wait(ticket)
    }

    fn on_durable(&self, ticket: Ticket, callback: DurableCallback) {
        self.syncer.call(ticket, callback);
    }

    fn durable(&self) -> Ticket {
        self.syncer.durable()
    }

    fn limits(&self) -> Limits {
        self.options.limits()
    }

    fn durability(&self) -> Durability {
        self.options.durability
    }
}
