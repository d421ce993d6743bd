//! The functions of the addon that answer at once. An answer is a value, an array, or an object: a
//! failed call's is an `ErrorPayload`, which has a `kind`.

use std::path::PathBuf;
use std::rc::Rc;

use actor_sqlite_session::{SessionError, SyncPrepared, SyncSession};
use napi::bindgen_prelude::{Array, ToNapiValue};
use napi::{Env, JsValue, Result, sys};
use napi_derive::napi;

use super::SyncDatabase;
use super::rows::{Cells, Raw};
use super::values;
use crate::encode::Integers;
use crate::error::{ErrorPayload, Outcome};
use crate::exports::with;
use crate::metrics::DatabaseMetrics;
use crate::options::{NativeDatabaseOptions, NativeStorageOptions};
use crate::settings::StoreSettings;
use crate::store::StoreRef;
use crate::words::malformed;

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
    let kept = match opened {
        Ok(database) => with(connection, |it| it.sync.insert(database))?
            .ok_or_else(|| Box::new(ErrorPayload::internal("too many databases"))),
        Err(error) => Err(error),
    };
    answer(&env, kept.map(|handle| handle as f64))
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

/// Compiles a text: number, whether it returns rows, whether it only reads; or the number of
/// statements where that is not one: 0, or 2 for any other.
#[napi(catch_unwind, ts_return_type = "unknown")]
pub fn sync_prepare(env: Env, connection: f64, database: f64, sql: String) -> Result<Raw> {
    let prepared = call(connection, database, |_, session| {
        let prepared = session.prepare(&sql)?;
        let names = match &prepared {
            SyncPrepared::One(statement) => session.parameters(statement.id).to_vec(),
            SyncPrepared::Nothing | SyncPrepared::Several => Vec::new(),
        };
        Ok((prepared, names))
    })?;
    let (prepared, names) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => return failure(&env, error),
    };
    match prepared {
        SyncPrepared::Nothing => answer(&env, Ok(0.0)),
        SyncPrepared::Several => answer(&env, Ok(2.0)),
        SyncPrepared::One(statement) => {
            let mut out = env.create_array(4)?;
            out.set(0, statement.id as f64)?;
            out.set(1, statement.reader)?;
            out.set(2, statement.readonly)?;
            out.set(3, names)?;
            Ok(Raw(out.raw()))
        }
    }
}

/// Lets a statement go.
#[napi(catch_unwind)]
pub fn sync_finalize(connection: f64, database: f64, statement: f64) -> Result<()> {
    let found = with(connection, |it| it.sync.get(database as u64).cloned())?;
    if let Some(database) = found {
        // In the middle of a call, it goes with the database.
        let _ = database.with(|session| {
            session.finalize(statement as u64);
            Ok(())
        });
    }
    Ok(())
}

/// The columns of a statement: name, column, table, database and type of each.
#[napi(catch_unwind, ts_return_type = "unknown")]
pub fn sync_columns(env: Env, connection: f64, database: f64, statement: f64) -> Result<Raw> {
    let columns = call(connection, database, |_, session| session.columns(statement as u64))?;
    let columns = columns.map(|columns| {
        let facts = columns.into_iter().flat_map(|column| {
            let facts = [column.column, column.table, column.database, column.declared_type];
            [Some(column.name)].into_iter().chain(facts)
        });
        facts.collect::<Vec<_>>()
    });
    answer(&env, columns)
}

/// Binds values for good.
#[napi(catch_unwind, ts_return_type = "unknown")]
pub fn sync_bind(
    env: Env,
    connection: f64,
    database: f64,
    statement: f64,
    values: Array<'_>,
) -> Result<Raw> {
    let bound = run(connection, database, Some(values), |session, params| {
        session.bind(statement as u64, params.unwrap_or_default())
    })?;
    answer(&env, bound)
}

/// Runs a statement: the number of changed rows, and the rowid of the last insert.
#[napi(catch_unwind, ts_return_type = "unknown")]
pub fn sync_run(
    env: Env,
    connection: f64,
    database: f64,
    statement: f64,
    values: Option<Array<'_>>,
    integers: f64,
) -> Result<Raw> {
    let integers = mode(integers)?;
    let ran =
        run(connection, database, values, |session, params| session.run(statement as u64, params))?;
    let changes = match ran {
        Ok(changes) => changes,
        Err(error) => return failure(&env, error),
    };
    // A rowid is never worth an error: the statement has run.
    let integers = if integers == Integers::Number { Integers::Auto } else { integers };
    let mut out = env.create_array(2)?;
    out.set(0, changes.changes as f64)?;
    if let Some(rowid) = values::integer_to_js(&env, changes.last_insert_rowid, integers)? {
        out.set(1, Raw(rowid))?;
    }
    Ok(Raw(out.raw()))
}

/// Runs a statement, and hands over its cells up to a number of rows: an array, or where that is
/// not all an object. `shape`: which columns the facade knows.
#[napi(catch_unwind, ts_return_type = "unknown")]
#[allow(clippy::too_many_arguments, reason = "an object would cost more than the call")]
pub fn sync_rows(
    env: Env,
    connection: f64,
    database: f64,
    statement: f64,
    values: Option<Array<'_>>,
    integers: f64,
    shape: f64,
    rows_max: f64,
) -> Result<Raw> {
    let rows_max = if rows_max > 0.0 { rows_max as usize } else { usize::MAX };
    let mut cells = Cells::new(&env, mode(integers)?, shape as u64, rows_max)?;
    let ran = run(connection, database, values, |session, params| {
        session.rows(statement as u64, params, &mut cells)
    })?;
    match ran {
        Ok(()) if cells.is_empty() => Ok(Raw(undefined(&env)?)),
        Ok(()) => cells.finish().map(Raw),
        Err(error) => failure(&env, error),
    }
}

/// Begins to read the rows of a statement one by one.
#[napi(catch_unwind, ts_return_type = "unknown")]
pub fn sync_open_rows(
    env: Env,
    connection: f64,
    database: f64,
    statement: f64,
    values: Option<Array<'_>>,
) -> Result<Raw> {
    let opened = run(connection, database, values, |session, params| {
        session.open_rows(statement as u64, params)
    })?;
    answer(&env, opened)
}

/// Reads the next row; nothing after the last.
#[napi(catch_unwind, ts_return_type = "unknown")]
pub fn sync_next_row(
    env: Env,
    connection: f64,
    database: f64,
    statement: f64,
    integers: f64,
    shape: f64,
) -> Result<Raw> {
    let mut cells = Cells::new(&env, mode(integers)?, shape as u64, 1)?;
    let stepped =
        call(connection, database, |_, session| session.next_row(statement as u64, &mut cells))?;
    match stepped {
        Ok(true) => cells.finish().map(Raw),
        Ok(false) => Ok(Raw(undefined(&env)?)),
        Err(error) => failure(&env, error),
    }
}

/// Ends the reading of rows before its end.
#[napi(catch_unwind, ts_return_type = "unknown")]
pub fn sync_close_rows(env: Env, connection: f64, database: f64, statement: f64) -> Result<Raw> {
    let closed = call(connection, database, |_, session| session.close_rows(statement as u64))?;
    answer(&env, closed)
}

/// Runs all statements of a text.
#[napi(catch_unwind, ts_return_type = "unknown")]
pub fn sync_exec(env: Env, connection: f64, database: f64, sql: String) -> Result<Raw> {
    let ran = call(connection, database, |_, session| session.exec(&sql))?;
    answer(&env, ran)
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

fn mode(integers: f64) -> Result<Integers> {
    Integers::of(integers as u64).ok_or_else(|| malformed("holds an unknown integer mode"))
}

/// Makes a call. The environment's tables are free meanwhile: SQLite may call JavaScript.
fn call<T>(
    connection: f64,
    database: f64,
    use_it: impl FnOnce(&Rc<SyncDatabase>, &mut SyncSession) -> std::result::Result<T, SessionError>,
) -> Result<Outcome<T>> {
    let found = with(connection, |it| it.sync.get(database as u64).cloned())?;
    Ok(match found {
        Some(database) => database.with(|session| use_it(&database, session)),
        None => Err(Box::new(ErrorPayload::closed("database"))),
    })
}

/// Makes a call with values.
fn run<T>(
    connection: f64,
    database: f64,
    values: Option<Array<'_>>,
    use_it: impl FnOnce(
        &mut SyncSession,
        Option<actor_sqlite_session::Params>,
    ) -> std::result::Result<T, SessionError>,
) -> Result<Outcome<T>> {
    let found = with(connection, |it| it.sync.get(database as u64).cloned())?;
    let Some(database) = found else { return Ok(Err(Box::new(ErrorPayload::closed("database")))) };
    let params = values::params(values, database.reals)?;
    Ok(database.with(|session| use_it(session, params)))
}

fn answer<T: ToNapiValue>(env: &Env, outcome: Outcome<T>) -> Result<Raw> {
    match outcome {
        // SAFETY: `env` is alive and this is its thread.
        Ok(value) => unsafe { T::to_napi_value(env.raw(), value) }.map(Raw),
        Err(error) => failure(env, error),
    }
}

fn failure(env: &Env, error: Box<ErrorPayload>) -> Result<Raw> {
    // SAFETY: as above.
    unsafe { ErrorPayload::to_napi_value(env.raw(), *error) }.map(Raw)
}

fn undefined(env: &Env) -> Result<sys::napi_value> {
    // SAFETY: as above.
    unsafe { <()>::to_napi_value(env.raw(), ()) }
}
