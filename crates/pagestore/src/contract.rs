//! The trait, its requests and its answers.

use actor_sqlite_ltx::{PageSize, Pgno, Txid};

use crate::{ActorId, CommitId, Head, Lease, StoreError, Ticket};

/// How to claim a database.
#[derive(Clone, Debug)]
pub struct ClaimOptions {
    /// Who claims, in words for people: shown to whoever is fenced.
    pub owner: String,
    /// Make the database if there is none; else that is [`StoreError::NotFound`].
    pub create: bool,
    /// The page size of a database that is made; an existing one keeps its own.
    pub page_size: PageSize,
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
    /// Pages the store thinks will be read first; page 1 among them if there is one.
    pub pages: Vec<(Pgno, Box<[u8]>)>,
    /// The largest commit, in bytes of pages: a larger one is refused with [`StoreError::Limit`],
    /// so nobody need collect more. `u64::MAX` if there is no limit.
    pub commit_bytes_max: u64,
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
    /// there (all from the old size up to `size`).
    pub pages: &'a [(Pgno, &'a [u8])],
    /// The database's size in pages after the commit, 1 or more.
    pub size: u32,
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
    /// newest committed state.
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
    /// [`StoreError::Fenced`]; [`StoreError::Limit`]; [`StoreError::Unavailable`] when nothing was
    /// written; [`StoreError::UnknownCommit`] when the outcome could not be found out.
    fn commit(&self, lease: &Lease, request: &CommitRequest<'_>) -> Result<Committed, StoreError>;

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
