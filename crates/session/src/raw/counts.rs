//! `changes()` and `total_changes()` of a connection that goes on where another one ended.
//!
//! SQLite can be told the last rowid, but not these: the functions are replaced.

use std::cell::Cell;
use std::ffi::{CStr, c_int, c_void};
use std::rc::Rc;

use rusqlite::ffi;

use super::db::RawError;

/// What the connection before had counted.
pub(super) struct Counts {
    /// Holds until a statement of this connection counts.
    pub(super) changes: Cell<i64>,
    pub(super) total: i64,
}

impl Counts {
    /// `raw` says 0 as long as no statement of its own has counted, and after one that changed
    /// nothing, which `changes` is then told. Inside a trigger it counts for itself.
    pub(super) fn changes(&self, raw: i64) -> i64 {
        if raw == 0 { self.changes.get() } else { raw }
    }
}

/// Replaces the functions on a connection.
///
/// # Safety
/// `db` must be an open handle; it, and whoever else has `counts`, must be used by one thread at a
/// time.
pub(super) unsafe fn register(db: *mut ffi::sqlite3, counts: &Rc<Counts>) -> Result<(), RawError> {
    type Function =
        unsafe extern "C" fn(*mut ffi::sqlite3_context, c_int, *mut *mut ffi::sqlite3_value);
    let functions: [(&CStr, Function); 2] =
        [(c"changes", changes), (c"total_changes", total_changes)];
    for (name, function) in functions {
        let counts = Rc::into_raw(Rc::clone(counts)).cast_mut().cast::<c_void>();
        // Innocuous, as SQLite's own are: a schema may use them.
        let flags = ffi::SQLITE_UTF8 | ffi::SQLITE_INNOCUOUS;
        // SAFETY: the handle is open, the name static, and `forget` gives back the count that was
        // taken here, also if this fails.
        let code = unsafe {
            ffi::sqlite3_create_function_v2(
                db,
                name.as_ptr(),
                0,
                flags,
                counts,
                Some(function),
                None,
                None,
                Some(forget),
            )
        };
        if code != ffi::SQLITE_OK {
            return Err(RawError::of(code));
        }
    }
    Ok(())
}

unsafe extern "C" fn changes(
    context: *mut ffi::sqlite3_context,
    _: c_int,
    _: *mut *mut ffi::sqlite3_value,
) {
    // SAFETY: SQLite calls with a live context, whose user data is what `register` gave.
    unsafe {
        let counts = &*ffi::sqlite3_user_data(context).cast::<Counts>();
        let raw = ffi::sqlite3_changes64(ffi::sqlite3_context_db_handle(context));
        ffi::sqlite3_result_int64(context, counts.changes(raw));
    }
}

unsafe extern "C" fn total_changes(
    context: *mut ffi::sqlite3_context,
    _: c_int,
    _: *mut *mut ffi::sqlite3_value,
) {
    // SAFETY: as in `changes`.
    unsafe {
        let counts = &*ffi::sqlite3_user_data(context).cast::<Counts>();
        let raw = ffi::sqlite3_total_changes64(ffi::sqlite3_context_db_handle(context));
        ffi::sqlite3_result_int64(context, raw.wrapping_add(counts.total));
    }
}

unsafe extern "C" fn forget(counts: *mut c_void) {
    // SAFETY: SQLite calls this once for each registration, with what `register` gave.
    drop(unsafe { Rc::from_raw(counts.cast::<Counts>()) });
}
