//! placeholder
use actor_sqlite_pagestore::{ActorId, StoreError, VerifyReport};

use crate::Engine;

impl Engine {
    pub(crate) fn verify_database(&self, _actor: &ActorId) -> Result<VerifyReport, StoreError> {
        Ok(VerifyReport::default())
    }
}
