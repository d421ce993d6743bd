//! A store with a planted fault, for canaries: tests that prove that a campaign would notice.

use std::sync::Arc;

use actor_sqlite_kv::{
    Batch, Durability, DurableCallback, FaultKv, Kv, KvError, Limits, Snapshot, Ticket,
};

/// Changes each batch on its way to the store.
type Edit = dyn Fn(&mut Batch<'_>) + Send + Sync;

/// A [`FaultKv`] behind something that does what a bug in the code above it would do.
pub struct Sabotage {
    store: Arc<FaultKv>,
    edit: Option<Box<Edit>>,
}

impl Sabotage {
    /// Every batch is changed: a guard is left out, say, or a row is not deleted.
    pub fn batches(
        store: Arc<FaultKv>,
        edit: impl Fn(&mut Batch<'_>) + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self { store, edit: Some(Box::new(edit)) })
    }

    /// What is ordered is called durable, without a sync.
    pub fn syncs(store: Arc<FaultKv>) -> Arc<Self> {
        Arc::new(Self { store, edit: None })
    }
}

impl Kv for Sabotage {
    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>, KvError> {
        self.store.snapshot()
    }

    fn commit(&self, batch: &Batch<'_>) -> Result<Ticket, KvError> {
        let Some(edit) = &self.edit else { return self.store.commit(batch) };
        let mut edited = batch.clone();
        edit(&mut edited);
        self.store.commit(&edited)
    }

    fn wait_durable(&self, ticket: Ticket) -> Result<(), KvError> {
        if self.edit.is_none() { Ok(()) } else { self.store.wait_durable(ticket) }
    }

    fn on_durable(&self, ticket: Ticket, callback: DurableCallback) {
        if self.edit.is_none() { callback(Ok(())) } else { self.store.on_durable(ticket, callback) }
    }

    fn durable(&self) -> Ticket {
        if self.edit.is_none() { Ticket(u64::MAX) } else { self.store.durable() }
    }

    fn limits(&self) -> Limits {
        self.store.limits()
    }

    fn durability(&self) -> Durability {
        self.store.durability()
    }
}
