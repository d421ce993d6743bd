//! Which operation fails, and how.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// The kinds of operation that are counted and can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OpKind {
    /// Taking a snapshot.
    Snapshot,
    /// Reading one key.
    Get,
    /// Reading several keys.
    MultiGet,
    /// Walking a range.
    Scan,
    /// Ordering a batch.
    Commit,
    /// Making all that is ordered durable.
    Sync,
}

/// What happens to one operation.
#[derive(Clone, Debug)]
pub enum Fault {
    /// It answers [`crate::KvError::Unavailable`] and does nothing.
    Unavailable,
    /// A commit does nothing and answers [`crate::KvError::Full`].
    Full,
    /// A commit lands and answers [`crate::KvError::UnknownOutcome`].
    UnknownLanded,
    /// A commit does not land and answers [`crate::KvError::UnknownOutcome`].
    UnknownLost,
    /// A sync makes nothing durable and ends the store: [`crate::KvError::Dead`] ever after.
    SyncFails,
    /// It waits at the gate before it does anything.
    HoldBefore(Gate),
    /// It is done, and its answer waits at the gate.
    HoldAnswer(Gate),
}

/// A place where an operation waits until a test lets it go on.
#[derive(Clone, Debug, Default)]
pub struct Gate {
    inner: Arc<(Mutex<GateState>, Condvar)>,
}

#[derive(Debug, Default)]
struct GateState {
    arrived: usize,
    open: bool,
}

impl Gate {
    /// A closed gate.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets through all that wait, and all that come later.
    pub fn open(&self) {
        let (state, changed) = &*self.inner;
        state.lock().unwrap_or_else(PoisonError::into_inner).open = true;
        changed.notify_all();
    }

    /// Blocks until `count` operations have come to the gate.
    pub fn wait_arrived(&self, count: usize) {
        let (state, changed) = &*self.inner;
        let state = state.lock().unwrap_or_else(PoisonError::into_inner);
        drop(changed.wait_while(state, |state| state.arrived < count));
    }

    pub(super) fn pass(&self) {
        let (state, changed) = &*self.inner;
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        state.arrived += 1;
        changed.notify_all();
        drop(changed.wait_while(state, |state| !state.open));
    }
}

/// Faults drawn at random, the same ones for the same seed and the same operations.
/// Each rate is out of 1,000 operations that it can strike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct SeededFaults {
    /// Where the draws start.
    pub seed: u64,
    /// [`Fault::Unavailable`], on anything but a sync.
    pub unavailable_per_mille: u32,
    /// [`Fault::UnknownLanded`], on commits.
    pub unknown_landed_per_mille: u32,
    /// [`Fault::UnknownLost`], on commits.
    pub unknown_lost_per_mille: u32,
    /// [`Fault::SyncFails`], on syncs.
    pub sync_fails_per_mille: u32,
}

#[derive(Default)]
pub(super) struct Plan {
    by_number: HashMap<u64, Fault>,
    by_kind: HashMap<(OpKind, u64), Fault>,
    seeded: Option<(SeededFaults, fastrand::Rng)>,
    pub(super) unreachable: bool,
}

impl Plan {
    pub(super) fn at_number(&mut self, number: u64, fault: Fault) {
        self.by_number.insert(number, fault);
    }

    pub(super) fn at_nth(&mut self, kind: OpKind, nth: u64, fault: Fault) {
        self.by_kind.insert((kind, nth), fault);
    }

    pub(super) fn seed(&mut self, faults: SeededFaults) {
        self.seeded = Some((faults, fastrand::Rng::with_seed(faults.seed)));
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The fault of an operation, which is the `number`th of all and the `nth` of its kind.
    pub(super) fn draw(&mut self, kind: OpKind, number: u64, nth: u64) -> Option<Fault> {
        let scripted = self.by_number.remove(&number).or_else(|| self.by_kind.remove(&(kind, nth)));
        if scripted.is_some() {
            return scripted;
        }
        if self.unreachable {
            return Some(Fault::Unavailable);
        }
        let (faults, rng) = self.seeded.as_mut()?;
        let drawn = rng.u32(0..1000);
        let mut floor = 0;
        let mut struck = |rate: u32| {
            let range = floor..floor + rate;
            floor = range.end;
            range.contains(&drawn)
        };
        match kind {
            OpKind::Sync => struck(faults.sync_fails_per_mille).then_some(Fault::SyncFails),
            _ if struck(faults.unavailable_per_mille) => Some(Fault::Unavailable),
            OpKind::Commit if struck(faults.unknown_landed_per_mille) => Some(Fault::UnknownLanded),
            OpKind::Commit if struck(faults.unknown_lost_per_mille) => Some(Fault::UnknownLost),
            _ => None,
        }
    }
}
