//! The functions of the addon for SQLite files: see `lib/export.ts` and `lib/import.ts`.

use std::sync::Arc;

use actor_sqlite_session::ImportOptions;
use napi::bindgen_prelude::Uint8ArraySlice;
use napi::{Env, Result};
use napi_derive::napi;

use crate::admin;
use crate::connection::Connection;
use crate::exports::with;
use crate::import::{self, Tell};
use crate::snapshot::{Ask, Snapshot};
use crate::transfer::Reply;

/// Of `openImport`.
#[napi(object)]
#[derive(Debug)]
pub struct NativeImportOptions {
    /// Of the actor.
    pub namespace: String,
    /// Whose database.
    pub actor: String,
    /// Who imports, for people.
    pub owner: String,
    /// Replace the database that is there.
    pub overwrite: bool,
}

/// Opens a snapshot of the newest committed state of a database. Answers its handle, 0 if there is
/// none; the reply is a `NativeSnapshot` once the state is durable.
#[napi(catch_unwind)]
pub fn open_snapshot(
    env: Env,
    connection: f64,
    request: f64,
    storage: f64,
    namespace: String,
    actor: String,
) -> Result<f64> {
    with(connection, |connection| {
        let reply = reply(&env, connection, request);
        let Some(store) = connection.stores.get(storage as u64).cloned() else { return 0.0 };
        let actor = match admin::actor_id(&namespace, &actor) {
            Ok(actor) => actor,
            Err(error) => {
                reply.fact(Err(error));
                return 0.0;
            }
        };
        let snapshot = Snapshot::open(storage as u64, store, actor, reply);
        connection.snapshots.insert(snapshot).map_or(0.0, |handle| handle as f64)
    })
}

/// Reads pages of a snapshot, from `first` on; the reply is their number of bytes, which
/// `take_snapshot` gives out.
#[napi(catch_unwind)]
pub fn read_snapshot(
    env: Env,
    connection: f64,
    request: f64,
    snapshot: f64,
    first: u32,
    count: u32,
) -> Result<()> {
    with(connection, |connection| {
        let reply = reply(&env, connection, request);
        if let Some(snapshot) = connection.snapshots.get(snapshot as u64) {
            snapshot.transfer.send(Ask::Read(first, count, reply));
        }
    })
}

/// Copies what was read last to the start of `into`. Answers how many bytes that are.
#[napi(catch_unwind, ts_args_type = "connection: number, snapshot: number, into: Uint8Array")]
pub fn take_snapshot(connection: f64, snapshot: f64, mut into: Uint8ArraySlice<'_>) -> Result<f64> {
    with(connection, |connection| {
        let snapshot = connection.snapshots.get(snapshot as u64);
        // SAFETY: JavaScript stands still during this call, nothing here calls it, and the facade
        // gives a buffer that it has made itself and shares with no other thread.
        let into = unsafe { into.as_mut() };
        snapshot.map_or(0.0, |snapshot| snapshot.take(into) as f64)
    })
}

/// Closes a snapshot; the reply comes when it holds nothing any more.
#[napi(catch_unwind)]
pub fn close_snapshot(env: Env, connection: f64, request: f64, snapshot: f64) -> Result<()> {
    with(connection, |connection| {
        let reply = reply(&env, connection, request);
        match connection.snapshots.remove(snapshot as u64) {
            Some(snapshot) => snapshot.transfer.send(Ask::Close(reply)),
            None => reply.done(),
        }
    })
}

/// Begins an import. Answers its handle, 0 if there is none; the reply comes when there is nothing
/// against it.
#[napi(catch_unwind)]
pub fn open_import(
    env: Env,
    connection: f64,
    request: f64,
    storage: f64,
    options: NativeImportOptions,
) -> Result<f64> {
    with(connection, |connection| {
        let reply = reply(&env, connection, request);
        let Some(store) = connection.stores.get(storage as u64).cloned() else { return 0.0 };
        let actor = match admin::actor_id(&options.namespace, &options.actor) {
            Ok(actor) => actor,
            Err(error) => {
                reply.fact(Err(error));
                return 0.0;
            }
        };
        let options = ImportOptions { owner: options.owner, overwrite: options.overwrite };
        let import = import::begin(storage as u64, store, actor, options, reply);
        connection.imports.insert(import).map_or(0.0, |handle| handle as f64)
    })
}

/// Hands the next bytes of the file over; the reply comes when more may follow.
#[napi(
    catch_unwind,
    ts_args_type = "connection: number, request: number, handle: number, bytes: Uint8Array"
)]
pub fn write_import(
    env: Env,
    connection: f64,
    request: f64,
    handle: f64,
    bytes: &[u8],
) -> Result<()> {
    tell(&env, connection, request, handle, |reply| Tell::Write(bytes.to_vec(), reply))
}

/// Ends the file; the reply is a `NativeImported` once it is the database.
#[napi(catch_unwind)]
pub fn finish_import(env: Env, connection: f64, request: f64, handle: f64) -> Result<()> {
    tell(&env, connection, request, handle, Tell::Finish)
}

/// Gives up an import that was not finished, at once; the reply comes when nothing of it is left.
#[napi(catch_unwind)]
pub fn close_import(env: Env, connection: f64, request: f64, handle: f64) -> Result<()> {
    with(connection, |connection| {
        let reply = reply(&env, connection, request);
        match connection.imports.remove(handle as u64) {
            Some(import) => import.send(Tell::Close(reply)),
            None => reply.done(),
        }
    })
}

fn tell(
    env: &Env,
    connection: f64,
    request: f64,
    handle: f64,
    message: impl FnOnce(Reply) -> Tell,
) -> Result<()> {
    with(connection, |connection| {
        let reply = reply(env, connection, request);
        if let Some(import) = connection.imports.get(handle as u64) {
            import.send(message(reply));
        }
    })
}

fn reply(env: &Env, connection: &mut Connection, request: f64) -> Reply {
    connection.asked(env, 1);
    Reply::new(Arc::clone(&connection.port), request)
}
