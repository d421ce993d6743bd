//! A database that is open in an environment.

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actor_sqlite_pagestore::ActorId;
use actor_sqlite_session::{Action, Command, OpenOptions, Session, SessionError};

use crate::error::{ErrorPayload, Outcome, session_error};
use crate::metrics::DatabaseMetrics;
use crate::store::StoreRef;

/// How long the end of an environment waits for one of its databases. Nothing is left to run there
/// but the undoing of what runs, and the close.
const ABANDON_MAX: Duration = Duration::from_secs(10);

/// A session, and the store it lives in.
pub struct Database {
    session: Arc<Session>,
    store: StoreRef,
    number: u64,
}

impl Database {
    /// Opens it on the store's threads and hands it over, or says why not.
    pub fn open(
        store: &StoreRef,
        actor: ActorId,
        options: OpenOptions,
        done: impl FnOnce(Outcome<Self>) + Send + 'static,
    ) {
        // Taken by whoever comes first: the callback, or this thread if the session is refused.
        let kept = Mutex::new(Some(store.clone()));
        let callback = move |opened: Result<Session, SessionError>| {
            let store = kept.lock().unwrap_or_else(PoisonError::into_inner).take();
            let database = match (opened, store) {
                (Ok(session), Some(store)) => {
                    let session = Arc::new(session);
                    let weak = Arc::downgrade(&session);
                    let number = store.store().enter(weak);
                    Ok(Self { session, store, number })
                }
                (Err(error), _) => Err(Box::new(session_error(&error))),
                (Ok(_), None) => Err(Box::new(ErrorPayload::internal("the store is gone"))),
            };
            done(database);
        };
        Session::open(store.store().host(), actor, options, Box::new(callback));
    }

    /// The session.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Its counters.
    pub fn metrics(&self) -> DatabaseMetrics {
        self.session.metrics().into()
    }

    /// Stops what runs, refuses what waits and closes, without waiting.
    pub fn abandon(self) -> Abandoned {
        let (tell, closed) = channel();
        self.session.abort();
        let close = Command { id: 0, action: Action::Close, transaction: None, timeout_ms: None };
        let reply = move |_| {
            // Nobody waits any more if this fails.
            let _ = tell.send(());
        };
        self.session.submit(close, Box::new(reply));
        Abandoned { database: self, closed }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.store.store().leave(self.number, &self.metrics());
    }
}

/// A database on its way out.
pub struct Abandoned {
    database: Database,
    closed: Receiver<()>,
}

impl Abandoned {
    /// Waits for the end, and then lets the store go too.
    pub fn wait(self) {
        // Whatever came of it: the environment has to go.
        let _ = self.closed.recv_timeout(ABANDON_MAX);
        let store = self.database.store.clone();
        drop(self.database);
        store.close();
    }
}
