//! SQLite is compiled as `docs/SQLITE.md` says.
#![allow(clippy::unwrap_used)]

mod common;

use common::*;

#[test]
fn compile_options() {
    let db = fresh();
    let rows = db.all("PRAGMA compile_options").unwrap();
    let options: Vec<String> = rows.iter().map(|row| format!("{:?}", row[0])).collect();
    let has = |option: &str| options.contains(&format!("Text({option:?})"));
    let any = |prefix: &str| options.iter().any(|it| it.contains(prefix));
    for option in [
        "ENABLE_BATCH_ATOMIC_WRITE",
        "ENABLE_MATH_FUNCTIONS",
        "ENABLE_SESSION",
        "ENABLE_PREUPDATE_HOOK",
        "ENABLE_FTS5",
        "ENABLE_RTREE",
        "ENABLE_DBSTAT_VTAB",
        "ENABLE_COLUMN_METADATA",
        "ENABLE_STAT4",
        "THREADSAFE=2",
        "DQS=0",
        "LIKE_DOESNT_MATCH_BLOBS",
        "OMIT_LOAD_EXTENSION",
        "OMIT_SHARED_CACHE",
        "STRICT_SUBTYPE",
        "MAX_MMAP_SIZE=0",
        "TEMP_STORE=1",
        "DEFAULT_FOREIGN_KEYS",
    ] {
        assert!(has(option), "{option} is not among {options:#?}");
    }
    // USE_URI is listed whatever its value: that it is 0 is shown below.
    for prefix in ["ENABLE_LOAD_EXTENSION", "API_ARMOR", "DEFAULT_MEMSTATUS=1"] {
        assert!(!any(prefix), "{prefix} is among {options:#?}");
    }
}

#[test]
fn names_are_not_uris() {
    let dir = tempfile::tempdir().unwrap();
    let name = format!("file:{}/x?mode=memory", dir.path().display());
    assert!(
        rusqlite::Connection::open_with_flags(
            name,
            rusqlite::OpenFlags::default() - rusqlite::OpenFlags::SQLITE_OPEN_URI
        )
        .is_err()
    );
}
