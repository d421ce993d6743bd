//! A database that is open for synchronous calls.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use actor_sqlite_pagestore::ActorId;
use actor_sqlite_session::{OpenOptions, SessionError, SyncSession, SyncSight};

use super::memory;
use crate::error::{ErrorPayload, Outcome, import_error, session_error};
use crate::metrics::DatabaseMetrics;
use crate::store::StoreRef;

/// A session, and the store it lives in.
pub struct SyncDatabase {
    session: RefCell<SyncSession>,
    sight: Arc<SyncSight>,
    in_transaction: Cell<bool>,
    /// `None` for one that is in memory. Its number there.
    store: Option<(StoreRef, u64)>,
    /// Numbers are bound as REAL, whole or not.
    pub reals: bool,
}

impl SyncDatabase {
    /// Opens it here and now.
    pub fn open(
        store: &StoreRef,
        actor: ActorId,
        options: OpenOptions,
        reals: bool,
    ) -> Outcome<Rc<Self>> {
        let host = store.store().host();
        let session = SyncSession::open(host, actor, options)
            .map_err(|error| Box::new(session_error(&error)))?;
        let weak = Arc::downgrade(session.sight());
        let number = store.store().enter(weak);
        Ok(Self::of(session, Some((store.clone(), number)), reals))
    }

    /// Opens one in memory, empty or made of a SQLite file. Nobody else can open it, and it vanishes
    /// when it is closed.
    pub fn in_memory(
        actor: ActorId,
        options: OpenOptions,
        reals: bool,
        file: Option<&[u8]>,
    ) -> Outcome<Rc<Self>> {
        let host = match file {
            Some(file) => memory::host_with(&actor, &options.owner, file)
                .map_err(|error| Box::new(import_error(&error)))?,
            None => memory::host(),
        };
        let session = SyncSession::open(&host, actor, options)
            .map_err(|error| Box::new(session_error(&error)))?;
        Ok(Self::of(session, None, reals))
    }

    fn of(session: SyncSession, store: Option<(StoreRef, u64)>, reals: bool) -> Rc<Self> {
        let sight = Arc::clone(session.sight());
        let (session, in_transaction) = (RefCell::new(session), Cell::new(false));
        Rc::new(Self { session, sight, in_transaction, store, reals })
    }

    /// Uses the session. While a call of it is under way, that is an error.
    pub fn with<T>(
        &self,
        use_it: impl FnOnce(&mut SyncSession) -> Result<T, SessionError>,
    ) -> Outcome<T> {
        let Ok(mut session) = self.session.try_borrow_mut() else {
            return Err(Box::new(ErrorPayload::busy()));
        };
        let result = use_it(&mut session);
        self.in_transaction.set(session.in_transaction());
        result.map_err(|error| Box::new(session_error(&error)))
    }

    /// Whether a transaction was open after the newest call.
    pub fn in_transaction(&self) -> bool {
        self.in_transaction.get()
    }

    /// Its counters.
    pub fn metrics(&self) -> DatabaseMetrics {
        self.sight.metrics().into()
    }

    /// Closes it at the end of its environment, and then lets the store go. Not if a call is under
    /// way, which the end of the process cuts short: then the answer is `false`, and the store stays.
    pub fn abandon(self: Rc<Self>) -> bool {
        let is_free = self.session.try_borrow_mut().is_ok();
        let _ = self.with(SyncSession::close);
        let store = self.store.as_ref().map(|(store, _)| store.clone());
        drop(self);
        if let Some(store) = store {
            store.close();
        }
        is_free
    }
}

impl Drop for SyncDatabase {
    fn drop(&mut self) {
        let _ = self.session.get_mut().close();
        if let Some((store, number)) = &self.store {
            store.store().leave(*number, &self.metrics());
        }
    }
}
