//! A look at one database.

use actor_sqlite_pagestore::{ActorId, ActorStat, StoreError};

use crate::Engine;
use crate::db::Db;
use crate::heads::Heads;

impl Engine {
    pub(crate) fn stat_database(&self, actor: &ActorId) -> Result<Option<ActorStat>, StoreError> {
        let db = Db::new(actor);
        let snapshot = self.kv.snapshot().map_err(|error| db.failed(error))?;
        let heads = Heads::load(&db, &*snapshot)?;
        Ok(heads.map(|heads| ActorStat {
            head: heads.head.row.head,
            generation: heads.epoch.row.generation,
            stored_bytes: heads.stored_bytes(),
            delta_count: heads.head.row.head.txid.get() - heads.root.row.watermark.get(),
            committed_at_ms: heads.head.row.time_ms,
        }))
    }
}
