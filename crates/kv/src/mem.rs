//! The reference store: everything in memory, and no cleverness.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::image::Image;
use crate::{
    Batch, Durability, DurableCallback, Kv, KvError, Limits, Scan, Snapshot, Ticket, Visit,
};

/// Who makes ordered commits of a [`MemKv`] durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncMode {
    /// Whoever asks for durability: `wait_durable` and `on_durable` sync in place.
    OnDemand,
    /// Only [`MemKv::sync`]: waiters wait for it.
    Manual,
}

/// A store in memory that keeps the contract exactly; the model that drivers are compared with.
///
/// A snapshot is a copy of the root of a persistent map, so it costs the same whatever it holds.
pub struct MemKv {
    limits: Limits,
    mode: SyncMode,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    image: Image,
    ordered: u64,
    durable: u64,
    /// By ticket, then by order of arrival.
    pending: BTreeMap<(u64, u64), DurableCallback>,
    arrivals: u64,
    stopped: Option<KvError>,
}

impl Default for MemKv {
    fn default() -> Self {
        Self::new()
    }
}

impl MemKv {
    /// The limits a store has unless others are given; those of the RocksDB driver.
    pub const LIMITS: Limits = Limits {
        key_bytes_max: 8 << 10,
        value_bytes_max: 8 << 20,
        batch_bytes_max: 256 << 20,
        value_bytes_preferred: 32 << 10,
    };

    /// An empty store that syncs on demand.
    pub fn new() -> Self {
        Self::with(Image::default(), SyncMode::OnDemand, Self::LIMITS)
    }

    /// A store with a content, a mode and limits. The content counts as durable.
    pub fn with(image: Image, mode: SyncMode, limits: Limits) -> Self {
        let state = State {
            image,
            ordered: 0,
            durable: 0,
            pending: BTreeMap::new(),
            arrivals: 0,
            stopped: None,
        };
        Self { limits, mode, state: Mutex::new(state), changed: Condvar::new() }
    }

    /// The content now, with all that is ordered.
    pub fn image(&self) -> Image {
        self.lock().image.clone()
    }

    /// Changes rows behind the store's back: no guard, no limit, no ticket.
    pub fn edit<R>(&self, change: impl FnOnce(&mut Image) -> R) -> R {
        change(&mut self.lock().image)
    }

    /// Whether the store still works, or what it was stopped with.
    pub(crate) fn alive(&self) -> Result<(), KvError> {
        self.lock().alive()
    }

    /// The highest ticket given out.
    pub fn ordered(&self) -> Ticket {
        Ticket(self.lock().ordered)
    }

    /// Makes everything ordered durable and runs the callbacks that waited for it, in the order
    /// of their tickets, on this thread.
    ///
    /// # Errors
    /// What the store was stopped with.
    pub fn sync(&self) -> Result<Ticket, KvError> {
        let ordered = self.ordered();
        self.sync_to(ordered)?;
        Ok(ordered)
    }

    /// Ends the store: each later call, each waiter and each callback gets `error`.
    pub fn stop(&self, error: KvError) {
        let mut state = self.lock();
        state.stopped.get_or_insert_with(|| error.clone());
        let pending = std::mem::take(&mut state.pending);
        drop(state);
        self.changed.notify_all();
        for callback in pending.into_values() {
            callback(Err(error.clone()));
        }
    }

    /// Makes the commits up to `ticket` durable.
    pub(crate) fn sync_to(&self, ticket: Ticket) -> Result<(), KvError> {
        let mut state = self.lock();
        state.alive()?;
        state.durable = state.durable.max(ticket.0);
        let first_waiting = (state.durable + 1, 0);
        let waiting = state.pending.split_off(&first_waiting);
        let ready = std::mem::replace(&mut state.pending, waiting);
        drop(state);
        self.changed.notify_all();
        for callback in ready.into_values() {
            callback(Ok(()));
        }
        Ok(())
    }

    /// A callback's place in the queue, without any sync.
    pub(crate) fn enqueue(&self, ticket: Ticket, callback: DurableCallback) {
        let mut state = self.lock();
        let known = match &state.stopped {
            _ if ticket.0 <= state.durable => Ok(()),
            Some(error) => Err(error.clone()),
            None if ticket.0 > state.ordered => Err(never_given()),
            None => {
                state.arrivals += 1;
                let place = (ticket.0, state.arrivals);
                state.pending.insert(place, callback);
                return;
            }
        };
        drop(state);
        callback(known);
    }

    /// Blocks until somebody else has made `ticket` durable.
    pub(crate) fn wait(&self, ticket: Ticket) -> Result<(), KvError> {
        let mut state = self.lock();
        loop {
            if ticket.0 <= state.durable {
                return Ok(());
            }
            state.alive()?;
            if ticket.0 > state.ordered {
                return Err(never_given());
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn never_given() -> KvError {
    KvError::Invalid { reason: "a ticket that was never given".into() }
}

impl State {
    fn alive(&self) -> Result<(), KvError> {
        self.stopped.clone().map_or(Ok(()), Err)
    }
}

impl Kv for MemKv {
    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>, KvError> {
        let state = self.lock();
        state.alive()?;
        Ok(Box::new(MemSnapshot(state.image.clone())))
    }

    fn commit(&self, batch: &Batch<'_>) -> Result<Ticket, KvError> {
        self.limits.check(batch)?;
        let mut state = self.lock();
        state.alive()?;
        state.image.check(&batch.guards)?;
        state.image.apply(batch);
        state.ordered += 1;
        Ok(Ticket(state.ordered))
    }

    fn wait_durable(&self, ticket: Ticket) -> Result<(), KvError> {
        if self.mode == SyncMode::OnDemand && ticket > self.durable() {
            self.sync()?;
        }
        self.wait(ticket)
    }

    fn on_durable(&self, ticket: Ticket, callback: DurableCallback) {
        self.enqueue(ticket, callback);
        if self.mode == SyncMode::OnDemand && ticket > self.durable() {
            // A stopped store has already told the callback.
            let _ = self.sync();
        }
    }

    fn durable(&self) -> Ticket {
        Ticket(self.lock().durable)
    }

    fn limits(&self) -> Limits {
        self.limits
    }

    fn durability(&self) -> Durability {
        Durability::Memory
    }
}

pub(crate) struct MemSnapshot(pub(crate) Image);

impl Snapshot for MemSnapshot {
    fn get(&self, key: &[u8], visit: &mut dyn FnMut(&[u8])) -> Result<bool, KvError> {
        let value = self.0.get(key);
        if let Some(value) = value {
            visit(value);
        }
        Ok(value.is_some())
    }

    fn multi_get(
        &self,
        keys: &[Vec<u8>],
        visit: &mut dyn FnMut(usize, Option<&[u8]>),
    ) -> Result<(), KvError> {
        for (position, key) in keys.iter().enumerate() {
            visit(position, self.0.get(key));
        }
        Ok(())
    }

    fn scan(&self, scan: Scan<'_>, visit: &mut Visit<'_>) -> Result<(), KvError> {
        self.0.scan(scan, visit);
        Ok(())
    }
}
