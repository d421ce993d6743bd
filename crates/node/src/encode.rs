//! Answers as they go to JavaScript: one flat array a drain, which `lib/decode.ts` reads.
//!
//! A reply: request id, kind, and what the kind needs. Before a reply that uses a shape for the
//! first time stands the shape itself, under request id 0: names cross once.

use std::collections::VecDeque;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use actor_sqlite_session::{
    Answer, BatchResult, Cell, Changes, Column, Rows, SessionError, Shape, StatementInfo,
};
use napi::bindgen_prelude::{Array, ArrayBuffer, BigInt, ToNapiValue};
use napi::{Env, Result, sys};

use crate::admin::Fact;
use crate::connection;
use crate::error::{ErrorPayload, Outcome as Failed, session_error, unsafe_integer};
use crate::store::Opened;

/// The largest integer a JavaScript number holds exactly.
pub const SAFE_INTEGER_MAX: i64 = 9_007_199_254_740_991;

/// So many cells make one turn of the event loop long enough: about a millisecond.
const CELLS_PER_DRAIN: usize = 16 << 10;

/// How integers become JavaScript values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Integers {
    /// Numbers; one that a number cannot hold exactly is an error.
    Number,
    /// Always bigints.
    BigInt,
    /// Numbers where exact, else bigints.
    Auto,
    /// Numbers, the nearest where a number cannot hold it exactly. Of synchronous calls only.
    Rounded,
}

impl Integers {
    /// The mode of a number of the facade's.
    pub fn of(mode: u64) -> Option<Self> {
        Some(match mode {
            0 => Self::Number,
            1 => Self::BigInt,
            2 => Self::Auto,
            3 => Self::Rounded,
            _ => return None,
        })
    }
}

/// What came of a request.
pub enum Outcome {
    /// Of a command.
    Answer(std::result::Result<Answer, SessionError>),
    /// Of opening a storage or a database: what the environment is to keep.
    Opened(Failed<Opened>),
    /// Of a question about a store.
    Fact(Failed<Fact>),
    /// Of what has no result.
    Done,
}

/// An outcome on its way.
pub struct Envelope {
    /// Which request it answers.
    pub request: u64,
    /// The handle of the database that it comes from, or 0.
    pub database: u64,
    /// How its integers become values.
    pub integers: Integers,
    /// Whether rows may go over in parts.
    pub parts: bool,
    /// How many have gone.
    pub rows_sent: usize,
    /// The outcome.
    pub outcome: Outcome,
}

impl Envelope {
    /// An answer that goes over whole.
    pub fn of(request: u64, outcome: Outcome) -> Self {
        Self { request, database: 0, integers: Integers::Auto, parts: false, rows_sent: 0, outcome }
    }
}

/// All that was ready at once.
pub struct Drained {
    /// Whose.
    pub connection: u64,
    /// In the order they became ready.
    pub envelopes: VecDeque<Envelope>,
}

#[derive(Clone, Copy)]
enum Kind {
    Done = 0,
    Changes = 1,
    Rows = 2,
    Prepared = 3,
    Began = 4,
    Batch = 5,
    Error = 6,
    Opened = 7,
    Shape = 8,
    ForgetShapes = 9,
    /// Rows that more of the same reply follow.
    RowsPart = 10,
    /// One value of JavaScript.
    Value = 11,
}

impl ToNapiValue for Drained {
    // SAFETY: the trait's contract is all that is relied on: `env` is alive and this is its thread.
    unsafe fn to_napi_value(env: sys::napi_env, drained: Self) -> Result<sys::napi_value> {
        let env = Env::from_raw(env);
        let Drained { connection, mut envelopes } = drained;
        let mut writer = Writer::new(&env, connection, capacity(&envelopes))?;
        let mut replies = 0;
        while writer.at < CELLS_PER_DRAIN as u32 {
            let Some(envelope) = envelopes.pop_front() else { break };
            match writer.envelope(envelope)? {
                None => replies += 1,
                Some(rest) => envelopes.push_front(rest),
            }
        }
        connection::answered(&env, connection, replies, envelopes);
        writer.end()?;
        // SAFETY: `env` is the environment this call was made in.
        unsafe { Array::to_napi_value(env.raw(), writer.out) }
    }
}

/// About as long as the array will be: longer costs little, its end is left undefined.
fn capacity(envelopes: &VecDeque<Envelope>) -> u32 {
    let cells: usize = envelopes
        .iter()
        .map(|envelope| match &envelope.outcome {
            Outcome::Answer(Ok(Answer::Rows(rows))) => rows.cells.len() + 7,
            _ => 4,
        })
        .sum();
    cells.min(2 * CELLS_PER_DRAIN) as u32
}

/// Why a reply is replaced by an error.
struct Refused(Box<ErrorPayload>);

impl From<ErrorPayload> for Refused {
    fn from(payload: ErrorPayload) -> Self {
        Self(Box::new(payload))
    }
}

impl From<napi::Error> for Refused {
    fn from(error: napi::Error) -> Self {
        Self(Box::new(ErrorPayload::too_large(&error.reason)))
    }
}

struct Writer<'env> {
    env: &'env Env,
    connection: u64,
    out: Array<'env>,
    at: u32,
    /// Up to where something was written that may have been taken back.
    written: u32,
}

impl<'env> Writer<'env> {
    fn new(env: &'env Env, connection: u64, capacity: u32) -> Result<Self> {
        Ok(Self { env, connection, out: env.create_array(capacity)?, at: 0, written: 0 })
    }

    fn push<T: ToNapiValue>(&mut self, value: T) -> Result<()> {
        self.out.set(self.at, value)?;
        self.at += 1;
        Ok(())
    }

    fn head(&mut self, request: u64, kind: Kind) -> Result<()> {
        self.push(request as f64)?;
        self.push(kind as u32)
    }

    /// Marks the end, if something that was taken back stands behind it.
    fn end(&mut self) -> Result<()> {
        if self.at < self.written { self.out.set(self.at, ()) } else { Ok(()) }
    }

    /// Writes one reply, or a part of it: then what is left is returned. A panic, or a value that
    /// JavaScript does not take, becomes that request's error: the others must be answered.
    fn envelope(&mut self, envelope: Envelope) -> Result<Option<Envelope>> {
        let Envelope { request, database, .. } = envelope;
        let cursor = match &envelope.outcome {
            Outcome::Answer(Ok(Answer::Rows(rows))) => rows.more,
            _ => None,
        };
        let start = self.at;
        let payload = match catch_unwind(AssertUnwindSafe(|| self.part(envelope))) {
            Ok(Ok(rest)) => return Ok(rest),
            Ok(Err(refused)) => refused,
            Err(panic) => Refused::from(ErrorPayload::internal(crate::panic_text(&*panic))),
        };
        self.written = self.written.max(self.at);
        self.at = start;
        // Those told since the start were taken back.
        connection::forget_shapes(self.connection);
        if let Some(cursor) = cursor {
            connection::close_cursor(self.connection, database, cursor);
        }
        self.error(request, *payload.0)?;
        Ok(None)
    }

    fn part(&mut self, mut envelope: Envelope) -> std::result::Result<Option<Envelope>, Refused> {
        let Envelope { request, integers, parts, rows_sent, .. } = envelope;
        let Outcome::Answer(Ok(Answer::Rows(rows))) = &envelope.outcome else {
            self.outcome(envelope)?;
            return Ok(None);
        };
        if rows_sent == 0
            && let Some(column) = first_unsafe(rows, integers)
        {
            return Err(unsafe_integer(&column).into());
        }
        let rows_max = if parts { rows_of_part(rows) } else { rows.row_count };
        let end = rows.row_count.min(rows_sent + rows_max);
        let last = end == rows.row_count;
        self.shape(&rows.shape)?;
        self.head(request, if last { Kind::Rows } else { Kind::RowsPart })?;
        self.rows(rows, rows_sent..end, integers)?;
        envelope.rows_sent = end;
        Ok((!last).then_some(envelope))
    }

    fn outcome(&mut self, envelope: Envelope) -> Result<()> {
        let Envelope { request, integers, outcome, .. } = envelope;
        match outcome {
            Outcome::Answer(Ok(answer)) => self.answer(request, integers, answer),
            Outcome::Answer(Err(error)) => self.error(request, session_error(&error)),
            Outcome::Opened(Ok(opened)) => match connection::keep(self.connection, opened) {
                Some(handle) => {
                    self.head(request, Kind::Opened)?;
                    self.push(handle as f64)
                }
                None => self.error(request, session_error(&SessionError::Closed)),
            },
            Outcome::Opened(Err(error)) => self.error(request, *error),
            Outcome::Fact(Ok(fact)) => {
                self.head(request, Kind::Value)?;
                match fact {
                    Fact::Stat(stat) => self.push(stat),
                    Fact::Verify(report) => self.push(report),
                    Fact::Bytes(bytes) => self.push(bytes),
                    Fact::Snapshot(snapshot) => self.push(snapshot),
                    Fact::Names(names) => self.push(names),
                    Fact::Flag(flag) => self.push(flag),
                    Fact::Imported(imported) => self.push(imported),
                }
            }
            Outcome::Fact(Err(error)) => self.error(request, *error),
            Outcome::Done => self.head(request, Kind::Done),
        }
    }

    fn answer(&mut self, request: u64, integers: Integers, answer: Answer) -> Result<()> {
        match answer {
            Answer::Done => self.head(request, Kind::Done),
            Answer::Changes(changes) => {
                self.head(request, Kind::Changes)?;
                self.changes(changes, integers)
            }
            Answer::Rows(rows) => {
                self.head(request, Kind::Rows)?;
                self.rows(&rows, 0..rows.row_count, integers)
            }
            Answer::Prepared(info) => {
                self.head(request, Kind::Prepared)?;
                self.prepared(&info)
            }
            Answer::Began(transaction) => {
                self.head(request, Kind::Began)?;
                self.push(transaction.0 as f64)
            }
            Answer::Batch(results) => self.batch(request, integers, &results),
        }
    }

    fn batch(&mut self, request: u64, integers: Integers, results: &[BatchResult]) -> Result<()> {
        for rows in results.iter().filter_map(|result| result.rows.as_ref()) {
            if let Some(column) = first_unsafe(rows, integers) {
                return self.error(request, unsafe_integer(&column));
            }
            self.shape(&rows.shape)?;
        }
        self.head(request, Kind::Batch)?;
        self.push(results.len() as f64)?;
        for result in results {
            self.changes(result.changes, integers)?;
            self.push(result.rows.is_some())?;
            if let Some(rows) = &result.rows {
                self.rows(rows, 0..rows.row_count, integers)?;
            }
        }
        Ok(())
    }

    fn error(&mut self, request: u64, error: ErrorPayload) -> Result<()> {
        self.head(request, Kind::Error)?;
        self.push(error)
    }

    fn changes(&mut self, changes: Changes, integers: Integers) -> Result<()> {
        self.push(changes.changes as f64)?;
        // A rowid is never worth an error: the statement has run.
        let integers = if integers == Integers::Number { Integers::Auto } else { integers };
        self.integer(changes.last_insert_rowid, integers)
    }

    fn prepared(&mut self, info: &StatementInfo) -> Result<()> {
        self.push(info.id.0 as f64)?;
        self.push(info.reader)?;
        self.push(info.readonly)?;
        self.push(info.columns.len() as f64)?;
        for column in &info.columns {
            self.push(column.name.as_str())?;
            self.push(column.column.as_deref())?;
            self.push(column.table.as_deref())?;
            self.push(column.database.as_deref())?;
            self.push(column.declared_type.as_deref())?;
        }
        Ok(())
    }

    /// Tells the columns of a shape unless the environment knows them.
    fn shape(&mut self, shape: &Shape) -> Result<()> {
        match connection::learn_shape(self.connection, shape.id) {
            connection::Learned::Known => return Ok(()),
            connection::Learned::New => {}
            connection::Learned::AfterForgetting => self.head(0, Kind::ForgetShapes)?,
        }
        self.head(0, Kind::Shape)?;
        self.push(shape.id as f64)?;
        self.push(shape.columns.len() as f64)?;
        for Column { name, declared_type, .. } in &shape.columns {
            self.push(name.as_str())?;
            self.push(declared_type.as_deref())?;
        }
        Ok(())
    }

    /// Shape, number of rows, cursor or 0, number of blobs, the cells; and if there are blobs, one
    /// buffer of all their bytes and cell, offset and length of each.
    fn rows(&mut self, rows: &Rows, range: Range<usize>, integers: Integers) -> Result<()> {
        let width = rows.shape.columns.len();
        let cells = &rows.cells[range.start * width..range.end * width];
        let blob_count = cells.iter().filter(|cell| matches!(cell, Cell::Blob { .. })).count();
        self.push(rows.shape.id as f64)?;
        self.push(range.len() as f64)?;
        self.push(rows.more.map_or(0.0, |cursor| cursor.0 as f64))?;
        self.push(blob_count as f64)?;
        for cell in cells {
            self.cell(*cell, rows, integers)?;
        }
        if blob_count > 0 {
            self.blobs(cells, &rows.blobs)?;
        }
        Ok(())
    }

    fn blobs(&mut self, cells: &[Cell], bytes: &[u8]) -> Result<()> {
        let ranges = || {
            cells.iter().enumerate().filter_map(|(index, cell)| match cell {
                Cell::Blob { at, len } => Some((index, *at as usize, *len as usize)),
                _ => None,
            })
        };
        let start = ranges().map(|(_, at, _)| at).min().unwrap_or(0);
        let end = ranges().map(|(_, at, len)| at + len).max().unwrap_or(0);
        self.push(ArrayBuffer::copy_from(self.env, &bytes[start..end])?)?;
        for (index, at, len) in ranges() {
            self.push(index as f64)?;
            self.push((at - start) as f64)?;
            self.push(len as f64)?;
        }
        Ok(())
    }

    fn cell(&mut self, cell: Cell, rows: &Rows, integers: Integers) -> Result<()> {
        match cell {
            Cell::Null | Cell::Blob { .. } => self.push(napi::bindgen_prelude::Null),
            Cell::Integer(value) => self.integer(value, integers),
            Cell::Real(value) => self.push(value),
            Cell::Text { at, len } => {
                let bytes = &rows.text[at as usize..at as usize + len as usize];
                if bytes.is_ascii() && bytes.len() <= i32::MAX as usize {
                    let text = self.env.create_string_latin1(bytes)?;
                    self.push(text)
                } else {
                    self.push(&*String::from_utf8_lossy(bytes))
                }
            }
        }
    }

    fn integer(&mut self, value: i64, integers: Integers) -> Result<()> {
        let exact = value.unsigned_abs() <= SAFE_INTEGER_MAX.unsigned_abs();
        if integers == Integers::BigInt || !exact {
            self.push(BigInt::from(value))
        } else {
            self.push(value as f64)
        }
    }
}

/// How many rows make a part.
fn rows_of_part(rows: &Rows) -> usize {
    (CELLS_PER_DRAIN / rows.shape.columns.len().max(1)).max(1)
}

/// The name of the first column with an integer that the mode has no value for.
fn first_unsafe(rows: &Rows, integers: Integers) -> Option<String> {
    if integers != Integers::Number {
        return None;
    }
    let is_unsafe = |cell: &Cell| match cell {
        Cell::Integer(value) => value.unsigned_abs() > SAFE_INTEGER_MAX.unsigned_abs(),
        _ => false,
    };
    let index = rows.cells.iter().position(is_unsafe)?;
    let column = &rows.shape.columns[index % rows.shape.columns.len()];
    Some(column.name.clone())
}
