//! A page store as a session uses it: a store that turns out to be slow is called without a place
//! on the executor, so that others run while it answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actor_sqlite_ltx::{Pgno, Txid};
use actor_sqlite_pagestore::{
    ActorId, Claim, ClaimOptions, Clock, CommitId, CommitRequest, Committed, Hints, Lease,
    PageSink, PageStore, Resolution, StageRequest, StoreError, forward_page_store,
};

use crate::executor::without_place;

/// Calls that take longer than this on average are worth the change of threads. Well above what
/// an embedded store takes on a machine whose cores are all busy: there, more threads make every
/// call longer still (measured with 100 µs: 64 writers made 10,000 commits/s instead of more).
const SLOW_NS: u64 = 1_000_000;
/// The weight of one call in the average: 1 / 8.
const AVERAGE_SHIFT: u32 = 3;

pub(crate) struct SlowStore {
    store: Arc<dyn PageStore>,
    clock: Arc<dyn Clock>,
    /// A moving average; updates that cross each other may be lost.
    average_ns: AtomicU64,
}

impl SlowStore {
    pub(crate) fn new(store: Arc<dyn PageStore>, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { store, clock, average_ns: AtomicU64::new(0) })
    }

    fn call<T>(&self, call: impl FnOnce() -> T) -> T {
        let average_ns = self.average_ns.load(Ordering::Relaxed);
        let started_ns = self.clock.monotonic_ns();
        let result = match average_ns > SLOW_NS {
            true => without_place(call),
            false => call(),
        };
        let took_ns = self.clock.monotonic_ns().saturating_sub(started_ns);
        let average_ns = average_ns - (average_ns >> AVERAGE_SHIFT) + (took_ns >> AVERAGE_SHIFT);
        self.average_ns.store(average_ns, Ordering::Relaxed);
        result
    }
}

impl PageStore for SlowStore {
    fn claim(&self, actor: &ActorId, options: &ClaimOptions) -> Result<Claim, StoreError> {
        self.call(|| self.store.claim(actor, options))
    }

    fn read(
        &self,
        lease: &Lease,
        txid: Txid,
        pages: &[Pgno],
        sink: &mut dyn PageSink,
    ) -> Result<(), StoreError> {
        self.call(|| self.store.read(lease, txid, pages, sink))
    }

    fn commit(&self, lease: &Lease, request: &CommitRequest<'_>) -> Result<Committed, StoreError> {
        self.call(|| self.store.commit(lease, request))
    }

    fn resolve(&self, lease: &Lease, commit_id: CommitId) -> Result<Resolution, StoreError> {
        self.call(|| self.store.resolve(lease, commit_id))
    }

    fn stage(&self, lease: &Lease, request: &StageRequest<'_>) -> Result<(), StoreError> {
        self.call(|| self.store.stage(lease, request))
    }

    fn read_staged(
        &self,
        lease: &Lease,
        commit_id: CommitId,
        pages: &[Pgno],
        sink: &mut dyn PageSink,
    ) -> Result<(), StoreError> {
        self.call(|| self.store.read_staged(lease, commit_id, pages, sink))
    }

    fn discard(&self, lease: &Lease, commit_id: CommitId) {
        self.call(|| self.store.discard(lease, commit_id));
    }

    fn save_hints(&self, lease: &Lease, hints: &Hints) -> Result<(), StoreError> {
        self.call(|| self.store.save_hints(lease, hints))
    }

    forward_page_store!(store: wait_durable, on_durable, durable, release);
}
