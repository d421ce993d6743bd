//! Scans of virtual tables that a caller brings.

use std::ffi::{c_char, c_int};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::{self, NonNull};

use rusqlite::ffi;

use super::functions::{borrowed, set_result};
use super::modules::Table;
use crate::SqlScan;

const FAILED: &str = "a virtual table failed";

/// A cursor of SQLite's over a table. SQLite's part comes first: it has pointers to that.
#[repr(C)]
struct Cursor {
    base: ffi::sqlite3_vtab_cursor,
    /// What the parameters are given, exactly: it is what their columns show.
    given: Vec<Option<Given>>,
    /// `None` before the first row and after the last.
    scan: Option<Box<dyn SqlScan>>,
    rowid: i64,
}

/// A copy of a value of SQLite's.
struct Given(NonNull<ffi::sqlite3_value>);

impl Drop for Given {
    fn drop(&mut self) {
        // SAFETY: made by `sqlite3_value_dup`, freed once.
        unsafe { ffi::sqlite3_value_free(self.0.as_ptr()) };
    }
}

/// A text in memory of SQLite's, which it frees; null if there is none.
pub(super) fn message(text: &str) -> *mut c_char {
    // SAFETY: the memory is a byte longer than the text, for the NUL.
    unsafe {
        let start = ffi::sqlite3_malloc64(text.len() as u64 + 1).cast::<u8>();
        if !start.is_null() {
            ptr::copy_nonoverlapping(text.as_ptr(), start, text.len());
            start.add(text.len()).write(0);
        }
        start.cast()
    }
}

/// Leaves a message with a table.
///
/// # Safety
/// `table` must be alive, in a call of a method of it.
pub(super) unsafe fn fail(table: *mut ffi::sqlite3_vtab, text: &str) -> c_int {
    // SAFETY: by this function's contract; the message before is SQLite's memory, or null.
    unsafe {
        ffi::sqlite3_free((*table).zErrMsg.cast());
        (*table).zErrMsg = message(text);
    }
    ffi::SQLITE_ERROR
}

pub(super) unsafe extern "C" fn open(
    _: *mut ffi::sqlite3_vtab,
    cursor: *mut *mut ffi::sqlite3_vtab_cursor,
) -> c_int {
    let base = ffi::sqlite3_vtab_cursor { pVtab: ptr::null_mut() };
    let made = Box::new(Cursor { base, given: Vec::new(), scan: None, rowid: 0 });
    // SAFETY: SQLite's place for the answer; it fills in the table.
    unsafe { *cursor = Box::into_raw(made).cast() };
    ffi::SQLITE_OK
}

pub(super) unsafe extern "C" fn close(cursor: *mut ffi::sqlite3_vtab_cursor) -> c_int {
    // SAFETY: what `open` made, given back once.
    let cursor = unsafe { Box::from_raw(cursor.cast::<Cursor>()) };
    let _ = catch_unwind(AssertUnwindSafe(move || drop(cursor)));
    ffi::SQLITE_OK
}

/// Begins a scan, with a value for each parameter whose bit is set in `bits`.
pub(super) unsafe extern "C" fn filter(
    cursor: *mut ffi::sqlite3_vtab_cursor,
    bits: c_int,
    _: *const c_char,
    count: c_int,
    values: *mut *mut ffi::sqlite3_value,
) -> c_int {
    // SAFETY: a cursor of ours over a table of ours, both alive for the call, and nobody else uses
    // the cursor; the values are `count`.
    unsafe {
        let raw = (*cursor).pVtab;
        let table = &*raw.cast::<Table>();
        let cursor = &mut *cursor.cast::<Cursor>();
        let mut values = (0..usize::try_from(count).unwrap_or(0)).map(|index| *values.add(index));
        let mut has_null = false;
        cursor.given.clear();
        for parameter in 0..table.parameters.len() {
            let is_given = bits.cast_unsigned() >> parameter & 1 == 1;
            let Some(value) = is_given.then(|| values.next()).flatten() else {
                cursor.given.push(None);
                continue;
            };
            let Some(copy) = NonNull::new(ffi::sqlite3_value_dup(value)) else {
                return ffi::SQLITE_NOMEM;
            };
            has_null |= ffi::sqlite3_value_type(copy.as_ptr()) == ffi::SQLITE_NULL;
            cursor.given.push(Some(Given(copy)));
        }
        let begun = catch_unwind(AssertUnwindSafe(|| {
            cursor.scan = None;
            cursor.rowid = 0;
            if has_null {
                // Nothing equals NULL.
                return Some(());
            }
            let value = |given: &Option<Given>| given.as_ref().map(|it| borrowed(it.0.as_ptr()));
            let arguments: Vec<_> = cursor.given.iter().map(value).collect();
            cursor.scan = Some(table.table.scan(&arguments)?);
            cursor.advance()
        }));
        match begun {
            Ok(Some(())) => ffi::SQLITE_OK,
            Ok(None) | Err(_) => fail(raw, FAILED),
        }
    }
}

impl Cursor {
    /// Goes to the next row. `None` if that failed.
    fn advance(&mut self) -> Option<()> {
        if let Some(scan) = &mut self.scan {
            if scan.next()? {
                self.rowid += 1;
            } else {
                self.scan = None;
            }
        }
        Some(())
    }
}

pub(super) unsafe extern "C" fn next(cursor: *mut ffi::sqlite3_vtab_cursor) -> c_int {
    // SAFETY: as in `filter`.
    unsafe {
        let table = (*cursor).pVtab;
        let cursor = &mut *cursor.cast::<Cursor>();
        match catch_unwind(AssertUnwindSafe(|| cursor.advance())) {
            Ok(Some(())) => ffi::SQLITE_OK,
            Ok(None) | Err(_) => fail(table, FAILED),
        }
    }
}

pub(super) unsafe extern "C" fn eof(cursor: *mut ffi::sqlite3_vtab_cursor) -> c_int {
    // SAFETY: a cursor of ours, alive for the call.
    unsafe { &*cursor.cast::<Cursor>() }.scan.is_none().into()
}

pub(super) unsafe extern "C" fn column(
    cursor: *mut ffi::sqlite3_vtab_cursor,
    context: *mut ffi::sqlite3_context,
    column: c_int,
) -> c_int {
    // SAFETY: as in `eof`; SQLite copies what it is given for the column.
    unsafe {
        let cursor = &*cursor.cast::<Cursor>();
        let column = usize::try_from(column).unwrap_or(0);
        let Some(column) = column.checked_sub(cursor.given.len()) else {
            if let Some(Some(given)) = cursor.given.get(column) {
                ffi::sqlite3_result_value(context, given.0.as_ptr());
            }
            return ffi::SQLITE_OK;
        };
        let value = catch_unwind(AssertUnwindSafe(|| cursor.scan.as_ref()?.value(column)));
        if let Ok(Some(value)) = value {
            set_result(context, &value);
            return ffi::SQLITE_OK;
        }
        ffi::sqlite3_result_error(context, FAILED.as_ptr().cast(), FAILED.len() as c_int);
        ffi::SQLITE_ERROR
    }
}

pub(super) unsafe extern "C" fn rowid(
    cursor: *mut ffi::sqlite3_vtab_cursor,
    rowid: *mut i64,
) -> c_int {
    // SAFETY: as in `eof`; the place is SQLite's, for the answer.
    unsafe { *rowid = (*cursor.cast::<Cursor>()).rowid };
    ffi::SQLITE_OK
}
