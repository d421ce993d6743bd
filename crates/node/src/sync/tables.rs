//! Virtual tables of JavaScript that SQLite reads.

use actor_sqlite_session::{SqlModule, SqlScan, SqlTable, SqlTableDefinition, Value, ValueRef};
use napi::bindgen_prelude::{Array, FromNapiValue, Object, ToNapiValue, Unknown};
use napi::{Env, JsValue, Result, sys};
use napi_derive::napi;

use super::answer::{Raw, answer, call, undefined};
use super::kept::Kept;
use super::rows::Scope;
use super::values;
use crate::encode::Integers;

/// What a scan is asked: to go to the next row, to end, or why it has such a cell.
const NEXT: i32 = 0;
const END: i32 = 1;
const REFUSE: i32 = 2;

/// Registers a module of virtual tables. Its functions must not throw, and answer a symbol if they failed.
///
/// `connect(arguments)` answers `{ parameters, columns, directOnly, integers, scan }`, and
/// `scan(values)`, where a parameter without a value has `undefined`, `{ cells, step }`. `step(0)` puts
/// the next row into the array `cells` and answers whether there is one; a cell that cannot be a value is
/// an error, which `step(2, error)` is told if SQLite asks for it. `step(1)` ends.
#[napi(catch_unwind, ts_return_type = "unknown")]
pub fn sync_table(
    env: Env,
    connection: f64,
    database: f64,
    name: String,
    eponymous: bool,
    #[napi(ts_arg_type = "(args: string[]) => unknown")] connect: Unknown<'_>,
) -> Result<Raw> {
    let connect = Kept::of(&env, &connect);
    let registered = call(connection, database, |database, session| {
        let module = JsModule { connect, reals: database.reals };
        session.register_module(&name, eponymous, Box::new(module))
    })?;
    answer(&env, registered)
}

struct JsModule {
    connect: Kept,
    reals: bool,
}

impl SqlModule for JsModule {
    fn connect(&self, arguments: &[&str]) -> Option<SqlTableDefinition> {
        let env = self.connect.env();
        let _scope = Scope::open(&env);
        self.answer(&env, arguments).ok().flatten()
    }
}

impl JsModule {
    fn answer(&self, env: &Env, arguments: &[&str]) -> Result<Option<SqlTableDefinition>> {
        let mut texts = env.create_array(arguments.len() as u32)?;
        for (index, argument) in arguments.iter().enumerate() {
            texts.set(index as u32, *argument)?;
        }
        let Some(definition) = object(env, self.connect.call(&[texts.raw()]))? else {
            return Ok(None);
        };
        let Some(scan) = definition.get::<Unknown>("scan")? else { return Ok(None) };
        let integers = definition.get::<u32>("integers")?.unwrap_or_default();
        let table = JsTable {
            scan: Kept::of(env, &scan),
            integers: Integers::of(integers.into()).unwrap_or(Integers::Auto),
            reals: self.reals,
        };
        Ok(Some(SqlTableDefinition {
            parameters: definition.get("parameters")?.unwrap_or_default(),
            columns: definition.get("columns")?.unwrap_or_default(),
            direct_only: definition.get("directOnly")?.unwrap_or_default(),
            table: Box::new(table),
        }))
    }
}

/// An answer; `None` for a failed call's.
fn object<'env>(env: &Env, answer: Option<sys::napi_value>) -> Result<Option<Object<'env>>> {
    let Some(answer) = answer else { return Ok(None) };
    // SAFETY: the value was answered in the scope that is open. A symbol is no object.
    Ok(unsafe { Object::from_napi_value(env.raw(), answer) }.ok())
}

struct JsTable {
    scan: Kept,
    integers: Integers,
    reals: bool,
}

impl SqlTable for JsTable {
    fn scan(&self, arguments: &[Option<ValueRef<'_>>]) -> Option<Box<dyn SqlScan>> {
        let env = self.scan.env();
        let _scope = Scope::open(&env);
        let scan = self.begin(&env, arguments).ok().flatten()?;
        Some(Box::new(scan))
    }
}

impl JsTable {
    fn begin(&self, env: &Env, arguments: &[Option<ValueRef<'_>>]) -> Result<Option<JsScan>> {
        let mut given = env.create_array(arguments.len() as u32)?;
        for (index, argument) in arguments.iter().enumerate() {
            let value = match argument {
                Some(value) => values::to_js(env, value, self.integers)?,
                None => Some(undefined(env)?),
            };
            let Some(value) = value else { return Ok(None) };
            given.set(index as u32, Raw(value))?;
        }
        let Some(scan) = object(env, self.scan.call(&[given.raw()]))? else { return Ok(None) };
        let (Some(cells), Some(step)) =
            (scan.get::<Unknown>("cells")?, scan.get::<Unknown>("step")?)
        else {
            return Ok(None);
        };
        let (cells, step) = (Kept::of(env, &cells), Kept::of(env, &step));
        Ok(Some(JsScan { cells, step, reals: self.reals }))
    }
}

struct JsScan {
    cells: Kept,
    step: Kept,
    reals: bool,
}

impl JsScan {
    fn step(&self, op: i32) -> Result<Option<bool>> {
        let env = self.step.env();
        let _scope = Scope::open(&env);
        // SAFETY: the environment is alive and this is its thread; the answer is of the scope that
        // is open. A symbol is no boolean.
        unsafe {
            let op = i32::to_napi_value(env.raw(), op)?;
            let Some(answer) = self.step.call(&[op]) else { return Ok(None) };
            bool::from_napi_value(env.raw(), answer).map(Some)
        }
    }

    fn cell(&self, column: usize) -> Result<Option<Value>> {
        let env = self.step.env();
        let _scope = Scope::open(&env);
        // SAFETY: as in `step`.
        let cells = unsafe { Array::from_napi_value(env.raw(), self.cells.value()) }?;
        let Some(cell) = cells.get::<Unknown>(column as u32)? else { return Ok(Some(Value::Null)) };
        if cell.is_error()? {
            // SAFETY: as in `step`.
            let op = unsafe { i32::to_napi_value(env.raw(), REFUSE) }?;
            self.step.call(&[op, cell.raw()]);
            return Ok(None);
        }
        values::value(&cell, self.reals).map(Some)
    }
}

impl SqlScan for JsScan {
    fn next(&mut self) -> Option<bool> {
        self.step(NEXT).ok().flatten()
    }

    fn value(&self, column: usize) -> Option<Value> {
        self.cell(column).ok().flatten()
    }
}

impl Drop for JsScan {
    fn drop(&mut self) {
        // It may have ended before; its rows end here at the latest.
        let _ = self.step(END);
    }
}
