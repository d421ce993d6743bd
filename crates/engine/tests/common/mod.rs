//! A clock, an actor that remembers what it committed, and random transactions.

#![allow(dead_code, clippy::unwrap_used)]

pub mod deleting;
pub mod mutations;
pub mod recovery;
pub mod specimen;
pub mod staging;
pub mod workload;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use actor_sqlite_engine::{CompactionOptions, Engine, EngineOptions};
use actor_sqlite_kv::{Fault, FaultKv, Kv, MemKv, OpKind, SyncMode};
use actor_sqlite_ltx::{PageSize, Pgno, Txid};
use actor_sqlite_pagestore::{
    ActorId, Claim, ClaimOptions, Clock, CommitId, CommitRequest, Committed, Head, Lease, PageSink,
    PageStore, PageStoreAdmin, StageRequest, StoreError,
};
use fastrand::Rng;

/// Time that moves by a step with each question.
#[derive(Default)]
pub struct TestClock(AtomicU64);

impl Clock for TestClock {
    fn now_ms(&self) -> i64 {
        1_700_000_000_000 + self.0.fetch_add(1, Ordering::Relaxed) as i64
    }

    fn monotonic_ns(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed) * 1_000
    }
}

/// The seed of a random test: from `SEED`, or the one given. It is printed.
pub fn seed(default: u64) -> u64 {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(default);
    println!("SEED={seed}");
    seed
}

/// Options under which everything happens soon.
pub fn small_options() -> EngineOptions {
    EngineOptions {
        compaction: CompactionOptions {
            delta_count: 4,
            idle_delta_count: 2,
            batch_bytes: 2_000,
            retention_txids: 2,
            ..CompactionOptions::default()
        },
        ..EngineOptions::default()
    }
}

pub fn engine_with(kv: Arc<dyn Kv>, options: EngineOptions) -> Arc<Engine> {
    Arc::new(Engine::new(kv, Arc::new(TestClock::default()), options))
}

pub fn engine(kv: Arc<dyn Kv>) -> Arc<Engine> {
    engine_with(kv, small_options())
}

pub fn actor(name: &str) -> ActorId {
    ActorId::new("test", name).unwrap()
}

pub fn claim_options(page_size: u32) -> ClaimOptions {
    let page_size = PageSize::new(page_size).unwrap();
    ClaimOptions { page_size, ..ClaimOptions::new("test") }
}

pub const PAGE: u32 = 512;

pub fn claim(engine: &Engine, actor: &ActorId) -> Result<Claim, StoreError> {
    engine.claim(actor, &claim_options(PAGE))
}

/// Goes on with a lease that was released.
pub fn resume(engine: &Engine, lease: &Lease) -> Result<Claim, StoreError> {
    let options = ClaimOptions { resume: Some(lease.generation()), ..claim_options(PAGE) };
    engine.claim(lease.actor(), &options)
}

/// The content of a database: page by number.
pub type Pages = BTreeMap<u32, Vec<u8>>;

/// Takes what it is given.
#[derive(Default)]
pub struct Sink {
    pub pages: Pages,
    pub page_bytes: usize,
}

impl PageSink for Sink {
    fn buffer(&mut self, pgno: Pgno) -> Option<&mut [u8]> {
        let page = self.pages.entry(pgno.get()).or_default();
        page.resize(self.page_bytes, 0xee);
        Some(page)
    }
}

/// Takes what was asked for only.
pub struct Strict<'a> {
    pub asked: &'a [Pgno],
    pub sink: Sink,
}

impl PageSink for Strict<'_> {
    fn buffer(&mut self, pgno: Pgno) -> Option<&mut [u8]> {
        if self.asked.contains(&pgno) { self.sink.buffer(pgno) } else { None }
    }
}

/// Every number of a page in a database of that size, without the lock page.
pub fn page_numbers(head: &Head) -> Vec<Pgno> {
    let lock = head.page_size.lock_page();
    (1..=head.size).filter_map(Pgno::new).filter(|&pgno| pgno != lock).collect()
}

/// Reads a whole database.
pub fn read_all(engine: &Engine, lease: &Lease, head: &Head) -> Result<Pages, StoreError> {
    let mut sink = Sink { page_bytes: head.page_size.bytes(), ..Sink::default() };
    engine.read(lease, head.txid, &page_numbers(head), &mut sink)?;
    Ok(sink.pages)
}

/// An owner of a database and the model it is compared with.
pub struct Owner {
    pub engine: Arc<Engine>,
    pub lease: Lease,
    pub head: Head,
    pub sequence: u64,
    pub model: Pages,
}

impl Owner {
    pub fn claim(engine: &Arc<Engine>, actor: &ActorId) -> Self {
        Self::try_claim(engine, actor).unwrap()
    }

    pub fn try_claim(engine: &Arc<Engine>, actor: &ActorId) -> Result<Self, StoreError> {
        Self::of(engine, claim(engine, actor)?)
    }

    /// Goes on with a lease that was released.
    pub fn resume(engine: &Arc<Engine>, lease: &Lease) -> Self {
        Self::of(engine, resume(engine, lease).unwrap()).unwrap()
    }

    pub fn of(engine: &Arc<Engine>, claim: Claim) -> Result<Self, StoreError> {
        let model = read_all(engine, &claim.lease, &claim.head)?;
        let (engine, sequence) = (Arc::clone(engine), claim.next_sequence - 1);
        Ok(Self { engine, lease: claim.lease, head: claim.head, sequence, model })
    }

    /// The id of the next commit.
    pub fn next_id(&mut self) -> CommitId {
        self.sequence += 1;
        CommitId { generation: self.lease.generation(), sequence: self.sequence }
    }

    /// Commits pages, and enters them into the model if that succeeds.
    pub fn commit(&mut self, pages: &Pages, size: u32) -> Result<Committed, StoreError> {
        let commit_id = self.next_id();
        self.commit_as(commit_id, pages, size)
    }

    pub fn commit_as(
        &mut self,
        commit_id: CommitId,
        pages: &Pages,
        size: u32,
    ) -> Result<Committed, StoreError> {
        let list = list(pages);
        let request = CommitRequest {
            commit_id,
            expected_head: self.head.txid,
            pages: &list,
            size,
            staged: false,
            frees: false,
        };
        let committed = self.engine.commit(&self.lease, &request)?;
        self.entered(pages, size, committed.head);
        Ok(committed)
    }

    /// Sends pages of the transaction that will be committed with that id.
    pub fn stage(&self, commit_id: CommitId, pages: &Pages) -> Result<(), StoreError> {
        let (expected_head, pages) = (self.head.txid, list(pages));
        let request = StageRequest { commit_id, expected_head, pages: &pages };
        self.engine.stage(&self.lease, &request)
    }

    /// Commits what was staged under that id, with further pages, and enters all into the model if
    /// that succeeds.
    pub fn commit_staged(
        &mut self,
        commit_id: CommitId,
        staged: &[Pages],
        pages: &Pages,
        size: u32,
    ) -> Result<Committed, StoreError> {
        let (expected_head, list) = (self.head.txid, list(pages));
        let request = CommitRequest {
            commit_id,
            expected_head,
            pages: &list,
            size,
            staged: true,
            frees: false,
        };
        let committed = self.engine.commit(&self.lease, &request)?;
        let mut all = Pages::new();
        staged.iter().chain([pages]).for_each(|pages| all.extend(pages.clone()));
        self.entered(&all, size, committed.head);
        Ok(committed)
    }

    /// Enters a commit that took place.
    pub fn entered(&mut self, pages: &Pages, size: u32, head: Head) {
        self.model = after(&self.model, pages, size);
        self.head = head;
    }

    /// A random transaction and the size after it.
    pub fn transaction(&self, rng: &mut Rng, size_max: u32) -> (Pages, u32) {
        transaction(rng, &self.head, size_max)
    }

    pub fn commit_random(&mut self, rng: &mut Rng, size_max: u32) -> Committed {
        let (pages, size) = self.transaction(rng, size_max);
        self.commit(&pages, size).unwrap()
    }

    pub fn read_all(&self) -> Result<Pages, StoreError> {
        read_all(&self.engine, &self.lease, &self.head)
    }

    /// Compares every page with the model.
    pub fn check(&self) {
        assert_eq!(self.read_all().unwrap(), self.model, "head {:?}", self.head);
    }

    pub fn actor(&self) -> &ActorId {
        self.lease.actor()
    }
}

/// Pages as a request has them.
pub fn list(pages: &Pages) -> Vec<(Pgno, &[u8])> {
    pages.iter().map(|(&pgno, page)| (Pgno::new(pgno).unwrap(), &page[..])).collect()
}

/// A random transaction in parts, to be staged one by one, each page as likely more than once: the
/// parts, the rest and the size.
pub fn staged_transaction(rng: &mut Rng, head: &Head, size_max: u32) -> (Vec<Pages>, Pages, u32) {
    let (mut pages, size) = transaction(rng, head, size_max);
    let bytes = head.page_size.bytes();
    let parts = (0..rng.u32(1..4))
        .map(|_| {
            let moved: Vec<u32> = pages.keys().copied().filter(|_| rng.bool()).collect();
            let mut part: Pages =
                moved.iter().filter_map(|pgno| Some((*pgno, pages.remove(pgno)?))).collect();
            for _ in 0..rng.u32(0..6) {
                let pgno = rng.u32(1..=size + 10);
                let page = random_page(rng, bytes);
                part.insert(pgno, page);
            }
            part
        })
        .collect();
    (parts, pages, size)
}

/// The model after a transaction.
pub fn after(model: &Pages, pages: &Pages, size: u32) -> Pages {
    let mut next = model.clone();
    next.extend(pages.iter().map(|(&pgno, page)| (pgno, page.clone())));
    next.split_off(&(size + 1));
    next
}

/// A page of some kind: empty, text, noise.
pub fn random_page(rng: &mut Rng, bytes: usize) -> Vec<u8> {
    match rng.u32(0..4) {
        0 => vec![rng.u8(..); bytes],
        1 => (0..bytes).map(|_| rng.u8(b'a'..=b'd')).collect(),
        _ => (0..bytes).map(|_| rng.u8(..)).collect(),
    }
}

pub fn transaction(rng: &mut Rng, head: &Head, size_max: u32) -> (Pages, u32) {
    let old = head.size;
    let size = match rng.u32(0..10) {
        0 | 1 if old > 1 => rng.u32(1..=old),
        2..=4 => rng.u32(old.max(1)..=size_max.max(old).max(1)),
        _ => (old + rng.u32(0..3)).clamp(1, size_max.max(1)),
    };
    let mut pages = Pages::new();
    let lock = head.page_size.lock_page().get();
    let written = rng.u32(0..8.min(size) + 1);
    let changed = (0..written).map(|_| rng.u32(1..=size)).collect::<Vec<_>>();
    for pgno in (old + 1..=size).chain(changed).filter(|&pgno| pgno != lock) {
        pages.insert(pgno, random_page(rng, head.page_size.bytes()));
    }
    (pages, size)
}

/// A head's txid as a number.
pub fn number(txid: Txid) -> u64 {
    txid.get()
}

/// Answers some batches with a full disk from here on, beside the other faults.
pub fn full_at_random(kv: &FaultKv, seed: u64) {
    let rng = Mutex::new(Rng::with_seed(seed));
    kv.set_hook(Some(Arc::new(move |kind, _| {
        (kind == OpKind::Commit && rng.lock().unwrap().u32(0..10) == 0).then_some(Fault::Full)
    })));
}

/// What must hold after a commit was refused with an error that says so: `HEAD` as it is stored now,
/// whatever the engine has in memory, is at the state that the owner knows.
pub fn assert_nothing_landed(kv: &FaultKv, owner: &Owner) {
    let stored = engine(Arc::new(MemKv::with(kv.image(), SyncMode::Manual, MemKv::LIMITS)));
    let stat = stored.stat(owner.actor()).unwrap().unwrap();
    assert_eq!(stat.head.txid, owner.head.txid, "a refused commit has landed");
}

/// Verifies a database that must be sound, its accounts included.
pub fn assert_sound(engine: &Engine, actor: &ActorId) {
    let report = engine.verify(actor).unwrap();
    assert_eq!(report.damage, [], "{report:?}");
    let stat = engine.stat(actor).unwrap().unwrap();
    assert_eq!(stat.stored_bytes, report.bytes, "accounts");
}
