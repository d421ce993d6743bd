//! Commands as they come from JavaScript.
//!
//! One command: database, request id, action, transaction (0 for none), timeout in milliseconds
//! (-1 for the default), integer mode, and what the action needs.

use std::sync::Arc;

use actor_sqlite_session::{
    Action, BatchEntry, Behavior, Command, CursorId, Params, Source, StatementId, TransactionId,
    Value, Want,
};
use napi::Result;

use crate::encode::Integers;
use crate::words::{Words, malformed};

/// One command on its way to a session.
pub struct Request {
    /// The handle of the database.
    pub database: u64,
    /// The command; its id is the request's.
    pub command: Command,
    /// How integers of the answer become JavaScript values.
    pub integers: Integers,
}

/// Reads the next command.
pub fn request(words: &mut Words<'_>) -> Result<Request> {
    let database = words.count()?;
    let id = words.count()?;
    let opcode = words.count()?;
    let transaction = words.count()?;
    let timeout_ms = words.real()?;
    let integers = Integers::of(words.count()?).filter(|mode| *mode != Integers::Rounded);
    let integers = integers.ok_or_else(|| malformed("holds an unknown integer mode"))?;
    let command = Command {
        id,
        action: action(opcode, words)?,
        transaction: (transaction != 0).then_some(TransactionId(transaction)),
        timeout_ms: (timeout_ms >= 0.0).then_some(timeout_ms as u64),
    };
    Ok(Request { database, command, integers })
}

fn action(opcode: u64, words: &mut Words<'_>) -> Result<Action> {
    Ok(match opcode {
        1 => Action::Execute { source: source(words)?, want: want(words)?, params: params(words)? },
        2 => Action::Script(words.text()?.into()),
        3 => batch(words)?,
        4 => Action::Prepare(words.text()?.into()),
        5 => Action::Finalize(StatementId(words.count()?)),
        6 => Action::Fetch { cursor: CursorId(words.count()?), rows_max: rows_max(words)? },
        7 => Action::CloseCursor(CursorId(words.count()?)),
        8 => Action::Begin(behavior(words)?),
        9 => Action::Commit,
        10 => Action::Rollback,
        11 => Action::Durable,
        12 => Action::Close,
        _ => return Err(malformed("holds an unknown action")),
    })
}

fn source(words: &mut Words<'_>) -> Result<Source> {
    match words.count()? {
        0 => Ok(Source::Sql(words.text()?.into())),
        id => Ok(Source::Prepared(StatementId(id))),
    }
}

fn want(words: &mut Words<'_>) -> Result<Want> {
    match words.count()? {
        0 => Ok(Want::Run),
        1 => Ok(Want::First),
        2 => Ok(Want::All),
        3 => Ok(Want::Chunk { rows_max: rows_max(words)? }),
        _ => Err(malformed("wants unknown rows")),
    }
}

fn rows_max(words: &mut Words<'_>) -> Result<u32> {
    u32::try_from(words.count()?).map_err(|_| malformed("asks for too many rows"))
}

fn behavior(words: &mut Words<'_>) -> Result<Behavior> {
    match words.count()? {
        0 => Ok(Behavior::Deferred),
        1 => Ok(Behavior::Immediate),
        2 => Ok(Behavior::Exclusive),
        _ => Err(malformed("holds an unknown transaction behavior")),
    }
}

fn batch(words: &mut Words<'_>) -> Result<Action> {
    let behavior = behavior(words)?;
    let entry_count = words.count()?;
    let mut entries = Vec::with_capacity(capacity(entry_count, words));
    for _ in 0..entry_count {
        let sql: Arc<str> = words.text()?.into();
        let row_count = words.count()?;
        let mut rows = Vec::with_capacity(capacity(row_count, words));
        for _ in 0..row_count {
            rows.push(params(words)?);
        }
        entries.push(BatchEntry { sql, rows });
    }
    Ok(Action::Batch { entries, behavior })
}

/// Parameters: 0 for none; 1, their number and the values; 2, their number and name and value each.
fn params(words: &mut Words<'_>) -> Result<Params> {
    match words.count()? {
        0 => Ok(Params::None),
        1 => {
            let count = words.count()?;
            let mut values = Vec::with_capacity(capacity(count, words));
            for _ in 0..count {
                values.push(value(words)?);
            }
            Ok(Params::Positional(values))
        }
        2 => {
            let count = words.count()?;
            let mut values = Vec::with_capacity(capacity(count, words));
            for _ in 0..count {
                let name = words.text()?;
                values.push((name, value(words)?));
            }
            Ok(Params::Named(values))
        }
        _ => Err(malformed("holds unknown parameters")),
    }
}

fn value(words: &mut Words<'_>) -> Result<Value> {
    Ok(match words.count()? {
        0 => Value::Null,
        1 => Value::Integer(words.integer()?),
        2 => Value::Real(words.real()?),
        3 => Value::Integer(words.bits()?),
        4 => Value::Text(words.text()?),
        5 => Value::Blob(words.blob()?),
        _ => return Err(malformed("holds an unknown value")),
    })
}

/// A wrong count must not allocate more than the buffer can hold: each element has a word.
fn capacity(count: u64, words: &Words<'_>) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX).min(words.left())
}
