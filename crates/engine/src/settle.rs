//! Finding out about commits whose answer was lost, and about who took a database over.

use actor_sqlite_kv::{Batch, KvError, Snapshot, Ticket};
use actor_sqlite_ltx::Txid;
use actor_sqlite_pagestore::{CommitId, Generation, Resolution, StoreError};

use crate::Engine;
use crate::accounts::put_head;
use crate::claim::refuse_rows_without_epoch;
use crate::heads::{Heads, Stored, decode};
use crate::keys::RowId;
use crate::lease::{LeaseState, Pending, PendingCommit, Writer};
use crate::page_index::DeltaPages;
use crate::rows::HeadRow;

/// How often the store is asked before the outcome is called unknown.
const TRIES: usize = 4;

impl Engine {
    pub(crate) fn resolve_commit(
        &self,
        state: &LeaseState,
        commit_id: CommitId,
    ) -> Result<Resolution, StoreError> {
        let mut writer = state.writer();
        if let Some(over) = &state.view().over {
            return Err(over.clone());
        }
        if writer.pending.is_some() {
            self.settle(state, &mut writer)?;
        }
        let view = state.view();
        let (head, ticket) = (&view.head.row, actor_sqlite_pagestore::Ticket(view.ticket.0));
        if writer.last == Some(commit_id) || head.commit_id == commit_id {
            return Ok(Resolution::Landed(head.head, ticket));
        }
        let last = writer.last.map_or(0, |last| last.sequence);
        if commit_id.generation == state.generation && commit_id.sequence > last {
            return Ok(Resolution::NotLanded);
        }
        Err(StoreError::UnknownCommit {
            actor: state.db.actor.clone(),
            commit_id,
            reason: "later commits took place".into(),
        })
    }

    /// Finds out whether the pending commit landed, and makes it so for ever. `false` if it did not,
    /// or if what is pending is no commit.
    ///
    /// `HEAD` as it is says what has happened until now, but a batch whose answer was lost could
    /// still be on its way. So `HEAD` is written again with the same content and another count:
    /// after that a batch guarded by the bytes of before can no longer land, and the ticket of
    /// that write covers the commit if it did.
    pub(crate) fn settle(
        &self,
        state: &LeaseState,
        writer: &mut Writer,
    ) -> Result<bool, StoreError> {
        let commit_id = match &writer.pending {
            None => return Ok(false),
            Some(Pending::Commit(commit)) => Some(commit.head.row.commit_id),
            Some(Pending::Rewrite) => None,
        };
        let mut reason = String::new();
        for _ in 0..TRIES {
            match self.rewrite_head(state, writer) {
                Ok((head, ticket)) => return self.settled(state, writer, head, ticket),
                Err(Retry::Later(why)) => reason = why,
                Err(Retry::Never(error)) if commit_id.is_none() || ends_the_lease(&error) => {
                    return Err(error);
                }
                // Any other says that nothing was changed, which is not known.
                Err(Retry::Never(error)) => {
                    reason = error.to_string();
                    break;
                }
            }
        }
        let Some(commit_id) = commit_id else { return Err(StoreError::Unavailable { reason }) };
        self.metrics.commits_unknown.add(1);
        Err(StoreError::UnknownCommit { actor: state.db.actor.clone(), commit_id, reason })
    }

    fn settled(
        &self,
        state: &LeaseState,
        writer: &mut Writer,
        head: Stored<HeadRow>,
        ticket: Ticket,
    ) -> Result<bool, StoreError> {
        let before = state.view().head.row;
        match writer.pending.take() {
            Some(Pending::Commit(mut commit))
                if commit.head.row.commit_id == head.row.commit_id =>
            {
                if commit.head.row.head != head.row.head {
                    return Err(self.not_ours(state, &head.row));
                }
                commit.head = head;
                self.landed(state, writer, commit, ticket);
                self.metrics.commits_resolved_landed.add(1);
                Ok(true)
            }
            _ if before.head != head.row.head => Err(self.not_ours(state, &head.row)),
            pending => {
                let mut view = state.view_mut();
                view.head = head;
                view.ticket = ticket;
                let commit = matches!(pending, Some(Pending::Commit(_)));
                self.metrics.commits_resolved_not_landed.add(u64::from(commit));
                Ok(false)
            }
        }
    }

    /// Shows a commit that took place.
    pub(crate) fn landed(
        &self,
        state: &LeaseState,
        writer: &mut Writer,
        commit: PendingCommit,
        ticket: Ticket,
    ) {
        let now_ns = self.clock.monotonic_ns();
        let staged = matches!(commit.pages, DeltaPages::Staged(_));
        let mut view = state.view_mut();
        let open = view.head.row.stage_open;
        writer.last = Some(commit.head.row.commit_id);
        writer.stage = None;
        view.committed(commit, ticket, now_ns);
        drop(view);
        if staged {
            self.metrics.stages_committed.add(1);
        } else if open {
            self.gave_up(state);
        }
    }

    /// Reads `HEAD` and writes it again, unless it belongs to another generation. A stage that memory
    /// has lost is closed by that.
    fn rewrite_head(
        &self,
        state: &LeaseState,
        writer: &Writer,
    ) -> Result<(Stored<HeadRow>, Ticket), Retry> {
        let db = &state.db;
        let key = db.keys.key(RowId::Head);
        let mut value = None;
        let snapshot = self.kv.snapshot().map_err(|error| retry(state, error))?;
        snapshot
            .get(&key, &mut |found| value = Some(found.to_vec()))
            .map_err(|error| retry(state, error))?;
        drop(snapshot);
        let found = self.own_head(state, value).map_err(Retry::Never)?;
        let rewritten = HeadRow {
            rewrites: found.row.rewrites + 1,
            stage_open: found.row.stage_open && writer.stage.is_some(),
            ..found.row
        };
        let mut batch = Batch::new();
        let rewritten = put_head(db, &mut batch, &found, rewritten);
        let ticket = self.order(&batch).map_err(|error| retry(state, error))?;
        if found.row.stage_open && !rewritten.row.stage_open {
            self.gave_up(state);
        }
        Ok((rewritten, ticket))
    }

    /// Decodes what `HEAD` holds, if it is this lease's.
    fn own_head(
        &self,
        state: &LeaseState,
        value: Option<Vec<u8>>,
    ) -> Result<Stored<HeadRow>, StoreError> {
        let Some(value) = value else {
            let snapshot = self.kv.snapshot().map_err(|error| state.db.failed(error))?;
            self.own_heads(state, &*snapshot)?;
            return Err(state.db.corrupt(RowId::Head, "it is missing"));
        };
        let head = decode(&state.db, RowId::Head, value, HeadRow::decode)?;
        if head.row.generation == state.generation {
            return Ok(head);
        }
        self.metrics.fenced.add(1);
        Err(state.fence(head.row.generation, head.row.head.txid))
    }

    /// The three rows, if they are this lease's.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] if another lease has the database, or if there is none any more.
    pub(crate) fn own_heads(
        &self,
        state: &LeaseState,
        snapshot: &dyn Snapshot,
    ) -> Result<Heads, StoreError> {
        let (generation, head) = match Heads::load(&state.db, snapshot)? {
            Some(heads) if heads.head.row.generation == state.generation => return Ok(heads),
            Some(heads) => (heads.head.row.generation, heads.head.row.head.txid),
            None => {
                refuse_rows_without_epoch(&state.db, snapshot)?;
                (Generation::NONE, Txid::ZERO)
            }
        };
        self.metrics.fenced.add(1);
        Err(state.fence(generation, head))
    }

    /// What an error of a lease that met wrong rows really is. Keys are used again after a deletion, so
    /// that a lease that does not know of it may find rows of a later database where its own were.
    pub(crate) fn unless_fenced(
        &self,
        state: &LeaseState,
        snapshot: &dyn Snapshot,
        error: StoreError,
    ) -> StoreError {
        if !matches!(error, StoreError::Corrupt { .. }) {
            return error;
        }
        match self.own_heads(state, snapshot) {
            Err(fenced @ StoreError::Fenced { .. }) => fenced,
            _ => error,
        }
    }

    /// The error of a commit whose guard did not hold: `HEAD` is of another generation, or of
    /// another handle with this one.
    pub(crate) fn refused(&self, state: &LeaseState, actual: Option<Vec<u8>>) -> StoreError {
        match self.own_head(state, actual) {
            Ok(head) => self.not_ours(state, &head.row),
            Err(error) => error,
        }
    }

    /// The error of a `HEAD` of this generation that the lease did not write. One that lies ahead was
    /// written by who resumed the lease on another engine; one that does not is wrong.
    fn not_ours(&self, state: &LeaseState, found: &HeadRow) -> StoreError {
        let own = state.view().head.row;
        let ahead = (found.head.txid, found.rewrites) > (own.head.txid, own.rewrites);
        if !ahead {
            return state.db.corrupt(RowId::Head, "it changed under its owner");
        }
        self.metrics.fenced.add(1);
        state.fence(found.generation, found.head.txid)
    }
}

/// Why `HEAD` could not be rewritten.
enum Retry {
    /// Asking again may help.
    Later(String),
    Never(StoreError),
}

/// Whether nobody goes on with a lease after this error, so that it need not say what became of a
/// commit.
fn ends_the_lease(error: &StoreError) -> bool {
    matches!(error, StoreError::Fenced { .. } | StoreError::Dead { .. } | StoreError::Closed)
}

fn retry(state: &LeaseState, error: KvError) -> Retry {
    match error {
        KvError::Unavailable { .. }
        | KvError::UnknownOutcome { .. }
        | KvError::GuardFailed { .. } => Retry::Later(error.to_string()),
        error => Retry::Never(state.db.failed(error)),
    }
}
