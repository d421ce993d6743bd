//! Statements.

use std::cell::Cell;
use std::ffi::{c_char, c_int, c_uint};
use std::ptr::{self, NonNull};
use std::sync::Arc;

use rusqlite::ffi;

use super::db::{Db, RawError, owned};
use crate::{Column, Params, Value};

thread_local! {
    /// The statement that a `step` on this thread is in.
    static STEPPING: Cell<*mut ffi::sqlite3_stmt> = const { Cell::new(ptr::null_mut()) };
}

/// Whether the statement that this thread steps has done its work, its commit included.
///
/// SQLite asks its progress handler once more on the way out of a finished statement
/// (`sqlite3VdbeExec`, `vdbe_return`); an interrupt there reports as failed what has happened.
pub(crate) fn stepped_to_its_end() -> bool {
    let raw = STEPPING.get();
    // SAFETY: not null only while `step` borrows the statement further up this thread's stack.
    !raw.is_null() && unsafe { ffi::sqlite3_stmt_busy(raw) } == 0
}

/// A compiled statement. It owns what is bound to it, and keeps its connection open.
pub(crate) struct Statement {
    raw: NonNull<ffi::sqlite3_stmt>,
    /// SQLite reads text and blobs from here until they are unbound.
    bound: Params,
    db: Arc<Db>,
}

// SAFETY: see `Db`: statement and connection move between threads together.
unsafe impl Send for Statement {}

/// What the compiler made of the beginning of a text.
pub(crate) struct Prepared {
    /// `None` where the text began with nothing but blanks, comments or a semicolon.
    pub(crate) statement: Option<Statement>,
    /// Where the rest of the text begins.
    pub(crate) tail: usize,
}

/// The outcome of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Row,
    Done,
}

/// What SQLite counts about a statement, over all its runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatementCounter {
    /// Steps through a table without an index.
    FullscanStep,
    /// Sorts.
    Sort,
    /// Rows of indexes made for one run.
    Autoindex,
    /// Instructions.
    VmStep,
    /// How often it was compiled anew.
    Reprepare,
    /// Runs.
    Run,
    /// Lookups that a Bloom filter did not save.
    FilterMiss,
    /// Lookups that a Bloom filter saved.
    FilterHit,
    /// Bytes it takes in memory: a gauge.
    MemoryUsed,
}

impl StatementCounter {
    fn code(self) -> c_int {
        match self {
            Self::FullscanStep => ffi::SQLITE_STMTSTATUS_FULLSCAN_STEP,
            Self::Sort => ffi::SQLITE_STMTSTATUS_SORT,
            Self::Autoindex => ffi::SQLITE_STMTSTATUS_AUTOINDEX,
            Self::VmStep => ffi::SQLITE_STMTSTATUS_VM_STEP,
            Self::Reprepare => ffi::SQLITE_STMTSTATUS_REPREPARE,
            Self::Run => ffi::SQLITE_STMTSTATUS_RUN,
            Self::FilterMiss => ffi::SQLITE_STMTSTATUS_FILTER_MISS,
            Self::FilterHit => ffi::SQLITE_STMTSTATUS_FILTER_HIT,
            Self::MemoryUsed => ffi::SQLITE_STMTSTATUS_MEMUSED,
        }
    }
}

/// A value of the current row, in SQLite's own memory.
pub(crate) enum ColumnValue<'a> {
    Null,
    Integer(i64),
    Real(f64),
    /// UTF-8, unless whoever stored it did not care.
    Text(&'a [u8]),
    Blob(&'a [u8]),
}

impl Statement {
    /// Compiles the first statement of `sql`. `persistent` tells SQLite that it will be kept.
    pub(crate) fn prepare(db: &Arc<Db>, sql: &str, persistent: bool) -> Result<Prepared, RawError> {
        let Ok(length) = c_int::try_from(sql.len()) else {
            return Err(RawError::of(ffi::SQLITE_TOOBIG));
        };
        let flags: c_uint = if persistent { ffi::SQLITE_PREPARE_PERSISTENT as c_uint } else { 0 };
        let start = sql.as_ptr().cast::<c_char>();
        let mut raw = ptr::null_mut();
        let mut tail = ptr::null();
        // SAFETY: the handle is open, `sql` is `length` readable bytes, the out pointers are ours.
        let code =
            unsafe { ffi::sqlite3_prepare_v3(db.raw(), start, length, flags, &mut raw, &mut tail) };
        if code != ffi::SQLITE_OK {
            return Err(db.error(code));
        }
        let tail =
            if tail.is_null() { sql.len() } else { (tail.addr() - start.addr()).min(sql.len()) };
        let statement =
            NonNull::new(raw).map(|raw| Self { raw, bound: Params::None, db: Arc::clone(db) });
        Ok(Prepared { statement, tail })
    }

    fn raw(&self) -> *mut ffi::sqlite3_stmt {
        self.raw.as_ptr()
    }

    /// Runs to the next row or the end.
    pub(crate) fn step(&mut self) -> Result<Step, RawError> {
        let raw = self.raw();
        let autocommit = self.db.autocommit();
        STEPPING.set(raw);
        // SAFETY: the statement is alive, and no borrowed column value is, as `self` is `&mut`.
        let code = unsafe { ffi::sqlite3_step(raw) };
        STEPPING.set(ptr::null_mut());
        match code {
            ffi::SQLITE_ROW => Ok(Step::Row),
            ffi::SQLITE_DONE => Ok(Step::Done),
            code => {
                let error = self.db.error(code);
                self.db.failed(error.code, self.readonly(), autocommit);
                Err(error)
            }
        }
    }

    /// Ends a run. A failed run gave its error at the step; this one gives that of ending a run
    /// early: its commit may fail.
    pub(crate) fn reset(&mut self) -> Result<(), RawError> {
        // SAFETY: the statement is alive, no column value is borrowed.
        match unsafe { ffi::sqlite3_reset(self.raw()) } {
            ffi::SQLITE_OK => Ok(()),
            code => Err(self.db.error(code)),
        }
    }

    /// Binds parameter `i + 1` to the value of `params` at `order[i]`. The statement must be at
    /// rest. On an error nothing is bound.
    pub(crate) fn bind(&mut self, params: Params, order: &[u32]) -> Result<(), RawError> {
        self.unbind();
        self.bound = params;
        for (parameter, &at) in (1..).zip(order) {
            let value = match &self.bound {
                Params::None => None,
                Params::Positional(values) => values.get(at as usize),
                Params::Named(values) => values.get(at as usize).map(|(_, value)| value),
            };
            // SAFETY: `bound` keeps the value's bytes where they are until `unbind`.
            let code = unsafe { bind_value(self.raw(), parameter, value.unwrap_or(&Value::Null)) };
            if code != ffi::SQLITE_OK {
                let error = self.db.error(code);
                self.unbind();
                return Err(error);
            }
        }
        Ok(())
    }

    /// Forgets what is bound. The statement must be at rest.
    pub(crate) fn unbind(&mut self) {
        if self.bound != Params::None {
            // SAFETY: the statement is alive; afterwards SQLite points nowhere into `bound`.
            unsafe { ffi::sqlite3_clear_bindings(self.raw()) };
            self.bound = Params::None;
        }
    }

    pub(crate) fn column_count(&self) -> usize {
        // SAFETY: the statement is alive.
        usize::try_from(unsafe { ffi::sqlite3_column_count(self.raw()) }).unwrap_or(0)
    }

    /// How often SQLite compiled the statement anew because the schema had changed.
    pub(crate) fn reprepares(&self) -> c_int {
        // SAFETY: the statement is alive.
        unsafe { ffi::sqlite3_stmt_status(self.raw(), ffi::SQLITE_STMTSTATUS_REPREPARE, 0) }
    }

    /// A counter, which is set to 0 with `reset`.
    pub(crate) fn counter(&self, counter: StatementCounter, reset: bool) -> c_int {
        // SAFETY: the statement is alive.
        unsafe { ffi::sqlite3_stmt_status(self.raw(), counter.code(), reset.into()) }
    }

    /// Whether it leaves the database as it is.
    pub(crate) fn readonly(&self) -> bool {
        // SAFETY: the statement is alive.
        unsafe { ffi::sqlite3_stmt_readonly(self.raw()) != 0 }
    }

    /// Its text with the values that are bound to it.
    pub(crate) fn expanded(&self) -> Option<String> {
        // SAFETY: the statement is alive; the text is NUL-terminated, ours, and freed once.
        unsafe {
            let text = ffi::sqlite3_expanded_sql(self.raw());
            let copy = owned(text);
            ffi::sqlite3_free(text.cast());
            copy
        }
    }

    pub(crate) fn explain(&self) -> bool {
        // SAFETY: the statement is alive.
        unsafe { ffi::sqlite3_stmt_isexplain(self.raw()) != 0 }
    }

    /// The names of the parameters with their prefixes, `None` for one without a name.
    pub(crate) fn parameters(&self) -> Vec<Option<String>> {
        // SAFETY: the statement is alive; names are NUL-terminated and live as long as it.
        let count = unsafe { ffi::sqlite3_bind_parameter_count(self.raw()) };
        (1..=count)
            .map(|index| {
                // SAFETY: as above.
                unsafe { owned(ffi::sqlite3_bind_parameter_name(self.raw(), index)) }
            })
            .collect()
    }

    /// The name of a result column.
    pub(crate) fn column_name(&self, index: usize) -> String {
        // SAFETY: the statement is alive, the text is copied at once; an index out of range gives
        // a null pointer.
        unsafe { owned(ffi::sqlite3_column_name(self.raw(), index as c_int)) }.unwrap_or_default()
    }

    /// All that is known of a result column.
    pub(crate) fn column(&self, index: usize) -> Column {
        let at = index as c_int;
        // SAFETY: as in `column_name`.
        unsafe {
            Column {
                name: self.column_name(index),
                column: owned(ffi::sqlite3_column_origin_name(self.raw(), at)),
                table: owned(ffi::sqlite3_column_table_name(self.raw(), at)),
                database: owned(ffi::sqlite3_column_database_name(self.raw(), at)),
                declared_type: owned(ffi::sqlite3_column_decltype(self.raw(), at)),
            }
        }
    }

    /// A value of the current row; `None` if there was no memory to bring it into UTF-8.
    pub(crate) fn value(&self, index: usize) -> Option<ColumnValue<'_>> {
        let (raw, at) = (self.raw(), index as c_int);
        // SAFETY: the statement is alive; what is borrowed stays valid until the next step, reset
        // or finalize, all of which need `&mut self`. The length is asked for after the pointer,
        // as SQLite's manual wants it.
        unsafe {
            Some(match ffi::sqlite3_column_type(raw, at) {
                ffi::SQLITE_INTEGER => ColumnValue::Integer(ffi::sqlite3_column_int64(raw, at)),
                ffi::SQLITE_FLOAT => ColumnValue::Real(ffi::sqlite3_column_double(raw, at)),
                ffi::SQLITE_TEXT => {
                    let text = NonNull::new(ffi::sqlite3_column_text(raw, at).cast_mut())?;
                    ColumnValue::Text(self.bytes(text.cast(), at))
                }
                ffi::SQLITE_BLOB => {
                    let blob = ffi::sqlite3_column_blob(raw, at).cast_mut();
                    let blob = NonNull::new(blob).unwrap_or(NonNull::<u8>::dangling().cast());
                    ColumnValue::Blob(self.bytes(blob.cast(), at))
                }
                _ => ColumnValue::Null,
            })
        }
    }

    /// # Safety
    /// `start` must be what SQLite answered for column `at` of the current row, or dangling for an
    /// empty blob.
    unsafe fn bytes(&self, start: NonNull<u8>, at: c_int) -> &[u8] {
        // SAFETY: SQLite answered with that many readable bytes at `start`.
        unsafe {
            let length = ffi::sqlite3_column_bytes(self.raw(), at);
            std::slice::from_raw_parts(start.as_ptr(), usize::try_from(length).unwrap_or(0))
        }
    }
}

impl Drop for Statement {
    fn drop(&mut self) {
        // SAFETY: the statement is alive and goes here, before `bound` and before the connection.
        unsafe { ffi::sqlite3_finalize(self.raw()) };
    }
}

/// # Safety
/// `raw` must be a statement at rest; the bytes of `value` must stay where they are until the
/// parameter is bound anew, cleared, or the statement finalized.
unsafe fn bind_value(raw: *mut ffi::sqlite3_stmt, parameter: c_int, value: &Value) -> c_int {
    /// What an empty text or blob points at: a null pointer would bind NULL.
    static EMPTY: [u8; 1] = [0];
    let start = |bytes: &[u8]| if bytes.is_empty() { EMPTY.as_ptr() } else { bytes.as_ptr() };
    // SAFETY: by this function's contract; no destructor means that SQLite does not own the bytes.
    unsafe {
        match value {
            Value::Null => ffi::sqlite3_bind_null(raw, parameter),
            Value::Integer(value) => ffi::sqlite3_bind_int64(raw, parameter, *value),
            Value::Real(value) => ffi::sqlite3_bind_double(raw, parameter, *value),
            Value::Text(text) => ffi::sqlite3_bind_text64(
                raw,
                parameter,
                start(text.as_bytes()).cast(),
                text.len() as u64,
                ffi::SQLITE_STATIC(),
                ffi::SQLITE_UTF8 as u8,
            ),
            Value::Blob(blob) => ffi::sqlite3_bind_blob64(
                raw,
                parameter,
                start(blob).cast(),
                blob.len() as u64,
                ffi::SQLITE_STATIC(),
            ),
        }
    }
}
