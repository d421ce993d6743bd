//! Administration of the databases in memory.

use super::MemPageStore;
use crate::{ActorId, ActorStat, Deletion, ListRequest, PageStoreAdmin, StoreError, VerifyReport};

impl PageStoreAdmin for MemPageStore {
    fn list(&self, request: &ListRequest<'_>) -> Result<Vec<ActorId>, StoreError> {
        request.check()?;
        let state = self.lock();
        let mut actors: Vec<ActorId> = state
            .databases
            .keys()
            .filter(|actor| actor.namespace() == request.namespace)
            .filter(|actor| actor.name().starts_with(request.prefix))
            .filter(|actor| request.after.is_none_or(|after| actor.name() > after))
            .cloned()
            .collect();
        actors.sort_unstable();
        actors.truncate(request.limit);
        Ok(actors)
    }

    fn exists(&self, actor: &ActorId) -> Result<bool, StoreError> {
        Ok(self.lock().databases.contains_key(actor))
    }

    fn delete(&self, actor: &ActorId) -> Result<Deletion, StoreError> {
        let mut state = self.lock();
        let database = state.databases.remove(actor);
        if let Some(database) = &database {
            state.deleted.insert(actor.clone(), database.generation);
        }
        Ok(Deletion { existed: database.is_some(), ticket: state.order() })
    }

    fn stat(&self, actor: &ActorId) -> Result<Option<ActorStat>, StoreError> {
        let state = self.lock();
        Ok(state.databases.get(actor).map(|database| ActorStat {
            head: database.head,
            generation: database.generation,
            stored_bytes: database.pages.len() as u64 * database.head.page_size.bytes() as u64,
            delta_count: 0,
            committed_at_ms: 0,
        }))
    }

    fn verify(&self, actor: &ActorId) -> Result<VerifyReport, StoreError> {
        let state = self.lock();
        let none = || StoreError::NotFound { actor: actor.clone() };
        let database = state.databases.get(actor).ok_or_else(none)?;
        let bytes: usize = database.pages.values().map(|page| page.len()).sum();
        let rows = database.pages.len() as u64;
        let report = VerifyReport { rows, pages: rows, bytes: bytes as u64, ..Default::default() };
        Ok(VerifyReport { finished: true, ..report })
    }
}
