//! Looking at everything that is stored, a part at a time.

use std::ops::ControlFlow;

use actor_sqlite_pagestore::{ActorId, Damage, StoreError, VerifyReport};

use crate::Engine;
use crate::db::Db;
use crate::verify::{Check, Place};

/// Databases that are looked up at a time.
const LISTED: usize = 64;

/// Where a scrub goes on. It begins with the default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScrubCursor {
    /// How often the whole store was walked over.
    pub round: u64,
    /// The last database that was looked at in this round.
    pub after: Option<ActorId>,
    /// The database behind it, and how far its files were looked at, if that is in slices.
    within: Option<(ActorId, Place)>,
}

/// What a part of a scrub found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScrubReport {
    /// Where to go on.
    pub next: ScrubCursor,
    /// Databases looked at.
    pub databases: u64,
    /// Rows read.
    pub rows: u64,
    /// Their keys and values, in bytes.
    pub bytes: u64,
    /// Pages decoded and checked.
    pub pages: u64,
    /// What is wrong, and with whose rows.
    pub damage: Vec<(ActorId, Damage)>,
}

impl ScrubReport {
    fn add(&mut self, actor: &ActorId, found: VerifyReport) {
        self.rows += found.rows;
        self.bytes += found.bytes;
        self.pages += found.pages;
        let damage = found.damage.into_iter();
        self.damage.extend(damage.map(|damage| (actor.clone(), damage)));
    }
}

impl Engine {
    /// Verifies databases one after the other, from the cursor on and until `budget_bytes` of rows
    /// were read, and begins again at the end of the store. It takes no lock and no turn.
    ///
    /// A database up to [`scrub_slice_bytes`](crate::EngineOptions::scrub_slice_bytes) is verified in
    /// one piece. A larger one comes in slices of that size, each with a snapshot of its own, since a
    /// store keeps what a snapshot shows: first its files, each compared with its index, then all other
    /// rows in one slice, which is some thousandths of it. That proves of what was there all the round
    /// what [`verify_paced`](Self::verify_paced) proves, but that the bytes add up to those accounted
    /// for. What came or went meanwhile is proved as far as a slice saw it.
    ///
    /// `pace` is told after each row how many bytes were read. It may sleep: a snapshot is held
    /// meanwhile. If it breaks, the slice it broke is not in the report and the next call begins
    /// with it.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]. Damage is in the report, not an error.
    pub fn scrub(
        &self,
        cursor: &ScrubCursor,
        budget_bytes: u64,
        pace: &mut dyn FnMut(u64) -> ControlFlow<()>,
    ) -> Result<ScrubReport, StoreError> {
        let mut report = ScrubReport { next: cursor.clone(), ..ScrubReport::default() };
        loop {
            let actors = self.list_all(report.next.after.as_ref(), LISTED)?;
            if actors.is_empty() {
                let round = report.next.round + 1;
                report.next = ScrubCursor { round, ..ScrubCursor::default() };
                return Ok(report);
            }
            for actor in actors {
                while report.next.after.as_ref() != Some(&actor) {
                    let finished = self.scrub_slice(&actor, &mut report, pace)?;
                    if !finished || report.bytes >= budget_bytes {
                        return Ok(report);
                    }
                }
            }
        }
    }

    /// Looks at a small database, or at a slice of a large one; whether it came to the end of that.
    fn scrub_slice(
        &self,
        actor: &ActorId,
        report: &mut ScrubReport,
        pace: &mut dyn FnMut(u64) -> ControlFlow<()>,
    ) -> Result<bool, StoreError> {
        let db = Db::new(actor);
        let snapshot = self.kv.snapshot().map_err(|error| db.failed(error))?;
        let check = Check::new(self, &db, &*snapshot, pace)?;
        let slice_bytes = self.options.scrub_slice_bytes;
        let mut place = match &report.next.within {
            Some((within, place)) if within == actor => Some(place.clone()),
            _ if check.stored_bytes().is_some_and(|stored| stored <= slice_bytes) => None,
            _ => Some(Place::default()),
        };
        let files = place.as_ref().is_some_and(|place| !place.is_end());
        let found = match &mut place {
            Some(place) if files => check.verify_files(place, slice_bytes),
            Some(_) => check.verify_books(),
            None => check.verify(),
        };
        match found {
            Ok(found) if !found.finished => return Ok(false),
            Ok(found) => report.add(actor, found),
            // It was deleted since it was listed.
            Err(StoreError::NotFound { .. }) => {}
            Err(error) => return Err(error),
        }
        report.next.within = place.filter(|_| files).map(|place| (actor.clone(), place));
        if !files {
            report.next.after = Some(actor.clone());
            report.databases += 1;
        }
        Ok(true)
    }
}
