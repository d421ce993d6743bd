//! The functions of the addon that run statements and answer at once.

use actor_sqlite_session::SyncPrepared;
use napi::bindgen_prelude::Array;
use napi::{Env, JsValue, Result};
use napi_derive::napi;

use super::answer::{Raw, answer, call, failure, run, undefined};
use super::rows::Cells;
use super::values;
use crate::encode::Integers;
use crate::error::Outcome;
use crate::exports::with;
use crate::words::malformed;

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
    prepared_answer(&env, prepared)
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

/// A statement's text with values: those of a run, or those that are bound for good.
#[napi(catch_unwind, ts_return_type = "unknown")]
pub fn sync_expanded(
    env: Env,
    connection: f64,
    database: f64,
    statement: f64,
    values: Option<Array<'_>>,
) -> Result<Raw> {
    let text = run(connection, database, values, |session, params| {
        session.expanded(statement as u64, params)
    })?;
    answer(&env, text)
}

/// The first statement of a text, and the text after it; nothing if there is none.
#[napi(catch_unwind, ts_return_type = "unknown")]
pub fn sync_first(env: Env, connection: f64, database: f64, sql: String) -> Result<Raw> {
    let first = call(connection, database, |_, session| session.first_statement(&sql))?;
    answer(
        &env,
        first.map(|first| {
            first.map(|(text, at)| vec![text, sql[..at].to_owned(), sql[at..].to_owned()])
        }),
    )
}

pub(super) fn prepared_answer(
    env: &Env,
    prepared: Outcome<(SyncPrepared, Vec<Option<String>>)>,
) -> Result<Raw> {
    let (prepared, names) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => return failure(env, error),
    };
    match prepared {
        SyncPrepared::Nothing => answer(env, Ok(0.0)),
        SyncPrepared::Several => answer(env, Ok(2.0)),
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

fn mode(integers: f64) -> Result<Integers> {
    Integers::of(integers as u64).ok_or_else(|| malformed("holds an unknown integer mode"))
}
