//! The trait every driver implements.

use std::ops::ControlFlow;

use crate::{Batch, KvError};

/// The place of an ordered commit in the store's log.
///
/// Tickets rise: a commit that began after another had returned has a higher ticket than it, and
/// a durable ticket makes every lower one durable. [`Ticket::ZERO`] is durable from the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Ticket(pub u64);

impl Ticket {
    /// Before the first commit of this opening of the store.
    pub const ZERO: Self = Self(0);
}

/// What [`Kv::wait_durable`] promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Durable commits survive power loss.
    Disk,
    /// Durable commits survive the end of the process, not of the machine.
    Os,
    /// Nothing survives the process: for tests.
    Memory,
}

/// The sizes a store takes, all in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest key.
    pub key_bytes_max: usize,
    /// The largest value.
    pub value_bytes_max: usize,
    /// The largest sum of keys and values in one batch.
    pub batch_bytes_max: usize,
    /// The value size the store likes best for data that is read in parts.
    pub value_bytes_preferred: usize,
}

/// Called with each row of a scan; `Break` ends it.
pub type Visit<'v> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'v;

/// Called once when a ticket is durable, or when it never will be. It runs on a thread of the
/// store and must be short and must not block on the store.
pub type DurableCallback = Box<dyn FnOnce(Result<(), KvError>) + Send + 'static>;

/// A range of keys to walk.
#[derive(Clone, Copy, Debug)]
pub struct Scan<'a> {
    /// The first key of the range.
    pub start: &'a [u8],
    /// The first key after the range.
    pub end: &'a [u8],
    /// The most rows to visit.
    pub limit: usize,
    /// From the last row to the first.
    pub reverse: bool,
}

/// A consistent view of the whole store: every ordered commit before it, none after it, each
/// whole or not at all.
pub trait Snapshot {
    /// Lends the value of a key to `visit`, and says whether there is one. The slice is the
    /// store's own where the driver can lend it, so that reading a part copies only that part.
    fn get(&self, key: &[u8], visit: &mut dyn FnMut(&[u8])) -> Result<bool, KvError>;

    /// Lends the value of each key to `visit`, with the key's position in `keys`; `None` for an
    /// absent one. Every position is visited once, in any order.
    fn multi_get(
        &self,
        keys: &[Vec<u8>],
        visit: &mut dyn FnMut(usize, Option<&[u8]>),
    ) -> Result<(), KvError>;

    /// Visits rows in key order, or the reverse.
    fn scan(&self, scan: Scan<'_>, visit: &mut Visit<'_>) -> Result<(), KvError>;
}

/// A transactional key-value store. Keys are ordered as byte strings.
pub trait Kv: Send + Sync + 'static {
    /// Takes a view that holds all that is ordered now.
    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>, KvError>;

    /// Orders a batch: its guards are checked against the newest state and its writes land in one
    /// step, visible to every later snapshot. It is not yet durable.
    ///
    /// A store that runs out of room still takes, for as long as it can, batches that delete and put
    /// no more than 64 KiB of values, and those that put no more than 4 KiB, all under keys that
    /// their guards say are there: so room is made.
    ///
    /// # Errors
    /// [`KvError::GuardFailed`] with the first guard that did not hold; [`KvError::TooLarge`];
    /// [`KvError::Full`] and [`KvError::Unavailable`] when nothing was written; [`KvError::UnknownOutcome`] when the batch
    /// may or may not have landed; [`KvError::Dead`] once a sync has failed.
    fn commit(&self, batch: &Batch<'_>) -> Result<Ticket, KvError>;

    /// Blocks until `ticket` is durable. A lone waiter syncs in place; waiters share syncs.
    fn wait_durable(&self, ticket: Ticket) -> Result<(), KvError>;

    /// Calls back when `ticket` is durable; at once, on this thread, if it is already.
    fn on_durable(&self, ticket: Ticket, callback: DurableCallback);

    /// The highest ticket that is durable.
    fn durable(&self) -> Ticket;

    /// The sizes this store takes.
    fn limits(&self) -> Limits;

    /// What a durable ticket survives.
    fn durability(&self) -> Durability;
}
