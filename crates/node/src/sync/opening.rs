//! The functions of the addon that open and close synchronous databases, and look at them.

use std::path::PathBuf;
use std::rc::Rc;

use napi::bindgen_prelude::Uint8Array;
use napi::{Env, Result};
use napi_derive::napi;

use super::SyncDatabase;
use super::answer::{Raw, answer, call};
use crate::error::{ErrorPayload, Outcome};
use crate::exports::with;
use crate::metrics::DatabaseMetrics;
use crate::options::{NativeDatabaseOptions, NativeStorageOptions};
use crate::settings::StoreSettings;
use crate::store::StoreRef;

/// Opens a store, and waits for that; the answer is its handle.
#[napi(catch_unwind, ts_return_type = "unknown")]
pub fn sync_open_storage(env: Env, connection: f64, options: NativeStorageOptions) -> Result<Raw> {
    let settings = StoreSettings::from(&options);
    let opened = StoreRef::open(&PathBuf::from(options.path), &settings);
    let kept = match opened {
        Ok(store) => with(connection, |connection| connection.stores.insert(store))?
            .ok_or_else(|| Box::new(ErrorPayload::internal("too many storages"))),
        Err(error) => Err(error),
    };
    answer(&env, kept.map(|handle| handle as f64))
}

/// Gives a store up, and waits for that.
#[napi(catch_unwind)]
pub fn sync_close_storage(connection: f64, storage: f64) -> Result<()> {
    if let Some(store) = with(connection, |it| it.stores.remove(storage as u64))? {
        store.close();
    }
    Ok(())
}

/// Opens a database, and waits for that; the answer is its handle. With `reals`, numbers are bound
/// as REAL, whole or not.
#[napi(catch_unwind, ts_return_type = "unknown")]
pub fn sync_open(
    env: Env,
    connection: f64,
    storage: f64,
    options: NativeDatabaseOptions,
    reals: bool,
) -> Result<Raw> {
    let store = with(connection, |it| it.stores.get(storage as u64).cloned())?;
    let opened = store
        .ok_or_else(|| Box::new(ErrorPayload::closed("storage")))
        .and_then(|store| options.check().map(|(actor, options)| (store, actor, options)))
        .and_then(|(store, actor, options)| SyncDatabase::open(&store, actor, options, reals));
    keep(&env, connection, opened)
}

/// Opens a database in memory, empty or with the bytes of a SQLite file; the answer is its handle.
#[napi(catch_unwind, ts_return_type = "unknown")]
pub fn sync_open_memory(
    env: Env,
    connection: f64,
    options: NativeDatabaseOptions,
    reals: bool,
    file: Option<Uint8Array>,
) -> Result<Raw> {
    let opened = options.check().and_then(|(actor, options)| {
        SyncDatabase::in_memory(actor, options, reals, file.as_deref())
    });
    keep(&env, connection, opened)
}

fn keep(env: &Env, connection: f64, opened: Outcome<Rc<SyncDatabase>>) -> Result<Raw> {
    let kept = match opened {
        Ok(database) => with(connection, |it| it.sync.insert(database))?
            .ok_or_else(|| Box::new(ErrorPayload::internal("too many databases"))),
        Err(error) => Err(error),
    };
    answer(env, kept.map(|handle| handle as f64))
}

/// Closes a database, when all that was answered is durable.
#[napi(catch_unwind, ts_return_type = "unknown")]
pub fn sync_close(env: Env, connection: f64, database: f64) -> Result<Raw> {
    let closed = call(connection, database, |_, session| session.close())?;
    if !is_busy(&closed) {
        with(connection, |it| drop(it.sync.remove(database as u64)))?;
    }
    answer(&env, closed)
}

fn is_busy(outcome: &Outcome<()>) -> bool {
    matches!(outcome, Err(error) if error.code == "ERR_BUSY")
}

/// Waits until all that was answered is durable.
#[napi(catch_unwind, ts_return_type = "unknown")]
pub fn sync_durable(env: Env, connection: f64, database: f64) -> Result<Raw> {
    let waited = call(connection, database, |_, session| session.wait_durable())?;
    answer(&env, waited)
}

/// Whether a transaction is open.
#[napi(catch_unwind)]
pub fn sync_in_transaction(connection: f64, database: f64) -> Result<bool> {
    with(connection, |it| {
        it.sync.get(database as u64).is_some_and(|database| database.in_transaction())
    })
}

/// The counters of a database.
#[napi(catch_unwind)]
pub fn sync_metrics(connection: f64, database: f64) -> Result<DatabaseMetrics> {
    with(connection, |it| {
        it.sync.get(database as u64).map(|database| database.metrics()).unwrap_or_default()
    })
}
