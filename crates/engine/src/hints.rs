//! Keeping hints for the next claim.

use actor_sqlite_kv::{Batch, KvError};
use actor_sqlite_pagestore::{Hints, StoreError};

use crate::Engine;
use crate::accounts::put_head;
use crate::db::Db;
use crate::keys::RowId;
use crate::lease::{LeaseState, Pending, View};
use crate::rows::{HeadRow, HintsRow, RowFault, seal};

/// What a lease knows of `HINTS`.
#[derive(Debug, Default)]
pub(crate) struct StoredHints {
    /// `None` if the row is damaged, or if nobody knows what became of a change of it.
    pub(crate) hints: Option<Hints>,
    /// Key and value, in bytes; 0 if there is no row.
    pub(crate) bytes: u64,
}

impl StoredHints {
    /// What the store has. A row that is damaged is passed over: it is advice, and losing it loses
    /// no data.
    pub(crate) fn open(db: &Db, value: Option<&[u8]>) -> Result<Self, RowFault> {
        let Some(value) = value else {
            return Ok(Self { hints: Some(Hints::default()), bytes: 0 });
        };
        let key = db.keys.key(RowId::Hints);
        let row = crate::rows::open_v1(&key, value).and_then(HintsRow::decode)?;
        Ok(Self { hints: Some(row.hints), bytes: (key.len() + value.len()) as u64 })
    }
}

impl Engine {
    /// What the store has of hints, for a lease. A damaged row is counted, and nothing else.
    pub(crate) fn stored_hints(&self, db: &Db, value: Option<&[u8]>) -> StoredHints {
        match StoredHints::open(db, value) {
            Ok(stored) => {
                let ranges = stored.hints.as_ref().map_or(0, |hints| hints.ranges.len());
                self.metrics.hints_loaded.add(u64::from(ranges > 0));
                stored
            }
            Err(_) => {
                self.metrics.hints_damaged.add(1);
                let key = db.keys.key(RowId::Hints);
                let bytes = key.len() + value.map_or(0, <[u8]>::len);
                StoredHints { hints: None, bytes: bytes as u64 }
            }
        }
    }

    /// One batch guarded by `HEAD`, so that an owner who was fenced keeps nothing, and which charges
    /// the difference in bytes. Hints equal to those that are kept write nothing.
    pub(crate) fn save_hints_of(
        &self,
        state: &LeaseState,
        hints: &Hints,
    ) -> Result<(), StoreError> {
        hints.check()?;
        let db = &state.db;
        let mut writer = state.writer();
        let base = self.ready(state, &mut writer)?;
        if state.view().hints.hints.is_none() {
            self.look_at_hints(state)?;
        }
        let bytes_before = {
            let kept = &state.view().hints;
            if kept.hints.as_ref() == Some(hints) {
                return Ok(());
            }
            kept.bytes
        };
        let key = db.keys.key(RowId::Hints);
        let mut batch = Batch::new();
        let bytes = if hints.ranges.is_empty() {
            batch.delete(key);
            0
        } else {
            let row = HintsRow { generation: state.generation, hints: hints.clone() };
            let value = seal(&key, &row.encode());
            let bytes = (key.len() + value.len()) as u64;
            batch.put(key, value);
            bytes
        };
        let head = HeadRow {
            rewrites: base.row.rewrites + 1,
            charged_bytes: base.row.charged_bytes + bytes - bytes_before,
            ..base.row
        };
        let head = put_head(db, &mut batch, &base, head);
        match self.order(&batch) {
            // The state is the same, and covered by the ticket it had.
            Ok(_) => {
                let mut view = state.view_mut();
                view.head = head;
                view.hints = StoredHints { hints: Some(hints.clone()), bytes };
                self.metrics.hints_saved.add(1);
                Ok(())
            }
            // A driver that tried twice may have met its own first try.
            Err(KvError::GuardFailed { actual, .. }) if actual.as_deref() != Some(&*head.value) => {
                Err(self.refused(state, actual))
            }
            Err(KvError::UnknownOutcome { .. } | KvError::GuardFailed { .. }) => {
                state.view_mut().hints.hints = None;
                writer.pending = Some(Pending::Rewrite);
                self.settle(state, &mut writer)?;
                Err(StoreError::Unavailable { reason: "the answer to hints was lost".into() })
            }
            Err(error) => Err(db.failed(error)),
        }
    }

    /// Reads `HINTS` again. Nothing is pending, so that the row stays as it is found.
    fn look_at_hints(&self, state: &LeaseState) -> Result<(), StoreError> {
        let db = &state.db;
        let mut value = None;
        let snapshot = self.kv.snapshot().map_err(|error| db.failed(error))?;
        snapshot
            .get(&db.keys.key(RowId::Hints), &mut |found| value = Some(found.to_vec()))
            .map_err(|error| db.failed(error))?;
        state.view_mut().hints = self.stored_hints(db, value.as_deref());
        Ok(())
    }
}

impl View {
    /// The hints for the owner, empty where there are none.
    pub(crate) fn hints(&self) -> Hints {
        self.hints.hints.clone().unwrap_or_default()
    }
}
