//! The functions of the addon. All but `connect` name their environment's connection, and what
//! cannot be answered at once is answered through it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use actor_sqlite_session::{Action, Command, Reply, SessionError, Want};
use napi::bindgen_prelude::{Array, Function, Unknown};
use napi::{Env, Error, Result, Status};
use napi_derive::napi;

use crate::admin::{self, Fact, NativeDamage, NativeList};
use crate::connection::{self, Connection};
use crate::database::Database;
use crate::decode;
use crate::encode::{Drained, Envelope, Outcome};
use crate::error::{self, ErrorPayload};
use crate::metrics::{DatabaseMetrics, StorageMetrics};
use crate::options::{NativeDatabaseOptions, NativeStorageOptions};
use crate::port::Port;
use crate::questions;
use crate::settings::StoreSettings;
use crate::store::{Opened, Store, StoreRef, live_stores};
use crate::transfer::Stopped;
use crate::words::Words;

/// Connects the environment; `callback` is called with all replies that are ready.
#[napi(catch_unwind, ts_args_type = "callback: (replies: unknown[]) => void")]
pub fn connect(env: Env, callback: Function<'_, Drained, Unknown<'static>>) -> Result<f64> {
    let handle = connection::add(|handle| Port::new(&callback, handle))?;
    env.add_env_cleanup_hook(handle, |handle| {
        // Nothing may unwind into the environment's end.
        let _ = catch_unwind(|| connection::remove(handle));
    })?;
    Ok(handle as f64)
}

/// Sends the commands of a buffer, all or, if it is malformed, none.
#[napi(catch_unwind, ts_args_type = "connection: number, words: Float64Array, objects: unknown[]")]
pub fn submit(env: Env, connection: f64, words: &[f64], objects: Array<'_>) -> Result<()> {
    let mut words = Words::new(words, &objects);
    let mut requests = Vec::new();
    while !words.is_end() {
        requests.push(decode::request(&mut words)?);
    }
    with(connection, |connection| {
        connection.asked(&env, requests.len());
        let mut requests = requests.into_iter().peekable();
        while let Some(first) = requests.next() {
            let database = first.database;
            let mut run = vec![prepared(connection, first)];
            while let Some(next) = requests.next_if(|next| next.database == database) {
                run.push(prepared(connection, next));
            }
            match connection.databases.get(database) {
                Some(database) => database.session().submit_all(run),
                None => run.into_iter().for_each(|(_, reply)| reply(Err(SessionError::Closed))),
            }
        }
    })
}

fn prepared(connection: &Connection, request: decode::Request) -> (Command, Reply) {
    let port = Arc::clone(&connection.port);
    let decode::Request { command, integers, database } = request;
    let parts = matches!(command.action, Action::Execute { want: Want::All, .. });
    let id = command.id;
    let reply = move |answer| {
        let envelope = Envelope::of(id, Outcome::Answer(answer));
        port.send(Envelope { database, integers, parts, ..envelope });
    };
    (command, Box::new(reply))
}

/// Opens a store; the reply is its handle.
#[napi(catch_unwind)]
pub fn open_storage(
    env: Env,
    connection: f64,
    request: f64,
    options: NativeStorageOptions,
) -> Result<()> {
    let settings = StoreSettings::from(&options);
    let path = PathBuf::from(options.path);
    aside(&env, connection, request, move || {
        Outcome::Opened(StoreRef::open(&path, &settings).map(Opened::Store))
    })
}

/// Lists databases of a namespace; the reply is their names, in the order of their bytes.
#[napi(catch_unwind)]
pub fn list_databases(
    env: Env,
    connection: f64,
    request: f64,
    storage: f64,
    which: NativeList,
) -> Result<()> {
    about(&env, connection, request, storage, move |store| admin::list(store, &which))
}

/// Whether there is a database; the reply is a boolean.
#[napi(catch_unwind)]
pub fn database_exists(
    env: Env,
    connection: f64,
    request: f64,
    storage: f64,
    namespace: String,
    actor: String,
) -> Result<()> {
    about(&env, connection, request, storage, move |store| {
        admin::exists(store, &admin::actor_id(&namespace, &actor)?)
    })
}

/// Deletes a database, whoever has it open; the reply is whether there was one, when none is there for
/// good.
#[napi(catch_unwind)]
pub fn delete_database(
    env: Env,
    connection: f64,
    request: f64,
    storage: f64,
    namespace: String,
    actor: String,
) -> Result<()> {
    about(&env, connection, request, storage, move |store| {
        admin::delete(store, &admin::actor_id(&namespace, &actor)?)
    })
}

/// Looks a database up; the reply is a `NativeStat`, or nothing.
#[napi(catch_unwind)]
pub fn stat_database(
    env: Env,
    connection: f64,
    request: f64,
    storage: f64,
    namespace: String,
    actor: String,
) -> Result<()> {
    about(&env, connection, request, storage, move |store| {
        admin::stat(store, &admin::actor_id(&namespace, &actor)?)
    })
}

/// Reads every row of a database and checks every checksum; the reply is a `NativeVerify`.
#[napi(catch_unwind)]
pub fn verify_database(
    env: Env,
    connection: f64,
    request: f64,
    storage: f64,
    namespace: String,
    actor: String,
) -> Result<()> {
    about(&env, connection, request, storage, move |store| {
        admin::verify(store, &admin::actor_id(&namespace, &actor)?)
    })
}

/// What all databases of a namespace store; the reply is a number of bytes.
#[napi(catch_unwind)]
pub fn namespace_usage(
    env: Env,
    connection: f64,
    request: f64,
    storage: f64,
    namespace: String,
) -> Result<()> {
    about(&env, connection, request, storage, move |store| admin::usage(store, &namespace))
}

/// Limits what all databases of a namespace store together; without a number there is no limit.
#[napi(catch_unwind)]
pub fn set_namespace_quota(
    connection: f64,
    storage: f64,
    namespace: String,
    quota_bytes: Option<f64>,
) -> Result<()> {
    with(connection, |connection| {
        if let Some(store) = connection.stores.get(storage as u64) {
            let quota_bytes = quota_bytes.map(|bytes| bytes as u64);
            store.store().engine().set_namespace_quota(&namespace, quota_bytes);
        }
    })
}

/// Damaged rows that the scrubber of a store has found.
#[napi(catch_unwind)]
pub fn storage_damage(connection: f64, storage: f64) -> Result<Vec<NativeDamage>> {
    with(connection, |connection| {
        let store = connection.stores.get(storage as u64);
        store.map(|store| store.store().damage()).unwrap_or_default()
    })
}

/// Gives a store up; the reply comes when that is done.
#[napi(catch_unwind)]
pub fn close_storage(env: Env, connection: f64, request: f64, storage: f64) -> Result<()> {
    let (store, transfers) = with(connection, |connection| {
        (connection.stores.remove(storage as u64), connection.stop_transfers(Some(storage as u64)))
    })?;
    aside(&env, connection, request, move || {
        transfers.into_iter().for_each(Stopped::wait);
        if let Some(store) = store {
            store.close();
        }
        Outcome::Done
    })
}

/// Gives a store up that nobody waits for.
#[napi(catch_unwind)]
pub fn release_storage(connection: f64, storage: f64) -> Result<()> {
    with(connection, |connection| {
        drop(connection.stop_transfers(Some(storage as u64)));
        drop(connection.stores.remove(storage as u64));
    })
}

/// Opens a database; the reply is its handle.
#[napi(catch_unwind)]
pub fn open_database(
    env: Env,
    connection: f64,
    request: f64,
    storage: f64,
    options: NativeDatabaseOptions,
) -> Result<()> {
    with(connection, |connection| {
        connection.asked(&env, 1);
        let port = Arc::clone(&connection.port);
        let done = move |opened: error::Outcome<Database>| {
            let outcome = Outcome::Opened(opened.map(Opened::Database));
            port.send(Envelope::of(request as u64, outcome));
        };
        match (connection.stores.get(storage as u64), options.check()) {
            (Some(store), Ok((actor, options))) => Database::open(store, actor, options, done),
            (None, _) => done(Err(Box::new(ErrorPayload::closed("storage")))),
            (_, Err(error)) => done(Err(error)),
        }
    })
}

/// Lets a database's handle go. If it was not closed, it is closed now and nobody waits for it.
#[napi(catch_unwind)]
pub fn release_database(connection: f64, database: f64) -> Result<()> {
    with(connection, |connection| drop(connection.databases.remove(database as u64)))
}

/// Interrupts a request of a database, or what runs now.
#[napi(catch_unwind)]
pub fn interrupt(connection: f64, database: f64, request: Option<f64>) -> Result<()> {
    let found = with(connection, |connection| {
        connection.databases.get(database as u64).map(|database| database.session().clone())
    })?;
    if let Some(session) = found {
        session.interrupt(request.map(|id| id as u64));
    }
    Ok(())
}

/// Whether a transaction is open.
#[napi(catch_unwind)]
pub fn in_transaction(connection: f64, database: f64) -> Result<bool> {
    with(connection, |connection| {
        let database = connection.databases.get(database as u64);
        database.is_some_and(|database| database.session().in_transaction())
    })
}

/// A database's counters.
#[napi(catch_unwind)]
pub fn database_metrics(connection: f64, database: f64) -> Result<DatabaseMetrics> {
    with(connection, |connection| {
        let database = connection.databases.get(database as u64);
        database.map(Database::metrics).unwrap_or_default()
    })
}

/// A store's counters.
#[napi(catch_unwind)]
pub fn storage_metrics(connection: f64, storage: f64) -> Result<StorageMetrics> {
    with(connection, |connection| {
        let store = connection.stores.get(storage as u64);
        store.map(|store| store.store().metrics()).unwrap_or_default()
    })
}

/// The counters of all live stores of the process.
#[napi(catch_unwind)]
pub fn process_metrics() -> Vec<StorageMetrics> {
    live_stores().iter().map(|store| store.metrics()).collect()
}

pub(crate) fn with<R>(connection: f64, use_it: impl FnOnce(&mut Connection) -> R) -> Result<R> {
    connection::with(connection as u64, use_it)
        .ok_or_else(|| Error::new(Status::InvalidArg, "the environment is closing"))
}

/// Answers a question about a store, on another thread.
fn about(
    env: &Env,
    connection: f64,
    request: f64,
    storage: f64,
    question: impl FnOnce(&Store) -> error::Outcome<Fact> + Send + 'static,
) -> Result<()> {
    let store = with(connection, |connection| connection.stores.get(storage as u64).cloned())?;
    let job = job(env, connection, request, move || {
        let closed = || Box::new(ErrorPayload::closed("storage"));
        Outcome::Fact(store.ok_or_else(closed).and_then(|store| question(store.store())))
    })?;
    questions::ask(job);
    Ok(())
}

/// Runs what blocks for long on a thread of its own, and answers with what comes of it.
fn aside(
    env: &Env,
    connection: f64,
    request: f64,
    work: impl FnOnce() -> Outcome + Send + 'static,
) -> Result<()> {
    thread::spawn(job(env, connection, request, work)?);
    Ok(())
}

/// Work that answers with what comes of it, for another thread.
fn job<W: FnOnce() -> Outcome + Send + 'static>(
    env: &Env,
    connection: f64,
    request: f64,
    work: W,
) -> Result<impl FnOnce() + Send + use<W>> {
    with(connection, |connection| {
        connection.asked(env, 1);
        let port = Arc::clone(&connection.port);
        move || {
            let outcome = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
                Outcome::Opened(Err(Box::new(ErrorPayload::internal(crate::panic_text(&*panic)))))
            });
            port.send(Envelope::of(request as u64, outcome));
        }
    })
}
