//! Rows on their way out: one flat chunk, so that a binding can hand them over without a call a
//! value by name.

use std::sync::Arc;

/// A result column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// The name in the result, as SQLite gives it.
    pub name: String,
    /// The column of a table it comes from unchanged, if it does.
    pub column: Option<String>,
    /// That table.
    pub table: Option<String>,
    /// The schema of that table: `main` or `temp`.
    pub database: Option<String>,
    /// The declared type of that column.
    pub declared_type: Option<String>,
}

/// The columns of a result. `id` is unique in the process for a statement as prepared: equal ids
/// mean equal columns, so that a binding may cache what it builds from them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Unique in the process.
    pub id: u64,
    /// In order; at least one.
    pub columns: Vec<Column>,
}

/// A value of a row chunk. Text and blobs are ranges of the chunk's own buffers, in bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell {
    /// NULL.
    Null,
    /// A 64-bit integer.
    Integer(i64),
    /// A double.
    Real(f64),
    /// A range of [`Rows::text`], which is valid UTF-8 there.
    Text {
        /// Where it begins.
        at: u32,
        /// How long it is.
        len: u32,
    },
    /// A range of [`Rows::blobs`].
    Blob {
        /// Where it begins.
        at: u32,
        /// How long it is.
        len: u32,
    },
}

/// A number of rows of one shape, cells row by row.
#[derive(Clone, Debug)]
pub struct Rows {
    /// The columns.
    pub shape: Arc<Shape>,
    /// `row_count * shape.columns.len()` cells.
    pub cells: Vec<Cell>,
    /// How many rows.
    pub row_count: usize,
    /// What text cells point into.
    pub text: Vec<u8>,
    /// What blob cells point into.
    pub blobs: Vec<u8>,
    /// Where to ask for the rows that follow; `None` after the last.
    pub more: Option<CursorId>,
}

/// A result that is being read in chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CursorId(pub u64);
