//! Changesets and patchsets: what changed in a database, and what it does to another one.

/// Which form recorded changes take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangesetKind {
    /// With the values that were there before: can be inverted, and finds every conflict.
    Changeset,
    /// Without them, but for primary keys.
    Patchset,
}

/// Decides while changes are applied. Both are called in the middle of a call of the session, which
/// must not be called again from there.
pub trait ApplyChanges {
    /// Whether the changes of a table are applied.
    fn wants(&mut self, table: &str) -> bool;

    /// What to do about a change that does not fit, by SQLite's numbers (`SQLITE_CHANGESET_DATA` …
    /// `SQLITE_CHANGESET_FOREIGN_KEY`): omit it (0), replace what is there (1), or abort (2). SQLite
    /// fails with `SQLITE_MISUSE` where the answer does not fit the conflict.
    fn conflict(&mut self, kind: i32) -> i32;
}
