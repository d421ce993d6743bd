//! Rows on their way out of a synchronous session: read out of SQLite's own memory, once.

use std::sync::Arc;

use rusqlite::ffi::SQLITE_NOMEM;

use crate::Shape;
use crate::fault::Fault;
use crate::raw::{ColumnValue, RawError, Statement};

/// A value in SQLite's own memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ValueRef<'a> {
    /// NULL.
    Null,
    /// A 64-bit integer.
    Integer(i64),
    /// A double.
    Real(f64),
    /// Text: UTF-8, unless whoever stored it did not care.
    Text(&'a [u8]),
    /// Bytes.
    Blob(&'a [u8]),
}

/// The row that a statement stands on.
pub struct RowRef<'a> {
    values: &'a [ValueRef<'a>],
}

impl<'a> RowRef<'a> {
    /// Its values, in the order of its columns.
    pub fn values(&self) -> &'a [ValueRef<'a>] {
        self.values
    }
}

/// Takes rows as they are read.
pub trait RowSink {
    /// Told before the first row of a run.
    fn shape(&mut self, shape: &Arc<Shape>);

    /// Takes a row; `false` if it wants no more. A statement that writes runs to its end for all
    /// that.
    fn row(&mut self, row: &RowRef<'_>) -> bool;
}

/// Hands over the row a statement stands on.
pub(super) fn hand_over(statement: &Statement, sink: &mut dyn RowSink) -> Result<bool, Fault> {
    /// Rows up to this wide need no memory of their own.
    const NARROW: usize = 16;
    let columns = statement.column_count();
    let value = |index| match statement.value(index) {
        Some(ColumnValue::Null) => Ok(ValueRef::Null),
        Some(ColumnValue::Integer(value)) => Ok(ValueRef::Integer(value)),
        Some(ColumnValue::Real(value)) => Ok(ValueRef::Real(value)),
        Some(ColumnValue::Text(text)) => Ok(ValueRef::Text(text)),
        Some(ColumnValue::Blob(blob)) => Ok(ValueRef::Blob(blob)),
        None => Err(Fault::Raw(RawError::of(SQLITE_NOMEM))),
    };
    if columns <= NARROW {
        let mut values = [ValueRef::Null; NARROW];
        for (index, place) in values[..columns].iter_mut().enumerate() {
            *place = value(index)?;
        }
        return Ok(sink.row(&RowRef { values: &values[..columns] }));
    }
    let values = (0..columns).map(value).collect::<Result<Vec<_>, _>>()?;
    Ok(sink.row(&RowRef { values: &values }))
}
