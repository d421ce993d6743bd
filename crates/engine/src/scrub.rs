//! Looking at everything that is stored, a part at a time.

use actor_sqlite_pagestore::{ActorId, Damage, StoreError};

use crate::Engine;

/// Databases that are looked up at a time.
const LISTED: usize = 64;

/// Where a scrub goes on. It begins with the default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScrubCursor {
    /// How often the whole store was walked over.
    pub round: u64,
    /// The last database that was looked at in this round.
    pub after: Option<ActorId>,
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

impl Engine {
    /// Verifies databases one after the other, from the cursor on and until `budget_bytes` of rows
    /// were read, and begins again at the end of the store: to be called at a rate of the host's
    /// choosing. One database is looked at in one piece and on one snapshot, so that a call reads
    /// at most the budget and one database. It takes no lock and no turn.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]. Damage is in the report, not an error.
    pub fn scrub(
        &self,
        cursor: &ScrubCursor,
        budget_bytes: u64,
    ) -> Result<ScrubReport, StoreError> {
        let mut report = ScrubReport { next: cursor.clone(), ..ScrubReport::default() };
        loop {
            let actors = self.list(None, report.next.after.as_ref(), LISTED)?;
            if actors.is_empty() {
                report.next = ScrubCursor { round: report.next.round + 1, after: None };
                return Ok(report);
            }
            for actor in actors {
                match self.verify_database(&actor) {
                    Ok(found) => {
                        report.rows += found.rows;
                        report.bytes += found.bytes;
                        report.pages += found.pages;
                        let damage = found.damage.into_iter();
                        report.damage.extend(damage.map(|damage| (actor.clone(), damage)));
                    }
                    // It was deleted since it was listed.
                    Err(StoreError::NotFound { .. }) => {}
                    Err(error) => return Err(error),
                }
                report.databases += 1;
                report.next.after = Some(actor);
                if report.bytes >= budget_bytes {
                    return Ok(report);
                }
            }
        }
    }
}
