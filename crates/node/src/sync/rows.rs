//! Rows into JavaScript's values, while SQLite stands on them.

use std::ptr;
use std::sync::Arc;

use actor_sqlite_session::{RowRef, RowSink, Shape, ValueRef};
use napi::bindgen_prelude::{Array, ArrayBuffer, Object, ToNapiValue};
use napi::{Env, JsValue, Result, sys};

use super::answer::Raw;
use super::values;
use crate::encode::Integers;
use crate::error::{ErrorPayload, unsafe_integer};

/// Cells row by row in one array.
pub struct Cells<'env> {
    env: &'env Env,
    integers: Integers,
    rows_max: usize,
    /// The shape that the facade knows.
    known: u64,
    out: Array<'env>,
    at: u32,
    rows: usize,
    shape: Option<Arc<Shape>>,
    blobs: Vec<u8>,
    /// Cell, offset and length of each blob.
    ranges: Vec<f64>,
    failed: Option<Box<ErrorPayload>>,
}

impl<'env> Cells<'env> {
    /// For at most `rows_max` rows.
    pub fn new(env: &'env Env, integers: Integers, known: u64, rows_max: usize) -> Result<Self> {
        Ok(Self {
            env,
            integers,
            rows_max,
            known,
            out: env.create_array(0)?,
            at: 0,
            rows: 0,
            shape: None,
            blobs: Vec::new(),
            ranges: Vec::new(),
            failed: None,
        })
    }

    fn push(&mut self, row: &RowRef<'_>) -> Result<()> {
        for (column, value) in row.values().iter().enumerate() {
            match value {
                ValueRef::Blob(blob) => {
                    let range = [self.at as f64, self.blobs.len() as f64, blob.len() as f64];
                    self.ranges.extend(range);
                    self.blobs.extend_from_slice(blob);
                    self.set(values::to_js(self.env, &ValueRef::Null, self.integers)?)?;
                }
                value => match values::to_js(self.env, value, self.integers)? {
                    None => {
                        let name = self.shape.as_ref().map(|shape| &*shape.columns[column].name);
                        self.failed = Some(Box::new(unsafe_integer(name.unwrap_or_default())));
                        return Ok(());
                    }
                    some => self.set(some)?,
                },
            }
        }
        Ok(())
    }

    fn set(&mut self, value: Option<sys::napi_value>) -> Result<()> {
        if let Some(value) = value {
            self.out.set(self.at, Raw(value))?;
        }
        self.at += 1;
        Ok(())
    }

    /// The cells alone where that is all, else an object of what there is.
    pub fn finish(self) -> Result<sys::napi_value> {
        if let Some(failed) = self.failed {
            // SAFETY: the environment is alive and this is its thread.
            return unsafe { ErrorPayload::to_napi_value(self.env.raw(), *failed) };
        }
        let news = self.shape.filter(|shape| shape.id != self.known);
        if news.is_none() && self.ranges.is_empty() {
            return Ok(self.out.raw());
        }
        let mut reply = Object::new(self.env)?;
        reply.set("cells", self.out)?;
        reply.set("rows", self.rows as f64)?;
        if let Some(shape) = news {
            let names: Vec<&str> = shape.columns.iter().map(|column| &*column.name).collect();
            reply.set("shape", shape.id as f64)?;
            reply.set("names", names)?;
        }
        if !self.ranges.is_empty() {
            reply.set("blobs", ArrayBuffer::copy_from(self.env, &self.blobs)?)?;
            reply.set("ranges", self.ranges)?;
        }
        Ok(reply.raw())
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows == 0 && self.failed.is_none()
    }
}

impl RowSink for Cells<'_> {
    fn shape(&mut self, shape: &Arc<Shape>) {
        self.shape = Some(Arc::clone(shape));
    }

    fn row(&mut self, row: &RowRef<'_>) -> bool {
        let scope = (self.rows_max > 1).then(|| Scope::open(self.env));
        if let Err(error) = self.push(row) {
            self.failed = Some(Box::new(ErrorPayload::too_large(&error.reason)));
        }
        drop(scope);
        self.rows += 1;
        self.failed.is_none() && self.rows < self.rows_max
    }
}

/// Lets go of the values that are made while it is open.
pub struct Scope {
    env: sys::napi_env,
    scope: sys::napi_handle_scope,
}

impl Scope {
    /// Opens it.
    pub fn open(env: &Env) -> Self {
        let mut scope = ptr::null_mut();
        // SAFETY: the environment is alive and this is its thread. If it fails, there is none.
        unsafe { sys::napi_open_handle_scope(env.raw(), &mut scope) };
        Self { env: env.raw(), scope }
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        if !self.scope.is_null() {
            // SAFETY: it is the last that was opened, and no value made in it is used any more.
            unsafe { sys::napi_close_handle_scope(self.env, self.scope) };
        }
    }
}
