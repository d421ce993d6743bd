//! `SQLITE_FCNTL_PRAGMA`: the C strings around [`crate::pragma`].

use std::ffi::{CStr, c_char, c_int};

use libsqlite3_sys as ffi;

use crate::open_file::OpenFile;
use crate::pragma::PragmaAnswer;

/// Decides on a PRAGMA. `SQLITE_NOTFOUND` lets SQLite execute it.
///
/// # Safety
/// `strings` is the array of the file control: a place for the answer, the PRAGMA's name, its
/// argument or null. The argument is SQLite's own copy on its heap, and writable.
pub(super) unsafe fn handle(open: &mut OpenFile, strings: *mut *mut c_char) -> c_int {
    // SAFETY: as the caller promises.
    let (answer, argument) = unsafe {
        let argument = *strings.add(2);
        let text = |pointer: *mut c_char| CStr::from_ptr(pointer).to_string_lossy();
        let value = (!argument.is_null()).then(|| text(argument));
        (open.pragma(&text(*strings.add(1)), value.as_deref()), argument)
    };
    match answer {
        PragmaAnswer::Execute => ffi::SQLITE_NOTFOUND,
        PragmaAnswer::ExecuteWith(character) => {
            // SAFETY: there is an argument, it is not empty, and it has a terminator: two bytes.
            unsafe {
                *argument = character as c_char;
                *argument.add(1) = 0;
            }
            ffi::SQLITE_NOTFOUND
        }
        PragmaAnswer::Text(text) => {
            // SAFETY: the answer's place is writable; SQLite frees what is put there.
            unsafe { *strings = allocate(text) };
            ffi::SQLITE_OK
        }
        PragmaAnswer::Nothing => ffi::SQLITE_OK,
    }
}

/// A copy on SQLite's heap; null, which is no answer, if that is full.
fn allocate(text: &str) -> *mut c_char {
    // SAFETY: the copy fits the allocation, and the terminator behind it.
    unsafe {
        let copy = ffi::sqlite3_malloc64(text.len() as u64 + 1).cast::<c_char>();
        if !copy.is_null() {
            std::ptr::copy_nonoverlapping(text.as_ptr().cast(), copy, text.len());
            *copy.add(text.len()) = 0;
        }
        copy
    }
}
