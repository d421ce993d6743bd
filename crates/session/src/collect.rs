//! Rows into flat chunks.

use std::sync::Arc;

use rusqlite::ffi::SQLITE_NOMEM;

use actor_sqlite_pagestore::StoreError;

use crate::fault::Fault;
use crate::raw::{ColumnValue, RawError, Statement};
use crate::{Cell, CursorId, Rows, Shape};

/// Rows as they come in.
#[derive(Default)]
pub(crate) struct Collector {
    cells: Vec<Cell>,
    row_count: usize,
    text: Vec<u8>,
    blobs: Vec<u8>,
}

impl Collector {
    pub(crate) fn row_count(&self) -> usize {
        self.row_count
    }

    /// What the rows take in memory.
    pub(crate) fn bytes(&self) -> u64 {
        (self.cells.len() * size_of::<Cell>() + self.text.len() + self.blobs.len()) as u64
    }

    /// Takes the statement's current row.
    pub(crate) fn push(&mut self, statement: &Statement, columns: usize) -> Result<(), Fault> {
        for index in 0..columns {
            let value = statement.value(index).ok_or_else(|| RawError::of(SQLITE_NOMEM))?;
            let cell = self.cell(value)?;
            self.cells.push(cell);
        }
        self.row_count += 1;
        Ok(())
    }

    fn cell(&mut self, value: ColumnValue<'_>) -> Result<Cell, Fault> {
        Ok(match value {
            ColumnValue::Null => Cell::Null,
            ColumnValue::Integer(value) => Cell::Integer(value),
            ColumnValue::Real(value) => Cell::Real(value),
            ColumnValue::Text(text) => {
                let (at, len) = match str::from_utf8(text) {
                    Ok(_) => append(&mut self.text, text)?,
                    // Somebody stored other bytes as text: what is no UTF-8 becomes U+FFFD.
                    Err(_) => append(&mut self.text, String::from_utf8_lossy(text).as_bytes())?,
                };
                Cell::Text { at, len }
            }
            ColumnValue::Blob(blob) => {
                let (at, len) = append(&mut self.blobs, blob)?;
                Cell::Blob { at, len }
            }
        })
    }

    pub(crate) fn finish(self, shape: Arc<Shape>, more: Option<CursorId>) -> Rows {
        let Self { cells, row_count, text, blobs } = self;
        Rows { shape, cells, row_count, text, blobs, more }
    }

    /// Takes a row out of other rows.
    pub(crate) fn push_row(&mut self, rows: &Rows, row: usize) -> Result<(), Fault> {
        let columns = rows.shape.columns.len();
        let range = |at: u32, len: u32| at as usize..at as usize + len as usize;
        for cell in &rows.cells[row * columns..(row + 1) * columns] {
            let cell = match *cell {
                Cell::Text { at, len } => {
                    let (at, len) = append(&mut self.text, &rows.text[range(at, len)])?;
                    Cell::Text { at, len }
                }
                Cell::Blob { at, len } => {
                    let (at, len) = append(&mut self.blobs, &rows.blobs[range(at, len)])?;
                    Cell::Blob { at, len }
                }
                cell => cell,
            };
            self.cells.push(cell);
        }
        self.row_count += 1;
        Ok(())
    }
}

/// Appends bytes, and tells where they are.
fn append(buffer: &mut Vec<u8>, bytes: &[u8]) -> Result<(u32, u32), Fault> {
    let end = (buffer.len() + bytes.len()) as u64;
    if end > u64::from(u32::MAX) {
        return Err(too_large("bytes of text or blobs in one result", end, u32::MAX.into()));
    }
    let at = buffer.len() as u32;
    buffer.extend_from_slice(bytes);
    Ok((at, bytes.len() as u32))
}

pub(crate) fn too_large(what: &'static str, actual: u64, limit: u64) -> Fault {
    Fault::Session(StoreError::Limit { what, actual, limit }.into())
}
