//! Calls and their answers. An answer is a value, an array, or an object: a failed call's is an
//! `ErrorPayload`, which has a `kind`.

use std::rc::Rc;

use actor_sqlite_session::{Params, SessionError, SyncSession};
use napi::bindgen_prelude::{Array, ToNapiValue};
use napi::{Env, Result, sys};

use super::SyncDatabase;
use super::values;
use crate::error::{ErrorPayload, Outcome};
use crate::exports::with;

/// Makes a call. The environment's tables are free meanwhile: SQLite may call JavaScript.
pub fn call<T>(
    connection: f64,
    database: f64,
    use_it: impl FnOnce(&Rc<SyncDatabase>, &mut SyncSession) -> std::result::Result<T, SessionError>,
) -> Result<Outcome<T>> {
    let found = with(connection, |it| it.sync.get(database as u64).cloned())?;
    Ok(match found {
        Some(database) => database.with(|session| use_it(&database, session)),
        None => Err(Box::new(ErrorPayload::closed("database"))),
    })
}

/// Makes a call with values.
pub fn run<T>(
    connection: f64,
    database: f64,
    values: Option<Array<'_>>,
    use_it: impl FnOnce(&mut SyncSession, Option<Params>) -> std::result::Result<T, SessionError>,
) -> Result<Outcome<T>> {
    let found = with(connection, |it| it.sync.get(database as u64).cloned())?;
    let Some(database) = found else { return Ok(Err(Box::new(ErrorPayload::closed("database")))) };
    let params = values::params(values, database.reals)?;
    Ok(database.with(|session| use_it(session, params)))
}

/// A call's answer, or its failure.
pub fn answer<T: ToNapiValue>(env: &Env, outcome: Outcome<T>) -> Result<Raw> {
    match outcome {
        // SAFETY: `env` is alive and this is its thread.
        Ok(value) => unsafe { T::to_napi_value(env.raw(), value) }.map(Raw),
        Err(error) => failure(env, error),
    }
}

/// A failure of a call.
pub fn failure(env: &Env, error: Box<ErrorPayload>) -> Result<Raw> {
    // SAFETY: as above.
    unsafe { ErrorPayload::to_napi_value(env.raw(), *error) }.map(Raw)
}

/// No value.
pub fn undefined(env: &Env) -> Result<sys::napi_value> {
    // SAFETY: as above.
    unsafe { <()>::to_napi_value(env.raw(), ()) }
}

/// A value that is one of JavaScript's already.
pub struct Raw(pub sys::napi_value);

impl ToNapiValue for Raw {
    // SAFETY: the value is alive in the environment that it was made in, which is the caller's.
    unsafe fn to_napi_value(_: sys::napi_env, raw: Self) -> Result<sys::napi_value> {
        Ok(raw.0)
    }
}
