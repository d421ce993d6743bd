//! The functions of the addon for SQLite files: see `lib/export.ts`.

use std::sync::Arc;

use napi::bindgen_prelude::Uint8ArraySlice;
use napi::{Env, Result};
use napi_derive::napi;

use crate::admin;
use crate::connection::Connection;
use crate::exports::with;
use crate::snapshot::{Ask, Snapshot};
use crate::transfer::Reply;

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

fn reply(env: &Env, connection: &mut Connection, request: f64) -> Reply {
    connection.asked(env, 1);
    Reply::new(Arc::clone(&connection.port), request)
}
