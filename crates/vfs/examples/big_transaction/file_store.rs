//! A page store of one database in two temporary files, which takes four bytes of memory a page.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex};

use actor_sqlite_ltx::{Checksum, PageSize, Pgno, Txid};
use actor_sqlite_pagestore::*;

const PAGE: usize = 4096;

/// Pages of the largest request.
const REQUEST_PAGES_MAX: u64 = 4096;

pub struct FileStore(Mutex<State>);

struct State {
    committed: File,
    staged: File,
    head: Head,
    /// By page: 1 and more for a place in `staged`.
    slots: Vec<u32>,
    last_slot: u32,
}

fn io<T>(result: std::io::Result<T>) -> Result<T, StoreError> {
    result.map_err(|error| StoreError::Full { reason: error.to_string() })
}

fn offset(place: u32) -> u64 {
    u64::from(place) * PAGE as u64
}

impl FileStore {
    pub fn new() -> std::io::Result<Self> {
        let (page_size, checksum) = (PageSize::DEFAULT, Checksum::EMPTY_DATABASE);
        let head = Head { txid: Txid::ZERO, page_size, size: 0, checksum };
        let (committed, staged) = (tempfile::tempfile()?, tempfile::tempfile()?);
        Ok(Self(Mutex::new(State { committed, staged, head, slots: Vec::new(), last_slot: 0 })))
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl State {
    fn clear_stage(&mut self) -> Result<(), StoreError> {
        (self.slots, self.last_slot) = (Vec::new(), 0);
        io(self.staged.set_len(0))
    }

    fn fill(
        file: &File,
        pgno: Pgno,
        place: u32,
        sink: &mut dyn PageSink,
    ) -> Result<(), StoreError> {
        let unwanted = || StoreError::Invalid { reason: format!("page {pgno} is not wanted") };
        io(file.read_exact_at(sink.buffer(pgno).ok_or_else(unwanted)?, offset(place)))
    }
}

impl PageStore for FileStore {
    fn claim(&self, actor: &ActorId, _: &ClaimOptions) -> Result<Claim, StoreError> {
        Ok(Claim {
            lease: Lease::new(actor.clone(), Generation(1), Arc::new(())),
            head: self.state().head,
            ticket: Ticket::ZERO,
            pages: Vec::new(),
            hints: Hints::default(),
            commit_bytes_max: REQUEST_PAGES_MAX * PAGE as u64,
            next_sequence: 1,
            quota_bytes: None,
        })
    }

    fn read(
        &self,
        _: &Lease,
        _: Txid,
        pages: &[Pgno],
        sink: &mut dyn PageSink,
    ) -> Result<(), StoreError> {
        let state = self.state();
        pages.iter().try_for_each(|&pgno| State::fill(&state.committed, pgno, pgno.index(), sink))
    }

    fn commit(&self, _: &Lease, request: &CommitRequest<'_>) -> Result<Committed, StoreError> {
        let mut state = self.state();
        let mut page = [0; PAGE];
        for pgno in (1..=request.size).filter_map(Pgno::new) {
            match state.slots.get(pgno.index() as usize) {
                Some(slot) if *slot > 0 => {
                    io(state.staged.read_exact_at(&mut page, offset(slot - 1)))?
                }
                _ => continue,
            }
            io(state.committed.write_all_at(&page, offset(pgno.index())))?;
        }
        for (pgno, page) in request.pages {
            io(state.committed.write_all_at(page, offset(pgno.index())))?;
        }
        io(state.committed.set_len(offset(request.size)))?;
        state.clear_stage()?;
        state.head = Head { txid: state.head.txid.next(), size: request.size, ..state.head };
        let (head, ticket, phases) = (state.head, Ticket::ZERO, CommitPhases::default());
        Ok(Committed { head, ticket, phases, back_off_us: 0 })
    }

    fn stage(&self, _: &Lease, request: &StageRequest<'_>) -> Result<(), StoreError> {
        let mut state = self.state();
        for (pgno, page) in request.pages {
            let index = pgno.index() as usize;
            if state.slots.len() <= index {
                state.slots.resize(index + 1, 0);
            }
            if state.slots[index] == 0 {
                state.last_slot += 1;
                state.slots[index] = state.last_slot;
            }
            io(state.staged.write_all_at(page, offset(state.slots[index] - 1)))?;
        }
        Ok(())
    }

    fn read_staged(
        &self,
        _: &Lease,
        _: CommitId,
        pages: &[Pgno],
        sink: &mut dyn PageSink,
    ) -> Result<(), StoreError> {
        let state = self.state();
        pages.iter().try_for_each(|&pgno| {
            State::fill(&state.staged, pgno, state.slots[pgno.index() as usize] - 1, sink)
        })
    }

    fn discard(&self, _: &Lease, _: CommitId) {
        // What remains of a file that cannot be cut is written over.
        let _ = self.state().clear_stage();
    }

    fn save_hints(&self, _: &Lease, _: &Hints) -> Result<(), StoreError> {
        Ok(())
    }

    fn resolve(&self, _: &Lease, _: CommitId) -> Result<Resolution, StoreError> {
        Ok(Resolution::NotLanded)
    }

    fn wait_durable(&self, _: Ticket) -> Result<(), StoreError> {
        Ok(())
    }

    fn on_durable(&self, _: Ticket, callback: DurableCallback) {
        callback(Ok(()));
    }

    fn durable(&self) -> Ticket {
        Ticket::ZERO
    }

    fn release(&self, _: &Lease) {}
}
