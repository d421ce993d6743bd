//! The calls of the contract, under one lock.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};

use actor_sqlite_ltx::{Pgno, Txid};

use super::MemPageStore;
use super::database::{Database, check_bytes};
use super::state::{CommitFault, LeaseState};
use crate::{
    ActorId, Claim, ClaimOptions, CommitId, CommitPhases, CommitRequest, Committed,
    DurableCallback, Hints, Lease, PageSink, PageStore, Resolution, StageRequest, StoreError,
    Ticket,
};

impl PageStore for MemPageStore {
    fn claim(&self, actor: &ActorId, options: &ClaimOptions) -> Result<Claim, StoreError> {
        let mut state = self.lock();
        state.counts.claims += 1;
        if !options.create && options.resume.is_none() && !state.databases.contains_key(actor) {
            return Err(StoreError::NotFound { actor: actor.clone() });
        }
        if let Some(generation) = options.resume {
            state.check_resume(actor, generation)?;
        } else {
            let ticket = state.order();
            let last = state.deleted.get(actor).copied().unwrap_or_default();
            let database = state
                .databases
                .entry(actor.clone())
                .or_insert_with(|| Database::new(last, options.page_size));
            database.generation.0 += 1;
            database.ticket = ticket;
        }
        let commit_bytes_max = state.commit_bytes_max.unwrap_or(u64::MAX);
        let none = || StoreError::NotFound { actor: actor.clone() };
        let database = state.databases.get_mut(actor).ok_or_else(none)?;
        (database.stage, database.lost) = (None, None);
        database.quota_bytes = options.quota_bytes;
        if options.resume.is_some() {
            database.close_lease();
        }
        let last = database.last_commit;
        let sequence = if last.generation == database.generation { last.sequence } else { 0 };
        let own = Arc::new(LeaseState { released: AtomicBool::new(false) });
        database.lease = Arc::downgrade(&own);
        Ok(Claim {
            lease: Lease::new(actor.clone(), database.generation, own),
            head: database.head,
            ticket: database.ticket,
            pages: database.preload(options.preload_bytes_max),
            hints: database.hints.clone(),
            commit_bytes_max,
            next_sequence: sequence + 1,
            quota_bytes: options.quota_bytes,
        })
    }

    fn read(
        &self,
        lease: &Lease,
        txid: Txid,
        pages: &[Pgno],
        sink: &mut dyn PageSink,
    ) -> Result<(), StoreError> {
        let mut state = self.lock();
        state.counts.reads += 1;
        state.counts.pages_read += pages.len() as u64;
        let fault = state.read_fault.take();
        let neighbours = state.neighbours;
        let database = state.held(lease, txid)?;
        if let Some(error) = fault {
            return Err(error);
        }
        let invalid = |reason: String| Err(StoreError::Invalid { reason });
        if txid != database.head.txid {
            return invalid(format!("state {txid} is not the head {}", database.head.txid));
        }
        for pgno in pages {
            if pgno.get() > database.head.size || *pgno == database.head.page_size.lock_page() {
                return invalid(format!("page {pgno} of {} cannot be read", database.head.size));
            }
            let Some(page) = database.pages.get(pgno) else {
                return Err(StoreError::Corrupt {
                    actor: lease.actor().clone(),
                    row: format!("page {pgno}"),
                    reason: "it has no source".into(),
                });
            };
            match sink.buffer(*pgno) {
                Some(buffer) => buffer.copy_from_slice(page),
                None => return invalid(format!("page {pgno} was asked for and not wanted")),
            }
        }
        let last = pages.last().copied().unwrap_or(Pgno::ONE);
        for (pgno, page) in database.pages.range(last..).skip(1).take(neighbours as usize) {
            if let Some(buffer) = sink.buffer(*pgno) {
                buffer.copy_from_slice(page);
            }
        }
        Ok(())
    }

    fn commit(&self, lease: &Lease, request: &CommitRequest<'_>) -> Result<Committed, StoreError> {
        let mut state = self.lock();
        state.counts.commits += 1;
        let fault = state.commit_fault.take();
        let limit = state.commit_bytes_max.unwrap_or(u64::MAX);
        let database = state.held(lease, request.expected_head)?;
        if let Some(CommitFault { error, lands: false }) = fault {
            return Err(error);
        }
        if database.head.txid != request.expected_head {
            return Err(database.fenced(lease, request.expected_head));
        }
        if request.size == 0 {
            return Err(StoreError::Invalid { reason: "a commit leaves at least one page".into() });
        }
        database.check_pages(request.pages, request.size)?;
        check_bytes(request.pages, limit)?;
        database.check_quota(lease.actor(), request)?;
        let before = database.head;
        let pages = database.gather(request)?;
        database.check_growth(&pages, request.size)?;
        let changed = database.apply(pages, request.size);
        let (head, mut ticket) = (database.head, database.ticket);
        state.counts.pages_committed += changed;
        if head != before {
            ticket = state.order();
            let database = state.held(lease, request.expected_head)?;
            database.ticket = ticket;
            database.last_commit = request.commit_id;
        }
        let (phases, back_off_us) = (CommitPhases::default(), state.back_off_us);
        match fault {
            Some(CommitFault { error, .. }) => Err(error),
            None => Ok(Committed { head, ticket, phases, back_off_us }),
        }
    }

    fn stage(&self, lease: &Lease, request: &StageRequest<'_>) -> Result<(), StoreError> {
        let mut state = self.lock();
        state.counts.stages += 1;
        state.counts.pages_staged += request.pages.len() as u64;
        let fault = state.stage_fault.take();
        let limit = state.commit_bytes_max.unwrap_or(u64::MAX);
        let database = state.held(lease, request.expected_head)?;
        let staged = match fault {
            Some(error) => Err(error),
            None => database.stage(lease, request, limit),
        };
        staged.inspect_err(|_| database.lose_stage(request.commit_id))
    }

    fn read_staged(
        &self,
        lease: &Lease,
        commit_id: CommitId,
        pages: &[Pgno],
        sink: &mut dyn PageSink,
    ) -> Result<(), StoreError> {
        let mut state = self.lock();
        state.counts.staged_reads += 1;
        let database = state.held(lease, Txid::ZERO)?;
        let stage = database.stage.as_ref().filter(|stage| stage.commit_id == commit_id);
        for &pgno in pages {
            let Some(page) = stage.and_then(|stage| stage.pages.get(&pgno)) else {
                return Err(StoreError::Invalid { reason: format!("page {pgno} is not staged") });
            };
            match sink.buffer(pgno) {
                Some(buffer) => buffer.copy_from_slice(page),
                None => {
                    let reason = format!("page {pgno} was asked for and not wanted");
                    return Err(StoreError::Invalid { reason });
                }
            }
        }
        Ok(())
    }

    fn discard(&self, lease: &Lease, commit_id: CommitId) {
        let mut state = self.lock();
        let Ok(database) = state.held(lease, Txid::ZERO) else { return };
        let stage = database.stage.take_if(|stage| stage.commit_id == commit_id);
        state.counts.discards += u64::from(stage.is_some());
    }

    fn save_hints(&self, lease: &Lease, hints: &Hints) -> Result<(), StoreError> {
        let mut state = self.lock();
        state.counts.hints_saved += 1;
        hints.check()?;
        state.held(lease, Txid::ZERO)?.hints = hints.clone();
        Ok(())
    }

    fn resolve(&self, lease: &Lease, commit_id: CommitId) -> Result<Resolution, StoreError> {
        let mut state = self.lock();
        let database = state.held(lease, Txid::ZERO)?;
        if database.last_commit == commit_id {
            return Ok(Resolution::Landed(database.head, database.ticket));
        }
        if commit_id > database.last_commit {
            return Ok(Resolution::NotLanded);
        }
        let reason = "a later commit took its place".into();
        Err(StoreError::UnknownCommit { actor: lease.actor().clone(), commit_id, reason })
    }

    fn wait_durable(&self, ticket: Ticket) -> Result<(), StoreError> {
        let mut state = self.lock();
        while ticket > state.durable {
            state = self.became_durable.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        Ok(())
    }

    fn on_durable(&self, ticket: Ticket, callback: DurableCallback) {
        let mut state = self.lock();
        if ticket > state.durable {
            state.waiting.push((ticket, callback));
            return;
        }
        drop(state);
        callback(Ok(()));
    }

    fn durable(&self) -> Ticket {
        self.lock().durable
    }

    fn release(&self, lease: &Lease) {
        self.lock().counts.releases += 1;
        if let Some(own) = lease.state::<LeaseState>() {
            own.released.store(true, Ordering::SeqCst);
        }
    }
}
