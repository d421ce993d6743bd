//! A session on the thread of its caller: no queue, no executor, no answer that comes later.
//!
//! A call runs on the connection and returns what came of it; with strict durability, when all that
//! it rests on is durable. What it rests on is the ticket of the mount, as for any other session.

mod changes;
mod functions;
mod modules;
mod program;
mod rows;
mod statements;

use std::collections::HashMap;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use actor_sqlite_pagestore::{ActorId, StoreError, Ticket};

use crate::connection::{Connection, Opening, open};
use crate::control::Control;
use crate::core::guarded;
use crate::fault::Fault;
use crate::metrics::{Counters, SessionMetrics, Sight};
use crate::raw::Recorder;
use crate::{Durability, Host, OpenOptions, SessionError};

pub use functions::{FunctionOp, FunctionOptions, SqlFunction};
pub use modules::{SqlModule, SqlScan, SqlTable, SqlTableDefinition};
pub use program::{SyncLimit, SyncSetting};
pub use rows::{RowRef, RowSink, ValueRef};
pub use statements::{SyncPrepared, SyncStatement};

use statements::Held;

/// One open database, used by one thread.
///
/// It never sleeps: its connection stays as long as it does. `OpenOptions::idle_ms`, `queue_max`,
/// `transaction_timeout_ms`, `statement_cache_size` and `result_bytes_max` mean nothing here.
pub struct SyncSession {
    /// Before the connection, which they keep open.
    statements: HashMap<u64, Held>,
    /// Before the connection, which they keep open.
    recorders: HashMap<u64, Recorder>,
    /// `None` once it is closed.
    connection: Option<Connection>,
    opening: Opening,
    control: Arc<Control>,
    sight: Arc<SyncSight>,
    dead: Option<SessionError>,
    next_id: u64,
    /// Known to be durable.
    durable: Ticket,
    /// The store was asked to make it so.
    asked: Ticket,
    /// Set by the store when a sync failed that nobody waited for.
    failed: Arc<OnceLock<StoreError>>,
    /// Until when a statement that writes waits, as the store is behind.
    hold_until_ns: u64,
    /// SQLite calls back into what belongs to this thread.
    thread: PhantomData<*const ()>,
}

/// What others may see of a synchronous session, also after its end.
#[derive(Default)]
pub struct SyncSight {
    counters: Arc<Counters>,
    sight: Mutex<Sight>,
}

impl SyncSight {
    fn sight(&self) -> MutexGuard<'_, Sight> {
        self.sight.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the session has done.
    pub fn metrics(&self) -> SessionMetrics {
        let vfs = self.sight().vfs();
        self.counters.snapshot(vfs, (0, 0))
    }
}

impl SyncSession {
    /// Claims a database and opens it, on this thread.
    pub fn open(
        host: &Host,
        actor: ActorId,
        options: impl Into<Arc<OpenOptions>>,
    ) -> Result<Self, SessionError> {
        let opening = Opening { host: host.clone(), actor, options: options.into() };
        let control = Arc::new(Control::new(host.clock.clone()));
        let sight = Arc::new(SyncSight::default());
        let connection = guarded(|| open(&opening, &control, &sight.counters))??;
        sight.sight().show(connection.mount().clone());
        host.executor.awoke();
        Ok(Self {
            statements: HashMap::new(),
            recorders: HashMap::new(),
            connection: Some(connection),
            opening,
            control,
            sight,
            dead: None,
            next_id: 0,
            durable: Ticket::ZERO,
            asked: Ticket::ZERO,
            failed: Arc::default(),
            hold_until_ns: 0,
            thread: PhantomData,
        })
    }

    /// What others may see of it.
    pub fn sight(&self) -> &Arc<SyncSight> {
        &self.sight
    }

    /// Whether it was not closed.
    pub fn is_open(&self) -> bool {
        self.connection.is_some()
    }

    /// Whether a transaction is open.
    pub fn in_transaction(&self) -> bool {
        self.connection.as_ref().is_some_and(Connection::in_transaction)
    }

    /// Waits until all that was answered is durable, whatever the durability of the session.
    pub fn wait_durable(&mut self) -> Result<(), SessionError> {
        self.call(|_| Ok(()))?;
        self.wait_for(self.ticket())
    }

    /// Drops statements and what is not committed, and gives the lease back, when all that was
    /// answered is durable. Does nothing the second time.
    pub fn close(&mut self) -> Result<(), SessionError> {
        let ticket = self.ticket();
        let statements = std::mem::take(&mut self.statements);
        let recorders = std::mem::take(&mut self.recorders);
        let Some(connection) = self.connection.take() else { return Ok(()) };
        self.opening.host.executor.let_go(false);
        // What panicked may do so again.
        let _ = catch_unwind(AssertUnwindSafe(move || {
            drop(statements);
            drop(recorders);
            drop(connection);
        }));
        self.wait_for(ticket)
    }

    fn ticket(&self) -> Ticket {
        self.connection.as_ref().map_or(Ticket::ZERO, Connection::ticket)
    }

    /// Runs one call, and answers when what it rests on is as durable as it must be.
    fn call<T>(
        &mut self,
        run: impl FnOnce(&mut Self) -> Result<T, Fault>,
    ) -> Result<T, SessionError> {
        if let Some(error) = self.failed.get() {
            self.dead.get_or_insert(error.clone().into());
        }
        if let Some(error) = &self.dead {
            return Err(error.clone());
        }
        let (host, options) = (&self.opening.host, &self.opening.options);
        let Some(connection) = &self.connection else { return Err(SessionError::Closed) };
        connection.mount().enter();
        self.control.begin();
        let started_ns = host.clock.monotonic_ns();
        if let Some(timeout_ms) = options.timeout_ms {
            let at_ns = started_ns.saturating_add(timeout_ms.saturating_mul(1_000_000));
            self.control.limit(at_ns, timeout_ms);
        }
        let result = guarded(|| run(self));
        let took_ns = self.opening.host.clock.monotonic_ns().saturating_sub(started_ns);
        self.sight.counters.duration_ns.add(took_ns);
        let result = match (result, &self.connection) {
            (Ok(result), Some(connection)) => connection.explained(result),
            (Ok(_), None) => Err(SessionError::Closed),
            (Err(panicked), _) => {
                self.dead = Some(panicked.clone());
                Err(panicked)
            }
        };
        if result.is_err() {
            self.sight.counters.errors.add(1);
            self.dead = self.dead.take().or_else(|| self.connection.as_ref()?.dead());
        }
        self.settle()?;
        result
    }

    /// Sees to the durability of what was read and committed so far.
    fn settle(&mut self) -> Result<(), SessionError> {
        let ticket = self.ticket();
        if ticket <= self.durable {
            return Ok(());
        }
        self.note_back_off();
        self.durable = self.opening.host.store.durable();
        if ticket <= self.durable {
            return Ok(());
        }
        match self.opening.options.durability {
            Durability::Strict => self.wait_for(ticket),
            Durability::Gated => {
                self.sync_in_background(ticket);
                Ok(())
            }
        }
    }

    fn wait_for(&mut self, ticket: Ticket) -> Result<(), SessionError> {
        if ticket > self.durable {
            let result = self.opening.host.store.wait_durable(ticket);
            if let Err(error) = result {
                let error = SessionError::Store(error);
                self.dead = Some(error.clone());
                return Err(error);
            }
            self.durable = ticket;
        }
        Ok(())
    }

    fn sync_in_background(&mut self, ticket: Ticket) {
        if ticket > self.asked {
            self.asked = ticket;
            let failed = Arc::clone(&self.failed);
            let note = move |result| {
                if let Err(error) = result {
                    let _ = failed.set(error);
                }
            };
            self.opening.host.store.on_durable(ticket, Box::new(note));
        }
    }

    /// After a commit for which the store asks to wait.
    fn note_back_off(&mut self) {
        let Some(connection) = &self.connection else { return };
        let back_off_us = connection.mount().take_back_off_us();
        if back_off_us > 0 {
            let now_ns = self.opening.host.clock.monotonic_ns();
            self.hold_until_ns = now_ns.saturating_add(u64::from(back_off_us) * 1000);
        }
    }

    /// Waits, if the store is behind, before something is written.
    fn back_off(&mut self) {
        let until_ns = std::mem::take(&mut self.hold_until_ns);
        if until_ns > 0 {
            let left_ns = until_ns.saturating_sub(self.opening.host.clock.monotonic_ns());
            thread::sleep(Duration::from_nanos(left_ns));
        }
    }

    fn connection(&mut self) -> Result<&mut Connection, Fault> {
        self.connection.as_mut().ok_or(Fault::Session(SessionError::Closed))
    }
}

impl Drop for SyncSession {
    fn drop(&mut self) {
        // Nobody is left to be told.
        let _ = self.close();
    }
}
