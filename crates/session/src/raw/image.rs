//! A database out of the bytes of a file.

use std::ptr;

use rusqlite::{Connection, ffi};

use super::db::{Db, RawError};

/// Where a file's header says its page size, and the two bytes that say WAL.
const PAGE_SIZE_AT: usize = 16;
const FORMAT_AT: std::ops::Range<usize> = 18..20;
const HEADER: &[u8; 16] = b"SQLite format 3\0";

impl Db {
    /// Replaces the main database by that of an image, in one transaction of its own. No statement
    /// may be under way. The image must have pages of `page_size` bytes.
    pub(crate) fn replace(&self, image: &[u8], page_size: u32) -> Result<(), RawError> {
        let has = |size: u32| {
            let at = image.get(PAGE_SIZE_AT..PAGE_SIZE_AT + 2);
            // The largest does not fit its field, which says 1.
            at.is_some_and(|at| u32::from(u16::from_be_bytes([at[0], at[1]])) == size % 65_535)
        };
        if !image.starts_with(HEADER) {
            return Err(RawError::of(ffi::SQLITE_NOTADB));
        }
        if !has(page_size) {
            let message = format!("the image must have pages of {page_size} bytes");
            return Err(RawError { message, ..RawError::of(ffi::SQLITE_MISMATCH) });
        }
        if !image.len().is_multiple_of(page_size as usize) {
            return Err(RawError::of(ffi::SQLITE_CORRUPT));
        }
        let source = in_memory(image)?;
        // SAFETY: both handles are open for longer than the copy, which this thread alone uses;
        // it is finished once, whatever came of it.
        let (copied, finished) = unsafe {
            let main = c"main".as_ptr();
            let backup = ffi::sqlite3_backup_init(self.raw(), main, source.handle(), main);
            if backup.is_null() {
                return Err(self.error(ffi::sqlite3_errcode(self.raw())));
            }
            (ffi::sqlite3_backup_step(backup, -1), ffi::sqlite3_backup_finish(backup))
        };
        match (copied, finished) {
            (ffi::SQLITE_DONE, ffi::SQLITE_OK) => Ok(()),
            (ffi::SQLITE_DONE | ffi::SQLITE_OK, code) | (code, _) => Err(self.error(code)),
        }
    }
}

/// A connection to an image in memory.
fn in_memory(image: &[u8]) -> Result<Connection, RawError> {
    let failed = |error: rusqlite::Error| {
        RawError::of(error.sqlite_error().map_or(ffi::SQLITE_ERROR, |error| error.extended_code))
    };
    let source = Connection::open_in_memory().map_err(failed)?;
    let length = image.len() as i64;
    let flags = ffi::SQLITE_DESERIALIZE_FREEONCLOSE | ffi::SQLITE_DESERIALIZE_READONLY;
    // SAFETY: the memory is `length` bytes; SQLite takes it over, also if it fails. The handle is
    // open.
    let code = unsafe {
        let start = ffi::sqlite3_malloc64(image.len() as u64).cast::<u8>();
        if start.is_null() {
            return Err(RawError::of(ffi::SQLITE_NOMEM));
        }
        ptr::copy_nonoverlapping(image.as_ptr(), start, image.len());
        // There is no WAL beside an image: it is whole.
        for at in FORMAT_AT.filter(|at| *at < image.len()) {
            start.add(at).write(1);
        }
        let main = c"main".as_ptr();
        ffi::sqlite3_deserialize(source.handle(), main, start, length, length, flags)
    };
    match code {
        ffi::SQLITE_OK => Ok(source),
        code => Err(RawError::of(code)),
    }
}
