//! A store that fails on purpose and remembers what a crash could have left.

mod counters;
mod history;
mod plan;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use counters::Counters;
use history::History;
pub use history::{Boundary, BoundaryKind, CrashImage};
use plan::Plan;
pub use plan::{Fault, Gate, OpKind, SeededFaults};

use crate::image::Image;
use crate::mem::{MemKv, MemSnapshot, SyncMode};
use crate::{
    Batch, Durability, DurableCallback, Kv, KvError, Limits, Scan, Snapshot, Ticket, Visit,
};

/// A model of a store with a log: a volatile content that readers see, a durable one that a crash
/// leaves, and every one in between.
///
/// It counts operations ([`FaultKv::counters`]), fails them by script, by seed or by a hook, and
/// after a workload lists each content that a crash at each boundary could have left
/// ([`FaultKv::boundaries`], [`FaultKv::crash_images_at`]). Operations are numbered from 1.
pub struct FaultKv {
    rows: MemKv,
    mode: SyncMode,
    state: Mutex<State>,
    hook: Mutex<Option<Hook>>,
}

/// Asked before each operation, with its kind and its number among all. It may block, to delay
/// the operation, and its answer goes before the plan's.
pub type Hook = std::sync::Arc<dyn Fn(OpKind, u64) -> Option<Fault> + Send + Sync>;

struct State {
    counters: Counters,
    plan: Plan,
    history: History,
}

impl Default for FaultKv {
    fn default() -> Self {
        Self::new()
    }
}

impl FaultKv {
    /// An empty store without faults that syncs on demand.
    pub fn new() -> Self {
        Self::with(Image::default(), SyncMode::OnDemand, MemKv::LIMITS)
    }

    /// A store with a content, which counts as durable, a mode and limits.
    pub fn with(image: Image, mode: SyncMode, limits: Limits) -> Self {
        let state = State {
            counters: Counters::default(),
            plan: Plan::default(),
            history: History::new(image.clone(), limits),
        };
        Self {
            rows: MemKv::with(image, SyncMode::Manual, limits),
            mode,
            state: Mutex::new(state),
            hook: Mutex::new(None),
        }
    }

    /// What was asked so far.
    pub fn counters(&self) -> Counters {
        self.lock().counters
    }

    /// Strikes the operation with this number among all, counted from 1.
    pub fn fail_op(&self, number: u64, fault: Fault) {
        self.lock().plan.at_number(number, fault);
    }

    /// Strikes the `nth` operation of a kind, counted from 1.
    pub fn fail_nth(&self, kind: OpKind, nth: u64, fault: Fault) {
        self.lock().plan.at_nth(kind, nth, fault);
    }

    /// Strikes the next operation of a kind.
    pub fn fail_next(&self, kind: OpKind, fault: Fault) {
        let mut state = self.lock();
        let nth = state.counters.of(kind) + 1;
        state.plan.at_nth(kind, nth, fault);
    }

    /// Strikes at random from here on.
    pub fn fail_randomly(&self, faults: SeededFaults) {
        self.lock().plan.seed(faults);
    }

    /// Makes everything but syncs [`KvError::Unavailable`], or ends that.
    pub fn set_unreachable(&self, unreachable: bool) {
        self.lock().plan.unreachable = unreachable;
    }

    /// Forgets all faults that are still to come, the hook included.
    pub fn clear_faults(&self) {
        self.lock().plan.clear();
        self.set_hook(None);
    }

    /// Sets or removes the hook.
    pub fn set_hook(&self, hook: Option<Hook>) {
        *self.hook.lock().unwrap_or_else(PoisonError::into_inner) = hook;
    }

    /// The content that readers see now.
    pub fn image(&self) -> Image {
        self.rows.image()
    }

    /// The content that a power loss now is sure to leave.
    pub fn power_loss_image(&self) -> CrashImage {
        let state = self.lock();
        let last = state.history.last();
        state.history.crash(last, last.durable)
    }

    /// Each step so far after which a crash leaves something new, the opening first.
    pub fn boundaries(&self) -> Vec<Boundary> {
        self.lock().history.boundaries().to_vec()
    }

    /// Each content that a crash right after a boundary could leave, the poorest first.
    ///
    /// # Panics
    /// If there are not so many boundaries.
    pub fn crash_images_at(&self, boundary: usize) -> Vec<CrashImage> {
        let state = self.lock();
        let boundary = state.history.boundaries()[boundary];
        (boundary.durable.0..=boundary.ordered.0)
            .map(|kept| state.history.crash(boundary, Ticket(kept)))
            .collect()
    }

    /// Changes rows behind the store's back: no guard, no limit, no ticket, no boundary. What is
    /// changed counts as written by the newest commit.
    pub fn edit<R>(&self, change: impl FnOnce(&mut Image) -> R) -> R {
        let mut state = self.lock();
        let result = self.rows.edit(change);
        state.history.edited(self.rows.image());
        result
    }

    /// Makes everything ordered durable and runs callbacks on this thread. One operation.
    ///
    /// # Errors
    /// [`KvError::Dead`] from the first sync that a fault strikes on.
    pub fn sync(&self) -> Result<Ticket, KvError> {
        let answer_gate = match self.begin(OpKind::Sync) {
            Ok(answer_gate) => answer_gate,
            Err(_) => {
                let dead = KvError::Dead { reason: "injected failure of a sync".into() };
                self.rows.stop(dead.clone());
                return Err(dead);
            }
        };
        self.rows.alive()?;
        let target = self.lock().history.synced();
        self.rows.sync_to(target)?;
        pass(answer_gate);
        Ok(target)
    }

    /// Ends the store, as closing it does: [`KvError::Closed`] ever after.
    pub fn close(&self) {
        self.rows.stop(KvError::Closed);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts an operation and finds its fault. `Ok` goes on, with the gate of its answer.
    fn begin(&self, kind: OpKind) -> Result<Option<Gate>, Fault> {
        let number = {
            let mut state = self.lock();
            state.counters.begin(kind);
            (state.counters.ops(), state.counters.of(kind))
        };
        let hook = self.hook.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let asked = hook.and_then(|hook| hook(kind, number.0));
        let fault = asked.or_else(|| self.lock().plan.draw(kind, number.0, number.1));
        if fault.is_some() {
            self.lock().counters.faults += 1;
        }
        match fault {
            None => Ok(None),
            Some(Fault::HoldBefore(gate)) => {
                gate.pass();
                Ok(None)
            }
            Some(Fault::HoldAnswer(gate)) => Ok(Some(gate)),
            Some(fault) => Err(fault),
        }
    }

    /// A read or snapshot: every error fault makes it unavailable.
    fn begin_read(&self, kind: OpKind) -> Result<Option<Gate>, KvError> {
        self.begin(kind).map_err(|_| unavailable())
    }

    /// Orders a batch and remembers the content after it.
    fn land(&self, batch: &Batch<'_>) -> Result<Ticket, KvError> {
        let mut state = self.lock();
        let landed = self.rows.commit(batch);
        match &landed {
            Ok(_) => {
                state.counters.landed(batch);
                state.history.committed(self.rows.image());
            }
            Err(KvError::GuardFailed { .. }) => state.counters.guard_failures += 1,
            Err(_) => {}
        }
        landed
    }
}

fn unavailable() -> KvError {
    KvError::Unavailable { reason: "injected".into() }
}

fn pass(answer_gate: Option<Gate>) {
    if let Some(gate) = answer_gate {
        gate.pass();
    }
}

impl Kv for FaultKv {
    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>, KvError> {
        let answer_gate = self.begin_read(OpKind::Snapshot)?;
        self.rows.alive()?;
        let rows = MemSnapshot(self.rows.image());
        pass(answer_gate);
        Ok(Box::new(FaultSnapshot { store: self, rows }))
    }

    fn commit(&self, batch: &Batch<'_>) -> Result<Ticket, KvError> {
        self.lock().counters.guards += batch.guards.len() as u64;
        match self.begin(OpKind::Commit) {
            Ok(answer_gate) => {
                let landed = self.land(batch);
                pass(answer_gate);
                landed
            }
            Err(Fault::UnknownLanded) => {
                self.land(batch)?;
                Err(KvError::UnknownOutcome { reason: "injected; it landed".into() })
            }
            Err(Fault::UnknownLost) => {
                Err(KvError::UnknownOutcome { reason: "injected; it did not land".into() })
            }
            Err(Fault::Full) => Err(KvError::Full { reason: "injected".into() }),
            Err(_) => Err(unavailable()),
        }
    }

    fn wait_durable(&self, ticket: Ticket) -> Result<(), KvError> {
        if self.mode == SyncMode::OnDemand && ticket > self.durable() {
            self.sync()?;
        }
        self.rows.wait(ticket)
    }

    fn on_durable(&self, ticket: Ticket, callback: DurableCallback) {
        self.rows.enqueue(ticket, callback);
        if self.mode == SyncMode::OnDemand && ticket > self.durable() {
            // A failed sync has told the callback.
            let _ = self.sync();
        }
    }

    fn durable(&self) -> Ticket {
        self.rows.durable()
    }

    fn limits(&self) -> Limits {
        self.rows.limits()
    }

    fn durability(&self) -> Durability {
        Durability::Memory
    }
}

struct FaultSnapshot<'a> {
    store: &'a FaultKv,
    rows: MemSnapshot,
}

impl FaultSnapshot<'_> {
    fn count(&self, change: impl FnOnce(&mut Counters)) {
        change(&mut self.store.lock().counters);
    }
}

impl Snapshot for FaultSnapshot<'_> {
    fn get(&self, key: &[u8], visit: &mut dyn FnMut(&[u8])) -> Result<bool, KvError> {
        let answer_gate = self.store.begin_read(OpKind::Get)?;
        pass(answer_gate);
        self.rows.get(key, &mut |value| {
            self.count(|counters| counters.bytes_read += value.len() as u64);
            visit(value);
        })
    }

    fn multi_get(
        &self,
        keys: &[Vec<u8>],
        visit: &mut dyn FnMut(usize, Option<&[u8]>),
    ) -> Result<(), KvError> {
        let answer_gate = self.store.begin_read(OpKind::MultiGet)?;
        pass(answer_gate);
        self.count(|counters| counters.multi_get_keys += keys.len() as u64);
        self.rows.multi_get(keys, &mut |position, value| {
            self.count(|counters| counters.bytes_read += value.map_or(0, <[u8]>::len) as u64);
            visit(position, value);
        })
    }

    fn scan(&self, scan: Scan<'_>, visit: &mut Visit<'_>) -> Result<(), KvError> {
        let answer_gate = self.store.begin_read(OpKind::Scan)?;
        pass(answer_gate);
        self.rows.scan(scan, &mut |key, value| {
            self.count(|counters| {
                counters.scan_rows += 1;
                counters.bytes_read += value.len() as u64;
            });
            visit(key, value)
        })
    }
}
