//! The databases of a store, one seek each.

use std::ops::ControlFlow;

use actor_sqlite_kv::{Scan, Snapshot};
use actor_sqlite_pagestore::{ActorId, ListRequest, StoreError};

use crate::Engine;
use crate::error::{common, store_error};
use crate::keys::{Keys, actor_of, behind, databases, databases_named};

impl Engine {
    /// The databases of all namespaces that come after `after` in the order of their keys, at most
    /// `limit`. A database is listed as long as one row of it is there.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub fn list_all(
        &self,
        after: Option<&ActorId>,
        limit: usize,
    ) -> Result<Vec<ActorId>, StoreError> {
        let (first, end) = databases(None);
        let after = after.map_or_else(Vec::new, |actor| Keys::new(actor).range().1);
        self.list_between(after.max(first), &end, limit)
    }

    pub(crate) fn list_named(&self, request: &ListRequest<'_>) -> Result<Vec<ActorId>, StoreError> {
        request.check()?;
        let &ListRequest { namespace, prefix, after, limit } = request;
        let (first, end) = databases_named(namespace, prefix);
        let after = after.map_or_else(Vec::new, |after| behind(namespace, after));
        self.list_between(after.max(first), &end, limit)
    }

    /// Whether one row of a database is there.
    pub(crate) fn is_there(&self, actor: &ActorId) -> Result<bool, StoreError> {
        let snapshot = self.kv.snapshot().map_err(|error| store_error(actor, error))?;
        let (start, end) = Keys::new(actor).range();
        Ok(first_key(&*snapshot, &start, &end)?.is_some())
    }

    fn list_between(
        &self,
        mut start: Vec<u8>,
        end: &[u8],
        limit: usize,
    ) -> Result<Vec<ActorId>, StoreError> {
        let snapshot = self.kv.snapshot().map_err(common)?;
        let mut actors = Vec::new();
        while actors.len() < limit {
            let Some(key) = first_key(&*snapshot, &start, end)? else { break };
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
