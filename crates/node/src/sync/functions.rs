//! Functions of JavaScript that SQLite calls.

use actor_sqlite_session::{FunctionOp, FunctionOptions, SqlFunction, Value, ValueRef};
use napi::bindgen_prelude::{FromNapiValue, ToNapiValue, Unknown};
use napi::{Env, JsValue, Result};
use napi_derive::napi;

use super::answer::{Raw, answer, call};
use super::kept::Kept;
use super::rows::Scope;
use super::values;
use crate::encode::Integers;

/// How a function is registered.
#[napi(object)]
#[derive(Debug)]
pub struct NativeFunctionOptions {
    /// In SQL.
    pub name: String,
    /// How many arguments; -1 for any number.
    pub arguments: i32,
    /// The same arguments give the same answer.
    pub deterministic: bool,
    /// Not to be called by the schema.
    pub direct_only: bool,
    /// An aggregate.
    pub aggregate: bool,
    /// One that takes rows out again.
    pub window: bool,
    /// How INTEGER arguments come.
    pub integers: u32,
}

/// Registers a function: `callback(op, aggregate, arguments)` must not throw, and answers a symbol if
/// it failed. `op`: 0 call, 1 step, 2 inverse, 3 value, 4 final.
#[napi(catch_unwind, ts_return_type = "unknown")]
pub fn sync_function(
    env: Env,
    connection: f64,
    database: f64,
    options: NativeFunctionOptions,
    #[napi(ts_arg_type = "(op: number, aggregate: number, values: unknown[]) => unknown")]
    callback: Unknown<'_>,
) -> Result<Raw> {
    let NativeFunctionOptions { name, arguments, deterministic, direct_only, .. } = options;
    let integers = Integers::of(options.integers.into()).unwrap_or(Integers::Auto);
    let callback = Kept::of(&env, &callback);
    let registration = FunctionOptions {
        name,
        arguments: u32::try_from(arguments).ok(),
        deterministic,
        direct_only,
        aggregate: options.aggregate,
        window: options.window,
    };
    let registered = call(connection, database, |database, session| {
        let function = JsFunction { callback, integers, reals: database.reals };
        session.register(&registration, Box::new(function))
    })?;
    answer(&env, registered)
}

struct JsFunction {
    callback: Kept,
    integers: Integers,
    reals: bool,
}

impl SqlFunction for JsFunction {
    fn call(&self, op: FunctionOp, aggregate: u64, arguments: &[ValueRef<'_>]) -> Option<Value> {
        let env = self.callback.env();
        let _scope = Scope::open(&env);
        self.answer(&env, op, aggregate, arguments).ok().flatten()
    }
}

impl JsFunction {
    fn answer(
        &self,
        env: &Env,
        op: FunctionOp,
        aggregate: u64,
        arguments: &[ValueRef<'_>],
    ) -> Result<Option<Value>> {
        let op = match op {
            FunctionOp::Call => 0,
            FunctionOp::Step => 1,
            FunctionOp::Inverse => 2,
            FunctionOp::Value => 3,
            FunctionOp::Final => 4,
        };
        let mut values = env.create_array(arguments.len() as u32)?;
        for (index, argument) in arguments.iter().enumerate() {
            let Some(value) = values::to_js(env, argument, self.integers)? else { return Ok(None) };
            values.set(index as u32, Raw(value))?;
        }
        // SAFETY: the environment is alive and this is its thread; the answer is of the scope that
        // is open.
        unsafe {
            let given = [
                i32::to_napi_value(env.raw(), op)?,
                f64::to_napi_value(env.raw(), aggregate as f64)?,
                values.raw(),
            ];
            let Some(result) = self.callback.call(&given) else { return Ok(None) };
            values::value(&Unknown::from_napi_value(env.raw(), result)?, self.reals).map(Some)
        }
    }
}

/// The database as the bytes of a SQLite file.
#[napi(catch_unwind, ts_return_type = "unknown")]
pub fn sync_serialize(env: Env, connection: f64, database: f64, schema: String) -> Result<Raw> {
    let bytes = call(connection, database, |_, session| session.serialize(&schema))?;
    answer(&env, bytes.map(napi::bindgen_prelude::Buffer::from))
}
