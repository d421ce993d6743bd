//! SQLite's session extension: what changed in a database, recorded and applied to another one.

use std::any::Any;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::{self, NonNull};
use std::sync::Arc;

use rusqlite::ffi;

use super::db::{Db, RawError};
use crate::{ApplyChanges, ChangesetKind};

/// `sqlite3_session`.
#[repr(C)]
struct RawSession {
    _opaque: [u8; 0],
}

type Filter = unsafe extern "C" fn(*mut c_void, *const c_char) -> c_int;
type Conflict = unsafe extern "C" fn(*mut c_void, c_int, *mut c_void) -> c_int;

// The bindings that come with the library have these only where they are generated anew for each
// build. All have been as they are since SQLite 3.13.
unsafe extern "C" {
    fn sqlite3session_create(
        db: *mut ffi::sqlite3,
        schema: *const c_char,
        session: *mut *mut RawSession,
    ) -> c_int;
    fn sqlite3session_attach(session: *mut RawSession, table: *const c_char) -> c_int;
    fn sqlite3session_changeset(
        session: *mut RawSession,
        length: *mut c_int,
        changeset: *mut *mut c_void,
    ) -> c_int;
    fn sqlite3session_patchset(
        session: *mut RawSession,
        length: *mut c_int,
        patchset: *mut *mut c_void,
    ) -> c_int;
    fn sqlite3session_delete(session: *mut RawSession);
    fn sqlite3changeset_apply(
        db: *mut ffi::sqlite3,
        length: c_int,
        changeset: *mut c_void,
        filter: Option<Filter>,
        conflict: Option<Conflict>,
        context: *mut c_void,
    ) -> c_int;
}

/// Records what changes in one schema of a connection, from its beginning to its drop.
pub(crate) struct Recorder {
    raw: NonNull<RawSession>,
    db: Arc<Db>,
}

// SAFETY: as a statement, it moves between threads together with its connection.
unsafe impl Send for Recorder {}

impl Recorder {
    /// Begins to record the changes of `table`, or of all tables.
    pub(crate) fn begin(db: &Arc<Db>, schema: &str, table: Option<&str>) -> Result<Self, RawError> {
        let text = |text: &str| CString::new(text).map_err(|_| RawError::of(ffi::SQLITE_MISUSE));
        let (schema, table) = (text(schema)?, table.map(text).transpose()?);
        let mut raw = ptr::null_mut();
        // SAFETY: the handle is open, the text is NUL-terminated, the out pointer is ours.
        let code = unsafe { sqlite3session_create(db.raw(), schema.as_ptr(), &mut raw) };
        let raw = match NonNull::new(raw) {
            Some(raw) if code == ffi::SQLITE_OK => raw,
            _ => return Err(RawError::of(code)),
        };
        let recorder = Self { raw, db: Arc::clone(db) };
        let table = table.as_ref().map_or(ptr::null(), |table| table.as_ptr());
        // SAFETY: the recorder is alive; the text is NUL-terminated or null, and copied.
        match unsafe { sqlite3session_attach(raw.as_ptr(), table) } {
            ffi::SQLITE_OK => Ok(recorder),
            code => Err(RawError::of(code)),
        }
    }

    /// What has changed so far.
    pub(crate) fn changes(&mut self, kind: ChangesetKind) -> Result<Vec<u8>, RawError> {
        let make = match kind {
            ChangesetKind::Changeset => sqlite3session_changeset,
            ChangesetKind::Patchset => sqlite3session_patchset,
        };
        let (mut length, mut start) = (0, ptr::null_mut());
        // SAFETY: the recorder is alive and so is its connection; the out pointers are ours.
        let code = unsafe { make(self.raw.as_ptr(), &mut length, &mut start) };
        if code != ffi::SQLITE_OK {
            return Err(self.db.error(code));
        }
        // SAFETY: SQLite answered with that many bytes at `start`, or none at null, which are ours
        // to free, once.
        Ok(unsafe {
            let bytes = match NonNull::new(start.cast::<u8>()) {
                Some(bytes) => {
                    let length = usize::try_from(length).unwrap_or(0);
                    std::slice::from_raw_parts(bytes.as_ptr(), length).to_vec()
                }
                None => Vec::new(),
            };
            ffi::sqlite3_free(start);
            bytes
        })
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        // SAFETY: the recorder is alive and goes here, before its connection.
        unsafe { sqlite3session_delete(self.raw.as_ptr()) };
    }
}

/// What the callbacks of one application work with.
struct Applying<'a> {
    handler: &'a mut dyn ApplyChanges,
    panicked: Option<Box<dyn Any + Send>>,
}

impl Db {
    /// Makes the changes of a changeset or patchset in the main database, all or none.
    pub(crate) fn apply(
        &self,
        changeset: &[u8],
        handler: &mut dyn ApplyChanges,
    ) -> Result<(), RawError> {
        let length = c_int::try_from(changeset.len());
        let length = length.map_err(|_| RawError::of(ffi::SQLITE_TOOBIG))?;
        let autocommit = self.autocommit();
        let mut applying = Applying { handler, panicked: None };
        // SAFETY: the handle is open; the changeset is `length` bytes, which are only read; the
        // callbacks are called with `applying`, and no longer than this call lasts.
        let code = unsafe {
            sqlite3changeset_apply(
                self.raw(),
                length,
                changeset.as_ptr().cast_mut().cast(),
                Some(filter),
                Some(conflict),
                ptr::from_mut(&mut applying).cast(),
            )
        };
        if let Some(panicked) = applying.panicked {
            resume_unwind(panicked);
        }
        if code == ffi::SQLITE_OK {
            return Ok(());
        }
        self.failed(code, false, autocommit);
        // A failure of a statement inside has a message; one that the extension found has none.
        Err(match code {
            ffi::SQLITE_ABORT | ffi::SQLITE_MISUSE => RawError::of(code),
            code => self.error(code),
        })
    }
}

impl Applying<'_> {
    fn call(
        &mut self,
        ask: impl FnOnce(&mut dyn ApplyChanges) -> c_int,
        otherwise: c_int,
    ) -> c_int {
        match catch_unwind(AssertUnwindSafe(|| ask(&mut *self.handler))) {
            Ok(answer) => answer,
            Err(panicked) => {
                self.panicked = Some(panicked);
                otherwise
            }
        }
    }
}

/// # Safety
/// Called by SQLite, with the context of `apply`.
unsafe extern "C" fn filter(context: *mut c_void, table: *const c_char) -> c_int {
    // SAFETY: by this function's contract nobody else has the context now; the name is
    // NUL-terminated.
    let (applying, table) =
        unsafe { (&mut *context.cast::<Applying<'_>>(), CStr::from_ptr(table)) };
    applying.call(|handler| handler.wants(&table.to_string_lossy()).into(), 0)
}

/// # Safety
/// Called by SQLite, with the context of `apply`.
unsafe extern "C" fn conflict(context: *mut c_void, kind: c_int, _: *mut c_void) -> c_int {
    /// `SQLITE_CHANGESET_ABORT`.
    const ABORT: c_int = 2;
    // SAFETY: by this function's contract nobody else has the context now.
    let applying = unsafe { &mut *context.cast::<Applying<'_>>() };
    applying.call(|handler| handler.conflict(kind), ABORT)
}
