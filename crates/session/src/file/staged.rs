//! A stage as a database of its own, to be read before it is committed.

use std::sync::Arc;

use actor_sqlite_ltx::{Pgno, Txid};
use actor_sqlite_pagestore::{
    ActorId, Claim, ClaimOptions, CommitId, CommitRequest, Committed, Hints, Lease, PageSink,
    PageStore, Resolution, StageRequest, StoreError, forward_page_store,
};

/// Shows the pages that were staged under an id, and takes none.
pub(super) struct Staged {
    pub(super) store: Arc<dyn PageStore>,
    pub(super) commit_id: CommitId,
}

fn refused<T>() -> Result<T, StoreError> {
    Err(StoreError::Invalid { reason: "a file that is checked cannot be written".into() })
}

impl PageStore for Staged {
    fn claim(&self, _: &ActorId, _: &ClaimOptions) -> Result<Claim, StoreError> {
        refused()
    }

    fn read(
        &self,
        lease: &Lease,
        _: Txid,
        pages: &[Pgno],
        sink: &mut dyn PageSink,
    ) -> Result<(), StoreError> {
        self.store.read_staged(lease, self.commit_id, pages, sink)
    }

    fn commit(&self, _: &Lease, _: &CommitRequest<'_>) -> Result<Committed, StoreError> {
        refused()
    }

    fn stage(&self, _: &Lease, _: &StageRequest<'_>) -> Result<(), StoreError> {
        refused()
    }

    fn read_staged(
        &self,
        _: &Lease,
        _: CommitId,
        _: &[Pgno],
        _: &mut dyn PageSink,
    ) -> Result<(), StoreError> {
        refused()
    }

    fn discard(&self, _: &Lease, _: CommitId) {}

    fn save_hints(&self, _: &Lease, _: &Hints) -> Result<(), StoreError> {
        refused()
    }

    fn resolve(&self, _: &Lease, _: CommitId) -> Result<Resolution, StoreError> {
        refused()
    }

    /// The lease belongs to whoever imports.
    fn release(&self, _: &Lease) {}

    forward_page_store!(store: wait_durable, on_durable, durable);
}
