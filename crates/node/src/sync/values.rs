//! Values between JavaScript and SQLite.

use actor_sqlite_session::{Params, Value, ValueRef};
use napi::bindgen_prelude::{
    Array, BigInt, BufferSlice, FromNapiValue, Null, ToNapiValue, Unknown,
};
use napi::{Env, Error, JsValue, Result, Status, ValueType, sys};

use crate::encode::{Integers, SAFE_INTEGER_MAX};

/// The values of one run, which the facade has put in the order of the parameters.
pub fn params(values: Option<Array<'_>>, reals: bool) -> Result<Option<Params>> {
    let Some(values) = values else { return Ok(None) };
    let count = values.len();
    if count == 0 {
        return Ok(Some(Params::None));
    }
    let mut params = Vec::with_capacity(count as usize);
    for index in 0..count {
        let given = values.get::<Unknown>(index)?;
        params.push(given.map_or(Ok(Value::Null), |given| value(&given, reals))?);
    }
    Ok(Some(Params::Positional(params)))
}

/// A number, a string, a bigint of 64 bits, a `Uint8Array`, `null` or `undefined`.
pub fn value(given: &Unknown<'_>, reals: bool) -> Result<Value> {
    let (env, raw) = (given.value().env, given.value().value);
    // SAFETY: `raw` is a live value of `env`, as `given` is; each conversion checks its type.
    unsafe {
        Ok(match given.get_type()? {
            ValueType::Null | ValueType::Undefined => Value::Null,
            ValueType::Number => number(f64::from_napi_value(env, raw)?, reals),
            ValueType::String => Value::Text(String::from_napi_value(env, raw)?),
            ValueType::BigInt => match BigInt::from_napi_value(env, raw)?.get_i64() {
                (integer, true) => Value::Integer(integer),
                (_, false) => return Err(unfit("a bigint of more than 64 bits")),
            },
            ValueType::Boolean => Value::Integer(bool::from_napi_value(env, raw)?.into()),
            ValueType::Object => Value::Blob(<&[u8]>::from_napi_value(env, raw)?.to_vec()),
            _ => return Err(unfit("a value that SQLite has not")),
        })
    }
}

fn unfit(what: &str) -> Error {
    Error::new(Status::InvalidArg, what)
}

fn number(number: f64, reals: bool) -> Value {
    // -0 would lose its sign.
    let whole = number.fract() == 0.0
        && number.abs() <= SAFE_INTEGER_MAX as f64
        && !(number == 0.0 && number.is_sign_negative());
    if whole && !reals { Value::Integer(number as i64) } else { Value::Real(number) }
}

/// A value for JavaScript. `None` for an integer that the mode has no number for.
pub fn to_js(
    env: &Env,
    value: &ValueRef<'_>,
    integers: Integers,
) -> Result<Option<sys::napi_value>> {
    let raw = env.raw();
    // SAFETY: `env` is alive and this is its thread.
    unsafe {
        match value {
            ValueRef::Null => Null::to_napi_value(raw, Null),
            ValueRef::Integer(integer) => return integer_to_js(env, *integer, integers),
            ValueRef::Real(real) => f64::to_napi_value(raw, *real),
            ValueRef::Text(text) if text.is_ascii() && text.len() <= i32::MAX as usize => {
                Ok(env.create_string_latin1(text)?.raw())
            }
            ValueRef::Text(text) => {
                String::to_napi_value(raw, String::from_utf8_lossy(text).into_owned())
            }
            ValueRef::Blob(blob) => {
                BufferSlice::to_napi_value(raw, BufferSlice::copy_from(env, *blob)?)
            }
        }
        .map(Some)
    }
}

/// An integer as the mode wants it.
pub fn integer_to_js(
    env: &Env,
    integer: i64,
    integers: Integers,
) -> Result<Option<sys::napi_value>> {
    let exact = integer.unsigned_abs() <= SAFE_INTEGER_MAX.unsigned_abs();
    let as_number = match integers {
        Integers::Number if !exact => return Ok(None),
        Integers::Number | Integers::Rounded => true,
        Integers::BigInt => false,
        Integers::Auto => exact,
    };
    // SAFETY: `env` is alive and this is its thread.
    unsafe {
        match (as_number, i32::try_from(integer)) {
            (true, Ok(small)) => i32::to_napi_value(env.raw(), small),
            (true, Err(_)) => f64::to_napi_value(env.raw(), integer as f64),
            (false, _) => BigInt::to_napi_value(env.raw(), BigInt::from(integer)),
        }
    }
    .map(Some)
}
