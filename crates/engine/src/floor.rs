//! Why no generation is granted twice, although a deleted database leaves no row.
//!
//! The databases of a store are spread over some buckets by a checksum of their names. The `FLOOR` of a
//! bucket is at least as high as every generation that a deleted database of it had: the batch that
//! deletes a database raises it, and the batch that makes one is guarded by its exact value and takes
//! a generation above it. So what is left of any number of deleted databases is one row a bucket, and
//! buckets keep those who make databases out of the way of those who delete others.

use actor_sqlite_kv::{Batch, Snapshot};
use actor_sqlite_pagestore::{Generation, StoreError};

use crate::db::Db;
use crate::rows::{FloorRow, open_v1, seal};

/// The floor of a database's bucket, as a snapshot has it.
pub(crate) struct Floor {
    /// [`Generation::NONE`] if no database of the bucket was ever deleted.
    pub(crate) generation: Generation,
    key: Vec<u8>,
    value: Option<Vec<u8>>,
}

impl Floor {
    pub(crate) fn load(db: &Db, snapshot: &dyn Snapshot) -> Result<Self, StoreError> {
        let (key, mut value) = (db.keys.floor(), None);
        snapshot
            .get(&key, &mut |found| value = Some(found.to_vec()))
            .map_err(|error| db.failed(error))?;
        let generation = match &value {
            None => Generation::NONE,
            Some(value) => {
                let row = open_v1(&key, value).and_then(FloorRow::decode);
                row.map_err(|fault| db.corrupt_named("FLOOR".into(), fault))?.generation
            }
        };
        Ok(Self { generation, key, value })
    }

    /// Lets a batch land only while the floor is what it was.
    pub(crate) fn guard(&self, batch: &mut Batch<'_>) {
        batch.guard(self.key.clone(), self.value.clone());
    }

    /// Has a batch raise the floor to a generation, if it is lower. A floor never sinks, so that one
    /// that is as high needs no guard.
    pub(crate) fn raise(&self, batch: &mut Batch<'_>, generation: Generation) {
        if self.generation < generation {
            self.guard(batch);
            batch.put(self.key.clone(), seal(&self.key, &FloorRow { generation }.encode()));
        }
    }
}
