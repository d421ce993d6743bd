//! What one JavaScript environment holds: its port, its handles, and what its facade knows.
//!
//! Everything here belongs to the environment's own thread. Its end empties it, so that a terminated
//! Worker or a `process.exit` with open handles leaves nothing behind.

use std::cell::RefCell;
use std::collections::{HashSet, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actor_sqlite_session::{Action, Command, CursorId};
use napi::Env;

use crate::database::Database;
use crate::encode::Envelope;
use crate::import::Tell;
use crate::port::Port;
use crate::snapshot::Snapshot;
use crate::store::{self, Opened, StoreRef};
use crate::sync::SyncDatabase;
use crate::table::Table;
use crate::transfer::{Stopped, Transfer};

/// How many shapes a facade caches before all are forgotten: a bound for programs that make up
/// ever new statements.
const SHAPES_MAX: usize = 4096;

/// The connections of all environments.
static LIVE: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static CONNECTIONS: RefCell<Table<Connection>> = const { RefCell::new(Table::new()) };
}

/// One loading of the facade in one environment.
pub struct Connection {
    /// The way back.
    pub port: Arc<Port>,
    /// Databases by handle.
    pub databases: Table<Database>,
    /// Databases of synchronous calls by handle. Shared with the call that is under way.
    pub sync: Table<Rc<SyncDatabase>>,
    /// Storages by handle.
    pub stores: Table<StoreRef>,
    /// Snapshots by handle.
    pub snapshots: Table<Snapshot>,
    /// Imports by handle.
    pub imports: Table<Transfer<Tell>>,
    shapes: HashSet<u64>,
    in_flight: usize,
}

/// Whether a facade knows a shape.
pub enum Learned {
    /// It does.
    Known,
    /// It must be told.
    New,
    /// It must forget all shapes, and then be told.
    AfterForgetting,
}

/// Keeps a new connection, whose port must know its handle.
pub fn add(port: impl FnOnce(u64) -> napi::Result<Port>) -> napi::Result<u64> {
    CONNECTIONS.with_borrow_mut(|connections| {
        let handle = connections.next_handle();
        let connection = Connection {
            port: Arc::new(port(handle)?),
            databases: Table::new(),
            sync: Table::new(),
            stores: Table::new(),
            snapshots: Table::new(),
            imports: Table::new(),
            shapes: HashSet::new(),
            in_flight: 0,
        };
        LIVE.fetch_add(1, Ordering::SeqCst);
        connections
            .insert(connection)
            .ok_or_else(|| napi::Error::from_reason("too many connections in this environment"))
    })
}

/// Uses a connection of this thread.
pub fn with<R>(handle: u64, use_it: impl FnOnce(&mut Connection) -> R) -> Option<R> {
    CONNECTIONS.with_borrow_mut(|connections| connections.get_mut(handle).map(use_it))
}

/// Takes a connection down with all it holds: at the end of the environment.
pub fn remove(handle: u64) {
    let connection = CONNECTIONS.with_borrow_mut(|connections| connections.remove(handle));
    drop(connection);
}

/// The end of an environment comes here by two ways: its cleanup hook calls [`remove`], or, as Node
/// runs no hooks at `process.exit` and after an uncaught exception, the C library destroys what
/// belongs to the main thread. That is before it destroys RocksDB's static objects, which the threads
/// of a store must not meet; so both ways wait for all threads.
impl Drop for Connection {
    fn drop(&mut self) {
        // Those that use a store first: it is given up only when nobody does.
        let transfers = self.stop_transfers(None);
        let mut all_free = true;
        for database in self.sync.drain() {
            all_free &= database.abandon();
        }
        let abandoned: Vec<_> = self.databases.drain().into_iter().map(Database::abandon).collect();
        for database in abandoned {
            database.wait();
        }
        transfers.into_iter().for_each(Stopped::wait);
        for store in self.stores.drain() {
            store.close();
        }
        // Those of Workers have ended by now if the process does.
        if LIVE.fetch_sub(1, Ordering::SeqCst) == 1 && all_free {
            store::wait_for_all();
        }
    }
}

impl Connection {
    /// Tells the transfers of a storage to end, or all of them.
    pub fn stop_transfers(&mut self, storage: Option<u64>) -> Vec<Stopped> {
        let of = |other: u64| storage.is_none_or(|storage| storage == other);
        let snapshots = self.snapshots.remove_where(|snapshot| of(snapshot.transfer.storage));
        let imports = self.imports.remove_where(|import| of(import.storage));
        let snapshots = snapshots.into_iter().map(|snapshot| snapshot.transfer.stop());
        snapshots.chain(imports.into_iter().map(Transfer::stop)).collect()
    }

    /// Counts requests that will be answered; the first keeps the event loop alive.
    pub fn asked(&mut self, env: &Env, requests: usize) {
        if self.in_flight == 0 && requests > 0 {
            self.port.hold(env, true);
        }
        self.in_flight += requests;
    }
}

/// Counts requests that are answered, and takes back what was not drained. The last one lets the
/// event loop end.
pub fn answered(env: &Env, handle: u64, replies: usize, rest: VecDeque<Envelope>) {
    with(handle, |connection| {
        if !rest.is_empty() {
            connection.port.put_back(rest);
        }
        let was_busy = connection.in_flight > 0;
        connection.in_flight = connection.in_flight.saturating_sub(replies);
        if was_busy && connection.in_flight == 0 {
            connection.port.hold(env, false);
        }
    });
}

/// Keeps what was opened and names it by a handle.
pub fn keep(handle: u64, opened: Opened) -> Option<u64> {
    with(handle, |connection| match opened {
        Opened::Store(store) => connection.stores.insert(store),
        Opened::Database(database) => connection.databases.insert(database),
    })
    .flatten()
}

/// Closes a cursor that JavaScript will not hear of.
pub fn close_cursor(handle: u64, database: u64, cursor: CursorId) {
    let action = Action::CloseCursor(cursor);
    let close = Command { id: u64::MAX, action, transaction: None, timeout_ms: None };
    with(handle, |connection| {
        if let Some(database) = connection.databases.get(database) {
            database.session().submit(close, Box::new(drop));
        }
    });
}

/// Takes the facade to know no shape: it is told anew.
pub fn forget_shapes(handle: u64) {
    with(handle, |connection| connection.shapes.clear());
}

/// Notes that the facade is about to be told a shape.
pub fn learn_shape(handle: u64, shape: u64) -> Learned {
    with(handle, |connection| {
        if connection.shapes.contains(&shape) {
            return Learned::Known;
        }
        let forget = connection.shapes.len() >= SHAPES_MAX;
        if forget {
            connection.shapes.clear();
        }
        connection.shapes.insert(shape);
        if forget { Learned::AfterForgetting } else { Learned::New }
    })
    .unwrap_or(Learned::New)
}
