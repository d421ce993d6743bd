//! A page store around another, that panics or claims what it is told.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use actor_sqlite_ltx::{Pgno, Txid};
use actor_sqlite_pagestore::*;

pub struct Wrapped {
    pub inner: Arc<MemPageStore>,
    pub panic_in_read: AtomicBool,
    pub panic_in_commit: AtomicBool,
    pub serialize_ns: u64,
    pub state_update_ns: u64,
}

impl Wrapped {
    pub fn new(inner: Arc<MemPageStore>) -> Self {
        let (panic_in_read, panic_in_commit) = Default::default();
        Self { inner, panic_in_read, panic_in_commit, serialize_ns: 0, state_update_ns: 0 }
    }
}

impl PageStore for Wrapped {
    forward_page_store!(inner: claim, resolve, wait_durable, on_durable, durable, release, stage, read_staged, discard, save_hints);

    fn read(
        &self,
        lease: &Lease,
        txid: Txid,
        pages: &[Pgno],
        sink: &mut dyn PageSink,
    ) -> Result<(), StoreError> {
        assert!(!self.panic_in_read.load(Ordering::SeqCst), "told to");
        self.inner.read(lease, txid, pages, sink)
    }

    fn commit(&self, lease: &Lease, request: &CommitRequest<'_>) -> Result<Committed, StoreError> {
        assert!(!self.panic_in_commit.load(Ordering::SeqCst), "told to");
        let mut committed = self.inner.commit(lease, request)?;
        committed.phases.serialize_ns = self.serialize_ns;
        committed.phases.state_update_ns = self.state_update_ns;
        Ok(committed)
    }
}

/// A page store in front of another that writes down what is read.
pub struct Recording {
    pub inner: Arc<MemPageStore>,
    reads: Mutex<Vec<Vec<Pgno>>>,
}

impl Recording {
    pub fn new(inner: Arc<MemPageStore>) -> Self {
        Self { inner, reads: Mutex::default() }
    }

    /// The pages of each read since the last look.
    pub fn take(&self) -> Vec<Vec<Pgno>> {
        std::mem::take(&mut self.reads.lock().unwrap())
    }
}

impl PageStore for Recording {
    forward_page_store!(inner: claim, commit, resolve, wait_durable, on_durable, durable, release, stage, read_staged, discard, save_hints);

    fn read(
        &self,
        lease: &Lease,
        txid: Txid,
        pages: &[Pgno],
        sink: &mut dyn PageSink,
    ) -> Result<(), StoreError> {
        self.reads.lock().unwrap().push(pages.to_vec());
        self.inner.read(lease, txid, pages, sink)
    }
}

/// What a store was asked for a transaction, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Stage { sequence: u64 },
    Commit { sequence: u64, staged: bool, frees: bool },
    Discard { sequence: u64 },
    Release,
}

/// A page store that remembers its calls.
pub struct Recorder {
    inner: Arc<MemPageStore>,
    calls: Mutex<Vec<Call>>,
}

impl Recorder {
    pub fn new(inner: Arc<MemPageStore>) -> Arc<Self> {
        Arc::new(Self { inner, calls: Mutex::default() })
    }

    /// The calls since the last time, of many stages under one id only one.
    pub fn calls(&self) -> Vec<Call> {
        let mut calls = std::mem::take(&mut *self.calls.lock().unwrap());
        calls.dedup_by(|next, call| next == call && matches!(call, Call::Stage { .. }));
        calls
    }

    fn note(&self, call: Call) {
        self.calls.lock().unwrap().push(call);
    }
}

impl PageStore for Recorder {
    forward_page_store!(inner: claim, read, resolve, wait_durable, on_durable, durable, read_staged, save_hints);

    fn commit(&self, lease: &Lease, request: &CommitRequest<'_>) -> Result<Committed, StoreError> {
        let &CommitRequest { commit_id, staged, frees, .. } = request;
        self.note(Call::Commit { sequence: commit_id.sequence, staged, frees });
        self.inner.commit(lease, request)
    }

    fn stage(&self, lease: &Lease, request: &StageRequest<'_>) -> Result<(), StoreError> {
        self.note(Call::Stage { sequence: request.commit_id.sequence });
        self.inner.stage(lease, request)
    }

    fn discard(&self, lease: &Lease, commit_id: CommitId) {
        self.note(Call::Discard { sequence: commit_id.sequence });
        self.inner.discard(lease, commit_id);
    }

    fn release(&self, lease: &Lease) {
        self.note(Call::Release);
        self.inner.release(lease);
    }
}
