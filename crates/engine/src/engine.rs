//! The engine itself: what it is made of, and the contract it keeps.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use actor_sqlite_kv::Kv;
use actor_sqlite_ltx::{Pgno, Txid};
use actor_sqlite_pagestore::{
    ActorId, ActorStat, Claim, ClaimOptions, Clock, CommitId, CommitRequest, Committed, Deletion,
    DurableCallback, Hints, Lease, ListRequest, PageSink, PageStore, PageStoreAdmin, Resolution,
    StageRequest, StoreError, Ticket, VerifyReport,
};

use crate::compact::Queue;
use crate::error::common;
use crate::lease::LeaseState;
use crate::metrics::{EngineMetrics, Metrics};
use crate::options::EngineOptions;
use crate::resume::Doubts;
use crate::usage::Namespaces;

/// A page store over a key-value store. See the crate's page.
pub struct Engine {
    pub(crate) kv: Arc<dyn Kv>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) options: EngineOptions,
    pub(crate) metrics: Metrics,
    pub(crate) queue: Mutex<Queue>,
    /// A turn of the queue has ended.
    pub(crate) turn_over: Condvar,
    /// Called when a database waits for maintenance where none did.
    pub(crate) on_work: OnceLock<Box<dyn Fn() + Send + Sync>>,
    /// The newest lease of each database that this engine gave out and nobody dropped.
    leases: Mutex<HashMap<ActorId, Weak<LeaseState>>>,
    /// The highest ticket of all batches that this engine ordered.
    newest: AtomicU64,
    /// Of the bytes of deleted databases, those that a round of maintenance has reported.
    pub(crate) deleted_bytes_reported: AtomicU64,
    pub(crate) namespaces: Namespaces,
    /// Shared with the leases, and by that what tells this engine's from those of others.
    doubts: Arc<Doubts>,
}

impl Engine {
    /// An engine over a store. Several engines may share a store, in one process or in many.
    pub fn new(kv: Arc<dyn Kv>, clock: Arc<dyn Clock>, options: EngineOptions) -> Self {
        Self {
            kv,
            clock,
            options,
            metrics: Metrics::default(),
            queue: Mutex::default(),
            turn_over: Condvar::new(),
            on_work: OnceLock::new(),
            leases: Mutex::default(),
            newest: AtomicU64::new(0),
            deleted_bytes_reported: AtomicU64::new(0),
            namespaces: Namespaces::default(),
            doubts: Arc::default(),
        }
    }

    /// Has `callback` called when a database waits for [`Self::maintain`] where none did before, on
    /// the thread that makes it wait: a commit's, mostly. Only the first callback counts.
    pub fn on_work(&self, callback: Box<dyn Fn() + Send + Sync>) {
        let _ = self.on_work.set(callback);
    }

    /// The store under the engine.
    pub fn store(&self) -> Arc<dyn Kv> {
        Arc::clone(&self.kv)
    }

    /// What the engine has done so far.
    pub fn metrics(&self) -> EngineMetrics {
        let now_ns = self.clock.monotonic_ns();
        let (waiting, oldest_ns) = {
            let queue = self.queue();
            (queue.len() as u64, queue.oldest_ns())
        };
        self.metrics.compaction_queue.set(waiting);
        let wait_ns = oldest_ns.map_or(0, |since_ns| now_ns.saturating_sub(since_ns));
        self.metrics.compaction_wait_ns.set(wait_ns);
        let open = self.live_leases().iter().fold((0, 0), |(count, bytes), lease| {
            let view = lease.view();
            (count + view.open_deltas.count(), bytes + view.open_deltas.bytes())
        });
        self.metrics.open_deltas.set(open.0);
        self.metrics.open_delta_bytes.set(open.1);
        self.metrics.snapshot()
    }

    pub(crate) fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn leases(&self) -> MutexGuard<'_, HashMap<ActorId, Weak<LeaseState>>> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is in doubt, shared with every lease of this engine.
    pub(crate) fn doubts(&self) -> &Arc<Doubts> {
        &self.doubts
    }

    /// Takes note of a ticket.
    pub(crate) fn note_ticket(&self, ticket: actor_sqlite_kv::Ticket) {
        self.newest.fetch_max(ticket.0, Ordering::AcqRel);
    }

    /// Covers every batch that this engine has ordered and been told of.
    pub(crate) fn newest_ticket(&self) -> actor_sqlite_kv::Ticket {
        actor_sqlite_kv::Ticket(self.newest.load(Ordering::Acquire))
    }

    /// The state of a lease that this engine gave out.
    pub(crate) fn state<'l>(&self, lease: &'l Lease) -> Result<&'l LeaseState, StoreError> {
        lease
            .state::<LeaseState>()
            .filter(|state| Arc::ptr_eq(&state.doubts, &self.doubts))
            .ok_or_else(|| StoreError::Invalid { reason: "the lease is of another store".into() })
    }

    /// The newest lease that this engine gave out for a database.
    pub(crate) fn live_lease(&self, actor: &ActorId) -> Option<Arc<LeaseState>> {
        self.leases().get(actor).and_then(Weak::upgrade)
    }

    /// All of those. Forgets the ones that were dropped and never released.
    pub(crate) fn live_leases(&self) -> Vec<Arc<LeaseState>> {
        let mut leases = self.leases();
        leases.retain(|_, lease| lease.strong_count() > 0);
        leases.values().filter_map(Weak::upgrade).collect()
    }

    /// Enters a new lease. Of two claims that end at the same time the higher generation stays,
    /// and the lower one learns that it is fenced. `false` if another resume of the generation came
    /// first: it may have committed since this one looked at the rows.
    pub(crate) fn register(&self, state: &Arc<LeaseState>) -> bool {
        let mut leases = self.leases();
        let other = leases.get(&state.db.actor).and_then(Weak::upgrade);
        if other.as_ref().is_some_and(|other| other.generation == state.generation) {
            return false;
        }
        let newer = other.as_ref().is_some_and(|other| other.generation > state.generation);
        if !newer {
            leases.insert(state.db.actor.clone(), Arc::downgrade(state));
        }
        drop(leases);
        if let Some(other) = other {
            let (stays, goes) = if newer { (&*other, &**state) } else { (&**state, &*other) };
            let head = stays.view().head.row.head.txid;
            goes.fence(stays.generation, head);
            self.metrics.fenced.add(1);
        }
        true
    }

    pub(crate) fn unregister(&self, state: &LeaseState) {
        let mut leases = self.leases();
        let same =
            leases.get(&state.db.actor).is_some_and(|entry| std::ptr::eq(entry.as_ptr(), state));
        if same {
            leases.remove(&state.db.actor);
        }
    }
}

impl PageStore for Engine {
    fn claim(&self, actor: &ActorId, options: &ClaimOptions) -> Result<Claim, StoreError> {
        self.claim_database(actor, options)
    }

    fn read(
        &self,
        lease: &Lease,
        txid: Txid,
        pages: &[Pgno],
        sink: &mut dyn PageSink,
    ) -> Result<(), StoreError> {
        self.read_pages(self.state(lease)?, txid, pages, sink)
    }

    fn commit(&self, lease: &Lease, request: &CommitRequest<'_>) -> Result<Committed, StoreError> {
        let state = self.state(lease)?;
        self.within_quota(state, || self.commit_pages(state, request))
    }

    fn stage(&self, lease: &Lease, request: &StageRequest<'_>) -> Result<(), StoreError> {
        self.stage_pages(self.state(lease)?, request)
    }

    fn read_staged(
        &self,
        lease: &Lease,
        commit_id: CommitId,
        pages: &[Pgno],
        sink: &mut dyn PageSink,
    ) -> Result<(), StoreError> {
        self.read_stage(self.state(lease)?, commit_id, pages, sink)
    }

    fn discard(&self, lease: &Lease, commit_id: CommitId) {
        if let Ok(state) = self.state(lease) {
            self.discard_stage(state, commit_id);
        }
    }

    fn save_hints(&self, lease: &Lease, hints: &Hints) -> Result<(), StoreError> {
        self.save_hints_of(self.state(lease)?, hints)
    }

    fn resolve(&self, lease: &Lease, commit_id: CommitId) -> Result<Resolution, StoreError> {
        self.resolve_commit(self.state(lease)?, commit_id)
    }

    fn wait_durable(&self, ticket: Ticket) -> Result<(), StoreError> {
        self.kv.wait_durable(actor_sqlite_kv::Ticket(ticket.0)).map_err(common)
    }

    fn on_durable(&self, ticket: Ticket, callback: DurableCallback) {
        let ticket = actor_sqlite_kv::Ticket(ticket.0);
        self.kv.on_durable(ticket, Box::new(move |outcome| callback(outcome.map_err(common))));
    }

    fn durable(&self) -> Ticket {
        Ticket(self.kv.durable().0)
    }

    fn release(&self, lease: &Lease) {
        let Ok(state) = self.state(lease) else { return };
        self.end_lease(state);
        let debt = state.view().open_deltas.count();
        if self.is_worth_an_idle_turn(debt) {
            self.enqueue(&state.db.actor);
        }
    }
}

impl PageStoreAdmin for Engine {
    fn list(&self, request: &ListRequest<'_>) -> Result<Vec<ActorId>, StoreError> {
        self.list_named(request)
    }

    fn exists(&self, actor: &ActorId) -> Result<bool, StoreError> {
        self.is_there(actor)
    }

    fn delete(&self, actor: &ActorId) -> Result<Deletion, StoreError> {
        self.delete_database(actor)
    }

    fn stat(&self, actor: &ActorId) -> Result<Option<ActorStat>, StoreError> {
        self.stat_database(actor)
    }

    fn verify(&self, actor: &ActorId) -> Result<VerifyReport, StoreError> {
        self.verify_paced(actor, &mut |_| ControlFlow::Continue(()))
    }
}
