//! What the engine keeps in memory for a claimed database.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use actor_sqlite_kv::Ticket;
use actor_sqlite_ltx::Txid;
use actor_sqlite_pagestore::{CommitId, Generation, StoreError};

use crate::compact::Crowd;
use crate::db::Db;
use crate::heads::Stored;
use crate::hints::StoredHints;
use crate::page_index::{DeltaPages, PageIndex};
use crate::resume::Doubts;
use crate::rows::{HeadRow, RootRow};
use crate::shard_cache::ShardIndex;
use crate::stage::Stage;

/// The state of one lease.
///
/// Two locks, taken in this order. `writer` is held by whoever changes which state the view shows
/// or where its pages are: a commit from before it asks the store until the view is up to date, a
/// compaction while it enters its result, a reader that found its view stale. `view` is held for
/// moments only, never while the store is asked, so that readers do not wait for a commit.
pub(crate) struct LeaseState {
    /// The engine's, by which its leases are told from those of another.
    pub(crate) doubts: Arc<Doubts>,
    pub(crate) db: Db,
    pub(crate) generation: Generation,
    writer: Mutex<Writer>,
    view: RwLock<View>,
    crowd: Mutex<Crowd>,
}

/// What belongs to the one commit that may be under way.
#[derive(Default)]
pub(crate) struct Writer {
    /// The last commit id that was answered with success, those included that wrote nothing.
    pub(crate) last: Option<CommitId>,
    /// A write of `HEAD` whose outcome could not be found out.
    pub(crate) pending: Option<Pending>,
    /// The pages that were sent of a transaction that is still running.
    pub(crate) stage: Option<Stage>,
    /// The transaction that lost pages it had sent: nothing more is taken of it, so that it is not
    /// committed without them.
    pub(crate) lost: Option<CommitId>,
    /// Buffer for rows, kept to spare the next commit an allocation.
    pub(crate) buffer: Vec<u8>,
}

/// A write of `HEAD` that was handed to the store.
pub(crate) enum Pending {
    Commit(PendingCommit),
    /// No commit: the state is the same whether it landed or not.
    Rewrite,
}

/// A commit that was handed to the store.
pub(crate) struct PendingCommit {
    pub(crate) head: Stored<HeadRow>,
    pub(crate) pages: DeltaPages,
    /// Keys and values of its delta and page index.
    pub(crate) bytes: u64,
}

/// What a reader sees.
pub(crate) struct View {
    pub(crate) head: Stored<HeadRow>,
    pub(crate) root: RootRow,
    pub(crate) hints: StoredHints,
    /// The quota that holds for the database.
    pub(crate) quota_bytes: Option<u64>,
    pub(crate) index: PageIndex,
    /// Covers the state.
    pub(crate) ticket: Ticket,
    /// The commits above the watermark, oldest first, with their bytes.
    pub(crate) open_deltas: OpenDeltas,
    /// Monotonic time of the last commit, in nanoseconds.
    pub(crate) committed_at_ns: u64,
    /// Why the lease is over, if it is.
    pub(crate) over: Option<StoreError>,
}

impl LeaseState {
    pub(crate) fn new(doubts: Arc<Doubts>, db: Db, view: View) -> Self {
        let HeadRow { generation, commit_id, .. } = view.head.row;
        let last = (commit_id.generation == generation).then_some(commit_id);
        let writer = Mutex::new(Writer { last, ..Writer::default() });
        Self { doubts, db, generation, writer, view: RwLock::new(view), crowd: Mutex::default() }
    }

    /// How its commits stand to those of others.
    pub(crate) fn crowd(&self) -> MutexGuard<'_, Crowd> {
        self.crowd.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps in mind that a commit is in doubt, for whoever resumes the lease.
    pub(crate) fn note_doubt(&self, writer: &Writer) {
        if writer.pending.is_some() {
            self.doubts.note(&self.db.actor, self.generation);
        }
    }

    /// A panic while a lock was held leaves counters and maps that are whole in themselves; each
    /// change to them is made in one step after all that can fail.
    pub(crate) fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn view(&self) -> RwLockReadGuard<'_, View> {
        self.view.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn view_mut(&self) -> RwLockWriteGuard<'_, View> {
        self.view.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the lease because the store shows another owner, and makes the error for it.
    pub(crate) fn fence(&self, generation: Generation, head: Txid) -> StoreError {
        let mut view = self.view_mut();
        let fenced = StoreError::Fenced {
            actor: self.db.actor.clone(),
            expected_generation: self.generation,
            actual_generation: generation,
            expected_head: view.head.row.head.txid,
            actual_head: head,
        };
        view.over.get_or_insert(fenced).clone()
    }
}

impl Drop for LeaseState {
    fn drop(&mut self) {
        self.note_doubt(&self.writer());
    }
}

impl View {
    /// Shows the state after a commit that landed.
    pub(crate) fn committed(&mut self, landed: PendingCommit, ticket: Ticket, now_ns: u64) {
        let (before, after) = (self.head.row.head, landed.head.row.head);
        self.index.apply(after.txid, landed.pages, after.size, before.size);
        self.open_deltas.push(after.txid, landed.bytes);
        self.head = landed.head;
        self.ticket = ticket;
        self.committed_at_ns = now_ns;
    }

    /// Shows where the pages are after a compaction. Called under the writer's lock, so that the
    /// head shown is not below the watermark.
    pub(crate) fn compacted(
        &mut self,
        root: RootRow,
        rewritten: Option<&[(u32, Arc<ShardIndex>)]>,
    ) {
        self.index.advance(root.watermark, rewritten);
        self.open_deltas.fold(root.watermark);
        self.root = root;
    }
}

/// The commits above the watermark.
#[derive(Debug, Default)]
pub(crate) struct OpenDeltas {
    /// Oldest first, with the keys and values of each in bytes.
    list: VecDeque<(Txid, u64)>,
    bytes: u64,
}

impl OpenDeltas {
    pub(crate) fn push(&mut self, txid: Txid, bytes: u64) {
        self.list.push_back((txid, bytes));
        self.bytes += bytes;
    }

    /// Drops those up to a new watermark.
    fn fold(&mut self, watermark: Txid) {
        while let Some(&(txid, bytes)) = self.list.front()
            && txid <= watermark
        {
            self.list.pop_front();
            self.bytes -= bytes;
        }
    }

    pub(crate) fn count(&self) -> u64 {
        self.list.len() as u64
    }

    /// Keys and values of all of them, as if none had more than `each`.
    pub(crate) fn bytes_at_most(&self, each: u64) -> u64 {
        self.list.iter().map(|&(_, bytes)| bytes.min(each)).sum()
    }

    /// Keys and values of all of them.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }
}
