//! A page store in memory: the reference for tests, with faults that can be switched on.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use actor_sqlite_ltx::{Checksum, PageSize, Pgno, Txid, page_checksum};

use crate::{
    ActorId, Claim, ClaimOptions, CommitId, CommitPhases, CommitRequest, Committed,
    DurableCallback, Generation, Head, Lease, PageSink, PageStore, Resolution, StoreError, Ticket,
};

/// A [`PageStore`] that keeps everything in memory, checks every request against the contract and
/// fails on demand.
///
/// Commits are durable at once unless [`Self::hold_durable`] says otherwise.
#[derive(Default)]
pub struct MemPageStore {
    state: Mutex<State>,
    became_durable: Condvar,
}

/// How often each call was made, failed ones included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemCounts {
    /// Calls of `claim`.
    pub claims: u64,
    /// Calls of `read`.
    pub reads: u64,
    /// Pages that `read` was asked for.
    pub pages_read: u64,
    /// Calls of `commit`.
    pub commits: u64,
    /// Pages that landed: those equal to their base are not among them.
    pub pages_committed: u64,
    /// Calls of `release`.
    pub releases: u64,
}

#[derive(Default)]
struct State {
    databases: HashMap<ActorId, Database>,
    counts: MemCounts,
    commit_fault: Option<CommitFault>,
    read_fault: Option<StoreError>,
    neighbours: u32,
    /// For claims and commits; `None` is no limit.
    commit_bytes_max: Option<u64>,
    ordered: Ticket,
    durable: Ticket,
    holding: bool,
    waiting: Vec<(Ticket, DurableCallback)>,
}

struct CommitFault {
    error: StoreError,
    lands: bool,
}

struct Database {
    generation: Generation,
    head: Head,
    pages: BTreeMap<Pgno, Box<[u8]>>,
    /// Covers `head`.
    ticket: Ticket,
    last_commit: CommitId,
}

struct LeaseState {
    released: AtomicBool,
}

impl MemPageStore {
    /// A store without databases.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next commit fails with `error` and changes nothing.
    pub fn fail_next_commit(&self, error: StoreError) {
        self.lock().commit_fault = Some(CommitFault { error, lands: false });
    }

    /// The next commit lands, and its caller is told `error`.
    pub fn fail_next_commit_after_landing(&self, error: StoreError) {
        self.lock().commit_fault = Some(CommitFault { error, lands: true });
    }

    /// The next read fails with `error`.
    pub fn fail_next_read(&self, error: StoreError) {
        self.lock().read_fault = Some(error);
    }

    /// Takes back the faults that have not struck.
    pub fn clear_faults(&self) {
        let mut state = self.lock();
        state.commit_fault = None;
        state.read_fault = None;
    }

    /// Each read offers that many pages after the last one asked for.
    pub fn offer_neighbours(&self, pages: u32) {
        self.lock().neighbours = pages;
    }

    /// The largest commit from now on, in bytes of pages. Claims of before do not learn of it.
    pub fn limit_commits(&self, bytes_max: u64) {
        self.lock().commit_bytes_max = Some(bytes_max);
    }

    /// From now on commits stay ordered, not durable, until this is called with `false`.
    pub fn hold_durable(&self, hold: bool) {
        let mut state = self.lock();
        state.holding = hold;
        if !hold {
            state.durable = state.ordered;
        }
        let ready = std::mem::take(&mut state.waiting);
        drop(state);
        self.became_durable.notify_all();
        for (ticket, callback) in ready {
            self.on_durable(ticket, callback);
        }
    }

    /// The calls so far.
    pub fn counts(&self) -> MemCounts {
        self.lock().counts
    }

    /// The newest committed state of a database; `None` if there is none of that name.
    pub fn head(&self, actor: &ActorId) -> Option<Head> {
        self.lock().databases.get(actor).map(|database| database.head)
    }

    /// A committed page.
    pub fn page(&self, actor: &ActorId, pgno: Pgno) -> Option<Box<[u8]>> {
        self.lock().databases.get(actor)?.pages.get(&pgno).cloned()
    }

    /// Loses a committed page behind the store's back: reads of it are [`StoreError::Corrupt`]
    /// until a commit writes it anew.
    pub fn lose_page(&self, actor: &ActorId, pgno: Pgno) {
        if let Some(database) = self.lock().databases.get_mut(actor) {
            database.pages.remove(&pgno);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The lease's database, if the lease still holds.
    fn held(&mut self, lease: &Lease, expected_head: Txid) -> Result<&mut Database, StoreError> {
        let own = lease.state::<LeaseState>().ok_or_else(|| StoreError::Invalid {
            reason: "the lease was made by another store".into(),
        })?;
        if own.released.load(Ordering::SeqCst) {
            return Err(StoreError::Closed);
        }
        let database = self
            .databases
            .get_mut(lease.actor())
            .ok_or_else(|| StoreError::NotFound { actor: lease.actor().clone() })?;
        if database.generation != lease.generation() {
            return Err(database.fenced(lease, expected_head));
        }
        Ok(database)
    }

    /// The ticket of a commit that is ordered now.
    fn order(&mut self) -> Ticket {
        self.ordered = Ticket(self.ordered.0 + 1);
        if !self.holding {
            self.durable = self.ordered;
        }
        self.ordered
    }
}

impl Database {
    fn new(page_size: PageSize) -> Self {
        let checksum = Checksum::EMPTY_DATABASE;
        Self {
            generation: Generation(0),
            head: Head { txid: Txid::ZERO, page_size, size: 0, checksum },
            pages: BTreeMap::new(),
            ticket: Ticket::ZERO,
            last_commit: CommitId::default(),
        }
    }

    fn fenced(&self, lease: &Lease, expected_head: Txid) -> StoreError {
        StoreError::Fenced {
            actor: lease.actor().clone(),
            expected_generation: lease.generation(),
            actual_generation: self.generation,
            expected_head,
            actual_head: self.head.txid,
        }
    }

    /// What of the contract the request breaks.
    fn check(&self, request: &CommitRequest<'_>) -> Result<(), StoreError> {
        let invalid = |reason: String| Err(StoreError::Invalid { reason });
        let page_size = self.head.page_size;
        if request.size == 0 {
            return invalid("a commit leaves at least one page".into());
        }
        let mut before = 0;
        for (pgno, page) in request.pages {
            if pgno.get() <= before {
                return invalid(format!("page {pgno} follows page {before}"));
            }
            if pgno.get() > request.size || *pgno == page_size.lock_page() {
                return invalid(format!("page {pgno} of {} must not be there", request.size));
            }
            if page.len() != page_size.bytes() {
                return invalid(format!("page {pgno} has {} bytes", page.len()));
            }
            before = pgno.get();
        }
        let gained = (self.head.size + 1..=request.size).filter_map(Pgno::new);
        for pgno in gained.filter(|pgno| *pgno != page_size.lock_page()) {
            if request.pages.binary_search_by_key(&pgno, |(pgno, _)| *pgno).is_err() {
                return invalid(format!("page {pgno} is gained but not there"));
            }
        }
        Ok(())
    }

    /// Applies a checked request, and says how many pages differed from their base.
    fn apply(&mut self, request: &CommitRequest<'_>) -> u64 {
        let mut checksum = self.head.checksum;
        let mut changed = 0;
        for (pgno, page) in request.pages {
            let old = self.pages.get(pgno);
            if old.is_some_and(|old| **old == **page) {
                continue;
            }
            if let Some(old) = old {
                checksum = checksum.toggle(page_checksum(*pgno, old));
            }
            checksum = checksum.toggle(page_checksum(*pgno, page));
            self.pages.insert(*pgno, (*page).into());
            changed += 1;
        }
        while let Some((pgno, page)) = self.pages.last_key_value() {
            if pgno.get() <= request.size {
                break;
            }
            checksum = checksum.toggle(page_checksum(*pgno, page));
            self.pages.pop_last();
        }
        if changed > 0 || request.size != self.head.size {
            let txid = self.head.txid.next();
            self.head = Head { txid, size: request.size, checksum, ..self.head };
        }
        changed
    }
}

impl PageStore for MemPageStore {
    fn claim(&self, actor: &ActorId, options: &ClaimOptions) -> Result<Claim, StoreError> {
        let mut state = self.lock();
        state.counts.claims += 1;
        if !options.create && !state.databases.contains_key(actor) {
            return Err(StoreError::NotFound { actor: actor.clone() });
        }
        let ticket = state.order();
        let commit_bytes_max = state.commit_bytes_max.unwrap_or(u64::MAX);
        let database = state
            .databases
            .entry(actor.clone())
            .or_insert_with(|| Database::new(options.page_size));
        database.generation.0 += 1;
        database.ticket = ticket;
        let own = Arc::new(LeaseState { released: AtomicBool::new(false) });
        let first = database.pages.get(&Pgno::ONE).cloned();
        Ok(Claim {
            lease: Lease::new(actor.clone(), database.generation, own),
            head: database.head,
            ticket,
            pages: first.map(|page| (Pgno::ONE, page)).into_iter().collect(),
            commit_bytes_max,
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
        database.check(request)?;
        let actual = request.pages.iter().map(|(_, page)| page.len() as u64).sum();
        if actual > limit {
            return Err(StoreError::Limit { what: "bytes of a commit", actual, limit });
        }
        let before = database.head;
        let changed = database.apply(request);
        let (head, mut ticket) = (database.head, database.ticket);
        state.counts.pages_committed += changed;
        if head != before {
            ticket = state.order();
            let database = state.held(lease, request.expected_head)?;
            database.ticket = ticket;
            database.last_commit = request.commit_id;
        }
        match fault {
            Some(CommitFault { error, .. }) => Err(error),
            None => Ok(Committed { head, ticket, phases: CommitPhases::default() }),
        }
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
