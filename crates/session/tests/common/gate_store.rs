//! A store whose syncs the test does by hand.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use actor_sqlite_pagestore::*;

/// A [`MemPageStore`] whose tickets become durable when [`GateStore::sync`] says so.
#[derive(Default)]
pub struct GateStore {
    pub mem: MemPageStore,
    sync: Mutex<SyncState>,
    changed: Condvar,
    newest: AtomicU64,
    /// Threads in `wait_durable`.
    pub waiting: AtomicUsize,
    /// Callbacks registered ever.
    pub callbacks: AtomicUsize,
}

#[derive(Default)]
struct SyncState {
    durable: Ticket,
    failed: Option<StoreError>,
    waiting: Vec<(Ticket, DurableCallback)>,
}

impl GateStore {
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Makes all that is ordered durable. Tells up to which ticket.
    pub fn sync(&self) -> Ticket {
        let ticket = Ticket(self.newest.load(Ordering::SeqCst));
        self.settle(|sync| sync.durable = sync.durable.max(ticket));
        ticket
    }

    /// The sync fails, and so does every later one.
    pub fn fail(&self) {
        let error = StoreError::Dead { reason: "no sync".into() };
        self.settle(|sync| sync.failed = Some(error));
    }

    fn settle(&self, change: impl FnOnce(&mut SyncState)) {
        let mut sync = self.sync.lock().unwrap();
        change(&mut sync);
        self.changed.notify_all();
        let (durable, failed) = (sync.durable, sync.failed.clone());
        let all = std::mem::take(&mut sync.waiting);
        let (ready, waiting): (Vec<_>, _) =
            all.into_iter().partition(|(ticket, _)| failed.is_some() || *ticket <= durable);
        sync.waiting = waiting;
        drop(sync);
        for (ticket, callback) in ready {
            callback(if ticket <= durable { Ok(()) } else { failed.clone().map_or(Ok(()), Err) });
        }
    }

    #[allow(dead_code, reason = "not every suite asks")]
    pub fn newest(&self) -> Ticket {
        Ticket(self.newest.load(Ordering::SeqCst))
    }

    fn note(&self, ticket: Ticket) {
        self.newest.fetch_max(ticket.0, Ordering::SeqCst);
    }
}

impl PageStore for GateStore {
    forward_page_store!(mem: read, resolve, release, stage, read_staged, discard, save_hints);

    fn claim(&self, actor: &ActorId, options: &ClaimOptions) -> Result<Claim, StoreError> {
        let claim = self.mem.claim(actor, options)?;
        self.note(claim.ticket);
        Ok(claim)
    }

    fn commit(&self, lease: &Lease, request: &CommitRequest<'_>) -> Result<Committed, StoreError> {
        let committed = self.mem.commit(lease, request)?;
        self.note(committed.ticket);
        Ok(committed)
    }

    fn wait_durable(&self, ticket: Ticket) -> Result<(), StoreError> {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let mut sync = self.sync.lock().unwrap();
        while sync.durable < ticket && sync.failed.is_none() {
            sync = self.changed.wait(sync).unwrap();
        }
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        if sync.durable >= ticket { Ok(()) } else { sync.failed.clone().map_or(Ok(()), Err) }
    }

    fn on_durable(&self, ticket: Ticket, callback: DurableCallback) {
        self.callbacks.fetch_add(1, Ordering::SeqCst);
        let mut sync = self.sync.lock().unwrap();
        if sync.durable < ticket && sync.failed.is_none() {
            sync.waiting.push((ticket, callback));
            return;
        }
        let failed = sync.failed.clone().filter(|_| sync.durable < ticket);
        drop(sync);
        callback(failed.map_or(Ok(()), Err));
    }

    fn durable(&self) -> Ticket {
        self.sync.lock().unwrap().durable
    }
}
