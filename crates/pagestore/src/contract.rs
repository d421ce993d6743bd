//! The trait, its requests and its answers.

use actor_sqlite_ltx::{PageSize, Pgno, Txid};

use crate::{ActorId, CommitId, Generation, Head, Hints, Lease, StoreError, Ticket};

/// How to claim a database.
#[derive(Clone, Debug)]
pub struct ClaimOptions {
    /// Who claims, in words for people: shown to whoever is fenced.
    pub owner: String,
    /// Make the database if there is none; else that is [`StoreError::NotFound`].
    pub create: bool,
    /// The page size of a database that is made; an existing one keeps its own.
    pub page_size: PageSize,
    /// Goes on with a lease of that generation which was released, instead of taking the next one:
    /// for a handle that slept. [`StoreError::Fenced`] if anybody claimed or deleted the database
    /// meanwhile.
    /// A lease of that generation that was not released is released by it.
    pub resume: Option<Generation>,
    /// The most bytes the database may store: see [`CommitRequest::frees`]. A store may have a
    /// smaller quota of its own.
    pub quota_bytes: Option<u64>,
    /// The most bytes of pages that the claim brings along, page 1 not counted.
    pub preload_bytes_max: u64,
}

impl ClaimOptions {
    /// What [`Self::preload_bytes_max`] is by default.
    pub const PRELOAD_BYTES_MAX: u64 = 256 << 10;

    /// Takes the database over, and makes it, with pages of the default size, if there is none.
    pub fn new(owner: impl Into<String>) -> Self {
        Self {
            owner: owner.into(),
            create: true,
            page_size: PageSize::DEFAULT,
            resume: None,
            quota_bytes: None,
            preload_bytes_max: Self::PRELOAD_BYTES_MAX,
        }
    }
}

/// The answer to a claim.
#[derive(Debug)]
pub struct Claim {
    /// The right to the database.
    pub lease: Lease,
    /// Its newest committed state.
    pub head: Head,
    /// Covers the claim itself and all that it read.
    pub ticket: Ticket,
    /// Pages the store thinks will be read first: page 1 if there is one, and those the hints name
    /// within [`ClaimOptions::preload_bytes_max`].
    pub pages: Vec<(Pgno, Box<[u8]>)>,
    /// The hints as they were saved last; empty if never.
    pub hints: Hints,
    /// The largest `pages` of one [`CommitRequest`] or [`StageRequest`], in bytes: more is refused
    /// with [`StoreError::Limit`] and has to be staged in parts. `u64::MAX` if there is no limit.
    pub commit_bytes_max: u64,
    /// The sequence of the lease's next commit id: 1 for a new generation.
    pub next_sequence: u64,
    /// The quota that holds for the database, in bytes.
    pub quota_bytes: Option<u64>,
}

/// Where [`PageStore::read`] puts pages.
pub trait PageSink {
    /// The buffer for a page, exactly one page long, to be filled before the next call. `None` if
    /// the page is not wanted: a store may offer neighbours that came for free, and must offer
    /// every page asked for. If the read fails, no buffer it asked for may be used.
    fn buffer(&mut self, pgno: Pgno) -> Option<&mut [u8]>;
}

/// A transaction to commit.
#[derive(Clone, Copy, Debug)]
pub struct CommitRequest<'a> {
    /// Chosen by the writer: the lease's generation and a count that rises with each commit.
    pub commit_id: CommitId,
    /// The state the transaction was made on: the head the lease last saw.
    pub expected_head: Txid,
    /// The pages that the transaction changed, ascending, none above `size`, the lock page not
    /// among them, each of the database's page size. Every page that the database gains must be
    /// there or staged (all from the old size up to `size`).
    pub pages: &'a [(Pgno, &'a [u8])],
    /// The database's size in pages after the commit, 1 or more.
    pub size: u32,
    /// The pages staged under `commit_id` belong to the transaction, where `pages` does not have a
    /// newer version. Those above `size` do not count.
    pub staged: bool,
    /// The transaction leaves no more pages in use than before: pages of the file less those on
    /// SQLite's free list. Such a commit may go beyond the quota by [`quota_reserve_bytes`], so
    /// that a full database can still delete its way out.
    pub frees: bool,
}

/// How far beyond its quota a database may go by commits that free: a quarter of the quota, 1 MiB
/// at least.
pub fn quota_reserve_bytes(quota_bytes: u64) -> u64 {
    (quota_bytes / 4).max(1 << 20)
}

/// Pages of a transaction that is still running.
#[derive(Clone, Copy, Debug)]
pub struct StageRequest<'a> {
    /// The id that the transaction will be committed with. One transaction at a time is staged: an
    /// id that is not the one of before discards what was staged under that.
    pub commit_id: CommitId,
    /// The state the transaction is made on: the head the lease last saw.
    pub expected_head: Txid,
    /// As in [`CommitRequest::pages`], but for the size, which is not known yet. A page sent again
    /// replaces its version of before.
    pub pages: &'a [(Pgno, &'a [u8])],
}

/// Where the time of one commit went, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CommitPhases {
    /// Encoding the pages into rows or frames.
    pub serialize_ns: u64,
    /// Waiting for the key-value store or the network to order the commit.
    pub transport_ns: u64,
    /// Bringing the page index up to date.
    pub state_update_ns: u64,
}

/// The answer to a commit: it is ordered.
#[derive(Clone, Copy, Debug)]
pub struct Committed {
    /// The new state, or the old one when nothing had changed: pages equal to those of the
    /// expected head are left out, and a commit with none left and no new size writes nothing.
    pub head: Head,
    /// Covers the commit.
    pub ticket: Ticket,
    /// Where the time went.
    pub phases: CommitPhases,
    /// The writer is ahead of maintenance, and should wait this long before its next commit, without
    /// holding what others need. 0 as a rule.
    pub back_off_us: u32,
}

/// Whether a commit whose answer was lost took place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// It landed as this state, covered by the ticket.
    Landed(Head, Ticket),
    /// It did not land and never will: the head is still the expected one.
    NotLanded,
}

/// Called once when a ticket is durable, or when it never will be. It runs on a thread of the
/// store, must be short and must not call the store.
pub type DurableCallback = Box<dyn FnOnce(Result<(), StoreError>) + Send + 'static>;

/// A store of the pages of many databases.
///
/// A lease that has been fenced gets [`StoreError::Fenced`] from every call that could show or
/// change a state, as soon as the store knows.
pub trait PageStore: Send + Sync + 'static {
    /// Takes a database over: fences the owner before, cleans up after it, and answers with the
    /// newest committed state. With [`ClaimOptions::resume`] it changes nothing.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Corrupt`], [`StoreError::Unavailable`];
    /// [`StoreError::Fenced`] when another claim won a race.
    fn claim(&self, actor: &ActorId, options: &ClaimOptions) -> Result<Claim, StoreError>;

    /// Reads pages of one state. `txid` must be the lease's head.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when stored bytes are wrong or a page inside the database has no
    /// source: never zeros, never a page of another state. [`StoreError::Invalid`] for a page beyond
    /// the database's size, the lock page, or a state that is not the head.
    fn read(
        &self,
        lease: &Lease,
        txid: Txid,
        pages: &[Pgno],
        sink: &mut dyn PageSink,
    ) -> Result<(), StoreError>;

    /// Orders a transaction: visible to the next read, not yet durable.
    ///
    /// # Errors
    /// [`StoreError::Fenced`]; [`StoreError::Limit`]; [`StoreError::Quota`]; [`StoreError::Full`] and
    /// [`StoreError::Unavailable`] when nothing was written; [`StoreError::UnknownCommit`] when the
    /// outcome could not be found out.
    fn commit(&self, lease: &Lease, request: &CommitRequest<'_>) -> Result<Committed, StoreError>;

    /// Sends pages of a running transaction, so that a commit may be larger than a request and
    /// than memory. Nobody sees them before the commit that names them as staged; what is never
    /// committed is deleted sooner or later. May return before the pages are ordered: a failure
    /// is then the next call's, at the latest the commit's.
    ///
    /// # Errors
    /// As for a commit. After one the stage is lost, and nothing more is taken under that id: the
    /// transaction has to be rolled back.
    fn stage(&self, lease: &Lease, request: &StageRequest<'_>) -> Result<(), StoreError>;

    /// Reads pages that were staged under `commit_id`, each in its newest version.
    ///
    /// # Errors
    /// As for a read; [`StoreError::Invalid`] for a page that was not staged.
    fn read_staged(
        &self,
        lease: &Lease,
        commit_id: CommitId,
        pages: &[Pgno],
        sink: &mut dyn PageSink,
    ) -> Result<(), StoreError>;

    /// Gives up what was staged under `commit_id`, if anything was.
    fn discard(&self, lease: &Lease, commit_id: CommitId);

    /// Keeps hints for the next claim, in place of those of before.
    ///
    /// # Errors
    /// As for a commit; losing hints loses no data.
    fn save_hints(&self, lease: &Lease, hints: &Hints) -> Result<(), StoreError>;

    /// Finds out whether a commit of this lease took place.
    ///
    /// # Errors
    /// [`StoreError::UnknownCommit`] when the store cannot tell any more.
    fn resolve(&self, lease: &Lease, commit_id: CommitId) -> Result<Resolution, StoreError>;

    /// Blocks until `ticket` is durable.
    fn wait_durable(&self, ticket: Ticket) -> Result<(), StoreError>;

    /// Calls back when `ticket` is durable; at once, on this thread, if it is already.
    fn on_durable(&self, ticket: Ticket, callback: DurableCallback);

    /// The highest ticket that is durable.
    fn durable(&self) -> Ticket;

    /// Gives a lease back. Later calls with it are [`StoreError::Closed`].
    fn release(&self, lease: &Lease);
}
