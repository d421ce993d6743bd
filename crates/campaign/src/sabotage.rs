//! A store with a planted fault, for canaries: tests that prove that a campaign would notice.

use std::sync::Arc;

use actor_sqlite_kv::{
    Batch, Durability, DurableCallback, FaultKv, Kv, KvError, Limits, Snapshot, Ticket,
};

/// Changes each batch on its way to the store.
type Edit = dyn Fn(&mut Batch<'_>) + Send + Sync;

enum Fault {
    Batches(Box<Edit>),
    Syncs,
    Outcomes,
}

/// A [`FaultKv`] behind something that does what a bug in the code above it would do.
pub struct Sabotage {
    store: Arc<FaultKv>,
    fault: Fault,
}

impl Sabotage {
    /// Every batch is changed: a guard is left out, say, or a row is not deleted.
    pub fn batches(
        store: Arc<FaultKv>,
        edit: impl Fn(&mut Batch<'_>) + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self { store, fault: Fault::Batches(Box::new(edit)) })
    }

    /// What is ordered is called durable, without a sync.
    pub fn syncs(store: Arc<FaultKv>) -> Arc<Self> {
        Arc::new(Self { store, fault: Fault::Syncs })
    }

    /// A commit of which nobody knows whether it landed is said not to have.
    pub fn outcomes(store: Arc<FaultKv>) -> Arc<Self> {
        Arc::new(Self { store, fault: Fault::Outcomes })
    }

    fn never_syncs(&self) -> bool {
        matches!(self.fault, Fault::Syncs)
    }
}

impl Kv for Sabotage {
    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>, KvError> {
        self.store.snapshot()
    }

    fn commit(&self, batch: &Batch<'_>) -> Result<Ticket, KvError> {
        match &self.fault {
            Fault::Syncs => self.store.commit(batch),
            Fault::Batches(edit) => {
                let mut edited = batch.clone();
                edit(&mut edited);
                self.store.commit(&edited)
            }
            Fault::Outcomes => self.store.commit(batch).map_err(|error| match error {
                KvError::UnknownOutcome { reason } => KvError::Unavailable { reason },
                error => error,
            }),
        }
    }

    fn wait_durable(&self, ticket: Ticket) -> Result<(), KvError> {
        if self.never_syncs() { Ok(()) } else { self.store.wait_durable(ticket) }
    }

    fn on_durable(&self, ticket: Ticket, callback: DurableCallback) {
        if self.never_syncs() { callback(Ok(())) } else { self.store.on_durable(ticket, callback) }
    }

    fn durable(&self) -> Ticket {
        if self.never_syncs() { Ticket(u64::MAX) } else { self.store.durable() }
    }

    fn limits(&self) -> Limits {
        self.store.limits()
    }

    fn durability(&self) -> Durability {
        self.store.durability()
    }
}
