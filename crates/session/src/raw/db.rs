//! The connection handle.

use std::ffi::{CStr, c_char, c_int};

use rusqlite::{Connection, ffi};

/// A failed call: SQLite's extended code, its message, and the byte of the SQL text it points at.
#[derive(Clone, Debug)]
pub(crate) struct RawError {
    pub(crate) code: c_int,
    pub(crate) message: String,
    pub(crate) offset: Option<usize>,
}

/// A connection, shared by its statements so that it closes after the last of them.
///
/// Opened without SQLite's own mutex: one thread at a time may use it and its statements.
pub(crate) struct Db {
    /// Closes the handle, which rolls back what is open.
    _connection: Connection,
    raw: *mut ffi::sqlite3,
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
        Self { _connection: connection, raw }
    }

    pub(super) fn raw(&self) -> *mut ffi::sqlite3 {
        self.raw
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
