//! Reading everything that is stored of a database, and saying what is wrong with it. Damage never
//! ends a walk.
//!
//! Memory does not grow with the content. Two walks see every row once:
//!
//! - The *books* are all rows that are no chunks: about 13 bytes a page. Each is decoded; what is
//!   kept of it is a few words a commit, a replaced shard or a segment. They are compared with each
//!   other, and then read again, in windows of pages, to add up the page checksums: a shard's are
//!   added when its index comes by, and only the pages of commits that are not folded are held.
//! - The *files* are the chunks, in the order of their keys. The indexes of deltas, shards and
//!   segments have the same order, so the two lists are merged as they are read: each file is put
//!   together, decoded, compared with its index, and dropped; an index without a file is found on
//!   the way.
//!
//! Rows other than `EPOCH`, `HEAD`, `ROOT` and `HINTS` are written once. So a file that agreed with its
//! index agrees with it for ever, and the walk over the files may be cut into slices with a snapshot each,
//! as [`Engine::scrub`] does with large databases.

mod agree;
mod books;
mod content;
mod cross;
mod file;
mod files;
mod stages;

use std::ops::ControlFlow;

use actor_sqlite_kv::{Scan, Snapshot};
use actor_sqlite_ltx::PageSize;
use actor_sqlite_pagestore::{ActorId, Damage, StoreError, VerifyReport};

use crate::Engine;
use crate::db::Db;
use crate::heads::Heads;
use crate::keys::RowId;
use crate::rows::{DeltaIndex, Format, IndexRow, RowFault, open};
pub(crate) use files::Place;

/// Told after each row how many bytes were read, so that the host can sleep; `Break` ends the walk.
pub(crate) type Pace<'p> = dyn FnMut(u64) -> ControlFlow<()> + 'p;

/// Why a walk has ended early.
enum Stop {
    /// The host said so.
    Broken,
    Failed(StoreError),
}

type Step<T> = Result<T, Stop>;

/// Called with each row of a range.
type Visit<'v, C> = dyn FnMut(&mut C, &[u8], &[u8]) -> Step<ControlFlow<()>> + 'v;

/// What a walk looks at, and what it has found.
pub(crate) struct Check<'a> {
    db: &'a Db,
    snapshot: &'a dyn Snapshot,
    heads: Option<Heads>,
    page_size: PageSize,
    /// The most pages whose checksums are held.
    pages_max: u32,
    pace: &'a mut Pace<'a>,
    report: VerifyReport,
}

impl Engine {
    /// As [`PageStoreAdmin::verify`](actor_sqlite_pagestore::PageStoreAdmin::verify), on one
    /// snapshot and at a pace of the host's choosing: `pace` is told after each row how many bytes
    /// were read. It may sleep. If it breaks, the report has what was found so far, and is not
    /// [`finished`](VerifyReport::finished).
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Unavailable`].
    pub fn verify_paced(
        &self,
        actor: &ActorId,
        pace: &mut dyn FnMut(u64) -> ControlFlow<()>,
    ) -> Result<VerifyReport, StoreError> {
        let db = Db::new(actor);
        let snapshot = self.kv.snapshot().map_err(|error| db.failed(error))?;
        Check::new(self, &db, &*snapshot, pace)?.run(Check::everything)
    }
}

impl<'a> Check<'a> {
    pub(crate) fn new(
        engine: &Engine,
        db: &'a Db,
        snapshot: &'a dyn Snapshot,
        pace: &'a mut Pace<'a>,
    ) -> Result<Self, StoreError> {
        let mut report = VerifyReport::default();
        let heads = match Heads::load(db, snapshot) {
            Ok(heads) => heads,
            Err(StoreError::Corrupt { row, reason, .. }) => {
                report.damage.push(Damage { row, reason });
                None
            }
            Err(error) => return Err(error),
        };
        let page_size = heads.as_ref().map(|heads| heads.head.row.head.page_size);
        let page_size = page_size.unwrap_or(PageSize::DEFAULT);
        let pages_max = engine.options.verify_pages_max.max(1);
        Ok(Self { db, snapshot, heads, page_size, pages_max, pace, report })
    }

    /// The bytes that the database accounts for; `None` if that cannot be read.
    pub(crate) fn stored_bytes(&self) -> Option<u64> {
        self.heads.as_ref().map(Heads::stored_bytes)
    }

    /// Everything, on this snapshot.
    pub(crate) fn verify(self) -> Result<VerifyReport, StoreError> {
        self.run(Self::everything)
    }

    /// The rows that are no chunks.
    pub(crate) fn verify_books(self) -> Result<VerifyReport, StoreError> {
        self.run(Self::books)
    }

    /// Files from a place on, until about so many bytes were read.
    pub(crate) fn verify_files(
        self,
        place: &mut Place,
        bytes: u64,
    ) -> Result<VerifyReport, StoreError> {
        self.run(|check| check.files(place, bytes))
    }

    fn run(mut self, walk: impl FnOnce(&mut Self) -> Step<()>) -> Result<VerifyReport, StoreError> {
        match walk(&mut self) {
            Ok(()) => self.report.finished = true,
            Err(Stop::Broken) => {}
            Err(Stop::Failed(error)) => return Err(error),
        }
        Ok(self.report)
    }

    fn everything(&mut self) -> Step<()> {
        self.books()?;
        self.files(&mut Place::default(), u64::MAX)?;
        let (accounted, held) = (self.stored_bytes(), self.report.bytes);
        if let Some(accounted) = accounted.filter(|&accounted| accounted != held) {
            let reason = format!("they account for {accounted} bytes, the rows hold {held}");
            self.damage_named("HEAD and ROOT".into(), reason);
        }
        Ok(())
    }

    /// Visits the rows of a range.
    fn each(&mut self, (start, end): (&[u8], &[u8]), visit: &mut Visit<'_, Self>) -> Step<()> {
        let (db, mut outcome) = (self.db, Ok(()));
        let scan = Scan { start, end, limit: usize::MAX, reverse: false };
        let walked = self.snapshot.scan(scan, &mut |key, value| {
            visit(self, key, value).unwrap_or_else(|stop| {
                outcome = Err(stop);
                ControlFlow::Break(())
            })
        });
        walked.map_err(|error| Stop::Failed(db.failed(error)))?;
        outcome
    }

    /// Tells the host of a row that was read.
    fn read(&mut self, key: &[u8], value: &[u8]) -> Step<()> {
        match (self.pace)((key.len() + value.len()) as u64) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(Stop::Broken),
        }
    }

    /// The same, of one that was not read before.
    fn count(&mut self, key: &[u8], value: &[u8]) -> Step<()> {
        self.report.rows += 1;
        self.report.bytes += (key.len() + value.len()) as u64;
        self.read(key, value)
    }

    /// A row's format and payload.
    fn open<'v>(row: RowId, key: &[u8], value: &'v [u8]) -> Result<(Format, &'v [u8]), RowFault> {
        let versioned = matches!(row, RowId::Head | RowId::Root | RowId::Pidx { .. });
        match open(key, value)? {
            (format, _) if format != Format::V1 && !versioned => {
                Err(RowFault::Format(format as u8))
            }
            opened => Ok(opened),
        }
    }

    /// A row that is the index of a file.
    fn index(&self, row: RowId, key: &[u8], value: &[u8]) -> Result<DeltaIndex, RowFault> {
        let (format, payload) = Self::open(row, key, value)?;
        match row {
            RowId::Pidx { .. } => DeltaIndex::decode(format, payload, self.page_size),
            _ => IndexRow::decode(payload, self.page_size).map(DeltaIndex::Plain),
        }
    }

    fn damage(&mut self, row: RowId, reason: impl ToString) {
        self.damage_named(row.to_string(), reason);
    }

    fn damage_named(&mut self, row: String, reason: impl ToString) {
        self.report.damage.push(Damage { row, reason: reason.to_string() });
    }

    fn enter(&mut self, found: impl IntoIterator<Item = (RowId, String)>) {
        for (row, reason) in found {
            self.damage(row, reason);
        }
    }

    /// Whether a row of that beginning is in the report already.
    fn named(&self, beginning: &str) -> bool {
        self.report.damage.iter().any(|damage| damage.row.starts_with(beginning))
    }

    fn unnamed(&self, row: RowId) -> bool {
        let row = row.to_string();
        !self.report.damage.iter().any(|damage| damage.row == row)
    }
}
