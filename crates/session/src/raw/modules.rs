//! Modules of virtual tables that a caller brings, for reading.

use std::ffi::{CString, c_char, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use rusqlite::ffi;

use super::db::owned;
use super::scans::{self, fail, message};
use crate::{SqlModule, SqlTable, SqlTableDefinition};

/// As many parameters as bits tell apart.
const PARAMETERS_MAX: usize = 32;

/// What SQLite is told a scan costs that is given nothing, so that it makes as few as it can.
const SCAN_COST: i32 = 1_000_000_000;

/// Tables are created, and are part of the schema.
static CREATED: ffi::sqlite3_module = module(true);
/// One table by the name of the module, which cannot be created.
static EPONYMOUS: ffi::sqlite3_module = module(false);

const fn module(created: bool) -> ffi::sqlite3_module {
    ffi::sqlite3_module {
        // SQLite's version 1: none of what came later.
        iVersion: 1,
        // Without it a table has the name of its module; if it is `xConnect` itself there are both.
        xCreate: if created { Some(create) } else { None },
        xConnect: Some(connect),
        xBestIndex: Some(best_index),
        xDisconnect: Some(disconnect),
        xDestroy: Some(disconnect),
        xOpen: Some(scans::open),
        xClose: Some(scans::close),
        xFilter: Some(scans::filter),
        xNext: Some(scans::next),
        xEof: Some(scans::eof),
        xColumn: Some(scans::column),
        xRowid: Some(scans::rowid),
        xUpdate: None,
        xBegin: None,
        xSync: None,
        xCommit: None,
        xRollback: None,
        xFindFunction: None,
        xRename: None,
        xSavepoint: None,
        xRelease: None,
        xRollbackTo: None,
        xShadowName: None,
        xIntegrity: None,
    }
}

/// A table that SQLite knows. SQLite's part comes first: it has pointers to that.
#[repr(C)]
pub(super) struct Table {
    base: ffi::sqlite3_vtab,
    pub(super) table: Box<dyn SqlTable>,
    /// The first columns, which are hidden.
    pub(super) parameters: Vec<String>,
}

/// Registers a module, or replaces the one of that name; tables that are in use keep theirs.
///
/// # Safety
/// `db` must be an open handle that only this thread uses.
pub(super) unsafe fn register(
    db: *mut ffi::sqlite3,
    name: &str,
    eponymous: bool,
    module: Box<dyn SqlModule>,
) -> c_int {
    let Ok(name) = CString::new(name) else { return ffi::SQLITE_MISUSE };
    let methods = if eponymous { &EPONYMOUS } else { &CREATED };
    let user = Box::into_raw(Box::new(module)).cast::<c_void>();
    // SAFETY: the handle is open and the methods are static; SQLite calls `forget` with `user`
    // exactly once, also if this fails.
    unsafe { ffi::sqlite3_create_module_v2(db, name.as_ptr(), methods, user, Some(forget)) }
}

unsafe extern "C" fn forget(user: *mut c_void) {
    // SAFETY: what `register` made, given back once.
    let module = unsafe { Box::from_raw(user.cast::<Box<dyn SqlModule>>()) };
    let _ = catch_unwind(AssertUnwindSafe(move || drop(module)));
}

unsafe extern "C" fn create(
    db: *mut ffi::sqlite3,
    user: *mut c_void,
    count: c_int,
    arguments: *const *const c_char,
    table: *mut *mut ffi::sqlite3_vtab,
    error: *mut *mut c_char,
) -> c_int {
    // SAFETY: nothing is stored, so that creating a table is connecting to it.
    unsafe { connect(db, user, count, arguments, table, error) }
}

unsafe extern "C" fn connect(
    db: *mut ffi::sqlite3,
    user: *mut c_void,
    count: c_int,
    arguments: *const *const c_char,
    table: *mut *mut ffi::sqlite3_vtab,
    error: *mut *mut c_char,
) -> c_int {
    // SAFETY: the module and the arguments, `count` C strings, are alive for the call.
    let made = unsafe {
        let module = &*user.cast::<Box<dyn SqlModule>>();
        let texts: Vec<String> = (0..usize::try_from(count).unwrap_or(0))
            .map(|index| owned(*arguments.add(index)).unwrap_or_default())
            .collect();
        catch_unwind(AssertUnwindSafe(|| {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            module.connect(&texts)
        }))
    };
    // SAFETY: the handle is open, it calls this for a table of its own; `table` and `error` are
    // SQLite's places for the answer.
    unsafe {
        match made {
            Ok(Some(definition)) => match declare(db, definition) {
                Ok(declared) => {
                    *table = Box::into_raw(declared).cast::<ffi::sqlite3_vtab>();
                    ffi::SQLITE_OK
                }
                Err(text) => {
                    *error = message(&text);
                    ffi::SQLITE_ERROR
                }
            },
            Ok(None) | Err(_) => {
                *error = message("a module of virtual tables failed");
                ffi::SQLITE_ERROR
            }
        }
    }
}

/// Tells SQLite the columns of a table.
///
/// # Safety
/// To be called while the open handle `db` connects to that table.
unsafe fn declare(
    db: *mut ffi::sqlite3,
    definition: SqlTableDefinition,
) -> Result<Box<Table>, String> {
    let SqlTableDefinition { parameters, columns, direct_only, table } = definition;
    if parameters.len() > PARAMETERS_MAX {
        return Err(format!("a virtual table has at most {PARAMETERS_MAX} parameters"));
    }
    let quoted = |name: &String| format!("\"{}\"", name.replace('"', "\"\""));
    let hidden = parameters.iter().map(|name| quoted(name) + " HIDDEN");
    let all: Vec<String> = hidden.chain(columns.iter().map(quoted)).collect();
    let sql = CString::new(format!("CREATE TABLE x({})", all.join(", ")))
        .map_err(|_| "a column's name has a NUL".to_owned())?;
    // The schema is not trusted: without being innocuous no view or trigger could read it.
    let risk = if direct_only { ffi::SQLITE_VTAB_DIRECTONLY } else { ffi::SQLITE_VTAB_INNOCUOUS };
    // SAFETY: the handle is open and connects to a table; its message is copied at once.
    unsafe {
        if ffi::sqlite3_declare_vtab(db, sql.as_ptr()) != ffi::SQLITE_OK
            || ffi::sqlite3_vtab_config(db, risk) != ffi::SQLITE_OK
        {
            return Err(owned(ffi::sqlite3_errmsg(db)).unwrap_or_default());
        }
    }
    let base = ffi::sqlite3_vtab { pModule: ptr::null(), nRef: 0, zErrMsg: ptr::null_mut() };
    Ok(Box::new(Table { base, table, parameters }))
}

unsafe extern "C" fn disconnect(table: *mut ffi::sqlite3_vtab) -> c_int {
    // SAFETY: what `connect` made, given back once, after the last of its cursors.
    let table = unsafe { Box::from_raw(table.cast::<Table>()) };
    let _ = catch_unwind(AssertUnwindSafe(move || drop(table)));
    ffi::SQLITE_OK
}

/// Asks for the value of each parameter that is given one, in the order of the parameters.
unsafe extern "C" fn best_index(
    table: *mut ffi::sqlite3_vtab,
    info: *mut ffi::sqlite3_index_info,
) -> c_int {
    // SAFETY: SQLite's question, with as many constraints and places for answers as it says; the
    // table is one of ours.
    unsafe {
        let parameters = &(*table.cast::<Table>()).parameters;
        let mut given = [None; PARAMETERS_MAX];
        for at in 0..usize::try_from((*info).nConstraint).unwrap_or(0) {
            let constraint = &*(*info).aConstraint.add(at);
            let op = c_int::from(constraint.op);
            // Those two are about no column.
            if op == ffi::SQLITE_INDEX_CONSTRAINT_LIMIT || op == ffi::SQLITE_INDEX_CONSTRAINT_OFFSET
            {
                continue;
            }
            let Ok(parameter) = usize::try_from(constraint.iColumn) else { continue };
            let Some(name) = parameters.get(parameter) else { continue };
            if op != ffi::SQLITE_INDEX_CONSTRAINT_EQ {
                let text = format!(
                    "virtual table parameter \"{name}\" can only be constrained by the '=' operator"
                );
                return fail(table, &text);
            }
            if constraint.usable == 0 {
                // A plan without it would leave out what was given.
                return ffi::SQLITE_CONSTRAINT;
            }
            given[parameter].get_or_insert(at);
        }
        let (mut bits, mut count) = (0_u32, 0);
        for (parameter, at) in given.iter().enumerate() {
            if let Some(at) = at {
                bits |= 1 << parameter;
                count += 1;
                let usage = &mut *(*info).aConstraintUsage.add(*at);
                usage.argvIndex = count;
                usage.omit = 1;
            }
        }
        (*info).idxNum = bits.cast_signed();
        let cost = SCAN_COST / (count + 1);
        (*info).estimatedCost = cost.into();
        (*info).estimatedRows = cost.into();
    }
    ffi::SQLITE_OK
}
