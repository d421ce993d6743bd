//! What namespaces store, by their counters, and the quotas of them.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::{Mutex, MutexGuard, PoisonError};

use actor_sqlite_kv::{Batch, KvError, Scan, Snapshot, Ticket, Write};
use actor_sqlite_pagestore::{ActorId, QuotaScope, StoreError, quota_reserve_bytes};

use crate::Engine;
use crate::accounts::stored_bytes;
use crate::error::store_error;
use crate::keys::{databases, is_usage_key, usage_key};
use crate::lease::LeaseState;
use crate::rows::{HeadRow, open};

/// What is known of the namespaces that have a quota, or a batch under way.
#[derive(Debug, Default)]
pub(crate) struct Namespaces(Mutex<HashMap<Vec<u8>, Namespace>>);

/// One namespace, by the key of its counter.
#[derive(Debug, Default)]
struct Namespace {
    /// The quota that was set for it, in place of that of the options.
    quota: Option<Option<u64>>,
    /// The counter, with all that this engine has landed since it was read; `None` if it has to be
    /// read again.
    landed: Option<i64>,
    /// What batches add that are under way.
    under_way: i64,
    batches: u32,
}

/// A batch that is counted, until its outcome is known.
struct Entry {
    key: Vec<u8>,
    added: i64,
}

impl Namespaces {
    fn lock(&self) -> MutexGuard<'_, HashMap<Vec<u8>, Namespace>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn leave(&self, entry: &Entry, outcome: &Result<Ticket, KvError>) {
        let mut namespaces = self.lock();
        let Some(namespace) = namespaces.get_mut(&entry.key) else { return };
        namespace.batches -= 1;
        namespace.under_way -= entry.added;
        match outcome {
            Ok(_) => {
                namespace.landed = namespace.landed.map(|landed| landed + entry.added);
            }
            // A guard that fails may be met by a second try of a batch that landed.
            Err(KvError::UnknownOutcome { .. } | KvError::GuardFailed { .. }) => {
                namespace.landed = None;
            }
            Err(_) => {}
        }
        if namespace.batches == 0 && namespace.landed.is_none() && namespace.quota.is_none() {
            namespaces.remove(&entry.key);
        }
    }
}

impl Engine {
    /// Orders a batch. Every write of the engine goes through here or [`Self::order_growth`].
    pub(crate) fn order(&self, batch: &Batch<'_>) -> Result<Ticket, KvError> {
        let entry = added_by(batch);
        if let Some(entry) = &entry {
            begin(&mut self.namespaces.lock(), entry);
        }
        self.order_entered(batch, entry)
    }

    /// Orders a batch of an owner that makes its database larger, if the quotas allow it: that of
    /// the database, and that of its namespace, where what is under way counts as landed, so that
    /// two owners cannot both take the last bytes.
    ///
    /// # Errors
    /// [`StoreError::Quota`], and nothing was ordered. The answer of the store is inside.
    pub(crate) fn order_growth(
        &self,
        state: &LeaseState,
        batch: &Batch<'_>,
        after: &HeadRow,
        frees: bool,
    ) -> Result<Result<Ticket, KvError>, StoreError> {
        let grows = {
            let view = state.view();
            let grows = after.charged_bytes > view.head.row.charged_bytes;
            if let (true, Some(quota_bytes)) = (grows, view.quota_bytes) {
                let stored = stored_bytes(after, &view.root);
                check(state, QuotaScope::Actor, stored, quota_bytes, frees)?;
            }
            grows
        };
        let Some(entry) = added_by(batch) else { return Ok(self.order_entered(batch, None)) };
        let namespace = state.db.actor.namespace();
        {
            let mut namespaces = self.namespaces.lock();
            if let (true, Some(quota_bytes)) = (grows, self.quota_of(&namespaces, &entry.key)) {
                let known = namespaces.entry(entry.key.clone()).or_default();
                let landed = match known.landed {
                    Some(landed) => landed,
                    None => {
                        let landed = self.read_usage(&state.db.actor, namespace)?;
                        // Of a batch that is under way it is not known whether the counter has it:
                        // good enough for this once, too high if it is added when it has landed.
                        known.landed = (known.batches == 0).then_some(landed);
                        landed
                    }
                };
                let stored = (landed + known.under_way + entry.added).max(0) as u64;
                check(state, QuotaScope::Namespace, stored, quota_bytes, frees)?;
            }
            begin(&mut namespaces, &entry);
        }
        Ok(self.order_entered(batch, Some(entry)))
    }

    fn order_entered(&self, batch: &Batch<'_>, entry: Option<Entry>) -> Result<Ticket, KvError> {
        let ordered = self.kv.commit(batch);
        if let Ok(ticket) = &ordered {
            self.note_ticket(*ticket);
        }
        if let Some(entry) = entry {
            self.namespaces.leave(&entry, &ordered);
        }
        ordered
    }

    fn quota_of(&self, namespaces: &HashMap<Vec<u8>, Namespace>, key: &[u8]) -> Option<u64> {
        let set = namespaces.get(key).and_then(|namespace| namespace.quota);
        set.unwrap_or(self.options.namespace_quota_bytes)
    }

    /// Has the counter read again before it counts the next time, because another engine may have
    /// written since. While a batch is under way it is not known whether the counter holds it.
    pub(crate) fn forget_usage(&self, namespace: &str) {
        if namespace.is_empty() {
            return;
        }
        if let Some(known) = self.namespaces.lock().get_mut(&usage_key(namespace))
            && known.batches == 0
        {
            known.landed = None;
        }
    }

    /// Limits what all databases of a namespace store together, in bytes, in place of
    /// [`crate::EngineOptions::namespace_quota_bytes`]; `None` is no limit. It is kept in memory
    /// only. The empty namespace has no counter and no quota.
    pub fn set_namespace_quota(&self, namespace: &str, quota_bytes: Option<u64>) {
        if !namespace.is_empty() {
            let mut namespaces = self.namespaces.lock();
            namespaces.entry(usage_key(namespace)).or_default().quota = Some(quota_bytes);
        }
    }

    /// What all databases of a namespace store, in bytes of keys and values, as its counter says.
    /// Databases that were never claimed since there are counters are not among them. 0 for the
    /// empty namespace.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the counter contradicts itself; [`StoreError::Unavailable`].
    pub fn namespace_usage(&self, namespace: &str) -> Result<u64, StoreError> {
        let used = self.read_usage(&any_actor(namespace)?, namespace)?;
        Ok(used.max(0) as u64)
    }

    fn read_usage(&self, actor: &ActorId, namespace: &str) -> Result<i64, StoreError> {
        if namespace.is_empty() {
            return Ok(0);
        }
        let snapshot = self.kv.snapshot().map_err(|error| store_error(actor, error))?;
        stored_usage(&*snapshot, actor, namespace)
    }

    /// What the counter of a namespace must say, by a walk over all its rows: for verification.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the `HEAD` of a database is damaged; [`StoreError::Unavailable`].
    pub fn recount_namespace(&self, namespace: &str) -> Result<u64, StoreError> {
        let actor = any_actor(namespace)?;
        if namespace.is_empty() {
            return Ok(0);
        }
        let (start, end) = databases(Some(namespace));
        let mut sum = Recount { prefix: start.len(), ..Recount::default() };
        let mut outcome = Ok(());
        let scan = Scan { start: &start, end: &end, limit: usize::MAX, reverse: false };
        let snapshot = self.kv.snapshot().map_err(|error| store_error(&actor, error))?;
        snapshot
            .scan(scan, &mut |key, value| {
                outcome = sum.take(&actor, key, value);
                if outcome.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            })
            .map_err(|error| store_error(&actor, error))?;
        outcome?;
        sum.flush();
        Ok(sum.total)
    }
}

/// The rows of one database after the other.
#[derive(Default)]
struct Recount {
    prefix: usize,
    total: u64,
    name: Vec<u8>,
    bytes: u64,
    counted: bool,
}

impl Recount {
    fn take(&mut self, actor: &ActorId, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        let rest = &key[self.prefix..];
        let name = rest.split(|&byte| byte == 0).next().unwrap_or(rest);
        if name != self.name {
            self.flush();
            self.name = name.to_vec();
        }
        self.bytes += (key.len() + value.len()) as u64;
        if rest.get(name.len() + 1..) == Some(b"HEAD") {
            let head = open(key, value)
                .and_then(|(format, payload)| HeadRow::decode(format, payload))
                .map_err(|fault| StoreError::Corrupt {
                    actor: actor.clone(),
                    row: format!("HEAD of {}", name.escape_ascii()),
                    reason: fault.to_string(),
                })?;
            self.counted = head.namespaced;
        }
        Ok(())
    }

    fn flush(&mut self) {
        if std::mem::take(&mut self.counted) {
            self.total += self.bytes;
        }
        self.bytes = 0;
    }
}

/// What the counter of a namespace says, 0 if there is none. Its two lanes must agree.
pub(crate) fn stored_usage(
    snapshot: &dyn Snapshot,
    actor: &ActorId,
    namespace: &str,
) -> Result<i64, StoreError> {
    let mut lanes = Some((0, 0));
    snapshot
        .get(&usage_key(namespace), &mut |value| lanes = decode(value))
        .map_err(|error| store_error(actor, error))?;
    let sound = lanes.filter(|(up, down)| up.wrapping_add(*down) == 0 && *up >= 0);
    sound.map(|(up, _)| up).ok_or_else(|| StoreError::Corrupt {
        actor: actor.clone(),
        row: format!("USAGE of {namespace}"),
        reason: "its two counters contradict each other".into(),
    })
}

fn begin(namespaces: &mut HashMap<Vec<u8>, Namespace>, entry: &Entry) {
    let namespace = namespaces.entry(entry.key.clone()).or_default();
    namespace.batches += 1;
    namespace.under_way += entry.added;
}

/// What a batch adds to the counter of a namespace, if it does.
fn added_by(batch: &Batch<'_>) -> Option<Entry> {
    let mut entry: Option<Entry> = None;
    for write in &batch.writes {
        if let Write::Add { key, deltas } = write
            && is_usage_key(key)
        {
            let entry = entry.get_or_insert_with(|| Entry { key: key.clone(), added: 0 });
            entry.added += deltas.first().copied().unwrap_or(0);
        }
    }
    entry
}

/// The two counters of the row.
fn decode(value: &[u8]) -> Option<(i64, i64)> {
    match value.as_chunks::<8>() {
        ([up, down], []) => Some((i64::from_le_bytes(*up), i64::from_le_bytes(*down))),
        _ => None,
    }
}

fn check(
    state: &LeaseState,
    scope: QuotaScope,
    stored_bytes: u64,
    quota_bytes: u64,
    frees: bool,
) -> Result<(), StoreError> {
    let reserve = if frees { quota_reserve_bytes(quota_bytes) } else { 0 };
    if stored_bytes <= quota_bytes.saturating_add(reserve) {
        return Ok(());
    }
    Err(StoreError::Quota { actor: state.db.actor.clone(), scope, stored_bytes, quota_bytes })
}

/// Stands for a namespace where an error names a database.
fn any_actor(namespace: &str) -> Result<ActorId, StoreError> {
    ActorId::new(namespace, "*").map_err(|error| StoreError::Invalid { reason: error.to_string() })
}
