//! The three rows that say what a database is now: `EPOCH`, `HEAD` and `ROOT`.

use actor_sqlite_kv::Snapshot;
use actor_sqlite_ltx::Txid;
use actor_sqlite_pagestore::StoreError;

use crate::accounts::stored_bytes;
use crate::db::Db;
use crate::keys::RowId;
use crate::rows::{EpochRow, Format, HeadRow, RootRow, RowFault, open, seal, seal_as};

/// A decoded row and its exact bytes, for guards.
#[derive(Clone, Debug)]
pub(crate) struct Stored<T> {
    pub(crate) row: T,
    pub(crate) value: Vec<u8>,
}

impl Stored<HeadRow> {
    pub(crate) fn new(db: &Db, row: HeadRow) -> Self {
        let value = seal_as(Format::V2, &db.keys.key(RowId::Head), &row.encode());
        Self { row, value }
    }

    /// What takes the place of `before`: for `accounts`, which enters the difference. A value of an earlier format was shorter, and the row
    /// charges itself for what it gains.
    pub(crate) fn after(db: &Db, before: &Self, row: HeadRow) -> Self {
        let gained = Self::new(db, row).value.len() - before.value.len();
        let charged_bytes = row.charged_bytes + gained as u64;
        Self::new(db, HeadRow { charged_bytes, ..row })
    }
}

impl Stored<RootRow> {
    pub(crate) fn new(db: &Db, row: RootRow) -> Self {
        let value = seal_as(Format::V2, &db.keys.key(RowId::Root), &row.encode());
        Self { row, value }
    }

    /// As for `HEAD`: for `accounts`.
    pub(crate) fn after(db: &Db, before: &Self, row: RootRow) -> Self {
        let gained = Self::new(db, row).value.len() - before.value.len();
        let charged_bytes = row.charged_bytes + gained as u64;
        Self::new(db, RootRow { charged_bytes, ..row })
    }
}

impl Stored<EpochRow> {
    pub(crate) fn new(db: &Db, row: EpochRow) -> Self {
        let value = seal(&db.keys.key(RowId::Epoch), &row.encode());
        Self { row, value }
    }
}

/// All three, as one snapshot has them.
#[derive(Clone, Debug)]
pub(crate) struct Heads {
    pub(crate) epoch: Stored<EpochRow>,
    pub(crate) head: Stored<HeadRow>,
    pub(crate) root: Stored<RootRow>,
}

impl Heads {
    const ROWS: [RowId; 3] = [RowId::Epoch, RowId::Head, RowId::Root];

    /// Reads them; `None` if the database has none of them. That it has no other row either is
    /// for the caller to check.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if one is missing beside the others, damaged, or contradicts them.
    pub(crate) fn load(db: &Db, snapshot: &dyn Snapshot) -> Result<Option<Self>, StoreError> {
        Self::load_beside(db, snapshot, None)
    }

    /// Reads them, and the value of another row with them.
    pub(crate) fn load_beside(
        db: &Db,
        snapshot: &dyn Snapshot,
        beside: Option<(RowId, &mut Option<Vec<u8>>)>,
    ) -> Result<Option<Self>, StoreError> {
        let (row, other) = beside.unzip();
        let keys: Vec<_> = Self::ROWS.into_iter().chain(row).map(|row| db.keys.key(row)).collect();
        let mut all: [Option<Vec<u8>>; 4] = Default::default();
        snapshot
            .multi_get(&keys, &mut |position, value| all[position] = value.map(<[u8]>::to_vec))
            .map_err(|error| db.failed(error))?;
        let [epoch, head, root, found] = all;
        if let Some(other) = other {
            *other = found;
        }
        let values = [epoch, head, root];
        let [epoch, head, root] = match values {
            [Some(epoch), Some(head), Some(root)] => [epoch, head, root],
            [None, None, None] => return Ok(None),
            values => {
                let missing = values.iter().position(Option::is_none).unwrap_or(0);
                return Err(db.corrupt(Self::ROWS[missing], "it is missing beside the others"));
            }
        };
        let heads = Self {
            epoch: decode(db, RowId::Epoch, epoch, EpochRow::decode_as)?,
            head: decode(db, RowId::Head, head, HeadRow::decode)?,
            root: decode(db, RowId::Root, root, RootRow::decode)?,
        };
        heads.check(db)?;
        Ok(Some(heads))
    }

    /// Claim writes `EPOCH` and `HEAD` together, and a watermark is the head of some time: rows
    /// that say otherwise come from different times.
    fn check(&self, db: &Db) -> Result<(), StoreError> {
        let (epoch, head, root) = (&self.epoch.row, &self.head.row, &self.root.row);
        if epoch.generation > head.generation {
            let reason = format!(
                "it has generation {} where EPOCH has {}",
                head.generation.0, epoch.generation.0
            );
            return Err(db.corrupt(RowId::Head, reason));
        }
        if epoch.generation < head.generation {
            let reason = format!(
                "it has generation {} where HEAD has {}",
                epoch.generation.0, head.generation.0
            );
            return Err(db.corrupt(RowId::Epoch, reason));
        }
        let state = head.head;
        if root.watermark > state.txid || root.building > state.txid {
            let reason = format!("it has txid {} below what ROOT covers", state.txid);
            return Err(db.corrupt(RowId::Head, reason));
        }
        if root.stages_swept > head.stages || (head.stage_open && root.stages_swept == head.stages)
        {
            let reason = format!("it has stage {} where ROOT has swept more", head.stages);
            return Err(db.corrupt(RowId::Head, reason));
        }
        let same = (root.size, root.checksum) == (state.size, state.checksum);
        if root.watermark == state.txid && !same {
            return Err(db.corrupt(RowId::Root, "it contradicts HEAD at the same txid"));
        }
        Ok(())
    }

    /// Bytes of keys and values that the database holds in the store.
    pub(crate) fn stored_bytes(&self) -> u64 {
        stored_bytes(&self.head.row, &self.root.row)
    }

    /// The states whose deltas are not yet folded into shards, oldest first.
    pub(crate) fn open_deltas(&self) -> (Txid, Txid) {
        (self.root.row.watermark.next(), self.head.row.head.txid)
    }
}

/// Checks the envelope of one of the rows and decodes it.
pub(crate) fn decode<T>(
    db: &Db,
    row: RowId,
    value: Vec<u8>,
    decode: impl FnOnce(Format, &[u8]) -> Result<T, RowFault>,
) -> Result<Stored<T>, StoreError> {
    let decoded = open(&db.keys.key(row), &value)
        .and_then(|(format, payload)| decode(format, payload))
        .map_err(|fault| db.corrupt(row, fault))?;
    Ok(Stored { row: decoded, value })
}
