//! Values of JavaScript that SQLite's side keeps.

use std::ptr;

use napi::bindgen_prelude::Unknown;
use napi::{Env, JsValue, sys};

/// A value that is kept. It belongs to a session that only the thread of its environment has.
pub struct Kept {
    env: sys::napi_env,
    reference: sys::napi_ref,
}

impl Kept {
    /// Keeps a value.
    pub fn of(env: &Env, value: &Unknown<'_>) -> Self {
        let mut reference = ptr::null_mut();
        // SAFETY: the value is alive; the reference is deleted once. If it fails, there is none.
        unsafe { sys::napi_create_reference(env.raw(), value.raw(), 1, &mut reference) };
        Self { env: env.raw(), reference }
    }

    /// Its environment.
    pub fn env(&self) -> Env {
        Env::from_raw(self.env)
    }

    /// The value, in the scope that is open.
    pub fn value(&self) -> sys::napi_value {
        let mut value = ptr::null_mut();
        // SAFETY: the environment is alive and this is its thread, as it is in a call of the
        // database.
        unsafe { sys::napi_get_reference_value(self.env, self.reference, &mut value) };
        value
    }

    /// Calls it, a function that throws nothing. `None` if the environment is ending.
    pub fn call(&self, arguments: &[sys::napi_value]) -> Option<sys::napi_value> {
        let function = self.value();
        let (mut this, mut result) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: as in `value`; all values were made in scopes that are open.
        let status = unsafe {
            sys::napi_get_undefined(self.env, &mut this);
            let (count, start) = (arguments.len(), arguments.as_ptr());
            sys::napi_call_function(self.env, this, function, count, start, &mut result)
        };
        (status == sys::Status::napi_ok).then_some(result)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // SAFETY: made once, deleted once, on the thread of its environment.
        unsafe { sys::napi_delete_reference(self.env, self.reference) };
    }
}
