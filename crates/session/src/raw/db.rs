//! The connection handle.

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, c_char, c_int};
use std::rc::Rc;
use std::sync::Arc;

use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::{Connection, ffi};

use super::counts::{self, Counts};
use super::functions::{self, Registration};
use super::modules;
use super::statement::{Statement, Step};
use crate::{SqlFunction, SqlModule};

/// `sqlite3ResetAllSchemasOfConnection`: the schema is read again, virtual tables are connected anew.
const FORGET: &str = "PRAGMA writable_schema=RESET";

/// A failed call: SQLite's extended code, its message, and the byte of the SQL text it points at.
#[derive(Clone, Debug)]
pub(crate) struct RawError {
    pub(crate) code: c_int,
    pub(crate) message: String,
    pub(crate) offset: Option<usize>,
}

/// What a connection has counted for SQL functions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Kept {
    /// `last_insert_rowid()`.
    pub(crate) last_insert_rowid: i64,
    /// `changes()`.
    pub(crate) changes: i64,
    /// `total_changes()`.
    pub(crate) total_changes: i64,
}

/// A connection, shared by its statements so that it closes after the last of them.
///
/// Opened without SQLite's own mutex: one thread at a time may use it and its statements.
pub(crate) struct Db {
    /// Closes the handle, which rolls back what is open.
    connection: RefCell<Connection>,
    raw: *mut ffi::sqlite3,
    /// What a connection before this one had counted, if it goes on with that.
    counts: Option<Rc<Counts>>,
    /// Virtual tables may remember what was rolled back under them.
    stale: Cell<bool>,
}

// SAFETY: a `Db` and all statements over it are owned by one session's `Connection`, which only
// the thread that holds that session's lock can reach; SQLite in its multi-thread mode
// (THREADSAFE=2) allows a connection to move between threads as long as no two use it at once.
unsafe impl Send for Db {}
// SAFETY: as above; shared references exist only inside that same owner.
unsafe impl Sync for Db {}

impl Db {
    pub(crate) fn new(connection: Connection) -> Self {
        // SAFETY: the handle is used only while `connection`, which closes it, is alive beside it.
        let raw = unsafe { connection.handle() };
        let connection = RefCell::new(connection);
        Self { connection, raw, counts: None, stale: Cell::new(false) }
    }

    /// Registers a function of the caller's.
    pub(crate) fn register(
        &self,
        registration: &Registration<'_>,
        function: Box<dyn SqlFunction>,
    ) -> Result<(), RawError> {
        // SAFETY: the handle is open as long as `self`, and only this thread uses it.
        let code = unsafe { functions::register(self.raw, registration, function) };
        if code == ffi::SQLITE_OK { Ok(()) } else { Err(self.error(code)) }
    }

    /// Registers a module of the caller's.
    pub(crate) fn register_module(
        &self,
        name: &str,
        eponymous: bool,
        module: Box<dyn SqlModule>,
    ) -> Result<(), RawError> {
        // SAFETY: the handle is open as long as `self`, and only this thread uses it.
        let code = unsafe { modules::register(self.raw, name, eponymous, module) };
        if code == ffi::SQLITE_OK { Ok(()) } else { Err(self.error(code)) }
    }

    /// The bytes that the database would have as a file; `None` if there is no memory for them.
    pub(crate) fn serialized(&self, schema: &CStr) -> Option<Vec<u8>> {
        let mut length = 0;
        // SAFETY: the handle is open; SQLite answers with memory of that length, which is ours,
        // copied, and freed once.
        unsafe {
            let start = ffi::sqlite3_serialize(self.raw, schema.as_ptr(), &mut length, 0);
            if start.is_null() {
                return (length == 0).then(Vec::new);
            }
            let length = usize::try_from(length).unwrap_or(0);
            let bytes = std::slice::from_raw_parts(start, length).to_vec();
            ffi::sqlite3_free(start.cast());
            Some(bytes)
        }
    }

    /// Goes on with what another connection had counted.
    pub(crate) fn restore(&mut self, kept: Kept) -> Result<(), RawError> {
        // SAFETY: the handle is open as long as `self`.
        unsafe { ffi::sqlite3_set_last_insert_rowid(self.raw, kept.last_insert_rowid) };
        if (kept.changes, kept.total_changes) != (0, 0) {
            let changes = kept.changes.into();
            let counts = Rc::new(Counts { changes, total: kept.total_changes });
            // SAFETY: the handle is open; it and the counts are used by the thread that has `self`.
            unsafe { counts::register(self.raw, &counts) }?;
            self.counts = Some(counts);
        }
        Ok(())
    }

    /// What has been counted, here and on the connections before.
    pub(crate) fn kept(&self) -> Kept {
        // SAFETY: the handle is open as long as `self`.
        let raw = unsafe { ffi::sqlite3_changes64(self.raw) };
        let (changes, total) = match &self.counts {
            Some(counts) => (counts.changes(raw), counts.total),
            None => (raw, 0),
        };
        Kept {
            last_insert_rowid: self.last_insert_rowid(),
            changes,
            total_changes: self.total_changes().wrapping_add(total),
        }
    }

    /// A statement has ended that sets `changes()`.
    pub(crate) fn counted(&self) {
        if let Some(counts) = &self.counts {
            counts.changes.set(0);
        }
    }

    /// Sets limits.
    pub(crate) fn limit(&self, limits: &[(Limit, i32)]) -> Result<(), RawError> {
        for &(limit, value) in limits {
            let set = self.connection.borrow().set_limit(limit, value);
            set.map_err(|_| RawError::of(ffi::SQLITE_RANGE))?;
        }
        Ok(())
    }

    /// A limit as it stands.
    pub(crate) fn limit_of(&self, limit: Limit) -> i32 {
        // No limit of that enumeration is unknown to SQLite.
        self.connection.borrow().limit(limit).unwrap_or(0)
    }

    /// Turns a setting of the connection on or off.
    pub(crate) fn configure(&self, config: DbConfig, on: bool) -> Result<(), RawError> {
        let set = self.connection.borrow().set_db_config(config, on);
        set.map(drop).map_err(|_| RawError::of(ffi::SQLITE_ERROR))
    }

    /// Replaces the authorizer. Statements compiled before are compiled anew by their next run.
    pub(crate) fn set_authorizer(
        &self,
        authorizer: impl FnMut(AuthContext<'_>) -> Authorization + Send + 'static,
    ) -> Result<(), RawError> {
        let set = self.connection.borrow_mut().authorizer(Some(authorizer));
        set.map_err(|_| RawError::of(ffi::SQLITE_ERROR))
    }

    pub(super) fn raw(&self) -> *mut ffi::sqlite3 {
        self.raw
    }

    /// A statement failed: notes whether SQLite may have rolled back inside a virtual table's method.
    ///
    /// A virtual table runs statements of its own. If one of them fails with one of the codes below
    /// (`sqlite3VdbeHalt`, `isSpecialError`), SQLite rolls back then and there, the table is told so
    /// in the middle of its work, goes on, and is not told again: FTS5 then counts a row that is
    /// gone. The outer statement gets the same code. Only a read that was interrupted undoes
    /// nothing, unless the transaction was lost: FTS5 writes for a reader what it has pending.
    pub(super) fn failed(&self, code: c_int, readonly: bool, autocommit_before: bool) {
        let undone = match code & 0xff {
            ffi::SQLITE_INTERRUPT => !readonly,
            ffi::SQLITE_NOMEM | ffi::SQLITE_IOERR | ffi::SQLITE_FULL => true,
            _ => false,
        };
        // With the transaction still open only the statement was undone, and the tables are told
        // that after their method has returned.
        if self.autocommit() && (undone || !autocommit_before) {
            self.stale.set(true);
        }
    }

    /// Whether virtual tables may remember what was rolled back: [`Db::forget`] comes before the
    /// next statement that writes.
    pub(crate) fn stale(&self) -> bool {
        self.stale.get()
    }

    /// Makes virtual tables forget what they have in memory. No statement may be under way; those
    /// at rest are compiled anew by their next run. Nothing is read or written.
    pub(crate) fn forget(self: &Arc<Self>) -> Result<(), RawError> {
        if let Some(mut reset) = Statement::prepare(self, FORGET, false)?.statement {
            while reset.step()? == Step::Row {}
        }
        self.stale.set(false);
        Ok(())
    }

    /// Whether no transaction is open.
    pub(crate) fn autocommit(&self) -> bool {
        // SAFETY: the handle is open as long as `self`.
        unsafe { ffi::sqlite3_get_autocommit(self.raw) != 0 }
    }

    /// Rows changed by the newest INSERT, UPDATE or DELETE.
    pub(crate) fn changes(&self) -> u64 {
        // SAFETY: the handle is open as long as `self`.
        unsafe { ffi::sqlite3_changes64(self.raw) }.unsigned_abs()
    }

    /// Rows changed since the connection was opened, those of triggers among them.
    pub(crate) fn total_changes(&self) -> i64 {
        // SAFETY: the handle is open as long as `self`.
        unsafe { ffi::sqlite3_total_changes64(self.raw) }
    }

    pub(crate) fn last_insert_rowid(&self) -> i64 {
        // SAFETY: the handle is open as long as `self`.
        unsafe { ffi::sqlite3_last_insert_rowid(self.raw) }
    }

    /// The newest error, which the call that returned `code` set.
    pub(crate) fn error(&self, code: c_int) -> RawError {
        // SAFETY: the handle is open; the message is NUL-terminated, valid until the next call on
        // the handle, and copied before that.
        let (extended, message, offset) = unsafe {
            let message = ffi::sqlite3_errmsg(self.raw);
            let extended = ffi::sqlite3_extended_errcode(self.raw);
            (extended, owned(message).unwrap_or_default(), ffi::sqlite3_error_offset(self.raw))
        };
        if extended & 0xff == code & 0xff {
            RawError { code: extended, message, offset: usize::try_from(offset).ok() }
        } else {
            RawError::of(code)
        }
    }
}

impl RawError {
    /// An error without a message of its own.
    pub(crate) fn of(code: c_int) -> Self {
        // SAFETY: the text is static.
        let message = unsafe { owned(ffi::sqlite3_errstr(code)) }.unwrap_or_default();
        Self { code, message, offset: None }
    }
}

/// Copies a C string, replacing invalid UTF-8; `None` for a null pointer.
///
/// # Safety
/// `text` must be null or NUL-terminated and valid for the call.
pub(super) unsafe fn owned(text: *const c_char) -> Option<String> {
    if text.is_null() {
        return None;
    }
    // SAFETY: by this function's contract.
    Some(unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
}
