//! A page store in memory: the reference for tests, with faults that can be switched on.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use actor_sqlite_ltx::{Checksum, PageSize, Pgno, Txid, page_checksum};

use crate::{
    ActorId, Claim, ClaimOptions, CommitId, CommitPhases, CommitRequest, Committed,
    DurableCallback, Generation, Head, Hints, Lease, PageSink, PageStore, QuotaScope, Resolution,
    StageRequest, StoreError, Ticket, quota_reserve_bytes,
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
    /// Calls of `stage`.
    pub stages: u64,
    /// Pages that `stage` was sent.
    pub pages_staged: u64,
    /// Calls of `read_staged`.
    pub staged_reads: u64,
    /// Calls of `discard` that found something.
    pub discards: u64,
    /// Calls of `save_hints`.
    pub hints_saved: u64,
}

#[derive(Default)]
struct State {
    databases: HashMap<ActorId, Database>,
    counts: MemCounts,
    commit_fault: Option<CommitFault>,
    read_fault: Option<StoreError>,
    stage_fault: Option<StoreError>,
    back_off_us: u32,
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
    hints: Hints,
    stage: Option<Stage>,
    quota_bytes: Option<u64>,
}

/// Pages of the one transaction that is being staged.
struct Stage {
    commit_id: CommitId,
    pages: BTreeMap<Pgno, Box<[u8]>>,
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

    /// The next `stage` fails with `error`, and what was staged before is lost.
    pub fn fail_next_stage(&self, error: StoreError) {
        self.lock().stage_fault = Some(error);
    }

    /// Takes back the faults that have not struck.
    pub fn clear_faults(&self) {
        let mut state = self.lock();
        state.commit_fault = None;
        state.read_fault = None;
        state.stage_fault = None;
    }

    /// Commits from now on tell their writers to wait that long.
    pub fn hold_writers_back(&self, back_off_us: u32) {
        self.lock().back_off_us = back_off_us;
    }

    /// The hints saved last.
    pub fn hints(&self, actor: &ActorId) -> Option<Hints> {
        self.lock().databases.get(actor).map(|database| database.hints.clone())
    }

    /// How many pages are staged for a database.
    pub fn staged(&self, actor: &ActorId) -> usize {
        let state = self.lock();
        let stage = state.databases.get(actor).and_then(|database| database.stage.as_ref());
        stage.map_or(0, |stage| stage.pages.len())
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

    /// Whether a lease of that generation may be gone on with.
    fn check_resume(&self, actor: &ActorId, generation: Generation) -> Result<(), StoreError> {
        let none = || StoreError::NotFound { actor: actor.clone() };
        let database = self.databases.get(actor).ok_or_else(none)?;
        if database.generation == generation {
            return Ok(());
        }
        Err(StoreError::Fenced {
            actor: actor.clone(),
            expected_generation: generation,
            actual_generation: database.generation,
            expected_head: Txid::ZERO,
            actual_head: database.head.txid,
        })
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
            hints: Hints::default(),
            stage: None,
            quota_bytes: None,
        }
    }

    /// Page 1, and what the hints name.
    fn preload(&self, bytes_max: u64) -> Vec<(Pgno, Box<[u8]>)> {
        let page_bytes = self.head.page_size.bytes() as u64;
        let hinted = self.hints.ranges.iter().flat_map(|range| {
            self.pages
                .range(range.first..)
                .take_while(move |(pgno, _)| pgno.get() - range.first.get() < range.pages)
        });
        let hinted = hinted.filter(|(pgno, _)| **pgno != Pgno::ONE);
        let first = self.pages.get_key_value(&Pgno::ONE);
        first
            .into_iter()
            .chain(hinted.take((bytes_max / page_bytes) as usize))
            .map(|(&pgno, page)| (pgno, page.clone()))
            .collect()
    }

    /// The pages of a commit: those of the request over those that were staged for it.
    fn gather(
        &mut self,
        request: &CommitRequest<'_>,
    ) -> Result<BTreeMap<Pgno, Box<[u8]>>, StoreError> {
        let mut pages = BTreeMap::new();
        if request.staged {
            let stage = self.stage.take_if(|stage| stage.commit_id == request.commit_id);
            let none = || StoreError::Invalid { reason: "nothing was staged for it".into() };
            pages = stage.ok_or_else(none)?.pages;
            pages.retain(|pgno, _| pgno.get() <= request.size);
        }
        pages.extend(request.pages.iter().map(|&(pgno, page)| (pgno, page.into())));
        Ok(pages)
    }

    /// Refuses a commit beyond the quota, by the bytes of the pages there would be.
    fn check_quota(&self, actor: &ActorId, request: &CommitRequest<'_>) -> Result<(), StoreError> {
        let Some(quota_bytes) = self.quota_bytes else { return Ok(()) };
        let page_bytes = self.head.page_size.bytes() as u64;
        let stored_bytes = u64::from(request.size) * page_bytes;
        let reserve = if request.frees { quota_reserve_bytes(quota_bytes) } else { 0 };
        if stored_bytes <= quota_bytes + reserve {
            return Ok(());
        }
        let (actor, scope) = (actor.clone(), QuotaScope::Actor);
        Err(StoreError::Quota { actor, scope, stored_bytes, quota_bytes })
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

    /// What of the contract a list of pages breaks.
    fn check_pages(&self, pages: &[(Pgno, &[u8])], size: u32) -> Result<(), StoreError> {
        let invalid = |reason: String| Err(StoreError::Invalid { reason });
        let page_size = self.head.page_size;
        let mut before = 0;
        for (pgno, page) in pages {
            if pgno.get() <= before {
                return invalid(format!("page {pgno} follows page {before}"));
            }
            if pgno.get() > size || *pgno == page_size.lock_page() {
                return invalid(format!("page {pgno} of {size} must not be there"));
            }
            if page.len() != page_size.bytes() {
                return invalid(format!("page {pgno} has {} bytes", page.len()));
            }
            before = pgno.get();
        }
        Ok(())
    }

    /// Whether all pages that the database gains are there.
    fn check_growth(&self, pages: &BTreeMap<Pgno, Box<[u8]>>, size: u32) -> Result<(), StoreError> {
        let gained = (self.head.size + 1..=size).filter_map(Pgno::new);
        for pgno in gained.filter(|pgno| *pgno != self.head.page_size.lock_page()) {
            if !pages.contains_key(&pgno) {
                let reason = format!("page {pgno} is gained but not there");
                return Err(StoreError::Invalid { reason });
            }
        }
        Ok(())
    }

    /// Applies checked pages, and says how many differed from their base.
    fn apply(&mut self, pages: BTreeMap<Pgno, Box<[u8]>>, size: u32) -> u64 {
        let mut checksum = self.head.checksum;
        let mut changed = 0;
        for (pgno, page) in pages {
            let old = self.pages.get(&pgno);
            if old.is_some_and(|old| **old == *page) {
                continue;
            }
            if let Some(old) = old {
                checksum = checksum.toggle(page_checksum(pgno, old));
            }
            checksum = checksum.toggle(page_checksum(pgno, &page));
            self.pages.insert(pgno, page);
            changed += 1;
        }
        while let Some((pgno, page)) = self.pages.last_key_value() {
            if pgno.get() <= size {
                break;
            }
            checksum = checksum.toggle(page_checksum(*pgno, page));
            self.pages.pop_last();
        }
        if changed > 0 || size != self.head.size {
            let txid = self.head.txid.next();
            self.head = Head { txid, size, checksum, ..self.head };
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
        if let Some(generation) = options.resume {
            state.check_resume(actor, generation)?;
        } else {
            let ticket = state.order();
            let database = state
                .databases
                .entry(actor.clone())
                .or_insert_with(|| Database::new(options.page_size));
            database.generation.0 += 1;
            database.ticket = ticket;
            database.stage = None;
        }
        let commit_bytes_max = state.commit_bytes_max.unwrap_or(u64::MAX);
        let none = || StoreError::NotFound { actor: actor.clone() };
        let database = state.databases.get_mut(actor).ok_or_else(none)?;
        database.quota_bytes = options.quota_bytes;
        let last = database.last_commit;
        let sequence = if last.generation == database.generation { last.sequence } else { 0 };
        let own = Arc::new(LeaseState { released: AtomicBool::new(false) });
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
        if let Some(error) = fault {
            database.stage = None;
            return Err(error);
        }
        if database.head.txid != request.expected_head {
            return Err(database.fenced(lease, request.expected_head));
        }
        database.check_pages(request.pages, u32::MAX)?;
        check_bytes(request.pages, limit)?;
        let commit_id = request.commit_id;
        database.stage.take_if(|stage| stage.commit_id != commit_id);
        let new = || Stage { commit_id, pages: BTreeMap::new() };
        let stage = database.stage.get_or_insert_with(new);
        stage.pages.extend(request.pages.iter().map(|&(pgno, page)| (pgno, page.into())));
        Ok(())
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
        if hints.ranges.len() > Hints::RANGES_MAX {
            let reason = format!("{} ranges of hints", hints.ranges.len());
            return Err(StoreError::Invalid { reason });
        }
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

/// Refuses more bytes of pages than a request may have.
fn check_bytes(pages: &[(Pgno, &[u8])], limit: u64) -> Result<(), StoreError> {
    let actual = pages.iter().map(|(_, page)| page.len() as u64).sum();
    if actual > limit {
        return Err(StoreError::Limit { what: "bytes of a commit", actual, limit });
    }
    Ok(())
}
