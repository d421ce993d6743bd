//! The functions of the addon with which a program sets up a connection that is its own. Answers as
//! in `exports`.

use actor_sqlite_session::{
    AskedAuthorizer, ChangesetKind, StatementCounter, SyncLimit, SyncPrepared, SyncSetting,
};
use napi::bindgen_prelude::{Array, BufferSlice, FnArgs, Function, FunctionRef, ToNapiValue};
use napi::{Env, JsValue, Result};
use napi_derive::napi;

use super::answer::{Raw, answer, call, failure, run};
use super::callbacks::{JsAuthorizer, JsHandler, Question};
use super::statements::prepared_answer;
use super::values;
use crate::encode::Integers;
use crate::words::malformed;

/// Compiles the first statement of a text, as `syncPrepare` does; 0 where there is none.
#[napi(catch_unwind, ts_return_type = "unknown")]
pub fn sync_prepare_first(env: Env, connection: f64, database: f64, sql: String) -> Result<Raw> {
    let prepared = call(connection, database, |_, session| {
        let prepared = session.prepare_first(&sql)?;
        let names = match &prepared {
            SyncPrepared::One(statement) => session.parameters(statement.id).to_vec(),
            SyncPrepared::Nothing | SyncPrepared::Several => Vec::new(),
        };
        Ok((prepared, names))
    })?;
    prepared_answer(&env, prepared)
}

/// Runs a statement: SQLite's own count of changed rows, whichever statement set it, and the rowid
/// of the last insert; bigints, or where `bigints` is not set and they are small enough, numbers.
#[napi(catch_unwind, ts_return_type = "unknown")]
pub fn sync_run_counted(
    env: Env,
    connection: f64,
    database: f64,
    statement: f64,
    values: Option<Array<'_>>,
    bigints: bool,
) -> Result<Raw> {
    let ran = run(connection, database, values, |session, params| {
        session.run(statement as u64, params)?;
        session.counts()
    })?;
    let (changes, rowid) = match ran {
        Ok(counts) => counts,
        Err(error) => return failure(&env, error),
    };
    let integers = if bigints { Integers::BigInt } else { Integers::Auto };
    let changes = i64::try_from(changes).unwrap_or(i64::MAX);
    let mut out = env.create_array(2)?;
    for (index, count) in (0..).zip([changes, rowid]) {
        if let Some(count) = values::integer_to_js(&env, count, integers)? {
            out.set(index, Raw(count))?;
        }
    }
    Ok(Raw(out.raw()))
}

/// A counter of a statement; with `reset` it is 0 afterwards.
#[napi(catch_unwind, ts_return_type = "unknown")]
pub fn sync_statement_counter(
    env: Env,
    connection: f64,
    database: f64,
    statement: f64,
    counter: f64,
    reset: bool,
) -> Result<Raw> {
    const COUNTERS: [StatementCounter; 9] = [
        StatementCounter::FullscanStep,
        StatementCounter::Sort,
        StatementCounter::Autoindex,
        StatementCounter::VmStep,
        StatementCounter::Reprepare,
        StatementCounter::Run,
        StatementCounter::FilterMiss,
        StatementCounter::FilterHit,
        StatementCounter::MemoryUsed,
    ];
    let counter = COUNTERS.get(counter as usize).copied();
    let counter = counter.ok_or_else(|| malformed("holds an unknown counter"))?;
    let counted = call(connection, database, |_, session| {
        session.statement_counter(statement as u64, counter, reset)
    })?;
    answer(&env, counted)
}

/// A limit by its number, which is set where there is a value.
#[napi(catch_unwind, ts_return_type = "unknown")]
pub fn sync_limit(
    env: Env,
    connection: f64,
    database: f64,
    limit: f64,
    value: Option<i32>,
) -> Result<Raw> {
    const LIMITS: [SyncLimit; 11] = [
        SyncLimit::Length,
        SyncLimit::SqlLength,
        SyncLimit::Column,
        SyncLimit::ExprDepth,
        SyncLimit::CompoundSelect,
        SyncLimit::VdbeOp,
        SyncLimit::FunctionArg,
        SyncLimit::Attached,
        SyncLimit::LikePatternLength,
        SyncLimit::VariableNumber,
        SyncLimit::TriggerDepth,
    ];
    let limit = LIMITS.get(limit as usize).copied();
    let limit = limit.ok_or_else(|| malformed("holds an unknown limit"))?;
    let stands = call(connection, database, |_, session| {
        value.map_or(Ok(()), |value| session.set_limit(limit, value))?;
        session.limit(limit)
    })?;
    answer(&env, stands)
}

/// Turns SQLite's defensive mode on or off, or (`setting` 1) texts in double quotes.
#[napi(catch_unwind, ts_return_type = "unknown")]
pub fn sync_configure(
    env: Env,
    connection: f64,
    database: f64,
    setting: f64,
    on: bool,
) -> Result<Raw> {
    let setting =
        if setting == 0.0 { SyncSetting::Defensive } else { SyncSetting::DoubleQuotedStrings };
    let set = call(connection, database, |_, session| session.configure(setting, on))?;
    answer(&env, set)
}

/// Has a function asked what statements may do, or none any more. It must not throw.
#[napi(catch_unwind, ts_return_type = "unknown")]
pub fn sync_set_authorizer(
    env: Env,
    connection: f64,
    database: f64,
    #[napi(
        ts_arg_type = "((action: number, first: string | null, second: string | null, database: string | null, accessor: string | null) => number) | undefined"
    )]
    authorizer: Option<FunctionRef<Question, i32>>,
) -> Result<Raw> {
    let asked = authorizer.map(|function| -> Box<dyn AskedAuthorizer> {
        Box::new(JsAuthorizer::new(&env, function))
    });
    let set = call(connection, database, |_, session| session.set_authorizer(asked))?;
    answer(&env, set)
}

/// Begins to record changes; the answer is for `syncChanges`.
#[napi(catch_unwind, ts_return_type = "unknown")]
pub fn sync_record(
    env: Env,
    connection: f64,
    database: f64,
    schema: String,
    table: Option<String>,
) -> Result<Raw> {
    let begun = call(connection, database, |_, session| session.record(&schema, table.as_deref()))?;
    answer(&env, begun.map(|id| id as f64))
}

/// What has changed since a recording began.
#[napi(catch_unwind, ts_return_type = "unknown")]
pub fn sync_changes(
    env: Env,
    connection: f64,
    database: f64,
    recording: f64,
    patchset: bool,
) -> Result<Raw> {
    let kind = if patchset { ChangesetKind::Patchset } else { ChangesetKind::Changeset };
    let changes = call(connection, database, |_, session| session.changes(recording as u64, kind))?;
    match changes {
        Ok(changes) => {
            let buffer = BufferSlice::copy_from(&env, changes)?;
            // SAFETY: `env` is alive and this is its thread.
            unsafe { BufferSlice::to_napi_value(env.raw(), buffer) }.map(Raw)
        }
        Err(error) => failure(&env, error),
    }
}

/// Ends a recording.
#[napi(catch_unwind, ts_return_type = "unknown")]
pub fn sync_end_recording(env: Env, connection: f64, database: f64, recording: f64) -> Result<Raw> {
    let ended = call(connection, database, |_, session| {
        session.end_recording(recording as u64);
        Ok(())
    })?;
    answer(&env, ended)
}

/// Makes recorded changes, all or none. The functions must not throw.
#[napi(catch_unwind, ts_return_type = "unknown")]
pub fn sync_apply(
    env: Env,
    connection: f64,
    database: f64,
    changeset: &[u8],
    filter: Option<Function<'_, FnArgs<(String,)>, bool>>,
    conflict: Option<Function<'_, FnArgs<(i32,)>, i32>>,
) -> Result<Raw> {
    // The functions may change what they were given.
    let changeset = changeset.to_vec();
    let mut handler = JsHandler { env: &env, filter, conflict };
    let applied = call(connection, database, |_, session| session.apply(&changeset, &mut handler))?;
    answer(&env, applied)
}

/// Replaces the main database by that of an image; its statements are let go.
#[napi(catch_unwind, ts_return_type = "unknown")]
pub fn sync_deserialize(env: Env, connection: f64, database: f64, image: &[u8]) -> Result<Raw> {
    let replaced = call(connection, database, |_, session| session.deserialize(image))?;
    answer(&env, replaced)
}
