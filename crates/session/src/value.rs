//! Values as they cross the border between a program and SQLite, without loss.

/// One SQL value, owned.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// NULL.
    Null,
    /// A 64-bit integer, exact.
    Integer(i64),
    /// A double. NaN becomes NULL in SQLite.
    Real(f64),
    /// UTF-8 text; may hold NUL characters.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

/// The parameters of one execution.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Params {
    /// None are given.
    #[default]
    None,
    /// By position, the first for `?1`. Their number must equal the statement's.
    Positional(Vec<Value>),
    /// By name, with or without its prefix (`:a`, `@a`, `$a` or `a`); looked up through SQLite's own
    /// parameter names. Missing and unknown names are errors.
    Named(Vec<(String, Value)>),
}
