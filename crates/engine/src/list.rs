//! The databases of a store, one seek each.

use std::ops::ControlFlow;

use actor_sqlite_kv::{Scan, Snapshot};
use actor_sqlite_pagestore::{ActorId, StoreError};

use crate::Engine;
use crate::error::common;
use crate::keys::{Keys, actor_of, databases};

impl Engine {
    /// The databases of the store, or of one namespace, that come after `after` in the order of
    /// their keys, at most `limit`. A database is listed as long as one row of it is there.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub fn list(
        &self,
        namespace: Option<&str>,
        after: Option<&ActorId>,
        limit: usize,
    ) -> Result<Vec<ActorId>, StoreError> {
        let snapshot = self.kv.snapshot().map_err(common)?;
        let (first, end) = databases(namespace);
        let mut start = after.map_or_else(Vec::new, |actor| Keys::new(actor).range().1).max(first);
        let mut actors = Vec::new();
        while actors.len() < limit {
            let Some(key) = first_key(&*snapshot, &start, &end)? else { break };
            start = match actor_of(&key) {
                Some(actor) => {
                    let behind = Keys::new(&actor).range().1;
                    actors.push(actor);
                    behind
                }
                // A key that is nobody's: the store was damaged. It hides no other.
                None => [&key[..], &[0]].concat(),
            };
        }
        Ok(actors)
    }
}

fn first_key(
    snapshot: &dyn Snapshot,
    start: &[u8],
    end: &[u8],
) -> Result<Option<Vec<u8>>, StoreError> {
    let mut found = None;
    if start < end {
        let scan = Scan { start, end, limit: 1, reverse: false };
        let visit = &mut |key: &[u8], _: &[u8]| {
            found = Some(key.to_vec());
            ControlFlow::Break(())
        };
        snapshot.scan(scan, visit).map_err(common)?;
    }
    Ok(found)
}
